//! Webhooks: verified over their raw bytes, then read into hints.
//!
//! All sub-accounts push to one address, so the body's `locationId` says whose it is. Deliveries come
//! at least once and in any order; `webhookId` tells repeats. What is not about an entity that we keep is
//! acknowledged without a hint.

mod happened;
mod signature;

use connector::{Delivery, Incoming, Lifecycle, WebhookError, WebhookKeys};
use http::HeaderMap;
use serde_json::{Map, Value as Json, json};

use crate::{appointment, attached, company, contact, opportunity};

/// The largest body that is looked at, in bytes. The vendor's own are a few kilobytes.
const LARGEST_BODY: usize = 1 << 20;

/// What was seen is flat; the sample code of the vendor's guide has the record in `data`, beside the type.
fn flat(mut body: Map<String, Json>) -> Map<String, Json> {
    if !body.contains_key("id")
        && let Some(Json::Object(record)) = body.remove("data")
    {
        for (key, value) in record {
            body.entry(key).or_insert(value);
        }
    }
    body
}

pub(crate) fn read(incoming: &Incoming<'_>, keys: &WebhookKeys) -> Result<Delivery, WebhookError> {
    if incoming.body.len() > LARGEST_BODY {
        return Err(WebhookError::Body(format!(
            "it has {} bytes, more than any of HighLevel's",
            incoming.body.len()
        )));
    }
    signature::verify(incoming.headers, incoming.body, keys)?;
    let body: Map<String, Json> = serde_json::from_slice(incoming.body)
        .map_err(|_| WebhookError::Body("it is no JSON object".to_owned()))?;
    let form = form(incoming.headers, &body);
    let body = flat(body);
    let text = |key: &str| {
        body.get(key)
            .and_then(Json::as_str)
            .filter(|text| !text.is_empty())
    };
    let event = text("type").unwrap_or("unknown");
    // A change of the sub-account itself carries its id as `id`; an installation by an agency carries
    // only the agency's.
    let account = text("locationId")
        .or_else(|| event.starts_with("Location").then(|| text("id")).flatten())
        .or_else(|| text("companyId"))
        .unwrap_or_default();
    let about_another_app = keys
        .keys
        .get("app_id")
        .is_some_and(|ours| text("appId").is_some_and(|theirs| theirs != ours.trim()));
    let lifecycle = match event {
        "INSTALL" => Some(Lifecycle::Installed),
        "UNINSTALL" => Some(Lifecycle::Removed),
        _ => None,
    };
    let happened = happened::of(event, &body, account);
    Ok(Delivery {
        id: text("webhookId").map(str::to_owned),
        account: Some(account.to_owned()),
        hints: contact::hint(event, &body, incoming.received)
            .or_else(|| company::hint(event, &body, incoming.received))
            .or_else(|| opportunity::hint(event, &body, incoming.received))
            .or_else(|| appointment::hint(event, &body, incoming.received))
            .or_else(|| attached::hint(event, &body, incoming.received))
            .into_iter()
            .collect(),
        happened: happened
            .filter(|_| !about_another_app)
            .into_iter()
            .collect(),
        unnamed: attached::unnamed(event, &body).into_iter().collect(),
        lifecycle: lifecycle.filter(|_| !about_another_app),
        event: event.to_owned(),
        form,
    })
}

/// What the form of an event shows of the vendor.
fn form(headers: &HeaderMap, body: &Map<String, Json>) -> Vec<(&'static str, Json)> {
    let event = body.get("type").and_then(Json::as_str).unwrap_or_default();
    let mut form = vec![
        (
            "highlevel.webhook_signature",
            json!(signature::kinds(headers)),
        ),
        (
            "highlevel.webhook_delivery_id",
            json!(headers.contains_key("deliveryid")),
        ),
    ];
    if event.starts_with("Contact") {
        let envelope = if body.get("data").is_some_and(Json::is_object) {
            "nested"
        } else if ["appId", "versionId", "timestamp", "webhookId"]
            .iter()
            .any(|name| body.contains_key(*name))
        {
            "flat"
        } else {
            "bare"
        };
        form.push(("highlevel.webhook_envelope", json!(envelope)));
    }
    if event == "TaskCreate" {
        let complete = ["contactId", "body"]
            .iter()
            .all(|name| body.contains_key(*name));
        form.push(("highlevel.task_create_complete", json!(complete)));
    }
    let is_record = event.starts_with("Record")
        || event.is_empty() && body.contains_key("properties") && body.contains_key("owners");
    if is_record {
        form.push(("highlevel.record_event_type", json!(!event.is_empty())));
    }
    form
}
