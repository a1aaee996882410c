//! Where onOffice tells of an error: at the top of its answer, or at one action of a batch only. What it is told
//! about stops there, and nowhere else.

use anyhow::{Context, Result};
use sandbox::judge::Pair;
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE, World};

use crate::support::{agrees, blocked, link, options, seed};

const NAMES: [&str; 3] = ["Anna", "Berta", "Clara"];

async fn three_pairs(placement: &str) -> Result<(World, Vec<Pair>)> {
    let mut options = options();
    let switch = ("onoffice.error_placement".to_owned(), json!(placement));
    options.switches.push(switch);
    let world = World::new(options).await?;
    let pairs = NAMES
        .into_iter()
        .map(|name| seed(&world, name))
        .collect::<Result<Vec<_>>>()?;
    link(&world, &pairs.iter().collect::<Vec<_>>()).await?;
    // All edits are found at once, so that they go into one batch.
    world.lose_webhooks();
    Ok((world, pairs))
}

fn modifies(world: &World) -> u64 {
    let counts = world.control.core().counts.all();
    let actions = counts.get(&ONOFFICE).map(|counts| &counts.actions);
    actions
        .and_then(|actions| actions.get("modify address"))
        .copied()
        .unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_of_one_action_stops_its_record_only() -> Result<()> {
    // Mirrored at the top, told at the action only, summed up at the top.
    for placement in ["mirrored", "silent", "97"] {
        let (world, pairs) = three_pairs(placement).await?;
        let (requests, before) = (world.writes(), modifies(&world));
        // The town is refused to whoever comes second; that it is the town, the text says.
        world.fault(json!({"system": "onoffice", "action": "modify *", "nth": 2,
            "fault": {"kind": "action_error", "code": 255,
                "message": "Invalid value for parameter \"Ort\""}}))?;
        for pair in &pairs {
            world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
        }
        world.poll().await?;
        let (requests, actions) = (world.writes() - requests, modifies(&world) - before);
        assert_eq!(actions, 3, "{placement}: nothing was sent in vain");
        assert!(requests < actions, "{placement}: no batch");
        let towns = pairs
            .iter()
            .map(|pair| Ok(world.held(ONOFFICE, &pair.onoffice)?.city))
            .collect::<Result<Vec<_>>>()?;
        let refused = towns.iter().filter(|town| *town == "Berlin").count();
        let written = towns.iter().filter(|town| *town == "Potsdam").count();
        assert_eq!((refused, written), (1, 2), "{placement}: {towns:?}");
        let rows = blocked(&world).await?;
        assert_eq!(rows.len(), 1, "{placement}: {rows:?}");
        assert_eq!(rows[0].mapping, "city", "{placement}");
        // Another value is taken.
        let at = towns.iter().position(|town| town == "Berlin");
        let pair = &pairs[at.context("one")?];
        world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Bernau"}))?;
        world.poll().await?;
        assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Bernau");
        assert!(blocked(&world).await?.is_empty(), "{placement}");
        agrees(&world).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_at_the_top_without_results_refuses_nobody() -> Result<()> {
    let (world, pairs) = three_pairs("mirrored").await?;
    let fault = world.fault(
        json!({"system": "onoffice", "action": "modify *", "count": 1,
        "fault": {"kind": "status", "status": 200, "body": {
            "status": {"code": 500, "errorcode": 1, "message": "Unknown error occurred"},
            "response": {"results": []}}}}),
    )?;
    for pair in &pairs {
        world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    }
    world.poll().await?;
    assert_eq!(world.struck(fault), 1);
    for pair in &pairs {
        assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Potsdam");
    }
    assert!(blocked(&world).await?.is_empty());
    agrees(&world).await?;
    Ok(())
}
