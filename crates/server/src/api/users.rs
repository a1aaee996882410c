//! People and their roles: inviting, changing, removing.

use axum::{
    Extension, Json,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Role, UserRow};

use crate::{acts::Note, app::AppState, error::ApiResult, users::Invited};

/// All users, by name.
pub(crate) async fn list(State(app): State<AppState>) -> ApiResult<Json<Vec<Value>>> {
    let all = app.users.all();
    Ok(Json(all.iter().map(|user| shown(&app, user)).collect()))
}

fn shown(app: &AppState, user: &UserRow) -> Value {
    let now = app.clock.now();
    let tokens = app.users.tokens();
    let own = |token: &&store::TokenRow| token.user.as_deref() == Some(user.name.as_str());
    let link = user.link.as_ref().map(|(_, ends)| *ends);
    json!({
        "name": user.name,
        "role": user.role,
        "created": user.created,
        "has_password": user.password.is_some(),
        "link_ends": link.filter(|ends| *ends > now),
        "signed_in": user.signed_in,
        "sessions": app.users.sessions_of(&user.name),
        "tokens": tokens.iter().filter(own).count(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    name: String,
    role: Role,
}

/// Adds a user, and makes the link by which they set their password once.
pub(crate) async fn add(
    State(app): State<AppState>,
    Json(new): Json<New>,
) -> ApiResult<(Extension<Note>, Json<Value>)> {
    let invited = app.users.invite(&new.name, new.role).await?;
    let thing = format!("{} {}", new.name, role_word(new.role));
    Ok((Note::thing(thing), Json(with_link(&app, &invited)?)))
}

/// A new link for a user to set a password.
pub(crate) async fn link(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    let invited = app.users.new_link(&name).await?;
    with_link(&app, &invited).map(Json)
}

fn with_link(app: &AppState, invited: &Invited) -> ApiResult<Value> {
    let local = app.local_url().map(str::to_owned);
    let address = local.map_or_else(|| app.outside_url(), Ok)?;
    let links = app.links(&address, &invited.secret);
    Ok(json!({
        "user": shown(app, &invited.user),
        // as it is reached from outside, if the config says how
        "link": links.last(),
        "links": links,
        "ends": invited.ends,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRole {
    role: Role,
}

/// Gives a user another role. It holds at once.
pub(crate) async fn role(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Json(new): Json<NewRole>,
) -> ApiResult<(Extension<Note>, Json<Value>)> {
    let user = app.users.set_role(&name, new.role).await?;
    let thing = format!("{name} {}", role_word(new.role));
    Ok((Note::thing(thing), Json(shown(&app, &user))))
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Editor => "editor",
        Role::Owner => "owner",
    }
}

/// Removes a user. Their sessions and tokens end at once.
pub(crate) async fn remove(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Response> {
    app.users.remove(&name).await?;
    Ok(Json(json!({"removed": name})).into_response())
}

/// Ends all sessions of a user.
pub(crate) async fn sign_out(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    app.users.sign_out_everywhere(&name).await?;
    Ok(Json(json!({"signed_out": name})))
}
