//! Making, changing and deleting tasks and notes.

use std::collections::BTreeSet;

use connector::{
    CallError, Calls, Change, CreateOutcome, Draft, Effect, Error, Refusal, RemoveOutcome, Request,
    Response, UpdateOutcome,
};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use record::{Access, Field, FieldName, Fields, Freshness, Read, RecordId, Schema, Value};
use serde_json::{Map, Value as Json, json};

use super::{
    CONTACT, DONE, DUE, Place, Sort, TASK, decode,
    read::{item, path},
};
use crate::{
    answer::Complaint,
    requests::{cannot, in_flight, segment},
    settings::Settings,
};

pub(crate) async fn create(
    calls: &dyn Calls,
    schema: &Schema,
    sort: &'static Sort,
    drafts: &[Draft],
) -> Vec<CreateOutcome> {
    let each = drafts.iter().map(|draft| make(calls, schema, sort, draft));
    in_flight(each.collect()).await
}

async fn make(
    calls: &dyn Calls,
    schema: &Schema,
    sort: &'static Sort,
    draft: &Draft,
) -> CreateOutcome {
    let Some(contact) = draft.fields.get(CONTACT).text() else {
        let name = FieldName::from(CONTACT);
        return CreateOutcome::Refused(cannot(&name, "is needed: it belongs to a contact"));
    };
    let given: Fields = draft
        .fields
        .iter()
        .filter(|(name, field)| field.value().is_some() && name.as_str() != CONTACT)
        .map(|(name, field)| (name.clone(), field.clone()))
        .collect();
    let mut body = match body(&given, schema) {
        Ok(body) => body,
        Err(refusal) => return CreateOutcome::Refused(refusal),
    };
    if *sort == TASK
        && let Err(outcome) = complete(calls, &mut body)
    {
        return outcome;
    }
    let path = format!("/contacts/{}/{}", segment(contact), sort.many);
    let request =
        Request::new(sort.create, Effect::Write, Method::POST, path).json(Json::Object(body));
    let response = match calls.send(request).await {
        Ok(response) => response,
        Err(CallError::OutcomeUnknown { why, .. }) => return CreateOutcome::Unknown { why },
        Err(error) => return CreateOutcome::Failed(Error::Call(error)),
    };
    if response.status.is_success() {
        return match answered(&response, sort, contact, schema) {
            Some(read) => CreateOutcome::Created {
                id: read.record.id.clone(),
                read: shows_all(&read.record.fields, &given).then(|| Box::new(read)),
                left_out: Vec::new(),
            },
            None => CreateOutcome::Unknown {
                why: format!("the answer names no {}", sort.one),
            },
        };
    }
    let complaint = Complaint::of(&response);
    if !response.status.is_client_error() {
        return CreateOutcome::Unknown {
            why: complaint.message(),
        };
    }
    CreateOutcome::Refused(complaint.refusal(blamed(&complaint, &given)))
}

/// A new task says when it is due and whether it is done (`CreateTaskParams`). For one without a day the setting of the
/// connection counts from now.
fn complete(calls: &dyn Calls, body: &mut Map<String, Json>) -> Result<(), CreateOutcome> {
    body.entry(DONE).or_insert(json!(false));
    if body.contains_key(DUE) {
        return Ok(());
    }
    let days = match Settings::of(calls).task_due_days() {
        Ok(days) => days,
        Err(error) => return Err(CreateOutcome::Failed(error)),
    };
    let due = days.and_then(|days| {
        let after = SignedDuration::from_hours(24 * i64::from(days));
        calls.now().checked_add(after).ok()
    });
    let Some(due) = due else {
        let name = FieldName::from(DUE);
        return Err(CreateOutcome::Refused(cannot(
            &name,
            "is needed for a new task: set `task_due_days` under the connection's `settings` for those without one",
        )));
    };
    body.insert(DUE.to_owned(), json!(spelt(due)));
    Ok(())
}

