//! What is kept of workflows: drafts and versions, runs, and one row for each step that was tried.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{JournalEntry, Result, Review, WorkflowRunId, Workspace};

/// A workflow by its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoredWorkflow {
    /// Its name.
    pub name: String,
    /// What is being worked on and not in force; the crate `workflow` knows the form.
    pub draft: Option<Json>,
    /// The version that events begin, if any was published.
    pub published: Option<u64>,
    /// The highest version there ever was.
    pub last: u64,
    /// Events begin no run of it.
    pub paused: bool,
    /// At most so many runs of it are under way; the others wait for their turn.
    pub at_once: Option<u32>,
    /// When any of this was changed last.
    pub changed: Timestamp,
}

/// One published version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkflowVersion {
    /// Its number, from 1.
    pub version: u64,
    /// When it was published.
    pub made: Timestamp,
    /// What it is; the crate `workflow` knows the form.
    pub body: Json,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkflowRunState {
    /// Accepted; others of its workflow or key go before it.
    Queued,
    /// Goes on when it is due.
    Ready,
    /// Waits for runs that it began.
    Waiting,
    /// Waits for a person.
    Asking,
    /// Came to its end.
    Done,
    /// Ended by an error.
    Failed,
    /// Ended early, as its steps say.
    Stopped,
    /// Ended by a person.
    Cancelled,
}

impl WorkflowRunState {
    /// Whether nothing of it is left to do.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Failed | Self::Stopped | Self::Cancelled
        )
    }
}

/// The step of a run for which another run works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ParentStep {
    /// The run.
    pub run: WorkflowRunId,
    /// The number of its step row.
    pub number: u32,
    /// The place in the list that is worked off.
    pub item: u32,
}

/// A run to be begun.
#[derive(Debug, Clone, PartialEq)]
pub struct NewWorkflowRun {
    /// Its id.
    pub id: WorkflowRunId,
    /// Of which workflow.
    pub workflow: String,
    /// Of which version.
    pub version: u64,
    /// The event's own id; one that was taken in before begins nothing.
    pub event: Option<String>,
    /// Runs of one key go one after the other, in this order.
    pub key: Option<String>,
    /// The step of another run for which it works.
    pub parent: Option<ParentStep>,
    /// What it begins with; the crate `workflow` knows the form.
    pub body: Json,
    /// Where it begins; the crate `workflow` knows the form.
    pub position: Json,
    /// When it was accepted.
    pub accepted: Timestamp,
}

/// One execution of one version of a workflow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkflowRun {
    /// Its id.
    pub id: WorkflowRunId,
    /// Of which workflow.
    pub workflow: String,
    /// Of which version.
    pub version: u64,
    /// Where it stands.
    pub state: WorkflowRunState,
    /// When it goes on.
    pub due: Timestamp,
    /// Runs of one key go one after the other.
    pub key: Option<String>,
    /// The step of another run for which it works.
    pub parent: Option<ParentStep>,
    /// When it was accepted.
    pub accepted: Timestamp,
    /// When a worker first took it.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What it began with.
    pub body: Json,
    /// Where in its steps it is.
    pub position: Json,
    /// What came of it.
    pub result: Option<Json>,
    /// Why it stands where it stands, in words.
    pub note: Option<String>,
    /// The lease of the worker that has it, by its end in microseconds: what it must show to store anything.
    #[serde(skip)]
    pub lease: i64,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkflowStepState {
    /// Under way: if its worker is gone, its outcome is not known.
    Begun,
    /// Done, with a known outcome.
    Done,
    /// Failed, without effect.
    Failed,
    /// It may have had an effect.
    Uncertain,
}

/// One try of one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkflowStep {
    /// Its place in the run, from 1.
    pub number: u32,
    /// The step's id.
    pub step: String,
    /// Which try, from 1.
    pub attempt: u32,
    /// Where it stands.
    pub state: WorkflowStepState,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What went in.
    pub input: Json,
    /// What came out.
    pub output: Json,
    /// Why it failed, or what is not certain.
    pub error: Option<Json>,
}

