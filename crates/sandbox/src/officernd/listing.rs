//! Lists and counts: which objects, in which order, which page of them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::State;
use super::errors::{self, Refusal};
use super::kind::Kind;
use super::query::{self, Condition, Cursor, Query, Test, Wrong};
use super::record::{Record, Slot};
use super::show::View;
use crate::clock::iso_millis;
use crate::core::Core;
use crate::vendor::Answer;

/// What rows are ordered by: times and places as numbers, all else as text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
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

impl State {
    pub(super) fn list(&self, kind: Kind, asked: &str, core: &Core) -> Answer {
        let query = match query::read(kind, asked, core) {
            Ok(query) => query,
            Err(Wrong::Invalid(failures)) => return Refusal::Invalid(failures).answer(core),
            Err(Wrong::BothCursors) => {
                return match core.switches.choice("officernd.both_cursors") {
                    "400" => errors::plain(400, "property $cursorPrev should not exist"),
                    _ => Answer::new(
                        504,
                        "text/html; charset=utf-8",
                        "<html><body><h1>504 Gateway Time-out</h1></body></html>",
                    ),
                };
            }
            Err(Wrong::Cursor(text)) => {
                let status = match core.switches.choice("officernd.broken_cursor") {
                    "400" => 400,
                    _ => 500,
                };
                return errors::plain(status, &text);
            }
        };
        let (order, descending) = match query.sort {
            Some(sort) => sort,
            None if core.switches.choice("officernd.default_order") == "modified" => {
                ("modifiedAt", true)
            }
            None => ("", false),
        };
        let found = self.found(kind, &query.conditions, order, descending, core);
        let page = self.page(kind, found, &query, (order, descending), core);
        Answer::json(200, &page)
    }

    pub(super) fn count(&self, kind: Kind, asked: &str, core: &Core) -> Answer {
        let ignores = match core.switches.choice("officernd.count_ignores_filters") {
            "all" => true,
            "memberships" => kind == Kind::Membership,
            _ => false,
        };
        let conditions = if ignores {
            Vec::new()
        } else {
            query::conditions(kind, asked, core)
        };
        let found: Vec<Slot> = self.found(kind, &conditions, "", false, core).collect();
        let mut answer = json!({"total": found.len()});
        let by = url::form_urlencoded::parse(asked.as_bytes())
            .find(|(name, _)| name == "$countBy")
            .map(|(_, value)| value.into_owned());
        if let Some(by) = by.filter(|by| kind.counts_by().contains(&by.as_str())) {
            let mut groups: BTreeMap<String, usize> = BTreeMap::new();
            for slot in found {
                let record = self.table(kind).get(slot);
                *groups
                    .entry(self.text_of(kind, record, &by, core))
                    .or_default() += 1;
            }
            answer["groups"] = groups
                .into_iter()
                .map(|(key, count)| json!({"key": key, "count": count}))
                .collect();
        }
        Answer::json(200, &answer)
    }

    /// The places of all objects that fulfil the conditions, in order.
    fn found<'s>(
        &'s self,
        kind: Kind,
        conditions: &'s [Condition],
        order: &str,
        descending: bool,
        core: &'s Core,
    ) -> Box<dyn Iterator<Item = Slot> + 's> {
        let table = self.table(kind);
        let fits = move |slot: &Slot| {
            let record = table.get(*slot);
            record.deleted_ms.is_none()
                && conditions
                    .iter()
                    .all(|condition| self.fits(kind, record, condition, core))
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
            slots.sort_by_cached_key(|slot| (self.key(kind, *slot, order, core), *slot));
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

    fn page(
        &self,
        kind: Kind,
        found: Box<dyn Iterator<Item = Slot> + '_>,
        query: &Query,
        (order, descending): (&str, bool),
        core: &Core,
    ) -> Value {
        let keyed = core.switches.choice("officernd.cursor") == "key";
        let key = |slot: Slot| (self.key(kind, slot, order, core), slot);
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
        let range = |number: usize| Value::from(if slots.is_empty() { 0 } else { number });
        page.insert("rangeStart".to_owned(), range(before + 1));
        page.insert("rangeEnd".to_owned(), range(before + slots.len()));
        let absent = core.switches.flag("officernd.cursor_absent");
        for (name, cursor) in [("cursorNext", next), ("cursorPrev", previous)] {
            match cursor {
                Some(cursor) => drop(page.insert(name.to_owned(), cursor.encode().into())),
                None if absent => {}
                None => drop(page.insert(name.to_owned(), Value::Null)),
            }
        }
        let rows = slots.iter().map(|slot| {
            let record = self.table(kind).get(*slot);
            let mut shown = self.show(kind, record, View::List, core);
            if let Some(select) = &query.select {
                shown.retain(|name, _| name == "_id" || select.contains(name));
            }
            Value::Object(shown)
        });
        page.insert("results".to_owned(), rows.collect());
        Value::Object(page)
    }

    fn fits(&self, kind: Kind, record: &Record, condition: &Condition, core: &Core) -> bool {
        let at_ms = if condition.field == "createdAt" {
            record.created_ms
        } else {
            record.modified_ms
        };
        match &condition.test {
            Test::From(from_ms) => at_ms >= *from_ms,
            Test::After(from_ms) => at_ms > *from_ms,
            Test::To(to_ms) => at_ms <= *to_ms,
            Test::Before(to_ms) => at_ms < *to_ms,
            Test::Flag(flag) => record.flag(condition.field) == *flag,
            Test::Property { key, text } => record
                .properties()
                .any(|(own, value)| own == key && value == text.as_str()),
            Test::In(words) => match condition.field {
                "_id" => words.iter().any(|word| **word == *record.id),
                "createdAt" | "modifiedAt" => words.contains(&iso_millis(at_ms)),
                field => words.contains(&self.text_of(kind, record, field, core)),
            },
        }
    }

    /// A field as a list sees it, computed ones included.
    fn text_of(&self, kind: Kind, record: &Record, field: &str, core: &Core) -> String {
        match (kind, field) {
            (Kind::Member | Kind::Company, "status") => {
                self.status(kind, record, core.clock.now_ms()).to_owned()
            }
            _ => record.text(field).to_owned(),
        }
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
                _ => {}
            }
        }
    }
    (from_ms, to_ms)
}
