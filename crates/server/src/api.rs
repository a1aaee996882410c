//! The JSON API below `/api/v1`. What each route needs stands in [`crate::access`].

mod accounts;
mod acts;
mod alerts;
mod backup;
mod config;
mod connections;
#[cfg(test)]
mod described;
mod events;
mod history;
mod links;
mod losses;
mod operations;
mod plans;
pub(crate) mod probes;
mod recipes;
mod records;
mod retention;
mod reviews;
mod session;
mod syncs;
mod systems;
mod tokens;
mod triggers;
mod undo;
mod users;
mod workflows;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    middleware,
    routing::{delete, get, post, put},
};
use serde::Serialize;
use serde_json::{Value, json};
use store::ConnectionName;

use crate::{
    access,
    app::AppState,
    error::{ApiError, ApiResult},
    hearing,
};

/// Larger bodies are refused; a config of a hundred syncs is far smaller.
const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// All routes, behind the one door.
pub(crate) fn routes(app: AppState) -> Router<AppState> {
    Router::new()
        .route(
            "/session",
            get(session::show).post(session::begin).delete(session::end),
        )
        .route("/password", post(session::set).put(session::replace))
        .route("/users", get(users::list).post(users::add))
        .route("/users/{name}", put(users::role).delete(users::remove))
        .route("/users/{name}/link", post(users::link))
        .route("/users/{name}/sign-out", post(users::sign_out))
        .route("/tokens", get(tokens::list).post(tokens::add))
        .route("/tokens/{name}", delete(tokens::remove))
        .route("/acts", get(acts::list))
        .route("/status", get(status))
        .route("/events", get(events::follow))
        .route("/connections", get(connections::list))
        .route("/connections/{name}", get(connections::show))
        .route("/connections/{name}/check", post(connections::check))
        .route("/connections/{name}/connect", post(connections::connect))
        .route(
            "/connections/{name}/fields",
            get(connections::fields).post(connections::add_field),
        )
        .route("/connections/{name}/accounts", get(connections::accounts))
        .route("/connections/{name}/users/{other}", get(connections::users))
        .route("/connections/{name}/confirm", post(connections::confirm))
        .route(
            "/connections/{name}/probes",
            get(probes::list).post(probes::run),
        )
        .route("/connections/{name}/operations", get(operations::list))
        .route("/connections/{name}/picks/{kind}", get(operations::picks))
        .route(
            "/connections/{name}/disconnect",
            get(accounts::dependents).post(accounts::disconnect),
        )
        .route("/connections/{name}/triggers", get(triggers::list))
        .route(
            "/connections/{name}/triggers/{trigger}",
            get(triggers::show).post(triggers::listen),
        )
        .route(
            "/connections/{name}/operations/{operation}",
            get(operations::show).post(operations::run),
        )
        .route(
            "/connections/{name}/samples/{entity}",
            get(records::samples),
        )
        .route(
            "/connections/{name}/records/{entity}/{id}",
            get(records::now),
        )
        .route("/probes/{run}", post(probes::answer))
        .route("/sign-ins/{ticket}", get(connections::sign_in))
        .route("/syncs", get(syncs::list))
        .route("/syncs/{name}/plan", post(syncs::plan))
        .route("/syncs/{name}/run", post(syncs::run))
        .route("/syncs/{name}/pause", post(syncs::pause))
        .route("/syncs/{name}/resume", post(syncs::resume))
        .route("/syncs/{name}/links", get(syncs::links))
        .route("/syncs/{name}/links/split", post(links::split))
        .route("/syncs/{name}/decisions", get(links::decisions))
        .route("/syncs/{name}/decisions/forget", post(links::forget))
        .route(
            "/links/import",
            post(links::import).layer(DefaultBodyLimit::max(links::LARGEST_FILE)),
        )
        .route("/syncs/{name}/blocked", get(records::blocked))
        .route("/syncs/{name}/skipped", get(records::skipped))
        .route("/systems", get(systems::list))
        .route("/plans", get(plans::list))
        .route("/plans/{id}", get(plans::show))
        .route("/plans/{id}/rows", get(plans::rows))
        .route("/plans/{id}/apply", post(plans::apply))
        .route("/reviews", get(reviews::list))
        .route("/reviews/resolve", post(reviews::resolve_many))
        .route("/reviews/{id}/resolve", post(reviews::resolve))
        .route("/undo/plan", post(undo::plan))
        .route("/undo", post(undo::undo))
        .route("/explain", get(history::explain))
        .route("/calls", get(history::calls))
        .route("/journal", get(history::journal))
        .route("/failing", get(history::failing))
        .route("/retry", post(history::retry))
        .route("/alerts", get(alerts::show))
        .route("/alerts/test", post(alerts::test))
        .route("/blocked", get(history::blocked))
        .route("/blocked/fields", get(history::blocked_fields))
        .route("/runs", get(history::runs))
        .route("/series", get(history::series))
        .route("/workflows", get(workflows::list).post(workflows::save))
        .route("/workflows/validate", post(workflows::validate))
        .route("/workflows/test", post(workflows::test))
        .route("/workflows/{name}", get(workflows::show))
        .route("/workflows/{name}/draft", delete(workflows::discard))
        .route("/workflows/{name}/diff", get(workflows::diff))
        .route("/workflows/{name}/publish", post(workflows::publish))
        .route("/workflows/{name}/pause", post(workflows::pause))
        .route("/workflows/{name}/resume", post(workflows::resume))
        .route("/workflows/{name}/run", post(workflows::run))
        .route("/workflow-form", get(workflows::form))
        .route("/recipes", get(recipes::list))
        .route("/workflow-runs", get(workflows::runs))
        .route("/workflow-runs/{run}", get(workflows::one_run))
        .route("/workflow-runs/{run}/answer", post(workflows::answer))
        .route("/workflow-runs/{run}/cancel", post(workflows::cancel))
        .route("/workflow-runs/{run}/replay", post(workflows::replay))
        .route("/config", get(config::show).put(config::apply))
        .route("/config/revisions", get(config::revisions))
        .route("/config/revisions/{revision}", get(config::revision))
        .route("/config/revisions/{revision}/apply", post(config::back_to))
        .route("/backup", get(backup::download).post(backup::backup))
        .route("/retention", get(retention::show))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn_with_state(app, access::guard))
}

