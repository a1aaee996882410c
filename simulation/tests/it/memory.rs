//! A system that lives in memory, with companies and contacts that name them.
//!
//! The simulated vendors are as they are. Here a field can be what no vendor has yet (taken only at create, never
//! emptied, left dangling when its company goes), and every step that is stored can be the last: a system here
//! refuses an id that is none of its own companies', as a vendor would.

mod connector;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ::connector::{AuthScheme, Deletes, Description, EntityDescription, Limits, Refusal};
use anyhow::{Context, Result};
use connections::Clock;
use jiff::Timestamp;
use record::{
    Access, Completeness, Entity, Field, FieldName, FieldSpec, Fields, Freshness, Read, Record,
    RecordId, Schema,
};

/// Records of one page.
pub(crate) const PAGE: usize = 50;

/// One record.
#[derive(Debug, Clone)]
struct Row {
    fields: Fields,
    made: Timestamp,
    changed: Timestamp,
    /// Which change of the system was its last.
    number: u64,
}

#[derive(Default)]
struct State {
    rows: BTreeMap<(Entity, RecordId), Row>,
    changes: u64,
    /// What was made by API, in order, with its fields.
    made: Vec<(Entity, Fields)>,
    /// How often contacts were changed by API.
    updates: usize,
    /// Nothing but a listing tells of companies.
    quiet_companies: bool,
}

/// What of a contact's company can be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CompanyField {
    pub(crate) access: Access,
    pub(crate) clearable: bool,
}

