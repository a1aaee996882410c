//! What commands do to a database as a whole leaves an act, as requests to the server do.

use connections::{Clock as _, SystemClock};
use store::{AccessStore as _, ActOutcome, Actor, NewAct, SqlStore};

use crate::{failure::Failure, wiring};

/// Keeps in the database that a command did something to it, or tried.
///
/// # Errors
/// When it cannot be kept. What was done stays done.
pub(crate) async fn note(store: &SqlStore, what: &str, outcome: ActOutcome) -> Result<(), Failure> {
    let act = NewAct {
        at: SystemClock::new().now(),
        actor: Actor::CommandLine,
        who: String::new(),
        user: None,
        what: what.to_owned(),
        thing: String::new(),
        outcome,
        code: None,
    };
    store
        .record_act(&wiring::workspace(), &act)
        .await
        .map_err(|error| wiring::store_failure(&error))
}
