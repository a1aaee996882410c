//! The log of vendor calls on its way into the store, and what budgets learn from it after a
//! restart.
//!
//! Calls never wait for this: they go through a bounded channel and are written in batches. What a
//! crash can take is the last moment of the log, never a record.

mod remembered;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use connections::{CallRecord, ChannelLog, Clock, Restart};
use connector::Effect;
use jiff::{SignedDuration, Timestamp};
use store::{CallRow, ConnectionName, Lane, Store, Workspace};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use remembered::{Remembered, remembered, save};

/// Calls that may wait to be written before new ones are dropped (and counted).
const WAITING: usize = 20_000;
/// Calls written at once.
const BATCH: usize = 1_000;
/// How long a call waits for others to be written with.
const GATHER: Duration = Duration::from_millis(500);
/// How often old calls are dropped.
const TIDY: SignedDuration = SignedDuration::from_hours(1);

/// Writes the log.
pub(crate) struct CallWriter {
    orders: mpsc::Sender<Order>,
    keep_days: Arc<AtomicU16>,
    store: Arc<dyn Store>,
    workspace: Workspace,
    opened: Arc<Mutex<BTreeSet<ConnectionName>>>,
}

enum Order {
    Flush(oneshot::Sender<()>),
    Close(oneshot::Sender<()>),
}

impl CallWriter {
    /// Starts writing; the log goes to [`connections::Parts`].
    pub(crate) fn start(
        store: Arc<dyn Store>,
        workspace: Workspace,
        clock: Arc<dyn Clock>,
        tasks: &TaskTracker,
    ) -> (Self, Arc<ChannelLog>) {
        let (log, records) = ChannelLog::new(WAITING);
        let (orders, taken) = mpsc::channel(8);
        let keep_days = Arc::new(AtomicU16::new(30));
        let opened = Arc::new(Mutex::default());
        let writing = Writing {
            store: Arc::clone(&store),
            workspace: workspace.clone(),
            opened: Arc::clone(&opened),
            clock,
            keep_days: Arc::clone(&keep_days),
            log: Arc::clone(&log),
            told_dropped: 0,
            tidied: Timestamp::MIN,
            hours: BTreeMap::new(),
        };
        tasks.spawn(writing.run(records, taken));
        let writer = Self {
            orders,
            keep_days,
            store,
            workspace,
            opened,
        };
        (writer, log)
    }

    /// What the budget of a connection may assume of the time before this process.
    ///
    /// From here on until the orderly end the store says that a process is at work, so that a crash
    /// looks like one: then short windows are assumed spent.
    pub(crate) async fn restart(
        &self,
        connection: &ConnectionName,
    ) -> Result<Restart, store::Error> {
        let held = remembered(&*self.store, &self.workspace, connection).await?;
        let mut remembered = held.clone().unwrap_or_default();
        remembered.at_work = true;
        save(&*self.store, &self.workspace, connection, &remembered).await?;
        self.opened
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(connection.clone());
        Ok(match held {
            None => Restart {
                fresh: true,
                ..Restart::default()
            },
            Some(held) => Restart {
                fresh: false,
                earlier: held.calls_by_hour.clone().into_iter().collect(),
                recent: (!held.at_work).then(|| held.recent()),
            },
        })
    }

    /// How long calls are kept.
    pub(crate) fn keep_days(&self, days: u16) {
        self.keep_days.store(days, Ordering::Relaxed);
    }

    /// Returns when everything logged so far is written.
    pub(crate) async fn flush(&self) {
        self.order(Order::Flush).await;
    }

    /// Writes the rest and ends.
    pub(crate) async fn close(&self) {
        self.order(Order::Close).await;
    }

    async fn order(&self, order: impl FnOnce(oneshot::Sender<()>) -> Order) {
        let (done, waiting) = oneshot::channel();
        if self.orders.send(order(done)).await.is_ok() {
            // a writer that is gone has written what it had
            drop(waiting.await);
        }
    }
}

struct Writing {
    store: Arc<dyn Store>,
    workspace: Workspace,
    clock: Arc<dyn Clock>,
    keep_days: Arc<AtomicU16>,
    opened: Arc<Mutex<BTreeSet<ConnectionName>>>,
    log: Arc<ChannelLog>,
    told_dropped: u64,
    tidied: Timestamp,
    hours: BTreeMap<ConnectionName, Remembered>,
}

