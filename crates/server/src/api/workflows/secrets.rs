//! Workflows that send secrets of the server: only who may do everything says where to.

use store::Scope;
use workflow::model::Workflow;

use crate::{access::Caller, error::ApiResult};

/// Refuses who might send a secret of the server to an address of their choice.
pub(super) fn may_send(caller: &Caller, workflow: &Workflow) -> ApiResult<()> {
    let sends = workflow.all_steps().into_iter().find(|step| {
        step.http.as_ref().is_some_and(|http| {
            http.headers
                .values()
                .any(|value| workflow::values::is_reference(value))
        })
    });
    let Some(step) = sends else {
        return Ok(());
    };
    caller.must(Scope::Admin).map_err(|mut error| {
        error.message = format!(
            "{}, because step `{}` sends a secret of the server",
            error.message, step.id
        );
        error.hint("save it as a draft, and let an owner publish it")
    })
}
