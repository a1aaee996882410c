//! A world in which acts have effects, a store in which a process can die, and a driver for both.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use connections::{Clock, Dice, VirtualClock};
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use store::{
    NewWorkflowRun, Result, SqliteStore, StoredWorkflow, SyncEvents, SyncEventsCursor,
    WorkflowCame, WorkflowChildren, WorkflowCommit, WorkflowRun, WorkflowRunFilter, WorkflowRunId,
    WorkflowRunState, WorkflowStep, WorkflowStore, WorkflowVersion, WorkflowWait, Workspace,
};
use tokio::sync::Notify;
use workflow::{
    Act, Failure, FailureKind, Hands, Looked, Options, Outcome, Position, Repeatability, Runner,
    model::Workflow,
};

/// One process: it dies after so many moments.
#[derive(Default)]
pub(crate) struct Life {
    left: AtomicI64,
    dead: Notify,
}

impl Life {
    pub(crate) fn of(moments: i64) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicI64::new(moments),
            dead: Notify::new(),
        })
    }

    /// When the process dies.
    pub(crate) async fn dead(&self) {
        self.dead.notified().await;
    }

    /// A moment in which the process can die.
    async fn pass(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            self.dead.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

/// The store as one process sees it.
struct Mortal {
    inner: Arc<SqliteStore>,
    life: Arc<Life>,
}

macro_rules! stores {
    ($self:ident, $name:ident($($argument:ident),*)) => {{
        $self.life.pass().await;
        let result = $self.inner.$name($($argument),*).await;
        $self.life.pass().await;
        result
    }};
}

#[async_trait]
impl WorkflowStore for Mortal {
    async fn save_workflow_draft(
        &self,
        ws: &Workspace,
        name: &str,
        draft: Option<&Json>,
        now: Timestamp,
    ) -> Result<()> {
        stores!(self, save_workflow_draft(ws, name, draft, now))
    }
    async fn pause_workflow(
        &self,
        ws: &Workspace,
        name: &str,
        paused: bool,
        now: Timestamp,
    ) -> Result<bool> {
        stores!(self, pause_workflow(ws, name, paused, now))
    }
    async fn return_to_workflow_version(
        &self,
        ws: &Workspace,
        name: &str,
        version: u64,
        at_once: Option<u32>,
        now: Timestamp,
    ) -> Result<bool> {
        stores!(
            self,
            return_to_workflow_version(ws, name, version, at_once, now)
        )
    }
    async fn workflow(&self, ws: &Workspace, name: &str) -> Result<Option<StoredWorkflow>> {
        self.inner.workflow(ws, name).await
    }
    async fn workflows(&self, ws: &Workspace) -> Result<Vec<StoredWorkflow>> {
        self.inner.workflows(ws).await
    }
    async fn publish_workflow(
        &self,
        ws: &Workspace,
        name: &str,
        body: &Json,
        at_once: Option<u32>,
        now: Timestamp,
    ) -> Result<u64> {
        stores!(self, publish_workflow(ws, name, body, at_once, now))
    }
    async fn workflow_versions(&self, ws: &Workspace, name: &str) -> Result<Vec<WorkflowVersion>> {
        self.inner.workflow_versions(ws, name).await
    }
    async fn workflow_version(
        &self,
        ws: &Workspace,
        name: &str,
        version: u64,
    ) -> Result<Option<WorkflowVersion>> {
        self.inner.workflow_version(ws, name, version).await
    }
    async fn accept_runs(
        &self,
        ws: &Workspace,
        cursor: Option<(&str, &Json)>,
        runs: &[NewWorkflowRun],
        came: &[WorkflowCame],
    ) -> Result<Vec<bool>> {
        stores!(self, accept_runs(ws, cursor, runs, came))
    }
    async fn workflow_waits(&self, ws: &Workspace, source: &str) -> Result<Vec<WorkflowWait>> {
        self.inner.workflow_waits(ws, source).await
    }
    async fn workflow_wait(
        &self,
        ws: &Workspace,
        run: WorkflowRunId,
    ) -> Result<Option<WorkflowWait>> {
        self.inner.workflow_wait(ws, run).await
    }
    async fn workflow_wait_sources(&self, ws: &Workspace) -> Result<Vec<String>> {
        self.inner.workflow_wait_sources(ws).await
    }
    async fn workflow_cursor(&self, ws: &Workspace, name: &str) -> Result<Option<Json>> {
        self.inner.workflow_cursor(ws, name).await
    }
    async fn workflow_cursors(&self, ws: &Workspace) -> Result<Vec<String>> {
        self.inner.workflow_cursors(ws).await
    }
    async fn drop_workflow_cursors(&self, ws: &Workspace, names: &[String]) -> Result<()> {
        stores!(self, drop_workflow_cursors(ws, names))
    }
    async fn claim_runs(
        &self,
        ws: &Workspace,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<WorkflowRun>> {
        stores!(self, claim_runs(ws, now, until, limit))
    }
    async fn next_run_due(&self, ws: &Workspace) -> Result<Option<Timestamp>> {
        self.inner.next_run_due(ws).await
    }
    async fn end_run_leases(&self, ws: &Workspace) -> Result<u64> {
        stores!(self, end_run_leases(ws))
    }
    async fn commit_run(&self, ws: &Workspace, commit: WorkflowCommit) -> Result<bool> {
        stores!(self, commit_run(ws, commit))
    }
    async fn answer_run(
        &self,
        ws: &Workspace,
        run: WorkflowRunId,
        position: &Json,
        now: Timestamp,
    ) -> Result<bool> {
        stores!(self, answer_run(ws, run, position, now))
    }
    async fn cancel_run(
        &self,
        ws: &Workspace,
        run: WorkflowRunId,
        note: &str,
        now: Timestamp,
    ) -> Result<bool> {
        stores!(self, cancel_run(ws, run, note, now))
    }
    async fn workflow_run(
        &self,
        ws: &Workspace,
        run: WorkflowRunId,
    ) -> Result<Option<WorkflowRun>> {
        self.inner.workflow_run(ws, run).await
    }
    async fn workflow_runs(
        &self,
        ws: &Workspace,
        filter: &WorkflowRunFilter,
    ) -> Result<Vec<WorkflowRun>> {
        self.inner.workflow_runs(ws, filter).await
    }
    async fn workflow_steps(
        &self,
        ws: &Workspace,
        run: WorkflowRunId,
    ) -> Result<Vec<WorkflowStep>> {
        self.inner.workflow_steps(ws, run).await
    }
    async fn workflow_children(
        &self,
        ws: &Workspace,
        run: WorkflowRunId,
        number: u32,
        results: bool,
    ) -> Result<WorkflowChildren> {
        self.inner.workflow_children(ws, run, number, results).await
    }
    async fn sync_events_after(
        &self,
        ws: &Workspace,
        after: SyncEventsCursor,
        limit: usize,
    ) -> Result<SyncEvents> {
        self.inner.sync_events_after(ws, after, limit).await
    }
    async fn sync_events_end(&self, ws: &Workspace) -> Result<SyncEventsCursor> {
        self.inner.sync_events_end(ws).await
    }
    async fn drop_runs(&self, ws: &Workspace, before: Timestamp, at_most: usize) -> Result<u64> {
        self.inner.drop_runs(ws, before, at_most).await
    }
}

/// What acts have done: how often each, by what it said.
#[derive(Default)]
pub(crate) struct Effects {
    /// Every act that had its effect, with how often.
    pub(crate) done: BTreeMap<String, u32>,
    /// Operations that fail so often before they go well.
    pub(crate) failing: BTreeMap<String, (u32, FailureKind)>,
    /// Operations whose next answer is lost after their effect.
    pub(crate) unknown: BTreeMap<String, u32>,
    /// Operations that answer only after so long.
    pub(crate) slow: BTreeMap<String, Duration>,
}

struct WorldHands {
    effects: Arc<Mutex<Effects>>,
    life: Arc<Life>,
}

fn named(act: &Act) -> (String, String) {
    match act {
        Act::Operation {
            operation, input, ..
        } => (
            operation.clone(),
            format!("{operation} {}", Json::Object(input.clone())),
        ),
        other => ("other".to_owned(), format!("{other:?}")),
    }
}

#[async_trait]
impl Hands for WorldHands {
    fn repeatability(&self, act: &Act) -> Repeatability {
        match named(act).0.split('.').next() {
            Some("set") => Repeatability::Repeatable,
            Some("make") => Repeatability::LookUp,
            _ => Repeatability::AtMostOnce,
        }
    }

    async fn perform(&self, act: &Act, _: &str, _: Timestamp) -> Outcome {
        self.life.pass().await;
        let (operation, said) = named(act);
        {
            let mut effects = self.effects.lock().unwrap();
            if let Some((left, kind)) = effects.failing.get_mut(&operation)
                && *left > 0
            {
                *left -= 1;
                return Outcome::Failed(Failure::new(*kind, "it fails"));
            }
            *effects.done.entry(said.clone()).or_default() += 1;
            if let Some(left) = effects.unknown.get_mut(&operation)
                && *left > 0
            {
                *left -= 1;
                return Outcome::Unknown("the answer was lost".to_owned());
            }
        }
        let slow = self.effects.lock().unwrap().slow.get(&operation).copied();
        if let Some(slow) = slow {
            tokio::time::sleep(slow).await;
        }
        self.life.pass().await;
        Outcome::Done(json!({"said": said}))
    }

    async fn look_up(&self, act: &Act, _: &str) -> Looked {
        self.life.pass().await;
        let (_, said) = named(act);
        if self.effects.lock().unwrap().done.contains_key(&said) {
            Looked::There(json!({"said": said}))
        } else {
            Looked::NotThere
        }
    }

    async fn preview(&self, act: &Act, _: &str) -> std::result::Result<Json, Failure> {
        Ok(json!(named(act).1))
    }

    fn reads(&self, _: &Act) -> bool {
        false
    }
}

/// Everything that outlives a process.
pub(crate) struct World {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) effects: Arc<Mutex<Effects>>,
    pub(crate) clock: Arc<VirtualClock>,
    dice: Arc<Dice>,
}

/// Whose data it is.
pub(crate) fn workspace() -> Workspace {
    Workspace::from("default")
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            store: Arc::new(SqliteStore::in_memory().unwrap()),
            effects: Arc::default(),
            clock: Arc::new(VirtualClock::starting_at(
                "2026-01-01T00:00:00Z".parse().unwrap(),
            )),
            dice: Arc::new(Dice::seeded(7)),
        }
    }

    /// A process.
    pub(crate) fn runner(&self, life: &Arc<Life>) -> Runner {
        Runner::new(
            Arc::new(Mortal {
                inner: Arc::clone(&self.store),
                life: Arc::clone(life),
            }),
            workspace(),
            Arc::clone(&self.clock) as Arc<dyn Clock>,
            Arc::clone(&self.dice),
            Arc::new(WorldHands {
                effects: Arc::clone(&self.effects),
                life: Arc::clone(life),
            }),
            Options::default(),
        )
    }

    /// A process that does not die.
    pub(crate) fn immortal(&self) -> Runner {
        self.runner(&Life::of(i64::MAX))
    }

    pub(crate) async fn publish(&self, workflow: &Json) {
        let workflow: Workflow = serde_json::from_value(workflow.clone()).unwrap();
        let body = serde_json::to_value(&workflow).unwrap();
        self.store
            .publish_workflow(
                &workspace(),
                &workflow.name,
                &body,
                workflow.runs.at_once,
                self.clock.now(),
            )
            .await
            .unwrap();
    }

    /// Begins a run.
    pub(crate) async fn begin(&self, name: &str, trigger: Json) -> WorkflowRunId {
        let runner = self.immortal();
        let workflow = runner.workflow(name).await.unwrap();
        let run = runner.accept(&workflow, None, trigger, Vec::new()).await;
        run.unwrap().unwrap()
    }

    /// Lets processes that die after so many moments each work, and then one that does not, until nothing is left to
    /// do. Runs that ask about an effect are answered as it is; those that ask for approval get one. Says how many
    /// processes died.
    pub(crate) async fn work(&self, lives: &[i64]) -> u32 {
        let mut kills = 0;
        for moments in lives {
            let life = Life::of(*moments);
            let runner = self.runner(&life);
            tokio::select! {
                () = life.dead.notified() => kills += 1,
                () = self.one_process(&runner) => return kills,
            }
        }
        self.one_process(&self.immortal()).await;
        kills
    }

    async fn one_process(&self, runner: &Runner) {
        runner.start().await.unwrap();
        loop {
            let claimed = runner.claim(1).await.unwrap();
            if let Some(run) = claimed.into_iter().next() {
                runner.drive(run).await.unwrap();
                continue;
            }
            if self.answer_all(runner).await {
                continue;
            }
            match self.store.next_run_due(&workspace()).await.unwrap() {
                Some(due) => self.clock.sleep_until(due + Duration::from_millis(1)).await,
                None => return,
            }
        }
    }

    async fn answer_all(&self, runner: &Runner) -> bool {
        let filter = WorkflowRunFilter {
            state: Some(WorkflowRunState::Asking),
            children: true,
            ..WorkflowRunFilter::default()
        };
        let asking = self
            .store
            .workflow_runs(&workspace(), &filter)
            .await
            .unwrap();
        for run in &asking {
            let position: Position = serde_json::from_value(run.position.clone()).unwrap();
            let choice = match position.question.unwrap().choices()[0] {
                "approve" => "approve",
                _ => {
                    let rows = self.store.workflow_steps(&workspace(), run.id).await;
                    let row = rows.unwrap().pop().unwrap();
                    let act = &row.input["operation"];
                    let operation = act["operation"].as_str().unwrap();
                    let said = format!("{operation} {}", act["input"]);
                    if self.effects.lock().unwrap().done.contains_key(&said) {
                        "done"
                    } else {
                        "repeat"
                    }
                }
            };
            runner.answer(run.id, choice, None).await.unwrap();
        }
        !asking.is_empty()
    }

    /// How a run stands.
    pub(crate) async fn run(&self, id: WorkflowRunId) -> WorkflowRun {
        let run = self.store.workflow_run(&workspace(), id).await;
        run.unwrap().unwrap()
    }

    /// The steps of a run: id, state, tries.
    pub(crate) async fn steps(&self, id: WorkflowRunId) -> Vec<WorkflowStep> {
        self.store.workflow_steps(&workspace(), id).await.unwrap()
    }
}
