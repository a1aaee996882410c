//! Which path does what with which kind of thing.

use http::Method;

use super::super::State;
use super::super::gate::Admitted;
use super::super::routes::{Known, Needs};
use super::{Act, Id, Kind, Row};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

const fn kind(name: &'static str, says: &'static str) -> Kind {
    Kind {
        name,
        says,
        id: Id::Text,
        key: "id",
        parent: None,
        stamps: None,
    }
}

const fn of(mut kind: Kind, parent: &'static str) -> Kind {
    kind.parent = Some(parent);
    kind
}

const fn with_id(mut kind: Kind, id: Id, key: &'static str) -> Kind {
    kind.id = id;
    kind.key = key;
    kind
}

const fn stamped(mut kind: Kind, made: &'static str, changed: &'static str) -> Kind {
    kind.stamps = Some((made, changed));
    kind
}

pub(crate) static TASK: Kind = of(kind("task", "Task"), "contactId");
pub(crate) static NOTE: Kind = stamped(
    of(kind("note", "Note"), "contactId"),
    "dateAdded",
    "dateUpdated",
);
pub(crate) static CAMPAIGN: Kind = kind("campaign", "Campaign");
pub(crate) static WORKFLOW: Kind = with_id(
    stamped(kind("workflow", "Workflow"), "createdAt", "updatedAt"),
    Id::Uuid,
    "id",
);
pub(crate) static IN_CAMPAIGN: Kind = of(kind("campaign entry", "Campaign entry"), "contactId");
pub(crate) static IN_WORKFLOW: Kind = of(kind("workflow entry", "Workflow entry"), "contactId");
pub(crate) static CALENDAR: Kind = kind("calendar", "Calendar");
pub(crate) static GROUP: Kind = kind("calendar group", "Calendar group");
pub(crate) static APPOINTMENT: Kind = stamped(
    kind("appointment", "Appointment"),
    "dateAdded",
    "dateUpdated",
);
pub(crate) static BLOCK: Kind = kind("block slot", "Block slot");
pub(crate) static APPOINTMENT_NOTE: Kind = stamped(
    of(kind("appointment note", "Note"), "appointmentId"),
    "dateAdded",
    "dateUpdated",
);
pub(crate) static CALENDAR_RESOURCE: Kind = with_id(
    of(
        kind("calendar resource", "Calendar resource"),
        "resourceType",
    ),
    Id::Hex,
    "id",
);
pub(crate) static NOTIFICATION: Kind = with_id(
    of(kind("notification", "Notification"), "calendarId"),
    Id::Hex,
    "_id",
);
pub(crate) static SCHEDULE: Kind = with_id(kind("schedule", "Schedule"), Id::Hex, "id");
pub(crate) static AVAILABILITY: Kind =
    of(kind("event calendar schedule", "Schedule"), "calendarId");
pub(crate) static SERVICE: Kind = with_id(kind("service", "Service"), Id::Hex, "id");
pub(crate) static SERVICE_LOCATION: Kind =
    with_id(kind("service location", "Service location"), Id::Hex, "id");
pub(crate) static SERVICE_BOOKING: Kind = with_id(
    stamped(
        kind("service booking", "Service booking"),
        "dateAdded",
        "dateUpdated",
    ),
    Id::Text,
    "bookingId",
);
pub(crate) static CONVERSATION: Kind = stamped(
    kind("conversation", "Conversation"),
    "dateAdded",
    "dateUpdated",
);
pub(crate) static MESSAGE: Kind = stamped(kind("message", "Message"), "dateAdded", "dateUpdated");
pub(crate) static EMAIL: Kind = stamped(kind("email", "Email"), "dateAdded", "dateUpdated");
pub(crate) static EMAIL_OUTCOME: Kind = kind("email outcome", "Email");
pub(crate) static SUBTYPE: Kind = with_id(kind("custom subtype", "Custom subtype"), Id::Hex, "_id");
pub(crate) static SUBSCRIPTION: Kind = kind("subscription change", "Subscription");
pub(crate) static UPLOAD: Kind = with_id(kind("upload", "Upload"), Id::Uuid, "uploadId");
pub(crate) static TYPING: Kind = kind("typing", "Visitor");
pub(crate) static OBJECT_FIELD: Kind = stamped(
    kind("object field", "Custom field"),
    "dateAdded",
    "dateUpdated",
);
pub(crate) static OBJECT_FOLDER: Kind = kind("object folder", "Folder");
pub(crate) static RECURRING: Kind = stamped(
    with_id(kind("recurring task", "Recurring task"), Id::Hex, "id"),
    "createdAt",
    "updatedAt",
);
pub(crate) static VALUE: Kind = kind("custom value", "Custom value");
pub(crate) static TEMPLATE: Kind = with_id(kind("template", "Template"), Id::Hex, "id");
pub(crate) static PIPELINE: Kind = kind("pipeline", "Pipeline");
pub(crate) static LOST: Kind = stamped(
    with_id(kind("lost reason", "Lost reason"), Id::Hex, "id"),
    "createdAt",
    "updatedAt",
);
pub(crate) static OPPORTUNITY: Kind =
    stamped(kind("opportunity", "Opportunity"), "createdAt", "updatedAt");
