//! What is wrong with a person's rules, and what to do about it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing that is wrong with the rules of a sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Where, as a path into the rules: `entities.contact.fields[3].right`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " (hint: {hint})")?;
        }
        Ok(())
    }
}

/// Problems of one part of the rules, collected under its path.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    path: String,
    pub(crate) found: Vec<Problem>,
}

impl Problems {
    pub(crate) fn at(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            found: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, part: &str, message: impl Into<String>) {
        self.push(part, message.into(), None);
    }

    pub(crate) fn hint(&mut self, part: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.push(part, message.into(), Some(hint.into()));
    }

    fn push(&mut self, part: &str, message: String, hint: Option<String>) {
        let path = if part.is_empty() {
            self.path.clone()
        } else {
            format!("{}.{part}", self.path)
        };
        self.found.push(Problem {
            path,
            message,
            hint,
        });
    }
}

/// The one of `names` that was probably meant.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    names
        .map(|known| (strsim::jaro_winkler(&known.to_lowercase(), &name), known))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}
