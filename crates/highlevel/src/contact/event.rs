//! What a webhook about a contact says.
//!
//! Its body is flat and leaves out what is empty, so it is only good for recognising our own write: a
//! field that is not in it is unknown.

use std::collections::BTreeMap;

use connector::Hint;
use jiff::Timestamp;
use record::{Completeness, Entity, Fields, Freshness, Kind, Read, Record, RecordId};
use serde_json::{Map, Value as Json};

use super::{
    decode,
    standard::{DND_CHANNELS, DND_PREFIX, STANDARD},
};
use crate::value;

/// The hint in this event, if it is one about a contact.
pub(crate) fn hint(event: &str, body: &Map<String, Json>, received: Timestamp) -> Option<Hint> {
    let deleted = match event {
        "ContactCreate" | "ContactUpdate" | "ContactTagUpdate" | "ContactDndUpdate" => false,
        "ContactDelete" => true,
        _ => return None,
    };
    let id = decode::id(body)?;
    let stamp = |key: &str| body.get(key).and_then(value::instant);
    let said = stamp("dateUpdated").or_else(|| stamp("timestamp"));
    let shown = (!deleted).then(|| {
        Box::new(Read {
            record: Record {
                id: RecordId::new(id),
                fields: fields(body),
            },
            freshness: Freshness::PossiblyStale,
            completeness: Completeness::Partial,
            as_of: stamp("timestamp").unwrap_or(received).min(received),
            modified: stamp("dateUpdated"),
            created: stamp("dateAdded"),
            unclear: BTreeMap::new(),
        })
    });
    Some(Hint {
        entity: Entity::Contact,
        id: RecordId::new(id),
        // A stamp from the future (a clock that runs ahead) would never be reached.
        not_older_than: said.map(|said| said.min(received)),
        born: event == "ContactCreate",
        shown,
    })
}

fn fields(body: &Map<String, Json>) -> Fields {
    let mut fields = Fields::new();
    for field in STANDARD.iter().filter(|field| field.kind != Kind::Points) {
        if let Some(json) = body.get(field.name) {
            fields.set(field.name, decode::shown(json, field.kind));
        }
    }
    if let Some(settings) = body.get("dndSettings").and_then(Json::as_object) {
        for (channel, _, _) in DND_CHANNELS {
            if let Some(setting) = settings.get(channel) {
                let field = decode::shown(&setting["status"], Kind::Choice);
                fields.set(format!("{DND_PREFIX}{channel}"), field);
            }
        }
    }
    for (id, json) in decode::custom_values(body).unwrap_or_default() {
        let (name, field) = decode::shown_custom(id, json);
        fields.set(name, field);
    }
    fields
}
