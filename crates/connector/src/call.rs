//! One HTTP exchange with a vendor, described as data.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Whether a request can change something at the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Reading: may be repeated freely.
    Read,
    /// Writing: is repeated only when it is known not to have happened.
    Write,
    /// Obtaining a token that makes no other one void: may be repeated freely, and where a vendor
    /// limits it apart from all else, a window of its own says so.
    SignIn,
}

/// What is sent. The connection adds authorisation just before each attempt
/// (see [`crate::Connector::authorise`]).
/// Its `Debug` form holds no query, header or body: those carry secrets and record values.
#[derive(Clone)]
pub struct Request {
    /// The operation's id for the call log and the counters, such as `contacts.update`.
    pub operation: &'static str,
    /// Reading or writing.
    pub effect: Effect,
    /// The HTTP method.
    pub method: Method,
    /// The path below the connection's base URL, beginning with `/`, already percent-encoded.
    pub path: String,
    /// Another host of the vendor than the connection's base URL, with scheme and without a `/` at its
    /// end: some keep their sign-in elsewhere.
    pub base_url: Option<String>,
    /// Query parameters, not yet encoded.
    pub query: Vec<(String, String)>,
    /// Headers other than authorisation.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
    /// How many records it is about; feeds the adaptive batch size. At least 1.
    pub records: usize,
    /// A missing scope or right is an answer to this request alone, and no fault of the connection: it was asked
    /// for by itself, outside of what the connection is for.
    pub own_right: bool,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("operation", &self.operation)
            .field("effect", &self.effect)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("records", &self.records)
            .finish_non_exhaustive()
    }
}

impl Request {
    /// A request without query, headers and body, about one record.
    pub fn new(
        operation: &'static str,
        effect: Effect,
        method: Method,
        path: impl Into<String>,
    ) -> Self {
        Self {
            operation,
            effect,
            method,
            path: path.into(),
            base_url: None,
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Body::Empty,
            records: 1,
            own_right: false,
        }
    }

    /// With one more query parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(mut self, body: Json) -> Self {
        self.body = Body::Json(body);
        self
    }
}

/// The body of a request. Its `Debug` form holds no content.
#[derive(Clone)]
pub enum Body {
    /// None.
    Empty,
    /// JSON. `authorise` may still add to it (onOffice signs inside the body).
    Json(Json),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Json(_) => "Json(..)",
            Self::Form(_) => "Form(..)",
        })
    }
}

/// What came back: any status. Its `Debug` form holds no header and no body.
#[derive(Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed and within the size cap.
    pub body: Bytes,
    /// When the request was sent, by our clock.
    pub sent: Timestamp,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

impl Response {
    /// The body as JSON.
    ///
    /// # Errors
    /// When the body is no JSON: the vendor, or something between, answered with something else.
    /// The error names places and types, never values out of the body.
    pub fn json<T: serde::de::DeserializeOwned>(
        &self,
        operation: &'static str,
    ) -> Result<T, crate::Error> {
        serde_json::from_slice(&self.body).map_err(|source| crate::Error::Unexpected {
            operation,
            status: self.status.as_u16(),
            what: format!(
                "the answer ({} bytes, content type {}) could not be read as the expected JSON: {}",
                self.body.len(),
                self.headers
                    .get(http::header::CONTENT_TYPE)
                    .and_then(|value| value.to_str().ok())
                    .unwrap_or("none"),
                without_values(&source),
            ),
        })
    }
}

/// What a JSON error says, without the value that it quotes.
fn without_values(error: &serde_json::Error) -> String {
    let place = format!("line {} column {}", error.line(), error.column());
    let said = error.to_string();
    let what = if error.is_data() {
        let expected = said.rsplit_once(", expected ").map(|(_, rest)| rest);
        let expected = expected.map(|rest| rest.split(" at line ").next().unwrap_or(rest));
        let found = ["invalid type: ", "invalid value: "]
            .iter()
            .find_map(|start| said.strip_prefix(start))
            .and_then(|rest| rest.split([' ', ',', '`', '"']).next());
        match (found, expected) {
            (Some(found), Some(expected)) => format!("found {found}, expected {expected}"),
            _ if said.starts_with("missing field ") => {
                said.split(" at line ").next().unwrap_or(&said).to_owned()
            }
            _ => "a value is not of the expected form".to_owned(),
        }
    } else if error.is_eof() {
        "it ends too early".to_owned()
    } else {
        "it is no JSON".to_owned()
    };
    format!("{what} ({place})")
}

/// What a vendor says of its limits beside an answer. Goes before the documented [`crate::Limits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Announced {
    /// It is about requests of this effect alone; `None`: about all.
    pub effect: Option<Effect>,
    /// Requests allowed within `per`.
    pub limit: Option<u32>,
    /// Requests still free in the current `per`.
    pub remaining: Option<u32>,
    /// The length of the burst window. `None`: the shortest documented one.
    pub per: Option<std::time::Duration>,
    /// Requests allowed in a day.
    pub daily_limit: Option<u32>,
    /// Requests still free today.
    pub daily_remaining: Option<u32>,
    /// When the vendor's day ends, if it says so.
    pub daily_reset: Option<Timestamp>,
}

