//! Whether HighLevel and onOffice agree, judged from what the two simulated systems hold and from nothing else.
//!
//! The judge is handed pairs of record ids and knows which fields are meant to say the same. It normalises by rules of its own, so
//! that it cannot share a mistake with what it judges. It counts what a synchronisation must not leave behind: pairs that
//! disagree, records without a counterpart, people that exist more often than before, writes that changed nothing.

mod held;
mod sameness;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

pub use held::{Held, highlevel_contacts, onoffice_addresses};

use crate::control::Control;
use crate::edits::{Actor, Operation};
use crate::people::{Population, Side};
use crate::system::System;
use crate::vendor::ActError;

/// A HighLevel contact and an onOffice address that are said to be one person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Pair {
    /// The contact's id.
    pub highlevel: String,
    /// The address's id.
    pub onoffice: String,
}

/// One field that both sides are meant to agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
    Tags,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 11] = [
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
        Self::Tags,
    ];
}

/// What is compared, and how strictly.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The fields that are mapped.
    pub fields: BTreeSet<Field>,
    /// HighLevel tag and onOffice contact category that mean the same; nothing else is compared.
    pub tags: Vec<(String, String)>,
    /// Whether a company that differs is a declared loss, because HighLevel takes it only when a contact is made.
    pub company_is_create_only: bool,
    /// The country of numbers that name none, as alpha-2 code, where the record names none either.
    pub home: String,
    /// Whether archived addresses need a counterpart.
    pub archived_need_counterpart: bool,
}

impl Default for Rules {
    /// The contact mapping that ships.
    fn default() -> Self {
        let same = |tag: &str| (tag.to_owned(), tag.to_owned());
        Self {
            fields: Field::ALL.into_iter().collect(),
            tags: [
                "Interessent Kauf",
                "Interessent Miete",
                "Eigentümer",
                "Kunde",
                "Tippgeber",
            ]
            .into_iter()
            .map(same)
            .collect(),
            company_is_create_only: true,
            home: "DE".to_owned(),
            archived_need_counterpart: false,
        }
    }
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
    /// Fills HighLevel and onOffice with a population and answers who is who.
    ///
    /// # Errors
    /// If a row is not accepted.
    pub fn populate(&self, population: &Population) -> Result<Truth, ActError> {
        let mut truth = Truth::default();
        for (side, system) in [
            (Side::HighLevel, System::HighLevel),
            (Side::OnOffice, System::OnOffice),
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
        let left = self.highlevel(highlevel_contacts);
        let right = self.onoffice(onoffice_addresses);
        let mut judgement = compare(&left, &right, pairs, rules, truth);
        for edit in self.core().edits.since(0) {
            if edit.actor == Actor::Api
                && edit.operation == Operation::Update
                && edit.fields.is_empty()
            {
                match edit.system {
                    System::HighLevel => judgement.echo_writes.highlevel += 1,
                    System::OnOffice => judgement.echo_writes.onoffice += 1,
                }
            }
        }
        judgement
    }
}

/// What the judge found. Nothing in the lists means that both sides agree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// Pairs whose records both live.
    pub pairs: usize,
    /// Fields looked at in them.
    pub compared: usize,
    /// Fields of which the sides say different things.
    pub disagreements: Vec<Disagreement>,
    /// Fields that differ only by what one system cannot hold.
    pub losses: Vec<Disagreement>,
    /// Pairs of which a record is gone, or that share a record with another pair.
    pub broken_pairs: Vec<BrokenPair>,
    /// Living records without a pair.
    pub without_counterpart: Both<Vec<String>>,
    /// Records that a client of the API made although the person was there.
    pub duplicates: Vec<Duplicate>,
    /// Updates by a client of the API that changed no value.
    pub echo_writes: Both<usize>,
}

impl Judgement {
    /// Whether every pair agrees, nothing is without counterpart, and nothing was doubled.
    #[must_use]
    pub fn agree(&self) -> bool {
        self.disagreements.is_empty()
            && self.broken_pairs.is_empty()
            && self.without_counterpart.highlevel.is_empty()
            && self.without_counterpart.onoffice.is_empty()
            && self.duplicates.is_empty()
    }
}

/// One thing for each system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Both<T> {
    /// HighLevel's.
    pub highlevel: T,
    /// onOffice's.
    pub onoffice: T,
}

/// One field on which a pair does not agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Disagreement {
    /// Whose.
    pub pair: Pair,
    /// Which.
    pub field: Field,
    /// What each side says.
    pub says: Both<String>,
}

/// A pair that cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BrokenPair {
    /// Which.
    pub pair: Pair,
    /// Why.
    pub why: Break,
}

/// Why a pair cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Break {
    /// The HighLevel contact is deleted, merged away or was never there.
    HighlevelGone,
    /// The onOffice address is deleted, merged away or was never there.
    OnofficeGone,
    /// An earlier pair has one of its records.
    Shared,
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

