//! What a scope that was not granted takes away: of the catalog, and of each sync by what its rules do.

use std::collections::BTreeMap;

use connector::Need;
use mapping::{DeleteRule, EntityRules, MappingRules};
use record::{Entity, Side};
use serde::Serialize;
use store::ConnectionName;

use crate::{app::AppState, error::ApiResult};

/// What a scope or right that is not there takes away.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Loss {
    /// Operations of the catalog that need it.
    operations: Vec<&'static str>,
    /// Triggers that need it.
    triggers: Vec<&'static str>,
    /// What syncs cannot do, as `sync/entity: …`.
    syncs: Vec<String>,
}

/// What this account cannot do for want of a scope, by the scope, in the vendor's words. Where the vendor does not say what it granted,
/// only what the check found missing is known.
pub(crate) fn losses(
    app: &AppState,
    name: &ConnectionName,
    missing: &[String],
) -> ApiResult<BTreeMap<String, Loss>> {
    let connector = app.connections.connector(name)?;
    let granted = app.connections.granted(name)?;
    let lacks = |needs: &[String]| match &granted {
        _ if needs.is_empty() => false,
        Some(granted) => !needs.iter().any(|need| granted.contains(need)),
        None => needs.iter().all(|need| missing.contains(need)),
    };
    let mut losses: BTreeMap<String, Loss> = BTreeMap::new();
    for operation in &connector.catalog().operations {
        if lacks(&operation.needs) {
            let loss = losses.entry(operation.needs.join(" or ")).or_default();
            loss.operations.push(&operation.id);
        }
    }
    for trigger in &connector.catalog().triggers {
        if lacks(&trigger.needs) {
            let loss = losses.entry(trigger.needs.join(" or ")).or_default();
            loss.triggers.push(&trigger.id);
        }
    }
    // by scope and by what is lost, which kinds of which sync
    let mut lost: BTreeMap<(&str, String), Vec<String>> = BTreeMap::new();
    let in_force = app.in_force()?;
    for (sync, rules) in &in_force.document.syncs {
        for (side, own, other) in [
            (Side::Left, &rules.left, &rules.right),
            (Side::Right, &rules.right, &rules.left),
        ] {
            if own != name.as_str() {
                continue;
            }
            let writes = rules.mode.writes(side);
            for (entity, entity_rules) in &rules.entities {
                let wanted = connector.scopes(&[*entity], writes);
                for scope in missing.iter().filter(|scope| wanted.contains(scope)) {
                    let end = End {
                        side,
                        own,
                        other,
                        rules: entity_rules,
                    };
                    for words in end.without(&connector.needs(scope, *entity)) {
                        let kinds = lost.entry((scope, words)).or_default();
                        kinds.push(place(sync, *entity));
                    }
                }
            }
        }
    }
    for ((scope, words), kinds) in lost {
        let loss = losses.entry(scope.to_owned()).or_default();
        loss.syncs.push(format!("{}: {words}", kinds.join(", ")));
    }
    Ok(losses)
}

fn place(sync: &str, entity: Entity) -> String {
    format!("{sync}/{entity}")
}

/// One side of one kind of record of a sync.
struct End<'a> {
    side: Side,
    own: &'a str,
    other: &'a str,
    rules: &'a EntityRules,
}

impl End<'_> {
    /// What the rules would do and cannot, in words.
    fn without(&self, needs: &[Need]) -> Vec<String> {
        let (own, other) = (self.own, self.other);
        let makes = match self.side {
            Side::Left => self.rules.create.left,
            Side::Right => self.rules.create.right,
        };
        let mut words = Vec::new();
        for need in needs {
            match need {
                Need::Read => words.push(format!(
                    "{own} cannot be read, so nothing of this kind is kept in sync"
                )),
                Need::Create if makes => {
                    words.push(format!("what is new in {other} is not made in {own}"));
                }
                Need::Update => {
                    let fields: Vec<String> = self
                        .rules
                        .fields
                        .iter()
                        .filter(|mapping| writes(mapping, self.side))
                        .map(MappingRules::id)
                        .collect();
                    if !fields.is_empty() {
                        words.push(format!(
                            "what changes in {other} is not written to {own} ({})",
                            fields.join(", ")
                        ));
                    }
                }
                Need::Remove => {
                    match self.rules.deletes.of(self.side.other()) {
                        DeleteRule::Propagate | DeleteRule::Archive => words.push(format!(
                            "what is deleted in {other} is not removed from {own}"
                        )),
                        DeleteRule::UnlinkAndAsk => words.push(format!(
                            "what is deleted in {other} cannot be removed from {own} either, if that is your answer"
                        )),
                        DeleteRule::Unlink | DeleteRule::Ignore => {}
                    }
                    if makes {
                        words.push(format!(
                            "`tandem undo` cannot take back what was made in {own}"
                        ));
                    }
                }
                Need::Beside(lame) => words.push((*lame).to_owned()),
                Need::Create => {}
            }
        }
        words
    }
}

/// Whether a mapping writes to `side`.
fn writes(mapping: &MappingRules, side: Side) -> bool {
    let formulas = (&mapping.formula_to_left, &mapping.formula_to_right);
    match (mapping.direction, formulas) {
        (Some(direction), _) => direction.writes(side),
        (None, (Some(_), None)) => side == Side::Left,
        (None, (None, Some(_))) => side == Side::Right,
        (None, _) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn without(rules: &serde_json::Value, needs: &[Need]) -> Vec<String> {
        let rules: EntityRules = serde_json::from_value(rules.clone()).unwrap();
        let end = End {
            side: Side::Right,
            own: "office",
            other: "agency",
            rules: &rules,
        };
        end.without(needs)
    }

    #[test]
    fn only_what_the_rules_do_is_lost() {
        let rules = json!({
            "fields": [
                {"left": "firstName", "right": "Vorname"},
                {"left": "source", "right": "origin", "direction": "to_left"},
                {"name": "whole", "right": "title", "formula_to_right": "firstName"},
            ],
            "deletes": {"left": "propagate", "right": "unlink"},
        });
        assert_eq!(
            without(&rules, &[Need::Update]),
            ["what changes in agency is not written to office (first_name, whole)"]
        );
        assert_eq!(
            without(&rules, &[Need::Create, Need::Remove]),
            [
                "what is new in agency is not made in office",
                "what is deleted in agency is not removed from office",
                "`tandem undo` cannot take back what was made in office",
            ]
        );
        let mut quiet = rules;
        quiet["create"] = json!({"right": false});
        quiet["deletes"] = json!({"left": "ignore"});
        assert!(without(&quiet, &[Need::Create, Need::Remove]).is_empty());
        assert_eq!(
            without(&quiet, &[Need::Read]),
            ["office cannot be read, so nothing of this kind is kept in sync"]
        );
    }
}
