//! Files that cannot be used, files in use, backups, and groups of commands.

use std::{fs, sync::Arc};

use record::Entity;
use rusqlite::Connection;
use store::{Accepted, Commit, Error, Options, SqliteStore, Store};

use super::{bed, empty};
use crate::suite::{Bed, things::*};

fn refused(options: &Options) -> Error {
    match SqliteStore::open(options) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

#[track_caller]
fn assert_foreign(error: &Error, words: &str) {
    assert!(
        matches!(error, Error::Foreign { why, .. } if why.contains(words)),
        "{error}"
    );
}

#[test]
fn what_is_no_database_of_ours_is_refused_and_left_alone() {
    let file = empty();
    let options = file.options();
    let text = "These are not the pages you are looking for. ".repeat(100);
    fs::write(&options.path, &text).unwrap();
    assert_foreign(&refused(&options), "no SQLite database");
    assert_eq!(fs::read_to_string(&options.path).unwrap(), text);

    fs::remove_file(&options.path).unwrap();
    let theirs = Connection::open(&options.path).unwrap();
    theirs.execute_batch("CREATE TABLE notes (text)").unwrap();
    drop(theirs);
    assert_foreign(&refused(&options), "another program");
    let theirs = Connection::open(&options.path).unwrap();
    let tables: i64 = theirs
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tables, 1);
    let mode: String = theirs
        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "delete", "not even its journal mode is touched");
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let file = bed().await;
    let options = file.options();
    drop(file.store());
    file.close().await;
    let newer = Connection::open(&options.path).unwrap();
    newer
        .execute_batch("INSERT INTO migration VALUES (99, 'later', 1)")
        .unwrap();
    drop(newer);
    assert_foreign(&refused(&options), "newer version");
}

#[test]
fn a_missing_file_or_folder_is_named() {
    let file = empty();
    let mut options = file.options();
    options.create = false;
    assert_foreign(&refused(&options), "no such file");
    assert!(!options.path.exists());
    options.create = true;
    options.path = options.path.with_file_name("missing").join("tandem.db");
    let error = refused(&options);
    assert!(
        matches!(&error, Error::Unwritable(why) if why.contains("missing")),
        "{error}"
    );
}

#[tokio::test]
async fn a_damaged_database_is_found_after_an_unclean_end() {
    let mut file = bed().await;
    let options = file.options();
    let store = file.store();
    let many = (0..2000).map(|number| snapshot(&format!("r{number}"), 1));
    keep(&store, many.collect()).await;
    drop(store);
    // Copy it while it is open: that is what an unclean end leaves.
    let backup = options.path.with_extension("copy");
    file.sqlite().backup_to(&backup).await.unwrap();
    file.close().await;
    let mut bytes = fs::read(&backup).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0x55);
    let damaged = options.path.with_extension("damaged");
    fs::write(&damaged, &bytes).unwrap();
    assert_foreign(&refused(&Options::at(&damaged)), "damaged");
    bytes.truncate(middle);
    fs::write(&damaged, &bytes).unwrap();
    assert_foreign(&refused(&Options::at(&damaged)), "damaged");
    file.open();
    file.sqlite().verify().await.unwrap();
}

