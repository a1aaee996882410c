//! Questions for a person, and their answers.

use axum::{
    Json,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use store::{Review, ReviewFilter, ReviewId, ReviewState, SyncName};

use crate::{
    Code,
    app::AppState,
    error::{ApiError, ApiResult},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReviewQuery {
    sync: Option<String>,
    /// `open` (the default) or `all`.
    state: Option<String>,
    #[serde(default)]
    limit: usize,
}

/// Reviews in the order in which they were opened.
pub(crate) async fn list(
    State(app): State<AppState>,
    Query(query): Query<ReviewQuery>,
) -> ApiResult<Json<Vec<Review>>> {
    let state = match query.state.as_deref() {
        None | Some("open") => Some(ReviewState::Open),
        Some("all") => None,
        Some(other) => {
            return Err(ApiError::bad_request(format!(
                "`{other}` is no state to filter by; `open` and `all` are"
            )));
        }
    };
    let filter = ReviewFilter {
        sync: query.sync.as_deref().map(SyncName::from),
        state,
        limit: query.limit,
        ..ReviewFilter::default()
    };
    let rows = app.store().reviews(app.workspace(), &filter).await?;
    if rows.is_empty() {
        app.refuse_unknown(query.sync.as_deref(), None)?;
    }
    Ok(Json(rows))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    choice: String,
}

/// Carries out an answer. The id may be shortened as long as it is the beginning of one open review
/// only.
pub(crate) async fn resolve(
    State(app): State<AppState>,
    Path(id): Path<String>,
    Json(answer): Json<Answer>,
) -> ApiResult<Json<Review>> {
    app.prepare().await?;
    let id = find(&app, &id).await?;
    Ok(Json(app.engine.resolve(id, &answer.choice).await?))
}

async fn find(app: &AppState, id: &str) -> ApiResult<ReviewId> {
    if let Ok(id) = id.parse() {
        return Ok(id);
    }
    let unknown = || {
        ApiError::not_found(Code::ReviewUnknown, format!("there is no open review {id}"))
            .hint("`tandem reviews` lists them")
    };
    if id.len() < 4 {
        return Err(unknown());
    }
    let filter = ReviewFilter::default();
    let found: Vec<ReviewId> = app
        .store()
        .reviews(app.workspace(), &filter)
        .await?
        .into_iter()
        .filter(|review| matches!(review.state, ReviewState::Open | ReviewState::Postponed))
        .map(|review| review.id)
        .filter(|known| known.to_string().starts_with(id))
        .collect();
    match found[..] {
        [one] => Ok(one),
        [] => Err(unknown()),
        _ => Err(ApiError::bad_request(format!(
            "{} reviews begin with {id}; give more of the id",
            found.len()
        ))),
    }
}
