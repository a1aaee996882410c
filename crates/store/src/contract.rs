//! The commands.

use std::path::Path;

use async_trait::async_trait;
use jiff::Timestamp;
use record::{Entity, RecordId, Side};
use serde_json::Value as Json;

use crate::{
    Accepted, AppliedConfig, Blocked, BlockedField, BlockedFilter, BlockedPlace, BlockedSum,
    BlockedSumPlace, CallFilter, CallPlace, CallRow, Child, Claim, ClaimRequest, Commit,
    ConnectionName, CredentialRow, CursorKey, DecisionPlace, DeliveryRow, FailingPlace, Intent,
    IntentId, JournalEntry, JournalFilter, Keep, KeptNow, Key, Known, Link, LinkId, LinkedPair,
    Overview, Pair, PairDecision, PlanId, PlanRow, PlanRowState, Result, Review, ReviewFilter,
    ReviewId, Run, RunId, RunState, Saved, Signal, SkipReason, Skipped, SkippedPlace, Snapshot,
    StoredPlan, Sweep, SweepPage, SyncName, Tombstone, Workspace,
};

/// Everything durable. Each method is one transaction; when it returns, it is durable.
///
/// What [`claim`](Store::claim), [`add_meters`](Store::add_meters), [`log_calls`](Store::log_calls) and a
/// [`commit_page`](Store::commit_page) without changed records did outlives the process at once, but
/// reaches the disk only with the next other command: a power failure may take the last of it, which
/// frees a lease, lists a page again or drops a count.
#[async_trait]
pub trait Store: crate::AccessStore + crate::WorkflowStore + Send + Sync {
    /// Copies everything, as it is at one moment, to a new file of this machine while work goes on. The file
    /// is there wholly or not at all. A database server has tools of its own for that, and refuses.
    async fn backup(&self, target: &Path) -> Result<()>;

    /// Says whether this process has the database still. On a server another one may have taken it over since the connection
    /// was lost; reading goes on then, and whoever acts on what he read would act beside his successor.
    async fn still_ours(&self) -> Result<()>;

    // How much is kept

    /// Drops at most so many rows of what is not to be kept any more, the oldest first. Says how many went: fewer
    /// than asked for means that all of it did.
    async fn drop_old(&self, workspace: &Workspace, keep: &Keep, at_most: usize) -> Result<u64>;

    /// How much is kept. Counts rows, which takes a moment where there are many.
    async fn kept(&self, workspace: &Workspace) -> Result<KeptNow>;

    // Config and connections

    /// The config in force.
    async fn applied_config(&self, workspace: &Workspace) -> Result<Option<AppliedConfig>>;

    /// Configs that were in force, the newest first, with the one that is; at most so many.
    async fn applied_configs(
        &self,
        workspace: &Workspace,
        limit: usize,
    ) -> Result<Vec<AppliedConfig>>;

    /// Puts a config into force.
    async fn apply_config(
        &self,
        workspace: &Workspace,
        document: &str,
        now: Timestamp,
    ) -> Result<AppliedConfig>;

    /// The sealed credentials of a connection.
    async fn credentials(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
    ) -> Result<Option<CredentialRow>>;

    /// Saves sealed credentials if the version is still the expected one (0: none yet).
    async fn save_credentials(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        sealed: &[u8],
        expected: u64,
    ) -> Result<Saved>;

    /// What a connection remembers that is no secret: account, granted settings.
    async fn connection_state(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
    ) -> Result<Option<Json>>;

    /// Replaces what a connection remembers.
    async fn save_connection_state(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        state: &Json,
    ) -> Result<()>;

    /// Where a poll goes on.
    async fn cursor(&self, workspace: &Workspace, key: &CursorKey) -> Result<Option<Json>>;

    /// Marks records dirty and moves the cursor, together.
    async fn save_cursor(
        &self,
        workspace: &Workspace,
        key: &CursorKey,
        value: &Json,
        signals: &[Signal],
    ) -> Result<()>;

    // Users

    /// What is kept under a name and is about no record: users, their sessions. `None`: nothing yet.
    async fn setting(&self, workspace: &Workspace, name: &str) -> Result<Option<Json>>;

    /// Replaces what is kept under a name.
    async fn save_setting(&self, workspace: &Workspace, name: &str, value: &Json) -> Result<()>;

    // Signals

    /// Takes a webhook in. When this returns, it is durable.
    async fn accept_delivery(
        &self,
        workspace: &Workspace,
        delivery: DeliveryRow,
    ) -> Result<Accepted>;

    /// Marks records dirty.
    async fn signal(&self, workspace: &Workspace, signals: &[Signal]) -> Result<()>;

    /// Leases dirty records to a worker; all of one connection and entity.
    async fn claim(&self, workspace: &Workspace, request: ClaimRequest) -> Result<Vec<Claim>>;

    /// When the next dirty record of these connections is due, but for these places, if any waits. One that a
    /// worker has is due when its lease ends.
    async fn next_due(
        &self,
        workspace: &Workspace,
        connections: &[ConnectionName],
        except: &[(ConnectionName, Entity)],
    ) -> Result<Option<Timestamp>>;

