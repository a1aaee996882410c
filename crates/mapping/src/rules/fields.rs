//! The rules of one mapping.

use std::collections::BTreeMap;

use merge::{Alignment, Direction, Policy, TargetEdits};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::words::{Word, Words};

/// One field of the left to one of the right. `{left: firstName, right: Vorname}` is enough where the
/// fields are of like kinds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MappingRules {
    /// A name that stays when fields are renamed. Without one, it is made from the left field, else the
    /// right one. A new name is a new mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"first_name")]
    pub name: Option<String>,
    /// The field on the left, or the fields, where several make one thing (a name, an address).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"firstName")]
    pub left: Option<Words>,
    /// The field on the right, or the fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"Vorname")]
    pub right: Option<Words>,
    /// Which way values travel: `both`, `to_right` or `to_left`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"both")]
    pub direction: Option<Direction>,
    /// How the one side is read and the other written. `auto` takes it from the kinds of the fields.
    #[schemars(example = &"auto")]
    pub lens: LensRule,
    /// What the field says about who a person is, for matching. Taken from the kinds and names of the
    /// fields where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"birthday")]
    pub role: Option<Role>,
    /// Which value of the left is which of the right. A list on the right: the first is written, each
    /// is understood.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "word_map"
    )]
    #[schemars(example = titles())]
    pub values: BTreeMap<String, Words>,
    /// What becomes of values that stand in no pair of `values`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"keep_out")]
    pub unmatched: Option<Unmatched>,
    /// What decides when both sides have changed: `newest` for single values and `merge` for sets,
    /// unless you say otherwise. Of fields of consent (do not disturb, newsletters, data protection) the side
    /// that refuses counts, also at the first link; two that both allow something are a question.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"newest")]
    pub policy: Option<Policy>,
    /// What decides when the policy cannot. Without one, a person is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"left_owns")]
    pub fallback: Option<Policy>,
    /// What decides at the first link and after a change of this mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"prefer_left")]
    pub align: Option<Alignment>,
    /// One way only: what becomes of an edit on the side that is written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"put_back")]
    pub target_edits: Option<TargetEdits>,
    /// What becomes of a value that the other side can only hold in part, or not at all. Without a word, what the other
    /// side shortens by itself is written, what it would not take is listed as blocked, and the journal says what was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"ask")]
    pub lossy: Option<OnLoss>,
    /// What the left gets where the right has nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"unknown")]
    pub default_left: Option<Words>,
    /// What the right gets where the left has nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"unbekannt")]
    pub default_right: Option<Words>,
    /// A formula over the fields of the left whose result goes to the right. One way only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"concat(firstName, ' ', lastName)")]
    pub formula_to_right: Option<String>,
    /// A formula over the fields of the right whose result goes to the left. One way only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"{{ Strasse }}, {{ Plz }} {{ Ort }}")]
    pub formula_to_left: Option<String>,
}

fn titles() -> BTreeMap<String, Words> {
    BTreeMap::from([
        ("Mr".to_owned(), "Herr".into()),
        ("Mrs".to_owned(), "Frau".into()),
    ])
}

fn word_map<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Words>, D::Error> {
    let map = BTreeMap::<Word, Words>::deserialize(deserializer)?;
    Ok(map.into_iter().map(|(key, words)| (key.0, words)).collect())
}

/// How a mapping reads one side and writes the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LensRule {
    /// Chosen by the kinds of the fields.
    #[default]
    Auto,
    /// Text of one or several lines; HTML is carried as the text in it.
    Text,
    /// First and last name on both sides, as one thing: `left: [first, last]`, `right: [first, last]`.
    Name,
    /// First and last name on one side, the full name in one field on the other.
    FullName,
    /// The parts of an address on both sides, in the same order, as one thing.
    Address,
    /// An e-mail address, and the main one of a list of contact points.
    MainEmail,
    /// A phone number, and the main one of a list of contact points.
    MainPhone,
    /// A country, in whichever form each side spells it.
    Country,
    /// One of several values.
    Choice,
    /// Several values at once: tags.
    Set,
    /// A day.
    Date,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// The id of another record that is linked in the same sync (the company of a contact), on each side by that side's own id.
    Reference,
    /// The result of a formula.
    Formula,
}

/// What becomes of a value that stands in no pair of `values`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unmatched {
    /// It stays where it is and is not seen by the other side.
    KeepOut,
    /// It travels as it is.
    Pass,
}

/// What becomes of a value that the other side can only hold in part, or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnLoss {
    /// A person is asked, once for each value. Nothing of it is written before.
    Ask,
    /// As much as the other side can hold is written: the first characters of a text, the known ones of several values.
    Shorten,
    /// It is not written, and listed as blocked.
    Leave,
}

/// What a field says about who a person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// The given name.
    FirstName,
    /// The family name.
    LastName,
    /// Given and family name in one.
    FullName,
    /// The day of birth.
    Birthday,
    /// The postcode.
    Postcode,
    /// Street and number.
    Street,
    /// The company.
    Company,
    /// The id that this side keeps of the record on the other.
    ExternalId,
    /// Nothing, whatever its name suggests.
    None,
}
