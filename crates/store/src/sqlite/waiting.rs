//! Waking what waits for the link of another record.
//!
//! Who waits and what is linked are compared in the transaction that changes either, so that no order of
//! commits, and no death between two of them, loses a wake-up.

use jiff::Timestamp;
use record::{RecordId, Side};
use rusqlite::params;

use super::{
    codes::Code, database::OptionalExtension, fault::Outcome, links::column, session::Session,
    signals,
};
use crate::{Blocked, ConnectionName, Lane, Link, LinkState, Signal, SignalSource};

/// Signals the records that wait for one of these links, and those of these rows whose wait is over
/// already. To be called after links and rows were stored.
pub(super) fn wake(
    session: &Session,
    ws: i64,
    links: &[Link],
    blocked: &[Blocked],
    at: Option<Timestamp>,
) -> Outcome<()> {
    let mut woken = Vec::new();
    if !links.is_empty() && anybody_waits(session, ws)? {
        for link in links {
            if serves(link.state) {
                woken.extend(waiting_for(session, ws, link)?);
            }
        }
    }
    for row in blocked {
        if let Some(signal) = overtaken(session, ws, row)? {
            woken.push(signal);
        }
    }
    if let Some(at) = at {
        for signal in &mut woken {
            signal.due = at;
        }
    }
    signals::signal(session, ws, &woken, at)
}

/// Whether the records of a link can be told to be each other's counterparts.
fn serves(state: LinkState) -> bool {
    state != LinkState::Parked
}

fn anybody_waits(session: &Session, ws: i64) -> Outcome<bool> {
    let found: Option<i64> = session
        .sql(
            "SELECT 1 FROM blocked INDEXED BY blocked_awaits
             WHERE ws = ?1 AND awaits_record IS NOT NULL LIMIT 1",
        )?
        .query_row([ws], |row| row.get(0))
        .optional()?;
    Ok(found.is_some())
}

fn waiting_for(session: &Session, ws: i64, link: &Link) -> Outcome<Vec<Signal>> {
    let sync = session.sync_number(ws, &link.sync)?;
    let mut statement = session.sql(
        "SELECT waiting.entity, waiting.left_record, blocked.wakes
         FROM blocked INDEXED BY blocked_awaits
         JOIN link AS waiting ON waiting.ws = blocked.ws AND waiting.id = blocked.link
         WHERE blocked.ws = ?1 AND blocked.sync = ?2 AND blocked.awaits_entity = ?3
           AND blocked.awaits_side = ?4 AND blocked.awaits_record = ?5",
    )?;
    let mut woken = Vec::new();
    for side in Side::BOTH {
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

/// The signal of a row that waits for a link that is there.
fn overtaken(session: &Session, ws: i64, row: &Blocked) -> Outcome<Option<Signal>> {
    let Some(awaited) = &row.awaits else {
        return Ok(None);
    };
    let state: Option<i64> = session
        .sql(&format!(
            "SELECT state FROM link WHERE ws = ?1 AND sync = ?2 AND entity = ?3 AND {} = ?4",
            column(awaited.side)
        ))?
        .query_row(
            params![
                ws,
                session.sync_number(ws, &row.sync)?,
                awaited.entity.code(),
                awaited.record.as_str()
            ],
            |row| row.get(0),
        )
        .optional()?;
    let Some(state) = state else {
        return Ok(None);
    };
    if !serves(Code::of_code(state)?) {
        return Ok(None);
    }
    let waiting: Option<(i64, String)> = session
        .sql("SELECT entity, left_record FROM link WHERE ws = ?1 AND id = ?2")?
        .query_row(params![ws, row.link.0.as_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((entity, left)) = waiting else {
        return Ok(None);
    };
    Ok(Some(signal(
        awaited.wakes.clone(),
        Code::of_code(entity)?,
        RecordId::new(left),
    )))
}

fn signal(connection: ConnectionName, entity: record::Entity, record: RecordId) -> Signal {
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
