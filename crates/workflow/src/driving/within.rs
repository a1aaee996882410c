//! Runs that work for a step of another one: the elements of a list, lists side by side, and called workflows.

use serde_json::{Map, Value as Json, json};
use store::{NewWorkflowRun, ParentStep, WorkflowRunState as State, WorkflowStep};

use super::{Driving, Flow};
use crate::{
    act::{Failure, FailureKind},
    model::OnFailure,
    position::{Body, Position},
    runner::{RunError, stored},
};

impl Driving<'_> {
    /// A run for one list of steps.
    fn begun(
        &self,
        row: &WorkflowStep,
        place: u32,
        body: &Body,
        first: Option<String>,
    ) -> Result<NewWorkflowRun, RunError> {
        Ok(NewWorkflowRun {
            id: self.runner.new_id(),
            workflow: self.run.workflow.clone(),
            version: self.run.version,
            event: None,
            key: None,
            parent: Some(ParentStep {
                run: self.run.id,
                number: row.number,
                item: place,
            }),
            body: stored(body)?,
            position: stored(&Position::at(first))?,
            accepted: self.now(),
        })
    }

    /// Runs for lists side by side.
    pub(super) fn branches(
        &self,
        row: &WorkflowStep,
        branches: Vec<(String, Option<String>)>,
    ) -> Result<Vec<NewWorkflowRun>, RunError> {
        (0..)
            .zip(branches)
            .map(|(place, (name, first))| {
                let body = Body {
                    trigger: self.body.trigger.clone(),
                    chain: self.body.chain.clone(),
                    branch: Some(name),
                    ..Body::default()
                };
                self.begun(row, place, &body, first)
            })
            .collect()
    }

    pub(super) async fn resume_branches(
        &mut self,
        mut row: WorkflowStep,
        go: Option<String>,
        on_failure: OnFailure,
    ) -> Result<Flow, RunError> {
        let store = &self.runner.store;
        let children = store
            .workflow_children(&self.runner.workspace, self.run.id, row.number, true)
            .await?;
        if children.open > 0 {
            return self.wait_for(Vec::new(), children.open).await;
        }
        let names = row.input["branches"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let name = |place: u32| {
            let name = names.get(place as usize).and_then(Json::as_str);
            name.unwrap_or_default().to_owned()
        };
        let failed = children
            .ended
            .iter()
            .find(|(_, state, _, _)| matches!(state, State::Failed | State::Cancelled));
        if let (Some((place, _, _, note)), OnFailure::Stop) = (failed, on_failure) {
            let why = note.as_deref().unwrap_or("it was cancelled");
            let failure = Failure::new(FailureKind::Within, format!("{}: {why}", name(*place)));
            return self.failed(row, failure).await;
        }
        let results: Map<String, Json> = children
            .ended
            .into_iter()
            .map(|(place, _, result, _)| (name(place), result.unwrap_or(Json::Null)))
            .collect();
        self.done(&mut row, Json::Object(results));
        self.position.go(go);
        Ok(Flow::On)
    }

    /// Runs for the elements from this place on.
    pub(super) fn items(
        &self,
        row: &WorkflowStep,
        from: u32,
        number: u32,
    ) -> Result<Vec<NewWorkflowRun>, RunError> {
        let first = self
            .graph
            .step(&row.step)
            .and_then(|step| step.for_each.as_ref())
            .and_then(|for_each| for_each.steps.first())
            .map(|step| step.id.clone());
        let items = row.input["items"].as_array().cloned().unwrap_or_default();
        let wanted = items
            .into_iter()
            .zip(0_u32..)
            .skip(from as usize)
            .take(number as usize);
        wanted
            .map(|(item, index)| {
                let body = Body {
                    trigger: self.body.trigger.clone(),
                    chain: self.body.chain.clone(),
                    item: Some(item),
                    index: Some(index),
                    ..Body::default()
                };
                self.begun(row, index, &body, first.clone())
            })
            .collect()
    }

    pub(super) async fn resume_items(
        &mut self,
        mut row: WorkflowStep,
        go: Option<String>,
        at_once: u32,
        on_failure: OnFailure,
    ) -> Result<Flow, RunError> {
        let store = &self.runner.store;
        let children = store
            .workflow_children(&self.runner.workspace, self.run.id, row.number, false)
            .await?;
        let all = row.input["items"].as_array().map_or(0, Vec::len);
        let all = u32::try_from(all).unwrap_or(u32::MAX);
        let failed = children.ended.first();
        if let (Some((item, _, _, note)), OnFailure::Stop) = (failed, on_failure) {
            if children.open > 0 {
                return self.wait_for(Vec::new(), children.open).await;
            }
            let why = note.as_deref().unwrap_or("it was cancelled");
            let message = format!("element {item}: {why}");
            return self
                .failed(row, Failure::new(FailureKind::Within, message))
                .await;
        }
        if children.all < all {
            let more = at_once.saturating_sub(children.open);
            let begun = self.items(&row, children.all, more)?;
            return self.wait_for(begun, children.open).await;
        }
        if children.open > 0 {
            return self.wait_for(Vec::new(), children.open).await;
        }
        let children = store
            .workflow_children(&self.runner.workspace, self.run.id, row.number, true)
            .await?;
        let results = children
            .ended
            .into_iter()
            .map(|(_, _, result, _)| result.unwrap_or(Json::Null))
            .collect();
        self.done(&mut row, Json::Array(results));
        self.position.go(go);
        Ok(Flow::On)
    }

    pub(super) async fn call(
        &mut self,
        step: &str,
        workflow: String,
        input: serde_json::Map<String, Json>,
    ) -> Result<Flow, RunError> {
        let row = self.row(step, json!({"workflow": workflow, "input": input}));
        let mut chain = self.body.chain.clone();
        chain.push(self.run.workflow.clone());
        let begun = match self.runner.workflow(&workflow).await {
            Ok(called) => {
                let trigger = Json::Object(input);
                self.runner.begin(&called, None, trigger, chain).await
            }
            Err(error) => Err(error),
        };
        let mut called = match begun {
            Ok(called) => called,
            Err(RunError::Store(error)) => return Err(error.into()),
            Err(error) => {
                let failure = Failure::new(FailureKind::Input, error.to_string());
                return self.failed(row, failure).await;
            }
        };
        called.key = None;
        called.parent = Some(ParentStep {
            run: self.run.id,
            number: row.number,
            item: 0,
        });
        self.position.open = Some(row.number);
        self.fresh.push(row);
        self.wait_for(vec![called], 0).await
    }

    pub(super) async fn resume_call(
        &mut self,
        mut row: WorkflowStep,
        go: Option<String>,
    ) -> Result<Flow, RunError> {
        let children = self
            .runner
            .store
            .workflow_children(&self.runner.workspace, self.run.id, row.number, true)
            .await?;
        let Some((_, state, result, note)) = children.ended.into_iter().next() else {
            return self.wait_for(Vec::new(), children.open).await;
        };
        if matches!(state, State::Failed | State::Cancelled) {
            let why = note.unwrap_or_else(|| "it was cancelled".to_owned());
            return self
                .failed(row, Failure::new(FailureKind::Within, why))
                .await;
        }
        self.done(&mut row, result.unwrap_or(Json::Null));
        self.position.go(go);
        Ok(Flow::On)
    }
}
