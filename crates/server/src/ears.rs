//! Somebody listens to a trigger, to see what it hands on: what webhooks tell meanwhile is kept for them, in memory only.
//!
//! Nothing is kept that nobody asked for within [`PATIENCE`], and no more than [`KEPT`] of each trigger. Workflows do not begin here.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use connector::catalog::trigger::Happened;
use store::ConnectionName;

/// How long somebody who does not ask again is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Most things that are kept of one trigger; the oldest go first.
const KEPT: usize = 100;

/// Who listens to what.
#[derive(Debug, Default)]
pub(crate) struct Ears(Mutex<BTreeMap<(ConnectionName, String), Ear>>);

#[derive(Debug)]
struct Ear {
    /// By the steady clock.
    until: Duration,
    /// The events of the trigger, as the vendor calls them.
    events: Vec<String>,
    /// The number of the next thing.
    next: u64,
    heard: VecDeque<(u64, Happened)>,
}

impl Ears {
    /// Listens on, and says what came since the thing of this number, and the number to ask with next time. `None` begins now.
    pub(crate) fn listen(
        &self,
        connection: &ConnectionName,
        trigger: &str,
        events: &[String],
        after: Option<u64>,
        now: Duration,
    ) -> (Vec<Happened>, u64) {
        let mut ears = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ears.retain(|_, ear| ear.until > now);
        let ear = ears
            .entry((connection.clone(), trigger.to_owned()))
            .or_insert_with(|| Ear {
                until: now,
                events: events.to_vec(),
                next: 1,
                heard: VecDeque::new(),
            });
        ear.until = now + PATIENCE;
        let after = after.unwrap_or(ear.next);
        let heard = ear.heard.iter().filter(|(number, _)| *number >= after);
        (heard.map(|(_, own)| own.clone()).collect(), ear.next)
    }

    /// Keeps what a webhook told, for those who listen to it.
    pub(crate) fn hear(&self, connection: &ConnectionName, happened: &[Happened], now: Duration) {
        if happened.is_empty() {
            return;
        }
        let mut ears = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for own in happened {
            let place = (connection.clone(), own.trigger.clone());
            let Some(ear) = ears.get_mut(&place).filter(|ear| ear.until > now) else {
                continue;
            };
            ear.heard.push_back((ear.next, own.clone()));
            ear.next += 1;
            if ear.heard.len() > KEPT {
                ear.heard.pop_front();
            }
        }
    }

    /// The events that somebody waits for on a connection, to be subscribed.
    pub(crate) fn events(&self, connection: &ConnectionName, now: Duration) -> Vec<String> {
        let ears = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = ears
            .iter()
            .filter(|((own, _), ear)| own == connection && ear.until > now);
        own.flat_map(|(_, ear)| ear.events.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn happened(trigger: &str, id: &str) -> Happened {
        let (trigger, id) = (trigger.to_owned(), id.to_owned());
        let item = json!({});
        Happened { trigger, id, item }
    }

    #[test]
    fn only_what_somebody_listens_to_is_kept_and_only_for_a_while() {
        let (ears, it) = (Ears::default(), ConnectionName::from("it"));
        let at = Duration::from_secs;
        let hear = |id: &str, now| ears.hear(&it, &[happened("member.created", id)], now);
        hear("early", at(0));
        let event = ["member.created".to_owned()];
        let listen = |after, now| {
            let (heard, next) = ears.listen(&it, "member.created", &event, after, now);
            let ids: Vec<String> = heard.into_iter().map(|own| own.id).collect();
            (ids, next)
        };
        assert_eq!(listen(None, at(1)), (Vec::new(), 1));
        assert_eq!(ears.events(&it, at(2)), event);
        hear("first", at(3));
        hear("second", at(4));
        ears.hear(&it, &[happened("ticket.created", "other")], at(4));
        assert_eq!(
            listen(Some(1), at(5)),
            (vec!["first".to_owned(), "second".to_owned()], 3)
        );
        assert_eq!(listen(Some(3), at(6)), (Vec::new(), 3));
        hear("late", at(70));
        assert_eq!(listen(Some(3), at(71)), (Vec::new(), 1));
        assert!(ears.events(&it, at(200)).is_empty());
    }
}