/// A system in memory.
#[derive(Clone)]
pub(crate) struct Memory {
    description: Arc<Description>,
    company: CompanyField,
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

fn described(entity: Entity) -> EntityDescription {
    EntityDescription {
        entity,
        title: "Record",
        list_page: PAGE,
        fetch_batch: PAGE,
        write_batch: PAGE,
        writes_return_record: true,
        search_lag: Duration::ZERO,
        deletes: Deletes::Delete,
        absence_is_ambiguous: false,
        create_consequences: Vec::new(),
        tag_field: None,
        change_overlap: Duration::ZERO,
        polled: true,
        shared_keys: Vec::new(),
        own_fields: "",
    }
}

impl Memory {
    pub(crate) fn new(system: &'static str, company: CompanyField, clock: Arc<dyn Clock>) -> Self {
        Self {
            description: Arc::new(Description {
                system,
                title: system,
                base_url: "https://memory.invalid",
                auth: vec![AuthScheme::Pasted {
                    name: "none",
                    fields: Vec::new(),
                }],
                entities: vec![described(Entity::Company), described(Entity::Contact)],
                limits: Limits {
                    windows: Vec::new(),
                    concurrency: 8,
                },
                webhooks: false,
            }),
            company,
            clock,
            state: Arc::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn put(&self, entity: Entity, id: Option<RecordId>, change: Fields) -> RecordId {
        let now = self.clock.now();
        let mut state = self.state();
        state.changes += 1;
        let number = state.changes;
        let id = id.unwrap_or_else(|| format!("{}-{number:04}", self.description.system).into());
        let row = state
            .rows
            .entry((entity, id.clone()))
            .or_insert_with(|| Row {
                fields: Fields::new(),
                made: now,
                changed: now,
                number,
            });
        (row.changed, row.number) = (now, number);
        for (name, field) in change {
            row.fields.set(name, field);
        }
        id
    }

    /// A person makes a company.
    pub(crate) fn company(&self, name: &str) -> RecordId {
        let email = format!("info@{name}.example");
        let fields = [("name", name), ("email", email.as_str())];
        self.put(Entity::Company, None, texts(&fields))
    }

    /// A person makes a contact of this company.
    pub(crate) fn contact(&self, name: &str, company: Option<&RecordId>) -> RecordId {
        let email = format!("{name}@people.example");
        let mut fields = texts(&[("firstName", "Kim"), ("lastName", name), ("email", &email)]);
        fields.set(
            "company",
            company.map_or(Field::Empty, |id| Field::of(id.as_str())),
        );
        self.put(Entity::Contact, None, fields)
    }

    /// A person puts a contact into this company, or out of any.
    pub(crate) fn moves(&self, contact: &RecordId, company: Option<&RecordId>) {
        let mut change = Fields::new();
        change.set(
            "company",
            company.map_or(Field::Empty, |id| Field::of(id.as_str())),
        );
        self.put(Entity::Contact, Some(contact.clone()), change);
    }

    /// The same, where a move changes no date of the contact: nothing but a listing tells of it.
    pub(crate) fn moves_quietly(&self, contact: &RecordId, company: &RecordId) {
        let mut state = self.state();
        let key = (Entity::Contact, contact.clone());
        let row = state.rows.get_mut(&key).expect("a contact");
        row.fields.set("company", Field::of(company.as_str()));
    }

    /// Nothing but a listing tells of companies from now on.
    pub(crate) fn keeps_companies_quiet(&self) {
        self.state().quiet_companies = true;
    }

    /// A person makes a company that nothing but its name tells from others.
    pub(crate) fn bare_company(&self, name: &str) -> RecordId {
        self.put(Entity::Company, None, texts(&[("name", name)]))
    }

    /// A person deletes a company. The vendor takes its contacts out of it, or leaves them with an id of nothing.
    pub(crate) fn deletes(&self, company: &RecordId, empties: bool) {
        let mut contacts = Vec::new();
        {
            let mut state = self.state();
            state.rows.remove(&(Entity::Company, company.clone()));
            for ((entity, id), row) in &state.rows {
                if *entity == Entity::Contact
                    && row.fields.get("company").text() == Some(company.as_str())
                {
                    contacts.push(id.clone());
                }
            }
        }
        if empties {
            contacts.iter().for_each(|id| self.moves(id, None));
        }
    }

    /// The ids of all records of a kind, by name.
    pub(crate) fn all(&self, entity: Entity) -> BTreeMap<String, RecordId> {
        let name = match entity {
            Entity::Company => "name",
            _ => "lastName",
        };
        self.state()
            .rows
            .iter()
            .filter(|((kind, _), _)| *kind == entity)
            .map(|((_, id), row)| {
                let name = row.fields.get(name).text().unwrap_or_default();
                (name.to_owned(), id.clone())
            })
            .collect()
    }

    /// The name of the company that a contact is in.
    pub(crate) fn company_of(&self, contact: &str) -> Result<Option<String>> {
        let id = self.all(Entity::Contact).remove(contact);
        let id = id.with_context(|| format!("no contact {contact}"))?;
        let company = {
            let state = self.state();
            let row = &state.rows[&(Entity::Contact, id)];
            row.fields.get("company").text().map(RecordId::from)
        };
        let Some(company) = company else {
            return Ok(None);
        };
        let named = self
            .all(Entity::Company)
            .into_iter()
            .find(|(_, id)| *id == company);
        let (name, _) = named.with_context(|| format!("{company} is no company here"))?;
        Ok(Some(name))
    }

    /// What was made by API, in order.
    pub(crate) fn made(&self) -> Vec<(Entity, Fields)> {
        self.state().made.clone()
    }

    /// How often contacts were changed by API.
    pub(crate) fn updates(&self) -> usize {
        self.state().updates
    }

    /// Refuses a company that is none here.
    fn refusal(&self, entity: Entity, fields: &Fields) -> Option<Refusal> {
        let company = fields
            .get("company")
            .text()
            .filter(|_| entity == Entity::Contact)?;
        let known = self
            .state()
            .rows
            .contains_key(&(Entity::Company, company.into()));
        (!known).then(|| Refusal {
            code: "500".to_owned(),
            message: format!("{company} is no company here"),
            fields: vec!["company".into()],
        })
    }

    fn read(&self, entity: Entity, id: &RecordId, schema: &Schema) -> Option<Read> {
        let row = self.state().rows.get(&(entity, id.clone()))?.clone();
        let field = |spec: &FieldSpec| -> (FieldName, Field) {
            let field = match row.fields.get(spec.name.as_str()) {
                Field::Unknown => Field::Empty,
                known => known.clone(),
            };
            (spec.name.clone(), field)
        };
        Some(Read {
            record: Record {
                id: id.clone(),
                fields: schema.fields.iter().map(field).collect(),
            },
            freshness: Freshness::Fresh,
            completeness: Completeness::Complete,
            as_of: self.clock.now(),
            modified: Some(row.changed),
            created: Some(row.made),
            unclear: BTreeMap::new(),
        })
    }
}

fn texts(pairs: &[(&str, &str)]) -> Fields {
    pairs
        .iter()
        .map(|(name, text)| ((*name).into(), Field::of(*text)))
        .collect()
}

/// A company that can be written and emptied at any time.
pub(crate) const FREE: CompanyField = CompanyField {
    access: Access::ReadWrite,
    clearable: true,
};
