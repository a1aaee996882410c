//! Everything, page by page.
//!
//! There are two ways, and each lacks something. The search gives 500 at a time with all fields, but
//! was long documented to show names in lower case only. The older listing is deprecated, gives 100,
//! and keeps names as they are. So the first page is searched; if its names are seen to keep their case the
//! search is good for all, else the older listing takes over. The cursor remembers which.
//!
//! Both are ordered by when a contact was made, which never changes, and both go on from a pair of that
//! time and an id: contacts made in the same millisecond are told apart, a deleted one shifts nothing,
//! and a new one comes last in the search. (The older listing begins with the newest: what is made
//! meanwhile is found as a change.)

use connector::{Calls, Effect, Error, Page, PageRequest, Request};
use http::Method;
use record::{Completeness, Freshness, Read, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::{
    decode::{self, Shape},
    search::{Found, Search, search},
};
use crate::{
    answer::Complaint,
    describe::LIST_PAGE,
    operation::CONTACT_LIST,
    requests::{bad_cursor, stuck},
    settings::Settings,
    value,
};

/// Where a listing stands. Stored by the caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
enum Cursor {
    /// By search.
    Search {
        after: Json,
        /// The first id of the page before, to notice a listing that does not get on.
        first: Option<String>,
        names_keep_case: bool,
    },
    /// By the older listing.
    List {
        after: i64,
        id: String,
        first: Option<String>,
    },
}

pub(crate) async fn list(
    calls: &dyn Calls,
    schema: &Schema,
    page: PageRequest,
) -> Result<Page, Error> {
    let Some(cursor) = page.cursor else {
        return first_page(calls, schema, page.limit).await;
    };
    match serde_json::from_value(cursor).map_err(|_| bad_cursor())? {
        Cursor::Search {
            after,
            first,
            names_keep_case,
        } => {
            let found = search(calls, by_creation(page.limit, Some(after.clone()))).await?;
            if found.after.as_ref() == Some(&after) || (first.is_some() && found.first == first) {
                return Err(stuck(crate::operation::CONTACT_SEARCH));
            }
            Ok(searched(schema, found, names_keep_case, false))
        }
        Cursor::List { after, id, first } => {
            let listed = older(calls, page.limit, Some((after, &id))).await?;
            match listed {
                Some(listed) => {
                    let next = listed.after.clone();
                    if next == Some((after, id)) || (first.is_some() && listed.first == first) {
                        return Err(stuck(CONTACT_LIST));
                    }
                    Ok(listed.into_page(schema, false))
                }
                None => Err(Error::Unexpected {
                    operation: CONTACT_LIST,
                    status: 404,
                    what: "HighLevel stopped offering this listing halfway; begin anew".to_owned(),
                }),
            }
        }
    }
}

fn by_creation(limit: usize, after: Option<Json>) -> Search {
    Search {
        sort: Some("dateAdded"),
        limit,
        after,
        ..Search::default()
    }
}

async fn first_page(calls: &dyn Calls, schema: &Schema, limit: usize) -> Result<Page, Error> {
    let found = search(calls, by_creation(limit, None)).await?;
    if found.served == 0 {
        return Ok(searched(schema, found, false, true));
    }
    let names_keep_case = !needs_names(schema) || names_keep_case(&found.items);
    if !names_keep_case && let Some(listed) = older(calls, limit, None).await? {
        return Ok(listed.into_page(schema, true));
    }
    Ok(searched(schema, found, names_keep_case, true))
}

/// Whether the caller wants a field that the search may show in lower case.
fn needs_names(schema: &Schema) -> bool {
    schema.field("firstName").is_some() || schema.field("lastName").is_some()
}

/// Whether this page proves that the search shows names as they are: by a capital letter in one.
fn names_keep_case(items: &[Map<String, Json>]) -> bool {
    items.iter().any(|item| {
        ["firstName", "lastName"]
            .iter()
            .any(|name| item.get(*name).is_some_and(decode::has_upper_case))
    })
}

fn searched(schema: &Schema, found: Found, names_keep_case: bool, is_first: bool) -> Page {
    let is_last = found.is_last(is_first);
    let cursor = found.after.clone().filter(|_| !is_last).map(|after| {
        json!(Cursor::Search {
            after,
            first: found.first.clone(),
            names_keep_case,
        })
    });
    Page {
        reads: reads(
            &found.items,
            schema,
            Shape::Found { names_keep_case },
            found.sent,
        ),
        next: cursor,
        resume: None,
        total: found.total,
    }
}

/// Items as readings: complete when the item shows every field that was asked for.
fn reads(
    items: &[Map<String, Json>],
    schema: &Schema,
    shape: Shape,
    sent: jiff::Timestamp,
) -> Vec<Read> {
    items
        .iter()
        .filter_map(|item| item_read(item, schema, shape, sent))
        .collect()
}

/// One item of a listing or search as a reading. Its id was checked when the page was read.
pub(crate) fn item_read(
    item: &Map<String, Json>,
    schema: &Schema,
    shape: Shape,
    sent: jiff::Timestamp,
) -> Option<Read> {
    let id = decode::id(item)?;
    let fields = decode::fields(item, schema, shape);
    let completeness = if decode::has_all(&fields, schema) {
        Completeness::Complete
    } else {
        Completeness::Partial
    };
    Some(decode::read(
        id,
        item,
        fields,
        Freshness::PossiblyStale,
        completeness,
        sent,
    ))
}

/// A page of the older listing.
struct Listed {
    items: Vec<Map<String, Json>>,
    total: Option<u64>,
    sent: jiff::Timestamp,
    after: Option<(i64, String)>,
    first: Option<String>,
}

impl Listed {
    fn into_page(self, schema: &Schema, is_first: bool) -> Page {
        let all = is_first
            && self
                .total
                .is_some_and(|total| total <= self.items.len() as u64);
        let next = self.after.filter(|_| !all).map(|(after, id)| {
            json!(Cursor::List {
                after,
                id,
                first: self.first,
            })
        });
        let shown: Vec<Map<String, Json>> = self
            .items
            .into_iter()
            .filter(|item| !decode::is_deleted(item))
            .collect();
        Page {
            reads: reads(&shown, schema, Shape::Listed, self.sent),
            next,
            resume: None,
            total: self.total,
        }
    }
}

/// `GET /contacts/`. The location goes into every page's request, not only the first: without it the
/// vendor answers that the token has no access. `None`: the route is gone.
async fn older(
    calls: &dyn Calls,
    limit: usize,
    after: Option<(i64, &str)>,
) -> Result<Option<Listed>, Error> {
    let mut request = Request::new(CONTACT_LIST, Effect::Read, Method::GET, "/contacts/")
        .query("locationId", Settings::of(calls).location()?)
        .query("limit", limit.clamp(1, LIST_PAGE).to_string());
    if let Some((after, id)) = after {
        request = request
            .query("startAfter", after.to_string())
            .query("startAfterId", id);
    }
    let response = calls.send(request).await?;
    if response.status == http::StatusCode::NOT_FOUND {
        return Ok(None);
    }
    if !response.status.is_success() {
        return Err(Error::Refused {
            operation: CONTACT_LIST,
            refusal: Complaint::of(&response).refusal(Vec::new()),
        });
    }
    #[derive(Deserialize)]
    struct Answer {
        contacts: Vec<Map<String, Json>>,
        #[serde(default)]
        meta: Json,
        #[serde(default)]
        count: Option<u64>,
    }
    let answer: Answer = response.json(CONTACT_LIST)?;
    if answer
        .contacts
        .iter()
        .any(|item| decode::id(item).is_none())
    {
        return Err(Error::Unexpected {
            operation: CONTACT_LIST,
            status: response.status.as_u16(),
            what: "an item has no id".to_owned(),
        });
    }
    let after = match answer.contacts.last() {
        None => None,
        Some(last) => Some(next_of(&answer.meta, last).ok_or(Error::Unexpected {
            operation: CONTACT_LIST,
            status: response.status.as_u16(),
            what: "it does not say where the next page begins".to_owned(),
        })?),
    };
    Ok(Some(Listed {
        total: answer.meta["total"].as_u64().or(answer.count),
        sent: response.sent,
        after,
        first: answer
            .contacts
            .first()
            .and_then(decode::id)
            .map(str::to_owned),
        items: answer.contacts,
    }))
}

/// Where the next page begins: what `meta` says, else the last item's own time and id.
fn next_of(meta: &Json, last: &Map<String, Json>) -> Option<(i64, String)> {
    let said = meta["startAfter"]
        .as_i64()
        .or_else(|| meta["startAfter"].as_str()?.parse().ok())
        .zip(meta["startAfterId"].as_str().map(str::to_owned));
    said.or_else(|| {
        let made = value::instant(last.get("dateAdded")?)?;
        Some((made.as_millisecond(), decode::id(last)?.to_owned()))
    })
}
