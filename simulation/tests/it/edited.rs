//! Edits that are made through a sync: on both sides at once, in the journal, and never back as an edit.

use anyhow::Result;
use sandbox::judge::Pair;
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, ONOFFICE, World, people};
use store::{Effect, SignalSource};
use sync::{Edit, EditError, Edited};

use crate::support::{agrees, journal, mapping_of, one_pair, options, seed};

async fn edit(
    world: &World,
    connection: &str,
    record: &str,
    fields: Json,
) -> Result<Edited, EditError> {
    let edit = Edit {
        sync: people(),
        connection: connection.into(),
        entity: record::Entity::Contact,
        record: record.into(),
        fields: fields.as_object().expect("an object").clone(),
        trace: uuid::Uuid::from_u128(7),
    };
    world.engine().edit(&edit).await
}

/// It is refused with these words, and nothing was written.
async fn refused(
    world: &World,
    connection: &str,
    record: &str,
    fields: Json,
    words: &str,
) -> Result<()> {
    let before = world.writes();
    let answer = edit(world, connection, record, fields).await;
    match &answer {
        Err(EditError::Refused(why)) if why.contains(words) => {}
        other => anyhow::bail!("`{words}` is not why: {other:?}"),
    }
    assert_eq!(world.writes(), before, "{words}: something was written");
    Ok(())
}

fn cities(world: &World, pair: &Pair) -> Result<[String; 2]> {
    Ok([
        world.held(HIGHLEVEL, &pair.highlevel)?.city,
        world.held(ONOFFICE, &pair.onoffice)?.city,
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_reaches_both_sides_once_and_does_not_come_back() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    let before = world.writes();
    let edited = edit(
        &world,
        "onoffice",
        &pair.onoffice,
        json!({"Ort": "Potsdam"}),
    )
    .await?;
    assert_eq!(edited.written.len(), 2, "{edited:#?}");
    assert_eq!(world.writes(), before + 2, "one write to each side");
    assert_eq!(cities(&world, &pair)?, ["Potsdam", "Potsdam"]);
    for record in [&pair.highlevel, &pair.onoffice] {
        let rows = journal(&world, record).await?;
        let row = rows
            .iter()
            .map(|row| &row.entry)
            .find(|row| row.effect == Effect::Written && row.rule.ends_with("by a workflow"))
            .unwrap_or_else(|| panic!("no row of {record}: {rows:#?}"));
        assert_eq!(row.before, record::Field::of("Berlin"));
        assert_eq!(row.after, record::Field::of("Potsdam"));
        assert_eq!(row.cause.source, SignalSource::Workflow);
        assert_eq!(row.cause.trace, uuid::Uuid::from_u128(7));
    }
    // the same again is nothing new
    let again = edit(
        &world,
        "onoffice",
        &pair.onoffice,
        json!({"Ort": "Potsdam"}),
    )
    .await?;
    assert!(again.written.is_empty(), "{again:#?}");
    world.sweep().await?;
    world.poll().await?;
    world.settle().await?;
    assert_eq!(world.writes(), before + 2, "it came back");
    agrees(&world).await?;
    // an edit by hand after it crosses as ever
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Bernau"}))?;
    world.settle().await?;
    assert_eq!(cities(&world, &pair)?, ["Bernau", "Bernau"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_rules_would_put_back_or_ask_about_is_refused() -> Result<()> {
    let mut options = options();
    mapping_of(&mut options.rules, "city").direction = Some(merge::Direction::ToRight);
    let (world, pair) = one_pair(options).await?;
    let (left, right) = (pair.highlevel.as_str(), pair.onoffice.as_str());
    refused(
        &world,
        "onoffice",
        right,
        json!({"Ort": "Potsdam"}),
        "`city`",
    )
    .await?;
    refused(&world, "onoffice", right, json!({"Art": 3}), "`Art`").await?;
    refused(
        &world,
        "highlevel",
        left,
        json!({"city": {"a": 1}}),
        "holds text",
    )
    .await?;
    refused(
        &world,
        "elsewhere",
        left,
        json!({"city": "x"}),
        "not a side",
    )
    .await?;
    // a field that is only read is edited where it is from, by hand or by an operation
    let city = json!({"city": "Potsdam"});
    refused(&world, "highlevel", left, city, "only reads").await?;
    assert_eq!(cities(&world, &pair)?, ["Berlin", "Berlin"]);
    // nobody is linked whom the sync has not seen
    let other = seed(&world, "Berta")?;
    refused(
        &world,
        "highlevel",
        &other.highlevel,
        json!({"city": "x"}),
        "not linked",
    )
    .await?;
    // one that a person edits at this moment on the other side, where the rules say to ask
    world.lose_webhooks();
    world.edit(ONOFFICE, right, &json!({"Geburtsdatum": "1981-01-01"}))?;
    let birthday = json!({"dateOfBirth": "1982-02-02"});
    refused(
        &world,
        "highlevel",
        left,
        birthday,
        "a person has to decide",
    )
    .await?;
    Ok(())
}
