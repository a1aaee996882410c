//! How connections are doing: for people, for the engine, and by asking the vendor.

use std::sync::Arc;

use connector::{Account, AuthScheme, Calls, Effect};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value as Json, json};
use store::{ConnectionName, Lane};
use tokio::sync::watch;

use crate::{
    Connections, Counts, Health, Purpose, Session, UnknownConnection,
    connection::{Connection, SWITCHED_OFF},
    credentials::{Held, KeptAccount, scrub},
    exchange::{Authority, PATIENCE},
    sign_in::named,
    tokens::TokenError,
};

/// A connection as people see it. Holds no secret.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Its name.
    pub name: ConnectionName,
    /// The system, by its short name.
    pub system: &'static str,
    /// Where its API lives.
    pub base_url: String,
    /// How it is signed in to.
    pub scheme: &'static str,
    /// Whether writing is switched off.
    pub read_only: bool,
    /// The settings of config and sign-in together.
    pub settings: Json,
    /// The account that it was made for. `None`: not connected yet.
    pub account: Option<AccountName>,
    /// How it is doing.
    pub health: Health,
    /// Requests sent since the start.
    pub counts: Counts,
}

/// An account as its vendor knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountName {
    /// The vendor's id of it.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// Why a check did not end well. Holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There is no such connection.
    #[error(transparent)]
    Unknown(#[from] UnknownConnection),
    /// Nobody signed in, or a person must sign in again.
    #[error("a sign-in is needed: {0}")]
    SignIn(String),
    /// It cannot be reached at the moment.
    #[error("it cannot be reached: {0}")]
    ForNow(String),
    /// The credentials lead to another account than the connection was made for.
    #[error("it belongs to the account {expected}, but its credentials lead to {found}")]
    OtherAccount {
        /// The account so far.
        expected: String,
        /// The account that was found.
        found: String,
    },
    /// Another answer than a check should get.
    #[error("{0}")]
    Vendor(String),
}

/// A sign-in that nothing renews is warned of so long before it ends.
const WARN: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How a connection is doing, in one colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Light {
    /// All is well.
    Green,
    /// It goes on, but somebody should look.
    Yellow,
    /// Nothing goes on until somebody acts.
    Red,
}

/// How a connection is doing and will be doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outlook {
    /// In one colour.
    pub light: Light,
    /// What somebody should know before it matters.
    pub warnings: Vec<String>,
    /// When the token ends. `None`: never, or nobody signed in.
    pub token_ends: Option<Timestamp>,
    /// Whether it is renewed by itself before then.
    pub renews: bool,
}

