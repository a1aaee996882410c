//! What reads do with what is not quite right.

use connector::{Desk, Finding, ProbeError};

use super::{beside, by_status, get, json, refused, said, unexpected};
use crate::answer::Complaint;

pub(super) async fn broken_id(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let response = desk.read(get(desk, "/members/tandem-probe")?).await?;
    Ok(match Complaint::of(&response).is_missing_route() {
        true => beside(&response),
        false => by_status(&response, "officernd.broken_id", &[404, 400, 500]),
    })
}

pub(super) async fn organization(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let response = desk.read(get(desk, "")?).await?;
    let shown = json(&response);
    if !response.status.is_success() || shown.get("_id").is_none() {
        return Ok(beside(&response));
    }
    let shows = shown.get("regionInfo").is_some();
    let how = if shows { "it does" } else { "it does not" };
    Ok(Finding::settled(how).switch("officernd.region_shown", shows))
}

pub(super) async fn last_page(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    // nobody has this address, so the first page is the last
    let nobody = desk.email("nobody");
    let request = get(desk, "/members")?.query("email", nobody);
    let response = desk.read(request).await?;
    let body = json(&response);
    if !body["results"].is_array() {
        return Err(unexpected("the list was refused", &response));
    }
    let finding = match body.get("cursorNext") {
        None => Finding::settled("it is left out").switch("officernd.cursor_absent", true),
        Some(cursor) if cursor.is_null() => {
            Finding::settled("it is null").switch("officernd.cursor_absent", false)
        }
        Some(_) => Finding::settled("it is there all the same; no switch stands for that"),
    };
    Ok(
        match (body["rangeStart"].as_i64(), body["rangeEnd"].as_i64()) {
            (Some(0), Some(0)) => finding.switch("officernd.empty_range", "zero"),
            (Some(1), Some(0)) => finding.switch("officernd.empty_range", "counted"),
            _ => finding,
        },
    )
}

pub(super) async fn broken_cursor(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let list = || Ok::<_, ProbeError>(get(desk, "/members")?.query("$limit", "1"));
    let whole = desk.read(list()?).await?;
    if !whole.status.is_success() {
        return Err(unexpected("the list was refused without it", &whole));
    }
    let request = list()?.query("$cursorNext", "tandem-probe");
    let response = desk.read(request).await?;
    Ok(by_status(&response, "officernd.broken_cursor", &[500, 400]))
}

pub(super) async fn unknown_parameter(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let request = get(desk, "/members")?
        .query("tandemProbe", "1")
        .query("$limit", "1");
    let response = desk.read(request).await?;
    Ok(if response.status.is_success() {
        Finding::settled("it is ignored").switch("officernd.query_whitelist", false)
    } else if refused(&response, &["tandemProbe"]) {
        Finding::settled(said(&response)).switch("officernd.query_whitelist", true)
    } else {
        beside(&response)
    })
}
