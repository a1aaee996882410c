//! Runs of workflows: taking events in, leases, what a worker leaves, and whose turn it is.

use jiff::Timestamp;
use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{
    codes::Code,
    database::{OptionalExtension, Row},
    fault::Outcome,
    payload,
    session::{Session, limit, maybe_time, micros, time, uuid},
    tally::{self, Count},
    workflow_waits as waits,
};
use crate::{
    NewWorkflowRun, ParentStep, WorkflowChildren, WorkflowCommit, WorkflowRun, WorkflowRunFilter,
    WorkflowRunId, WorkflowRunState as State, WorkflowStep, Workspace,
};

/// What is stored of a step beside its columns.
#[derive(Serialize, Deserialize)]
struct StepBody {
    input: Json,
    output: Json,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Json>,
}

/// Takes one event in. Says whether it is new.
pub(super) fn accept(session: &Session, ws: i64, run: &NewWorkflowRun) -> Outcome<bool> {
    if let Some(event) = &run.event {
        let new = session
            .sql(
                "INSERT INTO workflow_event (ws, workflow, event, at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![ws, run.workflow, event, micros(run.accepted)])?;
        if new == 0 {
            return Ok(false);
        }
    }
    let state = if must_queue(session, ws, run)? {
        State::Queued
    } else {
        State::Ready
    };
    session
        .sql(
            "INSERT INTO workflow_run (ws, id, workflow, version, state, due, key, parent, parent_step, item,
                 accepted, body, position)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?6, ?11, ?12)",
        )?
        .execute(params![
            ws,
            run.id.0.as_bytes(),
            run.workflow,
            run.version.cast_signed(),
            state.code(),
            micros(run.accepted),
            run.key,
            run.parent.map(|parent| *parent.run.0.as_bytes()),
            run.parent.map(|parent| parent.number),
            run.parent.map(|parent| parent.item),
            payload::WORKFLOW_RUN.encode(&run.body)?,
            payload::WORKFLOW_RUN.encode(&run.position)?
        ])?;
    Ok(true)
}

/// Whether others go before it. A run that works for another one never queues: the other one has its turn.
fn must_queue(session: &Session, ws: i64, run: &NewWorkflowRun) -> Outcome<bool> {
    if run.parent.is_some() {
        return Ok(false);
    }
    if let Some(key) = &run.key {
        let before: bool = session
            .sql(
                "SELECT EXISTS (SELECT 1 FROM workflow_run
                 WHERE ws = ?1 AND workflow = ?2 AND key = ?3 AND ended IS NULL)",
            )?
            .query_row(params![ws, run.workflow, key], |row| row.get(0))?;
        if before {
            return Ok(true);
        }
    }
    Ok(room(session, ws, &run.workflow)? == 0)
}

/// How many more runs of a workflow may be under way.
fn room(session: &Session, ws: i64, workflow: &str) -> Outcome<i64> {
    let at_once: Option<Option<i64>> = session
        .sql("SELECT at_once FROM workflow WHERE ws = ?1 AND name = ?2")?
        .query_row(params![ws, workflow], |row| row.get(0))
        .optional()?;
    let Some(at_once) = at_once.flatten() else {
        return Ok(i64::MAX);
    };
    let under_way: i64 = session
        .sql(
            "SELECT count(*) FROM workflow_run WHERE ws = ?1 AND workflow = ?2 AND state IN (?3, ?4, ?5)
             AND ended IS NULL AND parent IS NULL",
        )?
        .query_row(
            params![
                ws,
                workflow,
                State::Ready.code(),
                State::Waiting.code(),
                State::Asking.code()
            ],
            |row| row.get(0),
        )?;
    Ok((at_once - under_way).max(0))
}

