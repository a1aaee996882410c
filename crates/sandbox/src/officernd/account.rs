//! The account of the start, and what an administrator changes in its settings: applications, scopes, locations, properties.

use serde_json::{Map, Value, json};

use super::State;
use super::acts::{Done, text};
use super::gate::application;
use super::kind::Kind;
use super::limits::Limits;
use super::record::{Record, Stamp, Table};
use super::status::STAGE;
use super::token::{Application, Tokens, all_scopes};
use crate::core::Core;
use crate::edits::Actor;
use crate::vendor::ActError;

impl State {
    pub(crate) fn new(core: &Core) -> Self {
        let mut state = Self {
            organization_id: String::new(),
            organization_name: "Werkhof Coworking".to_owned(),
            slug: "werkhof".to_owned(),
            applications: Vec::new(),
            tokens: Tokens::default(),
            limits: Limits::default(),
            tables: Kind::ALL.map(Table::new),
            things: super::things::Things::default(),
            person_id: "".into(),
            id_part: core.random.bytes(),
            ids: 0,
            events_sent: 0,
            seeded: 0,
        };
        state.organization_id = state.new_id(core);
        state.person_id = state.new_id(core).into();
        let scopes = all_scopes();
        state.new_application("Sandbox app", scopes, core);
        state.furnish(core);
        state.seed_things(core);
        state
    }

    /// Locations, plans, stages and definitions that an operator has before anybody connects anything.
    fn furnish(&mut self, core: &Core) {
        let mut add = |kind: Kind, fields: Vec<(&'static str, Value)>| {
            let stamp = Stamp {
                at_ms: core.clock.now_ms(),
                actor: Actor::Seed,
                by: self.person_id.clone(),
            };
            let id = self.new_id(core);
            let record = Record::new(id, &stamp, fields);
            self.table_mut(kind).insert(record);
        };
        for (name, city) in [("Werkhof Mitte", "Köln"), ("Werkhof Hafen", "Düsseldorf")] {
            add(
                Kind::Location,
                vec![
                    ("name", json!(name)),
                    ("address", json!({"country": "Germany", "city": city})),
                    ("timezone", json!("Europe/Berlin")),
                    ("isOpen", json!(true)),
                    ("isPublic", json!(true)),
                ],
            );
        }
        for (name, length) in [
            ("Flex Desk", "month"),
            ("Team Office", "month"),
            ("Day Pass", "once"),
        ] {
            add(
                Kind::Plan,
                vec![
                    ("name", json!(name)),
                    ("code", json!(name.to_lowercase().replace(' ', "-"))),
                    ("type", json!("desk")),
                    ("price", json!(149)),
                    ("intervalLength", json!(length)),
                ],
            );
        }
        for (stage, probability) in [("open", 10), ("won", 100), ("lost", 0)] {
            add(
                Kind::OpportunityStatus,
                vec![
                    (
                        "description",
                        json!(format!("System status for {stage} opportunities")),
                    ),
                    ("probability", json!(probability)),
                    ("isSystem", json!(true)),
                    (STAGE, json!(stage)),
                ],
            );
        }
        for (key, kind, values) in [
            ("crm_id", "String", &[][..]),
            ("Source", "Select", &["web", "referral", "walk-in"][..]),
            ("Newsletter", "Boolean", &[][..]),
        ] {
            add(
                Kind::Property,
                vec![
                    ("key", json!(key)),
                    ("title", json!(key)),
                    ("placeholder", json!("")),
                    ("type", json!(kind)),
                    ("privacy", json!("admin")),
                    ("targets", json!(["member", "team", "lead"])),
                    ("values", json!(values)),
                ],
            );
        }
    }

    fn new_application(
        &mut self,
        name: &str,
        scopes: std::collections::BTreeSet<String>,
        core: &Core,
    ) -> Value {
        let own = Application {
            name: name.to_owned(),
            client_id: core.random.text::<16>(),
            client_secret: core.random.text::<32>(),
            scopes,
            user_id: self.new_id(core).into(),
        };
        let shown = application(&own);
        self.applications.push(own);
        shown
    }

    /// What a person reads off the settings: everything that a client needs to connect.
    pub(super) fn access(&self) -> Value {
        let first = self.applications.first().map(application);
        let named = |kind: Kind| -> Vec<Value> {
            let table = self.table(kind);
            table
                .living()
                .map(|slot| table.get(slot))
                .map(|record| json!({"_id": record.id, "name": record.text("name")}))
                .collect()
        };
        let first = first.unwrap_or_default();
        json!({
            "slug": self.slug,
            "organizationId": self.organization_id,
            "clientId": first["clientId"],
            "clientSecret": first["clientSecret"],
            "scopes": first["scopes"],
            "applications": self.applications.iter().map(application).collect::<Vec<_>>(),
            "locations": named(Kind::Location),
            "plans": named(Kind::Plan),
        })
    }

