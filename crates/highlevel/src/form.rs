//! The forms that a property of a record may have, by kind.
//!
//! A present value of a form that its kind does not have is unknown, never empty.

use record::{Field, Kind, Point, PointKind, Value};
use serde_json::Value as Json;

use crate::value;

/// A property that may be missing.
pub(crate) fn present(json: Option<&Json>, kind: Kind, absent: Field) -> Field {
    match json {
        None => absent,
        Some(Json::Null) => Field::Empty,
        Some(json) => typed(json, kind),
    }
}

/// A present value in the form of its kind; unknown if it has another form.
pub(crate) fn typed(json: &Json, kind: Kind) -> Field {
    if matches!(json, Json::String(text) if text.trim().is_empty()) {
        return Field::Empty;
    }
    let value = match kind {
        Kind::Boolean => value::boolean(json).map(Value::Boolean),
        Kind::Number => value::number(json).map(Value::Number),
        Kind::Date => value::date(json).map(Value::Date),
        Kind::Instant => value::instant(json).map(Value::Instant),
        Kind::Set => elements(json),
        Kind::Points => None,
        Kind::LongText => value::text(json).or_else(|| lines(json)).map(Value::Text),
        _ => value::text(json).map(Value::Text),
    };
    value.map_or(Field::Unknown, Field::of)
}

/// Texts, or the addresses of uploaded files.
fn elements(json: &Json) -> Option<Value> {
    let elements = match json {
        Json::Object(files) => files
            .values()
            .map(|file| file["url"].as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()?,
        Json::Array(items) if items.iter().any(Json::is_object) => items
            .iter()
            .map(|file| file["url"].as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()?,
        other => value::texts(other)?,
    };
    Some(Value::Set(elements.into_iter().collect()))
}

/// A list of text boxes: an object of texts, one a line in the order of their keys.
fn lines(json: &Json) -> Option<String> {
    let boxes = json.as_object()?;
    let mut boxes: Vec<(&String, &Json)> = boxes.iter().collect();
    boxes.sort_by_key(|(key, _)| *key);
    let lines = boxes
        .into_iter()
        .filter(|(_, text)| !text.is_null())
        .map(|(_, text)| value::text(text))
        .collect::<Option<Vec<_>>>()?;
    Some(lines.join("\n"))
}

/// Additional e-mails and phones: texts (search) or objects (`{email}`, `{phone, phoneLabel}`).
pub(crate) fn points(json: Option<&Json>, name: &str, absent: Field) -> Field {
    let items = match json {
        None => return absent,
        Some(Json::Null) => return Field::Empty,
        Some(Json::Array(items)) => items,
        Some(_) => return Field::Unknown,
    };
    let (kind, key) = if name == "additionalEmails" {
        (PointKind::Email, "email")
    } else {
        (PointKind::Phone, "phone")
    };
    let points: Option<Vec<Point>> = items
        .iter()
        .map(|item| {
            let text = item.as_str().or_else(|| item[key].as_str())?;
            Some(Point {
                kind,
                value: text.to_owned(),
                label: item["phoneLabel"].as_str().map(str::to_owned),
                main: false,
            })
        })
        .collect();
    points.map_or(Field::Unknown, |points| Field::of(Value::Points(points)))
}
