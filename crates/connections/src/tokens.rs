//! The credentials in force, and renewing tokens: by one worker, saved before they are used.
//!
//! A refresh token works once. So a refresh runs in a task of its own, which ends even when nobody
//! waits for it any more; the new tokens are used only after they are durable; and when the vendor
//! says that the refresh token is used up, the store is asked first whether another process was
//! faster. Vendors are known to tolerate a repeated refresh for half a minute, which covers an answer
//! that got lost.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use connector::{AuthScheme, CallError, Calls, Credentials, Grant};
use jiff::{SignedDuration, Timestamp};
use store::{Lane, Saved};
use tokio::sync::Mutex;

use crate::{
    connection::{Connection, merge},
    credentials::{Held, Kept, KeptError, scrub},
    exchange::Authority,
    session::Session,
};

/// What a connection holds in memory of its credentials.
#[derive(Default)]
pub(crate) struct Tokens {
    held: RwLock<Option<Arc<Held>>>,
    /// Held by whoever changes the credentials.
    pub(crate) changing: Mutex<Changing>,
}

/// Known to the one worker that changes the credentials.
#[derive(Default)]
pub(crate) struct Changing {
    /// Tokens that the vendor gave and that could not be saved yet. Not used until they are.
    pub(crate) unsaved: Option<Kept>,
    /// No refresh ahead of time before then, by the steady clock.
    not_before: Duration,
}

impl Changing {
    /// New credentials are in force: tokens of the old ones are of no use any more.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Why there is no usable token.
#[derive(Debug)]
pub(crate) enum TokenError {
    /// A person has to sign in again.
    Person(String),
    /// Later.
    ForNow(String),
    /// We are stopping.
    Stopping,
}

/// A token is renewed so long before its end, or at a tenth of its life if that is shorter.
const EARLY: SignedDuration = SignedDuration::from_mins(5);

/// A lost answer to a refresh is asked for again within this time.
const GRACE: Duration = Duration::from_secs(25);

/// One try of a refresh; short, so that a second one still falls into the grace.
const TRY: Duration = Duration::from_secs(20);

/// One try of buying a token anew by client credentials: nothing is used up by it, and it may have to
/// find out which scopes are granted while a vendor limits token requests.
const ANEW: Duration = Duration::from_secs(15 * 60);

/// Between two tries of a refresh, and of looking whether another process was faster.
const BETWEEN: Duration = Duration::from_secs(2);

/// After a failed refresh ahead of time.
const LATER: Duration = Duration::from_secs(30);

/// How far along its life a token is.
#[derive(Debug, PartialEq, Eq)]
enum Age {
    Good,
    /// Still good, but to be renewed.
    Late,
    /// Not to be sent any more, or not there.
    Over,
}

impl Tokens {
    pub(crate) fn held(&self) -> Option<Arc<Held>> {
        self.held
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn hold(&self, held: Held) -> Arc<Held> {
        let held = Arc::new(held);
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&held));
        held
    }
}

fn age(kept: &Kept, scheme: &AuthScheme, now: Timestamp) -> Age {
    if matches!(scheme, AuthScheme::Pasted { .. }) {
        return Age::Good;
    }
    let Some(tokens) = &kept.credentials.tokens else {
        return Age::Over;
    };
    let Some(expires) = tokens.expires else {
        return Age::Good;
    };
    let left = expires.duration_since(now);
    let life = kept
        .obtained
        .map_or(EARLY, |obtained| expires.duration_since(obtained));
    if left <= SignedDuration::ZERO {
        Age::Over
    } else if left < EARLY.min(life / 10) {
        Age::Late
    } else {
        Age::Good
    }
}

impl Connection {
    /// The credentials to use now, renewed if they must be.
    pub(crate) async fn current(this: &Arc<Self>) -> Result<Arc<Held>, TokenError> {
        let held = match this.tokens.held() {
            Some(held) => held,
            None => this.load().await?,
        };
        match age(&held.kept, &this.scheme, this.now()) {
            Age::Good => Ok(held),
            Age::Over => Self::renew(this, &held).await,
            Age::Late => {
                Self::renew_ahead(this, &held);
                Ok(held)
            }
        }
    }

    /// New credentials after the vendor refused the token of `used`.
    pub(crate) async fn after_refusal(
        this: &Arc<Self>,
        used: &Arc<Held>,
    ) -> Result<Arc<Held>, TokenError> {
        Self::renew(this, used).await
    }

