//! Webhooks: what sets them off, what they carry, how they are signed, retried and spoiled.

use aws_lc_rs::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sandbox::{Fate, Fault, Rule, System};
use serde_json::{Value, json};

use super::client::{Client, Received};

fn header<'r>(webhook: &'r Received, name: &str) -> Option<&'r str> {
    webhook
        .headers
        .iter()
        .find(|(own, _)| own == name)
        .map(|(_, value)| value.as_str())
}

fn der(pem: &str) -> Vec<u8> {
    let body: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    STANDARD.decode(body).unwrap()
}

fn rule(event: &str, fault: Fault) -> Rule {
    let rule = json!({"system": "highlevel", "event": event, "fault": {"kind": "lost"}});
    Rule {
        fault,
        ..serde_json::from_value(rule).unwrap()
    }
}

#[tokio::test]
async fn payloads_are_flat_and_leave_out_what_is_empty() {
    let client = Client::quiet(&[]);
    client.subscribe();
    let id = client
        .create(json!({"firstName": "Ann", "email": "ann@x.de", "dateOfBirth": "1990-09-25"}))
        .await;
    let [webhook] = client.webhooks().await.try_into().unwrap();
    let app = client.access()["apps"][0].clone();
    let mut body = webhook.body.clone();
    assert_eq!(body["webhookId"].as_str().unwrap().len(), 36);
    body.as_object_mut().unwrap().remove("webhookId");
    assert_eq!(
        body,
        json!({"type": "ContactCreate", "locationId": client.location, "id": id, "name": "Ann", "firstName": "Ann",
            "email": "ann@x.de", "source": "public api", "dateAdded": "2026-03-01T12:00:00.000Z",
            "dateOfBirth": "1990-09-25T00:00:00.000Z", "versionId": app["versionId"], "appId": app["appId"],
            "timestamp": "2026-03-01T12:00:00.000Z"})
    );
}

#[tokio::test]
async fn own_writes() {
    let client = Client::quiet(&[]);
    client.subscribe();
    let id = client.create(json!({"firstName": "Ann"})).await;
    client
        .put(&format!("/contacts/{id}"), json!({"firstName": "Anna"}))
        .await;
    client
        .put(&format!("/contacts/{id}"), json!({"firstName": "Anna"}))
        .await;
    assert_eq!(
        client.webhook_types().await,
        ["ContactCreate", "ContactUpdate"],
        "nothing changed, nothing sent"
    );
    client.turn("highlevel.api_write_webhooks", false);
    client
        .put(&format!("/contacts/{id}"), json!({"firstName": "Annabel"}))
        .await;
    assert!(client.webhooks().await.is_empty());
    client.act(
        "edit_contact",
        json!({"id": id, "fields": {"firstName": "Ann"}}),
    );
    client.delete(&format!("/contacts/{id}")).await;
    assert_eq!(
        client.webhook_types().await,
        ["ContactUpdate"],
        "what a person does is always told"
    );
}

#[tokio::test]
async fn only_installed_apps_with_the_scope_and_the_toggle_hear_of_it() {
    let client = Client::quiet(&[]);
    client.act(
        "configure_app",
        json!({"webhookUrl": "https://receiver.example/hook"}),
    );
    client.create(json!({"firstName": "A"})).await;
    assert!(client.webhooks().await.is_empty(), "not installed");
    client.act(
        "install",
        json!({"locationId": client.location, "scopes": ["users.readonly"]}),
    );
    client.create(json!({"firstName": "B"})).await;
    assert_eq!(
        client.webhook_types().await,
        ["INSTALL"],
        "no right to read contacts"
    );
    client.act("set_scopes", json!({"scopes": ["contacts.readonly"]}));
    client.act("configure_app", json!({"events": ["ContactDelete"]}));
    let id = client.create(json!({"firstName": "C"})).await;
    client.delete(&format!("/contacts/{id}")).await;
    client.act("uninstall", json!({"locationId": client.location}));
    assert_eq!(client.webhook_types().await, ["ContactDelete", "UNINSTALL"]);
}

