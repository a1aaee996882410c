//! The filling of the account, without limits, events or checks of the whitelist's finer points.

use serde_json::{Value, json};

use super::State;
use super::errors::Refusal;
use super::kind::Kind;
use super::record::{Record, Stamp};
use super::writes::Given;
use crate::core::Core;
use crate::edits::Actor;
use crate::vendor::ActError;

impl State {
    /// A member in the shape of a create call. Beside it are taken `tags`, and `companyName` for a company that is made where there
    /// is none of that name ("" is no company); the location is the first one where none is given, and a start may be missing, as in old accounts.
    pub(super) fn seed_member(&mut self, record: &Value, core: &Core) -> Result<String, ActError> {
        let mut body = record
            .as_object()
            .cloned()
            .ok_or_else(|| ActError::Input("a member is an object".to_owned()))?;
        let company = body.remove("companyName");
        let mut given = Given::from_person(Kind::Member, &body, core)
            .map_err(|refusal: Refusal| refusal.to_act_error())?;
        if !given.has("location") {
            let first = self.table(Kind::Location).first();
            given.set("location", json!(first.map(|location| &location.id)));
        }
        let stamp = Stamp {
            at_ms: core.clock.now_ms(),
            actor: Actor::Seed,
            by: self.person_id.clone(),
        };
        let company = company.as_ref().and_then(Value::as_str);
        if let Some(name) = company.filter(|name| !name.is_empty()) {
            let id = self.company_named(name, &stamp, core);
            given.set("company", json!(id));
        }
        self.seeded += 1;
        let every = core.switches.number("officernd.dirty_every");
        if every > 0 && self.seeded % every == 0 {
            self.spoil(self.seeded / every, &mut given, &stamp, core);
        }
        Ok(self.plant(Kind::Member, given, &stamp, core))
    }

    /// One of the faults that live data has, in turn.
    fn spoil(&mut self, turn: i64, given: &mut Given, stamp: &Stamp, core: &Core) {
        match turn % 4 {
            1 => {
                if let Some(Value::Object(mut address)) = given.get("address").cloned() {
                    let (zip, city) = (address.remove("zip"), address.remove("city"));
                    for (name, value) in [("zip", city), ("city", zip)] {
                        if let Some(value) = value {
                            address.insert(name.to_owned(), value);
                        }
                    }
                    given.set("address", Value::Object(address));
                }
            }
            2 => given.unset("phone"),
            3 => {
                let last = self.table(Kind::Member).all().last();
                if let Some(email) = last.and_then(|last| last.get("email")).cloned() {
                    given.set("email", email);
                }
            }
            _ => {
                let id = self.company_named("Gone", stamp, core);
                if let Some(slot) = self.table(Kind::Company).find(&id) {
                    self.delete(Kind::Company, slot, stamp, core);
                }
                given.set("company", json!(id));
            }
        }
    }

    /// The id of the company of a name, which is made where there is none.
    pub(super) fn company_named(&mut self, name: &str, stamp: &Stamp, core: &Core) -> String {
        if let Some(known) = self.table(Kind::Company).with("name", name).next() {
            return known.id.to_string();
        }
        let mut given = Given::of("name", json!(name));
        let first = self.table(Kind::Location).first();
        given.set("location", json!(first.map(|location| &location.id)));
        let start = crate::clock::iso_millis(stamp.at_ms);
        given.set("startDate", json!(start));
        self.plant(Kind::Company, given, stamp, core)
    }

    fn plant(&mut self, kind: Kind, given: Given, stamp: &Stamp, core: &Core) -> String {
        let id = self.new_id(core);
        let record = Record::new(id.clone(), stamp, given.into_fields());
        self.insert(kind, record, core);
        id
    }
}
