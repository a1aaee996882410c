//! Whose turn it is: the pure part of a budget. Time is passed in.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use connector::{Announced, Effect, Limits, Window};
use store::Lane;
use tokio::sync::Notify;

use super::{
    adaptive::{Adaptive, Observed},
    daily::Daily,
    window::Log,
};

/// A place in the queue.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) lane: Lane,
    pub(crate) effect: Effect,
    id: u64,
}

/// What a ticket gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It was counted; send now.
    Now,
    /// Not before then, unless woken earlier.
    At(Duration),
    /// When woken.
    Later,
}

#[derive(Debug)]
struct Waiting {
    id: u64,
    wake: Arc<Notify>,
}

#[derive(Debug)]
pub(crate) struct Core {
    /// The vendor's windows, documented or announced.
    vendor: Vec<Log>,
    /// The operator's own windows.
    own: Vec<Log>,
    daily: ByEffect<Daily>,
    pub(crate) adaptive: Adaptive,
    paused_until: ByEffect<Duration>,
    throttled_in_a_row: u32,
    in_flight: usize,
    /// When the next send of unhurried work is due.
    due: ByEffect<Duration>,
    /// By lane, then by effect.
    queues: [[VecDeque<Waiting>; 3]; 3],
    next_id: u64,
}

/// One for all requests together, and one for each effect that a vendor counts apart.
#[derive(Debug, Default)]
struct ByEffect<T> {
    all: T,
    each: [T; 3],
}

impl<T> ByEffect<T> {
    fn of(&self, effect: Option<Effect>) -> &T {
        effect.map_or(&self.all, |effect| &self.each[effect_index(effect)])
    }

    fn of_mut(&mut self, effect: Option<Effect>) -> &mut T {
        match effect {
            None => &mut self.all,
            Some(effect) => &mut self.each[effect_index(effect)],
        }
    }
}

/// Without any window, a throttled answer without a wait pauses so long, doubling.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A vendor that says "again at once" is not taken at its word.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);

/// How much lateness of the timer unhurried work may catch up on.
const CATCH_UP: Duration = Duration::from_millis(20);

fn lane_index(lane: Lane) -> usize {
    match lane {
        Lane::Live => 0,
        Lane::Reconcile => 1,
        Lane::Backfill => 2,
    }
}

fn effect_index(effect: Effect) -> usize {
    match effect {
        Effect::Read => 0,
        Effect::Write => 1,
        Effect::SignIn => 2,
    }
}

const LANES: [Lane; 3] = [Lane::Live, Lane::Reconcile, Lane::Backfill];
const EFFECTS: [Effect; 3] = [Effect::Read, Effect::Write, Effect::SignIn];

impl Core {
    pub(crate) fn new(limits: &Limits, own: &[Window]) -> Self {
        Self {
            vendor: limits.windows.iter().copied().map(Log::new).collect(),
            own: own.iter().copied().map(Log::new).collect(),
            daily: ByEffect::default(),
            adaptive: Adaptive::new(limits.concurrency),
            paused_until: ByEffect::default(),
            throttled_in_a_row: 0,
            in_flight: 0,
            due: ByEffect::default(),
            queues: Default::default(),
            next_id: 0,
        }
    }

    /// Counts every short window as full: an earlier process may have spent it just now.
    pub(crate) fn assume_spent(&mut self, now: Duration) {
        for log in self.logs().filter(|log| log.is_burst()) {
            let requests = log.window().requests;
            log.add(now, requests);
        }
    }

    /// Counts earlier sends that are known of in the long windows.
    pub(crate) fn earlier(&mut self, at: Duration, requests: u32) {
        for log in self.logs().filter(|log| !log.is_burst()) {
            log.add(at, requests);
        }
    }

