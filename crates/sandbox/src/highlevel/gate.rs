//! Who gets in: known path, version, token, rate, scope, in that order.

use std::sync::Arc;

use super::State;
use super::apps::{Access, Origin, Subject};
use super::errors;
use super::resources;
use super::routes::{self, Known, Needs, Route, Row};
use crate::core::Core;
use crate::vendor::{Answer, Call};

/// A request that got in.
pub(crate) struct Admitted<'a> {
    pub(crate) call: &'a Call<'a>,
    pub(crate) core: &'a Core,
    pub(crate) access: Arc<Access>,
    pub(crate) v3: bool,
    /// What stands for the placeholders of the path.
    pub(crate) parameters: Vec<&'a str>,
    pub(crate) now_ms: i64,
}

impl Admitted<'_> {
    pub(crate) fn parameter(&self, at: usize) -> &str {
        self.parameters.get(at).copied().unwrap_or_default()
    }

    /// The location that the token belongs to.
    pub(crate) fn own_location(&self) -> Option<&str> {
        match &self.access.subject {
            Subject::Location(id) => Some(id),
            Subject::Company => None,
        }
    }

    /// The value of a query parameter.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        query(self.call.query, name)
    }

    /// 201 where a POST was measured to answer so, against the documented 200.
    pub(crate) fn post_status(&self, documented: u16, measured: u16) -> u16 {
        post_status(self.core, documented, measured)
    }
}

pub(crate) fn post_status(core: &Core, documented: u16, measured: u16) -> u16 {
    match core.switches.choice("highlevel.post_status") {
        "documented" => documented,
        "created" => 201,
        _ => measured,
    }
}

pub(crate) fn query(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(own, _)| own == name)
        .map(|(_, value)| value.into_owned())
}

const SCOPE: &str = "The token is not authorized for this scope.";
const CLASS: &str = "This authClass type is not allowed to access this scope. Please verify your IAM configuration if this is not the case.";
const USER_TYPE: &str = "Token's user type mismatch!";

impl State {
    pub(crate) fn answer(&mut self, call: &Call<'_>, core: &Core) -> Answer {
        let Some((row, parameters)) = routes::find(call.method, call.path) else {
            return errors::cannot(call.method, call.path);
        };
        let v3 = match version(call, row, core) {
            Ok(v3) => v3,
            Err(refusal) => return refusal,
        };
        if row.known == Known::OnlyV3 && !v3 {
            return errors::cannot(call.method, call.path);
        }
        if row.needs == Needs::Nothing {
            return match row.route {
                Route::ChooseLocation => self.choose_location(call, core),
                Route::ApproveInstall => self.approve_install(call, core),
                Route::Reconnect => self.reconnect(call, core),
                _ => self.token(call, v3, core),
            };
        }
        let access = match self.authenticate(call, core) {
            Ok(access) => access,
            Err(refusal) => return refusal,
        };
        let verdict = self.limits.check(&access.limit_key, core);
        let mut answer = match &verdict {
            Some(verdict) if !verdict.allowed => verdict.refusal(core),
            _ => match authorize(&access, row.needs) {
                Err(refusal) => plainly(refusal, core),
                Ok(()) => {
                    let now_ms = core.clock.now_ms();
                    self.run(
                        row.route,
                        &Admitted {
                            call,
                            core,
                            access,
                            v3,
                            parameters,
                            now_ms,
                        },
                    )
                }
            },
        };
        if let Some(verdict) = verdict {
            answer.headers.extend(verdict.headers());
        }
        answer
    }

