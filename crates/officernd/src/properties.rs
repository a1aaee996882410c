//! Custom properties: from the vendor's definition to a field.
//!
//! `GET /custom-properties` gives `key`, `title`, `type`, `targets[]` and `values[]`. The types seen are String, Text,
//! Boolean, Number and kinds of select, in no documented spelling; so a type is recognised by the words in
//! it. One that is not is shown and never written. Definitions are made in OfficeRnD only.

use connector::{Calls, Error};
use record::{Access, Capability, Choice, FieldSpec, Kind};
use serde_json::{Map, Value as Json};

use crate::{
    operation::CUSTOM_PROPERTIES,
    pages,
    resource::{PROPERTIES, Resource},
};

/// The custom properties of a kind of record.
pub(crate) async fn specs(calls: &dyn Calls, resource: &Resource) -> Result<Vec<FieldSpec>, Error> {
    let definitions = pages::all(calls, CUSTOM_PROPERTIES, "/custom-properties").await?;
    let mut specs: Vec<FieldSpec> = Vec::new();
    for definition in &definitions {
        if let Some(spec) = spec(definition, resource)
            && !specs.iter().any(|known| known.name == spec.name)
        {
            specs.push(spec);
        }
    }
    Ok(specs)
}

/// The field that this definition describes; `None` if it has no key or belongs to other records.
fn spec(definition: &Map<String, Json>, resource: &Resource) -> Option<FieldSpec> {
    let text = |key: &str| {
        definition
            .get(key)
            .and_then(Json::as_str)
            .map(str::trim)
            .filter(|text| !text.is_empty())
    };
    // not trimmed: a key may begin or end with a space, and is what records carry
    let key = definition
        .get("key")
        .and_then(Json::as_str)
        .filter(|key| !key.is_empty())?;
    let targets = definition.get("targets").and_then(Json::as_array);
    let ours = targets.into_iter().flatten().any(|target| {
        let target = target.as_str().unwrap_or_default();
        resource
            .targets
            .iter()
            .any(|ours| target.eq_ignore_ascii_case(ours))
    });
    if !ours {
        return None;
    }
    let choices: Vec<Choice> = definition
        .get("values")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(choice)
        .collect();
    let (kind, access) = kind(text("type").unwrap_or_default(), !choices.is_empty());
    Some(FieldSpec {
        name: format!("{PROPERTIES}{key}").into(),
        label: text("title").unwrap_or(key).to_owned(),
        kind,
        capability: Capability {
            clearable: access == Access::ReadWrite,
            ..Capability::of(access)
        },
        choices: match kind {
            Kind::Choice | Kind::Set => choices,
            _ => Vec::new(),
        },
        custom: true,
    })
}

/// A permitted value: a text, or an object with one.
fn choice(value: &Json) -> Option<Choice> {
    let of = |keys: &[&str]| {
        keys.iter().find_map(|key| {
            value
                .get(*key)
                .and_then(Json::as_str)
                .filter(|text| !text.is_empty())
        })
    };
    let key = match value {
        Json::String(text) if !text.is_empty() => text.as_str(),
        Json::Object(_) => of(&["value", "key", "_id", "label", "title", "name"])?,
        _ => return None,
    };
    Some(Choice {
        key: key.to_owned(),
        label: of(&["label", "title", "name"]).unwrap_or(key).to_owned(),
    })
}

fn kind(named: &str, has_choices: bool) -> (Kind, Access) {
    let named = named.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| named.contains(word));
    let kind = if says(&["multi", "checkboxes", "tags", "array"]) {
        Kind::Set
    } else if says(&["bool", "checkbox", "toggle", "yes/no"]) {
        Kind::Boolean
    } else if says(&["select", "dropdown", "choice", "radio", "list", "option"]) || has_choices {
        Kind::Choice
    } else if says(&["number", "integer", "decimal", "currency"]) {
        Kind::Number
    } else if says(&["date", "day"]) {
        Kind::Date
    } else if says(&["email", "e-mail"]) {
        Kind::Email
    } else if says(&["phone"]) {
        Kind::Phone
    } else if says(&["url", "link"]) {
        Kind::Url
    } else if says(&["textarea", "long", "rich"]) || named == "text" {
        Kind::LongText
    } else if named.is_empty() || says(&["string", "text"]) {
        Kind::Text
    } else {
        return (Kind::Text, Access::ReadOnly);
    };
    (kind, Access::ReadWrite)
}

#[cfg(test)]
mod tests {
    use record::Entity;
    use serde_json::json;

    use super::*;

    fn of(definition: &Json) -> Option<FieldSpec> {
        spec(
            definition.as_object().unwrap(),
            Resource::of(Entity::Contact).unwrap(),
        )
    }

    #[test]
    fn each_type_becomes_a_kind_with_its_rights() {
        for (named, kind, access) in [
            ("String", Kind::Text, Access::ReadWrite),
            ("Text", Kind::LongText, Access::ReadWrite),
            ("Boolean", Kind::Boolean, Access::ReadWrite),
            ("Number", Kind::Number, Access::ReadWrite),
            ("Single-Select", Kind::Choice, Access::ReadWrite),
            ("MultiSelect", Kind::Set, Access::ReadWrite),
            ("date", Kind::Date, Access::ReadWrite),
            ("hologram", Kind::Text, Access::ReadOnly),
        ] {
            let definition =
                json!({"key": "crm id", "title": "CRM", "type": named, "targets": ["member"]});
            let spec = of(&definition).unwrap();
            assert_eq!(
                (spec.kind, spec.capability.access),
                (kind, access),
                "{named}"
            );
            assert_eq!(spec.name.as_str(), "properties.crm id");
            assert!(spec.custom);
        }
    }

    #[test]
    fn values_are_choices_and_other_records_have_other_properties() {
        let spec = of(
            &json!({"key": "tier", "type": "String", "targets": ["team", "member"],
            "values": ["gold", {"value": "s", "label": "silver"}]}),
        )
        .unwrap();
        let choices: Vec<(&str, &str)> = spec
            .choices
            .iter()
            .map(|choice| (choice.key.as_str(), choice.label.as_str()))
            .collect();
        assert_eq!(choices, [("gold", "gold"), ("s", "silver")]);
        assert!(of(&json!({"key": "tier", "type": "String", "targets": ["bookings"]})).is_none());
        assert!(of(&json!({"type": "String", "targets": ["member"]})).is_none());
    }
}
