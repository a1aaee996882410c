//! What the engine tells people.

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::Timestamp;
use record::{Entity, RecordId, Side};
use serde::Serialize;
use store::{BlockedPlace, BlockedSumPlace, LinkState, NoPlace, Overview, RunState, SyncName};

/// How far a full run is.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Progress {
    /// What is being done: `listing`, `syncing`, `done`.
    pub phase: &'static str,
    /// Records listed on the left.
    pub listed_left: u64,
    /// Records listed on the right.
    pub listed_right: u64,
    /// Records on the left, if the system says so.
    pub total_left: Option<u64>,
    /// Records on the right, if the system says so.
    pub total_right: Option<u64>,
    /// Dirty records that there were after listing.
    pub to_do: u64,
    /// Of those, worked off.
    pub done: u64,
}

/// What a full run did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunReport {
    /// Its id.
    pub run: String,
    /// Of which sync.
    pub sync: String,
    /// How it ended.
    pub state: RunState,
    /// Counts by name.
    pub counts: BTreeMap<String, i64>,
    /// Records listed: left and right.
    pub listed: (u64, u64),
    /// Dirty records that could not be worked off yet, with the reason in `tandem status`.
    pub failing: u64,
    /// Why the sync stands still, if it does.
    pub stopped: Option<String>,
    /// It stands still because it would change more than its limit.
    pub over_limit: bool,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// One link as people see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LinkRow {
    /// Its id.
    pub id: String,
    /// What they are.
    pub entity: Entity,
    /// The record on the left.
    pub left: RecordId,
    /// The record on the right.
    pub right: RecordId,
    /// How it was matched.
    pub how: String,
    /// Whether it is worked on.
    pub state: LinkState,
    /// Since when.
    pub created: Timestamp,
}

/// What the whole looks like.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// Each sync.
    pub syncs: Vec<SyncStatus>,
    /// How changes are found, by connection.
    pub changes: BTreeMap<String, Heard>,
    /// Counts of what waits.
    #[serde(flatten)]
    pub overview: Overview,
    /// Dirty records whose last try failed, the oldest first, at most 100.
    pub failing_records: Vec<FailingRecord>,
}

/// One sync.
#[derive(Debug, Clone, Serialize)]
pub struct SyncStatus {
    /// Its name.
    pub name: String,
    /// The connection on the left.
    pub left: String,
    /// The connection on the right.
    pub right: String,
    /// `new` (never run), `pilot`, `running`, `rematching` (after a restore), `paused` or `not ready`.
    pub state: &'static str,
    /// Why it is paused or not ready.
    pub why: Option<String>,
    /// Mappings that are paused because their field is not there, with the reason; and as `KIND/*` all of a kind that
    /// could not be listed so far, because a connection lacks the right to.
    pub paused_mappings: BTreeMap<String, String>,
    /// How many records wait for the record that they belong to, by kind.
    pub waiting: BTreeMap<String, u64>,
    /// Listings that cost more than pages, or are needed for more than what no signal told.
    pub listings: Vec<crate::ListingCost>,
    /// When the left was last listed whole.
    pub swept_left: Option<Timestamp>,
    /// When the right was last listed whole.
    pub swept_right: Option<Timestamp>,
    /// What the meters say.
    #[serde(flatten)]
    pub measured: crate::Measured,
}

/// How we come to know what people change at a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Heard {
    /// The system can tell of most changes by itself, and has an address to tell them to; whether it does is another
    /// question. Polls find what it does not tell of.
    pub webhooks: bool,
    /// How often we ask what changed, in milliseconds; `None`: the system cannot be asked, only listed.
    pub polled_every_ms: Option<u64>,
    /// When the last poll that succeeded began; of several entities the oldest. All that was changed before is
    /// known.
    pub polled: Option<Timestamp>,
    /// How long ago that was, in milliseconds: without webhooks, so much may have been changed unnoticed.
    pub behind_ms: Option<u64>,
}

/// A field that does not cross at the moment, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BlockedRow {
    /// The sync.
    pub sync: String,
    /// What the records are.
    pub entity: Entity,
    /// The mapping.
    pub mapping: String,
    /// The connection that does not take it.
    pub connection: String,
    /// The record on the left.
    pub left: RecordId,
    /// The record on the right.
    pub right: RecordId,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// The record of the other side that has to be linked first, if that is what it waits for.
    pub awaits: Option<RecordId>,
    /// Its place in the list: the next page begins after it.
    pub cursor: String,
}

/// A field that does not cross for one reason, and of how many records.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BlockedSumRow {
    /// The sync.
    pub sync: String,
    /// What the records are.
    pub entity: Entity,
    /// The mapping.
    pub mapping: String,
    /// The side that does not take it.
    pub side: Side,
    /// Its connection.
    pub connection: String,
    /// Of how many linked pairs.
    pub records: u64,
    /// Why.
    pub reason: String,
    /// Since when the first of them is blocked.
    pub since: Timestamp,
    /// Its place in the list: the next page begins after it.
    pub cursor: String,
}

/// A place in a list that goes through all syncs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After<Place> {
    /// Of which sync.
    pub sync: SyncName,
    /// Where in it.
    pub place: Place,
}

/// A place among the blocked fields of all syncs.
pub type BlockedAfter = After<BlockedPlace>;

/// The same where each field stands once for each reason.
pub type BlockedSumAfter = After<BlockedSumPlace>;

impl<Place: fmt::Display> fmt::Display for After<Place> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.sync, self.place)
    }
}

impl<Place: FromStr<Err = NoPlace>> FromStr for After<Place> {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (sync, place) = text.split_once('/').ok_or(NoPlace)?;
        Ok(Self {
            sync: SyncName::from(sync),
            place: place.parse()?,
        })
    }
}

/// A dirty record whose last try failed.
#[derive(Debug, Clone, Serialize)]
pub struct FailingRecord {
    /// On which connection.
    pub connection: String,
    /// What it is.
    pub entity: Entity,
    /// Which.
    pub record: RecordId,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last try failed.
    pub error: String,
}
