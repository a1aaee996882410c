//! Full runs, and what the whole looks like.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::future::try_join_all;
use jiff::Timestamp;
use record::Side;
use store::{ConnectionName, Lane, Run, RunId, RunKind, RunState, SignalSource, SyncName};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    Error, Extent, Progress, RunReport, Status, SyncStatus,
    engine::Core,
    listing, measured, news,
    pair::Pairing,
    poll::{heard, whence},
    report::FailingRecord,
    sweep::{SweepReport, sweep},
};

/// How often a run looks how far it is, at first and at the most.
pub(crate) const LOOK: Duration = Duration::from_millis(200);
const LONG_LOOK: Duration = Duration::from_secs(2);

/// How long a run waits for creates without an answer to be settled.
pub(crate) const LONGEST_INTENT: Duration = Duration::from_secs(180);

/// Lists both sides whole and works everything off.
pub(crate) async fn run(
    core: &Arc<Core>,
    sync: &SyncName,
    extent: &Extent,
    progress: &watch::Sender<Progress>,
) -> Result<RunReport, Error> {
    let pairings = core.ready(sync)?;
    if let Some(pairing) = pairings
        .iter()
        .find(|pairing| pairing.mode == mapping::Mode::Preview)
    {
        return Err(Error::NotReady {
            sync: pairing.sync.to_string(),
            why: "its mode is `preview`: use `tandem plan`, or change the mode".to_owned(),
        });
    }
    if let Some(why) = core.paused(sync) {
        return Err(Error::NotReady {
            sync: sync.to_string(),
            why: format!("it is paused: {why}"),
        });
    }
    let started = core.clock.now();
    let id = RunId(Uuid::now_v7());
    let Some(under_way) = core.begin_run(sync, id) else {
        return Err(Error::Busy(sync.to_string()));
    };
    // Chance is that of the run's id.
    let seed = id.0.as_u64_pair().1;
    core.set_extent(sync, extent, seed).await?;
    core.store
        .begin_run(
            &core.workspace,
            &Run {
                id,
                sync: sync.clone(),
                kind: RunKind::Full,
                state: RunState::Running,
                started,
                ended: None,
                counts: BTreeMap::new(),
            },
        )
        .await?;
    let result = list_and_work(core, sync, &pairings, progress).await;
    drop(under_way);
    let state = match &result {
        Err(_) => RunState::Failed,
        Ok(_) if core.paused(sync).is_some() => RunState::Stopped,
        Ok(_) => RunState::Done,
    };
    core.store
        .finish_run(&core.workspace, id, state, core.clock.now())
        .await?;
    let listed = result?;
    let counts = core
        .store
        .runs(&core.workspace, Some(sync), 10)
        .await?
        .into_iter()
        .find(|run| run.id == id)
        .map(|run| run.counts)
        .unwrap_or_default();
    let failing = waiting(core, &pairings).await?.failing;
    Ok(RunReport {
        run: id.to_string(),
        sync: sync.to_string(),
        state,
        counts,
        listed,
        failing,
        stopped: core.paused(sync),
        over_limit: core.is_over_limit(sync),
        seconds: seconds(started, core.clock.now()),
    })
}

fn seconds(from: Timestamp, until: Timestamp) -> f64 {
    until.duration_since(from).as_secs_f64()
}

async fn list_and_work(
    core: &Arc<Core>,
    sync: &SyncName,
    pairings: &[Arc<Pairing>],
    progress: &watch::Sender<Progress>,
) -> Result<(u64, u64), Error> {
    let first = core.begin_listing(sync).await?;
    let mut listed = (0, 0);
    let mut lacking = None;
    for pairing in pairings {
        match list_kind(core, pairing, first, progress).await {
            Ok((left, right)) => {
                listed.0 += left;
                listed.1 += right;
            }
            Err(error) => lacking = Some(of_one_kind(core, pairing, error)?),
        }
    }
    if lacking.is_none() {
        core.end_listing(sync).await?;
    }
    let to_do = waiting(core, pairings).await?.dirty;
    progress.send_modify(|progress| {
        progress.phase = "syncing";
        progress.to_do = to_do;
    });
    let mut intents_since = None;
    let begun = core.clock.steady();
    loop {
        let waiting = waiting(core, pairings).await?;
        progress.send_modify(|progress| {
            progress.to_do = progress.to_do.max(waiting.dirty);
            progress.done = progress.to_do - waiting.dirty;
        });
        let stopped = core.paused(sync).is_some();
        let worked_off = (waiting.dirty <= waiting.failing || lacking.is_some())
            && !core.is_busy()
            && !core.is_something_due(pairings).await?;
        if stopped {
            break;
        }
        if worked_off {
            if waiting.intents == 0 {
                if core.is_rematching(sync) {
                    core.end_rematching(sync).await?;
                    continue;
                }
                break;
            }
            let now = core.clock.now();
            let since = *intents_since.get_or_insert(now);
            if seconds(since, now) > LONGEST_INTENT.as_secs_f64() {
                break;
            }
        }
        // What takes days is not looked at five times a second.
        let under_way = core.clock.steady().saturating_sub(begun);
        core.clock
            .sleep((under_way / 1000).clamp(LOOK, LONG_LOOK))
            .await;
    }
    progress.send_modify(|progress| progress.phase = "done");
    lacking.map_or(Ok(listed), Err)
}

