//! Signals and the table of dirty records that they end in.

use jiff::Timestamp;
use record::{Entity, RecordId};
use serde::{Deserialize, Serialize};

use crate::{Cause, ConnectionName};

/// The priority of work. The order of the variants is the order of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Somebody just edited something.
    Live,
    /// Checking and retrying.
    Reconcile,
    /// First syncs and mass changes.
    Backfill,
}

/// What made us look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalSource {
    /// The vendor pushed it.
    Webhook,
    /// A delta read found it.
    Poll,
    /// A full listing found it.
    Sweep,
    /// We wrote the record, or read something back that we did not expect.
    OwnWrite,
    /// A person asked for it: a decided review, a command.
    Person,
    /// Another record of the link needs it.
    Link,
    /// A workflow edits it.
    Workflow,
}

/// "This record may have changed."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Where.
    pub connection: ConnectionName,
    /// What.
    pub entity: Entity,
    /// Which.
    pub record: RecordId,
    /// How urgent.
    pub lane: Lane,
    /// From where we know.
    pub source: SignalSource,
    /// A fetch that shows it older than this must be tried again later.
    pub not_older_than: Option<Timestamp>,
    /// Not to be worked on before.
    pub due: Timestamp,
    /// What set it off, if it was a write of ours.
    pub cause: Option<Cause>,
}

/// A verified webhook on its way into the table of dirty records.
#[derive(Debug, Clone)]
pub struct DeliveryRow {
    /// For which connection.
    pub connection: ConnectionName,
    /// The vendor's delivery id; a repeat is dropped.
    pub delivery: Option<String>,
    /// The event's name.
    pub event: String,
    /// What may have changed.
    pub signals: Vec<Signal>,
    /// When it came in.
    pub at: Timestamp,
}

/// What became of a delivery. It is durable when this is returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// Taken in.
    New,
    /// Its id was seen before.
    Duplicate,
    /// The backlog is at its limit; nothing was stored.
    Full,
}

/// Which dirty records a worker wants.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// Of these connections.
    pub connections: Vec<ConnectionName>,
    /// None of these, whatever is due there.
    pub except: Vec<(ConnectionName, Entity)>,
    /// At most so many. All claims returned are of one connection and entity, so that they can be
    /// fetched in batches: the one with the most urgent and oldest due record; in a backfill, parents
    /// before children.
    pub limit: usize,
    /// Only records due by now.
    pub now: Timestamp,
    /// Nobody else gets them until then.
    pub lease_until: Timestamp,
    /// Only this lane and more urgent ones.
    pub lane: Lane,
}

/// A dirty record that this worker may work on until the lease ends.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Where.
    pub connection: ConnectionName,
    /// What.
    pub entity: Entity,
    /// Which.
    pub record: RecordId,
    /// Settling this generation leaves the record dirty if a newer signal came meanwhile.
    pub generation: u64,
    /// How urgent.
    pub lane: Lane,
    /// Everything that signalled it since it was last clean.
    pub sources: Vec<SignalSource>,
    /// The latest of the signals' marks.
    pub not_older_than: Option<Timestamp>,
    /// When the first of the signals came: the time of its delivery, commit or sweep, else its due time.
    pub first_signalled: Timestamp,
    /// When the last of the signals came.
    pub last_signalled: Timestamp,
    /// How often it was given back.
    pub attempts: u32,
    /// What set off the latest signal that had a cause.
    pub cause: Option<Cause>,
}

/// A claim given back to be tried again.
#[derive(Debug, Clone)]
pub struct Release {
    /// Which.
    pub claim: Claim,
    /// Not before.
    pub due: Timestamp,
    /// Why, for the list of errors; no record values. `None`: not an error.
    pub error: Option<String>,
    /// It could not even be tried: a vendor's limit is used up until then. That counts as no attempt.
    pub put_off: bool,
}
