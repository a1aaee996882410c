//! Links and what a sync remembers beside them.

use std::{borrow::Cow, collections::BTreeMap};

use record::{Entity, Fields, RecordId, Side};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{
    blocking::{self, Sums},
    codes::Code,
    database::{OptionalExtension, Row},
    fault::{Fault, Outcome},
    payload, reviews,
    session::{Session, limit, maybe_time, micros, time, uuid},
    tally::{Count, Tally},
};
use crate::{Error, Link, LinkId, LinkState, LinkedPair, SyncName, Underway, Workspace};

/// What is stored of a link beside its columns.
#[derive(Serialize, Deserialize)]
struct Body<'a> {
    how: Cow<'a, str>,
    left: Cow<'a, Fields>,
    right: Cow<'a, Fields>,
    revisions: Cow<'a, BTreeMap<String, u64>>,
    #[serde(default, skip_serializing_if = "<[Underway]>::is_empty")]
    underway: Cow<'a, [Underway]>,
}

const COLUMNS: &str = "id, sync, entity, left_record, right_record, state, seen_left, seen_right, \
                       wrote_left, wrote_right, stamp_left, stamp_right, created, body";

fn link_of(session: &Session, row: Row<'_>) -> Outcome<Link> {
    let body: Body<'static> = payload::LINK.decode(&row.get::<_, String>(13)?)?;
    Ok(Link {
        id: LinkId(uuid(
            row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?,
        )?),
        sync: session.sync_name(row.get(1)?)?,
        entity: Code::of_code(row.get(2)?)?,
        left: RecordId::new(row.get::<_, String>(3)?),
        right: RecordId::new(row.get::<_, String>(4)?),
        state: Code::of_code(row.get(5)?)?,
        how: body.how.into_owned(),
        base_left: body.left.into_owned(),
        base_right: body.right.into_owned(),
        revisions: body.revisions.into_owned(),
        seen_left: time(row.get(6)?)?,
        seen_right: time(row.get(7)?)?,
        wrote_left: maybe_time(row.get(8)?)?,
        wrote_right: maybe_time(row.get(9)?)?,
        stamp_left: maybe_time(row.get(10)?)?,
        stamp_right: maybe_time(row.get(11)?)?,
        created: time(row.get(12)?)?,
        underway: body.underway.into_owned(),
    })
}

/// The column of a side's record.
pub(super) fn column(side: Side) -> &'static str {
    match side {
        Side::Left => "left_record",
        Side::Right => "right_record",
    }
}

/// Links that hold one of these records, in the order of the records.
pub(super) fn of_records(
    session: &Session,
    workspace: &Workspace,
    sync: &SyncName,
    entity: Entity,
    side: Side,
    records: &[RecordId],
) -> Outcome<Vec<Link>> {
    let Some((ws, sync)) = session.find_sync(workspace, sync)? else {
        return Ok(Vec::new());
    };
    let mut statement = session.sql(&format!(
        "SELECT {COLUMNS} FROM link WHERE ws = ?1 AND sync = ?2 AND entity = ?3 AND {} = ?4",
        column(side)
    ))?;
    let mut links = Vec::new();
    for record in records {
        let mut rows = statement.query(params![ws, sync, entity.code(), record.as_str()])?;
        if let Some(row) = rows.next()? {
            links.push(link_of(session, row)?);
        }
    }
    Ok(links)
}

/// Links of a sync in the order of their ids.
pub(super) fn after(
    session: &Session,
    workspace: &Workspace,
    sync: &SyncName,
    after: Option<LinkId>,
    at_most: usize,
) -> Outcome<Vec<Link>> {
    let Some((ws, sync)) = session.find_sync(workspace, sync)? else {
        return Ok(Vec::new());
    };
    let mut statement = session.sql(&format!(
        "SELECT {COLUMNS} FROM link INDEXED BY link_sync
         WHERE ws = ?1 AND sync = ?2 AND id > ?3 ORDER BY id LIMIT ?4"
    ))?;
    // An empty id is before all others.
    let after = after.map_or(Vec::new(), |id| id.0.as_bytes().to_vec());
    let mut rows = statement.query(params![ws, sync, after, limit(at_most)])?;
    let mut links = Vec::new();
    while let Some(row) = rows.next()? {
        links.push(link_of(session, row)?);
    }
    Ok(links)
}

