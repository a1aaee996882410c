//! Everybody who shares a key with a record: out of the index, and from the other system.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use connector::{Fetched, IdentityKey};
use matching::Person;
use record::{Fields, Read, RecordId, Side};
use store::{Claim, Key, Link, LinkState, PairDecision, ReviewFilter, ReviewKind, ReviewState};

use super::{Seeker, named_by, person};
use crate::{
    Error,
    engine::Core,
    intents::identity_key,
    pair::Pairing,
    reconcile::{Desk, cause_of},
    witness::{self, Proof},
};

/// A record of the other side (or a rival of the same side) that shares a key.
pub(crate) struct Other {
    pub(crate) person: Person,
    /// It is linked with this record.
    pub(crate) linked: Option<RecordId>,
    /// As it was read, if it was read whole.
    pub(crate) read: Option<Read>,
}

/// Everybody who shares a key with a seeker.
#[derive(Default)]
pub(crate) struct Others {
    /// How far it is believed that nobody else does.
    pub(crate) proof: Proof,
    /// Of the other side.
    pub(crate) candidates: HashMap<RecordId, Other>,
    /// Of the seekers' side.
    pub(crate) rivals: HashMap<RecordId, Other>,
    /// Who carries a key, by side (0: other side, 1: own side).
    pub(crate) by_key: [HashMap<Key, Vec<RecordId>>; 2],
    pub(crate) decisions: Vec<(store::Pair, PairDecision)>,
    /// Of the seekers' side: who may be the new counterpart of a candidate whose own is gone, as an open question says.
    pub(crate) heirs: HashMap<RecordId, BTreeSet<RecordId>>,
}

impl Others {
    pub(super) fn sharing(&self, which: usize, keys: &[Key]) -> BTreeSet<RecordId> {
        keys.iter()
            .filter_map(|key| self.by_key[which].get(key))
            .flatten()
            .cloned()
            .collect()
    }

    /// Whether a person is being asked if a record is what became of a candidate's counterpart.
    pub(super) fn may_inherit(&self, own: &RecordId, candidate: &RecordId) -> bool {
        let heirs = self.heirs.get(candidate);
        heirs.is_some_and(|heirs| heirs.contains(own))
    }

    /// Whether a record of the own side has no link.
    pub(super) fn is_free(&self, id: &RecordId) -> bool {
        self.rivals
            .get(id)
            .is_none_or(|other| other.linked.is_none())
    }

    /// Of whom people said that they are not this record.
    pub(super) fn apart(&self, side: Side, own: &RecordId) -> Vec<RecordId> {
        let apart = self
            .decisions
            .iter()
            .filter(|(_, decision)| *decision == PairDecision::KeepApart);
        let ids = apart.map(|(pair, _)| match side {
            Side::Left => (&pair.left, &pair.right),
            Side::Right => (&pair.right, &pair.left),
        });
        ids.filter(|(id, _)| *id == own)
            .map(|(_, other)| other.clone())
            .collect()
    }

