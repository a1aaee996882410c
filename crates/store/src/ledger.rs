//! Runs, the call log and what the whole looks like.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{CallPlace, ConnectionName, RunId, SyncName};

/// One run of a sync.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Of which sync.
    pub sync: SyncName,
    /// What kind.
    pub kind: RunKind,
    /// Where it stands.
    pub state: RunState,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Counts by name: `created_left`, `refused`, …
    pub counts: BTreeMap<String, i64>,
}

/// What kind of run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// Everything is listed, matched and aligned.
    Full,
    /// Between full runs, as signals come.
    Live,
    /// The rows of a plan, and nothing else.
    Planned,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Under way.
    Running,
    /// Ended.
    Done,
    /// Stopped by a limit; a review is open.
    Stopped,
    /// Ended by an error.
    Failed,
    /// The server was stopped or killed under it. What it had found was worked off afterwards, its listing is in the
    /// next one.
    Interrupted,
}

/// One vendor call; never a body, never a secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallRow {
    /// When it was sent.
    pub at: Timestamp,
    /// On which connection.
    pub connection: ConnectionName,
    /// The operation's id.
    pub operation: String,
    /// Reading or writing.
    pub write: bool,
    /// The HTTP status; `None`: no answer.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub milliseconds: u32,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// In which lane.
    pub lane: String,
    /// The trace of the cause.
    pub cause: Option<String>,
    /// How it ended, in one word.
    pub outcome: String,
    /// How many records it was about.
    pub records: u32,
}

/// Which calls to list, newest first. `None` means all.
#[derive(Debug, Clone, Default)]
pub struct CallFilter {
    /// Of this connection.
    pub connection: Option<ConnectionName>,
    /// Whose operation contains this.
    pub operation: Option<String>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// Of this status.
    pub status: Option<u16>,
    /// Of this cause.
    pub cause: Option<String>,
    /// Since then.
    pub since: Option<Timestamp>,
    /// After this one in the list: older.
    pub after: Option<CallPlace>,
    /// At most so many; 0: no limit.
    pub limit: usize,
}

/// What the whole looks like.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Overview {
    /// Dirty records by connection and lane.
    pub dirty: BTreeMap<String, BTreeMap<String, u64>>,
    /// The oldest signal not yet worked off, by connection.
    pub oldest: BTreeMap<String, Timestamp>,
    /// Dirty records whose last try failed, by connection.
    pub failing: BTreeMap<String, u64>,
    /// Active links by sync.
    pub links: BTreeMap<String, u64>,
    /// Open reviews by sync and kind.
    pub reviews: BTreeMap<String, BTreeMap<String, u64>>,
    /// Blocked fields by sync.
    pub blocked: BTreeMap<String, u64>,
    /// Unsettled intents by sync, without those that a person was asked about.
    pub intents: BTreeMap<String, u64>,
    /// Meters by name.
    pub meters: BTreeMap<String, i64>,
}
