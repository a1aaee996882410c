//! From the vendor's JSON to typed values, and back.
//!
//! Reading never guesses: `None` means that the JSON has no form that we know, and the field stays unknown.

use connector::Refusal;
use jiff::{Timestamp, tz::TimeZone};
use record::{Field, FieldName, FieldSpec, Kind, Value, date};
use rust_decimal::Decimal;
use serde_json::{Number, Value as Json, json};

/// What a property that is there says.
pub(crate) fn read(json: &Json, kind: Kind) -> Field {
    if json.is_null() {
        return Field::Empty;
    }
    let value = match kind {
        Kind::Boolean => boolean(json).map(Value::Boolean),
        Kind::Number => return number(json),
        Kind::Date => return day(json),
        Kind::Instant => return instant(json).map_or_else(|| blank(json), of_instant),
        Kind::Set => texts(json).map(|texts| Value::Set(texts.into_iter().collect())),
        _ => text(json).map(Value::Text),
    };
    value.map_or(Field::Unknown, Field::of)
}

/// An empty text is empty, whatever it should be; anything else without a known form is unknown.
fn blank(json: &Json) -> Field {
    match json {
        Json::String(text) if text.trim().is_empty() => Field::Empty,
        _ => Field::Unknown,
    }
}

fn of_instant(instant: Timestamp) -> Field {
    Field::Value(Value::Instant(instant))
}

/// A text, or the text of a number or boolean: custom properties hold whatever was imported.
fn text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn boolean(json: &Json) -> Option<bool> {
    match json {
        Json::Bool(flag) => Some(*flag),
        Json::String(text) => match text.trim().to_lowercase().as_str() {
            "true" | "yes" => Some(true),
            "false" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn number(json: &Json) -> Field {
    let text = match json {
        Json::Number(number) => number.to_string(),
        Json::String(text) => text.trim().to_owned(),
        _ => return Field::Unknown,
    };
    text.parse()
        .or_else(|_| Decimal::from_scientific(&text))
        .map_or_else(|_| blank(json), |number| Field::of(Value::Number(number)))
}

fn day(json: &Json) -> Field {
    let parsed = json.as_str().and_then(date::parse);
    parsed.map_or_else(|| blank(json), |day| Field::Value(Value::Date(day)))
}

/// ISO 8601 with a zone; a bare day is its beginning in UTC.
pub(crate) fn instant(json: &Json) -> Option<Timestamp> {
    let text = json.as_str()?.trim();
    text.parse().ok().or_else(|| {
        let day = date::parse(text)?;
        let midnight = day.to_zoned(TimeZone::UTC).ok()?;
        Some(midnight.timestamp())
    })
}

/// Texts out of an array; a lone text counts as an array of one.
pub(crate) fn texts(json: &Json) -> Option<Vec<String>> {
    match json {
        Json::Array(items) => items.iter().map(text).collect(),
        Json::String(text) if text.trim().is_empty() => Some(Vec::new()),
        Json::String(text) => Some(vec![text.clone()]),
        _ => None,
    }
}

/// A value as the vendor takes it.
pub(crate) fn write(spec: &FieldSpec, value: &Value) -> Result<Json, Refusal> {
    let name = &spec.name;
    Ok(match (spec.kind, value) {
        (Kind::Boolean, Value::Boolean(flag)) => Json::Bool(*flag),
        (Kind::Number, Value::Number(number)) => {
            exact(*number).ok_or_else(|| cannot(name, "has more digits than OfficeRnD can keep"))?
        }
        (Kind::Date, Value::Date(day)) => Json::String(day.to_string()),
        (Kind::Instant, Value::Instant(instant)) => Json::String(stamp(*instant)),
        (Kind::Set, Value::Set(elements)) => json!(elements),
        (
            Kind::Boolean | Kind::Number | Kind::Date | Kind::Instant | Kind::Set | Kind::Points,
            _,
        ) => return Err(cannot(name, "was given a value of another kind")),
        (_, Value::Text(text)) => Json::String(text.clone()),
        _ => return Err(cannot(name, "was given a value of another kind")),
    })
}

/// A point in time as the vendor writes it: milliseconds and `Z`.
pub(crate) fn stamp(instant: Timestamp) -> String {
    format!("{instant:.3}")
}

/// The number as JSON, if JSON's floating point holds it exactly.
fn exact(number: Decimal) -> Option<Json> {
    let json: Number = serde_json::from_str(&number.normalize().to_string()).ok()?;
    let same = json.to_string().parse::<Decimal>().ok()? == number;
    same.then_some(Json::Number(json))
}

/// The refusal of something that OfficeRnD offers no way to say.
pub(crate) fn cannot(name: &FieldName, why: &str) -> Refusal {
    Refusal {
        code: "unsupported".to_owned(),
        message: format!("{name} {why}"),
        fields: vec![name.clone()],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use record::{Access, Capability};

    use super::*;

    #[test]
    fn what_has_no_known_form_is_unknown_and_what_is_blank_is_empty() {
        for kind in [
            Kind::Text,
            Kind::Boolean,
            Kind::Number,
            Kind::Date,
            Kind::Instant,
            Kind::Set,
        ] {
            assert_eq!(read(&Json::Null, kind), Field::Empty, "{kind:?}");
            assert_eq!(read(&json!({"a": 1}), kind), Field::Unknown, "{kind:?}");
        }
        for kind in [
            Kind::Text,
            Kind::Number,
            Kind::Date,
            Kind::Instant,
            Kind::Set,
        ] {
            assert_eq!(read(&json!(" "), kind), Field::Empty, "{kind:?}");
        }
        assert_eq!(read(&json!("soon"), Kind::Date), Field::Unknown);
        assert_eq!(read(&json!("perhaps"), Kind::Boolean), Field::Unknown);
    }

    fn values() -> impl Strategy<Value = (Kind, Value)> {
        prop_oneof![
            "[^\\s].{0,20}".prop_map(|text| (Kind::Text, Value::Text(text))),
            any::<bool>().prop_map(|flag| (Kind::Boolean, Value::Boolean(flag))),
            (-1_000_000_i64..1_000_000, 0_u32..4)
                .prop_map(|(n, scale)| (Kind::Number, Value::Number(Decimal::new(n, scale)))),
            (0_i64..4_000_000_000_000).prop_map(|at| {
                let at = Timestamp::from_millisecond(at).unwrap();
                (Kind::Instant, Value::Instant(at))
            }),
            (0_i64..40_000).prop_map(|day| {
                let day = jiff::civil::date(1950, 1, 1) + jiff::Span::new().days(day);
                (Kind::Date, Value::Date(day))
            }),
            proptest::collection::btree_set("[a-z]{1,8}", 1..4)
                .prop_map(|set| (Kind::Set, Value::Set(set))),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back((kind, value) in values()) {
            let spec = FieldSpec {
                name: "f".into(),
                label: "F".to_owned(),
                kind,
                capability: Capability::of(Access::ReadWrite),
                choices: Vec::new(),
                custom: true,
            };
            let written = write(&spec, &value).unwrap();
            prop_assert_eq!(read(&written, kind), Field::Value(value));
        }
    }
}
