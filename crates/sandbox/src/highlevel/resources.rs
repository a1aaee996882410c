//! Everything that is not in sync: one engine for resources that are made, read, changed and deleted alike, with a
//! row per operation and the vendor's own whitelist for each body and query.
//!
//! * `table` says which path does what with which kind of thing.
//! * `body` holds bodies and queries against the vendor's specification, which stands in `fields.txt`.
//! * `calendars`, `services`, `messages`, `mail`, `sales` and `people` are the operations that are more than keeping a thing.
//! * `by_hand` is what people do with tasks and notes, `fits` what the API takes of them beyond the whitelists.
//! * `seeds` is what an account has that no call can make: campaigns, workflows, pipelines, templates.
//!
//! How the vendor words a missing thing of these kinds is documented nowhere; it is told like a contact that is not
//! there.

mod acts;
mod body;
mod by_hand;
mod calendars;
mod fits;
mod mail;
mod messages;
mod people;
mod sales;
mod seeds;
mod services;
mod table;

use http::Method;
use serde_json::{Map, Value, json};

use super::State;
use super::errors;
use super::gate::Admitted;
use super::happenings::Deed;
use super::routes::{Known, Needs};
use crate::clock::iso_millis;
use crate::core::Core;
use crate::edits::{Actor, Entry, Operation};
use crate::system::System;
use crate::vendor::Answer;

pub(crate) use by_hand::ITEM_EVENTS;
pub(crate) use table::ROWS;

pub(crate) type Answered = Result<Answer, Answer>;

/// A kind of thing.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// As it stands in a refusal.
    pub(crate) says: &'static str,
    pub(crate) id: Id,
    /// Under which name its id is shown.
    pub(crate) key: &'static str,
    /// The placeholder of what it belongs to.
    pub(crate) parent: Option<&'static str>,
    /// Under which names the times of its making and last change are shown.
    pub(crate) stamps: Option<(&'static str, &'static str)>,
}

/// What the ids of a kind look like.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Id {
    Text,
    Hex,
    Uuid,
}

/// One operation.
pub(crate) struct Row {
    pub(crate) method: Method,
    pub(crate) template: &'static str,
    pub(crate) needs: Needs,
    pub(crate) act: Act,
    pub(crate) kind: &'static Kind,
    /// Under which name the thing or the list of things stands in the answer; empty: it is the answer.
    pub(crate) wrap: &'static str,
    pub(crate) status: u16,
    pub(crate) known: Known,
}

/// What an operation does.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    Create,
    Get,
    List,
    Update,
    /// The word for success in the answer.
    Delete(&'static str),
    Special(fn(&mut State, &Admitted<'_>, &Row) -> Answered),
}

/// A thing.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) kind: &'static str,
    pub(crate) location_id: String,
    pub(crate) id: String,
    pub(crate) fields: Map<String, Value>,
    pub(crate) made_ms: i64,
    pub(crate) changed_ms: i64,
    pub(crate) deleted: bool,
}

impl Item {
    pub(crate) fn text(&self, field: &str) -> &str {
        self.fields.get(field).and_then(Value::as_str).unwrap_or("")
    }

    pub(crate) fn shown(&self, kind: &Kind) -> Value {
        let mut shown = Map::new();
        shown.insert(kind.key.to_owned(), json!(self.id));
        shown.extend(self.fields.clone());
        if let Some((made, changed)) = kind.stamps {
            shown.insert(made.to_owned(), json!(iso_millis(self.made_ms)));
            shown.insert(changed.to_owned(), json!(iso_millis(self.changed_ms)));
        }
        Value::Object(shown)
    }
}

/// All things of all kinds.
#[derive(Debug, Default)]
pub(crate) struct Things(Vec<Item>);

impl Things {
    /// Those of a kind and location that are not deleted, in the order in which they were made.
    pub(crate) fn living<'a>(
        &'a self,
        kind: &Kind,
        location_id: &str,
    ) -> impl DoubleEndedIterator<Item = &'a Item> + use<'a> {
        let (kind, location_id) = (kind.name, location_id.to_owned());
        self.0.iter().filter(move |item| {
            item.kind == kind && item.location_id == location_id && !item.deleted
        })
    }

    pub(crate) fn find<'a>(&'a self, kind: &Kind, location_id: &str, id: &str) -> Option<&'a Item> {
        self.living(kind, location_id).find(|item| item.id == id)
    }

    /// Everything, deleted or not, for a look from outside.
    pub(crate) fn dump(&self) -> Value {
        self.0
            .iter()
            .map(|item| {
                json!({
                    "kind": item.kind,
                    "locationId": item.location_id,
                    "id": item.id,
                    "fields": item.fields,
                    "deleted": item.deleted,
                })
            })
            .collect()
    }
}

