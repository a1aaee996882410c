//! Values that refer to what is known by then: paths and merge tags.
//!
//! A text that is one tag, `{{ trigger.contact.id }}`, is the value itself, with its type. In a longer text a tag
//! becomes text. A tag holds a path, or a formula over paths.

use std::fmt::Write as _;

use formula::Formula;
use record::{Field, Fields, Value};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde_json::{Map, Number, Value as Json};

/// The words that a path begins with.
pub const ROOTS: [&str; 8] = [
    "trigger", "steps", "errors", "item", "index", "vars", "run", "event",
];

/// A path into what is known: `steps.find.records[0].id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(pub Vec<Segment>);

/// One part of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// A member of an object. On a list `length`, `first` and `last` are its count and its ends.
    Name(String),
    /// An element of a list, from 0.
    Index(usize),
    /// `[*]`: every element of a list; what follows is asked of each.
    Each,
}

/// Whether a text is a reference to a secret: `env:NAME` or `file:PATH`. Only one that stands so in the workflow itself
/// is ever resolved: what comes from outside must not say what is read here.
pub fn is_reference(text: &str) -> bool {
    text.starts_with("env:") || text.starts_with("file:")
}

/// A value that cannot be. The message holds no values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ValueError {
    /// Where in the value, such as `input.data.Betreff`; empty for the whole.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ValueError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            place: String::new(),
            message: message.into(),
            hint: None,
        }
    }

    /// The same at a place within this.
    pub(crate) fn within(self, step: &str) -> Self {
        self.inside(step)
    }

    fn inside(mut self, step: &str) -> Self {
        let dot = if self.place.is_empty() || self.place.starts_with('[') {
            ""
        } else {
            "."
        };
        self.place = format!("{step}{dot}{}", self.place);
        self
    }
}

/// A text in parts.
enum Part<'a> {
    Text(&'a str),
    Tag(&'a str),
}

fn parts(text: &str) -> Result<Vec<Part<'_>>, ValueError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        if open > 0 {
            parts.push(Part::Text(&rest[..open]));
        }
        let inner = &rest[open + 2..];
        let end = closing(inner).ok_or_else(|| ValueError::new("a {{ has no }}"))?;
        parts.push(Part::Tag(inner[..end].trim()));
        rest = &inner[end + 2..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    Ok(parts)
}

/// Where a tag ends, past any `}}` in a text inside it.
fn closing(inner: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (index, character) in inner.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if character == '\\' => escaped = true,
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if character == '"' || character == '\'' => quote = Some(character),
            None if inner[index..].starts_with("}}") => return Some(index),
            None => {}
        }
    }
    None
}

/// The path at the beginning of a text, and how many bytes it has.
fn path_at(text: &str) -> Option<(Path, usize)> {
    let name_end = |text: &str| {
        text.find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(text.len())
    };
    let mut at = name_end(text);
    let root = &text[..at];
    if !ROOTS.contains(&root) {
        return None;
    }
    let mut segments = vec![Segment::Name(root.to_owned())];
    loop {
        let rest = &text[at..];
        if let Some(after) = rest.strip_prefix('.') {
            let length = name_end(after);
            // a function of the value: `trigger.name.trim()`
            if length == 0 || after[length..].starts_with('(') {
                break;
            }
            segments.push(Segment::Name(after[..length].to_owned()));
            at += 1 + length;
        } else if let Some(after) = rest.strip_prefix('[') {
            let Some(end) = after.find(']') else { break };
            let inside = after[..end].trim();
            let quoted = ['"', '\''].into_iter().find_map(|quote| {
                inside
                    .strip_prefix(quote)
                    .and_then(|inside| inside.strip_suffix(quote))
            });
            if let Some(name) = quoted {
                segments.push(Segment::Name(name.to_owned()));
            } else if inside == "*" {
                segments.push(Segment::Each);
            } else if let Ok(index) = inside.parse() {
                segments.push(Segment::Index(index));
            } else {
                break;
            }
            at += end + 2;
        } else {
            break;
        }
    }
    Some((Path(segments), at))
}

