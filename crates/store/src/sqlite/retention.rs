//! Dropping what is kept no longer, a bounded slice at a time, the oldest first.

use jiff::Timestamp;
use rusqlite::params;
use serde_json::Value as Json;

use super::{
    database::{Database, OptionalExtension},
    fault::Outcome,
    journal,
    session::{Session, limit, maybe_time, micros, time},
    settings,
    tally::{self, Count},
    workflow_runs,
};
use crate::{Keep, Kept, KeptNow, KeptRows, Workspace};

/// Under which name it is remembered up to which entry the journal has no values any more.
const VALUES_GONE: &str = "journal_values_gone";

/// Drops at most so many rows of what is not to be kept. Says how many went.
pub(super) fn drop_old(
    session: &Session,
    workspace: &Workspace,
    keep: &Keep,
    at_most: usize,
) -> Outcome<u64> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(0);
    };
    let at_most = at_most.max(1);
    match keep.what {
        Kept::Calls => {
            let newest = "SELECT at FROM call INDEXED BY call_at WHERE ws = ?1 ORDER BY at DESC LIMIT 1 OFFSET ?2";
            let drop = "DELETE FROM call WHERE seq IN
                (SELECT seq FROM call INDEXED BY call_at WHERE ws = ?1 AND at < ?2 ORDER BY at LIMIT ?3)";
            let dropped = drop_before(session, ws, keep, newest, drop, at_most)?;
            fewer(session, ws, Count::Calls, dropped)
        }
        Kept::Reviews => {
            let newest = "SELECT decided FROM review INDEXED BY review_decided
                WHERE ws = ?1 AND state >= 2 AND decided IS NOT NULL ORDER BY decided DESC LIMIT 1 OFFSET ?2";
            let drop = "DELETE FROM review WHERE seq IN
                (SELECT seq FROM review INDEXED BY review_decided
                 WHERE ws = ?1 AND state >= 2 AND decided < ?2 ORDER BY decided LIMIT ?3)";
            drop_before(session, ws, keep, newest, drop, at_most)
        }
        Kept::SyncRuns => {
            let newest = "SELECT ended FROM run
                WHERE ws = ?1 AND ended IS NOT NULL ORDER BY ended DESC LIMIT 1 OFFSET ?2";
            let before = before(session, ws, keep, newest)?;
            let mut counts = session.sql("DELETE FROM run_count WHERE ws = ?1 AND run = ?2")?;
            let mut runs = session.sql("DELETE FROM run WHERE ws = ?1 AND id = ?2")?;
            let old: Vec<Vec<u8>> = session
                .sql("SELECT id FROM run WHERE ws = ?1 AND ended < ?2 ORDER BY ended LIMIT ?3")?
                .query_map(params![ws, before, limit(at_most)], |row| row.get(0))?
                .collect::<Outcome<_>>()?;
            for run in &old {
                counts.execute(params![ws, run])?;
                runs.execute(params![ws, run])?;
            }
            Ok(old.len() as u64)
        }
        Kept::WorkflowRuns => {
            let newest = "SELECT ended FROM workflow_run INDEXED BY workflow_run_ended
                WHERE ws = ?1 AND ended IS NOT NULL ORDER BY ended DESC LIMIT 1 OFFSET ?2";
            let before = time(before(session, ws, keep, newest)?)?;
            workflow_runs::drop_ended(session, ws, before, at_most)
        }
        Kept::Acts => {
            let newest = "SELECT at FROM act INDEXED BY act_at WHERE ws = ?1 ORDER BY at DESC LIMIT 1 OFFSET ?2";
            let drop = "DELETE FROM act WHERE seq IN
                (SELECT seq FROM act INDEXED BY act_at WHERE ws = ?1 AND at < ?2 ORDER BY at LIMIT ?3)";
            let dropped = drop_before(session, ws, keep, newest, drop, at_most)?;
            fewer(session, ws, Count::Acts, dropped)
        }
        Kept::Journal => drop_entries(session, ws, keep, at_most),
        Kept::JournalValues => drop_values(session, ws, workspace, keep.since, at_most),
    }
}

