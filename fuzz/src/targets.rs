//! What takes input from outside, one by one.

pub(crate) mod answers;
pub(crate) mod api;
pub(crate) mod config;
pub(crate) mod formula;
pub(crate) mod hooks;
pub(crate) mod links;
pub(crate) mod workflow;

use anyhow::{Result, ensure};
use serde_json::Value as Json;
use server::config::Problems;

use crate::{bend, dice::Dice};

/// A YAML document, bent as a tree and then as a text.
fn bent_yaml(dice: &mut Dice, yaml: &str, words: &[String]) -> Result<String> {
    let mut text = if dice.chance(30) {
        yaml.to_owned()
    } else {
        let mut tree: Json = serde_yaml_ng::from_str(yaml)?;
        for _ in 0..1 + dice.below(4) {
            bend::json(dice, &mut tree, words);
        }
        if dice.chance(30) {
            serde_json::to_string_pretty(&tree)?
        } else {
            serde_yaml_ng::to_string(&tree)?
        }
    };
    for _ in 0..dice.below(3) {
        bend::source(dice, &mut text, words);
    }
    Ok(text)
}

/// Each problem says what is wrong, and where in the text.
fn are_told(problems: &Problems, text: &str) -> Result<()> {
    ensure!(!problems.problems.is_empty(), "refused without a reason");
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.split('\n').count();
    for problem in &problems.problems {
        ensure!(
            !problem.message.trim().is_empty(),
            "a problem without words: {problem:?}"
        );
        ensure!(
            (1..=lines + 1).contains(&problem.line) && problem.column >= 1,
            "outside of the {lines} lines: {problem:?}"
        );
        let span = &problem.span;
        ensure!(
            span.start <= span.end
                && span.end <= text.len()
                && text.is_char_boundary(span.start)
                && text.is_char_boundary(span.end),
            "outside of the {} bytes, or within a letter: {problem:?}",
            text.len()
        );
    }
    Ok(())
}
