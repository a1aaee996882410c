//! What a run says of each switch of the sandbox: whether it matches as it is, how it has to be turned, or why that is not known.

use sandbox::{Asking, Setting, Switch};
use serde_json::{Value as Json, json};

use crate::output::cell;

/// Every switch of the system that was asked, in the order of the registry. `stands` is `as_it_is`, `turned`, `not_settled` or
/// `beyond_asking`.
pub(super) fn standing(report: &Json, switches: &[&Switch]) -> Json {
    let system = report["system"].as_str().unwrap_or_default();
    let facts = report["facts"].as_array().map_or(&[][..], Vec::as_slice);
    let of_system = switches
        .iter()
        .filter(|switch| switch.system.to_string() == system);
    of_system
        .map(|switch| {
            let default = default(switch);
            let seen = facts
                .iter()
                .find_map(|fact| fact["switches"].get(switch.name));
            let mut row = json!({"switch": switch.name, "default": default});
            row["stands"] = json!(match (seen, switch.asking()) {
                (Some(value), _) => {
                    row["value"] = value.clone();
                    if *value == default {
                        "as_it_is"
                    } else {
                        "turned"
                    }
                }
                (None, Asking::By(probe)) => {
                    row["probe"] = json!(probe);
                    row["why"] = json!(match facts.iter().find(|fact| fact["id"] == probe) {
                        Some(fact) => unsettled(fact),
                        None => "not asked in this run".to_owned(),
                    });
                    "not_settled"
                }
                (None, Asking::Beyond(why)) => {
                    row["why"] = json!(why);
                    "beyond_asking"
                }
            });
            row
        })
        .collect()
}

/// Why a question that was asked says nothing of a switch that it is there for.
fn unsettled(fact: &Json) -> String {
    let outcome = super::report::outcome(fact);
    match fact["outcome"].as_str() {
        Some("settled") => "answered, but nothing of this switch shows in the answer".to_owned(),
        Some("not_asked") => {
            let why = cell(fact, "/seen");
            format!("{outcome}: {why}")
        }
        _ => outcome,
    }
}

/// How a switch stands by itself.
pub(super) fn default(switch: &Switch) -> Json {
    match switch.default {
        Setting::Flag(flag) => Json::from(flag),
        Setting::Number(number) => Json::from(number),
        Setting::Choice(word) => Json::from(word),
    }
}
