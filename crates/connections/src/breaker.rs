//! Stops calling an account that does not answer, so that its trouble stays its own.
//!
//! Pure: times are readings of the steady clock and are passed in.

use std::time::Duration;

/// So many failures in a row open it.
const FAILURES: u32 = 5;

const FIRST_PAUSE: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// A probe whose outcome never came back is given up after this long.
const PROBE_LOST: Duration = Duration::from_secs(120);

#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failed_in_a_row: u32,
    /// How often it opened since the last success.
    opened: u32,
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open {
        until: Duration,
    },
    Probing {
        since: Duration,
    },
}

/// What changed by an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing that anybody has to know.
    None,
    /// It opened; nothing is sent before then.
    Opened(Duration),
    /// It closed.
    Closed,
}

impl Breaker {
    /// Whether a request may go. `Err`: when it is worth asking again. The first one after a pause
    /// is the probe; the others wait for its outcome.
    pub(crate) fn admit(&mut self, now: Duration) -> Result<(), Duration> {
        match self.state {
            State::Closed => Ok(()),
            State::Open { until } if now < until => Err(until),
            State::Probing { since } if now < since + PROBE_LOST => {
                Err(now + Duration::from_secs(1))
            }
            State::Open { .. } | State::Probing { .. } => {
                self.state = State::Probing { since: now };
                Ok(())
            }
        }
    }

    /// An answer came.
    pub(crate) fn succeeded(&mut self) -> Change {
        let was = std::mem::take(self);
        if was.state == State::Closed {
            Change::None
        } else {
            Change::Closed
        }
    }

    /// No answer came, or one that says that nothing works.
    pub(crate) fn failed(&mut self, now: Duration) -> Change {
        self.failed_in_a_row += 1;
        let open = match self.state {
            State::Closed => self.failed_in_a_row >= FAILURES,
            State::Probing { .. } => true,
            // an answer to a request that was sent before it opened
            State::Open { .. } => false,
        };
        if !open {
            return Change::None;
        }
        let pause = (FIRST_PAUSE * 2_u32.pow(self.opened.min(8))).min(LONGEST_PAUSE);
        self.opened += 1;
        let until = now + pause;
        self.state = State::Open { until };
        Change::Opened(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn it_opens_after_failures_in_a_row_and_one_probe_closes_it() {
        let mut breaker = Breaker::default();
        for _ in 1..FAILURES {
            assert_eq!(breaker.failed(SECOND), Change::None);
        }
        assert_eq!(breaker.succeeded(), Change::None);
        for _ in 1..FAILURES {
            assert_eq!(breaker.failed(SECOND), Change::None);
        }
        let until = SECOND + FIRST_PAUSE;
        assert_eq!(breaker.failed(SECOND), Change::Opened(until));
        assert_eq!(breaker.admit(SECOND * 2), Err(until));
        assert_eq!(breaker.admit(until), Ok(()));
        assert!(breaker.admit(until).is_err(), "one probe at a time");
        assert_eq!(breaker.succeeded(), Change::Closed);
        assert_eq!(breaker.admit(until), Ok(()));
    }

    #[test]
    fn a_failed_probe_doubles_the_pause_and_a_lost_one_is_replaced() {
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES {
            breaker.failed(SECOND);
        }
        let until = SECOND + FIRST_PAUSE;
        breaker.admit(until).unwrap();
        assert_eq!(
            breaker.failed(until),
            Change::Opened(until + FIRST_PAUSE * 2)
        );
        let again = until + FIRST_PAUSE * 2;
        breaker.admit(again).unwrap();
        assert_eq!(breaker.admit(again + PROBE_LOST), Ok(()));
    }
}