/// What is older than this goes: for its age, or because so many are newer.
fn before(session: &Session, ws: i64, keep: &Keep, newest: &str) -> Outcome<i64> {
    let by_age = micros(keep.since);
    let Some(most) = keep.most else {
        return Ok(by_age);
    };
    let too_many: Option<i64> = session
        .sql(newest)?
        .query_row(
            params![ws, i64::try_from(most).unwrap_or(i64::MAX)],
            |row| row.get(0),
        )
        .optional()?;
    Ok(too_many.map_or(by_age, |at| by_age.max(at + 1)))
}

fn drop_before(
    session: &Session,
    ws: i64,
    keep: &Keep,
    newest: &str,
    drop: &str,
    at_most: usize,
) -> Outcome<u64> {
    let before = before(session, ws, keep, newest)?;
    let dropped = session
        .sql(drop)?
        .execute(params![ws, before, limit(at_most)])?;
    Ok(dropped as u64)
}

/// Takes what was dropped from its count.
fn fewer(session: &Session, ws: i64, count: Count, dropped: u64) -> Outcome<u64> {
    tally::move_by(session, ws, count, -dropped.cast_signed())?;
    Ok(dropped)
}

/// Rows of the journal from its beginning, and the causes that no later row has.
fn drop_entries(session: &Session, ws: i64, keep: &Keep, at_most: usize) -> Outcome<u64> {
    let end: i64 = session
        .sql("SELECT seq FROM journal_end")?
        .query_row(params![], |row| row.get(0))?;
    let too_many = keep.most.map_or(0, |most| {
        end.saturating_sub(i64::try_from(most).unwrap_or(i64::MAX))
    });
    let mut statement = session.sql(
        "SELECT seq, entries, at, cause FROM journal NOT INDEXED WHERE ws = ?1 ORDER BY seq LIMIT ?2",
    )?;
    let mut rows = statement.query(params![ws, limit(at_most)])?;
    let (mut dropped, mut last) = (0, None);
    while let Some(row) = rows.next()? {
        let (seq, entries): (i64, i64) = (row.get(0)?, row.get(1)?);
        let at: i64 = row.get(2)?;
        if at >= micros(keep.since) && seq + entries - 1 > too_many {
            break;
        }
        last = Some((seq, row.get::<_, i64>(3)?));
        dropped += 1;
    }
    drop(rows);
    let Some((seq, cause)) = last else {
        return Ok(0);
    };
    session
        .sql("DELETE FROM journal NOT INDEXED WHERE ws = ?1 AND seq <= ?2")?
        .execute(params![ws, seq])?;
    // Causes grow as rows do: a later row may share the last one, and no earlier one.
    let next: Option<i64> = session
        .sql("SELECT cause FROM journal NOT INDEXED WHERE ws = ?1 ORDER BY seq LIMIT 1")?
        .query_row([ws], |row| row.get(0))
        .optional()?;
    let end = next.map_or(cause, |next| cause.min(next - 1));
    session
        .sql("DELETE FROM cause WHERE ws = ?1 AND id <= ?2")?
        .execute(params![ws, end])?;
    Ok(dropped)
}

/// Takes the values out of rows of the journal, from where that ended last.
fn drop_values(
    session: &Session,
    ws: i64,
    workspace: &Workspace,
    since: Timestamp,
    at_most: usize,
) -> Outcome<u64> {
    let gone = values_gone(session, workspace)?;
    let mut statement = session.sql(
        "SELECT seq, entries, at, body FROM journal NOT INDEXED
         WHERE ws = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
    )?;
    let mut rows = statement.query(params![ws, gone, limit(at_most)])?;
    let mut bare: Vec<(i64, Option<String>)> = Vec::new();
    let mut end = gone;
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(2)? >= micros(since) {
            break;
        }
        let seq: i64 = row.get(0)?;
        end = seq + row.get::<_, i64>(1)? - 1;
        bare.push((seq, journal::without_values(&row.get::<_, String>(3)?)?));
    }
    drop(rows);
    if bare.is_empty() {
        return Ok(0);
    }
    let mut update = session.sql("UPDATE journal SET body = ?2 WHERE seq = ?1")?;
    for (seq, body) in bare
        .iter()
        .filter_map(|(seq, body)| Some((seq, body.as_ref()?)))
    {
        update.execute(params![seq, body])?;
    }
    settings::save(session, workspace, VALUES_GONE, &Json::from(end))?;
    Ok(bare.len() as u64)
}

