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
    fault::{Fault, Outcome},
    session::Session,
};
use crate::{Error, Result};

/// At most so many commands in one transaction.
pub(crate) const GROUP: usize = 512;

/// How much a command's effect is worth when the power fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Flush {
    /// It is enough if it outlives the process; the next command that waits for the disk takes it along.
    WithNext,
    /// On the disk before it is answered.
    Now,
}

/// A command on its way to a session and back.
pub(crate) trait Work: Send {
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
pub(crate) struct Command<T, F> {
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
    pub(crate) fn new(flush: Flush, work: F) -> (Self, oneshot::Receiver<Result<T>>) {
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
pub(crate) fn guarded<T>(
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
pub(crate) fn run_all(session: &Session, path: &Path, mut waiting: VecDeque<Box<dyn Work>>) {
    while !waiting.is_empty() {
        run_group(session, path, &mut waiting);
    }
}

/// One transaction. Takes commands until all are in it, or until the database gives the transaction up.
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
        if !session.database.in_transaction() {
            failure = Some(session.database.given_up());
        }
    }
    if failure.is_none() {
        let kept = !alone || done.iter().all(|(_, good)| *good);
        failure = end(session, kept).err();
    }
    if let Some(fault) = failure {
        session.forget();
        if session.database.in_transaction()
            && let Err(fault) = session.database.batch("ROLLBACK")
        {
            let error = fault.into_error(path);
            tracing::error!(%error, "the database did not roll back");
        }
        let error = fault.into_error(path);
        for (work, good) in &mut done {
            if *good {
                work.lost(error.clone().into());
            }
        }
    }
    for (work, _) in done {
        work.answer(path);
    }
}

/// Begins a transaction whose commit flushes the disk, or not.
fn begin(session: &Session, flush: Flush) -> Outcome<()> {
    let changed = session.flush.replace(Some(flush)) != Some(flush);
    session.database.begin_writing(flush, changed)
}

/// Commits, or rolls back if there is nothing good in it.
fn end(session: &Session, kept: bool) -> Outcome<()> {
    if !kept {
        session.forget();
    }
    session
        .database
        .batch(if kept { "COMMIT" } else { "ROLLBACK" })
}

/// Runs one command in a savepoint. One that is alone in its transaction needs none: a savepoint costs
/// a copy of every page that is touched.
fn run_one(session: &Session, work: &mut dyn Work) -> bool {
    if let Err(fault) = session.database.batch("SAVEPOINT command") {
        work.lost(fault);
        return false;
    }
    let good = work.run(session);
    if !session.database.in_transaction() {
        return good;
    }
    let end = if good {
        "RELEASE command"
    } else {
        session.forget();
        "ROLLBACK TO command; RELEASE command"
    };
    if let Err(fault) = session.database.batch(end) {
        work.lost(fault);
        return false;
    }
    good
}
