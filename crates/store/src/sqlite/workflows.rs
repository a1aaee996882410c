//! The commands of [`WorkflowStore`], and workflows with their versions. Runs are beside.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::params;
use serde_json::Value as Json;

use super::{
    SqlStore,
    database::{OptionalExtension, Row},
    fault::Outcome,
    journal, payload, reviews,
    session::{Session, micros, time},
    workflow_runs as runs, workflow_waits as waits,
};
use crate::{
    NewWorkflowRun, Result, StoredWorkflow, SyncEvents, SyncEventsCursor, WorkflowCame,
    WorkflowChildren, WorkflowCommit, WorkflowRun, WorkflowRunFilter, WorkflowRunId, WorkflowStep,
    WorkflowStore, WorkflowVersion, WorkflowWait, Workspace,
};

fn save_draft(
    session: &Session,
    ws: i64,
    name: &str,
    draft: Option<&Json>,
    now: Timestamp,
) -> Outcome<()> {
    let draft = match draft {
        Some(draft) => Some(payload::WORKFLOW.encode(draft)?),
        None => None,
    };
    session
        .sql(
            "INSERT INTO workflow (ws, name, draft, published, last, paused, at_once, changed)
             VALUES (?1, ?2, ?3, NULL, 0, 0, NULL, ?4)
             ON CONFLICT (ws, name) DO UPDATE SET draft = excluded.draft, changed = excluded.changed",
        )?
        .execute(params![ws, name, draft, micros(now)])?;
    Ok(())
}

const COLUMNS: &str = "name, draft, published, last, paused, at_once, changed";

fn workflow_of(row: Row<'_>) -> Outcome<StoredWorkflow> {
    let draft: Option<String> = row.get(1)?;
    Ok(StoredWorkflow {
        name: row.get(0)?,
        draft: draft
            .map(|draft| payload::WORKFLOW.decode(&draft))
            .transpose()?,
        published: row.get::<_, Option<i64>>(2)?.map(i64::cast_unsigned),
        last: row.get::<_, i64>(3)?.cast_unsigned(),
        paused: row.get(4)?,
        at_once: row.get(5)?,
        changed: time(row.get(6)?)?,
    })
}

fn list(
    session: &Session,
    workspace: &Workspace,
    name: Option<&str>,
) -> Outcome<Vec<StoredWorkflow>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    let mut statement = session.sql(&format!(
        "SELECT {COLUMNS} FROM workflow WHERE ws = ?1 AND (CAST(?2 AS TEXT) IS NULL OR name = ?2) ORDER BY name"
    ))?;
    let mut found = statement.query(params![ws, name])?;
    let mut workflows = Vec::new();
    while let Some(row) = found.next()? {
        workflows.push(workflow_of(row)?);
    }
    Ok(workflows)
}

fn publish(
    session: &Session,
    ws: i64,
    name: &str,
    body: &Json,
    at_once: Option<u32>,
    now: Timestamp,
) -> Outcome<u64> {
    let version: i64 = session
        .sql(
            "INSERT INTO workflow (ws, name, draft, published, last, paused, at_once, changed)
             VALUES (?1, ?2, NULL, 1, 1, 0, ?3, ?4)
             ON CONFLICT (ws, name) DO UPDATE SET draft = NULL, published = workflow.last + 1,
                 last = workflow.last + 1,
                 at_once = excluded.at_once, changed = excluded.changed
             RETURNING last",
        )?
        .query_row(params![ws, name, at_once, micros(now)], |row| row.get(0))?;
    session
        .sql("INSERT INTO workflow_version (ws, workflow, version, made, body) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![
            ws,
            name,
            version,
            micros(now),
            payload::WORKFLOW.encode(body)?
        ])?;
    Ok(version.cast_unsigned())
}

