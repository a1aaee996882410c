//! The trait that each system implements once.

use std::sync::LazyLock;

use async_trait::async_trait;
use jiff::Timestamp;
use record::{Entity, FieldName, Read, RecordId, Schema};
use serde_json::Value as Json;

use crate::{
    Announced, Calls, Change, CreateOutcome, Credentials, Delivery, Description, Desk, Draft,
    Error, Fetched, Finding, Grant, IdentityKey, Incoming, Listing, Outline, Probe, ProbeError,
    RemoveOutcome, Request, Response, Subscription, UpdateOutcome, Verdict, WebhookError,
    WebhookKeys,
    catalog::{Catalog, Operation, rest, trigger::Poll},
};

/// Which account a connection reaches, from the cheapest real read.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Account {
    /// The account's id at the vendor.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its country, ISO 3166-1 alpha-2, if the vendor says so.
    pub country: Option<String>,
    /// Its time zone, IANA name, if the vendor says so.
    pub time_zone: Option<String>,
    /// Scopes or rights that a two-way sync needs and this connection lacks, in the vendor's words.
    pub missing: Vec<String>,
    /// Things worth telling: an archive that is hidden, a right that looks too narrow.
    pub remarks: Vec<String>,
}

/// What a scope is needed for, of the records of one entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Reading them at all.
    Read,
    /// Making new ones.
    Create,
    /// Changing them.
    Update,
    /// Deleting or archiving them.
    Remove,
    /// Less than one of these: what is lame without it, in words.
    Beside(&'static str),
}

/// An account that a sign-in reaches.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Reached {
    /// The account's id at the vendor.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// Where to go on listing.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// What the page before gave. `None`: from the start.
    pub cursor: Option<Json>,
    /// At most this many records; the connector caps it at the vendor's largest page.
    pub limit: usize,
}

/// One page of a listing or of changes.
#[derive(Debug)]
pub struct Page {
    /// What was found. Each says itself how good it is.
    pub reads: Vec<Read>,
    /// Give this back to go on. `None`: the end. For `changes`, a cursor for the next poll is always
    /// in `resume`.
    pub next: Option<Json>,
    /// For `changes`: where the next poll begins once this page is worked off.
    pub resume: Option<Json>,
    /// How many records there are in all, if the vendor says so.
    pub total: Option<u64>,
}

/// A system, as the engine sees it. Stateless: everything that must be remembered is passed in.
#[async_trait]
pub trait Connector: Send + Sync {
    /// What the system is and can do.
    fn describe(&self) -> &Description;

    /// What a full listing of this entity costs and is needed for.
    fn listing(&self, _entity: Entity) -> Listing {
        Listing::default()
    }

    /// The fields that every account has, and what is out of reach: for the documentation.
    fn outline(&self) -> Outline {
        Outline::default()
    }

    /// Adds authorisation to a request, anew for each attempt. `now` is corrected by the clock
    /// difference to the vendor, if one was found.
    ///
    /// # Errors
    /// When the credentials lack something.
    fn authorise(
        &self,
        request: &mut Request,
        credentials: &Credentials,
        settings: &Json,
        now: Timestamp,
    ) -> Result<(), Error>;

    /// What an answer means for the connection as a whole.
    fn verdict(&self, request: &Request, response: &Response) -> Verdict;

    /// What an answer says of the vendor's limits, one entry for each kind of request that it is about.
    fn announced(&self, _response: &Response) -> Vec<Announced> {
        Vec::new()
    }

    /// Scopes to ask for: reading only, or reading and writing.
    fn scopes(&self, entities: &[Entity], write: bool) -> Vec<String>;

    /// What one of [`Self::scopes`] is needed for, of the records of this entity. Empty: nothing of theirs, or the
    /// system does not say.
    fn needs(&self, _scope: &str, _entity: Entity) -> Vec<Need> {
        Vec::new()
    }

    /// Where to send the user to sign in. `state` comes back with the code where the vendor passes it
    /// through.
    ///
    /// # Errors
    /// When the scheme has no redirect, or a field is missing.
    fn authorize_url(
        &self,
        base_url: &str,
        credentials: &Credentials,
        settings: &Json,
        redirect_uri: &str,
        scopes: &[String],
        state: &str,
    ) -> Result<String, Error>;

