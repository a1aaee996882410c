//! Sessions of browsers: signing in and out.

use std::net::SocketAddr;

use http::{HeaderMap, header};
use jiff::SignedDuration;
use store::{Role, SessionRow, UserRow};

use super::{Browsers, OWNER, Users, hash, read, refused, same, write};
use crate::{
    NewToken,
    error::{ApiError, ApiResult},
};

/// The cookie of a session.
const COOKIE: &str = "tandem_session";
/// The header that proves that a request comes from our own pages.
const PROOF: &str = "x-tandem-csrf";
/// How long a session lasts.
const LASTS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Most sessions that are kept of one user; the one that ends first goes.
const MOST: usize = 100;

/// A session that was just begun: what the browser gets.
pub(crate) struct Begun {
    /// For `Set-Cookie`.
    pub(crate) cookie: String,
    /// For the header of requests that change something.
    pub(crate) proof: String,
    /// Whose it is.
    pub(crate) user: UserRow,
}

impl Users {
    /// Lets a user in by password.
    pub(crate) async fn sign_in(
        &self,
        name: &str,
        password: String,
        secure: bool,
    ) -> ApiResult<Begun> {
        let known = self.verify(name, password).await?;
        let _alone = self.one_at_a_time.lock().await;
        self.still(name, known)?;
        self.begin(name, secure).await
    }

    /// Lets somebody at this machine in, where that is how people come in.
    pub(crate) async fn let_in(
        &self,
        headers: &HeaderMap,
        listening: Option<SocketAddr>,
    ) -> ApiResult<Begun> {
        if !self.anyone_here(headers, listening) {
            return Err(refused("a name and a password are needed"));
        }
        let _alone = self.one_at_a_time.lock().await;
        if self.find(OWNER).is_none() {
            self.keep(self.owner(), false).await?;
        }
        self.begin(OWNER, false).await
    }

    /// The owner before there is one.
    pub(super) fn owner(&self) -> UserRow {
        UserRow {
            name: OWNER.to_owned(),
            role: Role::Owner,
            created: self.now(),
            password: None,
            link: None,
            signed_in: None,
        }
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

    /// Ends the session of this hash.
    pub(crate) async fn sign_out(&self, hash: &str) -> ApiResult<()> {
        let _alone = self.one_at_a_time.lock().await;
        self.store.end_session(&self.workspace, hash).await?;
        write(&self.sessions).remove(hash);
        Ok(())
    }

    /// Ends all sessions of a user.
    pub(crate) async fn sign_out_everywhere(&self, name: &str) -> ApiResult<()> {
        let _alone = self.one_at_a_time.lock().await;
        let user = self.known(name)?;
        self.keep(user, true).await
    }

    /// The session that these headers carry and whose it is, if it goes on.
    pub(crate) fn session(&self, headers: &HeaderMap) -> Option<(SessionRow, UserRow)> {
        self.session_of(&hash(cookie(headers)?))
    }

    /// The same by the hash of its secret.
    pub(crate) fn session_of(&self, hash: &str) -> Option<(SessionRow, UserRow)> {
        // what is looked up is a hash of 256 random bits: the time that it takes tells nothing of use
        let session = read(&self.sessions).get(hash).cloned()?;
        let user = self.find(&session.user)?;
        (session.ends > self.now()).then_some((session, user))
    }

    /// How many sessions a user has.
    pub(crate) fn sessions_of(&self, name: &str) -> usize {
        let now = self.now();
        read(&self.sessions)
            .values()
            .filter(|session| session.user == name && session.ends > now)
            .count()
    }

    async fn begin(&self, name: &str, secure: bool) -> ApiResult<Begun> {
        let token = NewToken::random().map_err(|error| ApiError::internal(error.to_string()))?;
        let now = self.now();
        let mut user = self.known(name)?;
        while self.sessions_of(name) >= MOST {
            let first = read(&self.sessions)
                .values()
                .filter(|session| session.user == name)
                .min_by_key(|session| session.ends)
                .map(|session| session.hash.clone());
            let Some(first) = first else { break };
            self.store.end_session(&self.workspace, &first).await?;
            write(&self.sessions).remove(&first);
        }
        let session = SessionRow {
            hash: hash(token.expose()),
            user: name.to_owned(),
            since: now,
            ends: now + LASTS,
        };
        self.store
            .add_session(&self.workspace, &session, now)
            .await?;
        {
            let mut sessions = write(&self.sessions);
            sessions.retain(|_, session| session.ends > now);
            sessions.insert(session.hash.clone(), session);
        }
        user.signed_in = Some(now);
        self.keep(user.clone(), false).await?;
        let secure = if secure { "; Secure" } else { "" };
        Ok(Begun {
            cookie: format!(
                "{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{secure}",
                token.expose(),
                LASTS.as_secs()
            ),
            proof: proof(token.expose()),
            user,
        })
    }
}

/// The cookie that makes a browser forget its session.
pub(crate) fn forgotten() -> String {
    format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
}

/// The proof that belongs to the session of these headers, whether it goes on or not.
pub(crate) fn proof_of(headers: &HeaderMap) -> Option<String> {
    cookie(headers).map(proof)
}

/// Whether the headers carry the proof of their session.
pub(crate) fn proven(headers: &HeaderMap) -> bool {
    let given = headers.get(PROOF).and_then(|given| given.to_str().ok());
    given
        .zip(proof_of(headers))
        .is_some_and(|(given, proof)| same(given, &proof))
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// Made of the session's secret, so that nothing more is kept; whoever knows it does not know the secret.
fn proof(text: &str) -> String {
    hash(&format!("csrf {text}"))
}