    fn run(&mut self, route: Route, admitted: &Admitted<'_>) -> Answer {
        let answered = match route {
            Route::CreateContact => self.create_contact(admitted),
            Route::GetContact => self.get_contact(admitted),
            Route::UpdateContact => self.update_contact(admitted),
            Route::DeleteContact => self.delete_contact(admitted),
            Route::UpsertContact => self.upsert_contact(admitted),
            Route::ListContacts if !admitted.core.switches.flag("highlevel.old_list") => {
                Err(errors::cannot(admitted.call.method, admitted.call.path))
            }
            Route::ListContacts => self.list_contacts(admitted),
            Route::SearchContacts => self.search_contacts(admitted),
            Route::FindDuplicate => self.find_duplicate(admitted),
            Route::AddTags => self.add_tags(admitted),
            Route::RemoveTags => self.remove_tags(admitted),
            Route::BulkTags => self.bulk_tags(admitted),
            Route::AddFollowers => self.change_followers(admitted, true),
            Route::RemoveFollowers => self.change_followers(admitted, false),
            Route::GetLocation => self.get_location(admitted),
            Route::SearchLocations => self.search_locations(admitted),
            Route::ListFields => self.list_fields(admitted),
            Route::CreateField => self.create_field(admitted),
            Route::GetField => self.get_field(admitted),
            Route::UpdateField => self.update_field(admitted),
            Route::DeleteField => self.delete_field(admitted),
            Route::ListTags => self.list_tags(admitted),
            Route::CreateTag => self.create_tag(admitted),
            Route::GetTag => self.get_tag(admitted),
            Route::UpdateTag => self.update_tag(admitted),
            Route::DeleteTag => self.delete_tag(admitted),
            Route::ListUsers => self.list_users(admitted),
            Route::SearchUsers => self.search_users(admitted),
            Route::GetUser => self.get_user(admitted),
            Route::ListBusinesses => self.list_businesses(admitted),
            Route::CreateBusiness => self.create_business(admitted),
            Route::GetBusiness => self.get_business(admitted),
            Route::UpdateBusiness => self.update_business(admitted),
            Route::DeleteBusiness => self.delete_business(admitted),
            Route::ContactsOfBusiness => self.contacts_of_business(admitted),
            Route::BulkBusiness => self.bulk_business(admitted),
            Route::Resource(at) => self.resource(&resources::ROWS[at], admitted),
            Route::LocationToken => self.location_token(admitted),
            Route::InstalledLocations => self.installed_locations(admitted),
            Route::ChooseLocation | Route::ApproveInstall | Route::Token | Route::Reconnect => {
                Err(errors::cannot(admitted.call.method, admitted.call.path))
            }
        };
        answered.unwrap_or_else(|refusal| plainly(refusal, admitted.core))
    }

    fn authenticate(&self, call: &Call<'_>, core: &Core) -> Result<Arc<Access>, Answer> {
        let header = call
            .headers
            .get(http::header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let Some(token) = header.and_then(|header| header.strip_prefix("Bearer ")) else {
            return Err(errors::unauthorized(
                "Invalid token: access token is invalid",
            ));
        };
        match self.tokens.access.get(token) {
            Some(access)
                if access
                    .expires_ms
                    .is_none_or(|end| core.clock.now_ms() < end) =>
            {
                Ok(Arc::clone(access))
            }
            _ if token.starts_with("pit-") => {
                Err(errors::unauthorized("Invalid Private Integration token"))
            }
            _ if token.split('.').count() != 3 => Err(errors::unauthorized("Invalid JWT")),
            _ => Err(errors::unauthorized(
                "Invalid token: access token is invalid",
            )),
        }
    }
}

/// Whether the request speaks v3; the measured refusals otherwise.
fn version(call: &Call<'_>, row: &Row, core: &Core) -> Result<bool, Answer> {
    let given = call
        .headers
        .get("version")
        .and_then(|value| value.to_str().ok());
    let required = row.needs != Needs::Nothing && core.switches.flag("highlevel.version_header");
    match given {
        Some("v3") => Ok(true),
        _ if !required => Ok(false),
        None => Err(errors::unauthorized("version header was not found.")),
        Some("2023-02-21" | "2021-07-28" | "2021-04-15" | "legacy") => Ok(false),
        Some(date) if date.parse::<jiff::civil::Date>().is_ok() => {
            Err(errors::unauthorized("version header is invalid"))
        }
        Some(other) => Err(errors::bad_request(&format!(
            "Invalid API version segment '{other}' at position 0"
        ))),
    }
}

/// A refusal of a token's class or location in the documented words, which give no reason, where the switch says
/// so.
fn plainly(refusal: Answer, core: &Core) -> Answer {
    let says = |text: &str| {
        refusal
            .body
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    match refusal.status {
        401 | 403 if core.switches.choice("highlevel.class_refusal") == "measured" => refusal,
        401 if says(CLASS) || says(USER_TYPE) => {
            errors::unauthorized("Invalid token: access token is invalid")
        }
        403 => errors::forbidden("You do not have permission to access this resource"),
        _ => refusal,
    }
}

fn authorize(access: &Access, needs: Needs) -> Result<(), Answer> {
    let has = |scope: &str| access.scopes.contains(scope);
    let private = access.origin == Origin::Private;
    let company = access.subject == Subject::Company;
    match needs {
        Needs::Nothing => Ok(()),
        Needs::Location(_) | Needs::LocationNoScope if company && private => {
            Err(errors::unauthorized(USER_TYPE))
        }
        Needs::Location(_) | Needs::LocationNoScope if company => Err(errors::unauthorized(CLASS)),
        Needs::LocationNoScope => Ok(()),
        Needs::AgencyApp(_) if private => Err(errors::unauthorized(SCOPE)),
        Needs::AgencyApp(scope) if !company && has(scope) => Err(errors::unauthorized(CLASS)),
        Needs::Location(scope) | Needs::Either(scope) | Needs::AgencyApp(scope) => {
            if has(scope) {
                Ok(())
            } else {
                Err(errors::unauthorized(SCOPE))
            }
        }
    }
}
