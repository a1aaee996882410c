//! What a worked-off pair leaves behind: the base moves only for what was decided on. Pure.

pub(crate) mod underway;

use jiff::Timestamp;
use record::{Field, FieldName, Fields, Read, Side};
use store::{Blocked, Cause, Effect, Link, LinkId, NewJournalEntry, RunId};

use crate::{
    decide::{KEEP_ID, PairPlan, has_base, hash_of, revision},
    pair::{Pairing, index},
    write::{Rest, Written},
};

/// Everything that is known of one pair after its writes.
pub(crate) struct Worked<'a> {
    pub(crate) pairing: &'a Pairing,
    pub(crate) link: Link,
    /// What was read before deciding.
    pub(crate) before: [&'a Read; 2],
    pub(crate) plan: &'a PairPlan,
    /// What was written, by side.
    pub(crate) written: [Option<&'a Written>; 2],
    /// What was read back, by side, where something was written.
    pub(crate) after: [Option<&'a Read>; 2],
    pub(crate) now: Timestamp,
    pub(crate) cause: &'a Cause,
    pub(crate) run: Option<RunId>,
}

/// What is to be stored for one pair.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) link: Link,
    pub(crate) journal: Vec<NewJournalEntry>,
    pub(crate) blocked: Vec<Blocked>,
    pub(crate) unblocked: Vec<(LinkId, String, Side)>,
    /// Sides that hold something that we did not expect: to be looked at again.
    pub(crate) unexpected: [bool; 2],
    /// Mappings that were written to a side.
    pub(crate) updated: [usize; 2],
    /// Mappings that a side refused.
    pub(crate) refused: usize,
}

/// Moves the base and writes the journal rows.
pub(crate) fn settle(worked: Worked<'_>) -> Settled {
    let Worked {
        pairing,
        link,
        before,
        plan,
        written,
        after,
        now,
        cause,
        run,
    } = worked;
    let mut out = Settled {
        link,
        journal: Vec::new(),
        blocked: Vec::new(),
        unblocked: Vec::new(),
        unexpected: [false, false],
        updated: [0, 0],
        refused: 0,
    };
    for number in &plan.agreed {
        let mapping = &pairing.compiled.mappings()[*number];
        for side in Side::BOTH {
            let current = &before[index(side)].record.fields;
            let raw = mapping.raw(side, current);
            // Both sides came to mean the same: two people, or a write of ours of which nothing could
            // be stored. Or they differ, and that stands. What was there before is kept either way.
            let rule = match plan.kept.get(number) {
                Some(keeper) => {
                    let keeper = &pairing.end(*keeper).connection;
                    format!("{}: `{keeper}` keeps what it holds", mapping.id())
                }
                None => format!("{}: both sides mean the same", mapping.id()),
            };
            let of_row =
                |name: &FieldName| observed(pairing, &out.link, side, name, now, cause, run);
            let rows = replaced(&out.link, side, &raw, current, &rule, of_row);
            out.journal.extend(rows);
            put_base(&mut out.link, side, raw);
        }
        out.link
            .revisions
            .insert(mapping.id().to_owned(), revision(mapping));
    }
    let sent = Side::BOTH.map(|side| {
        let held = [side, side.other()].map(|side| &before[index(side)].record.fields);
        plan.raw(pairing, side, held)
    });
    for step in &plan.moves {
        let mapping = &pairing.compiled.mappings()[step.mapping];
        let mut complete = true;
        let mut bases: [Option<Fields>; 2] = [None, None];
        for side in Side::BOTH {
            let at = index(side);
            let current = &before[at].record.fields;
            let Some(raw) = &step.writes[at] else {
                bases[at] = Some(mapping.raw(side, current));
                continue;
            };
            let Some(result) = written[at] else {
                complete = false;
                continue;
            };
            let refusals: Vec<_> = result
                .refused
                .iter()
                .filter(|(name, _)| raw.iter().any(|(field, _)| field == name))
                .collect();
            let taken: Vec<_> = raw
                .iter()
                .filter(|(name, _)| result.taken.contains(*name))
                .collect();
            for &(name, field) in &taken {
                out.journal.push(NewJournalEntry {
                    field: Some(name.clone()),
                    before: current.get(name.as_str()).clone(),
                    after: after[at].map_or_else(
                        || field.clone(),
                        |read| match read.record.fields.get(name.as_str()) {
                            Field::Unknown => field.clone(),
                            known => known.clone(),
                        },
                    ),
                    rule: step.rule.clone(),
                    note: step.lost.clone(),
                    ..row(Effect::Written, pairing, &out.link, side, now, cause, run)
                });
            }
            if let Rest::Unknown(why) = &result.rest {
                let open = raw
                    .iter()
                    .filter(|(name, _)| !result.taken.contains(*name))
                    .filter(|(name, _)| !refusals.iter().any(|(refused, _)| refused == *name));
                for (name, field) in open {
                    out.journal.push(NewJournalEntry {
                        field: Some(name.clone()),
                        before: current.get(name.as_str()).clone(),
                        after: field.clone(),
                        rule: step.rule.clone(),
                        note: Some(format!("whether it was written is not known: {why}")),
                        ..row(Effect::Written, pairing, &out.link, side, now, cause, run)
                    });
                }
            }
            if let Some((_, refusal)) = refusals.first() {
                complete = false;
                out.refused += 1;
                out.blocked.push(Blocked {
                    sync: pairing.sync.clone(),
                    link: out.link.id,
                    mapping: mapping.id().to_owned(),
                    side,
                    reason: refusal.to_string(),
                    value_hash: hash_of(raw),
                    schema_hash: pairing.end(side).schema_hash,
                    since: now,
                    awaits: None,
                });
                out.journal.push(NewJournalEntry {
                    rule: mapping.id().to_owned(),
                    note: Some(refusal.to_string()),
                    ..row(Effect::Refused, pairing, &out.link, side, now, cause, run)
                });
                continue;
            }
            if taken.len() < raw.len() {
                // Not refused and not taken: the outcome is open, the base stays.
                complete = false;
                continue;
            }
            out.updated[at] += 1;
            out.unblocked
                .push((out.link.id, mapping.id().to_owned(), side));
            let sent = with(current, &sent[at]);
            let meant = mapping.read(side, &sent);
            let accepted = after[at].filter(|read| {
                mapping.accepted(side, &meant, &mapping.read(side, &read.record.fields))
            });
            bases[at] = Some(match accepted {
                Some(read) => mapping.raw(side, &read.record.fields),
                None => {
                    out.unexpected[at] |= after[at].is_some();
                    mapping.raw(side, &sent)
                }
            });
        }
        // The base of a mapping moves as one: a source that was carried only to one of two targets
        // is still a change for the other.
        if complete {
            for side in Side::BOTH {
                if let Some(raw) = bases[index(side)].take() {
                    let current = &before[index(side)].record.fields;
                    let rule = format!("{}: changed there", mapping.id());
                    let of_row = |name: &FieldName| {
                        observed(pairing, &out.link, side, name, now, cause, run)
                    };
                    let rows = replaced(&out.link, side, &raw, current, &rule, of_row);
                    out.journal.extend(rows);
                    put_base(&mut out.link, side, raw);
                }
            }
            out.link
                .revisions
                .insert(mapping.id().to_owned(), revision(mapping));
        }
    }
    for side in Side::BOTH {
        keep_id(
            pairing,
            &mut out,
            plan,
            side,
            before,
            written,
            (now, cause, run),
        );
    }
    for held in plan.held.iter().filter(|held| !held.known) {
        let mapping = &pairing.compiled.mappings()[held.mapping];
        out.refused += 1;
        out.blocked.push(Blocked {
            sync: pairing.sync.clone(),
            link: out.link.id,
            mapping: mapping.id().to_owned(),
            side: held.side,
            reason: held.reason.clone(),
            value_hash: held.value_hash,
            schema_hash: pairing.end(held.side).schema_hash,
            since: now,
            awaits: held.awaits.clone(),
        });
    }
    for number in &plan.quiet {
        let mapping = &pairing.compiled.mappings()[*number];
        for side in Side::BOTH {
            out.unblocked
                .push((out.link.id, mapping.id().to_owned(), side));
        }
    }
    underway::end(&mut out.link, pairing, plan, written);
    note_reads(pairing, &mut out, before, written, after, now);
    out
}

/// Notes the other record's id where it is kept now, or that it was refused.
fn keep_id(
    pairing: &Pairing,
    out: &mut Settled,
    plan: &PairPlan,
    side: Side,
    before: [&Read; 2],
    written: [Option<&Written>; 2],
    (now, cause, run): (Timestamp, &Cause, Option<RunId>),
) {
    let at = index(side);
    if let Some(raw) = &plan.ids_there[at] {
        put_base(&mut out.link, side, raw.clone());
    }
    let (Some(raw), Some(result)) = (&plan.ids[at], written[at]) else {
        return;
    };
    for (name, id) in raw.iter() {
        if result.taken.contains(name) {
            out.journal.push(NewJournalEntry {
                field: Some(name.clone()),
                before: before[at].record.fields.get(name.as_str()).clone(),
                after: id.clone(),
                rule: format!("{KEEP_ID}: the id of the other record"),
                ..row(Effect::Written, pairing, &out.link, side, now, cause, run)
            });
            out.unblocked.push((out.link.id, KEEP_ID.to_owned(), side));
            put_base(&mut out.link, side, raw.clone());
        } else if let Some((_, refusal)) = result.refused.iter().find(|(field, _)| field == name) {
            out.refused += 1;
            out.blocked.push(Blocked {
                sync: pairing.sync.clone(),
                link: out.link.id,
                mapping: KEEP_ID.to_owned(),
                side,
                reason: refusal.to_string(),
                value_hash: hash_of(raw),
                schema_hash: pairing.end(side).schema_hash,
                since: now,
                awaits: None,
            });
        }
    }
}

/// Moves the marks that say how long nothing has changed.
fn note_reads(
    pairing: &Pairing,
    out: &mut Settled,
    before: [&Read; 2],
    written: [Option<&Written>; 2],
    after: [Option<&Read>; 2],
    now: Timestamp,
) {
    for side in Side::BOTH {
        let at = index(side);
        let last = after[at].unwrap_or(before[at]);
        let wrote = written[at].is_some_and(|result| !result.taken.is_empty());
        let settled = pairing.compiled.mappings().iter().all(|mapping| {
            has_base(&out.link, mapping)
                && mapping.read(side, out.link.base(side))
                    == mapping.read(side, &last.record.fields)
        });
        let (seen, stamp, wrote_at) = match side {
            Side::Left => (
                &mut out.link.seen_left,
                &mut out.link.stamp_left,
                &mut out.link.wrote_left,
            ),
            Side::Right => (
                &mut out.link.seen_right,
                &mut out.link.stamp_right,
                &mut out.link.wrote_right,
            ),
        };
        if wrote {
            *wrote_at = Some(now);
        }
        // While something of this side is not settled, its change stays as old as it was first seen.
        if settled {
            *seen = last.as_of;
            *stamp = last
                .modified
                .filter(|modified| is_final(*modified, last.as_of));
        } else {
            *stamp = None;
        }
        // Somebody changed a mapped field between our read and our read-back.
        if after[at].is_some() && !settled {
            let untouched_changed = pairing.compiled.mappings().iter().any(|mapping| {
                let was = mapping.read(side, &before[at].record.fields);
                let is = mapping.read(side, &last.record.fields);
                is != was && mapping.read(side, out.link.base(side)) != is
            });
            out.unexpected[at] |= untouched_changed;
        }
    }
}

/// Whether no later edit can carry the same stamp. Stamps without fractions of a second are taken
/// for whole seconds: they are final only when the second is over.
pub(crate) fn is_final(stamp: Timestamp, read_at: Timestamp) -> bool {
    stamp.subsec_nanosecond() != 0 || read_at.as_second() > stamp.as_second() + 1
}

/// Rows for values that the base still has and that are no longer there, by a person or by a write of
/// ours of which nothing could be stored. The base is the last place that knows them.
fn replaced(
    link: &Link,
    side: Side,
    names: &Fields,
    current: &Fields,
    rule: &str,
    row: impl Fn(&FieldName) -> NewJournalEntry,
) -> Vec<NewJournalEntry> {
    names
        .iter()
        .filter_map(|(name, _)| {
            let (was, is) = (
                link.base(side).get(name.as_str()),
                current.get(name.as_str()),
            );
            (was.is_known() && was != is).then(|| NewJournalEntry {
                before: was.clone(),
                after: is.clone(),
                rule: rule.to_owned(),
                ..row(name)
            })
        })
        .collect()
}

/// Rows for everything that the base of an ending link knows and that its record does not hold (any
/// more). `read` is the record as it is, if it is there.
pub(crate) fn last_known(
    pairing: &Pairing,
    link: &Link,
    side: Side,
    read: Option<&Read>,
    now: Timestamp,
    cause: &Cause,
    run: Option<RunId>,
) -> Vec<NewJournalEntry> {
    let nothing = Fields::new();
    let current = read.map_or(&nothing, |read| &read.record.fields);
    let rule = if read.is_some() {
        "changed there"
    } else {
        "gone there"
    };
    let of_row = |name: &FieldName| observed(pairing, link, side, name, now, cause, run);
    replaced(link, side, link.base(side), current, rule, of_row)
}

fn put_base(link: &mut Link, side: Side, raw: Fields) {
    let base = match side {
        Side::Left => &mut link.base_left,
        Side::Right => &mut link.base_right,
    };
    for (name, field) in raw {
        base.set(name, field);
    }
}

/// The record's fields with the raw changes applied.
pub(crate) fn with(current: &Fields, raw: &Fields) -> Fields {
    let mut fields = current.clone();
    for (name, field) in raw.iter() {
        fields.set(name.clone(), field.clone());
    }
    fields
}

/// The note of a row that was stored before its write: if nothing follows it, the process ended between the
/// write and its commit.
pub(crate) const ABOUT_TO: &str = "about to be written";

/// What is about to be written although no base would tell of it afterwards: over a value that its side was
/// edited to, or that was there before the link, and whatever a first link writes. To be stored before the
/// write: if the process ends before the outcome is stored, the next one finds two sides that agree.
pub(crate) fn contested(
    pairing: &Pairing,
    link: &Link,
    before: [&Read; 2],
    plan: &PairPlan,
    now: Timestamp,
    cause: &Cause,
    run: Option<RunId>,
) -> Vec<NewJournalEntry> {
    let mut rows = Vec::new();
    for step in &plan.moves {
        let mapping = &pairing.compiled.mappings()[step.mapping];
        for side in Side::BOTH {
            let current = &before[index(side)].record.fields;
            let Some(raw) = &step.writes[index(side)] else {
                continue;
            };
            if has_base(link, mapping)
                && mapping.read(side, link.base(side)) == mapping.read(side, current)
            {
                continue;
            }
            let is_first = !has_base(link, mapping);
            for (name, field) in raw.iter() {
                let was = current.get(name.as_str());
                if is_first || was.value().is_some() {
                    rows.push(NewJournalEntry {
                        field: Some(name.clone()),
                        before: was.clone(),
                        after: field.clone(),
                        rule: step.rule.clone(),
                        note: Some(ABOUT_TO.to_owned()),
                        ..row(Effect::Observed, pairing, link, side, now, cause, run)
                    });
                }
            }
        }
    }
    for side in Side::BOTH {
        for (name, id) in plan.ids[index(side)].iter().flat_map(Fields::iter) {
            let was = before[index(side)].record.fields.get(name.as_str());
            rows.push(NewJournalEntry {
                field: Some(name.clone()),
                before: was.clone(),
                after: id.clone(),
                rule: format!("{KEEP_ID}: the id of the other record"),
                note: Some(ABOUT_TO.to_owned()),
                ..row(Effect::Observed, pairing, link, side, now, cause, run)
            });
        }
    }
    rows
}

/// A row about a field that changed without our doing, as far as we know.
fn observed(
    pairing: &Pairing,
    link: &Link,
    side: Side,
    name: &FieldName,
    now: Timestamp,
    cause: &Cause,
    run: Option<RunId>,
) -> NewJournalEntry {
    NewJournalEntry {
        field: Some(name.clone()),
        ..row(Effect::Observed, pairing, link, side, now, cause, run)
    }
}

/// A row about one record of a link.
fn row(
    effect: Effect,
    pairing: &Pairing,
    link: &Link,
    side: Side,
    now: Timestamp,
    cause: &Cause,
    run: Option<RunId>,
) -> NewJournalEntry {
    NewJournalEntry {
        at: now,
        effect,
        connection: pairing.end(side).connection.clone(),
        entity: pairing.entity,
        record: link.record(side).clone(),
        field: None,
        before: Field::Unknown,
        after: Field::Unknown,
        sync: Some(pairing.sync.clone()),
        link: Some(link.id),
        rule: String::new(),
        cause: cause.clone(),
        run,
        note: None,
    }
}

/// Whether a write has to be tried again later, and why.
pub(crate) fn unfinished(written: &Written) -> Option<String> {
    match &written.rest {
        Rest::Nothing | Rest::Gone => None,
        Rest::Unknown(why) => Some(format!("the outcome of a write is not known: {why}")),
        Rest::Failed(why) => Some(why.clone()),
    }
}
