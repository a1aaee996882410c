//! Putting back what Tandem did.

use anyhow::Result;
use sandbox::Operation;
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE, World, people};
use store::{RunId, Store as _};
use sync::{UndoPlan, UndoScope};

use crate::support::{
    agrees, mapping_of, numbers, on_the_right, one_pair, options, questions, seed, world,
};

async fn planned(world: &World, scope: &UndoScope) -> Result<UndoPlan> {
    let before = world.writes();
    let plan = world.engine().plan_undo(scope).await?;
    assert_eq!(world.writes(), before, "a plan writes nothing");
    Ok(plan)
}

fn of_record(id: &str, field: &str) -> UndoScope {
    UndoScope {
        connection: Some("onoffice".into()),
        record: Some(id.into()),
        field: Some(field.to_owned()),
        ..UndoScope::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_goes_back_on_both_sides_and_nothing_brings_it_back() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    world.edit(
        HIGHLEVEL,
        &pair.highlevel,
        &json!({"city": "Potsdam", "postalCode": "14467"}),
    )?;
    world.settle().await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Potsdam");
    let scope = of_record(&pair.onoffice, "Ort");
    let plan = planned(&world, &scope).await?;
    assert_eq!(plan.fields.len(), 1, "{plan:#?}");
    assert!(plan.records.is_empty() && plan.kept.is_empty(), "{plan:#?}");
    let report = world.engine().undo(&scope, &plan.fingerprint).await?;
    assert_eq!((report.fields, report.kept.len()), (1, 0), "{report:#?}");
    let both = |world: &World| -> Result<_> {
        let (left, right) = (
            world.held(HIGHLEVEL, &pair.highlevel)?,
            world.held(ONOFFICE, &pair.onoffice)?,
        );
        Ok([left.city, right.city])
    };
    assert_eq!(both(&world)?, ["Berlin", "Berlin"]);
    let writes = world.writes();
    world.sweep().await?;
    world.poll().await?;
    world.settle().await?;
    assert_eq!(world.writes(), writes, "it stays undone");
    assert_eq!(both(&world)?, ["Berlin", "Berlin"]);
    agrees(&world).await?;
    // What was undone can be undone.
    let again = planned(&world, &scope).await?;
    world.engine().undo(&scope, &again.fingerprint).await?;
    // An edit after it crosses as ever.
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Ort": "Bernau"}))?;
    world.poll().await?;
    world.settle().await?;
    assert_eq!(both(&world)?, ["Bernau", "Bernau"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_is_kept_no_longer_is_told_to_be_gone() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    let edit = |city: &str| world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": city}));
    edit("Potsdam")?;
    world.settle().await?;
    let old = store::Keep {
        what: store::Kept::JournalValues,
        since: world.now(),
        most: None,
    };
    let workspace = store::Workspace::from("default");
    let gone = world.store.drop_old(&workspace, &old, 1_000).await?;
    assert!(gone > 0);
    let scope = of_record(&pair.onoffice, "Ort");
    let plan = planned(&world, &scope).await?;
    assert!(plan.fields.is_empty(), "{plan:#?}");
    assert!(
        plan.kept[0].why.contains("removed from the journal"),
        "{plan:#?}"
    );
    // what happened is still told, and what comes later can be undone
    let explained = world
        .engine()
        .explain(
            &"onoffice".into(),
            record::Entity::Contact,
            &pair.onoffice.as_str().into(),
            Some("Ort"),
        )
        .await?;
    let change = &explained.fields[0].changes[0];
    assert!(
        change.values_gone && change.rule.starts_with("city"),
        "{change:#?}"
    );
    world.wait(std::time::Duration::from_secs(90)).await;
    let since = Some(world.now());
    edit("Bernau")?;
    world.settle().await?;
    let later = UndoScope { since, ..scope };
    let plan = planned(&world, &later).await?;
    world.engine().undo(&later, &plan.fingerprint).await?;
    assert_eq!(world.held(HIGHLEVEL, &pair.highlevel)?.city, "Potsdam");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_changed_since_stays_and_is_told() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    world.settle().await?;
    let scope = UndoScope {
        sync: Some(people()),
        until: Some(world.now()),
        ..UndoScope::default()
    };
    let seen = planned(&world, &scope).await?;
    assert!(
        seen.fields.iter().any(|row| row.mapping == "city"),
        "{seen:#?}"
    );
    world.wait(std::time::Duration::from_secs(90)).await;
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Ort": "Bernau"}))?;
    // What was shown is not what would be done any more.
    let refused = world.engine().undo(&scope, &seen.fingerprint).await;
    assert!(
        matches!(refused, Err(sync::Error::Overtaken)),
        "{refused:?}"
    );
    world.poll().await?;
    world.settle().await?;
    let plan = planned(&world, &scope).await?;
    assert!(
        plan.fields.iter().all(|row| row.mapping != "city"),
        "{plan:#?}"
    );
    let kept = plan
        .kept
        .iter()
        .find(|row| row.mapping.as_deref() == Some("city"));
    assert!(
        kept.is_some_and(|row| row.why.contains("changed since")),
        "{plan:#?}"
    );
    world.engine().undo(&scope, &plan.fingerprint).await?;
    assert_eq!(world.held(HIGHLEVEL, &pair.highlevel)?.city, "Bernau");
    world.settle().await?;
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loser_of_a_conflict_is_put_back_on_both_sides() -> Result<()> {
    let mut options = options();
    mapping_of(&mut options.rules, "city").policy = Some(mapping::Policy::LeftOwns);
    let (world, pair) = one_pair(options).await?;
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Ort": "Bernau"}))?;
    world.poll().await?;
    world.settle().await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Potsdam");
    let scope = of_record(&pair.onoffice, "Ort");
    let plan = planned(&world, &scope).await?;
    world.engine().undo(&scope, &plan.fingerprint).await?;
    world.settle().await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Bernau");
    assert_eq!(world.held(HIGHLEVEL, &pair.highlevel)?.city, "Bernau");
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_tags_only_what_we_did_is_taken_back() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    let tags = |world: &World| -> Result<_> {
        let (left, right) = (
            world.held(HIGHLEVEL, &pair.highlevel)?.tags,
            world.held(ONOFFICE, &pair.onoffice)?.tags,
        );
        Ok((left, right))
    };
    let before = tags(&world)?;
    world.edit(
        ONOFFICE,
        &pair.onoffice,
        &json!({"ArtDaten": ["Kunde", "Makler", "Eigentümer"]}),
    )?;
    world.poll().await?;
    world.settle().await?;
    let until = world.now();
    let added = tags(&world)?;
    assert_ne!(added, before, "the tag crossed");
    // Later a person adds another one, which stays.
    world.edit(
        ONOFFICE,
        &pair.onoffice,
        &json!({"ArtDaten": ["Kunde", "Makler", "Eigentümer", "Interessent Kauf"]}),
    )?;
    world.poll().await?;
    world.settle().await?;
    let scope = UndoScope {
        connection: Some("highlevel".into()),
        record: Some(pair.highlevel.as_str().into()),
        until: Some(until),
        ..UndoScope::default()
    };
    let plan = planned(&world, &scope).await?;
    let report = world.engine().undo(&scope, &plan.fingerprint).await?;
    assert!(report.fields >= 1, "{plan:#?} {report:#?}");
    world.settle().await?;
    let (left, right) = tags(&world)?;
    let has = |set: &[String], tag: &str| set.iter().any(|held| held.eq_ignore_ascii_case(tag));
    assert!(
        !has(&left, "Eigentümer") && !has(&right, "Eigentümer"),
        "{left:?} {right:?}"
    );
    assert!(
        has(&left, "Interessent Kauf") && has(&right, "Interessent Kauf"),
        "{left:?} {right:?}"
    );
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_made_records_is_taken_back_and_they_do_not_return() -> Result<()> {
    let world = world().await?;
    seed(&world, "Anna")?;
    for name in ["Berta", "Clara"] {
        world.seed(ONOFFICE, &on_the_right(name))?;
    }
    let run = world.sync().await?;
    world.settle().await?;
    assert_eq!(numbers(&world), (3, 3));
    // Somebody works with one of those that were made.
    let made = world.living(HIGHLEVEL);
    let clara = made
        .iter()
        .find(|held| held.first_name == "Clara")
        .map(|held| held.id.clone());
    let clara = clara.expect("Clara was made");
    world.edit(
        HIGHLEVEL,
        &clara,
        &json!({"website": "https://clara.example"}),
    )?;
    world.settle().await?;
    let scope = UndoScope {
        run: Some(run.run.parse::<RunId>()?),
        ..UndoScope::default()
    };
    let plan = planned(&world, &scope).await?;
    assert_eq!(plan.records.len(), 1, "{plan:#?}");
    assert!(
        plan.kept.iter().any(|row| row.record.as_str() == clara),
        "{plan:#?}"
    );
    let report = world.engine().undo(&scope, &plan.fingerprint).await?;
    assert_eq!(report.records, 1, "{report:#?}");
    assert_eq!(numbers(&world), (2, 3));
    let mark = world.edit_mark();
    world.sweep().await?;
    world.poll().await?;
    world.settle().await?;
    world.sync().await?;
    world.settle().await?;
    assert_eq!(numbers(&world), (2, 3), "it does not return");
    assert_eq!(world.api_edits_of(mark, HIGHLEVEL, Operation::Create), 0);
    assert!(questions(&world).await?.is_empty());
    Ok(())
}
