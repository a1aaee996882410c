//! API v1, as far as it is still of use beside v2: members and companies ("teams") to read, and webhooks to make.
//!
//! Lists are bare arrays with their cursors in headers; what the query holds beside the page is ignored.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};

use super::State;
use super::errors::{self, Refusal};
use super::gate;
use super::kind::Kind;
use super::record::Slot;
use super::shape::Writer;
use super::writes::Given;
use crate::core::Core;
use crate::counts::Access;
use crate::vendor::{Answer, Call};

const READ: &str = "officernd.api.read";
const WRITE: &str = "officernd.api.write";

/// Rows of a page, and the most that `$limit` may ask for.
const PAGE: usize = 100;

/// A call of v1.
#[derive(Clone, Copy)]
pub(super) struct Older {
    pub(super) template: &'static str,
    pub(super) access: Access,
    act: Act,
}

#[derive(Clone, Copy)]
enum Act {
    List(Kind),
    Get(Kind),
    Subscribe,
}

/// The call that a request is, the organization of its path, and what stands for the placeholder.
pub(super) fn find<'a>(method: &Method, path: &'a str) -> Option<(Older, &'a str, &'a str)> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let rest = path.strip_prefix("/api/v1/organizations/")?;
    let (slug, rest) = rest.split_at(rest.find('/')?);
    let mut parts = rest[1..].splitn(2, '/');
    let (what, id) = (parts.next()?, parts.next().unwrap_or(""));
    let (template, access, act) = match (method, what, id) {
        (&Method::GET, "members", "") => ("/v1/members", Access::Read, Act::List(Kind::Member)),
        (&Method::GET, "members", _) => (
            "/v1/members/{memberId}",
            Access::Read,
            Act::Get(Kind::Member),
        ),
        (&Method::GET, "teams", "") => ("/v1/teams", Access::Read, Act::List(Kind::Company)),
        (&Method::GET, "teams", _) => ("/v1/teams/{teamId}", Access::Read, Act::Get(Kind::Company)),
        (&Method::POST, "webhooks", "") => ("/v1/webhooks", Access::Write, Act::Subscribe),
        _ => return None,
    };
    let older = Older {
        template,
        access,
        act,
    };
    Some((older, slug, id))
}

impl State {
    /// Answers a call of v1, after the same gate as all else.
    pub(super) fn older_answer(
        &mut self,
        (older, slug, id): (Older, &str, &str),
        call: &Call<'_>,
        core: &Core,
    ) -> Answer {
        let Some(grant) = self.authenticate(call, core) else {
            return errors::unauthorized();
        };
        let scope = match older.access {
            Access::Read => READ,
            _ => WRITE,
        };
        let stamp = self.stamp(&grant, core);
        let verdict = self.limits.check(older.access, core);
        let mut answer = match &verdict {
            Some(verdict) if !verdict.allowed => verdict.refusal(core),
            _ if slug != self.slug => errors::wrong_slug(core),
            _ if !grant.scopes.contains(scope) => errors::missing_scope(core),
            _ => match older.act {
                Act::List(kind) => self.older_list(kind, call.query, core),
                Act::Get(kind) => match self.table(kind).record(id) {
                    Some(record) => {
                        let shown = self.show_v1(kind, record, core.clock.now_ms());
                        Answer::json(200, &Value::Object(shown))
                    }
                    None => Refusal::NoItem(id.to_owned()).answer(core),
                },
                Act::Subscribe => {
                    let made = gate::body(call, core).and_then(|mut body| {
                        if let Some(enabled) = body.remove("enabled") {
                            body.insert("isEnabled".to_owned(), enabled);
                        }
                        let given = Given::from_api(Kind::Webhook, &body, Writer::Create, core)?;
                        self.create(Kind::Webhook, given, &stamp, core)
                    });
                    match made {
                        Ok(slot) => Answer::json(201, &json!([self.older_webhook(slot)])),
                        Err(refusal) => refusal.answer(core),
                    }
                }
            },
        };
        if let Some(verdict) = verdict {
            answer.extra_headers.extend(verdict.headers());
        }
        answer
    }

    fn older_webhook(&self, slot: Slot) -> Value {
        let record = self.table(Kind::Webhook).get(slot);
        let mut shown = record.dump();
        if let Some(enabled) = shown.remove("isEnabled") {
            shown.insert("enabled".to_owned(), enabled);
        }
        Value::Object(shown)
    }

    fn older_list(&self, kind: Kind, query: &str, core: &Core) -> Answer {
        let asked = |wanted: &str| {
            url::form_urlencoded::parse(query.as_bytes())
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.into_owned())
        };
        let limit = asked("$limit").and_then(|text| text.parse().ok());
        let limit: usize = limit.filter(|limit| *limit > 0).unwrap_or(PAGE).min(PAGE);
        let offset = |cursor: String| -> Option<usize> {
            let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
            serde_json::from_slice(&bytes).ok()
        };
        let from = match asked("$next").or_else(|| asked("$prev")).map(offset) {
            Some(None) => return errors::plain(500, "Unexpected token u in JSON at position 0"),
            Some(Some(from)) => from,
            None => 0,
        };
        let table = self.table(kind);
        let slots: Vec<Slot> = table.living().skip(from).take(limit + 1).collect();
        let shown: Value = slots
            .iter()
            .take(limit)
            .map(|slot| Value::Object(self.show_v1(kind, table.get(*slot), core.clock.now_ms())))
            .collect();
        let mut answer = Answer::json(200, &shown);
        let cursor = |offset: usize| URL_SAFE_NO_PAD.encode(offset.to_string());
        if slots.len() > limit {
            answer
                .headers
                .push(("rnd-cursor-next", cursor(from + limit)));
        }
        if from > 0 {
            let before = cursor(from.saturating_sub(limit));
            answer.headers.push(("rnd-cursor-prev", before));
        }
        answer
    }
}
