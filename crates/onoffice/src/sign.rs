//! Signing: HMAC version 2 over time stamp, token, resource type and action.
//!
//! ```text
//! hmac = base64(HMAC-SHA256(key = secret as text, decimal(timestamp) + token + resourcetype + actionid))
//! ```
//!
//! (documented: "HMAC validation"). Parameters and record ids are not signed. The vendor takes a time
//! stamp within 120 seconds of its own clock.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use connector::{Body, Credentials, Error, Request};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use sha2::Sha256;

use crate::describe::{SCHEME, SYSTEM};

/// Characters of a token (documented).
const TOKEN: usize = 32;
/// Characters of a secret (documented).
const SECRET: usize = 64;

/// Token and secret, seen to be of the right lengths.
pub(crate) struct Keys<'a> {
    pub(crate) token: &'a str,
    secret: &'a str,
}

impl<'a> Keys<'a> {
    /// Takes token and secret out of the credentials.
    ///
    /// # Errors
    /// [`Error::Setting`] when one is missing, incomplete, or they are swapped: the vendor names both
    /// as the usual cause of "not authenticated".
    pub(crate) fn of(credentials: &'a Credentials) -> Result<Self, Error> {
        if credentials.scheme != SCHEME {
            return Err(Error::Unsupported {
                system: SYSTEM,
                what: format!(
                    "sign in by `{}`; there is only `{SCHEME}`",
                    credentials.scheme
                ),
            });
        }
        let token = given(credentials, "token")?;
        let secret = given(credentials, "secret")?;
        let (token_length, secret_length) = (token.chars().count(), secret.chars().count());
        if token_length == SECRET && secret_length == TOKEN {
            return Err(wrong(
                "token",
                "token and secret are swapped: the token is the short one with 32 characters"
                    .into(),
            ));
        }
        if token_length != TOKEN {
            return Err(wrong("token", length(token_length, TOKEN)));
        }
        if secret_length != SECRET {
            return Err(wrong("secret", length(secret_length, SECRET)));
        }
        Ok(Self { token, secret })
    }
}

fn given<'a>(credentials: &'a Credentials, field: &'static str) -> Result<&'a str, Error> {
    let text = credentials.given(field).unwrap_or_default().trim();
    if text.is_empty() {
        return Err(wrong(
            field,
            "create an API user under Extras → Einstellungen → Benutzer; the secret is shown once"
                .into(),
        ));
    }
    Ok(text)
}

fn length(found: usize, expected: usize) -> String {
    format!("it has {found} characters and should have {expected}; was all of it copied?")
}

fn wrong(setting: &'static str, hint: String) -> Error {
    Error::Setting { setting, hint }
}

