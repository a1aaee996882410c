//! The long-lived part: who works on what, and the handle through which others ask for things.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use connections::{Clock, Connections, Health, Session};
use connector::Calls;
use futures::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;
use mapping::SyncRules;
use record::{Entity, RecordId, Side};
use store::{
    Accepted, Cause, ClaimRequest, Commit, ConnectionName, IntentEnd, IntentId, Lane, PlanId,
    PlanRow, PlanRowState, Review, ReviewFilter, ReviewId, ReviewKind, Store, StoredPlan, SyncName,
    Workspace,
};
use tokio::sync::{Notify, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    BlockedRow, Error, Explanation, Extent, LinkRow, Options, Plan, PlanReport, Progress,
    RunReport, Status, apply,
    causes::Causes,
    explain, intake, intents,
    locks::Locks,
    news::Marks,
    notices::Notices,
    pair::Pairing,
    plan, poll, reconcile, references, resolve, run,
    setup::{self, Unready},
    shared::Writes,
    standing::Standings,
    unanswered::Unanswered,
    undo::{self, UndoPlan, UndoReport, UndoScope},
};

/// The least time between two readings of the schemas because something was refused.
const SCHEMA_PAUSE: Duration = Duration::from_secs(5);

/// What an engine is made of.
pub struct EngineParts {
    /// Everything durable.
    pub store: Arc<dyn Store>,
    /// The connected accounts.
    pub connections: Arc<Connections>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Whose syncs these are.
    pub workspace: Workspace,
    /// The rules in force.
    pub syncs: BTreeMap<SyncName, SyncRules>,
    /// How it paces itself.
    pub options: Options,
}

/// The engine before it runs.
pub struct Engine {
    core: Arc<Core>,
}

/// Through which others ask the engine for things. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    core: Arc<Core>,
}

/// What all parts of the engine share.
pub(crate) struct Core {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) workspace: Workspace,
    pub(crate) rules: RwLock<BTreeMap<SyncName, SyncRules>>,
    pub(crate) options: Options,
    pub(crate) locks: Arc<Locks>,
    pub(crate) standings: Standings,
    pub(crate) notices: Notices,
    pub(crate) marks: Marks,
    pub(crate) causes: Causes,
    pub(crate) writes: Writes,
    pub(crate) unanswered: Unanswered,
    /// Creates whose outcome could not be stored.
    stranded: Mutex<BTreeSet<IntentId>>,
    /// How often a create was sent and proven not to have made anything, by sync and source.
    unmade: Mutex<HashMap<(SyncName, RecordId), u32>>,
    pairings: RwLock<Vec<Arc<Pairing>>>,
    unready: RwLock<BTreeMap<SyncName, String>>,
    /// Held while a plan is made: there is one place to try one out.
    pub(crate) planning: tokio::sync::Mutex<()>,
    /// Held while the accounts are read: who began earlier and ends later must not have the last word.
    pub(crate) resolving: tokio::sync::Mutex<()>,
    /// When the schemas of a sync were last begun to be read with success.
    schemas_read: Mutex<HashMap<SyncName, Timestamp>>,
    /// The accounts were read, or that was tried.
    looked: AtomicBool,
    /// Workers, polls and sweeps are on.
    running: AtomicBool,
    /// What an earlier process left was seen to, without being on.
    recovered: tokio::sync::OnceCell<()>,
    waker: Notify,
    /// A vendor refused to read what we asked for.
    doubted: Notify,
    finished: Notify,
    busy: AtomicUsize,
    /// Held while records are claimed.
    claiming: tokio::sync::Mutex<()>,
    /// How many workers are at work on an entity.
    at_work: Mutex<BTreeMap<Entity, usize>>,
}

impl Engine {
    /// An engine of these parts.
    pub fn new(parts: EngineParts) -> Self {
        Self {
            core: Arc::new(Core {
                store: parts.store,
                connections: parts.connections,
                clock: parts.clock,
                workspace: parts.workspace,
                rules: RwLock::new(parts.syncs),
                options: parts.options,
                locks: Arc::new(Locks::default()),
                standings: Standings::default(),
                notices: Notices::default(),
                marks: Marks::default(),
                causes: Causes::default(),
                writes: Writes::default(),
                unanswered: Unanswered::default(),
                stranded: Mutex::new(BTreeSet::new()),
                unmade: Mutex::default(),
                pairings: RwLock::new(Vec::new()),
                unready: RwLock::new(BTreeMap::new()),
                planning: tokio::sync::Mutex::default(),
                resolving: tokio::sync::Mutex::default(),
                schemas_read: Mutex::new(HashMap::new()),
                looked: AtomicBool::new(false),
                running: AtomicBool::new(false),
                recovered: tokio::sync::OnceCell::new(),
                waker: Notify::new(),
                doubted: Notify::new(),
                finished: Notify::new(),
                busy: AtomicUsize::new(0),
                claiming: tokio::sync::Mutex::default(),
                at_work: Mutex::default(),
            }),
        }
    }

