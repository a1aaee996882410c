//! Lists: an envelope of at most 50 items and, where there is one, the cursor of the next page.
//!
//! `cursorNext` is absent where there is no next page (measured by others; the documentation says `null`). Cursors are
//! opaque. `$limit` is always sent: without it pages have 30 or 50 items, and 0 gives pages of 20. Both cursors
//! together hang the vendor, so only the next one is ever sent. The order is documented nowhere.

use connector::{Calls, Error, Request, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::{
    answer::Complaint,
    api::{read, refused, unexpected},
    describe::PAGE,
};

/// One page.
pub(crate) struct Listed {
    pub(crate) items: Vec<Map<String, Json>>,
    /// Where the next page begins.
    pub(crate) next: Option<String>,
    pub(crate) sent: Timestamp,
}

/// What a list answered.
pub(crate) enum Answer {
    Page(Listed),
    /// The cursor that was sent is not taken any more.
    BrokenCursor,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    results: Vec<Map<String, Json>>,
    #[serde(default)]
    cursor_next: Option<Json>,
}

/// A request for one page of the list at this place.
pub(crate) fn page(
    calls: &dyn Calls,
    operation: &'static str,
    below: &str,
    limit: usize,
    cursor: Option<&str>,
) -> Result<Request, Error> {
    let limit = limit.clamp(1, PAGE).to_string();
    let mut request = read(calls, operation, below)?.query("$limit", limit);
    if let Some(cursor) = cursor {
        request = request.query("$cursorNext", cursor);
    }
    Ok(request)
}

/// Sends a request for a page.
pub(crate) async fn list(calls: &dyn Calls, request: Request) -> Result<Answer, Error> {
    let operation = request.operation;
    let resumed = request
        .query
        .iter()
        .find(|(name, _)| name == "$cursorNext")
        .map(|(_, cursor)| cursor.clone());
    let response = calls.send(request).await?;
    if !response.status.is_success() {
        if resumed.is_some() && Complaint::of(&response).is_broken_cursor() {
            return Ok(Answer::BrokenCursor);
        }
        return Err(refused(operation, &response));
    }
    let listed = read_page(operation, &response)?;
    if listed.next.is_some() && listed.next == resumed {
        return Err(unexpected(
            operation,
            &response,
            "the list does not get on: a page gives its own cursor as the next",
        ));
    }
    Ok(Answer::Page(listed))
}

fn read_page(operation: &'static str, response: &Response) -> Result<Listed, Error> {
    let envelope: Envelope = response.json(operation)?;
    let next = match envelope.cursor_next {
        None | Some(Json::Null) => None,
        Some(Json::String(cursor)) if cursor.is_empty() => None,
        Some(Json::String(cursor)) => Some(cursor),
        Some(_) => {
            return Err(unexpected(operation, response, "its cursorNext is no text"));
        }
    };
    Ok(Listed {
        // a page without items has no next one, whatever it says
        next: next.filter(|_| !envelope.results.is_empty()),
        items: envelope.results,
        sent: response.sent,
    })
}

/// Most pages of a list that is read whole: more is an error, never a shorter list.
const MOST: usize = 200;

/// Everything of a short list.
pub(crate) async fn all(
    calls: &dyn Calls,
    operation: &'static str,
    below: &str,
) -> Result<Vec<Map<String, Json>>, Error> {
    all_of(calls, operation, below, &[]).await
}

/// Everything of a short list that is narrowed by these parameters.
pub(crate) async fn all_of(
    calls: &dyn Calls,
    operation: &'static str,
    below: &str,
    narrowed: &[(&str, &str)],
) -> Result<Vec<Map<String, Json>>, Error> {
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..MOST {
        let mut request = page(calls, operation, below, PAGE, cursor.as_deref())?;
        for (name, value) in narrowed {
            request = request.query(name, *value);
        }
        let listed = match list(calls, request).await? {
            Answer::Page(listed) => listed,
            Answer::BrokenCursor => {
                return Err(Error::Unexpected {
                    operation,
                    status: 500,
                    what: "a cursor that it had just given is not taken".to_owned(),
                });
            }
        };
        items.extend(listed.items);
        cursor = listed.next;
        if cursor.is_none() {
            return Ok(items);
        }
    }
    // To go on with a part of it would be to take what is missing for gone.
    Err(Error::Unexpected {
        operation,
        status: 200,
        what: format!("a list that is read whole has more than {MOST} pages"),
    })
}

/// The id of an item.
pub(crate) fn id(item: &Map<String, Json>) -> Option<&str> {
    item.get("_id")
        .or_else(|| item.get("id"))
        .and_then(Json::as_str)
        .filter(|id| !id.is_empty())
}
