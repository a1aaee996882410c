//! Workflows: each command changes what it is about and nothing else.

use serde_json::json;

use super::things::{Under, at, ws};

pub(crate) async fn a_draft_a_pause_and_a_version_do_not_take_each_other_back(store: Under) {
    let ws = ws();
    let held = async || store.workflow(&ws, "mail").await.unwrap().unwrap();
    let first = json!({"first": 1});
    store
        .save_workflow_draft(&ws, "mail", Some(&first), at(1))
        .await
        .unwrap();
    let new = held().await;
    assert_eq!((new.draft, new.published), (Some(first.clone()), None));
    for version in 1..3 {
        let body = json!({"version": version});
        let made = store.publish_workflow(&ws, "mail", &body, Some(3), at(2));
        assert_eq!(made.await.unwrap(), version);
    }
    // whoever saves a draft, or pauses, may have looked before that was published
    store
        .save_workflow_draft(&ws, "mail", Some(&first), at(3))
        .await
        .unwrap();
    assert!(
        store
            .pause_workflow(&ws, "mail", true, at(4))
            .await
            .unwrap()
    );
    let now = held().await;
    assert_eq!(now.draft, Some(first));
    assert_eq!((now.published, now.last), (Some(2), 2));
    assert_eq!(
        (now.at_once, now.paused, now.changed),
        (Some(3), true, at(4))
    );
    let back = store.return_to_workflow_version(&ws, "mail", 1, None, at(5));
    assert!(back.await.unwrap());
    store
        .save_workflow_draft(&ws, "mail", None, at(6))
        .await
        .unwrap();
    let now = held().await;
    assert_eq!((now.draft, now.published, now.last), (None, Some(1), 2));
    assert_eq!((now.at_once, now.paused), (None, true));
    // what is not there
    let back = store.return_to_workflow_version(&ws, "mail", 3, None, at(7));
    assert!(!back.await.unwrap());
    assert_eq!(held().await.published, Some(1));
    assert!(
        !store
            .pause_workflow(&ws, "post", true, at(7))
            .await
            .unwrap()
    );
}

pub(crate) async fn cursors_are_dropped_by_name(store: Under) {
    let ws = ws();
    assert!(store.workflow_cursors(&ws).await.unwrap().is_empty());
    for name in ["b", "a", "c"] {
        let value = json!({"name": name});
        store
            .accept_runs(&ws, Some((name, &value)), &[], &[])
            .await
            .unwrap();
    }
    let names = ["a", "c", "d"].map(str::to_owned);
    store.drop_workflow_cursors(&ws, &names).await.unwrap();
    assert_eq!(store.workflow_cursors(&ws).await.unwrap(), ["b"]);
    let left = store.workflow_cursor(&ws, "b").await.unwrap();
    assert_eq!(left, Some(json!({"name": "b"})));
}
