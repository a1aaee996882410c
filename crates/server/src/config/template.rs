//! Templates: connections and syncs that are written once and stand for many.
//!
//! A template is expanded in the tree of the text, before anything of it is read: so what it makes is checked like what is written
//! out, and a problem is shown at the line of the template that it comes from.

use std::{collections::BTreeSet, ops::Range};

use serde_json::Value as Json;

use super::yaml::{Content, Entry, Node};

/// What begins and ends the name of a variable.
const OPENS: &str = "${";
const CLOSES: char = '}';

/// The parts of a config that a template makes entries of.
const PARTS: [&str; 2] = ["connections", "syncs"];

/// Something wrong with a template, and where.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) place: String,
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// One row: the values of the variables.
struct Row<'a> {
    number: usize,
    values: Vec<(&'a Entry, Json)>,
}

/// Adds what the templates of a config make to its connections and syncs.
pub(super) fn expand(root: &mut Node) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let Some(templates) = root.entry("templates") else {
        return wrong;
    };
    // what is no map is told when the document is read
    let Content::Map(templates) = templates.value.content.clone() else {
        return wrong;
    };
    for template in &templates {
        let place = format!("templates.{}", template.key);
        let rows = rows(&template.value, &place, &mut wrong);
        let mut used = BTreeSet::new();
        for part in PARTS {
            let Some(Content::Map(entries)) = template
                .value
                .entry(part)
                .map(|entry| entry.value.content.clone())
            else {
                continue;
            };
            for row in &rows {
                for entry in &entries {
                    let made = filled_entry(entry, row, &place, &mut used, &mut wrong);
                    add(root, part, made, &place, &mut wrong);
                }
            }
        }
        unused(&rows, &used, &place, &mut wrong);
    }
    wrong
}

/// The rows of `for`.
fn rows<'a>(template: &'a Node, place: &str, wrong: &mut Vec<Wrong>) -> Vec<Row<'a>> {
    let mut problem = |span: &Range<usize>, place: String, message: &str| {
        wrong.push(Wrong {
            place,
            span: span.clone(),
            message: message.to_owned(),
            hint: Some("for example `for: [{name: berlin}, {name: hamburg}]`".to_owned()),
        });
    };
    let Some(list) = template.entry("for") else {
        // told when the document is read
        return Vec::new();
    };
    let Content::List(items) = &list.value.content else {
        problem(
            &list.value.span,
            format!("{place}.for"),
            "`for` is a list of rows",
        );
        return Vec::new();
    };
    let mut rows = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let Content::Map(entries) = &item.content else {
            let place = format!("{place}.for[{at}]");
            problem(
                &item.span,
                place,
                "a row is a map from variables to their values",
            );
            continue;
        };
        let mut values = Vec::new();
        for entry in entries {
            match &entry.value.content {
                Content::Scalar(value) if !value.is_null() => values.push((entry, value.clone())),
                _ => {
                    let place = format!("{place}.for[{at}].{}", entry.key);
                    problem(
                        &entry.value.span,
                        place,
                        "a variable is text, a number or true or false",
                    );
                }
            }
        }
        rows.push(Row {
            number: at + 1,
            values,
        });
    }
    rows
}

fn filled_entry(
    entry: &Entry,
    row: &Row<'_>,
    place: &str,
    used: &mut BTreeSet<String>,
    wrong: &mut Vec<Wrong>,
) -> Entry {
    let key = filled_text(&entry.key, &entry.key_span, row, place, used, wrong);
    Entry {
        key: text(&key),
        key_span: entry.key_span.clone(),
        value: filled(&entry.value, row, place, used, wrong),
    }
}

