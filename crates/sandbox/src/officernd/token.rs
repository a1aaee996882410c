//! The identity server: applications, and the tokens that they get for their id and secret.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::State;
use super::limits::Window;
use crate::core::Core;
use crate::vendor::{Answer, Call};

const MINUTE_MS: i64 = 60_000;

/// Every scope that an application may be given, as the vendor lists them for v2, and the two of v1.
pub(super) const SCOPES: &str = include_str!("scopes.txt");

/// What an administrator made under Developer Tools > Applications.
#[derive(Clone, Debug)]
pub(super) struct Application {
    pub(super) name: String,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) scopes: BTreeSet<String>,
    /// Stands in `createdBy` and `modifiedBy`; no call looks it up.
    pub(super) user_id: Box<str>,
}

/// A token that was given out.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) scopes: BTreeSet<String>,
    pub(super) expires_ms: i64,
}

/// Tokens, and the token calls of the last minute.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    pub(super) granted: HashMap<String, Arc<Grant>>,
    calls: Window,
}

/// All scopes there are.
pub(super) fn all_scopes() -> BTreeSet<String> {
    SCOPES.lines().map(str::to_owned).collect()
}

/// What is wrong with a token request.
#[derive(Clone, Copy)]
enum Wrong {
    Parameter(&'static str),
    Grant,
    Client,
    Scope,
}

impl State {
    /// `POST /oauth/token`: client credentials, in a form. Five calls a minute, successful or not.
    pub(super) fn token(&mut self, call: &Call<'_>, core: &Core) -> Answer {
        let now_ms = core.clock.now_ms();
        let limit = core.switches.number("officernd.tokens_a_minute");
        self.tokens.calls.refresh(MINUTE_MS, true, now_ms);
        if self.tokens.calls.used() >= limit {
            return Answer::new(
                429,
                "text/plain; charset=utf-8",
                "Too many requests, please try again later",
            );
        }
        self.tokens.calls.hit(now_ms);
        match self.grant(call, core) {
            Ok((client_id, scopes)) => self.give(client_id, scopes, core),
            Err(wrong) => refusal(wrong, core),
        }
    }

    fn grant(&self, call: &Call<'_>, core: &Core) -> Result<(String, BTreeSet<String>), Wrong> {
        let given: HashMap<String, String> = url::form_urlencoded::parse(call.body)
            .into_owned()
            .collect();
        let parameter = |name: &'static str| {
            let value = given.get(name).filter(|value| !value.trim().is_empty());
            value.ok_or(Wrong::Parameter(name))
        };
        if parameter("grant_type")? != "client_credentials" {
            return Err(Wrong::Grant);
        }
        let (id, secret) = (parameter("client_id")?, parameter("client_secret")?);
        let asked = parameter("scope")?;
        let application = self
            .applications
            .iter()
            .find(|own| own.client_id == *id && own.client_secret == *secret)
            .ok_or(Wrong::Client)?;
        let asked: BTreeSet<String> = asked.split_whitespace().map(str::to_owned).collect();
        let granted = &application.scopes;
        if asked.is_subset(granted) {
            return Ok((id.clone(), asked));
        }
        let kept: BTreeSet<String> = asked.intersection(granted).cloned().collect();
        if core.switches.choice("officernd.ungranted_scope") == "drop" && !kept.is_empty() {
            Ok((id.clone(), kept))
        } else {
            Err(Wrong::Scope)
        }
    }

    fn give(&mut self, client_id: String, scopes: BTreeSet<String>, core: &Core) -> Answer {
        let now_ms = core.clock.now_ms();
        let life_s = core.switches.number("officernd.token_life_s");
        let expires_ms = now_ms + life_s * 1000;
        let scope = scopes.iter().cloned().collect::<Vec<_>>().join(" ");
        let claims = json!({"sub": client_id, "org": self.organization_id, "scope": scope,
            "iat": now_ms.div_euclid(1000), "exp": expires_ms.div_euclid(1000)});
        // looks like the vendor's, but its signature is chance: nobody outside could check it
        let token = format!(
            "{}.{}.{}",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#),
            URL_SAFE_NO_PAD.encode(claims.to_string()),
            URL_SAFE_NO_PAD.encode(core.random.bytes::<64>()),
        );
        self.tokens
            .granted
            .retain(|_, grant| grant.expires_ms > now_ms);
        self.tokens.granted.insert(
            token.clone(),
            Arc::new(Grant {
                client_id,
                scopes,
                expires_ms,
            }),
        );
        let field = core.switches.choice("officernd.token_field");
        Answer::json(
            200,
            &json!({field: token, "token_type": "Bearer", "expires_in": life_s, "scope": scope}),
        )
    }
}

fn refusal(wrong: Wrong, core: &Core) -> Answer {
    let (error, text) = match wrong {
        Wrong::Parameter(name) => ("invalid_request", format!("{name} is missing")),
        Wrong::Grant => (
            "unsupported_grant_type",
            "The grant type is not supported".to_owned(),
        ),
        Wrong::Client => (
            "invalid_client",
            "The client id or secret is wrong".to_owned(),
        ),
        Wrong::Scope => (
            "invalid_scope",
            "A requested scope is not granted".to_owned(),
        ),
    };
    match core.switches.choice("officernd.token_error") {
        "told_apart" => Answer::json(400, &json!({"error": error, "error_description": text})),
        "text" => Answer::new(400, "text/plain; charset=utf-8", "Bad Request"),
        _ => Answer::json(
            400,
            &json!({"error": "invalid_client", "error_description": "The client, its secret or the scope is invalid"}),
        ),
    }
}
