//! Contacts that carry an e-mail or a phone.
//!
//! No one way finds all: the search lags behind and was seen to miss phones, the duplicate lookup gives
//! one contact and knows no secondary e-mails and phones, the free-text query knows them but finds too
//! much. So all are asked, and what the query brings is checked.

use connector::{Calls, Effect, Error, IdentityKey, KeyKind, Request};
use futures::future::join3;
use http::Method;
use jiff::Timestamp;
use record::{Completeness, Freshness, Read, Schema};
use serde_json::{Map, Value as Json, json};

use super::{
    decode::{self, Shape},
    in_flight,
    search::{LONGEST_VALUE, Search, search},
};
use crate::{answer::Complaint, operation::CONTACT_DUPLICATE, settings::Settings};

/// Keys in one search.
const KEYS_AT_ONCE: usize = 20;

/// Most contacts that one search is asked for: several may share a key.
const CANDIDATES: usize = 100;

/// Found contacts with the time of the request.
type Candidates = Vec<(Map<String, Json>, Timestamp)>;

pub(crate) async fn find(
    calls: &dyn Calls,
    schema: &Schema,
    keys: &[IdentityKey],
) -> Result<Vec<Read>, Error> {
    let by_filter = in_flight(
        keys.chunks(KEYS_AT_ONCE)
            .map(|keys| by_filter(calls, keys))
            .collect(),
    );
    let by_lookup = in_flight(keys.iter().map(|key| by_lookup(calls, key)).collect());
    let by_query = in_flight(
        keys.iter()
            .filter(|key| fits(key) && key.kind != KeyKind::Name)
            .map(|key| by_query(calls, key))
            .collect(),
    );
    let mut found: Vec<Read> = Vec::new();
    let (by_lookup, by_filter, by_query) = join3(by_lookup, by_filter, by_query).await;
    for part in [by_lookup, by_filter, by_query] {
        for candidates in part {
            for (contact, sent) in candidates? {
                add(&mut found, &contact, schema, sent);
            }
        }
    }
    Ok(found)
}

fn add(found: &mut Vec<Read>, contact: &Map<String, Json>, schema: &Schema, sent: Timestamp) {
    let Some(id) = decode::id(contact) else {
        return;
    };
    let known = found.iter().any(|read| read.record.id.as_str() == id);
    if known || decode::is_deleted(contact) {
        return;
    }
    let shape = Shape::Found {
        names_keep_case: false,
    };
    let fields = decode::fields(contact, schema, shape);
    found.push(decode::read(
        id,
        contact,
        fields,
        Freshness::PossiblyStale,
        Completeness::Partial,
        sent,
    ));
}

fn fits(key: &IdentityKey) -> bool {
    key.value.chars().count() <= LONGEST_VALUE
}

async fn by_filter(calls: &dyn Calls, keys: &[IdentityKey]) -> Result<Candidates, Error> {
    let filters: Vec<Json> = keys
        .iter()
        .filter(|key| fits(key))
        .filter_map(|key| {
            let field = match key.kind {
                KeyKind::Email => "email",
                KeyKind::Phone => "phone",
                KeyKind::Name | KeyKind::Parent => return None,
            };
            Some(json!({ "field": field, "operator": "eq", "value": key.value }))
        })
        .collect();
    if filters.is_empty() {
        return Ok(Vec::new());
    }
    searched(
        calls,
        Search {
            filters: vec![json!({ "group": "OR", "filters": filters })],
            limit: CANDIDATES,
            ..Search::default()
        },
    )
    .await
}

/// Free text reaches secondary e-mails and phones as far as the sub-account makes them searchable.
async fn by_query(calls: &dyn Calls, key: &IdentityKey) -> Result<Candidates, Error> {
    let found = searched(
        calls,
        Search {
            query: Some(key.value.clone()),
            limit: CANDIDATES,
            ..Search::default()
        },
    )
    .await?;
    Ok(found
        .into_iter()
        .filter(|(contact, _)| has(contact, key))
        .collect())
}

async fn searched(calls: &dyn Calls, what: Search) -> Result<Candidates, Error> {
    let found = search(calls, what).await?;
    let sent = found.sent;
    Ok(found.items.into_iter().map(|item| (item, sent)).collect())
}

/// Whether the contact shows this key, first or additional.
fn has(contact: &Map<String, Json>, key: &IdentityKey) -> bool {
    let (first, additional, part) = match key.kind {
        KeyKind::Email => ("email", "additionalEmails", "email"),
        KeyKind::Phone => ("phone", "additionalPhones", "phone"),
        KeyKind::Name | KeyKind::Parent => return false,
    };
    let is = |json: &Json| {
        json.as_str().is_some_and(|text| match key.kind {
            KeyKind::Email => text.trim().to_lowercase() == key.value,
            KeyKind::Phone => digits(text).eq(digits(&key.value)),
            KeyKind::Name | KeyKind::Parent => false,
        })
    };
    contact.get(first).is_some_and(is)
        || contact
            .get(additional)
            .and_then(Json::as_array)
            .is_some_and(|items| items.iter().any(|item| is(item) || is(&item[part])))
}

fn digits(phone: &str) -> impl Iterator<Item = char> {
    phone.chars().filter(char::is_ascii_digit)
}

/// `GET /contacts/search/duplicate`: at once, but one contact at most. The phone's parameter is called
/// `number`. What is answered when there is none is documented nowhere: `{"contact": null}` is what
/// clients expect.
pub(super) async fn by_lookup(calls: &dyn Calls, key: &IdentityKey) -> Result<Candidates, Error> {
    let parameter = match key.kind {
        KeyKind::Email => "email",
        KeyKind::Phone => "number",
        KeyKind::Name | KeyKind::Parent => return Ok(Vec::new()),
    };
    let request = Request::new(
        CONTACT_DUPLICATE,
        Effect::Read,
        Method::GET,
        "/contacts/search/duplicate",
    )
    .query("locationId", Settings::of(calls).location()?)
    .query(parameter, key.value.as_str());
    let response = calls.send(request).await?;
    if !response.status.is_success() {
        let complaint = Complaint::of(&response);
        if complaint.is_gone() {
            return Ok(Vec::new());
        }
        return Err(Error::Refused {
            operation: CONTACT_DUPLICATE,
            refusal: complaint.refusal(Vec::new()),
        });
    }
    let body: Json = response.json(CONTACT_DUPLICATE)?;
    let contacts: Vec<&Json> = match &body["contact"] {
        Json::Null => body["contacts"].as_array().into_iter().flatten().collect(),
        one => vec![one],
    };
    Ok(contacts
        .into_iter()
        .filter_map(Json::as_object)
        .map(|contact| (contact.clone(), response.sent))
        .collect())
}
