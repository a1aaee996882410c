//! What one step does with what is known: a pure function, without I/O, clock and randomness.

use jiff::{Timestamp, civil, tz::TimeZone};
use serde_json::{Map, Value as Json, json};

use crate::{
    act::{Act, Failure, FailureKind},
    awaited::Awaited,
    duration,
    graph::Graph,
    model::{Condition, Delay, END, Kind, OnFailure, Step, Wait},
    values::{ValueError, as_text, fill, fill_object, fill_text, is_reference},
};

/// What a step comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Move {
    /// It is done, without any effect.
    Done {
        /// What went in.
        input: Json,
        /// What came out.
        output: Json,
        /// The step to go on with; none at the end of the list.
        go: Option<String>,
    },
    /// Something has to be done outside.
    Act(Act),
    /// The run goes on with the next step at this moment.
    Park {
        /// When.
        until: Timestamp,
    },
    /// The run goes on with an event, or at this moment.
    Wait {
        /// Where such events come from.
        source: String,
        /// What makes one the one.
        awaited: Awaited,
        /// When it is too late.
        until: Timestamp,
    },
    /// Lists of steps are done side by side.
    Branches {
        /// Their names, each with its first step.
        branches: Vec<(String, Option<String>)>,
        /// What one that fails does.
        on_failure: OnFailure,
    },
    /// A list is worked off.
    Items {
        /// The elements.
        items: Vec<Json>,
        /// So many at once.
        at_once: u32,
        /// The first step for each.
        first: Option<String>,
        /// What becomes of the others where one fails.
        on_failure: OnFailure,
    },
    /// Another workflow is run.
    Call {
        /// Which.
        workflow: String,
        /// What it is given.
        input: Map<String, Json>,
    },
    /// A person is asked.
    Ask {
        /// What.
        question: String,
    },
    /// The run ends here.
    End {
        /// What went in.
        input: Json,
        /// What came of it.
        result: Json,
        /// Why it failed, if it did.
        failed: Option<String>,
        /// It ended early: a filter did not let it pass.
        early: bool,
    },
    /// The step cannot be done with these values.
    Failed(Failure),
}

/// What the step of this id does with what is known.
#[must_use]
pub fn next(graph: &Graph, id: &str, known: &Json, now: Timestamp) -> Move {
    let Some(step) = graph.step(id) else {
        return Move::Failed(Failure::new(
            FailureKind::Input,
            format!("this version of the workflow has no step `{id}`"),
        ));
    };
    match of_kind(graph, step, known, now) {
        Ok(done) => done,
        Err(error) => {
            let place = match error.place.as_str() {
                "" => String::new(),
                place => format!(" at `{place}`"),
            };
            Move::Failed(Failure::new(
                FailureKind::Input,
                format!("{}{place}", error.message),
            ))
        }
    }
}

fn of_kind(graph: &Graph, step: &Step, known: &Json, now: Timestamp) -> Result<Move, ValueError> {
    let after = || graph.after(&step.id).map(str::to_owned);
    let text = |text: &str| fill_text(text, known).map(|value| as_text(&value));
    let Some(kind) = step.kind() else {
        return Err(ValueError {
            place: String::new(),
            message: "the step is of no kind".to_owned(),
            hint: None,
        });
    };
    Ok(match kind {
        Kind::Operation(operation) => Move::Act(Act::Operation {
            connection: graph.workflow.connection(&operation.connection).to_owned(),
            operation: operation.operation.clone(),
            input: without_nothing(fill_object(&operation.input, known)?),
            look_up: match &operation.look_up {
                Some(look_up) => Some((
                    without_nothing(fill_object(&look_up.input, known)?),
                    fill_object(&look_up.item, known)?,
                )),
                None => None,
            },
        }),
        Kind::Edit(edit) => Move::Act(Act::Edit {
            sync: edit.sync.clone(),
            connection: graph.workflow.connection(&edit.connection).to_owned(),
            entity: edit.entity.clone(),
            record: text(&edit.record)?,
            fields: fill_object(&edit.fields, known)?,
        }),
        Kind::Branch(branch) => {
            let mut go = match branch.otherwise.as_deref() {
                Some(END) => None,
                Some(otherwise) => Some(otherwise.to_owned()),
                None => after(),
            };
            let mut case = Json::Null;
            for (at, one) in branch.cases.iter().enumerate() {
                if one.when.holds(known)? {
                    go = (one.go != END).then(|| one.go.clone());
                    case = Json::from(at);
                    break;
                }
            }
            Move::Done {
                input: Json::Null,
                output: json!({"case": case, "go": go}),
                go,
            }
        }
        Kind::Filter(condition) => filter(condition, known, after())?,
        Kind::Delay(delay) => Move::Park {
            until: until(delay, known, now).map_err(|error| error.within("delay"))?,
        },
        Kind::Wait(wait) => waiting(graph, wait, known, now)?,
        Kind::Parallel(parallel) => Move::Branches {
            branches: parallel
                .branches
                .iter()
                .map(|(name, steps)| {
                    let first = steps.first().map(|step| step.id.clone());
                    (name.clone(), first)
                })
                .collect(),
            on_failure: parallel.on_failure,
        },
        Kind::ForEach(for_each) => {
            let items = match fill(&for_each.items, known)? {
                Json::Array(items) => items,
                Json::Null => Vec::new(),
                _ => {
                    return Err(ValueError {
                        place: "for_each.items".to_owned(),
                        message: "this is no list".to_owned(),
                        hint: None,
                    });
                }
            };
            Move::Items {
                items,
                at_once: for_each.at_once.max(1),
                first: for_each.steps.first().map(|step| step.id.clone()),
                on_failure: for_each.on_failure,
            }
        }
        Kind::Map(values) => Move::Done {
            input: Json::Null,
            output: Json::Object(fill_object(values, known)?),
            go: after(),
        },
        Kind::Http(http) => Move::Act(Act::Http {
            method: http.method.to_uppercase(),
            url: text(&http.url)?,
            headers: http
                .headers
                .iter()
                .map(|(name, value)| Ok((name.clone(), header(name, value, known)?)))
                .collect::<Result<_, ValueError>>()?,
            query: fill_object(&http.query, known)?
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.clone(), as_text(value)))
                .collect(),
            body: fill(&http.body, known)?,
            timeout: http.timeout,
            repeatable: http.may_repeat(),
        }),
        Kind::Notify(notify) => match (&notify.webhook, &notify.email) {
            (Some(chat), _) => Move::Act(Act::Chat {
                url: chat.url.clone(),
                text: text(&chat.text)?,
            }),
            (None, Some(email)) => Move::Act(Act::Email {
                to: text(&email.to)?,
                subject: text(&email.subject)?.replace(['\r', '\n'], " "),
                text: text(&email.text)?,
            }),
            (None, None) => Move::Done {
                input: Json::Null,
                output: Json::Null,
                go: after(),
            },
        },
        Kind::Call(call) => Move::Call {
            workflow: call.workflow.clone(),
            input: fill_object(&call.input, known)?,
        },
        Kind::Approval(approval) => Move::Ask {
            question: text(&approval.question)?,
        },
        Kind::Stop(stop) => Move::End {
            input: Json::Null,
            result: fill(&stop.result, known)?,
            failed: stop.failed.as_deref().map(text).transpose()?,
            early: false,
        },
    })
}