/// Lets those whose turn it is now go on, after a run of the workflow ended.
fn release(session: &Session, ws: i64, workflow: &str, now: i64) -> Outcome<()> {
    loop {
        if room(session, ws, workflow)? == 0 {
            return Ok(());
        }
        let next: Option<i64> = session
            .sql(
                "SELECT seq FROM workflow_run AS one
                 WHERE ws = ?1 AND workflow = ?2 AND state = ?3 AND ended IS NULL AND (key IS NULL OR NOT EXISTS (
                     SELECT 1 FROM workflow_run AS other
                     WHERE other.ws = ?1 AND other.workflow = ?2 AND other.key = one.key AND other.ended IS NULL
                         AND other.key IS NOT NULL AND other.seq < one.seq))
                 ORDER BY seq LIMIT 1",
            )?
            .query_row(params![ws, workflow, State::Queued.code()], |row| {
                row.get(0)
            })
            .optional()?;
        let Some(next) = next else {
            return Ok(());
        };
        session
            .sql("UPDATE workflow_run SET state = ?3, due = ?2 WHERE seq = ?1")?
            .execute(params![next, now, State::Ready.code()])?;
    }
}

const COLUMNS: &str = "id, workflow, version, state, due, key, parent, parent_step, item, accepted, started, \
                       ended, body, position, result, note, lease";

fn run_of(row: Row<'_>) -> Outcome<WorkflowRun> {
    let parent: Option<Vec<u8>> = row.get(6)?;
    let parent = match parent {
        Some(run) => Some(ParentStep {
            run: WorkflowRunId(uuid(&run)?),
            number: row.get(7)?,
            item: row.get(8)?,
        }),
        None => None,
    };
    let result: Option<String> = row.get(14)?;
    Ok(WorkflowRun {
        id: WorkflowRunId(uuid(&row.get::<_, Vec<u8>>(0)?)?),
        workflow: row.get(1)?,
        version: row.get::<_, i64>(2)?.cast_unsigned(),
        state: Code::of_code(row.get(3)?)?,
        due: time(row.get(4)?)?,
        key: row.get(5)?,
        parent,
        accepted: time(row.get(9)?)?,
        started: maybe_time(row.get(10)?)?,
        ended: maybe_time(row.get(11)?)?,
        body: payload::WORKFLOW_RUN.decode(&row.get::<_, String>(12)?)?,
        position: payload::WORKFLOW_RUN.decode(&row.get::<_, String>(13)?)?,
        result: result
            .map(|result| payload::WORKFLOW_RUN.decode(&result))
            .transpose()?,
        note: row.get(15)?,
        lease: row.get(16)?,
    })
}

/// Leases runs that are due. The lease is told apart from an earlier one by its end, which only grows.
pub(super) fn claim(
    session: &Session,
    ws: i64,
    now: Timestamp,
    lease_until: Timestamp,
    at_most: usize,
) -> Outcome<Vec<WorkflowRun>> {
    let due: Vec<i64> = session
        .sql(
            "SELECT seq FROM workflow_run
             WHERE ws = ?1 AND state = ?4 AND due <= ?2 AND ended IS NULL AND lease <= ?2
             ORDER BY due, seq LIMIT ?3",
        )?
        .query_map(
            params![ws, micros(now), limit(at_most), State::Ready.code()],
            |row| row.get(0),
        )?
        .collect::<Outcome<_>>()?;
    let mut runs = Vec::with_capacity(due.len());
    let sql = format!(
        "UPDATE workflow_run SET lease = CASE WHEN lease < ?2 THEN ?2 ELSE lease + 1 END, started = coalesce(started, ?3) WHERE seq = ?1
         RETURNING {COLUMNS}"
    );
    for seq in due {
        let mut statement = session.sql(&sql)?;
        let mut found = statement.query(params![seq, micros(lease_until), micros(now)])?;
        while let Some(row) = found.next()? {
            runs.push(run_of(row)?);
        }
    }
    Ok(runs)
}

