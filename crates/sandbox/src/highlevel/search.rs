//! `POST /contacts/search` and `GET /contacts/`: pages out of the search index.

use std::cmp::Ordering;
use std::ops::Bound::{Excluded, Included, Unbounded};

use serde_json::{Value, json};

use super::contact::{Contact, Field};
use super::filter::{Bound, Filter, Target};
use super::store::{Slot, Store};

/// The most records that `page` reaches; beyond it `searchAfter` is needed.
pub(crate) const REACHABLE: usize = 10_000;

/// Whatever may be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum SortField {
    FirstName,
    LastName,
    Business,
    DateAdded,
    DateUpdated,
    Email,
    Dnd,
    Source,
}

impl SortField {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "firstNameLowerCase" => Self::FirstName,
            "lastNameLowerCase" => Self::LastName,
            "businessName" => Self::Business,
            "dateAdded" => Self::DateAdded,
            "dateUpdated" => Self::DateUpdated,
            "email" => Self::Email,
            "dnd" => Self::Dnd,
            "source" => Self::Source,
            _ => return None,
        })
    }

    fn value(self, contact: &Contact) -> Value {
        let lower = |field| {
            contact
                .text(field)
                .map(str::to_lowercase)
                .map_or(Value::Null, Value::from)
        };
        match self {
            Self::FirstName => lower(Field::FirstName),
            Self::LastName => lower(Field::LastName),
            Self::Email => lower(Field::Email),
            Self::Source => lower(Field::Source),
            Self::Business => Value::Null,
            Self::DateAdded => contact.date_added.into(),
            Self::DateUpdated => contact.date_updated.into(),
            Self::Dnd => contact.dnd.into(),
        }
    }
}

/// One sort criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Sort {
    pub(crate) field: SortField,
    pub(crate) descending: bool,
}

/// What is asked for.
pub(crate) struct Query {
    pub(crate) filter: Filter,
    /// Identifies the filter and text, for remembering their total.
    pub(crate) signature: String,
    pub(crate) text: Option<String>,
    /// One or two.
    pub(crate) sort: Vec<Sort>,
    /// The values of the sort fields of the last record seen, and its id.
    pub(crate) after: Option<Vec<Value>>,
    pub(crate) skip: usize,
    pub(crate) limit: usize,
}

/// What is found.
pub(crate) struct Page {
    pub(crate) slots: Vec<Slot>,
    pub(crate) total: usize,
}

/// Totals of filtered searches that were counted, for as long as the index does not change.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    generation: u64,
    known: std::collections::HashMap<String, usize>,
}

impl Query {
    fn accepts(&self, contact: &Contact) -> bool {
        self.filter.accepts(contact)
            && self
                .text
                .as_deref()
                .is_none_or(|text| has_text(contact, text))
    }
}

/// Free text: part of a name, an e-mail address, a phone number or a company.
fn has_text(contact: &Contact, text: &str) -> bool {
    let text = text.to_lowercase();
    let own = [
        contact.text(Field::CompanyName),
        contact.text(Field::Email),
        contact.text(Field::Phone),
    ];
    contact
        .name()
        .is_some_and(|name| name.to_lowercase().contains(&text))
        || own
            .into_iter()
            .flatten()
            .any(|own| own.to_lowercase().contains(&text))
}

/// The cursor that leads past a contact.
pub(crate) fn cursor(contact: &Contact, sort: &[Sort]) -> Vec<Value> {
    let mut cursor: Vec<Value> = sort.iter().map(|sort| sort.field.value(contact)).collect();
    cursor.push(json!(contact.id));
    cursor
}

