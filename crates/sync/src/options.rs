//! How the engine paces itself.

use std::time::Duration;

/// How the engine paces itself. The defaults suit a real installation; the demo and tests shorten
/// the waits.
#[derive(Debug, Clone)]
pub struct Options {
    /// Between two delta reads of a connection that also has webhooks.
    pub poll_with_webhooks: Duration,
    /// Between two delta reads of a connection without webhooks.
    pub poll_without_webhooks: Duration,
    /// Between two full listings of a connection.
    pub sweep: Duration,
    /// Between two readings of a schema.
    pub schema: Duration,
    /// Workers for urgent work only.
    pub live_workers: usize,
    /// Workers for everything.
    pub workers: usize,
    /// Most records of one live batch.
    pub live_batch: usize,
    /// Most records of one batch of a first sync.
    pub backfill_batch: usize,
    /// How long a batch may take before others may claim its records.
    pub lease: Duration,
    /// The first wait after a failed try; doubles up to `retry_longest`.
    pub retry: Duration,
    /// The longest wait between two tries of one record.
    pub retry_longest: Duration,
    /// A reading older than this is not written upon, however long a write waits for its turn; the
    /// record is read again.
    pub fresh_for: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            poll_with_webhooks: Duration::from_secs(300),
            poll_without_webhooks: Duration::from_secs(60),
            sweep: Duration::from_secs(6 * 3600),
            schema: Duration::from_secs(3600),
            live_workers: 1,
            workers: 4,
            live_batch: 20,
            backfill_batch: 200,
            lease: Duration::from_secs(300),
            retry: Duration::from_secs(5),
            retry_longest: Duration::from_secs(3600),
            fresh_for: Duration::from_secs(30),
        }
    }
}

impl Options {
    /// How long to wait before try number `attempts` + 1.
    pub(crate) fn backoff(&self, attempts: u32) -> Duration {
        self.retry
            .saturating_mul(1u32 << attempts.min(16))
            .min(self.retry_longest)
    }
}
