//! Working off a batch of dirty records: look at both sides, decide, write, and leave everything in
//! one commit.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use connector::{Calls, Change, Effect, Fetched};
use futures::future::join;
use record::{FieldName, Fields, Read, RecordId, Side};
use store::{
    Blocked, Cause, Claim, Commit, IntentId, Lane, Link, LinkState, Release, Review, ReviewFilter,
    ReviewKind, ReviewState, RunId, Signal, SignalSource, Snapshot,
};

use crate::{
    Error,
    decide::{KEEP_ID, Overrides, PairPlan, decide, hash_of},
    engine::Core,
    gone, identify,
    pair::{End, Pairing, index},
    permit::Permit,
    references, resolve,
    settle::{Worked, contested, settle, unfinished},
    spread::Timed,
    unanswered,
    write::{Rest, Written, write},
};

/// A reading older than its signal's mark is tried again so often, then taken as it is: the mark
/// may come from a clock that runs ahead of ours.
const OLDER_TRIES: u32 = 3;

/// How long a record waits for the schema to be read.
const SCHEMA_WAIT: std::time::Duration = std::time::Duration::from_secs(2);

/// How one claim ends.
#[derive(Debug, Clone)]
pub(crate) enum ClaimEnd {
    /// Done.
    Settled,
    /// To be tried again.
    Again {
        /// After this wait; `None`: by the backoff.
        after: Option<std::time::Duration>,
        /// Why, if it is an error.
        error: Option<String>,
    },
    /// A vendor's limit is used up until then: it was not even tried.
    Later {
        /// Until then.
        until: jiff::Timestamp,
        /// Why.
        why: String,
    },
}

/// How long a record waits for a sync that stands still, in seconds, if nobody lets it go on.
const STANDS_STILL: u64 = 24 * 60 * 60;

/// What works on one side of one sync for one batch.
pub(crate) struct Desk<'a> {
    pub(crate) core: &'a Core,
    pub(crate) pairing: &'a Pairing,
    /// The side that the claims are on.
    pub(crate) side: Side,
    pub(crate) lane: Lane,
    pub(crate) run: Option<RunId>,
    pub(crate) commit: Commit,
    pub(crate) ends: BTreeMap<RecordId, ClaimEnd>,
    /// Claims that ended since the last time something was stored.
    unstored: Vec<RecordId>,
    /// Records whose links are waited for, with how urgently.
    awaited: BTreeMap<(Side, record::Entity, RecordId), Lane>,
    /// Links of records that were made, with the intents to make them.
    pub(crate) births: Vec<(store::LinkId, IntentId)>,
    /// Intents that were made durable and of whose end nothing is stored yet.
    pub(crate) begun: BTreeSet<IntentId>,
    pub(crate) counts: BTreeMap<String, i64>,
    /// What is made now was waiting when a person let the sync go on.
    pub(crate) let_go_on: bool,
    /// Only rows of a plan are carried out; `None`: whatever follows.
    pub(crate) permit: Option<Permit>,
    /// Other syncs look at the same records after this one.
    pub(crate) shares: bool,
    /// Readings of the side that the claims are on, see [`crate::shared`].
    pub(crate) shared: HashMap<RecordId, Read>,
}

impl Drop for Desk<'_> {
    /// What could not be stored of a create leaves its outcome open: it is looked for like one that
    /// had no answer.
    fn drop(&mut self) {
        self.core.strand(std::mem::take(&mut self.begun));
    }
}

/// Works off claims of one connection and entity.
pub(crate) async fn reconcile(core: &Arc<Core>, claims: Vec<Claim>) {
    let Some(first) = claims.first() else { return };
    let (connection, entity, lane) = (first.connection.clone(), first.entity, first.lane);
    let mut ends: BTreeMap<RecordId, ClaimEnd> = claims
        .iter()
        .map(|claim| (claim.record.clone(), ClaimEnd::Settled))
        .collect();
    let pairings = core.pairings_of(&connection, entity);
    let last = pairings.len();
    let mut settled = false;
    let mut shared = HashMap::new();
    for (number, (pairing, side)) in pairings.iter().enumerate() {
        let mut desk = Desk::new(core, pairing, *side, lane);
        if let Some(why) = core.held_back(pairing) {
            // A first listing ends by itself: to wait for it is no failure.
            let listing = core.is_listing(&pairing.sync);
            // Other syncs work with the record meanwhile. This one looks at all of them when its first
            // listing ends, and does nothing before.
            if last > 1 && (listing || !core.is_working(pairing)) {
                continue;
            }
            // Who lets a sync go on makes due what waits for it. Until then the others read nothing for it.
            let wait = match (listing, core.paused(&pairing.sync)) {
                (true, _) => 2,
                (false, Some(_)) => STANDS_STILL,
                (false, None) => 60,
            };
            for claim in &claims {
                ends.insert(
                    claim.record.clone(),
                    ClaimEnd::Again {
                        after: Some(std::time::Duration::from_secs(wait)),
                        error: (!listing).then(|| why.clone()),
                    },
                );
            }
            continue;
        }
        desk.shares = last > 1;
        desk.shared = std::mem::take(&mut shared);
        let worked = desk.work(&claims).await;
        shared = std::mem::take(&mut desk.shared);
        if let Err(error) = worked {
            desk.fail_rest(&claims, &error);
            if error.is_refusal() {
                core.doubt_schemas();
            }
        }
        for (record, end) in std::mem::take(&mut desk.ends) {
            if !matches!(end, ClaimEnd::Settled) {
                ends.insert(record, end);
            }
        }
        desk.ask_for_awaited().await;
        let mut commit = desk.finish();
        if number + 1 == last {
            core.settle_claims(&mut commit, &claims, &ends);
            settled = true;
        }
        let stored: Vec<IntentId> = commit.intents.iter().map(|(id, _)| *id).collect();
        if let Err(error) = core.commit(commit).await {
            tracing::error!(sync = %pairing.sync, %error, "a batch could not be stored");
            settled = false;
            // Whatever was stored before is found done by the next look.
            for end in ends.values_mut() {
                *end = ClaimEnd::Again {
                    after: None,
                    error: Some(error.to_string()),
                };
            }
        } else {
            desk.begun.retain(|intent| !stored.contains(intent));
        }
    }
    if !settled {
        let mut commit = Commit::default();
        core.settle_claims(&mut commit, &claims, &ends);
        if let Err(error) = core.commit(commit).await {
            // The leases end by themselves; nothing is lost.
            tracing::error!(%connection, %error, "claims could not be given back");
        }
    }
    core.work_done();
}

