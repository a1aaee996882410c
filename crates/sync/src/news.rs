//! What rules say that they did not say before: a new or changed mapping, another scope, creates that
//! are allowed now. No listing shows that, so all known records are marked to be looked at, once.
//!
//! A mapping that is paused because its field is lost is no news; that it is back is.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use jiff::Timestamp;
use record::{Entity, Side};
use store::{BlockedFilter, Claim, ConnectionName, Lane, Signal, SignalSource, SyncName};

use self::bygone::Change;
use crate::{Error, blocked, engine::Core, pair::Pairing};

mod bygone;

/// Records marked at once.
const PAGE: usize = 1000;

/// The rules of a sync in force now: each mapping with its revision, and what else decides.
pub(crate) fn in_force(core: &Core, sync: &SyncName) -> BTreeMap<String, String> {
    core.all_pairings()
        .iter()
        .filter(|pairing| pairing.sync == *sync)
        .flat_map(|pairing| rules(pairing))
        .collect()
}

fn rules(pairing: &Pairing) -> Vec<(String, String)> {
    let entity = pairing.entity;
    let beside = &pairing.rules;
    let beside = serde_json::json!({
        "mode": pairing.mode,
        "match": beside.matching,
        "create": beside.create,
        "scope": beside.scope,
        "keep_id": beside.keep_id,
    });
    pairing
        .compiled
        .mappings()
        .iter()
        .flat_map(|mapping| {
            let (id, rule) = (mapping.id(), mapping.rule());
            [
                (
                    bygone::revision_key(entity, id),
                    mapping.revision().to_owned(),
                ),
                (bygone::policy_key(entity, id), format!("{rule:?}")),
            ]
        })
        .chain([(format!("{entity}"), beside.to_string())])
        .collect()
}

/// Marks all records of syncs whose rules say something new.
pub(crate) async fn look_for(core: &Core) -> Result<(), Error> {
    let mut syncs: Vec<SyncName> = core
        .all_pairings()
        .iter()
        .filter(|pairing| pairing.mode != mapping::Mode::Preview)
        .map(|pairing| pairing.sync.clone())
        .collect();
    syncs.dedup();
    // A first listing marks everything anyway, under the rules that are in force when it begins. One that waits for a
    // right may wait for long.
    syncs.retain(|sync| {
        core.is_started(sync) && (!core.is_listing(sync) || !core.unlisted(sync).is_empty())
    });
    let mut changed = Vec::new();
    for sync in &syncs {
        let (before, now) = (core.known_rules(sync), in_force(core, sync));
        if before.as_ref() != Some(&now) {
            changed.push((sync, before, now));
        }
    }
    let changes: Vec<Change<'_>> = changed
        .iter()
        .map(|(sync, before, now)| Change {
            sync,
            before: before.as_ref(),
            now,
        })
        .collect();
    for change in &changes {
        bygone::take_back(core, change).await?;
    }
    bygone::break_circles(core, &changes).await?;
    for change in &changes {
        let sync = change.sync;
        if change.says_more() {
            tracing::info!(%sync, "the rules say something new: all records are looked at");
            for pairing in core.all_pairings() {
                if pairing.sync == *sync {
                    for side in Side::BOTH {
                        mark_side(core, &pairing, side, Lane::Backfill, SignalSource::Person)
                            .await?;
                    }
                }
            }
        }
        core.save_known_rules(sync, change.now.clone()).await?;
    }
    Ok(())
}

/// Marks records of which a field was refused under another schema than the one that their account has
/// now: what was refused then may be taken now.
pub(crate) async fn look_for_refused(core: &Core) -> Result<(), Error> {
    for pairing in core.all_pairings() {
        if !core.is_started(&pairing.sync) {
            continue;
        }
        let now = core.clock.now();
        let mut signals = Vec::new();
        let of = BlockedFilter {
            entity: Some(pairing.entity),
            ..BlockedFilter::default()
        };
        blocked::each(core, &pairing.sync, &of, |row| {
            let (side, mapping) = (row.blocked.side, &row.blocked.mapping);
            let end = pairing.end(side);
            let mut mapped = pairing.compiled.mappings().iter();
            // Where it is closed by now there is nothing to try.
            let is_open = mapped.any(|known| known.id() == mapping && known.writable(side));
            if row.blocked.schema_hash != end.schema_hash && is_open {
                signals.push(Signal {
                    connection: end.connection.clone(),
                    entity: pairing.entity,
                    record: match side {
                        Side::Left => row.left,
                        Side::Right => row.right,
                    },
                    lane: Lane::Reconcile,
                    source: SignalSource::Person,
                    not_older_than: None,
                    due: now,
                    cause: None,
                });
            }
        })
        .await?;
        if !signals.is_empty() {
            let (sync, records) = (&pairing.sync, signals.len());
            tracing::info!(%sync, records, "a schema changed: what was refused is tried again");
            core.store.signal(&core.workspace, &signals).await?;
        }
    }
    core.wake();
    Ok(())
}

