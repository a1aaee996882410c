//! OfficeRnD Flex, public API v2, as a connector.
//!
//! A stateless translator between our words and the vendor's: it opens no socket, keeps no token and never sleeps.
//! What is common lies at the top: who signs in and how (`auth`, `token`), what an answer means (`verdict`, `limits`,
//! `answer`, `blame`), which organisation it is (`account`), lists (`pages`) and what the vendor pushes (`webhook`).
//! Members and companies differ in their fields only, which are data (`resource`, `properties`).
//!
//! What cannot be done is declared: `status` is calculated, tags of companies are only read, and
//! there are no notes, tasks or tag endpoints in the public API.
//!
//! Facts about the API are from the vendor's v2 reference and help pages unless a comment says otherwise;
//! where documents and observed behaviour differ, both are accepted. What nobody has documented or
//! measured is marked *unverified*.

mod settings;

mod operation;

mod describe;

mod resource;

mod auth;

mod token;

mod answer;

mod limits;

mod verdict;

mod api;

mod value;

mod pages;

mod account;

mod schema;

mod properties;

mod decode;

mod fetch;

mod list;

mod changes;

mod find;

mod body;

mod blame;

mod learned;

mod create;

mod pen;

mod update;

mod belonging;

mod remove;

mod notes;

mod visits;

mod comments;

mod webhook;

mod catalog;

mod probe;

mod subscribe;

use async_trait::async_trait;
use connector::{
    Account, Announced, Calls, Change, Connector, CreateOutcome, Credentials, Delivery,
    Description, Desk, Draft, Error, Fetched, Finding, Grant, IdentityKey, Incoming, Listing, Need,
    Outline, Page, PageRequest, Probe, ProbeError, RemoveOutcome, Request, Response, Subscription,
    UpdateOutcome, Verdict, WebhookError, WebhookKeys,
    catalog::{Catalog, Operation},
};
use jiff::Timestamp;
use record::{Entity, Read, RecordId, Schema};
use serde_json::Value as Json;

use crate::{resource::Resource, settings::Settings};

/// OfficeRnD. Holds nothing but its own description, and who writes into a property that can only be written whole.
#[derive(Debug)]
pub struct OfficeRnD {
    description: Description,
    pens: pen::Pens,
}

impl OfficeRnD {
    /// The connector.
    pub fn new() -> Self {
        Self {
            description: describe::description(),
            pens: pen::Pens::default(),
        }
    }
}

impl Default for OfficeRnD {
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

fn resource(calls: &dyn Calls, entity: Entity) -> Result<&'static Resource, Error> {
    Resource::chosen(Settings::of(calls), entity)
}

/// Why nothing stands for this entity on a connection.
fn unusable(calls: &dyn Calls, entity: Entity) -> Error {
    match resource(calls, entity) {
        Ok(_) => unsupported(entity),
        Err(error) => error,
    }
}

fn no_redirect<T>() -> Result<T, Error> {
    Err(Error::Unsupported {
        system: describe::TITLE,
        what: "sign in by redirect: an application of the organisation signs in by itself"
            .to_owned(),
    })
}

#[async_trait]
impl Connector for OfficeRnD {
    fn describe(&self) -> &Description {
        &self.description
    }

    /// Lists of tickets take no filter: what webhooks do not tell of is found by listing them.
    fn listing(&self, entity: Entity) -> Listing {
        Listing {
            tells_edits: entity == Entity::Task,
            per_record_of: None,
            // lists of tickets take no filter
            found_by_listing: entity == Entity::Task,
        }
    }

    fn outline(&self) -> Outline {
        describe::outline()
    }

    fn authorise(
        &self,
        request: &mut Request,
        credentials: &Credentials,
        _settings: &Json,
        _now: Timestamp,
    ) -> Result<(), Error> {
        auth::authorise(request, credentials)
    }

    fn verdict(&self, request: &Request, response: &Response) -> Verdict {
        verdict::verdict(request, response)
    }

    fn announced(&self, response: &Response) -> Vec<Announced> {
        limits::announced(response)
    }

    fn scopes(&self, entities: &[Entity], write: bool) -> Vec<String> {
        auth::scopes(entities, write)
    }

    fn needs(&self, scope: &str, entity: Entity) -> Vec<Need> {
        auth::needs(scope, entity)
    }