#[tokio::test]
async fn one_store_has_the_file_until_it_is_closed() {
    let file = bed().await;
    let options = file.options();
    let error = refused(&options);
    let own = std::process::id().to_string();
    assert!(
        matches!(&error, Error::InUse { pid, .. } if *pid == own),
        "{error}"
    );
    let spelt = options.path.parent().unwrap().join(".").join("tandem.db");
    let error = refused(&Options::at(spelt));
    assert!(matches!(&error, Error::InUse { .. }), "{error}");

    let store = file.sqlite();
    store.close().await.unwrap();
    store.close().await.unwrap();
    let error = store.overview(&ws()).await.unwrap_err();
    assert!(matches!(error, Error::Closed), "{error}");
    let error = store.signal(&ws(), &[]).await.unwrap_err();
    assert!(matches!(error, Error::Closed), "{error}");
    let wal = options.path.with_extension("db-wal");
    assert!(!wal.exists(), "the log is folded in");
    SqliteStore::open(&options).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;

    let file = bed().await;
    let store = file.store();
    store.signal(&ws(), &[signal("a", at(0))]).await.unwrap();
    let folder = file.options().path.parent().unwrap().to_owned();
    let backup = folder.join("tandem.backup");
    file.sqlite().backup_to(&backup).await.unwrap();
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
        names.push(name);
    }
    names.sort();
    let expected = [
        "tandem.backup",
        "tandem.db",
        "tandem.db-shm",
        "tandem.db-wal",
        "tandem.db.lock",
    ];
    assert_eq!(names, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_taken_while_work_goes_on() {
    let file = bed().await;
    let store = file.store();
    let writer = tokio::spawn(async move {
        for number in 0..2000_u32 {
            let name = format!("r{number}");
            let row = delivery(Some(&name), &name, at(0));
            store.accept_delivery(&ws(), row).await.unwrap();
        }
    });
    let target = file.options().path.with_extension("backup");
    file.sqlite().backup_to(&target).await.unwrap();
    let error = file.sqlite().backup_to(&target).await.unwrap_err();
    assert!(
        matches!(&error, Error::Unwritable(why) if why.contains("already")),
        "{error}"
    );
    writer.await.unwrap();
    let beside = fs::read_dir(target.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("tandem.backup"))
        .collect::<Vec<_>>();
    assert_eq!(beside, ["tandem.backup"], "one whole file");
    let backup: Under = Arc::new(SqliteStore::open(&Options::at(&target)).unwrap());
    let mut all = request(at(0));
    all.limit = 10_000;
    let claims = backup.claim(&ws(), all).await.unwrap();
    for claim in &claims {
        let name = claim.record.as_str();
        let repeat = delivery(Some(name), name, at(0));
        let answer = backup.accept_delivery(&ws(), repeat).await.unwrap();
        assert_eq!(answer, Accepted::Duplicate, "{name}: both halves of it");
    }
}

#[tokio::test]
async fn deliveries_are_refused_while_the_backlog_is_full() {
    let options = Options {
        max_backlog: 2,
        ..Options::at(":memory:")
    };
    let store: Under = Arc::new(SqliteStore::in_memory_with(&options).unwrap());
    let accept = async |name: &str| {
        store
            .accept_delivery(&ws(), delivery(Some(name), name, at(0)))
            .await
            .unwrap()
    };
    assert_eq!(accept("a").await, Accepted::New);
    assert_eq!(accept("b").await, Accepted::New);
    assert_eq!(accept("c").await, Accepted::Full);
    assert_eq!(
        accept("a").await,
        Accepted::Duplicate,
        "no reason to send it again"
    );
    let mut nothing_to_do = delivery(Some("d"), "d", at(0));
    nothing_to_do.signals.clear();
    let answer = store.accept_delivery(&ws(), nothing_to_do).await.unwrap();
    assert_eq!(answer, Accepted::New);
    let claims = claim(&store, at(0)).await;
    assert_eq!(records(&claims), ["a", "b"]);
    settle(&store, &claims).await;
    assert_eq!(
        accept("c").await,
        Accepted::New,
        "its refused try left no trace"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_fails_takes_nobody_of_its_group_with_it() {
    let file = bed().await;
    let store = file.store();
    save(&store, vec![link(1_000_000, "taken", "taken")]).await;
    let callers: Vec<_> = (0..400_u32)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let left = match number % 3 {
                    0 => "taken".to_owned(),
                    _ => format!("l{number}"),
                };
                let commit = Commit {
                    signals: vec![signal(&format!("r{number}"), at(0))],
                    links: vec![link(number.into(), &left, &format!("r{number}"))],
                    ..Commit::default()
                };
                store.commit(&ws(), commit).await.is_ok()
            })
        })
        .collect();
    for (number, caller) in callers.into_iter().enumerate() {
        assert_eq!(caller.await.unwrap(), number % 3 != 0, "{number}");
    }
    let mut all = request(at(0));
    all.limit = 1000;
    let claims = store.claim(&ws(), all).await.unwrap();
    assert_eq!(claims.len(), 266);
    assert!(claims.iter().all(|claim| {
        let number: usize = claim.record.as_str()[1..].parse().unwrap();
        !number.is_multiple_of(3)
    }));
    let links = store.overview(&ws()).await.unwrap().links["people"];
    assert_eq!(links, 267);
}

