//! The link of a record that was just made, or was found to have been made.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mapping::CompiledMapping;
use record::{Field, FieldName, Fields, Read, RecordId, Side};
use store::{Blocked, Cause, Effect, Intent, Link, LinkId, LinkState, NewJournalEntry};
use uuid::Uuid;

use crate::{
    decide::{awaited, hash_of, revision},
    pair::{Pairing, index},
    settle::is_final,
};

/// A link of a record that was just made, or was found to have been made.
pub(crate) struct Newborn {
    pub(crate) link: Link,
    /// What it could not be given because a record that it names has no link so far.
    pub(crate) waiting: Vec<Blocked>,
    /// The made record does not hold what was sent, or was not read back.
    pub(crate) look_again: bool,
}

/// What was made.
pub(crate) struct Made<'a> {
    /// What was sent.
    pub(crate) draft: &'a Fields,
    /// What it was made without, and is listed for it.
    pub(crate) refused: &'a [FieldName],
    /// What the system takes with no create, whatever it is: it is sent with the first change.
    pub(crate) later: &'a [FieldName],
    pub(crate) id: RecordId,
    /// The record itself, if it is known.
    pub(crate) read: Option<&'a Read>,
}

/// Builds the link of a made record: the source's base is what was decided on, the target's what it
/// holds if that means what was sent, else what was sent.
pub(crate) fn newborn(
    pairing: &Pairing,
    intent: &Intent,
    source: &Read,
    made: Made<'_>,
    now: Timestamp,
) -> Newborn {
    let Made {
        draft,
        refused,
        later,
        id,
        read,
    } = made;
    let target = intent.target;
    let origin = target.other();
    let id_of_link = LinkId(Uuid::now_v7());
    let mut bases = [Fields::new(), Fields::new()];
    let mut revisions = BTreeMap::new();
    let mut look_again = read.is_none();
    let mut source_known = true;
    let mut waiting = Vec::new();
    for mapping in pairing.compiled.mappings() {
        let source_raw = mapping.raw(origin, &intent.source_fields);
        let meaning = mapping.read(origin, &source_raw);
        if !meaning.is_known() {
            // Nothing was decided about it; the next look aligns it.
            tracing::debug!(sync = %pairing.sync, mapping = mapping.id(), "a record was made without knowing a field");
            source_known = false;
            let reason = mapping.unreadable(origin, &intent.source_fields);
            let awaits = awaited(pairing, mapping, origin, &intent.source_fields);
            match (reason, awaits) {
                // It is known what it waits for: a look would find just that.
                (Some(reason), Some(awaits)) => waiting.push(Blocked {
                    sync: pairing.sync.clone(),
                    link: id_of_link,
                    mapping: mapping.id().to_owned(),
                    side: target,
                    reason,
                    value_hash: hash_of(&source_raw),
                    schema_hash: pairing.end(target).schema_hash,
                    since: now,
                    awaits: Some(awaits),
                }),
                _ => look_again = true,
            }
            if mapping.refers_to().is_some() {
                without_reference(&mut bases, mapping, target, read);
                revisions.insert(mapping.id().to_owned(), revision(mapping));
            }
            continue;
        }
        if mapping.holds_back(target, &meaning) {
            // The next look asks about it, or lists it.
            look_again = true;
            continue;
        }
        let sent = filled(mapping.fields(target), draft);
        // What is only read along, such as the country of a number, says nothing about the number.
        let written = mapping.written(target);
        let was_refused = written.iter().any(|name| refused.contains(name));
        let comes_later = written.iter().any(|name| later.contains(name));
        let was_sent = !was_refused
            && !comes_later
            && written
                .iter()
                .any(|name| draft.get(name.as_str()).is_known());
        let meant = mapping.read(target, &sent);
        let target_raw = match read {
            Some(read) => {
                let stored = mapping.raw(target, &read.record.fields);
                let holds = mapping.read(target, &stored);
                // Nobody agrees to something by being made: the next look would find nothing to do, either.
                let left_open = !was_sent && mapping.leaves_open(&meaning, &holds);
                if mapping.accepted(target, &meaning, &holds)
                    || (was_sent && mapping.accepted(target, &meant, &holds))
                    || left_open
                {
                    stored
                } else {
                    if was_refused {
                        // A look would find just that: it is listed, and tried when something changes.
                        continue;
                    }
                    look_again = true;
                    tracing::debug!(sync = %pairing.sync, mapping = mapping.id(), "a made record does not hold what was sent");
                    if comes_later || (!was_sent && mapping.refers_to().is_some()) {
                        without_reference(&mut bases, mapping, target, Some(read));
                        revisions.insert(mapping.id().to_owned(), revision(mapping));
                        continue;
                    }
                    if !was_sent {
                        // Could not be sent (not writable, refused): aligned by the next look.
                        continue;
                    }
                    sent
                }
            }
            None if !was_sent => continue,
            None => sent,
        };
        for (side, raw) in [(origin, source_raw), (target, target_raw)] {
            for (name, field) in raw {
                bases[index(side)].set(name, field);
            }
        }
        revisions.insert(mapping.id().to_owned(), revision(mapping));
    }
    if let Some(field) = pairing.compiled.keep_id(target) {
        let sent = draft.get(field.as_str());
        let holds = read.is_none_or(|read| read.record.fields.get(field.as_str()) == sent);
        if sent.is_known() && holds {
            bases[index(target)].set(field.clone(), sent.clone());
        }
    }
    // The source is told of what was made for it by the next look.
    look_again |= pairing.compiled.keep_id(origin).is_some();
    let [base_left, base_right] = bases;
    let (left, right) = match target {
        Side::Left => (id, intent.source.clone()),
        Side::Right => (intent.source.clone(), id),
    };
    let target_seen = read.map_or(intent.opened, |read| read.as_of);
    // Up to these stamps nothing is news: a poll that shows them again asks for no reading.
    let final_stamp = |read: &Read| {
        read.modified
            .filter(|modified| is_final(*modified, read.as_of))
    };
    let target_stamp = read.and_then(final_stamp).filter(|_| !look_again);
    let source_stamp = final_stamp(source).filter(|_| source_known);
    let by_side = |on_target: Option<Timestamp>, on_origin: Option<Timestamp>| match target {
        Side::Left => (on_target, on_origin),
        Side::Right => (on_origin, on_target),
    };
    let (seen_left, seen_right) = by_side(Some(target_seen), Some(source.as_of));
    let (stamp_left, stamp_right) = by_side(target_stamp, source_stamp);
    let (wrote_left, wrote_right) = by_side(Some(now), None);
    Newborn {
        link: Link {
            id: id_of_link,
            sync: pairing.sync.clone(),
            entity: pairing.entity,
            left,
            right,
            state: LinkState::Active,
            how: "created".to_owned(),
            base_left,
            base_right,
            revisions,
            seen_left: seen_left.unwrap_or(now),
            seen_right: seen_right.unwrap_or(now),
            wrote_left,
            wrote_right,
            stamp_left,
            stamp_right,
            created: now,
            underway: Vec::new(),
        },
        waiting,
        look_again,
    }
}

