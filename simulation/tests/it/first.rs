//! The first sync.

use anyhow::Result;
use simulation::{Options, World};

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
    let open: u64 = status
        .overview
        .reviews
        .values()
        .flat_map(|kinds| kinds.values())
        .sum();
    let alone = judgement.without_counterpart.highlevel.len()
        + judgement.without_counterpart.onoffice.len();
    assert!(alone as u64 <= open, "{alone} alone, {open} questions");
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
    Ok(())
}
