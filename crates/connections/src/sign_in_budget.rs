//! Limits on sign-ins, which vendors count by the client that signs in and not by the account: two connections with
//! the same client id share them. One process works on a database at a time, so nobody else needs to know: whoever takes
//! over reads what was sent just before, or takes everything for spent, and whoever was replaced
//! [sends none](crate::CredentialStore::still_ours).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use connector::{Credentials, Effect, Limits};

use crate::{
    Clock, Restart, Sent,
    budget::{Budget, Permit},
    connection::Connection,
};

/// The name of a client among sign-in fields (RFC 6749, 2.2).
const CLIENT: &str = "client_id";

/// Who signs in where.
#[derive(PartialEq, Eq, Hash)]
struct Client {
    system: &'static str,
    base_url: String,
    id: String,
}

/// The budgets of all clients.
pub(crate) struct SignInBudgets {
    budgets: Mutex<HashMap<Client, Arc<Budget>>>,
    before: Mutex<HashMap<&'static str, Before>>,
    clock: Arc<dyn Clock>,
    opened: Duration,
}

/// The sign-ins at a system before this process, as far as any connection with it knows.
#[derive(Clone, Default)]
struct Before {
    /// Somebody may have signed in just before, and nobody knows how often.
    unknown: bool,
    recent: Vec<Sent>,
}

impl SignInBudgets {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            budgets: Mutex::default(),
            before: Mutex::default(),
            opened: clock.steady(),
            clock,
        }
    }

    /// Takes in what a connection with `system` knows of the time before.
    pub(crate) fn recall(&self, system: &'static str, restart: &Restart) {
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let before = before.entry(system).or_default();
        match &restart.recent {
            Some(recent) => {
                let sign_ins = |sent: &&Sent| sent.effect == Effect::SignIn;
                before.recent.extend(recent.iter().filter(sign_ins));
            }
            None if restart.fresh => {}
            None => before.unknown = true,
        }
    }

    /// The budget of the client that signs in with these credentials; none where the vendor has no such limit or
    /// the scheme knows no client.
    pub(crate) fn of(
        &self,
        connection: &Connection,
        credentials: &Credentials,
    ) -> Option<Arc<Budget>> {
        let client = credentials.given(CLIENT)?.trim();
        let description = connection.connector.describe();
        let documented = connection
            .config
            .limits
            .as_ref()
            .is_none_or(|own| own.documented);
        let windows: Vec<_> = description
            .limits
            .windows
            .iter()
            .filter(|window| documented && window.effect == Some(Effect::SignIn))
            .copied()
            .collect();
        let longest = windows.iter().map(|window| window.per).max()?;
        let client = Client {
            system: description.system,
            base_url: connection.config.base_url(description).to_owned(),
            id: client.to_owned(),
        };
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        let budget = budgets.entry(client).or_insert_with(|| {
            let limits = Limits {
                windows,
                concurrency: description.limits.concurrency,
            };
            Budget::new(
                Arc::clone(&self.clock),
                &limits,
                &[],
                &self.restart(description.system, longest),
            )
        });
        Some(Arc::clone(budget))
    }

    fn restart(&self, system: &'static str, longest: Duration) -> Restart {
        let before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let before = before.get(system).cloned().unwrap_or_default();
        let over = self.clock.steady() >= self.opened + longest;
        Restart {
            fresh: over || !before.unknown,
            recent: (!over && !before.unknown).then_some(before.recent),
            earlier: Vec::new(),
        }
    }
}

/// A turn to send one request: the connection's, and for a sign-in the client's too.
pub(crate) struct Turns {
    pub(crate) own: Permit,
    pub(crate) client: Option<Permit>,
}

impl Turns {
    /// Ends the turn and says how the request went.
    pub(crate) fn finish(self, operation: &'static str, records: usize, trouble: bool) {
        self.own.finish(operation, records, trouble);
        if let Some(client) = self.client {
            client.finish(operation, records, trouble);
        }
    }

    /// Ends the turn of a request that the vendor refused as one too many.
    pub(crate) fn throttled(
        self,
        operation: &'static str,
        records: usize,
        wait: Option<Duration>,
        daily: bool,
    ) {
        self.own.throttled(operation, records, wait, daily);
        if let Some(client) = self.client {
            client.throttled(operation, records, wait, daily);
        }
    }
}
