//! Records that belong to another one and cannot be made without it: the task of a contact.
//!
//! Before that other record is linked they wait, in the store, and the commit that links it wakes them. Nothing else
//! says who they are: no address, no number. So they are matched by what they say and when, among those who belong to
//! the same record ([`mapping::Likeness`]). One that only comes near is a question, and so are several.

use std::collections::{BTreeMap, BTreeSet};

use connector::Effect;
use mapping::Likeness;
use record::{Field, Fields, Read, RecordId, Side, Sides};
use store::{Child, Commit, Key, Lane, Link, Pair, PairDecision, SignalSource, SkipReason};

use crate::{
    Error,
    create::Birth,
    engine::Core,
    identify::{self, Match},
    intents,
    pair::Pairing,
    reconcile::{ClaimEnd, Desk, cause_of},
    references, resolve, scope,
};

/// The kind of key by which those are found who belong to one record.
pub(crate) const KEY: &str = "parent";

/// How long what a listing found waits for the end of the listing of the other side.
pub(crate) const LISTED_FIRST: std::time::Duration = std::time::Duration::from_secs(5);

/// How long a create waits for records that are just worked on.
const PARENTS_FIRST: std::time::Duration = std::time::Duration::from_secs(1);

/// The key of the record that these fields belong to, by its id on this side.
pub(crate) fn key(pairing: &Pairing, side: Side, fields: &Fields) -> Option<Key> {
    let (mapping, _) = pairing.compiled.parent()?;
    let id = mapping.named(side, fields);
    Some(Key {
        kind: KEY.to_owned(),
        value: id.text()?.to_owned(),
    })
}

/// One lock for all who belong to one record, whichever side they are worked on from: two that hold the same are
/// then not made on each other's side at one time.
pub(crate) async fn locks(desk: &Desk<'_>, fields: &[&Fields]) -> Result<BTreeSet<String>, Error> {
    if desk.pairing.compiled.parent().is_none() {
        return Ok(BTreeSet::new());
    }
    let sides: Vec<(Side, &Fields)> = fields.iter().map(|fields| (desk.side, *fields)).collect();
    let known = references::known(desk.core, desk.pairing, &sides).await?;
    let Some((mapping, entity)) = known.compiled.parent() else {
        return Ok(BTreeSet::new());
    };
    Ok(fields
        .iter()
        .filter_map(|fields| {
            let parent = mapping.read(desk.side, fields);
            parent
                .text()
                .map(|left| format!("{KEY}/{}/{entity}/{left}", desk.pairing.sync))
        })
        .collect())
}

impl Desk<'_> {
    /// Why a record that belongs to another one is not made now: it names none, or one that has no link. Then it
    /// waits until that link is stored.
    pub(crate) fn without_parent(&mut self, known: &Pairing, birth: &Birth) -> Option<ClaimEnd> {
        let (mapping, entity) = known.compiled.parent()?;
        let fields = &birth.read.record.fields;
        let record = &birth.claim.record;
        let named = match mapping.named(self.side, fields) {
            Field::Unknown => {
                return Some(ClaimEnd::Again {
                    after: None,
                    error: Some(format!("it does not say which {entity} it belongs to")),
                });
            }
            Field::Empty => {
                let why = format!("it belongs to no {entity}");
                self.leave_out(record, &why);
                self.count("skipped_belongs_to_none", 1);
                self.skip(record, SkipReason::BelongsToNone, "");
                return Some(ClaimEnd::Settled);
            }
            Field::Value(value) => match value.as_text() {
                Some(id) => RecordId::from(id),
                None => {
                    return Some(ClaimEnd::Again {
                        after: None,
                        error: Some(format!("what it names as its {entity} is no id")),
                    });
                }
            },
        };
        let why = mapping.unreadable(self.side, fields)?;
        if self.core.is_at_work(entity) {
            return Some(ClaimEnd::Again {
                after: Some(PARENTS_FIRST),
                error: None,
            });
        }
        self.leave_out(record, &why);
        self.count("waiting_for_parent", 1);
        self.skip(record, SkipReason::Waiting, &format!("{entity} {named}"));
        self.await_record(self.side, entity, named.clone(), birth.claim.lane);
        self.commit.children.push(Child {
            sync: self.pairing.sync.clone(),
            entity: self.pairing.entity,
            side: self.side,
            record: record.clone(),
            awaits_entity: entity,
            awaits: named,
            wakes: self.pairing.end(self.side).connection.clone(),
            since: self.core.clock.now(),
        });
        Some(ClaimEnd::Settled)
    }
}

/// Records without a link, by the id that the record they belong to has on the left.
type ByParent = BTreeMap<RecordId, Vec<Read>>;

/// What is known of those who belong to the same records as some births.
#[derive(Default)]
pub(crate) struct Family {
    own: ByParent,
    theirs: ByParent,
    decisions: Vec<(Pair, PairDecision)>,
}

