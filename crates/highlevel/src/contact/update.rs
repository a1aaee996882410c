//! Changing contacts: one `PUT` with what differs, then tags added, then tags removed, then the company.
//!
//! Tags never go into the `PUT`, which would replace them all, and the company cannot. What an earlier call has
//! carried out is said when a later one is not.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use connector::{
    CallError, Calls, Change, Effect, Error, Refusal, Request, Response, UpdateOutcome,
};
use http::Method;
use record::{Completeness, Field, FieldName, Freshness, Read, RecordId, Schema, Value};
use serde_json::{Map, Value as Json, json};

use super::{
    blame::blame,
    business::{Assigned, Company, assign, is_business, wanted},
    decode::{self, Shape},
    encode::{self, Body, is_tags},
    fetch::contact_of,
    in_flight, segment,
    standard::{BUSINESS, GENDER, TAGS},
};
use crate::{
    answer::Complaint,
    operation::{CONTACT_ADD_TAGS, CONTACT_REMOVE_TAGS, CONTACT_UPDATE},
    requests::cannot,
    settings::Settings,
    value,
};

pub(crate) async fn update(
    calls: &dyn Calls,
    schema: &Schema,
    changes: &[Change],
) -> Vec<UpdateOutcome> {
    let written = in_flight(
        changes
            .iter()
            .map(|change| one(calls, schema, change))
            .collect(),
    )
    .await;
    let contacts: Vec<(RecordId, Company)> = changes
        .iter()
        .zip(&written)
        .filter_map(|(change, written)| match written {
            Written::Moves(company, _) => Some((change.current.id.clone(), company.clone())),
            Written::Ended(_) => None,
        })
        .collect();
    let mut assigned = match Settings::of(calls).location() {
        Ok(location) => assign(calls, location, contacts).await,
        Err(_) => HashMap::new(),
    };
    changes
        .iter()
        .zip(written)
        .map(|(change, written)| match written {
            Written::Ended(outcome) => outcome,
            Written::Moves(company, so_far) => {
                moved(company, so_far, assigned.remove(&change.current.id))
            }
        })
        .collect()
}

/// What became of a change before contacts are put into companies.
enum Written {
    Ended(UpdateOutcome),
    /// All else is carried out, and the contact is to be put into this company.
    Moves(Company, SoFar),
}

/// What the calls for one contact have carried out.
#[derive(Default)]
struct SoFar {
    done: Vec<FieldName>,
    read: Option<Read>,
}

fn moved(company: Company, so_far: SoFar, assigned: Option<Assigned>) -> UpdateOutcome {
    let SoFar { done, read } = so_far;
    match assigned {
        Some(Assigned::Done) => UpdateOutcome::Done {
            read: read.map(|read| Box::new(in_company(read, company))),
        },
        Some(Assigned::Refused(refusal)) => UpdateOutcome::Refused { refusal, done },
        Some(Assigned::Unknown(why)) => ended(End::Unknown(why), &done),
        Some(Assigned::Failed(error)) => ended(End::Failed(error), &done),
        None => UpdateOutcome::Refused {
            refusal: cannot(&BUSINESS.into(), "cannot be written without a sub-account"),
            done,
        },
    }
}

/// A reading from before the contact was put into a company, as it stands after it.
pub(super) fn in_company(mut read: Read, company: Company) -> Read {
    read.record
        .fields
        .set(BUSINESS, company.map_or(Field::Empty, Field::of));
    read.record.fields.set("dateUpdated", Field::Unknown);
    read.modified = None;
    read
}

/// The calls that one change needs.
struct Plan {
    body: Body,
    set: BTreeMap<FieldName, Field>,
    add: BTreeSet<String>,
    remove: BTreeSet<String>,
    company: Option<Company>,
}

/// What came of one call.
enum Step {
    Done(Response),
    Refused(Complaint),
    Ended(End),
}

/// How a change ends at a call that was neither carried out nor refused.
enum End {
    Gone,
    Unknown(String),
    Failed(CallError),
}

async fn one(calls: &dyn Calls, schema: &Schema, change: &Change) -> Written {
    let mut plan = match plan(schema, change) {
        Ok(plan) => plan,
        Err(refusal) => {
            return Written::Ended(UpdateOutcome::Refused {
                refusal,
                done: Vec::new(),
            });
        }
    };
    let company = plan.company.take();
    match write(calls, schema, change, plan).await {
        Ok(so_far) => match company {
            Some(company) => Written::Moves(company, so_far),
            None => Written::Ended(UpdateOutcome::Done {
                read: so_far.read.map(Box::new),
            }),
        },
        Err(outcome) => Written::Ended(outcome),
    }
}

