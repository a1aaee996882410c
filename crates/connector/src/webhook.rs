//! What a vendor pushes to us, turned into hints.

use std::{collections::BTreeMap, fmt};

use http::HeaderMap;
use jiff::Timestamp;
use record::{Entity, Read, RecordId};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{SecretText, catalog::trigger::Happened};

/// A webhook as it came in. Nothing in it is trusted before it is verified.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The raw query string, without `?`.
    pub query: &'a str,
    /// The body, byte for byte.
    pub body: &'a [u8],
    /// When it came in.
    pub received: Timestamp,
}

/// What verification needs; from the installation's config, as the vendor publishes it.
/// Its `Debug` form holds names only: a key may be a shared secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct WebhookKeys {
    /// Public keys or shared secrets by their name in the config. Absent: the connector's built-in
    /// ones (the vendor's published keys).
    pub keys: BTreeMap<String, String>,
}

impl fmt::Debug for WebhookKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys.keys()).finish()
    }
}

/// Where a vendor was told to send webhooks, and how they are verified. Only ever stored sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Subscription {
    /// The vendor's id of it.
    pub id: String,
    /// Where the webhooks go.
    pub address: String,
    /// What verifies them, by the names that [`WebhookKeys`] has.
    pub keys: BTreeMap<String, SecretText>,
}

/// A verified webhook.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The vendor's id of the delivery, for dropping repeats.
    pub id: Option<String>,
    /// Which account it is about (for HighLevel the location id); routes it to a connection. `None`: it
    /// does not say, and is about the one whose keys fit.
    pub account: Option<String>,
    /// What may have changed.
    pub hints: Vec<Hint>,
    /// What it tells as triggers of the catalog. Mostly one, and none where no trigger stands for the event.
    pub happened: Vec<Happened>,
    /// Entities of which something changed that the message does not name: what changed is asked for.
    pub unnamed: Vec<Entity>,
    /// Something about the connection itself.
    pub lifecycle: Option<Lifecycle>,
    /// The event's name, for the log.
    pub event: String,
    /// What its form shows of the vendor: switches of the sandbox, each with the value that matches. Only probes look at it.
    pub form: Vec<(&'static str, Json)>,
}

/// "This record may have changed."
#[derive(Debug, Clone)]
pub struct Hint {
    /// Which kind of record.
    pub entity: Entity,
    /// Which record.
    pub id: RecordId,
    /// A fetch that shows the record older than this is to be tried again later.
    pub not_older_than: Option<Timestamp>,
    /// The message tells that the record was made. Whatever changes after that has a message of its own.
    pub born: bool,
    /// The record as the message showed it (never complete): only good for recognising our own write.
    pub shown: Option<Box<Read>>,
}

/// News about the connection itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// The app was installed in the account.
    Installed,
    /// The app was removed from the account; its tokens are dead.
    Removed,
}

/// Why a webhook is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// No signature, or one that does not fit the body.
    #[error("the signature is missing or does not fit the body: {0}")]
    Signature(&'static str),
    /// Signed, but not in a form that we know.
    #[error("the body could not be read: {0}")]
    Body(String),
    /// The system has no webhooks.
    #[error("{0} sends no webhooks")]
    None(&'static str),
}
