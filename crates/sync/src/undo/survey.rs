//! What an undo would do: the effects of the journal, against what both sides hold now.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use connector::{Deletes, Fetched};
use mapping::CompiledMapping;
use record::{Field, Fields, Read, RecordId, Side, Value};
use sha2::{Digest as _, Sha256};
use store::{Effect, JournalEntry, JournalFilter, Lane, Link, LinkId, LinkState, NewJournalEntry};

use super::{KeptEffect, UndoPlan, UndoScope, UndoneField, UndoneRecord};
use crate::{
    Error,
    decide::{Back, UNDONE},
    engine::Core,
    gone::is_edited,
    pair::{Pairing, index},
    reconcile::Desk,
    settle::{ABOUT_TO, with},
};

/// Rows of the journal read at once.
const PAGE: usize = 2_000;

/// Most rows that one undo looks at.
const MOST: usize = 200_000;

/// Records read at once.
const BATCH: usize = 100;

/// Why a value that nobody knows does not come back.
const NOT_KNOWN: &str = "what it held before is not known";

/// Why a value that was removed from the journal does not come back.
const GONE: &str = "what it held before was removed from the journal: values are kept for `retention.journal_values_days`";

/// The mapping that a rule of the journal names: `email: the only change`.
fn mapping_of(rule: &str) -> &str {
    rule.split_once(": ").map_or(rule, |(mapping, _)| mapping)
}

/// What the plan shows, and what carrying it out needs.
#[derive(Default)]
pub(super) struct Found {
    pub(super) plan: UndoPlan,
    /// By link and mapping, in the order of `plan.fields`.
    pub(super) backs: Vec<Back>,
}

/// What happened to a field of one side within the scope.
#[derive(Debug, Clone)]
struct Replaced {
    /// Before the first of it.
    before: Field,
    /// After the last of it.
    after: Field,
    /// The journal has the values of it no more.
    gone: bool,
}

/// What we wrote of one mapping within the scope.
#[derive(Default)]
struct Writes {
    /// The side of the first of it: what that held is what comes back.
    first: Option<Side>,
    /// By field, for each side.
    sides: [BTreeMap<String, Replaced>; 2],
}

/// What happened to one link within the scope.
#[derive(Default)]
struct Effects {
    /// By mapping.
    writes: BTreeMap<String, Writes>,
    /// The side on which the record was made.
    made: Option<Side>,
    /// Records that were removed, which cannot be taken back.
    removed: Option<(Side, RecordId)>,
}

pub(super) async fn survey(core: &Core, scope: &UndoScope) -> Result<Found, Error> {
    let mut found = Found::default();
    for pairing in core.all_pairings() {
        if scope
            .sync
            .as_ref()
            .is_some_and(|sync| *sync != pairing.sync)
            || scope.entity.is_some_and(|entity| entity != pairing.entity)
        {
            continue;
        }
        let effects = effects(core, &pairing, scope).await?;
        let links: Vec<LinkId> = effects.keys().copied().collect();
        for batch in links.chunks(BATCH) {
            look(core, &pairing, &effects, batch, &mut found).await?;
        }
    }
    let shown = serde_json::to_vec(&found.plan).map_err(|error| store::Error::Corrupt {
        what: "plan",
        why: error.to_string(),
    })?;
    found.plan.fingerprint = Sha256::digest(&shown)
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(found)
}

