//! Sweeps: full listings that go on where they stopped, with one bit per record that was seen.

use std::collections::BTreeMap;

use jiff::Timestamp;
use record::RecordId;
use rusqlite::params;

use super::{
    database::OptionalExtension,
    fault::Outcome,
    listings::{Place, keep, numbering},
    payload,
    session::{Session, micros, time},
    signals,
};
use crate::{Error, Signal, Sweep, SweepPage, Workspace};

/// Rows of `record` to one chunk of a sweep's bitmap.
const CHUNK_ROWS: i64 = 4096;
const CHUNK_BYTES: usize = (CHUNK_ROWS / 8) as usize;

/// Begins a sweep or goes on with an unfinished one.
pub(super) fn begin(session: &Session, place: Place, now: Timestamp) -> Outcome<Sweep> {
    let unfinished = session
        .sql(
            "SELECT id, cursor, started, listed, complete FROM sweep
             WHERE ws = ?1 AND connection = ?2 AND entity = ?3",
        )?
        .query_row(params![place.ws, place.connection, place.entity], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, Option<String>>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, i64>(3)?,
                row.get::<_, bool>(4)?,
            ))
        })
        .optional()?;
    if let Some((id, cursor, started, listed, complete)) = unfinished {
        return Ok(Sweep {
            id,
            cursor: cursor
                .map(|cursor| payload::CURSOR.decode(&cursor))
                .transpose()?,
            resumed: true,
            complete,
            started: time(started)?,
            listed: listed.cast_unsigned(),
        });
    }
    let ceiling = numbering(session, place)?.free;
    let id = session
        .sql(
            "INSERT INTO sweep (ws, connection, entity, started, ceiling)
             VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id",
        )?
        .query_row(
            params![
                place.ws,
                place.connection,
                place.entity,
                micros(now),
                ceiling
            ],
            |row| row.get(0),
        )?;
    Ok(Sweep {
        id,
        cursor: None,
        resumed: false,
        complete: false,
        started: now,
        listed: 0,
    })
}

/// Drops a sweep.
pub(super) fn drop_one(session: &Session, ws: i64, sweep: i64) -> Outcome<()> {
    session
        .sql("DELETE FROM sweep_seen WHERE ws = ?1 AND sweep = ?2")?
        .execute(params![ws, sweep])?;
    session
        .sql("DELETE FROM sweep WHERE ws = ?1 AND id = ?2")?
        .execute(params![ws, sweep])?;
    Ok(())
}

/// Stores a page of a sweep. Unchanged records cost a bit each, and no row.
pub(super) fn commit_page(session: &Session, ws: i64, page: &SweepPage) -> Outcome<()> {
    let place = Place::of(session, ws, &page.connection, page.entity)?;
    let mut rows = page.unchanged.clone();
    let mut signals: Vec<Signal> = Vec::new();
    let snapshots = page.changed.iter().map(|listed| &listed.snapshot);
    rows.extend(keep(session, ws, snapshots)?);
    for listed in &page.changed {
        signals.extend(listed.signal.clone());
    }
    signals::signal(session, ws, &signals, Some(page.at))?;
    mark_seen(session, ws, page.sweep, &rows)?;
    let cursor = page
        .cursor
        .as_ref()
        .map(|cursor| payload::CURSOR.encode(cursor))
        .transpose()?;
    let moved = session
        .sql(
            "UPDATE sweep SET cursor = ?5, complete = ?7, listed = listed + ?6
             WHERE ws = ?1 AND id = ?2 AND connection = ?3 AND entity = ?4",
        )?
        .execute(params![
            ws,
            page.sweep,
            place.connection,
            place.entity,
            cursor,
            rows.len() as i64,
            page.cursor.is_none()
        ])?;
    if moved == 0 {
        return Err(no_such_sweep(page.sweep).into());
    }
    Ok(())
}

fn no_such_sweep(sweep: i64) -> Error {
    Error::Database(format!("sweep {sweep} is not under way"))
}

