//! Tokens by client credentials.
//!
//! One scope that the application was not granted fails the whole request with 400, and the answer is not
//! known to say which. So the granted ones are found by halving, within the vendor's limit of five token
//! requests a minute, which the caller keeps. There is no refresh token; a token lives about an hour.

use connector::{
    Body, CallError, Calls, Credentials, Effect, Error, Grant, Request, SecretText, Tokens,
};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use record::Entity;
use serde_json::{Value as Json, json};

use crate::{
    answer::Complaint,
    auth::{given, scopes},
    describe::{BASE_URL, TITLE},
    operation::TOKEN,
    settings::Settings,
};

/// The vendor's identity server (the reference and every client that was seen).
const IDENTITY: &str = "https://identity.officernd.com";

/// That of its staging system (a test plan of others).
const IDENTITY_STAGING: &str = "https://identity-staging.officernd.com";

const PATH: &str = "/oauth/token";

/// The life of a token whose answer does not say it.
const USUAL_LIFE: i64 = 3599;

/// Most token requests of one sign-in.
const MOST: usize = 40;

/// A token, with as many of these scopes as the application was granted.
pub(crate) async fn obtain(
    calls: &dyn Calls,
    credentials: &Credentials,
    wanted: &[String],
) -> Result<Grant, Error> {
    let organization = organization(given(credentials, "organization")?)?;
    let mut wanted = if wanted.is_empty() {
        scopes(&[Entity::Contact, Entity::Company], true)
    } else {
        wanted.to_vec()
    };
    for further in Settings::of(calls).further_scopes() {
        if !wanted.contains(&further) {
            wanted.push(further);
        }
    }
    let mut desk = Desk {
        calls,
        credentials,
        at: endpoint(Settings::of(calls).token_url(), calls.base_url())?,
        asked: 0,
    };
    let (answer, scopes) = desk.sign_in(&wanted).await?;
    Ok(Grant {
        tokens: Tokens {
            access: answer.access,
            refresh: None,
            expires: Some(answer.expires),
            scopes,
            account: Json::Null,
            further: std::collections::BTreeMap::new(),
        },
        settings: json!({ "organization": organization }),
    })
}

/// The organisation's name; the address of an admin page is understood too.
fn organization(given: &str) -> Result<&str, Error> {
    let name = match given.split_once("://") {
        Some((_, address)) => {
            let path: Vec<&str> = address.split('/').skip(1).collect();
            match path[..] {
                ["admin", name, ..] | [name, ..] => name,
                [] => "",
            }
        }
        None => given,
    };
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    if !name.is_empty() && name.chars().all(plain) {
        Ok(name)
    } else {
        Err(Error::Setting {
            setting: "organization",
            hint: "it is the name in the address of OfficeRnD's admin pages \
                   (https://app.officernd.com/admin/<organisation>/…)"
                .to_owned(),
        })
    }
}

/// The token endpoint: that of the settings, else the vendor's, else (for a stand-in) below the base URL.
fn endpoint(setting: Option<&str>, base_url: &str) -> Result<(String, String), Error> {
    let base_url = base_url.trim_end_matches('/');
    let split = |address: &str| {
        let (scheme, rest) = address.split_once("://")?;
        let (host, path) = rest.split_once('/')?;
        Some((format!("{scheme}://{host}"), format!("/{path}")))
    };
    match setting {
        Some(address) => split(address).ok_or_else(|| Error::Setting {
            setting: "token_url",
            hint: format!("it must be a full address such as {IDENTITY}{PATH}"),
        }),
        None => {
            let host = match base_url {
                "" | BASE_URL => IDENTITY,
                "https://staging.officernd.com" => IDENTITY_STAGING,
                other => other,
            };
            Ok((host.to_owned(), PATH.to_owned()))
        }
    }
}

/// Asks for tokens.
struct Desk<'a> {
    calls: &'a dyn Calls,
    credentials: &'a Credentials,
    at: (String, String),
    asked: usize,
}

struct Answer {
    access: SecretText,
    expires: Timestamp,
    scopes: Vec<String>,
}

