//! Blocked fields, counted by the database.

use record::RecordId;
use rusqlite::{ToSql, params};

use super::{
    codes::Code,
    fault::Outcome,
    marks::{BLOCKED, blocked_of},
    session::{Session, limit, micros, time},
};
use crate::{
    BlockedField, BlockedFilter, BlockedPlace, BlockedSum, BlockedSumPlace, SyncName, Workspace,
};

/// Blocked fields of a sync, oldest first, from a place on.
pub(super) fn blocked_after(
    session: &Session,
    workspace: &Workspace,
    sync: &SyncName,
    of: &BlockedFilter,
    after: Option<&BlockedPlace>,
    at_most: usize,
) -> Outcome<Vec<BlockedField>> {
    let Some((ws, number)) = session.find_sync(workspace, sync)? else {
        return Ok(Vec::new());
    };
    let columns = BLOCKED.replace(", ", ", b.");
    // An empty id is before all others.
    let (since, link, mapping, side) = match after {
        Some(place) => (
            micros(place.since),
            place.link.0.as_bytes().to_vec(),
            place.mapping.clone(),
            place.side.code(),
        ),
        None => (i64::MIN, Vec::new(), String::new(), -1),
    };
    let mut sql = format!(
        "SELECT b.{columns}, l.entity, l.left_record, l.right_record
         FROM blocked b INDEXED BY blocked_since CROSS JOIN link l ON l.ws = b.ws AND l.id = b.link
         WHERE b.ws = ?1 AND b.sync = ?2 AND (b.since, b.link, b.mapping, b.side) > (?3, ?4, ?5, ?6)"
    );
    let mut values: Vec<Box<dyn ToSql>> = vec![
        Box::new(ws),
        Box::new(number),
        Box::new(since),
        Box::new(link),
        Box::new(mapping),
        Box::new(side),
    ];
    let mut narrow = |condition: &str, value: Box<dyn ToSql>| {
        values.push(value);
        sql.push_str(&condition.replace('$', &format!("?{}", values.len())));
    };
    if let Some(entity) = of.entity {
        narrow(" AND l.entity = $", Box::new(entity.code()));
    }
    if let Some(mapping) = &of.mapping {
        narrow(" AND b.mapping = $", Box::new(mapping.clone()));
    }
    if let Some(side) = of.side {
        narrow(" AND b.side = $", Box::new(side.code()));
    }
    if let Some(reason) = &of.reason {
        narrow(" AND b.reason = $", Box::new(reason.clone()));
    }
    narrow(
        " ORDER BY b.since, b.link, b.mapping, b.side LIMIT $",
        Box::new(limit(at_most)),
    );
    let mut statement = session.sql(&sql)?;
    let mut rows = statement.query(values.as_slice())?;
    let mut blocked = Vec::new();
    while let Some(row) = rows.next()? {
        blocked.push(BlockedField {
            entity: Code::of_code(row.get(11)?)?,
            left: RecordId::new(row.get::<_, String>(12)?),
            right: RecordId::new(row.get::<_, String>(13)?),
            blocked: blocked_of(session, row, sync)?,
        });
    }
    Ok(blocked)
}

/// The same with each field once for each reason, the longest blocked first, from a place on. Reads all of them: in the
/// order of their key, which is the order of the table, and not in that of the index.
pub(super) fn blocked_sums(
    session: &Session,
    workspace: &Workspace,
    sync: &SyncName,
    after: Option<&BlockedSumPlace>,
    at_most: usize,
) -> Outcome<Vec<BlockedSum>> {
    let Some((ws, number)) = session.find_sync(workspace, sync)? else {
        return Ok(Vec::new());
    };
    let mut statement = session.sql(
        "SELECT l.entity, b.mapping, b.side, b.reason, count(*), min(b.since)
         FROM blocked b NOT INDEXED CROSS JOIN link l ON l.ws = b.ws AND l.id = b.link
         WHERE b.ws = ?1 AND b.sync = ?2
         GROUP BY l.entity, b.mapping, b.side, b.reason
         HAVING (min(b.since), l.entity, b.mapping, b.side, b.reason) > (?3, ?4, ?5, ?6, ?7)
         ORDER BY min(b.since), l.entity, b.mapping, b.side, b.reason LIMIT ?8",
    )?;
    let (since, entity, mapping, side, reason) = match after {
        Some(place) => (
            micros(place.since),
            place.entity.code(),
            place.mapping.as_str(),
            place.side.code(),
            place.reason.as_str(),
        ),
        None => (i64::MIN, -1, "", -1, ""),
    };
    let mut rows = statement.query(params![
        ws,
        number,
        since,
        entity,
        mapping,
        side,
        reason,
        limit(at_most)
    ])?;
    let mut sums = Vec::new();
    while let Some(row) = rows.next()? {
        sums.push(BlockedSum {
            entity: Code::of_code(row.get(0)?)?,
            mapping: row.get(1)?,
            side: Code::of_code(row.get(2)?)?,
            reason: row.get(3)?,
            records: row.get::<_, i64>(4)?.cast_unsigned(),
            since: time(row.get(5)?)?,
        });
    }
    Ok(sums)
}
