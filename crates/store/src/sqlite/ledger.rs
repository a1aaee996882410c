//! Runs, the call log, meters and the overview.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{ToSql, params};

use super::{
    codes::{Code, LANES},
    database::Row,
    fault::{Fault, Outcome},
    session::{Kind, Session, limit, maybe_time, micros, time, uuid},
    tally::{self, Count},
};
use crate::{
    CallFilter, CallPlace, CallRow, Lane, Overview, ReviewKind, Run, RunId, RunState, SyncName,
    Workspace,
};

/// Old calls are dropped at most so many at a time.
const PRUNE_CALLS: i64 = 20_000;

/// Begins a run.
pub(super) fn begin_run(session: &Session, ws: i64, run: &Run) -> Outcome<()> {
    session
        .sql(
            "INSERT INTO run (ws, id, sync, kind, state, started, ended)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            ws,
            run.id.0.as_bytes(),
            session.sync_number(ws, &run.sync)?,
            run.kind.code(),
            run.state.code(),
            micros(run.started),
            run.ended.map(micros)
        ])?;
    count(session, ws, run.id, &run.counts)
}

/// Adds to the counts of a run.
pub(super) fn count(
    session: &Session,
    ws: i64,
    run: RunId,
    counts: &BTreeMap<String, i64>,
) -> Outcome<()> {
    let mut each = session
        .sql(
            "INSERT INTO run_count (ws, run, name, n) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (ws, run, name) DO UPDATE SET n = run_count.n + excluded.n",
        )?
        .each();
    for (name, n) in counts {
        each.add(params![ws, run.0.as_bytes(), name, n])?;
    }
    each.run()
}

/// Ends a run.
pub(super) fn finish_run(
    session: &Session,
    ws: i64,
    run: RunId,
    state: RunState,
    now: Timestamp,
) -> Outcome<()> {
    session
        .sql("UPDATE run SET state = ?3, ended = ?4 WHERE ws = ?1 AND id = ?2")?
        .execute(params![ws, run.0.as_bytes(), state.code(), micros(now)])?;
    Ok(())
}

/// Runs, newest first.
pub(super) fn runs(
    session: &Session,
    workspace: &Workspace,
    sync: Option<&SyncName>,
    at_most: usize,
) -> Outcome<Vec<Run>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    let sync = match sync {
        None => None,
        Some(name) => match session.find(ws, Kind::Sync, name.as_str())? {
            None => return Ok(Vec::new()),
            some => some,
        },
    };
    let narrowed = if sync.is_some() {
        "sync = ?2"
    } else {
        "CAST(?2 AS BIGINT) IS NULL"
    };
    let mut statement = session.sql(&format!(
        "SELECT id, sync, kind, state, started, ended FROM run
         WHERE ws = ?1 AND {narrowed} ORDER BY seq DESC LIMIT ?3"
    ))?;
    let mut counts = session.sql("SELECT name, n FROM run_count WHERE ws = ?1 AND run = ?2")?;
    let mut rows = statement.query(params![ws, sync, limit(at_most)])?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        let id: Vec<u8> = row.get(0)?;
        runs.push(Run {
            id: RunId(uuid(&id)?),
            sync: session.sync_name(row.get(1)?)?,
            kind: Code::of_code(row.get(2)?)?,
            state: Code::of_code(row.get(3)?)?,
            started: time(row.get(4)?)?,
            ended: maybe_time(row.get(5)?)?,
            counts: counts
                .query_map(params![ws, id], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Outcome<_>>()?,
        });
    }
    Ok(runs)
}

/// Adds to the call log and drops old calls.
pub(super) fn log_calls(
    session: &Session,
    ws: i64,
    calls: &[CallRow],
    keep_since: Option<Timestamp>,
) -> Outcome<()> {
    let mut statement = session.sql(
        "INSERT INTO call (ws, at, connection, operation, write, status, milliseconds, attempt, lane,
                           cause, outcome, records)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    for call in calls {
        statement.execute(params![
            ws,
            micros(call.at),
            session.connection_number(ws, &call.connection)?,
            call.operation,
            call.write,
            call.status,
            call.milliseconds,
            call.attempt,
            call.lane,
            call.cause,
            call.outcome,
            call.records
        ])?;
    }
    let mut more = i64::try_from(calls.len()).unwrap_or(i64::MAX);
    if let Some(since) = keep_since {
        let dropped = session
            .sql(
                "DELETE FROM call WHERE seq IN
                    (SELECT seq FROM call INDEXED BY call_at
                     WHERE ws = ?1 AND at < ?2 ORDER BY at LIMIT ?3)",
            )?
            .execute(params![ws, micros(since), PRUNE_CALLS])?;
        more -= i64::try_from(dropped).unwrap_or(i64::MAX);
    }
    tally::move_by(session, ws, Count::Calls, more)
}

