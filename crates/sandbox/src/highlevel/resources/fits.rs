//! What the API takes of tasks and notes beyond the whitelists.
//!
//! A due date comes out with milliseconds (the vendor's examples), and a client that others wrote takes them off before
//! it writes, "or it will error on update" (n8n's node). Nobody says what else a date may be, whether a create is refused
//! as well, what becomes of an owner who is no user, or of a required text that is empty: *unverified*, so the harder
//! case is the default. An author of a note who is no user is taken: that node sends the location's id there.

use serde_json::{Map, Value, json};

use super::super::State;
use super::super::errors;
use super::super::gate::Admitted;
use super::table::{NOTE, TASK};
use super::{Act, Row};
use crate::clock::iso_millis;
use crate::vendor::Answer;

const DUE: &str = "dueDate";

impl State {
    /// Refuses what does not fit, and brings the rest into the form in which it is kept.
    pub(super) fn fit(
        &self,
        admitted: &Admitted<'_>,
        row: &Row,
        fields: &mut Map<String, Value>,
    ) -> Result<(), Answer> {
        let (task, note) = (*row.kind.name == *TASK.name, *row.kind.name == *NOTE.name);
        if !task && !note {
            return Ok(());
        }
        let switches = &admitted.core.switches;
        let mut messages = Vec::new();
        let required = if task { "title" } else { "body" };
        let is_empty = |text: &str| text.trim().is_empty();
        if fields
            .get(required)
            .and_then(Value::as_str)
            .is_some_and(is_empty)
            && switches.choice("highlevel.empty_text") == "refuse"
        {
            messages.push(format!("{required} should not be empty"));
        }
        if let Some(due) = fields.get(DUE).and_then(Value::as_str).filter(|_| task) {
            let fractions = match switches.choice("highlevel.task_due_fractions") {
                "keep" => true,
                "refuse_update" => matches!(row.act, Act::Create),
                _ => false,
            };
            if moment(due).is_none() || (due.contains('.') && !fractions) {
                messages.push(format!("{DUE} must be a valid ISO 8601 date string"));
            }
        }
        if let Some(owner) = fields.get("assignedTo").and_then(Value::as_str)
            && task
            && !owner.is_empty()
            && switches.choice("highlevel.unknown_assignee") == "refuse"
            && !self.users.iter().any(|user| user.id == owner)
        {
            messages.push("assignedTo must be a user of this location".to_owned());
        }
        if !messages.is_empty() {
            return Err(errors::unprocessable(&messages));
        }
        if task {
            kept(fields);
        }
        Ok(())
    }
}

/// A due date as reads and events show it, whoever wrote it.
pub(super) fn kept(fields: &mut Map<String, Value>) {
    let due = fields.get(DUE).and_then(Value::as_str).and_then(moment);
    if let Some(due) = due {
        fields.insert(DUE.to_owned(), json!(iso_millis(due)));
    }
}

/// A time with its zone, in milliseconds.
fn moment(text: &str) -> Option<i64> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(moment.as_millisecond())
}
