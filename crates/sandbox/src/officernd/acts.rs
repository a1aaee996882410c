//! What a person does in OfficeRnD's UI, for the control API; the settings are in `account`.

use serde_json::{Map, Value, json};

use super::State;
use super::errors::Refusal;
use super::kind::Kind;
use super::record::{Slot, Stamp};
use super::status::UNAPPROVED;
use super::writes::Given;
use crate::core::Core;
use crate::edits::Actor;
use crate::vendor::ActError;

pub(super) type Done = Result<Value, ActError>;

/// Every act, for the error that names them all; `docs/sandbox.md` explains each.
const ACTS: [&str; 43] = [
    "access",
    "add_location",
    "add_opportunity_status",
    "add_plan",
    "add_property",
    "add_tags",
    "approve_member",
    "change_thing",
    "create_application",
    "create_company",
    "create_member",
    "create_membership",
    "create_opportunity",
    "create_ticket",
    "create_webhook",
    "delete_company",
    "delete_location",
    "delete_member",
    "delete_membership",
    "delete_opportunity",
    "delete_thing",
    "delete_ticket",
    "delete_webhook",
    "edit_company",
    "edit_member",
    "edit_membership",
    "edit_opportunity",
    "edit_ticket",
    "edit_webhook",
    "expire_tokens",
    "get_company",
    "get_member",
    "happen",
    "make_thing",
    "remove_application",
    "remove_property",
    "remove_tags",
    "rotate_secret",
    "set_organization",
    "set_scopes",
    "set_status",
    "things",
    "tickets",
];

