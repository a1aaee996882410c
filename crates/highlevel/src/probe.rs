//! What only a live account can say of HighLevel, and how it is asked.
//!
//! Most probes share one contact, made with an e-mail address that reaches nobody and a number that is reserved
//! for stage plays; those that are about the first moments of a contact make their own.

mod business;

mod contact;

mod limits;

mod search;

mod shapes;

mod tasks;

mod twice;

mod writes;

use connector::{Desk, Effect, Error, Finding, Probe, ProbeError, Request, Response};
use http::Method;
use serde_json::Value as Json;

use crate::{describe::TITLE, requests::segment, settings::Settings};

const READ: &str = "probe.read";
const WRITE: &str = "probe.write";
const FLOOD: &str = "probe.flood";

/// All probes, in the order in which a run makes them.
pub(crate) const PROBES: [Probe; 46] = [
    reads(
        "limit_headers",
        "Which headers about its limits does an answer carry, and what do they count?",
    ),
    reads(
        "unknown_contact",
        "What is the status for a contact that is not there?",
    ),
    reads(
        "version_header",
        "Is a request with a version refused that there never was?",
    ),
    reads("post_status", "Is a search answered with 200 or with 201?"),
    reads(
        "old_list",
        "Does the deprecated list of contacts answer, and without naming the location?",
    ),
    reads(
        "unknown_business",
        "What is the status for a business that is not there?",
    ),
    writes(
        "email_case",
        "Is an e-mail address stored as it was typed, or in lower case?",
    ),
    writes("tag_case", "Are tags stored as typed, or in lower case?"),
    writes("birthday", "Is a date of birth kept at create?"),
    writes(
        "birthday_form",
        "Is a date of birth shown as a day or as a time, in creates and in reads?",
    ),
    writes(
        "custom_field_shape",
        "How do reads show the value of a custom field?",
    ),
    writes(
        "custom_field_input",
        "What do writes call the value of a custom field?",
    ),
    writes(
        "duplicate_answer",
        "How is a second contact with one e-mail address refused?",
    ),
    writes(
        "upsert_of_two",
        "What does an upsert do that meets two contacts?",
    ),
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
        "tags_in_update",
        "Do tags in an update replace those of the contact?",
    ),
    writes(
        "money_field",
        "How is the kind of custom fields spelt that holds money?",
    ),
    writes(
        "unknown_option",
        "Is a value refused that is not among the options of its custom field?",
    ),
    writes(
        "lookup_parameter",
        "What does the duplicate lookup call the phone number?",
    ),
    writes("search_street", "What do search results call the street?"),
    writes(
        "list_names",
        "Does the deprecated list show names as they are stored?",
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
        "time_zone_webhooks",
        "Does a change of the time zone alone send a webhook?",
    ),
    writes(
        "inbound_dnd_webhooks",
        "Does a change of the inbound DND alone send a webhook?",
    ),
    writes(
        "task_webhook",
        "Does the webhook of a new task carry the contact and the text?",
    ),
    writes(
        "task_writes",
        "Is a task refused that is due at a time with milliseconds, or belongs to nobody, and is an empty note?",
    ),
    writes(
        "business_answer",
        "What do answers call a business, and how do they show its number and what is empty?",
    ),
    writes("business_null", "Does null clear a field of a business?"),
    writes(
        "business_namesake",
        "Is a second business of the same name made?",
    ),
    writes(
        "business_list",
        "Is the list of businesses behind, and in which order is it?",
    ),
    writes(
        "business_link",
        "What does the move of a contact into a business change of the contact, and is it seen at once?",
    ),
    writes(
        "business_webhooks",
        "Does the move of a contact between businesses send a webhook, and do those of businesses name their event?",
    ),
    writes(
        "business_bulk",
        "How many contacts are moved at once, and what becomes of ids that nothing has?",
    ),
    writes(
        "business_delete",
        "Does a contact go on naming a business that is deleted?",
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

/// The scope that a question needs beyond those that contacts need.
fn scope(id: &str) -> Option<&'static str> {
    Some(match id {
        "unknown_business" => "businesses.readonly",
        "money_field" | "unknown_option" => "locations/customFields.write",
        _ if id.starts_with("business_") => "businesses.write",
        _ => return None,
    })
}

pub(crate) async fn probe(id: &str, desk: &dyn Desk) -> Result<Finding, ProbeError> {
    if let Some(scope) = scope(id) {
        let granted = desk.granted();
        if !granted.is_empty() && !granted.iter().any(|own| own == scope) {
            return Ok(Finding::open(format!(
                "the sign-in does not have the scope {scope}: add it to the app, name it in `further_scopes` and connect again"
            )));
        }
    }
    match id {
        "limit_headers" => limits::headers(desk).await,
        "version_header" => shapes::version_header(desk).await,
        "post_status" => shapes::post_status(desk).await,
        "old_list" => shapes::old_list(desk).await,
        "list_names" => shapes::list_names(desk).await,
        "lookup_parameter" => shapes::lookup_parameter(desk).await,
        "search_street" => shapes::search_street(desk).await,
        "birthday_form" => shapes::birthday_form(desk).await,
        "custom_field_shape" => shapes::custom_field_shape(desk).await,
        "custom_field_input" => shapes::custom_field_input(desk).await,
        "duplicate_answer" => twice::duplicate_answer(desk).await,
        "upsert_of_two" => twice::upsert_of_two(desk).await,
        "tags_in_update" => twice::tags_in_update(desk).await,
        "money_field" => twice::money_field(desk).await,
        "unknown_option" => twice::unknown_option(desk).await,
        "unknown_business" => business::unknown(desk).await,
        "business_answer" => business::answer(desk).await,
        "business_null" => business::clearing(desk).await,
        "business_namesake" => business::namesakes(desk).await,
        "business_list" => business::list(desk).await,
        "business_link" => business::link(desk).await,
        "business_webhooks" => business::webhooks(desk).await,
        "business_bulk" => business::bulk(desk).await,
        "business_delete" => business::deletion(desk).await,
        "time_zone_webhooks" => writes::time_zone_webhooks(desk).await,
        "inbound_dnd_webhooks" => writes::inbound_dnd_webhooks(desk).await,
        "task_webhook" => writes::task_webhook(desk).await,
        "task_writes" => tasks::task_writes(desk).await,
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
