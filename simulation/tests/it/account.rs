//! Modes, scope, and accounts that cannot be used for a while.

use std::time::Duration;

use anyhow::Result;
use connections::Health;
use mapping::{Condition, Mode, Words};
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE, World, people, shipped_rules};
use store::ConnectionName;
use sync::Progress;
use tokio::sync::watch;

use crate::support::{
    agrees, contact, link, numbers, on_the_left, on_the_right, one_pair, options, questions, seed,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_plans_everything_and_writes_nothing() -> Result<()> {
    let mut options = options();
    options.rules.mode = Mode::Preview;
    let mut world = World::new(options).await?;
    let pair = seed(&world, "Anna")?;
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    world.seed(HIGHLEVEL, &on_the_left("Berta"))?;
    world.seed(ONOFFICE, &on_the_right("Clara"))?;
    let (progress, _) = watch::channel(Progress::default());
    let plan = world.engine().plan(&people(), &progress).await?;
    let shown = serde_json::to_value(&plan)?;
    assert_eq!(shown["left"]["creates"], 1, "{shown:#}");
    assert_eq!(shown["right"]["creates"], 1, "{shown:#}");
    assert_eq!(shown["right"]["fields"], json!({"city": 1}), "{shown:#}");
    assert_eq!(plan.matched.values().sum::<u64>(), 1, "{shown:#}");
    assert!(world.sync().await.is_err());
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Bernau"}))?;
    world.wait(Duration::from_secs(5)).await;
    world.poll().await?;
    assert_eq!(world.writes(), 0);
    assert_eq!(numbers(&world), (2, 2));
    // What was only looked at is done once it may.
    world.apply(shipped_rules()).await;
    world.sync().await?;
    world.settle().await?;
    assert_eq!(numbers(&world), (3, 3));
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_way_never_writes_to_the_source() -> Result<()> {
    let mut options = options();
    options.rules.mode = Mode::OneWayLeftToRight;
    let world = World::new(options).await?;
    let pair = seed(&world, "Anna")?;
    world.seed(HIGHLEVEL, &on_the_left("Berta"))?;
    world.seed(ONOFFICE, &on_the_right("Clara"))?;
    world.sync().await?;
    world.settle().await?;
    assert_eq!(numbers(&world), (2, 3));
    world.edit(
        ONOFFICE,
        &pair.onoffice,
        &json!({"Ort": "Bernau", "ArtDaten": []}),
    )?;
    world.edit(
        HIGHLEVEL,
        &pair.highlevel,
        &json!({"address1": "Am Markt 9"}),
    )?;
    world.poll().await?;
    world.sweep().await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.street, "Am Markt 9");
    assert_eq!(world.held(HIGHLEVEL, &pair.highlevel)?.city, "Berlin");
    assert_eq!(world.control.core().counts.totals(HIGHLEVEL).writes, 0);
    Ok(())
}

fn health(world: &World, name: &str) -> Result<Health> {
    Ok(world.connections.health(&ConnectionName::from(name))?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_token_is_renewed_and_nobody_notices() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    world.act(HIGHLEVEL, "expire_tokens", &json!({}))?;
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Ort": "Bernau"}))?;
    world.poll().await?;
    assert_eq!(world.held(HIGHLEVEL, &pair.highlevel)?.city, "Bernau");
    assert_eq!(health(&world, "highlevel")?, Health::Ok);
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_waits_for_a_person_and_then_everything_is_made_up_for() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    let access = world.act(HIGHLEVEL, "access", &json!({}))?;
    world.act(
        HIGHLEVEL,
        "uninstall",
        &json!({"locationId": access["mainLocationId"]}),
    )?;
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Ort": "Bernau"}))?;
    // The other account is read on all the same.
    drop(world.engine().poll_now().await);
    world.wait(Duration::from_secs(10)).await;
    assert!(matches!(
        health(&world, "highlevel")?,
        Health::NeedsSignIn { .. }
    ));
    assert_eq!(health(&world, "onoffice")?, Health::Ok);
    assert_eq!(world.held(HIGHLEVEL, &pair.highlevel)?.city, "Berlin");
    assert_eq!(world.pairs().await?, std::slice::from_ref(&pair));
    world.connect_highlevel().await?;
    assert_eq!(health(&world, "highlevel")?, Health::Ok);
    world.wait(Duration::from_secs(10)).await;
    world.poll().await?;
    assert_eq!(world.held(HIGHLEVEL, &pair.highlevel)?.city, "Bernau");
    assert!(questions(&world).await?.is_empty());
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_no_longer_holds_stops_one_account_only() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    world.act(ONOFFICE, "regenerate_access", &json!({}))?;
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    world.wait(Duration::from_secs(10)).await;
    assert!(matches!(
        health(&world, "onoffice")?,
        Health::NeedsSignIn { .. }
    ));
    assert_eq!(health(&world, "highlevel")?, Health::Ok);
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Berlin");
    world.connect_onoffice().await?;
    world.wait(Duration::from_secs(10)).await;
    world.settle().await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Potsdam");
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_the_scope_sleeps_and_wakes_with_the_base() -> Result<()> {
    let mut options = options();
    contact(&mut options.rules).scope.left = vec![Condition {
        field: "tags".to_owned(),
        contains: Some(Words::from("VIP")),
        ..Condition::default()
    }];
    let world = World::new(options).await?;
    let pair = seed(&world, "Anna")?;
    let mut outsider = on_the_left("Berta");
    outsider["tags"] = json!(["Kunde"]);
    world.seed(HIGHLEVEL, &outsider)?;
    link(&world, &[&pair]).await?;
    // Out of scope is never made.
    assert_eq!(numbers(&world), (2, 1));
    world.act(
        HIGHLEVEL,
        "remove_tags",
        &json!({"id": pair.highlevel, "tags": ["VIP"]}),
    )?;
    world.settle().await?;
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Strasse": "Am Markt 9"}))?;
    world.poll().await?;
    world.sweep().await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Berlin");
    assert_eq!(
        world.held(HIGHLEVEL, &pair.highlevel)?.street,
        "Lindenstr. 4"
    );
    assert_eq!(world.pairs().await?.len(), 1);
    // Back again, both sides' edits are edits against what was last agreed on.
    world.act(
        HIGHLEVEL,
        "add_tags",
        &json!({"id": pair.highlevel, "tags": ["VIP"]}),
    )?;
    world.settle().await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Potsdam");
    assert_eq!(world.held(HIGHLEVEL, &pair.highlevel)?.street, "Am Markt 9");
    assert!(questions(&world).await?.is_empty());
    assert_eq!(numbers(&world), (2, 1));
    Ok(())
}
