//! Time that runs faster than real time, the same for engine and vendors.

use std::time::Duration;

use async_trait::async_trait;
use connections::{Clock, SystemClock};
use jiff::{SignedDuration, Timestamp};

/// Begins at the machine's time and then runs `speed` times as fast.
#[derive(Debug)]
pub(crate) struct FastClock {
    machine: SystemClock,
    origin: Timestamp,
    speed: u32,
}

impl FastClock {
    pub(crate) fn new(speed: u32) -> Self {
        let machine = SystemClock::new();
        Self {
            origin: machine.now(),
            machine,
            speed: speed.max(1),
        }
    }

    /// How long to wait in real time.
    pub(crate) fn real(&self, duration: Duration) -> Duration {
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
    }

    async fn sleep(&self, duration: Duration) {
        self.machine.sleep(self.real(duration)).await;
    }
}
