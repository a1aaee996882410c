//! Driving one run: step after step, each durable before what follows from it.
//!
//! A row is begun durably before every act that must not be done twice. If the process dies, the row says that the
//! outcome is not known, and the next worker does what the act's repeatability says. Steps without effect are stored
//! together with the next thing that has one.

mod waiting;
mod within;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use store::{
    NewWorkflowRun, WorkflowCommit, WorkflowRun, WorkflowRunState as State, WorkflowStep,
    WorkflowStepState as StepState,
};

use crate::{
    act::{Act, Failure, FailureKind, Looked, Outcome, Repeatability},
    graph::Graph,
    machine::{self, Move},
    model::{Kind, OnError},
    position::{Answer, Body, Position, Question, known, learn},
    runner::{RunError, Runner, cause, read, stored, too_large},
};

/// How deep workflows may call each other.
const DEEPEST: usize = 20;

/// How often one workflow may stand in a chain of causes.
const ROUNDS: usize = 5;

/// How long after a look-up that failed the next comes.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// What is said of something that a worker may not wait for any longer.
const TOO_LONG: &str = "it took too long";

/// Whether this worker goes on with the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Away,
}

/// One run under way.
pub(crate) struct Driving<'a> {
    runner: &'a Runner,
    graph: Arc<Graph>,
    run: WorkflowRun,
    body: Body,
    position: Position,
    known: Json,
    /// The row of the try that was begun.
    open: Option<WorkflowStep>,
    /// Rows that are not stored yet.
    fresh: Vec<WorkflowStep>,
    /// The output of the last step.
    last: Json,
}

impl<'a> Driving<'a> {
    /// Takes a leased run up where it is.
    pub(crate) async fn take(runner: &'a Runner, run: WorkflowRun) -> Result<Self, RunError> {
        let graph = runner.graph(&run.workflow, run.version).await?;
        let body: Body = read(run.body.clone(), "run")?;
        let position: Position = read(run.position.clone(), "position")?;
        let rows = runner
            .store
            .workflow_steps(&runner.workspace, run.id)
            .await?;
        let outer = Self::outer(runner, &run, &body).await?;
        let known = known(&run, &body, &graph.workflow.vars, outer.as_ref(), &rows);
        let last = rows
            .iter()
            .rev()
            .find(|row| row.state == StepState::Done)
            .map_or(Json::Null, |row| row.output.clone());
        let open = position
            .open
            .and_then(|number| rows.into_iter().find(|row| row.number == number));
        Ok(Self {
            runner,
            graph,
            run,
            body,
            position,
            known,
            open,
            fresh: Vec::new(),
            last,
        })
    }

    /// What the run knows that this one's list belongs to.
    pub(crate) async fn outer(
        runner: &Runner,
        run: &WorkflowRun,
        body: &Body,
    ) -> Result<Option<Json>, RunError> {
        let mut chain = Vec::new();
        let mut parent = run.parent.filter(|_| body.is_within());
        while let Some(step) = parent {
            let above = runner.run(step.run).await?;
            let above_body: Body = read(above.body.clone(), "run")?;
            parent = above.parent.filter(|_| above_body.is_within());
            chain.push((above, above_body));
        }
        let mut outer = None;
        for (above, above_body) in chain.into_iter().rev() {
            let rows = runner
                .store
                .workflow_steps(&runner.workspace, above.id)
                .await?;
            let vars = serde_json::Map::new();
            outer = Some(known(&above, &above_body, &vars, outer.as_ref(), &rows));
        }
        Ok(outer)
    }

    fn now(&self) -> Timestamp {
        self.runner.clock.now()
    }

    /// How long this worker still has the run.
    fn left(&self) -> Duration {
        let end = Timestamp::from_microsecond(self.run.lease).unwrap_or(Timestamp::MIN);
        Duration::try_from(end.duration_since(self.now())).unwrap_or_default()
    }

    /// What comes of something outside, or none if it takes so long that another worker could take the run meanwhile.
    async fn in_time<T>(&self, doing: impl Future<Output = T>) -> Option<T> {
        let patience = self.left().saturating_sub(self.runner.options.lease / 16);
        tokio::select! {
            done = doing => Some(done),
            () = self.runner.clock.sleep(patience) => None,
        }
    }

