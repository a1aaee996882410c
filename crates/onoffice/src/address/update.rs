//! Changing addresses: only what is in the change, in as few calls as the contact entries allow.

use std::collections::{BTreeMap, BTreeSet};

use connector::{Calls, Change, Error, Refusal, UpdateOutcome};
use record::{Field, FieldName, RecordId, Schema, Value};
use serde_json::{Map, Value as Json, json};

use super::{
    company,
    create::merge,
    number, present,
    write::{self, Ended, Job},
};
use crate::{
    codes::{Meaning, No, meaning, ours},
    exchange::Written,
    points::{Round, rounds},
    value::Writing,
    wall::Wall,
};

const OPERATION: &str = "contacts.update";

/// Changes records, one outcome for each change.
///
/// A modify without a visible record answers "may not exist or the permission rights are not set": such
/// a record is read once more. If it is there, a right is missing; if not, it is gone, or as hidden as a
/// fetch would find it.
pub(crate) async fn update(
    calls: &dyn Calls,
    schema: &Schema,
    changes: &[Change],
) -> Vec<UpdateOutcome> {
    let mut outcomes: Vec<Option<UpdateOutcome>> = changes.iter().map(|_| None).collect();
    let mut jobs: Vec<Job> = Vec::new();
    let mut places: Vec<usize> = Vec::new();
    let mut moved: BTreeSet<usize> = BTreeSet::new();
    for (place, change) in changes.iter().enumerate() {
        let wall = match Wall::of(calls.settings()) {
            Ok(wall) => wall,
            Err(error) => {
                outcomes[place] = Some(UpdateOutcome::Failed(error));
                continue;
            }
        };
        match employ(calls, change).await {
            Some(Ok(())) => drop(moved.insert(place)),
            Some(Err(stopped)) => {
                outcomes[place] = Some(stopped);
                continue;
            }
            None => {}
        }
        match job(schema, change, &wall) {
            Ok(job) if job.rounds.is_empty() => {
                outcomes[place] = Some(UpdateOutcome::Done { read: None })
            }
            Ok(job) => {
                jobs.push(job);
                places.push(place);
            }
            Err(refusal) => {
                outcomes[place] = Some(UpdateOutcome::Refused {
                    refusal,
                    done: Vec::new(),
                })
            }
        }
    }
    let ended = write::carry_out(calls, OPERATION, &jobs).await;
    let hidden: Vec<RecordId> = places
        .iter()
        .zip(&ended)
        .filter(|(_, ended)| may_be_hidden(ended))
        .map(|(&place, _)| changes[place].current.id.clone())
        .collect();
    let there = present::present(calls, OPERATION, &hidden).await;
    for ((place, job), ended) in places.into_iter().zip(&jobs).zip(ended) {
        outcomes[place] = Some(outcome(&changes[place], job, ended, &there));
    }
    outcomes
        .into_iter()
        .enumerate()
        .map(|(place, outcome)| {
            let outcome = outcome.expect(
                "each change is refused, empty or sent, and each that is sent has an outcome",
            );
            if moved.contains(&place) {
                after_a_move(outcome)
            } else {
                outcome
            }
        })
        .collect()
}

/// How a change ended of which the company was carried out before the rest.
fn after_a_move(outcome: UpdateOutcome) -> UpdateOutcome {
    match outcome {
        UpdateOutcome::Refused { refusal, mut done } => {
            done.push(company::COMPANY.into());
            UpdateOutcome::Refused { refusal, done }
        }
        UpdateOutcome::Failed(error) => UpdateOutcome::Unknown {
            why: format!("the company was changed, then: {error}"),
        },
        outcome => outcome,
    }
}

/// Carries out a change of company, before everything else. `None`: there is nothing to change.
async fn employ(calls: &dyn Calls, change: &Change) -> Option<Result<(), UpdateOutcome>> {
    let wanted = change.set.get(company::COMPANY);
    let person = number(&change.current.id)?;
    if !wanted.is_known() {
        return None;
    }
    let now = change.current.fields.get(company::COMPANY);
    if now == wanted {
        return None;
    }
    let moved = company::move_to(calls, person, now, wanted).await;
    Some(moved.map_err(|stopped| match stopped {
        company::Stopped::Refused(refusal) => UpdateOutcome::Refused {
            refusal,
            done: Vec::new(),
        },
        company::Stopped::Unclear(why) => UpdateOutcome::Unknown { why },
        company::Stopped::Failed(error) => UpdateOutcome::Failed(error),
    }))
}

