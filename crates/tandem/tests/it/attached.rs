//! Tasks and notes on the real binary, with real HTTP and a database file.

use std::time::Duration;

use sandbox::{System, judge::Belonging};
use serde_json::{Value as Json, json};

use crate::world::World;

/// The config of people, with the demo's blocks of tasks and notes.
fn with_tasks_and_notes(people: &str) -> String {
    let demo = include_str!("../../../../examples/demo.yaml");
    let (_, blocks) = demo.split_once("      # Tasks of contacts").unwrap();
    let (blocks, _) = blocks.split_once("      # Appointments").unwrap();
    format!("{people}      # Tasks of contacts{blocks}")
}

fn right(world: &World, resource: &str, data: &[&str], of: Json) -> Vec<Json> {
    let mut parameters = of;
    parameters["data"] = json!(data);
    let asked = json!({"action": "read", "resource": resource, "parameters": parameters});
    let shown = world.act(System::OnOffice, "perform", asked);
    let rows = shown["records"].as_array().cloned().unwrap_or_default();
    rows.into_iter()
        .map(|row| row["elements"].clone())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_task_and_a_note_cross_and_the_status_says_what_listing_them_costs() {
    let world = World::start().await;
    crate::work::people(&world);
    let config = with_tasks_and_notes(&world.config_text());
    let config = world.write("tandem.yaml", &config);
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    world.connect_both().await;
    let report = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(report["state"], "done", "{report:#}");
    let links = world.run(&["links", "people", "--json"]).await.json();
    let anna = links
        .as_array()
        .unwrap()
        .iter()
        .find(|link| link["how"].as_str().unwrap().contains("e-mail"))
        .unwrap()
        .clone();
    let address: u64 = anna["right"].as_str().unwrap().parse().unwrap();
    for (kind, fields) in [
        (
            "task",
            json!({"contactId": anna["left"], "title": "Anrufen", "dueDate": "2026-10-24T10:00:00.000Z"}),
        ),
        (
            "note",
            json!({"contactId": anna["left"], "body": "mag Altbau"}),
        ),
    ] {
        let made = json!({"kind": kind, "fields": fields});
        world.act(System::HighLevel, "create_item", made);
    }
    // a task of nobody stays where it is
    let lonely = json!({"action": "create", "resource": "task", "parameters": {"data": {"Betreff": "ohne", "Art": 153}}});
    world.act(System::OnOffice, "perform", lonely);
    world.run(&["sync", "people", "--json"]).await.json();
    let tasks = right(
        &world,
        "task",
        &["Betreff", "Deadline", "Art"],
        json!({"relatedAddressId": address}),
    );
    assert_eq!(tasks.len(), 1, "{tasks:#?}");
    assert_eq!(tasks[0]["Betreff"], "Anrufen");
    assert_eq!(tasks[0]["Deadline"], "2026-10-24 12:00:00");
    assert_eq!(tasks[0]["Art"], "153");
    let notes = right(
        &world,
        "agentslog",
        &["Bemerkung", "Aktionsart"],
        json!({"addressid": [address]}),
    );
    assert_eq!(
        notes,
        [json!({"Bemerkung": "mag Altbau", "Aktionsart": "Notiz"})]
    );
    // what it costs follows from the limits of accounts that are at work
    let server = world
        .serve_with(&["--config", config.to_str().unwrap()])
        .await;
    let begun = tokio::time::Instant::now();
    loop {
        let status = world.run(&["status"]).await;
        let told = "listing every note of marketing takes about";
        if status.out.contains(told) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{status:#?}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(server.stop(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_scope_that_a_private_token_lacks_is_named_and_stops_only_what_needs_it() {
    let world = World::start().await;
    crate::work::people(&world);
    let access = world.act(System::HighLevel, "access", json!({}));
    let location = access["mainLocationId"].as_str().unwrap();
    let scopes = [
        "contacts.readonly",
        "contacts.write",
        "locations.readonly",
        "locations/customFields.readonly",
        "users.readonly",
    ];
    let token = |scopes: &[&str]| {
        let made = world.act(
            System::HighLevel,
            "create_private_token",
            json!({"scopes": scopes}),
        );
        world.write("token", made["token"].as_str().unwrap());
    };
    token(&scopes);
    let config = with_tasks_and_notes(&world.config_text())
        .replace(
            "      scheme: oauth\n",
            "      scheme: private_token\n      token: file:token\n",
        )
        .replace(
            "      authorize_url:",
            &format!("      location_id: {location}\n      authorize_url:"),
        );
    let config = world.write("tandem.yaml", &config);
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    world.connect_office().await;
    let connected = world.run(&["connect", "marketing"]).await;
    connected.refused(4, &["TDM-K004", "missing: locations/tasks.readonly"]);
    let checked = world.run(&["check", "marketing"]).await;
    assert_eq!(checked.code, 4, "{checked:#?}");
    for words in [
        "missing: locations/tasks.readonly",
        "people/task: marketing cannot be read, so nothing of this kind is kept in sync",
    ] {
        assert!(checked.out.contains(words), "{words}: {checked:#?}");
    }
    // contacts and notes need no such scope
    let report = world.run(&["sync", "people"]).await;
    let said = "tasks.search needs the scope locations/tasks.readonly";
    report.refused(4, &["TDM-K004", said]);
    let links = async || {
        let links = world.run(&["links", "people", "--json"]).await.json();
        let count = |kind: &str| {
            let of_kind = |link: &&Json| link["entity"] == kind;
            links.as_array().unwrap().iter().filter(of_kind).count()
        };
        [count("contact"), count("note"), count("task")]
    };
    let [contacts, notes, tasks] = links().await;
    assert!(contacts > 1 && tasks == 0, "{contacts} {notes} {tasks}");
    let linked = world.run(&["links", "people", "--json"]).await.json();
    let contact = linked[0]["left"].clone();
    for (kind, fields) in [
        ("note", json!({"contactId": contact, "body": "mag Altbau"})),
        (
            "task",
            json!({"contactId": contact, "title": "Anrufen", "dueDate": "2026-10-24T10:00:00.000Z"}),
        ),
    ] {
        let made = json!({"kind": kind, "fields": fields});
        world.act(System::HighLevel, "create_item", made);
    }
    let server = world
        .serve_with(&["--config", config.to_str().unwrap()])
        .await;
    let begun = tokio::time::Instant::now();
    loop {
        let status = world.run(&["status"]).await;
        let paused = format!("mapping task/* is paused: {said}");
        let lacks = "it lacks the scope locations/tasks.readonly, which tasks.search needs";
        let alerts = world.run(&["alerts"]).await;
        if links().await == [contacts, notes + 1, 0]
            && status.out.contains(&paused)
            && status.out.contains(lacks)
            && alerts.out.contains(lacks)
        {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{status:#?}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(server.stop(), 0);
    // a token that may read tasks
    let mut all = scopes.to_vec();
    all.push("locations/tasks.readonly");
    token(&all);
    let connected = world.run(&["connect", "marketing"]).await;
    assert_eq!(connected.code, 0, "{connected:#?}");
    let report = world.run(&["sync", "people"]).await;
    assert_eq!(report.code, 0, "{report:#?}");
    assert_eq!(links().await, [contacts, notes + 1, 1]);
    let status = world.run(&["status"]).await;
    assert!(!status.out.contains("is paused"), "{status:#?}");
}

/// What `init` writes for onOffice, pointed at the sandbox; `calendar` stands in the place of the commented setting.
async fn ready(world: &World, calendar: &str) -> String {
    let printed = world
        .run_bare(&["init", "highlevel-onoffice", "--out", "-"])
        .await;
    let url = world.sandbox.url();
    let at = |system: &str| {
        format!(
            "    system: {system}\n    base_url: {url}/{system}\n    allow_private_addresses: true\n"
        )
    };
    let mut text = printed
        .out
        .replace("127.0.0.1:8484", "127.0.0.1:0")
        .replace("env:HIGHLEVEL_CLIENT_", "env:TANDEM_TEST_")
        .replace("env:ONOFFICE_", "env:TANDEM_TEST_OO_")
        .replace("# calendar: ve9EPM428h8vShlRW1KT", calendar)
        .replace("# task_type: 153", "task_type: 153")
        .replacen(
            "    settings:\n",
            &format!(
                "    settings:\n      authorize_url: {url}/highlevel/v2/oauth/chooselocation\n"
            ),
            1,
        );
    for system in ["highlevel", "onoffice"] {
        text = text.replace(&format!("    system: {system}\n"), &at(system));
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_block_of_the_ready_pair_crosses_once_its_calendar_is_filled_in() {
    let world = World::start().await;
    let calendar = json!({"kind": "calendar", "fields": {"name": "Viewings"}});
    let calendar = world.act(System::HighLevel, "make_thing", calendar)["id"].clone();
    let apply = async |calendar: &str| {
        let config = world.write("tandem.yaml", &ready(&world, calendar).await);
        world.run(&["apply", config.to_str().unwrap()]).await
    };
    let first = apply("").await;
    assert_eq!(first.code, 0, "{first:#?}");
    world.connect_both().await;
    apply("").await.refused(3, &["TDM-C011", "`calendar`"]);
    let filled = apply(&format!("calendar: {calendar}")).await;
    assert_eq!(filled.code, 0, "{filled:#?}");

    let firm = json!({"name": "Werft", "email": "post@werft.example"});
    let firm = world.act(System::HighLevel, "create_business", firm);
    let anna = json!({"firstName": "Anna", "lastName": "Brandt", "email": "anna@brandt.example"});
    let anna = world.act(System::HighLevel, "create_contact", anna)["id"].clone();
    let belongs = json!({"id": anna, "businessId": firm["id"]});
    world.act(System::HighLevel, "set_business", belongs);
    for (act, kind, fields) in [
        (
            "create_item",
            "task",
            json!({"contactId": anna, "title": "Anrufen", "dueDate": "2027-01-15T09:00:00.000Z"}),
        ),
        (
            "create_item",
            "note",
            json!({"contactId": anna, "body": "mag Altbau"}),
        ),
        (
            "make_thing",
            "appointment",
            json!({"contactId": anna, "title": "Besichtigung", "calendarId": calendar, "appointmentStatus": "confirmed",
                "startTime": "2027-03-29T07:00:00Z", "endTime": "2027-03-29T08:00:00Z"}),
        ),
    ] {
        let made = json!({"kind": kind, "fields": fields});
        world.act(System::HighLevel, act, made);
    }
    let control = world.sandbox.control();
    // Whose notes are listed is known by HighLevel's search, which shows a new contact after some seconds.
    for round in 0..15 {
        let report = world.run(&["sync", "people", "--json"]).await.json();
        assert_eq!(report["state"], "done", "{report:#}");
        let notes = control.belongings(System::OnOffice, Belonging::Notes("Notiz"));
        if round > 0 && !notes.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let held = control.held(System::OnOffice);
    let person = held.iter().find(|held| held.last_name == "Brandt").unwrap();
    assert!(held.iter().any(|held| held.company == "Werft"), "{held:#?}");
    for (what, said) in [
        (Belonging::Tasks, "Anrufen"),
        (Belonging::Notes("Notiz"), "mag Altbau"),
        (Belonging::Appointments, "Besichtigung"),
    ] {
        let of_anna = vec![(person.id.clone(), said.to_owned())];
        assert_eq!(control.belongings(System::OnOffice, what), of_anna);
    }
    // one that is entered in onOffice goes into the calendar that was filled in
    let address: u64 = person.id.parse().unwrap();
    let entered = json!({"action": "create", "resource": "calendar", "parameters": {
        "data": {"description": "Notar", "start_dt": "2027-04-01 10:00:00", "end_dt": "2027-04-01 11:00:00",
            "ganztags": false, "art": "Besichtigung"},
        "relatedAddressIds": [address]}});
    world.act(System::OnOffice, "perform", entered);
    world.run(&["sync", "people", "--json"]).await.json();
    let all = world.act(System::HighLevel, "things", json!({"kind": "appointment"}));
    let made = all.as_array().unwrap().iter();
    let made: Vec<&Json> = made.filter(|one| one["title"] == "Notar").collect();
    assert_eq!(made.len(), 1, "{all:#}");
    assert_eq!(made[0]["calendarId"], calendar);
}
