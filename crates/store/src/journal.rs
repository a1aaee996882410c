//! Every effect that Tandem had on any system.

use jiff::Timestamp;
use record::{Entity, Field, FieldName, RecordId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ConnectionName, LinkId, RunId, SignalSource, SyncName};

/// What set something off, carried along every hop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// One id for everything that followed from one edit.
    pub trace: Uuid,
    /// How we came to know.
    pub source: SignalSource,
    /// The connection and record where it began.
    pub origin: Option<(ConnectionName, RecordId)>,
    /// The syncs it has passed, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<SyncName>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// A record was made.
    Created,
    /// A field was written.
    Written,
    /// A record was deleted or archived.
    Removed,
    /// Two records were linked.
    Linked,
    /// A link ended.
    Unlinked,
    /// A value was first seen and decided on; nothing was written.
    Observed,
    /// A write was refused.
    Refused,
}

/// One row to be written to the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJournalEntry {
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub effect: Effect,
    /// Where.
    pub connection: ConnectionName,
    /// To what.
    pub entity: Entity,
    /// To which record.
    pub record: RecordId,
    /// To which field, if it was one.
    pub field: Option<FieldName>,
    /// The raw value before.
    pub before: Field,
    /// The raw value after.
    pub after: Field,
    /// The sync that did it.
    pub sync: Option<SyncName>,
    /// The link.
    pub link: Option<LinkId>,
    /// The mapping or rule, with the policy that decided: `email: newest`.
    pub rule: String,
    /// Why.
    pub cause: Cause,
    /// In which run.
    pub run: Option<RunId>,
    /// More in words, without values: how it was matched, why it was refused.
    pub note: Option<String>,
}

/// One row of the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalEntry {
    /// Its number, growing.
    pub seq: i64,
    /// Its values were removed because they are kept no longer.
    pub values_gone: bool,
    /// The row.
    pub entry: NewJournalEntry,
}

/// Which rows to list. `None` means all.
#[derive(Debug, Clone, Default)]
pub struct JournalFilter {
    /// Of this connection.
    pub connection: Option<ConnectionName>,
    /// Of this kind.
    pub entity: Option<Entity>,
    /// Of this record.
    pub record: Option<RecordId>,
    /// Of this field.
    pub field: Option<FieldName>,
    /// Of this link.
    pub link: Option<LinkId>,
    /// Of this sync.
    pub sync: Option<SyncName>,
    /// Of this run.
    pub run: Option<RunId>,
    /// Before this number (newest first).
    pub before: Option<i64>,
    /// At most so many; 0: no limit.
    pub limit: usize,
}
