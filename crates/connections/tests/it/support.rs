//! A made-up system: its connector, and the vendor behind it. Nothing in it resembles a real one.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use connections::{
    CallRecord, ChannelLog, Clock, ConnectionConfig, Connections, CredentialStore,
    CredentialStoreError, Dice, Lane, Parts, Purpose, Restart, ServiceTransport, Session,
    TransportError, VirtualClock,
};
use connector::{
    Account, AuthScheme, Body, Calls, Change, Connector, CreateOutcome, Credentials, Delivery,
    Description, Draft, Effect, Error, Fetched, Grant, IdentityKey, Incoming, Lifecycle, Limits,
    Page, PageRequest, Refusal, RemoveOutcome, Request, Response, SecretText, SignInField,
    Subscription, Tokens, UpdateOutcome, Verdict, WebhookError, WebhookKeys,
};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt, Full};
use jiff::{SignedDuration, Timestamp};
use record::{Entity, Read, RecordId, Schema};
use serde_json::{Value as Json, json};
use store::{ConnectionName, CredentialRow, Saved};
use tokio::sync::mpsc;
use vault::{Key, KeyRing};

/// Every secret of the made-up system contains this, so that tests can look for leaks.
pub(crate) const SECRET: &str = "hush";

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// The connector of the made-up system.
pub(crate) struct Example {
    description: Description,
}

impl Example {
    pub(crate) fn new(limits: Limits) -> Self {
        let field = |name, secret| SignInField {
            name,
            label: name,
            secret,
            help: "in the settings",
        };
        Self {
            description: Description {
                system: "example",
                title: "Example",
                base_url: "https://api.example.org",
                auth: vec![
                    AuthScheme::AuthorizationCode {
                        name: "oauth",
                        fields: vec![field("client_id", false), field("client_secret", true)],
                    },
                    AuthScheme::Pasted {
                        name: "key",
                        fields: vec![field("key", true)],
                    },
                    AuthScheme::ClientCredentials {
                        name: "app",
                        fields: vec![field("client_id", false), field("client_secret", true)],
                    },
                ],
                entities: Vec::new(),
                limits,
                webhooks: true,
            },
        }
    }

    async fn buy(&self, calls: &dyn Calls, form: &[(&str, &str)]) -> Result<Grant, Error> {
        // without a refresh token or code nothing is used up, and it may be asked again
        let effect = match form
            .iter()
            .any(|(name, _)| matches!(*name, "refresh" | "code"))
        {
            true => Effect::Write,
            false => Effect::SignIn,
        };
        let mut request = Request::new("token", effect, Method::POST, "/token");
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        request.body = Body::Form(form.iter().map(pair).collect());
        let response = calls.send(request).await?;
        let body: Json = response.json("token")?;
        if response.status != StatusCode::OK {
            return Err(Error::Refused {
                operation: "token",
                refusal: Refusal {
                    code: response.status.as_str().to_owned(),
                    message: body.to_string(),
                    fields: Vec::new(),
                },
            });
        }
        let life = SignedDuration::from_secs(body["expires_in"].as_i64().unwrap());
        Ok(Grant {
            tokens: Tokens {
                access: SecretText::new(body["access"].as_str().unwrap()),
                refresh: body["refresh"].as_str().map(SecretText::new),
                expires: Some(calls.now() + life),
                scopes: form
                    .iter()
                    .filter(|(name, scope)| *name == "scope" && !scope.is_empty())
                    .map(|(_, scope)| (*scope).to_owned())
                    .collect(),
                account: Json::Null,
                further: BTreeMap::new(),
            },
            settings: json!({"location": body["account"]}),
        })
    }
}

#[async_trait]
impl Connector for Example {
    fn describe(&self) -> &Description {
        &self.description
    }

    fn authorise(
        &self,
        request: &mut Request,
        credentials: &Credentials,
        _settings: &Json,
        now: Timestamp,
    ) -> Result<(), Error> {
        let token = match &credentials.tokens {
            Some(tokens) => tokens.access.expose(),
            None => credentials.given("key").unwrap(),
        };
        let header = format!("Bearer {token}").parse().unwrap();
        request.headers.insert("authorization", header);
        let header = now.to_string().parse().unwrap();
        request.headers.insert("dated", header);
        Ok(())
    }

