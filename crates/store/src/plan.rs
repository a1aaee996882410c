//! Plans that are kept: what a sync was shown to do, row by row, until it is done.

use jiff::Timestamp;
use record::{Entity, RecordId};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{PlanId, SyncName};

/// A plan as a whole; its rows are apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoredPlan {
    /// Its id.
    pub id: PlanId,
    /// Of which sync.
    pub sync: SyncName,
    /// Where it stands.
    pub state: PlanState,
    /// When it was made.
    pub made: Timestamp,
    /// What it says beside its rows; the engine knows the form.
    pub body: Json,
}

/// Where a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanState {
    /// It is being made; whoever finds it so later finds half a plan.
    Making,
    /// It can be applied.
    Ready,
    /// Applied: no row waits any more.
    Applied,
}

/// One row of a plan: one record or pair and what is to become of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanRow {
    /// Its place in the plan, from 1.
    pub number: u64,
    /// What the records are.
    pub entity: Entity,
    /// The record on the left.
    pub left: Option<RecordId>,
    /// The record on the right.
    pub right: Option<RecordId>,
    /// Where it stands.
    pub state: PlanRowState,
    /// Why it stands there, if that needs a word.
    pub note: Option<String>,
    /// What is to become of it; the engine knows the form.
    pub body: Json,
}

/// Where a row of a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanRowState {
    /// To be done.
    Waiting,
    /// Done.
    Done,
    /// Left out: what it followed from has changed since.
    LeftOut,
    /// A question for a person: there is nothing to be done.
    Question,
}
