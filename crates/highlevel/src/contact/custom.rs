//! Custom fields: from the vendor's definition to ours.
//!
//! `GET /locations/{id}/customFields` gives them (`CustomFieldSchema` of the locations specification);
//! the data types are those of the custom-fields specification, `MONETORY` being the vendor's spelling.

use record::{Access, Capability, Choice, FieldSpec, Kind, Rewrite};
use serde_json::Value as Json;

use super::standard::CUSTOM_PREFIX;

/// The field that this definition describes; `None` if it has no id or belongs to another kind of
/// record.
pub(crate) fn spec(definition: &Json) -> Option<FieldSpec> {
    let id = definition["id"].as_str().filter(|id| !id.is_empty())?;
    if let Some(model) = definition["model"].as_str()
        && !model.eq_ignore_ascii_case("contact")
    {
        return None;
    }
    let data_type = definition["dataType"].as_str().unwrap_or("");
    let (kind, access) = kind(data_type);
    let label = definition["name"]
        .as_str()
        .or(definition["fieldKey"].as_str())
        .unwrap_or(id);
    let open = definition["isAllowedCustomOption"] == Json::Bool(true);
    let choices = match kind {
        Kind::Choice | Kind::Set if !open && access == Access::ReadWrite => {
            choices(&definition["picklistOptions"])
        }
        _ => Vec::new(),
    };
    Some(FieldSpec {
        name: format!("{CUSTOM_PREFIX}{id}").into(),
        label: label.to_owned(),
        kind,
        capability: Capability {
            rewrites: match kind {
                Kind::Phone => vec![Rewrite::Phone, Rewrite::Trim],
                Kind::Email => vec![Rewrite::Lowercase, Rewrite::Trim],
                _ => Vec::new(),
            },
            clearable: access == Access::ReadWrite,
            ..Capability::of(access)
        },
        choices,
        custom: true,
    })
}

/// What a data type is to us. Files, signatures and lists of text boxes are shown, never written: a
/// file is uploaded by other means, and a list's parts have ids that the definition does not give.
fn kind(data_type: &str) -> (Kind, Access) {
    use Access::{ReadOnly, ReadWrite};
    match data_type {
        "TEXT" => (Kind::Text, ReadWrite),
        "LARGE_TEXT" => (Kind::LongText, ReadWrite),
        "NUMERICAL" | "MONETORY" | "MONETARY" => (Kind::Number, ReadWrite),
        "PHONE" => (Kind::Phone, ReadWrite),
        "EMAIL" => (Kind::Email, ReadWrite),
        "SINGLE_OPTIONS" | "RADIO" => (Kind::Choice, ReadWrite),
        "CHECKBOX" | "MULTIPLE_OPTIONS" => (Kind::Set, ReadWrite),
        "DATE" => (Kind::Date, ReadWrite),
        "FILE_UPLOAD" | "SIGNATURE" => (Kind::Set, ReadOnly),
        "TEXTBOX_LIST" => (Kind::LongText, ReadOnly),
        _ => (Kind::Text, ReadOnly),
    }
}

/// Options come as texts (documented) or as objects (newer endpoints).
fn choices(options: &Json) -> Vec<Choice> {
    let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
    options
        .iter()
        .filter_map(|option| match option {
            Json::String(text) => Some(Choice {
                key: text.clone(),
                label: text.clone(),
            }),
            Json::Object(object) => {
                let text = |name: &str| object.get(name).and_then(Json::as_str);
                let key = text("key").or(text("value")).or(text("label"))?;
                Some(Choice {
                    key: key.to_owned(),
                    label: text("label").unwrap_or(key).to_owned(),
                })
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_data_type_becomes_a_kind_with_its_rights() {
        for (data_type, kind, access) in [
            ("TEXT", Kind::Text, Access::ReadWrite),
            ("MONETORY", Kind::Number, Access::ReadWrite),
            ("RADIO", Kind::Choice, Access::ReadWrite),
            ("CHECKBOX", Kind::Set, Access::ReadWrite),
            ("DATE", Kind::Date, Access::ReadWrite),
            ("FILE_UPLOAD", Kind::Set, Access::ReadOnly),
            ("NEVER_SEEN", Kind::Text, Access::ReadOnly),
        ] {
            let spec = spec(&json!({"id": "f1", "name": "F", "dataType": data_type})).unwrap();
            assert_eq!((spec.kind, spec.capability.access), (kind, access));
            assert_eq!(spec.name.as_str(), "customFields.f1");
            assert!(spec.custom);
        }
    }

    #[test]
    fn choices_are_closed_unless_the_tenant_opened_them() {
        let mut definition = json!({
            "id": "f1", "name": "Budget", "dataType": "SINGLE_OPTIONS", "model": "contact",
            "picklistOptions": ["low", {"key": "h", "label": "high"}],
        });
        let keys = |definition: &Json| {
            let spec = spec(definition).unwrap();
            spec.choices
                .into_iter()
                .map(|choice| (choice.key, choice.label))
                .collect::<Vec<_>>()
        };
        let pair = |key: &str, label: &str| (key.to_owned(), label.to_owned());
        assert_eq!(keys(&definition), [pair("low", "low"), pair("h", "high")]);
        definition["isAllowedCustomOption"] = json!(true);
        assert_eq!(keys(&definition), []);
    }

    #[test]
    fn fields_of_opportunities_are_no_fields_of_contacts() {
        assert!(spec(&json!({"id": "f1", "dataType": "TEXT", "model": "opportunity"})).is_none());
        assert!(spec(&json!({"dataType": "TEXT"})).is_none());
    }
}