/// What the journal has within the scope, by link.
async fn effects(
    core: &Core,
    pairing: &Pairing,
    scope: &UndoScope,
) -> Result<BTreeMap<LinkId, Effects>, Error> {
    let mut effects: BTreeMap<LinkId, Effects> = BTreeMap::new();
    // Rows of the other side belong to the same effect and are found by its trace.
    let one_side = scope.connection.is_some() || scope.record.is_some() || scope.field.is_some();
    let mut chosen: BTreeSet<(LinkId, String, uuid::Uuid)> = BTreeSet::new();
    let mut rows = Vec::new();
    let mut before = None;
    loop {
        let page = core
            .store
            .journal(
                &core.workspace,
                &JournalFilter {
                    sync: Some(pairing.sync.clone()),
                    run: scope.run,
                    before,
                    limit: PAGE,
                    ..JournalFilter::default()
                },
            )
            .await?;
        let last = page.len() < PAGE;
        before = page.last().map(|row| row.seq);
        let too_old = |row: &JournalEntry| scope.since.is_some_and(|since| row.entry.at < since);
        let ended = page.last().is_some_and(too_old);
        for row in page {
            let entry = row.entry;
            let within = entry.entity == pairing.entity
                && scope.since.is_none_or(|since| entry.at >= since)
                && scope.until.is_none_or(|until| entry.at < until);
            if let (true, Some(link)) = (within, entry.link) {
                if is_chosen(scope, &entry) {
                    let key = (link, mapping_of(&entry.rule).to_owned(), entry.cause.trace);
                    chosen.insert(key);
                }
                rows.push((link, entry));
            }
        }
        if rows.len() > MOST {
            return Err(Error::TooMuch {
                what: "effects of the journal",
                most: MOST,
            });
        }
        if last || ended {
            break;
        }
    }
    rows.retain(|(_, entry)| entry.effect != Effect::Observed || is_write(entry));
    without_told(&mut rows);
    let links = ended_before_they_began(core, pairing, &rows).await?;
    // The oldest first.
    for (link, entry) in rows.into_iter().rev() {
        let key = (link, mapping_of(&entry.rule).to_owned(), entry.cause.trace);
        if !one_side || chosen.contains(&key) {
            let link = links.get(&link).copied().unwrap_or(link);
            note(effects.entry(link).or_default(), pairing, entry);
        }
    }
    effects.retain(|_, of_link| {
        of_link.made.is_some() || of_link.removed.is_some() || !of_link.writes.is_empty()
    });
    Ok(effects)
}

/// Whether a row tells of a write, or of one whose end nobody stored.
fn is_write(entry: &NewJournalEntry) -> bool {
    entry.effect == Effect::Written || entry.note.as_deref() == Some(ABOUT_TO)
}

/// Leaves out what was about to be written where another row tells what became of it.
fn without_told(rows: &mut Vec<(LinkId, NewJournalEntry)>) {
    let key = |entry: &NewJournalEntry| {
        let field = entry.field.as_ref().map(ToString::to_string);
        (
            entry.connection.clone(),
            entry.record.clone(),
            field,
            entry.cause.trace,
        )
    };
    let told: HashSet<_> = rows
        .iter()
        .filter(|(_, entry)| matches!(entry.effect, Effect::Written | Effect::Refused))
        .map(|(_, entry)| key(entry))
        .collect();
    rows.retain(|(_, entry)| entry.effect != Effect::Observed || !told.contains(&key(entry)));
}

/// What is written at a first link is in the journal before the link is. If the process ended in between,
/// the link was made once more under another id: under which.
async fn ended_before_they_began(
    core: &Core,
    pairing: &Pairing,
    rows: &[(LinkId, NewJournalEntry)],
) -> Result<HashMap<LinkId, LinkId>, Error> {
    let mut about: BTreeMap<LinkId, &NewJournalEntry> = BTreeMap::new();
    let mut began: BTreeSet<LinkId> = BTreeSet::new();
    for (link, entry) in rows {
        match entry.effect {
            Effect::Linked | Effect::Created => _ = began.insert(*link),
            _ if is_write(entry) => _ = about.entry(*link).or_insert(entry),
            _ => {}
        }
    }
    about.retain(|link, _| !began.contains(link));
    let mut found = HashMap::new();
    for (link, entry) in about {
        let Some(side) = pairing.side_of(&entry.connection) else {
            continue;
        };
        if core.store.link(&core.workspace, link).await?.is_some() || has_begun(core, link).await? {
            continue;
        }
        let record = std::slice::from_ref(&entry.record);
        let (workspace, sync) = (&core.workspace, &pairing.sync);
        let links = core
            .store
            .links_of(workspace, sync, pairing.entity, side, record)
            .await?;
        found.extend(links.first().map(|now| (link, now.id)));
    }
    Ok(found)
}

/// Whether a link was ever there.
async fn has_begun(core: &Core, link: LinkId) -> Result<bool, Error> {
    let filter = JournalFilter {
        link: Some(link),
        ..JournalFilter::default()
    };
    let rows = core.store.journal(&core.workspace, &filter).await?;
    Ok(rows
        .iter()
        .any(|row| matches!(row.entry.effect, Effect::Linked | Effect::Created)))
}

fn is_chosen(scope: &UndoScope, entry: &NewJournalEntry) -> bool {
    let field = entry.field.as_ref().map(record::FieldName::as_str);
    scope
        .connection
        .as_ref()
        .is_none_or(|connection| *connection == entry.connection)
        && scope
            .record
            .as_ref()
            .is_none_or(|record| *record == entry.record)
        && scope
            .field
            .as_deref()
            .is_none_or(|wanted| Some(wanted) == field)
}

