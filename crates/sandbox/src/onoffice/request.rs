//! The envelope of a request: token, actions, signatures, and the small readings of parameters that all actions share.

use serde_json::{Map, Value as Json};

use super::errors::{Failure, fail, fail_with};
use super::quirks::{Quirks, ValidationOrder, WrongToken};
use super::signature;
use super::state::State;

/// What every `actionid` starts with.
const ACTION: &str = "urn:onoffice-de-ns:smart:2.5:smartml:action:";

/// The verb at the end of `actionid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Read,
    Create,
    Modify,
    Delete,
    Get,
    Do,
}

impl Verb {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Modify => "modify",
            Self::Delete => "delete",
            Self::Get => "get",
            Self::Do => "do",
        }
    }

    /// The verb of an `actionid`.
    pub(crate) fn parse(action_id: &str) -> Option<Self> {
        Some(match action_id.strip_prefix(ACTION)? {
            "read" => Self::Read,
            "create" => Self::Create,
            "modify" => Self::Modify,
            "delete" => Self::Delete,
            "get" => Self::Get,
            "do" => Self::Do,
            _ => return None,
        })
    }
}

/// Which API user calls: its place in the list of accesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller(pub(crate) usize);

/// What `resourceid` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ResourceId {
    /// `""` or null.
    None,
    /// A number or numeric text.
    Number(i64),
    /// Anything else.
    Word(String),
}

/// A request whose envelope holds.
pub(crate) struct Envelope {
    pub(crate) token: String,
    pub(crate) actions: Vec<Json>,
}

/// Checks everything around the actions.
///
/// # Errors
/// 9, 7, 4, 13, 14, 15: the whole request fails.
pub(crate) fn envelope(body: &[u8]) -> Result<Envelope, Failure> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(fail(9));
    }
    let text = std::str::from_utf8(body).map_err(|_| fail(7))?;
    let Ok(Json::Object(mut root)) = serde_json::from_str(text) else {
        return Err(fail(4));
    };
    let token = match root.remove("token") {
        Some(Json::String(token)) if !token.is_empty() => token,
        _ => return Err(fail(13)),
    };
    let Some(Json::Object(mut request)) = root.remove("request") else {
        return Err(fail(14));
    };
    match request.remove("actions") {
        Some(Json::Array(actions)) if !actions.is_empty() => Ok(Envelope { token, actions }),
        _ => Err(fail(15)),
    }
}

/// One action that may be carried out.
pub(crate) struct Action<'a> {
    pub(crate) verb: Verb,
    pub(crate) resource_type: &'a str,
    pub(crate) resource_id: ResourceId,
    pub(crate) parameters: Map<String, Json>,
    pub(crate) caller: Caller,
}

/// Checks one action: its words, its time and its signature in the order of the switch, then that it has
/// parameters.
///
/// # Errors
/// 247, 16, 17, 23, 19, 25, 18, the codes of a bad access, 136, 137, 243, 20, 21.
pub(crate) fn action<'a>(
    state: &State,
    quirks: &Quirks,
    server_seconds: i64,
    token: &str,
    written: &'a Json,
) -> Result<Action<'a>, Failure> {
    let Json::Object(written) = written else {
        return Err(fail(247));
    };
    let action_id = match written.get("actionid") {
        Some(Json::String(text)) if text.is_empty() => return Err(fail(17)),
        Some(Json::String(text)) => text.as_str(),
        _ => return Err(fail(16)),
    };
    let resource_type = match written.get("resourcetype") {
        Some(Json::String(text)) => text.as_str(),
        _ => "",
    };
    let words_first = quirks.validation_order == ValidationOrder::Words;
    let access_first = if words_first {
        None
    } else {
        Some(access(
            state,
            quirks,
            server_seconds,
            token,
            written,
            action_id,
        )?)
    };
    let verb = Verb::parse(action_id).ok_or_else(|| fail_with(23, action_id))?;
    if resource_type.is_empty() {
        return Err(fail(19));
    }
    if !super::actions::is_known(verb, resource_type) {
        return Err(fail_with(25, resource_type));
    }
    let resource_id = match written.get("resourceid") {
        None => return Err(fail(18)),
        Some(Json::Null) => ResourceId::None,
        Some(Json::String(text)) if text.is_empty() => ResourceId::None,
        Some(Json::String(text)) => match text.parse() {
            Ok(number) => ResourceId::Number(number),
            Err(_) => ResourceId::Word(text.clone()),
        },
        Some(Json::Number(number)) => ResourceId::Number(number.as_i64().unwrap_or(0)),
        Some(_) => return Err(fail(18)),
    };
    let caller = match access_first {
        Some(caller) => caller,
        None => access(state, quirks, server_seconds, token, written, action_id)?,
    };
    let parameters = match written.get("parameters") {
        Some(Json::Object(parameters)) => parameters.clone(),
        Some(Json::Array(items)) if items.is_empty() => Map::new(),
        _ => return Err(fail(20)),
    };
    if parameters.contains_key("") {
        return Err(fail(21));
    }
    Ok(Action {
        verb,
        resource_type,
        resource_id,
        parameters,
        caller,
    })
}

