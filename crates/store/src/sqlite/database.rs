//! The one place where commands meet a database: statements with values in and rows out.
//!
//! Commands are written once, in the SQL that SQLite and PostgreSQL share, with parameters as `?1`. What
//! they cannot share is put right here and in [`crate::postgres`]: never in a command. SQLite's own types
//! of values are the common ones, so nothing is copied on the way to it.

use std::vec::IntoIter;

use rusqlite::{
    CachedStatement, ToSql,
    types::{FromSql, ValueRef},
};

use super::{
    fault::{Fault, Outcome},
    writer::Flush,
};
use crate::{Error, postgres};

/// One connection to a database.
pub(crate) enum Database {
    /// To a file, or to nothing but memory.
    Sqlite(rusqlite::Connection),
    /// To a server.
    Postgres(Box<postgres::Connection>),
}

impl Database {
    /// A prepared statement.
    pub(super) fn sql(&self, sql: &str) -> Outcome<Statement<'_>> {
        Ok(match self {
            Self::Sqlite(connection) => Statement::Sqlite(connection.prepare_cached(sql)?),
            Self::Postgres(connection) => Statement::Postgres(connection.statement(sql)?),
        })
    }

    /// Runs statements without values.
    pub(super) fn batch(&self, sql: &str) -> Outcome<()> {
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch(sql)?),
            Self::Postgres(connection) => connection.batch(sql),
        }
    }

    /// Begins a transaction that writes. `changed`: the one before was not of the same worth.
    pub(super) fn begin_writing(&self, flush: Flush, changed: bool) -> Outcome<()> {
        match self {
            // SQLite takes that setting only between transactions.
            Self::Sqlite(connection) => {
                if changed {
                    connection.execute_batch(match flush {
                        Flush::Now => "PRAGMA synchronous = FULL",
                        Flush::WithNext => "PRAGMA synchronous = NORMAL",
                    })?;
                }
                Ok(connection.execute_batch("BEGIN IMMEDIATE")?)
            }
            Self::Postgres(connection) => connection.begin_writing(flush),
        }
    }

    /// Begins a transaction that sees one state of the database.
    pub(super) fn begin_reading(&self) -> Outcome<()> {
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch("BEGIN")?),
            Self::Postgres(connection) => connection.begin_reading(),
        }
    }

    /// Whether a transaction is under way. SQLite gives one up by itself when the disk is full, PostgreSQL
    /// when the connection is gone.
    pub(super) fn in_transaction(&self) -> bool {
        match self {
            Self::Sqlite(connection) => !connection.is_autocommit(),
            Self::Postgres(connection) => connection.in_transaction(),
        }
    }

    /// Why a transaction was given up, for those in it that do not know it themselves.
    pub(super) fn given_up(&self) -> Fault {
        match self {
            Self::Sqlite(_) => rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL),
                None,
            )
            .into(),
            Self::Postgres(connection) => connection.lost().into(),
        }
    }

    /// SQLite's own connection, for what only it has.
    pub(crate) fn sqlite(&self) -> Outcome<&rusqlite::Connection> {
        match self {
            Self::Sqlite(connection) => Ok(connection),
            Self::Postgres(_) => Err(Error::Database(
                "that is for a database file; use the tools of PostgreSQL".to_owned(),
            )
            .into()),
        }
    }
}

/// A prepared statement.
pub(crate) enum Statement<'s> {
    /// Of SQLite.
    Sqlite(CachedStatement<'s>),
    /// Of PostgreSQL.
    Postgres(postgres::Statement<'s>),
}

/// The rows of an answer, one by one.
pub(crate) enum Rows<'r> {
    /// Of SQLite: made while they are read.
    Sqlite(rusqlite::Rows<'r>),
    /// Of PostgreSQL: all there already.
    Postgres(postgres::Rows),
}

/// One row of an answer.
#[derive(Clone, Copy)]
pub(crate) enum Row<'r> {
    /// Of SQLite.
    Sqlite(&'r rusqlite::Row<'r>),
    /// Of PostgreSQL.
    Postgres(&'r postgres::Row),
}

/// A statement that is run for many values, none of which depends on what another one did: a server gets them
/// all at once. Nothing is sure to have happened before [`run`](Each::run).
#[must_use = "what was added is not run"]
pub(crate) enum Each<'s> {
    /// Of SQLite: each is run as it is added.
    Sqlite(CachedStatement<'s>),
    /// Of PostgreSQL.
    Postgres(postgres::Each<'s>),
}

impl Each<'_> {
    /// Runs it for these values too.
    pub(super) fn add(&mut self, params: impl Params) -> Outcome<()> {
        params.give(|params| match self {
            Self::Sqlite(statement) => {
                statement.execute(params)?;
                Ok(())
            }
            Self::Postgres(each) => each.add(params),
        })
    }

    /// Waits until all were run.
    pub(super) fn run(self) -> Outcome<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(each) => each.run(),
        }
    }
}

