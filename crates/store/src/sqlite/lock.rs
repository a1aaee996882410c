//! One process per database: a lock of the operating system on a file beside it.
//!
//! The lock ends with the process however it dies, so a file that a killed process left behind blocks
//! nobody. The process id in it is only for the message. The database file itself must not be locked
//! this way: SQLite uses locks of its own on it.

use std::{
    fs::{File, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

use super::open::private;
use crate::{Error, Result};

/// Held while the database is open.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// The lock file of a database.
fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

impl Lock {
    /// Takes the lock or says who has it.
    pub(super) fn take(database: &Path) -> Result<Self> {
        let path = beside(database);
        let unwritable = |error: std::io::Error| {
            Error::Unwritable(format!(
                "the lock file {} cannot be written: {error}",
                path.display()
            ))
        };
        let mut file = private()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                if file.read_to_string(&mut pid).is_err() || pid.trim().is_empty() {
                    pid = "unknown".to_owned();
                }
                return Err(Error::InUse {
                    path: database.display().to_string(),
                    pid: pid.trim().to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(unwritable(error)),
        }
        file.set_len(0).map_err(unwritable)?;
        file.rewind().map_err(unwritable)?;
        writeln!(file, "{}", std::process::id()).map_err(unwritable)?;
        Ok(Self { _file: file })
    }
}
