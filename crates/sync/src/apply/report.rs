//! What is told of a plan that was carried out.

use std::collections::BTreeMap;

use record::{Entity, RecordId};
use serde::Serialize;
use store::{PlanRow, RunState};

/// What became of a plan.
#[derive(Debug, Clone, Serialize)]
pub struct PlanReport {
    /// The plan.
    pub plan: String,
    /// Of which sync.
    pub sync: String,
    /// The run that did it.
    pub run: String,
    /// `done`, or `stopped` because too many rows had changed.
    pub state: RunState,
    /// Why it was stopped.
    pub why: Option<String>,
    /// Rows that were looked at before anything was written.
    pub checked: u64,
    /// Of those, how many had changed.
    pub changed: u64,
    /// Rows that are carried out, by this run or one before.
    pub done: u64,
    /// Rows that were left out.
    pub left_out: u64,
    /// Rows that still wait: apply the plan once more.
    pub waiting: u64,
    /// Rows that are questions.
    pub questions: u64,
    /// What the run did, by name.
    pub counts: BTreeMap<String, i64>,
    /// The first rows that were left out or still wait, or that had changed when it was stopped, with the reason.
    pub rows: Vec<NamedRow>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// One row that was not carried out.
#[derive(Debug, Clone, Serialize)]
pub struct NamedRow {
    /// Its place in the plan.
    pub number: u64,
    /// What the records are.
    pub entity: Entity,
    /// The record on the left.
    pub left: Option<RecordId>,
    /// The record on the right.
    pub right: Option<RecordId>,
    /// Why.
    pub why: String,
}

pub(super) fn named(row: &PlanRow, why: String) -> NamedRow {
    NamedRow {
        number: row.number,
        entity: row.entity,
        left: row.left.clone(),
        right: row.right.clone(),
        why,
    }
}
