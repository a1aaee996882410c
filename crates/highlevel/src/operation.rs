//! The ids of the requests that this connector makes, as the call log and the counters show them.

pub(crate) const TOKEN: &str = "oauth.token";
pub(crate) const LOCATION_TOKEN: &str = "oauth.location_token";
pub(crate) const INSTALLED_LOCATIONS: &str = "oauth.installed_locations";
pub(crate) const RECONNECT: &str = "oauth.reconnect";

pub(crate) const CHECK_LOCATION: &str = "check.location";
pub(crate) const CHECK_CONTACTS: &str = "check.contacts";
pub(crate) const CUSTOM_FIELDS: &str = "locations.custom_fields";
pub(crate) const CUSTOM_FIELD_CREATE: &str = "locations.create_custom_field";
pub(crate) const CUSTOM_FIELD_DELETE: &str = "locations.delete_custom_field";
pub(crate) const USERS: &str = "users.list";

pub(crate) const CONTACT_GET: &str = "contacts.get";
pub(crate) const CONTACT_SEARCH: &str = "contacts.search";
pub(crate) const CONTACT_LIST: &str = "contacts.list";
pub(crate) const CONTACT_DUPLICATE: &str = "contacts.find_duplicate";
pub(crate) const CONTACT_CREATE: &str = "contacts.create";
pub(crate) const CONTACT_UPDATE: &str = "contacts.update";
pub(crate) const CONTACT_ADD_TAGS: &str = "contacts.add_tags";
pub(crate) const CONTACT_REMOVE_TAGS: &str = "contacts.remove_tags";
pub(crate) const CONTACT_DELETE: &str = "contacts.delete";
pub(crate) const CONTACT_BUSINESS: &str = "contacts.set_business";

pub(crate) const CHECK_BUSINESSES: &str = "check.businesses";
pub(crate) const BUSINESS_GET: &str = "businesses.get";
pub(crate) const BUSINESS_LIST: &str = "businesses.list";
pub(crate) const BUSINESS_CREATE: &str = "businesses.create";
pub(crate) const BUSINESS_UPDATE: &str = "businesses.update";
pub(crate) const BUSINESS_DELETE: &str = "businesses.delete";

pub(crate) const CHECK_PIPELINES: &str = "check.pipelines";
pub(crate) const PIPELINES: &str = "opportunities.pipelines";
pub(crate) const OPPORTUNITY_GET: &str = "opportunities.get";
pub(crate) const OPPORTUNITY_LIST: &str = "opportunities.list";
pub(crate) const OPPORTUNITY_CREATE: &str = "opportunities.create";
pub(crate) const OPPORTUNITY_UPDATE: &str = "opportunities.update";
pub(crate) const OPPORTUNITY_DELETE: &str = "opportunities.delete";

pub(crate) const CALENDARS: &str = "calendars.list";
pub(crate) const CHECK_CALENDARS: &str = "check.calendars";
pub(crate) const CHECK_EVENTS: &str = "check.calendar_events";
pub(crate) const APPOINTMENT_GET: &str = "appointments.get";
pub(crate) const APPOINTMENT_LIST: &str = "appointments.list";
pub(crate) const APPOINTMENT_CREATE: &str = "appointments.create";
pub(crate) const APPOINTMENT_UPDATE: &str = "appointments.update";
pub(crate) const APPOINTMENT_DELETE: &str = "appointments.delete";

pub(crate) const CHECK_TASKS: &str = "check.tasks";
pub(crate) const TASK_SEARCH: &str = "tasks.search";
pub(crate) const TASK_GET: &str = "tasks.get";
pub(crate) const TASK_LIST: &str = "tasks.list";
pub(crate) const TASK_CREATE: &str = "tasks.create";
pub(crate) const TASK_UPDATE: &str = "tasks.update";
pub(crate) const TASK_DELETE: &str = "tasks.delete";

pub(crate) const NOTE_GET: &str = "notes.get";
pub(crate) const NOTE_LIST: &str = "notes.list";
pub(crate) const NOTE_CREATE: &str = "notes.create";
pub(crate) const NOTE_UPDATE: &str = "notes.update";
pub(crate) const NOTE_DELETE: &str = "notes.delete";

/// Part of a sign-in: a refusal says nothing about a token that the connection already has, so the
/// connector reads it itself.
pub(crate) fn is_sign_in(operation: &str) -> bool {
    operation.starts_with("oauth.")
}

/// Made to learn what the connection may do, or to read what is nice to have: a missing scope is an
/// answer and must not take the whole connection out of service.
pub(crate) fn bears_missing_scope(operation: &str) -> bool {
    is_sign_in(operation)
        || matches!(
            operation,
            CHECK_LOCATION
                | CHECK_CONTACTS
                | CHECK_BUSINESSES
                | CHECK_PIPELINES
                | CHECK_CALENDARS
                | CHECK_EVENTS
                | CHECK_TASKS
                | CUSTOM_FIELDS
                | CUSTOM_FIELD_CREATE
                | CUSTOM_FIELD_DELETE
                | USERS
        )
}

/// The scope that a request of a sync needs (the vendor's table of scopes). `None` where it names none.
pub(crate) fn scope_of(operation: &str) -> Option<&'static str> {
    let scope = match operation {
        CHECK_LOCATION => "locations.readonly",
        CHECK_CONTACTS | CONTACT_GET | CONTACT_SEARCH | CONTACT_LIST | CONTACT_DUPLICATE
        | TASK_GET | TASK_LIST | NOTE_GET | NOTE_LIST => "contacts.readonly",
        CONTACT_CREATE | CONTACT_UPDATE | CONTACT_ADD_TAGS | CONTACT_REMOVE_TAGS
        | CONTACT_DELETE | CONTACT_BUSINESS | TASK_CREATE | TASK_UPDATE | TASK_DELETE
        | NOTE_CREATE | NOTE_UPDATE | NOTE_DELETE => "contacts.write",
        CHECK_TASKS | TASK_SEARCH => "locations/tasks.readonly",
        CUSTOM_FIELDS => "locations/customFields.readonly",
        CUSTOM_FIELD_CREATE | CUSTOM_FIELD_DELETE => "locations/customFields.write",
        USERS => "users.readonly",
        CHECK_BUSINESSES | BUSINESS_GET | BUSINESS_LIST => "businesses.readonly",
        BUSINESS_CREATE | BUSINESS_UPDATE | BUSINESS_DELETE => "businesses.write",
        CHECK_PIPELINES | PIPELINES | OPPORTUNITY_GET | OPPORTUNITY_LIST => {
            "opportunities.readonly"
        }
        OPPORTUNITY_CREATE | OPPORTUNITY_UPDATE | OPPORTUNITY_DELETE => "opportunities.write",
        CHECK_CALENDARS | CALENDARS => "calendars.readonly",
        CHECK_EVENTS | APPOINTMENT_GET | APPOINTMENT_LIST => "calendars/events.readonly",
        APPOINTMENT_CREATE | APPOINTMENT_UPDATE | APPOINTMENT_DELETE => "calendars/events.write",
        _ => return None,
    };
    Some(scope)
}
