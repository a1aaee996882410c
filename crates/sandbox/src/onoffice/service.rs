//! The client as a vendor of the sandbox: HTTP in front, clock, faults, edit log and acts around the state.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::address::Address;
use super::answer::{Done, refusal, results};
use super::ask::Ask;
use super::errors::{Failure, fail};
use super::quirks::Quirks;
use super::request::{self, Verb};
use super::state::{Change, ChangeKind, State, Who};
use super::{actions, person};
use crate::core::Core;
use crate::counts::Access;
use crate::edits::{self, Actor};
use crate::system::System;
use crate::vendor::{ActError, Answer, Call, Operation, Vendor};

const ROUTES: [&str; 2] = ["/api/stable/api.php", "/api/latest/api.php"];

impl Vendor for State {
    fn operation(&self, call: &Call<'_>) -> Operation {
        let route = ROUTES
            .into_iter()
            .find(|route| *route == call.path)
            .unwrap_or("*");
        let actions = words(call.body);
        let writes = actions.iter().any(|action| {
            ["create ", "modify ", "delete ", "do "]
                .iter()
                .any(|verb| action.starts_with(verb))
        });
        let access = if writes { Access::Write } else { Access::Read };
        Operation {
            route,
            access,
            actions,
        }
    }

    fn handle(&mut self, call: &Call<'_>, core: &Core) -> Answer {
        let quirks = Quirks::read(&core.switches);
        let now = now(core, &quirks);
        let mut answer = if !ROUTES.contains(&call.path) {
            Answer::new(404, "text/html; charset=utf-8", "File not found.\n")
        } else if call.method != http::Method::POST {
            Answer::new(
                405,
                "text/html; charset=utf-8",
                "Only POST is answered here.\n",
            )
        } else {
            let ip = call
                .headers
                .get("x-forwarded-for")
                .and_then(|value| value.to_str().ok())
                .and_then(|list| list.split(',').next())
                .map_or("127.0.0.1", str::trim);
            let (body, failed) = respond(self, &quirks, now, ip, call.body, core);
            let mut answer = Answer::new(200, "application/json; charset=utf-8", body);
            answer.failed = failed;
            answer
        };
        if let Ok(date) = DateTimePrinter::new().timestamp_to_rfc9110_string(&now) {
            answer.headers.push(("date", date));
        }
        answer
    }

    fn seed(&mut self, records: &[Json], core: &Core) -> Result<Vec<String>, ActError> {
        person::seed(self, &Quirks::read(&core.switches), core, records)
    }

    fn act(&mut self, act: &str, input: &Json, core: &Core) -> Result<Json, ActError> {
        person::act(self, &Quirks::read(&core.switches), core, act, input)
    }

    fn dump(&self, _: &Core) -> Json {
        let (token, secret) = self.credentials();
        json!({
            "token": token,
            "secret": secret,
            "addresses": self.addresses().map(|address| self.dumped(address)).collect::<Vec<_>>(),
            "removed": self.removed().iter().map(|removed| json!({
                "address": self.dumped(&removed.address),
                "merged_into": removed.merged_into,
            })).collect::<Vec<_>>(),
            "things": self.records().dumped(),
        })
    }

    fn reset(&mut self, _: &Core) {
        *self = Self::default();
    }
}

impl State {
    /// Everything of one address, as a read without formatting shows it.
    pub(super) fn dumped(&self, address: &Address) -> Json {
        let values: serde_json::Map<String, Json> = address
            .values()
            .map(|(index, _)| {
                let name = self.fields().get(index).name.clone();
                (name, json!(address.shown(self.fields(), index)))
            })
            .collect();
        let entries: Vec<Json> = address
            .entries
            .iter()
            .map(|entry| {
                json!({
                    "id": entry.id,
                    "kind": entry.kind.word(),
                    "usage": entry.usage.word(),
                    "value": entry.value,
                    "comment": entry.comment,
                    "main": entry.main,
                })
            })
            .collect();
        json!({
            "id": address.id,
            "KdNr": address.customer_number,
            "Aenderung": self.changed_at(address),
            "archived": self.is_archived(address),
            "values": values,
            "entries": entries,
        })
    }
}