/// The same without the bases, which are most of a link: for lists of who is linked with whom.
pub(super) fn pairs_after(
    session: &Session,
    workspace: &Workspace,
    sync: &SyncName,
    after: Option<LinkId>,
    at_most: usize,
) -> Outcome<Vec<LinkedPair>> {
    #[derive(Deserialize)]
    struct Said<'a> {
        #[serde(borrow)]
        how: Cow<'a, str>,
    }
    let Some((ws, sync)) = session.find_sync(workspace, sync)? else {
        return Ok(Vec::new());
    };
    let mut statement = session.sql(
        "SELECT id, entity, left_record, right_record, state, created, body FROM link INDEXED BY link_sync
         WHERE ws = ?1 AND sync = ?2 AND id > ?3 ORDER BY id LIMIT ?4",
    )?;
    // An empty id is before all others.
    let after = after.map_or(Vec::new(), |id| id.0.as_bytes().to_vec());
    let mut rows = statement.query(params![ws, sync, after, limit(at_most)])?;
    let mut pairs = Vec::new();
    while let Some(row) = rows.next()? {
        let body = row.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?;
        let how = match payload::LINK.borrow::<Said<'_>>(body)? {
            Some(said) => said.how.into_owned(),
            None => payload::LINK
                .decode::<Body<'static>>(body)?
                .how
                .into_owned(),
        };
        pairs.push(LinkedPair {
            id: LinkId(uuid(
                row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?,
            )?),
            entity: Code::of_code(row.get(1)?)?,
            left: RecordId::new(row.get::<_, String>(2)?),
            right: RecordId::new(row.get::<_, String>(3)?),
            how,
            state: Code::of_code(row.get(4)?)?,
            created: time(row.get(5)?)?,
        });
    }
    Ok(pairs)
}

/// Some links of an entity that are not parked.
pub(super) fn some(
    session: &Session,
    workspace: &Workspace,
    sync: &SyncName,
    entity: Entity,
    at_most: usize,
) -> Outcome<Vec<Link>> {
    let Some((ws, sync)) = session.find_sync(workspace, sync)? else {
        return Ok(Vec::new());
    };
    let mut statement = session.sql(&format!(
        "SELECT {COLUMNS} FROM link INDEXED BY link_left
         WHERE ws = ?1 AND sync = ?2 AND entity = ?3 AND state <> ?4
         ORDER BY left_record LIMIT ?5"
    ))?;
    let parked = LinkState::Parked.code();
    let mut rows = statement.query(params![ws, sync, entity.code(), parked, limit(at_most)])?;
    let mut links = Vec::new();
    while let Some(row) = rows.next()? {
        links.push(link_of(session, row)?);
    }
    Ok(links)
}

/// One link.
pub(super) fn one(session: &Session, workspace: &Workspace, id: LinkId) -> Outcome<Option<Link>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(None);
    };
    let mut statement = session.sql(&format!(
        "SELECT {COLUMNS} FROM link WHERE ws = ?1 AND id = ?2"
    ))?;
    let mut rows = statement.query(params![ws, id.0.as_bytes()])?;
    rows.next()?.map(|row| link_of(session, row)).transpose()
}

/// Inserts links or replaces them by id. Says which are new.
pub(super) fn save<'a>(session: &Session, ws: i64, links: &'a [Link]) -> Outcome<Vec<&'a Link>> {
    if links.is_empty() {
        return Ok(Vec::new());
    }
    let mut tally = Tally::default();
    let mut new = Vec::new();
    let mut find = session.sql(
        "SELECT seq, sync, entity, left_record, right_record, state FROM link
         WHERE ws = ?1 AND id = ?2",
    )?;
    for link in links {
        let sync = session.sync_number(ws, &link.sync)?;
        let mut rows = find.query(params![ws, link.id.0.as_bytes()])?;
        let Some(row) = rows.next()? else {
            new.push(link);
            continue;
        };
        let seq: i64 = row.get(0)?;
        let before: i64 = row.get(1)?;
        if LinkState::of_code(row.get(5)?)? == LinkState::Active {
            tally.add(Count::Links { sync: before }, -1);
        }
        let same = before == sync
            && row.get::<_, i64>(2)? == link.entity.code()
            && row.get_ref(3)?.as_bytes().ok() == Some(link.left.as_str().as_bytes())
            && row.get_ref(4)?.as_bytes().ok() == Some(link.right.as_str().as_bytes());
        drop(rows);
        if same {
            replace(session, seq, link)?;
            tally_active(&mut tally, sync, link);
        } else {
            // It lets go of a record: first, so that another link of this commit can take it.
            session
                .sql("DELETE FROM link WHERE seq = ?1")?
                .execute([seq])?;
            new.push(link);
        }
    }
    for link in &new {
        let sync = session.sync_number(ws, &link.sync)?;
        insert(session, ws, sync, link)?;
        tally_active(&mut tally, sync, link);
    }
    tally.save(session, ws)?;
    Ok(new)
}

fn tally_active(tally: &mut Tally, sync: i64, link: &Link) {
    if link.state == LinkState::Active {
        tally.add(Count::Links { sync }, 1);
    }
}

fn body_of(link: &Link) -> Outcome<String> {
    payload::LINK.encode(&Body {
        how: Cow::Borrowed(&link.how),
        left: Cow::Borrowed(&link.base_left),
        right: Cow::Borrowed(&link.base_right),
        revisions: Cow::Borrowed(&link.revisions),
        underway: Cow::Borrowed(&link.underway),
    })
}