/// Both sides of one kind. Says how many there are of it.
async fn list_kind(
    core: &Arc<Core>,
    pairing: &Arc<Pairing>,
    first: bool,
    progress: &watch::Sender<Progress>,
) -> Result<(u64, u64), Error> {
    let [left, right] = list_all(core, pairing, progress).await?;
    if first {
        mark_known(core, pairing, [left, right]).await?;
    }
    core.fill_pilot(pairing).await?;
    core.end_listing_of(pairing).await?;
    Ok((left.listed, right.listed))
}

/// The right to one kind that is missing holds up that kind only. Any other failure ends the listing.
fn of_one_kind(core: &Core, pairing: &Pairing, error: Error) -> Result<Error, Error> {
    if !error.is_missing_right() {
        return Err(error);
    }
    core.note_unlisted(pairing, &error);
    Ok(error)
}

/// After a restore: lets a sync make and remove again, once everything of it was looked at.
pub(crate) async fn end_rematching(core: &Arc<Core>, sync: &SyncName) -> Result<(), Error> {
    let pairings = core.ready(sync)?;
    let waiting = waiting(core, &pairings).await?;
    let worked_off = waiting.dirty <= waiting.failing && waiting.intents == 0 && !core.is_busy();
    if worked_off && core.has_looked() && core.paused(sync).is_none() {
        core.end_rematching(sync).await?;
    }
    Ok(())
}

/// Goes on with a first listing that an earlier process did not end, or that lacks a right to one kind.
pub(crate) async fn list_first(core: &Arc<Core>, sync: &SyncName) -> Result<(), Error> {
    let (progress, _) = watch::channel(Progress::default());
    let (mut lacking, mut waits) = (None, false);
    for pairing in core.ready(sync)? {
        if !core.is_unlisted(&pairing) {
            continue;
        }
        if core.waits_for_a_right(&pairing) {
            waits = true;
        } else if let Err(error) = list_kind(core, &pairing, true, &progress).await {
            lacking = Some(of_one_kind(core, &pairing, error)?);
        }
    }
    match lacking {
        Some(error) => Err(error),
        None if waits => Ok(()),
        None => core.end_listing(sync).await,
    }
}

/// Lists both sides, and has later polls begin where the listing did: what is edited during the listing
/// is found by the next one.
///
/// A listing that an earlier process began has shown its first pages before this one asked where to begin. What changed
/// since then is asked for at its end, from where polls stood.
async fn list_all(
    core: &Arc<Core>,
    pairing: &Arc<Pairing>,
    progress: &watch::Sender<Progress>,
) -> Result<[SweepReport; 2], Error> {
    let asked = core.clock.now();
    let mut cursors = Vec::new();
    for side in Side::BOTH {
        cursors.push(whence(core, pairing, side).await?);
    }
    let relisting = Relisting::begin(core, pairing);
    let reports = list_both(core, pairing, Lane::Backfill, progress).await;
    drop(relisting);
    let reports = reports?;
    for ((side, whence), report) in Side::BOTH.into_iter().zip(cursors).zip(&reports) {
        match whence {
            None => {}
            Some(whence) if report.began >= asked => whence.listed(core).await?,
            Some(whence) => whence.went_on(core, pairing, side).await?,
        }
    }
    Ok(reports)
}

/// Both sides of an entity are being listed, until this is dropped: also when nobody waits for the listing any more.
struct Relisting<'a> {
    core: &'a Core,
    pairing: &'a Pairing,
}

