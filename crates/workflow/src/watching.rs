//! Watching for what begins workflows: what a system tells, what is found by asking, times, and what syncs do.
//!
//! Whoever finds an event moves a durable cursor in the commit that takes its runs in. A cursor belongs to the
//! connection and trigger, the sync journal, or the schedule, and not to a version: publishing loses nothing. It is
//! there only as long as a workflow in force waits for it: what happens before, or in a pause, begins nothing later.

mod syncs;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError},
    time::Duration,
};

use catalog::Seen;
use connections::Connections;
use connector::catalog::trigger::{Happened, Source};
use futures::stream::{FuturesUnordered, StreamExt as _};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use store::{ConnectionName, Lane, NewWorkflowRun, StoredWorkflow, WorkflowCame};
use tokio_util::sync::CancellationToken;

use crate::{
    Graph, RunError, Runner,
    awaited::Awaited,
    cron::Cron,
    machine::source_of_event,
    model::{Missed, Schedule, Trigger, Wait},
    runner::{read, stored},
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

/// An operation or a trigger that a workflow uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// Where.
    pub connection: String,
    /// Its id in the catalog.
    pub id: String,
    /// Whether it is a trigger.
    pub is_trigger: bool,
}

/// One workflow in force.
type Listener = (StoredWorkflow, Arc<Graph>);

/// A connection and the trigger that it is asked for.
type Question = (String, String);

/// Where the cursor of a question is kept.
fn of_question(question: &Question) -> String {
    format!("poll {} {}", question.0, question.1)
}

/// Where the cursor of a workflow's schedule is kept.
fn of_schedule(workflow: &str) -> String {
    format!("schedule {workflow}")
}

/// Where a schedule is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Planned {
    schedule: Schedule,
    last: Timestamp,
}

impl Runner {
    /// The workflows in force that are not paused.
    async fn listeners(&self) -> Result<Vec<Listener>, RunError> {
        Ok(self.listening().await?.0)
    }

