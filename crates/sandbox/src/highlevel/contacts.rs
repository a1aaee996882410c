//! Creating, reading, changing, deleting and upserting contacts.

use serde_json::{Value, json};

use super::State;
use super::accounts::{Identifier, Location};
use super::apps::Origin;
use super::body::{self, Dto, Input, Strictness};
use super::contact::{Contact, Creator, Field};
use super::errors;
use super::gate::Admitted;
use super::json::Object;
use super::phone;
use super::render::{self, View};
use super::store::Slot;
use super::writes::{self, At, Rules};
use crate::core::Core;
use crate::edits::Actor;
use crate::vendor::{ActError, Answer};

type Answered = Result<Answer, Answer>;

impl State {
    pub(crate) fn create_contact(&mut self, admitted: &Admitted<'_>) -> Answered {
        let input = body::read(admitted.call.body, strictness(admitted, Dto::Create))?;
        let location_id = self.own(admitted, input.location_id.as_deref())?;
        let core = admitted.core;
        let location = self.location_mut(&location_id);
        let mut contact = Self::new_contact(core, admitted.now_ms, creator(admitted));
        contact.set_text(Field::Source, Some("public api"));
        writes::apply(&mut contact, &input, location, Rules::api(core), core)
            .map_err(|messages| errors::unprocessable(&messages))?;
        if !location.allow_duplicates {
            refuse_duplicate(location, &contact, None, core)?;
        }
        let at = self.commit_create(&location_id, contact, Actor::Api, core);
        self.creates += 1;
        let every = core.switches.number("highlevel.create_422_every");
        if every > 0 && self.creates % every == 0 {
            return Err(errors::unprocessable_one("Unable to create contact"));
        }
        Ok(self.show(&at, admitted, 201, render::created, |_| {}))
    }

    pub(crate) fn get_contact(&mut self, admitted: &Admitted<'_>) -> Answered {
        let at = self.at(admitted, admitted.parameter(0))?;
        Ok(self.show(&at, admitted, 200, render::full, |_| {}))
    }

    pub(crate) fn update_contact(&mut self, admitted: &Admitted<'_>) -> Answered {
        let at = self.at(admitted, admitted.parameter(0))?;
        let input = body::read(admitted.call.body, strictness(admitted, Dto::Update))?;
        let core = admitted.core;
        let mut contact = self.contact_at(&at).clone();
        let location = self.location_mut(&at.location_id);
        let tags = contact.tags.clone();
        writes::apply(&mut contact, &input, location, Rules::api(core), core)
            .map_err(|messages| errors::unprocessable(&messages))?;
        if core.switches.choice("highlevel.put_tags") == "merge" {
            let added = std::mem::replace(&mut contact.tags, tags);
            for tag in added {
                if !contact.tags.contains(&tag) {
                    contact.tags.push(tag);
                }
            }
        }
        if !location.allow_duplicates {
            let before = location.contacts.get(at.slot);
            let moved = |field| contact.text(field) != before.text(field);
            if moved(Field::Email) || moved(Field::Phone) {
                refuse_duplicate(location, &contact, Some(at.slot), core)?;
            }
        }
        self.commit_update(&at, contact, Actor::Api, core);
        let v3 = admitted.v3;
        Ok(self.show(&at, admitted, 200, render::full, |object| {
            object.flag("succeeded", true);
            if !v3 {
                object.flag("succeded", true);
            }
        }))
    }

    pub(crate) fn delete_contact(&mut self, admitted: &Admitted<'_>) -> Answered {
        let at = self.at(admitted, admitted.parameter(0))?;
        self.commit_delete(&at, Actor::Api, admitted.core);
        let body = match admitted.core.switches.choice("highlevel.delete_spelling") {
            "succeded" => json!({"succeded": true}),
            "succeeded" => json!({"succeeded": true}),
            _ => json!({"succeded": true, "succeeded": true}),
        };
        Ok(Answer::json(200, &body))
    }

