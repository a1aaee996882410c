//! What full listings cost where they are dear, and how often they are done.
//!
//! Most records are listed by pages, now and then, to find what no signal told. Two kinds differ. Where nothing but a
//! listing tells of an edit, it takes the place of polls, as often as a tenth of the limits allows. Where the records are
//! asked for one record of another entity at a time, a listing takes a request for each of those: it is done so
//! seldom that it stays within a twentieth.

use std::{sync::Arc, time::Duration};

use record::{Entity, Side};
use serde::Serialize;
use store::{Lane, SyncName};

use crate::{
    Error,
    engine::Core,
    pair::{End, Pairing},
    poll, run,
};

/// How much of the limits listings may take that stand for polls.
const SHARE_OF_POLLS: f64 = 0.1;

/// The same while a run has everything to write that the two sides lack: the limits are for that.
const SHARE_IN_RUN: f64 = 0.01;

/// How much of the limits a listing may take that asks for the records of each other record.
const SHARE_OF_SWEEPS: f64 = 0.05;

/// What listing the records of one connection costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListingCost {
    /// The connection.
    pub connection: String,
    /// What is listed.
    pub entity: Entity,
    /// About how many requests one listing takes.
    pub requests: u64,
    /// The pause from one to the next, in seconds.
    pub every: u64,
    /// Edits are found by nothing else.
    pub tells_edits: bool,
    /// A request is made for each record of this entity.
    pub per_record_of: Option<Entity>,
}

/// Reads what changed: by asking for it, or by listing everything where that is the only way. Says how many records
/// were signalled.
pub(crate) async fn poll(core: &Core, pairing: &Arc<Pairing>, side: Side) -> Result<usize, Error> {
    if !tells_edits(pairing.end(side), pairing.entity) {
        return poll::poll(core, pairing, side).await;
    }
    if core.is_unlisted(pairing) {
        // Its first listing is under way, and finds what there is.
        return Ok(0);
    }
    let report = run::list_side(core, pairing, side, Lane::Reconcile, &|_, _| {}).await?;
    Ok(usize::try_from(report.signalled + report.missing).unwrap_or(usize::MAX))
}

fn tells_edits(end: &End, entity: Entity) -> bool {
    end.connector.listing(entity).tells_edits
}

/// The least pause between two polls of one entity: none where changes can be asked for.
pub(crate) async fn least_pause(
    core: &Core,
    pairing: &Pairing,
    side: Side,
) -> Result<Duration, Error> {
    if !tells_edits(pairing.end(side), pairing.entity) {
        return Ok(Duration::ZERO);
    }
    let requests = requests(core, pairing, side).await?;
    let share = match core.run_of(&pairing.sync) {
        Some(_) => SHARE_IN_RUN,
        None => SHARE_OF_POLLS,
    };
    Ok(pause(core, pairing.end(side), requests, share))
}

/// The pause between two listings that look for what no signal told.
pub(crate) async fn between_sweeps(
    core: &Core,
    pairing: &Pairing,
    side: Side,
) -> Result<Duration, Error> {
    let end = pairing.end(side);
    let usual = core.options.sweep;
    if end
        .connector
        .listing(pairing.entity)
        .per_record_of
        .is_none()
    {
        return Ok(usual);
    }
    let requests = requests(core, pairing, side).await?;
    Ok(usual.max(pause(core, end, requests, SHARE_OF_SWEEPS)))
}

/// About how many requests one listing takes, by what is known of the account.
async fn requests(core: &Core, pairing: &Pairing, side: Side) -> Result<u64, Error> {
    let end = pairing.end(side);
    let known = |entity| {
        core.store
            .known_count(&core.workspace, &end.connection, entity)
    };
    let page = end.description.list_page.max(1) as u64;
    Ok(match end.connector.listing(pairing.entity).per_record_of {
        Some(parent) => {
            let parents = known(parent).await?;
            parents + parents.div_ceil(page)
        }
        None => known(pairing.entity).await?.div_ceil(page).max(1),
    })
}

/// The pause in which so many requests take no more than this share of the limits.
fn pause(core: &Core, end: &End, requests: u64, share: f64) -> Duration {
    match core.connections.rate(&end.connection) {
        #[expect(clippy::cast_precision_loss, reason = "a number of requests is small")]
        Ok(Some(rate)) if rate > 0.0 => {
            Duration::try_from_secs_f64(requests as f64 / (rate * share)).unwrap_or(Duration::MAX)
        }
        _ => Duration::ZERO,
    }
}

/// The dear listings of a sync.
pub(crate) async fn costs(core: &Core, sync: &SyncName) -> Result<Vec<ListingCost>, Error> {
    let mut costs = Vec::new();
    for pairing in core.all_pairings() {
        if pairing.sync != *sync {
            continue;
        }
        for side in Side::BOTH {
            let end = pairing.end(side);
            let listing = end.connector.listing(pairing.entity);
            let every = if listing.tells_edits {
                let usual = core.poll_pause(&end.connection);
                usual.max(least_pause(core, &pairing, side).await?)
            } else if listing.per_record_of.is_some() {
                between_sweeps(core, &pairing, side).await?
            } else {
                continue;
            };
            costs.push(ListingCost {
                connection: end.connection.to_string(),
                entity: pairing.entity,
                requests: requests(core, &pairing, side).await?,
                every: every.as_secs(),
                tells_edits: listing.tells_edits,
                per_record_of: listing.per_record_of,
            });
        }
    }
    Ok(costs)
}