fn note(effects: &mut Effects, pairing: &Pairing, entry: NewJournalEntry) {
    let Some(side) = pairing.side_of(&entry.connection) else {
        return;
    };
    match (entry.effect, entry.field) {
        (Effect::Created, None) => effects.made = Some(side),
        (Effect::Removed, _) => effects.removed = Some((side, entry.record)),
        (Effect::Written | Effect::Observed, Some(field)) => {
            // What was written is always known, until it is removed.
            let gone = !entry.before.is_known() && !entry.after.is_known();
            let mapping = mapping_of(&entry.rule).to_owned();
            let writes = effects.writes.entry(mapping).or_default();
            writes.first.get_or_insert(side);
            writes.sides[index(side)]
                .entry(field.to_string())
                .and_modify(|replaced| {
                    replaced.after = entry.after.clone();
                    replaced.gone |= gone;
                })
                .or_insert(Replaced {
                    before: entry.before,
                    after: entry.after,
                    gone,
                });
        }
        _ => {}
    }
}

/// Holds what happened against what is there now.
async fn look(
    core: &Core,
    pairing: &Pairing,
    effects: &BTreeMap<LinkId, Effects>,
    batch: &[LinkId],
    found: &mut Found,
) -> Result<(), Error> {
    let desk = Desk::new(core, pairing, Side::Left, Lane::Live);
    let cause = super::carry_out::cause();
    let mut links: Vec<Link> = Vec::new();
    for id in batch {
        match core.store.link(&core.workspace, *id).await? {
            Some(link) if link.state == LinkState::Active => links.push(link),
            _ => {
                let removed = effects[id].removed.as_ref();
                if let Some((side, record)) = removed {
                    let why = "a removed record is not brought back; the journal has what it held";
                    keep(found, pairing, *side, record, None, why);
                }
            }
        }
    }
    let mut reads: [HashMap<RecordId, Fetched>; 2] = Default::default();
    for side in Side::BOTH {
        let ids: Vec<RecordId> = links.iter().map(|link| link.record(side).clone()).collect();
        if !ids.is_empty() {
            reads[index(side)] = desk.fetch(side, &ids, &cause).await?;
        }
    }
    for link in &links {
        let of_link = &effects[&link.id];
        let both = Side::BOTH.map(|side| reads[index(side)].get(link.record(side)));
        let [Some(Fetched::Found(left)), Some(Fetched::Found(right))] = both else {
            for side in Side::BOTH {
                if !matches!(both[index(side)], Some(Fetched::Found(_))) {
                    let why = "it could not be read, or is not there any more";
                    keep(found, pairing, side, link.record(side), None, why);
                }
            }
            continue;
        };
        if let Some(side) = of_link.made {
            let read = if side == Side::Left { left } else { right };
            unmake(&desk, link, side, read, found);
        } else {
            put_back(pairing, link, of_link, [left, right], found);
        }
    }
    Ok(())
}

fn keep(
    found: &mut Found,
    pairing: &Pairing,
    side: Side,
    record: &RecordId,
    mapping: Option<&str>,
    why: impl Into<String>,
) {
    found.plan.kept.push(KeptEffect {
        sync: pairing.sync.clone(),
        connection: pairing.end(side).connection.clone(),
        entity: pairing.entity,
        record: record.clone(),
        mapping: mapping.map(str::to_owned),
        why: why.into(),
    });
}

/// A record that was made is removed, if nobody has edited it.
fn unmake(desk: &Desk<'_>, link: &Link, side: Side, read: &Read, found: &mut Found) {
    let pairing = desk.pairing;
    if let Err(why) = may_unmake(desk, link, side, read) {
        keep(found, pairing, side, link.record(side), None, why);
        return;
    }
    found.plan.records.push(UndoneRecord {
        sync: pairing.sync.clone(),
        entity: pairing.entity,
        link: link.id,
        connection: pairing.end(side).connection.clone(),
        record: link.record(side).clone(),
        source_connection: pairing.end(side.other()).connection.clone(),
        source: link.record(side.other()).clone(),
        archived: matches!(
            pairing.end(side).description.deletes,
            Deletes::Archive | Deletes::Cancel
        ),
    });
}

