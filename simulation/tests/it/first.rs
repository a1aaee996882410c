//! The first sync.

use anyhow::Result;
use simulation::{Options, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_sync_of_the_shipped_people_agrees() -> Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_test_writer()
        .try_init()
        .ok();
    let world = World::new(Options {
        switches: vec![("highlevel.rate_limit".to_owned(), false.into())],
        ..Options::default()
    })
    .await?;
    let report = world.sync().await?;
    println!("{report:#?}");
    println!("{:#?}", world.control.core().counts.all());
    world.settle().await?;
    println!("{:#?}", world.control.core().counts.all());
    let judgement = world.judge().await?;
    println!("{judgement:#?}");
    println!("{:#?}", world.engine.status().await?);
    assert!(judgement.disagreements.is_empty());
    assert!(judgement.duplicates.is_empty());
    Ok(())
}
