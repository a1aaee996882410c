//! Signing in and staying signed in: code exchange, refresh, the exchange of an agency's token for a
//! sub-account's, and recovery when the tokens are lost.
//!
//! Refresh tokens are single use: each refresh gives a new one and voids the old, except that for 30 s
//! the same request gets the same answer again (the vendor's changelog, read by others). So a refresh whose
//! answer got lost comes back as "outcome unknown", and the caller repeats it within that time.

use connector::{Body, CallError, Calls, Credentials, Effect, Error, Grant, Request, Tokens};
use http::Method;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::{
    agency::{installed_locations, mint},
    answer::Complaint,
    auth::{given, not_signed_in, set_version},
    describe::{OAUTH, PRIVATE_TOKEN},
    operation::{LOCATION_TOKEN, RECONNECT, TOKEN},
    settings::Settings,
    tokens::{Company, LocationRefresh, TokenAnswer},
};

/// Why a token request brought no token.
pub(crate) enum Failure {
    /// The code or refresh token is worth nothing (any more).
    Dead(String),
    /// Anything else.
    Other(Error),
}

impl Failure {
    fn into_error(self, operation: &'static str) -> Error {
        match self {
            Self::Dead(said) => credentials(operation, format!("sign in again ({said})")),
            Self::Other(error) => error,
        }
    }
}

fn credentials(operation: &'static str, why: String) -> Error {
    CallError::Credentials { operation, why }.into()
}

pub(crate) async fn exchange_code(
    calls: &dyn Calls,
    credentials: &Credentials,
    redirect_uri: &str,
    code: &str,
) -> Result<Grant, Error> {
    let user_type = if Settings::of(calls).agency_install() {
        "Company"
    } else {
        "Location"
    };
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("user_type", user_type),
    ];
    let (answer, sent) = token(calls, credentials, &form)
        .await
        .map_err(|failure| failure.into_error(TOKEN))?;
    settle(calls, credentials, answer, sent).await
}

pub(crate) async fn refresh(calls: &dyn Calls, credentials: &Credentials) -> Result<Grant, Error> {
    if credentials.scheme == PRIVATE_TOKEN {
        return Err(self::credentials(
            TOKEN,
            "HighLevel no longer takes the private integration token: make a new one in the \
             sub-account (Settings → Private Integrations) and connect again"
                .to_owned(),
        ));
    }
    let tokens = credentials
        .tokens
        .as_ref()
        .filter(|_| credentials.scheme == OAUTH)
        .ok_or_else(|| not_signed_in(TOKEN))?;
    // Before the refresh token is spent: an answer for the wrong location would be of no use.
    if let (Some(granted), Some(wanted)) = (
        tokens.account["locationId"].as_str(),
        Settings::of(calls).location_if_set(),
    ) && granted != wanted
    {
        return Err(wrong_location(granted, wanted));
    }
    let company = Company::kept_in(tokens);

    let mut why = "there is no refresh token".to_owned();
    if let Some(refresh) = tokens.location_refresh() {
        match refresh_grant(calls, credentials, refresh.expose(), "Location").await {
            Ok((answer, sent)) if answer.is_company() => {
                return mint_or_keep(calls, tokens, answer.into_company(sent)).await;
            }
            Ok((answer, sent)) => return location_grant(calls, answer, sent, company),
            Err(Failure::Dead(said)) => why = said,
            Err(Failure::Other(error)) => return Err(error),
        }
    }
    if let Some(company) = company {
        match through_company(calls, credentials, tokens, company).await {
            Ok(grant) => return Ok(grant),
            Err(Failure::Dead(said)) => why = said,
            Err(Failure::Other(error)) => return Err(error),
        }
    }
    reconnect(calls, credentials, &why).await
}

