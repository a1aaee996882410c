//! Where the key comes from: the environment, or a file made at the first start.
//!
//! The file has one key a line as 64 hexadecimal digits, the current one first. Nobody but its owner
//! may read it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::{Key, KeyError, KeyRing};

/// The variable that holds the current key.
pub const KEY_VARIABLE: &str = "TANDEM_VAULT_KEY";

/// The variable that holds older keys, separated by commas.
pub const OLD_KEYS_VARIABLE: &str = "TANDEM_VAULT_OLD_KEYS";

/// Where to look for the key.
#[derive(Clone)]
pub struct Source {
    /// The value of [`KEY_VARIABLE`], if it is set. Goes before the file.
    pub variable: Option<Zeroizing<String>>,
    /// The value of [`OLD_KEYS_VARIABLE`], if it is set.
    pub old_variable: Option<Zeroizing<String>>,
    /// The key file.
    pub file: PathBuf,
    /// There are sealed secrets already: a new key would open none of them, so none is made.
    pub sealed_data_exists: bool,
}

/// A ring of keys and where it came from.
#[derive(Debug)]
pub struct Loaded {
    /// The keys.
    pub ring: KeyRing,
    /// Where from.
    pub origin: KeyOrigin,
}

/// Where a key came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOrigin {
    /// The environment.
    Environment,
    /// A file that was there.
    File(PathBuf),
    /// A file that was made just now.
    NewFile(PathBuf),
}

/// No key could be loaded or made.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A variable holds no key.
    #[error("read the key in the environment variable {variable}")]
    Variable {
        /// Which.
        variable: &'static str,
        /// Why.
        source: KeyError,
    },
    /// A line of the file is no key.
    #[error("read the key in line {line} of {}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Why.
        source: KeyError,
    },
    /// There is a file without a key.
    #[error(
        "the key file {} holds no key; if no credentials were saved with it yet, delete it and start again", .0.display()
    )]
    EmptyFile(PathBuf),
    /// Others may read the file.
    #[error(
        "the key file {} may be read by others (mode {mode:03o}); run `chmod 600 {}`", file.display(), file.display()
    )]
    Permissions {
        /// The file.
        file: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file is gone but sealed secrets are there.
    #[error(
        "the key file {} is missing, but the database holds credentials sealed with it; restore the file or set {KEY_VARIABLE}; \
         if the key is lost, delete the saved credentials and connect every account again", .0.display()
    )]
    Missing(PathBuf),
    /// The file cannot be used.
    #[error("use the key file {}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No new key could be made.
    #[error("make a key")]
    Generate(#[source] KeyError),
}

impl Source {
    /// Looks into the environment and else at this file.
    pub fn from_environment(file: impl Into<PathBuf>, sealed_data_exists: bool) -> Self {
        let variable = |name| {
            std::env::var(name)
                .ok()
                .filter(|value| !value.trim().is_empty())
                .map(Zeroizing::new)
        };
        Self {
            variable: variable(KEY_VARIABLE),
            old_variable: variable(OLD_KEYS_VARIABLE),
            file: file.into(),
            sealed_data_exists,
        }
    }

    /// Loads the keys, or makes the first one.
    ///
    /// # Errors
    /// When what is there is no key or not safe, or when a key must be there and is not.
    pub fn load(&self) -> Result<Loaded, SourceError> {
        let (mut ring, origin) = match &self.variable {
            Some(text) => {
                let key = Key::parse(text).map_err(|source| SourceError::Variable {
                    variable: KEY_VARIABLE,
                    source,
                })?;
                (KeyRing::new(key), KeyOrigin::Environment)
            }
            None => self.in_file()?,
        };
        let old = self.old_variable.as_deref().map_or("", String::as_str);
        for text in old.split(',').filter(|text| !text.trim().is_empty()) {
            let key = Key::parse(text).map_err(|source| SourceError::Variable {
                variable: OLD_KEYS_VARIABLE,
                source,
            })?;
            ring = ring.and_old(key);
        }
        Ok(Loaded { ring, origin })
    }

