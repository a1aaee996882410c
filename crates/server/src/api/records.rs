//! Records as they are now, and the fields of linked ones that cannot be written.

use std::collections::{BTreeMap, btree_map::Entry};

use axum::{
    Json,
    extract::{Path, Query, State},
};
use connector::Fetched;
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
