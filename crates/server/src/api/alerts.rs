//! What people were told of, and whether they can be told.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::{alerts, app::AppState, error::ApiResult};

/// What is wrong, what is over, who is told, and what could not be sent yet.
pub(crate) async fn show(State(app): State<AppState>) -> ApiResult<Json<Value>> {
    let in_force = app.in_force()?;
    let book = app.alerts.book(&app).await?;
    let unsent = book.letters.iter().map(|letter| {
        json!({
            "id": letter.id,
            "channel": letter.channel,
            "subject": letter.subject(),
            "tries": letter.tries,
            "next": letter.due,
            "error": letter.error,
        })
    });
    Ok(Json(json!({
        "channels": alerts::channels(&in_force.document.alerts),
        "open": book.open,
        "past": book.past,
        "unsent": unsent.collect::<Vec<_>>(),
    })))
}

/// Sends a test on each channel, and says what came of it.
pub(crate) async fn test(State(app): State<AppState>) -> ApiResult<Json<Value>> {
    let in_force = app.in_force()?;
    let results = alerts::test(&app, &in_force.document).await;
    let rows = results.into_iter().map(|(channel, sent)| {
        json!({
            "channel": channel,
            "sent": sent.is_ok(),
            "error": sent.err(),
        })
    });
    Ok(Json(Value::Array(rows.collect())))
}
