//! Plans that are kept: what they show, and carrying them out.

use axum::{
    Json,
    extract::{Path, Query, State},
    response::Response,
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{PlanId, PlanRow, PlanRowState, StoredPlan};
use tokio::sync::watch;

use super::syncs::{as_it_comes, ended};
use crate::{
    Code,
    app::AppState,
    error::{ApiError, ApiResult},
};

fn id(text: &str) -> ApiResult<PlanId> {
    text.parse().map_err(|_| {
        ApiError::not_found(Code::PlanUnfit, format!("there is no plan `{text}`"))
            .hint("`tandem plans` lists those that are kept")
    })
}

fn summary(plan: &StoredPlan) -> Value {
    let shown = &plan.body["plan"];
    json!({
        "id": plan.id,
        "sync": plan.sync,
        "state": plan.state,
        "made": plan.made,
        "other_rules": shown["other_rules"],
        "rows": shown["rows"],
        "questions": shown["questions"],
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlansQuery {
    sync: Option<String>,
}

/// The plans that are kept, newest first.
pub(crate) async fn list(
    State(app): State<AppState>,
    Query(query): Query<PlansQuery>,
) -> ApiResult<Json<Value>> {
    let sync = query.sync.map(|sync| app.sync(&sync)).transpose()?;
    let plans = app.engine.plans(sync.as_ref()).await?;
    Ok(Json(plans.iter().map(summary).collect()))
}

/// A plan, as it was shown when it was made, and where it stands.
pub(crate) async fn show(
    State(app): State<AppState>,
    Path(plan): Path<String>,
) -> ApiResult<Json<Value>> {
    let plan = app.engine.kept_plan(id(&plan)?).await?;
    let mut answer = plan.body["plan"].clone();
    answer["state"] = super::value(&plan.state)?;
    answer["made"] = super::value(&plan.made)?;
    Ok(Json(answer))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RowsQuery {
    state: Option<PlanRowState>,
    #[serde(default)]
    after: u64,
    #[serde(default = "thousand")]
    limit: usize,
}

fn thousand() -> usize {
    1000
}

/// Rows of a plan in their order, after a number, at most 10,000.
pub(crate) async fn rows(
    State(app): State<AppState>,
    Path(plan): Path<String>,
    Query(query): Query<RowsQuery>,
) -> ApiResult<Json<Value>> {
    let limit = query.limit.clamp(1, 10_000);
    let rows = app
        .engine
        .plan_rows(id(&plan)?, query.state, query.after, limit)
        .await?;
    Ok(Json(rows.into_iter().map(row).collect()))
}

/// A row without the marks by which it is recognised.
fn row(row: PlanRow) -> Value {
    let mut answer = json!({
        "number": row.number,
        "entity": row.entity,
        "left": row.left,
        "right": row.right,
        "state": row.state,
        "note": row.note,
    });
    if let (Some(answer), Value::Object(body)) = (answer.as_object_mut(), row.body) {
        answer.extend(body.into_iter().filter(|(name, _)| name != "inputs"));
    }
    answer
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Apply {
    /// The share of rows that may have changed since the plan was made.
    most_changed: Option<f64>,
}

/// Carries a plan out: its rows and nothing else. Answers as a run does.
pub(crate) async fn apply(
    State(app): State<AppState>,
    Path(plan): Path<String>,
    headers: HeaderMap,
    body: Option<Json<Apply>>,
) -> ApiResult<Response> {
    let plan = id(&plan)?;
    let Json(body) = body.unwrap_or_default();
    let most_changed = body.most_changed.unwrap_or(sync::MOST_CHANGED);
    if !(0.0..=1.0).contains(&most_changed) {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            Code::BadRequest,
            "`most_changed` is a share between 0 and 1",
        ));
    }
    app.in_force()?;
    app.recall().await?;
    let (progress, watched) = watch::channel(sync::Progress::default());
    let engine = app.engine.clone();
    let work = app.spawn(async move { engine.apply_plan(plan, most_changed, &progress).await });
    let outcome = async move { super::value(&ended(work).await?) };
    as_it_comes(&app, &headers, watched, outcome).await
}
