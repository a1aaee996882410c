//! What a list is asked for: page size, cursors, filters, selection, order; and what is wrong with the question.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kind::Filter;
use super::shape;
use crate::core::Core;

/// The most rows of a page.
const MOST: i64 = 50;

/// What a list or count may be asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    /// The parameters that narrow it.
    pub(super) filters: &'static [(&'static str, Filter)],
    /// Those of them without which it is refused.
    pub(super) required: &'static [&'static str],
    /// Those of which one must be there, where the switch for it is on.
    pub(super) parents: &'static [&'static str],
    /// The fields that `$sort` takes; none where it is no parameter at all.
    pub(super) sorts: &'static [&'static str],
    /// The fields that `$countBy` takes.
    pub(super) counts_by: &'static [&'static str],
    /// Whether it takes `$select`.
    pub(super) selects: bool,
}

/// A list as asked for.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) limit: usize,
    pub(super) cursor: Option<Cursor>,
    /// Every condition must hold.
    pub(super) conditions: Vec<Condition>,
    /// Shown beside `_id`; all where there is none.
    pub(super) select: Option<Vec<String>>,
    /// The field, and whether the greatest comes first.
    pub(super) sort: Option<(&'static str, bool)>,
}

/// One condition of a list.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) field: &'static str,
    pub(super) test: Test,
}

#[derive(Debug)]
pub(super) enum Test {
    In(Vec<String>),
    /// The same, of a parameter that is a list itself.
    Any(Vec<String>),
    Flag(bool),
    Property {
        key: String,
        text: String,
    },
    At(i64),
    /// A span that is asked for, and no field.
    Window(i64),
    From(i64),
    After(i64),
    To(i64),
    Before(i64),
}

/// An object as the conditions of a list see it.
pub(super) trait Seen {
    /// Whether a field is one of these texts, or holds one of them where it is a list.
    fn is_one_of(&self, field: &str, words: &[String]) -> bool;
    /// A flag; false where there is none.
    fn flag(&self, field: &str) -> bool;
    /// A time in milliseconds since 1970.
    fn at_ms(&self, field: &str) -> Option<i64>;
    /// Whether a custom property has this text.
    fn has_property(&self, key: &str, text: &str) -> bool;
}

impl Condition {
    pub(super) fn holds(&self, seen: &dyn Seen) -> bool {
        let time = |fits: &dyn Fn(i64) -> bool| seen.at_ms(self.field).is_some_and(fits);
        match &self.test {
            Test::In(words) | Test::Any(words) => seen.is_one_of(self.field, words),
            Test::Flag(flag) => seen.flag(self.field) == *flag,
            Test::Property { key, text } => seen.has_property(key, text),
            Test::Window(_) => true,
            Test::At(wanted_ms) => time(&|at_ms| at_ms == *wanted_ms),
            Test::From(from_ms) => time(&|at_ms| at_ms >= *from_ms),
            Test::After(from_ms) => time(&|at_ms| at_ms > *from_ms),
            Test::To(to_ms) => time(&|at_ms| at_ms <= *to_ms),
            Test::Before(to_ms) => time(&|at_ms| at_ms < *to_ms),
        }
    }
}

/// A place in a list. Opaque to clients; JSON inside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// Rows before the page.
    pub(super) offset: usize,
    /// The row next to the page: what it is ordered by, and its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) beside: Option<(Value, u32)>,
    /// Whether the page lies before that row.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) back: bool,
}

impl Cursor {
    pub(super) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::json!(self).to_string())
    }

    fn decode(text: &str) -> Result<Self, String> {
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        serde_json::from_slice(&bytes).map_err(|_| {
            let first = bytes.first().map_or("u", |_| "x");
            format!("Unexpected token {first} in JSON at position 0")
        })
    }
}

/// Why a list is refused.
#[derive(Debug)]
pub(super) enum Wrong {
    /// By the validator; all failures at once.
    Invalid(Vec<String>),
    BothCursors,
    /// With the parser's text.
    Cursor(String),
}

