//! Which organisation a connection reaches, and which scopes it lacks.

use connector::{Account, Calls, Credentials, Error};
use record::{Choice, Entity};
use serde_json::Value as Json;

use crate::{
    api::{bearing_missing_right, read, refused},
    auth,
    operation::{ORGANIZATION, READ_ORGANIZATION},
    properties,
    resource::Resource,
    schema::{check_defaults, locations, named},
    settings::{Refused, Settings},
    unsupported,
};

pub(crate) async fn check(
    calls: &dyn Calls,
    credentials: &Credentials,
    entities: &[Entity],
    write: bool,
) -> Result<Account, Error> {
    let id = Settings::of(calls).organization()?.to_owned();
    let mut account = Account {
        name: id.clone(),
        id,
        country: None,
        time_zone: None,
        missing: Vec::new(),
        remarks: Vec::new(),
    };
    match bearing_missing_right(organization(calls).await)? {
        Ok(Some(name)) => account.name = name,
        Ok(None) => {}
        Err(_) => account.remarks.push(format!(
            "the organisation's name is unknown without {READ_ORGANIZATION}"
        )),
    }
    let mut first = true;
    for entity in entities {
        let resource = Resource::holding(*entity).ok_or_else(|| unsupported(*entity))?;
        // any right proves that the organisation is the right one; all are compared below
        let place = format!("/{}", resource.path);
        let request = read(calls, resource.operations.check, &place)?.query("$limit", "1");
        match bearing_missing_right(calls.send(request).await.map_err(Error::from))? {
            Ok(response) if !response.status.is_success() => {
                return Err(refused(resource.operations.check, &response));
            }
            Ok(_) => {}
            Err(right) => miss(&mut account, &right),
        }
        if std::mem::take(&mut first) {
            of_schema(calls, resource, write, &mut account).await?;
        }
        remark_refused(calls, resource, &mut account);
    }
    compare_scopes(credentials, entities, write, &mut account);
    remark_further(calls, credentials, &mut account);
    Ok(account)
}

async fn organization(calls: &dyn Calls) -> Result<Option<String>, Error> {
    let response = calls.send(read(calls, ORGANIZATION, "")?).await?;
    if !response.status.is_success() {
        // the members' list says whether the organisation is there
        return Ok(None);
    }
    let body: Json = response.json(ORGANIZATION)?;
    Ok(body["name"]
        .as_str()
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned))
}

/// Locations and custom properties.
async fn of_schema(
    calls: &dyn Calls,
    resource: &Resource,
    write: bool,
    account: &mut Account,
) -> Result<(), Error> {
    match bearing_missing_right(locations(calls).await)? {
        Ok(locations) => {
            check_defaults(calls, &locations)?;
            if write {
                remark_defaults(calls, &locations, account);
            }
        }
        Err(right) => {
            miss(account, &right);
            account
                .remarks
                .push("locations cannot be read, so they show as ids without names".to_owned());
        }
    }
    if let Err(right) = bearing_missing_right(properties::specs(calls, resource).await)? {
        miss(account, &right);
        account.remarks.push(
            "custom properties cannot be read, so they are left out and mappings to them are \
             paused"
                .to_owned(),
        );
    }
    Ok(())
}

/// What new records still need.
fn remark_defaults(calls: &dyn Calls, locations: &[Choice], account: &mut Account) {
    let settings = Settings::of(calls);
    if settings.location().is_none() {
        account.remarks.push(format!(
            "new records need a location: set `location` to the id of one of {}, or map it",
            named(locations)
        ));
    }
    if !settings.has_start_date() {
        account.remarks.push(
            "new records need a start date: set `start_date` to `today` or a day, or map it"
                .to_owned(),
        );
    }
}

/// What was found to be refused is worth telling whenever somebody looks.
fn remark_refused(calls: &dyn Calls, resource: &Resource, account: &mut Account) {
    let settings = Settings::of(calls);
    for field in resource.fields {
        let refuses = |refused| settings.refuses(resource.entity, refused, field.name);
        let what = match (refuses(Refused::Create), refuses(Refused::Update)) {
            (true, true) => "is never taken",
            (true, false) => "is not taken when one is made",
            (false, true) => "is taken only when one is made",
            (false, false) => continue,
        };
        account.remarks.push(format!(
            "{} of {} {what}: this OfficeRnD refused it",
            field.name, resource.path
        ));
    }
}

/// The scopes that the sign-in could not get. A scope that is missing is found when the token is bought.
fn compare_scopes(
    credentials: &Credentials,
    entities: &[Entity],
    write: bool,
    account: &mut Account,
) {
    let granted = credentials
        .tokens
        .as_ref()
        .map(|tokens| tokens.scopes.as_slice())
        .unwrap_or_default();
    if granted.is_empty() {
        return;
    }
    for scope in auth::needed(entities, write) {
        if !granted.contains(&scope) {
            miss(account, &scope);
        }
    }
    let webhooks: Vec<String> = auth::useful()
        .into_iter()
        .filter(|scope| scope != READ_ORGANIZATION && !granted.contains(scope))
        .collect();
    if !webhooks.is_empty() {
        account.remarks.push(format!(
            "no webhooks without {}: changes are found by polling, and deletes by sweeps",
            webhooks.join(", ")
        ));
    }
}

/// Which scopes that the settings ask for are not there.
fn remark_further(calls: &dyn Calls, credentials: &Credentials, account: &mut Account) {
    let settings = Settings::of(calls);
    let granted = credentials
        .tokens
        .as_ref()
        .map(|tokens| tokens.scopes.as_slice())
        .unwrap_or_default();
    let missing = settings.missing_scopes();
    let (lacking, open): (Vec<String>, Vec<String>) = settings
        .further_scopes()
        .into_iter()
        .filter(|scope| !granted.contains(scope))
        .partition(|scope| missing.contains(scope));
    if !lacking.is_empty() {
        account.remarks.push(format!(
            "the application lacks {}: operations that need them are refused; grant them: they are asked for again every few \
             hours, and when somebody connects",
            lacking.join(", ")
        ));
    }
    if !open.is_empty() {
        account.remarks.push(format!(
            "whether the application has {} is found out with the next tokens, a few at a time",
            open.join(", ")
        ));
    }
}

fn miss(account: &mut Account, scope: &str) {
    if !account.missing.iter().any(|missing| missing == scope) {
        account.missing.push(scope.to_owned());
    }
}
