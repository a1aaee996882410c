//! The edits that the demo plays, as people would make them in the systems, and what goes wrong
//! meanwhile. Each scene says what must be seen in the systems afterwards; nothing here knows how
//! Tandem works.

mod hub;
mod people;
mod trouble;

pub(super) use hub::{companies, through_the_hub};
pub(super) use people::{endings, plain_edits, tags, tags_to_begin_with};
pub(super) use trouble::{
    burst, edit_in_between, failing_answers, lying_webhooks, refusal, silent_answers,
};

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use sandbox::{
    Control, Fault, Rule, System,
    judge::{Belonging, Held},
};
use serde_json::{Value as Json, json};

use super::proof::Scene;

/// Two linked records, by their ids at the vendors.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) highlevel: String,
    pub(super) onoffice: String,
}

/// Records of one person that are linked across all three systems.
#[derive(Debug, Clone)]
pub(super) struct Trio {
    pub(super) pair: Pair,
    pub(super) officernd: String,
}

/// There are not enough people for a scene.
#[derive(Debug)]
struct TooFew(&'static str);

impl std::fmt::Display for TooFew {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "too few people in {} systems", self.0)
    }
}

impl std::error::Error for TooFew {}

/// What a scene works with.
pub(super) struct Stage<'a> {
    pub(super) control: &'a Control,
    pairs: std::vec::IntoIter<Pair>,
    trios: std::vec::IntoIter<Trio>,
    /// What was played.
    pub(super) scenes: Vec<Scene>,
    /// Whose tags are prepared; see [`tags_to_begin_with`].
    tagged: Option<Pair>,
}

impl<'a> Stage<'a> {
    /// A stage with these records to play on; each scene takes some of its own.
    pub(super) fn new(control: &'a Control, pairs: Vec<Pair>, trios: Vec<Trio>) -> Self {
        Self {
            control,
            pairs: pairs.into_iter(),
            trios: trios.into_iter(),
            scenes: Vec::new(),
            tagged: None,
        }
    }

    /// Plays a scene; it is left out where there are too few people for it.
    fn play(
        &mut self,
        name: &'static str,
        title: &str,
        acts: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.begin(name, title);
        let played = acts(self);
        self.ended(played)
    }

    fn begin(&mut self, name: &'static str, title: &str) {
        super::say(&format!("  · {title}"));
        self.scenes.push(Scene::new(name, title));
    }

    fn ended(&mut self, played: Result<()>) -> Result<()> {
        match played {
            Err(error) if error.is::<TooFew>() => {
                super::say(&format!("    left out: {error}"));
                if let Some(scene) = self.scenes.last_mut() {
                    scene.leave_out(error.to_string());
                }
                Ok(())
            }
            played => played,
        }
    }

    fn pair(&mut self) -> Result<Pair> {
        Ok(self.pairs.next().ok_or(TooFew("two"))?)
    }

    fn trio(&mut self) -> Result<Trio> {
        Ok(self.trios.next().ok_or(TooFew("all three"))?)
    }

    /// What must be seen in the end.
    fn claim(
        &mut self,
        what: impl Into<String>,
        look: impl Fn(&super::proof::Sight) -> bool + Send + Sync + 'static,
    ) {
        if let Some(scene) = self.scenes.last_mut() {
            scene.claim(what, look);
        }
    }

    /// That a living record says something in the end.
    fn says(
        &mut self,
        system: System,
        id: &str,
        what: &str,
        test: impl Fn(&Held) -> bool + Send + Sync + 'static,
    ) {
        let id = id.to_owned();
        let claim = format!("{} {id}: {what}", super::verdict::title(system));
        self.claim(claim, move |sight| {
            let held = sight.person(system, &id);
            held.is_some_and(|held| !held.gone && test(held))
        });
    }

    /// That a pair has one street in the end.
    fn both_live_in(&mut self, pair: &Pair, street: &'static str) {
        let test = move |held: &Held| held.street == street;
        self.says(System::HighLevel, &pair.highlevel, street, test);
        self.says(System::OnOffice, &pair.onoffice, street, test);
    }

    /// That each of these people has what belongs to them once.
    fn each_has(&mut self, what: Belonging, people: &[(System, &str)], said: &[&'static str]) {
        for (system, person) in people {
            for said in said.iter().copied() {
                let (system, person) = (*system, (*person).to_owned());
                let claim = format!("\"{said}\" once in {}", super::verdict::title(system));
                self.claim(claim, move |sight| {
                    sight.belonging(what, system, &person, said) == 1
                });
            }
        }
    }

    /// That a fault struck.
    fn struck(&mut self, fault: u64, what: &str) {
        self.claim(what, move |sight| sight.struck(fault) > 0);
    }

    fn edit_highlevel(&self, id: &str, fields: &Json) -> Result<()> {
        self.control.act(
            System::HighLevel,
            "edit_contact",
            &json!({"id": id, "fields": fields}),
        )?;
        Ok(())
    }

    fn edit_onoffice(&self, id: &str, fields: &Json) -> Result<()> {
        let id: u32 = id.parse().context("onOffice's ids are numbers")?;
        self.control.act(
            System::OnOffice,
            "edit",
            &json!({"id": id, "fields": fields}),
        )?;
        Ok(())
    }

    fn edit_officernd(&self, id: &str, fields: &Json) -> Result<()> {
        self.control.act(
            System::OfficeRnd,
            "edit_member",
            &json!({"id": id, "fields": fields}),
        )?;
        Ok(())
    }

    fn highlevel_tags(&self, act: &str, id: &str, tags: &[&str]) -> Result<()> {
        self.control
            .act(System::HighLevel, act, &json!({"id": id, "tags": tags}))?;
        Ok(())
    }

    /// What onOffice has of a person now.
    fn held_by(&self, system: System, id: &str) -> Result<Held> {
        let people = self.control.held(system);
        let found = people.into_iter().find(|held| held.id == id);
        found.with_context(|| format!("{system} has no {id}"))
    }

    fn fault(&self, rule: Rule) -> u64 {
        self.control.core().faults.add(rule)
    }
}

/// A rule that strikes once.
fn once(system: System, fault: Fault) -> Rule {
    Rule {
        system,
        method: None,
        path: None,
        action: None,
        event: None,
        nth: None,
        every: None,
        rate: None,
        count: Some(1),
        fault,
    }
}

fn status(status: u16) -> Fault {
    Fault::Status {
        status,
        body: None,
        headers: BTreeMap::new(),
    }
}
