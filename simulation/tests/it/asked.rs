//! What only a person can say, and that it is remembered.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, ONOFFICE, World};
use store::{ReviewKind, ReviewState};

use crate::support::{
    agrees, answer, blocked, link, numbers, on_the_left, on_the_right, one_pair, options, question,
    questions, seed, world,
};

/// Somebody with neither mailbox nor phone, by whom nothing can be found again.
fn nameless_keys() -> Json {
    let mut berta = on_the_left("Berta");
    berta["email"] = json!("");
    berta["phone"] = json!("");
    berta
}

/// The create of a person without keys ends without an answer.
async fn unproven(fault: &str) -> Result<World> {
    let world = world().await?;
    let pair = seed(&world, "Anna")?;
    link(&world, &[&pair]).await?;
    world.fault(
        json!({"system": "onoffice", "action": "create address", "count": 1,
        "fault": {"kind": fault}}),
    )?;
    world.make(HIGHLEVEL, &nameless_keys())?;
    world.settle().await?;
    Ok(world)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_without_keys_whose_answer_was_lost_is_adopted_once_its_record_is_seen()
-> Result<()> {
    let world = unproven("drop_after").await?;
    // Nothing can be searched by, but the delta read shows the record, and its content is just ours.
    assert_eq!(numbers(&world), (2, 2));
    assert!(questions(&world).await?.is_empty());
    assert_eq!(world.pairs().await?.len(), 2);
    world.sweep().await?;
    assert_eq!(numbers(&world), (2, 2));
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_that_was_not_made_is_made_when_a_person_says_so() -> Result<()> {
    let world = unproven("drop_before").await?;
    // Known not to have happened, or asked about: never both sides' silence.
    for review in questions(&world).await? {
        assert_eq!(review.kind, ReviewKind::UnprovenCreate, "{review:#?}");
        answer(&world, &review, "retry").await?;
    }
    assert_eq!(numbers(&world), (2, 2));
    assert_eq!(world.pairs().await?.len(), 2);
    assert!(questions(&world).await?.is_empty());
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_refused_for_good_is_asked_about_and_made_once_it_can_be() -> Result<()> {
    let world = world().await?;
    let pair = seed(&world, "Anna")?;
    link(&world, &[&pair]).await?;
    // onOffice's administrator wants a title of everybody, and this sync has none to give.
    world.act(
        ONOFFICE,
        "set_mandatory_fields",
        &json!({"fields": ["Titel"]}),
    )?;
    world.make(HIGHLEVEL, &on_the_left("Berta"))?;
    world.settle().await?;
    assert_eq!(numbers(&world), (2, 1));
    let review = question(&world, ReviewKind::Refused).await?;
    assert!(review.summary.contains("Titel"), "{}", review.summary);
    world.sweep().await?;
    let writes = world.writes();
    world.sweep().await?;
    world.poll().await?;
    assert_eq!(world.writes(), writes, "it is not tried again and again");
    question(&world, ReviewKind::Refused).await?;
    world.act(ONOFFICE, "set_mandatory_fields", &json!({"fields": []}))?;
    answer(&world, &review, "retry").await?;
    assert_eq!(numbers(&world), (2, 2));
    assert!(questions(&world).await?.is_empty());
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_household_that_shares_a_phone_is_never_linked_by_itself() -> Result<()> {
    let world = world().await?;
    world.act(
        HIGHLEVEL,
        "set_location",
        &json!({"allowDuplicateContact": true}),
    )?;
    let anna = on_the_left("Anna");
    let anna_id = world.seed(HIGHLEVEL, &anna)?;
    let mut peter = on_the_right("Peter");
    peter["phone"] = anna["phone"].clone();
    peter["Geburtsdatum"] = json!("1978-02-03");
    let peter_id = world.seed(ONOFFICE, &peter)?;
    world.sync().await?;
    world.settle().await?;
    world.sweep().await?;
    let together = |pairs: &[sandbox::judge::Pair]| {
        pairs
            .iter()
            .any(|pair| pair.highlevel == anna_id && pair.onoffice == peter_id)
    };
    assert!(!together(&world.pairs().await?));
    for review in questions(&world).await? {
        assert_eq!(review.kind, ReviewKind::Ambiguous, "{review:#?}");
        answer(&world, &review, "apart").await?;
    }
    world.sweep().await?;
    world.sweep().await?;
    assert!(questions(&world).await?.is_empty());
    assert!(!together(&world.pairs().await?));
    assert_eq!(world.held(HIGHLEVEL, &anna_id)?.first_name, "Anna");
    assert_eq!(world.held(ONOFFICE, &peter_id)?.first_name, "Peter");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postponed_conflict_waits_until_something_changes() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    world.edit(
        HIGHLEVEL,
        &pair.highlevel,
        &json!({"dateOfBirth": "1981-05-17"}),
    )?;
    world.edit(
        ONOFFICE,
        &pair.onoffice,
        &json!({"Geburtsdatum": "1982-05-17"}),
    )?;
    world.poll().await?;
    let review = question(&world, ReviewKind::Conflict).await?;
    answer(&world, &review, "postpone").await?;
    world.sweep().await?;
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    world.settle().await?;
    assert!(questions(&world).await?.is_empty());
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Potsdam");
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.birthday, "1982-05-17");
    // Put off is not forgotten: it can still be answered.
    let put_off = world
        .engine()
        .reviews(&store::ReviewFilter {
            state: Some(ReviewState::Postponed),
            ..store::ReviewFilter::default()
        })
        .await?;
    assert_eq!(put_off.len(), 1);
    answer(&world, &put_off[0], "left").await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.birthday, "1981-05-17");
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_not_offered_or_comes_twice_is_refused() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    world.delete(HIGHLEVEL, &pair.highlevel)?;
    world.settle().await?;
    let review = question(&world, ReviewKind::Deleted).await?;
    let why = world
        .engine()
        .resolve(review.id, "left")
        .await
        .expect_err("it is not offered")
        .to_string();
    assert!(why.contains("leave"), "{why}");
    answer(&world, &review, "leave").await?;
    assert!(world.engine().resolve(review.id, "remove").await.is_err());
    world.sweep().await?;
    assert!(questions(&world).await?.is_empty());
    assert_eq!(numbers(&world), (0, 1));
    assert!(!world.held(ONOFFICE, &pair.onoffice)?.archived);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_fails_stands_in_the_status_with_its_reason() -> Result<()> {
    let world = World::new(options()).await?;
    let (anna, berta) = (seed(&world, "Anna")?, seed(&world, "Berta")?);
    link(&world, &[&anna, &berta]).await?;
    let fault = world.fault(json!({"system": "highlevel", "method": "PUT",
        "path": format!("/contacts/{}", anna.highlevel), "fault": {"kind": "non_json"}}))?;
    world.edit(ONOFFICE, &anna.onoffice, &json!({"Ort": "Bernau"}))?;
    world.edit(ONOFFICE, &berta.onoffice, &json!({"Ort": "Bernau"}))?;
    world.engine().poll_now().await?;
    for _ in 0..200 {
        world.wait(Duration::from_millis(200)).await;
        if world.struck(fault) > 0 && world.held(HIGHLEVEL, &berta.highlevel)?.city == "Bernau" {
            break;
        }
    }
    assert_eq!(world.held(HIGHLEVEL, &berta.highlevel)?.city, "Bernau");
    for _ in 0..50 {
        if !world.engine().status().await?.failing_records.is_empty() {
            break;
        }
        world.wait(Duration::from_millis(200)).await;
    }
    let status = world.engine().status().await?;
    let row = &status.failing_records[0];
    assert!(
        row.record.as_str() == anna.onoffice || row.record.as_str() == anna.highlevel,
        "{row:?}"
    );
    assert!(row.error.contains("not the API answered"), "{row:?}");
    assert!(blocked(&world).await?.is_empty());
    world.control.core().faults.clear();
    world.wait(Duration::from_secs(20)).await;
    world.settle().await?;
    assert!(world.engine().status().await?.failing_records.is_empty());
    agrees(&world).await?;
    Ok(())
}
