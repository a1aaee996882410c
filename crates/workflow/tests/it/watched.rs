//! What begins runs by itself: times, and what syncs do. Each begins one run, and nothing is lost or begun twice.

use std::time::Duration;

use connections::Clock as _;
use record::{Entity, Field, FieldName, RecordId};
use serde_json::{Value as Json, json};
use store::{
    Cause, Commit, ConnectionName, Effect, NewJournalEntry, SignalSource, Store as _, SyncName,
    WorkflowRunFilter, WorkflowStore as _,
};
use workflow::model::{Schedule, Trigger, Workflow};

use crate::world::{World, workspace};

async fn begun(world: &World) -> Vec<Json> {
    let filter = WorkflowRunFilter::default();
    let runs = world
        .store
        .workflow_runs(&workspace(), &filter)
        .await
        .unwrap();
    runs.into_iter()
        .rev()
        .map(|run| run.body["trigger"].clone())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_schedule_begins_one_run_a_time_and_one_for_all_that_were_missed() {
    let world = World::new();
    let workflow = json!({"version": 1, "name": "daily", "steps": [{"id": "a", "map": {}}],
        "trigger": {"schedule": {"cron": "0 7 * * *", "zone": "Europe/Berlin"}}});
    world.publish(&workflow).await;
    let workflow: Workflow = serde_json::from_value(workflow).unwrap();
    let Trigger::Schedule(schedule) = &workflow.trigger else {
        panic!("{workflow:?}")
    };
    let runner = world.immortal();
    let stored = runner.workflow("daily").await.unwrap();
    let look = async |schedule: &Schedule| runner.on_time(&stored, schedule).await.unwrap();
    let next = look(schedule).await.unwrap();
    assert_eq!(next.to_string(), "2026-01-01T06:00:00Z");
    assert_eq!(begun(&world).await, [Json::Null; 0]);
    world.clock.sleep_until(next).await;
    // also after a restart right after it
    look(schedule).await;
    look(schedule).await;
    let first = json!({"scheduled": "2026-01-01T06:00:00Z", "missed": 0});
    assert_eq!(begun(&world).await, std::slice::from_ref(&first));
    // nothing ran for three days
    tokio::time::sleep(Duration::from_secs(3 * 86_400 + 3600)).await;
    let next = look(schedule).await.unwrap();
    assert_eq!(next.to_string(), "2026-01-05T06:00:00Z");
    let second = json!({"scheduled": "2026-01-04T06:00:00Z", "missed": 2});
    assert_eq!(begun(&world).await, [first, second]);
}

pub(crate) fn written(field: &str, after: &str) -> NewJournalEntry {
    NewJournalEntry {
        at: "2026-01-01T00:00:00Z".parse().unwrap(),
        effect: Effect::Written,
        connection: ConnectionName::from("office"),
        entity: Entity::Contact,
        record: RecordId::new("4711"),
        field: Some(FieldName::from(field)),
        before: Field::Empty,
        after: Field::of(after),
        sync: Some(SyncName::from("people")),
        link: None,
        rule: "email: newest".to_owned(),
        cause: Cause {
            trace: uuid::Uuid::nil(),
            source: SignalSource::Webhook,
            origin: None,
            passed: Vec::new(),
        },
        run: None,
        note: None,
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_sync_writes_begins_a_run_for_each_field_that_is_watched() {
    let world = World::new();
    let workflow = json!({"version": 1, "name": "watch", "steps": [{"id": "a", "map": {}}],
        "trigger": {"sync": {"sync": "people", "on": "changed", "field": "email"}}});
    world.publish(&workflow).await;
    let commit = async |entries: Vec<NewJournalEntry>| {
        let commit = Commit {
            journal: entries,
            ..Commit::default()
        };
        world.store.commit(&workspace(), commit).await.unwrap();
    };
    commit(vec![written("email", "before@example.org")]).await;
    let runner = world.immortal();
    runner.look_at_syncs().await.unwrap();
    assert_eq!(begun(&world).await, [Json::Null; 0], "it was before");
    commit(vec![
        written("phone", "1"),
        written("email", "anna@example.org"),
    ])
    .await;
    runner.look_at_syncs().await.unwrap();
    // another process that looks again
    world.immortal().look_at_syncs().await.unwrap();
    let runs = begun(&world).await;
    assert_eq!(runs.len(), 1, "{runs:#?}");
    assert_eq!(
        (&runs[0]["record"], &runs[0]["field"], &runs[0]["after"]),
        (&json!("4711"), &json!("email"), &json!("anna@example.org"))
    );
}
