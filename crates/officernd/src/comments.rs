//! Notes of members as comments of one ticket of theirs, where the connection's setting `notes_ticket` gives that ticket's subject.
//!
//! Each note is a comment that members do not see. The ticket is made with the first. What is lost is declared: a comment is neither
//! changed nor deleted (the vendor's v2 reference has a POST and nothing else), nobody's name stands at it but the member's, and
//! no event tells of one. Reading them has a scope and no page in the reference: that `GET /ticket-comments/{ticketId}` answers is
//! *unverified*, and an account where it does not cannot keep notes so.

use std::collections::BTreeMap;

use connector::{
    CallError, Calls, CreateOutcome, Draft, Effect, Error, Fetched, IdentityKey, KeyKind, Page,
    PageRequest, Refusal, RemoveOutcome, UpdateOutcome,
};
use http::Method;
use jiff::Timestamp;
use record::{
    Access, Capability, Completeness, Entity, Field, FieldSpec, Fields, Freshness, Read, Record,
    RecordId, Schema,
};
use serde_json::{Map, Value as Json, json};

use crate::{
    answer::Complaint,
    api::{in_flight, read, refused, request, segment, unexpected},
    create,
    notes::{BODY, MEMBER, usual},
    operation::{TICKET_COMMENT_CREATE, TICKET_COMMENTS, TICKETS},
    pages,
    resource::Resource,
    schema as fields,
    settings::{NOTES_TICKET, Settings, TICKET_DEFAULTS},
    unsupported, value,
};

/// A ticket that holds a member's notes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Holder {
    ticket: String,
    member: String,
}

/// The fields of every note. What a new ticket needs is lacking as long as the settings do not give it.
pub(crate) fn schema(calls: &dyn Calls) -> Schema {
    let mut fields: Vec<FieldSpec> = usual();
    for field in &mut fields {
        field.capability = Capability {
            required: true,
            clearable: false,
            ..Capability::of(Access::CreateOnly)
        };
    }
    let settings = Settings::of(calls);
    let lacking = TICKET_DEFAULTS
        .iter()
        .filter(|(setting, _)| settings.ticket_option(setting).is_none());
    let lacking: Vec<FieldSpec> = lacking
        .map(|(setting, property)| {
            let mut field = fields[0].clone();
            field.name = (*property).into();
            field.label = format!("The {property} of the ticket that holds it");
            field.capability.setting = Some((*setting).to_owned());
            field
        })
        .collect();
    fields.extend(lacking);
    Schema {
        entity: Entity::Note,
        fields,
    }
}

/// The tickets with this subject: lists of tickets take no filter.
async fn holders(calls: &dyn Calls, subject: &str) -> Result<Vec<Holder>, Error> {
    let tickets = pages::all(calls, TICKETS.list, "/tickets").await?;
    let text = |ticket: &Map<String, Json>, name: &str| {
        ticket.get(name).and_then(Json::as_str).map(str::to_owned)
    };
    Ok(tickets
        .iter()
        .filter(|ticket| text(ticket, "subject").as_deref() == Some(subject))
        .filter_map(|ticket| {
            Some(Holder {
                ticket: pages::id(ticket)?.to_owned(),
                member: text(ticket, "member")?,
            })
        })
        .collect())
}

/// The comments of a ticket; `None` if it is not there.
async fn comments(calls: &dyn Calls, ticket: &str) -> Result<Option<Comments>, Error> {
    let place = format!("/ticket-comments/{}", segment(ticket));
    let response = calls.send(read(calls, TICKET_COMMENTS, &place)?).await?;
    if !response.status.is_success() {
        let complaint = Complaint::of(&response);
        if complaint.is_missing_route() {
            return Err(Error::Setting {
                setting: NOTES_TICKET,
                hint: "this organisation's API does not show the comments of tickets: keep notes in a text property of members \
                       (`notes_property`) instead"
                    .to_owned(),
            });
        }
        return match complaint.is_gone() {
            true => Ok(None),
            false => Err(refused(TICKET_COMMENTS, &response)),
        };
    }
    // An envelope like that of other lists, or the list itself.
    let mut body: Json = response.json(TICKET_COMMENTS)?;
    let goes_on = body.get("cursorNext").and_then(Json::as_str);
    if goes_on.is_some_and(|next| !next.is_empty()) {
        return Err(unexpected(
            TICKET_COMMENTS,
            &response,
            "it has more than one page, and how to ask for the next is documented nowhere",
        ));
    }
    let listed = if body.get("results").is_some() {
        body["results"].take()
    } else {
        body
    };
    let Json::Array(items) = listed else {
        return Err(unexpected(TICKET_COMMENTS, &response, "it holds no list"));
    };
    Ok(Some(Comments {
        items: items
            .into_iter()
            .filter_map(|item| match item {
                Json::Object(item) => Some(item),
                _ => None,
            })
            .collect(),
        sent: response.sent,
    }))
}

