//! Businesses through the API: list, read, create, change, delete; which contacts belong to one, and moving them.

use serde_json::{Map, Value, json};

use super::State;
use super::accounts::Location;
use super::business::Business;
use super::contact::{Contact, Creator, Field};
use super::contacts::creator;
use super::errors;
use super::gate::Admitted;
use super::json::{self, Object};
use super::phone;
use super::render::{self, View};
use super::store::Visible;
use super::writes::{self, At};
use crate::clock::iso_millis;
use crate::core::Core;
use crate::edits::{Actor, Entry, Operation};
use crate::system::System;
use crate::vendor::Answer;

type Answered = Result<Answer, Answer>;

/// Who writes a business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// `POST /businesses/`
    Create,
    /// `PUT /businesses/{businessId}`
    Update,
    /// A person in the UI.
    Person,
}

/// A body that fits: fields by their place in [`Business::FIELDS`]; null and the empty string clear.
#[derive(Debug, Default)]
pub(crate) struct Input {
    texts: Vec<(usize, Option<String>)>,
    pub(crate) location_id: Option<String>,
}

/// Reads a body; refusals are texts for a 422.
pub(crate) fn read(
    object: &Map<String, Value>,
    writer: Writer,
    core: &Core,
) -> Result<Input, Vec<String>> {
    let mut input = Input::default();
    let mut errors = Vec::new();
    let clears =
        writer == Writer::Person || core.switches.choice("highlevel.business_null") == "clear";
    for (name, value) in object {
        if let Some(place) = Business::FIELDS.iter().position(|own| own == name) {
            match value {
                Value::String(text) if name == "name" && text.trim().is_empty() => {
                    errors.push("name should not be empty".to_owned());
                }
                Value::String(text) => {
                    let text = text.trim().to_owned();
                    input
                        .texts
                        .push((place, Some(text).filter(|text| !text.is_empty())));
                }
                Value::Null if clears && name != "name" => input.texts.push((place, None)),
                _ => errors.push(format!("{name} must be a string")),
            }
        } else if name == "locationId" && writer != Writer::Update {
            match value.as_str() {
                Some(id) => input.location_id = Some(id.to_owned()),
                None => errors.push("locationId must be a string".to_owned()),
            }
        } else if writer == Writer::Person || core.switches.flag("highlevel.whitelist") {
            errors.push(format!("property {name} should not exist"));
        }
    }
    if writer == Writer::Create && !object.contains_key("name") {
        errors.push("name should not be empty".to_owned());
        errors.push("name must be a string".to_owned());
    }
    if writer == Writer::Create && !object.contains_key("locationId") {
        errors.push("locationId should not be empty".to_owned());
        errors.push("locationId must be a string".to_owned());
    }
    if errors.is_empty() {
        Ok(input)
    } else {
        Err(errors)
    }
}

/// Puts the fields of a body into a business, a number as E.164 where it can be and the switch says so.
pub(crate) fn apply(business: &mut Business, input: &Input, location: &Location, core: &Core) {
    for (place, value) in &input.texts {
        let rewrites = Business::FIELDS[*place] == "phone"
            && core.switches.choice("highlevel.business_phone") == "e164";
        let rewritten = value
            .as_deref()
            .filter(|_| rewrites)
            .and_then(|sent| phone::to_e164(sent, Some(&location.country)));
        business.set(*place, rewritten.as_deref().or(value.as_deref()));
    }
}

impl State {
    pub(crate) fn list_businesses(&mut self, admitted: &Admitted<'_>) -> Answered {
        let location_id = self.own_query(admitted)?;
        let switches = &admitted.core.switches;
        let most = usize::try_from(switches.number("highlevel.business_page_max")).unwrap_or(0);
        let limit = number(admitted, "limit", 100)?.min(most);
        let skip = number(admitted, "skip", 0)?;
        let now_ms = if switches.flag("highlevel.business_list_lags") {
            admitted.now_ms
        } else {
            i64::MAX
        };
        let location = self.location_mut(&location_id);
        let listed = location.businesses.listed(now_ms);
        let listed: Vec<&Business> = if switches.choice("highlevel.business_order") == "newest" {
            listed.rev().skip(skip).take(limit).collect()
        } else {
            listed.skip(skip).take(limit).collect()
        };
        let shown: Vec<Value> = listed
            .into_iter()
            .map(|business| to_json(business, &location_id, admitted.core))
            .collect();
        Ok(Answer::json(200, &json!({"businesses": shown})))
    }

