//! Members as live ones are: billing details of which more is there than a body takes, and the faults of real data.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, OFFICERND, Options, World, member_rules, members};
use store::Store as _;

use crate::support::{contact, on_the_left, questions, refused_members};

fn options() -> Options {
    let mut options = crate::support::options();
    options.members = Some(member_rules());
    options.member_webhooks = true;
    options
        .switches
        .push(("officernd.rate_limit".to_owned(), json!(false)));
    options
}

fn newcomer(name: &str) -> Json {
    let mut contact = on_the_left(name);
    contact["tags"] = json!(["coworking"]);
    contact["companyName"] = Json::Null;
    contact
}

fn as_member(name: &str) -> Json {
    let left = on_the_left(name);
    json!({
        "name": format!("{name} Brandt"), "email": left["email"], "phone": left["phone"],
        "address": {
            "street": left["address1"], "zip": left["postalCode"], "city": left["city"],
            "country": "Germany",
        },
    })
}

/// Anna on both sides, with a VAT number and the town of the bill in custom fields of HighLevel.
async fn billed() -> Result<(World, String, String, [String; 2])> {
    let mut world = World::new(options()).await?;
    let mut fields = Vec::new();
    for name in ["VAT", "Bill to"] {
        let field = json!({"name": name, "dataType": "TEXT"});
        let made = world.act(HIGHLEVEL, "add_field", &field)?;
        fields.push(made["id"].as_str().context("a field")?.to_owned());
    }
    let [vat, town]: [String; 2] = fields.try_into().ok().context("two fields")?;
    let mut rules = member_rules();
    for (name, left, right) in [
        ("vat", &vat, "billingDetails.vatNumber"),
        ("bill_to", &town, "billingDetails.billingAddress.city"),
    ] {
        let mapping = json!({"name": name, "left": format!("customFields.{left}"), "right": right});
        contact(&mut rules)
            .fields
            .push(serde_json::from_value(mapping)?);
    }
    let left = world.seed(HIGHLEVEL, &newcomer("Anna"))?;
    let mut right = as_member("Anna");
    right["billingDetails"] = json!({"billingName": "Brandt GmbH", "vatNumber": "DE1",
        "billingAddress": {"city": "Bonn", "zip": "53111"}});
    let right = world.seed(OFFICERND, &right)?;
    let refusals = world.apply_to(members(), rules).await;
    ensure!(refusals.is_empty(), "{refusals:?}");
    world.sync_of(&members()).await?;
    world.settle().await?;
    Ok((world, left, right, [vat, town]))
}

fn shown(world: &World, contact: &str) -> Result<String> {
    let contact = world.act(HIGHLEVEL, "get_contact", &json!({"id": contact}))?;
    Ok(contact["customFields"].to_string())
}

