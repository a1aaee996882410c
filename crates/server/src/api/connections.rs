//! Connections: how they are, checking them, signing in.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, Query, State},
};
use connections::Connected;
use connector::{Account, AuthScheme, SecretText};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::ConnectionName;

use crate::{
    Code,
    app::AppState,
    error::{ApiError, ApiResult},
    tickets::{LONGEST, Standing},
};

/// All connections, as they stand.
pub(crate) async fn list(State(app): State<AppState>) -> ApiResult<Json<Vec<Value>>> {
    let in_force = app.in_force()?;
    in_force
        .document
        .connections
        .keys()
        .map(|name| one(&app, name))
        .collect::<ApiResult<_>>()
        .map(Json)
}

/// One connection, as it stands, with what signing in needs.
pub(crate) async fn show(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    app.connection(&name)?;
    one(&app, &name).map(Json)
}

pub(super) fn one(app: &AppState, name: &str) -> ApiResult<Value> {
    let in_force = app.in_force()?;
    let config = in_force.document.connections.get(name).ok_or_else(|| {
        ApiError::not_found(
            Code::ConnectionUnknown,
            format!("there is no connection `{name}`"),
        )
    })?;
    let name = ConnectionName::from(name);
    let connector = app.connections.connector(&name)?;
    let description = connector.describe();
    let account = app
        .connections
        .account(&name)?
        .map(|account| json!({"id": account.id, "name": account.name}));
    let scheme = description
        .auth
        .iter()
        .find(|scheme| scheme.name() == config.auth.scheme);
    let fields: Vec<Value> = scheme
        .into_iter()
        .flat_map(AuthScheme::fields)
        .map(|field| {
            json!({
                "name": field.name,
                "label": field.label,
                "secret": field.secret,
                "help": field.help,
                "in_config": config.auth.fields.contains_key(field.name),
            })
        })
        .collect();
    let outside = app.outside_url()?;
    // what is pasted belongs to a person, not to an app, and webhooks go to apps
    let pasted = matches!(scheme, Some(AuthScheme::Pasted { .. }));
    let webhook_url = (description.webhooks && !pasted)
        .then(|| format!("{outside}/hooks/{}", description.system));
    let redirects = matches!(scheme, Some(AuthScheme::AuthorizationCode { .. }));
    Ok(json!({
        "name": name,
        "system": description.system,
        "title": description.title,
        "account": account,
        "health": app.connections.health(&name)?,
        "outlook": app.connections.outlook(&name)?,
        "calls": app.connections.counts(&name)?,
        "budget": budget(app, &name)?,
        "sign_in": {"scheme": config.auth.scheme, "redirect": redirects, "fields": fields},
        "redirect_uri": redirects.then(|| format!("{outside}/oauth/callback")),
        "webhook_url": webhook_url,
        "read_only": config.read_only,
    }))
}

/// How much of each limit is used.
fn budget(app: &AppState, name: &ConnectionName) -> ApiResult<Vec<Value>> {
    let uses = app.connections.budget_use(name)?;
    let rows = uses.into_iter().map(|used| {
        json!({
            "requests": used.requests,
            "per_ms": u64::try_from(used.per.as_millis()).unwrap_or(u64::MAX),
            "of": used.effect.map(crate::metrics::effect_word),
            "used": used.used,
        })
    });
    Ok(rows.collect())
}

