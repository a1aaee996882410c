//! One sliding window: which requests went out in the last span, and when one more may.
//!
//! A log of sends, not a bucket that refills: a bucket lets twice the limit through around a pause.
//! Sends are kept by grain of 1/2048 of the span, each rounded up to the grain's end, so memory is
//! bounded and rounding only ever makes us slower.

use std::{collections::BTreeMap, time::Duration};

use connector::{Effect, Window};

/// Windows up to this length are spread evenly for unhurried work and assumed spent after a restart.
pub(crate) const BURST: Duration = Duration::from_secs(60);

/// Windows from this length on are a vendor's day.
pub(crate) const DAY: Duration = Duration::from_secs(12 * 3600);

const GRAINS: u64 = 2048;

/// The sends that one window counts. Times are readings of the steady clock.
#[derive(Debug)]
pub(crate) struct Log {
    window: Window,
    span: u64,
    grain: u64,
    /// Sends by the grain in which they are counted.
    sends: BTreeMap<u64, u32>,
    used: u32,
    /// Until when a place of a short window is kept free, because live work was at it lately.
    kept_until: u64,
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Log {
    pub(crate) fn new(window: Window) -> Self {
        // the vendor counts arrivals, we count sends: an allowance for unequal ways
        let allowance = (window.per / 100).clamp(Duration::from_millis(50), Duration::from_secs(2));
        let span = nanos(window.per + allowance);
        Self {
            window: Window {
                requests: window.requests.max(1),
                ..window
            },
            span,
            grain: (span / GRAINS).max(1),
            sends: BTreeMap::new(),
            used: 0,
            kept_until: 0,
        }
    }

    pub(crate) fn window(&self) -> Window {
        self.window
    }

    /// Sets another limit for the same span.
    pub(crate) fn set_requests(&mut self, requests: u32) {
        self.window.requests = requests.max(1);
    }

    /// Makes it a window of another length that has seen the same sends.
    pub(crate) fn stretch(&mut self, per: Duration) {
        let mut other = Self::new(Window { per, ..self.window });
        for (grain, count) in &self.sends {
            other.add(Duration::from_nanos(grain * self.grain), *count);
        }
        other.kept_until = self.kept_until;
        *self = other;
    }

    /// Whether the window counts requests of this effect.
    pub(crate) fn counts(&self, effect: Effect) -> bool {
        self.window.effect.is_none_or(|only| only == effect)
    }

    pub(crate) fn is_burst(&self) -> bool {
        self.window.per <= BURST
    }

    pub(crate) fn is_day(&self) -> bool {
        self.window.per >= DAY
    }

    /// How many sends the span may hold: all for live work, 1 % less for all else where that leaves
    /// a whole request. A short window keeps that place only while live work comes: a place gets free in it
    /// at every step of its [pace](Self::pace) anyhow, and the first edit takes the next one.
    pub(crate) fn allowed(&self, now: Duration, live: bool) -> u32 {
        let requests = self.window.requests;
        let expects_live = !self.is_burst() || nanos(now) < self.kept_until;
        let reserve = if live || requests < 50 || !expects_live {
            0
        } else {
            (requests / 100).max(1)
        };
        requests - reserve
    }

    /// Live work sends at this moment: more of it may follow within the span.
    pub(crate) fn expect_live(&mut self, now: Duration) {
        self.kept_until = nanos(now).saturating_add(self.span);
    }

    /// The even distance between sends of unhurried work. Zero for long windows: there a backfill
    /// may run ahead.
    pub(crate) fn pace(&self, now: Duration) -> Duration {
        if self.is_burst() {
            Duration::from_nanos(self.span / u64::from(self.allowed(now, false)))
        } else {
            Duration::ZERO
        }
    }

    /// Counts `requests` sent at `at`.
    pub(crate) fn add(&mut self, at: Duration, requests: u32) {
        *self.sends.entry(self.grain_of(at)).or_default() += requests;
        self.used += requests;
    }

    /// Counts one send of `at` as if it had been `by` later.
    pub(crate) fn delay(&mut self, at: Duration, by: Duration) {
        let (old, new) = (self.grain_of(at), self.grain_of(at + by));
        if old == new {
            return;
        }
        if let Some(count) = self.sends.get_mut(&old) {
            *count -= 1;
            if *count == 0 {
                self.sends.remove(&old);
            }
            *self.sends.entry(new).or_default() += 1;
        }
    }

    /// How many sends count at `now`.
    pub(crate) fn used(&mut self, now: Duration) -> u32 {
        let now = nanos(now);
        while let Some(first) = self.sends.first_entry() {
            if first.key() * self.grain + self.span > now {
                break;
            }
            self.used -= first.remove();
        }
        self.used
    }

    /// When one more send is allowed; `now` or earlier means at once.
    pub(crate) fn free_at(&mut self, now: Duration, live: bool) -> Duration {
        let allowed = self.allowed(now, live);
        let used = self.used(now);
        let Some(mut surplus) = (used + 1).checked_sub(allowed).filter(|more| *more > 0) else {
            return now;
        };
        for (grain, count) in &self.sends {
            surplus = surplus.saturating_sub(*count);
            if surplus == 0 {
                return Duration::from_nanos(grain * self.grain + self.span);
            }
        }
        now + self.window.per
    }

    fn grain_of(&self, at: Duration) -> u64 {
        nanos(at).div_ceil(self.grain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(requests: u32, per: Duration) -> Log {
        Log::new(Window {
            requests,
            per,
            effect: None,
        })
    }

    #[test]
    fn a_full_window_opens_when_its_oldest_send_has_left_it() {
        let mut log = log(2, Duration::from_secs(10));
        let second = Duration::from_secs(1);
        log.add(second, 1);
        assert_eq!(log.free_at(second, true), second);
        log.add(second * 4, 1);
        let free = log.free_at(second * 5, true);
        assert!(free > second * 11 && free < second * 12, "{free:?}");
        assert_eq!(log.used(free), 1);
        log.delay(second * 4, second * 3);
        let free = log.free_at(free, true);
        log.add(free, 1);
        assert!(log.free_at(free, true) > second * 17);
    }

    #[test]
    fn a_day_of_200_000_stays_small() {
        let mut log = log(200_000, Duration::from_secs(86_400));
        for send in 0..200_000 {
            log.add(Duration::from_millis(send * 400), 1);
        }
        assert!(log.sends.len() <= 2_048);
        assert_eq!(log.allowed(Duration::ZERO, false), 198_000);
    }

    #[test]
    fn a_short_window_keeps_a_place_for_live_work_while_it_comes() {
        let mut log = log(100, Duration::from_secs(10));
        let second = Duration::from_secs(1);
        assert_eq!(log.allowed(second, false), 100);
        log.expect_live(second);
        assert_eq!(log.allowed(second * 2, false), 99);
        assert!(log.pace(second * 2) > log.pace(second * 20));
        assert_eq!(log.allowed(second * 2, true), 100);
        assert_eq!(log.allowed(second * 20, false), 100);
    }
}
