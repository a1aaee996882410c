//! Finding contacts: the duplicate lookup, the old list, and search. All of them look through the search index.

use serde_json::{Value, json};

use super::State;
use super::accounts::{Identifier, Location};
use super::contact::Contact;
use super::errors;
use super::filter::{self, Filter};
use super::gate::Admitted;
use super::json::{self, Object};
use super::phone;
use super::render::{self, View};
use super::search::{self, Query, REACHABLE, Sort, SortField};
use crate::core::Core;
use crate::vendor::Answer;

type Answered = Result<Answer, Answer>;

/// The longest `query` of a search, in characters.
const LONGEST_QUERY: usize = 75;

impl State {
    pub(crate) fn find_duplicate(&mut self, admitted: &Admitted<'_>) -> Answered {
        let location_id = self.own_query(admitted)?;
        let core = admitted.core;
        let lags = core.switches.flag("highlevel.duplicate_lookup_lags");
        let location = self.location_mut(&location_id);
        location.contacts.refresh(admitted.now_ms);
        let called = core.switches.choice("highlevel.lookup_parameter");
        let number = ["number", "phone"]
            .into_iter()
            .filter(|name| [*name, "both"].contains(&called))
            .find_map(|name| admitted.query(name))
            .and_then(|number| phone::to_e164(&number, Some(&location.country)));
        let email = admitted.query("email").map(|email| email.to_lowercase());
        // With duplicates allowed: e-mail before phone. Otherwise the location's own order.
        let order = if location.allow_duplicates {
            vec![Identifier::Email, Identifier::Phone]
        } else {
            location.identifiers.clone()
        };
        let found = order.into_iter().find_map(|identifier| {
            let wanted = match identifier {
                Identifier::Email => email.as_deref()?,
                Identifier::Phone => number.as_deref()?,
            };
            if !lags {
                return Self::owner(location, identifier, wanted)
                    .map(|slot| (slot, location.contacts.get(slot)));
            }
            location
                .contacts
                .candidates(wanted)
                .into_iter()
                .find_map(|slot| {
                    let shown = location.contacts.shown(slot)?;
                    let owns = match identifier {
                        Identifier::Email => shown.emails().any(|own| own.to_lowercase() == wanted),
                        Identifier::Phone => shown.phones().any(|own| own == wanted),
                    };
                    owns.then_some((slot, shown))
                })
        });
        let mut out = Vec::with_capacity(1_024);
        let mut object = Object::new(&mut out);
        match found {
            Some((_, contact)) => {
                render::full(
                    object.key("contact"),
                    contact,
                    View::new(location, admitted.v3, admitted.core),
                );
            }
            None => object.nullable("contact", None),
        }
        object.end();
        Ok(Answer::new(200, "application/json; charset=utf-8", out))
    }

