//! Tokens by client credentials.
//!
//! One scope that the application was not granted fails the whole request with 400, and the answer is not
//! known to say which. So the granted ones are found by asking for parts, within the vendor's limit of five token
//! requests a minute, which the caller keeps. What was found is kept in the settings, so that it is not asked with every
//! token, but every few hours, and when somebody connects again: a scope may be granted meanwhile, and a refusal may have
//! been the vendor's trouble. So a scope that a token had is only said to be lost when it was refused twice beside those that
//! are granted. There is no refresh token; a token lives about an hour.

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
    settings::{MISSING_SCOPES, MISSING_SINCE, Settings},
};

/// The vendor's identity server (the reference and every client that was seen).
const IDENTITY: &str = "https://identity.officernd.com";

/// That of its staging system (a test plan of others).
const IDENTITY_STAGING: &str = "https://identity-staging.officernd.com";

const PATH: &str = "/oauth/token";

/// The life of a token whose answer does not say it.
const USUAL_LIFE: i64 = 3599;

/// Most token requests that a sign-in makes for the scopes of the sync.
const MOST: usize = 40;

/// Most token requests that one sign-in makes for further scopes; what stays open is found out with later tokens.
const MOST_FURTHER: usize = 12;

/// After this, scopes that were missing are asked for again.
const AGAIN: SignedDuration = SignedDuration::from_hours(3);

/// How many scopes are tried at once to begin with.
const FIRST_GROUP: usize = 16;

