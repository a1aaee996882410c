//! What is played from seeds: histories of the whole engine, and bad input.
//!
//! Whoever asks for many gets an optimised build. The steps of `cargo xtask test` play a few with what the tests were built
//! with: another build would take longer than all that they play.

use anyhow::{Context as _, Result};

use crate::run::{built, run, text};

/// So many histories are a part of `cargo xtask test`.
const HISTORIES: &str = "40";

/// However slow the machine is, none is begun after so many seconds.
const LONGEST: &str = "60";

/// What gets bad input in `cargo xtask test`.
const TARGETS: [&str; 9] = [
    "config",
    "formula",
    "workflow",
    "hooks",
    "links",
    "api",
    "highlevel",
    "onoffice",
    "officernd",
];

/// For so many seconds each of them gets it.
const BAD_INPUT: &str = "6";

/// Plays histories with an optimised build: they are all work and no waiting.
pub(crate) fn simulate(arguments: &[String]) -> Result<()> {
    optimised("simulation", "simulate", arguments)
}

/// The first few histories.
pub(crate) fn simulate_some() -> Result<()> {
    as_for_tests(
        "simulate",
        &["--seeds", HISTORIES, "--seconds", LONGEST, "--brief"],
    )
}

/// Makes bad input with an optimised build.
pub(crate) fn fuzz(arguments: &[String]) -> Result<()> {
    optimised("fuzz", "fuzz", arguments)
}

/// Bad input, from the same seeds each time.
pub(crate) fn fuzz_some() -> Result<()> {
    for target in TARGETS {
        as_for_tests("fuzz", &[target, "--seconds", BAD_INPUT])?;
    }
    Ok(())
}

fn optimised(package: &str, name: &str, arguments: &[String]) -> Result<()> {
    let mut all = vec![
        "run",
        "--quiet",
        "--release",
        "--locked",
        "-p",
        package,
        "--bin",
        name,
        "--",
    ];
    all.extend(arguments.iter().map(String::as_str));
    run("cargo", &all)
}

fn as_for_tests(name: &str, arguments: &[&str]) -> Result<()> {
    run(text(&built(name)?)?, arguments)
        .with_context(|| format!("the message above has the command that replays it ({name})"))
}