    /// What it is made of, for one that never runs.
    pub(crate) fn into_core(self) -> Arc<Core> {
        self.core
    }

    /// The handle.
    pub fn handle(&self) -> Handle {
        Handle {
            core: Arc::clone(&self.core),
        }
    }

    /// Works until the token is cancelled; ends when all work under way is done.
    ///
    /// # Errors
    /// When the store cannot be read at the start.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Error> {
        let core = self.core;
        core.recover().await?;
        core.running.store(true, Ordering::SeqCst);
        let tasks = TaskTracker::new();
        setup::resolve_all(&core).await;
        let spawn = |future| tasks.spawn(future);
        for number in 0..core.options.live_workers + core.options.workers {
            let lane = if number < core.options.live_workers {
                Lane::Live
            } else {
                Lane::Backfill
            };
            spawn(boxed(work(Arc::clone(&core), lane, shutdown.clone())));
        }
        spawn(boxed(keep_rules_resolved(
            Arc::clone(&core),
            shutdown.clone(),
        )));
        spawn(boxed(look_for_creates(Arc::clone(&core), shutdown.clone())));
        spawn(boxed(keep_polling(Arc::clone(&core), shutdown.clone())));
        spawn(boxed(keep_sweeping(Arc::clone(&core), shutdown.clone())));
        tasks.close();
        shutdown.cancelled().await;
        core.wake();
        tasks.wait().await;
        Ok(())
    }
}

type Task = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

fn boxed(future: impl Future<Output = ()> + Send + 'static) -> Task {
    Box::pin(future)
}

/// Claims and works off dirty records.
async fn work(core: Arc<Core>, lane: Lane, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let woken = core.waker.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        let workable = core.workable();
        let begun = if workable.connections.is_empty() {
            Ok(None)
        } else {
            core.claim_and_begin(&workable, lane).await
        };
        match begun {
            Ok(Some((claims, at_work))) => {
                core.busy.fetch_add(1, Ordering::SeqCst);
                reconcile::reconcile(&core, claims).await;
                drop(at_work);
                core.busy.fetch_sub(1, Ordering::SeqCst);
                core.finished.notify_waiters();
            }
            Ok(None) => {
                let wait = core.until_next(&workable).await;
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = &mut woken => {}
                    () = core.clock.sleep(wait) => {}
                }
            }
            Err(error) => {
                tracing::error!(%error, "dirty records could not be claimed");
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = core.clock.sleep(Duration::from_secs(5)) => {}
                }
            }
        }
    }
}

async fn pause_for(core: &Core, wait: Duration, shutdown: &CancellationToken) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = core.clock.sleep(wait) => {}
    }
}

/// Reads schemas anew from time to time, and at once where a sync is not ready.
async fn keep_rules_resolved(core: Arc<Core>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let wait = if core.unready.read().expect("no panic while held").is_empty() {
            core.options.schema
        } else {
            Duration::from_secs(15).min(core.options.schema)
        };
        tokio::select! {
            () = core.doubted.notified() => {}
            () = pause_for(&core, wait, &shutdown) => {}
        }
        if !shutdown.is_cancelled() {
            setup::resolve_all(&core).await;
            core.wake();
            // Not more often, however much is refused.
            pause_for(&core, SCHEMA_PAUSE, &shutdown).await;
        }
    }
}

async fn look_for_creates(core: Arc<Core>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        if let Err(error) = core.doubt_stranded().await {
            tracing::warn!(%error, "creates whose outcome could not be stored wait");
        }
        for pairing in core.all_pairings() {
            if core.is_started(&pairing.sync)
                && let Err(error) = intents::look(&core, &pairing, 50).await
            {
                tracing::warn!(sync = %pairing.sync, %error, "creates without an answer could not be looked for");
            }
        }
        pause_for(&core, Duration::from_secs(1), &shutdown).await;
    }
}

async fn keep_polling(core: Arc<Core>, shutdown: CancellationToken) {
    let mut last: HashMap<(ConnectionName, Entity), Timestamp> = HashMap::new();
    // Each on its own: who waits, for an answer or for the end of a create, waits alone.
    let mut under_way = BTreeSet::new();
    let mut polls = FuturesUnordered::new();
    while !shutdown.is_cancelled() {
        for (pairing, side) in core.distinct_ends() {
            let connection = pairing.end(side).connection.clone();
            let every = if core.has_webhooks(&connection) {
                core.options.poll_with_webhooks
            } else {
                core.options.poll_without_webhooks
            };
            let key = (connection, pairing.entity);
            let now = core.clock.now();
            let due = last
                .get(&key)
                .is_none_or(|last| last.saturating_add(every).is_ok_and(|at| at <= now));
            if !due || !core.is_started(&pairing.sync) || !under_way.insert(key.clone()) {
                continue;
            }
            last.insert(key.clone(), now);
            let core = &core;
            polls.push(async move {
                if let Err(error) = poll::poll(core, &pairing, side).await {
                    tracing::warn!(connection = %key.0, %error, "a poll failed");
                }
                key
            });
        }
        let pause = core
            .options
            .poll_without_webhooks
            .min(core.options.poll_with_webhooks)
            .min(Duration::from_secs(1));
        tokio::select! {
            Some(ended) = polls.next() => {
                under_way.remove(&ended);
            }
            () = pause_for(&core, pause, &shutdown) => {}
        }
    }
}

