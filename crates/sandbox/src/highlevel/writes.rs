//! The one place where a contact changes, whoever changes it: stored, shown to the index later, logged, told to apps.

use std::sync::Arc;

use serde_json::Value;

use super::State;
use super::accounts::{Identifier, Location};
use super::body::Input;
use super::contact::{Contact, ContactId, Creator, Field};
use super::phone;
use super::store::{Slot, Visible};
use crate::core::Core;
use crate::edits::{Actor, Entry, Operation};
use crate::system::System;

/// Where a contact is.
#[derive(Debug, Clone)]
pub(crate) struct At {
    pub(crate) location_id: String,
    pub(crate) slot: Slot,
}

/// What a write may refuse that its body alone does not show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) refuse_phone: bool,
    pub(crate) refuse_unknown_field: bool,
    pub(crate) refuse_unknown_option: bool,
    pub(crate) lower_email: bool,
    pub(crate) lower_tags: bool,
    pub(crate) drop_birthday: bool,
}

impl Rules {
    /// As the switches stand for a client of the API.
    pub(crate) fn api(core: &Core) -> Self {
        let refuses = |name| core.switches.choice(name) == "refuse";
        Self {
            refuse_phone: refuses("highlevel.invalid_phone"),
            refuse_unknown_field: refuses("highlevel.unknown_custom_field"),
            refuse_unknown_option: refuses("highlevel.unknown_option"),
            drop_birthday: core.switches.flag("highlevel.birthday_dropped"),
            ..Self::person(core)
        }
    }

    /// A person or an import: rewritten alike, never refused.
    pub(crate) fn person(core: &Core) -> Self {
        Self {
            refuse_phone: false,
            refuse_unknown_field: false,
            refuse_unknown_option: false,
            lower_email: core.switches.flag("highlevel.email_lowercased"),
            lower_tags: core.switches.flag("highlevel.tags_lowercased"),
            drop_birthday: false,
        }
    }
}

impl State {
    pub(crate) fn new_contact(core: &Core, now_ms: i64, created_by: Creator) -> Contact {
        Contact::new(
            ContactId::new(core.random.alphanumeric()),
            now_ms,
            created_by,
        )
    }

    /// Where a contact is, deleted or not.
    pub(crate) fn locate(&self, id: &str) -> Option<At> {
        self.locations.values().find_map(|location| {
            let slot = location.contacts.find(id)?;
            Some(At {
                location_id: location.id.clone(),
                slot,
            })
        })
    }

    pub(crate) fn location_mut(&mut self, id: &str) -> &mut Location {
        self.locations
            .get_mut(id)
            .expect("locations are only looked up by ids that were found, and never removed")
    }

    pub(crate) fn location_at(&self, at: &At) -> &Location {
        self.locations
            .get(&at.location_id)
            .expect("locations are never removed")
    }

    pub(crate) fn contact_at(&self, at: &At) -> &Contact {
        self.location_at(at).contacts.get(at.slot)
    }

    /// Stores a new contact.
    pub(crate) fn commit_create(
        &mut self,
        location_id: &str,
        contact: Contact,
        actor: Actor,
        core: &Core,
    ) -> At {
        let now_ms = core.clock.now_ms();
        let visible = visible(actor, now_ms, core);
        let id = contact.id;
        let slot = self
            .location_mut(location_id)
            .contacts
            .insert(contact, visible);
        let at = At {
            location_id: location_id.to_owned(),
            slot,
        };
        log(core, now_ms, actor, Operation::Create, id, Vec::new());
        if self.tells(actor, core) {
            self.emit(&at, "ContactCreate", core);
        }
        at
    }

    /// Replaces a contact by a changed one, and returns the names of the fields that really changed.
    pub(crate) fn commit_update(
        &mut self,
        at: &At,
        mut contact: Contact,
        actor: Actor,
        core: &Core,
    ) -> Vec<Box<str>> {
        let now_ms = core.clock.now_ms();
        let changed = contact.changes_from(self.contact_at(at));
        if !changed.is_empty() || core.switches.flag("highlevel.put_touches") {
            let only_linked = matches!(changed.as_slice(), [only] if &**only == "businessId");
            if !only_linked || core.switches.flag("highlevel.business_link_touches") {
                contact.date_updated = now_ms;
            }
            let visible = visible(actor, now_ms, core);
            let id = contact.id;
            self.location_mut(&at.location_id)
                .contacts
                .replace(at.slot, contact, visible);
            log(core, now_ms, actor, Operation::Update, id, changed.clone());
        } else {
            log(
                core,
                now_ms,
                actor,
                Operation::Update,
                contact.id,
                Vec::new(),
            );
        }
        if self.tells(actor, core) {
            for event in events_of(&changed, core) {
                self.emit(at, event, core);
            }
        }
        changed
    }