/// Which record of the other side a birth is.
pub(crate) enum Kin<'a> {
    /// This one.
    One(&'a Read, &'static str),
    /// A person has to say which of these, and why.
    Asked(Vec<(&'a Read, &'static str)>, &'static str),
    /// None of them.
    Nobody,
}

/// Links those births that stand on the other side already: under the same record, without a link, and saying the
/// same at the same time. Returns the others. Where several do, or one almost does, a person is asked.
pub(crate) async fn adopt(desk: &mut Desk<'_>, births: Vec<Birth>) -> Result<Vec<Birth>, Error> {
    if births.is_empty() || desk.pairing.compiled.parent().is_none() {
        return Ok(births);
    }
    if desk.lane == Lane::Backfill && desk.core.is_relisting(desk.pairing) {
        // What may stand on the other side already is not known before that is listed, too.
        for birth in births {
            let end = ClaimEnd::Again {
                after: Some(LISTED_FIRST),
                error: None,
            };
            desk.end(&birth.claim.record, end);
        }
        return Ok(Vec::new());
    }
    let fields: Vec<(Side, &Fields)> = births
        .iter()
        .map(|birth| (desk.side, &birth.read.record.fields))
        .collect();
    let known = references::known(desk.core, desk.pairing, &fields).await?;
    drop(fields);
    if let Err(error) = look_there(desk, &known, &births).await {
        for birth in births {
            let end = desk.again(&[desk.side.other()], Effect::Read, error.to_string());
            desk.end(&birth.claim.record, end);
        }
        return Ok(Vec::new());
    }
    let shelf = Shelf {
        core: desk.core,
        listed: desk.core,
        pairing: desk.pairing,
    };
    let reads: Vec<&Read> = births.iter().map(|birth| &birth.read).collect();
    let links = &desk.commit.links;
    let family = shelf
        .family(&known, desk.side, &reads, &|side, id| {
            links.iter().any(|link| link.record(side) == id)
        })
        .await?;
    let mut taken: BTreeSet<RecordId> = BTreeSet::new();
    let mut others = Vec::new();
    let mut matches = Vec::new();
    for birth in births {
        match family.kin(&known, desk.side, &birth.read, &taken) {
            kin if !desk.permits_kin(&birth.claim.record, &kin) => {
                desk.end(&birth.claim.record, ClaimEnd::Settled);
            }
            Kin::Nobody => others.push(birth),
            Kin::One(twin, how) => {
                taken.insert(twin.record.id.clone());
                matches.push(Match {
                    claim: birth.claim,
                    read: birth.read,
                    twin: twin.record.id.clone(),
                    of_twin: Some(twin.clone()),
                    how: format!("{how}, under the same record"),
                });
            }
            Kin::Asked(candidates, why) => {
                let listed: Vec<(RecordId, String)> = candidates
                    .into_iter()
                    .map(|(read, how)| (read.record.id.clone(), how.to_owned()))
                    .collect();
                let question = resolve::Unclear {
                    side: desk.side,
                    record: &birth.claim.record,
                    candidates: &listed,
                    sure: &BTreeSet::new(),
                    rivals: &[],
                    why,
                    all_free: false,
                };
                let review = question.review(desk.pairing, desk.core.clock.now());
                desk.review(review);
                desk.end(&birth.claim.record, ClaimEnd::Settled);
            }
        }
    }
    identify::link_all(desk, matches).await?;
    Ok(others)
}

/// Of more births at once it is not asked whether they were entered on the other side as well: that is no hand at work.
const BY_HAND: usize = 25;

/// Nor where it takes more pages than this to find out.
const PAGES: u64 = 4;

