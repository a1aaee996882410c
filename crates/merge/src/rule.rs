//! What a person may say about a mapping's conflicts and direction.

use record::Side;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What decides when both sides have changed to different meanings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The left side is right.
    LeftOwns,
    /// The right side is right.
    RightOwns,
    /// The later change, where what was seen of both proves which one is later.
    Newest,
    /// The side that has a value, where the other has none.
    PreferNonEmpty,
    /// Sets: everything that either side has; nothing is removed.
    Union,
    /// Sets: what either side added is added, what either side removed is removed.
    Merge,
    /// A person decides.
    Ask,
}

/// What decides where there is no base yet: at the first link, or after the mapping was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Alignment {
    /// The left value, even where it is empty.
    LeftWins,
    /// The right value, even where it is empty.
    RightWins,
    /// The side that has a value; where both have one, the left.
    PreferLeft,
    /// The side that has a value; where both have one, the right.
    PreferRight,
    /// The later change, where it is proven which one is later.
    Newest,
    /// Sets: everything that either side has.
    Union,
    /// A person decides.
    Ask,
}

/// Which way values travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Both ways.
    #[default]
    Both,
    /// From left to right only.
    ToRight,
    /// From right to left only.
    ToLeft,
}

impl Direction {
    /// Whether values may be written to `side`.
    pub fn writes(self, side: Side) -> bool {
        matches!(
            (self, side),
            (Self::Both, _) | (Self::ToRight, Side::Right) | (Self::ToLeft, Side::Left)
        )
    }

    /// The side that is written to, if it is only one.
    pub fn target(self) -> Option<Side> {
        match self {
            Self::Both => None,
            Self::ToRight => Some(Side::Right),
            Self::ToLeft => Some(Side::Left),
        }
    }

    /// The direction seen with left and right exchanged.
    #[must_use]
    pub fn swapped(self) -> Self {
        match self {
            Self::Both => Self::Both,
            Self::ToRight => Self::ToLeft,
            Self::ToLeft => Self::ToRight,
        }
    }
}

/// What becomes of an edit on the target of a one-way mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetEdits {
    /// The source owns the field: its value is put back. Of a set, what was removed is put back and
    /// what was added stays.
    #[default]
    PutBack,
    /// The edit stays until the source changes.
    Keep,
    /// A person decides.
    Ask,
}

/// All that decides about one mapped field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rule {
    /// What decides a conflict.
    pub policy: Policy,
    /// What decides it when the policy cannot: `newest` without proof, `prefer_non_empty` between
    /// two values. Where this cannot either, a person is asked.
    pub fallback: Policy,
    /// Which way values travel.
    pub direction: Direction,
    /// What decides without a base.
    pub align: Alignment,
    /// What becomes of edits on a one-way target.
    pub target_edits: TargetEdits,
}

impl Rule {
    /// Newest, else ask; both ways; whichever side has a value at the first link, else the left.
    pub fn single() -> Self {
        Self {
            policy: Policy::Newest,
            fallback: Policy::Ask,
            direction: Direction::Both,
            align: Alignment::PreferLeft,
            target_edits: TargetEdits::PutBack,
        }
    }

    /// Merged per element; both ways; everything of both at the first link.
    pub fn set() -> Self {
        Self {
            policy: Policy::Merge,
            align: Alignment::Union,
            ..Self::single()
        }
    }

    /// The rule seen with left and right exchanged.
    #[must_use]
    pub fn swapped(self) -> Self {
        let policy = |policy| match policy {
            Policy::LeftOwns => Policy::RightOwns,
            Policy::RightOwns => Policy::LeftOwns,
            other => other,
        };
        Self {
            policy: policy(self.policy),
            fallback: policy(self.fallback),
            direction: self.direction.swapped(),
            align: match self.align {
                Alignment::LeftWins => Alignment::RightWins,
                Alignment::RightWins => Alignment::LeftWins,
                Alignment::PreferLeft => Alignment::PreferRight,
                Alignment::PreferRight => Alignment::PreferLeft,
                other => other,
            },
            target_edits: self.target_edits,
        }
    }
}