fn call_of(session: &Session, row: Row<'_>) -> Outcome<(CallPlace, CallRow)> {
    let call = CallRow {
        at: time(row.get(0)?)?,
        connection: session.connection_name(row.get(1)?)?,
        operation: row.get(2)?,
        write: row.get(3)?,
        status: row.get(4)?,
        milliseconds: row.get(5)?,
        attempt: row.get(6)?,
        lane: row.get(7)?,
        cause: row.get(8)?,
        outcome: row.get(9)?,
        records: row.get(10)?,
    };
    let place = CallPlace {
        at: call.at,
        seq: row.get(11)?,
    };
    Ok((place, call))
}

/// Lists calls, newest first.
pub(super) fn calls(
    session: &Session,
    workspace: &Workspace,
    filter: &CallFilter,
) -> Outcome<Vec<(CallPlace, CallRow)>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    let word = filter.operation.as_deref().filter(|word| !word.is_empty());
    let Some(word) = word else {
        return calls_of(session, ws, filter, &[], filter.since);
    };
    let mut operations = operations(session, ws)?;
    operations.retain(|operation| operation.contains(word));
    if operations.is_empty() {
        return Ok(Vec::new());
    }
    if filter.cause.is_some() || is_refused(filter) || is_failed(filter) {
        // What is rare is read once, for whatever operations.
        return calls_of(session, ws, filter, &operations, filter.since);
    }
    // There are few operations and very many calls: each that has the word in it is looked up by itself.
    let mut calls: Vec<(CallPlace, CallRow)> = Vec::new();
    for operation in operations {
        let full = filter.limit > 0 && calls.len() >= filter.limit;
        let oldest = calls.last().filter(|_| full).map(|(place, _)| place.at);
        let since = filter.since.max(oldest);
        calls.extend(calls_of(session, ws, filter, &[operation], since)?);
        calls.sort_by_key(|(place, _)| std::cmp::Reverse((place.at, place.seq)));
        if filter.limit > 0 {
            calls.truncate(filter.limit);
        }
    }
    Ok(calls)
}

/// The operations that were called. One step of the index each.
fn operations(session: &Session, ws: i64) -> Outcome<Vec<String>> {
    let mut next = session.sql(
        "SELECT min(operation) FROM call INDEXED BY call_operation WHERE ws = ?1 AND operation > ?2",
    )?;
    let mut found: Vec<String> = Vec::new();
    loop {
        let last = found.last().map_or("", String::as_str);
        let operation: Option<String> = next.query_row(params![ws, last], |row| row.get(0))?;
        match operation {
            Some(operation) => found.push(operation),
            None => return Ok(found),
        }
    }
}

/// Only what a vendor refused.
fn is_refused(filter: &CallFilter) -> bool {
    filter.status.is_some_and(|status| status >= 400)
}

/// Only what a vendor did not process.
fn is_failed(filter: &CallFilter) -> bool {
    let outcome = filter.outcome.as_deref();
    outcome.is_some_and(|word| word != ANSWERED)
}

/// Calls of these operations, or of all if none is named.
fn calls_of(
    session: &Session,
    ws: i64,
    filter: &CallFilter,
    operations: &[String],
    since: Option<Timestamp>,
) -> Outcome<Vec<(CallPlace, CallRow)>> {
    let index = if filter.cause.is_some() {
        "call_cause"
    } else if is_refused(filter) {
        "call_status"
    } else if is_failed(filter) {
        "call_outcome"
    } else if !operations.is_empty() {
        "call_operation"
    } else if filter.connection.is_some() {
        "call_connection"
    } else {
        "call_at"
    };
    let mut sql = format!(
        "SELECT at, connection, operation, write, status, milliseconds, attempt, lane, cause, outcome,
                records, seq
         FROM call INDEXED BY {index} WHERE ws = ?1"
    );
    // The indexes of what is rare say so in these words.
    match index {
        "call_status" => sql.push_str(" AND status >= 400"),
        "call_outcome" => sql.push_str(" AND outcome <> 'answered'"),
        _ => {}
    }
    let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(ws)];
    let mut narrow = |condition: &str, value: Box<dyn ToSql>| {
        values.push(value);
        sql.push_str(&condition.replace('$', &format!("?{}", values.len())));
    };
    if let Some(connection) = &filter.connection {
        let Some(id) = session.find(ws, Kind::Connection, connection.as_str())? else {
            return Ok(Vec::new());
        };
        narrow(" AND connection = $", Box::new(id));
    }
    match operations {
        [] => {}
        [one] => narrow(" AND operation = $", Box::new(one.clone())),
        more => narrow(
            " AND operation IN (SELECT value FROM json_each($))",
            Box::new(serde_json::Value::from(more).to_string()),
        ),
    }
    if let Some(outcome) = &filter.outcome {
        narrow(" AND outcome = $", Box::new(outcome.clone()));
    }
    if let Some(status) = filter.status {
        narrow(" AND status = $", Box::new(status));
    }
    if let Some(cause) = &filter.cause {
        narrow(" AND cause = $", Box::new(cause.clone()));
    }
    if let Some(since) = since {
        narrow(" AND at >= $", Box::new(micros(since)));
    }
    if let Some(after) = &filter.after {
        narrow(" AND at <= $", Box::new(micros(after.at)));
        narrow(" AND (at < $", Box::new(micros(after.at)));
        narrow(" OR seq < $)", Box::new(after.seq));
    }
    narrow(
        " ORDER BY at DESC, seq DESC LIMIT $",
        Box::new(limit(filter.limit)),
    );
    let mut statement = session.sql(&sql)?;
    let mut rows = statement.query(values.as_slice())?;
    let mut calls = Vec::new();
    while let Some(row) = rows.next()? {
        calls.push(call_of(session, row)?);
    }
    Ok(calls)
}

