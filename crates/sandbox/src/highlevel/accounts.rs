//! Agency, sub-accounts ("locations"), users, and the fields and tags of a location.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::business::Businesses;
use super::store::Store;
use crate::core::Core;

/// The key by which a location recognises a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identifier {
    Email,
    Phone,
}

impl Identifier {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }
}

/// The agency.
#[derive(Debug)]
pub(crate) struct Company {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// A sub-account.
#[derive(Debug)]
pub(crate) struct Location {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) country: String,
    pub(crate) timezone: String,
    /// False while the agency has paused it.
    pub(crate) active: bool,
    pub(crate) allow_duplicates: bool,
    /// In the order in which they are looked at.
    pub(crate) identifiers: Vec<Identifier>,
    pub(crate) fields: Vec<CustomField>,
    pub(crate) tags: Vec<LocationTag>,
    pub(crate) contacts: Store,
    pub(crate) businesses: Businesses,
}

/// A custom field of a location.
#[derive(Debug, Clone)]
pub(crate) struct CustomField {
    pub(crate) id: Arc<str>,
    pub(crate) name: String,
    /// `contact.something`.
    pub(crate) key: String,
    pub(crate) data_type: String,
    pub(crate) model: String,
    pub(crate) placeholder: String,
    pub(crate) options: Vec<String>,
    pub(crate) allow_custom_option: bool,
    pub(crate) position: i64,
    /// A deactivated field is in no listing and no read; its values wait.
    pub(crate) active: bool,
}

/// A tag that a location knows.
#[derive(Debug)]
pub(crate) struct LocationTag {
    pub(crate) id: String,
    pub(crate) name: Arc<str>,
}

/// A person who works in the agency.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: String,
    pub(crate) phone: String,
    pub(crate) location_ids: Vec<String>,
}

impl Location {
    pub(crate) fn new(id: String, name: &str, country: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            address: String::new(),
            country: country.to_owned(),
            timezone: "Europe/Berlin".to_owned(),
            active: true,
            allow_duplicates: false,
            identifiers: vec![Identifier::Email, Identifier::Phone],
            fields: Vec::new(),
            tags: Vec::new(),
            contacts: Store::default(),
            businesses: Businesses::default(),
        }
    }

    /// An active field by id, or by its key with or without the model in front.
    pub(crate) fn field(&self, id_or_key: &str) -> Option<&CustomField> {
        self.fields.iter().find(|field| {
            field.active
                && (&*field.id == id_or_key
                    || field.key == id_or_key
                    || field
                        .key
                        .split_once('.')
                        .is_some_and(|(_, key)| key == id_or_key))
        })
    }

    pub(crate) fn field_is_active(&self, id: &str) -> bool {
        self.fields
            .iter()
            .any(|field| field.active && &*field.id == id)
    }

    /// The shared text of a tag, added to the location's list if it is new.
    pub(crate) fn tag(&mut self, name: &str, core: &Core) -> Arc<str> {
        if let Some(known) = self.tags.iter().find(|tag| &*tag.name == name) {
            return Arc::clone(&known.name);
        }
        let name: Arc<str> = name.into();
        self.tags.push(LocationTag {
            id: core.random.text::<20>(),
            name: Arc::clone(&name),
        });
        name
    }

    pub(crate) fn to_json(&self, company_id: &str) -> Value {
        let identifiers: Vec<&str> = self
            .identifiers
            .iter()
            .map(|identifier| identifier.name())
            .collect();
        json!({
            "id": self.id,
            "companyId": company_id,
            "name": self.name,
            "address": self.address,
            "country": self.country,
            "timezone": self.timezone,
            "settings": {
                "allowDuplicateContact": self.allow_duplicates,
                "allowDuplicateOpportunity": false,
                "allowFacebookNameMerge": false,
                "disableContactTimezone": false,
                "contactUniqueIdentifiers": identifiers,
            },
        })
    }
}

impl CustomField {
    pub(crate) fn to_json(&self, location_id: &str) -> Value {
        let mut field = json!({
            "id": self.id,
            "name": self.name,
            "fieldKey": self.key,
            "placeholder": self.placeholder,
            "dataType": self.data_type,
            "position": self.position,
            "locationId": location_id,
            "model": self.model,
        });
        if !self.options.is_empty() {
            field["picklistOptions"] = json!(self.options);
            field["isAllowedCustomOption"] = json!(self.allow_custom_option);
        }
        field
    }
}

impl User {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "name": format!("{} {}", self.first_name, self.last_name),
            "firstName": self.first_name,
            "lastName": self.last_name,
            "email": self.email,
            "phone": self.phone,
            "extension": "",
            "roles": {"type": "account", "role": "user", "locationIds": self.location_ids, "restrictSubAccount": false},
            "deleted": false,
        })
    }
}

/// The locations of the agency by id, in no other order than that.
pub(crate) type Locations = BTreeMap<String, Location>;
