//! `cargo xtask mutants`: bugs that are put in on purpose, each of which a named test must find.
//!
//! A mutation is a patch in `simulation/mutants` with a header: what is wrong with it, the promises of
//! `docs/guarantees.md` and the rules that it breaks, and the test that must fail. The check that is part of
//! `cargo xtask test` only sees that each patch still applies and that nothing is without one; the command itself builds
//! each mutant in a copy of the tree and runs its test.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    guarantees,
    run::{capture, command, target_folder, text},
};

/// One bug.
pub(crate) struct Mutant {
    /// Its file without folder and ending.
    pub(crate) name: String,
    /// What is wrong with it, in words.
    pub(crate) what: String,
    /// `promise 3`, `rule 10`.
    pub(crate) breaks: BTreeSet<String>,
    package: String,
    /// The test that must fail.
    pub(crate) test: String,
    patch: PathBuf,
}

/// All of them, by name.
pub(crate) fn all() -> Result<Vec<Mutant>> {
    let folder = crate::root()?.join("simulation/mutants");
    let mut mutants = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))? {
        let patch = entry?.path();
        if patch.extension().is_some_and(|ending| ending == "patch") {
            mutants.push(read(&patch).with_context(|| format!("{}", patch.display()))?);
        }
    }
    mutants.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(mutants)
}

fn read(patch: &Path) -> Result<Mutant> {
    let content = std::fs::read_to_string(patch)?;
    let header: BTreeMap<&str, &str> = content
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(": "))
        .collect();
    let of = |key: &str| -> Result<String> {
        let value = header
            .get(key)
            .with_context(|| format!("no `{key}:` in its header"))?;
        Ok((*value).to_owned())
    };
    Ok(Mutant {
        name: patch
            .file_stem()
            .and_then(|name| name.to_str())
            .context("no name")?
            .to_owned(),
        what: of("What")?,
        breaks: of("Breaks")?.split(", ").map(str::to_owned).collect(),
        package: of("Package")?,
        test: of("Test")?,
        patch: patch.to_owned(),
    })
}

/// Every patch still applies, every promise and rule has one, and each names a test that the page names too.
pub(crate) fn check() -> Result<()> {
    let mutants = all()?;
    let page = guarantees::page()?;
    let mut without: BTreeSet<&str> = page.sections.iter().map(|one| &*one.id).collect();
    for mutant in &mutants {
        let patch = text(&mutant.patch)?;
        let applies = command("git", &["apply", "--check", patch])?
            .status()
            .context("could not start git")?;
        ensure!(applies.success(), "the mutation {patch} no longer applies");
        for broken in &mutant.breaks {
            let section = page.sections.iter().find(|one| one.id == *broken);
            let section =
                section.with_context(|| format!("{patch}: no {broken} in docs/guarantees.md"))?;
            ensure!(
                section.mutants.contains(&mutant.name) && section.names(&mutant.test),
                "docs/guarantees.md, {broken}: the mutation {} and its test {} are not named",
                mutant.name,
                mutant.test
            );
            without.remove(&**broken);
        }
    }
    for section in &page.sections {
        for named in &section.mutants {
            ensure!(
                mutants
                    .iter()
                    .any(|one| one.name == *named && one.breaks.contains(&section.id)),
                "docs/guarantees.md, {}: there is no mutation {named} that breaks it",
                section.id
            );
        }
    }
    ensure!(without.is_empty(), "without any mutation: {without:?}");
    eprintln!(
        "{} mutations apply, none of the guarantees is without",
        mutants.len()
    );
    Ok(())
}

/// What became of a mutant.
enum Fate {
    Found,
    Survived,
    /// It proves nothing.
    Unclear(String),
}

/// Builds each mutant (or only the named ones) and runs its test.
pub(crate) fn run(names: &[String]) -> Result<()> {
    let mut mutants = all()?;
    for name in names {
        ensure!(
            mutants.iter().any(|mutant| mutant.name == *name),
            "no such mutation: {name}"
        );
    }
    mutants.retain(|mutant| names.is_empty() || names.contains(&mutant.name));
    // those of one crate after each other, so that little is built anew
    mutants.sort_by_key(|mutant| (mutant.package.clone(), files_of(mutant)));
    let tree = copy()?;
    sound(&tree, &mutants)?;
    let mut rows = Vec::new();
    for mutant in &mutants {
        let began = Instant::now();
        eprintln!("\n=== {}: {}", mutant.name, mutant.what);
        apply(&tree, &mutant.patch, false)?;
        let fate = tried(&tree, mutant);
        apply(&tree, &mutant.patch, true)?;
        rows.push((mutant, fate?, began.elapsed().as_secs()));
    }
    let mut bad = 0;
    for (mutant, fate, seconds) in &rows {
        let word = match fate {
            Fate::Found => "found".to_owned(),
            Fate::Survived => {
                bad += 1;
                "SURVIVED".to_owned()
            }
            Fate::Unclear(why) => {
                bad += 1;
                format!("UNCLEAR ({why})")
            }
        };
        let breaks: Vec<&str> = mutant.breaks.iter().map(String::as_str).collect();
        eprintln!(
            "{:<44} {:<22} {word:<10} {seconds:>4} s  {}",
            mutant.name,
            breaks.join(", "),
            mutant.test
        );
    }
    eprintln!("{} mutations, {} found", rows.len(), rows.len() - bad);
    ensure!(bad == 0, "{bad} mutations were not found by their tests");
    Ok(())
}

