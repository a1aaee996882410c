//! Archiving addresses: the API has no delete for them.
//!
//! `Status` accepts a write and ignores it (observed); `Status2Adr` takes effect and carries `Status`
//! with it.

use connector::{Calls, Error, Refusal, RemoveOutcome};
use record::RecordId;
use serde_json::json;

use super::{
    number, present,
    write::{self, Ended, Job},
};
use crate::{
    codes::{Meaning, meaning},
    exchange::Written,
};

const OPERATION: &str = "contacts.remove";

/// Archives records, one outcome for each id.
pub(crate) async fn remove(calls: &dyn Calls, ids: &[RecordId]) -> Vec<RemoveOutcome> {
    let archive = json!({"Status2Adr": "status2adr_archive"});
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
