//! What failed or was refused is tried again when a person says so, after they put right why.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE, World};
use sync::{Again, TriedAgain};

use crate::support::{agrees, blocked, link, options, seed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_field_is_tried_again_when_a_person_says_so() -> Result<()> {
    let world = World::new(options()).await?;
    let (anna, berta) = (seed(&world, "Anna")?, seed(&world, "Berta")?);
    link(&world, &[&anna, &berta]).await?;
    // HighLevel takes no second contact with Berta's address.
    let twice = json!({"Email": "berta@brandt.example"});
    world.edit(ONOFFICE, &anna.onoffice, &twice)?;
    world.sweep().await?;
    assert_eq!(blocked(&world).await?.len(), 1);
    world.act(
        HIGHLEVEL,
        "set_location",
        &json!({"allowDuplicateContact": true}),
    )?;
    let writes = world.writes();
    world.wait(Duration::from_secs(30)).await;
    world.settle().await?;
    assert_eq!(
        world.writes(),
        writes,
        "nobody tells that it would be taken"
    );
    // of another record there is nothing to be tried
    let of = |record: &str| Again {
        record: Some(record.into()),
        ..Again::default()
    };
    let tried = world.engine().try_again(&of(&berta.highlevel)).await?;
    assert_eq!(tried, TriedAgain::default());
    let tried = world.engine().try_again(&of(&anna.onoffice)).await?;
    assert_eq!((tried.records, tried.fields), (0, 1));
    world.settle().await?;
    assert!(blocked(&world).await?.is_empty());
    assert_eq!(world.writes(), writes + 1);
    let email = world.held(HIGHLEVEL, &anna.highlevel)?.email;
    assert_eq!(email, "berta@brandt.example");
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_fails_does_not_wait_for_its_next_try() -> Result<()> {
    let mut options = options();
    options.pace.retry = Duration::from_secs(3600);
    let world = World::new(options).await?;
    let (anna, berta) = (seed(&world, "Anna")?, seed(&world, "Berta")?);
    link(&world, &[&anna, &berta]).await?;
    world.fault(json!({"system": "onoffice", "action": "modify address",
        "fault": {"kind": "status", "status": 500}}))?;
    for person in [&anna, &berta] {
        world.edit(HIGHLEVEL, &person.highlevel, &json!({"city": "Potsdam"}))?;
    }
    let failing =
        async || -> Result<usize> { Ok(world.engine().status().await?.failing_records.len()) };
    for _ in 0..200 {
        if failing().await? == 2 {
            break;
        }
        world.wait(Duration::from_millis(500)).await;
    }
    assert_eq!(failing().await?, 2);
    world.control.core().faults.clear();
    let before = world.now();
    let tried = world.engine().try_again(&Again::default()).await?;
    assert_eq!((tried.records, tried.fields), (2, 0));
    for _ in 0..100 {
        if failing().await? == 0 {
            break;
        }
        world.wait(Duration::from_millis(500)).await;
    }
    let took = world.now().duration_since(before);
    assert!(took < jiff::SignedDuration::from_mins(10), "{took}");
    for person in [&anna, &berta] {
        assert_eq!(world.held(ONOFFICE, &person.onoffice)?.city, "Potsdam");
    }
    agrees(&world).await?;
    Ok(())
}
