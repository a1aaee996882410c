//! What reads do with what is not quite right.

use std::time::Duration;

use connector::{Desk, Finding, ProbeError};
use serde_json::{Value as Json, json};

use super::{ask, said};
use crate::{
    action::{Action, ROWS, Verb},
    address::ADDRESS,
    answer::Data,
    codes::is_unknown_field,
    verdict,
};

/// What a list falls back to.
const FALLBACK: usize = 20;

fn list(parameters: Json) -> Action {
    Action::new(Verb::Read, ADDRESS, parameters)
}

fn ids(data: &Data) -> Vec<&str> {
    data.records
        .iter()
        .filter_map(|row| row.id.as_deref())
        .collect()
}

pub(super) async fn unknown_field(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let action = list(json!({"data": ["Name", "tandemProbeNoField"], "listlimit": 1}));
    let (found, response) = ask(desk, action).await?;
    let no = match found {
        Ok(_) => {
            return Ok(
                Finding::settled("the unknown field is left out, the rest is read")
                    .switch("onoffice.unknown_field_refused", false),
            );
        }
        Err(no) if is_unknown_field(no.code) => no,
        Err(no) => {
            return Ok(Finding::open(format!(
                "refused for another reason: {}",
                said(&no)
            )));
        }
    };
    let body: Json = serde_json::from_slice(&response.body).unwrap_or(Json::Null);
    let top = body["status"]["errorcode"].as_i64().unwrap_or(0);
    let word = match top {
        0 => "silent",
        97 => "97",
        code if code == no.code => "mirrored",
        other => {
            return Ok(Finding::settled(format!(
                "the whole read fails with {}; the top says {other}, which no switch stands for",
                said(&no)
            ))
            .switch("onoffice.unknown_field_refused", true));
        }
    };
    Ok(Finding::settled(format!(
        "the whole read fails with {}; the top of the answer says {top}",
        said(&no)
    ))
    .switch("onoffice.unknown_field_refused", true)
    .switch("onoffice.error_placement", word))
}

pub(super) async fn id_field(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let action = list(json!({"data": ["Name", "Id"], "listlimit": 1}));
    let (found, _) = ask(desk, action).await?;
    Ok(match found {
        Ok(_) => Finding::settled("it may").switch("onoffice.id_selectable", true),
        Err(no) if is_unknown_field(no.code) => {
            Finding::settled(format!("it fails the read: {}", said(&no)))
                .switch("onoffice.id_selectable", false)
        }
        Err(no) => Finding::open(format!("refused for another reason: {}", said(&no))),
    })
}

pub(super) async fn list_limit(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let action = list(json!({"data": ["Name"], "listlimit": ROWS + 1}));
    let (found, _) = ask(desk, action).await?;
    let data = match found {
        Ok(data) => data,
        Err(no) => {
            return Ok(Finding::settled(format!(
                "refused with {}; no switch stands for that",
                said(&no)
            )));
        }
    };
    let (rows, total) = (data.records.len(), data.total.unwrap_or(0));
    let finding = Finding::settled(format!("{} asked for, {rows} came, of {total}", ROWS + 1));
    Ok(match rows {
        _ if total <= FALLBACK as u64 => Finding::open(format!(
            "the client has {total} addresses; more than {FALLBACK} are needed to see a difference"
        )),
        FALLBACK => finding.switch("onoffice.listlimit_over_500", "fallback"),
        ROWS => finding.switch("onoffice.listlimit_over_500", "cap"),
        rows if rows as u64 == total => finding.switch("onoffice.listlimit_over_500", "cap"),
        _ => finding,
    })
}

pub(super) async fn sort_map(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let sorted = |direction: &str| {
        list(json!({"data": ["Name"], "sortby": {"Name": direction}, "listlimit": FALLBACK}))
    };
    let (up, _) = ask(desk, sorted("ASC")).await?;
    let (down, _) = ask(desk, sorted("DESC")).await?;
    let (up, down) = match (up, down) {
        (Ok(up), Ok(down)) => (up, down),
        (Err(no), _) | (_, Err(no)) => {
            return Ok(Finding::settled(format!(
                "refused with {}; no switch stands for that",
                said(&no)
            )));
        }
    };
    if up.records.len() < 2 {
        return Ok(Finding::open("two addresses at least are needed"));
    }
    Ok(if ids(&up) == ids(&down) {
        Finding::settled("up and down give the same order: it is ignored")
            .switch("onoffice.sort_map", "ignored")
    } else {
        Finding::settled("up and down give different orders: it is obeyed")
            .switch("onoffice.sort_map", "works")
    })
}

pub(super) async fn normalized_phone(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let action = list(json!({
        "data": ["Name"],
        "listlimit": 1,
        "filter": {"normalizedPhoneNumbers": [{"op": "=", "val": "493023125042"}]},
    }));
    let (found, _) = ask(desk, action).await?;
    Ok(match found {
        Ok(_) => Finding::settled("one can").switch("onoffice.normalized_phone_filter", true),
        Err(no) if is_unknown_field(no.code) => {
            Finding::settled(format!("one cannot: {}", said(&no)))
                .switch("onoffice.normalized_phone_filter", false)
        }
        Err(no) => Finding::open(format!("refused for another reason: {}", said(&no))),
    })
}

pub(super) async fn clock(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let (_, response) = ask(desk, list(json!({"data": ["Name"], "listlimit": 1}))).await?;
    let Some(server) = verdict::date(&response.headers) else {
        return Ok(Finding::open("the answer carries no date"));
    };
    let seconds = server.duration_since(response.sent).as_secs();
    // the header has whole seconds, and an answer takes its time
    let offset = if seconds.unsigned_abs() <= Duration::from_secs(2).as_secs() {
        0
    } else {
        seconds
    };
    Ok(
        Finding::settled(format!("{seconds} s ahead of ours, by the answer's date"))
            .switch("onoffice.clock_offset_seconds", offset),
    )
}
