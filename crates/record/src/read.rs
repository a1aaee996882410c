//! A record as it was read, and how good the reading is.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{FieldName, Fields, RecordId, Value};

/// One instance of an entity in one system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The system's id.
    pub id: RecordId,
    /// Raw typed values.
    pub fields: Fields,
}

/// A record together with how good the reading is.
///
/// Only a fresh and complete reading may decide anything; all others only say "look"
/// (one exception: the first create of an unlinked record may start from a complete listing).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// The record.
    pub record: Record,
    /// Whether it may be older than the moment of the call.
    pub freshness: Freshness,
    /// Whether every field of the schema that we may read is in it.
    pub completeness: Completeness,
    /// When the request that brought it was sent: it shows the record no older than this if fresh.
    pub as_of: Timestamp,
    /// When the system says the record was last changed, if it says so.
    pub modified: Option<Timestamp>,
    /// When the system says the record was made, if it says so.
    pub created: Option<Timestamp>,
    /// Why a field is unknown though the system shows something there, where that is known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unclear: BTreeMap<FieldName, Unclear>,
}

/// Something that a system shows and that has no one meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unclear {
    /// What is shown, what is wrong with it, and what a person can do about it.
    pub why: String,
    /// It means one of these. None: it means nothing.
    pub either: Vec<Value>,
}

impl Read {
    /// Whether this reading may decide what is written.
    pub fn decides(&self) -> bool {
        self.freshness == Freshness::Fresh && self.completeness == Completeness::Complete
    }

    /// Whether this reading shows more than `other` does of the same record: by the system's own stamps where they
    /// differ, for an index may lag behind what was read before; else by when they were asked for.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        match (self.modified, other.modified) {
            (Some(ours), Some(theirs)) if ours != theirs => ours > theirs,
            _ => self.as_of > other.as_of,
        }
    }
}

/// Whether a reading may lag behind the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// Read from the record itself.
    Fresh,
    /// Read from an index or a message that may lag.
    PossiblyStale,
}

/// Whether a reading has all fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    /// All readable fields are there; what is missing is unknown for good.
    Complete,
    /// A list item or a message body: fields may be missing or simplified.
    Partial,
}
