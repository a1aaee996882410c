//! Seeded histories: people edit all sides at random while everything goes wrong that may. Then it gets quiet, and what does
//! not agree must be explained.
//!
//! A history lives on one thread in virtual time, so its seed fixes all of it: what people, faults and accidents do, and how
//! that falls between the steps of the engine. `cargo xtask simulate --seed S` replays one.

mod acts;
mod faults;
mod judge;
mod known;
mod seen;

use std::{
    cell::Cell,
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use mapping::{Limit, Limits};
use sandbox::{System, people::Plan};
use serde_json::json;

pub use faults::{REQUEST_FAULTS, WEBHOOK_FAULTS};
pub use known::{choices, empty, is_named, journal, on_the_left, on_the_right, questions};

use crate::{
    Failure, HIGHLEVEL, OFFICERND, ONOFFICE, Options, World, demo_rules, members, people,
    shipped_rules,
};
use acts::Actors;
use faults::Dice;
use judge::{explained, is_forestalled, kept, no_write_in_vain, story};
use seen::Seen;

/// How old a reading may be when a write that follows from it is sent.
const FRESH: Duration = Duration::from_secs(3);

/// How long a request and an answer are under way, around.
const ON_THE_WAY: Duration = Duration::from_millis(60);

/// Longer than any webhook or wait is late.
const ALL_IS_LATE: Duration = Duration::from_secs(5 * 3600);

/// When histories begin.
const BEGIN: &str = "2026-03-02T08:00:00Z";

/// Under which rules a history is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Config {
    /// HighLevel and onOffice, each field mapped alone.
    Two,
    /// The config of `tandem demo`: HighLevel between onOffice and OfficeRnD, companies too.
    Demo,
}

impl Config {
    fn systems(self) -> &'static [System] {
        match self {
            Self::Two => &[HIGHLEVEL, ONOFFICE],
            Self::Demo => &[HIGHLEVEL, ONOFFICE, OFFICERND],
        }
    }

    /// As `--config` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Two => "two",
            Self::Demo => "three",
        }
    }
}

/// What a history did.
#[derive(Debug, Default)]
pub struct Told {
    /// The faults that struck, by system and operation.
    pub coverage: BTreeMap<(System, String), BTreeMap<String, u64>>,
    /// What people and accidents did, by its name.
    pub acts: BTreeMap<&'static str, u64>,
    /// Everything that changed at the vendors, and all that they were asked, in one number: the same for the same seed.
    pub trace: u64,
    /// Requests to all vendors.
    pub requests: u64,
}

/// Plays a history of so many steps.
///
/// # Errors
/// When something does not hold that must; the error says what.
pub fn play(seed: u64, config: Config, steps: usize) -> Result<Told> {
    PANICS.set(0);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    let told = runtime.block_on(history(seed, config, steps));
    drop(runtime);
    if PANICS.get() > 0 {
        bail!("a task ended in a panic: {told:?}");
    }
    told
}

thread_local! {
    static PANICS: Cell<u64> = const { Cell::new(0) };
}

/// From now on panics of this process are counted, on the thread on which they happen, so that one in a task of the engine is
/// not lost.
pub fn count_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.set(PANICS.get() + 1);
        before(panic);
    }));
}

fn options_of(seed: u64, config: Config) -> Result<Options> {
    let (mut rules, mut of_members) = match config {
        Config::Two => (shipped_rules(), None),
        Config::Demo => {
            let (rules, of_members) = demo_rules();
            (rules, Some(of_members))
        }
    };
    let without = Limit {
        share: 1000.0,
        number: 100_000,
    };
    // So many edits of ten people are too many by any share that rules may have.
    for rules in std::iter::once(&mut rules).chain(&mut of_members) {
        for entity in rules.entities.values_mut() {
            entity.limits = Limits {
                deletes: without,
                overwrites: without,
                creates: without,
            };
        }
    }
    let three = of_members.is_some();
    let mut options = empty();
    options
        .switches
        .push(("officernd.rate_limit".to_owned(), json!(false)));
    let lag = [0, 0, 2_000, 20_000][usize::try_from(seed / 2 % 4)?];
    options
        .switches
        .retain(|(name, _)| name != "highlevel.search_lag_ms");
    options
        .switches
        .push(("highlevel.search_lag_ms".to_owned(), json!(lag)));
    Ok(Options {
        rules,
        members: of_members,
        people: Plan {
            seed,
            both: 6,
            highlevel_only: 2,
            onoffice_only: 2,
            officernd_percent: if three { 50 } else { 0 },
            officernd_only: if three { 2 } else { 0 },
            duplicate_percent: 0,
            dirty: seed.is_multiple_of(2),
        },
        pace: sync::Options {
            lease: Duration::from_secs(20),
            fresh_for: FRESH,
            ..options.pace.clone()
        },
        speed: 1,
        start: Some(BEGIN.parse()?),
        virtual_time: true,
        slow: Some((seed, ON_THE_WAY)),
        seed,
        ..options
    })
}

