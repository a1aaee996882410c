//! Archiving addresses: the API has no delete for them.
//!
//! `Status` accepts a write and ignores it (observed); `Status2Adr` takes effect and carries `Status`
//! with it.

use connector::{Calls, Error, Refusal, RemoveOutcome};
use record::RecordId;
use serde_json::json;

use super::{
    ADDRESS, number, present,
    write::{self, Ended, Job},
};
use crate::{
    action::{Action, ROWS, Verb},
    codes::{Meaning, meaning},
    exchange::{self, Written},
};

const OPERATION: &str = "contacts.remove";

/// What `Status2Adr` says of an archived address.
const ARCHIVED: &str = "status2adr_archive";

/// Those of the records that are archived.
pub(crate) async fn archived(calls: &dyn Calls, ids: &[RecordId]) -> Result<Vec<RecordId>, Error> {
    let mut archived = Vec::new();
    for ids in ids.chunks(ROWS) {
        let numbers: Vec<u64> = ids.iter().filter_map(number).collect();
        let action = Action::new(
            Verb::Read,
            ADDRESS,
            json!({"data": ["Status2Adr"], "recordids": numbers, "listlimit": ROWS}),
        );
        let (data, _) = exchange::read_one(calls, "contacts.archived", &action, ids.len()).await?;
        archived.extend(data.records.into_iter().filter_map(|row| {
            let status = row.elements.get("Status2Adr")?.as_str()?;
            (status == ARCHIVED).then(|| row.id.map(RecordId::from))?
        }));
    }
    Ok(archived)
}

/// Archives records, one outcome for each id.
pub(crate) async fn remove(calls: &dyn Calls, ids: &[RecordId]) -> Vec<RemoveOutcome> {
    let archive = json!({"Status2Adr": ARCHIVED});
    let archive = archive.as_object().expect("it is one").clone();
    let jobs: Vec<Job> = ids
        .iter()
        .filter_map(number)
        .map(|id| Job {
            id: json!(id),
            rounds: vec![archive.clone()],
        })
        .collect();
    let mut ended = write::carry_out(calls, OPERATION, &jobs).await.into_iter();
    let ended: Vec<(&RecordId, Option<Ended>)> = ids
        .iter()
        .map(|id| (id, number(id).and_then(|_| ended.next())))
        .collect();
    let hidden: Vec<RecordId> = ended
        .iter()
        .filter(|(_, ended)| {
            matches!(ended, Some(Ended { stopped: Some(Written::No(no)), .. })
            if meaning(no.code) == Meaning::GoneOrRight)
        })
        .map(|(id, _)| (*id).clone())
        .collect();
    let there = present::present(calls, OPERATION, &hidden).await;
    ended
        .into_iter()
        .map(|(id, ended)| match ended {
            Some(ended) => outcome(id, ended, &there),
            None => RemoveOutcome::Refused(Refusal {
                code: "not sent".into(),
                message: format!("`{id}` is no address id: those are numbers"),
                fields: Vec::new(),
            }),
        })
        .collect()
}

fn outcome(id: &RecordId, ended: Ended, there: &present::Presence) -> RemoveOutcome {
    let no = match ended.stopped {
        None => return RemoveOutcome::Done,
        Some(Written::Unclear(why)) => return RemoveOutcome::Unknown { why },
        Some(Written::NotSent(error)) => return RemoveOutcome::Failed(Error::Call(error)),
        Some(Written::No(no)) => no,
        Some(Written::Done(_)) => {
            return RemoveOutcome::Unknown {
                why: "the call did not come to an end".into(),
            };
        }
    };
    match meaning(no.code) {
        Meaning::Gone => RemoveOutcome::Gone,
        Meaning::GoneOrRight if there.is_absent(id) => RemoveOutcome::Gone,
        Meaning::Right => RemoveOutcome::Failed(Error::MissingRight {
            operation: OPERATION,
            missing: no.right(),
        }),
        Meaning::GoneOrRight if there.is_present(id) => {
            RemoveOutcome::Failed(Error::MissingRight {
                operation: OPERATION,
                missing: no.right(),
            })
        }
        _ => RemoveOutcome::Refused(no.refusal(&serde_json::Map::new())),
    }
}
