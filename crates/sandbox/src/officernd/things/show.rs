//! Things as answers show them, and as the conditions of lists see them.

use serde_json::{Map, Value, json};

use super::super::State;
use super::super::listing::{Key, Rows};
use super::super::query::{Condition, Seen};
use super::super::record::Slot;
use super::super::shape::millis;
use super::{Thing, target};
use crate::clock::iso_millis;
use crate::core::Core;

/// Where a thing is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OneView {
    /// By itself.
    Alone,
    /// In a list.
    Listed,
}

/// Which stamps a kind shows: made at, made by, changed at, changed by. As in the reference's examples; tickets as in live rows.
fn stamps(kind: &str) -> [bool; 4] {
    match kind {
        "booking" | "charge" | "contract" | "fee" | "payment" | "resource" | "day_passes" => {
            [true; 4]
        }
        "amenity" | "payment_details" | "post" | "resource_rate" => [true, true, false, false],
        "floor" | "ticket" => [true, false, true, false],
        _ => [false; 4],
    }
}

/// All things, as the switches stand.
pub(super) struct View<'a> {
    state: &'a State,
    core: &'a Core,
}

impl State {
    pub(super) fn view<'a>(&'a self, core: &'a Core) -> View<'a> {
        View { state: self, core }
    }
}

impl View<'_> {
    /// The living things of a kind that fulfil the conditions, in the order of their creation.
    pub(super) fn found(&self, kind: &str, conditions: &[Condition]) -> Vec<Slot> {
        self.state
            .things
            .living(kind)
            .filter(|(_, thing)| conditions.iter().all(|own| own.holds(*thing)))
            .map(|(slot, _)| slot)
            .collect()
    }

    pub(super) fn one(&self, slot: Slot, view: OneView) -> Map<String, Value> {
        let thing = self.state.things.get(slot);
        let switches = &self.core.switches;
        let mut shown = thing.fields.clone();
        if target(thing.kind).is_some() {
            let empty = shown.get("properties").is_none_or(|own| *own == json!({}));
            let left_out = empty
                && view == OneView::Alone
                && switches.flag("officernd.empty_properties_left_out");
            match left_out {
                true => drop(shown.remove("properties")),
                false => drop(shown.entry("properties").or_insert(json!({}))),
            }
        }
        // seen live: these flags of bookings are absent rather than false
        if thing.kind == "booking" && switches.choice("officernd.unset_fields") == "left_out" {
            for flag in ["isCancelled", "isFree", "isTentative"] {
                if shown.get(flag) == Some(&json!(false)) {
                    shown.remove(flag);
                }
            }
        }
        shown.insert("_id".to_owned(), json!(thing.id));
        let shows = match switches.choice("officernd.stamps") {
            "all" => [true; 4],
            _ => stamps(thing.kind),
        };
        let values = [
            ("createdAt", json!(iso_millis(thing.made_ms))),
            ("createdBy", json!(thing.made_by)),
            ("modifiedAt", json!(iso_millis(thing.changed_ms))),
            ("modifiedBy", json!(thing.changed_by)),
        ];
        for ((name, value), shows) in values.into_iter().zip(shows) {
            if shows {
                shown.insert(name.to_owned(), value);
            }
        }
        shown
    }
}

impl Rows for View<'_> {
    fn key(&self, slot: Slot, order: &str) -> Key {
        let thing = self.state.things.get(slot);
        match order {
            "" => Key::Number(0),
            "createdAt" => Key::Number(thing.made_ms),
            "modifiedAt" => Key::Number(thing.changed_ms),
            field => Key::Text(thing.text(field).to_owned()),
        }
    }

    fn shown(&self, slot: Slot) -> Map<String, Value> {
        self.one(slot, OneView::Listed)
    }
}

impl Seen for Thing {
    fn is_one_of(&self, field: &str, words: &[String]) -> bool {
        let has = |text: &str| words.iter().any(|word| word == text);
        match field {
            "_id" => has(&self.id),
            field => match self.fields.get(field) {
                Some(Value::String(text)) => has(text),
                Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).any(has),
                _ => false,
            },
        }
    }

    fn flag(&self, field: &str) -> bool {
        self.fields.get(field) == Some(&json!(true))
    }

    fn at_ms(&self, field: &str) -> Option<i64> {
        match field {
            "createdAt" => Some(self.made_ms),
            "modifiedAt" => Some(self.changed_ms),
            field => millis(self.text(field)),
        }
    }

    fn has_property(&self, key: &str, text: &str) -> bool {
        let bag = self.fields.get("properties");
        bag.and_then(|bag| bag.get(key)) == Some(&json!(text))
    }
}

/// Dates of bookings, each as a row of its own.
pub(super) struct Dates(pub(super) Vec<Map<String, Value>>);

impl Rows for Dates {
    fn key(&self, slot: Slot, _order: &str) -> Key {
        Key::Number(i64::from(slot))
    }

    fn shown(&self, slot: Slot) -> Map<String, Value> {
        self.0[slot as usize].clone()
    }
}
