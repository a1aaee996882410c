//! What a person may ask afterwards: why a field has its value, and how fast edits cross.

use std::time::Duration;

use sandbox::System;
use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn one_field_is_explained_and_the_status_says_how_long_edits_take() {
    let world = World::start().await;
    let control = world.sandbox.control();
    let left = json!({"firstName": "Anna", "lastName": "Blum", "email": "anna@example.org"});
    let left = control.seed(System::HighLevel, &[left]).unwrap().remove(0);
    let right = json!({"Vorname": "Anna", "Name": "Blum", "email": "anna@example.org"});
    let right = control.seed(System::OnOffice, &[right]).unwrap().remove(0);
    let server = world.serve().await;
    let hooks = json!({"webhookUrl": format!("{}/hooks/highlevel", server.url)});
    world.act(System::HighLevel, "configure_app", hooks);
    world.connect_both().await;
    world.run(&["sync", "people", "--json"]).await.json();
    let status = world.run(&["status"]).await;
    assert!(!status.out.contains("edits cross"), "{status:#?}");
    // what is about a whole record has no values
    let journal = world.run(&["journal"]).await;
    assert!(journal.out.contains("linked"), "{journal:#?}");
    assert!(!journal.out.contains("(unknown) →"), "{journal:#?}");

    let edit = json!({"id": left, "fields": {"firstName": "Hanna"}});
    world.act(System::HighLevel, "edit_contact", edit);
    let ask = ["explain", "office", "contact", right.as_str(), "Vorname"];
    let asked_as_json = [&ask[..], &["--json"]].concat();
    let started = tokio::time::Instant::now();
    let explained = loop {
        let explained = world.run(&asked_as_json).await.json();
        if explained["fields"][0]["changes"][0].is_object() {
            break explained;
        }
        let waited = started.elapsed();
        assert!(waited < Duration::from_secs(120), "{explained:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let fields = explained["fields"].as_array().unwrap();
    assert_eq!(fields.len(), 1, "{explained:#}");
    assert_eq!(fields[0]["field"], "Vorname");
    let written = &fields[0]["changes"][0];
    assert_eq!(written["effect"], "written", "{explained:#}");
    assert_eq!(
        written["origin"],
        json!(["marketing", left]),
        "{explained:#}"
    );
    let at: jiff::Timestamp = written["at"].as_str().unwrap().parse().unwrap();
    let since: jiff::Timestamp = explained["links"][0]["since"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(since < at, "{explained:#}");
    // What it is, what it was, who set it and how that became known, in words.
    let said = world.run(&ask).await;
    assert_eq!(said.code, 0, "{said:#?}");
    for words in [
        "Vorname = Hanna",
        "the other side: firstName = Hanna",
        "written: Anna → Hanna",
        "signalled by webhook, in people",
        &format!("begun with marketing {left}"),
    ] {
        assert!(said.out.contains(words), "no {words:?} in {said:#?}");
    }
    assert!(!said.out.contains("Name = Blum"), "{said:#?}");

    // Nobody was told where to, as far as the config says: all are polled alike.
    let status = world.run(&["status", "--json"]).await.json();
    let marketing = &status["changes"]["marketing"];
    assert_eq!(marketing["webhooks"], false, "{status:#}");
    assert_eq!(
        marketing["polled_every_ms"], status["changes"]["office"]["polled_every_ms"],
        "{status:#}"
    );

    // Who tells of changes, and who has to be asked: for that one, how much may be unnoticed.
    let public = format!("public_url: {}\n{}", server.url, world.config_text());
    let public = world.write("public.yaml", &public);
    let applied = world.run(&["apply", public.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    let status = world.run(&["status", "--json"]).await.json();
    assert_eq!(
        status["changes"]["marketing"]["webhooks"], true,
        "{status:#}"
    );
    let office = &status["changes"]["office"];
    assert_eq!(office["webhooks"], false, "{status:#}");
    assert!(
        office["polled_every_ms"].as_u64().unwrap() > 0,
        "{status:#}"
    );
    let started = tokio::time::Instant::now();
    loop {
        let status = world.run(&["status"]).await;
        let shown = status.out.contains("polled, lag up to");
        if shown && status.out.contains("webhooks, polled every 5 min") {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "{status:#?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    let status = world.run(&["status"]).await;
    for words in [
        "people: edits cross to the right: half within",
        "people: written on the right after the last reading: half within",
        "(timed 1 times)",
    ] {
        assert!(status.out.contains(words), "no {words:?} in {status:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_is_told_at_once_though_no_system_can_be_reached() {
    let world = World::start().await;
    let control = world.sandbox.control();
    let left = json!({"firstName": "Anna", "lastName": "Blum", "email": "anna@example.org"});
    let left = control.seed(System::HighLevel, &[left]).unwrap().remove(0);
    let right = json!({"Vorname": "Anna", "Name": "Blum", "email": "anna@example.org",
        "Zusatz1": "Blum GmbH", "Ort": "Bonn"});
    let right = control.seed(System::OnOffice, &[right]).unwrap().remove(0);
    let config = world.config();
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    world.connect_both().await;
    world.run(&["sync", "people", "--json"]).await.json();
    world.end_sandbox().await;

    let started = tokio::time::Instant::now();
    let ask = ["explain", "office", "contact", right.as_str()];
    let explained = world.run(&[&ask[..], &["--json"]].concat()).await.json();
    let told = |name: &str| {
        let fields = explained["fields"].as_array().unwrap();
        let field = fields.iter().find(|field| field["field"] == name);
        field
            .unwrap_or_else(|| panic!("no {name} in {explained:#}"))
            .clone()
    };
    assert_eq!(told("Vorname")["mapping"], "first_name");
    assert_eq!(told("Ort")["value"]["value"]["text"], "Bonn");
    assert_eq!(told("Ort")["counterpart"][2][1]["value"]["text"], "Bonn");
    // What does not cross is said with the record, and in a list of its own.
    let why = told("Zusatz1")["blocked"].as_str().unwrap().to_owned();
    assert!(why.contains("only when a record is made"), "{explained:#}");
    let blocked = world.run(&["blocked", "--records", "--json"]).await.json();
    assert_eq!(blocked[0]["left"], left, "{blocked:#}");
    assert_eq!(blocked[0]["connection"], "marketing", "{blocked:#}");
    let shown = world.run(&["blocked", "--sync", "people"]).await;
    assert!(
        shown.out.contains("only when a record is made"),
        "{shown:#?}"
    );
    for command in [
        &["links", "people"][..],
        &["journal"],
        &["reviews"],
        &["runs"],
        &["calls"],
        &["failing"],
        &["status"],
    ] {
        let ran = world.run(command).await;
        assert_eq!(ran.code, 0, "{command:?}: {ran:#?}");
    }
    let waited = started.elapsed();
    assert!(waited < Duration::from_secs(60), "it took {waited:?}");
}