/// Up to which entry the journal has no values any more.
fn values_gone(session: &Session, workspace: &Workspace) -> Outcome<i64> {
    let gone = settings::of(session, workspace, VALUES_GONE)?;
    Ok(gone.and_then(|gone| gone.as_i64()).unwrap_or(0))
}

/// How much is kept. Reads the index of closed reviews, and all runs of syncs: not for every second.
pub(super) fn now(session: &Session, workspace: &Workspace) -> Outcome<KeptNow> {
    let bytes = match &session.database {
        Database::Sqlite(_) => {
            "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        }
        Database::Postgres(_) => "SELECT pg_database_size(current_database())",
    };
    let bytes: i64 = session.sql(bytes)?.query_row(params![], |row| row.get(0))?;
    let mut rows = Vec::new();
    for what in Kept::ALL {
        rows.push(rows_of(session, workspace, what)?);
    }
    Ok(KeptNow {
        bytes: bytes.cast_unsigned(),
        rows,
    })
}

fn rows_of(session: &Session, workspace: &Workspace, what: Kept) -> Outcome<KeptRows> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(KeptRows {
            what,
            rows: 0,
            oldest: None,
        });
    };
    let count = |sql: &str| {
        session.sql(sql)?.query_row([ws], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?))
        })
    };
    let entries = |after: i64| -> Outcome<(i64, Option<i64>)> {
        let end: i64 = session
            .sql("SELECT seq FROM journal_end")?
            .query_row(params![], |row| row.get(0))?;
        let first: Option<(i64, i64)> = session
            .sql("SELECT seq, at FROM journal NOT INDEXED WHERE ws = ?1 AND seq > ?2 ORDER BY seq LIMIT 1")?
            .query_row(params![ws, after], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(first.map_or((0, None), |(seq, at)| (end - seq + 1, Some(at))))
    };
    let kept = |of: Count, oldest: &str| -> Outcome<(i64, Option<i64>)> {
        let oldest = session.sql(oldest)?.query_row([ws], |row| row.get(0))?;
        Ok((tally::counted(session, ws, of)?, oldest))
    };
    let (rows, oldest) = match what {
        Kept::Calls => kept(
            Count::Calls,
            "SELECT min(at) FROM call INDEXED BY call_at WHERE ws = ?1",
        )?,
        Kept::Acts => kept(
            Count::Acts,
            "SELECT min(at) FROM act INDEXED BY act_at WHERE ws = ?1",
        )?,
        Kept::JournalValues => entries(values_gone(session, workspace)?)?,
        Kept::Journal => entries(0)?,
        Kept::Reviews => count(
            "SELECT count(*), min(decided) FROM review INDEXED BY review_decided
             WHERE ws = ?1 AND state >= 2",
        )?,
        Kept::SyncRuns => {
            count("SELECT count(*), min(ended) FROM run WHERE ws = ?1 AND ended IS NOT NULL")?
        }
        Kept::WorkflowRuns => kept(
            Count::EndedRuns,
            "SELECT min(ended) FROM workflow_run INDEXED BY workflow_run_ended
             WHERE ws = ?1 AND ended IS NOT NULL",
        )?,
    };
    Ok(KeptRows {
        what,
        rows: rows.cast_unsigned(),
        oldest: maybe_time(oldest)?,
    })
}
