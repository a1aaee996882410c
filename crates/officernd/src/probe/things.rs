//! What is no member: webhooks, opportunities, visitors and their like.

use connector::{Desk, Finding, ProbeError};
use http::Method;
use serde_json::json;

use super::{
    beside, get, json as body,
    member::{TICK, read, shared},
    needs, refused, said, unexpected, write,
};
use crate::{answer::Complaint, api::segment};

pub(super) async fn parent_filter(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let response = desk
        .read(get(desk, "/assignments")?.query("$limit", "1"))
        .await?;
    let needs = refused(&response, &["resource"]) || refused(&response, &["membership"]);
    Ok(if response.status.is_success() {
        Finding::settled("they are").switch("officernd.parent_filter_required", false)
    } else if needs {
        Finding::settled(format!("they are not: {}", said(&response)))
            .switch("officernd.parent_filter_required", true)
    } else {
        beside(&response)
    })
}

/// Lists of things without stamps, by the reference.
const UNSTAMPED: [(&str, &str); 4] = [
    ("flex.community.visitors.read", "/visitors"),
    ("flex.community.visits.read", "/visits"),
    ("flex.community.checkins.read", "/checkins"),
    ("flex.community.checkins.read", "/checkins/visitors"),
];

pub(super) async fn stamps(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let mut missing = None;
    for (scope, path) in UNSTAMPED {
        if let Err(lacking) = needs(desk, &[scope]) {
            missing = Some(lacking);
            continue;
        }
        let response = desk.read(get(desk, path)?.query("$limit", "1")).await?;
        let page = body(&response);
        let Some(row) = page["results"][0].as_object() else {
            continue;
        };
        let shown = row.contains_key("createdAt") || row.contains_key("modifiedAt");
        let how = if shown { "do" } else { "do not" };
        return Ok(Finding::settled(format!("those of `{path}` {how}"))
            .switch("officernd.stamps", if shown { "all" } else { "by_kind" }));
    }
    missing.map_or_else(
        || Ok(Finding::open("the organisation has none of them")),
        Err,
    )
}

/// An id of the right form that no ticket has: whether there is such an endpoint shows in how it is not found.
const NO_TICKET: &str = "aaaaaaaaaaaaaaaaaaaaaaaa";

pub(super) async fn ticket_comments(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let switch = "officernd.ticket_comments_read";
    let below = format!("/ticket-comments/{NO_TICKET}");
    let response = desk.read(get(desk, &below)?).await?;
    let complaint = Complaint::of(&response);
    Ok(if complaint.is_missing_route() {
        let how = format!(
            "there is no such call, so that notes cannot be kept there: {}",
            said(&response)
        );
        Finding::settled(how).switch(switch, false)
    } else if response.status.is_success() || complaint.is_gone() {
        Finding::settled("it does: a connection can keep notes there with `notes_ticket`")
            .switch(switch, true)
    } else {
        beside(&response)
    })
}

pub(super) async fn event_words(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    // without an address nothing is made, whatever is thought of the event
    let request = write(
        desk,
        Method::POST,
        "/webhooks",
        json!({"eventTypes": ["tandem.probe"]}),
    )?;
    let response = desk
        .write(
            "ask for a webhook without an address, which is refused",
            request,
        )
        .await?;
    if !refused(&response, &["url"]) {
        return Ok(beside(&response));
    }
    let complaint = Complaint::of(&response);
    if !complaint.says("eventTypes") {
        return Ok(Finding::settled("only the missing address is refused")
            .switch("officernd.enums_checked", false));
    }
    let finding = Finding::settled("an event that there is not is refused")
        .switch("officernd.enums_checked", true);
    // the refusal lists those that there are
    Ok(match complaint.says("member.created") {
        true => finding.switch(
            "officernd.opportunity_events",
            complaint.says("opportunity.created"),
        ),
        false => finding,
    })
}

pub(super) async fn narrow_update(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    needs(
        desk,
        &[
            "flex.settings.webhooks.create",
            "flex.settings.webhooks.update",
            "flex.settings.webhooks.delete",
        ],
    )?;
    let request = write(
        desk,
        Method::POST,
        "/webhooks",
        json!({
            "eventTypes": ["member.created"],
            "url": "https://example.com/tandem-probe",
            "description": format!("Tandem {}", desk.marker()),
            "isEnabled": false,
        }),
    )?;
    let what = "make a webhook that is switched off, to be deleted at once";
    let response = desk.write(what, request).await?;
    let made = body(&response);
    let id = made["_id"]
        .as_str()
        .ok_or_else(|| unexpected("the webhook could not be made", &response))?;
    let below = format!("/webhooks/{}", segment(id));
    let named = format!("the webhook {id}");
    desk.to_undo(&named, write(desk, Method::DELETE, &below, json!({}))?);
    let change = write(desk, Method::PUT, &below, json!({"description": "changed"}))?;
    let response = desk
        .write("change the description of that webhook", change)
        .await?;
    let finding = if refused(&response, &["description"]) {
        Finding::settled(format!("no: {}", said(&response))).switch("officernd.narrow_puts", true)
    } else if response.status.is_success() && body(&response)["description"] == "changed" {
        Finding::settled("yes").switch("officernd.narrow_puts", false)
    } else {
        beside(&response)
    };
    take_away(desk, &named, &below).await?;
    Ok(finding)
}

async fn take_away(desk: &dyn Desk, named: &str, below: &str) -> Result<(), ProbeError> {
    let request = write(desk, Method::DELETE, below, json!({}))?;
    let response = desk.write(&format!("delete {named}"), request).await?;
    if response.status.is_success() {
        desk.undone(named);
    }
    Ok(())
}

pub(super) async fn status_silence(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    needs(
        desk,
        &[
            "flex.community.opportunities.create",
            "flex.community.opportunities.delete",
        ],
    )?;
    let member = shared(desk).await?;
    let before = read(desk, &member).await?;
    desk.wait(TICK).await?;
    let request = write(
        desk,
        Method::POST,
        "/opportunities",
        json!({"name": format!("Tandem {}", desk.marker()), "member": member}),
    )?;
    let what = "make an opportunity of the probe's member, to be deleted at once";
    let response = desk.write(what, request).await?;
    let made = body(&response);
    let id = made["_id"]
        .as_str()
        .ok_or_else(|| unexpected("the opportunity could not be made", &response))?;
    let below = format!("/opportunities/{}", segment(id));
    let named = format!("the opportunity {id}");
    desk.to_undo(&named, write(desk, Method::DELETE, &below, json!({}))?);
    let after = read(desk, &member).await?;
    take_away(desk, &named, &below).await?;
    if before["status"] == after["status"] {
        return Ok(Finding::open(format!(
            "the member's status did not follow: it is {} still",
            after["status"]
        )));
    }
    let moved = before["modifiedAt"] != after["modifiedAt"];
    let how = if moved { "it does" } else { "it does not" };
    Ok(Finding::settled(how).switch("officernd.status_moves_modified", moved))
}
