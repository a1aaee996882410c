//! Who is who: records without a link are matched by keys and judged as pairs. One sure, free and
//! uncontested match is linked; more than that is a question; none is a birth.

mod choice;
mod found;
mod others;
mod unclear;

pub(crate) use choice::why_asked;
pub(crate) use found::{
    Heirs, Match, Named, candidate_of_system, heirs, link_all, named_by_system,
};
pub(crate) use others::{Other, Others, asked_heirs, by_index};
pub(crate) use unclear::{Asked, Before};

use self::{choice::judge, found::link_matched, others::others};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use connector::{Effect, Fetched};
use matching::{Choice, Person};
use record::{Fields, Read, RecordId, Side};
use store::{Claim, Commit, IntentEnd, IntentState, Key, Lane, SignalSource, SkipReason, Snapshot};

use crate::{
    Error, children,
    create::{Birth, create},
    engine::Core,
    intents::is_ours,
    pair::Pairing,
    reconcile::{ClaimEnd, Desk, cause_of, is_too_old},
    references, scope,
    witness::{self, Proof, Sight},
};

/// How long a record is put off that a large batch is working on.
const PUT_OFF: std::time::Duration = std::time::Duration::from_secs(5);

/// The keys of a record, as the index holds them.
pub(crate) fn keys(
    pairing: &Pairing,
    side: Side,
    id: Option<&RecordId>,
    fields: &Fields,
) -> Vec<Key> {
    as_stored(person(pairing, side, id, fields).keys())
}

/// The keys by which those are found who may be the same.
pub(crate) fn sought(person: &Person) -> Vec<Key> {
    as_stored(person.sought())
}

fn as_stored(keys: Vec<matching::IdentityKey>) -> Vec<Key> {
    keys.into_iter()
        .map(|key| Key {
            kind: key.kind.as_str().to_owned(),
            value: key.value,
        })
        .collect()
}

/// The keys that a record is found by, whichever sync of its connection looks for it: each may take
/// another field for the mailbox. This one's count even while the accounts are being read.
pub(crate) fn index_keys(
    core: &Core,
    pairing: &Pairing,
    side: Side,
    id: &RecordId,
    fields: &Fields,
) -> Vec<Key> {
    let own = keys(pairing, side, Some(id), fields);
    let connection = &pairing.end(side).connection;
    let of_others = core
        .pairings_of(connection, pairing.entity)
        .into_iter()
        .filter(|(other, _)| other.sync != pairing.sync)
        .flat_map(|(other, side)| keys(&other, side, Some(id), fields));
    let all: BTreeSet<Key> = own
        .into_iter()
        .chain(children::key(pairing, side, fields))
        .chain(of_others)
        .collect();
    all.into_iter().collect()
}

/// What a record says about who it is. Where ids are kept, it is known by its own and by the one it keeps.
pub(crate) fn person(
    pairing: &Pairing,
    side: Side,
    id: Option<&RecordId>,
    fields: &Fields,
) -> Person {
    let person = pairing.compiled.person(side, fields);
    if pairing.rules.keep_id.is_empty() {
        return person;
    }
    let named = |side: Side, id: &str| format!("{}/{id}", pairing.end(side).connection);
    let own = id.map(|id| named(side, id.as_str()));
    let kept = pairing
        .compiled
        .keep_id(side)
        .and_then(|field| fields.get(field.as_str()).text())
        .map(str::trim)
        .filter(|kept| !kept.is_empty())
        .map(|kept| named(side.other(), kept));
    person.with_external(own.into_iter().chain(kept))
}

/// The record of the other side that a key names by its id.
fn named_by(pairing: &Pairing, side: Side, key: &Key) -> Option<RecordId> {
    let id = key
        .value
        .strip_prefix(pairing.end(side).connection.as_str())?
        .strip_prefix('/')?;
    (key.kind == matching::KeyKind::External.as_str()).then(|| RecordId::from(id))
}

/// Who was looked for when nobody who is linked was found by their address is looked for again so often: they may have
/// other addresses by now, all of them.
pub(crate) const UNSEEN_TRIES: u32 = 3;

/// Until an unsettled create is looked for.
const SOON: Duration = Duration::from_secs(1);

/// A record without a link, read.
struct Seeker {
    claim: Claim,
    read: Read,
    person: Person,
    /// By which it is found.
    keys: Vec<Key>,
    /// By which it finds others.
    sought: Vec<Key>,
}

