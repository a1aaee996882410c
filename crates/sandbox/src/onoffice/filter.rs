//! Filters of address reads: `{"Field": [{"op": "=", "val": 1}, …]}`, everything ANDed.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::address::{Address, AddressId, Kind, Line, international_digits, pipes};
use super::book::{Book, fold};
use super::columns::{Column, Columns};
use super::countries;
use super::errors::{Failure, fail, fail_with};
use super::fields::{FieldType, Value};
use super::local_time::{self, CivilSeconds};

/// A checked filter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug)]
struct Condition {
    column: Column,
    test: Test,
    negated: bool,
}

#[derive(Clone, Debug)]
enum Test {
    /// Equal to one of these, folded.
    OneOf(Vec<String>),
    /// SQL pattern, folded.
    Like(String),
    /// Both bounds, each perhaps exclusive, perhaps open.
    Text(Option<Bound<String>>, Option<Bound<String>>),
    Number(Option<Bound<f64>>, Option<Bound<f64>>),
    /// Of `Aenderung` and other moments.
    Moment(Option<Bound<CivilSeconds>>, Option<Bound<CivilSeconds>>),
}

#[derive(Clone, Debug)]
struct Bound<T> {
    at: T,
    included: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Op {
    Equal,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Between,
    Like,
    In,
}

/// What of a filter an index can answer.
enum Candidates {
    All,
    Ids(Vec<AddressId>),
    ChangedSince(CivilSeconds),
}

impl Filter {
    /// Checks a filter as it came in `parameters.filter`.
    ///
    /// # Errors
    /// 141 for a field that cannot be filtered on, 142 for an operator, 232 for one that multiselects do not have, 257 for its shape.
    pub(crate) fn parse(written: &Json, columns: &Columns<'_>) -> Result<Self, Failure> {
        let fields = match written {
            Json::Null => return Ok(Self::default()),
            Json::Array(items) if items.is_empty() => return Ok(Self::default()),
            Json::Object(fields) => fields,
            _ => return Err(fail_with(257, "filter must be an object")),
        };
        let mut conditions = Vec::new();
        for (name, tests) in fields {
            let Some(column) = columns.filterable(name)? else {
                continue;
            };
            let Json::Array(tests) = tests else {
                return Err(fail_with(257, name));
            };
            for test in tests {
                conditions.push(condition(name, &column, test, columns)?);
            }
        }
        Ok(Self { conditions })
    }

    /// Whether it lets everything through.
    pub(crate) fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    pub(crate) fn matches(&self, address: &Address, columns: &Columns<'_>) -> bool {
        self.conditions
            .iter()
            .all(|condition| condition.matches(address, columns))
    }

