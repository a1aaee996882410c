//! Webhooks: whom to believe, and what they say.

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use connector::{Connector, Delivery, Incoming, Lifecycle, WebhookError, WebhookKeys};
use http::HeaderMap;
use proptest::prelude::*;
use record::{Completeness, Entity, Field, Freshness, Value};
use serde_json::{Value as Json, json};

use crate::fake::{LOCATION, set};

const RECEIVED: &str = "2026-11-21T10:00:00Z";

struct Signer(Ed25519KeyPair);

impl Signer {
    fn new() -> Self {
        Self(Ed25519KeyPair::generate().unwrap())
    }

    fn public(&self) -> String {
        STANDARD.encode(self.0.public_key().as_ref())
    }

    fn sign(&self, body: &[u8]) -> String {
        STANDARD.encode(self.0.sign(body))
    }
}

fn keys(pairs: &[(&str, String)]) -> WebhookKeys {
    WebhookKeys {
        keys: pairs
            .iter()
            .map(|(name, key)| ((*name).to_owned(), key.clone()))
            .collect(),
    }
}

fn read(
    headers: &[(&'static str, &str)],
    body: &[u8],
    keys: &WebhookKeys,
) -> Result<Delivery, WebhookError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, value.parse().unwrap());
    }
    highlevel::HighLevel::new().webhook(
        &Incoming {
            headers: &map,
            query: "",
            body,
            received: RECEIVED.parse().unwrap(),
        },
        keys,
    )
}

/// A delivery of this body, properly signed.
fn delivered(body: &Json) -> Delivery {
    let signer = Signer::new();
    let bytes = body.to_string().into_bytes();
    let keys = keys(&[("ed25519", signer.public())]);
    read(&[("x-ghl-signature", &signer.sign(&bytes))], &bytes, &keys).unwrap()
}

fn event() -> Json {
    json!({
        "type": "ContactUpdate", "locationId": LOCATION, "id": "nmFmQEsNgz6AVpgLVUJ0",
        "firstName": "Anna", "lastName": "von der Heide", "email": "anna@example.org", "phone": null,
        "dnd": true, "dateOfBirth": "2000-01-05T00:00:00.000Z", "tags": ["käufer"], "attachments": [],
        "dateAdded": "2026-11-01T12:41:02.193Z",
        "customFields": [{"id": "text", "value": "Am Ring 1"}, {"id": "area", "value": 81.5},
            {"id": "wish", "value": ["Balkon"]}, {"id": "file", "value": {"u": {}}}],
        "timestamp": "2026-11-21T09:59:58.000Z", "webhookId": "8656d90d-0000-4000-8000-000000000001",
        "appId": "app1", "versionId": "v1",
    })
}