    /// `{name?, slug?}`: the organization's own name, and its name in paths.
    pub(super) fn set_organization(&mut self, input: &Value) -> Done {
        if let Some(name) = input["name"].as_str() {
            name.clone_into(&mut self.organization_name);
        }
        if let Some(slug) = input["slug"].as_str() {
            slug.clone_into(&mut self.slug);
        }
        Ok(json!({"slug": self.slug, "name": self.organization_name}))
    }

    /// `{name?, scopes?}`: all scopes if none are named.
    pub(super) fn create_application(&mut self, input: &Value, core: &Core) -> Done {
        let scopes = scopes(input)?.unwrap_or_else(all_scopes);
        let name = input["name"].as_str().unwrap_or("Application");
        Ok(self.new_application(name, scopes, core))
    }

    /// `{scopes, clientId?}`: what the application may ask for from now on; tokens that are out keep what they have.
    pub(super) fn set_scopes(&mut self, input: &Value) -> Done {
        let scopes = scopes(input)?
            .ok_or_else(|| ActError::Input("scopes is a list of texts".to_owned()))?;
        let own = self.application_of(input)?;
        own.scopes = scopes;
        Ok(application(own))
    }

    /// `{clientId?}`: a new secret; the old one stops working, tokens that are out do not.
    pub(super) fn rotate_secret(&mut self, input: &Value, core: &Core) -> Done {
        let own = self.application_of(input)?;
        own.client_secret = core.random.text::<32>();
        Ok(application(own))
    }

    /// `{clientId?}`: the application is gone, and its tokens with it.
    pub(super) fn remove_application(&mut self, input: &Value) -> Done {
        let removed = self.application_of(input)?.client_id.clone();
        self.applications.retain(|own| own.client_id != removed);
        self.tokens
            .granted
            .retain(|_, grant| grant.client_id != removed);
        Ok(json!({"removed": removed}))
    }

    /// All tokens end now.
    pub(super) fn expire_tokens(&mut self) -> Done {
        let ended = self.tokens.granted.len();
        self.tokens.granted.clear();
        Ok(json!({"expired": ended}))
    }

    /// `{key, title?, type?, privacy?, targets?, values?}`: a custom property, for members, companies and opportunities unless
    /// `targets` says otherwise.
    pub(super) fn add_property(&mut self, input: &Value, core: &Core) -> Done {
        let key = text(input, "key")?;
        let mut body = input.as_object().cloned().unwrap_or_default();
        let mut default = |name: &str, value: Value| {
            body.entry(name).or_insert(value);
        };
        default("title", json!(key));
        default("type", json!("String"));
        default("privacy", json!("admin"));
        default("targets", json!(["member", "team", "lead"]));
        default("values", json!([]));
        self.person_creates(Kind::Property, &body, core)
    }

    /// `{key}`: the definition goes; values stay on the objects.
    pub(super) fn remove_property(&mut self, input: &Value, core: &Core) -> Done {
        let key = text(input, "key")?;
        let table = self.table(Kind::Property);
        let slot = table
            .living()
            .find(|slot| table.get(*slot).text("key") == key);
        let slot = slot.ok_or_else(|| ActError::missing("property", &*key))?;
        let stamp = self.person(core);
        self.delete(Kind::Property, slot, &stamp, core);
        Ok(json!({"removed": key}))
    }

    /// `{name, …}`.
    pub(super) fn add_named(&mut self, kind: Kind, input: &Value, core: &Core) -> Done {
        let mut body: Map<String, Value> = input.as_object().cloned().unwrap_or_default();
        if kind == Kind::Location {
            for flag in ["isOpen", "isPublic"] {
                body.entry(flag).or_insert(json!(true));
            }
        }
        self.person_creates(kind, &body, core)
    }

    fn application_of(&mut self, input: &Value) -> Result<&mut Application, ActError> {
        let wanted = input["clientId"].as_str().map(str::to_owned);
        let found = self.applications.iter_mut().find(|own| {
            wanted
                .as_ref()
                .is_none_or(|wanted| own.client_id == *wanted)
        });
        found.ok_or_else(|| ActError::missing("application", wanted.unwrap_or_default()))
    }
}

fn scopes(input: &Value) -> Result<Option<std::collections::BTreeSet<String>>, ActError> {
    let Some(list) = input["scopes"].as_array() else {
        return Ok(None);
    };
    let known = all_scopes();
    list.iter()
        .map(|scope| {
            let scope = scope.as_str().unwrap_or_default();
            known
                .get(scope)
                .cloned()
                .ok_or_else(|| ActError::missing("scope", scope))
        })
        .collect::<Result<_, _>>()
        .map(Some)
}
