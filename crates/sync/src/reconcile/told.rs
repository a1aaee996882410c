//! Who else is looked at, or told, because of what was found.

use std::collections::{BTreeSet, HashSet};

use record::{Read, RecordId, Side};
use store::{
    Blocked, Cause, Claim, Lane, Link, Question, ReviewFilter, ReviewKind, ReviewState, Signal,
    SignalSource,
};

use super::Desk;
use crate::{decide::PairPlan, measured::DRIFT, resolve};

impl Desk<'_> {
    /// Whether another sync of the connection lists it for the first time: it will look at what is kept of
    /// the record, which has to be as it is now.
    pub(super) fn is_being_listed(&self, side: Side) -> bool {
        let connection = &self.pairing.end(side).connection;
        self.core
            .pairings_of(connection, self.pairing.entity)
            .iter()
            .any(|(pairing, _)| pairing.sync != self.pairing.sync && self.core.is_unlisted(pairing))
    }

    /// Notes what is waited for.
    pub(crate) fn await_those(&mut self, blocked: &[Blocked], claim: &Claim) {
        for awaited in blocked.iter().filter_map(|row| row.awaits.as_ref()) {
            let of = (awaited.side, awaited.entity, awaited.record.clone());
            let lane = self.awaited.entry(of).or_insert(claim.lane);
            *lane = (*lane).min(claim.lane);
        }
    }

    /// The same for one record.
    pub(crate) fn await_record(
        &mut self,
        side: Side,
        entity: record::Entity,
        record: RecordId,
        lane: Lane,
    ) {
        let asked = self.awaited.entry((side, entity, record)).or_insert(lane);
        *asked = (*asked).min(lane);
    }

    /// What is waited for is looked at: not every system tells of a new record before the next listing. One
    /// that a person was asked about is not: what becomes of it is said by the answer.
    pub(super) async fn ask_for_awaited(&mut self) {
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

    pub(super) fn open_reviews(
        &mut self,
        link: &Link,
        plan: &PairPlan,
        reads: &[Read; 2],
        asked: &HashSet<(ReviewKind, String)>,
        now: jiff::Timestamp,
    ) {
        let mut open = HashSet::new();
        for conflict in &plan.conflicts {
            let review = resolve::conflict_review(self.pairing, link, conflict, reads, now);
            open.insert((review.kind, review.subject.clone()));
            self.count("conflicts", 1);
            self.commit.reviews.push(review);
        }
        for held in &plan.held {
            let Some(asks) = &held.asks else { continue };
            let review = resolve::lossy_review(self.pairing, link, held, asks, reads, now);
            open.insert((review.kind, review.subject.clone()));
            if !asks.before {
                self.count("lossy", 1);
                self.commit.reviews.push(review);
            }
        }
        let prefix = format!("{}:", link.id);
        for question in asked {
            let (kind, subject) = question;
            if subject.starts_with(&prefix) && !open.contains(question) {
                self.commit.withdrawn.push(Question {
                    sync: self.pairing.sync.clone(),
                    entity: Some(self.pairing.entity),
                    kind: *kind,
                    subject: subject.clone(),
                });
            }
        }
    }

    /// Counts what no webhook told us, and webhooks that told nothing new.
    pub(super) fn note_source(&mut self, claim: &Claim, plan: &PairPlan, is_new: bool) {
        let found_something = !is_new && (!plan.moves.is_empty() || !plan.conflicts.is_empty());
        if found_something {
            let live = usize::from(self.run.is_none());
            self.count("changes", live);
            if claim.sources == [SignalSource::Webhook] {
                self.count("told", live);
            } else if claim.sources == [SignalSource::Sweep] {
                self.count("found_only_listed", live);
            }
            if self.note_missed(claim) {
                let moved = plan.moves.iter().map(|step| step.mapping);
                let mappings = moved.chain(plan.conflicts.iter().map(|asked| asked.mapping));
                for number in mappings {
                    let mapping = self.pairing.compiled.mappings()[number].id();
                    self.count(&format!("{DRIFT}{mapping}"), 1);
                }
            }
        } else if claim.sources == [SignalSource::Webhook] {
            self.count("echoes", 1);
        }
    }

    /// Counts a change that only a poll or a sweep found, where webhooks should have told. Says whether it is one.
    pub(crate) fn note_missed(&mut self, claim: &Claim) -> bool {
        let found =
            |source: &SignalSource| matches!(source, SignalSource::Poll | SignalSource::Sweep);
        let only_found = !claim.sources.is_empty() && claim.sources.iter().all(found);
        let connection = &self.pairing.end(self.side).connection;
        let missed = only_found && self.run.is_none() && self.core.has_webhooks(connection);
        if missed {
            self.count("missed_webhooks", 1);
            if claim.sources == [SignalSource::Sweep] {
                self.count("found_by_sweep", 1);
            }
        }
        missed
    }

    pub(super) fn signal_again(
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
}
