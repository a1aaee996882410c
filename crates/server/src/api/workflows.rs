//! Workflows: drafts, versions, and their runs step by step.

mod secrets;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::{
    StoredWorkflow, WorkflowRun, WorkflowRunFilter, WorkflowRunId, WorkflowRunState, WorkflowStep,
};
use workflow::{
    Position, RunError,
    model::{Trigger, Workflow},
};

use crate::{
    Code,
    access::Caller,
    acts::Note,
    app::AppState,
    config::{Problem, Problems, read_draft},
    error::{ApiError, ApiResult},
    flows::{InForceScene, lacking},
};

/// How long a request waits for the end of a run that it began.
const PATIENCE: Duration = Duration::from_secs(8);

/// How often it looks.
const LOOK: Duration = Duration::from_millis(20);

/// So many runs say how a workflow does.
const RECENT: usize = 20;

/// All workflows, with how their last runs went.
pub(crate) async fn list(State(app): State<AppState>) -> ApiResult<Json<Value>> {
    let mut rows = Vec::new();
    let filter = WorkflowRunFilter {
        state: Some(WorkflowRunState::Asking),
        children: true,
        limit: 1000,
        ..WorkflowRunFilter::default()
    };
    let asking = app.store().workflow_runs(app.workspace(), &filter).await?;
    for stored in app.store().workflows(app.workspace()).await? {
        let text = match (&stored.published, &stored.draft) {
            (Some(version), _) => app
                .store()
                .workflow_version(app.workspace(), &stored.name, *version)
                .await?
                .map(|version| version.body),
            (None, draft) => draft.clone(),
        };
        let shown: Option<Workflow> = text.and_then(|text| serde_json::from_value(text).ok());
        let filter = WorkflowRunFilter {
            workflow: Some(stored.name.clone()),
            limit: RECENT,
            ..WorkflowRunFilter::default()
        };
        let recent = app.store().workflow_runs(app.workspace(), &filter).await?;
        let failed = recent
            .iter()
            .filter(|run| run.state == WorkflowRunState::Failed);
        rows.push(json!({
            "name": stored.name,
            "title": shown.as_ref().and_then(|workflow| workflow.title.clone()),
            "trigger": shown.as_ref().map(|workflow| kind(&workflow.trigger)),
            "steps": shown.as_ref().map(|workflow| workflow.all_steps().len()),
            "published": stored.published,
            "draft": stored.draft.is_some(),
            "paused": stored.paused,
            "changed": stored.changed,
            "recent": recent.len(),
            "failed": failed.count(),
            "asking": asking.iter().filter(|run| run.workflow == stored.name).count(),
            "last": recent.first().map(|run| json!({
                "id": run.id,
                "state": run.state,
                "accepted": run.accepted,
                "note": run.note,
            })),
            "unreadable": unreadable(&app, &stored).await?,
        }));
    }
    Ok(Json(Value::Array(rows)))
}

/// Why the version in force cannot be read, if it cannot: then nothing begins it.
async fn unreadable(app: &AppState, stored: &StoredWorkflow) -> ApiResult<Option<String>> {
    let Some(version) = stored.published else {
        return Ok(None);
    };
    match app.flows.graph(&stored.name, version).await {
        Ok(_) => Ok(None),
        Err(RunError::Store(error)) => Err(error.into()),
        Err(error) => Ok(Some(error.to_string())),
    }
}

fn kind(trigger: &Trigger) -> &'static str {
    match trigger {
        Trigger::Manual(_) => "manual",
        Trigger::Webhook(_) => "webhook",
        Trigger::Schedule(_) => "schedule",
        Trigger::Sync(_) => "sync",
        Trigger::Event(_) => "event",
    }
}

async fn find(app: &AppState, name: &str) -> ApiResult<StoredWorkflow> {
    Ok(app.flows.workflow(name).await?)
}

/// One workflow with its draft and versions.
pub(crate) async fn show(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    let stored = find(&app, &name).await?;
    let versions = app
        .store()
        .workflow_versions(app.workspace(), &name)
        .await?;
    let mut answer = super::value(&stored)?;
    answer["unreadable"] = json!(unreadable(&app, &stored).await?);
    answer["versions"] = super::value(&versions)?;
    Ok(Json(answer))
}

