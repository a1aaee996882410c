//! Probes of a connection: what a live account can be asked, and a run that asks a person before each write.
//!
//! A run belongs to whoever asked for it: it tells of its progress as events, waits for answers to its
//! questions at an address of its own, and ends, removing what it made, when the asker goes away.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use axum::{
    Json,
    extract::{Path, State},
    response::{
        IntoResponse as _, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use connections::{Fact, ProbePlan, ProbeRefused, Watcher, chosen};
use connector::Probe;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use store::ConnectionName;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    Code,
    app::AppState,
    error::{ApiError, ApiResult},
};

/// Letters of the random part of a marker.
const MARK: usize = 8;

/// Events that may wait for a slow reader.
const EVENTS: usize = 64;

/// The runs under way, by their ids.
#[derive(Default)]
pub(crate) struct Runs(Mutex<HashMap<String, Arc<Run>>>);

/// One run.
struct Run {
    stop: CancellationToken,
    questions: Mutex<BTreeMap<u64, oneshot::Sender<bool>>>,
}

impl Runs {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Run>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    fn questions(&self) -> MutexGuard<'_, BTreeMap<u64, oneshot::Sender<bool>>> {
        self.questions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a connection's system can be asked.
pub(crate) async fn list(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    let name = app.connection(&name)?;
    let connector = app.connections.connector(&name)?;
    let probes: Vec<Value> = connector.probes().iter().map(shown).collect();
    Ok(Json(Value::Array(probes)))
}

fn shown(probe: &Probe) -> Value {
    json!({
        "id": probe.id,
        "question": probe.question,
        "writes": probe.writes,
        "costs": probe.costs,
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Only these; all if none is named.
    #[serde(default)]
    only: Vec<String>,
    /// Also those that cost more than a few calls.
    #[serde(default)]
    costly: bool,
    /// Every write is allowed beforehand.
    #[serde(default)]
    yes: bool,
}

/// Runs probes. The answer is a stream of events: `begun` with the id of the run, `probe`, `ask` (answered at
/// `/probes/{run}`), `fact`, and at its end `report` or `error`.
pub(crate) async fn run(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Json(wanted): Json<Wanted>,
) -> ApiResult<Response> {
    let name = app.connection(&name)?;
    let connector = app.connections.connector(&name)?;
    let probes = chosen(&*connector, &wanted.only, wanted.costly)?;
    if probes.iter().any(|probe| probe.writes) {
        nothing_at_work(&app, &name).await?;
    }
    let id = app.dice.token();
    let marker = format!("tandem-probe-{}", app.dice.token().split_at(MARK).0);
    let run = Arc::new(Run {
        stop: app.stopping.child_token(),
        questions: Mutex::default(),
    });
    app.probes.all().insert(id.clone(), Arc::clone(&run));
    let (events, receiver) = mpsc::channel::<(&'static str, Value)>(EVENTS);
    let watching = Arc::new(Asker {
        run: Arc::clone(&run),
        events: events.clone(),
        yes: wanted.yes,
        asked: AtomicU64::new(0),
    });
    let plan = ProbePlan {
        only: wanted.only,
        costly: wanted.costly,
        listening: app.listening_on().is_some(),
        marker: marker.clone(),
    };
    let work = {
        let app = Arc::clone(&app);
        async move {
            watching
                .tell("begun", json!({"run": id, "marker": marker}))
                .await;
            // an asker that goes away ends the run; what it made is removed all the same
            let gone = {
                let (events, stop) = (events.clone(), run.stop.clone());
                async move {
                    events.closed().await;
                    stop.cancel();
                }
            };
            let probing = app.connections.probe(
                &name,
                plan,
                Arc::<Asker>::clone(&watching),
                run.stop.clone(),
            );
            tokio::pin!(probing);
            let ended = tokio::select! {
                ended = &mut probing => ended,
                () = gone => probing.await,
            };
            app.probes.all().remove(&id);
            let (event, value) = match ended.map_err(ApiError::from) {
                Ok(report) => ("report", serde_json::to_value(&report)),
                Err(error) => ("error", serde_json::to_value(&error)),
            };
            match value {
                Ok(value) => watching.tell(event, value).await,
                Err(error) => tracing::error!(%error, "a report could not be written"),
            }
        }
    };
    app.spawn_to_its_end(work);
    let events = stream(receiver);
    Ok(Sse::new(events)
        .keep_alive(KeepAlive::default())
        .into_response())
}

fn stream(
    mut receiver: mpsc::Receiver<(&'static str, Value)>,
) -> impl futures::Stream<Item = Result<Event, Infallible>> {
    futures::stream::poll_fn(move |context| {
        receiver.poll_recv(context).map(|next| {
            next.map(|(name, value)| Ok(Event::default().event(name).data(value.to_string())))
        })
    })
}

/// What a probe makes must not be carried on by a sync that is at work.
async fn nothing_at_work(app: &AppState, name: &ConnectionName) -> ApiResult<()> {
    if app.is_idle() {
        return Ok(());
    }
    let in_force = app.in_force()?;
    let status = app.engine.status().await?;
    let at_work = status.syncs.iter().find(|sync| {
        let rules = in_force.document.syncs.get(&sync.name);
        let touches = [&sync.left, &sync.right]
            .into_iter()
            .any(|side| side.as_str() == name.as_str());
        let writes = rules.is_none_or(|rules| rules.mode != mapping::Mode::Preview);
        touches && writes && sync.state == "running"
    });
    match at_work {
        None => Ok(()),
        Some(sync) => Err(ApiError::new(
            StatusCode::CONFLICT,
            Code::SyncAtWork,
            format!(
                "the sync `{}` is at work on `{name}` and would carry on what a probe makes",
                sync.name
            ),
        )
        .hint(format!(
            "`tandem pause {0}`, probe, then `tandem resume {0}`; or ask only what writes nothing",
            sync.name
        ))),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    /// Which question.
    number: Option<u64>,
    /// The answer to it.
    #[serde(default)]
    yes: bool,
    /// The run is to end.
    #[serde(default)]
    stop: bool,
}

/// Answers a question of a run, or ends it.
pub(crate) async fn answer(
    State(app): State<AppState>,
    Path(id): Path<String>,
    Json(said): Json<Said>,
) -> ApiResult<Json<Value>> {
    let run = app.probes.all().get(&id).cloned().ok_or_else(|| {
        ApiError::not_found(
            Code::NotFound,
            "there is no such run of probes, or it ended",
        )
    })?;
    if said.stop {
        run.stop.cancel();
    }
    if let Some(number) = said.number {
        let question = run.questions().remove(&number);
        let question = question.ok_or_else(|| {
            ApiError::not_found(
                Code::NotFound,
                "there is no such question, or it is answered",
            )
        })?;
        // a run that ended meanwhile needs no answer
        let _ = question.send(said.yes);
    }
    Ok(Json(json!({})))
}

/// Asks whoever started the run.
struct Asker {
    run: Arc<Run>,
    events: mpsc::Sender<(&'static str, Value)>,
    yes: bool,
    asked: AtomicU64,
}

impl Asker {
    async fn tell(&self, event: &'static str, value: Value) {
        if self.events.send((event, value)).await.is_err() {
            self.run.stop.cancel();
        }
    }
}

#[async_trait]
impl Watcher for Asker {
    async fn begins(&self, probe: &Probe) {
        self.tell("probe", shown(probe)).await;
    }

    async fn allows(&self, probe: &Probe, what: &str) -> bool {
        if self.yes {
            return true;
        }
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let (sender, answered) = oneshot::channel();
        self.run.questions().insert(number, sender);
        self.tell(
            "ask",
            json!({"number": number, "probe": probe.id, "what": what}),
        )
        .await;
        // nobody is there to answer any more: no
        answered.await.unwrap_or(false)
    }

    async fn found(&self, fact: &Fact) {
        match serde_json::to_value(fact) {
            Ok(fact) => self.tell("fact", fact).await,
            Err(error) => tracing::error!(%error, "a fact could not be written"),
        }
    }
}

impl From<ProbeRefused> for ApiError {
    fn from(error: ProbeRefused) -> Self {
        match error {
            ProbeRefused::Unknown(error) => error.into(),
            ProbeRefused::NoSuchProbe { .. } => Self::bad_request(error.to_string()),
        }
    }
}
