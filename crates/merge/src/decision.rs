//! What is to be done about one field.

use record::{Field, Side, Sides, Value};
use serde::{Deserialize, Serialize};

/// What is to be done about one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Neither side has changed.
    Nothing,
    /// Both sides mean the same: the base moves to what each holds, nothing is written.
    Agree,
    /// One side's value goes to the other.
    Write {
        /// The side to write to.
        to: Side,
        /// The meaning it is to have.
        value: Field,
        /// What is overwritten there, if anything is. To be journalled.
        loser: Option<Value>,
        /// Why this value.
        why: Why,
    },
    /// A set: each side gets what the other added and loses what the other removed.
    Merge {
        /// What each side is to hold; `None` where it holds that already.
        changes: Sides<Option<Change>>,
        /// Why so.
        why: Why,
    },
    /// A person decides; the base stays.
    Ask {
        /// Why nobody else can.
        reason: Reason,
    },
    /// Nothing can be decided before this side is known; the base stays.
    Wait {
        /// The side that is unknown.
        side: Side,
    },
    /// This side's value differs and by the rule stays so: the base moves to what each side holds,
    /// nothing is written.
    Kept {
        /// The side that keeps a value of its own.
        side: Side,
    },
}

/// What one side of a merged set becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The whole new set.
    pub value: Field,
    /// The elements that are new, of the same kind of value.
    pub added: Field,
    /// The elements that go. To be journalled.
    pub removed: Field,
}

/// Why one value goes over another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Only the side it comes from has changed.
    OnlyChange,
    /// The side it comes from owns the field.
    Owner,
    /// It is proven to be the later change.
    Newer,
    /// The other side has no value.
    NotEmpty,
    /// It refuses what the other side allows.
    Stricter,
    /// The target of a one-way mapping was edited, and the source's value is put back.
    PutBack,
    /// There was no base, and the alignment says so.
    Aligned,
    /// Sets: both sides' changes are carried out.
    Merged,
}

/// Why a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Both sides changed, and the rule asks or cannot tell.
    BothChanged,
    /// There is no base, the sides differ, and the alignment asks or cannot tell.
    NotAligned,
    /// The target of a one-way mapping was edited, and the rule asks.
    TargetEdited,
}

impl Decision {
    /// What each side's base becomes once the decision is carried out, in meanings; `None` where it
    /// stays. `now` is what was decided on.
    pub fn settled(&self, now: Sides<&Field>) -> Option<Sides<Field>> {
        let mut settled = Sides::new(now.left.clone(), now.right.clone());
        match self {
            Self::Nothing | Self::Ask { .. } | Self::Wait { .. } => return None,
            Self::Agree | Self::Kept { .. } => {}
            Self::Write { to, value, .. } => *settled.get_mut(*to) = value.clone(),
            Self::Merge { changes, .. } => {
                for side in Side::BOTH {
                    if let Some(change) = changes.get(side) {
                        *settled.get_mut(side) = change.value.clone();
                    }
                }
            }
        }
        Some(settled)
    }

    /// What `side` is to hold, where the decision writes to it.
    pub fn write_to(&self, side: Side) -> Option<&Field> {
        match self {
            Self::Write { to, value, .. } if *to == side => Some(value),
            Self::Merge { changes, .. } => changes.get(side).as_ref().map(|change| &change.value),
            _ => None,
        }
    }

    /// The decision seen with left and right exchanged.
    #[must_use]
    pub fn swapped(self) -> Self {
        match self {
            Self::Write {
                to,
                value,
                loser,
                why,
            } => Self::Write {
                to: to.other(),
                value,
                loser,
                why,
            },
            Self::Merge { changes, why } => Self::Merge {
                changes: changes.swapped(),
                why,
            },
            Self::Wait { side } => Self::Wait { side: side.other() },
            Self::Kept { side } => Self::Kept { side: side.other() },
            Self::Nothing | Self::Agree | Self::Ask { .. } => self,
        }
    }
}
