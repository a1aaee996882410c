//! Plans that are kept, and the listings that they are made from.

use std::collections::BTreeMap;

use record::RecordId;
use rusqlite::params;

use super::{
    codes::Code,
    database::{OptionalExtension, Row},
    fault::Outcome,
    payload,
    session::{Session, limit, micros, time, uuid},
};
use crate::{PlanId, PlanRow, PlanRowState, StoredPlan, SyncName, Workspace};

/// Stores a plan without its rows, or replaces it.
pub(super) fn save(session: &Session, ws: i64, plan: &StoredPlan) -> Outcome<()> {
    session
        .sql(
            "INSERT INTO plan (ws, id, sync, state, made, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (ws, id) DO UPDATE SET state = excluded.state, body = excluded.body",
        )?
        .execute(params![
            ws,
            plan.id.0.as_bytes(),
            session.sync_number(ws, &plan.sync)?,
            plan.state.code(),
            micros(plan.made),
            payload::PLAN.encode(&plan.body)?
        ])?;
    Ok(())
}

type Head = (Vec<u8>, i64, i64, i64, String);

fn head(row: Row<'_>) -> Outcome<Head> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
    ))
}

fn plan_of(session: &Session, (id, sync, state, made, body): Head) -> Outcome<StoredPlan> {
    Ok(StoredPlan {
        id: PlanId(uuid(&id)?),
        sync: session.sync_name(sync)?,
        state: Code::of_code(state)?,
        made: time(made)?,
        body: payload::PLAN.decode(&body)?,
    })
}

/// One plan.
pub(super) fn one(
    session: &Session,
    workspace: &Workspace,
    id: PlanId,
) -> Outcome<Option<StoredPlan>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(None);
    };
    session
        .sql("SELECT id, sync, state, made, body FROM plan WHERE ws = ?1 AND id = ?2")?
        .query_row(params![ws, id.0.as_bytes()], head)
        .optional()?
        .map(|found| plan_of(session, found))
        .transpose()
}

/// Plans, newest first.
pub(super) fn list(
    session: &Session,
    workspace: &Workspace,
    sync: Option<&SyncName>,
    at_most: usize,
) -> Outcome<Vec<StoredPlan>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    let number = match sync {
        None => None,
        Some(sync) => match session.find_sync(workspace, sync)? {
            Some((_, number)) => Some(number),
            None => return Ok(Vec::new()),
        },
    };
    let mut statement = session.sql(
        "SELECT id, sync, state, made, body FROM plan
         WHERE ws = ?1 AND (CAST(?2 AS BIGINT) IS NULL OR sync = ?2) ORDER BY seq DESC LIMIT ?3",
    )?;
    let found: Vec<Head> = statement
        .query_map(params![ws, number, limit(at_most)], head)?
        .collect::<Outcome<_>>()?;
    found
        .into_iter()
        .map(|head| plan_of(session, head))
        .collect()
}

/// Adds rows, or replaces those of the same number.
pub(super) fn add_rows(session: &Session, ws: i64, plan: PlanId, rows: &[PlanRow]) -> Outcome<()> {
    let mut statement = session.sql(
        "INSERT INTO plan_row
             (ws, plan, number, entity, left_record, right_record, state, note, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (ws, plan, number) DO UPDATE SET entity = excluded.entity,
             left_record = excluded.left_record, right_record = excluded.right_record,
             state = excluded.state, note = excluded.note, body = excluded.body",
    )?;
    for row in rows {
        statement.execute(params![
            ws,
            plan.0.as_bytes(),
            row.number.cast_signed(),
            row.entity.code(),
            row.left.as_ref().map(RecordId::as_str),
            row.right.as_ref().map(RecordId::as_str),
            row.state.code(),
            row.note,
            payload::PLAN_ROW.encode(&row.body)?
        ])?;
    }
    Ok(())
}

/// Rows in their order.
pub(super) fn rows(
    session: &Session,
    workspace: &Workspace,
    plan: PlanId,
    state: Option<PlanRowState>,
    after: u64,
    at_most: usize,
) -> Outcome<Vec<PlanRow>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    let of_state = if state.is_some() {
        " AND state = ?5"
    } else {
        " AND CAST(?5 AS BIGINT) IS NULL"
    };
    let mut statement = session.sql(&format!(
        "SELECT number, entity, left_record, right_record, state, note, body FROM plan_row
         WHERE ws = ?1 AND plan = ?2 AND number > ?3{of_state} ORDER BY number LIMIT ?4"
    ))?;
    let mut found = statement.query(params![
        ws,
        plan.0.as_bytes(),
        after.cast_signed(),
        limit(at_most),
        state.map(Code::code)
    ])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let record = |at: usize| -> Outcome<Option<RecordId>> {
            Ok(row.get::<_, Option<String>>(at)?.map(RecordId::new))
        };
        rows.push(PlanRow {
            number: row.get::<_, i64>(0)?.cast_unsigned(),
            entity: Code::of_code(row.get(1)?)?,
            left: record(2)?,
            right: record(3)?,
            state: Code::of_code(row.get(4)?)?,
            note: row.get(5)?,
            body: payload::PLAN_ROW.decode(&row.get::<_, String>(6)?)?,
        });
    }
    Ok(rows)
}

