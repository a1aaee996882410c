//! Opening a database file: lock, settings, schema, and whether it was closed well.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::{
    database::Database,
    fault::{Outcome, explain},
    folding::{Log, count_pages},
    lock::Lock,
    migrate::{migrate, recognise},
    options::Options,
    session::Session,
};
use crate::{Error, Result};

/// A file larger than this is not checked after an unclean end: reading it all would cost more than
/// it tells, because SQLite's own log repairs what a killed process leaves.
const CHECKED_BYTES: i64 = 64 << 20;

/// Memory for pages of the connection that folds the log in; it reads next to none.
const FOLDER_CACHE_KIB: u32 = 64;

/// An opened database.
pub(super) struct Opened {
    pub(super) path: PathBuf,
    pub(super) lock: Lock,
    pub(super) writer: Session,
    pub(super) log: Log,
    pub(super) readers: Vec<Session>,
}

/// Opens the database of these options.
pub(super) fn open(options: &Options) -> Result<Opened> {
    let path = whole_path(options)?;
    let lock = Lock::take(&path)?;
    make_private(&path)?;
    let sql = |error: rusqlite::Error| explain(&error, &path);

    let mut connection = Connection::open_with_flags(&path, flags(true)).map_err(sql)?;
    settle(&connection, options.cache_kib).map_err(sql)?;
    refuse_read_only(&connection, &path)?;
    recognise(&connection, &path)?;
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(sql)?;
    if mode != "wal" {
        return Err(Error::Unwritable(format!(
            "the file system of {} cannot hold a write-ahead log (mode {mode}); use a local disk",
            path.display()
        )));
    }
    connection
        .execute_batch("PRAGMA journal_size_limit = 67108864")
        .map_err(sql)?;
    migrate(&mut connection, &path)?;
    let opening = begin_opening(&connection, &path)?;
    let pages = count_pages(&mut connection).map_err(sql)?;
    let folder = Connection::open_with_flags(&path, flags(false)).map_err(sql)?;
    settle(&folder, FOLDER_CACHE_KIB).map_err(sql)?;

    let mut readers = Vec::new();
    for _ in 0..options.readers.max(1) {
        let reader = Connection::open_with_flags(&path, flags(false)).map_err(sql)?;
        settle(&reader, options.cache_kib / 6).map_err(sql)?;
        reader
            .execute_batch("PRAGMA query_only = ON")
            .map_err(sql)?;
        readers.push(Session::new(Database::Sqlite(reader), options, opening));
    }
    Ok(Opened {
        writer: Session::new(Database::Sqlite(connection), options, opening),
        log: Log {
            connection: folder,
            pages,
            fold_pages: options.fold_pages,
        },
        path,
        lock,
        readers,
    })
}

/// A database in memory, gone with its session.
pub(super) fn in_memory(options: &Options) -> Result<Session> {
    let sql = |error: rusqlite::Error| explain(&error, &options.path);
    let mut connection = Connection::open_in_memory().map_err(sql)?;
    settle(&connection, options.cache_kib).map_err(sql)?;
    migrate(&mut connection, &options.path)?;
    let opening = begin_opening(&connection, &options.path)?;
    Ok(Session::new(Database::Sqlite(connection), options, opening))
}

