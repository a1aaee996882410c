//! Appointments of calendars.
//!
//! An appointment belongs to a calendar and to a contact, and is a span between two moments: there are no whole days, a day
//! is the span from one midnight to the next in the account's zone. Cancelled is a status and not deleted; it is a field of its
//! own here, [`CANCELLED`], beside the status in the vendor's words.
//!
//! Nothing is sent to anybody: each write says `toNotify: false` ("the automations will not run", calendars specification), and
//! asks for no free slot, because what stands at the other end has happened already.

use connector::{
    Calls, CreateOutcome, Draft, Effect, Error, Hint, IdentityKey, Page, PageRequest, Refusal,
};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use record::{
    Access, Choice, Entity, Field, FieldSpec, Fields, Freshness, Kind, Read, RecordId, Schema,
    Value,
};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::{
    answer::Complaint,
    contact,
    form::present,
    operation::{
        APPOINTMENT_CREATE, APPOINTMENT_DELETE, APPOINTMENT_GET, APPOINTMENT_LIST,
        APPOINTMENT_UPDATE, CALENDARS,
    },
    requests::{bad_cursor, cannot, in_flight},
    rest::{Polled, Rest, asks_for_children, belongs, id_of, spec},
    settings::Settings,
    value,
};

/// Whether it was cancelled.
const CANCELLED: &str = "cancelled";

const STATUS: &str = "appointmentStatus";

/// What calendars have been described by since the beginning of this API.
const VERSION: &str = "2021-04-15";

/// How far a listing looks back and ahead.
const BACK: SignedDuration = SignedDuration::from_hours(24 * 366);
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 2 * 366);

pub(crate) static REST: Rest = Rest {
    noun: "appointment",
    get: APPOINTMENT_GET,
    create: APPOINTMENT_CREATE,
    update: APPOINTMENT_UPDATE,
    delete: APPOINTMENT_DELETE,
    make_at: "/calendars/events/appointments",
    below: "/calendars/events/appointments",
    delete_below: "/calendars/events",
    wraps: &["event", "appointment", ""],
    stamps: ("dateAdded", "dateUpdated"),
    version: Some(VERSION),
    beside: |_| {
        ["ignoreFreeSlotValidation", "ignoreDateRange"]
            .map(|name| (name.to_owned(), json!(true)))
            .into_iter()
            .chain([("toNotify".to_owned(), json!(false))])
            .collect()
    },
    fields,
    body,
};

/// The fields of every sub-account.
pub(crate) fn usual() -> Vec<FieldSpec> {
    use Access::{CreateOnly, ReadOnly, ReadWrite};
    let contact = Kind::Reference(Entity::Contact);
    let mut status = spec(STATUS, "Status", Kind::Choice, ReadWrite, false);
    status.choices = [
        "new",
        "confirmed",
        "cancelled",
        "showed",
        "noshow",
        "invalid",
    ]
    .map(|key| Choice {
        key: key.to_owned(),
        label: key.to_owned(),
    })
    .to_vec();
    let mut fields = vec![
        spec("title", "Title", Kind::Text, ReadWrite, false),
        spec("startTime", "Start", Kind::Instant, ReadWrite, true),
        spec("endTime", "End", Kind::Instant, ReadWrite, false),
        spec("contactId", "Contact", contact, CreateOnly, true),
        spec("calendarId", "Calendar", Kind::Choice, ReadWrite, true),
        spec(CANCELLED, "Cancelled", Kind::Boolean, ReadWrite, false),
        status,
        spec("assignedUserId", "Owner", Kind::User, ReadWrite, false),
        spec("address", "Place", Kind::Text, ReadWrite, false),
        spec(
            "description",
            "Description",
            Kind::LongText,
            ReadWrite,
            false,
        ),
        spec("dateAdded", "Created", Kind::Instant, ReadOnly, false),
        spec(
            "dateUpdated",
            "Last changed",
            Kind::Instant,
            ReadOnly,
            false,
        ),
    ];
    for field in &mut fields {
        let is_text = matches!(field.kind, Kind::Text | Kind::LongText);
        field.capability.clearable = is_text && field.capability.access == ReadWrite;
    }
    fields
}

