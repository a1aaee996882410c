//! What is known of one field: nothing, that it is empty, or its value.

use std::{borrow::Borrow, collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::Value;

/// The name of a field on one side, as the connector's schema spells it. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldName(Arc<str>);

impl FieldName {
    /// A field name of this spelling.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for FieldName {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for FieldName {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl Borrow<str> for FieldName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is known of a field.
///
/// `Unknown` decides nothing: an answer left the field out, the field is deactivated, or we may not
/// read it. `Empty` is knowledge: the system says there is no value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Nothing is known.
    #[default]
    Unknown,
    /// Known to have no value.
    Empty,
    /// Known to have this value.
    Value(Value),
}

impl Field {
    /// A value, or `Empty` when the value is blank.
    pub fn of(value: impl Into<Value>) -> Self {
        let value = value.into();
        if value.is_blank() {
            Self::Empty
        } else {
            Self::Value(value)
        }
    }

    /// The value, if there is one.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Unknown | Self::Empty => None,
        }
    }

    /// The text, if there is a text value.
    pub fn text(&self) -> Option<&str> {
        self.value().and_then(Value::as_text)
    }

    /// Whether anything is known.
    pub fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown)
    }
}

static UNKNOWN: Field = Field::Unknown;

/// The fields of a record by name. A name that is absent is [`Field::Unknown`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(BTreeMap<FieldName, Field>);

impl Fields {
    /// No field known.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is known of `name`.
    pub fn get(&self, name: &str) -> &Field {
        self.0.get(name).unwrap_or(&UNKNOWN)
    }

    /// Says what is known of `name`; `Unknown` removes it.
    pub fn set(&mut self, name: impl Into<FieldName>, field: Field) {
        let name = name.into();
        if field.is_known() {
            self.0.insert(name, field);
        } else {
            self.0.remove(&name);
        }
    }

    /// All known fields in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&FieldName, &Field)> {
        self.0.iter()
    }

    /// How many fields are known.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(FieldName, Field)> for Fields {
    fn from_iter<I: IntoIterator<Item = (FieldName, Field)>>(fields: I) -> Self {
        Self(
            fields
                .into_iter()
                .filter(|(_, field)| field.is_known())
                .collect(),
        )
    }
}

impl IntoIterator for Fields {
    type Item = (FieldName, Field);
    type IntoIter = std::collections::btree_map::IntoIter<FieldName, Field>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_field_is_unknown_and_an_empty_one_is_not() {
        let mut fields = Fields::new();
        fields.set("email", Field::of("  "));
        assert_eq!(fields.get("email"), &Field::Empty);
        assert_eq!(fields.get("phone"), &Field::Unknown);
        fields.set("email", Field::Unknown);
        assert!(fields.is_empty());
    }

    #[test]
    fn the_stored_form_is_stable() {
        let fields: Fields = [
            (FieldName::from("a"), Field::Empty),
            (FieldName::from("b"), Field::of("x")),
        ]
        .into_iter()
        .collect();
        let json = serde_json::to_string(&fields).unwrap();
        assert_eq!(json, r#"{"a":"empty","b":{"value":{"text":"x"}}}"#);
        assert_eq!(serde_json::from_str::<Fields>(&json).unwrap(), fields);
    }
}