impl<'a> Desk<'a> {
    pub(crate) fn new(core: &'a Core, pairing: &'a Pairing, side: Side, lane: Lane) -> Self {
        Self {
            core,
            pairing,
            side,
            lane,
            run: core.run_of(&pairing.sync),
            commit: Commit::default(),
            ends: BTreeMap::new(),
            unstored: Vec::new(),
            awaited: BTreeMap::new(),
            births: Vec::new(),
            begun: BTreeSet::new(),
            counts: BTreeMap::new(),
            let_go_on: false,
            permit: None,
            shares: false,
            shared: HashMap::new(),
        }
    }

    pub(crate) fn count(&mut self, what: &str, by: usize) {
        if by > 0 {
            *self.counts.entry(what.to_owned()).or_default() +=
                i64::try_from(by).unwrap_or(i64::MAX);
        }
    }

    pub(crate) fn end(&mut self, record: &RecordId, end: ClaimEnd) {
        self.ends.insert(record.clone(), end);
        self.unstored.push(record.clone());
    }

    /// What is to be stored, with its counts.
    pub(crate) fn finish(&mut self) -> Commit {
        let mut commit = std::mem::take(&mut self.commit);
        // A link that was made and settled in one batch is written once, as it is at the end.
        let mut last: BTreeMap<store::LinkId, Link> = BTreeMap::new();
        for link in commit.links.drain(..) {
            last.insert(link.id, link);
        }
        commit.links = last.into_values().collect();
        let counts = std::mem::take(&mut self.counts);
        for (name, by) in &counts {
            *commit
                .meters
                .entry(format!("{}:{name}", self.pairing.sync))
                .or_default() += by;
        }
        if let Some(run) = self.run {
            commit.run = Some((run, counts));
        }
        commit
    }

    /// Stores what was done so far. To be called before the locks of the records are let go: who gets
    /// them next must see it. What cannot be stored is tried again.
    pub(crate) async fn flush(&mut self) {
        self.ask_for_awaited().await;
        let mut commit = self.finish();
        let worked = std::mem::take(&mut self.unstored);
        let births = std::mem::take(&mut self.births);
        loop {
            let error = match self.core.commit(commit.clone()).await {
                Ok(()) => {
                    for (intent, _) in &commit.intents {
                        self.begun.remove(intent);
                    }
                    return;
                }
                Err(error) => error,
            };
            // One record that got a link elsewhere meanwhile stops itself only.
            if let Error::Store(store::Error::AlreadyLinked { record, .. }) = &error {
                let without = self.without_links_of(&mut commit, record, &births);
                if without {
                    continue;
                }
            }
            tracing::error!(sync = %self.pairing.sync, %error, "what was done could not be stored");
            for record in worked {
                self.ends.insert(
                    record,
                    ClaimEnd::Again {
                        after: None,
                        error: Some(error.to_string()),
                    },
                );
            }
            return;
        }
    }

    /// Takes the new links that hold a record out of a commit; their records are looked at again. A
    /// record that was made for one of them stays the matter of its intent.
    fn without_links_of(
        &mut self,
        commit: &mut Commit,
        record: &str,
        births: &[(store::LinkId, IntentId)],
    ) -> bool {
        let holds = |link: &Link| link.left.as_str() == record || link.right.as_str() == record;
        let (dropped, kept): (Vec<Link>, Vec<Link>) = std::mem::take(&mut commit.links)
            .into_iter()
            .partition(holds);
        commit.links = kept;
        for link in &dropped {
            tracing::warn!(sync = %self.pairing.sync, left = %link.left, right = %link.right, "two links for one record; both are looked at again");
            commit.journal.retain(|row| row.link != Some(link.id));
            commit.blocked.retain(|row| row.link != link.id);
            commit.unblocked.retain(|(id, _, _)| *id != link.id);
            if let Some((_, intent)) = births.iter().find(|(id, _)| *id == link.id) {
                commit.intents.retain(|(id, _)| id != intent);
            }
            self.ends.insert(
                link.record(self.side).clone(),
                ClaimEnd::Again {
                    after: None,
                    error: Some("another record got the same counterpart meanwhile".to_owned()),
                },
            );
        }
        !dropped.is_empty()
    }

    /// Whether a record gets a link by what is not stored yet.
    pub(crate) fn is_taken(&self, side: Side, record: &RecordId) -> bool {
        self.commit
            .links
            .iter()
            .any(|link| link.record(side) == record)
    }

    fn fail_rest(&mut self, claims: &[Claim], error: &Error) {
        tracing::warn!(sync = %self.pairing.sync, %error, "a batch could not be worked off");
        let end = self.again(&Side::BOTH, Effect::Read, error.to_string());
        for claim in claims {
            self.ends
                .entry(claim.record.clone())
                .or_insert_with(|| end.clone());
        }
    }

    /// How a claim ends of which something failed at one of these sides: it is tried again, by the backoff, or when
    /// the limit is new that such calls wait for.
    pub(crate) fn again(&self, sides: &[Side], effect: Effect, error: String) -> ClaimEnd {
        let until = sides
            .iter()
            .filter_map(|side| self.used_up_until(*side, effect))
            .max();
        match until {
            Some(until) => ClaimEnd::Later { until, why: error },
            None => ClaimEnd::Again {
                after: None,
                error: Some(error),
            },
        }
    }

    /// Until when a side takes no more calls of this kind, if anybody waiting for it would give up.
    pub(crate) fn used_up_until(&self, side: Side, effect: Effect) -> Option<jiff::Timestamp> {
        let connection = &self.pairing.end(side).connection;
        let connections = &self.core.connections;
        let until = connections.used_up_until(connection, self.lane, effect);
        until.ok().flatten()
    }

