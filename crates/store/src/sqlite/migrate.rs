//! Bringing a database file to the schema of this version, and refusing one that is not ours.
//!
//! A migration that was shipped is never edited: its hash is kept in the database and checked on open.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::fault::{Outcome, explain};
use crate::{Error, Result};

/// In the header of every database of ours: `Tndm`.
const APPLICATION: i64 = 0x546e_646d;

/// The steps, in order. Their numbers are their places, from 1. PostgreSQL takes them in its own spelling, see
/// [`crate::postgres`].
pub(crate) const STEPS: &[(&str, &str)] = &[
    ("first", include_str!("migrations/0001_first.sql")),
    ("waiting", include_str!("migrations/0002_waiting.sql")),
    ("keys", include_str!("migrations/0003_keys.sql")),
    ("plans", include_str!("migrations/0004_plans.sql")),
    ("workflows", include_str!("migrations/0005_workflows.sql")),
    ("settings", include_str!("migrations/0006_settings.sql")),
    ("waits", include_str!("migrations/0007_waits.sql")),
    ("children", include_str!("migrations/0008_children.sql")),
    ("questions", include_str!("migrations/0009_questions.sql")),
    ("acts", include_str!("migrations/0010_acts.sql")),
    ("skipped", include_str!("migrations/0011_skipped.sql")),
    ("lists", include_str!("migrations/0012_lists.sql")),
    ("counts", include_str!("migrations/0013_counts.sql")),
];

/// Says whether the database is empty or ours, without changing anything of it.
///
/// # Errors
/// [`Error::Foreign`] if it is of another program or of a newer version.
pub(super) fn recognise(connection: &Connection, path: &Path) -> Result<()> {
    recognise_with(connection, path, STEPS).map(|_| ())
}

/// Brings the database to the current schema.
///
/// # Errors
/// [`Error::Foreign`] if it is of another program or of a newer version.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    migrate_with(connection, path, STEPS)
}

fn migrate_with(connection: &mut Connection, path: &Path, steps: &[(&str, &str)]) -> Result<()> {
    let applied = recognise_with(connection, path, steps)?;
    for (at, (name, step)) in steps.iter().enumerate().skip(applied) {
        apply(connection, at + 1, name, step).map_err(|fault| fault.into_error(path))?;
        tracing::info!(
            step = at + 1,
            name,
            "the database schema was brought forward"
        );
    }
    Ok(())
}

/// How many of the steps the database has.
fn recognise_with(connection: &Connection, path: &Path, steps: &[(&str, &str)]) -> Result<usize> {
    let foreign = |why: String| Error::Foreign {
        path: path.display().to_string(),
        why,
    };
    let sql = |error: rusqlite::Error| explain(&error, path);

    let application: i64 = connection
        .query_row("PRAGMA application_id", [], |row| row.get(0))
        .map_err(sql)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(sql)?;
    if application != APPLICATION && (application != 0 || tables != 0) {
        return Err(foreign(
            "it is a database of another program; choose another file".to_owned(),
        ));
    }
    let applied = applied(connection).map_err(|fault| fault.into_error(path))?;
    if applied.len() > steps.len() {
        return Err(foreign(format!(
            "it was made by a newer version of Tandem (it has step {} of the schema, this version knows {}); \
             update Tandem, or restore the backup from before the update",
            applied.len(),
            steps.len()
        )));
    }
    for (at, ((name, step), stored)) in steps.iter().zip(&applied).enumerate() {
        if hash(step) != *stored {
            return Err(foreign(format!(
                "step {} of its schema ({name}) is not the one of this version; it was made by an \
                 unreleased or altered version",
                at + 1
            )));
        }
    }
    Ok(applied.len())
}

