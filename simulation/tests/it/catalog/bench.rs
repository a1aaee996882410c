//! A sandbox, a connection to it, and things made for an operation to work on.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use catalog::RunError;
use connections::Session;
use connector::catalog::{
    Effects, Operation,
    trigger::{Happened, Source},
};
use jiff::Timestamp;
use sandbox::{Control, System};
use serde_json::{Map, Value as Json, json};

use crate::probes::rig::Rig;

/// How a thing of a kind comes to be: the operation, and where its id stands in the answer.
pub(super) struct Maker {
    pub(super) kind: &'static str,
    /// An operation, or `act NAME` for what no call can do, or `state KIND` for what only the sandbox's state shows.
    pub(super) operation: &'static str,
    pub(super) id: &'static str,
    /// Fields beside those of the operation's example, as JSON; `$kind` is the id of a thing of that kind.
    pub(super) with: &'static str,
}

/// One operation, what is done before it, and how its effect is seen.
pub(super) struct Case {
    pub(super) operation: &'static str,
    /// Operations before it, with their own examples.
    pub(super) before: &'static [&'static str],
    pub(super) seen: Seen,
}

/// How an effect is seen.
pub(super) enum Seen {
    /// The answer holds the id of a thing of this kind, made before.
    Shows(&'static str),
    /// The answer holds this text as a value, whatever else.
    Says(&'static str),
    /// This field of the answer has this value, as JSON.
    Is(&'static str, &'static str),
    /// The answer's number is that of the things of this kind which the other operation lists; where one can be made, it is
    /// one more afterwards.
    Counts(Option<&'static str>, &'static str),
    /// Another operation shows it. The kind and the place of an id in the answer, the other operation, what it shows.
    Read(Option<(&'static str, &'static str)>, &'static str, Expect),
    /// In the state of the sandbox is a thing of this kind with this text, or is none.
    State(&'static str, &'static str, bool),
    /// In this list of the sandbox's state the thing of this kind has this value in this field, as JSON, and had not before. For what
    /// no call shows.
    Held(&'static str, &'static str, &'static str, &'static str),
    /// The sandbox sends a webhook of this event about a thing of this kind; the operation says where to.
    Tells(&'static str, &'static str),
}

/// What another operation shows.
pub(super) enum Expect {
    /// These fields of the input, with their values; `data.name` is one inside `data`.
    Fields(&'static [&'static str]),
    /// The id of a thing of this kind.
    Shows(&'static str),
    /// Not the id of a thing of this kind any more: refused, or without it.
    Gone(&'static str),
    /// This text as a value.
    Says(&'static str),
    /// This field has this value, as JSON.
    Is(&'static str, &'static str),
    /// This field has a value.
    Has(&'static str),
    /// Not this text.
    Lacks(&'static str),
}

/// How a trigger is set off.
pub(super) struct Deed {
    pub(super) trigger: &'static str,
    /// What is done before it, of which nothing is heard.
    pub(super) before: &'static [&'static str],
    /// An operation with its own example, or `act NAME`.
    pub(super) by: &'static str,
    /// Fields beside those of the example; `$kind` is the id of a thing of that kind.
    pub(super) with: &'static str,
}

/// What a question finds.
pub(super) struct Change {
    pub(super) trigger: &'static str,
    /// The kind of thing that is new, and what makes it: its maker, or an operation and where the id stands in the answer.
    pub(super) kind: &'static str,
    pub(super) made: Option<(&'static str, &'static str)>,
    /// The operation that changes it; none where no call and no act does.
    pub(super) change: Option<&'static str>,
}

pub(super) struct Bench {
    rig: Rig,
    system: System,
    session: Session,
    makers: &'static [Maker],
    ids: BTreeMap<&'static str, String>,
    made: usize,
}

impl Bench {
    pub(super) async fn new(system: System, makers: &'static [Maker]) -> Result<Self> {
        let rig = Rig::new(system).await?;
        let switches = &rig.control.core().switches;
        switches.set("highlevel.search_lag_ms", &json!(0))?;
        if system == System::OnOffice {
            // no call can make one
            let filter = json!({"name": "Nobody", "filter": {}});
            rig.control.act(system, "save_filter", &filter)?;
        }
        let session = rig.session()?;
        Ok(Self {
            rig,
            system,
            session,
            makers,
            ids: BTreeMap::new(),
            made: 0,
        })
    }

    pub(super) fn control(&self) -> &Control {
        &self.rig.control
    }

    /// Does an operation with its own example.
    pub(super) async fn does(&mut self, id: &str) -> Result<Json> {
        let operation = self.operation(id)?;
        let input = self.example(operation).await?;
        self.run(operation, &input).await
    }

    /// Asks a trigger's question; what happened.
    pub(super) async fn polls(
        &self,
        trigger: &str,
        seen: &mut catalog::Seen,
    ) -> Result<Vec<Happened>> {
        let connector = self.session.connector();
        let trigger = connector.catalog().trigger(trigger);
        let trigger = trigger.context("there is no such trigger")?;
        let now = Timestamp::from_millisecond(self.control().core().clock.now_ms())?;
        let calls = &self.session;
        let answered = catalog::poll(calls, &**connector, trigger, now, seen).await?;
        ensure!(answered.passed_over.is_none(), "{answered:?}");
        let happened = answered.happened;
        for one in &happened {
            ensure!(one.trigger == trigger.id, "{one:?}");
            whole(&trigger.output, &one.item)?;
        }
        Ok(happened)
    }

    /// Sets a trigger off, waits for the webhook, and reads it as the trigger's output.
    pub(super) async fn tells(&mut self, deed: &'static Deed) -> Result<()> {
        let connector = Arc::clone(self.session.connector());
        let trigger = connector.catalog().trigger(deed.trigger);
        let trigger = trigger.context("there is no such trigger")?;
        let Source::Webhook { events, .. } = &trigger.source else {
            bail!("it is not told by webhook");
        };
        // all at once, so that a webhook that is taken for another's shows
        let every: Vec<String> = connector
            .catalog()
            .triggers
            .iter()
            .filter_map(|own| match &own.source {
                Source::Webhook { events, .. } => Some(events.clone()),
                Source::Poll(_) => None,
            })
            .flatten()
            .collect();
        ensure!(!events.is_empty(), "it has no event");
        for before in deed.before {
            self.deed(before).await?;
        }
        let input = match deed.by.split_once(' ') {
            Some(("act", _)) => self.named(deed.with).await?,
            _ => {
                let mut input = Json::Object(self.example(self.operation(deed.by)?).await?);
                if let (Json::Object(input), Json::Object(with)) =
                    (&mut input, self.named(deed.with).await?)
                {
                    input.extend(with);
                }
                input
            }
        };
        self.rig.heard().await;
        self.rig.listens_to(&every).await?;
        match deed.by.split_once(' ') {
            Some(("act", act)) => drop(self.rig.control.act(self.system, act, &input)?),
            _ => {
                let input = input.as_object().cloned().unwrap_or_default();
                drop(self.run(self.operation(deed.by)?, &input).await?);
            }
        }
        let heard = self.rig.heard().await;
        let names: Vec<&str> = heard.iter().map(|(own, _)| own.trigger.as_str()).collect();
        let found = heard.iter().find(|(own, _)| own.trigger == trigger.id);
        let (happened, _) = found.with_context(|| format!("it is not among {names:?}"))?;
        ensure!(!happened.id.is_empty(), "it is about nothing: {happened:?}");
        whole(&trigger.output, &happened.item)
    }

    /// Does an operation, an act with its input, or turns a switch on.
    async fn deed(&mut self, by: &str) -> Result<()> {
        match by.split_once(' ') {
            Some(("act", act)) => {
                let (act, with) = act.split_once(' ').unwrap_or((act, "{}"));
                let input = self.named(with).await?;
                self.rig.control.act(self.system, act, &input)?;
            }
            Some(("switch", name)) => {
                let switches = &self.rig.control.core().switches;
                switches.set(name, &json!(true))?;
            }
            _ => drop(self.does(by).await?),
        }
        Ok(())
    }

    /// A JSON text with the ids of the things that it names.
    async fn named(&mut self, with: &str) -> Result<Json> {
        let mut with: Json = serde_json::from_str(with)?;
        self.name_ids(&mut with).await?;
        Ok(with)
    }

    /// Does an operation or an act, and takes the id of what it made as that of this kind.
    pub(super) async fn makes_by(
        &mut self,
        kind: &'static str,
        by: &str,
        id: &str,
    ) -> Result<String> {
        let output = match by.split_once(' ') {
            Some(("act", act)) => {
                let (act, with) = act.split_once(' ').unwrap_or((act, "{}"));
                let with = self.named(with).await?;
                self.rig.control.act(self.system, act, &with)?
            }
            _ => self.does(by).await?,
        };
        let id = output.pointer(id).and_then(Json::as_str);
        let id = id.with_context(|| format!("no id in {output}"))?.to_owned();
        self.ids.insert(kind, id.clone());
        Ok(id)
    }

    /// Makes a thing of this kind as its maker does; its id.
    pub(super) async fn makes(&mut self, kind: &str) -> Result<String> {
        self.id(kind).await
    }

    pub(super) async fn tries(&mut self, case: &'static Case) -> Result<()> {
        for before in case.before {
            let operation = self.operation(before)?;
            let input = self.example(operation).await?;
            self.run(operation, &input)
                .await
                .with_context(|| format!("before it, {before}"))?;
        }
        if let Seen::Tells(..) = &case.seen {
            let webhook = json!({"url": "https://provider.example/hook", "secret": "provider"});
            self.rig.control.act(self.system, "set_webhook", &webhook)?;
        }
        let operation = self.operation(case.operation)?;
        // what it works on is there before what it is to show
        let input = self.example(operation).await?;
        if let Seen::Shows(kind) | Seen::Read(None, _, Expect::Shows(kind) | Expect::Gone(kind)) =
            &case.seen
        {
            self.id(kind).await?;
        }
        if let (Seen::Read(None, reader, expect), Effects::Write) = (&case.seen, operation.effect) {
            // what is so before it happens shows nothing
            let reader = self.operation(reader)?;
            let question = self.example(reader).await?;
            let answer = self.run(reader, &question).await;
            ensure!(
                self.expect(expect, &input, answer).is_err(),
                "its effect is seen with {} before it happened",
                reader.id
            );
        }
        if let Seen::Held(list, kind, field, value) = &case.seen {
            ensure!(!self.held(list, kind, field, value)?, "it was so before");
        }
        let output = self.run(operation, &input).await?;
        fits(operation, &output)?;
        match &case.seen {
            Seen::Held(list, kind, field, value) => {
                ensure!(self.held(list, kind, field, value)?, "it is not so");
                Ok(())
            }
            Seen::Is(name, value) => {
                let value: Json = serde_json::from_str(value)?;
                ensure!(
                    has(&output, name, &value),
                    "{name} is not {value} in {output}"
                );
                Ok(())
            }
            Seen::Counts(kind, list) => {
                let list = self.operation(list)?;
                let listed = |answer: &Json| {
                    let items = answer["results"].as_array().map(Vec::len);
                    items.and_then(|items| u64::try_from(items).ok())
                };
                let mut counted = output["total"].as_u64().context("a number")?;
                let question = self.example(list).await?;
                let shown = listed(&self.run(list, &question).await?);
                ensure!(
                    shown == Some(counted),
                    "{counted} are {shown:?} in the list"
                );
                if let Some(kind) = kind {
                    // not that which the example needed
                    self.ids.remove(kind);
                    self.id(kind).await?;
                    let then = self.run(operation, &input).await?;
                    counted += 1;
                    ensure!(then["total"] == counted, "{counted} are {then}");
                }
                ensure!(counted > 0, "nothing was there to be counted");
                Ok(())
            }
            Seen::Shows(kind) => {
                let id = self.id(kind).await?;
                ensure!(holds(&output, &id), "{kind} {id} is not in {output}");
                Ok(())
            }
            Seen::Says(text) => {
                ensure!(says(&output, text), "`{text}` is not in {output}");
                Ok(())
            }
            Seen::Tells(event, kind) => {
                let id = self.id(kind).await?;
                let log = self.rig.control.core().deliveries.log();
                let told = log
                    .iter()
                    .any(|sent| sent.event == *event && *sent.subject == *id);
                ensure!(told, "no {event} of {id} was sent");
                Ok(())
            }
            Seen::State(kind, text, is_there) => {
                let text = match self.ids.get(text) {
                    Some(id) => id.clone(),
                    None => (*text).to_owned(),
                };
                let state = self.rig.control.dump(self.system);
                let found = state["things"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|thing| {
                        thing["kind"] == *kind && thing["deleted"] == false && holds(thing, &text)
                    });
                ensure!(found == *is_there, "a {kind} with {text}: {found}");
                Ok(())
            }
            Seen::Read(made, reader, expect) => {
                if let Some((kind, place)) = made {
                    let id = output.pointer(place).and_then(Json::as_str);
                    let id = id.with_context(|| format!("no {place} in {output}"))?;
                    self.ids.insert(kind, id.to_owned());
                }
                let reader = self.operation(reader)?;
                let question = self.example(reader).await?;
                let answer = self.run(reader, &question).await;
                self.expect(expect, &input, answer)
            }
        }
    }

    /// Whether the thing of this kind has this value in the sandbox's state.
    fn held(&self, list: &str, kind: &str, field: &str, value: &str) -> Result<bool> {
        let id = self.ids.get(kind).context("a thing")?;
        let value: Json = serde_json::from_str(value)?;
        let state = self.rig.control.dump(self.system);
        let all = state[list].as_array().context("a list")?;
        let thing = all.iter().find(|thing| thing["_id"] == json!(id));
        Ok(thing.context("it is not in the state")?[field] == value)
    }

    fn expect(
        &self,
        expect: &Expect,
        input: &Map<String, Json>,
        answer: Result<Json>,
    ) -> Result<()> {
        let known = |kind: &str| self.ids.get(kind).cloned().unwrap_or_default();
        if let (Expect::Gone(_), Err(error)) = (expect, &answer) {
            let refused = error.downcast_ref::<RunError>().is_some_and(|error| {
                matches!(error, RunError::Failed(connector::Error::Refused { .. }))
            });
            ensure!(refused, "gone, but: {error:#}");
            return Ok(());
        }
        let answer = answer?;
        match expect {
            Expect::Fields(names) => {
                for name in *names {
                    let (name, value) = match name.split_once('.') {
                        Some((outer, inner)) => {
                            (inner, input.get(outer).and_then(|own| own.get(inner)))
                        }
                        None => (*name, input.get(*name)),
                    };
                    let value = value.with_context(|| format!("no {name} in the example"))?;
                    ensure!(
                        has(&answer, name, value),
                        "{name} is not {value} in {answer}"
                    );
                }
                Ok(())
            }
            Expect::Shows(kind) => {
                ensure!(holds(&answer, &known(kind)), "{kind} is not in {answer}");
                Ok(())
            }
            Expect::Gone(kind) => {
                ensure!(!holds(&answer, &known(kind)), "{kind} is still in {answer}");
                Ok(())
            }
            Expect::Says(text) => {
                ensure!(says(&answer, text), "`{text}` is not in {answer}");
                Ok(())
            }
            Expect::Is(name, value) => {
                let value: Json = serde_json::from_str(value)?;
                ensure!(
                    has(&answer, name, &value),
                    "{name} is not {value} in {answer}"
                );
                Ok(())
            }
            Expect::Has(name) => {
                ensure!(has_any(&answer, name), "{name} has no value in {answer}");
                Ok(())
            }
            Expect::Lacks(text) => {
                ensure!(!says(&answer, text), "`{text}` is still in {answer}");
                Ok(())
            }
        }
    }

    fn operation(&self, id: &str) -> Result<&'static Operation> {
        let catalog = self.session.connector().catalog();
        catalog
            .operation(id)
            .ok_or_else(|| anyhow!("there is no operation {id}"))
    }

    async fn run(&self, operation: &'static Operation, input: &Map<String, Json>) -> Result<Json> {
        let connector = self.session.connector();
        Ok(catalog::run(&self.session, &**connector, operation, input).await?)
    }

    /// The operation's example, with the ids of things that are there.
    async fn example(&mut self, operation: &'static Operation) -> Result<Map<String, Json>> {
        let mut input = operation.example.clone();
        self.put_ids(&operation.input, &mut input).await?;
        match input {
            Json::Object(input) => Ok(input),
            _ => Ok(Map::new()),
        }
    }

    /// Puts the ids of things that are there into a value, however deep its schema names their kinds.
    async fn put_ids(&mut self, schema: &Json, value: &mut Json) -> Result<()> {
        if let Some(kind) = schema["x-kind"].as_str() {
            *value = written(&self.id(kind).await?, schema);
            return Ok(());
        }
        match value {
            Json::Object(members) => {
                for (name, member) in members {
                    Box::pin(self.put_ids(&schema["properties"][name], member)).await?;
                }
            }
            Json::Array(items) => {
                for item in items {
                    Box::pin(self.put_ids(&schema["items"], item)).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A maker's own fields, with the ids of the things that they name.
    async fn own_fields(&mut self, maker: &Maker) -> Result<Map<String, Json>> {
        let mut with: Json = serde_json::from_str(maker.with)?;
        self.name_ids(&mut with).await?;
        match with {
            Json::Object(with) => Ok(with),
            _ => bail!("what {} is made with is no object", maker.kind),
        }
    }

    /// Puts an id in the place of each `$kind`.
    async fn name_ids(&mut self, value: &mut Json) -> Result<()> {
        match value {
            Json::String(text) => {
                if let Some(kind) = text.strip_prefix('$').map(str::to_owned) {
                    let id = Box::pin(self.id(&kind)).await?;
                    *value = written(&id, &json!({"type": "integer"}));
                }
            }
            Json::Array(items) => {
                for item in items {
                    Box::pin(self.name_ids(item)).await?;
                }
            }
            Json::Object(members) => {
                for member in members.values_mut() {
                    Box::pin(self.name_ids(member)).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The thing of this kind that the operation works on; made if there is none yet.
    async fn id(&mut self, kind: &str) -> Result<String> {
        if let Some(id) = self.ids.get(kind) {
            return Ok(id.clone());
        }
        let maker = self.makers.iter().find(|maker| maker.kind == kind);
        let maker = maker.with_context(|| format!("nothing makes a {kind}"))?;
        let with = self.own_fields(maker).await?;
        let output = match maker.operation.split_once(' ') {
            Some(("act", act)) => self
                .rig
                .control
                .act(self.system, act, &Json::Object(with))?,
            Some(("state", kind)) => {
                let state = self.rig.control.dump(self.system);
                let things = state["things"].as_array().into_iter().flatten();
                let thing = things.rev().find(|thing| thing["kind"] == kind);
                thing
                    .with_context(|| format!("there is no {kind}"))?
                    .clone()
            }
            _ => {
                let operation = self.operation(maker.operation)?;
                let mut input = Box::pin(self.example(operation)).await?;
                input.extend(with);
                self.unique(&mut input);
                self.run(operation, &input)
                    .await
                    .with_context(|| format!("making a {kind} with {}", maker.operation))?
            }
        };
        let id = match output.pointer(maker.id) {
            Some(Json::String(id)) => id.clone(),
            Some(Json::Number(id)) => id.to_string(),
            _ => bail!("no {} in {output}", maker.id),
        };
        self.ids.insert(maker.kind, id.clone());
        Ok(id)
    }

    /// What must not be the same twice.
    fn unique(&mut self, input: &mut Map<String, Json>) {
        self.made += 1;
        for (name, value) in [
            ("email", json!(format!("made{}@example.net", self.made))),
            ("phone", json!(format!("+4930555{:04}", self.made))),
            ("slug", json!(format!("made-{}", self.made))),
        ] {
            if input.contains_key(name) {
                input.insert(name.to_owned(), value);
            }
        }
    }
}

/// An id as the operation takes it.
fn written(id: &str, property: &Json) -> Json {
    match (property["type"].as_str(), id.parse::<u64>()) {
        (Some("integer"), Ok(number)) => json!(number),
        _ => json!(id),
    }
}

/// Whether an answer is of the form that the operation declares; what is null is as good as absent.
fn fits(operation: &Operation, output: &Json) -> Result<()> {
    whole(&operation.output, output)
}

/// Whether a value is of a form, and the form names all that is in it: what is open says so with `additionalProperties`.
pub(super) fn whole(form: &Json, value: &Json) -> Result<()> {
    let mut value = value.clone();
    without_nulls(&mut value);
    catalog::check(form, &value)
        .map_err(|problems| anyhow!("it is not of the declared form:\n{problems}"))?;
    let mut undeclared = Vec::new();
    undeclared_in(form, &value, "", &mut undeclared);
    ensure!(undeclared.is_empty(), "not declared: {undeclared:?}");
    Ok(())
}

fn undeclared_in(form: &Json, value: &Json, place: &str, undeclared: &mut Vec<String>) {
    match value {
        Json::Object(members) => {
            let open = form
                .get("additionalProperties")
                .filter(|own| **own != json!(false));
            for (name, member) in members {
                let place = format!("{place}/{name}");
                match (form["properties"].get(name), open) {
                    (Some(form), _) => undeclared_in(form, member, &place, undeclared),
                    (None, Some(Json::Object(_))) => {
                        undeclared_in(&form["additionalProperties"], member, &place, undeclared);
                    }
                    (None, Some(_)) => {}
                    (None, None) => undeclared.push(place),
                }
            }
        }
        Json::Array(items) => {
            for item in items {
                match form.get("items") {
                    Some(form) => undeclared_in(form, item, &format!("{place}[]"), undeclared),
                    None => undeclared.push(format!("{place}[]")),
                }
            }
        }
        _ => {}
    }
}

fn without_nulls(value: &mut Json) {
    match value {
        Json::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(without_nulls);
        }
        Json::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// Whether a text is a value somewhere in it; what a field is called says nothing.
fn says(value: &Json, text: &str) -> bool {
    match value {
        Json::Array(items) => items.iter().any(|item| says(item, text)),
        Json::Object(object) => object.values().any(|item| says(item, text)),
        Json::Null | Json::Bool(_) => false,
        own => holds(own, text),
    }
}

/// Whether a text is a value somewhere in it, or the name of a field: some answers have ids there.
fn holds(value: &Json, text: &str) -> bool {
    match value {
        Json::String(own) => own == text,
        Json::Number(own) => own.to_string() == text,
        Json::Array(items) => items.iter().any(|item| holds(item, text)),
        Json::Object(object) => object
            .iter()
            .any(|(name, item)| name == text || holds(item, text)),
        _ => false,
    }
}

/// Whether a field has any value somewhere in it.
fn has_any(value: &Json, name: &str) -> bool {
    match value {
        Json::Array(items) => items.iter().any(|item| has_any(item, name)),
        Json::Object(object) => object
            .iter()
            .any(|(own, item)| (own == name && !item.is_null()) || has_any(item, name)),
        _ => false,
    }
}

/// Whether a field has this value somewhere in it.
fn has(value: &Json, name: &str, wanted: &Json) -> bool {
    match value {
        Json::Array(items) => items.iter().any(|item| has(item, name, wanted)),
        Json::Object(object) => object
            .iter()
            .any(|(own, item)| (own == name && item == wanted) || has(item, name, wanted)),
        _ => false,
    }
}