fn versions(
    session: &Session,
    workspace: &Workspace,
    name: &str,
    version: Option<u64>,
) -> Outcome<Vec<WorkflowVersion>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    let mut statement = session.sql(
        "SELECT version, made, body FROM workflow_version
         WHERE ws = ?1 AND workflow = ?2 AND (CAST(?3 AS BIGINT) IS NULL OR version = ?3) ORDER BY version DESC",
    )?;
    let mut found = statement.query(params![ws, name, version.map(u64::cast_signed)])?;
    let mut versions = Vec::new();
    while let Some(row) = found.next()? {
        versions.push(WorkflowVersion {
            version: row.get::<_, i64>(0)?.cast_unsigned(),
            made: time(row.get(1)?)?,
            body: payload::WORKFLOW.decode(&row.get::<_, String>(2)?)?,
        });
    }
    Ok(versions)
}

fn cursor(session: &Session, workspace: &Workspace, name: &str) -> Outcome<Option<Json>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(None);
    };
    let found: Option<String> = session
        .sql("SELECT value FROM workflow_cursor WHERE ws = ?1 AND name = ?2")?
        .query_row(params![ws, name], |row| row.get(0))
        .optional()?;
    found
        .map(|text| payload::WORKFLOW_CURSOR.decode(&text))
        .transpose()
}

