//! Two simulated vendors, or three, the engine between them, and a judge.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use async_trait::async_trait;
use connections::{
    Clock, Configs, ConnectionConfig, Connections, CredentialStore, CredentialStoreError, Dice,
    IntakeSink, IntakeSinkError, NoCallLog, Parts, Purpose, Receipt, Restart, ServiceTransport,
};
use connector::{Connector, Delivery, Incoming, SecretText};
use record::Entity;
use sandbox::{
    Control, Sandbox, System,
    judge::{Judgement, Pair, Question, Rules, Scope, Terms, Truth},
    people::{Plan, Population},
};
use serde_json::{Value as Json, json};
use store::{
    Accepted, ConnectionName, CredentialRow, Saved, SqliteStore, Store, SyncName, Workspace,
};
use sync::{Engine, EngineParts, Handle, Progress, RunReport};
use tokio::{runtime::Runtime, sync::watch, task::AbortHandle};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::{
    FaultyStore, Life,
    clock::FastClock,
    life::{MortalClock, MortalTransport, Slow, SlowTransport},
};

/// Where HighLevel sends people back to.
const REDIRECT: &str = "https://tandem.example/oauth/callback";

/// How long it may take to get quiet, by the world's clock.
const LONGEST_SETTLE: Duration = Duration::from_secs(300);

/// How long the threads of a killed engine may take to notice, in real time.
const LONGEST_END: Duration = Duration::from_secs(5);

/// How a world is made.
pub struct Options {
    /// Who is in it.
    pub people: Plan,
    /// Switches of the sandbox that differ from their defaults.
    pub switches: Vec<(String, Json)>,
    /// The rules of the sync; the shipped ones unless changed.
    pub rules: mapping::SyncRules,
    /// The rules of a second sync between the same HighLevel and OfficeRnD, if there is one.
    pub members: Option<mapping::SyncRules>,
    /// HighLevel is connected as an app with webhooks; else by a private token, without.
    pub webhooks: bool,
    /// OfficeRnD is told to send webhooks, too.
    pub member_webhooks: bool,
    /// HighLevel's documented limits are kept; else only the load is bounded.
    pub limits: bool,
    /// How the engine paces itself.
    pub pace: sync::Options,
    /// How many times as fast as real time everything runs.
    pub speed: u32,
    /// When it begins; now, unless said.
    pub start: Option<jiff::Timestamp>,
    /// The engine lives on the runtime that makes the world, which has one thread and whose time is paused: everything
    /// happens in an order that follows from the seeds alone, and waiting costs nothing.
    pub virtual_time: bool,
    /// How long a request or an answer is under way, around, and the seed from which that is drawn.
    pub slow: Option<(u64, Duration)>,
    /// From which the sandbox draws ids, jitter and chances.
    pub seed: u64,
}

/// The rules that ship with the pair.
///
/// # Panics
/// When they are broken.
pub fn shipped_rules() -> mapping::SyncRules {
    serde_yaml_ng::from_str(include_str!("rules.yaml")).expect("the shipped rules are rules")
}

/// Rules for a second sync, between the same HighLevel and OfficeRnD.
///
/// # Panics
/// When they are broken.
pub fn member_rules() -> mapping::SyncRules {
    serde_yaml_ng::from_str(include_str!("members.yaml")).expect("the rules of members are rules")
}

/// The people and companies of the two syncs of the config of `tandem demo`, the one with onOffice first, under the names of the
/// connections here.
///
/// # Panics
/// When they are broken.
pub fn demo_rules() -> (mapping::SyncRules, mapping::SyncRules) {
    static RULES: OnceLock<(mapping::SyncRules, mapping::SyncRules)> = OnceLock::new();
    RULES.get_or_init(read_demo_rules).clone()
}