    /// Ends all leases: at start, when no other process can hold one. Says how many there were.
    async fn end_leases(&self, workspace: &Workspace) -> Result<u64>;

    /// Dirty records whose last try failed, with the error, oldest first; those after one.
    async fn failing(
        &self,
        workspace: &Workspace,
        connection: Option<&ConnectionName>,
        after: Option<&FailingPlace>,
        limit: usize,
    ) -> Result<Vec<(Claim, String)>>;

    // Listings

    /// Begins a sweep of one side, or goes on with an unfinished one.
    async fn begin_sweep(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        now: Timestamp,
    ) -> Result<Sweep>;

    /// Drops an unfinished sweep, so that the next begins from the start.
    async fn abandon_sweep(&self, workspace: &Workspace, sweep: i64) -> Result<()>;

    /// What is known of listed records, in the order of the ids.
    async fn known(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        ids: &[RecordId],
    ) -> Result<Vec<Option<Known>>>;

    /// Stores what a page brought and where to go on.
    async fn commit_page(&self, workspace: &Workspace, page: SweepPage) -> Result<()>;

    /// Records that were known when this sweep began and that it has not seen, after the row, in the
    /// order of rows.
    async fn unseen(
        &self,
        workspace: &Workspace,
        sweep: i64,
        after: i64,
        limit: usize,
    ) -> Result<Vec<(i64, RecordId)>>;

    /// Ends a sweep and marks these records dirty.
    async fn finish_sweep(
        &self,
        workspace: &Workspace,
        sweep: i64,
        signals: &[Signal],
        now: Timestamp,
    ) -> Result<()>;

    /// When the last sweep of one side was finished, and how many records it listed.
    async fn last_sweep(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
    ) -> Result<Option<(Timestamp, u64)>>;

    /// What is kept of records, in the order of the ids.
    async fn snapshots(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        ids: &[RecordId],
    ) -> Result<Vec<Option<Snapshot>>>;

    /// Known records of a connection in the order of rows, after the row: for plans.
    async fn snapshots_after(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        after: i64,
        limit: usize,
    ) -> Result<Vec<(i64, Snapshot)>>;

    /// How many records of an entity are known on a connection.
    async fn known_count(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
    ) -> Result<u64>;

    /// Records of a connection that carry one of these keys.
    async fn candidates(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        keys: &[Key],
    ) -> Result<Vec<(Key, RecordId)>>;

    // Links

    /// Links that hold one of these records on this side.
    async fn links_of(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        entity: Entity,
        side: Side,
        records: &[RecordId],
    ) -> Result<Vec<Link>>;

