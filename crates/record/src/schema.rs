//! What an entity's fields are on one connection, and what may be done with each.

use serde::{Deserialize, Serialize};

use crate::{Entity, FieldName};

/// The fields of an entity on one connection, custom fields included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Whose fields these are.
    pub entity: Entity,
    /// The fields, in the order in which a person should see them.
    pub fields: Vec<FieldSpec>,
}

impl Schema {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&FieldSpec> {
        self.fields.iter().find(|field| field.name.as_str() == name)
    }
}

/// One field of a schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldSpec {
    /// Its name, as records carry it.
    pub name: FieldName,
    /// What people see at the vendor.
    pub label: String,
    /// What its values are.
    pub kind: Kind,
    /// What may be done with it.
    pub capability: Capability,
    /// The permitted values, for choices and sets that are closed. Empty: open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// Made by the tenant, not by the vendor.
    #[serde(default)]
    pub custom: bool,
}

/// What the values of a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One line of text.
    Text,
    /// Several lines of plain text.
    LongText,
    /// HTML.
    Html,
    /// One e-mail address.
    Email,
    /// One phone or fax number.
    Phone,
    /// A web address.
    Url,
    /// A country, spelt as the form says.
    Country(CountryForm),
    /// One key out of choices.
    Choice,
    /// Several keys out of choices, or free tags.
    Set,
    /// Yes or no.
    Boolean,
    /// A decimal number.
    Number,
    /// A day.
    Date,
    /// A point in time.
    Instant,
    /// A list of phone numbers and e-mail addresses.
    Points,
    /// The id of a user of the system.
    User,
    /// The id of a record of this entity in the same system.
    Reference(Entity),
}

/// How a system spells a country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountryForm {
    /// ISO 3166-1 alpha-2: `DE`.
    Alpha2,
    /// ISO 3166-1 alpha-3: `DEU`.
    Alpha3,
    /// A name in some language: `Deutschland`.
    Name,
}

/// What may be done with a field, and how the system rewrites what it is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    /// Read, write, or only at create.
    pub access: Access,
    /// Changes the system makes to a value by itself; a read-back that differs only so still means
    /// what was sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rewrites: Vec<Rewrite>,
    /// The longest text it keeps, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// A create without it is refused.
    #[serde(default)]
    pub required: bool,
    /// The setting of the connection that gives it to new records that have none, so that it is not
    /// required any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<String>,
    /// Can a value be removed again? Some systems ignore an empty write.
    #[serde(default = "yes")]
    pub clearable: bool,
    /// Of a field that says what a person has agreed to: the values that refuse, the strictest first. Where two
    /// sides contradict each other, these count, so that nobody's consent is widened by a machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<String>,
}

fn yes() -> bool {
    true
}

impl Capability {
    /// This access, no rewriting, no limit, optional, clearable.
    pub fn of(access: Access) -> Self {
        Self {
            access,
            rewrites: Vec::new(),
            max_length: None,
            required: false,
            setting: None,
            clearable: true,
            refusals: Vec::new(),
        }
    }
}

/// When a field can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// At create and at any time after.
    ReadWrite,
    /// At create only.
    CreateOnly,
    /// Never.
    ReadOnly,
}

/// A change that a system makes to a value it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rewrite {
    /// Letters to lower case.
    Lowercase,
    /// White space at the ends is removed.
    Trim,
    /// A phone number is re-formatted.
    Phone,
    /// Text beyond the longest length is cut.
    Truncate,
    /// A country is spelt another way.
    Country,
}

/// One permitted value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What is stored.
    pub key: String,
    /// What people see.
    pub label: String,
}
