//! What a reading is worth: how old it is, what it must not be older than, and how long things took.

use std::time::Duration;

use anyhow::Result;
use connector::{Delivery, Hint};
use record::{Entity, RecordId};
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE, World};
use store::ConnectionName;

use crate::support::{agrees, blocked, link, one_pair, options, seed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reading_older_than_its_signal_is_tried_again() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    world.lose_webhooks();
    // Word of a change comes before the change can be read.
    let mark = world.now() + Duration::from_secs(3);
    let delivery = Delivery {
        id: Some("early".to_owned()),
        account: None,
        hints: vec![Hint {
            entity: Entity::Contact,
            id: RecordId::from(pair.highlevel.as_str()),
            not_older_than: Some(mark),
            born: false,
            shown: None,
        }],
        happened: Vec::new(),
        unnamed: Vec::new(),
        lifecycle: None,
        event: "ContactUpdate".to_owned(),
        form: Vec::new(),
    };
    let connection = ConnectionName::from("highlevel");
    world.engine().accept(&connection, delivery).await?;
    let mut why = String::new();
    for _ in 0..20 {
        world.wait(Duration::from_millis(100)).await;
        let failing = world.engine().status().await?.failing_records;
        if let Some(record) = failing.first() {
            why.clone_from(&record.error);
            break;
        }
    }
    assert!(why.contains("older than the signal"), "{why:?}");
    while world.now() < mark {
        world.wait(Duration::from_millis(200)).await;
    }
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    // Neither webhook nor poll nor sweep tells of the edit itself.
    world.wait(Duration::from_secs(10)).await;
    world.settle().await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Potsdam");
    assert!(world.engine().status().await?.failing_records.is_empty());
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_field_is_tried_again_when_the_schema_changes() -> Result<()> {
    let mut options = options();
    options.pace.schema = Duration::from_secs(10);
    let world = World::new(options).await?;
    let (anna, berta) = (seed(&world, "Anna")?, seed(&world, "Berta")?);
    link(&world, &[&anna, &berta]).await?;
    // HighLevel takes no second contact with Berta's address.
    let twice = json!({"Email": "berta@brandt.example"});
    world.edit(ONOFFICE, &anna.onoffice, &twice)?;
    world.sweep().await?;
    assert_eq!(blocked(&world).await?.len(), 1);
    // It would take it now, but nobody tells, and nothing is sent in vain.
    world.act(
        HIGHLEVEL,
        "set_location",
        &json!({"allowDuplicateContact": true}),
    )?;
    let writes = world.writes();
    world.wait(Duration::from_secs(30)).await;
    world.settle().await?;
    assert_eq!(world.writes(), writes);
    // The schema is read now and then, and says something else.
    let field = json!({"name": "Neu", "dataType": "TEXT"});
    world.act(HIGHLEVEL, "add_field", &field)?;
    for _ in 0..100 {
        world.wait(Duration::from_millis(500)).await;
        if blocked(&world).await?.is_empty() {
            break;
        }
    }
    assert!(blocked(&world).await?.is_empty());
    assert_eq!(world.writes(), writes + 1);
    let email = world.held(HIGHLEVEL, &anna.highlevel)?.email;
    assert_eq!(email, "berta@brandt.example");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_long_an_edit_takes_and_what_it_may_overwrite_is_told() -> Result<()> {
    let mut options = options();
    options.webhooks = false;
    options.pace.poll_without_webhooks = Duration::from_secs(20);
    let (world, pair) = one_pair(options).await?;
    let before = world.engine().status().await?.syncs.remove(0);
    assert_eq!(before.measured.lag_to_left, None);
    assert_eq!(before.measured.lag_to_right, None);
    world.fault(json!({"system": "highlevel", "method": "PUT",
        "fault": {"kind": "delay", "ms": 3000}}))?;
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Strasse": "Am Markt 9"}))?;
    for _ in 0..200 {
        world.wait(Duration::from_millis(500)).await;
        let left = world.held(HIGHLEVEL, &pair.highlevel)?.street;
        let right = world.held(ONOFFICE, &pair.onoffice)?.city;
        if (&*left, &*right) == ("Am Markt 9", "Potsdam") {
            break;
        }
    }
    world.settle().await?;
    let status = world.engine().status().await?.syncs.remove(0);
    let spread =
        |spread: Option<sync::Spread>| spread.map(|spread| (spread.count, spread.p99_within_ms));
    // Found by polls only, so it took a while, and the status says about how long.
    let (times, lag) = spread(status.measured.lag_to_right).unwrap_or_default();
    assert!(
        times == 1 && (Some(500)..=Some(60_000)).contains(&lag),
        "{status:#?}"
    );
    let (times, lag) = spread(status.measured.lag_to_left).unwrap_or_default();
    assert!(
        times == 1 && (Some(5_000)..=Some(60_000)).contains(&lag),
        "{status:#?}"
    );
    // HighLevel took three seconds over the write.
    let (times, window) = spread(status.measured.overwrite_window_left).unwrap_or_default();
    assert!(
        times == 1 && (Some(5_000)..=Some(30_000)).contains(&window),
        "{status:#?}"
    );
    agrees(&world).await?;
    Ok(())
}