fn filled(
    node: &Node,
    row: &Row<'_>,
    place: &str,
    used: &mut BTreeSet<String>,
    wrong: &mut Vec<Wrong>,
) -> Node {
    let content = match &node.content {
        Content::Scalar(Json::String(words)) => {
            Content::Scalar(filled_text(words, &node.span, row, place, used, wrong))
        }
        Content::Scalar(other) => Content::Scalar(other.clone()),
        Content::List(items) => Content::List(
            items
                .iter()
                .map(|item| filled(item, row, place, used, wrong))
                .collect(),
        ),
        Content::Map(entries) => Content::Map(
            entries
                .iter()
                .map(|entry| filled_entry(entry, row, place, used, wrong))
                .collect(),
        ),
    };
    Node {
        span: node.span.clone(),
        content,
    }
}

/// A text with its variables put in. One that is nothing but a variable keeps what kind of value that has.
fn filled_text(
    words: &str,
    span: &Range<usize>,
    row: &Row<'_>,
    place: &str,
    used: &mut BTreeSet<String>,
    wrong: &mut Vec<Wrong>,
) -> Json {
    let mut filled = String::with_capacity(words.len());
    let mut rest = words;
    while let Some(at) = rest.find(OPENS) {
        let (before, after) = rest.split_at(at);
        filled.push_str(before);
        let after = &after[OPENS.len()..];
        let mut problem = |message: String, hint: Option<String>| {
            wrong.push(Wrong {
                place: place.to_owned(),
                span: span.clone(),
                message,
                hint,
            });
        };
        let Some((name, after)) = after.split_once(CLOSES) else {
            problem(format!("`{OPENS}{after}` has no `{CLOSES}`"), None);
            return Json::String(words.to_owned());
        };
        let value = row.values.iter().find(|(entry, _)| entry.key == name);
        match value {
            Some((_, value)) => {
                used.insert(name.to_owned());
                if before.is_empty() && after.is_empty() && filled.is_empty() {
                    return value.clone();
                }
                filled.push_str(&text(value));
            }
            None => {
                let known: Vec<&str> = row
                    .values
                    .iter()
                    .map(|(entry, _)| entry.key.as_str())
                    .collect();
                let hint = format!("it has {}", known.join(", "));
                let message = format!("row {} of the template has no `{name}`", row.number);
                problem(message, Some(hint));
            }
        }
        rest = after;
    }
    filled.push_str(rest);
    Json::String(filled)
}

fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Adds an entry to a part of the config, which is made if it is not there.
fn add(root: &mut Node, part: &str, made: Entry, place: &str, wrong: &mut Vec<Wrong>) {
    let span = made.key_span.clone();
    let Content::Map(sections) = &mut root.content else {
        return;
    };
    let at = match sections.iter().position(|section| section.key == part) {
        Some(at) => at,
        None => {
            sections.push(Entry {
                key: part.to_owned(),
                key_span: span.clone(),
                value: Node {
                    span: span.clone(),
                    content: Content::Map(Vec::new()),
                },
            });
            sections.len() - 1
        }
    };
    let section = &mut sections[at].value;
    if matches!(&section.content, Content::Scalar(Json::Null)) {
        section.content = Content::Map(Vec::new());
    }
    let Content::Map(entries) = &mut section.content else {
        // told when the document is read
        return;
    };
    if entries.iter().any(|entry| entry.key == made.key) {
        wrong.push(Wrong {
            place: place.to_owned(),
            span,
            message: format!("`{part}.{}` is there already", made.key),
            hint: Some(
                "the name of what a template makes holds a variable that differs from row to row, such as `${name}`"
                    .to_owned(),
            ),
        });
        return;
    }
    entries.push(made);
}

/// A variable that nothing uses is a slip of the pen.
fn unused(rows: &[Row<'_>], used: &BTreeSet<String>, place: &str, wrong: &mut Vec<Wrong>) {
    let mut told = BTreeSet::new();
    for row in rows {
        for (entry, _) in &row.values {
            if !used.contains(&entry.key) && told.insert(entry.key.as_str()) {
                wrong.push(Wrong {
                    place: format!("{place}.for[{}].{}", row.number - 1, entry.key),
                    span: entry.key_span.clone(),
                    message: format!("nothing in the template uses `${{{}}}`", entry.key),
                    hint: None,
                });
            }
        }
    }
}