    fn verdict(&self, _request: &Request, response: &Response) -> Verdict {
        let text = || String::from_utf8_lossy(&response.body).into_owned();
        match response.status.as_u16() {
            401 if text() == "expired" => Verdict::TokenRefused,
            401 => Verdict::CredentialsRefused { message: text() },
            408 => Verdict::ClockSkew {
                server: text().parse().unwrap(),
            },
            429 => Verdict::Throttled {
                wait: text().parse().ok().map(Duration::from_secs),
                daily: false,
            },
            500.. => Verdict::Unavailable { message: text() },
            _ => Verdict::Answered,
        }
    }

    fn scopes(&self, _entities: &[Entity], write: bool) -> Vec<String> {
        vec![if write { "all" } else { "read" }.to_owned()]
    }

    fn authorize_url(
        &self,
        base_url: &str,
        credentials: &Credentials,
        _settings: &Json,
        redirect_uri: &str,
        scopes: &[String],
        state: &str,
    ) -> Result<String, Error> {
        Ok(format!(
            "{base_url}/authorize?client_id={}&redirect_uri={redirect_uri}&scope={}&state={state}",
            credentials.given("client_id").unwrap(),
            scopes.join(" ")
        ))
    }

    async fn exchange_code(
        &self,
        calls: &dyn Calls,
        credentials: &Credentials,
        _redirect_uri: &str,
        code: &str,
    ) -> Result<Grant, Error> {
        let secret = credentials.given("client_secret").unwrap();
        self.buy(calls, &[("code", code), ("client_secret", secret)])
            .await
    }

    async fn refresh(
        &self,
        calls: &dyn Calls,
        credentials: &Credentials,
        scopes: &[String],
    ) -> Result<Grant, Error> {
        let secret = credentials.given("client_secret").unwrap();
        let refresh = credentials
            .tokens
            .as_ref()
            .and_then(|tokens| tokens.refresh.as_ref());
        let scopes = scopes.join(" ");
        let mut form = vec![("client_secret", secret), ("scope", scopes.as_str())];
        if let Some(refresh) = refresh {
            form.push(("refresh", refresh.expose()));
        }
        self.buy(calls, &form).await
    }

    async fn subscribe(
        &self,
        calls: &dyn Calls,
        address: &str,
        _entities: &[Entity],
        _events: &[String],
        before: Option<&Subscription>,
    ) -> Result<Option<Subscription>, Error> {
        if let Some(before) = before.filter(|before| before.address == address) {
            return Ok(Some(before.clone()));
        }
        calls.send(write("/subscribe")).await?;
        Ok(Some(Subscription {
            id: "s1".to_owned(),
            address: address.to_owned(),
            keys: BTreeMap::from([("shared".to_owned(), secret("signs"))]),
        }))
    }

    fn right_needed(&self, request: &Request) -> Option<String> {
        match request.path.as_str() {
            "/barred" => Some("all".to_owned()),
            "/ungranted" => Some("more".to_owned()),
            _ => None,
        }
    }

    async fn check(
        &self,
        calls: &dyn Calls,
        _credentials: &Credentials,
        _entities: &[Entity],
        write: bool,
    ) -> Result<Account, Error> {
        let request = Request::new("me", Effect::Read, Method::GET, "/me");
        let me: Json = calls.send(request).await?.json("me")?;
        Ok(Account {
            id: me["id"].as_str().unwrap().to_owned(),
            name: me["name"].as_str().unwrap().to_owned(),
            country: None,
            time_zone: None,
            missing: if write {
                vec!["write".to_owned()]
            } else {
                Vec::new()
            },
            remarks: Vec::new(),
        })
    }

    fn webhook(
        &self,
        incoming: &Incoming<'_>,
        keys: &WebhookKeys,
    ) -> Result<Delivery, WebhookError> {
        let key = keys.keys.get("shared").map_or("built-in", String::as_str);
        let signature = incoming.headers.get("signature");
        if signature.is_none_or(|signature| signature != key) {
            return Err(WebhookError::Signature("not the key"));
        }
        let body: Json = serde_json::from_slice(incoming.body)
            .map_err(|_| WebhookError::Body("no JSON".to_owned()))?;
        Ok(Delivery {
            id: body["id"].as_str().map(str::to_owned),
            account: body["account"].as_str().map(str::to_owned),
            hints: Vec::new(),
            happened: Vec::new(),
            unnamed: Vec::new(),
            lifecycle: (body["event"] == "removed").then_some(Lifecycle::Removed),
            event: body["event"].as_str().unwrap_or_default().to_owned(),
            form: Vec::new(),
        })
    }

