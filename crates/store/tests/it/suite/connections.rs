//! Config, credentials, states, cursors, workspaces.

use record::Entity;
use serde_json::json;
use store::{CursorKey, Saved, Workspace};

use super::things::*;

pub(crate) async fn credentials_are_saved_by_one_of_two(store: Under) {
    assert_eq!(store.credentials(&ws(), &crm()).await.unwrap(), None);
    let save = async |sealed: &[u8], expected| {
        store
            .save_credentials(&ws(), &crm(), sealed, expected)
            .await
            .unwrap()
    };
    assert_eq!(save(b"one", 1).await, Saved::Conflict);
    assert_eq!(save(b"one", 0).await, Saved::Version(1));
    assert_eq!(save(b"late", 0).await, Saved::Conflict);
    let (first, second) = tokio::join!(save(b"two", 1), save(b"three", 1));
    let winners = [first, second].map(|saved| saved == Saved::Version(2));
    assert!(
        winners[0] ^ winners[1],
        "one of the two: {first:?} {second:?}"
    );
    let row = store.credentials(&ws(), &crm()).await.unwrap().unwrap();
    assert_eq!(row.version, 2);
    let expected: &[u8] = if winners[0] { b"two" } else { b"three" };
    assert_eq!(row.sealed, expected);
}

pub(crate) async fn config_states_and_cursors(store: Under) {
    assert_eq!(store.applied_config(&ws()).await.unwrap(), None);
    let first = store.apply_config(&ws(), "one", at(1)).await.unwrap();
    let second = store.apply_config(&ws(), "two", at(2)).await.unwrap();
    assert_eq!((first.revision, second.revision), (1, 2));
    assert_eq!(store.applied_config(&ws()).await.unwrap(), Some(second));

    assert_eq!(store.connection_state(&ws(), &crm()).await.unwrap(), None);
    assert_eq!(store.sync_state(&ws(), &people()).await.unwrap(), None);
    for round in [1, 2] {
        let state = json!({ "round": round });
        store
            .save_connection_state(&ws(), &crm(), &state)
            .await
            .unwrap();
        store
            .save_sync_state(&ws(), &people(), &json!([round]))
            .await
            .unwrap();
    }
    let state = store.connection_state(&ws(), &crm()).await.unwrap();
    assert_eq!(state, Some(json!({ "round": 2 })));
    let state = store.sync_state(&ws(), &people()).await.unwrap();
    assert_eq!(state, Some(json!([2])));

    for value in [json!({"hash": "a"}), json!(null)] {
        store.save_setting(&ws(), "owner", &value).await.unwrap();
        let kept = store.setting(&ws(), "owner").await.unwrap();
        assert_eq!(kept, Some(value));
    }
    assert_eq!(store.setting(&ws(), "sessions").await.unwrap(), None);

    let key = CursorKey {
        connection: crm(),
        entity: Entity::Contact,
        purpose: "changes".to_owned(),
    };
    assert_eq!(store.cursor(&ws(), &key).await.unwrap(), None);
    store
        .save_cursor(&ws(), &key, &json!(null), &[signal("a", at(0))])
        .await
        .unwrap();
    assert_eq!(store.cursor(&ws(), &key).await.unwrap(), Some(json!(null)));
    assert_eq!(
        records(&claim(&store, at(0)).await),
        ["a"],
        "with its signals"
    );
    let other = CursorKey {
        purpose: "deletions".to_owned(),
        ..key
    };
    assert_eq!(store.cursor(&ws(), &other).await.unwrap(), None);
}

pub(crate) async fn workspaces_do_not_see_each_other(store: Under) {
    let theirs: Workspace = "theirs".into();
    store.signal(&ws(), &[signal("a", at(0))]).await.unwrap();
    save(&store, vec![link(1, "a", "x")]).await;
    keep(&store, vec![snapshot("a", 1)]).await;
    let claims = store.claim(&theirs, request(at(0))).await.unwrap();
    assert!(claims.is_empty());
    assert_eq!(store.link(&theirs, link(1, "", "").id).await.unwrap(), None);
    assert_eq!(
        store.overview(&theirs).await.unwrap(),
        store::Overview::default()
    );
    store.signal(&theirs, &[signal("a", at(0))]).await.unwrap();
    assert_eq!(store.end_leases(&theirs).await.unwrap(), 0);
    let mine = claim(&store, at(0)).await;
    assert_eq!(store.end_leases(&theirs).await.unwrap(), 0);
    settle(&store, &mine).await;
    let claims = store.claim(&theirs, request(at(0))).await.unwrap();
    assert_eq!(records(&claims), ["a"], "not settled by the other's claim");
    let known = store
        .known(&theirs, &crm(), Entity::Contact, &ids(&["a"]))
        .await
        .unwrap();
    assert_eq!(known, [None]);
}
