//! Signing in to Tandem itself with a browser. These routes stand before the door: they need no token.

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use connector::SecretText;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    app::AppState,
    config::Access,
    error::{ApiError, ApiResult},
    users::{Begun, Users, forgotten, refused},
};

/// Routes that each look themselves who asks.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/session", get(show).post(begin).delete(end))
        .route("/owner", post(set).put(replace))
        .route("/owner/link", post(link))
}

/// Whether this browser is signed in, and how it can be.
async fn show(State(app): State<AppState>, headers: HeaderMap) -> Json<Value> {
    let proof = app.users.proof(&headers);
    let how = if app.users.anyone_here(&headers, app.listening_on()) {
        "anyone_here"
    } else if app.users.has_owner() {
        "password"
    } else {
        "first_start"
    };
    Json(json!({
        "signed_in": proof.is_some(),
        "csrf": proof,
        "how": how,
        "version": env!("CARGO_PKG_VERSION"),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Password {
    /// Left out where anyone at this machine is let in.
    password: Option<SecretText>,
}

/// Signs in.
async fn begin(
    State(app): State<AppState>,
    headers: HeaderMap,
    Json(given): Json<Password>,
) -> ApiResult<Response> {
    let begun = match given.password {
        Some(password) => {
            let secure = is_secure(&app, &headers);
            app.users
                .sign_in(password.expose().to_owned(), secure)
                .await?
        }
        None => app.users.let_in(&headers, app.listening_on()).await?,
    };
    Ok(signed_in(&begun))
}

fn signed_in(begun: &Begun) -> Response {
    let cookie = [(header::SET_COOKIE, begun.cookie.as_str())];
    let body = json!({"signed_in": true, "csrf": begun.proof});
    (cookie, Json(body)).into_response()
}

/// Signs out.
async fn end(State(app): State<AppState>, headers: HeaderMap) -> ApiResult<Response> {
    from_our_pages(&app, &headers)?;
    app.users.sign_out(&headers).await?;
    let cookie = [(header::SET_COOKIE, forgotten())];
    Ok((cookie, Json(json!({"signed_in": false}))).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    /// Out of the link that was printed.
    token: String,
    /// The new password.
    password: SecretText,
}

/// Sets the owner's password through the link of the first start, and signs in.
async fn set(
    State(app): State<AppState>,
    headers: HeaderMap,
    Json(first): Json<First>,
) -> ApiResult<Response> {
    let password = first.password.expose().to_owned();
    app.users
        .set_by_link(&first.token, password.clone())
        .await?;
    let begun = app
        .users
        .sign_in(password, is_secure(&app, &headers))
        .await?;
    Ok(signed_in(&begun))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replace {
    /// The password until now.
    password: SecretText,
    /// The one from now on.
    new_password: SecretText,
}

/// Replaces the owner's password; ends all sessions and begins a new one.
async fn replace(
    State(app): State<AppState>,
    headers: HeaderMap,
    Json(given): Json<Replace>,
) -> ApiResult<Response> {
    from_our_pages(&app, &headers)?;
    let new = given.new_password.expose().to_owned();
    app.users
        .replace(given.password.expose().to_owned(), new.clone())
        .await?;
    let begun = app.users.sign_in(new, is_secure(&app, &headers)).await?;
    Ok(signed_in(&begun))
}

/// Makes a new link by which the owner's password can be set: for whoever holds an admin token.
async fn link(State(app): State<AppState>, headers: HeaderMap) -> ApiResult<Json<Value>> {
    if app.access(&headers) != Some(Access::Admin) {
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            crate::Code::Unauthorised,
            "an admin token is needed: `Authorization: Bearer …`",
        ));
    }
    let address = app
        .local_url()
        .map(str::to_owned)
        .map_or_else(|| app.outside_url(), Ok)?;
    Ok(Json(json!({"link": app.owner_link(&address)?})))
}

/// Refuses what does not come from a signed-in page of ours.
fn from_our_pages(app: &AppState, headers: &HeaderMap) -> ApiResult<()> {
    match app.users.proof(headers) {
        Some(proof) if Users::proven(headers, &proof) => Ok(()),
        Some(_) => Err(unproven()),
        None => Err(refused("nobody is signed in with this browser")),
    }
}

/// A request of a signed-in browser that might come from another site.
pub(crate) fn unproven() -> ApiError {
    refused("the request does not carry the proof of its session: `x-tandem-csrf`")
        .hint("`GET /api/v1/session` tells it; reload the page")
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
