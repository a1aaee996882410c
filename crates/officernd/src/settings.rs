//! The settings of an OfficeRnD connection, read out of the connection's JSON.
//!
//! | key | meaning |
//! | --- | --- |
//! | `organization` | the organisation's name in addresses; settled by the sign-in |
//! | `location` | the id of the location that new members and companies get where no mapping gives one |
//! | `start_date` | the start date that they get: `today`, or a day such as `2026-01-31` |
//! | `resource` | the id of the resource that new bookings are of where no mapping gives one |
//! | `appointments` | what stands for appointments: `bookings` of a resource, as without it, or `visits` |
//! | `ticket_type`, `ticket_severity`, `ticket_priority` | the ids of the options that a new ticket gets where no mapping gives one |
//! | `notes_property` | the key of the text property of members that holds their notes |
//! | `notes_ticket` | instead: the subject of the ticket of each member whose comments are their notes |
//! | `token_url` | the full address of the token endpoint, where it is not the vendor's usual one |
//! | `further_scopes` | what to ask for beside the scopes of the sync: `catalog` for all that single operations need, or a list |
//! | `missing_scopes` | scopes that the application was found to lack; asked for again every few hours |
//! | `missing_since` | when they were asked for last |
//! | `learned` | fields that this account was found to refuse: `contact.update.phone` → `refused`; and how it sets a member's company: `contact.company_by` → `put` |

use connector::{Calls, Error};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use record::Entity;
use serde_json::Value as Json;

use crate::{
    belonging::{LEARNED, Way},
    operation::{
        TICKET_COMMENT_CREATE, TICKET_COMMENTS, TICKET_OPTIONS, TICKETS, VISITOR_CREATE, VISITORS,
        VISITS, scope,
    },
};

/// The default location of new records.
pub(crate) const LOCATION: &str = "location";

/// The default start date of new records.
pub(crate) const START_DATE: &str = "start_date";

/// The default resource of new bookings.
pub(crate) const RESOURCE: &str = "resource";

/// What stands for appointments.
pub(crate) const APPOINTMENTS: &str = "appointments";

/// The property of members that holds their notes.
pub(crate) const NOTES_PROPERTY: &str = "notes_property";

/// The subject of tickets whose comments are notes.
pub(crate) const NOTES_TICKET: &str = "notes_ticket";

/// The default options of new tickets, each with the property that it is for.
pub(crate) const TICKET_DEFAULTS: [(&str, &str); 3] = [
    ("ticket_type", "type"),
    ("ticket_severity", "severity"),
    ("ticket_priority", "priority"),
];

/// Scopes that the application was found to lack.
pub(crate) const MISSING_SCOPES: &str = "missing_scopes";

/// When they were asked for last.
pub(crate) const MISSING_SINCE: &str = "missing_since";

/// A typed view of a connection's settings.
#[derive(Clone, Copy)]
pub(crate) struct Settings<'a>(&'a Json);

/// What was found to be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// By creates.
    Create,
    /// By changes.
    Update,
}

impl Refused {
    fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
        }
    }
}

impl<'a> Settings<'a> {
    /// Those of a connection without any.
    pub(crate) fn none() -> Self {
        Self(&Json::Null)
    }

    pub(crate) fn of(calls: &'a dyn Calls) -> Self {
        Self(calls.settings())
    }

    /// Scopes to ask for beside those of the sync.
    pub(crate) fn further_scopes(self) -> Vec<String> {
        let mut scopes = match self.0.get("further_scopes") {
            Some(Json::String(word)) if word == "catalog" => crate::catalog::scopes(),
            listed => texts(listed),
        };
        let mut wanted: Vec<&str> = Vec::new();
        // what is wrong with the setting is told when the fields are read
        if self.visits().unwrap_or(false) {
            let of_visits = [VISITS.list, VISITS.create, VISITS.delete];
            wanted.extend(of_visits.into_iter().chain([VISITORS, VISITOR_CREATE]));
        }
        if self.notes_ticket().is_some() {
            wanted.extend([TICKETS.list, TICKETS.create]);
            wanted.extend([TICKET_COMMENTS, TICKET_COMMENT_CREATE, TICKET_OPTIONS]);
        }
        for operation in wanted {
            let needed = scope(operation);
            scopes.extend(needed.filter(|needed| !scopes.contains(needed)));
        }
        scopes
    }

    /// Scopes that the application was found to lack.
    pub(crate) fn missing_scopes(self) -> Vec<String> {
        texts(self.0.get(MISSING_SCOPES))
    }

    /// When they were asked for last.
    pub(crate) fn missing_since(self) -> Option<Timestamp> {
        self.text(MISSING_SINCE)?.parse().ok()
    }

