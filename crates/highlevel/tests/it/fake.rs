//! A caller's way out, scripted: every request is checked, recorded and answered by a function. What an
//! answer means is decided by the connector's own verdict, as a real caller does.

use std::{collections::BTreeMap, sync::Mutex};

use async_trait::async_trait;
use connector::{
    Body, CallError, Calls, Connector, Credentials, Effect, Request, Response, SecretText, Tokens,
    Verdict,
};
use highlevel::HighLevel;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use record::{Entity, Field, Fields, Schema};
use serde_json::{Value as Json, json};

pub(crate) const LOCATION: &str = "ve9EPM428h8vShlRW1KT";

/// How a request is answered.
pub(crate) enum Reply {
    Json(u16, Json),
    Text(u16, &'static str),
    /// Sent, and then silence.
    TimeOut,
    /// Not even sent.
    Offline,
}

pub(crate) fn ok(json: Json) -> Reply {
    Reply::Json(200, json)
}

/// A refusal in the vendor's usual shape.
pub(crate) fn no(status: u16, message: &str) -> Reply {
    Reply::Json(status, json!({ "statusCode": status, "message": message }))
}

type Script = Box<dyn Fn(&Request) -> Reply + Send + Sync>;

pub(crate) struct Fake {
    pub(crate) connector: HighLevel,
    pub(crate) settings: Json,
    now: Mutex<Timestamp>,
    script: Script,
    sent: Mutex<Vec<Request>>,
}

impl Fake {
    pub(crate) fn new(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(json!({ "location_id": LOCATION }), script)
    }

    pub(crate) fn with(
        settings: Json,
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self {
            connector: HighLevel::new(),
            settings,
            now: Mutex::new("2026-11-21T10:00:00Z".parse().unwrap()),
            script: Box::new(script),
            sent: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn sent(&self) -> Vec<Request> {
        self.sent.lock().unwrap().clone()
    }

    /// The operations so far, in order.
    pub(crate) fn operations(&self) -> Vec<&'static str> {
        self.sent()
            .iter()
            .map(|request| request.operation)
            .collect()
    }

    /// The JSON body of the only request of this operation.
    pub(crate) fn body(&self, operation: &str) -> Json {
        let bodies: Vec<Json> = self
            .sent()
            .into_iter()
            .filter(|request| request.operation == operation)
            .map(|request| match request.body {
                Body::Json(json) => json,
                Body::Empty => Json::Null,
                Body::Form(form) => form.into_iter().map(|(k, v)| (k, json!(v))).collect(),
            })
            .collect();
        assert_eq!(bodies.len(), 1, "{operation}");
        bodies.into_iter().next().unwrap()
    }

    pub(crate) fn pass(&self, seconds: i64) {
        let mut now = self.now.lock().unwrap();
        *now += jiff::SignedDuration::from_secs(seconds);
    }
}

#[async_trait]
impl Calls for Fake {
    async fn send(&self, request: Request) -> Result<Response, CallError> {
        let mut request = request;
        if !request.operation.starts_with("oauth.") {
            let credentials = private_token();
            self.connector
                .authorise(&mut request, &credentials, &self.settings, self.now())
                .unwrap();
        }
        crate::spec::check(&request);
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
            Reply::Offline => {
                return Err(CallError::NotSent {
                    operation,
                    why: "no connection".to_owned(),
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
}

fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, SecretText> {
    pairs
        .iter()
        .map(|(name, text)| ((*name).to_owned(), SecretText::new(*text)))
        .collect()
}

pub(crate) fn private_token() -> Credentials {
    Credentials {
        scheme: "private_token".to_owned(),
        given: given(&[("token", "pit-SECRET-0b5c")]),
        tokens: None,
    }
}

pub(crate) fn app() -> Credentials {
    Credentials {
        scheme: "oauth".to_owned(),
        given: given(&[
            ("client_id", "6578278e879ad2646715ba9c-lx8k2p1q"),
            ("client_secret", "SECRET-client"),
        ]),
        tokens: None,
    }
}

pub(crate) fn signed_in(tokens: Tokens) -> Credentials {
    Credentials {
        tokens: Some(tokens),
        ..app()
    }
}

/// The schema of an account with four custom fields, as the connector itself reads it.
pub(crate) async fn schema() -> Schema {
    let fake = Fake::new(|request| match request.operation {
        "locations.custom_fields" => ok(json!({ "customFields": [
            {"id": "text", "name": "Objekt", "dataType": "TEXT", "model": "contact", "position": 1},
            {"id": "area", "name": "Fläche", "dataType": "NUMERICAL", "model": "contact", "position": 2},
            {"id": "wish", "name": "Wünsche", "dataType": "CHECKBOX", "model": "contact", "position": 3,
             "picklistOptions": ["Balkon", "Garten"]},
            {"id": "move", "name": "Einzug", "dataType": "DATE", "model": "contact", "position": 4},
        ]})),
        "users.list" => ok(json!({ "users": [
            {"id": "u1", "name": "Erika Muster", "email": "erika@example.org"},
        ]})),
        other => panic!("{other}"),
    });
    fake.connector.schema(&fake, Entity::Contact).await.unwrap()
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

/// A contact as `GET /contacts/{id}` shows it.
pub(crate) fn contact(id: &str) -> Json {
    json!({
        "id": id, "locationId": LOCATION, "firstName": "Anna", "lastName": "von der Heide",
        "email": "anna@example.org", "emailLowerCase": "anna@example.org", "phone": "+4930901820",
        "type": "lead", "source": "public api", "tags": ["käufer"], "country": "DE", "dnd": false,
        "dateAdded": "2026-01-02T03:04:05.678Z", "dateUpdated": "2026-02-03T04:05:06.789Z",
        "dateOfBirth": "1990-09-25", "additionalEmails": [], "additionalPhones": [],
        "customFields": [{"id": "area", "value": 81.5}],
    })
}
