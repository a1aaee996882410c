//! Everything that is not in sync and refers to nothing that is: bookings, visits, tickets, fees, payments, contracts and their like, in
//! one engine. [`table`] has a line for each call, from the vendor's v2 reference, read for the sandbox alone; questions, pages and
//! bodies go through the same `query`, `listing` and `shape` as those of members and companies.

mod money;
mod occurrences;
mod show;
mod table;
mod users;

use http::Method;
use serde_json::{Map, Value, json};

use self::show::OneView;
#[cfg(test)]
pub(super) use self::table::calls;
pub(super) use self::table::{Row, below, find, knows};
use super::State;
use super::errors::{self, Refusal, is_id};
use super::fields::{May, Type};
use super::gate;
use super::kind::Kind;
use super::listing::{self, counts_everything};
use super::query::{self, Condition, Test};
use super::record::{Slot, Stamp};
use super::shape::{self, Writer};
use super::writes::written;
use crate::clock::iso_millis;
use crate::core::Core;
use crate::edits::{Actor, Entry, Operation};
use crate::system::System;
use crate::vendor::{ActError, Answer, Call};

/// A thing.
#[derive(Debug)]
pub(super) struct Thing {
    kind: &'static str,
    id: String,
    fields: Map<String, Value>,
    made_ms: i64,
    changed_ms: i64,
    made_by: Box<str>,
    changed_by: Box<str>,
    deleted: bool,
}

impl Thing {
    fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or("")
    }
}

/// All things.
#[derive(Debug, Default)]
pub(super) struct Things {
    all: Vec<Thing>,
    /// What the vendor wrote to customers about their bookings.
    mails: Vec<Value>,
}

/// What a person makes by `make_thing` beside bookings.
const MADE_BY_PEOPLE: [&str; 3] = ["visit", "visitor", "ticket_comment"];

impl Things {
    fn living(&self, kind: &str) -> impl Iterator<Item = (Slot, &Thing)> {
        (0..)
            .zip(&self.all)
            .filter(move |(_, thing)| thing.kind == kind && !thing.deleted)
    }

    fn get(&self, slot: Slot) -> &Thing {
        &self.all[slot as usize]
    }

    fn find(&self, kind: &str, id: &str) -> Result<Slot, Refusal> {
        self.living(kind)
            .find(|(_, thing)| thing.id == id)
            .map(|(slot, _)| slot)
            .ok_or_else(|| Refusal::NoItem(id.to_owned()))
    }

    pub(super) fn kind_and_fields(&self, slot: Slot) -> (&'static str, &Map<String, Value>) {
        let thing = self.get(slot);
        (thing.kind, &thing.fields)
    }

    pub(super) fn id_of(&self, slot: Slot) -> &str {
        &self.get(slot).id
    }

    pub(super) fn slot_of(&self, kind: &str, id: &str) -> Option<Slot> {
        self.find(kind, id).ok()
    }

    pub(super) fn bury(&mut self, slot: Slot) {
        self.all[slot as usize].deleted = true;
    }

    /// Everything, deleted or not, for a look from outside.
    pub(super) fn dump(&self) -> Value {
        self.all
            .iter()
            .map(|thing| {
                json!({"kind": thing.kind, "id": thing.id, "fields": thing.fields, "deleted": thing.deleted})
            })
            .collect()
    }

    /// The mails that were sent, for a look from outside.
    pub(super) fn mails(&self) -> Value {
        json!(self.mails)
    }
}

