//! Making addresses.
//!
//! `checkDuplicate` alone is never sent: on a hit by any e-mail entry it overwrites the existing record
//! and answers its id as if it were new (documented, and observed for secondary entries). The caller
//! looks for duplicates itself. The setting `check_duplicate` sends it together with
//! `noOverrideByDuplicate`, which changes nothing on a hit but still answers the existing id; a read of
//! the same e-mail addresses in front of the creates, in the same request, then tells the two apart.

use std::collections::{BTreeSet, HashSet};

use connector::{Calls, CreateOutcome, Draft, Error};
use record::{Entity, Point, RecordId, Schema};
use serde_json::{Map, Value as Json, json};

use super::{
    ADDRESS, company, number,
    write::{self, Job},
};
use crate::{
    action::{Action, ROWS, Verb, WRITES},
    codes::{Meaning, meaning},
    exchange::{self, Written},
    points::{Class, Round, rounds},
    value::Writing,
    wall::Wall,
};

const OPERATION: &str = "contacts.create";
/// The contact entries that found no place in a create.
const ENTRIES: &str = "contacts.create.entries";

/// A draft that can be sent.
struct Ready {
    place: usize,
    parameters: Map<String, Json>,
    /// Entries for which create has no second place, call by call.
    more: Vec<Round>,
    emails: Vec<String>,
    /// People said who it is not: it is made, whoever has the same address.
    apart: bool,
}

/// Makes records, one outcome for each draft.
///
/// Contact entries beyond one of each type are added by further calls. If one of those fails, the outcome
/// still is "created", which is the truth, and the record read back lacks the entries.
pub(crate) async fn create(
    calls: &dyn Calls,
    schema: &Schema,
    drafts: &[Draft],
) -> Vec<CreateOutcome> {
    let mut outcomes: Vec<Option<CreateOutcome>> = drafts.iter().map(|_| None).collect();
    let mut ready: Vec<Ready> = Vec::with_capacity(drafts.len());
    for (place, draft) in drafts.iter().enumerate() {
        let prepared = match Wall::of(calls.settings()) {
            Ok(wall) => {
                let own = draft
                    .fields
                    .iter()
                    .filter(|(name, _)| name.as_str() != company::COMPANY);
                write::prepare(schema, own, &wall, Writing::Create)
            }
            Err(error) => {
                outcomes[place] = Some(CreateOutcome::Failed(error));
                continue;
            }
        };
        match prepared {
            Ok(prepared) => ready.push(Ready {
                apart: !draft.apart.is_empty(),
                ..Ready::of(place, prepared)
            }),
            Err(refusal) => outcomes[place] = Some(CreateOutcome::Refused(refusal)),
        }
    }
    if schema.entity == Entity::Company {
        for ready in &mut ready {
            ready
                .parameters
                .insert(company::SALUTATION.into(), json!(company::FIRM));
        }
    }
    let checked = calls.settings().get("check_duplicate") == Some(&Json::Bool(true));
    let mut made: Vec<Job> = Vec::new();
    for (ready, written) in send(calls, &ready, checked).await {
        let outcome = outcome(&written, ready);
        if let CreateOutcome::Created { id, .. } = &outcome
            && !ready.more.is_empty()
        {
            made.push(Job {
                id: json!(number(id)),
                rounds: ready.more.clone(),
            });
        }
        outcomes[ready.place] = Some(outcome);
    }
    for (job, ended) in made
        .iter()
        .zip(write::carry_out(calls, ENTRIES, &made).await)
    {
        if let Some(stopped) = ended.stopped {
            let why = match stopped {
                Written::No(no) => format!("refused with {}", no.code),
                Written::Unclear(why) => why,
                Written::NotSent(error) => error.to_string(),
                Written::Done(_) => continue,
            };
            tracing::warn!(id = %job.id, why, "a new address lacks some of its contact entries");
        }
    }
    for (draft, outcome) in drafts.iter().zip(&mut outcomes) {
        let Some(CreateOutcome::Created { id, left_out, .. }) = outcome else {
            continue;
        };
        if draft.fields.get(company::COMPANY).value().is_some()
            && let Err(why) = employed(calls, id, draft).await
        {
            tracing::warn!(%id, why, "a new address is not linked to its company yet");
            left_out.push(company::COMPANY.into());
        }
    }
    outcomes
        .into_iter()
        .map(|outcome| {
            outcome.expect("each draft is refused or sent, and each that is sent has an outcome")
        })
        .collect()
}

/// Links a new person to its company.
async fn employed(calls: &dyn Calls, person: &RecordId, draft: &Draft) -> Result<(), String> {
    let words = |stopped: company::Stopped| match stopped {
        company::Stopped::Refused(refusal) => refusal.message,
        company::Stopped::Unclear(why) => why,
        company::Stopped::Failed(error) => error.to_string(),
    };
    let company = company::id(draft.fields.get(company::COMPANY)).map_err(words)?;
    match (number(person), company) {
        (Some(person), Some(company)) => company::link(calls, person, company).await.map_err(words),
        _ => Err("one of the two has no record number".to_owned()),
    }
}

impl Ready {
    fn of(place: usize, prepared: write::Prepared) -> Self {
        let mut parameters = prepared.parameters;
        let mut more: Vec<Round> = Vec::new();
        let mut emails = Vec::new();
        for (class, points) in &prepared.points {
            let (first, left) = class.create(points);
            if *class == Class::Emails {
                emails = points
                    .iter()
                    .map(|point| point.value.trim().to_lowercase())
                    .collect();
            }
            parameters.extend(first);
            merge(&mut more, added(*class, points, &left));
        }
        Self {
            place,
            parameters,
            more,
            emails,
            apart: false,
        }
    }
}

