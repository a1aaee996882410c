//! Events: to every subscription that asked for them, signed over the exact bytes sent.
//!
//! The vendor documents neither order nor retries; both retry policies stand as a switch. Opportunities change without an event.

use std::sync::Arc;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::State;
use super::kind::Kind;
use super::record::{Record, Slot, Stamp};
use super::show::View;
use super::v1;
use crate::clock::iso_millis;
use crate::core::Core;
use crate::deliveries::{Message, RetryPolicy};
use crate::edits::Actor;
use crate::faults::Fault;
use crate::system::System;

const EVENTS: &str = include_str!("events.txt");

const OPPORTUNITY_EVENTS: [&str; 3] = [
    "opportunity.created",
    "opportunity.updated",
    "opportunity.removed",
];

/// The names of all events that a subscription may ask for.
pub(super) fn event_types(core: &Core) -> Vec<&'static str> {
    let mut events: Vec<&str> = EVENTS.lines().collect();
    if core.switches.flag("officernd.opportunity_events") {
        events.extend(OPPORTUNITY_EVENTS);
    }
    events
}

fn event_type(kind: Kind, happened: &str, core: &Core) -> Option<&'static str> {
    let wanted = format!("{}.{happened}", kind.word());
    event_types(core).into_iter().find(|event| *event == wanted)
}

fn is_silent(stamp: &Stamp, core: &Core) -> bool {
    match stamp.actor {
        Actor::Seed => true,
        Actor::Api => !core.switches.flag("officernd.api_write_webhooks"),
        Actor::User => false,
    }
}

impl State {
    /// Tells every subscription of a change; `before` is what an update changed.
    pub(super) fn announce(
        &mut self,
        kind: Kind,
        slot: Slot,
        happened: &str,
        before: Option<&Record>,
        stamp: &Stamp,
        core: &Core,
    ) {
        let silent = is_silent(stamp, core);
        let Some(event) = event_type(kind, happened, core).filter(|_| !silent) else {
            return;
        };
        let record = self.table(kind).get(slot);
        let subject = record.id.to_string();
        let data = self.event(kind, record, before, stamp.at_ms, core);
        self.send(event, &subject, data, stamp, core);
    }

    /// Sends an event about anything, unless it is one of those that nobody hears of.
    pub(super) fn send_event(
        &mut self,
        event: &'static str,
        subject: &str,
        data: Map<String, Value>,
        stamp: &Stamp,
        core: &Core,
    ) {
        if !is_silent(stamp, core) {
            self.send(event, subject, data, stamp, core);
        }
    }

    fn send(
        &mut self,
        event: &'static str,
        subject: &str,
        data: Map<String, Value>,
        stamp: &Stamp,
        core: &Core,
    ) {
        let wants = |subscription: &Record| {
            let events = subscription.get("eventTypes").and_then(Value::as_array);
            subscription.flag("isEnabled")
                && events.is_some_and(|events| events.iter().any(|own| own == event))
        };
        let table = self.table(Kind::Webhook);
        let targets: Vec<(Arc<str>, String)> = table
            .living()
            .map(|slot| table.get(slot))
            .filter(|subscription| wants(subscription))
            .map(|own| (own.text("url").into(), own.text("secret").to_owned()))
            .collect();
        for (url, secret) in targets {
            let id = self.new_id(core);
            let body = json!({
                "createdAt": iso_millis(stamp.at_ms), "data": data, "event": id, "eventType": event,
            });
            let payload = Bytes::from(body.to_string());
            self.events_sent += 1;
            self.post(event, id, subject, url, secret, payload, core);
        }
    }

    /// What an event says of an object.
    fn event(
        &self,
        kind: Kind,
        record: &Record,
        before: Option<&Record>,
        at_ms: i64,
        core: &Core,
    ) -> Map<String, Value> {
        let old_shape = core.switches.choice("officernd.webhook_body") == "v1";
        let object = if old_shape {
            self.show_v1(kind, record, at_ms)
        } else {
            self.show(kind, record, View::Event, core)
        };
        let mut data = Map::new();
        data.insert("object".to_owned(), Value::Object(object));
        if let Some(before) = before {
            let mut previous = Map::new();
            for field in record.changes_from(before) {
                let name = if old_shape {
                    v1::name(kind, field)
                } else {
                    (!field.starts_with('#')).then_some(field)
                };
                if let Some(name) = name {
                    let value = before.get(field).cloned().unwrap_or(Value::Null);
                    previous.insert(name.to_owned(), value);
                }
            }
            data.insert("previousAttributes".to_owned(), Value::Object(previous));
        }
        data
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one letter")]
    fn post(
        &self,
        event: &'static str,
        id: String,
        subject: &str,
        url: Arc<str>,
        secret: String,
        payload: Bytes,
        core: &Core,
    ) {
        let queued_ms = core.clock.now_ms();
        let refreshed = core.switches.flag("officernd.webhook_timestamp_refreshed");
        let message = Message {
            system: System::OfficeRnd,
            event,
            id,
            subject: subject.to_owned(),
            method: http::Method::POST,
            url,
            render: Arc::new(move |now_ms| {
                let at_ms = if refreshed { now_ms } else { queued_ms };
                let header = signature(&secret, &payload, at_ms.div_euclid(1000));
                let headers = vec![("officernd-signature".to_owned(), header)];
                (payload.clone(), headers)
            }),
            retry: retry_policy(core),
        };
        let every = core.switches.number("officernd.lost_webhook_every");
        if every > 0 && self.events_sent % every == 0 {
            core.deliveries.queue(message, queued_ms, &[Fault::Lost]);
        } else {
            core.send(message);
        }
    }
}

/// The value of `officernd-signature`: hex HMAC-SHA256 over the body, a dot and the time in seconds.
fn signature(secret: &str, body: &[u8], seconds: i64) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    mac.update(format!(".{seconds}").as_bytes());
    let digest = mac.finalize().into_bytes();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},signature={hex}")
}

fn retry_policy(core: &Core) -> RetryPolicy {
    let retries = match core.switches.choice("officernd.webhook_retry") {
        "three" => 3,
        _ => 0,
    };
    RetryPolicy {
        only_on_429: false,
        retries,
        pause_ms: 10_000,
        factor: 3,
        jitter_ms: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with another implementation.
    #[test]
    fn the_signature_is_over_body_dot_time() {
        assert_eq!(
            signature(
                "whsec_test",
                br#"{"eventType":"member.updated"}"#,
                1_700_000_000
            ),
            "t=1700000000,signature=58d3c3bfd717f6a544e37732f675a75f2842d27ad0d1c7bd12b1ad757e5aad9f"
        );
    }
}