async fn keep_sweeping(core: Arc<Core>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        for (pairing, side) in core.distinct_ends() {
            if !core.is_started(&pairing.sync) {
                continue;
            }
            if core.is_listing(&pairing.sync) {
                // An earlier process was stopped during the first listing.
                if core.run_of(&pairing.sync).is_none()
                    && let Err(error) = run::list_first(&core, &pairing.sync).await
                {
                    tracing::warn!(sync = %pairing.sync, %error, "the first listing failed");
                }
                continue;
            }
            let connection = &pairing.end(side).connection;
            let last = core
                .store
                .last_sweep(&core.workspace, connection, pairing.entity)
                .await;
            let now = core.clock.now();
            let due = match last {
                Ok(last) => last.is_none_or(|(at, _)| {
                    at.saturating_add(core.options.sweep)
                        .is_ok_and(|at| at <= now)
                }),
                Err(error) => {
                    tracing::warn!(%connection, %error, "the last sweep could not be read");
                    false
                }
            };
            if due
                && let Err(error) =
                    run::list_side(&core, &pairing, side, Lane::Reconcile, &|_, _| {}).await
            {
                tracing::warn!(%connection, %error, "a sweep failed");
            }
        }
        pause_for(
            &core,
            core.options.sweep.min(Duration::from_secs(5)),
            &shutdown,
        )
        .await;
    }
}

/// What may be worked off.
struct Workable {
    connections: Vec<ConnectionName>,
    /// Of these connections, what waits for the end of a first listing and for nothing else.
    listed: Vec<(ConnectionName, Entity)>,
}

/// A worker is at work on records of this entity as long as this lives.
struct AtWork<'a> {
    core: &'a Core,
    entity: Entity,
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        let mut at_work = self.core.at_work.lock().expect("no panic while held");
        if let Some(workers) = at_work.get_mut(&self.entity) {
            *workers = workers.saturating_sub(1);
        }
    }
}

