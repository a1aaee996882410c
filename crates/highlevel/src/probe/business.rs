//! Businesses: what becomes of what is written to them, and who belongs to one.

use std::time::Duration;

use connector::{Desk, Finding, Heard, ProbeError, Request, Response, Told};
use http::Method;
use record::{Entity, RecordId};
use serde_json::{Value as Json, json};

use super::{
    contact::{read as contact, shared as shared_contact},
    get, json as body, location, said, unexpected, write,
    writes::{TICK, WEBHOOK},
};
use crate::{answer::Complaint, requests::segment};

/// An id of the right form that no business has.
const NOBODY: &str = "aaaaaaaaaaaaaaaaaaaaaaaa";

/// A number of the range that the German regulator reserves for films and plays, as people write it.
const PHONE: &str = "+49 30 23125043";

/// Most contacts in one move between businesses, as others measured it.
const BULK: usize = 50;

/// Between two looks at a list, and how long it is waited for.
const LOOK: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(60);

fn place(id: &str) -> String {
    format!("/businesses/{}", segment(id))
}

/// The business in an answer to a write, however its key is spelt.
fn written(answer: &Json) -> Option<&Json> {
    ["buiseness", "business"]
        .into_iter()
        .map(|key| &answer[key])
        .find(|business| business.is_object())
}

/// Tries to make a business; what is made is deleted at the end.
async fn create(desk: &dyn Desk, ending: &str) -> Result<Response, ProbeError> {
    let name = format!("Tandem {}{ending}", desk.marker());
    let fields = json!({"name": name, "locationId": location(desk)?, "phone": PHONE});
    let what = format!("make a business \"{name}\", to be deleted at the end");
    let response = desk
        .write(&what, write(Method::POST, "/businesses/", fields))
        .await?;
    let answer = body(&response);
    if let Some(id) = written(&answer).and_then(|made| made["id"].as_str()) {
        desk.made(Entity::Company, &RecordId::from(id));
    }
    Ok(response)
}

async fn make(desk: &dyn Desk, ending: &str) -> Result<String, ProbeError> {
    let response = create(desk, ending).await?;
    let answer = body(&response);
    let id = written(&answer).and_then(|made| made["id"].as_str());
    id.map(str::to_owned)
        .ok_or_else(|| unexpected("the business could not be made", &response))
}

/// The business that probes share, with the keys of the answer to its creation.
async fn shared(desk: &dyn Desk) -> Result<String, ProbeError> {
    if let Some(Json::String(id)) = desk.kept("business") {
        return Ok(id);
    }
    let response = create(desk, "").await?;
    let answer = body(&response);
    let id = written(&answer)
        .and_then(|made| made["id"].as_str())
        .ok_or_else(|| unexpected("the business could not be made", &response))?
        .to_owned();
    let keys: Vec<&str> = ["buiseness", "business"]
        .into_iter()
        .filter(|key| answer[*key].is_object())
        .collect();
    desk.keep("business_keys", json!(keys));
    desk.keep("business", json!(id));
    Ok(id)
}

async fn read(desk: &dyn Desk, id: &str) -> Result<Json, ProbeError> {
    let response = desk.read(get(place(id))).await?;
    match body(&response)["business"].take() {
        business @ Json::Object(_) => Ok(business),
        _ => Err(unexpected("the business could not be read", &response)),
    }
}

/// Puts contacts into a business, or with `null` out of theirs.
fn to_move(desk: &dyn Desk, contacts: &[String], business: Json) -> Result<Request, ProbeError> {
    let fields = json!({"locationId": location(desk)?, "ids": contacts, "businessId": business});
    Ok(write(Method::POST, "/contacts/bulk/business", fields))
}

pub(super) async fn answer(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let keys = desk.kept("business_keys").unwrap_or_default();
    let keys: Vec<&str> = keys
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let spelling = match keys.as_slice() {
        [one] => *one,
        _ => "both",
    };
    let business = read(desk, &id).await?;
    let empty = match business.get("website") {
        None => "left_out",
        Some(_) => "null",
    };
    let shown = match empty {
        "null" => "shown as null",
        _ => "left out",
    };
    let finding = Finding::settled(format!(
        "the answer calls it {}; what is empty is {shown}; its number is {}",
        keys.join(" and "),
        match business["phone"] == PHONE {
            true => "kept as it was sent",
            false => "rewritten",
        }
    ))
    .switch("highlevel.business_spelling", spelling)
    .switch("highlevel.business_empty_fields", empty);
    let plain: String = PHONE.split_whitespace().collect();
    Ok(match business["phone"].as_str() {
        Some(PHONE) => finding.switch("highlevel.business_phone", "keep"),
        Some(phone) if phone == plain => finding.switch("highlevel.business_phone", "e164"),
        _ => finding,
    })
}

