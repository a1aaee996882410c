//! What may stand in the body of a contact write, and how it is refused when it does not fit.

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::birthday;
use super::contact::Field;
use super::countries;
use super::errors;
use crate::vendor::Answer;

/// Which write the body belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dto {
    /// `POST /contacts/`
    Create,
    /// `PUT /contacts/{id}`
    Update,
    /// `POST /contacts/upsert`
    Upsert,
    /// A person in the UI, who may set everything.
    Person,
}

/// A value for a custom field, not yet looked up.
#[derive(Debug)]
pub(crate) struct CustomValue {
    pub(crate) id_or_key: String,
    pub(crate) value: Value,
}

/// A body that fits. Absent properties are absent; null and the empty string clear.
#[derive(Debug, Default)]
pub(crate) struct Input {
    pub(crate) texts: Vec<(Field, Option<String>)>,
    pub(crate) name: Option<Option<String>>,
    pub(crate) location_id: Option<String>,
    pub(crate) birthday: Option<Option<Date>>,
    pub(crate) dnd: Option<bool>,
    pub(crate) dnd_settings: Option<Value>,
    pub(crate) inbound_dnd_settings: Option<Value>,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) custom_fields: Vec<CustomValue>,
    pub(crate) create_new_if_duplicate_allowed: bool,
    pub(crate) additional_emails: Option<Vec<String>>,
    pub(crate) additional_phones: Option<Vec<String>>,
    /// A business by name, which no write through the API takes.
    pub(crate) business_name: Option<Option<String>>,
}

impl Input {
    pub(crate) fn text(&self, field: Field) -> Option<&str> {
        self.texts
            .iter()
            .find(|(own, _)| *own == field)
            .and_then(|(_, value)| value.as_deref())
    }

    pub(crate) fn drop_text(&mut self, field: Field) {
        self.texts.retain(|(own, _)| *own != field);
    }
}

/// How strictly a body is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strictness {
    pub(crate) dto: Dto,
    pub(crate) v3: bool,
    /// Refuse properties that the write does not know.
    pub(crate) whitelist: bool,
    /// Which properties may hold the value of a custom field: `highlevel.custom_field_input`.
    pub(crate) custom_names: &'static str,
}

/// Reads a body.
pub(crate) fn read(body: &[u8], strictness: Strictness) -> Result<Input, Answer> {
    let Ok(Value::Object(object)) = serde_json::from_slice(body) else {
        return Err(errors::not_json(body));
    };
    read_object(&object, strictness).map_err(|messages| errors::unprocessable(&messages))
}

/// Reads an object.
pub(crate) fn read_object(
    object: &Map<String, Value>,
    strictness: Strictness,
) -> Result<Input, Vec<String>> {
    let Strictness {
        dto,
        v3,
        whitelist,
        custom_names,
    } = strictness;
    let value_names = value_names(v3, custom_names);
    let mut input = Input::default();
    let mut errors = Vec::new();
    for (name, value) in object {
        if let Some(field) = text_field(name, dto) {
            match text(field, name, value, dto) {
                Ok(text) => input.texts.push((field, text)),
                Err(error) => errors.push(error),
            }
            continue;
        }
        match (name.as_str(), dto) {
            ("locationId", Dto::Create | Dto::Upsert | Dto::Person) => match value.as_str() {
                Some(id) => input.location_id = Some(id.to_owned()),
                None => errors.push("locationId must be a string".to_owned()),
            },
            ("name", _) => match value {
                Value::Null => input.name = Some(None),
                Value::String(name) => input.name = Some(Some(name.trim().to_owned())),
                _ => errors.push("name must be a string".to_owned()),
            },
            ("dateOfBirth", _) => match value {
                Value::Null => input.birthday = Some(None),
                Value::String(text) if text.is_empty() => input.birthday = Some(None),
                Value::String(text) => match birthday::parse(text) {
                    Some(day) => input.birthday = Some(Some(day)),
                    None => errors.push("dateOfBirth must be a valid date".to_owned()),
                },
                _ => errors.push("dateOfBirth must be a valid date".to_owned()),
            },
            ("dnd", _) => match value.as_bool() {
                Some(flag) => input.dnd = Some(flag),
                None => errors.push("dnd must be a boolean value".to_owned()),
            },
            ("dndSettings", _) => match dnd_settings(value, v3, &mut errors) {
                Some(settings) => input.dnd_settings = Some(settings),
                None => errors.push("dndSettings must be an object".to_owned()),
            },
            ("inboundDndSettings", _) if value.is_object() => {
                input.inbound_dnd_settings = Some(value.clone())
            }
            ("inboundDndSettings", _) => {
                errors.push("inboundDndSettings must be an object".to_owned())
            }
            ("tags", _) => input.tags = strings(name, value, &mut errors),
            ("customFields", _) => {
                custom_fields(value, value_names, &mut input.custom_fields, &mut errors)
            }
            ("createNewIfDuplicateAllowed", Dto::Upsert) => match value.as_bool() {
                Some(flag) => input.create_new_if_duplicate_allowed = flag,
                None => {
                    errors.push("createNewIfDuplicateAllowed must be a boolean value".to_owned())
                }
            },
            ("additionalEmails", Dto::Person) => {
                input.additional_emails = strings(name, value, &mut errors)
            }
            ("additionalPhones", Dto::Person) => {
                input.additional_phones = strings(name, value, &mut errors)
            }
            ("businessName", Dto::Person) => match value {
                Value::Null => input.business_name = Some(None),
                Value::String(name) if !name.trim().is_empty() => {
                    input.business_name = Some(Some(name.trim().to_owned()));
                }
                _ => errors.push("businessName must be a string".to_owned()),
            },
            _ if whitelist => errors.push(format!("property {name} should not exist")),
            _ => {}
        }
    }
    if matches!(dto, Dto::Create | Dto::Upsert)
        && input.location_id.is_none()
        && !object.contains_key("locationId")
    {
        errors.push("locationId should not be empty".to_owned());
        errors.push("locationId must be a string".to_owned());
    }
    if errors.is_empty() {
        Ok(input)
    } else {
        Err(errors)
    }
}

