//! An edit that is made through a sync: on one side, and carried to the other in the same go.
//!
//! It is held against the rules as if somebody had just made it on that side: if they carry it across, both sides are
//! written, journalled and agree from then on, so that nothing comes back as an edit. If they would put it back, or
//! would ask a person, nothing is written and the reason is said. Making the same edit twice is the same as making it
//! once.

mod typed;

use std::collections::{BTreeMap, BTreeSet};

use connector::Fetched;
use mapping::CompiledMapping;
use merge::{Decision, Evidence, Interval};
use record::{Entity, Field, FieldName, Fields, Read, RecordId, Side, Sides};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use store::{
    Cause, ConnectionName, Lane, Link, LinkId, LinkState, Review, ReviewState, SignalSource,
    SyncName,
};
use uuid::Uuid;

use crate::{
    Error,
    decide::{Back, Override, Overrides, has_base, interval, why_in_words},
    engine::Core,
    intents::claim_for,
    pair::{Pairing, index},
    reconcile::{ClaimEnd, Couple, Desk},
    references,
    settle::with,
};

/// What to change of one record.
#[derive(Debug, Clone)]
pub struct Edit {
    /// Through which sync.
    pub sync: SyncName,
    /// On which of its connections.
    pub connection: ConnectionName,
    /// What the record is.
    pub entity: Entity,
    /// Which.
    pub record: RecordId,
    /// The fields as this connection calls them, with what they are to hold; `null` empties one.
    pub fields: Map<String, Json>,
    /// One id for everything that follows from it.
    pub trace: Uuid,
}

/// What became of an edit.
#[derive(Debug, Clone, Serialize)]
pub struct Edited {
    /// The link of the record.
    pub link: LinkId,
    /// The record on the other side.
    pub other: OtherRecord,
    /// What was written, or would be.
    pub written: Vec<EditedField>,
}

/// The record on the other side of an edit.
#[derive(Debug, Clone, Serialize)]
pub struct OtherRecord {
    /// Where.
    pub connection: ConnectionName,
    /// Which.
    pub record: RecordId,
}

/// One field that an edit writes.
#[derive(Debug, Clone, Serialize)]
pub struct EditedField {
    /// Where.
    pub connection: ConnectionName,
    /// Which record.
    pub record: RecordId,
    /// Which field.
    pub field: FieldName,
    /// What it held.
    pub before: Field,
    /// What it is to hold.
    pub after: Field,
}

/// Why an edit was not made.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The rules or a system refuse it. The same would be refused again.
    #[error("{0}")]
    Refused(String),
    /// It cannot be made now.
    #[error("{0}")]
    NotNow(String),
    /// Something failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<store::Error> for EditError {
    fn from(error: store::Error) -> Self {
        Self::Failed(error.into())
    }
}

fn refuse<T>(why: impl Into<String>) -> Result<T, EditError> {
    Err(EditError::Refused(why.into()))
}

/// The rule that the journal gives.
const RULE: &str = "edited by a workflow";

/// The same of the answer to a question.
const BY_A_PERSON: &str = "edited by a person";

/// What an edit would write now. Reads both sides; writes nothing.
pub(crate) async fn preview(core: &Core, edit: &Edit) -> Result<Edited, EditError> {
    let (pairing, side) = place(core, edit)?;
    let link = linked(core, &pairing, side, edit).await?;
    let desk = Desk::new(core, &pairing, side, Lane::Live);
    let couple = look(&desk, edit, link).await?;
    let backs = backs(core, &pairing, side, edit, &couple).await?;
    Ok(shown(&pairing, side, &couple, &backs))
}

/// Makes an edit.
pub(crate) async fn edit(core: &Core, edit: &Edit) -> Result<Edited, EditError> {
    edit_for(core, edit, None).await
}

