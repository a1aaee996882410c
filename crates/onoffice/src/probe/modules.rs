//! Tasks, estates and appointments. Tasks and estates are only looked at: the API deletes none. Appointments are made with nobody in
//! them, a month ahead, and deleted.

use connector::{Desk, Finding, ProbeError};
use jiff::{SignedDuration, tz::TimeZone};
use record::{Entity, RecordId};
use serde_json::{Map, Value as Json, json};

use super::{ask, said, specimen::id, tell};
use crate::{
    action::{Action, Verb},
    answer::{Data, text},
    appointment::CALENDAR,
    codes::No,
    exchange::unexpected,
};

const TASK: &str = "task";

/// How far ahead an appointment of a probe is.
const AHEAD: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What an appointment is without a day.
const NO_DAY: &str = "0000-00-00";

fn refused(no: &No) -> Finding {
    Finding::open(format!("refused for another reason: {}", said(no)))
}

pub(super) async fn task_field(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let action = Action::new(
        Verb::Read,
        TASK,
        json!({"data": ["tandemProbeNoField"], "listlimit": 1}),
    );
    Ok(match ask(desk, action).await?.0 {
        Ok(_) => Finding::settled("none: it is left out; no switch stands for that"),
        Err(no) if matches!(no.code, 138 | 144) => {
            Finding::settled(said(&no)).switch("onoffice.task_unknown_field", no.code.to_string())
        }
        Err(no) => refused(&no),
    })
}

pub(super) async fn task_form(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let action = Action::new(
        Verb::Read,
        TASK,
        json!({"data": ["Status", "modified"], "listlimit": 20}),
    );
    let data = match ask(desk, action).await?.0 {
        Ok(data) => data,
        Err(no) => return Ok(refused(&no)),
    };
    let first = |name: &str| {
        let mut texts = data.records.iter().filter_map(|row| {
            let text = row.elements.get(name).and_then(text)?;
            (!text.is_empty() && !text.starts_with(NO_DAY)).then_some(text)
        });
        texts.next()
    };
    let (Some(status), Some(modified)) = (first("Status"), first("modified")) else {
        return Ok(Finding::open(
            "the API user sees no task: enter one and ask again",
        ));
    };
    let label = status.parse::<i64>().is_err();
    let time = modified.len() > "2026-01-31".len();
    Ok(Finding::settled(format!(
        "the status is {}, and modified {}",
        if label { "a label" } else { "a number" },
        if time {
            "has the time"
        } else {
            "is only a day"
        }
    ))
    .switch("onoffice.task_status_label", label)
    .switch("onoffice.task_modified_time", time))
}

pub(super) async fn task_types(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let action = Action::new(Verb::Get, "actionkindtypes", json!({"lang": "DEU"}));
    let data = match ask(desk, action).await?.0 {
        Ok(data) => data,
        Err(no) => return Ok(refused(&no)),
    };
    let types = data.records.iter().find_map(|row| {
        let is_task = row.elements.get("key").and_then(Json::as_str) == Some("Aufgabe");
        let types = row.elements.get("types").and_then(Json::as_object)?;
        (is_task && !types.is_empty()).then_some(types)
    });
    let Some(types) = types else {
        return Ok(Finding::open("no types of tasks are listed"));
    };
    let numbers = types.keys().all(|key| key.parse::<i64>().is_ok());
    let how = match numbers {
        true => "by their numbers",
        false => "by their names",
    };
    Ok(Finding::settled(how).switch("onoffice.task_type_ids_listed", numbers))
}

/// Ids and prices of estates that have a price, sorted by it in this direction.
async fn estates(
    desk: &dyn Desk,
    direction: &str,
) -> Result<Result<Vec<(String, String)>, No>, ProbeError> {
    let action = Action::new(
        Verb::Read,
        "estate",
        json!({
            "data": ["kaufpreis"],
            "listlimit": 100,
            "filter": {"kaufpreis": [{"op": ">", "val": 0}]},
            "sortby": "kaufpreis",
            "sortorder": direction,
        }),
    );
    Ok(ask(desk, action).await?.0.map(|data| {
        let pair = |row: crate::answer::Row| {
            Some((row.id?, row.elements.get("kaufpreis").and_then(text)?))
        };
        data.records.into_iter().filter_map(pair).collect()
    }))
}