/// How everything stands. There is an answer without a config, too.
async fn status(State(app): State<AppState>) -> ApiResult<Json<Value>> {
    whole(&app).await.map(Json)
}

/// The same for whoever has no request.
async fn whole(app: &AppState) -> ApiResult<Value> {
    let mut answer = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "started": app.started,
        "now": app.clock.now(),
    });
    let in_force = match app.in_force() {
        Ok(in_force) => in_force,
        Err(error) => {
            answer["config"] = Value::Null;
            answer["problem"] = value(&error)?;
            return Ok(answer);
        }
    };
    answer["config"] = json!({"revision": in_force.revision, "applied": in_force.applied});
    answer["public_url"] = json!(app.outside_url()?);
    answer["connections"] = in_force
        .document
        .connections
        .keys()
        .map(|name| connections::one(app, name))
        .collect::<ApiResult<_>>()?;
    answer["alerts"] = value(&app.alerts.book(app).await?.open)?;
    app.recall().await?;
    let mut engine = value(&app.engine.status().await?)?;
    for (name, heard) in engine["changes"].as_object_mut().into_iter().flatten() {
        let wanted = heard["webhooks"] == true;
        let told = hearing::told(app, &ConnectionName::from(name.as_str()), wanted)?;
        heard["told"] = value(&told)?;
    }
    if let (Some(answer), Value::Object(engine)) = (answer.as_object_mut(), engine) {
        answer.extend(engine);
    }
    Ok(answer)
}

/// An entry of the catalog. What it needs is a list; an empty one where nothing is documented.
fn entry(entry: &impl Serialize, needs: &[String]) -> ApiResult<Value> {
    let mut shown = value(entry)?;
    shown["needs"] = value(&needs)?;
    Ok(shown)
}

/// Any result as JSON.
fn value(result: &impl Serialize) -> ApiResult<Value> {
    serde_json::to_value(result)
        .map_err(|error| ApiError::internal(format!("the answer cannot be written: {error}")))
}
