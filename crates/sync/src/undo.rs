//! Putting back what Tandem did: a field, a record, a run, a span of time.
//!
//! The journal says what was written and what it replaced, on the side that was written and on the side that the value
//! came from. First a plan: what each side holds now, and what it gets back. What a person changed since stays, and is
//! listed. Then the rows of just this plan are carried out on the same way as every other write, to both sides and the base,
//! so that nothing brings the undone values back.

mod carry_out;
mod survey;

use jiff::Timestamp;
use record::{Entity, Fields, RecordId};
use serde::{Deserialize, Serialize};
use store::{ConnectionName, LinkId, RunId, SyncName};

use crate::{Error, engine::Core};

/// What to put back. At least one part has to be said; all that are said must hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndoScope {
    /// Effects of this sync.
    pub sync: Option<SyncName>,
    /// Effects that belong to this run.
    pub run: Option<RunId>,
    /// Effects on records of this connection.
    pub connection: Option<ConnectionName>,
    /// On records of this kind.
    pub entity: Option<Entity>,
    /// On this record.
    pub record: Option<RecordId>,
    /// On this field, as its connection calls it.
    pub field: Option<String>,
    /// Not before this moment.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

/// What an undo would do.
#[derive(Debug, Clone, Default, Serialize)]
pub struct UndoPlan {
    /// Changes when anything else of the plan does.
    pub fingerprint: String,
    /// Fields that get a value back.
    pub fields: Vec<UndoneField>,
    /// Records that were made and are removed.
    pub records: Vec<UndoneRecord>,
    /// What stays as it is, each with the reason.
    pub kept: Vec<KeptEffect>,
}

/// A mapped field of a pair that gets a value back.
#[derive(Debug, Clone, Serialize)]
pub struct UndoneField {
    /// The sync.
    pub sync: SyncName,
    /// What the records are.
    pub entity: Entity,
    /// The link.
    pub link: LinkId,
    /// The record on the left.
    pub left: RecordId,
    /// The record on the right.
    pub right: RecordId,
    /// The mapping.
    pub mapping: String,
    /// What the left holds now.
    pub left_now: Fields,
    /// What it gets back; empty if it stays.
    pub left_back: Fields,
    /// What the right holds now.
    pub right_now: Fields,
    /// What it gets back; empty if it stays.
    pub right_back: Fields,
}

/// A record that Tandem made and that is removed.
#[derive(Debug, Clone, Serialize)]
pub struct UndoneRecord {
    /// The sync.
    pub sync: SyncName,
    /// What it is.
    pub entity: Entity,
    /// The link that ends.
    pub link: LinkId,
    /// Where it is removed.
    pub connection: ConnectionName,
    /// Which.
    pub record: RecordId,
    /// The connection of the record that it was made from, which stays.
    pub source_connection: ConnectionName,
    /// The record that it was made from.
    pub source: RecordId,
    /// It is archived, not deleted.
    pub archived: bool,
}

/// An effect that is not undone.
#[derive(Debug, Clone, Serialize)]
pub struct KeptEffect {
    /// The sync.
    pub sync: SyncName,
    /// Where.
    pub connection: ConnectionName,
    /// What.
    pub entity: Entity,
    /// Which.
    pub record: RecordId,
    /// The mapping, if it is about one.
    pub mapping: Option<String>,
    /// Why it stays.
    pub why: String,
}

/// What an undo did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct UndoReport {
    /// Fields that got a value back.
    pub fields: u64,
    /// Records that were removed.
    pub records: u64,
    /// What stayed, each with the reason.
    pub kept: Vec<KeptEffect>,
}

/// What an undo would do now. Reads both sides; writes nothing.
pub(crate) async fn plan(core: &Core, scope: &UndoScope) -> Result<UndoPlan, Error> {
    survey::survey(core, scope).await.map(|found| found.plan)
}

/// Carries out an undo, if its plan is still the one with this fingerprint.
pub(crate) async fn undo(
    core: &Core,
    scope: &UndoScope,
    fingerprint: &str,
) -> Result<UndoReport, Error> {
    let found = survey::survey(core, scope).await?;
    if found.plan.fingerprint != fingerprint {
        return Err(Error::Overtaken);
    }
    carry_out::carry_out(core, found).await
}
