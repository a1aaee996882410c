//! The threads that own the connections to a PostgreSQL server.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    options::PostgresOptions,
    owner::{self, Tenure},
};
use crate::{
    Error, Result,
    sqlite::{
        database::Database,
        session::Session,
        threads::{QUIET, merge_keys, run_reading, spawn},
        writer::{GROUP, Work, run_all},
    },
};

/// A server that did not answer is not asked again before.
const PAUSE: Duration = Duration::from_millis(500);

enum Message {
    Work(Box<dyn Work>),
    Close(oneshot::Sender<Result<()>>),
}

/// One writing thread and a few reading ones.
pub(crate) struct Threads {
    writer: mpsc::Sender<Message>,
    readers: Mutex<Option<mpsc::Sender<Box<dyn Work>>>>,
    joins: Mutex<Vec<JoinHandle<()>>>,
}

impl Threads {
    /// Connects and starts them.
    pub(crate) fn start(options: &PostgresOptions) -> Result<Self> {
        let (writes, messages) = mpsc::channel();
        let mut joins = Vec::new();
        let (said, opened) = mpsc::channel();
        let own = options.clone();
        // A connection is opened by the thread that uses it: there no runtime runs that it could block.
        joins.push(spawn("store-write", move || {
            let (session, tenure) = match owner::open(&own) {
                Ok(opened) => opened,
                Err(error) => {
                    let _gone = said.send(Err(error));
                    return;
                }
            };
            if said.send(Ok(())).is_ok() {
                drop(said);
                Writer::new(own, session, tenure).run(&messages);
            }
        })?);
        opened
            .recv()
            .unwrap_or_else(|_| Err(Error::Database("the store ended in a bug".to_owned())))?;
        let (reads, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..options.readers.max(1) {
            let (queue, own) = (queue.clone(), options.clone());
            joins.push(spawn("store-read", move || read(&own, &queue))?);
        }
        Ok(Self {
            writer: writes,
            readers: Mutex::new(Some(reads)),
            joins: Mutex::new(joins),
        })
    }

    /// Hands a command to the writer. If the store is closed, the command is dropped, and its caller
    /// learns that from its receiver.
    pub(crate) fn write(&self, work: Box<dyn Work>) {
        let _closed = self.writer.send(Message::Work(work));
    }

    /// Hands a command to a reader, in the same way.
    pub(crate) fn read(&self, work: Box<dyn Work>) {
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(readers) = readers.as_ref() {
            let _closed = readers.send(work);
        }
    }

    /// Ends the threads after what is under way. Closing twice is no error.
    pub(crate) async fn close(&self) -> Result<()> {
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
    /// Waits for what is under way, so that the database is free when this returns.
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

/// The thread that writes.
struct Writer {
    options: PostgresOptions,
    /// How the database is called in messages.
    shown: PathBuf,
    session: Session,
    tenure: Tenure,
    /// Another server has the database now.
    ousted: Option<Error>,
    tried: Option<Instant>,
}

impl Writer {
    fn new(options: PostgresOptions, session: Session, tenure: Tenure) -> Self {
        Self {
            shown: options.shown().into(),
            options,
            session,
            tenure,
            ousted: None,
            tried: None,
        }
    }

    /// Runs commands in groups until it is told to close.
    fn run(mut self, messages: &mpsc::Receiver<Message>) {
        let mut busy = false;
        loop {
            let first = if busy {
                match messages.recv_timeout(QUIET) {
                    Err(mpsc::RecvTimeoutError::Timeout) => {
                        if !is_lost(&self.session) {
                            merge_keys(&self.session, &self.shown);
                        }
                        busy = false;
                        continue;
                    }
                    Err(mpsc::RecvTimeoutError::Disconnected) => return,
                    Ok(message) => message,
                }
            } else {
                match messages.recv() {
                    Ok(message) => message,
                    Err(_) => return,
                }
            };
            let mut works: VecDeque<Box<dyn Work>> = VecDeque::new();
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
            if !works.is_empty() {
                match self.connected() {
                    Ok(()) => run_all(&self.session, &self.shown, works),
                    Err(error) => {
                        for mut work in works {
                            work.lost(error.clone().into());
                            work.answer(&self.shown);
                        }
                    }
                }
                busy = true;
            }
            if let Some(caller) = closing {
                drop(self.session);
                // Nobody has to wait for the end.
                let _unheard = caller.send(Ok(()));
                return;
            }
        }
    }

    /// Sees to it that there is a connection, and that the database is still ours.
    fn connected(&mut self) -> Result<()> {
        if let Some(error) = &self.ousted {
            return Err(error.clone());
        }
        if !is_lost(&self.session) {
            return Ok(());
        }
        if self.tried.is_some_and(|tried| tried.elapsed() < PAUSE) {
            return Err(why_lost(&self.session));
        }
        let opened = owner::reopen(&self.options, &self.tenure);
        self.tried = Some(Instant::now());
        match opened {
            Ok((session, tenure)) => {
                tracing::info!("the connection to the database is back");
                session.go_on_from(&self.session);
                self.session = session;
                self.tenure = tenure;
                self.tried = None;
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "the database cannot be used");
                if matches!(error, Error::InUse { .. }) {
                    self.ousted = Some(error.clone());
                }
                Err(error)
            }
        }
    }
}

fn is_lost(session: &Session) -> bool {
    match &session.database {
        Database::Postgres(connection) => connection.is_lost(),
        Database::Sqlite(_) => false,
    }
}

fn why_lost(session: &Session) -> Error {
    match &session.database {
        Database::Postgres(connection) => connection.lost(),
        Database::Sqlite(_) => Error::Closed,
    }
}

/// Reads for whoever asks, on a connection that is opened when it is first needed.
fn read(options: &PostgresOptions, queue: &Mutex<mpsc::Receiver<Box<dyn Work>>>) {
    let shown: PathBuf = options.shown().into();
    let mut session: Option<Session> = None;
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut work) = next else {
            return;
        };
        if session.as_ref().is_some_and(is_lost) {
            session = None;
        }
        let opened = match session.take() {
            Some(session) => Ok(session),
            None => owner::reader(options),
        };
        match opened {
            Ok(opened) => {
                run_reading(&opened, work.as_mut());
                session = Some(opened);
            }
            Err(error) => work.lost(error.into()),
        }
        work.answer(&shown);
    }
}