async fn history(seed: u64, config: Config, steps: usize) -> Result<Told> {
    let systems = config.systems();
    let mut dice = Dice(seed);
    let mut world = World::new(options_of(seed, config)?).await?;
    for sync in [people(), members()].into_iter().take(systems.len() - 1) {
        world.sync_of(&sync).await?;
        world.settle().await?;
    }
    let mark = world.edit_mark();
    faults::begin(&world, &mut dice, systems)?;
    // Their clocks need not agree with ours.
    let skew_ms = *dice.of(&[0, 0, -2_000, 2_000]);
    world.control.core().clock.run_with_offset(skew_ms);
    let mut actors = Actors::new(systems);
    let mut seen = Seen::default();
    for number in 0..steps {
        seen.look(&world, systems);
        actors
            .act(&mut world, &mut dice)
            .await
            .with_context(|| format!("step {number}"))?;
    }
    actors.put_back(&mut world).await?;
    world.control.core().faults.clear();
    world.store.fail_commits(0, Failure::Before);
    world.store.fail_commits(0, Failure::After);
    // Whatever a vendor's trouble has put off is due after this, and whatever is late has come.
    world.skip(ALL_IS_LATE);
    world.wait(Duration::from_secs(30)).await;
    seen.look(&world, systems);
    quiet(&world, &mut seen, systems, mark, skew_ms.abs()).await?;
    Ok(tell(&world, &mut actors))
}

/// Everything that must hold once it is quiet.
async fn quiet(
    world: &World,
    seen: &mut Seen,
    systems: &[System],
    mark: u64,
    skew_ms: i64,
) -> Result<()> {
    world.settle().await?;
    world.poll().await?;
    world.sweep().await?;
    world.sweep().await?;
    let asked = world.questions().await?;
    let questions: Vec<_> = asked
        .iter()
        .map(|(_, _, question)| question.clone())
        .collect();
    let findings = world.control.judge_syncs(&questions, Some(&world.truth));
    for ((sync, entity, _), agreement) in asked.iter().zip(&findings.syncs) {
        explained(world, sync, *entity, agreement)
            .await
            .with_context(|| format!("sync {sync}, {entity:?}"))?;
    }
    no_write_in_vain(world).await?;
    seen.look(world, systems);
    for duplicate in &findings.duplicates {
        // One that shares no address and no number with its double cannot be found by anybody, nor can
        // one that a person is making in the same moment, nor one that people made a double later.
        if duplicate.findable
            && !is_forestalled(world, duplicate)
            && !seen.were_two(world, duplicate)
        {
            bail!(
                "{duplicate:#?}\n{}\n{}",
                story(world, &duplicate.id).await?,
                story(world, &duplicate.of).await?
            );
        }
    }
    kept(world, mark, skew_ms).await?;
    // And nothing more happens.
    let writes = world.writes();
    let before = world.edit_mark();
    world.sweep().await?;
    if world.writes() != writes {
        let edits = world.api_edits(before);
        let stories = match edits.first() {
            Some(edit) => story(world, &edit.id).await?,
            None => String::new(),
        };
        bail!("it does not come to rest: {edits:#?}\n{stories}");
    }
    ensure!(world.life().passed().is_empty(), "steps are still counted");
    Ok(())
}

fn tell(world: &World, actors: &mut Actors) -> Told {
    let core = world.control.core();
    let mut trace = DefaultHasher::new();
    for edit in core.edits.since(0) {
        (edit.at_ms, edit.system, format!("{:?}", edit.operation)).hash(&mut trace);
        (&edit.id, &edit.fields).hash(&mut trace);
    }
    let coverage = core.faults.coverage();
    coverage.hash(&mut trace);
    let mut requests = 0;
    for system in System::ALL {
        let totals = core.counts.totals(system);
        requests += totals.reads + totals.writes + totals.sign_ins;
        (totals.reads, totals.writes, totals.sign_ins).hash(&mut trace);
    }
    Told {
        coverage,
        acts: actors.told(),
        trace: trace.finish(),
        requests,
    }
}

/// Plays a history, and says how to replay it where it fails.
///
/// # Errors
/// As [`play`].
pub fn play_or_tell(seed: u64, config: Config, steps: usize) -> Result<Told> {
    play(seed, config, steps).map_err(|error| {
        anyhow!(
            "{error:#}\nreplay it with: cargo xtask simulate --config {} --steps {steps} --seed {seed}",
            config.name()
        )
    })
}
