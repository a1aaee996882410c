//! The contact operations: create, read, update, delete, upsert, find, list, search.

use serde_json::{Value, json};

use super::State;
use super::accounts::{Identifier, Location};
use super::apps::Origin;
use super::body::{self, Dto, Input, Strictness};
use super::contact::{Contact, Creator, Field};
use super::errors;
use super::filter::{self, Filter};
use super::gate::Admitted;
use super::json::{self, Object};
use super::phone;
use super::render::{self, View};
use super::search::{self, Query, REACHABLE, Sort, SortField};
use super::store::Slot;
use super::writes::{self, At, Rules};
use crate::core::Core;
use crate::edits::Actor;
use crate::vendor::{ActError, Answer};

type Answered = Result<Answer, Answer>;

/// The longest `query` of a search, in characters.
const LONGEST_QUERY: usize = 75;

impl State {
    pub(crate) fn create_contact(&mut self, admitted: &Admitted<'_>) -> Answered {
        let input = body::read(admitted.call.body, strictness(admitted, Dto::Create))?;
        let location_id = self.own(admitted, input.location_id.as_deref())?;
        let core = admitted.core;
        let location = self.location_mut(&location_id);
        let mut contact = Self::new_contact(core, admitted.now_ms, creator(admitted));
        contact.set_text(Field::Source, Some("public api"));
        writes::apply(&mut contact, &input, location, Rules::api(core), core)
            .map_err(|messages| errors::unprocessable(&messages))?;
        if !location.allow_duplicates {
            refuse_duplicate(location, &contact, None)?;
        }
        let at = self.commit_create(&location_id, contact, Actor::Api, core);
        self.creates += 1;
        let every = core.switches.number("highlevel.create_422_every");
        if every > 0 && self.creates % every == 0 {
            return Err(errors::unprocessable_one("Unable to create contact"));
        }
        Ok(self.show(&at, admitted.v3, 201, render::created, |_| {}))
    }

    pub(crate) fn get_contact(&mut self, admitted: &Admitted<'_>) -> Answered {
        let at = self.at(admitted, admitted.parameter(0))?;
        Ok(self.show(&at, admitted.v3, 200, render::full, |_| {}))
    }

    pub(crate) fn update_contact(&mut self, admitted: &Admitted<'_>) -> Answered {
        let at = self.at(admitted, admitted.parameter(0))?;
        let input = body::read(admitted.call.body, strictness(admitted, Dto::Update))?;
        let core = admitted.core;
        let mut contact = self.contact_at(&at).clone();
        let location = self.location_mut(&at.location_id);
        writes::apply(&mut contact, &input, location, Rules::api(core), core)
            .map_err(|messages| errors::unprocessable(&messages))?;
        if !location.allow_duplicates {
            let before = location.contacts.get(at.slot);
            let moved = |field| contact.text(field) != before.text(field);
            if moved(Field::Email) || moved(Field::Phone) {
                refuse_duplicate(location, &contact, Some(at.slot))?;
            }
        }
        self.commit_update(&at, contact, Actor::Api, core);
        let v3 = admitted.v3;
        Ok(self.show(&at, v3, 200, render::full, |object| {
            object.flag("succeeded", true);
            if !v3 {
                object.flag("succeded", true);
            }
        }))
    }

    pub(crate) fn delete_contact(&mut self, admitted: &Admitted<'_>) -> Answered {
        let at = self.at(admitted, admitted.parameter(0))?;
        self.commit_delete(&at, Actor::Api, admitted.core);
        let body = match admitted.core.switches.choice("highlevel.delete_spelling") {
            "succeded" => json!({"succeded": true}),
            "succeeded" => json!({"succeeded": true}),
            _ => json!({"succeded": true, "succeeded": true}),
        };
        Ok(Answer::json(200, &body))
    }

