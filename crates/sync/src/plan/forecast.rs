//! What a run is expected to cost: calls, and the time that the limits in force leave for them.

use std::{collections::BTreeMap, time::Duration};

use connector::{Effect, Window};
use record::Side;

use crate::{
    engine::Core,
    pair::{End, Pairing},
    plan::Plan,
};

/// Records that one read-back asks for.
const READ_BACK: usize = 20;

/// Limits over at least this long let everything through at once until they are spent.
const DAY: Duration = Duration::from_secs(12 * 3600);

/// What one entity takes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Work {
    /// Pairs that are read fresh before they are written.
    pub(super) pairs: u64,
    /// Records that are made: left and right.
    pub(super) creates: [u64; 2],
    /// Records that are changed: left and right.
    pub(super) updates: [u64; 2],
}

/// Calls to one connection.
#[derive(Debug, Clone, Copy, Default)]
struct Calls {
    reads: u64,
    writes: u64,
}

/// Calls by connection.
#[derive(Debug, Default)]
pub(super) struct Forecast {
    calls: BTreeMap<String, Calls>,
    consequences: Vec<String>,
}

fn per(number: u64, batch: usize) -> u64 {
    number.div_ceil(batch.max(1) as u64)
}

impl Forecast {
    fn of(&mut self, end: &End) -> &mut Calls {
        self.calls.entry(end.connection.to_string()).or_default()
    }

    /// A side is listed once.
    pub(super) fn listed(&mut self, end: &End, records: u64) {
        self.of(end).reads += per(records, end.description.list_page);
    }

    /// One entity is worked off.
    pub(super) fn worked(&mut self, pairing: &Pairing, work: &Work) {
        for (at, side) in Side::BOTH.into_iter().enumerate() {
            let end = pairing.end(side);
            let description = &end.description;
            let (creates, updates) = (work.creates[at], work.updates[at]);
            let calls = self.of(end);
            calls.reads += per(work.pairs, description.fetch_batch);
            calls.writes +=
                per(creates, description.write_batch) + per(updates, description.write_batch);
            if !description.writes_return_record {
                calls.reads += per(creates + updates, description.fetch_batch.min(READ_BACK));
            }
            if creates > 0 {
                let told = description.create_consequences.iter();
                self.consequences.extend(
                    told.map(|told| format!("{} ({creates} creates): {told}", end.connection)),
                );
            }
        }
    }

    /// Puts it into the plan.
    pub(super) fn tell(self, core: &Core, plan: &mut Plan) {
        for (connection, calls) in self.calls {
            // Who is not there any more has no limits; the plan could not have been made then.
            let windows = core
                .connections
                .windows(&connection.as_str().into())
                .unwrap_or_default();
            let seconds = windows
                .iter()
                .map(|window| seconds(window, calls))
                .fold(0.0, f64::max);
            plan.seconds = plan.seconds.max(seconds);
            plan.seconds_by.insert(connection.clone(), seconds);
            plan.calls.insert(connection, calls.reads + calls.writes);
        }
        plan.consequences = self.consequences;
    }
}

/// How long so many calls take at least under one limit.
fn seconds(window: &Window, calls: Calls) -> f64 {
    let counted = match window.effect {
        None => calls.reads + calls.writes,
        Some(Effect::Read) => calls.reads,
        Some(Effect::Write) => calls.writes,
        Some(Effect::SignIn) => 0,
    };
    let requests = u64::from(window.requests.max(1));
    #[expect(clippy::cast_precision_loss, reason = "a forecast")]
    if window.per >= DAY {
        (counted.saturating_sub(1) / requests) as f64 * window.per.as_secs_f64()
    } else {
        counted as f64 * window.per.as_secs_f64() / requests as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_s_quota_costs_days_only_when_it_is_spent_and_a_short_limit_paces_every_call() {
        let window = |requests, seconds, effect| Window {
            requests,
            per: Duration::from_secs(seconds),
            effect,
        };
        let calls = Calls {
            reads: 400,
            writes: 100,
        };
        let is = |window, expected: f64| {
            let found = seconds(&window, calls);
            assert!(
                (found - expected).abs() < 1e-9,
                "{found} and not {expected}"
            );
        };
        is(window(100, 10, None), 50.0);
        is(window(10, 10, Some(Effect::Write)), 100.0);
        is(window(100, 10, Some(Effect::SignIn)), 0.0);
        is(window(500, 86_400, None), 0.0);
        is(window(200, 86_400, None), 2.0 * 86_400.0);
    }
}
