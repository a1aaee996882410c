//! Watching with a system that has to be asked: who waits, who pauses, and what cannot be read.

use std::{sync::Arc, time::Duration};

use connections::Clock as _;
use connector::catalog::trigger::Happened;
use serde_json::{Value as Json, json};
use store::{Store as _, WorkflowRunFilter, WorkflowStore as _};
use tokio_util::sync::{CancellationToken, DropGuard};
use workflow::WatchPace;

use crate::{
    vendor::{Vendor, connected},
    watched::written,
    world::{World, workspace},
};

struct Watching {
    world: World,
    vendor: Arc<Vendor>,
    _stop: DropGuard,
}

impl Watching {
    async fn new() -> Self {
        let world = World::new();
        let vendor = Arc::new(Vendor::default());
        let connections = connected(&vendor, &world.clock).await;
        let stop = CancellationToken::new();
        let runner = Arc::new(world.immortal());
        tokio::spawn(runner.watch(connections, WatchPace::default(), stop.clone()));
        Self {
            world,
            vendor,
            _stop: stop.drop_guard(),
        }
    }

    async fn publish(&self, name: &str, trigger: Json) {
        let workflow = json!({"version": 1, "name": name, "trigger": trigger,
            "steps": [{"id": "a", "map": {}}]});
        self.world.publish(&workflow).await;
    }

    async fn pause(&self, name: &str, paused: bool) {
        let now = self.world.clock.now();
        let store = &self.world.store;
        let there = store.pause_workflow(&workspace(), name, paused, now).await;
        assert!(there.unwrap());
    }

    /// One more thing at the vendor.
    fn thing(&self) {
        *self.vendor.things.lock().unwrap() += 1;
    }

    /// Something that the sync `people` wrote.
    async fn write(&self, email: &str) {
        let commit = store::Commit {
            journal: vec![written("email", email)],
            ..store::Commit::default()
        };
        self.world.store.commit(&workspace(), commit).await.unwrap();
    }

    /// What the runs of a workflow were begun by, oldest first.
    async fn begun(&self, name: &str) -> Vec<Json> {
        let filter = WorkflowRunFilter {
            workflow: Some(name.to_owned()),
            ..WorkflowRunFilter::default()
        };
        let runs = self.world.store.workflow_runs(&workspace(), &filter).await;
        let runs = runs.unwrap().into_iter().rev();
        runs.map(|run| run.body["trigger"].clone()).collect()
    }

    async fn cursors(&self) -> Vec<String> {
        let cursors = self.world.store.workflow_cursors(&workspace()).await;
        cursors.unwrap()
    }
}

/// Long enough for every look and question that is due.
async fn a_while() {
    tokio::time::sleep(Duration::from_secs(200)).await;
}

#[tokio::test(start_paused = true)]
async fn what_happens_in_a_pause_begins_nothing_later_and_a_new_version_misses_nothing() {
    let watching = Watching::new().await;
    let asks = json!({"event": {"connection": "talking", "trigger": "thing.saved"}});
    let listens = json!({"sync": {"sync": "people", "on": "changed"}});
    // what was before nobody hears
    watching.thing();
    watching.write("0").await;
    watching.publish("asks", asks.clone()).await;
    watching.publish("listens", listens.clone()).await;
    a_while().await;
    watching.thing();
    watching.write("1").await;
    // a new version, before the first one was told
    watching.publish("asks", asks).await;
    watching.publish("listens", listens).await;
    a_while().await;
    let things = async || {
        let begun = watching.begun("asks").await;
        let ids: Vec<Json> = begun.iter().map(|thing| thing["id"].clone()).collect();
        json!(ids)
    };
    let mails = async || {
        let begun = watching.begun("listens").await;
        let ids: Vec<Json> = begun.iter().map(|entry| entry["after"].clone()).collect();
        json!(ids)
    };
    assert_eq!((things().await, mails().await), (json!([1]), json!(["1"])));
    for name in ["asks", "listens"] {
        watching.pause(name, true).await;
    }
    a_while().await;
    assert!(watching.cursors().await.is_empty());
    watching.thing();
    watching.write("2").await;
    a_while().await;
    for name in ["asks", "listens"] {
        watching.pause(name, false).await;
    }
    a_while().await;
    watching.thing();
    watching.write("3").await;
    a_while().await;
    assert_eq!(
        (things().await, mails().await),
        (json!([1, 3]), json!(["1", "3"]))
    );
}

#[tokio::test(start_paused = true)]
async fn an_account_that_does_not_answer_holds_up_nobody_else() {
    let watching = Watching::new().await;
    for (name, connection) in [("a", "silent"), ("b", "talking")] {
        let trigger = json!({"event": {"connection": connection, "trigger": "thing.saved"}});
        watching.publish(name, trigger).await;
    }
    let listens = json!({"sync": {"sync": "people", "on": "changed"}});
    watching.publish("listens", listens).await;
    let hourly = json!({"schedule": {"cron": "* * * * *", "zone": "UTC"}});
    watching.publish("minutely", hourly).await;
    a_while().await;
    watching.thing();
    watching.write("1").await;
    a_while().await;
    assert_eq!(watching.begun("b").await, [json!({"id": 0})]);
    assert_eq!(watching.begun("listens").await.len(), 1);
    assert!(watching.begun("minutely").await.len() >= 3);
    assert_eq!(watching.begun("a").await, [Json::Null; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_list_of_any_length_is_read_to_its_end_over_several_questions() {
    let watching = Watching::new().await;
    let asks = json!({"event": {"connection": "talking", "trigger": "thing.saved"}});
    watching.publish("asks", asks).await;
    a_while().await;
    // more pages than are read at once
    *watching.vendor.things.lock().unwrap() = 901;
    for _ in 0..5 {
        a_while().await;
    }
    assert_eq!(watching.begun("asks").await.len(), 901);
    let answered = *watching.vendor.answered.lock().unwrap();
    watching.thing();
    for _ in 0..5 {
        a_while().await;
    }
    assert_eq!(watching.begun("asks").await.len(), 902);
    assert!(*watching.vendor.answered.lock().unwrap() > answered + 451);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_cannot_be_read_begins_nothing_and_holds_up_no_other() {
    let watching = Watching::new().await;
    let asks = json!({"event": {"connection": "talking", "trigger": "thing.saved"}});
    watching.publish("asks", asks).await;
    let strange = json!({"of": "a later Tandem"});
    let now = watching.world.clock.now();
    let published = watching
        .world
        .store
        .publish_workflow(&workspace(), "strange", &strange, None, now)
        .await;
    assert_eq!(published.unwrap(), 1);
    let happened = Happened {
        trigger: "thing.saved".to_owned(),
        id: "7".to_owned(),
        item: json!({"id": 7}),
    };
    let runner = watching.world.immortal();
    let told = runner.told("talking", Some("d1"), &[happened]).await;
    told.unwrap();
    a_while().await;
    watching.thing();
    a_while().await;
    let begun = watching.begun("asks").await;
    assert_eq!(begun, [json!({"id": 7}), json!({"id": 0})]);
}
