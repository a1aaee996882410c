//! What is on the disk when a command is answered, and what waits for the next that is.

use jiff::Timestamp;

use super::{Backend, SqlStore};
use crate::{ClaimRequest, Commit, DeliveryRow, Lane, Store, Workspace};

/// How the transaction before this was to be flushed: SQLite's `synchronous`, 2 for FULL.
fn synchronous(store: &SqlStore) -> i64 {
    let Backend::Caller(session) = &store.backend else {
        panic!("a store in memory")
    };
    let session = session.lock().unwrap();
    let session = session.as_ref().unwrap();
    let connection = session.database.sqlite().unwrap();
    connection
        .query_row("PRAGMA synchronous", [], |row| row.get(0))
        .unwrap()
}

#[tokio::test]
async fn what_is_promised_is_flushed_at_its_commit() {
    const FULL: i64 = 2;
    let store = SqlStore::in_memory().unwrap();
    let ws = Workspace::from("main");
    let request = ClaimRequest {
        connections: vec!["crm".into()],
        except: Vec::new(),
        limit: 1,
        now: Timestamp::UNIX_EPOCH,
        lease_until: Timestamp::UNIX_EPOCH,
        lane: Lane::Backfill,
    };
    // A claim that a power failure takes back is claimed anew.
    let claimed = async || {
        store.claim(&ws, request.clone()).await.unwrap();
        assert_ne!(synchronous(&store), FULL, "else nothing is shown below");
    };
    claimed().await;
    let delivery = DeliveryRow {
        connection: "crm".into(),
        delivery: Some("1".to_owned()),
        event: "ContactUpdate".to_owned(),
        signals: Vec::new(),
        at: Timestamp::UNIX_EPOCH,
    };
    store.accept_delivery(&ws, delivery).await.unwrap();
    assert_eq!(synchronous(&store), FULL, "a webhook");
    claimed().await;
    store.open_intents(&ws, &[]).await.unwrap();
    assert_eq!(synchronous(&store), FULL, "an intent");
    claimed().await;
    store.commit(&ws, Commit::default()).await.unwrap();
    assert_eq!(synchronous(&store), FULL, "a commit");
    claimed().await;
    let connection = "crm".into();
    store
        .save_credentials(&ws, &connection, b"sealed", 0)
        .await
        .unwrap();
    assert_eq!(synchronous(&store), FULL, "a token");
    claimed().await;
    store.signal(&ws, &[]).await.unwrap();
    assert_eq!(synchronous(&store), FULL, "a signal");
}
