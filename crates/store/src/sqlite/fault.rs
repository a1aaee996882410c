//! What can go wrong inside a command, and how it is told to people.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::Error;

/// Why a command failed, before it is put into words.
#[derive(Debug)]
pub(crate) enum Fault {
    /// SQLite said no.
    Sqlite(rusqlite::Error),
    /// PostgreSQL said no.
    Postgres(tokio_postgres::Error),
    /// A row that was asked for is not there.
    NoRow,
    /// The command itself said no.
    Refused(Error),
}

/// What a command comes to, inside.
pub(crate) type Outcome<T> = std::result::Result<T, Fault>;

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::QueryReturnedNoRows => Self::NoRow,
            error => Self::Sqlite(error),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl Fault {
    /// The error in words, for the database at `path`.
    pub(crate) fn into_error(self, path: &Path) -> Error {
        match self {
            Self::Sqlite(error) => explain(&error, path),
            Self::Postgres(error) => crate::postgres::explain(&error, path),
            Self::NoRow => Error::Database("a row that must be there is not".to_owned()),
            Self::Refused(error) => error,
        }
    }
}

/// Says what SQLite's error means for the one who runs the server.
pub(super) fn explain(error: &rusqlite::Error, path: &Path) -> Error {
    let shown = path.display();
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return Error::Database(error.to_string());
    };
    match failure.code {
        ErrorCode::DiskFull => Error::Unwritable(format!(
            "no space is left for {shown}; free some, Tandem goes on by itself"
        )),
        ErrorCode::ReadOnly => {
            Error::Unwritable(format!("{shown} or its folder is read-only for this user"))
        }
        ErrorCode::SystemIoFailure => Error::Unwritable(format!(
            "reading or writing {shown} failed ({error}); check the disk and its quota"
        )),
        ErrorCode::CannotOpen | ErrorCode::PermissionDenied => Error::Unwritable(format!(
            "{shown} cannot be opened ({error}); check that its folder is there and writable"
        )),
        ErrorCode::NotADatabase => Error::Foreign {
            path: shown.to_string(),
            why: "it is no SQLite database".to_owned(),
        },
        ErrorCode::DatabaseCorrupt => Error::Foreign {
            path: shown.to_string(),
            why: "it is damaged; restore a backup".to_owned(),
        },
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::Database(format!(
            "{shown} is locked by another program, such as a database browser"
        )),
        _ => Error::Database(error.to_string()),
    }
}
