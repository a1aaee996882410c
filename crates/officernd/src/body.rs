//! From fields to the bodies that the vendor takes, whitelisted by the schema: one unknown property and the
//! whole body is refused.
//!
//! Some fields are parts of an object (`address.city`, `properties.<key>`). Whether a PUT with a part of an object
//! keeps the other parts is documented nowhere. So an object always goes out whole: as it was read just before,
//! with what changes. (A custom property that somebody changes in that moment goes back; the other way
//! round all others would be lost.)

use connector::Refusal;
use record::{Access, Entity, Field, FieldName, FieldSpec, Fields, Schema, Value};
use serde_json::{Map, Value as Json, json};

use crate::{
    resource::{BILLING, CANCELLED, COMPANY, Clear, PROPERTIES, Resource, TAGS, place},
    value::{self, cannot},
};

/// A body being built.
#[derive(Debug, Default)]
pub(crate) struct Body {
    json: Map<String, Json>,
    /// Parts of objects, by object.
    parts: Vec<(String, String, Json)>,
    /// What is in it, as the schema names it.
    pub(crate) written: Vec<FieldName>,
}

impl Body {
    pub(crate) fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    /// Whether it changes parts of objects, so that the record must be read first.
    pub(crate) fn has_parts(&self) -> bool {
        !self.parts.is_empty()
    }

    pub(crate) fn property(&mut self, name: &str, json: Json) {
        self.json.insert(name.to_owned(), json);
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.json.contains_key(name)
    }

    fn add(&mut self, name: &FieldName, json: Json) {
        match place(name.as_str()) {
            (None, key) => self.property(key, json),
            (Some(object), key) => self.parts.push((object.to_owned(), key.to_owned(), json)),
        }
        self.written.push(name.clone());
    }

    /// The JSON, for a record that is as `current` says (nothing for a new one).
    pub(crate) fn into_json(mut self, resource: &Resource, current: &Map<String, Json>) -> Json {
        for (object, key, json) in std::mem::take(&mut self.parts) {
            if !self.json.contains_key(&object) {
                let whole = whole(resource, &object, current.get(&object));
                self.json.insert(object.clone(), Json::Object(whole));
            }
            if let Some(Json::Object(whole)) = self.json.get_mut(&object) {
                put(whole, &object, &key, json);
            }
        }
        Json::Object(self.json)
    }
}

/// Puts a part into an object, or into an object in it (`billingAddress.city`); the keys of custom properties have dots of their own.
fn put(whole: &mut Map<String, Json>, object: &str, key: &str, json: Json) {
    match key.split_once('.') {
        Some((inner, key)) if object == BILLING => {
            let inner = whole.entry(inner).or_insert_with(|| json!({}));
            if !inner.is_object() {
                *inner = json!({});
            }
            if let Json::Object(inner) = inner {
                inner.insert(key.to_owned(), json);
            }
        }
        _ => drop(whole.insert(key.to_owned(), json)),
    }
}

/// An object as it is, with those of its keys that a body may have. Of billing details all go back: what is left out may be lost, and
/// an account that does not take a part says so and keeps all.
fn whole(resource: &Resource, object: &str, current: Option<&Json>) -> Map<String, Json> {
    let Some(Json::Object(current)) = current else {
        return Map::new();
    };
    current
        .iter()
        .filter(|(key, json)| {
            object == "properties"
                || (object == BILLING && !json.is_null())
                || (!json.is_null() && resource.standard(&format!("{object}.{key}")).is_some())
        })
        .map(|(key, json)| (key.clone(), json.clone()))
        .collect()
}

/// A body for a POST.
pub(crate) fn create(
    fields: &Fields,
    schema: &Schema,
    resource: &Resource,
) -> Result<Body, Refusal> {
    let mut body = Body::default();
    for (name, field) in fields.iter() {
        // a new record has nothing yet: there is nothing to clear
        if name.as_str() == CANCELLED && *field == Field::Value(Value::Boolean(false)) {
            continue;
        }
        if let Field::Value(value) = field {
            let spec = writable(name, schema, resource, true)?;
            body.add(name, value::write(spec, value)?);
        }
    }
    Ok(body)
}

/// What changes a record. A member's company and a cancelling are none of the PUT's matter: they are given back apart.
pub(crate) fn update(
    changes: &Fields,
    schema: &Schema,
    resource: &Resource,
) -> Result<Updates, Refusal> {
    let mut body = Body::default();
    let mut company = None;
    let mut cancels = false;
    for (name, field) in changes.iter() {
        let spec = writable(name, schema, resource, false)?;
        let json = match field {
            Field::Unknown => continue,
            Field::Empty => cleared(spec, resource)?,
            Field::Value(value) => value::write(spec, value)?,
        };
        if name.as_str() == COMPANY && resource.entity == Entity::Contact {
            company = Some(json);
        } else if name.as_str() == CANCELLED {
            cancels = json == Json::Bool(true);
            if !cancels {
                return Err(cannot(name, "cannot be taken back by API"));
            }
        } else {
            body.add(name, json);
        }
    }
    Ok(Updates {
        body,
        company,
        cancels,
    })
}

/// What changes a record.
#[derive(Debug)]
pub(crate) struct Updates {
    /// The PUT.
    pub(crate) body: Body,
    /// A member's company, which has a call of its own.
    pub(crate) company: Option<Json>,
    /// It is to be cancelled, which is a call of its own.
    pub(crate) cancels: bool,
}

fn writable<'a>(
    name: &FieldName,
    schema: &'a Schema,
    resource: &Resource,
    creating: bool,
) -> Result<&'a FieldSpec, Refusal> {
    let spec = schema
        .field(name.as_str())
        .ok_or_else(|| cannot(name, "is no field of this connection's records"))?;
    match spec.capability.access {
        Access::ReadWrite => Ok(spec),
        Access::CreateOnly if creating => Ok(spec),
        Access::CreateOnly => Err(cannot(
            name,
            &format!("can only be set when one of the {} is made", resource.path),
        )),
        Access::ReadOnly => Err(cannot(name, "cannot be written by API")),
    }
}

/// How a value is removed: `null`; tags by an empty list.
fn cleared(spec: &FieldSpec, resource: &Resource) -> Result<Json, Refusal> {
    let name = spec.name.as_str();
    if name == TAGS {
        return Ok(json!([]));
    }
    let clear = match resource.standard(name) {
        Some(standard) => standard.clear,
        None if name.starts_with(PROPERTIES) => Clear::Null,
        None => Clear::Never,
    };
    match clear {
        Clear::Null => Ok(Json::Null),
        Clear::Never => Err(cannot(&spec.name, "cannot be emptied")),
    }
}

/// The elements that a set field is known to have.
pub(crate) fn elements(field: &Field) -> Option<std::collections::BTreeSet<String>> {
    match field {
        Field::Empty => Some(std::collections::BTreeSet::new()),
        Field::Value(Value::Set(set)) => Some(set.clone()),
        _ => None,
    }
}
