//! HighLevel's notes, and blocks in a text property of OfficeRnD's members, which stand in for them.

use std::time::Duration;

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

/// Another text property of the sandbox's members.
const OTHER: &str = "highlevel id";

/// What the contact has as its website, and the member in the property that is mapped to it.
fn site(world: &World, contact: &str, member: &str) -> Result<[String; 2]> {
    let shown = world.act(HIGHLEVEL, "get_contact", &json!({"id": contact}))?;
    let website = shown["website"].as_str().unwrap_or_default().to_owned();
    let shown = world.act(OFFICERND, "get_member", &json!({"id": member}))?;
    let kept = shown["properties"][OTHER].as_str().unwrap_or_default();
    Ok([website, kept.to_owned()])
}

/// All properties of a member are written at once: whoever writes a note and whoever writes another property wait for
/// each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_and_another_property_of_one_member_are_written_one_after_the_other() -> Result<()> {
    let (mut world, contact, member) = world().await?;
    let property_of = json!({"key": OTHER, "type": "Text", "targets": ["member"]});
    world.act(OFFICERND, "add_property", &property_of)?;
    let mut rules = rules()?;
    let of_members = rules.entities.get_mut(&Entity::Contact);
    let of_members = of_members.context("the rules of members")?;
    let website =
        json!({"name": "site", "left": "website", "right": format!("properties.{OTHER}")});
    of_members.fields.push(serde_json::from_value(website)?);
    ensure!(world.apply_to(members(), rules).await.is_empty());
    let note = json!({"kind": "note", "fields": {"contactId": contact, "body": "mag Fenster"}});
    let note = world.act(HIGHLEVEL, "create_item", &note)?["id"].clone();
    world.edit(HIGHLEVEL, &contact, &json!({"website": "eins.example"}))?;
    world.settle().await?;
    world.poll().await?;
    let both = site(&world, &contact, &member)?;
    ensure!(both == ["eins.example"; 2], "{both:?}");

    for (site_first, website, body) in [
        (true, "zwei.example", "mag Sonne"),
        (false, "drei.example", "mag Schatten"),
    ] {
        // the first of both is under way while the other one comes
        let slow = world.fault(json!({"system": "officernd", "method": "PUT",
            "path": "*/members/*", "count": 1, "fault": {"kind": "delay", "ms": 6_000}}))?;
        let of_site = || world.edit(HIGHLEVEL, &contact, &json!({"website": website}));
        let of_note = || {
            let edit = json!({"kind": "note", "id": note, "fields": {"body": body}});
            world.act(HIGHLEVEL, "edit_item", &edit)
        };
        if site_first {
            of_site()?;
        } else {
            of_note()?;
        }
        for _ in 0..600 {
            if world.struck(slow) > 0 {
                break;
            }
            world.wait(Duration::from_millis(100)).await;
        }
        ensure!(world.struck(slow) == 1, "nothing was written");
        if site_first {
            of_note()?;
        } else {
            of_site()?;
        }
        world.settle().await?;
        world.poll().await?;
        world.sweep().await?;
        let both = site(&world, &contact, &member)?;
        ensure!(both == [website, website], "{both:?}");
        let text = property(&world, &member)?;
        ensure!(text.ends_with(&format!("]\n{body}")), "{text}");
        ensure!(notes(&world)? == [body], "{:?}", notes(&world)?);
    }
    ensure!(questions(&world).await?.is_empty());
    Ok(())
}
