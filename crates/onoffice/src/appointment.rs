//! Appointments of the calendar.
//!
//! Times are wall time without a zone; here they are moments. A whole day is a flag there, with times that mean nothing; here it
//! is the span from its midnight to the midnight after its last day, which is 23 or 25 hours on the days on which the
//! clock is changed. A span from midnight to midnight that is written becomes whole days. A moment in the hour that exists
//! twice is written as the wall shows it; read back it says nothing, for it could mean either. Nor does a time in the hour that
//! does not exist. Both are told with the reading, so that whoever cannot go on knows why.
//!
//! The older read (`read calendar`) is used although the vendor discourages it, because it alone can be asked for what was
//! changed. Nothing is sent to anybody: `reminderTypes` is left out, and confirmations (`appointmentAffirmation`) are never
//! asked for. Recurring appointments are left out of listings.

mod body;

use std::collections::BTreeMap;

use connector::{
    Calls, Change, CreateOutcome, Draft, Error, Fetched, IdentityKey, KeyKind, Page, PageRequest,
    Refusal, RemoveOutcome, UpdateOutcome,
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use record::{
    Access, Capability, Choice, Completeness, Entity, Field, FieldName, FieldSpec, Fields,
    Freshness, Kind, Read, Record, RecordId, Schema, Unclear, Value,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::{
    action::{Action, Verb, WRITES},
    address::number,
    answer::{Row, text},
    codes::{Meaning, No, meaning},
    describe::OVERLAP,
    exchange::{self, Written, unexpected},
    value,
    wall::{Moment, Wall},
};

pub(crate) const CALENDAR: &str = "calendar";

pub(crate) const START: &str = "start_dt";
pub(crate) const END: &str = "end_dt";
const WHOLE_DAYS: &str = "ganztags";
/// The contact of an appointment; its number stands beside the other fields.
pub(crate) const CONTACT: &str = "contact";

const FETCH: &str = "appointments.fetch";
const LIST: &str = "appointments.list";
const CHANGES: &str = "appointments.changes";
const CREATE: &str = "appointments.create";
const UPDATE: &str = "appointments.update";
const REMOVE: &str = "appointments.remove";

/// How far a listing looks back and ahead.
const BACK: SignedDuration = SignedDuration::from_hours(24 * 366);
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 2 * 366);

/// Most that one answer holds. There is no paging: a span of which so many are shown is asked for in halves.
const MOST: usize = 500;

/// Spans of days are not halved any further than this, for the vendor counts whole days.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Nor those of changes, for stamps are whole seconds.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// Spans of changes that are asked for in one poll, as long as they are full: a vendor that takes no notice of their end
/// is not asked for ever.
const MOST_SPANS: usize = 100;

/// There is no such record (documented: "Error codes").
const NO_RECORD: i64 = 169;

/// The fields of every client.
pub(crate) fn usual() -> Vec<FieldSpec> {
    let field = |name: &str, label: &str, kind: Kind, access: Access, required: bool| FieldSpec {
        name: name.into(),
        label: label.to_owned(),
        kind,
        capability: Capability {
            required,
            clearable: access == Access::ReadWrite
                && !required
                && matches!(kind, Kind::Text | Kind::LongText | Kind::Reference(_)),
            ..Capability::of(access)
        },
        choices: Vec::new(),
        custom: false,
    };
    use Access::{ReadOnly, ReadWrite};
    let mut status = field("status", "Status", Kind::Choice, ReadWrite, false);
    status.choices = [
        ("active", "aktiv"),
        ("completed", "erledigt"),
        ("canceled", "abgesagt"),
        ("participantsAvailable", "Teilnehmer verfügbar"),
    ]
    .map(|(key, label)| Choice {
        key: key.to_owned(),
        label: label.to_owned(),
    })
    .to_vec();
    vec![
        field("description", "Betreff", Kind::Text, ReadWrite, false),
        field(START, "Beginn", Kind::Instant, ReadWrite, true),
        field(END, "Ende", Kind::Instant, ReadWrite, true),
        field(WHOLE_DAYS, "Ganztägig", Kind::Boolean, ReadOnly, false),
        field(
            CONTACT,
            "Adresse",
            Kind::Reference(Entity::Contact),
            ReadWrite,
            false,
        ),
        field("abgesagt", "Abgesagt", Kind::Boolean, ReadWrite, false),
        status,
        field("art", "Art", Kind::Text, ReadWrite, false),
        field("note", "Bemerkung", Kind::LongText, ReadWrite, false),
        field("private", "Privat", Kind::Boolean, ReadWrite, false),
        field("von", "Angelegt von", Kind::User, ReadWrite, false),
        field(
            "modified",
            "Letzte Änderung",
            Kind::Instant,
            ReadOnly,
            false,
        ),
    ]
}

/// The same on every connection, but for the users.
pub(crate) async fn schema(calls: &dyn Calls) -> Result<Schema, Error> {
    let users = crate::schema::logins(calls).await?;
    let mut fields = usual();
    for field in fields.iter_mut().filter(|field| field.kind == Kind::User) {
        field.choices.clone_from(&users);
    }
    Ok(Schema {
        entity: Entity::Appointment,
        fields,
    })
}

fn fields(elements: &Map<String, Json>, schema: &Schema, wall: &Wall) -> Fields {
    let whole_days = elements
        .get(WHOLE_DAYS)
        .map(|value| value::read(Kind::Boolean, value, wall))
        == Some(Field::Value(Value::Boolean(true)));
    schema
        .fields
        .iter()
        .map(|spec| {
            let name = spec.name.as_str();
            let json = elements.get(name);
            let field = match (name, json) {
                (CONTACT, _) => contact(elements.get("assignedaddressids")),
                // `{key: label}`, or a list without anything
                ("art", Some(Json::Object(kinds))) => kinds
                    .keys()
                    .next()
                    .map_or(Field::Empty, |key| Field::of(key.as_str())),
                ("modified", Some(json)) => {
                    changed(json).map_or(Field::Unknown, |at| Field::Value(Value::Instant(at)))
                }
                (START | END, Some(json)) => moment(json, wall, whole_days, name == END),
                (_, Some(json)) => value::read(spec.kind, json, wall),
                (_, None) => Field::Unknown,
            };
            (spec.name.clone(), field)
        })
        .collect()
}

/// The contact: the address with the lowest number; others are guests.
fn contact(ids: Option<&Json>) -> Field {
    let Some(ids) = addresses(ids) else {
        return Field::Unknown;
    };
    let lowest = ids.into_iter().min();
    lowest.map_or(Field::Empty, |id| Field::of(id.to_string()))
}

fn addresses(ids: Option<&Json>) -> Option<Vec<u64>> {
    let ids = ids?.as_array()?.iter().filter_map(text);
    Some(ids.filter_map(|id| id.parse().ok()).collect())
}

fn moment(json: &Json, wall: &Wall, whole_days: bool, end: bool) -> Field {
    let Some(text) = text(json) else {
        return Field::Unknown;
    };
    if whole_days {
        let day = record::date::parse(text.split(' ').next().unwrap_or_default());
        let day = match (day, end) {
            (Some(day), true) => day.tomorrow().ok(),
            (day, _) => day,
        };
        return day
            .and_then(|day| wall.midnight(day))
            .map_or(Field::Unknown, |at| Field::Value(Value::Instant(at)));
    }
    match wall.read(&text) {
        Moment::At { at, certain: true } => Field::Value(Value::Instant(at)),
        Moment::Empty => Field::Empty,
        Moment::At { .. } | Moment::Unreadable => Field::Unknown,
    }
}

/// `modified` is in UTC, unlike all other times (documented).
fn changed(json: &Json) -> Option<Timestamp> {
    let text = text(json)?;
    let at = jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", text.trim()).ok()?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn spelt(at: Timestamp) -> String {
    let at = TimeZone::UTC.to_datetime(at);
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn read(row: &Row, schema: &Schema, wall: &Wall, sent: Timestamp) -> Option<Read> {
    let id = row.id.as_deref()?;
    Some(Read {
        record: Record {
            id: RecordId::from(id),
            fields: fields(&row.elements, schema, wall),
        },
        freshness: Freshness::Fresh,
        completeness: Completeness::Complete,
        as_of: sent,
        modified: row.elements.get("modified").and_then(changed),
        created: None,
        unclear: unclear(&row.elements, wall),
    })
}

/// Begin and end that the wall shows and that are no moment, or two.
fn unclear(elements: &Map<String, Json>, wall: &Wall) -> BTreeMap<FieldName, Unclear> {
    let days = elements
        .get(WHOLE_DAYS)
        .map(|days| value::read(Kind::Boolean, days, wall));
    if days == Some(Field::Value(Value::Boolean(true))) {
        return BTreeMap::new();
    }
    let told = |name: &str| {
        let said = text(elements.get(name)?)?;
        let why = match wall.read(&said) {
            Moment::At { certain: false, .. } if wall.is_skipped(&said) => {
                "does not exist: the clock is put forward over it"
            }
            Moment::At { certain: false, .. } => {
                "exists twice: the clock is put back over it, and nothing says which of the two is meant"
            }
            _ => return None,
        };
        let unclear = Unclear {
            why: format!("{said} {why}; give it another time in onOffice"),
            either: wall.either(&said).into_iter().map(Value::Instant).collect(),
        };
        Some((FieldName::from(name), unclear))
    };
    [START, END].into_iter().filter_map(told).collect()
}

fn is_series(row: &Row, wall: &Wall) -> bool {
    row.elements
        .get("rp_flag")
        .map(|flag| value::read(Kind::Boolean, flag, wall))
        == Some(Field::Value(Value::Boolean(true)))
}

/// Reads appointments by id, one action each, some to a request.
pub(crate) async fn fetch(
    calls: &dyn Calls,
    schema: &Schema,
    ids: &[RecordId],
) -> Result<Vec<Fetched>, Error> {
    let wall = Wall::of(calls.settings())?;
    let mut fetched = Vec::with_capacity(ids.len());
    for ids in ids.chunks(WRITES) {
        let numbered: Vec<(&RecordId, u64)> = ids
            .iter()
            .filter_map(|id| Some((id, number(id)?)))
            .collect();
        fetched.extend(
            ids.iter()
                .filter(|id| number(id).is_none())
                .map(|id| Fetched::Gone(id.clone())),
        );
        let actions: Vec<Action> = numbered
            .iter()
            .map(|(_, number)| {
                Action::new(
                    Verb::Read,
                    CALENDAR,
                    json!({"showcancelled": true, "allusers": true}),
                )
                .on(*number)
            })
            .collect();
        if actions.is_empty() {
            continue;
        }
        let reading = exchange::read(calls, FETCH, &actions, actions.len()).await?;
        for (((id, _), action), result) in numbered.iter().zip(&actions).zip(reading.results) {
            let id: &RecordId = id;
            fetched.push(match result {
                Ok(data) => data
                    .records
                    .iter()
                    .filter_map(|row| read(row, schema, &wall, reading.sent))
                    .find(|read| read.record.id == *id)
                    .map_or_else(
                        || Fetched::Gone(id.clone()),
                        |read| Fetched::Found(Box::new(read)),
                    ),
                Err(no) if is_gone(&no) => Fetched::Gone(id.clone()),
                Err(no) => Fetched::Failed(id.clone(), no.error(FETCH, &action.parameters)),
            });
        }
    }
    Ok(fetched)
}

fn is_gone(no: &No) -> bool {
    no.code == NO_RECORD || meaning(no.code) == Meaning::Gone
}

/// What one answer shows.
struct Shown {
    reads: Vec<Read>,
    /// How many there were before recurring ones were left out.
    number: usize,
    seen: exchange::Seen,
}

async fn rows(
    calls: &dyn Calls,
    operation: &'static str,
    schema: &Schema,
    narrowed: Json,
) -> Result<Shown, Error> {
    let wall = Wall::of(calls.settings())?;
    let mut action = Action::new(Verb::Read, CALENDAR, narrowed);
    for everything in ["allusers", "showcancelled"] {
        action.parameters.insert(everything.to_owned(), json!(true));
    }
    let (data, seen) = exchange::read_one(calls, operation, &action, 1).await?;
    let reads = data
        .records
        .iter()
        .filter(|row| !is_series(row, &wall))
        .map(|row| {
            read(row, schema, &wall, seen.sent)
                .ok_or_else(|| unexpected(operation, "a record without an id"))
        })
        .collect::<Result<_, _>>()?;
    Ok(Shown {
        reads,
        number: data.records.len(),
        seen,
    })
}

/// The two halves of a span, unless it is too short.
fn halves(
    (from, until): (Timestamp, Timestamp),
    shortest: SignedDuration,
) -> Option<[(Timestamp, Timestamp); 2]> {
    let whole = until.duration_since(from);
    let middle = (whole > shortest).then(|| from.checked_add(whole / 2).ok())??;
    Some([(from, middle), (middle, until)])
}

/// Spans of which nothing was delivered yet; the next one last.
#[derive(Debug, Serialize, Deserialize)]
struct Ahead {
    spans: Vec<(Timestamp, Timestamp)>,
}

/// All that lie within the span of a listing, a part of it at a time. One that lies in two parts is shown twice.
pub(crate) async fn list(
    calls: &dyn Calls,
    schema: &Schema,
    page: PageRequest,
) -> Result<Page, Error> {
    let wall = Wall::of(calls.settings())?;
    let now = calls.now();
    let at = |at: Result<Timestamp, jiff::Error>| at.unwrap_or(now);
    let cursor: Option<Ahead> = page
        .cursor
        .map(serde_json::from_value)
        .transpose()
        .map_err(|_| unexpected(LIST, "the cursor is none of this connector"))?;
    let mut spans = cursor.map_or_else(
        || vec![(at(now.checked_sub(BACK)), at(now.checked_add(AHEAD)))],
        |cursor| cursor.spans,
    );
    let mut reads = Vec::new();
    while let Some(span) = spans.pop() {
        let (from, until) = (wall.write(span.0), wall.write(span.1));
        let narrowed = json!({"datestart": from, "dateend": until});
        let shown = rows(calls, LIST, schema, narrowed).await?;
        if shown.number < MOST {
            reads = shown.reads;
            break;
        }
        let Some([first, second]) = halves(span, DAY) else {
            let what = format!(
                "from {from} to {until} there are {} appointments or more, and one answer holds no more",
                shown.number
            );
            return Err(unexpected(LIST, what));
        };
        spans.extend([second, first]);
    }
    Ok(Page {
        reads,
        next: (!spans.is_empty()).then(|| json!(Ahead { spans })),
        resume: None,
        total: None,
    })
}

/// Those that belong to the named addresses, out of all that are listed.
pub(crate) async fn find(
    calls: &dyn Calls,
    schema: &Schema,
    keys: &[IdentityKey],
) -> Result<Vec<Read>, Error> {
    let parents: Vec<&str> = keys
        .iter()
        .filter(|key| key.kind == KeyKind::Parent)
        .map(|key| key.value.as_str())
        .collect();
    if parents.is_empty() {
        return Ok(Vec::new());
    }
    // One that lies in two pages is shown twice.
    let mut found = BTreeMap::new();
    let mut cursor = None;
    loop {
        let page = list(
            calls,
            schema,
            PageRequest {
                cursor,
                limit: MOST,
            },
        )
        .await?;
        let theirs = page.reads.into_iter().filter(|read| {
            let address = read.record.fields.get(CONTACT).text();
            address.is_some_and(|address| parents.contains(&address))
        });
        found.extend(theirs.map(|read| (read.record.id.clone(), read)));
        cursor = page.next;
        if cursor.is_none() {
            return Ok(found.into_values().collect());
        }
    }
}

/// Where polling stands.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    /// All that changed before this has been delivered.
    since: Timestamp,
}

/// What was changed since the cursor, by the vendor's clock.
pub(crate) async fn changes(
    calls: &dyn Calls,
    schema: &Schema,
    page: PageRequest,
) -> Result<Page, Error> {
    let now = calls.now();
    let cursor: Option<Cursor> = page
        .cursor
        .map(serde_json::from_value)
        .transpose()
        .map_err(|_| unexpected(CHANGES, "the cursor is none of this connector"))?;
    let since = cursor.as_ref().map_or(now, |cursor| cursor.since);
    let from = since.saturating_sub(OVERLAP).unwrap_or(since);
    let narrowed = json!({"modifiedstart": spelt(from)});
    let Shown {
        mut reads,
        number,
        seen,
    } = rows(calls, CHANGES, schema, narrowed).await?;
    if number >= MOST && cursor.is_some() {
        reads = changed_within(calls, schema, (from, seen.server.unwrap_or(seen.sent))).await?;
    }
    let then = seen.server.unwrap_or(seen.sent).max(since.min(seen.sent));
    Ok(Page {
        reads: match cursor {
            Some(_) => reads,
            None => Vec::new(),
        },
        next: None,
        resume: Some(json!(Cursor { since: then })),
        total: None,
    })
}

/// More changes than one answer holds. Where there are more within a second, or spans without end, what is
/// shown is taken; the rest is found when all are listed.
async fn changed_within(
    calls: &dyn Calls,
    schema: &Schema,
    (from, now): (Timestamp, Timestamp),
) -> Result<Vec<Read>, Error> {
    // What is changed meanwhile is shown by the next poll.
    let until = now.checked_add(SECOND).unwrap_or(now);
    let mut found = BTreeMap::new();
    let mut spans = vec![(from, until)];
    let mut asked = 0;
    while let Some(span) = spans.pop() {
        asked += 1;
        let narrowed = json!({"modifiedstart": spelt(span.0), "modifiedend": spelt(span.1)});
        let shown = rows(calls, CHANGES, schema, narrowed).await?;
        match halves(span, SECOND).filter(|_| shown.number >= MOST && asked < MOST_SPANS) {
            Some(halves) => spans.extend(halves),
            None => {
                found.extend(
                    shown
                        .reads
                        .into_iter()
                        .map(|read| (read.record.id.clone(), read)),
                );
            }
        }
    }
    Ok(found.into_values().collect())
}

pub(crate) async fn create(
    calls: &dyn Calls,
    schema: &Schema,
    drafts: &[Draft],
) -> Vec<CreateOutcome> {
    let mut outcomes = Vec::with_capacity(drafts.len());
    for draft in drafts {
        outcomes.push(make(calls, schema, draft).await);
    }
    outcomes
}

async fn make(calls: &dyn Calls, schema: &Schema, draft: &Draft) -> CreateOutcome {
    let wall = match Wall::of(calls.settings()) {
        Ok(wall) => wall,
        Err(error) => return CreateOutcome::Failed(error),
    };
    let parameters = match body::create(&draft.fields, schema, &wall) {
        Ok(parameters) => parameters,
        Err(refusal) => return CreateOutcome::Refused(refusal),
    };
    let action = Action::new(Verb::Create, CALENDAR, Json::Object(parameters));
    match one(calls, CREATE, &action).await {
        Written::Done(data) => match data.records.first().and_then(|row| row.id.as_deref()) {
            Some(id) => CreateOutcome::Created {
                id: RecordId::from(id),
                read: None,
                left_out: Vec::new(),
            },
            None => CreateOutcome::Unknown {
                why: "the vendor reports success without an id".into(),
            },
        },
        Written::No(no) if meaning(no.code) == Meaning::Right => {
            CreateOutcome::Failed(right(CREATE, &no))
        }
        Written::No(no) => CreateOutcome::Refused(refusal(&no, &action)),
        Written::Unclear(why) => CreateOutcome::Unknown { why },
        Written::NotSent(error) => CreateOutcome::Failed(Error::Call(error)),
    }
}

async fn one(calls: &dyn Calls, operation: &'static str, action: &Action) -> Written {
    let mut written = exchange::write(calls, operation, std::slice::from_ref(action)).await;
    written
        .pop()
        .unwrap_or_else(|| Written::Unclear("there was no answer".into()))
}

fn right(operation: &'static str, no: &No) -> Error {
    Error::MissingRight {
        operation,
        missing: no.right(),
    }
}

/// The no, blaming the times by the numbers that are about them (documented: 91, 92, 93, 122).
fn refusal(no: &No, action: &Action) -> Refusal {
    let mut refusal = no.refusal(&action.parameters);
    if refusal.fields.is_empty() {
        refusal.fields = match no.code {
            91 => vec![START.into()],
            92 => vec![END.into()],
            93 | 122 => vec![START.into(), END.into()],
            251 => vec!["von".into()],
            252 => vec!["art".into()],
            292 => vec![CONTACT.into()],
            _ => Vec::new(),
        };
    }
    refusal
}

pub(crate) async fn update(
    calls: &dyn Calls,
    schema: &Schema,
    changes: &[Change],
) -> Vec<UpdateOutcome> {
    let mut outcomes = Vec::with_capacity(changes.len());
    for change in changes {
        outcomes.push(modify(calls, schema, change).await);
    }
    outcomes
}

async fn modify(calls: &dyn Calls, schema: &Schema, change: &Change) -> UpdateOutcome {
    let nothing_done = |refusal| UpdateOutcome::Refused {
        refusal,
        done: Vec::new(),
    };
    let wall = match Wall::of(calls.settings()) {
        Ok(wall) => wall,
        Err(error) => return UpdateOutcome::Failed(error),
    };
    let Some(id) = number(&change.current.id) else {
        return UpdateOutcome::Gone;
    };
    let mut parameters = match body::update(&change.set, &change.current.fields, schema, &wall) {
        Ok(parameters) => parameters,
        Err(refusal) => return nothing_done(refusal),
    };
    if change.set.get(CONTACT).is_known() {
        match guests(calls, id).await {
            Ok(Some(guests)) => {
                if let Err(refusal) = body::with_guests(&mut parameters, guests) {
                    return nothing_done(refusal);
                }
            }
            Ok(None) => return UpdateOutcome::Gone,
            Err(error) => return UpdateOutcome::Failed(error),
        }
    }
    let action = Action::new(Verb::Modify, CALENDAR, Json::Object(parameters)).on(id);
    match one(calls, UPDATE, &action).await {
        Written::Done(_) => UpdateOutcome::Done { read: None },
        Written::No(no) if is_gone(&no) => UpdateOutcome::Gone,
        Written::No(no) if meaning(no.code) == Meaning::Right => {
            UpdateOutcome::Failed(right(UPDATE, &no))
        }
        Written::No(no) => nothing_done(refusal(&no, &action)),
        Written::Unclear(why) => UpdateOutcome::Unknown { why },
        Written::NotSent(error) => UpdateOutcome::Failed(Error::Call(error)),
    }
}

/// The addresses of an appointment beside its contact. `None`: there is no such appointment.
async fn guests(calls: &dyn Calls, id: u64) -> Result<Option<Vec<u64>>, Error> {
    let everything = json!({"showcancelled": true, "allusers": true});
    let action = Action::new(Verb::Read, CALENDAR, everything).on(id);
    let reading = exchange::read(calls, FETCH, std::slice::from_ref(&action), 1).await?;
    let data = match reading.results.into_iter().next() {
        Some(Ok(data)) => data,
        Some(Err(no)) if is_gone(&no) => return Ok(None),
        Some(Err(no)) => return Err(no.error(FETCH, &action.parameters)),
        None => return Err(unexpected(FETCH, "there was no answer")),
    };
    let Some(row) = data.records.first() else {
        return Ok(None);
    };
    let mut ids = addresses(row.elements.get("assignedaddressids"))
        .ok_or_else(|| unexpected(FETCH, "an appointment without its addresses"))?;
    ids.sort_unstable();
    ids.dedup();
    Ok(Some(ids.split_off(ids.len().min(1))))
}

pub(crate) async fn remove(calls: &dyn Calls, ids: &[RecordId]) -> Vec<RemoveOutcome> {
    let mut outcomes = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(number) = number(id) else {
            outcomes.push(RemoveOutcome::Gone);
            continue;
        };
        let action = Action::new(Verb::Delete, CALENDAR, json!({})).on(number);
        outcomes.push(match one(calls, REMOVE, &action).await {
            Written::Done(_) => RemoveOutcome::Done,
            Written::No(no) if is_gone(&no) => RemoveOutcome::Gone,
            Written::No(no) if meaning(no.code) == Meaning::Right => {
                RemoveOutcome::Failed(right(REMOVE, &no))
            }
            Written::No(no) => RemoveOutcome::Refused(no.refusal(&action.parameters)),
            Written::Unclear(why) => RemoveOutcome::Unknown { why },
            Written::NotSent(error) => RemoveOutcome::Failed(Error::Call(error)),
        });
    }
    outcomes
}