    /// The ids that match, ascending.
    pub(crate) fn select(&self, book: &Book, columns: &Columns<'_>) -> Vec<AddressId> {
        let keep = |id: &AddressId| {
            book.get(*id)
                .is_some_and(|address| self.matches(address, columns))
        };
        let mut ids: Vec<AddressId> = match self.candidates(book) {
            Candidates::All => return book.ids().iter().copied().filter(keep).collect(),
            Candidates::Ids(ids) => ids.into_iter().filter(keep).collect(),
            Candidates::ChangedSince(from) => book.changed_since(from).filter(keep).collect(),
        };
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    fn candidates(&self, book: &Book) -> Candidates {
        let mut since = None;
        let mut like = None;
        for condition in self.conditions.iter().filter(|each| !each.negated) {
            match (&condition.column, &condition.test) {
                (
                    Column::Entries(_) | Column::Main(_) | Column::DefaultEntry(_),
                    Test::OneOf(values),
                ) if values.iter().all(|value| !value.is_empty()) => {
                    let ids = values.iter().flat_map(|value| book.with_entry(value));
                    return Candidates::Ids(ids.copied().collect());
                }
                (Column::Entries(kind), Test::Like(pattern)) => {
                    like = Some((kind.line(), pattern));
                }
                (Column::Main(line) | Column::DefaultEntry(line), Test::Like(pattern)) => {
                    like = Some((*line, pattern));
                }
                (Column::Plain(_, true), Test::OneOf(values))
                    if values.iter().all(|value| !value.is_empty()) =>
                {
                    let ids = values.iter().flat_map(|value| book.with_surname(value));
                    return Candidates::Ids(ids.copied().collect());
                }
                (Column::Changed, Test::Moment(Some(from), _)) => {
                    since = since.max(Some(from.at));
                }
                _ => {}
            }
        }
        match (since, like) {
            (Some(from), _) => Candidates::ChangedSince(from),
            (None, Some((line, pattern))) => {
                Candidates::Ids(book.perhaps_like(line, pattern).collect())
            }
            (None, None) => Candidates::All,
        }
    }
}

fn condition(
    name: &str,
    column: &Column,
    written: &Json,
    columns: &Columns<'_>,
) -> Result<Condition, Failure> {
    let (test, negated) = test(name, columns.kind(column), written)?;
    Ok(Condition {
        column: column.clone(),
        test,
        negated,
    })
}

/// One test of a field of this kind, and whether it is turned round.
fn test(name: &str, kind: FieldType, written: &Json) -> Result<(Test, bool), Failure> {
    let (Some(Json::String(op)), Some(value)) = (written.get("op"), written.get("val")) else {
        return Err(fail_with(257, name));
    };
    let (op, negated) = operator(op)?;
    if kind == FieldType::MultiSelect && !matches!(op, Op::Equal | Op::Like | Op::In) {
        return Err(fail(232));
    }
    let is_country = name == "Land";
    let scalar = |value: &Json| -> Result<String, Failure> {
        let text = match value {
            Json::String(text) => text.clone(),
            Json::Number(number) => number.to_string(),
            Json::Bool(flag) => String::from(if *flag { "1" } else { "0" }),
            Json::Null => String::new(),
            _ => return Err(fail_with(257, name)),
        };
        Ok(
            match is_country.then(|| countries::stored_name(&text)).flatten() {
                Some(stored) => stored.to_owned(),
                None => text,
            },
        )
    };
    let list = |value: &Json| -> Result<Vec<String>, Failure> {
        match value {
            Json::Array(items) => items.iter().map(scalar).collect(),
            single => Ok(vec![scalar(single)?]),
        }
    };
    let test = match op {
        Op::Equal if kind == FieldType::MultiSelect => Test::OneOf(list(value)?),
        Op::Equal => equal(vec![scalar(value)?], kind, name)?,
        Op::In if !value.is_array() => return Err(fail_with(257, name)),
        Op::In => equal(list(value)?, kind, name)?,
        Op::Like => Test::Like(fold(&scalar(value)?)),
        Op::Greater => range(kind, name, Some((scalar(value)?, false)), None)?,
        Op::GreaterOrEqual => range(kind, name, Some((scalar(value)?, true)), None)?,
        Op::Less => range(kind, name, None, Some((scalar(value)?, false)))?,
        Op::LessOrEqual => range(kind, name, None, Some((scalar(value)?, true)))?,
        Op::Between => match list(value)?.as_slice() {
            [from, to] => range(
                kind,
                name,
                Some((from.clone(), true)),
                Some((to.clone(), true)),
            )?,
            _ => return Err(fail_with(257, name)),
        },
    };
    let test = match test {
        Test::OneOf(values) => Test::OneOf(values.iter().map(|value| fold(value)).collect()),
        other => other,
    };
    Ok((test, negated))
}

/// A checked filter of records that are no addresses: conditions by the name of a column.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowFilter {
    conditions: Vec<(String, Test, bool)>,
}

impl RowFilter {
    /// Checks a filter; `kind` says what a column holds, or why it cannot be filtered on.
    ///
    /// # Errors
    /// 142 for an operator, 232 for one that multiselects do not have, 257 for its shape, and what `kind` says.
    pub(crate) fn parse(
        written: Option<&Json>,
        kind: impl Fn(&str) -> Result<FieldType, Failure>,
    ) -> Result<Self, Failure> {
        let fields = match written {
            None | Some(Json::Null) => return Ok(Self::default()),
            Some(Json::Array(items)) if items.is_empty() => return Ok(Self::default()),
            Some(Json::Object(fields)) => fields,
            Some(_) => return Err(fail_with(257, "filter must be an object")),
        };
        let mut conditions = Vec::new();
        for (name, tests) in fields {
            let kind = kind(name)?;
            let Json::Array(tests) = tests else {
                return Err(fail_with(257, name));
            };
            for written in tests {
                let (test, negated) = test(name, kind, written)?;
                conditions.push((name.clone(), test, negated));
            }
        }
        Ok(Self { conditions })
    }

