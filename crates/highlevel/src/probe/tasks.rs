//! What is taken of tasks and notes, of which the specification says little.

use connector::{Desk, Finding, ProbeError, Response};
use http::Method;
use serde_json::{Value as Json, json};

use super::{contact::shared, contact_path, json as body, said, unexpected, write};
use crate::requests::segment;

/// A user id of the right form that nobody has.
const NOBODY: &str = "TandemProbeNobody000";

pub(super) async fn task_writes(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let contact = contact_path(&shared(desk).await?);
    let tasks = format!("{contact}/tasks");
    let now = desk.calls().now();
    let whole = now.strftime("%Y-%m-%dT00:00:00Z").to_string();
    let precise = now.strftime("%Y-%m-%dT00:00:00.000Z").to_string();
    let task = |due: &str| json!({"title": desk.marker(), "dueDate": due, "completed": false});

    let plain = made(desk, "a task", &tasks, task(&whole)).await?;
    let Some(own) = place(&plain, &tasks, "task") else {
        return Err(unexpected("the task could not be made", &plain));
    };
    let create = "a task that is due at a time with milliseconds";
    let create = made(desk, create, &tasks, task(&precise)).await?;
    let update = "make it due at a time with milliseconds";
    let update = changed(desk, update, &own, json!({"dueDate": precise})).await?;
    let owner = "give it to a user that there is not";
    let owner = changed(desk, owner, &own, json!({"assignedTo": NOBODY})).await?;
    let notes = format!("{contact}/notes");
    let empty = made(desk, "a note without text", &notes, json!({"body": ""})).await?;

    let refused = |response: &Response| response.status.is_client_error();
    let told = |what: &str, response: &Response| match refused(response) {
        true => format!("{what}: refused with {}", said(response)),
        false => format!("{what}: taken"),
    };
    let word = |response: &Response| if refused(response) { "refuse" } else { "keep" };
    let finding = Finding::settled(
        [
            told("a new task with milliseconds", &create),
            told("an update with milliseconds", &update),
            told("an owner who is no user", &owner),
            told("a note without text", &empty),
        ]
        .join("; "),
    )
    .switch("highlevel.unknown_assignee", word(&owner))
    .switch("highlevel.empty_text", word(&empty));
    let fractions = match (refused(&create), refused(&update)) {
        (true, true) => "refuse",
        (false, true) => "refuse_update",
        (false, false) => "keep",
        // no switch stands for that
        (true, false) => return Ok(finding),
    };
    Ok(finding.switch("highlevel.task_due_fractions", fractions))
}

/// Makes one of these, to be deleted at the end where it was made.
async fn made(
    desk: &dyn Desk,
    what: &str,
    place_of_all: &str,
    fields: Json,
) -> Result<Response, ProbeError> {
    let told = format!("make {what} for the probe's contact, to be deleted at the end");
    let response = desk
        .write(&told, write(Method::POST, place_of_all, fields))
        .await?;
    if response.status.is_server_error() {
        return Err(unexpected("the write had no outcome", &response));
    }
    let kind = if place_of_all.ends_with("/tasks") {
        "task"
    } else {
        "note"
    };
    if let Some(own) = place(&response, place_of_all, kind) {
        desk.to_undo(what, write(Method::DELETE, own, json!({})));
    }
    Ok(response)
}

async fn changed(
    desk: &dyn Desk,
    what: &str,
    own: &str,
    fields: Json,
) -> Result<Response, ProbeError> {
    let response = desk.write(what, write(Method::PUT, own, fields)).await?;
    match response.status.is_server_error() {
        true => Err(unexpected("the write had no outcome", &response)),
        false => Ok(response),
    }
}

/// Where that which an answer tells of is.
fn place(response: &Response, of_all: &str, kind: &str) -> Option<String> {
    let made = body(response);
    let id = made[kind]["id"].as_str().or(made["id"].as_str())?;
    Some(format!("{of_all}/{}", segment(id)))
}
