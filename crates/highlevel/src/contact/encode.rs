//! From fields to the bodies that the vendor takes, whitelisted by the schema.
//!
//! One unknown property and the vendor refuses the whole body (422), so nothing goes in that the
//! schema does not allow. What cannot be said to HighLevel is refused here, before anything is sent.

use std::collections::BTreeMap;

use connector::Refusal;
use record::{Access, Field, FieldName, FieldSpec, Fields, Kind, Schema, Value};
use serde_json::{Map, Value as Json, json};

use super::standard::{CUSTOM_PREFIX, Clear, DND_CHANNELS, DND_PREFIX, TAGS, standard};
use crate::{requests::cannot, value::number_to_json};

/// A body being built.
#[derive(Debug, Default)]
pub(crate) struct Body {
    properties: Map<String, Json>,
    custom: Vec<Json>,
    channels: Map<String, Json>,
    /// What is in it, as the schema names it.
    pub(crate) written: Vec<FieldName>,
    /// The custom fields in it, in their order in the body.
    pub(crate) custom_order: Vec<FieldName>,
}

impl Body {
    pub(crate) fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    pub(crate) fn property(&mut self, name: &str, json: Json) {
        self.properties.insert(name.to_owned(), json);
    }

    /// Adds a field that was checked against the schema.
    fn add(&mut self, spec: &FieldSpec, json: Json) {
        let name = spec.name.as_str();
        if let Some(id) = name.strip_prefix(CUSTOM_PREFIX) {
            self.custom.push(json!({ "id": id, "field_value": json }));
            self.custom_order.push(spec.name.clone());
        } else if let Some(channel) = name.strip_prefix(DND_PREFIX) {
            self.channels
                .insert(channel.to_owned(), json!({ "status": json }));
        } else {
            self.property(name, json);
        }
        self.written.push(spec.name.clone());
    }

    /// The channels that the record is known to have beside those that change: `dndSettings` is one
    /// property, and whether one that is left out is kept is documented nowhere.
    fn keep_other_channels(&mut self, current: &Fields) {
        if self.channels.is_empty() {
            return;
        }
        for (channel, _, _) in DND_CHANNELS {
            if let Some(status) = current.get(&format!("{DND_PREFIX}{channel}")).text()
                && !self.channels.contains_key(channel)
            {
                self.channels
                    .insert(channel.to_owned(), json!({ "status": status }));
            }
        }
    }

    pub(crate) fn into_json(mut self) -> Json {
        if !self.custom.is_empty() {
            self.property("customFields", Json::Array(self.custom.clone()));
        }
        if !self.channels.is_empty() {
            self.property("dndSettings", Json::Object(self.channels.clone()));
        }
        Json::Object(self.properties)
    }
}

/// A body for `POST /contacts/`, the location aside.
pub(crate) fn create(fields: &Fields, schema: &Schema) -> Result<Body, Refusal> {
    let mut body = Body::default();
    for (name, field) in fields.iter() {
        let Field::Value(value) = field else {
            // A new contact has nothing yet: there is nothing to clear.
            continue;
        };
        let spec = writable(name, schema, true)?;
        body.add(spec, encoded(spec, value)?);
    }
    Ok(body)
}

/// A body for `PUT /contacts/{id}`. Tags are none of its matter.
pub(crate) fn update(
    changes: &BTreeMap<FieldName, Field>,
    current: &Fields,
    schema: &Schema,
) -> Result<Body, Refusal> {
    let mut body = Body::default();
    for (name, field) in changes {
        let spec = writable(name, schema, false)?;
        let json = match field {
            Field::Unknown => continue,
            Field::Empty => cleared(spec)?,
            Field::Value(value) => encoded(spec, value)?,
        };
        body.add(spec, json);
    }
    body.keep_other_channels(current);
    Ok(body)
}

fn writable<'a>(
    name: &FieldName,
    schema: &'a Schema,
    creating: bool,
) -> Result<&'a FieldSpec, Refusal> {
    let spec = schema
        .field(name.as_str())
        .ok_or_else(|| cannot(name, "is no field of this connection's contacts"))?;
    match spec.capability.access {
        Access::ReadWrite => Ok(spec),
        Access::CreateOnly if creating => Ok(spec),
        Access::CreateOnly => Err(cannot(name, "can only be set when a contact is created")),
        Access::ReadOnly => Err(cannot(name, "cannot be written by API")),
    }
}

fn encoded(spec: &FieldSpec, value: &Value) -> Result<Json, Refusal> {
    let name = &spec.name;
    let json = match (spec.kind, value) {
        (Kind::Boolean, Value::Boolean(flag)) => Json::Bool(*flag),
        (Kind::Number, Value::Number(number)) => number_to_json(*number)
            .ok_or_else(|| cannot(name, "has more digits than HighLevel can keep"))?,
        (Kind::Date, Value::Date(date)) => Json::String(date.to_string()),
        (Kind::Set, Value::Set(elements)) => json!(elements),
        (Kind::Boolean | Kind::Number | Kind::Date | Kind::Set | Kind::Points, _)
        | (
            _,
            Value::Boolean(_)
            | Value::Number(_)
            | Value::Date(_)
            | Value::Instant(_)
            | Value::Set(_)
            | Value::Points(_),
        ) => {
            return Err(cannot(name, "was given a value of another kind"));
        }
        (_, Value::Text(text)) => Json::String(text.clone()),
    };
    Ok(json)
}

/// How a value is removed: `null` where the specification allows it, else the empty form. For custom
/// fields nothing is documented; an empty text or list is what clients use.
fn cleared(spec: &FieldSpec) -> Result<Json, Refusal> {
    let never = || cannot(&spec.name, "cannot be emptied by API");
    if spec.name.as_str().starts_with(CUSTOM_PREFIX) {
        return Ok(match spec.kind {
            Kind::Set => json!([]),
            _ => json!(""),
        });
    }
    match standard(spec.name.as_str()).map(|field| field.clear) {
        Some(Clear::Null) => Ok(Json::Null),
        Some(Clear::Blank) => Ok(json!("")),
        Some(Clear::Never) | None => Err(never()),
    }
}

/// Whether this is the field of tags, which have calls of their own.
pub(crate) fn is_tags(name: &FieldName) -> bool {
    name.as_str() == TAGS
}
