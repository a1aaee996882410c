//! Full listings: what they saw, what they missed, and going on.

use record::Entity;
use serde_json::json;
use store::{Listed, SweepPage};

use super::things::*;

/// A page that shows these records unchanged.
pub(crate) fn page(sweep: i64, rows: &[i64], cursor: Option<&str>) -> SweepPage {
    SweepPage {
        sweep,
        connection: crm(),
        entity: Entity::Contact,
        unchanged: rows.to_vec(),
        changed: Vec::new(),
        cursor: cursor.map(|cursor| json!(cursor)),
        at: at(0),
    }
}

pub(crate) async fn rows(store: &Under, names: &[&str]) -> Vec<i64> {
    store
        .known(&ws(), &crm(), Entity::Contact, &ids(names))
        .await
        .unwrap()
        .into_iter()
        .map(|known| known.unwrap().row)
        .collect()
}

async fn begin(store: &Under, now: i64) -> store::Sweep {
    store
        .begin_sweep(&ws(), &crm(), Entity::Contact, at(now))
        .await
        .unwrap()
}

pub(crate) async fn unseen(store: &Under, sweep: i64) -> Vec<String> {
    store
        .unseen(&ws(), sweep, 0, 10_000)
        .await
        .unwrap()
        .into_iter()
        .map(|(_, record)| record.to_string())
        .collect()
}

pub(crate) async fn a_sweep_finds_what_is_missing_and_only_that(store: Under) {
    // More than one chunk of any bitmap.
    let all: Vec<String> = (0..9000).map(|number| format!("r{number}")).collect();
    keep(&store, all.iter().map(|name| snapshot(name, 1)).collect()).await;
    let sweep = begin(&store, 0).await;
    assert!(!sweep.resumed && !sweep.complete && sweep.cursor.is_none());
    let missing = ["r0", "r4095", "r4096", "r8999"];
    let there: Vec<&str> = all
        .iter()
        .map(String::as_str)
        .filter(|name| !missing.contains(name) && *name != "r7")
        .collect();
    let seen = rows(&store, &there).await;
    for part in seen.chunks(1000) {
        store
            .commit_page(&ws(), page(sweep.id, part, Some("more")))
            .await
            .unwrap();
    }
    let mut last = page(sweep.id, &[], None);
    last.changed = vec![
        Listed {
            snapshot: snapshot("r7", 2),
            signal: Some(signal("r7", at(1))),
        },
        Listed {
            snapshot: snapshot("new", 3),
            signal: None,
        },
    ];
    store.commit_page(&ws(), last).await.unwrap();
    assert_eq!(unseen(&store, sweep.id).await, missing);
    let first = store.unseen(&ws(), sweep.id, 0, 2).await.unwrap();
    assert_eq!(first.len(), 2);
    let rest = store.unseen(&ws(), sweep.id, first[1].0, 2).await.unwrap();
    assert_eq!(rest[0].1.as_str(), "r4096");
    assert_eq!(records(&claim(&store, at(1)).await), ["r7"]);

    let last_sweep = async || {
        store
            .last_sweep(&ws(), &crm(), Entity::Contact)
            .await
            .unwrap()
    };
    assert_eq!(last_sweep().await, None);
    store
        .finish_sweep(&ws(), sweep.id, &[signal("r0", at(9))], at(9))
        .await
        .unwrap();
    assert_eq!(last_sweep().await, Some((at(9), 8997)));
    assert_eq!(records(&claim(&store, at(9)).await), ["r0"]);
    let next = begin(&store, 20).await;
    assert!(next.id > sweep.id && !next.resumed);
    assert_eq!(unseen(&store, next.id).await.len(), 9001, "a new bitmap");
}

pub(crate) async fn records_that_came_during_a_sweep_are_not_missing(store: Under) {
    keep(&store, vec![snapshot("a", 1)]).await;
    let sweep = begin(&store, 0).await;
    keep(&store, vec![snapshot("from a webhook", 1)]).await;
    assert_eq!(unseen(&store, sweep.id).await, ["a"]);
}

pub(crate) async fn a_sweep_goes_on_where_it_stopped(store: Under) {
    keep(&store, vec![snapshot("a", 1), snapshot("b", 1)]).await;
    let seen = rows(&store, &["a"]).await;
    let first = begin(&store, 3).await;
    store
        .commit_page(&ws(), page(first.id, &seen, Some("page 2")))
        .await
        .unwrap();
    let again = begin(&store, 50).await;
    assert_eq!((again.id, again.resumed), (first.id, true));
    assert_eq!(again.cursor, Some(json!("page 2")));
    assert_eq!((again.started, again.listed), (at(3), 1));
    store
        .commit_page(&ws(), page(first.id, &[], None))
        .await
        .unwrap();
    let again = begin(&store, 60).await;
    assert!(
        again.complete,
        "no cursor means the end here, not the start"
    );
    store.abandon_sweep(&ws(), first.id).await.unwrap();
    let fresh = begin(&store, 70).await;
    assert!(fresh.id > first.id && !fresh.resumed && !fresh.complete);
    assert_eq!(unseen(&store, fresh.id).await, ["a", "b"]);
}

pub(crate) async fn pages_of_an_ended_sweep_are_refused(store: Under) {
    let sweep = begin(&store, 0).await;
    store.abandon_sweep(&ws(), sweep.id).await.unwrap();
    let mut late = page(sweep.id, &[], None);
    late.changed = vec![Listed {
        snapshot: snapshot("a", 1),
        signal: Some(signal("a", at(0))),
    }];
    store.commit_page(&ws(), late).await.unwrap_err();
    store.unseen(&ws(), sweep.id, 0, 10).await.unwrap_err();
    store
        .finish_sweep(&ws(), sweep.id, &[], at(0))
        .await
        .unwrap_err();
    assert!(
        claim(&store, at(0)).await.is_empty(),
        "nothing of it is stored"
    );
    let count = store
        .known_count(&ws(), &crm(), Entity::Contact)
        .await
        .unwrap();
    assert_eq!(count, 0);
}
