//! Why a command did not happen.

/// Why a command did not happen. Nothing of it is stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A record is in another link of the same sync.
    #[error("record {record} is already in a link of sync {sync}")]
    AlreadyLinked {
        /// The sync.
        sync: String,
        /// The record.
        record: String,
    },
    /// The database cannot be written: full disk, read-only file, lost file.
    #[error("the database cannot be written: {0}")]
    Unwritable(String),
    /// Another process has the database.
    #[error("the database {path} is in use by another process (pid {pid})")]
    InUse {
        /// The file.
        path: String,
        /// The other process.
        pid: String,
    },
    /// The database was made by a newer version, or is none of ours.
    #[error("the database {path} cannot be used: {why}")]
    Foreign {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// A stored value could not be read.
    #[error("a stored {what} could not be read: {why}")]
    Corrupt {
        /// What.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// The database failed otherwise.
    #[error("the database failed: {0}")]
    Database(String),
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}
