//! What does not cross, counted: everything of one field for one reason as one.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use record::{Entity, Side};

use crate::{NoPlace, place};

/// Which blocked fields of a sync. `None` means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockedFilter {
    /// Of records of this kind.
    pub entity: Option<Entity>,
    /// Of this mapping.
    pub mapping: Option<String>,
    /// That this side does not take.
    pub side: Option<Side>,
    /// For this reason, in its very words.
    pub reason: Option<String>,
}

/// A field that does not cross for one reason, with everything that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedSum {
    /// What the records are.
    pub entity: Entity,
    /// Which mapping.
    pub mapping: String,
    /// The side that does not take it.
    pub side: Side,
    /// Why.
    pub reason: String,
    /// Of how many linked pairs.
    pub records: u64,
    /// Since when the first of them is blocked.
    pub since: Timestamp,
}

/// A place among them, the longest blocked first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedSumPlace {
    /// Since when the first is blocked.
    pub since: Timestamp,
    /// What the records are.
    pub entity: Entity,
    /// Which mapping.
    pub mapping: String,
    /// At which side.
    pub side: Side,
    /// Why.
    pub reason: String,
}

impl BlockedSum {
    /// Its place in the list.
    pub fn place(&self) -> BlockedSumPlace {
        BlockedSumPlace {
            since: self.since,
            entity: self.entity,
            mapping: self.mapping.clone(),
            side: self.side,
            reason: self.reason.clone(),
        }
    }
}

impl fmt::Display for BlockedSumPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            entity,
            mapping,
            side,
            reason,
            ..
        } = self;
        let (since, long) = (self.since.as_microsecond(), mapping.len());
        // both texts may hold anything, so the length says where one ends
        write!(f, "{since}.{entity}.{side}.{long}.{mapping}{reason}")
    }
}

impl FromStr for BlockedSumPlace {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let [since, entity, side, rest] = place::parts(text)?;
        let (long, texts) = rest.split_once('.').ok_or(NoPlace)?;
        let long = long.parse().map_err(|_| NoPlace)?;
        let (mapping, reason) = texts.split_at_checked(long).ok_or(NoPlace)?;
        Ok(Self {
            since: place::moment(since)?,
            entity: entity.parse().map_err(|_| NoPlace)?,
            mapping: mapping.to_owned(),
            side: place::side_of(side)?,
            reason: reason.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_whatever_stands_in_its_texts() {
        let place = BlockedSumPlace {
            since: Timestamp::from_microsecond(1_790_000_000_000_001).unwrap(),
            entity: Entity::Contact,
            mapping: "customFields.größe".to_owned(),
            side: Side::Left,
            reason: "takes 3.5 at most. “Größe” is 1,200/2".to_owned(),
        };
        assert_eq!(place.to_string().parse(), Ok(place));
        for wrong in [
            "",
            "1.contact.left.a",
            "1.contact.left.9.ab",
            "1.contact.left.1.ä",
            "1.shoe.left.1.ab",
        ] {
            assert!(wrong.parse::<BlockedSumPlace>().is_err(), "{wrong}");
        }
    }
}
