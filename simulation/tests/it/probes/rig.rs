//! One simulated system and one connection to it, without an engine.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use async_trait::async_trait;
use connections::{
    Clock, Configs, ConnectionConfig, Connections, CredentialStore, CredentialStoreError, Dice,
    Fact, IntakeSink, IntakeSinkError, NoCallLog, Parts, ProbePlan, ProbeReport, Purpose, Receipt,
    Restart, ServiceTransport, Session, Watcher,
};
use connector::{Delivery, Incoming, Probe, SecretText, catalog::trigger::Happened};
use record::{Entity, RecordId};
use sandbox::{Actor, Control, Edit, Operation, Sandbox, System};
use serde_json::{Value as Json, json};
use simulation::FastClock;
use store::{Accepted, ConnectionName, CredentialRow, Lane, Saved};
use tokio_util::sync::CancellationToken;

/// How many times as fast as real time everything runs.
const SPEED: u32 = 20;

/// The mark of the runs.
const MARKER: &str = "tandem-probe-test";

pub(crate) struct Rig {
    pub(crate) control: Control,
    system: System,
    sandbox: Sandbox,
    connections: Arc<Connections>,
    clock: Arc<FastClock>,
    stop: CancellationToken,
    runs: AtomicUsize,
    /// What webhooks told, in the order in which they came in.
    heard: Heard,
    /// What clients of the API had made before the first run.
    before: BTreeSet<String>,
}

/// What a webhook told, and whether it was for the connection.
type Heard = Arc<Mutex<Vec<(Happened, bool)>>>;

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn name() -> ConnectionName {
    ConnectionName::from("it")
}

impl Rig {
    /// A system with 25 people, signed in to with all scopes that there are.
    pub(crate) async fn new(system: System) -> Result<Self> {
        Self::signed_in(system, vec![Entity::Contact], true).await
    }

    /// The same with the scopes that syncs of these records need. `further`: and all that single operations need.
    pub(crate) async fn signed_in(
        system: System,
        entities: Vec<Entity>,
        further: bool,
    ) -> Result<Self> {
        let clock = Arc::new(FastClock::new(None, SPEED));
        let receiver: Arc<OnceLock<Arc<Connections>>> = Arc::default();
        let (source, sleeper) = (Arc::clone(&clock), Arc::clone(&clock));
        let heard = Heard::default();
        let sender: sandbox::Sender = {
            let (receiver, clock) = (Arc::clone(&receiver), Arc::clone(&clock));
            let heard = Arc::clone(&heard);
            Arc::new(move |outgoing| {
                let (receiver, clock) = (Arc::clone(&receiver), Arc::clone(&clock));
                let heard = Arc::clone(&heard);
                Box::pin(async move { receive(&receiver, &clock, system, &outgoing, &heard).await })
            })
        };
        let sandbox = Sandbox::new(sandbox::Options {
            sender: Some(sender),
            clock: sandbox::Clock::from_source(Arc::new(move || source.now().as_millisecond())),
            sleep: Some(Arc::new(move |pause| {
                Box::pin(tokio::time::sleep(sleeper.real(pause)))
            })),
            ..sandbox::Options::default()
        })?;
        let control = sandbox.control();
        let people: Vec<Json> = (0..25).map(|number| person(system, number)).collect();
        control.seed(system, &people)?;
        let (mut config, given) = config(&control, system)?;
        if !further {
            config.settings.remove("further_scopes");
        }
        let parts = Parts {
            workspace: "default".to_owned(),
            clock: Arc::<FastClock>::clone(&clock),
            dice: Arc::new(Dice::seeded(1)),
            transport: Arc::new(ServiceTransport::<_, axum::body::Body>::new(
                sandbox.service(),
                Arc::<FastClock>::clone(&clock),
            )),
            credentials: Arc::new(Credentials::default()),
            vault: Arc::new(vault::KeyRing::new(vault::Key::generate()?)),
            calls: Arc::new(NoCallLog),
        };
        let connections = Connections::open(
            parts,
            vec![
                Arc::new(highlevel::HighLevel::new()),
                Arc::new(onoffice::OnOffice::new()),
                Arc::new(officernd::OfficeRnD::new()),
            ],
            Configs::from([(name(), config)]),
            |_| Restart::default(),
        )
        .await
        .map_err(|errors| anyhow!("the connection does not open: {errors:?}"))?;
        let connections = Arc::new(connections);
        drop(receiver.set(Arc::clone(&connections)));
        let purpose = Purpose {
            entities,
            write: true,
            rights: Vec::new(),
        };
        connections.connect(&name(), given, &purpose).await?;
        if system == System::OfficeRnd {
            connections
                .subscribe(&name(), "https://it.example/hooks", &purpose.entities, &[])
                .await?;
        }
        let stop = CancellationToken::new();
        tokio::spawn(deliver(sandbox.clone(), stop.clone()));
        let mut before = control.core().edits.since(0);
        before.retain(|edit| edit.actor == Actor::Api);
        Ok(Self {
            before: before.iter().map(|edit| edit.id.to_string()).collect(),
            control,
            system,
            sandbox,
            connections,
            clock,
            stop,
            runs: AtomicUsize::new(0),
            heard,
        })
    }

