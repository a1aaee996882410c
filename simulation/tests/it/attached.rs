//! What belongs to a contact, between HighLevel and onOffice: tasks, and notes with entries of the activity log.

use anyhow::{Context, Result, ensure};
use mapping::{DeleteRule, SyncRules};
use record::Entity;
use sandbox::{
    Operation,
    judge::{Belonging, Pair},
};
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, ONOFFICE, Options, World, shipped_rules};
use store::ReviewKind;

use crate::support::{answer, link, on_the_left, on_the_right, options, questions, seed};

/// The rules of contacts, and those of the ready pair for what belongs to them.
pub(crate) fn rules() -> Result<SyncRules> {
    let ready: Json =
        serde_yaml_ng::from_str(include_str!("../../../examples/highlevel-onoffice.yaml"))?;
    let mut rules = shipped_rules();
    for entity in [Entity::Task, Entity::Note] {
        let of_entity = &ready["syncs"]["people"]["entities"][entity.as_str()];
        let of_entity = serde_json::from_value(of_entity.clone())?;
        rules.entities.insert(entity, of_entity);
    }
    Ok(rules)
}

fn with(rules: SyncRules) -> Options {
    Options { rules, ..options() }
}

/// A world in which Anna is linked.
pub(crate) async fn with_anna(rules: SyncRules) -> Result<(World, Pair)> {
    let world = World::new(with(rules)).await?;
    let anna = seed(&world, "Anna")?;
    link(&world, &[&anna]).await?;
    Ok((world, anna))
}

/// A person makes a task or note in HighLevel; says its id.
pub(crate) fn write_left(world: &World, kind: &str, fields: &Json) -> Result<String> {
    let made = world.act(
        HIGHLEVEL,
        "create_item",
        &json!({"kind": kind, "fields": fields}),
    )?;
    Ok(made["id"].as_str().context("an id")?.to_owned())
}

fn edit_left(world: &World, kind: &str, id: &str, fields: &Json) -> Result<()> {
    let input = json!({"kind": kind, "id": id, "fields": fields});
    world.act(HIGHLEVEL, "edit_item", &input)?;
    Ok(())
}

fn lefts(world: &World, kind: &str) -> Result<Vec<Json>> {
    let items = world.act(HIGHLEVEL, "items", &json!({"kind": kind}))?;
    Ok(items["items"].as_array().cloned().unwrap_or_default())
}

pub(crate) fn left(world: &World, kind: &str) -> Result<Json> {
    let mut all = lefts(world, kind)?;
    ensure!(all.len() == 1, "{all:#?}");
    Ok(all.remove(0))
}

/// What a person does in onOffice; the answer's records.
pub(crate) fn at_right(
    world: &World,
    action: &str,
    resource: &str,
    id: Option<u64>,
    parameters: &Json,
) -> Result<Json> {
    let mut input = json!({"action": action, "resource": resource, "parameters": parameters});
    if let Some(id) = id {
        input["id"] = json!(id);
    }
    world.act(ONOFFICE, "perform", &input)
}

fn make_right(world: &World, resource: &str, parameters: &Json) -> Result<u64> {
    let made = at_right(world, "create", resource, None, parameters)?;
    made["id"].as_u64().context("an id")
}

/// All that belong to an address, newest number last, each with its number.
fn rights(world: &World, resource: &str, address: &str) -> Result<Vec<(u64, Json)>> {
    let address: u64 = address.parse()?;
    let (data, of) = match resource {
        "task" => (
            json!([
                "Betreff",
                "Aufgabe",
                "Status",
                "erledigt",
                "Deadline",
                "Deadline_strikt",
                "Art",
                "Prio",
                "Verantwortung"
            ]),
            json!({"relatedAddressId": address}),
        ),
        _ => (
            json!(["Bemerkung", "Aktionsart", "Adress_nr"]),
            json!({"addressid": [address]}),
        ),
    };
    let mut parameters = of;
    parameters["data"] = data;
    parameters["listlimit"] = json!(500);
    let answer = at_right(world, "read", resource, None, &parameters)?;
    let mut rows: Vec<(u64, Json)> = answer["records"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|row| Some((row["id"].as_u64()?, row["elements"].clone())))
        .collect();
    rows.sort_by_key(|(id, _)| *id);
    Ok(rows)
}

