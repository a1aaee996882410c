//! A clock that leaps: when nothing is left to do but to wait, it is the moment that is waited for.
//!
//! Hours under the limits of a vendor pass in the time that the work itself takes, and work takes none.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use connections::Clock;
use jiff::{SignedDuration, Timestamp};
use tokio::{runtime::Runtime, sync::oneshot};

/// When the clock begins: a Monday morning.
const ORIGIN: i64 = 1_767_600_000;

#[derive(Debug, Default)]
struct State {
    now: Duration,
    /// Who sleeps, by when it ends and in the order of going to sleep.
    sleepers: BTreeMap<(Duration, u64), oneshot::Sender<()>>,
    slept: u64,
}

/// A clock that leaps.
#[derive(Debug, Default)]
pub(crate) struct LeapingClock(Mutex<State>);

impl LeapingClock {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes to the next moment that somebody waits for.
    fn leap(&self) {
        let mut state = self.state();
        while let Some(((until, _), sleeper)) = state.sleepers.pop_first() {
            // Who was waiting may have been dropped; then nothing happens at that moment.
            if sleeper.is_closed() {
                continue;
            }
            state.now = state.now.max(until);
            if sleeper.send(()).is_ok() {
                return;
            }
        }
    }
}

#[async_trait]
impl Clock for LeapingClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
            .saturating_add(SignedDuration::from_secs(ORIGIN))
            .and_then(|origin| {
                origin.saturating_add(
                    SignedDuration::try_from(self.steady()).unwrap_or(SignedDuration::MAX),
                )
            })
            .unwrap_or(Timestamp::MAX)
    }

    fn steady(&self) -> Duration {
        self.state().now
    }

    async fn sleep(&self, duration: Duration) {
        let woken = {
            let mut state = self.state();
            let (sleeper, woken) = oneshot::channel();
            state.slept += 1;
            let key = (state.now.saturating_add(duration), state.slept);
            state.sleepers.insert(key, sleeper);
            woken
        };
        // A clock that is gone wakes everybody.
        drop(woken.await);
    }
}

/// A runtime on one thread, on which the clock leaps whenever that thread has nothing left to do.
pub(crate) fn runtime(clock: &Arc<LeapingClock>) -> std::io::Result<Runtime> {
    let clock = Arc::clone(clock);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(move || clock.leap())
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_pass_at_once_and_in_their_order() {
        let clock = Arc::new(LeapingClock::default());
        let began = clock.now();
        let seen = runtime(&clock).unwrap().block_on(async {
            let (told, mut seen) = tokio::sync::mpsc::unbounded_channel();
            for hours in [48, 2, 24] {
                let (clock, told) = (Arc::clone(&clock), told.clone());
                tokio::spawn(async move {
                    clock.sleep(Duration::from_hours(hours)).await;
                    told.send((hours, clock.steady())).unwrap();
                });
            }
            // What nobody waits for any more takes no time.
            let mut never = Box::pin(clock.sleep(Duration::from_hours(1000)));
            assert!(futures::poll!(&mut never).is_pending());
            drop(never);
            drop(told);
            let mut all = Vec::new();
            while let Some(one) = seen.recv().await {
                all.push(one);
            }
            all
        });
        let hours = Duration::from_hours;
        assert_eq!(seen, [(2, hours(2)), (24, hours(24)), (48, hours(48))]);
        assert_eq!(clock.now().duration_since(began).as_hours(), 48);
    }
}