impl Path {
    /// Reads a path that is the whole text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (path, length) = path_at(text)?;
        (length == text.len()).then_some(path)
    }

    /// What stands there; `null` where nothing does.
    ///
    /// # Errors
    /// When it leads into an output that was too large to be kept.
    pub fn of(&self, known: &Json) -> Result<Json, ValueError> {
        self.find(known).map_err(|size| {
            ValueError::new(format!(
                "the output that `{self}` leads into was too large to be kept ({size})"
            ))
        })
    }

    /// The same; the error is the size of the output.
    fn find(&self, known: &Json) -> Result<Json, String> {
        let mut value = known;
        for (at, segment) in self.0.iter().enumerate() {
            if let Some(size) = not_kept(value) {
                return Err(size.to_owned());
            }
            if *segment == Segment::Each {
                let rest = Self(self.0[at + 1..].to_vec());
                return match value {
                    Json::Array(items) => items.iter().map(|item| rest.find(item)).collect(),
                    _ => Ok(Json::Null),
                };
            }
            let next = match (segment, value) {
                (Segment::Name(name), Json::Object(members)) => members.get(name),
                (Segment::Name(name), Json::Array(items)) => match name.as_str() {
                    "length" => return Ok(Json::from(items.len())),
                    "first" => items.first(),
                    "last" => items.last(),
                    _ => None,
                },
                (Segment::Index(index), Json::Array(items)) => items.get(*index),
                _ => None,
            };
            match next {
                Some(next) => value = next,
                None => return Ok(Json::Null),
            }
        }
        match not_kept(value) {
            Some(size) => Err(size.to_owned()),
            None => Ok(value.clone()),
        }
    }

    /// The name at this place of the path, if it is one.
    #[must_use]
    pub fn name(&self, at: usize) -> Option<&str> {
        match self.0.get(at) {
            Some(Segment::Name(name)) => Some(name),
            _ => None,
        }
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Name(name) if at == 0 => f.write_str(name)?,
                Segment::Name(name) => write!(f, ".{name}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Each => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

/// What stands for an output that is too large to keep has this one member.
pub(crate) const NOT_KEPT: &str = "not_kept";

/// The size of an output that was too large to keep, if a value stands for one.
fn not_kept(value: &Json) -> Option<&str> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    let size = members.get(NOT_KEPT)?.as_str()?;
    size.ends_with(" bytes").then_some(size)
}

/// What stands in a tag.
enum Tag {
    Path(Path),
    Formula(Formula, Vec<Path>),
}

/// The name that a path has in a formula.
fn stand_in(at: usize) -> String {
    format!("p{at}")
}

fn tag(text: &str) -> Result<Tag, ValueError> {
    if let Some(path) = Path::parse(text) {
        return Ok(Tag::Path(path));
    }
    let mut paths: Vec<Path> = Vec::new();
    let mut source = String::with_capacity(text.len());
    let mut quote = None;
    let mut escaped = false;
    let mut before = ' ';
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        let in_word = before.is_alphanumeric() || before == '_' || before == '.';
        if quote.is_none()
            && !in_word
            && let Some((path, length)) = path_at(&text[at..])
        {
            let place = paths
                .iter()
                .position(|known| *known == path)
                .unwrap_or_else(|| {
                    paths.push(path);
                    paths.len() - 1
                });
            source.push_str(&stand_in(place));
            at += length;
            before = '_';
            continue;
        }
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if character == '\\' => escaped = true,
            Some(open) if character == open => quote = None,
            None if character == '"' || character == '\'' => quote = Some(character),
            _ => {}
        }
        source.push(character);
        before = character;
        at += character.len_utf8();
    }
    let names: Vec<String> = (0..paths.len()).map(stand_in).collect();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let formula = Formula::compile(&source, &known).map_err(|error| {
        let message = error.message.replace("there is no field", "there is no");
        ValueError {
            place: String::new(),
            message: format!("{message} in {{{{ {text} }}}}"),
            hint: Some(match error.hint {
                Some(hint) if !hint.contains("`p") => hint,
                _ => format!("a path begins with one of {}", ROOTS.join(", ")),
            }),
        }
    })?;
    Ok(Tag::Formula(formula, paths))
}

