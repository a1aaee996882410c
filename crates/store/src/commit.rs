//! What a batch of reconciled records leaves behind, in one transaction.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    Blocked, Claim, IntentEnd, IntentId, Link, LinkId, NewJournalEntry, Pair, PairDecision, Review,
    ReviewId, ReviewState, RunId, Signal, Snapshot, SyncName, Tombstone,
};
use record::{Entity, RecordId, Side};

/// Everything that is to become true at once. Empty parts are left alone.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// When: the mark of reviews that are closed or withdrawn here, and of new signals.
    pub at: Option<Timestamp>,
    /// Links to insert or replace by id. A record that is in another link of the same sync makes the
    /// whole commit fail with [`crate::Error::AlreadyLinked`]. A new link withdraws the questions about who its
    /// records are (subject `left:ID` or `right:ID`), with the link as the reason.
    pub links: Vec<Link>,
    /// Links that ended; their blocked fields go too.
    pub ended: Vec<LinkId>,
    /// Tombstones to set.
    pub tombstones: Vec<Tombstone>,
    /// Tombstones to lift.
    pub lifted: Vec<(SyncName, Entity, Side, RecordId)>,
    /// Journal rows, in order.
    pub journal: Vec<NewJournalEntry>,
    /// Reviews to open. Where one of the same kind and subject is open, its details are replaced and
    /// its id stays; where one is postponed with equal details, nothing happens.
    pub reviews: Vec<Review>,
    /// Reviews to close, with the choice.
    pub closed_reviews: Vec<(ReviewId, ReviewState, Option<String>)>,
    /// Reviews that wait and have no object any more.
    pub withdrawn: Vec<crate::Question>,
    /// Blocked fields to set.
    pub blocked: Vec<Blocked>,
    /// Records that wait for the link of the record that they belong to. One that is there already wakes them at once.
    pub children: Vec<crate::Child>,
    /// Records that were looked at and left out.
    pub skipped: Vec<crate::Skipped>,
    /// Records that were looked at and are not left out any more; those of a link that is at work are not either. Before
    /// `skipped`.
    pub unskipped: Vec<(SyncName, Entity, Side, RecordId)>,
    /// Blocked fields to lift.
    pub unblocked: Vec<(LinkId, String, Side)>,
    /// Intents that end or go on.
    pub intents: Vec<(IntentId, IntentEnd)>,
    /// Decisions about pairs, to be remembered.
    pub decisions: Vec<(SyncName, Entity, Pair, PairDecision)>,
    /// Decisions about pairs that are forgotten. Before `decisions`.
    pub undecided: Vec<(SyncName, Entity, Pair)>,
    /// What is known of records now.
    pub snapshots: Vec<Snapshot>,
    /// Records that are proven gone: their snapshot and keys go.
    pub gone: Vec<(crate::ConnectionName, Entity, RecordId)>,
    /// New signals.
    pub signals: Vec<Signal>,
    /// Claims that are done; a newer generation stays dirty.
    pub settled: Vec<Claim>,
    /// Claims to be tried again.
    pub released: Vec<crate::Release>,
    /// Counts to add to a run.
    pub run: Option<(RunId, BTreeMap<String, i64>)>,
    /// Counts to add to the meters.
    pub meters: BTreeMap<String, i64>,
}
