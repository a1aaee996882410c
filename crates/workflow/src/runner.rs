//! The runner: takes events in, leases runs that are due, and has each driven.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use connections::{Clock, Dice};
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use store::{
    NewWorkflowRun, StoredWorkflow, WorkflowCame, WorkflowRun, WorkflowRunId, WorkflowRunState,
    WorkflowStore, Workspace,
};
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Graph, Hands,
    driving::Driving,
    model::Workflow,
    position::{Answer, Body, Position, Question},
    touched::Touched,
    values::{NOT_KEPT, as_text, fill_text},
};

/// How the runner paces itself.
#[derive(Debug, Clone)]
pub struct Options {
    /// So many runs are driven at once.
    pub workers: usize,
    /// How long a worker may have a run.
    pub lease: Duration,
    /// How long after an unknown outcome it is looked up, each time.
    pub look_after: Duration,
    /// How long after each failed try the next comes, where a step does not say.
    pub waits: Vec<Duration>,
    /// A larger output is not kept, in bytes.
    pub largest_output: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 32,
            lease: Duration::from_secs(15 * 60),
            look_after: Duration::from_secs(20),
            waits: [300, 1800, 3600, 10_800, 21_600]
                .map(Duration::from_secs)
                .to_vec(),
            largest_output: 256 * 1024,
        }
    }
}

/// Why something could not be done with a workflow or a run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What is stored has another form than this version knows.
    #[error("a stored {what} cannot be read: {source}")]
    Form {
        /// What.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// There is no workflow of this name.
    #[error("there is no workflow `{0}`")]
    NoWorkflow(String),
    /// It was never published.
    #[error("the workflow `{0}` is not published")]
    NotPublished(String),
    /// It is paused.
    #[error("the workflow `{0}` is paused")]
    Paused(String),
    /// There is no run of this id.
    #[error("there is no run `{0}`")]
    NoRun(WorkflowRunId),
    /// What was said does not fit how the run stands.
    #[error("{0}")]
    Unfit(String),
}

/// Everything that runs of workflows need.
pub struct Runner {
    pub(crate) store: Arc<dyn WorkflowStore>,
    pub(crate) workspace: Workspace,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) dice: Arc<Dice>,
    pub(crate) hands: Arc<dyn Hands>,
    pub(crate) options: Options,
    graphs: Mutex<HashMap<(String, u64), Arc<Graph>>>,
    due: Notify,
    pub(crate) published: Notify,
    pub(crate) touched: Touched,
    /// Versions in force that cannot be read, so that each is told once.
    pub(crate) unreadable: Mutex<BTreeSet<(String, u64)>>,
}

/// Graphs kept in memory.
const GRAPHS: usize = 256;

/// How long to wait at most before looking again.
const IDLE: Duration = Duration::from_secs(30);

/// How long if one was due and somebody else took it.
const SHORT: Duration = Duration::from_millis(10);

/// How long after the database failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

impl Runner {
    /// A runner that does nothing yet.
    #[must_use]
    pub fn new(
        store: Arc<dyn WorkflowStore>,
        workspace: Workspace,
        clock: Arc<dyn Clock>,
        dice: Arc<Dice>,
        hands: Arc<dyn Hands>,
        options: Options,
    ) -> Self {
        Self {
            store,
            workspace,
            clock,
            dice,
            hands,
            options,
            graphs: Mutex::default(),
            due: Notify::new(),
            published: Notify::new(),
            touched: Touched::default(),
            unreadable: Mutex::default(),
        }
    }

