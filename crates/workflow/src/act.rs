//! What a step wants done outside, and what came of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// Something to be done outside. It holds no secret: those stand in it as references.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// An operation of the catalog on a connection.
    Operation {
        /// The connection.
        connection: String,
        /// The operation's id.
        operation: String,
        /// What it is done with.
        input: Map<String, Json>,
        /// How it is looked up, where the workflow says so: the input, and what an item must hold.
        #[serde(skip)]
        look_up: Option<(Map<String, Json>, Map<String, Json>)>,
    },
    /// An edit of a record through a sync.
    Edit {
        /// Through which sync.
        sync: String,
        /// On which of its connections.
        connection: String,
        /// What the record is.
        entity: String,
        /// Which.
        record: String,
        /// Fields with what they are to hold.
        fields: Map<String, Json>,
    },
    /// An HTTP request.
    Http {
        /// The method.
        method: String,
        /// Where.
        url: String,
        /// Headers; `env:` and `file:` are references.
        headers: BTreeMap<String, String>,
        /// Query parameters.
        query: Vec<(String, String)>,
        /// The body.
        body: Json,
        /// Given up after so many seconds.
        timeout: u32,
        /// Doing it twice is the same as doing it once.
        #[serde(skip)]
        repeatable: bool,
    },
    /// A message to a chat.
    Chat {
        /// A reference to the address.
        url: String,
        /// What it says.
        text: String,
    },
    /// An e-mail.
    Email {
        /// To whom.
        to: String,
        /// What it is about.
        subject: String,
        /// What it says.
        text: String,
    },
}

/// What may be done when the outcome of an act is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeatability {
    /// It is done again.
    Repeatable,
    /// It is looked up first.
    LookUp,
    /// A person is asked.
    AtMostOnce,
}

/// What came of an act.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Done.
    Done(Json),
    /// Not done.
    Failed(Failure),
    /// It may have been done.
    Unknown(String),
}

/// Why something was not done. The message holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Of which kind.
    pub kind: FailureKind,
    /// In words.
    pub message: String,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

/// Kinds of failures, by what may be done about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// What went in does not fit. The same would fail again.
    Input,
    /// The system refused. The same would be refused again.
    Refused,
    /// It did not reach the system, or the system was not able to. It may pass.
    Unreachable,
    /// The connection is signed out, or lacks a right. A person has to act; it is tried again as what may pass.
    Connection,
    /// What came back cannot be used.
    Answer,
    /// A step says so.
    Asked,
    /// It was done by the workflow that was called, or in a list.
    Within,
    /// This process is stopping; it goes on at the next start.
    Stopping,
    /// It goes round in circles.
    Circle,
}

impl FailureKind {
    /// Whether the same may go well later.
    #[must_use]
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Unreachable | Self::Connection)
    }
}

/// Whether something that may have been done is there.
#[derive(Debug, Clone, PartialEq)]
pub enum Looked {
    /// It is: what the act would have answered.
    There(Json),
    /// It is not.
    NotThere,
    /// It cannot be told.
    Unclear(String),
    /// It could not be looked.
    Failed(Failure),
}
