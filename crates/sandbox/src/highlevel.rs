//! The simulated HighLevel (API v2): sign-in, contacts, businesses, custom fields, tags, locations, users, webhooks.
//!
//! It follows the vendor's OpenAPI files and what others measured on live accounts; where they disagree, or behaviour
//! surprises, there is a switch.
//!
//! * `gate` lets a request in or not: version, token, limits, scope.
//! * `contacts`, `businesses`, `listing`, `tags`, `fields`, `places`, `consent`, `oauth` are the operations.
//! * `resources` is everything that is not in sync: one engine, a row per operation.
//! * `store`, `search`, `filter` keep and find contacts; `render` shows them.
//! * `writes` is the one place where a contact changes, whoever changes it; `events` tells the apps.
//! * `acts` and `portal` are what a person does in the vendor's UI and developer portal.

mod accounts;
mod acts;
mod apps;
mod birthday;
mod body;
mod business;
mod businesses;
mod consent;
mod contact;
mod contacts;
mod countries;
mod errors;
mod events;
mod fields;
mod filter;
mod gate;
mod happenings;
mod json;
mod limits;
mod listing;
mod oauth;
mod phone;
mod places;
mod portal;
mod render;
mod resources;
mod routes;
mod search;
mod signing;
mod store;
mod switches;
mod tags;
mod writes;

pub use business::Business;
pub use contact::{Contact, ContactId, Creator, Field};
pub(crate) use switches::SWITCHES;

use serde_json::{Value, json};

use self::accounts::{Company, Locations, User};
use self::apps::{App, Installation, Tokens};
use self::limits::Limits;
use self::signing::Keys;
use crate::core::Core;
use crate::counts::Access;
use crate::system::System;
use crate::vendor::{ActError, Answer, Call, Operation, Vendor};

/// All that the simulated HighLevel holds.
#[derive(Debug)]
pub struct State {
    company: Company,
    locations: Locations,
    /// The location that acts and seeds mean when they name none.
    main_location: String,
    users: Vec<User>,
    apps: Vec<App>,
    installations: Vec<Installation>,
    tokens: Tokens,
    things: resources::Things,
    limits: Limits,
    totals: search::Totals,
    keys: Keys,
    /// Creates through the API so far.
    creates: i64,
}

impl State {
    pub(crate) fn new(core: &Core) -> Self {
        let id = || core.random.text::<20>();
        let mut locations = Locations::new();
        let mut main_location = String::new();
        for (name, country) in [("Musterhaus Immobilien", "DE"), ("Seeblick Wohnen", "AT")] {
            let location = accounts::Location::new(id(), name, country);
            if main_location.is_empty() {
                main_location.clone_from(&location.id);
            }
            locations.insert(location.id.clone(), location);
        }
        let location_ids: Vec<String> = locations.keys().cloned().collect();
        let user = |first: &str, last: &str, phone: &str| User {
            id: id(),
            first_name: first.to_owned(),
            last_name: last.to_owned(),
            email: format!("{}@musterhaus.example", first.to_lowercase()),
            phone: phone.to_owned(),
            location_ids: location_ids.clone(),
        };
        let users = vec![
            user("Katrin", "Vogt", "+49711555010"),
            user("Jonas", "Brandt", "+49711555011"),
            user("Miriam", "Huber", "+49711555012"),
        ];
        let app = portal::new_app("Sandbox app", core);
        let mut state = Self {
            company: Company {
                id: id(),
                name: "Musterhaus Agentur".to_owned(),
            },
            locations,
            main_location,
            users,
            apps: vec![app],
            installations: Vec::new(),
            tokens: Tokens::default(),
            things: resources::Things::default(),
            limits: Limits::default(),
            totals: search::Totals::default(),
            keys: Keys::new(core),
            creates: 0,
        };
        state.first_private_tokens(core);
        state.seed_things(core);
        state
    }

    /// The id of the location that acts and seeds mean when they name none.
    #[must_use]
    pub fn main_location(&self) -> &str {
        &self.main_location
    }

    /// The ids of all locations.
    pub fn locations(&self) -> impl Iterator<Item = &str> {
        self.locations.keys().map(String::as_str)
    }