/// A workflow as text, and what is different about it here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    /// YAML or JSON.
    text: String,
    /// Which connection plays a role.
    #[serde(default)]
    with: BTreeMap<String, String>,
    /// Values of variables.
    #[serde(default)]
    vars: Map<String, Value>,
    /// Another name.
    #[serde(default)]
    name: Option<String>,
    /// Put it in force.
    #[serde(default)]
    publish: bool,
    /// It is being worked on: what is wrong with it stands in the answer, and is no reason to refuse it as a draft.
    #[serde(default)]
    incomplete: bool,
    /// The same workflow for each of many places: all of them, or none if one cannot be.
    #[serde(default)]
    each: Vec<Place>,
}

/// One of many places that a workflow is made for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    /// Stands behind the workflow's name: `onboarding-berlin`.
    name: String,
    /// Which connection plays a role there.
    #[serde(default)]
    with: BTreeMap<String, String>,
    /// Values of variables there.
    #[serde(default)]
    vars: Map<String, Value>,
}

/// A workflow that may be put in force.
async fn read(app: &AppState, given: &Given) -> ApiResult<Workflow> {
    match read_given(app, given, None).await? {
        (workflow, None) => Ok(workflow),
        (_, Some(problems)) => Err(problems.into()),
    }
}

/// A workflow as it was given, and what is wrong with it. What is said of a place goes before what is said of all.
async fn read_given(
    app: &AppState,
    given: &Given,
    place: Option<&Place>,
) -> ApiResult<(Workflow, Option<Problems>)> {
    let scene = InForceScene::of(app).await?;
    let mut strange = Vec::new();
    let there_with = place.iter().flat_map(|place| &place.with);
    let there_vars = place.iter().flat_map(|place| &place.vars);
    let read = read_draft(&given.text, &scene, |workflow| {
        for (role, connection) in given.with.iter().chain(there_with) {
            match workflow.connections.get_mut(role) {
                Some(played) => played.connection = Some(connection.clone()),
                None => strange.push(format!("the workflow has no role `{role}`")),
            }
        }
        for (name, value) in given.vars.iter().chain(there_vars) {
            match workflow.vars.get_mut(name) {
                Some(held) => *held = value.clone(),
                None => strange.push(format!("the workflow has no variable `{name}`")),
            }
        }
        if let Some(name) = &given.name {
            workflow.name.clone_from(name);
        }
        if let Some(place) = place {
            workflow.name = format!("{}-{}", workflow.name, place.name);
        }
    });
    if let Some(strange) = strange.pop() {
        return Err(ApiError::bad_request(strange));
    }
    Ok(read?)
}

/// A workflow as it is kept: whole, but for a draft that does not say that it is complete.
async fn read_complete(
    app: &AppState,
    given: &Given,
    place: Option<&Place>,
) -> ApiResult<(Workflow, Vec<Problem>)> {
    match read_given(app, given, place).await? {
        (workflow, None) => Ok((workflow, Vec::new())),
        (workflow, Some(found)) if given.incomplete && !given.publish => {
            Ok((workflow, found.problems))
        }
        (_, Some(problems)) => Err(problems.into()),
    }
}

/// Checks a workflow, and changes nothing.
pub(crate) async fn validate(
    State(app): State<AppState>,
    Json(given): Json<Given>,
) -> ApiResult<Json<Value>> {
    let (workflow, problems) = read_complete(&app, &given, None).await?;
    Ok(Json(json!({
        "name": workflow.name,
        "steps": workflow.all_steps().len(),
        "workflow": super::value(&workflow)?,
        "problems": problems,
    })))
}

/// A workflow that is tried, and what with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tried {
    /// The workflow.
    workflow: Given,
    /// What its trigger hands on. Left out: the example of its trigger in the catalog.
    #[serde(default)]
    input: Option<Value>,
    /// What began this run is handed on.
    #[serde(default)]
    run: Option<String>,
}

