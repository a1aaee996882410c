//! What things are called, in requests and in answers, and in which shape they are shown.

use connector::{Desk, Effect, Finding, ProbeError, Request};
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Value as Json, json};

use super::{
    READ,
    contact::{PHONE, read, shared},
    contact_path, get, json as body, location, said,
    search::until_found,
    unexpected, write,
};
use crate::{answer::Complaint, requests::segment, settings::Settings};

const VERSION: HeaderName = HeaderName::from_static("version");

/// The street of the shared contact as it is made.
pub(super) const STREET: &str = "Probe 1";

/// The version that renames things.
const NEW_VERSION: &str = "v3";

/// Two custom fields of a single line.
pub(super) async fn text_fields(desk: &dyn Desk) -> Result<Option<[String; 2]>, ProbeError> {
    let path = format!("/locations/{}/customFields", segment(location(desk)?));
    let response = desk.read(get(path).query("model", "contact")).await?;
    let fields = body(&response);
    let mut ids = fields["customFields"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|field| field["dataType"] == "TEXT")
        .filter_map(|field| field["id"].as_str().map(str::to_owned));
    Ok(ids.next().zip(ids.next()).map(|(one, two)| [one, two]))
}

pub(super) fn no_text_fields() -> Finding {
    Finding::open("the sub-account needs two custom fields of type single line for this")
}

/// What the value of a custom field stands under in a contact as it was read, and the value.
pub(super) fn custom_value(contact: &Json, field: &str) -> Option<(&'static str, Json)> {
    if let Json::Object(values) = &contact["customFields"] {
        return values.get(field).map(|value| ("object", value.clone()));
    }
    let mut entries = contact["customFields"].as_array()?.iter();
    let entry = entries.find(|entry| entry["id"] == field)?;
    ["value", "field_value", "fieldValue"]
        .into_iter()
        .find_map(|name| Some((name, entry.get(name)?.clone())))
}

pub(super) async fn version_header(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    if Settings::of(desk.calls()).sets_api_version() {
        return Ok(Finding::open(
            "`api_version` is set for this connection, and goes with every request",
        ));
    }
    let path = format!("/locations/{}/customFields", segment(location(desk)?));
    let mut request = get(path);
    request
        .headers
        .insert(VERSION, HeaderValue::from_static("1999-12-31"));
    let response = desk.read(request).await?;
    Ok(if response.status.is_success() {
        Finding::settled("a version that there never was is taken")
            .switch("highlevel.version_header", false)
    } else if Complaint::of(&response).says("version") {
        Finding::settled(format!("refused with {}", said(&response)))
            .switch("highlevel.version_header", true)
    } else {
        Finding::open(format!("refused for another reason: {}", said(&response)))
    })
}

pub(super) async fn post_status(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let ask = |path: String, asked: Json| {
        desk.read(Request::new(READ, Effect::Read, Method::POST, path).json(asked))
    };
    let place = location(desk)?;
    let contacts = ask(
        "/contacts/search".to_owned(),
        json!({"locationId": place, "pageLimit": 1}),
    )
    .await?;
    let tasks = format!("/locations/{}/tasks/search", segment(place));
    let tasks = ask(tasks, json!({"limit": 1})).await?;
    let word = match (contacts.status.as_u16(), tasks.status.as_u16()) {
        (200, 201) => "measured",
        (200, 200) => "documented",
        (201, 201) => "created",
        _ => {
            return Ok(Finding::open(format!(
                "a search of contacts says {}, one of tasks {}",
                said(&contacts),
                said(&tasks)
            )));
        }
    };
    Ok(Finding::settled(format!(
        "a search of contacts is answered with {}, one of tasks with {}",
        contacts.status.as_u16(),
        tasks.status.as_u16()
    ))
    .switch("highlevel.post_status", word))
}

pub(super) async fn old_list(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let list = || get("/contacts/").query("limit", "1");
    let response = desk
        .read(list().query("locationId", location(desk)?))
        .await?;
    if response.status.as_u16() == 404 {
        return Ok(Finding::settled("it is gone").switch("highlevel.old_list", false));
    }
    if !response.status.is_success() {
        return Ok(Finding::open(format!("it says {}", said(&response))));
    }
    let without = desk.read(list()).await?;
    let needs = !without.status.is_success();
    let how = match needs {
        true => format!("without the location it says {}", said(&without)),
        false => "the location may be left out".to_owned(),
    };
    Ok(Finding::settled(format!("it answers; {how}"))
        .switch("highlevel.old_list", true)
        .switch("highlevel.old_list_location", needs))
}

pub(super) async fn list_names(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let email = desk.email("shared");
    if until_found(desk, &email, &id).await?.is_none() {
        return Ok(super::search::not_found());
    }
    let request = get("/contacts/")
        .query("locationId", location(desk)?)
        .query("query", email);
    let response = desk.read(request).await?;
    let listed = body(&response);
    let mut contacts = listed["contacts"].as_array().into_iter().flatten();
    let Some(item) = contacts.find(|item| item["id"] == id.as_str()) else {
        return Ok(Finding::open(
            "the old list does not show the contact that the search shows",
        ));
    };
    Ok(match item["firstName"].as_str() {
        Some("Tandem") => {
            Finding::settled("as they are stored").switch("highlevel.list_names_lowercased", false)
        }
        Some("tandem") => {
            Finding::settled("in lower case").switch("highlevel.list_names_lowercased", true)
        }
        _ => Finding::open("it shows the name in a third way"),
    })
}

