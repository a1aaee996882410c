//! What goes wrong in a history, and the dice.

use anyhow::Result;
use sandbox::System;
use serde_json::{Value as Json, json};

use crate::{HIGHLEVEL, World};

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

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).expect("it is smaller than a usize")
    }

    pub(super) fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// What may befall a request, as [`sandbox::Fault::label`] calls it.
pub const REQUEST_FAULTS: &[&str] = &[
    "status 400",
    "status 429",
    "status 500",
    "status 503",
    "drop before",
    "drop after",
    "no JSON",
    "delay",
    "delay answer",
];

/// What may befall a webhook.
pub const WEBHOOK_FAULTS: &[&str] = &["lost", "doubled", "delayed", "reordered"];

/// Longer than we wait for an answer, in milliseconds.
const TOO_LONG_MS: u64 = 70_000;

/// The requests that are few, so that each of them meets each fault now and then: method and route, or the action.
const FEW: &[(System, &str, &str)] = &[
    (System::HighLevel, "POST", "/oauth/token"),
    (System::HighLevel, "DELETE", "*"),
    (System::HighLevel, "PUT", "/businesses/*"),
    (System::HighLevel, "POST", "/businesses/"),
    (System::HighLevel, "POST", "/contacts/"),
    (System::HighLevel, "GET", "/locations/*"),
    (System::HighLevel, "GET", "/businesses/*"),
    (System::OnOffice, "create *", ""),
    (System::OnOffice, "modify *", ""),
    (System::OnOffice, "get *", ""),
    (System::OnOffice, "* relation", ""),
    (System::OfficeRnd, "POST", "*"),
    (System::OfficeRnd, "PUT", "*"),
    (System::OfficeRnd, "GET", "*/companies/*"),
];

fn of_label(label: &str, dice: &mut Dice) -> Json {
    let short = 100 + dice.next() % 900;
    let long = *dice.of(&[short, short, short, TOO_LONG_MS]);
    match label {
        "status 400" => json!({"kind": "status", "status": 400}),
        "status 429" => json!({"kind": "status", "status": 429, "headers": {"retry-after": "1"}}),
        "status 500" => json!({"kind": "status", "status": 500}),
        "status 503" => json!({"kind": "status", "status": 503}),
        "drop before" => json!({"kind": "drop_before"}),
        "drop after" => json!({"kind": "drop_after"}),
        "no JSON" => json!({"kind": "non_json"}),
        // a request that is held back until nobody waits any more never has an effect
        "delay" => json!({"kind": "delay", "ms": short}),
        _ => json!({"kind": "delay_answer", "ms": long}),
    }
}

/// The faults of a history: some everywhere at a low rate, some at a few places at a high one.
pub(super) fn begin(world: &World, dice: &mut Dice, systems: &[System]) -> Result<()> {
    // What is only asked when an account is connected has been asked, and nothing could go wrong then.
    world.control.core().faults.forget_coverage();
    for (kind, rate) in [
        (json!({"kind": "lost"}), 0.15),
        (json!({"kind": "doubled"}), 0.1),
        (json!({"kind": "delayed", "ms": 4000}), 0.08),
        (json!({"kind": "delayed", "ms": 3 * 3_600_000}), 0.02),
        (json!({"kind": "reordered"}), 0.1),
    ] {
        world.fault(json!({"system": HIGHLEVEL, "rate": rate, "fault": kind}))?;
    }
    for system in systems {
        for label in REQUEST_FAULTS {
            if dice.below(2) == 0 {
                let rate = if *label == "status 400" { 0.01 } else { 0.03 };
                let fault = of_label(label, dice);
                world.fault(json!({"system": system, "rate": rate, "fault": fault}))?;
            }
        }
    }
    for _ in 0..4 {
        let (system, method, path) = *dice.of(FEW);
        let label = *dice.of(REQUEST_FAULTS);
        let fault = of_label(label, dice);
        let rule = if path.is_empty() {
            json!({"system": system, "action": method, "rate": 0.3, "count": 4, "fault": fault})
        } else {
            json!({"system": system, "method": method, "path": path, "rate": 0.3, "count": 4, "fault": fault})
        };
        world.fault(rule)?;
    }
    Ok(())
}
