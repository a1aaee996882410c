//! HighLevel (GoHighLevel, LeadConnector), API v2, as a connector.
//!
//! A stateless translator between our words and the vendor's: it opens no socket, keeps no token
//! and never sleeps. What is common to all entities lies at the top: who signs in and how
//! (`auth`, `oauth`, `agency`), what an answer means for the connection (`verdict`, `limits`,
//! `answer`), which account it is (`account`) and what the vendor pushes (`webhook`). Each entity has
//! a folder of its own: contacts, companies, which the vendor calls businesses, and what belongs to a contact (tasks
//! and notes).
//!
//! Facts about the API are from the vendor's published OpenAPI files and documentation pages unless
//! a comment says otherwise; where documents and observed behaviour differ, both are accepted. What
//! nobody has documented or measured is marked *unverified*.

mod settings;

mod operation;

mod describe;

mod auth;

mod oauth;

mod agency;

mod tokens;

mod answer;

mod limits;

mod verdict;

mod requests;

mod value;

mod form;

mod account;

mod contact;

mod company;

mod rest;

mod opportunity;

mod appointment;
mod attached;

mod webhook;

mod probe;

mod catalog;

use async_trait::async_trait;
use connector::{
    Account, Announced, Calls, Change, Connector, CreateOutcome, Credentials, Delivery,
    Description, Desk, Draft, Error, Fetched, Finding, Grant, IdentityKey, Incoming, Listing, Need,
    Outline, Page, PageRequest, Probe, ProbeError, Reached, RemoveOutcome, Request, Response,
    UpdateOutcome, Verdict, WebhookError, WebhookKeys,
    catalog::{Catalog, Operation},
};
use jiff::Timestamp;
use record::{Entity, FieldName, Read, RecordId, Schema};
use serde_json::Value as Json;

/// HighLevel. Holds nothing but its own description.
#[derive(Debug)]
pub struct HighLevel {
    description: Description,
}

impl HighLevel {
    /// The connector.
    pub fn new() -> Self {
        Self {
            description: describe::description(),
        }
    }
}

impl Default for HighLevel {
    fn default() -> Self {
        Self::new()
    }
}

/// The error for an entity that this connector does not handle.
fn unsupported(entity: Entity) -> Error {
    Error::Unsupported {
        system: describe::TITLE,
        what: format!("records of kind {entity}"),
    }
}

#[async_trait]
impl Connector for HighLevel {
    fn describe(&self) -> &Description {
        &self.description
    }

    fn listing(&self, entity: Entity) -> Listing {
        attached::listing(entity)
    }

    fn outline(&self) -> Outline {
        describe::outline()
    }

    fn authorise(
        &self,
        request: &mut Request,
        credentials: &Credentials,
        settings: &Json,
        _now: Timestamp,
    ) -> Result<(), Error> {
        auth::authorise(request, credentials, settings)
    }

    fn verdict(&self, request: &Request, response: &Response) -> Verdict {
        verdict::verdict(request, response)
    }

    fn announced(&self, response: &Response) -> Vec<Announced> {
        limits::announced(response).into_iter().collect()
    }

    fn scopes(&self, entities: &[Entity], write: bool) -> Vec<String> {
        auth::scopes(entities, write)
    }

    fn needs(&self, scope: &str, entity: Entity) -> Vec<Need> {
        auth::needs(scope, entity)
    }

    fn authorize_url(
        &self,
        base_url: &str,
        credentials: &Credentials,
        settings: &Json,
        redirect_uri: &str,
        scopes: &[String],
        state: &str,
    ) -> Result<String, Error> {
        auth::authorize_url(base_url, credentials, settings, redirect_uri, scopes, state)
    }

    async fn exchange_code(
        &self,
        calls: &dyn Calls,
        credentials: &Credentials,
        redirect_uri: &str,
        code: &str,
    ) -> Result<Grant, Error> {
        oauth::exchange_code(calls, credentials, redirect_uri, code).await
    }

    async fn refresh(
        &self,
        calls: &dyn Calls,
        credentials: &Credentials,
        _scopes: &[String],
    ) -> Result<Grant, Error> {
        oauth::refresh(calls, credentials).await
    }

    fn meant(&self, settings: &Json) -> Option<String> {
        let settings = settings::Settings::new(settings);
        let location = settings.location_if_set()?;
        settings.agency_install().then(|| location.to_owned())
    }

    fn let_in_by(&self, credentials: &Credentials) -> Option<String> {
        agency::let_in_by(credentials)
    }

    async fn share(
        &self,
        calls: &dyn Calls,
        own: &Credentials,
        of: &Credentials,
    ) -> Result<Option<Grant>, Error> {
        agency::share(calls, own, of).await
    }

    async fn reaches(
        &self,
        calls: &dyn Calls,
        credentials: &Credentials,
    ) -> Result<Option<Vec<Reached>>, Error> {
        agency::reaches(calls, credentials).await
    }

    async fn check(
        &self,
        calls: &dyn Calls,
        credentials: &Credentials,
        entities: &[Entity],
        write: bool,
    ) -> Result<Account, Error> {
        account::check(calls, credentials, entities, write).await
    }

    async fn schema(&self, calls: &dyn Calls, entity: Entity) -> Result<Schema, Error> {
        match entity {
            Entity::Contact => contact::schema(calls).await,
            Entity::Company => Ok(company::schema()),
            Entity::Opportunity => opportunity::schema(calls).await,
            Entity::Appointment => appointment::schema(calls).await,
            Entity::Task | Entity::Note => attached::schema(calls, entity).await,
        }
    }

