//! A caller's way out, scripted: every request is authorised, recorded and answered by a function. What an answer
//! means is decided by the connector's own verdict, as a real caller does.

use std::{collections::BTreeMap, sync::Mutex};

use async_trait::async_trait;
use connector::{
    Body, CallError, Calls, Connector, Credentials, Effect, Request, Response, SecretText, Tokens,
    Verdict,
};
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use officernd::OfficeRnD;
use record::{Entity, Field, Fields, Record, Schema};
use serde_json::{Value as Json, json};

pub(crate) const BERLIN: &str = "60c0ffee0000000000000001";
pub(crate) const SOFIA: &str = "60c0ffee0000000000000002";
pub(crate) const MEMBER: &str = "65a000000000000000000001";

/// How a request is answered.
pub(crate) enum Reply {
    Json(u16, Json),
    Text(u16, &'static str),
    /// Sent, and then silence.
    TimeOut,
}

pub(crate) fn ok(json: Json) -> Reply {
    Reply::Json(200, json)
}

/// A refusal in the vendor's usual shape.
pub(crate) fn no(status: u16, message: &str) -> Reply {
    Reply::Json(
        status,
        json!({"statusCode": status, "message": message, "error": "x"}),
    )
}

/// A refusal of validation: all failures at once.
pub(crate) fn invalid(messages: &[&str]) -> Reply {
    Reply::Json(
        400,
        json!({"statusCode": 400, "message": messages, "error": "Bad Request"}),
    )
}

/// A list that ends with this page.
pub(crate) fn page(items: &[Json]) -> Reply {
    let (start, end) = if items.is_empty() {
        (0, 0)
    } else {
        (1, items.len())
    };
    ok(json!({"rangeStart": start, "rangeEnd": end, "results": items}))
}

type Script = Box<dyn Fn(&Request) -> Reply + Send + Sync>;

pub(crate) struct Fake {
    pub(crate) connector: OfficeRnD,
    settings: Json,
    now: Mutex<Timestamp>,
    script: Script,
    sent: Mutex<Vec<Request>>,
    pub(crate) learned: Mutex<BTreeMap<String, Json>>,
}

impl Fake {
    pub(crate) fn new(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let settings =
            json!({"organization": "my-space", "location": BERLIN, "start_date": "today"});
        Self::with(settings, script)
    }

    pub(crate) fn with(
        settings: Json,
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self {
            connector: OfficeRnD::new(),
            settings,
            now: Mutex::new("2026-11-21T10:00:00Z".parse().unwrap()),
            script: Box::new(script),
            sent: Mutex::new(Vec::new()),
            learned: Mutex::default(),
        }
    }

    /// So much time goes by.
    pub(crate) fn pass(&self, time: jiff::SignedDuration) {
        *self.now.lock().unwrap() += time;
    }

    pub(crate) fn sent(&self) -> Vec<Request> {
        self.sent.lock().unwrap().clone()
    }

    pub(crate) fn operations(&self) -> Vec<&'static str> {
        self.sent()
            .iter()
            .map(|request| request.operation)
            .collect()
    }

    /// The bodies of the requests of this operation.
    pub(crate) fn bodies(&self, operation: &str) -> Vec<Json> {
        self.sent()
            .iter()
            .filter(|request| request.operation == operation)
            .map(body)
            .collect()
    }
}

pub(crate) fn body(request: &Request) -> Json {
    match &request.body {
        Body::Json(json) => json.clone(),
        Body::Empty => Json::Null,
        Body::Form(form) => form
            .iter()
            .map(|(key, value)| (key.clone(), json!(value)))
            .collect(),
    }
}

pub(crate) fn parameter<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request
        .query
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

