//! What a connection remembers of its calls across restarts, for budgets: counts by hour and by
//! second, and whether a process is at work.

use std::collections::BTreeMap;

use connections::Sent;
use connector::Effect;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{ConnectionName, Store, Workspace};

/// What a connection remembers of its calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    v: u32,
    /// How many in which hour (named by its end), for a day and a bit.
    pub(super) calls_by_hour: BTreeMap<Timestamp, u32>,
    /// How many of what in which second (named by its end), for the last minutes.
    #[serde(default)]
    pub(super) sent: Vec<(Timestamp, Effect, u32)>,
    /// A process is at work, or ended without being able to say so.
    pub(super) at_work: bool,
}

impl Default for Remembered {
    fn default() -> Self {
        Self {
            v: 1,
            calls_by_hour: BTreeMap::new(),
            sent: Vec::new(),
            at_work: true,
        }
    }
}

impl Remembered {
    pub(super) fn add(&mut self, calls: &[(Timestamp, Effect)], now: Timestamp) {
        // the end of each span: a window must not forget a call too early
        let end_of = |at: &Timestamp, span: i64| {
            let second = at.as_second();
            Timestamp::from_second(second - second.rem_euclid(span) + span).unwrap_or(*at)
        };
        let mut recent: BTreeMap<(Timestamp, Effect), u32> = self
            .sent
            .drain(..)
            .map(|(at, effect, requests)| ((at, effect), requests))
            .collect();
        for (at, effect) in calls {
            *self.calls_by_hour.entry(end_of(at, 3600)).or_default() += 1;
            *recent.entry((end_of(at, 1), *effect)).or_default() += 1;
        }
        if let Ok(oldest) = now.saturating_sub(SignedDuration::from_hours(25)) {
            self.calls_by_hour.retain(|hour, _| *hour >= oldest);
        }
        if let Ok(oldest) = now.saturating_sub(SignedDuration::from_mins(3)) {
            recent.retain(|(second, _), _| *second >= oldest);
        }
        self.sent = recent
            .into_iter()
            .map(|((at, effect), requests)| (at, effect, requests))
            .collect();
    }

    /// What was sent in the last minutes, as budgets want it.
    pub(super) fn recent(self) -> Vec<Sent> {
        let sent = |(at, effect, requests)| Sent {
            at,
            effect,
            requests,
        };
        self.sent.into_iter().map(sent).collect()
    }
}

pub(super) async fn remembered(
    store: &dyn Store,
    workspace: &Workspace,
    connection: &ConnectionName,
) -> Result<Option<Remembered>, store::Error> {
    let state = store.connection_state(workspace, connection).await?;
    state
        .map(serde_json::from_value)
        .transpose()
        .map_err(|error| store::Error::Corrupt {
            what: "state of a connection",
            why: error.to_string(),
        })
}

pub(super) async fn save(
    store: &dyn Store,
    workspace: &Workspace,
    connection: &ConnectionName,
    remembered: &Remembered,
) -> Result<(), store::Error> {
    let state = serde_json::to_value(remembered).map_err(|error| store::Error::Corrupt {
        what: "state of a connection",
        why: error.to_string(),
    })?;
    store
        .save_connection_state(workspace, connection, &state)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_at_the_end_of_their_span_and_forgotten_in_time() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut remembered = Remembered::default();
        let now = at("2026-01-02T10:00:30Z");
        remembered.add(
            &[
                (at("2026-01-01T08:00:00Z"), Effect::Read),
                (at("2026-01-02T09:00:00Z"), Effect::Read),
                (at("2026-01-02T09:59:59.2Z"), Effect::Read),
                (at("2026-01-02T10:00:00Z"), Effect::Read),
                (at("2026-01-02T10:00:00.5Z"), Effect::SignIn),
            ],
            now,
        );
        let hours: Vec<_> = remembered.calls_by_hour.into_iter().collect();
        assert_eq!(
            hours,
            [
                (at("2026-01-02T10:00:00Z"), 2),
                (at("2026-01-02T11:00:00Z"), 2)
            ]
        );
        assert_eq!(
            remembered.sent,
            [
                (at("2026-01-02T10:00:00Z"), Effect::Read, 1),
                (at("2026-01-02T10:00:01Z"), Effect::Read, 1),
                (at("2026-01-02T10:00:01Z"), Effect::SignIn, 1)
            ]
        );
    }
}