/// A new location token through the agency's, refreshing that one first if it is old.
async fn through_company(
    calls: &dyn Calls,
    credentials: &Credentials,
    tokens: &Tokens,
    company: Company,
) -> Result<Grant, Failure> {
    let location = Settings::of(calls).location().map_err(Failure::Other)?;
    if company.is_valid_at(calls.now()) {
        match mint(calls, &company, location).await {
            Ok((answer, sent)) => {
                return location_grant(calls, answer, sent, Some(company)).map_err(Failure::Other);
            }
            // The agency's token ended early: refresh it.
            Err(Failure::Dead(_)) => {}
            Err(Failure::Other(error)) => return Err(Failure::Other(error)),
        }
    }
    let refresh = company
        .refresh
        .as_ref()
        .ok_or_else(|| Failure::Dead("the agency's sign-in has ended".to_owned()))?;
    let (answer, sent) = refresh_grant(calls, credentials, refresh.expose(), "Company").await?;
    let mut fresh = answer.into_company(sent);
    fresh.id = fresh.id.or(company.id);
    mint_or_keep(calls, tokens, fresh)
        .await
        .map_err(Failure::Other)
}

/// A location's token for an agency's that was just refreshed. The agency's old refresh token is
/// spent, so its successor must be saved whatever comes of it: if no location token can be had, the old
/// one is handed back as ended. The next refresh then begins with the agency's new token, and says
/// what is wrong if something still is.
async fn mint_or_keep(
    calls: &dyn Calls,
    tokens: &Tokens,
    company: Company,
) -> Result<Grant, Error> {
    let minted = match Settings::of(calls).location() {
        Ok(location) => mint(calls, &company, location).await,
        Err(error) => Err(Failure::Other(error)),
    };
    match minted {
        Ok((answer, sent)) => location_grant(calls, answer, sent, Some(company)),
        Err(failure) => {
            let error = failure.into_error(LOCATION_TOKEN);
            tracing::warn!(%error, "the agency's token was refreshed, but gave no location token");
            let mut kept = tokens.clone();
            company.replace_in(&mut kept, calls.now());
            Ok(Grant {
                tokens: kept,
                settings: json!({}),
            })
        }
    }
}

/// What a token answer of either class ends in: tokens for the connection's location.
pub(crate) async fn settle(
    calls: &dyn Calls,
    credentials: &Credentials,
    answer: TokenAnswer,
    sent: Timestamp,
) -> Result<Grant, Error> {
    if !answer.is_company() {
        return location_grant(calls, answer, sent, None);
    }
    let company = answer.into_company(sent);
    let Some(location) = Settings::of(calls).location_if_set() else {
        let installed = installed_locations(calls, credentials, &company).await;
        return Err(Error::Setting {
            setting: "location_id",
            hint: format!(
                "the app was installed for the whole agency, so say which sub-account is meant and \
                 connect again; {installed}"
            ),
        });
    };
    match mint(calls, &company, location).await {
        Ok((answer, sent)) => location_grant(calls, answer, sent, Some(company)),
        Err(Failure::Other(error)) => Err(error),
        Err(Failure::Dead(said)) => {
            let installed = installed_locations(calls, credentials, &company).await;
            Err(Error::Setting {
                setting: "location_id",
                hint: format!(
                    "the agency's sign-in gives no token for {location} ({said}); {installed}"
                ),
            })
        }
    }
}

fn wrong_location(granted: &str, wanted: &str) -> Error {
    Error::Setting {
        setting: "location_id",
        hint: format!(
            "the sign-in was for sub-account {granted}, but this connection is for {wanted}: \
             choose {wanted} when signing in, or make another connection for {granted}"
        ),
    }
}

/// Tokens for a location, if it is the one that the connection is for.
pub(crate) fn location_grant(
    calls: &dyn Calls,
    answer: TokenAnswer,
    sent: Timestamp,
    company: Option<Company>,
) -> Result<Grant, Error> {
    let settings = Settings::of(calls);
    if let (Some(granted), Some(wanted)) = (answer.location_id(), settings.location_if_set())
        && granted != wanted
    {
        return Err(wrong_location(granted, wanted));
    }
    let location = answer
        .location_id()
        .or_else(|| settings.location_if_set())
        .map(str::to_owned);
    let company_id = answer
        .company_id()
        .map(str::to_owned)
        .or_else(|| company.as_ref().and_then(|company| company.id.clone()));
    let mut settled = serde_json::Map::new();
    if let Some(location) = location {
        settled.insert("location_id".to_owned(), Json::String(location));
    }
    if let Some(company_id) = company_id {
        settled.insert("company_id".to_owned(), Json::String(company_id));
    }
    Ok(Grant {
        tokens: answer.into_tokens(sent, company),
        settings: Json::Object(settled),
    })
}

