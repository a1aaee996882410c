//! Every operation of the catalog against the sandbox, through the one runner and with its own example, each in a
//! sandbox of its own; its effect is read back by another operation or out of the sandbox's state.

mod bench;

mod highlevel;

mod officernd;

mod onoffice;

mod triggers;

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use bench::{Bench, Case, Change, Deed};
use connector::Connector;
use futures::{StreamExt as _, stream};
use sandbox::System;
use serde_json::json;

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

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_of_onoffice_works_and_its_effect_is_seen() -> Result<()> {
    let connector = ::onoffice::OnOffice::new();
    every_operation(
        System::OnOffice,
        &connector,
        onoffice::MAKERS,
        onoffice::CASES,
    )
    .await
}

/// Each trigger is set off, and comes in as what it says of itself.
async fn every_trigger(
    system: System,
    connector: &dyn Connector,
    makers: &'static [bench::Maker],
    deeds: &'static [Deed],
    changes: &'static [Change],
) -> Result<()> {
    let triggers = connector.catalog().triggers.iter();
    let listed: BTreeSet<&str> = triggers.map(|trigger| trigger.id.as_str()).collect();
    let tried = deeds.iter().map(|deed| deed.trigger);
    let tried: BTreeSet<&str> = tried.chain(changes.iter().map(|own| own.trigger)).collect();
    ensure!(
        listed == tried,
        "not tried: {:?}; not listed: {:?}",
        listed.difference(&tried).collect::<Vec<_>>(),
        tried.difference(&listed).collect::<Vec<_>>()
    );
    for trigger in &connector.catalog().triggers {
        bench::whole(&trigger.output, &trigger.example)
            .with_context(|| format!("the example of {}", trigger.id))?;
    }
    let told = stream::iter(deeds).map(|deed| async move {
        let mut bench = Bench::new(system, makers).await?;
        let outcome = bench.tells(deed).await;
        outcome.with_context(|| deed.trigger)
    });
    let told: Vec<Result<()>> = told.buffered(AT_ONCE).collect().await;
    let found = stream::iter(changes).map(|change| async move {
        let outcome = found_by_asking(system, makers, change).await;
        outcome.with_context(|| change.trigger)
    });
    let found: Vec<Result<()>> = found.buffered(AT_ONCE).collect().await;
    let failed: Vec<String> = told
        .into_iter()
        .chain(found)
        .filter_map(|outcome| Some(format!("{:#}", outcome.err()?)))
        .collect();
    ensure!(
        failed.is_empty(),
        "{} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
    Ok(())
}

async fn found_by_asking(
    system: System,
    makers: &'static [bench::Maker],
    change: &'static Change,
) -> Result<()> {
    let mut bench = Bench::new(system, makers).await?;
    if system == System::OnOffice && change.kind != "address" {
        // what it is linked to is there already
        bench.makes("address").await?;
    }
    let mut seen = catalog::Seen::default();
    let trigger = change.trigger;
    // what is there at first is no news
    let first = bench.polls(trigger, &mut seen).await?;
    ensure!(first.is_empty(), "{first:?}");
    let id = match change.made {
        None => bench.makes(change.kind).await?,
        Some((by, id)) => bench.makes_by(change.kind, by, id).await?,
    };
    let made = bench.polls(trigger, &mut seen).await?;
    ensure!(
        made.iter().any(|own| own.id == id),
        "{id} was made, not {made:?}"
    );
    // the same answer twice is no news, also across a restart
    let kept = serde_json::to_string(&seen)?;
    let mut seen: catalog::Seen = serde_json::from_str(&kept)?;
    let again = bench.polls(trigger, &mut seen).await?;
    ensure!(again.is_empty(), "{again:?}");
    if let Some(by) = change.change {
        bench.does(by).await?;
        let changed = bench.polls(trigger, &mut seen).await?;
        let ids: Vec<&str> = changed.iter().map(|own| own.id.as_str()).collect();
        ensure!(ids == [id.as_str()], "{ids:?} after {by}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_trigger_of_highlevel_is_set_off_and_comes_in() -> Result<()> {
    let connector = ::highlevel::HighLevel::new();
    let (deeds, changes) = (triggers::HIGHLEVEL, triggers::HIGHLEVEL_CHANGES);
    every_trigger(
        System::HighLevel,
        &connector,
        highlevel::MAKERS,
        deeds,
        changes,
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_trigger_of_officernd_is_set_off_and_comes_in() -> Result<()> {
    let connector = ::officernd::OfficeRnD::new();
    let (deeds, changes) = (triggers::OFFICERND, triggers::OFFICERND_CHANGES);
    every_trigger(
        System::OfficeRnd,
        &connector,
        officernd::MAKERS,
        deeds,
        changes,
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_onoffice_does_not_tell_is_found_by_asking() -> Result<()> {
    for change in triggers::ONOFFICE_CHANGES {
        found_by_asking(System::OnOffice, onoffice::MAKERS, change)
            .await
            .with_context(|| change.trigger)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_unknown_outcome_does_is_what_the_entry_says() -> Result<()> {
    // the effect happens, and the answer is lost
    let lose = |bench: &Bench, method: &str, path: &str| -> Result<()> {
        let fault = json!({"system": "highlevel", "method": method, "path": path, "count": 1,
            "fault": {"kind": "drop_after"}});
        bench
            .control()
            .core()
            .faults
            .add(serde_json::from_value(fault)?);
        Ok(())
    };
    let mut bench = Bench::new(System::HighLevel, highlevel::MAKERS).await?;
    lose(&bench, "PUT", "/contacts/{contactId}")?;
    bench.does("contacts.update").await?;

    // taken away twice is taken away
    lose(&bench, "DELETE", "/contacts/{contactId}/tasks/{taskId}")?;
    let task = bench.makes("task").await?;
    bench.does("contacts.tasks.delete").await?;
    let left = bench.does("contacts.tasks.list").await?;
    ensure!(!left.to_string().contains(&task), "{left}");

    lose(&bench, "POST", "/contacts/{contactId}/tasks")?;
    let told = format!(
        "{:#}",
        bench.does("contacts.tasks.create").await.unwrap_err()
    );
    ensure!(told.contains("look with contacts.tasks.list"), "{told}");
    let tasks = bench.does("contacts.tasks.list").await?;
    ensure!(
        tasks["tasks"]
            .as_array()
            .is_some_and(|tasks| tasks.len() == 1),
        "{tasks}"
    );

    lose(&bench, "POST", "/conversations/messages")?;
    let told = format!(
        "{:#}",
        bench.does("conversations.messages.send").await.unwrap_err()
    );
    ensure!(told.contains("never done twice by itself"), "{told}");
    let sent = bench.does("conversations.messages.export").await?;
    ensure!(sent["total"] == 1, "{sent}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_is_missing_is_named_and_the_connection_goes_on() -> Result<()> {
    let mut bench = Bench::new(System::HighLevel, highlevel::MAKERS).await?;
    let access = bench
        .control()
        .act(System::HighLevel, "access", &json!({}))?;
    bench.control().act(
        System::HighLevel,
        "set_scopes",
        &json!({"token": access["privateToken"], "scopes": ["contacts.readonly", "contacts.write"]}),
    )?;
    let told = format!("{:#}", bench.does("calendars.list").await.unwrap_err());
    ensure!(told.contains("the scope calendars.readonly"), "{told}");
    bench.does("contacts.list").await?;
    Ok(())
}
