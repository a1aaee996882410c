//! Two syncs that share a connection must not both decide the same field of it: a value would travel
//! in a circle.

use std::collections::BTreeMap;

use mapping::{MappingRules, SyncRules};
use record::{Entity, Side};

use crate::{
    Code,
    config::{Document, read::Reading},
};

/// Notes each field that a second sync wants to write.
pub(super) fn check(reading: &mut Reading<'_>, document: &Document) {
    let mut owners: BTreeMap<(&str, Entity, &str), &str> = BTreeMap::new();
    let mut found = Vec::new();
    for (sync, rules) in &document.syncs {
        for (place, connection, entity, field) in written(rules) {
            let owner = owners.entry((connection, entity, field)).or_insert(sync);
            if *owner != sync {
                found.push((
                    format!("syncs.{sync}.{place}"),
                    format!("`{field}` of {entity} records on `{connection}` is already written by the sync `{owner}`"),
                ));
            }
        }
    }
    for (place, message) in found {
        reading.problem(
            Code::ConfigOwners,
            &place,
            message,
            Some(
                "let one of the two only read it: say `direction`, or leave the mapping out"
                    .to_owned(),
            ),
        );
    }
}

/// Every field that a sync may write: where that is said, the connection, the entity, the field.
fn written(rules: &SyncRules) -> impl Iterator<Item = (String, &str, Entity, &str)> {
    rules.entities.iter().flat_map(move |(entity, of_entity)| {
        let mappings = of_entity.fields.iter().enumerate();
        mappings.flat_map(move |(index, mapping)| {
            Side::BOTH.into_iter().flat_map(move |side| {
                let connection = match side {
                    Side::Left => rules.left.as_str(),
                    Side::Right => rules.right.as_str(),
                };
                let writes = rules.mode.writes(side) && directed_to(mapping, side);
                let fields = match side {
                    Side::Left => &mapping.left,
                    Side::Right => &mapping.right,
                };
                fields
                    .iter()
                    .filter(move |_| writes)
                    .flat_map(|words| words.iter())
                    .map(move |field| {
                        let place = format!("entities.{entity}.fields[{index}].{side}");
                        (place, connection, *entity, field)
                    })
            })
        })
    })
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