/// Goes through a workflow: what reads is done, what would write is shown.
pub(crate) async fn test(
    State(app): State<AppState>,
    Extension(caller): Extension<Caller>,
    Json(tried): Json<Tried>,
) -> ApiResult<Json<Value>> {
    let workflow = read(&app, &tried.workflow).await?;
    secrets::may_send(&caller, &workflow)?;
    let input = match (tried.input, tried.run, &workflow.trigger) {
        (Some(input), _, _) => input,
        (None, Some(run), _) => {
            let run = id(&app, &run).await?;
            app.flows.run(run).await?.body["trigger"].clone()
        }
        (None, None, Trigger::Event(event)) => {
            let name = store::ConnectionName::from(workflow.connection(&event.connection));
            let connector = app.connections.connector(&name)?;
            connector
                .catalog()
                .trigger(&event.trigger)
                .map_or(Value::Null, |trigger| trigger.example.clone())
        }
        (None, None, _) => json!({}),
    };
    let graph = workflow::Graph::new(workflow);
    let rehearsal = workflow::rehearse(
        &graph,
        input.clone(),
        app.flows.hands(),
        "test-of-workflow",
        app.clock.now(),
    )
    .await;
    let mut answer = super::value(&rehearsal)?;
    answer["trigger"] = input;
    Ok(Json(answer))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Between {
    /// A version. Left out: the one in force.
    from: Option<u64>,
    /// A version. Left out: the draft.
    to: Option<u64>,
}

/// What is different between two versions, or between one and the draft.
pub(crate) async fn diff(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Query(between): Query<Between>,
) -> ApiResult<Json<Value>> {
    let stored = find(&app, &name).await?;
    let none = |what: String| ApiError::not_found(Code::WorkflowUnknown, what);
    let body = async |version: u64| {
        app.store()
            .workflow_version(app.workspace(), &name, version)
            .await?
            .map(|version| version.body)
            .ok_or_else(|| none(format!("`{name}` has no version {version}")))
    };
    let from = between
        .from
        .or(stored.published)
        .ok_or_else(|| none(format!("`{name}` was never published")))?;
    let to = match (between.to, &stored.draft) {
        (Some(version), _) => body(version).await?,
        (None, Some(draft)) => draft.clone(),
        (None, None) => return Err(none(format!("`{name}` has no draft"))),
    };
    let typed = |body: Value| -> ApiResult<Workflow> {
        serde_json::from_value(body).map_err(|error| ApiError::internal(error.to_string()))
    };
    let found = workflow::diff(&typed(body(from).await?)?, &typed(to)?)
        .map_err(|error| ApiError::internal(error.to_string()))?;
    super::value(&found).map(Json)
}

/// Saves a workflow as the draft of its name, or puts it in force.
pub(crate) async fn save(
    State(app): State<AppState>,
    Extension(caller): Extension<Caller>,
    Json(given): Json<Given>,
) -> ApiResult<(Extension<Note>, Json<Value>)> {
    if given.each.is_empty() {
        let kept = keep(&app, &caller, &given, None).await?;
        let name = kept["name"].as_str().unwrap_or_default();
        let how = if given.publish { " published" } else { "" };
        return Ok((Note::thing(format!("{name}{how}")), Json(kept)));
    }
    // All are looked at before the first is kept.
    let mut workflows = BTreeSet::new();
    for place in &given.each {
        let of_place = |mut error: ApiError| {
            error.message = format!("for `{}`: {}", place.name, error.message);
            error
        };
        let (workflow, _) = read_complete(&app, &given, Some(place))
            .await
            .map_err(of_place)?;
        if given.publish {
            secrets::may_send(&caller, &workflow)?;
        }
        if !workflows.insert(workflow.name.clone()) {
            let message = format!("two places would make the workflow `{}`", workflow.name);
            return Err(ApiError::bad_request(message));
        }
    }
    let mut kept = Vec::with_capacity(workflows.len());
    for place in &given.each {
        kept.push(keep(&app, &caller, &given, Some(place)).await?);
    }
    let names: Vec<String> = workflows.into_iter().collect();
    let answer = Json(json!({"workflows": kept}));
    Ok((Note::thing(names.join(" ")), answer))
}

/// Saves a workflow as the draft, or puts it in force.
async fn keep(
    app: &AppState,
    caller: &Caller,
    given: &Given,
    place: Option<&Place>,
) -> ApiResult<Value> {
    let (workflow, problems) = read_complete(app, given, place).await?;
    if given.publish {
        secrets::may_send(caller, &workflow)?;
        let version = put_in_force(app, &workflow).await?;
        return Ok(in_force(app, &workflow, version));
    }
    let draft = super::value(&workflow)?;
    app.store()
        .save_workflow_draft(
            app.workspace(),
            &workflow.name,
            Some(&draft),
            app.clock.now(),
        )
        .await?;
    Ok(json!({"name": workflow.name, "draft": true, "problems": problems}))
}

/// Throws the draft away; the version in force stays.
pub(crate) async fn discard(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    if find(&app, &name).await?.published.is_none() {
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            Code::WorkflowUnknown,
            format!("`{name}` has nothing but its draft"),
        ));
    }
    app.store()
        .save_workflow_draft(app.workspace(), &name, None, app.clock.now())
        .await?;
    Ok(Json(json!({"name": name, "draft": false})))
}

