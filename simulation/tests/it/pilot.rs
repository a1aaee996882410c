//! A pilot works with a few records, widens without linking anew, and writes nothing else meanwhile.

use std::{collections::BTreeSet, time::Duration};

use anyhow::Result;
use record::RecordId;
use sandbox::judge::Pair;
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE, World, people};
use sync::{Extent, Progress, RunReport};
use tokio::sync::watch;

use crate::support::{agrees, numbers, on_the_left, on_the_right, options, seed};

async fn run(world: &World, extent: Extent) -> Result<RunReport> {
    let (progress, _) = watch::channel(Progress::default());
    let report = world
        .engine()
        .sync_some(&people(), &extent, &progress)
        .await?;
    world.settle().await?;
    Ok(report)
}

/// Eight pairs that differ and four people on each side alone; nobody is linked.
async fn world() -> Result<(World, Vec<Pair>, Vec<String>)> {
    let world = World::new(options()).await?;
    let mut pairs = Vec::new();
    for letter in 'a'..='h' {
        let pair = seed(&world, &format!("Anna{letter}"))?;
        world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
        pairs.push(pair);
    }
    let mut alone = Vec::new();
    for letter in 'a'..='d' {
        alone.push(world.seed(HIGHLEVEL, &on_the_left(&format!("Berta{letter}")))?);
        world.seed(ONOFFICE, &on_the_right(&format!("Clara{letter}")))?;
    }
    world.wait(Duration::from_secs(3)).await;
    Ok((world, pairs, alone))
}

/// Links by their own id, with the record on the left.
async fn links(world: &World) -> Result<BTreeSet<(String, RecordId)>> {
    let links = world.engine().links(&people(), None, 0).await?;
    Ok(links.into_iter().map(|link| (link.id, link.left)).collect())
}

/// The records of both sides that were written or made.
fn touched(world: &World, mark: u64) -> BTreeSet<String> {
    let edits = world.api_edits(mark);
    edits.into_iter().map(|edit| edit.id.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chosen_records_and_nothing_else_until_it_is_widened() -> Result<()> {
    let (world, pairs, alone) = world().await?;
    let mark = world.edit_mark();
    let only = vec![
        RecordId::from(pairs[2].highlevel.as_str()),
        RecordId::from(alone[1].as_str()),
    ];
    run(&world, Extent::Only(only)).await?;
    assert_eq!(numbers(&world), (12, 13));
    let first = links(&world).await?;
    assert_eq!(first.len(), 2);
    assert_eq!(world.held(ONOFFICE, &pairs[2].onoffice)?.city, "Potsdam");
    let made = world.pairs().await?;
    let made = made.iter().find(|pair| pair.highlevel == alone[1]).unwrap();
    assert_eq!(
        touched(&world, mark),
        BTreeSet::from([pairs[2].onoffice.clone(), made.onoffice.clone()])
    );
    // Whatever happens to others, nothing is written; who is in it is kept the same both ways.
    let writes = world.writes();
    world.edit(HIGHLEVEL, &pairs[5].highlevel, &json!({"city": "Werder"}))?;
    world.edit(ONOFFICE, &pairs[6].onoffice, &json!({"Ort": "Bernau"}))?;
    world.make(ONOFFICE, &on_the_right("Doris"))?;
    world.poll().await?;
    world.sweep().await?;
    assert_eq!(world.writes(), writes);
    world.edit(ONOFFICE, &pairs[2].onoffice, &json!({"Ort": "Werder"}))?;
    world.poll().await?;
    assert_eq!(world.held(HIGHLEVEL, &pairs[2].highlevel)?.city, "Werder");
    // It is not ended by accident.
    let refused = run(&world, Extent::AsItIs).await.unwrap_err();
    assert!(refused.to_string().contains("pilot"), "{refused}");
    let status = world.engine().status().await?;
    assert_eq!(status.syncs[0].state, "pilot");

    let more = vec![RecordId::from(pairs[5].highlevel.as_str())];
    run(&world, Extent::Only(more)).await?;
    let second = links(&world).await?;
    assert_eq!(second.len(), 3);
    assert!(
        first.is_subset(&second),
        "linked anew: {first:?} {second:?}"
    );
    assert_eq!(world.held(ONOFFICE, &pairs[5].onoffice)?.city, "Werder");
    assert_eq!(world.held(ONOFFICE, &pairs[0].onoffice)?.city, "Berlin");

    run(&world, Extent::All).await?;
    let all = links(&world).await?;
    assert!(second.is_subset(&all), "linked anew: {second:?} {all:?}");
    assert_eq!(all.len(), 17);
    agrees(&world).await?;
    // Too late for another one.
    let refused = run(&world, Extent::Some(3)).await.unwrap_err();
    assert!(
        refused.to_string().contains("before the first run"),
        "{refused}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_at_random_are_among_those_of_a_wider_pilot_also_after_a_restart() -> Result<()> {
    let (mut world, ..) = world().await?;
    run(&world, Extent::Some(3)).await?;
    let first = links(&world).await?;
    assert_eq!(first.len(), 3);
    world.kill_and_restart()?;
    world.settle().await?;
    let writes = world.writes();
    world.sweep().await?;
    assert_eq!(world.writes(), writes);
    run(&world, Extent::Some(7)).await?;
    let second = links(&world).await?;
    assert_eq!(second.len(), 7);
    assert!(
        first.is_subset(&second),
        "linked anew: {first:?} {second:?}"
    );
    run(&world, Extent::All).await?;
    agrees(&world).await?;
    Ok(())
}
