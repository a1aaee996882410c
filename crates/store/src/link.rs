//! Links, what stays of them, and fields that are blocked.

use std::collections::BTreeMap;

use jiff::Timestamp;
use record::{Entity, Fields, RecordId, Side};
use serde::{Deserialize, Serialize};

use crate::{ConnectionName, LinkId, SyncName};

/// Two records known to be the same thing, with the base: what was last seen on each side.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Its id.
    pub id: LinkId,
    /// Of which sync.
    pub sync: SyncName,
    /// What they are.
    pub entity: Entity,
    /// The record on the left.
    pub left: RecordId,
    /// The record on the right.
    pub right: RecordId,
    /// Whether it is worked on.
    pub state: LinkState,
    /// How it was matched, in words: `e-mail and name`, `created`, `by a person`.
    pub how: String,
    /// Raw values of the left's mapped fields as last agreed on or decided.
    pub base_left: Fields,
    /// Raw values of the right's mapped fields as last agreed on or decided.
    pub base_right: Fields,
    /// The revision of each mapping that the base belongs to; a mapping that is missing or of another
    /// revision has no base.
    pub revisions: BTreeMap<String, u64>,
    /// When the left was last read and compared.
    pub seen_left: Timestamp,
    /// When the right was last read and compared.
    pub seen_right: Timestamp,
    /// When we last wrote to the left.
    pub wrote_left: Option<Timestamp>,
    /// When we last wrote to the right.
    pub wrote_right: Option<Timestamp>,
    /// The vendor's change stamp of the left as of `seen_left`, if it has one. A listing or message
    /// that shows no later stamp shows nothing new.
    pub stamp_left: Option<Timestamp>,
    /// The vendor's change stamp of the right as of `seen_right`, if it has one.
    pub stamp_right: Option<Timestamp>,
    /// When it was made.
    pub created: Timestamp,
    /// Writes that were begun and of which no outcome is stored.
    pub underway: Vec<Underway>,
}

/// One mapping's write that was begun. It is stored before the request leaves: if the process ends, or no answer comes,
/// the next look knows what it finds as our own write and not as an edit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Underway {
    /// Which mapping.
    pub mapping: String,
    /// Its revision then.
    pub revision: u64,
    /// Which rule decided, for the journal.
    pub rule: String,
    /// What it does to the left.
    pub left: Half,
    /// What it does to the right.
    pub right: Half,
}

/// One side of a write that was begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Half {
    /// Whether this side is written to; the other one is where the value came from.
    pub written: bool,
    /// The raw values of the mapping's fields as read before.
    pub before: Fields,
    /// The raw values that this side has once the write took effect.
    pub after: Fields,
}

impl Underway {
    /// What it does to this side.
    pub fn half(&self, side: Side) -> &Half {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }
}

impl Link {
    /// The record on this side.
    pub fn record(&self, side: Side) -> &RecordId {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    /// The base of this side.
    pub fn base(&self, side: Side) -> &Fields {
        match side {
            Side::Left => &self.base_left,
            Side::Right => &self.base_right,
        }
    }
}

/// Whether a link is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Worked on.
    Active,
    /// One record left the scope of the sync; the base is kept until it comes back.
    Suspended,
    /// A review about the whole link is open (a record vanished): nothing is written.
    Parked,
}

/// Who is linked with whom, without what the two agreed on.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkedPair {
    /// Of which link.
    pub id: LinkId,
    /// What both are.
    pub entity: Entity,
    /// The record on the left.
    pub left: RecordId,
    /// The record on the right.
    pub right: RecordId,
    /// How it was matched, in words.
    pub how: String,
    /// Whether it is worked on.
    pub state: LinkState,
    /// When it was made.
    pub created: Timestamp,
}

/// What stays of a link that ended, or of a record that is to be left alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Tombstone {
    /// Of which sync.
    pub sync: SyncName,
    /// What it was.
    pub entity: Entity,
    /// On which side the record is (or was).
    pub side: Side,
    /// Which record.
    pub record: RecordId,
    /// Why, in words.
    pub why: String,
    /// Since when.
    pub at: Timestamp,
}

/// A mapped field of a link that the target refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Blocked {
    /// Of which sync.
    pub sync: SyncName,
    /// Of which link.
    pub link: LinkId,
    /// Which mapping.
    pub mapping: String,
    /// Which side refused.
    pub side: Side,
    /// What the vendor or we said, without the value.
    pub reason: String,
    /// Hash of the value that was refused: another value is tried again.
    pub value_hash: u64,
    /// Hash of the target's schema: another schema is tried again.
    pub schema_hash: u64,
    /// Since when.
    pub since: Timestamp,
    /// The record whose link it waits for. When that link is stored, the left record of the waiting
    /// link is signalled in the same commit; when it is there already, with the row itself.
    pub awaits: Option<Awaited>,
}

/// A record that something waits for until it is linked in the same sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// What it is.
    pub entity: Entity,
    /// On which side it is.
    pub side: Side,
    /// Which.
    pub record: RecordId,
    /// The connection of the sync's left: where the waiting record is signalled.
    pub wakes: ConnectionName,
}

/// A record without a link that cannot be made on the other side before the record that it belongs to is linked.
/// In the commit that stores that link it is signalled, and waits no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Of which sync.
    pub sync: SyncName,
    /// What it is.
    pub entity: Entity,
    /// On which side it is, and the record that it waits for too.
    pub side: Side,
    /// Which.
    pub record: RecordId,
    /// What it waits for.
    pub awaits_entity: Entity,
    /// Which record it waits for.
    pub awaits: RecordId,
    /// The connection on which it is signalled.
    pub wakes: ConnectionName,
    /// Since when it waits.
    pub since: Timestamp,
}

/// Two records of which a person (or a review) said something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pair {
    /// On the left.
    pub left: RecordId,
    /// On the right.
    pub right: RecordId,
}

/// What was decided about a pair, for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairDecision {
    /// They are one.
    Link,
    /// They are two.
    KeepApart,
}
