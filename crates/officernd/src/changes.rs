//! What changed since a cursor, by polling the list for `modifiedAt`.
//!
//! The order of the list is documented nowhere, so a poll is only done when its last page is, and the cursor moves
//! on then. It lives in the vendor's own time: it is the newest `modifiedAt` that was shown, and the next poll goes
//! back behind it. What that shows again with the same stamp is left out.

use std::collections::BTreeMap;

use connector::{Calls, Error, Page, PageRequest};
use jiff::{SignedDuration, Timestamp};
use record::Schema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::{
    api::{read, refused},
    describe::CHANGE_OVERLAP,
    list::{bad_cursor, reading},
    pages::{self, Answer},
    resource::Resource,
    value,
};

/// Most recent records whose stamp is kept. Beyond it the oldest are shown once more, which does no harm.
const STAMPS: usize = 2_000;

/// Where polling stands. Stored by the caller. Times are in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Cursor {
    /// The newest `modifiedAt` of the polls that are done.
    newest: i64,
    /// What was shown of late: id → `modifiedAt`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    shown: BTreeMap<String, i64>,
    /// In the middle of a poll.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<Within>,
}

/// A place within one poll.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Within {
    next: String,
    /// The newest `modifiedAt` of its pages so far.
    newest: i64,
}

pub(crate) async fn changes(
    calls: &dyn Calls,
    schema: &Schema,
    resource: &Resource,
    page: PageRequest,
) -> Result<Page, Error> {
    let operation = resource.operations.changes;
    if !resource.polled {
        // The description says so: there is nothing to ask for, and a poll brings nothing.
        return Ok(Page {
            reads: Vec::new(),
            next: None,
            resume: Some(json!({})),
            total: None,
        });
    }
    let Some(cursor) = page.cursor else {
        return begin(calls, resource).await;
    };
    let mut cursor: Cursor = serde_json::from_value(cursor).map_err(|_| bad_cursor(operation))?;
    let from = cursor.newest.saturating_sub(overlap());
    let at = Timestamp::from_millisecond(from.max(0)).map_err(|_| bad_cursor(operation))?;
    let place = format!("/{}", resource.path);
    let request = |next: Option<&str>| {
        let request = pages::page(calls, operation, &place, page.limit, next)?;
        Ok::<_, Error>(request.query("modifiedAt[$gte]", value::stamp(at)))
    };
    let next = cursor.page.as_ref().map(|within| within.next.as_str());
    let listed = match pages::list(calls, request(next)?).await? {
        Answer::Page(listed) => listed,
        Answer::BrokenCursor => {
            cursor.page = None;
            match pages::list(calls, request(None)?).await? {
                Answer::Page(listed) => listed,
                Answer::BrokenCursor => return Err(bad_cursor(operation)),
            }
        }
    };
    let mut newest = cursor
        .page
        .take()
        .map_or(cursor.newest, |within| within.newest);
    let mut reads = Vec::new();
    for item in &listed.items {
        let read = reading(operation, item, schema, resource, listed.sent)?;
        let stamp = modified(item).unwrap_or(cursor.newest);
        newest = newest.max(stamp);
        let before = cursor
            .shown
            .insert(read.record.id.as_str().to_owned(), stamp);
        if before != Some(stamp) {
            reads.push(read);
        }
    }
    forget_oldest(&mut cursor.shown);
    let next = listed.next.map(|next| {
        json!(Cursor {
            page: Some(Within { next, newest }),
            ..cursor.clone()
        })
    });
    if next.is_none() {
        cursor.newest = newest;
        // what the next poll cannot show again need not be remembered
        let again = newest.saturating_sub(overlap());
        cursor.shown.retain(|_, stamp| *stamp >= again);
    }
    Ok(Page {
        reads,
        next,
        resume: Some(json!(cursor)),
        total: None,
    })
}

/// "Since now", by the vendor's clock if its answer says what time it is. One request, no readings.
async fn begin(calls: &dyn Calls, resource: &Resource) -> Result<Page, Error> {
    let operation = resource.operations.changes;
    let place = format!("/{}", resource.path);
    let request = read(calls, operation, &place)?.query("$limit", "1");
    let response = calls.send(request).await?;
    if !response.status.is_success() {
        return Err(refused(operation, &response));
    }
    let theirs = response
        .headers
        .get(http::header::DATE)
        .and_then(|date| date.to_str().ok())
        .and_then(|date| jiff::fmt::rfc2822::parse(date).ok())
        .map(|date| date.timestamp());
    let now = theirs.map_or(response.sent, |theirs| theirs.min(response.sent));
    let now = now
        .saturating_sub(SignedDuration::from_secs(1))
        .unwrap_or(now);
    Ok(Page {
        reads: Vec::new(),
        next: None,
        resume: Some(json!(Cursor {
            newest: now.as_millisecond(),
            shown: BTreeMap::new(),
            page: None,
        })),
        total: None,
    })
}

fn overlap() -> i64 {
    i64::try_from(CHANGE_OVERLAP.as_millis()).unwrap_or(i64::MAX)
}

fn modified(item: &Map<String, Json>) -> Option<i64> {
    item.get("modifiedAt")
        .and_then(value::instant)
        .map(Timestamp::as_millisecond)
}

fn forget_oldest(shown: &mut BTreeMap<String, i64>) {
    let Some(too_many) = shown.len().checked_sub(STAMPS).filter(|count| *count > 0) else {
        return;
    };
    let mut oldest: Vec<(i64, String)> = shown
        .iter()
        .map(|(id, stamp)| (*stamp, id.clone()))
        .collect();
    oldest.sort_unstable();
    for (_, id) in oldest.into_iter().take(too_many) {
        shown.remove(&id);
    }
}
