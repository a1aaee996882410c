//! Places in long lists: where a page ended, so that the next one begins there. Written as one word, which says nothing to
//! whoever passes it on.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use record::{Entity, RecordId, Side};

use crate::{Blocked, Claim, ConnectionName, LinkId, Pair};

/// A word that is no place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no place in this list")]
pub struct NoPlace;

/// A blocked field with the records of its link.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockedField {
    /// The field.
    pub blocked: Blocked,
    /// What the records are.
    pub entity: Entity,
    /// The record on the left.
    pub left: RecordId,
    /// The record on the right.
    pub right: RecordId,
}

/// A place among the blocked fields of a sync, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedPlace {
    /// Since when the field is blocked.
    pub since: Timestamp,
    /// Of which link.
    pub link: LinkId,
    /// Which mapping.
    pub mapping: String,
    /// At which side.
    pub side: Side,
}

impl Blocked {
    /// Its place in the list.
    pub fn place(&self) -> BlockedPlace {
        BlockedPlace {
            since: self.since,
            link: self.link,
            mapping: self.mapping.clone(),
            side: self.side,
        }
    }
}

impl fmt::Display for BlockedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.since.as_microsecond();
        write!(f, "{since}.{}.{}.{}", self.link, self.side, self.mapping)
    }
}

impl FromStr for BlockedPlace {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let [since, link, side, mapping] = parts(text)?;
        Ok(Self {
            since: moment(since)?,
            link: link.parse().map_err(|_| NoPlace)?,
            mapping: mapping.to_owned(),
            side: side_of(side)?,
        })
    }
}

/// A place among the records that fail, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingPlace {
    /// Since when it waits.
    pub since: Timestamp,
    /// Where.
    pub connection: ConnectionName,
    /// What it is.
    pub entity: Entity,
    /// Which.
    pub record: RecordId,
}

impl Claim {
    /// Its place in the list of those that fail.
    pub fn place(&self) -> FailingPlace {
        FailingPlace {
            since: self.first_signalled,
            connection: self.connection.clone(),
            entity: self.entity,
            record: self.record.clone(),
        }
    }
}

impl fmt::Display for FailingPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.since.as_microsecond();
        let Self {
            connection,
            entity,
            record,
            ..
        } = self;
        write!(f, "{since}.{connection}.{entity}.{record}")
    }
}

impl FromStr for FailingPlace {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let [since, connection, entity, record] = parts(text)?;
        Ok(Self {
            since: moment(since)?,
            connection: ConnectionName::from(connection),
            entity: entity.parse().map_err(|_| NoPlace)?,
            record: RecordId::from(record),
        })
    }
}

/// A place in the log of calls, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallPlace {
    /// When it was sent.
    pub at: Timestamp,
    /// Its number.
    pub seq: i64,
}

impl fmt::Display for CallPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at.as_microsecond(), self.seq)
    }
}

impl FromStr for CallPlace {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (at, seq) = text.split_once('.').ok_or(NoPlace)?;
        Ok(Self {
            at: moment(at)?,
            seq: seq.parse().map_err(|_| NoPlace)?,
        })
    }
}

/// A place among the pairs of a sync that something was decided about, by what they are and their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionPlace {
    /// What both are.
    pub entity: Entity,
    /// Which.
    pub pair: Pair,
}

impl fmt::Display for DecisionPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pair { left, right } = &self.pair;
        // both ids may hold anything, so the length says where one ends
        let long = left.as_str().len();
        write!(f, "{}.{long}.{left}{right}", self.entity)
    }
}

impl FromStr for DecisionPlace {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (entity, rest) = text.split_once('.').ok_or(NoPlace)?;
        let (long, ids) = rest.split_once('.').ok_or(NoPlace)?;
        let long = long.parse().map_err(|_| NoPlace)?;
        let (left, right) = ids.split_at_checked(long).ok_or(NoPlace)?;
        Ok(Self {
            entity: entity.parse().map_err(|_| NoPlace)?,
            pair: Pair {
                left: RecordId::from(left),
                right: RecordId::from(right),
            },
        })
    }
}

/// The four parts of a place; the last may hold dots.
pub(crate) fn parts(text: &str) -> Result<[&str; 4], NoPlace> {
    let parts: Vec<&str> = text.splitn(4, '.').collect();
    parts.try_into().map_err(|_| NoPlace)
}

pub(crate) fn moment(text: &str) -> Result<Timestamp, NoPlace> {
    let micros = text.parse().map_err(|_| NoPlace)?;
    Timestamp::from_microsecond(micros).map_err(|_| NoPlace)
}

pub(crate) fn side_of(word: &str) -> Result<Side, NoPlace> {
    Side::BOTH
        .into_iter()
        .find(|side| side.as_str() == word)
        .ok_or(NoPlace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_and_no_other_word_is_one() {
        let since = Timestamp::from_microsecond(1_790_000_000_000_001).unwrap();
        let failing = FailingPlace {
            since,
            connection: ConnectionName::from("crm"),
            entity: Entity::Contact,
            record: RecordId::from("a.b/c"),
        };
        assert_eq!(failing.to_string().parse(), Ok(failing));
        let blocked = BlockedPlace {
            since,
            link: LinkId(uuid::Uuid::from_u128(7)),
            mapping: "customFields.a.b".to_owned(),
            side: Side::Right,
        };
        assert_eq!(blocked.to_string().parse(), Ok(blocked));
        let call = CallPlace { at: since, seq: 12 };
        assert_eq!(call.to_string().parse(), Ok(call));
        let decision = DecisionPlace {
            entity: Entity::Contact,
            pair: Pair {
                left: RecordId::from("ä.1"),
                right: RecordId::from("2.b"),
            },
        };
        assert_eq!(decision.to_string().parse(), Ok(decision));
        assert!("contact.1.ä".parse::<DecisionPlace>().is_err());
        for wrong in ["", "1", "x.1", "1.2.3", "99999999999999999999.1.left.a"] {
            assert!(wrong.parse::<BlockedPlace>().is_err(), "{wrong}");
            assert!(wrong.parse::<FailingPlace>().is_err(), "{wrong}");
        }
        assert!("1.x".parse::<CallPlace>().is_err());
    }
}
