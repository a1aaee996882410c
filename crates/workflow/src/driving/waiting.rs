//! Waiting for an event: parked with what makes it the one, and gone on with when it came or is too late.

use jiff::Timestamp;
use serde_json::json;
use store::{NewWorkflowWait, WorkflowRunState as State, WorkflowStep};

use super::{Driving, Flow};
use crate::{
    awaited::Awaited,
    machine::{self, Move},
    model::END,
    runner::{RunError, stored},
};

impl Driving<'_> {
    /// Leaves the run until the event comes, or this moment.
    pub(super) async fn park(
        &mut self,
        source: String,
        awaited: &Awaited,
        until: Timestamp,
    ) -> Result<Flow, RunError> {
        let mut commit = self.commit(State::Ready, until, None)?;
        commit.wait = Some(NewWorkflowWait {
            source,
            body: stored(awaited)?,
        });
        self.store(commit).await?;
        Ok(Flow::Away)
    }

    pub(super) async fn resume_wait(
        &mut self,
        step: &str,
        mut row: WorkflowStep,
        go: Option<String>,
    ) -> Result<Flow, RunError> {
        let until = self.position.until.unwrap_or(row.started);
        let wait = self
            .runner
            .store
            .workflow_wait(&self.runner.workspace, self.run.id)
            .await?;
        if let Some(event) = wait.and_then(|wait| wait.event) {
            self.done(&mut row, json!({"came": true, "event": event}));
            self.position.go(go);
            return Ok(Flow::On);
        }
        if self.now() < until {
            let again = machine::next(&self.graph, step, &self.known, self.now());
            return match again {
                Move::Wait {
                    source, awaited, ..
                } => self.park(source, &awaited, until).await,
                Move::Failed(failure) => self.failed(row, failure).await,
                _ => Ok(self.once_more(row, "the step is another one now")),
            };
        }
        self.done(&mut row, json!({"came": false, "event": null}));
        let late = self
            .graph
            .step(step)
            .and_then(|step| step.wait.as_ref())
            .and_then(|wait| wait.late.clone());
        self.position.go(match late {
            Some(late) => (late != END).then_some(late),
            None => go,
        });
        Ok(Flow::On)
    }
}
