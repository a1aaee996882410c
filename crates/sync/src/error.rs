//! Why the engine could not do what was asked.

use connector::CallError;
use record::Entity;

/// Why the engine could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such sync in the config in force.
    #[error("there is no sync `{0}`")]
    NoSync(String),
    /// No such connection in the config in force.
    #[error("there is no connection `{0}`")]
    NoConnection(String),
    /// A connection has no such entity.
    #[error("connection `{connection}` has no {entity}")]
    NoEntity {
        /// The connection.
        connection: String,
        /// The entity.
        entity: Entity,
    },
    /// The rules do not fit what the two accounts have.
    #[error("the rules of sync `{sync}` do not fit: {problems}")]
    Rules {
        /// The sync.
        sync: String,
        /// All problems, one to a line.
        problems: String,
    },
    /// The sync cannot run at this moment.
    #[error("sync `{sync}` cannot run: {why}")]
    NotReady {
        /// The sync.
        sync: String,
        /// Why.
        why: String,
    },
    /// A run of the sync is under way.
    #[error("a run of sync `{0}` is under way, and the next one begins after it")]
    Busy(String),
    /// A person has to sign a connection in first.
    #[error("connection `{connection}` is not signed in: {why}")]
    SignedOut {
        /// The connection.
        connection: String,
        /// Why.
        why: String,
    },
    /// No such plan, or it cannot be carried out as it stands.
    #[error("plan {plan}: {why}")]
    Plan {
        /// The plan.
        plan: String,
        /// Why.
        why: String,
    },
    /// No such review, or it is decided already.
    #[error("there is no open review {0}")]
    NoReview(String),
    /// The review does not offer this choice.
    #[error("review {review} does not offer `{choice}`; it offers {offered}")]
    NoChoice {
        /// The review.
        review: String,
        /// What was chosen.
        choice: String,
        /// What is offered.
        offered: String,
    },
    /// Tandem never linked or wrote this record.
    #[error(
        "nothing is known of {entity} {record} on `{connection}`: it was never linked or written"
    )]
    NotKnown {
        /// The connection.
        connection: String,
        /// What it is.
        entity: Entity,
        /// Which.
        record: String,
    },
    /// Two records are not what was said of them.
    #[error("{left} and {right} of sync `{sync}` {what}")]
    NotAPair {
        /// The sync.
        sync: String,
        /// The record on the left.
        left: String,
        /// The record on the right.
        right: String,
        /// What they are not: `are not linked`.
        what: &'static str,
    },
    /// Something changed since it was looked at.
    #[error("something changed since this was looked at; nothing was done")]
    Overtaken,
    /// It would be too much at once.
    #[error("these are more than {most} {what}")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// The most that is allowed.
        most: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A connector failed.
    #[error(transparent)]
    Connector(#[from] connector::Error),
    /// A connection could not be used.
    #[error("connection `{connection}`: {why}")]
    Connection {
        /// The connection.
        connection: String,
        /// Why.
        why: String,
    },
}

impl Error {
    /// Whether a connection lacks a right that this needs. All else on it goes on.
    pub(crate) fn is_missing_right(&self) -> bool {
        matches!(
            self,
            Self::Connector(
                connector::Error::Call(CallError::Right { .. })
                    | connector::Error::MissingRight { .. }
            )
        )
    }

    /// Whether a vendor refused the content of what it was asked. For a read that means that the
    /// account no longer has what we ask for.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Connector(connector::Error::Refused { .. }))
    }
}
