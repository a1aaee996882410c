//! One call to a vendor from beginning to end: authorisation, budget, sending, what the answer
//! means, trying again, and a line in the log for each attempt.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use connector::{Body, CallError, Credentials, Effect, Request, Response, Verdict};
use http::{HeaderValue, header::CONTENT_TYPE};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use store::Lane;
use url::Url;

use crate::{
    Outgoing, TransportError,
    budget::{Exhausted, Permit},
    connection::{Barred, Connection},
    credentials::{Held, scrub},
    ongoing::Ongoing,
    retry::{self, Failure, Next, Waiting},
    sign_in_budget::Turns,
    tokens::TokenError,
};

/// In whose name a request is made.
#[derive(Clone, Copy)]
pub(crate) enum Authority<'a> {
    /// With the connection's own credentials, kept fresh.
    Own,
    /// With the connection's own credentials even if the connection is not usable: to find out
    /// whether it is again.
    Probe,
    /// With credentials that are not saved yet.
    Trial(&'a Credentials),
    /// Without any, to obtain tokens for these.
    SignIn(&'a Credentials),
}

/// How long a call waits for a vendor's limit before it is given up as "later".
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A token cannot have ended so soon after it was bought.
const JUST_BOUGHT: SignedDuration = SignedDuration::from_secs(60);

/// A call under way.
pub(crate) struct Exchange<'a> {
    pub(crate) connection: &'a Arc<Connection>,
    pub(crate) lane: Lane,
    pub(crate) cause: &'a Arc<str>,
    pub(crate) settings: &'a Json,
    pub(crate) authority: Authority<'a>,
    pub(crate) writes_until: Option<Timestamp>,
}

/// What happened so far in one call.
#[derive(Default)]
struct Progress {
    attempt: u32,
    failed: u32,
    throttled: u32,
    token_refused: Option<Timestamp>,
    clock_set: bool,
}

/// How one attempt ended.
enum Attempt {
    Done(Response),
    Over(CallError),
    Failed(Failure, String),
    TokenRefused,
    ClockSet,
}