    /// The same, and whether these are all: one that cannot be read begins nothing, and holds up no other.
    async fn listening(&self) -> Result<(Vec<Listener>, bool), RunError> {
        let mut listeners = Vec::new();
        let mut unreadable = BTreeSet::new();
        for stored in self.store.workflows(&self.workspace).await? {
            let Some(version) = stored.published.filter(|_| !stored.paused) else {
                continue;
            };
            match self.graph(&stored.name, version).await {
                Ok(graph) => listeners.push((stored, graph)),
                Err(RunError::Store(error)) => return Err(error.into()),
                Err(error) => {
                    let told = self
                        .unreadable
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner);
                    if !told.contains(&(stored.name.clone(), version)) {
                        tracing::error!(workflow = stored.name, version, %error,
                            "a workflow in force cannot be read: nothing begins it");
                    }
                    drop(told);
                    unreadable.insert((stored.name, version));
                }
            }
        }
        let all = unreadable.is_empty();
        *self
            .unreadable
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = unreadable;
        Ok((listeners, all))
    }

    /// The triggers that workflows in force wait for, each with its connection.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn waited_for(&self) -> Result<Vec<(String, String)>, RunError> {
        let listeners = self.listeners().await?;
        let sources = self.store.workflow_wait_sources(&self.workspace).await?;
        Ok(events_of(&listeners, &sources))
    }

    /// The operations and triggers that workflows in force use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn used(&self) -> Result<Vec<Used>, RunError> {
        let listeners = self.listeners().await?;
        let mut used: Vec<Used> = events_of(&listeners, &[])
            .into_iter()
            .map(|(connection, id)| Used {
                connection,
                id,
                is_trigger: true,
            })
            .collect();
        for (_, graph) in &listeners {
            let steps = graph.workflow.all_steps();
            let operations = steps.iter().filter_map(|step| step.operation.as_ref());
            used.extend(operations.map(|operation| Used {
                connection: graph.workflow.connection(&operation.connection).to_owned(),
                id: operation.operation.clone(),
                is_trigger: false,
            }));
        }
        Ok(used)
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
        let came = self.came_of(connection, delivery, happened).await?;
        if !runs.is_empty() || !came.is_empty() {
            self.accept_with(None, &runs, &came).await?;
        }
        Ok(())
    }

    /// The runs that wait for one of these events.
    async fn came_of(
        &self,
        connection: &str,
        delivery: Option<&str>,
        happened: &[Happened],
    ) -> Result<Vec<WorkflowCame>, RunError> {
        let mut of_trigger: BTreeMap<&str, Vec<Event<'_>>> = BTreeMap::new();
        for (at, one) in happened.iter().enumerate() {
            of_trigger.entry(&one.trigger).or_default().push(Event {
                id: delivery.map(|delivery| format!("{connection} {delivery} {at}")),
                body: one.item.clone(),
                fits: &|_| true,
            });
        }
        let mut came = Vec::new();
        for (trigger, events) in of_trigger {
            let source = source_of_event(connection, trigger);
            came.extend(self.waited(&source, &events).await?);
        }
        Ok(came)
    }

    /// Which run waits for which of the events of a source.
    async fn waited(
        &self,
        source: &str,
        events: &[Event<'_>],
    ) -> Result<Vec<WorkflowCame>, RunError> {
        let waits = self.store.workflow_waits(&self.workspace, source).await?;
        let mut came = Vec::new();
        for wait in waits {
            let awaited: Awaited = read(wait.body, "wait")?;
            for event in events.iter().filter(|event| (event.fits)(&awaited)) {
                match awaited.holds(&event.body) {
                    Ok(false) => continue,
                    Ok(true) => came.push(WorkflowCame {
                        run: wait.run,
                        event: event.id.clone(),
                        body: event.body.clone(),
                        at: self.clock.now(),
                    }),
                    Err(error) => {
                        tracing::warn!(run = %wait.run, %error, "an event could not be held against what a run waits for");
                        continue;
                    }
                }
                break;
            }
        }
        Ok(came)
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
        let mut asked: BTreeMap<Question, Timestamp> = BTreeMap::new();
        // Each on its own: who waits for an answer holds up nobody else.
        let mut under_way: BTreeSet<Question> = BTreeSet::new();
        let mut answers = FuturesUnordered::new();
        while !stop.is_cancelled() {
            let (wait, due) = match self.look(&pace, &mut asked, &under_way).await {
                Ok(found) => found,
                Err(error) => {
                    tracing::error!(%error, "events that begin workflows could not be looked for");
                    (pace.longest, Vec::new())
                }
            };
            for question in due {
                under_way.insert(question.clone());
                let (runner, connections) = (&self, &connections);
                answers.push(async move {
                    if let Err(error) = runner.ask(connections, &question).await {
                        let (connection, trigger) = &question;
                        tracing::error!(connection, trigger, %error, "a trigger could not be asked");
                    }
                    question
                });
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.published.notified() => {}
                Some(answered) = answers.next() => {
                    under_way.remove(&answered);
                }
                () = self.clock.sleep(wait) => {}
            }
        }
    }

    /// Looks once; says how long until the next look, and what is to be asked now.
    async fn look(
        &self,
        pace: &Pace,
        asked: &mut BTreeMap<Question, Timestamp>,
        under_way: &BTreeSet<Question>,
    ) -> Result<(Duration, Vec<Question>), RunError> {
        let (listeners, all) = self.listening().await?;
        let mut wait = pace.longest;
        let sources = self.store.workflow_wait_sources(&self.workspace).await?;
        let mut polled = events_of(&listeners, &sources);
        let syncs = sources.iter().any(|source| source.starts_with("sync "))
            || listeners.iter().any(|(_, graph)| {
                matches!(graph.workflow.trigger, Trigger::Sync(_))
                    || waits_of(graph).any(|wait| wait.sync.is_some())
            });
        // One that cannot be read may wait for anything.
        if all {
            self.let_go(&listeners, &polled, syncs).await?;
        }
        for (workflow, graph) in &listeners {
            let Trigger::Schedule(schedule) = &graph.workflow.trigger else {
                continue;
            };
            match self.on_time(workflow, schedule).await {
                Ok(None) => {}
                Ok(Some(next)) => {
                    let until = next.duration_since(self.clock.now());
                    wait = wait.min(Duration::try_from(until).unwrap_or_default());
                }
                Err(RunError::Store(error)) => return Err(error.into()),
                Err(error) => {
                    tracing::error!(workflow = workflow.name, %error, "a schedule cannot go on");
                }
            }
        }
        if syncs {
            self.of_syncs(&listeners).await?;
            wait = wait.min(pace.syncs);
        }
        polled.sort();
        polled.dedup();
        asked.retain(|key, _| polled.contains(key));
        let mut questions = Vec::new();
        for key in polled {
            // its answer wakes whoever looks
            if under_way.contains(&key) {
                continue;
            }
            let now = self.clock.now();
            let mut due = asked.get(&key).copied().unwrap_or(now);
            if due <= now {
                due = now.saturating_add(pace.poll).unwrap_or(Timestamp::MAX);
                asked.insert(key.clone(), due);
                questions.push(key);
            }
            let until = Duration::try_from(due.duration_since(now)).unwrap_or_default();
            wait = wait.min(until.max(Duration::from_millis(1)));
        }
        Ok((wait, questions))
    }

    /// Drops the cursors that no workflow in force and no run waits for: whoever waits for them next begins there and then.
    async fn let_go(
        &self,
        listeners: &[Listener],
        polled: &[Question],
        syncs: bool,
    ) -> Result<(), RunError> {
        let held = self.store.workflow_cursors(&self.workspace).await?;
        let schedules = listeners
            .iter()
            .filter(|(_, graph)| matches!(graph.workflow.trigger, Trigger::Schedule(_)));
        let waited: BTreeSet<String> = schedules
            .map(|(workflow, _)| of_schedule(&workflow.name))
            .chain(polled.iter().map(of_question))
            .chain(syncs.then(|| SYNCS.to_owned()))
            .collect();
        let unheard: Vec<String> = held
            .into_iter()
            .filter(|name| !waited.contains(name))
            .collect();
        if !unheard.is_empty() {
            self.store
                .drop_workflow_cursors(&self.workspace, &unheard)
                .await?;
        }
        Ok(())
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
        let name = of_schedule(&workflow.name);
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
        question: &Question,
    ) -> Result<(), RunError> {
        let (connection, trigger) = question;
        let name = ConnectionName::from(connection.as_str());
        let Ok(connector) = connections.connector(&name) else {
            return Ok(());
        };
        let Some(asked) = connector.catalog().trigger(trigger) else {
            return Ok(());
        };
        if !matches!(asked.source, Source::Poll(_)) {
            return Ok(());
        }
        let cursor = of_question(question);
        let held = self.store.workflow_cursor(&self.workspace, &cursor).await?;
        let mut seen: Seen = held
            .clone()
            .map(|held| read(held, "cursor"))
            .transpose()?
            .unwrap_or_default();
        let Ok(session) = connections.session(&name, Lane::Reconcile, "workflow-triggers") else {
            return Ok(());
        };
        let now = self.clock.now();
        match catalog::poll(&session, &*connector, asked, now, &mut seen).await {
            Ok(answered) => {
                if let Some(why) = answered.passed_over {
                    tracing::error!(connection, trigger, why, "not all that happened was shown");
                }
                // a pause began meanwhile
                if self.store.workflow_cursor(&self.workspace, &cursor).await? != held {
                    return Ok(());
                }
                // as it is now: a workflow may have been published or paused meanwhile
                let listeners = self.listeners().await?;
                let runs = self
                    .runs(&listeners, connection, None, &answered.happened)
                    .await?;
                let came = self.came_of(connection, None, &answered.happened).await?;
                let value = stored(&seen)?;
                self.accept_with(Some((&cursor, &value)), &runs, &came)
                    .await?;
            }
            // nothing is lost: the next question asks from where the last one got
            Err(error) => {
                tracing::warn!(connection, trigger, %error, "a trigger could not be asked");
            }
        }
        Ok(())
    }
}

