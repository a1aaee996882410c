//! What a run may not do: outlast its lease, take what was not kept for nothing, or resolve what comes from outside.

use std::time::Duration;

use serde_json::{Value as Json, json};
use store::{WorkflowRunFilter, WorkflowRunState as State, WorkflowStore as _};
use workflow::{Act, FailureKind, Graph, Move, Runner, model::Workflow};

use crate::world::{World, workspace};

fn workflow(steps: Json) -> Json {
    json!({"version": 1, "name": "one", "trigger": {"manual": {}}, "steps": steps})
}

fn act(id: &str, operation: &str) -> Json {
    json!({"id": id, "operation": {"connection": "x", "operation": operation}})
}

/// Two processes that take whatever is due until the run has nothing left to do by itself.
async fn two_work(world: &World, run: store::WorkflowRunId) {
    let works = async |runner: Runner| {
        for _ in 0..400 {
            for claimed in runner.claim(8).await.unwrap() {
                runner.drive(claimed).await.unwrap();
            }
            let state = world.run(run).await.state;
            if state.has_ended() || state == State::Asking {
                break;
            }
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
    };
    tokio::join!(works(world.immortal()), works(world.immortal()));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_takes_longer_than_a_lease_is_driven_by_one_at_a_time() {
    let world = World::new();
    let ids = ["a", "b", "c", "d", "e", "f", "g"];
    let steps: Vec<Json> = ids
        .iter()
        .map(|id| act(id, &format!("send.{id}")))
        .collect();
    world.publish(&workflow(json!(steps))).await;
    let slow = ids.map(|id| (format!("send.{id}"), Duration::from_secs(240)));
    world.effects.lock().unwrap().slow = slow.into();
    let run = world.begin("one", json!({})).await;
    two_work(&world, run).await;
    let ended = world.run(run).await;
    assert_eq!(ended.state, State::Done, "{:?}", ended.note);
    let took = ended.ended.unwrap().duration_since(ended.accepted);
    assert!(took.as_secs() >= 7 * 240, "{took:?}");
    let effects = world.effects.lock().unwrap();
    assert!(
        effects.done.len() == ids.len() && effects.done.values().all(|count| *count == 1),
        "{:?}",
        effects.done
    );
}

#[tokio::test(start_paused = true)]
async fn an_act_that_does_not_end_is_let_go_before_another_worker_may_take_the_run() {
    let world = World::new();
    world.publish(&workflow(json!([act("a", "send.a")]))).await;
    world.effects.lock().unwrap().slow =
        [("send.a".to_owned(), Duration::from_secs(86_400))].into();
    let run = world.begin("one", json!({})).await;
    two_work(&world, run).await;
    let asking = world.run(run).await;
    assert_eq!(asking.state, State::Asking);
    let note = asking.note.unwrap();
    assert!(note.ends_with("it took too long"), "{note}");
    assert_eq!(world.effects.lock().unwrap().done.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_output_that_was_not_kept_is_an_error_for_who_needs_it() {
    let world = World::new();
    let steps = json!([
        {"id": "large", "map": {"list": ["{{ trigger.text }}"]}},
        {"id": "each", "for_each": {"items": "{{ steps.large.list }}", "steps": [act("b", "set.b")]}},
    ]);
    world.publish(&workflow(steps)).await;
    let run = world
        .begin("one", json!({"text": "x".repeat(300_000)}))
        .await;
    world.work(&[]).await;
    let ended = world.run(run).await;
    assert_eq!(ended.state, State::Failed);
    let note = ended.note.unwrap();
    assert!(note.contains("`steps.large.list`"), "{note}");
    assert!(note.contains("too large to be kept"), "{note}");
}

#[tokio::test(start_paused = true)]
async fn the_run_of_an_element_is_replayed_with_what_was_done_before_its_list() {
    let world = World::new();
    let steps = json!([
        act("a", "make.a"),
        {"id": "each", "for_each": {"items": [1, 2], "on_failure": "continue", "steps": [
            {"id": "own", "map": {"n": "{{ item }}"}},
            act("b", "make.b"),
            {"id": "c", "map": {"a": "{{ steps.a.said }}", "n": "{{ steps.own.n }}", "item": "{{ item }}"}},
        ]}},
    ]);
    world.publish(&workflow(steps)).await;
    world.effects.lock().unwrap().failing =
        [("make.b".to_owned(), (1, FailureKind::Refused))].into();
    let run = world.begin("one", json!({})).await;
    world.work(&[]).await;
    assert_eq!(world.run(run).await.state, State::Done);
    let filter = WorkflowRunFilter {
        state: Some(State::Failed),
        children: true,
        ..WorkflowRunFilter::default()
    };
    let failed = world.store.workflow_runs(&workspace(), &filter).await;
    let failed = failed.unwrap();
    assert_eq!(failed.len(), 1);
    let item = failed[0].body["item"].clone();
    for from in [Some("b"), None] {
        let again = world.immortal().replay(failed[0].id, from, None).await;
        let again = again.unwrap();
        world.work(&[]).await;
        let ended = world.run(again).await;
        assert_eq!(
            ended.result,
            Some(json!({"a": "make.a {}", "n": item, "item": item})),
            "{:?}",
            ended.note
        );
    }
}

#[test]
fn only_what_stands_in_the_workflow_itself_is_a_reference_to_a_secret() {
    let next = |header: &str, trigger: Json| {
        let steps = json!([{"id": "a", "http": {"url": "https://example.org", "headers": {"x-key": header}}}]);
        let workflow: Workflow = serde_json::from_value(workflow(steps)).unwrap();
        let known = json!({"trigger": trigger, "vars": {"word": "env:HOME"}});
        workflow::next(
            &Graph::new(workflow),
            "a",
            &known,
            jiff::Timestamp::UNIX_EPOCH,
        )
    };
    for (header, trigger) in [
        ("{{ trigger.who }}", json!({"who": "file:/etc/hostname"})),
        ("{{ trigger.who }}", json!({"who": "env:HOME"})),
        ("{{ vars.word }}", json!({})),
        ("en{{ trigger.who }}", json!({"who": "v:HOME"})),
        ("env:{{ trigger.who }}", json!({"who": "HOME"})),
    ] {
        let Move::Failed(failure) = next(header, trigger) else {
            panic!("`{header}` was resolved");
        };
        assert_eq!(failure.kind, FailureKind::Input);
        assert!(
            failure.message.contains("http.headers.x-key"),
            "{failure:?}"
        );
    }
    for (header, sent) in [
        ("env:HOME", "env:HOME"),
        ("about {{ trigger.who }}", "about env:HOME"),
    ] {
        let Move::Act(Act::Http { headers, .. }) = next(header, json!({"who": "env:HOME"})) else {
            panic!("`{header}` cannot be sent");
        };
        assert_eq!(headers["x-key"], sent);
    }
}
