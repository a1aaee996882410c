//! A store that fails when a test says so, before or after the effect, and that ends with the
//! process that uses it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use record::{Entity, RecordId, Side};
use serde_json::Value as Json;
use store::{
    Accepted, AppliedConfig, Blocked, CallFilter, CallRow, Child, Claim, ClaimRequest, Commit,
    ConnectionName, CredentialRow, CursorKey, DecisionPlace, DeliveryRow, Error, Intent, IntentId,
    JournalEntry, JournalFilter, Keep, KeptNow, Key, Known, Link, LinkId, LinkedPair,
    NewWorkflowRun, Overview, Pair, PairDecision, PlanId, PlanRow, PlanRowState, Result, Review,
    ReviewFilter, ReviewId, Run, RunId, RunState, Saved, Signal, Snapshot, Store, StoredPlan,
    StoredWorkflow, Sweep, SweepPage, SyncEvents, SyncEventsCursor, SyncName, Tombstone,
    WorkflowCame, WorkflowChildren, WorkflowCommit, WorkflowRun, WorkflowRunFilter, WorkflowRunId,
    WorkflowStep, WorkflowStore, WorkflowVersion, WorkflowWait, Workspace,
};
use tokio::sync::Notify;

use crate::Life;

/// How a commit fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Nothing is stored.
    Before,
    /// All is stored, and an error is answered all the same.
    After,
}

/// A store whose commits of outcomes can be made to fail.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    failures: Arc<Failures>,
    late: Arc<Late>,
    life: Arc<Life>,
}

/// Readings of how a sync stands that answer late: what they say was overtaken meanwhile.
#[derive(Default)]
struct Late {
    is_on: AtomicBool,
    saved: Notify,
}

/// How many commits are still to fail.
#[derive(Default)]
struct Failures {
    before: AtomicI64,
    after: AtomicI64,
}

impl FaultyStore {
    /// Fails nothing yet.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            failures: Arc::default(),
            late: Arc::default(),
            life: Arc::default(),
        }
    }

    /// The same store as one process sees it.
    pub fn of_process(&self, life: &Arc<Life>) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            failures: Arc::clone(&self.failures),
            late: Arc::clone(&self.late),
            life: Arc::clone(life),
        }
    }

    /// The next so many commits of outcomes fail.
    pub fn fail_commits(&self, number: i64, how: Failure) {
        match how {
            Failure::Before => &self.failures.before,
            Failure::After => &self.failures.after,
        }
        .store(number, Ordering::SeqCst);
    }

    /// From now on a reading of how a sync stands answers when that was stored anew, or after five
    /// seconds of real time.
    pub fn read_standings_late(&self) {
        self.late.is_on.store(true, Ordering::SeqCst);
    }

    /// Whether all failures that were asked for have happened.
    pub fn has_failed(&self) -> bool {
        self.failures.before.load(Ordering::SeqCst) <= 0
            && self.failures.after.load(Ordering::SeqCst) <= 0
    }
}

fn takes_one(left: &AtomicI64) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
        (left > 0).then_some(left - 1)
    })
    .is_ok()
}

/// Passes a command on that only reads.
macro_rules! reads {
    ($self:ident, $name:ident($($argument:ident),*)) => {{
        $self.life.lives().await;
        $self.inner.$name($($argument),*).await
    }};
}

/// Passes a command on that stores something.
macro_rules! stores {
    ($self:ident, $name:ident($($argument:ident),*)) => {{
        $self.life.pass(|| concat!("before ", stringify!($name)).to_owned()).await;
        let result = $self.inner.$name($($argument),*).await;
        $self.life.pass(|| concat!("after ", stringify!($name)).to_owned()).await;
        result
    }};
}

mod access;

#[async_trait]
impl WorkflowStore for FaultyStore {
    async fn save_workflow_draft(
        &self,
        workspace: &Workspace,
        name: &str,
        draft: Option<&Json>,
        now: Timestamp,
    ) -> Result<()> {
        stores!(self, save_workflow_draft(workspace, name, draft, now))
    }

