//! What hangs on a connected account, and what goes when it is disconnected.

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::{Path, State},
};
use connections::SubscribeError;
use http::StatusCode;
use serde_json::{Value, json};
use store::ConnectionName;

use crate::{
    Code,
    app::AppState,
    error::{ApiError, ApiResult},
};

/// What depends on a connection, and what Tandem made for it at the vendor: what disconnecting would end. Changes nothing.
pub(crate) async fn dependents(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    let name = app.connection(&name)?;
    depends(&app, &name).await.map(Json)
}

async fn depends(app: &AppState, name: &ConnectionName) -> ApiResult<Value> {
    let in_force = app.in_force()?;
    let mut syncs = Vec::new();
    for (sync, rules) in &in_force.document.syncs {
        let other = match (rules.left == name.as_str(), rules.right == name.as_str()) {
            (true, _) => &rules.right,
            (_, true) => &rules.left,
            _ => continue,
        };
        let entities: Vec<String> = rules.entities.keys().map(ToString::to_string).collect();
        syncs.push(json!({"name": sync, "with": other, "entities": entities}));
    }
    let made = app.connections.made_fields(name)?;
    let waiting = app.flows.waited_for().await?;
    let triggers: BTreeSet<&str> = waiting
        .iter()
        .filter(|(own, _)| own == name.as_str())
        .map(|(_, trigger)| trigger.as_str())
        .collect();
    Ok(json!({
        "connection": name,
        "account": app.connections.account(name)?,
        "syncs": syncs,
        "triggers": triggers,
        "webhooks": app.connections.subscribed_to(name)?,
        "fields": made.iter().map(|(entity, field)| json!({"entity": entity, "field": field})).collect::<Vec<_>>(),
    }))
}

/// Takes away what Tandem made at the vendor and switches the connection off. Links, journal and the sign-in stay, so that it can be
/// connected again.
pub(crate) async fn disconnect(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    let name = app.connection(&name)?;
    let before = depends(&app, &name).await?;
    let failed = |error: SubscribeError| {
        ApiError::new(
            StatusCode::BAD_GATEWAY,
            Code::ConnectionAnswer,
            format!("not everything was taken away: {error}"),
        )
        .hint("the connection is switched off; try again, or take what is left away by hand at the vendor")
    };
    // first, so that no sync works with what is taken away
    let outlasts = app.connections.stop(&name).await?;
    if !outlasts && !before["account"].is_null() {
        return Err(ApiError::internal(
            "the connection is switched off only until the next start: that could not be stored",
        ));
    }
    let webhooks = match app.connections.unsubscribe(&name).await {
        // nothing can be there that an account that was never connected was told to send
        Err(SubscribeError::SignedOut) => false,
        outcome => outcome.map_err(failed)?,
    };
    let mut fields = Vec::new();
    for (entity, field) in app.connections.made_fields(&name)? {
        let gone = app.connections.unmake_field(&name, entity, &field).await;
        gone.map_err(failed)?;
        fields.push(json!({"entity": entity, "field": field}));
    }
    Ok(Json(json!({
        "connection": name,
        "syncs": before["syncs"],
        "webhooks": webhooks.then(|| before["webhooks"].clone()),
        "fields": fields,
    })))
}