    /// Marks a contact as deleted.
    pub(crate) fn commit_delete(&mut self, at: &At, actor: Actor, core: &Core) {
        let mut contact = self.contact_at(at).clone();
        let now_ms = core.clock.now_ms();
        let id = contact.id;
        contact.deleted = Some(now_ms);
        self.location_mut(&at.location_id).contacts.replace(
            at.slot,
            contact,
            visible(actor, now_ms, core),
        );
        log(core, now_ms, actor, Operation::Delete, id, Vec::new());
        if self.tells(actor, core) {
            self.emit(at, "ContactDelete", core);
        }
    }

    /// One contact swallows another: the loser goes, its e-mail and phone live on as additional ones.
    pub(crate) fn commit_merge(&mut self, winner: &At, loser: &At, core: &Core) {
        let now_ms = core.clock.now_ms();
        let mut kept = self.contact_at(winner).clone();
        let mut gone = self.contact_at(loser).clone();
        for field in Field::ALL {
            if kept.text(field).is_none() {
                kept.set_text(field, gone.text(field));
            }
        }
        for email in gone.emails() {
            if !kept.emails().any(|own| own.eq_ignore_ascii_case(email)) {
                kept.additional_emails.push(email.into());
            }
        }
        for phone in gone.phones() {
            if !kept.phones().any(|own| own == phone) {
                kept.additional_phones.push(phone.into());
            }
        }
        for tag in &gone.tags {
            if !kept.tags.contains(tag) {
                kept.tags.push(Arc::clone(tag));
            }
        }
        for (id, value) in &gone.custom_fields {
            if kept.custom_fields.iter().all(|(own, _)| own != id) {
                kept.custom_fields.push((Arc::clone(id), value.clone()));
            }
        }
        kept.birthday = kept.birthday.or(gone.birthday);
        kept.date_updated = now_ms;
        gone.deleted = Some(now_ms);
        gone.merged_into = Some(kept.id);
        let changed = kept.changes_from(self.contact_at(winner));
        let (winner_id, loser_id) = (kept.id, gone.id);
        let shown = visible(Actor::User, now_ms, core);
        let location = self.location_mut(&winner.location_id);
        location.contacts.replace(loser.slot, gone, shown);
        location.contacts.replace(winner.slot, kept, shown);
        log(
            core,
            now_ms,
            Actor::User,
            Operation::Update,
            winner_id,
            changed,
        );
        log(
            core,
            now_ms,
            Actor::User,
            Operation::Merge,
            loser_id,
            Vec::new(),
        );
        if core.switches.choice("highlevel.merge_webhooks") == "update_delete" {
            self.emit(winner, "ContactUpdate", core);
            self.emit(loser, "ContactDelete", core);
        }
    }

    /// Contacts that an identifier leads to.
    pub(crate) fn owner(location: &Location, identifier: Identifier, value: &str) -> Option<Slot> {
        match identifier {
            Identifier::Email => location.contacts.with_email(value).next(),
            Identifier::Phone => location.contacts.with_phone(value).next(),
        }
    }

    /// Whether a change by an actor is told to apps.
    pub(crate) fn tells(&self, actor: Actor, core: &Core) -> bool {
        match actor {
            Actor::User => true,
            Actor::Api => core.switches.flag("highlevel.api_write_webhooks"),
            Actor::Seed => false,
        }
    }
}

