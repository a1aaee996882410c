//! Delta reads: what changed since the cursor becomes signals, together with the new cursor.

use std::cmp::Ordering;

use connector::PageRequest;
use record::{Freshness, Read, RecordId, Side};
use store::{Cause, ConnectionName, CursorKey, Lane, Link, Signal, SignalSource};
use uuid::Uuid;

use crate::{
    Error, decide::has_base, engine::Core, intake::shows_base, pair::Pairing, settle::is_final,
    setup,
};

/// Reads what changed on one connection since the last poll. Says how many records were signalled.
/// A read that the vendor refuses asks for a field that the account has no longer: the schemas are
/// read anew, and it is tried once more.
pub(crate) async fn poll(core: &Core, pairing: &Pairing, side: Side) -> Result<usize, Error> {
    match changes(core, pairing, side).await {
        Err(error) if error.is_refusal() => {
            let renewed = setup::renew(core, pairing, error).await?;
            changes(core, &renewed, side).await
        }
        result => result,
    }
}

async fn changes(core: &Core, pairing: &Pairing, side: Side) -> Result<usize, Error> {
    let end = pairing.end(side);
    if !end.description.polled {
        return Ok(0);
    }
    let key = CursorKey {
        connection: end.connection.clone(),
        entity: pairing.entity,
        purpose: "changes".to_owned(),
    };
    let cause = Cause {
        trace: Uuid::now_v7(),
        source: SignalSource::Poll,
        origin: None,
        passed: Vec::new(),
    };
    let mut cursor = core.store.cursor(&core.workspace, &key).await?;
    let mut signalled = 0;
    loop {
        let calls = core.calls(&end.connection, Lane::Live, Some(&cause))?;
        let page = end
            .connector
            .changes(
                &*calls,
                &end.wanted,
                PageRequest {
                    cursor: cursor.clone(),
                    limit: end.description.list_page,
                },
            )
            .await?;
        let signals = signals(core, &end.connection, pairing, page.reads).await?;
        signalled += signals.len();
        let next = page.next.clone().or_else(|| page.resume.clone());
        if let Some(next) = &next {
            core.store
                .save_cursor(&core.workspace, &key, next, &signals)
                .await?;
        } else if !signals.is_empty() {
            core.store.signal(&core.workspace, &signals).await?;
        }
        if !signals.is_empty() {
            core.wake();
        }
        match page.next {
            Some(next) if Some(&next) != cursor.as_ref() => cursor = Some(next),
            _ => return Ok(signalled),
        }
    }
}

/// Signals for those reads that show something new.
async fn signals(
    core: &Core,
    connection: &ConnectionName,
    pairing: &Pairing,
    reads: Vec<Read>,
) -> Result<Vec<Signal>, Error> {
    let now = core.clock.now();
    let ids: Vec<RecordId> = reads.iter().map(|read| read.record.id.clone()).collect();
    let snapshots = core
        .store
        .snapshots(&core.workspace, connection, pairing.entity, &ids)
        .await?;
    let mut news = Vec::new();
    for (read, snapshot) in reads.into_iter().zip(snapshots) {
        let known = snapshot.and_then(|snapshot| snapshot.read);
        let same = known.is_some_and(|known| {
            known
                .modified
                .is_some_and(|stamp| read.modified == Some(stamp) && is_final(stamp, known.as_of))
        });
        if !same && !is_old_news(core, connection, pairing, &read).await? {
            news.push(read);
        }
    }
    Ok(news
        .into_iter()
        .map(|read| Signal {
            connection: connection.clone(),
            entity: pairing.entity,
            record: read.record.id,
            lane: Lane::Live,
            source: SignalSource::Poll,
            not_older_than: None,
            due: now,
            cause: None,
        })
        .collect())
}

/// Whether all syncs of the connection have seen this state of the record already.
async fn is_old_news(
    core: &Core,
    connection: &ConnectionName,
    pairing: &Pairing,
    read: &Read,
) -> Result<bool, Error> {
    for (pairing, side) in core.pairings_of(connection, pairing.entity) {
        let links = links_of(core, &pairing, side, &read.record.id).await?;
        let Some(link) = links.first() else {
            return Ok(false);
        };
        if !shows_nothing_new(&pairing, side, link, read) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn links_of(
    core: &Core,
    pairing: &Pairing,
    side: Side,
    id: &RecordId,
) -> Result<Vec<Link>, Error> {
    Ok(core
        .store
        .links_of(
            &core.workspace,
            &pairing.sync,
            pairing.entity,
            side,
            std::slice::from_ref(id),
        )
        .await?)
}

/// Whether a listed or polled reading shows nothing that the link has not settled: it is older than
/// the last settled one, or it means what the base says and is fresh and whole or carries the very
/// stamp of the last settled one. A stamp alone proves nothing, for some changes move none; and a
/// mapping that has no base yet has settled nothing.
pub(crate) fn shows_nothing_new(pairing: &Pairing, side: Side, link: &Link, read: &Read) -> bool {
    let stamp = match side {
        Side::Left => link.stamp_left,
        Side::Right => link.stamp_right,
    };
    let against_stamp = read
        .modified
        .zip(stamp)
        .map(|(modified, stamp)| modified.cmp(&stamp));
    let settled = pairing
        .compiled
        .mappings()
        .iter()
        .all(|mapping| has_base(link, mapping));
    let whole = read.freshness == Freshness::Fresh && pairing.knows(side, read);
    match against_stamp {
        Some(Ordering::Less) => settled,
        Some(Ordering::Equal) => settled && shows_base(pairing, side, link, read),
        _ => whole && shows_base(pairing, side, link, read),
    }
}
