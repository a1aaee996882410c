//! `tandem backup`, `tandem restore` and `tandem migrate-store`: the database as a whole.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use connections::{Clock as _, SystemClock};
use serde_json::json;
use server::Code;
use store::{ActOutcome, PostgresOptions};

use crate::{
    cli::{self, Global},
    client::Client,
    commands::noted::note,
    database::Database,
    failure::Failure,
    output, session, wiring,
};

/// Copies the database to a new file while work goes on.
pub(crate) async fn backup(client: &Client, wanted: &cli::Backup) -> Result<()> {
    let file = std::path::absolute(&wanted.file)
        .with_context(|| format!("{} is no path", wanted.file.display()))?;
    let answer = client.post("/api/v1/backup", json!({"file": file})).await?;
    if wanted.format.json {
        return output::json(&answer);
    }
    output::text(&format!("The backup is {}.\n", file.display()))?;
    eprintln!(
        "Credentials in it are sealed: without the key (the file that ends in .key, or TANDEM_VAULT_KEY) every \
         connection has to be signed in again. Keep a copy of it in another place."
    );
    Ok(())
}

/// Makes a backup the database. Nothing is made or removed from it before everything was matched again.
pub(crate) async fn restore(global: &Global, wanted: &cli::Restore) -> Result<()> {
    let database = session::database(global, None)?;
    let Some(backup) = &wanted.file else {
        if database.is_missing() {
            return Err(
                Failure::new(Code::NotFound, format!("there is no database {database}")).into(),
            );
        }
        mark(&database).await?;
        output::text(&format!("{database} is noted as restored.\n"))?;
        tell_what_follows();
        return Ok(());
    };
    let Database::File(target) = database else {
        return Err(Failure::new(
            Code::BadRequest,
            "a backup is restored to a file; a PostgreSQL server is restored with its own tools",
        )
        .hint("run `pg_restore`, then `tandem restore --already` before the first start")
        .into());
    };
    if target.exists() {
        return Err(Failure::new(
            Code::DatabaseInUse,
            format!("{} is there already and was not touched", target.display()),
        )
        .hint("move it and the files beside it away first, or name another file with --database")
        .into());
    }
    if !backup.is_file() {
        return Err(Failure::new(
            Code::NotFound,
            format!("there is no backup {}", backup.display()),
        )
        .into());
    }
    let mut unfinished = target.as_os_str().to_owned();
    unfinished.push(".restoring");
    let unfinished = PathBuf::from(unfinished);
    // whole and marked, or not at all: what would work without the mark is never under the name
    let outcome = match copy(backup, &unfinished) {
        Ok(()) => mark(&Database::File(unfinished.clone())).await,
        Err(error) => Err(error),
    };
    let outcome = outcome.and_then(|()| {
        std::fs::rename(&unfinished, &target)
            .with_context(|| format!("{} cannot be made", target.display()))
    });
    clear(&unfinished, outcome.is_err());
    outcome?;
    output::text(&format!("{} is restored.\n", target.display()))?;
    tell_what_follows();
    if !wiring::key_file(&target).exists() {
        eprintln!(
            "{} is not there: put the key of the backed up database there (or into TANDEM_VAULT_KEY), else every connection \
             has to be signed in again.",
            wiring::key_file(&target).display()
        );
    }
    Ok(())
}

fn tell_what_follows() {
    eprintln!(
        "At its next start Tandem lists both sides of each sync and matches everything again; until then it makes \
         and removes nothing, see `tandem status`."
    );
}

/// Checks that a database is sound, and notes that it was restored.
async fn mark(database: &Database) -> Result<()> {
    let store = wiring::open_store(database).await?;
    let outcome = async {
        if let Database::File(_) = database {
            store.verify().await?;
        }
        let now = SystemClock::new().now();
        sync::mark_restored(&*store, &wiring::workspace(), now).await
    }
    .await;
    let outcome = match outcome {
        Ok(()) => note(&store, "database.restore", ActOutcome::Done).await,
        Err(error) => Err(wiring::store_failure(&error)),
    };
    let closed = store.close().await;
    outcome?;
    closed.map_err(|error| wiring::store_failure(&error).into())
}

/// Copies a file to one that only this user can read.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let copied = || -> std::io::Result<()> {
        let mut source = std::fs::File::open(from)?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut target = options.open(to)?;
        std::io::copy(&mut source, &mut target)?;
        target.flush()?;
        target.sync_all()
    };
    copied().with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))
}

/// Takes away what is beside an unfinished copy, and the copy itself if it came to nothing.
fn clear(unfinished: &Path, all: bool) {
    for ending in ["-wal", "-shm", ".lock"] {
        let mut beside = unfinished.as_os_str().to_owned();
        beside.push(ending);
        remove(Path::new(&beside));
    }
    if all {
        remove(unfinished);
    }
}

fn remove(file: &Path) {
    if let Err(error) = std::fs::remove_file(file)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, file = %file.display(), "a file was left behind");
    }
}

/// Moves everything from a database file to an empty database of a PostgreSQL server.
pub(crate) async fn migrate(wanted: &cli::MigrateStore) -> Result<()> {
    let target =
        PostgresOptions::parse(&wanted.to).map_err(|error| wiring::store_failure(&error))?;
    let from = Database::File(wanted.from.clone());
    if from.is_missing() {
        return Err(Failure::new(Code::NotFound, format!("there is no database {from}")).into());
    }
    let store = wiring::open_store(&from).await?;
    let moved = store.move_to(&target).await;
    let closed = store.close().await;
    let moved = moved.map_err(|error| wiring::store_failure(&error))?;
    closed.map_err(|error| wiring::store_failure(&error))?;
    let to = Database::Postgres(Box::new(target.clone()));
    let copied = copy_beside(&wanted.from, &to.beside())?;
    let store = wiring::open_store(&to).await?;
    let noted = note(&store, "database.move", ActOutcome::Done).await;
    let closed = store.close().await;
    noted?;
    closed.map_err(|error| wiring::store_failure(&error))?;
    if wanted.format.json {
        return output::json(&json!({
            "from": wanted.from,
            "to": target.shown(),
            "tables": moved,
            "key": copied,
        }));
    }
    let rows: u64 = moved.iter().map(|table| table.rows).sum();
    output::text(&format!(
        "{rows} rows of {} tables are in {}; each was read back and is the same.\n",
        moved.len(),
        target.shown()
    ))?;
    if let Some(key) = copied {
        eprintln!(
            "The key that opens credentials was copied to {}.",
            key.display()
        );
    }
    eprintln!(
        "Start Tandem with --database (or TANDEM_DATABASE) and the address of the server. {} was left as it is: \
         no server may work on it any more.",
        wanted.from.display()
    );
    Ok(())
}

/// Copies the key to where it is looked for beside the other database, unless one is there.
fn copy_beside(from: &Path, to: &Path) -> Result<Option<PathBuf>> {
    let (from, to) = (wiring::key_file(from), wiring::key_file(to));
    if !from.exists() || to.exists() {
        return Ok(None);
    }
    copy(&from, &to)?;
    Ok(Some(to))
}
