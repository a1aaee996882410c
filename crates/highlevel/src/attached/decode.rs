//! From the vendor's JSON of a task or note to fields.

use std::collections::BTreeMap;

use jiff::Timestamp;
use record::{Completeness, Field, Fields, Freshness, Kind, Read, Record, Schema, Value};
use serde_json::{Map, Value as Json};

use super::{CONTACT, id};
use crate::{form::present, value};

/// A text property that says something.
pub(super) fn text<'a>(item: &'a Map<String, Json>, name: &str) -> Option<&'a str> {
    item.get(name)
        .and_then(Json::as_str)
        .filter(|text| !text.is_empty())
}

/// The task or note as a reading. What is not in it has no value: the answers leave out what is empty. `contact` is
/// the one that it was asked for under, if it was.
pub(super) fn read(
    item: &Map<String, Json>,
    contact: Option<&str>,
    schema: &Schema,
    freshness: Freshness,
    sent: Timestamp,
) -> Option<Read> {
    let contact = text(item, CONTACT).or(contact)?;
    let own = text(item, "id").or_else(|| text(item, "_id"))?;
    let fields: Fields = schema
        .fields
        .iter()
        .map(|spec| {
            let name = spec.name.as_str();
            let field = match spec.kind {
                Kind::Reference(_) => Field::of(contact),
                // never without: what is not said is not done
                Kind::Boolean => present(
                    item.get(name),
                    spec.kind,
                    Field::Value(Value::Boolean(false)),
                ),
                kind => present(item.get(name), kind, Field::Empty),
            };
            (spec.name.clone(), field)
        })
        .collect();
    let stamp = |name: &str| item.get(name).and_then(value::instant);
    Some(Read {
        record: Record {
            id: id(contact, own),
            fields,
        },
        freshness,
        completeness: Completeness::Complete,
        as_of: sent,
        // No stamp of a change is documented; where one is sent it is not known what moves it.
        modified: None,
        created: stamp("dateAdded"),
        unclear: BTreeMap::new(),
    })
}