    /// Reads the credentials from the store for the first time.
    pub(crate) async fn load(&self) -> Result<Arc<Held>, TokenError> {
        let _changing = self.tokens.changing.lock().await;
        if let Some(held) = self.tokens.held() {
            return Ok(held);
        }
        match self.stored().await {
            Ok(Some(held)) => Ok(self.tokens.hold(held)),
            Ok(None) => {
                let why = "nobody has signed in yet";
                self.needs_sign_in(why);
                Err(TokenError::Person(why.to_owned()))
            }
            Err(KeptError::Store(error)) => Err(TokenError::ForNow(error.to_string())),
            Err(error) => {
                self.needs_sign_in(&error.to_string());
                Err(TokenError::Person(error.to_string()))
            }
        }
    }

    /// What the store has now.
    pub(crate) async fn stored(&self) -> Result<Option<Held>, KeptError> {
        let Some(row) = self.parts.credentials.load(&self.name).await? else {
            return Ok(None);
        };
        let mut kept = Kept::open(&self.parts.vault, self.place(), &row.sealed)?;
        if !matches!(self.scheme, AuthScheme::Pasted { .. }) {
            // the app's own id and secret are the config's; they may have been changed there
            match self.config.given(self.name.as_str()) {
                Ok(given) => kept.credentials.given.extend(given),
                Err(error) => tracing::warn!(connection = %self.name, %error, "kept the saved one"),
            }
        }
        Ok(Some(Held {
            kept,
            version: row.version,
        }))
    }

    /// Renews in the background, if nobody does already.
    fn renew_ahead(this: &Arc<Self>, used: &Arc<Held>) {
        if let Ok(changing) = this.tokens.changing.try_lock()
            && changing.not_before <= this.parts.clock.steady()
        {
            drop(changing);
            let connection = Arc::clone(this);
            let used = Arc::clone(used);
            this.tasks.spawn(async move {
                if let Err(error) = connection.renew_alone(&used, true).await {
                    tracing::warn!(connection = %connection.name, ?error, "renew the token ahead of time");
                }
            });
        }
    }

    /// The credentials in force, if they are others than these, and newer.
    fn successor(&self, used: &Held) -> Option<Arc<Held>> {
        let held = self.tokens.held()?;
        (held.version > used.version && !held.speaks_as(used)).then_some(held)
    }

    /// Renews unless there are newer credentials than `used` already.
    async fn renew(this: &Arc<Self>, used: &Arc<Held>) -> Result<Arc<Held>, TokenError> {
        if let Some(held) = this.successor(used) {
            return Ok(held);
        }
        // a task of its own: the caller may go away, the new tokens must be saved all the same
        let connection = Arc::clone(this);
        let used = Arc::clone(used);
        let task = this
            .tasks
            .spawn(async move { connection.renew_alone(&used, false).await });
        task.await
            .unwrap_or_else(|error| Err(TokenError::ForNow(format!("renew the token: {error}"))))
    }

    async fn renew_alone(
        self: &Arc<Self>,
        used: &Held,
        ahead: bool,
    ) -> Result<Arc<Held>, TokenError> {
        let mut changing = self.tokens.changing.lock().await;
        if let Some(held) = self.successor(used) {
            return Ok(held);
        }
        let result = self.renew_locked(&mut changing, used).await;
        match &result {
            Ok(_) | Err(TokenError::Stopping) => {}
            Err(TokenError::Person(why)) => self.needs_sign_in(why),
            Err(TokenError::ForNow(why)) => {
                changing.not_before = self.parts.clock.steady() + LATER;
                if !ahead {
                    self.degrade(why, None);
                }
            }
        }
        result
    }

    async fn renew_locked(
        self: &Arc<Self>,
        changing: &mut Changing,
        used: &Held,
    ) -> Result<Arc<Held>, TokenError> {
        if let Some(held) = self.newer_in_store(used).await? {
            return Ok(held);
        }
        let Some(held) = self.tokens.held() else {
            return Err(TokenError::Person("nobody has signed in yet".to_owned()));
        };
        if let Some(kept) = changing.unsaved.take() {
            return self.save(changing, kept, &held).await;
        }
        if matches!(self.scheme, AuthScheme::Pasted { .. }) {
            return Err(TokenError::Person(
                "the vendor refused the credentials that were pasted".to_owned(),
            ));
        }
        match self.buy(&held).await {
            Ok(grant) => {
                let kept = renewed(&held.kept, grant, self.now());
                self.save(changing, kept, &held).await
            }
            Err(TokenError::Person(why)) => {
                // used up: perhaps another process was faster and is about to save
                for _ in 0..3 {
                    if let Some(held) = self.newer_in_store(used).await? {
                        return Ok(held);
                    }
                    self.parts.clock.sleep(BETWEEN).await;
                }
                Err(TokenError::Person(why))
            }
            Err(error) => Err(error),
        }
    }