    async fn fetch(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        ids: &[RecordId],
    ) -> Result<Vec<Fetched>, Error> {
        match schema.entity {
            Entity::Contact => Ok(contact::fetch(calls, schema, ids).await),
            Entity::Company => Ok(company::fetch(calls, schema, ids).await),
            Entity::Opportunity => Ok(opportunity::REST.fetch(calls, schema, ids).await),
            Entity::Appointment => Ok(appointment::REST.fetch(calls, schema, ids).await),
            entity => match attached::sort(entity) {
                Some(sort) => Ok(attached::fetch(calls, schema, sort, ids).await),
                None => Err(unsupported(entity)),
            },
        }
    }

    async fn changes(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        page: PageRequest,
    ) -> Result<Page, Error> {
        match schema.entity {
            Entity::Contact => contact::changes(calls, schema, page).await,
            Entity::Company => Ok(company::changes()),
            Entity::Opportunity => opportunity::changes(calls, schema, page).await,
            Entity::Appointment => appointment::changes(calls, schema, page).await,
            Entity::Task | Entity::Note => Ok(attached::changes()),
        }
    }

    async fn list(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        page: PageRequest,
    ) -> Result<Page, Error> {
        match schema.entity {
            Entity::Contact => contact::list(calls, schema, page).await,
            Entity::Company => company::list(calls, schema, page).await,
            Entity::Opportunity => opportunity::list(calls, schema, page).await,
            Entity::Appointment => appointment::list(calls, schema).await,
            entity => match attached::sort(entity) {
                Some(sort) => attached::list(calls, schema, sort, page).await,
                None => Err(unsupported(entity)),
            },
        }
    }

    async fn find(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        keys: &[IdentityKey],
    ) -> Result<Vec<Read>, Error> {
        match schema.entity {
            Entity::Contact => contact::find(calls, schema, keys).await,
            Entity::Company => company::find(calls, schema, keys).await,
            Entity::Opportunity => opportunity::find(calls, schema, keys).await,
            Entity::Appointment => appointment::find(calls, schema, keys).await,
            entity => match attached::sort(entity) {
                Some(sort) => attached::find(calls, schema, sort, keys).await,
                None => Err(unsupported(entity)),
            },
        }
    }

    async fn create(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        drafts: &[Draft],
    ) -> Vec<CreateOutcome> {
        match schema.entity {
            Entity::Contact => contact::create(calls, schema, drafts).await,
            Entity::Company => company::create(calls, schema, drafts).await,
            Entity::Opportunity => opportunity::create(calls, schema, drafts).await,
            Entity::Appointment => appointment::create(calls, schema, drafts).await,
            entity => match attached::sort(entity) {
                Some(sort) => attached::create(calls, schema, sort, drafts).await,
                None => drafts
                    .iter()
                    .map(|_| CreateOutcome::Failed(unsupported(entity)))
                    .collect(),
            },
        }
    }

    async fn update(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        changes: &[Change],
    ) -> Vec<UpdateOutcome> {
        match schema.entity {
            Entity::Contact => contact::update(calls, schema, changes).await,
            Entity::Company => company::update(calls, schema, changes).await,
            Entity::Opportunity => opportunity::REST.update(calls, schema, changes).await,
            Entity::Appointment => appointment::REST.update(calls, schema, changes).await,
            entity => match attached::sort(entity) {
                Some(sort) => attached::update(calls, schema, sort, changes).await,
                None => changes
                    .iter()
                    .map(|_| UpdateOutcome::Failed(unsupported(entity)))
                    .collect(),
            },
        }
    }

    async fn remove(
        &self,
        calls: &dyn Calls,
        entity: Entity,
        ids: &[RecordId],
    ) -> Vec<RemoveOutcome> {
        match entity {
            Entity::Contact => contact::remove(calls, ids).await,
            Entity::Company => company::remove(calls, ids).await,
            Entity::Opportunity => opportunity::REST.remove(calls, ids).await,
            Entity::Appointment => appointment::REST.remove(calls, ids).await,
            entity => match attached::sort(entity) {
                Some(sort) => attached::remove(calls, sort, ids).await,
                None => ids
                    .iter()
                    .map(|_| RemoveOutcome::Failed(unsupported(entity)))
                    .collect(),
            },
        }
    }

    async fn unmake_field(
        &self,
        calls: &dyn Calls,
        _entity: Entity,
        field: &FieldName,
    ) -> Result<(), Error> {
        contact::unmake_field(calls, field).await
    }

    async fn make_field(
        &self,
        calls: &dyn Calls,
        entity: Entity,
        label: &str,
    ) -> Result<FieldName, Error> {
        match entity {
            Entity::Contact => contact::make_field(calls, label).await,
            _ => Err(Error::Unsupported {
                system: describe::TITLE,
                what: format!("custom fields of {entity} records cannot be written"),
            }),
        }
    }

    fn catalog(&self) -> &'static Catalog {
        catalog::catalog()
    }

    fn operation_answer(
        &self,
        operation: &'static Operation,
        response: &Response,
    ) -> Result<Json, Error> {
        catalog::answer(operation, response)
    }

    fn probes(&self) -> Vec<Probe> {
        probe::PROBES.to_vec()
    }

    async fn probe(&self, id: &str, desk: &dyn Desk) -> Result<Finding, ProbeError> {
        probe::probe(id, desk).await
    }

    fn webhook(
        &self,
        incoming: &Incoming<'_>,
        keys: &WebhookKeys,
    ) -> Result<Delivery, WebhookError> {
        webhook::read(incoming, keys)
    }
}
