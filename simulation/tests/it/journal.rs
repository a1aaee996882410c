//! Nothing is overwritten without being kept.

use std::time::Duration;

use anyhow::Result;
use record::{Entity, RecordId};
use sandbox::{System, judge::Pair};
use serde_json::json;
use simulation::{Failure, HIGHLEVEL, ONOFFICE, World};
use store::ConnectionName;

use crate::support::{agrees, has_kept, is_named, journal, one_pair, options};

/// Whether each change that the API made to a record of the pair has its row.
pub(crate) async fn all_kept(world: &World, pair: &Pair, mark: u64) -> Result<()> {
    let edits = world.api_edits(mark);
    assert!(!edits.is_empty());
    for edit in edits {
        let record = match edit.system {
            System::HighLevel => &pair.highlevel,
            System::OnOffice => &pair.onoffice,
            System::OfficeRnd => anyhow::bail!("nothing of the pair is in OfficeRnD"),
        };
        let rows = journal(world, record).await?;
        for field in &edit.fields {
            assert!(
                rows.iter()
                    .filter_map(|row| row.entry.field.as_ref())
                    .any(|name| is_named(field, name.as_str())),
                "{field} of {record} was changed and is in no row"
            );
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_overwritten_value_is_in_the_journal_with_its_cause() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    let mark = world.edit_mark();
    world.edit(
        HIGHLEVEL,
        &pair.highlevel,
        &json!({"firstName": "Annegret", "email": "neu@brandt.example", "phone": "+4940123456",
            "city": "Potsdam", "country": "AT", "dateOfBirth": "1981-05-17"}),
    )?;
    world.settle().await?;
    world.edit(
        ONOFFICE,
        &pair.onoffice,
        &json!({"Name": "Ziegler", "Strasse": "Am Markt 9", "ArtDaten": ["Eigentümer"]}),
    )?;
    world.poll().await?;
    all_kept(&world, &pair, mark).await?;
    for (record, field, was) in [
        (&pair.onoffice, "Vorname", "Anna"),
        (&pair.onoffice, "Ort", "Berlin"),
        (&pair.highlevel, "lastName", "Brandt"),
        (&pair.highlevel, "address1", "Lindenstr. 4"),
    ] {
        assert!(has_kept(&world, record, field, was).await?, "{field}");
    }
    // And why a field is as it is can be asked.
    let explained = world
        .engine()
        .explain(
            &ConnectionName::from("onoffice"),
            Entity::Contact,
            &RecordId::from(pair.onoffice.as_str()),
            Some("Ort"),
        )
        .await?;
    let field = &explained.fields[0];
    assert_eq!(field.mapping.as_deref(), Some("city"));
    let change = &field.changes[0];
    assert_eq!(change.before.text(), Some("Berlin"));
    assert_eq!(change.after.text(), Some("Potsdam"));
    assert_eq!(change.rule, "city: the only change");
    assert_eq!(change.signal, store::SignalSource::Webhook);
    assert_eq!(
        change.origin,
        Some((
            "highlevel".to_owned(),
            RecordId::from(pair.highlevel.as_str())
        ))
    );
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_without_an_answer_keeps_what_it_overwrote() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    let mark = world.edit_mark();
    let faults = [
        world.fault(
            json!({"system": "onoffice", "action": "modify address", "count": 1,
            "fault": {"kind": "drop_after"}}),
        )?,
        world.fault(json!({"system": "highlevel", "method": "PUT", "count": 1,
            "fault": {"kind": "drop_after"}}))?,
    ];
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    world.settle().await?;
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Vorname": "Annegret"}))?;
    world.poll().await?;
    world.wait(Duration::from_secs(5)).await;
    world.settle().await?;
    for fault in faults {
        assert_eq!(world.struck(fault), 1);
    }
    all_kept(&world, &pair, mark).await?;
    assert!(has_kept(&world, &pair.onoffice, "Ort", "Berlin").await?);
    assert!(has_kept(&world, &pair.highlevel, "firstName", "Anna").await?);
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_a_write_and_its_commit_what_was_overwritten_is_kept() -> Result<()> {
    let (mut world, pair) = one_pair(options()).await?;
    let mark = world.edit_mark();
    world.fault(
        json!({"system": "onoffice", "action": "modify address", "count": 1,
        "fault": {"kind": "delay_answer", "ms": 20000}}),
    )?;
    // The city was edited on both sides: the left one owns it by the fallback, and nobody agreed on
    // the other value. The name is the only change.
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Ort": "Bernau"}))?;
    world.edit(
        HIGHLEVEL,
        &pair.highlevel,
        &json!({"city": "Potsdam", "firstName": "Annegret"}),
    )?;
    while world.held(ONOFFICE, &pair.onoffice)?.first_name != "Annegret" {
        world.wait(Duration::from_millis(50)).await;
    }
    world.kill_and_restart()?;
    world.wait(Duration::from_secs(2)).await;
    world.settle().await?;
    world.sweep().await?;
    all_kept(&world, &pair, mark).await?;
    assert!(has_kept(&world, &pair.onoffice, "Ort", "Bernau").await?);
    assert!(has_kept(&world, &pair.onoffice, "Vorname", "Anna").await?);
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_fails_after_a_write_keeps_what_was_overwritten() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    let mark = world.edit_mark();
    world.store.fail_commits(1, Failure::Before);
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    world.wait(Duration::from_secs(5)).await;
    world.settle().await?;
    assert!(world.store.has_failed());
    all_kept(&world, &pair, mark).await?;
    assert!(has_kept(&world, &pair.onoffice, "Ort", "Berlin").await?);
    agrees(&world).await?;
    Ok(())
}