    pub(crate) fn upsert_contact(&mut self, admitted: &Admitted<'_>) -> Answered {
        let mut input = body::read(admitted.call.body, strictness(admitted, Dto::Upsert))?;
        let location_id = self.own(admitted, input.location_id.as_deref())?;
        let core = admitted.core;
        let rules = Rules::api(core);
        let location = self.location_mut(&location_id);
        let always_new = input.create_new_if_duplicate_allowed && location.allow_duplicates;
        let found = if always_new {
            None
        } else {
            meet(location, &mut input, core)?
        };
        let (at, new) = match found {
            Some(slot) => {
                if core.switches.flag("highlevel.upsert_drops_gender") {
                    input.drop_text(Field::Gender);
                }
                let mut contact = location.contacts.get(slot).clone();
                secondary_email(&contact, &mut input, core);
                writes::apply(&mut contact, &input, location, rules, core)
                    .map_err(|messages| errors::unprocessable(&messages))?;
                let at = At { location_id, slot };
                self.commit_update(&at, contact, Actor::Api, core);
                (at, false)
            }
            None => {
                let mut contact = Self::new_contact(core, admitted.now_ms, creator(admitted));
                contact.set_text(Field::Source, Some("public api"));
                writes::apply(&mut contact, &input, location, rules, core)
                    .map_err(|messages| errors::unprocessable(&messages))?;
                (
                    self.commit_create(&location_id, contact, Actor::Api, core),
                    true,
                )
            }
        };
        let status = admitted.post_status(200, 200);
        Ok(self.show(&at, admitted, status, render::full, |object| {
            object.flag("new", new);
            object.flag("succeded", true);
        }))
    }

    /// Fills in one record without limits, webhooks or duplicate checks.
    pub(crate) fn seed_contact(&mut self, record: &Value, core: &Core) -> Result<String, ActError> {
        let record = record
            .as_object()
            .ok_or_else(|| ActError::Input(format!("{record} is no object")))?;
        let strictness = Strictness {
            dto: Dto::Person,
            v3: false,
            whitelist: true,
            custom_names: "documented",
        };
        let input = body::read_object(record, strictness)
            .map_err(|errors| ActError::Input(errors.join(", ")))?;
        let location_id = input
            .location_id
            .clone()
            .unwrap_or_else(|| self.main_location.clone());
        let location = self
            .locations
            .get_mut(&location_id)
            .ok_or_else(|| ActError::missing("location", &location_id))?;
        let mut contact = Self::new_contact(core, core.clock.now_ms(), Creator::Import);
        writes::apply(&mut contact, &input, location, Rules::person(core), core)
            .map_err(|errors| ActError::Input(errors.join(", ")))?;
        self.put_into_business(&mut contact, &input, &location_id, Actor::Seed, core);
        let at = self.commit_create(&location_id, contact, Actor::Seed, core);
        Ok(self.contact_at(&at).id.to_string())
    }

    /// The business that a seed or an act names, found or made; null is none.
    pub(crate) fn put_into_business(
        &mut self,
        contact: &mut Contact,
        input: &Input,
        location_id: &str,
        actor: Actor,
        core: &Core,
    ) {
        if let Some(name) = &input.business_name {
            let name = name.as_deref();
            let id = name.map(|name| self.business_named(location_id, name, actor, core));
            contact.set_text(Field::BusinessId, id.as_deref());
        }
    }

    /// The location named in a body, if the token is for it.
    pub(crate) fn own(
        &self,
        admitted: &Admitted<'_>,
        named: Option<&str>,
    ) -> Result<String, Answer> {
        match (admitted.own_location(), named) {
            (Some(own), Some(named)) if own == named && self.locations.contains_key(named) => {
                Ok(named.to_owned())
            }
            _ => Err(errors::wrong_location()),
        }
    }

    /// The location named in the query. Leaving it out is answered like a wrong one.
    pub(crate) fn own_query(&self, admitted: &Admitted<'_>) -> Result<String, Answer> {
        self.own(admitted, admitted.query("locationId").as_deref())
    }

    /// A contact that is there and in the token's location.
    pub(crate) fn at(&self, admitted: &Admitted<'_>, id: &str) -> Result<At, Answer> {
        let status = if admitted.core.switches.choice("highlevel.unknown_contact") == "404" {
            404
        } else {
            400
        };
        let at = self
            .locate(id)
            .ok_or_else(|| errors::no_contact(id, status))?;
        if admitted.own_location() != Some(&at.location_id) {
            return Err(errors::wrong_location());
        }
        if self.contact_at(&at).deleted.is_some() {
            return Err(errors::no_contact(id, status));
        }
        Ok(at)
    }

