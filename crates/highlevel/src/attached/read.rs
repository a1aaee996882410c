//! Reading one task or note by its id, and all of one contact.

use connector::{Calls, Effect, Error, Fetched, IdentityKey, KeyKind, Request};
use http::Method;
use record::{Freshness, Read, RecordId, Schema};
use serde_json::{Map, Value as Json};

use super::{Place, Sort, decode, list::read_of};
use crate::{
    answer::Complaint,
    requests::{in_flight, segment},
};

pub(crate) async fn fetch(
    calls: &dyn Calls,
    schema: &Schema,
    sort: &'static Sort,
    ids: &[RecordId],
) -> Vec<Fetched> {
    let each = ids.iter().map(|id| async move {
        match one(calls, schema, sort, id).await {
            Ok(Some(read)) => Fetched::Found(Box::new(read)),
            Ok(None) => Fetched::Gone(id.clone()),
            Err(error) => Fetched::Failed(id.clone(), error),
        }
    });
    in_flight(each.collect()).await
}

/// `GET /contacts/{contactId}/tasks/{taskId}`, and the same for notes. What is answered for one that is not there is
/// documented nowhere; what contacts answer is taken for it, with the other word.
async fn one(
    calls: &dyn Calls,
    schema: &Schema,
    sort: &'static Sort,
    id: &RecordId,
) -> Result<Option<Read>, Error> {
    let Some(place) = Place::of(id) else {
        return Ok(None);
    };
    let path = path(sort, &place);
    let request = Request::new(sort.get, Effect::Read, Method::GET, path);
    let response = calls.send(request).await?;
    if !response.status.is_success() {
        let complaint = Complaint::of(&response);
        if complaint.is_gone() {
            return Ok(None);
        }
        return Err(Error::Refused {
            operation: sort.get,
            refusal: complaint.refusal(Vec::new()),
        });
    }
    let body: Json = response.json(sort.get)?;
    let Some(item) = item(&body, sort) else {
        return Ok(None);
    };
    let read = decode::read(
        item,
        Some(place.contact),
        schema,
        Freshness::Fresh,
        response.sent,
    );
    match read {
        Some(read) if read.record.id == *id => Ok(Some(read)),
        _ => Err(Error::Unexpected {
            operation: sort.get,
            status: response.status.as_u16(),
            what: format!("it is not the {} {id}", sort.one),
        }),
    }
}

pub(super) fn path(sort: &Sort, place: &Place<'_>) -> String {
    format!(
        "/contacts/{}/{}/{}",
        segment(place.contact),
        sort.many,
        segment(place.own)
    )
}

/// One task or note out of an answer, wrapped or not.
pub(super) fn item<'a>(body: &'a Json, sort: &Sort) -> Option<&'a Map<String, Json>> {
    match body.get(sort.one) {
        Some(wrapped) => wrapped.as_object(),
        None => body.as_object().filter(|item| item.contains_key("id")),
    }
}

/// All of one contact. A contact that is gone has none.
pub(super) async fn of_contact(
    calls: &dyn Calls,
    schema: &Schema,
    sort: &'static Sort,
    contact: &str,
) -> Result<Vec<Read>, Error> {
    let path = format!("/contacts/{}/{}", segment(contact), sort.many);
    let request = Request::new(sort.list, Effect::Read, Method::GET, path);
    let response = calls.send(request).await?;
    if !response.status.is_success() {
        let complaint = Complaint::of(&response);
        if complaint.is_gone() {
            return Ok(Vec::new());
        }
        return Err(Error::Refused {
            operation: sort.list,
            refusal: complaint.refusal(Vec::new()),
        });
    }
    let body: Json = response.json(sort.list)?;
    let items = body[sort.many]
        .as_array()
        .ok_or_else(|| Error::Unexpected {
            operation: sort.list,
            status: response.status.as_u16(),
            what: format!("it holds no list of {}", sort.many),
        })?;
    items
        .iter()
        .filter_map(Json::as_object)
        .map(|item| read_of(item, Some(contact), schema, Freshness::Fresh, response.sent))
        .collect()
}

/// Those that belong to the named contacts. Nothing else finds a task or note.
pub(crate) async fn find(
    calls: &dyn Calls,
    schema: &Schema,
    sort: &'static Sort,
    keys: &[IdentityKey],
) -> Result<Vec<Read>, Error> {
    let of_each = keys
        .iter()
        .filter(|key| key.kind == KeyKind::Parent)
        .map(|key| of_contact(calls, schema, sort, &key.value))
        .collect();
    let mut found = Vec::new();
    for reads in in_flight(of_each).await {
        found.extend(reads?);
    }
    Ok(found)
}
