//! The intent to create one record: durable before the call.

use jiff::Timestamp;
use record::{Entity, Fields, RecordId, Side};
use serde::{Deserialize, Serialize};

use crate::{Cause, IntentId, Key, SyncName};

/// One create that was begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// Its id.
    pub id: IntentId,
    /// For which sync.
    pub sync: SyncName,
    /// What is made.
    pub entity: Entity,
    /// On which side it is made.
    pub target: Side,
    /// From which record of the other side.
    pub source: RecordId,
    /// The source's mapped fields, raw, as they were decided on.
    pub source_fields: Fields,
    /// What was sent, raw.
    pub draft: Fields,
    /// Keys by which the made record can be found.
    pub keys: Vec<Key>,
    /// When it was begun; a record made earlier is not ours.
    pub opened: Timestamp,
    /// Where it stands.
    pub state: IntentState,
    /// Do not look before.
    pub look_after: Timestamp,
    /// How often was looked.
    pub looks: u32,
    /// What set it off.
    pub cause: Cause,
}

/// Where an intent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentState {
    /// The call may be under way. After a restart: like `Unknown`.
    Open,
    /// The call ended without an answer.
    Unknown,
    /// Could not be settled; a review is open.
    Asked,
}

/// How an intent ends or goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum IntentEnd {
    /// Made, adopted, refused or proven not made: the row goes.
    Closed,
    /// Still not known: look again after this. The first time (from [`IntentState::Open`]) no look has
    /// been made yet, later ones count as one.
    LookAfter(Timestamp),
    /// It could not be looked for; that is tried again after this and does not count as a look.
    Postponed(Timestamp),
    /// A person was asked.
    Asked,
}
