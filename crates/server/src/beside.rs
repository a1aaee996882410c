//! The file beside the database that says where the running server is and how to talk to it.
//!
//! It holds the server's own token, so only the server's user may read it. It is written when the
//! server listens and removed when it stops; after a kill it stays, and whoever reads it then finds
//! nobody at the address.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::NewToken;

/// Where the running server is.
#[derive(Clone, Serialize, Deserialize)]
pub struct Beside {
    /// Its process id.
    pub pid: u32,
    /// Its address on this machine, without a slash at the end.
    pub url: String,
    token: String,
}

impl std::fmt::Debug for Beside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Beside")
            .field("pid", &self.pid)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Beside {
    /// This process, at this address.
    pub(crate) fn this(url: String, token: &NewToken) -> Self {
        Self {
            pid: std::process::id(),
            url,
            token: token.expose().to_owned(),
        }
    }

    /// The token that it takes.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What is written beside this database, if anything.
    ///
    /// # Errors
    /// When the file is there but cannot be read: it belongs to another user, or is damaged.
    pub fn read(database: &Path) -> io::Result<Option<Self>> {
        let text = match fs::read(path(database)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(io::Error::other)
    }

    /// Writes it, replacing one that was left behind.
    pub(crate) fn write(&self, database: &Path) -> io::Result<()> {
        let path = path(database);
        let fresh = path.with_extension("server.new");
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&fresh)?;
        serde_json::to_writer(&file, self)?;
        file.sync_all()?;
        fs::rename(&fresh, &path)
    }

    /// Removes it if it is still this process's.
    pub(crate) fn remove(database: &Path) {
        let ours = Self::read(database)
            .is_ok_and(|found| found.is_some_and(|found| found.pid == std::process::id()));
        if ours && let Err(error) = fs::remove_file(path(database)) {
            tracing::warn!(%error, "the file that says where the server is could not be removed");
        }
    }
}

/// `tandem.db` → `tandem.db.server`.
fn path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".server");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_back_by_its_owner_only_and_goes_away() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("tandem.db");
        assert!(Beside::read(&database).unwrap().is_none());

        let token = NewToken::random().unwrap();
        let beside = Beside::this("http://127.0.0.1:1".to_owned(), &token);
        beside.write(&database).unwrap();
        beside.write(&database).unwrap();
        let found = Beside::read(&database).unwrap().unwrap();
        assert_eq!(
            (found.token(), found.pid),
            (token.expose(), std::process::id())
        );
        assert!(!format!("{found:?}").contains(token.expose()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(path(&database)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        Beside::remove(&database);
        assert!(Beside::read(&database).unwrap().is_none());
    }
}