    /// Every contact of a location in the order of creation, deleted and merged ones included. Empty for a location
    /// that is not there.
    #[must_use]
    pub fn contacts(&self, location_id: &str) -> &[Contact] {
        self.locations
            .get(location_id)
            .map_or(&[], |location| location.contacts.all())
    }

    /// Every business of a location in the order of creation, deleted ones included. Empty for a location that is not
    /// there.
    #[must_use]
    pub fn businesses(&self, location_id: &str) -> &[Business] {
        self.locations
            .get(location_id)
            .map_or(&[], |location| location.businesses.all())
    }

    /// How many stored contacts were looked at since the start: an answer by index looks at few, a scan at all.
    #[must_use]
    pub fn looked_at(&self) -> u64 {
        let locations = self.locations.values();
        locations
            .map(|location| location.contacts.looked_at())
            .sum()
    }

    /// One contact, deleted or not, wherever it is.
    #[must_use]
    pub fn contact(&self, id: &str) -> Option<&Contact> {
        self.locations
            .values()
            .find_map(|location| Some(location.contacts.get(location.contacts.find(id)?)))
    }

    /// The keys and ids of a location's custom fields, in pairs, deactivated ones included.
    #[must_use]
    pub fn field_keys(&self, location_id: &str) -> Vec<(String, String)> {
        let fields = self
            .locations
            .get(location_id)
            .map(|location| location.fields.as_slice())
            .unwrap_or_default();
        fields
            .iter()
            .map(|field| (field.key.clone(), field.id.to_string()))
            .collect()
    }
}

impl Vendor for State {
    fn operation(&self, call: &Call<'_>) -> Operation {
        match routes::find(call.method, call.path) {
            Some((row, _)) => Operation {
                route: row.template,
                access: row.access,
                actions: Vec::new(),
            },
            None => Operation {
                route: "(unknown)",
                access: Access::Read,
                actions: Vec::new(),
            },
        }
    }

    fn handle(&mut self, call: &Call<'_>, core: &Core) -> Answer {
        let answer = self.answer(call, core);
        errors::with_trace(answer, &core.random.uuid())
    }

    fn seed(&mut self, records: &[Value], core: &Core) -> Result<Vec<String>, ActError> {
        records
            .iter()
            .map(|record| self.seed_contact(record, core))
            .collect()
    }

    fn act(&mut self, act: &str, input: &Value, core: &Core) -> Result<Value, ActError> {
        self.perform(act, input, core)
    }

    fn dump(&self, core: &Core) -> Value {
        let locations: Vec<Value> = self
            .locations
            .values()
            .map(|location| {
                let mut contacts = Vec::new();
                json::list(&mut contacts, location.contacts.all(), |out, contact| {
                    render::dump(out, contact, location);
                });
                let mut dumped = location.to_json(&self.company.id);
                dumped["active"] = json!(location.active);
                dumped["alive"] = json!(location.contacts.alive());
                dumped["customFields"] = location
                    .fields
                    .iter()
                    .map(|field| {
                        let mut shown = field.to_json(&location.id);
                        shown["active"] = json!(field.active);
                        shown
                    })
                    .collect();
                dumped["tags"] = location
                    .tags
                    .iter()
                    .map(|tag| json!({"id": tag.id, "name": tag.name}))
                    .collect();
                dumped["businesses"] = location
                    .businesses
                    .all()
                    .iter()
                    .map(|business| acts::dumped_business(business, &location.id, core))
                    .collect();
                dumped["contacts"] = serde_json::from_slice(&contacts).unwrap_or_default();
                dumped
            })
            .collect();
        let installations: Vec<Value> = self
            .installations
            .iter()
            .map(|installation| {
                json!({
                    "clientId": installation.client_id,
                    "subject": apps::subject_name(&installation.subject),
                    "approvedLocations": installation.approved,
                    "scopes": installation.scopes,
                })
            })
            .collect();
        json!({
            "system": System::HighLevel,
            "company": {"id": self.company.id, "name": self.company.name},
            "mainLocationId": self.main_location,
            "locations": locations,
            "users": self.users.iter().map(User::to_json).collect::<Vec<_>>(),
            "things": self.things.dump(),
            "installations": installations,
            "tokens": self.tokens.lines(),
        })
    }

    fn reset(&mut self, core: &Core) {
        *self = Self::new(core);
    }
}
