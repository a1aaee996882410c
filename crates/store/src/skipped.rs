//! Records that a sync looked at and left out.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use record::{Entity, RecordId, Side};
use serde::{Deserialize, Serialize};

use crate::{NoPlace, SyncName, place::side_of};

/// A record that a sync looked at and left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Which sync.
    pub sync: SyncName,
    /// What it is.
    pub entity: Entity,
    /// On which side it is.
    pub side: Side,
    /// Which.
    pub record: RecordId,
    /// Why.
    pub reason: SkipReason,
    /// What is to be said beside the reason, without values; mostly nothing.
    pub note: String,
    /// Since when it is left out for this reason.
    pub since: Timestamp,
}

/// Why a record is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Its fields are outside the scope of the sync.
    OutOfScope,
    /// The sync is a pilot, and not about it.
    NotInPilot,
    /// It has no counterpart, and the sync makes none on the other side.
    CreateOff,
    /// It has no counterpart, and the rules give it none.
    CreateCondition,
    /// It has no counterpart, and nothing that could be written to one.
    NothingToWrite,
    /// It belongs to no record, and the other system has only what belongs to one.
    BelongsToNone,
    /// It waits for the record that it belongs to.
    Waiting,
    /// It was left alone before: its counterpart is gone, or a person said so.
    LeftAlone,
}

impl SkipReason {
    /// The reason in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::OutOfScope => "it is outside the scope of the sync",
            Self::NotInPilot => "the sync is a pilot, and this record is not in it",
            Self::CreateOff => "it has no counterpart, and the sync makes none on the other side",
            Self::CreateCondition => {
                "it has no counterpart, and does not meet what `create: only` asks for"
            }
            Self::NothingToWrite => {
                "it has no counterpart, and holds nothing that the other side would get"
            }
            Self::BelongsToNone => "it belongs to no record, and could not be made without one",
            Self::Waiting => "it waits for the record that it belongs to",
            Self::LeftAlone => "it is left alone",
        }
    }
}

impl Skipped {
    /// Its place in the list.
    pub fn place(&self) -> SkippedPlace {
        SkippedPlace {
            entity: self.entity,
            side: self.side,
            record: self.record.clone(),
        }
    }

    /// Why, in words.
    pub fn why(&self) -> String {
        match self.note.as_str() {
            "" => self.reason.words().to_owned(),
            note => format!("{}: {note}", self.reason.words()),
        }
    }
}

/// A place among the records that a sync leaves out, by what they are, their side and their id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedPlace {
    /// What it is.
    pub entity: Entity,
    /// On which side it is.
    pub side: Side,
    /// Which.
    pub record: RecordId,
}

impl fmt::Display for SkippedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.entity, self.side, self.record)
    }
}

impl FromStr for SkippedPlace {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let mut parts = text.splitn(3, '.');
        let mut next = || parts.next().ok_or(NoPlace);
        Ok(Self {
            entity: next()?.parse().map_err(|_| NoPlace)?,
            side: side_of(next()?)?,
            record: RecordId::from(next()?),
        })
    }
}
