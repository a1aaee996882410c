//! One sign-in for many accounts: where somebody of a higher rank let the app in (an agency), the accounts below
//! are connected out of that, each as a connection of its own with tokens of its own.

use std::sync::Arc;

use connector::{Calls, Credentials, Reached};
use serde::Serialize;
use store::{ConnectionName, Lane};

use crate::{
    ConnectError, Connected, Connections, Health, Purpose, UnknownConnection,
    connection::Connection,
    credentials::{Held, scrub},
    exchange::Authority,
    session::Session,
    sign_in,
};

/// An account that a sign-in reaches, and which connection has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reach {
    /// The vendor's id of it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The connection of the config that is for it.
    pub connection: Option<ConnectionName>,
    /// Whether that connection is signed in.
    pub connected: bool,
}

impl Connections {
    /// The connections that nobody is signed in to and that the sign-in of another one may reach.
    pub fn to_share(&self) -> Vec<ConnectionName> {
        let all = self.everything();
        let waiting = all.values().filter(|connection| {
            meant(connection).is_some()
                && lacks_sign_in(connection)
                && all.values().any(|other| may_give(other, connection))
        });
        waiting.map(|connection| connection.name.clone()).collect()
    }

    /// Connects out of the sign-in of another connection. `None`: no sign-in reaches it.
    ///
    /// # Errors
    /// When there is no such connection, the vendor refuses, or another connection has that account.
    pub async fn connect_through_another(
        &self,
        name: &ConnectionName,
        purpose: &Purpose,
    ) -> Result<Option<Connected>, ConnectError> {
        let connection = self
            .get(name)
            .map_err(|UnknownConnection(name)| ConnectError::Unknown(name))?;
        let others = self.of_system(&connection.config.system);
        for other in others.iter().filter(|other| may_give(other, &connection)) {
            let Some(of) = other.tokens.held() else {
                continue;
            };
            if let Some(connected) =
                sign_in::through(self.sign_ins(), &connection, &others, &of, purpose).await?
            {
                tracing::info!(connection = %name, through = %other.name, "connected out of another sign-in");
                return Ok(Some(connected));
            }
        }
        Ok(None)
    }

    /// The accounts that the sign-in of a connection reaches. `None`: it is for one account alone.
    ///
    /// # Errors
    /// When there is no such connection, nobody signed in, or the vendor refuses.
    pub async fn reaches(&self, name: &ConnectionName) -> Result<Option<Vec<Reach>>, ConnectError> {
        let connection = self
            .get(name)
            .map_err(|UnknownConnection(name)| ConnectError::Unknown(name))?;
        let held = connection
            .tokens
            .held()
            .ok_or_else(|| ConnectError::Vendor("nobody has signed in yet".to_owned()))?;
        let credentials = &held.kept.credentials;
        let calls = Session::new(Arc::clone(&connection), Lane::Live, "accounts".into());
        let calls = calls.with(Authority::SignIn(credentials));
        let reached = connection
            .connector
            .reaches(&calls as &dyn Calls, credentials)
            .await
            .map_err(|error| ConnectError::Vendor(scrub(&error.to_string(), credentials)))?;
        let others = self.of_system(&connection.config.system);
        let whose = |Reached { id, name }| {
            let of = others.iter().find(|other| {
                base_url(other) == base_url(&connection)
                    && (other.account().as_ref() == Some(&id) || meant(other).as_ref() == Some(&id))
            });
            Reach {
                connection: of.map(|of| of.name.clone()),
                connected: of.is_some_and(|of| !lacks_sign_in(of)),
                id,
                name,
            }
        };
        Ok(reached.map(|reached| reached.into_iter().map(whose).collect()))
    }

    /// Ends when a system told that our app was installed somewhere.
    pub async fn installed(&self) {
        self.installs().notified().await;
    }
}

fn base_url(connection: &Connection) -> &str {
    connection.config.base_url(connection.connector.describe())
}

/// The account that the config names for a connection.
pub(crate) fn meant(connection: &Connection) -> Option<String> {
    connection.connector.meant(&connection.config.settings())
}

/// Whether it waits for a sign-in. One that a person switched off does not.
pub(crate) fn lacks_sign_in(connection: &Connection) -> bool {
    match connection.health() {
        Health::NeedsSignIn { .. } => true,
        Health::Ok | Health::Degraded { .. } => connection.tokens.held().is_none(),
        Health::WrongAccount { .. } | Health::Stopped { .. } => false,
    }
}

/// Whether one app, let in at one place for many accounts, may be what both connections have.
fn may_give(other: &Connection, connection: &Connection) -> bool {
    other.name != connection.name
        && other.config.system == connection.config.system
        && other.scheme.name() == connection.scheme.name()
        && base_url(other) == base_url(connection)
        && !lacks_sign_in(other)
        && other.tokens.held().is_some_and(|held| {
            let credentials = &held.kept.credentials;
            other.connector.let_in_by(credentials).is_some() && same_app(connection, credentials)
        })
}

/// What the config gives for a connection contradicts nothing that the other signed in with.
fn same_app(connection: &Connection, credentials: &Credentials) -> bool {
    connection
        .config
        .given(connection.name.as_str())
        .is_ok_and(|given| {
            given.iter().all(|(name, value)| {
                credentials
                    .given(name)
                    .is_none_or(|other| other == value.expose())
            })
        })
}

/// The credentials of another connection as this one's own, without its tokens.
pub(crate) fn as_own(connection: &Connection, of: &Held) -> Credentials {
    Credentials {
        scheme: connection.scheme.name().to_owned(),
        given: of.kept.credentials.given.clone(),
        tokens: None,
    }
}
