//! From text, YAML or JSON, to a checked workflow, with every problem at its place.

use workflow::{Scene, model::Workflow};

use super::{Problems, read::Reading};
use crate::Code;

/// Reads and checks a workflow. `change` is done to it before it is checked: another connection for a role.
///
/// # Errors
/// All problems that were found.
pub(crate) fn read_workflow(
    text: &str,
    scene: &dyn Scene,
    change: impl FnOnce(&mut Workflow),
) -> Result<Workflow, Problems> {
    let mut reading = Reading::new(text)?;
    let value = reading.json();
    let Some(mut workflow) = reading.decode::<Workflow>(&[], value) else {
        return Err(reading.finish());
    };
    change(&mut workflow);
    if reading.is_clean() {
        for problem in workflow::check(&workflow, scene) {
            reading.problem(
                Code::WorkflowInvalid,
                &problem.place,
                problem.message,
                problem.hint,
            );
        }
    }
    if reading.is_clean() {
        Ok(workflow)
    } else {
        Err(reading.finish())
    }
}
