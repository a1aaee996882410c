//! All tasks, and all notes.
//!
//! Tasks of all contacts are searched page by page. Pages are cut by `skip`, in an order that is documented nowhere: as
//! with companies, each page begins with the last one of the page before, and further back where that is gone. How
//! many a page may hold is documented nowhere either, so the end is a page without anything new.
//!
//! Notes are asked for contact by contact, for as many contacts at once as a page of ours holds.

use connector::{Calls, Effect, Error, Page, PageRequest, Request};
use http::Method;
use jiff::Timestamp;
use record::{Entity, Freshness, Read, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::{NOTE, Sort, decode, read};
use crate::{
    answer::Complaint,
    contact,
    describe::{CONTACTS_OF_NOTES, TASK_PAGE},
    operation::TASK_SEARCH,
    requests::{bad_cursor, in_flight, segment, stuck},
    settings::Settings,
};

/// Where a listing of tasks stands. Stored by the caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Cursor {
    /// How many tasks the next page leaves out.
    skip: usize,
    /// The last task of the page before, with which the next one begins.
    last: String,
}

/// One page of `POST /locations/{locationId}/tasks/search`.
struct Found {
    tasks: Vec<Map<String, Json>>,
    sent: Timestamp,
}

async fn search(calls: &dyn Calls, body: Json) -> Result<Found, Error> {
    let path = format!(
        "/locations/{}/tasks/search",
        segment(Settings::of(calls).location()?)
    );
    let request = Request::new(TASK_SEARCH, Effect::Read, Method::POST, path).json(body);
    let response = calls.send(request).await?;
    if !response.status.is_success() {
        return Err(Error::Refused {
            operation: TASK_SEARCH,
            refusal: Complaint::of(&response).refusal(Vec::new()),
        });
    }
    #[derive(Deserialize)]
    struct Answer {
        tasks: Vec<Map<String, Json>>,
    }
    let answer: Answer = response.json(TASK_SEARCH)?;
    Ok(Found {
        tasks: answer.tasks,
        sent: response.sent,
    })
}

fn own(task: &Map<String, Json>) -> Option<&str> {
    decode::text(task, "id").or_else(|| decode::text(task, "_id"))
}

pub(crate) async fn list(
    calls: &dyn Calls,
    schema: &Schema,
    sort: &'static Sort,
    request: PageRequest,
) -> Result<Page, Error> {
    if sort.entity == Entity::Note {
        return notes(calls, schema, request).await;
    }
    // One of a page is the one that the page before ended with.
    let limit = request.limit.clamp(2, TASK_PAGE);
    let cursor: Option<Cursor> = match request.cursor {
        None => None,
        Some(json) => Some(serde_json::from_value(json).map_err(|_| bad_cursor())?),
    };
    let before = cursor.as_ref().map(|cursor| cursor.last.as_str());
    let mut skip = cursor.as_ref().map_or(0, |cursor| cursor.skip);
    let page = |skip: usize| search(calls, json!({"limit": limit, "skip": skip}));
    let mut found = page(skip).await?;
    let shows = |found: &Found, id| found.tasks.iter().any(|task| own(task) == Some(id));
    if skip > 0 && before.is_some_and(|last| !shows(&found, last)) {
        // Some before it are gone: what followed it has moved to an earlier page.
        skip = skip.saturating_sub(limit - 1);
        found = page(skip).await?;
    }
    let served = found.tasks.len();
    let next = match found.tasks.last().and_then(own) {
        Some(last) if before == Some(last) && served == limit => return Err(stuck(TASK_SEARCH)),
        Some(last) if before != Some(last) => Some(Cursor {
            skip: skip + served - 1,
            last: last.to_owned(),
        }),
        _ => None,
    };
    // Whether the search lags behind writes is documented nowhere, so it may.
    let reads = found
        .tasks
        .iter()
        .map(|task| read_of(task, None, schema, Freshness::PossiblyStale, found.sent))
        .collect::<Result<Vec<Read>, Error>>()?;
    Ok(Page {
        reads,
        next: next.map(|next| json!(next)),
        resume: None,
        total: None,
    })
}

pub(super) fn read_of(
    item: &Map<String, Json>,
    contact: Option<&str>,
    schema: &Schema,
    freshness: Freshness,
    sent: Timestamp,
) -> Result<Read, Error> {
    decode::read(item, contact, schema, freshness, sent).ok_or_else(|| Error::Unexpected {
        operation: TASK_SEARCH,
        status: 200,
        what: "an item has no id, or names no contact".to_owned(),
    })
}

/// The notes of the next contacts.
async fn notes(calls: &dyn Calls, schema: &Schema, request: PageRequest) -> Result<Page, Error> {
    let nothing_else = Schema {
        entity: Entity::Contact,
        fields: Vec::new(),
    };
    let contacts = contact::list(
        calls,
        &nothing_else,
        PageRequest {
            cursor: request.cursor,
            limit: CONTACTS_OF_NOTES,
        },
    )
    .await?;
    let of_each = contacts
        .reads
        .iter()
        .map(|contact| read::of_contact(calls, schema, &NOTE, contact.record.id.as_str()))
        .collect();
    let mut reads = Vec::new();
    for notes in in_flight(of_each).await {
        reads.extend(notes?);
    }
    Ok(Page {
        reads,
        next: contacts.next,
        resume: None,
        total: None,
    })
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
