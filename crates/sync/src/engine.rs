//! The long-lived part: who works on what, and the handle through which others ask for things.

mod handle;
mod tasks;

use self::tasks::{
    boxed, keep_polling, keep_rules_resolved, keep_sweeping, look_for_creates, work,
};
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
use jiff::Timestamp;
use mapping::SyncRules;
use record::{Entity, RecordId, Side};
use store::{
    Cause, ClaimRequest, Commit, ConnectionName, IntentEnd, IntentId, Lane, Question, ReviewKind,
    Store, SyncName, Workspace,
};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Error, Options,
    causes::Causes,
    create::Taken,
    locks::Locks,
    news::Marks,
    notices::Notices,
    pair::Pairing,
    references, resolve,
    setup::{self, Unready},
    shared::Writes,
    standing::Standings,
    unanswered::Unanswered,
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
    /// What accounts take once only.
    pub(crate) taken: Taken,
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
    /// Systems know where to send webhooks.
    told: AtomicBool,
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
    /// Of what something changed that no message names.
    asked_for: Mutex<BTreeSet<(ConnectionName, Entity)>>,
    /// Connections of which a webhook came, since the start.
    heard: Mutex<BTreeSet<ConnectionName>>,
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
                taken: Taken::default(),
                pairings: RwLock::new(Vec::new()),
                unready: RwLock::new(BTreeMap::new()),
                planning: tokio::sync::Mutex::default(),
                resolving: tokio::sync::Mutex::default(),
                schemas_read: Mutex::new(HashMap::new()),
                looked: AtomicBool::new(false),
                told: AtomicBool::new(true),
                running: AtomicBool::new(false),
                recovered: tokio::sync::OnceCell::new(),
                waker: Notify::new(),
                doubted: Notify::new(),
                finished: Notify::new(),
                busy: AtomicUsize::new(0),
                claiming: tokio::sync::Mutex::default(),
                at_work: Mutex::default(),
                asked_for: Mutex::default(),
                heard: Mutex::default(),
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
    /// Notes that something of this entity changed that no message names: it is asked for soon.
    pub(crate) fn ask_for(&self, connection: &ConnectionName, entity: Entity) {
        let mut asked = self.asked_for.lock().expect("no panic while held");
        asked.insert((connection.clone(), entity));
    }

    fn is_asked_for(&self, of: &(ConnectionName, Entity)) -> bool {
        let asked = self.asked_for.lock().expect("no panic while held");
        asked.contains(of)
    }

    fn is_no_more_asked_for(&self, of: &(ConnectionName, Entity)) {
        let mut asked = self.asked_for.lock().expect("no panic while held");
        asked.remove(of);
    }

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
        self.end_runs().await?;
        self.recall_all().await
    }

    /// Runs that an earlier process did not end are under way no more.
    async fn end_runs(&self) -> Result<(), Error> {
        /// More were not begun at once.
        const NEWEST: usize = 1000;
        let (store, workspace) = (&self.store, &self.workspace);
        let now = self.clock.now();
        for run in store.runs(workspace, None, NEWEST).await? {
            if run.state == store::RunState::Running {
                let state = store::RunState::Interrupted;
                store.finish_run(workspace, run.id, state, now).await?;
            }
        }
        Ok(())
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

    /// Whether a record of the connections of these pairs may be worked off at once, be it one that
    /// failed before.
    pub(crate) async fn is_something_due(&self, pairings: &[Arc<Pairing>]) -> Result<bool, Error> {
        let mut workable = self.workable();
        workable.connections.retain(|name| {
            pairings.iter().any(|pairing| {
                Side::BOTH
                    .iter()
                    .any(|&side| pairing.end(side).connection == *name)
            })
        });
        let due = self
            .store
            .next_due(&self.workspace, &workable.connections, &workable.listed)
            .await?;
        Ok(due.is_some_and(|due| due <= self.clock.now()))
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
        self.told.load(Ordering::Relaxed)
            && self
                .connections
                .connector(connection)
                .is_ok_and(|connector| connector.describe().webhooks && !pasted(&*connector))
    }

    /// Notes that a webhook of this connection came.
    pub(crate) fn note_heard(&self, connection: &ConnectionName) {
        let mut heard = self.heard.lock().expect("no panic while held");
        if !heard.contains(connection) {
            heard.insert(connection.clone());
        }
    }

    /// How often an account is asked what changed: seldom once it was heard to tell of changes, not because it could.
    pub(crate) fn poll_pause(&self, connection: &ConnectionName) -> Duration {
        let heard = self.heard.lock().expect("no panic while held");
        if self.has_webhooks(connection) && heard.contains(connection) {
            self.options.poll_with_webhooks
        } else {
            self.options.poll_without_webhooks
        }
    }

    pub(crate) async fn commit(&self, mut commit: Commit) -> Result<(), Error> {
        commit.at.get_or_insert_with(|| self.clock.now());
        let knows_references = self.knows_references();
        if knows_references && !commit.ended.is_empty() {
            references::signal_those_who_name(self, &mut commit).await?;
        }
        // A link may wake what waits for it, a row that waits may find its link there already, and the end of a
        // question wakes whoever waits for its answer.
        let signals = !(commit.signals.is_empty()
            && commit.closed_reviews.is_empty()
            && commit.withdrawn.is_empty()
            && commit.reviews.is_empty())
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
        commit.withdrawn.push(Question {
            sync: pairing.sync.clone(),
            entity: Some(pairing.entity),
            kind: ReviewKind::MassChange,
            subject: resolve::shrunken_subject(pairing, side),
        });
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

    /// Reads the accounts of a sync, if that was not possible before.
    pub(crate) async fn make_ready(&self, sync: &SyncName) -> Result<(), Error> {
        self.recall_all().await?;
        if self.ready(sync).is_err() {
            setup::resolve_all(self).await;
        }
        let ready = self.ready(sync).map(|_| ());
        // What is missing first, not what follows from it.
        ready.map_err(|error| self.signed_out(sync).unwrap_or(error))
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
