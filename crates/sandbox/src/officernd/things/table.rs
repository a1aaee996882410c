//! The lines of `table.txt`: verb, path, scope, kind of thing, what is done with it; after `?` the parameters of the query,
//! after `=` the fields of the body. A star is required, a mark of exclamation one of several, a tilde what only a wide update takes.

use std::sync::LazyLock;

use http::Method;

use super::super::fields::{Field, May, Type, field};
use super::super::kind::Filter;
use super::super::query::Spec;
use crate::counts::Access;

/// A call.
pub(in super::super) struct Row {
    pub(super) method: Method,
    pub(in super::super) template: &'static str,
    pub(super) scope: &'static str,
    pub(super) kind: &'static str,
    pub(super) act: &'static str,
    pub(super) spec: Spec,
    pub(super) fields: &'static [Field],
}

impl Row {
    /// What a scope speaks of and no page of the reference.
    pub(in super::super) fn lists_children(&self) -> bool {
        self.act.starts_with("children")
    }

    pub(in super::super) fn access(&self) -> Access {
        match self.method {
            Method::GET => Access::Read,
            _ => Access::Write,
        }
    }
}

pub(super) static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let mut rows: Vec<Row> = include_str!("table.txt").lines().filter_map(row).collect();
    // literals win over placeholders
    rows.sort_by_key(|row| row.template.matches('{').count());
    rows
});

fn row(line: &'static str) -> Option<Row> {
    let (head, body) = line.split_once(" = ").unwrap_or((line, ""));
    let (head, query) = head.split_once(" ? ").unwrap_or((head, ""));
    let mut head = head.split_whitespace();
    let method = Method::from_bytes(head.next()?.as_bytes()).ok()?;
    let (template, scope, kind, act) = (head.next()?, head.next()?, head.next()?, head.next()?);
    let fields: Vec<Field> = body
        .split_whitespace()
        .map(|word| body_field(word, &method))
        .collect();
    Some(Row {
        method,
        template,
        scope,
        kind,
        act,
        spec: spec(query),
        // the table is read once and lives as long as the program
        fields: Vec::leak(fields),
    })
}

/// A name and its type; text where it has none.
fn typed(word: &'static str) -> (&'static str, &'static str, &'static [&'static str]) {
    let (name, holds) = word.split_once(':').unwrap_or((word, "string"));
    match holds.split_once('(') {
        Some((holds, words)) => {
            let words: Vec<&str> = words.trim_end_matches(')').split('|').collect();
            (name, holds, Vec::leak(words))
        }
        None => (name, holds, &[]),
    }
}

fn spec(query: &'static str) -> Spec {
    let (mut filters, mut required, mut parents) = (Vec::new(), Vec::new(), Vec::new());
    for word in query
        .split_whitespace()
        .filter(|word| !word.starts_with('$'))
    {
        let (name, holds, words) = typed(word);
        let bare = name.trim_end_matches(['*', '!']);
        if name.ends_with('*') {
            required.push(bare);
        }
        if name.ends_with('!') {
            parents.push(bare);
        }
        let filter = match holds {
            "date" => Filter::Date,
            "window" => Filter::Window,
            "boolean" => Filter::Flag,
            "texts" => Filter::Texts,
            _ if !words.is_empty() => Filter::OneOf(words),
            _ => Filter::Text,
        };
        filters.push((bare, filter));
    }
    let takes = |name: &str| query.split_whitespace().any(|word| word == name);
    // which fields these take is only documented for contracts, whose counts are grouped by two
    let sorts = match takes("$sort") {
        true => filters.iter().map(|(name, _)| *name).collect(),
        false => Vec::new(),
    };
    Spec {
        filters: Vec::leak(filters),
        required: Vec::leak(required),
        parents: Vec::leak(parents),
        sorts: Vec::leak(sorts),
        counts_by: match takes("$countBy") {
            true => &["company", "location"],
            false => &[],
        },
        selects: takes("$select"),
    }
}

fn body_field(word: &'static str, method: &Method) -> Field {
    let (name, holds, words) = typed(word);
    let may = match (name.ends_with('*'), name.starts_with('~')) {
        (true, _) => May::Must,
        (_, true) => May::Wide,
        _ => May::Yes,
    };
    let holds = match holds {
        "date" => Type::Date,
        "number" => Type::Number,
        "boolean" => Type::Flag,
        "texts" => Type::Texts,
        "array" => Type::List,
        "object" => Type::Bag,
        _ if !words.is_empty() => Type::OneOf(words),
        _ => Type::Text,
    };
    let name = name.trim_start_matches('~').trim_end_matches('*');
    match *method {
        Method::PUT => field(name, holds, May::Not, may),
        _ => field(name, holds, may, May::Not),
    }
}

/// The row of a request, the organization of its path, and what stands for the placeholder.
pub(in super::super) fn find<'a>(
    method: &Method,
    path: &'a str,
) -> Option<(&'static Row, &'a str, &'a str)> {
    let (slug, rest) = below(path)?;
    ROWS.iter()
        .filter(|row| row.method == *method)
        .find_map(|row| Some((row, slug, matches(row.template, rest)?)))
}

/// Whether some verb answers at a path.
pub(in super::super) fn knows(path: &str) -> bool {
    below(path)
        .is_some_and(|(_, rest)| ROWS.iter().any(|row| matches(row.template, rest).is_some()))
}

/// Verb and path of every row.
#[cfg(test)]
pub(in super::super) fn calls() -> impl Iterator<Item = (&'static Method, &'static str)> {
    ROWS.iter().map(|row| (&row.method, row.template))
}

/// The organization of a path, and what is below it.
pub(in super::super) fn below(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let rest = path.strip_prefix("/api/v2/organizations/")?;
    Some(rest.split_at(rest.find('/')?))
}

/// What stands for the last placeholder, "" where there is none.
fn matches<'a>(template: &str, path: &'a str) -> Option<&'a str> {
    let (wanted, given): (Vec<&str>, Vec<&str>) =
        (template.split('/').collect(), path.split('/').collect());
    if wanted.len() != given.len() {
        return None;
    }
    let mut value = "";
    for (wanted, given) in wanted.into_iter().zip(given) {
        if wanted.starts_with('{') && !given.is_empty() {
            value = given;
        } else if wanted != given {
            return None;
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_row_and_literals_win() {
        assert_eq!(ROWS.len(), include_str!("table.txt").lines().count());
        let act = |method: Method, path: &str| {
            let path = format!("/api/v2/organizations/acme{path}");
            find(&method, &path).map(|(row, _, _)| row.act)
        };
        assert_eq!(act(Method::GET, "/bookings/count"), Some("count"));
        assert_eq!(act(Method::GET, "/bookings/abc/"), Some("get"));
        assert_eq!(act(Method::GET, "/members/abc"), None);
    }
}
