//! Addresses as contacts: reading rows into records. The calls are in the modules below.
//!
//! Every read goes to the vendor's database and asks for all fields of the schema, so each is fresh and
//! complete, listings and searches too.

mod fetch;

mod walk;

mod list;

mod changes;

mod find;

pub(crate) mod write;

mod present;

pub(crate) mod company;

mod create;

mod update;

mod remove;

use std::collections::BTreeMap;

use connector::Error;
use jiff::Timestamp;
use record::{Completeness, Entity, Field, Fields, Freshness, Read, Record, RecordId, Schema};
use serde_json::{Map, Value as Json, json};

use crate::{
    action::{Action, Verb},
    answer::Row,
    describe::SYSTEM,
    exchange::unexpected,
    points::Class,
    value,
    wall::{Moment, Wall},
};

pub(crate) use changes::changes;
pub(crate) use create::create;
pub(crate) use fetch::fetch;
pub(crate) use find::find;
pub(crate) use list::list;
pub(crate) use remove::{archived, remove};
pub(crate) use update::update;

/// The resource type.
pub(crate) const ADDRESS: &str = "address";

/// A read of addresses with all fields of the schema, narrowed by these parameters.
///
/// `countryIsoCodeType` "ISO-3166-3" is the vendor's word for alpha-3; without it countries come as
/// German names (documented).
pub(crate) fn read_action(schema: &Schema, narrowed: Json) -> Action {
    let mut asked: Vec<&str> = Vec::with_capacity(schema.fields.len() + 8);
    for field in &schema.fields {
        match Class::of_field(field.name.as_str()) {
            Some(class) => asked.extend(class.asked()),
            // of a resource of its own
            None if field.name.as_str() == company::COMPANY => {}
            None => asked.push(field.name.as_str()),
        }
    }
    let mut action = Action::new(Verb::Read, ADDRESS, narrowed);
    action.parameters.insert("data".into(), json!(asked));
    if schema.field("Land").is_some() {
        action
            .parameters
            .insert("countryIsoCodeType".into(), json!("ISO-3166-3"));
    }
    action
}

/// Reads rows into records.
///
/// # Errors
/// When a row has no id: then the answer is not what it should be, and nothing in it is used.
pub(crate) fn reads(
    operation: &'static str,
    rows: &[Row],
    schema: &Schema,
    wall: &Wall,
    sent: Timestamp,
) -> Result<Vec<Read>, Error> {
    rows.iter()
        .map(|row| {
            let id = row
                .id
                .as_deref()
                .ok_or_else(|| unexpected(operation, "a record without an id"))?;
            Ok(to_read(id, &row.elements, schema, wall, sent))
        })
        .collect()
}

fn to_read(
    id: &str,
    elements: &Map<String, Json>,
    schema: &Schema,
    wall: &Wall,
    sent: Timestamp,
) -> Read {
    // `elements` always repeats the id; without it (`[]`) the row says nothing, least of all "no entries"
    let speaks = !elements.is_empty();
    let fields: Fields = schema
        .fields
        .iter()
        .map(|spec| {
            let name = spec.name.as_str();
            let field = match Class::of_field(name) {
                Some(class) if speaks => class.read(elements),
                Some(_) => Field::Unknown,
                None => elements
                    .get(name)
                    .map_or(Field::Unknown, |value| value::read(spec.kind, value, wall)),
            };
            (spec.name.clone(), field)
        })
        .collect();
    let modified = modified(elements, wall);
    Read {
        created: created(&fields, modified, wall),
        modified,
        record: Record {
            id: RecordId::from(id),
            fields,
        },
        freshness: Freshness::Fresh,
        completeness: Completeness::Complete,
        as_of: sent,
        unclear: BTreeMap::new(),
    }
}

/// `Aenderung`, where its wall time exists exactly once: half certain is no evidence of time.
fn modified(elements: &Map<String, Json>, wall: &Wall) -> Option<Timestamp> {
    match wall.read(elements.get("Aenderung")?.as_str()?) {
        Moment::At { at, certain: true } => Some(at),
        _ => None,
    }
}

/// The latest moment at which the record can have been made. The vendor only says the day
/// (`Eintragsdatum`); a record is not made after its last change.
fn created(fields: &Fields, modified: Option<Timestamp>, wall: &Wall) -> Option<Timestamp> {
    let record::Value::Date(day) = fields.get("Eintragsdatum").value()? else {
        return None;
    };
    let end = wall.end_of(*day)?;
    Some(modified.map_or(end, |modified| modified.min(end)))
}

/// The record number that an id stands for. `0` would mean "record 0" and match nothing (observed); a
/// UUID as record id matches nothing either.
pub(crate) fn number(id: &RecordId) -> Option<u64> {
    id.as_str().parse().ok().filter(|number| *number > 0)
}

/// The schema must be that of addresses.
pub(crate) fn supported(entity: Entity) -> Result<(), Error> {
    match entity {
        Entity::Contact | Entity::Company => Ok(()),
        other => Err(Error::Unsupported {
            system: SYSTEM,
            what: format!("keep {other} records in sync"),
        }),
    }
}
