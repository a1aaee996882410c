//! Bad input for everything that takes input from outside, made from seeds.
//!
//! A case begins with input that is right (an example that ships, an answer of the simulated vendors, a body made of a
//! schema) and bends it where its structure allows: a value of another kind, a key that is missing, a text that ends too
//! early. Nothing may panic or go on without end, what is refused says what is wrong and where, and what is taken comes
//! back the same where it can be written out again.
//!
//! It is not guided by coverage: that takes a nightly compiler. The seed of a case fixes all of it, so
//! `cargo xtask fuzz TARGET --seed S --cases 1` replays one.

mod bend;

mod dice;

mod rig;

mod targets;

use std::{
    cell::RefCell,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    panic::{AssertUnwindSafe, catch_unwind},
};

use anyhow::{Result, anyhow, bail};

use dice::Dice;

/// Something that takes input from outside.
#[derive(Debug)]
pub struct Target {
    /// The word that selects it.
    pub name: &'static str,
    /// What it is, in words.
    pub what: &'static str,
    play: fn(&mut Dice) -> Result<()>,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target {
        name: "config",
        what: "the config, as YAML and JSON",
        play: targets::config::play,
    },
    Target {
        name: "formula",
        what: "formulas and templates, and the values that they get",
        play: targets::formula::play,
    },
    Target {
        name: "workflow",
        what: "workflows, as YAML and JSON",
        play: targets::workflow::play,
    },
    Target {
        name: "hooks",
        what: "webhooks of the three systems: signatures and bodies",
        play: targets::hooks::play,
    },
    Target {
        name: "links",
        what: "tables of pairs for `tandem links import`",
        play: targets::links::play,
    },
    Target {
        name: "api",
        what: "requests to the API: paths, parameters and bodies",
        play: targets::api::play,
    },
    Target {
        name: "highlevel",
        what: "answers of HighLevel",
        play: targets::answers::highlevel,
    },
    Target {
        name: "onoffice",
        what: "answers of onOffice",
        play: targets::answers::onoffice,
    },
    Target {
        name: "officernd",
        what: "answers of OfficeRnD",
        play: targets::answers::officernd,
    },
];

thread_local! {
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// From now on a panic is remembered for the case during which it happened, and not printed.
pub fn remember_panics() {
    std::panic::set_hook(Box::new(|panic| {
        PANICS.with_borrow_mut(|panics| panics.push(panic.to_string()));
    }));
}

/// Plays the case of a seed.
///
/// # Errors
/// When something does not hold that must.
pub fn play(target: &Target, seed: u64) -> Result<()> {
    // the cases of two targets with the same seed have nothing in common
    let mut hasher = DefaultHasher::new();
    (target.name, seed).hash(&mut hasher);
    let mut dice = Dice::new(hasher.finish());
    PANICS.take();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.play)(&mut dice)));
    let panics = PANICS.take();
    if !panics.is_empty() {
        bail!("a panic: {}", panics.join("; "));
    }
    outcome.map_err(|_| anyhow!("a panic"))?
}