    fn after(&self, wait: Duration) -> Timestamp {
        self.now().saturating_add(wait).unwrap_or(Timestamp::MAX)
    }

    /// Goes on as far as it goes.
    pub(crate) async fn go(mut self) -> Result<(), RunError> {
        if self.position.rows == 0
            && let Some(circle) = self.circle()
        {
            self.end(State::Failed, Json::Null, Some(circle)).await?;
            return Ok(());
        }
        loop {
            let Some(step) = self.position.at.clone() else {
                let result = std::mem::take(&mut self.last);
                self.end(State::Done, result, None).await?;
                return Ok(());
            };
            // what a step does must end before another worker may take the run: it is taken anew, at its turn
            if self.left() < self.runner.options.lease / 2 {
                let now = self.now();
                self.leave(State::Ready, now, None).await?;
                return Ok(());
            }
            let flow = match self.open.take() {
                Some(row) => self.resume(&step, row).await?,
                None => self.begin(&step).await?,
            };
            if flow == Flow::Away {
                return Ok(());
            }
        }
    }

    /// Why the run goes round in circles, if it does.
    fn circle(&self) -> Option<String> {
        let rounds = self
            .body
            .chain
            .iter()
            .filter(|passed| **passed == self.run.workflow)
            .count();
        (rounds >= ROUNDS || self.body.chain.len() >= DEEPEST).then(|| {
            format!(
                "stopped, because it goes round in circles: {} → {}",
                self.body.chain.join(" → "),
                self.run.workflow
            )
        })
    }

    async fn begin(&mut self, step: &str) -> Result<Flow, RunError> {
        let now = self.now();
        match machine::next(&self.graph, step, &self.known, now) {
            Move::Done { input, output, go } => {
                let mut row = self.row(step, input);
                self.done(&mut row, output);
                self.position.go(go);
                Ok(Flow::On)
            }
            Move::Act(act) => self.act(step, act).await,
            Move::Park { until } => {
                let row = self.row(step, json!({"until": until.to_string()}));
                self.position.open = Some(row.number);
                self.position.until = Some(until);
                self.fresh.push(row);
                self.leave(State::Ready, until, None).await
            }
            Move::Wait {
                source,
                awaited,
                until,
            } => {
                let told = json!({"source": source, "until": until.to_string()});
                let row = self.row(step, told);
                self.position.open = Some(row.number);
                self.position.until = Some(until);
                self.fresh.push(row);
                self.park(source, &awaited, until).await
            }
            Move::Branches { branches, .. } => {
                let names: Vec<&String> = branches.iter().map(|(name, _)| name).collect();
                let row = self.row(step, json!({"branches": names}));
                let children = self.branches(&row, branches)?;
                self.position.open = Some(row.number);
                self.fresh.push(row);
                self.wait_for(children, 0).await
            }
            Move::Items { items, .. } if items.is_empty() => {
                let mut row = self.row(step, json!({"items": items}));
                self.done(&mut row, json!([]));
                self.position.go(self.graph.after(step).map(str::to_owned));
                Ok(Flow::On)
            }
            Move::Items { items, at_once, .. } => {
                let row = self.row(step, json!({"items": items}));
                let children = self.items(&row, 0, at_once)?;
                self.position.open = Some(row.number);
                self.fresh.push(row);
                self.wait_for(children, 0).await
            }
            Move::Call { workflow, input } => self.call(step, workflow, input).await,
            Move::Ask { question } => {
                let row = self.row(step, json!({"question": question}));
                self.position.open = Some(row.number);
                self.position.question = Some(Question::Approval);
                self.fresh.push(row);
                self.leave(State::Asking, now, Some(question)).await
            }
            Move::End {
                input,
                result,
                failed,
                early,
            } => {
                let mut row = self.row(step, input);
                self.done(&mut row, result.clone());
                let state = match (&failed, early) {
                    (Some(_), _) => State::Failed,
                    (None, true) => State::Stopped,
                    (None, false) => State::Done,
                };
                self.end(state, result, failed).await
            }
            Move::Failed(failure) => {
                let row = self.row(step, Json::Null);
                self.failed(row, failure).await
            }
        }
    }

