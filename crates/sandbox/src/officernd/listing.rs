//! Lists and counts: which objects, in which order, which page of them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::State;
use super::errors::{self, Refusal};
use super::kind::Kind;
use super::query::{self, Condition, Cursor, Query, Seen, Spec, Test, Wrong};
use super::record::{Record, Slot};
use super::show::View;
use super::status::status_ms;
use crate::core::Core;
use crate::vendor::Answer;

/// How late a connection is cut instead of an answer, in milliseconds.
const CUT_MS: u64 = 30_000;

/// What rows are ordered by: times and places as numbers, all else as text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Number(i64),
    Text(String),
}

impl Key {
    fn to_json(&self) -> Value {
        match self {
            Self::Number(number) => json!(number),
            Self::Text(text) => json!(text),
        }
    }

    fn from_json(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.clone()),
            other => Self::Number(other.as_i64().unwrap_or_default()),
        }
    }
}

/// Objects that can be paged through, each by its place.
pub(super) trait Rows {
    /// What an object is ordered by; `""` is the order of creation.
    fn key(&self, slot: Slot, order: &str) -> Key;
    /// The object as a list shows it.
    fn shown(&self, slot: Slot) -> Map<String, Value>;
}

/// Reads the question for a list, or says no to it.
pub(super) fn asked(spec: &Spec, asked: &str, core: &Core) -> Result<Query, Answer> {
    query::read(spec, asked, core).map_err(|wrong| match wrong {
        Wrong::Invalid(failures) => Refusal::Invalid(failures).answer(core),
        Wrong::BothCursors => match core.switches.choice("officernd.both_cursors") {
            "400" => errors::plain(400, "property $cursorPrev should not exist"),
            "cut" => Answer::cut(CUT_MS),
            _ => Answer::new(
                504,
                "text/html; charset=utf-8",
                "<html><body><h1>504 Gateway Time-out</h1></body></html>",
            ),
        },
        Wrong::Cursor(text) => {
            let status = match core.switches.choice("officernd.broken_cursor") {
                "400" => 400,
                _ => 500,
            };
            errors::plain(status, &text)
        }
    })
}

/// The field that a list is ordered by, and whether the greatest comes first.
pub(super) fn order(query: &Query, core: &Core) -> (&'static str, bool) {
    match query.sort {
        Some(sort) => sort,
        None if core.switches.choice("officernd.default_order") == "modified" => {
            ("modifiedAt", true)
        }
        None => ("", false),
    }
}

/// One page of what was found, in the vendor's envelope.
pub(super) fn page(
    rows: &dyn Rows,
    found: &mut dyn Iterator<Item = Slot>,
    query: &Query,
    core: &Core,
) -> Value {
    let (order, descending) = order(query, core);
    let keyed = core.switches.choice("officernd.cursor") == "key";
    let key = |slot: Slot| (rows.key(slot, order), slot);
    let beyond = |one: &(Key, Slot), other: &(Key, Slot)| {
        if descending { one < other } else { one > other }
    };
    let (before, mut slots): (usize, Vec<Slot>) = match &query.cursor {
        Some(cursor) if keyed && cursor.beside.is_some() => {
            let (value, slot) = cursor.beside.clone().unwrap_or_default();
            let beside = (Key::from_json(&value), slot);
            if cursor.back {
                let all: Vec<Slot> = found
                    .take_while(|slot| beyond(&beside, &key(*slot)))
                    .collect();
                let start = all.len().saturating_sub(query.limit);
                let mut page = all[start..].to_vec();
                // one more, so that the page knows that there is a next one
                page.push(slot);
                (start, page)
            } else {
                let rest = found.filter(|slot| beyond(&key(*slot), &beside));
                (cursor.offset, rest.take(query.limit + 1).collect())
            }
        }
        cursor => {
            let offset = cursor.as_ref().map_or(0, |cursor| cursor.offset);
            let rest = found.skip(offset).take(query.limit + 1);
            (offset, rest.collect())
        }
    };
    let more = slots.len() > query.limit;
    slots.truncate(query.limit);
    let place = |slot: Option<&Slot>| {
        let slot = *slot?;
        let (key, slot) = key(slot);
        keyed.then(|| (key.to_json(), slot))
    };
    let next = (more && !slots.is_empty()).then(|| Cursor {
        offset: before + slots.len(),
        beside: place(slots.last()),
        back: false,
    });
    let previous = (before > 0 && !slots.is_empty()).then(|| Cursor {
        offset: before.saturating_sub(query.limit),
        beside: place(slots.first()),
        back: true,
    });
    let mut page = Map::new();
    let starts_at_zero = core.switches.choice("officernd.empty_range") == "zero";
    let start = match slots.is_empty() {
        true if starts_at_zero => 0,
        _ => before + 1,
    };
    let end = match slots.is_empty() {
        true if starts_at_zero => 0,
        _ => before + slots.len(),
    };
    page.insert("rangeStart".to_owned(), start.into());
    page.insert("rangeEnd".to_owned(), end.into());
    let absent = core.switches.flag("officernd.cursor_absent");
    for (name, cursor) in [("cursorNext", next), ("cursorPrev", previous)] {
        match cursor {
            Some(cursor) => drop(page.insert(name.to_owned(), cursor.encode().into())),
            None if absent => {}
            None => drop(page.insert(name.to_owned(), Value::Null)),
        }
    }
    let shown = slots.iter().map(|slot| {
        let mut shown = rows.shown(*slot);
        if let Some(select) = &query.select {
            shown.retain(|name, _| name == "_id" || select.contains(name));
        }
        Value::Object(shown)
    });
    page.insert("results".to_owned(), shown.collect());
    Value::Object(page)
}