impl Exchange<'_> {
    /// Sends a request, again where that is allowed, until an answer came or it is over.
    pub(crate) async fn send(&self, request: Request) -> Result<Response, CallError> {
        let operation = request.operation;
        self.permitted(&request)?;
        let began = self.connection.parts.clock.steady();
        let mut progress = Progress::default();
        let mut held = None;
        loop {
            if self.connection.stopping.is_cancelled() {
                return Err(CallError::Stopping { operation });
            }
            if matches!(self.authority, Authority::Own) {
                let admitted = self.connection.admit_by_breaker();
                admitted.map_err(|barred| barred_error(operation, barred))?;
            }
            if matches!(self.authority, Authority::Own | Authority::Probe) {
                held = Some(self.held(operation, held.take()).await?);
            }
            progress.attempt += 1;
            let (failure, why) = match self.attempt(&request, held.as_deref(), &progress).await {
                Attempt::Done(response) => return Ok(response),
                Attempt::Over(error) => return Err(error),
                Attempt::ClockSet if !progress.clock_set => {
                    progress.clock_set = true;
                    continue;
                }
                Attempt::ClockSet => {
                    let why = "the vendor's clock differs from ours even after setting it";
                    return Err(not_sent(operation, why));
                }
                Attempt::TokenRefused
                    if let Some(right) =
                        self.lacks(&request, held.as_deref(), progress.token_refused) =>
                {
                    return Err(self.lacking(&request, right));
                }
                Attempt::TokenRefused if !is_new(held.as_deref(), progress.token_refused) => {
                    progress.token_refused = Some(self.connection.now());
                    if let Some(used) = &held {
                        let fresh = Connection::after_refusal(self.connection, used).await;
                        held = Some(fresh.map_err(|error| token_error(operation, error))?);
                        continue;
                    }
                    return Err(self.refused(operation, "the vendor refused the token"));
                }
                Attempt::TokenRefused => {
                    let why = "the vendor refused the token, and a new one too";
                    return Err(self.refused(operation, why));
                }
                Attempt::Failed(failure, why) => (failure, why),
            };
            let times = if failure == Failure::Throttled {
                &mut progress.throttled
            } else {
                &mut progress.failed
            };
            *times += 1;
            let elapsed = self.connection.parts.clock.steady().saturating_sub(began);
            match retry::next(failure, request.effect, self.waiting(), *times, elapsed) {
                Next::GiveUp => return Err(self.give_up(&request, failure, why)),
                Next::After(wait) => self.pause(operation, wait).await?,
            }
        }
    }

    /// Who waits for the answer: whether an account can be used is what a person asks.
    fn waiting(&self) -> Waiting {
        match self.authority {
            Authority::Probe | Authority::Trial(_) => Waiting::Person,
            Authority::Own | Authority::SignIn(_) => Waiting::Work,
        }
    }

    /// Sends a request once and gives back whatever came. See [`crate::Session`].
    pub(crate) async fn once(
        &self,
        request: &Request,
        budgeted: bool,
    ) -> Result<Response, CallError> {
        let connection = self.connection;
        let operation = request.operation;
        self.permitted(request)?;
        let mut held = self.held(operation, None).await?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let permit = match budgeted {
                true => {
                    let turn = connection
                        .budget
                        .acquire(self.lane, request.effect, PATIENCE);
                    let turn = tokio::select! {
                        biased;
                        () = connection.stopping.cancelled() => {
                            return Err(CallError::Stopping { operation });
                        }
                        turn = turn => turn,
                    };
                    Some(turn.map_err(|exhausted| self.exhausted(operation, exhausted))?)
                }
                false => None,
            };
            let credentials = Some(&held.kept.credentials);
            let outgoing = self
                .outgoing(request, credentials)
                .map_err(|why| not_sent(operation, self.scrubbed(&why, credentials)))?;
            let ongoing = Ongoing::begin(self, request, attempt);
            let answer = match connection.parts.transport.send(outgoing).await {
                Ok(answer) => answer,
                Err(error) => {
                    ongoing.end(None, (&error).into());
                    return Err(match (&error, request.effect) {
                        (TransportError::NotSent(_) | TransportError::Forbidden(_), _)
                        | (_, Effect::Read | Effect::SignIn) => {
                            not_sent(operation, error.to_string())
                        }
                        (_, Effect::Write) => CallError::OutcomeUnknown {
                            operation,
                            why: error.to_string(),
                        },
                    });
                }
            };
            let response = Response {
                status: answer.status,
                headers: answer.headers,
                body: answer.body,
                sent: ongoing.sent,
            };
            let took = connection
                .parts
                .clock
                .steady()
                .saturating_sub(ongoing.start);
            for said in connection.connector.announced(&response) {
                connection.budget.announce(took, said);
            }
            let verdict = connection.connector.verdict(request, &response);
            ongoing.end(Some(response.status.as_u16()), (&verdict).into());
            match (verdict, permit) {
                (Verdict::Throttled { wait, daily }, Some(permit)) => {
                    permit.throttled(operation, request.records, wait, daily);
                }
                (Verdict::Throttled { wait, daily }, None) => {
                    connection
                        .budget
                        .exceeded(request.effect, operation, wait, daily);
                }
                // another token would lack the same right, and vendors take few token requests
                (Verdict::TokenRefused, permit)
                    if attempt == 1 && self.lacks(request, Some(&held), None).is_none() =>
                {
                    drop(permit);
                    held = Connection::after_refusal(connection, &held)
                        .await
                        .map_err(|error| token_error(operation, error))?;
                    continue;
                }
                (Verdict::ClockSkew { server }, permit) if attempt == 1 => {
                    drop(permit);
                    connection.set_vendor_now(server);
                    continue;
                }
                (_, Some(permit)) => permit.finish(operation, request.records, false),
                (_, None) => {}
            }
            return Ok(response);
        }
    }

    /// The error of a request whose right the connection lacks. What a sync needs is remembered, and told to people.
    fn lacking(&self, request: &Request, right: String) -> CallError {
        let operation = request.operation;
        if matches!(self.authority, Authority::Own) && !request.own_right {
            self.connection.misses(&right, operation);
        }
        CallError::Right { operation, right }
    }

    /// The right that a refused token lacks, where the vendor does not tell that from a token that has
    /// ended: the token was not granted it, or is so fresh that it cannot have ended.
    fn lacks(
        &self,
        request: &Request,
        held: Option<&Held>,
        refused: Option<Timestamp>,
    ) -> Option<String> {
        let right = self.connection.connector.right_needed(request)?;
        let (credentials, obtained) = match self.authority {
            Authority::SignIn(_) => return None,
            Authority::Trial(credentials) => (Some(credentials), Some(self.connection.now())),
            Authority::Own | Authority::Probe => (
                held.map(|held| &held.kept.credentials),
                held.and_then(|held| held.kept.obtained),
            ),
        };
        let granted = credentials
            .and_then(|credentials| credentials.tokens.as_ref())
            .map(|tokens| tokens.scopes.as_slice())
            .unwrap_or_default();
        let not_granted = !granted.is_empty() && !granted.contains(&right);
        let fresh = obtained
            .is_some_and(|obtained| self.connection.now().duration_since(obtained) < JUST_BOUGHT);
        let renewed = is_new(held, refused);
        (not_granted || fresh || renewed).then_some(right)
    }

    /// Whether this request may be made at all.
    fn permitted(&self, request: &Request) -> Result<(), CallError> {
        let own = matches!(self.authority, Authority::Own | Authority::Probe);
        if own && request.effect == Effect::Write && self.connection.config.read_only {
            return Err(not_sent(
                request.operation,
                "the connection is set to `read_only`",
            ));
        }
        if matches!(self.authority, Authority::Own) {
            let admitted = self.connection.admit_by_health();
            admitted.map_err(|barred| barred_error(request.operation, barred))?;
        }
        Ok(())
    }

    /// The credentials to use: those of the attempt before, or the ones in force.
    async fn held(
        &self,
        operation: &'static str,
        held: Option<Arc<Held>>,
    ) -> Result<Arc<Held>, CallError> {
        match held {
            Some(held) => Ok(held),
            None => Connection::current(self.connection)
                .await
                .map_err(|error| token_error(operation, error)),
        }
    }

    async fn attempt(
        &self,
        request: &Request,
        held: Option<&Held>,
        progress: &Progress,
    ) -> Attempt {
        let connection = self.connection;
        let operation = request.operation;
        let credentials = match self.authority {
            Authority::Own | Authority::Probe => held.map(|held| &held.kept.credentials),
            Authority::Trial(credentials) => Some(credentials),
            Authority::SignIn(_) => None,
        };
        let permit = tokio::select! {
            biased;
            () = connection.stopping.cancelled() => {
                return Attempt::Over(CallError::Stopping { operation });
            }
            permit = connection.budget.acquire(self.lane, request.effect, PATIENCE) => permit,
        };
        let own = match permit {
            Ok(permit) => permit,
            Err(exhausted) => return Attempt::Over(self.exhausted(operation, exhausted)),
        };
        let client = match self.turn_of_client(request).await {
            Ok(client) => client,
            Err(error) => return Attempt::Over(error),
        };
        let turns = Turns { own, client };
        let signs_in =
            request.effect == Effect::SignIn || matches!(self.authority, Authority::SignIn(_));
        if signs_in && let Err(error) = connection.parts.credentials.still_ours().await {
            // a process that has replaced this one counts its own sign-ins and knows nothing of ours
            return Attempt::Over(not_sent(operation, error.to_string()));
        }
        let is_late = |until| connection.now() > until;
        if request.effect == Effect::Write && self.writes_until.is_some_and(is_late) {
            let why = "its turn came too late: what was read before is not fresh any more";
            return Attempt::Over(not_sent(operation, why));
        }
        let outgoing = match self.outgoing(request, credentials) {
            Ok(outgoing) => outgoing,
            Err(why) => {
                let why = self.scrubbed(&why, credentials);
                return Attempt::Over(not_sent(operation, why));
            }
        };
        let ongoing = Ongoing::begin(self, request, progress.attempt);
        let result = connection.parts.transport.send(outgoing).await;
        let judged = result.map(|answer| {
            let response = Response {
                status: answer.status,
                headers: answer.headers,
                body: answer.body,
                sent: ongoing.sent,
            };
            for said in connection.connector.announced(&response) {
                let took = connection
                    .parts
                    .clock
                    .steady()
                    .saturating_sub(ongoing.start);
                connection.budget.announce(took, said);
            }
            (connection.connector.verdict(request, &response), response)
        });
        match &judged {
            Ok((verdict, answer)) => {
                ongoing.end(Some(answer.status.as_u16()), verdict.into());
            }
            Err(error) => ongoing.end(None, error.into()),
        }
        match judged {
            Ok((verdict, response)) => self.judge(request, credentials, turns, verdict, response),
            Err(error) => self.unanswered(request, turns, error),
        }
    }

    /// For a sign-in, the turn that all connections of the same client share.
    async fn turn_of_client(&self, request: &Request) -> Result<Option<Permit>, CallError> {
        let (Authority::SignIn(credentials), Effect::SignIn) = (self.authority, request.effect)
        else {
            return Ok(None);
        };
        let connection = self.connection;
        let Some(budget) = connection.client_budgets.of(connection, credentials) else {
            return Ok(None);
        };
        let operation = request.operation;
        tokio::select! {
            biased;
            () = connection.stopping.cancelled() => Err(CallError::Stopping { operation }),
            turn = budget.acquire(self.lane, request.effect, PATIENCE) => {
                turn.map(Some).map_err(|exhausted| self.exhausted(operation, exhausted))
            }
        }
    }

    /// Acts on what the connector says that an answer means.
    fn judge(
        &self,
        request: &Request,
        credentials: Option<&Credentials>,
        turns: Turns,
        verdict: Verdict,
        response: Response,
    ) -> Attempt {
        let connection = self.connection;
        let operation = request.operation;
        match verdict {
            Verdict::Throttled { wait, daily } => {
                turns.throttled(operation, request.records, wait, daily);
            }
            Verdict::Unavailable { .. } => turns.finish(operation, request.records, true),
            _ => turns.finish(operation, request.records, false),
        }
        if !matches!(verdict, Verdict::Unavailable { .. }) {
            connection.alive();
        }
        match verdict {
            Verdict::Answered => {
                if matches!(self.authority, Authority::Own) {
                    connection.answered(response.sent);
                }
                Attempt::Done(response)
            }
            Verdict::TokenRefused => Attempt::TokenRefused,
            Verdict::RightMissing { right } => {
                if matches!(self.authority, Authority::Own) {
                    connection.answered(response.sent);
                }
                Attempt::Over(self.lacking(request, right))
            }
            Verdict::CredentialsRefused { message } => {
                let why = self.scrubbed(&message, credentials);
                Attempt::Over(self.refused(operation, &why))
            }
            Verdict::ClockSkew { server } => {
                connection.set_vendor_now(server);
                Attempt::ClockSet
            }
            Verdict::Unavailable { message } => {
                let why = self.scrubbed(&message, credentials);
                connection.failed(&why);
                Attempt::Failed(Failure::Unknown, why)
            }
            Verdict::Throttled { .. } => Attempt::Failed(
                Failure::Throttled,
                "the vendor's limit is used up".to_owned(),
            ),
        }
    }

    /// Acts on an answer that did not come.
    fn unanswered(&self, request: &Request, turns: Turns, error: TransportError) -> Attempt {
        let operation = request.operation;
        let why = error.to_string();
        let trouble = matches!(error, TransportError::MaybeSent(_) | TransportError::Cut(_));
        turns.finish(operation, request.records, trouble);
        match error {
            TransportError::Forbidden(_) => {
                self.connection.degrade(&why, None);
                Attempt::Over(not_sent(operation, why))
            }
            TransportError::NotSent(_) => {
                self.connection.failed(&why);
                Attempt::Failed(Failure::NotSent, why)
            }
            TransportError::MaybeSent(_) | TransportError::Cut(_) => {
                self.connection.failed(&why);
                Attempt::Failed(Failure::Unknown, why)
            }
            // the same request would bring the same answer
            TransportError::TooLarge { .. } => {
                self.connection.alive();
                Attempt::Over(self.give_up(request, Failure::Unknown, why))
            }
        }
    }

    /// The request as it goes out, authorised anew.
    fn outgoing(
        &self,
        request: &Request,
        credentials: Option<&Credentials>,
    ) -> Result<Outgoing, String> {
        self.authorised(request, credentials)
            .map(|(_, outgoing)| outgoing)
    }

    /// The same, beside the authorised request that it was made of.
    pub(crate) fn authorised(
        &self,
        request: &Request,
        credentials: Option<&Credentials>,
    ) -> Result<(Request, Outgoing), String> {
        let connection = self.connection;
        let mut request = request.clone();
        let before = request.headers.clone();
        if let Some(credentials) = credentials {
            connection
                .connector
                .authorise(
                    &mut request,
                    credentials,
                    self.settings,
                    connection.vendor_now(),
                )
                .map_err(|error| error.to_string())?;
            // what authorisation added is kept out of other people's debug logs and header tables
            for (name, value) in &mut request.headers {
                if !before.contains_key(name) {
                    value.set_sensitive(true);
                }
            }
        }
        let base = match &request.base_url {
            Some(other) => other,
            None => connection.config.base_url(connection.connector.describe()),
        };
        let mut url = Url::parse(&format!("{base}{}", request.path))
            .map_err(|error| format!("the address cannot be read: {error}"))?;
        if url.scheme() != "https" && !connection.config.allow_private_addresses {
            return Err("only https may carry credentials".to_owned());
        }
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        let (body, content_type) = encode(&request.body)?;
        if let Some(content_type) = content_type {
            request
                .headers
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static(content_type));
        }
        let outgoing = Outgoing {
            method: request.method.clone(),
            url,
            headers: request.headers.clone(),
            body,
            allow_private: connection.config.allow_private_addresses,
        };
        Ok((request, outgoing))
    }

    /// A person has to act; said of the connection only where its own credentials were used.
    fn refused(&self, operation: &'static str, why: &str) -> CallError {
        if matches!(self.authority, Authority::Own | Authority::Probe) {
            self.connection.needs_sign_in(why);
        }
        CallError::Credentials {
            operation,
            why: why.to_owned(),
        }
    }

    fn exhausted(&self, operation: &'static str, exhausted: Exhausted) -> CallError {
        let why = exhausted.to_string();
        self.connection.degrade(&why, Some(exhausted.until));
        not_sent(operation, why)
    }

    fn give_up(&self, request: &Request, failure: Failure, why: String) -> CallError {
        let operation = request.operation;
        self.connection.degrade(&why, None);
        // a read has no effect that could be unknown
        if failure == Failure::Unknown && request.effect == Effect::Write {
            CallError::OutcomeUnknown { operation, why }
        } else {
            CallError::NotSent { operation, why }
        }
    }

    async fn pause(&self, operation: &'static str, wait: Duration) -> Result<(), CallError> {
        let parts = &self.connection.parts;
        tokio::select! {
            biased;
            () = self.connection.stopping.cancelled() => Err(CallError::Stopping { operation }),
            () = parts.clock.sleep(parts.dice.jitter(wait)) => Ok(()),
        }
    }

    fn scrubbed(&self, text: &str, credentials: Option<&Credentials>) -> String {
        credentials.map_or_else(|| text.to_owned(), |credentials| scrub(text, credentials))
    }
}

