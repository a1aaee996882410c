//! Reading contacts one by one: there is no batch read.

use connector::{Calls, Effect, Error, Fetched, Request, Response};
use http::Method;
use record::{Completeness, Freshness, Read, RecordId, Schema};
use serde_json::{Map, Value as Json};

use super::{
    decode::{self, Shape},
    in_flight, segment,
};
use crate::{answer::Complaint, operation::CONTACT_GET, settings::Settings};

pub(crate) async fn fetch(calls: &dyn Calls, schema: &Schema, ids: &[RecordId]) -> Vec<Fetched> {
    in_flight(ids.iter().map(|id| one(calls, schema, id)).collect()).await
}

async fn one(calls: &dyn Calls, schema: &Schema, id: &RecordId) -> Fetched {
    let path = format!("/contacts/{}", segment(id.as_str()));
    let request = Request::new(CONTACT_GET, Effect::Read, Method::GET, path);
    let response = match calls.send(request).await {
        Ok(response) => response,
        Err(error) => return Fetched::Failed(id.clone(), error.into()),
    };
    if !response.status.is_success() {
        let complaint = Complaint::of(&response);
        if complaint.is_gone() {
            return Fetched::Gone(id.clone());
        }
        let refusal = complaint.refusal(Vec::new());
        return Fetched::Failed(
            id.clone(),
            Error::Refused {
                operation: CONTACT_GET,
                refusal,
            },
        );
    }
    match read(calls, schema, id, &response) {
        Ok(Some(read)) => Fetched::Found(Box::new(read)),
        Ok(None) => Fetched::Gone(id.clone()),
        Err(error) => Fetched::Failed(id.clone(), error),
    }
}

/// The contact in the answer; `None` if it is marked as deleted.
fn read(
    calls: &dyn Calls,
    schema: &Schema,
    id: &RecordId,
    response: &Response,
) -> Result<Option<Read>, Error> {
    let contact = contact_of(CONTACT_GET, response)?;
    let unexpected = |what: String| Error::Unexpected {
        operation: CONTACT_GET,
        status: response.status.as_u16(),
        what,
    };
    if decode::id(&contact) != Some(id.as_str()) {
        return Err(unexpected(format!("it is not the contact {id}")));
    }
    if let (Some(location), Some(ours)) = (
        contact.get("locationId").and_then(Json::as_str),
        Settings::of(calls).location_if_set(),
    ) && location != ours
    {
        return Err(unexpected(format!(
            "the contact {id} belongs to sub-account {location}, not to {ours}"
        )));
    }
    if decode::is_deleted(&contact) {
        return Ok(None);
    }
    let fields = decode::fields(&contact, schema, Shape::Whole);
    Ok(Some(decode::read(
        id.as_str(),
        &contact,
        fields,
        Freshness::Fresh,
        Completeness::Complete,
        response.sent,
    )))
}

/// The object under `contact` in an answer.
pub(crate) fn contact_of(
    operation: &'static str,
    response: &Response,
) -> Result<Map<String, Json>, Error> {
    #[derive(serde::Deserialize)]
    struct Answer {
        contact: Map<String, Json>,
    }
    response
        .json::<Answer>(operation)
        .map(|answer| answer.contact)
}
