//! Full listings: what no signal told us, and what is no longer there. Resumable, in constant
//! memory, and without a write for a record that has not changed.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use connector::PageRequest;
use jiff::{SignedDuration, Timestamp};
use record::{Completeness, Fields, Read, RecordId, Side};
use store::{Cause, Key, Lane, Link, Listed, Signal, SignalSource, Snapshot, Sweep, SweepPage};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::{
    Error, breaker,
    engine::Core,
    identify,
    pair::{End, Pairing},
    poll::shows_nothing_new,
    references,
    settle::is_final,
    setup,
};

/// By how much what a listing shows may be behind what was written.
const LISTINGS_LAG: SignedDuration = SignedDuration::from_mins(10);

/// What a sweep found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepReport {
    /// When the listing began, by an earlier process if it was stopped in the middle.
    pub began: Timestamp,
    /// Records listed.
    pub listed: u64,
    /// Records that were signalled.
    pub signalled: u64,
    /// Known records that were not in the listing.
    pub missing: u64,
}

/// Lists one side of a pairing whole. A listing that the vendor refuses asks for a field that the
/// account has no longer: the schemas are read anew, and it is tried once more.
pub(crate) async fn sweep(
    core: &Core,
    pairing: &Arc<Pairing>,
    side: Side,
    lane: Lane,
    progress: &(dyn Fn(u64, Option<u64>) + Send + Sync),
) -> Result<SweepReport, Error> {
    match list(core, pairing, side, lane, progress).await {
        Err(error) if error.is_refusal() => {
            let renewed = setup::renew(core, pairing, error).await?;
            list(core, &renewed, side, lane, progress).await
        }
        result => result,
    }
}

async fn list(
    core: &Core,
    pairing: &Arc<Pairing>,
    side: Side,
    lane: Lane,
    progress: &(dyn Fn(u64, Option<u64>) + Send + Sync),
) -> Result<SweepReport, Error> {
    let end = pairing.end(side);
    let cause = Cause {
        trace: Uuid::now_v7(),
        source: SignalSource::Sweep,
        origin: None,
        passed: Vec::new(),
    };
    core.marks.forget(&end.connection, pairing.entity);
    let state = core
        .store
        .begin_sweep(
            &core.workspace,
            &end.connection,
            pairing.entity,
            core.clock.now(),
        )
        .await?;
    let mut report = SweepReport {
        began: state.started,
        listed: state.listed,
        signalled: 0,
        missing: 0,
    };
    let mut cursor = state.cursor.clone();
    let first = core
        .store
        .last_sweep(&core.workspace, &end.connection, pairing.entity)
        .await?
        .is_none();
    let wanted = Arc::new(end.wanted.clone());
    let listed_from = |cursor: Option<serde_json::Value>| {
        let connector = Arc::clone(&end.connector);
        let wanted = Arc::clone(&wanted);
        let calls = core.calls(&end.connection, lane, Some(&cause));
        let request = PageRequest {
            cursor,
            limit: end.description.list_page,
        };
        // On a task of its own: taking one page apart and storing the one before it keep two
        // processors busy.
        let page = AbortOnDropHandle::new(tokio::spawn(async move {
            Ok::<_, Error>(connector.list(&*calls?, &wanted, request).await?)
        }));
        async move { ended(end, page).await? }
    };
    let mut page = if state.complete {
        // An earlier process listed everything and was stopped before it came to what is missing.
        None
    } else {
        Some(listed_from(cursor.clone()).await?)
    };
    // Three pages are under way: one is fetched, one compared with what is known, one stored.
    let mut storing: Option<Storing> = None;
    while let Some(listed) = page {
        report.listed += listed.reads.len() as u64;
        tracing::debug!(
            connection = %end.connection,
            listed = report.listed,
            whole = listed.reads.iter().filter(|read| read.completeness == Completeness::Complete).count(),
            "a page was listed"
        );
        progress(report.listed, listed.total);
        let stuck = listed.next.is_some() && listed.next == cursor;
        cursor = if stuck { None } else { listed.next };
        let next = cursor.clone().map(|cursor| listed_from(Some(cursor)));
        let here = compare(
            core,
            pairing,
            side,
            &state,
            listed.reads,
            cursor.clone(),
            lane,
        )
        .await;
        // In their order: the cursor of a page stands for all before it.
        stored(end, storing.take()).await?;
        let here = here?;
        report.signalled += signalled(&here);
        storing = Some(store_page(core, here));
        let next = match next {
            Some(next) => next.await.map(Some),
            None => Ok(None),
        };
        if stuck || next.is_err() {
            stored(end, storing.take()).await?;
        }
        if stuck {
            core.store.abandon_sweep(&core.workspace, state.id).await?;
            return Err(Error::Connection {
                connection: end.connection.to_string(),
                why: "its listing does not move on".to_owned(),
            });
        }
        page = next?;
    }
    stored(end, storing).await?;
    report.missing = finish(core, pairing, side, &state, first, report.listed, lane).await?;
    core.wake();
    Ok(report)
}