/// With the calendars and the users. The setting `calendar` names the one that new appointments get.
pub(crate) async fn schema(calls: &dyn Calls) -> Result<Schema, Error> {
    let calendars = calendars(calls).await?;
    if let Some(chosen) = Settings::of(calls).calendar()
        && !calendars.iter().any(|calendar| calendar.key == chosen)
    {
        let known: Vec<String> = calendars
            .iter()
            .map(|calendar| format!("{} ({})", calendar.label, calendar.key))
            .collect();
        return Err(Error::Setting {
            setting: "calendar",
            hint: format!(
                "the sub-account has no calendar {chosen}; it has {}",
                known.join(", ")
            ),
        });
    }
    let users = contact::users(calls).await?.unwrap_or_default();
    let mut fields = usual();
    for field in &mut fields {
        match field.name.as_str() {
            "calendarId" => {
                field.capability.required = Settings::of(calls).calendar().is_none();
                field.capability.setting = Some("calendar".to_owned());
                field.choices.clone_from(&calendars);
            }
            "assignedUserId" => field.choices.clone_from(&users),
            _ => {}
        }
    }
    Ok(Schema {
        entity: Entity::Appointment,
        fields,
    })
}

async fn calendars(calls: &dyn Calls) -> Result<Vec<Choice>, Error> {
    let request = REST
        .request(CALENDARS, Effect::Read, Method::GET, "/calendars/")
        .query("locationId", Settings::of(calls).location()?);
    let response = calls.send(request).await?;
    if !response.status.is_success() {
        return Err(Error::Refused {
            operation: CALENDARS,
            refusal: Complaint::of(&response).refusal(Vec::new()),
        });
    }
    let body: Json = response.json(CALENDARS)?;
    let calendars = body["calendars"].as_array().ok_or(Error::Unexpected {
        operation: CALENDARS,
        status: response.status.as_u16(),
        what: "it holds no list of calendars".to_owned(),
    })?;
    Ok(calendars
        .iter()
        .filter_map(|calendar| {
            let id = id_of(calendar.as_object()?)?;
            Some(Choice {
                key: id.to_owned(),
                label: calendar["name"].as_str().unwrap_or(id).to_owned(),
            })
        })
        .collect())
}

fn fields(item: &Map<String, Json>, schema: &Schema) -> Fields {
    schema
        .fields
        .iter()
        .map(|spec| {
            let name = spec.name.as_str();
            let field = match name {
                CANCELLED => match item.get(STATUS).and_then(Json::as_str) {
                    Some(status) => Field::Value(Value::Boolean(status == "cancelled")),
                    None => Field::Unknown,
                },
                "startTime" | "endTime" | "contactId" | "calendarId" => {
                    present(item.get(name), spec.kind, Field::Unknown)
                }
                _ => present(item.get(name), spec.kind, Field::Empty),
            };
            (spec.name.clone(), field)
        })
        .collect()
}

fn body(set: &Fields, _schema: &Schema) -> Result<Map<String, Json>, Refusal> {
    let mut body = Map::new();
    for (name, field) in set.iter() {
        let json = match (name.as_str(), field) {
            (CANCELLED, Field::Value(Value::Boolean(cancelled))) => {
                // A status that is mapped as well says more.
                if set.get(STATUS).value().is_none() {
                    let status = if *cancelled { "cancelled" } else { "confirmed" };
                    body.insert(STATUS.to_owned(), json!(status));
                }
                continue;
            }
            (_, Field::Empty) => json!(""),
            (_, Field::Value(Value::Text(text))) => json!(text),
            (_, Field::Value(Value::Instant(at))) => json!(at.to_string()),
            _ => return Err(cannot(name, "was given a value of another kind")),
        };
        body.insert(name.to_string(), json);
    }
    Ok(body)
}

/// All that begin within the span, one request for each calendar. Single dates of a series are no records of their own
/// and left out.
async fn all(calls: &dyn Calls, schema: &Schema) -> Result<Vec<Read>, Error> {
    let now = calls.now();
    let millis =
        |at: Result<Timestamp, jiff::Error>| at.unwrap_or(now).as_millisecond().to_string();
    let span = [
        millis(now.checked_sub(BACK)),
        millis(now.checked_add(AHEAD)),
    ];
    let calendars = calendars(calls).await?;
    let answers = in_flight(
        calendars
            .iter()
            .map(|calendar| of_calendar(calls, schema, &calendar.key, &span))
            .collect(),
    )
    .await;
    let mut reads = Vec::new();
    for answer in answers {
        reads.extend(answer?);
    }
    Ok(reads)
}

