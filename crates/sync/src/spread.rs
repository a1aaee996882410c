//! How long things take, as counts over a few spans of time. They are kept as meters, so they outlive
//! the process and cost no row per record.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

/// Upper ends of the spans, in milliseconds. What takes longer is in the last one, without an end.
const ENDS: [u64; 14] = [
    50, 100, 250, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000,
    86_400_000,
];

/// The name of the last span.
const LONGER: &str = "longer";

/// What is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timed {
    /// From a change at the other side, as its system dates it, until it was written here.
    Lag,
    /// From the last reading of a record until it was written: an edit in between may be lost.
    Overwrite,
}

impl Timed {
    fn word(self) -> &'static str {
        match self {
            Self::Lag => "lag",
            Self::Overwrite => "overwrite",
        }
    }

    /// What begins the names of its meters: `people:lag:right:`.
    fn prefix(self, sync: &str, side: record::Side) -> String {
        format!("{sync}:{}:{side}:", self.word())
    }

    /// The meter that counts a duration.
    pub(crate) fn meter(self, sync: &str, side: record::Side, took: Duration) -> String {
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let prefix = self.prefix(sync, side);
        match ENDS.iter().find(|end| milliseconds <= **end) {
            Some(end) => format!("{prefix}{end}"),
            None => format!("{prefix}{LONGER}"),
        }
    }

    /// What the meters say; `None` if nothing was timed yet.
    pub(crate) fn spread(
        self,
        meters: &BTreeMap<String, i64>,
        sync: &str,
        side: record::Side,
    ) -> Option<Spread> {
        let prefix = self.prefix(sync, side);
        let mut counts: Vec<(Option<u64>, u64)> = meters
            .range(prefix.clone()..)
            .take_while(|(name, _)| name.starts_with(&prefix))
            .map(|(name, count)| {
                let end = name[prefix.len()..].parse().ok();
                (end, u64::try_from(*count).unwrap_or(0))
            })
            .collect();
        counts.sort_by_key(|(end, _)| end.unwrap_or(u64::MAX));
        let count = counts.iter().map(|(_, count)| count).sum();
        (count > 0).then(|| Spread {
            count,
            half_within_ms: within(&counts, count, 50),
            p99_within_ms: within(&counts, count, 99),
        })
    }
}

/// The end of the span in which the given part of all lies.
fn within(counts: &[(Option<u64>, u64)], count: u64, percent: u64) -> Option<u64> {
    let mut passed = 0;
    counts
        .iter()
        .find(|(_, of_span)| {
            passed += of_span;
            passed * 100 >= count * percent
        })
        .and_then(|(end, _)| *end)
}

/// How long something took. The numbers are upper ends of spans: it took at most so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// How often it was timed.
    pub count: u64,
    /// Half of them took at most so many milliseconds; `None`: more than a day.
    pub half_within_ms: Option<u64>,
    /// 99 of 100 took at most so many milliseconds; `None`: more than a day.
    pub p99_within_ms: Option<u64>,
}

#[cfg(test)]
mod tests {
    use record::Side;

    use super::*;

    #[test]
    fn a_spread_names_the_span_that_holds_the_part() {
        let mut meters = BTreeMap::from([("people:links".to_owned(), 7)]);
        let mut time = |side, milliseconds, times| {
            let name = Timed::Lag.meter("people", side, Duration::from_millis(milliseconds));
            *meters.entry(name).or_insert(0) += times;
        };
        time(Side::Right, 900, 60);
        time(Side::Right, 1_000, 30);
        time(Side::Right, 45_000, 10);
        time(Side::Left, 90_000_000, 1);
        let spread = |side| Timed::Lag.spread(&meters, "people", side);
        let right = Spread {
            count: 100,
            half_within_ms: Some(1_000),
            p99_within_ms: Some(60_000),
        };
        assert_eq!(spread(Side::Right), Some(right));
        let left = Spread {
            count: 1,
            half_within_ms: None,
            p99_within_ms: None,
        };
        assert_eq!(spread(Side::Left), Some(left));
        assert_eq!(Timed::Overwrite.spread(&meters, "people", Side::Left), None);
    }
}
