//! Making contacts, and putting new ones into their companies.

use std::collections::HashMap;

use connector::{
    CallError, Calls, CreateOutcome, Draft, Effect, Error, IdentityKey, KeyKind, Refusal, Request,
    Response,
};
use http::Method;
use record::{Completeness, Field, FieldName, Fields, Freshness, Read, RecordId, Schema};
use serde_json::{Map, Value as Json};

use super::{
    blame::blame,
    business::{Assigned, Company, assign, wanted},
    decode::{self, Shape},
    encode,
    fetch::contact_of,
    find::by_lookup,
    in_flight,
    standard::{BUSINESS, GENDER},
    update::in_company,
};
use crate::{answer::Complaint, operation::CONTACT_CREATE, settings::Settings};

pub(crate) async fn create(
    calls: &dyn Calls,
    schema: &Schema,
    drafts: &[Draft],
) -> Vec<CreateOutcome> {
    let made = in_flight(
        drafts
            .iter()
            .map(|draft| one(calls, schema, draft))
            .collect(),
    )
    .await;
    // A new contact has no company yet, and its own call cannot give it one.
    let contacts = drafts
        .iter()
        .zip(&made)
        .filter_map(|(draft, outcome)| match outcome {
            CreateOutcome::Created { id, .. } => Some((id.clone(), company_of(draft)?)),
            _ => None,
        })
        .collect();
    let mut assigned = match Settings::of(calls).location() {
        Ok(location) => assign(calls, location, contacts).await,
        // Then nobody was made, either.
        Err(_) => HashMap::new(),
    };
    made.into_iter()
        .zip(drafts)
        .map(|(outcome, draft)| match outcome {
            CreateOutcome::Created { id, read, .. } => {
                let company = company_of(draft);
                joined(assigned.remove(&id), company, id, read)
            }
            other => other,
        })
        .collect()
}

/// The company that a new contact is to be in, if any.
fn company_of(draft: &Draft) -> Option<Company> {
    match wanted(draft.fields.get(BUSINESS)) {
        Ok(Some(company)) => Some(Some(company)),
        Ok(None) | Err(_) => None,
    }
}

/// A contact that is made, and what came of putting it into its company. Where nothing did, the company is left
/// out.
fn joined(
    assigned: Option<Assigned>,
    company: Option<Company>,
    id: RecordId,
    read: Option<Box<Read>>,
) -> CreateOutcome {
    let (read, left_out) = match (assigned, company) {
        (Some(Assigned::Done), Some(company)) => (
            read.map(|read| Box::new(in_company(*read, company))),
            Vec::new(),
        ),
        (None, _) | (_, None) => (read, Vec::new()),
        // It may be in it already: the answer from before says nothing of that.
        (Some(Assigned::Unknown(_)), _) => (None, vec![BUSINESS.into()]),
        (Some(Assigned::Refused(_) | Assigned::Failed(_)), _) => (read, vec![BUSINESS.into()]),
    };
    CreateOutcome::Created { id, read, left_out }
}

/// A company that is not known is none that is asked for.
fn known(field: &Field) -> Result<(), Refusal> {
    if field.is_known() {
        wanted(field)?;
    }
    Ok(())
}

async fn one(calls: &dyn Calls, schema: &Schema, draft: &Draft) -> CreateOutcome {
    let location = match Settings::of(calls).location() {
        Ok(location) => location,
        Err(error) => return CreateOutcome::Failed(error),
    };
    let mut fields = draft.fields.clone();
    if let Err(refusal) = known(fields.get(BUSINESS)) {
        return CreateOutcome::Refused(refusal);
    }
    fields.set(BUSINESS, Field::Unknown);
    let mut body = match encode::create(&fields, schema) {
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
        return created(schema, &fields, &response);
    }
    let complaint = Complaint::of(&response);
    if complaint.is_duplicate() {
        return duplicate(calls, &complaint, &fields).await;
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

/// The record in the way: as the answer names it, else as the duplicate lookup does.
async fn duplicate(calls: &dyn Calls, complaint: &Complaint, sent: &Fields) -> CreateOutcome {
    if let Some(duplicate) = &complaint.duplicate {
        return CreateOutcome::Existing {
            candidate: RecordId::new(duplicate.id.as_str()),
            matching: duplicate.matching.clone(),
            taken: ["email", "phone"]
                .into_iter()
                .find(|field| *field == duplicate.matching && sent.get(field).is_known())
                .map(FieldName::from),
        };
    }
    let mut failed = None;
    for (kind, name) in [(KeyKind::Email, "email"), (KeyKind::Phone, "phone")] {
        let Some(text) = sent.get(name).text() else {
            continue;
        };
        let value = match kind {
            KeyKind::Email => text.to_lowercase(),
            _ => text.to_owned(),
        };
        let found = match by_lookup(calls, &IdentityKey { kind, value }).await {
            Ok(found) => found,
            // nothing was made, and who is in the way may be told at the next try
            Err(error @ Error::Call(_)) => {
                failed = Some(error);
                continue;
            }
            // it names nobody, now or later
            Err(error) => {
                tracing::info!(%error, "the duplicate lookup was refused");
                continue;
            }
        };
        if let Some(id) = found.iter().find_map(|(contact, _)| decode::id(contact)) {
            return CreateOutcome::Existing {
                candidate: RecordId::new(id),
                matching: name.to_owned(),
                taken: Some(name.into()),
            };
        }
    }
    if let Some(error) = failed {
        return CreateOutcome::Failed(error);
    }
    let mut refusal = complaint.refusal(Vec::new());
    refusal.code = "duplicate".to_owned();
    CreateOutcome::Refused(refusal)
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
        left_out: Vec::new(),
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
