//! When a failed attempt is made again: a table, without I/O.

use std::time::Duration;

use connector::Effect;

/// Why an attempt brought no usable answer, as far as repeating it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It had no effect: it never arrived.
    NotSent,
    /// It may have had an effect.
    Unknown,
    /// Over the limit, without effect. The budget does the waiting.
    Throttled,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Try again after about this long (jitter is the caller's).
    After(Duration),
    /// It is over.
    GiveUp,
}

/// Who waits for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// Work that has time.
    Work,
    /// A person, who wants to know in seconds whether it can be reached.
    Person,
}

/// Attempts of one call in all, throttled ones not counted.
const ATTEMPTS: u32 = 5;

/// The same while a person waits: three within about three seconds.
const ATTEMPTS_FOR_A_PERSON: u32 = 3;

/// Throttled attempts of one call; more means that somebody else uses the limit up.
const THROTTLED: u32 = 10;

/// No new attempt after so long since the first.
const LONGEST: Duration = Duration::from_secs(120);

const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Decides after `failed` failures of this call (this one included), `elapsed` since it began.
/// Reads are repeated freely; writes only when they are known not to have happened.
pub(crate) fn next(
    failure: Failure,
    effect: Effect,
    waiting: Waiting,
    failed: u32,
    elapsed: Duration,
) -> Next {
    let most = match (failure, effect, waiting) {
        (Failure::Unknown, Effect::Write, _) => return Next::GiveUp,
        (Failure::Throttled, _, _) => THROTTLED,
        (Failure::Unknown | Failure::NotSent, _, Waiting::Work) => ATTEMPTS,
        (Failure::Unknown | Failure::NotSent, _, Waiting::Person) => ATTEMPTS_FOR_A_PERSON,
    };
    if failed >= most {
        return Next::GiveUp;
    }
    if failure == Failure::Throttled {
        return Next::After(Duration::ZERO);
    }
    let wait = FIRST_WAIT * 4_u32.pow(failed.saturating_sub(1).min(3));
    if elapsed + wait > LONGEST {
        return Next::GiveUp;
    }
    Next::After(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(failure: Failure, effect: Effect, failed: u32, elapsed: Duration) -> Next {
        super::next(failure, effect, Waiting::Work, failed, elapsed)
    }

    #[test]
    fn a_write_is_repeated_only_when_it_did_not_happen() {
        let none = Duration::ZERO;
        assert_eq!(next(Failure::Unknown, Effect::Write, 1, none), Next::GiveUp);
        assert_eq!(
            next(Failure::NotSent, Effect::Write, 1, none),
            Next::After(FIRST_WAIT)
        );
        assert_eq!(
            next(Failure::Throttled, Effect::Write, 1, none),
            Next::After(none)
        );
        assert_eq!(
            next(Failure::Unknown, Effect::Read, 2, none),
            Next::After(FIRST_WAIT * 4)
        );
    }

    #[test]
    fn it_ends_by_number_and_by_time() {
        assert_eq!(
            next(Failure::NotSent, Effect::Read, ATTEMPTS, Duration::ZERO),
            Next::GiveUp
        );
        assert_eq!(
            next(Failure::Unknown, Effect::Read, 1, LONGEST),
            Next::GiveUp
        );
        assert_eq!(
            next(Failure::Throttled, Effect::Read, THROTTLED, Duration::ZERO),
            Next::GiveUp
        );
        let for_a_person = |failed| {
            super::next(
                Failure::NotSent,
                Effect::Read,
                Waiting::Person,
                failed,
                Duration::ZERO,
            )
        };
        assert_ne!(for_a_person(2), Next::GiveUp);
        assert_eq!(for_a_person(3), Next::GiveUp);
    }
}
