//! What people have agreed to: do-not-disturb by channel on the left, the newsletter and the DSGVO status on the right, a
//! property of one's own in the third system.

use anyhow::{Context, Result};
use sandbox::judge::Pair;
use serde_json::{Value as Json, json};
use simulation::{
    HIGHLEVEL, OFFICERND, ONOFFICE, Options, World, member_rules, members, shipped_rules,
};

use crate::support::{agrees, contact, on_the_left, on_the_right, options};

fn channel(world: &World, id: &str, channel: &str) -> Result<Json> {
    let contact = world.act(HIGHLEVEL, "get_contact", &json!({"id": id}))?;
    Ok(contact["dndSettings"][channel]["status"].clone())
}

fn theirs(world: &World, id: &str, field: &str) -> Result<Json> {
    let shown = world.act(ONOFFICE, "show", &json!({"id": id.parse::<u64>()?}))?;
    Ok(shown["values"][field].clone())
}

fn refuse(status: &str) -> Json {
    json!({"dndSettings": {"Email": {"status": status}}})
}

fn with(mut person: Json, more: &Json) -> Json {
    for (key, value) in more.as_object().expect("fields") {
        person[key] = value.clone();
    }
    person
}

/// A world in which consent is mapped, with these people on both sides.
async fn world(people: &[(&str, Json, Json)]) -> Result<(World, Vec<Pair>)> {
    let mut rules = shipped_rules();
    let fields = &mut contact(&mut rules).fields;
    for mapping in [
        json!({"name": "newsletter", "left": "dndSettings.Email", "right": "newsletter_aktiv",
            "values": {"permanent": [2, 5], "active": 0, "inactive": [4, 1, 3]}, "default_right": 4}),
        json!({"name": "storage", "left": "dnd", "right": "DSGVOStatus", "direction": "to_left",
            "values": {"true": "speicherungwiderrufen", "false": ["ignorieren", "speicherungzugestimmt"]}}),
    ] {
        fields.push(serde_json::from_value(mapping)?);
    }
    let world = World::new(Options { rules, ..options() }).await?;
    let pairs: Result<Vec<Pair>> = people
        .iter()
        .map(|(name, left, right)| {
            world.seed_pair(
                &with(on_the_left(name), left),
                &with(on_the_right(name), right),
            )
        })
        .collect();
    let pairs = pairs?;
    world.sync().await?;
    world.settle().await?;
    Ok((world, pairs))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_counts_at_the_first_link_and_edits_cross_both_ways() -> Result<()> {
    let (world, pairs) = world(&[
        ("Anna", refuse("active"), json!({"newsletter_aktiv": "1"})),
        (
            "Berta",
            refuse("inactive"),
            json!({"newsletter_aktiv": "0"}),
        ),
        ("Clara", json!({}), json!({"newsletter_aktiv": "1"})),
    ])
    .await?;
    let [anna, berta, clara] = &pairs[..] else {
        anyhow::bail!("{pairs:?}")
    };
    for pair in [anna, berta] {
        assert_eq!(channel(&world, &pair.highlevel, "Email")?, "active");
        assert_eq!(theirs(&world, &pair.onoffice, "newsletter_aktiv")?, "0");
    }
    // Who agreed to a newsletter still does, and nothing was written for it.
    assert_eq!(theirs(&world, &clara.onoffice, "newsletter_aktiv")?, "1");
    assert_ne!(channel(&world, &clara.highlevel, "Email")?, "active");

    world.edit(HIGHLEVEL, &clara.highlevel, &refuse("active"))?;
    world.settle().await?;
    assert_eq!(theirs(&world, &clara.onoffice, "newsletter_aktiv")?, "0");
    // Lifted in HighLevel: nobody has agreed to a newsletter by that.
    world.edit(HIGHLEVEL, &clara.highlevel, &refuse("inactive"))?;
    world.settle().await?;
    assert_eq!(theirs(&world, &clara.onoffice, "newsletter_aktiv")?, "4");
    // Cancelled at the other end.
    world.edit(ONOFFICE, &clara.onoffice, &json!({"newsletter_aktiv": "2"}))?;
    world.poll().await?;
    assert_eq!(channel(&world, &clara.highlevel, "Email")?, "permanent");
    // Both at once: the stricter.
    world.lose_webhooks();
    world.edit(HIGHLEVEL, &clara.highlevel, &refuse("active"))?;
    world.edit(ONOFFICE, &clara.onoffice, &json!({"newsletter_aktiv": "1"}))?;
    world.sweep().await?;
    assert_eq!(channel(&world, &clara.highlevel, "Email")?, "active");
    assert_eq!(theirs(&world, &clara.onoffice, "newsletter_aktiv")?, "0");
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_made_without_a_consent_is_not_read_again_for_it() -> Result<()> {
    let (world, _) = world(&[("Zoe", json!({}), json!({}))]).await?;
    let readings = || -> u64 {
        let counts = world.control.core().counts.all();
        let routes = counts[&HIGHLEVEL].routes.iter();
        let single =
            routes.filter(|one| one.method == "GET" && one.route == "/contacts/{contactId}");
        single.map(|one| one.count).sum()
    };
    let before = readings();
    world
        .control
        .core()
        .switches
        .set("highlevel.api_write_webhooks", &json!(false))?;
    let said = |newsletter: &str| json!({"newsletter_aktiv": newsletter});
    world.make(ONOFFICE, &with(on_the_right("Anna"), &said("4")))?;
    let berta = world.make(ONOFFICE, &with(on_the_right("Berta"), &said("1")))?;
    world.poll().await?;
    assert_eq!(world.pairs().await?.len(), 3);
    assert_eq!(readings(), before);
    // It is known all the same what was there: an edit is one.
    world.edit(ONOFFICE, &berta, &said("0"))?;
    world.poll().await?;
    let pairs = world.pairs().await?;
    let pair = pairs.iter().find(|pair| pair.onoffice == berta);
    let left = &pair.context("Berta is linked")?.highlevel;
    assert_eq!(channel(&world, left, "Email")?, "active");
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawn_storage_consent_silences_a_contact_and_is_never_made_up() -> Result<()> {
    let (world, pairs) = world(&[("Anna", json!({}), json!({}))]).await?;
    let anna = &pairs[0];
    let dnd = || -> Result<Json> {
        let contact = world.act(HIGHLEVEL, "get_contact", &json!({"id": anna.highlevel}))?;
        Ok(contact["dnd"].clone())
    };
    let status = "DSGVOStatus";
    world.edit(
        ONOFFICE,
        &anna.onoffice,
        &json!({status: "speicherungwiderrufen"}),
    )?;
    world.poll().await?;
    assert_eq!(dnd()?, true);
    world.edit(
        ONOFFICE,
        &anna.onoffice,
        &json!({status: "speicherungzugestimmt"}),
    )?;
    world.poll().await?;
    assert_eq!(dnd()?, false);
    // A contact that is not to be disturbed has not withdrawn anything, and is not put back either.
    world.edit(HIGHLEVEL, &anna.highlevel, &json!({"dnd": true}))?;
    world.settle().await?;
    world.sweep().await?;
    assert_eq!(dnd()?, true);
    assert_eq!(
        theirs(&world, &anna.onoffice, status)?,
        "speicherungzugestimmt"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_property_of_ones_own_keeps_the_consent_in_the_third_system() -> Result<()> {
    let mut rules = member_rules();
    contact(&mut rules)
        .fields
        .push(serde_json::from_value(json!({
            "name": "newsletter", "left": "dndSettings.Email", "right": "properties.newsletter",
            "values": {"active": "no", "inactive": "yes"},
        }))?);
    let mut world = World::new(Options {
        members: Some(member_rules()),
        ..options()
    })
    .await?;
    world.act(
        OFFICERND,
        "add_property",
        &json!({"key": "newsletter", "title": "Newsletter", "type": "text", "targets": ["member"]}),
    )?;
    assert_eq!(world.apply_to(members(), rules).await, []);
    world.sync_of(&members()).await?;
    world.settle().await?;
    let person = with(on_the_left("Anna"), &refuse("active"));
    let person = with(person, &json!({"tags": ["coworking"]}));
    let id = world.make(HIGHLEVEL, &person)?;
    world.settle().await?;
    let member = || {
        let members = world.living(OFFICERND);
        let anna = members.into_iter().find(|held| held.name == "Anna Brandt");
        anna.context("no member")
    };
    assert_eq!(member()?.custom["newsletter"], "no");
    let there = member()?.id;
    world.edit(
        OFFICERND,
        &there,
        &json!({"properties": {"newsletter": "yes"}}),
    )?;
    world.sync_of(&members()).await?;
    world.settle().await?;
    assert_eq!(channel(&world, &id, "Email")?, "inactive");
    world.edit(HIGHLEVEL, &id, &refuse("active"))?;
    world.settle().await?;
    assert_eq!(member()?.custom["newsletter"], "no");
    Ok(())
}