    pub(super) fn decided(
        &self,
        side: Side,
        own: &RecordId,
        other: &RecordId,
    ) -> Option<PairDecision> {
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
pub(super) async fn others(desk: &Desk<'_>, seekers: &[Seeker]) -> Result<Others, Error> {
    let Some(first) = seekers.first() else {
        return Ok(Others::default());
    };
    let other = desk.side.other();
    let all: BTreeSet<Key> = seekers
        .iter()
        .flat_map(|seeker| seeker.sought.clone())
        .collect();
    let all: Vec<Key> = all.into_iter().collect();
    let mut by_key = [
        by_index(desk, other, &all).await?,
        by_index(desk, desk.side, &all).await?,
    ];
    let mut candidates = people(desk, other, ids_of(&by_key[0]), &HashMap::new()).await?;
    let is_just_listed = |seeker: &Seeker| desk.is_just_listed(&seeker.claim);
    let just_listed = seekers.iter().all(is_just_listed);
    if !just_listed {
        read_unread(desk, other, &mut candidates, &HashMap::new(), &first.claim).await?;
    }
    let asked = asked_of_system(desk, seekers);
    let mut proof = Proof::None;
    if !asked.is_empty() {
        let answer = from_system(desk, other, &asked, &first.claim).await?;
        proof = answer.proof;
        for (keys, read) in answer.people {
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
    let mut rivals = people(desk, desk.side, ids_of(&by_key[1]), &seeking).await?;
    if !just_listed {
        read_unread(desk, desk.side, &mut rivals, &seeking, &first.claim).await?;
    }
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
    let linked = candidates
        .iter()
        .filter(|(_, other)| other.linked.is_some());
    let linked: Vec<RecordId> = linked.map(|(id, _)| id.clone()).collect();
    let links = desk.links_of(other, &linked).await?;
    let heirs = asked_heirs(desk.core, desk.pairing, desk.side, links.values()).await?;
    Ok(Others {
        proof,
        candidates,
        rivals,
        by_key,
        decisions,
        heirs,
    })
}

/// Of the links whose record on `side` is gone: who may be it now, as the open questions say, by the record that remains.
pub(crate) async fn asked_heirs(
    core: &Core,
    pairing: &Pairing,
    side: Side,
    links: impl Iterator<Item = &Link>,
) -> Result<HashMap<RecordId, BTreeSet<RecordId>>, Error> {
    let parked = links.filter(|link| link.state == LinkState::Parked);
    let parked: BTreeMap<String, RecordId> = parked
        .map(|link| (link.id.to_string(), link.record(side.other()).clone()))
        .collect();
    let mut heirs: HashMap<RecordId, BTreeSet<RecordId>> = HashMap::new();
    if parked.is_empty() {
        return Ok(heirs);
    }
    let filter = ReviewFilter {
        sync: Some(pairing.sync.clone()),
        kind: Some(ReviewKind::Rebind),
        records: Some(parked.values().cloned().collect()),
        ..ReviewFilter::default()
    };
    for review in core.store.reviews(&core.workspace, &filter).await? {
        let is_open = matches!(review.state, ReviewState::Open | ReviewState::Postponed);
        let of_this_side = review.details["gone"] == side.to_string();
        let Some(survivor) = parked.get(&review.subject) else {
            continue;
        };
        if is_open && of_this_side {
            let named = review.details["heirs"].as_array().into_iter().flatten();
            let named = named.filter_map(|heir| heir["id"].as_str().map(RecordId::from));
            heirs.entry(survivor.clone()).or_default().extend(named);
        }
    }
    Ok(heirs)
}

fn ids_of(by_key: &HashMap<Key, Vec<RecordId>>) -> Vec<RecordId> {
    let ids: BTreeSet<RecordId> = by_key.values().flatten().cloned().collect();
    ids.into_iter().collect()
}

pub(crate) async fn by_index(
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
    let is_not_asked = |seeker: &&Seeker| {
        let fields = &seeker.read.record.fields;
        desk.is_just_listed(&seeker.claim)
            || desk.pairing.compiled.gets_counterpart(desk.side, fields) == Some(false)
    };
    let keys: BTreeSet<Key> = seekers
        .iter()
        .filter(|seeker| !is_not_asked(seeker))
        .flat_map(|seeker| seeker.keys.clone())
        .collect();
    keys.into_iter().collect()
}

/// What a system answered about who carries some keys.
struct Answer {
    people: Vec<(Vec<Key>, Read)>,
    proof: Proof,
}

/// Asks the other system who carries the keys, and in the same request for some who are known to be there; read fresh,
/// with the keys that fit.
async fn from_system(
    desk: &Desk<'_>,
    side: Side,
    keys: &[Key],
    claim: &Claim,
) -> Result<Answer, Error> {
    let mut answer = Answer {
        people: Vec::new(),
        proof: Proof::None,
    };
    let wanted: Vec<IdentityKey> = keys.iter().filter_map(identity_key).collect();
    let mut ids: BTreeSet<RecordId> = keys
        .iter()
        .filter_map(|key| named_by(desk.pairing, side, key))
        .collect();
    if wanted.is_empty() && ids.is_empty() {
        return Ok(answer);
    }
    let cause = cause_of(claim);
    let keys_of = |read: &Read| {
        let record = &read.record;
        super::keys(desk.pairing, side, Some(&record.id), &record.fields)
    };
    let mut found_now = BTreeSet::new();
    if !wanted.is_empty() {
        let found = witness::find(desk, side, &wanted, None, &cause).await?;
        answer.proof = found.proof;
        found_now.extend(found.reads.into_iter().map(|read| read.record.id));
        ids.extend(found_now.iter().cloned());
    }
    let ids: Vec<RecordId> = ids.into_iter().collect();
    for fetched in desk.fetch(side, &ids, &cause).await?.into_values() {
        match fetched {
            Fetched::Found(read) => answer.people.push((keys_of(&read), *read)),
            // It was there a moment ago.
            Fetched::Gone(id) if found_now.contains(&id) && answer.proof == Proof::Shown => {
                answer.proof = Proof::Missing;
            }
            Fetched::Gone(_) => {}
            Fetched::Failed(_, error) => return Err(error.into()),
        }
    }
    Ok(answer)
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

/// Reads those of whom the keys are known and nothing else: their reading went with a link that ended since. Without
/// it they would be taken for strangers, and made a second time.
async fn read_unread(
    desk: &Desk<'_>,
    side: Side,
    people: &mut HashMap<RecordId, Other>,
    seeking: &HashMap<&RecordId, &Person>,
    claim: &Claim,
) -> Result<(), Error> {
    let unread: Vec<RecordId> = people
        .iter()
        .filter(|(id, other)| {
            other.linked.is_none() && other.read.is_none() && !seeking.contains_key(id)
        })
        .map(|(id, _)| id.clone())
        .collect();
    if unread.is_empty() {
        return Ok(());
    }
    for (id, fetched) in desk.fetch(side, &unread, &cause_of(claim)).await? {
        match fetched {
            Fetched::Found(read) => {
                let person = person(desk.pairing, side, Some(&id), &read.record.fields);
                let known = Other {
                    person,
                    linked: None,
                    read: Some(*read),
                };
                people.insert(id, known);
            }
            Fetched::Gone(_) => {
                people.remove(&id);
            }
            Fetched::Failed(_, error) => return Err(error.into()),
        }
    }
    Ok(())
}
