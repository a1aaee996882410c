//! Webhooks on their way in: verified over the raw bytes, routed by account, made durable, and only
//! then acknowledged.

use async_trait::async_trait;
use connector::{Delivery, Incoming, Lifecycle, WebhookError};
use store::{Accepted, ConnectionName};

use crate::Connections;

/// Takes verified webhooks. What it accepted is durable when it returns.
#[async_trait]
pub trait IntakeSink: Send + Sync {
    /// Takes one delivery in for one connection.
    ///
    /// # Errors
    /// When it could not be stored; the vendor is then asked to send it again.
    async fn accept(
        &self,
        connection: &ConnectionName,
        delivery: &Delivery,
    ) -> Result<Accepted, IntakeSinkError>;
}

/// A delivery could not be stored.
#[derive(Debug, thiserror::Error)]
#[error("store the webhook: {0}")]
pub struct IntakeSinkError(pub String);

/// What became of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receipt {
    /// Durable, for these connections. Acknowledge.
    Accepted {
        /// The event's name.
        event: String,
        /// For whom.
        connections: Vec<ConnectionName>,
    },
    /// Seen before. Acknowledge.
    Duplicate,
    /// The backlog is at its limit. Answer 429, so that the vendor sends it again.
    Full,
    /// Verified, but no connection belongs to this account. Acknowledge: sending it again would
    /// change nothing.
    NoConnection {
        /// The vendor's id of the account.
        account: String,
    },
}

/// Why a webhook is not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// No connection of such a system is configured. Answer 404.
    #[error("no connection to a system `{0}` is configured")]
    UnknownSystem(String),
    /// Not to be trusted or not to be understood. Answer 401 or 400.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// Not stored. Answer 429 or 503, so that the vendor sends it again.
    #[error(transparent)]
    Sink(#[from] IntakeSinkError),
}

impl Connections {
    /// Takes a webhook in for whichever connections it is about.
    ///
    /// # Errors
    /// When it is not to be acknowledged.
    pub async fn receive(
        &self,
        system: &str,
        incoming: &Incoming<'_>,
        sink: &dyn IntakeSink,
    ) -> Result<Receipt, IntakeError> {
        let candidates = self.of_system(system);
        if candidates.is_empty() {
            return Err(IntakeError::UnknownSystem(system.to_owned()));
        }
        // connections of one system may have different keys (a sandbox beside the real thing): a
        // delivery belongs to those whose keys fit it
        let mut verified = Vec::new();
        let mut refused = None;
        for connection in candidates {
            match connection
                .connector
                .webhook(incoming, &connection.webhook_keys)
            {
                Ok(delivery) => verified.push((connection, delivery)),
                Err(error) => refused = Some(error),
            }
        }
        let Some((_, first)) = verified.first() else {
            return Err(refused
                .unwrap_or(WebhookError::Signature("no key fits"))
                .into());
        };
        let (account, event) = (first.account.clone(), first.event.clone());
        let mut accepted = Vec::new();
        let mut addressed = 0;
        for (connection, delivery) in verified {
            let own = connection.account();
            if own.is_none_or(|own| own != delivery.account) {
                continue;
            }
            addressed += 1;
            match sink.accept(&connection.name, &delivery).await? {
                Accepted::New => accepted.push(connection.name.clone()),
                Accepted::Duplicate => {}
                Accepted::Full => return Ok(Receipt::Full),
            }
            if delivery.lifecycle == Some(Lifecycle::Removed) {
                connection.needs_sign_in("the app was removed from the account");
            }
        }
        Ok(match (addressed, accepted.is_empty()) {
            (0, _) => Receipt::NoConnection { account },
            (_, true) => Receipt::Duplicate,
            (_, false) => Receipt::Accepted {
                event,
                connections: accepted,
            },
        })
    }
}