/// Asks the other side for those who belong to the same records as these births: what was entered there since it was listed
/// last is not known yet, and both would be made once more.
async fn look_there(desk: &Desk<'_>, known: &Pairing, births: &[Birth]) -> Result<(), Error> {
    let (core, target) = (desk.core, desk.side.other());
    let end = desk.pairing.end(target);
    let entity = desk.pairing.entity;
    let Some((mapping, _)) = known.compiled.parent() else {
        return Ok(());
    };
    let is_just_listed = |birth: &Birth| desk.is_just_listed(&birth.claim);
    if births.iter().all(is_just_listed) || births.len() > BY_HAND {
        return Ok(());
    }
    if end.connector.listing(entity).found_by_listing {
        let all = core
            .store
            .known_count(&core.workspace, &end.connection, entity)
            .await?;
        if all > PAGES * end.description.list_page as u64 {
            return Ok(());
        }
    }
    let newborn = newborn(desk, known, births).await?;
    let keys: BTreeSet<Key> = births
        .iter()
        .filter_map(|birth| {
            let parent = parent(known, desk.side, &birth.read.record.fields)?;
            if newborn.contains(&parent) {
                return None;
            }
            let named = mapping.put(target, &Field::of(parent.as_str()), &Fields::new());
            key(known, target, &named)
        })
        .collect();
    let keys: Vec<_> = keys.iter().filter_map(intents::identity_key).collect();
    let (Some(first), false) = (births.first(), keys.is_empty()) else {
        return Ok(());
    };
    let calls = desk.calls(target, &cause_of(&first.claim))?;
    let found = end.connector.find(&*calls, &end.wanted, &keys).await?;
    let ids: Vec<RecordId> = found.iter().map(|read| read.record.id.clone()).collect();
    let shelf = Shelf {
        core,
        listed: core,
        pairing: desk.pairing,
    };
    let linked = shelf.linked(target, &ids).await?;
    let snapshots: Vec<_> = found
        .iter()
        .filter(|read| !linked.contains(&read.record.id))
        .map(|read| identify::snapshot(core, desk.pairing, target, read))
        .collect();
    if !snapshots.is_empty() {
        let commit = Commit {
            snapshots,
            ..Commit::default()
        };
        core.commit(commit).await?;
    }
    Ok(())
}

/// Those of the records that these births waited for which we made on the other side: whoever works there could enter
/// nothing under them before, and who waits for a first sync is many. By their ids on the left.
async fn newborn(
    desk: &Desk<'_>,
    known: &Pairing,
    births: &[Birth],
) -> Result<BTreeSet<RecordId>, Error> {
    let Some((_, entity)) = known.compiled.parent() else {
        return Ok(BTreeSet::new());
    };
    let parents: BTreeSet<RecordId> = births
        .iter()
        .filter(|birth| birth.claim.sources.contains(&SignalSource::Link))
        .filter_map(|birth| parent(known, desk.side, &birth.read.record.fields))
        .collect();
    if parents.is_empty() {
        return Ok(BTreeSet::new());
    }
    let parents: Vec<RecordId> = parents.into_iter().collect();
    let (core, sync) = (desk.core, &desk.pairing.sync);
    let links = core
        .store
        .links_of(&core.workspace, sync, entity, Side::Left, &parents)
        .await?;
    let made_there = |link: &Link| {
        let wrote = match desk.side {
            Side::Left => (link.wrote_left, link.wrote_right),
            Side::Right => (link.wrote_right, link.wrote_left),
        };
        link.how == "created" && matches!(wrote, (None, Some(_)))
    };
    Ok(links
        .into_iter()
        .filter(made_there)
        .map(|link| link.left)
        .collect())
}

/// The id on the left of the record that these fields belong to, if that is linked.
fn parent(known: &Pairing, side: Side, fields: &Fields) -> Option<RecordId> {
    let (mapping, _) = known.compiled.parent()?;
    mapping.read(side, fields).text().map(RecordId::from)
}

/// Where what is known of records is read.
pub(crate) struct Shelf<'a> {
    /// Links and decisions.
    pub(crate) core: &'a Core,
    /// What the records were listed as.
    pub(crate) listed: &'a Core,
    pub(crate) pairing: &'a Pairing,
}

/// Whether a record of a side is somebody's counterpart already, although no link is stored yet.
type IsTaken<'a> = &'a (dyn Fn(Side, &RecordId) -> bool + Sync);

