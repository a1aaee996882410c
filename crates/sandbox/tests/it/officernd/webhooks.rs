//! Subscriptions and events.

use hmac::{Hmac, KeyInit, Mac};
use sandbox::{Fate, System};
use serde_json::{Value, json};

use super::client::{Client, Received};

const EVENTS: &[&str] = &["member.created", "member.updated", "member.removed"];

fn verified(webhook: &Received, secret: &str) -> i64 {
    let (time, given) = webhook.signature.split_once(',').unwrap();
    let seconds = time.strip_prefix("t=").unwrap();
    let given = given.strip_prefix("signature=").unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(&[&webhook.raw[..], b".", seconds.as_bytes()].concat());
    let digest = mac.finalize().into_bytes();
    let wanted: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(given, wanted);
    seconds.parse().unwrap()
}

#[tokio::test]
async fn subscriptions() {
    let client = Client::quiet(&[]).await;
    let body =
        json!({"url": "https://r.example", "eventTypes": ["member.created", "lead.created"]});
    let failures = client.post("/webhooks", body).await;
    assert!(failures.failures()[0].starts_with(
        "each value in eventTypes must be one of the following values: booking.created"
    ));
    assert_eq!(
        client.post("/webhooks", json!({})).await.failures(),
        ["eventTypes must be an array", "url must be a string"]
    );
    let secret = client.subscribe(&["member.created"]).await;
    let listed = client.ok("/webhooks").await["results"][0].clone();
    assert_eq!(
        (&listed["secret"], &listed["isEnabled"]),
        (&json!(secret), &json!(true))
    );
    let path = format!("/webhooks/{}", listed["_id"].as_str().unwrap());
    client.create("/members", json!({})).await;
    assert_eq!(client.events().await, ["member.created"]);
    assert_eq!(
        client.put(&path, json!({"isEnabled": false})).await.status,
        200
    );
    client.create("/members", json!({})).await;
    assert!(client.events().await.is_empty());
    let gone = client.delete(&path).await;
    assert_eq!((gone.status, &gone.body["_id"]), (200, &listed["_id"]));
    assert_eq!(client.get(&path).await.status, 404);
}

#[tokio::test]
async fn bodies() {
    let client = Client::quiet(&[]).await;
    let secret = client.subscribe(EVENTS).await;
    let company = client.create("/companies", json!({})).await;
    let id = client
        .create(
            "/members",
            json!({"name": "Ada", "phone": "+49 30 1", "company": company,
                "socialProfiles": {"linkedin": "ada", "twitter": "@ada"}}),
        )
        .await;
    client.advance(5_000);
    client.act("edit_member", json!({"id": id, "fields": {"phone": "+49 30 2", "location": client.access["locations"][1]["_id"]}}));
    let received = client.webhooks().await;
    assert_eq!(received[0].url, "https://receiver.example/hook");
    // both were sent now, but signed when they were queued
    assert_eq!(verified(&received[0], &secret), 1_772_366_400);
    assert_eq!(verified(&received[1], &secret), 1_772_366_405);
    let (made, edited) = (&received[0].body, &received[1].body);
    assert_eq!(
        (&made["eventType"], &made["createdAt"], &made["event"]),
        (
            &json!("member.created"),
            &json!("2026-03-01T12:00:00.000Z"),
            &made["event"]
        )
    );
    assert_eq!(made["event"].as_str().unwrap().len(), 24);
    let object = &made["data"]["object"];
    for (field, value) in [
        ("_id", json!(id)),
        ("organization", client.access["organizationId"].clone()),
        ("office", json!(client.location)),
        ("team", json!(company)),
        ("calculatedStatus", json!("contact")),
        ("contactPerson", json!(false)),
        ("linkedin", json!("ada")),
        ("twitterHandle", json!("@ada")),
    ] {
        assert_eq!(object[field], value, "{field}");
    }
    for absent in ["location", "company", "properties", "socialProfiles"] {
        assert!(object.get(absent).is_none(), "{absent}");
    }
    assert!(made["data"].get("previousAttributes").is_none());
    assert_eq!(
        edited["data"]["previousAttributes"],
        json!({"phone": "+49 30 1", "office": client.location})
    );
    client.turn("webhook_body", "v2");
    client.act(
        "edit_member",
        json!({"id": id, "fields": {"location": client.location}}),
    );
    client.delete(&format!("/members/{id}")).await;
    let received = client.webhooks().await;
    let object = &received[0].body["data"]["object"];
    assert_eq!(
        (&object["location"], &object["company"], object.get("team")),
        (&json!(client.location), &json!(company), None)
    );
    assert!(received[0].body["data"]["previousAttributes"]["location"].is_string());
    assert_eq!(received[1].body["eventType"], "member.removed");
    assert_eq!(received[1].body["data"]["object"]["name"], "Ada");
}

