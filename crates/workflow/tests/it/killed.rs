//! A random graph of steps ends in the same effects with and without kills.

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use store::WorkflowRunState;

use crate::world::World;

/// One step of a random list, before it has a place.
#[derive(Debug, Clone)]
enum Shape {
    /// An act of a kind: `set`, `make`, `send`.
    Act(&'static str),
    Map,
    Delay(u64),
    Approval,
    /// Goes on with one of the next few, by the parity of the input.
    Branch(usize, usize),
    /// Waits for an event that never comes, and goes on with one of the next few.
    Wait(u64, usize),
    /// Two lists side by side.
    Parallel(Vec<Shape>, Vec<Shape>),
    ForEach(usize, u32, Vec<Shape>),
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        6 => prop_oneof![Just("set"), Just("make"), Just("send")].prop_map(Shape::Act),
        1 => Just(Shape::Map),
        1 => (1_u64..100_000).prop_map(Shape::Delay),
        1 => Just(Shape::Approval),
        1 => (1_usize..4, 1_usize..4).prop_map(|(one, other)| Shape::Branch(one, other)),
        1 => (1_u64..100_000, 1_usize..4).prop_map(|(longest, late)| Shape::Wait(longest, late)),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        let list = || prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            (0_usize..4, 1_u32..4, list())
                .prop_map(|(items, at_once, steps)| Shape::ForEach(items, at_once, steps)),
            (list(), list()).prop_map(|(one, other)| Shape::Parallel(one, other)),
        ]
    })
}

/// The list as steps; ids are unique by their place.
fn steps(shapes: &[Shape], prefix: &str) -> Vec<Json> {
    let id = |at: usize| match at < shapes.len() {
        true => format!("{prefix}{at}"),
        false => "end".to_owned(),
    };
    shapes
        .iter()
        .enumerate()
        .map(|(at, shape)| {
            let own = id(at);
            // an effect says where it stands and for which element, so that no two are the same
            let who = "{{ item }}-{{ index }}-{{ trigger.n }}";
            match shape {
                Shape::Act(kind) => json!({"id": own, "operation": {"connection": "x",
                    "operation": format!("{kind}.{own}"), "input": {"who": who}}}),
                Shape::Map => json!({"id": own, "map": {"n": "{{ trigger.n + 1 }}"}}),
                Shape::Delay(seconds) => json!({"id": own, "delay": {"for": seconds.to_string()}}),
                Shape::Approval => json!({"id": own, "approval": {"question": "May it?"}}),
                Shape::Branch(one, other) => json!({"id": own, "branch": {
                    "cases": [{"when": {"value": "{{ trigger.odd }}", "is": "true"}, "go": id(at + one)}],
                    "otherwise": id(at + other)}}),
                Shape::Wait(longest, late) => json!({"id": own, "wait": {
                    "event": {"connection": "x", "trigger": "never"},
                    "for": longest.to_string(), "late": id(at + late)}}),
                Shape::Parallel(one, other) => json!({"id": own, "parallel": {"branches": {
                    "one": steps(one, &format!("{own}_a")), "other": steps(other, &format!("{own}_b"))}}}),
                Shape::ForEach(items, at_once, inner) => json!({"id": own, "for_each": {
                    "items": (0..*items).map(|n| format!("{n} of {{{{ item }}}}")).collect::<Vec<_>>(), "at_once": at_once,
                    "steps": steps(inner, &format!("{own}_"))}}),
            }
        })
        .collect()
}

/// All effects, and how both runs ended.
async fn outcome(workflow: &Json, lives: &[i64]) -> (Vec<(String, u32)>, Vec<WorkflowRunState>) {
    let world = World::new();
    world.publish(workflow).await;
    let mut runs = Vec::new();
    for n in 0..2 {
        let trigger = json!({"n": n, "odd": n == 1});
        runs.push(world.begin("random", trigger).await);
    }
    world.work(lives).await;
    let mut states = Vec::new();
    for run in runs {
        states.push(world.run(run).await.state);
    }
    let effects = world.effects.lock().unwrap();
    // what can be repeated may be repeated; what matters is that it is there
    let count = |(said, count): (&String, &u32)| {
        let count = if said.starts_with("set.") { 1 } else { *count };
        (said.clone(), count)
    };
    (effects.done.iter().map(count).collect(), states)
}

fn on_paused_time<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_random_graph_ends_in_the_same_effects_with_and_without_kills(
        shapes in prop::collection::vec(shape(), 1..8),
        lives in prop::collection::vec(0_i64..40, 0..12),
    ) {
        let workflow = json!({"version": 1, "name": "random", "trigger": {"manual": {}},
            "steps": steps(&shapes, "s")});
        let (calm, killed) = on_paused_time(async {
            (outcome(&workflow, &[]).await, outcome(&workflow, &lives).await)
        });
        prop_assert!(calm.1.iter().all(|state| *state == WorkflowRunState::Done));
        prop_assert!(calm.0.iter().all(|(_, count)| *count == 1));
        prop_assert_eq!(calm, killed);
    }
}
