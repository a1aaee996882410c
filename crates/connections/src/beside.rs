//! What is kept beside the credentials: facts that were learnt about the account, and the webhooks that were
//! subscribed.

use std::sync::Arc;

use connector::{Calls, Subscription, WebhookKeys};
use record::{Entity, FieldName};
use serde_json::{Value as Json, json};
use store::{ConnectionName, Lane, Saved};

use crate::{
    Connections, UnknownConnection,
    connection::Connection,
    credentials::{Held, Kept, scrub},
    exchange::Authority,
    session::Session,
};

/// Why webhooks could not be subscribed. Holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum SubscribeError {
    /// There is no such connection.
    #[error(transparent)]
    Unknown(#[from] UnknownConnection),
    /// Nobody has signed in yet.
    #[error("nobody has signed in yet")]
    SignedOut,
    /// The vendor, or the way to it, failed.
    #[error("{0}")]
    Vendor(String),
}

/// Under what the fields that were made for us are remembered.
const MADE: &str = "made_fields";

impl Connections {
    /// Has the vendor send webhooks about these entities, and those of these events of its triggers, to `address`, where that can be asked for by API, and
    /// keeps what verifies them. Says whether it can.
    ///
    /// # Errors
    /// When it could not be done.
    pub async fn subscribe(
        &self,
        name: &ConnectionName,
        address: &str,
        entities: &[Entity],
        events: &[String],
    ) -> Result<bool, SubscribeError> {
        let connection = self.get(name)?;
        let held = connection.tokens.held().ok_or(SubscribeError::SignedOut)?;
        let before = held.kept.subscription.as_ref();
        let calls = Session::new(Arc::clone(&connection), Lane::Reconcile, "webhooks".into());
        let subscribed = connection
            .connector
            .subscribe(&calls as &dyn Calls, address, entities, events, before)
            .await
            .map_err(|error| {
                SubscribeError::Vendor(scrub(&error.to_string(), &held.kept.credentials))
            })?;
        let Some(subscription) = subscribed else {
            return Ok(false);
        };
        connection
            .keep("webhooks", |kept| kept.subscribed(&subscription))
            .await;
        Ok(true)
    }

    /// Takes away what was subscribed, at the vendor and here. Says whether there was anything.
    ///
    /// # Errors
    /// When it could not be done; it is then still known.
    pub async fn unsubscribe(&self, name: &ConnectionName) -> Result<bool, SubscribeError> {
        let connection = self.get(name)?;
        let held = connection.tokens.held().ok_or(SubscribeError::SignedOut)?;
        let Some(subscription) = &held.kept.subscription else {
            return Ok(false);
        };
        let calls = Session::new(Arc::clone(&connection), Lane::Live, "disconnect".into());
        // it is switched off already, so that nothing works with what is taken away
        let calls = calls.with(Authority::Probe);
        let ended = connection
            .connector
            .unsubscribe(&calls as &dyn Calls, subscription);
        ended.await.map_err(|error| {
            SubscribeError::Vendor(scrub(&error.to_string(), &held.kept.credentials))
        })?;
        let forget = |kept: &mut Kept| kept.subscription.take().is_some();
        connection.keep("webhooks", forget).await;
        Ok(true)
    }

    /// Remembers a field that was made for us in the account, until somebody signs in anew.
    ///
    /// # Errors
    /// When there is no such connection.
    pub async fn made_field(
        &self,
        name: &ConnectionName,
        entity: Entity,
        field: &FieldName,
    ) -> Result<(), UnknownConnection> {
        let mut made = self.made_fields(name)?;
        made.push((entity, field.clone()));
        self.remember(name, &made).await
    }

