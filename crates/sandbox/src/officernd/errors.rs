//! The error answers of OfficeRnD, in the shapes that its framework makes and that were measured on a live account.

use serde_json::{Value, json};

use crate::core::Core;
use crate::vendor::{ActError, Answer};

/// Why a call is refused.
#[derive(Clone, Debug)]
pub(super) enum Refusal {
    /// The body or query breaks the whitelist or a type; all failures at once.
    Invalid(Vec<String>),
    /// What an id in a body names is not there; the word is one of v1.
    NoReference(&'static str),
    /// What stands where an id belongs is none.
    NoId,
    /// A rule of the business.
    Rule(&'static str),
    /// A required text of this name is empty.
    Empty(&'static str),
    /// The object of the path is not there.
    NoItem(String),
}

impl Refusal {
    pub(super) fn answer(&self, core: &Core) -> Answer {
        let status_by = |switch: &str| match core.switches.choice(switch) {
            "400" => 400,
            _ => 500,
        };
        match self {
            Self::Invalid(failures) => invalid(failures, core),
            Self::NoReference(what) => plain(
                status_by("officernd.bad_reference"),
                &format!("Specified {} was not found", in_words(what, core)),
            ),
            Self::NoId => plain(
                status_by("officernd.bad_reference"),
                "input must be a 24 character hex string, 12 byte Uint8Array, or an integer",
            ),
            Self::Rule(message) => plain(status_by("officernd.broken_rule"), message),
            Self::Empty(name) => plain(
                status_by("officernd.broken_rule"),
                &format!("Path '{name}' is required."),
            ),
            Self::NoItem(id) => no_item(id, core),
        }
    }

    /// The same, said to a person.
    pub(super) fn to_act_error(&self) -> ActError {
        match self {
            Self::Invalid(failures) => ActError::Input(failures.join(", ")),
            Self::NoReference(what) => ActError::missing(what, "(as named)"),
            Self::NoId => ActError::Input("an id has 24 hexadecimal digits".to_owned()),
            Self::Rule(message) => ActError::Input((*message).to_owned()),
            Self::Empty(name) => ActError::Input(format!("{name} is empty")),
            Self::NoItem(id) => ActError::missing("object", id.as_str()),
        }
    }
}

/// The name of a kind in errors: that of v1, unless the switch says otherwise.
fn in_words<'a>(what: &'a str, core: &Core) -> &'a str {
    let newer = core.switches.choice("officernd.error_words") == "v2";
    match what {
        "team" if newer => "company",
        "office" if newer => "location",
        other => other,
    }
}

/// The framework's error object.
pub(super) fn plain(status: u16, message: &str) -> Answer {
    let error = match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        504 => "Gateway Timeout",
        _ => "Internal Server Error",
    };
    Answer::json(
        status,
        &json!({"statusCode": status, "message": message, "error": error}),
    )
}

fn invalid(failures: &[String], core: &Core) -> Answer {
    let message: Value = if core.switches.flag("officernd.message_arrays") {
        json!(failures)
    } else {
        json!(failures.first())
    };
    Answer::json(
        400,
        &json!({"statusCode": 400, "message": message, "error": "Bad Request"}),
    )
}

/// No token, a bad one, an expired one, a missing scope: one answer for all.
pub(super) fn unauthorized() -> Answer {
    plain(401, "Unauthorized access")
}

pub(super) fn missing_scope(core: &Core) -> Answer {
    if core.switches.choice("officernd.missing_scope") == "403" {
        plain(403, "Forbidden resource")
    } else {
        unauthorized()
    }
}

fn no_item(id: &str, core: &Core) -> Answer {
    let broken = !is_id(id);
    match core.switches.choice("officernd.broken_id") {
        "400" if broken => plain(400, "Validation failed (object id is expected)"),
        "500" if broken => Refusal::NoId.answer(core),
        _ => plain(404, &format!("Item with Id ({id})")),
    }
}

pub(super) fn wrong_slug(core: &Core) -> Answer {
    let status = match core.switches.choice("officernd.wrong_slug") {
        "404" => 404,
        _ => 500,
    };
    plain(status, "Organization not found")
}

/// A path or verb that nobody answers.
pub(super) fn cannot(method: &http::Method, path: &str, known_path: bool, core: &Core) -> Answer {
    let status = match core.switches.choice("officernd.unsupported_verb") {
        "405" if known_path => 405,
        _ => 404,
    };
    plain(status, &format!("Cannot {method} {path}"))
}

/// Whether a text is an id: 24 hexadecimal digits.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
