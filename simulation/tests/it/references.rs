//! A field that names a record of another entity: the company of a contact.

use std::{future::Future, time::Duration};

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;
use record::{Access, Entity, Field};
use serde_json::{Value as Json, json};
use store::ReviewKind;

use crate::{
    between::{Between, rules},
    memory::{CompanyField, FREE},
};

/// How long a part of one run may take.
const LONGEST: Duration = Duration::from_secs(120);

fn named(company: &str) -> Option<String> {
    Some(company.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn companies_come_first_and_contacts_name_them_in_one_write() -> Result<()> {
    let world = Between::new(rules(), [FREE, FREE]).await?;
    for number in 0..60 {
        let company = world.left.company(&format!("firm{number}"));
        world
            .left
            .contact(&format!("Person{number}"), Some(&company));
    }
    world.left.contact("Alone", None);
    // One of each is on the other side already, the person in no company there.
    world.right.company("firm7");
    world.right.contact("Person7", None);
    world.sync().await?;
    for number in 0..60 {
        let firm = format!("firm{number}");
        let company = world.right.company_of(&format!("Person{number}"))?;
        assert_eq!(company, Some(firm), "Person{number}");
    }
    assert_eq!(world.right.company_of("Alone")?, None);
    let made = world.right.made();
    assert_eq!(made.len(), 59 + 60);
    let complete = |(_, fields): &&(Entity, record::Fields)| {
        fields.get("company").value().is_some() || fields.get("lastName") == &Field::of("Alone")
    };
    let contacts = made.iter().filter(|(entity, _)| *entity == Entity::Contact);
    assert_eq!(
        contacts.filter(complete).count(),
        60,
        "made with their company"
    );
    assert_eq!(world.right.updates(), 1, "only Person7 had to be changed");
    assert_eq!(world.left.updates(), 0);
    assert!(world.blocked().await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_makes_companies_and_people_as_shown_and_the_run_puts_them_together() -> Result<()> {
    let world = Between::new(rules(), [FREE, FREE]).await?;
    for number in 0..5 {
        let company = world.left.company(&format!("firm{number}"));
        world
            .left
            .contact(&format!("Person{number}"), Some(&company));
    }
    world.right.company("firm2");
    world.right.contact("Person2", None);
    let (plan, report) = world.plan_and_apply().await?;
    assert_eq!(plan.rows, 10, "{plan:#?}");
    assert_eq!((report.done, report.left_out), (10, 0), "{report:#?}");
    // Who belongs where could not be shown before the companies were there.
    assert_eq!(world.right.made().len(), 8);
    assert_eq!(world.right.updates(), 0);
    for number in 0..5 {
        assert_eq!(world.right.company_of(&format!("Person{number}"))?, None);
    }
    world.sync().await?;
    for number in 0..5 {
        let firm = format!("firm{number}");
        let company = world.right.company_of(&format!("Person{number}"))?;
        assert_eq!(company, Some(firm), "Person{number}");
    }
    assert_eq!(world.right.made().len(), 8, "nothing twice");
    assert_eq!(world.left.updates(), 0, "nobody was taken out of a company");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_changes_company_changes_it_on_both_sides() -> Result<()> {
    let world = Between::new(rules(), [FREE, FREE]).await?;
    let one = world.left.company("one");
    world.left.company("two");
    let contact = world.left.contact("Anna", Some(&one));
    world.sync().await?;
    let companies = world.right.all(Entity::Company);
    let there = world.right.all(Entity::Contact)["Anna"].clone();

    world.right.moves(&there, Some(&companies["two"]));
    world.poll().await?;
    assert_eq!(world.left.company_of("Anna")?, named("two"));

    world.left.moves(&contact, Some(&one));
    world.poll().await?;
    assert_eq!(world.right.company_of("Anna")?, named("one"));

    world.left.moves(&contact, None);
    world.poll().await?;
    assert_eq!(world.right.company_of("Anna")?, None);
    assert_eq!(
        (world.left.updates(), world.right.updates()),
        (1, 2),
        "no echo"
    );
    assert!(world.blocked().await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_right_after_our_own_write_is_not_lost_although_it_has_no_date() -> Result<()> {
    let world = Between::new(rules(), [FREE, FREE]).await?;
    let one = world.left.company("one");
    for name in ["two", "three"] {
        world.left.company(name);
    }
    let contact = world.left.contact("Anna", Some(&one));
    world.sync().await?;
    let there = world.right.all(Entity::Contact)["Anna"].clone();
    let theirs = world.right.all(Entity::Company);
    let ours = world.left.all(Entity::Company);
    // We write the move to the left, and a person moves Anna on: the date of the contact is still that of our write.
    world.right.moves(&there, Some(&theirs["two"]));
    world.poll().await?;
    assert_eq!(world.left.company_of("Anna")?, named("two"));
    world.left.moves_quietly(&contact, &ours["three"]);
    world.poll().await?;
    world.sweep().await?;
    world.settle().await?;
    assert_eq!(world.right.company_of("Anna")?, named("three"));
    assert_eq!(world.left.company_of("Anna")?, named("three"));
    // And back to what we had written, which is no echo of ours.
    world.left.moves_quietly(&contact, &ours["two"]);
    world.sweep().await?;
    world.settle().await?;
    assert_eq!(world.right.company_of("Anna")?, named("two"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_cannot_be_emptied_there_stays_and_is_listed() -> Result<()> {
    let stubborn = CompanyField {
        clearable: false,
        ..FREE
    };
    let world = Between::new(rules(), [FREE, stubborn]).await?;
    let one = world.left.company("one");
    let contact = world.left.contact("Anna", Some(&one));
    world.sync().await?;
    world.left.moves(&contact, None);
    world.poll().await?;
    assert_eq!(world.right.company_of("Anna")?, named("one"));
    assert_eq!(world.left.company_of("Anna")?, None);
    let blocked = world.blocked().await?;
    assert_eq!(blocked.len(), 1);
    assert!(blocked[0].contains("cannot be emptied"), "{blocked:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_waits_for_its_company_and_is_woken_by_its_link() -> Result<()> {
    let mut rules = rules();
    rules["entities"]["company"]["create"] = json!({"left": false, "right": false});
    let align = json!({"left": "company", "right": "company", "align": "right_wins"});
    rules["entities"]["contact"]["fields"][3] = align;
    let world = Between::new(rules, [FREE, FREE]).await?;
    let late = world.left.company("late");
    world.left.contact("Anna", Some(&late));
    world.left.contact("Berta", Some(&late));
    // Berta is there already.
    world.right.contact("Berta", None);
    world.sync().await?;
    // Nothing was guessed, and the company that is not there took nothing away.
    for contact in ["Anna", "Berta"] {
        assert_eq!(world.right.company_of(contact)?, None, "{contact}");
        assert_eq!(world.left.company_of(contact)?, named("late"), "{contact}");
    }
    let blocked = world.blocked().await?;
    assert_eq!(blocked.len(), 2, "{blocked:?}");
    assert!(
        blocked
            .iter()
            .all(|why| why.contains("waits until the company")),
        "{blocked:?}"
    );
    let updates = (world.left.updates(), world.right.updates());
    assert_eq!(updates, (0, 0));

    world.right.company("late");
    world.poll().await?;
    assert_eq!(world.right.company_of("Anna")?, named("late"));
    assert!(world.blocked().await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_nobody_told_of_is_looked_for_by_who_names_it() -> Result<()> {
    let world = Between::new(rules(), [FREE, FREE]).await?;
    world.sync().await?;
    world.left.keeps_companies_quiet();
    let company = world.left.company("quiet");
    world.left.contact("Anna", Some(&company));
    world.poll().await?;
    assert_eq!(world.right.company_of("Anna")?, named("quiet"));
    assert!(world.blocked().await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_is_only_taken_at_create_is_waited_for_and_not_for_ever() -> Result<()> {
    let at_create = CompanyField {
        access: Access::CreateOnly,
        clearable: false,
    };
    let world = Between::new(rules(), [FREE, at_create]).await?;
    world.sync().await?;
    let company = world.left.company("new");
    world.left.contact("Anna", Some(&company));
    world.poll().await?;
    assert_eq!(world.right.company_of("Anna")?, named("new"));
    assert_eq!(world.right.updates(), 0);

    let mut alone = rules();
    alone["entities"]["company"]["create"] = json!({"left": false, "right": false});
    let world = Between::new(alone, [FREE, at_create]).await?;
    world.sync().await?;
    let company = world.left.company("never");
    world.left.contact("Anna", Some(&company));
    world.poll().await?;
    for _ in 0..100 {
        if world.right.all(Entity::Contact).contains_key("Anna") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(world.right.company_of("Anna")?, None);
    assert_eq!(world.left.company_of("Anna")?, named("never"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_is_deleted_takes_nobody_out_of_its_counterpart() -> Result<()> {
    // Whether the vendor takes the contacts out of it or leaves them with an id of nothing.
    for empties in [true, false] {
        let world = Between::new(rules(), [FREE, FREE]).await?;
        let (one, two) = (world.left.company("one"), world.left.company("two"));
        world.left.contact("Anna", Some(&one));
        world.left.contact("Berta", Some(&two));
        world.sync().await?;
        let updates = world.right.updates();
        world.left.deletes(&one, empties);
        // The contact is told of before the company is: only a sweep finds that.
        world.poll().await?;
        assert_eq!(world.right.company_of("Anna")?, named("one"), "{empties}");
        world.sweep().await?;
        assert_eq!(world.right.company_of("Anna")?, named("one"), "{empties}");
        assert_eq!(world.right.updates(), updates, "{empties}");
        assert!(world.right.all(Entity::Company).contains_key("one"));
        let open = world.questions().await?;
        assert_eq!(open.len(), 1, "{open:#?}");
        assert_eq!(open[0].kind, ReviewKind::Deleted);
        let blocked = world.blocked().await?;
        assert!(
            !blocked.is_empty()
                && blocked
                    .iter()
                    .all(|why| why.contains("waits until the company")),
            "{blocked:?}"
        );

        world.answer(&open[0], "recreate").await?;
        assert_eq!(world.left.company_of("Anna")?, named("one"), "{empties}");
        assert_eq!(world.right.company_of("Anna")?, named("one"), "{empties}");
        assert_eq!(world.left.company_of("Berta")?, named("two"));
        assert!(
            world.blocked().await?.is_empty(),
            "{:?}",
            world.blocked().await?
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contacts_follow_a_company_that_is_linked_anew() -> Result<()> {
    for empties in [true, false] {
        let world = Between::new(rules(), [FREE, FREE]).await?;
        let one = world.left.company("one");
        world.left.contact("Anna", Some(&one));
        world.sync().await?;
        // Merged, or made anew: the company is there under another id.
        world.left.deletes(&one, empties);
        let heir = world.left.company("one");
        world.sweep().await?;
        let open = world.questions().await?;
        let rebind = open
            .iter()
            .find(|review| review.kind == ReviewKind::Rebind)
            .with_context(|| format!("{open:#?}"))?;
        world.answer(rebind, &format!("rebind:{heir}")).await?;
        assert!(world.questions().await?.is_empty());
        assert_eq!(world.left.company_of("Anna")?, named("one"), "{empties}");
        assert_eq!(world.right.company_of("Anna")?, named("one"), "{empties}");
        assert_eq!(world.right.all(Entity::Company).len(), 1);
        assert!(world.blocked().await?.is_empty());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn companies_of_one_name_are_neither_doubled_nor_guessed() -> Result<()> {
    let world = Between::new(rules(), [FREE, FREE]).await?;
    let here = world.left.bare_company("Müller Bau GmbH");
    let there = world.right.bare_company("MUELLER BAU");
    world.left.contact("Anna", Some(&here));
    world.sync().await?;
    // Asked of each of the two.
    let open = world.questions().await?;
    assert!(
        (1..=2).contains(&open.len())
            && open
                .iter()
                .all(|review| review.kind == ReviewKind::Ambiguous),
        "{open:#?}"
    );
    for side in [&world.left, &world.right] {
        assert_eq!(side.all(Entity::Company).len(), 1);
    }
    assert_eq!(world.right.company_of("Anna")?, None);
    assert!(world.blocked().await?[0].contains("waits until the company"));

    let other = if open[0].details["side"] == "left" {
        there
    } else {
        here
    };
    world.answer(&open[0], &format!("link:{other}")).await?;
    assert!(world.questions().await?.is_empty());
    assert_eq!(world.links(Entity::Company).await?, 1);
    let company = world.right.company_of("Anna")?;
    assert_eq!(company, world.right.all(Entity::Company).into_keys().next());
    assert!(world.blocked().await?.is_empty());
    Ok(())
}

/// A part of it must end, or is named.
async fn within<T>(what: &str, part: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(LONGEST, part)
        .await
        .unwrap_or_else(|_| Err(anyhow::anyhow!("it hangs")))
        .with_context(|| what.to_owned())
}

/// Somebody waits for a company, and the company is linked: killed at a step of that, or not at all.
async fn woken(rules: Json, last: Option<usize>) -> Result<(Vec<String>, bool)> {
    let mut world = Between::new(rules, [FREE, FREE]).await?;
    let late = world.left.company("late");
    world.left.contact("Anna", Some(&late));
    within("the first sync", world.sync()).await?;
    ensure!(world.right.company_of("Anna")?.is_none());
    ensure!(world.blocked().await?.len() == 1);
    let life = world.life();
    life.count(last);
    world.right.company("late");
    world.left.contact("Berta", Some(&late));
    tokio::select! {
        done = within("the poll", world.poll()) => done?,
        () = life.ended() => {}
    }
    let passed = life.passed();
    // Whatever it still does at rest is not its last.
    life.count(None);
    let killed = life.is_over();
    if killed {
        within("the restart", world.kill_and_restart()).await?;
        within("the poll after it", world.poll()).await?;
    }
    for name in ["Anna", "Berta"] {
        ensure!(world.right.company_of(name)? == named("late"), "{name}");
    }
    ensure!(world.blocked().await?.is_empty());
    ensure!(world.links(Entity::Contact).await? == 2);
    ensure!(world.right.all(Entity::Contact).len() == 2, "made twice");
    Ok((passed, killed))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_is_woken_wherever_the_engine_is_killed() -> Result<()> {
    let mut rules = rules();
    rules["entities"]["company"]["create"] = json!({"left": false, "right": false});
    if let Some(step) = std::env::var("STEP")
        .ok()
        .and_then(|text| text.parse().ok())
    {
        let (passed, killed) = woken(rules, Some(step)).await?;
        ensure!(killed, "there is no such step: {passed:#?}");
        return Ok(());
    }
    let (steps, _) = woken(rules.clone(), None)
        .await
        .context("nobody was killed")?;
    ensure!(steps.len() > 10, "there is nothing to kill: {steps:#?}");
    let number = steps.len();
    let runs = futures::stream::iter(steps.into_iter().enumerate()).map(|(step, what)| {
        let rules = rules.clone();
        async move {
            let told = tokio::spawn(woken(rules, Some(step))).await?;
            told.with_context(|| format!("killed {what}, step {step} of {number}"))
        }
    });
    let mut runs = std::pin::pin!(runs.buffer_unordered(4));
    let mut killed = 0;
    while let Some(told) = runs.next().await {
        killed += usize::from(told?.1);
    }
    ensure!(
        killed * 2 >= number,
        "killed at {killed} of {number} steps only"
    );
    Ok(())
}
