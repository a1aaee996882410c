//! What a side shows of a field that has no one meaning: nothing follows from it, and a person is told. Pure.

use mapping::CompiledMapping;
use record::{Field, FieldName, Fields, Read, Side, Unclear};
use store::{Blocked, Link};

use super::{Held, index, mark_of};

/// What may mean what was last seen or written there is that: nobody has touched it.
pub(crate) fn as_last_seen(link: &Link, reads: &mut [Read; 2]) {
    for side in Side::BOTH {
        let read = &mut reads[index(side)];
        let known: Vec<(FieldName, Field)> = read
            .unclear
            .iter()
            .filter(|(name, unclear)| may_be_base(link, side, name, unclear))
            .map(|(name, _)| (name.clone(), link.base(side).get(name.as_str()).clone()))
            .collect();
        for (name, field) in known {
            read.unclear.remove(&name);
            read.record.fields.set(name, field);
        }
    }
}

fn may_be_base(link: &Link, side: Side, name: &FieldName, unclear: &Unclear) -> bool {
    let base = link.base(side).get(name.as_str()).value();
    base.is_some_and(|value| unclear.either.contains(value))
}

/// Whether a field of a mapping shows what is neither clear nor may be what was last seen or written there.
pub(crate) fn shows_something_else(
    mapping: &CompiledMapping,
    side: Side,
    link: &Link,
    shown: &Read,
) -> bool {
    mapping.fields(side).iter().any(|name| {
        let unclear = shown.unclear.get(name);
        unclear.is_some_and(|unclear| !may_be_base(link, side, name, unclear))
    })
}

/// What is to be said of such a field.
pub(super) enum Told {
    /// It may mean what the other side says: there is nothing to carry.
    Fits,
    /// What is shown, what is wrong with it, and what to do.
    Unclear(String),
}

/// Why a side of a mapping cannot be read though something is shown there, if a connector says so.
pub(super) fn told(mapping: &CompiledMapping, side: Side, reads: [&Read; 2]) -> Option<Told> {
    let read = reads[index(side)];
    let mut why: Vec<String> = Vec::new();
    let mut possible: Vec<Fields> = vec![read.record.fields.clone()];
    for name in mapping.fields(side) {
        let Some(unclear) = read.unclear.get(name) else {
            continue;
        };
        why.push(format!("{name}: {}", unclear.why));
        possible = possible
            .iter()
            .flat_map(|fields| {
                unclear.either.iter().map(|value| {
                    let mut fields = fields.clone();
                    fields.set(name.clone(), Field::Value(value.clone()));
                    fields
                })
            })
            .collect();
    }
    if why.is_empty() {
        return None;
    }
    let there = mapping.read(side.other(), &reads[index(side.other())].record.fields);
    let fits = possible.iter().any(|fields| {
        let here = mapping.read(side, fields);
        here.is_known()
            && match side {
                Side::Left => mapping.agrees(&here, &there),
                Side::Right => mapping.agrees(&there, &here),
            }
    });
    Some(if fits {
        Told::Fits
    } else {
        Told::Unclear(why.join("; "))
    })
}

/// The row that says so: what stands on `side` does not cross.
pub(super) fn held(mapping: usize, side: Side, reason: String, before: Option<&Blocked>) -> Held {
    let value_hash = mark_of(&reason);
    Held {
        mapping,
        side: side.other(),
        value_hash,
        known: before.is_some_and(|row| row.value_hash == value_hash),
        reason,
        awaits: None,
        asks: None,
    }
}
