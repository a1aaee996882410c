//! What the index knows, and when.

use std::time::Duration;

use connector::{Desk, Effect, Finding, ProbeError, Request};
use http::Method;
use serde_json::{Value as Json, json};

use super::{
    READ,
    contact::{PHONE, make, shared},
    get, json as body, location, unexpected,
};

/// Between two looks at the index.
const LOOK: Duration = Duration::from_millis(250);

/// How long the index is waited for.
const LONGEST: Duration = Duration::from_secs(60);

/// What the index holds for one filter.
async fn find(desk: &dyn Desk, field: &str, value: &str) -> Result<Vec<Json>, ProbeError> {
    let request = Request::new(READ, Effect::Read, Method::POST, "/contacts/search").json(json!({
        "locationId": location(desk)?,
        "pageLimit": 10,
        "filters": [{"field": field, "operator": "eq", "value": value}],
    }));
    let response = desk.read(request).await?;
    match body(&response)["contacts"].take() {
        Json::Array(found) => Ok(found),
        _ => Err(unexpected("the search was refused", &response)),
    }
}

/// Waits until the index shows a contact; it, and how long that took.
pub(super) async fn until_found(
    desk: &dyn Desk,
    email: &str,
    id: &str,
) -> Result<Option<(Json, Duration)>, ProbeError> {
    let began = desk.calls().now();
    loop {
        let found = find(desk, "email", email).await?;
        let took = Duration::try_from(desk.calls().now().duration_since(began)).unwrap_or_default();
        if let Some(item) = found.into_iter().find(|item| item["id"] == id) {
            return Ok(Some((item, took)));
        }
        if took > LONGEST {
            return Ok(None);
        }
        desk.wait(LOOK).await?;
    }
}

pub(super) fn not_found() -> Finding {
    Finding::open(format!(
        "the search did not find the contact by its e-mail address in {} s",
        LONGEST.as_secs()
    ))
}

pub(super) async fn duplicate_lookup(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let (id, _) = make(desk, "lookup", json!({})).await?;
    let request = get("/contacts/search/duplicate")
        .query("locationId", location(desk)?)
        .query("email", desk.email("lookup"));
    let response = desk.read(request).await?;
    if !response.status.is_success() {
        return Err(unexpected("the lookup was refused", &response));
    }
    let at_once = body(&response)["contact"]["id"] == id.as_str();
    let how = match at_once {
        true => "it names the contact in the moment after its creation",
        false => "it does not know the contact in the moment after its creation",
    };
    Ok(Finding::settled(how).switch("highlevel.duplicate_lookup_lags", !at_once))
}

pub(super) async fn lag(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let (id, _) = make(desk, "search", json!({})).await?;
    let email = desk.email("search");
    let Some((_, took)) = until_found(desk, &email, &id).await? else {
        return Ok(not_found());
    };
    // found by the first search: nothing was waited for
    let behind = if took < LOOK { Duration::ZERO } else { took };
    let milliseconds = u64::try_from(behind.as_millis()).unwrap_or(u64::MAX);
    Ok(Finding::settled(format!(
        "the search showed the new contact after {} ms (looked every {} ms)",
        took.as_millis(),
        LOOK.as_millis()
    ))
    .switch("highlevel.search_lag_ms", milliseconds))
}

pub(super) async fn names(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let email = desk.email("shared");
    let Some((item, _)) = until_found(desk, &email, &id).await? else {
        return Ok(not_found());
    };
    let cased = item["firstName"] == "Tandem";
    let how = match cased {
        true => "results carry firstName as it is stored",
        false => "results carry names in lower case only",
    };
    Ok(Finding::settled(how).switch("highlevel.search_names_cased", cased))
}

pub(super) async fn by_phone(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let email = desk.email("shared");
    let Some((item, _)) = until_found(desk, &email, &id).await? else {
        return Ok(not_found());
    };
    if item["phone"] != PHONE {
        return Ok(Finding::open(
            "the contact does not have its number any more, so it cannot be searched by it",
        ));
    }
    let found = find(desk, "phone", PHONE)
        .await?
        .iter()
        .any(|item| item["id"] == id.as_str());
    let how = match found {
        true => "a search by the whole number finds the contact",
        false => "a search by the whole number finds nothing, though the index has the number",
    };
    Ok(Finding::settled(how).switch("highlevel.phone_search_blind", !found))
}