impl<'a> Relisting<'a> {
    fn begin(core: &'a Core, pairing: &'a Pairing) -> Self {
        core.note_relisting(pairing, true);
        Self { core, pairing }
    }
}

impl Drop for Relisting<'_> {
    fn drop(&mut self) {
        self.core.note_relisting(self.pairing, false);
    }
}

/// A sync that lists for the first time has to look at every record, also at those that are known and
/// unchanged because another sync, or the same one under another name, listed them before.
async fn mark_known(
    core: &Core,
    pairing: &Pairing,
    reports: [SweepReport; 2],
) -> Result<(), Error> {
    for (side, report) in Side::BOTH.into_iter().zip(reports) {
        if report.signalled < report.listed {
            let (lane, source) = (Lane::Backfill, SignalSource::Sweep);
            news::mark_side(core, pairing, side, lane, source).await?;
        }
    }
    Ok(())
}

/// Lists one side. A listing that shows what is known ends the question about one that did not.
pub(crate) async fn list_side(
    core: &Core,
    pairing: &Arc<Pairing>,
    side: Side,
    lane: Lane,
    progress: &(dyn Fn(u64, Option<u64>) + Send + Sync),
) -> Result<SweepReport, Error> {
    let connection = &pairing.end(side).connection;
    // One listing of the same records at a time: they share the place where it stands.
    let alone = format!("list/{connection}/{}", pairing.entity);
    let _alone = core.locks.acquire(BTreeSet::from([alone])).await;
    let report = sweep(core, pairing, side, lane, progress).await?;
    let known = core
        .store
        .known_count(&core.workspace, connection, pairing.entity)
        .await?;
    if report.listed.saturating_mul(2) >= known {
        core.note_whole(pairing, side).await?;
    }
    Ok(report)
}

/// Lists both sides at once.
pub(crate) async fn list_both(
    core: &Arc<Core>,
    pairing: &Arc<Pairing>,
    lane: Lane,
    progress: &watch::Sender<Progress>,
) -> Result<[SweepReport; 2], Error> {
    progress.send_modify(|progress| progress.phase = "listing");
    let sweeps = Side::BOTH.map(|side| async move {
        list_side(core, pairing, side, lane, &|listed, total| {
            progress.send_modify(|progress| match side {
                Side::Left => {
                    progress.listed_left = listed;
                    progress.total_left = total;
                }
                Side::Right => {
                    progress.listed_right = listed;
                    progress.total_right = total;
                }
            });
        })
        .await
    });
    let reports = try_join_all(sweeps).await?;
    Ok([reports[0], reports[1]])
}

/// What waits to be worked off.
#[derive(Debug, Clone, Copy, Default)]
struct Waiting {
    dirty: u64,
    failing: u64,
    intents: u64,
}

async fn waiting(core: &Core, pairings: &[Arc<Pairing>]) -> Result<Waiting, Error> {
    let overview = core.store.overview(&core.workspace).await?;
    let mut connections: Vec<&ConnectionName> = pairings
        .iter()
        .flat_map(|pairing| Side::BOTH.map(|side| &pairing.end(side).connection))
        .collect();
    connections.sort_unstable();
    connections.dedup();
    let mut waiting = Waiting::default();
    for connection in connections {
        waiting.dirty += overview
            .dirty
            .get(connection.as_str())
            .map_or(0, |lanes| lanes.values().sum());
        waiting.failing += overview
            .failing
            .get(connection.as_str())
            .copied()
            .unwrap_or(0);
    }
    let mut syncs: Vec<&SyncName> = pairings.iter().map(|pairing| &pairing.sync).collect();
    syncs.dedup();
    for sync in syncs {
        waiting.intents += overview.intents.get(sync.as_str()).copied().unwrap_or(0);
    }
    Ok(waiting)
}

/// Waits until nothing is left to work off but what failed.
pub(crate) async fn quiet(core: &Arc<Core>, longest: Duration) -> Result<bool, Error> {
    let begun = core.clock.now();
    let mut quiet_looks = 0;
    loop {
        let pairings: Vec<_> = core
            .all_pairings()
            .into_iter()
            .filter(|pairing| core.held_back(pairing).is_none())
            .collect();
        let waiting = waiting(core, &pairings).await?;
        let is_quiet = core.has_looked()
            && waiting.dirty <= waiting.failing
            && waiting.intents == 0
            && !core.is_busy()
            && !core.is_something_due(&pairings).await?;
        quiet_looks = if is_quiet { quiet_looks + 1 } else { 0 };
        if quiet_looks >= 2 {
            return Ok(true);
        }
        if seconds(begun, core.clock.now()) > longest.as_secs_f64() {
            return Ok(false);
        }
        core.clock.sleep(LOOK).await;
    }
}

