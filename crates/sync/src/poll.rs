//! Delta reads: what changed since the cursor becomes signals, together with the new cursor.

use std::{cmp::Ordering, collections::BTreeSet, time::Duration};

use connector::PageRequest;
use jiff::Timestamp;
use record::{Entity, Freshness, Read, RecordId, Side};
use serde_json::Value as Json;
use store::{Cause, ConnectionName, CursorKey, Lane, Link, Signal, SignalSource};
use uuid::Uuid;

use crate::{
    Error, Heard,
    decide::has_base,
    engine::Core,
    intake::{self, shows_base},
    pair::{End, Pairing},
    settle::is_final,
    setup,
};

/// Reads what changed on one connection since the last poll. Says how many records were signalled.
/// A read that the vendor refuses asks for a field that the account has no longer: the schemas are
/// read anew, and it is tried once more.
pub(crate) async fn poll(core: &Core, pairing: &Pairing, side: Side) -> Result<usize, Error> {
    let began = core.clock.now();
    let number = match changes(core, pairing, side).await {
        Err(error) if error.is_refusal() => {
            let renewed = setup::renew(core, pairing, error).await?;
            changes(core, &renewed, side).await
        }
        result => result,
    }?;
    let end = pairing.end(side);
    if end.description.polled {
        let key = polled_key(&end.connection, pairing.entity);
        let at = Json::from(began.to_string());
        core.store
            .save_cursor(&core.workspace, &key, &at, &[])
            .await?;
    }
    Ok(number)
}

/// Under which name it is kept when the last poll that succeeded began: what was changed before is known.
fn polled_key(connection: &ConnectionName, entity: Entity) -> CursorKey {
    CursorKey {
        connection: connection.clone(),
        entity,
        purpose: "polled".to_owned(),
    }
}

/// How we come to know of changes at a connection of these entities.
pub(crate) async fn heard(
    core: &Core,
    connection: &ConnectionName,
    entities: &BTreeSet<Entity>,
) -> Result<Heard, Error> {
    let webhooks = core.has_webhooks(connection);
    let every = core.poll_pause(connection);
    let connector = core.connections.connector(connection).ok();
    let is_polled = |entity: &Entity| {
        let description = connector.as_ref().map(|connector| connector.describe());
        description.is_some_and(|all| all.entity(*entity).is_some_and(|each| each.polled))
    };
    let mut polled: Option<Timestamp> = None;
    let mut has_all = true;
    let mut any = false;
    for entity in entities.iter().filter(|entity| is_polled(entity)) {
        any = true;
        let key = polled_key(connection, *entity);
        let at = core.store.cursor(&core.workspace, &key).await?;
        match at
            .as_ref()
            .and_then(Json::as_str)
            .and_then(|at| at.parse().ok())
        {
            Some(at) => polled = Some(polled.map_or(at, |before: Timestamp| before.min(at))),
            None => has_all = false,
        }
    }
    let polled = polled.filter(|_| has_all);
    let behind = polled.map(|at| core.clock.now().duration_since(at).as_millis().max(0));
    Ok(Heard {
        webhooks,
        polled_every_ms: any.then(|| u64::try_from(every.as_millis()).unwrap_or(u64::MAX)),
        polled,
        behind_ms: behind.and_then(|behind| u64::try_from(behind).ok()),
    })
}

/// Finds out from where the next poll has to read. To be asked before a listing and saved after it, when
/// everything older is signalled by the listing: so a mass of changes does not pass for live edits.
pub(crate) async fn whence(
    core: &Core,
    pairing: &Pairing,
    side: Side,
) -> Result<Option<Whence>, Error> {
    match read_on(core, pairing, side).await {
        Err(error) if error.is_refusal() => {
            let renewed = setup::renew(core, pairing, error).await?;
            read_on(core, &renewed, side).await
        }
        result => result,
    }
}

/// From where the next poll has to read if a listing that begins now signals everything older.
pub(crate) struct Whence {
    key: CursorKey,
    cursor: Json,
    /// What is kept for a listing that is stopped in the middle, as nothing was polled before it.
    kept: Option<Json>,
}

async fn read_on(core: &Core, pairing: &Pairing, side: Side) -> Result<Option<Whence>, Error> {
    let mut reader = Reader::of(core, pairing, side).await?;
    let polled_before = reader.cursor.is_some();
    while reader.next_page().await?.is_some() {}
    let (Some(cursor), key) = (reader.cursor, reader.key) else {
        return Ok(None);
    };
    let mut kept = None;
    if !polled_before {
        let first = CursorKey {
            purpose: "first listing".to_owned(),
            ..key.clone()
        };
        kept = core.store.cursor(&core.workspace, &first).await?;
        if kept.is_none() {
            core.store
                .save_cursor(&core.workspace, &first, &cursor, &[])
                .await?;
        }
    }
    Ok(Some(Whence { key, cursor, kept }))
}

