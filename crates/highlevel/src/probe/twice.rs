//! What becomes of a second contact for one person, of tags in an update, and of kinds of custom fields.

use connector::{Desk, Finding, ProbeError};
use http::Method;
use record::{Entity, RecordId};
use serde_json::{Value as Json, json};

use super::{
    contact::{PHONE, make, read, shared, tag},
    contact_path, json as body, location, said,
    shapes::custom_value,
    write,
};
use crate::{answer::Complaint, requests::segment};

pub(super) async fn duplicate_answer(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let first = shared(desk).await?;
    let fields = json!({
        "locationId": location(desk)?,
        "firstName": "Tandem",
        "lastName": desk.marker(),
        "email": desk.email("shared"),
    });
    let request = write(Method::POST, "/contacts/", fields);
    let what = "make a second contact with the e-mail address of the first, which is to be refused";
    let response = desk.write(what, request).await?;
    let answer = body(&response);
    if response.status.is_success() {
        if let Some(id) = answer["contact"]["id"].as_str().filter(|id| *id != first) {
            desk.made(Entity::Contact, &RecordId::from(id));
        }
        return Ok(Finding::open("this sub-account allows duplicates"));
    }
    let meta = &answer["meta"];
    let word = match (
        response.status.as_u16(),
        meta["contactId"].is_string(),
        meta["matchingField"].is_string(),
    ) {
        (400, true, true) => "named",
        (400, true, false) => "no_field",
        (400, false, false) => "bare",
        (409, true, true) => "409",
        (422, true, true) => "422",
        _ => return Ok(Finding::open(format!("it says {}", said(&response)))),
    };
    let has = |name: &str| match meta[name].is_string() {
        true => "names",
        false => "does not name",
    };
    Ok(Finding::settled(format!(
        "{}; it {} the other contact and {} the field",
        said(&response),
        has("contactId"),
        has("matchingField")
    ))
    .switch("highlevel.duplicate_answer", word))
}

pub(super) async fn upsert_of_two(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    // who has the number
    let owner = shared(desk).await?;
    if read(desk, &owner).await?["phone"] != PHONE {
        return Ok(Finding::open(
            "the contact does not have its number any more",
        ));
    }
    let (id, _) = make(desk, "upsert", json!({})).await?;
    let fields = json!({
        "locationId": location(desk)?,
        "email": desk.email("upsert"),
        "phone": PHONE,
    });
    let request = write(Method::POST, "/contacts/upsert", fields);
    let what = "upsert by the e-mail address of one contact of the probe and the number of another";
    let response = desk.write(what, request).await?;
    const SWITCH: &str = "highlevel.upsert_second_identifier_ignored";
    if !response.status.is_success() {
        return Ok(match Complaint::of(&response).says("duplicat") {
            true => Finding::settled(format!("it is refused with {}", said(&response)))
                .switch(SWITCH, false),
            false => Finding::open(format!("refused for another reason: {}", said(&response))),
        });
    }
    let met = body(&response)["contact"]["id"].take();
    if let Some(new) = met.as_str().filter(|met| *met != id && *met != owner) {
        desk.made(Entity::Contact, &RecordId::from(new));
        return Ok(Finding::settled(
            "a third contact is made; no switch stands for that",
        ));
    }
    let numbers = [
        read(desk, &id).await?["phone"].take(),
        read(desk, &owner).await?["phone"].take(),
    ];
    Ok(match numbers {
        [Json::String(own), _] if own == PHONE => {
            Finding::settled("both contacts have the number now; no switch stands for that")
        }
        _ => Finding::settled("the first is updated, and the other identifier ignored")
            .switch(SWITCH, true),
    })
}

pub(super) async fn tags_in_update(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let added = format!("{}-3", desk.marker());
    let request = write(Method::PUT, contact_path(&id), json!({"tags": [added]}));
    let response = desk
        .write(
            "write the tags of the probe's contact in an update",
            request,
        )
        .await?;
    let contact = read(desk, &id).await?;
    let has = |wanted: &str| {
        let mut tags = contact["tags"].as_array().into_iter().flatten();
        tags.any(|own| {
            own.as_str()
                .is_some_and(|own| own.eq_ignore_ascii_case(wanted))
        })
    };
    Ok(match (has(&tag(desk)), has(&added)) {
        (true, true) => Finding::settled("they come to those that are there")
            .switch("highlevel.put_tags", "merge"),
        (false, true) => Finding::settled("they replace all that are there")
            .switch("highlevel.put_tags", "replace"),
        (_, false) => Finding::open(format!("the tag is not there: {}", said(&response))),
    })
}

/// Makes a custom field of this kind, to be deleted at the end; its id, or the refusal.
async fn custom_field(
    desk: &dyn Desk,
    data_type: &str,
    more: Json,
) -> Result<Result<String, String>, ProbeError> {
    let place = format!("/locations/{}/customFields", segment(location(desk)?));
    let name = format!("Tandem {} {data_type}", desk.marker());
    let mut fields = json!({"name": name, "dataType": data_type, "model": "contact"});
    if let (Json::Object(fields), Json::Object(more)) = (&mut fields, more) {
        fields.extend(more);
    }
    let what = format!("make a custom field \"{name}\", to be deleted at the end");
    let response = desk
        .write(&what, write(Method::POST, place.as_str(), fields))
        .await?;
    let made = body(&response);
    Ok(match made["customField"]["id"].as_str() {
        Some(id) => {
            let path = format!("{place}/{}", segment(id));
            desk.to_undo(
                &format!("the custom field {id}"),
                write(Method::DELETE, path, json!({})),
            );
            Ok(id.to_owned())
        }
        None => Err(said(&response)),
    })
}

pub(super) async fn money_field(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let mut refusal = String::new();
    for word in ["MONETORY", "MONETARY"] {
        match custom_field(desk, word, json!({})).await? {
            Ok(_) => {
                return Ok(Finding::settled(format!("{word} is taken"))
                    .switch("highlevel.money_type", word));
            }
            Err(said) => refusal = said,
        }
    }
    Ok(Finding::open(format!("neither is taken: {refusal}")))
}

pub(super) async fn unknown_option(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let options = json!({"options": ["one", "two"]});
    let field = match custom_field(desk, "SINGLE_OPTIONS", options).await? {
        Ok(field) => field,
        Err(said) => return Ok(Finding::open(format!("no such field is made: {said}"))),
    };
    let request = write(
        Method::PUT,
        contact_path(&id),
        json!({"customFields": [{"id": field, "field_value": "three"}]}),
    );
    let what = "write a value to that field of the probe's contact which is not among its options";
    let response = desk.write(what, request).await?;
    if response.status.is_client_error() {
        return Ok(
            Finding::settled(format!("refused with {}", said(&response)))
                .switch("highlevel.unknown_option", "refuse"),
        );
    }
    let contact = read(desk, &id).await?;
    Ok(match custom_value(&contact, &field) {
        Some((_, value)) if value == "three" => {
            Finding::settled("it is kept").switch("highlevel.unknown_option", "keep")
        }
        _ => Finding::settled("it is accepted and not there; no switch stands for that"),
    })
}
