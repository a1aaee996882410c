//! What others may ask of the engine.

use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

use connections::Connections;
use mapping::SyncRules;
use record::{Entity, RecordId};
use store::{
    Accepted, BlockedFilter, ConnectionName, Lane, PlanId, PlanRow, PlanRowState, Review,
    ReviewFilter, ReviewId, StoredPlan, SyncName,
};
use tokio::sync::watch;

use super::Handle;
use crate::{
    BlockedRow, BlockedSumRow, DecidedPair, Edit, EditError, Edited, Error, Explanation, Extent,
    LinkRow, NamedPair, PairsReport, Plan, PlanReport, Progress, RunReport, Status, apply, blocked,
    by_hand, edit, explain, intake, listing, plan, resolve, run,
    setup::{self},
    undo::{self, UndoPlan, UndoReport, UndoScope},
};

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
        self.core.make_ready(sync).await?;
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
        self.core.make_ready(&sync).await?;
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
        self.core.make_ready(sync).await?;
        run::run(&self.core, sync, extent, progress).await
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

    /// Whether systems have an address to send webhooks to; they have unless this says otherwise. Where they have none,
    /// every account is polled as often as one that tells of nothing.
    pub fn can_be_told(&self, told: bool) {
        self.core.told.store(told, Ordering::Relaxed);
    }

    /// Somebody signed in: what the account takes may be another than was read or learnt, so it is read anew soon, and
    /// what it refused, and what failed there, is tried again.
    pub async fn signed_in(&self, connection: &ConnectionName) {
        let of_connection = crate::Again {
            connection: Some(connection.clone()),
            ..crate::Again::default()
        };
        // Behind what people edit: nobody waits for each of them.
        let tried = crate::again::again(&self.core, &of_connection, Lane::Reconcile).await;
        if let Err(error) = tried {
            tracing::error!(%connection, %error, "what was refused before the sign-in could not be marked to be tried again; `tandem retry` does it");
        }
        self.core.doubt_schemas();
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

    /// Checks rules against the two accounts as they are now, changing nothing. One line a problem. `accounts`: those
    /// that the rules are to be in force with.
    ///
    /// # Errors
    /// When an account cannot be read.
    pub async fn check_rules(
        &self,
        accounts: &Connections,
        sync: &SyncName,
        rules: &SyncRules,
    ) -> Result<Vec<mapping::Problem>, Error> {
        setup::check(accounts, sync, rules).await
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
                match listing::poll(&self.core, &pairing, side).await {
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
            .pairs_after(&self.core.workspace, sync, after, limit)
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

    /// In one word how each sync stands, and why.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn standing(&self) -> Result<Vec<(SyncName, &'static str, Option<String>)>, Error> {
        self.core.recall_all().await?;
        let modes: Vec<(SyncName, mapping::Mode)> = {
            let rules = self.core.rules.read().expect("no panic while held");
            let rules = rules.iter();
            rules
                .map(|(name, rules)| (name.clone(), rules.mode))
                .collect()
        };
        let stands = modes.into_iter().map(|(name, mode)| {
            let (state, why) = run::stands(&self.core, &name, mode);
            (name, state, why)
        });
        Ok(stands.collect())
    }

    /// Has what failed or was refused tried again, in the order in which it began.
    ///
    /// # Errors
    /// When there is no such sync or the store fails.
    pub async fn try_again(&self, wanted: &crate::Again) -> Result<crate::TriedAgain, Error> {
        crate::again::again(&self.core, wanted, Lane::Live).await
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
        blocked::blocked(&self.core, sync, &BlockedFilter::default(), None, limit).await
    }

    /// The same of these only, after one of them, whose `cursor` is given.
    ///
    /// # Errors
    /// As [`blocked`](Self::blocked).
    pub async fn blocked_after(
        &self,
        sync: Option<&SyncName>,
        of: &BlockedFilter,
        after: Option<&crate::BlockedAfter>,
        limit: usize,
    ) -> Result<Vec<BlockedRow>, Error> {
        blocked::blocked(&self.core, sync, of, after, limit).await
    }

    /// Each field that does not cross once for each reason, with how many records it is about; from one of them on, whose
    /// `cursor` is given.
    ///
    /// # Errors
    /// As [`blocked`](Self::blocked).
    pub async fn blocked_sums(
        &self,
        sync: Option<&SyncName>,
        after: Option<&crate::BlockedSumAfter>,
        limit: usize,
    ) -> Result<Vec<BlockedSumRow>, Error> {
        blocked::sums(&self.core, sync, after, limit).await
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
        resolve::resolve(&self.core, review, choice, None).await
    }

    /// Carries out an answer that comes with a value, as `edit` does.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve).
    pub async fn resolve_with(
        &self,
        review: ReviewId,
        choice: &str,
        value: Option<&str>,
    ) -> Result<Review, Error> {
        resolve::resolve(&self.core, review, choice, value).await
    }

    /// Links pairs that are known from elsewhere. All are checked before any is linked; `dry_run` only checks.
    ///
    /// # Errors
    /// When a sync is not ready, a record cannot be read for another reason than that it is gone, or the store fails.
    pub async fn link_pairs(
        &self,
        pairs: &[NamedPair],
        dry_run: bool,
    ) -> Result<PairsReport, Error> {
        by_hand::link(&self.core, pairs, dry_run).await
    }

    /// Ends a link because the two are not one, for good. With `leave` neither gets another counterpart made.
    ///
    /// # Errors
    /// When the two are not linked, the sync is not ready, or the store fails.
    pub async fn split(&self, pair: &NamedPair, leave: bool) -> Result<(), Error> {
        by_hand::split(&self.core, pair, leave).await
    }

    /// What people decided about pairs of a sync, those after one. At most so many; 0: all.
    ///
    /// # Errors
    /// When there is no such sync or the store fails.
    pub async fn decisions(
        &self,
        sync: &SyncName,
        after: Option<&store::DecisionPlace>,
        limit: usize,
    ) -> Result<Vec<DecidedPair>, Error> {
        by_hand::decisions(&self.core, sync, after, limit).await
    }

    /// What people decided about pairs with this record.
    ///
    /// # Errors
    /// As [`decisions`](Self::decisions).
    pub async fn decisions_of(
        &self,
        sync: &SyncName,
        entity: record::Entity,
        side: record::Side,
        record: &record::RecordId,
    ) -> Result<Vec<DecidedPair>, Error> {
        by_hand::decisions_of(&self.core, sync, entity, side, record).await
    }

    /// Forgets what a person decided about a pair: the two are judged as if nobody had said anything. A link between
    /// them stays.
    ///
    /// # Errors
    /// When nothing was decided about them, the sync is not ready, or the store fails.
    pub async fn forget_decision(&self, pair: &NamedPair) -> Result<(), Error> {
        by_hand::forget(&self.core, pair).await
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

    /// Makes an edit on one side, and on the other what follows from it.
    ///
    /// # Errors
    /// When the rules or a system refuse it, or it cannot be made now.
    pub async fn edit(&self, edit: &Edit) -> Result<Edited, EditError> {
        self.prepare().await?;
        edit::edit(&self.core, edit).await
    }

    /// What an edit would write now. Reads both sides; writes nothing.
    ///
    /// # Errors
    /// As [`edit`](Self::edit).
    pub async fn preview_edit(&self, edit: &Edit) -> Result<Edited, EditError> {
        self.prepare().await?;
        edit::preview(&self.core, edit).await
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
