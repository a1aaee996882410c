//! The commands, and the store on one SQLite file.
//!
//! The commands are the same on PostgreSQL; [`database`] is the one place that knows of both.
//!
//! One thread writes, in groups ([`writer`]); a few read beside it on connections of their own, and one folds
//! the log into the file ([`folding`]). The file is in WAL mode and flushed at each commit that somebody waits for. Nothing here blocks the
//! async runtime: commands are closures that travel to the threads and back.

mod access;
mod blocked;
mod blocking;
mod children;
mod codes;
mod commit;
mod connections;
mod contract;
pub(crate) mod database;
#[cfg(test)]
mod durable;
pub(crate) mod fault;
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
pub(crate) mod migrate;
mod open;
mod options;
mod payload;
mod plans;
mod questions;
mod retention;
mod reviews;
pub(crate) mod session;
mod settings;
mod signals;
mod skipped;
mod sweeps;
mod tally;
pub(crate) mod threads;
mod waiting;
mod workflow_runs;
mod workflow_waits;
mod workflows;
pub(crate) mod writer;

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

pub use options::Options;

use crate::{Error, Moved, PostgresOptions, Result, postgres};
use fault::Outcome;
use session::Session;
use threads::{Threads, run_reading};
use writer::{Command, Flush, Work, run_all};

/// The store: on one SQLite file, in memory, or on a PostgreSQL server.
pub struct SqlStore {
    path: PathBuf,
    backend: Backend,
}

/// Where commands run.
enum Backend {
    /// On threads of the store.
    Threads(Threads),
    /// On threads with connections to a server.
    Postgres(postgres::Threads),
    /// On the caller's thread: without any timing of its own, for tests and simulations.
    Caller(Box<Mutex<Option<Session>>>),
}

impl SqlStore {
    /// Opens the database file and brings its schema to this version. Blocks for as long as that takes;
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

    /// Opens the database on a PostgreSQL server and brings its schema to this version. Blocks for as long
    /// as that takes.
    ///
    /// # Errors
    /// [`Error::InUse`] while another server of Tandem has it; [`Error::Foreign`] if it holds tables of another
    /// program or of a newer version; [`Error::Unwritable`] if the server cannot be reached.
    pub fn connect(options: &PostgresOptions) -> Result<Self> {
        Ok(Self {
            path: options.shown().into(),
            backend: Backend::Postgres(postgres::Threads::start(options)?),
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

    /// The database file, or the URL of the server without its password.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Copies the database, as it is at one moment, to a new file while work goes on. The file is
    /// there wholly or not at all.
    ///
    /// # Errors
    /// [`Error::Unwritable`] if there is such a file already or it cannot be written, and on a PostgreSQL server.
    pub async fn backup_to(&self, target: &Path) -> Result<()> {
        if let Backend::Postgres(_) = &self.backend {
            return Err(Error::Unwritable(
                "a PostgreSQL server is backed up with its own tools: `pg_dump --format=custom`, or an archive of its \
                 log; after `pg_restore`, and before the first start, run `tandem restore --already`"
                    .to_owned(),
            ));
        }
        let target = target.to_owned();
        self.read(move |session| open::backup(session, &target))
            .await
    }

    /// Moves everything that a database file holds to an empty database of a PostgreSQL server, all of it or
    /// nothing, and reads it back there. The file stays as it is; nobody may work on it after that.
    ///
    /// # Errors
    /// [`Error::Foreign`] if there is anything in the other database, [`Error::InUse`] if a server of Tandem
    /// has it.
    pub async fn move_to(&self, target: &PostgresOptions) -> Result<Vec<Moved>> {
        let target = target.clone();
        self.read(move |session| Ok(postgres::moved(session, &target)?))
            .await
    }

    /// Reads the whole database and checks that it is sound.
    ///
    /// # Errors
    /// [`Error::Foreign`] with what was found if it is not.
    pub async fn verify(&self) -> Result<()> {
        let path = self.path.clone();
        self.read(move |session| Ok(open::check(session.database.sqlite()?, &path)?))
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
            Backend::Postgres(threads) => threads.close().await,
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
            Backend::Postgres(threads) => threads.write(Box::new(command)),
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
            Backend::Postgres(threads) => threads.read(Box::new(command)),
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
