//! Where the parts meet: the systems, the database, the key, the way to the network.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result};
use connections::{Clock, Dice, HttpOptions, HttpTransport, SystemClock};
use connector::{Connector, Description};
use server::{Browsers, Code, Options, Service};
use store::{SqlStore, Store, Workspace};
use vault::{KeyOrigin, Source, SourceError};

use crate::{database::Database, failure::Failure};

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
    read_beside(database, &mut connectors)?;
    Ok(connectors)
}

/// Adds the systems that were imported beside this database and are not among these yet. What describes a system lives as
/// long as the process, so each is read once.
fn read_beside(database: &Path, connectors: &mut Vec<Arc<dyn Connector>>) -> Result<()> {
    let own = self::connectors().len();
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
        let known = connectors.iter().skip(own);
        if known
            .map(|known| known.describe().system)
            .any(|known| known == name)
        {
            continue;
        }
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
    Ok(())
}

/// Looks for newly imported systems each time it is asked.
fn further(database: &Path, known: &[Arc<dyn Connector>]) -> server::FurtherSystems {
    let database = database.to_owned();
    let known = Mutex::new(known.to_vec());
    Arc::new(move || {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        read_beside(&database, &mut known).map_err(|error| format!("{error:#}"))?;
        Ok(known.clone())
    })
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
    pub(crate) store: Arc<SqlStore>,
    pub(crate) service: Service,
}

/// Opens a database and sets up everything that works on it.
pub(crate) async fn open(database: &Database, engine: sync::Options) -> Result<Opened> {
    open_with(
        database,
        None,
        engine,
        HttpOptions::default(),
        Browsers::Password,
    )
    .await
}

/// Opens a database with these options and sets up everything that works on it. `max_backlog`: from so many
/// dirty records on webhooks are refused.
pub(crate) async fn open_with(
    database: &Database,
    max_backlog: Option<u64>,
    engine: sync::Options,
    network: HttpOptions,
    browsers: Browsers,
) -> Result<Opened> {
    let beside = database.beside();
    let connectors = all_connectors(&beside)?;
    let store = open_store_with(database, max_backlog).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let vault = key_ring(&beside, &*store).await?;
    let network = HttpOptions {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..network
    };
    let way = |options: &HttpOptions| {
        HttpTransport::new(options).context("the way to the network could not be set up")
    };
    let patient_transport = way(&patient(&network))?;
    let transport = way(&network)?;
    let service = Service::open(Options {
        store: Arc::clone(&store) as Arc<dyn Store>,
        workspace: workspace(),
        database: Some(beside.clone()),
        clock,
        dice: Arc::new(Dice::unpredictable()),
        transport: Arc::new(transport),
        patient_transport: Arc::new(patient_transport),
        further: Some(further(&beside, &connectors)),
        connectors,
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

/// For requests of workflows: a step says itself how long it waits.
fn patient(network: &HttpOptions) -> HttpOptions {
    let longest = Duration::from_secs(u64::from(server::LONGEST_REQUEST));
    HttpOptions {
        read_timeout: longest.max(network.read_timeout),
        total_timeout: longest.max(network.total_timeout),
        ..network.clone()
    }
}

/// Opens the database alone.
pub(crate) async fn open_store(database: &Database) -> Result<Arc<SqlStore>> {
    open_store_with(database, None).await
}

async fn open_store_with(database: &Database, max_backlog: Option<u64>) -> Result<Arc<SqlStore>> {
    if let Database::File(path) = database
        && let Some(folder) = path.parent()
        && !folder.as_os_str().is_empty()
        && !folder.is_dir()
    {
        return Err(Failure::new(
            Code::DatabaseUnwritable,
            format!("the folder {} is not there", folder.display()),
        )
        .into());
    }
    let database = database.clone();
    let opened = tokio::task::spawn_blocking(move || match database {
        Database::File(path) => {
            let mut options = store::Options::at(path);
            options.max_backlog = max_backlog.unwrap_or(options.max_backlog);
            SqlStore::open(&options)
        }
        Database::Postgres(mut options) => {
            options.max_backlog = max_backlog.unwrap_or(options.max_backlog);
            SqlStore::connect(&options)
        }
    })
    .await?;
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
            .hint("free disk space, correct the rights of the file and its folder, or see to it that the server can be reached"),
        store::Error::Foreign { .. } => failure(Code::DatabaseForeign),
        _ => failure(Code::DatabaseFailed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_of_a_workflow_waits_longer_than_one_to_a_vendor() {
        let network = HttpOptions::default();
        let patient = patient(&network);
        let longest = Duration::from_secs(300);
        assert_eq!(
            (patient.read_timeout, patient.total_timeout),
            (longest, longest)
        );
        assert!(network.total_timeout < longest);
        assert_eq!(patient.connect_timeout, network.connect_timeout);
    }
}
