//! A workflow as data: a trigger and a graph of steps, the same in YAML, JSON, the API and the database.
//!
//! Steps stand in a list. Each goes on with the next in the list unless it says where (`next`); a branch names a
//! step for each case. `end` as a target is the end of the list.

mod kinds;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

pub use kinds::{
    Approval, Branch, Call, Case, ChatMessage, Comparison, Condition, Delay, Edit, Email, ForEach,
    Http, LookUp, Notify, OnFailure, Operation, Parallel, ReadAs, Stop, Wait,
};

/// The version of the format that this Tandem reads.
pub const VERSION: u32 = 1;

/// The target that is the end of a list of steps.
pub const END: &str = "end";

/// What begins, and what is done then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// The version of this format: always 1.
    pub version: u32,
    /// Its name: lower case letters, digits, `-` and `_`.
    pub name: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The connections that its steps use: a role for each, and which connection plays it here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub connections: BTreeMap<String, Role>,
    /// Values that differ from place to place, as `{{ vars.NAME }}`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub vars: Map<String, Json>,
    /// What begins it.
    pub trigger: Trigger,
    /// How many runs are under way, and which wait for each other.
    #[serde(default, skip_serializing_if = "Pace::is_free")]
    pub runs: Pace,
    /// What is done.
    pub steps: Vec<Step>,
}

/// What a connection is in a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// The system that it must be of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The connection of the config that plays it. Left out: the one that is called as the role is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
}

/// How many runs are under way, and which wait for each other.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// At most so many at once; the others wait for their turn. Left out: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub at_once: Option<u32>,
    /// Runs for which this comes out the same go one after the other, in the order of their events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Pace {
    fn is_free(&self) -> bool {
        *self == Self::default()
    }
}

/// What begins a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Trigger {
    /// A person, or another workflow.
    Manual(Form),
    /// A request to `/hooks/workflows/NAME`.
    Webhook(Hook),
    /// A time.
    Schedule(Schedule),
    /// Something that a sync did or met.
    Sync(SyncEvent),
    /// Something that happened in a system: a trigger of the catalog.
    Event(CatalogEvent),
}

/// What a person, or another workflow, gives it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// The JSON Schema of the input, of the kind `object`. Left out: anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Json>,
}

/// A request from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// The secret that the request must show, as `env:NAME` or `file:PATH`: in the header `x-tandem-secret`, or as
    /// `Authorization: Bearer`.
    pub secret: String,
    /// The header that names the event, so that one that comes twice begins one run.
    #[serde(default = "event_header")]
    pub event_header: String,
}

fn event_header() -> String {
    "idempotency-key".to_owned()
}

/// A time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Minute, hour, day of the month, month, day of the week, as cron writes them.
    pub cron: String,
    /// The time zone, such as `Europe/Berlin`.
    #[serde(default = "utc")]
    pub zone: String,
    /// Times that passed while nothing ran: `once` makes up for them with one run, `skip` with none.
    #[serde(default)]
    pub missed: Missed,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// What becomes of times that passed while nothing ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// One run for all of them.
    #[default]
    Once,
    /// None.
    Skip,
}

/// Something that a sync did or met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncEvent {
    /// The sync, by its name in the config.
    pub sync: String,
    /// What.
    pub on: SyncHappening,
    /// Only of this kind of record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    /// Only on this connection: where a record was made or a field was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Only this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// What a sync did or met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncHappening {
    /// Two records were linked.
    Linked,
    /// A record was made.
    Created,
    /// A field was written.
    Changed,
    /// A record was deleted or archived.
    Removed,
    /// A person is asked: a conflict or another review.
    Conflict,
    /// A system refused a write.
    Error,
}

/// Something that happened in a system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogEvent {
    /// Where: a role, or a connection by its name in the config.
    pub connection: String,
    /// Which trigger of its system.
    pub trigger: String,
}

/// One step of a workflow: exactly one of the kinds, and how it goes on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name: what later steps refer to. Letters, digits and `_`.
    pub id: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The step that comes after it. Left out: the next in the list. `end`: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-step" = true))]
    pub next: Option<String>,
    /// What a failure does, after all tries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_error: Option<OnError>,
    /// How often and when a failure that may pass is tried again. Left out: after 5 and 30 minutes, 1, 3 and 6 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,

    /// An operation of the catalog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// An edit of a record through a sync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit: Option<Edit>,
    /// The first case whose condition holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<Branch>,
    /// Goes on only if this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Condition>,
    /// Waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    /// Waits for an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    /// Does lists of steps side by side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<Parallel>,
    /// Does steps for each element of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_each: Option<ForEach>,
    /// Makes values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<Map<String, Json>>,
    /// An HTTP request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Http>,
    /// A message to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Notify>,
    /// Runs another workflow, and waits for its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
    /// Asks a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Ends the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
}

