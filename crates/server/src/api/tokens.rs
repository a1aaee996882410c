//! Tokens of programs: one's own, and for owners all.

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Scope, TokenRow};

use crate::{
    Code,
    access::{Caller, forbidden},
    acts::Note,
    app::AppState,
    error::{ApiError, ApiResult},
    token::scopes_of_access,
};

/// The longest that a token may be good for, in days.
const LONGEST: u16 = 3650;

/// Whether a token is the caller's, or they may see all.
fn is_theirs(caller: &Caller, token: &TokenRow) -> bool {
    caller.may(Scope::Admin) || (token.user.is_some() && token.user == caller.user)
}

/// The tokens that the caller may know of, by name. Those of the config come after the others.
pub(crate) async fn list(
    State(app): State<AppState>,
    Extension(caller): Extension<Caller>,
) -> ApiResult<Json<Vec<Value>>> {
    let now = app.clock.now();
    let tokens = app.users.tokens();
    let theirs = tokens.iter().filter(|token| is_theirs(&caller, token));
    let mut rows: Vec<Value> = theirs
        .map(|token| {
            let mut row = shown(token);
            row["ended"] = json!(token.ends.is_some_and(|ends| ends <= now));
            row
        })
        .collect();
    if let Ok(in_force) = app.in_force()
        && caller.may(Scope::Admin)
    {
        rows.extend(in_force.document.api.tokens.iter().map(|(name, token)| {
            json!({
                "name": name,
                "scopes": scopes_of_access(token.access),
                "user": null,
                "created": null,
                "ends": null,
                "used": null,
                "ended": false,
                "in_config": true,
            })
        }));
    }
    Ok(Json(rows))
}

fn shown(token: &TokenRow) -> Value {
    json!({
        "name": token.name,
        "scopes": token.scopes,
        "user": token.user,
        "created": token.created,
        "ends": token.ends,
        "used": token.used,
        "ended": false,
        "in_config": false,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    name: String,
    scopes: Vec<Scope>,
    /// It is taken for so many days. Left out: until it is removed.
    days: Option<u16>,
}

/// Makes a token, with scopes that the caller has. Its text is in this answer and nowhere else.
pub(crate) async fn add(
    State(app): State<AppState>,
    Extension(caller): Extension<Caller>,
    Json(new): Json<New>,
) -> ApiResult<(Extension<Note>, Json<Value>)> {
    for scope in &new.scopes {
        caller.must(*scope)?;
    }
    if new.days.is_some_and(|days| !(1..=LONGEST).contains(&days)) {
        return Err(ApiError::bad_request(format!(
            "`days` is from 1 to {LONGEST}; left out, the token is taken until it is removed"
        )));
    }
    let ends = new
        .days
        .map(|days| app.users.now() + SignedDuration::from_hours(24 * i64::from(days)));
    let taken = app
        .in_force()
        .is_ok_and(|in_force| in_force.document.api.tokens.contains_key(&new.name));
    if taken {
        return Err(ApiError::new(
            http::StatusCode::CONFLICT,
            Code::UserUnfit,
            format!("there is a token `{}` in the config", new.name),
        )
        .hint("choose another name"));
    }
    let (token, text) = app
        .users
        .add_token(&new.name, new.scopes, caller.user, ends)
        .await?;
    let mut answer = shown(&token);
    answer["token"] = json!(text.expose());
    Ok((Note::thing(token.name), Json(answer)))
}

/// Removes a token: at once it is taken no longer.
pub(crate) async fn remove(
    State(app): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    let known = app.users.tokens();
    let Some(token) = known.iter().find(|token| token.name == name) else {
        let in_config = app
            .in_force()
            .is_ok_and(|in_force| in_force.document.api.tokens.contains_key(&name));
        let error = |message, hint: &str| ApiError::not_found(Code::UserUnfit, message).hint(hint);
        return Err(if in_config && caller.may(Scope::Admin) {
            error(
                format!("token `{name}` stands in the config"),
                "take it out of `api.tokens` there",
            )
        } else {
            error(
                format!("there is no token `{name}`"),
                "`tandem tokens` lists them",
            )
        });
    };
    if !is_theirs(&caller, token) {
        return Err(
            forbidden(format!("token `{name}` is somebody else's")).hint("an owner can remove it")
        );
    }
    app.users.remove_token(&name).await?;
    Ok(Json(json!({"removed": name})))
}
