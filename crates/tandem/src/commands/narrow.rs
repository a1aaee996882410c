//! A ready config with fewer blocks: who wants some kinds of records only need not delete the others by hand.

use anyhow::Result;
use record::Entity;
use server::Code;

use crate::failure::Failure;

/// What stands before a block of `entities` in the ready configs, and before a mapping of contacts.
const BLOCK: &str = "      ";
const MAPPING: &str = "          - {name: company,";

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

/// The kind that a line begins the block of.
fn block(line: &str) -> Option<&str> {
    let word = line.strip_prefix(BLOCK)?.strip_suffix(':')?;
    word.parse::<Entity>().ok().map(|_| word)
}

fn is_beside(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}
