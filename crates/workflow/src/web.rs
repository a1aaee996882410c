//! Requests to addresses that a person wrote into a workflow, and messages to chats; e-mail is beside.
//!
//! Addresses in private ranges are refused unless the one who runs the server allows them; redirects are not
//! followed; an answer has a limit in size and time. A secret is read from its reference just before it is sent.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use connections::{Answer, Clock, Outgoing, Transport, TransportError, secret};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::{Map, Value as Json, json};
use url::Url;

use crate::{
    act::{Act, Failure, FailureKind, Outcome},
    mail::{self, MailServer},
    runner::too_large,
    values::is_reference,
};

/// The largest answer whose body is handed on, in bytes.
const LARGEST: usize = 1024 * 1024;

/// How long a chat has to answer.
const CHAT: Duration = Duration::from_secs(20);

/// What is said of an address that may not be reached.
const FORBIDDEN: &str = "the address is of this machine or of a private network; \
    `workflows: {allow_private_addresses: true}` in the config allows that";

/// The way to addresses that a person wrote.
pub struct Web {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    outside: Arc<RwLock<Outside>>,
}

/// What the one who runs the server allows and provides; it can change at any time.
#[derive(Debug, Clone, Default)]
pub struct Outside {
    /// Whether addresses may lie in private ranges.
    pub allow_private: bool,
    /// The server that e-mail goes through.
    pub mail: Option<MailServer>,
}

impl Web {
    /// The way over this transport; `outside` is looked at for each request.
    pub fn new(
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        outside: Arc<RwLock<Outside>>,
    ) -> Self {
        Self {
            transport,
            clock,
            outside,
        }
    }

    /// Does an act that is no operation of a connection.
    pub async fn perform(&self, act: &Act) -> Outcome {
        if let Act::Email { to, subject, text } = act {
            return match self.outside().mail {
                Some(server) => mail::send(&server, to, subject, text).await,
                None => Outcome::Failed(Failure::new(
                    FailureKind::Input,
                    "no mail server is set up: `mail` in the config names one",
                )),
            };
        }
        let request = match self.request(act) {
            Ok(request) => request,
            Err(failure) => return Outcome::Failed(failure),
        };
        let (outgoing, patience) = request;
        let sent = tokio::select! {
            sent = self.transport.send(outgoing) => sent,
            () = self.clock.sleep(patience) => {
                Err(TransportError::MaybeSent("no answer in time".to_owned()))
            }
        };
        match sent {
            Ok(answer) => read(&answer),
            Err(TransportError::NotSent(why)) => {
                Outcome::Failed(Failure::new(FailureKind::Unreachable, why))
            }
            // not the transport's words: they name the address, which may be a secret
            Err(TransportError::Forbidden(_)) => {
                Outcome::Failed(Failure::new(FailureKind::Input, FORBIDDEN))
            }
            Err(error) => Outcome::Unknown(error.to_string()),
        }
    }

    fn outside(&self) -> Outside {
        self.outside
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn request(&self, act: &Act) -> Result<(Outgoing, Duration), Failure> {
        let wrong = |what: String| Failure::new(FailureKind::Input, what);
        let outgoing = |method, url, headers, body: Vec<u8>| Outgoing {
            method,
            url,
            headers,
            body: body.into(),
            allow_private: self.outside().allow_private,
        };
        match act {
            Act::Http {
                method,
                url,
                headers,
                query,
                body,
                timeout,
                ..
            } => {
                let method = Method::from_bytes(method.as_bytes())
                    .map_err(|_| wrong(format!("`{method}` is no method")))?;
                let mut url = address(url)?;
                if !query.is_empty() {
                    url.query_pairs_mut().extend_pairs(query);
                }
                let mut given = HeaderMap::new();
                for (name, value) in headers {
                    let named = HeaderName::try_from(name.as_str())
                        .map_err(|_| wrong(format!("`{name}` is no name of a header")))?;
                    let held;
                    let text = if is_reference(value) {
                        held = secret(value).map_err(wrong)?;
                        held.expose()
                    } else {
                        value
                    };
                    let mut value = HeaderValue::try_from(text)
                        .map_err(|_| wrong(format!("the header `{name}` cannot have its value")))?;
                    value.set_sensitive(true);
                    given.insert(named, value);
                }
                let body = match body {
                    Json::Null => Vec::new(),
                    Json::String(text) => text.clone().into_bytes(),
                    other => {
                        given
                            .entry(header::CONTENT_TYPE)
                            .or_insert(HeaderValue::from_static("application/json"));
                        other.to_string().into_bytes()
                    }
                };
                let patience = Duration::from_secs(u64::from(*timeout));
                Ok((outgoing(method, url, given, body), patience))
            }
            Act::Chat { url, text } => {
                let url = secret(url).map_err(wrong)?;
                let url = address(url.expose())?;
                let mut headers = HeaderMap::new();
                headers.insert(
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("application/json"),
                );
                let body = json!({"text": text}).to_string().into_bytes();
                Ok((outgoing(Method::POST, url, headers, body), CHAT))
            }
            Act::Email { .. } | Act::Operation { .. } | Act::Edit { .. } => {
                Err(wrong("this is no request".to_owned()))
            }
        }
    }
}

fn address(text: &str) -> Result<Url, Failure> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| {
            Failure::new(
                FailureKind::Input,
                "the address is none that begins with http:// or https://",
            )
        })
}

/// What an answer means.
fn read(answer: &Answer) -> Outcome {
    let status = answer.status;
    let fail = |kind| {
        let message = format!("HTTP {}", status.as_u16());
        Outcome::Failed(Failure::new(kind, message))
    };
    match status.as_u16() {
        200..=299 => {}
        // the one status that says that the request was turned away before it was worked on
        429 => return fail(FailureKind::Unreachable),
        300..=399 => {
            return Outcome::Failed(Failure::new(
                FailureKind::Refused,
                format!("HTTP {}: redirects are not followed", status.as_u16()),
            ));
        }
        // also 503 and 408: whoever stands in front of a server says so of what the server goes on with
        408 | 500..=599 => return Outcome::Unknown(format!("HTTP {}", status.as_u16())),
        _ => return fail(FailureKind::Refused),
    }
    let body = if answer.body.len() > LARGEST {
        too_large(answer.body.len())
    } else {
        serde_json::from_slice(&answer.body)
            .unwrap_or_else(|_| Json::String(String::from_utf8_lossy(&answer.body).into_owned()))
    };
    let headers: Map<String, Json> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != header::SET_COOKIE)
        .filter_map(|(name, value)| Some((name.to_string(), json!(value.to_str().ok()?))))
        .collect();
    Outcome::Done(json!({"status": status.as_u16(), "headers": headers, "body": body}))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn only_a_limit_says_that_nothing_was_done() {
        let outcome = |status: u16| {
            read(&Answer {
                status: StatusCode::from_u16(status).unwrap(),
                headers: HeaderMap::new(),
                body: Vec::new().into(),
            })
        };
        for status in [408, 500, 502, 503, 504] {
            assert!(matches!(outcome(status), Outcome::Unknown(_)), "{status}");
        }
        for (status, kind) in [
            (429, FailureKind::Unreachable),
            (302, FailureKind::Refused),
            (404, FailureKind::Refused),
        ] {
            let Outcome::Failed(failure) = outcome(status) else {
                panic!("{status}");
            };
            assert_eq!(failure.kind, kind, "{status}");
        }
        assert!(matches!(outcome(204), Outcome::Done(_)));
    }
}