fn read_demo_rules() -> (mapping::SyncRules, mapping::SyncRules) {
    let config: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(include_str!("../../examples/demo.yaml"))
            .expect("the config of the demo is YAML");
    let rules = |name: &str, right: &str| {
        let mut rules = config["syncs"][name].clone();
        rules["left"] = "highlevel".into();
        rules["right"] = right.into();
        let mut rules: mapping::SyncRules =
            serde_yaml_ng::from_value(rules).expect("the rules of the demo are rules");
        let kept = [Entity::Company, Entity::Contact];
        rules.entities.retain(|entity, _| kept.contains(entity));
        rules
    };
    (rules("people", "onoffice"), rules("members", "officernd"))
}

impl Default for Options {
    fn default() -> Self {
        Self {
            people: Plan::shipped(),
            switches: Vec::new(),
            rules: shipped_rules(),
            members: None,
            webhooks: true,
            member_webhooks: false,
            limits: false,
            pace: sync::Options {
                poll_with_webhooks: Duration::from_secs(3600),
                poll_without_webhooks: Duration::from_secs(3600),
                sweep: Duration::from_secs(3600),
                retry: Duration::from_millis(200),
                ..sync::Options::default()
            },
            speed: 1,
            start: None,
            virtual_time: false,
            slow: None,
            seed: 1,
        }
    }
}

/// A running world. Dropping it stops the engine.
pub struct World {
    /// What people and faults do to the vendors.
    pub control: Control,
    /// The connected accounts.
    pub connections: Arc<Connections>,
    /// What the engine keeps.
    pub store: Arc<FaultyStore>,
    /// Who is who.
    pub truth: Truth,
    /// The engine, on a runtime of its own so that it can be killed.
    pub running: Running,
    sandbox: Sandbox,
    clock: Arc<FastClock>,
    vault: Arc<vault::KeyRing>,
    configs: Configs,
    receiver: Receiver,
    rules: BTreeMap<SyncName, mapping::SyncRules>,
    pace: sync::Options,
    virtual_time: bool,
    slow: Option<Slow>,
    stop: CancellationToken,
}

/// An engine at work.
pub struct Running {
    /// The engine.
    pub engine: Handle,
    /// How long this process lives.
    pub life: Arc<Life>,
    runtime: Option<Runtime>,
    here: Option<AbortHandle>,
    stop: CancellationToken,
}

impl Running {
    /// On the runtime of the caller.
    fn start_here(engine: Engine, life: Arc<Life>) -> Self {
        let handle = engine.handle();
        let stop = CancellationToken::new();
        let running = tokio::spawn(engine.run(stop.clone()));
        Self {
            engine: handle,
            life,
            runtime: None,
            here: Some(running.abort_handle()),
            stop,
        }
    }

    fn start(engine: Engine, life: Arc<Life>) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let handle = engine.handle();
        let stop = CancellationToken::new();
        runtime.spawn(engine.run(stop.clone()));
        Ok(Self {
            engine: handle,
            life,
            runtime: Some(runtime),
            here: None,
            stop,
        })
    }
}

impl Drop for Running {
    /// As if the process was killed: everything under way ends where it stands, and when this
    /// returns, it has ended.
    fn drop(&mut self) {
        self.life.end();
        self.stop.cancel();
        if let Some(here) = self.here.take() {
            here.abort();
        }
        if let Some(runtime) = self.runtime.take() {
            // A runtime may not be waited for on another's thread.
            let ending = std::thread::spawn(move || runtime.shutdown_timeout(LONGEST_END));
            drop(ending.join());
        }
    }
}

/// The name of the one sync, with onOffice.
pub fn people() -> SyncName {
    SyncName::from("people")
}

/// The name of the other one, with OfficeRnD.
pub fn members() -> SyncName {
    SyncName::from("members")
}

struct Credentials(Arc<FaultyStore>, Workspace);

#[async_trait]
impl CredentialStore for Credentials {
    async fn load(
        &self,
        connection: &ConnectionName,
    ) -> Result<Option<CredentialRow>, CredentialStoreError> {
        self.0
            .credentials(&self.1, connection)
            .await
            .map_err(|error| CredentialStoreError(error.to_string()))
    }

