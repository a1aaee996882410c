//! The commands of [`Store`], each handed to the session that runs it.

use std::{collections::BTreeMap, path::Path};

use async_trait::async_trait;
use jiff::Timestamp;
use record::{Entity, RecordId, Side};
use serde_json::Value as Json;

use super::{
    SqlStore, blocked, children, commit, connections, intents, journal, keys, ledger, links,
    listings::{self, Place},
    marks, plans, retention, reviews, settings, signals, skipped, sweeps,
};
use crate::{
    Accepted, AppliedConfig, Blocked, BlockedField, BlockedFilter, BlockedPlace, BlockedSum,
    BlockedSumPlace, CallFilter, CallPlace, CallRow, Child, Claim, ClaimRequest, Commit,
    ConnectionName, CredentialRow, CursorKey, DecisionPlace, DeliveryRow, FailingPlace, Intent,
    IntentId, JournalEntry, JournalFilter, Keep, KeptNow, Key, Known, Link, LinkId, LinkedPair,
    Overview, Pair, PairDecision, PlanId, PlanRow, PlanRowState, Result, Review, ReviewFilter,
    ReviewId, Run, RunId, RunState, Saved, Signal, SkipReason, Skipped, SkippedPlace, Snapshot,
    Store, StoredPlan, Sweep, SweepPage, SyncName, Tombstone, Workspace,
};

#[async_trait]
impl Store for SqlStore {
    async fn backup(&self, target: &Path) -> Result<()> {
        self.backup_to(target).await
    }

    async fn still_ours(&self) -> Result<()> {
        // only who owns the database gets as far as a transaction that writes
        self.write_soon(|_session| Ok(())).await
    }

    async fn drop_old(&self, workspace: &Workspace, keep: &Keep, at_most: usize) -> Result<u64> {
        let (workspace, keep) = (workspace.clone(), *keep);
        self.write(move |session| retention::drop_old(session, &workspace, &keep, at_most))
            .await
    }

    async fn kept(&self, workspace: &Workspace) -> Result<KeptNow> {
        let workspace = workspace.clone();
        self.read(move |session| retention::now(session, &workspace))
            .await
    }

    async fn applied_config(&self, workspace: &Workspace) -> Result<Option<AppliedConfig>> {
        let workspace = workspace.clone();
        self.read(move |session| connections::applied_config(session, &workspace))
            .await
    }

    async fn applied_configs(
        &self,
        workspace: &Workspace,
        limit: usize,
    ) -> Result<Vec<AppliedConfig>> {
        let workspace = workspace.clone();
        self.read(move |session| connections::applied_configs(session, &workspace, limit))
            .await
    }

    async fn apply_config(
        &self,
        workspace: &Workspace,
        document: &str,
        now: Timestamp,
    ) -> Result<AppliedConfig> {
        let (workspace, document) = (workspace.clone(), document.to_owned());
        self.write(move |session| connections::apply_config(session, &workspace, document, now))
            .await
    }

    async fn credentials(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
    ) -> Result<Option<CredentialRow>> {
        let (workspace, connection) = (workspace.clone(), connection.clone());
        self.read(move |session| connections::credentials(session, &workspace, &connection))
            .await
    }

    async fn save_credentials(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        sealed: &[u8],
        expected: u64,
    ) -> Result<Saved> {
        let (workspace, connection) = (workspace.clone(), connection.clone());
        let sealed = sealed.to_vec();
        self.write(move |session| {
            connections::save_credentials(session, &workspace, &connection, &sealed, expected)
        })
        .await
    }

    async fn connection_state(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
    ) -> Result<Option<Json>> {
        let (workspace, connection) = (workspace.clone(), connection.clone());
        self.read(move |session| connections::state(session, &workspace, &connection))
            .await
    }

