//! How a connection is doing, for people and for the engine.

use jiff::Timestamp;
use serde::Serialize;

/// How a connection is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Health {
    /// The last call was answered, or none was made yet.
    #[default]
    Ok,
    /// It fails at the moment. It is tried again by itself.
    Degraded {
        /// The first failure in a row.
        since: Timestamp,
        /// What is known, without secrets and record values.
        why: String,
        /// No call is made before then.
        retry: Option<Timestamp>,
    },
    /// A person has to sign in again, paste new credentials, or grant a right.
    NeedsSignIn {
        /// Since when.
        since: Timestamp,
        /// What the vendor said, without secrets.
        why: String,
    },
    /// The credentials now lead to another account than the one this connection was made for.
    /// Nothing is read or written until that is settled.
    WrongAccount {
        /// Since when.
        since: Timestamp,
        /// The account that this connection belongs to.
        expected: String,
        /// The account that the credentials lead to.
        found: String,
    },
    /// Switched off by a person.
    Stopped {
        /// Since when.
        since: Timestamp,
    },
}

impl Health {
    /// Whether calls may be made.
    pub fn usable(&self) -> bool {
        match self {
            Self::Ok => true,
            Self::Degraded { retry, .. } => retry.is_none(),
            Self::NeedsSignIn { .. } | Self::WrongAccount { .. } | Self::Stopped { .. } => false,
        }
    }

    /// The word in lists.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded { .. } => "degraded",
            Self::NeedsSignIn { .. } => "needs_sign_in",
            Self::WrongAccount { .. } => "wrong_account",
            Self::Stopped { .. } => "stopped",
        }
    }
}
