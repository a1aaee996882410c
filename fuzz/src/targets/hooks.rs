//! Webhooks: nothing is believed that is not signed, and what is signed may still be anything.

use std::sync::LazyLock;

use anyhow::{Context as _, Result, bail, ensure};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use connector::{
    Connector, Delivery, Incoming, WebhookError, WebhookKeys,
    catalog::trigger::{Source, Trigger},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value as Json, json};
use sha2::Sha256;

use crate::{bend, dice::Dice};

const SECRET: &str = "whsec_fuzz";

const ADDRESS: &str = "https://tandem.example/hooks/onoffice";

const RECEIVED: &str = "2026-03-02T08:00:00Z";

/// A key that never leaves this process.
static SIGNER: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed of 32 bytes"));

/// What a vendor sends.
#[derive(Debug, Clone, Default)]
struct Sent {
    headers: Vec<(&'static str, String)>,
    query: String,
    body: Vec<u8>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mac(message: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length");
    mac.update(message);
    hex(&mac.finalize().into_bytes())
}

fn keys(system: &str) -> WebhookKeys {
    let keys: &[(&str, String)] = match system {
        "highlevel" => &[("ed25519", STANDARD.encode(SIGNER.public_key().as_ref()))],
        "onoffice" => &[
            ("provider_secret", SECRET.to_owned()),
            ("provider_url", ADDRESS.to_owned()),
        ],
        _ => &[("secret", SECRET.to_owned())],
    };
    WebhookKeys {
        keys: keys
            .iter()
            .map(|(name, key)| ((*name).to_owned(), key.clone()))
            .collect(),
    }
}

fn signed(system: &str, body: Vec<u8>, mut query: Vec<(String, String)>) -> Sent {
    match system {
        "highlevel" => Sent {
            headers: vec![("x-ghl-signature", STANDARD.encode(SIGNER.sign(&body)))],
            query: String::new(),
            body,
        },
        "onoffice" => {
            query.sort();
            let joined = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&query)
                .finish();
            let message = format!("{ADDRESS}?{}", joined.replace('*', "%2A"));
            Sent {
                headers: Vec::new(),
                query: format!("{joined}&signature={}", mac(message.as_bytes())),
                body: Vec::new(),
            }
        }
        _ => {
            let mut message = body.clone();
            message.extend_from_slice(b".1700000000");
            let header = format!("t=1700000000,signature={}", mac(&message));
            Sent {
                headers: vec![("officernd-signature", header)],
                query: String::new(),
                body,
            }
        }
    }
}

fn receive(connector: &dyn Connector, sent: &Sent) -> Result<Result<Delivery, WebhookError>> {
    let mut headers = HeaderMap::new();
    for (name, value) in &sent.headers {
        // what is no header never gets as far as this
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    let incoming = Incoming {
        headers: &headers,
        query: &sent.query,
        body: &sent.body,
        received: RECEIVED.parse()?,
    };
    Ok(connector.webhook(&incoming, &keys(connector.describe().system)))
}

/// A body of such an event, as far as the catalog knows it.
fn body(dice: &mut Dice, system: &str, triggers: &[(&Trigger, &str)]) -> Json {
    let (trigger, event) = match triggers {
        [] => return bend::value(dice),
        all => *dice.of(all),
    };
    let mut item = trigger.example.as_object().cloned().unwrap_or_default();
    if system == "highlevel" {
        item.insert("type".to_owned(), json!(event));
        item.insert("locationId".to_owned(), json!("ve9EPM428h8vShlRW1KT"));
        item.insert("webhookId".to_owned(), json!("5c1a7c8a"));
        item.entry("id").or_insert(json!("ocQHyuzHvysMo5N5VsXc"));
        if dice.chance(30) {
            // a body of the other form: the record in `data`
            let mut outer = Map::new();
            outer.insert("type".to_owned(), json!(event));
            outer.insert("locationId".to_owned(), json!("ve9EPM428h8vShlRW1KT"));
            outer.insert("data".to_owned(), Json::Object(item));
            return Json::Object(outer);
        }
        return Json::Object(item);
    }
    item.entry("_id")
        .or_insert(json!("5db6bcf2e0ba1d0010c8b1a2"));
    item.entry("modifiedAt")
        .or_insert(json!("2026-03-01T08:00:00.000Z"));
    json!({"eventType": event, "event": "e1", "data": {"object": item, "previousAttributes": {"name": "Anna"}}})
}

fn query(dice: &mut Dice) -> Vec<(String, String)> {
    let mut query: Vec<(String, String)> = [
        ("userId", "21"),
        ("apiClaim", "abc+/="),
        ("customerName", "muster gmbh"),
        ("customerWebId", "1234-5678"),
        ("timestamp", "1700000000"),
        (
            *dice.of(&[
                "addressId",
                "estateId",
                "taskId",
                "appointmentId",
                "calendarId",
            ]),
            "409",
        ),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .to_vec();
    for _ in 0..dice.below(4) {
        let at = dice.below(query.len());
        match dice.below(4) {
            0 if query.len() > 1 => drop(query.remove(at)),
            1 => query[at].0 = bend::text(dice),
            2 => query.push((query[at].0.clone(), bend::text(dice))),
            _ => query[at].1 = bend::text(dice),
        }
    }
    // what signs the others is none of them
    query.retain(|(key, _)| key != "signature");
    query
}

pub(crate) fn play(dice: &mut Dice) -> Result<()> {
    let systems: [Box<dyn Connector>; 3] = [
        Box::new(highlevel::HighLevel::new()),
        Box::new(onoffice::OnOffice::new()),
        Box::new(officernd::OfficeRnD::new()),
    ];
    let connector = &**dice.of(&systems);
    let triggers: Vec<(&Trigger, &str)> = connector
        .catalog()
        .triggers
        .iter()
        .flat_map(|trigger| match &trigger.source {
            Source::Webhook { events, .. } => events
                .iter()
                .map(|event| (trigger, event.as_str()))
                .collect(),
            Source::Poll(_) => Vec::new(),
        })
        .collect();
    let words: Vec<String> = triggers
        .iter()
        .map(|(_, event)| (*event).to_owned())
        .chain(
            [
                "INSTALL",
                "UNINSTALL",
                "ContactUpdate",
                "id",
                "_id",
                "contactId",
                "locationId",
                "companyId",
                "appId",
                "modifiedAt",
                "dateUpdated",
            ]
            .map(str::to_owned),
        )
        .collect();
    for _ in 0..20 {
        one(dice, connector, &triggers, &words)?;
    }
    Ok(())
}

fn one(
    dice: &mut Dice,
    connector: &dyn Connector,
    triggers: &[(&Trigger, &str)],
    words: &[String],
) -> Result<()> {
    let system = connector.describe().system;
    let mut body = body(dice, system, triggers);
    for _ in 0..dice.below(5) {
        bend::json(dice, &mut body, words);
    }
    let mut bytes = body.to_string().into_bytes();
    if dice.chance(10) {
        bend::bytes(dice, &mut bytes);
    }
    let sent = signed(system, bytes, query(dice));
    let told = || {
        format!(
            "{system} {:?} {:?}",
            sent.query,
            String::from_utf8_lossy(&sent.body)
        )
    };
    match receive(connector, &sent)? {
        Ok(delivery) => {
            for hint in &delivery.hints {
                ensure!(
                    !hint.id.as_str().is_empty(),
                    "a hint without an id: {}",
                    told()
                );
            }
            for happened in &delivery.happened {
                ensure!(
                    triggers
                        .iter()
                        .any(|(trigger, _)| trigger.id == happened.trigger),
                    "what no trigger tells of: {happened:?} of {}",
                    told()
                );
            }
        }
        Err(WebhookError::Body(why)) => {
            ensure!(!why.trim().is_empty(), "no reason is said: {}", told());
        }
        Err(other) => bail!("signed, and refused for {other}: {}", told()),
    }
    // what is not what was signed is not believed, however it is signed
    let mut forged = sent.clone();
    match dice.below(3) {
        0 if !forged.headers.is_empty() => bend::source(dice, &mut forged.headers[0].1, &[]),
        _ if system == "onoffice" => bend::source(dice, &mut forged.query, &[]),
        _ => bend::bytes(dice, &mut forged.body),
    }
    let same = forged.body == sent.body && say_the_same(&forged.query, &sent.query);
    match receive(connector, &forged).with_context(told)? {
        Ok(_) | Err(WebhookError::Body(_)) if !same => {
            bail!(
                "believed although it was changed to {:?} {:?}: {}",
                forged.query,
                String::from_utf8_lossy(&forged.body),
                told()
            )
        }
        _ => Ok(()),
    }
}

/// Whether two queries have the same parameters, by one of the readings of `+`.
fn say_the_same(one: &str, other: &str) -> bool {
    let readings = |query: &str| {
        [query.to_owned(), query.replace('+', "%2B")].map(|query| {
            let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .filter(|(key, _)| key != "signature")
                .collect();
            pairs.sort();
            pairs
        })
    };
    let others = readings(other);
    readings(one).iter().any(|one| others.contains(one))
}
