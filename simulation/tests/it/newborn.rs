//! Who waited for a contact that we made then: nobody can have entered them there before.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE, Options, World};

use crate::{
    attached::{at_right, left, rules},
    support::{on_the_left, on_the_right, options, questions},
};

/// How often HighLevel was asked for all tasks of one contact.
fn asked(world: &World) -> u64 {
    let all = world.control.core().counts.all();
    let routes = all.values().flat_map(|counts| &counts.routes);
    routes
        .filter(|route| route.method == "GET" && route.route.ends_with("/tasks"))
        .map(|route| route.count)
        .sum()
}

fn task(world: &World, of: &str, title: &str) -> Result<()> {
    let address: u64 = of.parse()?;
    let data = json!({"data": {"Betreff": title, "Art": 153}, "relatedAddressId": address});
    at_right(world, "create", "task", None, &data)?;
    Ok(())
}

/// How often HighLevel was asked for the tasks of a contact: when it was just made for one who waited, and for another one later.
async fn asked_for_who_waited() -> Result<[u64; 2]> {
    let world = World::new(Options {
        rules: rules()?,
        ..options()
    })
    .await?;
    world.sync().await?;
    world.settle().await?;
    let fault = world.fault(
        json!({"system": "highlevel", "method": "POST", "path": "/contacts/",
        "count": 4, "fault": {"kind": "status", "status": 500}}),
    )?;
    let berta = world.make(ONOFFICE, &on_the_right("Berta"))?;
    task(&world, &berta, "Rückruf")?;
    world.poll().await?;
    world.settle().await?;
    ensure!(world.struck(fault) == 4, "the contact is not made yet");
    let status = world.engine().status().await?;
    ensure!(
        status.syncs[0].waiting.get("task") == Some(&1),
        "{status:#?}"
    );
    world.control.core().counts.reset();
    world.sweep().await?;
    world.settle().await?;
    ensure!(left(&world, "task")?["title"] == "Rückruf");
    let at_once = asked(&world);

    // the same contact later: somebody may have entered it there, too
    task(&world, &berta, "Exposé senden")?;
    world.poll().await?;
    world.settle().await?;
    let tasks = world.act(HIGHLEVEL, "items", &json!({"kind": "task"}))?;
    ensure!(
        tasks["items"].as_array().map(Vec::len) == Some(2),
        "{tasks:#}"
    );
    Ok([at_once, asked(&world) - at_once])
}

/// The sweep that makes the contact may bring the task by itself, too, a moment before it is told of the link. Then it is looked
/// for, as everything is that comes by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waited_for_a_contact_of_our_own_making_is_not_looked_for_under_it() -> Result<()> {
    let mut seen = Vec::new();
    for _ in 0..4 {
        let asked = asked_for_who_waited().await?;
        if asked == [0, 1] {
            return Ok(());
        }
        seen.push(asked);
    }
    anyhow::bail!("asked {seen:?} times")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_while_contacts_are_worked_on_is_none_of_the_creates_that_are_counted()
-> Result<()> {
    let world = World::new(Options {
        rules: rules()?,
        ..options()
    })
    .await?;
    // Berta cannot be linked before a person says who she is.
    for _ in 0..2 {
        world.seed(HIGHLEVEL, &on_the_left("Berta"))?;
    }
    let berta = world.seed(ONOFFICE, &on_the_right("Berta"))?;
    world.sync().await?;
    world.settle().await?;
    let asked = questions(&world).await?.len();
    ensure!(asked > 0, "nobody was asked about Berta");
    // Contacts are at work for two minutes, which is longer than anyone waits for their end.
    let slow = world.fault(
        json!({"system": "highlevel", "path": "/contacts/search", "fault": {"kind": "delay_answer", "ms": 50_000}}),
    )?;
    world.fault(
        json!({"system": "highlevel", "method": "POST", "path": "/contacts/", "count": 1, "fault": {"kind": "delay_answer", "ms": 50_000}}),
    )?;
    world.make(ONOFFICE, &on_the_right("Clara"))?;
    world.engine().poll_now().await?;
    while world.struck(slow) == 0 {
        world.wait(Duration::from_millis(100)).await;
    }
    task(&world, &berta, "Rückruf")?;
    world.engine().poll_now().await?;
    world.wait(Duration::from_secs(240)).await;
    world.settle().await?;
    let status = world.engine().status().await?;
    ensure!(
        status.syncs[0].waiting.get("task") == Some(&1),
        "{status:#?}"
    );
    ensure!(status.syncs[0].state == "running", "{status:#?}");
    ensure!(questions(&world).await?.len() == asked);
    Ok(())
}