    async fn pause_workflow(
        &self,
        workspace: &Workspace,
        name: &str,
        paused: bool,
        now: Timestamp,
    ) -> Result<bool> {
        stores!(self, pause_workflow(workspace, name, paused, now))
    }

    async fn return_to_workflow_version(
        &self,
        workspace: &Workspace,
        name: &str,
        version: u64,
        at_once: Option<u32>,
        now: Timestamp,
    ) -> Result<bool> {
        stores!(
            self,
            return_to_workflow_version(workspace, name, version, at_once, now)
        )
    }

    async fn workflow(&self, workspace: &Workspace, name: &str) -> Result<Option<StoredWorkflow>> {
        reads!(self, workflow(workspace, name))
    }

    async fn workflows(&self, workspace: &Workspace) -> Result<Vec<StoredWorkflow>> {
        reads!(self, workflows(workspace))
    }

    async fn publish_workflow(
        &self,
        workspace: &Workspace,
        name: &str,
        body: &Json,
        at_once: Option<u32>,
        now: Timestamp,
    ) -> Result<u64> {
        stores!(self, publish_workflow(workspace, name, body, at_once, now))
    }

    async fn workflow_versions(
        &self,
        workspace: &Workspace,
        name: &str,
    ) -> Result<Vec<WorkflowVersion>> {
        reads!(self, workflow_versions(workspace, name))
    }

    async fn workflow_version(
        &self,
        workspace: &Workspace,
        name: &str,
        version: u64,
    ) -> Result<Option<WorkflowVersion>> {
        reads!(self, workflow_version(workspace, name, version))
    }

    async fn accept_runs(
        &self,
        workspace: &Workspace,
        cursor: Option<(&str, &Json)>,
        runs: &[NewWorkflowRun],
        came: &[WorkflowCame],
    ) -> Result<Vec<bool>> {
        stores!(self, accept_runs(workspace, cursor, runs, came))
    }

    async fn workflow_waits(
        &self,
        workspace: &Workspace,
        source: &str,
    ) -> Result<Vec<WorkflowWait>> {
        reads!(self, workflow_waits(workspace, source))
    }

    async fn workflow_wait(
        &self,
        workspace: &Workspace,
        run: WorkflowRunId,
    ) -> Result<Option<WorkflowWait>> {
        reads!(self, workflow_wait(workspace, run))
    }

    async fn workflow_wait_sources(&self, workspace: &Workspace) -> Result<Vec<String>> {
        reads!(self, workflow_wait_sources(workspace))
    }

    async fn workflow_cursor(&self, workspace: &Workspace, name: &str) -> Result<Option<Json>> {
        reads!(self, workflow_cursor(workspace, name))
    }

    async fn workflow_cursors(&self, workspace: &Workspace) -> Result<Vec<String>> {
        reads!(self, workflow_cursors(workspace))
    }

    async fn drop_workflow_cursors(&self, workspace: &Workspace, names: &[String]) -> Result<()> {
        stores!(self, drop_workflow_cursors(workspace, names))
    }

    async fn claim_runs(
        &self,
        workspace: &Workspace,
        now: Timestamp,
        lease_until: Timestamp,
        limit: usize,
    ) -> Result<Vec<WorkflowRun>> {
        stores!(self, claim_runs(workspace, now, lease_until, limit))
    }

    async fn next_run_due(&self, workspace: &Workspace) -> Result<Option<Timestamp>> {
        reads!(self, next_run_due(workspace))
    }

    async fn end_run_leases(&self, workspace: &Workspace) -> Result<u64> {
        stores!(self, end_run_leases(workspace))
    }

    async fn commit_run(&self, workspace: &Workspace, commit: WorkflowCommit) -> Result<bool> {
        stores!(self, commit_run(workspace, commit))
    }

    async fn answer_run(
        &self,
        workspace: &Workspace,
        run: WorkflowRunId,
        position: &Json,
        now: Timestamp,
    ) -> Result<bool> {
        stores!(self, answer_run(workspace, run, position, now))
    }

    async fn cancel_run(
        &self,
        workspace: &Workspace,
        run: WorkflowRunId,
        note: &str,
        now: Timestamp,
    ) -> Result<bool> {
        stores!(self, cancel_run(workspace, run, note, now))
    }