fn refused(result: Result<Delivery, WebhookError>) -> &'static str {
    match result {
        Err(WebhookError::Signature(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_the_exact_bytes_of_a_trusted_signer_are_believed() {
    let (signer, stranger) = (Signer::new(), Signer::new());
    let trusted = keys(&[("ed25519", signer.public())]);
    let body = event().to_string().into_bytes();
    let good = signer.sign(&body);
    assert!(read(&[("x-ghl-signature", &good)], &body, &trusted).is_ok());

    let mut changed = body.clone();
    *changed.last_mut().unwrap() = b' ';
    assert_eq!(
        refused(read(&[("x-ghl-signature", &good)], &changed, &trusted)),
        "no trusted key made it"
    );
    let foreign = stranger.sign(&body);
    refused(read(&[("x-ghl-signature", &foreign)], &body, &trusted));
    // Without a configured key, the published one is trusted, which signed none of these.
    refused(read(
        &[("x-ghl-signature", &good)],
        &body,
        &WebhookKeys::default(),
    ));
    for missing in ["N/A", "", "  "] {
        assert_eq!(
            refused(read(&[("x-ghl-signature", missing)], &body, &trusted)),
            "there is no X-GHL-Signature"
        );
    }
    refused(read(&[("x-ghl-signature", "not base64!")], &body, &trusted));
    refused(read(&[], &body, &trusted));
}

#[test]
fn several_keys_stand_side_by_side_in_a_rotation() {
    let (old, new) = (Signer::new(), Signer::new());
    let hex: String = new
        .0
        .public_key()
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----",
        STANDARD.encode(old.0.public_key().as_der().unwrap().as_ref())
    );
    let trusted = keys(&[
        ("ed25519", pem),
        ("ed25519_next", hex),
        ("ed25519_published", "builtin".to_owned()),
    ]);
    let body = event().to_string().into_bytes();
    for signer in [&old, &new] {
        assert!(read(&[("x-ghl-signature", &signer.sign(&body))], &body, &trusted).is_ok());
    }
    let broken = keys(&[
        ("ed25519", new.public()),
        ("ed25519_next", "oops".to_owned()),
    ]);
    assert_eq!(
        refused(read(
            &[("x-ghl-signature", &new.sign(&body))],
            &body,
            &broken
        )),
        "a key in the configuration cannot be read"
    );
}

#[test]
fn the_old_signature_counts_only_where_it_is_asked_for() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let body = event().to_string().into_bytes();
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        &body,
        &mut signature,
    )
    .unwrap();
    let signature = STANDARD.encode(signature);
    let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let public = STANDARD.encode(der.as_ref());
    let enabled = keys(&[("rsa", public)]);
    assert!(read(&[("x-wh-signature", &signature)], &body, &enabled).is_ok());
    assert!(
        read(
            &[("x-wh-signature", &signature), ("x-ghl-signature", "N/A")],
            &body,
            &enabled
        )
        .is_ok()
    );
    let changed = [&body[..], b" "].concat();
    refused(read(&[("x-wh-signature", &signature)], &changed, &enabled));
    assert!(
        refused(read(
            &[("x-wh-signature", &signature)],
            &body,
            &WebhookKeys::default()
        ))
        .contains("not enabled")
    );
    // The published key is at hand, and did not sign this.
    let published = keys(&[("rsa", "builtin".to_owned())]);
    assert_eq!(
        refused(read(&[("x-wh-signature", &signature)], &body, &published)),
        "no trusted key made it"
    );
    // A good old signature does not make up for a bad new one.
    let stranger = Signer::new();
    refused(read(
        &[
            ("x-ghl-signature", &stranger.sign(&body)),
            ("x-wh-signature", &signature),
        ],
        &body,
        &enabled,
    ));
}

#[test]
fn an_event_about_a_contact_becomes_a_hint() {
    let delivery = delivered(&event());
    assert_eq!(
        delivery.id.as_deref(),
        Some("8656d90d-0000-4000-8000-000000000001")
    );
    assert_eq!(delivery.account.as_deref(), Some(LOCATION));
    assert_eq!(delivery.event, "ContactUpdate");
    assert_eq!(delivery.lifecycle, None);
    let [hint] = &delivery.hints[..] else {
        panic!()
    };
    assert_eq!(hint.entity, Entity::Contact);
    assert_eq!(hint.id.as_str(), "nmFmQEsNgz6AVpgLVUJ0");
    assert_eq!(
        hint.not_older_than,
        Some("2026-11-21T09:59:58Z".parse().unwrap())
    );
    let read = hint.shown.as_ref().unwrap();
    assert_eq!(
        (read.freshness, read.completeness),
        (Freshness::PossiblyStale, Completeness::Partial)
    );
    let fields = &read.record.fields;
    assert_eq!(fields.get("firstName").text(), Some("Anna"));
    assert_eq!(fields.get("dnd"), &Field::Value(Value::Boolean(true)));
    assert_eq!(
        fields.get("dateOfBirth"),
        &Field::Value(Value::Date("2000-01-05".parse().unwrap()))
    );
    assert_eq!(fields.get("tags"), &set(&["käufer"]));
    assert_eq!(fields.get("customFields.wish"), &set(&["Balkon"]));
    assert_eq!(fields.get("customFields.text").text(), Some("Am Ring 1"));
    for absent in [
        "phone",
        "companyName",
        "customFields.file",
        "dndSettings.Email",
    ] {
        assert_eq!(fields.get(absent), &Field::Unknown, "{absent}");
    }
}