/// The kinds of steps, as a step has exactly one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind<'a> {
    /// An operation of the catalog.
    Operation(&'a Operation),
    /// An edit of a record through a sync.
    Edit(&'a Edit),
    /// The first case whose condition holds.
    Branch(&'a Branch),
    /// Goes on only if this holds.
    Filter(&'a Condition),
    /// Waits.
    Delay(&'a Delay),
    /// Waits for an event.
    Wait(&'a Wait),
    /// Does lists of steps side by side.
    Parallel(&'a Parallel),
    /// Does steps for each element of a list.
    ForEach(&'a ForEach),
    /// Makes values.
    Map(&'a Map<String, Json>),
    /// An HTTP request.
    Http(&'a Http),
    /// A message to people.
    Notify(&'a Notify),
    /// Runs another workflow.
    Call(&'a Call),
    /// Asks a person.
    Approval(&'a Approval),
    /// Ends the run.
    Stop(&'a Stop),
}

impl Kind<'_> {
    /// The word for it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Operation(_) => "operation",
            Self::Edit(_) => "edit",
            Self::Branch(_) => "branch",
            Self::Filter(_) => "filter",
            Self::Delay(_) => "delay",
            Self::Wait(_) => "wait",
            Self::Parallel(_) => "parallel",
            Self::ForEach(_) => "for_each",
            Self::Map(_) => "map",
            Self::Http(_) => "http",
            Self::Notify(_) => "notify",
            Self::Call(_) => "call",
            Self::Approval(_) => "approval",
            Self::Stop(_) => "stop",
        }
    }
}

impl Step {
    /// All kinds that it names. One that is valid names one.
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind<'_>> {
        let kinds = [
            self.operation.as_ref().map(Kind::Operation),
            self.edit.as_ref().map(Kind::Edit),
            self.branch.as_ref().map(Kind::Branch),
            self.filter.as_ref().map(Kind::Filter),
            self.delay.as_ref().map(Kind::Delay),
            self.wait.as_ref().map(Kind::Wait),
            self.parallel.as_ref().map(Kind::Parallel),
            self.for_each.as_ref().map(Kind::ForEach),
            self.map.as_ref().map(Kind::Map),
            self.http.as_ref().map(Kind::Http),
            self.notify.as_ref().map(Kind::Notify),
            self.call.as_ref().map(Kind::Call),
            self.approval.as_ref().map(Kind::Approval),
            self.stop.as_ref().map(Kind::Stop),
        ];
        kinds.into_iter().flatten().collect()
    }

    /// The lists of steps within it, each with its place.
    #[must_use]
    pub fn lists(&self) -> Vec<(String, &[Step])> {
        let each = self
            .for_each
            .iter()
            .map(|for_each| ("for_each.steps".to_owned(), for_each.steps.as_slice()));
        let branches = self.parallel.iter().flat_map(|parallel| &parallel.branches);
        each.chain(
            branches.map(|(name, steps)| (format!("parallel.branches.{name}"), steps.as_slice())),
        )
        .collect()
    }

    /// Its kind, if it names exactly one.
    #[must_use]
    pub fn kind(&self) -> Option<Kind<'_>> {
        match self.kinds()[..] {
            [kind] => Some(kind),
            _ => None,
        }
    }
}

/// What a failure does, after all tries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The run fails.
    Stop,
    /// The run goes on; the step's output is `null`.
    Continue,
    /// The run goes on with this step.
    Go(String),
}

/// How often a failure that may pass is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// How long after each failed try the next comes, in seconds; a list of none: no other try. Each wait is drawn
    /// between half and one and a half of it.
    #[schemars(length(max = 20))]
    pub waits: Vec<u64>,
}

impl Workflow {
    /// The connection that a step means: what a role is played by, or the name itself.
    #[must_use]
    pub fn connection<'a>(&'a self, name: &'a str) -> &'a str {
        self.connections
            .get(name)
            .and_then(|role| role.connection.as_deref())
            .unwrap_or(name)
    }

    /// All steps, those in lists within included.
    #[must_use]
    pub fn all_steps(&self) -> Vec<&Step> {
        fn walk<'a>(steps: &'a [Step], all: &mut Vec<&'a Step>) {
            for step in steps {
                all.push(step);
                for (_, inner) in step.lists() {
                    walk(inner, all);
                }
            }
        }
        let mut all = Vec::new();
        walk(&self.steps, &mut all);
        all
    }

    /// The step of this id.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.all_steps().into_iter().find(|step| step.id == id)
    }
}
