//! Whether systems really tell of changes: what became of subscribing, and whether a webhook came since this server started.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde::Serialize;
use store::ConnectionName;

use crate::{app::AppState, error::ApiResult};

/// What is known of each connection since the server started.
#[derive(Debug, Default)]
pub(crate) struct Hearing(Mutex<BTreeMap<ConnectionName, Known>>);

#[derive(Debug, Default, Clone)]
struct Known {
    /// What came of asking the vendor for webhooks; `Ok(false)`: it cannot be asked by API.
    subscribing: Option<Result<bool, String>>,
    /// When a webhook came last.
    last: Option<Timestamp>,
}

/// How far it is with the webhooks of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Told {
    state: State,
    /// Why it is not further.
    why: Option<String>,
    /// When a webhook came last, since the server started.
    last: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// None are to come.
    None,
    /// No server runs that they could come to.
    NoServer,
    /// They are wanted and not subscribed.
    NotSubscribed,
    /// They are subscribed; none came yet.
    Subscribed,
    /// They are set up by hand at the vendor; none came yet.
    Silent,
    /// They come.
    Heard,
}

impl Hearing {
    fn known(&self) -> MutexGuard<'_, BTreeMap<ConnectionName, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A webhook of this account came.
    pub(crate) fn heard(&self, name: &ConnectionName, at: Timestamp) {
        self.known().entry(name.clone()).or_default().last = Some(at);
    }

    /// What came of asking for webhooks.
    pub(crate) fn subscribing(&self, name: &ConnectionName, outcome: Result<bool, String>) {
        self.known().entry(name.clone()).or_default().subscribing = Some(outcome);
    }
}

/// How far it is with the webhooks of a connection. `wanted`: the system has some, and an address to send them to.
pub(crate) fn told(app: &AppState, name: &ConnectionName, wanted: bool) -> ApiResult<Told> {
    let known = app.hearing.known().get(name).cloned().unwrap_or_default();
    let told = |state, why: Option<&str>| Told {
        state,
        why: why.map(str::to_owned),
        last: known.last,
    };
    if !wanted {
        return Ok(told(State::None, None));
    }
    if app.is_idle() {
        return Ok(told(State::NoServer, None));
    }
    if known.last.is_some() {
        return Ok(told(State::Heard, None));
    }
    if app.connections.account(name)?.is_none() {
        let why = "nobody has signed in yet";
        return Ok(told(State::NotSubscribed, Some(why)));
    }
    let in_force = app.in_force()?;
    let config = in_force.document.connections.get(name.as_str());
    let read_only = config.is_some_and(|config| config.read_only);
    Ok(match (&known.subscribing, read_only) {
        (Some(Ok(false)), _) => told(State::Silent, None),
        (_, true) => told(State::NotSubscribed, Some("the connection is `read_only`")),
        (Some(Err(why)), _) => told(State::NotSubscribed, Some(why)),
        (Some(Ok(true)), _) => told(State::Subscribed, None),
        (None, _) if app.connections.subscribed_to(name)?.is_some() => {
            told(State::Subscribed, None)
        }
        (None, _) => told(
            State::NotSubscribed,
            Some("it was not asked for yet, which the server does within some seconds"),
        ),
    })
}