/// The entities that the rules in force keep the same, by connection.
fn in_sync(core: &Core) -> BTreeMap<ConnectionName, BTreeSet<record::Entity>> {
    let rules = core.rules.read().expect("no panic while held");
    let mut entities: BTreeMap<ConnectionName, BTreeSet<record::Entity>> = BTreeMap::new();
    for rules in rules.values() {
        for connection in [&rules.left, &rules.right] {
            entities
                .entry(ConnectionName::from(connection.as_str()))
                .or_default()
                .extend(rules.entities.keys());
        }
    }
    entities
}

/// In one word how a sync stands, and why.
pub(crate) fn stands(
    core: &Core,
    name: &SyncName,
    mode: mapping::Mode,
) -> (&'static str, Option<String>) {
    if let Some(why) = core.unready(name) {
        ("not ready", Some(why))
    } else if let Some(why) = core.paused(name) {
        ("paused", Some(why))
    } else if mode == mapping::Mode::Preview {
        ("preview", None)
    } else if core.is_rematching(name) {
        (
            "rematching",
            Some(
                "the database was restored: everything is matched again before anything is made or removed"
                    .to_owned(),
            ),
        )
    } else if let Some(pilot) = core.pilot(name) {
        let records = pilot.len();
        (
            "pilot",
            Some(format!("only {records} records are worked with")),
        )
    } else if !core.is_started(name) {
        ("new", Some("its first run was not started yet".to_owned()))
    } else {
        ("running", None)
    }
}

/// What the whole looks like.
pub(crate) async fn status(core: &Core) -> Result<Status, Error> {
    let overview = core.store.overview(&core.workspace).await?;
    let names: Vec<(SyncName, mapping::SyncRules)> = core
        .rules
        .read()
        .expect("no panic while held")
        .iter()
        .map(|(name, rules)| (name.clone(), rules.clone()))
        .collect();
    let mut syncs = Vec::with_capacity(names.len());
    for (name, rules) in names {
        let of_kinds = core
            .unlisted(&name)
            .into_iter()
            .filter(|(entity, _)| rules.entities.contains_key(entity))
            .map(|(entity, why)| (format!("{entity}/*"), why));
        let paused_mappings = core
            .all_pairings()
            .iter()
            .filter(|pairing| pairing.sync == name)
            .flat_map(|pairing| pairing.paused.clone())
            .chain(of_kinds)
            .collect();
        let entity = rules
            .entities
            .keys()
            .next()
            .copied()
            .unwrap_or(record::Entity::Contact);
        let mut swept = [None, None];
        for (at, connection) in [&rules.left, &rules.right].into_iter().enumerate() {
            swept[at] = core
                .store
                .last_sweep(
                    &core.workspace,
                    &ConnectionName::from(connection.as_str()),
                    entity,
                )
                .await?
                .map(|(at, _)| at);
        }
        let waiting = core.store.children_count(&core.workspace, &name).await?;
        let waiting = waiting
            .into_iter()
            .map(|(entity, waiting)| (entity.to_string(), waiting))
            .collect();
        let listings = listing::costs(core, &name).await?;
        let (state, why) = stands(core, &name, rules.mode);
        syncs.push(SyncStatus {
            name: name.to_string(),
            left: rules.left.clone(),
            right: rules.right.clone(),
            state,
            why,
            paused_mappings,
            waiting,
            listings,
            swept_left: swept[0],
            swept_right: swept[1],
            measured: measured::measured(&overview.meters, &name),
        });
    }
    let mut changes = BTreeMap::new();
    for (connection, entities) in in_sync(core) {
        let heard = heard(core, &connection, &entities).await?;
        changes.insert(connection.to_string(), heard);
    }
    let failing_records = core
        .store
        .failing(&core.workspace, None, None, 100)
        .await?
        .into_iter()
        .map(|(claim, error)| FailingRecord {
            connection: claim.connection.to_string(),
            entity: claim.entity,
            record: claim.record,
            attempts: claim.attempts,
            error,
        })
        .collect();
    Ok(Status {
        syncs,
        changes,
        overview,
        failing_records,
    })
}
