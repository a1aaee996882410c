//! What grows with time, and how much of it is kept.

use jiff::Timestamp;
use serde::Serialize;

/// What grows with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// The log of vendor calls.
    Calls,
    /// The values of entries of the journal. The entries stay, in their order and with their causes.
    JournalValues,
    /// The entries of the journal.
    Journal,
    /// Questions that were answered or withdrawn.
    Reviews,
    /// Runs of syncs that have ended, with their counts.
    SyncRuns,
    /// Runs of workflows that have ended, with their steps, and the ids of events that were taken in.
    WorkflowRuns,
    /// What users, tokens and the command line did.
    Acts,
}

impl Kept {
    /// All of it.
    pub const ALL: [Self; 7] = [
        Self::Calls,
        Self::JournalValues,
        Self::Journal,
        Self::Reviews,
        Self::SyncRuns,
        Self::WorkflowRuns,
        Self::Acts,
    ];
}

/// How much of something is kept. What is older goes, and of the rest all but the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Of what.
    pub what: Kept,
    /// From when on.
    pub since: Timestamp,
    /// At most so many; `None`: as many as there are. Not told of values: their entries are counted.
    pub most: Option<u64>,
}

/// How much there is of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct KeptRows {
    /// Of what.
    pub what: Kept,
    /// How many: calls, entries of the journal (with values), reviews, runs.
    pub rows: u64,
    /// The oldest of them.
    pub oldest: Option<Timestamp>,
}

/// How much is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptNow {
    /// The size of the database, in bytes. On a file, with what is free in it and used again.
    pub bytes: u64,
    /// By what it is.
    pub rows: Vec<KeptRows>,
}