/// A count, in groups where that is asked for: `text` is the field of an object that they are made by.
pub(super) fn count(
    spec: &Spec,
    asked: &str,
    found: &[Slot],
    text: &dyn Fn(Slot, &str) -> String,
) -> Answer {
    let mut answer = json!({"total": found.len()});
    let by = url::form_urlencoded::parse(asked.as_bytes())
        .find(|(name, _)| name == "$countBy")
        .map(|(_, value)| value.into_owned());
    if let Some(by) = by.filter(|by| spec.counts_by.contains(&by.as_str())) {
        let mut groups: BTreeMap<String, usize> = BTreeMap::new();
        for slot in found {
            *groups.entry(text(*slot, &by)).or_default() += 1;
        }
        answer["groups"] = groups
            .into_iter()
            .map(|(key, count)| json!({"key": key, "count": count}))
            .collect();
    }
    Answer::json(200, &answer)
}

/// The records of a kind.
struct Records<'a> {
    state: &'a State,
    kind: Kind,
    core: &'a Core,
}

impl Rows for Records<'_> {
    fn key(&self, slot: Slot, order: &str) -> Key {
        self.state.key(self.kind, slot, order, self.core)
    }

    fn shown(&self, slot: Slot) -> Map<String, Value> {
        let record = self.state.table(self.kind).get(slot);
        self.state.show(self.kind, record, View::List, self.core)
    }
}

/// One record.
struct SeenRecord<'a> {
    rows: &'a Records<'a>,
    record: &'a Record,
}

impl Seen for SeenRecord<'_> {
    fn is_one_of(&self, field: &str, words: &[String]) -> bool {
        if field == "_id" {
            return words.iter().any(|word| **word == *self.record.id);
        }
        let Records { state, kind, core } = self.rows;
        words.contains(&state.text_of(*kind, self.record, field, core))
    }

    fn flag(&self, field: &str) -> bool {
        self.record.flag(field)
    }

    fn at_ms(&self, field: &str) -> Option<i64> {
        Some(match field {
            "createdAt" => self.record.created_ms,
            _ => self.record.modified_ms,
        })
    }

    fn has_property(&self, key: &str, text: &str) -> bool {
        self.record
            .properties()
            .any(|(own, value)| own == key && value == text)
    }
}

impl State {
    pub(super) fn list(&self, kind: Kind, question: &str, core: &Core) -> Answer {
        let query = match asked(&kind.spec(), question, core) {
            Ok(query) => query,
            Err(answer) => return answer,
        };
        let (by, descending) = order(&query, core);
        let rows = Records {
            state: self,
            kind,
            core,
        };
        let mut found = self.found(&rows, &query.conditions, by, descending);
        Answer::json(200, &page(&rows, &mut *found, &query, core))
    }

    pub(super) fn count(&self, kind: Kind, question: &str, core: &Core) -> Answer {
        let spec = kind.spec();
        let conditions = match counts_everything(kind == Kind::Membership, core) {
            true => Vec::new(),
            false => query::conditions(&spec, question, core),
        };
        let rows = Records {
            state: self,
            kind,
            core,
        };
        let found: Vec<Slot> = self.found(&rows, &conditions, "", false).collect();
        count(&spec, question, &found, &|slot, by| {
            self.text_of(kind, self.table(kind).get(slot), by, core)
        })
    }

