//! Visits as a stand-in for appointments: whoever visits a member's location, and when. Making one asks for a visitor as well as
//! for the member; a member who comes as a guest of their own is made one first, once, and found again by e-mail address or name.
//!
//! What is lost is declared: no name, no cancelling, and nothing that is changed later crosses, because a visit has no PUT (the vendor's v2
//! reference). No event tells of visits, so that listings find them.

use connector::{Calls, CreateOutcome, Draft, Effect, Error, Refusal, UpdateOutcome};
use http::Method;
use record::{Access, Capability, Entity, Field, FieldSpec, Kind, RecordId, Schema};
use serde_json::{Map, Value as Json, json};

use crate::{
    answer::Complaint,
    api::{refused, request, unexpected},
    create, fetch,
    operation::{VISITOR_CREATE, VISITORS},
    pages,
    resource::{Resource, VISITOR, VISITS_RESOURCE},
    unsupported,
};

/// Whether this stands for appointments on a connection.
pub(crate) fn are(resource: &Resource) -> bool {
    std::ptr::eq(resource, &raw const VISITS_RESOURCE)
}

/// Makes visits one after the other, so that two of one member make one visitor.
pub(crate) async fn make(
    calls: &dyn Calls,
    schema: &Schema,
    drafts: &[Draft],
) -> Vec<CreateOutcome> {
    let schema = with_visitor(schema);
    let mut outcomes = Vec::with_capacity(drafts.len());
    for draft in drafts {
        outcomes.push(one(calls, &schema, draft).await);
    }
    outcomes
}

/// There is no call that changes one. The schema says so, and nothing asks for it.
pub(crate) fn refuse() -> UpdateOutcome {
    UpdateOutcome::Refused {
        refusal: Refusal {
            code: "not sent".to_owned(),
            message: "visits cannot be changed".to_owned(),
            fields: Vec::new(),
        },
        done: Vec::new(),
    }
}

/// The schema in which the visitor, who is nobody's to map, can be written.
fn with_visitor(schema: &Schema) -> Schema {
    let mut schema = schema.clone();
    schema.fields.retain(|field| field.name.as_str() != VISITOR);
    schema.fields.push(FieldSpec {
        name: VISITOR.into(),
        label: VISITOR.to_owned(),
        kind: Kind::Text,
        capability: Capability::of(Access::CreateOnly),
        choices: Vec::new(),
        custom: false,
    });
    schema
}

async fn one(calls: &dyn Calls, schema: &Schema, draft: &Draft) -> CreateOutcome {
    let Some(member) = draft.fields.get("member").text().map(RecordId::from) else {
        return CreateOutcome::Refused(of_member(
            "a visit is of a member, and this one names none",
        ));
    };
    let visitor = match visitor(calls, &member).await {
        Ok(Some(visitor)) => visitor,
        Ok(None) => return CreateOutcome::Refused(of_member("its member is not there")),
        // nothing of the visit was sent: a second try finds a visitor that was made all the same
        Err(error) => return CreateOutcome::Failed(error),
    };
    let mut draft = draft.clone();
    draft.fields.set(VISITOR, Field::of(visitor));
    let made = create::create(calls, schema, &VISITS_RESOURCE, &[draft]).await;
    made.into_iter()
        .next()
        .unwrap_or_else(|| CreateOutcome::Unknown {
            why: "no outcome for a visit".to_owned(),
        })
}

fn of_member(why: &str) -> Refusal {
    Refusal {
        code: "missing".to_owned(),
        message: why.to_owned(),
        fields: vec!["member".into()],
    }
}

/// The visitor that stands for a member: the one that names them, else a new one. `None`: there is no such member.
async fn visitor(calls: &dyn Calls, member: &RecordId) -> Result<Option<String>, Error> {
    let members = Resource::of(Entity::Contact).ok_or_else(|| unsupported(Entity::Contact))?;
    let Some((found, _)) = fetch::raw(calls, members, member).await? else {
        return Ok(None);
    };
    let text = |name: &str| {
        let text = found.get(name).and_then(Json::as_str).map(str::trim);
        text.filter(|text| !text.is_empty())
    };
    let name = text("name").unwrap_or(member.as_str());
    let narrowed = match text("email") {
        Some(email) => ("email", email),
        None => ("name", name),
    };
    let known = pages::all_of(calls, VISITORS, "/visitors", &[narrowed]).await?;
    let own = known
        .iter()
        .find(|visitor| visitor.get("member").and_then(Json::as_str) == Some(member.as_str()));
    if let Some(id) = own.and_then(pages::id) {
        return Ok(Some(id.to_owned()));
    }
    let mut body = json!({"name": name, "type": "preregistration", "member": member});
    if let Some(email) = text("email") {
        body["email"] = json!(email);
    }
    let asked = request(
        calls,
        VISITOR_CREATE,
        Effect::Write,
        Method::POST,
        "/visitors",
    )?;
    let response = calls.send(asked.json(body)).await?;
    if !response.status.is_success() {
        return Err(match Complaint::of(&response).is_missing_route() {
            true => unexpected(VISITOR_CREATE, &response, "there is no such endpoint"),
            false => refused(VISITOR_CREATE, &response),
        });
    }
    let made: Map<String, Json> = response.json(VISITOR_CREATE)?;
    match pages::id(&made) {
        Some(id) => Ok(Some(id.to_owned())),
        None => Err(unexpected(VISITOR_CREATE, &response, "it names no visitor")),
    }
}
