//! The catalog's words: what a system can do, as data.
//!
//! An [`Operation`] is one action of a system. It lies beside the connector as data; one runner (the crate
//! `catalog`) checks the input, builds the request and reads the answer. Forms, commands, workflow steps and
//! reference pages are made from the same entry.
//!
//! The input is a JSON Schema of the kind `object` with a few words of our own on its properties:
//!
//! | word | meaning |
//! | --- | --- |
//! | `x-in` | where the value goes: `path`, `query`, `header`, `body` (if not said), or `whole_body` |
//! | `x-name` | its name on the way, where two places have a field of one name |
//! | `x-style` | how a list stands in the query: `repeat` (if not said), `comma`, `pipe`, `space`; an object: `deep` |
//! | `x-setting` | filled in from this setting of the connection when it is not given |
//! | `x-time` | how a moment is sent that comes with parts of a second: `seconds` leaves them out |
//! | `x-given` | sent where the input does not say otherwise |
//! | `x-kind` | the value is the id of this kind of thing; [`Catalog::picks`] says where to pick it from |

pub mod count;
pub mod needs;
pub mod rest;
pub mod trigger;

use std::collections::BTreeMap;

pub use needs::NONE_DOCUMENTED;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use trigger::{Source, Trigger};

/// Everything that a system offers.
#[derive(Debug, Default)]
pub struct Catalog {
    /// The actions, in the order of the reference.
    pub operations: Vec<Operation>,
    /// What can begin something, in the order of the reference.
    pub triggers: Vec<Trigger>,
    /// For kinds of things that have a live list: where it is.
    pub picks: BTreeMap<String, Pick>,
    /// What the vendor documents beside it and is no operation on purpose, for the reference.
    pub left_out: Vec<LeftOut>,
}

/// A documented call that is no operation, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The HTTP method; where a system has one address for all, its action.
    pub method: String,
    /// The path below the base URL, as the vendor writes it, or the resource of the action.
    pub path: String,
    /// Why, as a sentence without its full stop.
    pub why: String,
}

/// One action of a system.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Its name within the system, such as `contacts.tasks.create`.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// What it does, in a sentence.
    pub description: String,
    /// The HTTP method; where a system has one address for all, its action.
    pub method: String,
    /// The path below the base URL, or the resource of the action; places in braces are filled from the input.
    pub path: String,
    /// Headers that it needs besides authorisation.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The scopes or rights that it needs, in the vendor's words. Empty: the vendor names none, which data says with
    /// [`NONE_DOCUMENTED`].
    #[serde(with = "needs")]
    pub needs: Vec<String>,
    /// The vendor discourages it, or another operation does the same.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deprecated: bool,
    /// Whether it changes anything.
    pub effect: Effects,
    /// What may be done when its outcome is not known.
    pub repeat: Repeat,
    /// How many calls it costs.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub calls: u32,
    /// The JSON Schema of the input.
    pub input: Json,
    /// The JSON Schema of the answer.
    pub output: Json,
    /// An input that fits.
    pub example: Json,
}

/// Whether an operation changes anything at the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effects {
    /// It reads.
    Read,
    /// It writes.
    Write,
}

/// What may be done when the outcome of an operation is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// Doing it twice is the same as doing it once.
    Repeatable,
    /// It is looked up first, with this operation, and only done again if it is not there.
    LookUp(String),
    /// It is never done again by itself: a person decides.
    AtMostOnce,
}

/// Where the ids of a kind of thing can be picked from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pick {
    /// The operation that lists them.
    pub operation: String,
    /// Where the list stands in its answer, as a JSON pointer.
    pub items: String,
    /// Where the id stands in each of them.
    pub value: String,
    /// Where a name for people stands in each of them.
    pub label: String,
}

/// Why data is no catalog.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// It is not of the form.
    #[error("the catalog's data in {file} cannot be read: {source}")]
    Form {
        /// Which part.
        file: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Two operations have one id.
    #[error("the operation {0} stands twice in the catalog")]
    Twice(String),
    /// A trigger asks an operation that is not there.
    #[error("the trigger {0} asks an operation that is not in the catalog")]
    Stray(String),
}

