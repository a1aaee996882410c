//! Two syncs that share a connection may both write a field of it: what one brings in, the other takes
//! on. What may not be is that two of them decide it: then they undo each other's work for ever, or
//! what a record holds depends on which of them looked last.

use std::collections::BTreeMap;

use mapping::{MappingRules, Policy, SyncRules};
use record::{Entity, Side};

use crate::{
    Code,
    config::{Document, read::Reading},
};

/// What a sync wants of a field of a shared connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// Brings in changes and carries changes away.
    Shares,
    /// Both ways, but where both sides changed, the side beyond decides.
    Decides,
    /// Only brings in.
    Feeds,
}

impl Claim {
    /// Whether two syncs that want this cannot both have it.
    fn fights(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Feeds, _) | (_, Self::Feeds) | (Self::Decides, Self::Decides)
        )
    }

    fn words(self) -> &'static str {
        match self {
            Self::Shares => "both ways",
            Self::Decides => "with the other side as its owner",
            Self::Feeds => "one way, from the other side",
        }
    }
}

/// A field that a sync writes, and where that is said.
struct Written<'a> {
    sync: &'a str,
    place: String,
    claim: Claim,
}

/// Notes each field that a second sync wants to decide.
pub(super) fn check(reading: &mut Reading<'_>, document: &Document) {
    let mut fields: BTreeMap<(&str, Entity, &str), Vec<Written<'_>>> = BTreeMap::new();
    let mut found = Vec::new();
    for (sync, rules) in &document.syncs {
        for (connection, entity, field, written) in written(sync, rules) {
            let others = fields.entry((connection, entity, field)).or_default();
            let fought = others
                .iter()
                .find(|other| other.sync != sync && other.claim.fights(written.claim));
            if let Some(other) = fought {
                found.push((
                    written.place.clone(),
                    format!(
                        "`{field}` of {entity} records on `{connection}` has two owners: `{sync}` writes it {}, and `{}` writes it {} ({})",
                        written.claim.words(),
                        other.sync,
                        other.claim.words(),
                        other.place,
                    ),
                ));
            }
            others.push(written);
        }
    }
    for (place, message) in found {
        reading.problem(
            Code::ConfigOwners,
            &place,
            message,
            Some(
                "let one of the two only read it (`direction`), or let no side beyond own it (`policy`)"
                    .to_owned(),
            ),
        );
    }
}

/// Every field that a sync may write: the connection, the entity, the field, and how.
fn written<'a>(
    sync: &'a str,
    rules: &'a SyncRules,
) -> impl Iterator<Item = (&'a str, Entity, &'a str, Written<'a>)> {
    let kept = rules.entities.iter().flat_map(move |(entity, of_entity)| {
        Side::BOTH.into_iter().filter_map(move |side| {
            let connection = match side {
                Side::Left => rules.left.as_str(),
                Side::Right => rules.right.as_str(),
            };
            let place = format!("syncs.{sync}.entities.{entity}.keep_id.{side}");
            let claim = Claim::Feeds;
            let field = of_entity.keep_id.of(side)?;
            Some((connection, *entity, field, Written { sync, place, claim }))
        })
    });
    let mapped = rules.entities.iter().flat_map(move |(entity, of_entity)| {
        let mappings = of_entity.fields.iter().enumerate();
        mappings.flat_map(move |(index, mapping)| {
            Side::BOTH.into_iter().flat_map(move |side| {
                let connection = match side {
                    Side::Left => rules.left.as_str(),
                    Side::Right => rules.right.as_str(),
                };
                let claim = claim(rules, mapping, side);
                let fields = match side {
                    Side::Left => &mapping.left,
                    Side::Right => &mapping.right,
                };
                let named = fields.iter().flat_map(|words| words.iter());
                named.filter_map(move |field| {
                    let place = format!("syncs.{sync}.entities.{entity}.fields[{index}].{side}");
                    let claim = claim?;
                    Some((connection, *entity, field, Written { sync, place, claim }))
                })
            })
        })
    });
    kept.chain(mapped)
}

/// What a mapping wants of its fields on a side; nothing if it never writes there.
fn claim(rules: &SyncRules, mapping: &MappingRules, side: Side) -> Option<Claim> {
    let writes = |side| rules.mode.writes(side) && directed_to(mapping, side);
    let beyond = match side {
        Side::Left => Policy::RightOwns,
        Side::Right => Policy::LeftOwns,
    };
    if !writes(side) {
        None
    } else if !writes(side.other()) {
        Some(Claim::Feeds)
    } else if mapping.policy == Some(beyond) {
        Some(Claim::Decides)
    } else {
        Some(Claim::Shares)
    }
}

/// Whether a mapping writes to this side at all.
fn directed_to(mapping: &MappingRules, side: Side) -> bool {
    let formula_to = match (&mapping.formula_to_left, &mapping.formula_to_right) {
        (Some(_), None) => Some(Side::Left),
        (None, Some(_)) => Some(Side::Right),
        _ => None,
    };
    match (mapping.direction, formula_to) {
        (Some(direction), _) => direction.writes(side),
        (None, Some(target)) => target == side,
        (None, None) => true,
    }
}
