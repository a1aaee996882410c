//! All connections of a workspace, by name.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use connector::{Connector, Description, Limits, SecretText, WebhookKeys};
use store::{ConnectionName, Lane};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    ConfigError, ConnectError, Connected, ConnectionConfig, Health, Parts, Purpose, Redirect,
    Restart, Session,
    budget::Budget,
    connection::{Connection, Setup},
    sign_in::{self, SignIns},
    sign_in_budget::SignInBudgets,
};

/// The connected accounts of one workspace.
pub struct Connections {
    pub(crate) parts: Parts,
    connectors: RwLock<Vec<Arc<dyn Connector>>>,
    by_name: RwLock<BTreeMap<ConnectionName, Arc<Connection>>>,
    sign_ins: Arc<SignIns>,
    /// Told when a system says that our app was installed somewhere.
    installs: Notify,
    client_budgets: Arc<SignInBudgets>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

/// The configured connections, by name.
pub type Configs = BTreeMap<ConnectionName, ConnectionConfig>;

/// There is no connection of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no connection `{0}`")]
pub struct UnknownConnection(pub String);

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
        let client_budgets = SignInBudgets::new(Arc::clone(&parts.clock));
        let connections = Self {
            client_budgets: Arc::new(client_budgets),
            parts,
            connectors: RwLock::new(connectors),
            by_name: RwLock::default(),
            sign_ins: Arc::default(),
            installs: Notify::new(),
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
        let after = self.built(configs, &restart, Setup::take_over)?;
        for connection in after.values() {
            make_ready(connection).await;
        }
        *self.by_name.write().unwrap_or_else(PoisonError::into_inner) = after;
        Ok(())
    }

    /// The connections as they would be under another config, with the credentials that are kept: to ask the accounts
    /// before it is put into force. What is counted and renewed meanwhile counts for those in force; nothing else of
    /// them changes.
    ///
    /// # Errors
    /// Everything that is wrong with the config.
    pub async fn ahead(
        &self,
        configs: Configs,
        restart: impl Fn(&ConnectionName) -> Restart,
    ) -> Result<Self, Vec<ConfigError>> {
        let before = self.all();
        let after = self.built(configs, &restart, Setup::borrow)?;
        for (name, connection) in &after {
            let is_another = before.get(name).is_none_or(|old| {
                // the credentials of another system are nothing to it
                !Arc::ptr_eq(old, connection) && old.config.system == connection.config.system
            });
            if is_another {
                make_ready(connection).await;
            }
        }
        let connectors = self.connectors.read();
        Ok(Self {
            parts: self.parts.clone(),
            connectors: RwLock::new(connectors.unwrap_or_else(PoisonError::into_inner).clone()),
            by_name: RwLock::new(after),
            sign_ins: Arc::default(),
            installs: Notify::new(),
            client_budgets: Arc::clone(&self.client_budgets),
            stopping: self.stopping.clone(),
            tasks: self.tasks.clone(),
        })
    }

    /// Builds those that are not in force as they are. `taking`: what they have of the one of the same name.
    fn built(
        &self,
        configs: Configs,
        restart: &impl Fn(&ConnectionName) -> Restart,
        taking: fn(&mut Setup, &Connection),
    ) -> Result<BTreeMap<ConnectionName, Arc<Connection>>, Vec<ConfigError>> {
        let before = self.all();
        let mut errors = Vec::new();
        let mut after = BTreeMap::new();
        for (name, config) in configs {
            let old = before.get(&name);
            if let Some(old) = old.filter(|old| old.config == config) {
                after.insert(name, Arc::clone(old));
                continue;
            }
            match self.build(&name, config, restart) {
                Ok(mut setup) => {
                    if let Some(old) = old {
                        taking(&mut setup, old);
                    }
                    let lifetime = (self.stopping.clone(), self.tasks.clone());
                    let connection = Connection::new(setup, self.parts.clone(), lifetime);
                    after.insert(name, Arc::new(connection));
                }
                Err(more) => errors.extend(more),
            }
        }
        match errors.is_empty() {
            true => Ok(after),
            false => Err(errors),
        }
    }

