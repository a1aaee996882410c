//! What people and faults do to the vendors, and what stands there.

use anyhow::{Context, Result};
use sandbox::{
    Actor, Edit, Fault, Operation, Rule, System,
    judge::{Held, Pair},
};
use serde_json::{Value as Json, json};

use crate::World;

/// HighLevel, the left side.
pub const HIGHLEVEL: System = System::HighLevel;

/// onOffice, the right side.
pub const ONOFFICE: System = System::OnOffice;

/// OfficeRnD, the right side of a second sync.
pub const OFFICERND: System = System::OfficeRnd;

/// How long before everything else the seeded records were made.
const A_MONTH_MS: i64 = 30 * 86_400_000;

impl World {
    /// Puts a record there as of a month ago; says its id. Nobody is told.
    ///
    /// # Errors
    /// When the record does not have the shape of the vendor's create call.
    pub fn seed(&self, system: System, record: &Json) -> Result<String> {
        let clock = &self.control.core().clock;
        clock.advance(-A_MONTH_MS);
        let ids = self.control.seed(system, std::slice::from_ref(record));
        clock.advance(A_MONTH_MS);
        ids?.pop().context("no id")
    }

    /// The same person on both sides, as of a month ago.
    ///
    /// # Errors
    /// When a record does not have the shape of the vendor's create call.
    pub fn seed_pair(&self, left: &Json, right: &Json) -> Result<Pair> {
        Ok(Pair {
            highlevel: self.seed(HIGHLEVEL, left)?,
            onoffice: self.seed(ONOFFICE, right)?,
        })
    }

    /// A person makes a record; says its id.
    ///
    /// # Errors
    /// When the vendor's UI does not take it.
    pub fn make(&self, system: System, fields: &Json) -> Result<String> {
        let made = match system {
            System::HighLevel => self.control.act(system, "create_contact", fields)?,
            System::OnOffice => self
                .control
                .act(system, "create", &json!({"fields": fields}))?,
            System::OfficeRnd => self.control.act(system, "create_member", fields)?,
        };
        id_in(&made)
    }

    /// A person edits a record.
    ///
    /// # Errors
    /// When the vendor's UI does not take it.
    pub fn edit(&self, system: System, id: &str, fields: &Json) -> Result<()> {
        let act = match system {
            System::HighLevel => "edit_contact",
            System::OnOffice => "edit",
            System::OfficeRnd => "edit_member",
        };
        self.control.act(
            system,
            act,
            &json!({"id": id_of(system, id)?, "fields": fields}),
        )?;
        Ok(())
    }

    /// A person deletes a record.
    ///
    /// # Errors
    /// When it is not there.
    pub fn delete(&self, system: System, id: &str) -> Result<()> {
        let act = match system {
            System::HighLevel => "delete_contact",
            System::OnOffice => "delete",
            System::OfficeRnd => "delete_member",
        };
        self.control
            .act(system, act, &json!({"id": id_of(system, id)?}))?;
        Ok(())
    }

    /// Anything else that a person does.
    ///
    /// # Errors
    /// When the act fails.
    pub fn act(&self, system: System, act: &str, input: &Json) -> Result<Json> {
        Ok(self.control.act(system, act, input)?)
    }

    /// Every living record of a system.
    pub fn living(&self, system: System) -> Vec<Held> {
        let all = self.control.held(system);
        all.into_iter().filter(|held| !held.gone).collect()
    }

    /// One record as it stands there.
    ///
    /// # Errors
    /// When it is not there.
    pub fn held(&self, system: System, id: &str) -> Result<Held> {
        let all = self.control.held(system);
        all.into_iter()
            .find(|held| held.id == id)
            .with_context(|| format!("no record {id}"))
    }

    /// Adds a fault; says its number.
    ///
    /// # Errors
    /// When the rule is none.
    pub fn fault(&self, rule: Json) -> Result<u64> {
        let rule: Rule = serde_json::from_value(rule)?;
        Ok(self.control.core().faults.add(rule))
    }

    /// How often the fault struck.
    pub fn struck(&self, id: u64) -> u64 {
        let all = self.control.core().faults.all();
        all.iter()
            .find(|standing| standing.id == id)
            .map_or(0, |standing| standing.struck)
    }

    /// Turns a switch.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn switch(&self, name: &str, value: impl Into<Json>) -> Result<()> {
        Ok(self.control.core().switches.set(name, &value.into())?)
    }

    /// Requests that write, to all vendors.
    pub fn writes(&self) -> u64 {
        let counts = &self.control.core().counts;
        [HIGHLEVEL, ONOFFICE, OFFICERND]
            .into_iter()
            .map(|system| counts.totals(system).writes)
            .sum()
    }

    /// Changes that the API made after this number of the edit log.
    pub fn api_edits(&self, since: u64) -> Vec<Edit> {
        let edits = self.control.core().edits.since(since);
        edits
            .into_iter()
            .filter(|edit| edit.actor == Actor::Api)
            .collect()
    }

    /// Changes of one kind that the API made to one system, after this number of the edit log.
    pub fn api_edits_of(&self, since: u64, system: System, operation: Operation) -> usize {
        self.api_edits(since)
            .iter()
            .filter(|edit| edit.system == system && edit.operation == operation)
            .count()
    }

    /// Where the edit log stands.
    pub fn edit_mark(&self) -> u64 {
        self.control.core().edits.last_sequence()
    }

    /// Loses all webhooks from now on.
    pub fn lose_webhooks(&self) -> u64 {
        self.control.core().faults.add(Rule {
            system: HIGHLEVEL,
            method: None,
            path: None,
            action: None,
            event: None,
            nth: None,
            every: None,
            rate: None,
            count: None,
            fault: Fault::Lost,
        })
    }
}

fn id_in(made: &Json) -> Result<String> {
    let id = match &made["id"] {
        Json::Null => &made["_id"],
        id => id,
    };
    match id {
        Json::String(id) => Ok(id.clone()),
        Json::Number(id) => Ok(id.to_string()),
        other => anyhow::bail!("no id but {other}"),
    }
}

/// An id as the acts of a system take it.
fn id_of(system: System, id: &str) -> Result<Json> {
    Ok(match system {
        System::HighLevel | System::OfficeRnd => json!(id),
        System::OnOffice => json!(id.parse::<u64>()?),
    })
}
