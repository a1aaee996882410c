//! Tasks and notes: what people do with them in the UI.

use serde_json::{Map, Value, json};

use super::super::State;
use super::super::acts::{Done, text};
use super::table::{APPOINTMENT, NOTE, OPPORTUNITY, TASK};
use super::{Kind, fits};
use crate::core::Core;
use crate::edits::Actor;
use crate::vendor::ActError;

/// The events about tasks and notes that an app may toggle. There is none for a task that is edited.
pub(crate) const ITEM_EVENTS: [&str; 6] = [
    "TaskCreate",
    "TaskComplete",
    "TaskDelete",
    "NoteCreate",
    "NoteUpdate",
    "NoteDelete",
];

fn kind_of(input: &Value) -> Result<&'static Kind, ActError> {
    match text(input, "kind")?.as_str() {
        "task" => Ok(&TASK),
        "note" => Ok(&NOTE),
        other => Err(ActError::missing("kind", other)),
    }
}

impl State {
    /// All of a kind that are there, with their ids, for a look from outside.
    pub(crate) fn items_of(&self, kind: &str) -> Vec<(String, Map<String, Value>)> {
        let kinds = [&TASK, &NOTE, &APPOINTMENT, &OPPORTUNITY];
        let kind = kinds.into_iter().find(|own| own.name == kind);
        self.locations
            .keys()
            .flat_map(|location| {
                kind.into_iter()
                    .flat_map(move |kind| self.things.living(kind, location))
            })
            .map(|item| (item.id.clone(), item.fields.clone()))
            .collect()
    }

    /// `{kind: task|note, …}`: what a person does with one.
    pub(crate) fn person_item(&mut self, act: &str, input: &Value, core: &Core) -> Done {
        let kind = kind_of(input)?;
        if act == "items" {
            let shown: Vec<Value> = self
                .locations
                .keys()
                .flat_map(|location| self.things.living(kind, location))
                .map(|item| item.shown(kind))
                .collect();
            return Ok(json!({ "items": shown }));
        }
        let fields = || -> Result<Map<String, Value>, ActError> {
            input["fields"]
                .as_object()
                .cloned()
                .ok_or_else(|| ActError::Input("fields must be an object".to_owned()))
        };
        if act == "create_item" {
            let mut fields = fields()?;
            let at = self.living(&json!({"id": fields.get("contactId")}), "id")?;
            let location = at.location_id;
            if *kind.name == *TASK.name {
                fields.entry("completed").or_insert(json!(false));
                fits::kept(&mut fields);
            }
            let item = self.make_as(kind, &location, fields, core, Actor::User);
            return Ok(item.shown(kind));
        }
        let id = text(input, "id")?;
        let location = self
            .locations
            .keys()
            .find(|location| self.things.find(kind, location, &id).is_some())
            .cloned()
            .ok_or_else(|| ActError::missing(kind.name, id.clone()))?;
        if act == "delete_item" {
            self.delete_as(kind, &location, &id, core, Actor::User);
            return Ok(json!({ "id": id }));
        }
        let mut fields = fields()?;
        if *kind.name == *TASK.name {
            fits::kept(&mut fields);
        }
        let item = self
            .change_as(kind, &location, &id, fields, core, Actor::User)
            .map_err(|_| ActError::missing(kind.name, id.clone()))?;
        Ok(item.shown(kind))
    }
}
