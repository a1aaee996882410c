//! The contract suite on PostgreSQL, and what only a server can meet.
//!
//! One server serves many promises, each on a database of its own: to make a server takes longer than to
//! keep most of them. That is why they are few tests.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use scratch_postgres::Cluster;
use store::{Accepted, Error, PostgresOptions, SqlStore, Store};
use tokio::task::JoinSet;

use crate::suite::{Bed, promises, things::*};

fn connect(url: &str) -> store::Result<SqlStore> {
    let mut options = PostgresOptions::parse(url).unwrap();
    options.wait = Duration::from_secs(2);
    SqlStore::connect(&options)
}

/// A database on the server.
struct Database {
    url: String,
    store: Option<Arc<SqlStore>>,
}

impl Database {
    fn open(url: String) -> Self {
        let store = Some(Arc::new(connect(&url).unwrap()));
        Self { url, store }
    }
}

#[async_trait::async_trait]
impl Bed for Database {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone().unwrap()
    }

    async fn crash(&mut self) {
        self.store = None;
        self.store = Some(Arc::new(connect(&self.url).unwrap()));
    }
}

/// Checks the promises of these modules of the suite.
async fn kept(of: impl Fn(&str) -> bool) {
    let server = Cluster::start();
    let mut promised = JoinSet::new();
    let mut names = HashMap::new();
    macro_rules! of_a_store {
        ($module:expr, $name:expr, $promise:path) => {
            if of($module) {
                let url = server.database();
                let task = promised.spawn(async move {
                    let database = Database::open(url);
                    let store = database.store();
                    $promise(store).await;
                });
                names.insert(task.id(), $name);
            }
        };
    }
    macro_rules! of_a_bed {
        ($module:expr, $name:expr, $promise:path) => {
            if of($module) {
                let url = server.database();
                let task = promised.spawn(async move {
                    $promise(&mut Database::open(url)).await;
                });
                names.insert(task.id(), $name);
            }
        };
    }
    promises!(stores each!(of_a_store;));
    promises!(beds each!(of_a_bed;));
    assert!(names.len() > 4);
    let mut broken = Vec::new();
    while let Some(ended) = promised.join_next_with_id().await {
        if let Err(error) = ended {
            broken.push(names[&error.id()]);
        }
    }
    assert!(broken.is_empty(), "not kept: {broken:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_promises_about_signals_are_kept() {
    kept(|module| module == "signals").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_promises_about_listings_are_kept() {
    kept(|module| ["listings", "sweeps"].contains(&module)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_other_promises_are_kept() {
    kept(|module| !["signals", "listings", "sweeps"].contains(&module)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_and_what_both_sides_agreed_on_outlive_an_update() {
    let server = Cluster::start();
    let url = server.database();
    let kept = link(1, "a", "x");
    let store = connect(&url).unwrap();
    let commit = store::Commit {
        links: vec![kept.clone()],
        blocked: vec![blocked(1, "email"), blocked(1, "phone")],
        ..store::Commit::default()
    };
    Store::commit(&store, &ws(), commit).await.unwrap();
    let sums = store.blocked_sums(&ws(), &people(), None, 0).await.unwrap();
    assert_eq!(sums.len(), 2);
    store.close().await.unwrap();
    drop(store);
    // as a version before left it
    server.sql(
        &url,
        "DROP TABLE child, person, session, token, act, skipped, blocked_field; CREATE INDEX blocked_sync ON blocked (ws, sync);
         DROP INDEX review_choice, dirty_failed, blocked_since, review_order, call_operation,
             call_connection, call_outcome, call_status, blocked_rows, review_decided, review_state;
         CREATE INDEX review_state ON review (ws, state, sync, kind);
         ALTER TABLE blocked DROP COLUMN field;
         DELETE FROM tally WHERE kind > 3;
         DELETE FROM tandem_step WHERE step >= 8",
    );
    let store = connect(&url).unwrap();
    let links = Store::links_after(&store, &ws(), &people(), None, 10).await;
    assert_eq!(links.unwrap(), [kept]);
    let counted = store.blocked_sums(&ws(), &people(), None, 0).await;
    assert_eq!(counted.unwrap(), sums);
    let overview = store.overview(&ws()).await.unwrap();
    assert_eq!(overview.blocked.get("people"), Some(&2));
    let children = store.children(&ws(), &people(), 10).await.unwrap();
    assert_eq!(children.0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_owner_has_the_database() {
    let server = Cluster::start();
    let url = server.database();
    let first = connect(&url).unwrap();
    let error = connect(&url).err().unwrap();
    let own = std::process::id().to_string();
    assert!(
        matches!(&error, Error::InUse { pid, .. } if pid.starts_with(&own)),
        "{error}"
    );
    assert!(!error.to_string().contains("password"), "{error}");
    first.close().await.unwrap();
    first.close().await.unwrap();
    let error = first.overview(&ws()).await.unwrap_err();
    assert!(matches!(error, Error::Closed), "{error}");
    let error = first.signal(&ws(), &[]).await.unwrap_err();
    assert!(matches!(error, Error::Closed), "{error}");
    connect(&url).unwrap();

    let theirs = server.database();
    server.sql(&theirs, "CREATE TABLE notes (text text)");
    let error = connect(&theirs).err().unwrap();
    assert!(
        matches!(&error, Error::Foreign { why, .. } if why.contains("another program")),
        "{error}"
    );
    assert_eq!(
        server.sql(
            &theirs,
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ),
        "1"
    );
    server.sql(&url, "INSERT INTO tandem_step VALUES (99, 'later', 1)");
    let error = connect(&url).err().unwrap();
    assert!(
        matches!(&error, Error::Foreign { why, .. } if why.contains("newer version")),
        "{error}"
    );
}

/// How many deliveries have to be taken, and how many refused, for the test to have met anything.
const TAKEN_AT_LEAST: usize = 100;
const REFUSED_AT_LEAST: usize = 20;

/// How many were so far.
#[derive(Debug, Default)]
struct Met {
    taken: AtomicUsize,
    refused: AtomicUsize,
}

/// Takes deliveries in until it is told to end; says which were taken and which refused.
async fn accept(
    store: Arc<SqlStore>,
    caller: usize,
    ends: Arc<AtomicBool>,
    met: Arc<Met>,
) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut taken, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for number in 0.. {
        if ends.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("{caller}-{number}");
        match store
            .accept_delivery(&ws(), delivery(Some(&name), &name, at(0)))
            .await
        {
            Ok(Accepted::New) => {
                met.taken.fetch_add(1, Ordering::Relaxed);
                taken.insert(name)
            }
            Err(Error::Unwritable(why)) => {
                assert!(
                    why.contains("lost") || why.contains("reached"),
                    "what happened is said: {why}"
                );
                tokio::time::sleep(Duration::from_millis(5)).await;
                met.refused.fetch_add(1, Ordering::Relaxed);
                refused.insert(name)
            }
            other => panic!("{name}: {other:?}"),
        };
    }
    (taken, refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_is_true_whenever_the_connection_is_lost() {
    let mut server = Cluster::start();
    let url = server.database();
    let store = Arc::new(connect(&url).unwrap());
    let ends = Arc::new(AtomicBool::new(false));
    let met = Arc::new(Met::default());
    let callers: Vec<_> = (0..8)
        .map(|caller| tokio::spawn(accept(store.clone(), caller, ends.clone(), met.clone())))
        .collect();
    // As often as it takes, on a machine with other things to do: enough is answered either way.
    let begun = std::time::Instant::now();
    for round in 0.. {
        let enough = REFUSED_AT_LEAST < met.refused.load(Ordering::Relaxed)
            && TAKEN_AT_LEAST < met.taken.load(Ordering::Relaxed);
        if round >= 40 && enough {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{met:?}");
        tokio::time::sleep(Duration::from_millis(30 + 7 * (round % 10))).await;
        server.sql(
            &url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name LIKE 'tandem %' AND datname = current_database()",
        );
    }
    // and once the whole server
    server.crash();
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.serve();
    tokio::time::sleep(Duration::from_millis(700)).await;
    ends.store(true, Ordering::Relaxed);
    let (mut taken, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for caller in callers {
        let (more, fewer) = caller.await.unwrap();
        taken.extend(more);
        refused.extend(fewer);
    }
    assert!(taken.len() > TAKEN_AT_LEAST, "{}", taken.len());
    assert!(refused.len() > REFUSED_AT_LEAST, "{}", refused.len());
    let mut all = request(at(0));
    all.limit = 1_000_000;
    let there: BTreeSet<String> = store
        .claim(&ws(), all)
        .await
        .unwrap()
        .iter()
        .map(|claim| claim.record.to_string())
        .collect();
    let lost: Vec<_> = taken.difference(&there).collect();
    assert!(lost.is_empty(), "answered and lost: {lost:?}");
    let kept: Vec<_> = refused.intersection(&there).collect();
    assert!(kept.is_empty(), "refused and there: {kept:?}");
    // whoever comes back counts no opening: were the answer to that lost, it would take itself for another server
    assert_eq!(server.sql(&url, "SELECT opening FROM opening"), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_cut_off_does_not_go_on_behind_its_successor() {
    let server = Cluster::start();
    let url = server.database();
    let first = connect(&url).unwrap();
    first.signal(&ws(), &[signal("a", at(0))]).await.unwrap();
    server.sql(
        &url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name LIKE 'tandem %' AND datname = current_database()",
    );
    let second = connect(&url).unwrap();
    second.signal(&ws(), &[signal("b", at(0))]).await.unwrap();
    second.still_ours().await.unwrap();
    // it can read what its successor wrote, and is told that it is no more to act on it
    assert!(first.still_ours().await.is_err());
    let read = async || first.overview(&ws()).await;
    for _ in 0..50 {
        if read().await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    read().await.unwrap();
    assert!(first.still_ours().await.is_err());
    for _ in 0..3 {
        let error = first.signal(&ws(), &[signal("c", at(0))]).await;
        assert!(error.is_err());
    }
    second.close().await.unwrap();
    // it tries again after a pause; what it finds then it says for good
    for _ in 0..100 {
        let error = first
            .signal(&ws(), &[signal("c", at(0))])
            .await
            .unwrap_err();
        match &error {
            Error::InUse { pid, .. } if pid.contains("start this one again") => return,
            Error::InUse { .. } | Error::Unwritable(_) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            other => panic!("{other}"),
        }
    }
    panic!("it never says that another has the database");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_is_encrypted_and_the_other_end_is_who_it_says() {
    let server = Cluster::start_encrypted();
    let url = server.database();
    let strict = format!("{url}?sslmode=require");
    let error = connect(&strict).err().unwrap();
    assert!(
        matches!(&error, Error::Unwritable(why) if why.contains("certificate")),
        "nobody known vouches for it: {error}"
    );
    let store = connect(&format!(
        "{strict}&sslrootcert={}",
        server.authority().display()
    ))
    .unwrap();
    store.signal(&ws(), &[signal("a", at(0))]).await.unwrap();
    let encrypted =
        "SELECT bool_and(s.ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a ON a.pid = s.pid
         WHERE a.application_name LIKE 'tandem %'";
    assert_eq!(server.sql(&url, encrypted), "t");
    store.close().await.unwrap();

    // of several hosts, one that is there is used
    let (user, place) = url.split_once('@').unwrap();
    let several = format!("{user}@127.0.0.1:1,{place}");
    let store = connect(&several).unwrap();
    let store: Under = Arc::new(store);
    assert_eq!(records(&claim(&store, at(0)).await), ["a"]);
    let error = connect("postgres://tandem@127.0.0.1:1/none").err().unwrap();
    assert!(
        matches!(&error, Error::Unwritable(why) if why.contains("127.0.0.1:1") && why.contains("reached")),
        "{error}"
    );
}