impl Seeker {
    /// What is locked while it is worked on, beside its candidates.
    fn locks(&self, desk: &Desk<'_>) -> BTreeSet<String> {
        self.keys
            .iter()
            .chain(&self.sought)
            .map(|key| format!("key/{}/{}", key.kind, key.value))
            .chain([desk.lock_key(desk.side, &self.claim.record)])
            .chain(self.is_unknowable(desk).then(|| {
                // Nothing tells whether it is what is just being made of a record of the other side: whoever
                // cannot be found by a key is made one batch after the other, and looked at after its commit.
                format!("keyless/{}/{}", desk.pairing.sync, desk.pairing.entity)
            }))
            .collect()
    }

    /// Neither a key nor the record that it belongs to tells it from others: see [`children::locks`].
    fn is_unknowable(&self, desk: &Desk<'_>) -> bool {
        let fields = &self.read.record.fields;
        self.keys.is_empty() && children::key(desk.pairing, desk.side, fields).is_none()
    }
}

/// Works off claims of records that have no link in this sync.
pub(crate) async fn unlinked(desk: &mut Desk<'_>, claims: Vec<&Claim>) -> Result<(), Error> {
    let claims = after_listing(desk, claims);
    let claims = without_settled(desk, claims).await?;
    let (seekers, gone) = read(desk, claims).await?;
    if seekers.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let seekers = without_held(desk, seekers);
    if seekers.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let others = others(desk, &seekers).await?;
    let mut locks: BTreeSet<String> = seekers
        .iter()
        .flat_map(|seeker| seeker.locks(desk))
        .collect();
    for claim in &gone {
        locks.insert(desk.lock_key(desk.side, &claim.record));
    }
    for id in others.candidates.keys() {
        locks.insert(desk.lock_key(desk.side.other(), id));
    }
    let fields: Vec<&Fields> = seekers
        .iter()
        .map(|seeker| &seeker.read.record.fields)
        .collect();
    locks.extend(children::locks(desk, &fields).await?);
    let _guard = desk.core.locks.acquire(locks).await;
    forget(desk, gone).await?;
    let worked = locked(desk, seekers, others).await;
    desk.flush().await;
    worked
}

/// What a full listing asks for waits until both sides are listed: only then is it known who stands on the other side
/// already, and nobody need be asked.
fn after_listing<'a>(desk: &mut Desk<'_>, claims: Vec<&'a Claim>) -> Vec<&'a Claim> {
    if desk.lane != Lane::Backfill || desk.permit.is_some() || !desk.core.is_relisting(desk.pairing)
    {
        return claims;
    }
    for claim in claims {
        let end = ClaimEnd::Again {
            after: Some(children::LISTED_FIRST),
            error: None,
        };
        desk.end(&claim.record, end);
    }
    Vec::new()
}

/// Records that are gone are forgotten, unless somebody linked them before they went: then what
/// follows is decided by the link.
async fn forget(desk: &mut Desk<'_>, gone: Vec<Claim>) -> Result<(), Error> {
    let ids: Vec<RecordId> = gone.iter().map(|claim| claim.record.clone()).collect();
    let links = desk.links_of(desk.side, &ids).await?;
    for claim in gone {
        if links.contains_key(&claim.record) {
            desk.end(
                &claim.record,
                ClaimEnd::Again {
                    after: Some(std::time::Duration::ZERO),
                    error: None,
                },
            );
        } else {
            desk.is_clear(&claim);
            desk.forget(desk.side, &claim.record);
            desk.end(&claim.record, ClaimEnd::Settled);
        }
    }
    Ok(())
}

/// The part of the work during which the records and their keys are locked.
async fn locked(
    desk: &mut Desk<'_>,
    mut seekers: Vec<Seeker>,
    others: Others,
) -> Result<(), Error> {
    drop_changed(desk, &mut seekers, &others).await?;
    drop_unborn(desk, &mut seekers, &others).await?;
    let mut matched = Vec::new();
    let mut unclear = Vec::new();
    let mut births = Vec::new();
    for mut seeker in seekers {
        let record = [(desk.side, &seeker.claim.record)];
        seeker.claim.cause = desk.carried(&record, seeker.claim.cause.take());
        let choice = judge(desk, &seeker, &others);
        if !desk.permits_choice(&seeker.claim.record, &seeker.read, &choice) {
            desk.end(&seeker.claim.record, ClaimEnd::Settled);
            continue;
        }
        match choice {
            Choice::Link(candidate) => matched.push((seeker, candidate)),
            Choice::Review(candidates) => unclear.push((seeker, candidates)),
            Choice::None => births.push(Birth {
                apart: others.apart(desk.side, &seeker.claim.record),
                claim: seeker.claim,
                read: seeker.read,
            }),
        }
    }
    unclear::ask(desk, unclear, &others).await?;
    let proof = others.proof;
    link_matched(desk, matched, others).await?;
    let births = children::adopt(desk, births).await?;
    let births = without_unseen(desk, births, proof).await?;
    let (waited, new): (Vec<_>, Vec<_>) = births
        .into_iter()
        .partition(|birth| desk.is_let_go_on(&birth.claim));
    for (let_go_on, births) in [(true, waited), (false, new)] {
        for chunk in families(desk, births, births_at_once(desk)) {
            desk.let_go_on = let_go_on;
            let made = create(desk, chunk).await;
            desk.let_go_on = false;
            made?;
            desk.flush().await;
        }
    }
    Ok(())
}

