//! What an administrator changes in the client's settings: fields, filters, rights, access, the webhook.

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::fields::{Field, FieldType};
use super::office::Rights;
use super::person::{Scene, input, parse, refused};
use super::webhook::Webhook;
use crate::vendor::ActError;

pub(super) fn set_field(
    scene: &mut Scene<'_>,
    written: &Json,
    active: bool,
) -> Result<Json, ActError> {
    #[derive(Deserialize)]
    struct Input {
        field: String,
    }
    let field = parse::<Input>(written)?.field;
    if scene.state.set_field_active(&field, active) {
        Ok(json!({}))
    } else {
        Err(ActError::missing("field", field))
    }
}

/// `{name, label, type, length?, permitted?}`: a new field, or a new form of an old one. `permitted` maps keys to labels.
pub(super) fn put_field(scene: &mut Scene<'_>, written: &Json) -> Result<Json, ActError> {
    #[derive(Deserialize)]
    struct Input {
        name: String,
        label: String,
        #[serde(rename = "type")]
        kind: FieldType,
        length: Option<u16>,
        #[serde(default)]
        permitted: Map<String, Json>,
    }
    let asked: Input = parse(written)?;
    let mut field = Field::new(&asked.name, &asked.label, asked.kind);
    field.length = asked.length;
    for (key, label) in asked.permitted {
        let label = label
            .as_str()
            .ok_or_else(|| input("labels must be text"))?
            .to_owned();
        field.permitted.push((key, label));
    }
    scene.state.put_field(field);
    Ok(json!({}))
}

/// `{fields}`: names; empty for none.
pub(super) fn set_mandatory_fields(
    scene: &mut Scene<'_>,
    written: &Json,
) -> Result<Json, ActError> {
    #[derive(Deserialize)]
    struct Input {
        fields: Vec<String>,
    }
    scene
        .state
        .set_mandatory(parse::<Input>(written)?.fields)
        .map_err(refused)?;
    Ok(json!({}))
}

/// `{name, filter}`: answers the `filterid`.
pub(super) fn save_filter(scene: &mut Scene<'_>, written: &Json) -> Result<Json, ActError> {
    #[derive(Deserialize)]
    struct Input {
        name: String,
        filter: Json,
    }
    let asked: Input = parse(written)?;
    Ok(json!({"id": scene.state.save_filter(&asked.name, asked.filter)}))
}

/// `{address_read?, address_write?, user_read?, admin?}`: what is left out is all, all, false, false.
pub(super) fn set_rights(scene: &mut Scene<'_>, written: &Json) -> Result<Json, ActError> {
    let rights: Rights = parse(written)?;
    scene.state.current_access().rights = rights;
    Ok(json!({}))
}

/// `{ips}`: empty lets everybody in.
pub(super) fn set_allowed_ips(scene: &mut Scene<'_>, written: &Json) -> Result<Json, ActError> {
    #[derive(Deserialize)]
    struct Input {
        ips: Vec<String>,
    }
    scene.state.set_allowed_ips(parse::<Input>(written)?.ips);
    Ok(json!({}))
}

/// `{url, secret}`: the provider's URL without a query, and the provider secret.
pub(super) fn set_webhook(scene: &mut Scene<'_>, written: &Json) -> Result<Json, ActError> {
    #[derive(Deserialize)]
    struct Input {
        url: String,
        secret: String,
    }
    let Input { url, secret } = parse(written)?;
    if url.contains('?') {
        return Err(input("the URL of a webhook has no query, it is added"));
    }
    scene.state.set_webhook(Some(Webhook { url, secret }));
    Ok(json!({}))
}

pub(super) fn set_user(
    scene: &mut Scene<'_>,
    written: &Json,
    active: bool,
) -> Result<Json, ActError> {
    #[derive(Deserialize)]
    struct Input {
        login: String,
    }
    let login = parse::<Input>(written)?.login;
    let user = scene
        .state
        .user_mut(&login)
        .ok_or_else(|| ActError::missing("user", login.as_str()))?;
    user.active = active;
    Ok(json!({}))
}