/// The contact's own calls: its `PUT` and its tags. An error is how the whole change ends.
async fn write(
    calls: &dyn Calls,
    schema: &Schema,
    change: &Change,
    plan: Plan,
) -> Result<SoFar, UpdateOutcome> {
    let id = &change.current.id;
    let path = format!("/contacts/{}", segment(id.as_str()));
    let mut done: Vec<FieldName> = Vec::new();
    let mut read = None;

    if !plan.body.is_empty() {
        let (written, custom_order) = (plan.body.written.clone(), plan.body.custom_order.clone());
        let request = Request::new(CONTACT_UPDATE, Effect::Write, Method::PUT, path.as_str())
            .json(plan.body.into_json());
        match step(calls, request).await {
            Step::Done(response) => {
                read = reading(id, schema, &plan.set, &response);
                done = written;
            }
            Step::Refused(complaint) => {
                let mut blame = blame(&complaint, schema, &written, &custom_order);
                if complaint.is_duplicate() && blame.fields.is_empty() {
                    // It names nothing, but only these can be what somebody else has.
                    let keys = |name: &&FieldName| matches!(name.as_str(), "email" | "phone");
                    blame.fields = written.iter().filter(keys).cloned().collect();
                }
                return Err(UpdateOutcome::Refused {
                    refusal: refusal(&complaint, blame.fields),
                    done,
                });
            }
            Step::Ended(end) => return Err(ended(end, &done)),
        }
    }

    let tags = format!("{path}/tags");
    let mut last_tags = None;
    for (operation, method, elements) in [
        (CONTACT_ADD_TAGS, Method::POST, plan.add),
        (CONTACT_REMOVE_TAGS, Method::DELETE, plan.remove),
    ] {
        if elements.is_empty() {
            continue;
        }
        let request = Request::new(operation, Effect::Write, method, tags.as_str())
            .json(json!({ "tags": elements }));
        match step(calls, request).await {
            Step::Done(response) => last_tags = Some(tags_of(&response)),
            Step::Refused(complaint) => {
                let mut refusal = complaint.refusal(vec![TAGS.into()]);
                if last_tags.is_some() {
                    refusal.message =
                        format!("tags were added, but not removed: {}", refusal.message);
                }
                return Err(UpdateOutcome::Refused { refusal, done });
            }
            Step::Ended(end) => {
                if last_tags.is_some() {
                    done.push(TAGS.into());
                }
                return Err(ended(end, &done));
            }
        }
    }
    if last_tags.is_some() {
        done.push(TAGS.into());
    }
    Ok(SoFar {
        done,
        read: with_tags(read, last_tags),
    })
}

fn plan(schema: &Schema, change: &Change) -> Result<Plan, Refusal> {
    let current = &change.current.fields;
    let mut plan = Plan {
        body: Body::default(),
        set: BTreeMap::new(),
        add: BTreeSet::new(),
        remove: BTreeSet::new(),
        company: None,
    };
    for (name, field) in change.set.iter() {
        if is_business(name) {
            plan.company = Some(wanted(field)?);
        } else if is_tags(name) {
            let wanted = match field {
                Field::Value(Value::Set(wanted)) => wanted.clone(),
                Field::Empty => BTreeSet::new(),
                _ => return Err(cannot(name, "was given a value of another kind")),
            };
            let has = elements(current.get(TAGS))
                .ok_or_else(|| cannot(name, "cannot be replaced while what is there is unknown"))?;
            plan.add.extend(wanted.difference(&has).cloned());
            plan.remove.extend(has.difference(&wanted).cloned());
        } else {
            plan.set.insert(name.clone(), field.clone());
        }
    }
    for (name, delta) in &change.sets {
        if is_tags(name) {
            plan.add.extend(delta.add.iter().cloned());
            plan.remove.extend(delta.remove.iter().cloned());
            continue;
        }
        // Other sets have no calls of their own: the whole new set is written.
        let mut set = elements(current.get(name.as_str()))
            .ok_or_else(|| cannot(name, "cannot be changed while what is there is unknown"))?;
        set.extend(delta.add.iter().cloned());
        set.retain(|element| !delta.remove.contains(element));
        plan.set.insert(name.clone(), Field::of(Value::Set(set)));
    }
    plan.remove.retain(|tag| !plan.add.contains(tag));
    plan.body = encode::update(&plan.set, current, schema)?;
    Ok(plan)
}

