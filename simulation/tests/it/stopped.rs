//! More changes than the limit stop a sync, and a person's word lets it go on.

use std::time::Duration;

use anyhow::Result;
use mapping::{DeleteRule, Limit};
use sandbox::{Operation, judge::Pair};
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, ONOFFICE, Options, World, people};
use store::ReviewKind;

use crate::support::{
    agrees, answer, contact, link, numbers, on_the_left, options, question, questions, seed,
};

const NAMES: [&str; 8] = [
    "Anna", "Berta", "Clara", "Dora", "Emma", "Frieda", "Greta", "Hanna",
];

const THREE: Limit = Limit {
    share: 1.0,
    number: 3,
};

async fn eight_pairs(options: Options) -> Result<(World, Vec<Pair>)> {
    let world = World::new(options).await?;
    let pairs: Vec<Pair> = NAMES
        .into_iter()
        .map(|name| seed(&world, name))
        .collect::<Result<_>>()?;
    link(&world, &pairs.iter().collect::<Vec<_>>()).await?;
    Ok((world, pairs))
}

async fn until_stopped(world: &World) -> Result<()> {
    for _ in 0..200 {
        let status = world.engine().status().await?;
        if status.syncs[0].state == "paused" {
            return Ok(());
        }
        world.wait(Duration::from_millis(500)).await;
    }
    anyhow::bail!("it is not stopped: {:#?}", world.engine().status().await?)
}

/// Says "go on" as often as it is asked, and works everything off.
async fn let_go_on(world: &World, most: usize) -> Result<()> {
    for _ in 0..=most {
        world.wait(Duration::from_secs(10)).await;
        world.settle().await?;
        let open = questions(world).await?;
        let Some(review) = open.first() else {
            return Ok(());
        };
        assert_eq!(review.kind, ReviewKind::MassChange, "{review:#?}");
        world.engine().resolve(review.id, "continue").await?;
    }
    anyhow::bail!("it asks again and again")
}

async fn edit_all(world: &World, pairs: &[Pair], fields: &Json) -> Result<()> {
    for pair in pairs {
        world.edit(HIGHLEVEL, &pair.highlevel, fields)?;
    }
    until_stopped(world).await
}