#[async_trait]
impl WorkflowStore for SqlStore {
    async fn save_workflow_draft(
        &self,
        workspace: &Workspace,
        name: &str,
        draft: Option<&Json>,
        now: Timestamp,
    ) -> Result<()> {
        let (workspace, name, draft) = (workspace.clone(), name.to_owned(), draft.cloned());
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            save_draft(session, ws, &name, draft.as_ref(), now)
        })
        .await
    }

    async fn pause_workflow(
        &self,
        workspace: &Workspace,
        name: &str,
        paused: bool,
        now: Timestamp,
    ) -> Result<bool> {
        let (workspace, name) = (workspace.clone(), name.to_owned());
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            let changed = session
                .sql("UPDATE workflow SET paused = ?3, changed = ?4 WHERE ws = ?1 AND name = ?2")?
                .execute(params![ws, name, paused, micros(now)])?;
            Ok(changed == 1)
        })
        .await
    }

    async fn return_to_workflow_version(
        &self,
        workspace: &Workspace,
        name: &str,
        version: u64,
        at_once: Option<u32>,
        now: Timestamp,
    ) -> Result<bool> {
        let (workspace, name) = (workspace.clone(), name.to_owned());
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            let changed = session
                .sql(
                    "UPDATE workflow SET published = ?3, at_once = ?4, changed = ?5
                     WHERE ws = ?1 AND name = ?2 AND EXISTS (SELECT 1 FROM workflow_version
                         WHERE ws = ?1 AND workflow = ?2 AND version = ?3)",
                )?
                .execute(params![
                    ws,
                    name,
                    version.cast_signed(),
                    at_once,
                    micros(now)
                ])?;
            Ok(changed == 1)
        })
        .await
    }

    async fn workflow(&self, workspace: &Workspace, name: &str) -> Result<Option<StoredWorkflow>> {
        let (workspace, name) = (workspace.clone(), name.to_owned());
        self.read(move |session| Ok(list(session, &workspace, Some(&name))?.pop()))
            .await
    }

    async fn workflows(&self, workspace: &Workspace) -> Result<Vec<StoredWorkflow>> {
        let workspace = workspace.clone();
        self.read(move |session| list(session, &workspace, None))
            .await
    }

    async fn publish_workflow(
        &self,
        workspace: &Workspace,
        name: &str,
        body: &Json,
        at_once: Option<u32>,
        now: Timestamp,
    ) -> Result<u64> {
        let (workspace, name, body) = (workspace.clone(), name.to_owned(), body.clone());
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            publish(session, ws, &name, &body, at_once, now)
        })
        .await
    }

    async fn workflow_versions(
        &self,
        workspace: &Workspace,
        name: &str,
    ) -> Result<Vec<WorkflowVersion>> {
        let (workspace, name) = (workspace.clone(), name.to_owned());
        self.read(move |session| versions(session, &workspace, &name, None))
            .await
    }

    async fn workflow_version(
        &self,
        workspace: &Workspace,
        name: &str,
        version: u64,
    ) -> Result<Option<WorkflowVersion>> {
        let (workspace, name) = (workspace.clone(), name.to_owned());
        self.read(move |session| Ok(versions(session, &workspace, &name, Some(version))?.pop()))
            .await
    }

    async fn accept_runs(
        &self,
        workspace: &Workspace,
        cursor: Option<(&str, &Json)>,
        runs: &[NewWorkflowRun],
        came: &[WorkflowCame],
    ) -> Result<Vec<bool>> {
        let (workspace, runs, came) = (workspace.clone(), runs.to_vec(), came.to_vec());
        let cursor = cursor.map(|(name, value)| (name.to_owned(), value.clone()));
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            if let Some((name, value)) = &cursor {
                session
                    .sql(
                        "INSERT INTO workflow_cursor (ws, name, value) VALUES (?1, ?2, ?3)
                         ON CONFLICT (ws, name) DO UPDATE SET value = excluded.value",
                    )?
                    .execute(params![ws, name, payload::WORKFLOW_CURSOR.encode(value)?])?;
            }
            for came in &came {
                waits::came(session, ws, came)?;
            }
            runs.iter()
                .map(|run| runs::accept(session, ws, run))
                .collect()
        })
        .await
    }

    async fn workflow_waits(
        &self,
        workspace: &Workspace,
        source: &str,
    ) -> Result<Vec<WorkflowWait>> {
        let (workspace, source) = (workspace.clone(), source.to_owned());
        self.read(move |session| waits::of_source(session, &workspace, &source))
            .await
    }

    async fn workflow_wait(
        &self,
        workspace: &Workspace,
        run: WorkflowRunId,
    ) -> Result<Option<WorkflowWait>> {
        let workspace = workspace.clone();
        self.read(move |session| waits::of_run(session, &workspace, run))
            .await
    }

    async fn workflow_wait_sources(&self, workspace: &Workspace) -> Result<Vec<String>> {
        let workspace = workspace.clone();
        self.read(move |session| waits::sources(session, &workspace))
            .await
    }

    async fn workflow_cursor(&self, workspace: &Workspace, name: &str) -> Result<Option<Json>> {
        let (workspace, name) = (workspace.clone(), name.to_owned());
        self.read(move |session| cursor(session, &workspace, &name))
            .await
    }

    async fn workflow_cursors(&self, workspace: &Workspace) -> Result<Vec<String>> {
        let workspace = workspace.clone();
        self.read(move |session| {
            let Some(ws) = session.find_workspace(&workspace)? else {
                return Ok(Vec::new());
            };
            let mut statement =
                session.sql("SELECT name FROM workflow_cursor WHERE ws = ?1 ORDER BY name")?;
            let mut found = statement.query(params![ws])?;
            let mut names = Vec::new();
            while let Some(row) = found.next()? {
                names.push(row.get(0)?);
            }
            Ok(names)
        })
        .await
    }

    async fn drop_workflow_cursors(&self, workspace: &Workspace, names: &[String]) -> Result<()> {
        let (workspace, names) = (workspace.clone(), names.to_vec());
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            for name in &names {
                session
                    .sql("DELETE FROM workflow_cursor WHERE ws = ?1 AND name = ?2")?
                    .execute(params![ws, name])?;
            }
            Ok(())
        })
        .await
    }

    async fn claim_runs(
        &self,
        workspace: &Workspace,
        now: Timestamp,
        lease_until: Timestamp,
        limit: usize,
    ) -> Result<Vec<WorkflowRun>> {
        let workspace = workspace.clone();
        // a power failure that takes it frees a lease
        self.write_soon(move |session| {
            let ws = session.workspace(&workspace)?;
            runs::claim(session, ws, now, lease_until, limit)
        })
        .await
    }

    async fn next_run_due(&self, workspace: &Workspace) -> Result<Option<Timestamp>> {
        let workspace = workspace.clone();
        self.read(move |session| runs::next_due(session, &workspace))
            .await
    }

    async fn end_run_leases(&self, workspace: &Workspace) -> Result<u64> {
        let workspace = workspace.clone();
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            runs::end_leases(session, ws)
        })
        .await
    }

    async fn commit_run(&self, workspace: &Workspace, commit: WorkflowCommit) -> Result<bool> {
        let workspace = workspace.clone();
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            runs::commit(session, ws, &commit)
        })
        .await
    }

    async fn answer_run(
        &self,
        workspace: &Workspace,
        run: WorkflowRunId,
        position: &Json,
        now: Timestamp,
    ) -> Result<bool> {
        let (workspace, position) = (workspace.clone(), position.clone());
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            runs::answer(session, ws, run, &position, now)
        })
        .await
    }

    async fn cancel_run(
        &self,
        workspace: &Workspace,
        run: WorkflowRunId,
        note: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let (workspace, note) = (workspace.clone(), note.to_owned());
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            runs::cancel(session, ws, run, &note, now)
        })
        .await
    }

    async fn workflow_run(
        &self,
        workspace: &Workspace,
        run: WorkflowRunId,
    ) -> Result<Option<WorkflowRun>> {
        let workspace = workspace.clone();
        self.read(move |session| runs::one(session, &workspace, run))
            .await
    }

    async fn workflow_runs(
        &self,
        workspace: &Workspace,
        filter: &WorkflowRunFilter,
    ) -> Result<Vec<WorkflowRun>> {
        let (workspace, filter) = (workspace.clone(), filter.clone());
        self.read(move |session| runs::list(session, &workspace, &filter))
            .await
    }

    async fn workflow_steps(
        &self,
        workspace: &Workspace,
        run: WorkflowRunId,
    ) -> Result<Vec<WorkflowStep>> {
        let workspace = workspace.clone();
        self.read(move |session| runs::steps(session, &workspace, run))
            .await
    }

    async fn workflow_children(
        &self,
        workspace: &Workspace,
        run: WorkflowRunId,
        number: u32,
        results: bool,
    ) -> Result<WorkflowChildren> {
        let workspace = workspace.clone();
        self.read(move |session| runs::children(session, &workspace, run, number, results))
            .await
    }

    async fn sync_events_after(
        &self,
        workspace: &Workspace,
        after: SyncEventsCursor,
        limit: usize,
    ) -> Result<SyncEvents> {
        let workspace = workspace.clone();
        self.read(move |session| {
            Ok(SyncEvents {
                journal: journal::after(session, &workspace, after.journal, limit)?,
                reviews: reviews::after(session, &workspace, after.review, limit)?,
            })
        })
        .await
    }

    async fn sync_events_end(&self, workspace: &Workspace) -> Result<SyncEventsCursor> {
        let workspace = workspace.clone();
        self.read(move |session| {
            let Some(ws) = session.find_workspace(&workspace)? else {
                return Ok(SyncEventsCursor::default());
            };
            let journal = session
                .sql("SELECT seq FROM journal_end")?
                .query_row(params![], |row| row.get(0))?;
            let review = session
                .sql("SELECT coalesce(max(seq), 0) FROM review WHERE ws = ?1")?
                .query_row([ws], |row| row.get(0))?;
            Ok(SyncEventsCursor { journal, review })
        })
        .await
    }

    async fn drop_runs(
        &self,
        workspace: &Workspace,
        before: Timestamp,
        at_most: usize,
    ) -> Result<u64> {
        let workspace = workspace.clone();
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            runs::drop_ended(session, ws, before, at_most)
        })
        .await
    }
}
