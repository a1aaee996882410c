//! One value, from the vendor's spelling to ours and back.
//!
//! Booleans are `"0"` and `"1"`, numbers strings, multiple choices `|a||b|` when read and an array when
//! written, nothing is `""`, `null`, `[]` or a date of zeros (documented: "Data types" and the samples
//! of each call).

use std::str::FromStr;

use record::{Country, Field, FieldSpec, Kind, Value, date};
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

use crate::{
    answer::text,
    wall::{Moment, Wall},
};

/// Reads a value that is there. What does not fit its kind is unknown: it decides nothing.
pub(crate) fn read(kind: Kind, value: &Json, wall: &Wall) -> Field {
    if value.is_null() || value.as_array().is_some_and(Vec::is_empty) {
        return Field::Empty;
    }
    match kind {
        Kind::Set => set(value),
        Kind::Boolean => boolean(value),
        Kind::Number => parsed(value, |text| number(text).map(Value::Number)),
        Kind::Date => parsed(value, |text| date::parse(text).map(Value::Date)),
        Kind::Instant => match text(value).map(|text| wall.read(&text)) {
            Some(Moment::At { at, .. }) => Field::Value(Value::Instant(at)),
            Some(Moment::Empty) => Field::Empty,
            Some(Moment::Unreadable) | None => Field::Unknown,
        },
        // login names come with blanks at the end (observed)
        Kind::User | Kind::Reference(_) => {
            text(value).map_or(Field::Unknown, |text| Field::of(text.trim()))
        }
        Kind::Points => Field::Unknown,
        Kind::Text
        | Kind::LongText
        | Kind::Html
        | Kind::Email
        | Kind::Phone
        | Kind::Url
        | Kind::Country(_)
        | Kind::Choice => text(value).map_or(Field::Unknown, Field::of),
    }
}

fn parsed(value: &Json, parse: impl FnOnce(&str) -> Option<Value>) -> Field {
    match text(value) {
        Some(text) if text.trim().is_empty() || date::is_zero(&text) && text.contains('-') => {
            Field::Empty
        }
        Some(text) => parse(&text).map_or(Field::Unknown, Field::Value),
        None => Field::Unknown,
    }
}

fn set(value: &Json) -> Field {
    let elements: Vec<String> = match value {
        Json::Array(elements) => elements.iter().filter_map(text).collect(),
        other => match text(other) {
            Some(piped) => piped.split('|').map(str::to_owned).collect(),
            None => return Field::Unknown,
        },
    };
    let set = elements
        .iter()
        .map(|element| element.trim())
        .filter(|element| !element.is_empty());
    Field::of(Value::Set(set.map(str::to_owned).collect()))
}

fn boolean(value: &Json) -> Field {
    if let Some(boolean) = value.as_bool() {
        return Field::Value(Value::Boolean(boolean));
    }
    match text(value).as_deref().map(str::trim) {
        Some("1") => Field::Value(Value::Boolean(true)),
        Some("0") => Field::Value(Value::Boolean(false)),
        Some("") => Field::Empty,
        _ => Field::Unknown,
    }
}

/// A number; the vendor's own plug-in allows for a comma before the decimals.
fn number(text: &str) -> Option<Decimal> {
    let text = text.trim();
    let plain = match (text.rfind(','), text.rfind('.')) {
        (Some(comma), Some(dot)) if comma > dot => text.replace('.', "").replace(',', "."),
        (Some(_), Some(_)) => text.replace(',', ""),
        (Some(_), None) => text.replace(',', "."),
        _ => text.to_owned(),
    };
    Decimal::from_str(&plain).ok()
}

/// Whether a write makes a new record or changes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writing {
    Create,
    Modify,
}

