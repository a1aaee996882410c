//! One process of the engine: every request that it sends and every command that it stores passes
//! here, and any of them may be its last.

use std::{
    future::pending,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use std::time::Duration;

use async_trait::async_trait;
use connections::{Answer, Clock, Outgoing, Transport, TransportError};
use jiff::Timestamp;
use tokio::sync::Notify;

use crate::clock::FastClock;

/// From its start to its end. After its end nothing that the process began goes on: what waits for a
/// boundary waits for ever.
#[derive(Debug, Default)]
pub struct Life {
    over: AtomicBool,
    ended: Notify,
    counting: Mutex<Option<Count>>,
}

/// The boundaries passed so far, by name.
#[derive(Debug, Default)]
struct Count {
    passed: Vec<String>,
    last: Option<usize>,
}

impl Life {
    /// Counts boundaries from now on; the process ends at number `last`, if one is given.
    pub fn count(&self, last: Option<usize>) {
        *self.lock() = Some(Count {
            passed: Vec::new(),
            last,
        });
    }

    /// The boundaries passed since counting began, in their order.
    pub fn passed(&self) -> Vec<String> {
        self.lock()
            .as_ref()
            .map_or_else(Vec::new, |count| count.passed.clone())
    }

    /// Ends it here.
    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        self.ended.notify_waiters();
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Waits for its end.
    pub async fn ended(&self) {
        let ended = self.ended.notified();
        tokio::pin!(ended);
        ended.as_mut().enable();
        if !self.is_over() {
            ended.await;
        }
    }

    /// Goes on only while it lives.
    pub(crate) async fn lives(&self) {
        if self.is_over() {
            pending::<()>().await;
        }
    }

    /// Passes a boundary, or ends there.
    pub(crate) async fn pass(&self, boundary: impl FnOnce() -> String) {
        self.lives().await;
        let ends = {
            let mut counting = self.lock();
            counting.as_mut().is_some_and(|count| {
                count.passed.push(boundary());
                count.last == Some(count.passed.len() - 1)
            })
        };
        if ends {
            self.end();
            pending::<()>().await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Count>> {
        self.counting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The network as one process sees it.
pub(crate) struct MortalTransport<T> {
    pub(crate) inner: T,
    pub(crate) life: Arc<Life>,
}

#[async_trait]
impl<T: Transport> Transport for MortalTransport<T> {
    async fn send(&self, request: Outgoing) -> Result<Answer, TransportError> {
        let name = format!("{} {}", request.method, request.url.path());
        self.life.pass(|| format!("before {name}")).await;
        let answer = self.inner.send(request).await;
        self.life.pass(|| format!("after {name}")).await;
        answer
    }
}

/// Time as one process has it: who waits when it ends waits for ever.
pub(crate) struct MortalClock {
    pub(crate) inner: Arc<FastClock>,
    pub(crate) life: Arc<Life>,
}

#[async_trait]
impl Clock for MortalClock {
    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    fn steady(&self) -> Duration {
        self.inner.steady()
    }

    async fn sleep(&self, duration: Duration) {
        self.life.lives().await;
        self.inner.sleep(duration).await;
        self.life.lives().await;
    }
}

/// A network on which each request and each answer takes its time, drawn from a seed.
pub(crate) struct SlowTransport<T> {
    pub(crate) inner: T,
    pub(crate) slow: Option<Slow>,
}

/// How slow a network is.
#[derive(Clone)]
pub(crate) struct Slow {
    dice: Arc<connections::Dice>,
    clock: Arc<dyn Clock>,
    around: Duration,
}

impl Slow {
    /// Between half of `around` and one and a half of it, each way.
    pub(crate) fn new(seed: u64, clock: Arc<dyn Clock>, around: Duration) -> Self {
        Self {
            dice: Arc::new(connections::Dice::seeded(seed)),
            clock,
            around,
        }
    }

    async fn wait(&self) {
        self.clock.sleep(self.dice.jitter(self.around)).await;
    }
}

#[async_trait]
impl<T: Transport> Transport for SlowTransport<T> {
    async fn send(&self, request: Outgoing) -> Result<Answer, TransportError> {
        let Some(slow) = &self.slow else {
            return self.inner.send(request).await;
        };
        slow.wait().await;
        let answer = self.inner.send(request).await;
        slow.wait().await;
        answer
    }
}
