//! Seeded histories: people edit both sides at random while everything goes wrong that may. Then it
//! gets quiet, and what does not agree must be explained.
//!
//! `SEED=7 cargo nextest run -p simulation history` replays one; `SEEDS=100` runs that many. A seed
//! fixes what people, faults and accidents do, and in which order; how that falls between the steps of
//! the engine is up to the machine, so a rare failure may need several replays.

mod acts;

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
    judge::{Agreement, Duplicate},
    people::Plan,
};
use serde_json::json;
use simulation::{
    Failure, HIGHLEVEL, OFFICERND, ONOFFICE, Options, World, demo_rules, members, people,
    shipped_rules,
};
use store::{ReviewFilter, ReviewState, Store as _, SyncName, Workspace};

use crate::support::{is_named, journal, options};

use acts::{Dice, act, faults};

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

/// Under which rules a history is played.
#[derive(Clone, Copy)]
enum Config {
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

    fn test(self) -> &'static str {
        match self {
            Self::Two => "whatever_happens_both",
            Self::Demo => "whatever_happens_under",
        }
    }
}

fn options_of(seed: u64, config: Config) -> Options {
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
    // Sixty edits of ten people are too many by any share that rules may have.
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
    let mut options = options();
    options
        .switches
        .push(("officernd.rate_limit".to_owned(), json!(false)));
    Options {
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
        ..options
    }
}

async fn history(seed: u64, config: Config) -> Result<()> {
    let systems = config.systems();
    let mut dice = Dice(seed);
    let mut world = World::new(options_of(seed, config)).await?;
    for sync in [people(), members()].into_iter().take(systems.len() - 1) {
        world.sync_of(&sync).await?;
        world.settle().await?;
    }
    let mark = world.edit_mark();
    faults(&world, &mut dice, systems)?;
    let mut made = 0;
    for number in 0..ACTS {
        act(&mut world, &mut dice, &mut made, systems)
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
    let asked = world.questions().await?;
    let questions: Vec<_> = asked
        .iter()
        .map(|(_, _, question)| question.clone())
        .collect();
    let findings = world.control.judge_syncs(&questions, Some(&world.truth));
    for ((sync, entity, _), agreement) in asked.iter().zip(&findings.syncs) {
        explained(&world, sync, *entity, agreement)
            .await
            .with_context(|| format!("sync {sync}, {entity:?}"))?;
    }
    no_write_in_vain(&world).await?;
    for duplicate in &findings.duplicates {
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
async fn explained(
    world: &World,
    sync: &SyncName,
    entity: Entity,
    agreement: &Agreement,
) -> Result<()> {
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
        .links_after(&workspace, sync, None, 0)
        .await?
        .into_iter()
        .map(|link| (link.left.to_string(), link.id))
        .collect();
    let blocked: BTreeSet<store::LinkId> = world
        .store
        .blocked(&workspace, sync, None)
        .await?
        .into_iter()
        .map(|row| row.link)
        .collect();
    let told = async |left: &str, right: &str| -> Result<String> {
        Ok(format!(
            "{}\n{}",
            story(world, left).await?,
            story(world, right).await?
        ))
    };
    for difference in &agreement.disagreements {
        let (left, right) = (&difference.left, &difference.right);
        let is_blocked = links.get(left).is_some_and(|link| blocked.contains(link));
        if !is_blocked && !is_asked(left) && !is_asked(right) {
            bail!("{difference:#?}\n{}", told(left, right).await?);
        }
    }
    // What a side takes only when a record is made, and people changed on the other side since.
    for loss in &agreement.losses {
        let is_closed = loss.loss == Some(sandbox::judge::Loss::CreateOnly);
        let is_blocked = links
            .get(&loss.left)
            .is_some_and(|link| blocked.contains(link));
        if is_closed && !is_blocked && !is_asked(&loss.left) && !is_asked(&loss.right) {
            bail!(
                "nothing says that it does not cross: {loss:#?}\n{}",
                told(&loss.left, &loss.right).await?
            );
        }
    }
    for broken in &agreement.broken {
        let (left, right) = (&broken.left, &broken.right);
        if !is_asked(left) && !is_asked(right) {
            bail!("{broken:#?}\n{}", told(left, right).await?);
        }
    }
    for (side, alone) in [
        (Side::Left, &agreement.without_counterpart.left),
        (Side::Right, &agreement.without_counterpart.right),
    ] {
        let ids: Vec<RecordId> = alone.iter().map(|id| RecordId::from(id.as_str())).collect();
        let ended: BTreeSet<RecordId> = world
            .store
            .tombstones_of(&workspace, sync, entity, side, &ids)
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

/// What is known of a record, for whoever has to find out.
async fn story(world: &World, id: &str) -> Result<String> {
    let mut story = format!("{:#?}\n", world.engine().status().await?);
    let mut links = Vec::new();
    for sync in [people(), members()] {
        let workspace = Workspace::from("default");
        links.extend(world.store.links_after(&workspace, &sync, None, 0).await?);
    }
    for link in links {
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
        let touched = |name: &str| edit.fields.iter().any(|field| **field == *name);
        for field in &edit.fields {
            // HighLevel writes the name of a business into the contacts that are put into it
            if **field == *"companyName" && touched("businessId") {
                continue;
            }
            let is_kept = rows.iter().any(|row| {
                row.entry.at.as_millisecond() >= edit.at_ms - WINDOW_MS
                    && (row.entry.effect == store::Effect::Created
                        || row.entry.effect == store::Effect::Removed && **field == *"Status2Adr"
                        || row.entry.field.as_ref().is_some_and(|name| {
                            is_named(field, name.as_str())
                                || name.as_str().starts_with(&format!("{field}."))
                        }))
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

/// Plays as many histories as the environment says.
async fn play(config: Config) -> Result<()> {
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
        let told = tokio::spawn(history(seed, config)).await?;
        told.with_context(|| {
            let test = config.test();
            format!("replay it with: SEED={seed} cargo nextest run -p simulation {test}")
        })
    });
    let mut histories = std::pin::pin!(histories.buffer_unordered(AT_ONCE));
    while let Some(told) = histories.next().await {
        told?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_both_sides_agree_or_a_row_says_why_not() -> Result<()> {
    play(Config::Two).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_under_the_config_of_the_demo_all_three_agree_or_a_row_says_why_not()
-> Result<()> {
    play(Config::Demo).await
}