/// The signature of one action.
pub(crate) fn hmac(
    secret: &str,
    timestamp: i64,
    token: &str,
    resource_type: &str,
    action: &str,
) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(format!("{timestamp}{token}{resource_type}{action}").as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Puts token, time stamp and signature into the envelope, over those of an earlier attempt.
///
/// # Errors
/// When the credentials are not usable, or the request is none of ours.
pub(crate) fn authorise(
    request: &mut Request,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<(), Error> {
    let keys = Keys::of(credentials)?;
    let operation = request.operation;
    let foreign = || Error::Unsupported {
        system: SYSTEM,
        what: format!("sign {operation}: it has no actions"),
    };
    let Body::Json(body) = &mut request.body else {
        return Err(foreign());
    };
    let timestamp = now.as_second();
    let actions = body
        .pointer_mut("/request/actions")
        .and_then(Json::as_array_mut)
        .ok_or_else(foreign)?;
    for action in actions {
        let text = |key: &str| action.get(key).and_then(Json::as_str).unwrap_or_default();
        let signature = hmac(
            keys.secret,
            timestamp,
            keys.token,
            text("resourcetype"),
            text("actionid"),
        );
        action["timestamp"] = json!(timestamp);
        action["hmac"] = json!(signature);
        action["hmac_version"] = json!("2");
    }
    body["token"] = json!(keys.token);
    Ok(())
}

#[cfg(test)]
mod tests {
    use connector::SecretText;

    use super::*;
    use crate::action::{Action, Verb, request};

    const READ: &str = "urn:onoffice-de-ns:smart:2.5:smartml:action:read";
    const GET: &str = "urn:onoffice-de-ns:smart:2.5:smartml:action:get";
    const CREATE: &str = "urn:onoffice-de-ns:smart:2.5:smartml:action:create";

    fn credentials(token: &str, secret: &str) -> Credentials {
        Credentials {
            scheme: SCHEME.into(),
            given: [("token", token), ("secret", secret)]
                .map(|(name, value)| (name.to_owned(), SecretText::new(value)))
                .into(),
            tokens: None,
        }
    }

    /// The first two are from the tests of the vendor's own SDK, the third has the inputs of the
    /// vendor's documentation, the fourth keys of real length.
    #[test]
    fn signatures_are_those_of_the_vendors_sdk() {
        for (secret, timestamp, token, resource, action, expected) in [
            (
                "testsecret",
                1_646_228_220,
                "testtoken",
                "calendar",
                READ,
                "w6ifKMmAdJoKhu0vl2twvfP+ltyOTQ7LqLpvsZkOnlg=",
            ),
            (
                "yOJobbhGLXdp90XxvxedFhH7073L9U",
                123_456_789,
                "mgjIQkNRnaqggVzy9cZW",
                "estateCategories",
                GET,
                "dsvg3r4AFcQXges0MZ+3auzQVfnEB39pLkKSgmm9Wvg=",
            ),
            (
                "dhY8h7FeU9",
                123_456_789,
                "dX5hkIIU6W",
                "estateCategories",
                GET,
                "F9OXyaJv7p+bLkwGDGV7ZUmfYgjH2E24zpsxY5/nVDk=",
            ),
            (
                &"s".repeat(64),
                1_700_000_000,
                &"t".repeat(32),
                "address",
                CREATE,
                "VZbHVARuWVNtPb4rgrCqqmVyPV50/x2OguWytJUaSg4=",
            ),
        ] {
            assert_eq!(hmac(secret, timestamp, token, resource, action), expected);
        }
    }

    #[test]
    fn each_attempt_is_signed_anew() {
        let keys = credentials(&"t".repeat(32), &format!(" {}\n", "s".repeat(64)));
        let action = Action::new(Verb::Create, "address", json!({"Name": "Beispiel"}));
        let mut request = request("contacts.create", &[action.clone(), action], 2);
        authorise(&mut request, &keys, Timestamp::UNIX_EPOCH).unwrap();
        authorise(
            &mut request,
            &keys,
            Timestamp::from_second(1_700_000_000).unwrap(),
        )
        .unwrap();
        let Body::Json(body) = &request.body else {
            panic!("the body is JSON")
        };
        assert_eq!(body["token"], "t".repeat(32));
        for place in 0..2 {
            let action = &body["request"]["actions"][place];
            assert_eq!(action["timestamp"], 1_700_000_000);
            assert_eq!(action["hmac_version"], "2");
            assert_eq!(
                action["hmac"],
                "VZbHVARuWVNtPb4rgrCqqmVyPV50/x2OguWytJUaSg4="
            );
            assert_eq!(action["identifier"], place.to_string());
        }
    }

    #[test]
    fn swapped_and_incomplete_keys_are_told_apart_without_showing_them() {
        let text = |token: &str, secret: &str| {
            Keys::of(&credentials(token, secret))
                .err()
                .expect("these keys are no good")
                .to_string()
        };
        let (token, secret) = ("t".repeat(32), "s".repeat(64));
        assert!(text(&secret, &token).contains("swapped"));
        assert!(text(&token[1..], &secret).contains("31 characters"));
        assert!(text(&token, &secret[..63]).contains("63 characters"));
        assert!(text("", &secret).contains("`token`"));
        assert!(!text(&token[1..], &secret).contains("ttt"));
    }
}
