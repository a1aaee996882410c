//! Who gets in: known path, token, limits, organization, scope, in that order.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::State;
use super::errors::{self, Refusal};
use super::kind::Kind;
use super::older;
use super::record::Stamp;
use super::routes::{self, Action, Found, Row};
use super::shape::{Rules, Writer};
use super::show::View;
use super::status::PORTAL;
use super::things;
use super::token::Grant;
use super::unsimulated;
use super::writes::Given;
use crate::core::Core;
use crate::edits::Actor;
use crate::vendor::{Answer, Call};

/// An answer, or why there is none.
type Answered = Result<Answer, Refusal>;

impl State {
    pub(super) fn answer(&mut self, call: &Call<'_>, core: &Core) -> Answer {
        let path = call.path.strip_suffix('/').unwrap_or(call.path);
        if path == "/oauth/token" && call.method == http::Method::POST {
            return self.token(call, core);
        }
        if let Some(unsimulated) = unsimulated::find(call.method, call.path) {
            return unsimulated.answer();
        }
        let shows_comments = core.switches.flag("officernd.ticket_comments_read");
        if let Some(found) = things::find(call.method, call.path)
            .filter(|(row, ..)| shows_comments || !row.lists_children())
        {
            return self.thing_answer(found, call, core);
        }
        if core.switches.flag("officernd.api_v1")
            && let Some(found) = older::find(call.method, call.path)
        {
            return self.older_answer(found, call, core);
        }
        let (row, slug, id) = match routes::find(call.method, call.path, core) {
            Found::Row { row, slug, id } => (row, slug, id),
            Found::WrongVerb => return errors::cannot(call.method, call.path, true, core),
            Found::Nothing => {
                let known = path == "/oauth/token" || things::knows(path);
                return errors::cannot(call.method, call.path, known, core);
            }
        };
        let Some(grant) = self.authenticate(call, core) else {
            return errors::unauthorized();
        };
        let verdict = self.limits.check(row.access(), core);
        let mut answer = match &verdict {
            Some(verdict) if !verdict.allowed => verdict.refusal(core),
            _ if slug != self.slug => errors::wrong_slug(core),
            _ if !grant.scopes.contains(row.scope) => errors::missing_scope(core),
            _ => self
                .run(row, id, &grant, call, core)
                .unwrap_or_else(|refusal| refusal.answer(core)),
        };
        if let Some(verdict) = verdict {
            answer.extra_headers.extend(verdict.headers());
        }
        answer
    }

    pub(super) fn authenticate(&self, call: &Call<'_>, core: &Core) -> Option<Arc<Grant>> {
        let header = call.headers.get(http::header::AUTHORIZATION)?;
        let token = header.to_str().ok()?.strip_prefix("Bearer ")?;
        let grant = self.tokens.granted.get(token)?;
        (core.clock.now_ms() < grant.expires_ms).then(|| Arc::clone(grant))
    }

    fn run(
        &mut self,
        row: &Row,
        id: &str,
        grant: &Grant,
        call: &Call<'_>,
        core: &Core,
    ) -> Answered {
        let stamp = || self.stamp(grant, core);
        match row.action {
            Action::Organization => Ok(Answer::json(200, &self.organization(call.base, core))),
            Action::List(kind) => Ok(self.list(kind, call.query, core)),
            Action::Count(kind) => Ok(self.count(kind, call.query, core)),
            Action::Get(kind) => {
                let record = self.table(kind).record(id);
                let record = record.ok_or_else(|| Refusal::NoItem(id.to_owned()))?;
                let shown = self.show(kind, record, View::One, core);
                Ok(Answer::json(200, &Value::Object(shown)))
            }
            Action::Create(kind) => {
                let stamp = stamp();
                let body = body(call, core)?;
                let given = Given::from_api(kind, &body, Writer::Create, core)?;
                let slot = self.create(kind, given, &stamp, core)?;
                let record = self.table(kind).get(slot);
                let shown = self.show(kind, record, View::One, core);
                Ok(Answer::json(201, &Value::Object(shown)))
            }
            Action::Update(kind) => {
                let stamp = stamp();
                let slot = self.table(kind).find(id);
                let slot = slot.ok_or_else(|| Refusal::NoItem(id.to_owned()))?;
                let body = body(call, core)?;
                let given = Given::from_api(kind, &body, Writer::Update, core)?;
                self.update(kind, slot, given, &stamp, core)?;
                let record = self.table(kind).get(slot);
                let shown = self.show(kind, record, View::One, core);
                Ok(Answer::json(200, &Value::Object(shown)))
            }
            Action::Delete(kind) => {
                let stamp = stamp();
                let slot = self.table(kind).find(id);
                let slot = slot.ok_or_else(|| Refusal::NoItem(id.to_owned()))?;
                let shown = self.show(kind, self.table(kind).get(slot), View::Deleted, core);
                self.delete(kind, slot, &stamp, core);
                Ok(Answer::json(200, &Value::Object(shown)))
            }
            Action::Link | Action::Status | Action::Portal => {
                let stamp = stamp();
                self.member_call(row.action, id, call, &stamp, core)
            }
        }
    }

