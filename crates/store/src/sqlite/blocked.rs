//! Blocked fields, page by page.

use record::RecordId;
use rusqlite::{ToSql, params};

use super::{
    blocking::IS_REASON,
    codes::Code,
    fault::Outcome,
    marks::{BLOCKED, blocked_of},
    session::{Session, limit, micros, time},
};
use crate::{
    BlockedField, BlockedFilter, BlockedPlace, BlockedSum, BlockedSumPlace, SyncName, Workspace,
};

/// Of so many fields the rows are read field by field; of more, all rows of the sync in their order.
const FEW: usize = 16;

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
    let rows = |field| rows_of(session, ws, number, sync, of, field, after, at_most);
    if *of == BlockedFilter::default() {
        return rows(None);
    }
    let fields = fields_of(session, ws, number, of)?;
    if fields.len() > FEW {
        return rows(None);
    }
    let mut found: Vec<BlockedField> = Vec::new();
    for field in fields {
        found.extend(rows(Some(field))?);
    }
    found.sort_by_cached_key(|row| {
        let place = row.blocked.place();
        (place.since, place.link, place.mapping, place.side.code())
    });
    if at_most > 0 {
        found.truncate(at_most);
    }
    Ok(found)
}

/// The fields that a filter is about, or the first of them if they are many.
fn fields_of(session: &Session, ws: i64, sync: i64, of: &BlockedFilter) -> Outcome<Vec<i64>> {
    let mut sql = "SELECT id FROM blocked_field WHERE ws = ?1 AND sync = ?2".to_owned();
    let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(ws), Box::new(sync)];
    let mut narrow = |condition: &str, value: Box<dyn ToSql>| {
        values.push(value);
        sql.push_str(&condition.replace('$', &format!("?{}", values.len())));
    };
    if let Some(entity) = of.entity {
        narrow(" AND entity = $", Box::new(entity.code()));
    }
    if let Some(mapping) = &of.mapping {
        narrow(" AND mapping = $", Box::new(mapping.clone()));
    }
    if let Some(side) = of.side {
        narrow(" AND side = $", Box::new(side.code()));
    }
    if let Some(reason) = &of.reason {
        narrow(&format!(" AND {IS_REASON}"), Box::new(reason.clone()));
    }
    narrow(" LIMIT $", Box::new(limit(FEW + 1)));
    let mut statement = session.sql(&sql)?;
    statement
        .query_map(values.as_slice(), |row| row.get(0))?
        .collect()
}

/// Rows of one field, or all that the filter is about, in their order from a place on.
#[expect(clippy::too_many_arguments, reason = "what a page is about")]
fn rows_of(
    session: &Session,
    ws: i64,
    number: i64,
    sync: &SyncName,
    of: &BlockedFilter,
    field: Option<i64>,
    after: Option<&BlockedPlace>,
    at_most: usize,
) -> Outcome<Vec<BlockedField>> {
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
    let index = if field.is_some() {
        "blocked_rows"
    } else {
        "blocked_since"
    };
    let mut sql = format!(
        "SELECT b.{columns}, l.entity, l.left_record, l.right_record
         FROM blocked b INDEXED BY {index} CROSS JOIN link l ON l.ws = b.ws AND l.id = b.link
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
    if let Some(field) = field {
        narrow(" AND b.field = $", Box::new(field));
    }
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

/// Each field once for each reason, the longest blocked first, from a place on.
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
        "SELECT entity, mapping, side, reason, n, since FROM blocked_field INDEXED BY blocked_field_since
         WHERE ws = ?1 AND sync = ?2 AND since >= ?3
             AND (since, entity, mapping, side, reason) > (?3, ?4, ?5, ?6, ?7)
         ORDER BY since, entity, mapping, side, reason LIMIT ?8",
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