/// The form of a workflow as JSON Schema: what triggers and kinds of steps there are, and what each is made of.
pub(crate) async fn form() -> ApiResult<Json<Value>> {
    super::value(&schemars::schema_for!(Workflow)).map(Json)
}

/// The answer to publishing: the version, and what is missing here for it to run.
fn in_force(app: &AppState, workflow: &Workflow, version: u64) -> Value {
    let mut answer = json!({"name": workflow.name, "published": version});
    let warnings = lacking(app, workflow);
    if !warnings.is_empty() {
        answer["warnings"] = json!(warnings);
    }
    answer
}

async fn put_in_force(app: &AppState, workflow: &Workflow) -> ApiResult<u64> {
    let version = app
        .store()
        .publish_workflow(
            app.workspace(),
            &workflow.name,
            &super::value(workflow)?,
            workflow.runs.at_once,
            app.clock.now(),
        )
        .await?;
    app.flows.look_anew();
    tracing::info!(
        workflow = workflow.name,
        version,
        "a workflow was put in force"
    );
    Ok(version)
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// An earlier version to go back to. Left out: the draft.
    version: Option<u64>,
}

/// Puts the draft, or an earlier version, in force.
pub(crate) async fn publish(
    State(app): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    which: Option<Json<Which>>,
) -> ApiResult<Json<Value>> {
    let Json(which) = which.unwrap_or_default();
    let stored = find(&app, &name).await?;
    let nothing = |what: String| {
        ApiError::new(StatusCode::CONFLICT, Code::WorkflowUnknown, what)
            .hint("`tandem workflow list` shows what there is")
    };
    if let Some(version) = which.version {
        let none = || nothing(format!("`{name}` has no version {version}"));
        let held = app
            .store()
            .workflow_version(app.workspace(), &name, version)
            .await?
            .ok_or_else(none)?;
        let held: Workflow = serde_json::from_value(held.body)
            .map_err(|error| ApiError::internal(error.to_string()))?;
        let (at_once, now) = (held.runs.at_once, app.clock.now());
        let returned = app
            .store()
            .return_to_workflow_version(app.workspace(), &name, version, at_once, now)
            .await?;
        if !returned {
            return Err(none());
        }
        app.flows.look_anew();
        return Ok(Json(in_force(&app, &held, version)));
    }
    let draft = stored
        .draft
        .ok_or_else(|| nothing(format!("`{name}` has no draft")))?;
    let given = Given {
        text: draft.to_string(),
        with: BTreeMap::new(),
        vars: Map::new(),
        name: None,
        publish: true,
        incomplete: false,
        each: Vec::new(),
    };
    let workflow = read(&app, &given).await?;
    secrets::may_send(&caller, &workflow)?;
    let version = put_in_force(&app, &workflow).await?;
    Ok(Json(in_force(&app, &workflow, version)))
}

async fn set_paused(app: &AppState, name: &str, paused: bool) -> ApiResult<Json<Value>> {
    let now = app.clock.now();
    let there = app
        .store()
        .pause_workflow(app.workspace(), name, paused, now)
        .await?;
    if !there {
        // says that there is none
        find(app, name).await?;
    }
    app.flows.look_anew();
    Ok(Json(json!({"name": name, "paused": paused})))
}

