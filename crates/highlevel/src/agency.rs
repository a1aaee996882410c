//! An agency's side of a sign-in: tokens for its sub-accounts, also for those that another connection signed in for, and where
//! the app is installed.
//!
//! These calls carry the agency's token in place of the connection's.

use connector::{Body, Calls, Credentials, Effect, Error, Grant, Reached, Request, Response};
use http::Method;
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::{
    answer::{Complaint, without_tokens},
    auth::{given, set_bearer, set_version},
    oauth::{self, Failure},
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

/// The agency whose installation these credentials come out of.
pub(crate) fn let_in_by(credentials: &Credentials) -> Option<String> {
    Company::kept_in(credentials.tokens.as_ref()?)?.id
}

/// A location's tokens out of the agency's installation that `of` comes from. The agency's refresh token works once
/// and belongs to the other connection, so it is left alone: what the token that still lives does not buy is bought with the app's
/// own credentials (`/oauth/reconnect`).
pub(crate) async fn share(
    calls: &dyn Calls,
    own: &Credentials,
    of: &Credentials,
) -> Result<Option<Grant>, Error> {
    let settings = Settings::of(calls);
    let Some(company) = of.tokens.as_ref().and_then(Company::kept_in) else {
        return Ok(None);
    };
    let (Some(location), true) = (settings.location_if_set(), settings.agency_install()) else {
        return Ok(None);
    };
    let mut why = None;
    if company.is_valid_at(calls.now()) {
        let company = company.without_refresh();
        match mint(calls, &company, location).await {
            // one that cannot be renewed by itself lives on the agency's pair, which this one has not
            Ok((answer, sent)) if answer.has_refresh() => {
                return oauth::location_grant(calls, answer, sent, Some(company)).map(Some);
            }
            Ok(_) => {}
            Err(Failure::Dead(said)) => why = Some(said),
            Err(Failure::Other(error)) => return Err(error),
        }
    }
    let Some(id) = company.id.as_deref() else {
        return Ok(None);
    };
    let why = why.unwrap_or_else(|| "the agency's token has ended".to_owned());
    let (answer, sent) = oauth::bought_anew(calls, own, ("companyId", id), &why).await?;
    oauth::settle(calls, own, answer, sent).await.map(Some)
}

/// The sub-accounts in which the agency's app is installed.
pub(crate) async fn reaches(
    calls: &dyn Calls,
    credentials: &Credentials,
) -> Result<Option<Vec<Reached>>, Error> {
    let Some(company) = credentials.tokens.as_ref().and_then(Company::kept_in) else {
        return Ok(None);
    };
    if company.is_valid_at(calls.now())
        && let Ok(installed) = list_installed(calls, credentials, &company).await
    {
        return Ok(Some(installed));
    }
    let Some(id) = company.id.as_deref() else {
        return Ok(None);
    };
    let why = "the agency's token has ended";
    let (answer, sent) = oauth::bought_anew(calls, credentials, ("companyId", id), why).await?;
    let mut fresh = answer.into_company(sent);
    fresh.id = fresh.id.or(company.id);
    list_installed(calls, credentials, &fresh).await.map(Some)
}

/// Where the app is installed, in words for a hint. That it could not be found out is worth a word,
/// not a failure.
pub(crate) async fn installed_locations(
    calls: &dyn Calls,
    credentials: &Credentials,
    company: &Company,
) -> String {
    match list_installed(calls, credentials, company).await {
        Ok(installed) if installed.is_empty() => "it is installed in no sub-account yet".to_owned(),
        Ok(installed) => {
            let names: Vec<String> = installed
                .into_iter()
                .map(|Reached { id, name }| format!("{name} ({id})"))
                .collect();
            format!("it is installed in {}", names.join(", "))
        }
        Err(error) => format!(
            "where it is installed could not be found out ({})",
            without_tokens(&error.to_string())
        ),
    }
}

/// Sub-accounts asked for at once: the largest page that the newer version documents.
const PAGE: usize = 100;

/// Pages at most: an agency with more sub-accounts than these hold is told of the first.
const PAGES: usize = 100;

/// `GET /oauth/installedLocations` (v2: `locations[]` by `skip`; v3: `items[]` by `pageToken`), all pages.
async fn list_installed(
    calls: &dyn Calls,
    credentials: &Credentials,
    company: &Company,
) -> Result<Vec<Reached>, Error> {
    // The app's id is the part of the client id before the dash (the vendor's SDK).
    let client_id = given(credentials, "client_id")?;
    let app_id = client_id.split('-').next().unwrap_or(client_id);
    let mut installed: Vec<Reached> = Vec::new();
    let mut token = None;
    for page in 0..PAGES {
        let mut request = Request::new(
            INSTALLED_LOCATIONS,
            Effect::Read,
            Method::GET,
            "/oauth/installedLocations",
        )
        .query("companyId", company.id.as_deref().unwrap_or_default())
        .query("appId", app_id)
        .query("isInstalled", "true")
        .query("limit", PAGE.to_string())
        .query("skip", (page * PAGE).to_string());
        if let Some(token) = token.take() {
            request = request.query("pageToken", token);
        }
        let response = as_company(calls, company, request).await?;
        if !response.status.is_success() {
            return Err(Error::Refused {
                operation: INSTALLED_LOCATIONS,
                refusal: Complaint::of(&response).refusal(Vec::new()),
            });
        }
        let body: Json = response.json(INSTALLED_LOCATIONS)?;
        let items = body["locations"].as_array().or(body["items"].as_array());
        let found = items.map_or(0, Vec::len);
        installed.extend(
            items
                .into_iter()
                .flatten()
                .filter(|item| item["isInstalled"] != Json::Bool(false))
                .filter_map(|item| {
                    let id = item["_id"]
                        .as_str()
                        .or(item["id"].as_str())
                        .or(item["locationId"].as_str())?;
                    Some(Reached {
                        id: id.to_owned(),
                        name: item["name"].as_str().unwrap_or("?").to_owned(),
                    })
                }),
        );
        token = body["pagination"]["nextPageToken"]
            .as_str()
            .map(str::to_owned);
        if found < PAGE && token.is_none() {
            break;
        }
    }
    Ok(installed)
}