/// Marks all known records of a side, to be looked at.
pub(crate) async fn mark_side(
    core: &Core,
    pairing: &Pairing,
    side: Side,
    lane: Lane,
    source: SignalSource,
) -> Result<(), Error> {
    let connection = &pairing.end(side).connection;
    let first_listing = source == SignalSource::Sweep;
    if first_listing {
        core.marks.begin(core, pairing, side);
    }
    let marked = mark_pages(core, pairing, connection, lane, source).await;
    if first_listing {
        core.marks.end(core, pairing, side);
    }
    core.wake();
    marked
}

async fn mark_pages(
    core: &Core,
    pairing: &Pairing,
    connection: &ConnectionName,
    lane: Lane,
    source: SignalSource,
) -> Result<(), Error> {
    let mut after = 0;
    loop {
        let page = core
            .store
            .snapshots_after(&core.workspace, connection, pairing.entity, after, PAGE)
            .await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        let now = core.clock.now();
        let signals: Vec<Signal> = page
            .into_iter()
            .map(|(_, snapshot)| Signal {
                connection: connection.clone(),
                entity: pairing.entity,
                record: snapshot.record,
                lane,
                source,
                not_older_than: None,
                due: now,
                cause: None,
            })
            .collect();
        core.store.signal(&core.workspace, &signals).await?;
    }
    Ok(())
}

/// When all records of a place were marked for one sync alone, because it lists them for the first time. The other
/// syncs of the connection have nothing to look at again for that.
#[derive(Debug)]
struct Mark {
    connection: ConnectionName,
    entity: Entity,
    sync: SyncName,
    from: Timestamp,
    until: Option<Timestamp>,
}

/// Marks of this process; what an earlier one marked is looked at by all.
#[derive(Debug, Default)]
pub(crate) struct Marks(Mutex<Vec<Mark>>);

impl Mark {
    fn is_of(&self, connection: &ConnectionName, entity: Entity) -> bool {
        self.connection == *connection && self.entity == entity
    }
}

impl Marks {
    fn lock(&self) -> MutexGuard<'_, Vec<Mark>> {
        self.0.lock().expect("no panic while held")
    }

    fn begin(&self, core: &Core, pairing: &Pairing, side: Side) {
        let connection = &pairing.end(side).connection;
        let mut marks = self.lock();
        let before = marks
            .iter_mut()
            .find(|mark| mark.is_of(connection, pairing.entity) && mark.sync == pairing.sync);
        match before {
            // Nothing was listed in between.
            Some(mark) => mark.until = None,
            None => marks.push(Mark {
                connection: connection.clone(),
                entity: pairing.entity,
                sync: pairing.sync.clone(),
                from: core.clock.now(),
                until: None,
            }),
        }
    }

    fn end(&self, core: &Core, pairing: &Pairing, side: Side) {
        let connection = &pairing.end(side).connection;
        for mark in self.lock().iter_mut() {
            if mark.is_of(connection, pairing.entity) && mark.sync == pairing.sync {
                mark.until = Some(core.clock.now());
            }
        }
    }

    /// A listing begins: what it signals is for all syncs, and is not to be taken for a mark.
    pub(crate) fn forget(&self, connection: &ConnectionName, entity: Entity) {
        self.lock().retain(|mark| !mark.is_of(connection, entity));
    }

    /// Whether a claim is about nothing but a mark for other syncs than this one.
    pub(crate) fn is_for_another(&self, sync: &SyncName, claim: &Claim) -> bool {
        let marked_only = claim.lane == Lane::Backfill
            && claim.sources == [SignalSource::Sweep]
            && claim.attempts == 0
            && claim.not_older_than.is_none()
            && claim.cause.is_none();
        if !marked_only {
            return false;
        }
        // Stored times are whole microseconds.
        let micros = |at: Timestamp| at.as_microsecond();
        let marks = self.lock();
        let mut of_claim = marks.iter().filter(|mark| {
            mark.is_of(&claim.connection, claim.entity)
                && micros(claim.first_signalled) >= micros(mark.from)
                && mark
                    .until
                    .is_none_or(|until| micros(claim.last_signalled) <= micros(until))
        });
        let mut found = false;
        let others = of_claim.all(|mark| {
            found = true;
            mark.sync != *sync
        });
        found && others
    }
}
