//! The envelope of an answer: one status block at the top, one per action, `data` as records or as an empty array.

use serde_json::Value as Json;

use super::errors::{Failure, fail};
use super::php_json::PhpJson;
use super::quirks::{ErrorPlacement, Quirks};

/// What an action that worked answers.
#[derive(Debug)]
pub(crate) struct Answered {
    /// `meta.cntabsolute`.
    total: Option<usize>,
    /// The inside of `records`, already JSON.
    records: String,
}

impl Answered {
    /// Records, already written with commas between them.
    pub(crate) fn records(total: Option<usize>, records: String) -> Self {
        Self { total, records }
    }

    /// The records as a value.
    pub(crate) fn as_json(&self) -> Json {
        serde_json::from_str(&format!("[{}]", self.records)).unwrap_or(Json::Null)
    }
}

/// One action with what came of it.
pub(crate) struct Done<'a> {
    pub(crate) action: &'a Json,
    /// Read and get answers may be cached.
    pub(crate) cacheable: bool,
    pub(crate) outcome: Result<Answered, Failure>,
}

/// The whole answer to a request whose actions were looked at.
pub(crate) fn results(quirks: &Quirks, done: &[Done<'_>]) -> String {
    let first = done.iter().find_map(|each| each.outcome.as_ref().err());
    let mut out = PhpJson::new(quirks.php_escapes);
    out.raw("{\"status\":");
    match (first, quirks.error_placement) {
        (Some(failure), ErrorPlacement::Mirrored) => top(&mut out, 500, failure),
        (Some(_), ErrorPlacement::Summary) => top(&mut out, 500, &fail(97)),
        _ => top(&mut out, 200, &ok()),
    }
    out.raw(",\"response\":{\"results\":[");
    for (position, each) in done.iter().enumerate() {
        if position > 0 {
            out.raw(",");
        }
        result(&mut out, each);
    }
    out.raw("]}}");
    out.finish()
}

/// The answer to a request that failed as a whole.
pub(crate) fn refusal(quirks: &Quirks, code: i64, failure: &Failure) -> String {
    let mut out = PhpJson::new(quirks.php_escapes);
    out.raw("{\"status\":");
    top(&mut out, code, failure);
    out.raw(",\"response\":{\"results\":[]}}");
    out.finish()
}

fn ok() -> Failure {
    Failure {
        code: 0,
        message: "OK".to_owned(),
    }
}

fn top(out: &mut PhpJson, code: i64, failure: &Failure) {
    out.raw("{\"code\":").number(code).raw(",");
    status(out, failure);
}

fn status(out: &mut PhpJson, failure: &Failure) {
    out.raw("\"errorcode\":")
        .number(i64::from(failure.code))
        .raw(",\"message\":")
        .string(&failure.message)
        .raw("}");
}

fn result(out: &mut PhpJson, done: &Done<'_>) {
    let echo = |name: &str| done.action.get(name).unwrap_or(&Json::Null);
    out.raw("{\"actionid\":").value(echo("actionid"));
    out.raw(",\"resourceid\":").value(echo("resourceid"));
    out.raw(",\"resourcetype\":").value(echo("resourcetype"));
    let cacheable = done.cacheable && done.outcome.is_ok();
    out.raw(",\"cacheable\":")
        .raw(if cacheable { "true" } else { "false" });
    out.raw(",\"identifier\":").value(echo("identifier"));
    out.raw(",\"data\":");
    match &done.outcome {
        Ok(answered) => {
            out.raw("{\"meta\":{\"cntabsolute\":");
            match answered.total {
                Some(total) => out.raw(&total.to_string()),
                None => out.raw("null"),
            };
            out.raw("},\"records\":[").raw(&answered.records).raw("]}");
            out.raw(",\"status\":{");
            status(out, &ok());
        }
        Err(failure) => {
            out.raw("[],\"status\":{");
            status(out, failure);
        }
    }
    out.raw("}");
}
