//! The address fields of one client: which exist, which are active, what they hold, and how a value is read and written.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::countries;
use super::errors::{Failure, fail, fail_with};
use super::field_table::standard_fields;
use super::local_time;
use super::quirks::{Quirks, TooLong, UnknownCountry};

/// The types that the `fields` call names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// Text of bounded length.
    Varchar,
    /// Text without a bound.
    Text,
    /// A whole number, read as a string.
    Integer,
    /// A decimal number, read as a string with two places.
    Float,
    /// Read as `"0"` or `"1"`.
    Boolean,
    /// `YYYY-MM-DD`, empty `0000-00-00`.
    Date,
    /// `YYYY-MM-DD HH:MM:SS` in local wall time.
    Datetime,
    /// One key of a list.
    SingleSelect,
    /// Several keys of a list, read as `|a||b|`.
    MultiSelect,
    /// A file.
    Blob,
}

impl FieldType {
    /// The vendor's word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Varchar => "varchar",
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::SingleSelect => "singleselect",
            Self::MultiSelect => "multiselect",
            Self::Blob => "blob",
        }
    }

    /// What a read shows where nothing was ever stored.
    pub(crate) fn empty(self) -> &'static str {
        match self {
            Self::Integer | Self::Boolean => "0",
            Self::Float => "0.00",
            Self::Date => "0000-00-00",
            Self::Datetime => "0000-00-00 00:00:00",
            _ => "",
        }
    }
}

/// One field of the client's configuration.
#[derive(Clone, Debug)]
pub struct Field {
    /// The key in calls; case-sensitive.
    pub name: String,
    /// The German label.
    pub label: String,
    /// What it holds.
    pub kind: FieldType,
    /// Longest text, in characters.
    pub length: Option<u16>,
    /// (key, label) of select fields, in order.
    pub permitted: Vec<(String, String)>,
    /// The key of a new record that says nothing.
    pub default: Option<String>,
    /// The parts of a compound field.
    pub parts: Vec<String>,
    /// Inactive fields are unknown to reads and writes (141); stored values stay.
    pub active: bool,
}

impl Field {
    /// An active field without length, keys or default.
    pub fn new(name: &str, label: &str, kind: FieldType) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            kind,
            length: None,
            permitted: Vec::new(),
            default: None,
            parts: Vec::new(),
            active: true,
        }
    }

    /// The label of a key; the key itself where there is none.
    pub(crate) fn label_of<'a>(&'a self, key: &'a str) -> &'a str {
        self.permitted
            .iter()
            .find(|(known, _)| known == key)
            .map_or(key, |(_, label)| label)
    }

    fn permits(&self, key: &str) -> bool {
        self.permitted.iter().any(|(known, _)| known == key)
    }
}

/// Place of a field in [`Fields`].
pub(crate) type FieldIndex = u16;

/// A stored value of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// In the form in which a read shows it.
    Text(Box<str>),
    /// Keys of a multiselect, in the order written. Empty after it was cleared.
    Keys(Box<[Box<str>]>),
}

/// All fields of one client.
#[derive(Clone, Debug)]
pub struct Fields {
    all: Vec<Field>,
    by_name: HashMap<String, FieldIndex>,
}

impl Fields {
    /// The address fields of a fresh client.
    pub(crate) fn standard() -> Self {
        Self::of(standard_fields())
    }

    /// These fields.
    pub(crate) fn of(all: impl IntoIterator<Item = Field>) -> Self {
        let mut fields = Self {
            all: Vec::new(),
            by_name: HashMap::new(),
        };
        for field in all {
            fields.put(field);
        }
        fields
    }

    /// Adds a field, or replaces the one of the same name.
    pub(crate) fn put(&mut self, field: Field) {
        match self.by_name.get(&field.name) {
            Some(&index) => self.all[usize::from(index)] = field,
            None => {
                let index = FieldIndex::try_from(self.all.len())
                    .expect("a client has fewer than 65,536 fields");
                self.by_name.insert(field.name.clone(), index);
                self.all.push(field);
            }
        }
    }

    /// Every field, active or not, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.all.iter()
    }

    /// Place of an active field.
    pub(crate) fn active(&self, name: &str) -> Option<FieldIndex> {
        let index = *self.by_name.get(name)?;
        self.get(index).active.then_some(index)
    }

    /// Place of a field, active or not.
    pub(crate) fn index(&self, name: &str) -> Option<FieldIndex> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn get(&self, index: FieldIndex) -> &Field {
        &self.all[usize::from(index)]
    }

    /// Turns a field on or off; `false` when there is no such field.
    pub(crate) fn set_active(&mut self, name: &str, active: bool) -> bool {
        match self.by_name.get(name) {
            Some(&index) => {
                self.all[usize::from(index)].active = active;
                true
            }
            None => false,
        }
    }
}

