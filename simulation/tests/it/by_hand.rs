//! Links that people make and end by hand, and that such decisions are remembered and can be taken back.

use anyhow::Result;
use record::Entity;
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE, people};
use store::{PairDecision, ReviewKind};
use sync::NamedPair;

use crate::support::{
    agrees, answer, numbers, on_the_left, on_the_right, one_pair, options, question, questions,
    world,
};

fn named(left: &str, right: &str) -> NamedPair {
    NamedPair {
        sync: people(),
        entity: Entity::Contact,
        left: left.into(),
        right: right.into(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pairs_known_from_elsewhere_are_checked_all_and_then_aligned_like_a_first_link()
-> Result<()> {
    let world = world().await?;
    // Nothing tells that they are one, but their owner knows.
    let anna = world.seed(HIGHLEVEL, &on_the_left("Anna"))?;
    let mut married = on_the_right("Berta");
    married["Geburtsdatum"] = json!("");
    let berta = world.seed(ONOFFICE, &married)?;
    let clara = world.seed(HIGHLEVEL, &on_the_left("Clara"))?;
    let engine = world.engine();
    let mut elsewhere = named(&anna, &berta);
    elsewhere.sync = "others".into();
    let wrong = [
        named(&anna, &berta),
        named(&clara, &berta),
        named("nobody", "99999"),
        elsewhere,
    ];
    let report = engine.link_pairs(&wrong, false).await?;
    assert_eq!(report.linked, 0);
    let bad: Vec<usize> = report.problems.keys().copied().collect();
    assert_eq!(bad, [1, 2, 3], "{report:#?}");
    assert!(report.problems[&2].contains("nobody "), "{report:#?}");
    assert_eq!(world.pairs().await?, []);

    let right = [named(&anna, &berta)];
    assert_eq!(engine.link_pairs(&right, true).await?.linked, 1);
    assert_eq!(world.pairs().await?, [], "a check links nothing");
    assert_eq!(engine.link_pairs(&right, false).await?.linked, 1);
    world.sync().await?;
    world.settle().await?;
    assert_eq!(world.pairs().await?.len(), 2, "and Clara was made");
    assert_eq!(numbers(&world), (2, 2));
    assert_eq!(
        world.held(ONOFFICE, &berta)?.birthday,
        "1980-05-17",
        "filled by the link"
    );
    let again = engine.link_pairs(&right, false).await?;
    assert_eq!((again.linked, again.already), (0, 1));
    let taken = engine.link_pairs(&[named(&clara, &berta)], false).await?;
    assert!(taken.problems[&0].contains("is linked with"), "{taken:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_split_is_remembered_and_what_was_decided_can_be_forgotten() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    let engine = world.engine();
    let both = named(&pair.highlevel, &pair.onoffice);
    engine.split(&both, true).await?;
    world.sweep().await?;
    // They look like one person, and nobody links them again, or makes another of either.
    assert_eq!(world.pairs().await?, []);
    assert_eq!(numbers(&world), (1, 1));
    assert!(questions(&world).await?.is_empty());
    let decided = engine.decisions(&people(), None, 0).await?;
    assert_eq!(decided.len(), 1);
    assert_eq!(decided[0].decision, PairDecision::KeepApart);
    assert!(
        engine.split(&both, true).await.is_err(),
        "they are not linked"
    );

    engine.forget_decision(&both).await?;
    world.settle().await?;
    assert_eq!(world.pairs().await?, [pair]);
    assert_eq!(engine.decisions(&people(), None, 0).await?, []);
    assert!(
        engine.forget_decision(&both).await.is_err(),
        "nothing is decided"
    );
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_of_one_person_the_other_one_can_be_chosen_and_keeping_apart_is_undone() -> Result<()>
{
    let world = world().await?;
    let twins = [
        world.seed(HIGHLEVEL, &on_the_left("Anna"))?,
        world.seed(HIGHLEVEL, &on_the_left("Anna"))?,
    ];
    let right = world.seed(ONOFFICE, &on_the_right("Anna"))?;
    world.sync().await?;
    world.settle().await?;
    let review = question(&world, ReviewKind::Ambiguous).await?;
    let about = review.details["record"].as_str().unwrap_or_default();
    let other = twins.iter().find(|id| *id != about).expect("another one");
    let chosen = if about == right {
        format!("link:{other}")
    } else {
        format!("instead:{other}")
    };
    answer(&world, &review, &chosen).await?;
    world.settle().await?;
    let pairs = world.pairs().await?;
    assert_eq!(pairs.len(), 1);
    assert_eq!((&pairs[0].highlevel, &pairs[0].onoffice), (other, &right));
    // The one that is left is asked about in its turn.
    let left_over = question(&world, ReviewKind::Ambiguous).await?;
    answer(&world, &left_over, "apart").await?;
    world.settle().await?;
    assert_eq!(numbers(&world), (2, 2));
    let decided = world.engine().decisions(&people(), None, 0).await?;
    assert!(decided.len() >= 2, "{decided:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_answer_settles_a_person_who_is_there_twice() -> Result<()> {
    let world = world().await?;
    let mut double = on_the_left("Anna");
    double["city"] = json!("Potsdam");
    let twins = [
        world.seed(HIGHLEVEL, &on_the_left("Anna"))?,
        world.seed(HIGHLEVEL, &double)?,
    ];
    let right = world.seed(ONOFFICE, &on_the_right("Anna"))?;
    world.sync().await?;
    world.settle().await?;
    let review = question(&world, ReviewKind::Ambiguous).await?;
    let about = review.details["record"].as_str().unwrap_or_default();
    // Whomever it is about, one answer says who of the two it is, and leaves the other one alone.
    let (chosen, kept) = if about == right {
        (twins[0].as_str(), twins[0].as_str())
    } else {
        (right.as_str(), about)
    };
    answer(&world, &review, &format!("only:{chosen}")).await?;
    world.sweep().await?;
    assert!(questions(&world).await?.is_empty());
    assert_eq!(numbers(&world), (2, 1));
    let pairs = world.pairs().await?;
    assert_eq!((pairs.len(), pairs[0].highlevel.as_str()), (1, kept));
    // Taken back, the double is a question again.
    let other = twins.iter().find(|id| *id != kept).expect("another one");
    world
        .engine()
        .forget_decision(&named(other, &right))
        .await?;
    world.settle().await?;
    assert_eq!(questions(&world).await?.len(), 1);
    Ok(())
}
