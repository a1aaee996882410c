//! Where the database is: a file, or a PostgreSQL server.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use store::PostgresOptions;

use crate::{failure::Failure, wiring};

/// Where the database is.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    /// A file of SQLite.
    File(PathBuf),
    /// A database of a PostgreSQL server.
    Postgres(Box<PostgresOptions>),
}

impl Database {
    /// The database of this name: a path, or `postgres://…`.
    pub(crate) fn named(name: PathBuf) -> Result<Self, Failure> {
        match name.to_str() {
            Some(url) if PostgresOptions::is_url(url) => {
                let options =
                    PostgresOptions::parse(url).map_err(|error| wiring::store_failure(&error))?;
                Ok(Self::Postgres(Box::new(options)))
            }
            _ => Ok(Self::File(name)),
        }
    }

    /// What the files that stand beside the database are named after: the key, imported systems, where
    /// the server is. A server's database has them in the folder in which Tandem is started.
    pub(crate) fn beside(&self) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            Self::Postgres(options) => {
                let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
                let name: String = options
                    .database()
                    .chars()
                    .map(|letter| if plain(letter) { letter } else { '_' })
                    .collect();
                Path::new(&format!("postgres-{name}")).to_owned()
            }
        }
    }

    /// Whether it is known that there is no such database. A server is not asked.
    pub(crate) fn is_missing(&self) -> bool {
        match self {
            Self::File(path) => !path.exists(),
            Self::Postgres(_) => false,
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(options) => f.write_str(options.shown()),
        }
    }
}