    /// Counts sends of the last minutes that are known of in the short windows.
    pub(crate) fn recently(&mut self, at: Duration, effect: Effect, requests: u32) {
        let counts = |log: &&mut Log| log.is_burst() && log.counts(effect);
        for log in self.logs().filter(counts) {
            log.add(at, requests);
        }
    }

    /// Joins the queue.
    pub(crate) fn join(&mut self, lane: Lane, effect: Effect, wake: Arc<Notify>) -> Ticket {
        let id = self.next_id;
        self.next_id += 1;
        self.queue(lane, effect).push_back(Waiting { id, wake });
        Ticket { lane, effect, id }
    }

    /// Leaves the queue without a turn.
    pub(crate) fn leave(&mut self, ticket: &Ticket) {
        self.queue(ticket.lane, ticket.effect)
            .retain(|waiting| waiting.id != ticket.id);
        self.wake_heads();
    }

    /// Takes a turn if it is this ticket's. A turn that was taken is counted as sent at `now`.
    pub(crate) fn take(&mut self, ticket: &Ticket, now: Duration) -> Turn {
        if !self.is_head(ticket) || self.goes_before(ticket, now) {
            return Turn::Later;
        }
        match self.free_at(ticket.lane, ticket.effect, now) {
            None => Turn::Later,
            Some(at) if at > now => Turn::At(at),
            Some(_) => {
                self.queue(ticket.lane, ticket.effect).pop_front();
                self.count(ticket.lane, ticket.effect, now);
                self.wake_heads();
                Turn::Now
            }
        }
    }

    /// The request of a turn has ended, however.
    pub(crate) fn release(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.wake_heads();
    }

    /// Takes in how a request went. Call before [`Core::release`].
    pub(crate) fn observe(&mut self, now: Duration, effect: Effect, seen: Observed) {
        let late = self.adaptive.observe(now, seen);
        // it may have arrived as late as it came back: count it later
        let late = late.min(Duration::from_secs(1));
        for log in self.logs().filter(|log| log.counts(effect)) {
            log.delay(seen.sent, late);
        }
        if !seen.trouble {
            self.throttled_in_a_row = 0;
        }
    }

    /// The vendor refused a request as one too many.
    pub(crate) fn throttled(
        &mut self,
        now: Duration,
        effect: Effect,
        seen: Observed,
        wait: Option<Duration>,
        daily: bool,
    ) {
        if self.vendor.is_empty() {
            // no window to keep to: the load itself was too much
            self.adaptive.observe(now, seen);
        }
        // a vendor that counts effects apart refused this one only
        let apart = self
            .vendor
            .iter()
            .any(|log| log.window().effect == Some(effect))
            && !self.vendor.iter().any(|log| log.window().effect.is_none());
        let effect = apart.then_some(effect);
        if daily {
            self.daily.of_mut(effect).exhausted(now, wait);
        } else {
            let pause = wait
                .unwrap_or_else(|| self.pause_by_guess(effect))
                .max(SHORTEST_PAUSE);
            let until = self.paused_until.of_mut(effect);
            *until = (*until).max(now + pause);
        }
        self.throttled_in_a_row += 1;
        self.wake_heads();
    }

    fn pause_by_guess(&self, effect: Option<Effect>) -> Duration {
        let windows = self.vendor.iter().map(Log::window);
        let shortest = windows
            .filter(|window| window.effect == effect)
            .map(|window| window.per)
            .min();
        shortest
            .unwrap_or_else(|| FIRST_PAUSE * 2_u32.pow(self.throttled_in_a_row.min(6)))
            .min(LONGEST_PAUSE)
    }

