//! The route table: which path is which operation, who may call it, and which API version has it.

use std::sync::LazyLock;

use http::Method;

use super::resources;
use crate::counts::Access;

/// An operation of the simulated part of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    ChooseLocation,
    ApproveInstall,
    Token,
    LocationToken,
    InstalledLocations,
    Reconnect,
    CreateContact,
    ListContacts,
    SearchContacts,
    FindDuplicate,
    UpsertContact,
    GetContact,
    UpdateContact,
    DeleteContact,
    AddTags,
    RemoveTags,
    AddFollowers,
    RemoveFollowers,
    BulkTags,
    GetLocation,
    SearchLocations,
    ListFields,
    CreateField,
    GetField,
    UpdateField,
    DeleteField,
    ListTags,
    CreateTag,
    GetTag,
    UpdateTag,
    DeleteTag,
    ListUsers,
    SearchUsers,
    GetUser,
    ListBusinesses,
    CreateBusiness,
    GetBusiness,
    UpdateBusiness,
    DeleteBusiness,
    ContactsOfBusiness,
    BulkBusiness,
    /// A row of the table of resources that are not in sync.
    Resource(usize),
}

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// No token.
    Nothing,
    /// A sub-account's token, with a scope.
    Location(&'static str),
    /// A sub-account's token; the specification names no scope.
    LocationNoScope,
    /// A sub-account's or an agency's token, with a scope.
    Either(&'static str),
    /// An agency's OAuth token, with a scope.
    AgencyApp(&'static str),
}

/// Which versions of the API know a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Always,
    OnlyV3,
}

pub(crate) struct Row {
    pub(crate) route: Route,
    pub(crate) method: Method,
    pub(crate) template: &'static str,
    pub(crate) needs: Needs,
    pub(crate) access: Access,
    pub(crate) known: Known,
}

const fn row(
    route: Route,
    method: Method,
    template: &'static str,
    needs: Needs,
    access: Access,
) -> Row {
    Row {
        route,
        method,
        template,
        needs,
        access,
        known: Known::Always,
    }
}

const fn v3(
    route: Route,
    method: Method,
    template: &'static str,
    needs: Needs,
    access: Access,
) -> Row {
    Row {
        route,
        method,
        template,
        needs,
        access,
        known: Known::OnlyV3,
    }
}

const READ: Access = Access::Read;
const WRITE: Access = Access::Write;
const SIGN_IN: Access = Access::SignIn;
const CONTACTS_READ: Needs = Needs::Location("contacts.readonly");
const CONTACTS_WRITE: Needs = Needs::Location("contacts.write");
const BUSINESSES_READ: Needs = Needs::Location("businesses.readonly");
const BUSINESSES_WRITE: Needs = Needs::Location("businesses.write");
const FIELDS_READ: Needs = Needs::Location("locations/customFields.readonly");
const FIELDS_WRITE: Needs = Needs::Location("locations/customFields.write");
const TAGS_READ: Needs = Needs::Location("locations/tags.readonly");
const TAGS_WRITE: Needs = Needs::Location("locations/tags.write");

/// Literal segments stand before placeholders, so the first match is right.
static TABLE: &[Row] = &[
    row(
        Route::ChooseLocation,
        Method::GET,
        "/oauth/chooselocation",
        Needs::Nothing,
        SIGN_IN,
    ),
    row(
        Route::ChooseLocation,
        Method::GET,
        "/v2/oauth/chooselocation",
        Needs::Nothing,
        SIGN_IN,
    ),
    row(
        Route::ApproveInstall,
        Method::POST,
        "/oauth/chooselocation",
        Needs::Nothing,
        SIGN_IN,
    ),
    row(
        Route::Token,
        Method::POST,
        "/oauth/token",
        Needs::Nothing,
        SIGN_IN,
    ),
    row(
        Route::LocationToken,
        Method::POST,
        "/oauth/locationToken",
        Needs::AgencyApp("oauth.write"),
        SIGN_IN,
    ),
    v3(
        Route::LocationToken,
        Method::POST,
        "/oauth/location-token",
        Needs::AgencyApp("oauth.write"),
        SIGN_IN,
    ),
    row(
        Route::InstalledLocations,
        Method::GET,
        "/oauth/installedLocations",
        Needs::AgencyApp("oauth.readonly"),
        READ,
    ),
    v3(
        Route::InstalledLocations,
        Method::GET,
        "/oauth/installed-locations",
        Needs::AgencyApp("oauth.readonly"),
        READ,
    ),
    row(
        Route::Reconnect,
        Method::POST,
        "/oauth/reconnect",
        Needs::Nothing,
        SIGN_IN,
    ),
    row(
        Route::CreateContact,
        Method::POST,
        "/contacts",
        CONTACTS_WRITE,
        WRITE,
    ),
    row(
        Route::ListContacts,
        Method::GET,
        "/contacts",
        CONTACTS_READ,
        READ,
    ),
    row(
        Route::SearchContacts,
        Method::POST,
        "/contacts/search",
        CONTACTS_READ,
        READ,
    ),
    row(
        Route::FindDuplicate,
        Method::GET,
        "/contacts/search/duplicate",
        CONTACTS_READ,
        READ,
    ),
    row(
        Route::UpsertContact,
        Method::POST,
        "/contacts/upsert",
        CONTACTS_WRITE,
        WRITE,
    ),
    row(
        Route::BulkTags,
        Method::POST,
        "/contacts/bulk/tags/update/{type}",
        Needs::LocationNoScope,
        WRITE,
    ),
    row(
        Route::BulkBusiness,
        Method::POST,
        "/contacts/bulk/business",
        Needs::LocationNoScope,
        WRITE,
    ),
    row(
        Route::ContactsOfBusiness,
        Method::GET,
        "/contacts/business/{businessId}",
        CONTACTS_READ,
        READ,
    ),
    row(
        Route::GetContact,
        Method::GET,
        "/contacts/{contactId}",
        CONTACTS_READ,
        READ,
    ),
    row(
        Route::UpdateContact,
        Method::PUT,
        "/contacts/{contactId}",
        CONTACTS_WRITE,
        WRITE,
    ),
    row(
        Route::DeleteContact,
        Method::DELETE,
        "/contacts/{contactId}",
        CONTACTS_WRITE,
        WRITE,
    ),
    row(
        Route::AddTags,
        Method::POST,
        "/contacts/{contactId}/tags",
        CONTACTS_WRITE,
        WRITE,
    ),
    row(
        Route::RemoveTags,
        Method::DELETE,
        "/contacts/{contactId}/tags",
        CONTACTS_WRITE,
        WRITE,
    ),
    row(
        Route::AddFollowers,
        Method::POST,
        "/contacts/{contactId}/followers",
        CONTACTS_WRITE,
        WRITE,
    ),
    row(
        Route::RemoveFollowers,
        Method::DELETE,
        "/contacts/{contactId}/followers",
        CONTACTS_WRITE,
        WRITE,
    ),
    row(
        Route::SearchLocations,
        Method::GET,
        "/locations/search",
        Needs::Either("locations.readonly"),
        READ,
    ),
    row(
        Route::GetLocation,
        Method::GET,
        "/locations/{locationId}",
        Needs::Either("locations.readonly"),
        READ,
    ),
    row(
        Route::ListFields,
        Method::GET,
        "/locations/{locationId}/customFields",
        FIELDS_READ,
        READ,
    ),
    row(
        Route::CreateField,
        Method::POST,
        "/locations/{locationId}/customFields",
        FIELDS_WRITE,
        WRITE,
    ),
    row(
        Route::GetField,
        Method::GET,
        "/locations/{locationId}/customFields/{id}",
        FIELDS_READ,
        READ,
    ),
    row(
        Route::UpdateField,
        Method::PUT,
        "/locations/{locationId}/customFields/{id}",
        FIELDS_WRITE,
        WRITE,
    ),
    row(
        Route::DeleteField,
        Method::DELETE,
        "/locations/{locationId}/customFields/{id}",
        FIELDS_WRITE,
        WRITE,
    ),
    row(
        Route::ListTags,
        Method::GET,
        "/locations/{locationId}/tags",
        TAGS_READ,
        READ,
    ),
    row(
        Route::CreateTag,
        Method::POST,
        "/locations/{locationId}/tags",
        TAGS_WRITE,
        WRITE,
    ),
    row(
        Route::GetTag,
        Method::GET,
        "/locations/{locationId}/tags/{tagId}",
        TAGS_READ,
        READ,
    ),
    row(
        Route::UpdateTag,
        Method::PUT,
        "/locations/{locationId}/tags/{tagId}",
        TAGS_WRITE,
        WRITE,
    ),
    row(
        Route::DeleteTag,
        Method::DELETE,
        "/locations/{locationId}/tags/{tagId}",
        TAGS_WRITE,
        WRITE,
    ),
    row(
        Route::ListUsers,
        Method::GET,
        "/users",
        Needs::Location("users.readonly"),
        READ,
    ),
    row(
        Route::SearchUsers,
        Method::GET,
        "/users/search",
        Needs::Either("users.readonly"),
        READ,
    ),
    row(
        Route::GetUser,
        Method::GET,
        "/users/{userId}",
        Needs::Either("users.readonly"),
        READ,
    ),
    row(
        Route::ListBusinesses,
        Method::GET,
        "/businesses",
        BUSINESSES_READ,
        READ,
    ),
    row(
        Route::CreateBusiness,
        Method::POST,
        "/businesses",
        BUSINESSES_WRITE,
        WRITE,
    ),
    row(
        Route::GetBusiness,
        Method::GET,
        "/businesses/{businessId}",
        BUSINESSES_READ,
        READ,
    ),
    row(
        Route::UpdateBusiness,
        Method::PUT,
        "/businesses/{businessId}",
        BUSINESSES_WRITE,
        WRITE,
    ),
    row(
        Route::DeleteBusiness,
        Method::DELETE,
        "/businesses/{businessId}",
        BUSINESSES_WRITE,
        WRITE,
    ),
];

/// The row of a request, and the segments that stand for placeholders. A slash at the end is allowed.
pub(crate) fn find<'a>(method: &Method, path: &'a str) -> Option<(&'static Row, Vec<&'a str>)> {
    let path = path.strip_suffix('/').unwrap_or(path);
    TABLE
        .iter()
        .chain(RESOURCES.iter())
        .filter(|row| row.method == *method)
        .find_map(|row| Some((row, matches(row.template, path)?)))
}

