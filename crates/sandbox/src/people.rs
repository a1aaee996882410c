//! A population to try things on: the same German, Austrian and Swiss people in several systems, dirty as in real life, with the
//! truth beside it; and the reading of such populations from files.
//!
//! Everything follows from a seed, so that a run can be repeated, and a hundred thousand people are made in moments. Names, firms
//! and addresses are put together from lists; e-mail addresses end in domains that nobody can own.

mod dice;
mod files;
mod person;
mod rows;
mod side;
mod words;

pub use files::{Error, File, Line, read_folder};
pub use rows::{Dirt, Row};
pub use side::Side;

use dice::Dice;
use serde_json::Value;

/// How many people there are, where they are, and how dirty the rows are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Everything follows from it.
    pub seed: u64,
    /// People in HighLevel and in onOffice.
    pub both: usize,
    /// People in HighLevel but not in onOffice.
    pub highlevel_only: usize,
    /// People in onOffice but not in HighLevel.
    pub onoffice_only: usize,
    /// How many of a hundred of these people are in OfficeRnD as well.
    pub officernd_percent: u8,
    /// People in OfficeRnD alone.
    pub officernd_only: usize,
    /// How many of a hundred rows have a second row for the same person in the same system.
    pub duplicate_percent: u8,
    /// Whether rows carry mistakes and other spellings at all.
    pub dirty: bool,
}

impl Plan {
    /// The population that ships: about 300 rows on each side, half of them people of both.
    #[must_use]
    pub fn shipped() -> Self {
        Self {
            seed: 2026,
            both: 150,
            highlevel_only: 145,
            onoffice_only: 145,
            officernd_percent: 35,
            officernd_only: 60,
            duplicate_percent: 3,
            dirty: true,
        }
    }

    /// Many people in HighLevel alone, dirty but each only once, for first syncs into an empty system.
    #[must_use]
    pub fn large(seed: u64, people: usize) -> Self {
        Self {
            seed,
            both: 0,
            highlevel_only: people,
            onoffice_only: 0,
            officernd_percent: 0,
            officernd_only: 0,
            duplicate_percent: 0,
            dirty: true,
        }
    }
}

/// Rows of the same people in several systems.
#[derive(Clone, Debug)]
pub struct Population {
    /// HighLevel contacts.
    pub highlevel: Vec<Row>,
    /// onOffice addresses.
    pub onoffice: Vec<Row>,
    /// OfficeRnD members.
    pub officernd: Vec<Row>,
}

impl Population {
    /// Makes the population of a plan.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        Self {
            highlevel: Self::one_side(plan, Side::HighLevel),
            onoffice: Self::one_side(plan, Side::OnOffice),
            officernd: Self::one_side(plan, Side::OfficeRnd),
        }
    }

    /// The rows of one side of a plan alone, for those who cannot hold all of a large one.
    #[must_use]
    pub fn one_side(plan: &Plan, side: Side) -> Vec<Row> {
        let total = plan.both + plan.highlevel_only + plan.onoffice_only;
        // those of OfficeRnD alone come last, so that their number changes nobody else
        let people = person::people(plan.seed, total + plan.officernd_only);
        let mut homes: Vec<(bool, bool)> = Vec::with_capacity(total);
        homes.resize(plan.both, (true, true));
        homes.resize(plan.both + plan.highlevel_only, (true, false));
        homes.resize(total, (false, true));
        shuffle(&mut homes, &mut Dice::of(plan.seed, 2, 0));
        let rows = |lives: &dyn Fn(usize) -> bool| {
            let mut rows = Vec::new();
            for (number, person) in people
                .iter()
                .enumerate()
                .filter(|(number, _)| lives(*number))
            {
                let mut dice = Dice::of(plan.seed, 10 + side as u64, number as u64);
                let id = u32::try_from(number).unwrap_or(u32::MAX);
                rows.push(rows::row(side, id, person, false, plan.dirty, &mut dice));
                if dice.percent(plan.duplicate_percent) {
                    rows.push(rows::row(side, id, person, true, plan.dirty, &mut dice));
                }
            }
            shuffle(&mut rows, &mut Dice::of(plan.seed, 20 + side as u64, 0));
            rows
        };
        homes.resize(total + plan.officernd_only, (false, false));
        let coworks = |number: usize| {
            number >= total || Dice::of(plan.seed, 3, number as u64).percent(plan.officernd_percent)
        };
        match side {
            Side::HighLevel => rows(&|number| homes[number].0),
            Side::OnOffice => rows(&|number| homes[number].1),
            Side::OfficeRnd => rows(&coworks),
        }
    }

    /// The population that ships.
    #[must_use]
    pub fn shipped() -> Self {
        Self::new(&Plan::shipped())
    }

    /// The rows of one side.
    #[must_use]
    pub fn rows(&self, side: Side) -> &[Row] {
        match side {
            Side::HighLevel => &self.highlevel,
            Side::OnOffice => &self.onoffice,
            Side::OfficeRnd => &self.officernd,
        }
    }

    /// The same as files: one a side, and `truth.csv` that says which rows are one person.
    ///
    /// # Errors
    /// If the folder cannot be written to.
    pub fn write_to(&self, folder: &std::path::Path) -> std::io::Result<()> {
        let mut truth = String::from("person,system,row,note\n");
        for side in Side::ALL {
            let mut text = String::new();
            for (number, row) in self.rows(side).iter().enumerate() {
                let notes: Vec<String> = row.dirt.iter().map(|what| what.to_string()).collect();
                truth.push_str(&format!(
                    "{},{side},{number},{}\n",
                    row.person,
                    notes.join(" ")
                ));
                text.push_str(&row.record.to_string());
                text.push('\n');
            }
            std::fs::write(folder.join(format!("{side}.jsonl")), text)?;
        }
        std::fs::write(folder.join("truth.csv"), truth)
    }

    /// The records of one side, each in the shape of the system's create call.
    #[must_use]
    pub fn records(&self, side: Side) -> Vec<Value> {
        self.rows(side)
            .iter()
            .map(|row| row.record.clone())
            .collect()
    }
}