/// Whether these tokens were obtained because others were refused. Those that another call obtained
/// before may have come to their end as well.
fn is_new(held: Option<&Held>, refused: Option<Timestamp>) -> bool {
    refused.is_some_and(|refused| {
        held.is_none_or(|held| {
            held.kept
                .obtained
                .is_none_or(|obtained| obtained >= refused)
        })
    })
}

fn encode(body: &Body) -> Result<(Bytes, Option<&'static str>), String> {
    match body {
        Body::Empty => Ok((Bytes::new(), None)),
        Body::Json(json) => serde_json::to_vec(json)
            .map(|bytes| (bytes.into(), Some("application/json")))
            .map_err(|error| format!("the body cannot be written as JSON: {error}")),
        Body::Form(pairs) => {
            let form = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish();
            Ok((form.into(), Some("application/x-www-form-urlencoded")))
        }
    }
}

fn not_sent(operation: &'static str, why: impl Into<String>) -> CallError {
    CallError::NotSent {
        operation,
        why: why.into(),
    }
}

fn barred_error(operation: &'static str, barred: Barred) -> CallError {
    match barred {
        Barred::ForNow(why) => CallError::NotSent { operation, why },
        Barred::Person(why) => CallError::Credentials { operation, why },
    }
}

fn token_error(operation: &'static str, error: TokenError) -> CallError {
    match error {
        TokenError::Person(why) => CallError::Credentials { operation, why },
        TokenError::ForNow(why) => CallError::NotSent { operation, why },
        TokenError::Stopping => CallError::Stopping { operation },
    }
}
