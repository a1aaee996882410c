//! How the API says no: a status, a code with a page, a message, a hint.

use axum::{
    Extension, Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::{
    Code,
    config::{Problem, Problems},
};

/// What the API answers instead of a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// The HTTP status; not in the body.
    #[serde(skip)]
    pub(crate) status: StatusCode,
    /// For looking it up in `docs/errors`.
    pub code: Code,
    /// What went wrong. Holds no secret and no record value.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The problems of a config, where it is about one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}

/// What a handler returns.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            hint: None,
            problems: Vec::new(),
        }
    }

    /// Puts the name of a connection where the hint says `NAME`.
    pub(crate) fn about(mut self, name: &store::ConnectionName) -> Self {
        self.hint = self.hint.map(|hint| hint.replace("NAME", name.as_str()));
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::BadRequest, message)
    }

    pub(crate) fn not_found(code: Code, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, message)
    }

    pub(crate) fn no_config() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            Code::ConfigMissing,
            "no config has been applied to this database",
        )
        .hint("write one with `tandem init`, then `tandem apply FILE`")
    }

    pub(crate) fn stopping() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            Code::Stopping,
            "Tandem is stopping",
        )
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        // what a vendor or a person did is theirs to hear of, not ours to log
        let ours = matches!(
            self.status,
            StatusCode::INTERNAL_SERVER_ERROR | StatusCode::INSUFFICIENT_STORAGE
        );
        if ours {
            tracing::error!(code = %self.code, status = self.status.as_u16(), "{}", self.message);
        }
        // who keeps what was done finds the code there
        let code = self.code;
        (self.status, Extension(code), Json(self)).into_response()
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        let (status, code, hint) = match &error {
            store::Error::AlreadyLinked { .. } => (StatusCode::CONFLICT, Code::Internal, None),
            store::Error::Unwritable(_) => (
                StatusCode::INSUFFICIENT_STORAGE,
                Code::DatabaseUnwritable,
                Some("free disk space or correct the rights of the file and its folder"),
            ),
            store::Error::InUse { .. } => (StatusCode::CONFLICT, Code::DatabaseInUse, None),
            store::Error::Foreign { .. } => (
                StatusCode::INTERNAL_SERVER_ERROR,
                Code::DatabaseForeign,
                None,
            ),
            store::Error::Closed => (StatusCode::SERVICE_UNAVAILABLE, Code::Stopping, None),
            store::Error::Corrupt { .. } | store::Error::Database(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                Code::DatabaseFailed,
                None,
            ),
        };
        let answer = Self::new(status, code, error.to_string());
        match hint {
            Some(hint) => answer.hint(hint),
            None => answer,
        }
    }
}

impl From<sync::Error> for ApiError {
    fn from(error: sync::Error) -> Self {
        use sync::Error as Sync;
        let message = error.to_string();
        let refuse = |status, code| Self::new(status, code, message.as_str());
        match error {
            Sync::NoSync(_) => refuse(StatusCode::NOT_FOUND, Code::SyncUnknown),
            Sync::NoConnection(_) => refuse(StatusCode::NOT_FOUND, Code::ConnectionUnknown),
            Sync::NoEntity { .. } => refuse(StatusCode::BAD_REQUEST, Code::BadRequest),
            Sync::Rules { .. } => refuse(StatusCode::CONFLICT, Code::ConfigSchema),
            Sync::NotReady { .. } => refuse(StatusCode::CONFLICT, Code::SyncFailed)
                .hint("`tandem status` says how the connections and syncs stand"),
            Sync::Overtaken => refuse(StatusCode::CONFLICT, Code::PlanOvertaken)
                .hint("look at the plan again; it has a new fingerprint"),
            Sync::TooMuch { .. } => {
                refuse(StatusCode::BAD_REQUEST, Code::BadRequest).hint("name less at once")
            }
            Sync::Busy(_) => refuse(StatusCode::CONFLICT, Code::SyncBusy)
                .hint("wait for it; `tandem status` says how far it is"),
            Sync::SignedOut { ref connection, .. } => {
                refuse(StatusCode::CONFLICT, Code::ConnectionSignedOut)
                    .hint(format!("`tandem connect {connection}` signs it in"))
            }
            Sync::Plan { .. } => refuse(StatusCode::CONFLICT, Code::PlanUnfit)
                .hint("`tandem plans` lists those that are kept; `tandem plan SYNC` makes one"),
            Sync::NoReview(_) => refuse(StatusCode::NOT_FOUND, Code::ReviewUnknown)
                .hint("`tandem reviews` lists the open ones"),
            Sync::NotAPair { .. } => refuse(StatusCode::NOT_FOUND, Code::NotFound)
                .hint("`tandem links SYNC` lists what is linked, `tandem links decisions SYNC` what was decided"),
            Sync::NotKnown { .. } => refuse(StatusCode::NOT_FOUND, Code::NotFound)
                .hint("`tandem links SYNC` lists the records that are linked"),
            Sync::NoChoice { .. } => refuse(StatusCode::BAD_REQUEST, Code::ReviewChoice),
            Sync::Store(error) => error.into(),
            Sync::Connector(error) => error.into(),
            Sync::Connection { .. } => refuse(StatusCode::BAD_GATEWAY, Code::ConnectionUnreachable),
        }
    }
}