pub(crate) fn find(store: &Store, totals: &mut Totals, query: &Query) -> Page {
    if let Some(candidates) = candidates(store, query) {
        return sorted(store, query, candidates.into_iter());
    }
    let ordered = match query.sort.as_slice() {
        [
            Sort {
                field: SortField::DateAdded,
                descending,
            },
        ] => Some((store.by_added(), Target::DateAdded, *descending)),
        [
            Sort {
                field: SortField::DateUpdated,
                descending,
            },
        ] => Some((store.by_updated(), Target::DateUpdated, *descending)),
        _ => None,
    };
    let Some((index, target, descending)) = ordered else {
        return sorted(store, query, store.by_added().iter().map(|(_, slot)| *slot));
    };

    let (from, to, only_range) = query.filter.bounds(&target);
    let low = from.map_or(Unbounded, |from| Included((lowest(from), 0)));
    let high = to.map_or(Unbounded, |to| Included((highest(to), Slot::MAX)));
    let after = query
        .after
        .as_deref()
        .and_then(|after| position(store, after));
    let plain = only_range && query.text.is_none();
    let accepts = |slot: Slot| {
        plain
            || store
                .shown(slot)
                .is_some_and(|contact| query.accepts(contact))
    };
    let empty = matches!((low, high), (Included(low), Included(high)) if low > high);
    let range = |low, high| {
        if empty {
            index.range((Included((0, 0)), Excluded((0, 0))))
        } else {
            index.range((low, high))
        }
    };

    let total = if plain && from.is_none() && to.is_none() {
        index.len()
    } else {
        totals.get(store.generation(), &query.signature, || {
            range(low, high).filter(|(_, slot)| accepts(*slot)).count()
        })
    };
    let mut entries: Box<dyn Iterator<Item = &(i64, Slot)>> = match (descending, after) {
        (false, None) => Box::new(range(low, high)),
        (true, None) => Box::new(range(low, high).rev()),
        (false, Some(after)) => match (low, high) {
            (Included(low), _) if low > after => Box::new(range(Included(low), high)),
            (_, Included(high)) if high <= after => Box::new(std::iter::empty()),
            _ => Box::new(range(Excluded(after), high)),
        },
        (true, Some(after)) => match (low, high) {
            (_, Included(high)) if high < after => Box::new(range(low, Included(high)).rev()),
            (Included(low), _) if low >= after => Box::new(std::iter::empty()),
            _ => Box::new(range(low, Excluded(after)).rev()),
        },
    };
    let entries: &mut dyn Iterator<Item = &(i64, Slot)> = &mut entries;
    let slots = entries
        .map(|(_, slot)| *slot)
        .filter(|slot| accepts(*slot))
        .skip(query.skip)
        .take(query.limit)
        .collect();
    Page { slots, total }
}

/// The few slots that can match, where an `eq` on a key leads to them.
fn candidates(store: &Store, query: &Query) -> Option<Vec<Slot>> {
    if let Some(id) = query.filter.wanted(&Target::Id) {
        return Some(store.find(id).into_iter().collect());
    }
    if let Some(email) = query.filter.wanted(&Target::Lower(Field::Email)) {
        return Some(store.candidates(&email.to_lowercase()));
    }
    let phone = query.filter.wanted(&Target::Text(Field::Phone))?;
    Some(store.candidates(phone))
}

/// The slow way: everything that matches, sorted.
fn sorted(store: &Store, query: &Query, slots: impl Iterator<Item = Slot>) -> Page {
    let mut found: Vec<(Vec<Value>, Slot)> = slots
        .filter_map(|slot| {
            let contact = store.shown(slot)?;
            query
                .accepts(contact)
                .then(|| (cursor(contact, &query.sort), slot))
        })
        .collect();
    found.sort_by(|(a, _), (b, _)| compare(a, b, &query.sort));
    let total = found.len();
    let start = query.after.as_deref().map_or(0, |after| {
        found.partition_point(|(own, _)| compare(own, after, &query.sort) != Ordering::Greater)
    });
    let slots = found
        .into_iter()
        .skip(start + query.skip)
        .take(query.limit)
        .map(|(_, slot)| slot)
        .collect();
    Page { slots, total }
}

/// Nothing comes last, whatever the direction; the id decides at the end.
fn compare(a: &[Value], b: &[Value], sort: &[Sort]) -> Ordering {
    for ((a, b), sort) in a.iter().zip(b).zip(sort) {
        let order = match (a, b) {
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) => return Ordering::Greater,
            (_, Value::Null) => return Ordering::Less,
            (Value::String(a), Value::String(b)) => a.cmp(b),
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (a, b) => a.as_i64().cmp(&b.as_i64()),
        };
        let order = if sort.descending {
            order.reverse()
        } else {
            order
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    a.last()
        .and_then(Value::as_str)
        .cmp(&b.last().and_then(Value::as_str))
}

/// The place in an ordered index that a cursor of one date and an id means.
fn position(store: &Store, after: &[Value]) -> Option<(i64, Slot)> {
    let [at_ms, id] = after else { return None };
    let slot = id
        .as_str()
        .and_then(|id| store.find(id))
        .unwrap_or(Slot::MAX);
    Some((at_ms.as_i64()?, slot))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "milliseconds of this era are far below the limit"
)]
fn lowest(bound: Bound) -> i64 {
    let floor = bound.value.ceil();
    if bound.inclusive || floor > bound.value {
        floor as i64
    } else {
        floor as i64 + 1
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "milliseconds of this era are far below the limit"
)]
fn highest(bound: Bound) -> i64 {
    let floor = bound.value.floor();
    if bound.inclusive || floor < bound.value {
        floor as i64
    } else {
        floor as i64 - 1
    }
}

impl Totals {
    fn get(&mut self, generation: u64, signature: &str, count: impl FnOnce() -> usize) -> usize {
        if self.generation != generation || self.known.len() > 1_000 {
            self.generation = generation;
            self.known.clear();
        }
        match self.known.get(signature) {
            Some(total) => *total,
            None => {
                let total = count();
                self.known.insert(signature.to_owned(), total);
                total
            }
        }
    }
}
