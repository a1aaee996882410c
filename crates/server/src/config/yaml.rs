//! YAML with the place of every part.
//!
//! The config is read in two steps: text into a tree that knows where each key and value stands, and
//! the tree into typed structs. So every problem, also one that only shows when two parts are
//! compared, can be shown at its line. Anchors, aliases and tags are refused: a config that a person
//! can read from top to bottom needs none.

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Value as Json};

/// Deeper nesting is refused; real configs stay below ten.
const DEEPEST: usize = 40;

/// One value and where it stands (in bytes of the text).
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) content: Content,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// Null, a boolean, a number or text.
    Scalar(Json),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the text.
    Map(Vec<Entry>),
}

/// One entry of a map.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    pub(super) value: Node,
}

/// The text is not YAML as we take it.
#[derive(Debug)]
pub(super) struct YamlError {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) duplicate_key: bool,
}

/// One step from a value to a value in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// Reads text into a tree. An empty text is an empty map.
pub(super) fn parse(text: &str) -> Result<Node, YamlError> {
    let mut reader = Reader::new(text);
    let Some(first) = reader.next()? else {
        return Ok(Node {
            span: 0..0,
            content: Content::Map(Vec::new()),
        });
    };
    let root = reader.node(first, 0)?;
    if let Some((_, span)) = reader.next()? {
        return Err(YamlError {
            span,
            message: "a second YAML document begins here; a config is one document".to_owned(),
            duplicate_key: false,
        });
    }
    Ok(root)
}

impl Node {
    /// The value without its places.
    pub(super) fn json(&self) -> Json {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::List(items) => Json::Array(items.iter().map(Self::json).collect()),
            Content::Map(entries) => Json::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// The entry of this key, if this is a map that has one.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Map(entries) => entries.iter().find(|entry| entry.key == key),
            Content::Scalar(_) | Content::List(_) => None,
        }
    }

    /// Where the value at the end of this path stands, or the nearest one around it. A value that
    /// goes over several lines is shown by its key.
    pub(super) fn locate(&self, path: &[Step]) -> Range<usize> {
        let mut node = self;
        let mut span = match &self.content {
            Content::Map(entries) => entries
                .first()
                .map_or(self.span.clone(), |entry| entry.key_span.clone()),
            Content::Scalar(_) | Content::List(_) => self.span.clone(),
        };
        for step in path {
            match step {
                Step::Key(key) => {
                    let Some(entry) = node.entry(key) else {
                        break;
                    };
                    node = &entry.value;
                    span = match node.content {
                        Content::Scalar(Json::Null) => entry.key_span.clone(),
                        Content::Scalar(_) => node.span.clone(),
                        Content::List(_) | Content::Map(_) => entry.key_span.clone(),
                    };
                }
                Step::Index(index) => {
                    let Content::List(items) = &node.content else {
                        break;
                    };
                    let Some(item) = items.get(*index) else {
                        break;
                    };
                    node = item;
                    span = match &node.content {
                        Content::Map(entries) => entries
                            .first()
                            .map_or(node.span.clone(), |entry| entry.key_span.clone()),
                        Content::Scalar(_) | Content::List(_) => node.span.clone(),
                    };
                }
            }
        }
        span
    }
}

struct Reader<'text> {
    events: Parser<'text, saphyr_parser::StrInput<'text>>,
    /// Byte offset of each character, and of the end: the parser counts in characters.
    bytes: Vec<usize>,
}

impl<'text> Reader<'text> {
    fn new(text: &'text str) -> Self {
        Self {
            events: Parser::new_from_str(text),
            bytes: text
                .char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .collect(),
        }
    }

    fn byte(&self, character: usize) -> usize {
        let last = self.bytes.last().copied().unwrap_or(0);
        self.bytes.get(character).copied().unwrap_or(last)
    }

    fn range(&self, span: Span) -> Range<usize> {
        self.byte(span.start.index())..self.byte(span.end.index())
    }

    /// The next event that is about content; `None` at the end.
    fn next(&mut self) -> Result<Option<(Event<'text>, Range<usize>)>, YamlError> {
        loop {
            let Some(event) = self.events.next() else {
                return Ok(None);
            };
            let (event, span) = event.map_err(|error| {
                let at = self.byte(error.marker().index());
                YamlError {
                    span: at..at,
                    message: error.info().to_owned(),
                    duplicate_key: false,
                }
            })?;
            match event {
                Event::Nothing
                | Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(_)
                | Event::DocumentEnd => {}
                event => return Ok(Some((event, self.range(span)))),
            }
        }
    }

    fn expect_next(&mut self) -> Result<(Event<'text>, Range<usize>), YamlError> {
        let end = self.byte(usize::MAX);
        self.next()?
            .ok_or_else(|| refuse(end..end, "the text ends in the middle of a value"))
    }

