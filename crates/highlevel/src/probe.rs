//! What only a live account can say of HighLevel, and how it is asked.
//!
//! Most probes share one contact, made with an e-mail address that reaches nobody and a number that is reserved
//! for stage plays; those that are about the first moments of a contact make their own.

mod contact;

mod limits;

mod search;

mod writes;

use connector::{Desk, Effect, Error, Finding, Probe, ProbeError, Request, Response};
use http::Method;
use serde_json::Value as Json;

use crate::{describe::TITLE, requests::segment, settings::Settings};

const READ: &str = "probe.read";
const WRITE: &str = "probe.write";
const FLOOD: &str = "probe.flood";

/// All probes, in the order in which a run makes them.
pub(crate) const PROBES: [Probe; 19] = [
    reads(
        "limit_headers",
        "Which headers about its limits does an answer carry?",
    ),
    reads(
        "unknown_contact",
        "What is the status for a contact that is not there?",
    ),
    writes(
        "email_case",
        "Is an e-mail address stored as it was typed, or in lower case?",
    ),
    writes("tag_case", "Are tags stored as typed, or in lower case?"),
    writes("birthday", "Is a date of birth kept at create?"),
    writes(
        "timestamps",
        "In which form and zone is the time of the last change, and does it agree with our clock?",
    ),
    writes(
        "unchanged_write",
        "Does a write that changes nothing move the time of the last change?",
    ),
    writes(
        "unknown_property",
        "Is an update with one unknown property refused as a whole, or is the rest carried out?",
    ),
    writes(
        "invalid_phone",
        "Is a phone number that is none refused, or kept?",
    ),
    writes(
        "unknown_custom_field",
        "Is a value for a custom field that is not there refused, or dropped without a word?",
    ),
    writes(
        "custom_field_merge",
        "Does writing one custom field keep the others?",
    ),
    writes(
        "duplicate_lookup",
        "Does the duplicate lookup know a contact at once?",
    ),
    writes("search_lag", "How long is the search behind a create?"),
    writes(
        "search_names",
        "Do search results carry names as they are stored, beside those in lower case?",
    ),
    writes(
        "phone_search",
        "Does a search by phone number find the contact?",
    ),
    writes(
        "own_webhooks",
        "Does a write through the API send a webhook to the app that made it?",
    ),
    writes(
        "tag_webhooks",
        "Does a change of tags send an update of the contact beside its own event?",
    ),
    writes(
        "delete_answer",
        "How does the answer to a deletion spell success, and is the contact gone at once?",
    ),
    Probe {
        id: "throttling",
        question: "What do body and headers of a refusal for too many requests look like?",
        writes: false,
        costs: Some("goes over the limit of ten seconds once, so that live work waits as long"),
    },
];

const fn reads(id: &'static str, question: &'static str) -> Probe {
    Probe {
        id,
        question,
        writes: false,
        costs: None,
    }
}

const fn writes(id: &'static str, question: &'static str) -> Probe {
    Probe {
        id,
        question,
        writes: true,
        costs: None,
    }
}

pub(crate) async fn probe(id: &str, desk: &dyn Desk) -> Result<Finding, ProbeError> {
    match id {
        "limit_headers" => limits::headers(desk).await,
        "throttling" => limits::throttling(desk).await,
        "unknown_contact" => contact::unknown(desk).await,
        "email_case" => contact::email_case(desk).await,
        "tag_case" => contact::tag_case(desk).await,
        "birthday" => contact::birthday(desk).await,
        "timestamps" => contact::timestamps(desk).await,
        "delete_answer" => contact::delete_answer(desk).await,
        "unchanged_write" => writes::unchanged(desk).await,
        "unknown_property" => writes::unknown_property(desk).await,
        "invalid_phone" => writes::invalid_phone(desk).await,
        "unknown_custom_field" => writes::unknown_custom_field(desk).await,
        "custom_field_merge" => writes::custom_field_merge(desk).await,
        "own_webhooks" => writes::own_webhooks(desk).await,
        "tag_webhooks" => writes::tag_webhooks(desk).await,
        "duplicate_lookup" => search::duplicate_lookup(desk).await,
        "search_lag" => search::lag(desk).await,
        "search_names" => search::names(desk).await,
        "phone_search" => search::by_phone(desk).await,
        other => Err(ProbeError::Failed(Error::Unsupported {
            system: TITLE,
            what: format!("the probe {other}"),
        })),
    }
}

fn location(desk: &dyn Desk) -> Result<&str, ProbeError> {
    Ok(Settings::of(desk.calls()).location()?)
}

fn get(path: impl Into<String>) -> Request {
    Request::new(READ, Effect::Read, Method::GET, path)
}

fn write(method: Method, path: impl Into<String>, body: Json) -> Request {
    Request::new(WRITE, Effect::Write, method, path).json(body)
}

fn contact_path(id: &str) -> String {
    format!("/contacts/{}", segment(id))
}

/// The answer as JSON; `null` for one that is none.
fn json(response: &Response) -> Json {
    serde_json::from_slice(&response.body).unwrap_or(Json::Null)
}

/// What the vendor said, in one line.
fn said(response: &Response) -> String {
    let complaint = crate::answer::Complaint::of(response);
    format!("{} \"{}\"", response.status.as_u16(), complaint.message())
}

/// An answer that the probe cannot go on from.
fn unexpected(what: &str, response: &Response) -> ProbeError {
    ProbeError::Failed(Error::Unexpected {
        operation: WRITE,
        status: response.status.as_u16(),
        what: format!("{what}: {}", said(response)),
    })
}
