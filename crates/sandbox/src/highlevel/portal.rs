//! What a person does in HighLevel's settings and developer portal: locations, apps, installations, tokens.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::State;
use super::accounts::Identifier;
use super::acts::{Done, strings, text};
use super::apps::{App, Origin, SCOPES, Subject};
use super::events::{CONTACT_EVENTS, RECORD_EVENTS};
use super::resources::ITEM_EVENTS;
use super::signing::Keys;
use crate::core::Core;
use crate::vendor::ActError;

impl State {
    /// Everything that a person needs to connect: ids, secrets, tokens, keys.
    pub(crate) fn access(&self) -> Value {
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

    pub(crate) fn webhook_keys(&self, input: &Value) -> Done {
        let mut keys = json!({"ed25519": self.keys.ed25519_pem()});
        if input["rsa"] == true {
            keys["rsa"] = json!(Keys::rsa_pem());
        }
        Ok(keys)
    }

    pub(crate) fn set_location(&mut self, input: &Value) -> Done {
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

    pub(crate) fn configure_app(&mut self, client_id: &str, input: &Value) -> Done {
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

    pub(crate) fn change_installation(
        &mut self,
        install: bool,
        input: &Value,
        core: &Core,
    ) -> Done {
        let client_id = self.client_of(input);
        if input["agency"] == true {
            return self.change_covered(install, &client_id, input, core);
        }
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

    /// The agency lets its app into one more of its locations, or takes it out of one. The webhook is that of the location.
    fn change_covered(
        &mut self,
        install: bool,
        client_id: &str,
        input: &Value,
        core: &Core,
    ) -> Done {
        let id = text(input, "locationId")?;
        if !self.locations.contains_key(&id) {
            return Err(ActError::missing("location", &id));
        }
        let app = self
            .app(client_id)
            .cloned()
            .ok_or_else(|| ActError::missing("app", client_id))?;
        let agency = self
            .installations
            .iter_mut()
            .find(|own| own.client_id == client_id && own.subject == Subject::Company)
            .ok_or_else(|| ActError::missing("installation", client_id))?;
        agency.approved.retain(|approved| *approved != id);
        if install {
            agency.approved.push(id.clone());
        }
        let subject = Subject::Location(id.as_str().into());
        let mut told = agency.clone();
        told.subject = subject.clone();
        told.approved = vec![id];
        let (event, revoked) = if install {
            ("INSTALL", 0)
        } else {
            let revoked = self.tokens.revoke(client_id, |own| *own == subject);
            ("UNINSTALL", revoked)
        };
        self.emit_install(&app, &told, event, core);
        Ok(json!({"covered": install, "revoked": revoked}))
    }

    /// Changes what tokens may do, without a new token: of a private token, or of an app's tokens and installation.
    pub(crate) fn set_scopes(&mut self, input: &Value) -> Done {
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
    pub(crate) fn expire_tokens(&mut self, input: &Value, core: &Core) -> Done {
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
    pub(crate) fn rotate_private_token(&mut self, input: &Value, core: &Core) -> Done {
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

    pub(crate) fn client_of(&self, input: &Value) -> String {
        input["clientId"]
            .as_str()
            .map_or_else(|| self.apps[0].client_id.clone(), str::to_owned)
    }

    /// `locationId`, or `company: true`; none of both is everything of an app.
    pub(crate) fn subject_of(&self, input: &Value) -> Result<Option<Subject>, ActError> {
        if input["company"] == true {
            return Ok(Some(Subject::Company));
        }
        match input["locationId"].as_str() {
            None => Ok(None),
            Some(id) if self.locations.contains_key(id) => Ok(Some(Subject::Location(id.into()))),
            Some(id) => Err(ActError::missing("location", id)),
        }
    }
}

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
            .chain(&RECORD_EVENTS)
            .chain(&ITEM_EVENTS)
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

pub(crate) fn all_scopes() -> BTreeSet<String> {
    SCOPES.iter().map(|scope| (*scope).to_owned()).collect()
}

pub(crate) fn scopes(value: &Value) -> Option<BTreeSet<String>> {
    strings(value).map(|list| list.into_iter().collect())
}