fn shuffle<T>(items: &mut [T], dice: &mut Dice) {
    for last in (1..items.len()).rev() {
        items.swap(last, dice.below(last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn people(rows: &[Row]) -> BTreeSet<u32> {
        rows.iter().map(|row| row.person).collect()
    }

    #[test]
    fn the_shipped_population_is_as_promised_and_does_not_change_by_accident() {
        let population = Population::shipped();
        for side in [Side::HighLevel, Side::OnOffice] {
            assert!((295..=312).contains(&population.rows(side).len()), "{side}");
        }
        let (left, right) = (people(&population.highlevel), people(&population.onoffice));
        assert_eq!(left.intersection(&right).count(), 150);
        let coworkers = people(&population.officernd);
        assert!((200..=230).contains(&population.officernd.len()));
        assert!((90..=120).contains(&coworkers.intersection(&left).count()));
        let alone = coworkers
            .difference(&left)
            .filter(|who| !right.contains(who));
        assert_eq!(alone.count(), 60);
        let mut dirt: BTreeMap<Dirt, usize> = BTreeMap::new();
        for side in Side::ALL {
            for row in population.rows(side) {
                for what in &row.dirt {
                    *dirt.entry(*what).or_default() += 1;
                }
                let reachable = ["email", "phone"]
                    .iter()
                    .any(|key| row.record.get(*key).is_some());
                assert!(reachable, "{row:?}");
            }
        }
        assert_eq!(dirt.len(), 14, "every kind of dirt occurs: {dirt:?}");
        let text = serde_json::to_string(&population.records(Side::OnOffice)[0]).unwrap();
        assert_eq!(
            text, FIRST_ROW,
            "a changed generator changes what users see: say so in the changelog"
        );
    }

    const FIRST_ROW: &str = r#"{"Anrede":"Frau","Vorname":"Carla","Name":"Strauss","email":"C.Strauss299@buero.Example","phone":"0241 4280672","Strasse":"Amselweg 135","Plz":"52062","Ort":"Aachen","Land":"DEU","Geburtsdatum":"1960-07-21","Zusatz1":"Dannenberg Notariat e.K."}"#;

    #[test]
    fn the_same_seed_makes_the_same_people_and_another_seed_others() {
        let text = |seed: u64| {
            let population = Population::new(&Plan {
                seed,
                ..Plan::shipped()
            });
            Side::ALL.map(|side| serde_json::to_string(&population.records(side)).unwrap())
        };
        assert_eq!(text(7), text(7));
        assert_ne!(text(7), text(8));
    }

    #[test]
    fn nobody_shares_an_address_or_number_by_accident() {
        let plan = Plan {
            dirty: false,
            ..Plan::large(5, 20_000)
        };
        let population = Population::new(&plan);
        let mut seen: BTreeMap<(&str, String), Vec<&Row>> = BTreeMap::new();
        for row in &population.highlevel {
            for key in ["email", "phone"] {
                let value = row.record[key].as_str().unwrap().to_owned();
                seen.entry((key, value)).or_default().push(row);
            }
        }
        for (key, rows) in seen {
            let households = rows.iter().all(|row| row.dirt.contains(&Dirt::Household));
            assert!(
                rows.len() == 1 || (rows.len() == 2 && households),
                "{key:?}: {rows:?}"
            );
        }
    }
}
