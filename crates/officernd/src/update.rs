//! Changing records: one PUT with what differs; a member's company goes its own way (`belonging`).
//!
//! A PUT is a partial update and answers the whole record. A list of tags is replaced whole, so what is added and
//! removed is applied to what was read.

use connector::{
    CallError, Calls, Change, Effect, Error, Refusal, Request, Response, UpdateOutcome,
};
use http::Method;
use record::{Completeness, Field, FieldName, Fields, Read, RecordId, Schema, Value};
use serde_json::{Map, Value as Json};

use crate::{
    answer::Complaint,
    api::{in_flight, request, segment},
    blame::blame,
    body::{self, Updates, elements},
    create::shows_all,
    fetch::{item, raw, reading},
    learned::Learned,
    operation::BOOKING_CANCEL,
    pen::Pens,
    resource::{CANCELLED, COMPANY, Resource, TAGS},
    settings::Refused,
    value::cannot,
};

/// Carries the changes out. `pens`: what is read and written back whole waits for the record's pen; `None`: the caller holds
/// it.
pub(crate) async fn update(
    calls: &dyn Calls,
    schema: &Schema,
    resource: &'static Resource,
    pens: Option<&Pens>,
    changes: &[Change],
) -> Vec<UpdateOutcome> {
    let learned = Learned::new(calls, resource, Refused::Update);
    let desk = Desk {
        calls,
        schema,
        resource,
        learned: &learned,
        pens,
    };
    in_flight(changes.iter().map(|change| desk.one(change)).collect()).await
}

/// What came of one call.
pub(crate) enum Step {
    Done(Response),
    Refused(Complaint),
    /// There is no such endpoint.
    NoRoute(Complaint),
    Ended(End),
}

/// How a change ends at a call that was neither carried out nor refused.
pub(crate) enum End {
    Gone,
    Unknown(String),
    Failed(Error),
}

/// Carries out one change.
pub(crate) struct Desk<'a> {
    pub(crate) calls: &'a dyn Calls,
    schema: &'a Schema,
    pub(crate) resource: &'static Resource,
    pub(crate) learned: &'a Learned<'a>,
    pens: Option<&'a Pens>,
}

