//! Webhooks: flat, signed, to the one URL of each app that is installed and may read what they tell.

use std::sync::Arc;

use bytes::Bytes;

use super::State;
use super::apps::{App, Installation, Subject};
use super::business::Business;
use super::json::{Object, list};
use super::render::{self, View};
use super::signing::Keys;
use super::writes::At;
use crate::clock::iso_millis;
use crate::core::Core;
use crate::deliveries::{Message, Render, RetryPolicy};
use crate::system::System;

/// The contact events that an app may toggle.
pub(crate) const CONTACT_EVENTS: [&str; 5] = [
    "ContactCreate",
    "ContactUpdate",
    "ContactDelete",
    "ContactDndUpdate",
    "ContactTagUpdate",
];

/// The events of custom objects and businesses that an app may toggle.
pub(crate) const RECORD_EVENTS: [&str; 3] = ["RecordCreate", "RecordUpdate", "RecordDelete"];

impl State {
    /// Tells every app that may know of a change to a contact.
    pub(crate) fn emit(&self, at: &At, event: &'static str, core: &Core) {
        let location = self.location_at(at);
        let contact = location.contacts.get(at.slot);
        for app in &self.apps {
            let subscribed = app.events.contains(event) && app.webhook_url.is_some();
            if !subscribed || !self.may_know(app, &location.id, "contacts.readonly") {
                continue;
            }
            let envelope = core.switches.choice("highlevel.webhook_envelope");
            let mut payload = Vec::with_capacity(512);
            let mut object = Object::new(&mut payload);
            object.text("type", event);
            object.text("locationId", &location.id);
            if envelope == "nested" {
                let mut inner = Object::new(object.key("data"));
                self.contact_of_event(&mut inner, at, event, core);
                inner.end();
            } else {
                self.contact_of_event(&mut object, at, event, core);
            }
            if envelope != "bare" {
                object.text("versionId", &app.version_id);
                object.text("appId", &app.id);
            }
            self.post(app, event, contact.id.as_str(), payload, core);
        }
    }

    /// What an event says of its contact.
    fn contact_of_event(&self, object: &mut Object<'_>, at: &At, event: &'static str, core: &Core) {
        let location = self.location_at(at);
        let contact = location.contacts.get(at.slot);
        let with_dnd_settings = event == "ContactDndUpdate";
        render::webhook(
            object,
            contact,
            View::new(location, false, core),
            with_dnd_settings,
        );
        let has_inbound = with_dnd_settings && !core.switches.flag("highlevel.inbound_dnd_silent");
        if let Some(settings) = contact
            .inbound_dnd_settings
            .as_ref()
            .filter(|_| has_inbound)
        {
            object.value("inboundDndSettings", settings);
        }
    }

    /// Tells every app that may know of a change to a business. The documented examples carry no `type`.
    pub(crate) fn emit_business(
        &self,
        location_id: &str,
        business: &Business,
        event: &'static str,
        core: &Core,
    ) {
        for app in &self.apps {
            let subscribed = app.events.contains(event) && app.webhook_url.is_some();
            if !subscribed || !self.may_know(app, location_id, "businesses.readonly") {
                continue;
            }
            let mut payload = Vec::with_capacity(512);
            let mut object = Object::new(&mut payload);
            if core.switches.flag("highlevel.record_event_type") {
                object.text("type", event);
            }
            object.text("locationId", location_id);
            object.text("id", &business.id);
            object.strings("owners", []);
            object.strings("followers", []);
            let properties = Business::FIELDS
                .into_iter()
                .filter_map(|field| Some((field, business.text(field)?)));
            list(object.key("properties"), properties, |out, (key, value)| {
                let mut property = Object::new(out);
                property.text("key", key);
                property.text("valueString", value);
                property.end();
            });
            object.text("versionId", &app.version_id);
            object.text("appId", &app.id);
            self.post(app, event, &business.id, payload, core);
        }
    }

    /// `INSTALL` and `UNINSTALL`, which need no toggle and no scope. An agency's installation is told of once for itself, and
    /// for each location that it covers.
    pub(crate) fn emit_install(
        &self,
        app: &App,
        installation: &Installation,
        event: &'static str,
        core: &Core,
    ) {
        self.emit_one_install(app, installation, event, core);
        if installation.subject == Subject::Company && event == "INSTALL" {
            for id in &installation.approved {
                let mut covered = installation.clone();
                covered.subject = Subject::Location(id.as_str().into());
                self.emit_one_install(app, &covered, event, core);
            }
        }
    }