impl Core {
    fn begin_work(&self, entity: Entity) -> AtWork<'_> {
        let mut at_work = self.at_work.lock().expect("no panic while held");
        *at_work.entry(entity).or_default() += 1;
        AtWork { core: self, entity }
    }

    /// Claims dirty records and says so before anybody else claims: whoever claims later and names one
    /// of them has to know that somebody is at work on it.
    async fn claim_and_begin(
        &self,
        workable: &Workable,
        lane: Lane,
    ) -> Result<Option<(Vec<store::Claim>, AtWork<'_>)>, Error> {
        let _one_by_one = self.claiming.lock().await;
        let claims = self.claim(workable, lane).await?;
        let Some(entity) = claims.first().map(|claim| claim.entity) else {
            return Ok(None);
        };
        let at_work = self.begin_work(entity);
        Ok(Some((claims, at_work)))
    }

    /// Whether some worker is at work on records of this entity.
    pub(crate) fn is_at_work(&self, entity: Entity) -> bool {
        let at_work = self.at_work.lock().expect("no panic while held");
        at_work.get(&entity).is_some_and(|workers| *workers > 0)
    }

    /// Whether workers, polls and sweeps are on.
    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Ordering::SeqCst)
    }

    /// What is done once before anything is worked on.
    async fn recover(&self) -> Result<(), Error> {
        let leases = self.store.end_leases(&self.workspace).await?;
        let doubted = self
            .store
            .doubt_intents(&self.workspace, self.clock.now())
            .await?;
        if leases > 0 || doubted > 0 {
            tracing::info!(leases, doubted, "going on after an interruption");
        }
        self.recall_all().await
    }

    async fn claim(&self, workable: &Workable, lane: Lane) -> Result<Vec<store::Claim>, Error> {
        let now = self.clock.now();
        // Urgent records in small batches, so that nothing waits for the end of a large one.
        let lanes: &[Lane] = match lane {
            Lane::Live => &[Lane::Live],
            Lane::Reconcile => &[Lane::Live, Lane::Reconcile],
            Lane::Backfill => &[Lane::Live, Lane::Reconcile, Lane::Backfill],
        };
        for lane in lanes {
            let claims = self
                .store
                .claim(
                    &self.workspace,
                    ClaimRequest {
                        connections: workable.connections.clone(),
                        except: workable.listed.clone(),
                        limit: if *lane == Lane::Backfill {
                            self.options.backfill_within(self.slowest())
                        } else {
                            self.options.live_batch
                        },
                        now,
                        lease_until: now
                            .saturating_add(self.options.lease)
                            .unwrap_or(Timestamp::MAX),
                        lane: *lane,
                    },
                )
                .await?;
            if !claims.is_empty() {
                return Ok(claims);
            }
        }
        Ok(Vec::new())
    }

    /// Requests a second that the slowest of the connections at work lets through, if any has a limit.
    fn slowest(&self) -> Option<f64> {
        self.all_pairings()
            .iter()
            .flat_map(|pairing| Side::BOTH.map(|side| pairing.end(side).connection.clone()))
            .filter_map(|connection| self.connections.rate(&connection).ok().flatten())
            .min_by(f64::total_cmp)
    }

    /// How long to wait for the next dirty record, if no signal comes before.
    async fn until_next(&self, workable: &Workable) -> Duration {
        const LONGEST: Duration = Duration::from_secs(5);
        if workable.connections.is_empty() {
            return LONGEST;
        }
        let Workable {
            connections,
            listed,
        } = workable;
        let (store, workspace) = (&self.store, &self.workspace);
        match store.next_due(workspace, connections, listed).await {
            Ok(Some(due)) => Duration::try_from(due.duration_since(self.clock.now()))
                .unwrap_or(Duration::ZERO)
                .clamp(Duration::from_millis(50), LONGEST),
            Ok(None) => LONGEST,
            Err(error) => {
                tracing::error!(%error, "the next dirty record could not be found");
                LONGEST
            }
        }
    }

    /// What may be worked off now.
    fn workable(&self) -> Workable {
        let (mut names, mut open, mut listed) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for pairing in self.all_pairings() {
            let places =
                Side::BOTH.map(|side| (pairing.end(side).connection.clone(), pairing.entity));
            if self.held_back(&pairing).is_none() {
                names.extend(places.clone().map(|(connection, _)| connection));
                open.extend(places);
            } else if self.is_listing(&pairing.sync) {
                listed.extend(places);
            }
        }
        Workable {
            connections: names.into_iter().collect(),
            listed: listed.difference(&open).cloned().collect(),
        }
    }

    pub(crate) fn all_pairings(&self) -> Vec<Arc<Pairing>> {
        self.pairings.read().expect("no panic while held").clone()
    }

    /// Whether some field in sync names a record of another entity.
    fn knows_references(&self) -> bool {
        self.pairings
            .read()
            .expect("no panic while held")
            .iter()
            .any(|pairing| pairing.compiled.references().next().is_some())
    }

    pub(crate) fn set_pairings(&self, pairings: Vec<Arc<Pairing>>, unready: Vec<Unready>) {
        *self.pairings.write().expect("no panic while held") = pairings;
        *self.unready.write().expect("no panic while held") = unready
            .into_iter()
            .map(|unready| (unready.sync, unready.why))
            .collect();
        self.looked.store(true, Ordering::SeqCst);
    }

    /// Whether the accounts were read since the start, or that was tried. Before, nobody knows what
    /// there is to do.
    pub(crate) fn has_looked(&self) -> bool {
        self.looked.load(Ordering::SeqCst)
    }

    /// Whether the rules in force sync this entity of a connection, be its accounts read or not.
    pub(crate) fn is_synced(&self, connection: &ConnectionName, entity: Entity) -> bool {
        self.rules
            .read()
            .expect("no panic while held")
            .values()
            .any(|rules| {
                [&rules.left, &rules.right].contains(&&connection.to_string())
                    && rules.entities.contains_key(&entity)
            })
    }

    pub(crate) fn unready(&self, sync: &SyncName) -> Option<String> {
        self.unready
            .read()
            .expect("no panic while held")
            .get(sync)
            .cloned()
    }

    /// Every sync that a connection is part of, with its side there.
    pub(crate) fn pairings_of(
        &self,
        connection: &ConnectionName,
        entity: Entity,
    ) -> Vec<(Arc<Pairing>, Side)> {
        self.pairings
            .read()
            .expect("no panic while held")
            .iter()
            .filter(|pairing| pairing.entity == entity)
            .filter_map(|pairing| Some((Arc::clone(pairing), pairing.side_of(connection)?)))
            .collect()
    }

    /// Whether several syncs share the records of a connection.
    pub(crate) fn is_hub(&self, connection: &ConnectionName, entity: Entity) -> bool {
        self.pairings_of(connection, entity).len() > 1
    }

    pub(crate) fn pairings_of_sync(&self, sync: &SyncName, entity: Entity) -> Option<Arc<Pairing>> {
        self.pairings
            .read()
            .expect("no panic while held")
            .iter()
            .find(|pairing| pairing.sync == *sync && pairing.entity == entity)
            .cloned()
    }

    /// Each connection and entity once, with a pairing that it is part of.
    fn distinct_ends(&self) -> Vec<(Arc<Pairing>, Side)> {
        let mut seen = BTreeSet::new();
        let mut ends = Vec::new();
        for pairing in self.all_pairings() {
            for side in Side::BOTH {
                if seen.insert((pairing.end(side).connection.clone(), pairing.entity)) {
                    ends.push((Arc::clone(&pairing), side));
                }
            }
        }
        ends
    }

    /// A way out to a connection's account.
    pub(crate) fn calls(
        &self,
        connection: &ConnectionName,
        lane: Lane,
        cause: Option<&Cause>,
    ) -> Result<Arc<dyn Calls>, Error> {
        Ok(Arc::new(self.session(connection, lane, cause)?))
    }

    /// A way out on which writes follow from a reading of this age: when it is not fresh any more,
    /// nothing is sent.
    pub(crate) fn calls_after(
        &self,
        connection: &ConnectionName,
        lane: Lane,
        cause: &Cause,
        read: Timestamp,
    ) -> Result<Arc<dyn Calls>, Error> {
        let until = read
            .saturating_add(self.options.fresh_for)
            .unwrap_or(Timestamp::MAX);
        let session = self.session(connection, lane, Some(cause))?;
        Ok(Arc::new(session.writing_until(until)))
    }

    fn session(
        &self,
        connection: &ConnectionName,
        lane: Lane,
        cause: Option<&Cause>,
    ) -> Result<Session, Error> {
        let trace = cause.map_or_else(String::new, |cause| cause.trace.to_string());
        self.connections
            .session(connection, lane, trace)
            .map_err(|error| Error::Connection {
                connection: connection.to_string(),
                why: error.to_string(),
            })
    }

    pub(crate) fn has_webhooks(&self, connection: &ConnectionName) -> bool {
        // What is pasted belongs to a person, not to an app, and webhooks go to apps.
        let pasted = |connector: &dyn connector::Connector| {
            self.connections.config(connection).is_ok_and(|config| {
                connector.describe().auth.iter().any(|scheme| {
                    scheme.name() == config.auth.scheme
                        && matches!(scheme, connector::AuthScheme::Pasted { .. })
                })
            })
        };
        self.connections
            .connector(connection)
            .is_ok_and(|connector| connector.describe().webhooks && !pasted(&*connector))
    }

    pub(crate) async fn commit(&self, mut commit: Commit) -> Result<(), Error> {
        commit.at.get_or_insert_with(|| self.clock.now());
        let knows_references = self.knows_references();
        if knows_references && !commit.ended.is_empty() {
            references::signal_those_who_name(self, &mut commit).await?;
        }
        // A link may wake what waits for it, and a row that waits may find its link there already.
        let signals = !commit.signals.is_empty()
            || (knows_references && !(commit.links.is_empty() && commit.blocked.is_empty()));
        self.store.commit(&self.workspace, commit).await?;
        if signals {
            self.wake();
        }
        Ok(())
    }

    /// Creates whose outcome could not be stored: it is not known any more.
    pub(crate) fn strand(&self, intents: BTreeSet<IntentId>) {
        if !intents.is_empty() {
            tracing::warn!(
                number = intents.len(),
                "the outcome of creates could not be stored"
            );
            let mut stranded = self.stranded.lock().expect("no panic while held");
            stranded.extend(intents);
        }
    }

    /// Counts a create that was proven not to have made anything. Says how many there were in a row.
    pub(crate) fn note_unmade(&self, sync: &SyncName, source: &RecordId) -> u32 {
        let mut unmade = self.unmade.lock().expect("no panic while held");
        let times = unmade.entry((sync.clone(), source.clone())).or_default();
        *times += 1;
        *times
    }

    /// Creates from this record are counted from the beginning again.
    pub(crate) fn forget_unmade(&self, sync: &SyncName, source: &RecordId) {
        let mut unmade = self.unmade.lock().expect("no panic while held");
        unmade.remove(&(sync.clone(), source.clone()));
    }

    /// Lets stranded creates be looked for, as soon as that can be stored.
    pub(crate) async fn doubt_stranded(&self) -> Result<(), Error> {
        let stranded = self.stranded.lock().expect("no panic while held").clone();
        if stranded.is_empty() {
            return Ok(());
        }
        let lag = self
            .all_pairings()
            .iter()
            .flat_map(|pairing| Side::BOTH.map(|side| pairing.end(side).description.search_lag))
            .max()
            .unwrap_or_default();
        let now = self.clock.now();
        let look = now.saturating_add(lag).unwrap_or(now);
        let intents = stranded
            .iter()
            .map(|intent| (*intent, IntentEnd::LookAfter(look)))
            .collect();
        self.commit(Commit {
            intents,
            ..Commit::default()
        })
        .await?;
        let mut left = self.stranded.lock().expect("no panic while held");
        left.retain(|intent| !stranded.contains(intent));
        Ok(())
    }

    /// The schemas of a sync were read; `began` is from before.
    pub(crate) fn note_schemas_read(&self, sync: &SyncName, began: Timestamp) {
        let mut read = self.schemas_read.lock().expect("no panic while held");
        read.insert(sync.clone(), began);
    }

    /// Whether the schemas of a sync were read after this moment.
    pub(crate) fn knows_schemas_since(&self, sync: &SyncName, moment: Timestamp) -> bool {
        let read = self.schemas_read.lock().expect("no panic while held");
        read.get(sync).is_some_and(|began| *began >= moment)
    }

    /// The schemas are to be read anew soon.
    pub(crate) fn doubt_schemas(&self) {
        self.doubted.notify_one();
    }

    /// Wakes workers that wait.
    pub(crate) fn wake(&self) {
        self.waker.notify_waiters();
    }

    pub(crate) fn work_done(&self) {
        self.finished.notify_waiters();
    }

    /// Whether a worker is at work at this moment.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst) > 0
    }

    /// A listing showed much less than what is known: a right was lost, or another account answers.
    pub(crate) async fn note_shrunken(
        &self,
        pairing: &Pairing,
        side: Side,
        listed: u64,
        known: u64,
    ) -> Result<(), Error> {
        let review = resolve::shrunken_review(pairing, side, listed, known, self.clock.now());
        let mut commit = Commit::default();
        commit.reviews.push(review);
        self.commit(commit).await
    }

    /// A listing shows what is known again: there is nothing to ask about it.
    pub(crate) async fn note_whole(&self, pairing: &Pairing, side: Side) -> Result<(), Error> {
        let mut commit = Commit::default();
        commit.withdrawn.push((
            pairing.sync.clone(),
            ReviewKind::MassChange,
            resolve::shrunken_subject(pairing, side),
        ));
        self.commit(commit).await
    }

    pub(crate) fn rules_of(&self, sync: &SyncName) -> Result<SyncRules, Error> {
        self.rules
            .read()
            .expect("no panic while held")
            .get(sync)
            .cloned()
            .ok_or_else(|| Error::NoSync(sync.to_string()))
    }

    /// What a sync says of the connection that nobody has signed in, if it has one.
    fn signed_out(&self, sync: &SyncName) -> Option<Error> {
        let rules = self.rules_of(sync).ok()?;
        [rules.left, rules.right]
            .into_iter()
            .find_map(|connection| {
                let name = ConnectionName::from(connection.as_str());
                match self.connections.health(&name) {
                    Ok(Health::NeedsSignIn { why, .. }) => {
                        Some(Error::SignedOut { connection, why })
                    }
                    _ => None,
                }
            })
    }

    /// The pairings of a sync, or why there are none.
    pub(crate) fn ready(&self, sync: &SyncName) -> Result<Vec<Arc<Pairing>>, Error> {
        self.rules_of(sync)?;
        let pairings: Vec<Arc<Pairing>> = self
            .all_pairings()
            .into_iter()
            .filter(|pairing| pairing.sync == *sync)
            .collect();
        match self.unready(sync) {
            Some(why) => Err(Error::NotReady {
                sync: sync.to_string(),
                why,
            }),
            None if pairings.is_empty() => Err(Error::NotReady {
                sync: sync.to_string(),
                why: "its accounts were not read yet".to_owned(),
            }),
            None => Ok(pairings),
        }
    }
}

