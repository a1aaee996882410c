//! Whether simulated systems agree, judged from what they hold and from nothing else.
//!
//! The judge is handed which two systems are to agree in what ([`Terms`]) and pairs of record ids, for one sync or for several that
//! share a system. It normalises by rules of its own, so that it cannot share a mistake with what it judges. It counts what a
//! synchronisation must not leave behind: pairs that disagree, records without a counterpart, people that exist more often than
//! before, writes that changed nothing.
//!
//! [`Control::judge_syncs`] answers for any systems; [`Control::judge`] is the same question about HighLevel and onOffice with the
//! mapping that ships. [`Control::judge_belongings`] does the same for what belongs to people: tasks, notes, appointments, opportunities.

mod belongings;
mod examine;
mod held;
mod history;
mod pairwise;
mod sameness;
mod terms;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

pub use belongings::Belonging;
pub use examine::{
    Agreement, Broken, Difference, Findings, Loss, Question, Sides, What, Why, examine,
};
pub use held::{
    Held, highlevel_businesses, highlevel_contacts, officernd_companies, officernd_members,
    onoffice_addresses,
};
pub use history::History;
pub use pairwise::{Both, Break, BrokenPair, Disagreement, Judgement, Pair, Rules, compare};
pub use terms::{Carried, End, Entity, Place, Scope, Tags, Terms};

use crate::control::Control;
use crate::edits::{Actor, Operation};
use crate::people::{Population, Side};
use crate::system::System;
use crate::vendor::ActError;

/// One field that both sides are meant to agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Field {
    FirstName,
    LastName,
    Email,
    Phone,
    Street,
    Postcode,
    City,
    Country,
    Birthday,
    Company,
    Website,
    Tags,
    /// What is said of a company.
    Description,
    /// Whether newsletters are refused; that they are not is said in many ways, and none of them is a consent.
    Newsletter,
    /// First and last name in one, for a system that has one name field; a company's name.
    Name,
}

impl Field {
    /// Those of the mapping between HighLevel and onOffice that ships.
    pub const SHIPPED: [Self; 12] = [
        Self::FirstName,
        Self::LastName,
        Self::Email,
        Self::Phone,
        Self::Street,
        Self::Postcode,
        Self::City,
        Self::Country,
        Self::Birthday,
        Self::Company,
        Self::Website,
        Self::Tags,
    ];
}

/// A record too many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Duplicate {
    /// Where.
    pub system: System,
    /// The record that the client made.
    pub id: String,
    /// A record of the same person that was there.
    pub of: String,
    /// Whether the two share an e-mail address or a number, so that a look would have found it.
    pub findable: bool,
}

/// Which seeded records are the same person.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    people: HashMap<(System, String), u32>,
}

impl Truth {
    /// Says which person a record is.
    pub fn insert(&mut self, system: System, id: impl Into<String>, person: u32) {
        self.people.insert((system, id.into()), person);
    }

    /// The person that a record is, where that is known.
    #[must_use]
    pub fn person(&self, system: System, id: &str) -> Option<u32> {
        self.people.get(&(system, id.to_owned())).copied()
    }
}

impl Control {
    /// Fills all systems with a population and answers who is who.
    ///
    /// # Errors
    /// If a row is not accepted.
    pub fn populate(&self, population: &Population) -> Result<Truth, ActError> {
        let mut truth = Truth::default();
        for (side, system) in [
            (Side::HighLevel, System::HighLevel),
            (Side::OnOffice, System::OnOffice),
            (Side::OfficeRnd, System::OfficeRnd),
        ] {
            let ids = self.seed(system, &population.records(side))?;
            for (row, id) in population.rows(side).iter().zip(ids) {
                truth.insert(system, id, row.person);
            }
        }
        Ok(truth)
    }

    /// Judges whether HighLevel's main location and onOffice agree now.
    #[must_use]
    pub fn judge(&self, pairs: &[Pair], rules: &Rules, truth: Option<&Truth>) -> Judgement {
        let question = Question {
            terms: rules.terms(),
            pairs: pairs
                .iter()
                .map(|pair| (pair.highlevel.clone(), pair.onoffice.clone()))
                .collect(),
        };
        Judgement::from(self.judge_syncs(&[question], truth))
    }

    /// Judges whether the systems of several syncs agree now. Syncs that share a system are judged as one: a person who was made twice
    /// there is found whichever sync made her.
    #[must_use]
    pub fn judge_syncs(&self, questions: &[Question], truth: Option<&Truth>) -> Findings {
        let mut held = BTreeMap::new();
        for question in questions {
            for system in [question.terms.left, question.terms.right] {
                held.entry((system, question.terms.entity))
                    .or_insert_with(|| match question.terms.entity {
                        Entity::People => self.held(system),
                        Entity::Companies => self.companies(system),
                    });
            }
        }
        let edits = self.core().edits.since(0);
        let mut findings = examine(&held, questions, truth, &History::of(&edits));
        for edit in edits {
            if edit.actor == Actor::Api
                && edit.operation == Operation::Update
                && edit.fields.is_empty()
                && held.keys().any(|(system, _)| *system == edit.system)
            {
                *findings.echo_writes.entry(edit.system).or_default() += 1;
            }
        }
        findings
    }

    /// Every company that a system holds as a record of its own, gone ones included.
    #[must_use]
    pub fn companies(&self, system: System) -> Vec<Held> {
        match system {
            System::HighLevel => self.highlevel(highlevel_businesses),
            System::OnOffice => Vec::new(),
            System::OfficeRnd => {
                let now_ms = self.core().clock.now_ms();
                self.officernd(|state| officernd_companies(state, now_ms))
            }
        }
    }

    /// Every person that a system holds, gone ones included.
    #[must_use]
    pub fn held(&self, system: System) -> Vec<Held> {
        match system {
            System::HighLevel => self.highlevel(highlevel_contacts),
            System::OnOffice => self.onoffice(onoffice_addresses),
            System::OfficeRnd => {
                let now_ms = self.core().clock.now_ms();
                self.officernd(|state| officernd_members(state, now_ms))
            }
        }
    }
}