fn applied(connection: &Connection) -> Outcome<Vec<i64>> {
    let known: Option<i64> = connection
        .query_row(
            "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migration'",
            [],
            |row| row.get(0),
        )
        .optional()?;
    if known.is_none() {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare("SELECT hash FROM migration ORDER BY step")?;
    let hashes = statement.query_map([], |row| row.get(0))?;
    Ok(hashes.collect::<rusqlite::Result<_>>()?)
}

/// One step in one transaction: a process that dies in it leaves the database as it was.
fn apply(connection: &mut Connection, step: usize, name: &str, sql: &str) -> Outcome<()> {
    let transaction = connection.transaction()?;
    if step == 1 {
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.execute_batch(
            "CREATE TABLE migration (step INTEGER PRIMARY KEY, name TEXT NOT NULL, hash INTEGER NOT NULL) STRICT;
             CREATE TABLE opening (
                 one     INTEGER PRIMARY KEY CHECK (one = 1),
                 opening INTEGER NOT NULL,
                 clean   INTEGER NOT NULL
             ) STRICT;
             INSERT INTO opening VALUES (1, 0, 1);",
        )?;
    }
    transaction.execute_batch(sql)?;
    transaction.execute(
        "INSERT INTO migration (step, name, hash) VALUES (?1, ?2, ?3)",
        params![step as i64, name, hash(sql)],
    )?;
    transaction.commit()?;
    Ok(())
}

/// FNV-1a, 64 bit, of the text without regard to line ends: it tells edits from none, that is all.
pub(crate) fn hash(text: &str) -> i64 {
    text.bytes()
        .filter(|byte| *byte != b'\r')
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
        .cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Connection {
        Connection::open_in_memory().unwrap()
    }

    #[test]
    fn steps_are_applied_once_and_later_ones_are_added() {
        let mut connection = open();
        let path = Path::new("x.db");
        let one: &[_] = &[("a", "CREATE TABLE a (x) ")];
        let two: &[_] = &[one[0], ("b", "CREATE TABLE b (x)")];
        migrate_with(&mut connection, path, one).unwrap();
        migrate_with(&mut connection, path, one).unwrap();
        migrate_with(&mut connection, path, two).unwrap();
        connection.execute("INSERT INTO b VALUES (1)", []).unwrap();
        let error = migrate_with(&mut connection, path, one).unwrap_err();
        assert!(
            matches!(&error, Error::Foreign { why, .. } if why.contains("newer version")),
            "{error}"
        );
        let edited: &[_] = &[("a", "CREATE TABLE a (x, y)"), two[1]];
        let error = migrate_with(&mut connection, path, edited).unwrap_err();
        assert!(
            matches!(&error, Error::Foreign { why, .. } if why.contains("step 1")),
            "{error}"
        );
    }

    #[tokio::test]
    async fn links_and_what_both_sides_agreed_on_outlive_an_update_from_any_earlier_schema() {
        use record::{Field, Value};

        let folder = tempfile::tempdir().unwrap();
        for known in 1..STEPS.len() {
            let path = folder.path().join(format!("{known}.db"));
            let mut old = Connection::open(&path).unwrap();
            old.pragma_update(None, "journal_mode", "WAL").unwrap();
            migrate_with(&mut old, &path, &STEPS[..known]).unwrap();
            old.execute_batch(include_str!("../../tests/it/sqlite/rows_of_format_1.sql"))
                .unwrap();
            drop(old);
            let store = crate::SqlStore::open(&crate::Options::at(&path)).unwrap();
            let (workspace, sync) = (crate::Workspace::new("main"), "people".into());
            let store_ref: &dyn crate::Store = &store;
            let links = store_ref
                .links_after(&workspace, &sync, None, 10)
                .await
                .unwrap();
            assert_eq!(links.len(), 1, "from step {known}");
            assert_eq!(
                (links[0].left.as_str(), links[0].right.as_str()),
                ("a", "x")
            );
            let text = |text: &str| Field::Value(Value::Text(text.to_owned()));
            let bases = (
                links[0].base_left.get("email").clone(),
                links[0].base_right.get("Email").clone(),
            );
            let agreed = (text("ada@example.org"), text("Ada@example.org"));
            assert_eq!(bases, agreed, "from step {known}");
            let journal = store_ref
                .journal(&workspace, &crate::JournalFilter::default())
                .await
                .unwrap();
            assert_eq!(journal.len(), 2, "from step {known}");
            assert_eq!(journal[0].entry.after, text("new"));
            store.close().await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_was_there_before_it_was_counted_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        let mut old = Connection::open(&path).unwrap();
        old.pragma_update(None, "journal_mode", "WAL").unwrap();
        migrate_with(&mut old, &path, &STEPS[..12]).unwrap();
        old.execute_batch(include_str!("../../tests/it/sqlite/rows_of_format_1.sql"))
            .unwrap();
        old.execute_batch(
            "INSERT INTO blocked (ws, link, mapping, side, sync, reason, value_hash, schema_hash, since)
             SELECT 1, link.id, m.value, 1, 2, 'refused', 1, 1, 1800000000000000 + m.key
             FROM link, json_each('[\"email\", \"phone\"]') m;
             INSERT INTO call (ws, at, connection, operation, write, milliseconds, attempt, lane, outcome, records)
             VALUES (1, 1800000000000000, 1, 'list', 0, 1, 1, 'live', 'answered', 1);",
        )
        .unwrap();
        drop(old);
        let store = crate::SqlStore::open(&crate::Options::at(&path)).unwrap();
        let store: &dyn crate::Store = &store;
        let (workspace, sync) = (crate::Workspace::new("main"), "people".into());
        let sums = async || {
            store
                .blocked_sums(&workspace, &sync, None, 0)
                .await
                .unwrap()
        };
        let found: Vec<_> = sums()
            .await
            .into_iter()
            .map(|sum| (sum.mapping, sum.records))
            .collect();
        assert_eq!(found, [("email".to_owned(), 1), ("phone".to_owned(), 1)]);
        let overview = store.overview(&workspace).await.unwrap();
        assert_eq!(overview.blocked.get("people"), Some(&2));
        let kept = store.kept(&workspace).await.unwrap();
        let calls = kept
            .rows
            .iter()
            .find(|row| row.what == crate::Kept::Calls)
            .unwrap();
        assert_eq!(calls.rows, 1);
        // and goes on being counted
        let link = store.links_after(&workspace, &sync, None, 1).await.unwrap();
        let ended = crate::Commit {
            ended: vec![link[0].id],
            ..crate::Commit::default()
        };
        store.commit(&workspace, ended).await.unwrap();
        assert_eq!(sums().await, []);
        assert!(store.overview(&workspace).await.unwrap().blocked.is_empty());
    }

    #[test]
    fn a_step_that_fails_leaves_nothing() {
        let mut connection = open();
        let broken: &[_] = &[("a", "CREATE TABLE a (x); CREATE TABLE a (x)")];
        migrate_with(&mut connection, Path::new("x.db"), broken).unwrap_err();
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .unwrap();
        assert_eq!(tables, 0);
    }

    #[test]
    fn a_database_of_another_program_is_refused() {
        let mut connection = open();
        connection.execute_batch("CREATE TABLE theirs (x)").unwrap();
        let error = migrate(&mut connection, Path::new("x.db")).unwrap_err();
        assert!(
            matches!(&error, Error::Foreign { why, .. } if why.contains("another program")),
            "{error}"
        );
    }
}