    /// Whether a record passes; `cell` gives the values of a column, `[""]` where it is empty.
    pub(crate) fn matches(&self, cell: impl Fn(&str) -> Vec<String>) -> bool {
        self.conditions.iter().all(|(name, test, negated)| {
            cell(name).iter().any(|value| test.text(value)) != *negated
        })
    }
}

fn operator(written: &str) -> Result<(Op, bool), Failure> {
    Ok(match written.trim().to_ascii_lowercase().as_str() {
        "is" | "=" => (Op::Equal, false),
        "!=" | "<>" => (Op::Equal, true),
        ">" => (Op::Greater, false),
        "<" => (Op::Less, false),
        ">=" => (Op::GreaterOrEqual, false),
        "<=" => (Op::LessOrEqual, false),
        "between" => (Op::Between, false),
        "like" => (Op::Like, false),
        "not like" => (Op::Like, true),
        "in" => (Op::In, false),
        "not in" => (Op::In, true),
        _ => return Err(fail_with(142, written)),
    })
}

/// Equality: numbers compare as numbers and moments as moments, the rest as text.
fn equal(values: Vec<String>, kind: FieldType, name: &str) -> Result<Test, Failure> {
    match (kind, values.as_slice()) {
        (FieldType::Datetime, [single]) => {
            let bound = moment(single, name)?;
            Ok(Test::Moment(
                Some(Bound {
                    at: bound,
                    included: true,
                }),
                Some(Bound {
                    at: bound,
                    included: true,
                }),
            ))
        }
        (FieldType::Float, [single]) => {
            let bound = number(single, name)?;
            Ok(Test::Number(
                Some(Bound {
                    at: bound,
                    included: true,
                }),
                Some(Bound {
                    at: bound,
                    included: true,
                }),
            ))
        }
        (FieldType::Date, _) => Ok(Test::OneOf(
            values
                .into_iter()
                .map(|value| value.chars().take(10).collect())
                .collect(),
        )),
        _ => Ok(Test::OneOf(values)),
    }
}

type Bounds<T> = (Option<Bound<T>>, Option<Bound<T>>);
type End = Option<(String, bool)>;

fn range(kind: FieldType, name: &str, from: End, to: End) -> Result<Test, Failure> {
    fn ends<T>(
        from: End,
        to: End,
        read: impl Fn(&str) -> Result<T, Failure>,
    ) -> Result<Bounds<T>, Failure> {
        let bound = |end: End| {
            end.map(|(text, included)| read(&text).map(|at| Bound { at, included }))
                .transpose()
        };
        Ok((bound(from)?, bound(to)?))
    }
    Ok(match kind {
        FieldType::Datetime => {
            let (from, to) = ends(from, to, |text| moment(text, name))?;
            Test::Moment(from, to)
        }
        FieldType::Integer | FieldType::Float => {
            let (from, to) = ends(from, to, |text| number(text, name))?;
            Test::Number(from, to)
        }
        _ => {
            let (from, to) = ends(from, to, |text| Ok(fold(text)))?;
            Test::Text(from, to)
        }
    })
}

fn moment(text: &str, name: &str) -> Result<CivilSeconds, Failure> {
    local_time::parse(text).ok_or_else(|| fail_with(257, name))
}

fn number(text: &str, name: &str) -> Result<f64, Failure> {
    text.trim().parse().map_err(|_| fail_with(257, name))
}

impl Condition {
    fn matches(&self, address: &Address, columns: &Columns<'_>) -> bool {
        self.any(address, columns) != self.negated
    }

