//! The project's own commands: `cargo xtask test` checks everything, `cargo xtask generate` writes
//! what is made from code.
//!
//! Nothing here is shipped. The point of writing it in Rust is that a fresh machine needs nothing but
//! cargo to run it.

mod demo;
mod generated;
mod guarantees;
mod hygiene;
mod mutants;
mod notes;
mod run;
mod seeded;
mod steps;
mod tools;
mod web;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result, bail};

const HELP: &str = "\
Usage: cargo xtask <COMMAND>

Commands:
  test [STEP...]   Install what is missing, then run every check (or only the named steps)
  generate         Write the docs that are made from code (docs/reference, docs/catalog.md, docs/catalog,
                   docs/systems/fields, docs/errors/README.md)
  mutants [NAME...]  Put in bugs on purpose, one at a time; the test that is named with each must fail
  simulate [...]   Play seeded histories on all cores, in release; `--help` says more
  fuzz [...]       Hand bad input to whatever takes input from outside, in release; `--help` says more
  ui               Build the web UI anew: its client, crates/ui/dist, and the pictures in docs/images

Steps of `test`, in their order:
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.first().map(String::as_str) {
        Some("test") => steps::test(&arguments[1..]),
        Some("generate") => generated::write(),
        Some("mutants") => mutants::run(&arguments[1..]),
        Some("simulate") => seeded::simulate(&arguments[1..]),
        Some("fuzz") => seeded::fuzz(&arguments[1..]),
        Some("ui") => web::write(),
        Some("help" | "--help" | "-h") => {
            eprint!("{HELP}");
            for step in steps::STEPS {
                eprintln!("  {:<10} {}", step.name, step.title);
            }
            Ok(())
        }
        other => Err(match other {
            Some(word) => anyhow::anyhow!("no such command: {word}; see `cargo xtask help`"),
            None => anyhow::anyhow!("a command is missing; see `cargo xtask help`"),
        }),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the workspace.
pub(crate) fn root() -> Result<PathBuf> {
    let here = PathBuf::from(
        std::env::var_os("CARGO_MANIFEST_DIR").context("run this through cargo: cargo xtask")?,
    );
    match here.parent() {
        Some(root) => Ok(root.to_owned()),
        None => bail!("{} has no parent folder", here.display()),
    }
}
