//! What a person does with opportunities, appointments, calendars and pipelines.

use serde_json::{Map, Value, json};

use super::super::State;
use super::table::{APPOINTMENT, CALENDAR, OPPORTUNITY, PIPELINE};
use super::{Item, Kind, thing};
use crate::core::Core;
use crate::edits::{Actor, Entry, Operation};
use crate::system::System;
use crate::vendor::ActError;

/// What people work with.
static KINDS: [&Kind; 4] = [&OPPORTUNITY, &APPOINTMENT, &CALENDAR, &PIPELINE];

impl State {
    /// `make_thing {kind, fields}`, `change_thing {kind, id, fields}`, `delete_thing {kind, id}`, and `things {kind}`, which shows all
    /// of the main location, gone ones too.
    pub(in super::super) fn person_with_thing(
        &mut self,
        act: &str,
        input: &Value,
        core: &Core,
    ) -> Result<Value, ActError> {
        let named = input["kind"].as_str().unwrap_or_default();
        let kind: &'static Kind = KINDS
            .into_iter()
            .find(|kind| kind.name == named)
            .ok_or_else(|| ActError::missing("kind of thing", named))?;
        let location = self.main_location().to_owned();
        let fields: Map<String, Value> = input["fields"].as_object().cloned().unwrap_or_default();
        let shown = |item: &Item| {
            let mut shown = item.shown(kind);
            shown["gone"] = json!(item.deleted);
            shown
        };
        match act {
            "things" => {
                let of_kind = self
                    .things
                    .0
                    .iter()
                    .filter(|item| item.kind == kind.name && item.location_id == location);
                return Ok(of_kind.map(shown).collect());
            }
            "make_thing" => {
                let item = thing(kind, &location, fields, core);
                told(core, Operation::Create, &item);
                self.things.0.push(item.clone());
                return Ok(shown(&item));
            }
            _ => {}
        }
        let id = input["id"].as_str().unwrap_or_default();
        let item = self
            .things
            .0
            .iter_mut()
            .find(|item| item.kind == kind.name && item.id == id && !item.deleted)
            .ok_or_else(|| ActError::missing(kind.name, id))?;
        if act == "delete_thing" {
            item.deleted = true;
            told(core, Operation::Delete, item);
        } else {
            item.fields.extend(fields);
            item.changed_ms = core.clock.now_ms();
            told(core, Operation::Update, item);
        }
        Ok(shown(item))
    }
}

fn told(core: &Core, operation: Operation, item: &Item) {
    core.edits.add(Entry {
        at_ms: core.clock.now_ms(),
        system: System::HighLevel,
        actor: Actor::User,
        operation,
        entity: item.kind,
        id: &item.id,
        fields: item
            .fields
            .keys()
            .map(|field| field.as_str().into())
            .collect(),
    });
}
