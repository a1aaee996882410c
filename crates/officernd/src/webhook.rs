//! What the vendor pushes: verified over its raw bytes, then read into hints.
//!
//! `officernd-signature: t=<seconds>,signature=<hex>` is HMAC-SHA256 with the webhook's secret (as text) over the raw
//! body, a dot and `t` (the vendor's own example of 2020, and two receivers of others). The age is not looked at:
//! whether a late repetition is signed anew is documented nowhere, and a replay makes us read a record, no more;
//! repeats are dropped by the event's id.
//!
//! The body's `data.object` was seen in v1's words (`office`, `team`), so nothing of it is believed but which
//! record it is; only `modifiedAt` is used as "not older than". It names no account in a form that we know: the
//! secret says whose it is.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use connector::{Delivery, Hint, Incoming, WebhookError, WebhookKeys, catalog::trigger::Happened};
use http::HeaderMap;
use record::{Entity, RecordId};
use serde_json::{Map, Value as Json, json};

use crate::{catalog, pages, value};

const HEADER: &str = "officernd-signature";

/// The largest body that is looked at, in bytes. The vendor's own are a few kilobytes.
const LARGEST_BODY: usize = 1 << 20;

/// The events about these records. Those of memberships change statuses.
pub(crate) fn events(entities: &[Entity]) -> Vec<&'static str> {
    let mut events = Vec::new();
    for entity in entities {
        match entity {
            Entity::Contact => {
                events.extend(["member.created", "member.updated", "member.removed"]);
            }
            Entity::Company => {
                events.extend(["company.created", "company.updated", "company.removed"]);
            }
            Entity::Appointment => {
                events.extend(["booking.created", "booking.updated", "booking.removed"]);
            }
            Entity::Task => {
                events.extend(["ticket.created", "ticket.updated", "ticket.removed"]);
            }
            _ => {}
        }
    }
    if entities
        .iter()
        .any(|entity| matches!(entity, Entity::Contact | Entity::Company))
    {
        events.extend([
            "membership.created",
            "membership.updated",
            "membership.removed",
        ]);
    }
    events
}

pub(crate) fn read(incoming: &Incoming<'_>, keys: &WebhookKeys) -> Result<Delivery, WebhookError> {
    if incoming.body.len() > LARGEST_BODY {
        return Err(WebhookError::Body(format!(
            "it has {} bytes, more than any of OfficeRnD's",
            incoming.body.len()
        )));
    }
    verify(incoming.headers, incoming.body, keys)?;
    let body: Map<String, Json> = serde_json::from_slice(incoming.body)
        .map_err(|_| WebhookError::Body("it is no JSON object".to_owned()))?;
    let text = |key: &str| {
        body.get(key)
            .and_then(Json::as_str)
            .filter(|text| !text.is_empty())
    };
    let event = text("eventType").unwrap_or("unknown");
    let object = body
        .get("data")
        .and_then(|data| data.get("object"))
        .and_then(Json::as_object);
    let happened = object.and_then(|object| happened(event, object, body.get("data")));
    Ok(Delivery {
        id: text("event").or_else(|| text("_id")).map(str::to_owned),
        account: None,
        hints: object
            .map(|object| hints(event, object, incoming))
            .unwrap_or_default(),
        happened: happened.into_iter().collect(),
        unnamed: Vec::new(),
        lifecycle: None,
        event: event.to_owned(),
        form: object.and_then(form).into_iter().collect(),
    })
}

/// Whose words the object of an event is in, where it has any that differ.
fn form(object: &Map<String, Json>) -> Option<(&'static str, Json)> {
    let has = |words: [&str; 2]| words.iter().any(|word| object.contains_key(*word));
    let words = match (has(["office", "team"]), has(["location", "company"])) {
        (true, false) => "v1",
        (false, true) => "v2",
        _ => return None,
    };
    Some(("officernd.webhook_body", json!(words)))
}

/// Words of v1 in an object of an event, and what v2 calls them.
const OLD_WORDS: [(&str, &str); 5] = [
    ("office", "location"),
    ("team", "company"),
    ("billingPerson", "isBillingPerson"),
    ("contactPerson", "isContactPerson"),
    ("calculatedStatus", "status"),
];

