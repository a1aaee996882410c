//! Between fields and the engine's values.

use std::collections::BTreeSet;

use record::{Field, PointKind, Value};
use rhai::{Array, Dynamic, Map};
use rust_decimal::{
    Decimal,
    prelude::{FromPrimitive, ToPrimitive},
};

use crate::template::EvaluateError;

/// A known field as the engine sees it. Empty is the empty text.
pub(crate) fn to_dynamic(field: &Field) -> Dynamic {
    let Some(value) = field.value() else {
        return Dynamic::from("");
    };
    match value {
        Value::Text(text) => Dynamic::from(text.clone()),
        Value::Number(number) => number_to_dynamic(*number),
        Value::Boolean(boolean) => Dynamic::from(*boolean),
        Value::Date(day) => Dynamic::from(day.to_string()),
        Value::Instant(instant) => Dynamic::from(instant.to_string()),
        Value::Set(set) => Dynamic::from_array(
            set.iter()
                .map(|element| Dynamic::from(element.clone()))
                .collect(),
        ),
        Value::Points(points) => Dynamic::from_array(
            points
                .iter()
                .map(|point| {
                    let mut map = Map::new();
                    let kind = match point.kind {
                        PointKind::Phone => "phone",
                        PointKind::Mobile => "mobile",
                        PointKind::Fax => "fax",
                        PointKind::Email => "email",
                    };
                    map.insert("kind".into(), Dynamic::from(kind));
                    map.insert("value".into(), Dynamic::from(point.value.clone()));
                    map.insert(
                        "label".into(),
                        Dynamic::from(point.label.clone().unwrap_or_default()),
                    );
                    map.insert("main".into(), Dynamic::from(point.main));
                    Dynamic::from_map(map)
                })
                .collect(),
        ),
    }
}

pub(crate) fn number_to_dynamic(number: Decimal) -> Dynamic {
    let number = number.normalize();
    if number.scale() == 0
        && let Some(whole) = number.to_i64()
    {
        return Dynamic::from(whole);
    }
    Dynamic::from(number.to_f64().unwrap_or(f64::NAN))
}

/// The engine's result as a field.
pub(crate) fn to_field(result: Dynamic) -> Result<Field, EvaluateError> {
    let kind = result.type_name();
    if result.is_unit() {
        return Ok(Field::Empty);
    }
    if let Ok(boolean) = result.as_bool() {
        return Ok(Field::Value(Value::Boolean(boolean)));
    }
    if let Ok(whole) = result.as_int() {
        return Ok(Field::Value(Value::Number(Decimal::from(whole))));
    }
    if let Ok(float) = result.as_float() {
        return Decimal::from_f64(float)
            .map(|number| Field::Value(Value::Number(number.normalize())))
            .ok_or_else(|| EvaluateError::new("the result is not a number that can be stored"));
    }
    if result.is_array() {
        let elements: Array = result.cast();
        let set: BTreeSet<String> = elements
            .iter()
            .map(crate::functions::text_of)
            .filter(|element| !element.trim().is_empty())
            .collect();
        return Ok(Field::of(Value::Set(set)));
    }
    match result.into_string() {
        Ok(text) => Ok(Field::of(text)),
        Err(_) => Err(EvaluateError::new(format!(
            "the result is a {kind}, which no field can hold"
        ))),
    }
}
