//! Questions for a person.

use jiff::Timestamp;
use record::{Entity, RecordId};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{ReviewId, SyncName};

/// A question for a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Review {
    /// Its id.
    pub id: ReviewId,
    /// Of which sync.
    pub sync: SyncName,
    /// About what kind of record.
    pub entity: Entity,
    /// What is asked.
    pub kind: ReviewKind,
    /// What it is about; at most one open review of a kind has the same subject.
    pub subject: String,
    /// The record on the left, if it is about one.
    pub left: Option<RecordId>,
    /// The record on the right, if it is about one.
    pub right: Option<RecordId>,
    /// In one sentence, without values.
    pub summary: String,
    /// Both sides, base, candidates, choices: what a person needs to decide. Format tag in `"v"`.
    pub details: Json,
    /// Where it stands.
    pub state: ReviewState,
    /// What was chosen, or why it is no question any more.
    pub choice: Option<String>,
    /// When it was asked.
    pub opened: Timestamp,
    /// When it was decided.
    pub decided: Option<Timestamp>,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewKind {
    /// Both sides changed one field differently.
    Conflict,
    /// More than one record could be the match, or the match is linked already.
    Ambiguous,
    /// A record vanished and its keys live on elsewhere.
    Rebind,
    /// A record vanished.
    Deleted,
    /// A create ended without an answer and could not be proven.
    UnprovenCreate,
    /// A run would change more than its limit.
    MassChange,
    /// The system refused a value for good.
    Refused,
    /// A field travels in a circle.
    Circle,
}

/// Where a review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// Waiting for a person.
    Open,
    /// Put off by a person; not asked again until something changes.
    Postponed,
    /// Decided.
    Decided,
    /// No longer a question: the world changed.
    Withdrawn,
}

/// Which reviews to list. `None` means all.
#[derive(Debug, Clone, Default)]
pub struct ReviewFilter {
    /// Of this sync.
    pub sync: Option<SyncName>,
    /// In this state.
    pub state: Option<ReviewState>,
    /// Of this kind.
    pub kind: Option<ReviewKind>,
    /// About one of these records, on either side (ids as text).
    pub records: Option<Vec<RecordId>>,
    /// After this one, in the order of opening.
    pub after: Option<ReviewId>,
    /// At most so many; 0: no limit.
    pub limit: usize,
}
