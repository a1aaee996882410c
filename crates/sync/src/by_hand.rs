//! Links that a person makes and ends beside the questions: pairs known from elsewhere, splitting what was linked
//! wrongly, and what is remembered of such decisions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use connector::Fetched;
use record::{Entity, RecordId, Side};
use serde::Serialize;
use store::{
    Cause, Commit, DecisionPlace, Effect, Lane, Link, NewJournalEntry, Pair, PairDecision, Signal,
    SignalSource, SyncName, Tombstone,
};
use uuid::Uuid;

use crate::{
    Error,
    engine::Core,
    pair::{Pairing, index},
    reconcile::Desk,
    resolve,
};

/// How many pairs are read, checked and stored at once.
const BATCH: usize = 500;

/// Two records of a sync, named.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NamedPair {
    /// The sync.
    pub sync: SyncName,
    /// What they are.
    pub entity: Entity,
    /// The record on the left.
    pub left: RecordId,
    /// The record on the right.
    pub right: RecordId,
}

impl NamedPair {
    fn record(&self, side: Side) -> &RecordId {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    fn pair(&self) -> Pair {
        Pair {
            left: self.left.clone(),
            right: self.right.clone(),
        }
    }

    fn is_not(&self, what: &'static str) -> Error {
        Error::NotAPair {
            sync: self.sync.to_string(),
            left: self.left.to_string(),
            right: self.right.to_string(),
            what,
        }
    }
}

/// What became of pairs that were to be linked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PairsReport {
    /// Linked now; of a check, those that would be.
    pub linked: u64,
    /// Linked with each other before.
    pub already: u64,
    /// What speaks against a pair, by its place in the list from 0. If there is any, nothing was linked.
    pub problems: BTreeMap<usize, String>,
}

/// What a person decided about a pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecidedPair {
    /// Its place in the list.
    pub cursor: String,
    /// What they are.
    pub entity: Entity,
    /// The record on the left.
    pub left: RecordId,
    /// The record on the right.
    pub right: RecordId,
    /// That they are one, or that they are two.
    pub decision: PairDecision,
}

/// Links pairs. All are checked before any is linked.
pub(crate) async fn link(
    core: &Core,
    pairs: &[NamedPair],
    dry_run: bool,
) -> Result<PairsReport, Error> {
    let mut report = PairsReport::default();
    let by_kind = by_kind(core, pairs, &mut report.problems).await?;
    let mut open = Vec::new();
    for (pairing, of_kind) in &by_kind {
        for batch in of_kind.chunks(BATCH) {
            let new = check(core, pairing, batch, &mut report).await?;
            open.extend(new.into_iter().map(|pair| (pairing, pair)));
        }
    }
    if dry_run || !report.problems.is_empty() {
        report.linked = if report.problems.is_empty() {
            open.len() as u64
        } else {
            0
        };
        return Ok(report);
    }
    for batch in open.chunk_by(|(one, _), (other, _)| std::ptr::eq(*one, *other)) {
        for batch in batch.chunks(BATCH) {
            let pairs: Vec<&NamedPair> = batch.iter().map(|(_, pair)| *pair).collect();
            report.linked += make(core, batch[0].0, &pairs).await?;
        }
    }
    core.wake();
    Ok(report)
}

type OfKind<'a> = (std::sync::Arc<Pairing>, Vec<(usize, &'a NamedPair)>);

/// The pairs by sync and entity, without those that name none or a record twice.
async fn by_kind<'a>(
    core: &Core,
    pairs: &'a [NamedPair],
    problems: &mut BTreeMap<usize, String>,
) -> Result<Vec<OfKind<'a>>, Error> {
    let mut sorted: BTreeMap<(&SyncName, Entity), Vec<(usize, &NamedPair)>> = BTreeMap::new();
    let mut seen: HashMap<(&SyncName, Entity, Side, &RecordId), usize> = HashMap::new();
    for (at, pair) in pairs.iter().enumerate() {
        let mut twice = None;
        for side in Side::BOTH {
            let record = (&pair.sync, pair.entity, side, pair.record(side));
            if let Some(before) = seen.insert(record, at) {
                twice = Some((before, pair.record(side)));
            }
        }
        match twice {
            Some((before, record)) => {
                let why = format!("{record} stands in pair {} already", before + 1);
                problems.insert(at, why);
            }
            None => sorted
                .entry((&pair.sync, pair.entity))
                .or_default()
                .push((at, pair)),
        }
    }
    let mut ready = Vec::with_capacity(sorted.len());
    for ((sync, entity), of_kind) in sorted {
        let rules = match core.rules_of(sync) {
            Ok(rules) => rules,
            Err(error) => {
                problems.extend(of_kind.iter().map(|(at, _)| (*at, error.to_string())));
                continue;
            }
        };
        if !rules.entities.contains_key(&entity) {
            let why = format!("sync `{sync}` has no {entity}");
            problems.extend(of_kind.iter().map(|(at, _)| (*at, why.clone())));
            continue;
        }
        ready.push((pairing(core, sync, entity).await?, of_kind));
    }
    Ok(ready)
}