    /// Works off the claims for this sync.
    pub(crate) async fn work(&mut self, claims: &[Claim]) -> Result<(), Error> {
        let ids: Vec<RecordId> = claims.iter().map(|claim| claim.record.clone()).collect();
        let links = self.links_of(self.side, &ids).await?;
        let (linked, unlinked): (Vec<&Claim>, Vec<&Claim>) = self
            .within_pilot(claims, &links)
            .into_iter()
            .partition(|claim| links.contains_key(&claim.record));
        tracing::debug!(
            sync = %self.pairing.sync,
            side = %self.side,
            lane = ?self.lane,
            linked = linked.len(),
            unlinked = unlinked.len(),
            "working off a batch"
        );
        let (others, linked): (Vec<&Claim>, Vec<&Claim>) = linked
            .into_iter()
            .partition(|claim| self.is_for_others(claim));
        for claim in others {
            self.end(&claim.record, ClaimEnd::Settled);
        }
        for chunk in linked.chunks(self.core.options.live_batch.max(1)) {
            let pairs = chunk
                .iter()
                .map(|claim| ((*claim).clone(), links[&claim.record].clone()))
                .collect();
            self.linked(pairs).await?;
        }
        if !unlinked.is_empty() {
            identify::unlinked(self, unlinked).await?;
        }
        Ok(())
    }

    /// Whether a claim says nothing to the links of this sync: another one lists its accounts for the first time, or
    /// has to look at what this one wrote and has read since.
    fn is_for_others(&self, claim: &Claim) -> bool {
        let sync = &self.pairing.sync;
        let is_own_write = claim.sources == [SignalSource::OwnWrite]
            && claim.attempts == 0
            && claim.not_older_than.is_none()
            && claim
                .cause
                .as_ref()
                .is_some_and(|cause| cause.passed.last() == Some(sync));
        let (connection, entity) = (&claim.connection, claim.entity);
        let causes = &self.core.causes;
        self.core.marks.is_for_another(sync, claim)
            || (is_own_write && causes.is_for_others(connection, entity, &claim.record, sync))
    }

