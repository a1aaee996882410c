//! Accounts that the sign-in of another connection reaches: connected without a person, as soon as the config has them or their
//! system tells that the app was installed there, and looked at again every hour.

use std::{collections::BTreeMap, time::Duration};

use connections::{ConnectError, Connected};
use futures::StreamExt as _;
use serde::Serialize;
use store::ConnectionName;

use crate::app::AppState;

/// How often it is looked whether the config has new ones.
const LOOK: Duration = Duration::from_secs(10);

/// How long to wait after one could not be connected.
const AGAIN: Duration = Duration::from_secs(3_600);

/// Connected at the same time.
const AT_ONCE: usize = 8;

/// What became of one.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Joined {
    /// The connection.
    pub(crate) connection: ConnectionName,
    /// What it is connected to, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connected: Option<Connected>,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
}

/// A sign-in that came to its end, and what else was connected out of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SignedIn {
    #[serde(flatten)]
    pub(crate) connected: Connected,
    /// Other connections of the same app, where whoever let it in did so for many accounts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) beside: Vec<Joined>,
}

/// Connects whatever another sign-in reaches, until the server stops.
pub(crate) async fn run(app: AppState) {
    let mut tried: BTreeMap<ConnectionName, Duration> = BTreeMap::new();
    loop {
        let now = app.clock.steady();
        let mut waiting = app.connections.to_share();
        tried.retain(|name, _| waiting.contains(name));
        waiting.retain(|name| tried.get(name).is_none_or(|due| *due <= now));
        for beside in connect(&app, waiting).await {
            if let Some(problem) = beside.problem {
                tracing::warn!(
                    connection = %beside.connection,
                    problem,
                    "could not be connected out of another sign-in; a person can sign in"
                );
            }
            tried.insert(beside.connection, now + AGAIN);
        }
        tokio::select! {
            () = app.connections.installed() => tried.clear(),
            () = app.clock.sleep(LOOK) => {}
        }
    }
}

/// Connects all that any sign-in reaches now, and says what became of each.
pub(crate) async fn connect_all(app: &AppState) -> Vec<Joined> {
    connect(app, app.connections.to_share()).await
}

async fn connect(app: &AppState, names: Vec<ConnectionName>) -> Vec<Joined> {
    let each = names.into_iter().map(|name| async move {
        let (connected, problem) = match one(app, &name).await {
            Ok(connected) => (connected, None),
            Err(problem) => (None, Some(problem)),
        };
        Joined {
            connection: name,
            connected,
            problem,
        }
    });
    let mut all: Vec<Joined> = futures::stream::iter(each)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    all.retain(|beside| beside.connected.is_some() || beside.problem.is_some());
    all.sort_by(|one, other| one.connection.cmp(&other.connection));
    all
}

async fn one(app: &AppState, name: &ConnectionName) -> Result<Option<Connected>, String> {
    let purpose = app.purpose(name).await.map_err(|error| error.message)?;
    let connected = app
        .connections
        .connect_through_another(name, &purpose)
        .await;
    connected.map_err(|error: ConnectError| error.to_string())
}
