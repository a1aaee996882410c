//! Watching for what begins workflows: what a system tells, what is found by asking, times, and what syncs do.
//!
//! Whoever finds an event moves a durable cursor in the commit that takes its runs in. A cursor belongs to the
//! connection and trigger, the sync journal, or the schedule, and not to a version: publishing loses nothing.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use catalog::Seen;
use connections::Connections;
use connector::catalog::trigger::{Happened, Source};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use store::{
    ConnectionName, Effect, JournalEntry, Lane, NewWorkflowRun, Review, StoredWorkflow,
    SyncEventsCursor,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Graph, RunError, Runner,
    cron::Cron,
    model::{Missed, Schedule, SyncEvent, SyncHappening, Trigger},
    runner::{read, stored},
    values::json as as_json,
};

/// How often it is looked.
#[derive(Debug, Clone)]
pub struct Pace {
    /// A system is asked again after this.
    pub poll: Duration,
    /// What syncs did is looked at after this.
    pub syncs: Duration,
    /// At the latest it is looked what there is to watch after this.
    pub longest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(60),
            syncs: Duration::from_secs(1),
            longest: Duration::from_secs(10),
        }
    }
}

/// Events of syncs that are looked at together.
const BATCH: usize = 500;

/// Where the cursor of the syncs' events is kept.
const SYNCS: &str = "syncs";

/// One workflow in force.
type Listener = (StoredWorkflow, Arc<Graph>);

/// Where a schedule is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Planned {
    schedule: Schedule,
    last: Timestamp,
}

impl Runner {
    /// The workflows in force that are not paused.
    async fn listeners(&self) -> Result<Vec<Listener>, RunError> {
        let mut listeners = Vec::new();
        for stored in self.store.workflows(&self.workspace).await? {
            let Some(version) = stored.published.filter(|_| !stored.paused) else {
                continue;
            };
            let graph = self.graph(&stored.name, version).await?;
            listeners.push((stored, graph));
        }
        Ok(listeners)
    }

