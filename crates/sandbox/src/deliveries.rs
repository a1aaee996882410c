//! Webhooks on their way: due times, attempts, retries, and the faults that befall them.
//!
//! A delivery is rendered afresh for each attempt, because a vendor may renew its timestamp and must then sign again.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::future::BoxFuture;
use serde::Serialize;
use tokio::sync::Notify;

use crate::faults::Fault;
use crate::random::Random;
use crate::system::System;

/// How long a held-back webhook waits for a successor.
const REORDER_WINDOW_MS: i64 = 5_000;
/// How many finished deliveries the log keeps.
const LOG_CAPACITY: usize = 100_000;

/// What goes over the wire in one attempt.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// POST, or GET where all is in the URL and the body is empty.
    pub method: http::Method,
    /// Where to.
    pub url: Arc<str>,
    /// Headers beside `content-type: application/json`.
    pub headers: Vec<(String, String)>,
    /// The body, exactly as signed.
    pub body: Bytes,
}

/// Sends one attempt and returns the receiver's status, or why there was none.
pub type Sender = Arc<dyn Fn(Outgoing) -> BoxFuture<'static, Result<u16, String>> + Send + Sync>;

/// Makes the body and headers of an attempt for a time in milliseconds.
pub(crate) type Render = Arc<dyn Fn(i64) -> (Bytes, Vec<(String, String)>) + Send + Sync>;

/// When a vendor tries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetryPolicy {
    /// Only after a 429, or after anything but a success.
    pub(crate) only_on_429: bool,
    /// How many times after the first.
    pub(crate) retries: u32,
    /// The pause before the first retry.
    pub(crate) pause_ms: i64,
    /// What each further pause is multiplied with.
    pub(crate) factor: i64,
    /// Up to so much is added to each pause.
    pub(crate) jitter_ms: i64,
}

impl RetryPolicy {
    fn again(
        &self,
        failed_attempts: u32,
        outcome: &Result<u16, String>,
        random: &Random,
    ) -> Option<i64> {
        let refused = !matches!(outcome, Ok(200..=299));
        let wanted = if self.only_on_429 {
            *outcome == Ok(429)
        } else {
            refused
        };
        if !wanted || failed_attempts > self.retries {
            return None;
        }
        let pause = self
            .pause_ms
            .saturating_mul(self.factor.saturating_pow(failed_attempts - 1));
        Some(pause.saturating_add(random.below(self.jitter_ms)))
    }
}

/// A webhook that a vendor wants sent.
pub(crate) struct Message {
    pub(crate) system: System,
    pub(crate) event: &'static str,
    pub(crate) id: String,
    pub(crate) subject: String,
    pub(crate) method: http::Method,
    pub(crate) url: Arc<str>,
    pub(crate) render: Render,
    pub(crate) retry: RetryPolicy,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// Still to be sent, or to be sent again.
    Waiting,
    /// Being sent.
    Sending,
    /// Accepted with a 2xx.
    Delivered,
    /// Given up after the last attempt.
    Failed,
    /// Never sent, because a fault said so.
    Lost,
}

/// One attempt.
#[derive(Debug, Clone, Serialize)]
pub struct Attempt {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// The receiver's status, if it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One line of the log.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// Counts up from 1; a doubled webhook has two.
    pub sequence: u64,
    /// The vendor.
    pub system: System,
    /// The event.
    pub event: &'static str,
    /// The webhook's id, the same for doubles and retries.
    pub id: String,
    /// The record it is about.
    pub subject: String,
    /// What became of it.
    pub fate: Fate,
    /// The faults that struck it.
    pub faults: Vec<&'static str>,
    /// What was tried.
    pub attempts: Vec<Attempt>,
}

/// The numbers of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Webhooks that a vendor wanted sent, doubles included.
    pub queued: u64,
    /// Accepted with a 2xx.
    pub delivered: u64,
    /// Given up.
    pub failed: u64,
    /// Lost by a fault.
    pub lost: u64,
    /// Not finished.
    pub waiting: u64,
}

/// All webhooks of one sandbox.
pub struct Deliveries {
    inner: Mutex<Inner>,
    queued: Notify,
}

#[derive(Default)]
struct Inner {
    /// By due time and place in the queue.
    due: BTreeMap<(i64, u64), Job>,
    /// Of each system the delivery that waits for a successor, by its key in `due`.
    held: HashMap<System, (i64, u64)>,
    log: VecDeque<Record>,
    next: u64,
    /// What was queued before the last reset is counted no more.
    reset_at: u64,
    next_place: u64,
    tally: Tally,
}

/// A delivery taken out of the queue to be sent.
pub(crate) struct Job {
    sequence: u64,
    message: Arc<Message>,
}

impl Job {
    pub(crate) fn outgoing(&self, now_ms: i64) -> Outgoing {
        let (body, headers) = (self.message.render)(now_ms);
        Outgoing {
            method: self.message.method.clone(),
            url: Arc::clone(&self.message.url),
            headers,
            body,
        }
    }
}

impl Deliveries {
    pub(crate) fn new() -> Self {
        Self {
            inner: Mutex::default(),
            queued: Notify::new(),
        }
    }

