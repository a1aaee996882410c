//! A whole server in memory, connected to the three simulated systems, with no socket and in virtual time.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use axum::body::Body;
use connections::{Answer, Clock, Outgoing, Purpose, ServiceTransport, Transport, TransportError};
use connector::SecretText;
use http::{HeaderValue, Request, Response, StatusCode};
use record::Entity;
use sandbox::{Control, Sandbox, SandboxService, System};
use serde_json::{Value as Json, json};
use server::{Browsers, Handle, Options, Service};
use simulation::FastClock;
use store::{SqlStore, Store, Workspace};
use tower::ServiceExt as _;

use crate::{bend, dice::Dice};

/// When every case begins.
const BEGIN: &str = "2026-03-02T08:00:00Z";

/// Longer than anything here takes by the virtual clock, waits for a vendor's limit included.
const ENDLESS: Duration = Duration::from_secs(48 * 3600);

/// The connections of the demo, by their systems.
pub(crate) const CONNECTIONS: [(&str, System); 3] = [
    ("marketing", System::HighLevel),
    ("office", System::OnOffice),
    ("coworking", System::OfficeRnd),
];

/// The config of the demo with private tokens.
static CONFIG: LazyLock<Json> = LazyLock::new(|| {
    let mut config: Json =
        serde_yaml_ng::from_str(include_str!("../../examples/demo.yaml")).expect("the demo's");
    config["connections"]["marketing"]["auth"] = json!({"scheme": "private_token"});
    config
});

/// Runs to its end in virtual time.
///
/// # Errors
/// When the work fails, or does not end.
pub(crate) fn run<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    let outcome = runtime.block_on(async { tokio::time::timeout(ENDLESS, work).await });
    runtime.shutdown_background();
    outcome.context("it does not end")?
}

/// The way to the simulated systems, which bends what they answer.
pub(crate) struct Bent {
    inner: ServiceTransport<SandboxService, Body>,
    dice: Mutex<Dice>,
    /// So many answers of a hundred are bent.
    percent: AtomicUsize,
}

impl Bent {
    pub(crate) fn percent(&self, percent: usize) {
        self.percent.store(percent, Ordering::SeqCst);
    }
}

#[async_trait]
impl Transport for Bent {
    async fn send(&self, request: Outgoing) -> Result<Answer, TransportError> {
        let answer = self.inner.send(request).await;
        let percent = self.percent.load(Ordering::SeqCst);
        let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Ok(answer) if dice.chance(percent) => bent(&mut dice, answer),
            other => other,
        }
    }
}

const STATUSES: [u16; 16] = [
    200, 201, 202, 204, 207, 301, 400, 401, 403, 404, 409, 422, 429, 500, 503, 599,
];

const HEADERS: [&str; 9] = [
    "retry-after",
    "x-ratelimit-remaining",
    "x-ratelimit-interval-milliseconds",
    "x-ratelimit-max",
    "x-ratelimit-limit-daily",
    "x-ratelimit-daily-remaining",
    "x-ratelimit-daily-reset",
    "date",
    "content-type",
];

fn bent(dice: &mut Dice, mut answer: Answer) -> Result<Answer, TransportError> {
    match dice.below(20) {
        0 => return Err(TransportError::Cut("bent".to_owned())),
        1 => return Err(TransportError::MaybeSent("bent".to_owned())),
        2 | 3 => {
            answer.status = StatusCode::from_u16(*dice.of(&STATUSES)).unwrap_or(StatusCode::OK);
        }
        4 => {
            let name = *dice.of(&HEADERS);
            if let Ok(value) = HeaderValue::from_str(&bend::text(dice)) {
                answer.headers.insert(name, value);
            }
        }
        5 | 6 => {
            let mut bytes = answer.body.to_vec();
            bend::bytes(dice, &mut bytes);
            answer.body = bytes.into();
        }
        _ => {
            if let Ok(mut body) = serde_json::from_slice::<Json>(&answer.body) {
                let words = keys(&body);
                for _ in 0..1 + dice.below(4) {
                    bend::json(dice, &mut body, &words);
                }
                answer.body = body.to_string().into();
            }
        }
    }
    Ok(answer)
}