pub(super) async fn lookup_parameter(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    if until_found(desk, &desk.email("shared"), &id)
        .await?
        .is_none()
    {
        return Ok(super::search::not_found());
    }
    let mut taken = Vec::new();
    for name in ["number", "phone"] {
        let request = get("/contacts/search/duplicate")
            .query("locationId", location(desk)?)
            .query(name, PHONE);
        let response = desk.read(request).await?;
        // whoever else has the number may be named as well
        if body(&response)["contact"]["phone"] == PHONE {
            taken.push(name);
        }
    }
    let word = match taken.as_slice() {
        [one] => *one,
        ["number", "phone"] => "both",
        _ => return Ok(Finding::open("the contact is found by neither name")),
    };
    Ok(
        Finding::settled(format!("it takes {}", taken.join(" and ")))
            .switch("highlevel.lookup_parameter", word),
    )
}

pub(super) async fn search_street(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let Some((item, _)) = until_found(desk, &desk.email("shared"), &id).await? else {
        return Ok(super::search::not_found());
    };
    let has = |name: &str| {
        item[name]
            .as_str()
            .is_some_and(|text| text.starts_with("Probe"))
    };
    let word = match (has("address"), has("address1")) {
        (true, false) => "address",
        (false, true) => "address1",
        (true, true) => "both",
        (false, false) => return Ok(Finding::open("results show the street under neither name")),
    };
    Ok(Finding::settled(format!("results call it {word}")).switch("highlevel.search_street", word))
}

pub(super) async fn birthday_form(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let created = desk.kept("birthday");
    let contact = read(desk, &id).await?;
    let (Some(created), Some(now)) = (
        created.as_ref().and_then(Json::as_str),
        contact["dateOfBirth"].as_str(),
    ) else {
        return Ok(Finding::open("the day does not come back; see birthday"));
    };
    let has_time = |text: &str| text.contains('T');
    let word = match (has_time(created), has_time(now)) {
        (true, false) => "by_place",
        (false, false) => "day",
        (true, true) => "timestamp",
        (false, true) => return Ok(Finding::open("a time in the read, a day in the create")),
    };
    let form = |text: &str| match has_time(text) {
        true => "a time",
        false => "a day",
    };
    Ok(Finding::settled(format!(
        "{} in the answer to the create, {} in a read",
        form(created),
        form(now)
    ))
    .switch("highlevel.birthday_form", word))
}

/// Writes a custom field of the shared contact under this name, in this version; whether it was taken.
async fn takes(
    desk: &dyn Desk,
    id: &str,
    field: &str,
    (name, version, value): (&str, Option<&'static str>, &str),
) -> Result<bool, ProbeError> {
    let mut request = write(
        Method::PUT,
        contact_path(id),
        json!({"customFields": [{"id": field, name: value}]}),
    );
    if let Some(version) = version {
        request
            .headers
            .insert(VERSION, HeaderValue::from_static(version));
    }
    let what = format!("write one custom field of the probe's contact as `{name}`");
    desk.write(&what, request).await?;
    let contact = read(desk, id).await?;
    Ok(custom_value(&contact, field).is_some_and(|(_, now)| now == value))
}

pub(super) async fn custom_field_shape(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let Some([field, _]) = text_fields(desk).await? else {
        return Ok(no_text_fields());
    };
    let id = shared(desk).await?;
    let request = write(
        Method::PUT,
        contact_path(&id),
        json!({"customFields": [{"id": field, "field_value": "tandem probe"}]}),
    );
    let response = desk
        .write("write one custom field of the probe's contact", request)
        .await?;
    if !response.status.is_success() {
        return Err(unexpected("the write was refused", &response));
    }
    let contact = read(desk, &id).await?;
    Ok(match custom_value(&contact, &field) {
        Some((shape, _)) => Finding::settled(match shape {
            "object" => "as one object of values by the fields' ids".to_owned(),
            name => format!("as a list of objects, the value as `{name}`"),
        })
        .switch("highlevel.custom_field_shape", shape),
        None => Finding::open("the field that was written is not shown"),
    })
}

pub(super) async fn custom_field_input(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    if Settings::of(desk.calls()).sets_api_version() {
        return Ok(Finding::open(
            "`api_version` is set for this connection, and the names differ by version",
        ));
    }
    let Some([_, field]) = text_fields(desk).await? else {
        return Ok(no_text_fields());
    };
    let id = shared(desk).await?;
    let new = Some(NEW_VERSION);
    let (how, word) = if takes(desk, &id, &field, ("value", None, "one")).await? {
        ("any name is taken", "any")
    } else if takes(desk, &id, &field, ("field_value", new, "two")).await? {
        ("field_value, also in the newer version", "documented")
    } else if takes(desk, &id, &field, ("fieldValue", new, "three")).await? {
        ("fieldValue alone in the newer version", "renamed")
    } else {
        return Ok(Finding::open("the newer version takes neither name"));
    };
    Ok(Finding::settled(how).switch("highlevel.custom_field_input", word))
}
