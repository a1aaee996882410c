//! Who may use Tandem with a browser: the owner, of whose password only an argon2id hash is kept, and
//! sessions, of which only hashes are kept.
//!
//! A session's cookie is 256 random bits that scripts cannot read. What changes something must also carry the
//! session's proof in a header, which another site can neither read nor send.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use connections::Clock;
use http::{HeaderMap, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use store::{Store, Workspace};
use subtle::ConstantTimeEq as _;

use crate::{
    Code, NewToken,
    error::{ApiError, ApiResult},
    token::hexadecimal,
};

/// The cookie of a session.
const COOKIE: &str = "tandem_session";
/// The header that proves that a request comes from our own pages.
const PROOF: &str = "x-tandem-csrf";
/// How long a session lasts.
const LASTS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Most sessions that are kept; the one that ends first goes.
const MOST: usize = 100;
/// Most who wait for their password to be tried.
const MOST_WAITING: usize = 8;
/// How long the next try waits after a wrong password, whoever makes it.
const AFTER_WRONG: Duration = Duration::from_secs(1);
/// Fewer letters are refused (NIST SP 800-63B-4, 3.1.1.2: at least 8 with, 15 without a second factor).
const SHORTEST: usize = 12;
/// More bytes are refused: nobody types them, and each costs time.
const LONGEST: usize = 1024;

const OWNER: &str = "owner";
const SESSIONS: &str = "sessions";

/// How people come in with a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Browsers {
    /// The owner signs in with a password, set through a link that is made for the first start.
    Password,
    /// Whoever sits at this machine is let in. Only for a demo on simulated systems: it holds on a loopback
    /// address and for addresses that name one, and nowhere else.
    AnyoneHere,
}

/// What is kept of the owner.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Owner {
    /// argon2id, as a PHC string.
    hash: String,
    since: Timestamp,
}

/// What is kept of a session, below the hash of its text.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Session {
    since: Timestamp,
    ends: Timestamp,
}

/// A session that was just begun: what the browser gets.
pub(crate) struct Begun {
    /// For `Set-Cookie`.
    pub(crate) cookie: String,
    /// For the header of requests that change something.
    pub(crate) proof: String,
}

/// The owner and the sessions.
pub(crate) struct Users {
    store: Arc<dyn Store>,
    workspace: Workspace,
    clock: Arc<dyn Clock>,
    pub(crate) browsers: Browsers,
    owner: RwLock<Option<Owner>>,
    sessions: RwLock<BTreeMap<String, Session>>,
    /// The link by which a password can be set, once.
    link: Mutex<Option<NewToken>>,
    /// What is stored is stored one after the other.
    one_at_a_time: tokio::sync::Mutex<()>,
    /// One password is tried at a time, for that takes memory and a core. Whoever gave a wrong one waits
    /// outside, so that those who try passwords keep nobody else from coming in.
    trying: tokio::sync::Mutex<()>,
    /// Who may wait for their turn.
    waiting: tokio::sync::Semaphore,
}

impl Users {
    /// Reads who there is.
    pub(crate) async fn open(
        store: Arc<dyn Store>,
        workspace: Workspace,
        clock: Arc<dyn Clock>,
        browsers: Browsers,
    ) -> Result<Self, store::Error> {
        let owner = kept(&*store, &workspace, OWNER).await?;
        let sessions = kept(&*store, &workspace, SESSIONS)
            .await?
            .unwrap_or_default();
        Ok(Self {
            store,
            workspace,
            clock,
            browsers,
            owner: RwLock::new(owner),
            sessions: RwLock::new(sessions),
            link: Mutex::default(),
            one_at_a_time: tokio::sync::Mutex::default(),
            trying: tokio::sync::Mutex::default(),
            waiting: tokio::sync::Semaphore::new(MOST_WAITING),
        })
    }

    /// Whether a password was set.
    pub(crate) fn has_owner(&self) -> bool {
        read(&self.owner).is_some()
    }

