//! What a run of probes found.

use std::collections::BTreeMap;

use connector::{Finding, Probe, ProbeError};
use jiff::Timestamp;
use record::{Entity, RecordId};
use serde::Serialize;
use serde_json::Value as Json;

/// A run, from its beginning to what it left.
#[derive(Debug, Clone, Serialize)]
pub struct ProbeReport {
    /// On which connection.
    pub connection: String,
    /// Its system.
    pub system: &'static str,
    /// What people call the system.
    pub title: &'static str,
    /// Where it was asked, if not at the vendor's own address: a simulated one, or something in between.
    pub address: Option<String>,
    /// The vendor's id of the account.
    pub account: Option<String>,
    /// What everything made carried; the cause of its calls in the log.
    pub marker: String,
    /// When it began.
    pub began: Timestamp,
    /// When everything was removed.
    pub ended: Timestamp,
    /// It was stopped before its end.
    pub stopped: bool,
    /// One for each probe.
    pub facts: Vec<Fact>,
    /// How many records, webhooks and other things were made and taken away again.
    pub removed: usize,
    /// For so many seconds after the end the vendor's search may still show what was removed; a sync that lists
    /// meanwhile could take it for people.
    pub lag_seconds: u64,
    /// What could not be removed.
    pub left: Vec<LeftOver>,
}

/// How one probe ended.
#[derive(Debug, Clone, Serialize)]
pub struct Fact {
    /// The probe.
    pub id: &'static str,
    /// What was asked.
    pub question: &'static str,
    /// Whether it is answered.
    pub outcome: ProbeOutcome,
    /// What was seen, or why there is no answer.
    pub seen: String,
    /// The sandbox's switches that match, with their values.
    pub switches: BTreeMap<&'static str, Json>,
}

/// Whether a question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeOutcome {
    /// It is.
    Settled,
    /// The account did not show it.
    Open,
    /// The connection lacks a right that it takes.
    NotAsked,
    /// A person did not allow it.
    Declined,
    /// A call failed.
    Failed,
    /// The run was stopped.
    Stopped,
}

/// A record that was made and is still there.
#[derive(Debug, Clone, Serialize)]
pub struct LeftOver {
    /// Its kind.
    pub entity: Entity,
    /// Its id; `None`: it is not known whether there is one.
    pub id: Option<RecordId>,
    /// Why it is still there.
    pub why: String,
}

impl Fact {
    pub(super) fn of(probe: &Probe, ended: Result<Finding, ProbeError>) -> Self {
        let (outcome, seen, switches) = match ended {
            Ok(finding) => {
                let outcome = match finding.settled {
                    true => ProbeOutcome::Settled,
                    false => ProbeOutcome::Open,
                };
                (outcome, finding.seen, finding.switches)
            }
            Err(error) => {
                let outcome = match &error {
                    ProbeError::Declined(_) => ProbeOutcome::Declined,
                    ProbeError::Stopped => ProbeOutcome::Stopped,
                    ProbeError::Lacking(_) => ProbeOutcome::NotAsked,
                    ProbeError::Failed(_) => ProbeOutcome::Failed,
                };
                (outcome, error.to_string(), Vec::new())
            }
        };
        Self {
            id: probe.id,
            question: probe.question,
            outcome,
            seen,
            switches: switches.into_iter().collect(),
        }
    }
}
