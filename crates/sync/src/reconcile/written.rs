//! What is written to pairs, read back and settled.

use std::collections::{BTreeSet, HashMap, HashSet};

use connector::{Change, Effect, Fetched, Refusal};
use futures::future::join;
use record::{FieldName, Read, RecordId, Side};
use store::{Blocked, Lane, Link, ReviewKind};

use super::{ClaimEnd, Couple, Desk, cause_now, cause_of};
use crate::{
    Error,
    decide::{KEEP_ID, PairPlan, hash_of},
    pair::{Pairing, index},
    settle::{Worked, settle, unfinished},
    spread::Timed,
    unanswered,
    write::{Rest, Written, write},
};

impl Desk<'_> {
    pub(super) async fn write_all(
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
    pub(super) fn time_writes(
        &mut self,
        couples: &[Couple],
        written: &[HashMap<usize, Written>; 2],
    ) {
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
    pub(super) async fn read_back(
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

    pub(super) fn settle_couple(
        &mut self,
        known: &Pairing,
        couple: Couple,
        plan: &PairPlan,
        written: [Option<&Written>; 2],
        after: [Option<&Read>; 2],
        asked: &HashSet<(ReviewKind, String)>,
    ) {
        let now = self.core.clock.now();
        let Couple {
            claim,
            link,
            reads,
            taken_up,
        } = couple;
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
            // a number that was written without its country, and a country that came to it
            let means_another = after[at].is_some_and(|after| {
                let mut mappings = known.compiled.mappings().iter();
                mappings.any(|mapping| {
                    mapping.means_another(side, &reads[at].record.fields, &after.record.fields)
                })
            });
            let look_again = settled.unexpected[at] || not_read_back || means_another;
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
                let snapshot = self.linked_snapshot(side, last);
                // What a listing showed is older than this: if the next shows the same again, somebody put it back.
                let list_hash = (changed && !is_new).then_some(store::NOT_LISTED);
                self.commit.snapshots.push(store::Snapshot {
                    list_hash,
                    ..snapshot
                });
            }
        }
        let has_learned = |result: &Written| {
            let mut refused = result.refused.iter();
            refused.any(|(_, refusal)| refusal.code == Refusal::LEARNED)
        };
        if written.into_iter().flatten().any(has_learned) {
            // Under the schema that says so the field counts as closed, and as open when another says otherwise.
            self.core.doubt_schemas();
        }
        self.count("refused", settled.refused);
        self.count("unchanged", usize::from(!changed));
        self.note_source(&claim, plan, is_new);
        self.open_reviews(&settled.link, plan, &reads, asked, now);
        if settled.link != was {
            self.commit.links.push(settled.link);
        }
        self.commit.journal.extend(taken_up);
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
}
