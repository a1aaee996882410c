//! Whether a workflow can be: every problem at once, each with its place.

mod references;
mod steps;

use std::collections::{BTreeMap, BTreeSet};

use connector::catalog::Catalog;
use serde_json::Value as Json;

use crate::{
    graph::Graph,
    model::{CatalogEvent, END, Step, SyncEvent, Trigger, VERSION, Workflow},
    values,
};

/// Something that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: `steps[2].operation.input.email`.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What a workflow can refer to of a sync.
#[derive(Debug, Clone, Default)]
pub struct SyncEnds {
    /// Its two connections.
    pub connections: Vec<String>,
    /// The kinds of records that it keeps the same.
    pub entities: Vec<String>,
}

/// What there is around a workflow.
pub trait Scene {
    /// The system of a connection, with what it offers; none: there is no such connection.
    fn system(&self, connection: &str) -> Option<(&'static str, &'static Catalog)>;

    /// The names of all connections.
    fn connections(&self) -> Vec<String>;

    /// The names of all syncs.
    fn syncs(&self) -> Vec<String>;

    /// What there is of a sync; none: there is no such sync.
    fn sync(&self, name: &str) -> Option<SyncEnds>;

    /// The names of all other workflows.
    fn workflows(&self) -> Vec<String>;
}

/// Longest list of steps, lists within included.
const MOST_STEPS: usize = 500;

/// Longest that a request is waited for, in seconds: it has to end within a worker's lease.
pub const LONGEST_REQUEST: u32 = 300;

/// Checks a workflow.
#[must_use]
pub fn check(workflow: &Workflow, scene: &dyn Scene) -> Vec<Problem> {
    let graph = Graph::new(workflow.clone());
    let mut checking = Checking {
        workflow,
        graph: &graph,
        scene,
        problems: Vec::new(),
        awaits: false,
    };
    checking.head();
    checking.ids();
    checking.list(&workflow.steps, "steps");
    checking.ways();
    checking.problems
}

struct Checking<'a> {
    workflow: &'a Workflow,
    graph: &'a Graph,
    scene: &'a dyn Scene,
    problems: Vec<Problem>,
    /// What is checked stands in the `where` of a `wait`.
    awaits: bool,
}

fn listed(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

fn is_name(name: &str, extra: &[char]) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || extra.contains(&c))
}

