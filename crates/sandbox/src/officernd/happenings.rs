//! Events of things: bookings, contracts, tickets, fees, payments, check-ins and their like, and, for what no simulated call
//! does (the removal of tickets and payments, slots of occupancy, integrations), the act `happen`.

use serde_json::{Map, Value, json};

use super::State;
use super::acts::{Done, text};
use super::record::{Slot, Stamp};
use super::webhooks::event_types;
use crate::core::Core;
use crate::edits::Operation;
use crate::vendor::ActError;

/// What only the act makes.
const OCCUPANCY: &str = "occupancy_slot";
const INTEGRATION: &str = "integration";
const ALLOCATION: &str = "allocation";

/// The words of events by the kind of thing. Payment details belong to a member or a company, and the event says to which.
const WORDS: [(&str, &str); 11] = [
    ("booking", "booking"),
    ("contract", "contract"),
    ("ticket", "ticket"),
    ("fee", "fee"),
    ("payment", "invoice"),
    ("charge", "invoice.charge"),
    (ALLOCATION, "invoice.allocation"),
    ("day_passes", "pass"),
    ("checkin", "checkin"),
    (OCCUPANCY, "occupancyslot"),
    (INTEGRATION, "integration"),
];

fn word(kind: &str, fields: &Map<String, Value>) -> Option<String> {
    if kind == "payment_details" {
        let owner = match fields.contains_key("member") {
            true => "member",
            false => "company",
        };
        return Some(format!("{owner}.paymentdetails"));
    }
    let (_, word) = WORDS.iter().find(|(own, _)| *own == kind)?;
    Some((*word).to_owned())
}

/// The names of v1 for the same.
fn old_words(object: &mut Map<String, Value>) {
    for (new, old) in [("location", "office"), ("company", "team")] {
        if let Some(value) = object.remove(new) {
            object.insert(old.to_owned(), value);
        }
    }
}

impl State {
    /// Tells every subscription of what was done to a thing; `before` is what a change found.
    pub(super) fn tell_of_thing(
        &mut self,
        slot: Slot,
        happened: Operation,
        before: Option<&Map<String, Value>>,
        stamp: &Stamp,
        core: &Core,
    ) {
        let (kind, fields) = self.things.kind_and_fields(slot);
        let Some(word) = word(kind, fields) else {
            return;
        };
        let deed = match happened {
            Operation::Create => "created",
            Operation::Update => "updated",
            Operation::Delete => "removed",
            // nothing of these kinds is merged
            Operation::Merge => return,
        };
        let wanted = format!("{word}.{deed}");
        let Some(event) = event_types(core).into_iter().find(|own| *own == wanted) else {
            return;
        };
        let previous = before.map(|before| {
            let moved = |(name, _): &(&String, &Value)| fields.get(*name) != before.get(*name);
            let old = before.iter().filter(moved);
            old.map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        });
        let owner: Map<String, Value> = ["member", "company"]
            .into_iter()
            .filter(|_| kind == "payment_details")
            .filter_map(|name| Some((name.to_owned(), fields.get(name)?.clone())))
            .collect();
        let (subject, mut object) = self.shown_in_event(slot, core);
        if core.switches.choice("officernd.webhook_body") == "v1" {
            old_words(&mut object);
            object.insert("organization".to_owned(), json!(self.organization_id));
        }
        let mut data = owner;
        data.insert("object".to_owned(), Value::Object(object));
        if let Some(previous) = previous {
            data.insert("previousAttributes".to_owned(), Value::Object(previous));
        }
        self.send_event(event, &subject, data, stamp, core);
    }

    /// The act `happen`: `{"event", "id"?, "fields"?}`. Without an id a thing is made for it.
    pub(super) fn happen(&mut self, input: &Value, core: &Core) -> Done {
        let wanted = text(input, "event")?;
        let unknown = || ActError::Input(format!("{wanted} is no event of a thing"));
        let (word, deed) = wanted.rsplit_once('.').ok_or_else(unknown)?;
        let kind = match word {
            "member.paymentdetails" | "company.paymentdetails" => "payment_details",
            word => {
                let known = WORDS.iter().find(|(_, own)| *own == word);
                known.map(|(kind, _)| *kind).ok_or_else(unknown)?
            }
        };
        let mut fields = input["fields"].as_object().cloned().unwrap_or_default();
        if let Some((owner, _)) = word.split_once(".paymentdetails") {
            fields.entry(owner).or_insert_with(|| json!(null));
        }
        let stamp = self.person(core);
        let slot = match input["id"].as_str() {
            Some(id) => self
                .things
                .slot_of(kind, id)
                .ok_or_else(|| ActError::missing("thing", id))?,
            None => self.add(kind, fields.clone(), &stamp, core),
        };
        let (happened, before) = match deed {
            "created" => (Operation::Create, None),
            "removed" => {
                self.things.bury(slot);
                (Operation::Delete, None)
            }
            _ => {
                let (_, before) = self.things.kind_and_fields(slot);
                let before = before.clone();
                self.change(slot, fields, &stamp, core);
                (Operation::Update, Some(before))
            }
        };
        self.tell_of_thing(slot, happened, before.as_ref(), &stamp, core);
        Ok(json!({"_id": self.things.id_of(slot)}))
    }
}
