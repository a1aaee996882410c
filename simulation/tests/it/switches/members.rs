//! The same for members: the sync between HighLevel and OfficeRnD, with webhooks of both.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mapping::SyncRules;
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, OFFICERND, Options, World, member_rules, members};
use store::{ReviewKind, Store as _, Workspace};

use crate::support::{answer, contact, on_the_left, question, questions, refused_members};

/// Members who are nobody's counterpart and fill more than a page.
const CROWD: usize = 55;

/// What the rules of a phone number come to in an account that takes one only when a member is made.
const PHONES: [&str; 2] = ["+4930901821", "+4930901822"];

fn options(switch: &str, value: &Json) -> Options {
    let mut options = crate::support::options();
    options.members = Some(member_rules());
    options.member_webhooks = true;
    options
        .switches
        .push(("officernd.rate_limit".to_owned(), json!(false)));
    options.switches.push((switch.to_owned(), value.clone()));
    options
}

/// With a custom field on each side, and without the crowd.
fn rules(note: &str) -> Result<SyncRules> {
    let mut rules = member_rules();
    let contact = contact(&mut rules);
    let mapping =
        json!({"name": "note", "left": format!("customFields.{note}"), "right": "properties.Note"});
    contact.fields.push(serde_json::from_value(mapping)?);
    let create = json!({"left": true, "right": true, "only": {
        "from_left": [{"field": "tags", "contains": "coworking"}],
        "from_right": [{"field": "properties.Crowd", "is_not": "yes"}],
    }});
    contact.create = serde_json::from_value(create)?;
    Ok(rules)
}

fn newcomer(name: &str) -> Json {
    let mut contact = on_the_left(name);
    contact["tags"] = json!(["coworking"]);
    // the rules map no company
    contact["companyName"] = Json::Null;
    contact
}

/// A person in the shape of OfficeRnD's create call.
fn as_member(name: &str) -> Json {
    let left = on_the_left(name);
    json!({
        "name": format!("{name} Brandt"), "email": left["email"], "phone": left["phone"],
        "address": {
            "street": left["address1"], "zip": left["postalCode"], "city": left["city"],
            "country": "Germany",
        },
        "properties": {"Kept": "by hand"},
    })
}

/// The same person on both sides: the contact and the member.
fn seed(world: &World, name: &str) -> Result<(String, String)> {
    let left = world.seed(HIGHLEVEL, &newcomer(name))?;
    Ok((left, world.seed(OFFICERND, &as_member(name))?))
}

/// Two people are linked and edited on each side; two are made, one on each side; a number changes; one is deleted and asked about.
pub(super) async fn scenario(switch: &str, value: &Json) -> Result<()> {
    let mut world = World::new(options(switch, value)).await?;
    let note = json!({"name": "Note", "dataType": "TEXT"});
    let note = world.act(HIGHLEVEL, "add_field", &note)?["id"].clone();
    let note = note.as_str().context("a custom field")?;
    for key in ["Note", "Kept", "Crowd"] {
        let property = json!({"key": key, "type": "Text", "targets": ["member"]});
        world.act(OFFICERND, "add_property", &property)?;
    }
    for number in 0..CROWD {
        let one = json!({"name": format!("Crowd {number}"), "properties": {"Crowd": "yes"}});
        world.seed(OFFICERND, &one)?;
    }
    let (anna, berta) = (seed(&world, "Anna")?, seed(&world, "Berta")?);
    let refusals = world.apply_to(members(), rules(note)?).await;
    ensure!(refusals.is_empty(), "{refusals:?}");
    world.sync_of(&members()).await?;
    world.settle().await?;
    let links = world.engine().links(&members(), None, 0).await?;
    ensure!(links.len() == 2, "{links:#?}");
    world.wait(Duration::from_secs(4)).await;
    world.settle().await?;

    let edited = json!({"city": "Potsdam", "customFields": [{"id": note, "field_value": "left"}]});
    world.edit(HIGHLEVEL, &anna.0, &edited)?;
    let mut address = as_member("Berta")["address"].take();
    address["street"] = json!("Am Markt 9");
    let edited = json!({"address": address, "properties": {"Note": "right"}});
    world.edit(OFFICERND, &berta.1, &edited)?;
    world.make(HIGHLEVEL, &newcomer("Clara"))?;
    let mut dora = as_member("Dora");
    dora["properties"] = json!({});
    world.make(OFFICERND, &dora)?;
    world.settle().await?;
    let city = world.held(OFFICERND, &anna.1)?.city;
    ensure!(city == "Potsdam", "no webhook told of the edit: {city}");
    if switch != "officernd.lost_webhook_every" {
        let street = world.held(HIGHLEVEL, &berta.0)?.street;
        ensure!(street == "Am Markt 9", "no webhook told of it: {street}");
    }
    world.wait(Duration::from_secs(4)).await;
    world.poll().await?;
    world.sweep().await?;
    let open = questions(&world).await?;
    ensure!(open.is_empty(), "{open:#?}");
    let numbers = (
        world.living(HIGHLEVEL).len(),
        world.living(OFFICERND).len() - CROWD,
    );
    ensure!(numbers == (4, 4), "{numbers:?}");
    ensure!(world.held(HIGHLEVEL, &berta.0)?.street == "Am Markt 9");
    let of_berta = world.act(HIGHLEVEL, "get_contact", &json!({"id": berta.0}))?;
    let held = of_berta["customFields"].to_string();
    ensure!(held.contains("right"), "{held}");
    let of_anna = world.act(OFFICERND, "get_member", &json!({"id": anna.1}))?;
    let bag = &of_anna["properties"];
    ensure!(bag["Note"] == "left", "{of_anna:#}");
    ensure!(bag["Kept"] == "by hand", "a write took another one away");
    judged(&world).await.context("after the edits")?;

    let phones = match switch {
        "officernd.put_profile" => Phones::Taken,
        "officernd.whitelist" => Phones::Dropped,
        _ => Phones::Refused,
    };
    phone(&world, &anna, phones).await?;
    judged(&world).await.context("after the numbers")?;

    world.delete(HIGHLEVEL, &berta.0)?;
    world.settle().await?;
    world.wait(Duration::from_secs(4)).await;
    world.sweep().await?;
    let review = question(&world, ReviewKind::Deleted).await?;
    answer(&world, &review, "remove").await?;
    let living = world.living(OFFICERND);
    ensure!(living.iter().all(|member| member.id != berta.1));
    world.sweep().await?;
    judged(&world).await.context("after the delete")
}