async fn pairing(
    core: &Core,
    sync: &SyncName,
    entity: Entity,
) -> Result<std::sync::Arc<Pairing>, Error> {
    core.rules_of(sync)?;
    core.make_ready(sync).await?;
    core.pairings_of_sync(sync, entity)
        .ok_or_else(|| Error::NotReady {
            sync: sync.to_string(),
            why: format!("it has no {entity}, or its accounts could not be read yet"),
        })
}

fn cause() -> Cause {
    Cause {
        trace: Uuid::now_v7(),
        source: SignalSource::Person,
        origin: None,
        passed: Vec::new(),
    }
}

/// What speaks against linking these. Comes back with those that are not linked yet.
async fn check<'a>(
    core: &Core,
    pairing: &Pairing,
    batch: &[(usize, &'a NamedPair)],
    report: &mut PairsReport,
) -> Result<Vec<&'a NamedPair>, Error> {
    let desk = Desk::new(core, pairing, Side::Left, Lane::Backfill);
    let mut links = [HashMap::new(), HashMap::new()];
    let mut lost = [BTreeMap::new(), BTreeMap::new()];
    let mut under_way = BTreeSet::new();
    for side in Side::BOTH {
        let ids: Vec<RecordId> = batch
            .iter()
            .map(|(_, pair)| pair.record(side).clone())
            .collect();
        links[index(side)] = desk.links_of(side, &ids).await?;
        lost[index(side)] = not_there(&desk, side, &ids).await?;
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
        let sources = intents.into_iter().map(|intent| (side, intent.source));
        under_way.extend(sources);
    }
    let mut open = Vec::new();
    for (at, pair) in batch {
        let of_left = links[0].get(&pair.left);
        if of_left.is_some_and(|link: &Link| link.right == pair.right) {
            report.already += 1;
            continue;
        }
        let mut why = Vec::new();
        for side in Side::BOTH {
            let record = pair.record(side);
            let connection = &pairing.end(side).connection;
            if let Some(link) = links[index(side)].get(record) {
                let other = link.record(side.other());
                why.push(format!("{connection} {record} is linked with {other}"));
            }
            if let Some(what) = lost[index(side)].get(record) {
                why.push(format!("{connection} {record} {what}"));
            }
            if under_way.contains(&(side, record.clone())) {
                why.push(format!(
                    "a counterpart of {connection} {record} is just being made"
                ));
            }
        }
        if why.is_empty() {
            open.push(*pair);
        } else {
            report.problems.insert(*at, why.join("; "));
        }
    }
    Ok(open)
}

/// The records that are not there, or could not be read. What a listing has shown is there.
async fn not_there(
    desk: &Desk<'_>,
    side: Side,
    ids: &[RecordId],
) -> Result<BTreeMap<RecordId, String>, Error> {
    let (core, pairing) = (desk.core, desk.pairing);
    let known = core
        .store
        .snapshots(
            &core.workspace,
            &pairing.end(side).connection,
            pairing.entity,
            ids,
        )
        .await?;
    let unknown: Vec<RecordId> = ids
        .iter()
        .zip(known)
        .filter(|(_, known)| known.is_none())
        .map(|(id, _)| id.clone())
        .collect();
    let mut lost = BTreeMap::new();
    let mut fetched = desk.fetch(side, &unknown, &cause()).await?;
    for id in unknown {
        match fetched.remove(&id) {
            Some(Fetched::Found(_)) => {}
            Some(Fetched::Gone(_)) => {
                lost.insert(id, "is not there".to_owned());
            }
            Some(Fetched::Failed(_, error)) => {
                lost.insert(id, format!("cannot be read: {error}"));
            }
            None => {
                lost.insert(id, "was not answered for".to_owned());
            }
        }
    }
    Ok(lost)
}

/// Links pairs that were checked. They get their base by the next look, like every first link. One that got a link
/// meanwhile stops the rest, which can be linked by doing the same again.
async fn make(core: &Core, pairing: &Pairing, pairs: &[&NamedPair]) -> Result<u64, Error> {
    let desk = Desk::new(core, pairing, Side::Left, Lane::Reconcile);
    let locks = pairs
        .iter()
        .flat_map(|pair| Side::BOTH.map(|side| desk.lock_key(side, pair.record(side))))
        .collect();
    let _guard = core.locks.acquire(locks).await;
    let now = core.clock.now();
    let mut commit = Commit::default();
    for pair in pairs {
        let (left, right) = (pair.left.clone(), pair.right.clone());
        let link = resolve::new_link(core, pairing, left, right, "imported");
        let row = resolve::linked_row(pairing, &link, now, Some(cause()));
        commit.journal.push(row);
        let decision = (
            pairing.sync.clone(),
            pairing.entity,
            pair.pair(),
            PairDecision::Link,
        );
        commit.decisions.push(decision);
        for side in Side::BOTH {
            commit.lifted.push((
                pairing.sync.clone(),
                pairing.entity,
                side,
                link.record(side).clone(),
            ));
        }
        commit
            .signals
            .push(signal(core, pairing, Side::Left, &link.left));
        commit.links.push(link);
    }
    core.commit(commit).await?;
    Ok(pairs.len() as u64)
}

