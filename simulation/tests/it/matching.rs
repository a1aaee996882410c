//! Who is who: ambiguity is a question, and an answer is remembered.

use anyhow::Result;
use record::{Entity, RecordId};
use sandbox::judge::Pair;
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE, World};
use store::{ReviewFilter, ReviewKind, ReviewState};

use crate::support::{
    agrees, answer, choices, contact, numbers, on_the_left, on_the_right, options, question,
    questions, world,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_household_that_shares_an_address_is_a_question_and_apart_is_remembered() -> Result<()> {
    let world = world().await?;
    world.act(
        HIGHLEVEL,
        "set_location",
        &json!({"allowDuplicateContact": true}),
    )?;
    let left = world.seed(HIGHLEVEL, &on_the_left("Anna"))?;
    let mut peter = on_the_right("Anna");
    peter["Vorname"] = json!("Peter");
    peter["Geburtsdatum"] = json!("");
    world.seed(ONOFFICE, &peter)?;
    world.sync().await?;
    world.settle().await?;
    // Not linked and not made: one question, from whichever side it was seen first.
    assert_eq!(world.pairs().await?, []);
    assert_eq!(numbers(&world), (1, 1));
    let open = questions(&world).await?;
    assert!(!open.is_empty());
    assert!(
        open.iter()
            .all(|review| review.kind == ReviewKind::Ambiguous)
    );
    // Postponed, it is not asked anew by a sweep.
    for review in &open {
        answer(&world, review, "postpone").await?;
    }
    world.sweep().await?;
    assert!(questions(&world).await?.is_empty());
    for review in &open {
        answer(&world, review, "apart").await?;
    }
    world.sweep().await?;
    assert!(questions(&world).await?.is_empty());
    assert_eq!(numbers(&world), (2, 2));
    assert_eq!(world.pairs().await?.len(), 2);
    assert_eq!(world.held(HIGHLEVEL, &left)?.first_name, "Anna");
    // An edit of one stays with that one.
    world.edit(HIGHLEVEL, &left, &json!({"city": "Potsdam"}))?;
    world.settle().await?;
    let towns: Vec<_> = world
        .living(ONOFFICE)
        .into_iter()
        .map(|held| (held.first_name, held.city))
        .collect();
    assert!(
        towns.contains(&("Anna".to_owned(), "Potsdam".to_owned())),
        "{towns:?}"
    );
    assert!(
        towns.contains(&("Peter".to_owned(), "Berlin".to_owned())),
        "{towns:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_possible_matches_are_a_question_and_a_person_may_link() -> Result<()> {
    let world = world().await?;
    let right = world.seed(ONOFFICE, &on_the_right("Anna"))?;
    let twins = [
        world.seed(HIGHLEVEL, &on_the_left("Anna"))?,
        world.seed(HIGHLEVEL, &on_the_left("Anna"))?,
    ];
    world.sync().await?;
    world.settle().await?;
    assert_eq!(world.pairs().await?, []);
    assert_eq!(numbers(&world), (2, 1));
    // One question for the three, whomever it is about; the others say what they wait for.
    let open = questions(&world).await?;
    assert_eq!(open.len(), 1, "{open:#?}");
    let review = &open[0];
    let named = format!("{} {}", review.subject, choices(review).join(" "));
    for id in [&twins[0], &twins[1], &right] {
        assert!(named.contains(id.as_str()), "{named}");
    }
    let mut waiting = world.engine().reviews(&ReviewFilter::default()).await?;
    waiting.retain(|other| other.waits_for() == Some(&review.subject));
    assert_eq!(waiting.len(), 2, "{waiting:#?}");
    let second = &RecordId::from(twins[1].as_str());
    let told = world
        .engine()
        .explain(&"highlevel".into(), Entity::Contact, second, None)
        .await?
        .reviews
        .join(" ");
    assert!(
        told.contains("waits for the answer") || told.contains(&review.summary),
        "{told}"
    );
    let choice = choices(review)
        .into_iter()
        .find(|choice| choice.starts_with("link:"))
        .expect("a link is offered")
        .to_owned();
    answer(&world, review, &choice).await?;
    world.settle().await?;
    world.sweep().await?;
    assert_eq!(world.pairs().await?.len(), 1);
    // The other one is now one of two records of one person, and a question still.
    let open = questions(&world).await?;
    assert_eq!(open.len(), 1, "{open:#?}");
    assert_eq!(numbers(&world), (2, 1));
    answer(&world, &open[0], "apart").await?;
    world.sweep().await?;
    assert!(questions(&world).await?.is_empty());
    assert_eq!(numbers(&world), (2, 2));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_match_to_a_linked_record_is_a_question() -> Result<()> {
    let (world, pair) = crate::support::one_pair(crate::support::options()).await?;
    let second = world.make(ONOFFICE, &on_the_right("Anna"))?;
    world.poll().await?;
    let review = question(&world, ReviewKind::Ambiguous).await?;
    assert_eq!(review.right.as_ref().map(ToString::to_string), Some(second));
    assert_eq!(world.pairs().await?, [pair]);
    assert_eq!(numbers(&world), (1, 2));
    // When the double is put right by a person, the question goes.
    world.delete(ONOFFICE, &world.living(ONOFFICE)[1].id)?;
    world.sweep().await?;
    let open = questions(&world).await?;
    assert!(open.is_empty(), "{open:#?}");
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_about_who_somebody_is_closes_when_they_are_linked_another_way() -> Result<()> {
    let world = world().await?;
    let left = world.seed(HIGHLEVEL, &on_the_left("Anna"))?;
    let mut peter = on_the_right("Anna");
    peter["Vorname"] = json!("Peter");
    peter["Geburtsdatum"] = json!("");
    let right = world.seed(ONOFFICE, &peter)?;
    world.sync().await?;
    world.settle().await?;
    let asked = world.engine().reviews(&ReviewFilter::default()).await?;
    assert_eq!(asked.len(), 2, "{asked:#?}");
    // One was put off and one waits for it: both have their answer when the name is put right.
    let open = question(&world, ReviewKind::Ambiguous).await?;
    world.engine().resolve(open.id, "postpone").await?;
    world.edit(ONOFFICE, &right, &json!({"Vorname": "Anna"}))?;
    world.poll().await?;
    assert_eq!(world.pairs().await?.len(), 1);
    let reviews = world.engine().reviews(&ReviewFilter::default()).await?;
    assert_eq!(reviews.len(), asked.len(), "{reviews:#?}");
    for review in reviews {
        assert_eq!(review.state, ReviewState::Withdrawn, "{review:#?}");
        let other = if review.details["side"] == "left" {
            &right
        } else {
            &left
        };
        assert_eq!(review.choice, Some(format!("linked with {other}")));
        assert!(review.decided.is_some());
    }
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_looked_at_because_the_rules_changed_is_looked_for_on_the_other_side()
-> Result<()> {
    let mut options = options();
    let rules = options.rules.clone();
    contact(&mut options.rules).create.right = false;
    let mut world = World::new(options).await?;
    let highlevel = world.seed(HIGHLEVEL, &on_the_left("Berta"))?;
    world.sync().await?;
    world.settle().await?;
    assert_eq!(numbers(&world), (1, 0));
    // Entered by hand since, and in no listing so far.
    let onoffice = world.make(ONOFFICE, &on_the_right("Berta"))?;
    world.apply(rules).await;
    world.settle().await?;
    let pair = Pair {
        highlevel,
        onoffice,
    };
    assert_eq!(world.pairs().await?, [pair]);
    assert_eq!(numbers(&world), (1, 1));
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_exchanged_and_mistyped_is_a_question_whatever_the_birthday() -> Result<()> {
    let world = world().await?;
    let mut left = on_the_left("Peter");
    left["firstName"] = json!("Brandtt");
    left["lastName"] = json!("Peter");
    left["dateOfBirth"] = json!("1982-07-19");
    world.seed(HIGHLEVEL, &left)?;
    world.seed(ONOFFICE, &on_the_right("Peter"))?;
    world.sync().await?;
    world.settle().await?;
    question(&world, ReviewKind::Ambiguous).await?;
    assert_eq!(numbers(&world), (1, 1));
    Ok(())
}
