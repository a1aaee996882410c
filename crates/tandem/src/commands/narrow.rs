//! A ready config with fewer blocks: who wants some kinds of records only need not delete the others by hand.

use anyhow::Result;
use record::Entity;
use server::Code;

use crate::failure::Failure;

/// What stands before a block of `entities` in the ready configs, and before a setting, a scope and a mapping of contacts.
const BLOCK: &str = "      ";
const SCOPES: &str = "      #   ";
const MAPPING: &str = "          - {name: company,";

/// The settings, and lines about them, that are for one kind of record only.
const SETTINGS: [(&str, &[&str]); 3] = [
    ("appointment", &["calendar", "resource", "appointments"]),
    (
        "task",
        &[
            "task_due_days",
            "task_type",
            "ticket_type",
            "ticket_severity",
            "ticket_priority",
        ],
    ),
    ("note", &["note_kind", "notes_property", "notes_ticket"]),
];

/// The fourth of the next steps in the ready configs, and what it is where the blocks that it is about are not there.
const STEPS: [(&str, &str, &[&str]); 2] = [
    (
        "Fill in `location` below, and what the blocks at the end need or delete those, and tandem apply tandem.yaml again.",
        "Fill in `location` below, and tandem apply tandem.yaml again.",
        &["opportunity", "appointment", "task", "note"],
    ),
    (
        "Fill in `calendar` below, or delete the block `appointment`, and tandem apply tandem.yaml again.",
        "(Nothing is to be filled in.)",
        &["appointment"],
    ),
];

/// The config with the blocks of these kinds alone. Contacts are always among them: everything else belongs to one.
pub(super) fn narrowed(text: &str, only: &[Entity]) -> Result<String> {
    let wanted = |kind: &str| kind == "contact" || only.iter().any(|own| own.to_string() == kind);
    let kinds: Vec<&str> = text.lines().filter_map(block).collect();
    if let Some(missing) = only
        .iter()
        .find(|own| !kinds.contains(&own.to_string().as_str()))
    {
        return Err(
            Failure::new(Code::BadRequest, format!("the pair has no {missing}"))
                .hint(format!("it has {}", kinds.join(", ")))
                .into(),
        );
    }
    let text = beside(text, &wanted);
    let mut kept: Vec<&str> = Vec::new();
    // comments and empty lines belong to what comes after them
    let mut before: Vec<&str> = Vec::new();
    let (mut within, mut keeps) = (false, true);
    for line in text.lines() {
        if let Some(kind) = block(line) {
            (within, keeps) = (true, wanted(kind));
        } else if is_beside(line) {
            before.push(line);
            continue;
        } else if within && !line.starts_with(BLOCK) {
            (within, keeps) = (false, true);
        }
        let is_company = within && line.starts_with(MAPPING) && !wanted("company");
        if keeps && !is_company {
            kept.append(&mut before);
            kept.push(line);
        }
        before.clear();
    }
    kept.append(&mut before);
    Ok(kept.join("\n") + "\n")
}

/// The text with what stands beside the blocks, settings and scopes and the next steps, fitted to the kinds that are wanted.
fn beside(text: &str, wanted: &dyn Fn(&str) -> bool) -> String {
    let mut kept: Vec<String> = Vec::new();
    // lines of prose belong to the setting that they stand above
    let mut prose: Vec<&str> = Vec::new();
    let mut in_settings = false;
    for line in text.lines() {
        if in_settings && line.starts_with(BLOCK) {
            prose.push(line);
            if let Some(name) = setting(line) {
                if of_kind(name).is_none_or(wanted) {
                    kept.extend(prose.iter().map(|line| (*line).to_owned()));
                }
                prose.clear();
            }
            continue;
        }
        kept.extend(prose.drain(..).map(str::to_owned));
        in_settings = line == "    settings:";
        let scopes = line
            .strip_prefix(SCOPES)
            .and_then(|rest| rest.split_once(':'));
        if scopes.is_some_and(|(kind, _)| kind.parse::<Entity>().is_ok() && !wanted(kind)) {
            continue;
        }
        let step = STEPS.iter().find(|(step, ..)| line.ends_with(step));
        kept.push(match step {
            Some((step, instead, kinds)) if !kinds.iter().any(|kind| wanted(kind)) => {
                line.replace(step, instead)
            }
            _ => line.to_owned(),
        });
    }
    kept.extend(prose.into_iter().map(str::to_owned));
    // a heading of scopes that has none any more
    let heading = "      # and for the blocks below, each with its own:";
    if let Some(at) = kept.iter().position(|line| line == heading)
        && !kept
            .get(at + 1)
            .is_some_and(|next| next.starts_with(SCOPES))
    {
        kept.remove(at);
    }
    kept.join("\n") + "\n"
}

/// The setting that a line gives, or would if it were no comment.
fn setting(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let (name, value) = line.strip_prefix("# ").unwrap_or(line).split_once(": ")?;
    let is_name = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    (is_name && !value.trim().contains(' ')).then_some(name)
}

/// The only kind of record that a setting is for.
fn of_kind(setting: &str) -> Option<&'static str> {
    SETTINGS
        .into_iter()
        .find(|(_, settings)| settings.contains(&setting))
        .map(|(kind, _)| kind)
}

/// The kind that a line begins the block of.
fn block(line: &str) -> Option<&str> {
    let word = line.strip_prefix(BLOCK)?.strip_suffix(':')?;
    word.parse::<Entity>().ok().map(|_| word)
}

fn is_beside(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}
