//! `cargo xtask test`: the steps, in their order, each timed; the first failure ends the run.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{
    demo, generated, guarantees, hygiene, notes,
    run::{run, run_with},
    seeded, tools, web,
};

/// One step of the run.
pub(crate) struct Step {
    /// The word that selects it.
    pub(crate) name: &'static str,
    /// What it does, in words.
    pub(crate) title: &'static str,
    action: fn() -> Result<()>,
}

/// All steps, in the dev profile: a release build takes as long as all that is tested, and what it does is the same.
pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "tools",
        title: "Install the tools that are missing",
        action: tools::install,
    },
    Step {
        name: "hygiene",
        title: "No committed file names a place on one machine, the engine no system; every link in the docs leads somewhere",
        action: hygiene::check,
    },
    Step {
        name: "guarantees",
        title: "Every promise and rule of docs/guarantees.md names tests that run and bugs that they find",
        action: guarantees::check,
    },
    Step {
        name: "format",
        title: "Formatting",
        action: || run("cargo", &["fmt", "--all", "--check"]),
    },
    Step {
        name: "deny",
        title: "Licences, bans, sources and advisories of dependencies",
        action: tools::deny,
    },
    Step {
        name: "lint",
        title: "Clippy, no warning allowed",
        action: || {
            run(
                "cargo",
                &[
                    "clippy",
                    "--workspace",
                    "--all-targets",
                    "--locked",
                    "--",
                    "-D",
                    "warnings",
                ],
            )
        },
    },
    Step {
        name: "tests",
        title: "Unit, property and end-to-end tests",
        action: notes::tests,
    },
    Step {
        name: "simulate",
        title: "Seeded histories, a few",
        action: seeded::simulate_some,
    },
    Step {
        name: "fuzz",
        title: "Bad input, for a while",
        action: seeded::fuzz_some,
    },
    Step {
        name: "doctests",
        title: "Examples in the documentation of the code",
        action: || {
            run(
                "cargo",
                &["test", "--workspace", "--doc", "--locked", "--quiet"],
            )
        },
    },
    Step {
        name: "docs",
        title: "The documentation of the code, no dead link in it",
        action: || {
            let flags = "-D warnings -A rustdoc::private_intra_doc_links";
            run_with(
                &[("RUSTDOCFLAGS", flags)],
                "cargo",
                &[
                    "doc",
                    "--workspace",
                    "--no-deps",
                    "--document-private-items",
                    "--locked",
                ],
            )
        },
    },
    Step {
        name: "generated",
        title: "Docs made from code are current",
        action: generated::check,
    },
    Step {
        name: "ui",
        title: "The web UI: types, lint, tests, embedded files, and its pages in a browser",
        action: web::check,
    },
    Step {
        name: "demo",
        title: "The demo, once, with both sides in agreement at its end",
        action: demo::check,
    },
];

/// Runs the named steps, or all.
pub(crate) fn test(names: &[String]) -> Result<()> {
    for name in names {
        if !STEPS.iter().any(|step| step.name == name) {
            bail!("no such step: {name}; see `cargo xtask help`");
        }
    }
    let chosen: Vec<&Step> = STEPS
        .iter()
        .filter(|step| names.is_empty() || names.iter().any(|name| name == step.name))
        .collect();

    let mut times: Vec<(&Step, Duration)> = Vec::new();
    let mut failure = None;
    for (index, step) in chosen.iter().enumerate() {
        eprintln!(
            "\n=== [{}/{}] {}: {}",
            index + 1,
            chosen.len(),
            step.name,
            step.title
        );
        let started = Instant::now();
        let outcome = (step.action)();
        let time = started.elapsed();
        if let Err(error) = outcome {
            eprintln!(
                "=== {} FAILED after {:.1} s: {error:#}",
                step.name,
                time.as_secs_f64()
            );
            failure = Some((step, error));
            break;
        }
        eprintln!("=== {} passed in {:.1} s", step.name, time.as_secs_f64());
        times.push((step, time));
    }

    eprintln!("\n=== Steps");
    for (step, time) in &times {
        eprintln!("  passed  {:<10} {:>7.1} s", step.name, time.as_secs_f64());
    }
    if let Some((step, _)) = &failure {
        eprintln!("  FAILED  {}", step.name);
    }
    let not_run = chosen.len() - times.len() - usize::from(failure.is_some());
    if not_run > 0 {
        eprintln!("  {not_run} more not run");
    }
    if chosen.iter().any(|step| step.name == "tests") {
        notes::show()?;
    }
    println(&format!(
        "steps: {} passed, {} failed",
        times.len(),
        usize::from(failure.is_some())
    ));
    match failure {
        None => Ok(()),
        Some((step, error)) => Err(error.context(format!("step {}", step.name))),
    }
}

#[expect(
    clippy::print_stdout,
    reason = "the one line of data that this command has"
)]
fn println(line: &str) {
    println!("{line}");
}
