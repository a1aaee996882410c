//! What becomes of edits of linked records, field by field.

use std::time::Duration;

use anyhow::Result;
use merge::{Alignment, Policy};
use record::{Entity, RecordId};
use sandbox::Operation;
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE, World, shipped_rules};
use store::{ConnectionName, ReviewKind, ReviewState};

use crate::support::{
    agrees, answer, choices, has_kept, journal, link, mapping_of, on_the_left, on_the_right,
    one_pair, options, question, questions,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disjoint_edits_of_one_record_merge() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    let mark = world.edit_mark();
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Strasse": "Am Markt 9"}))?;
    world.poll().await?;
    let left = world.held(HIGHLEVEL, &pair.highlevel)?;
    let right = world.held(ONOFFICE, &pair.onoffice)?;
    assert_eq!((&*left.city, &*right.city), ("Potsdam", "Potsdam"));
    assert_eq!(
        (&*left.street, &*right.street),
        ("Am Markt 9", "Am Markt 9")
    );
    agrees(&world).await?;
    assert!(questions(&world).await?.is_empty());
    // One change set on each other side.
    assert_eq!(world.api_edits_of(mark, HIGHLEVEL, Operation::Update), 1);
    assert_eq!(world.api_edits_of(mark, ONOFFICE, Operation::Update), 1);
    assert!(has_kept(&world, &pair.onoffice, "Ort", "Berlin").await?);
    assert!(has_kept(&world, &pair.highlevel, "address1", "Lindenstr. 4").await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_to_the_same_meaning_agree_without_a_write() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    let before = world.writes();
    world.edit(
        HIGHLEVEL,
        &pair.highlevel,
        &json!({"phone": "+4940123456", "firstName": "Annegret"}),
    )?;
    world.edit(
        ONOFFICE,
        &pair.onoffice,
        &json!({"Telefon1": "040 / 12 34 56", "Vorname": "Annegret"}),
    )?;
    world.poll().await?;
    assert_eq!(world.writes(), before);
    agrees(&world).await?;
    // The agreed value is the base now: an edit of one side goes across without a question.
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"firstName": "Anna"}))?;
    world.settle().await?;
    agrees(&world).await?;
    assert!(questions(&world).await?.is_empty());
    Ok(())
}

