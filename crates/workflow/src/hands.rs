//! The way out: what does the acts of steps.

use std::sync::Arc;

use async_trait::async_trait;
use catalog::RunError;
use connections::Connections;
use connector::{
    CallError, Connector, Error,
    catalog::{Effects, Operation, Repeat},
};
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use store::{ConnectionName, Lane};

use crate::{
    act::{Act, Failure, FailureKind, Looked, Outcome, Repeatability},
    edits,
    values::as_text,
    web::Web,
};

/// What does the acts of steps.
#[async_trait]
pub trait Hands: Send + Sync {
    /// What may be done when the outcome of an act is not known.
    fn repeatability(&self, act: &Act) -> Repeatability;

    /// Does it. Nothing is sent any more after `until`. `cause` is an id for the log.
    async fn perform(&self, act: &Act, cause: &str, until: Timestamp) -> Outcome;

    /// Looks whether it was done.
    async fn look_up(&self, act: &Act, cause: &str) -> Looked;

    /// What would be sent, with secrets masked; nothing is.
    async fn preview(&self, act: &Act, cause: &str) -> Result<Json, Failure>;

    /// Whether it only reads.
    fn reads(&self, act: &Act) -> bool;

    /// Such an answer as it gives: what later steps of a rehearsal see.
    fn sample(&self, _act: &Act) -> Json {
        Json::Null
    }
}

/// The way out to the connected accounts.
pub struct VendorHands {
    connections: Arc<Connections>,
    syncs: sync::Handle,
    web: Web,
}

impl VendorHands {
    /// The way out over these accounts and syncs, and to the rest of the world.
    #[must_use]
    pub fn new(connections: Arc<Connections>, syncs: sync::Handle, web: Web) -> Self {
        Self {
            connections,
            syncs,
            web,
        }
    }

    fn find(
        &self,
        connection: &str,
        id: &str,
    ) -> Result<(Arc<dyn Connector>, &'static Operation), Failure> {
        let connector = self
            .connections
            .connector(&ConnectionName::from(connection))
            .map_err(|error| Failure::new(FailureKind::Connection, error.to_string()))?;
        let operation = connector.catalog().operation(id).ok_or_else(|| {
            Failure::new(
                FailureKind::Input,
                format!("{} has no operation `{id}`", connector.describe().title),
            )
        })?;
        Ok((connector, operation))
    }

    async fn operation(
        &self,
        connection: &str,
        id: &str,
        input: &Map<String, Json>,
        cause: &str,
        until: Option<Timestamp>,
    ) -> Outcome {
        let (connector, operation) = match self.find(connection, id) {
            Ok(found) => found,
            Err(failure) => return Outcome::Failed(failure),
        };
        let session =
            match self
                .connections
                .session(&ConnectionName::from(connection), Lane::Live, cause)
            {
                Ok(session) => session,
                Err(error) => {
                    return Outcome::Failed(Failure::new(
                        FailureKind::Connection,
                        error.to_string(),
                    ));
                }
            };
        let session = match until {
            Some(until) => session.writing_until(until),
            None => session,
        };
        let input = fitted(&operation.input, input);
        match catalog::run(&session, &*connector, operation, &input).await {
            Ok(output) => Outcome::Done(output),
            Err(error) => failed(operation, error),
        }
    }
}

/// What an error of the runner of operations means for a step.
fn failed(operation: &Operation, error: RunError) -> Outcome {
    let message = error.to_string();
    let kind = match error {
        RunError::Input(_) => FailureKind::Input,
        RunError::Unknown { .. } => return Outcome::Unknown(message),
        RunError::Failed(Error::Refused { .. } | Error::Unsupported { .. }) => FailureKind::Refused,
        RunError::Failed(Error::Setting { .. }) => FailureKind::Input,
        RunError::Failed(Error::MissingRight { .. }) => FailureKind::Connection,
        RunError::Failed(Error::Unexpected { .. }) if operation.effect == Effects::Write => {
            return Outcome::Unknown(message);
        }
        RunError::Failed(Error::Unexpected { .. }) => FailureKind::Answer,
        RunError::Failed(Error::Call(call)) => match call {
            CallError::OutcomeUnknown { .. } => return Outcome::Unknown(message),
            CallError::Credentials { .. } | CallError::Right { .. } => FailureKind::Connection,
            CallError::Stopping { .. } => FailureKind::Stopping,
            CallError::NotSent { .. } => FailureKind::Unreachable,
        },
    };
    Outcome::Failed(Failure::new(kind, message))
}

