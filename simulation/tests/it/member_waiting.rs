//! What belongs to a contact or a member waits while the two are not linked, and is woken by their link: between HighLevel and
//! OfficeRnD, in both directions.

use anyhow::{Context, Result, ensure};
use mapping::SyncRules;
use record::Entity;
use sandbox::officernd::Kind;
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, OFFICERND, World, member_rules, members};

use crate::support::{options, questions};

/// The text property of members that notes are blocks of.
const PROPERTY: &str = "crm_id";

/// The rules of members with tasks and notes of the ready config, and opportunities. Contacts are not made at one end.
fn rules(left: bool, right: bool) -> Result<SyncRules> {
    let ready: Json =
        serde_yaml_ng::from_str(include_str!("../../../examples/highlevel-officernd.yaml"))?;
    let mut rules = member_rules();
    for (entity, name) in [(Entity::Task, "task"), (Entity::Note, "note")] {
        let block = ready["syncs"]["people"]["entities"][name].clone();
        rules
            .entities
            .insert(entity, serde_json::from_value(block)?);
    }
    rules.entities.insert(
        Entity::Opportunity,
        serde_json::from_value(json!({
            "fields": [
                {"left": "name", "right": "name"},
                {"name": "contact", "left": "contactId", "right": "member"},
                {"name": "stage", "left": "stage", "right": "status",
                    "values": {"Sales: New lead": "System status for open opportunities"}},
            ],
            "match": {"keys": []},
        }))?,
    );
    let contact = rules.entities.get_mut(&Entity::Contact);
    let contact = contact.context("contacts")?;
    (contact.create.left, contact.create.right) = (left, right);
    Ok(rules)
}

async fn world(left: bool, right: bool) -> Result<World> {
    let mut options = options();
    options.members = Some(rules(left, right)?);
    let calm = [("officernd.rate_limit".to_owned(), json!(false))];
    options.switches.extend(calm);
    World::new(options).await
}

/// How many of each kind wait.
async fn waiting(world: &World) -> Result<Vec<(String, u64)>> {
    let status = world.engine().status().await?;
    ensure!(status.failing_records.is_empty(), "{status:#?}");
    let waiting = status.syncs.iter().flat_map(|sync| &sync.waiting);
    Ok(waiting
        .map(|(entity, number)| (entity.clone(), *number))
        .collect())
}

fn each() -> Vec<(String, u64)> {
    ["note", "opportunity", "task"]
        .map(|entity| (entity.to_owned(), 1))
        .to_vec()
}

fn opportunities(world: &World) -> Vec<(String, String)> {
    world.control.officernd(|state| {
        let living = state.all(Kind::Opportunity).iter();
        living
            .filter(|record| record.deleted_ms.is_none())
            .map(|record| {
                (
                    record.text("name").to_owned(),
                    record.text("member").to_owned(),
                )
            })
            .collect()
    })
}

fn items(world: &World, kind: &str) -> Result<Vec<Json>> {
    let shown = world.act(HIGHLEVEL, "items", &json!({"kind": kind}))?;
    Ok(shown["items"].as_array().cloned().unwrap_or_default())
}