    /// Asks the vendor for new tokens, again if the answer got lost.
    async fn buy(self: &Arc<Self>, held: &Held) -> Result<Grant, TokenError> {
        let credentials = &held.kept.credentials;
        let calls = Session::new(Arc::clone(self), Lane::Live, "token refresh".into());
        let calls = calls.with(Authority::SignIn(credentials));
        let scopes = credentials
            .tokens
            .as_ref()
            .map(|tokens| tokens.scopes.clone())
            .unwrap_or_default();
        let longest = match self.scheme {
            AuthScheme::ClientCredentials { .. } => ANEW,
            _ => TRY,
        };
        let began = self.parts.clock.steady();
        loop {
            let tried = tokio::select! {
                biased;
                tried = self.connector.refresh(&calls as &dyn Calls, credentials, &scopes) => tried,
                () = self.parts.clock.sleep(longest) => Err(connector::Error::Call(
                    CallError::OutcomeUnknown {
                        operation: "token refresh",
                        why: "no answer in time".to_owned(),
                    },
                )),
            };
            let error = match tried {
                Ok(grant) => return Ok(grant),
                Err(error) => error,
            };
            let in_grace = self.parts.clock.steady() < began + GRACE;
            match &error {
                connector::Error::Call(CallError::OutcomeUnknown { .. }) if in_grace => {
                    self.parts.clock.sleep(BETWEEN).await;
                }
                _ => return Err(token_error(&error, credentials)),
            }
        }
    }

    /// Makes new tokens durable and only then usable.
    async fn save(
        &self,
        changing: &mut Changing,
        kept: Kept,
        before: &Held,
    ) -> Result<Arc<Held>, TokenError> {
        match self.save_kept(&kept, before.version).await {
            Ok(Saved::Version(version)) => {
                tracing::info!(connection = %self.name, version, "token renewed and saved");
                Ok(self.tokens.hold(Held { kept, version }))
            }
            // somebody else saved: a person signing in, or another process with the same tokens
            Ok(Saved::Conflict) => match self.newer_in_store(before).await? {
                Some(held) => Ok(held),
                None => {
                    changing.unsaved = Some(kept);
                    let why = "the saved credentials are being changed";
                    Err(TokenError::ForNow(why.to_owned()))
                }
            },
            Err(error) => {
                changing.unsaved = Some(kept);
                Err(TokenError::ForNow(error.to_string()))
            }
        }
    }

    /// Seals and saves.
    pub(crate) async fn save_kept(&self, kept: &Kept, expected: u64) -> Result<Saved, KeptError> {
        let sealed = kept.seal(&self.parts.vault, self.place())?;
        let store = &self.parts.credentials;
        Ok(store.save_if_version(&self.name, &sealed, expected).await?)
    }

    /// Credentials in the store that are newer and others than these.
    async fn newer_in_store(&self, used: &Held) -> Result<Option<Arc<Held>>, TokenError> {
        match self.stored().await {
            Ok(Some(held)) if held.version > used.version => {
                let held = self.tokens.hold(held);
                Ok((!held.speaks_as(used)).then_some(held))
            }
            Ok(_) => Ok(None),
            Err(KeptError::Store(error)) => Err(TokenError::ForNow(error.to_string())),
            Err(error) => Err(TokenError::Person(error.to_string())),
        }
    }
}

/// Whether a failed refresh is a person's matter.
fn token_error(error: &connector::Error, credentials: &Credentials) -> TokenError {
    use connector::Error;
    let why = scrub(&error.to_string(), credentials);
    match error {
        Error::Call(CallError::Stopping { .. }) => TokenError::Stopping,
        Error::Call(CallError::Credentials { .. })
        | Error::Refused { .. }
        | Error::MissingRight { .. }
        | Error::Call(CallError::Right { .. })
        | Error::Setting { .. }
        | Error::Unsupported { .. } => TokenError::Person(why),
        Error::Call(_) | Error::Unexpected { .. } => TokenError::ForNow(why),
    }
}

/// What is kept after a grant.
fn renewed(old: &Kept, grant: Grant, now: Timestamp) -> Kept {
    let mut kept = old.clone();
    let mut tokens = grant.tokens;
    if tokens.refresh.is_none() {
        // RFC 6749, 6: without a new refresh token the old one stays good
        tokens.refresh = old
            .credentials
            .tokens
            .as_ref()
            .and_then(|tokens| tokens.refresh.clone());
    }
    kept.credentials.tokens = Some(tokens);
    kept.obtained = Some(now);
    let mut settings = grant.settings;
    merge(&mut settings, &kept.settings);
    if settings.is_object() {
        kept.settings = settings;
    }
    kept
}