pub(crate) fn right(world: &World, resource: &str, address: &str) -> Result<(u64, Json)> {
    let mut all = rights(world, resource, address)?;
    ensure!(all.len() == 1, "{all:#?}");
    Ok(all.remove(0))
}

/// Both sides agree on what belongs to whom, by the sandbox's own judge.
async fn agree(world: &World) -> Result<()> {
    let links = world.engine().links(&simulation::people(), None, 0).await?;
    let of = |entity: Entity| -> Vec<(String, String)> {
        let own = |id: &str| id.rsplit(':').next().unwrap_or(id).to_owned();
        let links = links.iter().filter(|link| link.entity == entity);
        links
            .map(|link| (own(link.left.as_str()), link.right.to_string()))
            .collect()
    };
    for (entity, what) in [
        (Entity::Task, Belonging::Tasks),
        (Entity::Note, Belonging::Notes("Notiz")),
    ] {
        let wrong = world
            .control
            .judge_belongings(what, &of(Entity::Contact), &of(entity));
        ensure!(wrong.is_empty(), "{wrong:#?}");
    }
    Ok(())
}

async fn linked(world: &World, entity: Entity) -> Result<usize> {
    let links = world.engine().links(&simulation::people(), None, 0).await?;
    Ok(links.iter().filter(|link| link.entity == entity).count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_crosses_both_ways_with_its_day_and_its_end() -> Result<()> {
    let (world, anna) = with_anna(rules()?).await?;
    // the day before clocks go back in Germany, and the day after
    let task = json!({"contactId": anna.highlevel, "title": "Rückruf", "body": "wegen\nWohnung",
        "dueDate": "2026-10-24T10:00:00.000Z"});
    let id = write_left(&world, "task", &task)?;
    world.settle().await?;
    world.poll().await?;
    let (number, there) = right(&world, "task", &anna.onoffice)?;
    ensure!(
        there["Betreff"] == "Rückruf" && there["Aufgabe"] == "wegen\nWohnung",
        "{there}"
    );
    ensure!(
        there["Deadline"] == "2026-10-24 12:00:00" && there["Deadline_strikt"] == "1",
        "{there}"
    );
    ensure!(
        there["Status"] == "Nicht begonnen" && there["erledigt"] == "0",
        "{there}"
    );

    // no message tells of an edit
    edit_left(
        &world,
        "task",
        &id,
        &json!({"title": "Rückruf heute", "dueDate": "2026-10-26T10:00:00.000Z"}),
    )?;
    world.poll().await?;
    let (_, there) = right(&world, "task", &anna.onoffice)?;
    ensure!(
        there["Betreff"] == "Rückruf heute" && there["Deadline"] == "2026-10-26 11:00:00",
        "{there}"
    );

    edit_left(&world, "task", &id, &json!({"completed": true}))?;
    world.settle().await?;
    world.poll().await?;
    let (_, there) = right(&world, "task", &anna.onoffice)?;
    ensure!(
        there["Status"] == "Erledigt" && there["erledigt"] == "1",
        "{there}"
    );

    // reopened by its status alone, as people do, and the mark with it
    let reopened = json!({"data": {"Status": 2, "erledigt": 0, "Aufgabe": "noch einmal", "Deadline_strikt": 1,
        "Deadline": "2026-11-02 09:15:00", "Deadline_Zeit": "09:15:00"}});
    at_right(&world, "modify", "task", Some(number), &reopened)?;
    world.poll().await?;
    let here = left(&world, "task")?;
    ensure!(
        here["completed"] == false && here["body"] == "noch einmal",
        "{here}"
    );
    ensure!(
        here["dueDate"]
            .as_str()
            .is_some_and(|due| due.starts_with("2026-11-02T08:15:00")),
        "{here}"
    );
    ensure!(here["title"] == "Rückruf heute", "{here}");

    // checked counts as done too
    at_right(
        &world,
        "modify",
        "task",
        Some(number),
        &json!({"data": {"Status": 7}}),
    )?;
    world.poll().await?;
    ensure!(left(&world, "task")?["completed"] == true);

    let mark = world.edit_mark();
    world.poll().await?;
    world.sweep().await?;
    ensure!(
        world.api_edits(mark).is_empty(),
        "an echo: {:#?}",
        world.api_edits(mark)
    );
    ensure!(questions(&world).await?.is_empty());
    agree(&world).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_keeps_the_priority_that_people_gave_it_and_a_new_one_gets_that_of_the_setting()
-> Result<()> {
    let (world, anna) = with_anna(rules()?).await?;
    let address: u64 = anna.onoffice.parse()?;
    let urgent =
        json!({"data": {"Betreff": "Exposé", "Art": 155, "Prio": 1}, "relatedAddressId": address});
    make_right(&world, "task", &urgent)?;
    world.poll().await?;
    let here = left(&world, "task")?;
    ensure!(here.get("priority").is_none(), "{here}");
    let id = here["id"].as_str().context("an id")?.to_owned();
    edit_left(&world, "task", &id, &json!({"title": "Exposé senden"}))?;
    world.poll().await?;
    let (_, there) = right(&world, "task", &anna.onoffice)?;
    ensure!(
        there["Betreff"] == "Exposé senden" && there["Prio"] == "1",
        "{there}"
    );
    let task = json!({"contactId": anna.highlevel, "title": "Rückruf", "dueDate": "2026-12-01T10:00:00.000Z"});
    write_left(&world, "task", &task)?;
    world.settle().await?;
    world.poll().await?;
    let all = rights(&world, "task", &anna.onoffice)?;
    ensure!(all.len() == 2 && all[1].1["Prio"] == "2", "{all:#?}");
    Ok(())
}

/// How often single tasks were read in HighLevel.
fn single_reads(world: &World) -> u64 {
    let all = world.control.core().counts.all();
    let routes = all.values().flat_map(|counts| &counts.routes);
    routes
        .filter(|route| route.method == "GET" && route.route.ends_with("/tasks/{taskId}"))
        .map(|route| route.count)
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_that_shows_what_is_known_reads_none_of_it() -> Result<()> {
    let (world, anna) = with_anna(rules()?).await?;
    let address: u64 = anna.onoffice.parse()?;
    for number in 0..12 {
        let task = json!({"data": {"Betreff": format!("Exposé {number}"), "Art": 155}, "relatedAddressId": address});
        make_right(&world, "task", &task)?;
    }
    world.poll().await?;
    ensure!(lefts(&world, "task")?.len() == 12);
    // no message tells of an edit: all are listed with each poll
    world.control.core().counts.reset();
    for _ in 0..3 {
        world.poll().await?;
    }
    world.sweep().await?;
    let (reads, writes) = (single_reads(&world), world.writes());
    ensure!(reads == 0, "{reads} tasks were read one by one");
    // and one that was changed is read alone
    let id = lefts(&world, "task")?[0]["id"]
        .as_str()
        .context("an id")?
        .to_owned();
    edit_left(&world, "task", &id, &json!({"title": "Neu"}))?;
    world.poll().await?;
    ensure!(
        rights(&world, "task", &anna.onoffice)?
            .iter()
            .any(|(_, task)| task["Betreff"] == "Neu")
    );
    let reads = single_reads(&world);
    ensure!(reads <= 2, "{reads} tasks were read for one edit");
    ensure!(world.writes() > writes);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_puts_back_what_the_last_listing_showed_is_an_edit() -> Result<()> {
    let (world, anna) = with_anna(rules()?).await?;
    let task = json!({"contactId": anna.highlevel, "title": "Rückruf", "dueDate": "2026-10-24T10:00:00.000Z"});
    let id = write_left(&world, "task", &task)?;
    world.settle().await?;
    world.poll().await?;
    let (number, _) = right(&world, "task", &anna.onoffice)?;
    world.poll().await?;
    let other = json!({"data": {"Betreff": "Besuch"}});
    at_right(&world, "modify", "task", Some(number), &other)?;
    world.poll().await?;
    ensure!(left(&world, "task")?["title"] == "Besuch");
    // nothing but a listing tells of it, and it shows what the listing before showed
    edit_left(&world, "task", &id, &json!({"title": "Rückruf"}))?;
    world.poll().await?;
    let (_, there) = right(&world, "task", &anna.onoffice)?;
    ensure!(there["Betreff"] == "Rückruf", "{there}");
    agree(&world).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_made_in_onoffice_becomes_one_there_and_is_due_in_a_week_without_a_day() -> Result<()>
{
    let (world, anna) = with_anna(rules()?).await?;
    let address: u64 = anna.onoffice.parse()?;
    let task = json!({"data": {"Betreff": "Exposé", "Art": 155, "Deadline": "2026-12-24 08:00:00"},
        "relatedAddressId": address});
    make_right(&world, "task", &task)?;
    make_right(
        &world,
        "task",
        &json!({"data": {"Betreff": "Inventur", "Art": 155}}),
    )?;
    world.poll().await?;
    let here = left(&world, "task")?;
    ensure!(
        here["title"] == "Exposé" && here["contactId"] == json!(anna.highlevel),
        "{here}"
    );
    let due: jiff::Timestamp = here["dueDate"].as_str().context("a day")?.parse()?;
    let days = due.duration_since(world.now()).as_hours() / 24;
    ensure!(
        (6..=7).contains(&days),
        "the day without its switch counts for nothing: {due}"
    );
    ensure!(
        linked(&world, Entity::Task).await? == 1,
        "one without an address stays where it is"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_to_a_contact_waits_for_it_and_is_woken_by_its_link() -> Result<()> {
    let mut rules = rules()?;
    let contact = rules
        .entities
        .get_mut(&Entity::Contact)
        .context("contacts")?;
    contact.create.right = false;
    let mut world = World::new(with(rules)).await?;
    let berta = world.make(HIGHLEVEL, &on_the_left("Berta"))?;
    write_left(
        &world,
        "task",
        &json!({"contactId": berta, "title": "Warten", "dueDate": "2026-10-24T10:00:00.000Z"}),
    )?;
    write_left(&world, "note", &json!({"contactId": berta, "body": "auch"}))?;
    world.sync().await?;
    world.settle().await?;
    let status = world.engine().status().await?;
    let waiting = &status.syncs[0].waiting;
    ensure!(
        waiting.get("task") == Some(&1) && waiting.get("note") == Some(&1),
        "{status:#?}"
    );
    ensure!(status.failing_records.is_empty(), "{status:#?}");
    // whoever waits is not forgotten by a restart, and costs no request
    world.kill_and_restart()?;
    let there = world.make(ONOFFICE, &on_the_right("Berta"))?;
    world.poll().await?;
    world.sweep().await?;
    let (_, task) = right(&world, "task", &there)?;
    ensure!(
        task["Betreff"] == "Warten" && task["Art"] == "153",
        "{task}"
    );
    let (_, note) = right(&world, "agentslog", &there)?;
    ensure!(
        note["Bemerkung"] == "auch" && note["Aktionsart"] == "Notiz",
        "{note}"
    );
    ensure!(world.engine().status().await?.syncs[0].waiting.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_task_is_cancelled_in_onoffice_and_deleted_in_highlevel() -> Result<()> {
    let mut rules = rules()?;
    let task = rules.entities.get_mut(&Entity::Task).context("tasks")?;
    task.deletes.left = DeleteRule::Propagate;
    task.deletes.right = DeleteRule::Propagate;
    task.limits.deletes.share = 1.0;
    let (world, anna) = with_anna(rules).await?;
    for title in ["eins", "zwei"] {
        let task = json!({"contactId": anna.highlevel, "title": title, "dueDate": "2026-10-24T10:00:00.000Z"});
        write_left(&world, "task", &task)?;
    }
    world.poll().await?;
    let all = rights(&world, "task", &anna.onoffice)?;
    ensure!(all.len() == 2, "{all:#?}");
    let of = |title: &str| -> Result<String> {
        let all = lefts(&world, "task")?;
        let found = all.iter().find(|task| task["title"] == title);
        Ok(found.context("a task")?["id"]
            .as_str()
            .context("an id")?
            .to_owned())
    };
    world.act(
        HIGHLEVEL,
        "delete_item",
        &json!({"kind": "task", "id": of("eins")?}),
    )?;
    world.settle().await?;
    world.poll().await?;
    let all = rights(&world, "task", &anna.onoffice)?;
    let one = all
        .iter()
        .find(|(_, task)| task["Betreff"] == "eins")
        .context("it stays")?;
    ensure!(
        one.1["Status"] == "Abgebrochen" && one.1["erledigt"] == "1",
        "{}",
        one.1
    );

    let two = all
        .iter()
        .find(|(_, task)| task["Betreff"] == "zwei")
        .context("the other")?;
    world.act(
        ONOFFICE,
        "delete_record",
        &json!({"module": "task", "id": two.0}),
    )?;
    world.sweep().await?;
    ensure!(lefts(&world, "task")?.is_empty());
    // nothing brings either back
    world.sweep().await?;
    ensure!(lefts(&world, "task")?.is_empty());
    ensure!(rights(&world, "task", &anna.onoffice)?.len() == 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_on_both_sides_already_is_linked_and_not_doubled() -> Result<()> {
    let world = World::new(with(rules()?)).await?;
    let anna = seed(&world, "Anna")?;
    let address: u64 = anna.onoffice.parse()?;
    for (title, day) in [("gleich", "22"), ("gleich", "23"), ("nur hier", "26")] {
        let due = format!("2026-10-{day}T10:00:00.000Z");
        write_left(
            &world,
            "task",
            &json!({"contactId": anna.highlevel, "title": title, "dueDate": due}),
        )?;
    }
    for day in ["22", "23"] {
        let deadline = format!("2026-10-{day} 12:00:00");
        let data =
            json!({"Betreff": "gleich", "Art": 153, "Deadline": deadline, "Deadline_strikt": 1});
        make_right(
            &world,
            "task",
            &json!({"data": data, "relatedAddressId": address}),
        )?;
    }
    write_left(
        &world,
        "note",
        &json!({"contactId": anna.highlevel, "body": "dasselbe"}),
    )?;
    make_right(
        &world,
        "agentslog",
        &json!({"addressids": [address], "actionkind": "Notiz", "note": "dasselbe"}),
    )?;
    make_right(
        &world,
        "agentslog",
        &json!({"addressids": [address], "actionkind": "Email", "actiontype": "Ausgang", "note": "Mail"}),
    )?;
    world.sync().await?;
    world.settle().await?;
    ensure!(linked(&world, Entity::Task).await? == 3);
    ensure!(rights(&world, "task", &anna.onoffice)?.len() == 3);
    ensure!(lefts(&world, "task")?.len() == 3);
    ensure!(
        linked(&world, Entity::Note).await? == 1,
        "a mail is no note"
    );
    ensure!(lefts(&world, "note")?.len() == 1);
    ensure!(questions(&world).await?.is_empty());
    agree(&world).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twice_the_same_on_one_side_is_asked_about_and_kept_apart_where_a_person_says_so()
-> Result<()> {
    let world = World::new(with(rules()?)).await?;
    let anna = seed(&world, "Anna")?;
    let address: u64 = anna.onoffice.parse()?;
    for _ in 0..2 {
        write_left(
            &world,
            "note",
            &json!({"contactId": anna.highlevel, "body": "nicht erreicht"}),
        )?;
    }
    make_right(
        &world,
        "agentslog",
        &json!({"addressids": [address], "actionkind": "Notiz", "note": "Nicht erreicht."}),
    )?;
    world.sync().await?;
    world.settle().await?;
    ensure!(linked(&world, Entity::Note).await? == 0, "never a guess");
    let open = questions(&world).await?;
    ensure!(open.len() == 3, "{open:#?}");
    // the one in onOffice is neither of the two
    let both = open
        .into_iter()
        .find(|review| review.details["side"] == "right")
        .context("asked from the right, too")?;
    ensure!(both.kind == ReviewKind::Ambiguous, "{both:#?}");
    answer(&world, &both, "apart").await?;
    world.sweep().await?;
    ensure!(questions(&world).await?.is_empty());
    ensure!(linked(&world, Entity::Note).await? == 3);
    ensure!(lefts(&world, "note")?.len() == 3);
    ensure!(rights(&world, "agentslog", &anna.onoffice)?.len() == 3);
    Ok(())
}

/// A task is made in onOffice, and HighLevel makes its own without an answer.
async fn unanswered(told: bool) -> Result<World> {
    let (world, anna) = with_anna(rules()?).await?;
    let address: u64 = anna.onoffice.parse()?;
    if !told {
        world.lose_webhooks();
    }
    world.fault(
        json!({"system": "highlevel", "method": "POST", "path": "/contacts/*/tasks", "count": 1,
            "fault": {"kind": "drop_after"}}),
    )?;
    let data = json!({"Betreff": "einmal", "Art": 153, "Deadline": "2026-10-24 12:00:00", "Deadline_strikt": 1});
    make_right(
        &world,
        "task",
        &json!({"data": data, "relatedAddressId": address}),
    )?;
    world.poll().await?;
    // the vendor's lag is waited out first
    world.wait(std::time::Duration::from_secs(15)).await;
    world.settle().await?;
    ensure!(lefts(&world, "task")?.len() == 1);
    Ok(world)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_without_an_answer_is_looked_for_under_its_contact() -> Result<()> {
    let world = unanswered(false).await?;
    ensure!(questions(&world).await?.is_empty());
    ensure!(linked(&world, Entity::Task).await? == 1);
    world.sweep().await?;
    ensure!(lefts(&world, "task")?.len() == 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_was_changed_before_it_was_found_is_a_question_and_never_a_second_task()
-> Result<()> {
    let (world, anna) = with_anna(rules()?).await?;
    let address: u64 = anna.onoffice.parse()?;
    world.lose_webhooks();
    world.fault(
        json!({"system": "highlevel", "method": "POST", "path": "/contacts/*/tasks", "count": 1,
            "fault": {"kind": "drop_after"}}),
    )?;
    let data = json!({"Betreff": "einmal", "Art": 153, "Deadline": "2026-10-24 12:00:00", "Deadline_strikt": 1});
    make_right(
        &world,
        "task",
        &json!({"data": data, "relatedAddressId": address}),
    )?;
    world.engine().poll_now().await?;
    for _ in 0..200 {
        if !lefts(&world, "task")?.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let made = left(&world, "task")?;
    let id = made["id"].as_str().context("an id")?;
    edit_left(
        &world,
        "task",
        id,
        &json!({"dueDate": "2026-10-28T10:00:00.000Z"}),
    )?;
    world.settle().await?;
    world.wait(std::time::Duration::from_secs(30)).await;
    world.settle().await?;
    world.sweep().await?;
    ensure!(lefts(&world, "task")?.len() == 1);
    let open = questions(&world).await?;
    let asked = |review: &store::Review| review.kind == ReviewKind::Ambiguous;
    ensure!(!open.is_empty() && open.iter().all(asked), "{open:#?}");
    answer(&world, &open[0], crate::support::choices(&open[0])[0]).await?;
    ensure!(linked(&world, Entity::Task).await? == 1);
    ensure!(lefts(&world, "task")?.len() == 1);
    ensure!(rights(&world, "task", &anna.onoffice)?.len() == 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_without_an_answer_is_linked_by_the_message_about_it() -> Result<()> {
    let world = unanswered(true).await?;
    ensure!(questions(&world).await?.is_empty());
    ensure!(linked(&world, Entity::Task).await? == 1);
    world.sweep().await?;
    ensure!(lefts(&world, "task")?.len() == 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_crosses_both_ways_and_its_entry_is_kept() -> Result<()> {
    let (world, anna) = with_anna(rules()?).await?;
    let address: u64 = anna.onoffice.parse()?;
    let id = write_left(
        &world,
        "note",
        &json!({"contactId": anna.highlevel, "body": "mag Altbau"}),
    )?;
    // messages alone carry notes
    world.settle().await?;
    let (number, there) = right(&world, "agentslog", &anna.onoffice)?;
    ensure!(
        there["Bemerkung"] == "mag Altbau" && there["Aktionsart"] == "Notiz",
        "{there}"
    );
    edit_left(&world, "note", &id, &json!({"body": "mag Neubau"}))?;
    world.settle().await?;
    ensure!(right(&world, "agentslog", &anna.onoffice)?.1["Bemerkung"] == "mag Neubau");

    at_right(
        &world,
        "modify",
        "agentslog",
        Some(number),
        &json!({"data": {"note": "mag beides"}}),
    )?;
    world.poll().await?;
    ensure!(left(&world, "note")?["body"] == "mag beides");
    make_right(
        &world,
        "agentslog",
        &json!({"addressids": [address], "actionkind": "Notiz", "note": "hat Hund"}),
    )?;
    world.poll().await?;
    ensure!(lefts(&world, "note")?.len() == 2);
    ensure!(rights(&world, "agentslog", &anna.onoffice)?.len() == 2);

    let mark = world.edit_mark();
    world.act(HIGHLEVEL, "delete_item", &json!({"kind": "note", "id": id}))?;
    world.settle().await?;
    world.sweep().await?;
    ensure!(
        rights(&world, "agentslog", &anna.onoffice)?.len() == 2,
        "it is kept"
    );
    ensure!(lefts(&world, "note")?.len() == 1, "and brings no note back");
    ensure!(world.api_edits_of(mark, ONOFFICE, Operation::Update) == 0);
    let listings = &world.engine().status().await?.syncs[0].listings;
    let cost = listings
        .iter()
        .find(|cost| cost.entity == Entity::Note)
        .context("a cost")?;
    ensure!(
        cost.per_record_of == Some(Entity::Contact) && cost.requests >= 1,
        "{cost:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_shows_what_stands_on_both_sides_as_linked_and_carries_it_out() -> Result<()> {
    let world = World::new(with(rules()?)).await?;
    let anna = seed(&world, "Anna")?;
    let address: u64 = anna.onoffice.parse()?;
    let due = "2026-12-01T09:00:00.000Z";
    for title in ["Exposé senden", "Rückruf"] {
        let task = json!({"contactId": anna.highlevel, "title": title, "body": "", "completed": false, "dueDate": due});
        write_left(&world, "task", &task)?;
    }
    let data = json!({"Betreff": "Exposé senden", "Art": 153, "Deadline": "2026-12-01 10:00:00", "Deadline_strikt": 1});
    let task = json!({"data": data, "relatedAddressId": address});
    make_right(&world, "task", &task)?;
    // Two that say the same are nobody's guess.
    for _ in 0..2 {
        let note = json!({"contactId": anna.highlevel, "body": "Nicht erreicht."});
        write_left(&world, "note", &note)?;
    }
    let entry = json!({"addressids": [address], "actionkind": "Notiz", "note": "Nicht erreicht."});
    make_right(&world, "agentslog", &entry)?;

    let (progress, _) = tokio::sync::watch::channel(sync::Progress::default());
    let plan = world
        .engine()
        .plan(&simulation::people(), &progress)
        .await?;
    let shown = serde_json::to_value(&plan)?;
    ensure!(
        plan.matched.values().sum::<u64>() == 2,
        "Anna and a task: {shown:#}"
    );
    ensure!(
        plan.right.creates == 1 && plan.left.creates == 0,
        "{shown:#}"
    );
    ensure!(plan.questions == 3, "each of the three notes: {shown:#}");
    let id = plan.id.parse()?;
    let report = world.engine().apply_plan(id, 0.0, &progress).await?;
    ensure!(report.left_out == 0, "{report:#?}");
    ensure!(linked(&world, Entity::Task).await? == 2);
    ensure!(rights(&world, "task", &anna.onoffice)?.len() == 2);
    ensure!(lefts(&world, "task")?.len() == 2);
    // The notes are a question still; the tasks agree, by the sandbox's own judge.
    let links = world.engine().links(&simulation::people(), None, 0).await?;
    let of = |entity: Entity| -> Vec<(String, String)> {
        let own = |id: &str| id.rsplit(':').next().unwrap_or(id).to_owned();
        let links = links.iter().filter(|link| link.entity == entity);
        links
            .map(|link| (own(link.left.as_str()), link.right.to_string()))
            .collect()
    };
    let wrong =
        world
            .control
            .judge_belongings(Belonging::Tasks, &of(Entity::Contact), &of(Entity::Task));
    ensure!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

/// Somebody enters the same on both sides before either was looked at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_entered_on_both_sides_between_two_polls_is_linked_or_asked_about() -> Result<()> {
    let (world, anna) = with_anna(rules()?).await?;
    let address: u64 = anna.onoffice.parse()?;
    // something is there on both sides, and known
    for (title, due) in [
        ("Erstes", "2026-10-20 08:00:00"),
        ("Zweites", "2026-10-21 08:00:00"),
    ] {
        let task = json!({"data": {"Betreff": title, "Art": 153, "Deadline": due, "Deadline_strikt": 1},
            "relatedAddressId": address});
        make_right(&world, "task", &task)?;
    }
    world.poll().await?;
    ensure!(linked(&world, Entity::Task).await? == 2);

    // the same task and the same note, and one that is almost the same
    for (title, due) in [
        ("Rückruf", "2026-10-24 12:00:00"),
        ("Exposé senden", "2026-10-25 12:00:00"),
    ] {
        let task = json!({"data": {"Betreff": title, "Art": 153, "Deadline": due, "Deadline_strikt": 1},
            "relatedAddressId": address});
        make_right(&world, "task", &task)?;
    }
    let entry = json!({"addressids": [address], "actionkind": "Notiz", "note": "mag Altbau"});
    make_right(&world, "agentslog", &entry)?;
    for (title, due) in [
        ("Rückruf", "2026-10-24T10:00:00.000Z"),
        ("Exposé senden", "2026-10-27T10:00:00.000Z"),
    ] {
        let task = json!({"contactId": anna.highlevel, "title": title, "dueDate": due});
        write_left(&world, "task", &task)?;
    }
    let note = json!({"contactId": anna.highlevel, "body": "mag Altbau"});
    write_left(&world, "note", &note)?;
    world.settle().await?;
    world.poll().await?;
    world.sweep().await?;
    let titles = |rows: Vec<(u64, Json)>, name: &str| -> Vec<String> {
        let mut all: Vec<String> = rows
            .iter()
            .filter_map(|(_, row)| row[name].as_str().map(str::to_owned))
            .collect();
        all.sort();
        all
    };
    let tasks = titles(rights(&world, "task", &anna.onoffice)?, "Betreff");
    ensure!(
        tasks == ["Erstes", "Exposé senden", "Rückruf", "Zweites"],
        "{tasks:?}"
    );
    ensure!(
        lefts(&world, "task")?.len() == 4,
        "{:#?}",
        lefts(&world, "task")?
    );
    ensure!(lefts(&world, "note")?.len() == 1);
    ensure!(rights(&world, "agentslog", &anna.onoffice)?.len() == 1);
    ensure!(linked(&world, Entity::Task).await? == 3);
    ensure!(linked(&world, Entity::Note).await? == 1);
    let open = questions(&world).await?;
    ensure!(
        !open.is_empty()
            && open
                .iter()
                .all(|review| review.kind == ReviewKind::Ambiguous),
        "{open:#?}"
    );
    Ok(())
}
