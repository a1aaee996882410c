//! HighLevel's notes, and blocks in a text property of OfficeRnD's members, which stand in for them.

use anyhow::{Context, Result, ensure};
use mapping::{DeleteRule, SyncRules};
use record::Entity;
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, OFFICERND, World, member_rules, members};

use crate::support::{on_the_left, options, questions};

/// A text property that the sandbox's members have, which the world's settings name.
const PROPERTY: &str = "crm_id";

/// The rules of members, and the block for notes of the ready config.
fn rules() -> Result<SyncRules> {
    let ready: Json =
        serde_yaml_ng::from_str(include_str!("../../../examples/highlevel-officernd.yaml"))?;
    let note = ready["syncs"]["people"]["entities"]["note"].clone();
    let mut note: mapping::EntityRules = serde_json::from_value(note)?;
    note.deletes.left = DeleteRule::Propagate;
    note.deletes.right = DeleteRule::Propagate;
    note.limits.deletes.share = 1.0;
    let mut rules = member_rules();
    rules.entities.insert(Entity::Note, note);
    Ok(rules)
}

async fn world() -> Result<(World, String, String)> {
    let mut options = options();
    options.members = Some(rules()?);
    options
        .switches
        .extend([("officernd.rate_limit".to_owned(), json!(false))]);
    let world = World::new(options).await?;
    let mut anna = on_the_left("Anna");
    anna["tags"] = json!(["coworking"]);
    let contact = world.make(HIGHLEVEL, &anna)?;
    world.sync_of(&members()).await?;
    world.settle().await?;
    let member = world.living(OFFICERND).pop().context("a member")?;
    Ok((world, contact, member.id))
}

fn property(world: &World, member: &str) -> Result<String> {
    let shown = world.act(OFFICERND, "get_member", &json!({"id": member}))?;
    let text = shown["properties"][PROPERTY].as_str().unwrap_or_default();
    Ok(text.to_owned())
}

fn write(world: &World, member: &str, text: &str) -> Result<()> {
    let edit = json!({"id": member, "fields": {"properties": {PROPERTY: text}}});
    world.act(OFFICERND, "edit_member", &edit)?;
    Ok(())
}

fn notes(world: &World) -> Result<Vec<String>> {
    let shown = world.act(HIGHLEVEL, "items", &json!({"kind": "note"}))?;
    let all = shown["items"].as_array().cloned().unwrap_or_default();
    let mut bodies: Vec<String> = all
        .iter()
        .filter_map(|note| note["body"].as_str().map(str::to_owned))
        .collect();
    bodies.sort();
    Ok(bodies)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notes_are_blocks_of_a_property_and_cross_both_ways() -> Result<()> {
    let (world, contact, member) = world().await?;
    let mut ids = Vec::new();
    for body in ["mag Fenster", "trinkt\n\nTee"] {
        let note = json!({"kind": "note", "fields": {"contactId": contact, "body": body}});
        let made = world.act(HIGHLEVEL, "create_item", &note)?;
        ids.push(made["id"].clone());
    }
    world.settle().await?;
    world.poll().await?;
    let text = property(&world, &member)?;
    ensure!(text.matches("[note ").count() == 2, "{text}");
    ensure!(
        text.contains("]\nmag Fenster") && text.contains("]\ntrinkt\n\nTee"),
        "{text}"
    );

    // a person writes above the blocks, and changes one of them
    let edited = format!(
        "Kommt dienstags.\n\n{}",
        text.replace("mag Fenster", "mag Sonne")
    );
    write(&world, &member, &edited)?;
    world.poll().await?;
    ensure!(
        notes(&world)? == ["Kommt dienstags.", "mag Sonne", "trinkt\n\nTee"],
        "{:?}",
        notes(&world)?
    );
    // nothing of it comes back
    ensure!(property(&world, &member)? == edited);
    let mark = world.edit_mark();
    world.poll().await?;
    world.sweep().await?;
    ensure!(
        world.api_edits(mark).is_empty(),
        "{:#?}",
        world.api_edits(mark)
    );

    let edit = json!({"kind": "note", "id": ids[1], "fields": {"body": "trinkt Kaffee"}});
    world.act(HIGHLEVEL, "edit_item", &edit)?;
    world.act(
        HIGHLEVEL,
        "delete_item",
        &json!({"kind": "note", "id": ids[0]}),
    )?;
    world.settle().await?;
    world.poll().await?;
    let text = property(&world, &member)?;
    ensure!(
        text.starts_with("Kommt dienstags.\n\n[note ") && text.ends_with("]\ntrinkt Kaffee"),
        "{text}"
    );
    ensure!(text.matches("[note ").count() == 1, "{text}");

    // a block that a person takes out is a note less
    write(&world, &member, "Kommt dienstags.")?;
    world.sweep().await?;
    ensure!(
        notes(&world)? == ["Kommt dienstags."],
        "{:?}",
        notes(&world)?
    );
    ensure!(questions(&world).await?.is_empty());
    Ok(())
}