pub(crate) static USER: Kind = kind("user", "User");
pub(crate) static PROVIDER: Kind = kind("conversation provider", "Provider");
pub(crate) static ZONE: Kind = kind("time zone", "Time zone");

/// Fields that name a thing which must be there.
pub(crate) static REFERENCES: &[(&str, &Kind)] = &[
    ("calendarId", &CALENDAR),
    ("groupId", &GROUP),
    ("appointmentId", &APPOINTMENT),
    ("conversationId", &CONVERSATION),
    ("pipelineId", &PIPELINE),
    ("parentId", &OBJECT_FOLDER),
    ("lostReasonId", &LOST),
    ("serviceLocationId", &SERVICE_LOCATION),
];

const fn row(
    method: Method,
    template: &'static str,
    needs: Needs,
    act: Act,
    kind: &'static Kind,
    wrap: &'static str,
    status: u16,
) -> Row {
    Row {
        method,
        template,
        needs,
        act,
        kind,
        wrap,
        status,
        known: Known::Always,
    }
}

/// A row that only v3 knows.
const fn v3(mut row: Row) -> Row {
    row.known = Known::OnlyV3;
    row
}

const CONTACTS_R: Needs = Needs::Location("contacts.readonly");
const CONTACTS_W: Needs = Needs::Location("contacts.write");
const GROUPS_R: Needs = Needs::Location("calendars/groups.readonly");
const GROUPS_W: Needs = Needs::Location("calendars/groups.write");
const EVENTS_R: Needs = Needs::Location("calendars/events.readonly");
const EVENTS_W: Needs = Needs::Location("calendars/events.write");
const CALENDARS_R: Needs = Needs::Location("calendars.readonly");
const CALENDARS_W: Needs = Needs::Location("calendars.write");
const ROOMS_R: Needs = Needs::Location("calendars/resources.readonly");
const ROOMS_W: Needs = Needs::Location("calendars/resources.write");
const TALKS_R: Needs = Needs::Location("conversations.readonly");
const TALKS_W: Needs = Needs::Location("conversations.write");
const MESSAGES_R: Needs = Needs::Location("conversations/message.readonly");
const MESSAGES_W: Needs = Needs::Location("conversations/message.write");
const FIELDS_R: Needs = Needs::Location("locations/customFields.readonly");
const FIELDS_W: Needs = Needs::Location("locations/customFields.write");
const VALUES_R: Needs = Needs::Location("locations/customValues.readonly");
const VALUES_W: Needs = Needs::Location("locations/customValues.write");
const SALES_R: Needs = Needs::Location("opportunities.readonly");
const SALES_W: Needs = Needs::Location("opportunities.write");
const FREE: Needs = Needs::LocationNoScope;

use Act::{Create, Delete, Get, List, Special, Update};

