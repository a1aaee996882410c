//! The kinds of record, their ids, and the two sides of a sync.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// A kind of record that can be kept in sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entity {
    /// A person.
    Contact,
    /// An organisation.
    Company,
    /// Something to do.
    Task,
    /// Something written down about a contact.
    Note,
    /// Something in a calendar.
    Appointment,
    /// A possible deal.
    Opportunity,
}

impl Entity {
    /// All entities, parents before children.
    pub const ALL: [Self; 6] = [
        Self::Company,
        Self::Contact,
        Self::Task,
        Self::Note,
        Self::Appointment,
        Self::Opportunity,
    ];

    /// The word used in config, database and API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Company => "company",
            Self::Task => "task",
            Self::Note => "note",
            Self::Appointment => "appointment",
            Self::Opportunity => "opportunity",
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no entity.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no entity; known are contact, company, task, note, appointment and opportunity")]
pub struct UnknownEntity(String);

impl FromStr for Entity {
    type Err = UnknownEntity;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|entity| entity.as_str() == word)
            .ok_or_else(|| UnknownEntity(word.to_owned()))
    }
}

/// The id that a system gave to a record, as text. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordId(Arc<str>);

impl RecordId {
    /// An id of this spelling.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RecordId {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

impl From<String> for RecordId {
    fn from(id: String) -> Self {
        Self::new(id)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One of the two sides of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The connection named `left` in the sync.
    Left,
    /// The connection named `right` in the sync.
    Right,
}

impl Side {
    /// Both sides, left first: the fixed order in which records are locked.
    pub const BOTH: [Self; 2] = [Self::Left, Self::Right];

    /// The other side.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }

    /// The word used in config, database and API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing for each side.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Sides<T> {
    /// That of the left.
    pub left: T,
    /// That of the right.
    pub right: T,
}

impl<T> Sides<T> {
    /// These two.
    pub fn new(left: T, right: T) -> Self {
        Self { left, right }
    }

    /// Made by asking for each side in turn, left first.
    pub fn each(mut of: impl FnMut(Side) -> T) -> Self {
        Self {
            left: of(Side::Left),
            right: of(Side::Right),
        }
    }

    /// That of `side`.
    pub fn get(&self, side: Side) -> &T {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    /// That of `side`, to be changed.
    pub fn get_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Left => &mut self.left,
            Side::Right => &mut self.right,
        }
    }

    /// Borrowed.
    pub fn as_ref(&self) -> Sides<&T> {
        Sides {
            left: &self.left,
            right: &self.right,
        }
    }

    /// Left and right exchanged.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self {
            left: self.right,
            right: self.left,
        }
    }
}
