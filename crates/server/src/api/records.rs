//! Records as they are now, and the fields of linked ones that cannot be written.

use axum::{
    Json,
    extract::{Path, Query, State},
};
use connector::{Fetched, PageRequest};
use record::RecordId;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{BlockedField, BlockedPlace, SkipReason, SkippedPlace};

use super::history::{blocked_of, entity, place};
use crate::{
    app::AppState,
    error::{ApiError, ApiResult},
};

/// Reads one record from its system now, with all fields of the account.
pub(crate) async fn now(
    State(app): State<AppState>,
    Path((name, word, id)): Path<(String, String, String)>,
) -> ApiResult<Json<Value>> {
    let name = app.connection(&name)?;
    let entity = entity(&word)?;
    let connector = app.connections.connector(&name)?;
    if connector.describe().entity(entity).is_none() {
        return Err(ApiError::bad_request(format!(
            "connection `{name}` has no {entity}"
        )));
    }
    let session = app
        .connections
        .session(&name, store::Lane::Live, "record")?;
    let about = |error: connector::Error| ApiError::from(error).about(&name);
    let schema = connector.schema(&session, entity).await.map_err(about)?;
    let wanted = [RecordId::from(id.clone())];
    let found = connector
        .fetch(&session, &schema, &wanted)
        .await
        .map_err(about)?;
    let mut answer = json!({
        "connection": name,
        "entity": entity,
        "record": id,
        "fields": {},
        "changed": null,
    });
    match found.into_iter().next() {
        Some(Fetched::Found(read)) => {
            answer["state"] = json!("there");
            answer["fields"] = super::value(&read.record.fields)?;
            answer["changed"] = super::value(&read.modified)?;
        }
        Some(Fetched::Failed(_, error)) => return Err(about(error)),
        Some(Fetched::Gone(_)) | None => answer["state"] = json!("gone"),
    }
    Ok(Json(answer))
}

/// How many records are read to show what values look like.
const SAMPLES: usize = 10;

/// A few records as their system lists them, to show people what values look like.
pub(crate) async fn samples(
    State(app): State<AppState>,
    Path((name, word)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    let name = app.connection(&name)?;
    let entity = entity(&word)?;
    let connector = app.connections.connector(&name)?;
    if connector.describe().entity(entity).is_none() {
        return Err(ApiError::bad_request(format!(
            "connection `{name}` has no {entity}"
        )));
    }
    let session = app
        .connections
        .session(&name, store::Lane::Live, "sample")?;
    let about = |error: connector::Error| ApiError::from(error).about(&name);
    let schema = connector.schema(&session, entity).await.map_err(about)?;
    let page = PageRequest {
        cursor: None,
        limit: SAMPLES,
    };
    let page = connector
        .list(&session, &schema, page)
        .await
        .map_err(about)?;
    let read = page.reads.iter().take(SAMPLES);
    Ok(Json(
        read.map(|read| json!({"record": read.record.id, "fields": read.record.fields}))
            .collect(),
    ))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BlockedQuery {
    entity: Option<String>,
    mapping: Option<String>,
    side: Option<record::Side>,
    reason: Option<String>,
    /// After this field in the list: its `cursor`.
    after: Option<String>,
    #[serde(default = "thousand")]
    limit: usize,
}

fn thousand() -> usize {
    1000
}

/// Fields of linked records that one side refused, or that wait for another record; the oldest first.
pub(crate) async fn blocked(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Query(query): Query<BlockedQuery>,
) -> ApiResult<Json<Vec<Value>>> {
    let sync = app.sync(&name)?;
    let after: Option<BlockedPlace> = place(query.after.as_deref())?;
    let of = blocked_of(
        query.entity.as_deref(),
        query.mapping,
        query.side,
        query.reason,
    )?;
    let limit = query.limit.clamp(1, 10_000);
    let rows = app
        .store()
        .blocked_after(app.workspace(), &sync, &of, after.as_ref(), limit)
        .await?;
    Ok(Json(
        rows.into_iter()
            .map(|row| {
                let BlockedField {
                    blocked,
                    entity,
                    left,
                    right,
                } = row;
                json!({
                    "cursor": blocked.place().to_string(),
                    "link": blocked.link,
                    "entity": entity,
                    "left": left,
                    "right": right,
                    "mapping": blocked.mapping,
                    "side": blocked.side,
                    "reason": blocked.reason,
                    "since": blocked.since,
                    "awaits": blocked.awaits.map(|awaits| awaits.record),
                })
            })
            .collect(),
    ))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SkippedQuery {
    /// Only those that are left out for this reason.
    reason: Option<SkipReason>,
    /// After this record in the list: its `cursor`.
    after: Option<String>,
    #[serde(default = "thousand")]
    limit: usize,
}

/// Records that a sync looked at and left out, each with why.
pub(crate) async fn skipped(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Query(query): Query<SkippedQuery>,
) -> ApiResult<Json<Vec<Value>>> {
    let sync = app.sync(&name)?;
    let in_force = app.in_force()?;
    let rules = in_force.document.syncs.get(&name);
    let connection = |side: record::Side| {
        rules.map(|rules| match side {
            record::Side::Left => &rules.left,
            record::Side::Right => &rules.right,
        })
    };
    let after: Option<SkippedPlace> = place(query.after.as_deref())?;
    let limit = query.limit.clamp(1, 10_000);
    let rows = app
        .store()
        .skipped(app.workspace(), &sync, query.reason, after.as_ref(), limit)
        .await?;
    let row = |row: &store::Skipped| {
        json!({
            "cursor": row.place().to_string(),
            "entity": row.entity,
            "side": row.side,
            "connection": connection(row.side),
            "record": row.record,
            "reason": row.reason,
            "why": row.why(),
            "since": row.since,
        })
    };
    Ok(Json(rows.iter().map(row).collect()))
}
