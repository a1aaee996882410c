//! How much at once, where no vendor says: found out by trying.
//!
//! Requests in flight and records per request grow by one while all goes well, and are cut when
//! requests fail or take much longer than usual.

use std::{collections::HashMap, time::Duration};

/// What one request showed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observed {
    /// The operation's id; slowness is judged among requests of one operation and like size.
    pub(crate) operation: &'static str,
    /// How many records it was about.
    pub(crate) records: usize,
    /// When it was sent, by the steady clock.
    pub(crate) sent: Duration,
    /// How long it took.
    pub(crate) took: Duration,
    /// It failed in a way that too much load can cause.
    pub(crate) trouble: bool,
}

#[derive(Debug)]
pub(crate) struct Adaptive {
    most: usize,
    concurrency: f64,
    batch: Option<f64>,
    /// Requests sent before this say nothing new: the cut that they ask for was made.
    cut_at: Duration,
    usual: HashMap<(&'static str, u32), f64>,
    /// When the last answer came.
    last_answer: Option<Duration>,
    /// Requests sent before this had to open their connections first.
    warm_since: Duration,
}

/// After so long without an answer, connections are taken to be closed (the network transport keeps
/// unused ones for 20 s).
const COLD_AFTER: Duration = Duration::from_secs(20);

/// Slower than so many times the usual, and by at least half a second, is too slow.
const SLOW: f64 = 3.0;

impl Adaptive {
    pub(crate) fn new(most: usize) -> Self {
        let most = most.max(1);
        Self {
            most,
            concurrency: most as f64,
            batch: None,
            cut_at: Duration::ZERO,
            usual: HashMap::new(),
            last_answer: None,
            warm_since: Duration::ZERO,
        }
    }

    /// How many requests may be in flight for work that is not live.
    pub(crate) fn unhurried(&self) -> usize {
        if self.most == 1 {
            1
        } else {
            // one place stays free, so that live work never waits for a slow backfill request
            (self.concurrency as usize).clamp(1, self.most - 1)
        }
    }

    /// How many may be in flight for live work.
    pub(crate) fn live(&self) -> usize {
        (self.unhurried() + 1).min(self.most)
    }

    /// How many records to put into one request, at most `largest`.
    pub(crate) fn batch(&self, largest: usize) -> usize {
        self.batch
            .map_or(largest, |batch| largest.min(batch as usize).max(1))
    }

    /// Takes in what a request showed. Gives back how much later than usual it
    /// may have arrived.
    pub(crate) fn observe(&mut self, now: Duration, seen: Observed) -> Duration {
        let idle = self.last_answer.is_none_or(|last| now > last + COLD_AFTER);
        if idle {
            self.warm_since = now;
        }
        self.last_answer = Some(now);
        let took = seen.took.as_secs_f64();
        let key = (seen.operation, seen.records.max(1).ilog2());
        let usual = self.usual.get(&key).copied();
        if seen.trouble {
            self.cut(now, seen, 0.5);
            if seen.records > 1 {
                self.batch = Some((seen.records as f64 / 2.0).floor().max(1.0));
            }
            return Duration::ZERO;
        }
        if seen.sent < self.warm_since {
            return seen.took;
        }
        self.usual
            .insert(key, usual.map_or(took, |usual| usual * 0.9 + took * 0.1));
        let slow = usual.is_some_and(|usual| took > usual * SLOW && took > usual + 0.5);
        if slow {
            self.cut(now, seen, 0.8);
        } else {
            self.concurrency = (self.concurrency + 1.0 / self.concurrency).min(self.most as f64);
            self.grow_batch(seen.records);
        }
        Duration::from_secs_f64((took - usual.unwrap_or(0.0)).max(0.0))
    }

    fn grow_batch(&mut self, records: usize) {
        if let Some(batch) = &mut self.batch
            && records >= *batch as usize
        {
            *batch += 1.0;
        }
    }

    fn cut(&mut self, now: Duration, seen: Observed, factor: f64) {
        if seen.sent > self.cut_at {
            self.concurrency = (self.concurrency * factor).max(1.0);
            self.cut_at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(sent: u64, took_ms: u64, records: usize, trouble: bool) -> Observed {
        Observed {
            operation: "contacts.create",
            records,
            sent: Duration::from_secs(sent),
            took: Duration::from_millis(took_ms),
            trouble,
        }
    }

    #[test]
    fn trouble_halves_once_for_all_that_was_under_way_and_success_restores() {
        let mut adaptive = Adaptive::new(8);
        assert_eq!((adaptive.unhurried(), adaptive.live()), (7, 8));
        for _ in 0..5 {
            adaptive.observe(Duration::from_secs(10), seen(9, 100, 1, true));
        }
        assert_eq!((adaptive.unhurried(), adaptive.live()), (4, 5));
        for second in 11..60 {
            adaptive.observe(Duration::from_secs(second), seen(second, 100, 1, false));
        }
        assert_eq!(adaptive.unhurried(), 7);
    }

    #[test]
    fn a_request_much_slower_than_usual_lets_the_load_sink() {
        let mut adaptive = Adaptive::new(10);
        for second in 0..20 {
            adaptive.observe(Duration::from_secs(second), seen(second, 100, 1, false));
        }
        let late = adaptive.observe(Duration::from_secs(30), seen(25, 5_000, 1, false));
        assert_eq!(adaptive.unhurried(), 8);
        assert!(late > Duration::from_millis(4_800));
    }

    #[test]
    fn batches_shrink_when_big_ones_fail_and_grow_back() {
        let mut adaptive = Adaptive::new(2);
        assert_eq!(adaptive.batch(20), 20);
        adaptive.observe(Duration::from_secs(1), seen(0, 100, 20, true));
        assert_eq!(adaptive.batch(20), 10);
        for second in 2..30 {
            let records = adaptive.batch(20);
            adaptive.observe(
                Duration::from_secs(second),
                seen(second, 100, records, false),
            );
        }
        assert_eq!(adaptive.batch(20), 20);
        assert_eq!(adaptive.batch(1), 1);
    }
}
