//! What becomes of an update that is not quite right, and who hears of a write.

use std::time::Duration;

use connector::{Desk, Finding, Heard, ProbeError, Request, Told};
use http::Method;
use record::RecordId;
use serde_json::{Value as Json, json};

use super::{
    contact::{read, shared},
    contact_path, json as body, said,
    shapes::{custom_value, no_text_fields, text_fields},
    unexpected, write,
};
use crate::requests::segment;

/// How long a webhook is waited for.
pub(super) const WEBHOOK: Duration = Duration::from_secs(30);

/// Stamps have milliseconds; so much later is certainly later.
pub(super) const TICK: Duration = Duration::from_millis(1_100);

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
    let Some([one, other]) = text_fields(desk).await? else {
        return Ok(no_text_fields());
    };
    let id = shared(desk).await?;
    for field in [&one, &other] {
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
        custom_value(&contact, wanted).is_some_and(|(_, value)| value == "tandem probe")
    };
    Ok(match (has(&one), has(&other)) {
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

/// A part of the form of a webhook, in words.
fn shown(switch: &str, value: &Json) -> String {
    let name = switch.rsplit('.').next().unwrap_or(switch);
    format!("{}: {value}", name.replace('_', " "))
}

/// Whether a change of the shared contact is told.
async fn is_told(
    desk: &dyn Desk,
    (what, fields): (&str, Json),
    silent: &'static str,
) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    desk.wait(Duration::from_secs(2)).await?;
    let request = write(Method::PUT, contact_path(&id), fields);
    Ok(match heard(desk, what, &id, request).await? {
        Heard::Events(events) => {
            Finding::settled(format!("it sent {}", Told::names(&events))).switch(silent, false)
        }
        Heard::Nothing => Finding::settled(format!(
            "it sent nothing in {} s, though webhooks come in",
            WEBHOOK.as_secs()
        ))
        .switch(silent, true),
        Heard::Deaf(why) => Finding::open(why),
    })
}

pub(super) async fn time_zone_webhooks(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let fields = json!({"timezone": "Europe/Vienna"});
    let change = ("change the time zone of the probe's contact", fields);
    is_told(desk, change, "highlevel.timezone_change_silent").await
}

pub(super) async fn inbound_dnd_webhooks(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let fields =
        json!({"inboundDndSettings": {"all": {"status": "active", "message": "tandem probe"}}});
    let change = (
        "change what the probe's contact may write to you (inbound DND)",
        fields,
    );
    is_told(desk, change, "highlevel.inbound_dnd_silent").await
}

pub(super) async fn task_webhook(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let place = format!("{}/tasks", contact_path(&id));
    let fields = json!({
        "title": desk.marker(),
        "body": "made by a probe",
        "dueDate": desk.calls().now().strftime("%Y-%m-%dT00:00:00Z").to_string(),
        "completed": false,
    });
    let since = desk.calls().now();
    let what = "make a task for the probe's contact, to be deleted at the end";
    let response = desk
        .write(what, write(Method::POST, place.as_str(), fields))
        .await?;
    let made = body(&response);
    let task = made["task"]["id"].as_str().or(made["id"].as_str());
    let task = task.ok_or_else(|| unexpected("the task could not be made", &response))?;
    desk.to_undo(
        &format!("the task {task}"),
        write(
            Method::DELETE,
            format!("{place}/{}", segment(task)),
            json!({}),
        ),
    );
    // a message that names no contact is known by the task alone
    Ok(
        match desk.hear(&RecordId::from(task), since, WEBHOOK).await? {
            Heard::Events(events) => {
                let forms = events.into_iter().flat_map(|told| told.form);
                let own: Vec<_> = forms
                    .filter(|(switch, _)| *switch == "highlevel.task_create_complete")
                    .collect();
                match own.first() {
                    Some((_, complete)) => Finding::settled(match complete == true {
                        true => "it carries the contact and the text",
                        false => "it lacks the contact or the text",
                    })
                    .switches(own),
                    None => Finding::open("something else came in"),
                }
            }
            Heard::Nothing => Finding::open(
                "a new task sent nothing; see own_webhooks, and the app's list of events",
            ),
            Heard::Deaf(why) => Finding::open(why),
        },
    )
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
            let form: Vec<_> = events.iter().flat_map(|told| told.form.clone()).collect();
            let shown: Vec<String> = form
                .iter()
                .map(|(name, value)| shown(name, value))
                .collect();
            Finding::settled(format!(
                "a change of the street sent {}; {}",
                Told::names(&events),
                shown.join(", ")
            ))
            .switch("highlevel.api_write_webhooks", true)
            .switches(form)
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
            let update = events.iter().any(|told| told.event == "ContactUpdate");
            Finding::settled(format!("adding a tag sent {}", Told::names(&events)))
                .switch("highlevel.tag_change_updates", update)
        }
        Heard::Nothing => {
            Finding::open("adding a tag through the API sent nothing; see own_webhooks")
        }
        Heard::Deaf(why) => Finding::open(why),
    })
}
