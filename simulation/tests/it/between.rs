//! Two systems in memory and the engine between them, which can be killed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use connections::{
    Clock, Configs, Connections, CredentialStore, CredentialStoreError, Dice, HttpOptions,
    HttpTransport, NoCallLog, Parts, Purpose, Restart, SystemClock,
};
use record::Entity;
use serde_json::{Value as Json, json};
use simulation::{FaultyStore, Life};
use store::{
    ConnectionName, CredentialRow, Review, ReviewFilter, ReviewState, Saved, SqliteStore,
    Store as _, SyncName, Workspace,
};
use sync::{Engine, EngineParts, Handle, MOST_CHANGED, Plan, PlanReport, Progress};
use tokio::{runtime::Runtime, sync::watch};
use tokio_util::sync::CancellationToken;

use crate::memory::{CompanyField, Memory};

/// How long the threads of a killed engine may take to notice.
const LONGEST_END: Duration = Duration::from_secs(5);

/// Credentials are of no use here and are kept nowhere else.
#[derive(Clone, Default)]
struct NoCredentials(Arc<Mutex<BTreeMap<ConnectionName, CredentialRow>>>);

#[async_trait]
impl CredentialStore for NoCredentials {
    async fn load(
        &self,
        connection: &ConnectionName,
    ) -> Result<Option<CredentialRow>, CredentialStoreError> {
        let rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(rows.get(connection).cloned())
    }

    async fn save_if_version(
        &self,
        connection: &ConnectionName,
        sealed: &[u8],
        expected: u64,
    ) -> Result<Saved, CredentialStoreError> {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let row = CredentialRow {
            sealed: sealed.to_vec(),
            version: expected + 1,
        };
        rows.insert(connection.clone(), row);
        Ok(Saved::Version(expected + 1))
    }

    async fn still_ours(&self) -> Result<(), CredentialStoreError> {
        Ok(())
    }
}

/// An engine at work.
struct Running {
    engine: Handle,
    life: Arc<Life>,
    stop: CancellationToken,
    runtime: Option<Runtime>,
}

impl Drop for Running {
    /// As if the process was killed.
    fn drop(&mut self) {
        self.life.end();
        self.stop.cancel();
        if let Some(runtime) = self.runtime.take() {
            // A runtime may not be waited for on another's thread.
            drop(std::thread::spawn(move || runtime.shutdown_timeout(LONGEST_END)).join());
        }
    }
}

/// Two systems and the engine between them.
pub(crate) struct Between {
    pub(crate) left: Memory,
    pub(crate) right: Memory,
    store: Arc<FaultyStore>,
    clock: Arc<dyn Clock>,
    credentials: NoCredentials,
    vault: Arc<vault::KeyRing>,
    rules: Json,
    running: Running,
}

/// The one sync.
pub(crate) fn sync_name() -> SyncName {
    SyncName::from("all")
}

fn workspace() -> Workspace {
    Workspace::from("default")
}

/// Companies and contacts, both ways.
pub(crate) fn rules() -> Json {
    let same = |name: &str| json!({"left": name, "right": name});
    json!({
        "left": "left",
        "right": "right",
        "entities": {
            "contact": {"fields": [same("firstName"), same("lastName"), same("email"), same("company")]},
            "company": {"fields": [same("name"), same("email")]},
        },
    })
}

/// What outlives a process.
struct Ground<'a> {
    systems: [&'a Memory; 2],
    store: &'a FaultyStore,
    clock: &'a Arc<dyn Clock>,
    credentials: &'a NoCredentials,
    vault: &'a Arc<vault::KeyRing>,
    rules: &'a Json,
}

