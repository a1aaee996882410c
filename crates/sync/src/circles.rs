//! A value that keeps coming back: rules that feed each other, or a system that rewrites what it gets.
//!
//! Every effect of ours carries the edit that it follows from and the syncs that this edit has passed. When it comes
//! round to the same sync too often, the fields that this sync wrote because of it before rest, each with a
//! review; the other fields of the records go on.

use std::collections::BTreeSet;

use store::{JournalFilter, Review};

use crate::{
    Error,
    decide::{Held, Move, PairPlan, hash_of},
    pair::index,
    reconcile::{Couple, Desk},
    resolve,
};

/// One edit may pass one sync so often before it counts as a circle.
const OFTEN: usize = 3;

/// How many rows of a link's journal are looked through, newest first.
const ROWS: usize = 1_000;

/// What a field that rests because it came back is listed with.
const REASON: &str = "the value keeps coming back, because rules feed each other or a system rewrites it: a review asks";

impl Desk<'_> {
    /// Takes out of a plan what would send a value round once more. `resting` has the subjects of the open
    /// reviews about circles. What is to be asked is given back, and stored with the outcome of the pair.
    pub(crate) async fn rest_circles(
        &self,
        couple: &Couple,
        plan: &mut PairPlan,
        resting: &BTreeSet<String>,
    ) -> Result<Vec<Review>, Error> {
        let came_round = couple
            .claim
            .cause
            .as_ref()
            .filter(|cause| self.passes(cause) >= OFTEN);
        if plan.moves.is_empty() || (came_round.is_none() && resting.is_empty()) {
            return Ok(Vec::new());
        }
        let written: Vec<String> = match came_round {
            None => Vec::new(),
            Some(cause) => {
                let filter = JournalFilter {
                    link: Some(couple.link.id),
                    sync: Some(self.pairing.sync.clone()),
                    limit: ROWS,
                    ..JournalFilter::default()
                };
                let rows = self
                    .core
                    .store
                    .journal(&self.core.workspace, &filter)
                    .await?;
                rows.into_iter()
                    .filter(|row| row.entry.cause.trace == cause.trace)
                    .map(|row| row.entry.rule)
                    .collect()
            }
        };
        let mut reviews = Vec::new();
        for step in std::mem::take(&mut plan.moves) {
            let mapping = self.pairing.compiled.mappings()[step.mapping].id();
            let comes_back = written
                .iter()
                .any(|rule| rule.split_once(": ").map_or(&**rule, |(id, _)| id) == mapping);
            let rests = resting.contains(&resolve::circle_subject(&couple.link, mapping));
            if !comes_back && !rests {
                plan.moves.push(step);
                continue;
            }
            if !rests {
                let (link, now) = (&couple.link, self.core.clock.now());
                let review =
                    resolve::circle_review(self.pairing, link, mapping, &couple.claim, now);
                reviews.push(review);
            }
            hold(plan, &step);
        }
        Ok(reviews)
    }
}

fn hold(plan: &mut PairPlan, step: &Move) {
    for side in record::Side::BOTH {
        if let Some(raw) = &step.writes[index(side)] {
            plan.held.push(Held {
                mapping: step.mapping,
                side,
                reason: REASON.to_owned(),
                value_hash: hash_of(raw),
                known: false,
                awaits: None,
                asks: None,
            });
        }
    }
    plan.quiet.retain(|mapping| *mapping != step.mapping);
}
