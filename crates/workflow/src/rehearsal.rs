//! A rehearsal: a draft from its beginning to its end, with what it would write shown and not sent.
//!
//! What only reads is really done. What would write is shown as the request that would go out, and answers a sample.
//! Waits are shown and not waited for, a person is taken to approve, and of a list only the first elements are done.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::{
    Graph, Hands,
    act::{Outcome, Repeatability},
    machine::{self, Move},
};

/// Elements of a list that are done.
const ELEMENTS: usize = 3;

/// One step as it would be done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// The step.
    pub step: String,
    /// The places of the elements of the lists that it is in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elements: Vec<usize>,
    /// What would go in, with every tag filled in.
    #[serde(skip_serializing_if = "Json::is_null")]
    pub input: Json,
    /// What would be sent; nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_send: Option<Json>,
    /// What would be done if the outcome were not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_unknown: Option<&'static str>,
    /// What came out, or a sample of it.
    pub output: Json,
    /// Whether the output is a sample.
    pub sample: bool,
    /// Why it would fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a workflow would do.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Rehearsal {
    /// Its steps in the order in which they would be done.
    pub steps: Vec<Shown>,
    /// What would come of it.
    pub result: Json,
    /// Why it would fail.
    pub failed: Option<String>,
}

/// How a list of steps ended.
enum Ended {
    Through(Json),
    Early(Json),
    Failed(String),
}

/// Goes through a workflow without writing anything.
pub async fn rehearse(
    graph: &Graph,
    trigger: Json,
    hands: &dyn Hands,
    cause: &str,
    now: Timestamp,
) -> Rehearsal {
    let mut known = json!({
        "trigger": trigger,
        "vars": graph.workflow.vars,
        "steps": {},
        "errors": {},
        "run": {"id": cause, "workflow": graph.workflow.name, "version": 0,
            "accepted": now.to_string(), "started": now.to_string()},
    });
    let mut rehearsal = Rehearsal::default();
    let mut stage = Stage {
        graph,
        hands,
        cause,
        now,
        steps: Vec::new(),
    };
    let first = graph.first().map(str::to_owned);
    match stage.list(first, &mut known, &mut Vec::new()).await {
        Ended::Through(result) | Ended::Early(result) => rehearsal.result = result,
        Ended::Failed(why) => rehearsal.failed = Some(why),
    }
    rehearsal.steps = stage.steps;
    rehearsal
}

struct Stage<'a> {
    graph: &'a Graph,
    hands: &'a dyn Hands,
    cause: &'a str,
    now: Timestamp,
    steps: Vec<Shown>,
}

