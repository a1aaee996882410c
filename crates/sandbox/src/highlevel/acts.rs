//! What a person does in HighLevel's UI, for the control API; settings and the developer portal are in `portal`.

use serde_json::{Value, json};

use super::State;
use super::accounts::Location;
use super::apps::Subject;
use super::body::{self, Dto, Strictness};
use super::business::Business;
use super::businesses::{self, Writer};
use super::contact::Creator;
use super::fields;
use super::portal::{all_scopes, new_app, scopes};
use super::tags;
use super::writes::{self, At, Rules};
use crate::clock::iso_millis;
use crate::core::Core;
use crate::edits::{Actor, Operation};
use crate::vendor::ActError;

pub(crate) type Done = Result<Value, ActError>;

/// Every act, for the error that names them all; `docs/sandbox.md` explains each.
const ACTS: [&str; 41] = [
    "access",
    "add_field",
    "add_tags",
    "change_thing",
    "configure_app",
    "create_app",
    "create_business",
    "create_contact",
    "create_item",
    "create_location",
    "create_private_token",
    "delete_business",
    "delete_contact",
    "delete_item",
    "delete_thing",
    "edit_business",
    "edit_contact",
    "edit_item",
    "edit_user",
    "expire_private_token",
    "expire_tokens",
    "get_business",
    "get_contact",
    "happen",
    "install",
    "items",
    "make_thing",
    "merge_contacts",
    "remove_field",
    "remove_tags",
    "rename_field",
    "restore_contact",
    "revoke_tokens",
    "rotate_private_token",
    "set_business",
    "set_field_active",
    "set_location",
    "set_scopes",
    "things",
    "uninstall",
    "webhook_keys",
];

impl State {
    /// Somebody of the agency gets another e-mail address.
    fn person_edits_user(&mut self, input: &Value) -> Done {
        let (id, email) = (text(input, "id")?, text(input, "email")?);
        let user = self.users.iter_mut().find(|user| user.id == id);
        let user = user.ok_or_else(|| ActError::missing("user", id))?;
        user.email = email;
        Ok(user.to_json())
    }

    pub(crate) fn perform(&mut self, act: &str, input: &Value, core: &Core) -> Done {
        match act {
            "access" => Ok(self.access()),
            "webhook_keys" => self.webhook_keys(input),
            "edit_user" => self.person_edits_user(input),
            "create_contact" => self.person_creates(input, core),
            "get_contact" => {
                let at = self.contact_of(input, "id")?;
                self.dumped(&at)
            }
            "edit_contact" => self.person_edits(input, core),
            "delete_contact" => {
                let at = self.living(input, "id")?;
                self.commit_delete(&at, Actor::User, core);
                self.dumped(&at)
            }
            "restore_contact" => self.person_restores(input, core),
            "create_business" => self.person_makes_business(input, core),
            "get_business" => {
                let (location_id, business) = self.business_of(input, "id")?;
                Ok(dumped_business(business, &location_id, core))
            }
            "edit_business" => self.person_edits_business(input, core),
            "delete_business" => {
                let (location_id, business) = self.living_business(input, "id")?;
                let operation = Operation::Delete;
                let (id, business) = (business.id.clone(), business.clone());
                self.commit_business(&location_id, business, operation, Actor::User, core);
                self.shown_business(&id, core)
            }
            "set_business" => self.person_sets_business(input, core),
            "create_item" | "edit_item" | "delete_item" | "items" => {
                self.person_item(act, input, core)
            }
            "merge_contacts" => self.person_merges(input, core),
            "add_tags" | "remove_tags" => self.person_tags(input, act == "add_tags", core),
            "make_thing" | "change_thing" | "delete_thing" | "things" => {
                self.person_with_thing(act, input, core)
            }
            "add_field" => {
                let location = self.location_of(input)?;
                fields::new_field(location, input, core)
                    .map_err(|errors| ActError::Input(errors.join(", ")))
            }
            "remove_field" | "set_field_active" | "rename_field" => self.change_field(act, input),
            "create_location" => {
                let name = text(input, "name")?;
                let location = Location::new(
                    core.random.text::<20>(),
                    &name,
                    input["country"].as_str().unwrap_or("DE"),
                );
                let shown = location.to_json(&self.company.id);
                let id = location.id.clone();
                self.locations.insert(id.clone(), location);
                self.tell_of_location(&id, true, core);
                Ok(shown)
            }
            "set_location" => {
                let shown = self.set_location(input)?;
                let id = self.location_of(input)?.id.clone();
                self.tell_of_location(&id, false, core);
                Ok(shown)
            }
            "happen" => self.happen(input, core),
            "create_app" => {
                let app = new_app(&text(input, "name")?, core);
                let client_id = app.client_id.clone();
                self.apps.push(app);
                self.configure_app(&client_id, input)
            }
            "configure_app" => {
                let client_id = self.client_of(input);
                self.configure_app(&client_id, input)
            }
            "install" | "uninstall" => self.change_installation(act == "install", input, core),
            "set_scopes" => self.set_scopes(input),
            "revoke_tokens" => {
                let (client_id, subject) = (self.client_of(input), self.subject_of(input)?);
                let revoked = self.tokens.revoke(&client_id, |own| {
                    subject.as_ref().is_none_or(|subject| subject == own)
                });
                Ok(json!({"revoked": revoked}))
            }
            "expire_tokens" => self.expire_tokens(input, core),
            "create_private_token" => {
                let subject = self
                    .subject_of(input)?
                    .unwrap_or(Subject::Location(self.main_location.as_str().into()));
                let scopes = scopes(&input["scopes"]).unwrap_or_else(all_scopes);
                Ok(json!({"token": self.new_private_token(subject, scopes, core)}))
            }
            "rotate_private_token" => self.rotate_private_token(input, core),
            "expire_private_token" => {
                let token = text(input, "token")?;
                match self.tokens.access.remove(&token) {
                    Some(_) => Ok(json!({"expired": true})),
                    None => Err(ActError::missing("private token", "(not shown)")),
                }
            }
            _ => Err(ActError::Unknown {
                system: "highlevel",
                act: act.to_owned(),
                known: ACTS.join(", "),
            }),
        }
    }

