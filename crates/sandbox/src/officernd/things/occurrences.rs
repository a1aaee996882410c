//! The single dates of bookings: a recurring one is one row, and this is what it comes to within a span of time.
//!
//! Of the rules of RFC 5545 daily and weekly ones are understood, with `INTERVAL`, `COUNT` and `UNTIL`; others come to their first date.

use serde_json::{Map, Value, json};

use super::super::shape::millis;
use crate::clock::iso_millis;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The most dates of one booking that are looked at.
const MOST: i64 = 10_000;

/// The starts of all dates of a booking that begins then, up to a time.
fn starts(fields: &Map<String, Value>, start_ms: i64, to_ms: i64) -> Vec<i64> {
    let recurrence = fields.get("recurrence").unwrap_or(&Value::Null);
    let rule = recurrence["rrule"].as_str().unwrap_or("");
    let rule = rule.strip_prefix("RRULE:").unwrap_or(rule);
    let part = |name: &str| {
        rule.split(';')
            .filter_map(|part| part.split_once('='))
            .find(|(own, _)| *own == name)
            .map(|(_, value)| value)
    };
    let step_ms = match part("FREQ") {
        Some("DAILY") => DAY_MS,
        Some("WEEKLY") => 7 * DAY_MS,
        _ => return vec![start_ms],
    };
    let number = |name: &str| part(name).and_then(|text| text.parse::<i64>().ok());
    let step_ms = step_ms * number("INTERVAL").unwrap_or(1).max(1);
    let until_ms = part("UNTIL").and_then(until).unwrap_or(i64::MAX);
    let count = number("COUNT").unwrap_or(MOST).min(MOST);
    let left_out: Vec<i64> = recurrence["exdates"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|date| millis(date.as_str()?))
        .collect();
    (0..count)
        .map(|place| start_ms + place * step_ms)
        .take_while(|at_ms| *at_ms <= until_ms && *at_ms < to_ms)
        .filter(|at_ms| !left_out.contains(at_ms))
        .collect()
}

/// `20260131T120000Z`, or any form that a time has elsewhere.
fn until(text: &str) -> Option<i64> {
    let plain = text.trim_end_matches('Z');
    let parsed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S", plain)
        .or_else(|_| jiff::civil::Date::strptime("%Y%m%d", plain).map(Into::into));
    match parsed {
        Ok(time) => millis(&time.to_string()),
        Err(_) => millis(text),
    }
}

/// The dates of a booking that lie at least in part within a span, each as its row would be.
pub(super) fn within(
    shown: &Map<String, Value>,
    fields: &Map<String, Value>,
    from_ms: i64,
    to_ms: i64,
) -> Vec<Map<String, Value>> {
    let time = |name: &str| fields.get(name).and_then(Value::as_str).and_then(millis);
    let (Some(start_ms), Some(end_ms)) = (time("start"), time("end")) else {
        return Vec::new();
    };
    let length_ms = end_ms - start_ms;
    starts(fields, start_ms, to_ms)
        .into_iter()
        .filter(|at_ms| at_ms + length_ms > from_ms)
        .map(|at_ms| {
            let mut one = shown.clone();
            one.insert("start".to_owned(), json!(iso_millis(at_ms)));
            one.insert("end".to_owned(), json!(iso_millis(at_ms + length_ms)));
            one
        })
        .collect()
}

/// When the last date of a booking ends; none where it goes on without end.
pub(super) fn last_end(fields: &Map<String, Value>) -> Option<i64> {
    let time = |name: &str| fields.get(name).and_then(Value::as_str).and_then(millis);
    let (start_ms, end_ms) = (time("start")?, time("end")?);
    let all = starts(fields, start_ms, i64::MAX);
    match all.len() as i64 {
        MOST.. => None,
        _ => all.last().map(|at_ms| at_ms + end_ms - start_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_has_its_dates_without_those_left_out() {
        let fields = json!({"start": "2026-03-02T09:00:00Z", "end": "2026-03-02T10:00:00Z",
            "recurrence": {"rrule": "FREQ=WEEKLY;COUNT=4", "exdates": ["2026-03-09T09:00:00Z"]}});
        let fields = fields.as_object().expect("an object");
        let from_ms = millis("2026-03-02T09:30:00Z").expect("a time");
        let to_ms = millis("2026-03-20").expect("a time");
        let found: Vec<Value> = within(&Map::new(), fields, from_ms, to_ms)
            .iter()
            .map(|one| one["start"].clone())
            .collect();
        assert_eq!(
            found,
            ["2026-03-02T09:00:00.000Z", "2026-03-16T09:00:00.000Z"]
        );
        assert_eq!(last_end(fields), millis("2026-03-23T10:00:00Z"));
        assert_eq!(until("20260302T090000Z"), millis("2026-03-02T09:00:00Z"));
    }
}
