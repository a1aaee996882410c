//! The config: its form, reading it with every problem at its place, and showing the problems.

mod document;

mod read;

mod check;

mod problem;

mod mask;

mod path;

mod words;

mod template;

mod yaml;

mod policy;

mod workflow;

pub use document::{
    Access, Alerts, Api, ApiToken, Document, Retention, Template, VERSION, WebhookIntake, schema,
};
pub(crate) use policy::{Changed, FieldRule, with_rule};
pub use problem::{Problem, Problems, Style};
pub(crate) use read::locate;
pub use read::{connection_names, database, read};
pub(crate) use words::nearest_hint;
pub(crate) use workflow::{read_draft, read_recipe};

use mask::masked;

#[cfg(test)]
mod tests;
