//! A value that is there: typed, raw, as the system gave it.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One present value. The variant says what it is, not how a system spells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Free text, an e-mail address, a phone number, a URL, or the key of a choice.
    Text(String),
    /// An exact decimal number; no unit.
    Number(Decimal),
    /// Yes or no.
    Boolean(bool),
    /// A day without a time or zone (a birthday).
    Date(Date),
    /// A point in time.
    Instant(Timestamp),
    /// Elements without order: tags, the keys of a multiple choice.
    Set(BTreeSet<String>),
    /// Phone numbers or e-mail addresses with their kinds, in the order of the system.
    Points(Vec<Point>),
}

/// One phone number, fax number or e-mail address of a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Point {
    /// What it reaches.
    pub kind: PointKind,
    /// As the system stores it.
    pub value: String,
    /// The system's label, such as `private` or `business`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The one the system treats as the default of its kind.
    #[serde(default)]
    pub main: bool,
}

/// What a [`Point`] reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PointKind {
    /// A landline or unspecified phone.
    Phone,
    /// A mobile phone.
    Mobile,
    /// A fax.
    Fax,
    /// An e-mail address.
    Email,
}

impl Value {
    /// The text, if this is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, if this is a set.
    pub fn as_set(&self) -> Option<&BTreeSet<String>> {
        match self {
            Self::Set(set) => Some(set),
            _ => None,
        }
    }

    /// Whether this value says nothing: blank text, an empty set, no points.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Text(text) => text.trim().is_empty(),
            Self::Set(set) => set.is_empty(),
            Self::Points(points) => points.is_empty(),
            Self::Number(_) | Self::Boolean(_) | Self::Date(_) | Self::Instant(_) => false,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
