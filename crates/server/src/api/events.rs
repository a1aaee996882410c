//! How everything stands, as it changes: one stream of events for pages that stay open.

use std::{convert::Infallible, time::Duration};

use axum::{
    Extension,
    extract::State,
    response::{
        IntoResponse, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::Stream;
use serde_json::Value;

use crate::{access::Caller, app::AppState};

/// How often it is looked whether anything changed.
const PACE: Duration = Duration::from_secs(1);

/// Events `status`, the first at once, then one after each change. The body is that of `GET /status`
/// without `now`. The stream ends when the server stops, and when who asked may no longer or has
/// another role; browsers ask again by themselves.
pub(crate) async fn follow(
    State(app): State<AppState>,
    Extension(caller): Extension<Caller>,
) -> impl IntoResponse {
    Sse::new(changes(app, caller)).keep_alive(KeepAlive::default())
}

fn changes(app: AppState, caller: Caller) -> impl Stream<Item = Result<Event, Infallible>> {
    let begin = (app, caller, None::<Value>);
    futures::stream::unfold(begin, |(app, caller, told)| async move {
        let mut pause = told.is_some();
        loop {
            if pause {
                let stopping = app.stopping.clone();
                stopping.run_until_cancelled(app.clock.sleep(PACE)).await?;
            }
            pause = true;
            // who was signed out or removed meanwhile hears no more
            if !app.is_still(&caller) {
                return None;
            }
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
            return Some((Ok(event), (app, caller, Some(now))));
        }
    })
}