/// Checks a written value and turns it into the stored form; `None` where the field is cleared.
pub(crate) fn store(
    field: &Field,
    written: &Json,
    quirks: &Quirks,
) -> Result<Option<Value>, Failure> {
    if written.is_null() {
        return Err(fail_with(215, &field.name));
    }
    if field.kind == FieldType::MultiSelect {
        return store_keys(field, written).map(Some);
    }
    let text = match written {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        Json::Bool(flag) => String::from(if *flag { "1" } else { "0" }),
        _ => return Err(fail(187)),
    };
    let stored = match field.kind {
        FieldType::Varchar if field.name == "Land" => country(&text, quirks)?,
        FieldType::Varchar => shorten(&field.name, field.length, &text, quirks)?,
        FieldType::Text | FieldType::Blob => text,
        FieldType::Integer => match text.trim() {
            "" => String::new(),
            number => number
                .parse::<i64>()
                .map_err(|_| fail_with(228, &field.name))?
                .to_string(),
        },
        FieldType::Float => match text.trim() {
            "" => String::new(),
            number => match number.parse::<f64>() {
                Ok(parsed) if parsed.is_finite() => format!("{parsed:.2}"),
                _ => return Err(fail_with(229, &field.name)),
            },
        },
        FieldType::Boolean => match text.as_str() {
            "0" | "1" => text,
            "" | "false" => "0".to_owned(),
            "true" => "1".to_owned(),
            _ => return Err(fail_with(255, &field.name)),
        },
        FieldType::Date => match text.trim() {
            "" | "0000-00-00" => String::new(),
            day if local_time::parse_date(day).is_some() => day.to_owned(),
            _ => return Err(fail_with(255, &field.name)),
        },
        FieldType::Datetime => match text.trim() {
            "" | "0000-00-00" | "0000-00-00 00:00:00" => String::new(),
            moment => local_time::datetime(
                local_time::parse(moment).ok_or_else(|| fail_with(255, &field.name))?,
            ),
        },
        FieldType::SingleSelect if text.is_empty() || field.permits(&text) => text,
        FieldType::SingleSelect => return Err(fail_with(77, &text)),
        FieldType::MultiSelect => unreachable!("handled above"),
    };
    Ok((!stored.is_empty() && stored != field.kind.empty()).then(|| Value::Text(stored.into())))
}

fn store_keys(field: &Field, written: &Json) -> Result<Value, Failure> {
    let Json::Array(items) = written else {
        return Err(fail(74));
    };
    let mut keys: Vec<Box<str>> = Vec::with_capacity(items.len());
    for item in items {
        let key = match item {
            Json::String(key) => key.clone(),
            other => return Err(fail_with(76, &other.to_string())),
        };
        if !field.permits(&key) {
            return Err(fail_with(76, &key));
        }
        if !keys.iter().any(|known| **known == *key) {
            keys.push(key.into());
        }
    }
    // the server keeps the order of the list, whatever was written
    keys.sort_by_key(|key| {
        field
            .permitted
            .iter()
            .position(|(known, _)| **known == **key)
    });
    Ok(Value::Keys(keys.into()))
}

fn country(written: &str, quirks: &Quirks) -> Result<String, Failure> {
    if written.trim().is_empty() {
        return Ok(String::new());
    }
    match (countries::stored_name(written), quirks.unknown_country) {
        (Some(name), _) => Ok(name.to_owned()),
        (None, UnknownCountry::Store) => shorten("Land", Some(80), written, quirks),
        (None, UnknownCountry::Refuse) => Err(fail_with(255, "Land")),
    }
}

/// Applies the length of a field: cut or refused, by switch.
pub(crate) fn shorten(
    name: &str,
    length: Option<u16>,
    text: &str,
    quirks: &Quirks,
) -> Result<String, Failure> {
    let Some(length) = length.map(usize::from) else {
        return Ok(text.to_owned());
    };
    // bytes are never fewer than characters
    if text.len() <= length || text.chars().count() <= length {
        return Ok(text.to_owned());
    }
    match quirks.too_long {
        TooLong::Truncate => Ok(text.chars().take(length).collect()),
        TooLong::Refuse => Err(fail_with(255, name)),
    }
}
