//! What changed since a cursor, by polling the search for `dateUpdated`.
//!
//! The cursor lives in the vendor's own time: it is the newest `dateUpdated` that was shown, and the next
//! poll goes back behind it by more than the index can lag, so that a change which reaches the index
//! late is still found. Neither our clock nor theirs has to be right; ours only has to run. Once a poll
//! that long after the newest change has shown nothing newer, nothing older can appear any more, and
//! polls begin at that change itself.
//!
//! What an overlap shows again is left out if it is, letter by letter, what was shown already: the
//! cursor carries a digest of each recent item.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use connector::{Calls, Error, Page, PageRequest};
use jiff::Timestamp;
use record::Schema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::{
    decode::{self, Shape},
    list::item_read,
    search::{Found, Search, search},
};
use crate::{
    describe::CHANGE_OVERLAP,
    operation::CONTACT_SEARCH,
    requests::{bad_cursor, stuck},
    value,
};

/// Most recent items of which a digest is kept. Beyond it the oldest are shown once more, which does no
/// harm.
const DIGESTS: usize = 2_000;

/// Where polling stands. Stored by the caller. Times are in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Cursor {
    /// The newest `dateUpdated` shown so far, by the vendor's clock.
    newest: i64,
    /// When that was first shown, by ours.
    seen: i64,
    /// A whole poll since, later than the index can lag, has shown nothing newer.
    settled: bool,
    /// What was shown of late: id → (`dateUpdated`, digest).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    shown: BTreeMap<String, (i64, String)>,
    /// In the middle of a poll: where its next page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<Within>,
}

/// A place within one poll.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Within {
    /// The lower bound of `dateUpdated` that the poll began with.
    from: i64,
    /// When the poll began, by our clock.
    began: i64,
    after: Json,
    /// The first id of the page before, to notice a listing that does not get on.
    first: Option<String>,
}

/// How far a poll goes back behind what it has seen: an index shows some late.
pub(crate) fn overlap() -> i64 {
    i64::try_from(CHANGE_OVERLAP.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) async fn changes(
    calls: &dyn Calls,
    schema: &Schema,
    page: PageRequest,
) -> Result<Page, Error> {
    let Some(cursor) = page.cursor else {
        return begin(calls).await;
    };
    let cursor: Cursor = serde_json::from_value(cursor).map_err(|_| bad_cursor())?;
    let from = match &cursor.page {
        Some(within) => within.from,
        None if cursor.settled => cursor.newest,
        None => cursor.newest.saturating_sub(overlap()),
    };
    let after = cursor.page.as_ref().map(|within| within.after.clone());
    let found = search(calls, changed_since(from, page.limit, after)?).await?;
    if let Some(within) = &cursor.page
        && (found.after.as_ref() == Some(&within.after)
            || (within.first.is_some() && found.first == within.first))
    {
        return Err(stuck(CONTACT_SEARCH));
    }
    Ok(worked_off(schema, cursor, from, found))
}

/// "Since now": the newest change that the index shows. One request, no readings. In an empty account
/// everything is still to come.
async fn begin(calls: &dyn Calls) -> Result<Page, Error> {
    let newest_first = Search {
        sort: Some("dateUpdated"),
        newest_first: true,
        limit: 1,
        ..Search::default()
    };
    let found = search(calls, newest_first).await?;
    Ok(Page {
        reads: Vec::new(),
        next: None,
        resume: Some(json!(Cursor {
            newest: found.items.first().and_then(stamp).unwrap_or(0),
            seen: found.sent.as_millisecond(),
            settled: false,
            shown: BTreeMap::new(),
            page: None,
        })),
        total: None,
    })
}

fn changed_since(from: i64, limit: usize, after: Option<Json>) -> Result<Search, Error> {
    let from = Timestamp::from_millisecond(from.max(0)).map_err(|_| bad_cursor())?;
    Ok(Search {
        filters: vec![json!({
            "field": "dateUpdated",
            "operator": "range",
            "value": { "gte": format!("{from:.3}") },
        })],
        sort: Some("dateUpdated"),
        limit,
        after,
        ..Search::default()
    })
}

fn worked_off(schema: &Schema, cursor: Cursor, from: i64, found: Found) -> Page {
    let sent = found.sent.as_millisecond();
    let is_last = found.is_last(cursor.page.is_none());
    let began = cursor.page.as_ref().map_or(sent, |within| within.began);
    let mut state = Cursor {
        page: None,
        ..cursor
    };
    let mut reads = Vec::new();
    let shape = Shape::Found {
        names_keep_case: false,
    };
    for item in &found.items {
        let Some(id) = decode::id(item) else { continue };
        let changed = stamp(item).unwrap_or(state.newest);
        if changed > state.newest {
            state.newest = changed;
            state.seen = sent;
            state.settled = false;
        }
        let digest = digest_of(item);
        let before = state.shown.insert(id.to_owned(), (changed, digest.clone()));
        if before.is_none_or(|(_, before)| before != digest) {
            reads.extend(item_read(item, schema, shape, found.sent));
        }
    }
    if is_last && began >= state.seen.saturating_add(overlap()) {
        state.settled = true;
    }
    forget_oldest(&mut state.shown);

    let next = found.after.filter(|_| !is_last).map(|after| {
        json!(Cursor {
            page: Some(Within {
                from,
                began,
                after,
                first: found.first,
            }),
            ..state.clone()
        })
    });
    // What the next poll cannot show again need not be remembered.
    let back = if state.settled { 0 } else { overlap() };
    let again = state.newest.saturating_sub(back);
    state.shown.retain(|_, (changed, _)| *changed >= again);
    Page {
        reads,
        next,
        resume: Some(json!(state)),
        total: found.total,
    }
}

fn stamp(item: &Map<String, Json>) -> Option<i64> {
    item.get("dateUpdated")
        .and_then(value::instant)
        .map(Timestamp::as_millisecond)
}

fn forget_oldest(shown: &mut BTreeMap<String, (i64, String)>) {
    let Some(too_many) = shown.len().checked_sub(DIGESTS).filter(|count| *count > 0) else {
        return;
    };
    let mut oldest: Vec<(i64, String)> = shown
        .iter()
        .map(|(id, (changed, _))| (*changed, id.clone()))
        .collect();
    oldest.sort_unstable();
    for (_, id) in oldest.into_iter().take(too_many) {
        shown.remove(&id);
    }
}

/// A short digest of all that the item shows, but for its place in the listing.
fn digest_of(item: &Map<String, Json>) -> String {
    let sorted: BTreeMap<&String, &Json> = item
        .iter()
        .filter(|(key, _)| *key != "searchAfter")
        .collect();
    let mut context = digest::Context::new(&digest::SHA256);
    for (key, json) in sorted {
        context.update(key.as_bytes());
        context.update(json.to_string().as_bytes());
    }
    context.finish().as_ref()[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
