//! The way out that work is given: calls on one connection, in one lane, for one cause.

use std::sync::Arc;

use async_trait::async_trait;
use connector::{CallError, Calls, Connector, Credentials, Request, Response};
use jiff::Timestamp;
use serde_json::Value as Json;
use store::{ConnectionName, Lane};

use crate::{
    connection::Connection,
    exchange::{Authority, Exchange},
};

/// Calls on one connection. Cheap to clone. Settings are those of the moment it was made.
#[derive(Clone)]
pub struct Session {
    connection: Arc<Connection>,
    lane: Lane,
    cause: Arc<str>,
    settings: Arc<Json>,
    writes_until: Option<Timestamp>,
}

impl Session {
    pub(crate) fn new(connection: Arc<Connection>, lane: Lane, cause: Arc<str>) -> Self {
        let settings = Arc::new(connection.settings());
        Self {
            connection,
            lane,
            cause,
            settings,
            writes_until: None,
        }
    }

    /// The same for another cause.
    #[must_use]
    pub fn for_cause(&self, cause: impl Into<Arc<str>>) -> Self {
        Self {
            cause: cause.into(),
            ..self.clone()
        }
    }

    /// The same, but nothing is written after this moment, however long a call waits for its turn or is
    /// tried again: what it would follow from is too old by then. Such a call ends as not sent.
    #[must_use]
    pub fn writing_until(&self, until: Timestamp) -> Self {
        Self {
            writes_until: Some(until),
            ..self.clone()
        }
    }

    /// Whose calls these are.
    pub fn connection(&self) -> &ConnectionName {
        &self.connection.name
    }

    /// In which lane.
    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// The system's connector.
    pub fn connector(&self) -> &Arc<dyn Connector> {
        &self.connection.connector
    }

    /// How many records to hand to the connector at once, at most `largest`: less while big requests
    /// fail, growing back as they succeed.
    pub fn batch(&self, largest: usize) -> usize {
        self.connection.budget.batch(largest)
    }

    pub(crate) fn inner(&self) -> &Arc<Connection> {
        &self.connection
    }

    pub(crate) fn exchange<'a>(&'a self, authority: Authority<'a>) -> Exchange<'a> {
        Exchange {
            connection: &self.connection,
            lane: self.lane,
            cause: &self.cause,
            settings: &self.settings,
            authority,
            writes_until: self.writes_until,
        }
    }

    pub(crate) fn with_settings(mut self, settings: Json) -> Self {
        self.settings = Arc::new(settings);
        self
    }

    /// The same calls in another name.
    pub(crate) fn with(self, authority: Authority<'_>) -> Speaking<'_> {
        Speaking {
            session: self,
            authority,
        }
    }

    /// Sends a request once with the connection's own credentials and gives back whatever came, refusals and
    /// throttling too. Only a token that has ended is renewed, and not one that lacks a right. `budgeted`: waits for its turn; otherwise it
    /// may be one too many, which the budget then learns.
    pub(crate) async fn once(
        &self,
        request: &Request,
        budgeted: bool,
    ) -> Result<Response, CallError> {
        let exchange = Exchange {
            connection: &self.connection,
            lane: self.lane,
            cause: &self.cause,
            settings: &self.settings,
            authority: Authority::Own,
            writes_until: self.writes_until,
        };
        exchange.once(request, budgeted).await
    }

    async fn send_as(
        &self,
        request: Request,
        authority: Authority<'_>,
    ) -> Result<Response, CallError> {
        let exchange = Exchange {
            connection: &self.connection,
            lane: self.lane,
            cause: &self.cause,
            settings: &self.settings,
            authority,
            writes_until: self.writes_until,
        };
        exchange.send(request).await
    }
}

#[async_trait]
impl Calls for Session {
    async fn send(&self, request: Request) -> Result<Response, CallError> {
        self.send_as(request, Authority::Own).await
    }

    fn now(&self) -> Timestamp {
        self.connection.now()
    }

    fn settings(&self) -> &Json {
        &self.settings
    }

    fn base_url(&self) -> &str {
        let connection = &self.connection;
        connection.config.base_url(connection.connector.describe())
    }

    async fn learn(&self, key: &str, fact: Json) {
        self.connection.learn(key, fact).await;
    }
}

/// A session that speaks in another name than the connection's own.
pub(crate) struct Speaking<'a> {
    session: Session,
    authority: Authority<'a>,
}

impl<'a> Speaking<'a> {
    /// With credentials that are not saved yet.
    pub(crate) fn trial(session: Session, credentials: &'a Credentials) -> Self {
        session.with(Authority::Trial(credentials))
    }
}

#[async_trait]
impl Calls for Speaking<'_> {
    async fn send(&self, request: Request) -> Result<Response, CallError> {
        self.session.send_as(request, self.authority).await
    }

    fn now(&self) -> Timestamp {
        self.session.now()
    }

    fn settings(&self) -> &Json {
        self.session.settings()
    }

    fn base_url(&self) -> &str {
        self.session.base_url()
    }
}
