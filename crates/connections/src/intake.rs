//! Webhooks on their way in: verified over the raw bytes, routed by account, made durable, and only
//! then acknowledged.

use std::sync::Arc;

use async_trait::async_trait;
use connector::{
    Delivery, Incoming, Lifecycle, Told, WebhookError, WebhookKeys, catalog::trigger::Happened,
};
use jiff::Timestamp;
use record::RecordId;
use store::{Accepted, ConnectionName};

use crate::{Connections, connection::Connection, sharing};

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

/// What is noted of a verified webhook for whoever listens.
#[derive(Debug, Clone)]
pub(crate) struct Noted {
    pub(crate) told: Told,
    /// What its trigger is about, where that is no record that is told of: a thing, or a record that the message does not name whole.
    pub(crate) thing: Option<RecordId>,
    pub(crate) records: Vec<RecordId>,
    pub(crate) received: Timestamp,
}

/// A delivery could not be stored.
#[derive(Debug, thiserror::Error)]
#[error("store the webhook: {0}")]
pub struct IntakeSinkError(pub String);

/// What became of a webhook.
#[derive(Debug, Clone, PartialEq)]
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
        /// What it told.
        happened: Vec<Happened>,
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
        // connections of one system may have different keys (a sandbox beside the real thing): a
        // delivery belongs to those whose keys fit it. Each set of keys is tried once
        let mut by_keys: Vec<(WebhookKeys, Vec<Arc<Connection>>)> = Vec::new();
        for connection in self.of_system(system) {
            let keys = connection.keys();
            match by_keys.iter_mut().find(|(same, _)| *same == keys) {
                Some((_, group)) => group.push(connection),
                None => by_keys.push((keys, vec![connection])),
            }
        }
        let mut last = IntakeError::UnknownSystem(system.to_owned());
        let mut verified = None;
        for (keys, group) in by_keys {
            match group[0].connector.webhook(incoming, &keys) {
                Ok(delivery) => {
                    verified = Some((group, delivery));
                    break;
                }
                Err(error) => last = error.into(),
            }
        }
        let Some((group, delivery)) = verified else {
            return Err(last);
        };
        if let Some(lifecycle) = delivery.lifecycle {
            let concerned = self.install_changed(&group, &delivery, lifecycle);
            if !concerned.is_empty() {
                return Ok(Receipt::Accepted {
                    event: delivery.event,
                    connections: concerned,
                });
            }
        }
        let (mut addressed, mut accepted) = (false, Vec::new());
        for connection in group {
            if delivery.account.is_some() && connection.account() != delivery.account {
                continue;
            }
            addressed = true;
            connection.hears(Noted {
                told: Told {
                    event: delivery.event.clone(),
                    form: delivery.form.clone(),
                },
                thing: delivery
                    .happened
                    .first()
                    .map(|own| RecordId::from(own.id.as_str())),
                records: delivery.hints.iter().map(|hint| hint.id.clone()).collect(),
                received: incoming.received,
            });
            match sink.accept(&connection.name, &delivery).await? {
                Accepted::New => accepted.push(connection.name.clone()),
                Accepted::Duplicate => {}
                Accepted::Full => return Ok(Receipt::Full),
            }
            match delivery.lifecycle {
                Some(Lifecycle::Removed) => {
                    connection.needs_sign_in("the app was removed from the account");
                }
                Some(Lifecycle::Installed) => {
                    connection.ask_now();
                    self.installs().notify_one();
                }
                None => {}
            }
        }
        Ok(match (addressed, accepted.is_empty()) {
            (false, _) => Receipt::NoConnection {
                account: delivery.account.unwrap_or_default(),
                happened: delivery.happened,
            },
            (true, true) => Receipt::Duplicate,
            (true, false) => Receipt::Accepted {
                event: delivery.event,
                connections: accepted,
            },
        })
    }

    /// What the news of an installation mean for connections that have no such account themselves: those below an account of a
    /// higher rank, and those that are for it and that nobody is signed in to yet. It is not stored: who has to sign in
    /// shows with the next call, and what was installed is looked for by itself again and again.
    fn install_changed(
        &self,
        group: &[Arc<Connection>],
        delivery: &Delivery,
        lifecycle: Lifecycle,
    ) -> Vec<ConnectionName> {
        let below = |connection: &Connection| {
            let held = connection.tokens.held();
            let by = held.and_then(|held| connection.connector.let_in_by(&held.kept.credentials));
            by.is_some() && by == delivery.account
        };
        let mut concerned = Vec::new();
        for connection in group {
            match lifecycle {
                Lifecycle::Removed if below(connection) => {
                    connection.needs_sign_in("the app was removed by whoever let it in");
                }
                Lifecycle::Installed if below(connection) => connection.ask_now(),
                Lifecycle::Installed
                    if connection.account().is_none()
                        && sharing::meant(connection)
                            .is_some_and(|meant| delivery.account.as_ref() == Some(&meant)) => {}
                _ => continue,
            }
            concerned.push(connection.name.clone());
        }
        if lifecycle == Lifecycle::Installed && !concerned.is_empty() {
            self.installs().notify_one();
        }
        concerned
    }
}