/// Both sides give the person another birthday.
fn two_birthdays(world: &simulation::World, pair: &sandbox::judge::Pair) -> Result<()> {
    world.edit(
        HIGHLEVEL,
        &pair.highlevel,
        &json!({"dateOfBirth": "1981-05-17"}),
    )?;
    world.edit(
        ONOFFICE,
        &pair.onoffice,
        &json!({"Geburtsdatum": "1982-05-17"}),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_is_asked_with_both_values_and_the_base_and_either_side_can_win() -> Result<()> {
    for (choice, wins) in [("left", "1981-05-17"), ("right", "1982-05-17")] {
        let (world, pair) = one_pair(options()).await?;
        let mark = world.edit_mark();
        two_birthdays(&world, &pair)?;
        world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
        world.poll().await?;
        let review = question(&world, ReviewKind::Conflict).await?;
        assert_eq!(review.details["mapping"], "birthday");
        let shown = review.details.to_string();
        for value in ["1980-05-17", "1981-05-17", "1982-05-17"] {
            assert!(shown.contains(value), "{shown}");
        }
        assert_eq!(choices(&review), ["left", "right", "postpone"]);
        // Only the conflict waits; the rest went across.
        assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Potsdam");
        let explained = world
            .engine()
            .explain(
                &ConnectionName::from("onoffice"),
                Entity::Contact,
                &RecordId::from(pair.onoffice.as_str()),
                None,
            )
            .await?;
        assert_eq!(explained.reviews.len(), 1);
        answer(&world, &review, choice).await?;
        assert_eq!(world.held(HIGHLEVEL, &pair.highlevel)?.birthday, wins);
        assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.birthday, wins);
        agrees(&world).await?;
        assert!(questions(&world).await?.is_empty());
        let decided = world
            .engine()
            .reviews(&store::ReviewFilter::default())
            .await?;
        assert_eq!(decided[0].state, ReviewState::Decided);
        assert_eq!(decided[0].choice.as_deref(), Some(choice));
        assert!(
            world
                .api_edits(mark)
                .iter()
                .all(|edit| !edit.fields.is_empty())
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_that_people_settle_themselves_is_withdrawn() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    two_birthdays(&world, &pair)?;
    world.poll().await?;
    question(&world, ReviewKind::Conflict).await?;
    world.edit(
        HIGHLEVEL,
        &pair.highlevel,
        &json!({"dateOfBirth": "1982-05-17"}),
    )?;
    world.settle().await?;
    assert!(questions(&world).await?.is_empty());
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_of_a_field_wins_and_the_loser_is_kept() -> Result<()> {
    let mut options = options();
    mapping_of(&mut options.rules, "city").policy = Some(Policy::RightOwns);
    let (world, pair) = one_pair(options).await?;
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Ort": "Bernau"}))?;
    world.poll().await?;
    assert_eq!(world.held(HIGHLEVEL, &pair.highlevel)?.city, "Bernau");
    agrees(&world).await?;
    assert!(questions(&world).await?.is_empty());
    assert!(has_kept(&world, &pair.highlevel, "city", "Potsdam").await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newest_wins_only_where_the_intervals_do_not_overlap() -> Result<()> {
    let mut options = options();
    let city = mapping_of(&mut options.rules, "city");
    city.policy = Some(Policy::Newest);
    city.fallback = Some(Policy::Ask);
    let (world, pair) = one_pair(options).await?;
    let fault = world.lose_webhooks();
    // Left is edited, and seen unchanged on the right after that: the right one is later for sure.
    world.edit(
        HIGHLEVEL,
        &pair.highlevel,
        &json!({"city": "Potsdam", "dateOfBirth": "1981-05-17"}),
    )?;
    world.wait(Duration::from_secs(5)).await;
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Ort": "Bernau"}))?;
    world.poll().await?;
    // Neither side was looked at in between, so nothing is proven.
    let review = question(&world, ReviewKind::Conflict).await?;
    assert_eq!(review.details["mapping"], "city");
    answer(&world, &review, "left").await?;
    agrees(&world).await?;
    world.control.core().faults.remove(fault);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_between_our_write_and_our_read_back_is_still_an_edit() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    // The write takes effect, its answer is held back, and meanwhile a person edits.
    let fault = world.fault(
        json!({"system": "onoffice", "action": "modify address", "count": 1,
        "fault": {"kind": "delay_answer", "ms": 8000}}),
    )?;
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    while world.held(ONOFFICE, &pair.onoffice)?.city != "Potsdam" {
        world.wait(Duration::from_millis(50)).await;
    }
    world.edit(
        ONOFFICE,
        &pair.onoffice,
        &json!({"Ort": "Bernau", "Vorname": "Annegret"}),
    )?;
    world.settle().await?;
    assert_eq!(world.struck(fault), 1);
    assert_eq!(world.held(HIGHLEVEL, &pair.highlevel)?.city, "Bernau");
    assert_eq!(
        world.held(HIGHLEVEL, &pair.highlevel)?.first_name,
        "Annegret"
    );
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_between_our_write_to_the_left_and_its_answer_is_still_an_edit() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    let fault = world.fault(json!({"system": "highlevel", "method": "PUT", "count": 1,
        "fault": {"kind": "delay_answer", "ms": 8000}}))?;
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Ort": "Bernau"}))?;
    world.engine().poll_now().await?;
    while world.held(HIGHLEVEL, &pair.highlevel)?.city != "Bernau" {
        world.wait(Duration::from_millis(50)).await;
    }
    world.edit(
        HIGHLEVEL,
        &pair.highlevel,
        &json!({"city": "Potsdam", "firstName": "Annegret"}),
    )?;
    world.settle().await?;
    assert_eq!(world.struck(fault), 1);
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Potsdam");
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.first_name, "Annegret");
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_field_pauses_its_mapping_and_clears_nothing() -> Result<()> {
    let mut options = options();
    options.pace.schema = Duration::from_secs(20);
    let (world, pair) = one_pair(options).await?;
    world.act(
        ONOFFICE,
        "deactivate_field",
        &json!({"field": "Geburtsdatum"}),
    )?;
    // Everything else goes on, and nothing is cleared.
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    world.settle().await?;
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Strasse": "Am Markt 9"}))?;
    world.poll().await?;
    world.sweep().await?;
    let status = world.engine().status().await?;
    assert_eq!(status.syncs[0].state, "running");
    assert_eq!(status.syncs[0].paused_mappings.len(), 1, "{status:?}");
    let left = world.held(HIGHLEVEL, &pair.highlevel)?;
    assert_eq!(
        (&*left.birthday, &*left.street),
        ("1980-05-17", "Am Markt 9")
    );
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Potsdam");
    // What is edited meanwhile goes across when the field is back, with what it held.
    world.edit(
        HIGHLEVEL,
        &pair.highlevel,
        &json!({"dateOfBirth": "1981-05-17"}),
    )?;
    world.settle().await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.birthday, "1980-05-17");
    world.act(
        ONOFFICE,
        "activate_field",
        &json!({"field": "Geburtsdatum"}),
    )?;
    while !world.engine().status().await?.syncs[0]
        .paused_mappings
        .is_empty()
    {
        world.wait(Duration::from_secs(1)).await;
    }
    world.settle().await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.birthday, "1981-05-17");
    assert!(questions(&world).await?.is_empty());
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_mapping_is_aligned_by_its_policy_without_any_edit() -> Result<()> {
    let mut options = options();
    // At first the city is not mapped at all.
    crate::support::contact(&mut options.rules)
        .fields
        .retain(|mapping| mapping.name.as_deref() != Some("city"));
    let mut world = World::new(options).await?;
    let pair = world.seed_pair(&on_the_left("Anna"), &{
        let mut right = on_the_right("Anna");
        right["Ort"] = json!("Bernau");
        right
    })?;
    link(&world, &[&pair]).await?;
    world.sweep().await?;
    assert_eq!(world.held(HIGHLEVEL, &pair.highlevel)?.city, "Berlin");
    let mut rules = shipped_rules();
    mapping_of(&mut rules, "city").align = Some(Alignment::RightWins);
    assert_eq!(world.apply(rules).await, []);
    world.settle().await?;
    assert_eq!(world.held(HIGHLEVEL, &pair.highlevel)?.city, "Bernau");
    agrees(&world).await?;
    assert!(
        journal(&world, &pair.highlevel)
            .await?
            .iter()
            .any(|row| row.entry.rule == "city: aligned at the first link")
    );
    // The same rules again are no news.
    let reads = world.control.core().counts.totals(ONOFFICE).reads;
    let mut rules = shipped_rules();
    mapping_of(&mut rules, "city").align = Some(Alignment::RightWins);
    world.apply(rules).await;
    world.settle().await?;
    // The schema is read anew; no record is.
    assert!(world.control.core().counts.totals(ONOFFICE).reads <= reads + 5);
    Ok(())
}