/// Who calls, and whether the action's time and signature are good.
///
/// # Errors
/// The codes of a bad access, 136, 137, 243.
fn access(
    state: &State,
    quirks: &Quirks,
    server_seconds: i64,
    token: &str,
    written: &Map<String, Json>,
    action_id: &str,
) -> Result<Caller, Failure> {
    let caller = caller(state, quirks, token)?;
    let timestamp = match written.get("timestamp") {
        Some(Json::String(text)) => text.clone(),
        Some(Json::Number(number)) => number.to_string(),
        _ => return Err(fail(136)),
    };
    let in_time = || {
        let seconds: i64 = timestamp.parse().map_err(|_| fail(136))?;
        let allowed = quirks.timestamp_window_seconds.unsigned_abs();
        if seconds.abs_diff(server_seconds) > allowed {
            return Err(fail(136));
        }
        Ok(())
    };
    let signed = || {
        let resource_type = written.get("resourcetype").and_then(Json::as_str);
        let signed = signature::Signed {
            token,
            secret: &state.access(caller).secret,
            action_id,
            resource_type: resource_type.unwrap_or_default(),
            timestamp: &timestamp,
            action: written,
        };
        signature::check(&signed, quirks)
    };
    if quirks.validation_order == ValidationOrder::Hmac {
        signed()?;
        in_time()?;
    } else {
        in_time()?;
        signed()?;
    }
    Ok(caller)
}

/// Whether a token that nobody was given refuses the whole request.
pub(crate) fn refused_token(state: &State, quirks: &Quirks, token: &str) -> Option<Failure> {
    (quirks.wrong_token == WrongToken::Request && state.caller(token).is_none()).then(|| fail(22))
}

fn caller(state: &State, quirks: &Quirks, token: &str) -> Result<Caller, Failure> {
    let Some(caller) = state.caller(token) else {
        return Err(fail(match quirks.wrong_token {
            WrongToken::Request => 22,
            WrongToken::Revoked => 48,
            WrongToken::Secret => 49,
            WrongToken::Signature => 137,
        }));
    };
    if state.access(caller).revoked {
        return Err(fail(48));
    }
    if !state
        .user(state.access(caller).user)
        .is_some_and(|user| user.active)
    {
        return Err(fail(104));
    }
    Ok(caller)
}

/// A boolean parameter: true, 1, "1" or "true".
pub(crate) fn flag(parameters: &Map<String, Json>, name: &str) -> bool {
    match parameters.get(name) {
        Some(Json::Bool(flag)) => *flag,
        Some(Json::Number(number)) => number.as_i64() == Some(1),
        Some(Json::String(text)) => text == "1" || text == "true",
        _ => false,
    }
}

/// An integer parameter, as a number or numeric text.
///
/// # Errors
/// 228 for anything else.
pub(crate) fn integer(parameters: &Map<String, Json>, name: &str) -> Result<Option<i64>, Failure> {
    match parameters.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Number(number)) => number
            .as_i64()
            .map(Some)
            .ok_or_else(|| fail_with(228, name)),
        Some(Json::String(text)) => text
            .trim()
            .parse()
            .map(Some)
            .map_err(|_| fail_with(228, name)),
        Some(_) => Err(fail_with(228, name)),
    }
}
