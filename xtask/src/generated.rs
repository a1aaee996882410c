//! Docs that are made from code: the binary writes them, and committed ones must equal what it
//! would write now.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result, bail};

use crate::run::{run, target_folder, text};

/// Writes them into the checkout.
pub(crate) fn write() -> Result<()> {
    make(&crate::root()?.join("docs"))
}

/// Compares the committed ones with what would be written now.
pub(crate) fn check() -> Result<()> {
    let fresh = target_folder()?.join("generated-docs");
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh)
            .with_context(|| format!("could not empty {}", fresh.display()))?;
    }
    make(&fresh)?;
    let docs = crate::root()?.join("docs");
    let mut differ = Vec::new();
    let files = files_below(&fresh, &fresh)?;
    if files.is_empty() {
        bail!("the binary wrote no docs");
    }
    for (name, content) in &files {
        match std::fs::read_to_string(docs.join(name)) {
            Ok(committed) if committed == *content => {}
            Ok(_) => differ.push(format!("docs/{name} differs")),
            Err(error) => differ.push(format!("docs/{name}: {error}")),
        }
    }
    if !differ.is_empty() {
        bail!(
            "{}\nhint: run `cargo xtask generate` and commit",
            differ.join("\n")
        );
    }
    eprintln!("{} files are current", files.len());
    Ok(())
}

fn make(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    run(
        "cargo",
        &[
            "run",
            "--quiet",
            "--locked",
            "--package",
            "tandem",
            "--",
            "reference",
            "--out",
            text(folder)?,
        ],
    )
}

fn files_below(top: &Path, folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.append(&mut files_below(top, &path)?);
        } else {
            let name = text(path.strip_prefix(top)?)?.replace('\\', "/");
            files.insert(name, std::fs::read_to_string(&path)?);
        }
    }
    Ok(files)
}