const BERTA: &str = "berta@beispiel.example";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_to_a_contact_waits_for_its_member() -> Result<()> {
    let mut world = world(true, false).await?;
    let berta = world.make(
        HIGHLEVEL,
        &json!({"firstName": "Berta", "lastName": "Brandt", "email": BERTA, "tags": ["coworking"]}),
    )?;
    for (kind, fields) in [
        (
            "task",
            json!({"contactId": berta, "title": "Drucker", "dueDate": "2026-10-24T10:00:00Z"}),
        ),
        ("note", json!({"contactId": berta, "body": "mag Fenster"})),
    ] {
        world.act(
            HIGHLEVEL,
            "create_item",
            &json!({"kind": kind, "fields": fields}),
        )?;
    }
    let pipelines = world.act(HIGHLEVEL, "things", &json!({"kind": "pipeline"}))?;
    let deal = json!({"name": "Two desks", "contactId": berta, "pipelineId": pipelines[0]["id"],
        "pipelineStageId": pipelines[0]["stages"][0]["id"], "status": "open"});
    let deal = json!({"kind": "opportunity", "fields": deal});
    world.act(HIGHLEVEL, "make_thing", &deal)?;
    world.sync_of(&members()).await?;
    world.settle().await?;
    ensure!(
        waiting(&world).await? == each(),
        "{:?}",
        waiting(&world).await?
    );
    let tickets = |world: &World| world.act(OFFICERND, "tickets", &json!({}));
    ensure!(tickets(&world)?["tickets"] == json!([]));
    ensure!(opportunities(&world).is_empty());

    // whoever waits is not forgotten by a restart
    world.kill_and_restart()?;
    let member = world.make(OFFICERND, &json!({"name": "Berta Brandt", "email": BERTA}))?;
    world.poll().await?;
    world.sweep().await?;
    let made = tickets(&world)?["tickets"].clone();
    ensure!(
        made[0]["subject"] == "Drucker" && made[0]["member"] == json!(member) && made[1].is_null(),
        "{made:#?}"
    );
    let shown = world.act(OFFICERND, "get_member", &json!({"id": member}))?;
    let text = shown["properties"][PROPERTY].as_str().unwrap_or_default();
    ensure!(text.ends_with("]\nmag Fenster"), "{text}");
    ensure!(
        opportunities(&world) == [("Two desks".to_owned(), member)],
        "{:?}",
        opportunities(&world)
    );
    ensure!(waiting(&world).await?.is_empty());
    ensure!(questions(&world).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_to_a_member_waits_for_its_contact() -> Result<()> {
    let mut world = world(false, true).await?;
    let member = world.make(OFFICERND, &json!({"name": "Berta Brandt", "email": BERTA}))?;
    let ticket = json!({"fields": {"member": member, "subject": "Kaffee"}});
    world.act(OFFICERND, "create_ticket", &ticket)?;
    let note = json!({"id": member, "fields": {"properties": {PROPERTY: "Kommt dienstags."}}});
    world.act(OFFICERND, "edit_member", &note)?;
    let status = world.control.officernd(|state| {
        let all = state.all(Kind::OpportunityStatus).iter();
        let mut open = all
            .filter(|status| status.text("description") == "System status for open opportunities");
        open.next().map(|status| status.id.to_string())
    });
    let deal =
        json!({"name": "Team room", "member": member, "status": status.context("a status")?});
    world.act(OFFICERND, "create_opportunity", &deal)?;
    world.sync_of(&members()).await?;
    world.settle().await?;
    ensure!(
        waiting(&world).await? == each(),
        "{:?}",
        waiting(&world).await?
    );
    ensure!(items(&world, "task")?.is_empty() && items(&world, "note")?.is_empty());

    world.kill_and_restart()?;
    let contact = world.make(
        HIGHLEVEL,
        &json!({"firstName": "Berta", "lastName": "Brandt", "email": BERTA, "tags": ["coworking"]}),
    )?;
    world.poll().await?;
    world.sweep().await?;
    let (tasks, notes) = (items(&world, "task")?, items(&world, "note")?);
    let deals = world.act(HIGHLEVEL, "things", &json!({"kind": "opportunity"}))?;
    for (made, field, text) in [
        (&tasks, "title", "Kaffee"),
        (&notes, "body", "Kommt dienstags."),
        (deals.as_array().context("a list")?, "name", "Team room"),
    ] {
        ensure!(
            made.len() == 1 && made[0][field] == text && made[0]["contactId"] == json!(contact),
            "{made:#?}"
        );
    }
    ensure!(waiting(&world).await?.is_empty());
    ensure!(questions(&world).await?.is_empty());
    Ok(())
}