/// When the next run is due.
pub(super) fn next_due(session: &Session, workspace: &Workspace) -> Outcome<Option<Timestamp>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(None);
    };
    let due: Option<i64> = session
        .sql(
            "SELECT min(CASE WHEN due > lease THEN due ELSE lease END) FROM (
                 SELECT due, lease FROM workflow_run
                 WHERE ws = ?1 AND state = ?2 AND ended IS NULL ORDER BY due LIMIT 256) AS waiting",
        )?
        .query_row(params![ws, State::Ready.code()], |row| row.get(0))?;
    maybe_time(due)
}

/// Ends all leases.
pub(super) fn end_leases(session: &Session, ws: i64) -> Outcome<u64> {
    let ended = session
        .sql("UPDATE workflow_run SET lease = 0 WHERE ws = ?1 AND ended IS NULL AND lease > 0")?
        .execute([ws])?;
    Ok(ended as u64)
}

/// Stores what a worker leaves.
pub(super) fn commit(session: &Session, ws: i64, commit: &WorkflowCommit) -> Outcome<bool> {
    let held: Option<(i64, String)> = session
        .sql(
            "SELECT seq, workflow FROM workflow_run
             WHERE ws = ?1 AND id = ?2 AND lease = ?3 AND ended IS NULL",
        )?
        .query_row(params![ws, commit.run.0.as_bytes(), commit.lease], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((seq, workflow)) = held else {
        return Ok(false);
    };
    let now = micros(commit.at);
    for step in &commit.steps {
        save_step(session, ws, seq, step)?;
    }
    let result = match &commit.result {
        Some(result) => Some(payload::WORKFLOW_RUN.encode(result)?),
        None => None,
    };
    let has_ended = commit.state.has_ended();
    session
        .sql(
            "UPDATE workflow_run SET state = ?2, due = ?3, position = ?4, result = ?5, note = ?6, ended = ?7,
                 lease = ?8 WHERE seq = ?1",
        )?
        .execute(params![
            seq,
            commit.state.code(),
            micros(commit.due),
            payload::WORKFLOW_RUN.encode(&commit.position)?,
            result,
            commit.note,
            has_ended.then_some(now),
            if commit.keep { commit.lease } else { 0 }
        ])?;
    waits::replace(session, ws, seq, commit.wait.as_ref())?;
    for child in &commit.children {
        accept(session, ws, child)?;
    }
    if commit.state == State::Waiting {
        session
            .sql(
                "UPDATE workflow_run SET state = ?6, due = ?3 WHERE seq = ?1 AND ?4 > (
                     SELECT count(*) FROM workflow_run AS child
                     WHERE child.ws = ?2 AND child.parent = ?5 AND child.ended IS NULL)",
            )?
            .execute(params![
                seq,
                ws,
                now,
                commit.open_children,
                commit.run.0.as_bytes(),
                State::Ready.code()
            ])?;
    }
    if has_ended {
        tally::move_by(session, ws, Count::EndedRuns, 1)?;
        ended(session, ws, seq, &workflow, now)?;
    }
    Ok(true)
}

/// What follows from the end of a run: the one it worked for looks again, and those behind it go on.
fn ended(session: &Session, ws: i64, seq: i64, workflow: &str, now: i64) -> Outcome<()> {
    session
        .sql(
            "UPDATE workflow_run SET state = ?4, due = ?3 WHERE ws = ?1 AND state = ?5 AND ended IS NULL
             AND id = (SELECT parent FROM workflow_run WHERE seq = ?2)",
        )?
        .execute(params![
            ws,
            seq,
            now,
            State::Ready.code(),
            State::Waiting.code()
        ])?;
    release(session, ws, workflow, now)
}

fn save_step(session: &Session, ws: i64, run: i64, step: &WorkflowStep) -> Outcome<()> {
    let body = StepBody {
        input: step.input.clone(),
        output: step.output.clone(),
        error: step.error.clone(),
    };
    session
        .sql(
            "INSERT INTO workflow_step (ws, run, number, step, attempt, state, started, ended, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (ws, run, number) DO UPDATE SET step = excluded.step, attempt = excluded.attempt,
                 state = excluded.state, started = excluded.started, ended = excluded.ended,
                 body = excluded.body",
        )?
        .execute(params![
            ws,
            run,
            step.number,
            step.step,
            step.attempt,
            step.state.code(),
            micros(step.started),
            step.ended.map(micros),
            payload::WORKFLOW_STEP.encode(&body)?
        ])?;
    Ok(())
}

