//! From text, YAML or JSON, to a checked workflow, with every problem at its place.

use workflow::{Scene, model::Workflow};

use super::{Problems, read::Reading};
use crate::Code;

/// Reads and checks a workflow. `change` is done to it before it is checked: another connection for a role. Where the form is
/// right, what the check found stands beside the workflow.
///
/// # Errors
/// What is no workflow at all.
pub(crate) fn read_draft(
    text: &str,
    scene: &dyn Scene,
    change: impl FnOnce(&mut Workflow),
) -> Result<(Workflow, Option<Problems>), Problems> {
    let mut reading = Reading::new(text)?;
    let value = reading.json();
    let Some(mut workflow) = reading.decode::<Workflow>(&[], value) else {
        return Err(reading.finish());
    };
    if !reading.is_clean() {
        return Err(reading.finish());
    }
    change(&mut workflow);
    for problem in workflow::check(&workflow, scene) {
        reading.problem(
            Code::WorkflowInvalid,
            &problem.place,
            problem.message,
            problem.hint,
        );
    }
    let problems = (!reading.is_clean()).then(|| reading.finish());
    Ok((workflow, problems))
}

/// Reads a workflow without what is around it: one that is yet to be given its connections.
///
/// # Errors
/// What is no workflow.
pub(crate) fn read_recipe(text: &str) -> Result<Workflow, Problems> {
    let mut reading = Reading::new(text)?;
    let value = reading.json();
    reading
        .decode::<Workflow>(&[], value)
        .ok_or_else(|| reading.finish())
}
