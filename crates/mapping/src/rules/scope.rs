//! Which records take part.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words::Words;

/// Which records take part in a sync. Without conditions, all do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScopeRules {
    /// A record on the left takes part if all of these hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Condition>,
    /// A record on the right takes part if all of these hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub right: Vec<Condition>,
    /// What becomes of the link when a record no longer takes part.
    #[schemars(example = &"suspend")]
    pub on_leave: OnLeave,
}

/// What becomes of a link whose record left the scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnLeave {
    /// It sleeps with all it knows, and wakes when the record comes back.
    #[default]
    Suspend,
}

/// One condition on one field. Exactly one of `is`, `is_not`, `contains` and `exists` is given. Case
/// and white space at the ends do not count.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The field.
    #[schemars(example = &"tags")]
    pub field: String,
    /// It has one of these values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"active")]
    pub is: Option<Words>,
    /// It has none of these values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"archived")]
    pub is_not: Option<Words>,
    /// One of its values is, or its text contains, one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"customer")]
    pub contains: Option<Words>,
    /// It has a value (`true`) or none (`false`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = true)]
    pub exists: Option<bool>,
}