    /// Takes in what an answer that took so long said of the limits; `day_ends` by the steady clock.
    pub(crate) fn announce(
        &mut self,
        now: Duration,
        took: Duration,
        said: Announced,
        day_ends: Option<Duration>,
    ) {
        let others = self.in_flight.saturating_sub(1);
        self.daily.of_mut(said.effect).announce(
            now,
            said.daily_limit,
            said.daily_remaining,
            day_ends,
            others,
        );
        let Some(limit) = said.limit.filter(|limit| *limit > 0) else {
            return;
        };
        let log = self.announced_log(limit, said.effect, said.per);
        let Some(log) = log else { return };
        let recent = took < log.window().per / 10;
        if let Some(remaining) = said.remaining.filter(|_| recent) {
            // somebody else uses the same account: what they sent counts for us too
            let counted = limit.saturating_sub(remaining);
            let unknown = counted.saturating_sub(log.used(now));
            if unknown > 0 {
                log.add(now, unknown);
            }
        }
        self.wake_heads();
    }

    /// The window that an announcement is about, with its announced limit.
    fn announced_log(
        &mut self,
        limit: u32,
        effect: Option<Effect>,
        per: Option<Duration>,
    ) -> Option<&mut Log> {
        let shortest = self
            .vendor
            .iter()
            .enumerate()
            .filter(|(_, log)| log.window().effect == effect)
            .min_by_key(|(_, log)| log.window().per)
            .map(|(index, _)| index);
        let same = self
            .vendor
            .iter()
            .position(|log| log.window().effect == effect && Some(log.window().per) == per);
        let index = match (same, shortest, per) {
            (Some(same), ..) => same,
            (None, Some(shortest), None) => shortest,
            (None, Some(shortest), Some(per)) if self.vendor[shortest].is_burst() => {
                self.vendor[shortest].stretch(per);
                shortest
            }
            (None, _, Some(per)) => {
                self.vendor.push(Log::new(Window {
                    requests: limit,
                    per,
                    effect,
                }));
                self.vendor.len() - 1
            }
            (None, None, None) => return None,
        };
        let log = &mut self.vendor[index];
        log.set_requests(limit);
        Some(log)
    }

    /// Until when nothing at all goes out, if that lies ahead.
    pub(crate) fn blocked_until(
        &mut self,
        now: Duration,
        lane: Lane,
        effect: Effect,
    ) -> Option<Duration> {
        Some(self.open_at(now, lane == Lane::Live, effect)).filter(|until| *until > now)
    }

    /// When pauses and the day's budget let a request of this effect through.
    fn open_at(&mut self, now: Duration, live: bool, effect: Effect) -> Duration {
        [None, Some(effect)]
            .into_iter()
            .map(|counted| {
                let daily = self.daily.of_mut(counted).free_at(now, live);
                daily.max(*self.paused_until.of(counted))
            })
            .fold(now, Duration::max)
    }

    /// The steady rate of unhurried work in requests per second, if anything bounds it.
    pub(crate) fn rate(&mut self) -> Option<f64> {
        self.logs()
            .filter(|log| log.is_burst() && log.window().effect != Some(Effect::SignIn))
            .map(|log| 1.0 / log.pace(Duration::MAX).as_secs_f64())
            .min_by(f64::total_cmp)
    }

    /// The limits that hold: the vendor's, as announced where it says so, and our own.
    pub(crate) fn windows(&self) -> Vec<connector::Window> {
        let logs = self.vendor.iter().chain(&self.own);
        logs.map(Log::window).collect()
    }

    /// How much of each limit is used, also of a day that the vendor announces.
    pub(crate) fn used(&mut self, now: Duration) -> Vec<(connector::Window, u32)> {
        let mut all: Vec<_> = self
            .logs()
            .map(|log| {
                let used = log.used(now);
                (log.window(), used)
            })
            .collect();
        let effects = EFFECTS.into_iter().map(Some);
        for effect in std::iter::once(None).chain(effects) {
            if let Some((requests, left)) = self.daily.of(effect).announced(now) {
                let per = Duration::from_secs(24 * 3600);
                let window = connector::Window {
                    requests,
                    per,
                    effect,
                };
                all.push((window, requests.saturating_sub(left)));
            }
        }
        all
    }

