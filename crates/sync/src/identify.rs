//! Who is who: records without a link are matched by keys and judged as pairs. One sure, free and
//! uncontested match is linked; more than that is a question; none is a birth.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use connector::{Effect, Fetched, IdentityKey};
use matching::{Candidate, Choice, Person, Verdict, choose, compare, confirm};
use record::{Fields, Read, RecordId, Side};
use store::{
    Cause, Claim, Commit, IntentEnd, IntentState, Key, Lane, Link, PairDecision, ReviewKind,
    SignalSource, Snapshot,
};

use crate::{
    Error,
    create::{Birth, create},
    decide::{Overrides, decide},
    engine::Core,
    intents::{identity_key, is_ours},
    pair::Pairing,
    reconcile::{ClaimEnd, Couple, Desk, cause_of, is_too_old},
    references, resolve, scope,
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
    person(pairing, side, id, fields)
        .keys()
        .into_iter()
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
    let all: BTreeSet<Key> = own.into_iter().chain(of_others).collect();
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

/// Until an unsettled create is looked for.
const SOON: Duration = Duration::from_secs(1);

/// A record without a link, read.
struct Seeker {
    claim: Claim,
    read: Read,
    person: Person,
    keys: Vec<Key>,
}

impl Seeker {
    /// What is locked while it is worked on, beside its candidates.
    fn locks(&self, desk: &Desk<'_>) -> BTreeSet<String> {
        self.keys
            .iter()
            .map(|key| format!("key/{}/{}", key.kind, key.value))
            .chain([desk.lock_key(desk.side, &self.claim.record)])
            .chain(self.keys.is_empty().then(|| {
                // Nothing tells whether it is what is just being made of a record of the other side: whoever
                // cannot be found by a key is made one batch after the other, and looked at after its commit.
                format!("keyless/{}/{}", desk.pairing.sync, desk.pairing.entity)
            }))
            .collect()
    }
}

/// A record of the other side (or a rival of the same side) that shares a key.
pub(crate) struct Other {
    pub(crate) person: Person,
    /// It is linked with this record.
    pub(crate) linked: Option<RecordId>,
    /// As it was read, if it was read whole.
    pub(crate) read: Option<Read>,
}

/// Works off claims of records that have no link in this sync.
pub(crate) async fn unlinked(desk: &mut Desk<'_>, claims: Vec<&Claim>) -> Result<(), Error> {
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
    let _guard = desk.core.locks.acquire(locks).await;
    forget(desk, gone).await?;
    let worked = locked(desk, seekers, others).await;
    desk.flush().await;
    worked
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
            withdraw(desk, &claim.record);
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
            Choice::Review(candidates) => ask(desk, &seeker, &others, &candidates),
            Choice::None => births.push(Birth {
                claim: seeker.claim,
                read: seeker.read,
            }),
        }
    }
    link_matched(desk, matched, others).await?;
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
    let settled: BTreeSet<&RecordId> = tombstones
        .iter()
        .map(|tombstone| &tombstone.record)
        .chain(intents.iter().map(|intent| &intent.source))
        .collect();
    let mut open = Vec::with_capacity(claims.len());
    for claim in claims {
        if settled.contains(&claim.record) {
            desk.count("left_alone", 1);
            desk.end(&claim.record, ClaimEnd::Settled);
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
            desk.end(&claim.record, ClaimEnd::Settled);
            continue;
        }
        let person = person(pairing, side, Some(&claim.record), &read.record.fields);
        let keys = person
            .keys()
            .into_iter()
            .map(|key| Key {
                kind: key.kind.as_str().to_owned(),
                value: key.value,
            })
            .collect();
        seekers.push(Seeker {
            claim,
            read,
            person,
            keys,
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

fn again(desk: &mut Desk<'_>, claim: &Claim, error: &str) {
    let end = desk.again(&Side::BOTH, Effect::Read, error.to_owned());
    desk.end(&claim.record, end);
}

/// What is kept of a record that has no link.
pub(crate) fn snapshot(core: &Core, pairing: &Pairing, side: Side, read: &Read) -> Snapshot {
    let record = &read.record;
    Snapshot {
        keys: index_keys(core, pairing, side, &record.id, &record.fields),
        connection: pairing.end(side).connection.clone(),
        entity: pairing.entity,
        record: read.record.id.clone(),
        read: Some(read.clone()),
        list_hash: None,
    }
}

/// Everybody who shares a key with a seeker.
#[derive(Default)]
pub(crate) struct Others {
    /// Of the other side.
    pub(crate) candidates: HashMap<RecordId, Other>,
    /// Of the seekers' side.
    pub(crate) rivals: HashMap<RecordId, Other>,
    /// Who carries a key, by side (0: other side, 1: own side).
    pub(crate) by_key: [HashMap<Key, Vec<RecordId>>; 2],
    pub(crate) decisions: Vec<(store::Pair, PairDecision)>,
}

impl Others {
    fn sharing(&self, which: usize, keys: &[Key]) -> BTreeSet<RecordId> {
        keys.iter()
            .filter_map(|key| self.by_key[which].get(key))
            .flatten()
            .cloned()
            .collect()
    }

    fn decided(&self, side: Side, own: &RecordId, other: &RecordId) -> Option<PairDecision> {
        self.decisions
            .iter()
            .find(|(pair, _)| match side {
                Side::Left => pair.left == *own && pair.right == *other,
                Side::Right => pair.right == *own && pair.left == *other,
            })
            .map(|(_, decision)| *decision)
    }
}

/// Finds everybody who shares a key with a seeker.
async fn others(desk: &Desk<'_>, seekers: &[Seeker]) -> Result<Others, Error> {
    let other = desk.side.other();
    let all: BTreeSet<Key> = seekers
        .iter()
        .flat_map(|seeker| seeker.keys.clone())
        .collect();
    let all: Vec<Key> = all.into_iter().collect();
    let mut by_key = [
        by_index(desk, other, &all).await?,
        by_index(desk, desk.side, &all).await?,
    ];
    let mut candidates = people(desk, other, ids_of(&by_key[0]), &HashMap::new()).await?;
    let asked = asked_of_system(desk, seekers);
    if !asked.is_empty() {
        for (keys, read) in from_system(desk, other, &asked, &seekers[0].claim).await? {
            let id = read.record.id.clone();
            for key in keys {
                let ids = by_key[0].entry(key).or_default();
                if !ids.contains(&id) {
                    ids.push(id.clone());
                }
            }
            if !candidates.contains_key(&id) {
                let linked = desk.links_of(other, std::slice::from_ref(&id)).await?;
                candidates.insert(
                    id.clone(),
                    Other {
                        person: person(desk.pairing, other, Some(&id), &read.record.fields),
                        linked: linked.get(&id).map(|link| link.record(desk.side).clone()),
                        read: Some(read),
                    },
                );
            }
        }
    }
    // Each seeker carries its own keys; it has just been read and need not be read again.
    let seeking: HashMap<&RecordId, &Person> = seekers
        .iter()
        .map(|seeker| (&seeker.claim.record, &seeker.person))
        .collect();
    let rivals = people(desk, desk.side, ids_of(&by_key[1]), &seeking).await?;
    let own: Vec<RecordId> = seekers
        .iter()
        .map(|seeker| seeker.claim.record.clone())
        .collect();
    let decisions = desk
        .core
        .store
        .decisions_of(
            &desk.core.workspace,
            &desk.pairing.sync,
            desk.pairing.entity,
            desk.side,
            &own,
        )
        .await?;
    Ok(Others {
        candidates,
        rivals,
        by_key,
        decisions,
    })
}

fn ids_of(by_key: &HashMap<Key, Vec<RecordId>>) -> Vec<RecordId> {
    let ids: BTreeSet<RecordId> = by_key.values().flatten().cloned().collect();
    ids.into_iter().collect()
}

async fn by_index(
    desk: &Desk<'_>,
    side: Side,
    keys: &[Key],
) -> Result<HashMap<Key, Vec<RecordId>>, Error> {
    let mut by_key: HashMap<Key, Vec<RecordId>> = HashMap::new();
    let rows = desk
        .core
        .store
        .candidates(
            &desk.core.workspace,
            &desk.pairing.end(side).connection,
            desk.pairing.entity,
            keys,
        )
        .await?;
    for (key, id) in rows {
        by_key.entry(key).or_default().push(id);
    }
    Ok(by_key)
}

/// The index is as old as the last listing. Whoever may get a counterpart made is looked up at the
/// system too; in a first sync both sides have just been listed.
fn asked_of_system(desk: &Desk<'_>, seekers: &[Seeker]) -> Vec<Key> {
    if desk.lane == Lane::Backfill {
        return Vec::new();
    }
    let gets_none = |seeker: &&Seeker| {
        let fields = &seeker.read.record.fields;
        desk.pairing.compiled.gets_counterpart(desk.side, fields) == Some(false)
    };
    let keys: BTreeSet<Key> = seekers
        .iter()
        .filter(|seeker| !gets_none(seeker))
        .flat_map(|seeker| seeker.keys.clone())
        .collect();
    keys.into_iter().collect()
}

/// Asks the other system who carries the keys; read fresh, with the keys that fit.
async fn from_system(
    desk: &Desk<'_>,
    side: Side,
    keys: &[Key],
    claim: &Claim,
) -> Result<Vec<(Vec<Key>, Read)>, Error> {
    let wanted: Vec<IdentityKey> = keys.iter().filter_map(identity_key).collect();
    let mut ids: BTreeSet<RecordId> = keys
        .iter()
        .filter_map(|key| named_by(desk.pairing, side, key))
        .collect();
    if wanted.is_empty() && ids.is_empty() {
        return Ok(Vec::new());
    }
    let cause = cause_of(claim);
    let end = desk.pairing.end(side);
    if !wanted.is_empty() {
        let calls = desk.calls(side, &cause)?;
        let found = end.connector.find(&*calls, &end.wanted, &wanted).await?;
        ids.extend(found.into_iter().map(|read| read.record.id));
    }
    let ids: Vec<RecordId> = ids.into_iter().collect();
    let mut people = Vec::new();
    for fetched in desk.fetch(side, &ids, &cause).await?.into_values() {
        match fetched {
            Fetched::Found(read) => {
                let of_read = self::keys(
                    desk.pairing,
                    side,
                    Some(&read.record.id),
                    &read.record.fields,
                );
                people.push((of_read, *read));
            }
            Fetched::Gone(_) => {}
            Fetched::Failed(_, error) => return Err(error.into()),
        }
    }
    Ok(people)
}

/// What is known of these records: from their base if they are linked, else as they were just read
/// (`seeking`), else from their snapshots.
async fn people(
    desk: &Desk<'_>,
    side: Side,
    ids: Vec<RecordId>,
    seeking: &HashMap<&RecordId, &Person>,
) -> Result<HashMap<RecordId, Other>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let links = desk.links_of(side, &ids).await?;
    let mut people = HashMap::with_capacity(ids.len());
    let mut unread = Vec::new();
    for id in ids {
        match seeking.get(&id) {
            Some(person) if !links.contains_key(&id) => {
                let other = Other {
                    person: Person::clone(person),
                    linked: None,
                    read: None,
                };
                people.insert(id, other);
            }
            _ => unread.push(id),
        }
    }
    let ids = unread;
    if ids.is_empty() {
        return Ok(people);
    }
    let snapshots = desk
        .core
        .store
        .snapshots(
            &desk.core.workspace,
            &desk.pairing.end(side).connection,
            desk.pairing.entity,
            &ids,
        )
        .await?;
    for (id, snapshot) in ids.into_iter().zip(snapshots) {
        let read = snapshot.and_then(|snapshot| snapshot.read);
        let link: Option<&Link> = links.get(&id);
        let person = match (link, &read) {
            (Some(link), _) => person(desk.pairing, side, Some(&id), link.base(side)),
            (None, Some(read)) => person(desk.pairing, side, Some(&id), &read.record.fields),
            // Its keys are known and nothing else: it can only be a question.
            (None, None) => person(desk.pairing, side, Some(&id), &Fields::new()),
        };
        people.insert(
            id,
            Other {
                person,
                linked: link.map(|link| link.record(side.other()).clone()),
                read,
            },
        );
    }
    Ok(people)
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
            .sharing(0, &seeker.keys)
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
            .sharing(0, &seeker.keys)
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

/// Chooses among the candidates of one seeker.
fn judge(desk: &Desk<'_>, seeker: &Seeker, others: &Others) -> Choice<RecordId> {
    let Seeker {
        claim,
        person,
        keys,
        ..
    } = seeker;
    others.choose(desk.pairing, desk.side, &claim.record, person, keys)
}

impl Others {
    /// Everybody of the other side (0) or of the own one (1) that shares a key, judged. `own` is left out of its side.
    pub(crate) fn judged(
        &self,
        pairing: &Pairing,
        which: usize,
        (own, person, keys): (&RecordId, &Person, &[Key]),
    ) -> Vec<Candidate<RecordId>> {
        let people = if which == 0 {
            &self.candidates
        } else {
            &self.rivals
        };
        self.sharing(which, keys)
            .into_iter()
            // The other side may use the same id for somebody else, or for the counterpart.
            .filter(|id| which == 0 || id != own)
            .filter_map(|id| {
                let other = people.get(&id)?;
                Some(Candidate {
                    verdict: compare(person, &other.person, &pairing.rules.matching),
                    linked: other.linked.is_some(),
                    id,
                })
            })
            .collect()
    }

    /// Chooses the counterpart of one record that has none. The one rule for it, for the work and for the plan.
    pub(crate) fn choose(
        &self,
        pairing: &Pairing,
        side: Side,
        own: &RecordId,
        person: &Person,
        keys: &[Key],
    ) -> Choice<RecordId> {
        let mut candidates = self.judged(pairing, 0, (own, person, keys));
        let decided = |candidate: &Candidate<RecordId>| self.decided(side, own, &candidate.id);
        if let Some(linked) = candidates
            .iter()
            .position(|candidate| decided(candidate) == Some(PairDecision::Link))
        {
            return Choice::Link(candidates.swap_remove(linked));
        }
        let kept_apart =
            |candidate: &Candidate<RecordId>| decided(candidate) == Some(PairDecision::KeepApart);
        let had_apart = candidates.iter().any(kept_apart);
        candidates.retain(|candidate| !kept_apart(candidate));
        match choose(candidates) {
            Choice::Link(candidate) => {
                let person = &self.candidates[&candidate.id].person;
                let rivals: Vec<_> = self
                    .judged(pairing, 1, (own, person, keys))
                    .into_iter()
                    .filter(|rival| !rival.linked)
                    .collect();
                confirm(Choice::Link(candidate), rivals)
            }
            Choice::None if !had_apart => {
                // Two records of one person on this side: making both would double the double.
                let twins = self.twins(pairing, own, person, keys);
                if twins.is_empty() {
                    Choice::None
                } else {
                    twin(own, &twins)
                }
            }
            choice => choice,
        }
    }

    /// Records of the same side that surely are the same.
    pub(crate) fn twins(
        &self,
        pairing: &Pairing,
        own: &RecordId,
        person: &Person,
        keys: &[Key],
    ) -> Vec<Candidate<RecordId>> {
        self.judged(pairing, 1, (own, person, keys))
            .into_iter()
            .filter(|rival| matches!(rival.verdict, Verdict::Same { .. }))
            .collect()
    }
}

/// Of records that are one person on one side, the first by id is created; the others ask.
fn twin(own: &RecordId, twins: &[Candidate<RecordId>]) -> Choice<RecordId> {
    let first = twins.iter().all(|twin| !twin.linked && *own < twin.id);
    if first {
        Choice::None
    } else {
        // No candidate of the other side: the review names the twins as rivals.
        Choice::Review(Vec::new())
    }
}

/// Why a person is asked who a record is.
pub(crate) fn why_asked(candidates: &[Candidate<RecordId>], has_twins: bool) -> &'static str {
    if candidates.is_empty() {
        "another record of the same side is the same person"
    } else if candidates.iter().any(|candidate| candidate.linked) {
        "the match is linked already"
    } else if candidates.len() > 1 {
        "there are several possible matches"
    } else if has_twins {
        "another record of the same side matches as well"
    } else {
        "something speaks against it"
    }
}

fn ask(desk: &mut Desk<'_>, seeker: &Seeker, others: &Others, candidates: &[Candidate<RecordId>]) {
    let now = desk.core.clock.now();
    let rules = &desk.pairing.rules.matching;
    let listed: Vec<(RecordId, String)> = candidates
        .iter()
        .map(|candidate| {
            (
                candidate.id.clone(),
                in_words(&candidate.verdict, candidate.linked),
            )
        })
        .collect();
    let rivals: Vec<(RecordId, String)> = others
        .sharing(1, &seeker.keys)
        .into_iter()
        .filter(|id| *id != seeker.claim.record)
        .filter_map(|id| {
            let rival = others.rivals.get(&id)?;
            let verdict = compare(&seeker.person, &rival.person, rules);
            matches!(verdict, Verdict::Same { .. })
                .then(|| (id, in_words(&verdict, rival.linked.is_some())))
        })
        .collect();
    let why = why_asked(candidates, !rivals.is_empty());
    let review = resolve::ambiguous_review(
        desk.pairing,
        desk.side,
        &seeker.claim.record,
        &listed,
        &rivals,
        why,
        now,
    );
    desk.review(review);
    desk.end(&seeker.claim.record, ClaimEnd::Settled);
}

fn in_words(verdict: &Verdict, linked: bool) -> String {
    let mut words = matching::explain(verdict.findings());
    if linked {
        words.push_str("; linked already");
    }
    words
}

/// A question about this record has no object any more.
fn withdraw(desk: &mut Desk<'_>, record: &RecordId) {
    desk.commit.withdrawn.push((
        desk.pairing.sync.clone(),
        ReviewKind::Ambiguous,
        format!("{}:{record}", desk.side),
    ));
}

/// Links matched records. Pairs that agree in all mapped fields as listed need no further reading;
/// the others are read fresh and aligned.
async fn link_matched(
    desk: &mut Desk<'_>,
    matched: Vec<(Seeker, Candidate<RecordId>)>,
    mut others: Others,
) -> Result<(), Error> {
    let mut linked = Vec::with_capacity(matched.len());
    for (seeker, candidate) in matched {
        let how = matching::explain(candidate.verdict.findings());
        let other = others
            .candidates
            .remove(&candidate.id)
            .and_then(|other| other.read)
            .filter(|read| desk.pairing.knows(desk.side.other(), read));
        let (left, right) = match desk.side {
            Side::Left => (seeker.claim.record.clone(), candidate.id),
            Side::Right => (candidate.id, seeker.claim.record.clone()),
        };
        let link = resolve::new_link(desk.core, desk.pairing, left, right, &how);
        let row = resolve::linked_row(
            desk.pairing,
            &link,
            link.created,
            Some(cause_of(&seeker.claim)),
        );
        desk.commit.journal.push(row);
        // Part of the commit even if its first look fails.
        desk.commit.links.push(link.clone());
        desk.count("linked", 1);
        let couple = other.map(|other| Couple {
            claim: seeker.claim.clone(),
            link: link.clone(),
            reads: match desk.side {
                Side::Left => [seeker.read.clone(), other],
                Side::Right => [other, seeker.read.clone()],
            },
        });
        linked.push((seeker.claim, link, couple));
    }
    let fields: Vec<_> = linked
        .iter()
        .filter_map(|(_, _, couple)| couple.as_ref())
        .flat_map(Couple::fields)
        .collect();
    let known = references::known(desk.core, desk.pairing, &fields).await?;
    drop(fields);
    let mut agreed = Vec::new();
    let mut differing = Vec::new();
    for (claim, link, couple) in linked {
        match couple {
            Some(couple) if agrees(&known, &couple) => agreed.push(couple),
            _ => differing.push((claim, link)),
        }
    }
    desk.couples(agreed, &Overrides::new()).await?;
    let size = desk.core.options.live_batch.max(1);
    for chunk in chunks(differing, size) {
        desk.pairs(chunk, &Overrides::new()).await?;
    }
    Ok(())
}

fn agrees(pairing: &Pairing, couple: &Couple) -> bool {
    let plan = decide(
        pairing,
        &couple.link,
        &couple.reads[0],
        &couple.reads[1],
        &[],
        &Overrides::new(),
    );
    plan.writes_nothing()
        && plan.conflicts.is_empty()
        && plan.held.is_empty()
        && plan.waiting.is_empty()
}

/// The system named a record that it holds equal to one that we wanted to make.
pub(crate) async fn candidate_of_system(
    desk: &mut Desk<'_>,
    birth: Birth,
    candidate: RecordId,
    matching: &str,
    target: Side,
) -> Result<(), Error> {
    let Birth { claim, read } = birth;
    let cause = cause_of(&claim);
    let linked = desk
        .links_of(target, std::slice::from_ref(&candidate))
        .await?;
    let found = desk
        .fetch(target, std::slice::from_ref(&candidate), &cause)
        .await?
        .remove(&candidate);
    let other = match found {
        Some(Fetched::Found(other)) => *other,
        Some(Fetched::Gone(_)) | None => {
            again(
                desk,
                &claim,
                "the record that the system named as equal is gone",
            );
            return Ok(());
        }
        Some(Fetched::Failed(_, error)) => {
            again(desk, &claim, &error.to_string());
            return Ok(());
        }
    };
    let own = person(
        desk.pairing,
        desk.side,
        Some(&claim.record),
        &read.record.fields,
    );
    let verdict = compare(
        &own,
        &person(desk.pairing, target, Some(&candidate), &other.record.fields),
        &desk.pairing.rules.matching,
    );
    let is_same = matches!(verdict, Verdict::Same { .. });
    let is_free = linked.is_empty() && !desk.is_taken(target, &candidate);
    if is_same && is_free {
        let (left, right) = match desk.side {
            Side::Left => (claim.record.clone(), candidate),
            Side::Right => (candidate, claim.record.clone()),
        };
        let how = format!(
            "{}; the system named it",
            matching::explain(verdict.findings())
        );
        let link = resolve::new_link(desk.core, desk.pairing, left, right, &how);
        let row = resolve::linked_row(desk.pairing, &link, link.created, Some(cause));
        desk.commit.journal.push(row);
        desk.commit.links.push(link.clone());
        desk.count("linked", 1);
        return desk.pairs(vec![(claim, link)], &Overrides::new()).await;
    }
    let words = in_words(&verdict, !is_free);
    let review = resolve::ambiguous_review(
        desk.pairing,
        desk.side,
        &claim.record,
        &[(candidate, words)],
        &[],
        &format!("the system refuses a second record with the same {matching}"),
        desk.core.clock.now(),
    );
    desk.review(review);
    desk.end(&claim.record, ClaimEnd::Settled);
    Ok(())
}

/// Records of the side on which one vanished that carry its keys: where it was merged into or made
/// anew.
pub(crate) async fn heirs(
    desk: &Desk<'_>,
    gone: Side,
    link: &Link,
    cause: &Cause,
) -> Result<Vec<(RecordId, String)>, Error> {
    let base = link.base(gone);
    let was = person(desk.pairing, gone, None, base);
    let keys = keys(desk.pairing, gone, None, base);
    let mut ids: BTreeSet<RecordId> = by_index(desk, gone, &keys)
        .await?
        .into_values()
        .flatten()
        .collect();
    let wanted: Vec<IdentityKey> = keys.iter().filter_map(identity_key).collect();
    if !wanted.is_empty() {
        let end = desk.pairing.end(gone);
        let calls: Arc<dyn connector::Calls> = desk.calls(gone, cause)?;
        let found = end.connector.find(&*calls, &end.wanted, &wanted).await?;
        ids.extend(found.into_iter().map(|read| read.record.id));
    }
    ids.remove(link.record(gone));
    let ids: Vec<RecordId> = ids.into_iter().collect();
    let mut heirs = BTreeMap::new();
    for fetched in desk.fetch(gone, &ids, cause).await?.into_values() {
        match fetched {
            Fetched::Found(read) => {
                let verdict = compare(
                    &was,
                    &person(
                        desk.pairing,
                        gone,
                        Some(&read.record.id),
                        &read.record.fields,
                    ),
                    &desk.pairing.rules.matching,
                );
                // Whoever carries its address or number now may be what it was merged into, whatever
                // the name says.
                let of_read = self::keys(
                    desk.pairing,
                    gone,
                    Some(&read.record.id),
                    &read.record.fields,
                );
                let inherits = keys
                    .iter()
                    .any(|key| identity_key(key).is_some() && of_read.contains(key));
                if inherits || matches!(verdict, Verdict::Same { .. }) {
                    heirs.insert(
                        read.record.id.clone(),
                        matching::explain(verdict.findings()),
                    );
                }
            }
            Fetched::Gone(_) => {}
            Fetched::Failed(_, error) => return Err(error.into()),
        }
    }
    Ok(heirs.into_iter().collect())
}