/// Makes an edit, which may be the answer to a question about a field.
pub(crate) async fn edit_for(
    core: &Core,
    edit: &Edit,
    question: Option<&Review>,
) -> Result<Edited, EditError> {
    let (pairing, side) = place(core, edit)?;
    if let Some(why) = core.held_back(&pairing) {
        return Err(EditError::NotNow(why));
    }
    let before = linked(core, &pairing, side, edit).await?;
    let mut desk = Desk::new(core, &pairing, side, Lane::Live);
    let _guard = core
        .locks
        .acquire(desk.lock_keys(&before).into_iter().collect())
        .await;
    let link = linked(core, &pairing, side, edit).await?;
    if link.id != before.id || link.record(side.other()) != before.record(side.other()) {
        return Err(EditError::NotNow("the link changed meanwhile".to_owned()));
    }
    let mut couple = look(&desk, edit, link).await?;
    let mut backs = backs(core, &pairing, side, edit, &couple).await?;
    if question.is_some() {
        if let Some(cause) = &mut couple.claim.cause {
            cause.source = SignalSource::Person;
        }
        for (_, back) in &mut backs {
            back.rule = BY_A_PERSON;
        }
    }
    let edited = shown(&pairing, side, &couple, &backs);
    let overrides: Overrides = backs
        .iter()
        .map(|(mapping, back)| (mapping.id().to_owned(), Override::Back(back.clone())))
        .collect();
    let (id, record) = (couple.link.id, couple.claim.record.clone());
    desk.couples(vec![couple], &overrides).await?;
    let end = desk.ends.remove(&record);
    let mut commit = desk.finish();
    let failure = backs.iter().find_map(|(mapping, back)| {
        let settled = commit.links.iter().find(|link| link.id == id)?;
        let is_there = Side::BOTH
            .into_iter()
            .all(|side| mapping.read(side, settled.base(side)) == back.values[index(side)]);
        let row = commit
            .blocked
            .iter()
            .find(|row| row.link == id && row.mapping == mapping.id());
        match row {
            Some(row) => Some(EditError::Refused(format!(
                "`{}`: {} refused it: {}",
                mapping.id(),
                pairing.end(row.side).connection,
                row.reason
            ))),
            None if is_there => None,
            None => Some(EditError::NotNow(format!(
                "`{}`: whether it was written everywhere is not known",
                mapping.id()
            ))),
        }
    });
    let settled = commit.links.iter().any(|link| link.id == id);
    if let Some(review) = question {
        // It is decided, not withdrawn; or it stays as it is.
        commit
            .withdrawn
            .retain(|own| own.kind != review.kind || own.subject != review.subject);
        if failure.is_none() {
            let answer = Some("edit".to_owned());
            let closed = (review.id, ReviewState::Decided, answer);
            commit.closed_reviews.push(closed);
        }
    }
    core.commit(commit).await?;
    core.wake();
    match (failure, end) {
        (Some(failure), _) => Err(failure),
        (None, Some(ClaimEnd::Again { error, .. })) => {
            Err(EditError::NotNow(error.unwrap_or_else(|| {
                "the record changed meanwhile".to_owned()
            })))
        }
        (None, Some(ClaimEnd::Later { why, .. })) => Err(EditError::NotNow(why)),
        (None, _) if !settled && !edited.written.is_empty() => {
            refuse("the record is not in the scope of the sync")
        }
        (None, _) => Ok(edited),
    }
}

/// Between which records, and on which side.
fn place(core: &Core, edit: &Edit) -> Result<(std::sync::Arc<Pairing>, Side), EditError> {
    let Some(pairing) = core.pairings_of_sync(&edit.sync, edit.entity) else {
        return match (core.rules_of(&edit.sync), core.unready(&edit.sync)) {
            (Err(error), _) => refuse(error.to_string()),
            (Ok(rules), _) if !rules.entities.contains_key(&edit.entity) => {
                refuse(format!("the sync `{}` has no {}", edit.sync, edit.entity))
            }
            (Ok(_), why) => {
                Err(EditError::NotNow(why.unwrap_or_else(|| {
                    "the accounts of the sync were not read yet".to_owned()
                })))
            }
        };
    };
    let Some(side) = pairing.side_of(&edit.connection) else {
        return refuse(format!(
            "`{}` is not a side of the sync `{}`",
            edit.connection, edit.sync
        ));
    };
    if !pairing.may_write(side) {
        return refuse(format!(
            "the sync `{}` does not write to `{}`",
            edit.sync, edit.connection
        ));
    }
    Ok((pairing, side))
}

