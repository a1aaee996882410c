//! `/_sandbox/…`: the controls over HTTP, JSON in and out.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Control;
use crate::clock::iso_millis;
use crate::faults::Rule;
use crate::judge::{Carried, End, Entity, Field, Pair, Question, Rules, Tags, Terms};
use crate::service::World;
use crate::switches::Switches;
use crate::system::System;
use crate::vendor::{ActError, Answer};

/// What the index lists; `docs/sandbox.md` explains each.
const ENDPOINTS: &[&str] = &[
    "GET    /_sandbox/clock",
    "PUT    /_sandbox/clock                  {\"freeze\": true | ISO time} | {\"advance_ms\": n} | {\"offset_ms\": n} | {\"resume\": true}",
    "GET    /_sandbox/switches",
    "PUT    /_sandbox/switches               {\"name\": value, …}",
    "DELETE /_sandbox/switches",
    "GET    /_sandbox/faults",
    "POST   /_sandbox/faults                 one rule",
    "DELETE /_sandbox/faults[/{id}]",
    "GET    /_sandbox/counts",
    "DELETE /_sandbox/counts",
    "GET    /_sandbox/webhooks",
    "POST   /_sandbox/webhooks/hurry",
    "DELETE /_sandbox/webhooks",
    "GET    /_sandbox/edits[?since=n]",
    "POST   /_sandbox/judge                  {\"pairs\": [[HighLevel id, onOffice id], …]} | {\"syncs\": [{\"left\", \"right\", \"pairs\"}, …]}",
    "POST   /_sandbox/reset",
    "GET    /_sandbox/{system}/state",
    "POST   /_sandbox/{system}/seed          an array, or one record a line",
    "POST   /_sandbox/{system}/reset",
    "POST   /_sandbox/{system}/act/{act}     what a person does in the vendor's UI",
];

/// A control request that was refused, with its status.
type Refused = (u16, Value);

pub(crate) fn answer(
    world: &std::sync::Arc<World>,
    parts: &Parts,
    path: &str,
    body: &Bytes,
) -> Answer {
    let control = Control::new(std::sync::Arc::clone(world));
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    match dispatch(
        &control,
        &parts.method,
        &segments,
        parts.uri.query().unwrap_or_default(),
        body,
    ) {
        Ok(value) => Answer::json(200, &value),
        Err((status, error)) => Answer::json(status, &error),
    }
}

fn dispatch(
    control: &Control,
    method: &Method,
    segments: &[&str],
    query: &str,
    body: &Bytes,
) -> Result<Value, Refused> {
    let core = control.core();
    match (method.as_str(), segments) {
        ("GET", []) => Ok(json!({"endpoints": ENDPOINTS, "systems": System::ALL})),
        ("GET", ["clock"]) => Ok(clock(control)),
        ("PUT", ["clock"]) => set_clock(control, parse(body)?),
        ("GET", ["switches"]) => Ok(switches(control)),
        ("PUT", ["switches"]) => {
            let wanted: serde_json::Map<String, Value> = parse(body)?;
            core.switches
                .set_all(wanted.iter().map(|(name, value)| (name.as_str(), value)))
                .map_err(|error| bad(error.to_string()))?;
            Ok(switches(control))
        }
        ("DELETE", ["switches"]) => {
            core.switches.reset();
            Ok(switches(control))
        }
        ("GET", ["faults"]) => Ok(json!({"faults": core.faults.all()})),
        ("POST", ["faults"]) => {
            let rule: Rule = parse(body)?;
            Ok(json!({"id": core.faults.add(rule)}))
        }
        ("DELETE", ["faults"]) => {
            core.faults.clear();
            Ok(json!({"faults": []}))
        }
        ("DELETE", ["faults", id]) => {
            let removed = id.parse().is_ok_and(|id| core.faults.remove(id));
            if removed {
                Ok(json!({"removed": true}))
            } else {
                Err(missing(format!("there is no fault {id}")))
            }
        }
        ("GET", ["counts"]) => Ok(json!(core.counts.all())),
        ("DELETE", ["counts"]) => {
            core.counts.reset();
            Ok(json!(core.counts.all()))
        }
        ("GET", ["webhooks"]) => {
            Ok(json!({"tally": core.deliveries.tally(), "log": core.deliveries.log()}))
        }
        ("POST", ["webhooks", "hurry"]) => {
            core.deliveries.hurry();
            Ok(json!({"tally": core.deliveries.tally()}))
        }
        ("DELETE", ["webhooks"]) => {
            core.deliveries.reset();
            Ok(json!({"tally": core.deliveries.tally()}))
        }
        ("GET", ["edits"]) => {
            let since = query
                .strip_prefix("since=")
                .and_then(|number| number.parse().ok())
                .unwrap_or(0);
            Ok(json!({"last": core.edits.last_sequence(), "edits": core.edits.since(since)}))
        }
        ("POST", ["judge"]) => {
            let asked: Asked = parse(body)?;
            judged(control, asked)
        }
        ("POST", ["reset"]) => {
            control.reset();
            Ok(json!({"reset": true}))
        }
        (_, [system, rest @ ..]) => {
            let system = System::from_name(system)
                .ok_or_else(|| missing(format!("no control is named {system:?}")))?;
            of_system(control, system, method, rest, body)
        }
        _ => Err(missing(
            "there is no such control; GET /_sandbox/ lists all".to_owned(),
        )),
    }
}

