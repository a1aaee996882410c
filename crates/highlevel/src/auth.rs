//! Signing requests, the scopes to ask for, and the address of the consent page.

use connector::{CallError, Credentials, Error, Need, Request};
use http::{HeaderName, HeaderValue, header::AUTHORIZATION};
use record::Entity;
use serde_json::Value as Json;

use crate::{
    describe::{BASE_URL, OAUTH, PRIVATE_TOKEN, TITLE},
    operation,
    settings::Settings,
};

/// The consent page (the vendor's page on authorisation; white-label agencies use
/// `https://marketplace.leadconnectorhq.com/v2/oauth/chooselocation`).
const AUTHORIZE_URL: &str = "https://marketplace.gohighlevel.com/v2/oauth/chooselocation";

const VERSION: HeaderName = HeaderName::from_static("version");

pub(crate) fn authorise(
    request: &mut Request,
    credentials: &Credentials,
    settings: &Json,
) -> Result<(), Error> {
    set_version(request, Settings::new(settings))?;
    if operation::is_sign_in(request.operation) {
        // Carries what it needs already, if anything.
        return Ok(());
    }
    let token = match credentials.scheme.as_str() {
        PRIVATE_TOKEN => credentials
            .given("token")
            .map(str::trim)
            .filter(|token| !token.is_empty())
            .ok_or_else(|| Error::Setting {
                setting: "token",
                hint: "paste the private integration token of the sub-account".to_owned(),
            })?,
        OAUTH => credentials
            .tokens
            .as_ref()
            .map(|tokens| tokens.access.expose())
            .ok_or_else(|| not_signed_in(request.operation))?,
        other => {
            return Err(Error::Unsupported {
                system: TITLE,
                what: format!("sign-in by `{other}`; it takes {OAUTH} and {PRIVATE_TOKEN}"),
            });
        }
    };
    set_bearer(request, token)
}

/// The error of a connection that never signed in.
pub(crate) fn not_signed_in(operation: &'static str) -> Error {
    CallError::Credentials {
        operation,
        why: "nobody has signed in to HighLevel for this connection yet".to_owned(),
    }
    .into()
}

/// Adds the `Version` header, which every endpoint demands. One that the request has already stays, unless the
/// connection is set to another.
pub(crate) fn set_version(request: &mut Request, settings: Settings<'_>) -> Result<(), Error> {
    if request.headers.contains_key(&VERSION) && !settings.sets_api_version() {
        return Ok(());
    }
    let version = HeaderValue::from_str(settings.api_version()).map_err(|_| Error::Setting {
        setting: "api_version",
        hint: "it must be a date such as 2021-07-28".to_owned(),
    })?;
    request.headers.insert(VERSION, version);
    Ok(())
}

/// Adds the token. The text of the error never shows it.
pub(crate) fn set_bearer(request: &mut Request, token: &str) -> Result<(), Error> {
    let mut value =
        HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Error::Setting {
            setting: "token",
            hint: "it holds characters that no token has; paste it again".to_owned(),
        })?;
    value.set_sensitive(true);
    request.headers.insert(AUTHORIZATION, value);
    Ok(())
}

/// The least that is needed: the entity itself, the account's name and zone, custom fields and users
/// for the schema. Tags are read and written with the contact's own scopes.
pub(crate) fn scopes(entities: &[Entity], write: bool) -> Vec<String> {
    let mut scopes = Vec::new();
    // Tasks and notes stand under the scopes of their contact.
    let of_contacts = [Entity::Contact, Entity::Task, Entity::Note];
    if of_contacts.iter().any(|entity| entities.contains(entity)) {
        scopes.push("contacts.readonly");
        if write {
            scopes.push("contacts.write");
        }
    }
    if entities.contains(&Entity::Company) {
        scopes.push("businesses.readonly");
        if write {
            scopes.push("businesses.write");
        }
    }
    if entities.contains(&Entity::Opportunity) {
        scopes.push("opportunities.readonly");
        if write {
            scopes.push("opportunities.write");
        }
    }
    if entities.contains(&Entity::Appointment) {
        scopes.extend(["calendars.readonly", "calendars/events.readonly"]);
        if write {
            scopes.push("calendars/events.write");
        }
    }
    if entities.contains(&Entity::Task) {
        scopes.push("locations/tasks.readonly");
    }
    scopes.extend([
        "locations.readonly",
        "locations/customFields.readonly",
        "users.readonly",
    ]);
    scopes.into_iter().map(str::to_owned).collect()
}

