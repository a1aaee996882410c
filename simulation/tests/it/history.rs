//! Seeded histories: people edit both sides at random while everything goes wrong that may. Then it
//! gets quiet, and what does not agree must be explained.
//!
//! `SEED=7 cargo nextest run -p simulation history` replays one; `SEEDS=100` runs that many. A seed
//! fixes what people, faults and accidents do, and in which order; how that falls between the steps of
//! the engine is up to the machine, so a rare failure may need several replays.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use futures::StreamExt as _;
use mapping::{Limit, Limits};
use record::{Entity, RecordId, Side};
use sandbox::{
    System,
    judge::{Duplicate, Judgement, Pair},
    people::Plan,
};
use serde_json::{Value as Json, json};
use simulation::{Failure, HIGHLEVEL, ONOFFICE, Options, World, people, shipped_rules};
use store::{ReviewFilter, ReviewState, Store as _, Workspace};

use crate::support::{blocked, contact, is_named, journal, on_the_left, on_the_right, options};

/// How many histories run unless `SEEDS` says otherwise.
const HISTORIES: u64 = 6;

/// How many run beside each other: they mostly wait.
const AT_ONCE: usize = 6;

/// How long one history is.
const ACTS: usize = 60;

/// How old a reading may be when a write that follows from it is sent.
const FRESH: Duration = Duration::from_secs(3);

/// How long after that reading the write may take effect: requests are late.
const WINDOW_MS: i64 = 5_000;

/// The same numbers for the same seed, on every machine (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
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
        (_, System::OfficeRnd) => ("name", json!(dice.of(&NAMES))),
    };
    json!({field: value})
}