#[async_trait]
impl Hands for VendorHands {
    fn repeatability(&self, act: &Act) -> Repeatability {
        match act {
            Act::Operation {
                connection,
                operation,
                ..
            } => match self.find(connection, operation) {
                Ok((_, operation)) => match operation.repeat {
                    Repeat::Repeatable => Repeatability::Repeatable,
                    Repeat::LookUp(_) => Repeatability::LookUp,
                    Repeat::AtMostOnce => Repeatability::AtMostOnce,
                },
                Err(_) => Repeatability::AtMostOnce,
            },
            Act::Http { repeatable, .. } => {
                if *repeatable {
                    Repeatability::Repeatable
                } else {
                    Repeatability::AtMostOnce
                }
            }
            // what is so already is not written again
            Act::Edit { .. } => Repeatability::Repeatable,
            Act::Chat { .. } | Act::Email { .. } => Repeatability::AtMostOnce,
        }
    }

    async fn perform(&self, act: &Act, cause: &str, until: Timestamp) -> Outcome {
        match act {
            Act::Operation {
                connection,
                operation,
                input,
                ..
            } => {
                self.operation(connection, operation, input, cause, Some(until))
                    .await
            }
            Act::Edit { .. } => match edits::of(act, cause) {
                Ok(edit) => edits::outcome(self.syncs.edit(&edit).await),
                Err(failure) => Outcome::Failed(failure),
            },
            other => self.web.perform(other).await,
        }
    }

    async fn look_up(&self, act: &Act, cause: &str) -> Looked {
        let Act::Operation {
            connection,
            operation,
            input,
            look_up,
        } = act
        else {
            return Looked::Unclear("it cannot be looked up".to_owned());
        };
        let (connector, operation) = match self.find(connection, operation) {
            Ok(found) => found,
            Err(failure) => return Looked::Failed(failure),
        };
        let Repeat::LookUp(by) = &operation.repeat else {
            return Looked::Unclear("its entry in the catalog names no look-up".to_owned());
        };
        let Some(by) = connector.catalog().operation(by) else {
            return Looked::Unclear(format!("there is no operation `{by}` to look it up with"));
        };
        let (asked, wanted) = match look_up {
            Some((asked, wanted)) => (asked.clone(), wanted.clone()),
            None => (shared(by, input), sent(operation, input)),
        };
        if wanted.is_empty() {
            return Looked::Unclear("nothing says how it would be recognised".to_owned());
        }
        match self
            .operation(connection, &by.id, &asked, cause, None)
            .await
        {
            Outcome::Done(answer) => match recognise(operation, &answer, &wanted) {
                Looked::NotThere if goes_on(&asked, &answer) => {
                    Looked::Unclear("the list that it was looked up in may go on".to_owned())
                }
                looked => looked,
            },
            Outcome::Unknown(why) => Looked::Failed(Failure::new(FailureKind::Unreachable, why)),
            Outcome::Failed(failure) if failure.kind == FailureKind::Input => {
                Looked::Unclear(format!("it could not be looked up: {}", failure.message))
            }
            Outcome::Failed(failure) => Looked::Failed(failure),
        }
    }

    async fn preview(&self, act: &Act, cause: &str) -> Result<Json, Failure> {
        if matches!(act, Act::Edit { .. }) {
            let edit = edits::of(act, cause)?;
            return match edits::outcome(self.syncs.preview_edit(&edit).await) {
                Outcome::Done(shown) => Ok(shown),
                Outcome::Failed(failure) => Err(failure),
                Outcome::Unknown(why) => Err(Failure::new(FailureKind::Unreachable, why)),
            };
        }
        let Act::Operation {
            connection,
            operation,
            input,
            ..
        } = act
        else {
            return serde_json::to_value(act)
                .map_err(|error| Failure::new(FailureKind::Input, error.to_string()));
        };
        let (connector, operation) = self.find(connection, operation)?;
        let session = self
            .connections
            .session(
                &ConnectionName::from(connection.as_str()),
                Lane::Live,
                cause,
            )
            .map_err(|error| Failure::new(FailureKind::Connection, error.to_string()))?;
        let settings = connector::Calls::settings(&session);
        let input = fitted(&operation.input, input);
        let request = catalog::prepare(&*connector, operation, &input, settings)
            .map_err(|error| Failure::new(FailureKind::Input, error.to_string()))?;
        let request = session
            .preview(&request)
            .map_err(|why| Failure::new(FailureKind::Connection, why))?;
        serde_json::to_value(request)
            .map_err(|error| Failure::new(FailureKind::Input, error.to_string()))
    }

    fn reads(&self, act: &Act) -> bool {
        match act {
            Act::Operation {
                connection,
                operation,
                ..
            } => self
                .find(connection, operation)
                .is_ok_and(|(_, operation)| operation.effect == Effects::Read),
            Act::Http { method, .. } => method == "GET" || method == "HEAD",
            Act::Edit { .. } | Act::Chat { .. } | Act::Email { .. } => false,
        }
    }