/// A page that is being stored.
type Storing = AbortOnDropHandle<Result<(), store::Error>>;

/// Stores what a page leaves behind, meanwhile.
fn store_page(core: &Core, page: SweepPage) -> Storing {
    let (store, workspace) = (Arc::clone(&core.store), core.workspace.clone());
    AbortOnDropHandle::new(tokio::spawn(async move {
        store.commit_page(&workspace, page).await
    }))
}

/// Waits until a page is stored.
async fn stored(end: &End, page: Option<Storing>) -> Result<(), Error> {
    match page {
        Some(page) => Ok(ended(end, page).await??),
        None => Ok(()),
    }
}

/// The end of a task; its panic is ours.
async fn ended<T>(end: &End, task: AbortOnDropHandle<T>) -> Result<T, Error> {
    task.await.map_err(|ended| match ended.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(ended) => Error::Connection {
            connection: end.connection.to_string(),
            why: format!("its listing was stopped: {ended}"),
        },
    })
}

/// How many of a page's records are to be looked at.
fn signalled(page: &SweepPage) -> u64 {
    page.changed
        .iter()
        .filter(|listed| listed.signal.is_some())
        .count() as u64
}

/// Compares one page with what is known. A page that is not stored yet counts as unknown: a record that
/// moved from there to here is looked at once more.
async fn compare(
    core: &Core,
    pairing: &Arc<Pairing>,
    side: Side,
    sweep: &Sweep,
    reads: Vec<Read>,
    cursor: Option<serde_json::Value>,
    lane: Lane,
) -> Result<SweepPage, Error> {
    let end = pairing.end(side);
    let ids: Vec<RecordId> = reads.iter().map(|read| read.record.id.clone()).collect();
    let known = core
        .store
        .known(&core.workspace, &end.connection, pairing.entity, &ids)
        .await?;
    let first = core.is_unlisted(pairing);
    let mut unchanged = Vec::with_capacity(reads.len());
    let mut different = Vec::new();
    let mut same = Vec::new();
    for (read, known) in reads.into_iter().zip(known) {
        let hash = list_hash(&read);
        match known {
            // Another sync has listed it before. This one marks all that it lists when it has listed all, and
            // what is kept here spares it the reading of each.
            Some(known) if known.list_hash == hash && first => same.push((read, hash)),
            Some(known) if known.list_hash == hash => unchanged.push(known.row),
            _ => different.push((read, hash)),
        }
    }
    let at = core.clock.now();
    // All records of a first listing are due at one moment: then they are worked off in the order of
    // their ids, and the indexes by id are written from one end to the other and not all over.
    let due = match lane {
        Lane::Backfill => sweep.started.min(at),
        Lane::Live | Lane::Reconcile => at,
    };
    let mut changed = look_closer(core, pairing, side, different, (lane, due)).await?;
    let same = look_closer(core, pairing, side, same, (lane, due)).await?;
    changed.extend(same.into_iter().map(|listed| Listed {
        signal: None,
        ..listed
    }));
    Ok(SweepPage {
        sweep: sweep.id,
        connection: end.connection.clone(),
        entity: pairing.entity,
        unchanged,
        changed,
        cursor,
        at,
    })
}

/// Of records that are listed otherwise than before, finds those that a sync has to look at.
async fn look_closer(
    core: &Core,
    pairing: &Arc<Pairing>,
    side: Side,
    different: Vec<(Read, u64)>,
    (lane, due): (Lane, Timestamp),
) -> Result<Vec<Listed>, Error> {
    if different.is_empty() {
        return Ok(Vec::new());
    }
    let end = pairing.end(side);
    let ids: Vec<RecordId> = different
        .iter()
        .map(|(read, _)| read.record.id.clone())
        .collect();
    let mut links: Vec<(Arc<Pairing>, Side, HashMap<RecordId, Link>)> = Vec::new();
    for (pairing, side) in core.pairings_of(&end.connection, pairing.entity) {
        let of_sync = core
            .store
            .links_of(&core.workspace, &pairing.sync, pairing.entity, side, &ids)
            .await?
            .into_iter()
            .map(|link| (link.record(side).clone(), link))
            .collect();
        links.push((pairing, side, of_sync));
    }
    let is_hub = links.len() > 1;
    let marked_later = core.is_unlisted(pairing) && is_hub;
    let seen = if is_hub && !marked_later {
        let (connection, entity) = (&end.connection, pairing.entity);
        core.store
            .snapshots(&core.workspace, connection, entity, &ids)
            .await?
    } else {
        vec![None; ids.len()]
    };
    let mut listed = Vec::with_capacity(different.len());
    for ((read, hash), seen) in different.into_iter().zip(seen) {
        let id = read.record.id.clone();
        let seen = seen.and_then(|snapshot| snapshot.read);
        let due = match lane {
            Lane::Backfill => together(due, pairing, side, &read.record.fields),
            Lane::Live | Lane::Reconcile => due,
        };
        let everywhere_linked = links.iter().all(|(_, _, links)| links.contains_key(&id));
        // What a sync lists for the first time beside others is marked for it at the end.
        let old_news = links.iter().all(|(of, side, links)| {
            (marked_later && of.sync == pairing.sync)
                || match links.get(&id) {
                    Some(link) => shows_nothing_new(of, *side, link, &read),
                    // Another sync may have its counterpart; this one makes none and has seen it as it is listed.
                    None => seen
                        .as_ref()
                        .is_some_and(|seen| shows_what_was_seen(of, *side, seen, &read)),
                }
        });
        let just_written = links.iter().any(|(_, side, links)| {
            let link = links.get(&id);
            let wrote = link.and_then(|link| match side {
                Side::Left => link.wrote_left,
                Side::Right => link.wrote_right,
            });
            wrote.is_some_and(|wrote| read.as_of.duration_since(wrote) < LISTINGS_LAG)
        });
        let keys: Vec<Key> = identify::index_keys(core, pairing, side, &id, &read.record.fields);
        listed.push(Listed {
            snapshot: Snapshot {
                connection: end.connection.clone(),
                entity: pairing.entity,
                record: id.clone(),
                keys,
                // one that may be from before our own write is not what the next is held against
                list_hash: Some(if old_news || !just_written {
                    hash
                } else {
                    store::NOT_LISTED
                }),
                read: (!everywhere_linked).then_some(read),
            },
            signal: (!old_news).then(|| Signal {
                connection: end.connection.clone(),
                entity: pairing.entity,
                record: id,
                lane,
                source: SignalSource::Sweep,
                not_older_than: None,
                due,
                cause: None,
            }),
        });
    }
    Ok(listed)
}