impl Stage<'_> {
    async fn list(
        &mut self,
        first: Option<String>,
        known: &mut Json,
        elements: &mut Vec<usize>,
    ) -> Ended {
        let mut at = first;
        let mut last = Json::Null;
        while let Some(step) = at {
            let mut shown = Shown {
                step: step.clone(),
                elements: elements.clone(),
                input: Json::Null,
                would_send: None,
                if_unknown: None,
                output: Json::Null,
                sample: false,
                error: None,
            };
            let mut go = self.graph.after(&step).map(str::to_owned);
            match machine::next(self.graph, &step, known, self.now) {
                Move::Done {
                    input,
                    output,
                    go: next,
                } => {
                    shown.input = input;
                    shown.output = output;
                    go = next;
                }
                Move::Act(act) => {
                    // what cannot be written down is shown by what follows from it
                    shown.input = serde_json::to_value(&act).unwrap_or_default();
                    if self.hands.reads(&act) {
                        match self.hands.perform(&act, self.cause, Timestamp::MAX).await {
                            Outcome::Done(output) => shown.output = output,
                            Outcome::Failed(failure) => shown.error = Some(failure.message),
                            Outcome::Unknown(why) => shown.error = Some(why),
                        }
                    } else {
                        match self.hands.preview(&act, self.cause).await {
                            Ok(request) => shown.would_send = Some(request),
                            Err(failure) => shown.error = Some(failure.message),
                        }
                        shown.if_unknown = Some(match self.hands.repeatability(&act) {
                            Repeatability::Repeatable => "it is done again",
                            Repeatability::LookUp => "it is looked up before it is done again",
                            Repeatability::AtMostOnce => "a person is asked",
                        });
                        shown.output = self.hands.sample(&act);
                        shown.sample = true;
                    }
                }
                Move::Park { until } => {
                    shown.output = json!({"until": until.to_string()});
                    shown.sample = true;
                }
                Move::Wait { source, until, .. } => {
                    // an event is taken to come
                    shown.output = json!({"came": true, "event": {}, "source": source,
                        "until": until.to_string()});
                    shown.sample = true;
                }
                Move::Branches { branches, .. } => {
                    let place = self.steps.len();
                    let mut results = Map::new();
                    for (name, first) in branches {
                        let mut inner = known.clone();
                        match Box::pin(self.list(first, &mut inner, elements)).await {
                            Ended::Through(result) | Ended::Early(result) => {
                                results.insert(name, result);
                            }
                            Ended::Failed(why) => {
                                shown.error = Some(format!("{name}: {why}"));
                                break;
                            }
                        }
                    }
                    shown.output = Json::Object(results);
                    self.steps.insert(place, shown.clone());
                    if let Some(why) = shown.error {
                        return Ended::Failed(format!("`{step}`: {why}"));
                    }
                    known["steps"][&step] = shown.output.clone();
                    last = shown.output;
                    at = go;
                    continue;
                }
                Move::Items { items, first, .. } => {
                    let place = self.steps.len();
                    let mut results = Vec::new();
                    for (index, item) in items.iter().take(ELEMENTS).enumerate() {
                        let mut inner = known.clone();
                        inner["item"] = item.clone();
                        inner["index"] = json!(index);
                        elements.push(index);
                        let ended = Box::pin(self.list(first.clone(), &mut inner, elements)).await;
                        elements.pop();
                        match ended {
                            Ended::Through(result) | Ended::Early(result) => results.push(result),
                            Ended::Failed(why) => {
                                shown.error = Some(format!("element {index}: {why}"));
                                break;
                            }
                        }
                    }
                    shown.sample = items.len() > ELEMENTS;
                    shown.output = Json::Array(results);
                    self.steps.insert(place, shown.clone());
                    if let Some(why) = shown.error {
                        return Ended::Failed(format!("`{step}`: {why}"));
                    }
                    known["steps"][&step] = shown.output.clone();
                    last = shown.output;
                    at = go;
                    continue;
                }
                Move::Call { workflow, input } => {
                    shown.would_send = Some(json!({"workflow": workflow, "input": input}));
                    shown.sample = true;
                }
                Move::Ask { question } => {
                    shown.output = json!({"approved": true, "question": question});
                    shown.sample = true;
                }
                Move::End {
                    result,
                    failed,
                    early: _,
                    ..
                } => {
                    shown.output = result.clone();
                    shown.error.clone_from(&failed);
                    self.steps.push(shown);
                    return match failed {
                        Some(why) => Ended::Failed(why),
                        None => Ended::Early(result),
                    };
                }
                Move::Failed(failure) => shown.error = Some(failure.message),
            }
            let error = shown.error.clone();
            known["steps"][&step] = shown.output.clone();
            last = shown.output.clone();
            self.steps.push(shown);
            if let Some(why) = error {
                use crate::model::OnError;
                match self
                    .graph
                    .step(&step)
                    .and_then(|step| step.on_error.clone())
                {
                    None | Some(OnError::Stop) => return Ended::Failed(format!("`{step}`: {why}")),
                    Some(OnError::Continue) => {}
                    Some(OnError::Go(next)) => {
                        go = (next != crate::model::END).then_some(next);
                    }
                }
                let mut told = Map::new();
                told.insert("message".to_owned(), json!(why));
                known["errors"][&step] = Json::Object(told);
                known["steps"][&step] = Json::Null;
            }
            at = go;
        }
        Ended::Through(last)
    }
}
