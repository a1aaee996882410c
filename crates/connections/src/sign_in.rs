//! Connecting an account: by a redirect, or with pasted credentials; and again with new ones.
//!
//! Nothing is saved before it was tried: the cheapest real read says which account the credentials
//! lead to. Connecting again replaces the credentials and nothing else; if they lead to another
//! account than before, that is refused until a person confirms it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connector::{Account, AuthScheme, Calls, Connector, Credentials, Grant, SecretText};
use jiff::Timestamp;
use record::Entity;
use serde::Serialize;
use serde_json::Value as Json;
use store::{ConnectionName, Lane, Saved};

use crate::{
    ConfigError,
    connection::{Connection, merge},
    credentials::{Held, Kept, KeptAccount, KeptError, scrub},
    exchange::Authority,
    session::{Session, Speaking},
    sharing,
};

/// What an account is to be used for; decides which rights are asked for and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purpose {
    /// Which records.
    pub entities: Vec<Entity>,
    /// Whether they are written too. A connection that is `read_only` never asks for that.
    pub write: bool,
    /// Scopes beyond those, as the vendor calls them: what workflows need.
    pub rights: Vec<String>,
}

impl Purpose {
    /// The scopes to ask for.
    pub(crate) fn scopes(&self, connector: &dyn Connector, write: bool) -> Vec<String> {
        let mut scopes = connector.scopes(&self.entities, write);
        for right in &self.rights {
            if !scopes.contains(right) {
                scopes.push(right.clone());
            }
        }
        scopes
    }
}

/// Where to send the user to sign in.
#[derive(Debug, Clone)]
pub struct Redirect {
    /// The vendor's page. Holds the state, so it goes to the user only, not into a log.
    pub url: String,
    /// Comes back with the code.
    pub state: String,
    /// The sign-in must have come back by then.
    pub expires: Timestamp,
}

/// A connected account.
#[derive(Debug, Clone, Serialize)]
pub struct Connected {
    /// The connection.
    pub connection: ConnectionName,
    /// What the check found, missing rights included.
    pub account: Account,
    /// There were credentials before; they were replaced.
    pub replaced: bool,
}

/// Why an account could not be connected. Nothing was changed. Holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is no such connection.
    #[error("there is no connection `{0}`")]
    Unknown(String),
    /// The config cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The scheme of the connection works otherwise.
    #[error("`{scheme}` signs in otherwise: {hint}")]
    Scheme {
        /// The configured scheme.
        scheme: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// Something that the scheme needs was not given.
    #[error("`{field}` ({label}) is missing: {help}")]
    Missing {
        /// Its name.
        field: &'static str,
        /// What people see.
        label: &'static str,
        /// Where to find it.
        help: &'static str,
    },
    /// Something was given that the scheme does not know.
    #[error("the scheme needs no `{0}`")]
    NotNeeded(String),
    /// No sign-in with this state was begun, or it took too long, or it was finished already.
    #[error("this sign-in was not begun here, is finished already, or took too long; begin again")]
    State,
    /// The vendor, or the way to it, failed.
    #[error("{0}")]
    Vendor(String),
    /// The sign-in was made for another account than the config names.
    #[error("the config says {key} {configured}, but the sign-in is for {granted}")]
    Setting {
        /// The setting.
        key: String,
        /// What the config says.
        configured: String,
        /// What the vendor says.
        granted: String,
    },
    /// The credentials lead to another account than this connection was made for.
    #[error(
        "this connection belongs to the account {expected}, but the new credentials lead to {found}; \
         confirm that if it is meant: links and history stay with the connection"
    )]
    OtherAccount {
        /// The account so far.
        expected: String,
        /// The account of the new credentials.
        found: String,
    },
    /// Another connection has this account already.
    #[error(
        "the account {account} is connected as `{other}` already, and two connections would each spend the \
         whole of its limits"
    )]
    Twin {
        /// The account.
        account: String,
        /// The connection that has it.
        other: String,
    },
    /// Nothing waits for a confirmation.
    #[error("nothing waits to be confirmed, or it took too long; connect again")]
    NothingToConfirm,
    /// They could not be saved.
    #[error("{0}")]
    Save(String),
}

/// How long a sign-in may take.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Sign-ins under way and new credentials waiting to be confirmed. In memory: after a restart the
/// user begins again.
#[derive(Default)]
pub(crate) struct SignIns {
    begun: Mutex<Vec<Begun>>,
    waiting: Mutex<Vec<Waiting>>,
    /// Held from looking whose account it is until that is saved.
    saving: tokio::sync::Mutex<()>,
}

