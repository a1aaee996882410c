//! The connector: one arm per entity, everything else is in the modules beside.

use async_trait::async_trait;
use connector::{
    Account, Calls, Change, Connector, CreateOutcome, Credentials, Delivery, Description, Desk,
    Draft, Error, Fetched, Finding, Grant, IdentityKey, Incoming, Outline, Page, PageRequest,
    Probe, ProbeError, RemoveOutcome, Request, Response, UpdateOutcome, Verdict, WebhookError,
    WebhookKeys,
    catalog::{Catalog, Operation, trigger::Poll},
};
use jiff::Timestamp;
use record::{Entity, Read, RecordId, Schema};
use serde_json::Value as Json;

use crate::{
    address, appointment,
    attached::{self, Sort},
    catalog, check,
    describe::{self, SYSTEM},
    marketplace, probe, schema, sign, verdict,
};

/// onOffice enterprise.
///
/// Settings of a connection, all optional: `time_zone` (IANA name of the vendor's wall time, default
/// `Europe/Berlin`), `country` (how phone numbers without calling code are read, default `DE`), and
/// `check_duplicate` (`true`: creates ask the vendor to look for the same e-mail address, without
/// overwriting anything). New tasks get `task_type` (the number of a type, which some clients demand) and `task_priority`,
/// new entries of the activity log `note_kind` and `note_type`, where the other side says none.
#[derive(Debug)]
pub struct OnOffice {
    description: Description,
}

impl OnOffice {
    /// The connector.
    pub fn new() -> Self {
        Self {
            description: describe::describe(),
        }
    }
}

impl Default for OnOffice {
    fn default() -> Self {
        Self::new()
    }
}

fn no_redirect<T>() -> Result<T, Error> {
    Err(Error::Unsupported {
        system: SYSTEM,
        what: "sign in by redirect, or renew a sign-in: token and secret are pasted and last"
            .into(),
    })
}

#[async_trait]
impl Connector for OnOffice {
    fn describe(&self) -> &Description {
        &self.description
    }

    fn outline(&self) -> Outline {
        describe::outline()
    }

    fn authorise(
        &self,
        request: &mut Request,
        credentials: &Credentials,
        _settings: &Json,
        now: Timestamp,
    ) -> Result<(), Error> {
        sign::authorise(request, credentials, now)
    }

    fn verdict(&self, _request: &Request, response: &Response) -> Verdict {
        verdict::verdict(response)
    }

    /// None: what an API user may do is set by its rights at the vendor.
    fn scopes(&self, _entities: &[Entity], _write: bool) -> Vec<String> {
        Vec::new()
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
        _calls: &dyn Calls,
        _credentials: &Credentials,
        _scopes: &[String],
    ) -> Result<Grant, Error> {
        no_redirect()
    }

    async fn check(
        &self,
        calls: &dyn Calls,
        credentials: &Credentials,
        entities: &[Entity],
        write: bool,
    ) -> Result<Account, Error> {
        check::check(calls, credentials, entities, write).await
    }

    async fn schema(&self, calls: &dyn Calls, entity: Entity) -> Result<Schema, Error> {
        if entity == Entity::Appointment {
            return appointment::schema(calls).await;
        }
        if let Some(sort) = Sort::of(entity) {
            return attached::schema(calls, sort).await;
        }
        address::supported(entity)?;
        schema::read(calls, entity).await
    }

    async fn fetch(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        ids: &[RecordId],
    ) -> Result<Vec<Fetched>, Error> {
        if schema.entity == Entity::Appointment {
            return appointment::fetch(calls, schema, ids).await;
        }
        if let Some(sort) = Sort::of(schema.entity) {
            return attached::fetch(calls, schema, sort, ids).await;
        }
        address::supported(schema.entity)?;
        address::fetch(calls, schema, ids).await
    }

