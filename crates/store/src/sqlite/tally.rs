//! Counts that would else need a scan of a big table.
//!
//! A command collects what it changes and moves each count once at its end. Triggers would do the same
//! by themselves, but once for every row, and they make SQLite keep a journal for every statement.

use std::collections::BTreeMap;

use rusqlite::params;

use super::{database::OptionalExtension, fault::Outcome, session::Session};

/// What is counted: of a connection or sync, or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Count {
    /// Dirty records of a connection in a lane.
    Dirty { connection: i64, lane: i64 },
    /// Dirty records of a connection whose last try failed.
    Failing { connection: i64 },
    /// Active links of a sync.
    Links { sync: i64 },
    /// Blocked fields of a sync.
    Blocked { sync: i64 },
    /// Logged calls.
    Calls,
    /// Acts.
    Acts,
    /// Runs of workflows that ended.
    EndedRuns,
}

impl Count {
    /// The first three columns of its row.
    fn key(self) -> (i64, i64, i64) {
        match self {
            Self::Dirty { connection, lane } => (1, connection, lane),
            Self::Failing { connection } => (2, connection, 0),
            Self::Links { sync } => (3, sync, 0),
            Self::Blocked { sync } => (4, sync, 0),
            Self::Calls => (5, 0, 0),
            Self::Acts => (6, 0, 0),
            Self::EndedRuns => (7, 0, 0),
        }
    }
}

/// Moves one count by itself.
pub(super) fn move_by(session: &Session, ws: i64, count: Count, by: i64) -> Outcome<()> {
    let mut tally = Tally::default();
    tally.add(count, by);
    tally.save(session, ws)
}

/// What a count is now.
pub(super) fn counted(session: &Session, ws: i64, count: Count) -> Outcome<i64> {
    let (kind, a, b) = count.key();
    Ok(session
        .sql("SELECT n FROM tally WHERE ws = ?1 AND kind = ?2 AND a = ?3 AND b = ?4")?
        .query_row(params![ws, kind, a, b], |row| row.get(0))
        .optional()?
        .unwrap_or(0))
}

/// The changes of one command.
#[derive(Default)]
pub(super) struct Tally(BTreeMap<Count, i64>);

impl Tally {
    /// Counts up or down.
    pub(super) fn add(&mut self, count: Count, by: i64) {
        *self.0.entry(count).or_default() += by;
    }

    /// Moves the stored counts.
    pub(super) fn save(self, session: &Session, ws: i64) -> Outcome<()> {
        let mut each = session
            .sql(
                "INSERT INTO tally (ws, kind, a, b, n) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (ws, kind, a, b) DO UPDATE SET n = tally.n + excluded.n",
            )?
            .each();
        for (count, by) in self.0 {
            if by != 0 {
                let (kind, a, b) = count.key();
                each.add(params![ws, kind, a, b, by])?;
            }
        }
        each.run()
    }
}
