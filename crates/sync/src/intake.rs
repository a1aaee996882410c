//! Webhooks on their way in: verified by the connector, turned into signals, durable before they are
//! acknowledged.

use std::{collections::BTreeSet, time::Duration};

use connector::{Delivery, Hint};
use jiff::Timestamp;
use record::{Entity, Field, Fields, RecordId, Side};
use store::{Accepted, ConnectionName, DeliveryRow, Lane, Link, Signal, SignalSource};

use crate::{
    Error,
    decide::{has_base, shows_something_else},
    engine::Core,
    identify,
    pair::Pairing,
};

/// A message that shows our base and comes within this time after our write is its echo. An edit of
/// somebody else shows something else.
const ECHO: Duration = Duration::from_secs(30);

/// How long a message waits for the end of a write that it may be the echo of.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// How often it is looked meanwhile whether it is.
const LOOK: Duration = Duration::from_millis(250);

/// When a record is looked at of which a message came while it, or one of its identity keys, was being
/// worked on for longer than that: mostly it is one of many that we are just making.
const LATER: Duration = Duration::from_secs(10);

/// Takes a verified delivery in. When this returns `New` or `Duplicate`, it is durable.
pub(crate) async fn accept(
    core: &Core,
    connection: &ConnectionName,
    delivery: Delivery,
) -> Result<Accepted, Error> {
    let now = core.clock.now();
    // One about the app itself says nothing: which events of records are sent is ticked apart.
    if !(delivery.hints.is_empty() && delivery.unnamed.is_empty()) {
        core.note_heard(connection);
    }
    let mut signals = Vec::with_capacity(delivery.hints.len());
    for hint in &delivery.hints {
        // Also while the accounts could not be read yet: who acknowledges it has to remember it.
        if !core.is_synced(connection, hint.entity) {
            continue;
        }
        let due = match own_write(core, connection, hint).await? {
            OwnWrite::Yes => continue,
            OwnWrite::No => now,
            OwnWrite::NotYetKnown => later(now, LATER),
        };
        signals.push(Signal {
            connection: connection.clone(),
            entity: hint.entity,
            record: hint.id.clone(),
            lane: Lane::Live,
            source: SignalSource::Webhook,
            not_older_than: hint
                .not_older_than
                .filter(|mark| *mark <= later(now, CLOCKS_DIFFER)),
            due,
            cause: None,
        });
    }
    let unnamed = delivery.unnamed.clone();
    let accepted = core
        .store
        .accept_delivery(
            &core.workspace,
            DeliveryRow {
                connection: connection.clone(),
                delivery: delivery.id,
                event: delivery.event,
                signals,
                at: now,
            },
        )
        .await?;
    if accepted == Accepted::New {
        // Not durable, and need not be: after a start everything is asked for.
        for entity in unnamed {
            core.ask_for(connection, entity);
        }
        core.wake();
    }
    Ok(accepted)
}

/// A mark further in the future than clocks differ is no mark.
const CLOCKS_DIFFER: Duration = Duration::from_secs(60);

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.saturating_add(by).unwrap_or(now)
}

/// Whether a message tells of what we wrote ourselves.
enum OwnWrite {
    Yes,
    No,
    /// Its record, or its keys, are still being worked on.
    NotYetKnown,
}

/// What is locked while a record that shows these fields is worked on: itself and its identity keys.
pub(crate) fn locks(
    core: &Core,
    connection: &ConnectionName,
    entity: Entity,
    id: &RecordId,
    fields: &Fields,
) -> BTreeSet<String> {
    let mut locks = BTreeSet::from([format!("{connection}/{entity}/{id}")]);
    for (pairing, side) in core.pairings_of(connection, entity) {
        locks.extend(
            identify::keys(&pairing, side, Some(id), fields)
                .into_iter()
                .map(|key| format!("key/{}/{}", key.kind, key.value)),
        );
    }
    locks
}

/// A message about a record that is just being written or made often is the echo of that write, and
/// overtakes its commit. So it waits for the commit, shortly.
async fn own_write(
    core: &Core,
    connection: &ConnectionName,
    hint: &Hint,
) -> Result<OwnWrite, Error> {
    let nothing = Fields::new();
    let shown = hint.shown.as_ref();
    let fields = shown.map_or(&nothing, |shown| &shown.record.fields);
    let keys = locks(core, connection, hint.entity, &hint.id, fields);
    let begun = core.clock.steady();
    loop {
        // The lock first: what was written is stored before it is let go.
        let held = core.locks.is_held(&keys);
        if is_own_write(core, connection, hint).await? {
            return Ok(OwnWrite::Yes);
        }
        if !held {
            return Ok(OwnWrite::No);
        }
        if core.clock.steady().saturating_sub(begun) >= LONGEST_WAIT {
            return Ok(OwnWrite::NotYetKnown);
        }
        core.locks.wait_free(&keys, core.clock.sleep(LOOK)).await;
    }
}

