//! The first sync.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE, Options, World, people};
use store::{Review, ReviewFilter};

use crate::support::{agrees, numbers, on_the_left, on_the_right, options, world};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_sync_of_the_shipped_people_agrees() -> Result<()> {
    let world = World::new(Options {
        switches: vec![("highlevel.rate_limit".to_owned(), false.into())],
        ..Options::default()
    })
    .await?;
    let report = world.sync().await?;
    world.settle().await?;
    let judgement = world.judge().await?;
    assert!(report.counts["linked"] > 100, "{report:?}");
    assert!(report.counts["created_left"] > 100, "{report:?}");
    assert!(report.counts["created_right"] > 100, "{report:?}");
    assert_eq!(judgement.duplicates, []);
    assert_eq!(judgement.broken_pairs, []);
    assert_eq!(judgement.echo_writes, sandbox::judge::Both::default());
    // Each disagreement is a blocked field, each record without a counterpart a question.
    let status = world.engine().status().await?;
    let blocked = status.overview.blocked.values().sum::<u64>();
    assert!(
        judgement.disagreements.len() as u64 <= blocked,
        "{:#?}",
        judgement.disagreements
    );
    let reviews = world.engine().reviews(&ReviewFilter::default()).await?;
    let (asked, waiting): (Vec<&Review>, Vec<&Review>) =
        reviews.iter().partition(|review| review.is_asked());
    let alone = judgement.without_counterpart.highlevel.len()
        + judgement.without_counterpart.onoffice.len();
    let told = asked.len() + waiting.len();
    assert!(alone <= told, "{alone} alone, {told} told of");
    // Whoever waits waits for a question that a person is asked.
    assert!(waiting.len() > 10, "{waiting:#?}");
    for review in waiting {
        let subject = review.waits_for().expect("it waits");
        assert!(
            asked.iter().any(|other| other.subject == subject),
            "{review:#?}"
        );
    }
    // A second run finds nothing to do.
    let writes = |world: &World| {
        let counts = world.control.core().counts.all();
        counts
            .values()
            .map(|system| system.totals.writes)
            .sum::<u64>()
    };
    let before = writes(&world);
    world.sync().await?;
    world.settle().await?;
    assert_eq!(writes(&world), before);
    let mark = world.edit_mark();
    // Whoever is in a question is looked at again: it comes to rest, and the questions stay as they are.
    for review in &reviews {
        let record = review.details["record"].as_str().context("about whom")?;
        if review.details["side"] == "right" {
            world.edit(
                simulation::ONOFFICE,
                record,
                &json!({"Zusatz1": "bei Meier"}),
            )?;
        } else {
            world.edit(
                simulation::HIGHLEVEL,
                record,
                &json!({"website": "https://meier.example"}),
            )?;
        }
    }
    world.poll().await?;
    world.settle().await?;
    let after = world.engine().reviews(&ReviewFilter::default()).await?;
    let ids =
        |reviews: &[Review]| -> BTreeSet<_> { reviews.iter().map(|review| review.id).collect() };
    assert_eq!(ids(&after), ids(&reviews));
    let edits = world.api_edits(mark);
    assert!(edits.is_empty(), "{edits:#?}");
    Ok(())
}

/// What was read of a sync before its first listing ended must not hold after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_put_into_force_while_the_first_listing_ends_do_not_bring_it_back() -> Result<()> {
    let world = world().await?;
    for name in ["Anna", "Berta", "Clara"] {
        world.seed(simulation::HIGHLEVEL, &on_the_left(name))?;
    }
    // Listing and making take so long that the rules fall in between.
    for system in ["highlevel", "onoffice"] {
        world.fault(json!({"system": system, "method": "POST",
            "fault": {"kind": "delay", "ms": 2_000}}))?;
    }
    let rules = BTreeMap::from([(people(), options().rules)]);
    let applied = async {
        while world.engine().status().await?.syncs[0].state != "running" {
            world.wait(Duration::from_millis(50)).await;
        }
        world.wait(Duration::from_millis(500)).await;
        world.store.read_standings_late();
        assert!(world.engine().apply(rules).await.is_empty());
        Ok(())
    };
    let both = async { tokio::try_join!(world.sync(), applied) };
    tokio::time::timeout(Duration::from_secs(120), both)
        .await
        .context("the first sync does not end")??;
    world.settle().await?;
    assert_eq!(numbers(&world), (3, 3));
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_with_a_guessed_country_is_not_written_over_the_right_one() -> Result<()> {
    let world = World::new(options()).await?;
    let mut left = on_the_left("Edin");
    left["phone"] = json!("+49789680420");
    left["email"] = json!("edin@example.org");
    let mut right = on_the_right("Edin");
    right["phone"] = json!("0041789680420");
    right["email"] = json!("edin@example.org");
    right["Land"] = json!("CHE");
    for unknown in ["country", "address1", "postalCode", "city"] {
        left.as_object_mut().context("fields")?.remove(unknown);
    }
    let pair = world.seed_pair(&left, &right)?;
    world.sync().await?;
    world.settle().await?;
    let (there, here) = (
        world.held(HIGHLEVEL, &pair.highlevel)?,
        world.held(ONOFFICE, &pair.onoffice)?,
    );
    ensure!(there.phone == "+41789680420", "{there:#?}");
    ensure!(here.phone == "0041789680420", "{here:#?}");
    agrees(&world).await?;
    Ok(())
}
