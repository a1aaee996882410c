//! Blocking fields and lifting that. Each field is counted once for each reason as its rows come and go, so that nobody
//! has to read them all to say how many there are.

use std::collections::BTreeMap;

use record::Side;
use rusqlite::params;

use super::{
    codes::Code,
    database::OptionalExtension,
    fault::Outcome,
    session::{Session, micros},
    tally::{Count, Tally},
};
use crate::{Blocked, LinkId};

/// Whether the reason is `$`, by the index of its beginning. SQLite would put a reason that is just compared into the
/// expression of the index, and so miss it.
pub(super) const IS_REASON: &str =
    "substr(reason, 1, 200) = substr(CAST($ AS TEXT), 1, 200) AND coalesce(reason, '') = $";

/// Lifts blocked fields, then blocks others.
pub(super) fn change(
    session: &Session,
    ws: i64,
    unblocked: &[(LinkId, String, Side)],
    blocked: &[Blocked],
) -> Outcome<()> {
    let mut sums = Sums::default();
    for (link, mapping, side) in unblocked {
        let lifted: Option<(i64, Option<i64>)> = session
            .sql(
                "DELETE FROM blocked WHERE ws = ?1 AND link = ?2 AND mapping = ?3 AND side = ?4
                 RETURNING sync, field",
            )?
            .query_row(
                params![ws, link.0.as_bytes(), mapping, side.code()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        if let Some((sync, field)) = lifted {
            sums.lost(sync, field);
        }
    }
    for row in blocked {
        block(session, ws, row, &mut sums)?;
    }
    sums.save(session, ws)
}

/// Lifts all blocked fields of a link.
pub(super) fn unblock_link(
    session: &Session,
    ws: i64,
    link: LinkId,
    sums: &mut Sums,
) -> Outcome<()> {
    let mut delete =
        session.sql("DELETE FROM blocked WHERE ws = ?1 AND link = ?2 RETURNING sync, field")?;
    let mut rows = delete.query(params![ws, link.0.as_bytes()])?;
    while let Some(row) = rows.next()? {
        sums.lost(row.get(0)?, row.get(1)?);
    }
    Ok(())
}

fn block(session: &Session, ws: i64, row: &Blocked, sums: &mut Sums) -> Outcome<()> {
    let awaits = row.awaits.as_ref();
    let wakes = awaits
        .map(|awaited| session.connection_number(ws, &awaited.wakes))
        .transpose()?;
    let sync = session.sync_number(ws, &row.sync)?;
    let before: Option<(i64, Option<i64>)> = session
        .sql(
            "SELECT sync, field FROM blocked
             WHERE ws = ?1 AND link = ?2 AND mapping = ?3 AND side = ?4",
        )?
        .query_row(
            params![ws, row.link.0.as_bytes(), row.mapping, row.side.code()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    if let Some((sync, field)) = before {
        sums.lost(sync, field);
    }
    let field = sums.of(session, ws, sync, row)?;
    session
        .sql(
            "INSERT INTO blocked (ws, link, mapping, side, sync, reason, value_hash, schema_hash, since,
                                  awaits_entity, awaits_side, awaits_record, wakes, field)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (ws, link, mapping, side) DO UPDATE SET
                 sync = excluded.sync,
                 reason = excluded.reason,
                 value_hash = excluded.value_hash,
                 schema_hash = excluded.schema_hash,
                 since = excluded.since,
                 awaits_entity = excluded.awaits_entity,
                 awaits_side = excluded.awaits_side,
                 awaits_record = excluded.awaits_record,
                 wakes = excluded.wakes,
                 field = excluded.field",
        )?
        .execute(params![
            ws,
            row.link.0.as_bytes(),
            row.mapping,
            row.side.code(),
            sync,
            row.reason,
            row.value_hash.cast_signed(),
            row.schema_hash.cast_signed(),
            micros(row.since),
            awaits.map(|awaited| awaited.entity.code()),
            awaits.map(|awaited| awaited.side.code()),
            awaits.map(|awaited| awaited.record.as_str()),
            wakes,
            field
        ])?;
    sums.got(sync, field);
    Ok(())
}

/// What one command changes of the sums: of which fields how many rows came or went.
#[derive(Default)]
pub(super) struct Sums {
    changed: BTreeMap<i64, i64>,
    tally: Tally,
    /// The last one that was looked up: most rows of a command are about few.
    last: Option<Last>,
}

/// What a field is known by, and its number.
struct Last {
    sync: i64,
    entity: i64,
    mapping: String,
    side: i64,
    reason: String,
    field: i64,
}

impl Sums {
    /// The field that a row is about, new if there was none. Nothing is counted for a link that is not there.
    fn of(&mut self, session: &Session, ws: i64, sync: i64, row: &Blocked) -> Outcome<Option<i64>> {
        let entity: Option<i64> = session
            .sql("SELECT entity FROM link WHERE ws = ?1 AND id = ?2")?
            .query_row(params![ws, row.link.0.as_bytes()], |row| row.get(0))
            .optional()?;
        let Some(entity) = entity else {
            return Ok(None);
        };
        let side = row.side.code();
        if let Some(last) = &self.last
            && (last.sync, last.entity, last.side) == (sync, entity, side)
            && last.mapping == row.mapping
            && last.reason == row.reason
        {
            return Ok(Some(last.field));
        }
        let known: Option<i64> = session
            .sql(&format!(
                "SELECT id FROM blocked_field INDEXED BY blocked_field_of
                 WHERE ws = ?1 AND sync = ?2 AND entity = ?3 AND mapping = ?4 AND side = ?5 AND {}",
                IS_REASON.replace('$', "?6")
            ))?
            .query_row(
                params![ws, sync, entity, row.mapping, side, row.reason],
                |row| row.get(0),
            )
            .optional()?;
        let field = match known {
            Some(field) => field,
            None => session
                .sql(
                    "INSERT INTO blocked_field (ws, sync, entity, mapping, side, reason, n, since)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7) RETURNING id",
                )?
                .query_row(
                    params![
                        ws,
                        sync,
                        entity,
                        row.mapping,
                        side,
                        row.reason,
                        micros(row.since)
                    ],
                    |row| row.get(0),
                )?,
        };
        self.last = Some(Last {
            sync,
            entity,
            mapping: row.mapping.clone(),
            side,
            reason: row.reason.clone(),
            field,
        });
        Ok(Some(field))
    }

    fn got(&mut self, sync: i64, field: Option<i64>) {
        self.moved(sync, field, 1);
    }

    fn lost(&mut self, sync: i64, field: Option<i64>) {
        self.moved(sync, field, -1);
    }

    fn moved(&mut self, sync: i64, field: Option<i64>, by: i64) {
        self.tally.add(Count::Blocked { sync }, by);
        if let Some(field) = field {
            *self.changed.entry(field).or_default() += by;
        }
    }

    /// Moves the stored sums, each with the time of its first row. One without rows goes.
    pub(super) fn save(self, session: &Session, ws: i64) -> Outcome<()> {
        let mut update = session.sql(
            "UPDATE blocked_field SET n = n + ?3, since = coalesce(
                 (SELECT min(b.since) FROM blocked b INDEXED BY blocked_rows WHERE b.ws = ?1 AND b.field = ?2),
                 since)
             WHERE id = ?2",
        )?;
        let mut remove = session.sql("DELETE FROM blocked_field WHERE id = ?1 AND n <= 0")?;
        for (field, by) in self.changed {
            // Where as many came as went, the first may be another one.
            update.execute(params![ws, field, by])?;
            if by <= 0 {
                remove.execute([field])?;
            }
        }
        self.tally.save(session, ws)
    }
}