/// Says where rows stand now.
pub(super) fn mark_rows(
    session: &Session,
    ws: i64,
    plan: PlanId,
    rows: &[(u64, PlanRowState, Option<String>)],
) -> Outcome<()> {
    let mut statement = session.sql(
        "UPDATE plan_row SET state = ?4, note = ?5 WHERE ws = ?1 AND plan = ?2 AND number = ?3",
    )?;
    for (number, state, note) in rows {
        statement.execute(params![
            ws,
            plan.0.as_bytes(),
            number.cast_signed(),
            state.code(),
            note
        ])?;
    }
    Ok(())
}

/// How many rows stand where.
pub(super) fn count_rows(
    session: &Session,
    workspace: &Workspace,
    plan: PlanId,
) -> Outcome<BTreeMap<PlanRowState, u64>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(BTreeMap::new());
    };
    let mut statement = session
        .sql("SELECT state, count(*) FROM plan_row WHERE ws = ?1 AND plan = ?2 GROUP BY state")?;
    let mut found = statement.query(params![ws, plan.0.as_bytes()])?;
    let mut counts = BTreeMap::new();
    while let Some(row) = found.next()? {
        let number: i64 = row.get(1)?;
        counts.insert(Code::of_code(row.get(0)?)?, number.cast_unsigned());
    }
    Ok(counts)
}

/// Drops at most so many rows of a plan, and the plan when it has none left. Says whether that was all.
pub(super) fn drop_one(session: &Session, ws: i64, plan: PlanId, at_most: usize) -> Outcome<bool> {
    let at_most = at_most.max(1);
    let dropped = session
        .sql(
            "DELETE FROM plan_row WHERE ws = ?1 AND plan = ?2 AND number IN
                 (SELECT number FROM plan_row WHERE ws = ?1 AND plan = ?2 LIMIT ?3)",
        )?
        .execute(params![ws, plan.0.as_bytes(), limit(at_most)])?;
    if dropped == at_most {
        return Ok(false);
    }
    session
        .sql("DELETE FROM plan WHERE ws = ?1 AND id = ?2")?
        .execute(params![ws, plan.0.as_bytes()])?;
    Ok(true)
}

/// What a listing leaves in a workspace, with the keys of its rows. The names stay: what stands for
/// them may be remembered. The counts go last.
const LISTED: [(&str, &str); 8] = [
    ("dirty", "ws, connection, entity, record"),
    ("record_key", "ws, connection, entity, kind, value, row"),
    ("kept", "id"),
    ("record", "ws, connection, entity, record"),
    ("sweep_seen", "ws, sweep, chunk"),
    ("sweep", "id"),
    ("listing", "ws, connection, entity"),
    ("tally", "ws, kind, a, b"),
];

/// Drops at most so many rows of what was listed in a workspace. Says whether that was all.
pub(super) fn drop_listings(session: &Session, ws: i64, at_most: usize) -> Outcome<bool> {
    let mut left = limit(at_most.max(1));
    for (table, keys) in LISTED {
        let dropped = session
            .sql(&format!(
                "DELETE FROM {table} WHERE ({keys}) IN (SELECT {keys} FROM {table} WHERE ws = ?1 LIMIT ?2)"
            ))?
            .execute(params![ws, left])?;
        left -= i64::try_from(dropped).unwrap_or(i64::MAX);
        if left <= 0 {
            return Ok(false);
        }
    }
    Ok(true)
}
