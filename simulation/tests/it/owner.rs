//! Who looks after a person: user ids on the left, login names on the right, by a value map.

use anyhow::{Context, Result};
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, ONOFFICE, World, shipped_rules};

use crate::{
    attached::{at_right, left, right, rules, with_anna, write_left},
    support::{agrees, contact, one_pair, options},
};

fn owners(world: &World, pair: &sandbox::judge::Pair) -> Result<(Json, Json)> {
    let left = world.act(HIGHLEVEL, "get_contact", &json!({"id": pair.highlevel}))?;
    let id: u64 = pair.onoffice.parse()?;
    let right = world.act(ONOFFICE, "show", &json!({"id": id}))?;
    Ok((
        left["assignedTo"].clone(),
        right["values"]["Benutzer"].clone(),
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_crosses_both_ways_by_a_map_of_users() -> Result<()> {
    let (mut world, pair) = one_pair(options()).await?;
    let access = world.act(HIGHLEVEL, "access", &json!({}))?;
    let user = |at: usize| access["userIds"][at].as_str().context("a user");
    let (first, second, nobody) = (user(0)?, user(1)?, user(2)?);
    let mut rules = shipped_rules();
    contact(&mut rules)
        .fields
        .push(serde_json::from_value(json!({
            "name": "owner", "left": "assignedTo", "right": "Benutzer",
            "values": {first: "jlindner", second: "tpohl"},
        }))?);
    assert_eq!(world.apply(rules).await, []);
    world.settle().await?;

    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"assignedTo": first}))?;
    world.settle().await?;
    world.sweep().await?;
    assert_eq!(owners(&world, &pair)?, (json!(first), json!("jlindner")));
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Benutzer": "tpohl"}))?;
    world.poll().await?;
    assert_eq!(owners(&world, &pair)?, (json!(second), json!("tpohl")));
    // Somebody whom the map does not know crosses nothing, and is not written over.
    let writes = world.writes();
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"assignedTo": nobody}))?;
    world.settle().await?;
    world.sweep().await?;
    assert_eq!(owners(&world, &pair)?, (json!(nobody), json!("tpohl")));
    assert_eq!(world.writes(), writes);
    agrees(&world).await?;
    Ok(())
}

/// Users with the same e-mail address in both systems are the same person; no map is needed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_responsible_for_a_task_crosses_both_ways_by_the_users_addresses() -> Result<()> {
    let (mut world, anna) = with_anna(rules()?).await?;
    let access = world.act(HIGHLEVEL, "access", &json!({}))?;
    let user = |at: usize| access["userIds"][at].as_str().context("a user");
    let (first, second) = (user(0)?, user(1)?);
    let task = json!({"contactId": anna.highlevel, "title": "Rückruf", "dueDate": "2026-10-24T10:00:00.000Z", "assignedTo": first});
    write_left(&world, "task", &task)?;
    world.settle().await?;
    world.poll().await?;
    // nobody has an address in both systems yet
    let (number, there) = right(&world, "task", &anna.onoffice)?;
    assert_eq!(there["Verantwortung"], "");

    for (id, login) in [(first, "jlindner"), (second, "tpohl")] {
        world.act(
            HIGHLEVEL,
            "edit_user",
            &json!({"id": id, "email": format!("{login}@maklerhaus.example")}),
        )?;
    }
    assert_eq!(world.apply(rules()?).await, []);
    world.settle().await?;
    world.sweep().await?;
    let (_, there) = right(&world, "task", &anna.onoffice)?;
    assert_eq!(there["Verantwortung"], "jlindner");

    let handed_on = json!({"data": {"Verantwortung": "tpohl"}});
    at_right(&world, "modify", "task", Some(number), &handed_on)?;
    world.poll().await?;
    let here = left(&world, "task")?;
    assert_eq!(here["assignedTo"], second);

    // whom the other system does not know crosses nothing, and nothing is refused for it
    let id = here["id"].as_str().context("an id")?;
    let nobody = json!({"kind": "task", "id": id, "fields": {"assignedTo": user(2)?}});
    world.act(HIGHLEVEL, "edit_item", &nobody)?;
    world.poll().await?;
    let (_, there) = right(&world, "task", &anna.onoffice)?;
    assert_eq!(there["Verantwortung"], "tpohl");
    assert_eq!(left(&world, "task")?["assignedTo"], user(2)?);
    assert_eq!(world.engine().blocked(None, 10).await?, []);
    Ok(())
}