/// Who is not found is not made as long as the other side hides what is linked there: it may hide them too. After a
/// first listing it has just shown what it has.
async fn without_unseen(
    desk: &mut Desk<'_>,
    births: Vec<Birth>,
    proof: Proof,
) -> Result<Vec<Birth>, Error> {
    let target = desk.side.other();
    let Some(first) = births.first() else {
        return Ok(births);
    };
    let is_just_listed = |birth: &Birth| desk.is_just_listed(&birth.claim);
    let is_settled = births.iter().all(is_just_listed) || proof == Proof::Shown;
    if is_settled || !desk.pairing.may_create(target) {
        return Ok(births);
    }
    let cause = cause_of(&first.claim);
    let hides = witness::sight(desk, target, None, &cause).await? == Sight::Hides;
    if !hides && proof == Proof::None {
        return Ok(births);
    }
    let there = &desk.pairing.end(target).connection;
    let why = if hides {
        format!(
            "{there} shows none of the records that are linked, as if a right to read them was lost: whether this one is \
             there already cannot be seen"
        )
    } else {
        format!(
            "{there} did not show records that are linked when it was asked for this one, and shows them again"
        )
    };
    let (unseen, births): (Vec<_>, Vec<_>) = births
        .into_iter()
        .partition(|birth| hides || birth.claim.attempts < UNSEEN_TRIES);
    for birth in unseen {
        let end = ClaimEnd::Again {
            after: None,
            error: Some(why.clone()),
        };
        desk.end(&birth.claim.record, end);
    }
    Ok(births)
}

/// Urgent work does not wait for the end of a large batch that holds one of its records: those are put
/// off, the others go on.
fn without_held(desk: &mut Desk<'_>, seekers: Vec<Seeker>) -> Vec<Seeker> {
    if desk.lane != Lane::Live {
        return seekers;
    }
    let (held, free): (Vec<_>, Vec<_>) = seekers
        .into_iter()
        .partition(|seeker| desk.core.locks.is_held(&seeker.locks(desk)));
    for seeker in held {
        desk.end(
            &seeker.claim.record,
            ClaimEnd::Again {
                after: Some(PUT_OFF),
                error: None,
            },
        );
    }
    free
}

/// How many records are made before what was made is stored: about as many as the limits of their
/// system let this worker make in a second, beside the others, so that what tells of them finds them. A
/// message about a record that is not stored yet costs a read, which takes the place of a create.
fn births_at_once(desk: &Desk<'_>) -> usize {
    let options = &desk.core.options;
    let most = options.backfill_batch.max(1);
    let target = desk.pairing.end(desk.side.other());
    match desk.core.connections.rate(&target.connection) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rate and a number of workers are small positive numbers"
        )]
        Ok(Some(rate)) => {
            let of_worker =
                rate * target.description.write_batch as f64 / options.workers.max(1) as f64;
            (of_worker as usize).clamp(1, most)
        }
        _ => most,
    }
}

/// So many that name one record of another entity are made together, whatever the limits: some systems put them
/// there in one call.
const FAMILY: usize = 50;

/// Births in chunks of about this size, in which those who name one record are together.
fn families(desk: &Desk<'_>, births: Vec<Birth>, size: usize) -> Vec<Vec<Birth>> {
    if desk.pairing.compiled.references().next().is_none() {
        return chunks(births, size);
    }
    let mut named: Vec<(Option<String>, Birth)> = births
        .into_iter()
        .map(|birth| {
            let fields = &birth.read.record.fields;
            (references::named(desk.pairing, desk.side, fields), birth)
        })
        .collect();
    named.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut families: Vec<Vec<Birth>> = Vec::new();
    let mut last: Option<String> = None;
    for (name, birth) in named {
        let most = if name.is_some() && name == last {
            size.max(FAMILY)
        } else {
            size
        };
        match families.last_mut() {
            Some(family) if family.len() < most => family.push(birth),
            _ => families.push(vec![birth]),
        }
        last = name;
    }
    families
}