/// Sets the bits of these rows.
fn mark_seen(session: &Session, ws: i64, sweep: i64, rows: &[i64]) -> Outcome<()> {
    let mut chunks: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for row in rows {
        chunks.entry(row / CHUNK_ROWS).or_default().push(*row);
    }
    let mut save = session.sql(
        "INSERT INTO sweep_seen (ws, sweep, chunk, bits) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (ws, sweep, chunk) DO UPDATE SET bits = excluded.bits",
    )?;
    for (chunk, rows) in chunks {
        let mut bits = seen_chunk(session, ws, sweep, chunk)?;
        for row in rows {
            let at = (row % CHUNK_ROWS) as usize;
            bits[at / 8] |= 1 << (at % 8);
        }
        save.execute(params![ws, sweep, chunk, bits])?;
    }
    Ok(())
}

/// One chunk of a sweep's bitmap.
fn seen_chunk(session: &Session, ws: i64, sweep: i64, chunk: i64) -> Outcome<Vec<u8>> {
    let bits: Option<Vec<u8>> = session
        .sql("SELECT bits FROM sweep_seen WHERE ws = ?1 AND sweep = ?2 AND chunk = ?3")?
        .query_row(params![ws, sweep, chunk], |row| row.get(0))
        .optional()?;
    let bits = bits.unwrap_or_else(|| vec![0; CHUNK_BYTES]);
    if bits.len() == CHUNK_BYTES {
        return Ok(bits);
    }
    Err(Error::Corrupt {
        what: "bitmap of a sweep",
        why: format!("a chunk has {} bytes", bits.len()),
    }
    .into())
}

/// Records that were known when the sweep began and that it did not see.
pub(super) fn unseen(
    session: &Session,
    workspace: &Workspace,
    sweep: i64,
    after: i64,
    at_most: usize,
) -> Outcome<Vec<(i64, RecordId)>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Err(no_such_sweep(sweep).into());
    };
    let (connection, entity, ceiling): (i64, i64, i64) = session
        .sql("SELECT connection, entity, ceiling FROM sweep WHERE ws = ?1 AND id = ?2")?
        .query_row(params![ws, sweep], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?
        .ok_or_else(|| no_such_sweep(sweep))?;
    let mut statement = session.sql(
        "SELECT row, record FROM record INDEXED BY record_row
         WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND row > ?4 AND row < ?5 ORDER BY row",
    )?;
    let mut unseen = Vec::new();
    let mut after = after;
    // One chunk of the bitmap after the other: most records were seen.
    while after + 1 < ceiling {
        let number = (after + 1) / CHUNK_ROWS;
        let end = ceiling.min((number + 1) * CHUNK_ROWS);
        let bits = seen_chunk(session, ws, sweep, number)?;
        let mut rows = statement.query(params![ws, connection, entity, after, end])?;
        while let Some(found) = rows.next()? {
            let row: i64 = found.get(0)?;
            let at = (row % CHUNK_ROWS) as usize;
            if bits[at / 8] & (1 << (at % 8)) == 0 {
                unseen.push((row, RecordId::new(found.get::<_, String>(1)?)));
                if unseen.len() == at_most {
                    return Ok(unseen);
                }
            }
        }
        after = end - 1;
    }
    Ok(unseen)
}

/// Ends a sweep.
pub(super) fn finish(
    session: &Session,
    ws: i64,
    sweep: i64,
    signals: &[Signal],
    now: Timestamp,
) -> Outcome<()> {
    let finished = session
        .sql(
            "INSERT INTO listing (ws, connection, entity, swept, listed)
             SELECT ws, connection, entity, ?3, listed FROM sweep WHERE ws = ?1 AND id = ?2
             ON CONFLICT (ws, connection, entity)
             DO UPDATE SET swept = excluded.swept, listed = excluded.listed",
        )?
        .execute(params![ws, sweep, micros(now)])?;
    if finished == 0 {
        return Err(no_such_sweep(sweep).into());
    }
    drop_one(session, ws, sweep)?;
    signals::signal(session, ws, signals, Some(now))
}

/// When the last sweep ended and how many records it listed.
pub(super) fn last(session: &Session, place: Place) -> Outcome<Option<(Timestamp, u64)>> {
    let found: Option<(Option<i64>, Option<i64>)> = session
        .sql("SELECT swept, listed FROM listing WHERE ws = ?1 AND connection = ?2 AND entity = ?3")?
        .query_row(params![place.ws, place.connection, place.entity], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((Some(swept), listed)) = found else {
        return Ok(None);
    };
    Ok(Some((time(swept)?, listed.unwrap_or(0).cast_unsigned())))
}