fn filter(condition: &Condition, known: &Json, after: Option<String>) -> Result<Move, ValueError> {
    Ok(if condition.holds(known)? {
        Move::Done {
            input: Json::Null,
            output: json!({"passed": true}),
            go: after,
        }
    } else {
        Move::End {
            input: Json::Null,
            result: json!({"passed": false}),
            failed: None,
            early: true,
        }
    })
}

/// The value of a header. A reference to a secret goes on as it stands and is resolved just before it is sent; what
/// was filled in can never be one.
fn header(name: &str, value: &str, known: &Json) -> Result<String, ValueError> {
    let wrong = |message: &str| ValueError {
        place: format!("http.headers.{name}"),
        message: message.to_owned(),
        hint: None,
    };
    if is_reference(value) {
        return match value.contains("{{") {
            true => Err(wrong("a reference to a secret holds no tag")),
            false => Ok(value.to_owned()),
        };
    }
    let filled = as_text(&fill_text(value, known)?);
    if is_reference(&filled) {
        return Err(wrong(
            "what was filled in reads like a reference to a secret of this server",
        ));
    }
    Ok(filled)
}

/// What a tag found nothing for is left out, as if it were not given.
fn without_nothing(input: Map<String, Json>) -> Map<String, Json> {
    input
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| match value {
            Json::Object(members) => (name, Json::Object(without_nothing(members))),
            value => (name, value),
        })
        .collect()
}

fn waiting(graph: &Graph, wait: &Wait, known: &Json, now: Timestamp) -> Result<Move, ValueError> {
    let mut awaited = Awaited::of(wait.r#where.as_ref(), known)?;
    let source = match (&wait.event, &wait.sync) {
        (Some(event), _) => {
            source_of_event(graph.workflow.connection(&event.connection), &event.trigger)
        }
        (None, Some(sync)) => {
            awaited.sync = Some(sync.clone());
            source_of_sync(&sync.sync)
        }
        (None, None) => {
            return Err(ValueError {
                place: "wait".to_owned(),
                message: "nothing says what is waited for".to_owned(),
                hint: None,
            });
        }
    };
    let delay = Delay {
        r#for: wait.r#for.clone(),
        until: wait.until.clone(),
    };
    let until = until(&delay, known, now).map_err(|error| error.within("wait"))?;
    Ok(Move::Wait {
        source,
        awaited,
        until,
    })
}

/// The name of where the events of a trigger come from.
pub(crate) fn source_of_event(connection: &str, trigger: &str) -> String {
    format!("event {connection} {trigger}")
}

/// The name of where the events of a sync come from.
pub(crate) fn source_of_sync(sync: &str) -> String {
    format!("sync {sync}")
}

fn until(delay: &Delay, known: &Json, now: Timestamp) -> Result<Timestamp, ValueError> {
    let wrong = |place: &str, message: &str, hint: &str| ValueError {
        place: place.to_owned(),
        message: message.to_owned(),
        hint: Some(hint.to_owned()),
    };
    if let Some(length) = &delay.r#for {
        let length = as_text(&fill_text(length, known)?);
        let length = duration::read(&length).ok_or_else(|| {
            wrong(
                "for",
                "this is no length of time",
                "write `30 minutes`, `2h`, `3 days`",
            )
        })?;
        return Ok(now.saturating_add(length).unwrap_or(Timestamp::MAX));
    }
    let moment = as_text(&fill_text(
        delay.until.as_deref().unwrap_or_default(),
        known,
    )?);
    let moment = moment.trim();
    moment
        .parse::<Timestamp>()
        .ok()
        .or_else(|| {
            let at: civil::DateTime = moment.parse().ok()?;
            Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
        })
        .ok_or_else(|| {
            wrong(
                "until",
                "this is no moment",
                "write `2026-12-01T10:00:00Z`; a time without a zone is UTC",
            )
        })
}