/// Whether a record without a link, which gets none made, is listed just as it was read for its connection before: what a
/// sync makes of that is settled, or the record is still marked.
fn shows_what_was_seen(pairing: &Pairing, side: Side, seen: &Read, listed: &Read) -> bool {
    let same_stamp = listed
        .modified
        .is_some_and(|stamp| seen.modified == Some(stamp) && is_final(stamp, seen.as_of));
    let (was, is) = (&seen.record.fields, &listed.record.fields);
    same_stamp
        && pairing.compiled.gets_counterpart(side, is) == Some(false)
        && pairing.mapped_fields(side).all(|name| {
            let field = is.get(name.as_str());
            !field.is_known() || field == was.get(name.as_str())
        })
}

/// Those who name one record of another entity are due at one moment, a little before the others: some systems
/// take many of them at once.
fn together(due: Timestamp, pairing: &Pairing, side: Side, fields: &Fields) -> Timestamp {
    let Some(named) = references::named(pairing, side, fields) else {
        return due;
    };
    let mut hasher = DefaultHasher::new();
    named.hash(&mut hasher);
    let before = SignedDuration::from_micros((hasher.finish() % 1_000_000).cast_signed());
    due.checked_sub(before).unwrap_or(due)
}

/// Ends a sweep: known records that were not listed are looked at. An empty or much shrunken listing
/// says nothing about what is missing.
async fn finish(
    core: &Core,
    pairing: &Arc<Pairing>,
    side: Side,
    sweep: &Sweep,
    first: bool,
    listed: u64,
    lane: Lane,
) -> Result<u64, Error> {
    let end = pairing.end(side);
    let now = core.clock.now();
    let mut missing = Vec::new();
    let known = core
        .store
        .known_count(&core.workspace, &end.connection, pairing.entity)
        .await?;
    // Looking costs reads, and a listing that lost half of everything rather lost a right.
    let believable = listed > 0 && listed.saturating_mul(2) >= known;
    if !first && believable {
        let mut after = 0;
        loop {
            let page = core
                .store
                .unseen(&core.workspace, sweep.id, after, 500)
                .await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            missing.extend(page.into_iter().map(|(_, id)| Signal {
                connection: end.connection.clone(),
                entity: pairing.entity,
                record: id,
                lane,
                source: SignalSource::Sweep,
                // What is kept of it is from before; only a new reading says whether it is there.
                not_older_than: Some(now),
                due: now,
                cause: None,
            }));
        }
    } else if !first && known > 0 {
        tracing::warn!(
            connection = %end.connection,
            listed,
            known,
            "a listing shows less than half of what is known; nothing follows from what is missing"
        );
        core.note_shrunken(pairing, side, listed, known).await?;
    }
    let count = missing.len() as u64;
    let ids: Vec<RecordId> = missing.iter().map(|signal| signal.record.clone()).collect();
    breaker::count_ahead(core, &end.connection, pairing.entity, &ids, lane).await?;
    core.store
        .finish_sweep(&core.workspace, sweep.id, &missing, now)
        .await?;
    Ok(count)
}

/// Hash of a record as a listing shows it.
fn list_hash(read: &Read) -> u64 {
    let mut hasher = DefaultHasher::new();
    (read.completeness == Completeness::Complete).hash(&mut hasher);
    read.record.fields.hash(&mut hasher);
    hasher.finish()
}
