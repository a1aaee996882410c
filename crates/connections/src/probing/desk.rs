//! Where the probes of one run do their work: asks before writes, remembers what was made, hears webhooks.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use connector::{
    CallError, Calls, Desk, Effect, Heard, Probe, ProbeError, Request, Response, Told, Verdict,
};
use http::Method;
use jiff::Timestamp;
use record::{Entity, RecordId};
use serde_json::Value as Json;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::{ProbePlan, Watcher};
use crate::{Session, connection::Connection, intake::Noted};

/// Between two looks at what webhooks brought.
const LOOK: Duration = Duration::from_millis(250);

/// Addresses of this domain reach nobody (RFC 2606).
const DOMAIN: &str = "example.com";

pub(super) struct RunDesk {
    connection: Arc<Connection>,
    session: Session,
    marker: String,
    listening: bool,
    watcher: Arc<dyn Watcher>,
    stop: CancellationToken,
    lost: AtomicBool,
    state: Mutex<State>,
}

struct State {
    probe: Option<Probe>,
    made: Vec<(Entity, RecordId)>,
    /// What else is to be taken away, each with the request that does it.
    undo: Vec<(String, Request)>,
    /// What may have been made: nobody answered.
    unanswered: Vec<String>,
    /// How much of what was made is taken away already.
    gone: usize,
    emails: Vec<String>,
    kept: BTreeMap<String, Json>,
    heard: Vec<Noted>,
    incoming: broadcast::Receiver<Noted>,
}

impl RunDesk {
    pub(super) fn new(
        connection: Arc<Connection>,
        session: Session,
        plan: &ProbePlan,
        watcher: Arc<dyn Watcher>,
        stop: CancellationToken,
    ) -> Self {
        let incoming = connection.deliveries.subscribe();
        Self {
            connection,
            session,
            marker: plan.marker.clone(),
            listening: plan.listening,
            watcher,
            stop,
            lost: AtomicBool::new(false),
            state: Mutex::new(State {
                probe: None,
                made: Vec::new(),
                undo: Vec::new(),
                unanswered: Vec::new(),
                gone: 0,
                emails: Vec::new(),
                kept: BTreeMap::new(),
                heard: Vec::new(),
                incoming,
            }),
        }
    }

    pub(super) fn begin(&self, probe: &Probe) {
        self.state().probe = Some(*probe);
    }

