//! A scripted onOffice behind `Calls`.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use connector::{
    Body, CallError, Calls, Connector, Credentials, Effect, Request, Response, SecretText, Verdict,
};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use onoffice::OnOffice;
use record::Schema;
use serde_json::{Value as Json, json};

/// What the scripted vendor does with a request.
pub(crate) enum Reply {
    /// One result for each action, in an envelope that says all is well.
    Results(Vec<Json>),
    /// This body.
    Body(Json),
    /// This status and text.
    Raw(u16, &'static str),
    /// Nothing comes back, though it may have been carried out.
    Lost,
    /// Nothing is sent.
    NotSent,
}

/// A request as the vendor sees it.
pub(crate) struct Asked {
    pub(crate) operation: &'static str,
    pub(crate) actions: Vec<Json>,
}

impl Asked {
    /// The parameters of the first action.
    pub(crate) fn parameters(&self) -> &Json {
        &self.actions[0]["parameters"]
    }

    pub(crate) fn resource(&self) -> &str {
        self.actions[0]["resourcetype"].as_str().unwrap()
    }
}

type Script = dyn FnMut(&Asked) -> Reply + Send;

/// The way to the scripted vendor.
pub(crate) struct Fake {
    script: Mutex<Box<Script>>,
    log: Mutex<Vec<Arc<Asked>>>,
    settings: Json,
    pub(crate) date: Mutex<Option<&'static str>>,
}

pub(crate) fn credentials() -> Credentials {
    credentials_with(&"t".repeat(32))
}

pub(crate) fn credentials_with(token: &str) -> Credentials {
    Credentials {
        scheme: "api_user".into(),
        given: [("token", token), ("secret", &"s".repeat(64))]
            .map(|(name, value)| (name.to_owned(), SecretText::new(value)))
            .into(),
        tokens: None,
    }
}

pub(crate) const NOW: &str = "2026-07-15T09:59:58Z";

impl Fake {
    pub(crate) fn new(script: impl FnMut(&Asked) -> Reply + Send + 'static) -> Self {
        Self {
            script: Mutex::new(Box::new(script)),
            log: Mutex::default(),
            settings: Json::Null,
            date: Mutex::new(Some("Wed, 15 Jul 2026 10:00:00 GMT")),
        }
    }

    pub(crate) fn with_settings(mut self, settings: Json) -> Self {
        self.settings = settings;
        self
    }

    /// What was asked so far.
    pub(crate) fn log(&self) -> Vec<Arc<Asked>> {
        self.log.lock().unwrap().clone()
    }
}

#[async_trait]
impl Calls for Fake {
    async fn send(&self, mut request: Request) -> Result<Response, CallError> {
        let connector = OnOffice::new();
        let operation = request.operation;
        let Body::Json(body) = &request.body else {
            panic!("every body is JSON")
        };
        assert!(
            body.get("token").is_none(),
            "a request carries no secret before it is signed"
        );
        connector
            .authorise(
                &mut request,
                &credentials(),
                &self.settings,
                NOW.parse().unwrap(),
            )
            .unwrap();
        let Body::Json(body) = &request.body else {
            panic!("every body is JSON")
        };
        assert_eq!(request.path, "/api/stable/api.php");
        let actions = body["request"]["actions"].as_array().unwrap().clone();
        assert!(
            !actions.is_empty() && actions.len() <= 20,
            "{} actions",
            actions.len()
        );
        let writes = actions.iter().any(|action| {
            let verb = action["actionid"].as_str().unwrap();
            verb.ends_with(":create") || verb.ends_with(":modify")
        });
        assert_eq!(request.effect == Effect::Write, writes);
        for action in &actions {
            assert!(action["hmac"].is_string());
            let limit = action
                .pointer("/parameters/listlimit")
                .and_then(Json::as_u64);
            assert!(
                limit.is_none_or(|limit| limit <= 500),
                "501 would silently be 20"
            );
        }
        let asked = Arc::new(Asked { operation, actions });
        self.log.lock().unwrap().push(Arc::clone(&asked));
        let reply = (self.script.lock().unwrap())(&asked);
        let (status, text) = match reply {
            Reply::Results(results) => (200, envelope(&asked, results).to_string()),
            Reply::Body(body) => (200, body.to_string()),
            Reply::Raw(status, text) => (status, text.to_owned()),
            Reply::Lost => {
                return Err(match request.effect {
                    Effect::Write => CallError::OutcomeUnknown {
                        operation,
                        why: "time-out".into(),
                    },
                    Effect::Read | Effect::SignIn => CallError::NotSent {
                        operation,
                        why: "time-out".into(),
                    },
                });
            }
            Reply::NotSent => {
                return Err(CallError::NotSent {
                    operation,
                    why: "no connection".into(),
                });
            }
        };
        let mut headers = HeaderMap::new();
        if let Some(date) = *self.date.lock().unwrap() {
            headers.insert("date", date.parse().unwrap());
        }
        let response = Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Bytes::from(text),
            sent: NOW.parse().unwrap(),
        };
        match connector.verdict(&request, &response) {
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
        NOW.parse().unwrap()
    }

