//! Webhooks: what is taken in, what is not, and how that is said.

use std::time::Duration;

use sandbox::System;
use serde_json::{Value as Json, json};

use crate::{
    killed::wait_until,
    world::{Server, World},
};

async fn post(server: &Server, path: &str, body: Vec<u8>) -> (u16, Json) {
    let response = reqwest::Client::new()
        .post(format!("{}{path}", server.url))
        .body(body)
        .send()
        .await
        .unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Json::Null))
}

pub(crate) async fn meter(server: &Server, fate: &str) -> f64 {
    let page = reqwest::Client::new()
        .get(format!("{}/metrics", server.url))
        .bearer_auth(&server.token)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let line = format!("tandem_webhooks_total{{fate=\"{fate}\"}} ");
    page.lines()
        .find_map(|found| found.strip_prefix(&line))
        .unwrap_or_else(|| panic!("{line} is not in {page}"))
        .parse()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_too_large_or_unknown_is_refused_and_leaves_nothing() {
    let world = World::start().await;
    let server = world.serve().await;
    let body = json!({"type": "ContactUpdate", "locationId": "x", "id": "y"});
    let signed_wrong = post(&server, "/hooks/highlevel", body.to_string().into_bytes()).await;
    assert_eq!(signed_wrong.0, 401);
    assert_eq!(signed_wrong.1["code"], "TDM-W001");

    let fifty_megabytes = vec![b'x'; 50 * 1024 * 1024];
    let response = reqwest::Client::new()
        .post(format!("{}/hooks/highlevel", server.url))
        .body(fifty_megabytes)
        .send()
        .await;
    // the server answers without reading on; a client that only looks after writing all sees a reset
    if let Ok(response) = response {
        assert_eq!(response.status().as_u16(), 413);
    }
    assert_eq!(meter(&server, "too_large").await, 1.0);

    let nowhere = post(&server, "/hooks/nothing", b"{}".to_vec()).await;
    assert_eq!(
        (nowhere.0, &nowhere.1["code"]),
        (404, &Json::from("TDM-W004"))
    );
    assert_eq!(meter(&server, "bad_signature").await, 1.0);
    assert_eq!(meter(&server, "accepted").await, 0.0);
    let (_, status) = world.api(&server, "GET", "/api/v1/status").await;
    assert_eq!(status["dirty"], json!({}), "{status:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_webhook_of_a_connected_account_is_taken_in_and_others_are_acknowledged() {
    let world = World::start().await;
    let server = world.serve().await;
    world.act(
        System::HighLevel,
        "configure_app",
        json!({"webhookUrl": format!("{}/hooks/highlevel", server.url)}),
    );
    world.connect_both().await;
    let access = world.act(System::HighLevel, "access", json!({}));
    let main = access["mainLocationId"].as_str().unwrap().to_owned();
    world.act(
        System::HighLevel,
        "create_contact",
        json!({"firstName": "Anna", "lastName": "Blum", "email": "anna@example.org", "locationId": main}),
    );
    let started = tokio::time::Instant::now();
    while meter(&server, "accepted").await < 1.0 {
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "no webhook came"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(meter(&server, "bad_signature").await, 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_full_says_429_and_gets_the_webhooks_again() {
    const MOST: u64 = 3;
    let world = World::start().await;
    let config = world.config();
    let server = world
        .serve_with(&[
            "--config",
            config.to_str().unwrap(),
            "--max-backlog",
            &MOST.to_string(),
        ])
        .await;
    world.act(
        System::HighLevel,
        "configure_app",
        json!({"webhookUrl": format!("{}/hooks/highlevel", server.url)}),
    );
    let people: Vec<Json> = (0..8)
        .map(|number| {
            json!({"firstName": "Anna", "lastName": format!("Blum{number}"),
                "email": format!("anna{number}@example.org"), "city": "Berlin"})
        })
        .collect();
    let control = world.sandbox.control();
    let switches = &control.core().switches;
    switches.set("highlevel.search_lag_ms", &json!(0)).unwrap();
    control.seed(System::HighLevel, &people).unwrap();
    world.connect_both().await;
    let run = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(run["counts"]["created_right"], 8, "{run:#}");
    // The next poll after the first is minutes later: what is edited then is told by webhooks alone.
    wait_until("the first poll", Duration::from_secs(120), async || {
        let (_, status) = world.api(&server, "GET", "/api/v1/status").await;
        status["changes"]["marketing"]["polled"].is_string()
    })
    .await;
    // Nothing gets done while somebody edits everything.
    let ran = world.run(&["pause", "people"]).await;
    assert_eq!(ran.code, 0, "{ran:#?}");
    let links = world.run(&["links", "people", "--json"]).await.json();
    for link in links.as_array().unwrap() {
        world.act(
            System::HighLevel,
            "edit_contact",
            json!({"id": link["left"], "fields": {"city": "Potsdam"}}),
        );
    }
    let started = tokio::time::Instant::now();
    while meter(&server, "full").await < 5.0 {
        assert!(started.elapsed() < Duration::from_secs(120), "never full");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (_, status) = world.api(&server, "GET", "/api/v1/status").await;
    assert_eq!(status["dirty"]["marketing"]["live"], MOST, "{status:#}");
    // What was turned away is not lost: the vendor repeats it later, and whoever lists finds it now.
    for command in ["resume", "sync"] {
        let ran = world.run(&[command, "people"]).await;
        assert_eq!(ran.code, 0, "{ran:#?}");
    }
    for link in links.as_array().unwrap() {
        let id = link["right"].as_str().unwrap().parse::<u64>().unwrap();
        let held = world.act(System::OnOffice, "show", json!({"id": id}));
        assert_eq!(held["values"]["Ort"], "Potsdam", "{held:#}");
    }
}
