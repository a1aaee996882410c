//! Where the parts meet: the systems, the database, the key, the way to the network.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use connections::{Clock, Dice, HttpOptions, HttpTransport, SystemClock};
use connector::{Connector, Description};
use server::{Browsers, Code, Options, Service};
use store::{SqliteStore, Store, Workspace};
use vault::{KeyOrigin, Source, SourceError};

use crate::failure::Failure;

/// The systems that Tandem knows. A new one is one line here.
pub(crate) fn connectors() -> Vec<Arc<dyn Connector>> {
    vec![
        Arc::new(highlevel::HighLevel::new()),
        Arc::new(onoffice::OnOffice::new()),
        Arc::new(officernd::OfficeRnD::new()),
    ]
}

/// The folder with the documents of imported systems: beside the database, one file each, named as the system.
pub(crate) fn systems_folder(database: &Path) -> std::path::PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".systems");
    name.into()
}

/// The systems that Tandem knows, and those that were imported beside this database.
pub(crate) fn all_connectors(database: &Path) -> Result<Vec<Arc<dyn Connector>>> {
    let mut connectors = connectors();
    let folder = systems_folder(database);
    let mut files: Vec<std::path::PathBuf> = match std::fs::read_dir(&folder) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .with_context(|| format!("{} cannot be listed", folder.display()))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be listed", folder.display()));
        }
    };
    // what is not yet whole has another ending
    files.retain(|file| {
        file.extension()
            .is_some_and(|ending| ending == "openapi" || ending == "json")
    });
    files.sort();
    for file in files {
        let name = file
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        connectors.push(Arc::new(imported(name, &text).map_err(|error| {
            Failure::new(
                Code::DocumentUnreadable,
                format!("{}: {error}", file.display()),
            )
            .hint("import it anew, or take the file away")
        })?));
    }
    Ok(connectors)
}

/// Reads the imported systems anew each time it is asked.
fn further(database: &Path) -> server::FurtherSystems {
    let database = database.to_owned();
    Arc::new(move || all_connectors(&database).map_err(|error| format!("{error:#}")))
}

/// The system of a document, under a name that no other has.
pub(crate) fn imported(name: &str, text: &str) -> Result<openapi::OpenApi, openapi::Unreadable> {
    if connectors().iter().any(|own| own.describe().system == name) {
        return Err(openapi::Unreadable::Name(name.to_owned()));
    }
    openapi::OpenApi::new(name, openapi::read(text)?)
}

/// What the systems say of themselves.
pub(crate) fn descriptions(connectors: &[Arc<dyn Connector>]) -> Vec<&Description> {
    connectors
        .iter()
        .map(|connector| connector.describe())
        .collect()
}

/// The one workspace of an installation without more.
pub(crate) fn workspace() -> Workspace {
    Workspace::from("default")
}

/// An opened database with everything that works on it.
pub(crate) struct Opened {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) service: Service,
}

/// Opens a database and sets up everything that works on it.
pub(crate) async fn open(database: &Path, engine: sync::Options) -> Result<Opened> {
    open_with(
        store::Options::at(database),
        engine,
        HttpOptions::default(),
        Browsers::Password,
    )
    .await
}

/// Opens a database with these options and sets up everything that works on it.
pub(crate) async fn open_with(
    options: store::Options,
    engine: sync::Options,
    network: HttpOptions,
    browsers: Browsers,
) -> Result<Opened> {
    let database = options.path.clone();
    let database = database.as_path();
    let connectors = all_connectors(database)?;
    let store = open_store_with(options).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let vault = key_ring(database, &*store).await?;
    let transport = HttpTransport::new(&HttpOptions {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..network
    })
    .context("the way to the network could not be set up")?;
    let service = Service::open(Options {
        store: Arc::clone(&store) as Arc<dyn Store>,
        workspace: workspace(),
        database: Some(database.to_owned()),
        clock,
        dice: Arc::new(Dice::unpredictable()),
        transport: Arc::new(transport),
        connectors,
        further: Some(further(database)),
        vault: Arc::new(vault),
        engine,
        browsers,
    })
    .await
    .map_err(|error| match error {
        server::OpenError::Store(error) => store_failure(&error).into(),
        error @ server::OpenError::Random(_) => anyhow::Error::from(error),
    })?;
    Ok(Opened { store, service })
}

/// Opens the database file alone.
pub(crate) async fn open_store(database: &Path) -> Result<Arc<SqliteStore>> {
    open_store_with(store::Options::at(database)).await
}

async fn open_store_with(options: store::Options) -> Result<Arc<SqliteStore>> {
    let database = options.path.as_path();
    if let Some(folder) = database.parent()
        && !folder.as_os_str().is_empty()
        && !folder.is_dir()
    {
        return Err(Failure::new(
            Code::DatabaseUnwritable,
            format!("the folder {} is not there", folder.display()),
        )
        .into());
    }
    let opened = tokio::task::spawn_blocking(move || SqliteStore::open(&options)).await?;
    Ok(Arc::new(opened.map_err(|error| store_failure(&error))?))
}

/// The file that holds the key: beside the database, never in it.
pub(crate) fn key_file(database: &Path) -> std::path::PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".key");
    name.into()
}

/// The keys that open credentials; the first one is made at the first start.
pub(crate) async fn key_ring(database: &Path, store: &dyn Store) -> Result<vault::KeyRing> {
    let mut sealed_data_exists = false;
    for connection in connection_names(store).await? {
        let credentials = store
            .credentials(&workspace(), &connection)
            .await
            .map_err(|error| store_failure(&error))?;
        sealed_data_exists |= credentials.is_some();
    }
    let loaded = Source::from_environment(key_file(database), sealed_data_exists)
        .load()
        .map_err(|error| key_failure(&error))?;
    if let KeyOrigin::NewFile(file) = &loaded.origin {
        tracing::info!(file = %file.display(), "made a key that seals credentials; keep a copy of it apart from the database");
    }
    Ok(loaded.ring)
}

/// The connections of the config in force.
pub(crate) async fn connection_names(store: &dyn Store) -> Result<Vec<store::ConnectionName>> {
    let applied = store
        .applied_config(&workspace())
        .await
        .map_err(|error| store_failure(&error))?;
    Ok(applied
        .map(|applied| server::config::connection_names(&applied.document))
        .unwrap_or_default()
        .iter()
        .map(|name| store::ConnectionName::from(name.as_str()))
        .collect())
}

/// What a person is told when the key cannot be had.
pub(crate) fn key_failure(error: &SourceError) -> Failure {
    let mut message = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        message = format!("{message}: {source}");
    }
    Failure::new(Code::VaultKey, message)
}

/// What a person is told when the database cannot be used.
pub(crate) fn store_failure(error: &store::Error) -> Failure {
    let failure = |code| Failure::new(code, error.to_string());
    match error {
        store::Error::InUse { .. } => {
            failure(Code::DatabaseInUse).hint("end the other process, or wait until it is through")
        }
        store::Error::Unwritable(_) => failure(Code::DatabaseUnwritable)
            .hint("free disk space, or correct the rights of the file and its folder"),
        store::Error::Foreign { .. } => failure(Code::DatabaseForeign),
        _ => failure(Code::DatabaseFailed),
    }
}
