//! Which sub-account a connection reaches, and which rights it lacks.

use connector::{Account, Calls, Credentials, Effect, Error, Request, Response};
use http::Method;
use record::Entity;
use serde_json::{Value as Json, json};

use crate::{
    answer::Complaint,
    appointment, auth,
    contact::{custom_fields, users},
    describe::{OAUTH, PRIVATE_TOKEN},
    operation::{
        CHECK_BUSINESSES, CHECK_CALENDARS, CHECK_CONTACTS, CHECK_EVENTS, CHECK_LOCATION,
        CHECK_PIPELINES, CHECK_TASKS, scope_of,
    },
    requests::segment,
    settings::Settings,
};

pub(crate) async fn check(
    calls: &dyn Calls,
    credentials: &Credentials,
    entities: &[Entity],
    write: bool,
) -> Result<Account, Error> {
    let id = Settings::of(calls).location()?.to_owned();
    let mut account = Account {
        name: id.clone(),
        id,
        country: None,
        time_zone: None,
        missing: Vec::new(),
        remarks: Vec::new(),
    };
    location(calls, &mut account).await?;
    read_one_of_each(calls, entities, &mut account).await?;
    if custom_fields(calls).await?.is_none() {
        miss(&mut account, "locations/customFields.readonly");
        account.remarks.push(
            "custom fields cannot be read, so they are left out and mappings to them are paused"
                .to_owned(),
        );
    }
    if users(calls).await?.is_none() {
        miss(&mut account, "users.readonly");
        account
            .remarks
            .push("users cannot be read, so owners show as ids without names".to_owned());
    }
    compare_scopes(credentials, entities, write, &mut account);
    Ok(account)
}

/// Scopes of an OAuth token are listed with it. A private token has no such list: what it may read is
/// proven by reading.
fn compare_scopes(
    credentials: &Credentials,
    entities: &[Entity],
    write: bool,
    account: &mut Account,
) {
    match credentials.scheme.as_str() {
        OAUTH => {
            let granted = credentials
                .tokens
                .as_ref()
                .map(|tokens| tokens.scopes.as_slice())
                .unwrap_or_default();
            if granted.is_empty() {
                account
                    .remarks
                    .push("the sign-in did not say which scopes it granted".to_owned());
                return;
            }
            for scope in auth::scopes(entities, write) {
                if !granted.contains(&scope) {
                    miss(account, &scope);
                }
            }
        }
        PRIVATE_TOKEN => {
            if write {
                let mut scopes = auth::scopes(entities, true);
                scopes.retain(|scope| scope.ends_with(".write"));
                account.remarks.push(format!(
                    "a private token does not say whether it may write: that shows at the first \
                     write, which needs {}",
                    scopes.join(", ")
                ));
            }
            account
                .remarks
                .push("private tokens get no webhooks: changes are found by polling".to_owned());
        }
        _ => {}
    }
}

fn miss(account: &mut Account, scope: &str) {
    if !account.missing.iter().any(|missing| missing == scope) {
        account.missing.push(scope.to_owned());
    }
}