    /// Links by the record that they hold on `side`.
    pub(crate) async fn links_of(
        &self,
        side: Side,
        ids: &[RecordId],
    ) -> Result<HashMap<RecordId, Link>, Error> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        Ok(self
            .core
            .store
            .links_of(
                &self.core.workspace,
                &self.pairing.sync,
                self.pairing.entity,
                side,
                ids,
            )
            .await?
            .into_iter()
            .map(|link| (link.record(side).clone(), link))
            .collect())
    }

    /// Works off linked records: one batch, small enough to be written while the reading is fresh.
    async fn linked(&mut self, pairs: Vec<(Claim, Link)>) -> Result<(), Error> {
        let keys = pairs
            .iter()
            .flat_map(|(_, link)| self.lock_keys(link))
            .collect();
        let _guard = self.core.locks.acquire(keys).await;
        let ids: Vec<RecordId> = pairs
            .iter()
            .map(|(claim, _)| claim.record.clone())
            .collect();
        let mut links = self.links_of(self.side, &ids).await?;
        let mut current = Vec::with_capacity(pairs.len());
        for (claim, before) in pairs {
            match links.remove(&claim.record) {
                Some(link) if link.id == before.id && same_records(&link, &before) => {
                    if link.state == LinkState::Parked || is_answered(&claim, &link, self.side) {
                        // Parked: a review about the whole link is open; its decision signals the
                        // record.
                        self.end(&claim.record, ClaimEnd::Settled);
                    } else {
                        current.push((claim, link));
                    }
                }
                // The world changed while we waited: look again at once.
                _ => self.end(
                    &claim.record,
                    ClaimEnd::Again {
                        after: Some(std::time::Duration::ZERO),
                        error: None,
                    },
                ),
            }
        }
        let worked = self.pairs(current, &Overrides::new()).await;
        self.flush().await;
        worked
    }

    pub(crate) fn lock_keys(&self, link: &Link) -> Vec<String> {
        Side::BOTH
            .into_iter()
            .map(|side| self.lock_key(side, link.record(side)))
            .collect()
    }

    pub(crate) fn lock_key(&self, side: Side, id: &RecordId) -> String {
        format!(
            "{}/{}/{id}",
            self.pairing.end(side).connection,
            self.pairing.entity
        )
    }

    /// Reads, decides, writes and settles linked pairs. Their records are locked by the caller.
    pub(crate) async fn pairs(
        &mut self,
        pairs: Vec<(Claim, Link)>,
        overrides: &Overrides,
    ) -> Result<(), Error> {
        if pairs.is_empty() {
            return Ok(());
        }
        let cause = cause_of(&pairs[0].0);
        let ids = Side::BOTH.map(|side| {
            pairs
                .iter()
                .map(|(_, link)| link.record(side).clone())
                .collect::<Vec<_>>()
        });
        let (left, right) = join(
            self.fetch_or_share(Side::Left, &ids[0], &cause),
            self.fetch_or_share(Side::Right, &ids[1], &cause),
        )
        .await;
        let mut found = [left?, right?];
        let mut both = Vec::with_capacity(pairs.len());
        for (claim, link) in pairs {
            let sides = Side::BOTH.map(|side| found[index(side)].remove(link.record(side)));
            match sides {
                [Some(Fetched::Found(left)), Some(Fetched::Found(right))] => {
                    let read = if self.side == Side::Left {
                        &left
                    } else {
                        &right
                    };
                    if is_too_old(&claim, read) {
                        self.end(
                            &claim.record,
                            ClaimEnd::Again {
                                after: Some(std::time::Duration::from_secs(2)),
                                error: Some(
                                    "the reading was older than the signal that asked for it"
                                        .to_owned(),
                                ),
                            },
                        );
                    } else {
                        self.share(read);
                        both.push(Couple {
                            claim,
                            link,
                            reads: [*left, *right],
                        });
                    }
                }
                sides => {
                    let failed = sides.iter().find_map(|fetched| match fetched {
                        Some(Fetched::Failed(_, error)) => Some(error.to_string()),
                        None => Some("the connector gave no outcome for a record".to_owned()),
                        _ => None,
                    });
                    match failed {
                        Some(error) => {
                            let end = self.again(&Side::BOTH, Effect::Read, error);
                            self.end(&claim.record, end);
                        }
                        None if self.permit.is_some() => {
                            self.leave_out(&claim.record, "one of the two is not there any more");
                            self.end(&claim.record, ClaimEnd::Settled);
                        }
                        None => gone::vanished(self, claim, link, sides).await?,
                    }
                }
            }
        }
        self.couples(both, overrides).await
    }

    /// Decides and writes pairs of which both readings are at hand.
    pub(crate) async fn couples(
        &mut self,
        couples: Vec<Couple>,
        overrides: &Overrides,
    ) -> Result<(), Error> {
        if couples.is_empty() {
            return Ok(());
        }
        let mut couples = self.in_scope(couples);
        for couple in &mut couples {
            let records = Side::BOTH.map(|side| (side, couple.link.record(side)));
            couple.claim.cause = self.carried(&records, couple.claim.cause.take());
        }
        let Questions {
            blocked,
            asked,
            resting,
        } = self.open_questions(&couples).await?;
        let fields: Vec<_> = couples.iter().flat_map(Couple::fields).collect();
        let known = references::known(self.core, self.pairing, &fields).await?;
        drop(fields);
        let mut plans = Vec::with_capacity(couples.len());
        let mut kept = Vec::with_capacity(couples.len());
        for couple in couples {
            let of_link: Vec<Blocked> = blocked
                .iter()
                .filter(|row| row.link == couple.link.id)
                .cloned()
                .collect();
            let plan = decide(
                &known,
                &couple.link,
                &couple.reads[0],
                &couple.reads[1],
                &of_link,
                overrides,
            );
            let Some(mut plan) = self.permits_pair(&known, &couple, plan) else {
                self.end(&couple.claim.record, ClaimEnd::Settled);
                continue;
            };
            if overrides.is_empty() {
                for review in self.rest_circles(&couple, &mut plan, &resting).await? {
                    self.count("circles", 1);
                    self.review(review);
                }
            }
            if overrides.is_empty() && self.may_have_lost_a_field(&couple, &plan) {
                self.core.doubt_schemas();
                self.end(
                    &couple.claim.record,
                    ClaimEnd::Again {
                        after: Some(SCHEMA_WAIT),
                        error: None,
                    },
                );
                continue;
            }
            kept.push(couple);
            plans.push(plan);
        }
        let (kept, plans) = self.without_emptied(&known, kept, plans).await?;
        if !self.within_limits(&kept, &plans).await? {
            return Ok(());
        }
        self.keep_contested(&known, &kept, &plans).await?;
        let written = self.write_all(&known, &kept, &plans).await?;
        self.time_writes(&kept, &written);
        let after = self.read_back(&kept, &written).await?;
        for read in after[index(self.side)].values() {
            self.share(read);
        }
        for (number, (couple, plan)) in kept.into_iter().zip(&plans).enumerate() {
            self.settle_couple(
                &known,
                couple,
                plan,
                [0, 1].map(|at| written[at].get(&number)),
                [0, 1].map(|at| after[at].get(&number)),
                &asked,
            );
        }
        Ok(())
    }

    /// Leaves out pairs that would lose the name of a record at one side because it was deleted at the other.
    async fn without_emptied(
        &mut self,
        known: &Pairing,
        couples: Vec<Couple>,
        plans: Vec<PairPlan>,
    ) -> Result<(Vec<Couple>, Vec<PairPlan>), Error> {
        if known.compiled.references().next().is_none() {
            return Ok((couples, plans));
        }
        let emptied = references::emptied(self.core, known, self.lane, &couples, &plans).await?;
        self.commit.signals.extend(emptied.signals);
        let mut kept = Vec::with_capacity(plans.len());
        for (number, (couple, plan)) in couples.into_iter().zip(plans).enumerate() {
            match emptied.plans.get(&number) {
                Some(why) => self.end(
                    &couple.claim.record,
                    ClaimEnd::Again {
                        after: None,
                        error: Some(why.clone()),
                    },
                ),
                None => kept.push((couple, plan)),
            }
        }
        Ok(kept.into_iter().unzip())
    }

    /// Whether a custom field that had a value reads as empty, and it is not known whether it is still
    /// there: vendors leave out of an answer both what is empty and what an administrator has switched
    /// off. Before anything is cleared for it, the schema is read after the signal that told of it.
    fn may_have_lost_a_field(&self, couple: &Couple, plan: &PairPlan) -> bool {
        let vanished = |side: Side, name: &FieldName| {
            let name = name.as_str();
            *couple.reads[index(side)].record.fields.get(name) == record::Field::Empty
                && couple.link.base(side).get(name).value().is_some()
                && self
                    .pairing
                    .end(side)
                    .schema
                    .field(name)
                    .is_some_and(|field| field.custom)
        };
        plan.moves.iter().any(|step| {
            let mapping = &self.pairing.compiled.mappings()[step.mapping];
            Side::BOTH
                .into_iter()
                .any(|side| mapping.fields(side).iter().any(|name| vanished(side, name)))
        }) && !self
            .core
            .knows_schemas_since(&self.pairing.sync, couple.claim.last_signalled)
    }

    /// Pairs that left the scope sleep with their base; those that came back are awake again.
    fn in_scope(&mut self, couples: Vec<Couple>) -> Vec<Couple> {
        let mut inside = Vec::with_capacity(couples.len());
        for mut couple in couples {
            let outside = Side::BOTH.into_iter().any(|side| {
                self.pairing
                    .compiled
                    .in_scope(side, &couple.reads[index(side)].record.fields)
                    == Some(false)
            });
            if !outside {
                couple.link.state = LinkState::Active;
                inside.push(couple);
                continue;
            }
            self.count("out_of_scope", 1);
            self.end(&couple.claim.record, ClaimEnd::Settled);
            if couple.link.state != LinkState::Suspended {
                couple.link.state = LinkState::Suspended;
                self.commit.links.push(couple.link);
            }
        }
        inside
    }

    /// Blocked fields and open conflict reviews of these pairs.
    async fn open_questions(&self, couples: &[Couple]) -> Result<Questions, Error> {
        let known: Vec<_> = couples
            .iter()
            .filter(|couple| !couple.link.revisions.is_empty())
            .collect();
        if known.is_empty() {
            return Ok(Questions::default());
        }
        let links: Vec<_> = known.iter().map(|couple| couple.link.id).collect();
        let blocked = self
            .core
            .store
            .blocked(&self.core.workspace, &self.pairing.sync, Some(&links))
            .await?;
        let reviews = self
            .core
            .store
            .reviews(
                &self.core.workspace,
                &ReviewFilter {
                    sync: Some(self.pairing.sync.clone()),
                    records: Some(
                        known
                            .iter()
                            .map(|couple| couple.link.left.clone())
                            .collect(),
                    ),
                    ..ReviewFilter::default()
                },
            )
            .await?;
        let mut questions = Questions {
            blocked,
            ..Questions::default()
        };
        for review in reviews {
            let is_open = matches!(review.state, ReviewState::Open | ReviewState::Postponed);
            match review.kind {
                ReviewKind::Conflict if is_open => questions.asked.insert(review.subject),
                ReviewKind::Circle if is_open => questions.resting.insert(review.subject),
                _ => false,
            };
        }
        Ok(questions)
    }

    /// Stores what is about to be written where no base would tell of it afterwards.
    async fn keep_contested(
        &self,
        known: &Pairing,
        couples: &[Couple],
        plans: &[PairPlan],
    ) -> Result<(), Error> {
        let now = self.core.clock.now();
        let journal: Vec<_> = couples
            .iter()
            .zip(plans)
            .flat_map(|(couple, plan)| {
                contested(
                    known,
                    &couple.link,
                    [&couple.reads[0], &couple.reads[1]],
                    plan,
                    now,
                    &cause_of(&couple.claim),
                    self.run,
                )
            })
            .collect();
        if journal.is_empty() {
            return Ok(());
        }
        self.core
            .commit(Commit {
                journal,
                ..Commit::default()
            })
            .await
    }

    async fn write_all(
        &self,
        known: &Pairing,
        couples: &[Couple],
        plans: &[PairPlan],
    ) -> Result<[HashMap<usize, Written>; 2], Error> {
        let of_side = |side: Side| {
            let mut numbers = Vec::new();
            let mut changes: Vec<Change> = Vec::new();
            for (number, (couple, plan)) in couples.iter().zip(plans).enumerate() {
                let records = [side, side.other()].map(|side| &couple.reads[index(side)].record);
                if let Some(change) = plan.change(known, side, records) {
                    numbers.push(number);
                    changes.push(change);
                }
            }
            (numbers, changes)
        };
        let cause = couples
            .first()
            .map(|couple| cause_of(&couple.claim))
            .unwrap_or_else(cause_now);
        let oldest = couples
            .iter()
            .flat_map(|couple| couple.reads.iter().map(|read| read.as_of))
            .min()
            .unwrap_or(jiff::Timestamp::MAX);
        let write_side = |side: Side| {
            let (numbers, changes) = of_side(side);
            let cause = &cause;
            async move {
                if changes.is_empty() {
                    return Ok::<_, Error>(HashMap::new());
                }
                let calls = self.calls_after(side, cause, oldest)?;
                let end = self.pairing.end(side);
                let records: Vec<RecordId> = changes
                    .iter()
                    .map(|change| change.current.id.clone())
                    .collect();
                self.note_writes(side, &records);
                let written = write(end, &*calls, changes).await;
                self.note_writes(side, &records);
                Ok(numbers.into_iter().zip(written).collect())
            }
        };
        let (left, right) = join(write_side(Side::Left), write_side(Side::Right)).await;
        // A side that could not be reached at all must not hide what was written to the other.
        let or_failed = |side: Side, result: Result<HashMap<usize, Written>, Error>| match result {
            Ok(written) => written,
            Err(error) => of_side(side)
                .0
                .into_iter()
                .map(|number| {
                    (
                        number,
                        Written {
                            taken: BTreeSet::new(),
                            refused: Vec::new(),
                            read: None,
                            rest: Rest::Failed(error.to_string()),
                        },
                    )
                })
                .collect(),
        };
        Ok([or_failed(Side::Left, left), or_failed(Side::Right, right)])
    }

    /// Notes how long an edit of somebody else would have been overwritten, and how long the change took
    /// to cross. A first run carries over what is old, and is not timed for that.
    fn time_writes(&mut self, couples: &[Couple], written: &[HashMap<usize, Written>; 2]) {
        let now = self.core.clock.now();
        let since = |then: jiff::Timestamp| now.duration_since(then).try_into().unwrap_or_default();
        for side in Side::BOTH {
            let sent = written[index(side)]
                .iter()
                .filter(|(_, written)| !written.taken.is_empty());
            for (number, _) in sent {
                let couple = &couples[*number];
                let changed = couple.reads[index(side.other())]
                    .modified
                    .unwrap_or(couple.claim.first_signalled);
                let mut timed = vec![(Timed::Overwrite, couple.reads[index(side)].as_of)];
                if self.run.is_none() && self.lane == Lane::Live {
                    timed.push((Timed::Lag, changed));
                }
                for (timed, then) in timed {
                    let meter = timed.meter(self.pairing.sync.as_str(), side, since(then));
                    *self.commit.meters.entry(meter).or_default() += 1;
                }
            }
        }
    }

    /// Reads back what was written, where the answer was not the record already.
    async fn read_back(
        &self,
        couples: &[Couple],
        written: &[HashMap<usize, Written>; 2],
    ) -> Result<[HashMap<usize, Read>; 2], Error> {
        let mut after = [HashMap::new(), HashMap::new()];
        for side in Side::BOTH {
            let at = index(side);
            let mut missing = Vec::new();
            for (number, result) in &written[at] {
                if result.taken.is_empty() {
                    continue;
                }
                match &result.read {
                    Some(read) if read.decides() => {
                        after[at].insert(*number, (**read).clone());
                    }
                    _ => missing.push(*number),
                }
            }
            if missing.is_empty() {
                continue;
            }
            let ids: Vec<RecordId> = missing
                .iter()
                .map(|number| couples[*number].link.record(side).clone())
                .collect();
            let cause = cause_of(&couples[missing[0]].claim);
            // Without a read-back the base is what was sent, and the record is looked at again.
            match self.fetch(side, &ids, &cause).await {
                Ok(mut found) => {
                    for (number, id) in missing.into_iter().zip(&ids) {
                        if let Some(Fetched::Found(read)) = found.remove(id) {
                            after[at].insert(number, *read);
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(sync = %self.pairing.sync, %error, "a read-back failed");
                }
            }
        }
        Ok(after)
    }

    fn settle_couple(
        &mut self,
        known: &Pairing,
        couple: Couple,
        plan: &PairPlan,
        written: [Option<&Written>; 2],
        after: [Option<&Read>; 2],
        asked: &BTreeSet<String>,
    ) {
        let now = self.core.clock.now();
        let Couple { claim, link, reads } = couple;
        let cause = cause_of(&claim);
        let was = link.clone();
        let settled = settle(Worked {
            pairing: known,
            link,
            before: [&reads[0], &reads[1]],
            plan,
            written,
            after,
            now,
            cause: &cause,
            run: self.run,
        });
        let is_new = was.revisions.is_empty();
        let changed = !plan.writes_nothing() || !plan.agreed.is_empty() || is_new;
        for side in Side::BOTH {
            let at = index(side);
            self.count(
                &format!("updated_{side}"),
                usize::from(settled.updated[at] > 0),
            );
            let not_read_back =
                written[at].is_some_and(|result| !result.taken.is_empty()) && after[at].is_none();
            let look_again = settled.unexpected[at] || not_read_back;
            if look_again {
                self.signal_again(side, settled.link.record(side), &claim, &cause, now);
            }
            let is_id = |field: &FieldName| self.pairing.compiled.keep_id(side) == Some(field);
            let wrote_more = written[at].is_some_and(|result| !result.taken.iter().all(is_id));
            if wrote_more {
                let record = settled.link.record(side);
                self.signal_neighbours(side, record, &claim, &cause, look_again);
            }
            if changed || self.is_being_listed(side) {
                let last = after[at].unwrap_or(&reads[at]);
                self.commit.snapshots.push(self.linked_snapshot(side, last));
            }
        }
        self.count("refused", settled.refused);
        self.count("unchanged", usize::from(!changed));
        self.note_source(&claim, plan, is_new);
        self.open_conflicts(&settled.link, plan, &reads, asked, now);
        if settled.link != was {
            self.commit.links.push(settled.link);
        }
        self.commit.journal.extend(settled.journal);
        self.await_those(&settled.blocked, &claim);
        self.commit.blocked.extend(settled.blocked);
        self.commit.unblocked.extend(settled.unblocked);
        let mut open = None;
        for side in Side::BOTH {
            let Some(result) = written[index(side)] else {
                continue;
            };
            let parked = self.is_parked(&was, side, plan, result, now);
            let error = unfinished(result).filter(|_| !parked);
            open = open.or(error.map(|error| self.again(&[side], Effect::Write, error)));
        }
        let vanished = written
            .into_iter()
            .flatten()
            .any(|result| matches!(result.rest, Rest::Gone));
        let end = if let Some(end) = open {
            end
        } else if vanished {
            // The next look finds it gone on both readings and proves it.
            ClaimEnd::Again {
                after: Some(std::time::Duration::ZERO),
                error: None,
            }
        } else {
            for side in Side::BOTH {
                self.note_seen(side, was.record(side));
            }
            self.carried_out(&claim.record, settled.refused);
            ClaimEnd::Settled
        };
        self.end(&claim.record, end);
    }

    /// Whether a write without an answer was tried often enough with the same input: then its fields are
    /// blocked until their value or the schema changes.
    fn is_parked(
        &mut self,
        link: &Link,
        side: Side,
        plan: &PairPlan,
        result: &Written,
        now: jiff::Timestamp,
    ) -> bool {
        let unanswered = &self.core.unanswered;
        let Rest::Unknown(why) = &result.rest else {
            if matches!(result.rest, Rest::Nothing) {
                unanswered.forget(link.id, side);
            }
            return false;
        };
        let mappings = self.pairing.compiled.mappings();
        let moves = plan.moves.iter().filter_map(|step| {
            let raw = step.writes[index(side)].as_ref()?;
            Some((mappings[step.mapping].id().to_owned(), raw))
        });
        let id = plan.ids[index(side)]
            .as_ref()
            .map(|raw| (KEEP_ID.to_owned(), raw));
        let open: Vec<_> = moves
            .chain(id)
            .filter(|(_, raw)| raw.iter().any(|(name, _)| !result.taken.contains(name)))
            .collect();
        let input = open
            .iter()
            .fold(0_u64, |input, (_, raw)| input.rotate_left(1) ^ hash_of(raw));
        let apart = self.core.options.retry;
        let times = unanswered.note(link.id, side, input, now, apart);
        if times < unanswered::TRIES {
            return false;
        }
        unanswered.forget(link.id, side);
        for (mapping, raw) in open {
            self.commit.blocked.push(Blocked {
                sync: self.pairing.sync.clone(),
                link: link.id,
                mapping,
                side,
                reason: format!("tried {times} times without an answer that helps: {why}"),
                value_hash: hash_of(raw),
                schema_hash: self.pairing.end(side).schema_hash,
                since: now,
                awaits: None,
            });
            *self.counts.entry("refused".to_owned()).or_default() += 1;
        }
        true
    }

    /// Whether another sync of the connection lists it for the first time: it will look at what is kept of
    /// the record, which has to be as it is now.
    fn is_being_listed(&self, side: Side) -> bool {
        let connection = &self.pairing.end(side).connection;
        self.core
            .pairings_of(connection, self.pairing.entity)
            .iter()
            .any(|(pairing, _)| {
                pairing.sync != self.pairing.sync && self.core.is_listing(&pairing.sync)
            })
    }

    /// Notes what is waited for.
    pub(crate) fn await_those(&mut self, blocked: &[Blocked], claim: &Claim) {
        for awaited in blocked.iter().filter_map(|row| row.awaits.as_ref()) {
            let of = (awaited.side, awaited.entity, awaited.record.clone());
            let lane = self.awaited.entry(of).or_insert(claim.lane);
            *lane = (*lane).min(claim.lane);
        }
    }

    /// What is waited for is looked at: not every system tells of a new record before the next listing. One
    /// that a person was asked about is not: what becomes of it is said by the answer.
    async fn ask_for_awaited(&mut self) {
        let awaited = std::mem::take(&mut self.awaited);
        if awaited.is_empty() {
            return;
        }
        let filter = ReviewFilter {
            sync: Some(self.pairing.sync.clone()),
            records: Some(
                awaited
                    .keys()
                    .map(|(_, _, record)| record.clone())
                    .collect(),
            ),
            ..ReviewFilter::default()
        };
        let asked = match self.core.store.reviews(&self.core.workspace, &filter).await {
            Ok(reviews) => reviews,
            Err(error) => {
                tracing::warn!(sync = %self.pairing.sync, %error, "open questions could not be read");
                Vec::new()
            }
        };
        let waits = |state| matches!(state, ReviewState::Open | ReviewState::Postponed);
        let now = self.core.clock.now();
        for ((side, entity, record), lane) in awaited {
            let is_asked = asked.iter().any(|review| {
                waits(review.state)
                    && review.entity == entity
                    && resolve::subject_of(review)
                        .is_some_and(|subject| subject == (side, record.clone()))
            });
            if is_asked {
                continue;
            }
            self.commit.signals.push(Signal {
                connection: self.pairing.end(side).connection.clone(),
                entity,
                record,
                lane,
                source: SignalSource::Link,
                not_older_than: None,
                due: now,
                cause: None,
            });
        }
    }

    fn open_conflicts(
        &mut self,
        link: &Link,
        plan: &PairPlan,
        reads: &[Read; 2],
        asked: &BTreeSet<String>,
        now: jiff::Timestamp,
    ) {
        let mut open = BTreeSet::new();
        for conflict in &plan.conflicts {
            let review = resolve::conflict_review(self.pairing, link, conflict, reads, now);
            open.insert(review.subject.clone());
            self.count("conflicts", 1);
            self.commit.reviews.push(review);
        }
        let prefix = format!("{}:", link.id);
        for subject in asked {
            if subject.starts_with(&prefix) && !open.contains(subject) {
                self.commit.withdrawn.push((
                    self.pairing.sync.clone(),
                    ReviewKind::Conflict,
                    subject.clone(),
                ));
            }
        }
    }

    /// Counts what no webhook told us, and webhooks that told nothing new.
    fn note_source(&mut self, claim: &Claim, plan: &PairPlan, is_new: bool) {
        let found_something = !is_new && (!plan.moves.is_empty() || !plan.conflicts.is_empty());
        if found_something {
            self.note_missed(claim);
        } else if claim.sources == [SignalSource::Webhook] {
            self.count("echoes", 1);
        }
    }

    /// Counts a change that only a poll or a sweep found, where webhooks should have told.
    pub(crate) fn note_missed(&mut self, claim: &Claim) {
        let found =
            |source: &SignalSource| matches!(source, SignalSource::Poll | SignalSource::Sweep);
        let only_found = !claim.sources.is_empty() && claim.sources.iter().all(found);
        let connection = &self.pairing.end(self.side).connection;
        if only_found && self.run.is_none() && self.core.has_webhooks(connection) {
            self.count("missed_webhooks", 1);
            if claim.sources == [SignalSource::Sweep] {
                self.count("found_by_sweep", 1);
            }
        }
    }

    fn signal_again(
        &mut self,
        side: Side,
        record: &RecordId,
        claim: &Claim,
        cause: &Cause,
        now: jiff::Timestamp,
    ) {
        let signal = self.own_write(side, record, claim, cause, now);
        let (causes, sync) = (&self.core.causes, &self.pairing.sync);
        causes.look_again(&signal.connection, signal.entity, record, sync);
        self.commit.signals.push(signal);
    }

    /// Other syncs on the same connection have to look at what we wrote, and this one if it is to look again.
    pub(crate) fn signal_neighbours(
        &mut self,
        side: Side,
        record: &RecordId,
        claim: &Claim,
        cause: &Cause,
        look_again: bool,
    ) {
        let now = self.core.clock.now();
        let connection = &self.pairing.end(side).connection;
        let mut neighbours: BTreeSet<_> = self
            .core
            .pairings_of(connection, self.pairing.entity)
            .into_iter()
            .map(|(pairing, _)| pairing.sync.clone())
            .filter(|sync| *sync != self.pairing.sync)
            .collect();
        if neighbours.is_empty() {
            return;
        }
        let signal = self.own_write(side, record, claim, cause, now);
        if look_again {
            neighbours.insert(self.pairing.sync.clone());
        }
        if let Some(cause) = &signal.cause {
            let entity = self.pairing.entity;
            let causes = &self.core.causes;
            causes.note(connection, entity, record, cause.clone(), neighbours);
        }
        self.commit.signals.push(signal);
    }

    /// The cause of what is done with these records: that of the claim, or that of a write of ours that this
    /// sync has not seen before, whichever has come a longer way.
    pub(crate) fn carried(
        &self,
        records: &[(Side, &RecordId)],
        claimed: Option<Cause>,
    ) -> Option<Cause> {
        let carried = records.iter().filter_map(|(side, record)| {
            let connection = &self.pairing.end(*side).connection;
            let (causes, entity) = (&self.core.causes, self.pairing.entity);
            causes.of(connection, entity, record, &self.pairing.sync)
        });
        claimed
            .into_iter()
            .chain(carried)
            .max_by_key(|cause| (self.passes(cause), cause.passed.len()))
    }

    /// How often an edit has passed this sync.
    pub(crate) fn passes(&self, cause: &Cause) -> usize {
        let sync = &self.pairing.sync;
        cause.passed.iter().filter(|passed| *passed == sync).count()
    }

    pub(crate) fn note_seen(&self, side: Side, record: &RecordId) {
        let connection = &self.pairing.end(side).connection;
        let (causes, entity) = (&self.core.causes, self.pairing.entity);
        causes.seen(connection, entity, record, &self.pairing.sync);
    }

    fn own_write(
        &self,
        side: Side,
        record: &RecordId,
        claim: &Claim,
        cause: &Cause,
        now: jiff::Timestamp,
    ) -> Signal {
        let mut cause = cause.clone();
        cause.passed.push(self.pairing.sync.clone());
        Signal {
            connection: self.pairing.end(side).connection.clone(),
            entity: self.pairing.entity,
            record: record.clone(),
            lane: claim.lane,
            source: SignalSource::OwnWrite,
            not_older_than: None,
            due: now,
            cause: Some(cause),
        }
    }

    /// What is kept of a linked record: its keys, and the reading where another sync of the connection
    /// may yet look for its counterpart.
    pub(crate) fn linked_snapshot(&self, side: Side, read: &Read) -> Snapshot {
        let snapshot = identify::snapshot(self.core, self.pairing, side, read);
        let connection = &self.pairing.end(side).connection;
        if self.core.is_hub(connection, self.pairing.entity) {
            return snapshot;
        }
        Snapshot {
            read: None,
            ..snapshot
        }
    }

    pub(crate) fn calls(&self, side: Side, cause: &Cause) -> Result<Arc<dyn Calls>, Error> {
        self.core
            .calls(&self.pairing.end(side).connection, self.lane, Some(cause))
    }

    /// The same, for writes that follow from what was read at this moment.
    pub(crate) fn calls_after(
        &self,
        side: Side,
        cause: &Cause,
        read: jiff::Timestamp,
    ) -> Result<Arc<dyn Calls>, Error> {
        let connection = &self.pairing.end(side).connection;
        self.core.calls_after(connection, self.lane, cause, read)
    }

    /// Reads records of one side by id, fresh.
    pub(crate) async fn fetch(
        &self,
        side: Side,
        ids: &[RecordId],
        cause: &Cause,
    ) -> Result<HashMap<RecordId, Fetched>, Error> {
        let calls = self.calls(side, cause)?;
        fetch(self.pairing.end(side), &*calls, ids).await
    }

    pub(crate) fn review(&mut self, review: Review) {
        self.count(&format!("asked_{}", kind_word(review.kind)), 1);
        self.commit.reviews.push(review);
    }
}

/// What is open about the fields of linked pairs.
#[derive(Default)]
struct Questions {
    /// Fields that are not sent.
    blocked: Vec<Blocked>,
    /// The subjects of open conflicts.
    asked: BTreeSet<String>,
    /// The subjects of open questions about circles.
    resting: BTreeSet<String>,
}

/// One linked pair with both readings.
pub(crate) struct Couple {
    pub(crate) claim: Claim,
    pub(crate) link: Link,
    pub(crate) reads: [Read; 2],
}

impl Couple {
    /// All fields that are decided on, by side.
    pub(crate) fn fields(&self) -> [(Side, &Fields); 4] {
        [
            (Side::Left, &self.reads[0].record.fields),
            (Side::Right, &self.reads[1].record.fields),
            (Side::Left, &self.link.base_left),
            (Side::Right, &self.link.base_right),
        ]
    }
}

/// Reads records by id, fresh, by id.
pub(crate) async fn fetch(
    end: &End,
    calls: &dyn Calls,
    ids: &[RecordId],
) -> Result<HashMap<RecordId, Fetched>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let fetched = end.connector.fetch(calls, &end.wanted, ids).await?;
    Ok(fetched
        .into_iter()
        .map(|fetched| {
            let id = match &fetched {
                Fetched::Found(read) => read.record.id.clone(),
                Fetched::Gone(id) | Fetched::Failed(id, _) => id.clone(),
            };
            (id, fetched)
        })
        .collect())
}

