//! Two simulated vendors, the engine between them, and a judge.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use async_trait::async_trait;
use connections::{
    Clock, Configs, ConnectionConfig, Connections, CredentialStore, CredentialStoreError, Dice,
    IntakeSink, IntakeSinkError, NoCallLog, Parts, Purpose, Receipt, Restart, ServiceTransport,
    SystemClock,
};
use connector::{Delivery, Incoming, SecretText};
use record::Entity;
use sandbox::{
    Control, Sandbox, System,
    judge::{Judgement, Pair, Rules, Truth},
    people::{Plan, Population},
};
use serde_json::{Value as Json, json};
use store::{
    Accepted, ConnectionName, CredentialRow, Saved, SqliteStore, Store, SyncName, Workspace,
};
use sync::{Engine, EngineParts, Handle, Progress, RunReport};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// Where HighLevel sends people back to.
const REDIRECT: &str = "https://tandem.example/oauth/callback";

/// How a world is made.
pub struct Options {
    /// Who is in it.
    pub people: Plan,
    /// Switches of the sandbox that differ from their defaults.
    pub switches: Vec<(String, Json)>,
    /// The rules of the sync; the shipped ones unless changed.
    pub rules: String,
    /// HighLevel is connected as an app with webhooks; else by a private token, without.
    pub webhooks: bool,
    /// How the engine paces itself.
    pub pace: sync::Options,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            people: Plan::shipped(),
            switches: Vec::new(),
            rules: include_str!("rules.yaml").to_owned(),
            webhooks: true,
            pace: sync::Options {
                poll_with_webhooks: Duration::from_secs(3600),
                poll_without_webhooks: Duration::from_secs(3600),
                sweep: Duration::from_secs(3600),
                retry: Duration::from_millis(200),
                ..sync::Options::default()
            },
        }
    }
}

/// A running world. Dropping it stops the engine.
pub struct World {
    /// What people and faults do to the vendors.
    pub control: Control,
    /// The engine.
    pub engine: Handle,
    /// The connected accounts.
    pub connections: Arc<Connections>,
    /// What the engine keeps.
    pub store: Arc<dyn Store>,
    /// Who is who.
    pub truth: Truth,
    sandbox: Sandbox,
    stop: CancellationToken,
}

/// The name of the one sync.
pub fn people() -> SyncName {
    SyncName::from("people")
}

struct Credentials(Arc<dyn Store>, Workspace);

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

/// Where webhooks go once there is somebody to take them.
type Receiver = Arc<OnceLock<(Arc<Connections>, Handle)>>;

