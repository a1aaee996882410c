//! One server of Tandem per database: a lock of PostgreSQL on the connection that writes.
//!
//! The lock ends with the connection, so that a server that was killed or cut off blocks nobody for long,
//! and cannot write either: the connection with the lock is the one that it would write on. How often the
//! database was opened tells a server that comes back whether another one was there meanwhile.

use std::{thread, time::Duration};

use super::{connection::Connection, options::PostgresOptions, schema};
use crate::{
    Error, Result,
    sqlite::{
        database::Database,
        fault::{Fault, Outcome},
        session::{Session, limits},
    },
};

/// How long to wait between two tries for the lock.
const AGAIN: Duration = Duration::from_millis(100);

/// The number of our lock; the second part is the schema, so that two can be in one database.
const LOCK: &str = "1416520813, hashtext(current_schema())";

/// Who owned the database before the connection was lost.
pub(super) struct Tenure {
    opening: i64,
    session: (i64, String),
}

/// Opens the database: connection, lock, schema.
pub(super) fn open(options: &PostgresOptions) -> Result<(Session, Tenure)> {
    begin(Connection::open(options)?, None)
}

/// Opens the database again after the connection was lost.
///
/// # Errors
/// [`Error::InUse`] for good if another server has or had it meanwhile: what this one remembers is of no worth
/// then.
pub(super) fn reopen(options: &PostgresOptions, before: &Tenure) -> Result<(Session, Tenure)> {
    let connection = Connection::open(options)?;
    // The server may not have noticed yet that our old session is gone.
    let (pid, began) = &before.session;
    connection
        .batch(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE pid = {pid} AND CAST(backend_start AS text) = '{began}'"
        ))
        .map_err(|fault| fault.into_error(options.shown().as_ref()))?;
    begin(connection, Some(before.opening)).map_err(|error| match error {
        Error::InUse { path, pid } => Error::InUse {
            path,
            pid: format!(
                "{pid}, which took it over while the connection was lost; start this one again"
            ),
        },
        error => error,
    })
}

/// Takes the database over. `before`: the opening that must have been the last; without one this opening is counted.
fn begin(connection: Connection, before: Option<i64>) -> Result<(Session, Tenure)> {
    let options = connection.options().clone();
    let explained = |fault: Fault| fault.into_error(options.shown().as_ref());
    schema::recognise(&connection)?;
    own(&connection)?;
    schema::migrate(&connection)?;
    // Whoever comes back counts no opening: the answer to that could be lost too, and would look like another server's.
    let opened = || -> Outcome<(i64, (i64, String))> {
        let opening = match before {
            Some(_) => connection.statement("SELECT opening FROM opening")?,
            None => {
                warn_of_no_flush(&connection)?;
                let count = "UPDATE opening SET opening = opening + 1, clean = 0 RETURNING opening";
                connection.statement(count)?
            }
        }
        .first_number()?;
        Ok((opening, connection.own_session()?))
    };
    let (opening, session) = opened().map_err(explained)?;
    if before.is_some_and(|before| before != opening) {
        return Err(Error::InUse {
            path: options.shown().to_owned(),
            pid: "unknown".to_owned(),
        });
    }
    let tenure = Tenure { opening, session };
    Ok((
        Session::new(
            Database::Postgres(Box::new(connection)),
            &limits_of(&options),
            opening,
        ),
        tenure,
    ))
}

/// A connection that only reads.
pub(super) fn reader(options: &PostgresOptions) -> Result<Session> {
    let connection = Connection::open(options)?;
    Ok(Session::new(
        Database::Postgres(Box::new(connection)),
        &limits_of(options),
        0,
    ))
}

fn limits_of(options: &PostgresOptions) -> crate::Options {
    limits(
        options.shown(),
        options.max_backlog,
        options.remember_deliveries_hours,
    )
}

/// Takes the lock, or says who has it.
pub(super) fn own(connection: &Connection) -> Result<()> {
    let options = connection.options();
    let shown = options.shown();
    let taken = || -> Outcome<bool> {
        Ok(connection
            .statement(&format!(
                "SELECT CASE WHEN pg_try_advisory_lock({LOCK}) THEN 1 ELSE 0 END"
            ))?
            .first_number()?
            == 1)
    };
    let mut waited = Duration::ZERO;
    while !taken().map_err(|fault| fault.into_error(shown.as_ref()))? {
        if waited >= options.wait {
            let owner = owner(connection).map_err(|fault| fault.into_error(shown.as_ref()))?;
            return Err(Error::InUse {
                path: shown.to_owned(),
                pid: owner.unwrap_or_else(|| "unknown".to_owned()),
            });
        }
        thread::sleep(AGAIN);
        waited += AGAIN;
    }
    Ok(())
}

/// Who has the lock: the process, as its connection says, and its machine.
fn owner(connection: &Connection) -> Outcome<Option<String>> {
    let mut statement = connection.statement(
        "SELECT replace(a.application_name, 'tandem ', '')
             || coalesce(' at ' || host(a.client_addr), '')
         FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
             AND CAST(l.classid AS bigint) = 1416520813
             AND CAST(l.objid AS bigint) = CAST(hashtext(current_schema()) AS bigint) & 4294967295
         LIMIT 1",
    )?;
    let mut rows = statement.query(&[])?;
    let Some(row) = rows.next() else {
        return Ok(None);
    };
    let name = row.value(0)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(Some(name.to_owned()))
}

fn warn_of_no_flush(connection: &Connection) -> Outcome<()> {
    let flushes = connection
        .statement("SELECT CASE WHEN current_setting('fsync') = 'on' THEN 1 ELSE 0 END")?
        .first_number()?;
    if flushes == 0 {
        tracing::warn!(
            "the PostgreSQL server runs with fsync = off: a power failure loses what was acknowledged"
        );
    }
    Ok(())
}