#[test]
fn every_event_of_a_contact_hints_and_a_delete_shows_nothing() {
    for name in [
        "ContactCreate",
        "ContactUpdate",
        "ContactTagUpdate",
        "ContactDndUpdate",
    ] {
        let mut body = event();
        body["type"] = json!(name);
        body["dndSettings"] = json!({"Email": {"status": "active"}, "RCS": {"status": "inactive"}});
        let delivery = delivered(&body);
        let shown = delivery.hints[0].shown.as_ref().unwrap();
        assert_eq!(
            shown.record.fields.get("dndSettings.Email").text(),
            Some("active")
        );
    }
    let mut body = event();
    body["type"] = json!("ContactDelete");
    assert!(delivered(&body).hints[0].shown.is_none());
}

#[test]
fn an_event_of_a_record_hints_at_a_company_and_shows_nothing() {
    for name in ["RecordCreate", "RecordUpdate", "RecordDelete"] {
        let body = json!({
            "type": name, "id": "679b8f9bde6a0c356a0311b3", "locationId": "loc1", "owners": [], "followers": [],
            "properties": [{"key": "name", "valueString": "Firma"}], "timestamp": "2025-02-10T08:26:05.961Z",
        });
        let delivery = delivered(&body);
        let [hint] = &delivery.hints[..] else {
            panic!("{delivery:?}")
        };
        assert_eq!(hint.entity, record::Entity::Company);
        assert_eq!(hint.id.as_str(), "679b8f9bde6a0c356a0311b3");
        assert!(hint.shown.is_none() && hint.not_older_than.is_some());
    }
}

#[test]
fn a_stamp_from_the_future_is_not_waited_for() {
    let mut body = event();
    body["timestamp"] = json!("2036-01-01T00:00:00.000Z");
    assert_eq!(
        delivered(&body).hints[0].not_older_than,
        Some(RECEIVED.parse().unwrap())
    );
    body.as_object_mut().unwrap().remove("timestamp");
    assert_eq!(delivered(&body).hints[0].not_older_than, None);
}

#[test]
fn installs_and_removals_are_news_of_the_connection() {
    let install =
        json!({"type": "INSTALL", "appId": "app1", "locationId": "loc1", "companyId": "comp1"});
    let delivery = delivered(&install);
    assert_eq!(
        (delivery.account.as_deref().unwrap(), delivery.lifecycle),
        ("loc1", Some(Lifecycle::Installed))
    );
    let uninstall = json!({"type": "UNINSTALL", "appId": "app1", "companyId": "comp1"});
    let delivery = delivered(&uninstall);
    assert_eq!(
        (delivery.account.as_deref().unwrap(), delivery.lifecycle),
        ("comp1", Some(Lifecycle::Removed))
    );
    // Where the config says which app is ours, another's removal is no news.
    let signer = Signer::new();
    let bytes = uninstall.to_string().into_bytes();
    let ours = |app: &str| keys(&[("ed25519", signer.public()), ("app_id", app.to_owned())]);
    let headers = [("x-ghl-signature", signer.sign(&bytes))];
    let headers = [(headers[0].0, headers[0].1.as_str())];
    assert!(
        read(&headers, &bytes, &ours("app2"))
            .unwrap()
            .lifecycle
            .is_none()
    );
    assert!(
        read(&headers, &bytes, &ours("app1"))
            .unwrap()
            .lifecycle
            .is_some()
    );
}

#[test]
fn what_is_not_ours_is_acknowledged_without_a_hint() {
    for (body, account, event) in [
        (
            json!({"type": "InvoiceCreate", "locationId": "loc1", "id": "i1"}),
            "loc1",
            "InvoiceCreate",
        ),
        (
            json!({"type": "LocationUpdate", "id": "loc1", "companyId": "comp1"}),
            "loc1",
            "LocationUpdate",
        ),
        (json!({"associationId": "a1"}), "", "unknown"),
        (
            json!({"type": "ContactUpdate", "locationId": "loc1"}),
            "loc1",
            "ContactUpdate",
        ),
    ] {
        let delivery = delivered(&body);
        assert_eq!(
            (
                delivery.account.as_deref().unwrap(),
                delivery.event.as_str()
            ),
            (account, event)
        );
        assert!(delivery.hints.is_empty() && delivery.lifecycle.is_none());
    }
}

