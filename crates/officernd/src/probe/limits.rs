//! What answers say of limits, within them and beyond.

use std::time::Duration;

use connector::{Desk, Finding, ProbeError, Response};
use futures::future::join_all;
use serde_json::{Value as Json, json};

use super::{
    get,
    member::{shared, update},
    unexpected,
};

/// Requests at once on the way over the limit.
const AT_ONCE: usize = 20;

/// About 400 reads a minute were measured; so many without a refusal means that there is another limit.
const MOST: usize = 900;

/// Numbers from here on are seconds since 1970, smaller ones a span.
const EARLIEST_EPOCH: i64 = 1_000_000_000;

fn names(response: &Response) -> Vec<&str> {
    response
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(|name| name.contains("ratelimit") || name.starts_with("retry-after"))
        .collect()
}

fn number(response: &Response, name: &str) -> Option<i64> {
    let value = response.headers.get(name)?;
    value.to_str().ok()?.trim().parse().ok()
}

fn switch(word: &str, span: &str) -> &'static str {
    match (word, span) {
        ("read", "minute") => "officernd.reads_a_minute",
        ("read", _) => "officernd.reads_a_day",
        (_, "minute") => "officernd.writes_a_minute",
        _ => "officernd.writes_a_day",
    }
}

/// Reads that are made at once to see when they are forgotten.
const TAKEN: i64 = 5;

/// Longer than the window.
const IDLE: Duration = Duration::from_secs(62);

/// Less than the window, by more than half.
const PART: Duration = Duration::from_secs(40);

pub(super) async fn window(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let used = async || -> Result<Option<i64>, ProbeError> {
        let response = desk.read(get(desk, "/locations")?).await?;
        let of = |what: &str| number(&response, &format!("x-ratelimit-{what}-read-minute"));
        Ok(of("limit")
            .zip(of("remaining"))
            .map(|(all, left)| all - left))
    };
    // what was used before is forgotten; a window that does not slide begins with the next read
    desk.wait(IDLE).await?;
    for _ in 0..TAKEN {
        used().await?;
    }
    desk.wait(PART).await?;
    for _ in 0..TAKEN {
        used().await?;
    }
    // over for the first ones, not for the second ones
    desk.wait(IDLE - PART + Duration::from_secs(1)).await?;
    Ok(match used().await? {
        Some(1) => {
            Finding::settled("no: all is free at once").switch("officernd.limit_window", "fixed")
        }
        Some(used) if used == TAKEN + 1 => {
            Finding::settled("yes: each request is free after its own minute")
                .switch("officernd.limit_window", "sliding")
        }
        Some(used) => Finding::open(format!(
            "{used} reads count as used, so somebody else used the account too"
        )),
        None => Finding::open("answers do not say how many requests are left"),
    })
}

pub(super) async fn headers(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let read = desk.read(get(desk, "/locations")?).await?;
    let write = update(
        desk,
        &id,
        "send an empty update of the probe's member",
        json!({}),
    )
    .await?;
    let (on_reads, on_writes) = (names(&read), names(&write));
    if on_reads.is_empty() {
        return Ok(Finding::settled("none: this account shows no limits")
            .switch("officernd.rate_limit", false));
    }
    let of_writes = on_writes.iter().any(|name| name.contains("-write-"));
    let finding = Finding::settled(format!(
        "reads: {}; writes: {}",
        on_reads.join(", "),
        match on_writes.is_empty() {
            true => "none".to_owned(),
            false => on_writes.join(", "),
        }
    ))
    .switch("officernd.rate_limit", true)
    .switch("officernd.write_headers", of_writes);
    let mut finding = finding;
    for (response, word) in [(&read, "read"), (&write, "write")] {
        for span in ["minute", "day"] {
            if let Some(limit) = number(response, &format!("x-ratelimit-limit-{word}-{span}")) {
                finding = finding.switch(switch(word, span), limit);
            }
        }
    }
    let reset = read
        .headers
        .get("x-ratelimit-reset-read-minute")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().parse::<i64>().ok());
    Ok(match reset {
        Some(seconds) if seconds >= EARLIEST_EPOCH => {
            finding.switch("officernd.reset_header", "timestamp")
        }
        Some(_) => finding.switch("officernd.reset_header", "seconds"),
        None => finding,
    })
}

pub(super) async fn throttling(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let request = get(desk, "/locations")?;
    for _ in 0..MOST / AT_ONCE {
        let answers = join_all((0..AT_ONCE).map(|_| desk.read_beyond_limit(request.clone()))).await;
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
    let form = if text.is_empty() {
        "empty"
    } else if serde_json::from_str::<Json>(text).is_ok_and(|json| json.is_object()) {
        "json"
    } else {
        "text"
    };
    let headers = names(response);
    let retry = if headers.contains(&"retry-after") {
        "plain"
    } else if headers.iter().any(|name| name.starts_with("retry-after-")) {
        "suffixed"
    } else {
        "none"
    };
    let shown: String = text.chars().take(200).collect();
    Finding::settled(format!(
        "429 with the body `{shown}` ({form}); headers: {}",
        headers.join(", ")
    ))
    .switch("officernd.throttle_body", form)
    .switch("officernd.retry_after", retry)
}
