//! Running commands on a session: in groups for the writer, one by one for readers.
//!
//! Group commit: whatever waits is put into one transaction, each command in a savepoint of its own,
//! and all are answered after the one commit. So a hundred callers pay for one flush of the disk, and
//! a command that fails takes nobody with it.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use tokio::sync::oneshot;

use super::{
    fault::{Fault, Outcome, explain},
    session::Session,
};
use crate::{Error, Result};

/// At most so many commands in one transaction.
pub(super) const GROUP: usize = 512;

/// How much a command's effect is worth when the power fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Flush {
    /// It is enough if it outlives the process; the next command that waits for the disk takes it along.
    WithNext,
    /// On the disk before it is answered.
    Now,
}

/// A command on its way to a session and back.
pub(super) trait Work: Send {
    /// How much it is worth.
    fn flush(&self) -> Flush;

    /// Runs it and keeps the result. Says whether it went well.
    fn run(&mut self, session: &Session) -> bool;

    /// Replaces a result that was good: the transaction failed.
    fn lost(&mut self, fault: Fault);

    /// Tells the caller.
    fn answer(self: Box<Self>, path: &Path);
}

/// A command with its caller.
pub(super) struct Command<T, F> {
    flush: Flush,
    work: Option<F>,
    result: Option<Outcome<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Command<T, F>
where
    T: Send,
    F: FnOnce(&Session) -> Outcome<T> + Send,
{
    /// A command, and where its result will arrive.
    pub(super) fn new(flush: Flush, work: F) -> (Self, oneshot::Receiver<Result<T>>) {
        let (reply, receiver) = oneshot::channel();
        let command = Self {
            flush,
            work: Some(work),
            result: None,
            reply,
        };
        (command, receiver)
    }
}

impl<T, F> Work for Command<T, F>
where
    T: Send,
    F: FnOnce(&Session) -> Outcome<T> + Send,
{
    fn flush(&self) -> Flush {
        self.flush
    }

    fn run(&mut self, session: &Session) -> bool {
        let Some(work) = self.work.take() else {
            return false;
        };
        let result = guarded(work, session);
        let good = result.is_ok();
        self.result = Some(result);
        good
    }

    fn lost(&mut self, fault: Fault) {
        self.result = Some(Err(fault));
    }

    fn answer(self: Box<Self>, path: &Path) {
        let result = self.result.unwrap_or(Err(Error::Closed.into()));
        // A caller that no longer waits needs no answer.
        let _unheard = self
            .reply
            .send(result.map_err(|fault| fault.into_error(path)));
    }
}

/// Runs a command so that a bug in one is an error of that one.
pub(super) fn guarded<T>(
    work: impl FnOnce(&Session) -> Outcome<T>,
    session: &Session,
) -> Outcome<T> {
    catch_unwind(AssertUnwindSafe(|| work(session))).unwrap_or_else(|_| {
        Err(Fault::Refused(Error::Database(
            "a command ended in a bug; see the log of the process".to_owned(),
        )))
    })
}

/// Runs commands in as few transactions as possible and answers them all.
pub(super) fn run_all(session: &Session, path: &Path, mut waiting: VecDeque<Box<dyn Work>>) {
    while !waiting.is_empty() {
        run_group(session, path, &mut waiting);
    }
}

/// One transaction. Takes commands until all are in it, or until SQLite gives the transaction up.
fn run_group(session: &Session, path: &Path, waiting: &mut VecDeque<Box<dyn Work>>) {
    let flush = waiting
        .iter()
        .map(|work| work.flush())
        .max()
        .unwrap_or(Flush::Now);
    let mut done: Vec<(Box<dyn Work>, bool)> = Vec::with_capacity(waiting.len());
    let mut failure = begin(session, flush).err();
    if failure.is_some() {
        done.extend(waiting.drain(..).map(|work| (work, true)));
    }
    let alone = waiting.len() == 1;
    while failure.is_none()
        && let Some(mut work) = waiting.pop_front()
    {
        let good = if alone {
            work.run(session)
        } else {
            run_one(session, work.as_mut())
        };
        done.push((work, good));
        if session.connection.is_autocommit() {
            failure = Some(given_up());
        }
    }
    if failure.is_none() {
        let kept = !alone || done.iter().all(|(_, good)| *good);
        failure = end(session, kept).err();
    }
    if let Some(error) = failure {
        session.forget();
        if !session.connection.is_autocommit()
            && let Err(error) = session.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "the database did not roll back");
        }
        for (work, good) in &mut done {
            if *good {
                work.lost(explain(&error, path).into());
            }
        }
    }
    for (work, _) in done {
        work.answer(path);
    }
}

/// SQLite rolls a whole transaction back by itself when the disk is full or fails in the middle of a
/// statement; the command that met it has the exact error, its neighbours get this one.
fn given_up() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL), None)
}

/// Begins a transaction whose commit flushes the disk, or not: SQLite takes that setting only
/// between transactions.
fn begin(session: &Session, flush: Flush) -> rusqlite::Result<()> {
    if session.flush.replace(Some(flush)) != Some(flush) {
        session.connection.execute_batch(match flush {
            Flush::Now => "PRAGMA synchronous = FULL",
            Flush::WithNext => "PRAGMA synchronous = NORMAL",
        })?;
    }
    session.connection.execute_batch("BEGIN IMMEDIATE")
}

/// Commits, or rolls back if there is nothing good in it.
fn end(session: &Session, kept: bool) -> rusqlite::Result<()> {
    if !kept {
        session.forget();
    }
    session
        .connection
        .execute_batch(if kept { "COMMIT" } else { "ROLLBACK" })
}

/// Runs one command in a savepoint. One that is alone in its transaction needs none: a savepoint costs
/// a copy of every page that is touched.
fn run_one(session: &Session, work: &mut dyn Work) -> bool {
    if let Err(error) = session.connection.execute_batch("SAVEPOINT command") {
        work.lost(error.into());
        return false;
    }
    let good = work.run(session);
    if session.connection.is_autocommit() {
        return good;
    }
    let end = if good {
        "RELEASE command"
    } else {
        session.forget();
        "ROLLBACK TO command; RELEASE command"
    };
    if let Err(error) = session.connection.execute_batch(end) {
        work.lost(error.into());
        return false;
    }
    good
}
