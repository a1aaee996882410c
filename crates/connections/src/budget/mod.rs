//! The requests that a connection may still make, shared by all work on it.
//!
//! All limits hold at once: the vendor's windows (documented, or announced with an answer), its day,
//! the operator's own windows, and requests in flight. [`Lane::Live`] goes before
//! [`Lane::Reconcile`] before [`Lane::Backfill`]; all but live work is spread evenly and leaves a
//! little free, so that live work finds the next free place within a moment.

mod adaptive;
mod core;
mod daily;
#[cfg(test)]
mod tests;
mod window;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connector::{Announced, Effect, Limits, Window};
use jiff::Timestamp;
use store::Lane;
use tokio::sync::Notify;

pub(crate) use self::adaptive::Observed;
use self::core::{Core, Ticket, Turn};
use crate::Clock;

/// What the budget may take for granted about the time before this process.
#[derive(Debug, Clone, Default)]
pub struct Restart {
    /// Nothing was ever sent on this connection before, so nothing is assumed spent.
    pub fresh: bool,
    /// Earlier calls, as the call log has them: when, and how many. They count in windows longer
    /// than a minute; shorter ones are assumed spent.
    pub earlier: Vec<(Timestamp, u32)>,
    /// All calls of the last minutes, if the process before ended in order and so knew them all: then
    /// short windows are counted by them instead of being assumed spent.
    pub recent: Option<Vec<Sent>>,
}

/// Calls of one second that a process before this one sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// The end of the second.
    pub at: Timestamp,
    /// What they were: some windows count only reads, writes or sign-ins.
    pub effect: Effect,
    /// How many.
    pub requests: u32,
}

/// How much of one limit of a connection is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetUse {
    /// The time that the limit is about.
    pub per: Duration,
    /// Which requests it counts; `None`: all.
    pub effect: Option<Effect>,
    /// How many may be sent in that time.
    pub requests: u32,
    /// How many were.
    pub used: u32,
}

/// The connection may make no call for longer than the caller would wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the vendor's limit is used up until {until}")]
pub(crate) struct Exhausted {
    pub(crate) until: Timestamp,
}

/// A turn to send one request. Give it back with [`Permit::finish`]; dropping it counts as well.
pub(crate) struct Permit {
    budget: Arc<Budget>,
    effect: Effect,
    sent: Duration,
}

/// One connection's budget.
pub(crate) struct Budget {
    core: Mutex<Core>,
    clock: Arc<dyn Clock>,
}

/// Room for earlier calls before the steady clock's beginning.
const BEFORE: Duration = Duration::from_secs(100 * 86_400);