    async fn save_if_version(
        &self,
        connection: &ConnectionName,
        sealed: &[u8],
        expected: u64,
    ) -> Result<Saved, CredentialStoreError> {
        self.0
            .save_credentials(&self.1, connection, sealed, expected)
            .await
            .map_err(|error| CredentialStoreError(error.to_string()))
    }

    async fn still_ours(&self) -> Result<(), CredentialStoreError> {
        self.0
            .still_ours()
            .await
            .map_err(|error| CredentialStoreError(error.to_string()))
    }
}

struct Sink(Handle);

#[async_trait]
impl IntakeSink for Sink {
    async fn accept(
        &self,
        connection: &ConnectionName,
        delivery: &Delivery,
    ) -> Result<Accepted, IntakeSinkError> {
        self.0
            .accept(connection, delivery.clone())
            .await
            .map_err(|error| IntakeSinkError(error.to_string()))
    }
}

/// A process that takes webhooks.
#[derive(Clone)]
struct Target {
    connections: Arc<Connections>,
    engine: Handle,
    life: Arc<Life>,
}

/// Where webhooks go while there is somebody to take them.
#[derive(Clone)]
struct Receiver {
    to: Arc<Mutex<Option<Target>>>,
    clock: Arc<FastClock>,
}

impl Receiver {
    fn set(&self, to: Option<Target>) {
        *self.to.lock().unwrap_or_else(PoisonError::into_inner) = to;
    }
}

async fn receive(receiver: Receiver, outgoing: sandbox::Outgoing) -> Result<u16, String> {
    let to = receiver
        .to
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let Some(target) = to else {
        return Err("nobody listens".to_owned());
    };
    let mut headers = http::HeaderMap::new();
    for (name, value) in &outgoing.headers {
        headers.insert(
            http::HeaderName::try_from(name.as_str()).map_err(|error| error.to_string())?,
            http::HeaderValue::try_from(value.as_str()).map_err(|error| error.to_string())?,
        );
    }
    let incoming = Incoming {
        headers: &headers,
        query: "",
        body: &outgoing.body,
        received: receiver.clock.now(),
    };
    let sink = Sink(target.engine.clone());
    let system = outgoing.url.rsplit('/').next().unwrap_or_default();
    let received = tokio::select! {
        biased;
        () = target.life.ended() => return Err("the connection broke".to_owned()),
        received = target.connections.receive(system, &incoming, &sink) => received,
    };
    match received {
        Ok(Receipt::Full) => Ok(429),
        Ok(_) => Ok(200),
        Err(error) => {
            tracing::warn!(%error, "a webhook was refused");
            Ok(401)
        }
    }
}