/// The elements that a set field is known to have.
fn elements(field: &Field) -> Option<BTreeSet<String>> {
    match field {
        Field::Empty => Some(BTreeSet::new()),
        Field::Value(Value::Set(set)) => Some(set.clone()),
        _ => None,
    }
}

async fn step(calls: &dyn Calls, request: Request) -> Step {
    let response = match calls.send(request).await {
        Ok(response) => response,
        Err(CallError::OutcomeUnknown { why, .. }) => return Step::Ended(End::Unknown(why)),
        Err(error) => return Step::Ended(End::Failed(error)),
    };
    if response.status.is_success() {
        return Step::Done(response);
    }
    let complaint = Complaint::of(&response);
    if complaint.is_gone() {
        Step::Ended(End::Gone)
    } else if response.status.is_client_error() {
        Step::Refused(complaint)
    } else {
        Step::Ended(End::Unknown(complaint.message()))
    }
}

fn ended(end: End, done: &[FieldName]) -> UpdateOutcome {
    // Part of it is carried out, so it is not as if nothing had been.
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
        End::Failed(error) if done.is_empty() => UpdateOutcome::Failed(Error::Call(error)),
        End::Failed(error) => partly(&error.to_string()),
    }
}

fn refusal(complaint: &Complaint, fields: Vec<FieldName>) -> Refusal {
    if !complaint.is_duplicate() {
        return complaint.refusal(fields);
    }
    let mut refusal = complaint.refusal(fields);
    refusal.code = "duplicate".to_owned();
    if let Some(duplicate) = &complaint.duplicate {
        refusal.message = format!(
            "{} It is the {} of contact {}.",
            refusal.message,
            if duplicate.matching.is_empty() {
                "e-mail or phone"
            } else {
                &duplicate.matching
            },
            duplicate.id
        );
        if matches!(duplicate.matching.as_str(), "email" | "phone") {
            refusal.fields = vec![duplicate.matching.as_str().into()];
        }
    }
    refusal
}

/// The record in the answer to a `PUT`, if it shows all that was sent. (Both the specification and
/// captures give the whole contact.)
fn reading(
    id: &RecordId,
    schema: &Schema,
    set: &BTreeMap<FieldName, Field>,
    response: &Response,
) -> Option<Read> {
    let contact = contact_of(CONTACT_UPDATE, response).ok()?;
    if decode::id(&contact) != Some(id.as_str()) || !is_whole(&contact) {
        return None;
    }
    let fields = decode::fields(&contact, schema, Shape::Updated);
    let shows_all = set.iter().all(|(name, field)| {
        name.as_str() == GENDER
            || field.value().is_none()
            || fields.get(name.as_str()).value().is_some()
    });
    shows_all.then(|| {
        decode::read(
            id.as_str(),
            &contact,
            fields,
            Freshness::Fresh,
            Completeness::Complete,
            response.sent,
        )
    })
}

/// More than an echo of the change: it carries what every contact has and nobody can write.
fn is_whole(contact: &Map<String, Json>) -> bool {
    ["locationId", "dateAdded", "customFields", "tags"]
        .iter()
        .all(|key| contact.contains_key(*key))
}

/// All tags after the call; `None` if the answer does not say.
fn tags_of(response: &Response) -> Option<BTreeSet<String>> {
    let body: Json = serde_json::from_slice(&response.body).ok()?;
    value::texts(&body["tags"]).map(|tags| tags.into_iter().collect())
}

/// The reading as it stands after the tags' calls, if it can be told: the `PUT`'s answer does not have
/// them yet, and `dateUpdated` may have moved since.
fn with_tags(read: Option<Read>, last_tags: Option<Option<BTreeSet<String>>>) -> Option<Read> {
    let mut read = read?;
    let Some(tags) = last_tags else {
        return Some(read);
    };
    read.record.fields.set(TAGS, Field::of(Value::Set(tags?)));
    read.record.fields.set("dateUpdated", Field::Unknown);
    read.modified = None;
    Some(read)
}
