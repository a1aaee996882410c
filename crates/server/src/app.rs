//! What all routes share: the store, the connected accounts, the engine, and the config in force.

mod applying;

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use connections::{Clock, Connections, Dice, Parts, Purpose, Transport};
use connector::{
    Connector,
    catalog::{Effects, Repeat, trigger::Source},
};
use jiff::Timestamp;
use record::Side;
use store::{ConnectionName, Store, SyncName, Workspace};
use sync::{Engine, EngineParts};
use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vault::KeyRing;

use applying::{configs, for_workflows, from_connections, in_force, read, restarts, syncs};

use crate::{
    Code, NewToken,
    acts::Nobodys,
    alerts::{self, Alerts},
    api::probes::Runs,
    calls::CallWriter,
    config::{self, Document, Problems},
    credentials::StoredCredentials,
    ears::Ears,
    error::{ApiError, ApiResult},
    hearing::Hearing,
    metrics::Counters,
    retaining,
    tickets::Tickets,
    token::Tokens,
    users::{Browsers, Users},
};

/// What a server is made of. Time, randomness, network, storage and systems come from outside.
pub struct Options {
    /// Everything durable.
    pub store: Arc<dyn Store>,
    /// Whose data this is.
    pub workspace: Workspace,
    /// The database file; the running server leaves its address beside it. `None`: nothing is left.
    pub database: Option<PathBuf>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub dice: Arc<Dice>,
    /// The way to the vendors.
    pub transport: Arc<dyn Transport>,
    /// The way to addresses that people wrote into workflows. It waits as long as a step may say:
    /// [`workflow::LONGEST_REQUEST`].
    pub patient_transport: Arc<dyn Transport>,
    /// The systems.
    pub connectors: Vec<Arc<dyn Connector>>,
    /// Where systems come from that are added while this runs. `None`: nowhere.
    pub further: Option<FurtherSystems>,
    /// What seals credentials.
    pub vault: Arc<KeyRing>,
    /// How the engine paces itself.
    pub engine: sync::Options,
    /// How people come in with a browser.
    pub browsers: Browsers,
}

/// All systems as they are now, or why they cannot be had. Asked before a config is read.
pub type FurtherSystems = Arc<dyn Fn() -> Result<Vec<Arc<dyn Connector>>, String> + Send + Sync>;

/// Why a server could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The system gives no randomness.
    #[error("make a token")]
    Random(#[from] getrandom::Error),
}

/// The config in force.
#[derive(Debug)]
pub(crate) struct InForce {
    pub(crate) document: Document,
    pub(crate) revision: u64,
    pub(crate) applied: Timestamp,
}

pub(crate) type AppState = Arc<App>;

/// What all routes share.
pub(crate) struct App {
    store: Arc<dyn Store>,
    workspace: Workspace,
    pub(crate) database: Option<PathBuf>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) engine: sync::Handle,
    idle_engine: Mutex<Option<Engine>>,
    pub(crate) flows: Arc<workflow::Runner>,
    flows_work: AtomicBool,
    /// What steps of workflows may use beside the connections.
    outside: Arc<RwLock<workflow::Outside>>,
    connectors: RwLock<Vec<Arc<dyn Connector>>>,
    further: Option<FurtherSystems>,
    in_force: RwLock<Option<Arc<InForce>>>,
    /// The config that was stored cannot be used by this process, and why.
    pub(crate) broken: RwLock<Option<Problems>>,
    applying: tokio::sync::Mutex<()>,
    /// The file that the config is read from at each start, if it is.
    config_file: Mutex<Option<String>>,
    pub(crate) own_token: NewToken,
    tokens: RwLock<Tokens>,
    pub(crate) users: Users,
    pub(crate) nobodys: Nobodys,
    pub(crate) tickets: Tickets,
    pub(crate) probes: Runs,
    pub(crate) ears: Ears,
    pub(crate) hearing: Hearing,
    pub(crate) alerts: Alerts,
    /// The way out for alerts.
    pub(crate) web: workflow::Web,
    pub(crate) counters: Counters,
    /// What they said over the last day.
    pub(crate) series: crate::series::Series,
    pub(crate) started: Timestamp,
    calls: CallWriter,
    pub(crate) stopping: CancellationToken,
    tasks: TaskTracker,
    pub(crate) dice: Arc<Dice>,
    /// Where this server listens, once it does, and its own address made of that.
    listening: OnceLock<(SocketAddr, String)>,
}

