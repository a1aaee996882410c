//! From the vendor's JSON to typed values, and back.
//!
//! Reading never guesses: `None` means that the JSON has no form that we know, and the field stays
//! unknown.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rust_decimal::Decimal;
use serde_json::{Number, Value as Json};

/// A string, or the text of a number or a boolean: custom text fields hold whatever was imported.
pub(crate) fn text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

pub(crate) fn boolean(json: &Json) -> Option<bool> {
    match json {
        Json::Bool(flag) => Some(*flag),
        Json::String(text) => match text.trim() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A number, also as a string (`"1200.50"`).
pub(crate) fn number(json: &Json) -> Option<Decimal> {
    let text = match json {
        Json::Number(number) => number.to_string(),
        Json::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    text.parse()
        .or_else(|_| Decimal::from_scientific(&text))
        .ok()
}

/// ISO 8601 with a zone, or milliseconds since 1970.
pub(crate) fn instant(json: &Json) -> Option<Timestamp> {
    match json {
        Json::String(text) => text.trim().parse().ok(),
        Json::Number(number) => Timestamp::from_millisecond(number.as_i64()?).ok(),
        _ => None,
    }
}

/// A day: `1990-09-25`, the same with a time (`1990-09-25T00:00:00.000Z`, of which only the day
/// means anything), with `/`, `.` or `_` for the dashes, or milliseconds since 1970 (UTC).
pub(crate) fn date(json: &Json) -> Option<Date> {
    match json {
        Json::String(text) => {
            let day = text.trim().split(['T', ' ']).next()?;
            let day = day.replace(['/', '.', '_'], "-");
            day.parse().ok()
        }
        Json::Number(number) => {
            let at = Timestamp::from_millisecond(number.as_i64()?).ok()?;
            Some(TimeZone::UTC.to_datetime(at).date())
        }
        _ => None,
    }
}

/// Strings out of an array; a lone string counts as an array of one.
pub(crate) fn texts(json: &Json) -> Option<Vec<String>> {
    match json {
        Json::Array(items) => items.iter().map(text).collect(),
        Json::String(text) if text.is_empty() => Some(Vec::new()),
        Json::String(text) => Some(vec![text.clone()]),
        _ => None,
    }
}

/// The number as JSON, if JSON's floating point holds it exactly.
pub(crate) fn number_to_json(number: Decimal) -> Option<Json> {
    let text = number.normalize().to_string();
    let json: Number = serde_json::from_str(&text).ok()?;
    let same = json.to_string().parse::<Decimal>().ok()? == number;
    same.then_some(Json::Number(json))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dates_come_in_several_forms_and_mean_one_day() {
        let day: Date = "1990-09-25".parse().unwrap();
        for form in [
            json!("1990-09-25"),
            json!("1990-09-25T00:00:00.000Z"),
            json!("1990/09/25"),
            json!(654220800000_i64),
        ] {
            assert_eq!(date(&form), Some(day), "{form}");
        }
        for nonsense in [json!("soon"), json!(""), json!(true), json!([])] {
            assert_eq!(date(&nonsense), None);
        }
    }

    #[test]
    fn numbers_are_exact_or_not_written() {
        assert_eq!(number(&json!("1200.50")).unwrap().to_string(), "1200.50");
        assert_eq!(number(&json!(1e3)).unwrap(), Decimal::from(1000));
        assert_eq!(number(&json!("twelve")), None);
        let exact = |text: &str| number_to_json(text.parse().unwrap());
        assert_eq!(exact("100"), Some(json!(100)));
        assert_eq!(exact("100.5"), Some(json!(100.5)));
        assert_eq!(exact("0.1"), Some(json!(0.1)));
        assert_eq!(exact("12345678901234567.891"), None);
    }
}