pub(super) async fn unknown(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let response = desk.read(get(place(NOBODY))).await?;
    let status = response.status.as_u16();
    Ok(match status {
        400 | 404 | 422 => Finding::settled(said(&response))
            .switch("highlevel.unknown_business", status.to_string()),
        _ => Finding::open(format!("it says {}", said(&response))),
    })
}

pub(super) async fn clearing(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let set = |value: Json| write(Method::PUT, place(&id), json!({"description": value}));
    let response = desk
        .write(
            "describe the probe's business",
            set(json!("made by a probe")),
        )
        .await?;
    if !response.status.is_success() {
        return Err(unexpected("the write was refused", &response));
    }
    let response = desk
        .write(
            "write null as the description of the probe's business",
            set(Json::Null),
        )
        .await?;
    if response.status.is_client_error() {
        return Ok(
            Finding::settled(format!("refused with {}", said(&response)))
                .switch("highlevel.business_null", "refuse"),
        );
    }
    Ok(match read(desk, &id).await?["description"].as_str() {
        None | Some("") => Finding::settled("it does").switch("highlevel.business_null", "clear"),
        Some(_) => Finding::settled("it is accepted without effect; no switch stands for that"),
    })
}

pub(super) async fn namesakes(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    shared(desk).await?;
    let response = create(desk, "").await?;
    Ok(if response.status.is_success() {
        Finding::settled("it is").switch("highlevel.business_same_name", "allow")
    } else if response.status.is_client_error() && Complaint::of(&response).says("name") {
        Finding::settled(format!("it is refused with {}", said(&response)))
            .switch("highlevel.business_same_name", "refuse")
    } else {
        Finding::open(format!("refused for another reason: {}", said(&response)))
    })
}

/// The ids of the first page of businesses.
async fn listed(desk: &dyn Desk) -> Result<Vec<String>, ProbeError> {
    let request = get("/businesses/")
        .query("locationId", location(desk)?)
        .query("limit", "100");
    let response = desk.read(request).await?;
    match body(&response)["businesses"].take() {
        Json::Array(all) => Ok(all
            .iter()
            .filter_map(|business| business["id"].as_str().map(str::to_owned))
            .collect()),
        _ => Err(unexpected("the businesses could not be listed", &response)),
    }
}

pub(super) async fn list(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let older = shared(desk).await?;
    desk.wait(TICK).await?;
    let newer = make(desk, " list").await?;
    let began = desk.calls().now();
    let mut at_once = None;
    let (older_at, newer_at) = loop {
        let ids = listed(desk).await?;
        let at = |id: &str| ids.iter().position(|own| own == id);
        let found = (at(&older), at(&newer));
        at_once.get_or_insert(found.1.is_some());
        if let (Some(older), Some(newer)) = found {
            break (older, newer);
        }
        let took = Duration::try_from(desk.calls().now().duration_since(began));
        if took.unwrap_or_default() > LONGEST {
            return Ok(Finding::open(
                "the first page does not show both of the probe's businesses",
            ));
        }
        desk.wait(LOOK).await?;
    };
    let at_once = at_once.unwrap_or_default();
    let (order, word) = match newer_at < older_at {
        true => ("the newest first", "newest"),
        false => ("the oldest first", "oldest"),
    };
    let how = match at_once {
        true => "shows a business in the moment after its creation",
        false => "does not show a business in the moment after its creation",
    };
    Ok(Finding::settled(format!("the list {how}, and has {order}"))
        .switch("highlevel.business_list_lags", !at_once)
        .switch("highlevel.business_order", word))
}

pub(super) async fn link(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let (id, business) = (shared_contact(desk).await?, shared(desk).await?);
    let before = contact(desk, &id).await?;
    desk.wait(TICK).await?;
    let request = to_move(desk, std::slice::from_ref(&id), json!(business))?;
    let what = "put the probe's contact into the probe's business";
    let response = desk.write(what, request).await?;
    if !response.status.is_success() {
        return Err(unexpected("the contact was not put into it", &response));
    }
    let request = get(format!("/contacts/business/{}", segment(&business)))
        .query("locationId", location(desk)?);
    let belonging = body(&desk.read(request).await?);
    let mut belonging = belonging["contacts"].as_array().into_iter().flatten();
    let shown = belonging.any(|own| own["id"] == id.as_str());
    let after = contact(desk, &id).await?;
    if after["businessId"] != business.as_str() {
        return Ok(Finding::open("the contact does not name the business"));
    }
    let touched = before["dateUpdated"] != after["dateUpdated"];
    let named = after["companyName"]
        .as_str()
        .is_some_and(|name| name.contains(desk.marker()));
    let word = |is: bool, yes: &str, no: &str| if is { yes } else { no }.to_owned();
    Ok(Finding::settled(format!(
        "it {} dateUpdated, {} companyName, and the business {} the contact at once",
        word(touched, "moves", "does not move"),
        word(named, "sets", "does not set"),
        word(shown, "lists", "does not list"),
    ))
    .switch("highlevel.business_link_touches", touched)
    .switch("highlevel.business_sets_company_name", named)
    .switch("highlevel.business_contacts_lag", !shown))
}