struct Begun {
    state: String,
    connection: ConnectionName,
    purpose: Purpose,
    redirect_uri: String,
    credentials: Credentials,
    ends: Duration,
}

struct Waiting {
    connection: ConnectionName,
    kept: Kept,
    account: Account,
    ends: Duration,
}

/// Most sign-ins that may be under way at once; the oldest goes.
const MOST: usize = 100;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SignIns {
    /// Begins a sign-in by redirect.
    pub(crate) fn begin(
        &self,
        connection: &Connection,
        purpose: Purpose,
        redirect_uri: &str,
        given: BTreeMap<String, SecretText>,
    ) -> Result<Redirect, ConnectError> {
        let AuthScheme::AuthorizationCode { name, .. } = connection.scheme else {
            return Err(ConnectError::Scheme {
                scheme: connection.scheme.name(),
                hint: "there is no page to sign in at; give the credentials themselves",
            });
        };
        let credentials = Credentials {
            scheme: name.to_owned(),
            given: gather(connection, given)?,
            tokens: None,
        };
        let write = purpose.write && !connection.config.read_only;
        let scopes = purpose.scopes(&*connection.connector, write);
        let state = connection.parts.dice.token();
        let url = connection
            .connector
            .authorize_url(
                connection.config.base_url(connection.connector.describe()),
                &credentials,
                &connection.settings(),
                redirect_uri,
                &scopes,
                &state,
            )
            .map_err(|error| ConnectError::Vendor(scrub(&error.to_string(), &credentials)))?;
        let now = connection.parts.clock.steady();
        let mut begun = lock(&self.begun);
        begun.retain(|begun| begun.ends > now);
        if begun.len() >= MOST {
            begun.remove(0);
        }
        begun.push(Begun {
            state: state.clone(),
            connection: connection.name.clone(),
            purpose,
            redirect_uri: redirect_uri.to_owned(),
            credentials,
            ends: now + LONGEST,
        });
        let expires = jiff::SignedDuration::try_from(LONGEST)
            .ok()
            .and_then(|longest| connection.now().saturating_add(longest).ok());
        Ok(Redirect {
            url,
            state,
            expires: expires.unwrap_or(Timestamp::MAX),
        })
    }

    /// The sign-in that a callback belongs to; each can be taken once.
    ///
    /// Not every vendor is known to pass the state through. A callback without one is taken only if
    /// a single sign-in is under way.
    pub(crate) fn take(
        &self,
        state: Option<&str>,
        now: Duration,
    ) -> Result<(ConnectionName, TakenSignIn), ConnectError> {
        let mut begun = lock(&self.begun);
        begun.retain(|begun| begun.ends > now);
        let index = match state {
            // 32 random bytes and one use: the time that comparing takes tells nothing of use
            Some(state) => begun.iter().position(|begun| begun.state == state),
            None if begun.len() == 1 => Some(0),
            None => None,
        };
        let begun = begun.remove(index.ok_or(ConnectError::State)?);
        Ok((begun.connection.clone(), TakenSignIn(begun)))
    }

    fn wait(&self, waiting: Waiting) {
        let mut all = lock(&self.waiting);
        all.retain(|other| other.connection != waiting.connection);
        all.push(waiting);
    }

    /// Saves what waits for a person's confirmation.
    pub(crate) async fn confirm(
        &self,
        connection: &Arc<Connection>,
        others: &[Arc<Connection>],
    ) -> Result<Connected, ConnectError> {
        let now = connection.parts.clock.steady();
        let waiting = {
            let mut all = lock(&self.waiting);
            let index = all
                .iter()
                .position(|waiting| waiting.connection == connection.name && waiting.ends > now);
            index.map(|index| all.remove(index))
        };
        let waiting = waiting.ok_or(ConnectError::NothingToConfirm)?;
        let _alone = self.saving.lock().await;
        refuse_twin(connection, others, &waiting.account)?;
        save(connection, waiting.kept, waiting.account).await
    }
}

/// A sign-in that came back.
pub(crate) struct TakenSignIn(Begun);

