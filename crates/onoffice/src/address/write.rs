//! What create, update and remove share: parameters out of fields, and sending them in batches.

use connector::{CallError, Calls, Refusal};
use record::{Access, Field, FieldName, Point, Schema, Value};
use serde_json::{Map, Value as Json};

use crate::{
    action::{Action, WRITES},
    exchange::{self, Written},
    points::Class,
    value::{self, Writing},
    wall::Wall,
};

/// Fields, spelt for a write.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    /// Ordinary fields, flat.
    pub(super) parameters: Map<String, Json>,
    /// Contact entries as they should be.
    pub(super) points: Vec<(Class, Vec<Point>)>,
}

/// Spells fields for a write. Nothing is sent of a change that holds what cannot be sent.
pub(super) fn prepare<'a>(
    schema: &Schema,
    fields: impl Iterator<Item = (&'a FieldName, &'a Field)>,
    wall: &Wall,
    writing: Writing,
) -> Result<Prepared, Refusal> {
    let mut prepared = Prepared::default();
    let mut unfit: Vec<(FieldName, String)> = Vec::new();
    for (name, field) in fields {
        if writing == Writing::Create && *field == Field::Empty {
            continue;
        }
        if let Err(why) = one(schema, name, field, wall, writing, &mut prepared) {
            unfit.push((name.clone(), why));
        }
    }
    if unfit.is_empty() {
        return Ok(prepared);
    }
    Err(refusal(unfit))
}

fn one(
    schema: &Schema,
    name: &FieldName,
    field: &Field,
    wall: &Wall,
    writing: Writing,
    prepared: &mut Prepared,
) -> Result<(), String> {
    let spec = schema
        .field(name.as_str())
        .ok_or("the account has no such field")?;
    match spec.capability.access {
        Access::ReadWrite => {}
        Access::CreateOnly if writing == Writing::Create => {}
        Access::CreateOnly | Access::ReadOnly => return Err("it cannot be written".into()),
    }
    let Some(class) = Class::of_field(name.as_str()) else {
        let value = value::write(spec, field, wall, writing)?;
        prepared.parameters.insert(name.to_string(), value);
        return Ok(());
    };
    let points = points(field).ok_or("the value is no list of contact entries")?;
    if points.iter().any(|point| !class.takes(point.kind)) {
        return Err("an entry is of a kind that belongs into another field".into());
    }
    prepared.points.push((class, points.to_vec()));
    Ok(())
}

/// The entries of a field; `None` if they are not known.
pub(super) fn points(field: &Field) -> Option<&[Point]> {
    match field {
        Field::Value(Value::Points(points)) => Some(points),
        Field::Empty => Some(&[]),
        Field::Value(_) | Field::Unknown => None,
    }
}

/// A refusal that is ours: nothing was sent.
pub(crate) fn refusal(unfit: Vec<(FieldName, String)>) -> Refusal {
    let texts: Vec<String> = unfit
        .iter()
        .map(|(name, why)| format!("{name}: {why}"))
        .collect();
    Refusal {
        code: "not sent".into(),
        message: texts.join("; "),
        fields: unfit.into_iter().map(|(name, _)| name).collect(),
    }
}

/// Sends writing actions, [`WRITES`] to a request, and gives one outcome for each.
///
/// After a request without a known outcome, or one that was not carried out, the rest is not sent: the
/// caller knows better when to go on.
pub(crate) async fn send(
    calls: &dyn Calls,
    operation: &'static str,
    actions: &[Action],
) -> Vec<Written> {
    let mut outcomes: Vec<Written> = Vec::with_capacity(actions.len());
    let mut stop: Option<CallError> = None;
    for batch in actions.chunks(WRITES) {
        if let Some(error) = &stop {
            outcomes.extend(batch.iter().map(|_| Written::NotSent(error.clone())));
            continue;
        }
        let written = exchange::write(calls, operation, batch).await;
        stop = match written
            .iter()
            .find(|one| matches!(one, Written::NotSent(_)))
        {
            Some(Written::NotSent(error)) => Some(error.clone()),
            _ if written.iter().all(|one| matches!(one, Written::Unclear(_))) => {
                Some(CallError::NotSent {
                    operation,
                    why: "an earlier part of the batch has no known outcome".into(),
                })
            }
            _ => None,
        };
        outcomes.extend(written);
    }
    outcomes
}

/// A record whose change may need several calls.
pub(super) struct Job {
    /// The record number.
    pub(super) id: Json,
    /// The parameters, call by call.
    pub(super) rounds: Vec<Map<String, Json>>,
}

/// How far a job came.
pub(super) struct Ended {
    /// How many of its calls were carried out.
    pub(super) done: usize,
    /// What stopped it.
    pub(super) stopped: Option<Written>,
}

/// Carries out jobs: the first calls of all, then the second ones of those that have more.
pub(super) async fn carry_out(
    calls: &dyn Calls,
    operation: &'static str,
    jobs: &[Job],
) -> Vec<Ended> {
    let mut ended: Vec<Ended> = jobs
        .iter()
        .map(|_| Ended {
            done: 0,
            stopped: None,
        })
        .collect();
    loop {
        let open: Vec<usize> = (0..jobs.len())
            .filter(|&job| ended[job].stopped.is_none() && ended[job].done < jobs[job].rounds.len())
            .collect();
        if open.is_empty() {
            return ended;
        }
        let actions: Vec<Action> = open
            .iter()
            .map(|&job| {
                let parameters = Json::from(jobs[job].rounds[ended[job].done].clone());
                Action::new(crate::action::Verb::Modify, super::ADDRESS, parameters)
                    .on(jobs[job].id.clone())
            })
            .collect();
        let outcomes = send(calls, operation, &actions).await;
        for (job, outcome) in open.into_iter().zip(outcomes) {
            match outcome {
                Written::Done(data) if !contradicts(&data) => ended[job].done += 1,
                Written::Done(_) => {
                    ended[job].stopped = Some(Written::Unclear(
                        "the vendor does not say that it succeeded".into(),
                    ));
                }
                stopped => ended[job].stopped = Some(stopped),
            }
        }
    }
}

/// Whether the answer to a modify says anything but success. Its documented form is
/// `{"success": "success"}` for tasks; for addresses none is documented, so none is demanded.
fn contradicts(data: &crate::answer::Data) -> bool {
    data.records
        .iter()
        .filter_map(|record| record.elements.get("success"))
        .any(|success| success != "success" && success != &Json::Bool(true))
}
