//! What only a live account can say of OfficeRnD, and how it is asked. Nearly all probes share one member.

mod bodies;

mod errors;

mod limits;

mod lists;

mod member;

mod things;

mod reads;

use connector::{CallError, Desk, Effect, Error, Finding, Probe, ProbeError, Request, Response};
use http::Method;
use serde_json::Value as Json;

use crate::{
    answer::Complaint,
    api, catalog,
    describe::TITLE,
    operation::{LOCATIONS, TICKET_COMMENTS},
};

const READ: &str = "members.probe";
const WRITE: &str = "members.update";

/// All probes, in the order in which a run makes them: the first ones need the member as it was made.
pub(crate) const PROBES: [Probe; 40] = [
    reads(
        "broken_id",
        "What is the status for an id that is none at all?",
    ),
    reads(
        "last_page",
        "Is the cursor of the last page left out, or null?",
    ),
    reads(
        "broken_cursor",
        "What is the status for a cursor that is none?",
    ),
    reads(
        "unknown_parameter",
        "Is a list with an unknown parameter refused?",
    ),
    reads(
        "wrong_organization",
        "What is the status for an organisation that there is not?",
    ),
    reads("organization", "Does the organisation show its region?"),
    reads(
        "page_sizes",
        "How many rows has a page without `$limit`, and with `$limit=0`?",
    ),
    reads(
        "both_cursors",
        "What does a list say to both cursors at once?",
    ),
    reads("set_filter", "Does a list take several ids at once?"),
    reads("counts", "Do counts ignore what they are asked?"),
    reads(
        "parent_filter",
        "Are assignments listed without naming a resource or membership?",
    ),
    reads(
        "stamps",
        "Do visitors, visits and check-ins show when they were made?",
    ),
    reads(
        "ticket_comments",
        "Does the API show the comments of a ticket?",
    ),
    reads(
        "missing_scope",
        "What is the status of a call whose scope the sign-in lacks?",
    ),
    writes(
        "shapes",
        "What does a member show of fields that were never set, and of who made it?",
    ),
    writes(
        "limit_headers",
        "Which headers about its limits does an answer carry, to a read and to a write?",
    ),
    writes(
        "member_update",
        "May the phone number of a member be changed?",
    ),
    writes(
        "unknown_field",
        "Is an update with an unknown field refused as a whole, and in which form?",
    ),
    writes(
        "address_merge",
        "Does writing a part of the address keep the other parts?",
    ),
    writes(
        "property_merge",
        "Does writing one custom property keep the others?",
    ),
    writes(
        "undefined_property",
        "What becomes of a custom property that nobody defined?",
    ),
    writes(
        "unchanged_write",
        "Does an update that changes nothing, or is empty, move the time of the last change?",
    ),
    writes("email_check", "Is an e-mail address that is none refused?"),
    writes(
        "bad_reference",
        "What is the status for a location that there is not?",
    ),
    writes("empty_name", "What is the status for an empty name?"),
    writes(
        "content_type",
        "Does a body without the content type of JSON count as empty?",
    ),
    writes(
        "unsupported_verb",
        "What is the status for a verb that a path does not take?",
    ),
    writes(
        "event_words",
        "Are events that there are not refused, and are there events about opportunities?",
    ),
    writes(
        "narrow_update",
        "May anything of a webhook be changed but whether it is on?",
    ),
    writes(
        "default_order",
        "In which order does a list come without `$sort`?",
    ),
    writes("sort", "How is `$sort` written?"),
    writes(
        "shifting_pages",
        "Does the next page skip a row when one of the page before is deleted?",
    ),
    writes(
        "status_silence",
        "Does a status that follows from an opportunity move the time of the last change?",
    ),
    writes(
        "deleted_company",
        "Does a member go on naming a company that is deleted?",
    ),
    writes(
        "company_endpoint",
        "By which verb is the company of a member set?",
    ),
    writes(
        "own_webhooks",
        "Does a write through the API send a webhook, and in whose words?",
    ),
    writes("clearing", "Does null clear a field?"),
    writes("delete_answer", "Is a deleted member gone at once?"),
    Probe {
        id: "limit_window",
        question: "Do the windows of the limits slide?",
        writes: false,
        costs: Some("takes two minutes in which nothing else should use the account"),
    },
    Probe {
        id: "throttling",
        question: "What do body and headers of a refusal for too many requests look like?",
        writes: false,
        costs: Some("uses up the reads of a minute, so that live work waits as long"),
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
    match ask(id, desk).await {
        Err(ProbeError::Failed(Error::Call(CallError::Right { right, .. }))) => {
            Err(lacking(&right))
        }
        ended => ended,
    }
}

async fn ask(id: &str, desk: &dyn Desk) -> Result<Finding, ProbeError> {
    match id {
        "broken_id" => reads::broken_id(desk).await,
        "last_page" => reads::last_page(desk).await,
        "broken_cursor" => reads::broken_cursor(desk).await,
        "unknown_parameter" => reads::unknown_parameter(desk).await,
        "shapes" => member::shapes(desk).await,
        "delete_answer" => member::delete_answer(desk).await,
        "own_webhooks" => member::own_webhooks(desk).await,
        "unchanged_write" => member::unchanged(desk).await,
        "company_endpoint" => member::company_endpoint(desk).await,
        "wrong_organization" => errors::wrong_organization(desk).await,
        "missing_scope" => errors::missing_scope(desk).await,
        "empty_name" => errors::empty_name(desk).await,
        "content_type" => errors::content_type(desk).await,
        "unsupported_verb" => errors::unsupported_verb(desk).await,
        "organization" => reads::organization(desk).await,
        "page_sizes" => lists::page_sizes(desk).await,
        "both_cursors" => lists::both_cursors(desk).await,
        "set_filter" => lists::set_filter(desk).await,
        "counts" => lists::counts(desk).await,
        "default_order" => lists::default_order(desk).await,
        "sort" => lists::sort(desk).await,
        "shifting_pages" => lists::shifting_pages(desk).await,
        "parent_filter" => things::parent_filter(desk).await,
        "stamps" => things::stamps(desk).await,
        "ticket_comments" => things::ticket_comments(desk).await,
        "event_words" => things::event_words(desk).await,
        "narrow_update" => things::narrow_update(desk).await,
        "status_silence" => things::status_silence(desk).await,
        "deleted_company" => member::deleted_company(desk).await,
        "limit_window" => limits::window(desk).await,
        "bad_reference" => member::bad_reference(desk).await,
        "limit_headers" => limits::headers(desk).await,
        "throttling" => limits::throttling(desk).await,
        "member_update" => bodies::member_update(desk).await,
        "unknown_field" => bodies::unknown_field(desk).await,
        "address_merge" => bodies::address_merge(desk).await,
        "property_merge" => bodies::property_merge(desk).await,
        "undefined_property" => bodies::undefined_property(desk).await,
        "email_check" => bodies::email_check(desk).await,
        "clearing" => bodies::clearing(desk).await,
        other => Err(ProbeError::Failed(Error::Unsupported {
            system: TITLE,
            what: format!("the probe {other}"),
        })),
    }
}

fn get(desk: &dyn Desk, below: &str) -> Result<Request, ProbeError> {
    Ok(named(api::read(desk.calls(), READ, below)?, below))
}

fn write(desk: &dyn Desk, method: Method, below: &str, body: Json) -> Result<Request, ProbeError> {
    let request = api::request(desk.calls(), WRITE, Effect::Write, method, below)?;
    Ok(named(request, below).json(body))
}

/// Under the name that the call has in the catalog, and so with the scope that it needs there.
fn named(mut request: Request, below: &str) -> Request {
    let is_it = |path: &str| {
        let path = path
            .strip_prefix("/api/v2/organizations/{orgSlug}")
            .unwrap_or(path);
        let (known, asked) = (path.split('/'), below.split('/'));
        known.clone().count() == asked.clone().count()
            && known
                .zip(asked)
                .all(|(known, asked)| known.starts_with('{') || known == asked)
    };
    let mut operations = catalog::catalog().operations.iter();
    let same = operations
        .find(|operation| operation.method == request.method.as_str() && is_it(&operation.path));
    if let Some(operation) = same {
        request.operation = &operation.id;
        request.own_right = true;
    } else if below.starts_with("/ticket-comments") {
        request.operation = TICKET_COMMENTS;
    } else if below.starts_with("/locations") {
        request.operation = LOCATIONS;
    }
    request
}

/// The answer as JSON; `null` for one that is none.
fn json(response: &Response) -> Json {
    serde_json::from_slice(&response.body).unwrap_or(Json::Null)
}

/// What the vendor said, in one line.
fn said(response: &Response) -> String {
    format!(
        "{} \"{}\"",
        response.status.as_u16(),
        Complaint::of(response).message()
    )
}

/// An answer that the probe cannot go on from.
fn unexpected(what: &str, response: &Response) -> ProbeError {
    ProbeError::Failed(Error::Unexpected {
        operation: WRITE,
        status: response.status.as_u16(),
        what: format!("{what}: {}", said(response)),
    })
}

/// An answer that says nothing about the question.
fn beside(response: &Response) -> Finding {
    Finding::open(format!("it was answered otherwise: {}", said(response)))
}

/// Whether it is a refusal that says all of this.
fn refused(response: &Response, parts: &[&str]) -> bool {
    let complaint = Complaint::of(response);
    !response.status.is_success() && parts.iter().all(|part| complaint.says(part))
}

/// Asked before something is made whose other calls, its removal above all, need scopes of their own.
///
/// # Errors
/// If the sign-in is known to lack one of these.
fn needs(desk: &dyn Desk, scopes: &[&str]) -> Result<(), ProbeError> {
    let granted = desk.granted();
    let missing = scopes
        .iter()
        .find(|scope| !granted.is_empty() && granted.iter().all(|own| own != *scope));
    missing.map_or(Ok(()), |scope| Err(lacking(scope)))
}

fn lacking(scope: &str) -> ProbeError {
    ProbeError::Lacking(format!(
        "the scope {scope} is missing: grant it, name it in `further_scopes` unless a sync needs it, and connect again"
    ))
}

/// What was seen, with a switch whose choices are statuses, if this is one of them; another status is no answer to the
/// question.
fn by_status(response: &Response, switch: &'static str, choices: &[u16]) -> Finding {
    let status = response.status.as_u16();
    match choices.contains(&status) {
        true => Finding::settled(said(response)).switch(switch, status.to_string()),
        false => beside(response),
    }
}