    fn text(self, key: &str) -> Option<&'a str> {
        self.0
            .get(key)
            .and_then(Json::as_str)
            .map(str::trim)
            .filter(|text| !text.is_empty())
    }

    /// The organisation's name in addresses.
    pub(crate) fn organization(self) -> Result<&'a str, Error> {
        self.text("organization").ok_or_else(|| Error::Setting {
            setting: "organization",
            hint: "connect again: it is the name in the address of OfficeRnD's admin pages \
                   (https://app.officernd.com/admin/<organisation>/…)"
                .to_owned(),
        })
    }

    pub(crate) fn token_url(self) -> Option<&'a str> {
        self.text("token_url")
    }

    pub(crate) fn location(self) -> Option<&'a str> {
        self.text(LOCATION)
    }

    pub(crate) fn resource(self) -> Option<&'a str> {
        self.text(RESOURCE)
    }

    /// Whether visits stand for appointments.
    ///
    /// # Errors
    /// When it says neither visits nor bookings.
    pub(crate) fn visits(self) -> Result<bool, Error> {
        match self.text(APPOINTMENTS) {
            None | Some("bookings") => Ok(false),
            Some("visits") => Ok(true),
            Some(_) => Err(Error::Setting {
                setting: APPOINTMENTS,
                hint: "write `bookings` or `visits`".to_owned(),
            }),
        }
    }

    /// The key of the property that holds notes.
    pub(crate) fn notes_property(self) -> Option<&'a str> {
        self.text(NOTES_PROPERTY)
    }

    /// The subject of the tickets whose comments are notes.
    pub(crate) fn notes_ticket(self) -> Option<&'a str> {
        self.text(NOTES_TICKET)
    }

    /// What a new record gets by this setting.
    pub(crate) fn default(self, setting: &str, now: Timestamp) -> Result<Option<String>, Error> {
        match setting {
            START_DATE => self.start_date(now),
            setting => Ok(self.text(setting).map(str::to_owned)),
        }
    }

    pub(crate) fn has_start_date(self) -> bool {
        self.text(START_DATE).is_some()
    }

    /// The option that a new ticket gets, by the setting's name.
    pub(crate) fn ticket_option(self, setting: &str) -> Option<&'a str> {
        self.text(setting)
    }

    /// The start date that a record gets that is made now.
    pub(crate) fn start_date(self, now: Timestamp) -> Result<Option<String>, Error> {
        let Some(text) = self.text(START_DATE) else {
            return Ok(None);
        };
        let day = if text.eq_ignore_ascii_case("today") {
            TimeZone::UTC.to_datetime(now).date()
        } else {
            text.parse::<Date>().map_err(|_| Error::Setting {
                setting: START_DATE,
                hint: "write `today`, or a day such as 2026-01-31".to_owned(),
            })?
        };
        Ok(Some(format!("{day}T00:00:00.000Z")))
    }

    /// How the account was found to set a member's company.
    pub(crate) fn company_way(self) -> Option<Way> {
        let word = self.0.get("learned")?.get(LEARNED)?.as_str()?;
        Way::of(word)
    }

    /// Whether the account was found to refuse this field of the body.
    pub(crate) fn refuses(self, entity: Entity, refused: Refused, property: &str) -> bool {
        self.0
            .get("learned")
            .and_then(|learned| learned.get(key(entity, refused, property)))
            .is_some()
    }
}

fn texts(list: Option<&Json>) -> Vec<String> {
    list.and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect()
}

/// Under which a refused field is learnt.
pub(crate) fn key(entity: Entity, refused: Refused, property: &str) -> String {
    format!("{entity}.{}.{property}", refused.word())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_start_date_is_today_or_a_day() {
        let now: Timestamp = "2026-11-21T23:59:59Z".parse().unwrap();
        let of = |settings: Json| Settings(&settings).start_date(now);
        assert_eq!(of(json!({})).unwrap(), None);
        for (said, meant) in [
            ("today", "2026-11-21T00:00:00.000Z"),
            (" 2026-01-31 ", "2026-01-31T00:00:00.000Z"),
        ] {
            assert_eq!(of(json!({"start_date": said})).unwrap().unwrap(), meant);
        }
        assert!(of(json!({"start_date": "soon"})).is_err());
    }

    #[test]
    fn what_was_learnt_is_found_again() {
        let settings = json!({"learned": {"contact.update.phone": "refused"}});
        let settings = Settings(&settings);
        assert!(settings.refuses(Entity::Contact, Refused::Update, "phone"));
        assert!(!settings.refuses(Entity::Contact, Refused::Create, "phone"));
        assert!(!settings.refuses(Entity::Company, Refused::Update, "phone"));
    }
}
