//! What is remembered about records and fields that are to be left alone: tombstones, blocked
//! fields, decisions about pairs.

use record::{Entity, RecordId, Side};
use rusqlite::params;

use super::{
    codes::Code,
    database::{OptionalExtension, Row},
    fault::{Fault, Outcome},
    links::column,
    session::{Session, limit, micros, time, uuid},
};
use crate::{
    Awaited, Blocked, DecisionPlace, LinkId, Pair, PairDecision, SyncName, Tombstone, Workspace,
};

/// Sets tombstones.
pub(super) fn bury(session: &Session, ws: i64, tombstones: &[Tombstone]) -> Outcome<()> {
    for tombstone in tombstones {
        session
            .sql(
                "INSERT INTO tombstone (ws, sync, entity, side, record, why, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (ws, sync, entity, side, record)
                 DO UPDATE SET why = excluded.why, at = excluded.at",
            )?
            .execute(params![
                ws,
                session.sync_number(ws, &tombstone.sync)?,
                tombstone.entity.code(),
                tombstone.side.code(),
                tombstone.record.as_str(),
                tombstone.why,
                micros(tombstone.at)
            ])?;
    }
    Ok(())
}

/// Lifts tombstones.
pub(super) fn lift(
    session: &Session,
    ws: i64,
    lifted: &[(SyncName, Entity, Side, RecordId)],
) -> Outcome<()> {
    for (sync, entity, side, record) in lifted {
        session
            .sql(
                "DELETE FROM tombstone
                 WHERE ws = ?1 AND sync = ?2 AND entity = ?3 AND side = ?4 AND record = ?5",
            )?
            .execute(params![
                ws,
                session.sync_number(ws, sync)?,
                entity.code(),
                side.code(),
                record.as_str()
            ])?;
    }
    Ok(())
}