fn moved(world: &World, city: &str) -> usize {
    let living = world.living(ONOFFICE);
    living.iter().filter(|held| held.city == city).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_overwrites_than_the_limit_stop_and_a_person_lets_them_go_on() -> Result<()> {
    let mut options = options();
    contact(&mut options.rules).limits.overwrites = THREE;
    let (world, pairs) = eight_pairs(options).await?;
    edit_all(&world, &pairs, &json!({"city": "Potsdam"})).await?;
    assert!(moved(&world, "Potsdam") <= 3);
    let review = question(&world, ReviewKind::MassChange).await?;
    assert!(review.summary.contains("overwrites"), "{review:#?}");
    // Stopped it stays, whatever is looked at.
    world.sweep().await?;
    world.poll().await?;
    assert!(moved(&world, "Potsdam") <= 3);
    let_go_on(&world, 8).await?;
    assert_eq!(moved(&world, "Potsdam"), 8);
    assert_eq!(world.engine().status().await?.syncs[0].state, "running");
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filling_what_is_empty_overwrites_nothing() -> Result<()> {
    let mut options = options();
    contact(&mut options.rules).limits.overwrites = THREE;
    let world = World::new(options).await?;
    let mut pairs = Vec::new();
    for name in NAMES {
        let (mut left, mut right) = (on_the_left(name), crate::support::on_the_right(name));
        left["city"] = json!("");
        right["Ort"] = json!("");
        pairs.push(world.seed_pair(&left, &right)?);
    }
    link(&world, &pairs.iter().collect::<Vec<_>>()).await?;
    for pair in &pairs {
        world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    }
    world.settle().await?;
    assert_eq!(moved(&world, "Potsdam"), 8);
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_sync_that_is_left_so_goes_on_when_it_is_resumed() -> Result<()> {
    let mut options = options();
    contact(&mut options.rules).limits.overwrites = THREE;
    let (world, pairs) = eight_pairs(options).await?;
    edit_all(&world, &pairs, &json!({"city": "Potsdam"})).await?;
    let review = question(&world, ReviewKind::MassChange).await?;
    world.engine().resolve(review.id, "leave").await?;
    world.wait(Duration::from_secs(10)).await;
    assert_eq!(world.engine().status().await?.syncs[0].state, "paused");
    assert!(moved(&world, "Potsdam") <= 3);
    world.engine().resume(&people()).await?;
    // What was put off by the stop is worked off at once, not when its turn would come again.
    world.settle().await?;
    assert_eq!(moved(&world, "Potsdam"), 8);
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_creates_than_the_limit_stop_unless_the_first_listing_found_them() -> Result<()> {
    let mut options = options();
    contact(&mut options.rules).limits.creates = THREE;
    let world = World::new(options).await?;
    // The first run makes what its plan showed.
    for name in &NAMES[..4] {
        world.seed(HIGHLEVEL, &on_the_left(name))?;
    }
    world.sync().await?;
    world.settle().await?;
    assert_eq!(numbers(&world), (4, 4));
    let mark = world.edit_mark();
    for name in &NAMES[4..] {
        world.make(HIGHLEVEL, &on_the_left(name))?;
    }
    until_stopped(&world).await?;
    assert!(world.api_edits_of(mark, ONOFFICE, Operation::Create) <= 3);
    let review = question(&world, ReviewKind::MassChange).await?;
    assert!(review.summary.contains("creates"), "{review:#?}");
    answer(&world, &review, "continue").await?;
    let_go_on(&world, 4).await?;
    assert_eq!(numbers(&world), (8, 8));
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_run_is_held_to_the_limit_however_it_was_started() -> Result<()> {
    let mut options = options();
    contact(&mut options.rules).limits.creates = THREE;
    options.webhooks = false;
    let world = World::new(options).await?;
    world.seed(HIGHLEVEL, &on_the_left(NAMES[0]))?;
    world.sync().await?;
    world.settle().await?;
    let mark = world.edit_mark();
    for name in &NAMES[1..] {
        world.make(HIGHLEVEL, &on_the_left(name))?;
    }
    let report = world.sync().await?;
    assert_eq!(report.state, store::RunState::Stopped, "{report:#?}");
    assert!(world.api_edits_of(mark, ONOFFICE, Operation::Create) <= 3);
    let review = question(&world, ReviewKind::MassChange).await?;
    assert!(review.summary.contains("creates"), "{review:#?}");
    answer(&world, &review, "continue").await?;
    let_go_on(&world, 7).await?;
    assert_eq!(numbers(&world), (8, 8));
    agrees(&world).await?;
    Ok(())
}

/// Somebody who restarts the server again and again must not get more through than the limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_counts_towards_a_limit_is_remembered_over_restarts() -> Result<()> {
    let mut options = options();
    contact(&mut options.rules).limits.creates = THREE;
    let mut world = World::new(options).await?;
    world.sync().await?;
    world.settle().await?;
    let mark = world.edit_mark();
    for name in &NAMES[..3] {
        world.make(HIGHLEVEL, &on_the_left(name))?;
    }
    world.settle().await?;
    assert_eq!(numbers(&world), (3, 3));
    world.kill_and_restart()?;
    world.make(HIGHLEVEL, &on_the_left(NAMES[3]))?;
    until_stopped(&world).await?;
    assert_eq!(world.api_edits_of(mark, ONOFFICE, Operation::Create), 3);
    // Neither does a restart let go on what was stopped.
    world.kill_and_restart()?;
    world.wait(Duration::from_secs(20)).await;
    assert_eq!(world.engine().status().await?.syncs[0].state, "paused");
    assert_eq!(world.api_edits_of(mark, ONOFFICE, Operation::Create), 3);
    let review = question(&world, ReviewKind::MassChange).await?;
    answer(&world, &review, "continue").await?;
    let_go_on(&world, 1).await?;
    assert_eq!(numbers(&world), (4, 4));
    Ok(())
}

/// A listing knows all that is missing in it before anything follows from it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deletes_that_a_listing_shows_are_counted_before_the_first_is_followed() -> Result<()> {
    let mut options = options();
    let rules = contact(&mut options.rules);
    rules.deletes.right = DeleteRule::Propagate;
    rules.limits.deletes = THREE;
    let (world, pairs) = eight_pairs(options).await?;
    world.wait(Duration::from_secs(3)).await;
    // onOffice tells nobody of a delete: the sweep finds them, and they are more than three.
    for pair in &pairs[..4] {
        world.delete(ONOFFICE, &pair.onoffice)?;
    }
    let mark = world.edit_mark();
    world.engine().sweep_now().await?;
    let status = world.engine().status().await?;
    assert_eq!(status.syncs[0].state, "paused", "{status:#?}");
    world.wait(Duration::from_secs(10)).await;
    assert!(world.api_edits(mark).is_empty());
    assert_eq!(world.living(HIGHLEVEL).len(), pairs.len());
    let review = question(&world, ReviewKind::MassChange).await?;
    assert!(review.summary.contains("deletes"), "{review:#?}");
    // A person lets them go on: then all of them are, and none is counted.
    world.engine().resolve(review.id, "continue").await?;
    world.wait(Duration::from_secs(70)).await;
    world.settle().await?;
    assert_eq!(world.living(HIGHLEVEL).len(), pairs.len() - 4);
    assert_eq!(world.engine().status().await?.syncs[0].state, "running");
    Ok(())
}
