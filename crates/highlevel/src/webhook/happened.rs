//! What a webhook is as a trigger of the catalog.

use connector::catalog::trigger::Happened;
use serde_json::{Map, Value as Json};

use crate::catalog;

/// What stands around every event and says nothing of what happened.
const ENVELOPE: [&str; 4] = ["type", "versionId", "webhookId", "appId"];

/// What a message to a custom provider is called here: its `type` names the channel, and what it is called in the list of
/// scopes is never sent (the vendor's page of it).
const TO_PROVIDER: &str = "ConversationProviderOutboundMessage";

/// What a record's event without a type is called here (the vendor's pages of these events show none).
const RECORD: &str = "Record";

/// The event as the trigger that stands for it, as the vendor sent it but without the envelope.
pub(super) fn of(event: &str, body: &Map<String, Json>, account: &str) -> Option<Happened> {
    let event = match event {
        "unknown" if body.contains_key("properties") && body.contains_key("owners") => RECORD,
        // it has no direction, which all other messages have
        "SMS" | "Email" if body.contains_key("messageId") && !body.contains_key("direction") => {
            TO_PROVIDER
        }
        other => other,
    };
    let trigger = catalog::catalog().told_by(event)?;
    let mut item = body.clone();
    for name in ENVELOPE {
        // what a provider is to send through is no envelope, and what is done with the app is about the app
        let means = match name {
            "type" => event == TO_PROVIDER,
            "appId" => matches!(event, "INSTALL" | "UNINSTALL" | "PLAN_CHANGE"),
            _ => false,
        };
        if !means {
            item.remove(name);
        }
    }
    let within = |name: &str| body.get(name).and_then(Json::as_object);
    let places = [Some(body), within("appointment"), within("webhookPayload")];
    let id = places.into_iter().flatten().find_map(|place| {
        ["id", "_id", "messageId", "emailMessageId", "conversationId"]
            .into_iter()
            .find_map(|name| place.get(name).and_then(Json::as_str))
    });
    Some(Happened {
        trigger: trigger.id.clone(),
        id: id.unwrap_or(account).to_owned(),
        item: Json::Object(item),
    })
}