/// Lets a run that waits for a person go on.
pub(super) fn answer(
    session: &Session,
    ws: i64,
    run: WorkflowRunId,
    position: &Json,
    now: Timestamp,
) -> Outcome<bool> {
    let answered = session
        .sql(
            "UPDATE workflow_run SET state = ?5, due = ?4, position = ?3, note = NULL
             WHERE ws = ?1 AND id = ?2 AND state = ?6 AND ended IS NULL",
        )?
        .execute(params![
            ws,
            run.0.as_bytes(),
            payload::WORKFLOW_RUN.encode(position)?,
            micros(now),
            State::Ready.code(),
            State::Asking.code()
        ])?;
    Ok(answered == 1)
}

/// Ends a run and all that it began. What a worker does with one of them right now is not stored any more.
pub(super) fn cancel(
    session: &Session,
    ws: i64,
    run: WorkflowRunId,
    note: &str,
    now: Timestamp,
) -> Outcome<bool> {
    let now = micros(now);
    let open: Vec<(i64, String)> = session
        .sql(
            "WITH RECURSIVE below (id) AS (
                 SELECT id FROM workflow_run WHERE ws = ?1 AND id = ?2
                 UNION SELECT child.id FROM workflow_run AS child JOIN below ON child.parent = below.id
                     AND child.ws = ?1)
             SELECT seq, workflow FROM workflow_run
             WHERE ws = ?1 AND ended IS NULL AND id IN (SELECT id FROM below) ORDER BY seq",
        )?
        .query_map(params![ws, run.0.as_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<Outcome<_>>()?;
    let mut first = true;
    for (seq, workflow) in &open {
        session
            .sql(
                "UPDATE workflow_run SET state = ?4, ended = ?2, lease = 0, note = ?3 WHERE seq = ?1",
            )?
            .execute(params![seq, now, note, State::Cancelled.code()])?;
        waits::replace(session, ws, *seq, None)?;
        if first {
            ended(session, ws, *seq, workflow, now)?;
        }
        first = false;
    }
    let cancelled = i64::try_from(open.len()).unwrap_or(i64::MAX);
    tally::move_by(session, ws, Count::EndedRuns, cancelled)?;
    Ok(!open.is_empty())
}

/// One run.
pub(super) fn one(
    session: &Session,
    workspace: &Workspace,
    run: WorkflowRunId,
) -> Outcome<Option<WorkflowRun>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(None);
    };
    let mut statement = session.sql(&format!(
        "SELECT {COLUMNS} FROM workflow_run WHERE ws = ?1 AND id = ?2"
    ))?;
    let mut found = statement.query(params![ws, run.0.as_bytes()])?;
    found.next()?.map(run_of).transpose()
}

/// Runs, newest first.
pub(super) fn list(
    session: &Session,
    workspace: &Workspace,
    filter: &WorkflowRunFilter,
) -> Outcome<Vec<WorkflowRun>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    let mut statement = session.sql(&format!(
        "SELECT {COLUMNS} FROM workflow_run WHERE ws = ?1 AND (CAST(?2 AS TEXT) IS NULL OR workflow = ?2)
         AND (CAST(?3 AS BIGINT) IS NULL OR state = ?3) AND (?4 OR parent IS NULL) ORDER BY seq DESC LIMIT ?5"
    ))?;
    let mut found = statement.query(params![
        ws,
        filter.workflow,
        filter.state.map(Code::code),
        filter.children,
        limit(filter.limit)
    ])?;
    let mut runs = Vec::new();
    while let Some(row) = found.next()? {
        runs.push(run_of(row)?);
    }
    Ok(runs)
}