impl Handle {
    /// What a first run, or the next, would do. Reads both sides; writes nothing to them.
    ///
    /// # Errors
    /// When there is no such sync, or a side cannot be read.
    pub async fn plan(
        &self,
        sync: &SyncName,
        progress: &watch::Sender<Progress>,
    ) -> Result<Plan, Error> {
        self.make_ready(sync).await?;
        plan::plan(&self.core, sync, None, progress).await
    }

    /// What the next run would do under other rules than those in force, which stay in force.
    ///
    /// # Errors
    /// When the rules do not fit, or a side cannot be read.
    pub async fn plan_with(
        &self,
        sync: &SyncName,
        rules: SyncRules,
        progress: &watch::Sender<Progress>,
    ) -> Result<Plan, Error> {
        plan::plan(&self.core, sync, Some(rules), progress).await
    }

    /// Carries out the rows of a plan and nothing else. `most_changed`: if more than this share of them has
    /// changed since, nothing is written; see [`crate::MOST_CHANGED`]. Can be repeated after any interruption.
    ///
    /// # Errors
    /// When there is no such plan, its rules are not in force, or a side cannot be read.
    pub async fn apply_plan(
        &self,
        plan: PlanId,
        most_changed: f64,
        progress: &watch::Sender<Progress>,
    ) -> Result<PlanReport, Error> {
        let sync = apply::stored(&self.core, plan).await?.sync;
        if !self.core.is_running() {
            let recovered = &self.core.recovered;
            recovered.get_or_try_init(|| self.core.recover()).await?;
        }
        self.make_ready(&sync).await?;
        apply::apply(&self.core, plan, most_changed, progress).await
    }