pub(super) async fn webhooks(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let (id, business) = (shared_contact(desk).await?, shared(desk).await?);
    let ids = [id.clone()];
    // in, and then out of it, which is a move whatever it was before
    let request = to_move(desk, &ids, json!(business))?;
    desk.write("put the probe's contact into the probe's business", request)
        .await?;
    desk.wait(Duration::from_secs(2)).await?;
    let since = desk.calls().now();
    let request = to_move(desk, &ids, Json::Null)?;
    desk.write("take the probe's contact out of its business", request)
        .await?;
    let moved = desk
        .hear(&RecordId::from(id.as_str()), since, WEBHOOK)
        .await?;
    let finding = match moved {
        Heard::Events(events) => {
            let tells = events.iter().any(|told| told.event == "ContactUpdate");
            Finding::settled(format!("the move sent {}", Told::names(&events)))
                .switch("highlevel.business_link_webhooks", tells)
        }
        Heard::Nothing => Finding::settled("the move sent nothing, though webhooks come in")
            .switch("highlevel.business_link_webhooks", false),
        Heard::Deaf(why) => return Ok(Finding::open(why)),
    };
    let since = desk.calls().now();
    let text = format!("Probe {}", since.as_millisecond());
    let request = write(Method::PUT, place(&business), json!({"description": text}));
    desk.write("describe the probe's business", request).await?;
    let changed = desk
        .hear(&RecordId::from(business.as_str()), since, WEBHOOK)
        .await?;
    let mut finding = finding;
    match changed {
        Heard::Events(events) => {
            finding.seen += "; a change of the business came in";
            let forms = events.into_iter().flat_map(|told| told.form);
            let own = forms.filter(|(switch, _)| *switch == "highlevel.record_event_type");
            Ok(finding.switches(own))
        }
        _ => {
            finding.seen += "; a change of the business sent nothing";
            Ok(finding)
        }
    }
}

pub(super) async fn bulk(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let (id, business) = (shared_contact(desk).await?, shared(desk).await?);
    let mut finding = Finding::settled("");
    let mut seen = Vec::new();

    let many: Vec<String> = (0..=BULK)
        .map(|at| format!("TandemProbeNobody{at:03}"))
        .collect();
    let what = format!(
        "move {} contacts that there are not out of their business",
        many.len()
    );
    let response = desk.write(&what, to_move(desk, &many, Json::Null)?).await?;
    let limited =
        response.status.is_client_error() && Complaint::of(&response).says(&BULK.to_string());
    if limited {
        finding = finding.switch("highlevel.bulk_business_size", BULK);
    }
    seen.push(format!("{} at once: {}", many.len(), said(&response)));

    let what = "put a contact that there is not into the probe's business";
    let nobody = ["TandemProbeNobody000".to_owned()];
    let response = desk
        .write(what, to_move(desk, &nobody, json!(business))?)
        .await?;
    let answered = body(&response);
    let mut ids = answered["ids"].as_array().into_iter().flatten();
    let word = match response.status.is_success() {
        true if ids.any(|own| *own == json!(nobody[0])) => "echoed",
        true => "left_out",
        false => "refuse",
    };
    finding = finding.switch("highlevel.bulk_business_unknown", word);
    seen.push(format!("a contact that there is not: {word}"));

    let what = "put the probe's contact into a business that there is not";
    let ids = [id.clone()];
    let response = desk
        .write(what, to_move(desk, &ids, json!(NOBODY))?)
        .await?;
    let stored = contact(desk, &id).await?["businessId"] == NOBODY;
    let word = match (response.status.is_success(), stored) {
        (_, true) => Some("store"),
        (false, false) => Some("refuse"),
        (true, false) => None,
    };
    if let Some(word) = word {
        finding = finding.switch("highlevel.bulk_business_target", word);
    }
    seen.push(format!("a business that there is not: {}", said(&response)));
    if stored {
        let request = to_move(desk, &ids, Json::Null)?;
        desk.write("take the probe's contact out of it again", request)
            .await?;
    }
    finding.seen = seen.join("; ");
    Ok(finding)
}

pub(super) async fn deletion(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared_contact(desk).await?;
    let business = make(desk, " deleted").await?;
    let request = to_move(desk, std::slice::from_ref(&id), json!(business))?;
    desk.write("put the probe's contact into that business", request)
        .await?;
    let request = write(Method::DELETE, place(&business), json!({}));
    let response = desk.write("delete that business", request).await?;
    if !response.status.is_success() {
        return Err(unexpected("the business could not be deleted", &response));
    }
    desk.removed(&RecordId::from(business.as_str()));
    let keeps = contact(desk, &id).await?["businessId"] == business.as_str();
    let (how, word) = match keeps {
        true => ("it does", "keep_links"),
        false => ("it does not", "detach"),
    };
    Ok(Finding::settled(how).switch("highlevel.business_delete", word))
}
