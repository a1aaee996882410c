//! Stops on mass changes: a sync that would delete, overwrite or create more than its limit within
//! an hour stops and asks. What its first listing found, which a person was shown, and what waited when
//! a person let it go on, pass uncounted, however much that is; what comes later is counted.
//!
//! Counts are durable before what they count is done, so no restart forgets them. What a complete listing
//! shows to be deleted is counted before the first of it is followed. Of what is told one by one up to the limit
//! is done before a sync stops: nobody knows how many are to come.

use std::time::Duration;

use connector::Fetched;
use jiff::Timestamp;
use mapping::{CompiledMapping, Limit};
use record::{Access, Entity, FieldName, Fields, RecordId, Side};
use serde::{Deserialize, Serialize};
use store::{Cause, Claim, Commit, ConnectionName, Lane, Link, LinkState, SignalSource};
use uuid::Uuid;

use crate::{
    Error,
    decide::{PairPlan, has_base},
    engine::Core,
    pair::{Pairing, index},
    reconcile::{ClaimEnd, Couple, Desk},
    resolve,
};

const STOPPED: &str = "stopped: more ";

/// Over which time changes are counted.
const SPAN: Duration = Duration::from_secs(3600);

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

    /// Why a record waits that is behind this limit.
    pub(crate) fn stopped(self) -> String {
        format!("{STOPPED}{} than the limit of this sync", self.word())
    }
}

/// Whether a record that waits for this reason waits because of a limit.
pub(crate) fn is_stopped(why: &str) -> bool {
    why.starts_with(STOPPED)
}

/// Changes that count, those of a minute together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counted {
    entity: Entity,
    kind: Kind,
    /// When the last of them was counted.
    at: Timestamp,
    number: usize,
}

/// Counts `number` more, if that stays within `limit` of `all`. Says how many there would be if not.
pub(crate) fn take(
    counted: &mut Vec<Counted>,
    (entity, kind): (Entity, Kind),
    number: usize,
    limit: &Limit,
    all: usize,
    now: Timestamp,
) -> Result<(), usize> {
    counted.retain(|row| row.at.saturating_add(SPAN).is_ok_and(|end| end > now));
    let alike = |row: &&Counted| (row.entity, row.kind) == (entity, kind);
    let before: usize = counted.iter().filter(alike).map(|row| row.number).sum();
    let total = before + number;
    if limit.is_passed_by(total as u64, all as u64) {
        return Err(total);
    }
    let minute = |at: Timestamp| at.as_second().div_euclid(60);
    match counted
        .iter_mut()
        .find(|row| (row.entity, row.kind) == (entity, kind) && minute(row.at) == minute(now))
    {
        Some(row) => {
            row.at = now;
            row.number += number;
        }
        None => counted.push(Counted {
            entity,
            kind,
            at: now,
            number,
        }),
    }
    Ok(())
}

/// How many there would be within the hour with `number` more, if that is more than `limit` of `all`. Counts
/// nothing.
pub(crate) fn ahead(
    counted: &[Counted],
    what: (Entity, Kind),
    number: usize,
    limit: &Limit,
    all: usize,
    now: Timestamp,
) -> Option<usize> {
    take(&mut counted.to_vec(), what, number, limit, all, now).err()
}

/// How many records are read at once to prove that they are gone.
const PROVED: usize = 100;

/// A complete listing knows what is missing in it. If that would be more deletes than the limit of a sync, its
/// records are read, and if so many are gone the sync is stopped before the first of them is followed.
pub(crate) async fn count_ahead(
    core: &Core,
    connection: &ConnectionName,
    entity: Entity,
    missing: &[RecordId],
    lane: Lane,
) -> Result<(), Error> {
    if missing.is_empty() {
        return Ok(());
    }
    for (pairing, side) in core.pairings_of(connection, entity) {
        if core.held_back(&pairing).is_some() {
            continue;
        }
        let mut desk = Desk::new(core, &pairing, side, lane);
        let links = desk.links_of(side, missing).await?;
        let linked: Vec<RecordId> = missing
            .iter()
            .filter(|id| {
                let link = links.get(*id);
                link.is_some_and(|link| link.state == LinkState::Active)
            })
            .cloned()
            .collect();
        let (limit, all) = desk.limit_of(Kind::Delete).await?;
        let what = (entity, Kind::Delete);
        let passed = |number| core.count_ahead(&pairing.sync, what, number, &limit, all);
        if passed(linked.len()).is_none() {
            continue;
        }
        let cause = Cause {
            trace: Uuid::now_v7(),
            source: SignalSource::Sweep,
            origin: None,
            passed: Vec::new(),
        };
        let mut gone = 0;
        for batch in linked.chunks(PROVED) {
            let found = desk.fetch(side, batch, &cause).await?;
            gone += found
                .values()
                .filter(|fetched| matches!(fetched, Fetched::Gone(_)))
                .count();
            if let Some(total) = passed(gone) {
                desk.stop(Kind::Delete, total, &limit, all).await?;
                break;
            }
        }
    }
    Ok(())
}

/// One that was counted did not happen: it is tried again, and counted then.
pub(crate) fn give_back(counted: &mut [Counted], (entity, kind): (Entity, Kind)) {
    let newest = counted
        .iter_mut()
        .rev()
        .find(|row| (row.entity, row.kind) == (entity, kind) && row.number > 0);
    if let Some(row) = newest {
        row.number -= 1;
    }
}