impl World {
    /// Two filled vendors, both connected, and an engine that runs. Nothing is synced yet.
    ///
    /// # Errors
    /// When a part of it cannot be set up.
    pub async fn new(options: Options) -> Result<Self> {
        let clock = Arc::new(FastClock::new(options.start, options.speed));
        let receiver = Receiver {
            to: Arc::default(),
            clock: Arc::clone(&clock),
        };
        let sender: sandbox::Sender = {
            let receiver = receiver.clone();
            Arc::new(move |outgoing| Box::pin(receive(receiver.clone(), outgoing)))
        };
        let source = Arc::clone(&clock);
        let sleeper = Arc::clone(&clock);
        let sandbox = Sandbox::new(sandbox::Options {
            switches: options.switches,
            seed: options.seed,
            sender: Some(sender),
            clock: sandbox::Clock::from_source(Arc::new(move || source.now().as_millisecond())),
            sleep: Some(Arc::new(move |pause| {
                Box::pin(tokio::time::sleep(sleeper.real(pause)))
            })),
            ..sandbox::Options::default()
        })?;
        let control = sandbox.control();
        // The people have been there for a month.
        control.core().clock.run_with_offset(-30 * 86_400_000);
        let truth = control.populate(&Population::new(&options.people))?;
        control.core().clock.run_with_offset(0);
        control.act(
            System::HighLevel,
            "configure_app",
            &json!({"redirectUris": [REDIRECT], "webhookUrl": "https://tandem.example/hooks/highlevel"}),
        )?;
        let access = control.act(System::HighLevel, "access", &json!({}))?;
        let office = control.act(System::OnOffice, "show_access", &json!({}))?;
        let store = Arc::new(FaultyStore::new(Arc::new(SqliteStore::in_memory()?)));
        let vault = Arc::new(vault::KeyRing::new(vault::Key::generate()?));
        let mut configs = configs(&access, options.webhooks, options.limits)?;
        let rnd = match options.members {
            Some(_) => Some(control.act(System::OfficeRnd, "access", &json!({}))?),
            None => None,
        };
        if let Some(rnd) = &rnd {
            let state = control.dump(System::OfficeRnd);
            configs.insert(officernd(), officernd_config(rnd, &state, options.limits)?);
        }
        let slow = options
            .slow
            .map(|(seed, around)| Slow::new(seed, Arc::<FastClock>::clone(&clock), around));
        let ground = Ground {
            store: &store,
            sandbox: &sandbox,
            clock: &clock,
            vault: &vault,
            configs: &configs,
            slow: &slow,
        };
        let process = Process::of(&ground).await?;
        let connections = Arc::clone(&process.connections);
        let of_all = purpose([&options.rules].into_iter().chain(&options.members));
        if options.webhooks {
            sign_in(&sandbox, &connections, &access, &of_all).await?;
        } else {
            let given = BTreeMap::from([("token".to_owned(), secret(&access, "privateToken")?)]);
            connections
                .connect(&ConnectionName::from("highlevel"), given, &of_all)
                .await?;
        }
        connect_onoffice(&connections, &office, &purpose([&options.rules])).await?;
        if let Some(rnd) = &rnd {
            let of_members = purpose(&options.members);
            connect_officernd(&connections, rnd, &of_members).await?;
            if options.member_webhooks {
                let hooks = "https://tandem.example/hooks/officernd";
                connections
                    .subscribe(&officernd(), hooks, &of_members.entities, &[])
                    .await?;
            }
        }
        let mut rules = BTreeMap::from([(people(), options.rules)]);
        rules.extend(options.members.map(|of_members| (members(), of_members)));
        let running = process.start(rules.clone(), options.pace.clone(), options.virtual_time)?;
        receiver.set(Some(Target {
            connections: Arc::clone(&connections),
            engine: running.engine.clone(),
            life: Arc::clone(&running.life),
        }));
        let stop = CancellationToken::new();
        if options.virtual_time {
            tokio::spawn(deliver_in_virtual_time(sandbox.clone(), stop.clone()));
        } else {
            tokio::spawn(deliver(sandbox.clone(), stop.clone()));
        }
        Ok(Self {
            control,
            connections,
            store,
            truth,
            running,
            sandbox,
            clock,
            vault,
            configs,
            receiver,
            rules,
            pace: options.pace,
            virtual_time: options.virtual_time,
            slow,
            stop,
        })
    }

    /// The engine.
    pub fn engine(&self) -> &Handle {
        &self.running.engine
    }