/// The rows of resources that are not in sync, as routes.
static RESOURCES: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let rows = resources::ROWS.iter().enumerate();
    rows.map(|(at, resource)| Row {
        route: Route::Resource(at),
        method: resource.method.clone(),
        template: resource.template,
        needs: resource.needs,
        access: match resource.method {
            Method::GET => READ,
            _ => WRITE,
        },
        known: resource.known,
    })
    .collect()
});

fn matches<'a>(template: &str, path: &'a str) -> Option<Vec<&'a str>> {
    let mut parameters = Vec::new();
    let mut wanted = template.split('/');
    let mut given = path.split('/');
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(parameters),
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {
                parameters.push(given)
            }
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_win_over_placeholders_and_a_last_slash_is_nothing() {
        let route = |method, path: &str| find(&method, path).map(|(row, _)| row.route);
        assert_eq!(
            route(Method::POST, "/contacts/"),
            Some(Route::CreateContact)
        );
        assert_eq!(
            route(Method::POST, "/contacts/upsert/"),
            Some(Route::UpsertContact)
        );
        assert_eq!(
            route(Method::GET, "/contacts/search/duplicate"),
            Some(Route::FindDuplicate)
        );
        assert_eq!(
            route(Method::GET, "/contacts/abc/"),
            Some(Route::GetContact)
        );
        assert_eq!(route(Method::GET, "/contacts/abc/nothing"), None);
        assert_eq!(
            find(&Method::GET, "/locations/l/customFields/f").map(|(_, found)| found),
            Some(vec!["l", "f"])
        );
    }
}
