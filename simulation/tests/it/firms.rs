//! Companies of HighLevel and onOffice, where a company is an address, and who belongs to which is a relation.

use anyhow::{Context, Result};
use mapping::Condition;
use record::Entity;
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, ONOFFICE, Options, World, shipped_rules};

use crate::support::{blocked, contact, numbers, on_the_left, on_the_right, options};

const RELATION: &str = "urn:onoffice-de-ns:smart:2.5:relationTypes:address:contact:address";

async fn world(switches: &[(&str, bool)]) -> Result<World> {
    let mut rules = shipped_rules();
    rules.entities.insert(
        Entity::Company,
        serde_json::from_value(json!({
            "fields": [
                {"left": "name", "right": "Zusatz1"},
                {"left": "email", "right": "emails"},
                {"name": "address", "left": ["address", "postalCode", "city"], "right": ["Strasse", "Plz", "Ort"]},
                {"left": "country", "right": "Land"},
            ],
            "match": {"keys": ["email", "name_postcode"]},
        }))?,
    );
    let people = contact(&mut rules);
    people
        .fields
        .retain(|mapping| mapping.name.as_deref() != Some("company"));
    people.fields.push(serde_json::from_value(
        json!({"name": "company", "left": "businessId", "right": "company"}),
    )?);
    people.scope.right.push(Condition {
        field: "Anrede".to_owned(),
        is_not: Some("Firma".into()),
        ..Condition::default()
    });
    let mut options = options();
    options.switches.extend(
        switches
            .iter()
            .map(|(name, on)| ((*name).to_owned(), json!(on))),
    );
    World::new(Options { rules, ..options }).await
}

fn firms(world: &World) -> Result<Vec<Json>> {
    let read = world.act(
        ONOFFICE,
        "perform",
        &json!({"action": "read", "resource": "address", "parameters": {
            "data": ["Zusatz1", "Ort", "Anrede"], "filter": {"Anrede": [{"op": "=", "val": "Firma"}]}}}),
    )?;
    Ok(read["records"].as_array().cloned().unwrap_or_default())
}

fn companies(world: &World, person: &str) -> Result<Json> {
    let person: u64 = person.parse()?;
    let read = world.act(
        ONOFFICE,
        "perform",
        &json!({"action": "get", "resource": "idsfromrelation",
            "parameters": {"relationtype": RELATION, "childids": [person]}}),
    )?;
    Ok(read["records"][0]["elements"][person.to_string()].clone())
}

fn business_of(world: &World, contact: &str) -> Result<Json> {
    let contact = world.act(HIGHLEVEL, "get_contact", &json!({"id": contact}))?;
    Ok(contact["businessId"].clone())
}

fn business(world: &World, name: &str) -> Result<String> {
    let made = world.act(
        HIGHLEVEL,
        "create_business",
        &json!({"name": name, "email": format!("post@{}.example", name.to_lowercase()), "city": "Hamburg"}),
    )?;
    Ok(made["id"].as_str().context("an id")?.to_owned())
}

fn firm(world: &World, name: &str) -> Result<u64> {
    let made = world.make(
        ONOFFICE,
        &json!({"Anrede": "Firma", "Zusatz1": name, "Ort": "Bremen",
            "email": format!("post@{}.example", name.to_lowercase())}),
    )?;
    Ok(made.parse()?)
}

