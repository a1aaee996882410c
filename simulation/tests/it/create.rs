//! Making records: once, whatever becomes of the answer.

use std::time::Duration;

use anyhow::Result;
use sandbox::System;
use serde_json::{Value as Json, json};
use simulation::{Failure, HIGHLEVEL, ONOFFICE, World};
use store::ReviewKind;

use crate::support::{
    agrees, answer, blocked, choices, link, numbers, on_the_left, on_the_right, options, question,
    questions, seed, world,
};

/// Where a record is made, how that fails, and who is there only on the other side.
struct Case {
    target: System,
    fault: Json,
}

fn creates(target: System, fault: Json) -> Case {
    let mut rule = match target {
        System::HighLevel => {
            json!({"system": "highlevel", "method": "POST", "path": "/contacts/", "count": 1})
        }
        System::OnOffice => json!({"system": "onoffice", "action": "create address", "count": 1}),
        System::OfficeRnd => {
            json!({"system": "officernd", "method": "POST", "path": "/members", "count": 1})
        }
    };
    rule["fault"] = fault;
    Case {
        target,
        fault: rule,
    }
}

fn newcomer(world: &World, target: System) -> Result<()> {
    match target {
        System::HighLevel => world.make(ONOFFICE, &on_the_right("Berta"))?,
        System::OnOffice | System::OfficeRnd => world.make(HIGHLEVEL, &on_the_left("Berta"))?,
    };
    Ok(())
}

