//! Everything, page by page.
//!
//! The cursor is the vendor's own. One that it no longer takes (a restart of ours days later) begins the listing anew:
//! what was seen is then seen again, which does no harm.

use connector::{Calls, Error, Page, PageRequest};
use jiff::Timestamp;
use record::{Read, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::{
    decode::{self, Shape},
    pages::{self, Answer, Listed},
    resource::Resource,
};

/// Where a listing stands. Stored by the caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Cursor {
    next: String,
    /// How often it has begun anew.
    #[serde(default)]
    anew: u8,
}

/// A listing that has begun anew so often will not end.
const MOST_ANEW: u8 = 3;

pub(crate) async fn list(
    calls: &dyn Calls,
    schema: &Schema,
    resource: &Resource,
    page: PageRequest,
) -> Result<Page, Error> {
    let operation = resource.operations.list;
    let below = format!("/{}", resource.path);
    let cursor: Option<Cursor> = page
        .cursor
        .map(serde_json::from_value)
        .transpose()
        .map_err(|_| bad_cursor(operation))?;
    let mut anew = cursor.as_ref().map_or(0, |cursor| cursor.anew);
    let next = cursor.as_ref().map(|cursor| cursor.next.as_str());
    let request = pages::page(calls, operation, &below, page.limit, next)?;
    let listed = match pages::list(calls, request).await? {
        Answer::Page(listed) => listed,
        Answer::BrokenCursor => {
            anew += 1;
            let request = pages::page(calls, operation, &below, page.limit, None)?;
            match pages::list(calls, request).await? {
                Answer::Page(listed) if anew <= MOST_ANEW => listed,
                _ => return Err(bad_cursor(operation)),
            }
        }
    };
    Ok(Page {
        reads: reads(operation, &listed, schema, resource)?,
        next: listed.next.map(|next| json!(Cursor { next, anew })),
        resume: None,
        total: None,
    })
}

pub(crate) fn bad_cursor(operation: &'static str) -> Error {
    Error::Unexpected {
        operation,
        status: 500,
        what: "the place to go on from is not taken any more; begin anew".to_owned(),
    }
}

/// The items of a page as readings.
pub(crate) fn reads(
    operation: &'static str,
    listed: &Listed,
    schema: &Schema,
    resource: &Resource,
) -> Result<Vec<Read>, Error> {
    listed
        .items
        .iter()
        .map(|item| reading(operation, item, schema, resource, listed.sent))
        .collect()
}

/// One item as a reading.
///
/// # Errors
/// When it has no id: then the answer is not what it should be, and nothing in it is used.
pub(crate) fn reading(
    operation: &'static str,
    item: &Map<String, Json>,
    schema: &Schema,
    resource: &Resource,
    sent: Timestamp,
) -> Result<Read, Error> {
    let id = pages::id(item).ok_or_else(|| Error::Unexpected {
        operation,
        status: 200,
        what: "an item has no id".to_owned(),
    })?;
    Ok(decode::read(
        id,
        item,
        schema,
        resource,
        Shape::Listed,
        sent,
    ))
}