    pub(crate) fn list_contacts(&mut self, admitted: &Admitted<'_>) -> Answered {
        let has_to = admitted.core.switches.flag("highlevel.old_list_location");
        let location_id = match admitted.own_location() {
            Some(own) if !has_to && admitted.query("locationId").is_none() => own.to_owned(),
            _ => self.own_query(admitted)?,
        };
        let limit = match admitted.query("limit").map(|limit| limit.parse::<usize>()) {
            None => 20,
            Some(Ok(limit @ 1..=100)) => limit,
            Some(_) => {
                return Err(errors::unprocessable_one(
                    "limit must not be greater than 100",
                ));
            }
        };
        let after = match (admitted.query("startAfter"), admitted.query("startAfterId")) {
            (Some(at_ms), Some(id)) => {
                let at_ms: i64 = at_ms
                    .parse()
                    .map_err(|_| errors::unprocessable_one("startAfter must be a number string"))?;
                Some(vec![json!(at_ms), json!(id)])
            }
            _ => None,
        };
        let sort = Sort {
            field: match admitted.query("sortBy").as_deref() {
                Some("date_updated") => SortField::DateUpdated,
                _ => SortField::DateAdded,
            },
            descending: admitted.query("order").as_deref() != Some("asc"),
        };
        let text = admitted.query("query").filter(|text| !text.is_empty());
        let query = Query {
            filter: Filter::All(Vec::new()),
            signature: text.clone().unwrap_or_default(),
            text,
            sort: vec![sort],
            after,
            skip: 0,
            limit,
        };
        let State {
            locations, totals, ..
        } = self;
        let location = locations
            .get_mut(&location_id)
            .ok_or_else(errors::wrong_location)?;
        location.contacts.refresh(admitted.now_ms);
        let location = &*location;
        let page = search::find(&location.contacts, totals, &query);
        let shown: Vec<&Contact> = page
            .slots
            .iter()
            .filter_map(|slot| location.contacts.shown(*slot))
            .collect();

        let mut out = Vec::with_capacity(shown.len() * 900 + 400);
        let mut object = Object::new(&mut out);
        let view = View::new(location, admitted.v3, admitted.core);
        json::list(object.key("contacts"), &shown, |out, contact| {
            render::list_item(out, contact, view)
        });
        let mut meta = Object::new(object.key("meta"));
        meta.number("total", i64::try_from(page.total).unwrap_or(i64::MAX));
        match shown.last().filter(|_| shown.len() == limit) {
            Some(last) => {
                let at_ms = match sort.field {
                    SortField::DateUpdated => last.date_updated,
                    _ => last.date_added,
                };
                let url = format!(
                    "{}/contacts/?locationId={location_id}&limit={limit}&startAfter={at_ms}&startAfterId={}",
                    admitted.call.base, last.id
                );
                meta.text("nextPageUrl", &url);
                meta.text("startAfterId", last.id.as_str());
                meta.number("startAfter", at_ms);
                meta.number("currentPage", 1);
                meta.number("nextPage", 2);
            }
            None => {
                meta.nullable("nextPageUrl", None);
                meta.nullable("startAfterId", None);
                meta.nullable("startAfter", None);
                meta.number("currentPage", 1);
                meta.nullable("nextPage", None);
            }
        }
        meta.nullable("prevPage", None);
        meta.end();
        object.end();
        Ok(Answer::new(200, "application/json; charset=utf-8", out))
    }

    pub(crate) fn search_contacts(&mut self, admitted: &Admitted<'_>) -> Answered {
        let body: Value = serde_json::from_slice(admitted.call.body)
            .map_err(|_| errors::not_json(admitted.call.body))?;
        let mut missing = Vec::new();
        if !body["locationId"].is_string() {
            missing.push("locationId must be a string".to_owned());
        }
        if !body["pageLimit"].is_number() {
            missing.push(
                "pageLimit must be a number conforming to the specified constraints".to_owned(),
            );
        }
        if !missing.is_empty() {
            return Err(errors::unprocessable(&missing));
        }
        let location_id = self.own(admitted, body["locationId"].as_str())?;
        let core = admitted.core;
        let State {
            locations, totals, ..
        } = self;
        let location = locations
            .get_mut(&location_id)
            .ok_or_else(errors::wrong_location)?;
        location.contacts.refresh(admitted.now_ms);
        let location = &*location;
        let query = query(&body, location, core)?;
        let page = search::find(&location.contacts, totals, &query);

        let cased = core.switches.flag("highlevel.search_names_cased");
        let view = View::new(location, admitted.v3, admitted.core);
        let mut out = Vec::with_capacity(page.slots.len() * 1_000 + 200);
        let mut object = Object::new(&mut out);
        let shown = page
            .slots
            .iter()
            .filter_map(|slot| location.contacts.shown(*slot));
        json::list(object.key("contacts"), shown, |out, contact| {
            render::search_item(
                out,
                contact,
                view,
                cased,
                &search::cursor(contact, &query.sort),
            );
        });
        object.number("total", i64::try_from(page.total).unwrap_or(i64::MAX));
        object.end();
        Ok(Answer::new(
            admitted.post_status(200, 200),
            "application/json; charset=utf-8",
            out,
        ))
    }
}

