//! How much is kept, and by which rules.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::{app::AppState, error::ApiResult, retaining};

/// The size of the database, and of each thing that grows: how many there are, the oldest, and the rule.
pub(crate) async fn show(State(app): State<AppState>) -> ApiResult<Json<Value>> {
    let retention = app.in_force()?.document.retention.clone();
    let kept = app.store().kept(app.workspace()).await?;
    let rows = kept.rows.iter().map(|row| {
        let (days, most) = retaining::of(&retention, row.what);
        json!({
            "what": row.what,
            "rows": row.rows,
            "oldest": row.oldest,
            "days": days,
            "most": most,
        })
    });
    Ok(Json(json!({
        "bytes": kept.bytes,
        "kept": rows.collect::<Vec<_>>(),
    })))
}
