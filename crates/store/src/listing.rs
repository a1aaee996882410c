//! Listings of one side: what is known of each record, and sweeps that can be resumed.

use jiff::Timestamp;
use record::{Entity, Read, RecordId};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{ConnectionName, Signal};

/// The hash of what no listing shows: of a record that was changed since the last one, so that the next is looked at closer
/// whatever it shows.
pub const NOT_LISTED: u64 = 0;

/// A key by which a record can be found again, such as `email` + its canonical form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// The kind of key.
    pub kind: String,
    /// Its canonical form.
    pub value: String,
}

/// What is known of a listed record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The row; dense small numbers, stable for the life of the record. For the bitmap of a sweep.
    pub row: i64,
    /// Hash of the record as the last listing showed it.
    pub list_hash: u64,
    /// It is dirty right now.
    pub dirty: bool,
}

/// A record as last read, with its keys.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Where.
    pub connection: ConnectionName,
    /// What.
    pub entity: Entity,
    /// The reading; kept until the record is linked, then only its keys are.
    pub read: Option<Read>,
    /// Which.
    pub record: RecordId,
    /// Its identity keys. Replaces all earlier ones.
    pub keys: Vec<Key>,
    /// Hash of the record as a listing shows it; `None` leaves it as it is.
    pub list_hash: Option<u64>,
}

/// A listed record that is new or differs from what was known.
#[derive(Debug, Clone)]
pub struct Listed {
    /// What to keep of it.
    pub snapshot: Snapshot,
    /// Mark it dirty.
    pub signal: Option<Signal>,
}

/// A full listing under way.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// Its number, growing.
    pub id: i64,
    /// Where to go on; `None`: from the start.
    pub cursor: Option<Json>,
    /// It was begun by an earlier process and is gone on with.
    pub resumed: bool,
    /// All pages are there already; only the unseen records and the end are missing.
    pub complete: bool,
    /// When it began.
    pub started: Timestamp,
    /// Records listed so far.
    pub listed: u64,
}

/// What one page of a sweep leaves behind.
#[derive(Debug, Clone)]
pub struct SweepPage {
    /// Which sweep.
    pub sweep: i64,
    /// Where.
    pub connection: ConnectionName,
    /// What.
    pub entity: Entity,
    /// Rows of records that were there and unchanged: only the sweep's bitmap remembers them.
    pub unchanged: Vec<i64>,
    /// Records that are new or changed; they count as seen too.
    pub changed: Vec<Listed>,
    /// Where to go on; `None`: this was the last page.
    pub cursor: Option<Json>,
    /// When its records were listed: their signals came then, whenever they are due.
    pub at: Timestamp,
}
