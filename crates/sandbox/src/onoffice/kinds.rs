//! The kinds and types of action that a fresh client has, in German as the API wants them.

use serde_json::{Map, json};

use super::ask::{Ask, Outcome, text};
use super::errors::fail_with;
use super::task;

/// The kind under which the types of tasks stand.
const TASK: &str = "Aufgabe";

/// Kinds with their types, and the types that the system sets itself.
const KINDS: [(&str, &[&str], &[&str]); 8] = [
    ("Aufgabe", &[], &[]),
    ("Brief", &["Ausgang", "Eingang"], &[]),
    ("Email", &["Ausgang", "Eingang"], &["Automatisch"]),
    ("Link geöffnet", &[], &[]),
    ("Newsletter", &["bestellt", "nicht bestellt"], &[]),
    ("Notiz", &["Intern", "Kundenwunsch"], &[]),
    ("Telefonat", &["Ausgang", "Eingang", "Nicht erreicht"], &[]),
    ("Termin", &["Beratung", "Besichtigung", "Notartermin"], &[]),
];

/// Whether there is such a kind.
pub(crate) fn is_kind(kind: &str) -> bool {
    KINDS.iter().any(|(known, _, _)| *known == kind)
}

/// Whether a kind has such a type.
pub(crate) fn has_type(kind: &str, wanted: &str) -> bool {
    let types = KINDS.iter().find(|(known, _, _)| *known == kind);
    types.is_some_and(|(_, types, own)| {
        types.contains(&wanted)
            || own.contains(&wanted)
            || (kind == TASK && task::TYPES.iter().any(|(_, name)| *name == wanted))
    })
}

/// The types of appointments.
pub(crate) fn appointment_types() -> &'static [&'static str] {
    KINDS[KINDS.len() - 1].1
}

/// Answers `get actionkindtypes`. Other languages than German are not kept here: labels are the German names.
///
/// # Errors
/// 160 for what is no language.
pub(crate) fn list(ask: &mut Ask<'_>) -> Outcome {
    if let Some(language) = ask.text("lang")
        && (language.len() != 3 || !language.bytes().all(|byte| byte.is_ascii_uppercase()))
    {
        return Err(fail_with(160, &language));
    }
    let automatic: Vec<String> = ask
        .parameters
        .get("allowAutomaticTypesForActionKind")
        .and_then(|kinds| kinds.as_array())
        .map(|kinds| kinds.iter().filter_map(text).collect())
        .unwrap_or_default();
    let rows: Vec<_> = KINDS
        .iter()
        .enumerate()
        .map(|(place, (kind, types, own))| {
            let mut listed: Map<String, _> = types
                .iter()
                .map(|name| ((*name).to_owned(), json!(name)))
                .collect();
            if automatic.iter().any(|wanted| wanted == kind) {
                listed.extend(own.iter().map(|name| ((*name).to_owned(), json!(name))));
            }
            if *kind == TASK {
                listed.extend(task::TYPES.iter().map(|(id, name)| {
                    let key = match ask.quirks.task_type_ids_listed {
                        true => id.to_string(),
                        false => (*name).to_owned(),
                    };
                    (key, json!(name))
                }));
            }
            let types = match listed.is_empty() {
                true => json!([]),
                false => json!(listed),
            };
            let elements = json!({"key": kind, "label": kind, "types": types, "default": ""});
            (json!(place.to_string()), elements)
        })
        .collect();
    ask.answer(None, &json!("actionkind"), rows)
}