/// Whether a reading is older than the signal that asked for it.
pub(crate) fn is_too_old(claim: &Claim, read: &Read) -> bool {
    claim
        .not_older_than
        .is_some_and(|mark| read.as_of < mark && claim.attempts < OLDER_TRIES)
}

/// Whether all signals of a claim were answered since: by a fresh reading in which everything was
/// settled, or, where only listings signalled it, by the link that was made out of them.
fn is_answered(claim: &Claim, link: &Link, side: Side) -> bool {
    let seen = match side {
        Side::Left => link.seen_left,
        Side::Right => link.seen_right,
    };
    let newest = claim
        .not_older_than
        .map_or(claim.last_signalled, |mark| mark.max(claim.last_signalled));
    // A link that was waited for is no news that a reading could have shown.
    claim.attempts == 0
        && !claim.sources.contains(&SignalSource::Link)
        && (seen >= newest || (claim.sources == [SignalSource::Sweep] && link.created >= newest))
}

fn same_records(one: &Link, other: &Link) -> bool {
    one.left == other.left && one.right == other.right
}

/// The cause that a claim carries on, or begins.
pub(crate) fn cause_of(claim: &Claim) -> Cause {
    claim.cause.clone().unwrap_or_else(|| Cause {
        trace: uuid::Uuid::now_v7(),
        source: claim
            .sources
            .first()
            .copied()
            .unwrap_or(SignalSource::Sweep),
        origin: Some((claim.connection.clone(), claim.record.clone())),
        passed: Vec::new(),
    })
}