/// What the judge is handed: pairs of HighLevel and onOffice, or any syncs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// HighLevel id and onOffice id.
    pairs: Option<Vec<(String, String)>>,
    syncs: Option<Vec<AskedSync>>,
}

/// One sync. What is left out is as shipped for its two systems.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedSync {
    left: System,
    right: System,
    pairs: Vec<(String, String)>,
    #[serde(default)]
    entity: Entity,
    /// Whether people of a pair belong to companies that are a pair.
    #[serde(default)]
    company_links: bool,
    /// Whether OfficeRnD takes phone and tags in updates.
    #[serde(default)]
    late: bool,
    fields: Option<Vec<Field>>,
    losses: Option<Vec<Field>>,
    /// Fields that one end takes only when a record is made.
    create_only: Option<BTreeMap<Field, End>>,
    /// The left's word and the right's.
    tags: Option<Vec<(String, String)>>,
    #[serde(default)]
    carried: Vec<Carried>,
}

fn judged(control: &Control, asked: Asked) -> Result<Value, Refused> {
    let questions: Vec<Question> = match (asked.pairs, asked.syncs) {
        (Some(pairs), None) => {
            let pairs: Vec<Pair> = pairs
                .into_iter()
                .map(|(highlevel, onoffice)| Pair {
                    highlevel,
                    onoffice,
                })
                .collect();
            let judgement = control.judge(&pairs, &Rules::default(), None);
            return Ok(json!({"agree": judgement.agree(), "judgement": judgement}));
        }
        (None, Some(syncs)) => syncs
            .into_iter()
            .map(AskedSync::question)
            .collect::<Result<_, _>>()?,
        _ => return Err(bad("the judge takes either pairs or syncs".to_owned())),
    };
    let findings = control.judge_syncs(&questions, None);
    Ok(json!({"agree": findings.agree(), "findings": findings}))
}

impl AskedSync {
    fn question(self) -> Result<Question, Refused> {
        let shipped = match (self.entity, self.left, self.right) {
            (Entity::People, left, right) => Terms::shipped(left, right, self.late),
            (Entity::Companies, System::HighLevel, System::OfficeRnd) => {
                Some(Terms::highlevel_officernd_companies())
            }
            (Entity::Companies, _, _) => None,
        };
        let mut terms = shipped.ok_or_else(|| {
            bad(format!(
                "no mapping ships between {} and {}",
                self.left, self.right
            ))
        })?;
        if self.company_links {
            terms = terms.with_company_links();
        }
        if let Some(fields) = self.fields {
            terms.fields = fields.into_iter().collect();
        }
        if let Some(losses) = self.losses {
            terms.losses = losses.into_iter().collect();
        }
        if let Some(create_only) = self.create_only {
            terms.create_only = create_only;
        }
        if let Some(tags) = self.tags {
            terms.tags = Tags::Pairs(tags);
        }
        terms.carried = self.carried;
        Ok(Question {
            terms,
            pairs: self.pairs,
        })
    }
}