fn signal(core: &Core, pairing: &Pairing, side: Side, record: &RecordId) -> Signal {
    Signal {
        lane: Lane::Reconcile,
        ..resolve::person_signal(core, pairing, side, record)
    }
}

/// Ends a link, and remembers that the two are not one.
pub(crate) async fn split(core: &Core, pair: &NamedPair, leave: bool) -> Result<(), Error> {
    let pairing = pairing(core, &pair.sync, pair.entity).await?;
    let desk = Desk::new(core, &pairing, Side::Left, Lane::Live);
    let locks = Side::BOTH.map(|side| desk.lock_key(side, pair.record(side)));
    let _guard = core.locks.acquire(locks.into_iter().collect()).await;
    let link = desk
        .links_of(Side::Left, std::slice::from_ref(&pair.left))
        .await?
        .remove(&pair.left)
        .filter(|link| link.right == pair.right)
        .ok_or_else(|| pair.is_not("are not linked"))?;
    let now = core.clock.now();
    let mut commit = Commit::default();
    commit.ended.push(link.id);
    commit.journal.push(NewJournalEntry {
        effect: Effect::Unlinked,
        note: Some("a person said that they are two".to_owned()),
        ..resolve::linked_row(&pairing, &link, now, Some(cause()))
    });
    let decision = (
        pairing.sync.clone(),
        pairing.entity,
        pair.pair(),
        PairDecision::KeepApart,
    );
    commit.decisions.push(decision);
    for side in Side::BOTH {
        let record = pair.record(side).clone();
        if leave {
            commit.tombstones.push(Tombstone {
                sync: pairing.sync.clone(),
                entity: pairing.entity,
                side,
                record,
                why: "split by a person, and left alone".to_owned(),
                at: now,
            });
        } else {
            let signal = resolve::person_signal(core, &pairing, side, &record);
            commit.signals.push(signal);
        }
    }
    core.commit(commit).await
}

/// What people decided about pairs.
pub(crate) async fn decisions(
    core: &Core,
    sync: &SyncName,
    after: Option<&DecisionPlace>,
    limit: usize,
) -> Result<Vec<DecidedPair>, Error> {
    core.rules_of(sync)?;
    let rows = core
        .store
        .decisions(&core.workspace, sync, after, limit)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(entity, pair, decision)| decided(entity, pair, decision))
        .collect())
}

/// What people decided about pairs with one record.
pub(crate) async fn decisions_of(
    core: &Core,
    sync: &SyncName,
    entity: Entity,
    side: Side,
    record: &RecordId,
) -> Result<Vec<DecidedPair>, Error> {
    core.rules_of(sync)?;
    let record = std::slice::from_ref(record);
    let rows = core
        .store
        .decisions_of(&core.workspace, sync, entity, side, record)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(pair, decision)| decided(entity, pair, decision))
        .collect())
}

fn decided(entity: Entity, pair: Pair, decision: PairDecision) -> DecidedPair {
    let place = DecisionPlace { entity, pair };
    DecidedPair {
        cursor: place.to_string(),
        entity,
        left: place.pair.left,
        right: place.pair.right,
        decision,
    }
}

/// Forgets what was decided about a pair, and that its records are to be left alone. Both are looked at again.
pub(crate) async fn forget(core: &Core, pair: &NamedPair) -> Result<(), Error> {
    let pairing = pairing(core, &pair.sync, pair.entity).await?;
    let decided = core
        .store
        .decisions_of(
            &core.workspace,
            &pair.sync,
            pair.entity,
            Side::Left,
            std::slice::from_ref(&pair.left),
        )
        .await?;
    if !decided.iter().any(|(of, _)| *of == pair.pair()) {
        return Err(pair.is_not("were never decided about"));
    }
    let mut commit = Commit::default();
    let forgotten = (pairing.sync.clone(), pairing.entity, pair.pair());
    commit.undecided.push(forgotten);
    for side in Side::BOTH {
        let record = pair.record(side).clone();
        let signal = resolve::person_signal(core, &pairing, side, &record);
        commit.signals.push(signal);
        let lifted = (pairing.sync.clone(), pairing.entity, side, record);
        commit.lifted.push(lifted);
    }
    core.commit(commit).await
}
