//! People in files: a folder with one file a system, one record a line, in the shape of the system's create call.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::side::Side;

/// Why a folder of people could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or a file in it cannot be read.
    #[error("read {}", path.display())]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// None of the files is there.
    #[error("find people in {}: there is no highlevel.jsonl, onoffice.jsonl or officernd.jsonl", path.display())]
    Nobody {
        /// The folder.
        path: PathBuf,
    },
    /// A line is no JSON.
    #[error("parse {} line {line}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A line is JSON, but no object.
    #[error("parse {} line {line}: a record is a JSON object, such as {{\"email\": \"…\"}}", path.display())]
    NoObject {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

/// A record with its place in its file.
#[derive(Clone, Debug)]
pub struct Line {
    /// The line, from 1.
    pub number: usize,
    /// The record.
    pub record: Value,
}

/// The people of one file.
#[derive(Clone, Debug)]
pub struct File {
    /// Where they were.
    pub path: PathBuf,
    /// The records. Empty lines are left out.
    pub lines: Vec<Line>,
}

/// Reads `highlevel.jsonl`, `onoffice.jsonl` and `officernd.jsonl` of a folder; those that are not there are left out.
///
/// # Errors
/// If none is there, one cannot be read, or a line is no JSON object.
pub fn read_folder(folder: &Path) -> Result<BTreeMap<Side, File>, Error> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })
    };
    if let Err(source) = std::fs::read_dir(folder) {
        return Err(Error::Read {
            path: folder.to_owned(),
            source,
        });
    }
    let mut files = BTreeMap::new();
    for side in Side::ALL {
        let path = folder.join(format!("{side}.jsonl"));
        if path.exists() {
            let lines = parse(&path, &read(&path)?)?;
            files.insert(side, File { path, lines });
        }
    }
    if files.is_empty() {
        return Err(Error::Nobody {
            path: folder.to_owned(),
        });
    }
    Ok(files)
}

fn parse(path: &Path, text: &str) -> Result<Vec<Line>, Error> {
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let path = || path.to_owned();
        let record: Value = serde_json::from_str(line).map_err(|source| Error::Parse {
            path: path(),
            line: number,
            source,
        })?;
        if !record.is_object() {
            return Err(Error::NoObject {
                path: path(),
                line: number,
            });
        }
        lines.push(Line { number, record });
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_lines_are_named() {
        let parse = |text: &str| parse(Path::new("people/onoffice.jsonl"), text);
        let lines = parse("\u{feff}{\"Name\": \"A\"}\n\n  {\"Name\": \"B\"}\r\n").unwrap();
        assert_eq!(
            lines.iter().map(|line| line.number).collect::<Vec<_>>(),
            [1, 3]
        );
        let broken = parse("{}\n{\"Name\": }\n").unwrap_err();
        assert_eq!(broken.to_string(), "parse people/onoffice.jsonl line 2");
        let list = parse("\n[]").unwrap_err();
        assert!(
            list.to_string()
                .starts_with("parse people/onoffice.jsonl line 2: a record is a JSON object")
        );
    }

    #[test]
    fn a_folder_without_people_is_an_error() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        assert!(matches!(read_folder(&folder), Err(Error::Nobody { .. })));
        assert!(matches!(
            read_folder(&folder.join("nix")),
            Err(Error::Read { .. })
        ));
    }
}
