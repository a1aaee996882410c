//! What goes wrong on purpose, in memory and over a socket.

use sandbox::{Options, Sandbox, System};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use crate::highlevel::client::Client;

fn add(client: &Client, rule: Value) {
    client
        .control
        .core()
        .faults
        .add(serde_json::from_value(rule).unwrap());
}

async fn try_update(
    client: &Client,
    id: &str,
    name: &str,
) -> Result<crate::highlevel::client::Answer, sandbox::Dropped> {
    let request = http::Request::put(format!("/highlevel/contacts/{id}"))
        .header("authorization", format!("Bearer {}", client.token))
        .header("version", "2021-07-28");
    client
        .raw(
            request
                .body(axum::body::Body::from(
                    json!({"firstName": name}).to_string(),
                ))
                .unwrap(),
        )
        .await
}

#[tokio::test]
async fn a_drop_is_an_error_with_or_without_effect() {
    let client = Client::quiet(&[]);
    let id = client.create(json!({"firstName": "A"})).await;
    let path = "/contacts/{contactId}";
    add(
        &client,
        json!({"system": "highlevel", "method": "put", "path": path, "nth": 1, "fault": {"kind": "drop_before"}}),
    );
    add(
        &client,
        json!({"system": "highlevel", "method": "put", "path": path, "nth": 2, "fault": {"kind": "drop_after"}}),
    );
    assert!(try_update(&client, &id, "B").await.is_err());
    assert_eq!(client.contact(&id).await["firstName"], "A");
    assert!(try_update(&client, &id, "C").await.is_err());
    assert_eq!(client.contact(&id).await["firstName"], "C");
    assert_eq!(try_update(&client, &id, "D").await.unwrap().status, 200);
    let counts = client.control.core().counts.all();
    let dropped = counts[&System::HighLevel]
        .routes
        .iter()
        .find(|line| line.status == 0)
        .unwrap();
    assert_eq!(
        (dropped.route, dropped.method.as_str(), dropped.count),
        ("/contacts/{contactId}", "PUT", 2)
    );
    assert_eq!(counts[&System::HighLevel].totals.failed, 2);
}

#[tokio::test]
async fn answers_are_replaced_before_any_effect() {
    let client = Client::quiet(&[]);
    let id = client.create(json!({"firstName": "A"})).await;
    for (fault, status, length) in [
        (
            json!({"kind": "status", "status": 503, "headers": {"retry-after": "7"}}),
            503,
            None,
        ),
        (json!({"kind": "non_json"}), 200, None),
        (
            json!({"kind": "huge_body", "bytes": 3_000_000}),
            200,
            Some(3_000_002),
        ),
    ] {
        add(
            &client,
            json!({"system": "highlevel", "path": "/contacts/*", "count": 1, "method": "PUT", "fault": fault}),
        );
        let answer = try_update(&client, &id, "B").await.unwrap();
        assert_eq!(answer.status, status);
        assert!(length.is_none_or(|length| answer.raw.len() == length));
        assert_eq!(answer.headers.get("retry-after").is_some(), status == 503);
        assert_eq!(client.contact(&id).await["firstName"], "A");
    }
}

#[tokio::test]
async fn delays_are_waited_out_by_the_sleep_that_was_passed_in() {
    let waited = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = std::sync::Arc::clone(&waited);
    let sandbox = Sandbox::new(Options {
        sleep: Some(std::sync::Arc::new(move |pause| {
            log.lock().unwrap().push(pause.as_millis());
            Box::pin(async {})
        })),
        ..Options::default()
    })
    .unwrap();
    for fault in [
        json!({"kind": "delay", "ms": 250}),
        json!({"kind": "delay_answer", "ms": 90}),
    ] {
        let rule = json!({"system": "highlevel", "fault": fault});
        sandbox
            .control()
            .core()
            .faults
            .add(serde_json::from_value(rule).unwrap());
    }
    let request = http::Request::get("/highlevel/nothing")
        .body(axum::body::Body::empty())
        .unwrap();
    let answer = tower::ServiceExt::oneshot(sandbox.service(), request)
        .await
        .unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(*waited.lock().unwrap(), [250, 90]);
}

#[tokio::test]
async fn over_a_socket_a_drop_closes_the_connection_without_a_byte() {
    let shutdown = CancellationToken::new();
    let handle = Sandbox::start(Options::default(), shutdown.clone())
        .await
        .unwrap();
    let rule = json!({"system": "highlevel", "path": "/users/*", "count": 1, "fault": {"kind": "drop_after"}});
    handle
        .control()
        .core()
        .faults
        .add(serde_json::from_value(rule).unwrap());
    let ask = async || {
        let mut stream = tokio::net::TcpStream::connect(handle.address())
            .await
            .unwrap();
        let request = "GET /highlevel/users/search HTTP/1.1\r\nhost: x\r\nversion: v3\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    assert_eq!(ask().await, "");
    assert!(ask().await.starts_with("HTTP/1.1 401"));
    shutdown.cancel();
    handle.stopped().await;
    assert!(
        tokio::net::TcpStream::connect(handle.address())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn in_a_router_a_drop_breaks_the_body() {
    let sandbox = Sandbox::new(Options::default()).unwrap();
    let rule = json!({"system": "highlevel", "fault": {"kind": "drop_before"}});
    sandbox
        .control()
        .core()
        .faults
        .add(serde_json::from_value(rule).unwrap());
    let request = http::Request::get("/highlevel/users/")
        .body(axum::body::Body::empty())
        .unwrap();
    let answer = tower::ServiceExt::oneshot(sandbox.router(), request)
        .await
        .unwrap();
    assert_eq!(answer.status(), 502);
    assert_eq!(
        answer.extensions().get::<sandbox::Dropped>(),
        Some(&sandbox::Dropped)
    );
    assert!(
        axum::body::to_bytes(answer.into_body(), 1_000)
            .await
            .is_err()
    );
}
