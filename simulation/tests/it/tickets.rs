//! HighLevel's tasks and OfficeRnD's tickets, which stand in for them.

use anyhow::{Context, Result, ensure};
use mapping::{DeleteRule, SyncRules};
use record::Entity;
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, OFFICERND, World, member_rules, members};
use store::Store as _;

use crate::support::{on_the_left, options, questions};

/// The rules of members, and the block for tasks of the ready config.
fn rules() -> Result<SyncRules> {
    let ready: Json =
        serde_yaml_ng::from_str(include_str!("../../../examples/highlevel-officernd.yaml"))?;
    let task = ready["syncs"]["people"]["entities"]["task"].clone();
    let mut rules = member_rules();
    rules
        .entities
        .insert(Entity::Task, serde_json::from_value(task)?);
    Ok(rules)
}

async fn world() -> Result<(World, String, String)> {
    let mut options = options();
    options.members = Some(rules()?);
    options
        .switches
        .extend([("officernd.rate_limit".to_owned(), json!(false))]);
    let world = World::new(options).await?;
    let mut anna = on_the_left("Anna");
    anna["tags"] = json!(["coworking"]);
    let contact = world.make(HIGHLEVEL, &anna)?;
    world.sync_of(&members()).await?;
    world.settle().await?;
    let member = world.living(OFFICERND).pop().context("a member")?;
    Ok((world, contact, member.id))
}

fn tickets(world: &World) -> Result<Vec<Json>> {
    let shown = world.act(OFFICERND, "tickets", &json!({}))?;
    Ok(shown["tickets"].as_array().cloned().unwrap_or_default())
}