/// Whether a message shows just what we wrote: all that it shows means the same as our base, and it
/// is not newer than our own write. Then no read is needed.
async fn is_own_write(
    core: &Core,
    connection: &ConnectionName,
    hint: &Hint,
) -> Result<bool, Error> {
    let Some(shown) = &hint.shown else {
        return Ok(false);
    };
    let Some(at) = hint.not_older_than.or(shown.modified) else {
        return Ok(false);
    };
    let mut proven = false;
    // A sync that is yet to look at the record because of our write reads then what the message tells of.
    let is_to_look = |pairing: &Pairing| {
        let causes = &core.causes;
        let of = causes.of(connection, hint.entity, &hint.id, &pairing.sync);
        of.is_some()
    };
    for (pairing, side) in core.pairings_of(connection, hint.entity) {
        let links = core
            .store
            .links_of(
                &core.workspace,
                &pairing.sync,
                pairing.entity,
                side,
                std::slice::from_ref(&hint.id),
            )
            .await?;
        let Some(link) = links.first() else {
            // A sync that would do nothing with the record learns nothing from the message.
            let fields = &shown.record.fields;
            if pairing.compiled.gets_counterpart(side, fields) == Some(false)
                || is_to_look(&pairing)
            {
                continue;
            }
            return Ok(false);
        };
        let shown = &with_empty(&pairing, side, link, shown);
        let wrote = match side {
            Side::Left => link.wrote_left,
            Side::Right => link.wrote_right,
        };
        // The vendor dates the message when it sends it, after our write.
        let echo = |wrote: Timestamp| wrote.saturating_add(ECHO).is_ok_and(|latest| at <= latest);
        let (recent, base, hides) = (
            wrote.is_some_and(echo),
            shows_base(&pairing, side, link, shown),
            // A field that messages never carry tells nothing. If somebody gave it a value after the
            // record was made, that has a message of its own.
            !hint.born && hides_value(&pairing, side, link, shown),
        );
        // Only one sync wrote it. What it shows is the base of the others as well, or they are yet to look.
        if hides || !(base || is_to_look(&pairing)) {
            tracing::debug!(sync = %pairing.sync, record = %hint.id, recent, base, hides, "a message may be news");
            return Ok(false);
        }
        proven |= recent && base;
    }
    Ok(proven)
}

/// A message as it means it: fields that are empty by our base and that it leaves out are empty, for
/// vendors leave out what is empty. What it leaves out and we know a value of stays unknown.
fn with_empty(pairing: &Pairing, side: Side, link: &Link, shown: &record::Read) -> record::Read {
    let mut shown = shown.clone();
    for name in pairing.mapped_fields(side) {
        let name = name.as_str();
        let is_empty = *link.base(side).get(name) == Field::Empty;
        if is_empty && !shown.record.fields.get(name).is_known() {
            shown.record.fields.set(name, Field::Empty);
        }
    }
    shown
}

/// Whether a reading leaves out a field that has a value by our base: it may have been cleared.
fn hides_value(pairing: &Pairing, side: Side, link: &Link, shown: &record::Read) -> bool {
    let hidden = pairing.compiled.mappings().iter().find(|mapping| {
        !mapping.read(side, &shown.record.fields).is_known()
            && mapping.read(side, link.base(side)).value().is_some()
    });
    if let Some(mapping) = hidden {
        tracing::debug!(sync = %pairing.sync, mapping = mapping.id(), "a message does not show this");
    }
    hidden.is_some()
}

/// Whether everything that a reading shows of the mapped fields means the same as the base.
pub(crate) fn shows_base(pairing: &Pairing, side: Side, link: &Link, shown: &record::Read) -> bool {
    pairing.compiled.mappings().iter().all(|mapping| {
        let is = mapping.read(side, &shown.record.fields);
        if is.is_known() {
            has_base(link, mapping) && is == mapping.read(side, link.base(side))
        } else {
            !shows_something_else(mapping, side, link, shown)
        }
    })
}