    /// Queues a webhook to be sent now, later, twice or never, as the faults say.
    pub(crate) fn queue(&self, message: Message, now_ms: i64, faults: &[Fault]) {
        let message = Arc::new(message);
        let mut inner = self.lock();
        let names: Vec<&'static str> = faults.iter().map(name).collect();
        if faults.contains(&Fault::Lost) {
            inner.write(&message, Fate::Lost, names);
            inner.tally.lost += 1;
            return;
        }
        let delay: i64 = faults
            .iter()
            .map(|fault| {
                if let Fault::Delayed { ms } = fault {
                    *ms
                } else {
                    0
                }
            })
            .sum();
        let held = inner.held.remove(&message.system);
        if faults.contains(&Fault::Reordered) && held.is_none() {
            let system = message.system;
            let sequence = inner.write(&message, Fate::Waiting, names);
            let key = inner.place(
                now_ms + delay + REORDER_WINDOW_MS,
                Job { sequence, message },
            );
            inner.held.insert(system, key);
            return;
        }
        let copies = if faults.contains(&Fault::Doubled) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let sequence = inner.write(&message, Fate::Waiting, names.clone());
            inner.place(
                now_ms + delay,
                Job {
                    sequence,
                    message: Arc::clone(&message),
                },
            );
        }
        if let Some(job) = held.and_then(|key| inner.due.remove(&key)) {
            inner.place(now_ms + delay, job);
        }
        drop(inner);
        self.queued.notify_one();
    }

    /// Takes what is due, oldest first.
    pub(crate) fn take_due(&self, now_ms: i64, limit: usize) -> Vec<Job> {
        let mut inner = self.lock();
        let mut jobs = Vec::new();
        while jobs.len() < limit {
            let Some(entry) = inner.due.first_entry() else {
                break;
            };
            let key = *entry.key();
            if key.0 > now_ms {
                break;
            }
            let job = entry.remove();
            inner.held.retain(|_, held| *held != key);
            if let Some(record) = inner.record(job.sequence) {
                record.fate = Fate::Sending;
            }
            jobs.push(job);
        }
        jobs
    }

    /// Records how an attempt went, and queues the next one if the vendor's policy has one.
    pub(crate) fn finish(
        &self,
        job: Job,
        outcome: Result<u16, String>,
        now_ms: i64,
        random: &Random,
    ) {
        let mut inner = self.lock();
        let delivered = matches!(outcome, Ok(200..=299));
        let mut failed_attempts = 1;
        if let Some(record) = inner.record(job.sequence) {
            failed_attempts = u32::try_from(record.attempts.len() + 1).unwrap_or(u32::MAX);
            record.attempts.push(Attempt {
                at_ms: now_ms,
                status: outcome.as_ref().ok().copied(),
                error: outcome.as_ref().err().cloned(),
            });
        }
        let again = if delivered {
            None
        } else {
            job.message.retry.again(failed_attempts, &outcome, random)
        };
        let fate = match again {
            _ if delivered => Fate::Delivered,
            Some(_) => Fate::Waiting,
            None => Fate::Failed,
        };
        if let Some(record) = inner.record(job.sequence) {
            record.fate = fate;
        }
        match fate {
            _ if job.sequence <= inner.reset_at => return,
            Fate::Delivered => inner.tally.delivered += 1,
            Fate::Failed => inner.tally.failed += 1,
            _ => {}
        }
        if let Some(pause_ms) = again {
            inner.place(now_ms + pause_ms, job);
        }
    }

    /// When the next delivery is due, in milliseconds since 1970.
    #[must_use]
    pub fn next_due_ms(&self) -> Option<i64> {
        self.lock().due.first_key_value().map(|((due, _), _)| *due)
    }

    /// Whether none waits to be sent and none is being sent.
    #[must_use]
    pub fn are_done(&self) -> bool {
        self.tally().waiting == 0
    }

    /// Makes everything that waits due at once, retries included.
    pub fn hurry(&self) {
        let mut inner = self.lock();
        let waiting = std::mem::take(&mut inner.due);
        inner.held.clear();
        inner.due = waiting
            .into_iter()
            .map(|((_, place), job)| ((i64::MIN, place), job))
            .collect();
        drop(inner);
        self.queued.notify_one();
    }

    /// The log, oldest first.
    #[must_use]
    pub fn log(&self) -> Vec<Record> {
        self.lock().log.iter().cloned().collect()
    }

    /// The numbers of the log.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let inner = self.lock();
        let done = inner.tally.delivered + inner.tally.failed + inner.tally.lost;
        Tally {
            waiting: inner.tally.queued - done,
            ..inner.tally
        }
    }

    /// Forgets the log and what still waits.
    pub fn reset(&self) {
        let mut inner = self.lock();
        *inner = Inner {
            next: inner.next,
            reset_at: inner.next,
            next_place: inner.next_place,
            ..Inner::default()
        };
    }

    /// Resolves when something was queued.
    pub(crate) async fn queued(&self) {
        self.queued.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn place(&mut self, due_ms: i64, job: Job) -> (i64, u64) {
        self.next_place += 1;
        let key = (due_ms, self.next_place);
        self.due.insert(key, job);
        key
    }

    fn write(&mut self, message: &Message, fate: Fate, faults: Vec<&'static str>) -> u64 {
        self.next += 1;
        self.tally.queued += 1;
        if self.log.len() >= LOG_CAPACITY {
            self.log.pop_front();
        }
        self.log.push_back(Record {
            sequence: self.next,
            system: message.system,
            event: message.event,
            id: message.id.clone(),
            subject: message.subject.clone(),
            fate,
            faults,
            attempts: Vec::new(),
        });
        self.next
    }

    fn record(&mut self, sequence: u64) -> Option<&mut Record> {
        let at = self
            .log
            .binary_search_by_key(&sequence, |record| record.sequence)
            .ok()?;
        self.log.get_mut(at)
    }
}

impl std::fmt::Debug for Deliveries {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Deliveries")
            .field("tally", &self.tally())
            .finish_non_exhaustive()
    }
}

fn name(fault: &Fault) -> &'static str {
    match fault {
        Fault::Lost => "lost",
        Fault::Doubled => "doubled",
        Fault::Delayed { .. } => "delayed",
        Fault::Reordered => "reordered",
        _ => "none",
    }
}