/// Events begin no run of it any more; runs under way go on.
pub(crate) async fn pause(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    set_paused(&app, &name, true).await
}

/// Events begin runs of it again.
pub(crate) async fn resume(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    set_paused(&app, &name, false).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Begin {
    /// What its trigger hands on.
    #[serde(default)]
    input: Value,
    /// Wait a few seconds for its end.
    #[serde(default)]
    wait: bool,
}

/// Begins a run, as a person.
pub(crate) async fn run(
    State(app): State<AppState>,
    Path(name): Path<String>,
    begin: Option<Json<Begin>>,
) -> ApiResult<Json<Value>> {
    let Json(begin) = begin.unwrap_or_default();
    let stored = find(&app, &name).await?;
    if let Some(version) = stored.published {
        let graph = app.flows.graph(&name, version).await?;
        if let Trigger::Manual(form) = &graph.workflow.trigger
            && let Some(schema) = &form.input
        {
            catalog::check(schema, &begin.input).map_err(|problems| {
                ApiError::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    Code::OperationInput,
                    format!("the input does not fit:\n{problems}"),
                )
            })?;
        }
    }
    let run = app
        .flows
        .accept(&stored, None, begin.input, Vec::new())
        .await?
        .ok_or_else(|| ApiError::internal("a run without an event was taken in before"))?;
    if begin.wait {
        wait_for(&app, run).await?;
    }
    shown(&app, run).await
}

/// Waits until a run has ended, asks or waits for a time.
async fn wait_for(app: &AppState, run: WorkflowRunId) -> ApiResult<()> {
    app.start_flows();
    let until = app.clock.steady() + PATIENCE;
    while app.clock.steady() < until {
        let held = app.flows.run(run).await?;
        let parked = held.state == WorkflowRunState::Ready && held.due > app.clock.now();
        if held.state.has_ended() || held.state == WorkflowRunState::Asking || parked {
            break;
        }
        app.clock.sleep(LOOK).await;
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Runs {
    workflow: Option<String>,
    state: Option<WorkflowRunState>,
    #[serde(default)]
    children: bool,
    #[serde(default = "hundred")]
    limit: usize,
}

fn hundred() -> usize {
    100
}

/// Runs, newest first, without their steps.
pub(crate) async fn runs(
    State(app): State<AppState>,
    Query(asked): Query<Runs>,
) -> ApiResult<Json<Value>> {
    let filter = WorkflowRunFilter {
        workflow: asked.workflow.clone(),
        state: asked.state,
        children: asked.children,
        limit: asked.limit.clamp(1, 10_000),
    };
    let runs = app.store().workflow_runs(app.workspace(), &filter).await?;
    if let (true, Some(name)) = (runs.is_empty(), &asked.workflow) {
        find(&app, name).await?;
    }
    Ok(Json(runs.iter().map(summary).collect()))
}

fn summary(run: &WorkflowRun) -> Value {
    let position: Position = serde_json::from_value(run.position.clone()).unwrap_or_default();
    json!({
        "id": run.id,
        "workflow": run.workflow,
        "version": run.version,
        "state": run.state,
        "step": position.at,
        "due": (!run.state.has_ended()).then_some(run.due),
        "key": run.key,
        "parent": run.parent,
        "accepted": run.accepted,
        "started": run.started,
        "ended": run.ended,
        "note": run.note,
        "choices": position
            .question
            .filter(|_| run.state == WorkflowRunState::Asking)
            .map(|question| question.choices()),
    })
}

/// Names whose values are not shown.
const SECRET_NAMES: [&str; 6] = [
    "password",
    "secret",
    "token",
    "authorization",
    "api_key",
    "apikey",
];

/// Whether a value of this name is not shown. Headers have hyphens where fields have underscores.
fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase().replace('-', "_");
    SECRET_NAMES.iter().any(|word| name.ends_with(word))
}

/// A value with what looks like a secret by its name masked.
fn masked(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| {
                let secret = is_secret(name) && member.is_string();
                let shown = if secret { json!("***") } else { masked(member) };
                (name.clone(), shown)
            })
            .collect(),
        Value::Array(items) => items.iter().map(masked).collect(),
        other => other.clone(),
    }
}