    pub(crate) fn get_business(&mut self, admitted: &Admitted<'_>) -> Answered {
        let (location_id, business) = self.business(admitted)?;
        let shown = to_json(&business, &location_id, admitted.core);
        Ok(Answer::json(200, &json!({"business": shown})))
    }

    pub(crate) fn create_business(&mut self, admitted: &Admitted<'_>) -> Answered {
        let input = body(admitted, Writer::Create)?;
        let location_id = self.own(admitted, input.location_id.as_deref())?;
        let core = admitted.core;
        let location = self.location_mut(&location_id);
        let mut business = Business::new(new_id(core), admitted.now_ms, creator(admitted));
        apply(&mut business, &input, location, core);
        refuse_namesake(location, &business, core)?;
        let shown = to_json(&business, &location_id, core);
        self.commit_business(&location_id, business, Operation::Create, Actor::Api, core);
        Ok(Answer::json(201, &written(shown, core)))
    }

    pub(crate) fn update_business(&mut self, admitted: &Admitted<'_>) -> Answered {
        let (location_id, mut business) = self.business(admitted)?;
        let input = body(admitted, Writer::Update)?;
        let core = admitted.core;
        let location = self.location_mut(&location_id);
        apply(&mut business, &input, location, core);
        refuse_namesake(location, &business, core)?;
        business.updated_by = creator(admitted);
        let id = business.id.clone();
        self.commit_business(&location_id, business, Operation::Update, Actor::Api, core);
        let stored = self.location_mut(&location_id).businesses.get(&id);
        let shown = stored.map(|stored| to_json(stored, &location_id, core));
        Ok(Answer::json(200, &written(json!(shown), core)))
    }

    pub(crate) fn delete_business(&mut self, admitted: &Admitted<'_>) -> Answered {
        let (location_id, business) = self.business(admitted)?;
        self.commit_business(
            &location_id,
            business,
            Operation::Delete,
            Actor::Api,
            admitted.core,
        );
        Ok(Answer::json(200, &json!({"success": true})))
    }

    /// The contacts that point to a business, whether it is there or not, by name and id.
    pub(crate) fn contacts_of_business(&mut self, admitted: &Admitted<'_>) -> Answered {
        let location_id = self.own_query(admitted)?;
        let limit = number(admitted, "limit", 25)?;
        if !(1..=100).contains(&limit) {
            return Err(errors::unprocessable_one(
                "limit must not be greater than 100",
            ));
        }
        let skip = number(admitted, "skip", 0)?;
        let after = admitted.query("startAfter").filter(|_| admitted.v3);
        let after = after.as_deref().and_then(|after| after.rsplit_once(','));
        let text = admitted.query("query").unwrap_or_default().to_lowercase();
        let lags = admitted
            .core
            .switches
            .flag("highlevel.business_contacts_lag");
        let location = self.location_mut(&location_id);
        location.contacts.refresh(admitted.now_ms);
        let location = &*location;
        let fits = |contact: &Contact| {
            contact.text(Field::BusinessId) == Some(admitted.parameter(0))
                && contact.deleted.is_none()
                && has_text(contact, &text)
        };
        let mut found: Vec<(String, &Contact)> = if lags {
            let shown = location.contacts.by_added().iter();
            let shown = shown.filter_map(|(_, slot)| location.contacts.shown(*slot));
            shown.filter(|contact| fits(contact)).map(by_name).collect()
        } else {
            let all = location.contacts.all().iter();
            all.filter(|contact| fits(contact)).map(by_name).collect()
        };
        found.sort_by(|(one, left), (other, right)| (one, left.id).cmp(&(other, right.id)));
        let total = found.len();
        let page = found
            .into_iter()
            .filter(|(name, contact)| {
                after.is_none_or(|after| (name.as_str(), contact.id.as_str()) > after)
            })
            .skip(skip)
            .take(limit);
        let view = View::new(location, admitted.v3, admitted.core);
        let mut out = Vec::with_capacity(limit * 300);
        let mut object = Object::new(&mut out);
        json::list(object.key("contacts"), page, |out, (_, contact)| {
            render::of_business(out, contact, view);
        });
        object.number("count", i64::try_from(total).unwrap_or(i64::MAX));
        object.end();
        Ok(Answer::new(200, "application/json; charset=utf-8", out))
    }

