//! A refused field stops itself only.

use anyhow::Result;
use merge::Policy;
use record::{Entity, RecordId};
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE, World, people};
use store::{ConnectionName, Effect, ReviewFilter, ReviewKind, ReviewState};

use crate::support::{
    agrees, blocked, contact, journal, link, mapping_of, one_pair, options, question, questions,
    seed,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_address_blocks_itself_and_is_tried_again_when_it_changes() -> Result<()> {
    let world = World::new(options()).await?;
    let (anna, berta) = (seed(&world, "Anna")?, seed(&world, "Berta")?);
    link(&world, &[&anna, &berta]).await?;
    // HighLevel takes no second contact with Berta's address.
    world.edit(
        ONOFFICE,
        &anna.onoffice,
        &json!({"Email": "berta@brandt.example", "Ort": "Bernau", "Vorname": "Anne"}),
    )?;
    world.poll().await?;
    let left = world.held(HIGHLEVEL, &anna.highlevel)?;
    assert_eq!(
        (&*left.city, &*left.first_name, &*left.email),
        ("Bernau", "Anne", "anna@brandt.example")
    );
    let rows = blocked(&world).await?;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0].mapping, "email");
    let explained = world
        .engine()
        .explain(
            &ConnectionName::from("highlevel"),
            Entity::Contact,
            &RecordId::from(anna.highlevel.as_str()),
            Some("email"),
        )
        .await?;
    assert!(explained.fields[0].blocked.is_some(), "{explained:#?}");
    assert!(
        journal(&world, &anna.highlevel)
            .await?
            .iter()
            .any(|row| row.entry.effect == Effect::Refused && row.entry.rule == "email")
    );
    // Not sent again while nothing changes, not even by an edit of another field.
    let writes = world.writes();
    world.sweep().await?;
    assert_eq!(world.writes(), writes);
    world.edit(ONOFFICE, &anna.onoffice, &json!({"Ort": "Eberswalde"}))?;
    world.poll().await?;
    assert_eq!(world.writes(), writes + 1);
    // A value that is taken lifts it.
    world.edit(
        ONOFFICE,
        &anna.onoffice,
        &json!({"Email": "anne@brandt.example"}),
    )?;
    world.sweep().await?;
    assert!(blocked(&world).await?.is_empty());
    assert_eq!(
        world.held(HIGHLEVEL, &anna.highlevel)?.email,
        "anne@brandt.example"
    );
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_record_that_fails_does_not_hold_up_the_others() -> Result<()> {
    let world = World::new(options()).await?;
    let (anna, berta) = (seed(&world, "Anna")?, seed(&world, "Berta")?);
    link(&world, &[&anna, &berta]).await?;
    let fault = world.fault(json!({"system": "highlevel", "method": "PUT",
        "path": format!("/contacts/{}", anna.highlevel), "fault": {"kind": "status", "status": 500}}))?;
    world.edit(ONOFFICE, &anna.onoffice, &json!({"Ort": "Bernau"}))?;
    world.edit(ONOFFICE, &berta.onoffice, &json!({"Ort": "Bernau"}))?;
    world.engine().poll_now().await?;
    for _ in 0..200 {
        world.wait(std::time::Duration::from_millis(200)).await;
        if world.held(HIGHLEVEL, &berta.highlevel)?.city == "Bernau" && world.struck(fault) > 0 {
            break;
        }
    }
    assert_eq!(world.held(HIGHLEVEL, &berta.highlevel)?.city, "Bernau");
    assert_eq!(world.held(HIGHLEVEL, &anna.highlevel)?.city, "Berlin");
    world.control.core().faults.clear();
    world.wait(std::time::Duration::from_secs(30)).await;
    world.settle().await?;
    assert_eq!(world.held(HIGHLEVEL, &anna.highlevel)?.city, "Bernau");
    agrees(&world).await?;
    Ok(())
}

