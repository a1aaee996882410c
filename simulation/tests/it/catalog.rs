//! Every operation of the catalog against the sandbox, through the one runner and with its own example, each in a
//! sandbox of its own; its effect is read back by another operation or out of the sandbox's state.

mod bench;

mod highlevel;

mod officernd;

use std::collections::BTreeSet;

use anyhow::{Result, bail, ensure};
use bench::{Bench, Case};
use connector::Connector;
use futures::{StreamExt as _, stream};
use sandbox::System;

/// Sandboxes at once.
const AT_ONCE: usize = 8;

async fn every_operation(
    system: System,
    connector: &dyn Connector,
    makers: &'static [bench::Maker],
    cases: &'static [Case],
) -> Result<()> {
    let listed: BTreeSet<&str> = connector
        .catalog()
        .operations
        .iter()
        .map(|operation| operation.id.as_str())
        .collect();
    let tried: BTreeSet<&str> = cases.iter().map(|case| case.operation).collect();
    ensure!(
        listed == tried,
        "not tried: {:?}; not listed: {:?}",
        listed.difference(&tried).collect::<Vec<_>>(),
        tried.difference(&listed).collect::<Vec<_>>()
    );
    let failed: Vec<String> = stream::iter(cases)
        .map(|case| async move {
            let mut bench = Bench::new(system, makers).await?;
            bench.tries(case).await
        })
        .buffered(AT_ONCE)
        .zip(stream::iter(cases))
        .filter_map(|(outcome, case)| async move {
            outcome
                .err()
                .map(|error| format!("{}: {error:#}", case.operation))
        })
        .collect()
        .await;
    if !failed.is_empty() {
        bail!(
            "{} of {} failed:\n{}",
            failed.len(),
            cases.len(),
            failed.join("\n")
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_of_highlevel_works_and_its_effect_is_seen() -> Result<()> {
    let connector = ::highlevel::HighLevel::new();
    every_operation(
        System::HighLevel,
        &connector,
        highlevel::MAKERS,
        highlevel::CASES,
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_of_officernd_works_and_its_effect_is_seen() -> Result<()> {
    let connector = ::officernd::OfficeRnD::new();
    every_operation(
        System::OfficeRnd,
        &connector,
        officernd::MAKERS,
        officernd::CASES,
    )
    .await
}
