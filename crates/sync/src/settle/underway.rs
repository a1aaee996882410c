//! Writes whose outcome is not stored: begun, taken up again by the next look, ended. Pure.
//!
//! A process can end, and an answer can get lost, after a write took effect. What the next look then finds at the target
//! is our own value, and not an edit of anybody there: without a word about it, it would stand against what a person
//! made of the source meanwhile, and could win.

use jiff::Timestamp;
use record::{Read, Side};
use store::{Cause, Effect, Half, Link, NewJournalEntry, RunId, Underway};

use super::{put_base, row, with};
use crate::{
    decide::{PairPlan, has_base, revision},
    pair::{Pairing, index},
    write::{Rest, Written},
};

/// What the journal says of a write that was taken up.
const FOUND_DONE: &str = "written before, without an outcome; found done";

/// Moves the base of what was begun and is found done: to what it came from, and to what it made of the target. What is
/// not found done stays as it is, and is decided on like everything else. Says what happened, for the journal.
pub(crate) fn take_up(
    pairing: &Pairing,
    link: &mut Link,
    reads: [&Read; 2],
    now: Timestamp,
    cause: &Cause,
    run: Option<RunId>,
) -> Vec<NewJournalEntry> {
    let mut rows = Vec::new();
    for write in link.underway.clone() {
        let Some(mapping) =
            pairing.compiled.mappings().iter().find(|mapping| {
                mapping.id() == write.mapping && revision(mapping) == write.revision
            })
        else {
            continue;
        };
        let done = has_base(link, mapping)
            && Side::BOTH
                .into_iter()
                .filter(|side| write.half(*side).written)
                .all(|side| {
                    let meant = mapping.read(side, &write.half(side).after);
                    let found = mapping.read(side, &reads[index(side)].record.fields);
                    found.is_known() && mapping.accepted(side, &meant, &found)
                });
        if !done {
            continue;
        }
        for side in Side::BOTH {
            let half = write.half(side);
            let (raw, effect) = if half.written {
                let found = mapping.raw(side, &reads[index(side)].record.fields);
                (found, Effect::Written)
            } else {
                (half.after.clone(), Effect::Observed)
            };
            for (name, after) in raw.iter() {
                let before = if half.written {
                    half.before.get(name.as_str())
                } else {
                    link.base(side).get(name.as_str())
                };
                if before.is_known() && before != after {
                    rows.push(NewJournalEntry {
                        field: Some(name.clone()),
                        before: before.clone(),
                        after: after.clone(),
                        rule: write.rule.clone(),
                        note: half.written.then(|| FOUND_DONE.to_owned()),
                        ..row(effect, pairing, link, side, now, cause, run)
                    });
                }
            }
            put_base(link, side, raw);
        }
    }
    rows
}

/// Notes with the link what is about to be written over a base. Says whether there is anything to store.
pub(crate) fn begin(
    pairing: &Pairing,
    link: &mut Link,
    reads: [&Read; 2],
    plan: &PairPlan,
) -> bool {
    let fields = Side::BOTH.map(|side| &reads[index(side)].record.fields);
    let sent = Side::BOTH.map(|side| {
        let held = [fields[index(side)], fields[index(side.other())]];
        with(fields[index(side)], &plan.raw(pairing, side, held))
    });
    let mut begun = Vec::new();
    for step in &plan.moves {
        let mapping = &pairing.compiled.mappings()[step.mapping];
        if !has_base(link, mapping) {
            continue;
        }
        let [left, right] = Side::BOTH.map(|side| {
            let written = step.writes[index(side)].is_some();
            let after = if written {
                &sent[index(side)]
            } else {
                fields[index(side)]
            };
            Half {
                written,
                before: mapping.raw(side, fields[index(side)]),
                after: mapping.raw(side, after),
            }
        });
        begun.push(Underway {
            mapping: mapping.id().to_owned(),
            revision: revision(mapping),
            rule: step.rule.clone(),
            left,
            right,
        });
    }
    let is_new = !begun.is_empty();
    // Of what cannot be decided on yet, what was begun earlier stays.
    link.underway
        .retain(|write| waits(pairing, plan, &write.mapping));
    link.underway.append(&mut begun);
    is_new
}

/// Forgets what has an outcome now.
pub(super) fn end(
    link: &mut Link,
    pairing: &Pairing,
    plan: &PairPlan,
    written: [Option<&Written>; 2],
) {
    link.underway.retain(|write| {
        waits(pairing, plan, &write.mapping)
            || Side::BOTH.into_iter().any(|side| {
                write.half(side).written
                    && written[index(side)].is_some_and(|result| {
                        let open =
                            |(name, _): (&record::FieldName, _)| !result.taken.contains(name);
                        matches!(result.rest, Rest::Unknown(_))
                            && write.half(side).after.iter().any(open)
                    })
            })
    });
}

/// Whether this look decided nothing about a mapping.
fn waits(pairing: &Pairing, plan: &PairPlan, mapping: &str) -> bool {
    plan.waiting
        .iter()
        .any(|number| pairing.compiled.mappings()[*number].id() == mapping)
}
