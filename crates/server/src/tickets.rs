//! Links to begin a sign-in with, and how each sign-in went.
//!
//! A link is made by somebody who holds a token, works once, and only for a while. So nobody else can
//! tie an account of theirs to a connection.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connector::SecretText;
use serde::Serialize;
use store::ConnectionName;

use crate::{error::ApiError, sharing::SignedIn};

/// How long a sign-in may take from the making of its link.
pub(crate) const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Most that are kept at once; the oldest goes.
const MOST: usize = 100;

struct Ticket {
    text: String,
    connection: ConnectionName,
    stage: Stage,
    ends: Duration,
}

enum Stage {
    /// Nobody opened the link yet. With what the user gave when it was made.
    Made(BTreeMap<String, SecretText>),
    /// The user is at the vendor. With the state that comes back.
    Begun(String),
    /// It is over.
    Over(Box<Result<SignedIn, ApiError>>),
}

/// How a sign-in stands, for the one who made its link.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case", tag = "stage")]
pub(crate) enum Standing {
    /// Nobody opened the link yet.
    Made,
    /// The user is at the vendor.
    Begun,
    /// The account is connected.
    Connected(Box<SignedIn>),
    /// It failed.
    Failed(Box<ApiError>),
}

/// All that are under way. In memory: after a restart one makes a new link.
#[derive(Default)]
pub(crate) struct Tickets(Mutex<Vec<Ticket>>);

impl Tickets {
    /// Makes one. `text` is random, `now` of the steady clock.
    pub(crate) fn make(
        &self,
        text: String,
        connection: ConnectionName,
        given: BTreeMap<String, SecretText>,
        now: Duration,
    ) {
        let mut tickets = self.good(now);
        if tickets.len() >= MOST {
            tickets.remove(0);
        }
        tickets.push(Ticket {
            text,
            connection,
            stage: Stage::Made(given),
            ends: now + LONGEST,
        });
    }

    /// Uses the link of this text for this connection up; gives back what the user gave.
    pub(crate) fn open(
        &self,
        text: &str,
        connection: &str,
        now: Duration,
    ) -> Option<BTreeMap<String, SecretText>> {
        let mut tickets = self.good(now);
        // random and of one use: the time that comparing takes tells nothing of use
        let ticket = tickets
            .iter_mut()
            .find(|ticket| ticket.text == text && ticket.connection.as_str() == connection)?;
        match std::mem::replace(&mut ticket.stage, Stage::Begun(String::new())) {
            Stage::Made(given) => Some(given),
            other => {
                ticket.stage = other;
                None
            }
        }
    }

    /// Notes the state with which the user will come back.
    pub(crate) fn begun(&self, text: &str, state: String, now: Duration) {
        let mut tickets = self.good(now);
        if let Some(ticket) = tickets.iter_mut().find(|ticket| ticket.text == text) {
            ticket.stage = Stage::Begun(state);
        }
    }

    /// Notes how the sign-in with this link ended.
    pub(crate) fn over(&self, text: &str, outcome: Result<SignedIn, ApiError>, now: Duration) {
        let mut tickets = self.good(now);
        if let Some(ticket) = tickets.iter_mut().find(|ticket| ticket.text == text) {
            ticket.stage = Stage::Over(Box::new(outcome));
        }
    }

    /// The link whose sign-in came back with this state, or without one and it is the only one.
    pub(crate) fn of_state(&self, state: Option<&str>, now: Duration) -> Option<String> {
        let tickets = self.good(now);
        let mut begun = tickets
            .iter()
            .filter(|ticket| match (&ticket.stage, state) {
                (Stage::Begun(held), Some(state)) => held == state,
                (Stage::Begun(_), None) => true,
                (Stage::Made(_) | Stage::Over(_), _) => false,
            });
        let only = begun.next()?;
        begun.next().is_none().then(|| only.text.clone())
    }

    /// How the sign-in with this link stands.
    pub(crate) fn standing(&self, text: &str, now: Duration) -> Option<Standing> {
        let tickets = self.good(now);
        let ticket = tickets.iter().find(|ticket| ticket.text == text)?;
        Some(match &ticket.stage {
            Stage::Made(_) => Standing::Made,
            Stage::Begun(_) => Standing::Begun,
            Stage::Over(outcome) => match outcome.as_ref() {
                Ok(connected) => Standing::Connected(Box::new(connected.clone())),
                Err(error) => Standing::Failed(Box::new(error.clone())),
            },
        })
    }

    fn good(&self, now: Duration) -> MutexGuard<'_, Vec<Ticket>> {
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.retain(|ticket| ticket.ends > now);
        tickets
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    const START: Duration = Duration::ZERO;

    fn with(text: &str) -> Tickets {
        let tickets = Tickets::default();
        tickets.make(text.to_owned(), "a".into(), BTreeMap::new(), START);
        tickets
    }

    #[test]
    fn a_link_works_once_for_its_connection_and_not_for_ever() {
        let tickets = with("x");
        assert!(tickets.open("y", "a", START).is_none());
        assert!(tickets.open("x", "b", START).is_none());
        assert!(tickets.open("x", "a", START).is_some());
        assert!(tickets.open("x", "a", START).is_none());
        assert!(with("z").open("z", "a", LONGEST).is_none());
    }

    #[test]
    fn whoever_made_the_link_learns_how_it_ended() {
        let tickets = with("x");
        assert!(matches!(tickets.standing("x", START), Some(Standing::Made)));
        tickets.open("x", "a", START).unwrap();
        tickets.begun("x", "state".to_owned(), START);
        assert!(tickets.of_state(Some("other"), START).is_none());
        assert_eq!(tickets.of_state(None, START).as_deref(), Some("x"));
        assert_eq!(tickets.of_state(Some("state"), START).as_deref(), Some("x"));
        let refused = ApiError::not_found(Code::ConnectionSignIn, "no");
        tickets.over("x", Err(refused), START);
        assert!(matches!(
            tickets.standing("x", START),
            Some(Standing::Failed(_))
        ));
        assert!(tickets.of_state(Some("state"), START).is_none());
    }
}
