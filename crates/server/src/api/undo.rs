//! Putting back what was done.

use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::Value;
use sync::UndoScope;

use crate::{
    Code,
    app::AppState,
    error::{ApiError, ApiResult},
};

/// Among so many runs one is looked for whose id nothing belongs to.
const MOST_RUNS: usize = 100_000;

/// Refuses what names nothing, and what would name everything.
fn named(app: &AppState, scope: &UndoScope) -> ApiResult<()> {
    let UndoScope {
        sync,
        run,
        connection,
        entity: _,
        record,
        field,
        since,
        until,
    } = scope;
    app.refuse_unknown(
        sync.as_ref().map(store::SyncName::as_str),
        connection.as_ref().map(store::ConnectionName::as_str),
    )?;
    if run.is_none() && record.is_none() && since.is_none() && until.is_none() {
        return Err(ApiError::bad_request(
            "say what to undo: a `run`, a `record` with its `connection`, or a span of time (`since`, `until`)",
        ));
    }
    if connection.is_none() && (record.is_some() || field.is_some()) {
        return Err(ApiError::bad_request(
            "a `record` or a `field` needs the `connection` that it is on",
        ));
    }
    Ok(())
}

/// What an undo would do now; writes nothing.
pub(crate) async fn plan(
    State(app): State<AppState>,
    Json(scope): Json<UndoScope>,
) -> ApiResult<Json<Value>> {
    named(&app, &scope)?;
    let plan = app.engine.plan_undo(&scope).await?;
    let is_empty = plan.fields.is_empty() && plan.records.is_empty() && plan.kept.is_empty();
    if let (Some(run), true) = (scope.run, is_empty) {
        let runs = app.store().runs(app.workspace(), None, MOST_RUNS).await?;
        if !runs.iter().any(|one| one.id == run) {
            return Err(
                ApiError::not_found(Code::NotFound, format!("there is no run `{run}`"))
                    .hint("`tandem runs` lists them"),
            );
        }
    }
    Ok(Json(super::value(&plan)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirmed {
    /// What to undo.
    scope: UndoScope,
    /// The fingerprint of the plan that a person was shown.
    fingerprint: String,
}

/// Carries an undo out, if its plan is still the one with this fingerprint.
pub(crate) async fn undo(
    State(app): State<AppState>,
    Json(confirmed): Json<Confirmed>,
) -> ApiResult<Json<Value>> {
    let Confirmed { scope, fingerprint } = confirmed;
    named(&app, &scope)?;
    let engine = app.engine.clone();
    // Goes on to its end even if the asker goes away.
    let report = app
        .spawn(async move { engine.undo(&scope, &fingerprint).await })
        .await
        .map_err(|error| ApiError::internal(format!("the undo broke off: {error}")))?
        .ok_or_else(ApiError::stopping)??;
    Ok(Json(super::value(&report)?))
}
