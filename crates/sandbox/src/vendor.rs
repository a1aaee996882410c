//! What a simulated vendor is to the rest of the sandbox.
//!
//! A vendor is a plain value that answers one request at a time under its lock: no I/O, no waiting, no clock but the
//! one in [`Core`]. Everything that may go wrong on the way (delays, drops, spoiled answers) happens around it.

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::core::Core;
use crate::counts::Access;

/// One request, with the vendor's own path: a prefix such as `/highlevel` is already taken off.
pub(crate) struct Call<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a Bytes,
    /// The base URL under which the client reached the vendor, for links in answers.
    pub(crate) base: &'a str,
}

/// What a request is, told before it has any effect.
pub(crate) struct Operation {
    /// The route's template, such as `/contacts/{contactId}`.
    pub(crate) route: &'static str,
    pub(crate) access: Access,
    /// The actions inside, such as `read address`, for vendors with one URL.
    pub(crate) actions: Vec<String>,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Lower-case names.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Headers whose names are only known at run time.
    pub(crate) extra_headers: Vec<(String, String)>,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    /// True for an error that the vendor reports under status 200.
    pub(crate) failed: bool,
    /// No answer at all: the connection is cut after so many milliseconds.
    pub(crate) cut_ms: Option<u64>,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            extra_headers: Vec::new(),
            content_type,
            body: body.into(),
            failed: false,
            cut_ms: None,
        }
    }

    /// A connection that is cut late instead of an answer.
    pub(crate) fn cut(after_ms: u64) -> Self {
        Self {
            cut_ms: Some(after_ms),
            failed: true,
            ..Self::new(0, "text/plain", "")
        }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json; charset=utf-8", body.to_string())
    }
}

/// Why an act of a user was refused.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The vendor has no such act.
    #[error("{system} knows no act {act:?}; there are: {known}")]
    Unknown {
        /// The vendor.
        system: &'static str,
        /// What was asked for.
        act: String,
        /// What there is.
        known: String,
    },
    /// The input does not fit.
    #[error("bad input: {0}")]
    Input(String),
    /// What it names is not there.
    #[error("there is no {what} {id:?}")]
    Missing {
        /// The kind of thing.
        what: &'static str,
        /// Its id.
        id: String,
    },
}

impl ActError {
    pub(crate) fn missing(what: &'static str, id: impl Into<String>) -> Self {
        Self::Missing {
            what,
            id: id.into(),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({"error": self.to_string()})
    }
}

/// One simulated vendor.
pub(crate) trait Vendor: Send {
    /// What the request is; has no effect.
    fn operation(&self, call: &Call<'_>) -> Operation;

    /// Answers the request.
    fn handle(&mut self, call: &Call<'_>, core: &Core) -> Answer;

    /// Fills in records in the shape of the vendor's create call, without limits, webhooks or duplicate checks;
    /// returns their ids.
    fn seed(&mut self, records: &[Value], core: &Core) -> Result<Vec<String>, ActError>;

    /// Does what a person does in the vendor's UI or portal.
    fn act(&mut self, act: &str, input: &Value, core: &Core) -> Result<Value, ActError>;

    /// Everything it holds, deleted records included.
    fn dump(&self, core: &Core) -> Value;

    /// Goes back to the empty account of the start.
    fn reset(&mut self, core: &Core);
}