impl Whence {
    /// The listing began after this was asked: what is edited meanwhile is found by the next poll.
    pub(crate) async fn listed(self, core: &Core) -> Result<(), Error> {
        let (workspace, store) = (&core.workspace, &core.store);
        Ok(store
            .save_cursor(workspace, &self.key, &self.cursor, &[])
            .await?)
    }

    /// The listing was begun by an earlier process and has shown its first pages before this was asked: what changed since
    /// then is asked for now.
    pub(crate) async fn went_on(
        self,
        core: &Core,
        pairing: &Pairing,
        side: Side,
    ) -> Result<(), Error> {
        if let Some(kept) = self.kept {
            core.store
                .save_cursor(&core.workspace, &self.key, &kept, &[])
                .await?;
        }
        poll(core, pairing, side).await.map(drop)
    }
}

/// The changes of one connection, page by page.
struct Reader<'a> {
    core: &'a Core,
    end: &'a End,
    cause: Cause,
    key: CursorKey,
    /// From where the next page is read, or the next poll.
    cursor: Option<Json>,
    ended: bool,
}

impl<'a> Reader<'a> {
    async fn of(core: &'a Core, pairing: &'a Pairing, side: Side) -> Result<Self, Error> {
        let end = pairing.end(side);
        let key = CursorKey {
            connection: end.connection.clone(),
            entity: pairing.entity,
            purpose: "changes".to_owned(),
        };
        Ok(Self {
            core,
            end,
            cause: Cause {
                trace: Uuid::now_v7(),
                source: SignalSource::Poll,
                origin: None,
                passed: Vec::new(),
            },
            cursor: core.store.cursor(&core.workspace, &key).await?,
            key,
            ended: !end.description.polled,
        })
    }

    async fn next_page(&mut self) -> Result<Option<Vec<Read>>, Error> {
        if self.ended {
            return Ok(None);
        }
        let end = self.end;
        let calls = self
            .core
            .calls(&end.connection, Lane::Live, Some(&self.cause))?;
        let page = end
            .connector
            .changes(
                &*calls,
                &end.wanted,
                PageRequest {
                    cursor: self.cursor.clone(),
                    limit: end.description.list_page,
                },
            )
            .await?;
        self.ended = page.next.is_none() || page.next == self.cursor;
        if let Some(next) = page.next.or(page.resume) {
            self.cursor = Some(next);
        }
        Ok(Some(page.reads))
    }
}

async fn changes(core: &Core, pairing: &Pairing, side: Side) -> Result<usize, Error> {
    let mut reader = Reader::of(core, pairing, side).await?;
    let mut brought = Brought::default();
    while let Some(reads) = reader.next_page().await? {
        let connection = &pairing.end(side).connection;
        let (mut signals, unborn) = signals(core, connection, pairing, reads, &mut brought).await?;
        if !unborn.is_empty() {
            if !signals.is_empty() {
                core.store.signal(&core.workspace, &signals).await?;
                core.wake();
            }
            signals = born(core, connection, pairing, unborn, &mut brought).await?;
        }
        if let Some(cursor) = &reader.cursor {
            core.store
                .save_cursor(&core.workspace, &reader.key, cursor, &signals)
                .await?;
        } else if !signals.is_empty() {
            core.store.signal(&core.workspace, &signals).await?;
        }
        if !signals.is_empty() {
            core.wake();
        }
    }
    Ok(brought.changes + brought.newcomers)
}

/// What one poll has brought so far.
#[derive(Debug, Default)]
struct Brought {
    changes: usize,
    newcomers: usize,
}

impl Brought {
    /// More than this in one poll is no person at work but an import or a mass edit, behind which what
    /// people do must not wait. A newcomer costs several calls.
    const LIVE_CHANGES: usize = 100;
    const LIVE_NEWCOMERS: usize = 20;

    /// How urgent the next piece of news is.
    fn lane(&mut self, news: News) -> Lane {
        let (count, most) = match news {
            News::Change => (&mut self.changes, Self::LIVE_CHANGES),
            News::Newcomer => (&mut self.newcomers, Self::LIVE_NEWCOMERS),
        };
        *count += 1;
        if *count <= most {
            Lane::Live
        } else {
            Lane::Reconcile
        }
    }
}

/// What a polled reading is to the syncs of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// All know the record, and some not this state of it.
    Change,
    /// Some do not know the record.
    Newcomer,
}

