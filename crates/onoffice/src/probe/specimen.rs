//! The address that probes share, and what its first answers look like.

use connector::{Desk, Finding, ProbeError};
use jiff::{civil::DateTime, tz::TimeZone};
use record::{Entity, RecordId};
use serde_json::{Map, Value as Json, json};

use super::{WRITE, ask, said, tell};
use crate::{
    action::{Action, Verb},
    address::ADDRESS,
    answer::{Data, text},
    codes::No,
    exchange::unexpected,
    verdict,
};

/// Slash and umlaut, to see how answers write them.
const SIGNS: &str = "a/b ü";

/// The id that a create answered.
pub(super) fn id(data: &Data) -> Option<i64> {
    data.records.first()?.id.as_deref()?.parse().ok()
}

/// Notes a new address, to be archived at the end.
pub(super) fn note(desk: &dyn Desk, id: i64) {
    desk.made(Entity::Contact, &RecordId::from(id.to_string()));
}

/// The id of the address that probes share.
pub(super) async fn shared(desk: &dyn Desk) -> Result<i64, ProbeError> {
    if let Some(id) = desk.kept("address").and_then(|id| id.as_i64()) {
        return Ok(id);
    }
    let fields = json!({
        "Vorname": "Tandem",
        "Name": desk.marker(),
        "Zusatz1": SIGNS,
        "email": desk.email("shared"),
    });
    let what = format!(
        "make an address \"Tandem {}\", which will be archived at the end (nothing can delete it but a person)",
        desk.marker()
    );
    let action = Action::new(Verb::Create, ADDRESS, fields);
    let (made, response) = tell(desk, &what, action).await?;
    let made = made.map_err(|no| {
        ProbeError::Failed(unexpected(
            WRITE,
            format!("the address could not be made: {}", said(&no)),
        ))
    })?;
    let id = id(&made).ok_or_else(|| unexpected(WRITE, "the answer names no address"))?;
    note(desk, id);
    desk.keep("address", json!(id));
    desk.keep(
        "created",
        json!(String::from_utf8_lossy(&response.body).into_owned()),
    );
    Ok(id)
}

/// Reads fields of one address.
pub(super) async fn read(
    desk: &dyn Desk,
    id: i64,
    fields: &[&str],
) -> Result<Result<Map<String, Json>, No>, ProbeError> {
    let action = Action::new(
        Verb::Read,
        ADDRESS,
        json!({"data": fields, "recordids": [id], "listlimit": 1}),
    );
    let (found, _) = ask(desk, action).await?;
    Ok(found.map(|data| {
        data.records
            .into_iter()
            .next()
            .map(|row| row.elements)
            .unwrap_or_default()
    }))
}

/// One field of the shared address as text, empty where it has no value.
pub(super) async fn field(desk: &dyn Desk, id: i64, name: &str) -> Result<String, ProbeError> {
    let elements = read(desk, id, &["Name", name]).await?.map_err(|no| {
        unexpected(
            super::READ,
            format!("{name} could not be read: {}", said(&no)),
        )
    })?;
    Ok(elements.get(name).and_then(text).unwrap_or_default())
}

/// Changes the shared address.
pub(super) async fn change(
    desk: &dyn Desk,
    id: i64,
    what: &str,
    fields: Json,
) -> Result<Result<Data, No>, ProbeError> {
    let action = Action::new(Verb::Modify, ADDRESS, fields).on(id);
    Ok(tell(desk, what, action).await?.0)
}

pub(super) async fn answer_form(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let created = desk.kept("created");
    let created = created.as_ref().and_then(Json::as_str).unwrap_or_default();
    let as_array = created.contains("\"elements\":[]");
    if !as_array && !created.contains("\"elements\":{}") {
        return Ok(Finding::open(
            "the answer to a create has elements, so none of them are empty",
        ));
    }
    let action = Action::new(
        Verb::Read,
        ADDRESS,
        json!({"data": ["Zusatz1"], "recordids": [id], "listlimit": 1}),
    );
    let (_, response) = ask(desk, action).await?;
    let body = String::from_utf8_lossy(&response.body).into_owned();
    let escaped = body.contains("a\\/b \\u00fc");
    if !escaped && !body.contains("a/b ü") {
        return Ok(Finding::open("the text came back in a third form"));
    }
    let empty = if as_array { "[]" } else { "{}" };
    let signs = if escaped { "escaped" } else { "plain" };
    Ok(Finding::settled(format!(
        "empty elements are {empty}; slashes and umlauts are {signs}"
    ))
    .switch("onoffice.empty_elements_as_array", as_array)
    .switch("onoffice.php_escapes", escaped))
}

pub(super) async fn time_zone(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let town = format!("Probe {}", desk.calls().now().as_millisecond());
    let action = Action::new(Verb::Modify, ADDRESS, json!({"Ort": town})).on(id);
    let (changed, response) = tell(desk, "change the town of the probe's address", action).await?;
    if let Err(no) = changed {
        return Ok(Finding::open(format!(
            "the write was refused: {}",
            said(&no)
        )));
    }
    let stamp = field(desk, id, "Aenderung").await?;
    let (Some(server), Ok(wall)) = (
        verdict::date(&response.headers),
        stamp.replace(' ', "T").parse::<DateTime>(),
    ) else {
        return Ok(Finding::open(
            "Aenderung or the answer's date could not be read",
        ));
    };
    let utc = server.to_zoned(TimeZone::UTC).datetime();
    let minutes = wall.duration_since(utc).as_mins();
    // half-hours are the finest zones that matter; a second of delay is no zone
    let half_hours = (minutes + 15).div_euclid(30);
    Ok(Finding::settled(format!(
        "written like {}; {} ahead of UTC at the moment",
        stamp
            .chars()
            .map(|c| if c.is_ascii_digit() { '9' } else { c })
            .collect::<String>(),
        match half_hours % 2 {
            0 => format!("{} h", half_hours / 2),
            _ => format!("{}.5 h", half_hours / 2),
        }
    )))
}
