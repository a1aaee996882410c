//! The contact that probes share, and what its first answers say.

use connector::{Desk, Finding, ProbeError};
use http::Method;
use jiff::Timestamp;
use record::{Entity, RecordId};
use serde_json::{Map, Value as Json, json};

use super::{contact_path, get, json as body, location, said, shapes::STREET, unexpected, write};

/// A number of the range that the German regulator reserves for films and plays.
pub(super) const PHONE: &str = "+493023125042";

const BIRTHDAY: &str = "1980-05-17";

/// Makes a contact with the marker; its id and the answer's contact.
pub(super) async fn make(
    desk: &dyn Desk,
    name: &str,
    more: Json,
) -> Result<(String, Map<String, Json>), ProbeError> {
    let mut fields = json!({
        "locationId": location(desk)?,
        "firstName": "Tandem",
        "lastName": desk.marker(),
        "email": desk.email(name),
        "source": "tandem probe",
    });
    if let (Json::Object(fields), Json::Object(more)) = (&mut fields, more) {
        fields.extend(more);
    }
    let what = format!(
        "make a contact \"Tandem {}\", to be deleted at the end",
        desk.marker()
    );
    let response = desk
        .write(&what, write(Method::POST, "/contacts/", fields))
        .await?;
    let contact = match body(&response)["contact"].take() {
        Json::Object(contact) => contact,
        _ => return Err(unexpected("the contact could not be made", &response)),
    };
    let id = contact
        .get("id")
        .and_then(Json::as_str)
        .ok_or_else(|| unexpected("the answer names no contact", &response))?
        .to_owned();
    desk.made(Entity::Contact, &RecordId::from(id.as_str()));
    Ok((id, contact))
}

/// The id of the contact that probes share.
pub(super) async fn shared(desk: &dyn Desk) -> Result<String, ProbeError> {
    if let Some(Json::String(id)) = desk.kept("contact") {
        return Ok(id);
    }
    let email = desk.email("shared");
    let more = json!({
        "email": capitals(&email),
        "phone": PHONE,
        "tags": [tag(desk)],
        "dateOfBirth": BIRTHDAY,
        "address1": STREET,
    });
    let (id, made) = make(desk, "shared", more).await?;
    if let Some(day) = made.get("dateOfBirth") {
        desk.keep("birthday", day.clone());
    }
    desk.keep("contact", json!(id));
    Ok(id)
}

/// The tag of the shared contact, with capitals.
pub(super) fn tag(desk: &dyn Desk) -> String {
    desk.marker().replace("tandem-probe", "Tandem-Probe")
}

fn capitals(email: &str) -> String {
    email.replace("tandem-probe", "Tandem-Probe")
}

/// Reads a contact by its id.
pub(super) async fn read(desk: &dyn Desk, id: &str) -> Result<Json, ProbeError> {
    let response = desk.read(get(contact_path(id))).await?;
    match body(&response)["contact"].take() {
        contact @ Json::Object(_) => Ok(contact),
        _ => Err(unexpected("the contact could not be read", &response)),
    }
}

pub(super) async fn unknown(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    // an id of the right form that nobody was given
    let response = desk.read(get(contact_path("TandemProbeNobody000"))).await?;
    let status = response.status.as_u16();
    let finding = Finding::settled(format!("{} for an id that nobody has", said(&response)));
    Ok(match status {
        400 | 404 => finding.switch("highlevel.unknown_contact", status.to_string()),
        _ => Finding::open(format!("neither 400 nor 404 but {}", said(&response))),
    })
}

pub(super) async fn email_case(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let email = desk.email("shared");
    let contact = read(desk, &id).await?;
    let shown = contact["email"].as_str().unwrap_or_default();
    let finding = |how: &str, lower: bool| {
        Finding::settled(format!("an address with capitals came back {how}"))
            .switch("highlevel.email_lowercased", lower)
    };
    Ok(if shown == email {
        finding("in lower case", true)
    } else if shown == capitals(&email) {
        finding("as it was typed", false)
    } else {
        Finding::open("the address came back as neither of the two")
    })
}

pub(super) async fn tag_case(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let contact = read(desk, &id).await?;
    let tags: Vec<&str> = contact["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let typed = tag(desk);
    Ok(if tags.contains(&typed.as_str()) {
        Finding::settled("a tag with capitals came back as it was typed")
            .switch("highlevel.tags_lowercased", false)
    } else if tags.contains(&typed.to_lowercase().as_str()) {
        Finding::settled("a tag with capitals came back in lower case")
            .switch("highlevel.tags_lowercased", true)
    } else {
        Finding::open("the tag did not come back at all")
    })
}

pub(super) async fn birthday(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let contact = read(desk, &id).await?;
    Ok(match contact["dateOfBirth"].as_str() {
        Some(day) if day.starts_with(BIRTHDAY) => {
            let form = match day.len() {
                10 => "as a day",
                _ => "with a time behind the day",
            };
            Finding::settled(format!("it is kept, and read back {form}"))
                .switch("highlevel.birthday_dropped", false)
        }
        None => Finding::settled("it was accepted and is not there")
            .switch("highlevel.birthday_dropped", true),
        Some(_) => Finding::open("another day came back"),
    })
}

pub(super) async fn timestamps(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let before = desk.calls().now();
    let change = write(
        Method::PUT,
        contact_path(&id),
        json!({"city": format!("Probe {}", before.as_millisecond())}),
    );
    desk.write("change the town of the probe's contact", change)
        .await?;
    let contact = read(desk, &id).await?;
    let Some(text) = contact["dateUpdated"].as_str() else {
        return Ok(Finding::open("the contact shows no dateUpdated"));
    };
    let form: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '9' } else { c })
        .collect();
    Ok(match text.parse::<Timestamp>() {
        Ok(at) => {
            let difference = at.duration_since(before);
            Finding::settled(format!(
                "written as {form}; {} ms after our clock when the write was sent",
                difference.as_millis()
            ))
        }
        Err(_) => Finding::settled(format!("written as {form}, without a zone")),
    })
}

pub(super) async fn delete_answer(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let (id, _) = make(desk, "deleted", json!({})).await?;
    let request = write(Method::DELETE, contact_path(&id), json!({}));
    let response = desk
        .write("delete the contact that was just made", request)
        .await?;
    let answer = body(&response);
    if !response.status.is_success() {
        return Err(unexpected("the contact could not be deleted", &response));
    }
    let after = desk.read(get(contact_path(&id))).await?;
    let gone = !after.status.is_success();
    if gone {
        desk.removed(&RecordId::from(id.as_str()));
    }
    let spelling = match (
        answer["succeded"].is_boolean(),
        answer["succeeded"].is_boolean(),
    ) {
        (true, true) => "both",
        (true, false) => "succeded",
        (false, true) => "succeeded",
        (false, false) => return Ok(Finding::open("the answer spells it in a third way")),
    };
    let then = match gone {
        true => format!("a read right after it says {}", said(&after)),
        false => "a read right after it still shows the contact".to_owned(),
    };
    Ok(
        Finding::settled(format!("the answer carries {spelling}; {then}"))
            .switch("highlevel.delete_spelling", spelling),
    )
}
