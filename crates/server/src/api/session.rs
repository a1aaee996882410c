//! Signing in to Tandem itself with a browser, and out; one's own password.

use axum::{
    Extension, Json,
    extract::{Query, State},
    response::{IntoResponse as _, Response},
};
use connector::SecretText;
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use serde_json::{Value, json};
use store::UserRow;

use crate::{
    access::{Caller, scopes_of},
    acts::Note,
    app::AppState,
    error::ApiResult,
    users::{Begun, OWNER, forgotten, proof_of, refused},
};

/// Whether this browser is signed in, as whom, and how it can be.
pub(crate) async fn show(State(app): State<AppState>, headers: HeaderMap) -> Json<Value> {
    let signed_in = app.users.session(&headers);
    let how = if app.users.anyone_here(&headers, app.listening_on()) {
        "anyone_here"
    } else if app.users.has_owner() {
        "password"
    } else {
        "first_start"
    };
    Json(json!({
        "signed_in": signed_in.is_some(),
        "csrf": signed_in.as_ref().and_then(|_| proof_of(&headers)),
        "user": signed_in.as_ref().map(|(_, user)| shown(user)),
        "how": how,
        "version": env!("CARGO_PKG_VERSION"),
    }))
}

/// A user as their own pages know them.
fn shown(user: &UserRow) -> Value {
    json!({"name": user.name, "role": user.role, "scopes": scopes_of(user.role)})
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// Left out: `owner`.
    user: Option<String>,
    /// Left out where anyone at this machine is let in.
    password: Option<SecretText>,
}

/// Signs in.
pub(crate) async fn begin(
    State(app): State<AppState>,
    headers: HeaderMap,
    Json(given): Json<SignIn>,
) -> Response {
    let user = given.user.unwrap_or_else(|| OWNER.to_owned());
    let begun = match given.password {
        Some(password) => {
            let secure = is_secure(&app, &headers);
            app.users
                .sign_in(&user, password.expose().to_owned(), secure)
                .await
        }
        None => app.users.let_in(&headers, app.listening_on()).await,
    };
    match begun {
        Ok(begun) => signed_in(&begun),
        // what is no name of a user may be a password in the wrong place: it is not kept
        Err(error) => {
            let known = app.users.find(&user).map(|user| user.name);
            (Note::thing(known.unwrap_or_default()), error).into_response()
        }
    }
}

fn signed_in(begun: &Begun) -> Response {
    let cookie = [(header::SET_COOKIE, begun.cookie.as_str())];
    let body = json!({"signed_in": true, "csrf": begun.proof, "user": shown(&begun.user)});
    (cookie, Note::by(&begun.user.name), Json(body)).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    /// All sessions of this user.
    #[serde(default)]
    everywhere: bool,
}

/// Signs out, here or everywhere.
pub(crate) async fn end(
    State(app): State<AppState>,
    Extension(caller): Extension<Caller>,
    Query(end): Query<End>,
) -> ApiResult<Response> {
    let (Some(session), Some(user)) = (caller.session(), &caller.user) else {
        return Err(nobody());
    };
    if end.everywhere {
        app.users.sign_out_everywhere(user).await?;
    } else {
        app.users.sign_out(session).await?;
    }
    let cookie = [(header::SET_COOKIE, forgotten())];
    let what = if end.everywhere { "everywhere" } else { "" };
    let body = Json(json!({"signed_in": false}));
    Ok((cookie, Note::thing(what), body).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct First {
    /// Out of the link.
    token: String,
    /// The new password.
    password: SecretText,
}

/// Sets a password through a link, and signs in.
pub(crate) async fn set(
    State(app): State<AppState>,
    headers: HeaderMap,
    Json(first): Json<First>,
) -> ApiResult<Response> {
    let password = first.password.expose().to_owned();
    let user = app
        .users
        .set_by_link(&first.token, password.clone())
        .await?;
    let secure = is_secure(&app, &headers);
    let begun = app.users.sign_in(&user, password, secure).await?;
    Ok(signed_in(&begun))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replace {
    /// The password until now.
    password: SecretText,
    /// The one from now on.
    new_password: SecretText,
}

/// Replaces one's own password; ends all one's sessions and begins a new one.
pub(crate) async fn replace(
    State(app): State<AppState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Json(given): Json<Replace>,
) -> ApiResult<Response> {
    let (Some(_), Some(user)) = (caller.session(), &caller.user) else {
        return Err(nobody());
    };
    let new = given.new_password.expose().to_owned();
    app.users
        .replace(user, given.password.expose().to_owned(), new.clone())
        .await?;
    let secure = is_secure(&app, &headers);
    let begun = app.users.sign_in(user, new, secure).await?;
    Ok(signed_in(&begun))
}

/// A token has neither a session nor a password.
fn nobody() -> crate::ApiError {
    refused("nobody is signed in with this browser")
}

/// Whether the cookie is for HTTPS only: where `public_url` says so, but for pages that a browser has from its own machine,
/// such as through a tunnel. Where a page is from says the browser itself.
fn is_secure(app: &AppState, headers: &HeaderMap) -> bool {
    let outside = app.in_force().is_ok_and(|in_force| {
        in_force
            .document
            .public_url
            .as_ref()
            .is_some_and(|url| url.scheme() == "https")
    });
    outside && !headers.get(header::ORIGIN).is_some_and(is_own_machine)
}

fn is_own_machine(origin: &HeaderValue) -> bool {
    let host = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.strip_prefix("http://"));
    host.is_some_and(|host| {
        ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .filter_map(|own| host.strip_prefix(own))
            .any(|port| port.is_empty() || port.starts_with(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_pages_of_the_own_machine_are_its_own() {
        for (origin, own) in [
            ("http://127.0.0.1:8484", true),
            ("http://localhost", true),
            ("http://[::1]:9", true),
            ("http://localhost.example.org", false),
            ("https://tandem.example.org", false),
            ("null", false),
        ] {
            assert_eq!(
                is_own_machine(&HeaderValue::from_static(origin)),
                own,
                "{origin}"
            );
        }
    }
}