/// Spells a value for a write.
///
/// # Errors
/// Why this value cannot be sent for this field.
pub(crate) fn write(
    spec: &FieldSpec,
    field: &Field,
    wall: &Wall,
    writing: Writing,
) -> Result<Json, String> {
    let value = match field {
        Field::Unknown => return Err("nothing is known of it".into()),
        Field::Empty => return empty(spec),
        Field::Value(value) => value,
    };
    Ok(match (spec.kind, value) {
        (Kind::Set, Value::Set(elements)) => json!(elements),
        (Kind::Boolean, Value::Boolean(boolean)) => json!(u8::from(*boolean)),
        (Kind::Number, Value::Number(number)) => spelt(*number),
        (Kind::Date, Value::Date(day)) => json!(day.to_string()),
        (Kind::Instant, Value::Instant(at)) => json!(wall.write(*at)),
        (Kind::Country(_), Value::Text(text)) => json!(country(spec, text, writing)),
        (
            Kind::Text
            | Kind::LongText
            | Kind::Html
            | Kind::Email
            | Kind::Phone
            | Kind::Url
            | Kind::Choice
            | Kind::User
            | Kind::Reference(_),
            Value::Text(text),
        ) => {
            let length = text.chars().count();
            match spec.capability.max_length {
                Some(most) if length > most => {
                    return Err(format!(
                        "it has {length} characters, and the field takes {most}"
                    ));
                }
                _ => json!(text),
            }
        }
        (kind, _) => return Err(format!("the value is not of the kind {kind:?}")),
    })
}

fn empty(spec: &FieldSpec) -> Result<Json, String> {
    if !spec.capability.clearable {
        return Err("it cannot be emptied".into());
    }
    Ok(match spec.kind {
        Kind::Set => json!([]),
        Kind::Date => json!("0000-00-00"),
        Kind::Instant => json!("0000-00-00 00:00:00"),
        _ => json!(""),
    })
}

fn spelt(number: Decimal) -> Json {
    let number = number.normalize();
    match number.to_string().parse::<i64>() {
        Ok(whole) => json!(whole),
        // as text, so that no binary fraction comes in between
        Err(_) => json!(number.to_string()),
    }
}

