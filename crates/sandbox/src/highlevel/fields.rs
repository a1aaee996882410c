//! Custom fields of a location, and what may be stored in them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::State;
use super::accounts::{CustomField, Location};
use super::errors;
use super::gate::Admitted;
use crate::core::Core;
use crate::vendor::Answer;

type Answered = Result<Answer, Answer>;

/// The kinds of custom fields, with the vendor's spelling.
const DATA_TYPES: [&str; 12] = [
    "TEXT",
    "LARGE_TEXT",
    "NUMERICAL",
    "PHONE",
    "MONETORY",
    "CHECKBOX",
    "SINGLE_OPTIONS",
    "MULTIPLE_OPTIONS",
    "DATE",
    "TEXTBOX_LIST",
    "FILE_UPLOAD",
    "RADIO",
];

impl State {
    pub(crate) fn list_fields(&mut self, admitted: &Admitted<'_>) -> Answered {
        let location = self.path_location(admitted)?;
        let model = admitted.query("model").unwrap_or_else(|| "all".to_owned());
        let fields: Vec<Value> = location
            .fields
            .iter()
            .filter(|field| field.active && (model == "all" || field.model == model))
            .map(|field| field.to_json(&location.id))
            .collect();
        Ok(Answer::json(200, &json!({"customFields": fields})))
    }

    pub(crate) fn get_field(&mut self, admitted: &Admitted<'_>) -> Answered {
        let location = self.path_location(admitted)?;
        let field = found(location, admitted.parameter(1))?;
        Ok(Answer::json(
            200,
            &json!({"customField": field.to_json(&location.id)}),
        ))
    }

    pub(crate) fn create_field(&mut self, admitted: &Admitted<'_>) -> Answered {
        let body: Value = serde_json::from_slice(admitted.call.body)
            .map_err(|_| errors::not_json(admitted.call.body))?;
        let location_id = self.path_location(admitted)?.id.clone();
        let field = new_field(self.location_mut(&location_id), &body, admitted.core)
            .map_err(|messages| errors::unprocessable(&messages))?;
        Ok(Answer::json(201, &json!({"customField": field})))
    }

    pub(crate) fn update_field(&mut self, admitted: &Admitted<'_>) -> Answered {
        let body: Value = serde_json::from_slice(admitted.call.body)
            .map_err(|_| errors::not_json(admitted.call.body))?;
        let id = Arc::clone(&found(self.path_location(admitted)?, admitted.parameter(1))?.id);
        let location = self.location_mut(admitted.parameter(0));
        let location_id = location.id.clone();
        let Some(field) = location.fields.iter_mut().find(|field| field.id == id) else {
            return Err(errors::bad_request("Custom field not found"));
        };
        let name = body["name"]
            .as_str()
            .ok_or_else(|| errors::unprocessable_one("name must be a string"))?;
        name.clone_into(&mut field.name);
        if let Some(placeholder) = body["placeholder"].as_str() {
            placeholder.clone_into(&mut field.placeholder);
        }
        Ok(Answer::json(
            200,
            &json!({"customField": field.to_json(&location_id)}),
        ))
    }

    pub(crate) fn delete_field(&mut self, admitted: &Admitted<'_>) -> Answered {
        let id = Arc::clone(&found(self.path_location(admitted)?, admitted.parameter(1))?.id);
        self.location_mut(admitted.parameter(0))
            .fields
            .retain(|field| field.id != id);
        Ok(Answer::json(200, &json!({"succeded": true})))
    }

    /// The location in the path, if the token is for it.
    pub(crate) fn path_location(&self, admitted: &Admitted<'_>) -> Result<&Location, Answer> {
        let own = self.own(admitted, Some(admitted.parameter(0)))?;
        self.locations.get(&own).ok_or_else(errors::wrong_location)
    }
}

fn found<'l>(location: &'l Location, id_or_key: &str) -> Result<&'l CustomField, Answer> {
    location
        .field(id_or_key)
        .ok_or_else(|| errors::bad_request("Custom field not found"))
}

