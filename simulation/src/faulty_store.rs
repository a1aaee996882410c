//! A store that fails when a test says so, before or after the effect.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use async_trait::async_trait;
use jiff::Timestamp;
use record::{Entity, RecordId, Side};
use serde_json::Value as Json;
use store::{
    Accepted, AppliedConfig, Blocked, CallFilter, CallRow, Claim, ClaimRequest, Commit,
    ConnectionName, CredentialRow, CursorKey, DeliveryRow, Error, Intent, IntentId, JournalEntry,
    JournalFilter, Key, Known, Link, LinkId, Overview, Pair, PairDecision, Result, Review,
    ReviewFilter, ReviewId, Run, RunId, RunState, Saved, Signal, Snapshot, Store, Sweep, SweepPage,
    SyncName, Tombstone, Workspace,
};

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
    before: AtomicI64,
    after: AtomicI64,
}

impl FaultyStore {
    /// Fails nothing yet.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            before: AtomicI64::new(0),
            after: AtomicI64::new(0),
        }
    }

    /// The next so many commits of outcomes fail.
    pub fn fail_commits(&self, number: i64, how: Failure) {
        match how {
            Failure::Before => &self.before,
            Failure::After => &self.after,
        }
        .store(number, Ordering::SeqCst);
    }

    /// Whether all failures that were asked for have happened.
    pub fn has_failed(&self) -> bool {
        self.before.load(Ordering::SeqCst) <= 0 && self.after.load(Ordering::SeqCst) <= 0
    }
}

fn takes_one(left: &AtomicI64) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
        (left > 0).then_some(left - 1)
    })
    .is_ok()
}

/// Passes each command on as it is.
macro_rules! pass_on {
    ($self:ident, $name:ident($($argument:ident),*)) => {
        $self.inner.$name($($argument),*).await
    };
}

#[async_trait]
impl Store for FaultyStore {
    async fn applied_config(&self, workspace: &Workspace) -> Result<Option<AppliedConfig>> {
        pass_on!(self, applied_config(workspace))
    }

    async fn apply_config(
        &self,
        workspace: &Workspace,
        document: &str,
        now: Timestamp,
    ) -> Result<AppliedConfig> {
        pass_on!(self, apply_config(workspace, document, now))
    }

    async fn credentials(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
    ) -> Result<Option<CredentialRow>> {
        pass_on!(self, credentials(workspace, connection))
    }

    async fn save_credentials(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        sealed: &[u8],
        expected: u64,
    ) -> Result<Saved> {
        pass_on!(
            self,
            save_credentials(workspace, connection, sealed, expected)
        )
    }

    async fn connection_state(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
    ) -> Result<Option<Json>> {
        pass_on!(self, connection_state(workspace, connection))
    }

    async fn save_connection_state(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        state: &Json,
    ) -> Result<()> {
        pass_on!(self, save_connection_state(workspace, connection, state))
    }

    async fn cursor(&self, workspace: &Workspace, key: &CursorKey) -> Result<Option<Json>> {
        pass_on!(self, cursor(workspace, key))
    }

    async fn save_cursor(
        &self,
        workspace: &Workspace,
        key: &CursorKey,
        value: &Json,
        signals: &[Signal],
    ) -> Result<()> {
        pass_on!(self, save_cursor(workspace, key, value, signals))
    }

    async fn accept_delivery(
        &self,
        workspace: &Workspace,
        delivery: DeliveryRow,
    ) -> Result<Accepted> {
        pass_on!(self, accept_delivery(workspace, delivery))
    }

    async fn signal(&self, workspace: &Workspace, signals: &[Signal]) -> Result<()> {
        pass_on!(self, signal(workspace, signals))
    }

    async fn claim(&self, workspace: &Workspace, request: ClaimRequest) -> Result<Vec<Claim>> {
        pass_on!(self, claim(workspace, request))
    }

    async fn next_due(
        &self,
        workspace: &Workspace,
        connections: &[ConnectionName],
    ) -> Result<Option<Timestamp>> {
        pass_on!(self, next_due(workspace, connections))
    }

    async fn end_leases(&self, workspace: &Workspace) -> Result<u64> {
        pass_on!(self, end_leases(workspace))
    }

    async fn failing(
        &self,
        workspace: &Workspace,
        connection: Option<&ConnectionName>,
        limit: usize,
    ) -> Result<Vec<(Claim, String)>> {
        pass_on!(self, failing(workspace, connection, limit))
    }

    async fn begin_sweep(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        now: Timestamp,
    ) -> Result<Sweep> {
        pass_on!(self, begin_sweep(workspace, connection, entity, now))
    }

    async fn abandon_sweep(&self, workspace: &Workspace, sweep: i64) -> Result<()> {
        pass_on!(self, abandon_sweep(workspace, sweep))
    }

    async fn known(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        ids: &[RecordId],
    ) -> Result<Vec<Option<Known>>> {
        pass_on!(self, known(workspace, connection, entity, ids))
    }

    async fn commit_page(&self, workspace: &Workspace, page: SweepPage) -> Result<()> {
        pass_on!(self, commit_page(workspace, page))
    }

    async fn unseen(
        &self,
        workspace: &Workspace,
        sweep: i64,
        after: i64,
        limit: usize,
    ) -> Result<Vec<(i64, RecordId)>> {
        pass_on!(self, unseen(workspace, sweep, after, limit))
    }