impl Ground<'_> {
    async fn start(&self) -> Result<Running> {
        let life = Arc::new(Life::default());
        let store = Arc::new(self.store.of_process(&life));
        let parts = Parts {
            workspace: workspace().as_str().to_owned(),
            clock: Arc::clone(self.clock),
            dice: Arc::new(Dice::seeded(1)),
            transport: Arc::new(HttpTransport::new(&HttpOptions::default())?),
            credentials: Arc::new(self.credentials.clone()),
            vault: Arc::clone(self.vault),
            calls: Arc::new(NoCallLog),
        };
        let configs: Configs = ["left", "right"]
            .into_iter()
            .map(|side| {
                let config = json!({"system": side, "auth": {"scheme": "none"}, "settings": {"country": "DE"}});
                Ok((ConnectionName::from(side), serde_json::from_value(config)?))
            })
            .collect::<Result<_>>()?;
        let connectors = self
            .systems
            .map(|system| Arc::new(system.clone()) as _)
            .to_vec();
        let connections = Connections::open(parts, connectors, configs, |_| Restart::default())
            .await
            .ok()
            .context("the connections do not open")?;
        let purpose = Purpose {
            entities: vec![Entity::Company, Entity::Contact],
            write: true,
            rights: Vec::new(),
        };
        for side in ["left", "right"] {
            connections
                .connect(&ConnectionName::from(side), BTreeMap::new(), &purpose)
                .await?;
        }
        let engine = Engine::new(EngineParts {
            store,
            connections: Arc::new(connections),
            clock: Arc::clone(self.clock),
            workspace: workspace(),
            syncs: BTreeMap::from([(sync_name(), serde_json::from_value(self.rules.clone())?)]),
            options: sync::Options {
                poll_without_webhooks: Duration::from_secs(3600),
                sweep: Duration::from_secs(3600),
                retry: Duration::from_millis(200),
                retry_longest: Duration::from_millis(500),
                ..sync::Options::default()
            },
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let handle = engine.handle();
        let stop = CancellationToken::new();
        runtime.spawn(engine.run(stop.clone()));
        Ok(Running {
            engine: handle,
            life,
            stop,
            runtime: Some(runtime),
        })
    }
}

impl Between {
    /// Both connected, with these rules; nothing is synced yet.
    pub(crate) async fn new(rules: Json, company: [CompanyField; 2]) -> Result<Self> {
        crate::support::log();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let left = Memory::new("left", company[0], Arc::clone(&clock));
        let right = Memory::new("right", company[1], Arc::clone(&clock));
        let store = Arc::new(FaultyStore::new(Arc::new(SqliteStore::in_memory()?)));
        let credentials = NoCredentials::default();
        let vault = Arc::new(vault::KeyRing::new(vault::Key::generate()?));
        let ground = Ground {
            systems: [&left, &right],
            store: &store,
            clock: &clock,
            credentials: &credentials,
            vault: &vault,
            rules: &rules,
        };
        let running = ground.start().await?;
        Ok(Self {
            left,
            right,
            store,
            clock,
            credentials,
            vault,
            rules,
            running,
        })
    }

    /// The process that runs now.
    pub(crate) fn life(&self) -> Arc<Life> {
        Arc::clone(&self.running.life)
    }

    /// Ends the process where it stands, and starts another one.
    pub(crate) async fn kill_and_restart(&mut self) -> Result<()> {
        self.running.life.end();
        let ground = Ground {
            systems: [&self.left, &self.right],
            store: &self.store,
            clock: &self.clock,
            credentials: &self.credentials,
            vault: &self.vault,
            rules: &self.rules,
        };
        let running = ground.start().await?;
        self.running = running;
        Ok(())
    }

    /// A full run.
    pub(crate) async fn sync(&self) -> Result<()> {
        let (progress, _) = watch::channel(Progress::default());
        self.running
            .engine
            .sync_now(&sync_name(), &progress)
            .await?;
        self.settle().await
    }

    /// Makes a plan and carries it out.
    pub(crate) async fn plan_and_apply(&self) -> Result<(Plan, PlanReport)> {
        let (progress, _) = watch::channel(Progress::default());
        let engine = &self.running.engine;
        let plan = engine.plan(&sync_name(), &progress).await?;
        let report = engine
            .apply_plan(plan.id.parse()?, MOST_CHANGED, &progress)
            .await?;
        self.settle().await?;
        Ok((plan, report))
    }

    /// Reads what changed and works it off.
    pub(crate) async fn poll(&self) -> Result<()> {
        self.running.engine.poll_now().await?;
        self.settle().await
    }

    /// Lists everything and works off what is new or gone.
    pub(crate) async fn sweep(&self) -> Result<()> {
        self.running.engine.sweep_now().await?;
        self.settle().await
    }

    /// Works off what is to be done.
    pub(crate) async fn settle(&self) -> Result<()> {
        let quiet = self.running.engine.quiet(Duration::from_secs(60)).await?;
        ensure!(quiet, "{:#?}", self.running.engine.status().await?);
        Ok(())
    }

    /// Fields that are listed as blocked, with why.
    pub(crate) async fn blocked(&self) -> Result<Vec<String>> {
        let rows = self.store.blocked(&workspace(), &sync_name(), None).await?;
        Ok(rows.into_iter().map(|row| row.reason).collect())
    }

    /// How many links there are of this kind.
    pub(crate) async fn links(&self, entity: Entity) -> Result<usize> {
        let links = self.running.engine.links(&sync_name(), None, 0).await?;
        Ok(links.iter().filter(|link| link.entity == entity).count())
    }

    /// The open questions.
    pub(crate) async fn questions(&self) -> Result<Vec<Review>> {
        let open = ReviewFilter {
            state: Some(ReviewState::Open),
            ..ReviewFilter::default()
        };
        Ok(self.running.engine.reviews(&open).await?)
    }

    /// Answers a question and works off what follows.
    pub(crate) async fn answer(&self, question: &Review, choice: &str) -> Result<()> {
        self.running.engine.resolve(question.id, choice).await?;
        self.settle().await
    }
}
