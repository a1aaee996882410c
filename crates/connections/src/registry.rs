//! All connections of a workspace, by name.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use connector::{Account, Calls, Connector, Description, Limits, SecretText, WebhookKeys};
use store::{ConnectionName, Lane};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    ConfigError, ConnectError, Connected, ConnectionConfig, Counts, Health, Parts, Purpose,
    Redirect, Restart, Session,
    budget::Budget,
    connection::{Connection, Setup},
    credentials::{Held, KeptAccount, scrub},
    exchange::Authority,
    sign_in::{self, SignIns, named},
    tokens::TokenError,
};

/// The connected accounts of one workspace.
pub struct Connections {
    parts: Parts,
    connectors: Vec<Arc<dyn Connector>>,
    by_name: RwLock<BTreeMap<ConnectionName, Arc<Connection>>>,
    sign_ins: Arc<SignIns>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

/// The configured connections, by name.
pub type Configs = BTreeMap<ConnectionName, ConnectionConfig>;

/// There is no connection of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no connection `{0}`")]
pub struct UnknownConnection(pub String);

/// Why a check did not end well. Holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There is no such connection.
    #[error(transparent)]
    Unknown(#[from] UnknownConnection),
    /// Nobody signed in, or a person must sign in again.
    #[error("sign in again: {0}")]
    SignIn(String),
    /// It cannot be reached at the moment.
    #[error("it cannot be reached: {0}")]
    ForNow(String),
    /// The credentials lead to another account than the connection was made for.
    #[error("it belongs to the account {expected}, but its credentials lead to {found}")]
    OtherAccount {
        /// The account so far.
        expected: String,
        /// The account that was found.
        found: String,
    },
    /// Another answer than a check should get.
    #[error("{0}")]
    Vendor(String),
}

impl Connections {
    /// Builds the connections and reads their credentials. A connection whose credentials cannot be
    /// read is there all the same, and its health says why.
    ///
    /// `restart` says what the budgets may assume of the time before.
    ///
    /// # Errors
    /// Everything that is wrong with the config, each with its place.
    pub async fn open(
        parts: Parts,
        connectors: Vec<Arc<dyn Connector>>,
        configs: Configs,
        restart: impl Fn(&ConnectionName) -> Restart,
    ) -> Result<Self, Vec<ConfigError>> {
        let connections = Self {
            parts,
            connectors,
            by_name: RwLock::default(),
            sign_ins: Arc::default(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        connections.apply(configs, restart).await?;
        Ok(connections)
    }

    /// Puts another config into force. A connection that did not change keeps its state; one that
    /// changed keeps its budget, unless it now leads elsewhere. Sessions of the old ones go on with
    /// the old config until they are dropped.
    ///
    /// # Errors
    /// Everything that is wrong with the config; nothing is changed then.
    pub async fn apply(
        &self,
        configs: Configs,
        restart: impl Fn(&ConnectionName) -> Restart,
    ) -> Result<(), Vec<ConfigError>> {
        let before = self.all();
        let mut errors = Vec::new();
        let mut after = BTreeMap::new();
        for (name, config) in configs {
            let old = before.get(&name);
            if let Some(old) = old.filter(|old| old.config == config) {
                after.insert(name, Arc::clone(old));
                continue;
            }
            match self.build(&name, config, old, &restart) {
                Ok(connection) => drop(after.insert(name, Arc::new(connection))),
                Err(more) => errors.extend(more),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        for connection in after.values() {
            if connection.tokens.held().is_none() {
                // what failed stands in the connection's health
                drop(connection.load().await);
            }
        }
        *self.by_name.write().unwrap_or_else(PoisonError::into_inner) = after;
        Ok(())
    }

    fn build(
        &self,
        name: &ConnectionName,
        config: ConnectionConfig,
        old: Option<&Arc<Connection>>,
        restart: impl Fn(&ConnectionName) -> Restart,
    ) -> Result<Connection, Vec<ConfigError>> {
        let Some(connector) = self.system(&config.system) else {
            let known: Vec<_> = self
                .connectors
                .iter()
                .map(|connector| connector.describe().system)
                .collect();
            return Err(vec![ConfigError::new(
                format!("connections.{name}.system"),
                format!(
                    "there is no system `{}`; known are {}",
                    config.system,
                    known.join(", ")
                ),
            )]);
        };
        let description = connector.describe();
        let mut errors = config.validate(name.as_str(), description);
        let keys = config.webhook_keys(name.as_str());
        let (Some(scheme), Ok(keys)) = (config.scheme(description).cloned(), &keys) else {
            errors.extend(keys.err());
            return Err(errors);
        };
        if !errors.is_empty() {
            return Err(errors);
        }
        let same_account = |old: &&Arc<Connection>| {
            old.config.system == config.system
                && old.config.base_url == config.base_url
                && old.config.limits == config.limits
        };
        let budget = match old.filter(same_account) {
            Some(old) => Arc::clone(&old.budget),
            None => self.budget(&config, description, &restart(name)),
        };
        let setup = Setup {
            name: name.clone(),
            scheme,
            webhook_keys: WebhookKeys { keys: keys.clone() },
            connector: Arc::clone(connector),
            budget,
            counters: old.map(|old| Arc::clone(&old.counters)).unwrap_or_default(),
            config,
        };
        let lifetime = (self.stopping.clone(), self.tasks.clone());
        Ok(Connection::new(setup, self.parts.clone(), lifetime))
    }

    fn budget(
        &self,
        config: &ConnectionConfig,
        description: &Description,
        restart: &Restart,
    ) -> Arc<Budget> {
        let documented = &description.limits;
        let own = config.limits.as_ref();
        let limits = Limits {
            windows: if own.is_none_or(|own| own.documented) {
                documented.windows.clone()
            } else {
                Vec::new()
            },
            concurrency: own.map_or(documented.concurrency, |own| own.concurrency(documented)),
        };
        let windows = own.map(|own| own.windows()).unwrap_or_default();
        Budget::new(Arc::clone(&self.parts.clock), &limits, &windows, restart)
    }

    /// The connector of a system.
    pub fn system(&self, system: &str) -> Option<&Arc<dyn Connector>> {
        self.connectors
            .iter()
            .find(|connector| connector.describe().system == system)
    }

    /// The names of all connections.
    pub fn names(&self) -> Vec<ConnectionName> {
        self.all().into_keys().collect()
    }

    /// Calls on a connection, in a lane. `cause` goes into the call log: an id, never a value of a
    /// record.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn session(
        &self,
        name: &ConnectionName,
        lane: Lane,
        cause: impl Into<Arc<str>>,
    ) -> Result<Session, UnknownConnection> {
        Ok(Session::new(self.get(name)?, lane, cause.into()))
    }

    /// The connector of a connection.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn connector(
        &self,
        name: &ConnectionName,
    ) -> Result<Arc<dyn Connector>, UnknownConnection> {
        Ok(Arc::clone(&self.get(name)?.connector))
    }

    /// The config of a connection.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn config(&self, name: &ConnectionName) -> Result<ConnectionConfig, UnknownConnection> {
        Ok(self.get(name)?.config.clone())
    }

    /// How a connection is doing.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn health(&self, name: &ConnectionName) -> Result<Health, UnknownConnection> {
        Ok(self.get(name)?.health())
    }