#[tokio::test]
async fn own_writes() {
    let client = Client::quiet(&[]).await;
    client.subscribe(EVENTS).await;
    let id = client.create("/members", json!({})).await;
    client
        .put(&format!("/members/{id}"), json!({"name": "Eve"}))
        .await;
    assert_eq!(client.events().await, ["member.created", "member.updated"]);
    client.turn("api_write_webhooks", false);
    client
        .put(&format!("/members/{id}"), json!({"name": "Ida"}))
        .await;
    client.act("edit_member", json!({"id": id, "fields": {"name": "Uta"}}));
    client.delete(&format!("/members/{id}")).await;
    assert_eq!(
        client.events().await,
        ["member.updated"],
        "a person is always told of"
    );
}

#[tokio::test]
async fn retries() {
    let client = Client::quiet(&[]).await;
    let secret = client.subscribe(&["member.created"]).await;
    *client.receiver_status.lock().unwrap() = 500;
    let tries = async || {
        client.create("/members", json!({})).await;
        let mut times = Vec::new();
        for _ in 0..10 {
            times.extend(
                client
                    .webhooks()
                    .await
                    .iter()
                    .map(|webhook| verified(webhook, &secret)),
            );
            client.advance(30_000);
        }
        times
    };
    assert_eq!(tries().await.len(), 1);
    client.turn("webhook_retry", "three");
    let times = tries().await;
    assert_eq!(times, [times[0]; 4], "the first time stays");
    client.turn("webhook_timestamp_refreshed", true);
    let times = tries().await;
    assert_eq!(times.len(), 4);
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
    let fates: Vec<Fate> = client
        .control
        .core()
        .deliveries
        .log()
        .iter()
        .map(|record| record.fate)
        .collect();
    assert_eq!(fates, [Fate::Failed; 3]);
}

#[tokio::test]
async fn lost() {
    let client = Client::quiet(&[("officernd.lost_webhook_every", json!(2))]).await;
    client.subscribe(&["member.created"]).await;
    for _ in 0..5 {
        client.create("/members", json!({})).await;
    }
    assert_eq!(client.events().await.len(), 3);
    assert_eq!(client.control.core().deliveries.tally().lost, 2);
}

#[tokio::test]
async fn faults_befall_events() {
    let client = Client::quiet(&[]).await;
    client.subscribe(EVENTS).await;
    let fault = |kind: Value| {
        let faults = &client.control.core().faults;
        faults.clear();
        let rule =
            json!({"system": "officernd", "event": "member.created", "count": 1, "fault": kind});
        faults.add(serde_json::from_value(rule).unwrap());
    };
    fault(json!({"kind": "lost"}));
    client.create("/members", json!({})).await;
    assert!(client.events().await.is_empty());
    fault(json!({"kind": "doubled"}));
    client.create("/members", json!({})).await;
    let twice = client.webhooks().await;
    assert_eq!((twice.len(), &twice[0].raw), (2, &twice[1].raw));
    fault(json!({"kind": "delayed", "ms": 60_000}));
    client.create("/members", json!({})).await;
    assert!(client.events().await.is_empty());
    client.advance(60_000);
    assert_eq!(client.events().await, ["member.created"]);
    fault(json!({"kind": "reordered"}));
    let id = client.create("/members", json!({})).await;
    client.delete(&format!("/members/{id}")).await;
    assert_eq!(client.events().await, ["member.removed", "member.created"]);
}

#[tokio::test]
async fn opportunities() {
    let client = Client::quiet(&[]).await;
    let made = async || {
        let member = client.create("/members", json!({})).await;
        let body = json!({"name": "Trial", "member": member});
        let answer = client.post("/opportunities", body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
    };
    let all = ["member.created", "opportunity.created"];
    let body = json!({"url": "https://r.example", "eventTypes": all});
    assert_eq!(client.post("/webhooks", body).await.status, 400);
    client.subscribe(&["member.created"]).await;
    made().await;
    assert_eq!(client.events().await, ["member.created"]);
    client.turn("opportunity_events", true);
    client.subscribe(&["opportunity.created"]).await;
    made().await;
    assert_eq!(client.events().await, all);
    assert_eq!(
        client
            .control
            .core()
            .counts
            .totals(System::OfficeRnd)
            .failed,
        1
    );
}