/// What becomes of a number in an update.
#[derive(Clone, Copy, PartialEq)]
enum Phones {
    Taken,
    Refused,
    /// It is accepted without a word, and the old one stays.
    Dropped,
}

/// A number that changes arrives where the account takes it; else that is found out with one refusal, said once, and not tried again.
/// Nobody's edit is undone by it.
async fn phone(world: &World, anna: &(String, String), phones: Phones) -> Result<()> {
    let before = world.held(OFFICERND, &anna.1)?.phone;
    for number in PHONES {
        world.edit(HIGHLEVEL, &anna.0, &json!({"phone": number}))?;
        world.settle().await?;
        world.wait(Duration::from_secs(4)).await;
        world.poll().await?;
        world.sweep().await?;
    }
    let now = world.held(OFFICERND, &anna.1)?.phone;
    let edited = world.held(HIGHLEVEL, &anna.0)?.phone;
    ensure!(edited == PHONES[1], "the edit became {edited}");
    let blocked = world
        .store
        .blocked(&Workspace::from("default"), &members(), None)
        .await?;
    let refused = refused_members(world);
    if phones == Phones::Taken {
        ensure!(now == PHONES[1], "it is {now}");
        ensure!(blocked.is_empty() && refused == 0, "{blocked:#?}");
        return Ok(());
    }
    ensure!(now == before, "it is {now}");
    ensure!(
        blocked.len() == 1 && blocked[0].mapping == "phone",
        "{blocked:#?}"
    );
    let once = u64::from(phones == Phones::Refused);
    ensure!(refused == once, "it was refused {refused} times");
    // whoever has it tried again finds it listed still
    let tried = world.engine().try_again(&sync::Again::default()).await?;
    ensure!(tried.fields == 1, "{tried:?}");
    world.settle().await?;
    world.sweep().await?;
    let still = world
        .store
        .blocked(&Workspace::from("default"), &members(), None)
        .await?;
    ensure!(still.len() == 1, "{still:#?}");
    ensure!(world.held(OFFICERND, &anna.1)?.phone == before);
    Ok(())
}

async fn judged(world: &World) -> Result<()> {
    let asked = world.questions().await?;
    let of_members = asked.into_iter().filter(|(sync, _, _)| *sync == members());
    let questions: Vec<_> = of_members.map(|(_, _, question)| question).collect();
    let mut findings = world.control.judge_syncs(&questions, None);
    for agreement in &mut findings.syncs {
        // the crowd needs nobody
        let crowd = world.living(OFFICERND);
        let is_crowd = |id: &String| {
            let mut crowd = crowd.iter();
            crowd.any(|member| member.id == *id && member.name.starts_with("Crowd"))
        };
        agreement
            .without_counterpart
            .right
            .retain(|id| !is_crowd(id));
        ensure!(agreement.agrees(), "{agreement:#?}");
    }
    // nothing is left to be written
    let mark = world.edit_mark();
    world.sweep().await?;
    let written = world.api_edits(mark);
    ensure!(written.is_empty(), "{written:#?}");
    Ok(())
}