/// What a scope is needed for, of the records of this entity.
pub(crate) fn needs(scope: &str, entity: Entity) -> Vec<Need> {
    const WRITE: [Need; 3] = [Need::Create, Need::Update, Need::Remove];
    let of_contact = matches!(entity, Entity::Contact | Entity::Task | Entity::Note);
    match scope {
        "contacts.readonly" if of_contact => vec![Need::Read],
        "contacts.write" if of_contact => WRITE.to_vec(),
        "businesses.readonly" if entity == Entity::Company => vec![Need::Read],
        "businesses.write" if entity == Entity::Company => WRITE.to_vec(),
        "opportunities.readonly" if entity == Entity::Opportunity => vec![Need::Read],
        "opportunities.write" if entity == Entity::Opportunity => WRITE.to_vec(),
        "calendars.readonly" | "calendars/events.readonly" if entity == Entity::Appointment => {
            vec![Need::Read]
        }
        "calendars/events.write" if entity == Entity::Appointment => WRITE.to_vec(),
        // they are listed under their location, and edited under their contact
        "locations/tasks.readonly" if entity == Entity::Task => vec![Need::Read],
        "locations.readonly" => vec![Need::Beside(
            "the sub-account's name, country and time zone are unknown",
        )],
        "locations/customFields.readonly" if entity == Entity::Contact => vec![Need::Beside(
            "custom fields are left out, and mappings to them are paused",
        )],
        "users.readonly" if entity != Entity::Company && entity != Entity::Note => {
            vec![Need::Beside("owners show as ids without names")]
        }
        _ => Vec::new(),
    }
}

/// What making a custom field needs on top.
pub(crate) const FIELDS_WRITE: &str = "locations/customFields.write";

/// What exchanging an agency's token for a sub-account's needs on top.
const AGENCY_SCOPES: [&str; 2] = ["oauth.readonly", "oauth.write"];

pub(crate) fn authorize_url(
    base_url: &str,
    credentials: &Credentials,
    settings: &Json,
    redirect_uri: &str,
    scopes: &[String],
    state: &str,
) -> Result<String, Error> {
    if credentials.scheme != OAUTH {
        return Err(Error::Unsupported {
            system: TITLE,
            what: format!("a consent page for `{}`", credentials.scheme),
        });
    }
    let settings = Settings::new(settings);
    let client_id = given(credentials, "client_id")?;
    let mut scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    if settings.agency_install() {
        for scope in AGENCY_SCOPES {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
    }
    if settings.make_fields() {
        scopes.push(FIELDS_WRITE);
    }
    let mut url = consent_page(base_url, settings)?;
    {
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("client_id", client_id)
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", state);
        // Without it, a private app answers `error.noversionid` (measured by others).
        if let Some(version) = settings.version_id() {
            query.append_pair("version_id", version);
        }
    }
    // The vendor's own links write a space as %20; a literal plus is already %2B here.
    let query = url.query().unwrap_or_default().replace('+', "%20");
    url.set_query(Some(&query));
    Ok(url.into())
}

/// The consent page of the settings, else of the vendor; for a base URL that is not the vendor's (a
/// stand-in), the same path below it.
fn consent_page(base_url: &str, settings: Settings<'_>) -> Result<url::Url, Error> {
    let base_url = base_url.trim_end_matches('/');
    let address = match settings.authorize_url() {
        Some(address) => address.to_owned(),
        None if base_url == BASE_URL => AUTHORIZE_URL.to_owned(),
        None => format!("{base_url}/v2/oauth/chooselocation"),
    };
    url::Url::parse(&address)
        .ok()
        .filter(|url| !url.cannot_be_a_base())
        .ok_or_else(|| Error::Setting {
            setting: "authorize_url",
            hint: format!("it must be a full address such as {AUTHORIZE_URL}"),
        })
}

/// A sign-in field that must be there.
pub(crate) fn given<'a>(
    credentials: &'a Credentials,
    field: &'static str,
) -> Result<&'a str, Error> {
    credentials
        .given(field)
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Error::Setting {
            setting: field,
            hint: "copy it from the app in HighLevel's developer portal (Advanced settings → Auth)"
                .to_owned(),
        })
}