    fn in_file(&self) -> Result<(KeyRing, KeyOrigin), SourceError> {
        match read(&self.file)? {
            Some(keys) => Ok((ring(&self.file, keys)?, KeyOrigin::File(self.file.clone()))),
            None if self.sealed_data_exists => Err(SourceError::Missing(self.file.clone())),
            None => {
                let key = Key::generate().map_err(SourceError::Generate)?;
                write_new(&self.file, std::slice::from_ref(&key))?;
                Ok((KeyRing::new(key), KeyOrigin::NewFile(self.file.clone())))
            }
        }
    }
}

/// Puts a new current key into the file, before the ones that are there; they still open. Seal
/// everything anew with the ring that is returned, then call [`forget_old_keys`].
///
/// # Errors
/// When the file is missing, not safe, or cannot be replaced.
pub fn new_key_in_file(file: &Path) -> Result<KeyRing, SourceError> {
    let mut keys = read(file)?.ok_or_else(|| SourceError::Missing(file.to_owned()))?;
    keys.insert(0, Key::generate().map_err(SourceError::Generate)?);
    replace(file, &keys)?;
    ring(file, keys)
}

/// Leaves only the current key in the file. Whatever an older key sealed is then lost.
///
/// # Errors
/// When the file is missing, not safe, or cannot be replaced.
pub fn forget_old_keys(file: &Path) -> Result<KeyRing, SourceError> {
    let mut keys = read(file)?.ok_or_else(|| SourceError::Missing(file.to_owned()))?;
    keys.truncate(1);
    if !keys.is_empty() {
        replace(file, &keys)?;
    }
    ring(file, keys)
}

fn ring(file: &Path, keys: Vec<Key>) -> Result<KeyRing, SourceError> {
    let mut keys = keys.into_iter();
    let current = keys
        .next()
        .ok_or_else(|| SourceError::EmptyFile(file.to_owned()))?;
    Ok(keys.fold(KeyRing::new(current), KeyRing::and_old))
}

/// The keys in a file; `None` if there is no file.
fn read(file: &Path) -> Result<Option<Vec<Key>>, SourceError> {
    let failed = |source| SourceError::Io {
        file: file.to_owned(),
        source,
    };
    let mut opened = match File::open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    // of the opened file, so that it cannot be exchanged in between
    refuse_loose_permissions(file, &opened.metadata().map_err(failed)?)?;
    let mut text = Zeroizing::new(String::new());
    io::Read::read_to_string(&mut opened, &mut text).map_err(failed)?;
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|(index, line)| {
            Key::parse(line).map_err(|source| SourceError::Line {
                file: file.to_owned(),
                line: index + 1,
                source,
            })
        })
        .collect::<Result<Vec<_>, _>>()
        .map(Some)
}

#[cfg(unix)]
fn refuse_loose_permissions(file: &Path, metadata: &std::fs::Metadata) -> Result<(), SourceError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(SourceError::Permissions {
            file: file.to_owned(),
            mode,
        })
    }
}

#[cfg(not(unix))]
fn refuse_loose_permissions(_: &Path, _: &std::fs::Metadata) -> Result<(), SourceError> {
    Ok(())
}

