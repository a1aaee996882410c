//! Opportunities: where each stands in which pipeline, for whom, and what it is worth.
//!
//! Where one stands is said by three properties of the vendor that only make sense together: pipeline, stage, and a status
//! that is `open` as long as the stage counts. Here they are one field, [`STAGE`]: `PIPELINE/STAGE` while it is open, else how
//! it ended. Its contact is said when it is made and never changed (opportunities specification: `UpdateOpportunityDto`
//! has none).

use connector::{
    Calls, CreateOutcome, Draft, Effect, Error, Hint, IdentityKey, KeyKind, Page, PageRequest,
    Refusal,
};
use http::Method;
use jiff::Timestamp;
use record::{
    Access, Choice, Entity, Field, FieldSpec, Fields, Freshness, Kind, Read, RecordId, Schema,
    Value,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::{
    answer::Complaint,
    contact,
    form::present,
    operation::{
        OPPORTUNITY_CREATE, OPPORTUNITY_DELETE, OPPORTUNITY_GET, OPPORTUNITY_LIST,
        OPPORTUNITY_UPDATE, PIPELINES,
    },
    requests::{bad_cursor, cannot, stuck},
    rest::{Polled, Rest, belongs, id_of, spec},
    settings::Settings,
    value,
};

/// Where it stands: `PIPELINE/STAGE`, or how it ended.
const STAGE: &str = "stage";

/// How an opportunity ends, in the vendor's words for its status.
const ENDS: [(&str, &str); 3] = [("won", "Won"), ("lost", "Lost"), ("abandoned", "Abandoned")];

/// Most opportunities that one page answers (the vendor's page on the search).
pub(crate) const PAGE: usize = 100;

pub(crate) static REST: Rest = Rest {
    noun: "opportunity",
    get: OPPORTUNITY_GET,
    create: OPPORTUNITY_CREATE,
    update: OPPORTUNITY_UPDATE,
    delete: OPPORTUNITY_DELETE,
    make_at: "/opportunities/",
    below: "/opportunities",
    delete_below: "/opportunities",
    wraps: &["opportunity", ""],
    stamps: ("createdAt", "updatedAt"),
    version: None,
    beside: |_| Map::new(),
    fields,
    body,
};

/// The fields of every sub-account. No property may be `null` (`UpdateOpportunityDto`).
pub(crate) fn usual() -> Vec<FieldSpec> {
    let contact = Kind::Reference(Entity::Contact);
    let mut stage = spec(
        STAGE,
        "Stage, or how it ended",
        Kind::Choice,
        Access::ReadWrite,
        true,
    );
    stage.choices = ENDS
        .iter()
        .map(|(key, label)| Choice {
            key: (*key).to_owned(),
            label: (*label).to_owned(),
        })
        .collect();
    vec![
        spec("name", "Name", Kind::Text, Access::ReadWrite, true),
        spec("contactId", "Contact", contact, Access::CreateOnly, true),
        stage,
        spec(
            "monetaryValue",
            "Value",
            Kind::Number,
            Access::ReadWrite,
            false,
        ),
        spec("assignedTo", "Owner", Kind::User, Access::ReadWrite, false),
        spec("source", "Source", Kind::Text, Access::ReadOnly, false),
        spec(
            "createdAt",
            "Created",
            Kind::Instant,
            Access::ReadOnly,
            false,
        ),
        spec(
            "updatedAt",
            "Last changed",
            Kind::Instant,
            Access::ReadOnly,
            false,
        ),
    ]
}

/// With the stages of all pipelines, and the users.
pub(crate) async fn schema(calls: &dyn Calls) -> Result<Schema, Error> {
    let mut fields = usual();
    let location = Settings::of(calls).location()?;
    let request = get(PIPELINES, "/opportunities/pipelines").query("locationId", location);
    let response = calls.send(request).await?;
    if !response.status.is_success() {
        return Err(Error::Refused {
            operation: PIPELINES,
            refusal: Complaint::of(&response).refusal(Vec::new()),
        });
    }
    let body: Json = response.json(PIPELINES)?;
    let pipelines = body["pipelines"].as_array().ok_or(Error::Unexpected {
        operation: PIPELINES,
        status: response.status.as_u16(),
        what: "it holds no list of pipelines".to_owned(),
    })?;
    let stages: Vec<Choice> = pipelines.iter().flat_map(stages).collect();
    let users = contact::users(calls).await?.unwrap_or_default();
    for field in &mut fields {
        match field.name.as_str() {
            STAGE => {
                field.choices.splice(0..0, stages.clone());
            }
            "assignedTo" => field.choices.clone_from(&users),
            _ => {}
        }
    }
    Ok(Schema {
        entity: Entity::Opportunity,
        fields,
    })
}

fn stages(pipeline: &Json) -> Vec<Choice> {
    let text = |json: &Json, key: &str| json[key].as_str().unwrap_or_default().trim().to_owned();
    let (id, name) = (text(pipeline, "id"), text(pipeline, "name"));
    let stages = pipeline["stages"].as_array().into_iter().flatten();
    stages
        .map(|stage| Choice {
            key: format!("{id}/{}", text(stage, "id")),
            label: format!("{name}: {}", text(stage, "name")),
        })
        .collect()
}

fn fields(item: &Map<String, Json>, schema: &Schema) -> Fields {
    schema
        .fields
        .iter()
        .map(|spec| {
            let name = spec.name.as_str();
            let field = match name {
                STAGE => stage(item),
                "contactId" => present(
                    item.get(name).or_else(|| item.get("contact")?.get("id")),
                    spec.kind,
                    Field::Unknown,
                ),
                _ => present(item.get(name), spec.kind, Field::Empty),
            };
            (spec.name.clone(), field)
        })
        .collect()
}

fn stage(item: &Map<String, Json>) -> Field {
    let text = |key: &str| item.get(key).and_then(Json::as_str).unwrap_or_default();
    match text("status") {
        "open" => match (text("pipelineId"), text("pipelineStageId")) {
            ("", _) | (_, "") => Field::Unknown,
            (pipeline, stage) => Field::of(format!("{pipeline}/{stage}")),
        },
        ended if ENDS.iter().any(|(key, _)| *key == ended) => Field::of(ended),
        _ => Field::Unknown,
    }
}

fn body(set: &Fields, schema: &Schema) -> Result<Map<String, Json>, Refusal> {
    let mut body = Map::new();
    for (name, field) in set.iter() {
        let wrong = || cannot(name, "was given a value of another kind");
        match (name.as_str(), field) {
            (STAGE, Field::Value(Value::Text(word))) => {
                if ENDS.iter().any(|(key, _)| key == word) {
                    body.insert("status".to_owned(), json!(word));
                } else {
                    let (pipeline, stage) = word.split_once('/').ok_or_else(wrong)?;
                    body.insert("status".to_owned(), json!("open"));
                    body.insert("pipelineId".to_owned(), json!(pipeline));
                    body.insert("pipelineStageId".to_owned(), json!(stage));
                }
            }
            (_, Field::Value(Value::Text(text))) => {
                body.insert(name.to_string(), json!(text));
            }
            (_, Field::Value(Value::Number(number))) => {
                let number = value::number_to_json(*number)
                    .ok_or_else(|| cannot(name, "has more digits than HighLevel can keep"))?;
                body.insert(name.to_string(), number);
            }
            _ => return Err(wrong()),
        }
    }
    // Made as ended: it still needs a pipeline. Which one nobody said; the first.
    if body.contains_key("contactId")
        && !body.contains_key("pipelineId")
        && let Some((pipeline, stage)) = schema.field(STAGE).and_then(|spec| {
            spec.choices
                .iter()
                .find_map(|choice| choice.key.split_once('/'))
        })
    {
        body.insert("pipelineId".to_owned(), json!(pipeline));
        body.insert("pipelineStageId".to_owned(), json!(stage));
    }
    Ok(body)
}

/// Where a listing stands. Stored by the caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Cursor {
    page: usize,
}