    /// Lets time pass.
    pub(crate) async fn wait(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }

    /// How many tokens were asked for, and how many calls were refused for their token.
    pub(crate) fn tokens(&self) -> (u64, u64) {
        let counts = self.control.core().counts.all();
        let routes = counts
            .get(&self.system)
            .map(|counts| counts.routes.as_slice());
        let sum = |is_it: &dyn Fn(&sandbox::RouteCount) -> bool| {
            let of_them = routes.unwrap_or_default().iter().filter(|one| is_it(one));
            of_them.map(|one| one.count).sum()
        };
        (
            sum(&|one| one.route == "/oauth/token"),
            sum(&|one| one.status == 401),
        )
    }

    /// Calls on the connection.
    pub(crate) fn session(&self) -> Result<Session> {
        Ok(self.connections.session(&name(), Lane::Live, "test")?)
    }

    /// Puts back what a reset of all switches took away.
    pub(crate) fn common(&self) -> Result<()> {
        let switches = &self.control.core().switches;
        switches.set("highlevel.burst_limit", &json!(30))?;
        Ok(())
    }

    /// Asks these probes, all if none is named, with every write allowed.
    pub(crate) async fn ask(&self, only: &[&str]) -> Result<ProbeReport> {
        self.run(only, Watch::allowing(usize::MAX), CancellationToken::new())
            .await
    }

    pub(crate) async fn run(
        &self,
        only: &[&str],
        watch: Watch,
        stop: CancellationToken,
    ) -> Result<ProbeReport> {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        let plan = ProbePlan {
            only: only.iter().map(|name| (*name).to_owned()).collect(),
            costly: false,
            listening: true,
            marker: format!("{MARKER}{number}"),
        };
        Ok(self
            .connections
            .probe(&name(), plan, Arc::new(watch), stop)
            .await?)
    }

    /// Has webhooks of these events sent.
    pub(crate) async fn listens_to(&self, events: &[String]) -> Result<()> {
        match self.system {
            System::HighLevel => {
                let switched = json!({"events": events});
                self.control.act(self.system, "configure_app", &switched)?;
            }
            System::OfficeRnd => {
                self.connections
                    .subscribe(
                        &name(),
                        "https://it.example/hooks",
                        &[Entity::Contact],
                        events,
                    )
                    .await?;
            }
            System::OnOffice => {}
        }
        Ok(())
    }