/// Replaces all of a link but what it links.
fn replace(session: &Session, seq: i64, link: &Link) -> Outcome<()> {
    session
        .sql(
            "UPDATE link SET state = ?2, seen_left = ?3, seen_right = ?4, wrote_left = ?5,
                 wrote_right = ?6, stamp_left = ?7, stamp_right = ?8, created = ?9, body = ?10
             WHERE seq = ?1",
        )?
        .execute(params![
            seq,
            link.state.code(),
            micros(link.seen_left),
            micros(link.seen_right),
            link.wrote_left.map(micros),
            link.wrote_right.map(micros),
            link.stamp_left.map(micros),
            link.stamp_right.map(micros),
            micros(link.created),
            body_of(link)?
        ])?;
    Ok(())
}

fn insert(session: &Session, ws: i64, sync: i64, link: &Link) -> Outcome<()> {
    let saved = session
        .sql(
            "INSERT INTO link (ws, id, sync, entity, left_record, right_record, state, seen_left,
                               seen_right, wrote_left, wrote_right, stamp_left, stamp_right, created, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            ws,
            link.id.0.as_bytes(),
            sync,
            link.entity.code(),
            link.left.as_str(),
            link.right.as_str(),
            link.state.code(),
            micros(link.seen_left),
            micros(link.seen_right),
            link.wrote_left.map(micros),
            link.wrote_right.map(micros),
            link.stamp_left.map(micros),
            link.stamp_right.map(micros),
            micros(link.created),
            body_of(link)?
        ])?;
    if saved == 0 {
        return Err(already_linked(session, ws, sync, link)?);
    }
    Ok(())
}

/// Says which record of the link is in another one.
fn already_linked(session: &Session, ws: i64, sync: i64, link: &Link) -> Outcome<Fault> {
    for side in Side::BOTH {
        let taken: Option<i64> = session
            .sql(&format!(
                "SELECT 1 FROM link WHERE ws = ?1 AND sync = ?2 AND entity = ?3 AND {} = ?4",
                column(side)
            ))?
            .query_row(
                params![ws, sync, link.entity.code(), link.record(side).as_str()],
                |row| row.get(0),
            )
            .optional()?;
        if taken.is_some() {
            return Ok(Fault::Refused(Error::AlreadyLinked {
                sync: link.sync.to_string(),
                record: link.record(side).to_string(),
            }));
        }
    }
    Ok(Fault::Refused(Error::Database(format!(
        "link {} could not be stored",
        link.id
    ))))
}

/// Ends links: their blocked fields go, and what was asked about their fields is no question any more.
pub(super) fn end(session: &Session, ws: i64, ended: &[LinkId], at: Option<i64>) -> Outcome<()> {
    let mut tally = Tally::default();
    let mut sums = Sums::default();
    for link in ended {
        let id = link.0.as_bytes();
        blocking::unblock_link(session, ws, *link, &mut sums)?;
        let found: Option<(i64, i64, i64)> = session
            .sql("SELECT seq, sync, state FROM link WHERE ws = ?1 AND id = ?2")?
            .query_row(params![ws, id], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        let Some((seq, sync, state)) = found else {
            continue;
        };
        session
            .sql("DELETE FROM link WHERE seq = ?1")?
            .execute([seq])?;
        if LinkState::of_code(state)? == LinkState::Active {
            tally.add(Count::Links { sync }, -1);
        }
        reviews::withdraw_of_link(session, ws, sync, *link, at)?;
    }
    sums.save(session, ws)?;
    tally.save(session, ws)
}

/// What a sync remembers.
pub(super) fn sync_state(
    session: &Session,
    workspace: &Workspace,
    sync: &SyncName,
) -> Outcome<Option<Json>> {
    let Some((ws, sync)) = session.find_sync(workspace, sync)? else {
        return Ok(None);
    };
    let body: Option<String> = session
        .sql("SELECT body FROM sync_state WHERE ws = ?1 AND sync = ?2")?
        .query_row(params![ws, sync], |row| row.get(0))
        .optional()?;
    body.map(|body| payload::SYNC_STATE.decode(&body))
        .transpose()
}

/// Replaces what a sync remembers.
pub(super) fn save_sync_state(
    session: &Session,
    workspace: &Workspace,
    sync: &SyncName,
    state: &Json,
) -> Outcome<()> {
    let ws = session.workspace(workspace)?;
    session
        .sql(
            "INSERT INTO sync_state (ws, sync, body) VALUES (?1, ?2, ?3)
             ON CONFLICT (ws, sync) DO UPDATE SET body = excluded.body",
        )?
        .execute(params![
            ws,
            session.sync_number(ws, sync)?,
            payload::SYNC_STATE.encode(state)?
        ])?;
    Ok(())
}