    /// The places of all objects that fulfil the conditions, in order.
    fn found<'s>(
        &'s self,
        rows: &'s Records<'s>,
        conditions: &'s [Condition],
        order: &str,
        descending: bool,
    ) -> Box<dyn Iterator<Item = Slot> + 's> {
        let kind = rows.kind;
        let table = self.table(kind);
        let fits = move |slot: &Slot| {
            // the indexes hold living objects only: without a condition no object needs to be looked at
            if conditions.is_empty() {
                return true;
            }
            let record = table.get(*slot);
            let seen = SeenRecord { rows, record };
            record.deleted_ms.is_none() && conditions.iter().all(|own| own.holds(&seen))
        };
        if order == "modifiedAt" && !descending {
            let (from_ms, to_ms) = span(conditions);
            return Box::new(table.modified(from_ms, to_ms).filter(fits));
        }
        let mut slots: Vec<Slot> = match narrowest(conditions) {
            Narrow::Ids(ids) => ids.iter().filter_map(|id| table.find(id)).collect(),
            Narrow::Key(field, text) if kind.keys().contains(&field) || field == "properties" => {
                let (field, text) = match text {
                    KeyText::Text(text) => (field, text),
                    KeyText::Property(key, text) => (key, text),
                };
                table.candidates(field, text).to_vec()
            }
            Narrow::Changed(from_ms, to_ms) => table.modified(from_ms, to_ms).collect(),
            _ if order.is_empty() => return Box::new(table.living().filter(fits)),
            _ => table.living().collect(),
        };
        slots.sort_unstable();
        slots.dedup();
        slots.retain(fits);
        if !order.is_empty() {
            slots.sort_by_cached_key(|slot| (rows.key(*slot, order), *slot));
            if descending {
                slots.reverse();
            }
        }
        Box::new(slots.into_iter())
    }

    fn key(&self, kind: Kind, slot: Slot, order: &str, core: &Core) -> Key {
        let record = self.table(kind).get(slot);
        match order {
            "" => Key::Number(0),
            "modifiedAt" => Key::Number(record.modified_ms),
            field => Key::Text(self.text_of(kind, record, field, core)),
        }
    }

    /// A field as a list sees it, computed ones included.
    fn text_of(&self, kind: Kind, record: &Record, field: &str, core: &Core) -> String {
        match (kind, field) {
            (Kind::Member | Kind::Company, "status") => {
                self.status(kind, record, status_ms(core)).to_owned()
            }
            _ => record.text(field).to_owned(),
        }
    }
}

/// Whether a count ignores what it is asked.
pub(super) fn counts_everything(memberships: bool, core: &Core) -> bool {
    match core.switches.choice("officernd.count_ignores_filters") {
        "all" => true,
        "memberships" => memberships,
        _ => false,
    }
}

/// The condition that leaves the fewest objects.
enum Narrow<'c> {
    Ids(&'c [String]),
    Key(&'static str, KeyText<'c>),
    Changed(i64, i64),
    Nothing,
}

enum KeyText<'c> {
    Text(&'c str),
    Property(&'c str, &'c str),
}

fn narrowest(conditions: &[Condition]) -> Narrow<'_> {
    let mut best = Narrow::Nothing;
    for condition in conditions {
        match &condition.test {
            Test::In(ids) if condition.field == "_id" => return Narrow::Ids(ids),
            // what is empty is not kept under a key by everybody
            Test::In(words) if words.len() == 1 && !words[0].is_empty() => {
                let indexed = ["name", "email", "company", "member"].contains(&condition.field);
                if indexed {
                    best = Narrow::Key(condition.field, KeyText::Text(&words[0]));
                }
            }
            Test::Property { key, text } => {
                best = Narrow::Key("properties", KeyText::Property(key, text));
            }
            _ => {}
        }
    }
    if matches!(best, Narrow::Nothing)
        && conditions
            .iter()
            .any(|condition| condition.field == "modifiedAt")
    {
        let (from_ms, to_ms) = span(conditions);
        best = Narrow::Changed(from_ms, to_ms);
    }
    best
}

/// The span of time that the conditions on `modifiedAt` leave.
fn span(conditions: &[Condition]) -> (i64, i64) {
    let (mut from_ms, mut to_ms) = (i64::MIN, i64::MAX);
    for condition in conditions {
        if condition.field == "modifiedAt" {
            match condition.test {
                Test::From(at_ms) | Test::After(at_ms) => from_ms = from_ms.max(at_ms),
                Test::To(at_ms) | Test::Before(at_ms) => to_ms = to_ms.min(at_ms),
                Test::At(at_ms) => (from_ms, to_ms) = (from_ms.max(at_ms), to_ms.min(at_ms)),
                _ => {}
            }
        }
    }
    (from_ms, to_ms)
}