/// Signals for those readings that show something new. Newcomers that may be what we are just making come
/// back apart.
async fn signals(
    core: &Core,
    connection: &ConnectionName,
    pairing: &Pairing,
    reads: Vec<Read>,
    brought: &mut Brought,
) -> Result<(Vec<Signal>, Vec<Read>), Error> {
    let ids: Vec<RecordId> = reads.iter().map(|read| read.record.id.clone()).collect();
    let snapshots = core
        .store
        .snapshots(&core.workspace, connection, pairing.entity, &ids)
        .await?;
    let mut signals = Vec::new();
    let mut unborn = Vec::new();
    for (read, snapshot) in reads.into_iter().zip(snapshots) {
        let known = snapshot.and_then(|snapshot| snapshot.read);
        let same = known.is_some_and(|known| {
            known
                .modified
                .is_some_and(|stamp| read.modified == Some(stamp) && is_final(stamp, known.as_of))
        });
        if same {
            continue;
        }
        match news(core, connection, pairing, &read).await? {
            None => {}
            Some(News::Newcomer) if is_at_work(core, connection, pairing, &read) => {
                unborn.push(read);
            }
            Some(news) => signals.push(signal(core, connection, pairing, read, news, brought)),
        }
    }
    Ok((signals, unborn))
}

fn signal(
    core: &Core,
    connection: &ConnectionName,
    pairing: &Pairing,
    read: Read,
    news: News,
    brought: &mut Brought,
) -> Signal {
    Signal {
        connection: connection.clone(),
        entity: pairing.entity,
        record: read.record.id,
        lane: brought.lane(news),
        source: SignalSource::Poll,
        not_older_than: None,
        due: core.clock.now(),
        cause: None,
    }
}

/// Whether a record, or one with its identity keys, is just being worked on. What has no key may be anything that is
/// worked on.
fn is_at_work(core: &Core, connection: &ConnectionName, pairing: &Pairing, read: &Read) -> bool {
    let (entity, record) = (pairing.entity, &read.record);
    let locks = intake::locks(core, connection, entity, &record.id, &record.fields);
    let has_keys = locks.len() > 1;
    core.locks.is_held(&locks) || (!has_keys && core.is_at_work(entity))
}

/// How long newcomers may be what we are just making: what is made in one go is stored by then, under limits too.
const LONGEST_BIRTH: Duration = Duration::from_secs(40);

/// How often it is looked meanwhile whether they are.
const LOOK: Duration = Duration::from_millis(250);

/// Waits for the end of the creates that newcomers may be the outcome of, and says what is news of them then: to
/// read each of a backfill's creates would take the place of as many others.
async fn born(
    core: &Core,
    connection: &ConnectionName,
    pairing: &Pairing,
    mut unborn: Vec<Read>,
    brought: &mut Brought,
) -> Result<Vec<Signal>, Error> {
    let until = core.clock.steady() + LONGEST_BIRTH;
    let mut signals = Vec::new();
    loop {
        let over = core.clock.steady() >= until;
        for read in std::mem::take(&mut unborn) {
            // The lock first: what was made is stored before it is let go.
            let at_work = is_at_work(core, connection, pairing, &read);
            match news(core, connection, pairing, &read).await? {
                None => {}
                Some(News::Newcomer) if at_work && !over => unborn.push(read),
                Some(news) => signals.push(signal(core, connection, pairing, read, news, brought)),
            }
        }
        if unborn.is_empty() {
            return Ok(signals);
        }
        core.clock.sleep(LOOK).await;
    }
}

/// What a reading is to the syncs of the connection; `None`: all have seen this state of the record.
async fn news(
    core: &Core,
    connection: &ConnectionName,
    pairing: &Pairing,
    read: &Read,
) -> Result<Option<News>, Error> {
    let mut news = None;
    for (pairing, side) in core.pairings_of(connection, pairing.entity) {
        let links = links_of(core, &pairing, side, &read.record.id).await?;
        let Some(link) = links.first() else {
            return Ok(Some(News::Newcomer));
        };
        if !shows_nothing_new(&pairing, side, link, read) {
            news = Some(News::Change);
        }
    }
    Ok(news)
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
/// the last settled one, or it means what the base says and is whole and fresh (or of records without stamps), or not newer than our own last
/// write and whole (or we made the record with that write), or carries the very stamp of the last settled one. A stamp alone proves nothing, for some changes move none; and a
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
    let wrote = match side {
        Side::Left => link.wrote_left,
        Side::Right => link.wrote_right,
    };
    let is_ours = settled && read.modified.is_some_and(|at| wrote >= Some(at));
    // What it does not show of a record that nobody has touched since we made it is as we made it.
    let as_made = is_ours && wrote == Some(link.created);
    // Records without stamps are told apart by what they say alone. Where a listing of them lags and shows the base,
    // an edit that it does not show yet is shown by the next.
    let tells = read.modified.is_none() || read.freshness == Freshness::Fresh;
    let whole = as_made || (is_ours || tells) && pairing.knows(side, read);
    match against_stamp {
        Some(Ordering::Less) => settled,
        Some(Ordering::Equal) => settled && shows_base(pairing, side, link, read),
        _ => whole && shows_base(pairing, side, link, read),
    }
}