/// What a worker leaves of a run, all of it or nothing.
#[derive(Debug, Clone)]
pub struct WorkflowCommit {
    /// Which run.
    pub run: WorkflowRunId,
    /// The lease under which it worked; if somebody else has the run now, nothing is stored.
    pub lease: i64,
    /// Steps, each by its number; those that are there are replaced.
    pub steps: Vec<WorkflowStep>,
    /// Where it stands now.
    pub state: WorkflowRunState,
    /// When it goes on.
    pub due: Timestamp,
    /// Where in its steps it is.
    pub position: Json,
    /// What came of it.
    pub result: Option<Json>,
    /// Why it stands where it stands.
    pub note: Option<String>,
    /// Runs that it begins.
    pub children: Vec<NewWorkflowRun>,
    /// For [`WorkflowRunState::Waiting`]: so many of the runs that it began had not ended, those of this commit
    /// included. If one has meanwhile, the run is ready at once.
    pub open_children: u32,
    /// The event that it waits for from now on, until it is due. What it waited for before is over.
    pub wait: Option<NewWorkflowWait>,
    /// Keep the lease: the worker goes on.
    pub keep: bool,
    /// Now.
    pub at: Timestamp,
}

/// What a run waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct NewWorkflowWait {
    /// Where such events come from.
    pub source: String,
    /// What makes it the one; the crate `workflow` knows the form.
    pub body: Json,
}

/// A run that waits for an event.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowWait {
    /// Which run.
    pub run: WorkflowRunId,
    /// What makes it the one; the crate `workflow` knows the form.
    pub body: Json,
    /// The event, once it came.
    pub event: Option<Json>,
}

/// An event that a run has waited for.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowCame {
    /// Which run.
    pub run: WorkflowRunId,
    /// The event's own id; one that came to the run before is none that it waits for again.
    pub event: Option<String>,
    /// What it hands on.
    pub body: Json,
    /// Now.
    pub at: Timestamp,
}

/// The runs that work for one step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorkflowChildren {
    /// How many there are.
    pub all: u32,
    /// How many have not ended.
    pub open: u32,
    /// What came of those that ended, by their place: the state, the result and the note.
    pub ended: Vec<(u32, WorkflowRunState, Option<Json>, Option<String>)>,
}

/// How far the events of syncs were looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncEventsCursor {
    /// The number of the last journal entry.
    pub journal: i64,
    /// The number of the last review.
    pub review: i64,
}

/// What syncs did and asked.
#[derive(Debug, Clone, Default)]
pub struct SyncEvents {
    /// What they did.
    pub journal: Vec<JournalEntry>,
    /// What they asked, each with its number.
    pub reviews: Vec<(i64, Review)>,
}

/// Which runs to list, newest first. `None` means all.
#[derive(Debug, Clone, Default)]
pub struct WorkflowRunFilter {
    /// Of this workflow.
    pub workflow: Option<String>,
    /// In this state.
    pub state: Option<WorkflowRunState>,
    /// Also those that work for a step of another run.
    pub children: bool,
    /// At most so many; 0: no limit.
    pub limit: usize,
}

/// The commands about workflows. Each method is one transaction; when it returns, it is durable.
#[async_trait]
pub trait WorkflowStore: Send + Sync {
    /// Saves the draft of a workflow, which may be new; none takes the draft away. All else of it stays.
    async fn save_workflow_draft(
        &self,
        workspace: &Workspace,
        name: &str,
        draft: Option<&Json>,
        now: Timestamp,
    ) -> Result<()>;

    /// Pauses a workflow, or lets it go on. `false`: there is none of this name.
    async fn pause_workflow(
        &self,
        workspace: &Workspace,
        name: &str,
        paused: bool,
        now: Timestamp,
    ) -> Result<bool>;

    /// Puts a version that is there in force. The draft stays. `false`: there is no such version.
    async fn return_to_workflow_version(
        &self,
        workspace: &Workspace,
        name: &str,
        version: u64,
        at_once: Option<u32>,
        now: Timestamp,
    ) -> Result<bool>;

    /// One workflow.
    async fn workflow(&self, workspace: &Workspace, name: &str) -> Result<Option<StoredWorkflow>>;

    /// All workflows, by name.
    async fn workflows(&self, workspace: &Workspace) -> Result<Vec<StoredWorkflow>>;

    /// Makes `body` the next version and puts it in force; the draft goes. Says its number.
    async fn publish_workflow(
        &self,
        workspace: &Workspace,
        name: &str,
        body: &Json,
        at_once: Option<u32>,
        now: Timestamp,
    ) -> Result<u64>;

    /// Versions of a workflow, newest first.
    async fn workflow_versions(
        &self,
        workspace: &Workspace,
        name: &str,
    ) -> Result<Vec<WorkflowVersion>>;