    async fn schema(&self, _: &dyn Calls, _: Entity) -> Result<Schema, Error> {
        Err(nothing())
    }

    async fn fetch(
        &self,
        _: &dyn Calls,
        _: &Schema,
        _: &[RecordId],
    ) -> Result<Vec<Fetched>, Error> {
        Err(nothing())
    }

    async fn changes(&self, _: &dyn Calls, _: &Schema, _: PageRequest) -> Result<Page, Error> {
        Err(nothing())
    }

    async fn list(&self, _: &dyn Calls, _: &Schema, _: PageRequest) -> Result<Page, Error> {
        Err(nothing())
    }

    async fn find(&self, _: &dyn Calls, _: &Schema, _: &[IdentityKey]) -> Result<Vec<Read>, Error> {
        Err(nothing())
    }

    async fn create(&self, _: &dyn Calls, _: &Schema, _: &[Draft]) -> Vec<CreateOutcome> {
        Vec::new()
    }

    async fn update(&self, _: &dyn Calls, _: &Schema, _: &[Change]) -> Vec<UpdateOutcome> {
        Vec::new()
    }

    async fn remove(&self, _: &dyn Calls, _: Entity, _: &[RecordId]) -> Vec<RemoveOutcome> {
        Vec::new()
    }
}

fn nothing() -> Error {
    Error::Unsupported {
        system: "example",
        what: "records".to_owned(),
    }
}

/// What the vendor does with one request.
#[derive(Clone)]
pub(crate) enum Reply {
    Answer(u16, String),
    /// Never answers.
    Hang,
    /// The connection breaks before the request arrives, or after.
    Break(TransportError),
}

impl Reply {
    pub(crate) fn ok() -> Self {
        Self::Answer(200, "{}".to_owned())
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(status, String::new())
    }
}

/// A request as the vendor saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) at: Duration,
}

/// The vendor's state.
pub(crate) struct VendorState {
    pub(crate) account: String,
    pub(crate) script: VecDeque<Reply>,
    /// Replies to `/token` that go before its usual work.
    pub(crate) token_script: VecDeque<Reply>,
    /// The answer to a token request gets lost after its effect, once.
    pub(crate) lose_token_answer: bool,
    pub(crate) seen: Vec<Seen>,
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) issued: u32,
    pub(crate) token_life: i64,
    /// The refresh token used last, and when: good for another 30 s, for the same answer.
    used: Option<(String, Duration)>,
}

/// The vendor of the made-up system.
#[derive(Clone)]
pub(crate) struct Vendor {
    state: Arc<Mutex<VendorState>>,
    clock: Arc<VirtualClock>,
}

impl Vendor {
    fn new(clock: Arc<VirtualClock>) -> Self {
        let state = VendorState {
            account: "acme".to_owned(),
            script: VecDeque::new(),
            token_script: VecDeque::new(),
            lose_token_answer: false,
            seen: Vec::new(),
            access: format!("{SECRET}-access-0"),
            refresh: format!("{SECRET}-refresh-0"),
            issued: 0,
            token_life: 86_400,
            used: None,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            clock,
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, VendorState> {
        self.state.lock().unwrap()
    }

    pub(crate) fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.state().script.extend(replies);
    }

    pub(crate) fn requests(&self, path: &str) -> Vec<Seen> {
        let mut seen = self.state().seen.clone();
        seen.retain(|seen| seen.path == path);
        seen
    }

    async fn answer(self, request: http::Request<Full<Bytes>>) -> http::Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let seen = Seen {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
            at: self.clock.steady(),
        };
        self.clock.sleep(Duration::from_millis(20)).await;
        let reply = self.reply(&seen);
        self.clock.sleep(Duration::from_millis(20)).await;
        let (status, text) = match reply {
            Reply::Answer(status, text) => (status, text),
            Reply::Hang => std::future::pending().await,
            Reply::Break(error) => {
                let mut response = http::Response::new(Full::default());
                response.extensions_mut().insert(error);
                return response;
            }
        };
        let mut response = http::Response::new(Full::from(text));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response
    }