    fn sample(&self, act: &Act) -> Json {
        match act {
            Act::Operation {
                connection,
                operation,
                ..
            } => self
                .find(connection, operation)
                .map_or(Json::Null, |(_, operation)| sample(&operation.output)),
            Act::Edit { .. } => json!({"link": "1", "other": {"record": "1"}, "written": []}),
            _ => json!({"status": 200, "body": {}}),
        }
    }
}

/// A value that fits a schema.
fn sample(schema: &Json) -> Json {
    if let Some(example) = schema["examples"].get(0) {
        return example.clone();
    }
    let kind = match &schema["type"] {
        Json::Array(kinds) => kinds.first().unwrap_or(&Json::Null),
        kind => kind,
    };
    match kind.as_str() {
        Some("object") => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            properties
                .map(|(name, property)| (name.clone(), sample(property)))
                .collect()
        }
        Some("array") => json!([sample(&schema["items"])]),
        Some("string") => json!("1"),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        _ => Json::Null,
    }
}

/// The input as its schema types it: systems give an id as text in one answer and want it as a number in the next
/// request. Only what means the same is changed.
fn fitted(schema: &Json, input: &Map<String, Json>) -> Map<String, Json> {
    input
        .iter()
        .map(|(name, value)| {
            let property = &schema["properties"][name];
            (name.clone(), fitted_value(property, value))
        })
        .collect()
}

fn fitted_value(schema: &Json, value: &Json) -> Json {
    let is = |kind: &str| match &schema["type"] {
        Json::String(own) => own == kind,
        Json::Array(kinds) => kinds.iter().any(|own| own == kind),
        _ => false,
    };
    match value {
        Json::Object(members) => Json::Object(fitted(schema, members)),
        Json::Array(items) => items
            .iter()
            .map(|item| fitted_value(&schema["items"], item))
            .collect(),
        Json::String(text) if !is("string") => {
            let text = text.trim();
            if is("integer") || is("number") {
                let whole = text.parse::<i64>().ok().filter(|n| n.to_string() == text);
                let number = whole.map(Json::from).or_else(|| {
                    let number = text.parse::<f64>().ok().filter(|_| is("number"))?;
                    serde_json::Number::from_f64(number).map(Json::Number)
                });
                if let Some(number) = number {
                    return number;
                }
            }
            match text {
                "true" if is("boolean") => Json::Bool(true),
                "false" if is("boolean") => Json::Bool(false),
                _ if is("array") => Json::Array(vec![fitted_value(&schema["items"], value)]),
                _ => value.clone(),
            }
        }
        Json::Number(number) if is("string") && !is("number") && !is("integer") => {
            Json::String(number.to_string())
        }
        Json::Number(_) if is("array") => Json::Array(vec![fitted_value(&schema["items"], value)]),
        other => other.clone(),
    }
}

/// Those fields of an input that the look-up takes, too. A list of names is what the input has names for.
fn shared(by: &Operation, input: &Map<String, Json>) -> Map<String, Json> {
    let mut asked = Map::new();
    for (name, property) in by.input["properties"].as_object().into_iter().flatten() {
        match input.get(name) {
            Some(Json::Object(members)) if property["type"] == "array" => {
                asked.insert(name.clone(), members.keys().cloned().collect());
            }
            Some(given) => {
                asked.insert(name.clone(), given.clone());
            }
            None => {}
        }
    }
    asked
}

/// What was sent as content: plain values that have no place in the path, those of one object within included.
fn sent(operation: &Operation, input: &Map<String, Json>) -> Map<String, Json> {
    let mut content = Map::new();
    for (name, value) in input {
        let property = &operation.input["properties"][name];
        if !matches!(
            property["x-in"].as_str(),
            None | Some("body" | "whole_body")
        ) {
            continue;
        }
        match value {
            Json::Object(members) => content.extend(
                members
                    .iter()
                    .filter(|(_, value)| plain(value))
                    .map(|(name, value)| (name.clone(), value.clone())),
            ),
            value if plain(value) => {
                content.insert(name.clone(), value.clone());
            }
            _ => {}
        }
    }
    content
}

fn plain(value: &Json) -> bool {
    matches!(value, Json::String(_) | Json::Number(_) | Json::Bool(_))
}