async fn location(calls: &dyn Calls, account: &mut Account) -> Result<(), Error> {
    let path = format!("/locations/{}", segment(&account.id));
    let request = Request::new(CHECK_LOCATION, Effect::Read, Method::GET, path);
    let response = calls.send(request).await?;
    if !response.status.is_success() {
        if lacks_scope(&response) {
            miss(account, "locations.readonly");
            account.remarks.push(
                "the sub-account cannot be read, so its name, country and time zone are unknown"
                    .to_owned(),
            );
            return Ok(());
        }
        return Err(no_such_location(&response, &account.id));
    }
    let body: Json = response.json(CHECK_LOCATION)?;
    let location = &body["location"];
    let text = |key: &str| {
        location[key]
            .as_str()
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    if let Some(name) = text("name").or_else(|| {
        location["business"]["name"]
            .as_str()
            .map(str::to_owned)
            .filter(|name| !name.is_empty())
    }) {
        account.name = name;
    }
    account.country = text("country").map(|country| country.to_uppercase());
    account.time_zone = text("timezone");
    if location["settings"]["allowDuplicateContact"] == json!(true) {
        account.remarks.push(
            "the sub-account allows duplicate contacts, so HighLevel itself keeps no e-mail or \
             phone unique"
                .to_owned(),
        );
    }
    Ok(())
}

fn no_such_location(response: &Response, id: &str) -> Error {
    let complaint = Complaint::of(response);
    match response.status.as_u16() {
        400 | 404 | 422 => Error::Setting {
            setting: "location_id",
            hint: format!(
                "HighLevel does not give sub-account {id} ({})",
                complaint.message()
            ),
        },
        _ => Error::Refused {
            operation: CHECK_LOCATION,
            refusal: complaint.refusal(Vec::new()),
        },
    }
}

/// Reads one of each kind in sync: a private token does not say what it may read, and one of OAuth may say more than
/// the app has by now.
async fn read_one_of_each(
    calls: &dyn Calls,
    entities: &[Entity],
    account: &mut Account,
) -> Result<(), Error> {
    let location = account.id.clone();
    let get = |operation, path: &str| Request::new(operation, Effect::Read, Method::GET, path);
    if entities.contains(&Entity::Contact) {
        let body = json!({ "locationId": location, "pageLimit": 1 });
        let request = Request::new(
            CHECK_CONTACTS,
            Effect::Read,
            Method::POST,
            "/contacts/search",
        );
        read_one(calls, request.json(body), account).await?;
    }
    if entities.contains(&Entity::Company) {
        let request = get(CHECK_BUSINESSES, "/businesses/")
            .query("locationId", location.as_str())
            .query("limit", "1");
        read_one(calls, request, account).await?;
    }
    if entities.contains(&Entity::Opportunity) {
        let request =
            get(CHECK_PIPELINES, "/opportunities/pipelines").query("locationId", location.as_str());
        read_one(calls, request, account).await?;
    }
    if entities.contains(&Entity::Task) {
        let path = format!("/locations/{}/tasks/search", segment(&location));
        let body = json!({ "limit": 1, "skip": 0 });
        let request = Request::new(CHECK_TASKS, Effect::Read, Method::POST, path);
        read_one(calls, request.json(body), account).await?;
    }
    if entities.contains(&Entity::Appointment) {
        appointments(calls, &location, account).await?;
    }
    Ok(())
}

/// The calendars, and what is in the first of them: without one there is nothing that could be read.
async fn appointments(
    calls: &dyn Calls,
    location: &str,
    account: &mut Account,
) -> Result<(), Error> {
    let request = appointment::REST
        .request(CHECK_CALENDARS, Effect::Read, Method::GET, "/calendars/")
        .query("locationId", location);
    let Some(response) = read_one(calls, request, account).await? else {
        return Ok(());
    };
    let body: Json = response.json(CHECK_CALENDARS)?;
    let Some(calendar) = body["calendars"][0]["id"].as_str() else {
        return Ok(());
    };
    let hour = 3_600_000;
    let now = calls.now().as_millisecond();
    let request = appointment::REST
        .request(CHECK_EVENTS, Effect::Read, Method::GET, "/calendars/events")
        .query("locationId", location)
        .query("calendarId", calendar)
        .query("startTime", now.to_string())
        .query("endTime", (now + hour).to_string());
    read_one(calls, request, account).await?;
    Ok(())
}

/// The answer, or `None` where the scope is missing, which is noted.
async fn read_one(
    calls: &dyn Calls,
    request: Request,
    account: &mut Account,
) -> Result<Option<Response>, Error> {
    let operation = request.operation;
    let response = calls.send(request).await?;
    if response.status.is_success() {
        return Ok(Some(response));
    }
    if lacks_scope(&response)
        && let Some(scope) = scope_of(operation)
    {
        miss(account, scope);
        return Ok(None);
    }
    Err(Error::Refused {
        operation,
        refusal: Complaint::of(&response).refusal(Vec::new()),
    })
}

fn lacks_scope(response: &Response) -> bool {
    Complaint::of(response).is_missing_scope()
}