    /// What webhooks told since this was asked last, once all that are on their way have come in.
    pub(crate) async fn heard(&self) -> Vec<(Happened, bool)> {
        while !self.control.core().deliveries.are_done() {
            self.sandbox.deliver_due().await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A person changes somebody in the vendor's own pages, and the webhook of it comes in.
    pub(crate) async fn somebody_edits(&self) -> Result<()> {
        let (act, who) = match self.system {
            System::OfficeRnd => ("create_member", json!({"name": "Anna Blum"})),
            _ => (
                "create_contact",
                json!({"firstName": "Anna", "lastName": "Blum"}),
            ),
        };
        self.control.act(self.system, act, &who)?;
        while !self.control.core().deliveries.are_done() {
            self.sandbox.deliver_due().await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// What clients of the API did.
    fn edits(&self) -> Vec<Edit> {
        let mut edits = self.control.core().edits.since(0);
        edits.retain(|edit| edit.actor == Actor::Api);
        edits
    }

    /// How many writes of probes reached the system.
    pub(crate) fn writes(&self) -> usize {
        self.edits().len()
    }

    /// How many records probes made.
    pub(crate) fn made(&self) -> usize {
        let made =
            |edit: &&Edit| edit.operation == Operation::Create && !self.before.contains(&*edit.id);
        self.edits().iter().filter(made).count()
    }

    /// What probes made, and neither deleted nor archived.
    pub(crate) fn remain(&self) -> Vec<RecordId> {
        let edits = self.edits();
        let is_removal = |edit: &Edit| {
            let archived = edit.fields.iter().any(|field| &**field == "Status2Adr");
            edit.operation == Operation::Delete || archived
        };
        let removed = |id: &str| edits.iter().any(|edit| *edit.id == *id && is_removal(edit));
        edits
            .iter()
            .filter(|edit| edit.operation == Operation::Create && !removed(&edit.id))
            // that which the connection itself subscribed
            .filter(|edit| !self.before.contains(&*edit.id))
            .map(|made| RecordId::from(&*made.id))
            .collect()
    }
}

/// Allows so many writes, and may stop the run after one.
pub(crate) struct Watch {
    allowed: usize,
    asked: AtomicUsize,
    stop: Option<CancellationToken>,
}

impl Watch {
    pub(crate) fn allowing(allowed: usize) -> Self {
        Self {
            allowed,
            asked: AtomicUsize::new(0),
            stop: None,
        }
    }

    pub(crate) fn stopping_after(writes: usize, stop: CancellationToken) -> Self {
        Self {
            stop: Some(stop),
            ..Self::allowing(writes)
        }
    }
}

#[async_trait]
impl Watcher for Watch {
    async fn begins(&self, _probe: &Probe) {}

    async fn allows(&self, _probe: &Probe, _what: &str) -> bool {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(stop) = self.stop.as_ref().filter(|_| asked >= self.allowed) {
            // as if Ctrl-C came while the write is on its way
            stop.cancel();
        }
        asked <= self.allowed
    }

    async fn found(&self, _fact: &Fact) {}
}

fn person(system: System, number: usize) -> Json {
    let last = format!("Blum{:02}", 99 - number);
    let email = format!("anna{number}@blum.example");
    match system {
        System::HighLevel => json!({"firstName": "Anna", "lastName": last, "email": email}),
        System::OnOffice => json!({"Vorname": "Anna", "Name": last, "email": email}),
        System::OfficeRnd => json!({"name": format!("Anna {last}"), "email": email}),
    }
}

type Given = BTreeMap<String, SecretText>;

fn config(control: &Control, system: System) -> Result<(ConnectionConfig, Given)> {
    let act = |act: &str, input: Json| control.act(system, act, &input);
    let text = |json: &Json, key: &str| -> Result<SecretText> {
        let text = json[key].as_str().with_context(|| format!("no {key}"))?;
        Ok(SecretText::new(text))
    };
    let (config, given) = match system {
        System::HighLevel => {
            act(
                "configure_app",
                json!({"webhookUrl": "https://tandem.example/hooks/highlevel"}),
            )?;
            for name in ["First", "Second"] {
                act("add_field", json!({"name": name, "dataType": "TEXT"}))?;
            }
            let access = act("access", json!({}))?;
            act("install", json!({"locationId": access["mainLocationId"]}))?;
            let config = json!({
                "system": "highlevel",
                "base_url": "http://sandbox.invalid/highlevel",
                "auth": {"scheme": "private_token"},
                "settings": {"location_id": access["mainLocationId"], "company_id": access["companyId"]},
                "webhook_keys": {"ed25519": access["webhookPublicKey"]},
            });
            let given = BTreeMap::from([("token".to_owned(), text(&access, "privateToken")?)]);
            (config, given)
        }
        System::OnOffice => {
            let access = act("show_access", json!({}))?;
            let make = |resource: &str, data: Json| {
                let parameters = json!({"data": data});
                let deed =
                    json!({"action": "create", "resource": resource, "parameters": parameters});
                act("perform", deed)
            };
            make("task", json!({"Art": 153, "Status": 2, "Betreff": "Call"}))?;
            for price in [1_000, 2_000] {
                make("estate", json!({"kaufpreis": price}))?;
            }
            let config = json!({
                "system": "onoffice",
                "base_url": "http://sandbox.invalid/onoffice",
                "auth": {"scheme": "api_user"},
            });
            let given = BTreeMap::from([
                ("token".to_owned(), text(&access, "token")?),
                ("secret".to_owned(), text(&access, "secret")?),
            ]);
            (config, given)
        }
        System::OfficeRnd => {
            for key in ["first text", "second text"] {
                act(
                    "add_property",
                    json!({"key": key, "type": "Text", "targets": ["member"]}),
                )?;
            }
            let access = act("access", json!({}))?;
            let company = act("create_company", json!({"name": "Client"}))?;
            act(
                "create_membership",
                json!({"name": "Desk", "company": company["_id"], "startDate": "2026-01-01",
                    "plan": access["plans"][0]["_id"], "location": access["locations"][0]["_id"]}),
            )?;
            let config = json!({
                "system": "officernd",
                "base_url": "http://sandbox.invalid/officernd",
                "auth": {"scheme": "client_credentials"},
                "settings": {"token_url": "http://sandbox.invalid/officernd/oauth/token", "further_scopes": "catalog", "notes_ticket": "Notes"},
            });
            let given = BTreeMap::from([
                ("client_id".to_owned(), text(&access, "clientId")?),
                ("client_secret".to_owned(), text(&access, "clientSecret")?),
                ("organization".to_owned(), text(&access, "slug")?),
            ]);
            (config, given)
        }
    };
    let mut config = config;
    config["allow_private_addresses"] = json!(true);
    config["limits"] = json!({"documented": false, "concurrency": 32});
    Ok((serde_json::from_value(config)?, given))
}

async fn deliver(sandbox: Sandbox, stop: CancellationToken) {
    while !stop.is_cancelled() {
        sandbox.deliver_due().await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn receive(
    to: &OnceLock<Arc<Connections>>,
    clock: &FastClock,
    system: System,
    outgoing: &sandbox::Outgoing,
    heard: &Mutex<Vec<(Happened, bool)>>,
) -> Result<u16, String> {
    let connections = to.get().ok_or("nobody listens")?;
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
        received: clock.now(),
    };
    let word = match system {
        System::HighLevel => "highlevel",
        System::OnOffice => "onoffice",
        System::OfficeRnd => "officernd",
    };
    let sink = Keeper(Mutex::default());
    let receipt = connections.receive(word, &incoming, &sink).await;
    let told = sink.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    heard.extend(told.into_iter().map(|happened| (happened, true)));
    match receipt {
        // what is about another account than the connection's is verified all the same
        Ok(Receipt::NoConnection { happened, .. }) => {
            heard.extend(happened.into_iter().map(|happened| (happened, false)));
            Ok(200)
        }
        Ok(_) => Ok(200),
        Err(error) => Err(error.to_string()),
    }
}

/// Takes webhooks and keeps what they tell.
struct Keeper(Mutex<Vec<Happened>>);

#[async_trait]
impl IntakeSink for Keeper {
    async fn accept(
        &self,
        _connection: &ConnectionName,
        delivery: &Delivery,
    ) -> Result<Accepted, IntakeSinkError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(delivery.happened.iter().cloned());
        Ok(Accepted::New)
    }
}

#[derive(Default)]
struct Credentials(Mutex<HashMap<ConnectionName, CredentialRow>>);

#[async_trait]
impl CredentialStore for Credentials {
    async fn load(
        &self,
        connection: &ConnectionName,
    ) -> Result<Option<CredentialRow>, CredentialStoreError> {
        let rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(rows.get(connection).map(|row| CredentialRow {
            sealed: row.sealed.clone(),
            version: row.version,
        }))
    }

    async fn save_if_version(
        &self,
        connection: &ConnectionName,
        sealed: &[u8],
        expected: u64,
    ) -> Result<Saved, CredentialStoreError> {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.get(connection).map_or(0, |row| row.version) != expected {
            return Ok(Saved::Conflict);
        }
        let version = expected + 1;
        let sealed = sealed.to_vec();
        rows.insert(connection.clone(), CredentialRow { sealed, version });
        Ok(Saved::Version(version))
    }

    async fn still_ours(&self) -> Result<(), CredentialStoreError> {
        Ok(())
    }
}