    pub(crate) fn upsert_contact(&mut self, admitted: &Admitted<'_>) -> Answered {
        let mut input = body::read(admitted.call.body, strictness(admitted, Dto::Upsert))?;
        let location_id = self.own(admitted, input.location_id.as_deref())?;
        let core = admitted.core;
        let rules = Rules::api(core);
        let location = self.location_mut(&location_id);
        let always_new = input.create_new_if_duplicate_allowed && location.allow_duplicates;
        let found = if always_new {
            None
        } else {
            meet(location, &mut input, core)?
        };
        let (at, new) = match found {
            Some(slot) => {
                if core.switches.flag("highlevel.upsert_drops_gender") {
                    input.drop_text(Field::Gender);
                }
                let mut contact = location.contacts.get(slot).clone();
                secondary_email(&contact, &mut input, core);
                writes::apply(&mut contact, &input, location, rules, core)
                    .map_err(|messages| errors::unprocessable(&messages))?;
                let at = At { location_id, slot };
                self.commit_update(&at, contact, Actor::Api, core);
                (at, false)
            }
            None => {
                let mut contact = Self::new_contact(core, admitted.now_ms, creator(admitted));
                contact.set_text(Field::Source, Some("public api"));
                writes::apply(&mut contact, &input, location, rules, core)
                    .map_err(|messages| errors::unprocessable(&messages))?;
                (
                    self.commit_create(&location_id, contact, Actor::Api, core),
                    true,
                )
            }
        };
        let status = admitted.post_status(200, 200);
        Ok(self.show(&at, admitted.v3, status, render::full, |object| {
            object.flag("new", new);
            object.flag("succeded", true);
        }))
    }

