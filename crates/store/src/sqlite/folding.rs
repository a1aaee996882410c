//! Folding the log into the database file beside the thread that writes, so that commits do not wait
//! for it.
//!
//! The log begins anew only when all of it is folded in, which a thread beside a busy writer never gets
//! to: what came meanwhile, a small part, is folded in by the writer itself.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};

use rusqlite::Connection;

use super::{session::Session, threads::spawn};
use crate::Result;

/// What it takes to fold the log.
pub(super) struct Log {
    /// One of its own.
    pub(super) connection: Connection,
    /// What [`count_pages`] counts.
    pub(super) pages: Arc<AtomicU32>,
    /// See [`super::Options::fold_pages`].
    pub(super) fold_pages: u32,
}

/// The thread that folds, as the writer sees it.
pub(super) struct Folding {
    /// Pages in the log as of the last commit.
    pages: Arc<AtomicU32>,
    /// From so many on it is folded in; see [`super::Options::fold_pages`].
    fold_pages: u32,
    asks: Option<mpsc::Sender<()>>,
    ends: mpsc::Receiver<()>,
    under_way: bool,
    path: PathBuf,
    thread: Option<JoinHandle<()>>,
}

impl Folding {
    /// Starts the thread.
    pub(super) fn start(log: Log, path: PathBuf) -> Result<Self> {
        let Log {
            connection,
            pages,
            fold_pages,
        } = log;
        let (asks, asked) = mpsc::channel();
        let (ended, ends) = mpsc::channel();
        let named = path.clone();
        let thread = spawn("store-fold", move || {
            while asked.recv().is_ok() {
                if let Err(error) = fold(&connection) {
                    tracing::warn!(%error, path = %path.display(), "the log could not be folded into the database");
                }
                if ended.send(()).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self {
            pages,
            fold_pages,
            asks: Some(asks),
            ends,
            under_way: false,
            path: named,
            thread: Some(thread),
        })
    }

    /// To be called by the writer between two transactions.
    pub(super) fn go_on(&mut self, session: &Session) {
        let pages = self.pages.load(Ordering::Relaxed);
        if !self.under_way {
            if pages >= self.fold_pages {
                self.under_way = self.asks.as_ref().is_some_and(|asks| asks.send(()).is_ok());
            }
            return;
        }
        let ended = if pages >= self.fold_pages.saturating_mul(2) {
            self.ends.recv().is_ok()
        } else {
            self.ends.try_recv().is_ok()
        };
        if ended {
            self.under_way = false;
            self.rest(session);
        }
    }

    /// Folds in what the thread has left.
    pub(super) fn rest(&self, session: &Session) {
        let folded = session
            .database
            .sqlite()
            .and_then(|connection| Ok(fold(connection)?));
        if let Err(fault) = folded {
            let error = fault.into_error(&self.path);
            tracing::warn!(%error, "the log could not be folded into the database");
        }
    }
}

impl Drop for Folding {
    fn drop(&mut self) {
        self.asks.take();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that folds the log ended in a bug");
        }
    }
}

/// Folds in what nobody reads any more, as far as there is no other one at it. The log is on the disk
/// before the file is written, and the file before the log is begun anew.
fn fold(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

/// Counts the pages in the log with each commit of this connection, instead of folding them in there.
pub(super) fn count_pages(connection: &mut Connection) -> rusqlite::Result<Arc<AtomicU32>> {
    let pages = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&pages);
    connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
        counted.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
        Ok(())
    }))?;
    Ok(pages)
}