/// A server takes back what is free when it pleases.
#[tokio::test]
async fn many_runs_leave_a_file_as_large_as_a_few() {
    let file = bed().await;
    crate::suite::retention::many_runs_leave_the_database_as_large_as_a_few(file.store()).await;
}

#[tokio::test]
async fn rows_of_the_first_format_stay_readable() {
    let mut file = bed().await;
    let options = file.options();
    file.close().await;
    let old = Connection::open(&options.path).unwrap();
    old.execute_batch(include_str!("rows_of_format_1.sql"))
        .unwrap();
    drop(old);
    file.open();
    let store = file.store();
    let link = store.link(&ws(), link(1, "", "").id).await.unwrap();
    let expected = store::Link {
        // no write was noted then
        underway: Vec::new(),
        ..crate::suite::things::link(1, "a", "x")
    };
    assert_eq!(link, Some(expected));
    let reviews = store
        .reviews(&ws(), &store::ReviewFilter::default())
        .await
        .unwrap();
    assert_eq!(reviews, [review(1, store::ReviewKind::Circle, "s")]);
    let intents = store
        .intents_of(
            &ws(),
            &people(),
            Entity::Contact,
            record::Side::Right,
            &ids(&["a"]),
        )
        .await
        .unwrap();
    assert_eq!(intents, [intent(1, "a")]);
    let journal = store
        .journal(&ws(), &store::JournalFilter::default())
        .await
        .unwrap();
    assert_eq!(journal[0].entry, entry("a", "email"));
    assert_eq!((journal[0].seq, journal[1].seq), (2, 1));
    assert_eq!(journal[1].entry.note.as_deref(), Some("n"));
    let kept = store
        .snapshots(&ws(), &crm(), Entity::Contact, &ids(&["a"]))
        .await
        .unwrap();
    let kept = kept[0].as_ref().unwrap();
    assert_eq!(kept.read, Some(read("a", "Ada")));
    assert_eq!(kept.keys, [key("email", "a@example.org")]);
    let claims = claim(&store, at(100)).await;
    assert_eq!(claims[0].cause, Some(cause(1)));
    let sweep = store
        .begin_sweep(&ws(), &crm(), Entity::Contact, at(0))
        .await
        .unwrap();
    assert_eq!(sweep.cursor, Some(serde_json::json!({ "page": 2 })));
    let states = (
        store.connection_state(&ws(), &crm()).await.unwrap(),
        store.sync_state(&ws(), &people()).await.unwrap(),
    );
    assert_eq!(states.0, Some(serde_json::json!({ "account": "1" })));
    assert_eq!(states.1, Some(serde_json::json!({ "paused": true })));
}

/// The records that carry an e-mail address.
async fn with_email(store: &Under, value: &str) -> Vec<String> {
    store
        .candidates(&ws(), &crm(), Entity::Contact, &[key("email", value)])
        .await
        .unwrap()
        .into_iter()
        .map(|(_, record)| record.to_string())
        .collect()
}