    pub(crate) fn find_duplicate(&mut self, admitted: &Admitted<'_>) -> Answered {
        let location_id = self.own_query(admitted)?;
        let core = admitted.core;
        let lags = core.switches.flag("highlevel.duplicate_lookup_lags");
        let location = self.location_mut(&location_id);
        location.contacts.refresh(admitted.now_ms);
        let number = admitted
            .query("number")
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
                    View {
                        location,
                        v3: admitted.v3,
                    },
                );
            }
            None => object.nullable("contact", None),
        }
        object.end();
        Ok(Answer::new(200, "application/json; charset=utf-8", out))
    }

    pub(crate) fn list_contacts(&mut self, admitted: &Admitted<'_>) -> Answered {
        let location_id = self.own_query(admitted)?;
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
        let view = View {
            location,
            v3: admitted.v3,
        };
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
        let view = View {
            location,
            v3: admitted.v3,
        };
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

    /// Fills in one record without limits, webhooks or duplicate checks.
    pub(crate) fn seed_contact(&mut self, record: &Value, core: &Core) -> Result<String, ActError> {
        let record = record
            .as_object()
            .ok_or_else(|| ActError::Input(format!("{record} is no object")))?;
        let strictness = Strictness {
            dto: Dto::Person,
            v3: false,
            whitelist: true,
        };
        let input = body::read_object(record, strictness)
            .map_err(|errors| ActError::Input(errors.join(", ")))?;
        let location_id = input
            .location_id
            .clone()
            .unwrap_or_else(|| self.main_location.clone());
        let location = self
            .locations
            .get_mut(&location_id)
            .ok_or_else(|| ActError::missing("location", &location_id))?;
        let mut contact = Self::new_contact(core, core.clock.now_ms(), Creator::Import);
        writes::apply(&mut contact, &input, location, Rules::person(core), core)
            .map_err(|errors| ActError::Input(errors.join(", ")))?;
        let at = self.commit_create(&location_id, contact, Actor::Seed, core);
        Ok(self.contact_at(&at).id.to_string())
    }

    /// The location named in a body, if the token is for it.
    pub(crate) fn own(
        &self,
        admitted: &Admitted<'_>,
        named: Option<&str>,
    ) -> Result<String, Answer> {
        match (admitted.own_location(), named) {
            (Some(own), Some(named)) if own == named && self.locations.contains_key(named) => {
                Ok(named.to_owned())
            }
            _ => Err(errors::wrong_location()),
        }
    }

    /// The location named in the query. Leaving it out is answered like a wrong one.
    pub(crate) fn own_query(&self, admitted: &Admitted<'_>) -> Result<String, Answer> {
        self.own(admitted, admitted.query("locationId").as_deref())
    }

    /// A contact that is there and in the token's location.
    pub(crate) fn at(&self, admitted: &Admitted<'_>, id: &str) -> Result<At, Answer> {
        let status = if admitted.core.switches.choice("highlevel.unknown_contact") == "404" {
            404
        } else {
            400
        };
        let at = self
            .locate(id)
            .ok_or_else(|| errors::no_contact(id, status))?;
        if admitted.own_location() != Some(&at.location_id) {
            return Err(errors::wrong_location());
        }
        if self.contact_at(&at).deleted.is_some() {
            return Err(errors::no_contact(id, status));
        }
        Ok(at)
    }

    fn show(
        &self,
        at: &At,
        v3: bool,
        status: u16,
        render: impl Fn(&mut Vec<u8>, &Contact, View<'_>),
        beside: impl FnOnce(&mut Object<'_>),
    ) -> Answer {
        let location = self.location_at(at);
        let mut out = Vec::with_capacity(1_024);
        let mut object = Object::new(&mut out);
        beside(&mut object);
        render(
            object.key("contact"),
            location.contacts.get(at.slot),
            View { location, v3 },
        );
        object.end();
        Answer::new(status, "application/json; charset=utf-8", out)
    }
}

fn strictness(admitted: &Admitted<'_>, dto: Dto) -> Strictness {
    Strictness {
        dto,
        v3: admitted.v3,
        whitelist: admitted.core.switches.flag("highlevel.whitelist"),
    }
}

fn creator(admitted: &Admitted<'_>) -> Creator {
    match admitted.access.origin {
        Origin::App(_) => Creator::OAuth,
        Origin::Private => Creator::PrivateIntegration,
    }
}

/// Refuses a contact whose e-mail or phone another one has.
fn refuse_duplicate(
    location: &Location,
    contact: &Contact,
    itself: Option<Slot>,
) -> Result<(), Answer> {
    for identifier in &location.identifiers {
        let field = match identifier {
            Identifier::Email => Field::Email,
            Identifier::Phone => Field::Phone,
        };
        let Some(value) = contact.text(field) else {
            continue;
        };
        let other = match identifier {
            Identifier::Email => location
                .contacts
                .with_email(value)
                .find(|slot| Some(*slot) != itself),
            Identifier::Phone => location
                .contacts
                .with_phone(value)
                .find(|slot| Some(*slot) != itself),
        };
        if let Some(other) = other {
            let other = location.contacts.get(other);
            return Err(errors::duplicate(
                other.id.as_str(),
                identifier.name(),
                other.name().as_deref(),
            ));
        }
    }
    Ok(())
}

/// The contact that an upsert meets, by the location's identifiers in order. An identifier that leads to another
/// contact is dropped from the input without a word, or refused, as the switch says.
fn meet(location: &Location, input: &mut Input, core: &Core) -> Result<Option<Slot>, Answer> {
    let mut met: Option<Slot> = None;
    for identifier in location.identifiers.clone() {
        let (field, value) = match identifier {
            Identifier::Email => (Field::Email, input.text(Field::Email).map(str::to_owned)),
            Identifier::Phone => {
                let country = input.text(Field::Country).unwrap_or(&location.country);
                (
                    Field::Phone,
                    input
                        .text(Field::Phone)
                        .and_then(|phone| phone::to_e164(phone, Some(country))),
                )
            }
        };
        let Some(owner) = value.and_then(|value| State::owner(location, identifier, &value)) else {
            continue;
        };
        match met {
            None => met = Some(owner),
            Some(first) if first == owner => {}
            Some(_)
                if core
                    .switches
                    .flag("highlevel.upsert_second_identifier_ignored") =>
            {
                input.drop_text(field)
            }
            Some(_) => {
                let other = location.contacts.get(owner);
                return Err(errors::duplicate(
                    other.id.as_str(),
                    identifier.name(),
                    other.name().as_deref(),
                ));
            }
        }
    }
    Ok(met)
}

/// An upsert by a secondary e-mail: it becomes the primary one and the old one is lost, or nothing, as the switch
/// says.
fn secondary_email(contact: &Contact, input: &mut Input, core: &Core) {
    let promotes = core.switches.flag("highlevel.upsert_promotes_secondary");
    let Some(email) = input.text(Field::Email) else {
        return;
    };
    let secondary = contact
        .additional_emails
        .iter()
        .any(|own| own.eq_ignore_ascii_case(email));
    if secondary && !promotes {
        input.drop_text(Field::Email);
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
    let by_phone = filter.wanted(&filter::Target::Text(Field::Phone)).is_some();
    if by_phone && core.switches.flag("highlevel.phone_search_blind") {
        filter = Filter::All(vec![Filter::Never]);
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
