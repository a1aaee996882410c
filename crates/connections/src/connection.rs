//! One connection's state in this process: budget, breaker, health, counters, clock difference.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use connector::{AuthScheme, Connector, WebhookKeys};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use store::ConnectionName;
use tokio::sync::{broadcast, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vault::{KeyRing, Place};

use crate::{
    CallLog, Clock, ConnectionConfig, CredentialStore, Dice, Health, Transport,
    breaker::{Breaker, Change},
    budget::Budget,
    call_log::Counters,
    intake::Noted,
    sign_in_budget::SignInBudgets,
    tokens::Tokens,
};

/// Under what it is remembered that a person switched a connection off.
pub(crate) const SWITCHED_OFF: &str = "switched_off";

/// What connections are built with. Everything outside the crate comes in here.
#[derive(Clone)]
pub struct Parts {
    /// The workspace that the connections belong to.
    pub workspace: String,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub dice: Arc<Dice>,
    /// The way onto the network.
    pub transport: Arc<dyn Transport>,
    /// Where sealed credentials are kept.
    pub credentials: Arc<dyn CredentialStore>,
    /// What seals and opens them.
    pub vault: Arc<KeyRing>,
    /// Where call records go.
    pub calls: Arc<dyn CallLog>,
}

/// A connection that was found to need a person is asked again so often, in case the person acted
/// at the vendor.
const ASK_AGAIN: Duration = Duration::from_secs(300);

/// Webhooks that a listener may be behind.
const DELIVERIES: usize = 256;

pub(crate) struct Connection {
    pub(crate) name: ConnectionName,
    pub(crate) config: ConnectionConfig,
    pub(crate) scheme: AuthScheme,
    pub(crate) webhook_keys: WebhookKeys,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) parts: Parts,
    pub(crate) stopping: CancellationToken,
    /// Work that must end even if nobody waits for it any more.
    pub(crate) tasks: TaskTracker,
    pub(crate) budget: Arc<Budget>,
    pub(crate) client_budgets: Arc<SignInBudgets>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) tokens: Arc<Tokens>,
    /// Verified webhooks as they come in, for whoever listens.
    pub(crate) deliveries: broadcast::Sender<Noted>,
    heard: AtomicBool,
    breaker: Mutex<Breaker>,
    /// The scopes and rights that were missed, each with when that was last and what needed it.
    missed: Mutex<BTreeMap<String, (Timestamp, &'static str)>>,
    health: Arc<watch::Sender<Health>>,
    /// When an unusable connection may be tried again, by the steady clock.
    ask_again: Mutex<Duration>,
    /// The vendor's clock less ours, in milliseconds.
    clock_offset: AtomicI64,
}

/// What a connection is made of, checked.
pub(crate) struct Setup {
    pub(crate) name: ConnectionName,
    pub(crate) config: ConnectionConfig,
    pub(crate) scheme: AuthScheme,
    pub(crate) webhook_keys: WebhookKeys,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) client_budgets: Arc<SignInBudgets>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) health: Arc<watch::Sender<Health>>,
}

impl Setup {
    /// Takes over what a connection of the same name had before its config was changed: those who
    /// watch it go on watching, and where it still signs in the same way, one worker goes on
    /// renewing its tokens.
    pub(crate) fn take_over(&mut self, old: &Connection) {
        self.counters = Arc::clone(&old.counters);
        self.health = Arc::clone(&old.health);
        if old.config.system != self.config.system || old.config.base_url != self.config.base_url {
            return;
        }
        if old.config.limits == self.config.limits {
            self.budget = Arc::clone(&old.budget);
        }
        if old.config.auth == self.config.auth {
            self.tokens = Arc::clone(&old.tokens);
        }
    }

    /// Shares what a connection of the same name has while another config of it is only tried: how that goes says nothing
    /// of the one in force, and it keeps to the limits of that one.
    pub(crate) fn borrow(&mut self, old: &Connection) {
        self.take_over(old);
        self.health = Arc::new(watch::Sender::new(old.health()));
        if old.config.system == self.config.system && old.config.base_url == self.config.base_url {
            self.budget = Arc::clone(&old.budget);
        }
    }
}

/// Why no request may be made right now.
pub(crate) enum Barred {
    /// It will be possible again by itself.
    ForNow(String),
    /// A person has to act.
    Person(String),
}