impl Shelf<'_> {
    /// Reads what is known of those who belong to the same records as these of `side`, on both sides.
    pub(crate) async fn family(
        &self,
        known: &Pairing,
        side: Side,
        reads: &[&Read],
        is_taken: IsTaken<'_>,
    ) -> Result<Family, Error> {
        let mut family = Family::default();
        let parents: BTreeSet<RecordId> = reads
            .iter()
            .filter_map(|read| parent(known, side, &read.record.fields))
            .collect();
        if parents.is_empty() {
            return Ok(family);
        }
        family.own = self.unlinked(known, side, &parents, is_taken).await?;
        family.theirs = self
            .unlinked(known, side.other(), &parents, is_taken)
            .await?;
        let own = family.own.values().flatten().map(|read| &read.record.id);
        let ids: BTreeSet<RecordId> = own
            .chain(reads.iter().map(|read| &read.record.id))
            .cloned()
            .collect();
        let ids: Vec<RecordId> = ids.into_iter().collect();
        let (sync, entity) = (&self.pairing.sync, self.pairing.entity);
        family.decisions = self
            .core
            .store
            .decisions_of(&self.core.workspace, sync, entity, side, &ids)
            .await?;
        Ok(family)
    }

    /// Those of one side that belong to these records and have no link.
    async fn unlinked(
        &self,
        known: &Pairing,
        side: Side,
        parents: &BTreeSet<RecordId>,
        is_taken: IsTaken<'_>,
    ) -> Result<ByParent, Error> {
        let Some((mapping, _)) = known.compiled.parent() else {
            return Ok(ByParent::new());
        };
        // by the key that those who belong to it have on this side
        let parents: BTreeMap<Key, &RecordId> = parents
            .iter()
            .filter_map(|parent| {
                let named = mapping.put(side, &Field::of(parent.as_str()), &Fields::new());
                Some((key(known, side, &named)?, parent))
            })
            .collect();
        let keys: Vec<Key> = parents.keys().cloned().collect();
        let (store, workspace) = (&self.listed.store, &self.listed.workspace);
        let (connection, entity) = (&self.pairing.end(side).connection, self.pairing.entity);
        let found = store
            .candidates(workspace, connection, entity, &keys)
            .await?;
        let ids: Vec<RecordId> = found.iter().map(|(_, id)| id.clone()).collect();
        let linked = self.linked(side, &ids).await?;
        let snapshots = store.snapshots(workspace, connection, entity, &ids).await?;
        let mut unlinked = ByParent::new();
        for ((key, id), snapshot) in found.into_iter().zip(snapshots) {
            let Some(read) = snapshot.and_then(|snapshot| snapshot.read) else {
                continue;
            };
            let is_free = !linked.contains(&id) && !is_taken(side, &id);
            if is_free
                && scope::contains(self.pairing, side, &read.record.fields)
                && let Some(parent) = parents.get(&key)
            {
                let parent = RecordId::clone(parent);
                unlinked.entry(parent).or_default().push(read);
            }
        }
        Ok(unlinked)
    }

    async fn linked(&self, side: Side, ids: &[RecordId]) -> Result<BTreeSet<RecordId>, Error> {
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let (sync, entity) = (&self.pairing.sync, self.pairing.entity);
        let links = self
            .core
            .store
            .links_of(&self.core.workspace, sync, entity, side, ids)
            .await?;
        Ok(links
            .into_iter()
            .map(|link| link.record(side).clone())
            .collect())
    }
}

impl Family {
    /// Which of the other side's records one of this side is.
    pub(crate) fn kin(
        &self,
        known: &Pairing,
        side: Side,
        read: &Read,
        taken: &BTreeSet<RecordId>,
    ) -> Kin<'_> {
        let Some(parent) = parent(known, side, &read.record.fields) else {
            return Kin::Nobody;
        };
        let of = |all: &'_ ByParent| -> Vec<Read> { all.get(&parent).cloned().unwrap_or_default() };
        let own = of(&self.own);
        let theirs = self.theirs.get(&parent).into_iter().flatten();
        let mut same = Vec::new();
        let mut near = Vec::new();
        for other in theirs.filter(|other| !taken.contains(&other.record.id)) {
            match (
                self.decided(side, read, other),
                likeness(known, side, read, other),
            ) {
                (Some(PairDecision::Link), _) => return Kin::One(other, "a person said so"),
                (Some(PairDecision::KeepApart), _) | (None, Likeness::Other) => {}
                (None, Likeness::Same(how)) => same.push((other, how)),
                (None, Likeness::Near(how)) => near.push((other, how)),
            }
        }
        // Another one of this side that surely is that one of the other.
        let is_contested = |other: &Read| {
            own.iter()
                .filter(|rival| rival.record.id != read.record.id)
                .filter(|rival| self.decided(side, rival, other).is_none())
                .any(|rival| matches!(likeness(known, side, rival, other), Likeness::Same(_)))
        };
        match same.as_slice() {
            [(twin, how)] if !is_contested(twin) => Kin::One(twin, how),
            [_] => Kin::Asked(
                same,
                "another one of its side says the same at the same time",
            ),
            [] => {
                near.retain(|(other, _)| !is_contested(other));
                match near.is_empty() {
                    true => Kin::Nobody,
                    false => Kin::Asked(near, "one of the same record is almost the same"),
                }
            }
            _ => Kin::Asked(
                same,
                "several of the same record say the same at the same time",
            ),
        }
    }

    fn decided(&self, side: Side, own: &Read, other: &Read) -> Option<PairDecision> {
        let (own, other) = (&own.record.id, &other.record.id);
        let (left, right) = match side {
            Side::Left => (own, other),
            Side::Right => (other, own),
        };
        let mut decisions = self.decisions.iter();
        decisions
            .find(|(pair, _)| pair.left == *left && pair.right == *right)
            .map(|(_, decision)| *decision)
    }
}

fn likeness(known: &Pairing, side: Side, own: &Read, other: &Read) -> Likeness {
    let (left, right) = match side {
        Side::Left => (own, other),
        Side::Right => (other, own),
    };
    known.compiled.likeness(
        Sides::new(&left.record.fields, &right.record.fields),
        Sides::new(left.created, right.created),
    )
}
