//! Records that wait for the record that they belong to.
//!
//! Who waits and what is linked are compared in the transaction that changes either, so that no order of commits
//! loses a wake-up. A record that is linked itself, or gone, waits no more.

use std::collections::BTreeMap;

use jiff::Timestamp;
use record::{Entity, RecordId, Side};
use rusqlite::params;

use super::{
    codes::Code,
    database::OptionalExtension,
    fault::Outcome,
    links::column,
    session::{Session, limit as at_most, micros, time},
    signals,
};
use crate::{
    Child, ConnectionName, Lane, Link, LinkState, Signal, SignalSource, SyncName, Workspace,
};

/// Has records wait. One that waits already waits for what is said now, since when it waited first.
pub(super) fn keep(session: &Session, ws: i64, children: &[Child]) -> Outcome<()> {
    for child in children {
        session
            .sql(
                "INSERT INTO child (ws, sync, entity, side, record, awaits_entity, awaits_record, wakes, since)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT (ws, sync, entity, side, record) DO UPDATE SET
                     awaits_entity = excluded.awaits_entity,
                     awaits_record = excluded.awaits_record,
                     wakes = excluded.wakes",
            )?
            .execute(params![
                ws,
                session.sync_number(ws, &child.sync)?,
                child.entity.code(),
                child.side.code(),
                child.record.as_str(),
                child.awaits_entity.code(),
                child.awaits.as_str(),
                session.connection_number(ws, &child.wakes)?,
                micros(child.since)
            ])?;
    }
    Ok(())
}

/// Records that are gone wait for nothing.
pub(super) fn forget(
    session: &Session,
    ws: i64,
    gone: &[(ConnectionName, Entity, RecordId)],
) -> Outcome<()> {
    if gone.is_empty() || !anybody_waits(session, ws)? {
        return Ok(());
    }
    for (connection, entity, record) in gone {
        session
            .sql("DELETE FROM child WHERE ws = ?1 AND entity = ?2 AND record = ?3 AND wakes = ?4")?
            .execute(params![
                ws,
                entity.code(),
                record.as_str(),
                session.connection_number(ws, connection)?
            ])?;
    }
    Ok(())
}

/// Signals the records that wait for one of these links, and those of these whose wait is over already.
pub(super) fn wake(
    session: &Session,
    ws: i64,
    links: &[Link],
    children: &[Child],
    at: Option<Timestamp>,
) -> Outcome<()> {
    let mut woken = Vec::new();
    if !links.is_empty() && anybody_waits(session, ws)? {
        for link in links.iter().filter(|link| link.state != LinkState::Parked) {
            woken.extend(of_link(session, ws, link)?);
        }
    }
    for child in children {
        let linked: Option<i64> = session
            .sql(&format!(
                "SELECT state FROM link WHERE ws = ?1 AND sync = ?2 AND entity = ?3 AND {} = ?4",
                column(child.side)
            ))?
            .query_row(
                params![
                    ws,
                    session.sync_number(ws, &child.sync)?,
                    child.awaits_entity.code(),
                    child.awaits.as_str()
                ],
                |row| row.get(0),
            )
            .optional()?;
        let serves = linked
            .map(LinkState::of_code)
            .transpose()?
            .is_some_and(|state| state != LinkState::Parked);
        if serves {
            woken.push(signal(
                child.wakes.clone(),
                child.entity,
                child.record.clone(),
            ));
            session
                .sql(
                    "DELETE FROM child
                     WHERE ws = ?1 AND sync = ?2 AND entity = ?3 AND side = ?4 AND record = ?5",
                )?
                .execute(params![
                    ws,
                    session.sync_number(ws, &child.sync)?,
                    child.entity.code(),
                    child.side.code(),
                    child.record.as_str()
                ])?;
        }
    }
    if let Some(at) = at {
        for signal in &mut woken {
            signal.due = at;
        }
    }
    signals::signal(session, ws, &woken, at)
}

