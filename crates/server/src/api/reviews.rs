//! Questions for a person, and their answers.

mod always;

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Review, ReviewFilter, ReviewId, ReviewKind, ReviewState, Scope, SyncName};

use crate::{
    Code,
    access::Caller,
    acts::Note,
    app::AppState,
    error::{ApiError, ApiResult},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReviewQuery {
    sync: Option<String>,
    /// `open` (the default), `waiting` or `all`.
    state: Option<String>,
    kind: Option<ReviewKind>,
    /// After this one, in the order of opening.
    after: Option<ReviewId>,
    #[serde(default)]
    limit: usize,
}

/// Reviews in the order in which they were opened.
pub(crate) async fn list(
    State(app): State<AppState>,
    Query(query): Query<ReviewQuery>,
) -> ApiResult<Json<Vec<Review>>> {
    let waiting = query.state.as_deref() == Some("waiting");
    let state = match query.state.as_deref() {
        None | Some("open") => Some(ReviewState::Open),
        Some("waiting") => Some(ReviewState::Postponed),
        Some("all") => None,
        Some(other) => {
            return Err(ApiError::bad_request(format!(
                "`{other}` is no state to filter by; `open`, `waiting` and `all` are"
            )));
        }
    };
    let filter = ReviewFilter {
        sync: query.sync.as_deref().map(SyncName::from),
        state,
        kind: query.kind,
        waiting,
        after: query.after,
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
    /// What is to be there, with the choice `edit`.
    value: Option<String>,
    /// It is the policy of the field from now on.
    #[serde(default)]
    always: bool,
}

/// Carries out an answer. The id may be shortened as long as it is the beginning of one open review
/// only.
pub(crate) async fn resolve(
    State(app): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Json(answer): Json<Answer>,
) -> ApiResult<Json<Value>> {
    app.prepare().await?;
    let id = find(&app, &id).await?;
    if answer.always {
        caller.must(Scope::Config)?;
    }
    let always = match answer.always {
        true => Some(always::make_rule(&app, id, &answer.choice).await?),
        false => None,
    };
    let review = app
        .engine
        .resolve_with(id, &answer.choice, answer.value.as_deref())
        .await?;
    let mut told = super::value(&review)?;
    if let Some(rule) = always {
        let others = ReviewFilter {
            sync: Some(review.sync.clone()),
            kind: Some(review.kind),
            state: Some(ReviewState::Open),
            ..ReviewFilter::default()
        };
        let field = review.details["mapping"].as_str().map(str::to_owned);
        let many = Many {
            entity: Some(review.entity.to_string()),
            field,
            choice: answer.choice,
            ..Many::default()
        };
        told["always"] = super::value(&rule)?;
        told["always"]["answered"] = json!(answer_all(&app, &others, &many).await?.answered);
    }
    Ok(Json(told))
}

/// Which reviews are answered together, and how.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Many {
    /// One of their choices. `link` and `rebind` stand for the only one that begins so.
    choice: String,
    sync: Option<String>,
    kind: Option<ReviewKind>,
    entity: Option<String>,
    /// The field, by the name of its mapping.
    field: Option<String>,
    /// Only count.
    #[serde(default)]
    dry_run: bool,
}

/// What became of reviews that were answered together.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Answered {
    /// How many the filter meets.
    matching: usize,
    /// How many of them were answered; of a trial, would be.
    answered: usize,
    /// Those that do not offer the choice.
    not_offered: Vec<ReviewId>,
    /// Those whose answer could not be carried out, each with why.
    failed: Vec<Failed>,
}

#[derive(Debug, Serialize)]
struct Failed {
    id: ReviewId,
    why: String,
}

/// Answers all open reviews that a filter meets. Each is carried out by itself: what fails stays open and is told.
pub(crate) async fn resolve_many(
    State(app): State<AppState>,
    Json(many): Json<Many>,
) -> ApiResult<(Extension<Note>, Json<Answered>)> {
    if many.sync.is_none() && many.kind.is_none() && many.field.is_none() {
        return Err(ApiError::bad_request(
            "say which reviews: by `sync`, `kind` or `field`",
        ));
    }
    app.refuse_unknown(many.sync.as_deref(), None)?;
    app.prepare().await?;
    let filter = ReviewFilter {
        sync: many.sync.as_deref().map(SyncName::from),
        kind: many.kind,
        state: Some(ReviewState::Open),
        ..ReviewFilter::default()
    };
    let answered = answer_all(&app, &filter, &many).await?;
    let thing = many.sync.clone();
    Ok((Note::unless(many.dry_run, thing), Json(answered)))
}

async fn answer_all(app: &AppState, filter: &ReviewFilter, many: &Many) -> ApiResult<Answered> {
    let entity = many.entity.as_deref().map(super::history::entity);
    let entity = entity.transpose()?;
    let mut answered = Answered::default();
    for review in app.store().reviews(app.workspace(), filter).await? {
        let is_meant = entity.is_none_or(|entity| review.entity == entity)
            && many
                .field
                .as_deref()
                .is_none_or(|field| review.details["mapping"] == field);
        if !is_meant {
            continue;
        }
        answered.matching += 1;
        let Some(choice) = offered(&review, &many.choice) else {
            answered.not_offered.push(review.id);
            continue;
        };
        if many.dry_run {
            answered.answered += 1;
            continue;
        }
        match app.engine.resolve(review.id, &choice).await {
            Ok(_) => answered.answered += 1,
            Err(error) => answered.failed.push(Failed {
                id: review.id,
                why: error.to_string(),
            }),
        }
    }
    Ok(answered)
}

/// The choice of a review that a word means.
fn offered(review: &Review, word: &str) -> Option<String> {
    let choices = review.details["choices"].as_array()?;
    let mut keys = choices.iter().filter_map(|choice| choice["key"].as_str());
    if keys.clone().any(|key| key == word) {
        return Some(word.to_owned());
    }
    let begins = |key: &&str| key.split_once(':').is_some_and(|(kind, _)| kind == word);
    let only = keys.find(begins)?;
    let is_only = !keys.any(|key| begins(&key));
    is_only.then(|| only.to_owned())
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
