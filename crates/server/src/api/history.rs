//! What happened: calls, journal, runs, records that fail, and why a record is as it is.

use std::str::FromStr;

use axum::{
    Json,
    extract::{Query, State},
};
use connections::Outcome;
use jiff::Timestamp;
use record::{Entity, FieldName, RecordId, Side};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{
    BlockedFilter, CallFilter, CallRow, ConnectionName, FailingPlace, JournalEntry, JournalFilter,
    Run, SyncName,
};
use sync::{Again, BlockedRow, BlockedSumRow, TriedAgain};

use crate::{
    app::AppState,
    error::{ApiError, ApiResult},
};

/// What was counted over the last day, as far as this process goes back, in points of a few minutes.
pub(crate) async fn series(State(app): State<AppState>) -> ApiResult<Json<Value>> {
    let counted = crate::series::counted(&app).await?;
    app.series.take(app.clock.now(), counted);
    Ok(Json(json!({
        "since": app.started,
        "every_ms": crate::series::EVERY,
        "points": app.series.points(),
    })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallQuery {
    connection: Option<String>,
    operation: Option<String>,
    outcome: Option<String>,
    status: Option<u16>,
    cause: Option<String>,
    since: Option<Timestamp>,
    /// After this call in the list: its `cursor`.
    after: Option<String>,
    #[serde(default = "hundred")]
    limit: usize,
}

fn hundred() -> usize {
    100
}

/// Calls to vendors, newest first. Never a body, never a secret.
pub(crate) async fn calls(
    State(app): State<AppState>,
    Query(query): Query<CallQuery>,
) -> ApiResult<Json<Vec<Listed<CallRow>>>> {
    if let Some(outcome) = &query.outcome {
        let known = Outcome::ALL.map(Outcome::as_str);
        if !known.contains(&outcome.as_str()) {
            return Err(ApiError::bad_request(format!(
                "no call ends as `{outcome}`; they end as {}",
                known.join(", ")
            )));
        }
    }
    app.flush_calls().await;
    let filter = CallFilter {
        connection: query.connection.as_deref().map(ConnectionName::from),
        operation: query.operation,
        outcome: query.outcome,
        status: query.status,
        cause: query.cause,
        since: query.since,
        after: place(query.after.as_deref())?,
        limit: query.limit,
    };
    let rows = app.store().calls(app.workspace(), &filter).await?;
    if rows.is_empty() {
        app.refuse_unknown(None, query.connection.as_deref())?;
    }
    let rows = rows.into_iter().map(|(place, row)| Listed {
        row,
        cursor: place.to_string(),
    });
    Ok(Json(rows.collect()))
}

/// A row of a list, with the place after which the next page begins.
#[derive(Debug, Serialize)]
pub(crate) struct Listed<T> {
    #[serde(flatten)]
    row: T,
    cursor: String,
}

/// Where a page begins.
pub(super) fn place<T: FromStr>(after: Option<&str>) -> ApiResult<Option<T>> {
    let refused = || ApiError::bad_request("`after` is no `cursor` of a row of this list");
    after
        .map(|text| text.parse().map_err(|_| refused()))
        .transpose()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JournalQuery {
    connection: Option<String>,
    entity: Option<String>,
    record: Option<String>,
    field: Option<String>,
    sync: Option<String>,
    before: Option<i64>,
    #[serde(default = "hundred")]
    limit: usize,
}

/// What Tandem did to records, newest first, with the values before and after.
pub(crate) async fn journal(
    State(app): State<AppState>,
    Query(query): Query<JournalQuery>,
) -> ApiResult<Json<Vec<Value>>> {
    let filter = JournalFilter {
        connection: query.connection.as_deref().map(ConnectionName::from),
        entity: query.entity.as_deref().map(entity).transpose()?,
        record: query.record.map(RecordId::from),
        field: query.field.map(FieldName::from),
        sync: query.sync.as_deref().map(SyncName::from),
        before: query.before,
        limit: query.limit,
        ..JournalFilter::default()
    };
    let rows = app.store().journal(app.workspace(), &filter).await?;
    if rows.is_empty() {
        app.refuse_unknown(query.sync.as_deref(), query.connection.as_deref())?;
    }
    Ok(Json(rows.iter().map(journal_row).collect()))
}

fn journal_row(row: &JournalEntry) -> Value {
    let entry = &row.entry;
    json!({
        "seq": row.seq,
        "at": entry.at,
        "effect": entry.effect,
        "connection": entry.connection,
        "entity": entry.entity,
        "record": entry.record,
        "field": entry.field,
        "before": entry.before,
        "after": entry.after,
        "values_gone": row.values_gone,
        "sync": entry.sync,
        "link": entry.link,
        "rule": entry.rule,
        "cause": entry.cause,
        "run": entry.run,
        "note": entry.note,
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailingQuery {
    connection: Option<String>,
    /// After this record in the list: its `cursor`.
    after: Option<String>,
    #[serde(default = "hundred")]
    limit: usize,
}

/// Records whose last try failed, oldest first, each with its error.
pub(crate) async fn failing(
    State(app): State<AppState>,
    Query(query): Query<FailingQuery>,
) -> ApiResult<Json<Vec<Value>>> {
    let connection = query.connection.as_deref().map(ConnectionName::from);
    let after: Option<FailingPlace> = place(query.after.as_deref())?;
    let rows = app
        .store()
        .failing(
            app.workspace(),
            connection.as_ref(),
            after.as_ref(),
            query.limit,
        )
        .await?;
    if rows.is_empty() {
        app.refuse_unknown(None, query.connection.as_deref())?;
    }
    let rows = rows
        .into_iter()
        .map(|(claim, error)| {
            json!({
                "cursor": claim.place().to_string(),
                "connection": claim.connection,
                "entity": claim.entity,
                "record": claim.record,
                "attempts": claim.attempts,
                "since": claim.first_signalled,
                "sources": claim.sources,
                "error": error,
            })
        })
        .collect();
    Ok(Json(rows))
}

/// Has what failed or was refused tried again, after somebody put right why: all of it, or what is named.
pub(crate) async fn retry(
    State(app): State<AppState>,
    Json(wanted): Json<Again>,
) -> ApiResult<Json<TriedAgain>> {
    app.in_force()?;
    let connection = wanted.connection.as_ref().map(ConnectionName::as_str);
    app.refuse_unknown(wanted.sync.as_ref().map(SyncName::as_str), connection)?;
    Ok(Json(app.engine.try_again(&wanted).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BlockedQuery {
    sync: Option<String>,
    entity: Option<String>,
    mapping: Option<String>,
    side: Option<Side>,
    reason: Option<String>,
    /// After this field in the list: its `cursor`.
    after: Option<String>,
    #[serde(default = "hundred")]
    limit: usize,
}

/// Which blocked fields a query is about.
pub(super) fn blocked_of(
    word: Option<&str>,
    mapping: Option<String>,
    side: Option<Side>,
    reason: Option<String>,
) -> ApiResult<BlockedFilter> {
    Ok(BlockedFilter {
        entity: word.map(entity).transpose()?,
        mapping,
        side,
        reason,
    })
}

/// Fields that do not cross, each with the reason.
pub(crate) async fn blocked(
    State(app): State<AppState>,
    Query(query): Query<BlockedQuery>,
) -> ApiResult<Json<Vec<BlockedRow>>> {
    app.in_force()?;
    app.refuse_unknown(query.sync.as_deref(), None)?;
    let sync = query.sync.as_deref().map(SyncName::from);
    let after = place(query.after.as_deref())?;
    let of = blocked_of(
        query.entity.as_deref(),
        query.mapping,
        query.side,
        query.reason,
    )?;
    let rows = app
        .engine
        .blocked_after(sync.as_ref(), &of, after.as_ref(), query.limit)
        .await?;
    Ok(Json(rows))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BlockedSumQuery {
    sync: Option<String>,
    /// After this field in the list: its `cursor`.
    after: Option<String>,
    #[serde(default = "hundred")]
    limit: usize,
}

/// Each field that does not cross once for each reason, with how many records it is about.
pub(crate) async fn blocked_fields(
    State(app): State<AppState>,
    Query(query): Query<BlockedSumQuery>,
) -> ApiResult<Json<Vec<BlockedSumRow>>> {
    app.in_force()?;
    app.refuse_unknown(query.sync.as_deref(), None)?;
    let sync = query.sync.as_deref().map(SyncName::from);
    let after = place(query.after.as_deref())?;
    let rows = app
        .engine
        .blocked_sums(sync.as_ref(), after.as_ref(), query.limit)
        .await?;
    Ok(Json(rows))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunQuery {
    sync: Option<String>,
    #[serde(default = "twenty")]
    limit: usize,
}

fn twenty() -> usize {
    20
}

/// Runs, newest first.
pub(crate) async fn runs(
    State(app): State<AppState>,
    Query(query): Query<RunQuery>,
) -> ApiResult<Json<Vec<Run>>> {
    let sync = query.sync.as_deref().map(SyncName::from);
    let rows = app
        .store()
        .runs(app.workspace(), sync.as_ref(), query.limit)
        .await?;
    if rows.is_empty() {
        app.refuse_unknown(query.sync.as_deref(), None)?;
    }
    Ok(Json(rows))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainQuery {
    connection: String,
    entity: String,
    id: String,
    field: Option<String>,
}

/// Why a record, or one field of it, is as it is.
pub(crate) async fn explain(
    State(app): State<AppState>,
    Query(query): Query<ExplainQuery>,
) -> ApiResult<Json<Value>> {
    // All of it is stored: no account is asked, which may be the one that cannot be reached.
    app.in_force()?;
    let explanation = app
        .engine
        .explain(
            &app.connection(&query.connection)?,
            entity(&query.entity)?,
            &RecordId::from(query.id),
            query.field.as_deref(),
        )
        .await?;
    Ok(Json(super::value(&explanation)?))
}

pub(super) fn entity(word: &str) -> ApiResult<Entity> {
    word.parse()
        .map_err(|error: record::UnknownEntity| ApiError::bad_request(error.to_string()))
}
