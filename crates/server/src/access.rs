//! Who may do what: the one place where that is decided, for every route.
//!
//! A role and a token stand for scopes; a route needs one of them. A route that is not in the table needs everything, and a
//! test fails. What a scope does not say by itself (an editor may change syncs in the config, and nothing else of it) its
//! handler asks the [`Caller`].

mod routes;

use axum::{
    RequestExt as _,
    extract::{MatchedPath, RawPathParams, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, Method, StatusCode, header};
use sha2::{Digest as _, Sha256};
use store::{Actor, Role, Scope};

use crate::{
    Code,
    acts::{self, Recording},
    app::{App, AppState},
    error::{ApiError, ApiResult},
    token::hexadecimal,
    users::{proven, refused},
};

pub(crate) use routes::{Need, Route, route};

/// What a role may do.
pub(crate) fn scopes_of(role: Role) -> &'static [Scope] {
    match role {
        Role::Viewer => &[Scope::Read],
        Role::Editor => &[Scope::Read, Scope::Work, Scope::Config],
        Role::Owner => &Scope::ALL,
    }
}

/// A scope, as people read and write it.
pub(crate) fn word(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "read",
        Scope::Work => "work",
        Scope::Config => "config",
        Scope::Admin => "admin",
    }
}

/// What somebody showed to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shown {
    /// The command line's own token.
    Own,
    /// The cookie of a session with this hash.
    Session(String),
    /// A token with this hash.
    Token(String),
}

/// Who asks, and what they may do.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// As what.
    pub(crate) actor: Actor,
    /// The user's or the token's name; empty for the command line.
    pub(crate) who: String,
    /// The person behind it.
    pub(crate) user: Option<String>,
    scopes: Vec<Scope>,
    shown: Shown,
}

impl Caller {
    /// Whether they may do this kind of thing.
    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Refuses who may not do this kind of thing.
    ///
    /// # Errors
    /// With what is missing and who can give it.
    pub(crate) fn must(&self, scope: Scope) -> ApiResult<()> {
        if self.may(scope) {
            return Ok(());
        }
        let needed = word(scope);
        let who = &self.who;
        let (message, hint) = match self.actor {
            Actor::User => (
                format!(
                    "user `{who}` may not do this: it needs the role {}",
                    match scope {
                        Scope::Read => "viewer",
                        Scope::Work | Scope::Config => "editor or owner",
                        Scope::Admin => "owner",
                    }
                ),
                "an owner can give it, in the settings or with `tandem users role NAME ROLE`"
                    .to_owned(),
            ),
            _ => (
                format!("token `{who}` may not do this: it lacks the scope `{needed}`"),
                format!(
                    "make one with `tandem tokens add NAME --scope {needed}`, or give the one in the config `access: admin`"
                ),
            ),
        };
        Err(forbidden(message).hint(hint))
    }

    /// The hash of the session, where it is one.
    pub(crate) fn session(&self) -> Option<&str> {
        match &self.shown {
            Shown::Session(hash) => Some(hash),
            Shown::Own | Shown::Token(_) => None,
        }
    }
}

/// A request of somebody who is known and may not do it.
pub(crate) fn forbidden(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, Code::Unauthorised, message)
}

impl App {
    /// Who asks with these headers. A token goes before the session of a browser, and needs no proof: no browser sends it by
    /// itself.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        let Some(given) = headers.get(header::AUTHORIZATION) else {
            let (session, _) = self.users.session(headers)?;
            return self.by(Shown::Session(session.hash));
        };
        let token = given.to_str().ok()?.strip_prefix("Bearer ")?.trim();
        let hash = hexadecimal(&Sha256::digest(token.as_bytes()));
        self.by(Shown::Token(hash))
    }

    /// Whether somebody who asked a while ago may still, and as much as then.
    pub(crate) fn is_still(&self, caller: &Caller) -> bool {
        let now = match &caller.shown {
            Shown::Own => return true,
            shown => self.by(shown.clone()),
        };
        now.is_some_and(|now| now.scopes == caller.scopes && now.who == caller.who)
    }

    fn by(&self, shown: Shown) -> Option<Caller> {
        let (actor, who, user, scopes) = match &shown {
            Shown::Own => return None,
            Shown::Session(hash) => {
                let (_, user) = self.users.session_of(hash)?;
                let scopes = scopes_of(user.role).to_vec();
                (Actor::User, user.name.clone(), Some(user.name), scopes)
            }
            Shown::Token(hash) => {
                if let Some((name, scopes)) = self.known_token(hash) {
                    let Some(name) = name else {
                        return Some(Caller {
                            actor: Actor::CommandLine,
                            who: String::new(),
                            user: None,
                            scopes,
                            shown: Shown::Own,
                        });
                    };
                    (Actor::Token, name, None, scopes)
                } else {
                    let token = self.users.token(hash)?;
                    let mut scopes = token.scopes;
                    // a token does no more than the person whose it is
                    if let Some(user) = &token.user {
                        let role = self.users.find(user)?.role;
                        scopes.retain(|scope| scopes_of(role).contains(scope));
                    }
                    (Actor::Token, token.name, token.user, scopes)
                }
            }
        };
        Some(Caller {
            actor,
            who,
            user,
            scopes,
            shown,
        })
    }
}

/// Lets through who may do this, and keeps what they did.
pub(crate) async fn guard(
    State(app): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let matched = request.extensions().get::<MatchedPath>();
    let path = matched.map_or("", MatchedPath::as_str);
    let path = path.strip_prefix("/api/v1").unwrap_or(path).to_owned();
    let route = route(request.method(), &path);
    let params = request.extract_parts::<RawPathParams>().await.ok();
    let caller = app.caller(request.headers());
    let mut recording = Recording::begin(&app, caller.as_ref(), &route, params, request.uri());
    let response = match let_in(&app, caller, &route, &mut request).await {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    if let Some(act) = recording.end(&response) {
        acts::keep(&app, &act).await;
    }
    response
}

async fn let_in(
    app: &AppState,
    caller: Option<Caller>,
    route: &Route,
    request: &mut Request,
) -> ApiResult<()> {
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    let Some(caller) = caller else {
        if route.need == Need::Nothing {
            return Ok(());
        }
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            Code::Unauthorised,
            "a valid token is needed: `Authorization: Bearer …`",
        )
        .hint("make one with `tandem tokens add NAME`; in a browser, sign in"));
    };
    // whoever signs in anew has no proof yet
    let has_to_prove = route.need != Need::Nothing && caller.session().is_some() && !reading;
    if has_to_prove && !proven(request.headers()) {
        return Err(unproven());
    }
    match route.need {
        Need::Nothing => {}
        Need::Person if caller.actor == Actor::User || caller.may(Scope::Admin) => {}
        Need::Person => {
            return Err(
                forbidden("this is for people who are signed in with a browser")
                    .hint("sign in, or use a token with the scope `admin`"),
            );
        }
        Need::Scope(scope) => caller.must(scope)?,
    }
    if let Shown::Token(hash) = &caller.shown
        && let Some(token) = app.users.token(hash)
        && let Err(error) = app.users.token_used(&token).await
    {
        tracing::error!(token = token.name, %error, "that a token was used could not be kept");
    }
    request.extensions_mut().insert(caller);
    Ok(())
}

/// A request of a signed-in browser that might come from another site.
fn unproven() -> ApiError {
    refused("the request does not carry the proof of its session: `x-tandem-csrf`")
        .hint("`GET /api/v1/session` tells it; reload the page")
}
