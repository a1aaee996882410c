//! What rules can say beyond one field to one field: custom fields, read-only ones, formulas, value
//! maps, two syncs on the same accounts, and the newest value by evidence.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result};
use mapping::{MappingRules, SyncRules};
use merge::{Direction, Policy};
use record::{Entity, RecordId};
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, ONOFFICE, World, people, shipped_rules};
use store::{ReviewKind, SyncName};

use crate::support::{
    agrees, answer, blocked, choices, contact, journal, link, mapping_of, one_pair, options,
    question, questions, seed,
};

fn mapping(rules: Json) -> Result<MappingRules> {
    Ok(serde_json::from_value(rules)?)
}

/// A custom field that a person makes in HighLevel; says its key.
fn custom_field(world: &World, name: &str) -> Result<String> {
    let made = world.act(
        HIGHLEVEL,
        "add_field",
        &json!({"name": name, "dataType": "TEXT"}),
    )?;
    let id = made["id"].as_str().with_context(|| made.to_string())?;
    Ok(format!("customFields.{id}"))
}

/// What a custom field of a contact holds.
fn custom(world: &World, id: &str) -> Result<String> {
    let contact = world.act(HIGHLEVEL, "get_contact", &json!({"id": id}))?;
    Ok(contact["customFields"].to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn custom_read_only_and_computed_fields_are_mapped() -> Result<()> {
    let (mut world, pair) = one_pair(options()).await?;
    let keys = ["Kundennummer", "Anschrift", "Notiz"]
        .map(|name| custom_field(&world, name))
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    let mut rules = shipped_rules();
    contact(&mut rules).fields.extend([
        mapping(
            json!({"name": "number", "left": keys[0], "right": "KdNr", "direction": "to_left"}),
        )?,
        mapping(json!({"name": "label", "left": keys[1],
            "formula_to_left": "{{ Strasse }}, {{ Plz }} {{ Ort }}"}))?,
        mapping(json!({"name": "note", "left": keys[2], "right": "Zusatz2"}))?,
    ]);
    assert_eq!(world.apply(rules).await, []);
    world.settle().await?;
    let status = world.engine().status().await?;
    assert!(status.syncs[0].paused_mappings.is_empty(), "{status:#?}");
    let held = custom(&world, &pair.highlevel)?;
    assert!(held.contains("Lindenstr. 4, 10969 Berlin"), "{held}");
    let number = journal(&world, &pair.highlevel)
        .await?
        .into_iter()
        .find(|row| row.entry.rule.starts_with("number"))
        .context("the number went across")?;
    assert!(number.entry.after.value().is_some(), "{number:?}");
    // The formula follows its fields, and the custom field goes both ways.
    world.edit(
        ONOFFICE,
        &pair.onoffice,
        &json!({"Ort": "Bernau", "Zusatz2": "ruft abends an"}),
    )?;
    world.poll().await?;
    let held = custom(&world, &pair.highlevel)?;
    assert!(held.contains("Lindenstr. 4, 10969 Bernau"), "{held}");
    assert!(held.contains("ruft abends an"), "{held}");
    let writes = world.writes();
    world.sweep().await?;
    assert_eq!(world.writes(), writes);
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newest_decides_where_one_change_is_proven_to_be_the_later_one() -> Result<()> {
    let mut options = options();
    let email = mapping_of(&mut options.rules, "email");
    email.policy = Some(Policy::Newest);
    email.fallback = Some(Policy::Ask);
    let world = World::new(options).await?;
    let (anna, berta) = (seed(&world, "Anna")?, seed(&world, "Berta")?);
    link(&world, &[&anna, &berta]).await?;
    // onOffice's new address is Berta's, which HighLevel refuses: it stays on its side, and is old.
    world.edit(
        ONOFFICE,
        &anna.onoffice,
        &json!({"Email": "berta@brandt.example", "Ort": "Bernau"}),
    )?;
    world.poll().await?;
    assert_eq!(blocked(&world).await?.len(), 1);
    world.wait(Duration::from_secs(30)).await;
    // Then somebody edits HighLevel's: that is later, and HighLevel was seen unchanged in between.
    world.edit(
        HIGHLEVEL,
        &anna.highlevel,
        &json!({"email": "anne@brandt.example"}),
    )?;
    world.settle().await?;
    assert_eq!(
        world.held(ONOFFICE, &anna.onoffice)?.email,
        "anne@brandt.example"
    );
    assert!(questions(&world).await?.is_empty());
    assert!(blocked(&world).await?.is_empty());
    assert!(
        journal(&world, &anna.onoffice)
            .await?
            .iter()
            .any(|row| row.entry.rule == "email: proven to be newer")
    );
    agrees(&world).await?;
    Ok(())
}

/// Rules for contacts with just these mappings, that make nobody.
fn only(fields: Vec<MappingRules>) -> SyncRules {
    let mut rules = shipped_rules();
    let contact = contact(&mut rules);
    contact.fields.retain(|mapping| {
        matches!(
            mapping.name.as_deref(),
            Some("email" | "phone" | "last_name" | "first_name")
        )
    });
    for mapping in &mut contact.fields {
        mapping.direction = Some(Direction::ToRight);
    }
    contact.fields.extend(fields);
    contact.create.left = false;
    contact.create.right = false;
    rules
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_two_syncs_keep_growing_is_parked_and_asked_about() -> Result<()> {
    // The one sync adds to what goes to the right, the other brings it back.
    let mut options = options();
    options.rules = only(vec![mapping(json!({"name": "there", "left": "website",
        "right": "Homepage", "direction": "to_right"}))?]);
    let (world, pair) = one_pair(options).await?;
    let mut there = only(vec![mapping(json!({"name": "there", "right": "Zusatz2",
        "formula_to_right": "concat(website, 'x')"}))?]);
    let mut back = only(vec![mapping(json!({"name": "back", "left": "website",
        "right": "Zusatz2", "direction": "to_left"}))?]);
    contact(&mut there).create.right = false;
    contact(&mut back).create.right = false;
    let other = SyncName::from("back");
    let unready = world
        .engine()
        .apply(BTreeMap::from([(people(), there), (other.clone(), back)]))
        .await;
    assert_eq!(unready, []);
    let (progress, _) = tokio::sync::watch::channel(sync::Progress::default());
    world.engine().sync_now(&other, &progress).await?;
    world.settle().await?;
    world.edit(
        HIGHLEVEL,
        &pair.highlevel,
        &json!({"website": "https://brandt.example/a"}),
    )?;
    world.wait(Duration::from_secs(20)).await;
    world.settle().await?;
    let review = question(&world, ReviewKind::Circle).await?;
    assert_eq!(choices(&review), ["resume", "leave", "postpone"]);
    let writes = world.writes();
    world.wait(Duration::from_secs(20)).await;
    world.sweep().await?;
    assert_eq!(world.writes(), writes, "parked, it grows no more");
    // Who lets it go on although the rules are as they were is asked again.
    answer(&world, &review, "resume").await?;
    world.wait(Duration::from_secs(20)).await;
    world.settle().await?;
    assert!(world.writes() > writes, "it went on");
    let review = question(&world, ReviewKind::Circle).await?;
    answer(&world, &review, "leave").await?;
    let writes = world.writes();
    world.sweep().await?;
    world.wait(Duration::from_secs(20)).await;
    assert_eq!(world.writes(), writes, "left as it is");
    let explained = world
        .engine()
        .explain(
            &store::ConnectionName::from("highlevel"),
            Entity::Contact,
            &RecordId::from(pair.highlevel.as_str()),
            None,
        )
        .await?;
    assert!(!explained.links.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_syncs_on_the_same_accounts_share_a_record_without_echo() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    // The one has the names, the other mailbox and address; each field has one owner.
    let of_second = |mapping: &MappingRules| {
        matches!(
            mapping.name.as_deref(),
            Some("email" | "street" | "postcode" | "city")
        )
    };
    let (mut first, mut second) = (shipped_rules(), shipped_rules());
    contact(&mut first)
        .fields
        .retain(|mapping| !of_second(mapping));
    let rules = contact(&mut second);
    rules.fields.retain(of_second);
    rules.matching.name_check = false;
    rules.import_tag = mapping::ImportTags::default();
    (rules.create.left, rules.create.right) = (false, false);
    let other = SyncName::from("addresses");
    let unready = world
        .engine()
        .apply(BTreeMap::from([(people(), first), (other.clone(), second)]))
        .await;
    assert_eq!(unready, []);
    let (progress, _) = tokio::sync::watch::channel(sync::Progress::default());
    world.engine().sync_now(&other, &progress).await?;
    world.settle().await?;
    let writes = world.writes();
    // Each sync carries its own field, each once.
    world.edit(
        ONOFFICE,
        &pair.onoffice,
        &json!({"Vorname": "Annegret", "Ort": "Bernau"}),
    )?;
    world.poll().await?;
    let left = world.held(HIGHLEVEL, &pair.highlevel)?;
    assert_eq!((&*left.first_name, &*left.city), ("Annegret", "Bernau"));
    world.sweep().await?;
    world.sweep().await?;
    assert!(
        world.writes() <= writes + 2,
        "{} writes",
        world.writes() - writes
    );
    assert!(questions(&world).await?.is_empty());
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_preview_says_what_creating_people_may_set_off() -> Result<()> {
    let world = World::new(options()).await?;
    for name in ["Berta", "Clara"] {
        world.seed(ONOFFICE, &crate::support::on_the_right(name))?;
    }
    let (progress, _) = tokio::sync::watch::channel(sync::Progress::default());
    let plan = world.engine().plan(&people(), &progress).await?;
    let told = plan.consequences.join("\n");
    assert!(told.contains("highlevel (2 creates)"), "{told}");
    assert!(
        told.to_lowercase().contains("automation") || told.to_lowercase().contains("workflow"),
        "{told}"
    );
    assert!(!told.contains("onoffice ("), "{told}");
    assert_eq!(world.writes(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deactivated_custom_field_pauses_its_mapping_and_clears_nothing() -> Result<()> {
    let mut options = options();
    options.pace.schema = Duration::from_secs(10);
    let (mut world, pair) = one_pair(options).await?;
    let field = custom_field(&world, "Notiz")?;
    let id = field
        .strip_prefix("customFields.")
        .context("a custom field")?;
    let mut rules = shipped_rules();
    contact(&mut rules).fields.push(mapping(
        json!({"name": "note", "left": field, "right": "Zusatz2"}),
    )?);
    assert_eq!(world.apply(rules).await, []);
    world.edit(
        ONOFFICE,
        &pair.onoffice,
        &json!({"Zusatz2": "ruft abends an"}),
    )?;
    world.poll().await?;
    assert!(custom(&world, &pair.highlevel)?.contains("ruft abends an"));
    world.act(
        HIGHLEVEL,
        "set_field_active",
        &json!({"id": id, "active": false}),
    )?;
    // Reads leave it out now. That says nothing about its value.
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    world.settle().await?;
    world.sweep().await?;
    world.wait(Duration::from_secs(15)).await;
    world.sweep().await?;
    let note = |world: &World| -> Result<String> {
        let address = world.act(
            ONOFFICE,
            "show",
            &json!({"id": pair.onoffice.parse::<u64>()?}),
        )?;
        Ok(address.to_string())
    };
    assert!(note(&world)?.contains("ruft abends an"));
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Potsdam");
    let paused = &world.engine().status().await?.syncs[0].paused_mappings;
    assert_eq!(paused.len(), 1, "{paused:?}");
    // What is edited meanwhile goes across once it is back.
    world.edit(
        ONOFFICE,
        &pair.onoffice,
        &json!({"Zusatz2": "ruft morgens an"}),
    )?;
    world.poll().await?;
    world.act(
        HIGHLEVEL,
        "set_field_active",
        &json!({"id": id, "active": true}),
    )?;
    world.wait(Duration::from_secs(30)).await;
    world.settle().await?;
    assert!(custom(&world, &pair.highlevel)?.contains("ruft morgens an"));
    // Cleared by a person while it is there, it is cleared on the other side as well.
    world.edit(
        HIGHLEVEL,
        &pair.highlevel,
        &json!({"customFields": [{"id": id, "field_value": ""}]}),
    )?;
    world.settle().await?;
    world.wait(Duration::from_secs(10)).await;
    world.settle().await?;
    assert!(!custom(&world, &pair.highlevel)?.contains("ruft"));
    assert!(!note(&world)?.contains("ruft"));
    assert!(questions(&world).await?.is_empty());
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_way_to_the_left_never_writes_to_the_right() -> Result<()> {
    let mut options = options();
    options.rules.mode = mapping::Mode::OneWayRightToLeft;
    let world = World::new(options).await?;
    let pair = seed(&world, "Anna")?;
    world.seed(HIGHLEVEL, &crate::support::on_the_left("Berta"))?;
    world.seed(ONOFFICE, &crate::support::on_the_right("Clara"))?;
    world.sync().await?;
    world.settle().await?;
    assert_eq!(crate::support::numbers(&world), (3, 2));
    world.edit(
        HIGHLEVEL,
        &pair.highlevel,
        &json!({"city": "Potsdam", "tags": []}),
    )?;
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Strasse": "Am Markt 9"}))?;
    world.settle().await?;
    world.poll().await?;
    world.sweep().await?;
    assert_eq!(world.held(HIGHLEVEL, &pair.highlevel)?.street, "Am Markt 9");
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Berlin");
    assert_eq!(world.control.core().counts.totals(ONOFFICE).writes, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_the_scope_on_the_right_sleeps_and_wakes_too() -> Result<()> {
    let mut options = options();
    contact(&mut options.rules).scope.right = vec![mapping::Condition {
        field: "ArtDaten".to_owned(),
        contains: Some(mapping::Words::from("Makler")),
        ..mapping::Condition::default()
    }];
    let (world, pair) = one_pair(options).await?;
    let mut outsider = crate::support::on_the_right("Berta");
    outsider["ArtDaten"] = json!(["Kunde"]);
    world.make(ONOFFICE, &outsider)?;
    world.edit(ONOFFICE, &pair.onoffice, &json!({"ArtDaten": ["Kunde"]}))?;
    world.poll().await?;
    assert_eq!(crate::support::numbers(&world), (1, 2));
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    world.settle().await?;
    world.sweep().await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Berlin");
    world.edit(
        ONOFFICE,
        &pair.onoffice,
        &json!({"ArtDaten": ["Kunde", "Makler"], "Strasse": "Am Markt 9"}),
    )?;
    world.poll().await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Potsdam");
    assert_eq!(world.held(HIGHLEVEL, &pair.highlevel)?.street, "Am Markt 9");
    assert_eq!(crate::support::numbers(&world), (1, 2));
    assert!(questions(&world).await?.is_empty());
    Ok(())
}