/// Adds a field to a location; refusals are texts for a 422.
pub(crate) fn new_field(
    location: &mut Location,
    body: &Value,
    core: &Core,
) -> Result<Value, Vec<String>> {
    let mut refused = Vec::new();
    let name = body["name"].as_str().filter(|name| !name.trim().is_empty());
    if name.is_none() {
        refused.push("name must be a string".to_owned());
    }
    let money = core.switches.choice("highlevel.money_type");
    let data_types = DATA_TYPES.map(|name| if name == "MONETORY" { money } else { name });
    let data_type = body["dataType"]
        .as_str()
        .filter(|data_type| data_types.contains(data_type));
    if data_type.is_none() {
        refused.push(format!(
            "dataType must be one of the following values: {}",
            data_types.join(", ")
        ));
    }
    let (Some(name), Some(data_type)) = (name, data_type) else {
        return Err(refused);
    };
    let model = body["model"].as_str().unwrap_or("contact");
    let key = format!("{model}.{}", slug(name));
    let taken = location.fields.iter().any(|field| field.key == key);
    let options = body["options"]
        .as_array()
        .or_else(|| body["picklistOptions"].as_array());
    let field = CustomField {
        id: core.random.text::<20>().into(),
        name: name.trim().to_owned(),
        key: if taken {
            format!("{key}_{}", location.fields.len())
        } else {
            key
        },
        data_type: data_type.to_owned(),
        model: model.to_owned(),
        placeholder: body["placeholder"].as_str().unwrap_or_default().to_owned(),
        options: options
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        allow_custom_option: body["isAllowedCustomOption"] == true,
        position: i64::try_from(location.fields.len()).unwrap_or_default() * 50,
        active: true,
    };
    let shown = field.to_json(&location.id);
    location.fields.push(field);
    Ok(shown)
}

fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for character in name.trim().to_lowercase().chars() {
        if character.is_alphanumeric() {
            slug.push(character);
        } else if !slug.ends_with('_') {
            slug.push('_');
        }
    }
    slug.trim_matches('_').to_owned()
}

/// What a field keeps of a value: nothing for an empty one; a text for a 422 if the value does not fit its kind.
pub(crate) fn stored(
    field: &CustomField,
    value: &Value,
    strict_options: bool,
) -> Result<Option<Value>, String> {
    let refused = |what: &str| Err(format!("customFields.{}.field_value {what}", field.id));
    let allowed = |option: &str| {
        !strict_options
            || field.allow_custom_option
            || field.options.is_empty()
            || field.options.iter().any(|own| own == option)
    };
    match (field.data_type.as_str(), value) {
        (_, Value::Null) => Ok(None),
        (_, Value::String(text)) if text.is_empty() => Ok(None),
        (_, Value::Array(list)) if list.is_empty() => Ok(None),
        ("NUMERICAL" | "MONETORY" | "MONETARY", Value::Number(_)) => Ok(Some(value.clone())),
        ("NUMERICAL" | "MONETORY" | "MONETARY", Value::String(text)) => {
            match text.trim().parse::<serde_json::Number>() {
                Ok(number) => Ok(Some(Value::Number(number))),
                Err(_) => refused("must be a number"),
            }
        }
        ("NUMERICAL" | "MONETORY" | "MONETARY", _) => refused("must be a number"),
        ("CHECKBOX" | "MULTIPLE_OPTIONS", Value::Array(list)) => {
            match list
                .iter()
                .find(|entry| !entry.as_str().is_some_and(allowed))
            {
                None => Ok(Some(value.clone())),
                Some(_) => refused("must be among the field's options"),
            }
        }
        ("CHECKBOX" | "MULTIPLE_OPTIONS", _) => refused("must be an array"),
        ("SINGLE_OPTIONS" | "RADIO", Value::String(text)) => {
            if allowed(text) {
                Ok(Some(value.clone()))
            } else {
                refused("must be among the field's options")
            }
        }
        ("FILE_UPLOAD" | "TEXTBOX_LIST", Value::Object(_)) => Ok(Some(value.clone())),
        ("FILE_UPLOAD" | "TEXTBOX_LIST", _) => refused("must be an object"),
        (_, Value::String(_)) => Ok(Some(value.clone())),
        (_, Value::Number(number)) => Ok(Some(Value::String(number.to_string()))),
        _ => refused("must be a string"),
    }
}
