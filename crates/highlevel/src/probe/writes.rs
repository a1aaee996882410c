//! What becomes of an update that is not quite right, and who hears of a write.

use std::time::Duration;

use connector::{Desk, Finding, Heard, ProbeError, Request};
use http::Method;
use record::RecordId;
use serde_json::json;

use super::{
    contact::{read, shared},
    contact_path, get, json as body, location, said, unexpected, write,
};
use crate::requests::segment;

/// How long a webhook is waited for.
const WEBHOOK: Duration = Duration::from_secs(30);

/// Stamps have milliseconds; so much later is certainly later.
const TICK: Duration = Duration::from_millis(1_100);

/// A custom field id of the right form that no field has.
const NO_FIELD: &str = "TandemProbeNoField00";

pub(super) async fn unchanged(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let set = || {
        write(
            Method::PUT,
            contact_path(&id),
            json!({"firstName": "Tandem"}),
        )
    };
    desk.write("write the first name of the probe's contact", set())
        .await?;
    let before = read(desk, &id).await?["dateUpdated"].take();
    desk.wait(TICK).await?;
    let response = desk
        .write("write the same first name once more", set())
        .await?;
    if !response.status.is_success() {
        return Err(unexpected("the write was refused", &response));
    }
    let after = read(desk, &id).await?["dateUpdated"].take();
    if before.is_null() || after.is_null() {
        return Ok(Finding::open("the contact shows no dateUpdated"));
    }
    let moved = before != after;
    let how = if moved { "moved" } else { "stayed" };
    Ok(Finding::settled(format!(
        "dateUpdated {how} when the same name was written again"
    ))
    .switch("highlevel.put_touches", moved))
}

pub(super) async fn unknown_property(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let state = format!("Probe {}", desk.calls().now().as_millisecond());
    let request = write(
        Method::PUT,
        contact_path(&id),
        json!({"state": state, "tandemProbe": "x"}),
    );
    let response = desk
        .write(
            "change the state of the probe's contact together with a property that does not exist",
            request,
        )
        .await?;
    let written = read(desk, &id).await?["state"].as_str() == Some(state.as_str());
    let rest = match written {
        true => "the rest was carried out",
        false => "nothing of it was carried out",
    };
    let refused = response.status.is_client_error();
    let finding = Finding::settled(format!("{}; {rest}", said(&response)));
    Ok(match (refused, written) {
        (true, false) | (false, true) => finding.switch("highlevel.whitelist", refused),
        // no switch stands for these
        _ => finding,
    })
}

pub(super) async fn invalid_phone(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let request = write(Method::PUT, contact_path(&id), json!({"phone": "12"}));
    let response = desk
        .write("give the probe's contact the phone number 12", request)
        .await?;
    let phone = read(desk, &id).await?["phone"].take();
    Ok(if response.status.is_client_error() {
        Finding::settled(format!("refused with {}", said(&response)))
            .switch("highlevel.invalid_phone", "refuse")
    } else if phone == json!("12") {
        Finding::settled("it was kept as it was sent").switch("highlevel.invalid_phone", "keep")
    } else {
        Finding::settled("it was accepted, and something else is stored; no switch stands for that")
    })
}

pub(super) async fn unknown_custom_field(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let request = write(
        Method::PUT,
        contact_path(&id),
        json!({"customFields": [{"id": NO_FIELD, "field_value": "x"}]}),
    );
    let response = desk
        .write(
            "write a custom field of the probe's contact that does not exist",
            request,
        )
        .await?;
    let (how, word) = match response.status.is_success() {
        true => ("accepted without a word".to_owned(), "ignore"),
        false => (format!("refused with {}", said(&response)), "refuse"),
    };
    Ok(Finding::settled(how).switch("highlevel.unknown_custom_field", word))
}

pub(super) async fn custom_field_merge(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let path = format!("/locations/{}/customFields", segment(location(desk)?));
    let response = desk.read(get(path).query("model", "contact")).await?;
    let fields = body(&response);
    let text: Vec<&str> = fields["customFields"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|field| field["dataType"] == "TEXT")
        .filter_map(|field| field["id"].as_str())
        .take(2)
        .collect();
    let [one, other] = text.as_slice() else {
        return Ok(Finding::open(
            "the sub-account needs two custom fields of type single line for this",
        ));
    };
    let id = shared(desk).await?;
    for field in [one, other] {
        let request = write(
            Method::PUT,
            contact_path(&id),
            json!({"customFields": [{"id": field, "field_value": "tandem probe"}]}),
        );
        desk.write("write one custom field of the probe's contact", request)
            .await?;
    }
    let contact = read(desk, &id).await?;
    let has = |wanted: &str| {
        contact["customFields"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|field| field["id"] == wanted && field["value"] == "tandem probe")
    };
    Ok(match (has(one), has(other)) {
        (true, true) => Finding::settled("it keeps the others (the sandbox does so too)"),
        (false, true) => Finding::settled(
            "it empties the others: the sandbox and Tandem take it to keep them, so report this",
        ),
        _ => Finding::open("the field that was written last is not there"),
    })
}

/// Every event about the shared contact from a write on.
async fn heard(
    desk: &dyn Desk,
    what: &str,
    id: &str,
    request: Request,
) -> Result<Heard, ProbeError> {
    let since = desk.calls().now();
    let response = desk.write(what, request).await?;
    if !response.status.is_success() {
        return Err(unexpected("the write was refused", &response));
    }
    desk.hear(&RecordId::from(id), since, WEBHOOK).await
}

pub(super) async fn own_webhooks(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    // what the creation sent shall not be taken for the answer
    desk.wait(Duration::from_secs(2)).await?;
    let now = desk.calls().now().as_millisecond();
    let request = write(
        Method::PUT,
        contact_path(&id),
        json!({"address1": format!("Probe {now}")}),
    );
    let heard = heard(
        desk,
        "change the street of the probe's contact",
        &id,
        request,
    )
    .await?;
    Ok(match heard {
        Heard::Events(events) => {
            Finding::settled(format!("a change of the street sent {}", events.join(", ")))
                .switch("highlevel.api_write_webhooks", true)
        }
        Heard::Nothing => Finding::settled(format!(
            "a change of the street sent nothing in {} s, though webhooks come in",
            WEBHOOK.as_secs()
        ))
        .switch("highlevel.api_write_webhooks", false),
        Heard::Deaf(why) => Finding::open(why),
    })
}

pub(super) async fn tag_webhooks(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    desk.wait(Duration::from_secs(2)).await?;
    let request = write(
        Method::POST,
        format!("{}/tags", contact_path(&id)),
        json!({"tags": [format!("{}-2", desk.marker())]}),
    );
    let heard = heard(desk, "add a tag to the probe's contact", &id, request).await?;
    Ok(match heard {
        Heard::Events(events) => {
            let update = events.iter().any(|event| event == "ContactUpdate");
            Finding::settled(format!("adding a tag sent {}", events.join(", ")))
                .switch("highlevel.tag_change_updates", update)
        }
        Heard::Nothing => {
            Finding::open("adding a tag through the API sent nothing; see own_webhooks")
        }
        Heard::Deaf(why) => Finding::open(why),
    })
}
