//! Small numbers that stand for enums in the database. A number, once given, keeps its meaning.

use record::{Entity, Side};

use super::fault::{Fault, Outcome};
use crate::{
    ActOutcome, Actor, Error, IntentState, Lane, LinkState, PairDecision, PlanRowState, PlanState,
    ReviewKind, ReviewState, Role, RunKind, RunState, Scope, SignalSource, SkipReason,
    WorkflowRunState, WorkflowStepState,
};

/// An enum that is stored as a number.
pub(super) trait Code: Copy + Sized {
    /// The number.
    fn code(self) -> i64;

    /// The variant of a stored number.
    fn of_code(code: i64) -> Outcome<Self>;
}

macro_rules! codes {
    ($what:literal $type:ident { $($variant:ident = $code:literal),+ $(,)? }) => {
        impl Code for $type {
            fn code(self) -> i64 {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            fn of_code(code: i64) -> Outcome<Self> {
                match code {
                    $($code => Ok(Self::$variant),)+
                    _ => Err(Fault::Refused(Error::Corrupt {
                        what: $what,
                        why: format!("{code} is not known to this version"),
                    })),
                }
            }
        }
    };
}

codes!("entity" Entity {
    Contact = 1,
    Company = 2,
    Task = 3,
    Note = 4,
    Appointment = 5,
    Opportunity = 6,
});
codes!("state of a workflow run" WorkflowRunState {
    Queued = 0,
    Ready = 1,
    Waiting = 2,
    Asking = 3,
    Done = 4,
    Failed = 5,
    Stopped = 6,
    Cancelled = 7,
});
codes!("state of a workflow step" WorkflowStepState {
    Begun = 0,
    Done = 1,
    Failed = 2,
    Uncertain = 3,
});
codes!("role" Role { Viewer = 1, Editor = 2, Owner = 3 });
codes!("scope" Scope { Read = 0, Work = 1, Config = 2, Admin = 3 });
codes!("actor" Actor { User = 1, Token = 2, CommandLine = 3, Nobody = 4 });
codes!("outcome of an act" ActOutcome { Done = 0, Refused = 1, Failed = 2, Unknown = 3 });
codes!("side" Side { Left = 0, Right = 1 });
codes!("lane" Lane { Live = 0, Reconcile = 1, Backfill = 2 });
codes!("link state" LinkState { Active = 0, Suspended = 1, Parked = 2 });
codes!("decision" PairDecision { Link = 1, KeepApart = 2 });
codes!("intent state" IntentState { Open = 0, Unknown = 1, Asked = 2 });
codes!("review kind" ReviewKind {
    Conflict = 1,
    Ambiguous = 2,
    Rebind = 3,
    Deleted = 4,
    UnprovenCreate = 5,
    MassChange = 6,
    Refused = 7,
    Circle = 8,
    Lossy = 9,
});
codes!("review state" ReviewState { Open = 0, Postponed = 1, Decided = 2, Withdrawn = 3 });
codes!("reason to leave out" SkipReason {
    OutOfScope = 1,
    NotInPilot = 2,
    CreateOff = 3,
    CreateCondition = 4,
    NothingToWrite = 5,
    BelongsToNone = 6,
    Waiting = 7,
    LeftAlone = 8,
});
codes!("plan state" PlanState { Making = 0, Ready = 1, Applied = 2 });
codes!("state of a plan row" PlanRowState { Waiting = 0, Done = 1, LeftOut = 2, Question = 3 });
codes!("run kind" RunKind { Full = 1, Live = 2, Planned = 3 });
codes!("run state" RunState { Running = 0, Done = 1, Stopped = 2, Failed = 3, Interrupted = 4 });
codes!("signal source" SignalSource {
    Webhook = 0,
    Poll = 1,
    Sweep = 2,
    OwnWrite = 3,
    Person = 4,
    Link = 5,
    Workflow = 6,
});

/// The lanes, most urgent first.
pub(super) const LANES: [Lane; 3] = [Lane::Live, Lane::Reconcile, Lane::Backfill];

const SOURCES: [SignalSource; 7] = [
    SignalSource::Webhook,
    SignalSource::Poll,
    SignalSource::Sweep,
    SignalSource::OwnWrite,
    SignalSource::Person,
    SignalSource::Link,
    SignalSource::Workflow,
];

/// The bit of a source in a mask.
pub(super) fn source_bit(source: SignalSource) -> i64 {
    1 << source.code()
}

/// The sources in a mask; bits of newer versions are left out.
pub(super) fn sources_of(mask: i64) -> Vec<SignalSource> {
    SOURCES
        .into_iter()
        .filter(|source| mask & source_bit(*source) != 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_a_newer_version_is_an_error_and_not_a_guess() {
        assert_eq!(Entity::of_code(3).unwrap(), Entity::Task);
        assert!(Entity::of_code(99).is_err());
    }

    #[test]
    fn the_lane_numbers_are_in_the_order_of_work() {
        assert!(LANES.is_sorted());
        assert!(LANES.map(Code::code).is_sorted());
    }

    #[test]
    fn a_mask_keeps_each_source_once() {
        let mask = source_bit(SignalSource::Link) | source_bit(SignalSource::Webhook);
        assert_eq!(
            sources_of(mask | mask),
            [SignalSource::Webhook, SignalSource::Link]
        );
    }
}
