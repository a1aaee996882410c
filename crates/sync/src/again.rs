//! Trying again what failed or was refused, after somebody has put right why: at once, and in the order in which it began.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use record::{Entity, RecordId, Side};
use serde::{Deserialize, Serialize};
use store::{BlockedFilter, Commit, ConnectionName, Lane, Signal, SignalSource, SyncName};

use crate::{Error, blocked, decide::is_closed, engine::Core};

/// Most records that one request has tried again.
const MOST: usize = 100_000;

/// Records that go in one commit.
const SLICE: usize = 1_000;

/// What is to be tried again. What is left out is not asked for: nothing named is everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Again {
    /// Of this connection: records that failed there, fields that it refused.
    pub connection: Option<ConnectionName>,
    /// Of this kind.
    pub entity: Option<Entity>,
    /// This record: one that failed, or either one of a link with a refused field.
    pub record: Option<RecordId>,
    /// Only what is blocked in this sync.
    pub sync: Option<SyncName>,
}

/// What is tried again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TriedAgain {
    /// Records that had failed.
    pub records: u64,
    /// Fields that had been refused.
    pub fields: u64,
}

/// Has what failed or was refused tried again, in this lane.
pub(crate) async fn again(core: &Core, wanted: &Again, lane: Lane) -> Result<TriedAgain, Error> {
    let mut tried = TriedAgain::default();
    let mut signals = Vec::new();
    let mut unblocked = Vec::new();
    if wanted.sync.is_none() {
        // the oldest first
        let failing = core
            .store
            .failing(&core.workspace, wanted.connection.as_ref(), None, MOST)
            .await?;
        for (claim, _) in failing {
            if wanted.entity.is_none_or(|entity| entity == claim.entity)
                && wanted
                    .record
                    .as_ref()
                    .is_none_or(|record| *record == claim.record)
            {
                tried.records += 1;
                signals.push((claim.connection, claim.entity, claim.record, claim.cause));
            }
        }
    }
    for sync in syncs(core, wanted)? {
        let rules = core.rules_of(&sync)?;
        let of = BlockedFilter {
            entity: wanted.entity,
            ..BlockedFilter::default()
        };
        blocked::each(core, &sync, &of, |row| {
            let blocked = row.blocked;
            let connection = match blocked.side {
                Side::Left => &rules.left,
                Side::Right => &rules.right,
            };
            // what waits for another record goes on with that one
            let is_wanted = blocked.awaits.is_none()
                && wanted
                    .connection
                    .as_ref()
                    .is_none_or(|of| of.as_str() == connection)
                && wanted
                    .record
                    .as_ref()
                    .is_none_or(|record| *record == row.left || *record == row.right);
            if is_wanted && signals.len() < MOST {
                tried.fields += 1;
                // What is taken only at a create was settled without being written: the row alone says that it is open.
                if !is_closed(&blocked) {
                    unblocked.push((blocked.link, blocked.mapping, blocked.side));
                }
                let left = ConnectionName::from(rules.left.as_str());
                signals.push((left, row.entity, row.left, None));
            }
        })
        .await?;
    }
    let now = core.clock.now();
    let mut seen = BTreeSet::new();
    let signals: Vec<Signal> = signals
        .into_iter()
        .filter(|(connection, entity, record, _)| {
            seen.insert((connection.clone(), *entity, record.clone()))
        })
        .zip(0_i64..)
        .map(|((connection, entity, record, cause), place)| Signal {
            connection,
            entity,
            record,
            lane,
            source: SignalSource::Person,
            not_older_than: None,
            // in order: whoever claims takes what is due longest
            due: now
                .saturating_add(SignedDuration::from_micros(place))
                .unwrap_or(now),
            cause,
        })
        .collect();
    // First what holds them back: who is looked at before that would be held back again.
    for slice in unblocked.chunks(SLICE) {
        let commit = Commit {
            unblocked: slice.to_vec(),
            ..Commit::default()
        };
        core.commit(commit).await?;
    }
    for slice in signals.chunks(SLICE) {
        core.store.signal(&core.workspace, slice).await?;
    }
    core.wake();
    Ok(tried)
}

/// The syncs whose refused fields are asked about.
fn syncs(core: &Core, wanted: &Again) -> Result<Vec<SyncName>, Error> {
    match &wanted.sync {
        Some(sync) => {
            core.rules_of(sync)?;
            Ok(vec![sync.clone()])
        }
        None => {
            let rules = core.rules.read().expect("no panic while held");
            Ok(rules.keys().cloned().collect())
        }
    }
}