/// A request about things: where it is, and what it carries, checked.
pub(crate) struct Request {
    pub(crate) location_id: String,
    pub(crate) body: Value,
}

impl Request {
    pub(crate) fn object(&self) -> Map<String, Value> {
        self.body.as_object().cloned().unwrap_or_default()
    }
}

impl State {
    /// Answers a row of the table.
    pub(crate) fn resource(&mut self, row: &'static Row, admitted: &Admitted<'_>) -> Answered {
        if let Act::Special(act) = row.act {
            return act(self, admitted, row);
        }
        let request = self.opened(admitted, row)?;
        let kind = row.kind;
        match row.act {
            Act::Create => {
                let mut fields = request.object();
                self.relate(admitted, row, &request, &mut fields)?;
                self.fit(admitted, row, &mut fields)?;
                let item = self.make(kind, &request.location_id, fields, admitted.core);
                Ok(wrapped(row, item.shown(kind), admitted))
            }
            Act::Get => {
                let item = self.named(admitted, row, &request)?;
                Ok(wrapped(row, item.shown(kind), admitted))
            }
            Act::List => {
                let parent = self.parent(admitted, row, &request)?;
                let wanted = |item: &&Item| {
                    let own = parent
                        .as_ref()
                        .is_none_or(|(name, id)| item.text(name) == id);
                    own && body::QUERY_FILTERS.iter().all(|name| {
                        admitted.query(name).is_none_or(|value| {
                            !item.fields.contains_key(*name) || item.text(name) == value
                        })
                    })
                };
                let all = self
                    .things
                    .living(kind, &request.location_id)
                    .filter(wanted);
                let shown: Vec<Value> = paged(all, admitted).map(|item| item.shown(kind)).collect();
                Ok(wrapped(row, Value::Array(shown), admitted))
            }
            Act::Update => {
                let id = self.named(admitted, row, &request)?.id.clone();
                let mut fields = request.object();
                self.relate(admitted, row, &request, &mut fields)?;
                self.fit(admitted, row, &mut fields)?;
                let item = self.change(kind, &request.location_id, &id, fields, admitted.core)?;
                Ok(wrapped(row, item.shown(kind), admitted))
            }
            Act::Delete(word) => {
                let id = self.named(admitted, row, &request)?.id.clone();
                self.delete(kind, &request.location_id, &id, admitted.core);
                Ok(Answer::json(row.status, &json!({word: true})))
            }
            Act::Special(_) => Err(errors::cannot(admitted.call.method, admitted.call.path)),
        }
    }

    /// The location of a request, and its body if that fits the vendor's specification.
    pub(crate) fn opened(&self, admitted: &Admitted<'_>, row: &Row) -> Result<Request, Answer> {
        let whitelist = admitted.core.switches.flag("highlevel.whitelist");
        let body = body::read(row, admitted, whitelist)?;
        let named = table::parameter(row, admitted, "locationId")
            .map(str::to_owned)
            .or_else(|| body["locationId"].as_str().map(str::to_owned))
            .or_else(|| admitted.query("locationId"))
            .or_else(|| admitted.query("location_id"));
        let location_id = match named {
            Some(named) => self.own(admitted, Some(&named))?,
            None => admitted
                .own_location()
                .map(str::to_owned)
                .ok_or_else(errors::wrong_location)?,
        };
        Ok(Request { location_id, body })
    }