struct Comments {
    items: Vec<Map<String, Json>>,
    sent: Timestamp,
}

/// A comment as a note. `None`: it says nothing, or has no id.
fn note(holder: &Holder, item: &Map<String, Json>, sent: Timestamp) -> Option<Read> {
    let text = item.get("text").and_then(Json::as_str)?.trim();
    let mut fields = Fields::new();
    fields.set(BODY, Field::of(text));
    fields.set(MEMBER, Field::of(holder.member.as_str()));
    Some(Read {
        record: Record {
            id: id_of(&holder.ticket, pages::id(item)?),
            fields,
        },
        freshness: Freshness::Fresh,
        completeness: Completeness::Complete,
        as_of: sent,
        modified: None,
        created: item.get("createdAt").and_then(value::instant),
        unclear: BTreeMap::new(),
    })
    .filter(|_| !text.is_empty())
}

fn id_of(ticket: &str, comment: &str) -> RecordId {
    RecordId::new(format!("{ticket}:{comment}"))
}

/// The notes that these tickets hold.
async fn notes(calls: &dyn Calls, holders: &[Holder]) -> Result<Vec<Read>, Error> {
    let asked = holders
        .iter()
        .map(|holder| comments(calls, &holder.ticket))
        .collect();
    let mut reads = Vec::new();
    for (holder, found) in holders.iter().zip(in_flight(asked).await) {
        let Some(found) = found? else { continue };
        let of_ticket = found.items.iter();
        reads.extend(of_ticket.filter_map(|item| note(holder, item, found.sent)));
    }
    Ok(reads)
}

/// All notes at once: a request for each fifty tickets, and one for each that holds notes.
pub(crate) async fn list(calls: &dyn Calls, subject: &str) -> Result<Page, Error> {
    let holders = holders(calls, subject).await?;
    Ok(Page {
        reads: notes(calls, &holders).await?,
        next: None,
        resume: None,
        total: None,
    })
}

/// There is nothing to ask for: listings find them.
pub(crate) fn changes(_page: &PageRequest) -> Page {
    Page {
        reads: Vec::new(),
        next: None,
        resume: Some(json!({})),
        total: None,
    }
}

pub(crate) async fn fetch(
    calls: &dyn Calls,
    subject: &str,
    ids: &[RecordId],
) -> Result<Vec<Fetched>, Error> {
    let holders = holders(calls, subject).await?;
    let wanted: Vec<Holder> = holders
        .into_iter()
        .filter(|holder| ids.iter().any(|id| ticket(id) == holder.ticket))
        .collect();
    let mut found = notes(calls, &wanted).await?;
    Ok(ids
        .iter()
        .map(|id| {
            let at = found.iter().position(|read| read.record.id == *id);
            at.map_or_else(
                || Fetched::Gone(id.clone()),
                |at| Fetched::Found(Box::new(found.swap_remove(at))),
            )
        })
        .collect())
}

fn ticket(id: &RecordId) -> &str {
    id.as_str().split_once(':').map_or("", |(ticket, _)| ticket)
}

/// The notes of these members.
pub(crate) async fn find(
    calls: &dyn Calls,
    subject: &str,
    keys: &[IdentityKey],
) -> Result<Vec<Read>, Error> {
    let members: Vec<&str> = keys
        .iter()
        .filter(|key| key.kind == KeyKind::Parent)
        .map(|key| key.value.as_str())
        .collect();
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let mut holders = holders(calls, subject).await?;
    holders.retain(|holder| members.contains(&holder.member.as_str()));
    notes(calls, &holders).await
}

/// Writes notes one after the other, so that two of one member make one ticket.
pub(crate) async fn make(calls: &dyn Calls, subject: &str, drafts: &[Draft]) -> Vec<CreateOutcome> {
    let mut holders = match holders(calls, subject).await {
        Ok(holders) => holders,
        Err(error) => {
            let why = error.to_string();
            let first = std::iter::once(CreateOutcome::Failed(error));
            let rest = drafts.iter().skip(1).map(|_| {
                CreateOutcome::Failed(Error::Unexpected {
                    operation: TICKETS.list,
                    status: 200,
                    what: why.clone(),
                })
            });
            return first.chain(rest).take(drafts.len()).collect();
        }
    };
    let mut outcomes = Vec::with_capacity(drafts.len());
    for draft in drafts {
        outcomes.push(one(calls, subject, &mut holders, draft).await);
    }
    outcomes
}