    fn node(
        &mut self,
        (event, span): (Event<'text>, Range<usize>),
        depth: usize,
    ) -> Result<Node, YamlError> {
        if depth > DEEPEST {
            return Err(refuse(span, "nested too deeply"));
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                plain_words_only(anchor, tag.is_some(), &span)?;
                let value = if style == ScalarStyle::Plain {
                    plain(&text)
                } else {
                    Json::String(text.into_owned())
                };
                Ok(Node {
                    span,
                    content: Content::Scalar(value),
                })
            }
            Event::SequenceStart(anchor, tag) => {
                plain_words_only(anchor, tag.is_some(), &span)?;
                let mut items = Vec::new();
                loop {
                    let next = self.expect_next()?;
                    if matches!(next.0, Event::SequenceEnd) {
                        let span = span.start..next.1.end.max(span.end);
                        return Ok(Node {
                            span,
                            content: Content::List(items),
                        });
                    }
                    items.push(self.node(next, depth + 1)?);
                }
            }
            Event::MappingStart(anchor, tag) => {
                plain_words_only(anchor, tag.is_some(), &span)?;
                self.map(span, depth)
            }
            Event::Alias(_) => Err(refuse(span, "aliases (`*name`) are not taken here")),
            _ => Err(refuse(span, "a value was expected here")),
        }
    }

    fn map(&mut self, span: Range<usize>, depth: usize) -> Result<Node, YamlError> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, key_span) = self.expect_next()?;
            let key = match event {
                Event::MappingEnd => {
                    return Ok(Node {
                        span: span.start..key_span.end.max(span.end),
                        content: Content::Map(entries),
                    });
                }
                Event::Scalar(text, _, anchor, tag) => {
                    plain_words_only(anchor, tag.is_some(), &key_span)?;
                    text.into_owned()
                }
                _ => return Err(refuse(key_span, "a key must be a single word or text")),
            };
            if entries.iter().any(|entry| entry.key == key) {
                return Err(YamlError {
                    span: key_span,
                    message: format!("`{key}` stands here twice"),
                    duplicate_key: true,
                });
            }
            let next = self.expect_next()?;
            let value = self.node(next, depth + 1)?;
            entries.push(Entry {
                key,
                key_span,
                value,
            });
        }
    }
}

fn refuse(span: Range<usize>, message: &str) -> YamlError {
    YamlError {
        span,
        message: message.to_owned(),
        duplicate_key: false,
    }
}

fn plain_words_only(anchor: usize, tagged: bool, span: &Range<usize>) -> Result<(), YamlError> {
    if anchor != 0 {
        return Err(refuse(span.clone(), "anchors (`&name`) are not taken here"));
    }
    if tagged {
        return Err(refuse(span.clone(), "tags (`!name`) are not taken here"));
    }
    Ok(())
}

/// What an unquoted word means by the core schema of YAML 1.2, where `no` and `on` are text and an
/// octal begins with `0o`. A number that would not come back as it was written (leading zeros, a
/// plus, more digits than fit) stays text: it is a phone number, a post code or an id.
fn plain(text: &str) -> Json {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Json::Null,
        "true" | "True" | "TRUE" => return Json::Bool(true),
        "false" | "False" | "FALSE" => return Json::Bool(false),
        _ => {}
    }
    if let Ok(number) = text.parse::<i64>()
        && number.to_string() == text
    {
        return Json::from(number);
    }
    if text.starts_with(|first: char| first.is_ascii_digit() || first == '-')
        && text.contains('.')
        && let Ok(number) = text.parse::<f64>()
        && let Some(number) = serde_json::Number::from_f64(number)
        && number.to_string() == text
    {
        return Json::Number(number);
    }
    Json::String(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(word: &str) -> Step {
        Step::Key(word.to_owned())
    }

    #[test]
    fn values_are_what_they_look_like() {
        let node = parse(
            "a: 1\nb: no\nc: 0123\nd: +49 30\ne: ~\nf: '1'\ng: 1.5\nh: [x, true]\ni: 10:30\n",
        )
        .unwrap();
        assert_eq!(
            node.json(),
            serde_json::json!({
                "a": 1, "b": "no", "c": "0123", "d": "+49 30", "e": null, "f": "1", "g": 1.5,
                "h": ["x", true], "i": "10:30"
            })
        );
    }

    #[test]
    fn every_part_has_its_place_in_bytes() {
        let text = "ü: ä\nlist:\n  - name: ö\n    empty:\n";
        let node = parse(text).unwrap();
        let at = |path: &[Step]| &text[node.locate(path)];
        assert_eq!(at(&[key("ü")]), "ä");
        assert_eq!(at(&[key("list"), Step::Index(0), key("name")]), "ö");
        assert_eq!(at(&[key("list"), Step::Index(0), key("empty")]), "empty");
        assert_eq!(at(&[key("list"), Step::Index(0)]), "name");
        // what is not there is shown by what is around it
        assert_eq!(at(&[key("list"), Step::Index(7), key("x")]), "list");
    }

    #[test]
    fn what_a_person_cannot_read_at_a_glance_is_refused_where_it_stands() {
        for (text, at, message) in [
            ("a: &x 1\nb: *x\n", "1", "anchors"),
            ("a: !secret x\n", "x", "tags"),
            ("a: 1\nb: 2\na: 3\n", "a", "twice"),
            ("a: 1\n---\nb: 2\n", "", "second YAML document"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.message.contains(message), "{error:?}");
            assert!(text[error.span.clone()].contains(at), "{error:?}");
        }
        assert!(parse("a: [1, 2\n").is_err());
        assert!(parse(&"[".repeat(500)).is_err());
        assert!(parse("a: \"x\n").is_err());
    }
}