/// A record was made without the record that it is to name, or without what no create takes: as if the other side had
/// nothing, so that the source's is the one change when it can be carried out, and what the new record holds is none.
fn without_reference(
    bases: &mut [Fields; 2],
    mapping: &CompiledMapping,
    target: Side,
    read: Option<&Read>,
) {
    for name in mapping.fields(target.other()) {
        bases[index(target.other())].set(name.clone(), Field::Empty);
    }
    for name in mapping.fields(target) {
        let holds = read.map_or(&Field::Empty, |read| read.record.fields.get(name.as_str()));
        bases[index(target)].set(name.clone(), holds.clone());
    }
}

/// The fields as they were to be: those that were not sent are empty.
fn filled(names: &[FieldName], draft: &Fields) -> Fields {
    names
        .iter()
        .map(|name| {
            let field = match draft.get(name.as_str()) {
                Field::Unknown => Field::Empty,
                known => known.clone(),
            };
            (name.clone(), field)
        })
        .collect()
}

/// The journal row of a made record.
pub(crate) fn created_row(
    pairing: &Pairing,
    link: &Link,
    target: Side,
    cause: &Cause,
    run: Option<store::RunId>,
    now: Timestamp,
) -> NewJournalEntry {
    NewJournalEntry {
        at: now,
        effect: Effect::Created,
        connection: pairing.end(target).connection.clone(),
        entity: pairing.entity,
        record: link.record(target).clone(),
        field: None,
        before: Field::Unknown,
        after: Field::Unknown,
        sync: Some(pairing.sync.clone()),
        link: Some(link.id),
        rule: format!("create on the {target}"),
        cause: cause.clone(),
        run,
        note: Some(format!(
            "made from {} {}",
            pairing.end(target.other()).connection,
            link.record(target.other())
        )),
    }
}

/// The fields of a side that some mapping reads.
pub(crate) fn mapped(pairing: &Pairing, side: Side, fields: &Fields) -> Fields {
    pairing
        .mapped_fields(side)
        .map(|name| (name.clone(), fields.get(name.as_str()).clone()))
        .collect()
}