    /// The row of a new try.
    fn row(&mut self, step: &str, input: Json) -> WorkflowStep {
        self.position.rows += 1;
        WorkflowStep {
            number: self.position.rows,
            step: step.to_owned(),
            attempt: self.position.failed + 1,
            state: StepState::Begun,
            started: self.now(),
            ended: None,
            input,
            output: Json::Null,
            error: None,
        }
    }

    /// Ends a row well.
    fn done(&mut self, row: &mut WorkflowStep, output: Json) {
        let bytes = output.to_string().len();
        row.output = if bytes > self.runner.options.largest_output {
            too_large(bytes)
        } else {
            output
        };
        row.state = StepState::Done;
        row.ended = Some(self.now());
        row.error = None;
        learn(&mut self.known, row);
        self.last = row.output.clone();
        self.fresh.push(row.clone());
    }

    async fn act(&mut self, step: &str, act: Act) -> Result<Flow, RunError> {
        let mut row = self.row(step, stored(&act)?);
        let repeat = self.runner.hands.repeatability(&act);
        if repeat != Repeatability::Repeatable {
            self.position.open = Some(row.number);
            self.fresh.push(row.clone());
            if !self.keep().await? {
                return Ok(Flow::Away);
            }
        }
        let until = self.after(self.runner.options.lease / 4);
        let trace = cause(self.run.id);
        let doing = self.runner.hands.perform(&act, &trace, until);
        let outcome = self.in_time(doing).await;
        match outcome.unwrap_or_else(|| Outcome::Unknown(TOO_LONG.to_owned())) {
            Outcome::Done(output) => {
                let mut chain = self.body.chain.clone();
                chain.push(self.run.workflow.clone());
                let now = self.now();
                self.runner.touched.note(&act, &output, &chain, now);
                self.done(&mut row, output);
                self.position.go(self.graph.after(step).map(str::to_owned));
                Ok(Flow::On)
            }
            Outcome::Failed(failure) => self.failed(row, failure).await,
            Outcome::Unknown(why) => match repeat {
                Repeatability::Repeatable => {
                    self.failed(row, Failure::new(FailureKind::Unreachable, why))
                        .await
                }
                Repeatability::LookUp => {
                    row.error = Some(json!({"kind": "unknown", "message": why}));
                    self.fresh.push(row);
                    let due = self.after(self.runner.options.look_after);
                    let note = format!("whether `{step}` took effect is looked up");
                    self.leave(State::Ready, due, Some(note)).await
                }
                Repeatability::AtMostOnce => self.ask(row, why).await,
            },
        }
    }

    /// Asks a person about a try that may have had an effect.
    async fn ask(&mut self, mut row: WorkflowStep, why: String) -> Result<Flow, RunError> {
        let note = format!("whether `{}` took effect is not known: {why}", row.step);
        row.state = StepState::Uncertain;
        row.error = Some(json!({"kind": "uncertain", "message": why}));
        self.position.open = Some(row.number);
        self.position.question = Some(Question::Uncertain);
        self.fresh.push(row);
        let now = self.now();
        self.leave(State::Asking, now, Some(note)).await
    }