    fn person_creates(&mut self, input: &Value, core: &Core) -> Done {
        let object = input
            .as_object()
            .ok_or_else(|| ActError::Input("a contact is an object".to_owned()))?;
        let read = body::read_object(object, PERSON)
            .map_err(|errors| ActError::Input(errors.join(", ")))?;
        let location_id = read
            .location_id
            .clone()
            .unwrap_or_else(|| self.main_location.clone());
        let location = self
            .locations
            .get_mut(&location_id)
            .ok_or_else(|| ActError::missing("location", &location_id))?;
        let mut contact = Self::new_contact(core, core.clock.now_ms(), Creator::WebUser);
        writes::apply(&mut contact, &read, location, Rules::person(core), core)
            .map_err(|errors| ActError::Input(errors.join(", ")))?;
        self.put_into_business(&mut contact, &read, &location_id, Actor::User, core);
        let at = self.commit_create(&location_id, contact, Actor::User, core);
        self.dumped(&at)
    }

    fn person_edits(&mut self, input: &Value, core: &Core) -> Done {
        let at = self.living(input, "id")?;
        let object = input["fields"]
            .as_object()
            .ok_or_else(|| ActError::Input("fields is an object".to_owned()))?;
        let read = body::read_object(object, PERSON)
            .map_err(|errors| ActError::Input(errors.join(", ")))?;
        let mut contact = self.contact_at(&at).clone();
        let location = self.location_mut(&at.location_id);
        writes::apply(&mut contact, &read, location, Rules::person(core), core)
            .map_err(|errors| ActError::Input(errors.join(", ")))?;
        self.put_into_business(&mut contact, &read, &at.location_id, Actor::User, core);
        self.commit_update(&at, contact, Actor::User, core);
        self.dumped(&at)
    }

    fn person_makes_business(&mut self, input: &Value, core: &Core) -> Done {
        let object = input
            .as_object()
            .ok_or_else(|| ActError::Input("a business is an object".to_owned()))?;
        let read = businesses::read(object, Writer::Person, core)
            .map_err(|errors| ActError::Input(errors.join(", ")))?;
        let location = self.location_of(input)?;
        let location_id = location.id.clone();
        let now_ms = core.clock.now_ms();
        let mut business = Business::new(businesses::new_id(core), now_ms, Creator::WebUser);
        businesses::apply(&mut business, &read, location, core);
        if business.text("name").is_none() {
            return Err(ActError::Input("name is missing".to_owned()));
        }
        let id = business.id.clone();
        self.commit_business(&location_id, business, Operation::Create, Actor::User, core);
        self.shown_business(&id, core)
    }

    fn person_edits_business(&mut self, input: &Value, core: &Core) -> Done {
        let (location_id, business) = self.living_business(input, "id")?;
        let mut business = business.clone();
        let object = input["fields"]
            .as_object()
            .ok_or_else(|| ActError::Input("fields is an object".to_owned()))?;
        let read = businesses::read(object, Writer::Person, core)
            .map_err(|errors| ActError::Input(errors.join(", ")))?;
        businesses::apply(&mut business, &read, self.location_mut(&location_id), core);
        business.updated_by = Creator::WebUser;
        let id = business.id.clone();
        self.commit_business(&location_id, business, Operation::Update, Actor::User, core);
        self.shown_business(&id, core)
    }

    fn person_sets_business(&mut self, input: &Value, core: &Core) -> Done {
        let at = self.living(input, "id")?;
        let id = match &input["businessId"] {
            Value::Null => None,
            _ => {
                let (location_id, business) = self.living_business(input, "businessId")?;
                if location_id != at.location_id {
                    return Err(ActError::missing("business", &business.id));
                }
                Some(business.id.clone())
            }
        };
        self.set_business(&at, id.as_deref(), Actor::User, core);
        self.dumped(&at)
    }

    fn business_of(&self, input: &Value, name: &str) -> Result<(String, &Business), ActError> {
        let id = text(input, name)?;
        let mut locations = self.locations.values();
        locations
            .find_map(|location| Some((location.id.clone(), location.businesses.get(&id)?)))
            .ok_or_else(|| ActError::missing("business", id))
    }