    fn reply(&self, seen: &Seen) -> Reply {
        let now = self.clock.steady();
        let mut state = self.state();
        state.seen.push(seen.clone());
        if seen.path == "/token" {
            return state.token(&seen.body, now);
        }
        let authorised = seen
            .headers
            .get("authorization")
            .map(|value| value.to_str().unwrap());
        let expected = format!("Bearer {}", state.access);
        if let Some(reply) = state.script.pop_front() {
            return reply;
        }
        if authorised != Some(&expected) {
            return Reply::Answer(401, "expired".to_owned());
        }
        if seen.path == "/me" {
            let me = json!({"id": state.account, "name": "Acme GmbH"});
            return Reply::Answer(200, me.to_string());
        }
        Reply::ok()
    }
}

impl VendorState {
    fn token(&mut self, body: &str, now: Duration) -> Reply {
        if let Some(reply) = self.token_script.pop_front() {
            return reply;
        }
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(body.as_bytes())
            .into_owned()
            .collect();
        let given = form.get("refresh");
        let again = self
            .used
            .as_ref()
            .is_some_and(|(token, at)| Some(token) == given && now < *at + SECOND * 30);
        if let Some(given) = given.filter(|_| !again) {
            if *given != self.refresh {
                let echo = format!("invalid grant: {given}");
                return Reply::Answer(400, json!({ "error": echo }).to_string());
            }
            self.used = Some((given.clone(), now));
        }
        if let Some(code) = form.get("code").filter(|code| !code.contains("good")) {
            return Reply::Answer(
                400,
                json!({"error": format!("bad code {code}")}).to_string(),
            );
        }
        if !again {
            self.issued += 1;
            self.access = format!("{SECRET}-access-{}", self.issued);
            self.refresh = format!("{SECRET}-refresh-{}", self.issued);
        }
        if std::mem::take(&mut self.lose_token_answer) {
            return Reply::Break(TransportError::MaybeSent("reset".to_owned()));
        }
        let answer = json!({
            "access": self.access, "refresh": self.refresh, "expires_in": self.token_life,
            "account": self.account,
        });
        Reply::Answer(200, answer.to_string())
    }
}

/// Keeps sealed credentials in memory.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) rows: Mutex<BTreeMap<ConnectionName, CredentialRow>>,
    pub(crate) saves: AtomicU32,
    pub(crate) refuse_saves: AtomicBool,
    /// Another process has the database; it can be read.
    pub(crate) taken_over: AtomicBool,
}

#[async_trait]
impl CredentialStore for Memory {
    async fn load(
        &self,
        connection: &ConnectionName,
    ) -> Result<Option<CredentialRow>, CredentialStoreError> {
        Ok(self.rows.lock().unwrap().get(connection).cloned())
    }

    async fn save_if_version(
        &self,
        connection: &ConnectionName,
        sealed: &[u8],
        expected: u64,
    ) -> Result<Saved, CredentialStoreError> {
        if self.refuse_saves.load(Ordering::SeqCst) {
            return Err(CredentialStoreError("the disk is full".to_owned()));
        }
        tokio::task::yield_now().await;
        let mut rows = self.rows.lock().unwrap();
        let version = rows.get(connection).map_or(0, |row| row.version);
        if version != expected {
            return Ok(Saved::Conflict);
        }
        let row = CredentialRow {
            sealed: sealed.to_vec(),
            version: version + 1,
        };
        rows.insert(connection.clone(), row);
        self.saves.fetch_add(1, Ordering::SeqCst);
        Ok(Saved::Version(version + 1))
    }

    async fn still_ours(&self) -> Result<(), CredentialStoreError> {
        if self.taken_over.load(Ordering::SeqCst) {
            return Err(CredentialStoreError("another process has it".to_owned()));
        }
        Ok(())
    }
}

/// Everything together: one connection named `office` to the made-up vendor.
pub(crate) struct World {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) vendor: Vendor,
    pub(crate) memory: Arc<Memory>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) log: Arc<ChannelLog>,
    pub(crate) calls: mpsc::Receiver<CallRecord>,
    parts: Parts,
    pub(crate) config: Json,
}

pub(crate) fn office() -> ConnectionName {
    "office".into()
}

pub(crate) fn purpose() -> Purpose {
    Purpose {
        entities: vec![Entity::Contact],
        write: true,
        rights: Vec::new(),
    }
}

pub(crate) fn secret(text: &str) -> SecretText {
    SecretText::new(format!("{SECRET}-{text}"))
}

pub(crate) fn given(fields: &[(&str, &str)]) -> BTreeMap<String, SecretText> {
    fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), SecretText::new(*value)))
        .collect()
}