/// Ends a sign-in by redirect: buys tokens for the code, checks, saves.
pub(crate) async fn finish(
    sign_ins: &SignIns,
    connection: &Arc<Connection>,
    others: &[Arc<Connection>],
    TakenSignIn(begun): TakenSignIn,
    code: &str,
) -> Result<Connected, ConnectError> {
    let credentials = begun.credentials;
    let calls = session(connection).with(Authority::SignIn(&credentials));
    let grant = connection
        .connector
        .exchange_code(
            &calls as &dyn Calls,
            &credentials,
            &begun.redirect_uri,
            code,
        )
        .await
        .map_err(|error| {
            let text = scrub(&error.to_string(), &credentials);
            ConnectError::Vendor(text.replace(code, "[code]"))
        })?;
    conclude(
        sign_ins,
        connection,
        others,
        credentials,
        Some(grant),
        &begun.purpose,
    )
    .await
}

/// Connects out of the sign-in of another connection, whose credentials stay as they are. `None`: that sign-in does not
/// reach this one.
pub(crate) async fn through(
    sign_ins: &SignIns,
    connection: &Arc<Connection>,
    others: &[Arc<Connection>],
    of: &Held,
    purpose: &Purpose,
) -> Result<Option<Connected>, ConnectError> {
    let credentials = sharing::as_own(connection, of);
    let calls = session(connection).with_settings(connection.config.settings());
    let calls = calls.with(Authority::SignIn(&credentials));
    let shared = connection
        .connector
        .share(&calls as &dyn Calls, &credentials, &of.kept.credentials)
        .await
        .map_err(|error| {
            let text = scrub(&error.to_string(), &credentials);
            ConnectError::Vendor(scrub(&text, &of.kept.credentials))
        })?;
    let Some(grant) = shared else {
        return Ok(None);
    };
    let grant = Some(grant);
    conclude(sign_ins, connection, others, credentials, grant, purpose)
        .await
        .map(Some)
}

/// Connects with credentials that were given outright.
pub(crate) async fn paste(
    sign_ins: &SignIns,
    connection: &Arc<Connection>,
    others: &[Arc<Connection>],
    given: BTreeMap<String, SecretText>,
    purpose: &Purpose,
) -> Result<Connected, ConnectError> {
    let credentials = Credentials {
        scheme: connection.scheme.name().to_owned(),
        given: gather(connection, given)?,
        tokens: None,
    };
    match &connection.scheme {
        AuthScheme::AuthorizationCode { name, .. } => Err(ConnectError::Scheme {
            scheme: name,
            hint: "sign in at the vendor's page",
        }),
        AuthScheme::Pasted { .. } => {
            conclude(sign_ins, connection, others, credentials, None, purpose).await
        }
        AuthScheme::ClientCredentials { .. } => {
            // a person who connects again has changed something at the vendor: nothing that was found out before counts
            let calls = session(connection).with_settings(connection.config.settings());
            let calls = calls.with(Authority::SignIn(&credentials));
            let write = purpose.write && !connection.config.read_only;
            let scopes = purpose.scopes(&*connection.connector, write);
            let grant = connection
                .connector
                .refresh(&calls as &dyn Calls, &credentials, &scopes)
                .await
                .map_err(|error| ConnectError::Vendor(scrub(&error.to_string(), &credentials)))?;
            conclude(
                sign_ins,
                connection,
                others,
                credentials,
                Some(grant),
                purpose,
            )
            .await
        }
    }
}

fn session(connection: &Arc<Connection>) -> Session {
    Session::new(Arc::clone(connection), Lane::Live, "sign-in".into())
}

/// What the user gave, here or in the config, complete.
pub(crate) fn gather(
    connection: &Connection,
    given: BTreeMap<String, SecretText>,
) -> Result<BTreeMap<String, SecretText>, ConnectError> {
    let fields = connection.scheme.fields();
    let known = |name: &String| fields.iter().any(|field| field.name == name);
    if let Some(name) = given.keys().find(|name| !known(name)) {
        return Err(ConnectError::NotNeeded(name.clone()));
    }
    let mut all = given;
    for (name, value) in connection.config.given(connection.name.as_str())? {
        all.entry(name).or_insert(value);
    }
    let blank = |value: &SecretText| value.expose().trim().is_empty();
    match fields
        .iter()
        .find(|field| all.get(field.name).is_none_or(blank))
    {
        Some(field) => Err(ConnectError::Missing {
            field: field.name,
            label: field.label,
            help: field.help,
        }),
        None => Ok(all),
    }
}

