//! Everything that is not in sync and refers to nothing that is: bookings, visits, tickets, fees, payments, contracts and their like, in
//! one engine. `table.txt` has a line for each call: verb, path, scope, kind of thing, what is done with it, after `?` the parameters of
//! the query, after `=` the fields of the body (a star is required). It is from the vendor's v2 reference, read for the sandbox alone.
//!
//! A list shows the vendor's envelope and takes `$limit` and a cursor; how the vendor's own cursors look is not known, these count.

use std::sync::LazyLock;

use http::Method;
use serde_json::{Map, Value, json};

use super::State;
use super::errors::{self, Refusal};
use super::gate;
use super::kind::Kind;
use crate::clock::iso_millis;
use crate::core::Core;
use crate::counts::Access;
use crate::edits::{Actor, Entry, Operation};
use crate::system::System;
use crate::vendor::{Answer, Call};

/// Things on a page, and the most that `$limit` may ask for.
const PAGE: usize = 50;

/// A call.
pub(super) struct Row {
    method: Method,
    pub(super) template: &'static str,
    scope: &'static str,
    kind: &'static str,
    act: &'static str,
    query: Vec<&'static str>,
    fields: Vec<Field>,
}

impl Row {
    pub(super) fn access(&self) -> Access {
        match self.method {
            Method::GET => Access::Read,
            _ => Access::Write,
        }
    }
}

struct Field {
    name: &'static str,
    required: bool,
    kind: &'static str,
    words: Vec<&'static str>,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let mut rows: Vec<Row> = include_str!("things/table.txt")
        .lines()
        .filter_map(row)
        .collect();
    // literals win over placeholders
    rows.sort_by_key(|row| row.template.matches('{').count());
    rows
});

fn row(line: &'static str) -> Option<Row> {
    let (head, rest) = line.split_once(" ?").unwrap_or((line, ""));
    let (query, body) = rest.split_once('=').unwrap_or((rest, ""));
    let mut head = head.split_whitespace();
    let method = Method::from_bytes(head.next()?.as_bytes()).ok()?;
    let (template, scope, kind, act) = (head.next()?, head.next()?, head.next()?, head.next()?);
    Some(Row {
        method,
        template,
        scope,
        kind,
        act,
        query: query.split_whitespace().collect(),
        fields: body.split_whitespace().map(field).collect(),
    })
}

fn field(word: &'static str) -> Field {
    let (name, kind) = word.split_once(':').unwrap_or((word, "any"));
    let (kind, words) = match kind.split_once('(') {
        Some((kind, words)) => (kind, words.trim_end_matches(')').split('|').collect()),
        None => (kind, Vec::new()),
    };
    let (name, required) = match name.strip_suffix('*') {
        Some(name) => (name, true),
        None => (name, false),
    };
    Field {
        name,
        required,
        kind,
        words,
    }
}

/// The row of a request, the organization of its path, and the placeholders' values.
pub(super) fn find<'a>(
    method: &Method,
    path: &'a str,
) -> Option<(&'static Row, &'a str, Vec<&'a str>)> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let rest = path.strip_prefix("/api/v2/organizations/")?;
    let (slug, rest) = rest.split_at(rest.find('/')?);
    ROWS.iter()
        .filter(|row| row.method == *method)
        .find_map(|row| Some((row, slug, matches(row.template, rest)?)))
}

fn matches<'a>(template: &str, path: &'a str) -> Option<Vec<&'a str>> {
    let (wanted, given): (Vec<&str>, Vec<&str>) =
        (template.split('/').collect(), path.split('/').collect());
    if wanted.len() != given.len() {
        return None;
    }
    let mut values = Vec::new();
    for (wanted, given) in wanted.into_iter().zip(given) {
        if wanted.starts_with('{') && !given.is_empty() {
            values.push(given);
        } else if wanted != given {
            return None;
        }
    }
    Some(values)
}

/// A thing.
#[derive(Debug)]
struct Thing {
    kind: &'static str,
    id: String,
    fields: Map<String, Value>,
    made_ms: i64,
    changed_ms: i64,
    deleted: bool,
}

