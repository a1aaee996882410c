//! Reading records one by one: there is no batch read.

use connector::{Calls, Error, Fetched, Response};
use record::{Read, RecordId, Schema};
use serde_json::{Map, Value as Json};

use crate::{
    answer::Complaint,
    api::{in_flight, read, refused, segment, unexpected},
    decode::{self, Shape},
    pages,
    resource::Resource,
};

pub(crate) async fn fetch(
    calls: &dyn Calls,
    schema: &Schema,
    resource: &'static Resource,
    ids: &[RecordId],
) -> Vec<Fetched> {
    in_flight(
        ids.iter()
            .map(|id| one(calls, schema, resource, id))
            .collect(),
    )
    .await
}

async fn one(
    calls: &dyn Calls,
    schema: &Schema,
    resource: &'static Resource,
    id: &RecordId,
) -> Fetched {
    match raw(calls, resource, id).await {
        Ok(Some((item, response))) => {
            Fetched::Found(Box::new(reading(id, &item, schema, resource, &response)))
        }
        Ok(None) => Fetched::Gone(id.clone()),
        Err(error) => Fetched::Failed(id.clone(), error),
    }
}

/// The record as the vendor shows it; `None` if it is not there.
pub(crate) async fn raw(
    calls: &dyn Calls,
    resource: &Resource,
    id: &RecordId,
) -> Result<Option<(Map<String, Json>, Response)>, Error> {
    let operation = resource.operations.get;
    let place = format!("/{}/{}", resource.path, segment(id.as_str()));
    let response = calls.send(read(calls, operation, &place)?).await?;
    if !response.status.is_success() {
        return if Complaint::of(&response).is_gone() {
            Ok(None)
        } else {
            Err(refused(operation, &response))
        };
    }
    let item = item(operation, id, &response)?;
    Ok(Some((item, response)))
}

/// The record in an answer about one.
pub(crate) fn item(
    operation: &'static str,
    id: &RecordId,
    response: &Response,
) -> Result<Map<String, Json>, Error> {
    let item: Map<String, Json> = response.json(operation)?;
    if pages::id(&item) == Some(id.as_str()) {
        Ok(item)
    } else {
        Err(unexpected(
            operation,
            response,
            &format!("it is not the record {id}"),
        ))
    }
}

/// The record in an answer as a reading.
pub(crate) fn reading(
    id: &RecordId,
    item: &Map<String, Json>,
    schema: &Schema,
    resource: &Resource,
    response: &Response,
) -> Read {
    decode::read(
        id.as_str(),
        item,
        schema,
        resource,
        Shape::Single,
        response.sent,
    )
}