    /// The plans that are kept, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn plans(&self, sync: Option<&SyncName>) -> Result<Vec<StoredPlan>, Error> {
        apply::list(&self.core, sync).await
    }

    /// A plan that is kept.
    ///
    /// # Errors
    /// When there is no such plan or the store fails.
    pub async fn kept_plan(&self, plan: PlanId) -> Result<StoredPlan, Error> {
        apply::stored(&self.core, plan).await
    }

    /// Rows of a plan in their order, after a number.
    ///
    /// # Errors
    /// When there is no such plan or the store fails.
    pub async fn plan_rows(
        &self,
        plan: PlanId,
        state: Option<PlanRowState>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<PlanRow>, Error> {
        apply::stored(&self.core, plan).await?;
        let (store, workspace) = (&self.core.store, &self.core.workspace);
        Ok(store
            .plan_rows(workspace, plan, state, after, limit)
            .await?)
    }

    /// Lists both sides whole and works everything off. From then on the sync stays on.
    ///
    /// # Errors
    /// When there is no such sync, it only previews, or a side cannot be listed.
    pub async fn sync_now(
        &self,
        sync: &SyncName,
        progress: &watch::Sender<Progress>,
    ) -> Result<RunReport, Error> {
        self.sync_some(sync, &Extent::AsItIs, progress).await
    }

    /// The same with all records, or with some of them: a pilot. Nothing else of the sync is written until the
    /// pilot is widened or ends.
    ///
    /// # Errors
    /// When there is no such sync, it only previews, it is too late for a pilot, or a side cannot be listed.
    pub async fn sync_some(
        &self,
        sync: &SyncName,
        extent: &Extent,
        progress: &watch::Sender<Progress>,
    ) -> Result<RunReport, Error> {
        self.make_ready(sync).await?;
        run::run(&self.core, sync, extent, progress).await
    }

    /// Reads the accounts of a sync, if that was not possible before.
    async fn make_ready(&self, sync: &SyncName) -> Result<(), Error> {
        self.core.recall_all().await?;
        if self.core.ready(sync).is_err() {
            setup::resolve_all(&self.core).await;
        }
        let ready = self.core.ready(sync).map(|_| ());
        // What is missing first, not what follows from it.
        ready.map_err(|error| self.core.signed_out(sync).unwrap_or(error))
    }

    /// Reads what the syncs remember, for saying how they stand without working.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recall(&self) -> Result<(), Error> {
        self.core.recall_all().await
    }

    /// The same, and reads the accounts where that was not done yet, for answering without working. An
    /// account that cannot be read stands in the status.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn prepare(&self) -> Result<(), Error> {
        self.core.recall_all().await?;
        if self.core.all_pairings().is_empty() {
            setup::resolve_all(&self.core).await;
        }
        Ok(())
    }

    /// Replaces the rules in force and reads the accounts anew.
    pub async fn apply(&self, syncs: BTreeMap<SyncName, SyncRules>) -> Vec<(SyncName, String)> {
        *self.core.rules.write().expect("no panic while held") = syncs;
        if let Err(error) = self.core.recall_all().await {
            tracing::error!(%error, "what syncs remember could not be read");
        }
        setup::resolve_all(&self.core).await;
        self.core.wake();
        self.core
            .unready
            .read()
            .expect("no panic while held")
            .iter()
            .map(|(sync, why)| (sync.clone(), why.clone()))
            .collect()
    }

    /// Checks rules against the two accounts as they are now, changing nothing. One line a problem.
    ///
    /// # Errors
    /// When an account cannot be read.
    pub async fn check_rules(
        &self,
        sync: &SyncName,
        rules: &SyncRules,
    ) -> Result<Vec<mapping::Problem>, Error> {
        setup::check(&self.core, sync, rules).await
    }

    /// Stops a sync until it is resumed.
    ///
    /// # Errors
    /// When there is no such sync or the store fails.
    pub async fn pause(&self, sync: &SyncName, why: &str) -> Result<(), Error> {
        self.core.rules_of(sync)?;
        self.core.pause(sync, why).await
    }

    /// Lets a sync go on.
    ///
    /// # Errors
    /// When there is no such sync or the store fails.
    pub async fn resume(&self, sync: &SyncName) -> Result<(), Error> {
        self.core.rules_of(sync)?;
        self.core.resume(sync).await?;
        self.core.withdraw_limit_questions(sync).await
    }

    /// Takes a verified webhook in. When this returns, it is durable.
    ///
    /// # Errors
    /// When the store fails: then it must not be acknowledged.
    pub async fn accept(
        &self,
        connection: &ConnectionName,
        delivery: connector::Delivery,
    ) -> Result<Accepted, Error> {
        intake::accept(&self.core, connection, delivery).await
    }

    /// Reads what changed on all connections now, without waiting for the next poll.
    ///
    /// # Errors
    /// When a connection cannot be read; the others are read all the same.
    pub async fn poll_now(&self) -> Result<usize, Error> {
        let mut signalled = 0;
        let mut failure = None;
        for (pairing, side) in self.core.distinct_ends() {
            if self.core.is_started(&pairing.sync) {
                match poll::poll(&self.core, &pairing, side).await {
                    Ok(number) => signalled += number,
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
        }
        failure.map_or(Ok(signalled), Err)
    }

    /// Lists all connections whole now, without waiting for the next sweep.
    ///
    /// # Errors
    /// When a connection cannot be read; the others are listed all the same.
    pub async fn sweep_now(&self) -> Result<Vec<(ConnectionName, crate::SweepReport)>, Error> {
        let mut reports = Vec::new();
        let mut failure = None;
        for (pairing, side) in self.core.distinct_ends() {
            if self.core.is_started(&pairing.sync) {
                match run::list_side(&self.core, &pairing, side, Lane::Reconcile, &|_, _| {}).await
                {
                    Ok(report) => reports.push((pairing.end(side).connection.clone(), report)),
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
        }
        failure.map_or(Ok(reports), Err)
    }

    /// Waits until nothing is left to work off but what is put off by a failure, or `longest` is over.
    /// Says whether it got quiet.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn quiet(&self, longest: Duration) -> Result<bool, Error> {
        run::quiet(&self.core, longest).await
    }

    /// The links of a sync.
    ///
    /// # Errors
    /// When there is no such sync or the store fails.
    pub async fn links(
        &self,
        sync: &SyncName,
        after: Option<store::LinkId>,
        limit: usize,
    ) -> Result<Vec<LinkRow>, Error> {
        self.core.rules_of(sync)?;
        let links = self
            .core
            .store
            .links_after(&self.core.workspace, sync, after, limit)
            .await?;
        Ok(links
            .into_iter()
            .map(|link| LinkRow {
                id: link.id.to_string(),
                entity: link.entity,
                left: link.left,
                right: link.right,
                how: link.how,
                state: link.state,
                created: link.created,
            })
            .collect())
    }

    /// Fields that do not cross, of one sync or of all, at most so many; 0: all of them.
    ///
    /// # Errors
    /// When there is no such sync or the store fails.
    pub async fn blocked(
        &self,
        sync: Option<&SyncName>,
        limit: usize,
    ) -> Result<Vec<BlockedRow>, Error> {
        run::blocked(&self.core, sync, limit).await
    }

    /// Lists reviews.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reviews(&self, filter: &ReviewFilter) -> Result<Vec<Review>, Error> {
        resolve::list(&self.core, filter).await
    }

    /// Answers a review.
    ///
    /// # Errors
    /// When there is no such open review, it does not offer this choice, or carrying it out fails.
    pub async fn resolve(&self, review: ReviewId, choice: &str) -> Result<Review, Error> {
        resolve::resolve(&self.core, review, choice).await
    }

    /// What putting back what was done would do now. Reads both sides; writes nothing.
    ///
    /// # Errors
    /// When the accounts cannot be read, it is too much at once, or the store fails.
    pub async fn plan_undo(&self, scope: &UndoScope) -> Result<UndoPlan, Error> {
        self.prepare().await?;
        undo::plan(&self.core, scope).await
    }

    /// Puts back what was done, if its plan is still the one with this fingerprint.
    ///
    /// # Errors
    /// When anything of the plan changed meanwhile: then nothing was done. When the store fails.
    pub async fn undo(&self, scope: &UndoScope, fingerprint: &str) -> Result<UndoReport, Error> {
        self.prepare().await?;
        undo::undo(&self.core, scope, fingerprint).await
    }

    /// Why a record, or one field of it, is as it is.
    ///
    /// # Errors
    /// When nothing is known of the record.
    pub async fn explain(
        &self,
        connection: &ConnectionName,
        entity: Entity,
        record: &RecordId,
        field: Option<&str>,
    ) -> Result<Explanation, Error> {
        explain::explain(&self.core, connection, entity, record, field).await
    }

    /// What the whole looks like.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn status(&self) -> Result<Status, Error> {
        run::status(&self.core).await
    }
}