fn chunks<T>(items: Vec<T>, size: usize) -> Vec<Vec<T>> {
    let mut chunks = Vec::new();
    let mut items = items.into_iter().peekable();
    while items.peek().is_some() {
        chunks.push(items.by_ref().take(size).collect());
    }
    chunks
}

/// Leaves out records that are to be left alone: tombstones and creates that are under way.
async fn without_settled(desk: &mut Desk<'_>, claims: Vec<&Claim>) -> Result<Vec<Claim>, Error> {
    let ids: Vec<RecordId> = claims.iter().map(|claim| claim.record.clone()).collect();
    let (core, pairing, side) = (desk.core, desk.pairing, desk.side);
    let tombstones = core
        .store
        .tombstones_of(&core.workspace, &pairing.sync, pairing.entity, side, &ids)
        .await?;
    let intents = core
        .store
        .intents_of(
            &core.workspace,
            &pairing.sync,
            pairing.entity,
            side.other(),
            &ids,
        )
        .await?;
    let buried: BTreeMap<&RecordId, &str> = tombstones
        .iter()
        .map(|tombstone| (&tombstone.record, tombstone.why.as_str()))
        .collect();
    let under_way: BTreeSet<&RecordId> = intents.iter().map(|intent| &intent.source).collect();
    let mut open = Vec::with_capacity(claims.len());
    for claim in claims {
        if under_way.contains(&claim.record) {
            desk.count("left_alone", 1);
            desk.end(&claim.record, ClaimEnd::Settled);
        } else if let Some(why) = buried.get(&claim.record) {
            desk.count("left_alone", 1);
            desk.skip(&claim.record, SkipReason::LeftAlone, why);
        } else {
            open.push(claim.clone());
        }
    }
    Ok(open)
}

/// Reads the records: out of a complete listing in a first sync, else fresh. Those that are gone come
/// back apart.
async fn read(desk: &mut Desk<'_>, claims: Vec<Claim>) -> Result<(Vec<Seeker>, Vec<Claim>), Error> {
    let (core, pairing, side) = (desk.core, desk.pairing, desk.side);
    let listed: Vec<RecordId> = claims
        .iter()
        .filter(|claim| {
            claim.sources == [SignalSource::Sweep]
                && claim.attempts == 0
                && claim.not_older_than.is_none()
        })
        .map(|claim| claim.record.clone())
        .collect();
    let mut reads: HashMap<RecordId, Read> = HashMap::with_capacity(claims.len());
    if !listed.is_empty() {
        let snapshots = core
            .store
            .snapshots(
                &core.workspace,
                &pairing.end(side).connection,
                pairing.entity,
                &listed,
            )
            .await?;
        for read in snapshots
            .into_iter()
            .flatten()
            .filter_map(|snapshot| snapshot.read)
        {
            if pairing.knows(side, &read) {
                reads.insert(read.record.id.clone(), read);
            }
        }
    }
    let missing: Vec<RecordId> = claims
        .iter()
        .map(|claim| claim.record.clone())
        .filter(|id| !reads.contains_key(id))
        .collect();
    let mut fetched = HashMap::new();
    if !missing.is_empty() {
        let cause = cause_of(&claims[0]);
        fetched = desk.fetch_or_share(side, &missing, &cause).await?;
    }
    let mut seekers = Vec::with_capacity(claims.len());
    let mut gone = Vec::new();
    let mut snapshots = Vec::new();
    for claim in claims {
        let read = match reads.remove(&claim.record) {
            Some(read) => read,
            None => match fetched.remove(&claim.record) {
                Some(Fetched::Found(read)) if is_too_old(&claim, &read) => {
                    again(
                        desk,
                        &claim,
                        "the reading was older than the signal that asked for it",
                    );
                    continue;
                }
                Some(Fetched::Found(read)) => {
                    desk.share(&read);
                    snapshots.push(snapshot(core, pairing, side, &read));
                    *read
                }
                Some(Fetched::Gone(_)) => {
                    gone.push(claim);
                    continue;
                }
                Some(Fetched::Failed(_, error)) => {
                    again(desk, &claim, &error.to_string());
                    continue;
                }
                None => {
                    again(desk, &claim, "the connector gave no outcome for a record");
                    continue;
                }
            },
        };
        if !scope::contains(pairing, side, &read.record.fields) {
            desk.count("skipped_out_of_scope", 1);
            desk.skip(&claim.record, SkipReason::OutOfScope, "");
            continue;
        }
        let person = person(pairing, side, Some(&claim.record), &read.record.fields);
        seekers.push(Seeker {
            keys: as_stored(person.keys()),
            sought: sought(&person),
            claim,
            read,
            person,
        });
    }
    if !snapshots.is_empty() {
        // Before candidates are looked for, so that two new records of one person see each other.
        let commit = Commit {
            snapshots,
            ..Commit::default()
        };
        core.commit(commit).await?;
    }
    Ok((seekers, gone))
}