/// Reads the question for a list.
pub(super) fn read(spec: &Spec, query: &str, core: &Core) -> Result<Query, Wrong> {
    let mut failures = Vec::new();
    let mut cursors = Vec::new();
    let whitelist = core.switches.flag("officernd.query_whitelist");
    let mut read = Query {
        limit: size(core.switches.number("officernd.default_page")),
        cursor: None,
        conditions: Vec::new(),
        select: None,
        sort: None,
    };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "$limit" => match limit(&value, core) {
                Ok(limit) => read.limit = limit,
                Err(failure) => failures.push(failure),
            },
            "$cursorNext" | "$cursorPrev" => cursors.push(value.into_owned()),
            "$select" if spec.selects && value.is_empty() => {
                failures.push("$select should not be empty".into())
            }
            "$select" if spec.selects => {
                read.select = Some(value.split(',').map(str::to_owned).collect());
            }
            "$sort" if !spec.sorts.is_empty() => match sort(spec, &value, core) {
                Ok(sort) => read.sort = sort,
                Err(failure) => failures.push(failure),
            },
            _ => match condition(spec, &name, &value, core) {
                Ok(condition) => add(&mut read.conditions, condition),
                Err(Unfit::Unknown(name)) if whitelist => {
                    failures.push(format!("property {name} should not exist"));
                }
                Err(Unfit::Unknown(_)) => {}
                Err(Unfit::Value(failure)) => failures.push(failure),
            },
        }
    }
    let asked = |name: &&'static str| read.conditions.iter().any(|own| own.field == *name);
    for name in spec.required.iter().filter(|name| !asked(name)) {
        failures.push(format!("{name} must be a valid ISO 8601 date string"));
    }
    if core.switches.flag("officernd.parent_filter_required")
        && !spec.parents.is_empty()
        && !spec.parents.iter().any(asked)
    {
        failures.push(format!(
            "one of {} should not be empty",
            spec.parents.join(", ")
        ));
    }
    if !failures.is_empty() {
        return Err(Wrong::Invalid(failures));
    }
    match cursors.as_slice() {
        [] => {}
        [cursor] => read.cursor = Some(Cursor::decode(cursor).map_err(Wrong::Cursor)?),
        _ => return Err(Wrong::BothCursors),
    }
    Ok(read)
}

/// A list of texts may come as the same parameter again and again; all else must hold together.
fn add(conditions: &mut Vec<Condition>, next: Condition) {
    if let Test::Any(more) = &next.test
        && let Some(Test::Any(words)) = conditions
            .iter_mut()
            .find(|own| own.field == next.field)
            .map(|own| &mut own.test)
    {
        words.extend(more.iter().cloned());
    } else {
        conditions.push(next);
    }
}

/// The conditions of a count; what it does not know it silently ignores.
pub(super) fn conditions(spec: &Spec, query: &str, core: &Core) -> Vec<Condition> {
    url::form_urlencoded::parse(query.as_bytes())
        .filter_map(|(name, value)| condition(spec, &name, &value, core).ok())
        .collect()
}

fn limit(text: &str, core: &Core) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    let number = number.ok_or_else(|| {
        "$limit must be a number conforming to the specified constraints".to_owned()
    })?;
    #[expect(clippy::cast_possible_truncation, reason = "a float cast saturates")]
    let number = number as i64;
    match number {
        0 => Ok(size(core.switches.number("officernd.zero_page"))),
        // measured: taken, with odd counts
        ..0 => Ok(size((number.saturating_abs() + 1).min(MOST))),
        _ if number > MOST => Err(format!("$limit must not be greater than {MOST}")),
        _ => Ok(size(number)),
    }
}

fn size(number: i64) -> usize {
    usize::try_from(number).unwrap_or(1).max(1)
}

enum Unfit {
    Unknown(String),
    Value(String),
}

