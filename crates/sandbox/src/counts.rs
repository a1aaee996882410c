//! How many requests each system saw, by route, method and status.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::system::System;

/// Whether a request reads or writes, for the totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// It changes nothing.
    Read,
    /// It may change records.
    Write,
    /// Sign-in and tokens, counted in neither total.
    SignIn,
}

/// Counters of one sandbox.
#[derive(Debug, Default)]
pub struct Counts {
    inner: Mutex<BTreeMap<System, PerSystem>>,
}

#[derive(Debug, Default, Clone)]
struct PerSystem {
    totals: Totals,
    routes: BTreeMap<(&'static str, String, u16), u64>,
    actions: BTreeMap<String, u64>,
    crowded: u64,
    given_up: u64,
}

/// The sums of one system.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Requests that only read, whatever came of them.
    pub reads: u64,
    /// Requests that write, whatever came of them.
    pub writes: u64,
    /// Sign-in and token requests.
    pub sign_ins: u64,
    /// Requests refused because of a rate limit.
    pub throttled: u64,
    /// Requests answered with any other error, and connections dropped.
    pub failed: u64,
}

/// One line of the listing by route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteCount {
    /// The route's template, such as `/contacts/{contactId}`.
    pub route: &'static str,
    /// The HTTP method.
    pub method: String,
    /// The HTTP status, 0 for a dropped connection.
    pub status: u16,
    /// How many.
    pub count: u64,
}

/// All counters of one system.
#[derive(Debug, Clone, Serialize)]
pub struct SystemCounts {
    /// The sums.
    pub totals: Totals,
    /// By route, method and status.
    pub routes: Vec<RouteCount>,
    /// By action and resource, where one request carries several.
    pub actions: BTreeMap<String, u64>,
    /// Requests let through although nine tenths of what a rate limit allows were used: how near a client goes to the limit.
    pub crowded: u64,
    /// Requests that had their effect and whose client went away while a fault held the answer back.
    pub given_up: u64,
}

pub(crate) struct Done<'a> {
    pub(crate) system: System,
    pub(crate) route: &'static str,
    pub(crate) method: &'a str,
    pub(crate) access: Access,
    pub(crate) actions: &'a [String],
    /// 0 for a dropped connection.
    pub(crate) status: u16,
    /// True for errors that a vendor reports under status 200.
    pub(crate) failed: bool,
}

impl Counts {
    pub(crate) fn add(&self, done: &Done<'_>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let system = inner.entry(done.system).or_default();
        match done.access {
            Access::Read => system.totals.reads += 1,
            Access::Write => system.totals.writes += 1,
            Access::SignIn => system.totals.sign_ins += 1,
        }
        if done.status == 429 {
            system.totals.throttled += 1;
        } else if done.failed || done.status == 0 || done.status >= 400 {
            system.totals.failed += 1;
        }
        *system
            .routes
            .entry((done.route, done.method.to_owned(), done.status))
            .or_default() += 1;
        for action in done.actions {
            match system.actions.get_mut(action) {
                Some(count) => *count += 1,
                None => drop(system.actions.insert(action.clone(), 1)),
            }
        }
    }

    /// One more was let through into a nearly full window.
    pub(crate) fn crowd(&self, system: System) {
        self.of(system, |counts| counts.crowded += 1);
    }

    /// One more client went away before its answer.
    pub(crate) fn give_up(&self, system: System) {
        self.of(system, |counts| counts.given_up += 1);
    }

    fn of(&self, system: System, change: impl FnOnce(&mut PerSystem)) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        change(inner.entry(system).or_default());
    }

    /// The sums of one system.
    #[must_use]
    pub fn totals(&self, system: System) -> Totals {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner
            .get(&system)
            .map(|counts| counts.totals)
            .unwrap_or_default()
    }

    /// Everything counted, by system.
    #[must_use]
    pub fn all(&self) -> BTreeMap<System, SystemCounts> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        System::ALL
            .into_iter()
            .map(|system| {
                let counts = inner.get(&system).cloned().unwrap_or_default();
                let routes = counts
                    .routes
                    .into_iter()
                    .map(|((route, method, status), count)| RouteCount {
                        route,
                        method,
                        status,
                        count,
                    })
                    .collect();
                (
                    system,
                    SystemCounts {
                        totals: counts.totals,
                        routes,
                        actions: counts.actions,
                        crowded: counts.crowded,
                        given_up: counts.given_up,
                    },
                )
            })
            .collect()
    }

    /// Starts again from zero.
    pub fn reset(&self) {
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