    /// Buys tokens for a code (and whatever further exchange the vendor then needs). `calls` adds no
    /// authorisation here.
    async fn exchange_code(
        &self,
        calls: &dyn Calls,
        credentials: &Credentials,
        redirect_uri: &str,
        code: &str,
    ) -> Result<Grant, Error>;

    /// Buys new tokens with the refresh token, or anew by client credentials; then `scopes` are what to
    /// ask for, and what of them was granted stands in the tokens.
    async fn refresh(
        &self,
        calls: &dyn Calls,
        credentials: &Credentials,
        scopes: &[String],
    ) -> Result<Grant, Error>;

    /// The account that the settings of a connection name, where the sign-in of another connection may be used for it.
    fn meant(&self, _settings: &Json) -> Option<String> {
        None
    }

    /// Who let the app in for many accounts at once, by the vendor's id, if these credentials come out of that (for
    /// HighLevel the agency).
    fn let_in_by(&self, _credentials: &Credentials) -> Option<String> {
        None
    }

    /// Buys tokens for the account of `calls` out of the sign-in of another connection, `of`, and spends nothing that it still
    /// needs. `own` has what the user gives, and no tokens. `None`: that sign-in reaches no others.
    ///
    /// # Errors
    /// When the vendor refuses, or does not answer.
    async fn share(
        &self,
        _calls: &dyn Calls,
        _own: &Credentials,
        _of: &Credentials,
    ) -> Result<Option<Grant>, Error> {
        Ok(None)
    }

    /// The accounts that a sign-in reaches. `None`: it is for one alone.
    ///
    /// # Errors
    /// When the vendor refuses, or does not answer.
    async fn reaches(
        &self,
        _calls: &dyn Calls,
        _credentials: &Credentials,
    ) -> Result<Option<Vec<Reached>>, Error> {
        Ok(None)
    }

    /// The scope or right that a request needs, for a vendor that refuses a token that lacks it just as
    /// one that has ended: what it refuses right after a fresh token is then this right.
    fn right_needed(&self, _request: &Request) -> Option<String> {
        None
    }

    /// The cheapest real read: which account, and what is missing for these entities.
    async fn check(
        &self,
        calls: &dyn Calls,
        credentials: &Credentials,
        entities: &[Entity],
        write: bool,
    ) -> Result<Account, Error>;

    /// The fields of an entity, custom ones included.
    async fn schema(&self, calls: &dyn Calls, entity: Entity) -> Result<Schema, Error>;

    /// Reads records by id, fresh and complete, one outcome per id in any order. Batches are cut by
    /// the connector to the vendor's largest.
    async fn fetch(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        ids: &[RecordId],
    ) -> Result<Vec<Fetched>, Error>;

    /// One page of what changed since the cursor (`None`: since now; no reads, only a `resume`).
    async fn changes(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        page: PageRequest,
    ) -> Result<Page, Error>;

    /// One page of everything, in an order that lets a listing be resumed by its cursor. Listings often
    /// lack a field or two: a reading is complete when it knows every field of the `schema` that is
    /// passed in, so pass only the fields that matter.
    async fn list(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        page: PageRequest,
    ) -> Result<Page, Error>;

    /// Records that carry one of these keys. May be stale as far as the description's search lag says.
    async fn find(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        keys: &[IdentityKey],
    ) -> Result<Vec<Read>, Error>;

    /// Makes records, one outcome per draft in their order. Uses the silent form where there is one.
    async fn create(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        drafts: &[Draft],
    ) -> Vec<CreateOutcome>;

    /// Changes records, one outcome per change in their order. Sends only what is in the change.
    async fn update(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        changes: &[Change],
    ) -> Vec<UpdateOutcome>;

    /// Deletes or archives records as the description says, one outcome per id in their order.
    async fn remove(
        &self,
        calls: &dyn Calls,
        entity: Entity,
        ids: &[RecordId],
    ) -> Vec<RemoveOutcome>;

