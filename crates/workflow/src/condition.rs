//! Whether a condition holds: typed rows, all of them or any of them.

use jiff::{Timestamp, civil};
use rust_decimal::Decimal;
use serde_json::Value as Json;

use crate::{
    model::{Comparison, Condition, ReadAs},
    values::{ValueError, as_text, fill},
};

/// A part of a condition that is not one thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a condition is one row (`value`, `is`, `to`), or exactly one of `all`, `any` and `not`")]
pub struct NotOne;

impl Condition {
    /// Whether it is exactly one of what it may be; its parts are not looked at.
    ///
    /// # Errors
    /// When it is not.
    pub fn is_one(&self) -> Result<(), NotOne> {
        let groups = [self.all.is_some(), self.any.is_some(), self.not.is_some()];
        let groups = groups.into_iter().filter(|given| *given).count();
        let row = self.is.is_some();
        let rest = !self.value.is_null() || !self.to.is_null() || self.r#as.is_some();
        if (groups == 1 && !row && !rest) || (groups == 0 && row) {
            Ok(())
        } else {
            Err(NotOne)
        }
    }

    /// Whether it holds for what is known.
    ///
    /// # Errors
    /// Where a tag has no value, or a value cannot be read as its row says.
    pub fn holds(&self, known: &Json) -> Result<bool, ValueError> {
        if let Some(all) = &self.all {
            for part in all {
                if !part.holds(known)? {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        if let Some(any) = &self.any {
            for part in any {
                if part.holds(known)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        if let Some(not) = &self.not {
            return Ok(!not.holds(known)?);
        }
        let Some(is) = self.is else {
            return Ok(false);
        };
        let value = fill(&self.value, known)?;
        let to = fill(&self.to, known)?;
        compare(is, &value, &to, self.r#as)
    }
}

fn compare(
    is: Comparison,
    value: &Json,
    to: &Json,
    r#as: Option<ReadAs>,
) -> Result<bool, ValueError> {
    Ok(match is {
        Comparison::Filled => !is_empty(value),
        Comparison::Empty => is_empty(value),
        Comparison::True => is_true(value),
        Comparison::False => !is_true(value),
        Comparison::Equals => same(value, to, r#as),
        Comparison::Differs => !same(value, to, r#as),
        Comparison::Contains => holds(value, to, r#as),
        Comparison::Lacks => !holds(value, to, r#as),
        Comparison::Begins => text(value, r#as).starts_with(&text(to, r#as)),
        Comparison::Ends => text(value, r#as).ends_with(&text(to, r#as)),
        Comparison::OneOf => match to {
            Json::Array(items) => items.iter().any(|item| same(value, item, r#as)),
            other => same(value, other, r#as),
        },
        Comparison::Greater | Comparison::Less | Comparison::AtLeast | Comparison::AtMost => {
            // what is not there is neither more nor less
            if is_empty(value) || is_empty(to) {
                return Ok(false);
            }
            let order = order(value, to, r#as)?;
            match is {
                Comparison::Greater => order.is_gt(),
                Comparison::Less => order.is_lt(),
                Comparison::AtLeast => order.is_ge(),
                _ => order.is_le(),
            }
        }
    })
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.trim().is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn is_true(value: &Json) -> bool {
    matches!(value, Json::Bool(true)) || value.as_str().is_some_and(|text| text == "true")
}

fn text(value: &Json, r#as: Option<ReadAs>) -> String {
    let text = as_text(value);
    match r#as {
        Some(ReadAs::Word) => text.trim().to_lowercase(),
        _ => text,
    }
}

fn number(value: &Json) -> Option<Decimal> {
    as_text(value).trim().parse().ok()
}

/// A moment; a day is its beginning in UTC.
fn time(value: &Json) -> Option<Timestamp> {
    let text = as_text(value);
    let text = text.trim();
    text.parse::<Timestamp>().ok().or_else(|| {
        let at: civil::DateTime = text.parse().ok()?;
        Some(at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })
}

fn same(value: &Json, to: &Json, r#as: Option<ReadAs>) -> bool {
    match r#as {
        Some(ReadAs::Text | ReadAs::Word) => text(value, r#as) == text(to, r#as),
        Some(ReadAs::Number) => number(value).is_some() && number(value) == number(to),
        Some(ReadAs::Time) => time(value).is_some() && time(value) == time(to),
        None => match (value, to) {
            (Json::Number(_), Json::Number(_) | Json::String(_))
            | (Json::String(_), Json::Number(_)) => {
                number(value).is_some() && number(value) == number(to)
            }
            (Json::Bool(_), Json::String(_)) | (Json::String(_), Json::Bool(_)) => {
                as_text(value) == as_text(to)
            }
            (one, other) if is_empty(one) && is_empty(other) => true,
            (one, other) => one == other,
        },
    }
}

fn holds(value: &Json, to: &Json, r#as: Option<ReadAs>) -> bool {
    match value {
        Json::Array(items) => items.iter().any(|item| same(item, to, r#as)),
        value => !is_empty(to) && text(value, r#as).contains(&text(to, r#as)),
    }
}

fn order(value: &Json, to: &Json, r#as: Option<ReadAs>) -> Result<std::cmp::Ordering, ValueError> {
    let wrong = |what: &str| ValueError {
        place: String::new(),
        message: format!("a condition compares {what}, and a value is none"),
        hint: Some("say with `as` how both are to be read".to_owned()),
    };
    let numbers = number(value).zip(number(to));
    let times = time(value).zip(time(to));
    match r#as {
        Some(ReadAs::Number) => {
            let (one, other) = numbers.ok_or_else(|| wrong("numbers"))?;
            Ok(one.cmp(&other))
        }
        Some(ReadAs::Time) => {
            let (one, other) = times.ok_or_else(|| wrong("times"))?;
            Ok(one.cmp(&other))
        }
        Some(ReadAs::Text | ReadAs::Word) => Ok(text(value, r#as).cmp(&text(to, r#as))),
        None => {
            if let Some((one, other)) = numbers {
                return Ok(one.cmp(&other));
            }
            let (one, other) = times.ok_or_else(|| wrong("numbers or times"))?;
            Ok(one.cmp(&other))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(condition: Json) -> bool {
        let condition: Condition = serde_json::from_value(condition).unwrap();
        condition.is_one().unwrap();
        let known = json!({"trigger": {"price": "450000", "tags": ["Lead", "hot"], "name": "Blum",
            "due": "2026-12-01 10:00:00", "no": ""}});
        condition.holds(&known).unwrap()
    }

    #[test]
    fn rows_compare_by_type_and_not_by_spelling() {
        for (row, expected) in [
            (
                json!({"value": "{{ trigger.price }}", "is": "greater", "to": 99999}),
                true,
            ),
            (
                json!({"value": "{{ trigger.price }}", "is": "equals", "to": 450000}),
                true,
            ),
            (
                json!({"value": "{{ trigger.tags }}", "is": "contains", "to": "lead"}),
                false,
            ),
            (
                json!({"value": "{{ trigger.tags }}", "is": "contains", "to": "lead", "as": "word"}),
                true,
            ),
            (
                json!({"value": "{{ trigger.due }}", "is": "less", "to": "2026-12-01T10:00:01Z"}),
                true,
            ),
            (json!({"value": "{{ trigger.no }}", "is": "filled"}), false),
            (
                json!({"value": "{{ trigger.no }}", "is": "less", "to": 1}),
                false,
            ),
            (
                json!({"value": "{{ trigger.name }}", "is": "one_of", "to": ["Keil", "Blum"]}),
                true,
            ),
            (
                json!({"all": [{"value": 1, "is": "equals", "to": 1}, {"not": {"value": 1, "is": "equals", "to": 1}}]}),
                false,
            ),
            (
                json!({"any": [{"value": 1, "is": "equals", "to": 2}, {"value": "x", "is": "begins", "to": "x"}]}),
                true,
            ),
        ] {
            assert_eq!(holds(row.clone()), expected, "{row}");
        }
    }
}