    fn show(
        &self,
        at: &At,
        admitted: &Admitted<'_>,
        status: u16,
        render: impl Fn(&mut Vec<u8>, &Contact, View<'_>),
        beside: impl FnOnce(&mut Object<'_>),
    ) -> Answer {
        let location = self.location_at(at);
        let mut out = Vec::with_capacity(1_024);
        let mut object = Object::new(&mut out);
        beside(&mut object);
        render(
            object.key("contact"),
            location.contacts.get(at.slot),
            View::new(location, admitted.v3, admitted.core),
        );
        object.end();
        Answer::new(status, "application/json; charset=utf-8", out)
    }
}

fn strictness(admitted: &Admitted<'_>, dto: Dto) -> Strictness {
    Strictness {
        dto,
        v3: admitted.v3,
        whitelist: admitted.core.switches.flag("highlevel.whitelist"),
        custom_names: admitted
            .core
            .switches
            .choice("highlevel.custom_field_input"),
    }
}

pub(crate) fn creator(admitted: &Admitted<'_>) -> Creator {
    match admitted.access.origin {
        Origin::App(_) => Creator::OAuth,
        Origin::Private => Creator::PrivateIntegration,
    }
}

/// Refuses a contact whose e-mail or phone another one has.
fn refuse_duplicate(
    location: &Location,
    contact: &Contact,
    itself: Option<Slot>,
    core: &Core,
) -> Result<(), Answer> {
    for identifier in &location.identifiers {
        let field = match identifier {
            Identifier::Email => Field::Email,
            Identifier::Phone => Field::Phone,
        };
        let Some(value) = contact.text(field) else {
            continue;
        };
        let other = match identifier {
            Identifier::Email => location
                .contacts
                .with_email(value)
                .find(|slot| Some(*slot) != itself),
            Identifier::Phone => location
                .contacts
                .with_phone(value)
                .find(|slot| Some(*slot) != itself),
        };
        if let Some(other) = other {
            let other = location.contacts.get(other);
            return Err(errors::duplicate(
                other.id.as_str(),
                identifier.name(),
                other.name().as_deref(),
                core.switches.choice("highlevel.duplicate_answer"),
            ));
        }
    }
    Ok(())
}

/// The contact that an upsert meets, by the location's identifiers in order. An identifier that leads to another
/// contact is dropped from the input without a word, or refused, as the switch says.
fn meet(location: &Location, input: &mut Input, core: &Core) -> Result<Option<Slot>, Answer> {
    let mut met: Option<Slot> = None;
    for identifier in location.identifiers.clone() {
        let (field, value) = match identifier {
            Identifier::Email => (Field::Email, input.text(Field::Email).map(str::to_owned)),
            Identifier::Phone => {
                let country = input.text(Field::Country).unwrap_or(&location.country);
                (
                    Field::Phone,
                    input
                        .text(Field::Phone)
                        .and_then(|phone| phone::to_e164(phone, Some(country))),
                )
            }
        };
        let Some(owner) = value.and_then(|value| State::owner(location, identifier, &value)) else {
            continue;
        };
        match met {
            None => met = Some(owner),
            Some(first) if first == owner => {}
            Some(_)
                if core
                    .switches
                    .flag("highlevel.upsert_second_identifier_ignored") =>
            {
                input.drop_text(field)
            }
            Some(_) => {
                let other = location.contacts.get(owner);
                return Err(errors::duplicate(
                    other.id.as_str(),
                    identifier.name(),
                    other.name().as_deref(),
                    core.switches.choice("highlevel.duplicate_answer"),
                ));
            }
        }
    }
    Ok(met)
}

/// An upsert by a secondary e-mail: it becomes the primary one and the old one is lost, or nothing, as the switch
/// says.
fn secondary_email(contact: &Contact, input: &mut Input, core: &Core) {
    let promotes = core.switches.flag("highlevel.upsert_promotes_secondary");
    let Some(email) = input.text(Field::Email) else {
        return;
    };
    let secondary = contact
        .additional_emails
        .iter()
        .any(|own| own.eq_ignore_ascii_case(email));
    if secondary && !promotes {
        input.drop_text(Field::Email);
    }
}
