//! Making, changing and deleting companies.

use std::collections::BTreeSet;

use connector::{
    CallError, Calls, Change, CreateOutcome, Draft, Effect, Error, Refusal, RemoveOutcome, Request,
    Response, UpdateOutcome,
};
use http::Method;
use record::{Access, Completeness, Field, FieldName, Fields, Freshness, RecordId, Schema, Value};
use serde_json::{Map, Value as Json};

use super::{NAME, decode};
use crate::{
    answer::Complaint,
    operation::{BUSINESS_CREATE, BUSINESS_DELETE, BUSINESS_UPDATE},
    requests::{cannot, in_flight, segment},
    settings::Settings,
};

pub(crate) async fn create(
    calls: &dyn Calls,
    schema: &Schema,
    drafts: &[Draft],
) -> Vec<CreateOutcome> {
    in_flight(
        drafts
            .iter()
            .map(|draft| make(calls, schema, draft))
            .collect(),
    )
    .await
}

async fn make(calls: &dyn Calls, schema: &Schema, draft: &Draft) -> CreateOutcome {
    let location = match Settings::of(calls).location() {
        Ok(location) => location,
        Err(error) => return CreateOutcome::Failed(error),
    };
    // A new company has nothing yet: there is nothing to clear.
    let given: Fields = draft
        .fields
        .iter()
        .filter(|(_, field)| field.value().is_some())
        .map(|(name, field)| (name.clone(), field.clone()))
        .collect();
    let mut body = match body(&given, schema) {
        Ok(body) => body,
        Err(refusal) => return CreateOutcome::Refused(refusal),
    };
    body.insert("locationId".to_owned(), Json::String(location.to_owned()));
    let request = Request::new(BUSINESS_CREATE, Effect::Write, Method::POST, "/businesses/")
        .json(Json::Object(body));
    let response = match calls.send(request).await {
        Ok(response) => response,
        Err(CallError::OutcomeUnknown { why, .. }) => return CreateOutcome::Unknown { why },
        Err(error) => return CreateOutcome::Failed(Error::Call(error)),
    };
    if response.status.is_success() {
        return match answered(BUSINESS_CREATE, &response) {
            Ok(company) => created(&company, schema, &given, &response),
            Err(why) => CreateOutcome::Unknown { why },
        };
    }
    let complaint = Complaint::of(&response);
    if !response.status.is_client_error() {
        return CreateOutcome::Unknown {
            why: complaint.message(),
        };
    }
    let sent: Vec<FieldName> = given.iter().map(|(name, _)| name.clone()).collect();
    CreateOutcome::Refused(complaint.refusal(blamed(&complaint, &sent)))
}

fn created(
    company: &Map<String, Json>,
    schema: &Schema,
    given: &Fields,
    response: &Response,
) -> CreateOutcome {
    let Some(id) = decode::id(company) else {
        return CreateOutcome::Unknown {
            why: "the answer names no company".to_owned(),
        };
    };
    let fields = decode::fields(company, schema);
    let read = shows_all(&fields, given).then(|| {
        Box::new(decode::read(
            id,
            company,
            fields,
            Freshness::Fresh,
            Completeness::Complete,
            response.sent,
        ))
    });
    CreateOutcome::Created {
        id: RecordId::new(id),
        read,
        left_out: Vec::new(),
    }
}

pub(crate) async fn update(
    calls: &dyn Calls,
    schema: &Schema,
    changes: &[Change],
) -> Vec<UpdateOutcome> {
    in_flight(
        changes
            .iter()
            .map(|change| put(calls, schema, change))
            .collect(),
    )
    .await
}

async fn put(calls: &dyn Calls, schema: &Schema, change: &Change) -> UpdateOutcome {
    let nothing_done = |refusal| UpdateOutcome::Refused {
        refusal,
        done: Vec::new(),
    };
    if let Some(name) = change.sets.keys().next() {
        return nothing_done(cannot(name, "is no set"));
    }
    let body = match body(&change.set, schema) {
        Ok(body) => body,
        Err(refusal) => return nothing_done(refusal),
    };
    let id = &change.current.id;
    let path = format!("/businesses/{}", segment(id.as_str()));
    let request =
        Request::new(BUSINESS_UPDATE, Effect::Write, Method::PUT, path).json(Json::Object(body));
    let response = match calls.send(request).await {
        Ok(response) => response,
        Err(CallError::OutcomeUnknown { why, .. }) => return UpdateOutcome::Unknown { why },
        Err(error) => return UpdateOutcome::Failed(Error::Call(error)),
    };
    if response.status.is_success() {
        return match answered(BUSINESS_UPDATE, &response) {
            Ok(company) => changed(id, &company, schema, &change.set, &response),
            Err(why) => UpdateOutcome::Unknown { why },
        };
    }
    let complaint = Complaint::of(&response);
    if complaint.is_gone() {
        UpdateOutcome::Gone
    } else if response.status.is_client_error() {
        let sent: Vec<FieldName> = change.set.iter().map(|(name, _)| name.clone()).collect();
        nothing_done(complaint.refusal(blamed(&complaint, &sent)))
    } else {
        UpdateOutcome::Unknown {
            why: complaint.message(),
        }
    }
}