pub(crate) fn again(desk: &mut Desk<'_>, claim: &Claim, error: &str) {
    let end = desk.again(&Side::BOTH, Effect::Read, error.to_owned());
    desk.end(&claim.record, end);
}

/// What is kept of a record that has no link.
pub(crate) fn snapshot(core: &Core, pairing: &Pairing, side: Side, read: &Read) -> Snapshot {
    Snapshot {
        read: Some(read.clone()),
        ..snapshot_without_reading(core, pairing, side, read)
    }
}

/// The same, of a record whose reading nobody needs.
pub(crate) fn snapshot_without_reading(
    core: &Core,
    pairing: &Pairing,
    side: Side,
    read: &Read,
) -> Snapshot {
    let record = &read.record;
    Snapshot {
        keys: index_keys(core, pairing, side, &record.id, &record.fields),
        connection: pairing.end(side).connection.clone(),
        entity: pairing.entity,
        record: record.id.clone(),
        read: None,
        list_hash: None,
    }
}

/// Records that got a link while we waited for the locks are looked at again.
async fn drop_changed(
    desk: &mut Desk<'_>,
    seekers: &mut Vec<Seeker>,
    others: &Others,
) -> Result<(), Error> {
    let own: Vec<RecordId> = seekers
        .iter()
        .map(|seeker| seeker.claim.record.clone())
        .collect();
    let now_linked = desk.links_of(desk.side, &own).await?;
    let ids: Vec<RecordId> = others.candidates.keys().cloned().collect();
    let candidates = desk.links_of(desk.side.other(), &ids).await?;
    let moved: BTreeSet<&RecordId> = others
        .candidates
        .iter()
        .filter(|(id, other)| other.linked.is_some() != candidates.contains_key(*id))
        .map(|(id, _)| id)
        .collect();
    let mut kept = Vec::with_capacity(seekers.len());
    for seeker in std::mem::take(seekers) {
        let shares_moved = others
            .sharing(0, &seeker.sought)
            .iter()
            .any(|id| moved.contains(id));
        if now_linked.contains_key(&seeker.claim.record) || shares_moved {
            desk.end(
                &seeker.claim.record,
                ClaimEnd::Again {
                    after: Some(std::time::Duration::ZERO),
                    error: None,
                },
            );
        } else {
            kept.push(seeker);
        }
    }
    *seekers = kept;
    Ok(())
}

/// A record that may be what an unsettled create made of its candidate waits until that is settled.
async fn drop_unborn(
    desk: &mut Desk<'_>,
    seekers: &mut Vec<Seeker>,
    others: &Others,
) -> Result<(), Error> {
    let candidates: Vec<RecordId> = others.candidates.keys().cloned().collect();
    if candidates.is_empty() {
        return Ok(());
    }
    let (core, pairing) = (desk.core, desk.pairing);
    let intents = core
        .store
        .intents_of(
            &core.workspace,
            &pairing.sync,
            pairing.entity,
            desk.side,
            &candidates,
        )
        .await?;
    let now = core.clock.now();
    let mut unborn: HashMap<&RecordId, Duration> = HashMap::new();
    for intent in &intents {
        let is_found = seekers
            .iter()
            .any(|seeker| is_ours(pairing, intent, &seeker.read));
        if is_found && intent.state != IntentState::Open {
            // Nowhere to be found so far, and a person may have been asked about it. Here it is.
            let look = IntentEnd::LookAfter(now);
            desk.commit.intents.push((intent.id, look));
            unborn.insert(&intent.source, SOON);
        } else if intent.state != IntentState::Asked {
            let wait = Duration::try_from(intent.look_after.duration_since(now));
            unborn.insert(&intent.source, wait.unwrap_or_default().max(SOON));
        }
    }
    for seeker in std::mem::take(seekers) {
        let wait = others
            .sharing(0, &seeker.sought)
            .iter()
            .filter_map(|id| unborn.get(id))
            .max();
        match wait {
            Some(wait) => desk.end(
                &seeker.claim.record,
                ClaimEnd::Again {
                    after: Some(*wait),
                    error: None,
                },
            ),
            None => seekers.push(seeker),
        }
    }
    Ok(())
}
