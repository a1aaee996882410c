//! Putting contacts into companies, and out of them.
//!
//! Neither `POST /contacts/` nor `PUT /contacts/{id}` takes `businessId` (`CreateContactDto`, `UpdateContactDto`);
//! `POST /contacts/bulk/business` sets it for up to fifty contacts at once, and `null` takes them out
//! (`ContactsBusinessUpdate`). Its answer lists the contacts that it changed.

use std::collections::{BTreeMap, HashMap};

use connector::{CallError, Calls, Effect, Refusal, Request, Response};
use http::Method;
use record::{Field, FieldName, RecordId, Value};
use serde_json::{Value as Json, json};

use super::{in_flight, standard::BUSINESS};
use crate::{
    answer::Complaint, describe::ASSIGNED_AT_ONCE, operation::CONTACT_BUSINESS, requests::cannot,
};

/// How putting one contact into a company ended.
pub(super) enum Assigned {
    Done,
    Refused(Refusal),
    Unknown(String),
    Failed(CallError),
}

/// The company that a contact is to be in; `None`: in none.
pub(super) type Company = Option<String>;

/// What is asked for, if it can be.
pub(super) fn wanted(field: &Field) -> Result<Company, Refusal> {
    match field {
        Field::Empty => Ok(None),
        Field::Value(Value::Text(id)) => Ok(Some(id.clone())),
        _ => Err(cannot(
            &BUSINESS.into(),
            "was given a value of another kind",
        )),
    }
}

/// Whether this is the field of the company, which has a call of its own.
pub(super) fn is_business(name: &FieldName) -> bool {
    name.as_str() == BUSINESS
}

/// Puts each contact into its company, as many of one company at once as the vendor takes.
pub(super) async fn assign(
    calls: &dyn Calls,
    location: &str,
    contacts: Vec<(RecordId, Company)>,
) -> HashMap<RecordId, Assigned> {
    let mut by_company: BTreeMap<Company, Vec<RecordId>> = BTreeMap::new();
    for (contact, company) in contacts {
        by_company.entry(company).or_default().push(contact);
    }
    let groups = by_company
        .iter()
        .flat_map(|(company, contacts)| {
            contacts
                .chunks(ASSIGNED_AT_ONCE)
                .map(move |chunk| group(calls, location, company, chunk))
        })
        .collect();
    in_flight(groups).await.into_iter().flatten().collect()
}

/// One group; where it is refused as a whole, each contact for itself, so that one stops only itself.
async fn group(
    calls: &dyn Calls,
    location: &str,
    company: &Company,
    contacts: &[RecordId],
) -> Vec<(RecordId, Assigned)> {
    let mut ends = call(calls, location, company, contacts).await;
    if contacts.len() > 1
        && ends
            .iter()
            .all(|(_, end)| matches!(end, Assigned::Refused(_)))
    {
        ends.clear();
        for contact in contacts {
            ends.extend(call(calls, location, company, std::slice::from_ref(contact)).await);
        }
    }
    ends
}

async fn call(
    calls: &dyn Calls,
    location: &str,
    company: &Company,
    contacts: &[RecordId],
) -> Vec<(RecordId, Assigned)> {
    let all = |end: &dyn Fn() -> Assigned| -> Vec<(RecordId, Assigned)> {
        contacts
            .iter()
            .map(|contact| (contact.clone(), end()))
            .collect()
    };
    let request = Request::new(
        CONTACT_BUSINESS,
        Effect::Write,
        Method::POST,
        "/contacts/bulk/business",
    )
    .json(json!({ "locationId": location, "ids": contacts, "businessId": company }));
    match calls.send(request).await {
        Ok(response) if response.status.is_success() => carried_out(&response, contacts),
        Ok(response) => {
            let complaint = Complaint::of(&response);
            if response.status.is_client_error() {
                all(&|| Assigned::Refused(complaint.refusal(vec![BUSINESS.into()])))
            } else {
                all(&|| Assigned::Unknown(complaint.message()))
            }
        }
        Err(CallError::OutcomeUnknown { why, .. }) => all(&|| Assigned::Unknown(why.clone())),
        Err(error) => all(&|| Assigned::Failed(error.clone())),
    }
}

/// Who was changed, by the answer; one that lists nobody says that all were, unless it says no.
fn carried_out(response: &Response, contacts: &[RecordId]) -> Vec<(RecordId, Assigned)> {
    let body: Json = serde_json::from_slice(&response.body).unwrap_or(Json::Null);
    let failed = body["success"] == Json::Bool(false);
    let listed = body["ids"].as_array();
    contacts
        .iter()
        .map(|contact| {
            let left_out = listed
                .is_some_and(|ids| !ids.iter().any(|id| id.as_str() == Some(contact.as_str())));
            let end = if failed || left_out {
                Assigned::Refused(Refusal {
                    code: "not_changed".to_owned(),
                    message: "HighLevel did not change the company of this contact, and not why"
                        .to_owned(),
                    fields: vec![BUSINESS.into()],
                })
            } else {
                Assigned::Done
            };
            (contact.clone(), end)
        })
        .collect()
}