impl Desk<'_> {
    async fn one(&self, change: &Change) -> UpdateOutcome {
        let set = match self.wanted(change) {
            Ok(set) => set,
            Err(refusal) => return nothing_done(refusal),
        };
        if let Some(refusal) = self.learned.refusal(set.iter().map(|(name, _)| name)) {
            return nothing_done(refusal);
        }
        let Updates {
            mut body,
            company,
            cancels,
        } = match body::update(&set, self.schema, self.resource) {
            Ok(parts) => parts,
            Err(refusal) => return nothing_done(refusal),
        };
        let id = &change.current.id;
        let mut done: Vec<FieldName> = Vec::new();
        let mut read = None;
        if !body.is_empty() {
            let together = self.resource.together;
            let is_whole = body.has_parts() || !together.is_empty();
            let _alone = match self.pens.filter(|_| is_whole) {
                Some(pens) => Some(pens.of(id.as_str()).await),
                None => None,
            };
            let current = if is_whole {
                match raw(self.calls, self.resource, id).await {
                    Ok(Some((item, _))) => item,
                    Ok(None) => return UpdateOutcome::Gone,
                    Err(error) => return UpdateOutcome::Failed(error),
                }
            } else {
                Map::new()
            };
            let written = body.written.clone();
            for name in together {
                if let (false, Some(json)) = (body.has(name), current.get(*name)) {
                    body.property(name, json.clone());
                }
            }
            let json = body.into_json(self.resource, &current);
            let operation = self.resource.operations.update;
            match self.step(operation, Method::PUT, id, "", json).await {
                Step::Done(response) => {
                    let dropped = self.dropped(change, &set, &response);
                    if !dropped.is_empty() {
                        // a list of tags that comes back as it was is taken from nobody
                        if dropped.iter().any(|name| name.as_str() == TAGS) {
                            self.learned.never(TAGS).await;
                        }
                        let mut kept = written;
                        kept.retain(|name| !dropped.contains(name));
                        let learned = self.learned.refusal(dropped.iter());
                        let whole = |learned: &Refusal| learned.fields == dropped;
                        return UpdateOutcome::Refused {
                            refusal: learned.filter(whole).unwrap_or_else(|| Refusal {
                                code: "dropped".to_owned(),
                                message: "OfficeRnD accepted it and kept what was there".to_owned(),
                                fields: dropped,
                            }),
                            done: kept,
                        };
                    }
                    read = self.reading(id, &set, &response);
                    done = written;
                }
                Step::Refused(complaint) => {
                    let blame = blame(&complaint, &written);
                    self.learned.note(&blame).await;
                    // in one way for all records, also for the one that it was learnt from
                    let learned = self.learned.refusal(written.iter());
                    let whole = |learned: &Refusal| {
                        blame
                            .fields
                            .iter()
                            .all(|name| learned.fields.contains(name))
                    };
                    return nothing_done(
                        learned
                            .filter(whole)
                            .unwrap_or_else(|| complaint.refusal(blame.fields)),
                    );
                }
                Step::NoRoute(complaint) => {
                    return nothing_done(complaint.refusal(Vec::new()));
                }
                Step::Ended(end) => return ended(end, &done),
            }
        }
        if cancels {
            let below = "/cancel";
            let body = Json::Object(Map::new());
            match self
                .step(BOOKING_CANCEL, Method::POST, id, below, body)
                .await
            {
                Step::Done(_) => read = None,
                Step::Refused(complaint) | Step::NoRoute(complaint) => {
                    return UpdateOutcome::Refused {
                        refusal: complaint.refusal(vec![CANCELLED.into()]),
                        done,
                    };
                }
                Step::Ended(end) => return ended(end, &done),
            }
        }
        if let Some(company) = company {
            match self.move_to(id, &company).await {
                Step::Done(response) => {
                    // 204, the member, or something else: only the member itself says how it is now
                    read = self.reading(id, &set, &response);
                }
                Step::Refused(complaint) | Step::NoRoute(complaint) => {
                    return UpdateOutcome::Refused {
                        refusal: complaint.refusal(vec![COMPANY.into()]),
                        done,
                    };
                }
                Step::Ended(end) => return ended(end, &done),
            }
        }
        UpdateOutcome::Done {
            read: read.map(Box::new),
        }
    }

    /// The new values, sets whole.
    fn wanted(&self, change: &Change) -> Result<Fields, Refusal> {
        let mut set = change.set.clone();
        for (name, delta) in &change.sets {
            let mut now = elements(change.current.fields.get(name.as_str()))
                .ok_or_else(|| cannot(name, "cannot be changed while what is there is unknown"))?;
            now.extend(delta.add.iter().cloned());
            now.retain(|element| !delta.remove.contains(element));
            set.set(name.clone(), Field::of(Value::Set(now)));
        }
        Ok(set)
    }

    pub(crate) async fn step(
        &self,
        operation: &'static str,
        method: Method,
        id: &RecordId,
        below: &str,
        body: Json,
    ) -> Step {
        let place = format!("/{}/{}{below}", self.resource.path, segment(id.as_str()));
        let request: Request = match request(self.calls, operation, Effect::Write, method, &place) {
            Ok(request) => match self.resource.query {
                Some((name, value)) => request.query(name, value).json(body),
                None => request.json(body),
            },
            Err(error) => return Step::Ended(End::Failed(error)),
        };
        let response = match self.calls.send(request).await {
            Ok(response) => response,
            Err(CallError::OutcomeUnknown { why, .. }) => return Step::Ended(End::Unknown(why)),
            Err(error) => return Step::Ended(End::Failed(error.into())),
        };
        if response.status.is_success() {
            return Step::Done(response);
        }
        let complaint = Complaint::of(&response);
        if complaint.is_missing_route() {
            Step::NoRoute(complaint)
        } else if complaint.is_gone() {
            Step::Ended(End::Gone)
        } else if response.status.is_client_error() || complaint.is_permanent() {
            Step::Refused(complaint)
        } else {
            Step::Ended(End::Unknown(complaint.message()))
        }
    }

    /// Fields that the answer to an update shows just as they were before. Whoever took that for what was written would take the old
    /// values for an edit, and carry them over what the other side's people wrote.
    fn dropped(&self, change: &Change, set: &Fields, response: &Response) -> Vec<FieldName> {
        let id = &change.current.id;
        let Ok(item) = item(self.resource.operations.update, id, response) else {
            return Vec::new();
        };
        if !item.contains_key("modifiedAt") {
            return Vec::new();
        }
        let shown = reading(id, &item, self.schema, self.resource, response);
        let shown = &shown.record.fields;
        let is_dropped = |name: &FieldName, field: &Field| {
            let now = shown.get(name.as_str());
            // what is merged goes by its parts; hidden tags are unknown, not empty
            let tells = matches!(
                (now, field),
                (Field::Value(Value::Text(_) | Value::Set(_)), _)
                    | (Field::Empty, Field::Value(Value::Set(_)))
            );
            tells && now == change.current.fields.get(name.as_str()) && now != field
        };
        set.iter()
            .filter(|(name, field)| is_dropped(name, field))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// The record in an answer, if it shows all that was sent.
    fn reading(&self, id: &RecordId, set: &Fields, response: &Response) -> Option<Read> {
        let item = item(self.resource.operations.update, id, response).ok()?;
        // more than an echo of the change
        if !item.contains_key("modifiedAt") {
            return None;
        }
        let read = reading(id, &item, self.schema, self.resource, response);
        (read.completeness == Completeness::Complete && shows_all(&read.record.fields, set))
            .then_some(read)
    }
}

fn nothing_done(refusal: Refusal) -> UpdateOutcome {
    UpdateOutcome::Refused {
        refusal,
        done: Vec::new(),
    }
}

fn ended(end: End, done: &[FieldName]) -> UpdateOutcome {
    // part of it is carried out, so it is not as if nothing had been
    let partly = |why: &str| {
        let names: Vec<&str> = done.iter().map(FieldName::as_str).collect();
        UpdateOutcome::Unknown {
            why: format!("{} written, then: {why}", names.join(", ")),
        }
    };
    match end {
        End::Gone => UpdateOutcome::Gone,
        End::Unknown(why) if done.is_empty() => UpdateOutcome::Unknown { why },
        End::Unknown(why) => partly(&why),
        End::Failed(error) if done.is_empty() => UpdateOutcome::Failed(error),
        End::Failed(error) => partly(&error.to_string()),
    }
}