/// Tombstones of these records, in their order.
pub(super) fn tombstones_of(
    session: &Session,
    workspace: &Workspace,
    sync: &SyncName,
    entity: Entity,
    side: Side,
    records: &[RecordId],
) -> Outcome<Vec<Tombstone>> {
    let Some((ws, number)) = session.find_sync(workspace, sync)? else {
        return Ok(Vec::new());
    };
    let mut statement = session.sql(
        "SELECT why, at FROM tombstone
         WHERE ws = ?1 AND sync = ?2 AND entity = ?3 AND side = ?4 AND record = ?5",
    )?;
    let mut tombstones = Vec::new();
    for record in records {
        let found: Option<(String, i64)> = statement
            .query_row(
                params![ws, number, entity.code(), side.code(), record.as_str()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        if let Some((why, at)) = found {
            tombstones.push(Tombstone {
                sync: sync.clone(),
                entity,
                side,
                record: record.clone(),
                why,
                at: time(at)?,
            });
        }
    }
    Ok(tombstones)
}

pub(super) const BLOCKED: &str = "link, mapping, side, reason, value_hash, schema_hash, since, \
                       awaits_entity, awaits_side, awaits_record, wakes";

/// Blocked fields of these links, or of all of the sync.
pub(super) fn blocked(
    session: &Session,
    workspace: &Workspace,
    sync: &SyncName,
    links: Option<&[LinkId]>,
) -> Outcome<Vec<Blocked>> {
    let Some((ws, number)) = session.find_sync(workspace, sync)? else {
        return Ok(Vec::new());
    };
    let mut blocked = Vec::new();
    if let Some(links) = links {
        let mut statement = session.sql(&format!(
            "SELECT {BLOCKED} FROM blocked
             WHERE ws = ?1 AND link = ?2 AND +sync = ?3 ORDER BY mapping, side"
        ))?;
        for link in links {
            let mut rows = statement.query(params![ws, link.0.as_bytes(), number])?;
            while let Some(row) = rows.next()? {
                blocked.push(blocked_of(session, row, sync)?);
            }
        }
    } else {
        let mut statement = session.sql(&format!(
            "SELECT {BLOCKED} FROM blocked INDEXED BY blocked_since
             WHERE ws = ?1 AND sync = ?2 ORDER BY link, mapping, side"
        ))?;
        let mut rows = statement.query(params![ws, number])?;
        while let Some(row) = rows.next()? {
            blocked.push(blocked_of(session, row, sync)?);
        }
    }
    Ok(blocked)
}

pub(super) fn blocked_of(session: &Session, row: Row<'_>, sync: &SyncName) -> Outcome<Blocked> {
    let awaited: Option<String> = row.get(9)?;
    let awaits = awaited
        .map(|record| {
            Ok::<_, Fault>(Awaited {
                entity: Code::of_code(row.get(7)?)?,
                side: Code::of_code(row.get(8)?)?,
                record: RecordId::new(record),
                wakes: session.connection_name(row.get(10)?)?,
            })
        })
        .transpose()?;
    Ok(Blocked {
        sync: sync.clone(),
        link: LinkId(uuid(
            row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?,
        )?),
        mapping: row.get(1)?,
        side: Code::of_code(row.get(2)?)?,
        reason: row.get(3)?,
        value_hash: row.get::<_, i64>(4)?.cast_unsigned(),
        schema_hash: row.get::<_, i64>(5)?.cast_unsigned(),
        since: time(row.get(6)?)?,
        awaits,
    })
}

/// Remembers decisions.
pub(super) fn decide(
    session: &Session,
    ws: i64,
    decisions: &[(SyncName, Entity, Pair, PairDecision)],
) -> Outcome<()> {
    for (sync, entity, pair, decision) in decisions {
        session
            .sql(
                "INSERT INTO decision (ws, sync, entity, left_record, right_record, decision)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (ws, sync, entity, left_record, right_record)
                 DO UPDATE SET decision = excluded.decision",
            )?
            .execute(params![
                ws,
                session.sync_number(ws, sync)?,
                entity.code(),
                pair.left.as_str(),
                pair.right.as_str(),
                decision.code()
            ])?;
    }
    Ok(())
}

/// Forgets decisions.
pub(super) fn forget(
    session: &Session,
    ws: i64,
    undecided: &[(SyncName, Entity, Pair)],
) -> Outcome<()> {
    for (sync, entity, pair) in undecided {
        session
            .sql(
                "DELETE FROM decision WHERE ws = ?1 AND sync = ?2 AND entity = ?3
                 AND left_record = ?4 AND right_record = ?5",
            )?
            .execute(params![
                ws,
                session.sync_number(ws, sync)?,
                entity.code(),
                pair.left.as_str(),
                pair.right.as_str()
            ])?;
    }
    Ok(())
}

/// Decisions of a sync, from a place on.
pub(super) fn decisions(
    session: &Session,
    workspace: &Workspace,
    sync: &SyncName,
    after: Option<&DecisionPlace>,
    at_most: usize,
) -> Outcome<Vec<(Entity, Pair, PairDecision)>> {
    let Some((ws, sync)) = session.find_sync(workspace, sync)? else {
        return Ok(Vec::new());
    };
    let mut statement = session.sql(
        "SELECT entity, left_record, right_record, decision FROM decision
         WHERE ws = ?1 AND sync = ?2 AND (entity, left_record, right_record) > (?3, ?4, ?5)
         ORDER BY entity, left_record, right_record LIMIT ?6",
    )?;
    let (entity, left, right) = after.map_or((-1, "", ""), |place| {
        let Pair { left, right } = &place.pair;
        (place.entity.code(), left.as_str(), right.as_str())
    });
    let mut rows = statement.query(params![ws, sync, entity, left, right, limit(at_most)])?;
    let mut decisions = Vec::new();
    while let Some(row) = rows.next()? {
        let pair = Pair {
            left: RecordId::new(row.get::<_, String>(1)?),
            right: RecordId::new(row.get::<_, String>(2)?),
        };
        decisions.push((
            Code::of_code(row.get(0)?)?,
            pair,
            Code::of_code(row.get(3)?)?,
        ));
    }
    Ok(decisions)
}

/// Decisions about pairs that hold one of these records.
pub(super) fn decisions_of(
    session: &Session,
    workspace: &Workspace,
    sync: &SyncName,
    entity: Entity,
    side: Side,
    records: &[RecordId],
) -> Outcome<Vec<(Pair, PairDecision)>> {
    let Some((ws, sync)) = session.find_sync(workspace, sync)? else {
        return Ok(Vec::new());
    };
    let mut statement = session.sql(&format!(
        "SELECT left_record, right_record, decision FROM decision
         WHERE ws = ?1 AND sync = ?2 AND entity = ?3 AND {} = ?4
         ORDER BY left_record, right_record",
        column(side)
    ))?;
    let mut decisions = Vec::new();
    for record in records {
        let mut rows = statement.query(params![ws, sync, entity.code(), record.as_str()])?;
        while let Some(row) = rows.next()? {
            let pair = Pair {
                left: RecordId::new(row.get::<_, String>(0)?),
                right: RecordId::new(row.get::<_, String>(1)?),
            };
            decisions.push((pair, Code::of_code(row.get(2)?)?));
        }
    }
    Ok(decisions)
}