/// Literal segments stand before placeholders, so the first match is right.
#[rustfmt::skip]
pub(crate) static ROWS: &[Row] = &[
    // contacts
    row(GET, "/contacts/{contactId}/tasks", CONTACTS_R, List, &TASK, "tasks", 200),
    row(POST, "/contacts/{contactId}/tasks", CONTACTS_W, Create, &TASK, "task", 201),
    row(GET, "/contacts/{contactId}/tasks/{taskId}", CONTACTS_R, Get, &TASK, "task", 200),
    row(PUT, "/contacts/{contactId}/tasks/{taskId}", CONTACTS_W, Update, &TASK, "task", 200),
    row(PUT, "/contacts/{contactId}/tasks/{taskId}/completed", CONTACTS_W, Update, &TASK, "task", 200),
    row(DELETE, "/contacts/{contactId}/tasks/{taskId}", CONTACTS_W, Delete("succeded"), &TASK, "", 200),
    row(GET, "/contacts/{contactId}/notes", CONTACTS_R, List, &NOTE, "notes", 200),
    row(POST, "/contacts/{contactId}/notes", CONTACTS_W, Create, &NOTE, "note", 201),
    row(GET, "/contacts/{contactId}/notes/{id}", CONTACTS_R, Get, &NOTE, "note", 200),
    row(PUT, "/contacts/{contactId}/notes/{id}", CONTACTS_W, Update, &NOTE, "note", 200),
    row(DELETE, "/contacts/{contactId}/notes/{id}", CONTACTS_W, Delete("succeded"), &NOTE, "", 200),
    row(GET, "/contacts/{contactId}/appointments", CONTACTS_R, Special(State::contact_appointments), &APPOINTMENT, "events", 200),
    row(DELETE, "/contacts/{contactId}/campaigns/removeAll", CONTACTS_W, Special(State::leave_campaigns), &IN_CAMPAIGN, "", 200),
    v3(row(DELETE, "/contacts/{contactId}/campaigns/remove-all", CONTACTS_W, Special(State::leave_campaigns), &IN_CAMPAIGN, "", 200)),
    row(POST, "/contacts/{contactId}/campaigns/{campaignId}", CONTACTS_W, Special(State::join_campaign), &IN_CAMPAIGN, "", 201),
    row(DELETE, "/contacts/{contactId}/campaigns/{campaignId}", CONTACTS_W, Special(State::leave_campaigns), &IN_CAMPAIGN, "", 200),
    row(POST, "/contacts/{contactId}/workflow/{workflowId}", CONTACTS_W, Special(State::join_workflow), &IN_WORKFLOW, "", 200),
    row(DELETE, "/contacts/{contactId}/workflow/{workflowId}", CONTACTS_W, Special(State::leave_workflow), &IN_WORKFLOW, "", 200),
    row(GET, "/campaigns", Needs::Location("campaigns.readonly"), List, &CAMPAIGN, "campaigns", 200),
    row(GET, "/workflows", Needs::Location("workflows.readonly"), List, &WORKFLOW, "workflows", 200),
    // calendars
    row(GET, "/calendars/groups", GROUPS_R, List, &GROUP, "groups", 200),
    row(POST, "/calendars/groups", GROUPS_W, Special(State::create_group), &GROUP, "group", 201),
    row(POST, "/calendars/groups/validate-slug", GROUPS_W, Special(State::validate_slug), &GROUP, "", 200),
    row(PUT, "/calendars/groups/{groupId}", GROUPS_W, Update, &GROUP, "group", 200),
    row(PUT, "/calendars/groups/{groupId}/status", GROUPS_W, Special(State::set_group_status), &GROUP, "", 200),
    row(DELETE, "/calendars/groups/{groupId}", GROUPS_W, Delete("success"), &GROUP, "", 200),
    row(GET, "/calendars/events", EVENTS_R, Special(State::list_events), &APPOINTMENT, "events", 200),
    row(GET, "/calendars/blocked-slots", EVENTS_R, Special(State::list_events), &BLOCK, "events", 200),
    row(POST, "/calendars/events/appointments", EVENTS_W, Special(State::book), &APPOINTMENT, "", 200),
    row(GET, "/calendars/events/appointments/{eventId}", EVENTS_R, Get, &APPOINTMENT, "event", 200),
    row(PUT, "/calendars/events/appointments/{eventId}", EVENTS_W, Update, &APPOINTMENT, "", 200),
    row(POST, "/calendars/events/block-slots", EVENTS_W, Create, &BLOCK, "", 201),
    row(PUT, "/calendars/events/block-slots/{eventId}", EVENTS_W, Update, &BLOCK, "", 201),
    row(DELETE, "/calendars/events/{eventId}", EVENTS_W, Special(State::delete_event), &APPOINTMENT, "", 201),
    row(GET, "/calendars/appointments/{appointmentId}/notes", EVENTS_R, Special(State::appointment_notes), &APPOINTMENT_NOTE, "notes", 200),
    row(POST, "/calendars/appointments/{appointmentId}/notes", EVENTS_W, Create, &APPOINTMENT_NOTE, "note", 201),
    row(PUT, "/calendars/appointments/{appointmentId}/notes/{noteId}", EVENTS_W, Update, &APPOINTMENT_NOTE, "note", 200),
    row(DELETE, "/calendars/appointments/{appointmentId}/notes/{noteId}", EVENTS_W, Delete("success"), &APPOINTMENT_NOTE, "", 200),
    row(GET, "/calendars/resources/{resourceType}", ROOMS_R, List, &CALENDAR_RESOURCE, "", 200),
    row(POST, "/calendars/resources/{resourceType}", ROOMS_W, Create, &CALENDAR_RESOURCE, "", 201),
    row(GET, "/calendars/resources/{resourceType}/{id}", ROOMS_R, Get, &CALENDAR_RESOURCE, "", 200),
    row(PUT, "/calendars/resources/{resourceType}/{id}", ROOMS_W, Update, &CALENDAR_RESOURCE, "", 200),
    row(DELETE, "/calendars/resources/{resourceType}/{id}", ROOMS_W, Delete("success"), &CALENDAR_RESOURCE, "", 200),
    row(GET, "/calendars/schedules/search", CALENDARS_R, Special(State::list_schedules), &SCHEDULE, "schedules", 200),
    row(POST, "/calendars/schedules", CALENDARS_W, Create, &SCHEDULE, "schedule", 201),
    row(GET, "/calendars/schedules/{id}", CALENDARS_R, Get, &SCHEDULE, "schedule", 200),
    row(PUT, "/calendars/schedules/{id}", CALENDARS_W, Update, &SCHEDULE, "schedule", 200),
    row(DELETE, "/calendars/schedules/{id}", CALENDARS_W, Delete("success"), &SCHEDULE, "", 200),
    row(PUT, "/calendars/schedules/{id}/associations/{calendarId}", CALENDARS_W, Special(State::associate), &SCHEDULE, "", 200),
    row(DELETE, "/calendars/schedules/{id}/associations/{calendarId}", CALENDARS_W, Special(State::associate), &SCHEDULE, "", 200),
    v3(row(GET, "/calendars/schedules/event-calendar/{calendarId}", CALENDARS_R, Special(State::availability), &AVAILABILITY, "schedule", 200)),
    v3(row(POST, "/calendars/schedules/event-calendar/{calendarId}", CALENDARS_W, Special(State::availability), &AVAILABILITY, "schedule", 201)),
    v3(row(PUT, "/calendars/schedules/event-calendar/{calendarId}", CALENDARS_W, Special(State::availability), &AVAILABILITY, "schedule", 200)),
    v3(row(GET, "/calendars/services/catalog", CALENDARS_R, Special(State::list_services), &SERVICE, "services", 200)),
    v3(row(POST, "/calendars/services/catalog", CALENDARS_W, Special(State::keep_service), &SERVICE, "service", 201)),
    v3(row(GET, "/calendars/services/catalog/{serviceId}", CALENDARS_R, Get, &SERVICE, "service", 200)),
    v3(row(PUT, "/calendars/services/catalog/{serviceId}", CALENDARS_W, Special(State::keep_service), &SERVICE, "service", 200)),
    v3(row(DELETE, "/calendars/services/catalog/{serviceId}", CALENDARS_W, Special(State::delete_service), &SERVICE, "", 200)),
    v3(row(GET, "/calendars/services/locations", CALENDARS_R, List, &SERVICE_LOCATION, "serviceLocations", 200)),
    v3(row(POST, "/calendars/services/locations", CALENDARS_W, Special(State::keep_service_location), &SERVICE_LOCATION, "", 201)),
    v3(row(GET, "/calendars/services/locations/{serviceLocationId}", CALENDARS_R, Get, &SERVICE_LOCATION, "", 200)),
    v3(row(PUT, "/calendars/services/locations/{serviceLocationId}", CALENDARS_W, Special(State::keep_service_location), &SERVICE_LOCATION, "", 200)),
    v3(row(DELETE, "/calendars/services/locations/{serviceLocationId}", CALENDARS_W, Special(State::delete_service), &SERVICE_LOCATION, "", 200)),
    v3(row(GET, "/calendars/services/bookings", EVENTS_R, Special(State::list_service_bookings), &SERVICE_BOOKING, "bookings", 200)),
    v3(row(POST, "/calendars/services/bookings", EVENTS_W, Special(State::book_service), &SERVICE_BOOKING, "", 201)),
    v3(row(GET, "/calendars/services/bookings/{bookingId}", EVENTS_R, Get, &SERVICE_BOOKING, "", 200)),
    v3(row(PUT, "/calendars/services/bookings/{bookingId}", EVENTS_W, Special(State::book_service), &SERVICE_BOOKING, "", 200)),
    v3(row(DELETE, "/calendars/services/bookings/{bookingId}", EVENTS_W, Special(State::delete_service), &SERVICE_BOOKING, "", 200)),
    row(GET, "/calendars", CALENDARS_R, List, &CALENDAR, "calendars", 200),
    row(POST, "/calendars", CALENDARS_W, Create, &CALENDAR, "calendar", 200),
    row(GET, "/calendars/{calendarId}/free-slots", CALENDARS_R, Special(State::free_slots), &CALENDAR, "", 200),
    row(GET, "/calendars/{calendarId}/notifications", EVENTS_R, List, &NOTIFICATION, "", 200),
    row(POST, "/calendars/{calendarId}/notifications", EVENTS_W, Special(State::create_notifications), &NOTIFICATION, "", 200),
    row(GET, "/calendars/{calendarId}/notifications/{notificationId}", EVENTS_R, Get, &NOTIFICATION, "", 200),
    row(PUT, "/calendars/{calendarId}/notifications/{notificationId}", EVENTS_W, Special(State::update_notification), &NOTIFICATION, "", 200),
    row(DELETE, "/calendars/{calendarId}/notifications/{notificationId}", EVENTS_W, Special(State::delete_notification), &NOTIFICATION, "", 200),
    row(GET, "/calendars/{calendarId}", CALENDARS_R, Get, &CALENDAR, "calendar", 200),
    row(PUT, "/calendars/{calendarId}", CALENDARS_W, Update, &CALENDAR, "calendar", 200),
    row(DELETE, "/calendars/{calendarId}", CALENDARS_W, Delete("success"), &CALENDAR, "", 200),
    // conversations
    row(GET, "/conversations/search", TALKS_R, Special(State::search_conversations), &CONVERSATION, "conversations", 200),
    row(POST, "/conversations", TALKS_W, Special(State::create_conversation), &CONVERSATION, "conversation", 201),
    row(GET, "/conversations/preferences/custom-subtypes", FREE, List, &SUBTYPE, "customSubtypes", 200),
    row(POST, "/conversations/preferences/custom-subtypes", FREE, Create, &SUBTYPE, "customSubtype", 201),
    row(PUT, "/conversations/preferences/custom-subtypes/{id}", FREE, Update, &SUBTYPE, "customSubtype", 200),
    row(GET, "/conversations/preferences/unsubscriptions/status", FREE, List, &SUBSCRIPTION, "changes", 200),
    row(POST, "/conversations/preferences/unsubscriptions/user-change", FREE, Create, &SUBSCRIPTION, "change", 201),
    row(GET, "/conversations/messages/export", MESSAGES_R, Special(State::export_messages), &MESSAGE, "messages", 200),
    row(POST, "/conversations/messages", MESSAGES_W, Special(State::send_message), &MESSAGE, "", 200),
    row(POST, "/conversations/messages/inbound", MESSAGES_W, Special(State::record_message), &MESSAGE, "", 200),
    row(POST, "/conversations/messages/outbound", MESSAGES_W, Special(State::record_message), &MESSAGE, "", 200),
    row(POST, "/conversations/messages/review-reply", MESSAGES_W, Special(State::reply_to_review), &MESSAGE, "", 200),
    row(POST, "/conversations/messages/upload/initiate", MESSAGES_W, Special(State::begin_upload), &UPLOAD, "", 200),
    row(POST, "/conversations/messages/upload/complete", MESSAGES_W, Special(State::finish_upload), &UPLOAD, "", 200),
    row(GET, "/conversations/messages/email/{id}", FREE, Get, &EMAIL, "", 200),
    v3(row(PUT, "/conversations/messages/email/{id}/status", MESSAGES_W, Special(State::email_outcome), &EMAIL, "", 200)),
    row(DELETE, "/conversations/messages/email/{emailMessageId}/schedule", MESSAGES_W, Special(State::cancel_message), &EMAIL, "", 200),
    row(DELETE, "/conversations/messages/{messageId}/schedule", MESSAGES_W, Special(State::cancel_message), &MESSAGE, "", 200),
    row(PUT, "/conversations/messages/{messageId}/status", MESSAGES_W, Special(State::set_message), &MESSAGE, "", 200),
    row(PUT, "/conversations/messages/{messageId}/attachments", MESSAGES_W, Special(State::set_message), &MESSAGE, "", 200),
    row(GET, "/conversations/messages/{id}", MESSAGES_R, Get, &MESSAGE, "", 200),
    row(GET, "/conversations/locations/{locationId}/messages/{messageId}/transcription", MESSAGES_R, Special(State::transcription), &MESSAGE, "", 200),
    row(GET, "/conversations/locations/{locationId}/messages/{messageId}/transcription/download", MESSAGES_R, Special(State::transcription_text), &MESSAGE, "", 200),
    row(POST, "/conversations/providers/live-chat/typing", Needs::Location("conversations/livechat.write"), Special(State::typing), &TYPING, "", 201),
    row(GET, "/conversations/{conversationId}/messages", MESSAGES_R, Special(State::list_messages), &MESSAGE, "messages", 200),
    row(GET, "/conversations/{conversationId}", TALKS_R, Get, &CONVERSATION, "", 200),
    row(PUT, "/conversations/{conversationId}", TALKS_W, Special(State::update_conversation), &CONVERSATION, "conversation", 200),
    row(DELETE, "/conversations/{conversationId}", TALKS_W, Delete("success"), &CONVERSATION, "", 200),
    // fields of objects
    row(GET, "/custom-fields/object-key/{objectKey}", FIELDS_R, Special(State::object_fields), &OBJECT_FIELD, "", 200),
    row(POST, "/custom-fields/folder", FIELDS_W, Create, &OBJECT_FOLDER, "", 201),
    row(PUT, "/custom-fields/folder/{id}", FIELDS_W, Update, &OBJECT_FOLDER, "", 200),
    row(DELETE, "/custom-fields/folder/{id}", FIELDS_W, Special(State::delete_object_field), &OBJECT_FOLDER, "", 200),
    row(POST, "/custom-fields", FIELDS_W, Create, &OBJECT_FIELD, "field", 201),
    row(GET, "/custom-fields/{id}", FIELDS_R, Get, &OBJECT_FIELD, "field", 200),
    row(PUT, "/custom-fields/{id}", FIELDS_W, Update, &OBJECT_FIELD, "field", 200),
    row(DELETE, "/custom-fields/{id}", FIELDS_W, Special(State::delete_object_field), &OBJECT_FIELD, "", 200),
    // locations
    row(POST, "/locations/{locationId}/tasks/search", Needs::Location("locations/tasks.readonly"), Special(State::search_tasks), &TASK, "tasks", 200),
    row(POST, "/locations/{locationId}/recurring-tasks", FREE, Create, &RECURRING, "recurringTask", 201),
    row(GET, "/locations/{locationId}/recurring-tasks/{id}", FREE, Get, &RECURRING, "recurringTask", 200),
    row(PUT, "/locations/{locationId}/recurring-tasks/{id}", FREE, Update, &RECURRING, "recurringTask", 200),
    row(DELETE, "/locations/{locationId}/recurring-tasks/{id}", FREE, Delete("success"), &RECURRING, "", 200),
    row(GET, "/locations/{locationId}/customValues", VALUES_R, List, &VALUE, "customValues", 200),
    row(POST, "/locations/{locationId}/customValues", VALUES_W, Create, &VALUE, "customValue", 201),
    row(GET, "/locations/{locationId}/customValues/{id}", VALUES_R, Get, &VALUE, "customValue", 200),
    row(PUT, "/locations/{locationId}/customValues/{id}", VALUES_W, Update, &VALUE, "customValue", 200),
    row(DELETE, "/locations/{locationId}/customValues/{id}", VALUES_W, Delete("succeded"), &VALUE, "", 200),
    row(GET, "/locations/{locationId}/timezones", Needs::Either("locations.readonly"), Special(State::timezones), &ZONE, "", 200),
    v3(row(GET, "/locations/{locationId}/conversationChannels/{type}", Needs::Location("locations.readonly"), Special(State::channel), &PROVIDER, "conversationChannel", 200)),
    row(GET, "/locations/{locationId}/templates", Needs::Location("locations/templates.readonly"), Special(State::list_templates), &TEMPLATE, "templates", 200),
    row(DELETE, "/locations/{locationId}/templates/{id}", FREE, Delete("ok"), &TEMPLATE, "", 200),
    // opportunities
    row(GET, "/opportunities/lost-reason", SALES_R, Special(State::lost_reasons), &LOST, "lostReasons", 200),
    row(GET, "/opportunities/search", SALES_R, Special(State::search_opportunities), &OPPORTUNITY, "opportunities", 200),
    row(POST, "/opportunities/search", SALES_R, Special(State::find_opportunities), &OPPORTUNITY, "opportunities", 200),
    row(GET, "/opportunities/pipelines", SALES_R, List, &PIPELINE, "pipelines", 200),
    row(POST, "/opportunities", SALES_W, Create, &OPPORTUNITY, "opportunity", 201),
    row(POST, "/opportunities/upsert", SALES_W, Special(State::upsert_opportunity), &OPPORTUNITY, "opportunity", 200),
    row(GET, "/opportunities/{id}", SALES_R, Get, &OPPORTUNITY, "opportunity", 200),
    row(PUT, "/opportunities/{id}", SALES_W, Update, &OPPORTUNITY, "opportunity", 200),
    row(PUT, "/opportunities/{id}/status", SALES_W, Special(State::set_opportunity_status), &OPPORTUNITY, "", 200),
    row(DELETE, "/opportunities/{id}", SALES_W, Delete("succeded"), &OPPORTUNITY, "", 200),
    row(POST, "/opportunities/{id}/followers", SALES_W, Special(State::opportunity_followers), &OPPORTUNITY, "", 201),
    row(DELETE, "/opportunities/{id}/followers", SALES_W, Special(State::opportunity_followers), &OPPORTUNITY, "", 200),
    // users
    row(POST, "/users", Needs::Either("users.write"), Special(State::create_user), &USER, "", 201),
    row(PUT, "/users/{userId}", Needs::Either("users.write"), Special(State::update_user), &USER, "", 200),
    row(DELETE, "/users/{userId}", Needs::Either("users.write"), Special(State::delete_user), &USER, "", 200),
];

/// The value of a placeholder.
pub(crate) fn parameter<'a>(row: &Row, admitted: &'a Admitted<'_>, name: &str) -> Option<&'a str> {
    let mut placeholders = row.template.split('/').filter_map(|segment| {
        segment
            .strip_prefix('{')
            .map(|segment| segment.trim_end_matches('}'))
    });
    let place = placeholders.position(|own| own == name)?;
    Some(admitted.parameter(place))
}

/// The value of the placeholder that names the thing itself: the last one.
pub(crate) fn own_id<'a>(row: &Row, admitted: &'a Admitted<'_>) -> &'a str {
    let count = row.template.matches('{').count();
    admitted.parameter(count.saturating_sub(1))
}