/// The link of the record, if it is at work.
async fn linked(
    core: &Core,
    pairing: &Pairing,
    side: Side,
    edit: &Edit,
) -> Result<Link, EditError> {
    let links = core
        .store
        .links_of(
            &core.workspace,
            &pairing.sync,
            pairing.entity,
            side,
            std::slice::from_ref(&edit.record),
        )
        .await?;
    match links.into_iter().next() {
        Some(link) if link.state == LinkState::Active => Ok(link),
        Some(link) if link.state == LinkState::Parked => refuse(format!(
            "a person is asked about the {} {}",
            edit.entity, edit.record
        )),
        Some(_) => refuse(format!(
            "the {} {} is not in the scope of the sync `{}`",
            edit.entity, edit.record, edit.sync
        )),
        None => refuse(format!(
            "the {} {} of `{}` is not linked by the sync `{}`",
            edit.entity, edit.record, edit.connection, edit.sync
        )),
    }
}

/// Both records as they are now.
async fn look(desk: &Desk<'_>, edit: &Edit, link: Link) -> Result<Couple, EditError> {
    let cause = Cause {
        trace: edit.trace,
        source: SignalSource::Workflow,
        origin: Some((edit.connection.clone(), edit.record.clone())),
        passed: Vec::new(),
    };
    let mut reads = Vec::new();
    for side in Side::BOTH {
        let ids = [link.record(side).clone()];
        let connection = &desk.pairing.end(side).connection;
        match desk.fetch(side, &ids, &cause).await?.remove(&ids[0]) {
            Some(Fetched::Found(read)) => reads.push(*read),
            Some(Fetched::Failed(_, error)) => {
                return Err(EditError::NotNow(format!("`{connection}`: {error}")));
            }
            _ => {
                return Err(EditError::NotNow(format!(
                    "{} of `{connection}` is not there",
                    ids[0]
                )));
            }
        }
    }
    let reads: [Read; 2] = reads.try_into().expect("both sides were read");
    let now = desk.core.clock.now();
    let (entity, source) = (desk.pairing.entity, SignalSource::Workflow);
    let mut claim = claim_for(&edit.connection, entity, &edit.record, source, now);
    claim.cause = Some(cause);
    Ok(Couple {
        claim,
        link,
        reads,
        taken_up: Vec::new(),
    })
}

type Backs = Vec<(CompiledMapping, Back)>;

/// What each mapping that the edit touches comes to on both sides; or why the edit cannot be.
async fn backs(
    core: &Core,
    pairing: &Pairing,
    side: Side,
    edit: &Edit,
    couple: &Couple,
) -> Result<Backs, EditError> {
    let set = typed::fields(&pairing.end(side).schema, &edit.fields).or_else(refuse)?;
    let reads = couple.reads.each_ref();
    let edited = with(&reads[index(side)].record.fields, &set);
    let mut of_couple = couple.fields().to_vec();
    of_couple.push((side, &edited));
    let known = references::known(core, pairing, &of_couple).await?;
    let mut touched = BTreeSet::new();
    let mut backs = Vec::new();
    for mapping in known.compiled.mappings() {
        let own: Vec<&FieldName> = mapping
            .fields(side)
            .iter()
            .filter(|name| set.iter().any(|(field, _)| field == *name))
            .collect();
        if own.is_empty() {
            continue;
        }
        touched.extend(own.into_iter().cloned());
        let back = one(pairing, mapping, side, couple, &edited, core.clock.now())
            .or_else(|why| refuse(format!("`{}`: {why}", mapping.id())))?;
        backs.push((mapping.clone(), back));
    }
    match set.iter().find(|(name, _)| !touched.contains(*name)) {
        Some((name, _)) => refuse(format!(
            "the sync `{}` does not carry the field `{name}` of `{}`",
            edit.sync, edit.connection
        )),
        None => Ok(backs),
    }
}

