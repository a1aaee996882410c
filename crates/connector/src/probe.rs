//! Questions about a vendor that only a live account can answer, and how they are asked.
//!
//! A connector declares its probes as data and carries each out through a [`Desk`]: it asks a person before
//! every write, keeps a list of what was made so that it is removed at the end, and lets nothing repeat a
//! request behind the probe's back. The connector knows what to send and what an answer means; everything else
//! is the same for all systems.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use record::{Entity, RecordId};
use serde_json::Value as Json;

use crate::{CallError, Calls, Error, Request, Response};

/// A question about a vendor's behaviour that no document settles.
#[derive(Debug, Clone, Copy)]
pub struct Probe {
    /// Its name, unique in the system: `search_lag`.
    pub id: &'static str,
    /// What is asked.
    pub question: &'static str,
    /// Whether records are made or changed for it.
    pub writes: bool,
    /// What it costs beyond a few calls. Such a probe is made only when it is named or costly ones are
    /// allowed.
    pub costs: Option<&'static str>,
}

/// What was seen.
#[derive(Debug, Clone, Default)]
pub struct Finding {
    /// In words, without anybody's data.
    pub seen: String,
    /// The sandbox's switches that match, each with its value. Empty: none does, or nothing is settled.
    pub switches: Vec<(&'static str, Json)>,
    /// Whether the question is answered.
    pub settled: bool,
}

impl Finding {
    /// An answer.
    pub fn settled(seen: impl Into<String>) -> Self {
        Self {
            seen: seen.into(),
            switches: Vec::new(),
            settled: true,
        }
    }

    /// No answer, and why not.
    pub fn open(why: impl Into<String>) -> Self {
        Self {
            seen: why.into(),
            switches: Vec::new(),
            settled: false,
        }
    }

    /// With all these switches.
    #[must_use]
    pub fn switches(mut self, switches: impl IntoIterator<Item = (&'static str, Json)>) -> Self {
        self.switches.extend(switches);
        self
    }

    /// With a switch of the sandbox that matches what was seen.
    #[must_use]
    pub fn switch(mut self, name: &'static str, value: impl Into<Json>) -> Self {
        self.switches.push((name, value.into()));
        self
    }
}

/// Why a probe did not come to an end.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// A person said no to a write.
    #[error("not allowed: {0}")]
    Declined(String),
    /// We were told to stop.
    #[error("stopped")]
    Stopped,
    /// A call needs a right that the connection does not have: which, and how it gets it.
    #[error("{0}")]
    Lacking(String),
    /// A call failed, or its answer was not understood.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<CallError> for ProbeError {
    fn from(error: CallError) -> Self {
        Self::Failed(error.into())
    }
}

/// A webhook about a record.
#[derive(Debug, Clone)]
pub struct Told {
    /// The event's name.
    pub event: String,
    /// Switches of the sandbox that match its form, with their values.
    pub form: Vec<(&'static str, Json)>,
}

impl Told {
    /// The names of several, as a sentence lists them.
    pub fn names(events: &[Self]) -> String {
        let names: Vec<&str> = events.iter().map(|told| told.event.as_str()).collect();
        names.join(", ")
    }
}

/// What webhooks said of a record.
#[derive(Debug, Clone)]
pub enum Heard {
    /// Events about it, in their order.
    Events(Vec<Told>),
    /// None, though webhooks do come in for this connection.
    Nothing,
    /// None, and nothing says that any would.
    Deaf(String),
}

/// Where a probe does its work.
#[async_trait]
pub trait Desk: Send + Sync {
    /// Now, settings and base URL of the connection. Requests go through the methods below.
    fn calls(&self) -> &dyn Calls;

    /// The scopes that the token of this connection has. Empty: the vendor does not say.
    fn granted(&self) -> Vec<String>;

    /// The mark that everything made here carries: `tandem-probe-1f3a9c`.
    fn marker(&self) -> &str;

    /// An e-mail address of this run, for a record of this name. Records that were perhaps made are looked for
    /// by it.
    fn email(&self, name: &str) -> String;

    /// Sends a read once; any answer is given back, refusals and throttling too, but not the refusal of a token that
    /// lacks the right that it needs.
    ///
    /// # Errors
    /// When no answer came, the right is missing ([`CallError::Right`]; what is known to be, is not even sent), or the run is
    /// being stopped.
    async fn read(&self, request: Request) -> Result<Response, ProbeError>;

    /// Sends a read whatever rights there are: to see how a missing one is refused, or an address that does not exist.
    ///
    /// # Errors
    /// When no answer came, or the run is being stopped.
    async fn read_unchecked(&self, request: Request) -> Result<Response, ProbeError>;

    /// Sends a write once, after a person allowed it. `what` says what it does, as a sentence goes on
    /// after "May I": `change the first name of the probe's contact`. Nobody is asked about what cannot be done for want of
    /// a right.
    ///
    /// # Errors
    /// As for a read, and when the person says no.
    async fn write(&self, what: &str, request: Request) -> Result<Response, ProbeError>;

    /// Sends a read that the budget would not let through: to meet the limit on purpose.
    ///
    /// # Errors
    /// When no answer came, or the run is being stopped.
    async fn read_beyond_limit(&self, request: Request) -> Result<Response, ProbeError>;

    /// This record was made by the run and is to be removed at its end.
    fn made(&self, entity: Entity, id: &RecordId);

    /// This record of the run is removed already.
    fn removed(&self, id: &RecordId);

    /// Something was made that is no record: this request takes it away again at the run's end. `what` names it with its id:
    /// `the webhook 65a…`.
    fn to_undo(&self, what: &str, request: Request);

    /// What was named so is taken away already.
    fn undone(&self, what: &str);

    /// Keeps a fact for later probes of the run, such as the id of a record that they share.
    fn keep(&self, key: &str, fact: Json);

    /// A fact that was kept.
    fn kept(&self, key: &str) -> Option<Json>;

    /// Lets time pass.
    ///
    /// # Errors
    /// When the run is being stopped.
    async fn wait(&self, duration: Duration) -> Result<(), ProbeError>;

    /// What webhooks say of a record from `since` on, waiting for the first one this long.
    ///
    /// # Errors
    /// When the run is being stopped.
    async fn hear(
        &self,
        id: &RecordId,
        since: Timestamp,
        patience: Duration,
    ) -> Result<Heard, ProbeError>;
}
