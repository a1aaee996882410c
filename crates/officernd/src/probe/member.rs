//! The member that probes share, and what becomes of it.

use std::time::Duration;

use connector::{Desk, Finding, Heard, ProbeError, Response, Told};
use http::Method;
use record::{Entity, RecordId};
use serde_json::{Value as Json, json};

use super::{beside, by_status, get, json as body, needs, refused, said, unexpected, write};
use crate::{answer::Complaint, api::segment, settings::Settings};

/// An id of the right form that nothing has.
const NOTHING: &str = "aaaaaaaaaaaaaaaaaaaaaaaa";

/// How long a webhook is waited for.
const WEBHOOK: Duration = Duration::from_secs(30);

/// Stamps have milliseconds; so much later is certainly later.
pub(super) const TICK: Duration = Duration::from_millis(1_100);

/// Without these no member is made: it is to be looked at, and to be deleted at the end.
const FOR_A_MEMBER: [&str; 3] = [
    "flex.community.members.read",
    "flex.community.members.create",
    "flex.community.members.delete",
];

pub(super) fn place(id: &str) -> String {
    format!("/members/{}", segment(id))
}

/// A location for new members: that of the settings, else the first one.
async fn location(desk: &dyn Desk) -> Result<String, ProbeError> {
    if let Some(location) = Settings::of(desk.calls()).location() {
        return Ok(location.to_owned());
    }
    let response = desk.read(get(desk, "/locations")?).await?;
    body(&response)["results"][0]["_id"]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| unexpected("there is no location for a new member", &response))
}

async fn create(
    desk: &dyn Desk,
    name: &str,
    ending: &str,
    location: &str,
) -> Result<Response, ProbeError> {
    needs(desk, &FOR_A_MEMBER)?;
    let fields = json!({
        "name": format!("Tandem {}{ending}", desk.marker()),
        "email": desk.email(name),
        "location": location,
        "startDate": desk.calls().now().strftime("%Y-%m-%dT00:00:00.000Z").to_string(),
    });
    let what = format!(
        "make a member \"Tandem {}{ending}\", to be deleted at the end",
        desk.marker()
    );
    let response = desk
        .write(&what, write(desk, Method::POST, "/members", fields)?)
        .await?;
    if let Some(id) = body(&response)["_id"].as_str() {
        desk.made(Entity::Contact, &RecordId::from(id));
    }
    Ok(response)
}

async fn make(desk: &dyn Desk, name: &str) -> Result<String, ProbeError> {
    make_named(desk, name, "").await
}

/// Makes a member with the address of this name, its own name ending so.
pub(super) async fn make_named(
    desk: &dyn Desk,
    name: &str,
    ending: &str,
) -> Result<String, ProbeError> {
    let location = location(desk).await?;
    let response = create(desk, name, ending, &location).await?;
    body(&response)["_id"]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| unexpected("the member could not be made", &response))
}

/// The id of the member that probes share.
pub(super) async fn shared(desk: &dyn Desk) -> Result<String, ProbeError> {
    if let Some(Json::String(id)) = desk.kept("member") {
        return Ok(id);
    }
    let id = make(desk, "shared").await?;
    desk.keep("member", json!(id));
    Ok(id)
}

/// Reads a member.
pub(super) async fn read(desk: &dyn Desk, id: &str) -> Result<Json, ProbeError> {
    let response = desk.read(get(desk, &place(id))?).await?;
    match body(&response) {
        member @ Json::Object(_) if response.status.is_success() => Ok(member),
        _ => Err(unexpected("the member could not be read", &response)),
    }
}

/// Sends an update of the shared member.
pub(super) async fn update(
    desk: &dyn Desk,
    id: &str,
    what: &str,
    fields: Json,
) -> Result<Response, ProbeError> {
    desk.write(what, write(desk, Method::PUT, &place(id), fields)?)
        .await
}

pub(super) async fn shapes(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = make(desk, "plain").await?;
    let member = read(desk, &id).await?;
    let has = |key: &str| member.get(key).is_some_and(|value| !value.is_null());
    let (flags, editors, properties) =
        (has("isBillingPerson"), has("createdBy"), has("properties"));
    let word = |shown: bool| if shown { "shown" } else { "left out" };
    Ok(Finding::settled(format!(
        "flags that were never set are {}, createdBy is {}, empty properties are {}",
        word(flags),
        word(editors),
        word(properties)
    ))
    .switch(
        "officernd.unset_fields",
        if flags { "shown" } else { "left_out" },
    )
    .switch(
        "officernd.member_editors",
        if editors { "opaque" } else { "left_out" },
    )
    .switch("officernd.empty_properties_left_out", !properties))
}

pub(super) async fn unchanged(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let stamp = |member: Json| member["modifiedAt"].as_str().map(str::to_owned);
    let first = read(desk, &id).await?;
    let name = first["name"].clone();
    let first = stamp(first);
    desk.wait(TICK).await?;
    update(
        desk,
        &id,
        "send an empty update of the probe's member",
        json!({}),
    )
    .await?;
    let second = stamp(read(desk, &id).await?);
    desk.wait(TICK).await?;
    update(
        desk,
        &id,
        "write the name of the probe's member as it is",
        json!({"name": name}),
    )
    .await?;
    let third = stamp(read(desk, &id).await?);
    if first.is_none() {
        return Ok(Finding::open("members show no modifiedAt"));
    }
    let (empty, same) = (first != second, second != third);
    let word = |moved: bool| if moved { "moves" } else { "does not move" };
    Ok(Finding::settled(format!(
        "an empty update {} modifiedAt, one with the same name {} it",
        word(empty),
        word(same)
    ))
    .switch("officernd.empty_put_touches", empty)
    .switch("officernd.unchanged_put_touches", same))
}