/// The keys of an answer: in another place they mean something, too.
fn keys(body: &Json) -> Vec<String> {
    let mut keys = Vec::new();
    let mut open = vec![body];
    while let Some(json) = open.pop() {
        match json {
            Json::Array(items) => open.extend(items.iter().take(3)),
            Json::Object(fields) => {
                keys.extend(fields.keys().cloned());
                open.extend(fields.values());
            }
            _ => {}
        }
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// A server and what it is connected to.
pub(crate) struct Rig {
    pub(crate) control: Control,
    pub(crate) handle: Handle,
    pub(crate) transport: Arc<Bent>,
    service: Service,
}

impl Rig {
    /// A server with the config of the demo in force, and these systems signed in to.
    pub(crate) async fn new(dice: &mut Dice, systems: &[System]) -> Result<Self> {
        let clock = Arc::new(FastClock::new(Some(BEGIN.parse()?), 1));
        let source = Arc::clone(&clock);
        let sandbox = Sandbox::new(sandbox::Options {
            seed: dice.next(),
            clock: sandbox::Clock::from_source(Arc::new(move || source.now().as_millisecond())),
            sleep: Some(Arc::new(|pause| Box::pin(tokio::time::sleep(pause)))),
            ..sandbox::Options::default()
        })?;
        let control = sandbox.control();
        let clock: Arc<dyn Clock> = clock;
        let transport = Arc::new(Bent {
            inner: ServiceTransport::new(sandbox.service(), Arc::clone(&clock)),
            dice: Mutex::new(dice.split()),
            percent: AtomicUsize::new(0),
        });
        let service = Service::open(Options {
            store: Arc::new(SqlStore::in_memory()?) as Arc<dyn Store>,
            workspace: Workspace::from("default"),
            database: None,
            clock,
            dice: Arc::new(connections::Dice::seeded(dice.next())),
            transport: Arc::clone(&transport) as Arc<dyn Transport>,
            patient_transport: Arc::clone(&transport) as Arc<dyn Transport>,
            connectors: vec![
                Arc::new(highlevel::HighLevel::new()),
                Arc::new(onoffice::OnOffice::new()),
                Arc::new(officernd::OfficeRnD::new()),
            ],
            further: None,
            vault: Arc::new(vault::KeyRing::new(vault::Key::generate()?)),
            engine: sync::Options::default(),
            browsers: Browsers::Password,
        })
        .await?;
        let rig = Self {
            control,
            handle: service.handle(),
            transport,
            service,
        };
        let mut config = CONFIG.clone();
        let access = rig.act(System::HighLevel, "access", &json!({}))?;
        config["connections"]["marketing"]["settings"]["location_id"] =
            access["mainLocationId"].clone();
        config["connections"]["marketing"]["settings"]["company_id"] = access["companyId"].clone();
        let access = rig.act(System::OfficeRnd, "access", &json!({}))?;
        config["connections"]["coworking"]["settings"]["location"] =
            access["locations"][0]["_id"].clone();
        let put = rig
            .ask("PUT", "/api/v1/config", "text/plain", config.to_string())
            .await?;
        ensure!(
            put.0.is_success(),
            "the config of the demo is refused: {}",
            put.1
        );
        for (name, system) in CONNECTIONS {
            if systems.contains(&system) {
                rig.connect(name, system)
                    .await
                    .with_context(|| format!("connecting {name}"))?;
            }
        }
        Ok(rig)
    }

    /// What a person or an operator does at a vendor.
    pub(crate) fn act(&self, system: System, act: &str, input: &Json) -> Result<Json> {
        Ok(self.control.act(system, act, input)?)
    }

    async fn connect(&self, name: &str, system: System) -> Result<()> {
        let (act, keys): (_, &[(&str, &str)]) = match system {
            System::HighLevel => ("access", &[("token", "privateToken")]),
            System::OnOffice => ("show_access", &[("token", "token"), ("secret", "secret")]),
            System::OfficeRnd => (
                "access",
                &[
                    ("client_id", "clientId"),
                    ("client_secret", "clientSecret"),
                    ("organization", "slug"),
                ],
            ),
        };
        let access = self.act(system, act, &json!({}))?;
        if system == System::HighLevel {
            let location = json!({"locationId": access["mainLocationId"]});
            self.act(system, "install", &location)?;
        }
        let given: BTreeMap<String, SecretText> = keys
            .iter()
            .map(|(ours, theirs)| {
                let text = access[*theirs].as_str().unwrap_or_default();
                ((*ours).to_owned(), SecretText::new(text))
            })
            .collect();
        let purpose = Purpose {
            entities: vec![Entity::Contact, Entity::Company],
            write: true,
            rights: Vec::new(),
        };
        self.handle
            .connections()
            .connect(&name.into(), given, &purpose)
            .await?;
        Ok(())
    }

    /// Sends a request as whoever may do everything; status and body.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: impl Into<Body>,
    ) -> Result<(StatusCode, String)> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "127.0.0.1:8484")
            .header("content-type", kind)
            .header(
                "authorization",
                format!("Bearer {}", self.handle.token().expose()),
            )
            .body(body.into())?;
        let answer = self.handle.router().oneshot(request).await?;
        read(answer).await
    }

    pub(crate) async fn close(self) {
        self.service.close().await;
    }
}

async fn read(answer: Response<Body>) -> Result<(StatusCode, String)> {
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), 64 * 1024 * 1024).await?;
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

/// What the API refuses it refuses in one form, and nothing that comes from outside is a fault of ours.
pub(crate) fn is_told(status: StatusCode, body: &str) -> Result<()> {
    if status.is_success() || status.is_redirection() {
        return Ok(());
    }
    ensure!(
        status != StatusCode::INTERNAL_SERVER_ERROR,
        "a fault of ours: {body}"
    );
    let said: Json = serde_json::from_str(body)
        .with_context(|| format!("{status} is not in the form of our errors: {body}"))?;
    for key in ["code", "message"] {
        ensure!(
            said[key]
                .as_str()
                .is_some_and(|text| !text.trim().is_empty()),
            "{status} without `{key}`: {body}"
        );
    }
    Ok(())
}
