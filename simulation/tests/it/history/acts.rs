//! What people do at random in a history, and what goes wrong meanwhile.

use std::time::Duration;

use anyhow::Result;
use sandbox::System;
use serde_json::{Value as Json, json};
use simulation::{Failure, HIGHLEVEL, OFFICERND, ONOFFICE, World};

use crate::support::{choices, on_the_left, on_the_right, questions};

/// The same numbers for the same seed, on every machine (splitmix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).expect("it is smaller than a usize")
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

const TOWNS: [&str; 5] = ["Potsdam", "Bernau", "Cottbus", "Wien", ""];
const NAMES: [&str; 5] = ["Anna", "Berta", "Clara", "Dora", "Emil"];
const STREETS: [&str; 4] = ["Am Markt 9", "Seestraße 1a", "Lange Reihe 77", ""];
const DAYS: [&str; 4] = ["1980-05-17", "1981-06-18", "1982-07-19", ""];
const COMPANIES: [&str; 4] = ["Werft", "Reederei am Kai", "Seilerei", ""];
const SITES: [&str; 3] = ["https://werft.example", "http://kai.example/a", ""];
const TAGS: [&str; 4] = ["Kunde", "Eigentümer", "Tippgeber", "Interessent Kauf"];

fn edit_of(system: System, dice: &mut Dice) -> Json {
    let number = 1_000_000 + dice.below(8_999_999);
    let (field, value) = match (dice.below(7), system) {
        (0, HIGHLEVEL) => ("city", json!(dice.of(&TOWNS))),
        (0, ONOFFICE) => ("Ort", json!(dice.of(&TOWNS))),
        (1, HIGHLEVEL) => ("firstName", json!(dice.of(&NAMES))),
        (1, ONOFFICE) => ("Vorname", json!(dice.of(&NAMES))),
        (2, HIGHLEVEL) => ("address1", json!(dice.of(&STREETS))),
        (2, ONOFFICE) => ("Strasse", json!(dice.of(&STREETS))),
        (3, HIGHLEVEL) => ("dateOfBirth", json!(dice.of(&DAYS))),
        (3, ONOFFICE) => ("Geburtsdatum", json!(dice.of(&DAYS))),
        (4, HIGHLEVEL) => ("phone", json!(format!("+4930{number}"))),
        (4, ONOFFICE) => ("Telefon1", json!(format!("+49 30 / {number}"))),
        (5, HIGHLEVEL) => ("email", json!(format!("a{number}@brandt.example"))),
        (5, ONOFFICE) => ("Email", json!(format!("A{number}@Brandt.example"))),
        (_, HIGHLEVEL) => ("postalCode", json!("10115")),
        (_, ONOFFICE) => ("Plz", json!("10117")),
        (1, OFFICERND) => ("name", json!(format!("{} Brandt", dice.of(&NAMES)))),
        (4, OFFICERND) => ("phone", json!(format!("+4930{number}"))),
        (5, OFFICERND) => ("email", json!(format!("a{number}@brandt.example"))),
        (6, OFFICERND) => ("companyName", json!(dice.of(&COMPANIES))),
        (_, OFFICERND) => (
            "address",
            json!({"street": dice.of(&STREETS), "zip": "10115",
            "city": dice.of(&TOWNS), "country": "Germany"}),
        ),
    };
    json!({field: value})
}

pub(super) fn faults(world: &World, dice: &mut Dice, systems: &[System]) -> Result<()> {
    for (kind, rate) in [
        (json!({"kind": "lost"}), 0.15),
        (json!({"kind": "doubled"}), 0.1),
        (json!({"kind": "delayed", "ms": 4000}), 0.1),
        (json!({"kind": "reordered"}), 0.1),
    ] {
        world.fault(json!({"system": "highlevel", "rate": rate, "fault": kind}))?;
    }
    for system in systems {
        for kind in [
            json!({"kind": "status", "status": 500}),
            json!({"kind": "status", "status": 503}),
            json!({"kind": "drop_before"}),
            json!({"kind": "drop_after"}),
            json!({"kind": "non_json"}),
            json!({"kind": "delay", "ms": 700}),
            json!({"kind": "delay_answer", "ms": 700}),
        ] {
            if dice.below(2) == 0 {
                world.fault(json!({"system": system, "rate": 0.04, "fault": kind}))?;
            }
        }
    }
    world.fault(json!({"system": "highlevel", "rate": 0.02,
        "fault": {"kind": "status", "status": 429, "headers": {"retry-after": "1"}}}))?;
    Ok(())
}

