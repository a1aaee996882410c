//! What a delete does by each rule, what a merge leaves to a person, and listings that prove nothing.

use std::time::Duration;

use anyhow::Result;
use mapping::DeleteRule;
use sandbox::judge::Pair;
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE, Options, World};
use store::ReviewKind;

use crate::support::{
    agrees, answer, choices, contact, link, numbers, on_the_left, on_the_right, options, question,
    questions, seed,
};

/// Anna vanishes on the left, Berta on the right, Clara stays; the same rule for both sides.
async fn two_deleted(rule: DeleteRule) -> Result<(World, [Pair; 3])> {
    let mut options = options();
    let deletes = &mut contact(&mut options.rules).deletes;
    (deletes.left, deletes.right) = (rule, rule);
    let world = World::new(options).await?;
    let pairs = [
        seed(&world, "Anna")?,
        seed(&world, "Berta")?,
        seed(&world, "Clara")?,
    ];
    link(&world, &pairs.iter().collect::<Vec<_>>()).await?;
    world.wait(Duration::from_secs(3)).await;
    world.delete(HIGHLEVEL, &pairs[0].highlevel)?;
    world.delete(ONOFFICE, &pairs[1].onoffice)?;
    world.settle().await?;
    world.sweep().await?;
    // A second look changes nothing more and brings nobody back.
    world.sweep().await?;
    Ok((world, pairs))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn propagate_removes_the_other_record_each_way() -> Result<()> {
    let (world, [anna, berta, clara]) = two_deleted(DeleteRule::Propagate).await?;
    assert!(world.held(ONOFFICE, &anna.onoffice)?.archived);
    assert!(world.held(HIGHLEVEL, &berta.highlevel)?.gone);
    assert_eq!(world.pairs().await?, [clara]);
    assert!(questions(&world).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn archive_never_deletes_where_nothing_can_be_archived() -> Result<()> {
    let (world, [anna, berta, clara]) = two_deleted(DeleteRule::Archive).await?;
    assert!(world.held(ONOFFICE, &anna.onoffice)?.archived);
    // HighLevel has no archive: the contact stays, and a person is asked.
    assert!(!world.held(HIGHLEVEL, &berta.highlevel)?.gone);
    let review = question(&world, ReviewKind::Deleted).await?;
    assert!(review.summary.contains("archive"), "{}", review.summary);
    assert_eq!(world.pairs().await?, [clara]);
    answer(&world, &review, "leave").await?;
    world.sweep().await?;
    assert!(questions(&world).await?.is_empty());
    assert!(!world.held(HIGHLEVEL, &berta.highlevel)?.gone);
    assert_eq!(numbers(&world).1, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unlink_leaves_the_other_record_alone_for_good() -> Result<()> {
    let (world, [anna, berta, clara]) = two_deleted(DeleteRule::Unlink).await?;
    assert!(!world.held(ONOFFICE, &anna.onoffice)?.archived);
    assert!(!world.held(HIGHLEVEL, &berta.highlevel)?.gone);
    assert_eq!(world.pairs().await?, [clara]);
    assert!(questions(&world).await?.is_empty());
    // An edit of one left alone makes nobody new.
    world.edit(HIGHLEVEL, &berta.highlevel, &json!({"city": "Potsdam"}))?;
    world.edit(ONOFFICE, &anna.onoffice, &json!({"Ort": "Bernau"}))?;
    world.poll().await?;
    world.sweep().await?;
    assert_eq!(numbers(&world), (2, 2));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ignore_lets_the_link_sleep_until_the_record_is_back() -> Result<()> {
    let (world, [anna, berta, clara]) = two_deleted(DeleteRule::Ignore).await?;
    assert!(!world.held(ONOFFICE, &anna.onoffice)?.archived);
    assert!(!world.held(HIGHLEVEL, &berta.highlevel)?.gone);
    assert!(questions(&world).await?.is_empty());
    assert_eq!(world.pairs().await?.len(), 3);
    world.edit(ONOFFICE, &anna.onoffice, &json!({"Ort": "Bernau"}))?;
    world.poll().await?;
    assert_eq!(numbers(&world), (2, 2));
    assert!(questions(&world).await?.is_empty());
    // HighLevel can bring a deleted contact back: then the two agree again.
    world.act(HIGHLEVEL, "restore_contact", &json!({"id": anna.highlevel}))?;
    world.settle().await?;
    world.sweep().await?;
    assert_eq!(world.held(HIGHLEVEL, &anna.highlevel)?.city, "Bernau");
    assert_eq!(numbers(&world), (3, 2));
    assert!(world.pairs().await?.contains(&clara));
    assert!(questions(&world).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_listing_of_either_side_deletes_nothing() -> Result<()> {
    let mut options = options();
    let deletes = &mut contact(&mut options.rules).deletes;
    (deletes.left, deletes.right) = (DeleteRule::Propagate, DeleteRule::Propagate);
    let world = World::new(options).await?;
    let pairs = [
        seed(&world, "Anna")?,
        seed(&world, "Berta")?,
        seed(&world, "Clara")?,
    ];
    link(&world, &pairs.iter().collect::<Vec<_>>()).await?;
    let nobody = world.fault(json!({"system": "highlevel", "method": "POST",
        "path": "/contacts/search", "fault": {"kind": "status", "status": 200,
            "body": {"contacts": [], "total": 0}}}))?;
    world.sweep().await?;
    world.sweep().await?;
    assert!(world.struck(nobody) >= 2);
    assert_eq!(numbers(&world), (3, 3));
    assert_eq!(world.pairs().await?.len(), 3);
    let review = question(&world, ReviewKind::MassChange).await?;
    assert!(review.summary.contains("0 of 3"), "{}", review.summary);
    // Nothing is stopped by it: an edit goes on its way.
    world.edit(HIGHLEVEL, &pairs[0].highlevel, &json!({"city": "Potsdam"}))?;
    world.settle().await?;
    assert_eq!(world.held(ONOFFICE, &pairs[0].onoffice)?.city, "Potsdam");
    assert!(!review.summary.contains("stopped"), "{}", review.summary);
    // Once all are listed again, there is nothing to ask.
    world.control.core().faults.clear();
    world.sweep().await?;
    assert!(questions(&world).await?.is_empty());
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn most_of_a_side_deleted_is_followed_once_a_person_says_so() -> Result<()> {
    let mut options = options();
    let deletes = &mut contact(&mut options.rules).deletes;
    (deletes.left, deletes.right) = (DeleteRule::Propagate, DeleteRule::Propagate);
    let world = World::new(options).await?;
    let pairs = [
        seed(&world, "Anna")?,
        seed(&world, "Berta")?,
        seed(&world, "Clara")?,
    ];
    link(&world, &pairs.iter().collect::<Vec<_>>()).await?;
    world.wait(Duration::from_secs(3)).await;
    for pair in &pairs[..2] {
        world.delete(ONOFFICE, &pair.onoffice)?;
    }
    world.sweep().await?;
    assert_eq!(numbers(&world), (3, 1));
    let review = question(&world, ReviewKind::MassChange).await?;
    assert!(review.summary.contains("1 of 3"), "{}", review.summary);
    answer(&world, &review, "continue").await?;
    assert_eq!(numbers(&world), (1, 1));
    assert_eq!(world.pairs().await?, [pairs[2].clone()]);
    world.sweep().await?;
    assert!(questions(&world).await?.is_empty());
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_people_behind_the_same_credentials_are_no_delete() -> Result<()> {
    let mut options = options();
    let rules = contact(&mut options.rules);
    rules.deletes.right = DeleteRule::Propagate;
    rules.create.left = false;
    let world = World::new(options).await?;
    let pairs = [seed(&world, "Anna")?, seed(&world, "Berta")?];
    link(&world, &[&pairs[0], &pairs[1]]).await?;
    // As if another client answered: other numbers, other people.
    for pair in &pairs {
        world.delete(ONOFFICE, &pair.onoffice)?;
    }
    for name in ["Xaver", "Yvonne", "Zita"] {
        world.seed(ONOFFICE, &on_the_right(name))?;
    }
    world.sweep().await?;
    world.sweep().await?;
    assert_eq!(numbers(&world).0, 2);
    let mut linked = world.pairs().await?;
    linked.sort_unstable();
    let mut wanted = pairs.to_vec();
    wanted.sort_unstable();
    assert_eq!(linked, wanted);
    // And it is said why they wait.
    let status = world.engine().status().await?;
    assert!(
        status
            .failing_records
            .iter()
            .any(|row| row.error.contains("not shown any more")),
        "{status:#?}"
    );
    Ok(())
}

/// Two linked people, of which the second is merged into the first by a person in HighLevel.
async fn merged(options: Options) -> Result<(World, Pair, Pair)> {
    let world = World::new(options).await?;
    let (winner, loser) = (seed(&world, "Anna")?, seed(&world, "Berta")?);
    link(&world, &[&winner, &loser]).await?;
    world.act(
        HIGHLEVEL,
        "merge_contacts",
        &json!({"winner": winner.highlevel, "loser": loser.highlevel}),
    )?;
    world.sweep().await?;
    Ok((world, winner, loser))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_merged_into_a_linked_one_is_asked_about_and_never_linked_twice() -> Result<()> {
    let (world, winner, loser) = merged(options()).await?;
    let review = question(&world, ReviewKind::Rebind).await?;
    assert!(!world.held(ONOFFICE, &loser.onoffice)?.archived);
    // The heir has a link of its own: it gets no second one, and nothing is half done.
    let choice = format!("rebind:{}", winner.highlevel);
    let offered: Vec<String> = choices(&review).into_iter().map(str::to_owned).collect();
    if offered.contains(&choice) {
        let refused = world.engine().resolve(review.id, &choice).await;
        let why = refused
            .expect_err("a record has one link at most")
            .to_string();
        assert!(why.contains("link"), "{why}");
        question(&world, ReviewKind::Rebind).await?;
    }
    world.sweep().await?;
    world.edit(ONOFFICE, &loser.onoffice, &json!({"Ort": "Bernau"}))?;
    world.poll().await?;
    let review = question(&world, ReviewKind::Rebind).await?;
    assert_eq!(numbers(&world), (1, 2));
    // A person lets the double go as well.
    answer(&world, &review, "remove").await?;
    assert!(world.held(ONOFFICE, &loser.onoffice)?.archived);
    world.sweep().await?;
    assert_eq!(world.pairs().await?, [winner]);
    assert_eq!(numbers(&world).0, 1);
    assert!(questions(&world).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_survivor_of_a_merge_may_be_left_alone() -> Result<()> {
    let (world, winner, loser) = merged(options()).await?;
    let review = question(&world, ReviewKind::Rebind).await?;
    answer(&world, &review, "postpone").await?;
    world.sweep().await?;
    assert!(questions(&world).await?.is_empty());
    assert_eq!(numbers(&world), (1, 2));
    answer(&world, &review, "leave").await?;
    world.sweep().await?;
    world.edit(ONOFFICE, &loser.onoffice, &json!({"Ort": "Bernau"}))?;
    world.poll().await?;
    assert_eq!(world.pairs().await?, [winner]);
    assert_eq!(numbers(&world), (1, 2));
    assert!(questions(&world).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_merged_in_onoffice_are_rebound_by_their_phone() -> Result<()> {
    let mut options = options();
    contact(&mut options.rules).create.left = false;
    let world = World::new(options).await?;
    let pair = seed(&world, "Anna")?;
    link(&world, &[&pair]).await?;
    // The same person again, whom nobody had linked: another mailbox, the name as married.
    let mut again = on_the_right("Anna");
    again["email"] = json!("anna@ziegler.example");
    again["phone"] = json!("040 777888");
    again["Name"] = json!("Ziegler");
    let heir = world.make(ONOFFICE, &again)?;
    world.poll().await?;
    world.act(
        ONOFFICE,
        "merge",
        &json!({"into": heir.parse::<u64>()?, "from": pair.onoffice.parse::<u64>()?}),
    )?;
    world.sweep().await?;
    let open = questions(&world).await?;
    let review = open
        .iter()
        .find(|review| review.kind == ReviewKind::Rebind)
        .unwrap_or_else(|| panic!("{open:#?}"));
    let choice = format!("rebind:{heir}");
    assert!(choices(review).contains(&choice.as_str()), "{review:#?}");
    assert_eq!(numbers(&world), (1, 1));
    answer(&world, review, &choice).await?;
    world.sweep().await?;
    let rebound = Pair {
        highlevel: pair.highlevel,
        onoffice: heir,
    };
    assert_eq!(world.pairs().await?, [rebound]);
    assert!(questions(&world).await?.is_empty());
    assert_eq!(numbers(&world), (1, 1));
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_deleted_and_made_anew_is_a_question_and_no_double() -> Result<()> {
    let world = World::new(options()).await?;
    let (anna, berta) = (seed(&world, "Anna")?, seed(&world, "Berta")?);
    link(&world, &[&anna, &berta]).await?;
    let fault = world.lose_webhooks();
    world.delete(HIGHLEVEL, &anna.highlevel)?;
    let anew = world.make(HIGHLEVEL, &on_the_left("Anna"))?;
    world.control.core().faults.remove(fault);
    world.sweep().await?;
    world.sweep().await?;
    assert_eq!(numbers(&world), (2, 2));
    let open = questions(&world).await?;
    let review = open
        .iter()
        .find(|review| review.kind == ReviewKind::Rebind)
        .unwrap_or_else(|| panic!("{open:#?}"));
    answer(&world, review, &format!("rebind:{anew}")).await?;
    world.sweep().await?;
    assert_eq!(world.pairs().await?.len(), 2);
    assert_eq!(numbers(&world), (2, 2));
    assert!(questions(&world).await?.is_empty());
    agrees(&world).await?;
    Ok(())
}