    /// `POST /contacts/bulk/business`: puts contacts into a business, or with null out of theirs.
    pub(crate) fn bulk_business(&mut self, admitted: &Admitted<'_>) -> Answered {
        let core = admitted.core;
        let Bulk {
            location_id,
            ids,
            business_id,
        } = bulk(admitted)?;
        let location_id = self.own(admitted, Some(&location_id))?;
        let location = self.location_mut(&location_id);
        let there = |id: &String| location.businesses.living(id).is_some();
        let stores = core.switches.choice("highlevel.bulk_business_target") == "store";
        if business_id.as_ref().is_some_and(|id| !stores && !there(id)) {
            return Err(errors::unprocessable_one("businessId does not exist"));
        }
        let unknown = core.switches.choice("highlevel.bulk_business_unknown");
        let mut known = Vec::new();
        let mut shown = Vec::new();
        for id in ids {
            let at = self.locate(&id).filter(|at| {
                at.location_id == location_id && self.contact_at(at).deleted.is_none()
            });
            match at {
                Some(at) => known.push(at),
                None if unknown == "refuse" => {
                    return Err(errors::unprocessable_one(&format!(
                        "Contact not found for id:{id}"
                    )));
                }
                None if unknown == "left_out" => continue,
                None => {}
            }
            shown.push(id);
        }
        for at in known {
            self.set_business(&at, business_id.as_deref(), Actor::Api, core);
        }
        Ok(Answer::json(
            admitted.post_status(200, 200),
            &json!({"success": true, "ids": shown}),
        ))
    }

    /// Puts a contact into a business or out of its own, whoever does it.
    pub(crate) fn set_business(&mut self, at: &At, id: Option<&str>, actor: Actor, core: &Core) {
        let mut contact = self.contact_at(at).clone();
        if contact.text(Field::BusinessId) == id {
            let now_ms = core.clock.now_ms();
            writes::log(
                core,
                now_ms,
                actor,
                Operation::Update,
                contact.id,
                Vec::new(),
            );
            return;
        }
        contact.set_text(Field::BusinessId, id);
        if core.switches.flag("highlevel.business_sets_company_name") {
            let business = id.and_then(|id| self.location_at(at).businesses.living(id));
            if let Some(name) = business.and_then(|business| business.text("name")) {
                contact.set_text(Field::CompanyName, Some(name));
            }
        }
        self.commit_update(at, contact, actor, core);
    }