/// The steps of a run.
pub(super) fn steps(
    session: &Session,
    workspace: &Workspace,
    run: WorkflowRunId,
) -> Outcome<Vec<WorkflowStep>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    let mut statement = session.sql(
        "SELECT number, step, attempt, state, started, ended, body FROM workflow_step
         WHERE ws = ?1 AND run = (SELECT seq FROM workflow_run WHERE ws = ?1 AND id = ?2) ORDER BY number",
    )?;
    let mut found = statement.query(params![ws, run.0.as_bytes()])?;
    let mut steps = Vec::new();
    while let Some(row) = found.next()? {
        let body: StepBody = payload::WORKFLOW_STEP.decode(&row.get::<_, String>(6)?)?;
        steps.push(WorkflowStep {
            number: row.get(0)?,
            step: row.get(1)?,
            attempt: row.get(2)?,
            state: Code::of_code(row.get(3)?)?,
            started: time(row.get(4)?)?,
            ended: maybe_time(row.get(5)?)?,
            input: body.input,
            output: body.output,
            error: body.error,
        });
    }
    Ok(steps)
}

/// The runs that work for one step.
pub(super) fn children(
    session: &Session,
    workspace: &Workspace,
    run: WorkflowRunId,
    number: u32,
    results: bool,
) -> Outcome<WorkflowChildren> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(WorkflowChildren::default());
    };
    let mut children = session
        .sql(
            "SELECT count(*), count(*) FILTER (WHERE ended IS NULL) FROM workflow_run
             WHERE ws = ?1 AND parent = ?2 AND parent_step = ?3",
        )?
        .query_row(params![ws, run.0.as_bytes(), number], |row| {
            Ok(WorkflowChildren {
                all: row.get(0)?,
                open: row.get(1)?,
                ended: Vec::new(),
            })
        })?;
    let mut statement = session.sql(
        "SELECT item, state, result, note FROM workflow_run
         WHERE ws = ?1 AND parent = ?2 AND parent_step = ?3 AND ended IS NOT NULL AND (?4 OR state IN (?5, ?6))
         ORDER BY item",
    )?;
    let mut found = statement.query(params![
        ws,
        run.0.as_bytes(),
        number,
        results,
        State::Failed.code(),
        State::Cancelled.code()
    ])?;
    while let Some(row) = found.next()? {
        let result: Option<String> = row.get(2)?;
        children.ended.push((
            row.get(0)?,
            Code::of_code(row.get(1)?)?,
            result
                .map(|result| payload::WORKFLOW_RUN.decode(&result))
                .transpose()?,
            row.get(3)?,
        ));
    }
    Ok(children)
}

/// Drops what ended before.
pub(super) fn drop_ended(
    session: &Session,
    ws: i64,
    before: Timestamp,
    at_most: usize,
) -> Outcome<u64> {
    let old: Vec<i64> = session
        .sql(
            "SELECT seq FROM workflow_run AS run WHERE ws = ?1 AND ended < ?2 AND NOT EXISTS (
                 SELECT 1 FROM workflow_run AS parent
                 WHERE parent.ws = ?1 AND parent.id = run.parent AND parent.ended IS NULL) LIMIT ?3",
        )?
        .query_map(params![ws, micros(before), limit(at_most.max(1))], |row| {
            row.get(0)
        })?
        .collect::<Outcome<_>>()?;
    for seq in &old {
        session
            .sql("DELETE FROM workflow_step WHERE ws = ?1 AND run = ?2")?
            .execute(params![ws, seq])?;
        session
            .sql("DELETE FROM workflow_run WHERE seq = ?1")?
            .execute([seq])?;
    }
    session
        .sql(
            "DELETE FROM workflow_event WHERE (ws, workflow, event) IN (
                 SELECT ws, workflow, event FROM workflow_event WHERE ws = ?1 AND at < ?2 LIMIT ?3)",
        )?
        .execute(params![ws, micros(before), limit(at_most.max(1))])?;
    let dropped = old.len() as u64;
    tally::move_by(session, ws, Count::EndedRuns, -dropped.cast_signed())?;
    Ok(dropped)
}
