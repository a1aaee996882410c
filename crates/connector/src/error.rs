//! What can go wrong between us and a vendor, beside the call itself.

use record::FieldName;
use serde::{Deserialize, Serialize};

use crate::CallError;

/// Why a connector could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The call did not come to pass, or its outcome is unknown.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The vendor refused.
    #[error("the vendor refused {operation}: {refusal}")]
    Refused {
        /// The operation.
        operation: &'static str,
        /// In its own words.
        refusal: Refusal,
    },
    /// A scope or right is missing. A person has to grant it.
    #[error("{operation} needs {missing}, which this connection does not have")]
    MissingRight {
        /// The operation.
        operation: &'static str,
        /// The scope or right, in the vendor's words.
        missing: String,
    },
    /// The vendor's answer was not what its documentation says.
    #[error("unexpected answer to {operation} (HTTP {status}): {what}")]
    Unexpected {
        /// The operation.
        operation: &'static str,
        /// The HTTP status.
        status: u16,
        /// What was wrong with it, without record values.
        what: String,
    },
    /// A setting of the connection is missing, or does not fit the account.
    #[error("the connection's `{setting}` is missing or wrong: {hint}")]
    Setting {
        /// The setting's key.
        setting: &'static str,
        /// What to do.
        hint: String,
    },
    /// The system has no such thing; its description says so.
    #[error("{system} cannot do this: {what}")]
    Unsupported {
        /// The system.
        system: &'static str,
        /// What was asked.
        what: String,
    },
}

/// A vendor's no to the content of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The vendor's code: HTTP status or error code.
    pub code: String,
    /// The vendor's words. May name fields; holds no secret.
    pub message: String,
    /// The fields that the vendor blames, as our schema names them. Empty: it did not say.
    #[serde(default)]
    pub fields: Vec<FieldName>,
}

impl Refusal {
    /// The code of a refusal by what the connector has learnt of the account: its schema says so from now on.
    pub const LEARNED: &str = "learned";
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}