/// A token, with as many of these scopes, and of those that the settings add, as the application was granted.
pub(crate) async fn obtain(
    calls: &dyn Calls,
    credentials: &Credentials,
    wanted: &[String],
) -> Result<Grant, Error> {
    let organization = organization(given(credentials, "organization")?)?;
    let settings = Settings::of(calls);
    let wanted = if wanted.is_empty() {
        scopes(&[Entity::Contact, Entity::Company], true)
    } else {
        wanted.to_vec()
    };
    let mut missing = settings.missing_scopes();
    missing.retain(|scope| !wanted.contains(scope));
    let now = calls.now();
    let since = settings.missing_since();
    let is_due = since.is_none_or(|since| now.duration_since(since) >= AGAIN);
    let again = if is_due {
        std::mem::take(&mut missing)
    } else {
        Vec::new()
    };
    let known = missing.len();
    let mut further = settings.further_scopes();
    let is_open = |scope: &String| {
        ![&wanted, &missing, &again]
            .iter()
            .any(|of| of.contains(scope))
    };
    further.retain(is_open);
    let further = [again.as_slice(), &further].concat();
    let desk = Desk {
        calls,
        credentials,
        at: endpoint(settings.token_url(), calls.base_url())?,
    };
    let mut found = Found {
        answer: None,
        granted: Vec::new(),
        missing,
    };
    desk.sign_in(&wanted, &further, &mut found).await?;
    // what it did not come to is the first next time
    let untried = wanted
        .iter()
        .chain(&again)
        .filter(|scope| !found.knows(scope));
    let mut untried: Vec<String> = untried.cloned().collect();
    untried.append(&mut found.missing);
    found.missing = untried;
    let mut kept = json!({
        "organization": organization,
        MISSING_SCOPES: found.missing,
    });
    if !found.missing.is_empty() {
        let is_new = !again.is_empty() || found.missing.len() > known;
        let since = since.filter(|_| !is_new).unwrap_or(now);
        kept[MISSING_SINCE] = json!(since.to_string());
    }
    let answer = found.answer.ok_or_else(|| CallError::NotSent {
        operation: TOKEN,
        why: "which scopes are granted could not be found out".to_owned(),
    })?;
    Ok(Grant {
        tokens: Tokens {
            access: answer.access,
            refresh: None,
            expires: Some(answer.expires),
            scopes: found.granted,
            account: Json::Null,
            further: std::collections::BTreeMap::new(),
        },
        settings: kept,
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
}

struct Answer {
    access: SecretText,
    expires: Timestamp,
    scopes: Vec<String>,
}

/// What is known so far.
struct Found {
    /// The newest token: it has all scopes that are known to be granted.
    answer: Option<Answer>,
    granted: Vec<String>,
    missing: Vec<String>,
}

impl Found {
    fn knows(&self, scope: &String) -> bool {
        self.granted.contains(scope) || self.missing.contains(scope)
    }

    /// Takes in a token for what was granted so far and for these.
    fn take(&mut self, answer: Answer, asked: &[String]) {
        // where an answer lists its scopes, those that it does not list were left out
        let lists = asked.iter().any(|scope| answer.scopes.contains(scope));
        for scope in asked {
            let granted = !lists || answer.scopes.contains(scope);
            let known = if granted {
                &mut self.granted
            } else {
                &mut self.missing
            };
            if !known.contains(scope) {
                known.push(scope.clone());
            }
        }
        self.answer = Some(answer);
    }
}

impl Desk<'_> {
    async fn sign_in(
        &self,
        wanted: &[String],
        further: &[String],
        found: &mut Found,
    ) -> Result<(), Error> {
        let mut all = [wanted, further].concat();
        let mut said = match self.ask(&[], &all).await? {
            Ok(answer) => {
                found.take(answer, &all);
                return Ok(());
            }
            Err(said) => said,
        };
        // where it does say which, that saves asking
        let named: Vec<String> = all
            .iter()
            .filter(|scope| said.says(scope))
            .cloned()
            .collect();
        if !named.is_empty() && named.len() < all.len() {
            all.retain(|scope| !named.contains(scope));
            found.missing.extend(named);
            match self.ask(&[], &all).await? {
                Ok(answer) => {
                    found.take(answer, &all);
                    return Ok(());
                }
                Err(again) => said = again,
            }
        }
        let (wanted, further): (Vec<String>, Vec<String>) =
            all.into_iter().partition(|scope| wanted.contains(scope));
        let Some(first) = wanted.first().cloned() else {
            return Err(refused(&said, "for its records"));
        };
        if says_who(&said) {
            return Err(refused(&said, &first));
        }
        let alone = further.is_empty();
        let mut tries = MOST;
        // all that the sync needs at once, unless that is what was refused just now
        if !alone && let Ok(answer) = self.ask(&[], &wanted).await? {
            found.take(answer, &wanted);
        } else {
            if wanted.len() == 1 {
                return Err(refused(&said, &first));
            }
            let one = std::slice::from_ref(&first);
            match self.ask(&[], one).await? {
                Ok(answer) => found.take(answer, one),
                Err(said) => return Err(refused(&said, &first)),
            }
            let rest = wanted[1..].to_vec();
            self.search(rest, true, &mut tries, found).await?;
        }
        let mut tries = MOST_FURTHER;
        let searched = self.search(further, false, &mut tries, found).await;
        // there is a token for what the sync needs; a check names what stays open, and it is asked with the next token
        searched.or_else(|error| match &found.answer {
            Some(_) => Ok(()),
            None => Err(error),
        })
    }

    /// Finds out which of these are granted, in at most so many tries; that not all are is known. Groups grow while they are granted and shrink
    /// where they are not, so that few that are missing cost little, and many no more than one try each; where it has to be
    /// sure, one more for each that is missing.
    async fn search(
        &self,
        scopes: Vec<String>,
        sure: bool,
        tries: &mut usize,
        found: &mut Found,
    ) -> Result<(), Error> {
        let mut open = std::collections::VecDeque::from(scopes);
        // where many are known to be missing, more are likely to be
        let mut size = (FIRST_GROUP / (1 + found.missing.len())).max(1);
        let mut known_not_all = open.len() <= size;
        while !open.is_empty() && *tries > 0 {
            let mut group: Vec<String> = open.drain(..size.min(open.len())).collect();
            if !std::mem::take(&mut known_not_all) && self.is_granted(&group, tries, found).await? {
                size *= 2;
                continue;
            }
            size = (size / 4).max(1);
            // one of the group is missing: the first such
            while group.len() > 1 && *tries > 0 {
                let right = group.split_off(group.len() / 2);
                if self.is_granted(&group, tries, found).await? {
                    group = right;
                } else {
                    for scope in right.into_iter().rev() {
                        open.push_front(scope);
                    }
                }
            }
            if group.len() > 1 {
                continue;
            }
            let by_mishap = sure && *tries > 0 && self.is_granted(&group, tries, found).await?;
            if !by_mishap {
                found.missing.append(&mut group);
            }
        }
        Ok(())
    }

    async fn is_granted(
        &self,
        group: &[String],
        tries: &mut usize,
        found: &mut Found,
    ) -> Result<bool, Error> {
        *tries -= 1;
        // with all that is known to be granted, so that the answer is a token that can be used
        Ok(match self.ask(&found.granted, group).await? {
            Ok(answer) => {
                found.take(answer, group);
                true
            }
            Err(_) => false,
        })
    }

    /// One request. The inner error is the vendor's refusal.
    async fn ask(
        &self,
        granted: &[String],
        more: &[String],
    ) -> Result<Result<Answer, Complaint>, Error> {
        let scopes = [granted, more].concat();
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
