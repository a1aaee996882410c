//! The API as the commands use it: over HTTP where a server runs, in memory where none does.

use anyhow::{Context as _, Result};
use axum::{Router, body::Body};
use bytes::{Bytes, BytesMut};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::Value as Json;
use server::Code;
use tower::ServiceExt as _;

use crate::failure::Failure;

/// A way to the API.
pub(crate) enum Client {
    /// A server somewhere on this machine.
    Remote {
        /// Speaks HTTP.
        http: reqwest::Client,
        /// Where it is, without a slash at the end.
        url: String,
        /// What it takes.
        token: String,
    },
    /// The same routes, in this process.
    Here {
        /// The routes.
        router: Router,
        /// What they take.
        token: String,
    },
}

/// What is sent beside method and path.
pub(crate) enum Payload {
    Nothing,
    Json(Json),
    Text(String),
}

impl Client {
    /// Reads.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, Option<String>)]) -> Result<Json> {
        let path = with_query(path, query);
        self.call(Method::GET, &path, Payload::Nothing).await
    }

    /// Does something.
    pub(crate) async fn post(&self, path: &str, body: Json) -> Result<Json> {
        self.call(Method::POST, path, Payload::Json(body)).await
    }

    /// Sends and reads the whole answer.
    pub(crate) async fn call(&self, method: Method, path: &str, payload: Payload) -> Result<Json> {
        let mut answer = self.send(method, path, payload, "application/json").await?;
        let body = answer.rest().await?;
        if body.is_empty() {
            return Ok(Json::Null);
        }
        serde_json::from_slice(&body).context("the server's answer is not JSON")
    }

    /// Does something that tells of its progress: each event with its name, until `last`.
    pub(crate) async fn events(
        &self,
        path: &str,
        body: Json,
        mut on_event: impl FnMut(&str, &Json),
    ) -> Result<Json> {
        let mut events = self.stream(path, Payload::Json(body)).await?;
        while let Some((name, data)) = events.next().await? {
            match name.as_str() {
                "report" => return Ok(data),
                name => on_event(name, &data),
            }
        }
        Err(Failure::new(
            Code::ServerGone,
            "the connection to the server ended before the report came",
        )
        .hint("the run goes on or is gone on with by the server; see `tandem status`")
        .into())
    }

    /// Does something that tells of its progress as events.
    pub(crate) async fn stream(&self, path: &str, payload: Payload) -> Result<Events> {
        let answer = self
            .send(Method::POST, path, payload, "text/event-stream")
            .await?;
        Ok(Events {
            answer,
            buffer: BytesMut::new(),
        })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        payload: Payload,
        accept: &str,
    ) -> Result<Answer> {
        let (content_type, body) = match payload {
            Payload::Nothing => (None, Bytes::new()),
            Payload::Json(json) => (Some("application/json"), serde_json::to_vec(&json)?.into()),
            Payload::Text(text) => (Some("application/yaml"), text.into()),
        };
        let mut answer = match self {
            Self::Remote { http, url, token } => {
                let mut request = http
                    .request(method, format!("{url}{path}"))
                    .bearer_auth(token)
                    .header(header::ACCEPT, accept)
                    .body(body);
                if let Some(content_type) = content_type {
                    request = request.header(header::CONTENT_TYPE, content_type);
                }
                let response = request.send().await.map_err(|error| {
                    Failure::new(
                        Code::ServerGone,
                        format!("the server at {url} does not answer: {error}"),
                    )
                })?;
                Answer::Remote(response)
            }
            Self::Here { router, token } => {
                let mut request = Request::builder()
                    .method(method)
                    .uri(path)
                    .header(header::AUTHORIZATION, format!("Bearer {token}"))
                    .header(header::ACCEPT, accept);
                if let Some(content_type) = content_type {
                    request = request.header(header::CONTENT_TYPE, content_type);
                }
                let request = request.body(Body::from(body))?;
                let Ok(response) = router.clone().oneshot(request).await;
                Answer::Here(response)
            }
        };
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let body = answer.rest().await?;
        Err(match serde_json::from_slice::<Failure>(&body) {
            Ok(failure) => failure,
            Err(_) => Failure::new(
                Code::ServerGone,
                format!("the server answered {status} in a form that is not Tandem's"),
            )
            .hint("another program may have taken its port"),
        }
        .into())
    }
}

/// Events on their way in.
pub(crate) struct Events {
    answer: Answer,
    buffer: BytesMut,
}

impl Events {
    /// The next event with its name; `None` at the end. An event that tells of an error is that error.
    pub(crate) async fn next(&mut self) -> Result<Option<(String, Json)>> {
        loop {
            while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let event = self.buffer.split_to(end + 2);
                let Some((name, data)) = event_parts(&event) else {
                    continue;
                };
                let data: Json =
                    serde_json::from_slice(&data).context("an event's data is not JSON")?;
                if name == "error" {
                    let failure: Failure = serde_json::from_value(data)
                        .context("an event's error has another form")?;
                    return Err(failure.into());
                }
                return Ok(Some((name, data)));
            }
            match self.answer.chunk().await? {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }
}

enum Answer {
    Remote(reqwest::Response),
    Here(axum::response::Response),
}

impl Answer {
    fn status(&self) -> StatusCode {
        match self {
            Self::Remote(response) => response.status(),
            Self::Here(response) => response.status(),
        }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        match self {
            Self::Remote(response) => response
                .chunk()
                .await
                .context("the connection to the server broke"),
            Self::Here(response) => loop {
                match response.body_mut().frame().await {
                    None => return Ok(None),
                    Some(frame) => {
                        if let Ok(data) = frame.context("the answer broke off")?.into_data() {
                            return Ok(Some(data));
                        }
                    }
                }
            },
        }
    }

    async fn rest(&mut self) -> Result<Bytes> {
        let mut all = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }
}

/// Name and data of one server-sent event; `None` for a comment that only keeps the line open.
fn event_parts(event: &[u8]) -> Option<(String, Vec<u8>)> {
    let mut name = None;
    let mut data = Vec::new();
    for line in event.split(|byte| *byte == b'\n') {
        if let Some(value) = line.strip_prefix(b"event:") {
            name = Some(String::from_utf8_lossy(value.trim_ascii()).into_owned());
        } else if let Some(value) = line.strip_prefix(b"data:") {
            data.extend_from_slice(value.trim_ascii());
        }
    }
    name.map(|name| (name, data))
}

/// The path with those parameters that are given.
pub(crate) fn with_query(path: &str, query: &[(&str, Option<String>)]) -> String {
    let mut encoded = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in query {
        if let Some(value) = value {
            encoded.append_pair(name, value);
        }
    }
    let encoded = encoded.finish();
    if encoded.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{encoded}")
    }
}

/// One segment of a path, percent-encoded.
pub(crate) fn segment(text: &str) -> String {
    // form encoding is stricter than a path needs, but for the space
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_apart_from_comments() {
        assert_eq!(event_parts(b": keep-alive\n\n"), None);
        let (name, data) = event_parts(b"event: progress\ndata: {\"a\":1}\n\n").unwrap();
        assert_eq!(
            (name.as_str(), data.as_slice()),
            ("progress", &b"{\"a\":1}"[..])
        );
    }

    #[test]
    fn parameters_and_segments_are_encoded() {
        assert_eq!(
            with_query("/a", &[("q", Some("x y&z".to_owned())), ("no", None)]),
            "/a?q=x+y%26z"
        );
        assert_eq!(with_query("/a", &[("no", None)]), "/a");
        assert_eq!(segment("a/b c"), "a%2Fb%20c");
    }
}