/// One thing that a person or an accident does.
pub(super) async fn act(
    world: &mut World,
    dice: &mut Dice,
    made: &mut usize,
    systems: &[System],
) -> Result<()> {
    let system = *dice.of(systems);
    let living = world.living(system);
    let someone =
        |dice: &mut Dice| (!living.is_empty()).then(|| living[dice.below(living.len())].id.clone());
    match dice.below(100) {
        0..=49 => {
            if let Some(id) = someone(dice) {
                // What a vendor's UI does not take is no part of the history.
                drop(world.edit(system, &id, &edit_of(system, dice)));
            }
        }
        50..=59 => {
            let Some(id) = someone(dice) else {
                return Ok(());
            };
            let tag = dice.of(&TAGS);
            if system == HIGHLEVEL {
                let way = *dice.of(&["add_tags", "remove_tags"]);
                world.act(HIGHLEVEL, way, &json!({"id": id, "tags": [tag]}))?;
            } else if system == OFFICERND {
                about_companies(world, dice)?;
            } else {
                let other = dice.of(&TAGS);
                world.edit(ONOFFICE, &id, &json!({"ArtDaten": [tag, other, "Makler"]}))?;
            }
        }
        60..=67 => {
            *made += 1;
            let name = format!("Neu{made}");
            // Sometimes two people make the same person at once.
            let both = dice.below(4) == 0;
            if both || system == HIGHLEVEL {
                world.make(HIGHLEVEL, &on_the_left(&name))?;
            }
            if both || system == ONOFFICE {
                world.make(ONOFFICE, &on_the_right(&name))?;
            }
            if system == OFFICERND {
                let company: &&str = dice.of(&COMPANIES);
                world.make(OFFICERND, &as_member(&name, company))?;
            }
        }
        68..=69 => {
            if let Some(id) = someone(dice) {
                world.delete(system, &id)?;
            }
        }
        70 => {
            if let (Some(winner), Some(loser)) = (someone(dice), someone(dice))
                && winner != loser
                && system == HIGHLEVEL
            {
                world.act(
                    HIGHLEVEL,
                    "merge_contacts",
                    &json!({"winner": winner, "loser": loser}),
                )?;
            }
        }
        71..=72 => world.kill_and_restart()?,
        73..=74 => world
            .store
            .fail_commits(1, *dice.of(&[Failure::Before, Failure::After])),
        75 => drop(world.act(HIGHLEVEL, "expire_tokens", &json!({}))?),
        // Either may meet a fault.
        76..=86 => drop(world.engine().poll_now().await),
        87 => drop(world.engine().sweep_now().await),
        88..=90 => answer_something(world, dice).await?,
        _ => {
            let pause = Duration::from_millis(100 + dice.next() % 2500);
            world.wait(pause).await;
        }
    }
    Ok(())
}

/// A person in the shape of OfficeRnD's create call.
fn as_member(name: &str, company: &str) -> Json {
    let left = on_the_left(name);
    json!({
        "name": format!("{name} Brandt"), "email": left["email"], "phone": left["phone"],
        "companyName": company,
        "address": {
            "street": left["address1"], "zip": left["postalCode"], "city": left["city"],
            "country": "Germany",
        },
    })
}

/// Something about companies, or about who becomes a member.
fn about_companies(world: &World, dice: &mut Dice) -> Result<()> {
    let of = |dice: &mut Dice, system| -> Option<String> {
        let mut companies = world.control.companies(system);
        companies.retain(|company| !company.gone);
        (!companies.is_empty()).then(|| companies[dice.below(companies.len())].id.clone())
    };
    let someone = |dice: &mut Dice| -> Option<String> {
        let living = world.living(HIGHLEVEL);
        (!living.is_empty()).then(|| living[dice.below(living.len())].id.clone())
    };
    match dice.below(5) {
        0 => {
            if let Some(id) = of(dice, OFFICERND) {
                let fields = json!({"url": dice.of(&SITES), "description": dice.of(&STREETS)});
                world.act(
                    OFFICERND,
                    "edit_company",
                    &json!({"id": id, "fields": fields}),
                )?;
            }
        }
        1 => {
            if let Some(id) = of(dice, HIGHLEVEL) {
                let fields = json!({"website": dice.of(&SITES), "city": dice.of(&TOWNS)});
                world.act(
                    HIGHLEVEL,
                    "edit_business",
                    &json!({"id": id, "fields": fields}),
                )?;
            }
        }
        2 | 3 => {
            let business = if dice.below(3) == 0 {
                None
            } else {
                of(dice, HIGHLEVEL)
            };
            if let Some(id) = someone(dice) {
                let input = json!({"id": id, "businessId": business});
                world.act(HIGHLEVEL, "set_business", &input)?;
            }
        }
        _ => {
            if let Some(id) = someone(dice) {
                let input = json!({"id": id, "tags": ["coworking"]});
                world.act(HIGHLEVEL, "add_tags", &input)?;
            }
        }
    }
    Ok(())
}

/// A person answers an open question, whatever comes to mind.
async fn answer_something(world: &World, dice: &mut Dice) -> Result<()> {
    let open = questions(world).await?;
    if open.is_empty() {
        return Ok(());
    }
    let review = dice.of(&open);
    // Who says that two records are two people, or that nothing was made, may be wrong, and then there
    // are doubles that nobody but that person made.
    let offered: Vec<&str> = choices(review)
        .into_iter()
        .filter(|choice| !["apart", "retry"].contains(choice))
        .collect();
    if !offered.is_empty() {
        // What cannot be carried out is told, and stays open.
        let choice = *dice.of(offered.as_slice());
        drop(world.engine().resolve(review.id, choice).await);
    }
    Ok(())
}
