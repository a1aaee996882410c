//! Whether what a tag refers to can be known by then.

use serde_json::Value as Json;

use super::{Checking, listed};
use crate::{
    model::Step,
    values::{Path, ROOTS, paths},
};

impl Checking<'_> {
    /// Every tag of a value leads to something that can be known by then.
    pub(super) fn references(&mut self, place: &str, value: &Json, step: Option<&Step>) {
        for (inside, found) in paths(value) {
            let dot = if inside.is_empty() || inside.starts_with('[') {
                ""
            } else {
                "."
            };
            let place = format!("{place}{dot}{inside}");
            match found {
                Ok(path) => self.reference(&place, &path, step),
                Err(error) => self.problem(place, error.message, error.hint),
            }
        }
    }

    pub(super) fn reference(&mut self, place: &str, path: &Path, step: Option<&Step>) {
        let root = path.name(0).unwrap_or_default();
        let name = path.name(1);
        match (root, step) {
            ("trigger" | "run", _) => {}
            ("event", Some(_)) if self.awaits => {}
            ("event", _) => {
                let message = "`event` is known only in the `where` of a `wait`";
                self.problem(place, message, None);
            }
            ("vars", _) => {
                if let Some(name) = name
                    && !self.workflow.vars.contains_key(name)
                {
                    let known: Vec<String> = self.workflow.vars.keys().cloned().collect();
                    let hint = Some(format!("there are {}", listed(&known)));
                    self.problem(place, format!("there is no variable `{name}`"), hint);
                }
            }
            ("item" | "index", Some(step)) => {
                if !self.graph.has_item(&step.id) {
                    let message = format!("`{root}` is known only in the steps of a `for_each`");
                    self.problem(place, message, None);
                }
            }
            ("steps" | "errors", Some(step)) => {
                let Some(name) = name else {
                    self.problem(
                        place,
                        format!("`{root}` is followed by the id of a step"),
                        None,
                    );
                    return;
                };
                let before = self.graph.before(&step.id);
                if self.graph.step(name).is_none() {
                    let known: Vec<String> = before.iter().map(|id| (*id).to_owned()).collect();
                    let hint = Some(format!("done by then may be {}", listed(&known)));
                    self.problem(place, format!("there is no step `{name}`"), hint);
                } else if !before.contains(name) {
                    let message = format!("the step `{name}` is never done before this one");
                    self.problem(place, message, None);
                } else if root == "steps" {
                    self.output(place, path, name);
                }
            }
            _ => {
                let known: Vec<String> = ROOTS[..1].iter().map(|root| (*root).to_owned()).collect();
                let hint = Some(format!("known here are {} and `vars`", listed(&known)));
                self.problem(place, format!("`{root}` is not known here"), hint);
            }
        }
    }

    /// A path into the output of an operation leads to something that the operation answers.
    pub(super) fn output(&mut self, place: &str, path: &Path, id: &str) {
        let Some(asked) = self.graph.step(id).and_then(|step| step.operation.as_ref()) else {
            return;
        };
        let connection = self.workflow.connection(&asked.connection).to_owned();
        let Some(operation) = self
            .scene
            .system(&connection)
            .and_then(|(_, catalog)| catalog.operation(&asked.operation))
        else {
            return;
        };
        let mut schema = &operation.output;
        for at in 2..path.0.len() {
            let next = match path.name(at) {
                Some("first" | "last") | None if schema["items"].is_object() => &schema["items"],
                Some("length") if schema["type"] == "array" => return,
                Some(name) => match schema["properties"].as_object() {
                    Some(properties) => match properties.get(name) {
                        Some(property) => property,
                        None if schema["additionalProperties"] == true => return,
                        None => {
                            let known: Vec<String> = properties.keys().cloned().collect();
                            let message = format!(
                                "`{}` answers nothing called `{name}` here",
                                asked.operation
                            );
                            let hint = Some(format!("there are {}", listed(&known)));
                            self.problem(place, message, hint);
                            return;
                        }
                    },
                    None => return,
                },
                None => return,
            };
            schema = next;
        }
    }
}
