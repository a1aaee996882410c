//! What a person does in HighLevel's UI and in the developer portal, for the control API.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::State;
use super::accounts::{Identifier, Location};
use super::apps::{App, Origin, SCOPES, Subject};
use super::body::{self, Dto, Strictness};
use super::contact::Creator;
use super::events::CONTACT_EVENTS;
use super::fields;
use super::signing::Keys;
use super::tags;
use super::writes::{self, At, Rules};
use crate::core::Core;
use crate::edits::Actor;
use crate::vendor::ActError;

type Done = Result<Value, ActError>;

/// Every act, for the error that names them all; `docs/sandbox.md` explains each.
const ACTS: [&str; 26] = [
    "access",
    "add_field",
    "add_tags",
    "configure_app",
    "create_app",
    "create_contact",
    "create_location",
    "create_private_token",
    "delete_contact",
    "edit_contact",
    "expire_private_token",
    "expire_tokens",
    "get_contact",
    "install",
    "merge_contacts",
    "remove_field",
    "remove_tags",
    "rename_field",
    "restore_contact",
    "revoke_tokens",
    "rotate_private_token",
    "set_field_active",
    "set_location",
    "set_scopes",
    "uninstall",
    "webhook_keys",
];

impl State {
    pub(crate) fn perform(&mut self, act: &str, input: &Value, core: &Core) -> Done {
        match act {
            "access" => Ok(self.access()),
            "webhook_keys" => self.webhook_keys(input),
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
            "merge_contacts" => self.person_merges(input, core),
            "add_tags" | "remove_tags" => self.person_tags(input, act == "add_tags", core),
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
                self.locations.insert(location.id.clone(), location);
                Ok(shown)
            }
            "set_location" => self.set_location(input),
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

    /// Everything that a person needs to connect: ids, secrets, tokens, keys.
    fn access(&self) -> Value {
        let private = |wanted: &Subject| {
            let mut own: Vec<&String> = self
                .tokens
                .access
                .iter()
                .filter(|(_, access)| access.origin == Origin::Private && access.subject == *wanted)
                .map(|(token, _)| token)
                .collect();
            own.sort();
            own.first().map(|token| (*token).clone())
        };
        let locations: Vec<Value> = self
            .locations
            .values()
            .map(|location| json!({"id": location.id, "name": location.name}))
            .collect();
        json!({
            "companyId": self.company.id,
            "mainLocationId": self.main_location,
            "locations": locations,
            "apps": self.apps.iter().map(app_json).collect::<Vec<_>>(),
            "clientId": self.apps[0].client_id,
            "clientSecret": self.apps[0].client_secret,
            "privateToken": private(&Subject::Location(self.main_location.as_str().into())),
            "agencyPrivateToken": private(&Subject::Company),
            "userIds": self.users.iter().map(|user| user.id.as_str()).collect::<Vec<_>>(),
            "webhookPublicKey": self.keys.ed25519_pem(),
        })
    }

    fn webhook_keys(&self, input: &Value) -> Done {
        let mut keys = json!({"ed25519": self.keys.ed25519_pem()});
        if input["rsa"] == true {
            keys["rsa"] = json!(Keys::rsa_pem());
        }
        Ok(keys)
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
        self.commit_update(&at, contact, Actor::User, core);
        self.dumped(&at)
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

    fn set_location(&mut self, input: &Value) -> Done {
        let company_id = self.company.id.clone();
        let location = self.location_of(input)?;
        if let Some(name) = input["name"].as_str() {
            name.clone_into(&mut location.name);
        }
        if let Some(country) = input["country"].as_str() {
            country.clone_into(&mut location.country);
        }
        if let Some(active) = input["active"].as_bool() {
            location.active = active;
        }
        if let Some(allowed) = input["allowDuplicateContact"].as_bool() {
            location.allow_duplicates = allowed;
        }
        if let Some(names) = strings(&input["contactUniqueIdentifiers"]) {
            let identifier = |name: &String| match name.as_str() {
                "email" => Ok(Identifier::Email),
                "phone" => Ok(Identifier::Phone),
                other => Err(ActError::Input(format!(
                    "{other:?} is neither email nor phone"
                ))),
            };
            location.identifiers = names.iter().map(identifier).collect::<Result<_, _>>()?;
        }
        Ok(location.to_json(&company_id))
    }

    fn configure_app(&mut self, client_id: &str, input: &Value) -> Done {
        let app = self.apps.iter_mut().find(|app| app.client_id == client_id);
        let app = app.ok_or_else(|| ActError::missing("app", client_id))?;
        if let Some(uris) = strings(&input["redirectUris"]) {
            app.redirect_uris = uris;
        }
        match &input["webhookUrl"] {
            Value::String(url) => app.webhook_url = Some(url.as_str().into()),
            Value::Null if input.get("webhookUrl").is_some() => app.webhook_url = None,
            _ => {}
        }
        if let Some(scopes) = scopes(&input["scopes"]) {
            app.scopes = scopes;
        }
        if let Some(events) = strings(&input["events"]) {
            app.events = events.into_iter().collect();
        }
        Ok(app_json(app))
    }

    fn change_installation(&mut self, install: bool, input: &Value, core: &Core) -> Done {
        let client_id = self.client_of(input);
        let subject = self
            .subject_of(input)?
            .unwrap_or(Subject::Location(self.main_location.as_str().into()));
        let app = self
            .app(&client_id)
            .cloned()
            .ok_or_else(|| ActError::missing("app", &client_id))?;
        if install {
            let approved = match &subject {
                Subject::Company => self.locations.keys().cloned().collect(),
                Subject::Location(id) => vec![id.to_string()],
            };
            let installation = super::apps::Installation {
                client_id: client_id.clone(),
                subject: subject.clone(),
                approved,
                scopes: scopes(&input["scopes"]).unwrap_or_else(|| app.scopes.clone()),
                user_id: self.users[0].id.clone(),
                installed_ms: core.clock.now_ms(),
            };
            self.emit_install(&app, &installation, "INSTALL", core);
            self.installations
                .retain(|own| own.client_id != client_id || own.subject != subject);
            self.installations.push(installation);
            return Ok(json!({"installed": true}));
        }
        let found = self
            .installations
            .iter()
            .position(|own| own.client_id == client_id && own.subject == subject);
        let place = found.ok_or_else(|| ActError::missing("installation", &client_id))?;
        let installation = self.installations.remove(place);
        let covered = |own: &Subject| match own {
            Subject::Company => installation.subject == Subject::Company,
            Subject::Location(id) => installation.covers(id),
        };
        let revoked = self.tokens.revoke(&client_id, covered);
        self.emit_install(&app, &installation, "UNINSTALL", core);
        Ok(json!({"uninstalled": true, "revoked": revoked}))
    }

    /// Changes what tokens may do, without a new token: of a private token, or of an app's tokens and installation.
    fn set_scopes(&mut self, input: &Value) -> Done {
        let wanted = scopes(&input["scopes"])
            .ok_or_else(|| ActError::Input("scopes is a list of texts".to_owned()))?;
        let shared = Arc::new(wanted.clone());
        if let Some(token) = input["token"].as_str() {
            let access = self.tokens.access.get_mut(token);
            let access = access.ok_or_else(|| ActError::missing("token", "(not shown)"))?;
            Arc::make_mut(access).scopes = shared;
            return Ok(json!({"changed": 1}));
        }
        let (client_id, subject) = (self.client_of(input), self.subject_of(input)?);
        let concerns = |own: &Subject| subject.as_ref().is_none_or(|subject| subject == own);
        let app = Origin::App(client_id.clone());
        let mut changed = 0;
        for access in self
            .tokens
            .access
            .values_mut()
            .filter(|own| own.origin == app && concerns(&own.subject))
        {
            Arc::make_mut(access).scopes = Arc::clone(&shared);
            changed += 1;
        }
        for refresh in self.tokens.refresh.values_mut() {
            if refresh.client_id == client_id && concerns(&refresh.subject) {
                refresh.scopes.clone_from(&wanted);
            }
        }
        for own in self
            .installations
            .iter_mut()
            .filter(|own| own.client_id == client_id && concerns(&own.subject))
        {
            own.scopes.clone_from(&wanted);
        }
        Ok(json!({"changed": changed}))
    }

    /// Ends the access tokens of an app, and with `refresh` its refresh tokens too.
    fn expire_tokens(&mut self, input: &Value, core: &Core) -> Done {
        let now_ms = core.clock.now_ms();
        let (client_id, subject) = (self.client_of(input), self.subject_of(input)?);
        let concerns = |own: &Subject| subject.as_ref().is_none_or(|subject| subject == own);
        let app = Origin::App(client_id.clone());
        let mut expired = 0;
        for access in self
            .tokens
            .access
            .values_mut()
            .filter(|own| own.origin == app && concerns(&own.subject))
        {
            Arc::make_mut(access).expires_ms = Some(now_ms);
            expired += 1;
        }
        if input["refresh"] == true {
            for refresh in self.tokens.refresh.values_mut() {
                if refresh.client_id == client_id && concerns(&refresh.subject) {
                    refresh.expires_ms = now_ms;
                    expired += 1;
                }
            }
        }
        Ok(json!({"expired": expired}))
    }

    /// A new private token with the old one's rights; the old one ends now or after some days.
    fn rotate_private_token(&mut self, input: &Value, core: &Core) -> Done {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        let token = text(input, "token")?;
        let access = self
            .tokens
            .access
            .get_mut(&token)
            .filter(|access| access.origin == Origin::Private);
        let access = access.ok_or_else(|| ActError::missing("private token", "(not shown)"))?;
        let (subject, scopes) = (access.subject.clone(), (*access.scopes).clone());
        let days = input["keepDays"].as_i64().unwrap_or(7);
        Arc::make_mut(access).expires_ms = Some(core.clock.now_ms() + days * DAY_MS);
        Ok(json!({"token": self.new_private_token(subject, scopes, core)}))
    }

    fn location_of(&mut self, input: &Value) -> Result<&mut Location, ActError> {
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

    fn living(&self, input: &Value, name: &str) -> Result<At, ActError> {
        let at = self.contact_of(input, name)?;
        let contact = self.contact_at(&at);
        if contact.deleted.is_some() {
            Err(ActError::missing("contact", contact.id.as_str()))
        } else {
            Ok(at)
        }
    }

    fn client_of(&self, input: &Value) -> String {
        input["clientId"]
            .as_str()
            .map_or_else(|| self.apps[0].client_id.clone(), str::to_owned)
    }

    /// `locationId`, or `company: true`; none of both is everything of an app.
    fn subject_of(&self, input: &Value) -> Result<Option<Subject>, ActError> {
        if input["company"] == true {
            return Ok(Some(Subject::Company));
        }
        match input["locationId"].as_str() {
            None => Ok(None),
            Some(id) if self.locations.contains_key(id) => Ok(Some(Subject::Location(id.into()))),
            Some(id) => Err(ActError::missing("location", id)),
        }
    }

    fn dumped(&self, at: &At) -> Done {
        let mut out = Vec::new();
        super::render::dump(&mut out, self.contact_at(at), self.location_at(at));
        serde_json::from_slice(&out).map_err(|error| ActError::Input(error.to_string()))
    }
}

const PERSON: Strictness = Strictness {
    dto: Dto::Person,
    v3: false,
    whitelist: true,
};

pub(crate) fn new_app(name: &str, core: &Core) -> App {
    let hex = || {
        core.random
            .bytes::<12>()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let id = hex();
    App {
        version_id: hex(),
        name: name.to_owned(),
        client_id: format!("{id}-{}", core.random.text::<8>().to_lowercase()),
        client_secret: core.random.uuid(),
        redirect_uris: Vec::new(),
        scopes: all_scopes(),
        webhook_url: None,
        events: CONTACT_EVENTS
            .iter()
            .map(|event| (*event).to_owned())
            .collect(),
        id,
    }
}

fn app_json(app: &App) -> Value {
    json!({
        "appId": app.id,
        "versionId": app.version_id,
        "name": app.name,
        "clientId": app.client_id,
        "clientSecret": app.client_secret,
        "redirectUris": app.redirect_uris,
        "scopes": app.scopes,
        "webhookUrl": app.webhook_url.as_deref(),
        "events": app.events,
    })
}

fn all_scopes() -> BTreeSet<String> {
    SCOPES.iter().map(|scope| (*scope).to_owned()).collect()
}

fn scopes(value: &Value) -> Option<BTreeSet<String>> {
    strings(value).map(|list| list.into_iter().collect())
}

fn strings(value: &Value) -> Option<Vec<String>> {
    value
        .as_array()?
        .iter()
        .map(|entry| entry.as_str().map(str::to_owned))
        .collect()
}

fn text(input: &Value, name: &str) -> Result<String, ActError> {
    input[name]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| ActError::Input(format!("{name} is missing")))
}
