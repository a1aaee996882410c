//! A number or an address that a system takes once only, and that somebody else has already.

use anyhow::Result;
use sandbox::{Operation, System};
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, ONOFFICE, World};
use store::ReviewKind;

use crate::support::{
    agrees, answer, blocked, choices, link, numbers, on_the_right, options, question, questions,
    seed, world,
};

/// Another person, whose phone rings on Anna's desk.
fn at_annas_desk(name: &str, last: &str) -> Json {
    let mut person = on_the_right(name);
    person["Name"] = json!(last);
    person["email"] = json!(format!(
        "{}@{}.example",
        name.to_lowercase(),
        last.to_lowercase()
    ));
    let letters = name.bytes().chain(last.bytes()).map(usize::from);
    let sum: usize = letters.clone().sum();
    person["Geburtsdatum"] = json!(format!(
        "{}-{:02}-{:02}",
        1950 + sum % 50,
        1 + letters.clone().take(2).sum::<usize>() % 12,
        1 + letters.skip(1).sum::<usize>() % 28
    ));
    person["phone"] = on_the_right("Anna")["phone"].clone();
    person
}

/// The phones of the contacts that bear this first name.
fn phones(world: &World, name: &str) -> Vec<String> {
    let living = world.living(HIGHLEVEL).into_iter();
    living
        .filter(|held| held.first_name == name)
        .map(|held| held.phone)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_else_on_the_same_phone_is_made_without_it_and_it_is_listed() -> Result<()> {
    let world = world().await?;
    let anna = seed(&world, "Anna")?;
    link(&world, &[&anna]).await?;
    let dora = world.make(ONOFFICE, &at_annas_desk("Dora", "Ziegler"))?;
    world.poll().await?;
    assert_eq!(numbers(&world), (2, 2));
    assert_eq!(world.pairs().await?.len(), 2);
    assert!(questions(&world).await?.is_empty());
    assert_eq!(phones(&world, "Dora"), [""]);
    let rows = blocked(&world).await?;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0].mapping, "phone");
    assert!(
        rows[0].reason.contains(&anna.highlevel),
        "{:?}",
        rows[0].reason
    );
    // Nothing is sent again while nothing changes.
    let writes = world.writes();
    world.sweep().await?;
    assert_eq!(world.writes(), writes);
    // It stays listed when something else of her changes, which is carried.
    world.edit(ONOFFICE, &dora, &json!({"Vorname": "Dorothea"}))?;
    world.poll().await?;
    assert_eq!(phones(&world, "Dorothea"), [""]);
    assert_eq!(blocked(&world).await?.len(), 1);
    // A phone of her own goes across, and nothing is listed any more.
    world.edit(ONOFFICE, &dora, &json!({"Telefon1": "030 5559876"}))?;
    world.poll().await?;
    assert_eq!(phones(&world, "Dorothea"), ["+49305559876"]);
    assert!(blocked(&world).await?.is_empty());
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_kept_apart_is_made_and_not_asked_about_again() -> Result<()> {
    let world = world().await?;
    let anna = seed(&world, "Anna")?;
    link(&world, &[&anna]).await?;
    // HighLevel's own check alone knows that she has this address, too.
    let extra =
        json!({"id": anna.highlevel, "fields": {"additionalEmails": ["dora@ziegler.example"]}});
    world.act(HIGHLEVEL, "edit_contact", &extra)?;
    world.settle().await?;
    let mut dora = at_annas_desk("Dora", "Ziegler");
    dora["phone"] = json!("030 5551212");
    world.make(ONOFFICE, &dora)?;
    world.poll().await?;
    let review = question(&world, ReviewKind::Ambiguous).await?;
    let apart = choices(&review)
        .into_iter()
        .find(|choice| choice.contains("apart"));
    answer(&world, &review, apart.unwrap_or("keep_apart")).await?;
    assert!(questions(&world).await?.is_empty());
    assert_eq!(numbers(&world), (2, 2));
    let made = world
        .living(HIGHLEVEL)
        .into_iter()
        .find(|held| held.first_name == "Dora");
    let made = made.map(|held| (held.email, held.phone));
    assert_eq!(made, Some((String::new(), "+49305551212".to_owned())));
    let rows = blocked(&world).await?;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0].mapping, "email");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_sync_learns_that_a_number_is_taken_once_and_sends_it_no_more() -> Result<()> {
    let mut options = options();
    options.limits = true;
    let world = World::new(options).await?;
    let firsts = [
        "Berta", "Clara", "Dora", "Emil", "Fritz", "Greta", "Hans", "Ida", "Jonas", "Karl",
    ];
    let lasts = ["Ziegler", "Maurer", "Kramer", "Lorenz"];
    world.seed(ONOFFICE, &on_the_right("Anna"))?;
    for last in lasts {
        for first in firsts {
            world.seed(ONOFFICE, &at_annas_desk(first, last))?;
        }
    }
    let people = 1 + firsts.len() * lasts.len();
    world.sync().await?;
    world.settle().await?;
    assert_eq!(numbers(&world), (people, people));
    assert_eq!(world.pairs().await?.len(), people);
    assert!(questions(&world).await?.is_empty());
    assert_eq!(blocked(&world).await?.len(), people - 1);
    let made = world.api_edits_of(0, System::HighLevel, Operation::Create);
    assert_eq!(made, people);
    let refused = world.writes() - made as u64;
    // Workers that were under way when the first was refused may have sent one each.
    println!("{refused} creates were refused");
    assert!(refused < 12, "{refused} creates were refused");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_sync_asks_about_two_of_one_household_without_a_refusal_for_each() -> Result<()> {
    let mut options = options();
    options.limits = true;
    let world = World::new(options).await?;
    // a married couple on one phone: nothing says that they are two, nothing that they are one
    let couples = 24;
    for couple in 0..couples {
        let last = format!(
            "Zieg{}mann",
            ["el", "en", "er", "et"][couple % 4].repeat(1 + couple / 4)
        );
        for first in ["Berta", "Konrad"] {
            let person = json!({
                "Vorname": first, "Name": last,
                "email": format!("{first}{couple}@household.example").to_lowercase(),
                "phone": format!("030 5550{couple:02}3"),
            });
            world.seed(ONOFFICE, &person)?;
        }
    }
    world.sync().await?;
    world.settle().await?;
    assert_eq!(numbers(&world), (couples, 2 * couples));
    let asked = questions(&world).await?;
    assert_eq!(asked.len(), couples, "{asked:#?}");
    assert!(
        asked
            .iter()
            .all(|review| review.kind == ReviewKind::Ambiguous)
    );
    let made = world.api_edits_of(0, System::HighLevel, Operation::Create);
    let refused = world.writes() - made as u64;
    println!("{refused} creates were refused");
    assert!(refused < 8, "{refused} creates were refused");
    Ok(())
}