pub(super) async fn module_sort(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let (up, down) = match (estates(desk, "ASC").await?, estates(desk, "DESC").await?) {
        (Ok(up), Ok(down)) => (up, down),
        (Err(no), _) | (_, Err(no)) => return Ok(refused(&no)),
    };
    let (Some(first), Some(last)) = (up.first(), up.last()) else {
        return Ok(Finding::open("the API user sees no estate with a price"));
    };
    if up.iter().all(|(_, price)| *price == first.1) {
        return Ok(Finding::open(
            "the API user needs to see two estates of different prices for this",
        ));
    }
    let sorted = first.1 != last.1 && down.first().map(|(_, price)| price) == Some(&last.1);
    const SWITCH: &str = "onoffice.sort_text_of_modules";
    Ok(if up == down {
        Finding::settled("both directions are the same order").switch(SWITCH, false)
    } else if sorted {
        Finding::settled("the directions are each other's opposite").switch(SWITCH, true)
    } else {
        Finding::open("the two directions are neither the same nor each other's opposite")
    })
}

/// The day of the probe's appointments.
fn day(desk: &dyn Desk) -> String {
    let then = desk.calls().now() + AHEAD;
    then.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d")
        .to_string()
}

/// Makes an appointment with nobody in it, to be deleted at the end.
async fn make(desk: &dyn Desk, more: Json) -> Result<Result<i64, No>, ProbeError> {
    let day = day(desk);
    let mut data = json!({
        "description": desk.marker(),
        "start_dt": format!("{day} 17:45:00"),
        "end_dt": format!("{day} 18:15:00"),
    });
    if let (Json::Object(data), Json::Object(more)) = (&mut data, more) {
        data.extend(more);
    }
    let what = format!(
        "make an appointment \"{}\" on {day} with nobody in it, to be deleted at the end",
        desk.marker()
    );
    let action = Action::new(Verb::Create, CALENDAR, json!({"data": data}));
    let made: Data = match tell(desk, &what, action).await?.0 {
        Ok(made) => made,
        Err(no) => return Ok(Err(no)),
    };
    let id =
        id(&made).ok_or_else(|| unexpected(super::WRITE, "the answer names no appointment"))?;
    desk.made(Entity::Appointment, &RecordId::from(id.to_string()));
    Ok(Ok(id))
}

async fn read(desk: &dyn Desk, id: i64) -> Result<Map<String, Json>, ProbeError> {
    let everything = json!({"showcancelled": true, "allusers": true});
    let action = Action::new(Verb::Read, CALENDAR, everything).on(id);
    let data = ask(desk, action).await?.0;
    let row = data.ok().and_then(|data| data.records.into_iter().next());
    let row = row.ok_or_else(|| unexpected(super::READ, "the appointment could not be read"))?;
    Ok(row.elements)
}

pub(super) async fn all_day(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = match make(desk, json!({"ganztags": true})).await? {
        Ok(id) => id,
        Err(no) => return Ok(refused(&no)),
    };
    let elements = read(desk, id).await?;
    let start = elements.get("start_dt").and_then(text).unwrap_or_default();
    let (how, word) = match start.get(11..16) {
        Some("00:00") => ("its times become the whole day", "whole"),
        Some("17:45") => ("its times stay as they were written", "kept"),
        _ => return Ok(Finding::open("it begins at a third time")),
    };
    Ok(Finding::settled(how).switch("onoffice.all_day_times", word))
}

pub(super) async fn unattended(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = match make(desk, json!({})).await? {
        Ok(id) => id,
        Err(no) => return Ok(refused(&no)),
    };
    let day = day(desk);
    let action = Action::new(
        Verb::Get,
        "appointmentList",
        json!({"data": ["id"], "filter": {"startDate": day, "endDate": day}}),
    );
    let data = match ask(desk, action).await?.0 {
        Ok(data) => data,
        Err(no) => return Ok(refused(&no)),
    };
    let own = id.to_string();
    let shown = data
        .records
        .iter()
        .any(|row| row.id.as_deref() == Some(&own));
    let how = if shown { "it does" } else { "it does not" };
    Ok(Finding::settled(how).switch("onoffice.unattended_listed", shown))
}

pub(super) async fn series(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = match make(desk, json!({})).await? {
        Ok(id) => id,
        Err(no) => return Ok(refused(&no)),
    };
    let series = json!({"data": {"rp_flag": true, "rp_type": "w", "rp_tage": 1}});
    let action = Action::new(Verb::Modify, CALENDAR, series).on(id);
    let what = "make a weekly series of the probe's appointment";
    if let Err(no) = tell(desk, what, action).await?.0 {
        return Ok(refused(&no));
    }
    let elements = read(desk, id).await?;
    let start = elements.get("start_dt").and_then(text).unwrap_or_default();
    let lost = start.starts_with(NO_DAY);
    let how = match lost {
        true => "it begins at 0000-00-00 from then on",
        false => "it goes on beginning when it did",
    };
    Ok(Finding::settled(how).switch("onoffice.recurring_anchor_lost", lost))
}
