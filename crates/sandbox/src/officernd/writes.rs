//! The one place where objects change, whoever changes them: references, rules, stamps, the edit log and events.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::State;
use super::errors::{Refusal, is_id};
use super::fields::{self, Type};
use super::gate::api_rules;
use super::kind::Kind;
use super::record::{Record, Slot, Stamp};
use super::shape::{self, Rules, Writer};
use super::status::{BY_HAND, PORTAL};
use super::webhooks::event_types;
use crate::core::Core;
use crate::edits::{Actor, Entry, Operation};
use crate::system::System;

/// Fields whose types were checked, on their way into an object.
#[derive(Debug)]
pub(super) struct Given {
    fields: Vec<(&'static str, Value)>,
}

impl Given {
    pub(super) fn from_api(
        kind: Kind,
        body: &Map<String, Value>,
        writer: Writer,
        core: &Core,
    ) -> Result<Self, Refusal> {
        let events = event_types(core);
        shape::read(fields::of(kind), body, api_rules(writer, core), &events)
            .map(|fields| Self { fields })
            .map_err(Refusal::Invalid)
    }

    pub(super) fn from_person(
        kind: Kind,
        body: &Map<String, Value>,
        core: &Core,
    ) -> Result<Self, Refusal> {
        let events = event_types(core);
        shape::read(fields::of(kind), body, Rules::PERSON, &events)
            .map(|fields| Self { fields })
            .map_err(Refusal::Invalid)
    }

    pub(super) fn of(name: &'static str, value: Value) -> Self {
        Self {
            fields: vec![(name, value)],
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(own, _)| *own == name)
    }

    pub(super) fn set(&mut self, name: &'static str, value: Value) {
        self.fields.retain(|(own, _)| *own != name);
        self.fields.push((name, value));
    }

    pub(super) fn unset(&mut self, name: &str) {
        self.fields.retain(|(own, _)| *own != name);
    }

    pub(super) fn into_fields(self) -> Vec<(&'static str, Value)> {
        self.fields
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.fields
            .iter()
            .find(|(own, _)| *own == name)
            .map(|(_, value)| value)
    }
}

impl State {
    /// Makes an object and tells everybody who wants to know.
    pub(super) fn create(
        &mut self,
        kind: Kind,
        mut given: Given,
        stamp: &Stamp,
        core: &Core,
    ) -> Result<Slot, Refusal> {
        self.check_references(kind, &given)?;
        self.settle_properties(kind, &mut given, core)?;
        match kind {
            Kind::Webhook => {
                given.set("secret", json!(core.random.text::<40>()));
                if !given.has("isEnabled") {
                    given.set("isEnabled", json!(true));
                }
            }
            Kind::OpportunityStatus => given.set("isSystem", json!(false)),
            _ => {}
        }
        let id = self.new_id(core);
        let record = Record::new(id, stamp, given.fields);
        check_rules(kind, &record)?;
        Ok(self.insert(kind, record, core))
    }

    /// Changes fields of an object. What stays as it was moves nothing, unless the switch says that it does.
    pub(super) fn update(
        &mut self,
        kind: Kind,
        slot: Slot,
        mut given: Given,
        stamp: &Stamp,
        core: &Core,
    ) -> Result<(), Refusal> {
        self.check_references(kind, &given)?;
        self.settle_properties(kind, &mut given, core)?;
        let before = self.table(kind).get(slot);
        let mut next = before.clone();
        let empty = given.fields.is_empty();
        for (name, value) in given.fields {
            next.set(name, written(before.get(name), value, name, core));
        }
        check_rules(kind, &next)?;
        self.commit(kind, slot, next, empty, stamp, core);
        Ok(())
    }

    /// A status by hand, or `auto` for the calculated one. By hand, portal access goes.
    pub(super) fn set_status(&mut self, slot: Slot, status: &str, stamp: &Stamp, core: &Core) {
        let mut next = self.table(Kind::Member).get(slot).clone();
        if status == "auto" {
            next.unset(BY_HAND);
        } else {
            next.set(BY_HAND, json!(status));
            if core.switches.flag("officernd.manual_status_cuts_portal") {
                next.set(PORTAL, json!(false));
            }
        }
        self.commit(Kind::Member, slot, next, false, stamp, core);
    }