async fn refresh_grant(
    calls: &dyn Calls,
    credentials: &Credentials,
    refresh: &str,
    user_type: &str,
) -> Result<(TokenAnswer, Timestamp), Failure> {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh),
        ("user_type", user_type),
    ];
    token(calls, credentials, &form).await
}

/// `POST /oauth/token`, form-encoded.
async fn token(
    calls: &dyn Calls,
    credentials: &Credentials,
    form: &[(&str, &str)],
) -> Result<(TokenAnswer, Timestamp), Failure> {
    let client_id = given(credentials, "client_id").map_err(Failure::Other)?;
    let client_secret = given(credentials, "client_secret").map_err(Failure::Other)?;
    let mut request = Request::new(TOKEN, Effect::Write, Method::POST, "/oauth/token");
    set_version(&mut request, Settings::of(calls)).map_err(Failure::Other)?;
    let keys = [("client_id", client_id), ("client_secret", client_secret)];
    request.body = Body::Form(
        keys.iter()
            .chain(form)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    );
    let response = calls
        .send(request)
        .await
        .map_err(|error| Failure::Other(error.into()))?;
    if response.status.is_success() {
        let answer = TokenAnswer::read(TOKEN, &response).map_err(Failure::Other)?;
        return Ok((answer, response.sent));
    }
    let complaint = Complaint::of(&response);
    let said = complaint.message();
    if complaint.says("not active") {
        return Err(Failure::Other(self::credentials(
            TOKEN,
            format!("the sub-account is not active; this works again once it is ({said})"),
        )));
    }
    if complaint.says("client") {
        return Err(Failure::Other(self::credentials(
            TOKEN,
            format!("check the app's client ID and client secret ({said})"),
        )));
    }
    Err(Failure::Dead(said))
}

/// While the app is still installed, its own credentials get new tokens when all are lost: for the sub-account, or where it was the
/// agency that installed the app, for that.
async fn reconnect(
    calls: &dyn Calls,
    credentials: &Credentials,
    why: &str,
) -> Result<Grant, Error> {
    let settings = Settings::of(calls);
    let location = settings.location_if_set().map(|id| ("locationId", id));
    let company = settings.company_if_set().map(|id| ("companyId", id));
    let by_agency = settings.agency_install()
        || credentials
            .tokens
            .as_ref()
            .is_some_and(|tokens| Company::kept_in(tokens).is_some());
    let first = location
        .or(company)
        .ok_or_else(|| self::credentials(TOKEN, format!("sign in again ({why})")))?;
    let bought = match (bought_anew(calls, credentials, first, why).await, company) {
        (Err(Error::Call(CallError::Credentials { .. })), Some(company))
            if by_agency && company != first =>
        {
            bought_anew(calls, credentials, company, why).await
        }
        (bought, _) => bought,
    };
    let (answer, sent) = bought?;
    settle(calls, credentials, answer, sent).await
}

/// `POST /oauth/reconnect`, and the tokens for its code, for `locationId` or `companyId` (the vendor's help page on broken apps).
pub(crate) async fn bought_anew(
    calls: &dyn Calls,
    credentials: &Credentials,
    (key, account): (&str, &str),
    why: &str,
) -> Result<(TokenAnswer, Timestamp), Error> {
    let mut body = json!({
        "clientKey": given(credentials, "client_id")?,
        "clientSecret": given(credentials, "client_secret")?,
    });
    body[key] = json!(account);
    let mut request = Request::new(RECONNECT, Effect::Write, Method::POST, "/oauth/reconnect");
    set_version(&mut request, Settings::of(calls))?;
    let response = calls.send(request.json(body)).await?;
    if !response.status.is_success() {
        let said = Complaint::of(&response).message();
        return Err(self::credentials(
            TOKEN,
            format!("sign in again ({why}; reconnecting by the app's own credentials: {said})"),
        ));
    }
    let body: Json = response.json(RECONNECT)?;
    let code = body["authorizationCode"]
        .as_str()
        .ok_or(Error::Unexpected {
            operation: RECONNECT,
            status: response.status.as_u16(),
            what: "it holds no authorizationCode".to_owned(),
        })?;
    let user_type = match key {
        "locationId" => "Location",
        _ => "Company",
    };
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("user_type", user_type),
    ];
    token(calls, credentials, &form)
        .await
        .map_err(|failure| failure.into_error(TOKEN))
}
