//! What users, tokens and the command line did.

use axum::{
    Json,
    extract::{Query, State},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Act, ActFilter, ActOutcome, Actor};

use crate::{app::AppState, error::ApiResult};

/// So many are listed where nothing else is said, and at most.
const LISTED: usize = 100;
const MOST: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// A user, with their tokens, or a token.
    who: Option<String>,
    actor: Option<Actor>,
    what: Option<String>,
    outcome: Option<ActOutcome>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    /// The number of the last act of the page before.
    before: Option<i64>,
    limit: Option<usize>,
}

/// What was done, the newest first.
pub(crate) async fn list(
    State(app): State<AppState>,
    Query(wanted): Query<Wanted>,
) -> ApiResult<Json<Vec<Value>>> {
    let filter = ActFilter {
        who: wanted.who,
        actor: wanted.actor,
        what: wanted.what,
        outcome: wanted.outcome,
        since: wanted.since,
        until: wanted.until,
        before: wanted.before,
        limit: wanted.limit.unwrap_or(LISTED).clamp(1, MOST),
    };
    let acts = app.store().acts(app.workspace(), &filter).await?;
    Ok(Json(acts.iter().map(shown).collect()))
}

fn shown(Act { seq, act }: &Act) -> Value {
    json!({
        "id": seq,
        "at": act.at,
        "actor": act.actor,
        "who": act.who,
        "user": act.user,
        "what": act.what,
        "thing": act.thing,
        "outcome": act.outcome,
        "code": act.code,
    })
}
