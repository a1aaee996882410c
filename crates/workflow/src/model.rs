//! A workflow as data: a trigger and a graph of steps, the same in YAML, JSON, the API and the database.
//!
//! Steps stand in a list. Each goes on with the next in the list unless it says where (`next`); a branch names a
//! step for each case. `end` as a target is the end of the list.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

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
    /// The first case whose condition holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<Branch>,
    /// Goes on only if this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Condition>,
    /// Waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
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
    /// The first case whose condition holds.
    Branch(&'a Branch),
    /// Goes on only if this holds.
    Filter(&'a Condition),
    /// Waits.
    Delay(&'a Delay),
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
            Self::Branch(_) => "branch",
            Self::Filter(_) => "filter",
            Self::Delay(_) => "delay",
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
            self.branch.as_ref().map(Kind::Branch),
            self.filter.as_ref().map(Kind::Filter),
            self.delay.as_ref().map(Kind::Delay),
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

/// An operation of the catalog.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Where: a role, or a connection by its name in the config.
    pub connection: String,
    /// Which, by its name in the catalog.
    pub operation: String,
    /// What it is done with.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub input: Map<String, Json>,
    /// How it is looked up whether it was done, where its outcome is not known. Left out: as its entry in the
    /// catalog says, with those fields of the input that both have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_up: Option<LookUp>,
}

/// How it is looked up whether something was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LookUp {
    /// What the look-up is done with.
    pub input: Map<String, Json>,
    /// What an item of its answer must hold, field by field (as JSON pointers).
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub item: Map<String, Json>,
}

/// The first case whose condition holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// The cases, in their order.
    pub cases: Vec<Case>,
    /// The step to go on with if none holds. Left out: the next in the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<String>,
}

/// One case of a branch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What must hold.
    pub when: Condition,
    /// The step to go on with.
    pub go: String,
}

/// What holds or does not: one row (`value`, `is`, `to`), or exactly one of `all`, `any` and `not`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// All of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<Vec<Condition>>,
    /// At least one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub any: Option<Vec<Condition>>,
    /// Not this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<Condition>>,
    /// What is looked at.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub value: Json,
    /// How it is held against `to`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<Comparison>,
    /// Against what.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub to: Json,
    /// As what both are read. Left out: as what they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#as: Option<ReadAs>,
}

/// How two values are held against each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// The same.
    Equals,
    /// Not the same.
    Differs,
    /// A text that holds the other, or a list that has it as an element.
    Contains,
    /// The opposite of `contains`.
    Lacks,
    /// A text that begins so.
    Begins,
    /// A text that ends so.
    Ends,
    /// One of the elements of a list.
    OneOf,
    /// There is a value.
    Filled,
    /// There is none.
    Empty,
    /// More, or later.
    Greater,
    /// Less, or earlier.
    Less,
    /// As much or more, as late or later.
    AtLeast,
    /// As much or less, as early or earlier.
    AtMost,
    /// `true`.
    True,
    /// Not `true`.
    False,
}

/// As what a value is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadAs {
    /// Text, with regard to small and capital letters.
    Text,
    /// Text, without.
    Word,
    /// A number.
    Number,
    /// A day or a moment.
    Time,
}

/// Waits: exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delay {
    /// So long: `30 minutes`, `2h`, `3 days`, or a number of seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#for: Option<String>,
    /// Until this moment; one that has passed is not waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// Does steps for each element of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForEach {
    /// The list. In the steps, `{{ item }}` is its element and `{{ index }}` the place of it, from 0.
    pub items: Json,
    /// So many at once.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 50))]
    pub at_once: u32,
    /// Whether the others are done where one fails.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// What is done with each.
    pub steps: Vec<Step>,
}

fn one() -> u32 {
    1
}

/// What becomes of the others where one element of a list fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// No other is begun, and the step fails.
    #[default]
    Stop,
    /// They are done, and the step's output has `null` where one failed.
    Continue,
}

/// An HTTP request. What may be done where its outcome is not known, `repeat` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// `GET`, `POST`, …
    #[serde(default = "get")]
    pub method: String,
    /// Where. Addresses in private ranges are refused unless the one who runs the server allows them.
    pub url: String,
    /// Headers. A value `env:NAME` or `file:PATH` is a secret, and is kept nowhere.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Query parameters.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub query: Map<String, Json>,
    /// The body: JSON, or text as it stands.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub body: Json,
    /// It is given up after so many seconds.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 300))]
    pub timeout: u32,
    /// Doing it twice is the same as doing it once. Left out: only where the method says so (`GET`, `HEAD`, `PUT`,
    /// `DELETE`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeatable: Option<bool>,
}

fn get() -> String {
    "GET".to_owned()
}

fn thirty() -> u32 {
    30
}

impl Http {
    /// Whether doing it twice is the same as doing it once.
    #[must_use]
    pub fn may_repeat(&self) -> bool {
        self.repeatable.unwrap_or_else(|| {
            ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]
                .contains(&self.method.to_uppercase().as_str())
        })
    }
}

/// A message to people: exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// To a webhook as Slack and others have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<ChatMessage>,
    /// An e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
}

/// A message to a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatMessage {
    /// The address, as `env:NAME` or `file:PATH`: who knows it may write there.
    pub url: String,
    /// What it says.
    pub text: String,
}

/// An e-mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// To whom; several with commas between them.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// Runs another workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Which.
    pub workflow: String,
    /// What it is given: its `trigger`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub input: Map<String, Json>,
}

/// Asks a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// What is asked.
    pub question: String,
    /// The step to go on with after a no. Left out: the run stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// Ends the run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// What came of it.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub result: Json,
    /// It failed, for this reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
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
                if let Some(for_each) = &step.for_each {
                    walk(&for_each.steps, all);
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