/// Whether a record that was made may be removed again.
pub(super) fn may_unmake(
    desk: &Desk<'_>,
    link: &Link,
    side: Side,
    read: &Read,
) -> Result<(), &'static str> {
    if !desk.pairing.may_write(side) {
        Err("this sync does not write to this side")
    } else if desk.pairing.end(side).description.deletes == Deletes::Never {
        Err("the system cannot remove records")
    } else if is_edited(desk, link, side, read) {
        Err("somebody edited the record since it was made")
    } else {
        Ok(())
    }
}

/// Fields get back what they held, if nobody changed them since.
fn put_back(
    pairing: &Pairing,
    link: &Link,
    effects: &Effects,
    reads: [&Read; 2],
    found: &mut Found,
) {
    for (name, writes) in &effects.writes {
        let Some(mapping) = pairing
            .compiled
            .mappings()
            .iter()
            .find(|mapping| mapping.id() == name)
        else {
            let why = "the config has this mapping no more";
            keep(found, pairing, Side::Left, &link.left, Some(name), why);
            continue;
        };
        let current = reads.map(|read| &read.record.fields);
        let expected = Side::BOTH.map(|side| mapping.read(side, current[index(side)]));
        let values = match before(mapping, link, writes, current, &expected) {
            Ok(values) if values == expected => continue,
            Ok(values) => values,
            Err((side, why)) => {
                keep(found, pairing, side, link.record(side), Some(name), why);
                continue;
            }
        };
        let back = |side: Side| mapping.put(side, &values[index(side)], current[index(side)]);
        found.plan.fields.push(UndoneField {
            sync: pairing.sync.clone(),
            entity: pairing.entity,
            link: link.id,
            left: link.left.clone(),
            right: link.right.clone(),
            mapping: name.clone(),
            left_now: mapping.raw(Side::Left, current[0]),
            left_back: back(Side::Left),
            right_now: mapping.raw(Side::Right, current[1]),
            right_back: back(Side::Right),
        });
        found.backs.push(Back {
            values,
            expected,
            rule: UNDONE,
        });
    }
}

/// What both sides are to mean again: what was overwritten first. Or why not, and on which side.
fn before(
    mapping: &CompiledMapping,
    link: &Link,
    writes: &Writes,
    current: [&Fields; 2],
    now: &[Field; 2],
) -> Result<[Field; 2], (Side, &'static str)> {
    const CHANGED: &str = "it was changed since, and that stays";
    for side in Side::BOTH {
        if writes.sides[index(side)]
            .values()
            .any(|replaced| replaced.gone)
        {
            return Err((side, GONE));
        }
    }
    for side in Side::BOTH {
        // An edit that is not carried over yet.
        if mapping.read(side, link.base(side)) != now[index(side)] {
            return Err((side, CHANGED));
        }
    }
    let meant = |side: Side, of: fn(&Replaced) -> &Field| {
        let raw: Fields = writes.sides[index(side)]
            .iter()
            .map(|(field, replaced)| (field.as_str().into(), of(replaced).clone()))
            .collect();
        mapping.read(side, &with(current[index(side)], &raw))
    };
    let written = Side::BOTH
        .into_iter()
        .filter(|side| !writes.sides[index(*side)].is_empty());
    let first = writes.first.unwrap_or(Side::Left);
    let sets = mapping
        .is_set()
        .then(|| [elements(&now[0]), elements(&now[1])]);
    if let Some([Some(left), Some(right)]) = sets {
        // Of a set, what was added goes and what was removed comes back. The rest is not ours.
        let mut sets = [left, right];
        for side in written {
            let before = elements(&meant(side, |replaced| &replaced.before));
            let after = elements(&meant(side, |replaced| &replaced.after));
            let (Some(before), Some(after)) = (before, after) else {
                return Err((side, NOT_KNOWN));
            };
            for set in &mut sets {
                set.retain(|element| before.contains(element) || !after.contains(element));
                set.extend(before.difference(&after).cloned());
            }
        }
        return Ok(sets.map(|set| match set.is_empty() {
            true => Field::Empty,
            false => Field::Value(Value::Set(set)),
        }));
    }
    for side in written {
        if meant(side, |replaced| &replaced.after) != now[index(side)] {
            return Err((side, CHANGED));
        }
    }
    let value = meant(first, |replaced| &replaced.before);
    if !value.is_known() {
        return Err((first, NOT_KNOWN));
    }
    Ok([value.clone(), value])
}

/// The elements of a set; an empty field has none.
fn elements(field: &Field) -> Option<BTreeSet<String>> {
    match field {
        Field::Empty => Some(BTreeSet::new()),
        Field::Value(Value::Set(set)) => Some(set.clone()),
        _ => None,
    }
}