#[tokio::test]
async fn specific_events() {
    let client = Client::quiet(&[]);
    client.subscribe();
    let id = client.create(json!({"firstName": "Ann"})).await;
    client.webhooks().await;
    client
        .post(&format!("/contacts/{id}/tags"), json!({"tags": ["VIP"]}))
        .await;
    let webhooks = client.webhooks().await;
    let types: Vec<&str> = webhooks
        .iter()
        .map(|webhook| webhook.body["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["ContactUpdate", "ContactTagUpdate"]);
    assert_eq!(webhooks[1].body["tags"], json!(["VIP"]));
    client.turn("highlevel.tag_change_updates", false);
    client
        .post(&format!("/contacts/{id}/tags"), json!({"tags": ["Messe"]}))
        .await;
    client
        .put(
            &format!("/contacts/{id}"),
            json!({"dnd": true, "dndSettings": {"SMS": {"status": "active"}}}),
        )
        .await;
    let webhooks = client.webhooks().await;
    assert_eq!(webhooks[0].body["type"], "ContactTagUpdate");
    assert_eq!(webhooks[1].body["type"], "ContactDndUpdate");
    assert_eq!(
        webhooks[1].body["dndSettings"],
        json!({"SMS": {"status": "active"}})
    );
    assert_eq!(webhooks.len(), 2);
}

#[tokio::test]
async fn things_have_events_of_their_own() {
    let client = Client::quiet(&[]);
    client.subscribe();
    let events = ["TaskCreate", "TaskComplete", "InvoicePaid", "InvoiceCreate"];
    client.act("configure_app", json!({"events": events}));
    let id = client.create(json!({"firstName": "Ann"})).await;
    let task = json!({"title": "Call", "body": "back", "dueDate": "2026-03-02T12:00:00Z", "completed": false});
    let path = format!("/contacts/{id}/tasks");
    let made = client.post(&path, task.clone()).await;
    let [webhook] = client.webhooks().await.try_into().unwrap();
    assert_eq!(webhook.body["type"], "TaskCreate");
    assert_eq!(webhook.body["title"], "Call");
    assert_eq!(webhook.body.get("contactId"), None, "as seen on real ones");
    client.turn("highlevel.task_create_complete", true);
    client.post(&path, task).await;
    let [webhook] = client.webhooks().await.try_into().unwrap();
    assert_eq!(webhook.body["contactId"], json!(id));

    let one = format!("{path}/{}", made.body["task"]["id"].as_str().unwrap());
    client.put(&one, json!({"title": "Write"})).await;
    assert!(client.webhooks().await.is_empty(), "a change has no event");
    let done = json!({"completed": true});
    client.put(&format!("{one}/completed"), done).await;
    let [webhook] = client.webhooks().await.try_into().unwrap();
    assert_eq!(webhook.body["type"], "TaskComplete");

    let invoice = client.act("happen", json!({"event": "InvoiceCreate"}));
    let paid = json!({"event": "InvoicePaid", "id": invoice["id"]});
    client.act("happen", paid);
    let [made, paid] = client.webhooks().await.try_into().unwrap();
    assert_eq!(made.body["_id"], paid.body["_id"]);
    assert_eq!(paid.body["status"], "paid");
}

#[tokio::test]
async fn silent_changes() {
    let client = Client::quiet(&[]);
    client.subscribe();
    let id = client.create(json!({"firstName": "Ann"})).await;
    client.webhooks().await;
    let path = format!("/contacts/{id}");
    let inbound = |status: &str| json!({"inboundDndSettings": {"all": {"status": status}}});
    client.put(&path, inbound("active")).await;
    assert!(client.webhooks().await.is_empty());
    client.turn("highlevel.inbound_dnd_silent", false);
    client.turn("highlevel.tag_change_updates", false);
    client.put(&path, inbound("inactive")).await;
    let [webhook] = client.webhooks().await.try_into().unwrap();
    assert_eq!(
        webhook.body["inboundDndSettings"]["all"]["status"],
        "inactive"
    );
    client
        .put(&path, json!({"timezone": "Europe/Berlin"}))
        .await;
    assert_eq!(client.webhook_types().await, ["ContactUpdate"]);
    client.turn("highlevel.timezone_change_silent", true);
    client
        .put(&path, json!({"timezone": "Europe/Vienna"}))
        .await;
    assert!(client.webhooks().await.is_empty());
}

#[tokio::test]
async fn tasks_and_notes() {
    for whole in [false, true] {
        let client = Client::quiet(&[("highlevel.task_create_complete", json!(whole))]);
        client.subscribe();
        let contact = client.create(json!({"email": "ann@x.de"})).await;
        client.webhooks().await;
        let task = json!({"kind": "task", "fields": {"contactId": contact, "title": "Call", "body": "soon",
            "dueDate": "2026-03-01T10:00:00.000Z"}});
        let made = client.act("create_item", task);
        let sent = client.webhooks().await;
        let sent = &sent[0].body;
        assert_eq!(sent["type"], "TaskCreate");
        assert_eq!(sent["id"], made["id"]);
        assert_eq!(sent.get("contactId").is_some(), whole);
        assert_eq!(sent.get("body").is_some(), whole);
        let edit = |fields: Value| json!({"kind": "task", "id": made["id"], "fields": fields});
        client.act("edit_item", edit(json!({"title": "Write"})));
        assert!(
            client.webhook_types().await.is_empty(),
            "no event tells of an edit"
        );
        client.act("edit_item", edit(json!({"completed": true})));
        client.act("delete_item", json!({"kind": "task", "id": made["id"]}));
        assert_eq!(client.webhook_types().await, ["TaskComplete", "TaskDelete"]);
        let note = json!({"kind": "note", "fields": {"contactId": contact, "body": "nice"}});
        let note = client.act("create_item", note);
        let named = json!({"kind": "note", "id": note["id"], "fields": {"body": "nicer"}});
        client.act("edit_item", named.clone());
        client.act("delete_item", named);
        assert_eq!(
            client.webhook_types().await,
            ["NoteCreate", "NoteUpdate", "NoteDelete"]
        );
    }
}

#[tokio::test]
async fn merge() {
    for (choice, events) in [
        ("none", vec![]),
        ("update_delete", vec!["ContactUpdate", "ContactDelete"]),
    ] {
        let client = Client::quiet(&[("highlevel.merge_webhooks", json!(choice))]);
        client.subscribe();
        let winner = client
            .create(json!({"email": "ann@x.de", "tags": ["a"]}))
            .await;
        let loser = client
            .create(
                json!({"email": "ann@y.de", "phone": "+49711555123", "city": "Ulm", "tags": ["b"]}),
            )
            .await;
        client.webhooks().await;
        client.act("merge_contacts", json!({"winner": winner, "loser": loser}));
        assert_eq!(client.webhook_types().await, events);
        let kept = client.contact(&winner).await;
        assert_eq!(
            (&kept["email"], &kept["city"], &kept["phone"]),
            (&json!("ann@x.de"), &json!("Ulm"), &json!("+49711555123"))
        );
        assert_eq!(
            (&kept["additionalEmails"], &kept["tags"]),
            (&json!([{"email": "ann@y.de"}]), &json!(["a", "b"]))
        );
        assert_eq!(client.get(&format!("/contacts/{loser}")).await.status, 400);
        client.control.highlevel(|state| {
            let gone = state.contact(&loser).unwrap();
            assert_eq!(gone.merged_into.unwrap().as_str(), winner);
        });
        let again = client
            .post(
                "/contacts/",
                json!({"locationId": client.location, "email": "ann@y.de"}),
            )
            .await;
        assert_eq!(
            again.body["meta"]["contactId"],
            json!(winner),
            "the additional e-mail leads to the winner"
        );
    }
}

#[tokio::test]
async fn signatures() {
    let client = Client::quiet(&[]);
    client.subscribe();
    let next = async |choice: &str| {
        client.turn("highlevel.webhook_signature", choice);
        client.create(json!({"firstName": "Ä"})).await;
        let [webhook] = client.webhooks().await.try_into().unwrap();
        webhook
    };
    let keys = client.act("webhook_keys", json!({"rsa": true}));
    let ed25519 = &der(keys["ed25519"].as_str().unwrap())[12..];
    let rsa = der(keys["rsa"].as_str().unwrap());
    let verify_ed25519 = |webhook: &Received| {
        let signature = STANDARD
            .decode(header(webhook, "x-ghl-signature").unwrap())
            .unwrap();
        UnparsedPublicKey::new(&ED25519, ed25519)
            .verify(&webhook.raw, &signature)
            .is_ok()
    };
    let verify_rsa = |webhook: &Received| {
        let signature = STANDARD
            .decode(header(webhook, "x-wh-signature").unwrap())
            .unwrap();
        assert_eq!(signature.len(), 512, "RSA-4096");
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &rsa)
            .verify(&webhook.raw, &signature)
            .is_ok()
    };
    let webhook = next("ed25519").await;
    assert!(verify_ed25519(&webhook) && header(&webhook, "x-wh-signature").is_none());
    let webhook = next("both").await;
    assert!(verify_ed25519(&webhook) && verify_rsa(&webhook));
    let webhook = next("rsa").await;
    assert!(verify_rsa(&webhook) && header(&webhook, "x-ghl-signature").is_none());
    assert_eq!(header(&next("none").await, "x-ghl-signature"), Some("N/A"));
}

#[tokio::test]
async fn retries() {
    const HOUR_MS: i64 = 60 * 60 * 1000;
    let client = Client::quiet(&[]);
    client.subscribe();
    let send = async |status: u16| {
        *client.receiver_status.lock().unwrap() = status;
        client.create(json!({"firstName": "A"})).await;
        let mut all = client.webhooks().await;
        for _ in 0..13 {
            client.advance(100 * 24 * HOUR_MS);
            all.extend(client.webhooks().await);
        }
        all
    };
    assert_eq!(send(500).await.len(), 1, "only a 429 is tried again");
    let tries = send(429).await;
    assert_eq!(tries.len(), 7);
    assert!(
        tries.iter().all(|webhook| webhook.raw == tries[0].raw),
        "the same bytes each time"
    );
    let delivery = header(&tries[0], "deliveryid").unwrap();
    assert!(
        tries
            .iter()
            .all(|webhook| header(webhook, "deliveryid") == Some(delivery))
    );
    let log = client.control.core().deliveries.log();
    assert_eq!((log[1].fate, log[1].attempts.len()), (Fate::Failed, 7));

    client.turn("highlevel.webhook_retry", "any_failure");
    client.turn("highlevel.webhook_timestamp_refreshed", true);
    client.turn("highlevel.webhook_delivery_id", false);
    let tries = send(500).await;
    assert_eq!(tries.len(), 13);
    assert!(
        tries
            .iter()
            .all(|webhook| webhook.body["webhookId"] == tries[0].body["webhookId"])
    );
    assert_ne!(tries[0].body["timestamp"], tries[1].body["timestamp"]);
    assert!(header(&tries[0], "deliveryid").is_none());
}

#[tokio::test]
async fn the_first_retry_comes_after_ten_minutes_and_jitter() {
    let client = Client::quiet(&[]);
    client.subscribe();
    *client.receiver_status.lock().unwrap() = 429;
    client.create(json!({"firstName": "A"})).await;
    assert_eq!(client.webhooks().await.len(), 1);
    client.advance(599_999);
    assert!(client.webhooks().await.is_empty());
    *client.receiver_status.lock().unwrap() = 200;
    client.advance(60_001);
    assert_eq!(client.webhooks().await.len(), 1);
    let tally = client.control.core().deliveries.tally();
    assert_eq!((tally.queued, tally.delivered, tally.waiting), (1, 1, 0));
}

#[tokio::test]
async fn deliveries_are_lost_doubled_delayed_and_reordered() {
    let client = Client::quiet(&[]);
    client.subscribe();
    let faults = &client.control.core().faults;
    let create = async |name: &str| drop(client.create(json!({"firstName": name})).await);
    let names = async || -> Vec<Value> {
        client
            .webhooks()
            .await
            .into_iter()
            .map(|webhook| webhook.body["firstName"].clone())
            .collect()
    };

    faults.add(rule("ContactCreate", Fault::Lost));
    create("lost").await;
    faults.clear();
    assert!(names().await.is_empty());
    assert_eq!(client.control.core().deliveries.tally().lost, 1);

    faults.add(rule("Contact*", Fault::Doubled));
    create("twice").await;
    faults.clear();
    let twice = client.webhooks().await;
    assert_eq!(twice.len(), 2);
    assert_eq!(twice[0].raw, twice[1].raw);

    faults.add(rule("*", Fault::Delayed { ms: 60_000 }));
    create("late").await;
    faults.clear();
    create("punctual").await;
    assert_eq!(names().await, ["punctual"]);
    client.advance(60_000);
    assert_eq!(names().await, ["late"]);

    faults.add(Rule {
        count: Some(1),
        ..rule("*", Fault::Reordered)
    });
    for name in ["first", "second", "third"] {
        create(name).await;
    }
    assert_eq!(names().await, ["second", "first", "third"]);
    faults.clear();
    faults.add(Rule {
        count: Some(1),
        ..rule("*", Fault::Reordered)
    });
    create("alone").await;
    assert!(names().await.is_empty());
    client.advance(5_000);
    assert_eq!(
        names().await,
        ["alone"],
        "nothing follows, so it goes after five seconds"
    );
    assert_eq!(client.control.core().faults.all()[0].struck, 1);
    assert_eq!(
        client
            .control
            .core()
            .counts
            .totals(System::HighLevel)
            .writes,
        8
    );
}

#[tokio::test]
async fn envelope() {
    let client = Client::quiet(&[]);
    client.subscribe();
    let id = client.create(json!({"firstName": "Ann"})).await;
    client.webhooks().await;
    let told = async |envelope: &str| {
        client.turn("highlevel.webhook_envelope", envelope);
        client.act(
            "edit_contact",
            json!({"id": id, "fields": {"city": envelope}}),
        );
        client.webhooks().await.remove(0).body
    };
    let flat = told("flat").await;
    assert_eq!((&flat["id"], &flat["city"]), (&json!(id), &json!("flat")));
    let nested = told("nested").await;
    assert_eq!(
        (
            &nested["id"],
            &nested["data"]["id"],
            &nested["data"]["city"]
        ),
        (&Value::Null, &json!(id), &json!("nested"))
    );
    let bare = told("bare").await;
    for (key, in_bare) in [
        ("type", true),
        ("locationId", true),
        ("versionId", false),
        ("appId", false),
        ("timestamp", false),
        ("webhookId", false),
    ] {
        assert!(flat[key].is_string() && nested[key].is_string(), "{key}");
        assert_eq!(bare[key].is_string(), in_bare, "{key}");
    }
}