    /// A new link's secret by which the owner's password can be set once; one made before no longer works.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub(crate) fn new_link(&self) -> Result<NewToken, getrandom::Error> {
        let token = NewToken::random()?;
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }

    /// Sets the owner's password through a link, and ends all sessions.
    pub(crate) async fn set_by_link(&self, token: &str, password: String) -> ApiResult<()> {
        fits(&password)?;
        let alone = self.one_at_a_time.lock().await;
        let good = {
            let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
            let good = link.as_ref().is_some_and(|link| same(link.expose(), token));
            if good {
                *link = None;
            }
            good
        };
        if !good {
            drop(alone);
            self.clock.sleep(AFTER_WRONG).await;
            return Err(refused("this link was used, or a newer one was made").hint(
                "start Tandem anew, or make another link: `POST /api/v1/owner/link` with an admin token",
            ));
        }
        self.set(password).await
    }

    /// Replaces the password of whoever knows the old one, and ends all sessions.
    pub(crate) async fn replace(&self, old: String, new: String) -> ApiResult<()> {
        fits(&new)?;
        let known = self.verify(old).await?;
        let _alone = self.one_at_a_time.lock().await;
        self.still(known)?;
        self.set(new).await
    }

    async fn set(&self, password: String) -> ApiResult<()> {
        let hashed = tokio::task::spawn_blocking(move || {
            Argon2::default()
                .hash_password(password.as_bytes())
                .map(|hash| hash.to_string())
        });
        let hash = hashed
            .await
            .map_err(|error| ApiError::internal(format!("hashing broke off: {error}")))?
            .map_err(|error| ApiError::internal(format!("hashing failed: {error}")))?;
        let owner = Owner {
            hash,
            since: self.clock.now(),
        };
        self.keep(SESSIONS, &BTreeMap::<String, Session>::new())
            .await?;
        write(&self.sessions).clear();
        self.keep(OWNER, &owner).await?;
        *write(&self.owner) = Some(owner);
        tracing::info!("the owner's password was set; all sessions ended");
        Ok(())
    }

    /// Lets the owner in by password.
    pub(crate) async fn sign_in(&self, password: String, secure: bool) -> ApiResult<Begun> {
        let known = self.verify(password).await?;
        let _alone = self.one_at_a_time.lock().await;
        self.still(known)?;
        self.begin(secure).await
    }

    /// Lets somebody at this machine in, where that is how people come in.
    pub(crate) async fn let_in(
        &self,
        headers: &HeaderMap,
        listening: Option<SocketAddr>,
    ) -> ApiResult<Begun> {
        if !self.anyone_here(headers, listening) {
            return Err(refused("a password is needed"));
        }
        let _alone = self.one_at_a_time.lock().await;
        self.begin(false).await
    }

    /// Whether this request may come in without a password. The name in `Host` counts as well as the address:
    /// a page of elsewhere whose name leads to this machine has its own name there.
    pub(crate) fn anyone_here(&self, headers: &HeaderMap, listening: Option<SocketAddr>) -> bool {
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        self.browsers == Browsers::AnyoneHere
            && listening.is_some_and(|address| address.ip().is_loopback())
            && matches!(name, "127.0.0.1" | "localhost" | "[::1]")
    }

    /// Ends the session of these headers.
    pub(crate) async fn sign_out(&self, headers: &HeaderMap) -> ApiResult<()> {
        let _alone = self.one_at_a_time.lock().await;
        let Some(text) = cookie(headers) else {
            return Ok(());
        };
        let mut sessions = read(&self.sessions).clone();
        sessions.remove(&hash(text));
        self.keep(SESSIONS, &sessions).await?;
        *write(&self.sessions) = sessions;
        Ok(())
    }

    /// The proof that belongs to the session of these headers, if there is a session.
    pub(crate) fn proof(&self, headers: &HeaderMap) -> Option<String> {
        let text = cookie(headers)?;
        // what is looked up is a hash of 256 random bits: the time that it takes tells nothing of use
        let session = read(&self.sessions).get(&hash(text)).cloned()?;
        (session.ends > self.clock.now()).then(|| proof(text))
    }

    /// Whether the headers carry the proof of their session.
    pub(crate) fn proven(headers: &HeaderMap, proof: &str) -> bool {
        headers
            .get(PROOF)
            .and_then(|given| given.to_str().ok())
            .is_some_and(|given| same(given, proof))
    }

    /// Checks a password; says since when it is the owner's.
    async fn verify(&self, password: String) -> ApiResult<Timestamp> {
        let Ok(place) = self.waiting.try_acquire() else {
            return Err(ApiError::new(
                StatusCode::TOO_MANY_REQUESTS,
                Code::BadRequest,
                "too many passwords are being tried",
            )
            .hint("try again in a few seconds"));
        };
        let alone = self.trying.lock().await;
        let Some(owner) = read(&self.owner).clone() else {
            return Err(refused("no password was set yet")
                .hint("open the link that Tandem printed when it started"));
        };
        let since = owner.since;
        let verified = tokio::task::spawn_blocking(move || {
            if password.len() > LONGEST {
                return Ok(false);
            }
            let known = PasswordHash::new(&owner.hash)
                .map_err(|error| format!("the kept hash cannot be read: {error}"))?;
            Ok::<bool, String>(
                Argon2::default()
                    .verify_password(password.as_bytes(), &known)
                    .is_ok(),
            )
        });
        let verified = verified.await;
        drop((alone, place));
        match verified {
            Ok(Ok(true)) => Ok(since),
            Ok(Ok(false)) => {
                self.clock.sleep(AFTER_WRONG).await;
                Err(refused("the password is wrong"))
            }
            Ok(Err(why)) => Err(ApiError::internal(why)),
            Err(error) => Err(ApiError::internal(format!("verifying broke off: {error}"))),
        }
    }

    /// Refuses whoever knew a password that was replaced meanwhile.
    fn still(&self, known: Timestamp) -> ApiResult<()> {
        let now = read(&self.owner).as_ref().map(|owner| owner.since);
        if now == Some(known) {
            Ok(())
        } else {
            Err(refused("the password was replaced meanwhile"))
        }
    }

    async fn begin(&self, secure: bool) -> ApiResult<Begun> {
        let token = NewToken::random().map_err(|error| ApiError::internal(error.to_string()))?;
        let now = self.clock.now();
        let mut sessions = read(&self.sessions).clone();
        sessions.retain(|_, session| session.ends > now);
        while sessions.len() >= MOST {
            let first = sessions
                .iter()
                .min_by_key(|(_, session)| session.ends)
                .map(|(hash, _)| hash.clone());
            if let Some(first) = first {
                sessions.remove(&first);
            }
        }
        let session = Session {
            since: now,
            ends: now + LASTS,
        };
        sessions.insert(hash(token.expose()), session);
        self.keep(SESSIONS, &sessions).await?;
        *write(&self.sessions) = sessions;
        let secure = if secure { "; Secure" } else { "" };
        Ok(Begun {
            cookie: format!(
                "{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{secure}",
                token.expose(),
                LASTS.as_secs()
            ),
            proof: proof(token.expose()),
        })
    }

    async fn keep(&self, name: &str, value: &impl Serialize) -> ApiResult<()> {
        let value = serde_json::to_value(value)
            .map_err(|error| ApiError::internal(format!("{name} cannot be kept: {error}")))?;
        self.store
            .save_setting(&self.workspace, name, &value)
            .await?;
        Ok(())
    }
}