fn faults(world: &World, dice: &mut Dice) -> Result<()> {
    for (kind, rate) in [
        (json!({"kind": "lost"}), 0.15),
        (json!({"kind": "doubled"}), 0.1),
        (json!({"kind": "delayed", "ms": 4000}), 0.1),
        (json!({"kind": "reordered"}), 0.1),
    ] {
        world.fault(json!({"system": "highlevel", "rate": rate, "fault": kind}))?;
    }
    for system in ["highlevel", "onoffice"] {
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
async fn act(world: &mut World, dice: &mut Dice, made: &mut usize) -> Result<()> {
    let system = *dice.of(&[HIGHLEVEL, ONOFFICE]);
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
        _ => {
            let pause = Duration::from_millis(100 + dice.next() % 2500);
            world.wait(pause).await;
        }
    }
    Ok(())
}

fn options_of(seed: u64) -> Options {
    let mut rules = shipped_rules();
    let without = Limit {
        share: 1000.0,
        number: 100_000,
    };
    // Sixty edits of ten people are too many by any share that rules may have.
    contact(&mut rules).limits = Limits {
        deletes: without,
        overwrites: without,
        creates: without,
    };
    Options {
        rules,
        people: Plan {
            seed,
            both: 6,
            highlevel_only: 2,
            onoffice_only: 2,
            officernd_percent: 0,
            officernd_only: 0,
            duplicate_percent: 0,
            dirty: seed.is_multiple_of(2),
        },
        pace: sync::Options {
            lease: Duration::from_secs(20),
            fresh_for: FRESH,
            ..options().pace
        },
        ..options()
    }
}

async fn history(seed: u64) -> Result<()> {
    let mut dice = Dice(seed);
    let mut world = World::new(options_of(seed)).await?;
    world.sync().await?;
    world.settle().await?;
    let mark = world.edit_mark();
    faults(&world, &mut dice)?;
    let mut made = 0;
    for number in 0..ACTS {
        act(&mut world, &mut dice, &mut made)
            .await
            .with_context(|| format!("act {number}"))?;
    }
    world.control.core().faults.clear();
    world.store.fail_commits(0, Failure::Before);
    world.store.fail_commits(0, Failure::After);
    // Whatever a vendor's trouble has put off is due after this.
    world.wait(Duration::from_secs(30)).await;
    world.settle().await?;
    world.poll().await?;
    world.sweep().await?;
    world.sweep().await?;
    let judgement = world.judge().await?;
    explained(&world, &judgement).await?;
    no_write_in_vain(&world).await?;
    for duplicate in &judgement.duplicates {
        // One that shares no address and no number with its double cannot be found by anybody, nor can
        // one that a person is making in the same moment.
        if duplicate.findable && !is_forestalled(&world, duplicate) {
            bail!(
                "{duplicate:#?}\n{}\n{}",
                story(&world, &duplicate.id).await?,
                story(&world, &duplicate.of).await?
            );
        }
    }
    kept(&world, mark).await?;
    // And nothing more happens.
    let writes = world.writes();
    world.sweep().await?;
    ensure!(world.writes() == writes, "it does not come to rest");
    Ok(())
}

/// Whether a person made the double no earlier than just before it was made by us.
fn is_forestalled(world: &World, duplicate: &Duplicate) -> bool {
    let edits = world.control.core().edits.since(0);
    let made = |id: &str| {
        edits
            .iter()
            .find(|edit| {
                edit.system == duplicate.system
                    && *edit.id == *id
                    && edit.operation == sandbox::Operation::Create
            })
            .map(|edit| (edit.actor, edit.at_ms))
    };
    match (made(&duplicate.of), made(&duplicate.id)) {
        (Some((sandbox::Actor::User, theirs)), Some((_, ours))) => theirs + WINDOW_MS > ours,
        _ => false,
    }
}

/// Each disagreement is a blocked field or a question, each record without a counterpart a question
/// or one that was left alone.
async fn explained(world: &World, judgement: &Judgement) -> Result<()> {
    let workspace = Workspace::from("default");
    let asked: BTreeSet<RecordId> = world
        .engine()
        .reviews(&ReviewFilter::default())
        .await?
        .into_iter()
        .filter(|review| matches!(review.state, ReviewState::Open | ReviewState::Postponed))
        .flat_map(|review| [review.left, review.right])
        .flatten()
        .collect();
    let is_asked = |id: &str| asked.contains(&RecordId::from(id));
    let links: HashMap<String, store::LinkId> = world
        .store
        .links_after(&workspace, &people(), None, 0)
        .await?
        .into_iter()
        .map(|link| (link.left.to_string(), link.id))
        .collect();
    let blocked: BTreeSet<store::LinkId> = blocked(world)
        .await?
        .into_iter()
        .map(|row| row.link)
        .collect();
    for disagreement in &judgement.disagreements {
        let Pair { highlevel, .. } = &disagreement.pair;
        let is_blocked = links
            .get(highlevel)
            .is_some_and(|link| blocked.contains(link));
        if !is_blocked && !is_asked(highlevel) {
            bail!(
                "{disagreement:#?}\n{}",
                told(world, &disagreement.pair).await?
            );
        }
    }
    for broken in &judgement.broken_pairs {
        if !is_asked(&broken.pair.highlevel) {
            bail!("{broken:#?}\n{}", told(world, &broken.pair).await?);
        }
    }
    for (side, alone) in [
        (Side::Left, &judgement.without_counterpart.highlevel),
        (Side::Right, &judgement.without_counterpart.onoffice),
    ] {
        let ids: Vec<RecordId> = alone.iter().map(|id| RecordId::from(id.as_str())).collect();
        let ended: BTreeSet<RecordId> = world
            .store
            .tombstones_of(&workspace, &people(), Entity::Contact, side, &ids)
            .await?
            .into_iter()
            .map(|tombstone| tombstone.record)
            .collect();
        for id in ids {
            if !asked.contains(&id) && !ended.contains(&id) {
                bail!(
                    "{id} on the {side} is alone\n{}",
                    story(world, id.as_str()).await?
                );
            }
        }
    }
    Ok(())
}

async fn told(world: &World, pair: &Pair) -> Result<String> {
    Ok(format!(
        "{}\n{}",
        story(world, &pair.highlevel).await?,
        story(world, &pair.onoffice).await?
    ))
}

/// What is known of a record, for whoever has to find out.
async fn story(world: &World, id: &str) -> Result<String> {
    let mut story = format!("{:#?}\n", world.engine().status().await?);
    for link in world
        .store
        .links_after(&Workspace::from("default"), &people(), None, 0)
        .await?
    {
        if link.left.as_str() == id || link.right.as_str() == id {
            story += &format!(
                "{} and {}: {} {:?}, seen {} and {}, stamps {:?} and {:?}, wrote {:?} and {:?}\n",
                link.left,
                link.right,
                link.how,
                link.state,
                link.seen_left,
                link.seen_right,
                link.stamp_left,
                link.stamp_right,
                link.wrote_left,
                link.wrote_right
            );
        }
    }
    for edit in world.control.core().edits.since(0) {
        if *edit.id == *id {
            story += &format!(
                "{} {:?} {:?} {:?} {:?}\n",
                edit.at(),
                edit.system,
                edit.actor,
                edit.operation,
                edit.fields
            );
        }
    }
    for row in journal(world, id).await? {
        let row = row.entry;
        story += &format!(
            "{} {} {:?} {:?}: {:?} -> {:?} ({}; {:?})\n",
            row.at,
            row.connection,
            row.effect,
            row.field,
            row.before,
            row.after,
            row.rule,
            row.note
        );
    }
    for review in world.engine().reviews(&ReviewFilter::default()).await? {
        let about = [&review.left, &review.right]
            .into_iter()
            .flatten()
            .any(|record| record.as_str() == id);
        if about {
            story += &format!("{:?} {}\n", review.state, review.summary);
        }
    }
    Ok(story)
}

/// No write changed nothing, but one that a person forestalled between our reading and our write.
async fn no_write_in_vain(world: &World) -> Result<()> {
    let edits = world.control.core().edits.since(0);
    for edit in world.api_edits(0) {
        let forestalled = edits.iter().any(|other| {
            other.actor == sandbox::Actor::User
                && other.id == edit.id
                && (edit.at_ms - WINDOW_MS..=edit.at_ms).contains(&other.at_ms)
        });
        if edit.operation == sandbox::Operation::Update && edit.fields.is_empty() && !forestalled {
            bail!(
                "{edit:?} changed nothing\n{}",
                story(world, &edit.id).await?
            );
        }
    }
    Ok(())
}

/// Whether a conflict of this record waits for a person.
async fn asks_about_a_field(world: &World, id: &str) -> Result<bool> {
    let filter = ReviewFilter {
        kind: Some(store::ReviewKind::Conflict),
        state: Some(ReviewState::Open),
        records: Some(vec![RecordId::from(id)]),
        ..ReviewFilter::default()
    };
    Ok(!world.engine().reviews(&filter).await?.is_empty())
}

/// Each field that the API changed has a row in the journal from then or later.
async fn kept(world: &World, mark: u64) -> Result<()> {
    for edit in world.api_edits(mark) {
        if edit.operation != sandbox::Operation::Update {
            continue;
        }
        let rows = journal(world, &edit.id).await?;
        for field in &edit.fields {
            let is_kept = rows.iter().any(|row| {
                row.entry.at.as_millisecond() >= edit.at_ms - WINDOW_MS
                    && row
                        .entry
                        .field
                        .as_ref()
                        .is_some_and(|name| is_named(field, name.as_str()))
            });
            // While a question about a field is open, its value from before is in the base.
            if !is_kept && !asks_about_a_field(world, &edit.id).await? {
                bail!(
                    "{field} of {edit:?} is in no row\n{}",
                    story(world, &edit.id).await?
                );
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_both_sides_agree_or_a_row_says_why_not() -> Result<()> {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..number("SEEDS").unwrap_or(HISTORIES) + 1,
    };
    let histories = futures::stream::iter(seeds).map(|seed| async move {
        let told = tokio::spawn(history(seed)).await?;
        told.with_context(|| {
            format!("replay it with: SEED={seed} cargo nextest run -p simulation history")
        })
    });
    let mut histories = std::pin::pin!(histories.buffer_unordered(AT_ONCE));
    while let Some(told) = histories.next().await {
        told?;
    }
    Ok(())
}
