//! How things went over the last day: what the counters said every few minutes, kept in memory. A start begins anew.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde::Serialize;

use crate::{app::App, error::ApiResult, metrics::Fate};

/// How often the counters are looked at.
pub(crate) const LOOK: Duration = Duration::from_secs(10);

/// What one point stands for, in milliseconds.
pub(crate) const EVERY: i64 = 5 * 60 * 1000;

/// How many points are kept: a day.
const KEPT: usize = 288;

/// What was counted, since ever or within one point.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counted {
    /// Records that syncs made or changed.
    pub(crate) written: i64,
    /// Changes that a system told of.
    pub(crate) told: i64,
    /// Changes that were found by looking only.
    pub(crate) found: i64,
    /// Requests that ended in any other way than an answer.
    pub(crate) errors: i64,
    /// Requests by connection.
    pub(crate) calls: BTreeMap<String, i64>,
}

impl Counted {
    /// What came since. A counter that began anew counts from nothing.
    fn since(&self, before: &Self) -> Self {
        let more = |now: i64, before: i64| if now < before { now } else { now - before };
        Self {
            written: more(self.written, before.written),
            told: more(self.told, before.told),
            found: more(self.found, before.found),
            errors: more(self.errors, before.errors),
            calls: self
                .calls
                .iter()
                .map(|(name, calls)| {
                    let before = before.calls.get(name).copied().unwrap_or_default();
                    (name.clone(), more(*calls, before))
                })
                .collect(),
        }
    }
}

/// What was counted within the time from `at` on.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Point {
    at: Timestamp,
    #[serde(flatten)]
    counted: Counted,
}

#[derive(Debug, Default)]
struct Kept {
    /// What the counters said before the first point.
    before: Option<Counted>,
    /// What they said last within each point, by its number.
    points: VecDeque<(i64, Counted)>,
}

/// The last day.
#[derive(Debug, Default)]
pub(crate) struct Series(Mutex<Kept>);

impl Series {
    /// Takes what the counters say now.
    pub(crate) fn take(&self, now: Timestamp, counted: Counted) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now.as_millisecond().div_euclid(EVERY);
        if kept.before.is_none() {
            kept.before = Some(counted.clone());
        }
        match kept.points.back_mut() {
            Some((last, said)) if *last == number => *said = counted,
            _ => kept.points.push_back((number, counted)),
        }
        while kept.points.len() > KEPT {
            kept.before = kept.points.pop_front().map(|(_, said)| said);
        }
    }

    /// What came to pass within each point, oldest first.
    pub(crate) fn points(&self) -> Vec<Point> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = kept.before.clone().unwrap_or_default();
        let points = kept.points.iter().map(|(number, said)| {
            let counted = said.since(&before);
            before = said.clone();
            Point {
                at: Timestamp::from_millisecond(number * EVERY).unwrap_or(Timestamp::MIN),
                counted,
            }
        });
        points.collect()
    }
}

/// What all counters say.
pub(crate) async fn counted(app: &App) -> ApiResult<Counted> {
    let overview = app.store().overview(app.workspace()).await?;
    let mut counted = Counted {
        told: i64::try_from(app.counters.webhooks(Fate::Accepted)).unwrap_or(i64::MAX),
        ..Counted::default()
    };
    for (name, value) in &overview.meters {
        match name.split_once(':').map(|(_, meter)| meter) {
            Some("created_left" | "created_right" | "updated_left" | "updated_right") => {
                counted.written += value;
            }
            Some("found_by_sweep") => counted.found += value,
            _ => {}
        }
    }
    for name in app.connections.names() {
        let Ok(counts) = app.connections.counts(&name) else {
            continue;
        };
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        counted.errors += number(counts.failed);
        counted
            .calls
            .insert(name.to_string(), number(counts.reads + counts.writes));
    }
    Ok(counted)
}

/// Looks at the counters again and again.
pub(crate) async fn watch(app: std::sync::Arc<App>) {
    loop {
        match counted(&app).await {
            Ok(counted) => app.series.take(app.clock.now(), counted),
            Err(error) => tracing::warn!(%error, "the counters could not be looked at"),
        }
        app.clock.sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(written: i64) -> Counted {
        Counted {
            written,
            ..Counted::default()
        }
    }

    #[test]
    fn points_hold_what_came_within_them_for_a_day() {
        let series = Series::default();
        let at = |point: i64| Timestamp::from_millisecond(point * EVERY + 7).unwrap();
        for (point, said) in [(10, 100), (10, 103), (11, 103), (14, 110), (15, 2)] {
            series.take(at(point), written(said));
        }
        let seen: Vec<i64> = series
            .points()
            .iter()
            .map(|point| point.counted.written)
            .collect();
        assert_eq!(seen, [3, 0, 7, 2]);
        for point in 16..400 {
            series.take(at(point), written(2 + point));
        }
        let points = series.points();
        assert_eq!((points.len(), points[0].counted.written), (KEPT, 1));
    }
}
