//! What happens when no space is left, and when a command has a bug.

use std::sync::Arc;

use jiff::Timestamp;
use record::Entity;

use super::{Options, SqlStore};
use crate::{
    Accepted, ClaimRequest, DeliveryRow, Error, Lane, Signal, SignalSource, Store, Workspace,
};

fn delivery(name: &str) -> DeliveryRow {
    DeliveryRow {
        connection: "crm".into(),
        delivery: Some(name.to_owned()),
        event: "ContactUpdate".to_owned(),
        signals: vec![Signal {
            connection: "crm".into(),
            entity: Entity::Contact,
            record: name.into(),
            lane: Lane::Live,
            source: SignalSource::Webhook,
            not_older_than: None,
            due: Timestamp::UNIX_EPOCH,
            cause: None,
        }],
        at: Timestamp::UNIX_EPOCH,
    }
}

async fn limit_pages(store: &SqlStore, pages: u32) {
    store
        .write(move |session| {
            session
                .database
                .batch(&format!("PRAGMA max_page_count = {pages}"))
        })
        .await
        .unwrap();
}

async fn accepted(store: &SqlStore) -> Vec<String> {
    let request = ClaimRequest {
        connections: vec!["crm".into()],
        except: Vec::new(),
        limit: 1_000_000,
        now: Timestamp::UNIX_EPOCH,
        lease_until: Timestamp::UNIX_EPOCH,
        lane: Lane::Backfill,
    };
    let claims = store
        .claim(&Workspace::from("main"), request)
        .await
        .unwrap();
    claims
        .iter()
        .map(|claim| claim.record.to_string())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_clearly_loses_nothing_and_ends() {
    let folder = tempfile::TempDir::new().unwrap();
    let options = Options::at(folder.path().join("tandem.db"));
    let store = Arc::new(SqlStore::open(&options).unwrap());
    let workspace = Workspace::from("main");
    limit_pages(&store, 150).await;
    let mut taken = Vec::new();
    let mut refused = Vec::new();
    for round in 0..20 {
        let callers: Vec<_> = (0..200)
            .map(|number| {
                let (store, workspace) = (store.clone(), workspace.clone());
                let name = format!("r{round}-{number}");
                tokio::spawn(async move {
                    let answer = store.accept_delivery(&workspace, delivery(&name)).await;
                    (name, answer)
                })
            })
            .collect();
        for caller in callers {
            match caller.await.unwrap() {
                (name, Ok(Accepted::New)) => taken.push(name),
                (name, Err(Error::Unwritable(why))) => {
                    assert!(why.contains("no space is left"), "{why}");
                    refused.push(name);
                }
                (name, other) => panic!("{name}: {other:?}"),
            }
        }
    }
    assert!(!taken.is_empty() && !refused.is_empty());
    store.overview(&workspace).await.unwrap();
    limit_pages(&store, 100_000).await;
    let mut there = accepted(&store).await;
    there.sort();
    taken.sort();
    assert_eq!(there, taken, "what was answered, and nothing else");
    for name in refused {
        let answer = store.accept_delivery(&workspace, delivery(&name)).await;
        assert_eq!(
            answer.unwrap(),
            Accepted::New,
            "its refused try left no trace"
        );
    }
    store.close().await.unwrap();
    drop(store);
    SqlStore::open(&options).unwrap().verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bug_in_one_command_is_the_error_of_that_one() {
    let folder = tempfile::TempDir::new().unwrap();
    let options = Options::at(folder.path().join("tandem.db"));
    let store = SqlStore::open(&options).unwrap();
    let buggy = store.write::<()>(|session| {
        session
            .database
            .batch("INSERT INTO meter VALUES (1, 'half', 1)")?;
        panic!("a bug")
    });
    let workspace = Workspace::from("main");
    let good = store.accept_delivery(&workspace, delivery("a"));
    let (buggy, good) = tokio::join!(buggy, good);
    assert!(matches!(buggy, Err(Error::Database(_))), "{buggy:?}");
    assert_eq!(good.unwrap(), Accepted::New);
    let reading = store.read::<()>(|_| panic!("a bug")).await;
    assert!(matches!(reading, Err(Error::Database(_))), "{reading:?}");
    assert!(store.overview(&workspace).await.unwrap().meters.is_empty());
}