/// Makes a newcomer while the create fails so; afterwards there is just one on each side.
async fn comes_across_once(case: Case) -> Result<World> {
    let world = world().await?;
    let pair = seed(&world, "Anna")?;
    link(&world, &[&pair]).await?;
    let fault = world.fault(case.fault)?;
    newcomer(&world, case.target)?;
    world.poll().await?;
    assert_eq!(world.struck(fault), 1, "the fault did not strike");
    assert_eq!(numbers(&world), (2, 2));
    assert_eq!(world.pairs().await?.len(), 2);
    assert!(questions(&world).await?.is_empty());
    // A later sweep finds nothing to do.
    let writes = world.writes();
    world.sweep().await?;
    assert_eq!(world.writes(), writes);
    agrees(&world).await?;
    Ok(world)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_in_onoffice_without_an_answer_is_adopted() -> Result<()> {
    comes_across_once(creates(ONOFFICE, json!({"kind": "drop_after"}))).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_in_highlevel_without_an_answer_is_adopted() -> Result<()> {
    comes_across_once(creates(HIGHLEVEL, json!({"kind": "drop_after"}))).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_that_failed_before_its_effect_is_made_once() -> Result<()> {
    for target in [HIGHLEVEL, ONOFFICE] {
        for fault in [
            json!({"kind": "status", "status": 500}),
            json!({"kind": "drop_before"}),
            json!({"kind": "non_json"}),
        ] {
            comes_across_once(creates(target, fault)).await?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_that_comes_to_nothing_again_and_again_ends_in_a_question() -> Result<()> {
    let world = world().await?;
    let pair = seed(&world, "Anna")?;
    link(&world, &[&pair]).await?;
    let fault = world.fault(json!({
        "system": "highlevel", "method": "POST", "path": "/contacts/",
        "fault": {"kind": "status", "status": 500},
    }))?;
    newcomer(&world, HIGHLEVEL)?;
    world.poll().await?;
    let asked = questions(&world).await?;
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].kind, ReviewKind::Refused);
    assert_eq!(world.struck(fault), 4);
    world.sweep().await?;
    assert!(
        world.struck(fault) <= 5,
        "it is parked: a sweep tries it once"
    );
    assert_eq!(questions(&world).await?.len(), 1);
    assert_eq!(numbers(&world), (1, 2));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_that_lags_in_the_search_is_adopted_all_the_same() -> Result<()> {
    let mut options = options();
    options
        .switches
        .retain(|(name, _)| name != "highlevel.search_lag_ms");
    options
        .switches
        .push(("highlevel.search_lag_ms".to_owned(), json!(5000)));
    let world = World::new(options).await?;
    world.fault(
        json!({"system": "highlevel", "method": "POST", "path": "/contacts/", "count": 1,
        "fault": {"kind": "drop_after"}}),
    )?;
    world.seed(ONOFFICE, &on_the_right("Berta"))?;
    world.sync().await?;
    world.settle().await?;
    assert_eq!(numbers(&world), (1, 1));
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_422_that_created_all_the_same_is_no_second_contact() -> Result<()> {
    let world = world().await?;
    world.switch("highlevel.create_422_every", 1)?;
    world.seed(ONOFFICE, &on_the_right("Berta"))?;
    world.sync().await?;
    world.settle().await?;
    world.switch("highlevel.create_422_every", 0)?;
    world.sweep().await?;
    assert_eq!(numbers(&world), (1, 1));
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_duplicate_answer_that_names_a_linked_record_is_a_question() -> Result<()> {
    let world = world().await?;
    let pair = seed(&world, "Anna")?;
    link(&world, &[&pair]).await?;
    // Another person with a mail address that only HighLevel's duplicate check holds equal.
    let mut dora = on_the_right("Dora");
    dora["email"] = json!("dora@brandt.example");
    dora["Name"] = json!("Ziegler");
    world.act(
        HIGHLEVEL,
        "edit_contact",
        &json!({"id": pair.highlevel, "fields": {"additionalEmails": ["dora@brandt.example"]}}),
    )?;
    world.settle().await?;
    let dora = world.make(ONOFFICE, &dora)?;
    world.poll().await?;
    let review = question(&world, ReviewKind::Ambiguous).await?;
    assert_eq!(review.right.as_ref().map(ToString::to_string), Some(dora));
    assert_eq!(world.pairs().await?, [pair]);
    assert_eq!(numbers(&world), (1, 2));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_that_is_refused_for_one_field_is_made_without_it_and_listed() -> Result<()> {
    let world = world().await?;
    let mut berta = on_the_right("Berta");
    berta["phone"] = json!("0900 kein Anschluss");
    let id = world.seed(ONOFFICE, &berta)?;
    world.sync().await?;
    world.settle().await?;
    assert_eq!(numbers(&world), (1, 1));
    let made = world.living(HIGHLEVEL).remove(0);
    assert_eq!((&*made.first_name, &*made.phone), ("Berta", ""));
    let rows = blocked(&world).await?;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0].mapping, "phone");
    // Nothing is sent again while nothing changes.
    let writes = world.writes();
    world.sweep().await?;
    world.edit(ONOFFICE, &id, &json!({"Vorname": "Bertha"}))?;
    world.poll().await?;
    assert_eq!(world.writes(), writes + 1);
    assert_eq!(world.living(HIGHLEVEL)[0].first_name, "Bertha");
    // It is sent when it changes, and no longer listed.
    world.edit(ONOFFICE, &id, &json!({"Telefon1": "030 5551234"}))?;
    world.sweep().await?;
    assert_eq!(world.living(HIGHLEVEL)[0].phone, "+49305551234");
    assert!(blocked(&world).await?.is_empty());
    agrees(&world).await?;
    Ok(())
}

/// Kills the engine while a create is under way and has taken effect, or has not.
async fn killed_while_creating(target: System, fault: Json) -> Result<()> {
    let mut world = world().await?;
    let pair = seed(&world, "Anna")?;
    link(&world, &[&pair]).await?;
    let fault = world.fault(creates(target, fault).fault)?;
    newcomer(&world, target)?;
    world.engine().poll_now().await?;
    while world.struck(fault) == 0 {
        world.wait(Duration::from_millis(50)).await;
    }
    // The request has left; whether it arrived, the next process cannot know.
    world.wait(Duration::from_millis(500)).await;
    world.kill_and_restart()?;
    world.settle().await?;
    // What failed at its first try, perhaps still in the old process, comes to its second.
    world.wait(Duration::from_secs(15)).await;
    world.settle().await?;
    world.sweep().await?;
    assert_eq!(numbers(&world), (2, 2));
    assert_eq!(world.pairs().await?.len(), 2);
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_effect_and_answer_nothing_is_made_twice() -> Result<()> {
    for target in [HIGHLEVEL, ONOFFICE] {
        killed_while_creating(target, json!({"kind": "delay_answer", "ms": 20000})).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_the_effect_it_is_made_once() -> Result<()> {
    for target in [HIGHLEVEL, ONOFFICE] {
        killed_while_creating(target, json!({"kind": "delay", "ms": 20000})).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_cannot_be_written_leaves_nothing_half_done() -> Result<()> {
    for how in [Failure::Before, Failure::After] {
        let mut options = options();
        options.pace.lease = Duration::from_secs(10);
        let world = World::new(options).await?;
        let pair = seed(&world, "Anna")?;
        link(&world, &[&pair]).await?;
        world.make(HIGHLEVEL, &on_the_left("Berta"))?;
        world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
        world.store.fail_commits(2, how);
        world.wait(Duration::from_secs(1)).await;
        world.settle().await?;
        assert!(world.store.has_failed());
        world.sweep().await?;
        assert_eq!(numbers(&world), (2, 2));
        assert_eq!(world.pairs().await?.len(), 2);
        assert!(questions(&world).await?.is_empty());
        agrees(&world).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_records_of_one_person_are_made_once_and_asked_once() -> Result<()> {
    let world = world().await?;
    let twins = [
        world.seed(HIGHLEVEL, &on_the_left("Berta"))?,
        world.seed(HIGHLEVEL, &on_the_left("Berta"))?,
    ];
    world.sync().await?;
    world.settle().await?;
    assert_eq!(numbers(&world), (2, 1));
    let pairs = world.pairs().await?;
    assert_eq!(pairs.len(), 1);
    let review = question(&world, ReviewKind::Ambiguous).await?;
    let asked = review.left.as_ref().map(ToString::to_string);
    assert!(twins.contains(&pairs[0].highlevel));
    assert!(asked.is_some_and(|asked| twins.contains(&asked) && asked != pairs[0].highlevel));
    assert!(choices(&review).contains(&"apart"));
    // A sweep asks nothing anew and makes nothing.
    world.sweep().await?;
    question(&world, ReviewKind::Ambiguous).await?;
    assert_eq!(numbers(&world), (2, 1));
    // A person says they are two: then both have a counterpart.
    answer(&world, &review, "apart").await?;
    assert_eq!(numbers(&world), (2, 2));
    assert_eq!(world.pairs().await?.len(), 2);
    assert!(questions(&world).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_made_on_both_sides_at_once_is_one_link() -> Result<()> {
    let world = world().await?;
    let pair = seed(&world, "Anna")?;
    link(&world, &[&pair]).await?;
    // Both are heard of at once, and looking takes long.
    world.fault(
        json!({"system": "onoffice", "action": "read address", "count": 4,
        "fault": {"kind": "delay", "ms": 500}}),
    )?;
    world.make(HIGHLEVEL, &on_the_left("Berta"))?;
    world.make(ONOFFICE, &on_the_right("Berta"))?;
    world.poll().await?;
    world.sweep().await?;
    assert_eq!(numbers(&world), (2, 2));
    assert_eq!(world.pairs().await?.len(), 2);
    assert!(questions(&world).await?.is_empty());
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_made_carries_the_import_tag_and_the_tag_does_not_travel() -> Result<()> {
    let world = world().await?;
    world.seed(ONOFFICE, &on_the_right("Berta"))?;
    world.sync().await?;
    world.settle().await?;
    world.sweep().await?;
    let made = world.living(HIGHLEVEL).remove(0);
    assert!(made.tags.contains(&"tandem import".to_owned()), "{made:?}");
    assert!(made.tags.contains(&"Kunde".to_owned()), "{made:?}");
    let source = world.living(ONOFFICE).remove(0);
    assert_eq!(source.tags, ["Kunde", "Makler"]);
    // Taken off by a person, it stays off.
    world.act(
        HIGHLEVEL,
        "remove_tags",
        &json!({"id": made.id, "tags": ["tandem import"]}),
    )?;
    world.settle().await?;
    world.sweep().await?;
    assert!(
        !world.living(HIGHLEVEL)[0]
            .tags
            .contains(&"tandem import".to_owned())
    );
    agrees(&world).await?;
    Ok(())
}
