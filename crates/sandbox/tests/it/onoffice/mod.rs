//! The simulated onOffice through its one URL.

mod activities;
mod appointments;
mod envelope;
mod judging;
mod modules;
mod reading;
mod settings;
mod speed;
mod tasks;
mod writing;

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, Response};
use sandbox::{Clock, Options, Sandbox, System};
use serde_json::{Value, json};
use tower::ServiceExt;

/// 15 June 2026, 10:00:00 in Berlin.
const NOON: &str = "2026-06-15T08:00:00Z";

/// A sandbox whose clock stands still, and an API user of it.
struct Office {
    sandbox: Sandbox,
    token: String,
    secret: String,
}

/// An action before it is signed.
#[derive(Clone)]
struct Call {
    verb: &'static str,
    resource: &'static str,
    id: Value,
    parameters: Value,
}

fn call(verb: &'static str, resource: &'static str, parameters: Value) -> Call {
    Call {
        verb,
        resource,
        id: json!(""),
        parameters,
    }
}

fn read(parameters: Value) -> Call {
    call("read", "address", parameters)
}

fn create(parameters: Value) -> Call {
    call("create", "address", parameters)
}

fn modify(id: u64, parameters: Value) -> Call {
    Call {
        id: json!(id),
        ..call("modify", "address", parameters)
    }
}

impl Office {
    fn open() -> Self {
        Self::with(Options::default())
    }

    fn with(options: Options) -> Self {
        let at: jiff::Timestamp = NOON.parse().unwrap();
        let sandbox = Sandbox::new(Options {
            clock: Clock::frozen(at.as_millisecond()),
            ..options
        })
        .unwrap();
        let mut office = Self {
            sandbox,
            token: String::new(),
            secret: String::new(),
        };
        office.sign_in();
        office
    }

    /// Takes over the token and secret that the settings page shows.
    fn sign_in(&mut self) {
        let access = self.act("show_access", json!({}));
        self.token = access["token"].as_str().unwrap().to_owned();
        self.secret = access["secret"].as_str().unwrap().to_owned();
    }

    fn act(&self, act: &str, input: Value) -> Value {
        self.sandbox
            .control()
            .act(System::OnOffice, act, &input)
            .unwrap()
    }

    fn turn(&self, switch: &str, to: Value) {
        let name = format!("onoffice.{switch}");
        self.sandbox
            .control()
            .core()
            .switches
            .set(&name, &to)
            .unwrap();
    }

    fn seconds(&self) -> i64 {
        self.sandbox.control().core().clock.now_ms() / 1000
    }

    fn sleep(&self, seconds: i64) {
        self.sandbox.control().core().clock.advance(seconds * 1000);
    }

    fn signed(&self, call: &Call) -> Value {
        self.signed_at(call, self.seconds())
    }

    fn signed_at(&self, call: &Call, timestamp: i64) -> Value {
        let action_id = format!("urn:onoffice-de-ns:smart:2.5:smartml:action:{}", call.verb);
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(format!("{timestamp}{}{}{action_id}", self.token, call.resource).as_bytes());
        json!({
            "actionid": action_id,
            "resourceid": call.id,
            "resourcetype": call.resource,
            "identifier": "test",
            "timestamp": timestamp,
            "hmac": STANDARD.encode(mac.finalize().into_bytes()),
            "hmac_version": "2",
            "parameters": call.parameters,
        })
    }

    async fn post(&self, body: impl Into<Body>) -> Response<Body> {
        let request = Request::post("/onoffice/api/stable/api.php")
            .header("host", "127.0.0.1")
            .body(body.into())
            .unwrap();
        self.sandbox.service().oneshot(request).await.unwrap()
    }

    async fn text(&self, body: impl Into<Body>) -> String {
        let response = self.post(body).await;
        assert_eq!(response.status(), 200);
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    async fn raw(&self, actions: Vec<Value>) -> Value {
        let body = json!({"token": self.token, "request": {"actions": actions}});
        serde_json::from_str(&self.text(body.to_string()).await).unwrap()
    }

    /// Sends actions in one request and answers their results.
    async fn all(&self, calls: &[Call]) -> Vec<Value> {
        let answer = self
            .raw(calls.iter().map(|call| self.signed(call)).collect())
            .await;
        answer["response"]["results"].as_array().unwrap().clone()
    }

    async fn one(&self, call: &Call) -> Value {
        self.all(std::slice::from_ref(call)).await.remove(0)
    }

    /// The data of an action that must work.
    async fn ok(&self, call: &Call) -> Value {
        let result = self.one(call).await;
        assert_eq!(result["status"]["errorcode"], 0, "{result}");
        result["data"].clone()
    }

    /// The error number of an action.
    async fn code(&self, call: &Call) -> i64 {
        self.one(call).await["status"]["errorcode"]
            .as_i64()
            .unwrap()
    }

    /// Creates an address and answers its id.
    async fn made(&self, parameters: Value) -> u64 {
        let data = self.ok(&create(parameters)).await;
        data["records"][0]["id"].as_u64().unwrap()
    }

    /// The elements of one address.
    async fn elements(&self, id: u64, fields: &[&str]) -> Value {
        let data = self
            .ok(&read(json!({"data": fields, "recordids": [id]})))
            .await;
        data["records"][0]["elements"].clone()
    }

    /// The ids of a read, in order.
    async fn ids(&self, mut parameters: Value) -> Vec<u64> {
        parameters["data"] = json!(["Name"]);
        let data = self.ok(&read(parameters)).await;
        ids_of(&data)
    }

    fn seed(&self, records: &[Value]) -> Vec<u64> {
        let ids = self.sandbox.control().seed(System::OnOffice, records);
        ids.unwrap().iter().map(|id| id.parse().unwrap()).collect()
    }
}

fn ids_of(data: &Value) -> Vec<u64> {
    let records = data["records"].as_array().unwrap();
    records
        .iter()
        .map(|record| record["id"].as_u64().unwrap())
        .collect()
}

/// Each switch of onOffice names a test that is there.
#[test]
fn every_switch_has_its_test() {
    let sources = [
        ("activities", include_str!("activities.rs")),
        ("appointments", include_str!("appointments.rs")),
        ("envelope", include_str!("envelope.rs")),
        ("modules", include_str!("modules.rs")),
        ("reading", include_str!("reading.rs")),
        ("settings", include_str!("settings.rs")),
        ("tasks", include_str!("tasks.rs")),
        ("writing", include_str!("writing.rs")),
    ];
    for switch in sandbox::Switches::registry() {
        if switch.system != System::OnOffice {
            continue;
        }
        let found = sources.iter().any(|(module, source)| {
            switch
                .test
                .strip_prefix(&format!("onoffice::{module}::"))
                .is_some_and(|name| source.contains(&format!("fn {name}(")))
                && source.contains(switch.name.trim_start_matches("onoffice."))
        });
        assert!(found, "{} names {}", switch.name, switch.test);
    }
}
