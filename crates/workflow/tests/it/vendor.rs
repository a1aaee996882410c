//! A made-up system that has to be asked what is new, with two accounts. One of them may never answer.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex},
};

use async_trait::async_trait;
use connections::{
    Answer, Clock, ConnectionConfig, Connections, CredentialStore, CredentialStoreError, Dice,
    NoCallLog, Outgoing, Parts, Purpose, Restart, Transport, TransportError, VirtualClock,
};
use connector::{
    Account, AuthScheme, Calls, Change, Connector, CreateOutcome, Credentials, Delivery,
    Description, Draft, Error, Fetched, Grant, IdentityKey, Incoming, Limits, Page, PageRequest,
    RemoveOutcome, Request, Response, SecretText, SignInField, UpdateOutcome, Verdict,
    WebhookError, WebhookKeys, catalog::Catalog,
};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use record::{Entity, Read, RecordId, Schema};
use serde_json::{Value as Json, json};
use store::{ConnectionName, CredentialRow, Saved};
use vault::{Key, KeyRing};

/// Things on one page of its list.
const PAGE: usize = 2;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    Catalog {
    operations: vec![
        serde_json::from_value(json!({
            "id": "things.list", "title": "List things", "description": "Lists things.",
            "method": "GET", "path": "/things", "needs": "none documented", "effect": "read", "repeat": "repeatable",
            "input": {"type": "object", "properties": {"skip": {"type": "integer", "x-in": "query"}}},
            "output": {"type": "object"}, "example": {},
        }))
        .unwrap(),
    ],
    triggers: vec![
        serde_json::from_value(json!({
            "id": "thing.saved", "title": "A thing was saved", "description": "Found by asking.",
            "needs": "none documented", "source": {"poll": {"operation": "things.list", "input": {}, "clock": "utc", "items": "/things",
                "id": "/id", "pages": {"offset": {"field": "skip", "size": PAGE}}}},
            "output": {"type": "object"}, "example": {"id": 1},
        }))
        .unwrap(),
    ],
    picks: BTreeMap::new(),
    left_out: Vec::new(),
}
});

struct MadeUp(Description);

fn nothing() -> Error {
    Error::Unsupported {
        system: "made-up",
        what: "records".to_owned(),
    }
}

#[async_trait]
impl Connector for MadeUp {
    fn describe(&self) -> &Description {
        &self.0
    }

    fn authorise(
        &self,
        request: &mut Request,
        credentials: &Credentials,
        _: &Json,
        _: Timestamp,
    ) -> Result<(), Error> {
        let key = credentials.given("key").unwrap().parse().unwrap();
        request.headers.insert("key", key);
        Ok(())
    }

    fn verdict(&self, _: &Request, _: &Response) -> Verdict {
        Verdict::Answered
    }

    fn scopes(&self, _: &[Entity], _: bool) -> Vec<String> {
        Vec::new()
    }

    fn authorize_url(
        &self,
        _: &str,
        _: &Credentials,
        _: &Json,
        _: &str,
        _: &[String],
        _: &str,
    ) -> Result<String, Error> {
        Err(nothing())
    }

    async fn exchange_code(
        &self,
        _: &dyn Calls,
        _: &Credentials,
        _: &str,
        _: &str,
    ) -> Result<Grant, Error> {
        Err(nothing())
    }

    async fn refresh(&self, _: &dyn Calls, _: &Credentials, _: &[String]) -> Result<Grant, Error> {
        Err(nothing())
    }

    async fn check(
        &self,
        _: &dyn Calls,
        credentials: &Credentials,
        _: &[Entity],
        _: bool,
    ) -> Result<Account, Error> {
        Ok(Account {
            id: credentials.given("key").unwrap().to_owned(),
            name: "Made up".to_owned(),
            country: None,
            time_zone: None,
            missing: Vec::new(),
            remarks: Vec::new(),
        })
    }