impl Thing {
    fn shown(&self) -> Value {
        let mut shown = self.fields.clone();
        shown.insert("_id".to_owned(), json!(self.id));
        shown.insert("createdAt".to_owned(), json!(iso_millis(self.made_ms)));
        shown.insert("modifiedAt".to_owned(), json!(iso_millis(self.changed_ms)));
        Value::Object(shown)
    }

    fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or("")
    }
}

/// All things.
#[derive(Debug, Default)]
pub(super) struct Things(Vec<Thing>);

impl Things {
    fn living(&self, kind: &str) -> impl Iterator<Item = &Thing> {
        self.0
            .iter()
            .filter(move |thing| thing.kind == kind && !thing.deleted)
    }

    fn find(&mut self, kind: &str, id: &str) -> Result<&mut Thing, Refusal> {
        self.0
            .iter_mut()
            .find(|thing| thing.kind == kind && thing.id == id && !thing.deleted)
            .ok_or_else(|| Refusal::NoItem(id.to_owned()))
    }

    /// Everything, deleted or not, for a look from outside.
    pub(super) fn dump(&self) -> Value {
        self.0
            .iter()
            .map(|thing| {
                json!({"kind": thing.kind, "id": thing.id, "fields": thing.fields, "deleted": thing.deleted})
            })
            .collect()
    }
}