    /// The mark that a write with a token leaves.
    pub(super) fn stamp(&self, grant: &Grant, core: &Core) -> Stamp {
        Stamp {
            at_ms: core.clock.now_ms(),
            actor: Actor::Api,
            by: self
                .applications
                .iter()
                .find(|own| own.client_id == grant.client_id)
                .map_or_else(|| "".into(), |own| own.user_id.clone()),
        }
    }

    /// The three small calls on one member.
    fn member_call(
        &mut self,
        action: Action,
        id: &str,
        call: &Call<'_>,
        stamp: &Stamp,
        core: &Core,
    ) -> Answered {
        let slot = self.table(Kind::Member).find(id);
        let slot = slot.ok_or_else(|| Refusal::NoItem(id.to_owned()))?;
        let body = body(call, core)?;
        let (wanted, required): (&[&str], _) = match action {
            Action::Link => (&["company"], None),
            Action::Status => (&["status"], Some("status")),
            _ => (
                &["isPortalAccessEnabled", "shouldSendInvitation"],
                Some("isPortalAccessEnabled"),
            ),
        };
        let mut failures: Vec<String> = body
            .keys()
            .filter(|name| !wanted.contains(&name.as_str()))
            .map(|name| format!("property {name} should not exist"))
            .collect();
        if !core.switches.flag("officernd.whitelist") {
            failures.clear();
        }
        let value = body.get(wanted[0]).unwrap_or(&Value::Null);
        let fits = match action {
            Action::Link => value.is_string() || value.is_null(),
            Action::Status => matches!(value.as_str(), Some("former" | "contact" | "auto")),
            _ => value.is_boolean(),
        };
        if !fits {
            failures.push(match (action, required) {
                (Action::Status, _) => {
                    super::shape::one_of("status", &["former", "contact", "auto"])
                }
                (_, Some(name)) => format!("{name} must be a boolean value"),
                _ => "company must be a string".to_owned(),
            });
        }
        if !failures.is_empty() {
            return Err(Refusal::Invalid(failures));
        }
        match action {
            Action::Link => {
                let given = Given::of("company", value.clone());
                self.update(Kind::Member, slot, given, stamp, core)?;
            }
            Action::Status => {
                let status = value.as_str().unwrap_or_default();
                self.set_status(slot, status, stamp, core);
            }
            _ => {
                let mut next = self.table(Kind::Member).get(slot).clone();
                next.set(PORTAL, value.clone());
                self.put(Kind::Member, slot, next);
            }
        }
        if action == Action::Link && core.switches.choice("officernd.link_answer") == "200" {
            let record = self.table(Kind::Member).get(slot);
            let shown = self.show(Kind::Member, record, View::One, core);
            return Ok(Answer::json(200, &Value::Object(shown)));
        }
        Ok(Answer::new(204, "application/json; charset=utf-8", ""))
    }
}

/// The body as an object. Without its content type it counts as empty.
pub(super) fn body(call: &Call<'_>, core: &Core) -> Result<Map<String, Value>, Refusal> {
    let kind = call.headers.get(http::header::CONTENT_TYPE);
    let is_json = kind
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_lowercase().starts_with("application/json"));
    let read = is_json || !core.switches.flag("officernd.content_type_required");
    if !read || call.body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(call.body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Ok(Map::new()),
        Err(_) => Err(Refusal::Invalid(vec![
            "Unexpected token in JSON at position 0".to_owned(),
        ])),
    }
}

/// How an API call's body is read, as the switches stand.
pub(super) fn api_rules(writer: Writer, core: &Core) -> Rules {
    let switches = &core.switches;
    Rules {
        writer,
        late: switches.choice("officernd.put_profile") == "2026-10",
        wide: !switches.flag("officernd.narrow_puts"),
        whitelist: switches.flag("officernd.whitelist"),
        enums: switches.flag("officernd.enums_checked"),
        emails: switches.flag("officernd.email_checked"),
        nulls: switches.flag("officernd.null_clears"),
    }
}

/// The applications, for the control API.
pub(super) fn application(own: &super::token::Application) -> Value {
    json!({
        "name": own.name,
        "clientId": own.client_id,
        "clientSecret": own.client_secret,
        "scopes": own.scopes,
        "userId": own.user_id,
    })
}