    fn living_business(&self, input: &Value, name: &str) -> Result<(String, &Business), ActError> {
        let (location_id, business) = self.business_of(input, name)?;
        if business.deleted.is_some() {
            return Err(ActError::missing("business", &business.id));
        }
        Ok((location_id, business))
    }

    fn shown_business(&self, id: &str, core: &Core) -> Done {
        let (location_id, business) = self.business_of(&json!({"id": id}), "id")?;
        Ok(dumped_business(business, &location_id, core))
    }

    fn person_restores(&mut self, input: &Value, core: &Core) -> Done {
        let at = self.contact_of(input, "id")?;
        let mut contact = self.contact_at(&at).clone();
        if contact.deleted.take().is_none() {
            return Err(ActError::Input("the contact is not deleted".to_owned()));
        }
        contact.merged_into = None;
        self.commit_update(&at, contact, Actor::User, core);
        self.emit(&at, "ContactCreate", core);
        self.dumped(&at)
    }

    fn person_merges(&mut self, input: &Value, core: &Core) -> Done {
        let winner = self.living(input, "winner")?;
        let loser = self.living(input, "loser")?;
        if winner.location_id != loser.location_id || winner.slot == loser.slot {
            return Err(ActError::Input(
                "two contacts of one location can be merged".to_owned(),
            ));
        }
        self.commit_merge(&winner, &loser, core);
        self.dumped(&winner)
    }

    fn person_tags(&mut self, input: &Value, add: bool, core: &Core) -> Done {
        let at = self.living(input, "id")?;
        let names = strings(&input["tags"])
            .ok_or_else(|| ActError::Input("tags is a list of texts".to_owned()))?;
        let rules = Rules::person(core);
        let mut contact = self.contact_at(&at).clone();
        if add {
            for tag in writes::shared_tags(&names, self.location_mut(&at.location_id), rules, core)
            {
                if !contact.tags.contains(&tag) {
                    contact.tags.push(tag);
                }
            }
        } else {
            contact.tags.retain(|own| {
                !names
                    .iter()
                    .any(|name| tags::is(own, name, rules.lower_tags))
            });
        }
        self.commit_update(&at, contact, Actor::User, core);
        self.dumped(&at)
    }

    fn change_field(&mut self, act: &str, input: &Value) -> Done {
        let id = text(input, "id")?;
        let location = self.location_of(input)?;
        let found = location
            .fields
            .iter()
            .position(|field| *field.id == *id || field.key == id);
        let place = found.ok_or_else(|| ActError::missing("custom field", &id))?;
        let location_id = location.id.clone();
        let field = &mut location.fields[place];
        match act {
            "rename_field" => field.name = text(input, "name")?,
            "set_field_active" => field.active = input["active"] == true,
            _ => {
                // Values stay on the contacts, as dead weight that no read shows.
                let removed = location.fields.remove(place);
                return Ok(removed.to_json(&location_id));
            }
        }
        let mut shown = field.to_json(&location_id);
        shown["active"] = json!(field.active);
        Ok(shown)
    }

    pub(crate) fn location_of(&mut self, input: &Value) -> Result<&mut Location, ActError> {
        let id = input["locationId"]
            .as_str()
            .map_or_else(|| self.main_location.clone(), str::to_owned);
        self.locations
            .get_mut(&id)
            .ok_or_else(|| ActError::missing("location", id))
    }

    fn contact_of(&self, input: &Value, name: &str) -> Result<At, ActError> {
        let id = text(input, name)?;
        self.locate(&id)
            .ok_or_else(|| ActError::missing("contact", id))
    }

    pub(super) fn living(&self, input: &Value, name: &str) -> Result<At, ActError> {
        let at = self.contact_of(input, name)?;
        let contact = self.contact_at(&at);
        if contact.deleted.is_some() {
            Err(ActError::missing("contact", contact.id.as_str()))
        } else {
            Ok(at)
        }
    }

    fn dumped(&self, at: &At) -> Done {
        let mut out = Vec::new();
        super::render::dump(&mut out, self.contact_at(at), self.location_at(at));
        serde_json::from_slice(&out).map_err(|error| ActError::Input(error.to_string()))
    }
}

/// Everything the sandbox knows of a business.
pub(crate) fn dumped_business(business: &Business, location_id: &str, core: &Core) -> Value {
    let mut shown = businesses::to_json(business, location_id, core);
    if let Some(at_ms) = business.deleted {
        shown["deletedAt"] = json!(iso_millis(at_ms));
    }
    shown
}

const PERSON: Strictness = Strictness {
    dto: Dto::Person,
    v3: false,
    whitelist: true,
    custom_names: "documented",
};

pub(crate) fn strings(value: &Value) -> Option<Vec<String>> {
    value
        .as_array()?
        .iter()
        .map(|entry| entry.as_str().map(str::to_owned))
        .collect()
}

pub(crate) fn text(input: &Value, name: &str) -> Result<String, ActError> {
    input[name]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| ActError::Input(format!("{name} is missing")))
}
