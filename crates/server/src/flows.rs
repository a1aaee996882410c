//! Requests from outside that begin workflows, and what workflows are checked against.
//!
//! A request is answered 202 only after its run is durable. One whose event was taken in before is answered 200 and
//! begins nothing.

mod lacking;

pub(crate) use lacking::lacking;

use axum::{
    Json,
    body::Body,
    extract::{Path, Query, State},
};
use connector::catalog::Catalog;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use serde_json::{Map, Value, json};
use store::ConnectionName;
use subtle::ConstantTimeEq as _;
use workflow::{
    Scene, SyncEnds,
    model::{Hook, Trigger},
};

use crate::{
    Code,
    app::{App, AppState},
    error::{ApiError, ApiResult},
};

/// The header with the secret.
const SECRET: &str = "x-tandem-secret";

/// Headers that are not handed on to a workflow: they carry secrets.
const KEPT_BACK: [&str; 5] = [
    "authorization",
    "cookie",
    SECRET,
    "proxy-authorization",
    "x-api-key",
];

/// What there is around a workflow, in the config in force.
pub(crate) struct InForceScene<'a> {
    pub(crate) app: &'a App,
    pub(crate) workflows: Vec<String>,
}

impl<'a> InForceScene<'a> {
    /// The config in force, and the workflows that are there.
    pub(crate) async fn of(app: &'a App) -> ApiResult<Self> {
        app.in_force()?;
        let workflows = app.store().workflows(app.workspace()).await?;
        Ok(Self {
            app,
            workflows: workflows
                .into_iter()
                .map(|workflow| workflow.name)
                .collect(),
        })
    }
}

impl Scene for InForceScene<'_> {
    fn system(&self, connection: &str) -> Option<(&'static str, &'static Catalog)> {
        let connector = self
            .app
            .connections
            .connector(&ConnectionName::from(connection))
            .ok()?;
        Some((connector.describe().system, connector.catalog()))
    }

    fn connections(&self) -> Vec<String> {
        let names = self.app.connections.names();
        names.iter().map(ToString::to_string).collect()
    }

    fn syncs(&self) -> Vec<String> {
        self.app
            .in_force()
            .map(|in_force| in_force.document.syncs.keys().cloned().collect())
            .unwrap_or_default()
    }

    fn sync(&self, name: &str) -> Option<SyncEnds> {
        let in_force = self.app.in_force().ok()?;
        let rules = in_force.document.syncs.get(name)?;
        Some(SyncEnds {
            connections: vec![rules.left.clone(), rules.right.clone()],
            entities: rules.entities.keys().map(ToString::to_string).collect(),
        })
    }

    fn workflows(&self) -> Vec<String> {
        self.workflows.clone()
    }
}

/// Takes one request that begins a workflow.
pub(crate) async fn receive(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Query(query): Query<Map<String, Value>>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let unknown = || {
        ApiError::not_found(
            Code::WorkflowUnknown,
            format!("no published workflow `{name}` begins with a request"),
        )
    };
    let workflow = app
        .store()
        .workflow(app.workspace(), &name)
        .await?
        .ok_or_else(unknown)?;
    let version = workflow.published.ok_or_else(unknown)?;
    let graph = app.flows.graph(&name, version).await?;
    let Trigger::Webhook(hook) = &graph.workflow.trigger else {
        return Err(unknown());
    };
    show_secret(hook, &headers)?;
    let event = headers
        .get(&hook.event_header)
        .and_then(|event| event.to_str().ok())
        .map(|event| event.trim().to_owned())
        .filter(|event| !event.is_empty());
    // only who shows the secret has a body read, and no more of it than is allowed
    let largest = app.in_force()?.document.webhooks.largest_body;
    let body = Limited::new(body, largest).collect().await.map_err(|_| {
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            Code::BodyTooLarge,
            format!("the body broke off, or has more than {largest} bytes"),
        )
    })?;
    let body = body.to_bytes();
    let body: Value = match serde_json::from_slice(&body) {
        Ok(body) => body,
        Err(_) if body.is_empty() => Value::Null,
        Err(_) => Value::String(String::from_utf8_lossy(&body).into_owned()),
    };
    let headers: Map<String, Value> = headers
        .iter()
        .filter(|(name, _)| !KEPT_BACK.contains(&name.as_str()))
        .filter_map(|(name, value)| Some((name.to_string(), json!(value.to_str().ok()?))))
        .collect();
    let trigger = json!({"body": body, "query": query, "headers": headers});
    match app
        .flows
        .accept(&workflow, event, trigger, Vec::new())
        .await?
    {
        Some(run) => Ok((StatusCode::ACCEPTED, Json(json!({"run": run})))),
        None => Ok((StatusCode::OK, Json(json!({"seen": "before"})))),
    }
}

/// Whether a request shows the secret of its trigger, compared in constant time.
fn show_secret(hook: &Hook, headers: &HeaderMap) -> ApiResult<()> {
    let refuse = || {
        ApiError::new(
            StatusCode::UNAUTHORIZED,
            Code::WorkflowHook,
            "the secret is missing or another one",
        )
    };
    let secret = connections::secret(&hook.secret).map_err(|error| {
        tracing::error!(%error, "the secret of a workflow's trigger cannot be read");
        ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            Code::ConnectionSecretSource,
            "the secret of this trigger is not there on the server, so that nobody can show it",
        )
    })?;
    let shown = headers
        .get(SECRET)
        .and_then(|value| value.to_str().ok())
        .or_else(|| {
            let bearer = headers.get(http::header::AUTHORIZATION)?.to_str().ok()?;
            bearer.strip_prefix("Bearer ")
        })
        .ok_or_else(refuse)?;
    let same = shown.as_bytes().ct_eq(secret.expose().as_bytes());
    if bool::from(same) {
        Ok(())
    } else {
        Err(refuse())
    }
}
