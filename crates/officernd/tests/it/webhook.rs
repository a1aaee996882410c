//! Webhooks: subscribed, verified, read.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use connector::{Connector, Delivery, Incoming, Subscription, WebhookError, WebhookKeys};
use http::{HeaderMap, Method};
use officernd::OfficeRnD;
use proptest::prelude::*;
use record::Entity;
use serde_json::{Value as Json, json};

use crate::fake::{Fake, Reply, body, no, page};

const ADDRESS: &str = "https://tandem.example.test/hooks/officernd";
const BOTH: [Entity; 2] = [Entity::Contact, Entity::Company];

fn keys(secrets: &[&str]) -> WebhookKeys {
    let named = secrets.iter().enumerate();
    WebhookKeys {
        keys: named
            .map(|(number, secret)| (format!("secret{number}"), (*secret).to_owned()))
            .collect(),
    }
}

fn receive(signature: &str, body: &[u8], keys: &WebhookKeys) -> Result<Delivery, WebhookError> {
    let mut headers = HeaderMap::new();
    headers.insert("Officernd-Signature", signature.parse().unwrap());
    OfficeRnD::new().webhook(
        &Incoming {
            headers: &headers,
            query: "",
            body,
            received: "2026-02-20T10:05:01Z".parse().unwrap(),
        },
        keys,
    )
}

/// Signed with `whsec_test` at 1700000000 by a tool that is not ours.
const BODY: &[u8] = br#"{"eventType":"member.updated"}"#;
const SIGNATURE: &str = "58d3c3bfd717f6a544e37732f675a75f2842d27ad0d1c7bd12b1ad757e5aad9f";

#[test]
fn a_signature_over_body_and_stamp_is_taken_in_any_order_of_its_parts() {
    for header in [
        format!("t=1700000000,signature={SIGNATURE}"),
        format!("signature={SIGNATURE}, t=1700000000"),
        format!("t=1700000000,signature={}", SIGNATURE.to_uppercase()),
    ] {
        let delivery = receive(&header, BODY, &keys(&["other", "whsec_test"])).unwrap();
        assert_eq!(delivery.event, "member.updated");
        assert_eq!(delivery.account, None, "the secret says whose it is");
    }
}

#[test]
fn anything_else_is_refused() {
    let good = format!("t=1700000000,signature={SIGNATURE}");
    let signed =
        |header: &str, body: &[u8], secrets: &[&str]| receive(header, body, &keys(secrets));
    for refused in [
        signed(&good, BODY, &["whsec_other"]),
        signed(&good, BODY, &[]),
        signed(&good, br#"{"eventType":"member.removed"}"#, &["whsec_test"]),
        signed(
            &format!("t=1700000001,signature={SIGNATURE}"),
            BODY,
            &["whsec_test"],
        ),
        signed(&format!("signature={SIGNATURE}"), BODY, &["whsec_test"]),
        signed("t=1700000000,signature=abc", BODY, &["whsec_test"]),
        signed("", BODY, &["whsec_test"]),
    ] {
        assert!(
            matches!(refused, Err(WebhookError::Signature(_))),
            "{refused:?}"
        );
    }
}

/// The message signed with `whsec_test`.
fn sign(body: &[u8]) -> String {
    use aws_lc_rs::hmac;
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"whsec_test");
    let mut message = body.to_vec();
    message.extend_from_slice(b".1700000000");
    let tag = hmac::sign(&key, &message);
    let hex: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("t=1700000000,signature={hex}")
}

fn event(body: &Json) -> Delivery {
    let body = body.to_string();
    receive(
        &sign(body.as_bytes()),
        body.as_bytes(),
        &keys(&["whsec_test"]),
    )
    .unwrap()
}

#[test]
fn a_body_in_either_versions_words_is_a_hint_and_no_more() {
    let delivery = event(&json!({
        "event": "65d4a0000000000000000009", "eventType": "member.updated",
        "createdAt": "2026-02-20T10:05:00.000Z",
        "data": {
            "object": {"_id": "65a000000000000000000001", "organization": "60c0ffee0000000000000000",
                "name": "Ada Example", "office": "60c0ffee0000000000000001", "calculatedStatus": "active",
                "modifiedAt": "2026-02-20T10:05:00.000Z"},
            "previousAttributes": {"phone": "+49 30 111111"},
        },
    }));
    assert_eq!(delivery.id.as_deref(), Some("65d4a0000000000000000009"));
    let [hint] = &delivery.hints[..] else {
        panic!("{delivery:?}");
    };
    assert_eq!(hint.entity, Entity::Contact);
    assert_eq!(hint.id.as_str(), "65a000000000000000000001");
    assert_eq!(
        hint.not_older_than,
        Some("2026-02-20T10:05:00Z".parse().unwrap())
    );
    assert!(hint.shown.is_none());
}