/// The cheapest real read: which account it is, what is missing.
pub(crate) async fn check(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    let name = app.connection(&name)?;
    let purpose = app.purpose(&name).await?;
    let checked = app.connections.check(&name, &purpose).await;
    let account: Account = checked.map_err(|error| ApiError::from(error).about(&name))?;
    let lost = super::losses::losses(&app, &name, &account.missing)?;
    let mut answer = super::value(&account)?;
    answer["lost"] = super::value(&lost)?;
    Ok(Json(answer))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldQuery {
    /// Only of this kind of record.
    entity: Option<record::Entity>,
}

/// The fields that the account has, each with what may be done with it: what a mapping may name.
pub(crate) async fn fields(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Query(query): Query<FieldQuery>,
) -> ApiResult<Json<Vec<ListedSchema>>> {
    let name = app.connection(&name)?;
    let connector = app.connections.connector(&name)?;
    let session = app
        .connections
        .session(&name, store::Lane::Live, "fields")?;
    let entities = connector
        .describe()
        .entities
        .iter()
        .map(|entity| entity.entity);
    let wanted: Vec<_> = entities
        .filter(|entity| query.entity.is_none_or(|wanted| wanted == *entity))
        .collect();
    if let (Some(entity), true) = (query.entity, wanted.is_empty()) {
        return Err(ApiError::bad_request(format!(
            "connection `{name}` has no {entity}"
        )));
    }
    let mut listed = Vec::new();
    let mut refused = None;
    for entity in wanted {
        if query.entity.is_none()
            && let Some(lacking) = lacking(&app, &name, &*connector, entity)?
        {
            listed.push(ListedSchema {
                schema: record::Schema {
                    entity,
                    fields: Vec::new(),
                },
                problem: Some(format!(
                    "signing in did not ask for {lacking}; once a sync of {entity} is in force, `tandem connect {name}` does"
                )),
            });
            continue;
        }
        match connector.schema(&session, entity).await {
            Ok(schema) => listed.push(ListedSchema {
                schema,
                problem: None,
            }),
            // Who asks for all of them wants to see the others: signing in asked only for the rights of its syncs.
            Err(error) if query.entity.is_none() => {
                listed.push(ListedSchema {
                    schema: record::Schema {
                        entity,
                        fields: Vec::new(),
                    },
                    problem: Some(error.to_string()),
                });
                refused.get_or_insert(error);
            }
            Err(error) => return Err(ApiError::from(error).about(&name)),
        }
    }
    match refused {
        Some(error) if listed.iter().all(|one| one.problem.is_some()) => {
            Err(ApiError::from(error).about(&name))
        }
        _ => Ok(Json(listed)),
    }
}

/// The rights to read this kind of record that the account is known not to have given. Asking for its fields all the
/// same would be refused like a sign-in that is no longer good.
fn lacking(
    app: &AppState,
    name: &ConnectionName,
    connector: &dyn connector::Connector,
    entity: record::Entity,
) -> ApiResult<Option<String>> {
    let granted = app.connections.granted(name).map_err(ApiError::from)?;
    let Some(granted) = granted.filter(|granted| !granted.is_empty()) else {
        return Ok(None);
    };
    let lacking: Vec<String> = connector
        .scopes(&[entity], false)
        .into_iter()
        .filter(|scope| !granted.contains(scope))
        .collect();
    Ok((!lacking.is_empty()).then(|| lacking.join(", ")))
}

/// The fields of one kind of record, or why they cannot be read.
#[derive(Serialize)]
pub(crate) struct ListedSchema {
    #[serde(flatten)]
    schema: record::Schema,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Which user of this account is which of the other, proposed from their e-mail addresses.
pub(crate) async fn users(
    State(app): State<AppState>,
    Path((name, other)): Path<(String, String)>,
) -> ApiResult<Json<mapping::Owners>> {
    let left = users_of(&app, &name).await?;
    let right = users_of(&app, &other).await?;
    Ok(Json(mapping::Owners::propose(&left, &right)))
}

/// The users that any field of the account may name.
async fn users_of(app: &AppState, name: &str) -> ApiResult<Vec<record::Choice>> {
    let name = app.connection(name)?;
    let connector = app.connections.connector(&name)?;
    let session = app.connections.session(&name, store::Lane::Live, "users")?;
    for entity in &connector.describe().entities {
        let schema = connector.schema(&session, entity.entity).await;
        let schema = schema.map_err(|error| ApiError::from(error).about(&name))?;
        let users = schema
            .fields
            .into_iter()
            .find(|field| field.kind == record::Kind::User && !field.choices.is_empty());
        if let Some(field) = users {
            return Ok(field.choices);
        }
    }
    Err(ApiError::bad_request(format!(
        "no field of connection `{name}` names a user, or its users may not be read"
    )))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddField {
    /// The kind of record.
    entity: record::Entity,
    /// What people see it called.
    label: String,
}

/// Makes a text field of the account's own, unless one is called so already, and says its name.
pub(crate) async fn add_field(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Json(wanted): Json<AddField>,
) -> ApiResult<Json<Value>> {
    let name = app.connection(&name)?;
    let label = wanted.label.trim();
    if label.is_empty() {
        let status = StatusCode::BAD_REQUEST;
        return Err(ApiError::new(
            status,
            Code::BadRequest,
            "the field has no label",
        ));
    }
    let connector = app.connections.connector(&name)?;
    let session = app
        .connections
        .session(&name, store::Lane::Live, "add-field")?;
    // who asks twice wants one field, not two of one name
    let schema = connector.schema(&session, wanted.entity).await?;
    let same = |spec: &&record::FieldSpec| {
        let is_text = spec.custom && spec.kind == record::Kind::Text;
        let may = spec.capability.access == record::Access::ReadWrite;
        is_text && may && spec.label.trim().to_lowercase() == label.to_lowercase()
    };
    if let Some(spec) = schema.fields.iter().find(same) {
        let (field, label) = (&spec.name, &spec.label);
        return Ok(Json(
            json!({"field": field, "label": label, "was_there": true}),
        ));
    }
    let field = connector.make_field(&session, wanted.entity, label).await?;
    app.connections
        .made_field(&name, wanted.entity, &field)
        .await?;
    Ok(Json(
        json!({"field": field, "label": label, "was_there": false}),
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connect {
    /// What the sign-in needs and the config does not have, by name.
    #[serde(default)]
    fields: BTreeMap<String, SecretText>,
}

/// Signs in. Where the system has a page for that, the answer is a link to open in a browser; where
/// not, the account is connected when the answer comes.
pub(crate) async fn connect(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Json(connect): Json<Connect>,
) -> ApiResult<Json<Value>> {
    let name = app.connection(&name)?;
    let shown = one(&app, name.as_str())?;
    if shown["sign_in"]["redirect"] != true {
        let purpose = app.purpose(&name).await?;
        let connected = app
            .connections
            .connect(&name, connect.fields, &purpose)
            .await?;
        app.engine.signed_in(&name).await;
        return Ok(Json(json!({
            "connected": connected,
            "webhook_url": shown["webhook_url"],
        })));
    }
    // somebody has let the app in for this account already: there is nothing to sign in to
    if connect.fields.is_empty() && app.connections.to_share().contains(&name) {
        let purpose = app.purpose(&name).await?;
        let connected = app
            .connections
            .connect_through_another(&name, &purpose)
            .await;
        match connected {
            Ok(Some(connected)) => {
                app.engine.signed_in(&name).await;
                return Ok(Json(json!({
                    "connected": connected,
                    "webhook_url": shown["webhook_url"],
                })));
            }
            Ok(None) => {}
            Err(error) => {
                tracing::info!(connection = %name, %error, "no other sign-in reaches it; a person signs in");
            }
        }
    }
    // what is missing is said here, and not to the browser later
    app.connections.ready_to_begin(&name, &connect.fields)?;
    let ticket = app.dice.token();
    let link = format!("{}/connect/{name}?ticket={ticket}", app.outside_url()?);
    app.tickets
        .make(ticket.clone(), name, connect.fields, app.clock.steady());
    Ok(Json(json!({
        "link": link,
        "ticket": ticket,
        "seconds": LONGEST.as_secs(),
        "redirect_uri": shown["redirect_uri"],
        "webhook_url": shown["webhook_url"],
    })))
}

/// The accounts that the sign-in of a connection reaches, and which connection has each.
pub(crate) async fn accounts(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Vec<connections::Reach>>> {
    let name = app.connection(&name)?;
    let reached = app
        .connections
        .reaches(&name)
        .await
        .map_err(|error| ApiError::from(error).about(&name))?;
    reached.map(Json).ok_or_else(|| {
        ApiError::bad_request(format!("the sign-in of `{name}` is for one account alone"))
    })
}

/// How the sign-in with a link stands.
pub(crate) async fn sign_in(
    State(app): State<AppState>,
    Path(ticket): Path<String>,
) -> ApiResult<Json<Standing>> {
    app.tickets
        .standing(&ticket, app.clock.steady())
        .map(Json)
        .ok_or_else(|| {
            ApiError::not_found(
                Code::ConnectionSignIn,
                "this sign-in took too long, or the server was started anew",
            )
            .hint("begin again with `tandem connect`")
        })
}

/// Accepts the other account that the last sign-in led to.
pub(crate) async fn confirm(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Connected>> {
    let name = app.connection(&name)?;
    let confirmed = app.connections.confirm_account(&name).await;
    Ok(Json(
        confirmed.map_err(|error| ApiError::from(error).about(&name))?,
    ))
}

impl From<connections::UnknownConnection> for ApiError {
    fn from(error: connections::UnknownConnection) -> Self {
        Self::not_found(Code::ConnectionUnknown, error.to_string())
    }
}

impl From<connections::CheckError> for ApiError {
    fn from(error: connections::CheckError) -> Self {
        use connections::CheckError as Error;
        let message = error.to_string();
        let bad_gateway = |code| Self::new(StatusCode::BAD_GATEWAY, code, message.as_str());
        match error {
            Error::Unknown(error) => error.into(),
            Error::SignIn(_) => bad_gateway(Code::ConnectionSignedOut)
                .hint("sign in with `tandem connect NAME`; links and history stay"),
            Error::ForNow(_) => bad_gateway(Code::ConnectionUnreachable),
            Error::OtherAccount { .. } => bad_gateway(Code::ConnectionAccount)
                .hint("sign in to the account that this connection was made for"),
            Error::Vendor(_) => bad_gateway(Code::ConnectionAnswer),
        }
    }
}

impl From<connections::ConnectError> for ApiError {
    fn from(error: connections::ConnectError) -> Self {
        use connections::ConnectError as Error;
        let message = error.to_string();
        let refuse = |status, code| Self::new(status, code, message.as_str());
        match &error {
            Error::Unknown(_) => refuse(StatusCode::NOT_FOUND, Code::ConnectionUnknown),
            Error::Config(_) => refuse(StatusCode::CONFLICT, Code::ConnectionSecretSource).hint(
                "set it where this command runs, or the server if there is one, and start that anew; or take the line out of the config to be asked",
            ),
            Error::Scheme { .. } | Error::Missing { .. } | Error::NotNeeded(_) => {
                refuse(StatusCode::BAD_REQUEST, Code::ConnectionSignIn)
            }
            Error::State => refuse(StatusCode::FORBIDDEN, Code::ConnectionSignIn)
                .hint("begin again with `tandem connect NAME`"),
            Error::Vendor(_) => refuse(StatusCode::BAD_GATEWAY, Code::ConnectionSignedOut),
            Error::Setting { .. } => refuse(StatusCode::CONFLICT, Code::ConnectionAccount)
                .hint("correct the setting in the config, or choose the other account"),
            Error::OtherAccount { .. } => refuse(StatusCode::CONFLICT, Code::ConnectionAccount)
                .hint("if it is meant: `tandem connect NAME --confirm`"),
            Error::Twin { other, .. } => refuse(StatusCode::CONFLICT, Code::ConnectionAccount).hint(
                format!("use `{other}` in every sync with this account, or take `{other}` out of the config first"),
            ),
            Error::NothingToConfirm => refuse(StatusCode::CONFLICT, Code::ConnectionSignIn),
            Error::Save(_) => refuse(StatusCode::INSUFFICIENT_STORAGE, Code::DatabaseUnwritable),
        }
    }
}
