//! Everything durable, behind coarse commands.
//!
//! The engine never opens a transaction: each command of [`Store`] is one, and says in its name what
//! it is for. A command either happened wholly and is durable when it returns, or did not happen.
//! That keeps a second database possible behind the same contract suite, and puts queue and state
//! into one commit: there is no second system to disagree with.
//!
//! Every key begins with the workspace; only queries that take one exist.

mod names;

mod signal;

mod listing;

mod link;

mod commit;

mod intent;

mod review;

mod skipped;

mod journal;

mod connection;

mod ledger;

mod place;

mod blocked;

mod plan;

mod retention;

mod workflow;

mod access;

mod error;

mod contract;

mod sqlite;

mod postgres;

pub use access::{
    AccessStore, Act, ActFilter, ActOutcome, Actor, NewAct, Role, Scope, SessionRow, TokenRow,
    UserRow,
};
pub use blocked::{BlockedFilter, BlockedSum, BlockedSumPlace};
pub use commit::Commit;
pub use connection::{AppliedConfig, CredentialRow, CursorKey, Saved};
pub use contract::Store;
pub use error::Error;
pub use intent::{Intent, IntentEnd, IntentState};
pub use journal::{Cause, Effect, JournalEntry, JournalFilter, NewJournalEntry};
pub use ledger::{CallFilter, CallRow, Overview, Run, RunKind, RunState};
pub use link::{
    Awaited, Blocked, Child, Half, Link, LinkState, LinkedPair, Pair, PairDecision, Tombstone,
    Underway,
};
pub use listing::{Key, Known, Listed, NOT_LISTED, Snapshot, Sweep, SweepPage};
pub use names::{
    ConnectionName, IntentId, LinkId, PlanId, ReviewId, RunId, SyncName, WorkflowRunId, Workspace,
};
pub use place::{BlockedField, BlockedPlace, CallPlace, DecisionPlace, FailingPlace, NoPlace};
pub use plan::{PlanRow, PlanRowState, PlanState, StoredPlan};
pub use postgres::{Moved, PostgresOptions};
pub use retention::{Keep, Kept, KeptNow, KeptRows};
pub use review::{Question, Review, ReviewFilter, ReviewKind, ReviewState};
pub use signal::{Accepted, Claim, ClaimRequest, DeliveryRow, Lane, Release, Signal, SignalSource};
pub use skipped::{SkipReason, Skipped, SkippedPlace};
pub use sqlite::{Options, SqlStore};
pub use workflow::{
    NewWorkflowRun, NewWorkflowWait, ParentStep, StoredWorkflow, SyncEvents, SyncEventsCursor,
    WorkflowCame, WorkflowChildren, WorkflowCommit, WorkflowRun, WorkflowRunFilter,
    WorkflowRunState, WorkflowStep, WorkflowStepState, WorkflowStore, WorkflowVersion,
    WorkflowWait,
};

/// The store on a file or in memory, where that is what is meant.
pub type SqliteStore = SqlStore;

/// The result of a command.
pub type Result<T> = std::result::Result<T, Error>;
