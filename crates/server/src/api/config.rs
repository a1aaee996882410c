//! The config in force: showing, checking and applying it.

use axum::{
    Json,
    extract::{Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    app::AppState,
    error::{ApiError, ApiResult},
};

/// The document in force, as it was given.
pub(crate) async fn show(State(app): State<AppState>) -> ApiResult<Json<Value>> {
    let applied = app
        .store()
        .applied_config(app.workspace())
        .await?
        .ok_or_else(ApiError::no_config)?;
    Ok(Json(json!({
        "revision": applied.revision,
        "applied": applied.applied,
        "document": applied.document,
    })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Apply {
    /// Only check.
    #[serde(default)]
    dry_run: bool,
}

/// Checks a config whole and puts it into force. Nothing changes if anything in it is wrong.
pub(crate) async fn apply(
    State(app): State<AppState>,
    Query(query): Query<Apply>,
    text: String,
) -> ApiResult<Json<Value>> {
    let document = app.read(&text)?;
    let unchecked: Vec<Value> = app
        .check_live(&text, &document)
        .await?
        .into_iter()
        .map(|(sync, why)| json!({"sync": sync, "why": why}))
        .collect();
    if query.dry_run {
        return Ok(Json(json!({"applied": false, "unchecked": unchecked})));
    }
    let listen = document.listen;
    let in_force = app.apply(&text, document).await?;
    let restart_needed = app.listening_on().is_some_and(|address| address != listen);
    Ok(Json(json!({
        "applied": true,
        "revision": in_force.revision,
        "unchecked": unchecked,
        "restart_needed": restart_needed,
    })))
}
