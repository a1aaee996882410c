//! Operations of the catalog on a connection: what there is, and doing one.

use std::collections::BTreeSet;

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use catalog::RunError;
use connections::Session;
use connector::catalog::Operation;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::{ConnectionName, Lane};

use crate::{
    Code,
    acts::Note,
    app::AppState,
    error::{ApiError, ApiResult},
};

/// Letters of the random part of a cause.
const MARK: usize = 8;

/// The operations of a connection's system.
pub(crate) async fn list(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Vec<Value>>> {
    let name = app.connection(&name)?;
    let connector = app.connections.connector(&name)?;
    let operations = connector.catalog().operations.iter();
    Ok(Json(
        operations
            .map(|operation| {
                json!({
                    "id": operation.id,
                    "title": operation.title,
                    "effect": operation.effect,
                    "repeat": operation.repeat,
                    "needs": operation.needs,
                })
            })
            .collect(),
    ))
}

/// One of them, with its schemas.
pub(crate) async fn show(
    State(app): State<AppState>,
    Path((name, operation)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    let name = app.connection(&name)?;
    let operation = find(&app, &name, &operation)?;
    super::entry(operation, &operation.needs).map(Json)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// What it is done with.
    #[serde(default)]
    input: Map<String, Value>,
    /// Only show the request.
    #[serde(default)]
    dry_run: bool,
}

/// Does it, or shows the request that would be sent.
pub(crate) async fn run(
    State(app): State<AppState>,
    Path((name, operation)): Path<(String, String)>,
    Json(wanted): Json<Wanted>,
) -> ApiResult<(Extension<Note>, Json<Value>)> {
    let name = app.connection(&name)?;
    let operation = find(&app, &name, &operation)?;
    let thing = format!("{name} {}", operation.id);
    let cause = format!("call-{}", app.dice.token().split_at(MARK).0);
    let session: Session = app.connections.session(&name, Lane::Live, cause.as_str())?;
    let connector = session.connector();
    if wanted.dry_run {
        let settings = connector::Calls::settings(&session);
        let request = catalog::prepare(&**connector, operation, &wanted.input, settings)?;
        let preview = session
            .preview(&request)
            .map_err(|why| ApiError::new(StatusCode::CONFLICT, Code::ConnectionSignedOut, why))?;
        let note = Note::unless(true, Some(thing));
        return Ok((note, Json(json!({"request": preview}))));
    }
    let output = catalog::run(&session, &**connector, operation, &wanted.input).await?;
    let answer = Json(json!({"output": output, "cause": cause}));
    Ok((Note::thing(thing), answer))
}

/// The things of a kind that are there, to pick one by its name: what the system's list says now.
pub(crate) async fn picks(
    State(app): State<AppState>,
    Path((name, kind)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    let name = app.connection(&name)?;
    let connector = app.connections.connector(&name)?;
    let pick = connector.catalog().picks.get(&kind).ok_or_else(|| {
        ApiError::not_found(
            Code::OperationUnknown,
            format!(
                "{} has no list of the kind `{kind}`",
                connector.describe().title
            ),
        )
    })?;
    let operation = find(&app, &name, &pick.operation)?;
    // the example asks for what a list shows; ids in it are those of things that are not there
    let input: Map<String, Value> = operation
        .example
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(field, _)| {
            operation.input["properties"][*field]
                .get("x-kind")
                .is_none()
        })
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect();
    let cause = format!("pick-{}", app.dice.token().split_at(MARK).0);
    let session: Session = app.connections.session(&name, Lane::Live, cause.as_str())?;
    let connector = session.connector();
    let answer = catalog::run(&session, &**connector, operation, &input).await?;
    let items = answer.pointer(&pick.items).and_then(Value::as_array);
    let mut seen = BTreeSet::new();
    let rows = items.into_iter().flatten().filter_map(|item| {
        let value = item.pointer(&pick.value).filter(|value| !value.is_null())?;
        let label = match item.pointer(&pick.label) {
            Some(Value::String(label)) if !label.is_empty() => label.clone(),
            Some(Value::Number(label)) => label.to_string(),
            _ => match value {
                Value::String(value) => value.clone(),
                other => other.to_string(),
            },
        };
        seen.insert(value.to_string())
            .then(|| json!({"value": value, "label": label}))
    });
    Ok(Json(rows.collect()))
}

fn find(app: &AppState, name: &ConnectionName, id: &str) -> ApiResult<&'static Operation> {
    let connector = app.connections.connector(name)?;
    connector.catalog().operation(id).ok_or_else(|| {
        let system = connector.describe().system;
        ApiError::not_found(
            Code::OperationUnknown,
            format!("{} has no operation `{id}`", connector.describe().title),
        )
        .hint(format!("`tandem catalog {system}` lists them"))
    })
}

impl From<RunError> for ApiError {
    fn from(error: RunError) -> Self {
        let message = error.to_string();
        let refuse = |status, code| Self::new(status, code, message.as_str());
        match error {
            RunError::Input(_) => refuse(StatusCode::UNPROCESSABLE_ENTITY, Code::OperationInput),
            RunError::Unknown { .. } => refuse(StatusCode::BAD_GATEWAY, Code::OperationUncertain),
            RunError::Failed(connector::Error::Refused { .. }) => {
                refuse(StatusCode::BAD_GATEWAY, Code::OperationRefused)
            }
            RunError::Failed(error) => error.into(),
        }
    }
}