/// Checks new credentials, compares the account, saves.
async fn conclude(
    sign_ins: &SignIns,
    connection: &Arc<Connection>,
    others: &[Arc<Connection>],
    mut credentials: Credentials,
    grant: Option<Grant>,
    purpose: &Purpose,
) -> Result<Connected, ConnectError> {
    let mut granted = Json::Object(serde_json::Map::new());
    if let Some(grant) = grant {
        credentials.tokens = Some(grant.tokens);
        if grant.settings.is_object() {
            granted = grant.settings;
        }
    }
    let mut settings = connection.config.settings();
    refuse_contradiction(&settings, &granted)?;
    merge(&mut settings, &granted);

    let trial = session(connection).with_settings(settings);
    let calls = Speaking::trial(trial, &credentials);
    let write = purpose.write && !connection.config.read_only;
    let account = connection
        .connector
        .check(&calls as &dyn Calls, &credentials, &purpose.entities, write)
        .await
        .map_err(|error| ConnectError::Vendor(scrub(&error.to_string(), &credentials)))?;

    let _alone = sign_ins.saving.lock().await;
    refuse_twin(connection, others, &account)?;
    let mut kept = Kept::new(credentials, granted, connection.now());
    kept.account = Some(KeptAccount {
        id: account.id.clone(),
        name: account.name.clone(),
    });
    let before = match connection.stored().await {
        Ok(before) => before.and_then(|held| held.kept.account),
        Err(KeptError::Store(error)) => return Err(ConnectError::Save(error.to_string())),
        // what cannot be opened any more is being replaced
        Err(error) => {
            tracing::warn!(connection = %connection.name, %error, "replaced the saved credentials");
            None
        }
    };
    if let Some(before) = before.filter(|before| before.id != account.id) {
        let error = ConnectError::OtherAccount {
            expected: before.to_string(),
            found: named(&account),
        };
        sign_ins.wait(Waiting {
            connection: connection.name.clone(),
            kept,
            account,
            ends: connection.parts.clock.steady() + LONGEST,
        });
        return Err(error);
    }
    save(connection, kept, account).await
}

/// One account has one connection: its limits, and the syncs that share its records, are counted there.
fn refuse_twin(
    connection: &Connection,
    others: &[Arc<Connection>],
    account: &Account,
) -> Result<(), ConnectError> {
    let place = |connection: &Connection| {
        let description = connection.connector.describe();
        connection.config.base_url(description).to_owned()
    };
    let twin = others.iter().find(|other| {
        other.name != connection.name
            && other.account().is_some_and(|id| id == account.id)
            && place(other) == place(connection)
    });
    twin.map_or(Ok(()), |other| {
        Err(ConnectError::Twin {
            account: named(account),
            other: other.name.to_string(),
        })
    })
}

/// What the config says and what the sign-in settled must be the same.
fn refuse_contradiction(configured: &Json, granted: &Json) -> Result<(), ConnectError> {
    let (Json::Object(configured), Json::Object(granted)) = (configured, granted) else {
        return Ok(());
    };
    for (key, granted) in granted {
        if let Some(configured) = configured.get(key).filter(|value| *value != granted) {
            return Err(ConnectError::Setting {
                key: key.clone(),
                configured: configured.to_string(),
                granted: granted.to_string(),
            });
        }
    }
    Ok(())
}

/// Puts new credentials into force: durable first, then used.
async fn save(
    connection: &Arc<Connection>,
    kept: Kept,
    account: Account,
) -> Result<Connected, ConnectError> {
    let failed = |error: KeptError| ConnectError::Save(error.to_string());
    let mut changing = connection.tokens.changing.lock().await;
    loop {
        let row = connection.parts.credentials.load(&connection.name).await;
        let version = row
            .map_err(|error| ConnectError::Save(error.to_string()))?
            .map_or(0, |row| row.version);
        match connection.save_kept(&kept, version).await.map_err(failed)? {
            // a refresh came between; a person's doing goes before it
            Saved::Conflict => {}
            Saved::Version(new) => {
                changing.forget();
                connection.tokens.hold(Held { kept, version: new });
                connection.heal();
                tracing::info!(connection = %connection.name, version = new, "connected");
                return Ok(Connected {
                    connection: connection.name.clone(),
                    account,
                    replaced: version > 0,
                });
            }
        }
    }
}

/// An account in words.
pub(crate) fn named(account: &Account) -> String {
    format!("{} ({})", account.name, account.id)
}

impl std::fmt::Display for KeptAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name, self.id)
    }
}
