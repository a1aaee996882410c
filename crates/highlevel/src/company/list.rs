//! Reading companies: one by id, all by pages, and those that carry a key.
//!
//! Pages are cut by `skip`, in an order that is documented nowhere. A company that is deleted while they are
//! read shifts the rest by one, so each page begins with the last company of the page before; where it is not
//! found again the page begins further back.

use connector::{Calls, Effect, Error, Fetched, IdentityKey, KeyKind, Page, PageRequest, Request};
use http::Method;
use jiff::Timestamp;
use record::{Completeness, Freshness, Read, RecordId, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::decode;
use crate::{
    answer::Complaint,
    describe::COMPANY_PAGE,
    operation::{BUSINESS_GET, BUSINESS_LIST},
    requests::{bad_cursor, in_flight, segment, stuck},
    settings::Settings,
};

pub(crate) async fn fetch(calls: &dyn Calls, schema: &Schema, ids: &[RecordId]) -> Vec<Fetched> {
    in_flight(ids.iter().map(|id| one(calls, schema, id)).collect()).await
}

async fn one(calls: &dyn Calls, schema: &Schema, id: &RecordId) -> Fetched {
    match get(calls, schema, id).await {
        Ok(Some(read)) => Fetched::Found(Box::new(read)),
        Ok(None) => Fetched::Gone(id.clone()),
        Err(error) => Fetched::Failed(id.clone(), error),
    }
}

/// `GET /businesses/{id}`. What is answered for one that is not there is documented nowhere; what contacts
/// answer is taken for it, with the other word.
async fn get(calls: &dyn Calls, schema: &Schema, id: &RecordId) -> Result<Option<Read>, Error> {
    let path = format!("/businesses/{}", segment(id.as_str()));
    let request = Request::new(BUSINESS_GET, Effect::Read, Method::GET, path);
    let response = calls.send(request).await?;
    if !response.status.is_success() {
        let complaint = Complaint::of(&response);
        if complaint.is_gone() {
            return Ok(None);
        }
        return Err(Error::Refused {
            operation: BUSINESS_GET,
            refusal: complaint.refusal(Vec::new()),
        });
    }
    #[derive(Deserialize)]
    struct Answer {
        business: Option<Map<String, Json>>,
    }
    let Some(company) = response.json::<Answer>(BUSINESS_GET)?.business else {
        return Ok(None);
    };
    let unexpected = |what: String| Error::Unexpected {
        operation: BUSINESS_GET,
        status: response.status.as_u16(),
        what,
    };
    if decode::id(&company) != Some(id.as_str()) {
        return Err(unexpected(format!("it is not the company {id}")));
    }
    if let (Some(location), Some(ours)) = (
        company.get("locationId").and_then(Json::as_str),
        Settings::of(calls).location_if_set(),
    ) && location != ours
    {
        return Err(unexpected(format!(
            "the company {id} belongs to sub-account {location}, not to {ours}"
        )));
    }
    let fields = decode::fields(&company, schema);
    Ok(Some(decode::read(
        id.as_str(),
        &company,
        fields,
        Freshness::Fresh,
        Completeness::Complete,
        response.sent,
    )))
}

/// Where a listing stands. Stored by the caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Cursor {
    /// How many companies the next page leaves out.
    skip: usize,
    /// The last company of the page before, with which the next one begins.
    last: String,
}

/// One page of `GET /businesses/`.
struct Listed {
    companies: Vec<Map<String, Json>>,
    sent: Timestamp,
}

async fn page(calls: &dyn Calls, skip: usize, limit: usize) -> Result<Listed, Error> {
    let request = Request::new(BUSINESS_LIST, Effect::Read, Method::GET, "/businesses/")
        .query("locationId", Settings::of(calls).location()?)
        .query("limit", limit.to_string())
        .query("skip", skip.to_string());
    let response = calls.send(request).await?;
    if !response.status.is_success() {
        return Err(Error::Refused {
            operation: BUSINESS_LIST,
            refusal: Complaint::of(&response).refusal(Vec::new()),
        });
    }
    #[derive(Deserialize)]
    struct Answer {
        businesses: Vec<Map<String, Json>>,
    }
    let answer: Answer = response.json(BUSINESS_LIST)?;
    if answer
        .businesses
        .iter()
        .any(|company| decode::id(company).is_none())
    {
        return Err(Error::Unexpected {
            operation: BUSINESS_LIST,
            status: response.status.as_u16(),
            what: "an item has no id".to_owned(),
        });
    }
    Ok(Listed {
        companies: answer.businesses,
        sent: response.sent,
    })
}