    fn settings(&self) -> &Json {
        &self.settings
    }
}

/// An answer of the vendor with identifiers echoed.
pub(crate) fn envelope(asked: &Asked, results: Vec<Json>) -> Json {
    let results: Vec<Json> = results
        .into_iter()
        .enumerate()
        .map(|(place, mut result)| {
            result["identifier"] = asked
                .actions
                .get(place)
                .map_or(Json::Null, |action| action["identifier"].clone());
            result
        })
        .collect();
    json!({"status": {"code": 200, "errorcode": 0, "message": "OK"}, "response": {"results": results}})
}

/// A successful result with these records.
pub(crate) fn found(records: Vec<Json>, total: impl Into<Option<usize>>) -> Json {
    json!({
        "cacheable": true,
        "data": {"meta": {"cntabsolute": total.into()}, "records": records},
        "status": {"errorcode": 0, "message": "OK"},
    })
}

/// An address as reads show it.
pub(crate) fn address(id: u64, mut elements: Json) -> Json {
    elements["id"] = json!(id);
    json!({"id": id, "type": "address", "elements": elements})
}

/// The answer to a create.
pub(crate) fn made(id: u64) -> Json {
    found(
        vec![json!({"id": id, "type": "address", "elements": []})],
        None,
    )
}

/// The answer to a modify.
pub(crate) fn done() -> Json {
    found(
        vec![json!({"id": 0, "type": "address", "elements": {"success": "success"}})],
        None,
    )
}

/// A failed result.
pub(crate) fn refused(code: i64, message: &str) -> Json {
    json!({"cacheable": false, "data": [], "status": {"errorcode": code, "message": message}})
}

/// The whole answer in the form in which the error of the only action stands at the top too.
pub(crate) fn mirrored(code: i64, message: &str) -> Json {
    json!({
        "status": {"code": 500, "errorcode": code, "message": message},
        "response": {"results": [refused(code, message)]},
    })
}

/// The field list of a small client.
pub(crate) fn field_list() -> Json {
    let text = |label: &str, length: usize| {
        json!({"type": "varchar", "length": length, "label": label,
        "permittedvalues": null, "compoundFields": []})
    };
    json!({
        "label": "Adressen",
        "Vorname": text("Vorname", 80), "Name": text("Name", 80), "Ort": text("Ort", 80),
        "Land": text("Land", 80), "Email": text("E-Mail", 100), "Telefon1": text("Telefon", 40),
        "KdNr": {"type": "integer", "label": "KdNr"},
        "Benutzer": {"type": "text", "label": "Betreuer"},
        "Vip": {"type": "boolean", "label": "VIP"},
        "Geburtsdatum": {"type": "date", "label": "Geburtsdatum"},
        "Eintragsdatum": {"type": "date", "label": "Eintragsdatum"},
        "ArtDaten": {"type": "multiselect", "label": "Kontaktart",
            "permittedvalues": {"Kunde": "Kunde", "Makler": "Makler", "Eigentümer": "Eigentümer"}},
        "Status2Adr": {"type": "singleselect", "label": "Status",
            "permittedvalues": {"status2adr_active": "Aktiv", "status2adr_archive": "Archiviert"}},
    })
}

/// The schema of that client, read through the connector.
pub(crate) async fn schema() -> Schema {
    let fake = Fake::new(|asked| match asked.resource() {
        "fields" => Reply::Results(vec![found(
            vec![json!({"id": "address", "elements": field_list()})],
            None,
        )]),
        "address" => Reply::Results(vec![found(Vec::new(), 0)]),
        _ => Reply::Results(vec![found(Vec::new(), None)]),
    });
    let mut schema = OnOffice::new()
        .schema(&fake, record::Entity::Contact)
        .await
        .unwrap();
    // read by a call of its own where somebody wants it
    schema
        .fields
        .retain(|field| field.name.as_str() != "company");
    schema
}