impl<'s> Statement<'s> {
    /// To be run for many values.
    pub(super) fn each(self) -> Each<'s> {
        match self {
            Self::Sqlite(statement) => Each::Sqlite(statement),
            Self::Postgres(statement) => Each::Postgres(statement.each()),
        }
    }
}

impl Statement<'_> {
    /// Runs it. Says how many rows it changed.
    pub(super) fn execute(&mut self, params: impl Params) -> Outcome<usize> {
        params.give(|params| {
            Ok(match self {
                Self::Sqlite(statement) => statement.execute(params)?,
                Self::Postgres(statement) => statement.execute(params)?,
            })
        })
    }

    /// Runs it for its rows.
    pub(super) fn query(&mut self, params: impl Params) -> Outcome<Rows<'_>> {
        match self {
            Self::Sqlite(statement) => {
                params.give(|params| Ok(Rows::Sqlite(statement.query(params)?)))
            }
            Self::Postgres(statement) => {
                params.give(|params| Ok(Rows::Postgres(statement.query(params)?)))
            }
        }
    }

    /// Runs it for its first row; [`Fault::NoRow`] if there is none.
    pub(super) fn query_row<T>(
        &mut self,
        params: impl Params,
        read: impl FnOnce(Row<'_>) -> Outcome<T>,
    ) -> Outcome<T> {
        let mut rows = self.query(params)?;
        read(rows.next()?.ok_or(Fault::NoRow)?)
    }

    /// Runs it and reads all its rows.
    pub(super) fn query_map<T>(
        &mut self,
        params: impl Params,
        mut read: impl FnMut(Row<'_>) -> Outcome<T>,
    ) -> Outcome<IntoIter<Outcome<T>>> {
        let mut rows = self.query(params)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(read(row));
        }
        Ok(all.into_iter())
    }
}

impl Rows<'_> {
    /// The next row.
    pub(super) fn next(&mut self) -> Outcome<Option<Row<'_>>> {
        Ok(match self {
            Self::Sqlite(rows) => rows.next()?.map(Row::Sqlite),
            Self::Postgres(rows) => rows.next().map(Row::Postgres),
        })
    }
}

impl<'r> Row<'r> {
    /// The value of a column.
    pub(super) fn get<I: Column, T: FromSql>(self, column: I) -> Outcome<T> {
        match self {
            Self::Sqlite(row) => Ok(row.get(column.place())?),
            Self::Postgres(row) => {
                Ok(T::column_result(row.value(column.place())?).map_err(rusqlite::Error::from)?)
            }
        }
    }

    /// The same, without a copy.
    pub(super) fn get_ref(self, column: usize) -> Outcome<ValueRef<'r>> {
        match self {
            Self::Sqlite(row) => Ok(row.get_ref(column)?),
            Self::Postgres(row) => row.value(column),
        }
    }
}

/// How a column is named: by its place.
pub(super) trait Column {
    fn place(self) -> usize;
}

impl Column for usize {
    fn place(self) -> usize {
        self
    }
}

/// The values of a statement's parameters.
pub(super) trait Params {
    /// Hands them over in their order.
    fn give<T>(self, to: impl FnOnce(&[&dyn ToSql]) -> Outcome<T>) -> Outcome<T>;
}

impl Params for &[&dyn ToSql] {
    fn give<T>(self, to: impl FnOnce(&[&dyn ToSql]) -> Outcome<T>) -> Outcome<T> {
        to(self)
    }
}

impl<V: ToSql> Params for [V; 1] {
    fn give<T>(self, to: impl FnOnce(&[&dyn ToSql]) -> Outcome<T>) -> Outcome<T> {
        let [value] = &self;
        to(&[value])
    }
}

impl Params for &[Box<dyn ToSql>] {
    fn give<T>(self, to: impl FnOnce(&[&dyn ToSql]) -> Outcome<T>) -> Outcome<T> {
        let values: Vec<&dyn ToSql> = self.iter().map(|value| &**value).collect();
        to(&values)
    }
}

/// A row that may be missing.
pub(super) trait OptionalExtension<T> {
    /// Nothing, where there is no row.
    fn optional(self) -> Outcome<Option<T>>;
}

impl<T> OptionalExtension<T> for Outcome<T> {
    fn optional(self) -> Outcome<Option<T>> {
        match self {
            Ok(found) => Ok(Some(found)),
            Err(Fault::NoRow) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}