impl Desk<'_> {
    async fn sign_in(&mut self, wanted: &[String]) -> Result<(Answer, Vec<String>), Error> {
        let said = match self.ask(wanted).await? {
            Ok(answer) => return Ok(granted(answer, wanted)),
            Err(said) => said,
        };
        let mut rest: Vec<String> = wanted.to_vec();
        // where it does say which, that saves asking
        let is_named = |scope: &String| said.says(scope);
        if rest.iter().any(is_named) && !rest.iter().all(is_named) {
            rest.retain(|scope| !is_named(scope));
            if let Ok(answer) = self.ask(&rest).await? {
                return Ok(granted(answer, &rest));
            }
        }
        let first = rest.remove(0);
        if wanted.len() == 1 || says_who(&said) {
            return Err(refused(&said, &first));
        }
        if let Err(said) = self.ask(std::slice::from_ref(&first)).await? {
            return Err(refused(&said, &first));
        }
        let mut good = self.halve(rest).await?;
        good.insert(0, first.clone());
        match self.ask(&good).await? {
            Ok(answer) => Ok(granted(answer, &good)),
            Err(said) => Err(refused(&said, &first)),
        }
    }

    /// Which of these are granted; that not all are is known.
    async fn halve(&mut self, scopes: Vec<String>) -> Result<Vec<String>, Error> {
        let mut good = Vec::new();
        let mut open = vec![(scopes, true)];
        while let Some((mut left, refused)) = open.pop() {
            if left.is_empty() {
                continue;
            }
            if !refused && self.ask(&left).await?.is_ok() {
                good.extend(left);
                continue;
            }
            if left.len() == 1 {
                continue;
            }
            let right = left.split_off(left.len() / 2);
            if self.ask(&left).await?.is_ok() {
                good.extend(left);
                open.push((right, true));
            } else {
                open.push((right, false));
                open.push((left, true));
            }
        }
        Ok(good)
    }

    /// One request. The inner error is the vendor's refusal.
    async fn ask(&mut self, scopes: &[String]) -> Result<Result<Answer, Complaint>, Error> {
        self.asked += 1;
        if self.asked > MOST {
            return Err(CallError::NotSent {
                operation: TOKEN,
                why: "which scopes are granted could not be found out".to_owned(),
            }
            .into());
        }
        let (host, path) = &self.at;
        let mut request = Request::new(TOKEN, Effect::SignIn, Method::POST, path.as_str());
        request.base_url = Some(host.clone());
        request.body = Body::Form(
            [
                ("grant_type", "client_credentials"),
                ("client_id", given(self.credentials, "client_id")?),
                ("client_secret", given(self.credentials, "client_secret")?),
                ("scope", &scopes.join(" ")),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        );
        let response = self.calls.send(request).await?;
        if !response.status.is_success() {
            return Ok(Err(Complaint::of(&response)));
        }
        let body: Json = response.json(TOKEN)?;
        // the reference calls it `token`, clients read `access_token`
        let access = ["access_token", "token"]
            .iter()
            .find_map(|key| body[*key].as_str())
            .filter(|token| !token.is_empty())
            .ok_or_else(|| Error::Unexpected {
                operation: TOKEN,
                status: response.status.as_u16(),
                what: "it holds no access_token".to_owned(),
            })?;
        let life = body["expires_in"]
            .as_i64()
            .or_else(|| body["expires_in"].as_str()?.parse().ok())
            .filter(|life| *life > 0)
            .unwrap_or(USUAL_LIFE);
        Ok(Ok(Answer {
            access: SecretText::new(access),
            expires: response
                .sent
                .saturating_add(SignedDuration::from_secs(life))
                .unwrap_or(Timestamp::MAX),
            scopes: body["scope"]
                .as_str()
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
        }))
    }
}

/// What was granted: what the answer says, else what was asked for.
fn granted(answer: Answer, asked: &[String]) -> (Answer, Vec<String>) {
    let said: Vec<String> = asked
        .iter()
        .filter(|scope| answer.scopes.contains(scope))
        .cloned()
        .collect();
    let scopes = if said.is_empty() {
        asked.to_vec()
    } else {
        said
    };
    (answer, scopes)
}

/// Whether the refusal says that it is the client itself that is not known.
fn says_who(said: &Complaint) -> bool {
    ["invalid_client", "unauthorized_client", "invalid client"]
        .iter()
        .any(|part| said.says(part))
}

fn refused(said: &Complaint, first: &str) -> Error {
    let what = if says_who(said) {
        "the client ID or the secret is wrong".to_owned()
    } else {
        format!("the client ID or the secret is wrong, or the application lacks the scope {first}")
    };
    CallError::Credentials {
        operation: TOKEN,
        why: format!("{TITLE} gives no token ({}): {what}", said.message()),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_organisation_is_read_out_of_an_address_too() {
        for given in [
            "my-space",
            "https://app.officernd.com/admin/my-space/members",
            "https://app.officernd.com/my-space",
        ] {
            assert_eq!(organization(given).unwrap(), "my-space");
        }
        for given in ["", "my space", "../x", "https://app.officernd.com"] {
            assert!(organization(given).is_err(), "{given}");
        }
    }

    #[test]
    fn tokens_come_from_the_identity_server_or_from_the_stand_in() {
        let at = |setting, base| {
            let (host, path) = endpoint(setting, base).unwrap();
            format!("{host}{path}")
        };
        assert_eq!(
            at(None, "https://app.officernd.com"),
            "https://identity.officernd.com/oauth/token"
        );
        assert_eq!(
            at(None, "https://staging.officernd.com/"),
            "https://identity-staging.officernd.com/oauth/token"
        );
        assert_eq!(
            at(None, "http://127.0.0.1:4010/officernd"),
            "http://127.0.0.1:4010/officernd/oauth/token"
        );
        assert_eq!(
            at(
                Some("https://id.example/x/token"),
                "https://app.officernd.com"
            ),
            "https://id.example/x/token"
        );
        assert!(endpoint(Some("id.example"), "https://app.officernd.com").is_err());
    }
}
