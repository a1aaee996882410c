//! Links that people make and end: pairs out of a file, splitting, and what is remembered of decisions.

mod csv;

use axum::{
    Json,
    extract::{Path, Query, State},
};
use http::StatusCode;
use record::{RecordId, Side};
use serde::Deserialize;
use serde_json::{Value, json};
use store::SyncName;
use sync::{DecidedPair, NamedPair};

use super::history::{entity, place};
use crate::{
    Code,
    app::AppState,
    config::Problem,
    error::{ApiError, ApiResult},
};

/// A file for 100,000 pairs is about ten times smaller.
pub(super) const LARGEST_FILE: usize = 64 * 1024 * 1024;

/// So many bad rows are told one by one.
const MOST_PROBLEMS: usize = 200;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Import {
    /// Only check.
    #[serde(default)]
    dry_run: bool,
}

/// Links the pairs of a CSV file with the columns `sync`, `entity`, `left` and `right`. All rows are checked before any is linked.
pub(crate) async fn import(
    State(app): State<AppState>,
    Query(query): Query<Import>,
    text: String,
) -> ApiResult<Json<Value>> {
    app.in_force()?;
    let (rows, bad) = csv::read(&text);
    if !bad.is_empty() {
        return Err(refused(bad));
    }
    let pairs: Vec<NamedPair> = rows.iter().map(|row| row.pair.clone()).collect();
    let report = app.engine.link_pairs(&pairs, query.dry_run).await?;
    let bad: Vec<(usize, String)> = report
        .problems
        .iter()
        .map(|(at, why)| (rows[*at].line, why.clone()))
        .collect();
    if !bad.is_empty() {
        return Err(refused(bad));
    }
    Ok(Json(json!({
        "rows": rows.len(),
        "linked": report.linked,
        "already": report.already,
        "dry_run": query.dry_run,
    })))
}

/// No row was applied, and why.
fn refused(bad: Vec<(usize, String)>) -> ApiError {
    let number = bad.len();
    let mut error = ApiError::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        Code::LinksFile,
        match &bad[..] {
            [(line, why)] => format!("line {line}: {why}; nothing was linked"),
            [(line, why), ..] => format!(
                "{number} rows cannot be linked, and nothing was; the first, line {line}: {why}"
            ),
            [] => "nothing was linked".to_owned(),
        },
    );
    error.problems = bad
        .into_iter()
        .take(MOST_PROBLEMS)
        .map(|(line, message)| Problem {
            code: Code::LinksFile,
            place: String::new(),
            span: 0..0,
            line,
            column: 1,
            message,
            hint: None,
        })
        .collect();
    error
}

/// Two records of a sync.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Of {
    entity: String,
    left: String,
    right: String,
    /// Of a split: neither gets another counterpart made.
    #[serde(default)]
    leave: bool,
}

impl Of {
    fn pair(&self, sync: SyncName) -> ApiResult<NamedPair> {
        Ok(NamedPair {
            sync,
            entity: entity(&self.entity)?,
            left: self.left.as_str().into(),
            right: self.right.as_str().into(),
        })
    }
}

/// Ends a link because the two are not one. It is remembered.
pub(crate) async fn split(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Json(of): Json<Of>,
) -> ApiResult<Json<Value>> {
    let pair = of.pair(app.sync(&name)?)?;
    app.engine.split(&pair, of.leave).await?;
    Ok(Json(json!({"split": true})))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionQuery {
    /// Only about pairs with this record, with what it is and its side.
    record: Option<RecordId>,
    entity: Option<String>,
    side: Option<Side>,
    /// After this pair in the list: its `cursor`.
    after: Option<String>,
    #[serde(default = "thousand")]
    limit: usize,
}

fn thousand() -> usize {
    1000
}

/// What people decided about pairs of a sync, or about those with one record.
pub(crate) async fn decisions(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Query(query): Query<DecisionQuery>,
) -> ApiResult<Json<Vec<DecidedPair>>> {
    let sync = app.sync(&name)?;
    let decided = match (query.record, query.entity, query.side) {
        (None, None, None) => {
            let after = place(query.after.as_deref())?;
            let limit = query.limit.clamp(1, 10_000);
            app.engine.decisions(&sync, after.as_ref(), limit).await?
        }
        (Some(record), Some(word), Some(side)) => {
            let entity = entity(&word)?;
            app.engine
                .decisions_of(&sync, entity, side, &record)
                .await?
        }
        _ => {
            return Err(ApiError::bad_request(
                "`record`, `entity` and `side` belong together",
            ));
        }
    };
    Ok(Json(decided))
}

/// Forgets what was decided about a pair.
pub(crate) async fn forget(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Json(of): Json<Of>,
) -> ApiResult<Json<Value>> {
    let pair = of.pair(app.sync(&name)?)?;
    app.engine.forget_decision(&pair).await?;
    Ok(Json(json!({"forgotten": true})))
}
