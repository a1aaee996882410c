//! Having webhooks sent to us.
//!
//! Only whether one is on can be changed, so one with another address or other events is made anew. Lists and
//! single ones carry the secret (the vendor's reference); should one not, it is made anew too.

use std::collections::BTreeMap;

use connector::{Calls, Effect, Error, SecretText, Subscription};
use http::Method;
use record::Entity;
use serde_json::{Map, Value as Json, json};

use crate::{
    answer::Complaint,
    api::{refused, request, segment, unexpected},
    operation::{WEBHOOK_CREATE, WEBHOOK_DELETE, WEBHOOK_UPDATE, WEBHOOKS},
    pages,
    webhook::events,
};

/// The name of the secret among the keys.
const SECRET: &str = "subscribed";

/// What people read beside it in OfficeRnD.
const DESCRIPTION: &str = "Tandem: tells which members and companies changed";

pub(crate) async fn subscribe(
    calls: &dyn Calls,
    address: &str,
    entities: &[Entity],
    further: &[String],
    before: Option<&Subscription>,
) -> Result<Option<Subscription>, Error> {
    let mut wanted = events(entities);
    for event in further {
        if !wanted.contains(&event.as_str()) {
            wanted.push(event);
        }
    }
    if wanted.is_empty() {
        return Ok(None);
    }
    let mut good: Option<Subscription> = None;
    for webhook in pages::all(calls, WEBHOOKS, "/webhooks").await? {
        let Some(id) = pages::id(&webhook) else {
            continue;
        };
        let is_here = webhook.get("url").and_then(Json::as_str) == Some(address);
        let was_ours = before.is_some_and(|before| before.id == id);
        if !is_here && !was_ours {
            continue;
        }
        let fits = is_here && good.is_none() && has_events(&webhook, &wanted);
        match secret(&webhook, before).filter(|_| fits) {
            Some(secret) => {
                if webhook.get("isEnabled") == Some(&Json::Bool(false)) {
                    enable(calls, id).await?;
                }
                good = Some(subscription(id, address, secret));
            }
            None => delete(calls, id).await?,
        }
    }
    match good {
        Some(good) => Ok(Some(good)),
        None => make(calls, address, &wanted).await.map(Some),
    }
}

fn has_events(webhook: &Map<String, Json>, wanted: &[&str]) -> bool {
    let has: Vec<&str> = webhook
        .get("eventTypes")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    wanted.iter().all(|event| has.contains(event))
}

/// The secret that it shows, else the one that is kept of it.
fn secret(webhook: &Map<String, Json>, before: Option<&Subscription>) -> Option<SecretText> {
    let shown = webhook
        .get("secret")
        .and_then(Json::as_str)
        .filter(|secret| !secret.is_empty())
        .map(SecretText::new);
    shown.or_else(|| {
        let before = before.filter(|before| pages::id(webhook) == Some(&before.id))?;
        before.keys.get(SECRET).cloned()
    })
}

fn subscription(id: &str, address: &str, secret: SecretText) -> Subscription {
    Subscription {
        id: id.to_owned(),
        address: address.to_owned(),
        keys: BTreeMap::from([(SECRET.to_owned(), secret)]),
    }
}

async fn make(calls: &dyn Calls, address: &str, wanted: &[&str]) -> Result<Subscription, Error> {
    let body = json!({
        "eventTypes": wanted, "url": address, "description": DESCRIPTION, "isEnabled": true,
    });
    let request = request(
        calls,
        WEBHOOK_CREATE,
        Effect::Write,
        Method::POST,
        "/webhooks",
    )?;
    let response = calls.send(request.json(body)).await?;
    if !response.status.is_success() {
        return Err(refused(WEBHOOK_CREATE, &response));
    }
    let body: Json = response.json(WEBHOOK_CREATE)?;
    // v1 answered with an array of one
    let made = match &body {
        Json::Array(items) => items.first().and_then(Json::as_object),
        Json::Object(object) => Some(object),
        _ => None,
    };
    made.and_then(|made| {
        let id = pages::id(made)?;
        Some(subscription(id, address, secret(made, None)?))
    })
    .ok_or_else(|| unexpected(WEBHOOK_CREATE, &response, "it has no id or no secret"))
}

async fn enable(calls: &dyn Calls, id: &str) -> Result<(), Error> {
    let place = format!("/webhooks/{}", segment(id));
    let request = request(calls, WEBHOOK_UPDATE, Effect::Write, Method::PUT, &place)?;
    let response = calls
        .send(request.json(json!({ "isEnabled": true })))
        .await?;
    if response.status.is_success() {
        Ok(())
    } else {
        Err(refused(WEBHOOK_UPDATE, &response))
    }
}

/// Takes away what was subscribed.
pub(crate) async fn unsubscribe(
    calls: &dyn Calls,
    subscription: &Subscription,
) -> Result<(), Error> {
    delete(calls, &subscription.id).await
}

async fn delete(calls: &dyn Calls, id: &str) -> Result<(), Error> {
    let place = format!("/webhooks/{}", segment(id));
    let request = request(calls, WEBHOOK_DELETE, Effect::Write, Method::DELETE, &place)?;
    let response = calls.send(request).await?;
    if response.status.is_success() || Complaint::of(&response).is_gone() {
        Ok(())
    } else {
        Err(refused(WEBHOOK_DELETE, &response))
    }
}