/// The company in the answer counts as the record if it is more than an echo of the change.
fn changed(
    id: &RecordId,
    company: &Map<String, Json>,
    schema: &Schema,
    set: &Fields,
    response: &Response,
) -> UpdateOutcome {
    let fields = decode::fields(company, schema);
    let is_whole = decode::id(company) == Some(id.as_str())
        && company.contains_key("locationId")
        && company.contains_key("updatedAt")
        && shows_all(&fields, set);
    UpdateOutcome::Done {
        read: is_whole.then(|| {
            Box::new(decode::read(
                id.as_str(),
                company,
                fields,
                Freshness::Fresh,
                Completeness::Complete,
                response.sent,
            ))
        }),
    }
}

pub(crate) async fn remove(calls: &dyn Calls, ids: &[RecordId]) -> Vec<RemoveOutcome> {
    in_flight(ids.iter().map(|id| delete(calls, id)).collect()).await
}

async fn delete(calls: &dyn Calls, id: &RecordId) -> RemoveOutcome {
    let path = format!("/businesses/{}", segment(id.as_str()));
    let request = Request::new(BUSINESS_DELETE, Effect::Write, Method::DELETE, path);
    let response = match calls.send(request).await {
        Ok(response) => response,
        Err(CallError::OutcomeUnknown { why, .. }) => return RemoveOutcome::Unknown { why },
        Err(error) => return RemoveOutcome::Failed(Error::Call(error)),
    };
    if response.status.is_success() {
        return if says_no(&response) {
            RemoveOutcome::Unknown {
                why: NO_SUCCESS.to_owned(),
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

const NO_SUCCESS: &str = "HighLevel answered that it did not succeed, and not why";

/// `success`, by the specification; contacts answer other spellings of it.
fn says_no(response: &Response) -> bool {
    let body: Json = serde_json::from_slice(&response.body).unwrap_or(Json::Null);
    ["success", "succeded", "succeeded"]
        .iter()
        .any(|key| body[*key] == Json::Bool(false))
}

/// The company in the answer to a write, which stands under a misspelt key (`UpdateBusinessResponseDto`).
fn answered(operation: &'static str, response: &Response) -> Result<Map<String, Json>, String> {
    if says_no(response) {
        return Err(NO_SUCCESS.to_owned());
    }
    let body: Json = response
        .json(operation)
        .map_err(|error: Error| error.to_string())?;
    ["buiseness", "business"]
        .iter()
        .find_map(|key| body[*key].as_object())
        .cloned()
        .ok_or_else(|| "the answer holds no company".to_owned())
}

/// A body out of these fields: an emptied one is an empty text, since no property may be `null`
/// (`UpdateBusinessDto`). That an empty text empties is *unverified*.
fn body(set: &Fields, schema: &Schema) -> Result<Map<String, Json>, Refusal> {
    let mut body = Map::new();
    for (name, field) in set.iter() {
        check_writable(name, schema)?;
        let text = match field {
            Field::Unknown => continue,
            Field::Empty if name.as_str() == NAME => {
                return Err(cannot(name, "cannot be emptied by API"));
            }
            Field::Empty => String::new(),
            Field::Value(Value::Text(text)) => text.clone(),
            Field::Value(_) => return Err(cannot(name, "was given a value of another kind")),
        };
        body.insert(name.as_str().to_owned(), Json::String(text));
    }
    Ok(body)
}

fn check_writable(name: &FieldName, schema: &Schema) -> Result<(), Refusal> {
    let spec = schema
        .field(name.as_str())
        .ok_or_else(|| cannot(name, "is no field of companies"))?;
    if spec.capability.access == Access::ReadOnly {
        return Err(cannot(name, "cannot be written by API"));
    }
    Ok(())
}

/// The sent fields that a refusal names: validation texts begin with the property, or with `property`.
fn blamed(complaint: &Complaint, sent: &[FieldName]) -> Vec<FieldName> {
    let named: BTreeSet<&str> = complaint
        .texts
        .iter()
        .filter_map(|text| {
            let start = text.strip_prefix("property ").unwrap_or(text);
            start.split([' ', '.']).next()
        })
        .collect();
    sent.iter()
        .filter(|name| named.contains(name.as_str()))
        .cloned()
        .collect()
}

/// Whether every value that was sent is there in some form.
fn shows_all(fields: &Fields, sent: &Fields) -> bool {
    sent.iter()
        .all(|(name, field)| field.value().is_none() || fields.get(name.as_str()).value().is_some())
}