/// The path with its folder resolved, so that two spellings of one file meet at one lock.
fn whole_path(options: &Options) -> Result<PathBuf> {
    let path = &options.path;
    if let Ok(whole) = path.canonicalize() {
        return Ok(whole);
    }
    if !options.create {
        return Err(Error::Foreign {
            path: path.display().to_string(),
            why: "there is no such file".to_owned(),
        });
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = path.file_name().ok_or_else(|| Error::Foreign {
        path: path.display().to_string(),
        why: "it names no file".to_owned(),
    })?;
    let folder = folder.canonicalize().map_err(|error| {
        Error::Unwritable(format!(
            "the folder {} cannot be used: {error}",
            folder.display()
        ))
    })?;
    Ok(folder.join(name))
}

/// Makes the file, if it is not there, for this user only: it holds people's data. What SQLite puts
/// beside it gets the same rights.
fn make_private(path: &Path) -> Result<()> {
    private()
        .write(true)
        .create(true)
        .open(path)
        .map_err(|error| {
            let kind = error.kind();
            if kind == std::io::ErrorKind::PermissionDenied
                || kind == std::io::ErrorKind::ReadOnlyFilesystem
            {
                Error::Unwritable(format!("{} is read-only for this user", path.display()))
            } else {
                Error::Unwritable(format!("{} cannot be opened: {error}", path.display()))
            }
        })?;
    Ok(())
}

/// How files are made that nobody else is to read.
pub(super) fn private() -> std::fs::OpenOptions {
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn flags(create: bool) -> OpenFlags {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if create {
        flags | OpenFlags::SQLITE_OPEN_CREATE
    } else {
        flags
    }
}

/// Settings of every connection.
fn settle(connection: &Connection, cache_kib: u32) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(192);
    // Plans do not depend on the values that are looked for.
    connection.set_db_config(
        rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG,
        true,
    )?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.execute_batch(&format!(
        "PRAGMA synchronous = FULL;
         PRAGMA cache_size = -{cache_kib};
         PRAGMA mmap_size = 0;
         PRAGMA temp_store = MEMORY;
         PRAGMA foreign_keys = OFF;
         PRAGMA secure_delete = FAST;
         PRAGMA trusted_schema = OFF;"
    ))
}

/// SQLite opens a file that it may not write as read-only and says so only at the first write.
fn refuse_read_only(connection: &Connection, path: &Path) -> Result<()> {
    if connection
        .is_readonly(rusqlite::MAIN_DB)
        .map_err(|error| explain(&error, path))?
    {
        return Err(Error::Unwritable(format!(
            "{} is read-only for this user",
            path.display()
        )));
    }
    Ok(())
}

/// Counts the opening and notes that the database is open. Checks it first if it was not closed well.
fn begin_opening(connection: &Connection, path: &Path) -> Result<i64> {
    let begin = || -> Outcome<i64> {
        let clean: bool =
            connection.query_row("SELECT clean FROM opening", [], |row| row.get(0))?;
        if !clean {
            check_after_unclean_end(connection, path)?;
        }
        Ok(connection.query_row(
            "UPDATE opening SET opening = opening + 1, clean = 0 RETURNING opening",
            [],
            |row| row.get(0),
        )?)
    };
    begin().map_err(|fault| fault.into_error(path))
}

fn check_after_unclean_end(connection: &Connection, path: &Path) -> Outcome<()> {
    let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    let page: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    if pages * page > CHECKED_BYTES {
        tracing::info!(
            "the database was not closed well; it is too large to be checked on the way"
        );
        return Ok(());
    }
    tracing::info!("the database was not closed well; it is checked");
    Ok(check(connection, path)?)
}

/// Reads the whole database and says what is wrong with it, if anything is.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<()> {
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| explain(&error, path))?;
    if found == "ok" {
        return Ok(());
    }
    Err(Error::Foreign {
        path: path.display().to_string(),
        why: format!("it is damaged ({found}); restore a backup"),
    })
}

/// Notes that the database is closed well and folds the log into the file.
pub(super) fn end_opening(session: &Session) -> Outcome<()> {
    let connection = session.database.sqlite()?;
    connection.execute("UPDATE opening SET clean = 1", [])?;
    // `busy` is set when a reader is in the way; the log is then folded in at the next opening.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

/// Copies the database to a new file, by way of a file beside it.
pub(super) fn backup(session: &Session, target: &Path) -> Outcome<()> {
    let unwritable = |why: String| {
        Error::Unwritable(format!(
            "the backup {} cannot be written: {why}",
            target.display()
        ))
    };
    if target.exists() {
        return Err(unwritable("there is such a file already".to_owned()).into());
    }
    let mut partial = target.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let copied = copy(session, &partial).map_err(|fault| fault.into_error(&partial));
    let moved = copied.and_then(|()| {
        std::fs::rename(&partial, target).map_err(|error| unwritable(error.to_string()))
    });
    if moved.is_err()
        && let Err(error) = std::fs::remove_file(&partial)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, path = %partial.display(), "an unfinished backup was left behind");
    }
    Ok(moved?)
}

fn copy(session: &Session, partial: &Path) -> Outcome<()> {
    make_private(partial)?;
    let mut copy = Connection::open_with_flags(partial, flags(true))?;
    copy.execute_batch("PRAGMA synchronous = FULL")?;
    let backup = rusqlite::backup::Backup::new(session.database.sqlite()?, &mut copy)?;
    // All in one step: a copy in steps begins anew with each write, and would never end beside a
    // busy writer. In WAL mode the long read is in nobody's way.
    let done = backup.step(-1)?;
    drop(backup);
    if done != rusqlite::backup::StepResult::Done {
        return Err(Error::Database("the copy was interrupted".to_owned()).into());
    }
    copy.close().map_err(|(_, error)| error)?;
    Ok(())
}
