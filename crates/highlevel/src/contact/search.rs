//! `POST /contacts/search`: one page, and how pages follow each other.
//!
//! The specification leaves body and answer empty; what is here is from the vendor's own page on the
//! contacts search: `page` reaches 10,000 records at most, so it is never used; each item carries a
//! `searchAfter` (its sort value and its id) with which the next page begins.

use connector::{Calls, Effect, Error, Request};
use http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::decode;
use crate::{
    answer::Complaint, describe::SEARCH_PAGE, operation::CONTACT_SEARCH, settings::Settings, value,
};

/// Longest value that a filter or query takes, in characters.
pub(crate) const LONGEST_VALUE: usize = 75;

/// What to search for.
#[derive(Debug, Default)]
pub(crate) struct Search {
    pub(crate) filters: Vec<Json>,
    /// A date field to sort by, oldest first unless `newest_first`.
    pub(crate) sort: Option<&'static str>,
    pub(crate) newest_first: bool,
    pub(crate) query: Option<String>,
    pub(crate) limit: usize,
    pub(crate) after: Option<Json>,
}

/// One page of what was found.
#[derive(Debug)]
pub(crate) struct Found {
    /// The contacts that are not marked as deleted.
    pub(crate) items: Vec<Map<String, Json>>,
    /// How many there were before leaving out the deleted ones.
    pub(crate) served: usize,
    pub(crate) total: Option<u64>,
    pub(crate) sent: Timestamp,
    /// Where the next page begins. `None`: this page is empty.
    pub(crate) after: Option<Json>,
    /// The first item's id.
    pub(crate) first: Option<String>,
}

impl Found {
    /// Whether nothing can follow. Sure only of an empty page, or of a first page that holds the total:
    /// a page may be shorter than asked for.
    pub(crate) fn is_last(&self, is_first_page: bool) -> bool {
        self.served == 0
            || (is_first_page && self.total.is_some_and(|total| total <= self.served as u64))
    }
}

pub(crate) async fn search(calls: &dyn Calls, search: Search) -> Result<Found, Error> {
    let location = Settings::of(calls).location()?;
    let mut body = json!({
        "locationId": location,
        "pageLimit": search.limit.clamp(1, SEARCH_PAGE),
    });
    if !search.filters.is_empty() {
        body["filters"] = Json::Array(search.filters);
    }
    if let Some(field) = search.sort {
        let direction = if search.newest_first { "desc" } else { "asc" };
        body["sort"] = json!([{ "field": field, "direction": direction }]);
    }
    if let Some(query) = search.query {
        body["query"] = Json::String(query);
    }
    if let Some(after) = search.after {
        body["searchAfter"] = after;
    }
    let request = Request::new(
        CONTACT_SEARCH,
        Effect::Read,
        Method::POST,
        "/contacts/search",
    )
    .json(body);
    let response = calls.send(request).await?;
    if !response.status.is_success() {
        return Err(Error::Refused {
            operation: CONTACT_SEARCH,
            refusal: Complaint::of(&response).refusal(Vec::new()),
        });
    }
    #[derive(serde::Deserialize)]
    struct Answer {
        contacts: Vec<Map<String, Json>>,
        #[serde(default)]
        total: Option<u64>,
    }
    let answer: Answer = response.json(CONTACT_SEARCH)?;
    if answer
        .contacts
        .iter()
        .any(|item| decode::id(item).is_none())
    {
        return Err(Error::Unexpected {
            operation: CONTACT_SEARCH,
            status: response.status.as_u16(),
            what: "an item has no id".to_owned(),
        });
    }
    Ok(Found {
        served: answer.contacts.len(),
        total: answer.total,
        sent: response.sent,
        after: answer
            .contacts
            .last()
            .and_then(|item| after(item, search.sort)),
        first: answer
            .contacts
            .first()
            .and_then(decode::id)
            .map(str::to_owned),
        items: answer
            .contacts
            .into_iter()
            .filter(|item| !decode::is_deleted(item))
            .collect(),
    })
}

/// Where the page after this item begins: what it says itself, else the pair that it is made of.
fn after(item: &Map<String, Json>, sort: Option<&str>) -> Option<Json> {
    if let Some(after @ Json::Array(parts)) = item.get("searchAfter")
        && !parts.is_empty()
    {
        return Some(after.clone());
    }
    let stamp = item.get(sort.unwrap_or("dateAdded"))?;
    let milliseconds = value::instant(stamp)?.as_millisecond();
    Some(json!([milliseconds, decode::id(item)?]))
}