pub(crate) async fn list(
    calls: &dyn Calls,
    schema: &Schema,
    request: PageRequest,
) -> Result<Page, Error> {
    // One of a page is the one that the page before ended with.
    let limit = request.limit.clamp(2, COMPANY_PAGE);
    let cursor: Option<Cursor> = match request.cursor {
        None => None,
        Some(json) => Some(serde_json::from_value(json).map_err(|_| bad_cursor())?),
    };
    let before = cursor.as_ref().map(|cursor| cursor.last.as_str());
    let mut skip = cursor.as_ref().map_or(0, |cursor| cursor.skip);
    let mut listed = page(calls, skip, limit).await?;
    let shows = |listed: &Listed, id| {
        listed
            .companies
            .iter()
            .any(|company| decode::id(company) == Some(id))
    };
    if skip > 0 && before.is_some_and(|last| !shows(&listed, last)) {
        // Some before it are gone: what followed it has moved to an earlier page.
        skip = skip.saturating_sub(limit - 1);
        listed = page(calls, skip, limit).await?;
    }
    let served = listed.companies.len();
    let next = match listed.companies.last().and_then(decode::id) {
        Some(last) if before == Some(last) && served == limit => return Err(stuck(BUSINESS_LIST)),
        Some(last) if before != Some(last) && served > 1 => Some(Cursor {
            skip: skip + served - 1,
            last: last.to_owned(),
        }),
        _ => None,
    };
    Ok(Page {
        reads: listed
            .companies
            .iter()
            .filter_map(|company| item(company, schema, listed.sent))
            .collect(),
        next: next.map(|next| json!(next)),
        resume: None,
        total: None,
    })
}

/// Whether the listing lags behind writes is documented nowhere, so it may.
fn item(company: &Map<String, Json>, schema: &Schema, sent: Timestamp) -> Option<Read> {
    let id = decode::id(company)?;
    let fields = decode::fields(company, schema);
    let known = schema
        .fields
        .iter()
        .all(|spec| fields.get(spec.name.as_str()).is_known());
    let completeness = if known {
        Completeness::Complete
    } else {
        Completeness::Partial
    };
    Some(decode::read(
        id,
        company,
        fields,
        Freshness::PossiblyStale,
        completeness,
        sent,
    ))
}

/// There is nothing to ask for changes: the description says so, and a poll brings nothing.
pub(crate) fn changes() -> Page {
    Page {
        reads: Vec::new(),
        next: None,
        resume: Some(json!({})),
        total: None,
    }
}

/// The companies that carry one of these keys: all are listed, since nothing narrows a listing. That costs a
/// request for each hundred.
pub(crate) async fn find(
    calls: &dyn Calls,
    schema: &Schema,
    keys: &[IdentityKey],
) -> Result<Vec<Read>, Error> {
    let mut found: Vec<Read> = Vec::new();
    if keys.is_empty() {
        return Ok(found);
    }
    let mut skip = 0;
    loop {
        let listed = page(calls, skip, COMPANY_PAGE).await?;
        for company in &listed.companies {
            if !keys.iter().any(|key| has(company, key)) {
                continue;
            }
            let fields = decode::fields(company, schema);
            found.extend(decode::id(company).map(|id| {
                decode::read(
                    id,
                    company,
                    fields,
                    Freshness::PossiblyStale,
                    Completeness::Partial,
                    listed.sent,
                )
            }));
        }
        if listed.companies.len() < COMPANY_PAGE {
            return Ok(found);
        }
        skip += listed.companies.len();
    }
}

fn has(company: &Map<String, Json>, key: &IdentityKey) -> bool {
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let text = |name: &str| company.get(name).and_then(Json::as_str);
    match key.kind {
        KeyKind::Email => text("email").is_some_and(|mail| mail.trim().to_lowercase() == key.value),
        // A number that is kept without its country is matched by its end.
        KeyKind::Phone => text("phone").is_some_and(|phone| {
            let (kept, wanted) = (digits(phone), digits(&key.value));
            let national = kept.trim_start_matches('0');
            kept == wanted || (national.len() >= 7 && wanted.ends_with(national))
        }),
        KeyKind::Parent => false,
        KeyKind::Name => {
            text("name").is_some_and(|name| record::fold::organisation(name) == key.value)
        }
    }
}
