//! Syncs: what they would do, running them, pausing them, what they have linked.

use std::convert::Infallible;

use axum::{
    Json,
    extract::{Path, Query, State},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::{Stream, StreamExt as _};
use http::{HeaderMap, StatusCode, header};
use record::RecordId;
use serde::Deserialize;
use serde_json::Value;
use store::LinkId;
use sync::Extent;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    Code,
    app::AppState,
    error::{ApiError, ApiResult},
};

/// All syncs, as they stand.
pub(crate) async fn list(State(app): State<AppState>) -> ApiResult<Json<Value>> {
    app.in_force()?;
    app.recall().await?;
    let status = app.engine.status().await?;
    Ok(Json(super::value(&status.syncs)?))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    /// A config that is not in force: its rules are planned, and stay out of force.
    config: Option<String>,
}

/// What the sync would do now, or under the rules of another config. Nothing is written.
pub(crate) async fn plan(
    State(app): State<AppState>,
    Path(name): Path<String>,
    body: Option<Json<Plan>>,
) -> ApiResult<Json<Value>> {
    let Json(body) = body.unwrap_or_default();
    let sync = app.sync(&name)?;
    let (progress, _) = watch::channel(sync::Progress::default());
    let plan = match body.config {
        None => app.engine.plan(&sync, &progress).await?,
        Some(text) => {
            let rules = app.rules_ahead(&text, &name).await?;
            app.engine.plan_with(&sync, rules, &progress).await?
        }
    };
    Ok(Json(super::value(&plan)?))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Run {
    /// Only so many records of the left at random.
    pilot: Option<usize>,
    /// Only these records of the left.
    only: Option<Vec<RecordId>>,
    /// All records: a pilot ends.
    #[serde(default)]
    all: bool,
}

impl Run {
    fn extent(self) -> ApiResult<Extent> {
        let bad = |message| {
            Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                Code::BadRequest,
                message,
            ))
        };
        match (self.pilot, self.only, self.all) {
            (None, None, false) => Ok(Extent::AsItIs),
            (None, None, true) => Ok(Extent::All),
            (Some(0), ..) => bad("a pilot has at least one record"),
            (_, Some(ids), _) if ids.is_empty() => bad("`only` names no record"),
            (Some(number), None, false) => Ok(Extent::Some(number)),
            (None, Some(ids), false) => Ok(Extent::Only(ids)),
            _ => bad("`pilot`, `only` and `all` exclude each other"),
        }
    }
}

/// Runs the sync once from end to end. With `Accept: text/event-stream` the answer begins at once:
/// events `progress`, then one `report` or `error`. Otherwise the report is the answer. The run goes
/// on if the asker leaves.
pub(crate) async fn run(
    State(app): State<AppState>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Option<Json<Run>>,
) -> ApiResult<Response> {
    let name = app.sync(&name)?;
    let Json(body) = body.unwrap_or_default();
    let extent = body.extent()?;
    app.start_engine();
    let (progress, watched) = watch::channel(sync::Progress::default());
    let engine = app.engine.clone();
    let work = app.spawn(async move { engine.sync_some(&name, &extent, &progress).await });
    let outcome = async move { super::value(&ended(work).await?) };
    as_it_comes(&app, &headers, watched, outcome).await
}

/// What came of work that goes on if the asker leaves.
pub(crate) async fn ended<T>(
    work: tokio::task::JoinHandle<Option<Result<T, sync::Error>>>,
) -> ApiResult<T> {
    let ended = work
        .await
        .map_err(|error| ApiError::internal(format!("the run broke off: {error}")))?;
    Ok(ended.ok_or_else(ApiError::stopping)??)
}

/// Answers with events, or once at the end, as it is asked for.
pub(crate) async fn as_it_comes(
    app: &AppState,
    headers: &HeaderMap,
    watched: watch::Receiver<sync::Progress>,
    outcome: impl Future<Output = ApiResult<Value>> + Send + 'static,
) -> ApiResult<Response> {
    let wants_events = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/event-stream"));
    if wants_events {
        let stopping = app.stopping.clone();
        let events = events(watched, outcome, stopping);
        Ok(Sse::new(events)
            .keep_alive(KeepAlive::default())
            .into_response())
    } else {
        Ok(Json(outcome.await?).into_response())
    }
}

/// Progress as it comes (only the newest; a slow reader misses some), then how it ended.
fn events(
    mut watched: watch::Receiver<sync::Progress>,
    outcome: impl Future<Output = ApiResult<Value>> + Send + 'static,
    stopping: CancellationToken,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        let mut outcome = std::pin::pin!(outcome);
        loop {
            let last = tokio::select! {
                ended = &mut outcome => Some(ended),
                () = stopping.cancelled() => Some(Err(ApiError::stopping())),
                changed = watched.changed() => match changed {
                    Ok(()) => None,
                    Err(_) => Some(outcome.as_mut().await),
                },
            };
            let (name, value, over) = match last {
                None => {
                    let progress = serde_json::to_value(&*watched.borrow_and_update());
                    ("progress", progress, false)
                }
                Some(Ok(report)) => ("report", Ok(report), true),
                Some(Err(error)) => ("error", serde_json::to_value(&error), true),
            };
            let event = value.and_then(|value| {
                serde_json::to_string(&value).map(|data| Event::default().event(name).data(data))
            });
            match event {
                Ok(event) => {
                    if sender.send(event).await.is_err() || over {
                        break;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "an event could not be written");
                    break;
                }
            }
        }
    });
    tokio_stream(receiver).map(Ok)
}

fn tokio_stream<T>(mut receiver: mpsc::Receiver<T>) -> impl Stream<Item = T> {
    futures::stream::poll_fn(move |context| receiver.poll_recv(context))
}

/// Stops the sync until it is resumed; signals are kept.
pub(crate) async fn pause(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    let sync = app.sync(&name)?;
    app.recall().await?;
    app.engine.pause(&sync, "by a person").await?;
    Ok(Json(serde_json::json!({"sync": name, "paused": true})))
}

/// Lets a paused sync go on.
pub(crate) async fn resume(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    let sync = app.sync(&name)?;
    app.recall().await?;
    app.engine.resume(&sync).await?;
    Ok(Json(serde_json::json!({"sync": name, "paused": false})))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkQuery {
    after: Option<LinkId>,
    #[serde(default = "thousand")]
    limit: usize,
}

fn thousand() -> usize {
    1000
}

/// Links in the order of their ids, after one, at most 10,000.
pub(crate) async fn links(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Query(query): Query<LinkQuery>,
) -> ApiResult<Json<Value>> {
    let name = app.sync(&name)?;
    let limit = query.limit.clamp(1, 10_000);
    let links = app.engine.links(&name, query.after, limit).await?;
    Ok(Json(super::value(&links)?))
}