    /// Whether any of the values behind the column passes; entries and multiselects have several.
    fn any(&self, address: &Address, columns: &Columns<'_>) -> bool {
        match &self.column {
            Column::Entries(kind) => {
                let mut entries = address
                    .entries
                    .iter()
                    .filter(|entry| same_family(entry.kind, *kind))
                    .peekable();
                if entries.peek().is_none() {
                    return self.test.text("");
                }
                entries.any(|entry| self.test.text(&entry.value))
            }
            Column::NormalizedPhones => {
                let country = columns.country(address);
                address
                    .entries
                    .iter()
                    .filter(|entry| entry.kind.line() == Line::Phone)
                    .any(|entry| self.test.text(&international_digits(&entry.value, country)))
            }
            Column::Plain(field, _) => match address.value(*field) {
                Some(Value::Keys(keys)) => self.keys(keys),
                Some(Value::Text(text)) => self.test.text(text),
                None if columns.kind(&self.column) == FieldType::MultiSelect => self.keys(&[]),
                None => self.test.text(columns.kind(&self.column).empty()),
            },
            Column::Changed => match &self.test {
                Test::Moment(from, to) => within(&address.changed, from.as_ref(), to.as_ref()),
                test => test.text(&local_time::datetime(address.changed)),
            },
            column => self.test.text(&columns.text(column, address)),
        }
    }

    fn keys(&self, keys: &[Box<str>]) -> bool {
        match &self.test {
            Test::Like(_) => self.test.text(&pipes(keys)),
            test if keys.is_empty() => test.text(""),
            test => keys.iter().any(|key| test.text(key)),
        }
    }
}

/// `phone` in a filter is any number but faxes; in a read it is all but mobiles.
fn same_family(entry: Kind, asked: Kind) -> bool {
    entry == asked || (asked == Kind::Phone && entry == Kind::Mobile)
}

impl Test {
    fn text(&self, text: &str) -> bool {
        match self {
            Self::OneOf(values) => {
                let text = folded(text);
                values.iter().any(|value| *value == text)
            }
            Self::Like(pattern) => like(pattern, &folded(text)),
            Self::Text(from, to) => {
                let text = folded(text).into_owned();
                within(&text, from.as_ref(), to.as_ref())
            }
            Self::Number(from, to) => {
                let number = text.trim().parse().unwrap_or(0.0);
                within(&number, from.as_ref(), to.as_ref())
            }
            Self::Moment(from, to) => {
                let moment = local_time::parse(text).unwrap_or(CivilSeconds::MIN);
                within(&moment, from.as_ref(), to.as_ref())
            }
        }
    }
}

/// [`fold`] without an allocation where nothing changes.
fn folded(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim_end();
    if trimmed
        .bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
    {
        Cow::Borrowed(trimmed)
    } else {
        Cow::Owned(fold(trimmed))
    }
}

fn within<T: PartialOrd>(value: &T, from: Option<&Bound<T>>, to: Option<&Bound<T>>) -> bool {
    from.is_none_or(|bound| *value > bound.at || (bound.included && *value == bound.at))
        && to.is_none_or(|bound| *value < bound.at || (bound.included && *value == bound.at))
}

/// SQL `LIKE`: `%` is anything, `_` one character.
fn like(pattern: &str, text: &str) -> bool {
    if pattern.is_ascii() && text.is_ascii() {
        like_units(pattern.as_bytes(), text.as_bytes(), b'%', b'_')
    } else {
        let pattern: Vec<char> = pattern.chars().collect();
        let text: Vec<char> = text.chars().collect();
        like_units(&pattern, &text, '%', '_')
    }
}

fn like_units<T: Copy + PartialEq>(pattern: &[T], text: &[T], any: T, one: T) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == any {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == one || pattern[p] == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((back, taken)) = star {
            star = Some((back, taken + 1));
            p = back + 1;
            t = taken + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|unit| *unit == any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_patterns() {
        assert!(like("%berg%", "heidelberger"));
        assert!(like("m_ller", "müller"));
        assert!(like("%", ""));
        assert!(like("a%b%c", "axxbyyc"));
        assert!(!like("a%b", "axbx"));
        assert!(!like("", "x"));
    }
}