#[test]
fn each_event_hints_at_what_it_may_have_changed() {
    let hints = |event_type: &str, object: Json| -> Vec<(Entity, String, bool)> {
        let delivery = event(&json!({"eventType": event_type, "data": {"object": object}}));
        let hints = delivery.hints.into_iter();
        hints
            .map(|hint| {
                (
                    hint.entity,
                    hint.id.to_string(),
                    hint.not_older_than.is_some(),
                )
            })
            .collect()
    };
    let stamp = "2030-01-01T00:00:00.000Z";
    let dated = json!({"_id": "x", "modifiedAt": stamp});
    assert_eq!(
        hints("company.created", dated.clone()),
        [(Entity::Company, "x".to_owned(), true)]
    );
    assert_eq!(
        hints("member.removed", dated),
        [(Entity::Contact, "x".to_owned(), false)]
    );
    assert_eq!(
        hints(
            "membership.updated",
            json!({"_id": "p", "member": "m", "team": "c"})
        ),
        [
            (Entity::Contact, "m".to_owned(), false),
            (Entity::Company, "c".to_owned(), false)
        ]
    );
    for other in [
        "member.paymentdetails.created",
        "invoice.created",
        "unheard.of",
        "",
    ] {
        assert_eq!(hints(other, json!({"_id": "x"})), []);
    }
}

proptest! {
    /// Whatever is sent with a good signature ends in a delivery or in an error about its form.
    #[test]
    fn no_signed_body_breaks_the_reader(body in proptest::collection::vec(any::<u8>(), 0..80)) {
        match receive(&sign(&body), &body, &keys(&["whsec_test"])) {
            Ok(_) | Err(WebhookError::Body(_)) => {}
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}

/// The organisation's webhooks behind a scripted API.
fn webhooks(items: Vec<Json>) -> (Fake, Arc<Mutex<Vec<Json>>>) {
    let items = Arc::new(Mutex::new(items));
    let state = Arc::clone(&items);
    let fake = Fake::new(move |request| {
        let mut items = state.lock().unwrap();
        let id = request.path.rsplit('/').next().unwrap().to_owned();
        match request.method {
            Method::GET => page(&items),
            Method::POST => {
                let mut made = body(request);
                made["_id"] = json!(format!("w{}", items.len() + 10));
                made["secret"] = json!("whsec_new");
                items.push(made.clone());
                Reply::Json(201, made)
            }
            Method::PUT => {
                let one = items.iter_mut().find(|item| item["_id"] == id.as_str());
                let one = one.unwrap();
                one["isEnabled"] = body(request)["isEnabled"].clone();
                Reply::Json(200, one.clone())
            }
            Method::DELETE => {
                items.retain(|item| item["_id"] != id.as_str());
                Reply::Json(200, json!({"_id": id}))
            }
            _ => panic!("{request:?}"),
        }
    });
    (fake, items)
}

async fn subscribe(fake: &Fake, before: Option<&Subscription>) -> Subscription {
    let subscribed = fake.connector.subscribe(fake, ADDRESS, &BOTH, &[], before);
    subscribed.await.unwrap().unwrap()
}

fn events() -> Vec<&'static str> {
    vec![
        "member.created",
        "member.updated",
        "member.removed",
        "company.created",
        "company.updated",
        "company.removed",
        "membership.created",
        "membership.updated",
        "membership.removed",
    ]
}

#[tokio::test]
async fn one_webhook_is_made_and_then_kept() {
    let stranger = json!({"_id": "w1", "url": "https://zap.example.test", "eventTypes": ["member.created"],
        "secret": "x", "isEnabled": true});
    let (fake, items) = webhooks(vec![stranger.clone()]);
    let first = subscribe(&fake, None).await;
    assert_eq!(first.keys["subscribed"].expose(), "whsec_new");
    assert_eq!(items.lock().unwrap()[1]["eventTypes"], json!(events()));
    let again = subscribe(&fake, Some(&first)).await;
    assert_eq!(again.id, first.id);
    // after a new sign-in nothing is known of it any more: it is found by its address
    let found = subscribe(&fake, None).await;
    assert_eq!(found.id, first.id);
    assert_eq!(
        fake.operations(),
        [
            "webhooks.list",
            "webhooks.create",
            "webhooks.list",
            "webhooks.list"
        ]
    );
    assert_eq!(items.lock().unwrap()[0], stranger);
}

#[tokio::test]
async fn what_is_off_is_switched_on_and_what_does_not_fit_is_made_anew() {
    let ours = |id: &str, url: &str, events: Vec<&str>, enabled: bool| json!({"_id": id, "url": url, "eventTypes": events, "secret": "s", "isEnabled": enabled});
    let (fake, items) = webhooks(vec![ours("off", ADDRESS, events(), false)]);
    assert_eq!(subscribe(&fake, None).await.id, "off");
    assert_eq!(items.lock().unwrap()[0]["isEnabled"], true);

    let moved = Subscription {
        id: "moved".to_owned(),
        address: "https://old.example.test/hooks/officernd".to_owned(),
        keys: BTreeMap::new(),
    };
    let (fake, items) = webhooks(vec![
        ours("moved", &moved.address, events(), true),
        ours("few", ADDRESS, vec!["member.created"], true),
        ours("good", ADDRESS, events(), true),
        ours("double", ADDRESS, events(), true),
    ]);
    assert_eq!(subscribe(&fake, Some(&moved)).await.id, "good");
    let left = items.lock().unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["_id"], "good");
}

#[tokio::test]
async fn without_the_right_nothing_is_subscribed_and_it_is_said() {
    let fake = Fake::new(|_| no(401, "Unauthorized access"));
    let error = fake
        .connector
        .subscribe(&fake, ADDRESS, &BOTH, &[], None)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("flex.settings.webhooks.read"),
        "{error}"
    );
}
