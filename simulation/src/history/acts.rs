//! What people do at random in a history, and which accidents happen.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Result;
use sandbox::System;
use serde_json::{Value as Json, json};

use super::{
    faults::Dice,
    known::{choices, on_the_left, on_the_right, questions},
};
use crate::{Failure, HIGHLEVEL, Life, OFFICERND, ONOFFICE, World, people};

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
        // Who moves stays in the country: a number without one would be another number after that.
        (_, OFFICERND) => (
            "address",
            json!({"street": dice.of(&STREETS), "zip": "10115", "city": dice.of(&TOWNS)}),
        ),
    };
    json!({field: value})
}

/// The people, and what they have changed that has to be put back in the end.
pub(super) struct Actors {
    systems: &'static [System],
    made: usize,
    /// Who was deleted, and may be made again.
    gone: Vec<String>,
    rights_lost: bool,
    field_lost: bool,
    rules_before: Option<mapping::SyncRules>,
    told: BTreeMap<&'static str, u64>,
}

impl Actors {
    pub(super) fn new(systems: &'static [System]) -> Self {
        Self {
            systems,
            made: 0,
            gone: Vec::new(),
            rights_lost: false,
            field_lost: false,
            rules_before: None,
            told: BTreeMap::new(),
        }
    }

    /// What happened, by its name.
    pub(super) fn told(&mut self) -> BTreeMap<&'static str, u64> {
        std::mem::take(&mut self.told)
    }

    /// One thing that a person or an accident does.
    pub(super) async fn act(&mut self, world: &mut World, dice: &mut Dice) -> Result<()> {
        if world.life().is_over() {
            self.tell("killed at a step of its own");
            world.kill_and_start_anew().await?;
        }
        let system = *dice.of(self.systems);
        let living = world.living(system);
        let someone = |dice: &mut Dice| {
            (!living.is_empty()).then(|| living[dice.below(living.len())].id.clone())
        };
        match dice.below(200) {
            0..=89 => {
                if let Some(id) = someone(dice) {
                    self.tell("edit");
                    let mut fields = edit_of(system, dice);
                    // Who moves stays in the country.
                    if let Some(address) = fields.get_mut("address")
                        && let Some(there) = living.iter().find(|there| there.id == id)
                    {
                        address["country"] = json!(there.country);
                    }
                    // What a vendor's UI does not take is no part of the history.
                    drop(world.edit(system, &id, &fields));
                }
            }
            90..=109 => {
                let Some(id) = someone(dice) else {
                    return Ok(());
                };
                let tag = dice.of(&TAGS);
                if system == HIGHLEVEL {
                    self.tell("tags");
                    let way = *dice.of(&["add_tags", "remove_tags"]);
                    world.act(HIGHLEVEL, way, &json!({"id": id, "tags": [tag]}))?;
                } else if system == OFFICERND {
                    self.tell("companies");
                    about_companies(world, dice)?;
                } else {
                    self.tell("tags");
                    let other = dice.of(&TAGS);
                    world.edit(ONOFFICE, &id, &json!({"ArtDaten": [tag, other, "Makler"]}))?;
                }
            }
            110..=123 => self.somebody_new(world, dice, system)?,
            124..=127 => {
                if let Some(id) = someone(dice) {
                    self.tell("delete");
                    world.delete(system, &id)?;
                }
            }
            128..=129 => {
                if let (Some(winner), Some(loser)) = (someone(dice), someone(dice))
                    && winner != loser
                {
                    self.merge(world, system, &winner, &loser)?;
                }
            }
            130..=131 => {
                self.tell("killed between two steps");
                world.kill_and_start_anew().await?;
            }
            132..=134 => world.life().count(Some(dice.below(80))),
            135..=137 => {
                self.tell("commit fails");
                world
                    .store
                    .fail_commits(1, *dice.of(&[Failure::Before, Failure::After]));
            }
            138..=139 => {
                self.tell("tokens expire");
                let of = *dice.of(&[HIGHLEVEL, OFFICERND]);
                drop(world.act(of, "expire_tokens", &json!({}))?);
            }
            140..=157 => {
                self.tell("poll");
                let engine = world.engine().clone();
                unless_over(&world.life(), engine.poll_now()).await;
            }
            158..=160 => {
                self.tell("sweep");
                // People go on meanwhile, so its pages shift.
                let engine = world.engine().clone();
                let life = world.life();
                tokio::spawn(async move { unless_over(&life, engine.sweep_now()).await });
            }
            161..=165 => {
                self.tell("answer");
                let life = world.life();
                unless_over(&life, answer_something(world, dice)).await;
            }
            166..=167 => self.change_what_may_be_done(world, dice)?,
            168 => self.change_the_rules(world, dice).await,
            _ => {
                let pause = Duration::from_millis(50 + dice.next() % 2500);
                world.wait(pause).await;
            }
        }
        Ok(())
    }

    /// What people lost is given back, the rules are those of the beginning, and the process lives.
    pub(super) async fn put_back(&mut self, world: &mut World) -> Result<()> {
        world.life().count(None);
        if world.life().is_over() {
            self.tell("killed at a step of its own");
        }
        // Whoever counts its steps is not the last one.
        world.kill_and_start_anew().await?;
        if self.rights_lost {
            give_rights(world, true)?;
        }
        if self.field_lost {
            world.act(ONOFFICE, "activate_field", &json!({"field": FIELD}))?;
        }
        if let Some(rules) = self.rules_before.take() {
            world.apply(rules).await;
        }
        Ok(())
    }

    fn somebody_new(&mut self, world: &World, dice: &mut Dice, system: System) -> Result<()> {
        let again = !self.gone.is_empty() && dice.below(4) == 0;
        let name = if again {
            self.tell("made again");
            self.gone.swap_remove(dice.below(self.gone.len()))
        } else {
            self.tell("made");
            self.made += 1;
            format!("Neu{}", self.made)
        };
        // Sometimes two people make the same person at once.
        let both = dice.below(4) == 0;
        if both || system == HIGHLEVEL {
            let id = world.make(HIGHLEVEL, &on_the_left(&name))?;
            // Sometimes it was a mistake, which somebody else makes anew.
            if dice.below(8) == 0 {
                world.delete(HIGHLEVEL, &id)?;
                self.gone.push(name.clone());
            }
        }
        if both || system == ONOFFICE {
            let mut person = on_the_right(&name);
            if self.field_lost
                && let Some(fields) = person.as_object_mut()
            {
                fields.remove(FIELD);
            }
            world.make(ONOFFICE, &person)?;
        }
        if system == OFFICERND {
            let company: &&str = dice.of(&COMPANIES);
            world.make(OFFICERND, &as_member(&name, company))?;
        }
        Ok(())
    }

    fn merge(&mut self, world: &World, system: System, winner: &str, loser: &str) -> Result<()> {
        match system {
            System::HighLevel => {
                let input = json!({"winner": winner, "loser": loser});
                world.act(HIGHLEVEL, "merge_contacts", &input)?;
            }
            System::OnOffice => {
                let id = |id: &str| id.parse::<u64>();
                let input = json!({"into": id(winner)?, "from": id(loser)?});
                world.act(ONOFFICE, "merge", &input)?;
            }
            System::OfficeRnd => return Ok(()),
        }
        self.tell("merge");
        Ok(())
    }

    /// A right or a field that is lost, or comes back.
    fn change_what_may_be_done(&mut self, world: &World, dice: &mut Dice) -> Result<()> {
        if dice.below(2) == 0 {
            self.rights_lost = !self.rights_lost;
            if self.rights_lost {
                self.tell("rights lost");
            }
            give_rights(world, !self.rights_lost)
        } else {
            self.field_lost = !self.field_lost;
            let act = if self.field_lost {
                self.tell("field lost");
                "deactivate_field"
            } else {
                "activate_field"
            };
            world.act(ONOFFICE, act, &json!({"field": FIELD}))?;
            Ok(())
        }
    }

    /// A mapping is taken out of the rules, or put back.
    async fn change_the_rules(&mut self, world: &mut World, dice: &mut Dice) {
        self.tell("rules changed");
        let rules = match self.rules_before.take() {
            Some(before) => before,
            None => {
                let rules = world.rules_of(&people());
                self.rules_before = Some(rules.clone());
                let mut other = rules;
                for entity in other.entities.values_mut() {
                    if entity.fields.len() > 4 {
                        entity
                            .fields
                            .remove(4 + dice.below(entity.fields.len() - 4));
                    }
                }
                other
            }
        };
        let life = world.life();
        unless_over(&life, world.apply_to(people(), rules)).await;
    }

    fn tell(&mut self, what: &'static str) {
        *self.told.entry(what).or_default() += 1;
    }
}

/// A field of onOffice that an administrator takes away for a while.
const FIELD: &str = "Geburtsdatum";

fn give_rights(world: &World, all: bool) -> Result<()> {
    let right = if all { "all" } else { "none" };
    world.act(
        ONOFFICE,
        "set_rights",
        &json!({"address_read": right, "address_write": right}),
    )?;
    Ok(())
}

/// What is asked of a process has no answer when it ends meanwhile.
async fn unless_over<T>(life: &Arc<Life>, asked: impl Future<Output = T>) {
    tokio::select! {
        biased;
        () = life.ended() => {}
        // Either may meet a fault.
        _ = asked => {}
    }
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