impl Connection {
    pub(crate) fn new(
        setup: Setup,
        parts: Parts,
        lifetime: (CancellationToken, TaskTracker),
    ) -> Self {
        let (stopping, tasks) = lifetime;
        Self {
            name: setup.name,
            config: setup.config,
            scheme: setup.scheme,
            webhook_keys: setup.webhook_keys,
            connector: setup.connector,
            parts,
            stopping,
            tasks,
            budget: setup.budget,
            client_budgets: setup.client_budgets,
            counters: setup.counters,
            tokens: setup.tokens,
            deliveries: broadcast::Sender::new(DELIVERIES),
            heard: AtomicBool::new(false),
            breaker: Mutex::default(),
            missed: Mutex::default(),
            health: setup.health,
            ask_again: Mutex::default(),
            clock_offset: AtomicI64::new(0),
        }
    }

    pub(crate) fn place(&self) -> Place<'_> {
        Place {
            workspace: &self.parts.workspace,
            connection: self.name.as_str(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Now by the vendor's clock, as far as we know it.
    pub(crate) fn vendor_now(&self) -> Timestamp {
        let offset = SignedDuration::from_millis(self.clock_offset.load(Ordering::Relaxed));
        let now = self.now();
        now.saturating_add(offset).unwrap_or(now)
    }

    /// Takes the vendor's word for what time it is.
    pub(crate) fn set_vendor_now(&self, vendor: Timestamp) {
        let offset = vendor.duration_since(self.now());
        let millis = i64::try_from(offset.as_millis()).unwrap_or(0);
        self.clock_offset.store(millis, Ordering::Relaxed);
        tracing::warn!(
            connection = %self.name,
            offset_ms = millis,
            "the vendor's clock differs from ours; requests are dated by the vendor's"
        );
    }

    /// The settings of config and sign-in together.
    pub(crate) fn settings(&self) -> Json {
        let mut settings = self.config.settings();
        if let Some(held) = self.tokens.held() {
            merge(&mut settings, &held.kept.settings);
        }
        settings
    }

    /// The vendor's id of the account that the connection was made for.
    pub(crate) fn account(&self) -> Option<String> {
        let held = self.tokens.held()?;
        held.kept.account.as_ref().map(|account| account.id.clone())
    }

    pub(crate) fn watch_health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    pub(crate) fn health(&self) -> Health {
        self.health.borrow().clone()
    }

    /// Whether the health of the connection allows a call now. An unusable connection lets one request through now and
    /// then, to see whether it is usable again.
    pub(crate) fn admit_by_health(&self) -> Result<(), Barred> {
        let now = self.parts.clock.steady();
        let person = match self.health() {
            Health::Stopped { .. } => {
                return Err(Barred::ForNow("the connection is stopped".to_owned()));
            }
            Health::WrongAccount {
                expected, found, ..
            } => {
                return Err(Barred::Person(format!(
                    "the connection belongs to the account {expected}, but its credentials lead to {found}"
                )));
            }
            Health::NeedsSignIn { why, .. } => Some(why),
            Health::Ok | Health::Degraded { .. } => None,
        };
        if let Some(why) = person {
            let mut ask_again = lock(&self.ask_again);
            if now < *ask_again {
                return Err(Barred::Person(why));
            }
            *ask_again = now + ASK_AGAIN;
        }
        Ok(())
    }

    /// Whether the breaker lets a request through now.
    pub(crate) fn admit_by_breaker(&self) -> Result<(), Barred> {
        let now = self.parts.clock.steady();
        self.breaker().admit(now).map_err(|_| {
            Barred::ForNow("the vendor does not answer; calls pause for a while".to_owned())
        })
    }

    /// The vendor answered, whatever it said.
    pub(crate) fn alive(&self) {
        if self.breaker().succeeded() == Change::Closed {
            tracing::info!(connection = %self.name, "the vendor answers again");
            self.change_health(|health| {
                matches!(health, Health::Degraded { .. }).then_some(Health::Ok)
            });
        }
    }

    /// A call was refused because the connection lacks a right.
    pub(crate) fn misses(&self, right: &str, operation: &'static str) {
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        missed.insert(right.to_owned(), (self.now(), operation));
    }

    /// The rights that were missed lately, each with what needed it. What nobody asked for since is forgotten.
    pub(crate) fn missed_lately(&self) -> Vec<(String, &'static str)> {
        const LATELY: SignedDuration = SignedDuration::from_mins(15);
        let now = self.now();
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        missed.retain(|_, (at, _)| now.duration_since(*at) < LATELY);
        let named = |(right, (_, operation)): (&String, &(_, _))| (right.clone(), *operation);
        missed.iter().map(named).collect()
    }

    /// A call with our credentials that was sent at `sent` was answered.
    pub(crate) fn answered(&self, sent: Timestamp) {
        self.change_health(|health| match health {
            Health::Degraded { .. } => Some(Health::Ok),
            Health::NeedsSignIn { since, .. } if sent > *since => Some(Health::Ok),
            _ => None,
        });
    }

    /// The vendor did not answer, or only said that it cannot.
    pub(crate) fn failed(&self, why: &str) {
        let now = self.parts.clock.steady();
        if let Change::Opened(until) = self.breaker().failed(now) {
            tracing::warn!(connection = %self.name, why, "the vendor does not answer; calls pause");
            self.degrade(why, Some(self.after(until.saturating_sub(now))));
        }
    }

    /// Something is wrong for now.
    pub(crate) fn degrade(&self, why: &str, retry: Option<Timestamp>) {
        let now = self.now();
        self.change_health(|health| match health {
            Health::Ok => Some(Health::Degraded {
                since: now,
                why: why.to_owned(),
                retry,
            }),
            // a pause that is under way is not shortened by a straggler without one
            Health::Degraded {
                since, retry: old, ..
            } if retry.is_some() || old.is_none_or(|old| old <= now) => Some(Health::Degraded {
                since: *since,
                why: why.to_owned(),
                retry,
            }),
            _ => None,
        });
    }

    /// A person has to act.
    pub(crate) fn needs_sign_in(&self, why: &str) {
        let now = self.now();
        *lock(&self.ask_again) = self.parts.clock.steady() + ASK_AGAIN;
        self.change_health(|health| match health {
            Health::Ok | Health::Degraded { .. } => Some(Health::NeedsSignIn {
                since: now,
                why: why.to_owned(),
            }),
            _ => None,
        });
    }

    /// What made it unusable may be over: the next call asks, and does not wait for its time.
    pub(crate) fn ask_now(&self) {
        *lock(&self.ask_again) = Duration::ZERO;
    }

    /// The credentials lead to another account.
    pub(crate) fn wrong_account(&self, expected: &str, found: &str) {
        let since = self.now();
        self.change_health(|_| {
            Some(Health::WrongAccount {
                since,
                expected: expected.to_owned(),
                found: found.to_owned(),
            })
        });
    }

    /// Whether a person switched it off, as far as is stored.
    pub(crate) fn is_switched_off(&self) -> bool {
        !self.settings()["learned"][SWITCHED_OFF].is_null()
    }

    pub(crate) fn stop(&self) {
        let since = self.now();
        self.change_health(|health| match health {
            Health::Stopped { .. } => None,
            _ => Some(Health::Stopped { since }),
        });
    }

    /// All is well again, by a person's doing or by a check. Forgets every failure.
    pub(crate) fn heal(&self) {
        self.breaker().succeeded();
        self.missed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.change_health(|_| Some(Health::Ok));
    }

    /// A verified webhook for this connection came in.
    pub(crate) fn hears(&self, noted: Noted) {
        // an installation is announced by every app, whatever else it is sent
        if !noted.records.is_empty() {
            self.heard.store(true, Ordering::Relaxed);
        }
        // nobody listens most of the time
        let _ = self.deliveries.send(noted);
    }

    /// Whether one about a record came in since this connection was opened.
    pub(crate) fn has_heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    fn change_health(&self, change: impl FnOnce(&Health) -> Option<Health>) {
        self.health.send_if_modified(|health| match change(health) {
            Some(new) if new != *health => {
                if new.as_str() != health.as_str() {
                    tracing::info!(
                        connection = %self.name,
                        from = health.as_str(),
                        to = new.as_str(),
                        "health changed"
                    );
                }
                *health = new;
                true
            }
            _ => false,
        });
    }

    fn after(&self, wait: Duration) -> Timestamp {
        SignedDuration::try_from(wait)
            .ok()
            .and_then(|wait| self.now().saturating_add(wait).ok())
            .unwrap_or(Timestamp::MAX)
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        lock(&self.breaker)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds the settings that a sign-in settled; the config's go before them.
pub(crate) fn merge(settings: &mut Json, granted: &Json) {
    if let (Json::Object(settings), Json::Object(granted)) = (settings, granted) {
        for (key, value) in granted {
            settings.entry(key).or_insert_with(|| value.clone());
        }
    }
}