    async fn workflow_run(
        &self,
        workspace: &Workspace,
        run: WorkflowRunId,
    ) -> Result<Option<WorkflowRun>> {
        reads!(self, workflow_run(workspace, run))
    }

    async fn workflow_runs(
        &self,
        workspace: &Workspace,
        filter: &WorkflowRunFilter,
    ) -> Result<Vec<WorkflowRun>> {
        reads!(self, workflow_runs(workspace, filter))
    }

    async fn workflow_steps(
        &self,
        workspace: &Workspace,
        run: WorkflowRunId,
    ) -> Result<Vec<WorkflowStep>> {
        reads!(self, workflow_steps(workspace, run))
    }

    async fn workflow_children(
        &self,
        workspace: &Workspace,
        run: WorkflowRunId,
        number: u32,
        results: bool,
    ) -> Result<WorkflowChildren> {
        reads!(self, workflow_children(workspace, run, number, results))
    }

    async fn sync_events_after(
        &self,
        workspace: &Workspace,
        after: SyncEventsCursor,
        limit: usize,
    ) -> Result<SyncEvents> {
        reads!(self, sync_events_after(workspace, after, limit))
    }

    async fn sync_events_end(&self, workspace: &Workspace) -> Result<SyncEventsCursor> {
        reads!(self, sync_events_end(workspace))
    }