    /// A new id.
    pub(crate) fn new_id(&self) -> WorkflowRunId {
        let token = self.dice.token();
        let random = u128::from_str_radix(&token[..20], 16).unwrap_or_default();
        let mut bytes = [0_u8; 10];
        bytes.copy_from_slice(&random.to_be_bytes()[6..]);
        let millis = u64::try_from(self.clock.now().as_millisecond()).unwrap_or_default();
        WorkflowRunId(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
    }

    /// The graph of a version. Versions never change, so it is kept.
    ///
    /// # Errors
    /// When there is no such version, or it cannot be read.
    pub async fn graph(&self, name: &str, version: u64) -> Result<Arc<Graph>, RunError> {
        let key = (name.to_owned(), version);
        let held = |graphs: &Mutex<HashMap<_, Arc<Graph>>>| {
            graphs
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&key)
                .cloned()
        };
        if let Some(graph) = held(&self.graphs) {
            return Ok(graph);
        }
        let stored = self
            .store
            .workflow_version(&self.workspace, name, version)
            .await?
            .ok_or_else(|| RunError::NotPublished(name.to_owned()))?;
        let workflow: Workflow =
            serde_json::from_value(stored.body).map_err(|source| RunError::Form {
                what: "workflow",
                source,
            })?;
        let graph = Arc::new(Graph::new(workflow));
        let mut graphs = self.graphs.lock().unwrap_or_else(PoisonError::into_inner);
        if graphs.len() >= GRAPHS {
            graphs.clear();
        }
        graphs.insert(key, Arc::clone(&graph));
        Ok(graph)
    }

    /// The workflow of this name.
    ///
    /// # Errors
    /// When there is none.
    pub async fn workflow(&self, name: &str) -> Result<StoredWorkflow, RunError> {
        self.store
            .workflow(&self.workspace, name)
            .await?
            .ok_or_else(|| RunError::NoWorkflow(name.to_owned()))
    }

    /// The run that an event begins. It is not stored yet.
    ///
    /// # Errors
    /// When the workflow is not published, or paused.
    pub async fn begin(
        &self,
        workflow: &StoredWorkflow,
        event: Option<String>,
        trigger: Json,
        chain: Vec<String>,
    ) -> Result<NewWorkflowRun, RunError> {
        let name = workflow.name.as_str();
        let version = workflow
            .published
            .ok_or_else(|| RunError::NotPublished(name.to_owned()))?;
        if workflow.paused {
            return Err(RunError::Paused(name.to_owned()));
        }
        let graph = self.graph(name, version).await?;
        let known = json!({"trigger": trigger, "vars": graph.workflow.vars});
        // a key that has no value for an event keeps nobody waiting
        let key = match &graph.workflow.runs.key {
            Some(key) => fill_text(key, &known).ok().map(|key| as_text(&key)),
            None => None,
        };
        let body = Body {
            trigger,
            chain,
            ..Body::default()
        };
        let position = Position::at(graph.first().map(str::to_owned));
        Ok(NewWorkflowRun {
            id: self.new_id(),
            workflow: name.to_owned(),
            version,
            event,
            key: key.filter(|key| !key.is_empty()),
            parent: None,
            body: stored(&body)?,
            position: stored(&position)?,
            accepted: self.clock.now(),
        })
    }

    /// Takes an event in: when this returns, it is durable. `None`: it was taken in before.
    ///
    /// # Errors
    /// When the workflow cannot begin, or the database fails.
    pub async fn accept(
        &self,
        workflow: &StoredWorkflow,
        event: Option<String>,
        trigger: Json,
        chain: Vec<String>,
    ) -> Result<Option<WorkflowRunId>, RunError> {
        let run = self.begin(workflow, event, trigger, chain).await?;
        let id = run.id;
        let taken = self.accept_all(None, &[run]).await?;
        Ok((taken == [true]).then_some(id))
    }

