//! The sandbox's own time: real, shifted or frozen, always milliseconds since 1970 in UTC.
//!
//! Token life, rate windows, search lag and webhook retries all follow it, so a test moves a day forward in no time.
//! It says nothing about how long a request really takes: delays of faults are waited out by the caller's runtime.

use std::sync::{Arc, Mutex, MutexGuard};

use serde::Serialize;
use tokio::sync::Notify;

/// Where undisturbed time comes from: milliseconds since 1970, UTC.
pub type TimeSource = Arc<dyn Fn() -> i64 + Send + Sync>;

/// A clock that can be shifted, frozen and moved on.
pub struct Clock {
    source: TimeSource,
    mode: Mutex<Mode>,
    moved: Notify,
}

/// How the clock stands at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "mode")]
pub enum Mode {
    /// Runs with its source, shifted by some milliseconds.
    Running {
        /// Added to the source, in milliseconds.
        offset_ms: i64,
    },
    /// Stands still until it is moved or resumed.
    Frozen {
        /// The time it shows, in milliseconds since 1970.
        at_ms: i64,
    },
}

impl Clock {
    /// A clock that runs with the machine's.
    #[must_use]
    pub fn system() -> Self {
        Self::from_source(Arc::new(machine_time))
    }

    /// A clock that runs with any source, such as a simulation's virtual time.
    #[must_use]
    pub fn from_source(source: TimeSource) -> Self {
        Self {
            source,
            mode: Mutex::new(Mode::Running { offset_ms: 0 }),
            moved: Notify::new(),
        }
    }

    /// A clock that stands still at a time.
    #[must_use]
    pub fn frozen(at_ms: i64) -> Self {
        let clock = Self::system();
        clock.freeze(Some(at_ms));
        clock
    }

    /// The time it shows, in milliseconds since 1970, UTC.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        match *self.lock() {
            Mode::Running { offset_ms } => (self.source)() + offset_ms,
            Mode::Frozen { at_ms } => at_ms,
        }
    }

    /// How it stands.
    #[must_use]
    pub fn mode(&self) -> Mode {
        *self.lock()
    }

    /// Stands still from now on, at the time given or the present one.
    pub fn freeze(&self, at_ms: Option<i64>) {
        let at_ms = at_ms.unwrap_or_else(|| self.now_ms());
        *self.lock() = Mode::Frozen { at_ms };
        self.moved.notify_one();
    }

    /// Moves on by some milliseconds, frozen or not.
    pub fn advance(&self, by_ms: i64) {
        match &mut *self.lock() {
            Mode::Running { offset_ms } => *offset_ms += by_ms,
            Mode::Frozen { at_ms } => *at_ms += by_ms,
        }
        self.moved.notify_one();
    }

    /// Runs on from the time it shows.
    pub fn resume(&self) {
        let offset_ms = self.now_ms() - (self.source)();
        *self.lock() = Mode::Running { offset_ms };
        self.moved.notify_one();
    }

    /// Runs with its source again, shifted by some milliseconds.
    pub fn run_with_offset(&self, offset_ms: i64) {
        *self.lock() = Mode::Running { offset_ms };
        self.moved.notify_one();
    }

    /// Resolves when somebody sets the clock.
    pub(crate) async fn moved(&self) {
        self.moved.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Mode> {
        self.mode
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Clock")
            .field("mode", &self.mode())
            .finish_non_exhaustive()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the sandbox reads the machine's clock"
)]
fn machine_time() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// `2021-11-26T12:41:02.193Z`, the form of every timestamp that the sandbox prints itself.
#[must_use]
pub fn iso_millis(at_ms: i64) -> String {
    const PRINTER: jiff::fmt::temporal::DateTimePrinter =
        jiff::fmt::temporal::DateTimePrinter::new().precision(Some(3));
    let timestamp = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    PRINTER.timestamp_to_string(&timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_can_be_frozen_moved_and_resumed() {
        let clock = Clock::from_source(Arc::new(|| 1_000));
        assert_eq!(clock.now_ms(), 1_000);
        clock.advance(500);
        assert_eq!(clock.now_ms(), 1_500);
        clock.freeze(Some(10));
        clock.advance(5);
        assert_eq!(clock.now_ms(), 15);
        clock.resume();
        assert_eq!(
            clock.mode(),
            Mode::Running {
                offset_ms: 15 - 1_000
            }
        );
        assert_eq!(clock.now_ms(), 15);
    }

    #[test]
    fn timestamps_print_with_three_decimals() {
        assert_eq!(iso_millis(1_637_930_462_193), "2021-11-26T12:41:02.193Z");
        assert_eq!(iso_millis(0), "1970-01-01T00:00:00.000Z");
    }
}