    async fn changes(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        page: PageRequest,
    ) -> Result<Page, Error> {
        if schema.entity == Entity::Appointment {
            return appointment::changes(calls, schema, page).await;
        }
        if let Some(sort) = Sort::of(schema.entity) {
            return attached::changes(calls, schema, sort, page).await;
        }
        address::supported(schema.entity)?;
        address::changes(calls, schema, page).await
    }

    async fn list(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        page: PageRequest,
    ) -> Result<Page, Error> {
        if schema.entity == Entity::Appointment {
            return appointment::list(calls, schema, page).await;
        }
        if let Some(sort) = Sort::of(schema.entity) {
            return attached::list(calls, schema, sort, page).await;
        }
        address::supported(schema.entity)?;
        address::list(calls, schema, page).await
    }

    async fn find(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        keys: &[IdentityKey],
    ) -> Result<Vec<Read>, Error> {
        if schema.entity == Entity::Appointment {
            return appointment::find(calls, schema, keys).await;
        }
        if let Some(sort) = Sort::of(schema.entity) {
            return attached::find(calls, schema, sort, keys).await;
        }
        address::supported(schema.entity)?;
        address::find(calls, schema, keys).await
    }

    async fn create(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        drafts: &[Draft],
    ) -> Vec<CreateOutcome> {
        if let Some(sort) = Sort::of(schema.entity) {
            return attached::create(calls, schema, sort, drafts).await;
        }
        match address::supported(schema.entity) {
            _ if schema.entity == Entity::Appointment => {
                appointment::create(calls, schema, drafts).await
            }
            Ok(()) => address::create(calls, schema, drafts).await,
            Err(_) => drafts
                .iter()
                .filter_map(|_| address::supported(schema.entity).err())
                .map(CreateOutcome::Failed)
                .collect(),
        }
    }

    async fn update(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        changes: &[Change],
    ) -> Vec<UpdateOutcome> {
        if let Some(sort) = Sort::of(schema.entity) {
            return attached::update(calls, schema, sort, changes).await;
        }
        match address::supported(schema.entity) {
            _ if schema.entity == Entity::Appointment => {
                appointment::update(calls, schema, changes).await
            }
            Ok(()) => address::update(calls, schema, changes).await,
            Err(_) => changes
                .iter()
                .filter_map(|_| address::supported(schema.entity).err())
                .map(UpdateOutcome::Failed)
                .collect(),
        }
    }

    async fn remove(
        &self,
        calls: &dyn Calls,
        entity: Entity,
        ids: &[RecordId],
    ) -> Vec<RemoveOutcome> {
        if let Some(sort) = Sort::of(entity) {
            return attached::remove(calls, sort, ids).await;
        }
        match address::supported(entity) {
            _ if entity == Entity::Appointment => appointment::remove(calls, ids).await,
            Ok(()) => address::remove(calls, ids).await,
            Err(_) => ids
                .iter()
                .filter_map(|_| address::supported(entity).err())
                .map(RemoveOutcome::Failed)
                .collect(),
        }
    }

    async fn archived(
        &self,
        calls: &dyn Calls,
        entity: Entity,
        ids: &[RecordId],
    ) -> Result<Vec<RecordId>, Error> {
        if entity == Entity::Appointment {
            // removed is gone
            return Ok(Vec::new());
        }
        if let Some(sort) = Sort::of(entity) {
            return attached::archived(calls, sort, ids).await;
        }
        address::supported(entity)?;
        address::archived(calls, ids).await
    }

    fn catalog(&self) -> &'static Catalog {
        catalog::catalog()
    }

    fn operation_request(
        &self,
        operation: &'static Operation,
        input: &Json,
        _settings: &Json,
    ) -> Result<Request, Error> {
        catalog::request(operation, input)
    }

    fn operation_answer(
        &self,
        operation: &'static Operation,
        response: &Response,
    ) -> Result<Json, Error> {
        catalog::answer(operation, response)
    }

    fn since(&self, poll: &Poll, at: Timestamp, settings: &Json) -> Result<String, Error> {
        catalog::since(poll, at, settings)
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
        marketplace::webhook(incoming, keys)
    }
}