/// HighLevel takes the company of a contact only when the contact is made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_system_takes_only_in_a_create_is_listed_until_both_sides_agree_again() -> Result<()>
{
    let (world, pair) = one_pair(options()).await?;
    assert_eq!(blocked(&world).await?, []);
    let company = json!({"Zusatz1": "Brandt & Töchter KG"});
    world.edit(ONOFFICE, &pair.onoffice, &company)?;
    world.poll().await?;
    let listed = world.engine().blocked(Some(&people()), 0).await?;
    assert_eq!(listed.len(), 1, "{listed:#?}");
    let row = &listed[0];
    assert_eq!(
        (row.mapping.as_str(), row.connection.as_str()),
        ("company", "highlevel")
    );
    assert_eq!(row.left.as_str(), pair.highlevel);
    assert!(
        row.reason.contains("only when a record is made"),
        "{row:#?}"
    );
    // The fields beside it cross, and the row stays as long as the two differ.
    let writes = world.writes();
    world.edit(ONOFFICE, &pair.onoffice, &json!({"Ort": "Potsdam"}))?;
    world.poll().await?;
    assert_eq!(world.held(HIGHLEVEL, &pair.highlevel)?.city, "Potsdam");
    world.sweep().await?;
    assert_eq!(world.writes(), writes + 1);
    assert_eq!(world.engine().blocked(None, 0).await?, listed);
    // Somebody types it in by hand: the two agree.
    world.edit(
        HIGHLEVEL,
        &pair.highlevel,
        &json!({"companyName": "Brandt & Töchter KG"}),
    )?;
    world.settle().await?;
    assert_eq!(world.engine().blocked(None, 0).await?, []);
    agrees(&world).await?;
    // And the other way it crosses.
    world.edit(
        ONOFFICE,
        &pair.onoffice,
        &json!({"Zusatz1": "Wieder anders"}),
    )?;
    world.poll().await?;
    assert_eq!(blocked(&world).await?.len(), 1);
    world.edit(
        HIGHLEVEL,
        &pair.highlevel,
        &json!({"companyName": "Brandt AG"}),
    )?;
    world.settle().await?;
    assert_eq!(blocked(&world).await?, []);
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.company, "Brandt AG");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_open_about_a_mapping_goes_with_it() -> Result<()> {
    let mut world = World::new(options()).await?;
    let (anna, berta) = (seed(&world, "Anna")?, seed(&world, "Berta")?);
    link(&world, &[&anna, &berta]).await?;
    // HighLevel takes no second contact with Berta's address; and two people mean two birthdays.
    let taken = json!({"Email": "berta@brandt.example", "Geburtsdatum": "1983-05-17"});
    world.edit(ONOFFICE, &anna.onoffice, &taken)?;
    let other = json!({"dateOfBirth": "1984-05-17"});
    world.edit(HIGHLEVEL, &anna.highlevel, &other)?;
    world.poll().await?;
    assert_eq!(blocked(&world).await?.len(), 1);
    let birthday = question(&world, ReviewKind::Conflict).await?;
    let was = world.rules_of(&people());
    // A rule about something else takes nothing back.
    let mut rules = was.clone();
    mapping_of(&mut rules, "city").policy = Some(Policy::RightOwns);
    assert_eq!(world.apply(rules.clone()).await, []);
    world.settle().await?;
    assert_eq!(blocked(&world).await?.len(), 1);
    question(&world, ReviewKind::Conflict).await?;
    // Without the two mappings there is nothing to answer and nothing to wait for.
    contact(&mut rules).fields.retain(|mapping| {
        !["email", "birthday"].contains(&mapping.name.as_deref().unwrap_or_default())
    });
    assert_eq!(world.apply(rules).await, []);
    world.settle().await?;
    assert_eq!(blocked(&world).await?, []);
    let withdrawn = world.engine().reviews(&ReviewFilter::default()).await?;
    assert_eq!(withdrawn.len(), 1, "{withdrawn:#?}");
    assert_eq!(withdrawn[0].id, birthday.id);
    assert_eq!(withdrawn[0].state, ReviewState::Withdrawn);
    let why = withdrawn[0].choice.as_deref().unwrap_or_default();
    assert!(why.contains("not in the rules"), "{why}");
    // With them, all is asked and listed again.
    assert_eq!(world.apply(was).await, []);
    world.settle().await?;
    assert_eq!(blocked(&world).await?.len(), 1);
    question(&world, ReviewKind::Conflict).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_is_decided_by_a_policy_that_comes_later() -> Result<()> {
    let (mut world, anna) = one_pair(options()).await?;
    let right = json!({"Geburtsdatum": "1983-05-17"});
    world.edit(ONOFFICE, &anna.onoffice, &right)?;
    let left = json!({"dateOfBirth": "1984-05-17"});
    world.edit(HIGHLEVEL, &anna.highlevel, &left)?;
    world.poll().await?;
    question(&world, ReviewKind::Conflict).await?;
    let mut rules = world.rules_of(&people());
    mapping_of(&mut rules, "birthday").policy = Some(Policy::RightOwns);
    assert_eq!(world.apply(rules).await, []);
    world.settle().await?;
    let held = world.held(HIGHLEVEL, &anna.highlevel)?;
    assert_eq!(held.birthday, "1983-05-17");
    agrees(&world).await?;
    assert!(questions(&world).await?.is_empty());
    Ok(())
}