    fn webhook(&self, _: &Incoming<'_>, _: &WebhookKeys) -> Result<Delivery, WebhookError> {
        Err(WebhookError::Signature("there are none"))
    }

    fn catalog(&self) -> &'static Catalog {
        &CATALOG
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

/// What is at the vendor.
#[derive(Default)]
pub(crate) struct Vendor {
    /// How many things there are; their ids count from 0.
    pub(crate) things: Mutex<usize>,
    /// Questions that were answered.
    pub(crate) answered: Mutex<usize>,
}

#[async_trait]
impl Transport for Vendor {
    async fn send(&self, request: Outgoing) -> Result<Answer, TransportError> {
        if request.headers["key"] == "silent" {
            std::future::pending::<()>().await;
        }
        *self.answered.lock().unwrap() += 1;
        let mut query = request.url.query_pairs();
        let skip = query.find(|(name, _)| name == "skip");
        let skip: usize = skip.map_or(0, |(_, skip)| skip.parse().unwrap());
        let things = *self.things.lock().unwrap();
        let page: Vec<Json> = (skip..things.min(skip + PAGE))
            .map(|id| json!({"id": id}))
            .collect();
        Ok(Answer {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: json!({"things": page}).to_string().into(),
        })
    }
}

#[derive(Default)]
struct Memory(Mutex<BTreeMap<ConnectionName, CredentialRow>>);

#[async_trait]
impl CredentialStore for Memory {
    async fn load(
        &self,
        connection: &ConnectionName,
    ) -> Result<Option<CredentialRow>, CredentialStoreError> {
        Ok(self.0.lock().unwrap().get(connection).cloned())
    }

    async fn save_if_version(
        &self,
        connection: &ConnectionName,
        sealed: &[u8],
        expected: u64,
    ) -> Result<Saved, CredentialStoreError> {
        let version = expected + 1;
        let sealed = sealed.to_vec();
        let mut rows = self.0.lock().unwrap();
        rows.insert(connection.clone(), CredentialRow { sealed, version });
        Ok(Saved::Version(version))
    }

    async fn still_ours(&self) -> Result<(), CredentialStoreError> {
        Ok(())
    }
}

/// The connections `talking` and `silent` to the vendor.
pub(crate) async fn connected(vendor: &Arc<Vendor>, clock: &Arc<VirtualClock>) -> Arc<Connections> {
    let description = Description {
        system: "made-up",
        title: "Made up",
        base_url: "https://api.example.org",
        auth: vec![AuthScheme::Pasted {
            name: "key",
            fields: vec![SignInField {
                name: "key",
                label: "key",
                secret: true,
                help: "in the settings",
            }],
        }],
        entities: Vec::new(),
        limits: Limits {
            windows: Vec::new(),
            concurrency: 10,
        },
        webhooks: false,
    };
    let parts = Parts {
        workspace: "default".to_owned(),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        dice: Arc::new(Dice::seeded(1)),
        transport: Arc::clone(vendor) as Arc<dyn Transport>,
        credentials: Arc::new(Memory::default()),
        vault: Arc::new(KeyRing::new(Key::generate().unwrap())),
        calls: Arc::new(NoCallLog),
    };
    let config: ConnectionConfig =
        serde_json::from_value(json!({"system": "made-up", "auth": {"scheme": "key"}})).unwrap();
    let names = ["talking", "silent"].map(ConnectionName::from);
    let configs = names
        .iter()
        .map(|name| (name.clone(), config.clone()))
        .collect();
    let connector: Arc<dyn Connector> = Arc::new(MadeUp(description));
    let opened = Connections::open(parts, vec![connector], configs, |_| Restart::default()).await;
    let connections = Arc::new(opened.unwrap());
    let purpose = Purpose {
        entities: Vec::new(),
        write: false,
        rights: Vec::new(),
    };
    for name in &names {
        let key = SecretText::new(name.as_str());
        let given = BTreeMap::from([("key".to_owned(), key)]);
        connections.connect(name, given, &purpose).await.unwrap();
    }
    connections
}