    /// A try failed without effect.
    async fn failed(&mut self, mut row: WorkflowStep, failure: Failure) -> Result<Flow, RunError> {
        let now = self.now();
        let step = row.step.clone();
        if failure.kind == FailureKind::Stopping {
            // it was not tried: the next start does
            self.position.rows -= 1;
            self.position.open = None;
            self.fresh.retain(|fresh| fresh.number != row.number);
            return self.leave(State::Ready, now, None).await;
        }
        row.state = StepState::Failed;
        row.ended = Some(now);
        row.error = Some(stored(&failure)?);
        learn(&mut self.known, &row);
        self.fresh.push(row);
        let asked = self.graph.step(&step);
        if failure.kind.may_pass() {
            let tried = self.position.failed as usize;
            let wait = match asked.and_then(|step| step.retry.as_ref()) {
                Some(retry) => retry.waits.get(tried).copied().map(Duration::from_secs),
                None => self.runner.options.waits.get(tried).copied(),
            };
            if let Some(wait) = wait {
                self.position = Position {
                    failed: self.position.failed + 1,
                    rows: self.position.rows,
                    ..Position::at(Some(step))
                };
                let due = self.after(self.runner.dice.jitter(wait));
                return self.leave(State::Ready, due, Some(failure.message)).await;
            }
        }
        match asked.and_then(|step| step.on_error.clone()) {
            None | Some(OnError::Stop) => {
                let note = format!("`{step}`: {}", failure.message);
                self.end(State::Failed, Json::Null, Some(note)).await
            }
            Some(OnError::Continue) => {
                self.position.go(self.graph.after(&step).map(str::to_owned));
                Ok(Flow::On)
            }
            Some(OnError::Go(go)) => {
                self.position.go((go != crate::model::END).then_some(go));
                Ok(Flow::On)
            }
        }
    }

    /// Goes on with a try that was begun earlier.
    async fn resume(&mut self, step: &str, mut row: WorkflowStep) -> Result<Flow, RunError> {
        let go = self.graph.after(step).map(str::to_owned);
        let graph = Arc::clone(&self.graph);
        match graph.step(step).and_then(|step| step.kind()) {
            Some(Kind::Delay(_)) => {
                let until = self.position.until.unwrap_or(row.started);
                if self.now() < until {
                    return self.leave(State::Ready, until, None).await;
                }
                self.done(&mut row, json!({"until": until.to_string()}));
                self.position.go(go);
                Ok(Flow::On)
            }
            Some(Kind::Wait(_)) => self.resume_wait(step, row, go).await,
            Some(Kind::Parallel(parallel)) => {
                let on_failure = parallel.on_failure;
                self.resume_branches(row, go, on_failure).await
            }
            Some(Kind::Approval(approval)) => {
                let refused = approval.refused.clone();
                match self.position.answer.take() {
                    Some(Answer::Approve) => {
                        self.done(&mut row, json!({"approved": true}));
                        self.position.go(go);
                        Ok(Flow::On)
                    }
                    Some(Answer::Refuse) => {
                        self.done(&mut row, json!({"approved": false}));
                        match refused {
                            Some(refused) => {
                                self.position
                                    .go((refused != crate::model::END).then_some(refused));
                                Ok(Flow::On)
                            }
                            None => {
                                let note = Some("a person refused".to_owned());
                                self.end(State::Stopped, json!({"approved": false}), note)
                                    .await
                            }
                        }
                    }
                    _ => {
                        let now = self.now();
                        self.position.question = Some(Question::Approval);
                        self.leave(State::Asking, now, None).await
                    }
                }
            }
            Some(Kind::ForEach(for_each)) => {
                let (at_once, on_failure) = (for_each.at_once.max(1), for_each.on_failure);
                self.resume_items(row, go, at_once, on_failure).await
            }
            Some(Kind::Call(_)) => self.resume_call(row, go).await,
            _ => self.resume_act(step, row, go).await,
        }
    }