    /// How a connection is doing, now and with every change.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn watch_health(
        &self,
        name: &ConnectionName,
    ) -> Result<watch::Receiver<Health>, UnknownConnection> {
        Ok(self.get(name)?.watch_health())
    }

    /// Waits until a call on the connection is worth trying: at once if it is well, after the pause
    /// if it is degraded, after somebody acted if it needs a person.
    ///
    /// # Errors
    /// When there is no such connection.
    pub async fn usable(&self, name: &ConnectionName) -> Result<(), UnknownConnection> {
        let connection = self.get(name)?;
        let mut health = connection.watch_health();
        loop {
            let retry = match &*health.borrow_and_update() {
                health if health.usable() => return Ok(()),
                Health::Degraded {
                    retry: Some(retry), ..
                } => Some(*retry),
                _ => None,
            };
            let pause = async {
                match retry {
                    Some(retry) => self.parts.clock.sleep_until(retry).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = health.changed() => if changed.is_err() { return Ok(()) },
                () = pause => return Ok(()),
            }
        }
    }

    /// Requests sent since the start.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn counts(&self, name: &ConnectionName) -> Result<Counts, UnknownConnection> {
        Ok(self.get(name)?.counters.snapshot())
    }

    /// Requests per second that a backfill may make on a connection, if a limit is known.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn rate(&self, name: &ConnectionName) -> Result<Option<f64>, UnknownConnection> {
        Ok(self.get(name)?.budget.rate())
    }

    /// The account that a connection was made for: id and name. `None`: not connected yet.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn account(
        &self,
        name: &ConnectionName,
    ) -> Result<Option<(String, String)>, UnknownConnection> {
        let held = self.get(name)?.tokens.held();
        Ok(held.and_then(|held| {
            let account = held.kept.account.as_ref()?;
            Some((account.id.clone(), account.name.clone()))
        }))
    }

    /// Switches a connection off: every call is refused until it is resumed.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn stop(&self, name: &ConnectionName) -> Result<(), UnknownConnection> {
        self.get(name)?.stop();
        Ok(())
    }

    /// Switches a stopped connection on again.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn resume(&self, name: &ConnectionName) -> Result<(), UnknownConnection> {
        let connection = self.get(name)?;
        if matches!(connection.health(), Health::Stopped { .. }) {
            connection.heal();
        }
        Ok(())
    }

    /// The cheapest real read: which account, and which rights are missing. Works on a connection
    /// that is not usable, and makes it usable again if all is well.
    ///
    /// # Errors
    /// When it cannot be reached, must be signed in to, or leads to another account than it did.
    pub async fn check(
        &self,
        name: &ConnectionName,
        purpose: &Purpose,
    ) -> Result<Account, CheckError> {
        let connection = self.get(name)?;
        let held = Connection::current(&connection)
            .await
            .map_err(|error| match error {
                TokenError::Person(why) => CheckError::SignIn(why),
                TokenError::ForNow(why) => CheckError::ForNow(why),
                TokenError::Stopping => CheckError::ForNow("the server is stopping".to_owned()),
            })?;
        let credentials = &held.kept.credentials;
        let calls = Session::new(Arc::clone(&connection), Lane::Live, "check".into());
        let calls = calls.with(Authority::Probe);
        let write = purpose.write && !connection.config.read_only;
        let account = connection
            .connector
            .check(&calls as &dyn Calls, credentials, &purpose.entities, write)
            .await
            .map_err(|error| check_error(&error, &held))?;
        match &held.kept.account {
            Some(KeptAccount { id, .. }) if *id != account.id => {
                let expected = held.kept.account.as_ref().map(ToString::to_string);
                let expected = expected.unwrap_or_default();
                let found = named(&account);
                connection.wrong_account(&expected, &found);
                Err(CheckError::OtherAccount { expected, found })
            }
            _ => {
                if !matches!(connection.health(), Health::Stopped { .. }) {
                    connection.heal();
                }
                Ok(account)
            }
        }
    }

    /// Begins a sign-in by redirect. `given` is what the scheme needs and the config does not have.
    ///
    /// # Errors
    /// When the scheme has no redirect or something is missing.
    pub fn begin_sign_in(
        &self,
        name: &ConnectionName,
        purpose: Purpose,
        redirect_uri: &str,
        given: BTreeMap<String, SecretText>,
    ) -> Result<Redirect, ConnectError> {
        let connection = self.to_connect(name)?;
        self.sign_ins
            .begin(&connection, purpose, redirect_uri, given)
    }

    /// Ends a sign-in by redirect with what came back. Goes on to its end even if the caller goes
    /// away: a code works once.
    ///
    /// # Errors
    /// When the state is not ours, or the vendor refuses, or it is another account than before.
    pub async fn finish_sign_in(
        &self,
        state: Option<&str>,
        code: &SecretText,
    ) -> Result<Connected, ConnectError> {
        let (name, taken) = self.sign_ins.take(state, self.parts.clock.steady())?;
        let connection = self.to_connect(&name)?;
        let sign_ins = Arc::clone(&self.sign_ins);
        let code = code.clone();
        self.tasks
            .spawn(
                async move { sign_in::finish(&sign_ins, &connection, taken, code.expose()).await },
            )
            .await
            .map_err(|error| ConnectError::Vendor(format!("finish the sign-in: {error}")))?
    }

    /// Connects with credentials that are given outright, here or in the config.
    ///
    /// # Errors
    /// When something is missing, the vendor refuses, or it is another account than before.
    pub async fn connect(
        &self,
        name: &ConnectionName,
        given: BTreeMap<String, SecretText>,
        purpose: &Purpose,
    ) -> Result<Connected, ConnectError> {
        let connection = self.to_connect(name)?;
        sign_in::paste(&self.sign_ins, &connection, given, purpose).await
    }

    /// Accepts the other account that the last sign-in of this connection led to.
    ///
    /// # Errors
    /// When nothing waits to be confirmed.
    pub async fn confirm_account(&self, name: &ConnectionName) -> Result<Connected, ConnectError> {
        let connection = self.to_connect(name)?;
        self.sign_ins.confirm(&connection).await
    }

    /// Lets no new call begin, and waits until what must not be cut off has ended: requests that
    /// were sent are the callers' to await; token refreshes and sign-ins are awaited here.
    pub async fn shut_down(&self, patience: Duration) {
        self.stopping.cancel();
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => {}
            () = self.parts.clock.sleep(patience) => {
                tracing::warn!("a token refresh did not end in time");
            }
        }
    }

    pub(crate) fn of_system(&self, system: &str) -> Vec<Arc<Connection>> {
        let mut all: Vec<_> = self.all().into_values().collect();
        all.retain(|connection| connection.config.system == system);
        all
    }

    fn to_connect(&self, name: &ConnectionName) -> Result<Arc<Connection>, ConnectError> {
        self.get(name)
            .map_err(|UnknownConnection(name)| ConnectError::Unknown(name))
    }

    fn get(&self, name: &ConnectionName) -> Result<Arc<Connection>, UnknownConnection> {
        self.by_name
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
            .ok_or_else(|| UnknownConnection(name.to_string()))
    }

    fn all(&self) -> BTreeMap<ConnectionName, Arc<Connection>> {
        self.by_name
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn check_error(error: &connector::Error, held: &Held) -> CheckError {
    use connector::{CallError, Error};
    let why = scrub(&error.to_string(), &held.kept.credentials);
    match error {
        Error::Call(CallError::Credentials { .. }) => CheckError::SignIn(why),
        Error::Call(_) => CheckError::ForNow(why),
        _ => CheckError::Vendor(why),
    }
}
