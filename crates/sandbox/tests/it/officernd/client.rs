//! A small client for the tests: in memory, on a frozen clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request};
use sandbox::{Clock, Control, Options, Outgoing, Sandbox, System};
use serde_json::{Value, json};
use tower::ServiceExt;

/// 2026-03-01T12:00:00Z
pub(crate) const NOON: i64 = 1_772_366_400_000;

/// A sandbox in memory with a token for every scope.
pub(crate) struct Client {
    pub(crate) sandbox: Sandbox,
    pub(crate) control: Control,
    pub(crate) access: Value,
    pub(crate) token: String,
    pub(crate) location: String,
    received: Arc<Mutex<Vec<Received>>>,
    /// How long the sandbox waited on purpose.
    pub(crate) slept: Arc<Mutex<Duration>>,
    /// What the webhook receiver answers.
    pub(crate) receiver_status: Arc<Mutex<u16>>,
}

/// A webhook as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) url: String,
    pub(crate) signature: String,
    pub(crate) raw: Bytes,
    pub(crate) body: Value,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) raw: Bytes,
    pub(crate) body: Value,
}

impl Answer {
    /// The failures of a 400.
    pub(crate) fn failures(&self) -> Vec<&str> {
        assert_eq!(
            (self.status, &self.body["error"]),
            (400, &json!("Bad Request")),
            "{}",
            self.body
        );
        let list = self.body["message"].as_array().unwrap();
        list.iter()
            .map(|failure| failure.as_str().unwrap())
            .collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<i64> {
        let value = self.headers.get(name)?;
        Some(value.to_str().unwrap().parse().unwrap())
    }
}

impl Client {
    /// With limits off, so that a test only meets what it is about.
    pub(crate) async fn quiet(switches: &[(&str, Value)]) -> Self {
        let mut all = vec![("officernd.rate_limit", json!(false))];
        all.extend(switches.iter().cloned());
        Self::new(&all).await
    }

    pub(crate) async fn new(switches: &[(&str, Value)]) -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let receiver_status = Arc::new(Mutex::new(200));
        let slept = Arc::new(Mutex::new(Duration::ZERO));
        let sleeping = Arc::clone(&slept);
        let (inbox, status) = (Arc::clone(&received), Arc::clone(&receiver_status));
        let sandbox = Sandbox::new(Options {
            clock: Clock::frozen(NOON),
            switches: switches
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            sender: Some(Arc::new(move |outgoing: Outgoing| {
                let (name, signature) = outgoing.headers[0].clone();
                assert_eq!(name, "officernd-signature");
                inbox.lock().unwrap().push(Received {
                    url: outgoing.url.to_string(),
                    signature,
                    body: serde_json::from_slice(&outgoing.body).unwrap(),
                    raw: outgoing.body,
                });
                let status = *status.lock().unwrap();
                Box::pin(async move { Ok(status) })
            })),
            sleep: Some(Arc::new(move |pause| {
                *sleeping.lock().unwrap() += pause;
                Box::pin(std::future::ready(()))
            })),
            ..Options::default()
        })
        .unwrap();
        let control = sandbox.control();
        let access = control
            .act(System::OfficeRnd, "access", &json!({}))
            .unwrap();
        let mut client = Self {
            location: access["locations"][0]["_id"].as_str().unwrap().to_owned(),
            sandbox,
            control,
            access,
            token: String::new(),
            received,
            slept,
            receiver_status,
        };
        let scopes = client.access["scopes"].clone();
        let answer = client.sign_in(&scopes).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        client.token = answer.body["access_token"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        client
    }

    pub(crate) fn act(&self, act: &str, input: Value) -> Value {
        self.control.act(System::OfficeRnd, act, &input).unwrap()
    }

    pub(crate) fn turn(&self, switch: &str, value: impl Into<Value>) {
        let name = format!("officernd.{switch}");
        let switches = &self.control.core().switches;
        switches.set(&name, &value.into()).unwrap();
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.control.core().clock.advance(ms);
    }

    /// Asks for a token with these scopes.
    pub(crate) async fn sign_in(&self, scopes: &Value) -> Answer {
        let scopes: Vec<&str> = scopes
            .as_array()
            .unwrap()
            .iter()
            .map(|scope| scope.as_str().unwrap())
            .collect();
        self.ask_for_token(&[
            ("grant_type", "client_credentials"),
            ("client_id", self.access["clientId"].as_str().unwrap()),
            (
                "client_secret",
                self.access["clientSecret"].as_str().unwrap(),
            ),
            ("scope", &scopes.join(" ")),
        ])
        .await
    }

    pub(crate) async fn ask_for_token(&self, form: &[(&str, &str)]) -> Answer {
        let form = serde_urlencoded::to_string(form).unwrap();
        let request = Request::post("/officernd/oauth/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form))
            .unwrap();
        self.raw(request).await
    }

    pub(crate) async fn raw(&self, request: Request<Body>) -> Answer {
        let response = self.sandbox.service().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let raw = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: serde_json::from_slice(&raw).unwrap_or(Value::Null),
            raw,
        }
    }

    /// Whether a get comes to no answer, its connection cut.
    pub(crate) async fn is_cut(&self, path: &str) -> bool {
        let request = Request::get(self.path(path))
            .header("authorization", format!("Bearer {}", self.token))
            .body(Body::empty())
            .unwrap();
        self.sandbox.service().oneshot(request).await.is_err()
    }

    /// A path below the organization.
    pub(crate) fn path(&self, path: &str) -> String {
        let slug = self.access["slug"].as_str().unwrap();
        format!("/officernd/api/v2/organizations/{slug}{path}")
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.call_as(&self.token, method, path, body).await
    }

    pub(crate) async fn call_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(self.path(path))
            .header("authorization", format!("Bearer {token}"));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.raw(request.body(body).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    /// The body of a get that must work.
    pub(crate) async fn ok(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, Some(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call("PUT", path, Some(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None).await
    }

    /// A body that is enough for a create.
    pub(crate) fn enough(&self, name: &str) -> Value {
        json!({"name": name, "location": self.location, "startDate": "2026-01-01T00:00:00.000Z"})
    }

    /// Creates something and returns its id; what every create needs is added.
    pub(crate) async fn create(&self, path: &str, fields: Value) -> String {
        let mut body = self.enough("Ada");
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = self.post(path, body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn member(&self, id: &str) -> Value {
        self.ok(&format!("/members/{id}")).await
    }

    /// The names of a list, in order.
    pub(crate) async fn names(&self, path: &str) -> Vec<String> {
        names(&self.ok(path).await)
    }

    /// Subscribes through the API and returns the secret.
    pub(crate) async fn subscribe(&self, events: &[&str]) -> String {
        let body = json!({"url": "https://receiver.example/hook", "eventTypes": events});
        let answer = self.post("/webhooks", body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["secret"].as_str().unwrap().to_owned()
    }

    /// Sends all webhooks that are due and returns those that came in.
    pub(crate) async fn webhooks(&self) -> Vec<Received> {
        self.sandbox.deliver_due().await;
        std::mem::take(&mut *self.received.lock().unwrap())
    }

    pub(crate) async fn events(&self) -> Vec<String> {
        let received = self.webhooks().await;
        let event = |webhook: &Received| webhook.body["eventType"].as_str().unwrap().to_owned();
        received.iter().map(event).collect()
    }
}

pub(crate) fn names(page: &Value) -> Vec<String> {
    let results = page["results"].as_array().unwrap();
    results
        .iter()
        .map(|item| item["name"].as_str().unwrap_or_default().to_owned())
        .collect()
}