/// Finds among the items of an answer the one that is what was to be made.
fn recognise(operation: &Operation, answer: &Json, wanted: &Map<String, Json>) -> Looked {
    let (name, items) = items(answer);
    let mut found = items.iter().filter(|item| fits(item, wanted));
    match (found.next(), found.next()) {
        (None, _) => Looked::NotThere,
        (Some(one), None) => Looked::There(shaped(operation, name.as_deref(), one)),
        (Some(_), Some(_)) => {
            Looked::Unclear("there is more than one that says the same".to_owned())
        }
    }
}

/// Names of the field that says how many items a list has at most.
const LIMITS: [&str; 4] = ["limit", "$limit", "listlimit", "pageLimit"];

/// Lengths that pages have where nobody says otherwise.
const PAGES: [u64; 8] = [20, 25, 50, 100, 200, 250, 500, 1000];

/// Whether a list may have more items than an answer shows: it is full, or of a length that pages have and nothing
/// says how many there are. What is not in it is not known not to be there.
fn goes_on(asked: &Map<String, Json>, answer: &Json) -> bool {
    let shown = items(answer).1.len() as u64;
    let total = ["/total", "/meta/total", "/count"]
        .iter()
        .find_map(|place| answer.pointer(place)?.as_u64());
    let limit = LIMITS.iter().find_map(|name| asked.get(*name)?.as_u64());
    match (total, limit) {
        (Some(total), _) => shown < total,
        (None, Some(limit)) => shown >= limit,
        (None, None) => PAGES.contains(&shown),
    }
}

/// The list in an answer, with its name; a single object is a list of one.
fn items(answer: &Json) -> (Option<String>, Vec<Json>) {
    if let Json::Array(items) = answer {
        return (None, items.clone());
    }
    let members = answer.as_object().into_iter().flatten();
    for (name, member) in members.clone() {
        if let Json::Array(items) = member {
            return (Some(name.clone()), items.clone());
        }
    }
    for (name, member) in members {
        if member.is_object() {
            return (Some(name.clone()), vec![member.clone()]);
        }
    }
    (None, Vec::new())
}

/// Whether a system shows what it was sent: letters may be large or small, and a moment may be written otherwise, to the
/// second.
fn says_the_same(shown: &str, sent: &str) -> bool {
    let (shown, sent) = (shown.trim(), sent.trim());
    let second = |text: &str| text.parse::<Timestamp>().ok().map(Timestamp::as_second);
    shown.to_lowercase() == sent.to_lowercase()
        || second(sent).is_some_and(|sent| second(shown) == Some(sent))
}

/// Whether an item says nothing else than what is wanted, and says at least some of it.
fn fits(item: &Json, wanted: &Map<String, Json>) -> bool {
    let mut said = false;
    for (name, value) in wanted {
        let there = if name.starts_with('/') {
            item.pointer(name)
        } else {
            item.get(name)
                .or_else(|| item.get("elements").and_then(|inner| inner.get(name)))
        };
        match there {
            Some(there) if plain(there) => {
                if !says_the_same(&as_text(there), &as_text(value)) {
                    return false;
                }
                said = true;
            }
            _ => {}
        }
    }
    said
}

/// A found item as the act would have answered.
fn shaped(operation: &Operation, name: Option<&str>, item: &Json) -> Json {
    let properties = operation.output["properties"].as_object();
    for (own, property) in properties.into_iter().flatten() {
        if property["type"] == "array" && name == Some(own.as_str()) {
            return json!({own: [item]});
        }
    }
    for (own, property) in properties.into_iter().flatten() {
        if property["type"] == "object" {
            return json!({own: item});
        }
    }
    item.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_may_go_on_does_not_prove_that_something_is_not_there() {
        let list = |count: usize| json!({"tasks": vec![json!({"title": "x"}); count]});
        let none = Map::new();
        let of = |limit: u64| Map::from_iter([("limit".to_owned(), json!(limit))]);
        assert!(!goes_on(&none, &list(0)));
        assert!(!goes_on(&none, &list(99)));
        assert!(goes_on(&none, &list(100)));
        assert!(goes_on(&of(5), &list(5)));
        assert!(!goes_on(&of(500), &list(100)));
        let mut whole = list(100);
        whole["total"] = json!(100);
        assert!(!goes_on(&none, &whole));
        whole["total"] = json!(101);
        assert!(goes_on(&none, &whole));
    }

    #[test]
    fn a_moment_is_known_again_however_it_is_written() {
        let sent = json!({"title": "Call", "dueDate": "2026-12-01T10:00:00+01:00"});
        let sent = sent.as_object().unwrap();
        let shown = |at: &str| json!({"title": "call ", "dueDate": at});
        assert!(fits(&shown("2026-12-01T09:00:00.000Z"), sent));
        assert!(!fits(&shown("2026-12-01T09:00:01.000Z"), sent));
        assert!(!fits(&shown("tomorrow"), sent));
    }
}