/// The value with every tag filled in.
///
/// # Errors
/// Where a tag has no value for what is known.
pub fn fill(value: &Json, known: &Json) -> Result<Json, ValueError> {
    match value {
        Json::String(text) => fill_text(text, known),
        Json::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, item)| fill(item, known).map_err(|error| error.inside(&format!("[{at}]"))))
            .collect(),
        Json::Object(members) => fill_object(members, known).map(Json::Object),
        other => Ok(other.clone()),
    }
}

/// The same for an object.
///
/// # Errors
/// As [`fill`].
pub fn fill_object(
    members: &Map<String, Json>,
    known: &Json,
) -> Result<Map<String, Json>, ValueError> {
    members
        .iter()
        .map(|(name, member)| {
            let member = fill(member, known).map_err(|error| error.inside(name))?;
            Ok((name.clone(), member))
        })
        .collect()
}

/// The same for a text.
///
/// # Errors
/// As [`fill`].
pub fn fill_text(text: &str, known: &Json) -> Result<Json, ValueError> {
    if !text.contains("{{") {
        return Ok(Json::String(text.to_owned()));
    }
    let parts = parts(text)?;
    if let [Part::Tag(only)] = parts[..] {
        return evaluate(only, known);
    }
    let mut filled = String::with_capacity(text.len());
    for part in parts {
        match part {
            Part::Text(text) => filled.push_str(text),
            Part::Tag(text) => filled.push_str(&as_text(&evaluate(text, known)?)),
        }
    }
    Ok(Json::String(filled))
}

/// A filled value as text: nothing for `null`, JSON for lists and objects.
#[must_use]
pub fn as_text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn evaluate(text: &str, known: &Json) -> Result<Json, ValueError> {
    match tag(text)? {
        Tag::Path(path) => path.of(known),
        Tag::Formula(formula, paths) => {
            let fields: Fields = paths
                .iter()
                .enumerate()
                .map(|(at, path)| Ok((stand_in(at).as_str().into(), field(&path.of(known)?))))
                .collect::<Result<_, ValueError>>()?;
            let result = formula.evaluate(&fields).map_err(|error| {
                ValueError::new(format!("{} in {{{{ {text} }}}}", error.message))
            })?;
            Ok(json(&result))
        }
    }
}

/// A value as formulas see it. A list is a set of texts.
fn field(value: &Json) -> Field {
    match value {
        Json::Null => Field::Empty,
        Json::Bool(value) => Field::Value(Value::Boolean(*value)),
        Json::Number(number) => number
            .to_string()
            .parse::<Decimal>()
            .or_else(|_| Decimal::from_scientific(&number.to_string()))
            .map_or_else(
                |_| Field::of(number.to_string()),
                |number| Field::Value(Value::Number(number)),
            ),
        Json::String(text) => Field::of(text.as_str()),
        Json::Array(items) => Field::of(Value::Set(items.iter().map(as_text).collect())),
        Json::Object(_) => Field::of(value.to_string()),
    }
}

/// What a formula came to, or a field of a record.
pub(crate) fn json(field: &Field) -> Json {
    match field.value() {
        None => Json::Null,
        Some(Value::Text(text)) => Json::String(text.clone()),
        Some(Value::Boolean(value)) => Json::Bool(*value),
        Some(Value::Number(number)) => {
            let number = number.normalize();
            match number.to_i64() {
                Some(whole) if number.scale() == 0 => Json::from(whole),
                _ => number
                    .to_f64()
                    .and_then(Number::from_f64)
                    .map_or_else(|| Json::String(number.to_string()), Json::Number),
            }
        }
        Some(Value::Set(set)) => set.iter().cloned().map(Json::String).collect(),
        Some(Value::Date(day)) => Json::String(day.to_string()),
        Some(Value::Instant(at)) => Json::String(at.to_string()),
        Some(Value::Points(points)) => points
            .iter()
            .map(|point| Json::String(point.value.clone()))
            .collect(),
    }
}