fn job(schema: &Schema, change: &Change, wall: &Wall) -> Result<Job, Refusal> {
    let Some(id) = number(&change.current.id) else {
        return Err(Refusal {
            code: "not sent".into(),
            message: format!(
                "`{}` is no address id: those are numbers",
                change.current.id
            ),
            fields: Vec::new(),
        });
    };
    let mut sets: BTreeMap<FieldName, Field> = BTreeMap::new();
    let mut unfit: Vec<(FieldName, String)> = Vec::new();
    for (name, delta) in &change.sets {
        let mut elements = match change.current.fields.get(name.as_str()) {
            Field::Value(Value::Set(elements)) => elements.clone(),
            Field::Empty => BTreeSet::new(),
            _ => {
                // the vendor only takes the whole set
                unfit.push((name.clone(), "its current elements are not known".into()));
                continue;
            }
        };
        let before = elements.clone();
        elements.retain(|element| !delta.remove.contains(element));
        elements.extend(delta.add.iter().cloned());
        if elements != before {
            sets.insert(name.clone(), Field::of(Value::Set(elements)));
        }
    }
    let own = |(name, _): &(&FieldName, &Field)| name.as_str() != company::COMPANY;
    let fields = change.set.iter().filter(own).chain(sets.iter());
    let prepared = write::prepare(schema, fields, wall, Writing::Modify)?;
    let mut calls: Vec<Round> = Vec::new();
    for (class, wanted) in &prepared.points {
        match write::points(change.current.fields.get(class.field())) {
            Some(current) => merge(&mut calls, rounds(*class, current, wanted)),
            None => unfit.push((
                class.field().into(),
                "its current entries are not known".into(),
            )),
        }
    }
    if !unfit.is_empty() {
        return Err(write::refusal(unfit));
    }
    if !prepared.parameters.is_empty() {
        merge(&mut calls, vec![prepared.parameters]);
    }
    Ok(Job {
        id: json!(id),
        rounds: calls,
    })
}

fn may_be_hidden(ended: &Ended) -> bool {
    matches!(&ended.stopped, Some(Written::No(no)) if meaning(no.code) == Meaning::GoneOrRight)
}

fn outcome(change: &Change, job: &Job, ended: Ended, there: &present::Presence) -> UpdateOutcome {
    let partly = ended.done > 0;
    let no = match ended.stopped {
        None => return UpdateOutcome::Done { read: None },
        Some(Written::Unclear(why)) => return UpdateOutcome::Unknown { why },
        Some(Written::NotSent(error)) if partly => {
            return UpdateOutcome::Unknown {
                why: format!("the first of several calls was carried out, then: {error}"),
            };
        }
        Some(Written::NotSent(error)) => return UpdateOutcome::Failed(Error::Call(error)),
        Some(Written::No(no)) => no,
        Some(Written::Done(_)) => {
            return UpdateOutcome::Unknown {
                why: "the calls did not come to an end".into(),
            };
        }
    };
    let missing = |no: &No| {
        UpdateOutcome::Failed(Error::MissingRight {
            operation: OPERATION,
            missing: no.right(),
        })
    };
    match meaning(no.code) {
        Meaning::Gone => UpdateOutcome::Gone,
        Meaning::GoneOrRight if there.is_absent(&change.current.id) => UpdateOutcome::Gone,
        Meaning::GoneOrRight if there.is_present(&change.current.id) && !partly => missing(&no),
        Meaning::Right if !partly => missing(&no),
        _ => refused(change, &job.rounds, ended.done, &no),
    }
}

/// The refusal of one call, and what the calls before it had done.
fn refused(change: &Change, rounds: &[Round], done: usize, no: &No) -> UpdateOutcome {
    let named = |round: &Map<String, Json>| -> BTreeSet<FieldName> {
        round.keys().map(|key| FieldName::from(ours(key))).collect()
    };
    let mut refusal = no.refusal(&rounds[done]);
    let sent = named(&rounds[done]);
    if refusal.fields.is_empty() && sent.len() == 1 {
        refusal.fields = sent.into_iter().collect();
    }
    let open: BTreeSet<FieldName> = rounds[done..].iter().flat_map(named).collect();
    let fields = change
        .set
        .iter()
        .map(|(name, _)| name)
        .chain(change.sets.keys());
    UpdateOutcome::Refused {
        refusal,
        done: if done == 0 {
            Vec::new()
        } else {
            fields
                .filter(|name| !open.contains(*name))
                .cloned()
                .collect()
        },
    }
}