    fn emit_one_install(
        &self,
        app: &App,
        installation: &Installation,
        event: &'static str,
        core: &Core,
    ) {
        let mut payload = Vec::with_capacity(512);
        let mut object = Object::new(&mut payload);
        object.text("type", event);
        object.text("appId", &app.id);
        object.text("versionId", &app.version_id);
        let subject = match &installation.subject {
            Subject::Location(id) => {
                object.text("installType", "Location");
                object.text("locationId", id);
                object.text("companyId", &self.company.id);
                id.to_string()
            }
            Subject::Company => {
                object.text("installType", "Company");
                object.text("companyId", &self.company.id);
                self.company.id.clone()
            }
        };
        if event == "INSTALL" {
            object.text("userId", &installation.user_id);
            object.text("companyName", &self.company.name);
        }
        self.post(app, event, &subject, payload, core);
    }

    pub(super) fn may_know(&self, app: &App, location_id: &str, scope: &str) -> bool {
        self.installations.iter().any(|installation| {
            installation.client_id == app.client_id
                && installation.covers(location_id)
                && installation.scopes.contains(scope)
        })
    }

    /// Queues an object that is complete but for its time, id and closing brace.
    pub(crate) fn post(
        &self,
        app: &App,
        event: &'static str,
        subject: &str,
        payload: Vec<u8>,
        core: &Core,
    ) {
        let Some(url) = &app.webhook_url else { return };
        let id = core.random.uuid();
        let renderer = Renderer {
            payload: payload.into(),
            id: id.clone(),
            delivery_id: core
                .switches
                .flag("highlevel.webhook_delivery_id")
                .then(|| core.random.uuid()),
            stamped: core.switches.choice("highlevel.webhook_envelope") != "bare"
                || !CONTACT_EVENTS.contains(&event),
            queued_ms: core.clock.now_ms(),
            refreshed: core.switches.flag("highlevel.webhook_timestamp_refreshed"),
            signature: core.switches.choice("highlevel.webhook_signature"),
            keys: self.keys.clone(),
        };
        let render: Render = Arc::new(move |now_ms| renderer.render(now_ms));
        core.send(Message {
            system: System::HighLevel,
            event,
            id,
            subject: subject.to_owned(),
            method: http::Method::POST,
            url: Arc::clone(url),
            render,
            retry: retry_policy(core),
        });
    }
}

fn retry_policy(core: &Core) -> RetryPolicy {
    const MINUTE_MS: i64 = 60_000;
    if core.switches.choice("highlevel.webhook_retry") == "any_failure" {
        RetryPolicy {
            only_on_429: false,
            retries: 12,
            pause_ms: MINUTE_MS,
            factor: 2,
            jitter_ms: MINUTE_MS / 2,
        }
    } else {
        RetryPolicy {
            only_on_429: true,
            retries: 6,
            pause_ms: 10 * MINUTE_MS,
            factor: 1,
            jitter_ms: MINUTE_MS,
        }
    }
}

/// What makes the bytes and headers of each attempt.
struct Renderer {
    payload: Bytes,
    id: String,
    delivery_id: Option<String>,
    /// The body carries its time and id.
    stamped: bool,
    queued_ms: i64,
    refreshed: bool,
    signature: &'static str,
    keys: Keys,
}

impl Renderer {
    fn render(&self, now_ms: i64) -> (Bytes, Vec<(String, String)>) {
        let at_ms = if self.refreshed {
            now_ms
        } else {
            self.queued_ms
        };
        let mut body = Vec::with_capacity(self.payload.len() + 110);
        body.extend_from_slice(&self.payload);
        if self.stamped {
            body.extend_from_slice(b",\"timestamp\":\"");
            body.extend_from_slice(iso_millis(at_ms).as_bytes());
            body.extend_from_slice(b"\",\"webhookId\":\"");
            body.extend_from_slice(self.id.as_bytes());
            body.push(b'"');
        }
        body.push(b'}');
        let mut headers = Vec::new();
        let mut header = |name: &str, value: String| headers.push((name.to_owned(), value));
        match self.signature {
            "none" => header("x-ghl-signature", "N/A".to_owned()),
            signature => {
                if signature != "rsa" {
                    header("x-ghl-signature", self.keys.ed25519(&body));
                }
                if signature != "ed25519" {
                    header("x-wh-signature", Keys::rsa(&body));
                }
            }
        }
        if let Some(delivery_id) = &self.delivery_id {
            header("deliveryid", delivery_id.clone());
        }
        (body.into(), headers)
    }
}