    /// What a thing belongs to by its path, if that is there.
    pub(crate) fn parent(
        &self,
        admitted: &Admitted<'_>,
        row: &Row,
        request: &Request,
    ) -> Result<Option<(&'static str, String)>, Answer> {
        let Some(name) = row.kind.parent else {
            return Ok(None);
        };
        let Some(id) = table::parameter(row, admitted, name) else {
            return Ok(None);
        };
        self.there(admitted, &request.location_id, name, id)?;
        Ok(Some((name, id.to_owned())))
    }

    /// Refuses a reference to what is not there.
    pub(crate) fn there(
        &self,
        admitted: &Admitted<'_>,
        location_id: &str,
        name: &str,
        id: &str,
    ) -> Result<(), Answer> {
        if name == "contactId" {
            return self.at(admitted, id).map(drop);
        }
        let Some((_, kind)) = table::REFERENCES.iter().find(|(own, _)| *own == name) else {
            return Ok(());
        };
        match self.things.find(kind, location_id, id) {
            Some(_) => Ok(()),
            None => Err(missing(kind, id)),
        }
    }

    /// Adds what the path says of a thing, and refuses references to what is not there.
    fn relate(
        &self,
        admitted: &Admitted<'_>,
        row: &Row,
        request: &Request,
        fields: &mut Map<String, Value>,
    ) -> Result<(), Answer> {
        for (name, value) in fields.iter() {
            if let Some(id) = value.as_str() {
                self.there(admitted, &request.location_id, name, id)?;
            }
        }
        if let Some((name, id)) = self.parent(admitted, row, request)? {
            fields.insert(name.to_owned(), json!(id));
        }
        Ok(())
    }

    /// The thing that the last placeholder of the path names, if it belongs to what the path says.
    pub(crate) fn named(
        &self,
        admitted: &Admitted<'_>,
        row: &Row,
        request: &Request,
    ) -> Result<&Item, Answer> {
        let parent = self.parent(admitted, row, request)?;
        let id = table::own_id(row, admitted);
        self.things
            .find(row.kind, &request.location_id, id)
            .filter(|item| parent.is_none_or(|(name, id)| item.text(name) == id))
            .ok_or_else(|| missing(row.kind, id))
    }

    pub(crate) fn make(
        &mut self,
        kind: &'static Kind,
        location_id: &str,
        fields: Map<String, Value>,
        core: &Core,
    ) -> Item {
        self.make_as(kind, location_id, fields, core, Actor::Api)
    }

    pub(crate) fn make_as(
        &mut self,
        kind: &'static Kind,
        location_id: &str,
        fields: Map<String, Value>,
        core: &Core,
        actor: Actor,
    ) -> Item {
        let item = thing(kind, location_id, fields, core);
        log(core, actor, Operation::Create, &item, item.fields.keys());
        self.things.0.push(item.clone());
        self.tell_of(Deed::Made, &item, None, actor, core);
        item
    }

    /// Adds what nobody made through the API.
    pub(crate) fn seed_thing(
        &mut self,
        kind: &'static Kind,
        location_id: &str,
        fields: Map<String, Value>,
        core: &Core,
    ) {
        let item = thing(kind, location_id, fields, core);
        self.things.0.push(item);
    }

    pub(crate) fn change(
        &mut self,
        kind: &'static Kind,
        location_id: &str,
        id: &str,
        fields: Map<String, Value>,
        core: &Core,
    ) -> Result<Item, Answer> {
        self.change_as(kind, location_id, id, fields, core, Actor::Api)
    }

