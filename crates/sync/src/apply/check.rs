//! Holding the rows of a plan against both sides as they are now, before the first write.

use std::{collections::HashMap, sync::Arc};

use connector::Fetched;
use record::{Fields, Read, RecordId, Side};
use store::{Lane, Link, PlanRow, PlanRowState};

use super::{Applying, is_made, links, planned, record, report::named};
use crate::{
    Error,
    pair::{Pairing, index},
    plan::{Planned, Trial, What},
    reconcile, run,
};

/// Readings of both sides.
type Reads = [HashMap<RecordId, Read>; 2];

impl Applying<'_> {
    /// Holds all rows that wait against both sides as they are now.
    pub(super) async fn check(&mut self) -> Result<(), Error> {
        let waiting = self
            .counts()
            .await?
            .get(&PlanRowState::Waiting)
            .copied()
            .unwrap_or(0);
        self.progress.send_modify(|progress| {
            progress.to_do = waiting;
            progress.done = 0;
        });
        let core = Arc::clone(self.core);
        let _alone = core.planning.lock().await;
        let trial = if self.listing_is_cheaper(waiting) {
            let trial = Trial::begin(&core, &self.plan.sync, None).await?;
            for pairing in trial.core.ready(&self.plan.sync)? {
                run::list_both(&trial.core, &pairing, Lane::Backfill, self.progress).await?;
            }
            Some(trial)
        } else {
            None
        };
        let mut after = 0;
        loop {
            let page = self.waiting_after(after).await?;
            let Some(last) = page.last() else { break };
            after = last.number;
            self.checked += page.len() as u64;
            for (pairing, rows) in self.by_entity(page) {
                self.check_rows(&pairing, rows, trial.as_ref()).await?;
            }
        }
        if let Some(trial) = trial {
            trial.end().await?;
        }
        Ok(())
    }

    pub(super) fn by_entity(&self, page: Vec<PlanRow>) -> Vec<(Arc<Pairing>, Vec<PlanRow>)> {
        let mut by_entity: Vec<(Arc<Pairing>, Vec<PlanRow>)> = Vec::new();
        for row in page {
            match by_entity.last_mut() {
                Some((pairing, rows)) if pairing.entity == row.entity => rows.push(row),
                _ => by_entity.extend(self.pairing(row.entity).map(|pairing| (pairing, vec![row]))),
            }
        }
        by_entity
    }

    /// Whether listing both sides costs fewer calls than reading the records of so many rows.
    fn listing_is_cheaper(&self, waiting: u64) -> bool {
        let shown = &self.plan.body["plan"];
        let unread = if self.listed {
            // Of those without a link the listing has just shown everything.
            shown["changed"].as_u64().unwrap_or(0).min(waiting)
        } else {
            waiting
        };
        let mut calls = [0_u64, 0];
        for pairing in &self.pairings {
            for side in Side::BOTH {
                let description = &pairing.end(side).description;
                let listed = shown[side.to_string()]["listed"].as_u64().unwrap_or(0);
                calls[0] += listed.div_ceil(description.list_page.max(1) as u64);
                calls[1] += unread.div_ceil(description.fetch_batch.max(1) as u64);
            }
        }
        calls[0] < calls[1]
    }

    async fn check_rows(
        &mut self,
        pairing: &Arc<Pairing>,
        rows: Vec<PlanRow>,
        trial: Option<&Trial>,
    ) -> Result<(), Error> {
        let reads = self.reads(pairing, &rows, trial).await?;
        let links = links(self.core, pairing, &rows).await?;
        for row in rows {
            let planned = planned(&row)?;
            if let Err(why) = stands(pairing, &row, &planned, &reads, &links) {
                self.changed.push(named(&row, why));
            }
        }
        Ok(())
    }

    /// Both sides of these rows as they are now: as just listed, else read.
    async fn reads(
        &self,
        pairing: &Pairing,
        rows: &[PlanRow],
        trial: Option<&Trial>,
    ) -> Result<Reads, Error> {
        let mut reads = [HashMap::new(), HashMap::new()];
        for side in Side::BOTH {
            let end = pairing.end(side);
            let mut ids: Vec<RecordId> = rows
                .iter()
                .filter_map(|row| record(row, side).cloned())
                .collect();
            let found = &mut reads[index(side)];
            let listings = [
                self.listed.then_some(&**self.core),
                trial.map(|trial| &*trial.core),
            ];
            for core in listings.into_iter().flatten() {
                let snapshots = core
                    .store
                    .snapshots(&core.workspace, &end.connection, pairing.entity, &ids)
                    .await?;
                let listed = snapshots.into_iter().flatten();
                for read in listed.filter_map(|snapshot| snapshot.read) {
                    if pairing.knows(side, &read) {
                        found.insert(read.record.id.clone(), read);
                    }
                }
                ids.retain(|id| !found.contains_key(id));
            }
            if ids.is_empty() {
                continue;
            }
            let calls = self.core.calls(&end.connection, Lane::Backfill, None)?;
            for fetched in reconcile::fetch(end, &*calls, &ids).await?.into_values() {
                match fetched {
                    Fetched::Found(read) => {
                        found.insert(read.record.id.clone(), *read);
                    }
                    Fetched::Gone(_) => {}
                    Fetched::Failed(_, error) => return Err(error.into()),
                }
            }
        }
        Ok(reads)
    }
}

/// Whether a row is as it was shown, as far as that can be seen without matching anew.
fn stands(
    pairing: &Pairing,
    row: &PlanRow,
    planned: &Planned,
    reads: &Reads,
    links: &[HashMap<RecordId, Link>; 2],
) -> Result<(), String> {
    let mut now: [Option<&Fields>; 2] = [None, None];
    for side in Side::BOTH {
        let Some(id) = record(row, side) else {
            continue;
        };
        let Some(read) = reads[index(side)].get(id) else {
            return Err(format!("the record on the {side} is not there any more"));
        };
        now[index(side)] = Some(&read.record.fields);
        let link = links[index(side)].get(id);
        let other = record(row, side.other());
        let is_linked_as_shown = match (planned.what, link) {
            (What::Create, Some(link)) => is_made(link),
            (_, Some(link)) => Some(link.record(side.other())) == other,
            (What::Change, None) => false,
            (_, None) => true,
        };
        if !is_linked_as_shown {
            return Err(format!("the link of the record on the {side} has changed"));
        }
    }
    planned.still_holds(pairing, now)
}
