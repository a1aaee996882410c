//! Statements on a connection: values in and rows out, as SQLite has them.

use futures::TryStreamExt as _;
use rusqlite::types::ValueRef;

use super::{
    connection::Connection,
    values::{Given, Held, bind},
};
use crate::sqlite::fault::{Fault, Outcome};

/// A prepared statement.
pub(crate) struct Statement<'c> {
    pub(super) connection: &'c Connection,
    pub(super) statement: tokio_postgres::Statement,
}

/// The rows of an answer.
pub(crate) struct Rows {
    pub(super) rows: Vec<Row>,
    pub(super) next: usize,
}

/// One row.
pub(crate) struct Row(pub(super) tokio_postgres::Row);

impl Statement<'_> {
    /// Runs it. Says how many rows it changed.
    pub(crate) fn execute(&mut self, params: &[&dyn rusqlite::ToSql]) -> Outcome<usize> {
        let values = bind(params)?;
        let connection = self.connection;
        let changed = connection
            .runtime
            .block_on(connection.client.execute_raw(&self.statement, values))
            .map_err(|error| connection.fault(error))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    /// Runs it for the one number that it gives.
    pub(super) fn first_number(&mut self) -> Outcome<i64> {
        let mut rows = self.query(&[])?;
        let row = rows.next().ok_or(Fault::NoRow)?;
        Ok(row.value(0)?.as_i64().map_err(rusqlite::Error::from)?)
    }

    /// Runs it for its rows.
    pub(crate) fn query(&mut self, params: &[&dyn rusqlite::ToSql]) -> Outcome<Rows> {
        let values = bind(params)?;
        let connection = self.connection;
        let rows = connection
            .runtime
            .block_on(async {
                connection
                    .client
                    .query_raw(&self.statement, values)
                    .await?
                    .map_ok(Row)
                    .try_collect()
                    .await
            })
            .map_err(|error| connection.fault(error))?;
        Ok(Rows { rows, next: 0 })
    }
}

impl<'c> Statement<'c> {
    /// To be run for many values.
    pub(crate) fn each(self) -> Each<'c> {
        Each {
            statement: self,
            waiting: Vec::new(),
        }
    }
}

/// So many are sent before the first answer is waited for.
const AT_ONCE: usize = 1024;

/// A statement that is run for many values, which are sent without waiting for answers in between.
pub(crate) struct Each<'c> {
    statement: Statement<'c>,
    waiting: Vec<Vec<Given<'static>>>,
}

impl Each<'_> {
    /// Runs it for these values too, when many are there or at the end.
    pub(crate) fn add(&mut self, params: &[&dyn rusqlite::ToSql]) -> Outcome<()> {
        let own = bind(params)?.into_iter().map(Given::into_owned).collect();
        self.waiting.push(own);
        if self.waiting.len() >= AT_ONCE {
            self.send()?;
        }
        Ok(())
    }

    fn send(&mut self) -> Outcome<()> {
        let connection = self.statement.connection;
        let statement = &self.statement.statement;
        let all = self
            .waiting
            .drain(..)
            .map(|values| connection.client.execute_raw(statement, values));
        connection
            .runtime
            .block_on(futures::future::try_join_all(all))
            .map_err(|error| connection.fault(error))?;
        Ok(())
    }

    /// Waits until all were run.
    pub(crate) fn run(mut self) -> Outcome<()> {
        self.send()
    }
}

impl Drop for Each<'_> {
    /// What was never run must not look as if it had been.
    fn drop(&mut self) {
        if !self.waiting.is_empty() {
            self.statement.connection.failed.set(true);
        }
    }
}

impl Rows {
    /// The next row.
    pub(crate) fn next(&mut self) -> Option<&Row> {
        let at = self.next;
        self.next += 1;
        self.rows.get(at)
    }
}

impl Row {
    /// The value of a column, as SQLite would have it.
    pub(crate) fn value(&self, column: usize) -> Outcome<ValueRef<'_>> {
        let found: std::result::Result<Held<'_>, _> = self.0.try_get(column);
        found.map(|held| held.0).map_err(Fault::Postgres)
    }
}
