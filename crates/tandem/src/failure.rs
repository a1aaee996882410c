//! How a command fails: a code, a message, a hint, an exit status.

use std::{fmt, process::ExitCode};

use serde::Deserialize;
use server::{Code, config::Problem};

/// A failure that a person is told of.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Failure {
    /// For looking it up.
    pub(crate) code: Code,
    /// What went wrong.
    pub(crate) message: String,
    /// What to do.
    #[serde(default)]
    pub(crate) hint: Option<String>,
    /// The problems of a config.
    #[serde(default)]
    pub(crate) problems: Vec<Problem>,
}

impl Failure {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            problems: Vec::new(),
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What the process ends with; the numbers are in the help.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.code.as_str().as_bytes().get(4) {
            Some(b'C') => 3,
            Some(b'K') => 4,
            Some(b'D') => 5,
            _ => 1,
        })
    }
}

impl From<server::ApiError> for Failure {
    fn from(error: server::ApiError) -> Self {
        Self {
            code: error.code,
            message: error.message,
            hint: error.hint,
            problems: error.problems,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}", self.code, self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        write!(f, "\n  more: tandem error {}", self.code)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_status_follows_from_the_kind_of_code() {
        let status = |code| format!("{:?}", Failure::new(code, "").exit_code());
        assert_eq!(
            status(Code::ConfigValue),
            format!("{:?}", ExitCode::from(3))
        );
        assert_eq!(
            status(Code::ConnectionRights),
            format!("{:?}", ExitCode::from(4))
        );
        assert_eq!(
            status(Code::DatabaseInUse),
            format!("{:?}", ExitCode::from(5))
        );
        assert_eq!(status(Code::SyncFailed), format!("{:?}", ExitCode::from(1)));
    }
}