/// Every path that a value uses, each with its place in it, and what is no path or formula.
pub fn paths(value: &Json) -> Vec<(String, Result<Path, ValueError>)> {
    let mut found = Vec::new();
    walk(value, &mut String::new(), &mut found);
    found
}

fn walk(value: &Json, place: &mut String, found: &mut Vec<(String, Result<Path, ValueError>)>) {
    let length = place.len();
    match value {
        Json::String(text) => match parts(text) {
            Ok(parts) => {
                for part in parts {
                    let Part::Tag(text) = part else { continue };
                    match tag(text) {
                        Ok(Tag::Path(path)) => found.push((place.clone(), Ok(path))),
                        Ok(Tag::Formula(_, paths)) => {
                            found.extend(paths.into_iter().map(|path| (place.clone(), Ok(path))));
                        }
                        Err(error) => found.push((place.clone(), Err(error))),
                    }
                }
            }
            Err(error) => found.push((place.clone(), Err(error))),
        },
        Json::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                write!(place, "[{at}]").expect("writing to a string cannot fail");
                walk(item, place, found);
                place.truncate(length);
            }
        }
        Json::Object(members) => {
            for (name, member) in members {
                if !place.is_empty() {
                    place.push('.');
                }
                place.push_str(name);
                walk(member, place, found);
                place.truncate(length);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known() -> Json {
        json!({
            "trigger": {"name": "Blum", "count": 3, "tags": ["a", "b", "a"], "odd key": "x"},
            "steps": {"find": {"records": [{"id": 7, "elements": {"Name": "Anna"}}]}},
        })
    }

    fn filled(value: Json) -> Json {
        fill(&value, &known()).unwrap()
    }

    #[test]
    fn a_tag_alone_keeps_its_type_and_among_text_it_becomes_text() {
        assert_eq!(filled(json!("{{ trigger.count }}")), json!(3));
        assert_eq!(filled(json!("{{ steps.find.records[0].id }}")), json!(7));
        assert_eq!(filled(json!("{{ steps.find.records.length }}")), json!(1));
        assert_eq!(filled(json!("{{ trigger.tags }}")), json!(["a", "b", "a"]));
        assert_eq!(filled(json!("{{ trigger['odd key'] }}")), json!("x"));
        assert_eq!(
            filled(json!("{{ steps.find.records[*].elements.Name }}")),
            json!(["Anna"])
        );
        assert_eq!(filled(json!("{{ trigger.nothing.there }}")), json!(null));
        assert_eq!(
            filled(json!({"a": ["Dear {{ trigger.name }} ({{trigger.count}}){{trigger.no}}"]})),
            json!({"a": ["Dear Blum (3)"]})
        );
    }

    #[test]
    fn a_path_into_what_was_not_kept_is_an_error_and_not_nothing() {
        let known = json!({"steps": {"list": {"not_kept": "300000 bytes"},
            "get": {"status": 200, "body": {"not_kept": "2000000 bytes"}}}});
        for path in [
            "steps.list",
            "steps.list.records",
            "steps.list.records[*].id",
            "steps.get.body[0]",
        ] {
            for tag in [
                format!("{{{{ {path} }}}}"),
                format!("{{{{ trim({path}) }}}}"),
            ] {
                let error = fill(&json!(tag), &known).unwrap_err();
                assert!(error.message.contains("too large"), "{tag}: {error:?}");
            }
        }
        assert_eq!(
            fill(&json!("{{ steps.get.status }}"), &known).unwrap(),
            json!(200)
        );
    }

    #[test]
    fn a_formula_takes_paths_as_its_names() {
        assert_eq!(filled(json!("{{ trigger.count + 1 }}")), json!(4));
        assert_eq!(
            filled(json!(
                "{{ upper(steps.find.records[0].elements.Name) + \" trigger.name\" }}"
            )),
            json!("ANNA trigger.name")
        );
        assert_eq!(
            filled(json!("{{ coalesce(trigger.none, trigger.name) }}")),
            json!("Blum")
        );
        let error = fill(&json!({"a": {"b": "{{ upper(x) }}"}}), &known()).unwrap_err();
        assert_eq!(error.place, "a.b");
        assert!(error.message.contains("there is no `x`"), "{error:?}");
    }
}