/// The query of a search body.
fn query(body: &Value, location: &Location, core: &Core) -> Result<Query, Answer> {
    let invalid = |message: String| errors::bad_request(&message);
    let limit = body["pageLimit"]
        .as_u64()
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or_default();
    if !(1..=500).contains(&limit) {
        return Err(errors::unprocessable_one(
            "pageLimit must not be greater than 500",
        ));
    }
    let known = [
        "locationId",
        "pageLimit",
        "page",
        "searchAfter",
        "filters",
        "sort",
        "query",
    ];
    let unknown = body
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| !known.contains(&name.as_str()));
    let messages: Vec<String> = unknown
        .map(|(name, _)| format!("property {name} should not exist"))
        .collect();
    if !messages.is_empty() {
        return Err(errors::unprocessable(&messages));
    }
    let after = body
        .get("searchAfter")
        .filter(|after| after.as_array().is_none_or(|list| !list.is_empty()));
    let after = match after {
        None | Some(Value::Null) => None,
        Some(Value::Array(list)) => Some(list.clone()),
        Some(_) => return Err(errors::unprocessable_one("searchAfter must be an array")),
    };
    let page = body["page"]
        .as_u64()
        .and_then(|page| usize::try_from(page).ok());
    if page.is_some() && after.is_some() {
        return Err(invalid(
            "page and searchAfter cannot be used together".to_owned(),
        ));
    }
    let skip = page.unwrap_or(1).saturating_sub(1).saturating_mul(limit);
    if skip + limit > REACHABLE {
        return Err(invalid(format!(
            "page reaches at most {REACHABLE} records, use searchAfter"
        )));
    }
    let empty = Vec::new();
    let filters = match &body["filters"] {
        Value::Null => &empty,
        Value::Array(filters) => filters,
        _ => return Err(errors::unprocessable_one("filters must be an array")),
    };
    let data_type = |id: &str| {
        let field = location
            .fields
            .iter()
            .find(|field| field.active && &*field.id == id)?;
        Some(field.data_type.as_str())
    };
    let mut filter = filter::parse(filters, &data_type).map_err(invalid)?;
    if core.switches.flag("highlevel.phone_search_blind") {
        filter.blind_to_phones();
    }
    let text = match &body["query"] {
        Value::String(text) if text.chars().count() > LONGEST_QUERY => {
            return Err(errors::unprocessable_one(
                "query must be shorter than or equal to 75 characters",
            ));
        }
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    let signature = format!("{}{:?}", body["filters"], text);
    Ok(Query {
        filter,
        signature,
        text,
        sort: sort(&body["sort"])?,
        after,
        skip,
        limit,
    })
}

fn sort(sort: &Value) -> Result<Vec<Sort>, Answer> {
    let default = vec![Sort {
        field: SortField::DateAdded,
        descending: true,
    }];
    let list = match sort {
        Value::Null => return Ok(default),
        Value::Array(list) if list.is_empty() => return Ok(default),
        Value::Array(list) if list.len() <= 2 => list,
        _ => {
            return Err(errors::unprocessable_one(
                "sort must be an array of at most 2 elements",
            ));
        }
    };
    list.iter()
        .map(|entry| {
            let field = entry["field"].as_str().and_then(SortField::from_name);
            let field = field.ok_or_else(|| {
                errors::bad_request(&format!("invalid sort field {}", entry["field"]))
            })?;
            match entry["direction"].as_str() {
                Some("asc") => Ok(Sort {
                    field,
                    descending: false,
                }),
                Some("desc") => Ok(Sort {
                    field,
                    descending: true,
                }),
                _ => Err(errors::unprocessable_one(
                    "direction must be one of the following values: asc, desc",
                )),
            }
        })
        .collect()
}