    /// The moment, for engine and vendors alike.
    pub fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// The clock of engine and vendors.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as Arc<dyn Clock>
    }

    /// Lets this much of the world's time pass.
    pub async fn wait(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }

    /// This much time passes at once, for engine and vendors.
    pub fn skip(&self, duration: Duration) {
        self.clock.skip(duration);
    }

    /// The process that runs now, for counting its steps and ending it at one of them.
    pub fn life(&self) -> Arc<Life> {
        Arc::clone(&self.running.life)
    }

    /// Kills the engine where it stands; webhooks find nobody until it is started again.
    ///
    /// # Errors
    /// When no new one can be made.
    pub fn kill_and_restart(&mut self) -> Result<()> {
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(self.kill_and_start_anew())
        })
    }

    /// The same, on a runtime of one thread.
    ///
    /// # Errors
    /// When no new one can be made.
    pub async fn kill_and_start_anew(&mut self) -> Result<()> {
        self.receiver.set(None);
        // The old one is dropped, and with it all that it was doing.
        self.running = Running {
            engine: self.running.engine.clone(),
            life: Arc::default(),
            runtime: None,
            here: None,
            stop: CancellationToken::new(),
        };
        let ground = Ground {
            store: &self.store,
            sandbox: &self.sandbox,
            clock: &self.clock,
            vault: &self.vault,
            configs: &self.configs,
            slow: &self.slow,
        };
        let process = Process::of(&ground).await?;
        self.connections = Arc::clone(&process.connections);
        self.running = process.start(self.rules.clone(), self.pace.clone(), self.virtual_time)?;
        self.receiver.set(Some(Target {
            connections: Arc::clone(&self.connections),
            engine: self.running.engine.clone(),
            life: Arc::clone(&self.running.life),
        }));
        Ok(())
    }

    /// Puts other rules into force for the sync with onOffice; others stay as they are.
    pub async fn apply(&mut self, rules: mapping::SyncRules) -> Vec<(SyncName, String)> {
        self.apply_to(people(), rules).await
    }

    /// Puts other rules into force for one sync; others stay as they are.
    pub async fn apply_to(
        &mut self,
        sync: SyncName,
        rules: mapping::SyncRules,
    ) -> Vec<(SyncName, String)> {
        self.rules.insert(sync, rules);
        self.running.engine.apply(self.rules.clone()).await
    }

    /// Signs in to onOffice (again), with what its settings page shows.
    ///
    /// # Errors
    /// When the account cannot be used.
    pub async fn connect_onoffice(&self) -> Result<()> {
        let office = self
            .control
            .act(System::OnOffice, "show_access", &json!({}))?;
        let purpose = purpose([&self.rules[&people()]]);
        connect_onoffice(&self.connections, &office, &purpose).await
    }

    /// The rules of a sync that are in force.
    ///
    /// # Panics
    /// When there is no such sync.
    pub fn rules_of(&self, sync: &SyncName) -> mapping::SyncRules {
        self.rules[sync].clone()
    }

    fn purpose(&self) -> Purpose {
        purpose(self.rules.values())
    }

    /// Signs in to HighLevel (again), as an app.
    ///
    /// # Errors
    /// When the account cannot be used.
    pub async fn connect_highlevel(&self) -> Result<()> {
        let access = self.control.act(System::HighLevel, "access", &json!({}))?;
        sign_in(&self.sandbox, &self.connections, &access, &self.purpose()).await
    }

    /// The first run, or another full one.
    ///
    /// # Errors
    /// When a side cannot be listed.
    pub async fn sync(&self) -> Result<RunReport> {
        self.sync_of(&people()).await
    }

    /// The first run of one sync, or another full one.
    ///
    /// # Errors
    /// When a side cannot be listed.
    pub async fn sync_of(&self, sync: &SyncName) -> Result<RunReport> {
        let (progress, _) = watch::channel(Progress::default());
        Ok(self.running.engine.sync_now(sync, &progress).await?)
    }

    /// Waits until all webhooks are delivered and nothing is left to work off.
    ///
    /// # Errors
    /// When that takes too long.
    pub async fn settle(&self) -> Result<()> {
        let until = self.clock.steady() + LONGEST_SETTLE;
        while self.clock.steady() < until {
            let delivered = self.sandbox.control().core().deliveries.are_done();
            let left = until.saturating_sub(self.clock.steady());
            if self.running.engine.quiet(left).await? && delivered {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let status = self.running.engine.status().await?;
        bail!("it does not get quiet: {status:#?}")
    }

    /// Reads what changed, as the next poll would, and works everything off.
    ///
    /// # Errors
    /// When a side cannot be read or it does not get quiet.
    pub async fn poll(&self) -> Result<()> {
        self.running.engine.poll_now().await?;
        self.settle().await
    }

    /// Lists both sides, as the next sweep would, and works everything off.
    ///
    /// # Errors
    /// When a side cannot be listed or it does not get quiet.
    pub async fn sweep(&self) -> Result<()> {
        self.running.engine.sweep_now().await?;
        self.settle().await
    }

    /// The linked pairs.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pairs(&self) -> Result<Vec<Pair>> {
        Ok(self
            .running
            .engine
            .links(&people(), None, 0)
            .await?
            .into_iter()
            .filter(|link| link.entity == Entity::Contact)
            .map(|link| Pair {
                highlevel: link.left.to_string(),
                onoffice: link.right.to_string(),
            })
            .collect())
    }

    /// Each sync and kind of record, as the sandbox is asked about it.
    ///
    /// # Errors
    /// When the links cannot be read.
    pub async fn questions(&self) -> Result<Vec<(SyncName, Entity, Question)>> {
        let mut questions = Vec::new();
        for (sync, rules) in &self.rules {
            let links = self.running.engine.links(sync, None, 0).await?;
            let with_companies = rules.entities.contains_key(&Entity::Company);
            for entity in rules.entities.keys() {
                if !matches!(entity, Entity::Contact | Entity::Company) {
                    continue;
                }
                let terms = match (sync == &people(), entity) {
                    (true, _) => Rules::default().terms(),
                    (false, Entity::Company) => Terms::highlevel_officernd_companies(),
                    (false, _) => {
                        let mut terms = Terms::highlevel_officernd(false);
                        // members are made of those with this tag, by both configs
                        terms.left_needs = Scope::Tagged(vec!["coworking".to_owned()]);
                        if with_companies {
                            terms.with_company_links()
                        } else {
                            terms
                        }
                    }
                };
                let pairs = links.iter().filter(|link| link.entity == *entity);
                let pairs = pairs.map(|link| (link.left.to_string(), link.right.to_string()));
                let pairs = pairs.collect();
                questions.push((sync.clone(), *entity, Question { terms, pairs }));
            }
        }
        Ok(questions)
    }

    /// What the sandbox says about agreement.
    ///
    /// # Errors
    /// When the links cannot be read.
    pub async fn judge(&self) -> Result<Judgement> {
        let pairs = self.pairs().await?;
        Ok(self
            .control
            .judge(&pairs, &Rules::default(), Some(&self.truth)))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn deliver(sandbox: Sandbox, stop: CancellationToken) {
    while !stop.is_cancelled() {
        sandbox.deliver_due().await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The longest that a webhook waits beyond its time, so that ticks of the virtual clock stay few.
const DELIVERY_TICK: Duration = Duration::from_millis(250);

async fn deliver_in_virtual_time(sandbox: Sandbox, stop: CancellationToken) {
    while !stop.is_cancelled() {
        sandbox.deliver_due().await;
        tokio::time::sleep(DELIVERY_TICK).await;
    }
}

fn workspace() -> Workspace {
    Workspace::from("default")
}

/// HighLevel's and onOffice's hold nothing but their descriptions and catalogs, which take a while to read: all worlds share
/// them. OfficeRnD's knows who writes into which record now, which ends with the process: a killed one stands where it was, with
/// what it held.
fn connectors() -> Vec<Arc<dyn Connector>> {
    static SHARED: OnceLock<[Arc<dyn Connector>; 2]> = OnceLock::new();
    let shared: &[Arc<dyn Connector>; 2] = SHARED.get_or_init(|| {
        [
            Arc::new(highlevel::HighLevel::new()),
            Arc::new(onoffice::OnOffice::new()),
        ]
    });
    let mut all = shared.to_vec();
    all.push(Arc::new(officernd::OfficeRnD::new()));
    all
}

/// What outlives a process.
struct Ground<'a> {
    store: &'a FaultyStore,
    sandbox: &'a Sandbox,
    clock: &'a Arc<FastClock>,
    vault: &'a Arc<vault::KeyRing>,
    configs: &'a Configs,
    slow: &'a Option<Slow>,
}

/// A process before its engine runs: it knows what is stored, and nothing else.
struct Process {
    life: Arc<Life>,
    store: Arc<FaultyStore>,
    connections: Arc<Connections>,
    clock: Arc<dyn Clock>,
}

impl Process {
    async fn of(ground: &Ground<'_>) -> Result<Self> {
        let life = Arc::new(Life::default());
        let store = Arc::new(ground.store.of_process(&life));
        let clock: Arc<dyn Clock> = Arc::new(MortalClock {
            inner: Arc::<FastClock>::clone(ground.clock),
            life: Arc::clone(&life),
        });
        let parts = Parts {
            workspace: workspace().as_str().to_owned(),
            clock: Arc::clone(&clock),
            dice: Arc::new(Dice::seeded(1)),
            transport: Arc::new(MortalTransport {
                inner: SlowTransport {
                    inner: ServiceTransport::<_, axum::body::Body>::new(
                        ground.sandbox.service(),
                        Arc::<FastClock>::clone(ground.clock),
                    ),
                    slow: ground.slow.clone(),
                },
                life: Arc::clone(&life),
            }),
            credentials: Arc::new(Credentials(Arc::<FaultyStore>::clone(&store), workspace())),
            vault: Arc::clone(ground.vault),
            calls: Arc::new(NoCallLog),
        };
        let connections = Connections::open(parts, connectors(), ground.configs.clone(), |_| {
            Restart::default()
        })
        .await
        .map_err(|errors| anyhow!("the connections do not open: {errors:?}"))?;
        Ok(Self {
            life,
            store,
            connections: Arc::new(connections),
            clock,
        })
    }

    fn start(
        self,
        syncs: BTreeMap<SyncName, mapping::SyncRules>,
        options: sync::Options,
        virtual_time: bool,
    ) -> Result<Running> {
        let engine = Engine::new(EngineParts {
            store: self.store,
            connections: self.connections,
            clock: self.clock,
            workspace: workspace(),
            syncs,
            options,
        });
        if virtual_time {
            Ok(Running::start_here(engine, self.life))
        } else {
            Running::start(engine, self.life)
        }
    }
}

fn configs(access: &Json, webhooks: bool, limits: bool) -> Result<Configs> {
    let location = access["mainLocationId"].as_str().context("a location")?;
    let highlevel: ConnectionConfig = serde_json::from_value(json!({
        "system": "highlevel",
        "base_url": "http://sandbox.invalid/highlevel",
        "auth": {"scheme": if webhooks { "oauth" } else { "private_token" }},
        "limits": {"documented": limits, "concurrency": 16},
        "settings": {
            "country": "DE",
            "location_id": location,
            "authorize_url": "http://sandbox.invalid/highlevel/oauth/chooselocation",
            "task_due_days": 7,
        },
        "webhook_keys": {"ed25519": access["webhookPublicKey"]},
        "allow_private_addresses": true,
    }))?;
    let onoffice: ConnectionConfig = serde_json::from_value(json!({
        "system": "onoffice",
        "base_url": "http://sandbox.invalid/onoffice",
        "auth": {"scheme": "api_user"},
        "settings": {"country": "DE", "task_type": 153, "task_priority": 2, "note_kind": "Notiz"},
        "allow_private_addresses": true,
    }))?;
    Ok(Configs::from([
        (ConnectionName::from("highlevel"), highlevel),
        (ConnectionName::from("onoffice"), onoffice),
    ]))
}

fn officernd() -> ConnectionName {
    ConnectionName::from("officernd")
}

/// An option of tickets: a type, a severity or a priority.
fn ticket_option(state: &Json, category: &str) -> Result<String> {
    let options = state["things"].as_array().context("things")?;
    let option = options
        .iter()
        .find(|thing| thing["kind"] == "ticket_option" && thing["fields"]["category"] == category);
    let id = option.and_then(|option| option["id"].as_str());
    Ok(id.context("an option of tickets")?.to_owned())
}

fn officernd_config(access: &Json, state: &Json, limits: bool) -> Result<ConnectionConfig> {
    Ok(serde_json::from_value(json!({
        "system": "officernd",
        "base_url": "http://sandbox.invalid/officernd",
        "auth": {"scheme": "client_credentials"},
        "limits": {"documented": limits, "concurrency": 16},
        "settings": {
            "country": "DE",
            "token_url": "http://sandbox.invalid/officernd/oauth/token",
            "location": access["locations"][0]["_id"],
            "start_date": "today",
            "ticket_type": ticket_option(state, "type")?,
            "ticket_severity": ticket_option(state, "severity")?,
            "ticket_priority": ticket_option(state, "priority")?,
            "notes_property": "crm_id",
        },
        "allow_private_addresses": true,
    }))?)
}

/// What an account is connected for: everything that the rules are about.
fn purpose<'a>(rules: impl IntoIterator<Item = &'a mapping::SyncRules>) -> Purpose {
    let entities: BTreeSet<Entity> = rules
        .into_iter()
        .flat_map(|rules| rules.entities.keys().copied())
        .chain([Entity::Contact])
        .collect();
    Purpose {
        entities: entities.into_iter().collect(),
        write: true,
        rights: Vec::new(),
    }
}

fn secret(json: &Json, key: &str) -> Result<SecretText> {
    Ok(SecretText::new(
        json[key].as_str().with_context(|| format!("no {key}"))?,
    ))
}

async fn connect_onoffice(
    connections: &Connections,
    office: &Json,
    purpose: &Purpose,
) -> Result<()> {
    let given = BTreeMap::from([
        ("token".to_owned(), secret(office, "token")?),
        ("secret".to_owned(), secret(office, "secret")?),
    ]);
    connections
        .connect(&ConnectionName::from("onoffice"), given, purpose)
        .await?;
    Ok(())
}

async fn connect_officernd(
    connections: &Connections,
    access: &Json,
    purpose: &Purpose,
) -> Result<()> {
    let given = BTreeMap::from([
        ("client_id".to_owned(), secret(access, "clientId")?),
        ("client_secret".to_owned(), secret(access, "clientSecret")?),
        ("organization".to_owned(), secret(access, "slug")?),
    ]);
    connections.connect(&officernd(), given, purpose).await?;
    Ok(())
}

async fn sign_in(
    sandbox: &Sandbox,
    connections: &Connections,
    access: &Json,
    purpose: &Purpose,
) -> Result<()> {
    let name = ConnectionName::from("highlevel");
    let given = BTreeMap::from([
        ("client_id".to_owned(), secret(access, "clientId")?),
        ("client_secret".to_owned(), secret(access, "clientSecret")?),
    ]);
    let redirect = connections.begin_sign_in(&name, purpose.clone(), REDIRECT, given)?;
    let location = access["mainLocationId"].as_str().context("a location")?;
    let approved = format!("{}&sandbox_approve={location}", redirect.url);
    let answer = sandbox
        .service()
        .oneshot(http::Request::get(approved).body(axum::body::Body::empty())?)
        .await?;
    let back = answer
        .headers()
        .get(http::header::LOCATION)
        .with_context(|| format!("no redirect but {}", answer.status()))?
        .to_str()?
        .to_owned();
    let back = url::Url::parse(&back)?;
    let of = |key: &str| {
        back.query_pairs()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.into_owned())
    };
    let code = SecretText::new(of("code").context("no code")?);
    connections
        .finish_sign_in(of("state").as_deref(), &code)
        .await?;
    Ok(())
}