    async fn drop_runs(
        &self,
        workspace: &Workspace,
        before: Timestamp,
        at_most: usize,
    ) -> Result<u64> {
        stores!(self, drop_runs(workspace, before, at_most))
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn backup(&self, target: &std::path::Path) -> Result<()> {
        reads!(self, backup(target))
    }

    async fn still_ours(&self) -> Result<()> {
        reads!(self, still_ours())
    }

    async fn drop_old(&self, workspace: &Workspace, keep: &Keep, at_most: usize) -> Result<u64> {
        stores!(self, drop_old(workspace, keep, at_most))
    }

    async fn kept(&self, workspace: &Workspace) -> Result<KeptNow> {
        reads!(self, kept(workspace))
    }

    async fn applied_config(&self, workspace: &Workspace) -> Result<Option<AppliedConfig>> {
        reads!(self, applied_config(workspace))
    }

    async fn applied_configs(
        &self,
        workspace: &Workspace,
        limit: usize,
    ) -> Result<Vec<AppliedConfig>> {
        reads!(self, applied_configs(workspace, limit))
    }

    async fn apply_config(
        &self,
        workspace: &Workspace,
        document: &str,
        now: Timestamp,
    ) -> Result<AppliedConfig> {
        stores!(self, apply_config(workspace, document, now))
    }

    async fn credentials(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
    ) -> Result<Option<CredentialRow>> {
        reads!(self, credentials(workspace, connection))
    }

    async fn save_credentials(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        sealed: &[u8],
        expected: u64,
    ) -> Result<Saved> {
        stores!(
            self,
            save_credentials(workspace, connection, sealed, expected)
        )
    }

    async fn connection_state(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
    ) -> Result<Option<Json>> {
        reads!(self, connection_state(workspace, connection))
    }

    async fn save_connection_state(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        state: &Json,
    ) -> Result<()> {
        stores!(self, save_connection_state(workspace, connection, state))
    }

    async fn cursor(&self, workspace: &Workspace, key: &CursorKey) -> Result<Option<Json>> {
        reads!(self, cursor(workspace, key))
    }

    async fn save_cursor(
        &self,
        workspace: &Workspace,
        key: &CursorKey,
        value: &Json,
        signals: &[Signal],
    ) -> Result<()> {
        stores!(self, save_cursor(workspace, key, value, signals))
    }

    async fn setting(&self, workspace: &Workspace, name: &str) -> Result<Option<Json>> {
        reads!(self, setting(workspace, name))
    }

    async fn save_setting(&self, workspace: &Workspace, name: &str, value: &Json) -> Result<()> {
        stores!(self, save_setting(workspace, name, value))
    }

    async fn accept_delivery(
        &self,
        workspace: &Workspace,
        delivery: DeliveryRow,
    ) -> Result<Accepted> {
        stores!(self, accept_delivery(workspace, delivery))
    }

    async fn signal(&self, workspace: &Workspace, signals: &[Signal]) -> Result<()> {
        stores!(self, signal(workspace, signals))
    }

    async fn claim(&self, workspace: &Workspace, request: ClaimRequest) -> Result<Vec<Claim>> {
        // What claims nothing stores nothing.
        self.life.lives().await;
        let claims = self.inner.claim(workspace, request).await;
        if claims.as_ref().is_ok_and(|claims| !claims.is_empty()) {
            self.life.pass(|| "after claim".to_owned()).await;
        }
        claims
    }

    async fn next_due(
        &self,
        workspace: &Workspace,
        connections: &[ConnectionName],
        except: &[(ConnectionName, Entity)],
    ) -> Result<Option<Timestamp>> {
        reads!(self, next_due(workspace, connections, except))
    }

    async fn end_leases(&self, workspace: &Workspace) -> Result<u64> {
        stores!(self, end_leases(workspace))
    }

    async fn failing(
        &self,
        workspace: &Workspace,
        connection: Option<&ConnectionName>,
        after: Option<&store::FailingPlace>,
        limit: usize,
    ) -> Result<Vec<(Claim, String)>> {
        reads!(self, failing(workspace, connection, after, limit))
    }

    async fn begin_sweep(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        now: Timestamp,
    ) -> Result<Sweep> {
        stores!(self, begin_sweep(workspace, connection, entity, now))
    }

    async fn abandon_sweep(&self, workspace: &Workspace, sweep: i64) -> Result<()> {
        stores!(self, abandon_sweep(workspace, sweep))
    }

    async fn known(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        ids: &[RecordId],
    ) -> Result<Vec<Option<Known>>> {
        reads!(self, known(workspace, connection, entity, ids))
    }

    async fn commit_page(&self, workspace: &Workspace, page: SweepPage) -> Result<()> {
        stores!(self, commit_page(workspace, page))
    }

    async fn unseen(
        &self,
        workspace: &Workspace,
        sweep: i64,
        after: i64,
        limit: usize,
    ) -> Result<Vec<(i64, RecordId)>> {
        reads!(self, unseen(workspace, sweep, after, limit))
    }

    async fn finish_sweep(
        &self,
        workspace: &Workspace,
        sweep: i64,
        signals: &[Signal],
        now: Timestamp,
    ) -> Result<()> {
        stores!(self, finish_sweep(workspace, sweep, signals, now))
    }

    async fn last_sweep(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
    ) -> Result<Option<(Timestamp, u64)>> {
        reads!(self, last_sweep(workspace, connection, entity))
    }

    async fn snapshots(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        ids: &[RecordId],
    ) -> Result<Vec<Option<Snapshot>>> {
        reads!(self, snapshots(workspace, connection, entity, ids))
    }

    async fn snapshots_after(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        after: i64,
        limit: usize,
    ) -> Result<Vec<(i64, Snapshot)>> {
        reads!(
            self,
            snapshots_after(workspace, connection, entity, after, limit)
        )
    }

    async fn known_count(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
    ) -> Result<u64> {
        reads!(self, known_count(workspace, connection, entity))
    }

    async fn candidates(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        keys: &[Key],
    ) -> Result<Vec<(Key, RecordId)>> {
        reads!(self, candidates(workspace, connection, entity, keys))
    }

    async fn links_of(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        entity: Entity,
        side: Side,
        records: &[RecordId],
    ) -> Result<Vec<Link>> {
        reads!(self, links_of(workspace, sync, entity, side, records))
    }

    async fn links_after(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>> {
        reads!(self, links_after(workspace, sync, after, limit))
    }

    async fn pairs_after(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<LinkedPair>> {
        reads!(self, pairs_after(workspace, sync, after, limit))
    }

    async fn some_links(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        entity: Entity,
        limit: usize,
    ) -> Result<Vec<Link>> {
        reads!(self, some_links(workspace, sync, entity, limit))
    }

    async fn link(&self, workspace: &Workspace, id: LinkId) -> Result<Option<Link>> {
        reads!(self, link(workspace, id))
    }

    async fn sync_state(&self, workspace: &Workspace, sync: &SyncName) -> Result<Option<Json>> {
        let saved = self.late.saved.notified();
        tokio::pin!(saved);
        saved.as_mut().enable();
        let state = reads!(self, sync_state(workspace, sync));
        if self.late.is_on.load(Ordering::SeqCst) {
            drop(tokio::time::timeout(Duration::from_secs(5), saved).await);
        }
        state
    }

    async fn save_sync_state(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        state: &Json,
    ) -> Result<()> {
        let stored = stores!(self, save_sync_state(workspace, sync, state));
        if self.late.is_on.load(Ordering::SeqCst) {
            // Whoever read before is told first.
            self.late.saved.notify_waiters();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        stored
    }

    async fn tombstones_of(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        entity: Entity,
        side: Side,
        records: &[RecordId],
    ) -> Result<Vec<Tombstone>> {
        reads!(self, tombstones_of(workspace, sync, entity, side, records))
    }

    async fn blocked(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        links: Option<&[LinkId]>,
    ) -> Result<Vec<Blocked>> {
        reads!(self, blocked(workspace, sync, links))
    }

    async fn blocked_after(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        of: &store::BlockedFilter,
        after: Option<&store::BlockedPlace>,
        limit: usize,
    ) -> Result<Vec<store::BlockedField>> {
        reads!(self, blocked_after(workspace, sync, of, after, limit))
    }

    async fn blocked_sums(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        after: Option<&store::BlockedSumPlace>,
        limit: usize,
    ) -> Result<Vec<store::BlockedSum>> {
        reads!(self, blocked_sums(workspace, sync, after, limit))
    }

    async fn skipped(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        reason: Option<store::SkipReason>,
        after: Option<&store::SkippedPlace>,
        limit: usize,
    ) -> Result<Vec<store::Skipped>> {
        reads!(self, skipped(workspace, sync, reason, after, limit))
    }

    async fn children(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        limit: usize,
    ) -> Result<(u64, Vec<Child>)> {
        reads!(self, children(workspace, sync, limit))
    }

    async fn children_count(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
    ) -> Result<std::collections::BTreeMap<Entity, u64>> {
        reads!(self, children_count(workspace, sync))
    }

    async fn decisions_of(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        entity: Entity,
        side: Side,
        records: &[RecordId],
    ) -> Result<Vec<(Pair, PairDecision)>> {
        reads!(self, decisions_of(workspace, sync, entity, side, records))
    }

    async fn decisions(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        after: Option<&DecisionPlace>,
        limit: usize,
    ) -> Result<Vec<(Entity, Pair, PairDecision)>> {
        reads!(self, decisions(workspace, sync, after, limit))
    }

    async fn commit(&self, workspace: &Workspace, commit: Commit) -> Result<()> {
        self.life.pass(|| "before commit".to_owned()).await;
        // A commit that only gives claims back is no outcome.
        let counts = !(commit.links.is_empty() && commit.journal.is_empty());
        if counts && takes_one(&self.failures.before) {
            return Err(Error::Unwritable("no space is left (made up)".to_owned()));
        }
        let after = counts && takes_one(&self.failures.after);
        self.inner.commit(workspace, commit).await?;
        self.life.pass(|| "after commit".to_owned()).await;
        if after {
            return Err(Error::Unwritable(
                "the answer got lost (made up)".to_owned(),
            ));
        }
        Ok(())
    }

    async fn open_intents(
        &self,
        workspace: &Workspace,
        intents: &[Intent],
    ) -> Result<Vec<IntentId>> {
        stores!(self, open_intents(workspace, intents))
    }

    async fn intents_due(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Intent>> {
        reads!(self, intents_due(workspace, sync, now, limit))
    }

    async fn intents_of(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        entity: Entity,
        target: Side,
        sources: &[RecordId],
    ) -> Result<Vec<Intent>> {
        reads!(self, intents_of(workspace, sync, entity, target, sources))
    }

    async fn doubt_intents(&self, workspace: &Workspace, look_after: Timestamp) -> Result<u64> {
        stores!(self, doubt_intents(workspace, look_after))
    }

    async fn reviews(&self, workspace: &Workspace, filter: &ReviewFilter) -> Result<Vec<Review>> {
        reads!(self, reviews(workspace, filter))
    }

    async fn review(&self, workspace: &Workspace, id: ReviewId) -> Result<Option<Review>> {
        reads!(self, review(workspace, id))
    }

    async fn journal(
        &self,
        workspace: &Workspace,
        filter: &JournalFilter,
    ) -> Result<Vec<JournalEntry>> {
        reads!(self, journal(workspace, filter))
    }

    async fn save_plan(&self, workspace: &Workspace, plan: &StoredPlan) -> Result<()> {
        stores!(self, save_plan(workspace, plan))
    }

    async fn plan(&self, workspace: &Workspace, id: PlanId) -> Result<Option<StoredPlan>> {
        reads!(self, plan(workspace, id))
    }

    async fn plans(
        &self,
        workspace: &Workspace,
        sync: Option<&SyncName>,
        limit: usize,
    ) -> Result<Vec<StoredPlan>> {
        reads!(self, plans(workspace, sync, limit))
    }

    async fn add_plan_rows(
        &self,
        workspace: &Workspace,
        plan: PlanId,
        rows: &[PlanRow],
    ) -> Result<()> {
        stores!(self, add_plan_rows(workspace, plan, rows))
    }

    async fn plan_rows(
        &self,
        workspace: &Workspace,
        plan: PlanId,
        state: Option<PlanRowState>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<PlanRow>> {
        reads!(self, plan_rows(workspace, plan, state, after, limit))
    }

    async fn mark_plan_rows(
        &self,
        workspace: &Workspace,
        plan: PlanId,
        rows: &[(u64, PlanRowState, Option<String>)],
    ) -> Result<()> {
        stores!(self, mark_plan_rows(workspace, plan, rows))
    }

    async fn count_plan_rows(
        &self,
        workspace: &Workspace,
        plan: PlanId,
    ) -> Result<std::collections::BTreeMap<PlanRowState, u64>> {
        reads!(self, count_plan_rows(workspace, plan))
    }

    async fn drop_plan(&self, workspace: &Workspace, plan: PlanId, at_most: usize) -> Result<bool> {
        stores!(self, drop_plan(workspace, plan, at_most))
    }

    async fn drop_listings(&self, workspace: &Workspace, at_most: usize) -> Result<bool> {
        stores!(self, drop_listings(workspace, at_most))
    }

    async fn begin_run(&self, workspace: &Workspace, run: &Run) -> Result<()> {
        stores!(self, begin_run(workspace, run))
    }

    async fn finish_run(
        &self,
        workspace: &Workspace,
        run: RunId,
        state: RunState,
        now: Timestamp,
    ) -> Result<()> {
        stores!(self, finish_run(workspace, run, state, now))
    }

    async fn runs(
        &self,
        workspace: &Workspace,
        sync: Option<&SyncName>,
        limit: usize,
    ) -> Result<Vec<Run>> {
        reads!(self, runs(workspace, sync, limit))
    }

    async fn log_calls(
        &self,
        workspace: &Workspace,
        calls: &[CallRow],
        keep_since: Option<Timestamp>,
    ) -> Result<()> {
        stores!(self, log_calls(workspace, calls, keep_since))
    }

    async fn calls(
        &self,
        workspace: &Workspace,
        filter: &CallFilter,
    ) -> Result<Vec<(store::CallPlace, CallRow)>> {
        reads!(self, calls(workspace, filter))
    }

    async fn add_meters(
        &self,
        workspace: &Workspace,
        meters: &std::collections::BTreeMap<String, i64>,
    ) -> Result<()> {
        stores!(self, add_meters(workspace, meters))
    }

    async fn overview(&self, workspace: &Workspace) -> Result<Overview> {
        reads!(self, overview(workspace))
    }
}