    fn authorize_url(
        &self,
        _base_url: &str,
        _credentials: &Credentials,
        _settings: &Json,
        _redirect_uri: &str,
        _scopes: &[String],
        _state: &str,
    ) -> Result<String, Error> {
        no_redirect()
    }

    async fn exchange_code(
        &self,
        _calls: &dyn Calls,
        _credentials: &Credentials,
        _redirect_uri: &str,
        _code: &str,
    ) -> Result<Grant, Error> {
        no_redirect()
    }

    async fn refresh(
        &self,
        calls: &dyn Calls,
        credentials: &Credentials,
        scopes: &[String],
    ) -> Result<Grant, Error> {
        token::obtain(calls, credentials, scopes).await
    }

    fn right_needed(&self, request: &Request) -> Option<String> {
        if request.own_right {
            let operation = catalog::catalog().operation(request.operation)?;
            return operation.needs.first().cloned();
        }
        operation::scope(request.operation)
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
        if entity == Entity::Note {
            return notes::schema(calls).await;
        }
        schema::schema(calls, resource(calls, entity)?).await
    }

    async fn fetch(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        ids: &[RecordId],
    ) -> Result<Vec<Fetched>, Error> {
        if schema.entity == Entity::Note {
            return notes::fetch(calls, ids).await;
        }
        Ok(fetch::fetch(calls, schema, resource(calls, schema.entity)?, ids).await)
    }

    async fn changes(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        page: PageRequest,
    ) -> Result<Page, Error> {
        if schema.entity == Entity::Note {
            return notes::changes(calls, page).await;
        }
        changes::changes(calls, schema, resource(calls, schema.entity)?, page).await
    }

    async fn list(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        page: PageRequest,
    ) -> Result<Page, Error> {
        if schema.entity == Entity::Note {
            return notes::list(calls, page).await;
        }
        list::list(calls, schema, resource(calls, schema.entity)?, page).await
    }

    async fn find(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        keys: &[IdentityKey],
    ) -> Result<Vec<Read>, Error> {
        if schema.entity == Entity::Note {
            return notes::find(calls, keys).await;
        }
        find::find(calls, schema, resource(calls, schema.entity)?, keys).await
    }

    async fn create(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        drafts: &[Draft],
    ) -> Vec<CreateOutcome> {
        if schema.entity == Entity::Note {
            return notes::create(calls, &self.pens, drafts).await;
        }
        match resource(calls, schema.entity) {
            Ok(resource) if visits::are(resource) => visits::make(calls, schema, drafts).await,
            Ok(resource) => create::create(calls, schema, resource, drafts).await,
            Err(_) => drafts
                .iter()
                .map(|_| CreateOutcome::Failed(unusable(calls, schema.entity)))
                .collect(),
        }
    }

    async fn update(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        changes: &[Change],
    ) -> Vec<UpdateOutcome> {
        if schema.entity == Entity::Note {
            return notes::update(calls, &self.pens, changes).await;
        }
        match resource(calls, schema.entity) {
            Ok(resource) if visits::are(resource) => {
                changes.iter().map(|_| visits::refuse()).collect()
            }
            Ok(resource) => {
                update::update(calls, schema, resource, Some(&self.pens), changes).await
            }
            Err(_) => changes
                .iter()
                .map(|_| UpdateOutcome::Failed(unusable(calls, schema.entity)))
                .collect(),
        }
    }

    async fn remove(
        &self,
        calls: &dyn Calls,
        entity: Entity,
        ids: &[RecordId],
    ) -> Vec<RemoveOutcome> {
        if entity == Entity::Note {
            return notes::remove(calls, &self.pens, ids).await;
        }
        match resource(calls, entity) {
            Ok(resource) => remove::remove(calls, resource, ids).await,
            Err(_) => ids
                .iter()
                .map(|_| RemoveOutcome::Failed(unusable(calls, entity)))
                .collect(),
        }
    }

    async fn subscribe(
        &self,
        calls: &dyn Calls,
        address: &str,
        entities: &[Entity],
        events: &[String],
        before: Option<&Subscription>,
    ) -> Result<Option<Subscription>, Error> {
        subscribe::subscribe(calls, address, entities, events, before).await
    }

    async fn unsubscribe(
        &self,
        calls: &dyn Calls,
        subscription: &Subscription,
    ) -> Result<(), Error> {
        subscribe::unsubscribe(calls, subscription).await
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
