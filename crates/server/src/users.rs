//! Who may use Tandem: people with a role and a password, of which only an argon2id hash is kept; sessions of their
//! browsers and tokens of programs, of which only hashes are kept.
//!
//! A session's cookie is 256 random bits that scripts cannot read. What changes something must also carry the
//! session's proof in a header, which another site can neither read nor send. What a role may do, [`crate::access`] says.

mod before;
mod people;
mod sessions;
mod tokens;
mod trying;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use connections::Clock;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use store::{Role, SessionRow, Store, TokenRow, UserRow, Workspace};
use subtle::ConstantTimeEq as _;

use crate::{
    Code, NewToken,
    error::{ApiError, ApiResult},
    token::hexadecimal,
};

pub(crate) use people::Invited;
pub(crate) use sessions::{Begun, forgotten, proof_of, proven};
use trying::Trying;

/// The user that the link of the first start makes, and that whoever sits at the machine of a demo is.
pub(crate) const OWNER: &str = "owner";
/// Fewer letters are refused (NIST SP 800-63B-4, 3.1.1.2: at least 8 with, 15 without a second factor).
const SHORTEST: usize = 12;
/// More bytes are refused: nobody types them, and each costs time.
const LONGEST: usize = 1024;
/// How long the link works that an invited person gets.
const LINK_LASTS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How people come in with a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Browsers {
    /// People sign in with a password, set through a link that is made for each.
    Password,
    /// Whoever sits at this machine is let in. Only for a demo on simulated systems: it holds on a loopback
    /// address and for addresses that name one, and nowhere else.
    AnyoneHere,
}

/// Everybody who may come in.
pub(crate) struct Users {
    store: Arc<dyn Store>,
    workspace: Workspace,
    clock: Arc<dyn Clock>,
    pub(crate) browsers: Browsers,
    people: RwLock<BTreeMap<String, UserRow>>,
    /// By the hash of the secret.
    sessions: RwLock<BTreeMap<String, SessionRow>>,
    tokens: RwLock<Vec<TokenRow>>,
    /// The link of the first start by which the owner's password can be set, once.
    first_link: Mutex<Option<NewToken>>,
    /// What is stored is stored one after the other.
    one_at_a_time: tokio::sync::Mutex<()>,
    trying: Trying,
}

impl Users {
    /// Reads who there is.
    pub(crate) async fn open(
        store: Arc<dyn Store>,
        workspace: Workspace,
        clock: Arc<dyn Clock>,
        browsers: Browsers,
    ) -> Result<Self, store::Error> {
        before::take_over(&*store, &workspace, clock.now()).await?;
        let people = store.users(&workspace).await?;
        let sessions = store.sessions(&workspace).await?;
        let tokens = store.tokens(&workspace).await?;
        let by_name = people.into_iter().map(|user| (user.name.clone(), user));
        let by_hash = sessions
            .into_iter()
            .map(|session| (session.hash.clone(), session));
        Ok(Self {
            people: RwLock::new(by_name.collect()),
            sessions: RwLock::new(by_hash.collect()),
            tokens: RwLock::new(tokens),
            store,
            workspace,
            clock,
            browsers,
            first_link: Mutex::default(),
            one_at_a_time: tokio::sync::Mutex::default(),
            trying: Trying::default(),
        })
    }

    /// Whether somebody can sign in as an owner.
    pub(crate) fn has_owner(&self) -> bool {
        read(&self.people)
            .values()
            .any(|user| user.role == Role::Owner && user.password.is_some())
    }

    /// A new link's secret by which the owner's password can be set once at the first start; one made before no
    /// longer works.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub(crate) fn new_first_link(&self) -> Result<NewToken, getrandom::Error> {
        let token = NewToken::random()?;
        *self
            .first_link
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }

    /// A user as they are now.
    pub(crate) fn find(&self, name: &str) -> Option<UserRow> {
        read(&self.people).get(name).cloned()
    }

    fn known(&self, name: &str) -> ApiResult<UserRow> {
        self.find(name).ok_or_else(|| {
            ApiError::not_found(Code::UserUnfit, format!("there is no user `{name}`"))
                .hint("`tandem users` lists them")
        })
    }

    /// Keeps a user, durably first.
    async fn keep(&self, user: UserRow, end_sessions: bool) -> ApiResult<()> {
        self.store
            .save_user(&self.workspace, &user, end_sessions)
            .await?;
        if end_sessions {
            write(&self.sessions).retain(|_, session| session.user != user.name);
        }
        write(&self.people).insert(user.name.clone(), user);
        Ok(())
    }

    /// The moment as it is stored, in microseconds: what is held is what will be read.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }
}

/// A sign-in that is refused.
pub(crate) fn refused(message: impl Into<String>) -> ApiError {
    ApiError::new(http::StatusCode::FORBIDDEN, Code::SignInRefused, message)
}

/// A user or a token that cannot be as somebody asked.
fn unfit(message: impl Into<String>) -> ApiError {
    ApiError::new(http::StatusCode::CONFLICT, Code::UserUnfit, message)
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

fn hash(text: &str) -> String {
    hexadecimal(&Sha256::digest(text.as_bytes()))
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
