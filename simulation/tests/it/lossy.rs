//! Values that the other side can hold only in part: nothing of them is written before a person has said what.

use anyhow::Result;
use mapping::{OnLoss, Unmatched};
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE, Options, World};
use store::{ReviewKind, ReviewState};

use crate::support::{
    answer, blocked, contact, journal, mapping_of, one_pair, options, question, questions,
};

/// onOffice takes 80 characters of a name.
const LONG: &str =
    "Freifrau von und zu der Heide auf Hohenstein-Wackerbarth zu Salm-Reifferscheidt-Raitz";

fn asking(on_loss: OnLoss) -> Options {
    let mut options = options();
    mapping_of(&mut options.rules, "last_name").lossy = Some(on_loss);
    let tags = mapping_of(&mut options.rules, "categories");
    tags.lossy = Some(on_loss);
    tags.unmatched = Some(Unmatched::Pass);
    contact(&mut options.rules).import_tag = mapping::ImportTags::default();
    options
}

fn rename(world: &World, record: &str, name: &str) -> Result<()> {
    world.edit(HIGHLEVEL, record, &json!({"lastName": name}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_does_not_fit_is_asked_about_once_and_written_as_the_answer_says() -> Result<()>
{
    let (world, pair) = one_pair(asking(OnLoss::Ask)).await?;
    for review in questions(&world).await? {
        // The tag that only HighLevel has is left there.
        answer(&world, &review, "leave").await?;
    }
    let left = blocked(&world).await?.len();
    rename(&world, &pair.highlevel, LONG)?;
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    world.poll().await?;
    // The field beside it crosses, and of this one not a part.
    let right = world.held(ONOFFICE, &pair.onoffice)?;
    assert_eq!((&*right.last_name, &*right.city), ("Brandt", "Potsdam"));
    let review = question(&world, ReviewKind::Lossy).await?;
    let keys: Vec<_> = simulation::history::choices(&review);
    assert_eq!(keys, ["shorten", "leave", "edit", "postpone"]);
    let cut: String = LONG.chars().take(80).collect();
    assert_eq!(
        review.details["keeps"]["value"]["text"],
        cut.trim(),
        "{review:#?}"
    );
    assert_eq!(blocked(&world).await?.len(), left + 1);

    // Nothing is asked twice, whatever is looked at.
    let writes = world.writes();
    world.sweep().await?;
    rename(&world, &pair.highlevel, LONG)?;
    world.poll().await?;
    assert_eq!(question(&world, ReviewKind::Lossy).await?, review);
    assert_eq!(world.writes(), writes);

    answer(&world, &review, "shorten").await?;
    let right = world.held(ONOFFICE, &pair.onoffice)?;
    assert_eq!(right.last_name, cut.trim());
    assert_eq!(world.held(HIGHLEVEL, &pair.highlevel)?.last_name, LONG);
    assert_eq!(blocked(&world).await?.len(), left);
    assert!(journal(&world, &pair.onoffice).await?.iter().any(|row| {
        let note = row.entry.note.as_deref().unwrap_or_default();
        note.contains("shortened") && row.entry.before.text() == Some("Brandt")
    }));
    let writes = world.writes();
    world.sweep().await?;
    assert!(questions(&world).await?.is_empty());
    assert_eq!(world.writes(), writes);

    // Another value is another question; one that fits is none.
    rename(&world, &pair.highlevel, &format!("{LONG}-Dyck"))?;
    world.poll().await?;
    let again = question(&world, ReviewKind::Lossy).await?;
    assert_ne!(again.id, review.id);
    rename(&world, &pair.highlevel, "Heide")?;
    world.poll().await?;
    assert!(questions(&world).await?.is_empty());
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.last_name, "Heide");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_left_or_put_off_is_not_asked_again_for_the_same_value() -> Result<()> {
    let (mut world, pair) = one_pair(asking(OnLoss::Ask)).await?;
    for review in questions(&world).await? {
        answer(&world, &review, "leave").await?;
    }
    rename(&world, &pair.highlevel, LONG)?;
    world.poll().await?;
    let review = question(&world, ReviewKind::Lossy).await?;
    answer(&world, &review, "leave").await?;
    world.sweep().await?;
    // The mark is stored, and the same after a restart.
    world.kill_and_restart()?;
    world.sweep().await?;
    assert!(questions(&world).await?.is_empty());
    let rows = blocked(&world).await?;
    assert!(
        rows.iter()
            .any(|row| row.reason.starts_with("left by a person") && row.mapping == "last_name"),
        "{rows:#?}"
    );
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.last_name, "Brandt");

    rename(&world, &pair.highlevel, &format!("{LONG}-Dyck"))?;
    world.poll().await?;
    let review = question(&world, ReviewKind::Lossy).await?;
    answer(&world, &review, "postpone").await?;
    world.sweep().await?;
    assert!(questions(&world).await?.is_empty());
    rename(&world, &pair.highlevel, &format!("{LONG}-Alfter"))?;
    world.poll().await?;
    let anew = question(&world, ReviewKind::Lossy).await?;
    assert_eq!(anew.id, review.id, "the same question, about another value");
    assert_ne!(anew.details["value"], review.details["value"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_of_ones_own_goes_to_both_sides_and_one_that_does_not_fit_to_none() -> Result<()> {
    let (world, pair) = one_pair(asking(OnLoss::Ask)).await?;
    for review in questions(&world).await? {
        answer(&world, &review, "leave").await?;
    }
    rename(&world, &pair.highlevel, LONG)?;
    world.poll().await?;
    let review = question(&world, ReviewKind::Lossy).await?;
    let engine = world.engine();
    assert!(
        engine.resolve(review.id, "edit").await.is_err(),
        "without a value"
    );
    let longer = Some(format!("{LONG}!"));
    assert!(
        engine
            .resolve_with(review.id, "edit", longer.as_deref())
            .await
            .is_err()
    );
    assert_eq!(question(&world, ReviewKind::Lossy).await?.id, review.id);
    let decided = engine
        .resolve_with(review.id, "edit", Some("von der Heide"))
        .await?;
    assert_eq!(decided.state, ReviewState::Decided);
    world.settle().await?;
    for (system, record) in [(HIGHLEVEL, &pair.highlevel), (ONOFFICE, &pair.onoffice)] {
        assert_eq!(world.held(system, record)?.last_name, "von der Heide");
    }
    let writes = world.writes();
    world.sweep().await?;
    assert_eq!(world.writes(), writes);
    assert!(questions(&world).await?.is_empty());
    Ok(())
}

/// A tag that the other side does not have: nothing would be written, and yet a part is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_values_those_that_the_other_side_lacks_are_asked_about() -> Result<()> {
    let (world, pair) = one_pair(asking(OnLoss::Ask)).await?;
    for review in questions(&world).await? {
        answer(&world, &review, "leave").await?;
    }
    world.act(
        HIGHLEVEL,
        "add_tags",
        &json!({"id": pair.highlevel, "tags": ["Tippgeber", "Golfplatz"]}),
    )?;
    world.poll().await?;
    let review = question(&world, ReviewKind::Lossy).await?;
    assert!(
        review.details["loses"]
            .to_string()
            .to_lowercase()
            .contains("golfplatz"),
        "{review:#?}"
    );
    let tags = || anyhow::Ok(world.held(ONOFFICE, &pair.onoffice)?.tags);
    assert!(!tags()?.contains(&"Tippgeber".to_owned()));
    answer(&world, &review, "shorten").await?;
    assert!(tags()?.contains(&"Tippgeber".to_owned()));
    let writes = world.writes();
    world.sweep().await?;
    assert_eq!(world.writes(), writes);
    assert!(questions(&world).await?.is_empty());
    // Nothing would be written of this one, and it is said all the same.
    world.act(
        HIGHLEVEL,
        "add_tags",
        &json!({"id": pair.highlevel, "tags": ["Segelflug"]}),
    )?;
    world.poll().await?;
    let review = question(&world, ReviewKind::Lossy).await?;
    answer(&world, &review, "shorten").await?;
    assert_eq!(world.writes(), writes);
    assert!(questions(&world).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_made_gets_what_fits_and_the_rest_is_asked_about_or_follows_the_rule() -> Result<()>
{
    for on_loss in [OnLoss::Ask, OnLoss::Shorten, OnLoss::Leave] {
        let mut options = asking(on_loss);
        let last = &mut contact(&mut options.rules).fields;
        last.retain(|mapping| mapping.name.as_deref() != Some("categories"));
        // A name is demanded of a new record: another field is the long one.
        for mapping in last.iter_mut() {
            let is_it = mapping.name.as_deref() == Some("street");
            mapping.lossy = is_it.then_some(on_loss);
        }
        let world = World::new(options).await?;
        let mut anna = crate::support::on_the_left("Anna");
        anna["address1"] = json!(LONG.repeat(4));
        world.make(HIGHLEVEL, &anna)?;
        world.sync().await?;
        world.settle().await?;
        let pairs = world.pairs().await?;
        assert_eq!(pairs.len(), 1, "{on_loss:?}");
        let street = world.held(ONOFFICE, &pairs[0].onoffice)?.street;
        let open = questions(&world).await?;
        match on_loss {
            OnLoss::Ask => {
                assert_eq!((street.as_str(), open.len()), ("", 1), "{open:#?}");
                answer(&world, &open[0], "shorten").await?;
                assert!(!world.held(ONOFFICE, &pairs[0].onoffice)?.street.is_empty());
            }
            OnLoss::Shorten => {
                assert!(LONG.repeat(4).starts_with(&street) && !street.is_empty());
                assert!(open.is_empty(), "{open:#?}");
            }
            OnLoss::Leave => {
                assert_eq!(street, "");
                assert!(open.is_empty(), "{open:#?}");
                assert_eq!(blocked(&world).await?.len(), 1);
            }
        }
        let writes = world.writes();
        world.sweep().await?;
        assert_eq!(world.writes(), writes, "{on_loss:?}");
        assert!(questions(&world).await?.is_empty());
    }
    Ok(())
}
