//! The control API over HTTP, the webhook sender over a socket, and the documentation's own claims.

use std::collections::BTreeSet;

use axum::body::Body;
use http::Request;
use sandbox::{Options, Sandbox, Setting, Switches};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::highlevel::client::{Answer, Client};

async fn control(client: &Client, method: &str, path: &str, body: impl ToString) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(format!("/_sandbox{path}"));
    client
        .raw(request.body(Body::from(body.to_string())).unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn clock_switches_faults_and_counts() {
    let client = Client::quiet(&[]);
    let clock = control(
        &client,
        "PUT",
        "/clock",
        json!({"freeze": "2026-06-01T00:00:00Z", "advance_ms": 500}),
    )
    .await;
    assert_eq!(clock.body["now"], "2026-06-01T00:00:00.500Z");
    assert_eq!(
        control(&client, "PUT", "/clock", json!({"freez": 1}))
            .await
            .status,
        400
    );

    let turned = control(
        &client,
        "PUT",
        "/switches",
        json!({"highlevel.search_lag_ms": 77}),
    )
    .await;
    let lag = turned.body["switches"]
        .as_array()
        .unwrap()
        .iter()
        .find(|switch| switch["name"] == "highlevel.search_lag_ms")
        .unwrap();
    assert_eq!(
        (&lag["value"], &lag["default"]),
        (&json!(77), &json!(2_000))
    );
    let refused = control(
        &client,
        "PUT",
        "/switches",
        json!({"highlevel.webhook_retry": "never"}),
    )
    .await;
    assert_eq!(
        refused.body["error"],
        "switch highlevel.webhook_retry takes one of 429_only, any_failure, not \"never\""
    );
    // one that there is not, and none of the others is turned
    let refused = control(
        &client,
        "PUT",
        "/switches",
        json!({"highlevel.search_lag_ms": 5, "nobody.knows": true}),
    )
    .await;
    assert_eq!(refused.status, 400);
    let switches = &client.control.core().switches;
    assert_eq!(switches.number("highlevel.search_lag_ms"), 77);
    control(&client, "DELETE", "/switches", "").await;
    assert_eq!(
        client
            .control
            .core()
            .switches
            .number("highlevel.search_lag_ms"),
        2_000
    );

    let rule = json!({"system": "highlevel", "path": "/users/*", "fault": {"kind": "status", "status": 500}});
    let id = control(&client, "POST", "/faults", rule).await.body["id"].clone();
    assert_eq!(client.get("/users/search").await.status, 500);
    assert_eq!(
        control(&client, "GET", "/faults", "").await.body["faults"][0]["struck"],
        1
    );
    assert_eq!(
        control(&client, "DELETE", &format!("/faults/{id}"), "")
            .await
            .status,
        200
    );
    assert_eq!(
        control(
            &client,
            "POST",
            "/faults",
            json!({"system": "x", "fault": {"kind": "lost"}})
        )
        .await
        .status,
        400
    );

    let counts = control(&client, "GET", "/counts", "").await.body;
    assert_eq!(counts["highlevel"]["totals"]["failed"], 1);
    let routes = counts["highlevel"]["routes"].as_array().unwrap();
    assert!(
        routes.contains(
            &json!({"route": "/users/search", "method": "GET", "status": 500, "count": 1})
        )
    );
    assert_eq!(
        control(&client, "DELETE", "/counts", "").await.body["highlevel"]["totals"]["reads"],
        0
    );
}

#[tokio::test]
async fn records_are_seeded_dumped_edited_and_reset() {
    let client = Client::quiet(&[]);
    let lines = "{\"firstName\": \"Ann\", \"email\": \"a@x.de\", \"phone\": \"n/a\"}\n\n{\"firstName\": \"Bob\", \"email\": \"A@x.de\"}\n";
    let ids = control(&client, "POST", "/highlevel/seed", lines)
        .await
        .body["ids"]
        .clone();
    assert_eq!(
        ids.as_array().unwrap().len(),
        2,
        "seeds may be duplicates and dirty"
    );
    let act = control(
        &client,
        "POST",
        "/highlevel/act/delete_contact",
        json!({"id": ids[0]}),
    )
    .await;
    assert_eq!(act.body["deletedAt"], "2026-03-01T12:00:00.000Z");
    assert_eq!(
        control(
            &client,
            "POST",
            "/highlevel/act/delete_contact",
            json!({"id": ids[0]})
        )
        .await
        .status,
        404
    );
    let unknown = control(&client, "POST", "/highlevel/act/dance", json!({})).await;
    assert!(
        unknown.body["error"]
            .as_str()
            .unwrap()
            .contains("edit_contact"),
        "the error names what there is"
    );

    let state = control(&client, "GET", "/highlevel/state", "").await.body;
    let location = state["locations"]
        .as_array()
        .unwrap()
        .iter()
        .find(|place| place["id"] == json!(client.location))
        .unwrap();
    assert_eq!(
        (&location["alive"], &location["contacts"][0]["phone"]),
        (&json!(1), &json!("n/a"))
    );
    let edits = control(&client, "GET", "/edits?since=2", "").await.body;
    assert_eq!(
        (&edits["edits"][0]["operation"], &edits["edits"][0]["actor"]),
        (&json!("delete"), &json!("user"))
    );
    client
        .control
        .highlevel(|state| assert_eq!(state.contacts(&client.location).len(), 2));

    control(&client, "POST", "/reset", "").await;
    client
        .control
        .highlevel(|state| assert_eq!(state.contacts(state.main_location()).len(), 0));
    assert_eq!(
        control(&client, "GET", "/nothing/state", "").await.status,
        404
    );
    assert!(
        control(&client, "GET", "", "").await.body["endpoints"]
            .as_array()
            .unwrap()
            .len()
            > 15
    );
}

#[tokio::test]
async fn a_server_posts_webhooks_by_itself() {
    let (inbox, mut received) = tokio::sync::mpsc::unbounded_channel();
    let receiver =
        axum::Router::new().fallback(move |headers: http::HeaderMap, body: bytes::Bytes| {
            let inbox = inbox.clone();
            async move { inbox.send((headers, body)).unwrap() }
        });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, receiver).await });
    let shutdown = CancellationToken::new();
    let handle = Sandbox::start(Options::default(), shutdown.clone())
        .await
        .unwrap();
    let http = reqwest::Client::new();
    let act = async |act: &str, input: Value| -> Value {
        let url = format!("{}/_sandbox/highlevel/act/{act}", handle.url());
        http.post(url)
            .json(&input)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    };
    let location = act("access", json!({})).await["mainLocationId"].clone();
    act("configure_app", json!({"webhookUrl": url})).await;
    act("install", json!({"locationId": location})).await;
    act("create_contact", json!({"firstName": "Ann"})).await;
    let mut types = BTreeSet::new();
    for _ in 0..2 {
        let (headers, body) = received.recv().await.unwrap();
        assert_eq!(headers["content-type"], "application/json");
        assert!(headers.contains_key("x-ghl-signature"));
        let body: Value = serde_json::from_slice(&body).unwrap();
        types.insert(body["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(
        types,
        BTreeSet::from(["ContactCreate".to_owned(), "INSTALL".to_owned()])
    );
    shutdown.cancel();
    handle.stopped().await;
    serving.abort();
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options {
        listen: taken.local_addr().unwrap(),
        ..Options::default()
    };
    let error = Sandbox::start(options, CancellationToken::new())
        .await
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        format!("listen on {}", taken.local_addr().unwrap())
    );
}

