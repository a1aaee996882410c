//! Where a command's requests go: to the server that has the database, or to the same routes here.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Result;
use server::{Beside, Code, Service};
use store::SqlStore;

use crate::{cli::Global, client::Client, database::Database, failure::Failure, wiring};

/// The config that is looked at where none is named.
const USUAL_CONFIG: &str = "tandem.yaml";
/// The database where neither the command line nor a config names one.
const USUAL_DATABASE: &str = "tandem.db";

/// A way to the API for the length of one command.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) here: Option<Here>,
}

/// The database was opened by this process.
pub(crate) struct Here {
    pub(crate) service: Service,
    store: Arc<SqlStore>,
}

/// Whether a database that is not there is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    Make,
    Refuse,
}

impl Session {
    /// Finds the server of the database, or opens the database.
    pub(crate) async fn open(
        global: &Global,
        config: Option<&Path>,
        missing: Missing,
    ) -> Result<Self> {
        let database = database(global, config)?;
        if let Some(client) = running(&database.beside()).await? {
            return Ok(Self { client, here: None });
        }
        if missing == Missing::Refuse && database.is_missing() {
            return Err(Failure::new(
                Code::ConfigMissing,
                format!("there is no database {database}"),
            )
            .hint(
                "begin with `tandem init` and `tandem apply`, or name the database with --database",
            )
            .into());
        }
        let opened = wiring::open(&database, sync::Options::default()).await?;
        let handle = opened.service.handle();
        Ok(Self {
            client: Client::Here {
                router: handle.router(),
                token: handle.token().expose().to_owned(),
            },
            here: Some(Here {
                service: opened.service,
                store: opened.store,
            }),
        })
    }

    /// Ends what was opened. Errors of what was done before go first.
    pub(crate) async fn close(self) -> Result<()> {
        if let Some(here) = self.here {
            here.service.close().await;
            here.store
                .close()
                .await
                .map_err(|error| wiring::store_failure(&error))?;
        }
        Ok(())
    }
}

/// The database that a command is about.
pub(crate) fn database(global: &Global, config: Option<&Path>) -> Result<Database, Failure> {
    if let Some(database) = &global.database {
        return Database::named(database.clone());
    }
    let named = std::fs::read_to_string(config.unwrap_or(Path::new(USUAL_CONFIG)))
        .ok()
        .and_then(|text| server::config::database(&text))
        .unwrap_or_else(|| PathBuf::from(USUAL_DATABASE));
    Database::named(named)
}

/// A client of the server that has this database, if one runs.
async fn running(database: &Path) -> Result<Option<Client>> {
    let beside = match Beside::read(database) {
        Ok(None) => return Ok(None),
        Ok(Some(beside)) => beside,
        Err(error) => {
            return Err(Failure::new(
                Code::ServerGone,
                format!("the file that says where the server is cannot be read: {error}"),
            )
            .hint("run the command as the user that runs the server")
            .into());
        }
    };
    let http = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(2))
        .no_proxy()
        .build()?;
    let answers = http
        .get(format!("{}/healthz", beside.url))
        .timeout(Duration::from_secs(5))
        .send()
        .await
        .is_ok_and(|response| response.status().is_success());
    // what a killed server left behind is passed over; if one is there but does not answer, opening
    // the database says who has it
    Ok(answers.then(|| Client::Remote {
        http,
        url: beside.url.clone(),
        token: beside.token().to_owned(),
    }))
}
