//! From an input to an outcome.

use connector::{
    CallError, Calls, Connector, Error, Request,
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
    if matches!(sent, Err(CallError::OutcomeUnknown { .. }))
        && operation.repeat == Repeat::Repeatable
    {
        sent = calls.send(request).await;
    }
    match sent {
        Ok(response) => Ok(connector.operation_answer(operation, &response)?),
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
