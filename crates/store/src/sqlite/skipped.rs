//! Records that a sync looked at and left out. Nothing is written where nothing changed.

use record::{Entity, RecordId, Side};
use rusqlite::params;

use super::{
    codes::Code,
    database::OptionalExtension,
    fault::Outcome,
    session::{Session, limit, micros, time},
};
use crate::{Link, LinkState, SkipReason, Skipped, SkippedPlace, SyncName, Workspace};

/// Notes records that are left out. One that is noted with the same reason stays as it is.
pub(super) fn keep(session: &Session, ws: i64, skipped: &[Skipped]) -> Outcome<()> {
    for row in skipped {
        session
            .sql(
                "INSERT INTO skipped (ws, sync, entity, side, record, reason, note, since)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (ws, sync, entity, side, record) DO UPDATE SET
                     reason = excluded.reason,
                     note = excluded.note,
                     since = excluded.since
                 WHERE skipped.reason <> excluded.reason OR skipped.note <> excluded.note",
            )?
            .execute(params![
                ws,
                session.sync_number(ws, &row.sync)?,
                row.entity.code(),
                row.side.code(),
                row.record.as_str(),
                row.reason.code(),
                row.note,
                micros(row.since)
            ])?;
    }
    Ok(())
}

/// Records that are not left out any more, and those of links that are at work.
pub(super) fn forget(
    session: &Session,
    ws: i64,
    unskipped: &[(SyncName, Entity, Side, RecordId)],
    links: &[Link],
) -> Outcome<()> {
    let mut known = Vec::new();
    for (sync, entity, side, record) in unskipped {
        if is_any(session, ws, sync, &mut known)? {
            remove(session, ws, sync, *entity, *side, record)?;
        }
    }
    for link in links {
        if link.state == LinkState::Active && is_any(session, ws, &link.sync, &mut known)? {
            for side in Side::BOTH {
                let record = link.record(side);
                remove(session, ws, &link.sync, link.entity, side, record)?;
            }
        }
    }
    Ok(())
}

/// Whether anything of a sync is left out. Mostly nothing is, and then it is asked once for all records.
fn is_any(
    session: &Session,
    ws: i64,
    sync: &SyncName,
    known: &mut Vec<(SyncName, bool)>,
) -> Outcome<bool> {
    if let Some((_, any)) = known.iter().find(|(of, _)| of == sync) {
        return Ok(*any);
    }
    let any = anything(session, ws, sync)?;
    known.push((sync.clone(), any));
    Ok(any)
}

fn anything(session: &Session, ws: i64, sync: &SyncName) -> Outcome<bool> {
    let found: Option<i64> = session
        .sql("SELECT 1 FROM skipped WHERE ws = ?1 AND sync = ?2 LIMIT 1")?
        .query_row(params![ws, session.sync_number(ws, sync)?], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(found.is_some())
}

fn remove(
    session: &Session,
    ws: i64,
    sync: &SyncName,
    entity: Entity,
    side: Side,
    record: &RecordId,
) -> Outcome<()> {
    session
        .sql(
            "DELETE FROM skipped
             WHERE ws = ?1 AND sync = ?2 AND entity = ?3 AND side = ?4 AND record = ?5",
        )?
        .execute(params![
            ws,
            session.sync_number(ws, sync)?,
            entity.code(),
            side.code(),
            record.as_str()
        ])?;
    Ok(())
}

/// Records that a sync leaves out, from a place on.
pub(super) fn after(
    session: &Session,
    workspace: &Workspace,
    sync: &SyncName,
    reason: Option<SkipReason>,
    after: Option<&SkippedPlace>,
    at_most: usize,
) -> Outcome<Vec<Skipped>> {
    let Some((ws, number)) = session.find_sync(workspace, sync)? else {
        return Ok(Vec::new());
    };
    let (entity, side, record) = after.map_or((-1, -1, ""), |place| {
        (
            place.entity.code(),
            place.side.code(),
            place.record.as_str(),
        )
    });
    let (index, narrowed) = if reason.is_some() {
        ("INDEXED BY skipped_reason", "AND reason = ?7")
    } else {
        ("", "AND CAST(?7 AS BIGINT) IS NULL")
    };
    let mut statement = session.sql(&format!(
        "SELECT entity, side, record, reason, note, since FROM skipped {index}
         WHERE ws = ?1 AND sync = ?2 AND (entity, side, record) > (?3, ?4, ?5) {narrowed}
         ORDER BY entity, side, record LIMIT ?6"
    ))?;
    let mut rows = statement.query(params![
        ws,
        number,
        entity,
        side,
        record,
        limit(at_most),
        reason.map(Code::code)
    ])?;
    let mut skipped = Vec::new();
    while let Some(row) = rows.next()? {
        skipped.push(Skipped {
            sync: sync.clone(),
            entity: Code::of_code(row.get(0)?)?,
            side: Code::of_code(row.get(1)?)?,
            record: RecordId::new(row.get::<_, String>(2)?),
            reason: Code::of_code(row.get(3)?)?,
            note: row.get(4)?,
            since: time(row.get(5)?)?,
        });
    }
    Ok(skipped)
}
