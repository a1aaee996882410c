//! An agency's side of a sign-in: tokens for its sub-accounts, and where the app is installed.
//!
//! These calls carry the agency's token in place of the connection's.

use connector::{Body, Calls, Credentials, Effect, Error, Request, Response};
use http::Method;
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::{
    answer::{Complaint, without_tokens},
    auth::{given, set_bearer, set_version},
    oauth::Failure,
    operation::{INSTALLED_LOCATIONS, LOCATION_TOKEN},
    settings::Settings,
    tokens::{Company, TokenAnswer},
};

/// `POST /oauth/locationToken`: a location's token for a company's. Repeating it does no harm.
pub(crate) async fn mint(
    calls: &dyn Calls,
    company: &Company,
    location: &str,
) -> Result<(TokenAnswer, Timestamp), Failure> {
    let company_id = company
        .id
        .as_deref()
        .or_else(|| Settings::of(calls).company_if_set())
        .ok_or_else(|| {
            Failure::Other(Error::Setting {
                setting: "company_id",
                hint: "the agency's id came with no token answer; set it by hand".to_owned(),
            })
        })?;
    let mut request = Request::new(
        LOCATION_TOKEN,
        Effect::Read,
        Method::POST,
        "/oauth/locationToken",
    );
    request.body = Body::Form(vec![
        ("companyId".to_owned(), company_id.to_owned()),
        ("locationId".to_owned(), location.to_owned()),
    ]);
    let response = as_company(calls, company, request)
        .await
        .map_err(Failure::Other)?;
    if response.status.is_success() {
        let answer = TokenAnswer::read(LOCATION_TOKEN, &response).map_err(Failure::Other)?;
        return Ok((answer, response.sent));
    }
    let complaint = Complaint::of(&response);
    if complaint.is_missing_scope() {
        return Err(Failure::Other(Error::MissingRight {
            operation: LOCATION_TOKEN,
            missing: "the scope oauth.write (set `agency_install` and connect again)".to_owned(),
        }));
    }
    Err(Failure::Dead(complaint.message()))
}

/// Sends with the agency's token in place of the connection's.
async fn as_company(
    calls: &dyn Calls,
    company: &Company,
    mut request: Request,
) -> Result<Response, Error> {
    set_version(&mut request, Settings::of(calls))?;
    set_bearer(&mut request, company.access.expose())?;
    Ok(calls.send(request).await?)
}

/// Where the app is installed, in words for a hint. That it could not be found out is worth a word,
/// not a failure.
pub(crate) async fn installed_locations(
    calls: &dyn Calls,
    credentials: &Credentials,
    company: &Company,
) -> String {
    match list_installed(calls, credentials, company).await {
        Ok(names) if names.is_empty() => "it is installed in no sub-account yet".to_owned(),
        Ok(names) => format!("it is installed in {}", names.join(", ")),
        Err(error) => format!(
            "where it is installed could not be found out ({})",
            without_tokens(&error.to_string())
        ),
    }
}

/// `GET /oauth/installedLocations` (v2: `locations[]`; v3: `items[]`).
async fn list_installed(
    calls: &dyn Calls,
    credentials: &Credentials,
    company: &Company,
) -> Result<Vec<String>, Error> {
    // The app's id is the part of the client id before the dash (the vendor's SDK).
    let client_id = given(credentials, "client_id")?;
    let app_id = client_id.split('-').next().unwrap_or(client_id);
    let request = Request::new(
        INSTALLED_LOCATIONS,
        Effect::Read,
        Method::GET,
        "/oauth/installedLocations",
    )
    .query("companyId", company.id.as_deref().unwrap_or_default())
    .query("appId", app_id)
    .query("isInstalled", "true")
    .query("limit", "100");
    let response = as_company(calls, company, request).await?;
    if !response.status.is_success() {
        return Err(Error::Refused {
            operation: INSTALLED_LOCATIONS,
            refusal: Complaint::of(&response).refusal(Vec::new()),
        });
    }
    let body: Json = response.json(INSTALLED_LOCATIONS)?;
    let items = body["locations"].as_array().or(body["items"].as_array());
    Ok(items
        .into_iter()
        .flatten()
        .filter(|item| item["isInstalled"] != Json::Bool(false))
        .filter_map(|item| {
            let id = item["_id"]
                .as_str()
                .or(item["id"].as_str())
                .or(item["locationId"].as_str())?;
            Some(format!("{} ({id})", item["name"].as_str().unwrap_or("?")))
        })
        .collect())
}
