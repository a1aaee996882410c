//! Bringing a PostgreSQL database to the schema of this version, and refusing one that is not ours.
//!
//! The same tables as on SQLite, made by the same migrations, in one schema of the database (the first of
//! `search_path`). A migration that was shipped is never edited: its hash is kept in the database and checked
//! on open.

use super::{connection::Connection, dialect::translate_schema};
use crate::{
    Error, Result,
    sqlite::{
        fault::Outcome,
        migrate::{STEPS, hash},
    },
};

/// Says whether the schema is empty or ours, without changing anything of it.
///
/// # Errors
/// [`Error::Foreign`] if it is of another program, of a newer version, or cannot hold every text.
pub(super) fn recognise(connection: &Connection) -> Result<usize> {
    let shown = connection.options().shown();
    let foreign = |why: String| Error::Foreign {
        path: shown.to_owned(),
        why,
    };
    let (usable, tables, applied) =
        look(connection).map_err(|fault| fault.into_error(shown.as_ref()))?;
    if let Some(why) = usable {
        return Err(foreign(why));
    }
    let Some(applied) = applied else {
        if tables > 0 {
            return Err(foreign(
                "its schema holds tables of another program; name an empty database, or another schema \
                 with ?options=-csearch_path=NAME"
                    .to_owned(),
            ));
        }
        return Ok(0);
    };
    if applied.len() > STEPS.len() {
        return Err(foreign(format!(
            "it was made by a newer version of Tandem (it has step {} of the schema, this version knows {}); \
             update Tandem, or restore the backup from before the update",
            applied.len(),
            STEPS.len()
        )));
    }
    for (at, ((name, step), stored)) in STEPS.iter().zip(&applied).enumerate() {
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

/// What is wrong with the database, how many tables are in the schema, and the steps that it has.
fn look(connection: &Connection) -> Outcome<(Option<String>, i64, Option<Vec<i64>>)> {
    let number = |sql: &str| connection.statement(sql)?.first_number();
    if number("SELECT CASE WHEN current_setting('server_encoding') = 'UTF8' THEN 1 ELSE 0 END")?
        == 0
    {
        let why = "its encoding is not UTF8; create it with ENCODING 'UTF8'";
        return Ok((Some(why.to_owned()), 0, None));
    }
    if number("SELECT CASE WHEN current_schema() IS NULL THEN 1 ELSE 0 END")? == 1 {
        let why = "the first schema of its search_path is not there; create it";
        return Ok((Some(why.to_owned()), 0, None));
    }
    let tables = number(
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm')",
    )?;
    let ours = number(
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = current_schema() AND c.relname IN ('tandem_step', 'opening')",
    )?;
    if ours != 2 {
        return Ok((None, tables, None));
    }
    let mut statement = connection.statement("SELECT hash FROM tandem_step ORDER BY step")?;
    let mut rows = statement.query(&[])?;
    let mut applied = Vec::new();
    while let Some(row) = rows.next() {
        applied.push(row.value(0)?.as_i64().map_err(rusqlite::Error::from)?);
    }
    Ok((None, tables, Some(applied)))
}

/// Brings the schema to this version. To be called by its owner.
pub(super) fn migrate(connection: &Connection) -> Result<()> {
    let applied = recognise(connection)?;
    let shown = connection.options().shown();
    for (at, (name, step)) in STEPS.iter().enumerate().skip(applied) {
        apply(connection, at + 1, name, step).map_err(|fault| fault.into_error(shown.as_ref()))?;
        tracing::info!(
            step = at + 1,
            name,
            "the database schema was brought forward"
        );
    }
    Ok(())
}

/// All steps, within the transaction under way.
pub(super) fn create(connection: &Connection) -> Outcome<()> {
    for (at, (name, step)) in STEPS.iter().enumerate() {
        connection.batch(&text(at + 1, name, step))?;
    }
    Ok(())
}

/// One step in one transaction: a process that dies in it leaves the database as it was.
fn apply(connection: &Connection, step: usize, name: &str, sql: &str) -> Outcome<()> {
    connection.batch(&format!("BEGIN; {} COMMIT;", text(step, name, sql)))
}

/// The statements of one step.
fn text(step: usize, name: &str, sql: &str) -> String {
    let first = if step == 1 {
        "CREATE TABLE tandem_step (step BIGINT PRIMARY KEY, name TEXT NOT NULL, hash BIGINT NOT NULL);
         CREATE TABLE opening (
             one     BIGINT PRIMARY KEY CHECK (one = 1),
             opening BIGINT NOT NULL,
             clean   BIGINT NOT NULL
         );
         INSERT INTO opening VALUES (1, 0, 1);"
    } else {
        ""
    };
    format!(
        "{first} {};
         INSERT INTO tandem_step (step, name, hash) VALUES ({step}, '{name}', {});",
        translate_schema(sql),
        hash(sql)
    )
}
