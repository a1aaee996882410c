//! The rules that a person writes for a sync. What can be said here is the reference of the
//! configuration: docs, JSON Schema and forms are made from these types.

mod fields;

mod limits;

mod scope;

mod words;

use std::collections::BTreeMap;

use matching::MatchRules;
use record::{Entity, Side};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use fields::{LensRule, MappingRules, OnLoss, Role, Unmatched};
pub use limits::{Limit, Limits};
pub use scope::{Condition, OnLeave, ScopeRules};
pub use words::Words;

/// Two connections, the entities they share, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncRules {
    /// The name of the connection on the left.
    #[schemars(example = &"marketing")]
    pub left: String,
    /// The name of the connection on the right.
    #[schemars(example = &"office")]
    pub right: String,
    /// Which way anything may be written at all.
    #[serde(default)]
    #[schemars(example = &"two-way")]
    pub mode: Mode,
    /// The entities that are kept in sync, each with its rules.
    #[schemars(with = "BTreeMap<String, EntityRules>")]
    pub entities: BTreeMap<Entity, EntityRules>,
}

/// Which way a sync writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// To both sides.
    #[default]
    TwoWay,
    /// To the right side only; the left is only read.
    OneWayLeftToRight,
    /// To the left side only; the right is only read.
    OneWayRightToLeft,
    /// To none: everything is read, matched and planned, and nothing is ever written.
    Preview,
}

impl Mode {
    /// Whether anything may be written to `side`. In a preview nothing may.
    pub fn writes(self, side: Side) -> bool {
        matches!(
            (self, side),
            (Self::TwoWay, _)
                | (Self::OneWayLeftToRight, Side::Right)
                | (Self::OneWayRightToLeft, Side::Left)
        )
    }
}

/// How one entity is kept in sync.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntityRules {
    /// The mappings, one field of the left to one of the right each.
    pub fields: Vec<MappingRules>,
    /// How records that belong together are found.
    #[serde(default, rename = "match")]
    pub matching: MatchRules,
    /// Where records that have no counterpart may be created.
    #[serde(default)]
    pub create: CreateRules,
    /// What becomes of a link when one of its records is deleted.
    #[serde(default)]
    pub deletes: DeleteRules,
    /// Which records take part.
    #[serde(default)]
    pub scope: ScopeRules,
    /// What may be done within an hour before the sync stops and asks, over restarts too. What the first listing
    /// of a sync found does not count, because a person was shown it, nor does what waited when a person let a
    /// stopped sync go on.
    #[serde(default)]
    pub limits: Limits,
    /// A tag that marks the records that this sync created, so that automations can leave them out.
    #[serde(default)]
    pub import_tag: ImportTags,
    /// Fields that keep the id of the record on the other side. Written once, when two records are linked or one
    /// is made; a link that is lost is found again by them before all else.
    #[serde(default, skip_serializing_if = "KeptIds::is_empty")]
    pub keep_id: KeptIds,
}

impl EntityRules {
    /// Ids that are kept are the most trusted key.
    pub fn trust_kept_ids(&mut self) {
        if !self.keep_id.is_empty() && !self.matching.trusts(matching::KeyKind::External) {
            self.matching.keys.insert(0, matching::KeyKind::External);
        }
    }
}

/// The fields that keep the other record's id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeptIds {
    /// A text field of the left, for the ids of the right.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"customFields.Ykd8wUmHFqMvlCCMwVtr")]
    pub left: Option<String>,
    /// A text field of the right, for the ids of the left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"properties.highlevel id")]
    pub right: Option<String>,
}

impl KeptIds {
    /// The field of `side`.
    pub fn of(&self, side: Side) -> Option<&str> {
        match side {
            Side::Left => self.left.as_deref(),
            Side::Right => self.right.as_deref(),
        }
    }

    /// Whether no side keeps any.
    pub fn is_empty(&self) -> bool {
        self.left.is_none() && self.right.is_none()
    }
}

/// Where records may be created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CreateRules {
    /// Create records on the left for new ones on the right.
    #[schemars(example = true)]
    pub left: bool,
    /// Create records on the right for new ones on the left.
    #[schemars(example = true)]
    pub right: bool,
    /// Which records without a counterpart get one. Without conditions, all do.
    #[serde(skip_serializing_if = "CreateOnly::is_empty")]
    pub only: CreateOnly,
}

/// Which records get a counterpart made. It says nothing about those that have one: they are kept the
/// same whatever becomes of the condition.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CreateOnly {
    /// A record on the left gets a counterpart on the right if all of these hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub from_left: Vec<Condition>,
    /// A record on the right gets a counterpart on the left if all of these hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub from_right: Vec<Condition>,
}

impl CreateOnly {
    fn is_empty(&self) -> bool {
        self.from_left.is_empty() && self.from_right.is_empty()
    }
}

impl Default for CreateRules {
    fn default() -> Self {
        Self {
            left: true,
            right: true,
            only: CreateOnly::default(),
        }
    }
}

/// What becomes of a link when one of its records is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeleteRules {
    /// When the record on the left was deleted.
    #[schemars(example = &"unlink_and_ask")]
    pub left: DeleteRule,
    /// When the record on the right was deleted.
    #[schemars(example = &"archive")]
    pub right: DeleteRule,
}

impl DeleteRules {
    /// What happens when the record on `side` was deleted.
    pub fn of(&self, side: Side) -> DeleteRule {
        match side {
            Side::Left => self.left,
            Side::Right => self.right,
        }
    }
}

/// What becomes of the record whose counterpart was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeleteRule {
    /// It stays, the link ends, and a person is asked.
    #[default]
    UnlinkAndAsk,
    /// It is deleted too, unless anybody has edited it; where another sync removed the first, a person is asked.
    Propagate,
    /// It is archived, with the same exceptions.
    Archive,
    /// It stays and the link ends.
    Unlink,
    /// It stays and the link sleeps.
    Ignore,
}

/// The tags that mark created records.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImportTags {
    /// On records created on the left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<ImportTag>,
    /// On records created on the right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right: Option<ImportTag>,
}

impl ImportTags {
    /// That of records created on `side`.
    pub fn of(&self, side: Side) -> Option<&ImportTag> {
        match side {
            Side::Left => self.left.as_ref(),
            Side::Right => self.right.as_ref(),
        }
    }
}

/// A tag and the field that it goes into. It never travels to the other side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportTag {
    /// A field that holds several values.
    #[schemars(example = &"tags")]
    pub field: String,
    /// The tag.
    #[schemars(example = &"imported")]
    pub tag: String,
}
