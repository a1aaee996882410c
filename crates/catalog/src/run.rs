//! From an input to an outcome.

use connector::{
    CallError, Calls, Connector, Error, Refusal, Request,
    catalog::{Operation, Repeat},
};
use serde_json::{Map, Value as Json};

use crate::check::{Problems, check, complete};

/// Why an operation has no result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The input does not fit; nothing was sent.
    #[error("the input does not fit:\n{0}")]
    Input(Problems),
    /// It was sent, and whether it took effect is not known. It was not done again.
    #[error("the outcome of {operation} is not known: {why}; {next}")]
    Unknown {
        /// The operation.
        operation: &'static str,
        /// Why.
        why: String,
        /// What to do before it is tried again.
        next: String,
    },
    /// Everything else: refused, not sent, a scope missing.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// The request that would be sent, before authorisation.
///
/// # Errors
/// When the input does not fit, or the connection's settings do not allow it.
pub fn prepare(
    connector: &dyn Connector,
    operation: &'static Operation,
    input: &Map<String, Json>,
    settings: &Json,
) -> Result<Request, RunError> {
    let mut input = input.clone();
    complete(&operation.input, &mut input, settings);
    let input = Json::Object(input);
    check(&operation.input, &input).map_err(RunError::Input)?;
    Ok(connector.operation_request(operation, &input, settings)?)
}

/// Does it. What can be repeated is sent a second time if the first had no known outcome.
///
/// # Errors
/// When the input does not fit, the vendor refuses, or the outcome is not known.
pub async fn run(
    calls: &dyn Calls,
    connector: &dyn Connector,
    operation: &'static Operation,
    input: &Map<String, Json>,
) -> Result<Json, RunError> {
    let request = prepare(connector, operation, input, calls.settings())?;
    let mut sent = calls.send(request.clone()).await;
    let repeats = matches!(sent, Err(CallError::OutcomeUnknown { .. }))
        && operation.repeat == Repeat::Repeatable;
    if repeats {
        sent = calls.send(request).await;
    }
    match sent {
        Ok(response) => match connector.operation_answer(operation, &response) {
            // what the first try did may be just what the second is refused for
            Err(Error::Refused { refusal, .. }) if repeats => {
                if is_removal(operation) && is_gone(&refusal) {
                    return Ok(Json::Null);
                }
                Err(RunError::Unknown {
                    operation: &operation.id,
                    why: format!(
                        "the first try had no answer, and a second was refused: {refusal}"
                    ),
                    next: "look in the account whether the first one took effect".to_owned(),
                })
            }
            answer => Ok(answer?),
        },
        Err(CallError::OutcomeUnknown { operation: id, why }) => Err(RunError::Unknown {
            operation: id,
            why,
            next: match &operation.repeat {
                Repeat::Repeatable => "it can be done again without harm".to_owned(),
                Repeat::LookUp(by) => format!("look with {by} before you do it again"),
                Repeat::AtMostOnce => {
                    "it is never done twice by itself: look in the account before you do it again"
                        .to_owned()
                }
            },
        }),
        Err(error) => Err(Error::from(error).into()),
    }
}

/// Whether it takes something away: gone is then what was wanted.
fn is_removal(operation: &Operation) -> bool {
    operation.method.eq_ignore_ascii_case("delete")
}

/// Whether a refusal says that the thing is not there, by its status or by its words: HighLevel answers 400 for it (measured by others).
fn is_gone(refusal: &Refusal) -> bool {
    let message = refusal.message.to_lowercase();
    let says = ["not found", "does not exist", "no item", "no such"];
    matches!(refusal.code.as_str(), "404" | "410")
        || says.iter().any(|words| message.contains(words))
}