/// Applies a body to a contact. Refusals are texts for a 422.
pub(crate) fn apply(
    contact: &mut Contact,
    input: &Input,
    location: &mut Location,
    rules: Rules,
    core: &Core,
) -> Result<(), Vec<String>> {
    let mut errors = Vec::new();
    if let Some(name) = &input.name {
        let (first, last) = match name.as_deref().unwrap_or_default().split_once(' ') {
            Some((first, last)) => (Some(first), Some(last)),
            None => (name.as_deref(), None),
        };
        contact.set_text(Field::FirstName, first);
        contact.set_text(Field::LastName, last);
    }
    for (field, value) in &input.texts {
        match (field, value.as_deref()) {
            (Field::Email, Some(email)) => {
                let stored = if rules.lower_email {
                    email.to_lowercase()
                } else {
                    email.to_owned()
                };
                contact
                    .additional_emails
                    .retain(|own| !own.eq_ignore_ascii_case(&stored));
                contact.set_text(Field::Email, Some(&stored));
            }
            (Field::Phone, Some(sent)) => {
                let country = input.text(Field::Country).or(contact.text(Field::Country));
                let stored = phone::to_e164(sent, country.or(Some(&location.country)));
                if stored.is_none() && rules.refuse_phone {
                    errors.push("phone must be a valid phone number".to_owned());
                }
                let stored = stored.unwrap_or_else(|| sent.to_owned());
                contact.additional_phones.retain(|own| **own != *stored);
                contact.set_text(Field::Phone, Some(&stored));
            }
            (field, value) => contact.set_text(*field, value),
        }
    }
    if let Some(birthday) = input.birthday.filter(|_| !rules.drop_birthday) {
        contact.birthday = birthday;
    }
    if let Some(dnd) = input.dnd {
        contact.dnd = dnd;
    }
    if let Some(settings) = &input.dnd_settings {
        merge_settings(&mut contact.dnd_settings, settings);
    }
    if let Some(settings) = &input.inbound_dnd_settings {
        contact.inbound_dnd_settings = Some(Box::new(settings.clone()));
    }
    if let Some(tags) = &input.tags {
        contact.tags = shared_tags(tags, location, rules, core);
    }
    if let Some(emails) = &input.additional_emails {
        contact.additional_emails = emails.iter().map(|email| email.as_str().into()).collect();
    }
    if let Some(phones) = &input.additional_phones {
        contact.additional_phones = phones.iter().map(|phone| phone.as_str().into()).collect();
    }
    for custom in &input.custom_fields {
        let Some(field) = location.field(&custom.id_or_key) else {
            if rules.refuse_unknown_field {
                errors.push(format!("custom field {} does not exist", custom.id_or_key));
            }
            continue;
        };
        let id = Arc::clone(&field.id);
        match super::fields::stored(field, &custom.value, rules.refuse_unknown_option) {
            Err(error) => errors.push(error),
            Ok(None) => contact.custom_fields.retain(|(own, _)| *own != id),
            Ok(Some(value)) => match contact.custom_fields.iter_mut().find(|(own, _)| *own == id) {
                Some((_, own)) => *own = value,
                None => contact.custom_fields.push((id, value)),
            },
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

/// Tags in order, each once, as the location shares them.
pub(crate) fn shared_tags(
    tags: &[String],
    location: &mut Location,
    rules: Rules,
    core: &Core,
) -> Vec<Arc<str>> {
    let mut kept: Vec<Arc<str>> = Vec::with_capacity(tags.len());
    for tag in tags {
        let tag = tag.trim();
        let name = if rules.lower_tags {
            tag.to_lowercase()
        } else {
            tag.to_owned()
        };
        if !name.is_empty() && kept.iter().all(|own| **own != *name) {
            kept.push(location.tag(&name, core));
        }
    }
    kept
}

fn merge_settings(own: &mut Option<Box<Value>>, settings: &Value) {
    match (own.as_deref_mut(), settings) {
        (Some(Value::Object(own)), Value::Object(settings)) => {
            own.extend(
                settings
                    .iter()
                    .map(|(channel, setting)| (channel.clone(), setting.clone())),
            );
        }
        _ => *own = Some(Box::new(settings.clone())),
    }
}

/// The events that a change sets off.
fn events_of(changed: &[Box<str>], core: &Core) -> Vec<&'static str> {
    let switches = &core.switches;
    let mut events = Vec::new();
    let mut plain = false;
    for field in changed {
        match &**field {
            "tags" => events.push("ContactTagUpdate"),
            "dnd" | "dndSettings" if !events.contains(&"ContactDndUpdate") => {
                events.push("ContactDndUpdate")
            }
            "dnd" | "dndSettings" | "followers" => {}
            "inboundDndSettings" => {
                if !switches.flag("highlevel.inbound_dnd_silent") {
                    events.push("ContactDndUpdate");
                }
            }
            "timezone" if switches.flag("highlevel.timezone_change_silent") => {}
            "businessId" if !switches.flag("highlevel.business_link_webhooks") => {}
            _ => plain = true,
        }
    }
    if plain || (!events.is_empty() && switches.flag("highlevel.tag_change_updates")) {
        events.insert(0, "ContactUpdate");
    }
    events.dedup();
    events
}

/// When the index shows a write: an import at once, anything else after the lag.
pub(crate) fn visible(actor: Actor, now_ms: i64, core: &Core) -> Visible {
    match (actor, core.switches.number("highlevel.search_lag_ms")) {
        (Actor::Seed, _) | (_, ..=0) => Visible::Now,
        (_, lag_ms) => Visible::At(now_ms + lag_ms),
    }
}

pub(crate) fn log(
    core: &Core,
    at_ms: i64,
    actor: Actor,
    operation: Operation,
    id: ContactId,
    fields: Vec<Box<str>>,
) {
    let system = System::HighLevel;
    core.edits.add(Entry {
        at_ms,
        system,
        actor,
        operation,
        entity: "contact",
        id: id.as_str(),
        fields,
    });
}