impl Budget {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        limits: &Limits,
        own: &[Window],
        restart: &Restart,
    ) -> Arc<Self> {
        let mut core = Core::new(limits, own);
        let now = clock.steady() + BEFORE;
        let steady = |at: &Timestamp| {
            let age = Duration::try_from(clock.now().duration_since(*at)).unwrap_or_default();
            now.saturating_sub(age)
        };
        match &restart.recent {
            Some(recent) => {
                for sent in recent {
                    core.recently(steady(&sent.at), sent.effect, sent.requests);
                }
            }
            None if restart.fresh => {}
            None => core.assume_spent(now),
        }
        for (at, requests) in &restart.earlier {
            core.earlier(steady(at), *requests);
        }
        Arc::new(Self {
            core: Mutex::new(core),
            clock,
        })
    }

    /// Waits for a turn, unless the vendor's limit is used up for longer than `patience`.
    /// Dropping the future leaves the queue.
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        lane: Lane,
        effect: Effect,
        patience: Duration,
    ) -> Result<Permit, Exhausted> {
        let wake = Arc::new(Notify::new());
        let mut place = Place {
            budget: self,
            ticket: Some(self.core().join(lane, effect, Arc::clone(&wake))),
        };
        loop {
            let now = self.time();
            let turn = {
                let mut core = self.core();
                if let Some(until) = core.blocked_until(now, lane, effect)
                    && until > now + patience
                {
                    let until = self.timestamp(until, now);
                    return Err(Exhausted { until });
                }
                place.take(&mut core, now)
            };
            match turn {
                Turn::Now => {
                    return Ok(Permit {
                        budget: Arc::clone(self),
                        effect,
                        sent: now,
                    });
                }
                Turn::At(at) => {
                    tokio::select! {
                        () = wake.notified() => {}
                        () = self.clock.sleep(at.saturating_sub(now)) => {}
                    }
                }
                Turn::Later => wake.notified().await,
            }
        }
    }

    /// Takes in what an answer that took so long said of the limits.
    pub(crate) fn announce(&self, took: Duration, said: Announced) {
        let now = self.time();
        let day_ends = said
            .daily_reset
            .and_then(|at| Duration::try_from(at.duration_since(self.clock.now())).ok())
            .map(|wait| now + wait);
        self.core().announce(now, took, said, day_ends);
    }

    /// The vendor refused a request as one too many that no turn was taken for.
    pub(crate) fn exceeded(
        &self,
        effect: Effect,
        operation: &'static str,
        wait: Option<Duration>,
        daily: bool,
    ) {
        let now = self.time();
        let seen = Observed {
            operation,
            records: 1,
            sent: now,
            took: Duration::ZERO,
            trouble: true,
        };
        self.core().throttled(now, effect, seen, wait, daily);
    }

    /// Until when nothing of this kind goes out, if that is longer than a call would wait.
    pub(crate) fn used_up_until(
        &self,
        lane: Lane,
        effect: Effect,
        patience: Duration,
    ) -> Option<Timestamp> {
        let now = self.time();
        let until = self.core().blocked_until(now, lane, effect)?;
        (until > now + patience).then(|| self.timestamp(until, now))
    }

    /// How many records to put into one request, at most `largest`.
    pub(crate) fn batch(&self, largest: usize) -> usize {
        self.core().adaptive.batch(largest)
    }

    /// Requests per second that a backfill may make, if a limit is known.
    pub(crate) fn rate(&self) -> Option<f64> {
        self.core().rate()
    }

    /// The limits that hold now.
    pub(crate) fn windows(&self) -> Vec<connector::Window> {
        self.core().windows()
    }

    /// How much of each limit is used.
    pub(crate) fn used(&self) -> Vec<BudgetUse> {
        let now = self.time();
        let used = self.core().used(now);
        used.into_iter()
            .map(|(window, used)| BudgetUse {
                per: window.per,
                effect: window.effect,
                requests: window.requests,
                used: used.min(window.requests),
            })
            .collect()
    }

    fn time(&self) -> Duration {
        self.clock.steady() + BEFORE
    }

    fn timestamp(&self, at: Duration, now: Duration) -> Timestamp {
        jiff::SignedDuration::try_from(at.saturating_sub(now))
            .ok()
            .and_then(|wait| self.clock.now().saturating_add(wait).ok())
            .unwrap_or(Timestamp::MAX)
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue that is given up when dropped.
struct Place<'a> {
    budget: &'a Budget,
    ticket: Option<Ticket>,
}

impl Place<'_> {
    fn take(&mut self, core: &mut Core, now: Duration) -> Turn {
        let turn = self
            .ticket
            .as_ref()
            .map_or(Turn::Later, |ticket| core.take(ticket, now));
        if turn == Turn::Now {
            self.ticket = None;
        }
        turn
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.budget.core().leave(&ticket);
        }
    }
}

impl Permit {
    /// Ends the turn and says how the request went.
    pub(crate) fn finish(self, operation: &'static str, records: usize, trouble: bool) {
        let now = self.budget.time();
        let seen = self.seen(now, operation, records, trouble);
        self.budget.core().observe(now, self.effect, seen);
    }

    /// Ends the turn of a request that the vendor refused as one too many.
    pub(crate) fn throttled(
        self,
        operation: &'static str,
        records: usize,
        wait: Option<Duration>,
        daily: bool,
    ) {
        let now = self.budget.time();
        let seen = self.seen(now, operation, records, true);
        self.budget
            .core()
            .throttled(now, self.effect, seen, wait, daily);
    }

    fn seen(
        &self,
        now: Duration,
        operation: &'static str,
        records: usize,
        trouble: bool,
    ) -> Observed {
        Observed {
            operation,
            records,
            sent: self.sent,
            took: now.saturating_sub(self.sent),
            trouble,
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.budget.core().release();
    }
}
