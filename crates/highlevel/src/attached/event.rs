//! What a webhook about a task or a note says.
//!
//! Its body is flat. The documented one of a new task names the contact and the real one does not (a report of 2026):
//! without the contact the task cannot be read, so all tasks are asked for what changed.

use std::collections::BTreeMap;

use connector::Hint;
use jiff::Timestamp;
use record::{Completeness, Entity, Field, Fields, Freshness, Kind, Read, Record, Value};
use serde_json::{Map, Value as Json};

use super::{CONTACT, DONE, Sort, decode::text, id, sort, standard_fields};
use crate::{form::typed, value};

fn about(event: &str) -> Option<(&'static Sort, bool)> {
    let (entity, deleted) = match event {
        "TaskCreate" | "TaskComplete" => (Entity::Task, false),
        "TaskDelete" => (Entity::Task, true),
        "NoteCreate" | "NoteUpdate" => (Entity::Note, false),
        "NoteDelete" => (Entity::Note, true),
        _ => return None,
    };
    Some((sort(entity)?, deleted))
}

/// The hint in this event, if it is one about a task or note that it names whole.
pub(crate) fn hint(event: &str, body: &Map<String, Json>, received: Timestamp) -> Option<Hint> {
    let (sort, deleted) = about(event)?;
    let id = id(text(body, CONTACT)?, text(body, "id")?);
    let stamp = |key: &str| body.get(key).and_then(value::instant);
    let shown = (!deleted).then(|| {
        Box::new(Read {
            record: Record {
                id: id.clone(),
                fields: fields(event, body, sort.entity),
            },
            freshness: Freshness::PossiblyStale,
            completeness: Completeness::Partial,
            as_of: stamp("timestamp").unwrap_or(received).min(received),
            modified: None,
            created: stamp("dateAdded"),
            unclear: BTreeMap::new(),
        })
    });
    Some(Hint {
        entity: sort.entity,
        id,
        not_older_than: stamp("timestamp").map(|said| said.min(received)),
        born: event.ends_with("Create"),
        shown,
    })
}

/// The entity of an event that does not name its record whole.
pub(crate) fn unnamed(event: &str, body: &Map<String, Json>) -> Option<Entity> {
    let (sort, _) = about(event)?;
    (text(body, CONTACT).is_none() || text(body, "id").is_none()).then_some(sort.entity)
}

fn fields(event: &str, body: &Map<String, Json>, entity: Entity) -> Fields {
    let mut fields = Fields::new();
    for spec in standard_fields(entity) {
        let name = spec.name.as_str();
        let field = match (spec.kind, body.get(name)) {
            (Kind::Reference(_), Some(Json::String(contact))) => Field::of(contact.as_str()),
            (kind, Some(json)) => typed(json, kind),
            (_, None) => Field::Unknown,
        };
        fields.set(spec.name.clone(), field);
    }
    if event == "TaskComplete" {
        fields.set(DONE, Field::Value(Value::Boolean(true)));
    }
    fields
}