async fn page(
    calls: &dyn Calls,
    schema: &Schema,
    number: usize,
    contact: Option<&str>,
) -> Result<(Vec<Read>, usize), Error> {
    let mut request = get(OPPORTUNITY_LIST, "/opportunities/search")
        .query("location_id", Settings::of(calls).location()?)
        .query("limit", PAGE.to_string())
        .query("page", number.to_string());
    if let Some(contact) = contact {
        request = request.query("contact_id", contact);
    }
    let response = calls.send(request).await?;
    if !response.status.is_success() {
        return Err(Error::Refused {
            operation: OPPORTUNITY_LIST,
            refusal: Complaint::of(&response).refusal(Vec::new()),
        });
    }
    #[derive(Deserialize)]
    struct Answer {
        opportunities: Vec<Map<String, Json>>,
    }
    let items = response.json::<Answer>(OPPORTUNITY_LIST)?.opportunities;
    let served = items.len();
    let reads = items
        .iter()
        .filter_map(|item| REST.read(item, schema, Freshness::PossiblyStale, response.sent))
        .collect();
    Ok((reads, served))
}

pub(crate) async fn list(
    calls: &dyn Calls,
    schema: &Schema,
    request: PageRequest,
) -> Result<Page, Error> {
    let cursor: Cursor = match request.cursor {
        None => Cursor { page: 1 },
        Some(json) => serde_json::from_value(json).map_err(|_| bad_cursor())?,
    };
    let (reads, served) = page(calls, schema, cursor.page, None).await?;
    Ok(Page {
        reads,
        next: (served == PAGE).then(|| {
            json!(Cursor {
                page: cursor.page + 1
            })
        }),
        resume: None,
        total: None,
    })
}

