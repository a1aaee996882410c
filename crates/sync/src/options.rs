//! How the engine paces itself.

use std::time::Duration;

/// Requests to one system that a record takes: a reading and a write.
const REQUESTS_A_RECORD: f64 = 2.0;

/// How the engine paces itself. The defaults suit a real installation; the demo and tests shorten
/// the waits.
#[derive(Debug, Clone)]
pub struct Options {
    /// Between two delta reads of a connection of which a webhook came since the start.
    pub poll_with_webhooks: Duration,
    /// Between two delta reads of another one.
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
    /// How many records of a backfill one worker may claim where a limit lets so many requests a second
    /// through: what all workers hold has to be done within half a lease, or others would begin it again.
    pub(crate) fn backfill_within(&self, rate: Option<f64>) -> usize {
        let Some(rate) = rate else {
            return self.backfill_batch;
        };
        let workers = u32::try_from(self.live_workers + self.workers).unwrap_or(u32::MAX);
        let requests = rate * self.lease.as_secs_f64() / 2.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a batch is a small positive number"
        )]
        let records = (requests / f64::from(workers.max(1)) / REQUESTS_A_RECORD) as usize;
        records.clamp(1, self.backfill_batch.max(1))
    }

    /// How many records a worker may read before it writes them, where a system takes so many writes a second: what all
    /// workers have read has to be written in half the time for which it is fresh, or it would be read again.
    pub(crate) fn written_within(&self, pace: Option<f64>) -> usize {
        let most = self.live_batch.max(1);
        let Some(pace) = pace else {
            return most;
        };
        let workers = u32::try_from(self.live_workers + self.workers).unwrap_or(u32::MAX);
        let writes = pace * self.fresh_for.as_secs_f64() / 2.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a batch is a small positive number"
        )]
        let records = (writes / f64::from(workers.max(1))) as usize;
        records.clamp(1, most)
    }

    /// How long to wait before try number `attempts` + 1.
    pub(crate) fn backoff(&self, attempts: u32) -> Duration {
        self.retry
            .saturating_mul(1u32 << attempts.min(16))
            .min(self.retry_longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_claimed_is_done_before_its_lease_ends_however_slow_a_system_is() {
        let options = Options::default();
        assert_eq!(options.backfill_within(None), options.backfill_batch);
        assert_eq!(
            options.backfill_within(Some(1000.0)),
            options.backfill_batch
        );
        for rate in [100.0 / 60.0, 25.0 / 10.0, 10.0] {
            let claimed =
                options.backfill_within(Some(rate)) * (options.workers + options.live_workers);
            #[expect(clippy::cast_precision_loss, reason = "a small number")]
            let seconds = claimed as f64 * REQUESTS_A_RECORD / rate;
            assert!(
                seconds <= options.lease.as_secs_f64() / 2.0,
                "{rate}: {seconds}"
            );
        }
        assert_eq!(options.backfill_within(Some(0.001)), 1);
    }

    #[test]
    fn what_is_read_is_written_while_it_is_fresh_however_slow_a_system_is() {
        let options = Options::default();
        assert_eq!(options.written_within(None), options.live_batch);
        assert_eq!(options.written_within(Some(1000.0)), options.live_batch);
        for pace in [100.0 / 60.0, 25.0 / 10.0, 10.0] {
            let read =
                options.written_within(Some(pace)) * (options.workers + options.live_workers);
            #[expect(clippy::cast_precision_loss, reason = "a small number")]
            let seconds = read as f64 / pace;
            assert!(
                seconds <= options.fresh_for.as_secs_f64() / 2.0,
                "{pace}: {seconds}"
            );
        }
        assert_eq!(options.written_within(Some(0.001)), 1);
    }
}