async fn receive(receiver: Receiver, outgoing: sandbox::Outgoing) -> Result<u16, String> {
    let Some((connections, engine)) = receiver.get() else {
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
        received: SystemClock::new().now(),
    };
    match connections
        .receive("highlevel", &incoming, &Sink(engine.clone()))
        .await
    {
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
        let receiver: Receiver = Arc::default();
        let sender: sandbox::Sender = {
            let receiver = Arc::clone(&receiver);
            Arc::new(move |outgoing| Box::pin(receive(Arc::clone(&receiver), outgoing)))
        };
        let sandbox = Sandbox::new(sandbox::Options {
            switches: options.switches,
            sender: Some(sender),
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
        let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory()?);
        let workspace = Workspace::from("default");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let parts = Parts {
            workspace: workspace.as_str().to_owned(),
            clock: Arc::clone(&clock),
            dice: Arc::new(Dice::seeded(1)),
            transport: Arc::new(ServiceTransport::<_, axum::body::Body>::new(
                sandbox.service(),
                Arc::clone(&clock),
            )),
            credentials: Arc::new(Credentials(Arc::clone(&store), workspace.clone())),
            vault: Arc::new(vault::KeyRing::new(vault::Key::generate()?)),
            calls: Arc::new(NoCallLog),
        };
        let connections = Connections::open(
            parts,
            vec![
                Arc::new(highlevel::HighLevel::new()),
                Arc::new(onoffice::OnOffice::new()),
            ],
            configs(&access, options.webhooks)?,
            |_| Restart::default(),
        )
        .await
        .map_err(|errors| anyhow!("the connections do not open: {errors:?}"))?;
        let connections = Arc::new(connections);
        connect(&sandbox, &connections, &access, &office, options.webhooks).await?;
        let rules: mapping::SyncRules = serde_yaml_ng::from_str(&options.rules)?;
        let engine = Engine::new(EngineParts {
            store: Arc::clone(&store),
            connections: Arc::clone(&connections),
            clock,
            workspace,
            syncs: BTreeMap::from([(people(), rules)]),
            options: options.pace,
        });
        let handle = engine.handle();
        drop(receiver.set((Arc::clone(&connections), handle.clone())));
        let stop = CancellationToken::new();
        tokio::spawn(engine.run(stop.clone()));
        tokio::spawn(deliver(sandbox.clone(), stop.clone()));
        Ok(Self {
            control,
            engine: handle,
            connections,
            store,
            truth,
            sandbox,
            stop,
        })
    }

    /// The first run, or another full one.
    ///
    /// # Errors
    /// When a side cannot be listed.
    pub async fn sync(&self) -> Result<RunReport> {
        let (progress, _) = watch::channel(Progress::default());
        Ok(self.engine.sync_now(&people(), &progress).await?)
    }

    /// Waits until all webhooks are delivered and nothing is left to work off.
    ///
    /// # Errors
    /// When that takes too long.
    pub async fn settle(&self) -> Result<()> {
        for _ in 0..600 {
            let delivered = self
                .sandbox
                .control()
                .core()
                .deliveries
                .next_due_ms()
                .is_none();
            if self.engine.quiet(Duration::from_secs(60)).await? && delivered {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("it does not get quiet")
    }

    /// The linked pairs.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pairs(&self) -> Result<Vec<Pair>> {
        Ok(self
            .engine
            .links(&people(), None, 0)
            .await?
            .into_iter()
            .map(|link| Pair {
                highlevel: link.left.to_string(),
                onoffice: link.right.to_string(),
            })
            .collect())
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

fn configs(access: &Json, webhooks: bool) -> Result<Configs> {
    let location = access["mainLocationId"].as_str().context("a location")?;
    let highlevel: ConnectionConfig = serde_json::from_value(json!({
        "system": "highlevel",
        "base_url": "http://sandbox.invalid/highlevel",
        "auth": {"scheme": if webhooks { "oauth" } else { "private_token" }},
        "limits": {"documented": false, "concurrency": 16},
        "settings": {
            "country": "DE",
            "location_id": location,
            "authorize_url": "http://sandbox.invalid/highlevel/oauth/chooselocation",
        },
        "webhook_keys": {"ed25519": access["webhookPublicKey"]},
        "allow_private_addresses": true,
    }))?;
    let onoffice: ConnectionConfig = serde_json::from_value(json!({
        "system": "onoffice",
        "base_url": "http://sandbox.invalid/onoffice",
        "auth": {"scheme": "api_user"},
        "settings": {"country": "DE"},
        "allow_private_addresses": true,
    }))?;
    Ok(Configs::from([
        (ConnectionName::from("highlevel"), highlevel),
        (ConnectionName::from("onoffice"), onoffice),
    ]))
}

async fn connect(
    sandbox: &Sandbox,
    connections: &Connections,
    access: &Json,
    office: &Json,
    webhooks: bool,
) -> Result<()> {
    let purpose = Purpose {
        entities: vec![Entity::Contact],
        write: true,
    };
    let secret = |json: &Json, key: &str| -> Result<SecretText> {
        Ok(SecretText::new(
            json[key].as_str().with_context(|| format!("no {key}"))?,
        ))
    };
    let name = ConnectionName::from("highlevel");
    if webhooks {
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
    } else {
        let given = BTreeMap::from([("token".to_owned(), secret(access, "privateToken")?)]);
        connections.connect(&name, given, &purpose).await?;
    }
    let given = BTreeMap::from([
        ("token".to_owned(), secret(office, "token")?),
        ("secret".to_owned(), secret(office, "secret")?),
    ]);
    connections
        .connect(&ConnectionName::from("onoffice"), given, &purpose)
        .await?;
    Ok(())
}