#[test]
fn opportunities_and_appointments_are_told_of() {
    use record::Entity;
    for (body, entity, id, born) in [
        (
            json!({"type": "OpportunityStageUpdate", "locationId": "loc1", "id": "o1"}),
            Entity::Opportunity,
            "o1",
            false,
        ),
        // nested, as no other event is
        (
            json!({"type": "AppointmentCreate", "locationId": "loc1", "appointment": {"id": "a1"}}),
            Entity::Appointment,
            "a1",
            true,
        ),
    ] {
        let delivery = delivered(&body);
        let [hint] = &delivery.hints[..] else {
            panic!("{delivery:?}")
        };
        assert_eq!(
            (hint.entity, hint.id.as_str(), hint.born),
            (entity, id, born)
        );
    }
}

#[test]
fn a_signed_body_that_is_no_event_is_told_apart_from_a_forged_one() {
    let signer = Signer::new();
    let trusted = keys(&[("ed25519", signer.public())]);
    for body in ["[]", "", "null", "{\"type\":"] {
        let result = read(
            &[("x-ghl-signature", &signer.sign(body.as_bytes()))],
            body.as_bytes(),
            &trusted,
        );
        assert!(matches!(result, Err(WebhookError::Body(_))), "{body}");
    }
    let huge = vec![b' '; (1 << 20) + 1];
    let result = read(&[("x-ghl-signature", &signer.sign(&huge))], &huge, &trusted);
    assert!(matches!(result, Err(WebhookError::Body(_))));
}

/// Any JSON, three levels deep.
fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,12}".prop_map(Json::from),
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T?[0-9:.]{0,12}Z?".prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map("id|value|status|email|url|.{0,4}", inner, 0..4)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_body_and_no_header_brings_it_down(
        body in prop::collection::vec(any::<u8>(), 0..300),
        signature in "[ -~]{0,120}",
        key in "[ -~]{0,100}",
    ) {
        let trusted = keys(&[("ed25519", key.clone()), ("rsa", key)]);
        for keys in [&trusted, &WebhookKeys::default()] {
            for name in ["x-ghl-signature", "x-wh-signature"] {
                prop_assert!(read(&[(name, &signature)], &body, keys).is_err());
            }
        }
    }

    #[test]
    fn no_signed_event_brings_it_down(
        replaced in prop::collection::btree_map(
            "type|locationId|id|firstName|dnd|tags|dateOfBirth|customFields|dndSettings|timestamp|dateUpdated|webhookId",
            any_json(),
            0..8,
        )
    ) {
        let mut body = event();
        for (name, json) in replaced {
            body[name] = json;
        }
        let delivery = delivered(&body);
        prop_assert!(delivery.hints.len() <= 1);
    }
}

#[test]
fn an_event_whose_record_is_in_data_says_the_same() {
    let flat = event();
    let mut record = flat.as_object().unwrap().clone();
    let mut outer = serde_json::Map::new();
    for key in ["type", "locationId", "timestamp", "webhookId"] {
        if let Some(value) = record.remove(key) {
            outer.insert(key.to_owned(), value);
        }
    }
    outer.insert("data".to_owned(), Json::Object(record));
    let (mut nested, mut flat) = (delivered(&Json::Object(outer)), delivered(&flat));
    assert!(!flat.hints.is_empty());
    // objects are the same in any order of their keys, their texts are not
    let (told, also_told) = (
        std::mem::take(&mut nested.happened),
        std::mem::take(&mut flat.happened),
    );
    assert!(!told.is_empty());
    assert_eq!(told, also_told);
    // that they differ in their form is for probes alone
    let forms = (
        std::mem::take(&mut nested.form),
        std::mem::take(&mut flat.form),
    );
    for (form, word) in [(forms.0, "nested"), (forms.1, "flat")] {
        assert!(form.contains(&("highlevel.webhook_envelope", json!(word))));
    }
    assert_eq!(format!("{nested:?}"), format!("{flat:?}"));
}
