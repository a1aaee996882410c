//! Over a socket, as another program meets it: sign-in, a subscription, an edit by a person, a signed event, faults and counts.

use sandbox::{Options, Sandbox, System};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_program_connects_and_hears_of_an_edit() {
    let (inbox, mut received) = tokio::sync::mpsc::unbounded_channel();
    let receiver =
        axum::Router::new().fallback(move |headers: http::HeaderMap, body: bytes::Bytes| {
            let inbox = inbox.clone();
            async move { inbox.send((headers, body)).unwrap() }
        });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hook = format!("http://{}/hook", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, receiver).await });
    let shutdown = CancellationToken::new();
    let handle = Sandbox::start(Options::default(), shutdown.clone())
        .await
        .unwrap();
    let http = reqwest::Client::new();
    let act = async |act: &str, input: Value| -> Value {
        let url = format!("{}/_sandbox/officernd/act/{act}", handle.url());
        let answer = http.post(url).json(&input).send().await.unwrap();
        answer.json().await.unwrap()
    };
    let access = act("access", json!({})).await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", access["clientId"].as_str().unwrap()),
        ("client_secret", access["clientSecret"].as_str().unwrap()),
        (
            "scope",
            "flex.community.members.read flex.settings.webhooks.create",
        ),
    ];
    let answer = http
        .post(format!("{}/officernd/oauth/token", handle.url()))
        .form(&form)
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    let token = answer["access_token"].as_str().unwrap();
    let slug = access["slug"].as_str().unwrap();
    let base = format!("{}/officernd/api/v2/organizations/{slug}", handle.url());
    let body = json!({"url": hook, "eventTypes": ["member.created"]});
    let made = http
        .post(format!("{base}/webhooks"))
        .bearer_auth(token)
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), 201);
    act("create_member", json!({"name": "Ann"})).await;
    let (headers, body) = received.recv().await.unwrap();
    assert_eq!(headers["content-type"], "application/json");
    let signature = headers["officernd-signature"].to_str().unwrap();
    assert!(signature.starts_with("t=") && signature.contains(",signature="));
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["data"]["object"]["name"], "Ann");

    let rule = json!({"system": "officernd", "path": "/members", "count": 1, "fault": {"kind": "drop_after"}});
    let faults = &handle
        .control()
        .core()
        .faults
        .add(serde_json::from_value(rule).unwrap());
    assert_eq!(*faults, 1);
    let list = async || {
        http.get(format!("{base}/members"))
            .bearer_auth(token)
            .send()
            .await
    };
    assert!(list().await.is_err(), "no answer comes");
    let answer = list().await.unwrap();
    assert_eq!(answer.headers()["x-ratelimit-remaining-read-minute"], "398");
    let counts = handle.control().core().counts.all();
    let totals = counts[&System::OfficeRnd].totals;
    assert_eq!(
        (totals.sign_ins, totals.reads, totals.writes, totals.failed),
        (1, 2, 1, 1)
    );
    shutdown.cancel();
    handle.stopped().await;
    serving.abort();
}