/// What an account has that no call can make.
const SEEDS: &[(&str, &str)] = &[
    ("amenity", r#"{"title": "Projector"}"#),
    ("assignment", r#"{"status": "assigned"}"#),
    ("benefit", r#"{"title": "Coffee"}"#),
    ("floor", r#"{"name": "Ground floor"}"#),
    (
        "reception_flow",
        r#"{"name": "Front desk", "type": "visitor", "enabled": true}"#,
    ),
    ("resource_rate", r#"{"name": "Meeting room", "price": 20}"#),
    (
        "resource_type",
        r#"{"title": "Meeting room", "type": "meeting_room"}"#,
    ),
    (
        "resource",
        r#"{"name": "Room one", "type": "meeting_room", "status": "available", "ownStatus": "available"}"#,
    ),
    ("revenue_account", r#"{"name": "Rent", "code": "8400"}"#),
    (
        "secondary_currency",
        r#"{"currency": "USD", "exchangeRate": 1.08}"#,
    ),
    ("tax_rate", r#"{"name": "Full", "rate": "19"}"#),
    (
        "ticket_option",
        r#"{"title": "Urgent", "type": "severity"}"#,
    ),
    ("visitor_checkin", r#"{"source": "reception"}"#),
    ("business_hours", r#"{"days": {}}"#),
];

impl State {
    pub(super) fn seed_things(&mut self, core: &Core) {
        for (kind, fields) in SEEDS {
            let fields: Map<String, Value> = serde_json::from_str(fields).unwrap_or_default();
            self.add(kind, fields, core);
        }
    }

    fn add(&mut self, kind: &'static str, fields: Map<String, Value>, core: &Core) -> Value {
        let now_ms = core.clock.now_ms();
        let thing = Thing {
            kind,
            id: self.new_id(core),
            fields,
            made_ms: now_ms,
            changed_ms: now_ms,
            deleted: false,
        };
        let shown = thing.shown();
        self.things.0.push(thing);
        shown
    }

    /// Answers a row, after the same gate as all else.
    pub(super) fn thing_answer(
        &mut self,
        (row, slug, parameters): (&'static Row, &str, Vec<&str>),
        call: &Call<'_>,
        core: &Core,
    ) -> Answer {
        let Some(grant) = self.authenticate(call, core) else {
            return errors::unauthorized();
        };
        let verdict = self.limits.check(row.access(), core);
        let mut answer = match &verdict {
            Some(verdict) if !verdict.allowed => verdict.refusal(core),
            _ if slug != self.slug => errors::wrong_slug(core),
            _ if !grant.scopes.contains(row.scope) => errors::missing_scope(core),
            _ => self
                .thing(row, &parameters, call, core)
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
        parameters: &[&str],
        call: &Call<'_>,
        core: &Core,
    ) -> Result<Answer, Refusal> {
        check_query(row, call, core)?;
        let body = gate::body(call, core)?;
        check_body(row, &body, core)?;
        let id = parameters.first().copied().unwrap_or_default();
        let done =
            |shown: &Value| Answer::json(if row.method == Method::POST { 201 } else { 200 }, shown);
        let (verb, detail) = row.act.split_once(':').unwrap_or((row.act, ""));
        match verb {
            "list" => Ok(self.list_things(row, call)),
            "count" => Ok(Answer::json(
                200,
                &json!({"total": self.things.living(row.kind).count()}),
            )),
            "get" => Ok(done(&self.things.find(row.kind, id)?.shown())),
            "create" => {
                self.refer(row.kind, &body)?;
                let shown = self.add(row.kind, body, core);
                log(core, Operation::Create, row.kind, &shown);
                Ok(done(&shown))
            }
            // a thing that belongs to the one that the path names
            "child" => {
                let mut body = body;
                body.insert(detail.to_owned(), json!(id));
                self.refer(row.kind, &body)?;
                if detail != "member" {
                    self.things.find(detail, id)?;
                }
                let shown = self.add(row.kind, body, core);
                log(core, Operation::Create, row.kind, &shown);
                Ok(done(&shown))
            }
            "update" | "set" | "close" => {
                self.refer(row.kind, &body)?;
                let mut changes = body;
                let now = iso_millis(core.clock.now_ms());
                let thing = match verb {
                    "close" => {
                        changes.insert("end".to_owned(), json!(now));
                        let open = self.things.0.iter_mut().rev().find(|thing| {
                            thing.kind == row.kind
                                && thing.text("member") == id
                                && thing.text("end").is_empty()
                        });
                        open.ok_or(Refusal::Rule("Member is not checked in"))?
                    }
                    _ => self.things.find(row.kind, id)?,
                };
                if verb == "set" {
                    changes.insert(detail.to_owned(), json!(true));
                }
                thing.fields.extend(changes);
                thing.changed_ms = core.clock.now_ms();
                let shown = thing.shown();
                log(core, Operation::Update, row.kind, &shown);
                Ok(match row.kind {
                    "contract" => Answer::new(202, "application/json; charset=utf-8", ""),
                    _ => Answer::json(if verb == "update" { 200 } else { 201 }, &shown),
                })
            }
            "delete" => {
                let thing = self.things.find(row.kind, id)?;
                thing.deleted = true;
                let shown = thing.shown();
                log(core, Operation::Delete, row.kind, &shown);
                Ok(match row.kind {
                    "contract" => Answer::new(202, "application/json; charset=utf-8", ""),
                    _ => Answer::json(200, &shown),
                })
            }
            _ => Err(Refusal::NoItem(id.to_owned())),
        }
    }

    /// What a body refers to is there.
    fn refer(&self, kind: &str, body: &Map<String, Value>) -> Result<(), Refusal> {
        for (name, value) in body {
            let Some(id) = value.as_str() else { continue };
            let missing = match (kind, name.as_str()) {
                (_, "member") => self
                    .table(Kind::Member)
                    .record(id)
                    .is_none()
                    .then_some("member"),
                (_, "company") => self
                    .table(Kind::Company)
                    .record(id)
                    .is_none()
                    .then_some("team"),
                (_, "location") => self
                    .table(Kind::Location)
                    .record(id)
                    .is_none()
                    .then_some("office"),
                (_, "plan") => self
                    .table(Kind::Plan)
                    .record(id)
                    .is_none()
                    .then_some("plan"),
                ("visit", "visitor") => self.no("visitor", id).then_some("visitor"),
                ("booking", "resource") => self.no("resource", id).then_some("resource"),
                ("ticket", "type" | "severity" | "priority") => {
                    self.no("ticket_option", id).then_some("ticket option")
                }
                ("charge", "payment") | ("allocation", "target") => {
                    self.no("payment", id).then_some("payment")
                }
                ("charge", "account") => self.no("revenue_account", id).then_some("account"),
                _ => None,
            };
            if let Some(what) = missing {
                return Err(Refusal::NoReference(what));
            }
        }
        Ok(())
    }

    fn no(&self, kind: &str, id: &str) -> bool {
        self.things.living(kind).all(|thing| thing.id != id)
    }

    fn list_things(&self, row: &Row, call: &Call<'_>) -> Answer {
        let asked: Vec<(String, String)> = url::form_urlencoded::parse(call.query.as_bytes())
            .into_owned()
            .collect();
        let value = |name: &str| {
            asked
                .iter()
                .find(|(own, _)| own == name)
                .map(|(_, value)| value.as_str())
        };
        let fits = |thing: &&Thing| {
            asked.iter().all(|(name, value)| match name.as_str() {
                "_id" => thing.id == *value,
                name if name.starts_with('$') || !thing.fields.contains_key(name) => true,
                // times are ranges of a series, and filter nothing here
                "start" | "end" | "seriesStart" | "seriesEnd" => true,
                name => thing.text(name) == value,
            })
        };
        let found: Vec<&Thing> = self.things.living(row.kind).filter(fits).collect();
        let limit = value("$limit")
            .and_then(|text| text.parse().ok())
            .unwrap_or(PAGE)
            .min(PAGE);
        let from: usize = value("$cursorNext")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let shown: Vec<Value> = found
            .iter()
            .skip(from)
            .take(limit)
            .map(|thing| thing.shown())
            .collect();
        let next = from + shown.len();
        Answer::json(
            200,
            &json!({
                "rangeStart": from + 1,
                "rangeEnd": next,
                "cursorNext": (next < found.len()).then(|| next.to_string()),
                "cursorPrev": null,
                "results": shown,
            }),
        )
    }
}

fn check_query(row: &Row, call: &Call<'_>, core: &Core) -> Result<(), Refusal> {
    let mut failures = Vec::new();
    for (name, _) in url::form_urlencoded::parse(call.query.as_bytes()) {
        let bare = name.split('[').next().unwrap_or(&name);
        if core.switches.flag("officernd.whitelist") && !row.query.contains(&bare) {
            failures.push(format!("property {name} should not exist"));
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Invalid(failures))
    }
}

fn check_body(row: &Row, body: &Map<String, Value>, core: &Core) -> Result<(), Refusal> {
    let mut failures = Vec::new();
    for field in &row.fields {
        let name = field.name;
        match body.get(name) {
            None if field.required => failures.push(format!("{name} should not be empty")),
            None => {}
            Some(value) => {
                let fits = match field.kind {
                    "string" => value.is_string(),
                    "number" => value.is_number(),
                    "boolean" => value.is_boolean(),
                    "array" => value.is_array(),
                    "object" => value.is_object(),
                    _ => true,
                };
                if !fits {
                    failures.push(format!("{name} must be a {}", field.kind));
                } else if !field.words.is_empty() && !field.words.iter().any(|word| value == word) {
                    failures.push(super::shape::one_of(name, &field.words));
                }
            }
        }
    }
    for name in body.keys() {
        let known = row.fields.iter().any(|field| field.name == name);
        if core.switches.flag("officernd.whitelist") && !known {
            failures.push(format!("property {name} should not exist"));
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Invalid(failures))
    }
}

fn log(core: &Core, operation: Operation, kind: &'static str, shown: &Value) {
    core.edits.add(Entry {
        at_ms: core.clock.now_ms(),
        system: System::OfficeRnd,
        actor: Actor::Api,
        operation,
        entity: kind,
        id: shown["_id"].as_str().unwrap_or_default(),
        fields: Vec::new(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_row_and_literals_win() {
        assert_eq!(ROWS.len(), include_str!("things/table.txt").lines().count());
        let act = |method: Method, path: &str| {
            let path = format!("/api/v2/organizations/acme{path}");
            find(&method, &path).map(|(row, _, _)| row.act)
        };
        assert_eq!(act(Method::GET, "/bookings/count"), Some("count"));
        assert_eq!(act(Method::GET, "/bookings/abc/"), Some("get"));
        assert_eq!(act(Method::GET, "/members/abc"), None);
    }
}