fn of_system(
    control: &Control,
    system: System,
    method: &Method,
    rest: &[&str],
    body: &Bytes,
) -> Result<Value, Refused> {
    match (method.as_str(), rest) {
        ("GET", ["state"]) => Ok(control.dump(system)),
        ("POST", ["reset"]) => {
            control.reset_system(system);
            Ok(json!({"reset": system}))
        }
        ("POST", ["seed"]) => {
            let ids = control.seed(system, &records(body)?).map_err(refused)?;
            Ok(json!({"ids": ids}))
        }
        ("POST", ["act", act]) => {
            let input = if body.is_empty() {
                json!({})
            } else {
                parse(body)?
            };
            control.act(system, act, &input).map_err(refused)
        }
        _ => Err(missing(
            "there is no such control; GET /_sandbox/ lists all".to_owned(),
        )),
    }
}

fn clock(control: &Control) -> Value {
    let clock = &control.core().clock;
    let now_ms = clock.now_ms();
    json!({"now": iso_millis(now_ms), "now_ms": now_ms, "clock": clock.mode()})
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockSetting {
    freeze: Option<Value>,
    advance_ms: Option<i64>,
    offset_ms: Option<i64>,
    resume: Option<bool>,
}

fn set_clock(control: &Control, setting: ClockSetting) -> Result<Value, Refused> {
    let target = &control.core().clock;
    match setting.freeze {
        None => {}
        Some(Value::Bool(true)) => target.freeze(None),
        Some(Value::String(time)) => {
            let time: jiff::Timestamp = time
                .parse()
                .map_err(|_| bad(format!("{time:?} is no time such as 2026-01-31T12:00:00Z")))?;
            target.freeze(Some(time.as_millisecond()));
        }
        Some(other) => return Err(bad(format!("freeze takes true or a time, not {other}"))),
    }
    if let Some(offset_ms) = setting.offset_ms {
        target.run_with_offset(offset_ms);
    }
    if setting.resume == Some(true) {
        target.resume();
    }
    if let Some(advance_ms) = setting.advance_ms {
        target.advance(advance_ms);
    }
    Ok(clock(control))
}

fn switches(control: &Control) -> Value {
    let all = control.core().switches.all();
    let listing: Vec<Value> = Switches::registry()
        .into_iter()
        .map(|switch| {
            json!({
                "name": switch.name,
                "system": switch.system,
                "meaning": switch.meaning,
                "default": switch.default,
                "value": all.get(switch.name),
                "choices": switch.choices,
            })
        })
        .collect();
    json!({"switches": listing})
}

/// An array of records, or one a line.
fn records(body: &Bytes) -> Result<Vec<Value>, Refused> {
    if body.trim_ascii_start().first() == Some(&b'[') {
        return parse(body);
    }
    body.split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty())
        .map(parse_slice)
        .collect()
}

fn parse<T: serde::de::DeserializeOwned>(body: &Bytes) -> Result<T, Refused> {
    parse_slice(body)
}

fn parse_slice<T: serde::de::DeserializeOwned>(text: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(text).map_err(|error| bad(format!("the body does not fit: {error}")))
}

fn refused(error: ActError) -> Refused {
    let status = match error {
        ActError::Input(_) => 400,
        ActError::Unknown { .. } | ActError::Missing { .. } => 404,
    };
    (status, error.to_json())
}

fn bad(message: String) -> Refused {
    (400, json!({"error": message}))
}

fn missing(message: String) -> Refused {
    (404, json!({"error": message}))
}