async fn one(
    calls: &dyn Calls,
    subject: &str,
    holders: &mut Vec<Holder>,
    draft: &Draft,
) -> CreateOutcome {
    let text = |name: &str| draft.fields.get(name).text().unwrap_or_default();
    let (member, body) = (text(MEMBER), text(BODY));
    if member.is_empty() || body.trim().is_empty() {
        return CreateOutcome::Refused(Refusal {
            code: "not sent".to_owned(),
            message: "a comment needs a text, and the member whose ticket it belongs to".to_owned(),
            fields: vec![if member.is_empty() { MEMBER } else { BODY }.into()],
        });
    }
    let known = holders.iter().find(|holder| holder.member == member);
    let holder = match known.cloned() {
        Some(holder) => holder,
        None => match open(calls, subject, member).await {
            Ok(holder) => {
                holders.push(holder.clone());
                holder
            }
            Err(Error::Refused { refusal, .. }) => return CreateOutcome::Refused(refusal),
            Err(error) => return CreateOutcome::Failed(error),
        },
    };
    let place = format!("/ticket-comments/{}", segment(&holder.ticket));
    let asked = match request(
        calls,
        TICKET_COMMENT_CREATE,
        Effect::Write,
        Method::POST,
        &place,
    ) {
        Ok(asked) => asked.json(json!({"text": body, "member": member, "isPublic": false})),
        Err(error) => return CreateOutcome::Failed(error),
    };
    let response = match calls.send(asked).await {
        Ok(response) => response,
        Err(CallError::OutcomeUnknown { why, .. }) => return CreateOutcome::Unknown { why },
        Err(error) => return CreateOutcome::Failed(Error::Call(error)),
    };
    if !response.status.is_success() {
        let complaint = Complaint::of(&response);
        return if complaint.is_gone() {
            // it was there when tickets were listed: the next try makes another
            let what = format!(
                "the ticket {} that holds the notes of this member is gone",
                holder.ticket
            );
            CreateOutcome::Failed(unexpected(TICKET_COMMENT_CREATE, &response, &what))
        } else if complaint.is_missing_route() {
            let what = "there is no such endpoint";
            CreateOutcome::Failed(unexpected(TICKET_COMMENT_CREATE, &response, what))
        } else if response.status.is_client_error() || complaint.is_permanent() {
            CreateOutcome::Refused(complaint.refusal(vec![BODY.into()]))
        } else {
            CreateOutcome::Unknown {
                why: complaint.message(),
            }
        };
    }
    let made: Result<Map<String, Json>, _> = response.json(TICKET_COMMENT_CREATE);
    match made.as_ref().ok().and_then(pages::id) {
        Some(id) => CreateOutcome::Created {
            id: id_of(&holder.ticket, id),
            read: made
                .as_ref()
                .ok()
                .and_then(|item| note(&holder, item, response.sent))
                .map(Box::new),
            left_out: Vec::new(),
        },
        None => CreateOutcome::Unknown {
            why: "the answer names no comment".to_owned(),
        },
    }
}

/// Makes the ticket that holds a member's notes. One whose making ended nobody knows how is found by the next try: nothing of the
/// note was sent.
async fn open(calls: &dyn Calls, subject: &str, member: &str) -> Result<Holder, Error> {
    let tickets = Resource::of(Entity::Task).ok_or_else(|| unsupported(Entity::Task))?;
    let schema = fields::schema(calls, tickets).await?;
    let mut wanted = Fields::new();
    wanted.set("subject", Field::of(subject));
    wanted.set("member", Field::of(member));
    let draft = Draft {
        fields: wanted,
        ..Draft::default()
    };
    let made = create::create(calls, &schema, tickets, &[draft])
        .await
        .pop();
    let operation = TICKETS.create;
    match made {
        Some(CreateOutcome::Created { id, .. } | CreateOutcome::Existing { candidate: id, .. }) => {
            // what cannot be read again must not be written: it would be made anew with each sync
            comments(calls, id.as_str()).await?;
            Ok(Holder {
                ticket: id.as_str().to_owned(),
                member: member.to_owned(),
            })
        }
        Some(CreateOutcome::Refused(refusal)) => Err(Error::Refused { operation, refusal }),
        Some(CreateOutcome::Failed(error)) => Err(error),
        Some(CreateOutcome::Unknown { why }) => Err(Error::Unexpected {
            operation,
            status: 0,
            what: why,
        }),
        None => Err(unsupported(Entity::Task)),
    }
}

fn cannot(what: &str) -> Refusal {
    Refusal {
        code: "not sent".to_owned(),
        message: format!("comments of tickets cannot be {what}"),
        fields: Vec::new(),
    }
}

/// There is no call that changes one.
pub(crate) fn refuse_change() -> UpdateOutcome {
    UpdateOutcome::Refused {
        refusal: cannot("changed"),
        done: Vec::new(),
    }
}

/// Nor one that deletes one.
pub(crate) fn refuse_removal() -> RemoveOutcome {
    RemoveOutcome::Refused(cannot("deleted"))
}
