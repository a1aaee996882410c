//! Writes that end without an answer again and again though the record can be read: trouble of the vendor
//! with just this input. After some spaced tries the fields are blocked, like refused ones, until
//! their value or the schema changes.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use record::Side;
use store::LinkId;

/// So many tries with the same input.
pub(crate) const TRIES: u32 = 5;

/// How many records are remembered.
const MOST: usize = 10_000;

struct Tried {
    input: u64,
    times: u32,
    last: Timestamp,
}

/// How often the same write was tried in vain. In memory: after a restart the tries begin anew.
#[derive(Default)]
pub(crate) struct Unanswered(Mutex<HashMap<(LinkId, Side), Tried>>);

impl Unanswered {
    fn with<T>(&self, with: impl FnOnce(&mut HashMap<(LinkId, Side), Tried>) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes a try, and says how many there were. Tries closer together than `apart` count as one: whoever
    /// signals the record often makes the vendor's trouble no older.
    pub(crate) fn note(
        &self,
        link: LinkId,
        side: Side,
        input: u64,
        now: Timestamp,
        apart: Duration,
    ) -> u32 {
        self.with(|all| {
            if all.len() >= MOST {
                all.clear();
            }
            let new = Tried {
                input,
                times: 0,
                last: Timestamp::MIN,
            };
            let tried = all.entry((link, side)).or_insert(new);
            if tried.input != input {
                *tried = Tried {
                    input,
                    times: 0,
                    last: Timestamp::MIN,
                };
            }
            if tried.last.saturating_add(apart).is_ok_and(|at| at <= now) {
                tried.times += 1;
                tried.last = now;
            }
            tried.times
        })
    }

    /// A write was answered, or is not tried any more.
    pub(crate) fn forget(&self, link: LinkId, side: Side) {
        self.with(|all| all.remove(&(link, side)));
    }
}
