//! Who tells us of a change, what is counted as missed, and what needs no look.

use std::time::Duration;

use anyhow::Result;
use sandbox::Operation;
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE, World, people, shipped_rules};

use crate::support::{
    agrees, contact, link, meter, numbers, on_the_left, on_the_right, one_pair, options, questions,
    seed,
};

/// How often contacts were read by id.
fn fetches(world: &World) -> u64 {
    let counts = world.control.core().counts.all();
    let routes = counts
        .get(&HIGHLEVEL)
        .into_iter()
        .flat_map(|system| &system.routes);
    routes
        .filter(|route| route.method == "GET" && route.route == "/contacts/{contactId}")
        .map(|route| route.count)
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn just_the_webhooks_that_never_came_are_counted_as_missed() -> Result<()> {
    let mut options = options();
    // Twelve changes to six pairs are more than usual.
    crate::support::contact(&mut options.rules)
        .limits
        .overwrites
        .share = 10.0;
    let world = World::new(options).await?;
    let names = ["Anna", "Berta", "Clara", "Dora", "Emma", "Frieda"];
    let mut pairs = Vec::new();
    for name in names {
        pairs.push(seed(&world, name)?);
    }
    link(&world, &pairs.iter().collect::<Vec<_>>()).await?;
    for (number, pair) in pairs.iter().enumerate() {
        let fault = match number {
            0 | 3 => json!({"kind": "lost"}),
            1 => json!({"kind": "doubled"}),
            2 => json!({"kind": "delayed", "ms": 4000}),
            4 => json!({"kind": "reordered"}),
            _ => json!({"kind": "delayed", "ms": 0}),
        };
        world.fault(json!({"system": "highlevel", "count": 1, "fault": fault}))?;
        world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    }
    world.settle().await?;
    let there = |world: &World| {
        let living = world.living(ONOFFICE);
        living.iter().filter(|held| held.city == "Potsdam").count()
    };
    assert_eq!(there(&world), 4);
    assert_eq!(meter(&world, "missed_webhooks").await?, 0);
    world.poll().await?;
    assert_eq!(there(&world), 6);
    assert_eq!(meter(&world, "missed_webhooks").await?, 2);
    // Our own writes to HighLevel are no webhooks that we missed, and neither is what onOffice,
    // which has none here, is asked for.
    world.lose_webhooks();
    for pair in &pairs {
        world.edit(ONOFFICE, &pair.onoffice, &json!({"Strasse": "Am Markt 9"}))?;
    }
    world.poll().await?;
    world.sweep().await?;
    assert_eq!(meter(&world, "missed_webhooks").await?, 2);
    assert_eq!(meter(&world, "found_by_sweep").await?, 0);
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_shows_our_own_write_needs_no_read() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    world.fault(json!({"system": "highlevel", "fault": {"kind": "delayed", "ms": 3000}}))?;
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Ort": "Bernau"}))?;
    world.engine().poll_now().await?;
    while world.held(HIGHLEVEL, &pair.highlevel)?.city != "Bernau" {
        world.wait(Duration::from_millis(50)).await;
    }
    world.wait(Duration::from_secs(1)).await;
    let (reads, writes) = (fetches(&world), world.writes());
    // The webhook of our own write comes now.
    world.settle().await?;
    world.wait(Duration::from_secs(3)).await;
    assert_eq!(fetches(&world), reads);
    assert_eq!(world.writes(), writes);
    // One of a person is looked at.
    world.control.core().faults.clear();
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    world.settle().await?;
    assert!(fetches(&world) > reads);
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_webhook_of_our_own_write_needs_no_read_where_a_block_is_partly_empty() -> Result<()> {
    let world = World::new(options()).await?;
    let mut rules = shipped_rules();
    let block = json!({"name": "address", "left": ["address1", "postalCode", "city"],
        "right": ["Strasse", "Plz", "Ort"]});
    let fields = &mut contact(&mut rules).fields;
    let of_block = ["street", "postcode", "city"].map(Some);
    fields.retain(|mapping| !of_block.contains(&mapping.name.as_deref()));
    fields.push(serde_json::from_value(block)?);
    let mut world = world;
    assert_eq!(world.apply(rules).await, []);
    let mut person = on_the_right("Anna");
    person["Strasse"] = json!("");
    let id = world.seed(ONOFFICE, &person)?;
    world.sync().await?;
    world.wait(Duration::from_secs(15)).await;
    world.settle().await?;
    assert_eq!(world.living(HIGHLEVEL).len(), 1);
    assert_eq!(fetches(&world), 0, "after the create");
    // Our own change is one read before it, and none after it.
    world.edit(ONOFFICE, &id, &json!({"Ort": "Bernau"}))?;
    world.poll().await?;
    world.wait(Duration::from_secs(15)).await;
    world.settle().await?;
    assert_eq!(fetches(&world), 1, "after the change");
    // What a person clears is left out of the message as well, and looked at.
    let made = world.living(HIGHLEVEL).remove(0).id;
    world.edit(HIGHLEVEL, &made, &json!({"city": ""}))?;
    world.settle().await?;
    assert_eq!(world.held(ONOFFICE, &id)?.city, "");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_webhooks_for_one_contact_is_one_change() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    let (mark, reads) = (world.edit_mark(), fetches(&world));
    // All come before anybody has time to look.
    world.engine().pause(&people(), "a moment").await?;
    for number in 1..=60 {
        world.edit(
            HIGHLEVEL,
            &pair.highlevel,
            &json!({"address1": format!("Am Markt {number}")}),
        )?;
    }
    while !world.control.core().deliveries.are_done() {
        world.wait(Duration::from_millis(100)).await;
    }
    world.wait(Duration::from_secs(1)).await;
    assert_eq!(fetches(&world), reads);
    world.engine().resume(&people()).await?;
    world.settle().await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.street, "Am Markt 60");
    assert_eq!(world.api_edits_of(mark, ONOFFICE, Operation::Update), 1);
    assert_eq!(fetches(&world), reads + 1);
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_webhook_outlives_the_process() -> Result<()> {
    let (mut world, pair) = one_pair(options()).await?;
    // Taken in, but onOffice cannot be read: nothing comes of it yet.
    world.fault(json!({"system": "onoffice", "action": "read address",
        "fault": {"kind": "delay", "ms": 60000}}))?;
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    while !world.control.core().deliveries.are_done() {
        world.wait(Duration::from_millis(50)).await;
    }
    world.wait(Duration::from_millis(500)).await;
    world.kill_and_restart()?;
    world.control.core().faults.clear();
    // Neither poll nor sweep: only what was acknowledged tells of it.
    world.wait(Duration::from_secs(2)).await;
    world.settle().await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Potsdam");
    assert_eq!(meter(&world, "missed_webhooks").await?, 0);
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_token_has_no_webhooks_and_works_by_polling() -> Result<()> {
    let mut options = options();
    options.webhooks = false;
    options.pace.poll_without_webhooks = Duration::from_secs(5);
    let (world, pair) = one_pair(options).await?;
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    world.make(HIGHLEVEL, &on_the_left("Berta"))?;
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Strasse": "Am Markt 9"}))?;
    world.make(ONOFFICE, &on_the_right("Clara"))?;
    for _ in 0..200 {
        world.wait(Duration::from_millis(500)).await;
        if numbers(&world) == (3, 3) {
            break;
        }
    }
    world.settle().await?;
    assert_eq!(numbers(&world), (3, 3));
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Potsdam");
    assert_eq!(world.held(HIGHLEVEL, &pair.highlevel)?.street, "Am Markt 9");
    // Nobody missed a webhook that was never to come.
    assert_eq!(meter(&world, "missed_webhooks").await?, 0);
    assert!(questions(&world).await?.is_empty());
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn until_a_webhook_comes_changes_are_asked_for_as_if_none_came() -> Result<()> {
    let mut options = options();
    options.pace.poll_without_webhooks = Duration::from_secs(5);
    let world = World::new(options).await?;
    let lost = world.lose_webhooks();
    let pair = seed(&world, "Anna")?;
    link(&world, &[&pair]).await?;
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    world.wait(Duration::from_secs(30)).await;
    world.settle().await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Potsdam");
    // One that comes shows that they come.
    world.control.core().faults.remove(lost);
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Bernau"}))?;
    world.settle().await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Bernau");
    world.lose_webhooks();
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Eberswalde"}))?;
    world.wait(Duration::from_secs(30)).await;
    world.settle().await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Bernau");
    world.poll().await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Eberswalde");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_comes_by_itself_when_it_is_time() -> Result<()> {
    let mut options = options();
    options.pace.sweep = Duration::from_secs(20);
    let (world, pair) = one_pair(options).await?;
    world.lose_webhooks();
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    for _ in 0..300 {
        world.wait(Duration::from_millis(500)).await;
        if world.held(ONOFFICE, &pair.onoffice)?.city == "Potsdam" {
            break;
        }
    }
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Potsdam");
    world.settle().await?;
    assert_eq!(meter(&world, "found_by_sweep").await?, 1);
    Ok(())
}