#[async_trait]
impl Calls for Fake {
    async fn send(&self, request: Request) -> Result<Response, CallError> {
        let mut request = request;
        self.connector
            .authorise(&mut request, &signed_in(&[]), &self.settings, self.now())
            .unwrap();
        let authorised = request.headers.contains_key("authorization");
        assert_eq!(authorised, request.operation != "oauth.token");
        assert!(
            request.operation == "oauth.token"
                || request.path.starts_with("/api/v2/organizations/my-space"),
            "{}",
            request.path
        );
        let reads = request.method == Method::GET;
        assert_eq!(reads, request.effect == Effect::Read, "{request:?}");
        self.sent.lock().unwrap().push(request.clone());
        let operation = request.operation;
        let (status, body) = match (self.script)(&request) {
            Reply::Json(status, json) => (status, json.to_string()),
            Reply::Text(status, text) => (status, text.to_owned()),
            Reply::TimeOut => {
                return Err(CallError::OutcomeUnknown {
                    operation,
                    why: "no answer in time".to_owned(),
                });
            }
        };
        let response = Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.into(),
            sent: self.now(),
        };
        match self.connector.verdict(&request, &response) {
            Verdict::Answered => Ok(response),
            Verdict::TokenRefused => Err(CallError::Right {
                operation,
                right: self.connector.right_needed(&request).unwrap(),
            }),
            Verdict::CredentialsRefused { message } => Err(CallError::Credentials {
                operation,
                why: message,
            }),
            Verdict::Unavailable { message } if request.effect == Effect::Write => {
                Err(CallError::OutcomeUnknown {
                    operation,
                    why: message,
                })
            }
            other => Err(CallError::NotSent {
                operation,
                why: format!("{other:?}"),
            }),
        }
    }

    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    fn settings(&self) -> &Json {
        &self.settings
    }

    async fn learn(&self, key: &str, fact: Json) {
        let before = self.learned.lock().unwrap().insert(key.to_owned(), fact);
        assert_eq!(before, None, "{key} was learnt twice");
    }
}

pub(crate) fn app() -> Credentials {
    let given = [
        ("client_id", "5d1c0ffee"),
        ("client_secret", "SECRET-client"),
        ("organization", "my-space"),
    ];
    Credentials {
        scheme: "client_credentials".to_owned(),
        given: given
            .into_iter()
            .map(|(name, text)| (name.to_owned(), SecretText::new(text)))
            .collect(),
        tokens: None,
    }
}

pub(crate) fn signed_in(scopes: &[&str]) -> Credentials {
    Credentials {
        tokens: Some(Tokens {
            access: SecretText::new("eyJSECRET"),
            refresh: None,
            expires: None,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            account: Json::Null,
            further: BTreeMap::new(),
        }),
        ..app()
    }
}

/// What every account answers about itself.
pub(crate) fn about(request: &Request) -> Option<Reply> {
    Some(match request.operation {
        "organization.get" => ok(
            json!({"_id": "60c0ffee0000000000000000", "name": "My Space",
            "slug": "my-space", "imageUrl": "", "description": ""}),
        ),
        "locations.list" => page(&[
            json!({"_id": BERLIN, "name": "Berlin Mitte", "timezone": "Europe/Berlin", "isOpen": true}),
            json!({"_id": SOFIA, "name": "Sofia", "timezone": "Europe/Sofia", "isOpen": true}),
        ]),
        "custom_properties.list" => page(&[
            json!({"_id": "p1", "key": "crm id", "title": "CRM", "type": "String", "privacy": "admin",
                "targets": ["member", "team"], "values": []}),
            json!({"_id": "p2", "key": "tier", "title": "Tier", "type": "Select", "targets": ["member"],
                "values": ["gold", "silver"]}),
            json!({"_id": "p3", "key": "desk", "title": "Desk", "type": "Number", "targets": ["member"]}),
            json!({"_id": "p4", "key": "seats", "title": "Seats", "type": "Number", "targets": ["team"]}),
        ]),
        _ => return None,
    })
}

/// The schema of an account, as the connector itself reads it.
pub(crate) async fn schema(entity: Entity) -> Schema {
    let fake = Fake::new(|request| about(request).unwrap());
    fake.connector.schema(&fake, entity).await.unwrap()
}

pub(crate) fn fields(pairs: Vec<(&str, Field)>) -> Fields {
    pairs
        .into_iter()
        .map(|(name, field)| (name.into(), field))
        .collect()
}

pub(crate) fn set(elements: &[&str]) -> Field {
    Field::Value(record::Value::Set(
        elements
            .iter()
            .map(|element| (*element).to_owned())
            .collect(),
    ))
}

/// A member as one is shown.
pub(crate) fn member(id: &str) -> Json {
    json!({
        "_id": id, "name": "Ada Example", "email": "ada@example.test", "phone": "+49 30 000000",
        "location": BERLIN, "status": "contact", "startDate": "2026-03-01T00:00:00.000Z",
        "isBillingPerson": false, "isContactPerson": true,
        "address": {"street": "Am Ring 1", "zip": "10115", "city": "Berlin", "country": "Germany"},
        "billingDetails": {}, "socialProfiles": {}, "properties": {"crm id": "abc", "tier": "gold"},
        "portalPrivacy": {"isVisible": true, "showContactDetails": true, "showSocialProfiles": true},
        "createdAt": "2026-02-20T10:00:00.000Z", "modifiedAt": "2026-02-20T10:00:00.000Z",
    })
}

pub(crate) fn record(id: &str, pairs: Vec<(&str, Field)>) -> Record {
    Record {
        id: id.into(),
        fields: fields(pairs),
    }
}
