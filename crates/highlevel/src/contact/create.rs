//! Making contacts.

use connector::{CallError, Calls, CreateOutcome, Draft, Effect, Error, Request, Response};
use http::Method;
use record::{Completeness, Fields, Freshness, Read, RecordId, Schema};
use serde_json::{Map, Value as Json};

use super::{
    blame::blame,
    decode::{self, Shape},
    encode,
    fetch::contact_of,
    in_flight,
    standard::GENDER,
};
use crate::{answer::Complaint, operation::CONTACT_CREATE, settings::Settings};

pub(crate) async fn create(
    calls: &dyn Calls,
    schema: &Schema,
    drafts: &[Draft],
) -> Vec<CreateOutcome> {
    in_flight(
        drafts
            .iter()
            .map(|draft| one(calls, schema, draft))
            .collect(),
    )
    .await
}

async fn one(calls: &dyn Calls, schema: &Schema, draft: &Draft) -> CreateOutcome {
    let location = match Settings::of(calls).location() {
        Ok(location) => location,
        Err(error) => return CreateOutcome::Failed(error),
    };
    let mut body = match encode::create(&draft.fields, schema) {
        Ok(body) => body,
        Err(refusal) => return CreateOutcome::Refused(refusal),
    };
    let (written, custom_order) = (body.written.clone(), body.custom_order.clone());
    body.property("locationId", Json::String(location.to_owned()));
    let request = Request::new(CONTACT_CREATE, Effect::Write, Method::POST, "/contacts/")
        .json(body.into_json());
    let response = match calls.send(request).await {
        Ok(response) => response,
        Err(CallError::OutcomeUnknown { why, .. }) => return CreateOutcome::Unknown { why },
        Err(error) => return CreateOutcome::Failed(Error::Call(error)),
    };
    let status = response.status;
    if status.is_success() {
        return created(schema, &draft.fields, &response);
    }
    let complaint = Complaint::of(&response);
    if complaint.is_duplicate() {
        return duplicate(&complaint);
    }
    if !status.is_client_error() {
        return CreateOutcome::Unknown {
            why: complaint.message(),
        };
    }
    let blame = blame(&complaint, schema, &written, &custom_order);
    // A 422 was reported to have created the contact all the same, so one that is not plainly about
    // the form of the body proves nothing.
    if status.as_u16() == 422 && !blame.is_validation {
        return CreateOutcome::Unknown {
            why: format!(
                "HighLevel answered 422 without naming a field: {}",
                complaint.message()
            ),
        };
    }
    CreateOutcome::Refused(complaint.refusal(blame.fields))
}

fn duplicate(complaint: &Complaint) -> CreateOutcome {
    match &complaint.duplicate {
        Some(duplicate) => CreateOutcome::Existing {
            candidate: RecordId::new(duplicate.id.as_str()),
            matching: duplicate.matching.clone(),
        },
        None => {
            let mut refusal = complaint.refusal(Vec::new());
            refusal.code = "duplicate".to_owned();
            CreateOutcome::Refused(refusal)
        }
    }
}

fn created(schema: &Schema, sent: &Fields, response: &Response) -> CreateOutcome {
    let contact = match contact_of(CONTACT_CREATE, response) {
        Ok(contact) => contact,
        Err(error) => {
            return CreateOutcome::Unknown {
                why: error.to_string(),
            };
        }
    };
    let Some(id) = decode::id(&contact) else {
        return CreateOutcome::Unknown {
            why: "the answer names no contact".to_owned(),
        };
    };
    CreateOutcome::Created {
        id: RecordId::new(id),
        read: Some(Box::new(reading(id, &contact, schema, sent, response))),
    }
}

/// The answer as a reading. It is whole if it shows everything that was sent; a sent value that it leaves
/// out may or may not be there.
fn reading(
    id: &str,
    contact: &Map<String, Json>,
    schema: &Schema,
    sent: &Fields,
    response: &Response,
) -> Read {
    let mut fields = decode::fields(contact, schema, Shape::Created);
    let left_out: Vec<_> = sent
        .iter()
        .filter(|(name, field)| {
            name.as_str() != GENDER
                && field.value().is_some()
                && fields.get(name.as_str()).value().is_none()
        })
        .map(|(name, _)| name.clone())
        .collect();
    let completeness = if left_out.is_empty() {
        Completeness::Complete
    } else {
        Completeness::Partial
    };
    for name in left_out {
        fields.set(name, record::Field::Unknown);
    }
    decode::read(
        id,
        contact,
        fields,
        Freshness::Fresh,
        completeness,
        response.sent,
    )
}