impl Desk<'_> {
    /// Whether a claim was waiting already when a person was shown what waits, or let the sync go on:
    /// then what it asks for does not count.
    pub(crate) fn is_let_go_on(&self, claim: &Claim) -> bool {
        // The rows of a plan were shown, and there are no more of them than were shown.
        self.permit.is_some()
            || self
                .core
                .may_pass(&self.pairing.sync, claim.first_signalled)
    }

    /// One change of this kind was allowed and not carried out.
    pub(crate) fn did_not_change(&self, kind: Kind) {
        if !self.let_go_on {
            let what = (self.pairing.entity, kind);
            self.core.give_back_change(&self.pairing.sync, what);
        }
    }

    /// Whether `number` more changes of this kind may be made. If not, the sync is stopped and a
    /// person asked.
    pub(crate) async fn may_change(&mut self, kind: Kind, number: usize) -> Result<bool, Error> {
        if number == 0 || self.let_go_on {
            return Ok(true);
        }
        let (limit, all) = self.limit_of(kind).await?;
        let (sync, what) = (&self.pairing.sync, (self.pairing.entity, kind));
        match self
            .core
            .count_changes(sync, what, number, &limit, all)
            .await?
        {
            Ok(()) => Ok(true),
            Err(total) => {
                self.stop(kind, total, &limit, all).await?;
                Ok(false)
            }
        }
    }

    /// How many changes of this kind the rules allow, and of how many.
    async fn limit_of(&self, kind: Kind) -> Result<(Limit, usize), Error> {
        let limits = &self.pairing.rules.limits;
        let limit = match kind {
            Kind::Delete => limits.deletes,
            Kind::Overwrite => limits.overwrites,
            Kind::Create => limits.creates,
        };
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
        Ok((limit, all))
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
        let review = resolve::mass_change_review(self.pairing, kind, &why, self.core.clock.now());
        // At once, not with the batch: the batch may end without a commit. Before the stop: whoever
        // sees that the sync stands still finds the question why.
        let mut commit = Commit::default();
        commit.reviews.push(review);
        self.core.commit(commit).await?;
        self.core.stop(&self.pairing.sync, &why).await?;
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
            .filter(|(couple, plan)| {
                overwrites(self.pairing, couple, plan) && !self.is_let_go_on(&couple.claim)
            })
            .count();
        if self.may_change(Kind::Overwrite, overwrites).await? {
            return Ok(true);
        }
        for couple in couples {
            self.end(
                &couple.claim.record,
                ClaimEnd::Again {
                    after: None,
                    error: Some(Kind::Overwrite.stopped()),
                },
            );
        }
        Ok(false)
    }
}

/// Whether a plan replaces a value that is there, and that somebody may have put there.
fn overwrites(pairing: &Pairing, couple: &Couple, plan: &PairPlan) -> bool {
    plan.moves.iter().any(|step| {
        let mapping = &pairing.compiled.mappings()[step.mapping];
        Side::BOTH.into_iter().any(|side| {
            let current = &couple.reads[index(side)].record.fields;
            step.writes[index(side)].as_ref().is_some_and(|raw| {
                raw.iter()
                    .any(|(name, _)| current.get(name.as_str()).value().is_some())
            }) && !follows_the_system(pairing, &couple.link, mapping, side, current)
        })
    })
}

/// Whether a field of a side holds what we wrote there last, of a field that the other system alone sets: when a record was last
/// changed, say, which moves with our own writes, too.
fn follows_the_system(
    pairing: &Pairing,
    link: &Link,
    mapping: &CompiledMapping,
    side: Side,
    current: &Fields,
) -> bool {
    let end = pairing.end(side.other());
    let is_set_there = |name: &FieldName| {
        let field = end.schema.field(name.as_str());
        field.is_some_and(|field| field.capability.access == Access::ReadOnly)
    };
    mapping.fields(side.other()).iter().all(is_set_there)
        && has_base(link, mapping)
        && mapping.read(side, link.base(side)) == mapping.read(side, current)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_limit_within_an_hour_stops_and_an_hour_later_it_may_go_on() {
        let mut counted = Vec::new();
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let limit = Limit {
            share: 1.0,
            number: 20,
        };
        let mut take = |number, second| {
            let what = (Entity::Contact, Kind::Delete);
            super::take(&mut counted, what, number, &limit, 1000, at(second))
        };
        assert_eq!(take(12, 0), Ok(()));
        assert_eq!(take(8, 1800), Ok(()));
        assert_eq!(take(1, 1801), Err(21));
        assert_eq!(take(12, 3600), Ok(()));
        assert_eq!(take(1, 3601), Err(21));
        assert_eq!(take(8, 3610), Err(28));
        // Those of a minute are one row, and leave together with the last of them.
        assert_eq!(take(7, 5400), Ok(()));
        assert_eq!(take(1, 5410), Ok(()));
        assert_eq!(take(1, 5411), Err(21));
        let others = super::take(
            &mut counted,
            (Entity::Company, Kind::Delete),
            20,
            &limit,
            1000,
            at(5411),
        );
        assert_eq!(others, Ok(()));
        assert_eq!(counted.len(), 3);
    }
}
