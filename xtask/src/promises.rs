//! Every promise of `docs/promises.md` names tests that exist and run.

use anyhow::{Context as _, Result, ensure};

/// How many promises there are.
const PROMISES: usize = 13;

/// Checks the page against the tests that it names.
pub(crate) fn check() -> Result<()> {
    let root = crate::root()?;
    let page = std::fs::read_to_string(root.join("docs/promises.md"))
        .context("could not read docs/promises.md")?;
    let mut tests = 0;
    let sections: Vec<&str> = page.split("\n## ").skip(1).collect();
    ensure!(
        sections.len() == PROMISES,
        "docs/promises.md has {} promises, not {PROMISES}",
        sections.len()
    );
    for section in sections {
        let title = section.lines().next().unwrap_or_default();
        let named: Vec<(&str, &str)> = section.lines().filter_map(named).collect();
        ensure!(!named.is_empty(), "no test holds the promise `{title}`");
        for (file, name) in named {
            let source = std::fs::read_to_string(root.join(file))
                .with_context(|| format!("the promise `{title}` names {file}"))?;
            ensure!(
                runs(&source, name),
                "the promise `{title}` names {file} {name}, which is no test there that runs"
            );
            tests += 1;
        }
    }
    eprintln!("{PROMISES} promises, held by {tests} tests");
    Ok(())
}

/// The file and the test that a line of the page names.
fn named(line: &str) -> Option<(&str, &str)> {
    let (file, name) = line.strip_prefix("* `")?.split_once("` `")?;
    Some((file, name.strip_suffix('`')?))
}

/// Whether a test of this name is in the source and not left out.
fn runs(source: &str, name: &str) -> bool {
    let Some(at) = source.find(&format!("fn {name}(")) else {
        return false;
    };
    let before: Vec<&str> = source[..at]
        .lines()
        .rev()
        .take_while(|line| !line.trim_start().starts_with('}') && !line.trim().is_empty())
        .collect();
    let has = |word: &str| before.iter().any(|line| line.contains(word));
    (has("test]") || has("test(") || source[..at].rfind("proptest!").is_some()) && !has("#[ignore")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_left_out_or_is_none_holds_nothing() {
        let source = "#[test]\nfn one() {}\n\n#[test]\n#[ignore]\nfn two() {}\n\nfn three() {}\n";
        assert!(runs(source, "one"));
        assert!(!runs(source, "two") && !runs(source, "three") && !runs(source, "four"));
        assert_eq!(named("* `a/b.rs` `one`"), Some(("a/b.rs", "one")));
        assert_eq!(named("text"), None);
    }
}
