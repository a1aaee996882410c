//! How a SQLite store is opened.

use std::path::PathBuf;

/// How a [`crate::SqliteStore`] is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The database file. `-wal`, `-shm` and `.lock` files stand beside it.
    pub path: PathBuf,
    /// Make the file if it is not there. Default: yes.
    pub create: bool,
    /// Webhooks are answered "full" when so many records of a workspace are dirty. Default: 1,000,000.
    pub max_backlog: u64,
    /// Threads that read beside the one that writes. Default: 2.
    pub readers: usize,
    /// How long a delivery id is remembered, in hours, by the times of later deliveries. Default: 96;
    /// vendors are known to repeat a webhook for up to three days.
    pub remember_deliveries_hours: u32,
    /// Memory for pages of the database while writing, in KiB. Each reader has a sixth of it.
    /// Default: 24576.
    pub cache_kib: u32,
    /// From so many pages (of 4 KiB) on, the log beside the file is folded into it. With twice as many,
    /// work waits until it is. Default: 32000.
    pub fold_pages: u32,
}

impl Options {
    /// The defaults for the database at `path`.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            create: true,
            max_backlog: 1_000_000,
            readers: 2,
            remember_deliveries_hours: 96,
            cache_kib: 24576,
            fold_pages: 32_000,
        }
    }
}
