//! Deleting contacts, for good.

use connector::{CallError, Calls, Effect, Error, RemoveOutcome, Request};
use http::Method;
use record::RecordId;
use serde_json::Value as Json;

use super::{in_flight, segment};
use crate::{answer::Complaint, operation::CONTACT_DELETE};

pub(crate) async fn remove(calls: &dyn Calls, ids: &[RecordId]) -> Vec<RemoveOutcome> {
    in_flight(ids.iter().map(|id| one(calls, id)).collect()).await
}

async fn one(calls: &dyn Calls, id: &RecordId) -> RemoveOutcome {
    let path = format!("/contacts/{}", segment(id.as_str()));
    let request = Request::new(CONTACT_DELETE, Effect::Write, Method::DELETE, path);
    let response = match calls.send(request).await {
        Ok(response) => response,
        Err(CallError::OutcomeUnknown { why, .. }) => return RemoveOutcome::Unknown { why },
        Err(error) => return RemoveOutcome::Failed(Error::Call(error)),
    };
    if response.status.is_success() {
        // `succeded` in the specification, `succeeded` on the wire.
        let body: Json = serde_json::from_slice(&response.body).unwrap_or(Json::Null);
        let failed = ["succeded", "succeeded"]
            .iter()
            .any(|key| body[*key] == Json::Bool(false));
        return if failed {
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