    /// The fields that were made for us in the account, as far as is remembered.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn made_fields(
        &self,
        name: &ConnectionName,
    ) -> Result<Vec<(Entity, FieldName)>, UnknownConnection> {
        let settings = self.get(name)?.settings();
        // what is not of the form was not written by this
        Ok(serde_json::from_value(settings["learned"][MADE].clone()).unwrap_or_default())
    }

    /// Deletes a field that was made for us.
    ///
    /// # Errors
    /// When it could not be done; it is then still remembered.
    pub async fn unmake_field(
        &self,
        name: &ConnectionName,
        entity: Entity,
        field: &FieldName,
    ) -> Result<(), SubscribeError> {
        let connection = self.get(name)?;
        let held = connection.tokens.held().ok_or(SubscribeError::SignedOut)?;
        let calls = Session::new(Arc::clone(&connection), Lane::Live, "disconnect".into());
        // it is switched off already, so that nothing works with what is taken away
        let calls = calls.with(Authority::Probe);
        let connector = &connection.connector;
        let gone = connector.unmake_field(&calls as &dyn Calls, entity, field);
        gone.await.map_err(|error| {
            SubscribeError::Vendor(scrub(&error.to_string(), &held.kept.credentials))
        })?;
        let mut made = self.made_fields(name)?;
        made.retain(|own| *own != (entity, field.clone()));
        Ok(self.remember(name, &made).await?)
    }

    async fn remember(
        &self,
        name: &ConnectionName,
        made: &[(Entity, FieldName)],
    ) -> Result<(), UnknownConnection> {
        let connection = self.get(name)?;
        connection.learn(MADE, json!(made)).await;
        Ok(())
    }

    /// Where webhooks were last subscribed to go, if they were.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn subscribed_to(
        &self,
        name: &ConnectionName,
    ) -> Result<Option<String>, UnknownConnection> {
        let held = self.get(name)?.tokens.held();
        Ok(held.and_then(|held| {
            let subscription = held.kept.subscription.as_ref()?;
            Some(subscription.address.clone())
        }))
    }
}

impl Connection {
    /// Keeps a fact about the account.
    pub(crate) async fn learn(&self, key: &str, fact: Json) {
        let is_new = self.keep(key, |kept| kept.learn(key, &fact)).await;
        if is_new {
            tracing::info!(connection = %self.name, key, %fact, "learnt something about the account");
        }
    }

    /// What verifies webhooks: the config's keys, and that of the subscription.
    pub(crate) fn keys(&self) -> WebhookKeys {
        let mut keys = self.webhook_keys.clone();
        if let Some(held) = self.tokens.held()
            && let Some(subscription) = &held.kept.subscription
        {
            for (name, key) in &subscription.keys {
                keys.keys.insert(name.clone(), key.expose().to_owned());
            }
        }
        keys
    }

    /// Changes what is kept, durably. `change` says whether there is anything to keep. Says whether it was
    /// kept; what was not is found out again.
    async fn keep(&self, what: &str, change: impl Fn(&mut Kept) -> bool) -> bool {
        let changing = self.tokens.changing.lock().await;
        // tokens that are not saved yet go before
        if changing.unsaved.is_some() {
            return false;
        }
        for _ in 0..3 {
            let Some(held) = self.tokens.held() else {
                return false;
            };
            let mut kept = held.kept.clone();
            if !change(&mut kept) {
                return false;
            }
            let error = match self.save_kept(&kept, held.version).await {
                Ok(Saved::Version(version)) => {
                    self.tokens.hold(Held { kept, version });
                    return true;
                }
                Ok(Saved::Conflict) => match self.stored().await {
                    Ok(Some(held)) => {
                        self.tokens.hold(held);
                        continue;
                    }
                    Ok(None) => return false,
                    Err(error) => error,
                },
                Err(error) => error,
            };
            tracing::warn!(connection = %self.name, what, %error, "what was found out could not be kept");
            return false;
        }
        false
    }
}

impl Kept {
    /// Adds a fact to what was learnt. `false`: it was known.
    fn learn(&mut self, key: &str, fact: &Json) -> bool {
        if self.settings["learned"][key] == *fact {
            return false;
        }
        if !self.settings.is_object() {
            self.settings = Json::Object(serde_json::Map::new());
        }
        if !self.settings["learned"].is_object() {
            self.settings["learned"] = Json::Object(serde_json::Map::new());
        }
        self.settings["learned"][key] = fact.clone();
        true
    }

    /// Takes over a subscription. `false`: it is the one that is kept.
    fn subscribed(&mut self, subscription: &Subscription) -> bool {
        let same = self.subscription.as_ref().is_some_and(|before| {
            let keys = |of: &Subscription| -> Vec<(String, String)> {
                let keys = of.keys.iter();
                keys.map(|(name, key)| (name.clone(), key.expose().to_owned()))
                    .collect()
            };
            before.id == subscription.id
                && before.address == subscription.address
                && keys(before) == keys(subscription)
        });
        self.subscription = Some(subscription.clone());
        !same
    }
}