/// Compares what both sides hold. Echo writes are not counted here, they leave no trace in a state.
#[must_use]
pub fn compare(
    left: &[Held],
    right: &[Held],
    pairs: &[Pair],
    rules: &Rules,
    truth: Option<&Truth>,
) -> Judgement {
    let mut judgement = Judgement::default();
    let by_id = |held: &[Held]| -> HashMap<String, usize> {
        let living = held.iter().enumerate().filter(|(_, each)| !each.gone);
        living
            .map(|(place, each)| (each.id.clone(), place))
            .collect()
    };
    let (lefts, rights) = (by_id(left), by_id(right));
    let mut paired: Both<BTreeSet<&str>> = Both::default();
    let mut linked: BTreeMap<(System, &str), (System, &str)> = BTreeMap::new();
    for pair in pairs {
        let places = match (lefts.get(&pair.highlevel), rights.get(&pair.onoffice)) {
            (None, _) => Err(Break::HighlevelGone),
            (_, None) => Err(Break::OnofficeGone),
            (Some(one), Some(other)) => Ok((*one, *other)),
        };
        let fresh = [
            paired.highlevel.insert(&pair.highlevel),
            paired.onoffice.insert(&pair.onoffice),
        ];
        match places {
            Ok((one, other)) if fresh == [true, true] => {
                linked.insert(
                    (System::HighLevel, &pair.highlevel),
                    (System::OnOffice, &pair.onoffice),
                );
                linked.insert(
                    (System::OnOffice, &pair.onoffice),
                    (System::HighLevel, &pair.highlevel),
                );
                judgement.pairs += 1;
                judge_pair(&left[one], &right[other], pair, rules, &mut judgement);
            }
            Ok(_) => judgement.broken_pairs.push(BrokenPair {
                pair: pair.clone(),
                why: Break::Shared,
            }),
            Err(why) => judgement.broken_pairs.push(BrokenPair {
                pair: pair.clone(),
                why,
            }),
        }
    }
    let alone = |held: &[Held], paired: &BTreeSet<&str>| -> Vec<String> {
        held.iter()
            .filter(|each| !each.gone && (!each.archived || rules.archived_need_counterpart))
            .filter(|each| !paired.contains(each.id.as_str()))
            .map(|each| each.id.clone())
            .collect()
    };
    judgement.without_counterpart.highlevel = alone(left, &paired.highlevel);
    judgement.without_counterpart.onoffice = alone(right, &paired.onoffice);
    for (system, held) in [(System::HighLevel, left), (System::OnOffice, right)] {
        let person = |id: &str| {
            let truth = truth?;
            let known = truth.person(system, id);
            known.or_else(|| {
                let (other, other_id) = linked.get(&(system, id))?;
                truth.person(*other, other_id)
            })
        };
        judgement
            .duplicates
            .extend(duplicates(system, held, rules, person));
    }
    judgement
}

fn judge_pair(left: &Held, right: &Held, pair: &Pair, rules: &Rules, judgement: &mut Judgement) {
    for field in &rules.fields {
        judgement.compared += 1;
        let same = sameness::compare(*field, left, right, rules);
        let list = match same {
            sameness::Same::Yes => continue,
            sameness::Same::Lossy => &mut judgement.losses,
            sameness::Same::No => &mut judgement.disagreements,
        };
        list.push(Disagreement {
            pair: pair.clone(),
            field: *field,
            says: Both {
                highlevel: left.shown(*field),
                onoffice: right.shown(*field),
            },
        });
    }
}

/// Records that a client made for people who lived there already: by the truth, or where it says nothing by the same name with
/// the same e-mail address or number.
fn duplicates(
    system: System,
    held: &[Held],
    rules: &Rules,
    person: impl Fn(&str) -> Option<u32>,
) -> Vec<Duplicate> {
    let mut by_person: HashMap<u32, Vec<&Held>> = HashMap::new();
    let mut by_key: HashMap<String, Vec<&Held>> = HashMap::new();
    let mut found = Vec::new();
    let living = || held.iter().filter(|each| !each.gone);
    // those that were there first, then those that the client made, in the order of the system
    let in_order = living()
        .filter(|each| !each.by_client)
        .chain(living().filter(|each| each.by_client));
    for record in in_order {
        let keys = sameness::keys(record, rules);
        let who = person(&record.id);
        let shares_key = |other: &&&Held| {
            let others = sameness::keys(other, rules);
            keys.iter().any(|key| others.contains(key))
        };
        if record.by_client {
            let twins: Vec<&Held> = match who {
                Some(who) => by_person.get(&who).cloned().unwrap_or_default(),
                None => keys
                    .iter()
                    .flat_map(|key| by_key.get(key).into_iter().flatten().copied())
                    .filter(|other| sameness::same_name(record, other))
                    .collect(),
            };
            if let Some(twin) = twins.iter().find(shares_key).or_else(|| twins.first()) {
                found.push(Duplicate {
                    system,
                    id: record.id.clone(),
                    of: twin.id.clone(),
                    findable: shares_key(&twin),
                });
            }
        }
        if let Some(who) = who {
            by_person.entry(who).or_default().push(record);
        }
        for key in keys {
            by_key.entry(key).or_default().push(record);
        }
    }
    found
}