impl App {
    pub(crate) async fn open(options: Options) -> Result<Arc<Self>, OpenError> {
        let Options {
            store,
            workspace,
            database,
            clock,
            dice,
            transport,
            patient_transport,
            connectors,
            further,
            vault,
            engine,
            browsers,
        } = options;
        let stopping = CancellationToken::new();
        let tasks = TaskTracker::new();
        let outside: Arc<RwLock<workflow::Outside>> = Arc::default();
        let way_out = workflow::Web::new(
            Arc::clone(&transport),
            Arc::clone(&clock),
            Arc::clone(&outside),
        );
        let web = workflow::Web::new(patient_transport, Arc::clone(&clock), Arc::clone(&outside));
        let (calls, log) = CallWriter::start(
            Arc::clone(&store),
            workspace.clone(),
            Arc::clone(&clock),
            &tasks,
        );
        let parts = Parts {
            workspace: workspace.as_str().to_owned(),
            clock: Arc::clone(&clock),
            dice: Arc::clone(&dice),
            transport,
            credentials: Arc::new(StoredCredentials::new(
                Arc::clone(&store),
                workspace.clone(),
            )),
            vault,
            calls: log,
        };
        let applied = store.applied_config(&workspace).await?;
        let (in_force, mut broken) = match applied {
            None => (None, None),
            Some(applied) => match read(&connectors, &applied.document) {
                Ok(document) => (Some(in_force(document, &applied)), None),
                Err(problems) => (None, Some(problems)),
            },
        };
        let mut configs = in_force
            .as_ref()
            .map(|in_force| configs(&in_force.document))
            .unwrap_or_default();
        let restarts = restarts(&calls, &configs).await?;
        let (connections, in_force) = loop {
            let opened = Connections::open(
                parts.clone(),
                connectors.clone(),
                std::mem::take(&mut configs),
                |name| restarts.get(name).cloned().unwrap_or_default(),
            );
            match opened.await {
                Ok(connections) => break (Arc::new(connections), in_force),
                // nothing of the config is used then; the loop ends because an empty one is fine
                Err(errors) => broken = Some(from_connections(&errors)),
            }
        };
        let in_force = if broken.is_some() { None } else { in_force };
        let syncs = in_force
            .as_ref()
            .map(|in_force| syncs(&in_force.document))
            .unwrap_or_default();
        let engine = Engine::new(EngineParts {
            store: Arc::clone(&store),
            connections: Arc::clone(&connections),
            clock: Arc::clone(&clock),
            workspace: workspace.clone(),
            syncs,
            options: engine,
        });
        let flows = Arc::new(workflow::Runner::new(
            Arc::clone(&store) as Arc<dyn store::WorkflowStore>,
            workspace.clone(),
            Arc::clone(&clock),
            Arc::clone(&dice),
            Arc::new(workflow::VendorHands::new(
                Arc::clone(&connections),
                engine.handle(),
                web,
            )),
            workflow::Options::default(),
        ));
        let users = Users::open(
            Arc::clone(&store),
            workspace.clone(),
            Arc::clone(&clock),
            browsers,
        )
        .await?;
        let own_token = NewToken::random()?;
        let tokens = Tokens::new(
            &own_token,
            in_force.as_ref().map(|in_force| &in_force.document.api),
        );
        if let Some(in_force) = &in_force {
            calls.keep_days(in_force.document.retention.calls_days);
            *write_lock(&outside) = for_workflows(&in_force.document);
            engine
                .handle()
                .can_be_told(in_force.document.public_url.is_some());
        }
        Ok(Arc::new(Self {
            started: clock.now(),
            store,
            workspace,
            database,
            clock,
            connections,
            engine: engine.handle(),
            idle_engine: Mutex::new(Some(engine)),
            flows,
            flows_work: AtomicBool::new(false),
            outside,
            connectors: RwLock::new(connectors),
            further,
            in_force: RwLock::new(in_force.map(Arc::new)),
            broken: RwLock::new(broken),
            applying: tokio::sync::Mutex::default(),
            config_file: Mutex::default(),
            own_token,
            tokens: RwLock::new(tokens),
            users,
            nobodys: Nobodys::default(),
            tickets: Tickets::default(),
            probes: Runs::default(),
            ears: Ears::default(),
            hearing: Hearing::default(),
            alerts: Alerts::default(),
            web: way_out,
            counters: Counters::default(),
            series: crate::series::Series::default(),
            calls,
            stopping,
            tasks,
            dice,
            listening: OnceLock::new(),
        }))
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// The systems that there are connectors for.
    pub(crate) fn connectors(&self) -> Vec<Arc<dyn Connector>> {
        read_lock(&self.connectors).clone()
    }

    pub(crate) fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The config in force.
    ///
    /// # Errors
    /// When there is none, or what is stored cannot be used.
    pub(crate) fn in_force(&self) -> ApiResult<Arc<InForce>> {
        let held = read_lock(&self.in_force).clone();
        held.ok_or_else(|| match read_lock(&self.broken).clone() {
            Some(problems) => {
                let mut error = ApiError::from(problems);
                if let Some(first) = error.problems.first() {
                    error.message = format!(
                        "the config that was applied last cannot be used: {}",
                        first.message
                    );
                }
                error.hint("settle that, or apply a corrected config")
            }
            None => ApiError::no_config(),
        })
    }

    /// Name and scopes of the token with this hash, where it is the command line's own (without a name) or of the config.
    pub(crate) fn known_token(&self, hash: &str) -> Option<(Option<String>, Vec<store::Scope>)> {
        read_lock(&self.tokens).find(hash)
    }

    /// The connection of this name in the config in force.
    pub(crate) fn connection(&self, name: &str) -> ApiResult<ConnectionName> {
        let in_force = self.in_force()?;
        if in_force.document.connections.contains_key(name) {
            return Ok(ConnectionName::from(name));
        }
        let known: Vec<&str> = in_force
            .document
            .connections
            .keys()
            .map(String::as_str)
            .collect();
        Err(ApiError::not_found(
            Code::ConnectionUnknown,
            format!("there is no connection `{name}`"),
        )
        .hint(config::nearest_hint(name, &known)))
    }

    /// The sync of this name in the config in force.
    pub(crate) fn sync(&self, name: &str) -> ApiResult<SyncName> {
        let in_force = self.in_force()?;
        if in_force.document.syncs.contains_key(name) {
            return Ok(SyncName::from(name));
        }
        let known: Vec<&str> = in_force.document.syncs.keys().map(String::as_str).collect();
        Err(
            ApiError::not_found(Code::SyncUnknown, format!("there is no sync `{name}`"))
                .hint(config::nearest_hint(name, &known)),
        )
    }

    /// Refuses a name that nothing has: an empty list would look like an answer. Lists ask only when they are
    /// empty, because what is no longer in the config still has a history.
    pub(crate) fn refuse_unknown(
        &self,
        sync: Option<&str>,
        connection: Option<&str>,
    ) -> ApiResult<()> {
        if let Some(sync) = sync {
            self.sync(sync)?;
        }
        if let Some(connection) = connection {
            self.connection(connection)?;
        }
        Ok(())
    }

    /// The events of triggers that a workflow or somebody who listens waits for on a connection, as the vendor calls them.
    pub(crate) async fn events(&self, connection: &ConnectionName) -> ApiResult<BTreeSet<String>> {
        let heard = self.ears.events(connection, self.clock.steady());
        let mut events: BTreeSet<String> = heard.into_iter().collect();
        let connector = self.connections.connector(connection)?;
        for (own, trigger) in self.flows.waited_for().await? {
            let trigger = connector.catalog().trigger(&trigger);
            if let (true, Some(Source::Webhook { events: told, .. })) = (
                own == connection.as_str(),
                trigger.map(|trigger| &trigger.source),
            ) {
                events.extend(told.iter().cloned());
            }
        }
        Ok(events)
    }

    /// What the syncs and the workflows in force want of a connection.
    pub(crate) async fn purpose(&self, name: &ConnectionName) -> ApiResult<Purpose> {
        let in_force = self.in_force()?;
        let mut purpose = purpose(&in_force.document, name);
        let config = in_force.document.connections.get(name.as_str());
        let may_write = config.is_some_and(|config| !config.read_only);
        let connector = self.connections.connector(name)?;
        let catalog = connector.catalog();
        let mut rights = BTreeSet::new();
        for used in self.flows.used().await? {
            if used.connection != name.as_str() {
                continue;
            }
            if used.is_trigger {
                let trigger = catalog.trigger(&used.id);
                rights.extend(trigger.iter().flat_map(|trigger| &trigger.needs));
                continue;
            }
            let Some(operation) = catalog.operation(&used.id) else {
                continue;
            };
            let look_up = match &operation.repeat {
                Repeat::LookUp(by) => catalog.operation(by),
                Repeat::Repeatable | Repeat::AtMostOnce => None,
            };
            for operation in [Some(operation), look_up].into_iter().flatten() {
                if may_write || operation.effect == Effects::Read {
                    rights.extend(&operation.needs);
                }
            }
        }
        purpose.rights = rights.into_iter().cloned().collect();
        Ok(purpose)
    }

    /// Where browsers and vendors reach us, without a slash at the end.
    pub(crate) fn outside_url(&self) -> ApiResult<String> {
        let in_force = self.in_force()?;
        Ok(match (&in_force.document.public_url, self.local_url()) {
            (Some(url), _) => url.as_str().trim_end_matches('/').to_owned(),
            (None, Some(local)) => local.to_owned(),
            (None, None) => format!("http://{}", in_force.document.listen),
        })
    }

    /// A link by which a password can be set once, as this machine reaches it and as it is reached from outside, if the
    /// config says how. The secret stands behind `#`, which browsers send to nobody.
    pub(crate) fn links(&self, address: &str, secret: &NewToken) -> Vec<String> {
        let mut bases = vec![address.to_owned()];
        if let Ok(in_force) = self.in_force()
            && in_force.document.public_url.is_some()
            && in_force.document.outside_url() != address
        {
            bases.push(in_force.document.outside_url());
        }
        let link = |base: String| format!("{base}/welcome#{}", secret.expose());
        bases.into_iter().map(link).collect()
    }

    /// Notes where this server listens.
    pub(crate) fn listening(&self, address: SocketAddr, url: String) {
        if self.listening.set((address, url)).is_err() {
            tracing::error!(%address, "a server listens once only");
        }
    }

    /// The address that this server listens on, once it does.
    pub(crate) fn listening_on(&self) -> Option<SocketAddr> {
        self.listening.get().map(|(address, _)| *address)
    }

    /// How this machine reaches it, once it listens: `http://127.0.0.1:8484`.
    pub(crate) fn local_url(&self) -> Option<&str> {
        self.listening.get().map(|(_, url)| url.as_str())
    }

    /// The callback address to register at vendors.
    pub(crate) fn redirect_uri(&self) -> ApiResult<String> {
        Ok(format!("{}/oauth/callback", self.outside_url()?))
    }

    /// Lets the engine work, if it does not yet. In a server it works from the start; in a command
    /// only where the command needs it.
    pub(crate) fn start_engine(&self) -> Option<JoinHandle<Result<(), sync::Error>>> {
        let engine = self
            .idle_engine
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        Some(self.tasks.spawn(engine.run(self.stopping.child_token())))
    }

    /// Lets runs of workflows go on, if they do not yet. In a server they do from the start; in a command only where
    /// the command needs it.
    pub(crate) fn start_flows(&self) {
        if self.flows_work.swap(true, Ordering::SeqCst) {
            return;
        }
        let work = Arc::clone(&self.flows).work(self.stopping.child_token());
        self.tasks.spawn(work);
    }

    /// Looks for events that begin workflows. In a server only: a command is too short for it.
    pub(crate) fn watch_for_flows(self: &Arc<Self>) {
        let stop = self.stopping.child_token();
        let watch = Arc::clone(&self.flows).watch(
            Arc::clone(&self.connections),
            workflow::WatchPace::default(),
            stop,
        );
        self.tasks.spawn(watch);
    }

    /// Drops what is kept no longer, in the background. In a server only: a command is too short for it.
    pub(crate) fn keep_tidy(self: &Arc<Self>) {
        let (app, stop) = (Arc::clone(self), self.stopping.child_token());
        self.tasks.spawn(async move {
            stop.run_until_cancelled(retaining::keep_tidy(app)).await;
        });
    }

    /// Tells people what needs them. In a server only.
    pub(crate) fn watch_for_alerts(self: &Arc<Self>) {
        let (app, stop) = (Arc::clone(self), self.stopping.child_token());
        self.tasks.spawn(async move {
            stop.run_until_cancelled(alerts::watch(app)).await;
        });
    }

    /// Whether the engine was never started: then it knows only what it is told to read.
    pub(crate) fn is_idle(&self) -> bool {
        self.idle_engine
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    /// Lets an engine that does not work know how its syncs stand.
    pub(crate) async fn recall(&self) -> ApiResult<()> {
        if self.is_idle() {
            self.engine.recall().await?;
        }
        Ok(())
    }

    /// Lets an engine that does not work know its accounts, too.
    pub(crate) async fn prepare(&self) -> ApiResult<()> {
        self.in_force()?;
        if self.is_idle() {
            self.engine.prepare().await?;
        }
        Ok(())
    }

    /// Work that goes on if the asker leaves, and is left where it is when the server stops: what it
    /// did is stored, and the next run goes on from there. `None`: it was left.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<Option<T>> {
        let stopping = self.stopping.clone();
        self.tasks
            .spawn(async move { stopping.run_until_cancelled(work).await })
    }

    /// Work that ends by itself soon after the server is told to stop, and must not be cut off before.
    pub(crate) fn spawn_to_its_end(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(work);
    }

    /// Writes what the log of calls still holds in memory.
    pub(crate) async fn flush_calls(&self) {
        self.calls.flush().await;
    }

    /// Ends everything that was begun, in the order in which nothing is lost.
    pub(crate) async fn close(&self) {
        self.stopping.cancel();
        self.connections
            .shut_down(std::time::Duration::from_secs(10))
            .await;
        self.calls.close().await;
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// What all syncs of a config want of a connection.
fn purpose(document: &Document, name: &ConnectionName) -> Purpose {
    let mut purpose = Purpose {
        entities: Vec::new(),
        write: false,
        rights: Vec::new(),
    };
    for rules in document.syncs.values() {
        for (side, connection) in [(Side::Left, &rules.left), (Side::Right, &rules.right)] {
            if connection == name.as_str() {
                purpose.write |= rules.mode.writes(side);
                purpose.entities.extend(rules.entities.keys().copied());
            }
        }
    }
    purpose.entities.sort_unstable();
    purpose.entities.dedup();
    purpose
}

fn read_lock<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write_lock<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