    /// A write went out whose outcome is not known.
    pub(super) fn lost_track(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn marker_text(&self) -> &str {
        &self.marker
    }

    pub(super) fn emails(&self) -> Vec<String> {
        self.state().emails.clone()
    }

    pub(super) fn add(&self, entity: Entity, id: &RecordId) {
        let mut state = self.state();
        if state.made.iter().all(|(_, known)| known != id) {
            state.made.push((entity, id.clone()));
        }
    }

    /// What may have been made without an answer, in words.
    pub(super) fn unanswered(&self) -> Vec<String> {
        self.state().unanswered.clone()
    }

    /// What is to be removed, the newest first.
    pub(super) fn to_remove(&self) -> Vec<(Entity, RecordId)> {
        self.state().made.iter().rev().cloned().collect()
    }

    /// What else is to be taken away, the newest first.
    pub(super) fn undoings(&self) -> Vec<(String, Request)> {
        self.state().undo.iter().rev().cloned().collect()
    }

    /// How much of what was made, records or not, the probes took away themselves.
    pub(super) fn gone(&self) -> usize {
        self.state().gone
    }

    /// Lets time pass, whatever else happens.
    pub(super) async fn pause(&self, duration: Duration) {
        self.connection.parts.clock.sleep(duration).await;
    }

    fn going_on(&self) -> Result<(), ProbeError> {
        match self.stop.is_cancelled() {
            true => Err(ProbeError::Stopped),
            false => Ok(()),
        }
    }

    /// Whether a request is not known to lack its right.
    fn permitted(&self, request: &Request) -> Result<(), ProbeError> {
        let granted = self.granted();
        match self.connection.connector.right_needed(request) {
            Some(right) if !granted.is_empty() && !granted.contains(&right) => {
                Err(lacking(request, right))
            }
            _ => Ok(()),
        }
    }

    /// The answer, unless it is the refusal of a token that lacks the right: one that had only ended was renewed.
    fn let_in(&self, request: &Request, response: Response) -> Result<Response, ProbeError> {
        let connector = &self.connection.connector;
        match connector.right_needed(request) {
            Some(right) if connector.verdict(request, &response) == Verdict::TokenRefused => {
                Err(lacking(request, right))
            }
            _ => Ok(response),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The events about a record since then.
    fn events(&self, id: &RecordId, since: Timestamp) -> Vec<Told> {
        let mut state = self.state();
        loop {
            match state.incoming.try_recv() {
                Ok(noted) => state.heard.push(noted),
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(_) => break,
            }
        }
        state
            .heard
            .iter()
            .filter(|noted| noted.received >= since)
            .filter(|noted| noted.records.contains(id) || noted.thing.as_ref() == Some(id))
            .map(|noted| noted.told.clone())
            .collect()
    }
}

#[async_trait]
impl Desk for RunDesk {
    fn calls(&self) -> &dyn Calls {
        &self.session
    }

    fn granted(&self) -> Vec<String> {
        let held = self.connection.tokens.held();
        held.and_then(|held| Some(held.kept.credentials.tokens.as_ref()?.scopes.clone()))
            .unwrap_or_default()
    }

    fn marker(&self) -> &str {
        &self.marker
    }

    fn email(&self, name: &str) -> String {
        let email = format!("{}-{name}@{DOMAIN}", self.marker);
        let mut state = self.state();
        if !state.emails.contains(&email) {
            state.emails.push(email.clone());
        }
        email
    }

    async fn read(&self, request: Request) -> Result<Response, ProbeError> {
        self.going_on()?;
        self.permitted(&request)?;
        let response = self.session.once(&request, true).await?;
        self.let_in(&request, response)
    }

    async fn read_unchecked(&self, request: Request) -> Result<Response, ProbeError> {
        self.going_on()?;
        Ok(self.session.once(&request, true).await?)
    }

    async fn write(&self, what: &str, request: Request) -> Result<Response, ProbeError> {
        self.going_on()?;
        self.permitted(&request)?;
        let probe = self.state().probe;
        if let Some(probe) = probe {
            let allowed = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(ProbeError::Stopped),
                allowed = self.watcher.allows(&probe, what) => allowed,
            };
            if !allowed {
                self.going_on()?;
                return Err(ProbeError::Declined(what.to_owned()));
            }
        }
        debug_assert!(request.effect == Effect::Write, "{}", request.operation);
        match self.session.once(&request, true).await {
            Ok(response) => {
                // the vendor broke off: it may have been carried out
                if response.status.is_server_error() {
                    self.lost.store(true, Ordering::Relaxed);
                }
                self.let_in(&request, response)
            }
            Err(error) => {
                if matches!(error, CallError::OutcomeUnknown { .. }) {
                    self.lost.store(true, Ordering::Relaxed);
                    if request.method == Method::POST {
                        self.state().unanswered.push(what.to_owned());
                    }
                }
                Err(error.into())
            }
        }
    }

    async fn read_beyond_limit(&self, request: Request) -> Result<Response, ProbeError> {
        self.going_on()?;
        self.permitted(&request)?;
        let response = self.session.once(&request, false).await?;
        self.let_in(&request, response)
    }

    fn made(&self, entity: Entity, id: &RecordId) {
        tracing::info!(connection = %self.connection.name, %entity, %id, "a probe made a record");
        self.add(entity, id);
    }

    fn removed(&self, id: &RecordId) {
        let mut state = self.state();
        let before = state.made.len();
        state.made.retain(|(_, known)| known != id);
        state.gone += before - state.made.len();
    }

    fn to_undo(&self, what: &str, request: Request) {
        tracing::info!(connection = %self.connection.name, what, "a probe made something");
        self.state().undo.push((what.to_owned(), request));
    }

    fn undone(&self, what: &str) {
        let mut state = self.state();
        let before = state.undo.len();
        state.undo.retain(|(known, _)| known != what);
        state.gone += before - state.undo.len();
    }

    fn keep(&self, key: &str, fact: Json) {
        self.state().kept.insert(key.to_owned(), fact);
    }

    fn kept(&self, key: &str) -> Option<Json> {
        self.state().kept.get(key).cloned()
    }

    async fn wait(&self, duration: Duration) -> Result<(), ProbeError> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(ProbeError::Stopped),
            () = self.connection.parts.clock.sleep(duration) => Ok(()),
        }
    }

    async fn hear(
        &self,
        id: &RecordId,
        since: Timestamp,
        patience: Duration,
    ) -> Result<Heard, ProbeError> {
        if !self.connection.connector.describe().webhooks {
            return Ok(Heard::Deaf("this system sends us no webhooks".to_owned()));
        }
        if !self.listening {
            return Ok(Heard::Deaf(
                "webhooks only come in while `tandem serve` runs; run the probe beside it"
                    .to_owned(),
            ));
        }
        let clock = &self.connection.parts.clock;
        let until = clock.steady() + patience;
        loop {
            if !self.events(id, since).is_empty() {
                // what belongs to it comes with it
                self.wait(LOOK * 8).await?;
                return Ok(Heard::Events(self.events(id, since)));
            }
            if clock.steady() >= until {
                break;
            }
            self.wait(LOOK).await?;
        }
        Ok(match self.connection.has_heard() {
            true => Heard::Nothing,
            false => Heard::Deaf(format!(
                "no webhook came in {} s, and none for this connection since the server started, so they may not be set up: \
                 edit a record by hand and ask again",
                patience.as_secs()
            )),
        })
    }
}

fn lacking(request: &Request, right: String) -> ProbeError {
    let operation = request.operation;
    CallError::Right { operation, right }.into()
}