fn anybody_waits(session: &Session, ws: i64) -> Outcome<bool> {
    let found: Option<i64> = session
        .sql("SELECT 1 FROM child WHERE ws = ?1 LIMIT 1")?
        .query_row([ws], |row| row.get(0))
        .optional()?;
    Ok(found.is_some())
}

/// Those who waited for a link, and who wait no more. The records of the link itself wait for nothing either.
fn of_link(session: &Session, ws: i64, link: &Link) -> Outcome<Vec<Signal>> {
    let sync = session.sync_number(ws, &link.sync)?;
    let mut woken = Vec::new();
    for side in Side::BOTH {
        session
            .sql(
                "DELETE FROM child
                 WHERE ws = ?1 AND sync = ?2 AND entity = ?3 AND side = ?4 AND record = ?5",
            )?
            .execute(params![
                ws,
                sync,
                link.entity.code(),
                side.code(),
                link.record(side).as_str()
            ])?;
        let mut statement = session.sql(
            "DELETE FROM child
             WHERE ws = ?1 AND sync = ?2 AND awaits_entity = ?3 AND side = ?4 AND awaits_record = ?5
             RETURNING entity, record, wakes",
        )?;
        let mut rows = statement.query(params![
            ws,
            sync,
            link.entity.code(),
            side.code(),
            link.record(side).as_str()
        ])?;
        while let Some(row) = rows.next()? {
            woken.push(signal(
                session.connection_name(row.get(2)?)?,
                Code::of_code(row.get(0)?)?,
                RecordId::new(row.get::<_, String>(1)?),
            ));
        }
    }
    Ok(woken)
}

fn signal(connection: ConnectionName, entity: Entity, record: RecordId) -> Signal {
    Signal {
        connection,
        entity,
        record,
        lane: Lane::Reconcile,
        source: SignalSource::Link,
        not_older_than: None,
        due: Timestamp::UNIX_EPOCH,
        cause: None,
    }
}

/// How many records of a sync wait, of each kind.
pub(super) fn counted(
    session: &Session,
    workspace: &Workspace,
    sync: &SyncName,
) -> Outcome<BTreeMap<Entity, u64>> {
    let Some((ws, number)) = session.find_sync(workspace, sync)? else {
        return Ok(BTreeMap::new());
    };
    let mut statement = session
        .sql("SELECT entity, count(*) FROM child WHERE ws = ?1 AND sync = ?2 GROUP BY entity")?;
    statement
        .query_map(params![ws, number], |row| {
            let waiting: i64 = row.get(1)?;
            Ok((Code::of_code(row.get(0)?)?, waiting.cast_unsigned()))
        })?
        .collect()
}

/// How many records of a sync wait, and the first `limit` of them.
pub(super) fn of_sync(
    session: &Session,
    workspace: &Workspace,
    sync: &SyncName,
    limit: usize,
) -> Outcome<(u64, Vec<Child>)> {
    let Some((ws, number)) = session.find_sync(workspace, sync)? else {
        return Ok((0, Vec::new()));
    };
    let count: i64 = session
        .sql("SELECT count(*) FROM child WHERE ws = ?1 AND sync = ?2")?
        .query_row(params![ws, number], |row| row.get(0))?;
    let mut children = Vec::new();
    let mut statement = session.sql(
        "SELECT entity, side, record, awaits_entity, awaits_record, wakes, since FROM child
         WHERE ws = ?1 AND sync = ?2 ORDER BY entity, side, record LIMIT ?3",
    )?;
    let mut rows = statement.query(params![ws, number, at_most(limit)])?;
    while let Some(row) = rows.next()? {
        children.push(Child {
            sync: sync.clone(),
            entity: Code::of_code(row.get(0)?)?,
            side: Code::of_code(row.get(1)?)?,
            record: RecordId::new(row.get::<_, String>(2)?),
            awaits_entity: Code::of_code(row.get(3)?)?,
            awaits: RecordId::new(row.get::<_, String>(4)?),
            wakes: session.connection_name(row.get(5)?)?,
            since: time(row.get(6)?)?,
        });
    }
    Ok((count.cast_unsigned(), children))
}
