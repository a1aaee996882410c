//! The contract suite on SQLite, and what only a database file can meet.

mod file;
mod process;

use std::sync::Arc;

use store::{Options, SqliteStore, Store};
use tempfile::TempDir;

use crate::suite::{Bed, contract};

/// A database file in a folder of its own.
pub(crate) struct File {
    folder: TempDir,
    store: Option<Arc<SqliteStore>>,
}

impl File {
    pub(crate) fn options(&self) -> Options {
        Options::at(self.folder.path().join("tandem.db"))
    }

    pub(crate) fn open(&mut self) {
        self.store = None;
        self.store = Some(Arc::new(SqliteStore::open(&self.options()).unwrap()));
    }
}

impl File {
    pub(crate) fn sqlite(&self) -> &SqliteStore {
        self.store.as_ref().unwrap()
    }

    /// Closes the store well.
    pub(crate) async fn close(&self) {
        self.sqlite().close().await.unwrap();
    }
}

#[async_trait::async_trait]
impl Bed for File {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone().unwrap()
    }

    async fn crash(&mut self) {
        self.open();
    }
}

/// A folder without a database yet.
pub(crate) fn empty() -> File {
    File {
        folder: TempDir::new().unwrap(),
        store: None,
    }
}

pub(crate) async fn bed() -> File {
    let mut file = empty();
    file.open();
    file
}

mod on_a_file {
    use super::contract;

    async fn store() -> (super::File, std::sync::Arc<dyn store::Store>) {
        let file = super::bed().await;
        let store = super::Bed::store(&file);
        (file, store)
    }

    contract!(stores store);
    contract!(beds super::bed);
}

mod in_memory {
    use super::contract;

    async fn store() -> ((), std::sync::Arc<dyn store::Store>) {
        (
            (),
            std::sync::Arc::new(store::SqliteStore::in_memory().unwrap()),
        )
    }

    contract!(stores store);
}