/// What an answer means for the connection as a whole; said by the connector, acted on by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The vendor processed the request; the connector reads the details (which may be a refusal).
    Answered,
    /// Not processed: over the limit. Wait this long if the vendor said so.
    Throttled {
        /// From `Retry-After` or the limit headers.
        wait: Option<std::time::Duration>,
        /// The daily budget is used up, not the burst.
        daily: bool,
    },
    /// Not processed: the access token is expired or invalid; refresh once and repeat.
    TokenRefused,
    /// Not processed: the token is good and lacks the scope or right that this request needs. All else on the
    /// connection goes on.
    RightMissing {
        /// The scope or right, in the vendor's words.
        right: String,
    },
    /// Not processed: the credentials themselves or the account are wrong. A person has to act.
    CredentialsRefused {
        /// What the vendor said, without secrets.
        message: String,
    },
    /// Not processed: our clock and the vendor's differ; set it by this and repeat once.
    ClockSkew {
        /// The vendor's time.
        server: Timestamp,
    },
    /// Trouble at the vendor; a write may or may not have happened.
    Unavailable {
        /// What is known, without record values.
        message: String,
    },
}

/// Why no usable answer came back. Retries that were allowed have been made before this is said.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// The request had no effect: never sent, or refused before processing. May be tried later.
    #[error("{operation} was not carried out: {why}")]
    NotSent {
        /// The operation.
        operation: &'static str,
        /// Why, without secrets and record values.
        why: String,
    },
    /// The request was sent and its effect is not known. A write must not be repeated blindly.
    #[error("the outcome of {operation} is not known: {why}")]
    OutcomeUnknown {
        /// The operation.
        operation: &'static str,
        /// Why, without secrets and record values.
        why: String,
    },
    /// The connection cannot be used until a person acts.
    #[error("the connection was refused at {operation}: {why}")]
    Credentials {
        /// The operation.
        operation: &'static str,
        /// What the vendor said, without secrets.
        why: String,
    },
    /// Refused, without effect: the connection lacks a scope or right that the request needs. All else
    /// on the connection goes on.
    #[error("{operation} needs {right}, which this connection does not have")]
    Right {
        /// The operation.
        operation: &'static str,
        /// The scope or right, in the vendor's words.
        right: String,
    },
    /// We are stopping.
    #[error("{operation} was given up because the server is stopping")]
    Stopping {
        /// The operation.
        operation: &'static str,
    },
}

/// The way out to one connection's account: adds authorisation, keeps to the budget in the caller's
/// lane, retries what may be retried, writes the call log.
#[async_trait]
pub trait Calls: Send + Sync {
    /// Sends and returns the answer that the connector's `verdict` called [`Verdict::Answered`].
    async fn send(&self, request: Request) -> Result<Response, CallError>;

    /// Now, by the clock that was passed in.
    fn now(&self) -> Timestamp;

    /// The connection's settings that are no secrets: location id, country and the like. What was
    /// [learnt](Self::learn) stands in them under `learned`.
    fn settings(&self) -> &Json;

    /// Where the API lives for this connection, without a `/` at its end. Empty: at the vendor's usual
    /// address.
    fn base_url(&self) -> &str {
        ""
    }

    /// Keeps a fact about the account that only trying could show, such as a field that it never takes:
    /// from the next session on it stands in the settings, under `learned` and this key, until somebody
    /// signs in anew. A caller that keeps nothing forgets it.
    async fn learn(&self, _key: &str, _fact: Json) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails<T: serde::de::DeserializeOwned + std::fmt::Debug>(body: &'static str) -> String {
        let response = Response {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
            sent: Timestamp::UNIX_EPOCH,
        };
        response.json::<T>("contacts.get").unwrap_err().to_string()
    }

    #[test]
    fn an_unreadable_answer_is_described_without_its_values() {
        #[derive(Debug, serde::Deserialize)]
        struct Contact {
            #[expect(dead_code, reason = "only read by serde")]
            age: u32,
            #[expect(dead_code, reason = "only read by serde")]
            at: Option<Timestamp>,
        }
        let wrong_type = fails::<Contact>(r#"{"age":"erika@example.org"}"#);
        assert!(
            wrong_type.contains("found string, expected u32"),
            "{wrong_type}"
        );
        let custom = fails::<Contact>(r#"{"age":1,"at":"erika@example.org"}"#);
        assert!(custom.contains("not of the expected form"), "{custom}");
        assert!(fails::<Contact>("{}").contains("missing field `age`"));
        assert!(fails::<Contact>("<html>erika@example.org").contains("it is no JSON"));
        assert!(fails::<Contact>("{\"age\":").contains("ends too early"));
        for text in [wrong_type, custom] {
            assert!(!text.contains("erika"), "{text}");
        }
    }
}
