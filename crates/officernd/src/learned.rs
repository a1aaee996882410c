//! What was found out about an account: what it refuses for good, said once, kept, and not sent again; and which way it takes.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use connector::{Calls, Refusal};
use record::{Entity, FieldName};
use serde_json::json;

use crate::{
    belonging::{LEARNED, Way},
    blame::Blame,
    resource::{Resource, place},
    settings::{Refused, Settings, key},
};

/// What is known to be refused, during one call for several records.
pub(crate) struct Learned<'a> {
    calls: &'a dyn Calls,
    resource: &'static Resource,
    refused: Refused,
    now: Mutex<BTreeSet<String>>,
    company_way: Mutex<Option<Way>>,
}

impl<'a> Learned<'a> {
    pub(crate) fn new(calls: &'a dyn Calls, resource: &'static Resource, refused: Refused) -> Self {
        Self {
            calls,
            resource,
            refused,
            now: Mutex::default(),
            company_way: Mutex::default(),
        }
    }

    /// The way in which a member's company was set during this call.
    pub(crate) fn company_way(&self) -> Option<Way> {
        *self
            .company_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the way in which a member's company is set.
    pub(crate) async fn company_goes_by(&self, way: Way, word: &'static str) {
        *self
            .company_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(way);
        self.calls.learn(LEARNED, json!(word)).await;
    }

    fn knows(&self, property: &str) -> bool {
        let entity: Entity = self.resource.entity;
        Settings::of(self.calls).refuses(entity, self.refused, property)
            || self
                .now
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .contains(property)
    }

    /// The refusal of a body with these fields, if it is known already.
    pub(crate) fn refusal<'f>(
        &self,
        fields: impl Iterator<Item = &'f FieldName>,
    ) -> Option<Refusal> {
        let known: Vec<FieldName> = fields
            .filter(|name| self.knows(place(name.as_str()).0.unwrap_or(name.as_str())))
            .cloned()
            .collect();
        if known.is_empty() {
            return None;
        }
        let names: Vec<&str> = known.iter().map(FieldName::as_str).collect();
        let names = names.join(", ");
        Some(Refusal {
            code: Refusal::LEARNED.to_owned(),
            message: match self.refused {
                Refused::Create => format!("this OfficeRnD does not take {names}"),
                Refused::Update => {
                    format!("this OfficeRnD takes {names} only when a record is made")
                }
            },
            fields: known,
        })
    }

    /// Notes what a refusal says may not be there at all.
    pub(crate) async fn note(&self, blame: &Blame) {
        for property in &blame.forbidden {
            self.never(property).await;
        }
    }

    /// Notes that a property is never taken.
    pub(crate) async fn never(&self, property: &str) {
        let known = self.resource.fields.iter().any(|field| {
            let (object, name) = place(field.name);
            object.unwrap_or(name) == property
        });
        if !known || self.knows(property) {
            return;
        }
        self.now
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(property.to_owned());
        let key = key(self.resource.entity, self.refused, property);
        self.calls.learn(&key, json!("refused")).await;
    }
}
