//! The threads that own the sessions of a database file.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::sync::oneshot;

use super::{
    folding::Folding,
    keys,
    open::{self, Opened},
    session::Session,
    writer::{Command, Flush, GROUP, Work, run_all},
};
use crate::{Error, Result};

/// After so long without work, memory goes back and the log is folded in.
pub(crate) const QUIET: Duration = Duration::from_secs(3);

enum Message {
    Work(Box<dyn Work>),
    Close(oneshot::Sender<Result<()>>),
}

/// One writing thread and a few reading ones.
pub(super) struct Threads {
    writer: mpsc::Sender<Message>,
    readers: Mutex<Option<mpsc::Sender<Box<dyn Work>>>>,
    joins: Mutex<Vec<JoinHandle<()>>>,
}

impl Threads {
    /// Starts them.
    pub(super) fn start(opened: Opened) -> Result<Self> {
        let Opened {
            path,
            lock,
            writer: session,
            log,
            readers: sessions,
        } = opened;
        let mut folding = Folding::start(log, path.clone())?;
        let (reads, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        let mut reading = Vec::new();
        for session in sessions {
            let queue = queue.clone();
            let path = path.clone();
            reading.push(spawn("store-read", move || read(&session, &path, &queue))?);
        }
        let (writes, messages) = mpsc::channel();
        let writing = spawn("store-write", move || {
            let waiting = write(&session, &path, &messages, &mut folding);
            drop(folding);
            // The readers' queue is closed before or with the writer's.
            for reader in reading {
                if reader.join().is_err() {
                    tracing::error!("a reading thread of the store ended in a bug");
                }
            }
            let ended = open::end_opening(&session).map_err(|fault| fault.into_error(&path));
            if let Err(error) = &ended {
                tracing::warn!(%error, "the database was not closed well");
            }
            drop(session);
            drop(lock);
            if let Some(caller) = waiting {
                // Nobody has to wait for the end.
                let _unheard = caller.send(ended);
            }
        })?;
        Ok(Self {
            writer: writes,
            readers: Mutex::new(Some(reads)),
            joins: Mutex::new(vec![writing]),
        })
    }

    /// Hands a command to the writer. If the store is closed, the command is dropped, and its caller
    /// learns that from its receiver.
    pub(super) fn write(&self, work: Box<dyn Work>) {
        let _closed = self.writer.send(Message::Work(work));
    }

    /// Hands a command to a reader, in the same way.
    pub(super) fn read(&self, work: Box<dyn Work>) {
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(readers) = readers.as_ref() {
            let _closed = readers.send(work);
        }
    }

    /// Ends the threads after what is under way. Closing twice is no error.
    pub(super) async fn close(&self) -> Result<()> {
        self.close_readers();
        let (reply, ended) = oneshot::channel();
        if self.writer.send(Message::Close(reply)).is_err() {
            return Ok(());
        }
        ended.await.unwrap_or(Ok(()))
    }

    fn close_readers(&self) {
        self.readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }
}

impl Drop for Threads {
    /// Waits for what is under way, so that the file is free when this returns.
    fn drop(&mut self) {
        self.close_readers();
        let (reply, _ended) = oneshot::channel();
        let _closed = self.writer.send(Message::Close(reply));
        let joins = std::mem::take(&mut *self.joins.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in joins {
            let _bug = thread.join();
        }
    }
}

pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error| Error::Database(format!("no thread could be started: {error}")))
}

/// Runs commands in groups until it is told to close; gives back who told it.
fn write(
    session: &Session,
    path: &Path,
    messages: &mpsc::Receiver<Message>,
    folding: &mut Folding,
) -> Option<oneshot::Sender<Result<()>>> {
    let mut busy = false;
    loop {
        let first = if busy {
            match messages.recv_timeout(QUIET) {
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    merge_keys(session, path);
                    folding.rest(session);
                    rest(session, "PRAGMA shrink_memory");
                    busy = false;
                    continue;
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return None,
                Ok(message) => message,
            }
        } else {
            messages.recv().ok()?
        };
        let mut works = VecDeque::new();
        let mut closing = None;
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Work(work) => works.push_back(work),
                Message::Close(caller) => {
                    closing = Some(caller);
                    break;
                }
            }
            next = if works.len() < GROUP {
                messages.try_recv().ok()
            } else {
                None
            };
        }
        run_all(session, path, works);
        folding.go_on(session);
        busy = true;
        if closing.is_some() {
            return closing;
        }
    }
}

/// Merges keys into their index that wait for it.
pub(crate) fn merge_keys(session: &Session, path: &Path) {
    let waiting = match keys::unmerged(session) {
        Ok(waiting) => waiting,
        Err(fault) => {
            let error = fault.into_error(path);
            tracing::warn!(%error, "the database could not be tidied up");
            return;
        }
    };
    for (place, keyed) in waiting {
        let (command, mut merged) = Command::new(Flush::WithNext, move |session: &Session| {
            keys::merge_place(session, place, keyed)
        });
        run_all(session, path, VecDeque::from([Box::new(command) as _]));
        if let Ok(Err(error)) = merged.try_recv() {
            tracing::warn!(%error, "the database could not be tidied up");
        }
    }
}

fn read(session: &Session, path: &Path, queue: &Mutex<mpsc::Receiver<Box<dyn Work>>>) {
    let mut busy = false;
    loop {
        let next = {
            let queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            if busy {
                queue.recv_timeout(QUIET)
            } else {
                queue
                    .recv()
                    .map_err(|_| mpsc::RecvTimeoutError::Disconnected)
            }
        };
        match next {
            Ok(mut work) => {
                run_reading(session, work.as_mut());
                work.answer(path);
                busy = true;
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                rest(session, "PRAGMA shrink_memory");
                busy = false;
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Runs a reading command on one state of the database.
pub(crate) fn run_reading(session: &Session, work: &mut dyn Work) {
    if let Err(fault) = session.database.begin_reading() {
        work.lost(fault);
        return;
    }
    let good = work.run(session);
    if let Err(fault) = session
        .database
        .batch(if good { "COMMIT" } else { "ROLLBACK" })
        && good
    {
        work.lost(fault);
    }
}

fn rest(session: &Session, pragmas: &str) {
    if let Err(fault) = session.database.batch(pragmas) {
        let error = fault.into_error(Path::new("the database"));
        tracing::warn!(%error, "the database could not be tidied up");
    }
}
