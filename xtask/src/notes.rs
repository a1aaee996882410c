//! The step of the tests, and what they say of themselves that they did not look at: a clean clone lacks the vendors' files, and passes,
//! and nobody shall take that for having been held against them.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};

use crate::{
    run::{run_with, target_folder},
    tools,
};

/// Where tests write such a line.
const NOTES: &str = "TANDEM_TEST_NOTES";

fn file() -> Result<PathBuf> {
    Ok(target_folder()?.join("not-held"))
}

/// Runs all tests, and says at their end what they did not look at.
pub(crate) fn tests() -> Result<()> {
    let notes = file()?;
    fs::write(&notes, "").with_context(|| format!("could not write {}", notes.display()))?;
    let notes = notes
        .to_str()
        .context("the target folder has no UTF-8 name")?;
    let mut environment = tools::without_proxies();
    environment.push((NOTES, notes));
    let arguments = [
        "nextest",
        "run",
        "--workspace",
        "--locked",
        "--no-tests=fail",
    ];
    run_with(&environment, "cargo", &arguments)?;
    show()
}

/// Says what the tests did not look at.
pub(crate) fn show() -> Result<()> {
    let file = file()?;
    let written = match fs::read_to_string(&file) {
        // no test had anything to say
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        read => read.with_context(|| format!("{} cannot be read", file.display()))?,
    };
    for line in told(&written) {
        eprintln!("  NOT HELD  {line}");
    }
    Ok(())
}

/// Each line once: a test that is tried again says it again.
fn told(written: &str) -> Vec<&str> {
    let mut told: Vec<&str> = written
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    told.sort_unstable();
    told.dedup();
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_once() {
        assert_eq!(told("b\na\n\nb\n"), ["a", "b"]);
        assert_eq!(told(""), [""; 0]);
    }
}
