//! One line for each request that was sent, and the counters made of them.
//!
//! A line holds no body, no header, no query and no secret: it may be shown to anybody who may see
//! the connection.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use connector::Effect;
use jiff::Timestamp;
use serde::Serialize;
use store::{ConnectionName, Lane};
use tokio::sync::mpsc;

/// One attempt to call a vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// When it was sent, by our clock.
    pub at: Timestamp,
    /// On which connection.
    pub connection: ConnectionName,
    /// The operation's id, such as `contacts.update`.
    pub operation: &'static str,
    /// Reading or writing.
    pub effect: Effect,
    /// The HTTP status; `None`: no answer came.
    pub status: Option<u16>,
    /// From sending to the last byte of the answer, or to giving up.
    pub duration: Duration,
    /// Which attempt of the same call, from 1.
    pub attempt: u32,
    /// In which lane.
    pub lane: Lane,
    /// What the caller was doing.
    pub cause: Arc<str>,
    /// How many records the request was about.
    pub records: usize,
    /// How it ended.
    pub outcome: Outcome,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The vendor processed it (the content may still have been refused).
    Answered,
    /// Over the vendor's limit; not processed.
    Throttled,
    /// The access token was refused; not processed.
    TokenRefused,
    /// The connection lacks the scope or right; not processed.
    RightMissing,
    /// The credentials or the account were refused; not processed.
    CredentialsRefused,
    /// The clocks differ; not processed.
    ClockSkew,
    /// Trouble at the vendor; processed or not.
    Unavailable,
    /// It never left: no address, no connection, no TLS.
    NotSent,
    /// It left, and no answer came.
    NoAnswer,
    /// The answer was larger than the cap, or was cut off.
    BadAnswer,
}

impl Outcome {
    /// All that there are.
    pub const ALL: [Self; 10] = [
        Self::Answered,
        Self::Throttled,
        Self::TokenRefused,
        Self::RightMissing,
        Self::CredentialsRefused,
        Self::ClockSkew,
        Self::Unavailable,
        Self::NotSent,
        Self::NoAnswer,
        Self::BadAnswer,
    ];

    /// The word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Throttled => "throttled",
            Self::TokenRefused => "token_refused",
            Self::RightMissing => "right_missing",
            Self::CredentialsRefused => "credentials_refused",
            Self::ClockSkew => "clock_skew",
            Self::Unavailable => "unavailable",
            Self::NotSent => "not_sent",
            Self::NoAnswer => "no_answer",
            Self::BadAnswer => "bad_answer",
        }
    }
}

/// Where call records go. Must return at once: it is called between requests.
pub trait CallLog: Send + Sync + 'static {
    /// Takes one record.
    fn record(&self, call: CallRecord);
}

/// A log that keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCallLog;

impl CallLog for NoCallLog {
    fn record(&self, _call: CallRecord) {}
}

/// A log that hands its records to a reader through a bounded channel. Calls never wait for the
/// reader: when the channel is full, records are dropped and counted.
#[derive(Debug)]
pub struct ChannelLog {
    sender: mpsc::Sender<CallRecord>,
    dropped: AtomicU64,
}

impl ChannelLog {
    /// A log that holds at most `capacity` unread records, and its reading end.
    pub fn new(capacity: usize) -> (Arc<Self>, mpsc::Receiver<CallRecord>) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let log = Self {
            sender,
            dropped: AtomicU64::new(0),
        };
        (Arc::new(log), receiver)
    }

    /// How many records were dropped since the start.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl CallLog for ChannelLog {
    fn record(&self, call: CallRecord) {
        if self.sender.try_send(call).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Requests of one connection since the start, each attempt counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Reading requests that were sent.
    pub reads: u64,
    /// Writing requests that were sent.
    pub writes: u64,
    /// How many of them met the vendor's limit.
    pub throttled: u64,
    /// How many of them ended in any other way than an answer.
    pub failed: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    reads: AtomicU64,
    writes: AtomicU64,
    throttled: AtomicU64,
    failed: AtomicU64,
}

impl Counters {
    pub(crate) fn count(&self, effect: Effect, outcome: Outcome) {
        // what never left is a failure but no request
        if outcome != Outcome::NotSent {
            match effect {
                Effect::Read | Effect::SignIn => self.reads.fetch_add(1, Ordering::Relaxed),
                Effect::Write => self.writes.fetch_add(1, Ordering::Relaxed),
            };
        }
        match outcome {
            Outcome::Answered => {}
            Outcome::Throttled => {
                self.throttled.fetch_add(1, Ordering::Relaxed);
            }
            _ => {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn snapshot(&self) -> Counts {
        Counts {
            reads: self.reads.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
            throttled: self.throttled.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_drops_and_counts_instead_of_waiting() {
        let (log, mut reader) = ChannelLog::new(1);
        let call = CallRecord {
            at: Timestamp::UNIX_EPOCH,
            connection: "a".into(),
            operation: "contacts.get",
            effect: Effect::Read,
            status: Some(200),
            duration: Duration::ZERO,
            attempt: 1,
            lane: Lane::Live,
            cause: "test".into(),
            records: 1,
            outcome: Outcome::Answered,
        };
        log.record(call.clone());
        log.record(call.clone());
        assert_eq!(log.dropped(), 1);
        assert_eq!(reader.try_recv().unwrap(), call);
        log.record(call);
        assert_eq!(log.dropped(), 1);
    }
}
