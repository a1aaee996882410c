//! The other side's id, kept in a field of each side.

use anyhow::{Context, Result};
use sandbox::Operation;
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE, Options, World, people};
use store::{Commit, Store as _, Workspace};

use crate::support::{
    agrees, blocked, contact, link, numbers, on_the_left, on_the_right, one_pair, options,
    questions, seed,
};

/// A world whose sync keeps ids: HighLevel in a custom field, onOffice in a field that a user chose.
async fn keeping(mut options: Options) -> Result<(World, String)> {
    let rules = options.rules.clone();
    contact(&mut options.rules).create.left = true;
    let mut world = World::new(options).await?;
    let made = world.act(
        HIGHLEVEL,
        "add_field",
        &json!({"name": "onOffice id", "dataType": "TEXT"}),
    )?;
    let field = made["id"].as_str().context("an id")?.to_owned();
    let mut rules = rules;
    contact(&mut rules).keep_id = serde_json::from_value(
        json!({"left": format!("customFields.{field}"), "right": "Zusatz2"}),
    )?;
    assert_eq!(world.apply(rules).await, []);
    Ok((world, field))
}

/// What both records of a pair keep of each other.
fn kept(world: &World, left: &str, right: &str, field: &str) -> Result<(String, String)> {
    let contact = world.act(HIGHLEVEL, "get_contact", &json!({"id": left}))?;
    let of_left = contact["customFields"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| one["id"] == field)
        .and_then(|one| one["value"].as_str().or(one["fieldValue"].as_str()))
        .unwrap_or_default();
    let address = world.act(ONOFFICE, "show", &json!({"id": right.parse::<u64>()?}))?;
    let of_right = address["values"]["Zusatz2"].as_str().unwrap_or_default();
    Ok((of_left.to_owned(), of_right.to_owned()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_keep_the_other_ones_id_written_once_with_what_is_written_anyway() -> Result<()>
{
    let (world, field) = keeping(options()).await?;
    let linked = seed(&world, "Anna")?;
    // A pair that differs is written anyway, and the id goes with it.
    let mut differing = on_the_right("Berta");
    differing["Ort"] = json!("Bernau");
    let differing = world.seed_pair(&on_the_left("Berta"), &differing)?;
    let alone = world.seed(HIGHLEVEL, &on_the_left("Clara"))?;
    let mark = world.edit_mark();
    world.sync().await?;
    world.settle().await?;
    let pairs = world.pairs().await?;
    let made = pairs
        .iter()
        .find(|pair| pair.highlevel == alone)
        .context("Clara got a counterpart")?;
    for pair in [&linked, &differing, made] {
        let is = kept(&world, &pair.highlevel, &pair.onoffice, &field)?;
        assert_eq!(is, (pair.onoffice.clone(), pair.highlevel.clone()));
    }
    // One write a record: what was made got its id at once, and what was changed with the change.
    let updates = |system| world.api_edits_of(mark, system, Operation::Update);
    assert_eq!((updates(HIGHLEVEL), updates(ONOFFICE)), (3, 2));
    // It is no edit of anybody, and nobody writes it again, not even where a person took it away.
    world.edit(ONOFFICE, &linked.onoffice, &json!({"Zusatz2": ""}))?;
    let mark = world.edit_mark();
    world.poll().await?;
    world.sweep().await?;
    assert_eq!(world.api_edits(mark).len(), 0);
    assert!(questions(&world).await?.is_empty());
    assert!(blocked(&world).await?.is_empty());
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_was_lost_is_found_by_the_id_whoever_else_looks_alike() -> Result<()> {
    let (world, _) = keeping(options()).await?;
    let pair = seed(&world, "Anna")?;
    link(&world, &[&pair]).await?;
    // The database is one from before, and meanwhile both mailboxes were changed, and somebody else has the old one.
    let lost = world.engine().links(&people(), None, 0).await?;
    for row in &lost {
        let mut commit = Commit::default();
        commit.ended.push(row.id.parse()?);
        world
            .store
            .commit(&Workspace::from("default"), commit)
            .await?;
    }
    assert_eq!(world.pairs().await?, []);
    world.edit(
        ONOFFICE,
        &pair.onoffice,
        &json!({"Email": "anna@neu.example", "Telefon1": "040 998877"}),
    )?;
    let mut other = on_the_right("Anna");
    other["phone"] = json!("030 1112223");
    world.seed(ONOFFICE, &other)?;
    world.sync().await?;
    world.settle().await?;
    let pairs = world.pairs().await?;
    assert_eq!(
        pairs,
        [pair],
        "not by the mailbox that somebody else has now"
    );
    assert_eq!(numbers(&world), (1, 2), "and nobody is made twice");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_cannot_keep_an_id_is_refused_with_what_to_do() -> Result<()> {
    let (world, _) = one_pair(options()).await?;
    let mut rules = simulation::shipped_rules();
    contact(&mut rules).keep_id =
        serde_json::from_value(json!({"left": "customFields.nobody", "right": "Geburtsdatum"}))?;
    let found = world
        .engine()
        .check_rules(&world.connections, &people(), &rules)
        .await?;
    let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), 2, "{shown:#?}");
    assert!(
        shown[0].contains("keep_id.left") && shown[0].contains("tandem add-field"),
        "{shown:#?}"
    );
    assert!(shown[1].contains("no text field"), "{shown:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_field_is_made_on_request_where_the_system_can() -> Result<()> {
    let mut options = options();
    options.webhooks = false;
    let mut world = World::new(options).await?;
    let make = async |name: &str| {
        let name = store::ConnectionName::from(name);
        let connector = world.connections.connector(&name)?;
        let session = world
            .connections
            .session(&name, store::Lane::Live, "test")?;
        let made = connector.make_field(&session, record::Entity::Contact, "Other id");
        anyhow::Ok(made.await)
    };
    let made = make("highlevel").await??;
    let refused = make("onoffice")
        .await?
        .expect_err("onOffice has no such call");
    assert!(refused.to_string().contains("Eingabefelder"), "{refused}");
    let mut rules = simulation::shipped_rules();
    contact(&mut rules).keep_id.left = Some(made.to_string());
    assert_eq!(world.apply(rules).await, []);
    let pair = seed(&world, "Anna")?;
    link(&world, &[&pair]).await?;
    let field = made.as_str().trim_start_matches("customFields.").to_owned();
    let of_left = kept(&world, &pair.highlevel, &pair.onoffice, &field)?.0;
    assert_eq!(of_left, pair.onoffice);
    Ok(())
}
