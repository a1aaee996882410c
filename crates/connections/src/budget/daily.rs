//! What is left of a vendor's day, as far as it announces that.

use std::time::Duration;

/// Without a known end of the day, one request is let through so often to see whether it is over.
const PROBE: Duration = Duration::from_secs(15 * 60);

#[derive(Debug, Default)]
pub(crate) struct Daily {
    limit: Option<u32>,
    /// `None`: not announced, or not since the day ended.
    left: Option<u32>,
    ends: Option<Duration>,
    probe: Duration,
}

impl Daily {
    /// Whether the vendor announces a daily budget at all.
    pub(crate) fn is_announced(&self) -> bool {
        self.limit.is_some() || self.left.is_some()
    }

    /// The limit and what is left of it, where both were announced for the day that it is.
    pub(crate) fn announced(&self, now: Duration) -> Option<(u32, u32)> {
        let is_over = self.ends.is_some_and(|ends| ends <= now);
        let left = self.left.filter(|_| !is_over);
        Some((self.limit?, left?))
    }

    /// Takes in an announcement. `under_way` requests may not be counted in it yet.
    pub(crate) fn announce(
        &mut self,
        now: Duration,
        limit: Option<u32>,
        left: Option<u32>,
        ends: Option<Duration>,
        under_way: usize,
    ) {
        self.limit = limit.or(self.limit);
        if let Some(left) = left {
            let under_way = u32::try_from(under_way).unwrap_or(u32::MAX);
            self.left = Some(left.saturating_sub(under_way));
            self.probe = now + PROBE;
        }
        self.ends = ends.or(self.ends);
    }

    /// The vendor says that the day's budget is used up.
    pub(crate) fn exhausted(&mut self, now: Duration, wait: Option<Duration>) {
        self.left = Some(0);
        self.probe = now + PROBE;
        if let Some(wait) = wait {
            self.ends = Some(now + wait);
        }
    }

    pub(crate) fn sent(&mut self, now: Duration) {
        match &mut self.left {
            Some(0) => self.probe = now + PROBE,
            Some(left) => *left -= 1,
            None => {}
        }
    }

    /// When one more send is allowed. All but live work leaves 2 % of the day untouched.
    pub(crate) fn free_at(&mut self, now: Duration, live: bool) -> Duration {
        if self.ends.is_some_and(|ends| ends <= now) {
            self.left = None;
            self.ends = None;
        }
        let reserve = if live {
            0
        } else {
            self.limit.unwrap_or(0) / 50
        };
        match self.left {
            Some(left) if left <= reserve => self.ends.unwrap_or(self.probe),
            _ => now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn the_last_of_the_day_is_kept_for_live_work_and_then_it_is_over() {
        let mut daily = Daily::default();
        daily.announce(HOUR, Some(1_000), Some(23), Some(HOUR * 5), 2);
        assert_eq!(daily.free_at(HOUR, false), HOUR);
        daily.sent(HOUR);
        assert_eq!(daily.free_at(HOUR, false), HOUR * 5);
        assert_eq!(daily.free_at(HOUR, true), HOUR);
        for _ in 0..20 {
            daily.sent(HOUR);
        }
        assert_eq!(daily.free_at(HOUR, true), HOUR * 5);
        assert_eq!(daily.free_at(HOUR * 5, false), HOUR * 5);
    }

    #[test]
    fn what_is_used_of_a_day_is_told_until_it_is_over() {
        let mut daily = Daily::default();
        assert_eq!(daily.announced(HOUR), None);
        daily.announce(HOUR, Some(1_000), Some(23), Some(HOUR * 5), 2);
        assert_eq!(daily.announced(HOUR * 2), Some((1_000, 21)));
        assert_eq!(daily.announced(HOUR * 5), None);
    }

    #[test]
    fn without_a_known_end_one_request_at_a_time_finds_out() {
        let mut daily = Daily::default();
        daily.exhausted(HOUR, None);
        let probe = daily.free_at(HOUR, true);
        assert_eq!(probe, HOUR + PROBE);
        assert_eq!(daily.free_at(probe, true), probe);
        daily.sent(probe);
        assert_eq!(daily.free_at(probe, true), probe + PROBE);
        daily.announce(probe, Some(1_000), Some(1_000), None, 1);
        assert_eq!(daily.free_at(probe, false), probe);
    }
}