/// A country: its code for a create, its name for a modify.
///
/// Create takes "name or ISO 3166-1 alpha-3", modify "must be specified by name" (documented for each).
/// The name is the one of the client's own list where that could be read.
fn country(spec: &FieldSpec, text: &str, writing: Writing) -> String {
    let parsed = Country::parse(text);
    match (writing, parsed) {
        (_, None) => text.to_owned(),
        (Writing::Create, Some(country)) => country.alpha3().to_owned(),
        (Writing::Modify, Some(country)) => spec
            .choices
            .iter()
            .find(|choice| choice.key == country.alpha3())
            .map_or_else(
                || country.german().to_owned(),
                |choice| choice.label.clone(),
            ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use record::{Access, Capability, Choice, CountryForm};

    use super::*;

    fn wall() -> Wall {
        Wall::of(&Json::Null).unwrap()
    }

    fn spec(kind: Kind) -> FieldSpec {
        FieldSpec {
            name: "x".into(),
            label: "X".into(),
            kind,
            capability: Capability::of(Access::ReadWrite),
            choices: Vec::new(),
            custom: false,
        }
    }

    fn set_of(elements: &[&str]) -> Field {
        Field::of(Value::Set(
            elements.iter().map(|e| (*e).to_owned()).collect(),
        ))
    }

    #[test]
    fn values_are_read_as_the_samples_show_them() {
        let day = |text: &str| Field::Value(Value::Date(text.parse().unwrap()));
        let decimal = |text: &str| Field::Value(Value::Number(text.parse().unwrap()));
        for (kind, value, expected) in [
            (Kind::Text, json!("Erika "), Field::of("Erika ")),
            (Kind::Text, json!(52074), Field::of("52074")),
            (Kind::Text, json!(""), Field::Empty),
            (Kind::Text, json!(null), Field::Empty),
            (Kind::Text, json!({"a": 1}), Field::Unknown),
            (Kind::Set, json!("|a||b c|"), set_of(&["a", "b c"])),
            (Kind::Set, json!("a"), set_of(&["a"])),
            (Kind::Set, json!(["a", "b"]), set_of(&["a", "b"])),
            (Kind::Set, json!("||"), Field::Empty),
            (Kind::Set, json!([]), Field::Empty),
            (
                Kind::Boolean,
                json!("1"),
                Field::Value(Value::Boolean(true)),
            ),
            (Kind::Boolean, json!(0), Field::Value(Value::Boolean(false))),
            (Kind::Boolean, json!("ja"), Field::Unknown),
            (Kind::Number, json!("160000.00"), decimal("160000.00")),
            (Kind::Number, json!("1.234,5"), decimal("1234.5")),
            (Kind::Number, json!("0"), decimal("0")),
            (Kind::Number, json!(7), decimal("7")),
            (Kind::Number, json!("viel"), Field::Unknown),
            (Kind::Date, json!("1974-01-29"), day("1974-01-29")),
            (Kind::Date, json!("2017-01-31 12:00:00"), day("2017-01-31")),
            (Kind::Date, json!("0000-00-00"), Field::Empty),
            (Kind::Date, json!("2026-02-31"), Field::Unknown),
            (Kind::Instant, json!("0000-00-00 00:00:00"), Field::Empty),
            (
                Kind::Instant,
                json!("2026-07-15 08:00:00"),
                Field::Value(Value::Instant("2026-07-15T06:00:00Z".parse().unwrap())),
            ),
            (Kind::Choice, json!(4), Field::of("4")),
            (Kind::User, json!("mmuster "), Field::of("mmuster")),
        ] {
            assert_eq!(read(kind, &value, &wall()), expected, "{kind:?} {value}");
        }
    }

    #[test]
    fn values_are_written_in_the_form_of_writes() {
        for (kind, field, expected) in [
            (Kind::Set, set_of(&["b", "a"]), json!(["a", "b"])),
            (Kind::Set, Field::Empty, json!([])),
            (Kind::Boolean, Field::Value(Value::Boolean(true)), json!(1)),
            (
                Kind::Number,
                Field::Value(Value::Number("3.50".parse().unwrap())),
                json!("3.5"),
            ),
            (
                Kind::Number,
                Field::Value(Value::Number("3.00".parse().unwrap())),
                json!(3),
            ),
            (
                Kind::Date,
                Field::Value(Value::Date("1974-01-29".parse().unwrap())),
                json!("1974-01-29"),
            ),
            (Kind::Date, Field::Empty, json!("0000-00-00")),
            (Kind::Instant, Field::Empty, json!("0000-00-00 00:00:00")),
            (
                Kind::Instant,
                Field::Value(Value::Instant("2026-01-15T07:00:00Z".parse().unwrap())),
                json!("2026-01-15 08:00:00"),
            ),
            (Kind::Choice, Field::Empty, json!("")),
            (Kind::Text, Field::of("x"), json!("x")),
        ] {
            assert_eq!(
                write(&spec(kind), &field, &wall(), Writing::Modify),
                Ok(expected),
                "{kind:?}"
            );
        }
        assert!(write(&spec(Kind::Date), &Field::of("x"), &wall(), Writing::Create).is_err());
        assert!(write(&spec(Kind::Text), &Field::Unknown, &wall(), Writing::Create).is_err());
        let mut short = spec(Kind::Text);
        short.capability.max_length = Some(2);
        assert!(write(&short, &Field::of("äö"), &wall(), Writing::Create).is_ok());
        assert!(write(&short, &Field::of("äöü"), &wall(), Writing::Create).is_err());
        short.capability.clearable = false;
        assert!(write(&short, &Field::Empty, &wall(), Writing::Create).is_err());
    }

    #[test]
    fn a_country_goes_as_code_when_made_and_by_name_when_changed() {
        let mut land = spec(Kind::Country(CountryForm::Alpha3));
        let spell = |land: &FieldSpec, text: &str, writing| {
            write(land, &Field::of(text), &wall(), writing).unwrap()
        };
        assert_eq!(spell(&land, "DEU", Writing::Create), "DEU");
        assert_eq!(spell(&land, "AT", Writing::Create), "AUT");
        assert_eq!(spell(&land, "AUT", Writing::Modify), "Österreich");
        assert_eq!(spell(&land, "Atlantis", Writing::Modify), "Atlantis");
        land.choices.push(Choice {
            key: "GBR".into(),
            label: "Großbritannien".into(),
        });
        assert_eq!(spell(&land, "GBR", Writing::Modify), "Großbritannien");
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in ".{0,24}", number in any::<f64>()) {
            for kind in [Kind::Text, Kind::Set, Kind::Boolean, Kind::Number, Kind::Date, Kind::Instant, Kind::User, Kind::Points] {
                for value in [json!(text), json!(number), json!([text, null]), json!({"a": text})] {
                    read(kind, &value, &wall());
                }
            }
        }
    }
}
