//! The config in force: showing, checking and applying it.

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{AppliedConfig, Scope};

use crate::{
    Code,
    access::Caller,
    acts::Note,
    app::AppState,
    config::Document,
    error::{ApiError, ApiResult},
};

/// So many revisions are listed.
const LISTED: usize = 100;

/// The configs that were in force, the newest first, and since when each was.
pub(crate) async fn revisions(State(app): State<AppState>) -> ApiResult<Json<Vec<Value>>> {
    let configs = app.store().applied_configs(app.workspace(), LISTED).await?;
    let row =
        |config: AppliedConfig| json!({"revision": config.revision, "applied": config.applied});
    Ok(Json(configs.into_iter().map(row).collect()))
}

/// A config that was in force.
pub(crate) async fn revision(
    State(app): State<AppState>,
    Path(revision): Path<u64>,
) -> ApiResult<Json<Value>> {
    let config = of_revision(&app, revision).await?;
    Ok(Json(json!({
        "revision": config.revision,
        "applied": config.applied,
        "document": config.document,
    })))
}

/// Puts a config that was in force into force again, as a new revision.
pub(crate) async fn back_to(
    state: State<AppState>,
    caller: Extension<Caller>,
    Path(revision): Path<u64>,
    query: Query<Apply>,
) -> ApiResult<(Extension<Note>, Json<Value>)> {
    let config = of_revision(&state, revision).await?;
    let (_, answer) = apply(state, caller, query, config.document).await?;
    Ok((Note::thing(revision.to_string()), answer))
}

async fn of_revision(app: &AppState, revision: u64) -> ApiResult<AppliedConfig> {
    let configs = app
        .store()
        .applied_configs(app.workspace(), usize::MAX)
        .await?;
    configs
        .into_iter()
        .find(|config| config.revision == revision)
        .ok_or_else(|| {
            ApiError::not_found(Code::NotFound, format!("there is no config {revision}"))
                .hint("`tandem config` lists those that were in force")
        })
}

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
    /// The file that it is read from at each start: what is changed elsewhere would not last.
    file: Option<String>,
}

/// Checks a config whole and puts it into force. Nothing changes if anything in it is wrong.
pub(crate) async fn apply(
    State(app): State<AppState>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<Apply>,
    text: String,
) -> ApiResult<(Extension<Note>, Json<Value>)> {
    let document = app.read(&text)?;
    if !caller.may(Scope::Admin) {
        only_syncs(&app, &caller, &document)?;
    }
    let unchecked: Vec<Value> = app
        .check_live(&text, &document)
        .await?
        .into_iter()
        .map(|(sync, why)| json!({"sync": sync, "why": why}))
        .collect();
    if query.dry_run {
        let answer = Json(json!({"applied": false, "unchecked": unchecked}));
        return Ok((Note::unless(true, None), answer));
    }
    app.note_file(query.file);
    let listen = document.listen;
    let in_force = app.apply(&text, document).await?;
    let restart_needed = app.listening_on().is_some_and(|address| address != listen);
    let answer = Json(json!({
        "applied": true,
        "revision": in_force.revision,
        "unchecked": unchecked,
        "restart_needed": restart_needed,
    }));
    Ok((Note::thing(in_force.revision.to_string()), answer))
}

/// Refuses what is more than the rules of syncs: an address, a token or a connection in the config is the way to credentials.
fn only_syncs(app: &AppState, caller: &Caller, document: &Document) -> ApiResult<()> {
    let Ok(in_force) = app.in_force() else {
        return caller.must(Scope::Admin);
    };
    let parts = |document: &Document| {
        let mut document = document.clone();
        document.syncs.clear();
        super::value(&document)
    };
    let (before, after) = (parts(&in_force.document)?, parts(document)?);
    let changed = after
        .as_object()
        .into_iter()
        .chain(before.as_object())
        .flat_map(|parts| parts.keys())
        .find(|key| before.get(*key) != after.get(*key));
    let Some(changed) = changed else {
        return Ok(());
    };
    caller.must(Scope::Admin).map_err(|mut error| {
        error.message = format!("{}, because it changes `{changed}`", error.message);
        error.hint("without that, only `syncs` may be changed")
    })
}