    /// Links of a sync in the order of their ids, after this one.
    async fn links_after(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>>;

    /// The same without what the two sides agreed on.
    async fn pairs_after(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<LinkedPair>>;

    /// So many links of an entity whose records are there as far as is known: none about which it is asked what became of a
    /// record. Always the same ones, as long as they are.
    async fn some_links(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        entity: Entity,
        limit: usize,
    ) -> Result<Vec<Link>>;

    /// One link.
    async fn link(&self, workspace: &Workspace, id: LinkId) -> Result<Option<Link>>;

    /// What a sync remembers beside its links: paused or not, and why. `None`: nothing yet.
    async fn sync_state(&self, workspace: &Workspace, sync: &SyncName) -> Result<Option<Json>>;

    /// Replaces what a sync remembers.
    async fn save_sync_state(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        state: &Json,
    ) -> Result<()>;

    /// Tombstones of these records on this side.
    async fn tombstones_of(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        entity: Entity,
        side: Side,
        records: &[RecordId],
    ) -> Result<Vec<Tombstone>>;

    /// Blocked fields of these links; of all links of the sync if `links` is `None`.
    async fn blocked(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        links: Option<&[LinkId]>,
    ) -> Result<Vec<Blocked>>;

    /// Blocked fields of a sync, these or all, oldest first; those after one. At most so many.
    async fn blocked_after(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        of: &BlockedFilter,
        after: Option<&BlockedPlace>,
        limit: usize,
    ) -> Result<Vec<BlockedField>>;

    /// Each field once for each reason, the longest blocked first; those after one. At most so many. How many rows each has
    /// is counted as they come and go.
    async fn blocked_sums(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        after: Option<&BlockedSumPlace>,
        limit: usize,
    ) -> Result<Vec<BlockedSum>>;

    /// Records that a sync looked at and left out, for this reason or any; those after one. At most so many.
    async fn skipped(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        reason: Option<SkipReason>,
        after: Option<&SkippedPlace>,
        limit: usize,
    ) -> Result<Vec<Skipped>>;

    /// How many records of a sync wait for the record that they belong to, and the first of them.
    async fn children(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        limit: usize,
    ) -> Result<(u64, Vec<Child>)>;

    /// How many records of a sync wait for the record that they belong to, of each kind.
    async fn children_count(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
    ) -> Result<std::collections::BTreeMap<Entity, u64>>;

    /// What was decided about pairs that hold one of these records on this side.
    async fn decisions_of(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        entity: Entity,
        side: Side,
        records: &[RecordId],
    ) -> Result<Vec<(Pair, PairDecision)>>;

    /// What was decided about pairs of a sync, those after one. At most so many.
    async fn decisions(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        after: Option<&DecisionPlace>,
        limit: usize,
    ) -> Result<Vec<(Entity, Pair, PairDecision)>>;

    /// Stores what a batch of reconciled records leaves behind, at once.
    async fn commit(&self, workspace: &Workspace, commit: Commit) -> Result<()>;

    // Intents

    /// Makes intents durable, before the calls. A source that already has one for the same sync and
    /// side is left out; the ids that were taken are returned.
    async fn open_intents(
        &self,
        workspace: &Workspace,
        intents: &[Intent],
    ) -> Result<Vec<IntentId>>;

    /// Intents of a sync whose outcome is unknown and to be looked for by now, oldest first. One that is
    /// still [`Open`](crate::IntentState::Open) is left out: its call may be under way.
    async fn intents_due(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Intent>>;

    /// Intents that come from one of these records of the side opposite to `target`.
    async fn intents_of(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        entity: Entity,
        target: Side,
        sources: &[RecordId],
    ) -> Result<Vec<Intent>>;

    /// At start: what was under way becomes unknown. Says how many there were.
    async fn doubt_intents(&self, workspace: &Workspace, look_after: Timestamp) -> Result<u64>;

    // Reviews

    /// Lists reviews in the order of opening.
    async fn reviews(&self, workspace: &Workspace, filter: &ReviewFilter) -> Result<Vec<Review>>;

    /// One review.
    async fn review(&self, workspace: &Workspace, id: ReviewId) -> Result<Option<Review>>;

    // Plans

    /// Stores a plan without its rows, or replaces it.
    async fn save_plan(&self, workspace: &Workspace, plan: &StoredPlan) -> Result<()>;

    /// One plan.
    async fn plan(&self, workspace: &Workspace, id: PlanId) -> Result<Option<StoredPlan>>;

    /// Plans, newest first.
    async fn plans(
        &self,
        workspace: &Workspace,
        sync: Option<&SyncName>,
        limit: usize,
    ) -> Result<Vec<StoredPlan>>;

    /// Adds rows to a plan, or replaces those of the same number.
    async fn add_plan_rows(
        &self,
        workspace: &Workspace,
        plan: PlanId,
        rows: &[PlanRow],
    ) -> Result<()>;

    /// Rows of a plan in their order, after the number; of one state if it is given.
    async fn plan_rows(
        &self,
        workspace: &Workspace,
        plan: PlanId,
        state: Option<PlanRowState>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<PlanRow>>;

    /// Says where rows of a plan stand now, and why.
    async fn mark_plan_rows(
        &self,
        workspace: &Workspace,
        plan: PlanId,
        rows: &[(u64, PlanRowState, Option<String>)],
    ) -> Result<()>;

    /// How many rows of a plan stand where.
    async fn count_plan_rows(
        &self,
        workspace: &Workspace,
        plan: PlanId,
    ) -> Result<std::collections::BTreeMap<PlanRowState, u64>>;

    /// Drops at most so many rows of a plan, and the plan when it has none left. Says whether that was all.
    async fn drop_plan(&self, workspace: &Workspace, plan: PlanId, at_most: usize) -> Result<bool>;

    /// Drops at most so many rows of everything that was listed in a workspace. Says whether that was
    /// all. For workspaces in which something is only tried out.
    async fn drop_listings(&self, workspace: &Workspace, at_most: usize) -> Result<bool>;

    // Ledger

    /// Lists journal rows, newest first.
    async fn journal(
        &self,
        workspace: &Workspace,
        filter: &JournalFilter,
    ) -> Result<Vec<JournalEntry>>;

    /// Begins a run.
    async fn begin_run(&self, workspace: &Workspace, run: &Run) -> Result<()>;

    /// Ends a run.
    async fn finish_run(
        &self,
        workspace: &Workspace,
        run: RunId,
        state: RunState,
        now: Timestamp,
    ) -> Result<()>;

    /// Runs of a sync, newest first.
    async fn runs(
        &self,
        workspace: &Workspace,
        sync: Option<&SyncName>,
        limit: usize,
    ) -> Result<Vec<Run>>;

    /// Adds to the call log and drops what is older than `keep_since`.
    async fn log_calls(
        &self,
        workspace: &Workspace,
        calls: &[CallRow],
        keep_since: Option<Timestamp>,
    ) -> Result<()>;

    /// Lists calls, newest first.
    async fn calls(
        &self,
        workspace: &Workspace,
        filter: &CallFilter,
    ) -> Result<Vec<(CallPlace, CallRow)>>;

    /// Adds to meters.
    async fn add_meters(
        &self,
        workspace: &Workspace,
        meters: &std::collections::BTreeMap<String, i64>,
    ) -> Result<()>;

    /// What the whole looks like.
    async fn overview(&self, workspace: &Workspace) -> Result<Overview>;
}
