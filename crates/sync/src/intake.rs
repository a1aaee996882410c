//! Webhooks on their way in: verified by the connector, turned into signals, durable before they are
//! acknowledged.

use connector::{Delivery, Hint};
use jiff::Timestamp;
use record::Side;
use store::{Accepted, ConnectionName, DeliveryRow, Lane, Link, Signal, SignalSource};

use crate::{Error, decide::has_base, engine::Core, pair::Pairing};

/// Takes a verified delivery in. When this returns `New` or `Duplicate`, it is durable.
pub(crate) async fn accept(
    core: &Core,
    connection: &ConnectionName,
    delivery: Delivery,
) -> Result<Accepted, Error> {
    let now = core.clock.now();
    let mut signals = Vec::with_capacity(delivery.hints.len());
    for hint in &delivery.hints {
        if core.pairings_of(connection, hint.entity).is_empty() {
            continue;
        }
        if is_own_write(core, connection, hint).await? {
            continue;
        }
        signals.push(Signal {
            connection: connection.clone(),
            entity: hint.entity,
            record: hint.id.clone(),
            lane: Lane::Live,
            source: SignalSource::Webhook,
            not_older_than: hint.not_older_than.filter(|mark| *mark <= later(now)),
            due: now,
            cause: None,
        });
    }
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
        core.wake();
    }
    Ok(accepted)
}

/// A mark further in the future than clocks differ is no mark.
fn later(now: Timestamp) -> Timestamp {
    now.saturating_add(std::time::Duration::from_secs(60))
        .unwrap_or(now)
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
            return Ok(false);
        };
        let wrote = match side {
            Side::Left => link.wrote_left,
            Side::Right => link.wrote_right,
        };
        if wrote.is_none_or(|wrote| at > wrote) || !shows_base(&pairing, side, link, shown) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether everything that a reading shows of the mapped fields means the same as the base.
pub(crate) fn shows_base(pairing: &Pairing, side: Side, link: &Link, shown: &record::Read) -> bool {
    pairing.compiled.mappings().iter().all(|mapping| {
        let is = mapping.read(side, &shown.record.fields);
        !is.is_known() || (has_base(link, mapping) && is == mapping.read(side, link.base(side)))
    })
}
