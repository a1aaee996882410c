//! Every promise and rule of `docs/guarantees.md` names tests that exist and run, and mutations that they find.

use anyhow::{Context as _, Result, ensure};

/// How many promises there are.
const PROMISES: usize = 13;

/// How many rules hold them up.
const RULES: usize = 13;

/// What the page says.
pub(crate) struct Page {
    pub(crate) sections: Vec<Section>,
}

/// One promise or rule.
pub(crate) struct Section {
    /// `promise 3`, `rule 10`.
    pub(crate) id: String,
    title: String,
    /// File and name.
    tests: Vec<(String, String)>,
    /// The mutations that break it.
    pub(crate) mutants: Vec<String>,
}

impl Section {
    /// Whether it names a test.
    pub(crate) fn names(&self, test: &str) -> bool {
        self.tests.iter().any(|(_, name)| name == test)
    }
}

/// Reads the page.
pub(crate) fn page() -> Result<Page> {
    let root = crate::root()?;
    let page = std::fs::read_to_string(root.join("docs/guarantees.md"))
        .context("could not read docs/guarantees.md")?;
    let sections = page
        .split("\n### ")
        .skip(1)
        .map(|section| {
            let title = section.lines().next().unwrap_or_default();
            let (id, _) = title
                .split_once(": ")
                .with_context(|| format!("`### {title}` is no promise and no rule"))?;
            Ok(Section {
                id: id.to_lowercase(),
                title: title.to_owned(),
                tests: section.lines().filter_map(named).collect(),
                mutants: section.lines().filter_map(mutant).collect(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Page { sections })
}

/// Checks the page against the tests that it names.
pub(crate) fn check() -> Result<()> {
    let root = crate::root()?;
    let page = page()?;
    let wanted = (1..=PROMISES)
        .map(|number| format!("promise {number}"))
        .chain((1..=RULES).map(|number| format!("rule {number}")));
    let found = page.sections.iter().map(|section| section.id.clone());
    ensure!(
        found.eq(wanted),
        "docs/guarantees.md has not {PROMISES} promises and {RULES} rules, each once and in order"
    );
    let mut tests = 0;
    for section in &page.sections {
        let title = &section.title;
        ensure!(!section.tests.is_empty(), "no test holds `{title}`");
        for (file, name) in &section.tests {
            let source = std::fs::read_to_string(root.join(file))
                .with_context(|| format!("`{title}` names {file}"))?;
            ensure!(
                runs(&source, name),
                "`{title}` names {file} {name}, which is no test there that runs"
            );
            tests += 1;
        }
    }
    eprintln!("{PROMISES} promises and {RULES} rules, held by {tests} tests");
    crate::mutants::check()
}

/// The file and the test that a line of the page names.
fn named(line: &str) -> Option<(String, String)> {
    let (file, name) = line.strip_prefix("* `")?.split_once("` `")?;
    Some((file.to_owned(), name.strip_suffix('`')?.to_owned()))
}

/// The mutation that a line of the page names.
fn mutant(line: &str) -> Option<String> {
    let (name, _) = line.strip_prefix("* found: [`")?.split_once("`]")?;
    Some(name.to_owned())
}

/// Whether a test of this name is in the source and not left out.
fn runs(source: &str, name: &str) -> bool {
    let Some(at) = source.find(&format!("fn {name}(")) else {
        return false;
    };
    // without what indents it
    let before: Vec<&str> = source[..at]
        .trim_end_matches(' ')
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
        assert!(runs(
            "mod tests {\n    #[test]\n    fn one() {}\n}\n",
            "one"
        ));
        assert!(!runs(source, "two") && !runs(source, "three") && !runs(source, "four"));
        let both = |one: &str, other: &str| Some((one.to_owned(), other.to_owned()));
        assert_eq!(named("* `a/b.rs` `one`"), both("a/b.rs", "one"));
        assert_eq!(named("text"), None);
        assert_eq!(
            mutant("* found: [`bug`](../simulation/mutants/bug.patch): it is wrong"),
            Some("bug".to_owned())
        );
    }
}