fn files_of(mutant: &Mutant) -> String {
    let content = std::fs::read_to_string(&mutant.patch).unwrap_or_default();
    let line = content.lines().find(|line| line.starts_with("+++ "));
    line.unwrap_or_default().to_owned()
}

/// The tree beside the real one. What is the same there already is left as it is, so that it is not built again.
fn copy() -> Result<PathBuf> {
    let (root, tree) = (crate::root()?, target_folder()?.join("mutants"));
    let files = capture(
        "git",
        &["ls-files", "--cached", "--others", "--exclude-standard"],
    )?;
    let mut kept = BTreeSet::new();
    for name in files.lines() {
        let (from, to) = (root.join(name), tree.join(name));
        if !from.is_file() {
            continue;
        }
        kept.insert(to.clone());
        let content = std::fs::read(&from)?;
        if std::fs::read(&to).is_ok_and(|there| there == content) {
            continue;
        }
        let folder = to.parent().context("a file without a folder")?;
        std::fs::create_dir_all(folder)?;
        std::fs::copy(&from, &to).with_context(|| format!("could not write {}", to.display()))?;
    }
    remove_others(&tree, &kept)?;
    Ok(tree)
}

/// What is no longer in the real tree.
fn remove_others(folder: &Path, kept: &BTreeSet<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(&path, kept)?;
        } else if !kept.contains(&path) {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn apply(tree: &Path, patch: &Path, back: bool) -> Result<()> {
    let mut git = Command::new("git");
    git.arg("apply").current_dir(tree);
    if back {
        git.arg("--reverse");
    }
    // the tree is no part of the repository around it
    git.env(
        "GIT_CEILING_DIRECTORIES",
        tree.parent().context("no parent")?,
    );
    let status = git.arg(patch).status().context("could not start git")?;
    ensure!(status.success(), "{} does not apply", patch.display());
    Ok(())
}

/// Without a mutation all the tests hold.
fn sound(tree: &Path, mutants: &[Mutant]) -> Result<()> {
    let tests: BTreeSet<String> = mutants
        .iter()
        .map(|mutant| filter(&mutant.package, &mutant.test))
        .collect();
    let packages: BTreeSet<&str> = mutants.iter().map(|one| &*one.package).collect();
    let tests: Vec<String> = tests.into_iter().collect();
    let (code, output) = nextest(tree, &packages, &tests.join(" | "))?;
    ensure!(code == 0, "the tests fail without any mutation:\n{output}");
    Ok(())
}

fn tried(tree: &Path, mutant: &Mutant) -> Result<Fate> {
    let packages = BTreeSet::from([&*mutant.package]);
    let (code, output) = nextest(tree, &packages, &filter(&mutant.package, &mutant.test))?;
    let has = |word: &str| {
        output
            .lines()
            .any(|line| line.trim_start().starts_with(word) && line.contains(&mutant.test))
    };
    Ok(match code {
        0 => Fate::Survived,
        100 if has("TIMEOUT") || has("SIGTERM") => Fate::Unclear("it hangs".to_owned()),
        100 if has("FAIL") || has("TRY 1 FAIL") => {
            let said: Vec<&str> = output
                .lines()
                .filter(|line| {
                    line.contains("panicked at") || line.trim_start().starts_with("Error:")
                })
                .take(2)
                .collect();
            eprintln!("{}", said.join("\n"));
            Fate::Found
        }
        _ => {
            eprintln!("{output}");
            Fate::Unclear(format!("nextest ended with {code}"))
        }
    })
}

fn filter(package: &str, test: &str) -> String {
    format!("package({package}) & test(/(^|::){test}$/)")
}

/// Runs tests in the copy with the target folder of the real tree, so that what others wrote is built once.
fn nextest(tree: &Path, packages: &BTreeSet<&str>, tests: &str) -> Result<(i32, String)> {
    let mut cargo = command(
        "cargo",
        &[
            "nextest",
            "run",
            "--no-tests=fail",
            "--retries=0",
            "-E",
            tests,
        ],
    )?;
    for package in packages {
        cargo.args(["-p", package]);
    }
    let output = cargo
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", target_folder()?)
        .env_remove("CARGO_MANIFEST_DIR")
        .stdout(Stdio::piped())
        .output()
        .context("could not start cargo nextest")?;
    let Some(code) = output.status.code() else {
        bail!("cargo nextest was ended from outside");
    };
    let mut all = String::from_utf8_lossy(&output.stdout).into_owned();
    all.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok((code, all))
}
