//! The store on one SQLite file.
//!
//! One thread writes, in groups ([`writer`]); a few read beside it on connections of their own, and one folds
//! the log into the file ([`folding`]). The file is in WAL mode and flushed at each commit that somebody waits for. Nothing here blocks the
//! async runtime: commands are closures that travel to the threads and back.

mod codes;
mod commit;
mod connections;
mod contract;
#[cfg(test)]
mod durable;
mod fault;
mod folding;
#[cfg(test)]
mod full_disk;
mod intents;
mod journal;
mod keys;
mod ledger;
mod links;
mod listings;
mod lock;
mod marks;
mod migrate;
mod open;
mod options;
mod payload;
mod plans;
mod reviews;
mod session;
mod settings;
mod signals;
mod sweeps;
mod tally;
mod threads;
mod waiting;
mod workflow_runs;
mod workflows;
mod writer;

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

pub use options::Options;

use crate::{Error, Result};
use fault::Outcome;
use session::Session;
use threads::{Threads, run_reading};
use writer::{Command, Flush, Work, run_all};

/// The store on one SQLite file, or in memory.
pub struct SqliteStore {
    path: PathBuf,
    backend: Backend,
}

/// Where commands run.
enum Backend {
    /// On threads of the store.
    Threads(Threads),
    /// On the caller's thread: without any timing of its own, for tests and simulations.
    Caller(Box<Mutex<Option<Session>>>),
}

impl SqliteStore {
    /// Opens the database and brings its schema to this version. Blocks for as long as that takes;
    /// call it before the server takes requests.
    ///
    /// # Errors
    /// [`Error::InUse`] while another process has it; [`Error::Foreign`] if it is damaged, of another
    /// program or of a newer version; [`Error::Unwritable`] if it cannot be written.
    pub fn open(options: &Options) -> Result<Self> {
        let opened = open::open(options)?;
        Ok(Self {
            path: opened.path.clone(),
            backend: Backend::Threads(Threads::start(opened)?),
        })
    }

    /// A database in memory, gone when the store is dropped. Every command runs at once on the thread
    /// that calls it, so that a simulation is the same each time.
    ///
    /// # Errors
    /// [`Error::Database`] if SQLite cannot be used at all.
    pub fn in_memory() -> Result<Self> {
        Self::in_memory_with(&Options::at(":memory:"))
    }

    /// The same, with options; `path`, `create` and `readers` have no meaning.
    ///
    /// # Errors
    /// [`Error::Database`] if SQLite cannot be used at all.
    pub fn in_memory_with(options: &Options) -> Result<Self> {
        Ok(Self {
            path: options.path.clone(),
            backend: Backend::Caller(Box::new(Mutex::new(Some(open::in_memory(options)?)))),
        })
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Copies the database, as it is at one moment, to a new file while work goes on. The file is
    /// there wholly or not at all.
    ///
    /// # Errors
    /// [`Error::Unwritable`] if there is such a file already or it cannot be written.
    pub async fn backup_to(&self, target: &Path) -> Result<()> {
        let target = target.to_owned();
        self.read(move |session| open::backup(session, &target))
            .await
    }

    /// Reads the whole database and checks that it is sound.
    ///
    /// # Errors
    /// [`Error::Foreign`] with what was found if it is not.
    pub async fn verify(&self) -> Result<()> {
        let path = self.path.clone();
        self.read(move |session| Ok(open::check(&session.connection, &path)?))
            .await
    }

    /// Ends after what is under way, and folds the log into the file. Later commands fail with
    /// [`Error::Closed`].
    ///
    /// # Errors
    /// If the end could not be noted in the file; nothing that was answered is lost by that.
    pub async fn close(&self) -> Result<()> {
        match &self.backend {
            Backend::Threads(threads) => threads.close().await,
            Backend::Caller(session) => {
                session
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take();
                Ok(())
            }
        }
    }

    /// Runs a command that writes; it is on the disk when this returns.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        self.write_with(Flush::Now, work).await
    }

    /// Runs a command that writes and whose loss in a power failure would do no harm.
    async fn write_soon<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        self.write_with(Flush::WithNext, work).await
    }

    async fn write_with<T: Send + 'static>(
        &self,
        flush: Flush,
        work: impl FnOnce(&Session) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        let (command, answer) = Command::new(flush, work);
        match &self.backend {
            Backend::Threads(threads) => threads.write(Box::new(command)),
            Backend::Caller(session) => {
                if let Some(session) = &*session.lock().unwrap_or_else(PoisonError::into_inner) {
                    let works: VecDeque<Box<dyn Work>> = VecDeque::from([Box::new(command) as _]);
                    run_all(session, &self.path, works);
                } else {
                    return Err(Error::Closed);
                }
            }
        }
        answer.await.unwrap_or(Err(Error::Closed))
    }

    /// Runs a command that only reads.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        let (mut command, answer) = Command::new(Flush::WithNext, work);
        match &self.backend {
            Backend::Threads(threads) => threads.read(Box::new(command)),
            Backend::Caller(session) => {
                if let Some(session) = &*session.lock().unwrap_or_else(PoisonError::into_inner) {
                    run_reading(session, &mut command);
                    Box::new(command).answer(&self.path);
                } else {
                    return Err(Error::Closed);
                }
            }
        }
        answer.await.unwrap_or(Err(Error::Closed))
    }
}