    /// Takes an object away. What points to it goes on pointing to it, unless the switch says otherwise.
    pub(super) fn delete(&mut self, kind: Kind, slot: Slot, stamp: &Stamp, core: &Core) {
        let mut gone = self.table(kind).get(slot).clone();
        gone.deleted_ms = Some(stamp.at_ms);
        let id = gone.id.clone();
        self.put(kind, slot, gone);
        self.log(kind, &id, Operation::Delete, Vec::new(), stamp, core);
        self.announce(kind, slot, "removed", None, stamp, core);
        self.stir(kind, slot, stamp, core);
        let keeps = core.switches.flag("officernd.delete_keeps_references");
        let field = match kind {
            Kind::Company => "company",
            Kind::Member => "member",
            _ => return,
        };
        if keeps {
            return;
        }
        for pointing in [Kind::Member, Kind::Membership, Kind::Opportunity] {
            let slots: Vec<Slot> = self
                .table(pointing)
                .candidates(field, &id)
                .iter()
                .copied()
                .filter(|slot| self.table(pointing).get(*slot).text(field) == &*id)
                .collect();
            for slot in slots {
                let mut next = self.table(pointing).get(slot).clone();
                next.unset(field);
                self.commit(pointing, slot, next, false, stamp, core);
            }
        }
    }

    /// Stores a new object as it is.
    pub(super) fn insert(&mut self, kind: Kind, record: Record, core: &Core) -> Slot {
        let stamp = Stamp {
            at_ms: record.created_ms,
            actor: record.maker,
            by: record.created_by.clone(),
        };
        let id = record.id.clone();
        let fields: Vec<&'static str> = record.fields().map(|(name, _)| name).collect();
        let slot = self.table_mut(kind).insert(record);
        self.log(kind, &id, Operation::Create, fields, &stamp, core);
        self.announce(kind, slot, "created", None, &stamp, core);
        self.stir(kind, slot, &stamp, core);
        slot
    }

    /// Replaces an object by its next version, with all that follows from it. `empty` is a write of no field at all.
    fn commit(
        &mut self,
        kind: Kind,
        slot: Slot,
        mut next: Record,
        empty: bool,
        stamp: &Stamp,
        core: &Core,
    ) {
        let before = self.table(kind).get(slot).clone();
        let changes = next.changes_from(&before);
        let moves = match (changes.is_empty(), empty) {
            (false, _) => true,
            (true, true) => core.switches.flag("officernd.empty_put_touches"),
            (true, false) => core.switches.flag("officernd.unchanged_put_touches"),
        };
        if moves {
            next.modified_ms = stamp.at_ms;
            next.modified_by = stamp.by.clone();
        }
        let id = next.id.clone();
        self.put(kind, slot, next);
        self.log(kind, &id, Operation::Update, changes, stamp, core);
        if moves {
            self.announce(kind, slot, "updated", Some(&before), stamp, core);
            self.stir(kind, slot, stamp, core);
        }
    }

    /// Replaces an object and nothing else.
    pub(super) fn put(&mut self, kind: Kind, slot: Slot, record: Record) {
        self.table_mut(kind).replace(slot, record);
    }

    /// Moves the stamps of those whose calculated status may follow from a membership or an opportunity, where the switch says
    /// that the vendor does so.
    fn stir(&mut self, kind: Kind, slot: Slot, stamp: &Stamp, core: &Core) {
        if !matches!(kind, Kind::Membership | Kind::Opportunity)
            || stamp.actor == Actor::Seed
            || !core.switches.flag("officernd.status_moves_modified")
        {
            return;
        }
        let record = self.table(kind).get(slot);
        let (member, company) = (
            record.text("member").to_owned(),
            record.text("company").to_owned(),
        );
        let members = self.table(Kind::Member);
        let mut slots: BTreeSet<Slot> = members.find(&member).into_iter().collect();
        if !company.is_empty() {
            let of_company = members.candidates("company", &company).iter().copied();
            slots.extend(of_company.filter(|slot| members.get(*slot).text("company") == company));
        }
        for slot in slots {
            let before = self.table(Kind::Member).get(slot).clone();
            let mut next = before.clone();
            next.modified_ms = stamp.at_ms;
            self.put(Kind::Member, slot, next);
            self.announce(Kind::Member, slot, "updated", Some(&before), stamp, core);
        }
    }

    /// What an id names must be there.
    fn check_references(&self, kind: Kind, given: &Given) -> Result<(), Refusal> {
        for field in fields::of(kind) {
            let (Type::Ref(to), Some(Value::String(id))) = (field.holds, given.get(field.name))
            else {
                continue;
            };
            if !is_id(id) {
                return Err(Refusal::NoId);
            }
            if self.table(to).find(id).is_none() {
                return Err(Refusal::NoReference(to.old_word()));
            }
        }
        Ok(())
    }