impl Writing {
    async fn run(
        mut self,
        mut records: mpsc::Receiver<CallRecord>,
        mut orders: mpsc::Receiver<Order>,
    ) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let order = tokio::select! {
                order = orders.recv() => Some(order),
                taken = records.recv_many(&mut batch, BATCH) => match taken {
                    0 => return,
                    BATCH => None,
                    // Others may come to be written with, unless somebody wants to see what there is.
                    _ => tokio::select! {
                        order = orders.recv() => Some(order),
                        () = tokio::time::sleep(GATHER) => None,
                    },
                },
            };
            while (order.is_some() || batch.len() < BATCH)
                && let Ok(record) = records.try_recv()
            {
                batch.push(record);
                if batch.len() == BATCH && order.is_some() {
                    self.write(&mut batch).await;
                }
            }
            self.write(&mut batch).await;
            match order {
                None => {}
                Some(Some(Order::Flush(done))) => told(done),
                Some(Some(Order::Close(done))) => {
                    self.end_in_order().await;
                    told(done);
                    return;
                }
                Some(None) => return,
            }
        }
    }

    async fn write(&mut self, batch: &mut Vec<CallRecord>) {
        if batch.is_empty() {
            return;
        }
        let now = self.clock.now();
        let tidy = now.duration_since(self.tidied) >= TIDY;
        let keep_since = tidy
            .then(|| {
                let days = self.keep_days.load(Ordering::Relaxed);
                now.saturating_sub(SignedDuration::from_hours(24 * i64::from(days)))
                    .ok()
            })
            .flatten();
        let rows: Vec<CallRow> = batch.iter().map(row).collect();
        match self
            .store
            .log_calls(&self.workspace, &rows, keep_since)
            .await
        {
            Ok(()) if tidy => self.tidied = now,
            Ok(()) => {}
            Err(error) => {
                tracing::error!(%error, calls = rows.len(), "calls could not be logged");
            }
        }
        self.remember(batch, now).await;
        let dropped = self.log.dropped();
        if dropped > self.told_dropped {
            tracing::warn!(
                calls = dropped - self.told_dropped,
                "calls were not logged because writing could not keep up"
            );
            self.told_dropped = dropped;
        }
        batch.clear();
    }

    /// Keeps the number of calls by hour for budgets with long windows.
    async fn remember(&mut self, batch: &[CallRecord], now: Timestamp) {
        let mut touched = BTreeMap::<ConnectionName, Vec<(Timestamp, Effect)>>::new();
        for record in batch {
            touched
                .entry(record.connection.clone())
                .or_default()
                .push((record.at, record.effect));
        }
        for (connection, calls) in touched {
            let Some(hours) = self.held(&connection).await else {
                continue;
            };
            hours.add(&calls, now);
            let hours = hours.clone();
            self.keep(&connection, &hours).await;
        }
    }

    /// No call follows: the next process may count on what is known.
    async fn end_in_order(&mut self) {
        let opened = self
            .opened
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for connection in opened {
            if let Some(hours) = self.held(&connection).await {
                hours.at_work = false;
                let hours = hours.clone();
                self.keep(&connection, &hours).await;
            }
        }
    }

    /// What a connection remembers, read once.
    async fn held(&mut self, connection: &ConnectionName) -> Option<&mut Remembered> {
        if !self.hours.contains_key(connection) {
            match remembered(&*self.store, &self.workspace, connection).await {
                Ok(held) => {
                    self.hours
                        .insert(connection.clone(), held.unwrap_or_default());
                }
                Err(error) => {
                    tracing::error!(%error, %connection, "the calls by hour could not be read");
                }
            }
        }
        self.hours.get_mut(connection)
    }

    async fn keep(&self, connection: &ConnectionName, hours: &Remembered) {
        if let Err(error) = save(&*self.store, &self.workspace, connection, hours).await {
            tracing::error!(%error, %connection, "the calls by hour could not be kept");
        }
    }
}

/// Tells whoever waits; if nobody does any more, that is fine.
fn told(done: oneshot::Sender<()>) {
    let _ = done.send(());
}

fn row(record: &CallRecord) -> CallRow {
    CallRow {
        at: record.at,
        connection: record.connection.clone(),
        operation: record.operation.to_owned(),
        write: record.effect == Effect::Write,
        status: record.status,
        milliseconds: u32::try_from(record.duration.as_millis()).unwrap_or(u32::MAX),
        attempt: record.attempt,
        lane: match record.lane {
            Lane::Live => "live",
            Lane::Reconcile => "reconcile",
            Lane::Backfill => "backfill",
        }
        .to_owned(),
        cause: (!record.cause.is_empty()).then(|| record.cause.to_string()),
        outcome: record.outcome.as_str().to_owned(),
        records: u32::try_from(record.records).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use connections::{CallLog as _, Outcome, SystemClock};
    use store::{CallFilter, SqliteStore};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_wants_to_see_the_calls_does_not_wait_until_more_came() {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory().unwrap());
        let workspace = Workspace::new("main");
        let clock = Arc::new(SystemClock::new());
        let tasks = TaskTracker::new();
        let (writer, log) =
            CallWriter::start(store.clone(), workspace.clone(), clock.clone(), &tasks);
        let record = || {
            log.record(CallRecord {
                at: clock.now(),
                connection: ConnectionName::from("crm"),
                operation: "contacts.update",
                effect: Effect::Write,
                status: Some(200),
                duration: Duration::from_millis(3),
                attempt: 1,
                lane: Lane::Live,
                cause: "test".into(),
                records: 1,
                outcome: Outcome::Answered,
            });
        };
        let written = async || {
            let rows = store.calls(&workspace, &CallFilter::default()).await;
            rows.unwrap().len()
        };
        for round in 1..=3 {
            record();
            // by now it waits for others to write this one with
            tokio::time::sleep(GATHER / 10).await;
            assert_eq!(written().await, round - 1);
            let asked = tokio::time::Instant::now();
            writer.flush().await;
            assert_eq!(asked.elapsed(), Duration::ZERO);
            assert_eq!(written().await, round);
        }
        record();
        tokio::time::sleep(GATHER * 2).await;
        assert_eq!(written().await, 4);
        writer.close().await;
    }
}