/// What one mapping comes to, as if the edit had just been made by hand.
fn one(
    pairing: &Pairing,
    mapping: &CompiledMapping,
    side: Side,
    couple: &Couple,
    edited: &Fields,
    now: jiff::Timestamp,
) -> Result<Back, String> {
    let reads = couple.reads.each_ref();
    let current = reads.map(|read| &read.record.fields);
    let expected = Side::BOTH.map(|side| mapping.read(side, current[index(side)]));
    let value = mapping.read(side, edited);
    if !value.is_known() {
        let why = mapping.unreadable(side, edited);
        return Err(why.unwrap_or_else(|| "too little is known of the record".to_owned()));
    }
    let mut values = expected.clone();
    values[index(side)] = value.clone();
    if values[index(side)] != expected[index(side)] {
        if !mapping.writable(side) {
            return Err("the sync only reads this field here".to_owned());
        }
        let put = mapping.put(side, &value, current[index(side)]);
        if mapping.read(side, &with(current[index(side)], &put)) != value {
            return Err("the system cannot hold this value".to_owned());
        }
    }
    let link = &couple.link;
    let bases = has_base(link, mapping).then(|| Sides::new(&link.base_left, &link.base_right));
    let mut held = current;
    held[index(side)] = edited;
    let just_now = |at: Side| {
        if at == side {
            let after = Some(reads[index(at)].as_of);
            return Interval { after, until: now };
        }
        let seen = [link.seen_left, link.seen_right][index(at)];
        interval(seen, reads[index(at)])
    };
    let evidence = Evidence::new(Some(just_now(Side::Left)), Some(just_now(Side::Right)));
    let other = side.other();
    match mapping.decide(bases, Sides::new(held[0], held[1]), &evidence) {
        Decision::Nothing | Decision::Agree => {}
        Decision::Write { to, why, .. } if to == side => {
            let connection = &pairing.end(other).connection;
            return Err(format!(
                "it would be put back to what `{connection}` has: {}",
                why_in_words(why)
            ));
        }
        Decision::Write { value, .. } => values[index(other)] = value,
        Decision::Merge { changes, .. } => {
            for side in Side::BOTH {
                if let Some(change) = changes.get(side) {
                    values[index(side)] = change.value.clone();
                }
            }
        }
        Decision::Ask { .. } => {
            return Err("both sides were changed, and a person has to decide".to_owned());
        }
        Decision::Wait { side } => {
            let why = mapping.unreadable(side, held[index(side)]);
            return Err(why.unwrap_or_else(|| "too little is known of the record".to_owned()));
        }
        Decision::Kept { side: kept } => {
            return Err(format!(
                "the sync does not carry it to `{}`",
                pairing.end(kept.other()).connection
            ));
        }
    }
    for side in Side::BOTH {
        let value = &values[index(side)];
        if *value != expected[index(side)]
            && let Some(loss) = mapping
                .lossy(side, value)
                .filter(|loss| !loss.partial || mapping.on_loss().is_some())
        {
            return Err(format!("`{}`: {loss}", pairing.end(side).connection));
        }
    }
    Ok(Back {
        values,
        expected,
        rule: RULE,
    })
}

/// What is written, field by field.
fn shown(pairing: &Pairing, side: Side, couple: &Couple, backs: &Backs) -> Edited {
    let mut written: BTreeMap<(usize, FieldName), EditedField> = BTreeMap::new();
    for at in [side, side.other()] {
        let current = &couple.reads[index(at)].record.fields;
        for (mapping, back) in backs {
            for (field, after) in mapping.put(at, &back.values[index(at)], current) {
                let row = EditedField {
                    connection: pairing.end(at).connection.clone(),
                    record: couple.link.record(at).clone(),
                    before: current.get(field.as_str()).clone(),
                    field: field.clone(),
                    after,
                };
                written.insert((usize::from(at != side), field), row);
            }
        }
    }
    Edited {
        link: couple.link.id,
        other: OtherRecord {
            connection: pairing.end(side.other()).connection.clone(),
            record: couple.link.record(side.other()).clone(),
        },
        written: written.into_values().collect(),
    }
}