/// The server's clock: the sandbox's, shifted by the switch.
pub(super) fn now(core: &Core, quirks: &Quirks) -> Timestamp {
    let shifted = core.clock.now_ms() + quirks.clock_offset_seconds * 1000;
    Timestamp::from_millisecond(shifted).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Answers one request body; true beside it if anything in it failed.
fn respond(
    state: &mut State,
    quirks: &Quirks,
    now: Timestamp,
    ip: &str,
    body: &[u8],
    core: &Core,
) -> (String, bool) {
    let refused = |code: i64, failure: &Failure| (refusal(quirks, code, failure), true);
    let envelope = match request::envelope(body) {
        Ok(envelope) => envelope,
        Err(failure) => return refused(500, &failure),
    };
    if !state.allows_ip(ip) {
        return refused(400, &fail(158));
    }
    if let Some(failure) = request::refused_token(state, quirks, &envelope.token) {
        return refused(400, &failure);
    }
    let moment = state.wall().moment(now);
    let mut done = Vec::with_capacity(envelope.actions.len());
    for written in &envelope.actions {
        let checked = request::action(state, quirks, now.as_second(), &envelope.token, written);
        let outcome = checked.and_then(|action| {
            let words = format!("{} {}", action.verb.word(), action.resource_type);
            match core
                .faults
                .strike_action(System::OnOffice, &words, &core.random)
            {
                Some((code, message)) => Err(Failure {
                    code: u16::try_from(code).unwrap_or(1),
                    message,
                }),
                None => {
                    let mut ask = Ask {
                        state: &mut *state,
                        quirks,
                        who: Who::Api(action.caller),
                        now: moment,
                        resource: &action.resource_id,
                        parameters: &action.parameters,
                        changes: Vec::new(),
                    };
                    let answered = actions::carry_out(&mut ask, action.verb, action.resource_type)?;
                    Ok((answered, ask.changes))
                }
            }
        });
        let outcome = outcome.map(|(answered, changes)| {
            for change in &changes {
                if let (ChangeKind::Announce, Some(webhook)) = (change.kind, state.webhook()) {
                    let user = state
                        .caller(&envelope.token)
                        .map(|caller| state.access(caller).user);
                    webhook.announce(core, now.as_second(), user.unwrap_or_default(), change);
                }
                record(core, Actor::Api, change);
            }
            answered
        });
        let ends = quirks.batch_ends_at_error && outcome.is_err();
        done.push(Done {
            action: written,
            cacheable: actions::is_cacheable(written),
            outcome,
        });
        if ends {
            break;
        }
    }
    let failed = done.iter().any(|each| each.outcome.is_err());
    (results(quirks, &done), failed)
}

/// Writes a change into the sandbox's edit log.
pub(super) fn record(core: &Core, actor: Actor, change: &Change) {
    let operation = match change.kind {
        ChangeKind::Create => edits::Operation::Create,
        ChangeKind::Update => edits::Operation::Update,
        ChangeKind::Delete => edits::Operation::Delete,
        ChangeKind::Merge => edits::Operation::Merge,
        ChangeKind::Announce | ChangeKind::None => return,
    };
    core.edits.add(edits::Entry {
        at_ms: core.clock.now_ms(),
        system: System::OnOffice,
        actor,
        operation,
        entity: change.entity,
        id: &change.id.to_string(),
        fields: change
            .fields
            .iter()
            .map(|field| field.as_str().into())
            .collect(),
    });
}

/// The actions of a body as `read address`, without looking at anything else.
fn words(body: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        request: Request<'a>,
    }
    #[derive(Deserialize)]
    struct Request<'a> {
        #[serde(borrow)]
        actions: Vec<Action<'a>>,
    }
    #[derive(Deserialize)]
    struct Action<'a> {
        #[serde(borrow)]
        actionid: std::borrow::Cow<'a, str>,
        #[serde(borrow)]
        resourcetype: std::borrow::Cow<'a, str>,
    }
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(body) else {
        return Vec::new();
    };
    envelope
        .request
        .actions
        .iter()
        .map(|action| {
            let verb = Verb::parse(&action.actionid).map_or("unknown", Verb::word);
            format!("{verb} {}", action.resourcetype)
        })
        .collect()
}
