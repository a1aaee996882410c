//! Time that runs faster than real time, the same for engine and vendors.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use connections::{Clock, SystemClock};
use jiff::{SignedDuration, Timestamp};

/// Begins at a moment (else the machine's time) and then runs `speed` times as fast.
#[derive(Debug)]
pub struct FastClock {
    machine: SystemClock,
    origin: Timestamp,
    speed: u32,
    skipped_ms: AtomicU64,
}

impl FastClock {
    /// Begins now, unless said, and runs `speed` times as fast as real time.
    pub fn new(start: Option<Timestamp>, speed: u32) -> Self {
        let machine = SystemClock::new();
        Self {
            origin: start.unwrap_or_else(|| machine.now()),
            machine,
            speed: speed.max(1),
            skipped_ms: AtomicU64::new(0),
        }
    }

    /// Time that passes at once. Who sleeps, sleeps on.
    pub fn skip(&self, duration: Duration) {
        let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.skipped_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// How long to wait in real time.
    pub fn real(&self, duration: Duration) -> Duration {
        duration / self.speed
    }
}

#[async_trait]
impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        self.origin
            .saturating_add(SignedDuration::try_from(self.steady()).unwrap_or(SignedDuration::MAX))
            .unwrap_or(Timestamp::MAX)
    }

    fn steady(&self) -> Duration {
        self.machine.steady() * self.speed
            + Duration::from_millis(self.skipped_ms.load(Ordering::SeqCst))
    }

    async fn sleep(&self, duration: Duration) {
        self.machine.sleep(self.real(duration)).await;
    }
}