impl Checking<'_> {
    fn problem(
        &mut self,
        place: impl Into<String>,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        self.problems.push(Problem {
            place: place.into(),
            message: message.into(),
            hint,
        });
    }

    fn head(&mut self) {
        if self.workflow.version != VERSION {
            let hint = format!("this Tandem reads version {VERSION}");
            self.problem("version", "this version is not known", Some(hint));
        }
        let name = &self.workflow.name;
        if !is_name(name, &['-', '_']) || name.chars().any(char::is_uppercase) {
            let message = "a name has lower case letters, digits, `-` and `_`, at most 64";
            self.problem("name", message, None);
        }
        let roles: Vec<(String, Option<String>, String)> = self
            .workflow
            .connections
            .iter()
            .map(|(role, what)| {
                let played = what.connection.clone().unwrap_or_else(|| role.clone());
                (role.clone(), what.system.clone(), played)
            })
            .collect();
        for (role, wanted, played) in roles {
            let place = format!("connections.{role}");
            match (self.scene.system(&played), wanted) {
                (None, _) => self.no_connection(&place, &played),
                (Some((system, _)), Some(wanted)) if system != wanted => {
                    let message = format!(
                        "`{role}` is played by `{played}`, which is of the system `{system}`, and not `{wanted}`"
                    );
                    self.problem(place, message, None);
                }
                _ => {}
            }
        }
        if let Some(key) = self.workflow.runs.key.clone() {
            self.references("runs.key", &Json::String(key), None);
        }
        if self.workflow.runs.at_once == Some(0) {
            self.problem("runs.at_once", "at least one run has to be under way", None);
        }
        self.trigger();
    }

    fn no_connection(&mut self, place: &str, name: &str) {
        let hint = format!("there are {}", listed(&self.scene.connections()));
        self.problem(
            place,
            format!("there is no connection `{name}`"),
            Some(hint),
        );
    }

    fn sync_event(&mut self, event: &SyncEvent, place: &str) {
        let syncs = self.scene.syncs();
        if !syncs.contains(&event.sync) {
            let hint = Some(format!("there are {}", listed(&syncs)));
            let message = format!("there is no sync `{}`", event.sync);
            self.problem(format!("{place}.sync"), message, hint);
        }
    }

    fn event(&mut self, event: &CatalogEvent, place: &str) {
        let connection = self.workflow.connection(&event.connection).to_owned();
        let Some((system, catalog)) = self.scene.system(&connection) else {
            if !self.workflow.connections.contains_key(&event.connection) {
                self.no_connection(&format!("{place}.connection"), &connection);
            }
            return;
        };
        if catalog.trigger(&event.trigger).is_none() {
            let known: Vec<String> = catalog
                .triggers
                .iter()
                .map(|trigger| trigger.id.clone())
                .collect();
            let message = format!("`{system}` has no trigger `{}`", event.trigger);
            let hint = Some(format!("there are {}", listed(&known)));
            self.problem(format!("{place}.trigger"), message, hint);
        }
    }

    fn trigger(&mut self) {
        match &self.workflow.trigger {
            Trigger::Manual(_) => {}
            Trigger::Webhook(hook) => {
                if !is_reference(&hook.secret) {
                    let message = "a secret does not belong into a workflow";
                    let hint = Some("write `env:NAME` or `file:PATH`".to_owned());
                    self.problem("trigger.webhook.secret", message, hint);
                }
            }
            Trigger::Schedule(schedule) => {
                if let Err(why) = crate::cron::Cron::read(&schedule.cron) {
                    self.problem("trigger.schedule.cron", why, None);
                }
                if jiff::tz::TimeZone::get(&schedule.zone).is_err() {
                    let hint = Some("write a name such as `Europe/Berlin`".to_owned());
                    self.problem("trigger.schedule.zone", "there is no such time zone", hint);
                }
            }
            Trigger::Sync(event) => self.sync_event(event, "trigger.sync"),
            Trigger::Event(event) => self.event(event, "trigger.event"),
        }
    }

    fn ids(&mut self) {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let all = self.workflow.all_steps();
        for step in &all {
            *seen.entry(step.id.as_str()).or_default() += 1;
        }
        for (id, count) in seen {
            let place = self.graph.place(id).to_owned() + ".id";
            if count > 1 {
                self.problem(&place, format!("{count} steps are called `{id}`"), None);
            }
            if !is_name(id, &['_']) || id == END {
                let message = "a step's id has letters, digits and `_`, and is not `end`";
                self.problem(&place, message, None);
            }
        }
        if all.is_empty() {
            self.problem("steps", "there is no step", None);
        }
        if all.len() > MOST_STEPS {
            self.problem(
                "steps",
                format!("there are more than {MOST_STEPS} steps"),
                None,
            );
        }
    }

    fn list(&mut self, steps: &[Step], list: &str) {
        for (at, step) in steps.iter().enumerate() {
            let place = format!("{list}[{at}]");
            self.step(step, &place);
            for (inner, steps) in step.lists() {
                let list = format!("{place}.{inner}");
                if steps.is_empty() {
                    self.problem(&list, "there is no step", None);
                }
                self.list(steps, &list);
            }
        }
    }

    /// Nothing goes round, and everything can be reached.
    fn ways(&mut self) {
        let mut lists: Vec<&[Step]> = vec![&self.workflow.steps];
        while let Some(steps) = lists.pop() {
            let inner = steps.iter().flat_map(Step::lists);
            lists.extend(inner.map(|(_, steps)| steps));
            let mut reached: BTreeSet<&str> = BTreeSet::new();
            let mut todo: Vec<&str> = steps
                .first()
                .map(|step| step.id.as_str())
                .into_iter()
                .collect();
            while let Some(id) = todo.pop() {
                if reached.insert(id) {
                    todo.extend(self.graph.successors(id));
                }
            }
            for step in steps {
                let id = step.id.as_str();
                if !reached.contains(id) {
                    let place = self.graph.place(id).to_owned();
                    let hint = Some(
                        "name it in a `go`, `next` or `otherwise`, or take it away".to_owned(),
                    );
                    self.problem(place, format!("no way leads to the step `{id}`"), hint);
                }
                if self.comes_back(id) {
                    let place = self.graph.place(id).to_owned();
                    let message = format!("the step `{id}` comes back to itself");
                    let hint = Some("a list is worked off with `for_each`".to_owned());
                    self.problem(place, message, hint);
                }
            }
        }
    }

    fn comes_back(&self, id: &str) -> bool {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut todo = self.graph.successors(id);
        while let Some(next) = todo.pop() {
            if next == id {
                return true;
            }
            if seen.insert(next) {
                todo.extend(self.graph.successors(next));
            }
        }
        false
    }
}

/// Whether a text is a whole reference to a secret, without anything to be filled in.
fn is_reference(text: &str) -> bool {
    values::is_reference(text) && !text.contains("{{") && !["env:", "file:"].contains(&text)
}
