//! Whether a workflow can be: every problem at once, each with its place.

use std::collections::{BTreeMap, BTreeSet};

use connector::catalog::Catalog;
use serde_json::{Map, Value as Json};

use crate::{
    duration,
    graph::Graph,
    model::{Condition, END, Kind, OnError, Step, Trigger, VERSION, Workflow},
    values::{Path, ROOTS, paths},
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

/// What there is around a workflow.
pub trait Scene {
    /// The system of a connection, with what it offers; none: there is no such connection.
    fn system(&self, connection: &str) -> Option<(&'static str, &'static Catalog)>;

    /// The names of all connections.
    fn connections(&self) -> Vec<String>;

    /// The names of all syncs.
    fn syncs(&self) -> Vec<String>;

    /// The names of all other workflows.
    fn workflows(&self) -> Vec<String>;
}

/// Longest list of steps, lists within included.
const MOST_STEPS: usize = 500;

/// Checks a workflow.
#[must_use]
pub fn check(workflow: &Workflow, scene: &dyn Scene) -> Vec<Problem> {
    let graph = Graph::new(workflow.clone());
    let mut checking = Checking {
        workflow,
        graph: &graph,
        scene,
        problems: Vec::new(),
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
            Trigger::Sync(event) => {
                let syncs = self.scene.syncs();
                if !syncs.contains(&event.sync) {
                    let hint = Some(format!("there are {}", listed(&syncs)));
                    let message = format!("there is no sync `{}`", event.sync);
                    self.problem("trigger.sync.sync", message, hint);
                }
            }
            Trigger::Event(event) => {
                let connection = self.workflow.connection(&event.connection).to_owned();
                let Some((system, catalog)) = self.scene.system(&connection) else {
                    if !self.workflow.connections.contains_key(&event.connection) {
                        self.no_connection("trigger.event.connection", &connection);
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
                    self.problem("trigger.event.trigger", message, hint);
                }
            }
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
            if let Some(for_each) = &step.for_each {
                let list = format!("{place}.for_each.steps");
                if for_each.steps.is_empty() {
                    self.problem(&list, "there is no step", None);
                }
                self.list(&for_each.steps, &list);
            }
        }
    }

    fn step(&mut self, step: &Step, place: &str) {
        let kinds: Vec<String> = step
            .kinds()
            .iter()
            .map(|kind| kind.word().to_owned())
            .collect();
        if kinds.len() > 1 {
            let message = format!("a step is one thing, and this is {}", listed(&kinds));
            self.problem(place, message, None);
        }
        for target in [&step.next].into_iter().flatten() {
            self.target(step, target, &format!("{place}.next"));
        }
        if let Some(OnError::Go(go)) = &step.on_error {
            self.target(step, go, &format!("{place}.on_error.go"));
        }
        let Some(kind) = step.kind() else {
            if kinds.is_empty() {
                let hint = "operation, branch, filter, delay, for_each, map, http, notify, call, approval or stop";
                self.problem(place, "the step does nothing", Some(hint.to_owned()));
            }
            return;
        };
        let place = format!("{place}.{}", kind.word());
        self.kind(step, kind, &place);
    }

    fn kind(&mut self, step: &Step, kind: Kind<'_>, place: &str) {
        let text = |text: &str| Json::String(text.to_owned());
        let object = |members: &Map<String, Json>| Json::Object(members.clone());
        match kind {
            Kind::Operation(operation) => {
                self.operation(operation, place);
                let input = object(&operation.input);
                self.references(&format!("{place}.input"), &input, Some(step));
                if let Some(look_up) = &operation.look_up {
                    let place = format!("{place}.look_up");
                    self.references(
                        &format!("{place}.input"),
                        &object(&look_up.input),
                        Some(step),
                    );
                    self.references(&format!("{place}.item"), &object(&look_up.item), Some(step));
                }
            }
            Kind::Branch(branch) => {
                for (at, case) in branch.cases.iter().enumerate() {
                    let place = format!("{place}.cases[{at}]");
                    self.condition(&case.when, &format!("{place}.when"), step);
                    self.target(step, &case.go, &format!("{place}.go"));
                }
                if let Some(otherwise) = &branch.otherwise {
                    self.target(step, otherwise, &format!("{place}.otherwise"));
                }
            }
            Kind::Filter(condition) => self.condition(condition, place, step),
            Kind::Delay(delay) => match (&delay.r#for, &delay.until) {
                (Some(length), None) => {
                    if !length.contains("{{") && duration::read(length).is_none() {
                        let hint = Some("write `30 minutes`, `2h`, `3 days`".to_owned());
                        self.problem(format!("{place}.for"), "this is no length of time", hint);
                    }
                    self.references(&format!("{place}.for"), &text(length), Some(step));
                }
                (None, Some(until)) => {
                    self.references(&format!("{place}.until"), &text(until), Some(step));
                }
                _ => self.problem(place, "a delay has either `for` or `until`", None),
            },
            Kind::ForEach(for_each) => {
                self.references(&format!("{place}.items"), &for_each.items, Some(step));
            }
            Kind::Map(values) => self.references(place, &object(values), Some(step)),
            Kind::Http(http) => {
                self.references(&format!("{place}.url"), &text(&http.url), Some(step));
                self.references(&format!("{place}.query"), &object(&http.query), Some(step));
                self.references(&format!("{place}.body"), &http.body, Some(step));
                for (name, value) in &http.headers {
                    let place = format!("{place}.headers.{name}");
                    self.references(&place, &text(value), Some(step));
                    let name = name.to_lowercase();
                    if (name == "authorization" || name.contains("key") || name.contains("token"))
                        && !is_reference(value)
                    {
                        let hint = Some("write `env:NAME` or `file:PATH`".to_owned());
                        self.problem(place, "a secret does not belong into a workflow", hint);
                    }
                }
            }
            Kind::Notify(notify) => match (&notify.webhook, &notify.email) {
                (Some(chat), None) => {
                    if !is_reference(&chat.url) {
                        let hint = Some("write `env:NAME` or `file:PATH`".to_owned());
                        let message = "who knows this address may write there: it is a secret";
                        self.problem(format!("{place}.webhook.url"), message, hint);
                    }
                    self.references(
                        &format!("{place}.webhook.text"),
                        &text(&chat.text),
                        Some(step),
                    );
                }
                (None, Some(email)) => {
                    for (name, value) in [
                        ("to", &email.to),
                        ("subject", &email.subject),
                        ("text", &email.text),
                    ] {
                        self.references(&format!("{place}.email.{name}"), &text(value), Some(step));
                    }
                }
                _ => self.problem(
                    place,
                    "a message goes either to a `webhook` or as `email`",
                    None,
                ),
            },
            Kind::Call(call) => {
                let known = self.scene.workflows();
                if call.workflow == self.workflow.name {
                    self.problem(
                        format!("{place}.workflow"),
                        "a workflow cannot call itself",
                        None,
                    );
                } else if !known.contains(&call.workflow) {
                    let message = format!("there is no workflow `{}`", call.workflow);
                    let hint = Some(format!("there are {}", listed(&known)));
                    self.problem(format!("{place}.workflow"), message, hint);
                }
                self.references(&format!("{place}.input"), &object(&call.input), Some(step));
            }
            Kind::Approval(approval) => {
                self.references(
                    &format!("{place}.question"),
                    &text(&approval.question),
                    Some(step),
                );
                if let Some(refused) = &approval.refused {
                    self.target(step, refused, &format!("{place}.refused"));
                }
            }
            Kind::Stop(stop) => {
                self.references(&format!("{place}.result"), &stop.result, Some(step));
                if let Some(failed) = &stop.failed {
                    self.references(&format!("{place}.failed"), &text(failed), Some(step));
                }
            }
        }
    }

    fn operation(&mut self, asked: &crate::model::Operation, place: &str) {
        let connection = self.workflow.connection(&asked.connection).to_owned();
        let Some((system, catalog)) = self.scene.system(&connection) else {
            if !self.workflow.connections.contains_key(&asked.connection) {
                self.no_connection(&format!("{place}.connection"), &connection);
            }
            return;
        };
        let Some(operation) = catalog.operation(&asked.operation) else {
            let message = format!("`{system}` has no operation `{}`", asked.operation);
            let hint = Some(format!("`tandem catalog {system}` lists them"));
            self.problem(format!("{place}.operation"), message, hint);
            return;
        };
        // what tags will be is not known yet; what is plain is checked as it will be when it is done
        let mut input = asked.input.clone();
        for (name, property) in operation.input["properties"]
            .as_object()
            .into_iter()
            .flatten()
        {
            if property.get("x-setting").is_some() && !input.contains_key(name) {
                input.insert(
                    name.clone(),
                    Json::String("{{ of the connection }}".to_owned()),
                );
            }
        }
        if let Err(found) = catalog::check(&operation.input, &Json::Object(input.clone())) {
            for problem in found.0 {
                if has_tag(&input, &problem.field) {
                    continue;
                }
                let dot = if problem.field.is_empty() { "" } else { "." };
                self.problem(
                    format!("{place}.input{dot}{}", problem.field),
                    format!("`{}` {}", problem.field, problem.wrong),
                    Some(problem.allowed),
                );
            }
        }
    }

    fn condition(&mut self, condition: &Condition, place: &str, step: &Step) {
        if let Err(error) = condition.is_one() {
            self.problem(place, error.to_string(), None);
        }
        self.references(&format!("{place}.value"), &condition.value, Some(step));
        self.references(&format!("{place}.to"), &condition.to, Some(step));
        for (word, parts) in [("all", &condition.all), ("any", &condition.any)] {
            for (at, part) in parts.iter().flatten().enumerate() {
                self.condition(part, &format!("{place}.{word}[{at}]"), step);
            }
        }
        if let Some(not) = &condition.not {
            self.condition(not, &format!("{place}.not"), step);
        }
    }

    fn target(&mut self, step: &Step, target: &str, place: &str) {
        if target == END {
            return;
        }
        if self.graph.step(target).is_none() {
            let known: Vec<String> = self
                .workflow
                .all_steps()
                .iter()
                .map(|step| step.id.clone())
                .collect();
            let hint = Some(format!("there are {} and `{END}`", listed(&known)));
            self.problem(place, format!("there is no step `{target}`"), hint);
        } else if self.graph.within(target) != self.graph.within(&step.id) {
            let hint = Some("a step goes on with one of its own list".to_owned());
            self.problem(
                place,
                format!("the step `{target}` stands in another list"),
                hint,
            );
        }
    }

    /// Every tag of a value leads to something that can be known by then.
    fn references(&mut self, place: &str, value: &Json, step: Option<&Step>) {
        for (inside, found) in paths(value) {
            let dot = if inside.is_empty() || inside.starts_with('[') {
                ""
            } else {
                "."
            };
            let place = format!("{place}{dot}{inside}");
            match found {
                Ok(path) => self.reference(&place, &path, step),
                Err(error) => self.problem(place, error.message, error.hint),
            }
        }
    }

    fn reference(&mut self, place: &str, path: &Path, step: Option<&Step>) {
        let root = path.name(0).unwrap_or_default();
        let name = path.name(1);
        match (root, step) {
            ("trigger" | "run", _) => {}
            ("vars", _) => {
                if let Some(name) = name
                    && !self.workflow.vars.contains_key(name)
                {
                    let known: Vec<String> = self.workflow.vars.keys().cloned().collect();
                    let hint = Some(format!("there are {}", listed(&known)));
                    self.problem(place, format!("there is no variable `{name}`"), hint);
                }
            }
            ("item" | "index", Some(step)) => {
                if self.graph.within(&step.id).is_none() {
                    let message = format!("`{root}` is known only in the steps of a `for_each`");
                    self.problem(place, message, None);
                }
            }
            ("steps" | "errors", Some(step)) => {
                let Some(name) = name else {
                    self.problem(
                        place,
                        format!("`{root}` is followed by the id of a step"),
                        None,
                    );
                    return;
                };
                let before = self.graph.before(&step.id);
                if self.graph.step(name).is_none() {
                    let known: Vec<String> = before.iter().map(|id| (*id).to_owned()).collect();
                    let hint = Some(format!("done by then may be {}", listed(&known)));
                    self.problem(place, format!("there is no step `{name}`"), hint);
                } else if !before.contains(name) {
                    let message = format!("the step `{name}` is never done before this one");
                    self.problem(place, message, None);
                } else if root == "steps" {
                    self.output(place, path, name);
                }
            }
            _ => {
                let known: Vec<String> = ROOTS[..1].iter().map(|root| (*root).to_owned()).collect();
                let hint = Some(format!("known here are {} and `vars`", listed(&known)));
                self.problem(place, format!("`{root}` is not known here"), hint);
            }
        }
    }

    /// A path into the output of an operation leads to something that the operation answers.
    fn output(&mut self, place: &str, path: &Path, id: &str) {
        let Some(asked) = self.graph.step(id).and_then(|step| step.operation.as_ref()) else {
            return;
        };
        let connection = self.workflow.connection(&asked.connection).to_owned();
        let Some(operation) = self
            .scene
            .system(&connection)
            .and_then(|(_, catalog)| catalog.operation(&asked.operation))
        else {
            return;
        };
        let mut schema = &operation.output;
        for at in 2..path.0.len() {
            let next = match path.name(at) {
                Some("first" | "last") | None if schema["items"].is_object() => &schema["items"],
                Some("length") if schema["type"] == "array" => return,
                Some(name) => match schema["properties"].as_object() {
                    Some(properties) => match properties.get(name) {
                        Some(property) => property,
                        None if schema["additionalProperties"] == true => return,
                        None => {
                            let known: Vec<String> = properties.keys().cloned().collect();
                            let message = format!(
                                "`{}` answers nothing called `{name}` here",
                                asked.operation
                            );
                            let hint = Some(format!("there are {}", listed(&known)));
                            self.problem(place, message, hint);
                            return;
                        }
                    },
                    None => return,
                },
                None => return,
            };
            schema = next;
        }
    }

    /// Nothing goes round, and everything can be reached.
    fn ways(&mut self) {
        let mut lists: Vec<&[Step]> = vec![&self.workflow.steps];
        while let Some(steps) = lists.pop() {
            lists.extend(
                steps
                    .iter()
                    .filter_map(|step| step.for_each.as_ref())
                    .map(|for_each| for_each.steps.as_slice()),
            );
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

fn is_reference(text: &str) -> bool {
    text.strip_prefix("env:")
        .or_else(|| text.strip_prefix("file:"))
        .is_some_and(|rest| !rest.is_empty())
}

/// Whether what stands at this place of an input will only be known when it is done.
fn has_tag(input: &Map<String, Json>, field: &str) -> bool {
    let mut value = &Json::Object(input.clone());
    for part in field
        .split(['.', '['])
        .map(|part| part.trim_end_matches(']'))
    {
        let next = match value {
            Json::Object(members) => members.get(part),
            Json::Array(items) => part.parse::<usize>().ok().and_then(|at| items.get(at)),
            _ => None,
        };
        match next {
            Some(next) => value = next,
            None => return false,
        }
    }
    value.as_str().is_some_and(|text| text.contains("{{"))
}
