//! Operations of the catalog on a connection: what there is, and doing one.

use axum::{
    Json,
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
    super::value(find(&app, &name, &operation)?).map(Json)
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
) -> ApiResult<Json<Value>> {
    let name = app.connection(&name)?;
    let operation = find(&app, &name, &operation)?;
    let cause = format!("call-{}", app.dice.token().split_at(MARK).0);
    let session: Session = app.connections.session(&name, Lane::Live, cause.as_str())?;
    let connector = session.connector();
    if wanted.dry_run {
        let settings = connector::Calls::settings(&session);
        let request = catalog::prepare(&**connector, operation, &wanted.input, settings)?;
        let preview = session
            .preview(&request)
            .map_err(|why| ApiError::new(StatusCode::CONFLICT, Code::ConnectionSignedOut, why))?;
        return Ok(Json(json!({"request": preview})));
    }
    let output = catalog::run(&session, &**connector, operation, &wanted.input).await?;
    Ok(Json(json!({"output": output, "cause": cause})))
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
