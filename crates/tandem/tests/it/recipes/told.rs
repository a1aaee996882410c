//! Recipes that begin with what a system tells. Nobody prepares a right for them: they are published first, and signing
//! in asks for what they need; OfficeRnD is subscribed to what they wait for while the server runs.

use std::time::Duration;

use sandbox::System;
use serde_json::{Value as Json, json};

use super::{call, ended, held, install, send_webhooks_to};
use crate::{
    killed::wait_until,
    world::{Server, World},
};

/// What a test does by hand with operations of its own: so that signing in asks for their rights, too.
const BY_HAND: &str = r#"
version: 1
name: by-hand
connections:
  crm: {system: highlevel, connection: marketing}
  space: {system: officernd, connection: coworking}
trigger: {manual: {}}
steps:
  - {id: a, operation: {connection: crm, operation: contacts.notes.create, input: {contactId: "{{ trigger.id }}", body: x}}}
  - {id: b, operation: {connection: crm, operation: calendars.create, input: {name: x}}}
  - {id: c, operation: {connection: crm, operation: calendars.appointments.create, input: {calendarId: "{{ trigger.id }}", contactId: "{{ trigger.id }}", startTime: x}}}
  - {id: d, operation: {connection: crm, operation: opportunities.pipelines.list}}
  - {id: e, operation: {connection: crm, operation: opportunities.create, input: {contactId: "{{ trigger.id }}", name: x, pipelineId: "{{ trigger.id }}", status: open}}}
  - {id: f, operation: {connection: crm, operation: opportunities.set_status, input: {id: "{{ trigger.id }}", status: won}}}
"#;

/// A server that systems can reach, with syncs that only look.
async fn reachable(world: &World) -> (Server, String) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let config = world
        .config_of_three()
        .replace("mode: two-way", "mode: preview")
        .replace(
            "listen: 127.0.0.1:0",
            &format!("listen: {address}\npublic_url: http://{address}"),
        );
    let path = world.write("tandem.yaml", &config);
    let server = world
        .serve_with(&["--config", path.to_str().unwrap()])
        .await;
    send_webhooks_to(world, &server);
    (server, address.to_string())
}

