//! How everything stands, as it changes: one stream of events for pages that stay open.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::Stream;
use serde_json::Value;

use crate::app::AppState;

/// How often it is looked whether anything changed.
const PACE: Duration = Duration::from_secs(1);

/// Events `status`, the first at once, then one after each change. The body is that of `GET /status`
/// without `now`. The stream ends when the server stops; browsers ask again by themselves.
pub(crate) async fn follow(State(app): State<AppState>) -> impl IntoResponse {
    Sse::new(changes(app)).keep_alive(KeepAlive::default())
}

fn changes(app: AppState) -> impl Stream<Item = Result<Event, Infallible>> {
    futures::stream::unfold((app, None::<Value>), |(app, told)| async move {
        let mut pause = told.is_some();
        loop {
            if pause {
                let stopping = app.stopping.clone();
                stopping.run_until_cancelled(app.clock.sleep(PACE)).await?;
            }
            pause = true;
            let (name, mut now) = match super::whole(&app).await {
                Ok(status) => ("status", status),
                Err(error) => match super::value(&error) {
                    Ok(error) => ("error", error),
                    Err(error) => {
                        tracing::error!(%error, "an event could not be written");
                        return None;
                    }
                },
            };
            if let Some(status) = now.as_object_mut() {
                status.remove("now");
            }
            if told.as_ref() == Some(&now) {
                continue;
            }
            let event = Event::default().event(name).data(now.to_string());
            return Some((Ok(event), (app, Some(now))));
        }
    })
}