fn cause_now() -> Cause {
    Cause {
        trace: uuid::Uuid::now_v7(),
        source: SignalSource::Link,
        origin: None,
        passed: Vec::new(),
    }
}

/// A review's kind as one word for counters.
pub(crate) fn kind_word(kind: ReviewKind) -> &'static str {
    match kind {
        ReviewKind::Conflict => "conflict",
        ReviewKind::Ambiguous => "ambiguous",
        ReviewKind::Rebind => "rebind",
        ReviewKind::Deleted => "deleted",
        ReviewKind::UnprovenCreate => "unproven_create",
        ReviewKind::MassChange => "mass_change",
        ReviewKind::Refused => "refused",
        ReviewKind::Circle => "circle",
    }
}

impl Core {
    /// Adds the end of each claim to a commit.
    pub(crate) fn settle_claims(
        &self,
        commit: &mut Commit,
        claims: &[Claim],
        ends: &BTreeMap<RecordId, ClaimEnd>,
    ) {
        let now = self.clock.now();
        for claim in claims {
            match ends.get(&claim.record) {
                None | Some(ClaimEnd::Settled) => commit.settled.push(claim.clone()),
                Some(ClaimEnd::Again { after, error }) => {
                    let wait = after.unwrap_or_else(|| self.options.backoff(claim.attempts));
                    commit.released.push(Release {
                        claim: claim.clone(),
                        due: now.saturating_add(wait).unwrap_or(now),
                        error: error.clone(),
                        put_off: false,
                    });
                }
                Some(ClaimEnd::Later { until, why }) => commit.released.push(Release {
                    claim: claim.clone(),
                    due: *until,
                    error: Some(why.clone()),
                    put_off: true,
                }),
            }
        }
    }
}