    /// The one place where a business changes, whoever changes it.
    pub(crate) fn commit_business(
        &mut self,
        location_id: &str,
        mut business: Business,
        operation: Operation,
        actor: Actor,
        core: &Core,
    ) {
        let now_ms = core.clock.now_ms();
        let switches = &core.switches;
        let location = self.location_mut(location_id);
        let mut changed = Vec::new();
        let mut moved = true;
        if operation == Operation::Update {
            if let Some(before) = location.businesses.get(&business.id) {
                changed = business.changes_from(before);
            }
            moved = !changed.is_empty();
            if moved || switches.flag("highlevel.put_touches") {
                business.updated_at = now_ms;
            }
        } else if operation == Operation::Delete {
            business.deleted = Some(now_ms);
        }
        let visible_ms = match writes::visible(actor, now_ms, core) {
            Visible::Now => now_ms,
            Visible::At(at_ms) => at_ms,
        };
        location
            .businesses
            .put(business.clone(), now_ms, visible_ms);
        core.edits.add(Entry {
            at_ms: now_ms,
            system: System::HighLevel,
            actor,
            operation,
            entity: "business",
            id: &business.id,
            fields: changed,
        });
        let event = match operation {
            Operation::Create => "RecordCreate",
            Operation::Delete => "RecordDelete",
            Operation::Update | Operation::Merge => "RecordUpdate",
        };
        if moved && self.tells(actor, core) {
            self.emit_business(location_id, &business, event, core);
        }
        if operation == Operation::Delete
            && switches.choice("highlevel.business_delete") == "detach"
        {
            self.detach(location_id, &business.id, actor, core);
        }
    }

    /// The living business of this name, made if there is none: for seeds and acts.
    pub(crate) fn business_named(
        &mut self,
        location_id: &str,
        name: &str,
        actor: Actor,
        core: &Core,
    ) -> String {
        let location = self.location_mut(location_id);
        if let Some(business) = location.businesses.named(name) {
            return business.id.clone();
        }
        let creator = match actor {
            Actor::Seed => Creator::Import,
            Actor::Api | Actor::User => Creator::WebUser,
        };
        let mut business = Business::new(new_id(core), core.clock.now_ms(), creator);
        business.set(0, Some(name));
        let id = business.id.clone();
        self.commit_business(location_id, business, Operation::Create, actor, core);
        id
    }

    fn detach(&mut self, location_id: &str, business_id: &str, actor: Actor, core: &Core) {
        let contacts = self
            .location_mut(location_id)
            .contacts
            .all()
            .iter()
            .zip(0..);
        let slots: Vec<u32> = contacts
            .filter(|(contact, _)| {
                contact.deleted.is_none() && contact.text(Field::BusinessId) == Some(business_id)
            })
            .map(|(_, slot)| slot)
            .collect();
        for slot in slots {
            let at = At {
                location_id: location_id.to_owned(),
                slot,
            };
            self.set_business(&at, None, actor, core);
        }
    }

    /// The living business of the path, if the token may see it, and its location.
    fn business(&self, admitted: &Admitted<'_>) -> Result<(String, Business), Answer> {
        let id = admitted.parameter(0);
        let found = self.locations.values().find_map(|location| {
            let business = location.businesses.get(id)?;
            Some((location.id.clone(), business))
        });
        let status = admitted.core.switches.choice("highlevel.unknown_business");
        let (location_id, business) = found.ok_or_else(|| errors::no_business(id, status))?;
        if admitted.own_location() != Some(&location_id) {
            return Err(errors::wrong_location());
        }
        if business.deleted.is_some() {
            return Err(errors::no_business(id, status));
        }
        Ok((location_id, business.clone()))
    }
}

/// A business with all that the vendor shows of it.
pub(crate) fn to_json(business: &Business, location_id: &str, core: &Core) -> Value {
    let by = |creator: Creator, at_ms: i64| {
        let (source, channel) = render::made_by(creator);
        json!({"source": source, "channel": channel, "timestamp": iso_millis(at_ms)})
    };
    let mut shown = json!({
        "id": business.id,
        "locationId": location_id,
        "createdBy": by(business.created_by, business.created_at),
        "updatedBy": by(business.updated_by, business.updated_at),
        "createdAt": iso_millis(business.created_at),
        "updatedAt": iso_millis(business.updated_at),
    });
    let nulls = core.switches.choice("highlevel.business_empty_fields") == "null";
    for field in Business::FIELDS {
        match business.text(field) {
            Some(text) => shown[field] = text.into(),
            None if nulls => shown[field] = Value::Null,
            None => {}
        }
    }
    shown
}

