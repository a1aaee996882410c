//! What is known of when a change was made.

use jiff::Timestamp;
use record::{Side, Sides};
use serde::{Deserialize, Serialize};

/// The time in which a change lies: later than `after`, not later than `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Interval {
    /// When the value was last seen unchanged. `None`: never.
    pub after: Option<Timestamp>,
    /// When it was first seen changed.
    pub until: Timestamp,
}

/// What is known of each side's change. `None`: nothing.
pub type Evidence = Sides<Option<Interval>>;

/// The side whose change is proven to be the later one: the two intervals must not overlap.
pub fn newer(evidence: &Evidence) -> Option<Side> {
    let (left, right) = (evidence.left?, evidence.right?);
    let before =
        |one: Interval, other: Interval| other.after.is_some_and(|after| one.until <= after);
    match (before(left, right), before(right, left)) {
        (true, false) => Some(Side::Right),
        (false, true) => Some(Side::Left),
        // they overlap, or one of them ends before it begins
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_intervals_apart_decide() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let interval = |after, until| {
            Some(Interval {
                after: Some(at(after)),
                until: at(until),
            })
        };
        let newer = |left, right| newer(&Sides::new(left, right));
        assert_eq!(newer(interval(1, 2), interval(2, 3)), Some(Side::Right));
        assert_eq!(newer(interval(5, 9), interval(2, 3)), Some(Side::Left));
        assert_eq!(newer(interval(1, 3), interval(2, 4)), None);
        assert_eq!(newer(interval(1, 3), None), None);
        let since_ever = Some(Interval {
            after: None,
            until: at(2),
        });
        assert_eq!(newer(since_ever, interval(2, 3)), Some(Side::Right));
        assert_eq!(newer(since_ever, interval(1, 3)), None);
    }
}