/// Every switch stands in the documentation with its default, meaning and test, and that test exists and names it.
#[test]
fn the_documentation_lists_every_switch_as_it_is() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let document = std::fs::read_to_string(format!("{root}/docs/sandbox.md")).unwrap();
    for switch in Switches::registry() {
        let default = match switch.default {
            Setting::Flag(flag) => flag.to_string(),
            Setting::Number(number) => number.to_string(),
            Setting::Choice(word) => word.to_owned(),
        };
        let start = format!("| `{}` | {default} | {}", switch.name, switch.meaning);
        let line = document.lines().find(|line| line.starts_with(&start));
        let line =
            line.unwrap_or_else(|| panic!("docs/sandbox.md has no line that starts with\n{start}"));
        assert!(
            line.ends_with(&format!("| `{}` |", switch.test)),
            "{line}\nshould end with {}",
            switch.test
        );

        let (module, function) = switch.test.rsplit_once("::").unwrap();
        let file = format!(
            "{root}/crates/sandbox/tests/it/{}.rs",
            module.replace("::", "/")
        );
        let source =
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        let test = source.split(&format!("fn {function}()")).nth(1);
        let test = test.unwrap_or_else(|| panic!("{file} has no test {function}"));
        let body = test.split("\n}\n").next().unwrap();
        assert!(
            body.contains(switch.name.split_once('.').unwrap().1),
            "{}::{function} never turns {}",
            module,
            switch.name
        );
    }
}
