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

mod workflow;

pub use document::{
    Access, Api, ApiToken, Document, Retention, Template, VERSION, WebhookIntake, schema,
};
pub use problem::{Problem, Problems, Style};
pub(crate) use read::locate;
pub use read::{connection_names, database, read};
pub(crate) use words::nearest_hint;
pub(crate) use workflow::read_workflow;

use mask::masked;

#[cfg(test)]
mod tests;
