//! A request that is on its way, and its line in the log.

use std::{sync::Arc, time::Duration};

use connector::{Request, Verdict};
use jiff::Timestamp;

use crate::{CallRecord, Outcome, TransportError, exchange::Exchange};

/// A request on its way. Whatever becomes of it, even if its caller goes away, stands in the log.
pub(crate) struct Ongoing<'a> {
    exchange: &'a Exchange<'a>,
    request: &'a Request,
    attempt: u32,
    pub(crate) sent: Timestamp,
    pub(crate) start: Duration,
    logged: bool,
}

impl<'a> Ongoing<'a> {
    pub(crate) fn begin(exchange: &'a Exchange<'a>, request: &'a Request, attempt: u32) -> Self {
        Self {
            exchange,
            request,
            attempt,
            sent: exchange.connection.now(),
            start: exchange.connection.parts.clock.steady(),
            logged: false,
        }
    }

    pub(crate) fn end(mut self, status: Option<u16>, outcome: Outcome) {
        self.log(status, outcome);
    }

    fn log(&mut self, status: Option<u16>, outcome: Outcome) {
        self.logged = true;
        let connection = self.exchange.connection;
        let request = self.request;
        connection.counters.count(request.effect, outcome);
        let now = connection.parts.clock.steady();
        let record = CallRecord {
            at: self.sent,
            connection: connection.name.clone(),
            operation: request.operation,
            effect: request.effect,
            status,
            duration: now.saturating_sub(self.start),
            attempt: self.attempt,
            lane: self.exchange.lane,
            cause: Arc::clone(self.exchange.cause),
            records: request.records,
            outcome,
        };
        tracing::debug!(
            connection = %record.connection,
            operation = record.operation,
            status = record.status,
            outcome = record.outcome.as_str(),
            attempt = record.attempt,
            milliseconds = u64::try_from(record.duration.as_millis()).unwrap_or(u64::MAX),
            cause = %record.cause,
            "call"
        );
        connection.parts.calls.record(record);
    }
}

impl Drop for Ongoing<'_> {
    fn drop(&mut self) {
        if !self.logged {
            self.log(None, Outcome::NoAnswer);
        }
    }
}

impl From<&Verdict> for Outcome {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Answered => Self::Answered,
            Verdict::Throttled { .. } => Self::Throttled,
            Verdict::TokenRefused => Self::TokenRefused,
            Verdict::RightMissing { .. } => Self::RightMissing,
            Verdict::CredentialsRefused { .. } => Self::CredentialsRefused,
            Verdict::ClockSkew { .. } => Self::ClockSkew,
            Verdict::Unavailable { .. } => Self::Unavailable,
        }
    }
}

impl From<&TransportError> for Outcome {
    fn from(error: &TransportError) -> Self {
        match error {
            TransportError::NotSent(_) | TransportError::Forbidden(_) => Self::NotSent,
            TransportError::MaybeSent(_) => Self::NoAnswer,
            TransportError::TooLarge { .. } | TransportError::Cut(_) => Self::BadAnswer,
        }
    }
}
