//! Stops on mass changes: a sync that would delete, overwrite or create more than its limit within
//! an hour stops and asks. What waited when a person let it go on passes uncounted, however much it is;
//! what comes later is counted anew.

use std::{
    collections::{HashMap, VecDeque},
    sync::Mutex,
    time::Duration,
};

use jiff::Timestamp;
use mapping::Limit;
use record::Side;
use store::{Claim, Commit, SyncName};

use crate::{
    Error,
    decide::PairPlan,
    pair::index,
    reconcile::{ClaimEnd, Couple, Desk},
    resolve,
};

/// Over which time changes are counted.
const SPAN: Duration = Duration::from_secs(3600);

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Records that vanished on one side.
    Delete,
    /// Records of which a value was replaced.
    Overwrite,
    /// Records made.
    Create,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Delete, Self::Overwrite, Self::Create];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Delete => "deletes",
            Self::Overwrite => "overwrites",
            Self::Create => "creates",
        }
    }
}

/// How many, and when, the oldest first.
type Counted = VecDeque<(Timestamp, usize)>;

/// Counts by sync and kind.
#[derive(Debug, Default)]
pub(crate) struct Breakers {
    counts: Mutex<HashMap<(SyncName, Kind), Counted>>,
    /// When a person last let a sync go on.
    let_go_on: Mutex<HashMap<SyncName, Timestamp>>,
}

impl Breakers {
    /// Counts `number` more, if that stays within `limit` of `all`. Says how many there would be if
    /// not.
    fn take(
        &self,
        sync: &SyncName,
        kind: Kind,
        number: usize,
        limit: &Limit,
        all: usize,
        now: Timestamp,
    ) -> Result<(), usize> {
        let mut counts = self.counts.lock().expect("no panic while held");
        let row = counts.entry((sync.clone(), kind)).or_default();
        while row
            .front()
            .is_some_and(|(at, _)| at.saturating_add(SPAN).is_ok_and(|end| end <= now))
        {
            row.pop_front();
        }
        let total: usize = row.iter().map(|(_, number)| number).sum::<usize>() + number;
        if limit.is_passed_by(total as u64, all as u64) {
            return Err(total);
        }
        row.push_back((now, number));
        Ok(())
    }

    /// A person said to go on: what was counted is forgotten, and what waits now is allowed.
    pub(crate) fn let_go_on(&self, sync: &SyncName, now: Timestamp) {
        self.counts
            .lock()
            .expect("no panic while held")
            .retain(|(name, _), _| name != sync);
        self.let_go_on
            .lock()
            .expect("no panic while held")
            .insert(sync.clone(), now);
    }

    /// Whether a change was waiting already when a person let the sync go on.
    fn is_allowed(&self, sync: &SyncName, first_signalled: Timestamp) -> bool {
        self.let_go_on
            .lock()
            .expect("no panic while held")
            .get(sync)
            .is_some_and(|at| first_signalled <= *at)
    }
}

impl Desk<'_> {
    /// Whether a claim was waiting already when a person let the sync go on: then what it asks for
    /// does not count.
    pub(crate) fn is_let_go_on(&self, claim: &Claim) -> bool {
        let breakers = &self.core.breakers;
        breakers.is_allowed(&self.pairing.sync, claim.first_signalled)
    }

    /// Whether `number` more changes of this kind may be made. If not, the sync is stopped and a
    /// person asked.
    pub(crate) async fn may_change(&mut self, kind: Kind, number: usize) -> Result<bool, Error> {
        if number == 0 || self.let_go_on {
            return Ok(true);
        }
        let limits = &self.pairing.rules.limits;
        let limit = match kind {
            Kind::Delete => &limits.deletes,
            Kind::Overwrite => &limits.overwrites,
            Kind::Create => &limits.creates,
        };
        // A run that a person started has been shown what it creates and overwrites.
        if kind != Kind::Delete && self.core.is_confirmed(&self.pairing.sync) {
            return Ok(true);
        }
        let all = match kind {
            Kind::Delete | Kind::Overwrite => self.core.link_count(&self.pairing.sync).await?,
            // Of all records of the side that they come from.
            Kind::Create => {
                let known = self
                    .core
                    .store
                    .known_count(
                        &self.core.workspace,
                        &self.pairing.end(self.side).connection,
                        self.pairing.entity,
                    )
                    .await?;
                usize::try_from(known).unwrap_or(usize::MAX)
            }
        };
        match self.core.breakers.take(
            &self.pairing.sync,
            kind,
            number,
            limit,
            all,
            self.core.clock.now(),
        ) {
            Ok(()) => Ok(true),
            Err(total) => {
                self.stop(kind, total, limit, all).await?;
                Ok(false)
            }
        }
    }

    async fn stop(
        &mut self,
        kind: Kind,
        total: usize,
        limit: &Limit,
        all: usize,
    ) -> Result<(), Error> {
        let why = format!(
            "{total} {} within an hour, of {all}, are more than the limit (share {}, number {})",
            kind.word(),
            limit.share,
            limit.number
        );
        tracing::warn!(sync = %self.pairing.sync, %why, "the sync is stopped");
        self.core.stop(&self.pairing.sync, &why).await?;
        let review = resolve::mass_change_review(self.pairing, kind, &why, self.core.clock.now());
        // At once, not with the batch: the batch may end without a commit.
        let mut commit = Commit::default();
        commit.reviews.push(review);
        self.core.commit(commit).await?;
        Ok(())
    }

    /// Whether the writes of a batch stay within the limits; if not, its claims are given back.
    pub(crate) async fn within_limits(
        &mut self,
        couples: &[Couple],
        plans: &[PairPlan],
    ) -> Result<bool, Error> {
        let overwrites = couples
            .iter()
            .zip(plans)
            .filter(|(couple, plan)| overwrites(couple, plan) && !self.is_let_go_on(&couple.claim))
            .count();
        if self.may_change(Kind::Overwrite, overwrites).await? {
            return Ok(true);
        }
        for couple in couples {
            self.end(
                &couple.claim.record,
                ClaimEnd::Again {
                    after: None,
                    error: Some("stopped: more overwrites than the limit of this sync".to_owned()),
                },
            );
        }
        Ok(false)
    }
}

/// Whether a plan replaces a value that is there.
fn overwrites(couple: &Couple, plan: &PairPlan) -> bool {
    plan.moves.iter().any(|step| {
        Side::BOTH.into_iter().any(|side| {
            step.writes[index(side)].as_ref().is_some_and(|raw| {
                raw.iter().any(|(name, _)| {
                    couple.reads[index(side)]
                        .record
                        .fields
                        .get(name.as_str())
                        .value()
                        .is_some()
                })
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_limit_within_an_hour_stops_and_an_hour_later_it_may_go_on() {
        let breakers = Breakers::default();
        let sync = SyncName::from("people");
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let limit = Limit {
            share: 1.0,
            number: 20,
        };
        let take =
            |number, second| breakers.take(&sync, Kind::Delete, number, &limit, 1000, at(second));
        assert_eq!(take(12, 0), Ok(()));
        assert_eq!(take(8, 1800), Ok(()));
        assert_eq!(take(1, 1801), Err(21));
        assert_eq!(take(12, 3600), Ok(()));
        assert_eq!(take(1, 3601), Err(21));
        breakers.let_go_on(&sync, at(3602));
        assert_eq!(take(20, 3602), Ok(()));
        assert!(breakers.is_allowed(&sync, at(3602)));
        assert!(!breakers.is_allowed(&sync, at(3603)));
        assert!(!breakers.is_allowed(&SyncName::from("others"), at(3602)));
    }
}