    /// One version.
    async fn workflow_version(
        &self,
        workspace: &Workspace,
        name: &str,
        version: u64,
    ) -> Result<Option<WorkflowVersion>>;

    /// Takes events in: one run each, those that runs have waited for, and the cursor of whoever found them,
    /// together. `false` for one that was taken in before.
    async fn accept_runs(
        &self,
        workspace: &Workspace,
        cursor: Option<(&str, &Json)>,
        runs: &[NewWorkflowRun],
        came: &[WorkflowCame],
    ) -> Result<Vec<bool>>;

    /// The runs that wait for an event of this source.
    async fn workflow_waits(
        &self,
        workspace: &Workspace,
        source: &str,
    ) -> Result<Vec<WorkflowWait>>;

    /// What one run waits for.
    async fn workflow_wait(
        &self,
        workspace: &Workspace,
        run: WorkflowRunId,
    ) -> Result<Option<WorkflowWait>>;

    /// The sources that any run waits for.
    async fn workflow_wait_sources(&self, workspace: &Workspace) -> Result<Vec<String>>;

    /// Where the one of this name goes on.
    async fn workflow_cursor(&self, workspace: &Workspace, name: &str) -> Result<Option<Json>>;

    /// The names of all that have a place where they go on.
    async fn workflow_cursors(&self, workspace: &Workspace) -> Result<Vec<String>>;

    /// Forgets where those of these names go on.
    async fn drop_workflow_cursors(&self, workspace: &Workspace, names: &[String]) -> Result<()>;

    /// Leases runs that are due, the longest due first.
    async fn claim_runs(
        &self,
        workspace: &Workspace,
        now: Timestamp,
        lease_until: Timestamp,
        limit: usize,
    ) -> Result<Vec<WorkflowRun>>;

    /// When the next run is due, if any waits; one that a worker has is due when its lease ends.
    async fn next_run_due(&self, workspace: &Workspace) -> Result<Option<Timestamp>>;

    /// Ends all leases: at start, when no other process can hold one. Says how many there were.
    async fn end_run_leases(&self, workspace: &Workspace) -> Result<u64>;

    /// Stores what a worker leaves of a run. A run that ends lets others of its workflow and key go on, and wakes
    /// the run for which it worked. `false`: somebody else has the run, and nothing was stored.
    async fn commit_run(&self, workspace: &Workspace, commit: WorkflowCommit) -> Result<bool>;

    /// Lets a run that waits for a person go on from this position. `false`: it does not wait for one.
    async fn answer_run(
        &self,
        workspace: &Workspace,
        run: WorkflowRunId,
        position: &Json,
        now: Timestamp,
    ) -> Result<bool>;

    /// Ends a run and all that it began. `false`: it has ended already.
    async fn cancel_run(
        &self,
        workspace: &Workspace,
        run: WorkflowRunId,
        note: &str,
        now: Timestamp,
    ) -> Result<bool>;

    /// One run.
    async fn workflow_run(
        &self,
        workspace: &Workspace,
        run: WorkflowRunId,
    ) -> Result<Option<WorkflowRun>>;

    /// Runs, newest first.
    async fn workflow_runs(
        &self,
        workspace: &Workspace,
        filter: &WorkflowRunFilter,
    ) -> Result<Vec<WorkflowRun>>;

    /// The steps of a run in their order.
    async fn workflow_steps(
        &self,
        workspace: &Workspace,
        run: WorkflowRunId,
    ) -> Result<Vec<WorkflowStep>>;

    /// The runs that work for one step of a run. What came of them only if `results`.
    async fn workflow_children(
        &self,
        workspace: &Workspace,
        run: WorkflowRunId,
        number: u32,
        results: bool,
    ) -> Result<WorkflowChildren>;

    /// What syncs journalled and asked after these numbers, oldest first, at most so many of each.
    async fn sync_events_after(
        &self,
        workspace: &Workspace,
        after: SyncEventsCursor,
        limit: usize,
    ) -> Result<SyncEvents>;

    /// Where the events of syncs end now.
    async fn sync_events_end(&self, workspace: &Workspace) -> Result<SyncEventsCursor>;

    /// Drops at most so many runs that ended before, with their steps, and events that were taken in before. Says
    /// how many runs went.
    async fn drop_runs(
        &self,
        workspace: &Workspace,
        before: Timestamp,
        at_most: usize,
    ) -> Result<u64>;
}
