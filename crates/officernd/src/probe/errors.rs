//! How the vendor says no.

use connector::{Desk, Effect, Finding, ProbeError, Request};
use http::{HeaderValue, Method, header::CONTENT_TYPE};
use serde_json::json;

use super::{
    READ, beside, by_status, get,
    member::{place, read, shared, update},
    needs, refused, said, write,
};
use crate::{answer::Complaint, settings::Settings};

pub(super) async fn wrong_organization(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let request = Request::new(
        READ,
        Effect::Read,
        Method::GET,
        "/api/v2/organizations/tandem-probe-nothing/members",
    );
    needs(desk, &["flex.community.members.read"])?;
    let response = desk.read_unchecked(request).await?;
    match Complaint::of(&response).is_unknown_organization() {
        true => Ok(by_status(&response, "officernd.wrong_slug", &[500, 404])),
        false => Ok(beside(&response)),
    }
}

/// Lists with their scopes, for one that the sign-in lacks.
const LISTS: [(&str, &str); 8] = [
    ("flex.community.companies.read", "/companies"),
    ("flex.community.opportunities.read", "/opportunities"),
    ("flex.community.visitors.read", "/visitors"),
    ("flex.community.memberships.read", "/memberships"),
    ("flex.space.bookings.read", "/bookings"),
    ("flex.collaboration.tickets.read", "/tickets"),
    ("flex.collaboration.benefits.read", "/benefits"),
    ("flex.billing.plans.read", "/plans"),
];

pub(super) async fn missing_scope(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let missing = Settings::of(desk.calls()).missing_scopes();
    let granted = desk.granted();
    let lacks = |scope: &str| {
        let among = |scopes: &[String]| scopes.iter().any(|own| own == scope);
        among(&missing) || !granted.is_empty() && !among(&granted)
    };
    let Some((scope, path)) = LISTS.iter().find(|(scope, _)| lacks(scope)) else {
        return Ok(Finding::open(
            "the sign-in is not known to lack a scope that a list needs",
        ));
    };
    let response = desk.read_unchecked(get(desk, path)?).await?;
    Ok(match response.status.as_u16() {
        401 | 403 => {
            let status = response.status.as_u16().to_string();
            Finding::settled(format!("without {scope}: {}", said(&response)))
                .switch("officernd.missing_scope", status)
        }
        _ => beside(&response),
    })
}

pub(super) async fn empty_name(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let name = read(desk, &id).await?["name"].take();
    let response = update(
        desk,
        &id,
        "write an empty name to the probe's member",
        json!({"name": ""}),
    )
    .await?;
    if response.status.is_success() {
        update(
            desk,
            &id,
            "write the name of the probe's member again",
            json!({ "name": name }),
        )
        .await?;
        return Ok(Finding::settled("it is taken; no switch stands for that"));
    }
    Ok(match refused(&response, &["name"]) {
        true => by_status(&response, "officernd.broken_rule", &[500, 400]),
        false => beside(&response),
    })
}

pub(super) async fn content_type(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let name = format!("Tandem {} typed", desk.marker());
    let mut request = write(desk, Method::PUT, &place(&id), json!({"name": name}))?;
    request
        .headers
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    let response = desk
        .write("rename the probe's member in a body of plain text", request)
        .await?;
    if !response.status.is_success() {
        return Ok(beside(&response));
    }
    let written = read(desk, &id).await?["name"] == name.as_str();
    let how = match written {
        true => "it is read all the same",
        false => "it is accepted and nothing of it is carried out",
    };
    Ok(Finding::settled(how).switch("officernd.content_type_required", !written))
}

pub(super) async fn unsupported_verb(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    // locations cannot be made through the API, and the body holds nothing to make one of
    let request = write(desk, Method::POST, "/locations", json!({}))?;
    let response = desk
        .write(
            "send an empty POST to the locations, which take none",
            request,
        )
        .await?;
    match Complaint::of(&response).is_missing_route() {
        true => Ok(by_status(
            &response,
            "officernd.unsupported_verb",
            &[404, 405],
        )),
        false => Ok(beside(&response)),
    }
}