fn tasks(world: &World) -> Result<Vec<Json>> {
    let shown = world.act(HIGHLEVEL, "items", &json!({"kind": "task"}))?;
    Ok(shown["items"].as_array().cloned().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_and_a_ticket_stand_for_each_other_without_day_and_person() -> Result<()> {
    let (world, contact, member) = world().await?;
    let task = json!({"kind": "task", "fields": {"contactId": contact, "title": "Drucker", "body": "geht nicht",
        "dueDate": "2026-10-24T10:00:00.000Z"}});
    let task = world.act(HIGHLEVEL, "create_item", &task)?;
    world.poll().await?;
    let made = tickets(&world)?;
    ensure!(made.len() == 1, "{made:#?}");
    let ticket = &made[0];
    ensure!(
        ticket["subject"] == "Drucker" && ticket["message"] == "geht nicht",
        "{ticket}"
    );
    ensure!(ticket["member"] == json!(member), "{ticket}");
    ensure!(
        ticket["type"].is_string() && ticket["severity"].is_string(),
        "{ticket}"
    );

    let done =
        json!({"id": ticket["_id"], "fields": {"status": "resolved", "subject": "Drucker geht"}});
    world.act(OFFICERND, "edit_ticket", &done)?;
    world.poll().await?;
    let held = tasks(&world)?;
    ensure!(
        held[0]["completed"] == true && held[0]["title"] == "Drucker geht",
        "{held:#?}"
    );
    ensure!(
        held[0]["dueDate"] == "2026-10-24T10:00:00.000Z",
        "the day is HighLevel's own: {held:#?}"
    );

    let edit = json!({"kind": "task", "id": task["id"], "fields": {"completed": false}});
    world.act(HIGHLEVEL, "edit_item", &edit)?;
    world.poll().await?;
    ensure!(tickets(&world)?[0]["status"] == "new");

    // pending is not done either: nothing to write
    let pending = json!({"id": ticket["_id"], "fields": {"status": "pending"}});
    world.act(OFFICERND, "edit_ticket", &pending)?;
    let made = json!({"fields": {"member": member, "subject": "Kaffee"}});
    world.act(OFFICERND, "create_ticket", &made)?;
    world.poll().await?;
    ensure!(tickets(&world)?[0]["status"] == "pending");
    let held = tasks(&world)?;
    ensure!(held.len() == 2, "{held:#?}");
    let coffee = held
        .iter()
        .find(|task| task["title"] == "Kaffee")
        .context("a task")?;
    ensure!(
        coffee["contactId"] == json!(contact) && coffee["dueDate"].is_string(),
        "{coffee}"
    );

    // a ticket cannot be deleted: it stays, and brings no task back
    let gone = json!({"kind": "task", "id": task["id"]});
    world.act(HIGHLEVEL, "delete_item", &gone)?;
    world.settle().await?;
    world.sweep().await?;
    ensure!(tickets(&world)?.len() == 2 && tasks(&world)?.len() == 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_is_done_is_made_where_the_rules_say_so_and_then_as_a_resolved_ticket()
-> Result<()> {
    let (mut world, contact, _) = world().await?;
    let done = |title: &str| {
        json!({"kind": "task", "fields": {"contactId": contact, "title": title, "completed": true,
            "dueDate": "2026-10-24T10:00:00.000Z"}})
    };
    world.act(HIGHLEVEL, "create_item", &done("Drucker"))?;
    world.poll().await?;
    ensure!(tickets(&world)?.is_empty(), "{:#?}", tickets(&world)?);

    // A create takes no status: it comes with a change of its own, and each time.
    let mut changed = rules()?;
    let task = changed.entities.get_mut(&Entity::Task).context("tasks")?;
    task.create.only = Default::default();
    ensure!(world.apply_to(members(), changed).await.is_empty());
    for title in ["Kaffee", "Tee"] {
        world.act(HIGHLEVEL, "create_item", &done(title))?;
        world.poll().await?;
        world.settle().await?;
    }
    let made = tickets(&world)?;
    ensure!(
        made.len() >= 2 && made.iter().all(|ticket| ticket["status"] == "resolved"),
        "{made:#?}"
    );
    ensure!(tasks(&world)?.iter().all(|task| task["completed"] == true));
    let workspace = store::Workspace::from("default");
    let blocked = world.store.blocked(&workspace, &members(), None).await?;
    ensure!(blocked.is_empty(), "{blocked:#?}");
    ensure!(questions(&world).await?.is_empty());

    let tea = tasks(&world)?;
    let tea = tea.iter().find(|task| task["title"] == "Tee");
    let tea = tea.context("a task")?["id"].clone();
    let edit = json!({"kind": "task", "id": tea, "fields": {"completed": false}});
    world.act(HIGHLEVEL, "edit_item", &edit)?;
    world.poll().await?;
    let open = tickets(&world)?;
    let open: Vec<_> = open
        .iter()
        .filter(|ticket| ticket["status"] == "new")
        .collect();
    ensure!(open.len() == 1 && open[0]["subject"] == "Tee", "{open:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_a_person_deletes_is_asked_about_or_takes_its_task_with_it() -> Result<()> {
    for propagates in [false, true] {
        let (mut world, contact, member) = world().await?;
        let mut changed = rules()?;
        let task = changed.entities.get_mut(&Entity::Task).context("tasks")?;
        task.limits.deletes.share = 1.0;
        if propagates {
            task.deletes.right = DeleteRule::Propagate;
        }
        ensure!(world.apply_to(members(), changed).await.is_empty());
        // an empty list would be no proof that one was deleted
        for subject in ["Drucker", "Kaffee"] {
            let made = json!({"fields": {"member": member, "subject": subject}});
            world.act(OFFICERND, "create_ticket", &made)?;
        }
        world.poll().await?;
        ensure!(tasks(&world)?.len() == 2);
        let gone = tickets(&world)?.remove(0);
        world.act(OFFICERND, "delete_ticket", &json!({"id": gone["_id"]}))?;
        world.settle().await?;
        world.sweep().await?;
        let held = tasks(&world)?;
        let open = questions(&world).await?;
        if propagates {
            ensure!(
                held.len() == 1 && held[0]["title"] != gone["subject"],
                "{held:#?}"
            );
            ensure!(held[0]["contactId"] == json!(contact), "{held:#?}");
            ensure!(open.is_empty(), "{open:#?}");
        } else {
            ensure!(held.len() == 2, "{held:#?}");
            ensure!(open.len() == 1, "{open:#?}");
        }
        // nothing brings it back
        world.poll().await?;
        world.sweep().await?;
        ensure!(tickets(&world)?.len() == 1);
    }
    Ok(())
}