impl Connections {
    /// How a connection is doing and will be doing.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn outlook(&self, name: &ConnectionName) -> Result<Outlook, UnknownConnection> {
        let connection = self.get(name)?;
        let held = connection.tokens.held();
        let tokens = held
            .as_ref()
            .and_then(|held| held.kept.credentials.tokens.as_ref());
        let token_ends = tokens.and_then(|tokens| tokens.expires);
        let renews = match &connection.scheme {
            AuthScheme::AuthorizationCode { .. } => {
                tokens.is_some_and(|tokens| tokens.refresh.is_some())
            }
            AuthScheme::Pasted { .. } | AuthScheme::ClientCredentials { .. } => true,
        };
        let mut warnings = Vec::new();
        if let (Some(ends), false) = (token_ends, renews) {
            let left = ends.duration_since(connection.now());
            if left < WARN {
                warnings.push(format!(
                    "the sign-in ends at {ends} and cannot be renewed by itself: sign in again before then"
                ));
            }
        }
        for (right, operation) in connection.missed_lately() {
            warnings.push(format!(
                "it lacks {right}, which {operation} needs; `tandem check {name}` says what is paused by it"
            ));
        }
        let differs = held.as_ref().map(|held| differing(&connection, held));
        for field in differs.unwrap_or_default() {
            warnings.push(format!(
                "its `{field}` in the config is not the one that it is signed in with; `tandem connect {name}` takes it"
            ));
        }
        let light = match connection.health() {
            Health::Ok if warnings.is_empty() => Light::Green,
            Health::Ok | Health::Degraded { .. } => Light::Yellow,
            Health::NeedsSignIn { .. } | Health::WrongAccount { .. } | Health::Stopped { .. } => {
                Light::Red
            }
        };
        Ok(Outlook {
            light,
            warnings,
            token_ends,
            renews,
        })
    }

    /// The scopes that the vendor granted. `None`: it does not say, as with what is pasted.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn granted(&self, name: &ConnectionName) -> Result<Option<Vec<String>>, UnknownConnection> {
        let held = self.get(name)?.tokens.held();
        Ok(held.and_then(|held| {
            let tokens = held.kept.credentials.tokens.as_ref()?;
            (!tokens.scopes.is_empty()).then(|| tokens.scopes.clone())
        }))
    }

    /// A connection as people see it.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn describe(&self, name: &ConnectionName) -> Result<Summary, UnknownConnection> {
        let connection = self.get(name)?;
        let description = connection.connector.describe();
        Ok(Summary {
            name: name.clone(),
            system: description.system,
            base_url: connection.config.base_url(description).to_owned(),
            scheme: connection.scheme.name(),
            read_only: connection.config.read_only,
            settings: connection.settings(),
            account: self.account(name)?,
            health: connection.health(),
            counts: connection.counters.snapshot(),
        })
    }

    /// How a connection is doing.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn health(&self, name: &ConnectionName) -> Result<Health, UnknownConnection> {
        Ok(self.get(name)?.health())
    }

    /// How a connection is doing, now and with every change.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn watch_health(
        &self,
        name: &ConnectionName,
    ) -> Result<watch::Receiver<Health>, UnknownConnection> {
        Ok(self.get(name)?.watch_health())
    }

    /// Waits until a call on the connection is worth trying: at once if it is well, after the pause
    /// if it is degraded, after somebody acted if it needs a person.
    ///
    /// # Errors
    /// When there is no such connection.
    pub async fn usable(&self, name: &ConnectionName) -> Result<(), UnknownConnection> {
        let connection = self.get(name)?;
        let mut health = connection.watch_health();
        loop {
            let retry = match &*health.borrow_and_update() {
                health if health.usable() => return Ok(()),
                Health::Degraded {
                    retry: Some(retry), ..
                } => Some(*retry),
                _ => None,
            };
            let pause = async {
                match retry {
                    Some(retry) => self.parts.clock.sleep_until(retry).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = health.changed() => if changed.is_err() { return Ok(()) },
                () = pause => return Ok(()),
            }
        }
    }

    /// How much of each limit of a connection is used.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn budget_use(
        &self,
        name: &ConnectionName,
    ) -> Result<Vec<crate::BudgetUse>, UnknownConnection> {
        Ok(self.get(name)?.budget.used())
    }

    /// Requests sent since the start.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn counts(&self, name: &ConnectionName) -> Result<Counts, UnknownConnection> {
        Ok(self.get(name)?.counters.snapshot())
    }

    /// Requests per second that a backfill may make on a connection, if a limit is known.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn rate(&self, name: &ConnectionName) -> Result<Option<f64>, UnknownConnection> {
        Ok(self.get(name)?.budget.rate())
    }

    /// Until when the vendor takes no more requests of this kind, if a call would be given up for that.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn used_up_until(
        &self,
        name: &ConnectionName,
        lane: Lane,
        effect: Effect,
    ) -> Result<Option<Timestamp>, UnknownConnection> {
        let budget = &self.get(name)?.budget;
        Ok(budget.used_up_until(lane, effect, PATIENCE))
    }

    /// The limits that hold on a connection now: documented, announced and set.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn windows(
        &self,
        name: &ConnectionName,
    ) -> Result<Vec<connector::Window>, UnknownConnection> {
        Ok(self.get(name)?.budget.windows())
    }

    /// The account that a connection was made for. `None`: not connected yet.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn account(&self, name: &ConnectionName) -> Result<Option<AccountName>, UnknownConnection> {
        let held = self.get(name)?.tokens.held();
        Ok(held.and_then(|held| {
            let account = held.kept.account.as_ref()?;
            Some(AccountName {
                id: account.id.clone(),
                name: account.name.clone(),
            })
        }))
    }

    /// Why nothing can be asked of an account: nobody has signed in, or otherwise than the config says. `None`: somebody
    /// has, be it that the vendor still takes it or not.
    ///
    /// # Errors
    /// When there is no such connection.
    pub fn signed_out(&self, name: &ConnectionName) -> Result<Option<String>, UnknownConnection> {
        let connection = self.get(name)?;
        let Some(held) = connection.tokens.held() else {
            return Ok(Some(match connection.health() {
                Health::NeedsSignIn { why, .. } => why,
                _ => "nobody has signed in yet".to_owned(),
            }));
        };
        let (kept, said) = (&held.kept.credentials.scheme, connection.scheme.name());
        Ok((kept != said).then(|| {
            format!("its sign-in is by `{kept}`, and the config says `{said}`: connect it anew")
        }))
    }

    /// Switches a connection off: every call is refused until it is resumed, or signed in to anew. Says whether that
    /// outlasts a restart; it does not only where it could not be stored, or nobody ever signed in.
    ///
    /// # Errors
    /// When there is no such connection.
    pub async fn stop(&self, name: &ConnectionName) -> Result<bool, UnknownConnection> {
        let connection = self.get(name)?;
        connection.stop();
        let since = json!(connection.now());
        connection.learn(SWITCHED_OFF, since).await;
        Ok(connection.is_switched_off())
    }

    /// Switches a stopped connection on again.
    ///
    /// # Errors
    /// When there is no such connection.
    pub async fn resume(&self, name: &ConnectionName) -> Result<(), UnknownConnection> {
        let connection = self.get(name)?;
        if matches!(connection.health(), Health::Stopped { .. }) {
            connection.learn(SWITCHED_OFF, Json::Null).await;
            connection.heal();
        }
        Ok(())
    }

    /// The cheapest real read: which account, and which rights are missing. Works on a connection
    /// that is not usable, and makes it usable again if all is well.
    ///
    /// # Errors
    /// When it cannot be reached, must be signed in to, or leads to another account than it did.
    pub async fn check(
        &self,
        name: &ConnectionName,
        purpose: &Purpose,
    ) -> Result<Account, CheckError> {
        let connection = self.get(name)?;
        let held = Connection::current(&connection)
            .await
            .map_err(|error| match error {
                TokenError::Person(why) => CheckError::SignIn(why),
                TokenError::ForNow(why) => CheckError::ForNow(why),
                TokenError::Stopping => CheckError::ForNow("the server is stopping".to_owned()),
            })?;
        let credentials = &held.kept.credentials;
        let calls = Session::new(Arc::clone(&connection), Lane::Live, "check".into());
        let calls = calls.with(Authority::Probe);
        let write = purpose.write && !connection.config.read_only;
        let account = connection
            .connector
            .check(&calls as &dyn Calls, credentials, &purpose.entities, write)
            .await
            .map_err(|error| check_error(&error, &held))?;
        match &held.kept.account {
            Some(KeptAccount { id, .. }) if *id != account.id => {
                let expected = held.kept.account.as_ref().map(ToString::to_string);
                let expected = expected.unwrap_or_default();
                let found = named(&account);
                connection.wrong_account(&expected, &found);
                Err(CheckError::OtherAccount { expected, found })
            }
            _ => {
                if !matches!(connection.health(), Health::Stopped { .. }) {
                    connection.heal();
                }
                Ok(account)
            }
        }
    }
}

fn check_error(error: &connector::Error, held: &Held) -> CheckError {
    use connector::{CallError, Error};
    let why = scrub(&error.to_string(), &held.kept.credentials);
    match error {
        Error::Call(CallError::Credentials { .. }) => CheckError::SignIn(why),
        Error::Call(_) => CheckError::ForNow(why),
        _ => CheckError::Vendor(why),
    }
}

/// The fields of the sign-in that the config gives otherwise than they were when somebody signed in. What it refers to and is not
/// there says nothing: a variable may be needed for the sign-in only.
fn differing(connection: &Connection, held: &Held) -> Vec<String> {
    let given = connection.config.given(connection.name.as_str());
    given
        .unwrap_or_default()
        .into_iter()
        .filter(|(field, text)| {
            let kept = held.kept.credentials.given(field);
            kept.is_some_and(|kept| kept.trim() != text.expose().trim())
        })
        .map(|(field, _)| field)
        .collect()
}
