//! What each kind of step may be.

use serde_json::{Map, Value as Json};

use super::{Checking, LONGEST_REQUEST, is_name, is_reference, listed};
use crate::{
    duration,
    model::{self, Condition, END, Kind, OnError, Step},
    values,
};

impl Checking<'_> {
    pub(super) fn wait(&mut self, step: &Step, wait: &model::Wait, place: &str) {
        match (&wait.event, &wait.sync) {
            (Some(event), None) => self.event(event, &format!("{place}.event")),
            (None, Some(sync)) => self.sync_event(sync, &format!("{place}.sync")),
            _ => self.problem(
                place,
                "what is waited for is either an `event` or of a `sync`",
                None,
            ),
        }
        if let Some(condition) = &wait.r#where {
            let place = format!("{place}.where");
            self.awaits = true;
            self.condition(condition, &place, step);
            self.awaits = false;
            self.unmixed(condition, &place);
        }
        let delay = model::Delay {
            r#for: wait.r#for.clone(),
            until: wait.until.clone(),
        };
        self.delay(step, &delay, place);
        if let Some(late) = &wait.late {
            self.target(step, late, &format!("{place}.late"));
        }
    }

    /// Each value of a condition is of the event or of what was known before.
    pub(super) fn unmixed(&mut self, condition: &Condition, place: &str) {
        for (word, value) in [("value", &condition.value), ("to", &condition.to)] {
            if crate::awaited::is_of_event(value).is_none() {
                let message = "a value is either of the event or of what was known before";
                let hint = Some("hold one against the other with `value` and `to`".to_owned());
                self.problem(format!("{place}.{word}"), message, hint);
            }
        }
        for (word, parts) in [("all", &condition.all), ("any", &condition.any)] {
            for (at, part) in parts.iter().flatten().enumerate() {
                self.unmixed(part, &format!("{place}.{word}[{at}]"));
            }
        }
        if let Some(not) = &condition.not {
            self.unmixed(not, &format!("{place}.not"));
        }
    }

    pub(super) fn delay(&mut self, step: &Step, delay: &model::Delay, place: &str) {
        let text = |text: &str| Json::String(text.to_owned());
        match (&delay.r#for, &delay.until) {
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
            _ => self.problem(place, "how long it waits is either `for` or `until`", None),
        }
    }

    pub(super) fn step(&mut self, step: &Step, place: &str) {
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
                let hint = "operation, edit, branch, filter, delay, wait, parallel, for_each, map, http, notify, call, approval or stop";
                self.problem(place, "the step does nothing", Some(hint.to_owned()));
            }
            return;
        };
        let place = format!("{place}.{}", kind.word());
        self.kind(step, kind, &place);
    }

    pub(super) fn kind(&mut self, step: &Step, kind: Kind<'_>, place: &str) {
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
            Kind::Edit(edit) => {
                self.edit(edit, place);
                self.references(&format!("{place}.record"), &text(&edit.record), Some(step));
                self.references(
                    &format!("{place}.fields"),
                    &object(&edit.fields),
                    Some(step),
                );
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
            Kind::Delay(delay) => self.delay(step, delay, place),
            Kind::Wait(wait) => self.wait(step, wait, place),
            Kind::Parallel(parallel) => {
                if parallel.branches.len() < 2 {
                    let hint = Some("write its steps into the list".to_owned());
                    self.problem(place, "side by side are at least two lists", hint);
                }
                for name in parallel.branches.keys() {
                    if !is_name(name, &['_']) {
                        let message = format!("`{name}` is no name: letters, digits and `_`");
                        self.problem(format!("{place}.branches"), message, None);
                    }
                }
            }
            Kind::ForEach(for_each) => {
                self.references(&format!("{place}.items"), &for_each.items, Some(step));
            }
            Kind::Map(values) => self.references(place, &object(values), Some(step)),
            Kind::Http(http) => {
                if !(1..=LONGEST_REQUEST).contains(&http.timeout) {
                    let message = format!("it is from 1 to {LONGEST_REQUEST} seconds");
                    self.problem(format!("{place}.timeout"), message, None);
                }
                self.references(&format!("{place}.url"), &text(&http.url), Some(step));
                self.references(&format!("{place}.query"), &object(&http.query), Some(step));
                self.references(&format!("{place}.body"), &http.body, Some(step));
                for (name, value) in &http.headers {
                    let place = format!("{place}.headers.{name}");
                    self.references(&place, &text(value), Some(step));
                    if values::is_reference(value) && !is_reference(value) {
                        let message = "a reference to a secret is written out, without a tag";
                        self.problem(&place, message, None);
                        continue;
                    }
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

    pub(super) fn operation(&mut self, asked: &model::Operation, place: &str) {
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

    pub(super) fn edit(&mut self, edit: &model::Edit, place: &str) {
        let known = self.scene.syncs();
        let Some(ends) = self.scene.sync(&edit.sync) else {
            let hint = Some(format!("there are {}", listed(&known)));
            let message = format!("there is no sync `{}`", edit.sync);
            self.problem(format!("{place}.sync"), message, hint);
            return;
        };
        let connection = self.workflow.connection(&edit.connection).to_owned();
        if !ends.connections.contains(&connection) {
            let message = format!("`{connection}` is not a side of the sync `{}`", edit.sync);
            let hint = Some(format!("its sides are {}", listed(&ends.connections)));
            self.problem(format!("{place}.connection"), message, hint);
        }
        if !ends.entities.contains(&edit.entity) {
            let message = format!("the sync `{}` has no {}", edit.sync, edit.entity);
            let hint = Some(format!("it has {}", listed(&ends.entities)));
            self.problem(format!("{place}.entity"), message, hint);
        }
        if edit.fields.is_empty() {
            self.problem(format!("{place}.fields"), "no field is named", None);
        }
    }

    pub(super) fn condition(&mut self, condition: &Condition, place: &str, step: &Step) {
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

    pub(super) fn target(&mut self, step: &Step, target: &str, place: &str) {
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
        } else if !self.graph.stand_together(target, &step.id) {
            let hint = Some("a step goes on with one of its own list".to_owned());
            self.problem(
                place,
                format!("the step `{target}` stands in another list"),
                hint,
            );
        }
    }
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
