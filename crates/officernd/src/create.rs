//! Making records. The same body twice makes two: there is no key that would prevent it.
//!
//! `location` and `startDate` must be in it. Where no mapping gives them, the connection's settings do.

use connector::{
    CallError, Calls, CreateOutcome, Draft, Effect, Error, Refusal, Request, Response,
};
use http::Method;
use record::{Completeness, FieldName, Fields, RecordId, Schema};
use serde_json::{Map, Value as Json};

use crate::{
    answer::Complaint,
    api::{in_flight, request, unexpected},
    blame::blame,
    body::{self, Body},
    fetch::reading,
    learned::Learned,
    pages,
    resource::Resource,
    settings::{Refused, Settings},
};

pub(crate) async fn create(
    calls: &dyn Calls,
    schema: &Schema,
    resource: &'static Resource,
    drafts: &[Draft],
) -> Vec<CreateOutcome> {
    let learned = Learned::new(calls, resource, Refused::Create);
    in_flight(
        drafts
            .iter()
            .map(|draft| one(calls, schema, resource, draft, &learned))
            .collect(),
    )
    .await
}

async fn one(
    calls: &dyn Calls,
    schema: &Schema,
    resource: &'static Resource,
    draft: &Draft,
    learned: &Learned<'_>,
) -> CreateOutcome {
    if let Some(refusal) = learned.refusal(draft.fields.iter().map(|(name, _)| name)) {
        return CreateOutcome::Refused(refusal);
    }
    let body = match body::create(&draft.fields, schema, resource) {
        Ok(body) => body,
        Err(refusal) => return CreateOutcome::Refused(refusal),
    };
    let written = body.written.clone();
    let (request, given) = match prepare(calls, resource, body) {
        Ok(prepared) => prepared,
        Err(Error::Refused { refusal, .. }) => return CreateOutcome::Refused(refusal),
        Err(error) => return CreateOutcome::Failed(error),
    };
    let response = match calls.send(request).await {
        Ok(response) => response,
        Err(CallError::OutcomeUnknown { why, .. }) => return CreateOutcome::Unknown { why },
        Err(error) => return CreateOutcome::Failed(Error::Call(error)),
    };
    if response.status.is_success() {
        return created(schema, resource, &draft.fields, &response);
    }
    let complaint = Complaint::of(&response);
    if complaint.is_missing_route() {
        let what = "there is no such endpoint";
        return CreateOutcome::Failed(unexpected(resource.operations.create, &response, what));
    }
    // a 500 gets here only if it is the refusal of a rule, which is raised before anything is saved
    if !response.status.is_client_error() && !complaint.is_permanent() {
        return CreateOutcome::Unknown {
            why: complaint.message(),
        };
    }
    let blame = blame(&complaint, &written);
    learned.note(&blame).await;
    let mut refusal = complaint.refusal(blame.fields);
    // what the settings gave is in no draft: leaving fields out would not help
    if let Some(setting) = given
        .iter()
        .find(|(_, property)| names(&complaint, property))
    {
        refusal.message = format!(
            "{} (the connection's setting `{}` gave it)",
            refusal.message, setting.0
        );
        return CreateOutcome::Refused(refusal);
    }
    // in one way for all records, also for the one that it was learnt from
    let known = learned.refusal(refusal.fields.iter());
    let whole = |known: &Refusal| known.fields == refusal.fields;
    CreateOutcome::Refused(known.filter(whole).unwrap_or(refusal))
}

/// Whether the refusal is about this property of the body.
fn names(complaint: &Complaint, property: &str) -> bool {
    !blame(complaint, &[FieldName::from(property)])
        .fields
        .is_empty()
}

/// Settings that gave something to the body, and what.
type Given = Vec<(&'static str, &'static str)>;

fn prepare(
    calls: &dyn Calls,
    resource: &Resource,
    mut body: Body,
) -> Result<(Request, Given), Error> {
    let operation = resource.operations.create;
    let settings = Settings::of(calls);
    let mut given = Vec::new();
    for &(setting, property) in resource.defaults {
        if body.has(property) {
            continue;
        }
        let Some(default) = settings.default(setting, calls.now())? else {
            return Err(Error::Refused {
                operation,
                refusal: Refusal {
                    code: "missing".to_owned(),
                    message: format!(
                        "OfficeRnD makes none of the {} without `{property}`: map it, or set \
                         `{setting}` under the connection's `settings`",
                        resource.path
                    ),
                    fields: vec![property.into()],
                },
            });
        };
        body.property(property, Json::String(default));
        given.push((setting, property));
    }
    let below = format!("/{}", resource.path);
    let json = body.into_json(resource, &Map::new());
    let mut request = request(calls, operation, Effect::Write, Method::POST, &below)?.json(json);
    if let Some((name, value)) = resource.query {
        request = request.query(name, value);
    }
    Ok((request, given))
}

fn created(
    schema: &Schema,
    resource: &Resource,
    sent: &Fields,
    response: &Response,
) -> CreateOutcome {
    let operation = resource.operations.create;
    let item: Map<String, Json> = match response.json(operation) {
        Ok(item) => item,
        Err(error) => {
            return CreateOutcome::Unknown {
                why: error.to_string(),
            };
        }
    };
    let Some(id) = pages::id(&item).map(RecordId::from) else {
        return CreateOutcome::Unknown {
            why: "the answer names no record".to_owned(),
        };
    };
    let mut read = reading(&id, &item, schema, resource, response);
    if !shows_all(&read.record.fields, sent) {
        read.completeness = Completeness::Partial;
    }
    CreateOutcome::Created {
        id,
        read: Some(Box::new(read)),
        left_out: Vec::new(),
    }
}

/// Whether an answer shows everything that was sent: what it leaves out may or may not be there.
pub(crate) fn shows_all(shown: &Fields, sent: &Fields) -> bool {
    sent.iter()
        .all(|(name, field)| field.value().is_none() || shown.get(name.as_str()).value().is_some())
}