/// The text field of a property, where the write knows it.
fn text_field(name: &str, dto: Dto) -> Option<Field> {
    let field = Field::ALL.into_iter().find(|field| field.name() == name)?;
    let known = match field {
        Field::Gender | Field::CompanyName => dto != Dto::Update,
        Field::BusinessId => dto == Dto::Person,
        _ => true,
    };
    known.then_some(field)
}

fn text(field: Field, name: &str, value: &Value, dto: Dto) -> Result<Option<String>, String> {
    let nullable = match field {
        Field::Gender | Field::PostalCode | Field::Country => false,
        Field::Source | Field::AssignedTo => dto == Dto::Update,
        _ => true,
    };
    match value {
        Value::Null if nullable || dto == Dto::Person => Ok(None),
        Value::String(text) => {
            let trimmed = text.trim();
            match field {
                _ if trimmed.is_empty() => Ok(None),
                _ if dto == Dto::Person => Ok(Some(trimmed.to_owned())),
                Field::Email if !is_email(trimmed) => Err(format!("{name} must be an email")),
                Field::Country if !countries::CODES.contains(&trimmed) => {
                    Err(format!("{name} must be a valid enum value"))
                }
                _ => Ok(Some(trimmed.to_owned())),
            }
        }
        _ => Err(format!("{name} must be a string")),
    }
}

/// One `@` with something before it and a dotted host after it, and no spaces.
fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else {
        return false;
    };
    !local.is_empty()
        && !local.contains('@')
        && !text.contains(char::is_whitespace)
        && host.split('.').count() >= 2
        && host.split('.').all(|label| !label.is_empty())
}

fn strings(name: &str, value: &Value, errors: &mut Vec<String>) -> Option<Vec<String>> {
    let Some(list) = value.as_array() else {
        errors.push(format!("{name} must be an array"));
        return None;
    };
    let strings: Option<Vec<String>> = list
        .iter()
        .map(|entry| entry.as_str().map(str::to_owned))
        .collect();
    if strings.is_none() {
        errors.push(format!("each value in {name} must be a string"));
    }
    strings
}

/// The channels by the names of the dated versions and of v3.
const CHANNELS: [(&str, &str); 6] = [
    ("Call", "call"),
    ("Email", "email"),
    ("SMS", "sms"),
    ("WhatsApp", "whatsApp"),
    ("GMB", "gmb"),
    ("FB", "fb"),
];

/// Settings by channel, kept under the names of the dated versions.
fn dnd_settings(value: &Value, v3: bool, errors: &mut Vec<String>) -> Option<Value> {
    let mut kept = Map::new();
    for (name, setting) in value.as_object()? {
        let channel = CHANNELS
            .iter()
            .find(|(dated, new)| name == if v3 { new } else { dated });
        let Some((dated, _)) = channel else {
            errors.push(format!("dndSettings.property {name} should not exist"));
            continue;
        };
        match setting["status"].as_str() {
            Some("active" | "inactive" | "permanent") => drop(kept.insert((*dated).to_owned(), setting.clone())),
            _ => errors.push(format!(
                "dndSettings.{name}.status must be one of the following values: active, inactive, permanent"
            )),
        }
    }
    Some(Value::Object(kept))
}

/// Settings with the channel names of a version.
pub(crate) fn dnd_settings_out(settings: &Value, v3: bool) -> Value {
    let Some(object) = settings.as_object().filter(|_| v3) else {
        return settings.clone();
    };
    let renamed = object.iter().map(|(name, setting)| {
        let new = CHANNELS
            .iter()
            .find(|(dated, _)| dated == name)
            .map_or(name.as_str(), |(_, new)| new);
        (new.to_owned(), setting.clone())
    });
    Value::Object(renamed.collect())
}

/// The names that a custom field's value may have: the old one everywhere, the new one in v3.
fn value_names(v3: bool, switch: &str) -> &'static [&'static str] {
    match (switch, v3) {
        ("any", _) => &["fieldValue", "field_value", "value"],
        ("renamed", true) => &["fieldValue"],
        (_, true) => &["fieldValue", "field_value"],
        (_, false) => &["field_value"],
    }
}

fn custom_fields(
    value: &Value,
    value_names: &[&str],
    into: &mut Vec<CustomValue>,
    errors: &mut Vec<String>,
) {
    let Some(list) = value.as_array() else {
        errors.push("customFields must be an array".to_owned());
        return;
    };
    for (at, entry) in list.iter().enumerate() {
        let Some(entry) = entry.as_object() else {
            errors.push(format!("customFields.{at} must be an object"));
            continue;
        };
        for name in entry.keys() {
            let known =
                matches!(name.as_str(), "id" | "key") || value_names.contains(&name.as_str());
            if !known {
                errors.push(format!(
                    "customFields.{at}.property {name} should not exist"
                ));
            }
        }
        let value = value_names.iter().find_map(|name| entry.get(*name));
        let id_or_key = entry
            .get("id")
            .or_else(|| entry.get("key"))
            .and_then(Value::as_str);
        match (id_or_key, value) {
            (None, _) => errors.push(format!("customFields.{at}.id must be a string")),
            (Some(_), None) => {}
            (Some(id_or_key), Some(value)) => {
                into.push(CustomValue {
                    id_or_key: id_or_key.to_owned(),
                    value: value.clone(),
                });
            }
        }
    }
}