/// Beyond so many pages a listing does not end.
const MOST_PAGES: usize = 1000;

/// Those that belong to the named contacts: a request for each contact, and for each hundred of one.
pub(crate) async fn find(
    calls: &dyn Calls,
    schema: &Schema,
    keys: &[IdentityKey],
) -> Result<Vec<Read>, Error> {
    let mut found = Vec::new();
    for key in keys.iter().filter(|key| key.kind == KeyKind::Parent) {
        for number in 1.. {
            if number > MOST_PAGES {
                return Err(stuck(OPPORTUNITY_LIST));
            }
            let (mut reads, served) = page(calls, schema, number, Some(&key.value)).await?;
            // where the filter is not heeded
            reads.retain(|read| belongs(read, "contactId", std::slice::from_ref(key)));
            found.extend(reads);
            if served < PAGE {
                break;
            }
        }
    }
    Ok(found)
}

/// Nothing can be asked for what changed: all are listed, a request for each hundred, and what is newer than the last time
/// is shown. (The search can be asked for a span of creation days only.)
pub(crate) async fn changes(
    calls: &dyn Calls,
    schema: &Schema,
    request: PageRequest,
) -> Result<Page, Error> {
    let since: Option<Polled> = request
        .cursor
        .map(serde_json::from_value)
        .transpose()
        .map_err(|_| bad_cursor())?;
    let mut newest = since.as_ref().map_or(0, |polled| polled.newest);
    // What changed before the newest may be shown only now; what is shown again is no news to anybody.
    let before = newest.saturating_sub(contact::overlap());
    let mut reads = Vec::new();
    for number in 1.. {
        if number > MOST_PAGES {
            return Err(stuck(OPPORTUNITY_LIST));
        }
        let (found, served) = page(calls, schema, number, None).await?;
        for read in found {
            let changed = read.modified.map(Timestamp::as_millisecond);
            newest = newest.max(changed.unwrap_or(0));
            let is_news = since.is_some() && changed.is_none_or(|changed| changed > before);
            if is_news {
                reads.push(read);
            }
        }
        if served < PAGE {
            break;
        }
    }
    Ok(Page {
        reads,
        next: None,
        resume: Some(json!(Polled { newest })),
        total: None,
    })
}

pub(crate) async fn create(
    calls: &dyn Calls,
    schema: &Schema,
    drafts: &[Draft],
) -> Vec<CreateOutcome> {
    REST.create(calls, schema, drafts, &Fields::new()).await
}

/// The hint in this event, if it is one about an opportunity. One change is told by several events.
pub(crate) fn hint(event: &str, body: &Map<String, Json>, received: Timestamp) -> Option<Hint> {
    event.strip_prefix("Opportunity")?;
    Some(Hint {
        entity: Entity::Opportunity,
        id: RecordId::new(id_of(body)?),
        not_older_than: body
            .get("timestamp")
            .and_then(value::instant)
            .map(|said| said.min(received)),
        born: event == "OpportunityCreate",
        shown: None,
    })
}

fn get(operation: &'static str, path: &str) -> connector::Request {
    REST.request(operation, Effect::Read, Method::GET, path)
}