fn condition(spec: &Spec, name: &str, value: &str, core: &Core) -> Result<Condition, Unfit> {
    let (base, bracket) = match name.split_once('[') {
        Some((base, rest)) => (base, rest.strip_suffix(']')),
        None => (name, None),
    };
    let known = spec.filters.iter().find(|(field, _)| *field == base);
    let Some((field, filter)) = known else {
        return Err(Unfit::Unknown(base.to_owned()));
    };
    let sets = base == "status" || core.switches.choice("officernd.set_filters") == "any";
    let words = || match bracket {
        Some("$in") if sets => Some(value.split(',').map(str::to_owned).collect::<Vec<_>>()),
        None => Some(vec![value.to_owned()]),
        _ => None,
    };
    let not_text = || Unfit::Value(format!("{base} must be a string"));
    let test = match filter {
        Filter::Text => Test::In(words().ok_or_else(not_text)?),
        Filter::OneOf(allowed) => {
            let words = words().ok_or_else(not_text)?;
            if !words.iter().all(|word| allowed.contains(&word.as_str())) {
                return Err(Unfit::Value(shape::one_of(base, allowed)));
            }
            Test::In(words)
        }
        // how a list of texts is written is not documented: the parameter again and again, with [] or commas
        Filter::Texts => match bracket {
            None | Some("" | "$in") => Test::Any(value.split(',').map(str::to_owned).collect()),
            Some(_) => return Err(Unfit::Value(format!("{base} must be an array"))),
        },
        Filter::Window => match (bracket, shape::millis(value)) {
            (None, Some(at_ms)) => Test::Window(at_ms),
            _ => {
                return Err(Unfit::Value(format!(
                    "{base} must be a valid ISO 8601 date string"
                )));
            }
        },
        Filter::Flag => match (bracket, value) {
            (None, "true") => Test::Flag(true),
            (None, "false") => Test::Flag(false),
            _ => return Err(Unfit::Value(format!("{base} must be a boolean value"))),
        },
        Filter::Properties => match bracket {
            Some(key) => Test::Property {
                key: key.to_owned(),
                text: value.to_owned(),
            },
            None => return Err(Unfit::Value(format!("{base} must be an object"))),
        },
        Filter::Date => {
            let at_ms = shape::millis(value).ok_or_else(|| {
                Unfit::Value(format!("{base} must be a valid ISO 8601 date string"))
            })?;
            match bracket {
                None => Test::At(at_ms),
                Some("$gte") => Test::From(at_ms),
                Some("$gt") => Test::After(at_ms),
                Some("$lte") => Test::To(at_ms),
                Some("$lt") => Test::Before(at_ms),
                Some(_) => {
                    return Err(Unfit::Value(format!(
                        "{base} must be a valid ISO 8601 date string"
                    )));
                }
            }
        }
    };
    Ok(Condition { field, test })
}

/// The encoding of `$sort` is not documented; which one is taken is a switch.
fn sort(spec: &Spec, text: &str, core: &Core) -> Result<Option<(&'static str, bool)>, String> {
    let syntax = core.switches.choice("officernd.sort_syntax");
    if syntax == "ignored" {
        return Ok(None);
    }
    let wrong = || "$sort must be a json string".to_owned();
    let given: serde_json::Map<String, Value> = serde_json::from_str(text).map_err(|_| wrong())?;
    let Some((name, direction)) = given.iter().next() else {
        return Ok(None);
    };
    let field = spec
        .sorts
        .iter()
        .find(|field| *field == name)
        .ok_or_else(|| format!("$sort.property {name} should not exist"))?;
    let descending = match (syntax, direction) {
        ("words", Value::String(word)) if word == "asc" || word == "desc" => word == "desc",
        ("numbers", Value::Number(number)) => match number.as_i64() {
            Some(1) => false,
            Some(-1) => true,
            _ => return Err(wrong()),
        },
        _ => return Err(wrong()),
    };
    Ok(Some((field, descending)))
}