impl From<workflow::RunError> for ApiError {
    fn from(error: workflow::RunError) -> Self {
        use workflow::RunError as Run;
        let message = error.to_string();
        let refuse = |status, code| Self::new(status, code, message.as_str());
        match error {
            Run::Store(error) => error.into(),
            Run::Form { .. } => refuse(StatusCode::INTERNAL_SERVER_ERROR, Code::DatabaseFailed),
            Run::NoWorkflow(_) => refuse(StatusCode::NOT_FOUND, Code::WorkflowUnknown)
                .hint("`tandem workflow list` lists them"),
            Run::NotPublished(_) => refuse(StatusCode::CONFLICT, Code::WorkflowUnknown)
                .hint("`tandem workflow publish` puts a draft in force"),
            Run::Paused(ref name) => refuse(StatusCode::CONFLICT, Code::WorkflowUnknown)
                .hint(format!("`tandem workflow resume {name}` lets it go on")),
            Run::NoRun(_) => refuse(StatusCode::NOT_FOUND, Code::WorkflowRunUnfit)
                .hint("`tandem workflow runs` lists them"),
            Run::Unfit(_) => refuse(StatusCode::CONFLICT, Code::WorkflowRunUnfit),
        }
    }
}

impl From<connector::Error> for ApiError {
    fn from(error: connector::Error) -> Self {
        use connector::{CallError, Error};
        let message = error.to_string();
        let refuse = |code| Self::new(StatusCode::BAD_GATEWAY, code, message.as_str());
        match error {
            Error::Call(CallError::Credentials { .. }) => refuse(Code::ConnectionSignedOut)
                .hint("sign in with `tandem connect NAME`; links and history stay"),
            Error::Call(CallError::Stopping { .. }) => Self::stopping(),
            Error::Call(CallError::NotSent { .. } | CallError::OutcomeUnknown { .. }) => {
                refuse(Code::ConnectionUnreachable)
            }
            Error::Call(CallError::Right { .. }) | Error::MissingRight { .. } => {
                refuse(Code::ConnectionRights)
            }
            Error::Setting { .. } => refuse(Code::ConfigConnection),
            Error::Refused { .. } | Error::Unexpected { .. } | Error::Unsupported { .. } => {
                refuse(Code::ConnectionAnswer)
            }
        }
    }
}

impl From<Problems> for ApiError {
    fn from(problems: Problems) -> Self {
        let code = problems
            .problems
            .first()
            .map_or(Code::ConfigValue, |problem| problem.code);
        let message = problems.to_string();
        let hint = problems
            .problems
            .first()
            .map(|problem| format!("the first: line {problem}"));
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            code,
            message,
            hint,
            problems: problems.problems,
        }
    }
}