#[tokio::test]
async fn keys_that_an_earlier_version_stored_find_their_records_and_are_replaced() {
    let mut file = bed().await;
    let options = file.options();
    let store = file.store();
    keep(&store, vec![snapshot("a", 1), snapshot("b", 1)]).await;
    drop(store);
    file.close().await;
    let old = Connection::open(&options.path).unwrap();
    old.execute_batch(
        "INSERT INTO name (ws, kind, name) VALUES (1, 3, 'email');
         INSERT INTO record_key
             SELECT k.ws, k.connection, k.entity, n.id, j.value ->> 'value', k.row
             FROM kept k, json_each(k.keys, '$.d') j
             JOIN name n ON n.ws = k.ws AND n.kind = 3 AND n.name = j.value ->> 'kind';
         ALTER TABLE listing DROP COLUMN keyed;
         DROP TABLE plan_row;
         DROP TABLE plan;
         DROP TABLE workflow_step;
         DROP TABLE workflow_event;
         DROP TABLE workflow_cursor;
         DROP TABLE workflow_wait;
         DROP TABLE workflow_run;
         DROP TABLE workflow_version;
         DROP TABLE workflow;
         DROP TABLE setting;
         DROP TABLE child;
         DROP TABLE person;
         DROP TABLE session;
         DROP TABLE token;
         DROP TABLE act;
         DROP INDEX review_choice;
         DROP TABLE skipped;
         DROP INDEX dirty_failed;
         DROP INDEX blocked_since;
         CREATE INDEX blocked_sync ON blocked (ws, sync);
         DROP INDEX review_order;
         DROP INDEX call_operation;
         DROP INDEX call_connection;
         DROP INDEX call_outcome;
         DROP INDEX call_status;
         DROP TABLE blocked_field;
         DROP INDEX blocked_rows;
         ALTER TABLE blocked DROP COLUMN field;
         DELETE FROM tally WHERE kind > 3;
         DROP INDEX review_decided;
         DROP INDEX review_state;
         CREATE INDEX review_state ON review (ws, state, sync, kind);
         DELETE FROM migration WHERE step >= 3;",
    )
    .unwrap();
    drop(old);
    file.open();
    let store = file.store();
    assert_eq!(with_email(&store, "a@example.org").await, ["a"]);
    let changed = store::Snapshot {
        keys: vec![key("email", "other@example.org")],
        ..snapshot("b", 1)
    };
    keep(&store, vec![changed, snapshot("c", 1)]).await;
    assert!(with_email(&store, "b@example.org").await.is_empty());
    assert_eq!(with_email(&store, "other@example.org").await, ["b"]);
    assert_eq!(with_email(&store, "c@example.org").await, ["c"]);
}

#[tokio::test]
async fn keys_are_merged_into_their_index_when_nothing_else_is_to_be_done() {
    let file = bed().await;
    let options = file.options();
    let store = file.store();
    keep(&store, vec![snapshot("a", 1), snapshot("b", 1)]).await;
    let looking = Connection::open(&options.path).unwrap();
    let count = || -> (i64, i64) {
        looking
            .query_row(
                "SELECT (SELECT count(*) FROM record_key), (SELECT keyed FROM listing)",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .unwrap()
    };
    assert_eq!(count(), (0, 0));
    for _ in 0..100 {
        if count() == (2, 2) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(count(), (2, 2));
    assert_eq!(with_email(&store, "b@example.org").await, ["b"]);
}

#[tokio::test]
async fn the_log_stays_small_while_work_goes_on() {
    let file = empty();
    let options = Options {
        fold_pages: 200,
        ..file.options()
    };
    let store = Arc::new(SqliteStore::open(&options).unwrap());
    let under: Under = store.clone();
    let log = options.path.with_extension("db-wal");
    let mut largest = 0;
    let mut written = 0;
    for number in 0..400 {
        let names = (0..20).map(|at| snapshot(&format!("{number:04}-{at}"), 1));
        keep(&under, names.collect()).await;
        written += 20;
        largest = largest.max(fs::metadata(&log).unwrap().len());
    }
    // Twice the pages, and what one commit adds.
    assert!(largest < 3 * 200 * 4096, "{largest}");
    let known = under
        .known_count(&ws(), &crm(), Entity::Contact)
        .await
        .unwrap();
    assert_eq!(known, written);
    store.verify().await.unwrap();
}