impl Catalog {
    /// Reads operations out of JSON texts, each a list, and completes their fields: what a schema does not say of
    /// a property (title, description, examples) is taken from `fields`, an object of properties by name, and a
    /// title that is nowhere is made from the name.
    ///
    /// # Errors
    /// When a text is not of the form, or an id stands twice.
    pub fn read(files: &[(&str, &str)], fields: &str, picks: &str) -> Result<Self, CatalogError> {
        let form = |file: &str| {
            let file = file.to_owned();
            move |source| CatalogError::Form { file, source }
        };
        let fields: Map<String, Json> = serde_json::from_str(fields).map_err(form("fields"))?;
        let picks = serde_json::from_str(picks).map_err(form("picks"))?;
        let mut operations: Vec<Operation> = Vec::new();
        for (file, text) in files {
            let read: Vec<Operation> = serde_json::from_str(text).map_err(form(file))?;
            operations.extend(read);
        }
        let mut seen = std::collections::BTreeSet::new();
        for operation in &mut operations {
            if !seen.insert(operation.id.clone()) {
                return Err(CatalogError::Twice(operation.id.clone()));
            }
            complete(&mut operation.input, &fields);
            complete(&mut operation.output, &fields);
            give_examples(&mut operation.input, &operation.example);
        }
        Ok(Self {
            operations,
            triggers: Vec::new(),
            picks,
            left_out: Vec::new(),
        })
    }

    /// Adds what is left out on purpose, out of a JSON text, a list.
    ///
    /// # Errors
    /// When the text is not of the form, or an operation makes such a call after all.
    pub fn without(mut self, left_out: &str) -> Result<Self, CatalogError> {
        let read: Vec<LeftOut> =
            serde_json::from_str(left_out).map_err(|source| CatalogError::Form {
                file: "left_out".to_owned(),
                source,
            })?;
        for own in &read {
            let is_it = |operation: &&Operation| {
                operation.method == own.method && operation.path == own.path
            };
            if let Some(operation) = self.operations.iter().find(is_it) {
                return Err(CatalogError::Twice(operation.id.clone()));
            }
        }
        self.left_out = read;
        Ok(self)
    }

    /// Adds triggers out of a JSON text, a list, and completes their fields as [`Self::read`] does.
    ///
    /// # Errors
    /// When the text is not of the form, an id stands twice, or a trigger asks an operation that is not there.
    pub fn and_triggers(mut self, triggers: &str, fields: &str) -> Result<Self, CatalogError> {
        let form = |file: &str| {
            let file = file.to_owned();
            move |source| CatalogError::Form { file, source }
        };
        let fields: Map<String, Json> = serde_json::from_str(fields).map_err(form("fields"))?;
        let read: Vec<Trigger> = serde_json::from_str(triggers).map_err(form("triggers"))?;
        for mut trigger in read {
            if self.trigger(&trigger.id).is_some() || self.operation(&trigger.id).is_some() {
                return Err(CatalogError::Twice(trigger.id));
            }
            if let Source::Webhook { events, .. } = &trigger.source
                && let Some(event) = events.iter().find(|event| self.told_by(event).is_some())
            {
                return Err(CatalogError::Twice(event.clone()));
            }
            if let Source::Poll(poll) = &trigger.source
                && self.operation(&poll.operation).is_none()
            {
                return Err(CatalogError::Stray(trigger.id));
            }
            complete(&mut trigger.output, &fields);
            self.triggers.push(trigger);
        }
        Ok(self)
    }

    /// The trigger of this id.
    #[must_use]
    pub fn trigger(&self, id: &str) -> Option<&Trigger> {
        self.triggers.iter().find(|trigger| trigger.id == id)
    }

    /// The trigger that this event of a webhook is.
    #[must_use]
    pub fn told_by(&self, event: &str) -> Option<&Trigger> {
        let is_it = |trigger: &&Trigger| match &trigger.source {
            Source::Webhook { events, .. } => events.iter().any(|own| own == event),
            Source::Poll(_) => false,
        };
        self.triggers.iter().find(is_it)
    }

    /// The fields of inputs of which nobody says what they are, as `contacts.create: email`. A form that asks for one has nothing to say
    /// beside it; there are to be none.
    #[must_use]
    pub fn mute(&self) -> Vec<String> {
        let says = |field: &Json| {
            let words = field["description"].as_str();
            words.is_some_and(|words| !words.trim().is_empty())
        };
        let fields = self.operations.iter().flat_map(|operation| {
            let fields = operation.input["properties"].as_object();
            let fields = fields.into_iter().flatten();
            fields.map(|(name, field)| (&operation.id, name, field))
        });
        fields
            .filter(|(.., field)| !says(field))
            .map(|(id, name, _)| format!("{id}: {name}"))
            .collect()
    }

