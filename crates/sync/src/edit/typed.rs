//! JSON values as a schema types them. Pure.

use std::collections::BTreeSet;

use record::{Field, FieldSpec, Fields, Kind, Point, Schema, Value};
use serde_json::{Map, Value as Json};

/// The fields of an edit; or what is wrong with one of them.
pub(super) fn fields(schema: &Schema, given: &Map<String, Json>) -> Result<Fields, String> {
    if given.is_empty() {
        return Err("no field is named".to_owned());
    }
    given
        .iter()
        .map(|(name, value)| {
            let spec = schema
                .field(name)
                .ok_or_else(|| format!("there is no field `{name}`"))?;
            let field = field(spec, value)
                .ok_or_else(|| format!("`{name}` holds {}", of_kind(spec.kind)))?;
            Ok((spec.name.clone(), field))
        })
        .collect()
}

fn field(spec: &FieldSpec, value: &Json) -> Option<Field> {
    let blank = value.as_str().is_some_and(|text| text.trim().is_empty());
    if value.is_null() || blank {
        return Some(Field::Empty);
    }
    let text = || match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let value = match spec.kind {
        Kind::Boolean => Value::Boolean(match value {
            Json::Bool(value) => *value,
            Json::String(text) if text == "true" => true,
            Json::String(text) if text == "false" => false,
            _ => return None,
        }),
        Kind::Number => Value::Number(text()?.trim().parse().ok()?),
        Kind::Date => Value::Date(text()?.trim().get(..10)?.parse().ok()?),
        Kind::Instant => Value::Instant(text()?.trim().parse().ok()?),
        Kind::Set => {
            let elements: BTreeSet<String> = match value {
                Json::Array(items) => items
                    .iter()
                    .map(|item| item.as_str().map(str::to_owned))
                    .collect::<Option<_>>()?,
                _ => BTreeSet::from([text()?]),
            };
            if elements.is_empty() {
                return Some(Field::Empty);
            }
            Value::Set(elements)
        }
        Kind::Points => {
            let points: Vec<Point> = serde_json::from_value(value.clone()).ok()?;
            if points.is_empty() {
                return Some(Field::Empty);
            }
            Value::Points(points)
        }
        Kind::Text
        | Kind::LongText
        | Kind::Html
        | Kind::Email
        | Kind::Phone
        | Kind::Url
        | Kind::Country(_)
        | Kind::Choice
        | Kind::User
        | Kind::Reference(_) => Value::Text(text()?),
    };
    Some(Field::Value(value))
}

fn of_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "`true` or `false`",
        Kind::Number => "a number",
        Kind::Date => "a day, such as `2026-12-01`",
        Kind::Instant => "a moment, such as `2026-12-01T10:00:00Z`",
        Kind::Set => "a list of texts",
        Kind::Points => "a list of `{kind, value, label, main}`",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    use record::{Access, Capability, Entity};
    use serde_json::json;

    use super::*;

    fn typed(kind: Kind, value: &Json) -> Result<Field, String> {
        let spec = FieldSpec {
            name: "f".into(),
            label: String::new(),
            kind,
            capability: Capability::of(Access::ReadWrite),
            choices: Vec::new(),
            custom: false,
        };
        let schema = Schema {
            entity: Entity::Contact,
            fields: vec![spec],
        };
        let given = Map::from_iter([("f".to_owned(), value.clone())]);
        fields(&schema, &given).map(|fields| fields.get("f").clone())
    }

    #[test]
    fn a_value_is_read_as_its_field_is_typed_or_refused() {
        assert_eq!(typed(Kind::Text, &json!(7)), Ok(Field::of("7")));
        assert_eq!(typed(Kind::Text, &json!(" ")), Ok(Field::Empty));
        assert_eq!(typed(Kind::Set, &json!([])), Ok(Field::Empty));
        let day = Field::Value(Value::Date("2026-12-01".parse().unwrap()));
        assert_eq!(typed(Kind::Date, &json!("2026-12-01T10:00:00Z")), Ok(day));
        for (kind, wrong) in [
            (Kind::Boolean, json!("perhaps")),
            (Kind::Number, json!("many")),
            (Kind::Instant, json!("soon")),
            (Kind::Set, json!([1])),
            (Kind::Points, json!("+49301234")),
            (Kind::Text, json!({"a": 1})),
        ] {
            assert!(typed(kind, &wrong).is_err(), "{kind:?} {wrong}");
        }
    }
}