    fn logs(&mut self) -> impl Iterator<Item = &mut Log> {
        let daily = &self.daily;
        self.vendor
            .iter_mut()
            .filter(|log| !(log.is_day() && daily.of(log.window().effect).is_announced()))
            .chain(&mut self.own)
    }

    fn queue(&mut self, lane: Lane, effect: Effect) -> &mut VecDeque<Waiting> {
        &mut self.queues[lane_index(lane)][effect_index(effect)]
    }

    fn is_head(&mut self, ticket: &Ticket) -> bool {
        self.queue(ticket.lane, ticket.effect)
            .front()
            .is_some_and(|head| head.id == ticket.id)
    }

    /// Whether somebody with a better claim could go now.
    fn goes_before(&mut self, ticket: &Ticket, now: Duration) -> bool {
        for lane in LANES {
            for effect in EFFECTS {
                if lane > ticket.lane || (lane == ticket.lane && effect == ticket.effect) {
                    continue;
                }
                let Some(head) = self.queue(lane, effect).front().map(|head| head.id) else {
                    continue;
                };
                let older = lane < ticket.lane || head < ticket.id;
                if older && self.free_at(lane, effect, now).is_some_and(|at| at <= now) {
                    return true;
                }
            }
        }
        false
    }

    /// When a request of this kind may go. `None`: when one in flight has ended.
    fn free_at(&mut self, lane: Lane, effect: Effect, now: Duration) -> Option<Duration> {
        let live = lane == Lane::Live;
        let places = if live {
            self.adaptive.live()
        } else {
            self.adaptive.unhurried()
        };
        if self.in_flight >= places {
            return None;
        }
        let mut at = self.open_at(now, live, effect);
        if !live {
            for counted in [None, Some(effect)] {
                if self.pace(now, counted) > Duration::ZERO {
                    at = at.max(*self.due.of(counted));
                }
            }
        }
        for log in self.logs().filter(|log| log.counts(effect)) {
            at = at.max(log.free_at(now, live));
        }
        Some(at)
    }

    /// The pace of the windows that count all requests, or this effect alone.
    fn pace(&mut self, now: Duration, effect: Option<Effect>) -> Duration {
        self.logs()
            .filter(|log| log.window().effect == effect)
            .map(|log| log.pace(now))
            .max()
            .unwrap_or(Duration::ZERO)
    }

    fn count(&mut self, lane: Lane, effect: Effect, now: Duration) {
        for log in self.logs().filter(|log| log.counts(effect)) {
            log.add(now, 1);
            if lane == Lane::Live {
                log.expect_live(now);
            }
        }
        self.in_flight += 1;
        for counted in [None, Some(effect)] {
            self.daily.of_mut(counted).sent(now);
            if lane != Lane::Live {
                let pace = self.pace(now, counted);
                let catch_up = CATCH_UP.max(pace * 2);
                let due = self.due.of_mut(counted);
                *due = (*due).max(now.saturating_sub(catch_up)) + pace;
            }
        }
    }