/// A contact in HighLevel, told and listed.
fn contact(world: &World, first: &str, email: &str) -> String {
    let main = world.act(System::HighLevel, "access", json!({}))["mainLocationId"].clone();
    let contact =
        json!({"firstName": first, "lastName": "Blum", "email": email, "locationId": main});
    let made = world.act(System::HighLevel, "create_contact", contact);
    ["id", "contactId"]
        .iter()
        .find_map(|name| made[*name].as_str())
        .unwrap_or_else(|| panic!("{made:#}"))
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_noted_booked_and_won_in_highlevel_is_done_elsewhere() {
    let world = World::start().await;
    let (server, _) = reachable(&world).await;
    // what is switched on in the developer portal
    let events = json!([
        "ContactCreate",
        "NoteCreate",
        "AppointmentCreate",
        "OpportunityStatusUpdate"
    ]);
    world.act(
        System::HighLevel,
        "configure_app",
        json!({"events": events}),
    );
    let access = world.act(System::OfficeRnd, "access", json!({}));
    let location = format!(
        "location={}",
        access["locations"][0]["_id"].as_str().unwrap()
    );
    let to_office = ["crm=marketing", "office=office"];
    install(&world, "highlevel-note-to-onoffice-activity", &to_office).await;
    install(&world, "highlevel-appointment-to-onoffice", &to_office).await;
    let file = super::recipe("highlevel-opportunity-won-to-officernd");
    for words in [
        vec![
            "workflow",
            "publish",
            &file,
            "--with",
            "crm=marketing",
            "--with",
            "space=coworking",
            "--var",
            &location,
        ],
        vec![
            "workflow",
            "publish",
            world.write("hand.yaml", BY_HAND).to_str().unwrap(),
        ],
    ] {
        let ran = world.run(&words).await;
        assert_eq!(ran.code, 0, "{ran:#?}");
    }
    world.connect_both().await;
    world.connect_coworking().await;

    let address = json!({"fields": {"Name": "Blum", "email": "blum@example.org"}});
    world.act(System::OnOffice, "create", address);
    let id = contact(&world, "Anna", "blum@example.org");
    let note = json!({"contactId": id, "body": "Wants a balcony."});
    call(&world, "marketing", "contacts.notes.create", note).await;
    ended(&world, &server, "highlevel-note-to-onoffice-activity", 1).await;
    let office = held(&world, System::OnOffice);
    assert_eq!(office.matches("Wants a balcony.").count(), 1, "{office}");

    let calendar = json!({"name": "Viewings", "calendarType": "event", "slotDuration": 30, "slotDurationUnit": "mins"});
    let calendar = call(&world, "marketing", "calendars.create", calendar).await;
    let booked = json!({"calendarId": calendar["calendar"]["id"], "contactId": id, "title": "Viewing Lindenstr.",
        "startTime": "2026-12-01T10:00:00+01:00", "endTime": "2026-12-01T10:30:00+01:00", "toNotify": false,
        "ignoreFreeSlotValidation": true});
    call(&world, "marketing", "calendars.appointments.create", booked).await;
    ended(&world, &server, "highlevel-appointment-to-onoffice", 1).await;
    let office = held(&world, System::OnOffice);
    assert!(
        office.contains("Booked: Viewing Lindenstr., 2026-12-01 10:00:00"),
        "{office}"
    );
    assert!(office.contains("2026-12-01 10:30:00"), "{office}");

    let pipelines = call(
        &world,
        "marketing",
        "opportunities.pipelines.list",
        json!({}),
    )
    .await;
    let opportunity = json!({"contactId": id, "name": "Desk", "status": "open",
        "pipelineId": pipelines["pipelines"][0]["id"], "pipelineStageId": pipelines["pipelines"][0]["stages"][0]["id"]});
    let made = call(&world, "marketing", "opportunities.create", opportunity).await;
    let deal = made["opportunity"]["id"].clone();
    // lost is not won, and who is won twice is one member
    for (count, status) in [(1, "lost"), (2, "won"), (3, "open"), (4, "won")] {
        let set = json!({"id": deal, "status": status});
        call(&world, "marketing", "opportunities.set_status", set).await;
        ended(
            &world,
            &server,
            "highlevel-opportunity-won-to-officernd",
            count,
        )
        .await;
    }
    let dump = world.sandbox.control().dump(System::OfficeRnd);
    let members: Vec<&Json> = dump["members"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|member| member.to_string().contains("blum@example.org"))
        .collect();
    assert_eq!(members.len(), 1, "{members:#?}");
    assert!(members[0].to_string().contains("Anna Blum"), "{members:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_in_a_coworking_space_is_done_in_highlevel() {
    let world = World::start().await;
    let (server, address) = reachable(&world).await;
    world
        .sandbox
        .control()
        .core()
        .switches
        .set("highlevel.search_lag_ms", &json!(0))
        .unwrap();
    let picks = ["space=coworking", "crm=marketing"];
    for recipe in [
        "officernd-ticket-to-highlevel-task",
        "officernd-ticket-resolved-to-highlevel",
        "officernd-membership-to-highlevel-tag",
    ] {
        install(&world, recipe, &picks).await;
    }
    world.connect_both().await;
    world.connect_coworking().await;
    // a server that runs subscribes to what they begin with, and to what a step of theirs waits for
    let subscription = format!("http://{address}/hooks/officernd");
    let mut dump = Json::Null;
    wait_until("the subscription", Duration::from_secs(120), async || {
        dump = world.sandbox.control().dump(System::OfficeRnd);
        let text = dump.to_string();
        text.contains(&subscription)
            && [
                "ticket.created",
                "ticket.updated",
                "membership.created",
                "membership.removed",
            ]
            .iter()
            .all(|event| text.contains(event))
    })
    .await;
    super::subscribed(&world, &server, "coworking").await;

    let access = world.act(System::OfficeRnd, "access", json!({}));
    let location = &access["locations"][0]["_id"];
    let member = json!({"name": "Mia Neu", "email": "mia@neu.example", "location": location});
    let member = world.act(System::OfficeRnd, "create_member", member)["_id"].clone();
    let _known = contact(&world, "Mia", "mia@neu.example");
    let ticket = json!({"event": "ticket.created", "fields": {"member": member,
        "subject": "The heating is cold", "message": "Since <b>this</b> morning.", "status": "open"}});
    let ticket = world.act(System::OfficeRnd, "happen", ticket);
    ended(&world, &server, "officernd-ticket-to-highlevel-task", 1).await;
    let marketing = held(&world, System::HighLevel);
    let title = "\"Ticket: The heating is cold\"";
    assert_eq!(marketing.matches(title).count(), 1, "{marketing}");
    assert!(!marketing.contains("\"completed\":true"), "{marketing}");
    for (count, status) in [(1, "in_progress"), (2, "resolved")] {
        let id = ["_id", "id"]
            .iter()
            .find_map(|name| ticket[*name].as_str())
            .unwrap();
        let update = json!({"event": "ticket.updated", "id": id, "fields": {"status": status}});
        world.act(System::OfficeRnd, "happen", update);
        ended(
            &world,
            &server,
            "officernd-ticket-resolved-to-highlevel",
            count,
        )
        .await;
    }
    let marketing = held(&world, System::HighLevel);
    assert!(marketing.contains("\"completed\":true"), "{marketing}");

    let tagged = || held(&world, System::HighLevel).contains("\"tags\":[\"active member\"]");
    let plan = world.act(System::OfficeRnd, "add_plan", json!({"name": "Desk"}))["_id"].clone();
    let membership = json!({"name": "Desk", "plan": plan, "member": member, "location": location,
        "isPersonal": true});
    let membership = world.act(System::OfficeRnd, "create_membership", membership);
    wait_until("the tag", Duration::from_secs(120), async || tagged()).await;
    let path = "/api/v1/workflow-runs?workflow=officernd-membership-to-highlevel-tag";
    wait_until("the run that waits", Duration::from_secs(120), async || {
        world.api(&server, "GET", path).await.1[0]["step"] == "ended"
    })
    .await;
    let gone = json!({"id": membership["_id"]});
    world.act(System::OfficeRnd, "delete_membership", gone);
    ended(&world, &server, "officernd-membership-to-highlevel-tag", 1).await;
    assert!(!tagged(), "{}", held(&world, System::HighLevel));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_category_enrols_in_a_workflow_of_highlevel_once() {
    let world = World::start().await;
    let config = super::without_syncs(&world.config_text());
    let server = super::serve(&world, &super::with_token(&world, &config)).await;
    world.connect_office().await;
    super::connect_with_token(&world).await;
    world
        .sandbox
        .control()
        .core()
        .switches
        .set("highlevel.search_lag_ms", &json!(0))
        .unwrap();
    let person = json!({"firstName": "Anna", "email": "blum@example.org"});
    call(&world, "marketing", "contacts.create", person).await;
    let address = json!({"Name": "Blum", "email": "blum@example.org"});
    let made = call(&world, "office", "address.create", address).await;
    let id: u64 = made["records"][0]["id"].as_str().unwrap().parse().unwrap();
    let workflows = call(&world, "marketing", "workflows.list", json!({})).await;
    let workflow = format!(
        "workflow={}",
        workflows["workflows"][0]["id"].as_str().unwrap()
    );
    let file = super::recipe("onoffice-category-to-highlevel-workflow");
    let words = [
        "workflow",
        "publish",
        &file,
        "--with",
        "office=office",
        "--with",
        "crm=marketing",
        "--var",
        "category=Eigentümer",
        "--var",
        "tag=owner",
        "--var",
        &workflow,
    ];
    let published = world.run(&words).await;
    assert_eq!(published.code, 0, "{published:#?}");
    super::first_look(&world, "poll office address.changed").await;
    let mut server = server;
    for (count, city) in [(1, "Berlin"), (2, "Potsdam")] {
        // a change is noticed by its stamp, which has seconds
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let edit = json!({"id": id, "fields": {"ArtDaten": ["Eigentümer"], "Ort": city}});
        world.act(System::OnOffice, "edit", edit);
        server = super::again(&world, server).await;
        let name = "onoffice-category-to-highlevel-workflow";
        let runs = ended(&world, &server, name, count).await;
        let done = runs.iter().filter(|run| run["state"] == "done").count();
        assert_eq!(done, 1, "{runs:#?}");
    }
    let marketing = held(&world, System::HighLevel);
    assert!(marketing.contains("\"tags\":[\"owner\"]"), "{marketing}");
    assert_eq!(
        marketing.matches("workflow entry").count(),
        1,
        "{marketing}"
    );
}
