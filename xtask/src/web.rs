//! The web UI: its types, its lint, its tests, whether what is embedded is what the sources make, and the pages in a
//! browser on the real binary.

use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::run::{built, command, run, run_with, text};

/// Largest first load, as gzip makes it: all scripts that the page asks for before it shows anything.
const LARGEST_FIRST_LOAD: usize = 300_000;

/// Everything that is checked of it.
pub(crate) fn check() -> Result<()> {
    install()?;
    npm(&["run", "client"])?;
    unchanged("web/src/api/schema.d.ts", "cargo xtask ui")?;
    for script in ["types", "lint", "test"] {
        npm(&["run", script])?;
    }
    build()?;
    unchanged("crates/ui/dist", "cargo xtask ui")?;
    first_load()?;
    browse(&[])
}

/// Makes what is committed of it: the client's types, the built files, and the pictures of its pages.
pub(crate) fn write() -> Result<()> {
    install()?;
    npm(&["run", "client"])?;
    build()?;
    browse(&[("TANDEM_IMAGES", "docs/images")])
}

/// What the lock file says, and nothing written to it. Not `npm ci`: that refuses where a registry does not carry the
/// packages of other platforms, which nobody here needs.
fn install() -> Result<()> {
    npm(&[
        "install",
        "--no-save",
        "--no-audit",
        "--no-fund",
        "--prefer-offline",
    ])
}

fn build() -> Result<()> {
    npm(&["run", "build"])
}

/// The pages in Debian's Chromium, on the real binary and the sandbox.
fn browse(more: &[(&str, &str)]) -> Result<()> {
    let binary = built("tandem")?;
    let environment = [&[("TANDEM_BINARY", text(&binary)?)][..], more].concat();
    let began = Instant::now();
    run_with(&environment, "npm", &["--prefix", "web", "run", "e2e"])?;
    eprintln!("the pages took {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

fn npm(arguments: &[&str]) -> Result<()> {
    run("npm", &[&["--prefix", "web"], arguments].concat())
}

/// Fails if git sees a difference, or a file that it does not know.
fn unchanged(path: &str, hint: &str) -> Result<()> {
    let output = command(
        "git",
        &["status", "--porcelain", "--untracked-files=all", "--", path],
    )?
    .output()
    .context("could not start git")?;
    if !output.status.success() {
        bail!("git could not look at {path}");
    }
    // what is staged is as good as committed: a commit is checked before it is made
    let differs = String::from_utf8(output.stdout)?
        .lines()
        .filter(|line| !line[1..].starts_with(' '))
        .collect::<Vec<_>>()
        .join("\n");
    if differs.is_empty() {
        return Ok(());
    }
    bail!("{path} is not what its sources make:\n{differs}\nhint: run `{hint}` and commit")
}

/// Whether the scripts of the first load are small enough.
fn first_load() -> Result<()> {
    let dist = crate::root()?.join("crates/ui/dist");
    let index = std::fs::read_to_string(dist.join("index.html"))?;
    let mut size = 0;
    for part in index.split('"').filter(|part| part.ends_with(".js")) {
        let packed = command("gzip", &["-9", "-c", text(&dist.join(&part[1..]))?])?
            .output()
            .context("could not start gzip")?;
        if !packed.status.success() {
            bail!("gzip could not pack {part}");
        }
        size += packed.stdout.len();
    }
    if size == 0 || size > LARGEST_FIRST_LOAD {
        bail!(
            "the scripts of the first load have {size} bytes packed; at most {LARGEST_FIRST_LOAD} are allowed"
        );
    }
    eprintln!("the scripts of the first load have {size} bytes packed");
    Ok(())
}
