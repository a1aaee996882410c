//! Runs that wait for an event.

use rusqlite::params;

use super::{
    database::{OptionalExtension, Row},
    fault::Outcome,
    payload,
    session::{Session, micros, uuid},
};
use crate::{NewWorkflowWait, WorkflowCame, WorkflowRunId, WorkflowWait, Workspace};

/// What a run waits for from now on; what it waited for before is over.
pub(super) fn replace(
    session: &Session,
    ws: i64,
    run: i64,
    wait: Option<&NewWorkflowWait>,
) -> Outcome<()> {
    session
        .sql("DELETE FROM workflow_wait WHERE ws = ?1 AND run = ?2")?
        .execute(params![ws, run])?;
    if let Some(wait) = wait {
        session
            .sql("INSERT INTO workflow_wait (ws, run, source, body) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![
                ws,
                run,
                wait.source,
                payload::WORKFLOW_RUN.encode(&wait.body)?
            ])?;
    }
    Ok(())
}

/// Hands an event to the run that waits for it, which goes on at once.
pub(super) fn came(session: &Session, ws: i64, came: &WorkflowCame) -> Outcome<()> {
    let waiting: Option<i64> = session
        .sql(
            "SELECT wait.run FROM workflow_wait AS wait JOIN workflow_run AS run ON run.seq = wait.run
             WHERE wait.ws = ?1 AND run.ws = ?1 AND run.id = ?2 AND run.ended IS NULL AND wait.event IS NULL",
        )?
        .query_row(params![ws, came.run.0.as_bytes()], |row| row.get(0))
        .optional()?;
    let Some(run) = waiting else {
        return Ok(());
    };
    let at = micros(came.at);
    if let Some(event) = &came.event {
        let name = format!("wait {} {event}", came.run);
        let new = session
            .sql(
                "INSERT INTO workflow_event (ws, workflow, event, at) VALUES (?1, '', ?2, ?3)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![ws, name, at])?;
        if new == 0 {
            return Ok(());
        }
    }
    session
        .sql("UPDATE workflow_wait SET event = ?3 WHERE ws = ?1 AND run = ?2")?
        .execute(params![ws, run, payload::WORKFLOW_RUN.encode(&came.body)?])?;
    session
        .sql("UPDATE workflow_run SET due = ?2 WHERE seq = ?1 AND state = 1 AND due > ?2")?
        .execute(params![run, at])?;
    Ok(())
}

const SELECT: &str = "SELECT run.id, wait.body, wait.event FROM workflow_wait AS wait \
                      JOIN workflow_run AS run ON run.seq = wait.run";

fn wait_of(row: Row<'_>) -> Outcome<WorkflowWait> {
    let event: Option<String> = row.get(2)?;
    Ok(WorkflowWait {
        run: WorkflowRunId(uuid(&row.get::<_, Vec<u8>>(0)?)?),
        body: payload::WORKFLOW_RUN.decode(&row.get::<_, String>(1)?)?,
        event: event
            .map(|event| payload::WORKFLOW_RUN.decode(&event))
            .transpose()?,
    })
}

/// The runs that wait for an event of this source, the oldest first.
pub(super) fn of_source(
    session: &Session,
    workspace: &Workspace,
    source: &str,
) -> Outcome<Vec<WorkflowWait>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    let mut statement = session.sql(&format!(
        "{SELECT} WHERE wait.ws = ?1 AND wait.source = ?2 AND wait.event IS NULL ORDER BY wait.run"
    ))?;
    let mut found = statement.query(params![ws, source])?;
    let mut waits = Vec::new();
    while let Some(row) = found.next()? {
        waits.push(wait_of(row)?);
    }
    Ok(waits)
}

/// What one run waits for.
pub(super) fn of_run(
    session: &Session,
    workspace: &Workspace,
    run: WorkflowRunId,
) -> Outcome<Option<WorkflowWait>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(None);
    };
    let mut statement = session.sql(&format!("{SELECT} WHERE wait.ws = ?1 AND run.id = ?2"))?;
    let mut found = statement.query(params![ws, run.0.as_bytes()])?;
    found.next()?.map(wait_of).transpose()
}

/// The sources that any run waits for.
pub(super) fn sources(session: &Session, workspace: &Workspace) -> Outcome<Vec<String>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    session
        .sql("SELECT DISTINCT source FROM workflow_wait WHERE ws = ?1 AND event IS NULL")?
        .query_map([ws], |row| row.get(0))?
        .collect()
}
