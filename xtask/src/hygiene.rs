//! What no compiler checks: places of one machine in committed files, links that lead nowhere, and names of systems where
//! none may stand.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::run::capture;

/// First parts of absolute paths that exist on one person's machine only.
const PLACES: &[&str] = &["work", "root", "farm", "Users"];

/// Crates that know no system by name, comments included.
const NAMELESS: &[&str] = &["sync", "connections", "store", "workflow", "server"];

/// What systems are called, in lower case and one word.
const SYSTEMS: &[&str] = &["highlevel", "leadconnector", "onoffice", "officernd"];

/// Checks every file that git knows or would take in.
pub(crate) fn check() -> Result<()> {
    let files = capture(
        "git",
        &["ls-files", "--cached", "--others", "--exclude-standard"],
    )?;
    let root = crate::root()?;
    let mut found = Vec::new();
    let mut looked_at = 0;
    for name in files.lines().filter(|name| !name.ends_with("Cargo.lock")) {
        let path = root.join(name);
        if !path.is_file() {
            continue; // deleted in the work tree, or a link
        }
        let bytes = std::fs::read(&path).with_context(|| format!("could not read {name}"))?;
        let Ok(content) = String::from_utf8(bytes) else {
            continue; // an image, an archive
        };
        looked_at += 1;
        for (index, line) in content.lines().enumerate() {
            if let Some(place) = place_of_one_machine(line) {
                found.push(format!("{name}:{}: names {place}", index + 1));
            }
            if let Some(system) = named_system(name, line) {
                found.push(format!(
                    "{name}:{}: names the system {system}; no system may be named in this crate",
                    index + 1
                ));
            }
        }
        if name.ends_with(".md") {
            dead_links(name, &content, &root, &mut found);
        }
    }
    if !found.is_empty() {
        bail!("{} found:\n  {}", found.len(), found.join("\n  "));
    }
    eprintln!("{looked_at} files looked at");
    Ok(())
}

/// The path in this line that exists on one machine only, if there is one.
fn place_of_one_machine(line: &str) -> Option<String> {
    PLACES.iter().find_map(|place| {
        let needle = format!("/{place}/");
        line.match_indices(&needle).find_map(|(at, _)| {
            // `docs/work/` and the path of an address are no absolute paths
            let absolute = line[..at]
                .chars()
                .next_back()
                .is_none_or(|before| !before.is_alphanumeric() && !"_-.~}>".contains(before));
            absolute.then(|| {
                line[at..]
                    .split(|c: char| c.is_whitespace() || "\"'`)".contains(c))
                    .next()
                    .unwrap_or(&needle)
                    .to_owned()
            })
        })
    })
}

/// The system that a line names in a crate that may name none.
fn named_system(name: &str, line: &str) -> Option<&'static str> {
    let (krate, _) = name.strip_prefix("crates/")?.split_once('/')?;
    if !NAMELESS.contains(&krate) {
        return None;
    }
    let line: String = line
        .chars()
        .filter(|letter| !matches!(letter, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect();
    SYSTEMS
        .iter()
        .find(|system| line.contains(**system))
        .copied()
}

/// Links of a Markdown file to files of the repository that are not there.
fn dead_links(name: &str, content: &str, root: &Path, found: &mut Vec<String>) {
    let folder = Path::new(name).parent().unwrap_or(Path::new(""));
    let mut fenced = false;
    for (index, line) in content.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let Some(link) = line[at + 2..].split(')').next() else {
                continue;
            };
            let file = link.split('#').next().unwrap_or(link);
            if file.is_empty() || file.contains("://") || file.starts_with("mailto:") {
                continue;
            }
            if !root.join(folder).join(file).exists() {
                found.push(format!("{name}:{}: no such file: {link}", index + 1));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_places_are_found_and_relative_ones_are_not() {
        let place = format!("/{}/", "work");
        assert!(place_of_one_machine(&format!("see {place}notes.md")).is_some());
        assert!(place_of_one_machine(&format!("\"{place}x\"")).is_some());
        assert!(place_of_one_machine(&format!("docs{place}x")).is_none());
        assert!(place_of_one_machine("https://example.org/Users/x").is_none());
    }

    #[test]
    fn a_system_is_named_only_where_it_may_be() {
        let line = format!("    // {}Level says so", "High");
        for krate in NAMELESS {
            let name = format!("crates/{krate}/src/x.rs");
            assert_eq!(named_system(&name, &line), Some("highlevel"));
            assert_eq!(
                named_system(&name, "let office_RND = 1;"),
                Some("officernd")
            );
            assert_eq!(named_system(&name, "on a high level, on office days"), None);
        }
        assert_eq!(named_system("crates/tandem/src/x.rs", &line), None);
    }

    #[test]
    fn a_link_to_a_missing_file_is_found_outside_code() {
        let folder = std::env::temp_dir();
        let mut found = Vec::new();
        dead_links(
            "a.md",
            "[x](no-such-file-here.md#top)\n```\n[y](nor-this.md)\n```\n[z](https://example.org)",
            &folder,
            &mut found,
        );
        assert_eq!(found, ["a.md:1: no such file: no-such-file-here.md#top"]);
    }
}