impl State {
    pub(super) fn perform(&mut self, act: &str, input: &Value, core: &Core) -> Done {
        if let Some(of) = act.split_once('_').and_then(|(verb, word)| {
            let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word)?;
            ACTS.contains(&act).then_some((verb, kind))
        }) && matches!(of.0, "create" | "edit" | "delete" | "get")
        {
            return self.on_object(of.0, of.1, input, core);
        }
        match act {
            "access" => Ok(self.access()),
            "make_thing" | "change_thing" | "delete_thing" | "things" => {
                self.person_with_thing(act, input, core)
            }
            "happen" => self.happen(input, core),
            "add_location" => self.add_named(Kind::Location, input, core),
            "add_plan" => self.add_named(Kind::Plan, input, core),
            "add_opportunity_status" => self.add_named(Kind::OpportunityStatus, input, core),
            "add_property" => self.add_property(input, core),
            "remove_property" => self.remove_property(input, core),
            "add_tags" | "remove_tags" => self.change_tags(act == "add_tags", input, core),
            "approve_member" => {
                let slot = self.living(Kind::Member, input)?;
                let mut next = self.table(Kind::Member).get(slot).clone();
                next.unset(UNAPPROVED);
                self.put(Kind::Member, slot, next);
                self.dumped(Kind::Member, slot)
            }
            "set_status" => {
                let slot = self.living(Kind::Member, input)?;
                let status = text(input, "status")?;
                if !["former", "contact", "auto"].contains(&status.as_str()) {
                    return Err(ActError::Input(
                        "status is former, contact or auto".to_owned(),
                    ));
                }
                let stamp = self.person(core);
                self.set_status(slot, &status, &stamp, core);
                self.dumped(Kind::Member, slot)
            }
            "create_ticket" | "edit_ticket" | "delete_ticket" | "tickets" => {
                self.person_ticket(act, input, core)
            }
            "create_application" => self.create_application(input, core),
            "remove_application" => self.remove_application(input),
            "rotate_secret" => self.rotate_secret(input, core),
            "set_scopes" => self.set_scopes(input),
            "set_organization" => self.set_organization(input),
            "expire_tokens" => self.expire_tokens(),
            _ => Err(ActError::Unknown {
                system: "officernd",
                act: act.to_owned(),
                known: ACTS.join(", "),
            }),
        }
    }

    fn on_object(&mut self, verb: &str, kind: Kind, input: &Value, core: &Core) -> Done {
        match verb {
            "create" => {
                let mut body = input.as_object().cloned().unwrap_or_default();
                let approved = body.remove("approved") != Some(json!(false));
                self.settle_company(kind, &mut body, core);
                let shown = self.person_creates(kind, &body, core)?;
                if approved {
                    return Ok(shown);
                }
                let slot = self.living(kind, &json!({"id": shown["_id"]}))?;
                let mut next = self.table(kind).get(slot).clone();
                next.set(UNAPPROVED, json!(true));
                self.put(kind, slot, next);
                self.dumped(kind, slot)
            }
            "edit" => {
                let slot = self.living(kind, input)?;
                let mut fields = input["fields"]
                    .as_object()
                    .cloned()
                    .ok_or_else(|| ActError::Input("fields is an object".to_owned()))?;
                self.settle_company(kind, &mut fields, core);
                let mut given = Given::from_person(kind, &fields, core).map_err(person)?;
                // a form shows all properties and sends all of them
                let before = self.table(kind).get(slot);
                if let Some(Value::Object(typed)) = fields.get("properties") {
                    let mut bag: Map<String, Value> = before
                        .properties()
                        .map(|(key, value)| (key.to_owned(), value.clone()))
                        .collect();
                    bag.extend(typed.clone());
                    given.set("properties", Value::Object(bag));
                }
                let stamp = self.person(core);
                self.update(kind, slot, given, &stamp, core)
                    .map_err(person)?;
                self.dumped(kind, slot)
            }
            "delete" => {
                let slot = self.living(kind, input)?;
                let stamp = self.person(core);
                self.delete(kind, slot, &stamp, core);
                self.dumped(kind, slot)
            }
            _ => {
                let id = text(input, "id")?;
                let record = self
                    .get(kind, &id)
                    .ok_or_else(|| ActError::missing(kind.word(), id))?;
                Ok(self.row(kind, record, core))
            }
        }
    }

    /// `companyName` of a member becomes the company of that name, which is made where there is none; "" is no company.
    fn settle_company(&mut self, kind: Kind, body: &mut Map<String, Value>, core: &Core) {
        if kind != Kind::Member {
            return;
        }
        if let Some(Value::String(name)) = body.remove("companyName") {
            let company = if name.is_empty() {
                Value::Null
            } else {
                json!(self.company_named(&name, &self.person(core), core))
            };
            body.insert("company".to_owned(), company);
        }
    }

    pub(super) fn person_creates(
        &mut self,
        kind: Kind,
        body: &Map<String, Value>,
        core: &Core,
    ) -> Done {
        let mut given = Given::from_person(kind, body, core).map_err(person)?;
        if matches!(kind, Kind::Member | Kind::Company | Kind::Membership) {
            if !given.has("location") {
                let first = self.table(Kind::Location).first();
                let first = first.map(|location| json!(location.id));
                given.set("location", first.unwrap_or_default());
            }
            if !given.has("startDate") {
                let now = crate::clock::iso_millis(core.clock.now_ms());
                given.set("startDate", json!(now));
            }
        }
        let stamp = self.person(core);
        let slot = self.create(kind, given, &stamp, core).map_err(person)?;
        self.dumped(kind, slot)
    }

    /// `{id, tags}` of a member, or of a company.
    fn change_tags(&mut self, add: bool, input: &Value, core: &Core) -> Done {
        let id = text(input, "id")?;
        let (kind, slot) = [Kind::Member, Kind::Company]
            .into_iter()
            .find_map(|kind| Some((kind, self.table(kind).find(&id)?)))
            .ok_or_else(|| ActError::missing("member or company", &*id))?;
        let names: Option<Vec<&str>> = input["tags"]
            .as_array()
            .map(|tags| tags.iter().filter_map(Value::as_str).collect());
        let names = names.ok_or_else(|| ActError::Input("tags is a list of texts".to_owned()))?;
        let mut tags: Vec<String> = self
            .table(kind)
            .get(slot)
            .tags()
            .map(str::to_owned)
            .collect();
        tags.retain(|tag| add || !names.contains(&tag.as_str()));
        for name in names {
            if add && !tags.iter().any(|tag| tag == name) {
                tags.push(name.to_owned());
            }
        }
        let stamp = self.person(core);
        self.update(kind, slot, Given::of("tags", json!(tags)), &stamp, core)
            .map_err(person)?;
        self.dumped(kind, slot)
    }

    pub(super) fn person(&self, core: &Core) -> Stamp {
        Stamp {
            at_ms: core.clock.now_ms(),
            actor: Actor::User,
            by: self.person_id.clone(),
        }
    }

    fn living(&self, kind: Kind, input: &Value) -> Result<Slot, ActError> {
        let id = text(input, "id")?;
        self.table(kind)
            .find(&id)
            .ok_or_else(|| ActError::missing(kind.word(), id))
    }

    fn dumped(&self, kind: Kind, slot: Slot) -> Done {
        Ok(Value::Object(self.table(kind).get(slot).dump()))
    }

    fn row(&self, kind: Kind, record: &super::Record, core: &Core) -> Value {
        let mut row = record.dump();
        if matches!(kind, Kind::Member | Kind::Company) {
            let status = self.status(kind, record, super::status::status_ms(core));
            row.insert("status".to_owned(), json!(status));
        }
        Value::Object(row)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn person(refusal: Refusal) -> ActError {
    refusal.to_act_error()
}

pub(super) fn text(input: &Value, name: &str) -> Result<String, ActError> {
    input[name]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| ActError::Input(format!("{name} is missing")))
}
