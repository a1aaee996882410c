//! Working off a batch of dirty records: look at both sides, decide, write, and leave everything in
//! one commit.

mod pairs;
mod told;
mod written;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use connector::{Calls, Effect, Fetched};
use record::{Fields, Read, RecordId, Side};
use store::{
    Blocked, Cause, Claim, Commit, IntentId, Lane, Link, LinkState, NewJournalEntry, Release,
    Review, ReviewKind, RunId, SignalSource, SkipReason, Skipped, Snapshot,
};

use crate::{
    Error,
    decide::Overrides,
    engine::Core,
    identify,
    pair::{End, Pairing},
    permit::Permit,
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
    /// Records of this side that were left out.
    skipped: BTreeSet<RecordId>,
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
            skipped: BTreeSet::new(),
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
        if matches!(end, ClaimEnd::Settled) && !self.skipped.contains(record) {
            let (sync, entity) = (self.pairing.sync.clone(), self.pairing.entity);
            self.commit
                .unskipped
                .push((sync, entity, self.side, record.clone()));
        }
        self.ends.insert(record.clone(), end);
        self.unstored.push(record.clone());
    }

    /// Leaves a record of this side out, and says why.
    pub(crate) fn skip(&mut self, record: &RecordId, reason: SkipReason, note: &str) {
        self.skipped.insert(record.clone());
        self.commit.skipped.push(Skipped {
            sync: self.pairing.sync.clone(),
            entity: self.pairing.entity,
            side: self.side,
            record: record.clone(),
            reason,
            note: note.to_owned(),
            since: self.core.clock.now(),
        });
        self.end(record, ClaimEnd::Settled);
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

    /// Whether both sides were just listed, so that nobody has to be asked who is there: a first listing signals what it
    /// lists, and a plan is carried out in this lane only then. What is looked at because the rules say something new rests
    /// on listings of any age.
    pub(crate) fn is_just_listed(&self, claim: &Claim) -> bool {
        self.lane == Lane::Backfill
            && (self.permit.is_some() || !claim.sources.contains(&SignalSource::Person))
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

    /// What is kept of a linked record: its keys, and the reading where another sync of the connection
    /// may yet look for its counterpart.
    pub(crate) fn linked_snapshot(&self, side: Side, read: &Read) -> Snapshot {
        let connection = &self.pairing.end(side).connection;
        let is_hub = self.core.is_hub(connection, self.pairing.entity);
        let snapshot = if is_hub {
            identify::snapshot
        } else {
            identify::snapshot_without_reading
        };
        snapshot(self.core, self.pairing, side, read)
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
    asked: HashSet<(ReviewKind, String)>,
    /// The subjects of open questions about circles.
    resting: BTreeSet<String>,
}

/// One linked pair with both readings.
pub(crate) struct Couple {
    pub(crate) claim: Claim,
    pub(crate) link: Link,
    pub(crate) reads: [Read; 2],
    /// Rows about writes of ours that were found done in the readings and of which nothing was stored.
    pub(crate) taken_up: Vec<NewJournalEntry>,
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
        ReviewKind::Lossy => "lossy",
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
