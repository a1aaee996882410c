//! What is logged because it lasts, such as an account that nobody signed in to: when it begins or
//! changes, and from then on once an hour. It is looked at far more often than it is worth telling.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use jiff::Timestamp;

/// How often a state that lasts is told again.
const AGAIN: Duration = Duration::from_secs(3600);

/// What was told of which thing, and when.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    told: Mutex<HashMap<String, (String, Timestamp)>>,
}

impl Notices {
    /// Whether this is to be told of `about` now. Then it counts as told.
    pub(crate) fn is_due(&self, about: &str, what: &str, now: Timestamp) -> bool {
        // A moment or a number of seconds in a text is no change.
        let what: String = what.chars().filter(|sign| !sign.is_ascii_digit()).collect();
        let mut told = self.told.lock().expect("no panic while held");
        let due = told.get(about).is_none_or(|(before, at)| {
            *before != what || at.saturating_add(AGAIN).is_ok_and(|again| again <= now)
        });
        if due {
            told.insert(about.to_owned(), (what, now));
        }
        due
    }

    /// Of all things whose name begins so, only these last. If another comes back, that is told at
    /// once.
    pub(crate) fn only_last(&self, beginning: &str, these: &[String]) {
        let mut told = self.told.lock().expect("no panic while held");
        told.retain(|about, _| !about.starts_with(beginning) || these.contains(about));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_told_when_it_begins_or_changes_and_hourly_while_it_lasts() {
        let notices = Notices::default();
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        assert!(notices.is_due("people", "not signed in", at(0)));
        assert!(!notices.is_due("people", "not signed in", at(15)));
        assert!(notices.is_due("others", "not signed in", at(15)));
        assert!(notices.is_due("people", "unreachable, again in 5 s", at(30)));
        assert!(!notices.is_due("people", "unreachable, again in 10 s", at(45)));
        assert!(!notices.is_due("people", "unreachable, again in 10 s", at(3629)));
        assert!(notices.is_due("people", "unreachable, again in 10 s", at(3630)));
        notices.only_last("peo", &[]);
        assert!(notices.is_due("people", "unreachable, again in 10 s", at(3640)));
        notices.only_last("peo", &["people".to_owned()]);
        assert!(!notices.is_due("people", "unreachable, again in 10 s", at(3650)));
    }
}
