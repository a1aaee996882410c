//! What is stored of a run beside its step rows: what it began with, and where it is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use store::{WorkflowRun, WorkflowStep, WorkflowStepState};

/// What a run begins with.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Body {
    /// What the trigger handed on.
    pub trigger: Json,
    /// What led to it, oldest first: workflows and syncs by their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<String>,
    /// What is known beside that: outputs of steps that were done in another run, by their ids.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub given: Map<String, Json>,
    /// The element of a list that it works for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Json>,
    /// Its place, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// The list of steps that it does beside others, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The run that this one does again, from a step on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replays: Option<String>,
}

/// Where a run is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Position {
    /// The step to be done; none: all is done.
    pub at: Option<String>,
    /// Tries of it that failed.
    #[serde(default)]
    pub failed: u32,
    /// How many step rows there are.
    #[serde(default)]
    pub rows: u32,
    /// The number of the row of a try that was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<u32>,
    /// How often it was looked up whether that try took effect.
    #[serde(default)]
    pub looked: u32,
    /// Until when a delay lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What a person is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
    /// What the person said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

/// What a person is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// A step of the workflow asks.
    Approval,
    /// A try may have had an effect.
    Uncertain,
}

impl Question {
    /// What may be said.
    #[must_use]
    pub fn choices(&self) -> &'static [&'static str] {
        match self {
            Self::Approval => &["approve", "refuse"],
            Self::Uncertain => &["repeat", "done", "fail"],
        }
    }
}

/// What a person said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Go on.
    Approve,
    /// Do not.
    Refuse,
    /// It had no effect: do it again.
    Repeat,
    /// It had its effect: go on with this output.
    Done(Json),
    /// Treat it as failed.
    Fail,
}

impl Body {
    /// Whether it works for a list of steps within another one, and knows what that knows.
    pub(crate) fn is_within(&self) -> bool {
        self.item.is_some() || self.branch.is_some()
    }
}

impl Position {
    /// At the beginning of this step.
    #[must_use]
    pub fn at(step: Option<String>) -> Self {
        Self {
            at: step,
            ..Self::default()
        }
    }

    /// At the beginning of another step of the same run.
    pub(crate) fn go(&mut self, step: Option<String>) {
        *self = Self {
            at: step,
            rows: self.rows,
            ..Self::default()
        };
    }
}

/// What a run knows: what paths lead into.
#[must_use]
pub(crate) fn known(
    run: &WorkflowRun,
    body: &Body,
    vars: &Map<String, Json>,
    outer: Option<&Json>,
    rows: &[WorkflowStep],
) -> Json {
    let mut steps = Map::new();
    let mut errors = Map::new();
    if let Some(outer) = outer {
        steps.extend(outer["steps"].as_object().cloned().unwrap_or_default());
        errors.extend(outer["errors"].as_object().cloned().unwrap_or_default());
    }
    steps.extend(body.given.clone());
    let mut known = json!({
        "trigger": body.trigger,
        "vars": vars,
        "run": {
            "id": run.id.to_string(),
            "workflow": run.workflow,
            "version": run.version,
            "accepted": run.accepted.to_string(),
            "started": run.started.unwrap_or(run.accepted).to_string(),
        },
    });
    if let Some(item) = &body.item {
        known["item"] = item.clone();
        known["index"] = json!(body.index);
    } else if let Some(outer) = outer {
        known["item"] = outer["item"].clone();
        known["index"] = outer["index"].clone();
    }
    known["steps"] = Json::Object(steps);
    known["errors"] = Json::Object(errors);
    for row in rows {
        learn(&mut known, row);
    }
    known
}

/// What a step row adds to what is known.
pub(crate) fn learn(known: &mut Json, row: &WorkflowStep) {
    match row.state {
        WorkflowStepState::Done => {
            known["steps"][&row.step] = row.output.clone();
            if let Some(errors) = known["errors"].as_object_mut() {
                errors.remove(&row.step);
            }
        }
        WorkflowStepState::Failed => {
            known["steps"][&row.step] = Json::Null;
            known["errors"][&row.step] = row.error.clone().unwrap_or(Json::Null);
        }
        WorkflowStepState::Begun | WorkflowStepState::Uncertain => {}
    }
}