pub(super) async fn bad_reference(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let response = create(desk, "reference", "", NOTHING).await?;
    if response.status.is_success() {
        return Ok(Finding::settled(
            "it is accepted; no switch stands for that",
        ));
    }
    let words = if refused(&response, &["office", "not found"]) {
        "v1"
    } else if refused(&response, &["location", "not found"]) {
        "v2"
    } else {
        return Ok(beside(&response));
    };
    Ok(by_status(&response, "officernd.bad_reference", &[500, 400])
        .switch("officernd.error_words", words))
}

pub(super) async fn company_endpoint(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let below = format!("{}/company", place(&id));
    let mut last = None;
    for (method, word) in [
        (Method::PUT, "put"),
        (Method::POST, "post"),
        (Method::PATCH, "patch"),
    ] {
        let what = format!("set no company for the probe's member, by {method}");
        let request = write(desk, method.clone(), &below, json!({}))?;
        let response = desk.write(&what, request).await?;
        if Complaint::of(&response).is_missing_route() {
            last = Some(said(&response));
            continue;
        }
        let finding = Finding::settled(format!("{method} answers {}", said(&response)));
        return Ok(if response.status.is_success() {
            let answer = match body(&response)["_id"].is_string() {
                true => "200",
                false => "204",
            };
            finding
                .switch("officernd.member_endpoints", word)
                .switch("officernd.link_answer", answer)
        } else if refused(&response, &["company"]) {
            finding.switch("officernd.member_endpoints", word)
        } else {
            beside(&response)
        });
    }
    Ok(
        Finding::settled(format!("by none: {}", last.unwrap_or_default()))
            .switch("officernd.member_endpoints", "absent"),
    )
}

pub(super) async fn deleted_company(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    needs(
        desk,
        &[
            "flex.community.companies.create",
            "flex.community.companies.delete",
        ],
    )?;
    needs(desk, &FOR_A_MEMBER)?;
    let location = location(desk).await?;
    let start = desk
        .calls()
        .now()
        .strftime("%Y-%m-%dT00:00:00.000Z")
        .to_string();
    let name = format!("Tandem {}", desk.marker());
    let fields = json!({"name": name, "location": location, "startDate": start});
    let what = format!("make a company \"{name}\", to be deleted at once");
    let request = write(desk, Method::POST, "/companies", fields)?;
    let response = desk.write(&what, request).await?;
    let made = body(&response);
    let company = made["_id"]
        .as_str()
        .ok_or_else(|| unexpected("the company could not be made", &response))?;
    desk.made(Entity::Company, &RecordId::from(company));
    let member = json!({
        "name": name,
        "email": desk.email("employed"),
        "location": location,
        "startDate": start,
        "company": company,
    });
    let what = format!("make a member \"{name}\" of that company, to be deleted at the end");
    let request = write(desk, Method::POST, "/members", member)?;
    let response = desk.write(&what, request).await?;
    let member = body(&response);
    let id = member["_id"]
        .as_str()
        .ok_or_else(|| unexpected("the member could not be made", &response))?;
    desk.made(Entity::Contact, &RecordId::from(id));
    let below = format!("/companies/{}", segment(company));
    let request = write(desk, Method::DELETE, &below, json!({}))?;
    let response = desk.write("delete that company", request).await?;
    if !response.status.is_success() {
        return Err(unexpected("the company could not be deleted", &response));
    }
    desk.removed(&RecordId::from(company));
    // a member may go with its company, too
    let after = desk.read(get(desk, &place(id))?).await?;
    if !after.status.is_success() {
        return Ok(Finding::settled(format!(
            "the member is not to be read any more ({}); no switch stands for that",
            said(&after)
        )));
    }
    let names = body(&after)["company"] == company;
    let how = if names { "it does" } else { "it does not" };
    Ok(Finding::settled(how).switch("officernd.delete_keeps_references", names))
}

pub(super) async fn own_webhooks(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    // what the creation sent shall not be taken for the answer
    desk.wait(Duration::from_secs(2)).await?;
    let since = desk.calls().now();
    let town = format!("Probe {}", since.as_millisecond());
    let response = update(
        desk,
        &id,
        "change the town of the probe's member",
        json!({"address": {"city": town}}),
    )
    .await?;
    if !response.status.is_success() {
        return Err(unexpected("the write was refused", &response));
    }
    let heard = desk
        .hear(&RecordId::from(id.as_str()), since, WEBHOOK)
        .await?;
    Ok(match heard {
        Heard::Events(events) => {
            let form: Vec<_> = events.iter().flat_map(|told| told.form.clone()).collect();
            let words = match form.first() {
                Some((_, words)) => format!(
                    "; its object is in the words of {}, as this webhook was made through API v2",
                    words.as_str().unwrap_or_default()
                ),
                None => String::new(),
            };
            Finding::settled(format!("it sends {}{words}", Told::names(&events)))
                .switch("officernd.api_write_webhooks", true)
                .switches(form)
        }
        Heard::Nothing => Finding::settled("it sends nothing, though webhooks come in")
            .switch("officernd.api_write_webhooks", false),
        Heard::Deaf(why) => Finding::open(why),
    })
}

pub(super) async fn delete_answer(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = make(desk, "deleted").await?;
    let request = write(desk, Method::DELETE, &place(&id), json!({}))?;
    let response = desk
        .write("delete the member that was just made", request)
        .await?;
    if !response.status.is_success() {
        return Err(unexpected("the member could not be deleted", &response));
    }
    let after = desk.read(get(desk, &place(&id))?).await?;
    Ok(match after.status.is_success() {
        true => Finding::settled("a read right after it still shows the member"),
        false => {
            desk.removed(&RecordId::from(id.as_str()));
            Finding::settled(format!("a read right after it says {}", said(&after)))
        }
    })
}
