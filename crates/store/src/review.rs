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

/// What names a question. Two systems or two entities may use one id for different things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The sync that asks.
    pub sync: SyncName,
    /// What it is about; none where the subject is not one record or pair.
    pub entity: Option<Entity>,
    /// What is asked.
    pub kind: ReviewKind,
    /// What it is asked about, see [`Review::subject`].
    pub subject: String,
}

/// How a question that is not put yet says in its `choice` what it waits for.
const WAITS: &str = "waits for ";

impl Review {
    /// Puts the question off until the one of its kind with this subject is closed or put anew: then the record
    /// that it is about is signalled in the same commit. `details` say which that is: `connection`, `record`.
    #[must_use]
    pub fn waiting_for(self, subject: &str) -> Self {
        Self {
            state: ReviewState::Postponed,
            choice: Some(waits_for(subject)),
            ..self
        }
    }

    /// The subject of the question that this one waits for. Nobody was asked this one yet.
    pub fn waits_for(&self) -> Option<&str> {
        if self.state == ReviewState::Postponed {
            self.choice.as_deref()?.strip_prefix(WAITS)
        } else {
            None
        }
    }

    /// Whether a person is asked: it is open, or a person put it off.
    pub fn is_asked(&self) -> bool {
        match self.state {
            ReviewState::Open => true,
            ReviewState::Postponed => self.waits_for().is_none(),
            ReviewState::Decided | ReviewState::Withdrawn => false,
        }
    }
}

/// The `choice` of whoever waits for the question with this subject.
pub(crate) fn waits_for(subject: &str) -> String {
    format!("{WAITS}{subject}")
}

/// Whether a `choice` says that it waits.
pub(crate) fn is_waiting(choice: &str) -> bool {
    choice.starts_with(WAITS)
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
    /// A side can hold a value only in part, or not at all.
    Lossy,
}

impl ReviewKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Conflict,
        Self::Ambiguous,
        Self::Rebind,
        Self::Deleted,
        Self::UnprovenCreate,
        Self::MassChange,
        Self::Refused,
        Self::Circle,
        Self::Lossy,
    ];
}

/// Where a review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// Waiting for a person.
    Open,
    /// Put off by a person, not asked again until something changes; or by ourselves, see [`Review::waits_for`].
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
    /// Only what waits for the answer to another question, see [`Review::waits_for`].
    pub waiting: bool,
    /// After this one, in the order of opening.
    pub after: Option<ReviewId>,
    /// At most so many; 0: no limit.
    pub limit: usize,
}