/// The calls that add the entries that are left.
fn added(class: Class, all: &[Point], left: &[Point]) -> Vec<Round> {
    let there: Vec<Point> = all
        .iter()
        .filter(|point| !left.iter().any(|other| other.value == point.value))
        .map(|point| Point {
            main: false,
            ..point.clone()
        })
        .collect();
    let wanted: Vec<Point> = there.iter().chain(left).cloned().collect();
    rounds(class, &there, &wanted)
}

/// Puts the calls of one class beside those of others.
pub(super) fn merge(into: &mut Vec<Round>, rounds: Vec<Round>) {
    for (place, round) in rounds.into_iter().enumerate() {
        if into.len() <= place {
            into.push(Round::new());
        }
        into[place].extend(round);
    }
}

/// How one action of a create ended.
enum Made {
    Sent(Written),
    /// Answered with the id of a record that was there before.
    Known(RecordId),
}

async fn send<'a>(calls: &dyn Calls, ready: &'a [Ready], checked: bool) -> Vec<(&'a Ready, Made)> {
    if checked {
        return send_checked(calls, ready).await;
    }
    let actions: Vec<Action> = ready.iter().map(|ready| action(ready, false)).collect();
    let written = write::send(calls, OPERATION, &actions).await;
    ready
        .iter()
        .zip(written.into_iter().map(Made::Sent))
        .collect()
}

fn action(ready: &Ready, checked: bool) -> Action {
    let mut action = Action::new(Verb::Create, ADDRESS, Json::from(ready.parameters.clone()));
    if checked {
        action
            .parameters
            .insert("checkDuplicate".into(), json!(true));
        action
            .parameters
            .insert("noOverrideByDuplicate".into(), json!(true));
    }
    action
}

async fn send_checked<'a>(calls: &dyn Calls, ready: &'a [Ready]) -> Vec<(&'a Ready, Made)> {
    let mut all = Vec::with_capacity(ready.len());
    let mut stopped = false;
    for batch in ready.chunks(WRITES - 1) {
        let emails: BTreeSet<&str> = batch
            .iter()
            .flat_map(|ready| ready.emails.iter().map(String::as_str))
            .collect();
        let before = Action::new(
            Verb::Read,
            ADDRESS,
            json!({"data": ["email"], "listlimit": ROWS, "filter": {"email": [{"op": "in", "val": emails}]}}),
        );
        let actions: Vec<Action> = std::iter::once(before)
            .chain(batch.iter().map(|ready| action(ready, !ready.apart)))
            .collect();
        let mut written = if stopped {
            let why =
                "an earlier part of the batch was not carried out, or its outcome is not known"
                    .to_owned();
            vec![
                Written::NotSent(connector::CallError::NotSent {
                    operation: OPERATION,
                    why
                });
                actions.len()
            ]
        } else {
            exchange::write(calls, OPERATION, &actions).await
        };
        stopped |= written
            .iter()
            .all(|one| matches!(one, Written::Unclear(_) | Written::NotSent(_)));
        let creates = written.split_off(1);
        // which ids were there before; `None`: that could not be told
        let before: Option<HashSet<String>> = match written.pop() {
            Some(Written::Done(data))
                if data
                    .total
                    .is_none_or(|total| total <= data.records.len() as u64) =>
            {
                Some(
                    data.records
                        .into_iter()
                        .filter_map(|record| record.id)
                        .collect(),
                )
            }
            _ => None,
        };
        let mut made: HashSet<String> = HashSet::new();
        for (ready, one) in batch.iter().zip(creates) {
            let known = match &one {
                Written::Done(data) if ready.apart => {
                    made.extend(id(data).map(|id| id.to_string()));
                    None
                }
                // without e-mail there is nothing that the vendor compares
                Written::Done(data) if !ready.emails.is_empty() => id(data).filter(|id| {
                    let is_new = before
                        .as_ref()
                        .is_some_and(|before| !before.contains(id.as_str()));
                    !is_new || !made.insert(id.to_string())
                }),
                _ => None,
            };
            all.push((ready, known.map_or(Made::Sent(one), Made::Known)));
        }
    }
    all
}

fn id(data: &crate::answer::Data) -> Option<RecordId> {
    let id = RecordId::from(data.records.first()?.id.as_deref()?);
    number(&id).map(|_| id)
}

fn outcome(made: &Made, ready: &Ready) -> CreateOutcome {
    let written = match made {
        Made::Known(candidate) => {
            return CreateOutcome::Existing {
                candidate: candidate.clone(),
                matching: "email".into(),
                // it takes an address as often as it is sent; the check was asked for
                taken: None,
            };
        }
        Made::Sent(written) => written,
    };
    match written {
        Written::Done(data) => match id(data) {
            Some(id) => CreateOutcome::Created {
                id,
                read: None,
                left_out: Vec::new(),
            },
            None => CreateOutcome::Unknown {
                why: "the vendor reports success without an id".into(),
            },
        },
        Written::No(no) => match meaning(no.code) {
            Meaning::Right => CreateOutcome::Failed(Error::MissingRight {
                operation: OPERATION,
                missing: no.right(),
            }),
            _ => CreateOutcome::Refused(no.refusal(&ready.parameters)),
        },
        Written::Unclear(why) => CreateOutcome::Unknown { why: why.clone() },
        Written::NotSent(error) => CreateOutcome::Failed(Error::Call(error.clone())),
    }
}