fn billing(world: &World, member: &str) -> Result<Json> {
    let mut member = world.act(OFFICERND, "get_member", &json!({"id": member}))?;
    Ok(member["billingDetails"].take())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn billing_details_travel_both_ways_and_keep_what_no_rule_maps() -> Result<()> {
    let (world, left, right, [vat, town]) = billed().await?;
    let first = shown(&world, &left)?;
    ensure!(first.contains("DE1") && first.contains("Bonn"), "{first}");
    let values = json!({"customFields": [{"id": vat, "field_value": "DE2"}, {"id": town, "field_value": "Köln"}]});
    world.edit(HIGHLEVEL, &left, &values)?;
    world.settle().await?;
    let expected = json!({"billingName": "Brandt GmbH", "vatNumber": "DE2",
        "billingAddress": {"city": "Köln", "zip": "53111"}});
    ensure!(
        billing(&world, &right)? == expected,
        "{:#}",
        billing(&world, &right)?
    );
    let mut edited = expected.clone();
    edited["vatNumber"] = json!("DE3");
    world.edit(OFFICERND, &right, &json!({"billingDetails": edited}))?;
    world.settle().await?;
    world.poll().await?;
    let now = shown(&world, &left)?;
    ensure!(now.contains("DE3") && !now.contains("DE2"), "{now}");
    let mark = world.edit_mark();
    world.sweep().await?;
    ensure!(
        world.api_edits(mark).is_empty(),
        "{:#?}",
        world.api_edits(mark)
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn billing_details_with_a_part_that_is_not_taken_back_stay_whole_and_are_listed_once()
-> Result<()> {
    let (world, left, right, [vat, _]) = billed().await?;
    let mut live = billing(&world, &right)?;
    live["taxRate"] = json!("t19");
    world.edit(OFFICERND, &right, &json!({"billingDetails": live}))?;
    world.settle().await?;
    let values = json!({"city": "Potsdam", "customFields": [{"id": vat, "field_value": "DE2"}]});
    world.edit(HIGHLEVEL, &left, &values)?;
    world.settle().await?;
    world.wait(Duration::from_secs(4)).await;
    world.poll().await?;
    world.sweep().await?;
    ensure!(
        billing(&world, &right)? == live,
        "{:#}",
        billing(&world, &right)?
    );
    ensure!(
        world.held(OFFICERND, &right)?.city == "Potsdam",
        "the rest of it crosses"
    );
    ensure!(shown(&world, &left)?.contains("DE2"), "the edit was undone");
    let blocked = world
        .store
        .blocked(&"default".into(), &members(), None)
        .await?;
    ensure!(
        blocked.len() == 1 && blocked[0].mapping == "vat",
        "{blocked:#?}"
    );
    let refused = refused_members(&world);
    let mark = world.edit_mark();
    for _ in 0..2 {
        world.skip(Duration::from_secs(3_600));
        world.poll().await?;
        world.sweep().await?;
    }
    ensure!(
        world.api_edits(mark).is_empty(),
        "{:#?}",
        world.api_edits(mark)
    );
    ensure!(
        refused_members(&world) == refused,
        "it is tried again and again"
    );
    Ok(())
}

/// Names of people who all have a faulty member: one of each fault, twice.
const PEOPLE: [&str; 8] = [
    "Anna", "Berta", "Clara", "Dora", "Emma", "Frida", "Greta", "Hanna",
];

/// Postcode and town exchanged, no number, the address of somebody else, a company that is gone: as they come in live data.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dirty_members_are_linked_to_nobody_else_and_nobody_is_made_twice() -> Result<()> {
    let mut options = options();
    options
        .switches
        .push(("officernd.dirty_every".to_owned(), json!(1)));
    let world = World::new(options).await?;
    let mut theirs = BTreeMap::new();
    for name in PEOPLE {
        let left = world.seed(HIGHLEVEL, &newcomer(name))?;
        theirs.insert(left, world.seed(OFFICERND, &as_member(name))?);
    }
    let addresses: Vec<String> = world
        .living(OFFICERND)
        .into_iter()
        .map(|own| own.email)
        .collect();
    let mut different = addresses.clone();
    different.sort();
    different.dedup();
    ensure!(
        different.len() < addresses.len(),
        "no address repeats: {addresses:?}"
    );
    world.sync_of(&members()).await?;
    world.settle().await?;
    world.wait(Duration::from_secs(4)).await;
    world.poll().await?;
    world.sweep().await?;
    let links = world.engine().links(&members(), None, 0).await?;
    for link in &links {
        let own = theirs.get(link.left.as_str()).map(String::as_str);
        ensure!(own == Some(link.right.as_str()), "{link:#?} of {theirs:#?}");
    }
    let open = questions(&world).await?;
    eprintln!("{} links, {open:#?}", links.len());
    let numbers = (world.living(HIGHLEVEL).len(), world.living(OFFICERND).len());
    ensure!(numbers == (PEOPLE.len(), PEOPLE.len()), "{numbers:?}");
    // it comes to rest
    let mark = world.edit_mark();
    world.sweep().await?;
    ensure!(
        world.api_edits(mark).is_empty(),
        "{:#?}",
        world.api_edits(mark)
    );
    Ok(())
}