/// What the event is as a trigger of the catalog: its object in the words of v2, whichever shape it came in, with what an
/// update changed beside it.
fn happened(event: &str, object: &Map<String, Json>, data: Option<&Json>) -> Option<Happened> {
    let trigger = catalog::catalog().told_by(event)?;
    let mut item = new_words(object);
    if let Some(before) = data.and_then(|data| data["previousAttributes"].as_object()) {
        let before = new_words(before);
        item.insert("previousAttributes".to_owned(), Json::Object(before));
    }
    // who the payment details belong to stands beside them
    for owner in ["member", "company"] {
        if let Some(id) = data.and_then(|data| data.get(owner)) {
            item.entry(owner).or_insert_with(|| id.clone());
        }
    }
    Some(Happened {
        trigger: trigger.id.clone(),
        id: pages::id(object).unwrap_or_default().to_owned(),
        item: Json::Object(item),
    })
}

fn new_words(object: &Map<String, Json>) -> Map<String, Json> {
    let mut new = object.clone();
    for (old, name) in OLD_WORDS {
        if let Some(value) = new.remove(old) {
            // v1 has both a status by hand and the one that follows; the latter is v2's
            new.insert(name.to_owned(), value);
        }
    }
    new
}

fn hints(event: &str, object: &Map<String, Json>, incoming: &Incoming<'_>) -> Vec<Hint> {
    let (resource, what) = event.rsplit_once('.').unwrap_or((event, ""));
    let hint = |entity: Entity, id: &str, dated: bool| Hint {
        entity,
        id: RecordId::from(id),
        not_older_than: object
            .get("modifiedAt")
            .filter(|_| dated)
            .and_then(value::instant)
            // a stamp from the future (a clock that runs ahead) would never be reached
            .map(|stamp| stamp.min(incoming.received)),
        born: dated && what == "created",
        shown: None,
    };
    match resource {
        "member" | "company" | "booking" | "ticket" => {
            let entity = match resource {
                "member" => Entity::Contact,
                "company" => Entity::Company,
                "booking" => Entity::Appointment,
                _ => Entity::Task,
            };
            pages::id(object)
                .map(|id| hint(entity, id, what != "removed"))
                .into_iter()
                .collect()
        }
        "membership" => [
            ("member", Entity::Contact),
            ("company", Entity::Company),
            ("team", Entity::Company),
        ]
        .into_iter()
        .filter_map(|(key, entity)| {
            let id = object.get(key).and_then(Json::as_str)?;
            (!id.is_empty()).then(|| hint(entity, id, false))
        })
        .collect(),
        _ => Vec::new(),
    }
}

/// Fails unless a known secret signed exactly these bytes.
fn verify(headers: &HeaderMap, body: &[u8], keys: &WebhookKeys) -> Result<(), WebhookError> {
    let header = headers
        .get(HEADER)
        .and_then(|value| value.to_str().ok())
        .ok_or(WebhookError::Signature("there is no officernd-signature"))?;
    let parts: BTreeMap<&str, &str> = header
        .split(',')
        .filter_map(|part| part.trim().split_once('='))
        .collect();
    let (Some(stamp), Some(signature)) = (parts.get("t"), parts.get("signature")) else {
        return Err(WebhookError::Signature(
            "it has no parts `t` and `signature`",
        ));
    };
    let signature = hex(signature).ok_or(WebhookError::Signature("it is no hexadecimal"))?;
    if keys.keys.is_empty() {
        return Err(WebhookError::Signature(
            "no webhook of ours is subscribed, and no secret is configured",
        ));
    }
    let mut message = body.to_vec();
    message.push(b'.');
    message.extend_from_slice(stamp.as_bytes());
    let fits = keys.keys.values().any(|secret| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.trim().as_bytes());
        // in constant time
        hmac::verify(&key, &message, &signature).is_ok()
    });
    if fits {
        Ok(())
    } else {
        Err(WebhookError::Signature("no known secret made it"))
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..32)
        .map(|index| u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).ok())
        .collect()
}
