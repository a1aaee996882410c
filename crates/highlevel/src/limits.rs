//! What the vendor says of its limits, in headers.
//!
//! Five headers are documented (the page on authorisation); the vendor's newest SDK reads a sixth,
//! `x-ratelimit-daily-reset`, as milliseconds. `Retry-After` is undocumented and comes sometimes.

use std::time::Duration;

use connector::{Announced, Response};
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};

const LIMIT: &str = "x-ratelimit-max";
const REMAINING: &str = "x-ratelimit-remaining";
const INTERVAL: &str = "x-ratelimit-interval-milliseconds";
const DAILY_LIMIT: &str = "x-ratelimit-limit-daily";
const DAILY_REMAINING: &str = "x-ratelimit-daily-remaining";
const DAILY_RESET: &str = "x-ratelimit-daily-reset";

/// Milliseconds from here on are a point in time (2001), below a span.
const EARLIEST_EPOCH_MILLISECONDS: i64 = 1_000_000_000_000;

pub(crate) fn announced(response: &Response) -> Option<Announced> {
    let headers = &response.headers;
    let announced = Announced {
        effect: None,
        limit: count(headers, LIMIT),
        remaining: count(headers, REMAINING),
        per: number(headers, INTERVAL)
            .and_then(|milliseconds| u64::try_from(milliseconds).ok())
            .filter(|milliseconds| *milliseconds > 0)
            .map(Duration::from_millis),
        daily_limit: count(headers, DAILY_LIMIT),
        daily_remaining: count(headers, DAILY_REMAINING),
        daily_reset: daily_reset(response),
    };
    (announced != Announced::default()).then_some(announced)
}

/// How long to wait after a 429, and whether the day's budget is what ran out: both exhaustions look
/// alike but for the daily count.
pub(crate) fn throttled(response: &Response) -> (Option<Duration>, bool) {
    let headers = &response.headers;
    let daily = number(headers, DAILY_REMAINING).is_some_and(|left| left <= 0);
    let wait = retry_after(response).or_else(|| {
        if daily {
            daily_reset(response).map(|reset| until(response.sent, reset))
        } else {
            number(headers, INTERVAL)
                .and_then(|milliseconds| u64::try_from(milliseconds).ok())
                .map(Duration::from_millis)
        }
    });
    (wait, daily)
}

fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// A count; what is below zero counts as zero.
fn count(headers: &HeaderMap, name: &str) -> Option<u32> {
    number(headers, name).map(|number| u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}

/// The SDK only says that it is in milliseconds: small values are taken as a span from now, large
/// ones as a point in time. *Unverified.*
fn daily_reset(response: &Response) -> Option<Timestamp> {
    let milliseconds = number(&response.headers, DAILY_RESET).filter(|number| *number >= 0)?;
    if milliseconds >= EARLIEST_EPOCH_MILLISECONDS {
        Timestamp::from_millisecond(milliseconds).ok()
    } else {
        response
            .sent
            .checked_add(SignedDuration::from_millis(milliseconds))
            .ok()
    }
}

/// `Retry-After` in either of its forms: seconds, or a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response
        .headers
        .get(http::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(until(response.sent, date))
}

fn until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(headers: &[(&'static str, &str)]) -> Response {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        Response {
            status: http::StatusCode::TOO_MANY_REQUESTS,
            headers: map,
            body: Vec::new().into(),
            sent: "2026-11-21T10:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_burst_waits_for_its_interval_and_a_day_for_its_reset() {
        let burst = response(&[
            ("x-ratelimit-interval-milliseconds", "10000"),
            ("x-ratelimit-daily-remaining", "120000"),
        ]);
        assert_eq!(throttled(&burst), (Some(Duration::from_secs(10)), false));

        let span = response(&[
            ("x-ratelimit-interval-milliseconds", "10000"),
            ("x-ratelimit-daily-remaining", "0"),
            ("x-ratelimit-daily-reset", "3600000"),
        ]);
        assert_eq!(throttled(&span), (Some(Duration::from_secs(3_600)), true));

        let epoch = response(&[
            ("x-ratelimit-daily-remaining", "0"),
            ("x-ratelimit-daily-reset", "1795262400000"),
        ]);
        let reset: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        assert_eq!(throttled(&epoch), (Some(Duration::from_secs(7_200)), true));
        assert_eq!(announced(&epoch).unwrap().daily_reset, Some(reset));

        let unsaid = response(&[("x-ratelimit-daily-remaining", "-1")]);
        assert_eq!(throttled(&unsaid), (None, true));
    }

    #[test]
    fn retry_after_goes_first_in_both_forms() {
        let seconds = response(&[
            ("retry-after", "7"),
            ("x-ratelimit-interval-milliseconds", "10000"),
        ]);
        assert_eq!(throttled(&seconds).0, Some(Duration::from_secs(7)));
        let date = response(&[("retry-after", "Sat, 21 Nov 2026 10:00:30 GMT")]);
        assert_eq!(throttled(&date).0, Some(Duration::from_secs(30)));
        let past = response(&[("retry-after", "Sat, 21 Nov 2026 09:00:00 GMT")]);
        assert_eq!(throttled(&past).0, Some(Duration::ZERO));
        let nonsense = response(&[("retry-after", "soon")]);
        assert_eq!(throttled(&nonsense).0, None);
    }

    #[test]
    fn all_six_headers_are_announced_and_none_is_nothing() {
        let all = response(&[
            ("x-ratelimit-limit-daily", "200000"),
            ("x-ratelimit-daily-remaining", "199998"),
            ("x-ratelimit-interval-milliseconds", "10000"),
            ("x-ratelimit-max", "100"),
            ("x-ratelimit-remaining", "98"),
            ("x-ratelimit-daily-reset", "60000"),
        ]);
        assert_eq!(
            announced(&all),
            Some(Announced {
                effect: None,
                limit: Some(100),
                remaining: Some(98),
                per: Some(Duration::from_secs(10)),
                daily_limit: Some(200_000),
                daily_remaining: Some(199_998),
                daily_reset: Some("2026-11-21T10:01:00Z".parse().unwrap()),
            })
        );
        assert_eq!(announced(&response(&[])), None);
    }
}
