//! A small client for the tests: in memory, on a frozen clock.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use sandbox::{Clock, Control, Dropped, Options, Outgoing, Sandbox, System};
use serde_json::{Value, json};
use tower::ServiceExt;

/// 2026-03-01T12:00:00Z
pub(crate) const NOON: i64 = 1_772_366_400_000;

/// A sandbox in memory with a private token for its main location.
pub(crate) struct Client {
    pub(crate) sandbox: Sandbox,
    pub(crate) control: Control,
    pub(crate) location: String,
    pub(crate) token: String,
    pub(crate) received: Arc<Mutex<Vec<Received>>>,
    /// What the webhook receiver answers.
    pub(crate) receiver_status: Arc<Mutex<u16>>,
}

/// A webhook as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) raw: Bytes,
    pub(crate) body: Value,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) raw: Bytes,
    pub(crate) body: Value,
}

impl Client {
    /// With limits and lag off, so that a test only meets what it is about.
    pub(crate) fn quiet(switches: &[(&str, Value)]) -> Self {
        let mut all = vec![
            ("highlevel.rate_limit", json!(false)),
            ("highlevel.search_lag_ms", json!(0)),
        ];
        all.extend(switches.iter().cloned());
        Self::new(&all)
    }

    pub(crate) fn new(switches: &[(&str, Value)]) -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let receiver_status = Arc::new(Mutex::new(200));
        let (inbox, status) = (Arc::clone(&received), Arc::clone(&receiver_status));
        let sandbox = Sandbox::new(Options {
            clock: Clock::frozen(NOON),
            switches: switches
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            sender: Some(Arc::new(move |outgoing: Outgoing| {
                let body = serde_json::from_slice(&outgoing.body).unwrap();
                inbox.lock().unwrap().push(Received {
                    headers: outgoing.headers,
                    raw: outgoing.body,
                    body,
                });
                let status = *status.lock().unwrap();
                Box::pin(async move { Ok(status) })
            })),
            ..Options::default()
        })
        .unwrap();
        let control = sandbox.control();
        let access = control
            .act(System::HighLevel, "access", &json!({}))
            .unwrap();
        Self {
            location: access["mainLocationId"].as_str().unwrap().to_owned(),
            token: access["privateToken"].as_str().unwrap().to_owned(),
            sandbox,
            control,
            received,
            receiver_status,
        }
    }

    pub(crate) fn act(&self, act: &str, input: Value) -> Value {
        self.control.act(System::HighLevel, act, &input).unwrap()
    }

    pub(crate) fn access(&self) -> Value {
        self.act("access", json!({}))
    }

    pub(crate) fn turn(&self, name: &str, value: impl Into<Value>) {
        self.control
            .core()
            .switches
            .set(name, &value.into())
            .unwrap();
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.control.core().clock.advance(ms);
    }

    /// Makes the app hear of everything in the main location.
    pub(crate) fn subscribe(&self) {
        self.act(
            "configure_app",
            json!({"webhookUrl": "https://receiver.example/hook"}),
        );
        self.act("install", json!({"locationId": self.location}));
        self.control.core().deliveries.reset();
    }

    /// Sends all webhooks that are due and returns those that came in.
    pub(crate) async fn webhooks(&self) -> Vec<Received> {
        self.sandbox.deliver_due().await;
        std::mem::take(&mut *self.received.lock().unwrap())
    }

    pub(crate) async fn webhook_types(&self) -> Vec<String> {
        self.webhooks()
            .await
            .iter()
            .map(|webhook| webhook.body["type"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(crate) async fn raw(&self, request: Request<Body>) -> Result<Answer, Dropped> {
        let response: Response<Body> = self.sandbox.service().oneshot(request).await?;
        let (parts, body) = response.into_parts();
        let raw = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&raw).unwrap_or(Value::Null);
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            raw,
            body,
        })
    }

    pub(crate) async fn call_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("/highlevel{path}"))
            .header("authorization", format!("Bearer {token}"))
            .header("version", "2021-07-28");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.raw(request.body(body).unwrap()).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call_as(&self.token, "GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call_as(&self.token, "POST", path, Some(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call_as(&self.token, "PUT", path, Some(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call_as(&self.token, "DELETE", path, None).await
    }

    /// Creates a contact and returns its id; the location is added.
    pub(crate) async fn create(&self, mut fields: Value) -> String {
        fields["locationId"] = json!(self.location);
        let answer = self.post("/contacts/", fields).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["contact"]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn contact(&self, id: &str) -> Value {
        let answer = self.get(&format!("/contacts/{id}")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["contact"].clone()
    }

    pub(crate) async fn search(&self, mut body: Value) -> Answer {
        body["locationId"] = json!(self.location);
        if body["pageLimit"].is_null() {
            body["pageLimit"] = json!(100);
        }
        self.post("/contacts/search", body).await
    }

    /// The ids that a search finds, in order.
    pub(crate) async fn found(&self, body: Value) -> Vec<String> {
        let answer = self.search(body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        ids(&answer.body["contacts"])
    }
}

pub(crate) fn ids(list: &Value) -> Vec<String> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}
