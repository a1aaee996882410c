//! Docs that are made from code: the binary writes them, and committed ones must equal what it
//! would write now.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result, bail};

use crate::run::{run, target_folder, text};

/// With this a page begins that the binary wrote.
const MARK: &str = "<!-- Made from code";

/// Writes them into the checkout, and removes those that nothing makes any more.
pub(crate) fn write() -> Result<()> {
    let docs = crate::root()?.join("docs");
    let fresh = fresh()?;
    for name in stale(&docs, &fresh)? {
        std::fs::remove_file(docs.join(&name)).with_context(|| format!("remove docs/{name}"))?;
    }
    make(&docs)
}

/// What the binary would write now, by name.
fn fresh() -> Result<BTreeMap<String, String>> {
    let fresh = target_folder()?.join("generated-docs");
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh)
            .with_context(|| format!("could not empty {}", fresh.display()))?;
    }
    make(&fresh)?;
    let files = files_below(&fresh, &fresh)?;
    if files.is_empty() {
        bail!("the binary wrote no docs");
    }
    Ok(files)
}

/// Committed pages that were once made from code and are not any more.
fn stale(docs: &Path, fresh: &BTreeMap<String, String>) -> Result<Vec<String>> {
    let committed = files_below(docs, docs)?;
    Ok(committed
        .into_iter()
        .filter(|(name, content)| content.starts_with(MARK) && !fresh.contains_key(name))
        .map(|(name, _)| name)
        .collect())
}

/// Compares the committed ones with what would be written now.
pub(crate) fn check() -> Result<()> {
    let files = fresh()?;
    let docs = crate::root()?.join("docs");
    let mut differ: Vec<String> = stale(&docs, &files)?
        .into_iter()
        .map(|name| format!("docs/{name} is made by nothing any more"))
        .collect();
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
            // an image is nobody's text
            if let Ok(content) = String::from_utf8(std::fs::read(&path)?) {
                files.insert(name, content);
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_whose_source_is_gone_is_found_and_one_by_hand_is_not() {
        let docs = std::env::temp_dir().join(format!("stale-docs-{}", std::process::id()));
        std::fs::create_dir_all(docs.join("catalog")).unwrap();
        let page = format!("{MARK} by `cargo xtask generate`. Do not edit. -->\n# A page\n");
        for (name, content) in [
            ("catalog/kept.md", page.as_str()),
            ("catalog/gone.md", &page),
            ("by-hand.md", "# By hand\n"),
        ] {
            std::fs::write(docs.join(name), content).unwrap();
        }
        let fresh = BTreeMap::from([("catalog/kept.md".to_owned(), page)]);
        let found = stale(&docs, &fresh);
        std::fs::remove_dir_all(&docs).unwrap();
        assert_eq!(found.unwrap(), ["catalog/gone.md"]);
    }
}
