//! What only a live client can say of onOffice, and how it is asked.
//!
//! Addresses cannot be deleted through the API: those that a run makes are archived at its end and named in
//! its report. So nearly all probes share one.

mod entries;

mod modules;

mod reads;

mod specimen;

mod writes;

use connector::{Desk, Error, Finding, Probe, ProbeError, Response};

use crate::{
    action::{self, Action},
    answer::{Answer, Data},
    codes::No,
    describe::SYSTEM,
    exchange::unexpected,
};

const READ: &str = "probe.read";
const WRITE: &str = "probe.write";

/// All probes, in the order in which a run makes them: the first ones need the shared address as it was
/// made, the last one archives it.
pub(crate) const PROBES: [Probe; 30] = [
    reads(
        "unknown_field",
        "Does one unknown field fail a read as a whole, and where does the answer say so?",
    ),
    reads("id_field", "May the record number be asked for by name?"),
    reads(
        "list_limit",
        "What does a read of more than 500 records answer?",
    ),
    reads("sort_map", "Is `sortby` as an object obeyed?"),
    reads(
        "normalized_phone",
        "Can one filter by `normalizedPhoneNumbers`?",
    ),
    reads("clock", "How far is the vendor's clock from ours?"),
    reads(
        "task_field",
        "Which error does a read of tasks give for an unknown field?",
    ),
    reads(
        "task_form",
        "Is the status of a task read as a label, and its last change with the time?",
    ),
    reads(
        "task_types",
        "Are the types of tasks listed by their numbers, or by their names?",
    ),
    reads(
        "module_sort",
        "Are estates sorted by `sortby` as text with `sortorder`?",
    ),
    writes(
        "answer_form",
        "How are empty elements, slashes and umlauts written?",
    ),
    writes(
        "main_entry",
        "When does a phone number or e-mail address become the main one by itself?",
    ),
    writes("time_zone", "In which zone is the time of the last change?"),
    writes(
        "unchanged_write",
        "Does a write that changes nothing move the time of the last change?",
    ),
    writes(
        "entry_stamp",
        "Does a change of a phone number alone move the time of the last change?",
    ),
    writes(
        "further_entries",
        "Do reads show entries that are not the main one?",
    ),
    writes(
        "entry_key",
        "How is the key of a private entry written in reads?",
    ),
    writes(
        "entry_actions",
        "Does a modify take several changes of entries under one key?",
    ),
    writes(
        "flat_entry",
        "Does a modify refuse a plain e-mail address, under `email` and under `Email`?",
    ),
    writes(
        "duplicate_check",
        "Does `checkDuplicate` also compare e-mail addresses other than the main one?",
    ),
    writes(
        "nested_create",
        "Does a create take its fields inside `data`?",
    ),
    writes(
        "missing_record",
        "Which error does a write to an address get that is not there?",
    ),
    writes(
        "batch",
        "Are the other actions of a request carried out if one of them fails?",
    ),
    writes("too_long", "Is text that is too long cut, or refused?"),
    writes(
        "unknown_country",
        "Is a country that is none stored, or refused?",
    ),
    writes("unknown_user", "Is any text taken as the responsible user?"),
    writes(
        "all_day_appointment",
        "What becomes of the times of an appointment of a whole day?",
    ),
    writes(
        "unattended_appointment",
        "Does the list of appointments show one without participants?",
    ),
    writes(
        "series_begin",
        "Does an appointment that becomes a series keep its beginning?",
    ),
    writes(
        "archive",
        "Does `Status` archive, and do lists show archived addresses?",
    ),
];

const fn reads(id: &'static str, question: &'static str) -> Probe {
    Probe {
        id,
        question,
        writes: false,
        costs: None,
    }
}

const fn writes(id: &'static str, question: &'static str) -> Probe {
    Probe {
        id,
        question,
        writes: true,
        costs: None,
    }
}

pub(crate) async fn probe(id: &str, desk: &dyn Desk) -> Result<Finding, ProbeError> {
    match id {
        "unknown_field" => reads::unknown_field(desk).await,
        "id_field" => reads::id_field(desk).await,
        "list_limit" => reads::list_limit(desk).await,
        "sort_map" => reads::sort_map(desk).await,
        "normalized_phone" => reads::normalized_phone(desk).await,
        "clock" => reads::clock(desk).await,
        "answer_form" => specimen::answer_form(desk).await,
        "time_zone" => specimen::time_zone(desk).await,
        "main_entry" => entries::main_entry(desk).await,
        "further_entries" => entries::further(desk).await,
        "entry_key" => entries::key(desk).await,
        "entry_actions" => entries::actions(desk).await,
        "flat_entry" => entries::flat(desk).await,
        "entry_stamp" => entries::stamp(desk).await,
        "duplicate_check" => entries::duplicate_check(desk).await,
        "unchanged_write" => writes::unchanged(desk).await,
        "nested_create" => writes::nested_create(desk).await,
        "missing_record" => writes::missing_record(desk).await,
        "batch" => writes::batch(desk).await,
        "too_long" => writes::too_long(desk).await,
        "unknown_country" => writes::unknown_country(desk).await,
        "unknown_user" => writes::unknown_user(desk).await,
        "archive" => writes::archive(desk).await,
        "task_field" => modules::task_field(desk).await,
        "task_form" => modules::task_form(desk).await,
        "task_types" => modules::task_types(desk).await,
        "module_sort" => modules::module_sort(desk).await,
        "all_day_appointment" => modules::all_day(desk).await,
        "unattended_appointment" => modules::unattended(desk).await,
        "series_begin" => modules::series(desk).await,
        other => Err(ProbeError::Failed(Error::Unsupported {
            system: SYSTEM,
            what: format!("the probe {other}"),
        })),
    }
}

/// Sends one reading action; how it ended, and the whole answer.
async fn ask(desk: &dyn Desk, action: Action) -> Result<(Result<Data, No>, Response), ProbeError> {
    let response = desk.read(action::request(READ, &[action], 1)).await?;
    Ok((settle(READ, &response)?, response))
}

/// Sends one writing action, after asking; how it ended, and the whole answer.
async fn tell(
    desk: &dyn Desk,
    what: &str,
    action: Action,
) -> Result<(Result<Data, No>, Response), ProbeError> {
    let response = desk
        .write(what, action::request(WRITE, &[action], 1))
        .await?;
    Ok((settle(WRITE, &response)?, response))
}

fn settle(operation: &'static str, response: &Response) -> Result<Result<Data, No>, ProbeError> {
    let answer = Answer::parse(&response.body)
        .ok_or_else(|| unexpected(operation, "it is no answer of onOffice"))?;
    match answer.settle(1) {
        Ok(mut results) => Ok(results
            .pop()
            .ok_or_else(|| unexpected(operation, "no result"))?),
        Err(unmatched) => match unmatched.top {
            Some(no) => Ok(Err(no)),
            None => Err(unexpected(operation, unmatched.what).into()),
        },
    }
}

/// What the vendor said, in one line.
fn said(no: &No) -> String {
    format!("{} \"{}\"", no.code, no.message)
}