fn relate(world: &World, action: &str, firm: &Json, person: &str) -> Result<()> {
    let person: u64 = person.parse()?;
    let input = json!({"action": action, "resource": "relation",
        "parameters": {"relationtype": RELATION, "parentid": firm, "childid": person}});
    world.act(ONOFFICE, "perform", &input).map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn companies_cross_both_ways_and_people_belong_to_them() -> Result<()> {
    let world = world(&[("onoffice.relation_delete_listed_only", false)]).await?;
    let pair = world.seed_pair(&on_the_left("Anna"), &on_the_right("Anna"))?;
    let werft = business(&world, "Werft")?;
    let there = firm(&world, "Kontor")?;
    world.act(
        HIGHLEVEL,
        "set_business",
        &json!({"id": pair.highlevel, "businessId": werft}),
    )?;
    world.sync().await?;
    world.settle().await?;
    let all = firms(&world)?;
    assert_eq!(all.len(), 2, "{all:#?}");
    let made = all
        .iter()
        .find(|firm| firm["elements"]["Zusatz1"] == "Werft")
        .context("the company")?;
    assert_eq!(made["elements"]["Ort"], "Hamburg");
    let made = made["id"].to_string().replace('"', "");
    assert_eq!(companies(&world, &pair.onoffice)?, json!([made]));
    // No company became a person, and no person a company.
    assert_eq!(world.living(HIGHLEVEL).len(), 1);

    // Moved at the other end.
    relate(
        &world,
        "delete",
        &json!(made.parse::<u64>()?),
        &pair.onoffice,
    )?;
    relate(&world, "create", &json!([there]), &pair.onoffice)?;
    world.sync().await?;
    world.settle().await?;
    let kontor = business_of(&world, &pair.highlevel)?;
    let kontor = kontor.as_str().context("a company")?;
    assert_ne!(kontor, werft);
    let shown = world.act(HIGHLEVEL, "get_business", &json!({"id": kontor}))?;
    assert_eq!(shown["name"], "Kontor");

    // And back, and out. No date of hers moves when she is put into a company there: the next edit of hers shows it.
    let moved = async |company: Json, city: &str| -> Result<Json> {
        let input = json!({"id": pair.highlevel, "businessId": company});
        world.act(HIGHLEVEL, "set_business", &input)?;
        world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": city}))?;
        world.settle().await?;
        companies(&world, &pair.onoffice)
    };
    assert_eq!(moved(json!(werft), "Kiel").await?, json!([made]));
    assert_eq!(moved(Json::Null, "Jever").await?, json!([]));
    // An edit of the company itself.
    world.act(
        HIGHLEVEL,
        "edit_business",
        &json!({"id": werft, "fields": {"city": "Kiel"}}),
    )?;
    world.sync().await?;
    world.settle().await?;
    let all = firms(&world)?;
    assert!(
        all.iter().any(|firm| firm["elements"]["Ort"] == "Kiel"),
        "{all:#?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_person_is_made_with_its_company_and_a_link_that_cannot_be_removed_stays()
-> Result<()> {
    let world = world(&[]).await?;
    let (one, other) = (business(&world, "Werft")?, business(&world, "Kontor")?);
    world.sync().await?;
    world.settle().await?;
    let anna = world.make(HIGHLEVEL, &on_the_left("Anna"))?;
    world.act(
        HIGHLEVEL,
        "set_business",
        &json!({"id": anna, "businessId": one}),
    )?;
    world.settle().await?;
    world.sync().await?;
    world.settle().await?;
    let pairs = world.pairs().await?;
    let pair = pairs
        .iter()
        .find(|pair| pair.highlevel == anna)
        .context("a pair")?;
    let before = companies(&world, &pair.onoffice)?;
    assert_eq!(before.as_array().map(Vec::len), Some(1), "{before}");
    // onOffice refuses to take the link away: she stays where she is, and a row says so.
    world.act(
        HIGHLEVEL,
        "set_business",
        &json!({"id": anna, "businessId": other}),
    )?;
    world.settle().await?;
    world.sync().await?;
    world.settle().await?;
    assert_eq!(companies(&world, &pair.onoffice)?, before);
    assert_eq!(business_of(&world, &anna)?, json!(other));
    let blocked = blocked(&world).await?;
    assert_eq!(blocked.len(), 1, "{blocked:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cannot_be_seen_is_not_made_a_second_time_however_many_companies_are_linked()
-> Result<()> {
    let world = world(&[]).await?;
    for name in ["Werft", "Kontor", "Speicher", "Hafen", "Deich", "Schleuse"] {
        business(&world, name)?;
    }
    world.sync().await?;
    world.settle().await?;
    world.seed_pair(&on_the_left("Anna"), &on_the_right("Anna"))?;
    world.sync().await?;
    world.settle().await?;
    assert_eq!(numbers(&world), (1, 7));
    world.act(ONOFFICE, "set_rights", &json!({"address_read": "none"}))?;
    world.make(ONOFFICE, &on_the_right("Clara"))?;
    world.make(HIGHLEVEL, &on_the_left("Clara"))?;
    world.wait(std::time::Duration::from_secs(30)).await;
    assert_eq!(numbers(&world), (2, 8));
    world.act(ONOFFICE, "set_rights", &json!({"address_read": "all"}))?;
    world.wait(std::time::Duration::from_secs(60)).await;
    world.settle().await?;
    assert_eq!(numbers(&world), (2, 8));
    Ok(())
}
