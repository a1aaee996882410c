//! From text to a checked [`Document`], with every problem that can be found at once.
//!
//! Each connection, each sync and each top-level key is read on its own, so that one mistake does
//! not hide the others. A key that is not known is noted and left out, and reading goes on.

use std::{collections::BTreeMap, ops::Range, path::PathBuf};

use connector::Description;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::{
    Document, Problem, Problems, check,
    path::{LeftOut, known_steps, remove, spell, step, steps},
    template,
    words::{nearest_hint, reworded, unknown_field},
    yaml::{self, Content, Node, Step},
};
use crate::Code;

/// Reads and checks a config as far as that goes without asking any system.
///
/// # Errors
/// All problems that were found.
pub fn read(text: &str, systems: &[&Description]) -> Result<Document, Problems> {
    let mut reading = Reading::new(text)?;
    let Some(document) = reading.document() else {
        return Err(reading.finish());
    };
    check::check(&mut reading, &document, systems);
    if reading.problems.is_empty() {
        Ok(document)
    } else {
        Err(reading.finish())
    }
}

/// The database that a config names, even if the rest of the config is wrong.
pub fn database(text: &str) -> Option<PathBuf> {
    let root = yaml::parse(text).ok()?;
    match root.entry("database")?.value.json() {
        Json::String(path) => Some(PathBuf::from(path)),
        _ => None,
    }
}

/// The names of the connections of a config, even if the rest of it is wrong.
pub fn connection_names(text: &str) -> Vec<String> {
    let Ok(mut root) = yaml::parse(text) else {
        return Vec::new();
    };
    // what is wrong with a template is told when the config is read
    template::expand(&mut root);
    match root.entry("connections").map(|entry| &entry.value.content) {
        Some(Content::Map(entries)) => entries.iter().map(|entry| entry.key.clone()).collect(),
        _ => Vec::new(),
    }
}

/// Problems that were found elsewhere (code, place, message, hint), each at its place in the text.
pub(crate) fn locate(text: &str, found: Vec<(Code, String, String, Option<String>)>) -> Problems {
    match Reading::new(text) {
        Ok(mut reading) => {
            for (code, place, message, hint) in found {
                reading.problem(code, &place, message, hint);
            }
            reading.finish()
        }
        Err(problems) => problems,
    }
}

/// A text under way to a document, and what was found wrong on the way.
#[derive(Debug)]
pub(super) struct Reading<'text> {
    text: &'text str,
    root: Node,
    problems: Vec<Problem>,
}

impl<'text> Reading<'text> {
    pub(super) fn new(text: &'text str) -> Result<Self, Problems> {
        let text_without_mark = text.strip_prefix('\u{feff}').unwrap_or(text);
        match yaml::parse(text_without_mark) {
            Ok(root) => {
                let mut reading = Self {
                    text: text_without_mark,
                    root,
                    problems: Vec::new(),
                };
                if !matches!(reading.root.content, Content::Map(_)) {
                    let span = reading.root.span.clone();
                    reading.push(
                        Code::ConfigValue,
                        String::new(),
                        span,
                        "a config is a map that begins with `version: 1`".to_owned(),
                        None,
                    );
                    return Err(Problems {
                        problems: reading.problems,
                    });
                }
                for wrong in template::expand(&mut reading.root) {
                    let (place, span) = (wrong.place, wrong.span);
                    reading.push(Code::ConfigValue, place, span, wrong.message, wrong.hint);
                }
                Ok(reading)
            }
            Err(error) => {
                let (code, hint) = if error.duplicate_key {
                    (Code::ConfigDuplicateKey, "join the two, or rename one")
                } else {
                    (
                        Code::ConfigSyntax,
                        "look for a missing quote or colon, or a line that is not indented like its neighbours; the mistake may be a line earlier",
                    )
                };
                let (line, column) = line_and_column(text_without_mark, error.span.start);
                Err(Problems {
                    problems: vec![Problem {
                        code,
                        place: String::new(),
                        span: error.span,
                        line,
                        column,
                        message: error.message,
                        hint: Some(hint.to_owned()),
                    }],
                })
            }
        }
    }

    /// The text as a value without places.
    pub(super) fn json(&self) -> Json {
        self.root.json()
    }

    /// Whether nothing wrong was found so far.
    pub(super) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// Notes a problem at a path such as `connections.agency.auth`, or the nearest place around it.
    pub(super) fn problem(
        &mut self,
        code: Code,
        place: &str,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let span = self.root.locate(&steps(&self.root, place));
        self.push(code, place.to_owned(), span, message.into(), hint);
    }

    /// Whether something stands at this path.
    pub(super) fn has(&self, place: &str) -> bool {
        let mut node = &self.root;
        for step in steps(&self.root, place) {
            let next = match (&step, &node.content) {
                (Step::Key(key), _) => node.entry(key).map(|entry| &entry.value),
                (Step::Index(index), Content::List(items)) => items.get(*index),
                (Step::Index(_), _) => None,
            };
            match next {
                Some(next) => node = next,
                None => return false,
            }
        }
        true
    }

