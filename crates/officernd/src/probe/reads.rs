//! What reads do with what is not quite right.

use connector::{Desk, Finding, ProbeError};

use super::{by_status, get, json, said, unexpected};

pub(super) async fn broken_id(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let response = desk.read(get(desk, "/members/tandem-probe")?).await?;
    Ok(by_status(
        &response,
        "officernd.broken_id",
        &[404, 400, 500],
    ))
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
    Ok(match body.get("cursorNext") {
        None => Finding::settled("it is left out").switch("officernd.cursor_absent", true),
        Some(cursor) if cursor.is_null() => {
            Finding::settled("it is null").switch("officernd.cursor_absent", false)
        }
        Some(_) => Finding::settled("it is there all the same; no switch stands for that"),
    })
}

pub(super) async fn broken_cursor(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let request = get(desk, "/members")?.query("$cursorNext", "tandem-probe");
    let response = desk.read(request).await?;
    Ok(by_status(&response, "officernd.broken_cursor", &[500, 400]))
}

pub(super) async fn unknown_parameter(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let request = get(desk, "/members")?
        .query("tandemProbe", "1")
        .query("$limit", "1");
    let response = desk.read(request).await?;
    let refused = !response.status.is_success();
    let how = match refused {
        true => said(&response),
        false => "it is ignored".to_owned(),
    };
    Ok(Finding::settled(how).switch("officernd.query_whitelist", refused))
}
