//! A sync on a few records first: chosen ones, or some at random. Nothing else of it is written until it is
//! widened, and widening links nothing anew.

use std::collections::{BTreeMap, BTreeSet};

use record::{Entity, RecordId, Side};
use serde::{Deserialize, Serialize};
use store::{Claim, Lane, Link, Signal, SignalSource, SkipReason, SyncName};

use crate::{Error, engine::Core, pair::Pairing, reconcile::Desk, scope};

/// Records looked at at once.
const PAGE: usize = 1000;

/// Most records of a pilot: it is kept in the state of its sync.
pub const LARGEST_PILOT: usize = 10_000;

/// Which records a run is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Extent {
    /// All, unless the sync is in pilot.
    #[default]
    AsItIs,
    /// So many records of the left at random, of each entity; more than before widens the pilot.
    Some(usize),
    /// These records of the left, beside those that are in the pilot already.
    Only(Vec<RecordId>),
    /// All: a pilot ends.
    All,
}

/// The records of the left that a sync in pilot works with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pilot {
    /// So many at random.
    wanted: usize,
    /// Which order chance gives them: the same each time, so that more of them are the same and others.
    seed: u64,
    /// Records that somebody chose, of whatever entity.
    chosen: BTreeSet<RecordId>,
    /// Records that chance chose.
    drawn: BTreeMap<Entity, BTreeSet<RecordId>>,
}

impl Pilot {
    fn has(&self, entity: Entity, left: &RecordId) -> bool {
        self.chosen.contains(left)
            || self
                .drawn
                .get(&entity)
                .is_some_and(|drawn| drawn.contains(left))
    }

    /// How many records it has.
    pub(crate) fn len(&self) -> usize {
        let mut all: BTreeSet<&RecordId> = self.chosen.iter().collect();
        all.extend(self.drawn.values().flatten());
        all.len()
    }

    /// FNV-1a over the seed and the id: who comes first.
    fn rank(&self, id: &RecordId) -> u64 {
        let bytes = self.seed.to_le_bytes();
        let all = bytes.iter().chain(id.as_str().as_bytes());
        let hash = all.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        // The last bytes alone do not reach the first bits.
        (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl Core {
    /// Sets what a run is about, before anything is listed for it: a process that dies later leaves a sync that
    /// does less than it may, never more. Says whether the sync is in pilot.
    pub(crate) async fn set_extent(
        &self,
        sync: &SyncName,
        extent: &Extent,
        seed: u64,
    ) -> Result<bool, Error> {
        let pilot = self.pilot(sync);
        let refuse = |why: String| {
            Err(Error::NotReady {
                sync: sync.to_string(),
                why,
            })
        };
        let mut next = match (extent, pilot) {
            (Extent::AsItIs, None) | (Extent::All, None) => return Ok(false),
            (Extent::AsItIs, Some(pilot)) => {
                return refuse(format!(
                    "it is in pilot with {} records: widen it with `--pilot N` or `--only ID,…`, or end it with `--all`",
                    pilot.len()
                ));
            }
            (Extent::All, Some(_)) => {
                self.end_pilot(sync).await?;
                return Ok(false);
            }
            (_, None) if self.is_started(sync) => {
                return refuse(
                    "it runs on all records already; a pilot comes before the first run".to_owned(),
                );
            }
            (_, pilot) => pilot.unwrap_or_else(|| Pilot {
                seed,
                ..Pilot::default()
            }),
        };
        match extent {
            Extent::Some(wanted) => next.wanted = next.wanted.max(*wanted),
            Extent::Only(ids) => next.chosen.extend(ids.iter().cloned()),
            Extent::AsItIs | Extent::All => {}
        }
        if next.wanted + next.chosen.len() > LARGEST_PILOT {
            return refuse(format!(
                "a pilot has at most {LARGEST_PILOT} records; `--all` ends it"
            ));
        }
        self.set_pilot(sync, &next).await?;
        Ok(true)
    }

    /// Draws the records of a pilot out of what was just listed, and has those looked at that came to it.
    pub(crate) async fn fill_pilot(&self, pairing: &Pairing) -> Result<(), Error> {
        let Some(mut pilot) = self.pilot(&pairing.sync) else {
            return Ok(());
        };
        let mut drawn: BTreeMap<u64, RecordId> = BTreeMap::new();
        let connection = &pairing.end(Side::Left).connection;
        let mut chosen = Vec::new();
        let mut after = 0;
        loop {
            let page = self
                .store
                .snapshots_after(&self.workspace, connection, pairing.entity, after, PAGE)
                .await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (_, snapshot) in page {
                if pilot.chosen.contains(&snapshot.record) {
                    chosen.push(snapshot.record.clone());
                }
                // Of who is linked nothing else is kept; a link is in the scope or sleeps.
                let in_scope = snapshot
                    .read
                    .is_none_or(|read| scope::contains(pairing, Side::Left, &read.record.fields));
                if in_scope {
                    drawn.insert(pilot.rank(&snapshot.record), snapshot.record);
                    if drawn.len() > pilot.wanted {
                        drawn.pop_last();
                    }
                }
            }
        }
        let of_entity = pilot.drawn.entry(pairing.entity).or_default();
        // Who is in it stays in it, whatever was made or deleted meanwhile.
        for id in drawn.into_values() {
            if of_entity.len() < pilot.wanted {
                of_entity.insert(id);
            }
        }
        let now = self.clock.now();
        let signals: Vec<Signal> = chosen
            .into_iter()
            .chain(of_entity.iter().cloned())
            .map(|record| Signal {
                connection: connection.clone(),
                entity: pairing.entity,
                record,
                lane: Lane::Backfill,
                source: SignalSource::Sweep,
                not_older_than: None,
                due: now,
                cause: None,
            })
            .collect();
        self.set_pilot(&pairing.sync, &pilot).await?;
        self.let_pilot_pass(&pairing.sync, now).await?;
        self.store.signal(&self.workspace, &signals).await?;
        self.wake();
        Ok(())
    }
}

impl Desk<'_> {
    /// Leaves out what a pilot is not about: it is looked at when the pilot is widened or ends.
    pub(crate) fn within_pilot<'c>(
        &mut self,
        claims: &'c [Claim],
        links: &std::collections::HashMap<RecordId, Link>,
    ) -> Vec<&'c Claim> {
        let Some(pilot) = self.core.pilot(&self.pairing.sync) else {
            return claims.iter().collect();
        };
        let (mut inside, mut outside) = (Vec::new(), 0);
        for claim in claims {
            let left = match links.get(&claim.record) {
                Some(link) => Some(&link.left),
                // Who is on the right is found by who is on the left.
                None => (self.side == Side::Left).then_some(&claim.record),
            };
            if left.is_some_and(|left| pilot.has(self.pairing.entity, left)) {
                inside.push(claim);
            } else {
                outside += 1;
                self.skip(&claim.record, SkipReason::NotInPilot, "");
            }
        }
        self.count("skipped_not_in_pilot", outside);
        inside
    }
}