    fn push(
        &mut self,
        code: Code,
        place: String,
        span: Range<usize>,
        message: String,
        hint: Option<String>,
    ) {
        let (line, column) = line_and_column(self.text, span.start);
        self.problems.push(Problem {
            code,
            place,
            span,
            line,
            column,
            message,
            hint,
        });
    }

    pub(super) fn finish(mut self) -> Problems {
        self.problems.sort_by_key(|problem| problem.span.start);
        self.problems.dedup();
        Problems {
            problems: self.problems,
        }
    }

    /// The document as far as it could be read: parts that could not are noted and left out.
    fn document(&mut self) -> Option<Document> {
        let mut rest = self.root.json();
        let sections = rest.as_object_mut()?;
        let connections = sections.remove("connections");
        let syncs = sections.remove("syncs");
        let document: Option<Document> = self.decode(&[], rest);
        let connections = self.section("connections", connections, text_in_auth);
        let syncs = self.section("syncs", syncs, |_| {});
        document.map(|document| Document {
            connections,
            syncs,
            ..document
        })
    }

    /// A map of named parts, each read on its own.
    fn section<T: DeserializeOwned>(
        &mut self,
        name: &str,
        value: Option<Json>,
        prepare: fn(&mut Json),
    ) -> BTreeMap<String, T> {
        let parts = match value {
            None | Some(Json::Null) => return BTreeMap::new(),
            Some(Json::Object(parts)) => parts,
            Some(_) => {
                let message =
                    format!("`{name}` is a map from names of your choice to what they are");
                self.problem(Code::ConfigValue, name, message, None);
                return BTreeMap::new();
            }
        };
        let mut read = BTreeMap::new();
        for (key, mut part) in parts {
            prepare(&mut part);
            let path = [Step::Key(name.to_owned()), Step::Key(key.clone())];
            if let Some(part) = self.decode(&path, part) {
                read.insert(key, part);
            }
        }
        read
    }

    /// Reads one part. What cannot be read is noted and left out, and reading goes on without it,
    /// so that all mistakes show at once.
    pub(super) fn decode<T: DeserializeOwned>(
        &mut self,
        at: &[Step],
        mut value: Json,
    ) -> Option<T> {
        let mut left_out = LeftOut::default();
        loop {
            let error = match serde_path_to_error::deserialize::<_, T>(value.clone()) {
                Ok(read) => return Some(read),
                Err(error) => error,
            };
            let mut inside: Vec<Option<Step>> = error.path().iter().map(step).collect();
            let message = error.inner().to_string();
            let unknown = unknown_field(&message);
            if let Some((key, _)) = &unknown {
                // the path may or may not end with the key itself
                let key = Some(Step::Key((*key).to_owned()));
                if inside.last() != Some(&key) {
                    inside.push(key);
                }
            }
            let inside = known_steps(&value, &inside).unwrap_or_default();
            let path = [at, &left_out.written(&inside)].concat();
            if let Some((key, known)) = unknown {
                let span = self.key_span(&path);
                let message = format!("`{key}` is not known here");
                let mut hint = nearest_hint(key, &known);
                if let [Step::Key(part), _, _] = &path[..]
                    && part == "connections"
                    && hint.starts_with("known are")
                {
                    hint.push_str(
                        "; a setting of its system stands one level deeper, under `settings`",
                    );
                }
                let hint = Some(hint);
                self.push(Code::ConfigUnknownKey, spell(&path), span, message, hint);
            } else if !left_out.explains(&inside) {
                let span = self.root.locate(&path);
                let (message, hint) = reworded(&path, message);
                self.push(Code::ConfigValue, spell(&path), span, message, hint);
            }
            if !remove(&mut value, &inside) {
                return None;
            }
            left_out.paths.push(inside);
        }
    }

    fn key_span(&self, path: &[Step]) -> Range<usize> {
        let Some((Step::Key(key), around)) = path.split_last() else {
            return self.root.locate(path);
        };
        let mut node = &self.root;
        for step in around {
            let next = match (step, &node.content) {
                (Step::Key(key), _) => node.entry(key).map(|entry| &entry.value),
                (Step::Index(index), Content::List(items)) => items.get(*index),
                (Step::Index(_), _) => None,
            };
            match next {
                Some(next) => node = next,
                None => return self.root.locate(path),
            }
        }
        node.entry(key)
            .map_or_else(|| self.root.locate(path), |entry| entry.key_span.clone())
    }
}

/// What the user gives for signing in is text, also where it looks like a number.
fn text_in_auth(connection: &mut Json) {
    if let Some(fields) = connection.get_mut("auth").and_then(Json::as_object_mut) {
        for value in fields.values_mut() {
            if value.is_number() {
                *value = Json::String(value.to_string());
            }
        }
    }
}

fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |line| line.chars().count())
        + 1;
    (line, column)
}
