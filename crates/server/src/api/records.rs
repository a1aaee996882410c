//! Records as they are now, and the fields of linked ones that cannot be written.

use std::collections::{BTreeMap, btree_map::Entry};

use axum::{
    Json,
    extract::{Path, Query, State},
};
use connector::{Fetched, PageRequest};
use record::RecordId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::history::entity;
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
    let (store, workspace) = (app.store(), app.workspace());
    let mut rows = store.blocked(workspace, &sync, None).await?;
    rows.sort_by_key(|row| row.since);
    rows.truncate(query.limit.clamp(1, 10_000));
    let mut links = BTreeMap::new();
    for row in &rows {
        if let Entry::Vacant(place) = links.entry(row.link.to_string()) {
            place.insert(store.link(workspace, row.link).await?);
        }
    }
    Ok(Json(
        rows.into_iter()
            .map(|row| {
                let link = links.get(&row.link.to_string()).and_then(Option::as_ref);
                json!({
                    "link": row.link,
                    "entity": link.map(|link| link.entity),
                    "left": link.map(|link| &link.left),
                    "right": link.map(|link| &link.right),
                    "mapping": row.mapping,
                    "side": row.side,
                    "reason": row.reason,
                    "since": row.since,
                    "awaits": row.awaits.map(|awaits| awaits.record),
                })
            })
            .collect(),
    ))
}