    /// The operation of this id.
    #[must_use]
    pub fn operation(&self, id: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.id == id)
    }
}

impl Operation {
    /// The family it belongs to: the first word of its id.
    #[must_use]
    pub fn family(&self) -> &str {
        self.id.split('.').next().unwrap_or(&self.id)
    }
}

/// Titles and descriptions of all properties, however deep.
fn complete(schema: &mut Json, fields: &Map<String, Json>) {
    if let Some(properties) = schema.get_mut("properties").and_then(Json::as_object_mut) {
        for (name, property) in properties.iter_mut() {
            complete(property, fields);
            let Some(property) = property.as_object_mut() else {
                continue;
            };
            if let Some(known) = fields.get(name).and_then(Json::as_object) {
                for (key, value) in known {
                    property.entry(key).or_insert_with(|| value.clone());
                }
            }
            property
                .entry("title")
                .or_insert_with(|| Json::String(title(name)));
        }
    }
    if let Some(items) = schema.get_mut("items") {
        complete(items, fields);
    }
}

/// The operation's example, property by property.
fn give_examples(schema: &mut Json, example: &Json) {
    let properties = schema.get_mut("properties").and_then(Json::as_object_mut);
    for (name, property) in properties.into_iter().flatten() {
        if let (Some(value), Some(property)) = (example.get(name), property.as_object_mut()) {
            property
                .entry("examples")
                .or_insert_with(|| Json::Array(vec![value.clone()]));
        }
    }
}

/// `pipelineStageId` → `Pipeline stage id`.
fn title(name: &str) -> String {
    let mut title = String::with_capacity(name.len() + 4);
    let mut before = ' ';
    for letter in name.trim_start_matches('_').chars() {
        if letter == '_' || letter == '-' {
            title.push(' ');
        } else if letter.is_uppercase() && before.is_lowercase() {
            title.push(' ');
            title.extend(letter.to_lowercase());
        } else {
            title.push(letter);
        }
        before = letter;
    }
    let mut letters = title.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => title,
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_one(value: &u32) -> bool {
    *value == 1
}

fn one() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"[{"id": "things.create", "title": "t", "description": "d", "method": "POST",
        "path": "/things", "needs": ["things.write"], "effect": "write", "repeat": {"look_up": "things.list"},
        "input": {"type": "object", "properties": {
            "ownerId": {"type": "string"}, "parts": {"type": "array", "items": {"type": "object",
            "properties": {"partName": {"type": "string"}}}}}},
        "output": {}, "example": {"ownerId": "o1"}}]"#;

    #[test]
    fn what_a_schema_leaves_out_is_completed() {
        let fields = r#"{"ownerId": {"description": "Who has it."}}"#;
        let catalog = Catalog::read(&[("things", ONE)], fields, "{}").unwrap();
        let operation = catalog.operation("things.create").unwrap();
        let owner = &operation.input["properties"]["ownerId"];
        assert_eq!(owner["title"], "Owner id");
        assert_eq!(owner["description"], "Who has it.");
        assert_eq!(owner["examples"], serde_json::json!(["o1"]));
        let part = &operation.input["properties"]["parts"]["items"]["properties"]["partName"];
        assert_eq!(part["title"], "Part name");
        assert_eq!(operation.repeat, Repeat::LookUp("things.list".to_owned()));
        assert_eq!(catalog.mute(), ["things.create: parts"]);
    }

    #[test]
    fn what_is_needed_is_named_or_said_to_be_named_nowhere() {
        let read = |needs: &str| {
            Catalog::read(
                &[(
                    "things",
                    &ONE.replace(r#""needs": ["things.write"], "#, needs),
                )],
                "{}",
                "{}",
            )
        };
        let none = read(r#""needs": "none documented", "#).unwrap();
        assert!(none.operations[0].needs.is_empty());
        let shown = serde_json::to_value(&none.operations[0]).unwrap();
        assert_eq!(shown["needs"], NONE_DOCUMENTED);
        for silent in [
            "",
            r#""needs": [], "#,
            r#""needs": "", "#,
            r#""needs": "things.write", "#,
        ] {
            assert!(read(silent).is_err(), "{silent}");
        }
    }

    #[test]
    fn an_id_that_stands_twice_is_refused() {
        let twice = Catalog::read(&[("one", ONE), ("two", ONE)], "{}", "{}");
        assert!(matches!(twice, Err(CatalogError::Twice(id)) if id == "things.create"));
    }
}