    async fn finish_sweep(
        &self,
        workspace: &Workspace,
        sweep: i64,
        signals: &[Signal],
        now: Timestamp,
    ) -> Result<()> {
        pass_on!(self, finish_sweep(workspace, sweep, signals, now))
    }

    async fn last_sweep(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
    ) -> Result<Option<(Timestamp, u64)>> {
        pass_on!(self, last_sweep(workspace, connection, entity))
    }

    async fn snapshots(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        ids: &[RecordId],
    ) -> Result<Vec<Option<Snapshot>>> {
        pass_on!(self, snapshots(workspace, connection, entity, ids))
    }

    async fn snapshots_after(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        after: i64,
        limit: usize,
    ) -> Result<Vec<(i64, Snapshot)>> {
        pass_on!(
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
        pass_on!(self, known_count(workspace, connection, entity))
    }

    async fn candidates(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        keys: &[Key],
    ) -> Result<Vec<(Key, RecordId)>> {
        pass_on!(self, candidates(workspace, connection, entity, keys))
    }

    async fn links_of(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        entity: Entity,
        side: Side,
        records: &[RecordId],
    ) -> Result<Vec<Link>> {
        pass_on!(self, links_of(workspace, sync, entity, side, records))
    }

    async fn links_after(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>> {
        pass_on!(self, links_after(workspace, sync, after, limit))
    }

    async fn link(&self, workspace: &Workspace, id: LinkId) -> Result<Option<Link>> {
        pass_on!(self, link(workspace, id))
    }

    async fn sync_state(&self, workspace: &Workspace, sync: &SyncName) -> Result<Option<Json>> {
        pass_on!(self, sync_state(workspace, sync))
    }

    async fn save_sync_state(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        state: &Json,
    ) -> Result<()> {
        pass_on!(self, save_sync_state(workspace, sync, state))
    }

    async fn tombstones_of(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        entity: Entity,
        side: Side,
        records: &[RecordId],
    ) -> Result<Vec<Tombstone>> {
        pass_on!(self, tombstones_of(workspace, sync, entity, side, records))
    }

    async fn blocked(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        links: Option<&[LinkId]>,
    ) -> Result<Vec<Blocked>> {
        pass_on!(self, blocked(workspace, sync, links))
    }

    async fn decisions_of(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        entity: Entity,
        side: Side,
        records: &[RecordId],
    ) -> Result<Vec<(Pair, PairDecision)>> {
        pass_on!(self, decisions_of(workspace, sync, entity, side, records))
    }

    async fn commit(&self, workspace: &Workspace, commit: Commit) -> Result<()> {
        // A commit that only gives claims back is no outcome.
        let counts = !(commit.links.is_empty() && commit.journal.is_empty());
        if counts && takes_one(&self.before) {
            return Err(Error::Unwritable("no space is left (made up)".to_owned()));
        }
        let after = counts && takes_one(&self.after);
        self.inner.commit(workspace, commit).await?;
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
        pass_on!(self, open_intents(workspace, intents))
    }

    async fn intents_due(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Intent>> {
        pass_on!(self, intents_due(workspace, sync, now, limit))
    }

    async fn intents_of(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        entity: Entity,
        target: Side,
        sources: &[RecordId],
    ) -> Result<Vec<Intent>> {
        pass_on!(self, intents_of(workspace, sync, entity, target, sources))
    }

    async fn doubt_intents(&self, workspace: &Workspace, look_after: Timestamp) -> Result<u64> {
        pass_on!(self, doubt_intents(workspace, look_after))
    }

    async fn reviews(&self, workspace: &Workspace, filter: &ReviewFilter) -> Result<Vec<Review>> {
        pass_on!(self, reviews(workspace, filter))
    }

    async fn review(&self, workspace: &Workspace, id: ReviewId) -> Result<Option<Review>> {
        pass_on!(self, review(workspace, id))
    }

    async fn journal(
        &self,
        workspace: &Workspace,
        filter: &JournalFilter,
    ) -> Result<Vec<JournalEntry>> {
        pass_on!(self, journal(workspace, filter))
    }

    async fn begin_run(&self, workspace: &Workspace, run: &Run) -> Result<()> {
        pass_on!(self, begin_run(workspace, run))
    }

    async fn finish_run(
        &self,
        workspace: &Workspace,
        run: RunId,
        state: RunState,
        now: Timestamp,
    ) -> Result<()> {
        pass_on!(self, finish_run(workspace, run, state, now))
    }

    async fn runs(
        &self,
        workspace: &Workspace,
        sync: Option<&SyncName>,
        limit: usize,
    ) -> Result<Vec<Run>> {
        pass_on!(self, runs(workspace, sync, limit))
    }

    async fn log_calls(
        &self,
        workspace: &Workspace,
        calls: &[CallRow],
        keep_since: Option<Timestamp>,
    ) -> Result<()> {
        pass_on!(self, log_calls(workspace, calls, keep_since))
    }

    async fn calls(&self, workspace: &Workspace, filter: &CallFilter) -> Result<Vec<CallRow>> {
        pass_on!(self, calls(workspace, filter))
    }

    async fn add_meters(
        &self,
        workspace: &Workspace,
        meters: &std::collections::BTreeMap<String, i64>,
    ) -> Result<()> {
        pass_on!(self, add_meters(workspace, meters))
    }

    async fn overview(&self, workspace: &Workspace) -> Result<Overview> {
        pass_on!(self, overview(workspace))
    }
}