    /// What becomes of properties that nobody defined for the kind.
    fn settle_properties(&self, kind: Kind, given: &mut Given, core: &Core) -> Result<(), Refusal> {
        let Some(Value::Object(bag)) = given.get("properties").cloned() else {
            return Ok(());
        };
        let target = match kind {
            Kind::Company => "team",
            Kind::Opportunity => "lead",
            Kind::Membership => "plan-membership",
            _ => "member",
        };
        let kept = self.defined(bag, target, core)?;
        given.set("properties", Value::Object(kept));
        Ok(())
    }

    /// The properties that are kept of those written to an object of this target.
    pub(super) fn defined(
        &self,
        bag: Map<String, Value>,
        target: &str,
        core: &Core,
    ) -> Result<Map<String, Value>, Refusal> {
        let unknown = core.switches.choice("officernd.unknown_property");
        if unknown == "store" {
            return Ok(bag);
        }
        let known = |key: &str| {
            self.table(Kind::Property).living().any(|slot| {
                let definition = self.table(Kind::Property).get(slot);
                let targets = definition.get("targets").and_then(Value::as_array);
                definition.text("key") == key
                    && targets.is_some_and(|targets| targets.iter().any(|own| own == target))
            })
        };
        let (kept, strange): (Map<String, Value>, Map<String, Value>) =
            bag.into_iter().partition(|(key, _)| known(key));
        if unknown == "refuse" && !strange.is_empty() {
            let failures = strange
                .keys()
                .map(|key| format!("properties.property {key} should not exist"));
            return Err(Refusal::Invalid(failures.collect()));
        }
        Ok(kept)
    }

    fn log(
        &self,
        kind: Kind,
        id: &str,
        operation: Operation,
        fields: Vec<&'static str>,
        stamp: &Stamp,
        core: &Core,
    ) {
        core.edits.add(Entry {
            at_ms: stamp.at_ms,
            system: System::OfficeRnd,
            actor: stamp.actor,
            operation,
            entity: kind.word(),
            id,
            fields: fields.into_iter().map(Box::from).collect(),
        });
    }
}

/// The value that a write leaves: objects are replaced or merged, a property that becomes null goes.
pub(super) fn written(before: Option<&Value>, value: Value, name: &str, core: &Core) -> Value {
    let merges = match name {
        "properties" => core.switches.choice("officernd.properties_write") == "merge",
        _ => core.switches.choice("officernd.objects_write") == "merge",
    };
    let Value::Object(value) = value else {
        return value;
    };
    let mut next = match before {
        Some(Value::Object(before)) if merges => before.clone(),
        _ => Map::new(),
    };
    for (key, value) in value {
        if name == "properties" && value.is_null() {
            next.remove(&key);
        } else {
            next.insert(key, value);
        }
    }
    Value::Object(next)
}

/// Rules that the vendor only finds broken when it stores.
fn check_rules(kind: Kind, record: &Record) -> Result<(), Refusal> {
    let named = matches!(kind, Kind::Member | Kind::Company | Kind::Membership);
    if named && record.text("name").is_empty() {
        return Err(Refusal::Empty("name"));
    }
    if kind == Kind::Membership {
        let time = |field: &str| shape::millis(record.text(field));
        if let (Some(start_ms), Some(end_ms)) = (time("startDate"), time("endDate"))
            && start_ms >= end_ms
        {
            return Err(Refusal::Rule(
                "Membership startDate should be before the endDate",
            ));
        }
        if record.text("type") == "fixed" && time("endDate").is_none() {
            return Err(Refusal::Rule("Fixed memberships should have an endDate"));
        }
        let personal = record.flag("isPersonal");
        let (member, company) = (record.text("member"), record.text("company"));
        if personal && !company.is_empty() {
            return Err(Refusal::Rule(
                "Personal memberships cannot belong to a company",
            ));
        }
        if personal && member.is_empty() || !personal && company.is_empty() {
            return Err(Refusal::Rule("Membership should have an owner"));
        }
    }
    if kind == Kind::Opportunity
        && record.text("member").is_empty()
        && record.text("company").is_empty()
    {
        return Err(Refusal::Rule(
            "Opportunity should have a member or a company",
        ));
    }
    Ok(())
}
