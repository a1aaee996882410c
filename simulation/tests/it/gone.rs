//! Deletes, merges, lost rights and empty listings.

use anyhow::{Context, Result};
use mapping::DeleteRule;
use sandbox::judge::Pair;
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE, World};
use store::ReviewKind;

use crate::support::{
    agrees, answer, choices, contact, journal, link, numbers, on_the_left, on_the_right, one_pair,
    options, question, questions, seed,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_contact_is_asked_about_and_its_survivor_is_left_alone() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    world.delete(HIGHLEVEL, &pair.highlevel)?;
    world.settle().await?;
    let review = question(&world, ReviewKind::Deleted).await?;
    assert_eq!(
        choices(&review),
        ["leave", "recreate", "remove", "postpone"]
    );
    assert_eq!(world.pairs().await?, []);
    // Neither a sweep nor an edit of the survivor brings it back.
    world.sweep().await?;
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Ort": "Bernau"}))?;
    world.poll().await?;
    world.sweep().await?;
    assert_eq!(numbers(&world), (0, 1));
    answer(&world, &review, "recreate").await?;
    assert_eq!(numbers(&world), (1, 1));
    assert_eq!(world.living(HIGHLEVEL)[0].city, "Bernau");
    assert!(questions(&world).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_gone_from_both_sides_is_not_brought_back_by_a_list_that_lags() -> Result<()> {
    let mut options = options();
    options
        .switches
        .push(("highlevel.search_lag_ms".to_owned(), json!(600_000)));
    let world = World::new(options).await?;
    let (pair, other) = (seed(&world, "Anna")?, seed(&world, "Berta")?);
    link(&world, &[&pair, &other]).await?;
    world.delete(ONOFFICE, &pair.onoffice)?;
    world.delete(HIGHLEVEL, &pair.highlevel)?;
    world.settle().await?;
    assert_eq!(world.pairs().await?, [other]);
    world.sweep().await?;
    assert_eq!(numbers(&world), (1, 1));
    assert!(questions(&world).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_may_remove_the_survivor_and_what_it_held_is_kept() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    world.delete(HIGHLEVEL, &pair.highlevel)?;
    world.settle().await?;
    let review = question(&world, ReviewKind::Deleted).await?;
    answer(&world, &review, "remove").await?;
    assert!(world.held(ONOFFICE, &pair.onoffice)?.archived);
    let kept = journal(&world, &pair.onoffice).await?;
    assert!(
        kept.iter()
            .any(|row| row.entry.before.text() == Some("Lindenstr. 4"))
    );
    // An archived address is not made anew in HighLevel.
    world.sweep().await?;
    assert_eq!(numbers(&world).0, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_deleted_without_a_word_is_found_by_the_sweep() -> Result<()> {
    let world = World::new(options()).await?;
    let (pair, other) = (seed(&world, "Anna")?, seed(&world, "Berta")?);
    link(&world, &[&pair, &other]).await?;
    world.delete(ONOFFICE, &pair.onoffice)?;
    world.poll().await?;
    world.sweep().await?;
    question(&world, ReviewKind::Deleted).await?;
    assert_eq!(world.pairs().await?, [other]);
    world.sweep().await?;
    assert_eq!(numbers(&world), (2, 1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_is_carried_over_only_to_a_record_that_nobody_edited() -> Result<()> {
    let mut options = options();
    contact(&mut options.rules).deletes.left = DeleteRule::Archive;
    let world = World::new(options).await?;
    let pairs: Vec<Pair> = ["Anna", "Berta", "Clara"]
        .into_iter()
        .map(|name| seed(&world, name))
        .collect::<Result<_>>()?;
    link(&world, &pairs.iter().collect::<Vec<_>>()).await?;
    world.wait(std::time::Duration::from_secs(3)).await;
    // Berta is edited in a mapped field, Clara in one that nobody maps.
    world.edit(ONOFFICE, &pairs[1].onoffice, &json!({"Ort": "Bernau"}))?;
    world.edit(ONOFFICE, &pairs[2].onoffice, &json!({"Anrede": "Frau"}))?;
    for pair in &pairs {
        world.delete(HIGHLEVEL, &pair.highlevel)?;
    }
    world.settle().await?;
    let archived = |pair: &Pair| {
        world
            .held(ONOFFICE, &pair.onoffice)
            .map(|held| held.archived)
    };
    assert!(archived(&pairs[0])?);
    assert!(!archived(&pairs[1])?);
    assert!(!archived(&pairs[2])?);
    let open = questions(&world).await?;
    assert_eq!(open.len(), 2, "{open:#?}");
    assert!(
        open.iter()
            .all(|review| review.kind == ReviewKind::Deleted && review.summary.contains("edited"))
    );
    world.sweep().await?;
    assert_eq!(numbers(&world).0, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cannot_be_seen_is_not_made_a_second_time() -> Result<()> {
    let (world, _) = one_pair(options()).await?;
    world.act(ONOFFICE, "set_rights", &json!({"address_read": "none"}))?;
    world.make(ONOFFICE, &on_the_right("Clara"))?;
    world.make(HIGHLEVEL, &on_the_left("Clara"))?;
    world.wait(std::time::Duration::from_secs(30)).await;
    assert_eq!(numbers(&world), (2, 2));
    assert_eq!(world.pairs().await?.len(), 1);
    world.act(ONOFFICE, "set_rights", &json!({"address_read": "all"}))?;
    world.wait(std::time::Duration::from_secs(60)).await;
    world.settle().await?;
    assert_eq!(numbers(&world), (2, 2));
    assert_eq!(world.pairs().await?.len(), 2);
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_looked_for_while_a_right_was_lost_is_not_made_because_it_is_back() -> Result<()> {
    let (world, _) = one_pair(options()).await?;
    world.act(ONOFFICE, "set_rights", &json!({"address_read": "none"}))?;
    let late = world.fault(json!({
        "system": "onoffice", "action": "read address", "count": 1,
        "fault": {"kind": "delay_answer", "ms": 3_000},
    }))?;
    world.make(ONOFFICE, &on_the_right("Clara"))?;
    world.make(HIGHLEVEL, &on_the_left("Clara"))?;
    while world.struck(late) == 0 {
        world.wait(std::time::Duration::from_millis(20)).await;
    }
    world.wait(std::time::Duration::from_millis(500)).await;
    // the answer that is under way shows nobody, and the next one shows all
    world.act(ONOFFICE, "set_rights", &json!({"address_read": "all"}))?;
    world.wait(std::time::Duration::from_secs(60)).await;
    world.settle().await?;
    assert_eq!(numbers(&world), (2, 2));
    assert_eq!(world.pairs().await?.len(), 2);
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_a_create_came_to_nothing_is_not_believed_of_who_shows_nothing() -> Result<()> {
    let (world, _) = one_pair(options()).await?;
    world.fault(
        json!({"system": "onoffice", "action": "create address", "count": 1,
        "fault": {"kind": "drop_after"}}),
    )?;
    world.make(HIGHLEVEL, &on_the_left("Clara"))?;
    while numbers(&world) != (2, 2) {
        world.wait(std::time::Duration::from_millis(20)).await;
    }
    world.act(ONOFFICE, "set_rights", &json!({"address_read": "none"}))?;
    world.wait(std::time::Duration::from_secs(30)).await;
    assert_eq!(numbers(&world), (2, 2));
    world.act(ONOFFICE, "set_rights", &json!({"address_read": "all"}))?;
    world.wait(std::time::Duration::from_secs(60)).await;
    world.settle().await?;
    assert_eq!(numbers(&world), (2, 2));
    assert_eq!(world.pairs().await?.len(), 2);
    agrees(&world).await?;
    Ok(())
}

/// The next answer with addresses is late; when this returns, it is under way.
async fn late_answer(world: &World) -> Result<()> {
    let late = world.fault(json!({
        "system": "onoffice", "action": "read address", "count": 1,
        "fault": {"kind": "delay_answer", "ms": 2_000},
    }))?;
    while world.struck(late) == 0 {
        world.wait(std::time::Duration::from_millis(20)).await;
    }
    Ok(())
}

fn may_read(world: &World, what: &str) -> Result<()> {
    world
        .act(ONOFFICE, "set_rights", &json!({"address_read": what}))
        .map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_a_create_came_to_nothing_is_not_believed_because_a_right_is_back() -> Result<()> {
    let (world, anna) = one_pair(options()).await?;
    world.fault(
        json!({"system": "onoffice", "action": "create address", "count": 1,
        "fault": {"kind": "drop_after"}}),
    )?;
    world.make(HIGHLEVEL, &on_the_left("Clara"))?;
    while numbers(&world) != (2, 2) {
        world.wait(std::time::Duration::from_millis(20)).await;
    }
    // both looks show nobody, and the request after each shows all
    may_read(&world, "none")?;
    late_answer(&world).await?;
    may_read(&world, "all")?;
    late_answer(&world).await?;
    may_read(&world, "none")?;
    late_answer(&world).await?;
    may_read(&world, "all")?;
    world.wait(std::time::Duration::from_secs(60)).await;
    world.settle().await?;
    assert_eq!(numbers(&world), (2, 2));
    let pairs = world.pairs().await?;
    assert_eq!(pairs.len(), 2);
    // it is known as ours, and not matched as if somebody else had made it
    let clara = pairs.iter().find(|pair| **pair != anna).context("Clara")?;
    let rows = journal(&world, &clara.onoffice).await?;
    let is_made = |row: &store::JournalEntry| row.entry.effect == store::Effect::Created;
    assert!(rows.iter().any(is_made), "{rows:#?}");
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_made_anew_is_found_although_a_right_is_lost_for_that_question() -> Result<()> {
    let mut options = options();
    contact(&mut options.rules).deletes.right = DeleteRule::Propagate;
    let world = World::new(options).await?;
    let pairs = [seed(&world, "Anna")?, seed(&world, "Berta")?];
    link(&world, &[&pairs[0], &pairs[1]]).await?;
    world.wait(std::time::Duration::from_secs(3)).await;
    world.delete(ONOFFICE, &pairs[0].onoffice)?;
    world.make(ONOFFICE, &on_the_right("Anna"))?;
    world.edit(HIGHLEVEL, &pairs[0].highlevel, &json!({"city": "Potsdam"}))?;
    // it is read, proven gone, and looked for under its address
    late_answer(&world).await?;
    late_answer(&world).await?;
    may_read(&world, "none")?;
    late_answer(&world).await?;
    may_read(&world, "all")?;
    world.wait(std::time::Duration::from_secs(60)).await;
    world.settle().await?;
    question(&world, ReviewKind::Rebind).await?;
    assert_eq!(numbers(&world), (2, 2));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_one_that_is_linked_is_not_gone_because_a_right_is_back() -> Result<()> {
    let mut options = options();
    contact(&mut options.rules).deletes.right = DeleteRule::UnlinkAndAsk;
    let (world, pair) = one_pair(options).await?;
    may_read(&world, "none")?;
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    late_answer(&world).await?;
    may_read(&world, "all")?;
    world.wait(std::time::Duration::from_secs(60)).await;
    world.settle().await?;
    assert!(questions(&world).await?.is_empty());
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Potsdam");
    assert_eq!(world.pairs().await?, [pair]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_right_deletes_nothing_and_work_goes_on_when_it_is_back() -> Result<()> {
    let mut options = options();
    contact(&mut options.rules).deletes.right = DeleteRule::Propagate;
    let world = World::new(options).await?;
    let pairs = [seed(&world, "Anna")?, seed(&world, "Berta")?];
    link(&world, &[&pairs[0], &pairs[1]]).await?;
    world.act(ONOFFICE, "set_rights", &json!({"address_read": "none"}))?;
    world.edit(HIGHLEVEL, &pairs[0].highlevel, &json!({"city": "Potsdam"}))?;
    world.sweep().await?;
    world.sweep().await?;
    assert_eq!(numbers(&world), (2, 2));
    assert_eq!(world.pairs().await?.len(), 2);
    let review = question(&world, ReviewKind::MassChange).await?;
    assert!(review.summary.contains("0 of 2"), "{}", review.summary);
    world.act(ONOFFICE, "set_rights", &json!({"address_read": "all"}))?;
    // What waited is tried again by itself.
    world.wait(std::time::Duration::from_secs(10)).await;
    world.settle().await?;
    assert_eq!(world.held(ONOFFICE, &pairs[0].onoffice)?.city, "Potsdam");
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_back_when_the_next_record_is_read_proves_nothing_of_the_one_before()
-> Result<()> {
    let mut options = options();
    contact(&mut options.rules).deletes.right = DeleteRule::UnlinkAndAsk;
    let world = World::new(options).await?;
    let pairs = [seed(&world, "Anna")?, seed(&world, "Berta")?];
    link(&world, &[&pairs[0], &pairs[1]]).await?;
    world.act(ONOFFICE, "set_rights", &json!({"address_read": "none"}))?;
    let late = world.fault(json!({
        "system": "onoffice", "action": "read address", "count": 1,
        "fault": {"kind": "delay_answer", "ms": 800},
    }))?;
    world.edit(HIGHLEVEL, &pairs[0].highlevel, &json!({"city": "Potsdam"}))?;
    while world.struck(late) == 0 {
        world.wait(std::time::Duration::from_millis(20)).await;
    }
    world.wait(std::time::Duration::from_secs(2)).await;
    // the answer that is under way shows nobody
    world.act(ONOFFICE, "set_rights", &json!({"address_read": "all"}))?;
    world.wait(std::time::Duration::from_secs(60)).await;
    world.settle().await?;
    assert!(questions(&world).await?.is_empty());
    assert_eq!(world.pairs().await?.len(), 2);
    assert_eq!(world.held(ONOFFICE, &pairs[0].onoffice)?.city, "Potsdam");
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_that_was_merged_into_another_is_rebound_by_a_person() -> Result<()> {
    let mut options = options();
    contact(&mut options.rules).create.right = false;
    let (world, pair) = one_pair(options).await?;
    let mut other = on_the_left("Anna");
    other["email"] = json!("anna.brandt@work.example");
    other["phone"] = json!("+4930999888");
    other["lastName"] = json!("Brandt-Ziegler");
    let winner = world.make(HIGHLEVEL, &other)?;
    world.settle().await?;
    world.act(
        HIGHLEVEL,
        "merge_contacts",
        &json!({"winner": winner, "loser": pair.highlevel}),
    )?;
    // A merge tells nobody.
    world.sweep().await?;
    let open = questions(&world).await?;
    let review = open
        .iter()
        .find(|review| review.kind == ReviewKind::Rebind)
        .unwrap_or_else(|| panic!("{open:#?}"));
    let choice = format!("rebind:{winner}");
    assert!(choices(review).contains(&choice.as_str()), "{review:#?}");
    assert_eq!(numbers(&world), (1, 1));
    answer(&world, review, &choice).await?;
    let rebound = Pair {
        highlevel: winner,
        onoffice: pair.onoffice,
    };
    assert_eq!(world.pairs().await?, [rebound]);
    world.sweep().await?;
    assert!(questions(&world).await?.is_empty());
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_be_what_became_of_a_record_is_not_made_before_the_answer_whatever_it_is_called()
-> Result<()> {
    let mut options = options();
    contact(&mut options.rules).create.right = true;
    let (world, pair) = one_pair(options).await?;
    let email = world.held(HIGHLEVEL, &pair.highlevel)?.email;
    world.delete(HIGHLEVEL, &pair.highlevel)?;
    // Found to be gone only when somebody else has its address.
    let anew = json!({"firstName": "Anna", "lastName": "Brandt", "email": email});
    let anew = world.make(HIGHLEVEL, &anew)?;
    world.settle().await?;
    let asked = |open: &[store::Review], kind| {
        let mut of_kind = open.iter().filter(|review| review.kind == kind);
        of_kind.next().cloned()
    };
    let open = questions(&world).await?;
    let rebind = asked(&open, ReviewKind::Rebind).unwrap_or_else(|| panic!("{open:#?}"));
    assert_eq!(numbers(&world), (1, 1));

    // With this name it would be somebody else of the same household.
    world.edit(
        HIGHLEVEL,
        &anew,
        &json!({"firstName": "Ottokar", "lastName": "Zwischenahn"}),
    )?;
    world.settle().await?;
    world.sweep().await?;
    assert_eq!(numbers(&world), (1, 1));
    let open = questions(&world).await?;
    assert!(asked(&open, ReviewKind::Rebind).is_some(), "{open:#?}");
    assert!(asked(&open, ReviewKind::Ambiguous).is_some(), "{open:#?}");

    // It was somebody else: what remained is left alone, and the newcomer is made.
    answer(&world, &rebind, "leave").await?;
    world.sweep().await?;
    let open = questions(&world).await?;
    if let Some(apart) = asked(&open, ReviewKind::Ambiguous) {
        answer(&world, &apart, "apart").await?;
    }
    assert_eq!(numbers(&world), (1, 2));
    assert!(questions(&world).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_deletes_than_the_limit_stop_the_sync_until_a_person_lets_it_go_on() -> Result<()> {
    let mut options = options();
    contact(&mut options.rules).deletes.left = DeleteRule::Archive;
    let world = World::new(options).await?;
    let names = [
        "Anna", "Berta", "Clara", "Dora", "Emma", "Frieda", "Greta", "Hanna", "Ida", "Jana",
        "Klara", "Lena", "Maria", "Nina",
    ];
    let pairs: Vec<Pair> = names
        .into_iter()
        .map(|name| seed(&world, name))
        .collect::<Result<_>>()?;
    link(&world, &pairs.iter().collect::<Vec<_>>()).await?;
    world.wait(std::time::Duration::from_secs(3)).await;
    for pair in &pairs[..12] {
        world.delete(HIGHLEVEL, &pair.highlevel)?;
    }
    let archived = || {
        world
            .living(ONOFFICE)
            .iter()
            .filter(|held| held.archived)
            .count()
    };
    for _ in 0..100 {
        world.wait(std::time::Duration::from_secs(1)).await;
        if world.engine().status().await?.syncs[0].state == "paused" {
            break;
        }
    }
    let status = world.engine().status().await?;
    assert_eq!(status.syncs[0].state, "paused", "{status:#?}");
    assert_eq!(archived(), 10);
    let review = question(&world, ReviewKind::MassChange).await?;
    // Nothing happens while it is stopped, whatever is edited.
    world.edit(HIGHLEVEL, &pairs[13].highlevel, &json!({"city": "Potsdam"}))?;
    world.wait(std::time::Duration::from_secs(5)).await;
    assert_eq!(world.held(ONOFFICE, &pairs[13].onoffice)?.city, "Berlin");
    world.engine().resolve(review.id, "continue").await?;
    world.wait(std::time::Duration::from_secs(70)).await;
    world.settle().await?;
    assert_eq!(archived(), 12);
    assert_eq!(world.held(ONOFFICE, &pairs[13].onoffice)?.city, "Potsdam");
    assert_eq!(world.pairs().await?.len(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_gone_before_it_got_a_counterpart_is_not_made_from_memory() -> Result<()> {
    let mut options = options();
    contact(&mut options.rules).create.left = false;
    let mut world = World::new(options).await?;
    let pair = seed(&world, "Anna")?;
    let lone = world.seed(ONOFFICE, &crate::support::on_the_right("Berta"))?;
    link(&world, &[&pair]).await?;
    assert_eq!(numbers(&world), (1, 2));
    world.delete(ONOFFICE, &lone)?;
    // Now it might be made, but it is not there any more.
    world.apply(simulation::shipped_rules()).await;
    world.sweep().await?;
    assert_eq!(numbers(&world), (1, 1));
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creates_that_are_allowed_now_are_made_without_any_edit() -> Result<()> {
    let mut options = options();
    contact(&mut options.rules).create.left = false;
    let mut world = World::new(options).await?;
    let pair = seed(&world, "Anna")?;
    world.seed(ONOFFICE, &crate::support::on_the_right("Berta"))?;
    link(&world, &[&pair]).await?;
    world.apply(simulation::shipped_rules()).await;
    world.settle().await?;
    assert_eq!(numbers(&world), (2, 2));
    agrees(&world).await?;
    Ok(())
}