    fn wake_heads(&self) {
        for waiting in self.queues.iter().flatten().filter_map(VecDeque::front) {
            waiting.wake.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_better_claim_goes_first_whoever_asks_first() {
        let limits = Limits {
            windows: Vec::new(),
            concurrency: 8,
        };
        let mut core = Core::new(&limits, &[]);
        let now = Duration::from_secs(1);
        let mut join = |lane, effect| core.join(lane, effect, Arc::default());
        let backfill = join(Lane::Backfill, Effect::Read);
        let read = join(Lane::Reconcile, Effect::Read);
        let write = join(Lane::Reconcile, Effect::Write);
        assert_eq!(core.take(&backfill, now), Turn::Later);
        assert_eq!(
            core.take(&write, now),
            Turn::Later,
            "the read asked before it"
        );
        assert_eq!(core.take(&read, now), Turn::Now);
        assert_eq!(core.take(&backfill, now), Turn::Later);
        core.leave(&write);
        assert_eq!(core.take(&backfill, now), Turn::Now);
    }

    /// Reads and writes that a vendor counts apart.
    fn apart() -> Core {
        let window = |requests, effect| Window {
            requests,
            per: Duration::from_secs(60),
            effect: Some(effect),
        };
        let windows = vec![
            window(400, Effect::Read),
            window(100, Effect::Write),
            window(5, Effect::SignIn),
        ];
        Core::new(
            &Limits {
                windows,
                concurrency: 8,
            },
            &[],
        )
    }

    #[test]
    fn what_a_vendor_counts_apart_runs_out_and_is_paced_apart() {
        let mut core = apart();
        let now = Duration::from_secs(1);
        let seen = Observed {
            operation: "test",
            records: 1,
            sent: now,
            took: Duration::ZERO,
            trouble: true,
        };
        core.throttled(
            now,
            Effect::Write,
            seen,
            Some(Duration::from_secs(30)),
            false,
        );
        let blocked = |core: &mut Core, effect| core.blocked_until(now, Lane::Live, effect);
        assert_eq!(blocked(&mut core, Effect::Read), None);
        assert_eq!(
            blocked(&mut core, Effect::Write),
            Some(now + Duration::from_secs(30))
        );
        core.announce(
            now,
            Duration::ZERO,
            Announced {
                effect: Some(Effect::Read),
                daily_limit: Some(20_000),
                daily_remaining: Some(0),
                ..Announced::default()
            },
            Some(Duration::from_secs(3_600)),
        );
        assert_eq!(
            blocked(&mut core, Effect::Read),
            Some(Duration::from_secs(3_600))
        );
        assert_eq!(blocked(&mut core, Effect::SignIn), None);
        assert!(core.rate().is_some_and(|rate| rate > 1.0));

        let mut core = apart();
        core.count(Lane::Backfill, Effect::Write, now);
        core.count(Lane::Backfill, Effect::Write, now);
        let free = |core: &mut Core, effect| core.free_at(Lane::Backfill, effect, now).unwrap();
        assert!(free(&mut core, Effect::Write) > now);
        assert_eq!(free(&mut core, Effect::Read), now);
    }

    #[test]
    fn an_announced_limit_of_one_effect_leaves_the_others_alone() {
        let mut core = apart();
        let now = Duration::from_secs(1);
        let said = Announced {
            effect: Some(Effect::Write),
            limit: Some(2),
            remaining: Some(1),
            per: Some(Duration::from_secs(60)),
            ..Announced::default()
        };
        core.announce(now, Duration::ZERO, said, None);
        let free = |core: &mut Core, effect| core.free_at(Lane::Live, effect, now).unwrap();
        core.count(Lane::Live, Effect::Write, now);
        assert!(free(&mut core, Effect::Write) > now);
        for _ in 0..5 {
            core.count(Lane::Live, Effect::Read, now);
            core.release();
        }
        assert_eq!(free(&mut core, Effect::Read), now);
    }

    #[test]
    fn whoever_waits_for_a_window_of_writes_does_not_hold_up_reads() {
        let limits = Limits {
            windows: vec![Window {
                requests: 1,
                per: Duration::from_secs(10),
                effect: Some(Effect::Write),
            }],
            concurrency: 8,
        };
        let mut core = Core::new(&limits, &[]);
        let now = Duration::from_secs(1);
        let mut join = |lane, effect| core.join(lane, effect, Arc::default());
        let first = join(Lane::Live, Effect::Write);
        let second = join(Lane::Live, Effect::Write);
        let read = join(Lane::Backfill, Effect::Read);
        assert_eq!(core.take(&first, now), Turn::Now);
        assert!(matches!(core.take(&second, now), Turn::At(at) if at > now));
        assert_eq!(core.take(&read, now), Turn::Now);
    }
}