    /// What the system offers beside its entities. Empty: nothing.
    fn catalog(&self) -> &'static Catalog {
        static NOTHING: LazyLock<Catalog> = LazyLock::new(Catalog::default);
        &NOTHING
    }

    /// The request that an operation of the catalog makes of an input, which is checked and completed already.
    ///
    /// # Errors
    /// When the connection's settings do not allow it.
    fn operation_request(
        &self,
        operation: &'static Operation,
        input: &Json,
        _settings: &Json,
    ) -> Result<Request, Error> {
        rest::request(operation, input)
    }

    /// What an answer to it says.
    ///
    /// # Errors
    /// When the vendor refused, or its answer cannot be read.
    fn operation_answer(
        &self,
        operation: &'static Operation,
        response: &Response,
    ) -> Result<Json, Error> {
        rest::answer(operation, response)
    }

    /// How this moment is written in the question of a trigger: as early as what changed from then on can be dated.
    ///
    /// # Errors
    /// When the connection's settings do not allow it.
    fn since(&self, _poll: &Poll, at: Timestamp, _settings: &Json) -> Result<String, Error> {
        Ok(at.to_string())
    }

    /// The questions about the vendor that only a live account can answer. None: nothing is in doubt.
    fn probes(&self) -> Vec<Probe> {
        Vec::new()
    }

    /// Asks one of them.
    ///
    /// # Errors
    /// When it was not allowed, stopped, or a call failed.
    async fn probe(&self, id: &str, _desk: &dyn Desk) -> Result<Finding, ProbeError> {
        Err(ProbeError::Failed(Error::Unsupported {
            system: self.describe().title,
            what: format!("the probe {id}"),
        }))
    }

    /// Has webhooks about these entities sent to `address`, and those of these events of its triggers, by the names that they have
    /// in [`Source::Webhook`](crate::catalog::trigger::Source::Webhook). Asked again and again: what is there already is
    /// kept, what an earlier address left is taken away. `before` is what was given last time. `None`: the
    /// system has no way to subscribe by API.
    ///
    /// # Errors
    /// When it cannot be done; changes are then found by polling.
    async fn subscribe(
        &self,
        _calls: &dyn Calls,
        _address: &str,
        _entities: &[Entity],
        _events: &[String],
        _before: Option<&Subscription>,
    ) -> Result<Option<Subscription>, Error> {
        Ok(None)
    }

    /// Ends what [`Self::subscribe`] made. What is gone already is as good as ended.
    ///
    /// # Errors
    /// When the vendor refuses, or does not answer.
    async fn unsubscribe(
        &self,
        _calls: &dyn Calls,
        _subscription: &Subscription,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// Makes a text field of the account's own, and says its name. A system whose API cannot do that says in its
    /// description how a person does.
    ///
    /// # Errors
    /// When it cannot be made.
    async fn make_field(
        &self,
        _calls: &dyn Calls,
        entity: Entity,
        _label: &str,
    ) -> Result<FieldName, Error> {
        let description = self.describe();
        let by_hand = description
            .entity(entity)
            .map_or("", |entity| entity.own_fields);
        Err(Error::Unsupported {
            system: description.title,
            what: match by_hand {
                "" => format!("fields of one's own for {entity} records"),
                by_hand => format!("fields are not made through its API. By hand: {by_hand}"),
            },
        })
    }

    /// Deletes a field that [`Self::make_field`] made, with all its values. One that is gone already is as good as deleted.
    ///
    /// # Errors
    /// When it cannot be deleted.
    async fn unmake_field(
        &self,
        _calls: &dyn Calls,
        entity: Entity,
        _field: &FieldName,
    ) -> Result<(), Error> {
        Err(Error::Unsupported {
            system: self.describe().title,
            what: format!("deleting fields of {entity} records"),
        })
    }

    /// Which of these records are in the archive already, where removing means archiving: a removal
    /// without an answer is not made twice. Where removed records are gone, none are.
    ///
    /// # Errors
    /// When the vendor cannot be asked.
    async fn archived(
        &self,
        _calls: &dyn Calls,
        _entity: Entity,
        _ids: &[RecordId],
    ) -> Result<Vec<RecordId>, Error> {
        Ok(Vec::new())
    }

    /// Verifies a webhook over its raw bytes and reads it into hints.
    ///
    /// # Errors
    /// When it is not to be trusted or not to be understood.
    fn webhook(
        &self,
        incoming: &Incoming<'_>,
        keys: &WebhookKeys,
    ) -> Result<Delivery, WebhookError>;
}