    /// The triggers that workflows in force wait for, each with its connection.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn waited_for(&self) -> Result<Vec<(String, String)>, RunError> {
        let listeners = self.listeners().await?;
        let waited = listeners.iter().filter_map(|(_, graph)| {
            let Trigger::Event(event) = &graph.workflow.trigger else {
                return None;
            };
            let connection = graph.workflow.connection(&event.connection);
            Some((connection.to_owned(), event.trigger.clone()))
        });
        Ok(waited.collect())
    }

    /// Takes in what a system told. When this returns, it is durable. A delivery that comes again begins nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn told(
        &self,
        connection: &str,
        delivery: Option<&str>,
        happened: &[Happened],
    ) -> Result<(), RunError> {
        if happened.is_empty() {
            return Ok(());
        }
        let listeners = self.listeners().await?;
        let runs = self
            .runs(&listeners, connection, delivery, happened)
            .await?;
        if !runs.is_empty() {
            self.accept_all(None, &runs).await?;
        }
        Ok(())
    }

    async fn runs(
        &self,
        listeners: &[Listener],
        connection: &str,
        delivery: Option<&str>,
        happened: &[Happened],
    ) -> Result<Vec<NewWorkflowRun>, RunError> {
        let mut runs = Vec::new();
        for (at, one) in happened.iter().enumerate() {
            for (workflow, graph) in listeners {
                let Trigger::Event(event) = &graph.workflow.trigger else {
                    continue;
                };
                if event.trigger != one.trigger
                    || graph.workflow.connection(&event.connection) != connection
                {
                    continue;
                }
                let id = delivery.map(|delivery| format!("{connection} {delivery} {at}"));
                let chain = self.touched.chain(connection, &one.id, self.clock.now());
                runs.push(self.begin(workflow, id, one.item.clone(), chain).await?);
            }
        }
        Ok(runs)
    }

    /// Looks for events until told to stop.
    pub async fn watch(
        self: Arc<Self>,
        connections: Arc<Connections>,
        pace: Pace,
        stop: CancellationToken,
    ) {
        let mut asked: BTreeMap<(String, String), Timestamp> = BTreeMap::new();
        while !stop.is_cancelled() {
            let wait = match self.look(&connections, &pace, &mut asked).await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::error!(%error, "events that begin workflows could not be looked for");
                    pace.longest
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.published.notified() => {}
                () = self.clock.sleep(wait) => {}
            }
        }
    }

    /// Looks once; says how long until the next look.
    async fn look(
        &self,
        connections: &Arc<Connections>,
        pace: &Pace,
        asked: &mut BTreeMap<(String, String), Timestamp>,
    ) -> Result<Duration, RunError> {
        let listeners = self.listeners().await?;
        let mut wait = pace.longest;
        let mut polled = Vec::new();
        let mut syncs = false;
        for (workflow, graph) in &listeners {
            match &graph.workflow.trigger {
                Trigger::Schedule(schedule) => {
                    if let Some(next) = self.on_time(workflow, schedule).await? {
                        let until = next.duration_since(self.clock.now());
                        wait = wait.min(Duration::try_from(until).unwrap_or_default());
                    }
                }
                Trigger::Event(event) => {
                    let connection = graph.workflow.connection(&event.connection);
                    polled.push((connection.to_owned(), event.trigger.clone()));
                }
                Trigger::Sync(_) => syncs = true,
                Trigger::Manual(_) | Trigger::Webhook(_) => {}
            }
        }
        if syncs {
            self.of_syncs(&listeners).await?;
            wait = wait.min(pace.syncs);
        }
        polled.sort();
        polled.dedup();
        asked.retain(|key, _| polled.contains(key));
        for key in polled {
            let now = self.clock.now();
            let due = asked.get(&key).copied().unwrap_or(now);
            if due <= now {
                let next = now.saturating_add(pace.poll).unwrap_or(Timestamp::MAX);
                asked.insert(key.clone(), next);
                self.ask(connections, &listeners, &key.0, &key.1).await?;
            }
            let until = asked.get(&key).map_or(Duration::ZERO, |due| {
                Duration::try_from(due.duration_since(self.clock.now())).unwrap_or_default()
            });
            wait = wait.min(until.max(Duration::from_millis(1)));
        }
        Ok(wait)
    }

    /// Begins a run if a time of a workflow's schedule has come; says when the next comes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn on_time(
        &self,
        workflow: &StoredWorkflow,
        schedule: &Schedule,
    ) -> Result<Option<Timestamp>, RunError> {
        let now = self.clock.now();
        let name = format!("schedule {}", workflow.name);
        let (Ok(cron), Ok(zone)) = (Cron::read(&schedule.cron), TimeZone::get(&schedule.zone))
        else {
            return Ok(None);
        };
        let held = self.store.workflow_cursor(&self.workspace, &name).await?;
        let held: Option<Planned> = held.map(|held| read(held, "schedule")).transpose()?;
        let begin = |last| Planned {
            schedule: schedule.clone(),
            last,
        };
        let Some(planned) = held.filter(|held| held.schedule == *schedule) else {
            let cursor = stored(&begin(now))?;
            self.accept_all(Some((&name, &cursor)), &[]).await?;
            return Ok(cron.after(now, &zone));
        };
        let mut due = Vec::new();
        let mut at = planned.last;
        while let Some(next) = cron.after(at, &zone).filter(|next| *next <= now) {
            at = next;
            due.push(next);
            if due.len() > 1000 {
                due.remove(0);
            }
        }
        let Some(last) = due.last().copied() else {
            return Ok(cron.after(planned.last, &zone));
        };
        // one that is due just now was not missed
        let is_now = now.duration_since(last) < jiff::SignedDuration::from_mins(2);
        let runs = if schedule.missed == Missed::Once || is_now {
            let trigger = json!({"scheduled": last.to_string(), "missed": due.len() - 1});
            vec![self.begin(workflow, None, trigger, Vec::new()).await?]
        } else {
            Vec::new()
        };
        let cursor = stored(&begin(last))?;
        self.accept_all(Some((&name, &cursor)), &runs).await?;
        Ok(cron.after(last, &zone))
    }

    /// Asks a system what happened, where it does not tell.
    async fn ask(
        &self,
        connections: &Arc<Connections>,
        listeners: &[Listener],
        connection: &str,
        trigger: &str,
    ) -> Result<(), RunError> {
        let name = ConnectionName::from(connection);
        let Ok(connector) = connections.connector(&name) else {
            return Ok(());
        };
        let Some(asked) = connector.catalog().trigger(trigger) else {
            return Ok(());
        };
        if !matches!(asked.source, Source::Poll(_)) {
            return Ok(());
        }
        let cursor = format!("poll {connection} {trigger}");
        let held = self.store.workflow_cursor(&self.workspace, &cursor).await?;
        let mut seen: Seen = held
            .map(|held| read(held, "cursor"))
            .transpose()?
            .unwrap_or_default();
        let Ok(session) = connections.session(&name, Lane::Reconcile, "workflow-triggers") else {
            return Ok(());
        };
        let now = self.clock.now();
        match catalog::poll(&session, &*connector, asked, now, &mut seen).await {
            Ok(happened) => {
                let runs = self.runs(listeners, connection, None, &happened).await?;
                let value = stored(&seen)?;
                self.accept_all(Some((&cursor, &value)), &runs).await?;
            }
            // nothing is lost: the next question asks from where the last one got
            Err(error) => {
                tracing::warn!(connection, trigger, %error, "a trigger could not be asked");
            }
        }
        Ok(())
    }

    /// Takes in what syncs did and asked since the last look; the first only notes where that is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn look_at_syncs(&self) -> Result<(), RunError> {
        let listeners = self.listeners().await?;
        self.of_syncs(&listeners).await
    }

    async fn of_syncs(&self, listeners: &[Listener]) -> Result<(), RunError> {
        let held = self.store.workflow_cursor(&self.workspace, SYNCS).await?;
        let Some(held) = held else {
            let end = self.store.sync_events_end(&self.workspace).await?;
            self.accept_all(Some((SYNCS, &stored(&end)?)), &[]).await?;
            return Ok(());
        };
        let mut cursor: SyncEventsCursor = read(held, "cursor")?;
        loop {
            let events = self
                .store
                .sync_events_after(&self.workspace, cursor, BATCH)
                .await?;
            if events.journal.is_empty() && events.reviews.is_empty() {
                return Ok(());
            }
            let mut runs = Vec::new();
            for (workflow, graph) in listeners {
                let Trigger::Sync(wanted) = &graph.workflow.trigger else {
                    continue;
                };
                for entry in events.journal.iter().filter(|entry| fits(wanted, entry)) {
                    let origin = entry.entry.connection.as_str();
                    let record = entry.entry.record.as_str();
                    let chain = self.touched.chain(origin, record, self.clock.now());
                    let event = Some(format!("journal {}", entry.seq));
                    runs.push(self.begin(workflow, event, of_entry(entry), chain).await?);
                }
                for (number, review) in &events.reviews {
                    if asks(wanted, review) {
                        let event = Some(format!("review {number}"));
                        let trigger = of_review(review);
                        runs.push(self.begin(workflow, event, trigger, Vec::new()).await?);
                    }
                }
            }
            if let Some(last) = events.journal.last() {
                cursor.journal = last.seq;
            }
            if let Some((last, _)) = events.reviews.last() {
                cursor.review = *last;
            }
            self.accept_all(Some((SYNCS, &stored(&cursor)?)), &runs)
                .await?;
        }
    }
}

