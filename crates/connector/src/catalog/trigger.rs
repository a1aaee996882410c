//! Triggers: what happens in a system, as beginnings of workflows.
//!
//! Some systems tell of it by webhook. Where none does, the same question is asked again and again, and what its answer holds is held
//! against what the last answer held. Nothing is lost by that but what came and went between two questions.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Stands in a [`Poll`]'s input for the moment from which on changes are asked for.
pub const SINCE: &str = "$since";

/// Stands in a [`Poll`]'s input for the highest id of the page before; 0 at first.
pub const AFTER: &str = "$after";

/// Something that happens in a system.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// Its name within the system, such as `task.saved`.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// When it happens, in a sentence, and what does not make it happen.
    pub description: String,
    /// The scopes or rights that it needs, in the vendor's words. Empty: the vendor names none, which data says with
    /// [`NONE_DOCUMENTED`](super::NONE_DOCUMENTED).
    #[serde(with = "super::needs")]
    pub needs: Vec<String>,
    /// How it is noticed.
    pub source: Source,
    /// The JSON Schema of what it hands on.
    pub output: Json,
    /// Such a thing.
    pub example: Json,
}

/// One thing that happened, as its trigger hands it on: the same for what is told and for what is found by asking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Happened {
    /// The id of the [`Trigger`].
    pub trigger: String,
    /// The id of the record that it is about; the account's where it is about no record.
    pub id: String,
    /// What is known of it, of the form of the trigger's `output`.
    pub item: Json,
}

/// How a trigger is noticed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// The system tells. It costs no call.
    Webhook {
        /// The names of its events.
        events: Vec<String>,
        /// Who sets it up, and how.
        set_up: String,
    },
    /// The system is asked.
    Poll(Poll),
}

/// A question that is asked again and again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// The operation that lists what was changed.
    pub operation: String,
    /// Its input, with [`SINCE`] and perhaps [`AFTER`] in it.
    pub input: Json,
    /// How the system writes the moment; the connector knows what it means.
    pub clock: String,
    /// Where the list stands in the answer, as a JSON pointer.
    pub items: String,
    /// Where the id stands in each item.
    pub id: String,
    /// How a long answer goes on.
    pub pages: Pages,
    /// How many calls one question costs where nothing much happens.
    #[serde(default = "one")]
    pub calls: u32,
}

/// How a long answer goes on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Pages {
    /// With an offset.
    Offset {
        /// The field of the input.
        field: String,
        /// How many items a full page has.
        size: usize,
    },
    /// By the highest id so far, where [`AFTER`] stands.
    After {
        /// How many items a full page has.
        size: usize,
    },
    /// With a mark that the answer gives for the next page.
    Cursor {
        /// The field of the input.
        field: String,
        /// Where the mark stands in the answer, as a JSON pointer; empty or absent at the end.
        next: String,
    },
    /// Not at all: a full page is an error.
    None {
        /// How many items a full page has.
        size: usize,
    },
}

fn one() -> u32 {
    1
}