    fn build(
        &self,
        name: &ConnectionName,
        config: ConnectionConfig,
        restart: impl Fn(&ConnectionName) -> Restart,
    ) -> Result<Setup, Vec<ConfigError>> {
        let Some(connector) = self.system(&config.system) else {
            let known: Vec<_> = self
                .connectors
                .read()
                .unwrap_or_else(PoisonError::into_inner)
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
        let restart = restart(name);
        self.client_budgets.recall(description.system, &restart);
        Ok(Setup {
            name: name.clone(),
            scheme,
            webhook_keys: WebhookKeys { keys: keys.clone() },
            connector: Arc::clone(&connector),
            budget: self.budget(&config, description, &restart),
            client_budgets: Arc::clone(&self.client_budgets),
            counters: Arc::default(),
            tokens: Arc::default(),
            health: Arc::default(),
            config,
        })
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
    pub fn system(&self, system: &str) -> Option<Arc<dyn Connector>> {
        let connectors = self.connectors.read();
        let connectors = connectors.unwrap_or_else(PoisonError::into_inner);
        let mut own = connectors.iter();
        own.find(|connector| connector.describe().system == system)
            .cloned()
    }

    /// Takes systems that are new. Those whose name is known already stay as they are.
    pub fn learn(&self, systems: &[Arc<dyn Connector>]) {
        let connectors = self.connectors.write();
        let mut connectors = connectors.unwrap_or_else(PoisonError::into_inner);
        for system in systems {
            let name = system.describe().system;
            if !connectors.iter().any(|own| own.describe().system == name) {
                connectors.push(Arc::clone(system));
            }
        }
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

    /// Whether nothing that a sign-in by redirect needs is missing, before anybody is sent anywhere.
    ///
    /// # Errors
    /// When something is missing, or what the config refers to is not there.
    pub fn ready_to_begin(
        &self,
        name: &ConnectionName,
        given: &BTreeMap<String, SecretText>,
    ) -> Result<(), ConnectError> {
        let connection = self.to_connect(name)?;
        sign_in::gather(&connection, given.clone()).map(drop)
    }

    /// Ends a sign-in by redirect with what came back. Goes on to its end even if the caller goes
    /// away: a code works once.
    ///
    /// # Errors
    /// When the state is not ours, or the vendor refuses, or it is another account than before, or that of
    /// another connection.
    pub async fn finish_sign_in(
        &self,
        state: Option<&str>,
        code: &SecretText,
    ) -> Result<Connected, ConnectError> {
        let (name, taken) = self.sign_ins.take(state, self.parts.clock.steady())?;
        let connection = self.to_connect(&name)?;
        let others = self.of_system(&connection.config.system);
        let sign_ins = Arc::clone(&self.sign_ins);
        let code = code.clone();
        self.tasks
            .spawn(async move {
                sign_in::finish(&sign_ins, &connection, &others, taken, code.expose()).await
            })
            .await
            .map_err(|error| ConnectError::Vendor(format!("finish the sign-in: {error}")))?
    }

    /// Connects with credentials that are given outright, here or in the config.
    ///
    /// # Errors
    /// When something is missing, the vendor refuses, or it is another account than before, or that of
    /// another connection.
    pub async fn connect(
        &self,
        name: &ConnectionName,
        given: BTreeMap<String, SecretText>,
        purpose: &Purpose,
    ) -> Result<Connected, ConnectError> {
        let connection = self.to_connect(name)?;
        let others = self.of_system(&connection.config.system);
        sign_in::paste(&self.sign_ins, &connection, &others, given, purpose).await
    }

    /// Accepts the other account that the last sign-in of this connection led to.
    ///
    /// # Errors
    /// When nothing waits to be confirmed, or another connection has that account.
    pub async fn confirm_account(&self, name: &ConnectionName) -> Result<Connected, ConnectError> {
        let connection = self.to_connect(name)?;
        let others = self.of_system(&connection.config.system);
        self.sign_ins.confirm(&connection, &others).await
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

    pub(crate) fn sign_ins(&self) -> &SignIns {
        &self.sign_ins
    }

    pub(crate) fn installs(&self) -> &Notify {
        &self.installs
    }

    pub(crate) fn everything(&self) -> BTreeMap<ConnectionName, Arc<Connection>> {
        self.all()
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

    pub(crate) fn get(&self, name: &ConnectionName) -> Result<Arc<Connection>, UnknownConnection> {
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

/// Reads the credentials of a connection that has none yet, and knows again that a person switched it off.
async fn make_ready(connection: &Connection) {
    if connection.tokens.held().is_none() {
        if matches!(connection.health(), Health::NeedsSignIn { .. }) {
            connection.heal();
        }
        // what failed stands in the connection's health
        drop(connection.load().await);
    }
    if connection.is_switched_off() {
        connection.stop();
    }
}