async fn of_calendar(
    calls: &dyn Calls,
    schema: &Schema,
    calendar: &str,
    [from, until]: &[String; 2],
) -> Result<Vec<Read>, Error> {
    let request = REST
        .request(
            APPOINTMENT_LIST,
            Effect::Read,
            Method::GET,
            "/calendars/events",
        )
        .query("locationId", Settings::of(calls).location()?)
        .query("calendarId", calendar)
        .query("startTime", from)
        .query("endTime", until);
    let response = calls.send(request).await?;
    if !response.status.is_success() {
        return Err(Error::Refused {
            operation: APPOINTMENT_LIST,
            refusal: Complaint::of(&response).refusal(Vec::new()),
        });
    }
    #[derive(Deserialize)]
    struct Answer {
        events: Vec<Map<String, Json>>,
    }
    let events = response.json::<Answer>(APPOINTMENT_LIST)?.events;
    let single = |item: &&Map<String, Json>| {
        item.get("isRecurring").and_then(value::boolean) != Some(true)
            && item
                .get("rrule")
                .and_then(Json::as_str)
                .unwrap_or_default()
                .is_empty()
    };
    Ok(events
        .iter()
        .filter(single)
        .filter_map(|item| REST.read(item, schema, Freshness::PossiblyStale, response.sent))
        .collect())
}

pub(crate) async fn list(calls: &dyn Calls, schema: &Schema) -> Result<Page, Error> {
    let reads = all(calls, schema).await?;
    Ok(Page {
        total: None,
        reads,
        next: None,
        resume: None,
    })
}

/// Those that belong to the named contacts, out of all that are listed.
pub(crate) async fn find(
    calls: &dyn Calls,
    schema: &Schema,
    keys: &[IdentityKey],
) -> Result<Vec<Read>, Error> {
    if !asks_for_children(keys) {
        return Ok(Vec::new());
    }
    let mut reads = all(calls, schema).await?;
    reads.retain(|read| belongs(read, "contactId", keys));
    Ok(reads)
}

/// Nothing can be asked for what changed: all are listed, and what is newer than the last time is shown.
pub(crate) async fn changes(
    calls: &dyn Calls,
    schema: &Schema,
    request: PageRequest,
) -> Result<Page, Error> {
    let since: Option<Polled> = request
        .cursor
        .map(serde_json::from_value)
        .transpose()
        .map_err(|_| bad_cursor())?;
    let changed = |read: &Read| read.modified.map(Timestamp::as_millisecond);
    let mut reads = all(calls, schema).await?;
    let newest = reads.iter().filter_map(changed).max();
    let before = since.as_ref().map(|since| since.newest);
    // What changed before the newest may be shown only now; what is shown again is no news to anybody.
    let from = before.map(|before| before.saturating_sub(contact::overlap()));
    reads
        .retain(|read| from.is_some_and(|from| changed(read).is_none_or(|changed| changed > from)));
    Ok(Page {
        reads,
        next: None,
        resume: Some(json!(Polled {
            newest: newest.unwrap_or(0).max(before.unwrap_or(0)),
        })),
        total: None,
    })
}

pub(crate) async fn create(
    calls: &dyn Calls,
    schema: &Schema,
    drafts: &[Draft],
) -> Vec<CreateOutcome> {
    let defaults: Fields = Settings::of(calls)
        .calendar()
        .map(|calendar| ("calendarId".into(), Field::of(calendar)))
        .into_iter()
        .collect();
    REST.create(calls, schema, drafts, &defaults).await
}

/// The hint in this event, if it is one about an appointment. The record is nested, unlike in all other events.
pub(crate) fn hint(event: &str, body: &Map<String, Json>, received: Timestamp) -> Option<Hint> {
    event.strip_prefix("Appointment")?;
    let id = body
        .get("appointment")
        .and_then(Json::as_object)
        .and_then(id_of)
        .or_else(|| id_of(body))?;
    Some(Hint {
        entity: Entity::Appointment,
        id: RecordId::new(id),
        not_older_than: body
            .get("timestamp")
            .and_then(value::instant)
            .map(|said| said.min(received)),
        born: event == "AppointmentCreate",
        shown: None,
    })
}