    async fn resume_act(
        &mut self,
        step: &str,
        mut row: WorkflowStep,
        go: Option<String>,
    ) -> Result<Flow, RunError> {
        match self.position.answer.take() {
            Some(Answer::Done(output)) => {
                self.done(&mut row, output);
                self.position.go(go);
                return Ok(Flow::On);
            }
            Some(Answer::Repeat) => {
                return Ok(self.once_more(row, "a person says it had no effect"));
            }
            Some(Answer::Fail) => {
                let failure = Failure::new(FailureKind::Asked, "a person says it failed");
                return self.failed(row, failure).await;
            }
            Some(Answer::Approve | Answer::Refuse) | None => {}
        }
        let act = match machine::next(&self.graph, step, &self.known, self.now()) {
            Move::Act(act) => act,
            Move::Failed(failure) => return self.failed(row, failure).await,
            _ => return Ok(self.once_more(row, "the step is another one now")),
        };
        match self.runner.hands.repeatability(&act) {
            Repeatability::Repeatable => Ok(self.once_more(row, "its outcome was not known")),
            Repeatability::AtMostOnce => self.ask(row, "it was cut off".to_owned()).await,
            Repeatability::LookUp => {
                let trace = cause(self.run.id);
                let looking = self.runner.hands.look_up(&act, &trace);
                let looked = self.in_time(looking).await;
                match looked.unwrap_or_else(|| {
                    Looked::Failed(Failure::new(FailureKind::Unreachable, TOO_LONG))
                }) {
                    Looked::There(output) => {
                        self.done(&mut row, output);
                        self.position.go(go);
                        Ok(Flow::On)
                    }
                    Looked::NotThere if self.position.looked == 0 => {
                        self.position.looked += 1;
                        let due = self.after(self.runner.options.look_after);
                        self.leave(State::Ready, due, self.run.note.clone()).await
                    }
                    Looked::NotThere => {
                        Ok(self.once_more(row, "it was looked up twice and is not there"))
                    }
                    Looked::Unclear(why) => self.ask(row, why).await,
                    Looked::Failed(failure) => {
                        let wait = if failure.kind == FailureKind::Stopping {
                            Duration::ZERO
                        } else {
                            LOOK_AGAIN
                        };
                        let due = self.after(self.runner.dice.jitter(wait));
                        self.leave(State::Ready, due, Some(failure.message)).await
                    }
                }
            }
        }
    }

    /// Ends a try that is known to have had no effect, and begins the next at once.
    fn once_more(&mut self, mut row: WorkflowStep, why: &str) -> Flow {
        row.state = StepState::Failed;
        row.ended = Some(self.now());
        row.error = Some(json!({"kind": "unknown", "message": why}));
        self.fresh.push(row);
        self.position = Position {
            failed: self.position.failed,
            rows: self.position.rows,
            ..Position::at(self.position.at.take())
        };
        Flow::On
    }

    /// Leaves the run until one of the runs that it began ends; `open` of those begun earlier had not.
    async fn wait_for(&mut self, begun: Vec<NewWorkflowRun>, open: u32) -> Result<Flow, RunError> {
        let open = open + u32::try_from(begun.len()).unwrap_or(u32::MAX);
        let now = self.now();
        let mut commit = self.commit(State::Waiting, now, None)?;
        commit.children = begun;
        commit.open_children = open;
        self.store(commit).await?;
        Ok(Flow::Away)
    }

    /// Leaves the run.
    async fn leave(
        &mut self,
        state: State,
        due: Timestamp,
        note: Option<String>,
    ) -> Result<Flow, RunError> {
        let commit = self.commit(state, due, note)?;
        self.store(commit).await?;
        Ok(Flow::Away)
    }

    /// Ends the run.
    async fn end(
        &mut self,
        state: State,
        result: Json,
        note: Option<String>,
    ) -> Result<Flow, RunError> {
        let now = self.now();
        self.position.go(None);
        let mut commit = self.commit(state, now, note)?;
        commit.result = Some(result);
        self.store(commit).await?;
        Ok(Flow::Away)
    }

    /// Stores where the run is and goes on with it. `false`: somebody else has it.
    async fn keep(&mut self) -> Result<bool, RunError> {
        let due = self.run.due;
        let mut commit = self.commit(State::Ready, due, None)?;
        commit.keep = true;
        self.store(commit).await
    }

    fn commit(
        &mut self,
        state: State,
        due: Timestamp,
        note: Option<String>,
    ) -> Result<WorkflowCommit, RunError> {
        Ok(WorkflowCommit {
            run: self.run.id,
            lease: self.run.lease,
            steps: std::mem::take(&mut self.fresh),
            state,
            due,
            position: stored(&self.position)?,
            result: None,
            note,
            children: Vec::new(),
            open_children: 0,
            wait: None,
            keep: false,
            at: self.now(),
        })
    }

    async fn store(&self, commit: WorkflowCommit) -> Result<bool, RunError> {
        let kept = self
            .runner
            .store
            .commit_run(&self.runner.workspace, commit)
            .await?;
        if !kept {
            tracing::info!(run = %self.run.id, "a run was taken over or cancelled meanwhile");
        }
        Ok(kept)
    }
}
