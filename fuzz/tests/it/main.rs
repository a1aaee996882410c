//! A few cases of each target, and that a case is the same each time.

use anyhow::{Context as _, Result};
use fuzz::{TARGETS, play};

fn some(name: &str) -> Result<()> {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.context("no such target")?;
    for seed in 1..4 {
        play(target, seed).with_context(|| format!("{name}, seed {seed}"))?;
    }
    Ok(())
}

#[test]
fn bad_configs_and_formulas_are_refused_with_their_place() -> Result<()> {
    some("config")?;
    some("formula")
}

#[test]
fn bad_workflows_and_tables_are_refused_with_their_place() -> Result<()> {
    some("workflow")?;
    some("links")
}

#[test]
fn bad_webhooks_and_requests_are_refused() -> Result<()> {
    some("hooks")?;
    some("api")
}

#[test]
fn bad_answers_of_vendors_are_told() -> Result<()> {
    some("highlevel")?;
    some("onoffice")?;
    some("officernd")
}
