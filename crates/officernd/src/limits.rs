//! What the vendor says of its limits, in headers.
//!
//! Reads and writes are counted apart, each by the minute and by the day. The six headers of reads were
//! seen (`x-ratelimit-{limit,remaining,reset}-read-{minute,day}`); those of writes are *unverified*, by analogy.
//! `Retry-After` comes sometimes, perhaps with the same endings (*unverified*).

use std::time::Duration;

use connector::{Announced, Effect, Response};
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};

const MINUTE: Duration = Duration::from_secs(60);

/// Numbers from here on are seconds since 1970 (2001), smaller ones a span.
const EARLIEST_EPOCH: i64 = 1_000_000_000;

/// Numbers from here on are milliseconds since 1970.
const EARLIEST_EPOCH_MILLISECONDS: i64 = 1_000_000_000_000;

const EFFECTS: [(Effect, &str); 2] = [(Effect::Read, "read"), (Effect::Write, "write")];

pub(crate) fn announced(response: &Response) -> Vec<Announced> {
    let headers = &response.headers;
    EFFECTS
        .into_iter()
        .filter_map(|(effect, word)| {
            let of = |what: &str, span: &str| format!("x-ratelimit-{what}-{word}-{span}");
            let nothing = Announced {
                effect: Some(effect),
                ..Announced::default()
            };
            let announced = Announced {
                limit: count(headers, &of("limit", "minute")),
                remaining: count(headers, &of("remaining", "minute")),
                daily_limit: count(headers, &of("limit", "day")),
                daily_remaining: count(headers, &of("remaining", "day")),
                daily_reset: number(headers, &of("reset", "day"))
                    .and_then(|reset| point(response.sent, reset)),
                ..nothing
            };
            let per = announced.limit.map(|_| MINUTE);
            (announced != nothing).then_some(Announced { per, ..announced })
        })
        .collect()
}

/// How long to wait after a 429, and whether the day's budget is what ran out.
pub(crate) fn throttled(response: &Response) -> (Option<Duration>, bool) {
    let headers = &response.headers;
    let out = |span: &str| {
        EFFECTS
            .iter()
            .find(|(_, word)| {
                number(headers, &format!("x-ratelimit-remaining-{word}-{span}"))
                    .is_some_and(|left| left <= 0)
            })
            .map(|(_, word)| *word)
    };
    let mut daily = out("day");
    let mut wait = None;
    for (name, value) in headers {
        let Some(ending) = name.as_str().strip_prefix("retry-after") else {
            continue;
        };
        let said = value
            .to_str()
            .ok()
            .and_then(|text| after(response.sent, text));
        if said.is_some() && ending.ends_with("-day") {
            daily = daily.or(Some("read"));
        }
        wait = wait.max(said);
    }
    let by_reset = |word: &str, span: &str| {
        number(headers, &format!("x-ratelimit-reset-{word}-{span}"))
            .and_then(|reset| point(response.sent, reset))
            .map(|reset| until(response.sent, reset))
    };
    let wait = wait.or_else(|| match (daily, out("minute")) {
        (Some(word), _) => by_reset(word, "day"),
        (None, Some(word)) => by_reset(word, "minute"),
        (None, None) => None,
    });
    (wait, daily.is_some())
}

fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// A count; what is below zero counts as zero.
fn count(headers: &HeaderMap, name: &str) -> Option<u32> {
    number(headers, name).map(|number| u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}

/// A reset is documented nowhere: seconds from now, or a point in time in seconds or milliseconds.
fn point(sent: Timestamp, reset: i64) -> Option<Timestamp> {
    match reset {
        EARLIEST_EPOCH_MILLISECONDS.. => Timestamp::from_millisecond(reset).ok(),
        EARLIEST_EPOCH.. => Timestamp::from_second(reset).ok(),
        0.. => sent.checked_add(SignedDuration::from_secs(reset)).ok(),
        _ => None,
    }
}

/// `Retry-After` in either of its forms: seconds, or a date.
fn after(sent: Timestamp, text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(until(sent, date))
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
    fn reads_and_writes_are_announced_apart() {
        let said = announced(&response(&[
            ("x-ratelimit-limit-read-minute", "400"),
            ("x-ratelimit-remaining-read-minute", "399"),
            ("x-ratelimit-reset-read-minute", "60"),
            ("x-ratelimit-limit-read-day", "20000"),
            ("x-ratelimit-remaining-read-day", "19000"),
            ("x-ratelimit-reset-read-day", "3600"),
            ("x-ratelimit-limit-write-minute", "100"),
            ("x-ratelimit-remaining-write-minute", "-1"),
        ]));
        assert_eq!(
            said,
            [
                Announced {
                    effect: Some(Effect::Read),
                    limit: Some(400),
                    remaining: Some(399),
                    per: Some(MINUTE),
                    daily_limit: Some(20_000),
                    daily_remaining: Some(19_000),
                    daily_reset: Some("2026-11-21T11:00:00Z".parse().unwrap()),
                },
                Announced {
                    effect: Some(Effect::Write),
                    limit: Some(100),
                    remaining: Some(0),
                    per: Some(MINUTE),
                    ..Announced::default()
                },
            ]
        );
        assert_eq!(announced(&response(&[])), []);
    }

    #[test]
    fn the_wait_is_taken_from_whatever_says_it() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (headers, wait) in [
            (vec![], (None, false)),
            (vec![("retry-after", "7")], (seconds(7), false)),
            (vec![("retry-after-write-minute", "9")], (seconds(9), false)),
            (vec![("retry-after-read-day", "900")], (seconds(900), true)),
            (
                vec![("retry-after", "Sat, 21 Nov 2026 10:00:30 GMT")],
                (seconds(30), false),
            ),
            (
                vec![
                    ("x-ratelimit-remaining-read-minute", "0"),
                    ("x-ratelimit-reset-read-minute", "1795255220"),
                ],
                (seconds(20), false),
            ),
            (
                vec![
                    ("x-ratelimit-remaining-write-day", "0"),
                    ("x-ratelimit-reset-write-day", "1795258800000"),
                ],
                (seconds(3_600), true),
            ),
        ] {
            assert_eq!(throttled(&response(&headers)), wait, "{headers:?}");
        }
    }
}
