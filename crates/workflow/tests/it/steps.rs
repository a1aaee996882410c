//! What steps do, and what failures do to a run.

use connector::catalog::trigger::Happened;
use serde_json::{Value as Json, json};
use store::{WorkflowRunState as State, WorkflowStepState, WorkflowStore as _};
use workflow::FailureKind;

use crate::world::{Life, World, workspace};

fn workflow(name: &str, steps: Json) -> Json {
    json!({"version": 1, "name": name, "trigger": {"manual": {}}, "steps": steps})
}

fn act(id: &str, operation: &str) -> Json {
    json!({"id": id, "operation": {"connection": "x", "operation": operation}})
}

fn with(mut step: Json, name: &str, value: Json) -> Json {
    step[name] = value;
    step
}

fn count(world: &World, operation: &str) -> u32 {
    let effects = world.effects.lock().unwrap();
    let own = effects
        .done
        .iter()
        .filter(|(said, _)| said.starts_with(operation));
    own.map(|(_, count)| count).sum()
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_and_what_may_not_is_not() {
    let world = World::new();
    world
        .publish(&workflow(
            "one",
            json!([act("a", "set.a"), act("b", "set.b")]),
        ))
        .await;
    world.effects.lock().unwrap().failing = [
        ("set.a".to_owned(), (5, FailureKind::Unreachable)),
        ("set.b".to_owned(), (1, FailureKind::Refused)),
    ]
    .into();
    let run = world.begin("one", json!({})).await;
    world.work(&[]).await;
    let ended = world.run(run).await;
    assert_eq!(ended.state, State::Failed);
    assert_eq!(ended.note.as_deref(), Some("`b`: it fails"));
    let rows = world.steps(run).await;
    let tries: Vec<(&str, u32)> = rows
        .iter()
        .map(|row| (row.step.as_str(), row.attempt))
        .collect();
    assert_eq!(
        tries,
        [
            ("a", 1),
            ("a", 2),
            ("a", 3),
            ("a", 4),
            ("a", 5),
            ("a", 6),
            ("b", 1)
        ]
    );
    // 5 and 30 minutes, 1, 3 and 6 hours, each between half and one and a half of it
    let took = ended.ended.unwrap().duration_since(ended.accepted);
    let hours = took.as_secs_f64() / 3600.0;
    assert!((5.2..16.0).contains(&hours), "{hours} hours");
}

#[tokio::test(start_paused = true)]
async fn a_failure_stops_goes_on_or_goes_elsewhere_as_its_step_says() {
    let world = World::new();
    let steps = json!([
        with(act("a", "set.a"), "on_error", json!("continue")),
        with(act("b", "set.b"), "on_error", json!({"go": "mend"})),
        act("never", "set.never"),
        {"id": "mend", "map": {"why": "{{ errors.b.message }}", "kind": "{{ errors.b.kind }}"}},
    ]);
    world.publish(&workflow("one", steps)).await;
    world.effects.lock().unwrap().failing = ["set.a", "set.b"]
        .map(|operation| (operation.to_owned(), (9, FailureKind::Refused)))
        .into();
    let run = world.begin("one", json!({})).await;
    world.work(&[]).await;
    let ended = world.run(run).await;
    assert_eq!(ended.state, State::Done);
    assert_eq!(
        ended.result,
        Some(json!({"why": "it fails", "kind": "refused"}))
    );
    assert_eq!(count(&world, "set.never"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_looked_up_or_asked_about_and_never_done_twice_by_itself() {
    let world = World::new();
    world
        .publish(&workflow(
            "one",
            json!([act("a", "make.a"), act("b", "send.b")]),
        ))
        .await;
    world.effects.lock().unwrap().unknown =
        [("make.a".to_owned(), 1), ("send.b".to_owned(), 1)].into();
    let run = world.begin("one", json!({})).await;
    let runner = world.immortal();
    // until it asks
    loop {
        for claimed in runner.claim(1).await.unwrap() {
            runner.drive(claimed).await.unwrap();
        }
        if world.run(run).await.state == State::Asking {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
    }
    assert_eq!((count(&world, "make.a"), count(&world, "send.b")), (1, 1));
    let rows = world.steps(run).await;
    assert_eq!(rows[0].state, WorkflowStepState::Done);
    assert_eq!(rows[1].state, WorkflowStepState::Uncertain);
    assert!(runner.answer(run, "approve", None).await.is_err());
    let output = Some(json!({"id": "m1"}));
    runner.answer(run, "done", output).await.unwrap();
    world.work(&[]).await;
    let ended = world.run(run).await;
    assert_eq!(
        (ended.state, ended.result),
        (State::Done, Some(json!({"id": "m1"})))
    );
    assert_eq!(count(&world, "send.b"), 1);
}

#[tokio::test(start_paused = true)]
async fn runs_of_one_key_go_in_order_and_no_more_than_allowed_go_at_once() {
    let world = World::new();
    let mut ordered = workflow(
        "ordered",
        json!([
        {"id": "wait", "delay": {"for": "{{ trigger.wait }}"}},
        {"id": "say", "operation": {"connection": "x", "operation": "make.say",
            "input": {"at": "{{ trigger.n }}"}}}]),
    );
    ordered["runs"] = json!({"key": "{{ trigger.key }}", "at_once": 2});
    world.publish(&ordered).await;
    let mut runs = Vec::new();
    for (n, key, wait) in [
        (1, "a", "2h"),
        (2, "a", "1m"),
        (3, "b", "1m"),
        (4, "c", "1m"),
    ] {
        let trigger = json!({"n": n, "key": key, "wait": wait});
        runs.push(world.begin("ordered", trigger).await);
    }
    world.work(&[]).await;
    let mut ended = Vec::new();
    for (n, run) in (1..).zip(&runs) {
        ended.push((world.run(*run).await.ended.unwrap(), n));
    }
    ended.sort();
    let order: Vec<i32> = ended.into_iter().map(|(_, n)| n).collect();
    // 2 waits for 1, and 4 for a place; 3 passes both
    assert_eq!(order, [3, 4, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_called_workflow_hands_back_its_result_and_circles_are_stopped() {
    let world = World::new();
    world
        .publish(&workflow(
            "child",
            json!([
            {"id": "double", "stop": {"result": {"twice": "{{ trigger.n * 2 }}"}}}]),
        ))
        .await;
    world
        .publish(&workflow(
            "parent",
            json!([
            {"id": "each", "for_each": {"items": [1, 2, 3], "at_once": 2, "steps": [
                {"id": "call", "call": {"workflow": "child", "input": {"n": "{{ item }}"}}}]}},
            {"id": "all", "map": {"third": "{{ steps.each[2].twice }}"}}]),
        ))
        .await;
    let run = world.begin("parent", json!({})).await;
    for (name, other) in [("ping", "pong"), ("pong", "ping")] {
        let steps = json!([{"id": "call", "call": {"workflow": other}}]);
        world.publish(&workflow(name, steps)).await;
    }
    let circle = world.begin("ping", json!({})).await;
    world.work(&[]).await;
    assert_eq!(world.run(run).await.result, Some(json!({"third": 6})));
    let circle = world.run(circle).await;
    assert_eq!(circle.state, State::Failed);
    let note = circle.note.unwrap();
    assert!(note.contains("circles: ping → pong"), "{note}");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_replayed_from_a_step_with_what_was_done_before_it() {
    let world = World::new();
    let steps = json!([
        act("a", "make.a"),
        with(act("b", "make.b"), "retry", json!({"waits": []})),
        {"id": "c", "map": {"a": "{{ steps.a.said }}"}},
    ]);
    world.publish(&workflow("one", steps)).await;
    world.effects.lock().unwrap().failing =
        [("make.b".to_owned(), (1, FailureKind::Unreachable))].into();
    let run = world.begin("one", json!({})).await;
    world.work(&[]).await;
    assert_eq!(world.run(run).await.state, State::Failed);
    let again = world.immortal().replay(run, Some("b"), None).await.unwrap();
    world.work(&[]).await;
    let ended = world.run(again).await;
    assert_eq!(ended.state, State::Done);
    assert_eq!(ended.result, Some(json!({"a": "make.a {}"})));
    assert_eq!((count(&world, "make.a"), count(&world, "make.b")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_ends_with_all_it_began_and_lets_the_next_go_on() {
    let world = World::new();
    let mut one = workflow(
        "one",
        json!([
        {"id": "each", "for_each": {"items": [1, 2], "at_once": 2, "steps": [
            {"id": "wait", "delay": {"for": "3 days"}}, act("late", "set.late")]}}]),
    );
    one["runs"] = json!({"at_once": 1});
    world.publish(&one).await;
    let first = world.begin("one", json!({})).await;
    let second = world.begin("one", json!({})).await;
    let runner = world.immortal();
    for _ in 0..4 {
        for claimed in runner.claim(8).await.unwrap() {
            runner.drive(claimed).await.unwrap();
        }
    }
    assert_eq!(world.run(first).await.state, State::Waiting);
    assert_eq!(world.run(second).await.state, State::Queued);
    runner.cancel(first).await.unwrap();
    world.work(&[]).await;
    assert_eq!(world.run(first).await.state, State::Cancelled);
    assert_eq!(world.run(second).await.state, State::Done);
    assert_eq!(count(&world, "set.late"), 2, "those of the second");
    // what ended long ago goes, with its steps
    let gone = world
        .store
        .drop_runs(&workspace(), "2027-01-01T00:00:00Z".parse().unwrap(), 100)
        .await;
    assert_eq!(gone.unwrap(), 6);
    assert!(world.steps(first).await.is_empty());
}

/// Somebody answers, or nobody does.
fn reply() -> Json {
    workflow(
        "reply",
        json!([
            act("ask", "send.ask"),
            {"id": "reply", "wait": {
                "event": {"connection": "x", "trigger": "message"},
                "where": {"all": [
                    {"value": "{{ event.from }}", "is": "equals", "to": "{{ trigger.who }}"},
                    {"value": "{{ event.text }}", "is": "filled"}]},
                "for": "3 days", "late": "remind"}},
            {"id": "thank", "map": {"said": "{{ steps.reply.event.text }}"}, "next": "end"},
            {"id": "remind", "map": {"came": "{{ steps.reply.came }}"}},
        ]),
    )
}

fn message(from: &str, text: &str) -> Vec<Happened> {
    let item = json!({"from": from, "text": text});
    vec![Happened {
        trigger: "message".to_owned(),
        id: format!("{from} {text}"),
        item,
    }]
}

/// Drives what is due now and nothing else.
async fn now(world: &World) {
    let runner = world.immortal();
    loop {
        let claimed = runner.claim(8).await.unwrap();
        if claimed.is_empty() {
            return;
        }
        for run in claimed {
            runner.drive(run).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_goes_on_with_the_event_that_it_waits_for_or_when_it_is_too_late() {
    let world = World::new();
    world.publish(&reply()).await;
    let anna = world.begin("reply", json!({"who": "anna"})).await;
    let berta = world.begin("reply", json!({"who": "berta"})).await;
    now(&world).await;
    let runner = world.immortal();
    assert_eq!(
        runner.waited_for().await.unwrap()[0],
        ("x".to_owned(), "message".to_owned())
    );
    let told = async |connection: &str, delivery: &str, events: Vec<Happened>| {
        let runner = world.immortal();
        let delivery = Some(delivery);
        runner.told(connection, delivery, &events).await.unwrap();
        now(&world).await;
    };
    told("x", "d1", message("carl", "hello")).await;
    told("x", "d2", message("anna", "")).await;
    told("elsewhere", "d3", message("anna", "hello")).await;
    assert_eq!(world.run(anna).await.state, State::Ready, "none was hers");
    told("x", "d4", message("anna", "{{ trigger.who }}")).await;
    let ended = world.run(anna).await;
    assert_eq!(ended.state, State::Done);
    assert_eq!(ended.result, Some(json!({"said": "{{ trigger.who }}"})));
    let before = world.run(berta).await;
    assert_eq!(before.state, State::Ready);
    world.work(&[]).await;
    let ended = world.run(berta).await;
    assert_eq!(ended.result, Some(json!({"came": false})));
    let waited = ended.ended.unwrap().duration_since(ended.accepted);
    assert_eq!(waited.as_hours(), 72);
    // what came once and late is nobody's
    told("x", "d5", message("berta", "hello")).await;
    assert_eq!(runner.waited_for().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_came_to_a_waiting_run_survives_every_death_and_comes_to_it_once() {
    for moment in 0..40 {
        let world = World::new();
        let steps = json!([
            {"id": "one", "wait": {"event": {"connection": "x", "trigger": "message"}, "for": "1h"}},
            act("make", "make.it"),
            {"id": "two", "wait": {"event": {"connection": "x", "trigger": "message"}, "for": "1h"}},
            {"id": "said", "map": {"one": "{{ steps.one.event.text }}", "two": "{{ steps.two.came }}"}},
        ]);
        world.publish(&workflow("waits", steps)).await;
        let run = world.begin("waits", json!({})).await;
        now(&world).await;
        let life = Life::of(moment);
        let dying = world.runner(&life);
        let events = message("anna", "hello");
        // the vendor tells it until it is heard, and once more
        tokio::select! {
            () = life.dead() => {}
            told = dying.told("x", Some("d1"), &events) => told.unwrap(),
        }
        now(&world).await;
        world
            .immortal()
            .told("x", Some("d1"), &events)
            .await
            .unwrap();
        now(&world).await;
        world
            .immortal()
            .told("x", Some("d1"), &events)
            .await
            .unwrap();
        world.work(&[moment]).await;
        let ended = world.run(run).await;
        assert_eq!(
            ended.result,
            Some(json!({"one": "hello", "two": false})),
            "killed after {moment} moments"
        );
        assert_eq!(count(&world, "make.it"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn lists_side_by_side_are_done_at_once_and_fail_by_name() {
    let world = World::new();
    let steps = |on_failure: &str| {
        json!([
            {"id": "before", "map": {"n": 1}},
            {"id": "both", "parallel": {"on_failure": on_failure, "branches": {
                "slow": [{"id": "wait", "delay": {"for": "2h"}},
                    {"id": "n", "map": {"n": "{{ steps.before.n + 1 }}"}}],
                "quick": [with(act("fails", "set.fails"), "retry", json!({"waits": []}))]}}},
            {"id": "after", "map": {"slow": "{{ steps.both.slow.n }}", "quick": "{{ steps.both.quick }}"}},
        ])
    };
    world.publish(&workflow("stops", steps("stop"))).await;
    world.publish(&workflow("goes_on", steps("continue"))).await;
    world.effects.lock().unwrap().failing =
        [("set.fails".to_owned(), (9, FailureKind::Refused))].into();
    let stops = world.begin("stops", json!({})).await;
    let goes_on = world.begin("goes_on", json!({})).await;
    world.work(&[]).await;
    let ended = world.run(stops).await;
    assert_eq!(ended.state, State::Failed);
    assert_eq!(
        ended.note.as_deref(),
        Some("`both`: quick: `fails`: it fails")
    );
    let ended = world.run(goes_on).await;
    assert_eq!(ended.result, Some(json!({"slow": 2, "quick": null})));
    let took = ended.ended.unwrap().duration_since(ended.accepted);
    assert_eq!(took.as_hours(), 2);
}
