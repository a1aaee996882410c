//! Time, passed in.
//!
//! Two readings: the wall clock, which names moments and may be set back, and a steady clock, which
//! only measures how long something takes. Budgets, retries and breakers use the steady one.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::time::Instant;

/// A source of time. Everything that waits or dates anything gets one.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// The moment, by the wall clock.
    fn now(&self) -> Timestamp;

    /// Time since some fixed point, never going back.
    fn steady(&self) -> Duration;

    /// Waits this long.
    async fn sleep(&self, duration: Duration);

    /// Waits until the wall clock shows `at`; returns at once if it already does.
    async fn sleep_until(&self, at: Timestamp) {
        let wait = at.duration_since(self.now());
        if let Ok(wait) = Duration::try_from(wait) {
            self.sleep(wait).await;
        }
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// The machine's clock; its steady reading begins now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the wall clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn steady(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A clock that starts at a chosen moment and runs on tokio's time: as real time does, or, on a
/// runtime whose time is paused, as fast as the work allows.
#[derive(Debug)]
pub struct VirtualClock {
    start: Instant,
    origin: Timestamp,
}

impl VirtualClock {
    /// A clock that shows `origin` now.
    #[must_use]
    pub fn starting_at(origin: Timestamp) -> Self {
        Self {
            start: Instant::now(),
            origin,
        }
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.origin
            .saturating_add(
                jiff::SignedDuration::try_from(self.start.elapsed())
                    .unwrap_or(jiff::SignedDuration::MAX),
            )
            .unwrap_or(Timestamp::MAX)
    }

    fn steady(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn virtual_time_passes_without_waiting() {
        let clock = VirtualClock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
        clock
            .sleep_until("2026-01-03T00:00:00Z".parse().unwrap())
            .await;
        assert_eq!(clock.now(), "2026-01-03T00:00:00Z".parse().unwrap());
        assert_eq!(clock.steady(), Duration::from_secs(2 * 86_400));
        clock.sleep_until(Timestamp::UNIX_EPOCH).await;
        assert_eq!(clock.steady(), Duration::from_secs(2 * 86_400));
    }
}
