//! Records that carry a key.
//!
//! Lists of members are narrowed by `email`, exactly as it is stored: another spelling of the same address is not found
//! here, and is found by the caller's own index of listings. Nothing narrows by phone. Lists of opportunities, bookings and visits
//! are narrowed by their member; those of tickets by nothing.
//!
//! Lists of companies are narrowed by `name`, exactly as it is stored, and by nothing else that a company is found by.
//! A key is a folded name, so all companies are listed and compared: a request for each fifty.

use connector::{Calls, Error, IdentityKey, KeyKind};
use record::{Read, Schema, fold};
use serde_json::{Map, Value as Json};

use crate::{api::in_flight, list::reading, pages, resource::Resource};

pub(crate) async fn find(
    calls: &dyn Calls,
    schema: &Schema,
    resource: &Resource,
    keys: &[IdentityKey],
) -> Result<Vec<Read>, Error> {
    let operation = resource.operations.find;
    let asked = calls.now();
    let place = format!("/{}", resource.path);
    let all_are = |kind: KeyKind| keys.iter().all(|key| key.kind == kind);
    let (kind, filter) = if resource.found_by_email {
        (KeyKind::Email, "email")
    } else if resource.found_by_member && all_are(KeyKind::Parent) {
        (KeyKind::Parent, "member")
    } else {
        return listed(calls, schema, resource, keys).await;
    };
    let narrowed: Vec<[(&str, &str); 1]> = keys
        .iter()
        .filter(|key| key.kind == kind)
        .map(|key| [(filter, key.value.as_str())])
        .collect();
    let questions = narrowed
        .iter()
        .map(|narrowed| pages::all_of(calls, operation, &place, narrowed))
        .collect();
    let mut found: Vec<Read> = Vec::new();
    for items in in_flight(questions).await {
        for item in items? {
            let read = reading(operation, &item, schema, resource, asked)?;
            if !found.iter().any(|known| known.record.id == read.record.id) {
                found.push(read);
            }
        }
    }
    Ok(found)
}

/// Everything is read, and what carries a key is kept.
async fn listed(
    calls: &dyn Calls,
    schema: &Schema,
    resource: &Resource,
    keys: &[IdentityKey],
) -> Result<Vec<Read>, Error> {
    if !keys.iter().any(|key| key.kind != KeyKind::Phone) {
        return Ok(Vec::new());
    }
    let operation = resource.operations.find;
    let asked = calls.now();
    let items = pages::all(calls, operation, &format!("/{}", resource.path)).await?;
    items
        .iter()
        .filter(|item| keys.iter().any(|key| has(item, key)))
        .map(|item| reading(operation, item, schema, resource, asked))
        .collect()
}

fn has(item: &Map<String, Json>, key: &IdentityKey) -> bool {
    let text = |name: &str| item.get(name).and_then(Json::as_str);
    match key.kind {
        KeyKind::Email => text("email").is_some_and(|mail| mail.trim().to_lowercase() == key.value),
        KeyKind::Name => text("name").is_some_and(|name| fold::organisation(name) == key.value),
        KeyKind::Parent => text("member") == Some(key.value.as_str()),
        KeyKind::Phone => false,
    }
}