    pub(crate) fn change_as(
        &mut self,
        kind: &'static Kind,
        location_id: &str,
        id: &str,
        fields: Map<String, Value>,
        core: &Core,
        actor: Actor,
    ) -> Result<Item, Answer> {
        let now_ms = core.clock.now_ms();
        let item = self.things.0.iter_mut().find(|item| {
            item.kind == kind.name
                && item.location_id == location_id
                && item.id == id
                && !item.deleted
        });
        let item = item.ok_or_else(|| missing(kind, id))?;
        item.changed_ms = now_ms;
        log(core, actor, Operation::Update, item, fields.keys());
        let before = item.fields.clone();
        item.fields.extend(fields);
        let item = item.clone();
        self.tell_of(Deed::Changed, &item, Some(&before), actor, core);
        Ok(item)
    }

    pub(crate) fn delete(&mut self, kind: &Kind, location_id: &str, id: &str, core: &Core) {
        self.delete_as(kind, location_id, id, core, Actor::Api);
    }

    pub(crate) fn delete_as(
        &mut self,
        kind: &Kind,
        location_id: &str,
        id: &str,
        core: &Core,
        actor: Actor,
    ) {
        let mut gone = Vec::new();
        for item in &mut self.things.0 {
            let is_it = item.kind == kind.name && item.location_id == location_id && item.id == id;
            if is_it && !item.deleted {
                item.deleted = true;
                log(core, actor, Operation::Delete, item, std::iter::empty());
                gone.push(item.clone());
            }
        }
        for item in &gone {
            self.tell_of(Deed::Deleted, item, None, actor, core);
        }
    }
}

fn thing(kind: &Kind, location_id: &str, mut fields: Map<String, Value>, core: &Core) -> Item {
    let id = match kind.id {
        Id::Text => core.random.text::<20>(),
        Id::Hex => super::businesses::new_id(core),
        Id::Uuid => core.random.uuid(),
    };
    fields
        .entry("locationId")
        .or_insert_with(|| json!(location_id));
    let now_ms = core.clock.now_ms();
    Item {
        kind: kind.name,
        location_id: location_id.to_owned(),
        id,
        fields,
        made_ms: now_ms,
        changed_ms: now_ms,
        deleted: false,
    }
}

fn log<'a>(
    core: &Core,
    actor: Actor,
    operation: Operation,
    item: &Item,
    fields: impl Iterator<Item = &'a String>,
) {
    core.edits.add(Entry {
        at_ms: core.clock.now_ms(),
        system: System::HighLevel,
        actor,
        operation,
        entity: item.kind,
        id: &item.id,
        fields: fields.map(|field| field.as_str().into()).collect(),
    });
}

/// Told like a contact that is not there.
pub(crate) fn missing(kind: &Kind, id: &str) -> Answer {
    errors::bad_request(&format!("{} not found for id:{id}", kind.says))
}

/// The page that `limit` with `skip` or `offset` asks for.
pub(crate) fn paged<'a>(
    items: impl Iterator<Item = &'a Item> + 'a,
    admitted: &Admitted<'_>,
) -> impl Iterator<Item = &'a Item> + 'a {
    let number = |name: &str| admitted.query(name).and_then(|text| text.parse().ok());
    let skip = number("skip").or_else(|| number("offset")).unwrap_or(0);
    items.skip(skip).take(number("limit").unwrap_or(100))
}

/// The answer in the form of the row.
pub(crate) fn wrapped(row: &Row, shown: Value, admitted: &Admitted<'_>) -> Answer {
    let status = match row.method {
        Method::POST => {
            admitted.post_status(row.status, if row.status == 200 { 201 } else { row.status })
        }
        _ => row.status,
    };
    match row.wrap {
        "" => Answer::json(status, &shown),
        name => Answer::json(status, &json!({name: shown})),
    }
}