fn step(step: &WorkflowStep) -> Value {
    json!({
        "number": step.number,
        "step": step.step,
        "attempt": step.attempt,
        "state": step.state,
        "started": step.started,
        "ended": step.ended,
        "input": masked(&step.input),
        "output": masked(&step.output),
        "error": step.error,
    })
}

async fn shown(app: &AppState, id: WorkflowRunId) -> ApiResult<Json<Value>> {
    let run = app.flows.run(id).await?;
    let steps = app.store().workflow_steps(app.workspace(), id).await?;
    let mut answer = summary(&run);
    answer["trigger"] = masked(&run.body["trigger"]);
    answer["replays"] = run.body["replays"].clone();
    answer["result"] = run.result.as_ref().map(masked).unwrap_or_default();
    answer["steps"] = steps.iter().map(step).collect();
    Ok(Json(answer))
}

/// The run of this id, or of the only one that begins so.
async fn id(app: &AppState, text: &str) -> ApiResult<WorkflowRunId> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let unknown = |what: String| {
        ApiError::not_found(Code::WorkflowRunUnfit, what).hint("`tandem workflow runs` lists them")
    };
    let filter = WorkflowRunFilter {
        children: true,
        limit: 1000,
        ..WorkflowRunFilter::default()
    };
    let runs = app.store().workflow_runs(app.workspace(), &filter).await?;
    let mut fitting = runs
        .iter()
        .map(|run| run.id)
        .filter(|id| text.len() >= 4 && id.to_string().starts_with(text));
    match (fitting.next(), fitting.next()) {
        (Some(id), None) => Ok(id),
        (Some(_), Some(_)) => Err(unknown(format!("more than one run begins with `{text}`"))),
        (None, _) => Err(unknown(format!("there is no run `{text}`"))),
    }
}

/// One run with its steps.
pub(crate) async fn one_run(
    State(app): State<AppState>,
    Path(run): Path<String>,
) -> ApiResult<Json<Value>> {
    let id = id(&app, &run).await?;
    shown(&app, id).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    /// One of the choices.
    choice: String,
    /// For `done`: what the step would have answered.
    #[serde(default)]
    output: Option<Value>,
}

/// What a person says to a run that asks.
pub(crate) async fn answer(
    State(app): State<AppState>,
    Path(run): Path<String>,
    Json(said): Json<Said>,
) -> ApiResult<Json<Value>> {
    let id = id(&app, &run).await?;
    app.flows.answer(id, &said.choice, said.output).await?;
    shown(&app, id).await
}

/// Ends a run and all that it began.
pub(crate) async fn cancel(
    State(app): State<AppState>,
    Path(run): Path<String>,
) -> ApiResult<Json<Value>> {
    let id = id(&app, &run).await?;
    app.flows.cancel(id).await?;
    shown(&app, id).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Again {
    /// The step to begin at; what was done before it is taken over. Left out: the first.
    #[serde(default)]
    from: Option<String>,
    /// What the trigger hands on. Left out: what it did.
    #[serde(default)]
    input: Option<Value>,
    /// Wait a few seconds for its end.
    #[serde(default)]
    wait: bool,
}

/// Does a run again, from a step on.
pub(crate) async fn replay(
    State(app): State<AppState>,
    Path(run): Path<String>,
    again: Option<Json<Again>>,
) -> ApiResult<Json<Value>> {
    let Json(again) = again.unwrap_or_default();
    let old = id(&app, &run).await?;
    let new = app
        .flows
        .replay(old, again.from.as_deref(), again.input)
        .await?;
    if again.wait {
        wait_for(&app, new).await?;
    }
    shown(&app, new).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_a_secret_is_masked_however_it_is_spelt() {
        let given = json!({"headers": {"X-Api-Key": "k", "x-auth-token": "t", "accept": "a"},
            "list": [{"clientSecret": "s", "api_key": "k", "keys": 3, "apiKey": "k"}]});
        let shown = json!({"headers": {"X-Api-Key": "***", "x-auth-token": "***", "accept": "a"},
            "list": [{"clientSecret": "***", "api_key": "***", "keys": 3, "apiKey": "***"}]});
        assert_eq!(masked(&given), shown);
    }
}