/// What an account has that no call can make. `@kind` stands for the id of the first thing of a kind, made before.
const SEEDS: &[(&str, &str)] = &[
    ("amenity", r#"{"title": "Projector"}"#),
    ("benefit", r#"{"name": "Coffee"}"#),
    (
        "floor",
        r#"{"name": "Ground floor", "location": "@location"}"#,
    ),
    (
        "reception_flow",
        r#"{"name": "Front desk", "type": "visitor", "enabled": true, "location": "@location"}"#,
    ),
    ("resource_rate", r#"{"name": "Meeting room", "price": 20}"#),
    (
        "resource_type",
        r#"{"title": "Meeting room", "type": "meeting_room"}"#,
    ),
    (
        "resource",
        r#"{"name": "Room one", "type": "meeting_room", "status": "available", "ownStatus": "available", "location": "@location"}"#,
    ),
    ("assignment", r#"{"resource": "@resource"}"#),
    ("revenue_account", r#"{"name": "Rent", "code": "8400"}"#),
    (
        "secondary_currency",
        r#"{"code": "USD", "exchangeRate": 1.08}"#,
    ),
    ("tax_rate", r#"{"name": "Full", "rate": "19"}"#),
    (
        "ticket_option",
        r#"{"label": "Question", "category": "type"}"#,
    ),
    (
        "ticket_option",
        r#"{"label": "Minor", "category": "severity"}"#,
    ),
    (
        "ticket_option",
        r#"{"label": "Urgent", "category": "priority"}"#,
    ),
    ("visitor_checkin", r#"{"source": "reception"}"#),
    (
        "business_hours",
        r#"{"workDays": [1, 2, 3, 4, 5], "openingTime": 8, "closingTime": 18, "location": "@location", "closedDays": [
            {"from": "2026-12-24T00:00:00.000Z", "to": "2026-12-26T00:00:00.000Z", "description": "Closed for Christmas", "occurrence": "yearly"}]}"#,
    ),
    (
        "billing_settings",
        r#"{"currency": "EUR", "isMultiCurrencyEnabled": false, "shouldGenerateInvoiceNumbers": true, "isPersonalPaymentsEnabled": true}"#,
    ),
    (
        "integration",
        r#"{"type": "app", "settings": {"appClientId": "door-locks", "secret": "kept by the app", "isExternal": true}}"#,
    ),
];

/// What a field of a body names.
enum Named {
    Record(Kind),
    Thing(&'static str),
}

/// What the ids in a field name; none for a field that holds no ids.
fn named(kind: &str, field: &str) -> Option<Named> {
    Some(match (kind, field) {
        // the company of a visitor is text
        ("visitor", "company") => return None,
        (_, "member" | "members") => Named::Record(Kind::Member),
        (_, "company") => Named::Record(Kind::Company),
        (_, "location" | "locations") => Named::Record(Kind::Location),
        (_, "plan") => Named::Record(Kind::Plan),
        (_, "visitor" | "visitors") => Named::Thing("visitor"),
        ("visit", "flowId") => Named::Thing("reception_flow"),
        ("booking", "resource") => Named::Thing("resource"),
        ("ticket", "type" | "severity" | "priority") => Named::Thing("ticket_option"),
        ("charge" | "allocation", "payment") | ("allocation", "target") => Named::Thing("payment"),
        ("charge", "account") => Named::Thing("revenue_account"),
        ("credits", "resourceTypes") => Named::Thing("resource_type"),
        ("credits", "resourceRates") => Named::Thing("resource_rate"),
        _ => return None,
    })
}

/// The target of the custom properties of a kind of thing; none for one that has none.
fn target(kind: &str) -> Option<&'static str> {
    match kind {
        "booking" => Some("bookings"),
        "contract" => Some("contract"),
        "fee" => Some("plan-fee"),
        "payment" => Some("invoice"),
        "resource" => Some("resource"),
        "visit" => Some("visit"),
        _ => None,
    }
}

impl State {
    pub(super) fn seed_things(&mut self, core: &Core) {
        let stamp = Stamp {
            at_ms: core.clock.now_ms(),
            actor: Actor::Seed,
            by: self.person_id.clone(),
        };
        for (kind, fields) in SEEDS {
            let mut fields: Map<String, Value> = serde_json::from_str(fields).unwrap_or_default();
            for value in fields.values_mut() {
                let Some(wanted) = value.as_str().and_then(|text| text.strip_prefix('@')) else {
                    continue;
                };
                *value = match wanted {
                    "location" => {
                        json!(self.table(Kind::Location).first().map(|first| &first.id))
                    }
                    kind => json!(self.things.living(kind).next().map(|(_, first)| &first.id)),
                };
            }
            self.add(kind, fields, &stamp, core);
        }
    }

    /// What a person does with tickets in the UI: makes one out of these fields, changes one, or looks at all.
    pub(super) fn person_ticket(
        &mut self,
        act: &str,
        input: &Value,
        core: &Core,
    ) -> Result<Value, ActError> {
        let stamp = self.person(core);
        let fields = input["fields"].as_object().cloned().unwrap_or_default();
        let slot = match act {
            "create_ticket" => {
                let mut fields = fields;
                fields.entry("status").or_insert(json!("new"));
                self.add("ticket", fields, &stamp, core)
            }
            "edit_ticket" => {
                let id = input["id"].as_str().unwrap_or_default();
                let slot = self.things.find("ticket", id);
                let slot = slot.map_err(|_| ActError::missing("ticket", id))?;
                self.change(slot, fields, &stamp, core)
            }
            "delete_ticket" => self.person_deletes_thing("ticket", input, core)?,
            _ => {
                let all = self.things.living("ticket");
                let shown: Vec<Value> = all
                    .map(|(_, thing)| {
                        let mut shown = thing.fields.clone();
                        shown.insert("_id".to_owned(), json!(thing.id));
                        Value::Object(shown)
                    })
                    .collect();
                return Ok(json!({ "tickets": shown }));
            }
        };
        Ok(json!({"_id": self.things.get(slot).id}))
    }

    /// A person deletes one, which some kinds have an event for.
    fn person_deletes_thing(
        &mut self,
        kind: &'static str,
        input: &Value,
        core: &Core,
    ) -> Result<Slot, ActError> {
        let id = input["id"].as_str().unwrap_or_default();
        let slot = self.things.find(kind, id);
        let slot = slot.map_err(|_| ActError::missing(kind, id))?;
        let stamp = self.person(core);
        self.things.bury(slot);
        log(core, Operation::Delete, kind, id);
        self.tell_of_thing(slot, Operation::Delete, None, &stamp, core);
        Ok(slot)
    }

    pub(super) fn add(
        &mut self,
        kind: &'static str,
        fields: Map<String, Value>,
        stamp: &Stamp,
        core: &Core,
    ) -> Slot {
        let thing = Thing {
            kind,
            id: self.new_id(core),
            fields,
            made_ms: stamp.at_ms,
            changed_ms: stamp.at_ms,
            made_by: stamp.by.clone(),
            changed_by: stamp.by.clone(),
            deleted: false,
        };
        self.things.all.push(thing);
        Slot::try_from(self.things.all.len() - 1).expect("fewer than four billion things")
    }

    /// Answers a row, after the same gate as all else.
    pub(super) fn thing_answer(
        &mut self,
        (row, slug, id): (&'static Row, &str, &str),
        call: &Call<'_>,
        core: &Core,
    ) -> Answer {
        let Some(grant) = self.authenticate(call, core) else {
            return errors::unauthorized();
        };
        let stamp = self.stamp(&grant, core);
        let verdict = self.limits.check(row.access(), core);
        let mut answer = match &verdict {
            Some(verdict) if !verdict.allowed => verdict.refusal(core),
            _ if slug != self.slug => errors::wrong_slug(core),
            _ if !grant.scopes.contains(row.scope) => errors::missing_scope(core),
            _ => self
                .thing(row, id, call, &stamp, core)
                .unwrap_or_else(|refusal| refusal.answer(core)),
        };
        if let Some(verdict) = verdict {
            answer.extra_headers.extend(verdict.headers());
        }
        answer
    }

    fn thing(
        &mut self,
        row: &'static Row,
        id: &str,
        call: &Call<'_>,
        stamp: &Stamp,
        core: &Core,
    ) -> Result<Answer, Refusal> {
        let (verb, detail) = row.act.split_once(':').unwrap_or((row.act, ""));
        match verb {
            "list" => return Ok(self.list_things(row, call.query, core)),
            "occurrences" => return Ok(self.occurrences(row, call.query, core)),
            "count" => return Ok(self.count_things(row, call.query, core)),
            // those that belong to the one that the path names
            "children" => {
                self.things.find(detail, id)?;
                let asked = match call.query {
                    "" => format!("{detail}={id}"),
                    query => format!("{query}&{detail}={id}"),
                };
                return Ok(self.list_things(row, &asked, core));
            }
            "get" => {
                let slot = self.things.find(row.kind, id)?;
                return Ok(self.shown_thing(200, slot, core));
            }
            // there is one, and it has no id
            "settings" => {
                let fields = self.things.living(row.kind).next();
                return Ok(Answer::json(
                    200,
                    &json!(fields.map(|(_, own)| &own.fields)),
                ));
            }
            "validate" => return self.validated_booking(row, call, core),
            "coins" => return self.coins(row, call.query, core),
            "methods" => return Ok(self.payment_methods()),
            "document" => return self.payment_document(id, call.base),
            "accounting" => {
                let body = self.thing_body(row, call, core)?;
                return self.account((row, id, body), call, stamp, core);
            }
            _ if row.kind == "user" => {
                let body = self.thing_body(row, call, core)?;
                return self.user_call(row, body, stamp, core);
            }
            _ => {}
        }
        // an object that is not there is no matter of its body
        let known = match verb {
            "update" | "set" | "delete" => Some(self.things.find(row.kind, id)?),
            _ => None,
        };
        let mut body = self.thing_body(row, call, core)?;
        let mut before = known
            .filter(|_| verb != "delete")
            .map(|slot| self.things.get(slot).fields.clone());
        let (happened, slot) = match (verb, known) {
            ("update", Some(slot)) => (Operation::Update, self.change(slot, body, stamp, core)),
            ("set", Some(slot)) => {
                let (name, value) = detail.split_once('=').unwrap_or((detail, "true"));
                // what the call is told about the change is no part of the thing
                let value = match value {
                    "true" => json!(true),
                    word => json!(word),
                };
                let changes = Map::from_iter([(name.to_owned(), value)]);
                (Operation::Update, self.change(slot, changes, stamp, core))
            }
            ("close", _) => {
                let open = self.things.living(row.kind).filter(|(_, thing)| {
                    thing.text("member") == id && thing.text("end").is_empty()
                });
                let slot = open.last().map(|(slot, _)| slot);
                let slot = slot.ok_or(Refusal::Rule("Member is not checked in"))?;
                before = Some(self.things.get(slot).fields.clone());
                let end = Map::from_iter([("end".to_owned(), json!(iso_millis(stamp.at_ms)))]);
                (Operation::Update, self.change(slot, end, stamp, core))
            }
            ("delete", Some(slot)) => {
                self.things.all[slot as usize].deleted = true;
                (Operation::Delete, slot)
            }
            // a thing that belongs to the one that the path names
            ("child", _) => {
                body.insert(detail.to_owned(), json!(id));
                match detail {
                    "member" if self.table(Kind::Member).find(id).is_none() => {
                        return Err(Refusal::NoItem(id.to_owned()));
                    }
                    "member" => {}
                    other => drop(self.things.find(other, id)?),
                }
                (Operation::Create, self.add(row.kind, body, stamp, core))
            }
            ("create", _) => {
                if row.kind == "booking" {
                    self.settle_booking(&mut body);
                }
                if row.kind == "ticket" {
                    body.entry("status").or_insert(json!("new"));
                }
                if row.kind == "contract" {
                    body.insert("status".to_owned(), json!("draft"));
                }
                (Operation::Create, self.add(row.kind, body, stamp, core))
            }
            _ => return Err(Refusal::NoItem(id.to_owned())),
        };
        let id = self.things.get(slot).id.clone();
        log(core, happened, row.kind, &id);
        self.tell_of_thing(slot, happened, before.as_ref(), stamp, core);
        if row.kind == "booking" {
            self.tell_customer(&id, verb, call, core);
        }
        let status = match (row.kind, verb, &row.method) {
            ("contract", "set" | "delete", _) => {
                return Ok(Answer::new(202, "application/json; charset=utf-8", ""));
            }
            (_, "set" | "close", _) => 200,
            (_, _, &Method::POST) => 201,
            _ => 200,
        };
        Ok(self.shown_thing(status, slot, core))
    }

    /// A body after the validator, the references and the rules.
    fn thing_body(
        &self,
        row: &Row,
        call: &Call<'_>,
        core: &Core,
    ) -> Result<Map<String, Value>, Refusal> {
        if row.fields.is_empty() && row.method != Method::PUT {
            return Ok(Map::new());
        }
        let writer = match row.method {
            Method::PUT => Writer::Update,
            _ => Writer::Create,
        };
        let given = gate::body(call, core)?;
        let rules = gate::api_rules(writer, core);
        let read = shape::read(row.fields, &given, rules, &[]).map_err(Refusal::Invalid)?;
        let mut body = Map::new();
        for (name, value) in read {
            self.refer(row.kind, name, &value)?;
            let required = row.fields.iter().any(|field| {
                field.name == name
                    && (field.create == May::Must || field.update == May::Must)
                    && matches!(field.holds, Type::Text)
            });
            if required && value == json!("") {
                return Err(Refusal::Empty(name));
            }
            let value = match (name, target(row.kind), value) {
                ("properties", Some(target), Value::Object(bag)) => {
                    Value::Object(self.defined(bag, target, core)?)
                }
                (_, _, value) => value,
            };
            body.insert(name.to_owned(), value);
        }
        Ok(body)
    }

    pub(super) fn change(
        &mut self,
        slot: Slot,
        changes: Map<String, Value>,
        stamp: &Stamp,
        core: &Core,
    ) -> Slot {
        let empty = changes.is_empty();
        let thing = &mut self.things.all[slot as usize];
        let before = thing.fields.clone();
        for (name, value) in changes {
            match written(before.get(&name), value, &name, core) {
                Value::Null => drop(thing.fields.remove(&name)),
                value => drop(thing.fields.insert(name, value)),
            }
        }
        let moves = match (thing.fields == before, empty) {
            (false, _) => true,
            (true, true) => core.switches.flag("officernd.empty_put_touches"),
            (true, false) => core.switches.flag("officernd.unchanged_put_touches"),
        };
        if moves {
            thing.changed_ms = stamp.at_ms;
            thing.changed_by = stamp.by.clone();
        }
        slot
    }

    /// `make_thing {kind, fields}` (of a booking, or what stands beside it), `change_thing {kind, id, fields}`, `delete_thing {kind, id}` and `things {kind}`, which shows all, gone ones too: what a
    /// person does with bookings and whatever else no act of its own is about.
    pub(super) fn person_with_thing(
        &mut self,
        act: &str,
        input: &Value,
        core: &Core,
    ) -> Result<Value, ActError> {
        let named = input["kind"].as_str().unwrap_or_default();
        let mut fields: Map<String, Value> =
            input["fields"].as_object().cloned().unwrap_or_default();
        let shown = |thing: &Thing| {
            let mut shown = thing.fields.clone();
            shown.insert("_id".to_owned(), json!(&*thing.id));
            shown.insert("gone".to_owned(), json!(thing.deleted));
            Value::Object(shown)
        };
        let stamp = self.person(core);
        match act {
            "things" => {
                let of_kind = self.things.all.iter().filter(|thing| thing.kind == named);
                Ok(of_kind.map(shown).collect())
            }
            "make_thing" if named == "booking" => {
                self.settle_booking(&mut fields);
                let slot = self.add("booking", fields, &stamp, core);
                Ok(shown(&self.things.all[slot as usize]))
            }
            "make_thing" => {
                let kind = MADE_BY_PEOPLE.into_iter().find(|kind| *kind == named);
                let kind = kind.ok_or_else(|| ActError::missing("kind of thing", named))?;
                if kind == "ticket_comment" {
                    self.check_comment(&fields)?;
                }
                let slot = self.add(kind, fields, &stamp, core);
                Ok(shown(&self.things.all[slot as usize]))
            }
            "change_thing" => {
                let id = input["id"].as_str().unwrap_or_default();
                let slot = self
                    .things
                    .find(named, id)
                    .map_err(|_| ActError::missing("thing", id))?;
                self.change(slot, fields, &stamp, core);
                Ok(shown(&self.things.all[slot as usize]))
            }
            "delete_thing" => {
                let kinds = MADE_BY_PEOPLE.into_iter().chain(["booking"]);
                let kind = kinds.into_iter().find(|kind| *kind == named);
                let kind = kind.ok_or_else(|| ActError::missing("kind of thing", named))?;
                let slot = self.person_deletes_thing(kind, input, core)?;
                Ok(shown(&self.things.all[slot as usize]))
            }
            _ => Err(ActError::missing("kind of thing", named)),
        }
    }

    /// A comment is of a ticket that is there. Nobody need stand at it: those of the operator's own people name no member.
    fn check_comment(&self, fields: &Map<String, Value>) -> Result<(), ActError> {
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let ticket = text("ticket");
        self.things
            .find("ticket", ticket)
            .map_err(|_| ActError::missing("ticket", ticket))?;
        let member = text("member");
        if !member.is_empty() && self.table(Kind::Member).find(member).is_none() {
            return Err(ActError::missing("member", member));
        }
        Ok(())
    }

    /// What the vendor adds to a booking.
    fn settle_booking(&self, body: &mut Map<String, Value>) {
        let start = body.get("start").cloned().unwrap_or_default();
        body.insert("seriesStart".to_owned(), start);
        if let Some(end_ms) = occurrences::last_end(body) {
            body.insert("seriesEnd".to_owned(), json!(iso_millis(end_ms)));
        }
        let resource = body.get("resource").and_then(Value::as_str).unwrap_or("");
        let resource = self.things.find("resource", resource).ok();
        let location =
            resource.and_then(|slot| self.things.get(slot).fields.get("location").cloned());
        if let Some(location) = location {
            body.insert("location".to_owned(), location);
        }
    }

    /// What a booking would be, without a price (bookings have none here) and without being made. An id in the body names the one that
    /// would change.
    fn validated_booking(
        &self,
        row: &Row,
        call: &Call<'_>,
        core: &Core,
    ) -> Result<Answer, Refusal> {
        let mut body = self.thing_body(row, call, core)?;
        // says from which date on of a series something would change, and is no part of the booking
        body.remove("editFrom");
        let mut shown = match body.remove("_id") {
            Some(id) => {
                let slot = self
                    .things
                    .find(row.kind, id.as_str().unwrap_or_default())?;
                self.view(core).one(slot, OneView::Alone)
            }
            None => Map::new(),
        };
        self.settle_booking(&mut body);
        shown.extend(body);
        Ok(Answer::json(200, &Value::Object(shown)))
    }

    /// A write to a booking that does not ask for silence reaches its customer by mail.
    fn tell_customer(&mut self, id: &str, verb: &str, call: &Call<'_>, core: &Core) {
        let silent = url::form_urlencoded::parse(call.query.as_bytes())
            .any(|(name, value)| name == "isSilent" && value == "true");
        if silent || !core.switches.flag("officernd.booking_mails") {
            return;
        }
        let mail = json!({"at": iso_millis(core.clock.now_ms()), "booking": id, "about": verb});
        self.things.mails.push(mail);
    }

    /// What a field refers to is there.
    fn refer(&self, kind: &str, name: &str, value: &Value) -> Result<(), Refusal> {
        let Some(named) = named(kind, name) else {
            return Ok(());
        };
        let ids: Vec<&str> = match value {
            Value::String(id) => vec![id],
            Value::Array(ids) => ids.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        for id in ids {
            if !is_id(id) {
                return Err(Refusal::NoId);
            }
            let missing = match named {
                Named::Record(kind) => self.table(kind).find(id).is_none().then(|| kind.old_word()),
                Named::Thing(kind) => self.things.find(kind, id).is_err().then_some(kind),
            };
            if let Some(what) = missing {
                return Err(Refusal::NoReference(what));
            }
        }
        Ok(())
    }

    fn list_things(&self, row: &Row, question: &str, core: &Core) -> Answer {
        let query = match listing::asked(&row.spec, question, core) {
            Ok(query) => query,
            Err(answer) => return answer,
        };
        let rows = self.view(core);
        let (by, descending) = listing::order(&query, core);
        let mut found = rows.found(row.kind, &query.conditions);
        if !by.is_empty() {
            found.sort_by_cached_key(|slot| (listing::Rows::key(&rows, *slot, by), *slot));
            if descending {
                found.reverse();
            }
        }
        let page = listing::page(&rows, &mut found.into_iter(), &query, core);
        Answer::json(200, &page)
    }

    fn count_things(&self, row: &Row, question: &str, core: &Core) -> Answer {
        let conditions = match counts_everything(false, core) {
            true => Vec::new(),
            false => query::conditions(&row.spec, question, core),
        };
        let found = self.view(core).found(row.kind, &conditions);
        listing::count(&row.spec, question, &found, &|slot, by| {
            self.things.get(slot).text(by).to_owned()
        })
    }

    /// The single dates of bookings within the span that the query asks for.
    fn occurrences(&self, row: &Row, question: &str, core: &Core) -> Answer {
        let query = match listing::asked(&row.spec, question, core) {
            Ok(query) => query,
            Err(answer) => return answer,
        };
        let bound = |name: &str| {
            query.conditions.iter().find_map(|own| match own {
                Condition {
                    field,
                    test: Test::Window(at_ms),
                } if *field == name => Some(*at_ms),
                _ => None,
            })
        };
        let (from_ms, to_ms) = (
            bound("seriesStart").unwrap_or(i64::MIN),
            bound("seriesEnd").unwrap_or(i64::MAX),
        );
        let rows = self.view(core);
        let mut dates: Vec<Map<String, Value>> = rows
            .found(row.kind, &query.conditions)
            .into_iter()
            .flat_map(|slot| {
                let shown = listing::Rows::shown(&rows, slot);
                occurrences::within(&shown, &self.things.get(slot).fields, from_ms, to_ms)
            })
            .collect();
        dates.sort_by(|one, other| one["start"].as_str().cmp(&other["start"].as_str()));
        let mut places = (0..).take(dates.len());
        let page = listing::page(&show::Dates(dates), &mut places, &query, core);
        Answer::json(200, &page)
    }

    /// A thing as events of v2's shape show it, and its id.
    pub(super) fn shown_in_event(&self, slot: Slot, core: &Core) -> (String, Map<String, Value>) {
        let id = self.things.get(slot).id.clone();
        (id, self.view(core).one(slot, OneView::Alone))
    }

    fn shown_thing(&self, status: u16, slot: Slot, core: &Core) -> Answer {
        let shown = self.view(core).one(slot, OneView::Alone);
        Answer::json(status, &Value::Object(shown))
    }
}

fn log(core: &Core, operation: Operation, kind: &'static str, id: &str) {
    core.edits.add(Entry {
        at_ms: core.clock.now_ms(),
        system: System::OfficeRnd,
        actor: Actor::Api,
        operation,
        entity: kind,
        id,
        fields: Vec::new(),
    });
}