/// The outcome of calls that the vendor processed: all but a few.
const ANSWERED: &str = "answered";

/// Adds to meters.
pub(super) fn add_meters(
    session: &Session,
    ws: i64,
    meters: &BTreeMap<String, i64>,
) -> Outcome<()> {
    let mut each = session
        .sql(
            "INSERT INTO meter (ws, name, n) VALUES (?1, ?2, ?3)
         ON CONFLICT (ws, name) DO UPDATE SET n = meter.n + excluded.n",
        )?
        .each();
    for (name, n) in meters {
        each.add(params![ws, name, n])?;
    }
    each.run()
}

/// What the whole looks like. Big tables are not scanned: their counts are kept as they change.
pub(super) fn overview(session: &Session, workspace: &Workspace) -> Outcome<Overview> {
    let mut overview = Overview::default();
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(overview);
    };
    let mut tally = session.sql("SELECT kind, a, b, n FROM tally WHERE ws = ?1 AND n > 0")?;
    let mut rows = tally.query([ws])?;
    while let Some(row) = rows.next()? {
        let kind: i64 = row.get(0)?;
        let of: i64 = row.get(1)?;
        let name = || Ok::<_, Fault>(session.name(of)?.to_string());
        let n = row.get::<_, i64>(3)?.cast_unsigned();
        match kind {
            1 => {
                let lane = Lane::of_code(row.get(2)?)?;
                let lanes = overview.dirty.entry(name()?).or_default();
                lanes.insert(lane_name(lane).to_owned(), n);
            }
            2 => {
                overview.failing.insert(name()?, n);
            }
            3 => {
                overview.links.insert(name()?, n);
            }
            4 => {
                overview.blocked.insert(name()?, n);
            }
            _ => {}
        }
    }
    let mut oldest = session.sql(
        "SELECT min(first_signalled) FROM dirty INDEXED BY dirty_oldest
         WHERE ws = ?1 AND connection = ?2",
    )?;
    for name in overview.dirty.keys() {
        let Some(connection) = session.find(ws, Kind::Connection, name)? else {
            continue;
        };
        let first: Option<i64> = oldest.query_row(params![ws, connection], |row| row.get(0))?;
        if let Some(first) = first {
            overview.oldest.insert(name.clone(), time(first)?);
        }
    }
    let mut reviews = session.sql(
        "SELECT sync, kind, count(*) FROM review INDEXED BY review_state
         WHERE ws = ?1 AND state = 0 GROUP BY sync, kind",
    )?;
    let mut rows = reviews.query([ws])?;
    while let Some(row) = rows.next()? {
        let kinds = overview
            .reviews
            .entry(session.name(row.get(0)?)?.to_string())
            .or_default();
        let kind = review_kind_name(ReviewKind::of_code(row.get(1)?)?);
        kinds.insert(kind.to_owned(), row.get::<_, i64>(2)?.cast_unsigned());
    }
    overview.intents = by_sync(
        session,
        ws,
        "SELECT sync, count(*) FROM intent WHERE ws = ?1 AND state <> 2 GROUP BY sync",
    )?;
    overview.meters = session
        .sql("SELECT name, n FROM meter WHERE ws = ?1")?
        .query_map([ws], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Outcome<_>>()?;
    Ok(overview)
}

fn by_sync(session: &Session, ws: i64, sql: &str) -> Outcome<BTreeMap<String, u64>> {
    let mut statement = session.sql(sql)?;
    let mut rows = statement.query([ws])?;
    let mut counts = BTreeMap::new();
    while let Some(row) = rows.next()? {
        counts.insert(
            session.name(row.get(0)?)?.to_string(),
            row.get::<_, i64>(1)?.cast_unsigned(),
        );
    }
    Ok(counts)
}

fn lane_name(lane: Lane) -> &'static str {
    const NAMES: [&str; LANES.len()] = ["live", "reconcile", "backfill"];
    NAMES[lane as usize]
}

fn review_kind_name(kind: ReviewKind) -> &'static str {
    match kind {
        ReviewKind::Conflict => "conflict",
        ReviewKind::Ambiguous => "ambiguous",
        ReviewKind::Rebind => "rebind",
        ReviewKind::Deleted => "deleted",
        ReviewKind::UnprovenCreate => "unproven_create",
        ReviewKind::MassChange => "mass_change",
        ReviewKind::Refused => "refused",
        ReviewKind::Circle => "circle",
        ReviewKind::Lossy => "lossy",
    }
}
