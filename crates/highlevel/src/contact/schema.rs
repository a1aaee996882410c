//! The fields of a contact on one connection.

use connector::{Calls, Effect, Error, Request};
use http::Method;
use record::{Choice, Entity, FieldName, FieldSpec, Schema};
use serde_json::{Value as Json, json};

use super::{custom, segment, standard, standard::CUSTOM_PREFIX};
use crate::{
    answer::Complaint,
    auth::FIELDS_WRITE,
    operation::{CUSTOM_FIELD_CREATE, CUSTOM_FIELD_DELETE, CUSTOM_FIELDS, USERS},
    settings::Settings,
};

/// Standard fields, then the tenant's. What the connection has no right to see is left out, so that
/// nothing is ever known of it; `check` says which right is missing.
pub(crate) async fn schema(calls: &dyn Calls) -> Result<Schema, Error> {
    let mut fields = standard::specs();
    if let Some(users) = users(calls).await?
        && let Some(owner) = fields
            .iter_mut()
            .find(|field| field.name.as_str() == "assignedTo")
    {
        owner.choices = users;
    }
    fields.extend(custom_fields(calls).await?.unwrap_or_default());
    Ok(Schema {
        entity: Entity::Contact,
        fields,
    })
}

/// The contacts' custom fields. `None`: the scope is missing.
pub(crate) async fn custom_fields(calls: &dyn Calls) -> Result<Option<Vec<FieldSpec>>, Error> {
    let location = Settings::of(calls).location()?;
    let path = format!("/locations/{}/customFields", segment(location));
    let request =
        Request::new(CUSTOM_FIELDS, Effect::Read, Method::GET, path).query("model", "contact");
    let Some(body) = bearing_missing_scope(calls, request).await? else {
        return Ok(None);
    };
    let definitions = body["customFields"].as_array().ok_or(Error::Unexpected {
        operation: CUSTOM_FIELDS,
        status: 200,
        what: "it holds no list of customFields".to_owned(),
    })?;
    let mut specs: Vec<(f64, FieldSpec)> = definitions
        .iter()
        .filter_map(|definition| {
            let position = definition["position"].as_f64().unwrap_or(f64::MAX);
            Some((position, custom::spec(definition)?))
        })
        .collect();
    specs.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    Ok(Some(specs.into_iter().map(|(_, spec)| spec).collect()))
}

/// Makes a custom field of one line, and says its name. (`POST /locations/{id}/customFields` of the locations
/// specification; the field is made for contacts unless another model is named.)
pub(crate) async fn make_field(calls: &dyn Calls, label: &str) -> Result<FieldName, Error> {
    let location = Settings::of(calls).location()?;
    let path = format!("/locations/{}/customFields", segment(location));
    let operation = CUSTOM_FIELD_CREATE;
    let request = Request::new(operation, Effect::Write, Method::POST, path)
        .json(json!({"name": label, "dataType": "TEXT", "model": "contact"}));
    let Some(body) = bearing_missing_scope(calls, request).await? else {
        return Err(Error::MissingRight {
            operation,
            missing: format!(
                "{FIELDS_WRITE} (of an app: write `make_fields: true` under this connection's `settings` in the config, \
                 `tandem apply` it, and `tandem connect` again; of a private token: tick it at the vendor)"
            ),
        });
    };
    let made = match &body["customField"] {
        Json::Null => &body,
        field => field,
    };
    custom::spec(made)
        .map(|spec| spec.name)
        .ok_or(Error::Unexpected {
            operation,
            status: 200,
            what: "the answer names no field".to_owned(),
        })
}

/// Deletes a custom field. One that is not there is as good as deleted.
pub(crate) async fn unmake_field(calls: &dyn Calls, field: &FieldName) -> Result<(), Error> {
    let location = Settings::of(calls).location()?;
    let id = field.as_str();
    let id = id.strip_prefix(CUSTOM_PREFIX).unwrap_or(id);
    let known = custom_fields(calls).await?;
    if known.is_some_and(|known| !known.iter().any(|own| own.name == *field)) {
        return Ok(());
    }
    let path = format!(
        "/locations/{}/customFields/{}",
        segment(location),
        segment(id)
    );
    let request = Request::new(CUSTOM_FIELD_DELETE, Effect::Write, Method::DELETE, path);
    match bearing_missing_scope(calls, request).await? {
        Some(_) => Ok(()),
        None => Err(Error::MissingRight {
            operation: CUSTOM_FIELD_DELETE,
            missing: FIELDS_WRITE.to_owned(),
        }),
    }
}

/// The sub-account's users, as choices for the owner. `None`: the scope is missing. (The endpoint is
/// marked deprecated and still answers under every version; its successor needs the agency's id.)
pub(crate) async fn users(calls: &dyn Calls) -> Result<Option<Vec<Choice>>, Error> {
    let location = Settings::of(calls).location()?;
    let request =
        Request::new(USERS, Effect::Read, Method::GET, "/users/").query("locationId", location);
    let Some(body) = bearing_missing_scope(calls, request).await? else {
        return Ok(None);
    };
    let users = body["users"].as_array().ok_or(Error::Unexpected {
        operation: USERS,
        status: 200,
        what: "it holds no list of users".to_owned(),
    })?;
    Ok(Some(users.iter().filter_map(user).collect()))
}

fn user(user: &Json) -> Option<Choice> {
    if user["deleted"] == Json::Bool(true) {
        return None;
    }
    let text = |key: &str| {
        user[key]
            .as_str()
            .map(str::trim)
            .filter(|text| !text.is_empty())
    };
    let id = text("id")?;
    let name = text("name").map(str::to_owned).or_else(|| {
        let parts: Vec<&str> = [text("firstName"), text("lastName")]
            .into_iter()
            .flatten()
            .collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    });
    let label = match (name, text("email")) {
        (Some(name), Some(email)) => format!("{name} <{email}>"),
        (Some(name), None) => name,
        (None, Some(email)) => email.to_owned(),
        (None, None) => id.to_owned(),
    };
    Some(Choice {
        key: id.to_owned(),
        label,
    })
}

/// The body of a successful answer; `None` when the scope for it is missing.
async fn bearing_missing_scope(calls: &dyn Calls, request: Request) -> Result<Option<Json>, Error> {
    let operation = request.operation;
    let response = calls.send(request).await?;
    if response.status.is_success() {
        return response.json(operation).map(Some);
    }
    let complaint = Complaint::of(&response);
    if complaint.is_missing_scope() {
        return Ok(None);
    }
    Err(Error::Refused {
        operation,
        refusal: complaint.refusal(Vec::new()),
    })
}
