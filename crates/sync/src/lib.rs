//! The engine: it keeps the records of two connections the same by looking, never by forwarding.
//!
//! A signal only says *look* ([`intake`], [`poll`], [`sweep`]). A worker claims dirty records, reads
//! both sides, decides field by field against the base ([`decide`]), writes what differs ([`mod@write`])
//! and leaves links, journal and the settled signals in one commit ([`reconcile`]). Records without
//! a link are matched ([`identify`]) and linked, created ([`create`]) or asked about. What is not
//! known is looked up before anything is repeated ([`intents`]); what vanished is proven gone before
//! anything follows from it ([`gone`]).
//!
//! What a run would do can be seen before it does anything ([`plan`]), and exactly that can be carried out
//! ([`apply`]): by the same work, which then asks the plan before each effect ([`permit`]).
//!
//! No system is named in this crate.

mod options;

mod report;

mod blocked;

mod spread;

mod locks;

mod causes;

mod circles;

mod scope;

mod pair;

mod decide;

mod references;

mod witness;
mod write;

mod unanswered;

mod settle;

mod identify;

mod create;

mod children;

mod intents;

mod gone;

mod reconcile;

mod shared;

mod breaker;

mod standing;

mod intake;

mod poll;

mod listing;

mod sweep;

mod plan;

mod permit;

mod apply;

mod pilot;

mod resolve;

mod by_hand;

mod restored;

mod explain;

mod again;

mod measured;

mod run;

mod undo;

mod edit;

mod setup;

mod news;

mod notices;

mod engine;

mod error;

pub use again::{Again, TriedAgain};
pub use apply::{MOST_CHANGED, NamedRow, PlanReport};
pub use by_hand::{DecidedPair, NamedPair, PairsReport};
pub use edit::{Edit, EditError, Edited, EditedField, OtherRecord};
pub use engine::{Engine, EngineParts, Handle};
pub use error::Error;
pub use explain::{ExplainedField, Explanation};
pub use listing::ListingCost;
pub use measured::{Measured, measured};
pub use options::Options;
pub use pilot::{Extent, LARGEST_PILOT};
pub use plan::{Plan, PlanAwaiting, PlanSample, PlanSide, Planned, PlannedField, What};
pub use report::{
    After, BlockedAfter, BlockedRow, BlockedSumAfter, BlockedSumRow, FailingRecord, Heard, LinkRow,
    Progress, RunReport, Status, SyncStatus,
};
pub use restored::mark_restored;
pub use spread::Spread;
pub use sweep::SweepReport;
pub use undo::{KeptEffect, UndoPlan, UndoReport, UndoScope, UndoneField, UndoneRecord};