/// The cookie that makes a browser forget its session.
pub(crate) fn forgotten() -> String {
    format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
}

async fn kept<T: DeserializeOwned>(
    store: &dyn Store,
    workspace: &Workspace,
    name: &'static str,
) -> Result<Option<T>, store::Error> {
    let Some(value) = store.setting(workspace, name).await? else {
        return Ok(None);
    };
    serde_json::from_value(value)
        .map(Some)
        .map_err(|error| store::Error::Corrupt {
            what: name,
            why: error.to_string(),
        })
}

fn fits(password: &str) -> ApiResult<()> {
    if password.chars().count() < SHORTEST {
        return Err(refused(format!(
            "a password has at least {SHORTEST} letters"
        )));
    }
    if password.len() > LONGEST {
        return Err(refused(format!("a password has at most {LONGEST} bytes")));
    }
    Ok(())
}

pub(crate) fn refused(message: impl Into<String>) -> ApiError {
    ApiError::new(http::StatusCode::FORBIDDEN, Code::SignInRefused, message)
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

fn hash(text: &str) -> String {
    hexadecimal(&Sha256::digest(text.as_bytes()))
}

/// Made of the session's secret, so that nothing more is kept; whoever knows it does not know the secret.
fn proof(text: &str) -> String {
    hash(&format!("csrf {text}"))
}

fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