/// Writes a file that must not be there yet. It is on the disk when this returns, so that nothing
/// can be sealed with a key that a power cut then takes away.
fn write_new(file: &Path, keys: &[Key]) -> Result<(), SourceError> {
    let failed = |source| SourceError::Io {
        file: file.to_owned(),
        source,
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut opened = options.open(file).map_err(failed)?;
    let mut text = Zeroizing::new(String::from(
        "# Tandem seals credentials with the first key; the others only open. Keep a copy somewhere safe.\n",
    ));
    for key in keys {
        text.push_str(&key.to_hex());
        text.push('\n');
    }
    opened.write_all(text.as_bytes()).map_err(failed)?;
    opened.sync_all().map_err(failed)?;
    sync_folder(file).map_err(failed)
}

fn replace(file: &Path, keys: &[Key]) -> Result<(), SourceError> {
    let failed = |source| SourceError::Io {
        file: file.to_owned(),
        source,
    };
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    write_new(&new, keys)?;
    std::fs::rename(&new, file).map_err(failed)?;
    sync_folder(file).map_err(failed)
}

#[cfg(unix)]
fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;
    use crate::Place;

    const HERE: Place<'static> = Place {
        workspace: "w",
        connection: "c",
    };

    fn source(file: &Path) -> Source {
        Source {
            variable: None,
            old_variable: None,
            file: file.to_owned(),
            sealed_data_exists: false,
        }
    }

    #[test]
    fn the_first_start_makes_a_file_and_the_next_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("vault.key");
        let first = source(&file).load().unwrap();
        assert_eq!(first.origin, KeyOrigin::NewFile(file.clone()));
        let sealed = first.ring.seal(HERE, b"token").unwrap();
        let mut second = source(&file);
        second.sealed_data_exists = true;
        let second = second.load().unwrap();
        assert_eq!(second.origin, KeyOrigin::File(file));
        assert_eq!(
            second.ring.open(HERE, &sealed).unwrap().as_slice(),
            b"token"
        );
    }

    #[test]
    fn no_key_is_made_where_sealed_data_waits_for_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("vault.key");
        let mut source = source(&file);
        source.sealed_data_exists = true;
        assert!(matches!(source.load(), Err(SourceError::Missing(_))));
        assert!(!file.exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("vault.key");
        source(&file).load().unwrap();
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = source(&file).load().unwrap_err().to_string();
        assert!(
            error.contains("mode 640") && error.contains("chmod 600"),
            "{error}"
        );
    }

    #[test]
    fn the_variable_goes_before_the_file_and_bad_ones_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut source = source(&folder.path().join("vault.key"));
        source.variable = Some(Zeroizing::new("not a key".to_owned()));
        let error = source.load().unwrap_err();
        assert_eq!(
            error.to_string(),
            "read the key in the environment variable TANDEM_VAULT_KEY"
        );
        assert_eq!(
            error.source().unwrap().to_string(),
            KeyError::Encoding.to_string()
        );
        let (new, old) = (Key::generate().unwrap(), Key::generate().unwrap());
        source.variable = Some(new.to_hex());
        source.old_variable = Some(Zeroizing::new(format!("{},", old.to_hex().as_str())));
        let loaded = source.load().unwrap();
        assert_eq!(loaded.origin, KeyOrigin::Environment);
        assert_eq!(loaded.ring.current(), new.id());
        assert_eq!(loaded.ring.old().collect::<Vec<_>>(), [old.id()]);
        assert!(!source.file.exists());
    }

    #[test]
    fn a_damaged_file_is_named_by_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("vault.key");
        source(&file).load().unwrap();
        let good = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{good}deadbeef\n")).unwrap();
        assert!(matches!(
            source(&file).load(),
            Err(SourceError::Line { line: 3, .. })
        ));
        std::fs::write(&file, "").unwrap();
        assert!(matches!(
            source(&file).load(),
            Err(SourceError::EmptyFile(_))
        ));
    }

    #[test]
    fn rotating_keeps_old_secrets_readable_until_old_keys_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("vault.key");
        let first = source(&file).load().unwrap().ring;
        let sealed = first.seal(HERE, b"token").unwrap();

        let ring = new_key_in_file(&file).unwrap();
        assert_ne!(ring.current(), first.current());
        let anew = ring.rotate(HERE, &sealed).unwrap().unwrap();
        // a crash here: the file still opens both
        let reloaded = source(&file).load().unwrap().ring;
        assert!(reloaded.open(HERE, &sealed).is_ok() && reloaded.open(HERE, &anew).is_ok());

        let only = forget_old_keys(&file).unwrap();
        assert!(only.open(HERE, &anew).is_ok());
        assert!(only.open(HERE, &sealed).is_err());
    }
}
