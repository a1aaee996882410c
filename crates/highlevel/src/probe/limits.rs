//! What answers say of limits, within them and beyond.

use connector::{Desk, Effect, Finding, ProbeError, Request, Response};
use futures::future::join_all;
use http::{Method, header};
use serde_json::Value as Json;

use super::{FLOOD, get, location, unexpected};
use crate::requests::segment;

/// Requests at once on the way over the limit.
const AT_ONCE: usize = 20;

/// The documented limit is 100 in ten seconds; so many without a refusal means that there is another one.
const MOST: usize = 240;

const DAILY_RESET: &str = "x-ratelimit-daily-reset";

/// What the headers count, by the switches that stand for it.
const NUMBERS: [(&str, &str); 3] = [
    ("highlevel.burst_limit", "x-ratelimit-max"),
    (
        "highlevel.burst_window_ms",
        "x-ratelimit-interval-milliseconds",
    ),
    ("highlevel.daily_limit", "x-ratelimit-limit-daily"),
];

fn limit_headers(response: &Response) -> Vec<&str> {
    response
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(|name| name.contains("ratelimit") || name.starts_with("retry-after"))
        .collect()
}

pub(super) async fn headers(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let path = format!("/locations/{}/customFields", segment(location(desk)?));
    let response = desk.read(get(path)).await?;
    let names = limit_headers(&response);
    if names.is_empty() {
        return Ok(Finding::settled("none: this account shows no limits")
            .switch("highlevel.rate_limit", false));
    }
    let reset = response.headers.contains_key(DAILY_RESET);
    let number = |(switch, header): (&'static str, &str)| {
        let text = response.headers.get(header)?.to_str().ok()?;
        Some((switch, Json::from(text.trim().parse::<u64>().ok()?)))
    };
    Ok(Finding::settled(names.join(", "))
        .switch("highlevel.rate_limit", true)
        .switch("highlevel.daily_reset_header", reset)
        .switches(NUMBERS.into_iter().filter_map(number)))
}

pub(super) async fn throttling(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let path = format!("/locations/{}/customFields", segment(location(desk)?));
    for _ in 0..MOST / AT_ONCE {
        let answers = join_all((0..AT_ONCE).map(|_| {
            let request = Request::new(FLOOD, Effect::Read, Method::GET, path.as_str());
            desk.read_beyond_limit(request)
        }))
        .await;
        for answer in answers {
            let response = answer?;
            if response.status.as_u16() == 429 {
                return Ok(refusal(&response));
            }
            if !response.status.is_success() {
                return Err(unexpected("another refusal came first", &response));
            }
        }
    }
    Ok(Finding::open(format!(
        "{MOST} requests were answered without a refusal"
    )))
}

fn refusal(response: &Response) -> Finding {
    let text = String::from_utf8_lossy(&response.body);
    let text = text.trim();
    let retry_after = response.headers.get(header::RETRY_AFTER);
    let form = if text.is_empty() {
        "empty"
    } else if serde_json::from_str::<Json>(text).is_ok_and(|json| json.is_object()) {
        "json"
    } else if text.starts_with('<') {
        "html"
    } else {
        "text"
    };
    let shown: String = crate::answer::without_tokens(text)
        .chars()
        .take(200)
        .collect();
    Finding::settled(format!(
        "429 with the body `{shown}` ({form}); headers: {}; Retry-After: {}",
        limit_headers(response).join(", "),
        retry_after
            .and_then(|value| value.to_str().ok())
            .unwrap_or("none")
    ))
    .switch("highlevel.throttle_body", form)
    .switch("highlevel.retry_after", retry_after.is_some())
}