    async fn save_connection_state(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        state: &Json,
    ) -> Result<()> {
        let (workspace, connection) = (workspace.clone(), connection.clone());
        let state = state.clone();
        self.write(move |session| connections::save_state(session, &workspace, &connection, &state))
            .await
    }

    async fn cursor(&self, workspace: &Workspace, key: &CursorKey) -> Result<Option<Json>> {
        let (workspace, key) = (workspace.clone(), key.clone());
        self.read(move |session| {
            match Place::find(session, &workspace, &key.connection, key.entity)? {
                Some(place) => connections::cursor(session, place, &key.purpose),
                None => Ok(None),
            }
        })
        .await
    }

    async fn save_cursor(
        &self,
        workspace: &Workspace,
        key: &CursorKey,
        value: &Json,
        signals: &[Signal],
    ) -> Result<()> {
        let (workspace, key) = (workspace.clone(), key.clone());
        let (value, signals) = (value.clone(), signals.to_vec());
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            let place = Place::of(session, ws, &key.connection, key.entity)?;
            connections::save_cursor(session, place, &key.purpose, &value)?;
            signals::signal(session, ws, &signals, None)
        })
        .await
    }

    async fn setting(&self, workspace: &Workspace, name: &str) -> Result<Option<Json>> {
        let (workspace, name) = (workspace.clone(), name.to_owned());
        self.read(move |session| settings::of(session, &workspace, &name))
            .await
    }

    async fn save_setting(&self, workspace: &Workspace, name: &str, value: &Json) -> Result<()> {
        let (workspace, name, value) = (workspace.clone(), name.to_owned(), value.clone());
        self.write(move |session| settings::save(session, &workspace, &name, &value))
            .await
    }

    async fn accept_delivery(
        &self,
        workspace: &Workspace,
        delivery: DeliveryRow,
    ) -> Result<Accepted> {
        let workspace = workspace.clone();
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            signals::accept(session, ws, &delivery)
        })
        .await
    }

    async fn signal(&self, workspace: &Workspace, signals: &[Signal]) -> Result<()> {
        let (workspace, signals) = (workspace.clone(), signals.to_vec());
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            signals::signal(session, ws, &signals, None)
        })
        .await
    }

    async fn claim(&self, workspace: &Workspace, request: ClaimRequest) -> Result<Vec<Claim>> {
        let workspace = workspace.clone();
        self.write_soon(move |session| signals::claim(session, &workspace, &request))
            .await
    }

    async fn next_due(
        &self,
        workspace: &Workspace,
        connections: &[ConnectionName],
        except: &[(ConnectionName, Entity)],
    ) -> Result<Option<Timestamp>> {
        let (workspace, connections) = (workspace.clone(), connections.to_vec());
        let except = except.to_vec();
        self.read(move |session| signals::next_due(session, &workspace, &connections, &except))
            .await
    }

    async fn end_leases(&self, workspace: &Workspace) -> Result<u64> {
        let workspace = workspace.clone();
        self.write(move |session| signals::end_leases(session, &workspace))
            .await
    }

    async fn failing(
        &self,
        workspace: &Workspace,
        connection: Option<&ConnectionName>,
        after: Option<&FailingPlace>,
        limit: usize,
    ) -> Result<Vec<(Claim, String)>> {
        let (workspace, connection) = (workspace.clone(), connection.cloned());
        let after = after.cloned();
        self.read(move |session| {
            let (connection, after) = (connection.as_ref(), after.as_ref());
            signals::failing(session, &workspace, connection, after, limit)
        })
        .await
    }

    async fn begin_sweep(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        now: Timestamp,
    ) -> Result<Sweep> {
        let (workspace, connection) = (workspace.clone(), connection.clone());
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            let place = Place::of(session, ws, &connection, entity)?;
            sweeps::begin(session, place, now)
        })
        .await
    }

    async fn abandon_sweep(&self, workspace: &Workspace, sweep: i64) -> Result<()> {
        let workspace = workspace.clone();
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            sweeps::drop_one(session, ws, sweep)
        })
        .await
    }

    async fn known(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        ids: &[RecordId],
    ) -> Result<Vec<Option<Known>>> {
        let (workspace, connection) = (workspace.clone(), connection.clone());
        let ids = ids.to_vec();
        self.read(
            move |session| match Place::find(session, &workspace, &connection, entity)? {
                Some(place) => listings::known(session, place, &ids),
                None => Ok(vec![None; ids.len()]),
            },
        )
        .await
    }

    async fn commit_page(&self, workspace: &Workspace, page: SweepPage) -> Result<()> {
        let workspace = workspace.clone();
        let unchanged = page.changed.is_empty();
        let work = move |session: &super::Session| {
            let ws = session.workspace(&workspace)?;
            sweeps::commit_page(session, ws, &page)
        };
        if unchanged {
            // What a power failure takes of it is listed again.
            self.write_soon(work).await
        } else {
            self.write(work).await
        }
    }

    async fn unseen(
        &self,
        workspace: &Workspace,
        sweep: i64,
        after: i64,
        limit: usize,
    ) -> Result<Vec<(i64, RecordId)>> {
        let workspace = workspace.clone();
        self.read(move |session| sweeps::unseen(session, &workspace, sweep, after, limit))
            .await
    }

    async fn finish_sweep(
        &self,
        workspace: &Workspace,
        sweep: i64,
        signals: &[Signal],
        now: Timestamp,
    ) -> Result<()> {
        let (workspace, signals) = (workspace.clone(), signals.to_vec());
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            sweeps::finish(session, ws, sweep, &signals, now)
        })
        .await
    }

    async fn last_sweep(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
    ) -> Result<Option<(Timestamp, u64)>> {
        let (workspace, connection) = (workspace.clone(), connection.clone());
        self.read(
            move |session| match Place::find(session, &workspace, &connection, entity)? {
                Some(place) => sweeps::last(session, place),
                None => Ok(None),
            },
        )
        .await
    }

    async fn snapshots(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        ids: &[RecordId],
    ) -> Result<Vec<Option<Snapshot>>> {
        let (workspace, connection) = (workspace.clone(), connection.clone());
        let ids = ids.to_vec();
        self.read(
            move |session| match Place::find(session, &workspace, &connection, entity)? {
                Some(place) => listings::snapshots(session, place, &connection, entity, &ids),
                None => Ok(vec![None; ids.len()]),
            },
        )
        .await
    }

    async fn snapshots_after(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        after: i64,
        limit: usize,
    ) -> Result<Vec<(i64, Snapshot)>> {
        let (workspace, connection) = (workspace.clone(), connection.clone());
        self.read(
            move |session| match Place::find(session, &workspace, &connection, entity)? {
                Some(place) => {
                    listings::snapshots_after(session, place, &connection, entity, after, limit)
                }
                None => Ok(Vec::new()),
            },
        )
        .await
    }

    async fn known_count(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
    ) -> Result<u64> {
        let (workspace, connection) = (workspace.clone(), connection.clone());
        self.read(
            move |session| match Place::find(session, &workspace, &connection, entity)? {
                Some(place) => listings::known_count(session, place),
                None => Ok(0),
            },
        )
        .await
    }

    async fn candidates(
        &self,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
        keys: &[Key],
    ) -> Result<Vec<(Key, RecordId)>> {
        let (workspace, connection) = (workspace.clone(), connection.clone());
        let keys = keys.to_vec();
        self.read(
            move |session| match Place::find(session, &workspace, &connection, entity)? {
                Some(place) => keys::candidates(session, place, &keys),
                None => Ok(Vec::new()),
            },
        )
        .await
    }

    async fn links_of(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        entity: Entity,
        side: Side,
        records: &[RecordId],
    ) -> Result<Vec<Link>> {
        let (workspace, sync, records) = (workspace.clone(), sync.clone(), records.to_vec());
        self.read(move |session| {
            links::of_records(session, &workspace, &sync, entity, side, &records)
        })
        .await
    }

    async fn links_after(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>> {
        let (workspace, sync) = (workspace.clone(), sync.clone());
        self.read(move |session| links::after(session, &workspace, &sync, after, limit))
            .await
    }

    async fn pairs_after(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<LinkedPair>> {
        let (workspace, sync) = (workspace.clone(), sync.clone());
        self.read(move |session| links::pairs_after(session, &workspace, &sync, after, limit))
            .await
    }

    async fn some_links(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        entity: Entity,
        limit: usize,
    ) -> Result<Vec<Link>> {
        let (workspace, sync) = (workspace.clone(), sync.clone());
        self.read(move |session| links::some(session, &workspace, &sync, entity, limit))
            .await
    }

    async fn link(&self, workspace: &Workspace, id: LinkId) -> Result<Option<Link>> {
        let workspace = workspace.clone();
        self.read(move |session| links::one(session, &workspace, id))
            .await
    }

    async fn sync_state(&self, workspace: &Workspace, sync: &SyncName) -> Result<Option<Json>> {
        let (workspace, sync) = (workspace.clone(), sync.clone());
        self.read(move |session| links::sync_state(session, &workspace, &sync))
            .await
    }

    async fn save_sync_state(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        state: &Json,
    ) -> Result<()> {
        let (workspace, sync, state) = (workspace.clone(), sync.clone(), state.clone());
        self.write(move |session| links::save_sync_state(session, &workspace, &sync, &state))
            .await
    }

    async fn tombstones_of(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        entity: Entity,
        side: Side,
        records: &[RecordId],
    ) -> Result<Vec<Tombstone>> {
        let (workspace, sync, records) = (workspace.clone(), sync.clone(), records.to_vec());
        self.read(move |session| {
            marks::tombstones_of(session, &workspace, &sync, entity, side, &records)
        })
        .await
    }

    async fn blocked(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        links: Option<&[LinkId]>,
    ) -> Result<Vec<Blocked>> {
        let (workspace, sync) = (workspace.clone(), sync.clone());
        let of = links.map(<[LinkId]>::to_vec);
        self.read(move |session| marks::blocked(session, &workspace, &sync, of.as_deref()))
            .await
    }

    async fn blocked_after(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        of: &BlockedFilter,
        after: Option<&BlockedPlace>,
        limit: usize,
    ) -> Result<Vec<BlockedField>> {
        let (workspace, sync, after) = (workspace.clone(), sync.clone(), after.cloned());
        let of = of.clone();
        self.read(move |session| {
            blocked::blocked_after(session, &workspace, &sync, &of, after.as_ref(), limit)
        })
        .await
    }

    async fn blocked_sums(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        after: Option<&BlockedSumPlace>,
        limit: usize,
    ) -> Result<Vec<BlockedSum>> {
        let (workspace, sync, after) = (workspace.clone(), sync.clone(), after.cloned());
        self.read(move |session| {
            blocked::blocked_sums(session, &workspace, &sync, after.as_ref(), limit)
        })
        .await
    }

    async fn skipped(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        reason: Option<SkipReason>,
        after: Option<&SkippedPlace>,
        limit: usize,
    ) -> Result<Vec<Skipped>> {
        let (workspace, sync, after) = (workspace.clone(), sync.clone(), after.cloned());
        self.read(move |session| {
            skipped::after(session, &workspace, &sync, reason, after.as_ref(), limit)
        })
        .await
    }

    async fn children(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        limit: usize,
    ) -> Result<(u64, Vec<Child>)> {
        let (workspace, sync) = (workspace.clone(), sync.clone());
        self.read(move |session| children::of_sync(session, &workspace, &sync, limit))
            .await
    }

    async fn children_count(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
    ) -> Result<BTreeMap<Entity, u64>> {
        let (workspace, sync) = (workspace.clone(), sync.clone());
        self.read(move |session| children::counted(session, &workspace, &sync))
            .await
    }

    async fn decisions_of(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        entity: Entity,
        side: Side,
        records: &[RecordId],
    ) -> Result<Vec<(Pair, PairDecision)>> {
        let (workspace, sync, records) = (workspace.clone(), sync.clone(), records.to_vec());
        self.read(move |session| {
            marks::decisions_of(session, &workspace, &sync, entity, side, &records)
        })
        .await
    }

    async fn decisions(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        after: Option<&DecisionPlace>,
        limit: usize,
    ) -> Result<Vec<(Entity, Pair, PairDecision)>> {
        let (workspace, sync, after) = (workspace.clone(), sync.clone(), after.cloned());
        self.read(move |session| {
            marks::decisions(session, &workspace, &sync, after.as_ref(), limit)
        })
        .await
    }

    async fn commit(&self, workspace: &Workspace, commit: Commit) -> Result<()> {
        let workspace = workspace.clone();
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            commit::commit(session, ws, &commit)
        })
        .await
    }

    async fn open_intents(
        &self,
        workspace: &Workspace,
        intents: &[Intent],
    ) -> Result<Vec<IntentId>> {
        let (workspace, intents) = (workspace.clone(), intents.to_vec());
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            intents::open(session, ws, &intents)
        })
        .await
    }

    async fn intents_due(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Intent>> {
        let (workspace, sync) = (workspace.clone(), sync.clone());
        self.read(move |session| intents::due(session, &workspace, &sync, now, limit))
            .await
    }

    async fn intents_of(
        &self,
        workspace: &Workspace,
        sync: &SyncName,
        entity: Entity,
        target: Side,
        sources: &[RecordId],
    ) -> Result<Vec<Intent>> {
        let (workspace, sync, sources) = (workspace.clone(), sync.clone(), sources.to_vec());
        self.read(move |session| {
            intents::of_sources(session, &workspace, &sync, entity, target, &sources)
        })
        .await
    }

    async fn doubt_intents(&self, workspace: &Workspace, look_after: Timestamp) -> Result<u64> {
        let workspace = workspace.clone();
        self.write(move |session| intents::doubt(session, &workspace, look_after))
            .await
    }

    async fn reviews(&self, workspace: &Workspace, filter: &ReviewFilter) -> Result<Vec<Review>> {
        let (workspace, filter) = (workspace.clone(), filter.clone());
        self.read(move |session| reviews::list(session, &workspace, &filter))
            .await
    }

    async fn review(&self, workspace: &Workspace, id: ReviewId) -> Result<Option<Review>> {
        let workspace = workspace.clone();
        self.read(move |session| reviews::one(session, &workspace, id))
            .await
    }

    async fn journal(
        &self,
        workspace: &Workspace,
        filter: &JournalFilter,
    ) -> Result<Vec<JournalEntry>> {
        let (workspace, filter) = (workspace.clone(), filter.clone());
        self.read(move |session| journal::list(session, &workspace, &filter))
            .await
    }

    async fn save_plan(&self, workspace: &Workspace, plan: &StoredPlan) -> Result<()> {
        let (workspace, plan) = (workspace.clone(), plan.clone());
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            plans::save(session, ws, &plan)
        })
        .await
    }

    async fn plan(&self, workspace: &Workspace, id: PlanId) -> Result<Option<StoredPlan>> {
        let workspace = workspace.clone();
        self.read(move |session| plans::one(session, &workspace, id))
            .await
    }

    async fn plans(
        &self,
        workspace: &Workspace,
        sync: Option<&SyncName>,
        limit: usize,
    ) -> Result<Vec<StoredPlan>> {
        let (workspace, sync) = (workspace.clone(), sync.cloned());
        self.read(move |session| plans::list(session, &workspace, sync.as_ref(), limit))
            .await
    }

    async fn add_plan_rows(
        &self,
        workspace: &Workspace,
        plan: PlanId,
        rows: &[PlanRow],
    ) -> Result<()> {
        let (workspace, rows) = (workspace.clone(), rows.to_vec());
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            plans::add_rows(session, ws, plan, &rows)
        })
        .await
    }

    async fn plan_rows(
        &self,
        workspace: &Workspace,
        plan: PlanId,
        state: Option<PlanRowState>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<PlanRow>> {
        let workspace = workspace.clone();
        self.read(move |session| plans::rows(session, &workspace, plan, state, after, limit))
            .await
    }

    async fn mark_plan_rows(
        &self,
        workspace: &Workspace,
        plan: PlanId,
        rows: &[(u64, PlanRowState, Option<String>)],
    ) -> Result<()> {
        let (workspace, rows) = (workspace.clone(), rows.to_vec());
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            plans::mark_rows(session, ws, plan, &rows)
        })
        .await
    }

    async fn count_plan_rows(
        &self,
        workspace: &Workspace,
        plan: PlanId,
    ) -> Result<BTreeMap<PlanRowState, u64>> {
        let workspace = workspace.clone();
        self.read(move |session| plans::count_rows(session, &workspace, plan))
            .await
    }

    async fn drop_plan(&self, workspace: &Workspace, plan: PlanId, at_most: usize) -> Result<bool> {
        let workspace = workspace.clone();
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            plans::drop_one(session, ws, plan, at_most)
        })
        .await
    }

    async fn drop_listings(&self, workspace: &Workspace, at_most: usize) -> Result<bool> {
        let workspace = workspace.clone();
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            plans::drop_listings(session, ws, at_most)
        })
        .await
    }

    async fn begin_run(&self, workspace: &Workspace, run: &Run) -> Result<()> {
        let (workspace, run) = (workspace.clone(), run.clone());
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            ledger::begin_run(session, ws, &run)
        })
        .await
    }

    async fn finish_run(
        &self,
        workspace: &Workspace,
        run: RunId,
        state: RunState,
        now: Timestamp,
    ) -> Result<()> {
        let workspace = workspace.clone();
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            ledger::finish_run(session, ws, run, state, now)
        })
        .await
    }

    async fn runs(
        &self,
        workspace: &Workspace,
        sync: Option<&SyncName>,
        limit: usize,
    ) -> Result<Vec<Run>> {
        let (workspace, sync) = (workspace.clone(), sync.cloned());
        self.read(move |session| ledger::runs(session, &workspace, sync.as_ref(), limit))
            .await
    }

    async fn log_calls(
        &self,
        workspace: &Workspace,
        calls: &[CallRow],
        keep_since: Option<Timestamp>,
    ) -> Result<()> {
        let (workspace, calls) = (workspace.clone(), calls.to_vec());
        self.write_soon(move |session| {
            let ws = session.workspace(&workspace)?;
            ledger::log_calls(session, ws, &calls, keep_since)
        })
        .await
    }

    async fn calls(
        &self,
        workspace: &Workspace,
        filter: &CallFilter,
    ) -> Result<Vec<(CallPlace, CallRow)>> {
        let (workspace, filter) = (workspace.clone(), filter.clone());
        self.read(move |session| ledger::calls(session, &workspace, &filter))
            .await
    }

    async fn add_meters(
        &self,
        workspace: &Workspace,
        meters: &BTreeMap<String, i64>,
    ) -> Result<()> {
        let (workspace, meters) = (workspace.clone(), meters.clone());
        self.write_soon(move |session| {
            let ws = session.workspace(&workspace)?;
            ledger::add_meters(session, ws, &meters)
        })
        .await
    }

    async fn overview(&self, workspace: &Workspace) -> Result<Overview> {
        let workspace = workspace.clone();
        self.read(move |session| ledger::overview(session, &workspace))
            .await
    }
}