/// Whether a workflow wants a journal entry.
fn fits(wanted: &SyncEvent, entry: &JournalEntry) -> bool {
    let entry = &entry.entry;
    let on = match entry.effect {
        Effect::Linked => SyncHappening::Linked,
        Effect::Created => SyncHappening::Created,
        Effect::Written => SyncHappening::Changed,
        Effect::Removed => SyncHappening::Removed,
        Effect::Refused => SyncHappening::Error,
        Effect::Unlinked | Effect::Observed => return false,
    };
    let is = |wanted: &Option<String>, held: &str| wanted.as_deref().is_none_or(|w| w == held);
    wanted.on == on
        && entry
            .sync
            .as_ref()
            .is_some_and(|sync| sync.as_str() == wanted.sync)
        && is(&wanted.entity, &entry.entity.to_string())
        && is(&wanted.connection, entry.connection.as_str())
        && wanted.field.as_ref().is_none_or(|field| {
            entry
                .field
                .as_ref()
                .is_some_and(|held| held.as_str() == field)
        })
}

/// Whether a workflow wants a review.
fn asks(wanted: &SyncEvent, review: &Review) -> bool {
    wanted.on == SyncHappening::Conflict
        && review.sync.as_str() == wanted.sync
        && wanted
            .entity
            .as_ref()
            .is_none_or(|entity| *entity == review.entity.to_string())
}

fn of_entry(entry: &JournalEntry) -> Json {
    let one = &entry.entry;
    json!({
        "sync": one.sync,
        "connection": one.connection,
        "entity": one.entity,
        "record": one.record.as_str(),
        "field": one.field.as_ref().map(|field| field.as_str().to_owned()),
        "before": as_json(&one.before),
        "after": as_json(&one.after),
        "link": one.link,
        "at": one.at.to_string(),
        "rule": one.rule,
        "note": one.note,
        "trace": one.cause.trace,
    })
}

fn of_review(review: &Review) -> Json {
    json!({
        "review": review.id,
        "sync": review.sync,
        "entity": review.entity,
        "kind": review.kind,
        "summary": review.summary,
        "left": review.left.as_ref().map(|id| id.as_str().to_owned()),
        "right": review.right.as_ref().map(|id| id.as_str().to_owned()),
        "at": review.opened.to_string(),
    })
}