/// Without parts of a second: with them, updates were seen to fail (a public client's source).
fn spelt(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn answered(response: &Response, sort: &Sort, contact: &str, schema: &Schema) -> Option<Read> {
    let body: Json = serde_json::from_slice(&response.body).ok()?;
    decode::read(
        item(&body, sort)?,
        Some(contact),
        schema,
        Freshness::Fresh,
        response.sent,
    )
}

pub(crate) async fn update(
    calls: &dyn Calls,
    schema: &Schema,
    sort: &'static Sort,
    changes: &[Change],
) -> Vec<UpdateOutcome> {
    let each = changes
        .iter()
        .map(|change| put(calls, schema, sort, change));
    in_flight(each.collect()).await
}

async fn put(
    calls: &dyn Calls,
    schema: &Schema,
    sort: &'static Sort,
    change: &Change,
) -> UpdateOutcome {
    let nothing_done = |refusal| UpdateOutcome::Refused {
        refusal,
        done: Vec::new(),
    };
    let Some(place) = Place::of(&change.current.id) else {
        return UpdateOutcome::Gone;
    };
    if let Some(name) = change.sets.keys().next() {
        return nothing_done(cannot(name, "is no set"));
    }
    let body = match body(&change.set, schema) {
        Ok(body) => body,
        Err(refusal) => return nothing_done(refusal),
    };
    let request = Request::new(sort.update, Effect::Write, Method::PUT, path(sort, &place))
        .json(Json::Object(body));
    let response = match calls.send(request).await {
        Ok(response) => response,
        Err(CallError::OutcomeUnknown { why, .. }) => return UpdateOutcome::Unknown { why },
        Err(error) => return UpdateOutcome::Failed(Error::Call(error)),
    };
    if response.status.is_success() {
        let read = answered(&response, sort, place.contact, schema).filter(|read| {
            read.record.id == change.current.id && shows_all(&read.record.fields, &change.set)
        });
        // An answer that shows less than was there is an echo, and no record.
        let whole = read.filter(|read| {
            change
                .current
                .fields
                .iter()
                .filter(|(name, field)| {
                    field.value().is_some() && !change.set.get(name.as_str()).is_known()
                })
                .all(|(name, _)| read.record.fields.get(name.as_str()).value().is_some())
        });
        return UpdateOutcome::Done {
            read: whole.map(Box::new),
        };
    }
    let complaint = Complaint::of(&response);
    if complaint.is_gone() {
        UpdateOutcome::Gone
    } else if response.status.is_client_error() {
        nothing_done(complaint.refusal(blamed(&complaint, &change.set)))
    } else {
        UpdateOutcome::Unknown {
            why: complaint.message(),
        }
    }
}

pub(crate) async fn remove(
    calls: &dyn Calls,
    sort: &'static Sort,
    ids: &[RecordId],
) -> Vec<RemoveOutcome> {
    in_flight(ids.iter().map(|id| delete(calls, sort, id)).collect()).await
}

async fn delete(calls: &dyn Calls, sort: &'static Sort, id: &RecordId) -> RemoveOutcome {
    let Some(place) = Place::of(id) else {
        return RemoveOutcome::Gone;
    };
    let request = Request::new(
        sort.delete,
        Effect::Write,
        Method::DELETE,
        path(sort, &place),
    );
    let response = match calls.send(request).await {
        Ok(response) => response,
        Err(CallError::OutcomeUnknown { why, .. }) => return RemoveOutcome::Unknown { why },
        Err(error) => return RemoveOutcome::Failed(Error::Call(error)),
    };
    if response.status.is_success() {
        let body: Json = serde_json::from_slice(&response.body).unwrap_or(Json::Null);
        let says_no = ["success", "succeded", "succeeded"]
            .iter()
            .any(|key| body[*key] == json!(false));
        return if says_no {
            RemoveOutcome::Unknown {
                why: "HighLevel answered that it did not succeed, and not why".to_owned(),
            }
        } else {
            RemoveOutcome::Done
        };
    }
    let complaint = Complaint::of(&response);
    if complaint.is_gone() {
        RemoveOutcome::Gone
    } else if response.status.is_client_error() {
        RemoveOutcome::Refused(complaint.refusal(Vec::new()))
    } else {
        RemoveOutcome::Unknown {
            why: complaint.message(),
        }
    }
}

/// A body out of these fields. An emptied text is an empty text: no property may be `null`. That an empty text empties
/// is *unverified*.
fn body(set: &Fields, schema: &Schema) -> Result<Map<String, Json>, Refusal> {
    let mut body = Map::new();
    for (name, field) in set.iter() {
        let spec = schema
            .field(name.as_str())
            .ok_or_else(|| cannot(name, "is no field there"))?;
        if spec.capability.access != Access::ReadWrite {
            return Err(cannot(name, "cannot be written by API"));
        }
        let json = match field {
            Field::Unknown => continue,
            Field::Empty if !spec.capability.clearable => {
                return Err(cannot(name, "cannot be emptied by API"));
            }
            Field::Empty => json!(""),
            Field::Value(Value::Text(text)) => json!(text),
            Field::Value(Value::Boolean(flag)) => json!(flag),
            Field::Value(Value::Instant(at)) => json!(spelt(*at)),
            Field::Value(_) => return Err(cannot(name, "was given a value of another kind")),
        };
        body.insert(name.as_str().to_owned(), json);
    }
    Ok(body)
}

/// The sent fields that a refusal names: validation texts begin with the property, or with `property`.
fn blamed(complaint: &Complaint, sent: &Fields) -> Vec<FieldName> {
    let named: BTreeSet<&str> = complaint
        .texts
        .iter()
        .filter_map(|text| {
            let start = text.strip_prefix("property ").unwrap_or(text);
            start.split([' ', '.']).next()
        })
        .collect();
    sent.iter()
        .map(|(name, _)| name)
        .filter(|name| named.contains(name.as_str()))
        .cloned()
        .collect()
}

/// Whether every value that was sent is there in some form.
fn shows_all(fields: &Fields, sent: &Fields) -> bool {
    sent.iter()
        .all(|(name, field)| field.value().is_none() || fields.get(name.as_str()).value().is_some())
}