    /// Takes events in together with the cursor of whoever found them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn accept_all(
        &self,
        cursor: Option<(&str, &Json)>,
        runs: &[NewWorkflowRun],
    ) -> Result<Vec<bool>, RunError> {
        self.accept_with(cursor, runs, &[]).await
    }

    /// The same, with events that runs have waited for.
    pub(crate) async fn accept_with(
        &self,
        cursor: Option<(&str, &Json)>,
        runs: &[NewWorkflowRun],
        came: &[WorkflowCame],
    ) -> Result<Vec<bool>, RunError> {
        let taken = self
            .store
            .accept_runs(&self.workspace, cursor, runs, came)
            .await?;
        self.due.notify_one();
        Ok(taken)
    }

    /// Begins a run anew at a step, with what was done before it in the other run, and perhaps another input.
    ///
    /// # Errors
    /// When there is no such run or step.
    pub async fn replay(
        &self,
        run: WorkflowRunId,
        from: Option<&str>,
        trigger: Option<Json>,
    ) -> Result<WorkflowRunId, RunError> {
        let old = self.run(run).await?;
        let rows = self.store.workflow_steps(&self.workspace, run).await?;
        let mut body: Body = read(old.body.clone(), "run")?;
        let graph = self.graph(&old.workflow, old.version).await?;
        let at = match from {
            Some(from) if graph.step(from).is_none() => {
                return Err(RunError::Unfit(format!("the run has no step `{from}`")));
            }
            Some(from) => Some(from.to_owned()),
            None if body.is_within() => rows.first().map(|row| row.step.clone()),
            None => graph.first().map(str::to_owned),
        };
        if let Some(at) = &at
            && !body.is_within()
            && graph.within(at).is_some()
        {
            return Err(RunError::Unfit(format!(
                "the step `{at}` stands in a list; replay the run of its element"
            )));
        }
        if let Some(outer) = Driving::outer(self, &old, &body).await?
            && let Some(steps) = outer["steps"].as_object()
        {
            // what the steps before the list brought: the new run belongs to no list
            body.given.extend(steps.clone());
        }
        if from.is_some() {
            for row in rows.iter().take_while(|row| Some(&row.step) != at.as_ref()) {
                if row.state == store::WorkflowStepState::Done {
                    body.given.insert(row.step.clone(), row.output.clone());
                }
            }
        }
        if let Some(trigger) = trigger {
            body.trigger = trigger;
        }
        body.replays = Some(run.to_string());
        let again = NewWorkflowRun {
            id: self.new_id(),
            workflow: old.workflow,
            version: old.version,
            event: None,
            key: old.key,
            parent: None,
            body: stored(&body)?,
            position: stored(&Position::at(at))?,
            accepted: self.clock.now(),
        };
        let id = again.id;
        self.accept_all(None, &[again]).await?;
        Ok(id)
    }

    /// One run.
    ///
    /// # Errors
    /// When there is none.
    pub async fn run(&self, run: WorkflowRunId) -> Result<WorkflowRun, RunError> {
        self.store
            .workflow_run(&self.workspace, run)
            .await?
            .ok_or(RunError::NoRun(run))
    }

    /// What a person says to a run that asks.
    ///
    /// # Errors
    /// When it does not ask, or not for that.
    pub async fn answer(
        &self,
        run: WorkflowRunId,
        choice: &str,
        output: Option<Json>,
    ) -> Result<(), RunError> {
        let held = self.run(run).await?;
        let mut position: Position = read(held.position, "position")?;
        let Some(question) = position
            .question
            .take()
            .filter(|_| held.state == WorkflowRunState::Asking)
        else {
            return Err(RunError::Unfit("the run asks nothing".to_owned()));
        };
        position.answer = Some(match (&question, choice) {
            (Question::Approval, "approve") => Answer::Approve,
            (Question::Approval, "refuse") => Answer::Refuse,
            (Question::Uncertain, "repeat") => Answer::Repeat,
            (Question::Uncertain, "done") => Answer::Done(output.unwrap_or(Json::Null)),
            (Question::Uncertain, "fail") => Answer::Fail,
            _ => {
                return Err(RunError::Unfit(format!(
                    "`{choice}` is not one of {}",
                    question.choices().join(", ")
                )));
            }
        });
        let went = self
            .store
            .answer_run(&self.workspace, run, &stored(&position)?, self.clock.now())
            .await?;
        if !went {
            return Err(RunError::Unfit("the run asks nothing any more".to_owned()));
        }
        self.due.notify_one();
        Ok(())
    }

    /// Ends a run and all that it began.
    ///
    /// # Errors
    /// When there is none, or it has ended.
    pub async fn cancel(&self, run: WorkflowRunId) -> Result<(), RunError> {
        self.run(run).await?;
        let note = "cancelled by a person";
        let went = self
            .store
            .cancel_run(&self.workspace, run, note, self.clock.now())
            .await?;
        self.due.notify_one();
        if went {
            Ok(())
        } else {
            Err(RunError::Unfit("the run has ended already".to_owned()))
        }
    }

    /// Looks for runs that are due, as if their time had come by itself.
    pub fn wake(&self) {
        self.due.notify_one();
    }

    /// What a process does first: leases of an earlier one are ended, since nobody holds them any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start(&self) -> Result<u64, RunError> {
        Ok(self.store.end_run_leases(&self.workspace).await?)
    }

    /// Looks anew what there is to watch: a workflow was published, paused or resumed.
    pub fn look_anew(&self) {
        self.published.notify_one();
    }

    /// What acts of steps are done with.
    #[must_use]
    pub fn hands(&self) -> &dyn Hands {
        &*self.hands
    }

    /// Drives runs until told to stop. Leases of an earlier process are ended first. While nothing is due, nothing is
    /// written; while the database fails, it is tried again.
    pub async fn work(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.start().await {
                Ok(0) => break,
                Ok(runs) => {
                    tracing::info!(runs, "runs of workflows that were cut off go on");
                    break;
                }
                Err(error) => self.after_failure(&error, &stop).await,
            }
        }
        let mut under_way: JoinSet<()> = JoinSet::new();
        while !stop.is_cancelled() {
            while under_way.try_join_next().is_some() {}
            let room = self.options.workers.saturating_sub(under_way.len());
            if room == 0 {
                under_way.join_next().await;
                continue;
            }
            let found = match self.until_next().await {
                Ok(wait) if wait.is_zero() => self.claim(room).await.map(|runs| (runs, SHORT)),
                Ok(wait) => Ok((Vec::new(), wait)),
                Err(error) => Err(error),
            };
            let (claimed, wait) = match found {
                Ok(found) => found,
                Err(error) => {
                    self.after_failure(&error, &stop).await;
                    continue;
                }
            };
            if claimed.is_empty() {
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = self.due.notified() => {}
                    Some(_) = under_way.join_next(), if !under_way.is_empty() => {}
                    () = self.clock.sleep(wait) => {}
                }
                continue;
            }
            for run in claimed {
                let runner = Arc::clone(&self);
                under_way.spawn(async move { runner.drive_and_tell(run).await });
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    async fn after_failure(&self, error: &RunError, stop: &CancellationToken) {
        tracing::error!(%error, "runs of workflows cannot go on now");
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.clock.sleep(AFTER_FAILURE) => {}
        }
    }

    /// How long until the next run is due; zero if one is.
    async fn until_next(&self) -> Result<Duration, RunError> {
        let due = self.store.next_run_due(&self.workspace).await?;
        Ok(due.map_or(IDLE, |due| {
            let wait = due.duration_since(self.clock.now());
            Duration::try_from(wait).unwrap_or_default().min(IDLE)
        }))
    }

    /// Leases runs that are due.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim(&self, limit: usize) -> Result<Vec<WorkflowRun>, RunError> {
        let now = self.clock.now();
        let until = now
            .saturating_add(self.options.lease)
            .unwrap_or(Timestamp::MAX);
        Ok(self
            .store
            .claim_runs(&self.workspace, now, until, limit)
            .await?)
    }

    async fn drive_and_tell(self: Arc<Self>, run: WorkflowRun) {
        let (id, workflow) = (run.id, run.workflow.clone());
        if let Err(error) = self.drive(run).await {
            // its lease ends, and it is tried again
            tracing::error!(run = %id, workflow, %error, "a run of a workflow could not go on");
        }
    }

    /// Drives a leased run as far as it goes.
    ///
    /// # Errors
    /// When the database fails, or what is stored cannot be read.
    pub async fn drive(&self, run: WorkflowRun) -> Result<(), RunError> {
        Driving::take(self, run).await?.go().await?;
        self.due.notify_one();
        Ok(())
    }
}

/// Something as it is stored.
pub(crate) fn stored(value: &impl serde::Serialize) -> Result<Json, RunError> {
    serde_json::to_value(value).map_err(|source| RunError::Form {
        what: "run",
        source,
    })
}

/// Something that was stored.
pub(crate) fn read<T: serde::de::DeserializeOwned>(
    value: Json,
    what: &'static str,
) -> Result<T, RunError> {
    serde_json::from_value(value).map_err(|source| RunError::Form { what, source })
}

/// What stands for an output that is too large to keep.
pub(crate) fn too_large(bytes: usize) -> Json {
    let mut told = Map::new();
    told.insert(NOT_KEPT.to_owned(), json!(format!("{bytes} bytes")));
    Json::Object(told)
}

/// A trace id for logs, made of a run's.
pub(crate) fn cause(run: WorkflowRunId) -> String {
    let id: Uuid = run.0;
    format!("run-{}", &id.simple().to_string()[20..])
}
