//! Deleting records, for good: 200 with the deleted record, again 404.

use connector::{CallError, Calls, Effect, Error, RemoveOutcome};
use http::Method;
use record::RecordId;

use crate::{
    answer::Complaint,
    api::{in_flight, request, segment, unexpected},
    resource::Resource,
};

pub(crate) async fn remove(
    calls: &dyn Calls,
    resource: &'static Resource,
    ids: &[RecordId],
) -> Vec<RemoveOutcome> {
    in_flight(ids.iter().map(|id| one(calls, resource, id)).collect()).await
}

async fn one(calls: &dyn Calls, resource: &'static Resource, id: &RecordId) -> RemoveOutcome {
    let operation = resource.operations.delete;
    let place = format!("/{}/{}", resource.path, segment(id.as_str()));
    let mut request = match request(calls, operation, Effect::Write, Method::DELETE, &place) {
        Ok(request) => request,
        Err(error) => return RemoveOutcome::Failed(error),
    };
    if let Some((name, value)) = resource.query {
        request = request.query(name, value);
    }
    let response = match calls.send(request).await {
        Ok(response) => response,
        Err(CallError::OutcomeUnknown { why, .. }) => return RemoveOutcome::Unknown { why },
        Err(error) => return RemoveOutcome::Failed(Error::Call(error)),
    };
    if response.status.is_success() {
        return RemoveOutcome::Done;
    }
    let complaint = Complaint::of(&response);
    if complaint.is_missing_route() {
        RemoveOutcome::Failed(unexpected(
            operation,
            &response,
            "there is no such endpoint",
        ))
    } else if complaint.is_gone() {
        RemoveOutcome::Gone
    } else if response.status.is_client_error() || complaint.is_permanent() {
        RemoveOutcome::Refused(complaint.refusal(Vec::new()))
    } else {
        RemoveOutcome::Unknown {
            why: complaint.message(),
        }
    }
}
