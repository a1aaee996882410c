//! The settings of a HighLevel connection, read out of the connection's JSON.
//!
//! | key | meaning |
//! | --- | --- |
//! | `location_id` | the sub-account; settled by the sign-in, typed in for a private token |
//! | `company_id` | the agency; settled by the sign-in |
//! | `authorize_url` | the full address of the consent page, for white-label domains and stand-ins |
//! | `version_id` | the app's version, for an app that is private or a draft: it stands in the installation link that the developer portal shows |
//! | `make_fields` | `true`: the sign-in also asks for the scope that making custom fields needs |
//! | `agency_install` | `true`: the app is installed by the agency: the sign-in also asks for the scopes that exchanging its token needs, and the sign-in of another connection with this setting is used for this one |
//! | `calendar` | the id of the calendar that new appointments get where no mapping gives one |
//! | `task_due_days` | how many days from now a new task is due for which the other side says no day |
//! | `api_version` | the `Version` header, a date; `2021-07-28` unless set |

use connector::{Calls, Error};
use serde_json::Value as Json;

/// The `Version` header when the connection sets none: what the vendor's contacts, locations, users
/// and OAuth specifications declare.
pub(crate) const API_VERSION: &str = "2021-07-28";

/// A typed view of a connection's settings.
#[derive(Clone, Copy)]
pub(crate) struct Settings<'a>(&'a Json);

impl<'a> Settings<'a> {
    pub(crate) fn new(json: &'a Json) -> Self {
        Self(json)
    }

    pub(crate) fn of(calls: &'a dyn Calls) -> Self {
        Self(calls.settings())
    }

    fn text(self, key: &str) -> Option<&'a str> {
        self.0
            .get(key)
            .and_then(Json::as_str)
            .map(str::trim)
            .filter(|text| !text.is_empty())
    }

    /// The calendar that new appointments get.
    pub(crate) fn calendar(self) -> Option<&'a str> {
        self.text("calendar")
    }

    pub(crate) fn location_if_set(self) -> Option<&'a str> {
        self.text("location_id")
    }

    /// The sub-account's id.
    pub(crate) fn location(self) -> Result<&'a str, Error> {
        self.location_if_set().ok_or_else(|| Error::Setting {
            setting: "location_id",
            hint: "set it to the sub-account's id, which stands in its address in HighLevel \
                   (…/v2/location/<id>/…) and under Settings → Business Profile"
                .to_owned(),
        })
    }

    pub(crate) fn company_if_set(self) -> Option<&'a str> {
        self.text("company_id")
    }

    pub(crate) fn authorize_url(self) -> Option<&'a str> {
        self.text("authorize_url")
    }

    pub(crate) fn version_id(self) -> Option<&'a str> {
        self.text("version_id")
    }

    pub(crate) fn agency_install(self) -> bool {
        self.is_on("agency_install")
    }

    pub(crate) fn make_fields(self) -> bool {
        self.is_on("make_fields")
    }

    /// How many days from now a new task is due that comes without a day.
    pub(crate) fn task_due_days(self) -> Result<Option<u16>, Error> {
        match self.0.get("task_due_days") {
            None | Some(Json::Null) => Ok(None),
            Some(days) => match days.as_u64().and_then(|days| u16::try_from(days).ok()) {
                Some(days) => Ok(Some(days)),
                None => Err(Error::Setting {
                    setting: "task_due_days",
                    hint: "say a whole number of days, such as 7".to_owned(),
                }),
            },
        }
    }

    fn is_on(self, name: &str) -> bool {
        self.0.get(name).and_then(Json::as_bool).unwrap_or(false)
    }

    pub(crate) fn sets_api_version(self) -> bool {
        self.text("api_version").is_some()
    }

    pub(crate) fn api_version(self) -> &'a str {
        self.text("api_version").unwrap_or(API_VERSION)
    }
}