pub(crate) fn limits() -> Limits {
    Limits {
        windows: Vec::new(),
        concurrency: 100,
    }
}

impl World {
    /// Signed in by redirect.
    pub(crate) async fn signed_in() -> Self {
        let world = Self::new(json!({"scheme": "oauth", "client_id": "7"}), json!({})).await;
        world.sign_in("good").await.unwrap();
        world.vendor.state().seen.clear();
        world
    }

    /// Not signed in.
    pub(crate) async fn new(auth: Json, more: Json) -> Self {
        Self::with_limits(auth, more, limits()).await
    }

    pub(crate) async fn with_limits(auth: Json, more: Json, limits: Limits) -> Self {
        let clock = Arc::new(VirtualClock::starting_at(
            "2026-03-01T12:00:00Z".parse().unwrap(),
        ));
        let vendor = Vendor::new(Arc::clone(&clock));
        let answering = vendor.clone();
        let service = tower::service_fn(move |request| {
            let vendor = answering.clone();
            async move { Ok::<_, std::convert::Infallible>(vendor.answer(request).await) }
        });
        let transport = ServiceTransport::<_, Full<Bytes>>::new(service, clock.clone())
            .answer_cap(1_000)
            .timeout(SECOND * 30)
            .inspect(|head| head.extensions.get::<TransportError>().cloned());
        let memory = Arc::new(Memory::default());
        let (log, calls) = ChannelLog::new(10_000);
        let parts = Parts {
            workspace: "w".to_owned(),
            clock: clock.clone(),
            dice: Arc::new(Dice::seeded(1)),
            transport: Arc::new(transport),
            credentials: memory.clone(),
            vault: Arc::new(KeyRing::new(Key::generate().unwrap())),
            calls: log.clone(),
        };
        let mut config = json!({"system": "example", "auth": auth});
        let fields = config.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        let connections = open(&parts, &config, limits).await;
        Self {
            clock,
            vendor,
            memory,
            connections,
            log,
            calls,
            parts,
            config,
        }
    }

    /// Several connections of this config, with other names, in a process of their own.
    pub(crate) async fn several(&self, names: &[&str], limits: Limits) -> Arc<Connections> {
        let config: ConnectionConfig = serde_json::from_value(self.config.clone()).unwrap();
        let configs = names
            .iter()
            .map(|name| (ConnectionName::from(*name), config.clone()))
            .collect();
        open_all(&self.parts, configs, limits).await
    }

    /// Another process on the same database and vendor.
    pub(crate) async fn another_process(&self) -> Arc<Connections> {
        open(&self.parts, &self.config, limits()).await
    }

    pub(crate) async fn sign_in(
        &self,
        code: &str,
    ) -> Result<connections::Connected, connections::ConnectError> {
        let secret = format!("{SECRET}-client");
        let redirect = self.connections.begin_sign_in(
            &office(),
            purpose(),
            "https://tandem.example.org/callback",
            given(&[("client_secret", &secret)]),
        )?;
        self.connections
            .finish_sign_in(Some(&redirect.state), &self::secret(code))
            .await
    }

    pub(crate) fn session(&self) -> Session {
        self.connections
            .session(&office(), Lane::Live, "test")
            .unwrap()
    }

    pub(crate) fn logged(&mut self) -> Vec<CallRecord> {
        std::iter::from_fn(|| self.calls.try_recv().ok()).collect()
    }
}

async fn open(parts: &Parts, config: &Json, limits: Limits) -> Arc<Connections> {
    let config: ConnectionConfig = serde_json::from_value(config.clone()).unwrap();
    open_all(parts, BTreeMap::from([(office(), config)]), limits).await
}

async fn open_all(
    parts: &Parts,
    configs: BTreeMap<ConnectionName, ConnectionConfig>,
    limits: Limits,
) -> Arc<Connections> {
    let connector: Arc<dyn Connector> = Arc::new(Example::new(limits));
    let fresh = |_: &ConnectionName| Restart {
        fresh: true,
        ..Restart::default()
    };
    let opened = Connections::open(parts.clone(), vec![connector], configs, fresh).await;
    Arc::new(opened.unwrap())
}

pub(crate) fn read(path: &str) -> Request {
    Request::new("contacts.get", Effect::Read, Method::GET, path)
}

pub(crate) fn write(path: &str) -> Request {
    Request::new("contacts.create", Effect::Write, Method::POST, path)
        .json(json!({"name": "Erika"}))
}