/// The answer to a write; its key is misspelt by the vendor.
fn written(shown: Value, core: &Core) -> Value {
    let mut answer = json!({"success": true});
    let spelling = core.switches.choice("highlevel.business_spelling");
    for key in ["buiseness", "business"] {
        if spelling == "both" || spelling == key {
            answer[key] = shown.clone();
        }
    }
    answer
}

pub(crate) fn new_id(core: &Core) -> String {
    let bytes = core.random.bytes::<12>();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn by_name(contact: &Contact) -> (String, &Contact) {
    let name = contact.name().unwrap_or_default().to_lowercase();
    (name, contact)
}

/// Part of the name, an e-mail address or a phone number, in small letters.
fn has_text(contact: &Contact, text: &str) -> bool {
    by_name(contact).0.contains(text)
        || contact
            .emails()
            .any(|own| own.to_lowercase().contains(text))
        || contact.phones().any(|own| own.contains(text))
}

fn refuse_namesake(location: &Location, business: &Business, core: &Core) -> Result<(), Answer> {
    let name = business.text("name").unwrap_or_default();
    let other = location.businesses.named(name);
    let taken = other.is_some_and(|other| other.id != business.id);
    if taken && core.switches.choice("highlevel.business_same_name") == "refuse" {
        return Err(errors::bad_request(
            "A business with this name already exists",
        ));
    }
    Ok(())
}

fn body(admitted: &Admitted<'_>, writer: Writer) -> Result<Input, Answer> {
    let Ok(Value::Object(object)) = serde_json::from_slice(admitted.call.body) else {
        return Err(errors::not_json(admitted.call.body));
    };
    read(&object, writer, admitted.core).map_err(|messages| errors::unprocessable(&messages))
}

fn number(admitted: &Admitted<'_>, name: &str, default: usize) -> Result<usize, Answer> {
    match admitted.query(name) {
        None => Ok(default),
        Some(text) => text
            .parse()
            .map_err(|_| errors::unprocessable_one(&format!("{name} must be a number string"))),
    }
}

struct Bulk {
    location_id: String,
    ids: Vec<String>,
    business_id: Option<String>,
}

fn bulk(admitted: &Admitted<'_>) -> Result<Bulk, Answer> {
    let Ok(Value::Object(body)) = serde_json::from_slice(admitted.call.body) else {
        return Err(errors::not_json(admitted.call.body));
    };
    let mut messages: Vec<String> = body
        .keys()
        .filter(|name| !["locationId", "ids", "businessId"].contains(&name.as_str()))
        .filter(|_| admitted.core.switches.flag("highlevel.whitelist"))
        .map(|name| format!("property {name} should not exist"))
        .collect();
    let location_id = body.get("locationId").and_then(Value::as_str);
    if location_id.is_none() {
        messages.push("locationId must be a string".to_owned());
    }
    let ids: Option<Vec<String>> = body.get("ids").and_then(Value::as_array).and_then(|ids| {
        let texts = ids.iter().map(|id| id.as_str().map(str::to_owned));
        texts.collect()
    });
    let most = admitted
        .core
        .switches
        .number("highlevel.bulk_business_size");
    match &ids {
        None => messages.push("each value in ids must be a string".to_owned()),
        Some(ids) if i64::try_from(ids.len()).is_ok_and(|count| count > most) => {
            messages.push(format!("ids must contain no more than {most} elements"));
        }
        Some(_) => {}
    }
    let business_id = match body.get("businessId") {
        Some(Value::Null) => None,
        Some(Value::String(id)) => Some(id.clone()),
        _ => {
            messages.push("businessId must be a string".to_owned());
            None
        }
    };
    match (location_id, ids) {
        (Some(location_id), Some(ids)) if messages.is_empty() => Ok(Bulk {
            location_id: location_id.to_owned(),
            ids,
            business_id,
        }),
        _ => Err(errors::unprocessable(&messages)),
    }
}
