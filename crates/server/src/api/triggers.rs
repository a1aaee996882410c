//! Triggers of the catalog on a connection: what there is, and listening to one.

use axum::{
    Json,
    extract::{Path, State},
};
use catalog::{PollError, Seen};
use connections::Session;
use connector::catalog::trigger::{Source, Trigger};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{ConnectionName, Lane};

use crate::{
    Code,
    app::AppState,
    error::{ApiError, ApiResult},
};

/// The triggers of a connection's system.
pub(crate) async fn list(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    let name = app.connection(&name)?;
    let connector = app.connections.connector(&name)?;
    let triggers = connector.catalog().triggers.iter();
    triggers
        .map(|trigger| super::entry(trigger, &trigger.needs))
        .collect::<ApiResult<Vec<Value>>>()
        .map(|triggers| Json(Value::Array(triggers)))
}

/// One of them.
pub(crate) async fn show(
    State(app): State<AppState>,
    Path((name, trigger)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    let name = app.connection(&name)?;
    let trigger = find(&app, &name, &trigger)?;
    super::entry(trigger, &trigger.needs).map(Json)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listening {
    /// What the last answer gave to go on with. Nothing: from now on.
    #[serde(default)]
    on: Option<On>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum On {
    /// The number of the next thing that is told.
    Next(u64),
    /// What the last question brought.
    Seen(Seen),
}

/// What happened since it was listened to last. Asks, where the system has to be asked.
pub(crate) async fn listen(
    State(app): State<AppState>,
    Path((name, trigger)): Path<(String, String)>,
    Json(wanted): Json<Listening>,
) -> ApiResult<Json<Value>> {
    let name = app.connection(&name)?;
    let trigger = find(&app, &name, &trigger)?;
    if let Source::Webhook { events, .. } = &trigger.source {
        let after = match wanted.on {
            Some(On::Next(next)) => Some(next),
            _ => None,
        };
        let now = app.clock.steady();
        let (happened, next) = app.ears.listen(&name, &trigger.id, events, after, now);
        return Ok(Json(json!({"happened": happened, "on": {"next": next}})));
    }
    let mut seen = match wanted.on {
        Some(On::Seen(seen)) => seen,
        _ => Seen::default(),
    };
    let cause = format!("listen-{}", trigger.id);
    let session: Session = app.connections.session(&name, Lane::Live, cause.as_str())?;
    let connector = session.connector();
    let now = app.clock.now();
    let answered = catalog::poll(&session, &**connector, trigger, now, &mut seen).await?;
    Ok(Json(json!({
        "happened": answered.happened,
        "passed_over": answered.passed_over,
        "on": {"seen": seen},
    })))
}

fn find(app: &AppState, name: &ConnectionName, id: &str) -> ApiResult<&'static Trigger> {
    let connector = app.connections.connector(name)?;
    connector.catalog().trigger(id).ok_or_else(|| {
        let system = connector.describe().system;
        ApiError::not_found(
            Code::OperationUnknown,
            format!("{} has no trigger `{id}`", connector.describe().title),
        )
        .hint(format!("`tandem catalog {system}` lists them"))
    })
}

impl From<PollError> for ApiError {
    fn from(error: PollError) -> Self {
        match error {
            PollError::Run(error) => error.into(),
            PollError::Setting(error) => error.into(),
            other => Self::new(
                StatusCode::BAD_GATEWAY,
                Code::OperationRefused,
                other.to_string(),
            ),
        }
    }
}