/// Something that a run may wait for.
struct Event<'a> {
    /// Its own id, if it has one.
    id: Option<String>,
    /// What it hands on.
    body: Json,
    /// Whether it is of the kind that is waited for.
    fits: &'a (dyn Fn(&Awaited) -> bool + Sync),
}

/// What the steps of a workflow wait for.
fn waits_of(graph: &Graph) -> impl Iterator<Item = &Wait> {
    let steps = graph.workflow.all_steps();
    steps.into_iter().filter_map(|step| step.wait.as_ref())
}

/// The triggers that workflows begin with or wait for, and those that runs wait for, each with its connection.
fn events_of(listeners: &[Listener], sources: &[String]) -> Vec<(String, String)> {
    let mut events = Vec::new();
    for (_, graph) in listeners {
        let begins = match &graph.workflow.trigger {
            Trigger::Event(event) => Some(event),
            _ => None,
        };
        let waits = waits_of(graph).filter_map(|wait| wait.event.as_ref());
        for event in begins.into_iter().chain(waits) {
            let connection = graph.workflow.connection(&event.connection);
            events.push((connection.to_owned(), event.trigger.clone()));
        }
    }
    for source in sources {
        if let Some((connection, trigger)) = source
            .strip_prefix("event ")
            .and_then(|rest| rest.split_once(' '))
        {
            events.push((connection.to_owned(), trigger.to_owned()));
        }
    }
    events
}
