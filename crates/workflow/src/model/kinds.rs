//! What steps can be: the form of each kind.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::{CatalogEvent, Step, SyncEvent};

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

/// An edit of a record through a sync: on one side, and carried to the other in the same go. It is journalled, does
/// not come back as an edit, and fails where the rules of the sync would put it back or ask a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Through which sync, by its name in the config.
    pub sync: String,
    /// On which of its two connections: a role, or a connection by its name in the config.
    pub connection: String,
    /// What the record is.
    #[serde(default = "contact")]
    pub entity: String,
    /// The id of the record there.
    pub record: String,
    /// Fields as that connection calls them, with what they are to hold. What has no value is emptied.
    pub fields: Map<String, Json>,
}

fn contact() -> String {
    "contact".to_owned()
}

/// The first case whose condition holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// The cases, in their order.
    pub cases: Vec<Case>,
    /// The step to go on with if none holds. Left out: the next in the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-step" = true))]
    pub otherwise: Option<String>,
}

/// One case of a branch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What must hold.
    pub when: Condition,
    /// The step to go on with.
    #[schemars(extend("x-step" = true))]
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

/// Waits for an event: exactly one of `event` and `sync`, and for how long: exactly one of `for` and `until`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// Something that happens in a system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<CatalogEvent>,
    /// Something that a sync does or meets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<SyncEvent>,
    /// Only one for which this holds. `{{ event.… }}` is what it hands on; each value of a row is either of the event
    /// or of what was known before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#where: Option<Condition>,
    /// At most so long: `30 minutes`, `2h`, `3 days`, or a number of seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#for: Option<String>,
    /// At most until this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The step to go on with if nothing came by then. Left out: the next; `came` of its output says which it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-step" = true))]
    pub late: Option<String>,
}

/// Does lists of steps side by side, and waits for all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parallel {
    /// The lists by their names. Its output is what came of each, by name.
    pub branches: BTreeMap<String, Vec<Step>>,
    /// What a list that fails does to the step; the others are done in any case.
    #[serde(default)]
    pub on_failure: OnFailure,
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
    #[schemars(extend("x-step" = true))]
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
