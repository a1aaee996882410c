//! Systems that are not there, answer with something else or are somebody else's, and a disk that is
//! full: each said clearly, and nothing half done.

use std::time::Duration;

use sandbox::{Actor, System};
use serde_json::{Value as Json, json};

use crate::world::{Server, World};

async fn applied(world: &World) {
    let config = world.config();
    let ran = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(ran.code, 0, "{ran:#?}");
}

fn one_person(world: &World, name: &str) {
    let contact =
        json!({"firstName": name, "lastName": "Blum", "email": format!("{name}@blum.example")});
    world
        .sandbox
        .control()
        .seed(System::HighLevel, &[contact])
        .unwrap();
}

/// How many records Tandem wrote.
fn written(world: &World) -> usize {
    let edits = world.sandbox.control().core().edits.since(0);
    edits.iter().filter(|edit| edit.actor == Actor::Api).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_is_not_there_is_named_and_what_was_is_kept() {
    let world = World::start().await;
    one_person(&world, "anna");
    applied(&world).await;
    world.connect_both().await;
    world.end_sandbox().await;
    let checked = world.run(&["check"]).await;
    assert_eq!(checked.code, 4, "{checked:#?}");
    for name in ["marketing: ", "office: "] {
        let line = checked.out.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("{checked:#?}"));
        assert!(line.contains("cannot be reached"), "{checked:#?}");
        assert!(line.contains("TDM-K005"), "{checked:#?}");
    }
    // new credentials cannot be tried, so the old ones stay
    let ran = world
        .run(&[
            "connect",
            "office",
            "--field",
            "token=env:TANDEM_TEST_OO_TOKEN",
            "--field",
            "secret=env:TANDEM_TEST_OO_TOKEN",
        ])
        .await;
    assert_eq!(ran.code, 4, "{ran:#?}");
    let status = world.run(&["status", "--json"]).await.json();
    for connection in [0, 1] {
        let account = &status["connections"][connection]["account"];
        assert!(account["id"].is_string(), "{status:#}");
    }
    assert_eq!(
        world.run(&["links", "people", "--json"]).await.json(),
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn something_else_that_answers_is_told_from_the_system() {
    let world = World::start().await;
    one_person(&world, "anna");
    applied(&world).await;
    world.connect_both().await;
    world.fault(json!({"system": "onoffice", "fault": {"kind": "non_json"}}));
    let checked = world.run(&["check", "office"]).await;
    assert_eq!(checked.code, 4, "{checked:#?}");
    assert!(
        checked.out.contains("no answer of onOffice"),
        "{checked:#?}"
    );
    assert!(checked.out.contains("TDM-K005"), "{checked:#?}");
    assert_eq!(written(&world), 0);
    // once it is itself again, everything is done
    world.sandbox.control().core().faults.clear();
    let run = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(run["counts"]["created_right"], 1, "{run:#}");
    assert_eq!(written(&world), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_location_than_the_config_names_is_refused() {
    let world = World::start().await;
    let access = world.act(System::HighLevel, "access", json!({}));
    let main = access["mainLocationId"].as_str().unwrap();
    let other = access["locations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|location| location["id"].as_str().unwrap())
        .find(|id| *id != main)
        .unwrap();
    let text = world.config_text().replacen(
        "    settings:\n      authorize_url",
        &format!("    settings:\n      location_id: {other}\n      authorize_url"),
        1,
    );
    let config = world.write("tandem.yaml", &text);
    let ran = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(ran.code, 0, "{ran:#?}");
    world
        .connect_marketing(main)
        .await
        .refused(4, &[main, other]);
    let status = world.run(&["status", "--json"]).await.json();
    assert_eq!(
        status["connections"][0]["account"],
        Json::Null,
        "{status:#}"
    );
    let ran = world.connect_marketing(other).await;
    assert_eq!(ran.code, 0, "{ran:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_credentials_keep_links_cursors_and_history() {
    let world = World::start().await;
    for name in ["anna", "berta"] {
        one_person(&world, name);
    }
    let _server = world.serve().await;
    world.connect_both().await;
    let run = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(run["counts"]["created_right"], 2, "{run:#}");
    let links = world.run(&["links", "people", "--json"]).await.json();
    let journal = world.run(&["journal", "--json"]).await.json();

    let access = world.act(System::HighLevel, "access", json!({}));
    world.act(
        System::HighLevel,
        "uninstall",
        json!({"locationId": access["mainLocationId"]}),
    );
    let ran = world.run(&["sync", "people"]).await;
    assert_ne!(ran.code, 0, "{ran:#?}");
    world.act(System::OnOffice, "regenerate_access", json!({}));
    assert_eq!(world.run(&["check", "office"]).await.code, 4);
    let edited = links[0]["right"].as_str().unwrap().parse::<u64>().unwrap();
    world.act(
        System::OnOffice,
        "edit",
        json!({"id": edited, "fields": {"Ort": "Bernau"}}),
    );
    world.connect_both().await;

    assert_eq!(
        world.run(&["links", "people", "--json"]).await.json(),
        links
    );
    // The edit comes over, by the next poll or by the run asked for here, and nothing else does.
    let run = world.run(&["sync", "people", "--json"]).await.json();
    for none in ["created_left", "created_right", "linked", "updated_right"] {
        assert_eq!(run["counts"][none], Json::Null, "{run:#}");
    }
    let now = world.run(&["journal", "--json"]).await.json();
    let (now, before) = (now.as_array().unwrap(), journal.as_array().unwrap());
    assert!(now.ends_with(before), "{now:#?}");
    let since: Vec<&str> = now[..now.len() - before.len()]
        .iter()
        .map(|row| row["effect"].as_str().unwrap())
        .collect();
    assert_eq!(since, ["observed", "written"], "{now:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_only_reads_asks_for_read_scopes_only() {
    for (mode, writes) in [
        ("preview", false),
        ("one-way-left-to-right", false),
        ("one-way-right-to-left", true),
        ("two-way", true),
    ] {
        let world = World::start().await;
        let text = world
            .config_text()
            .replace("mode: two-way", &format!("mode: {mode}"));
        let text = format!("public_url: https://tandem.example.com/sync\n{text}");
        let config = world.write("tandem.yaml", &text);
        let server = world
            .serve_with(&["--config", config.to_str().unwrap()])
            .await;
        let access = world.act(System::HighLevel, "access", json!({}));
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let made: Json = client
            .post(format!(
                "{}/api/v1/connections/marketing/connect",
                server.url
            ))
            .bearer_auth(&server.token)
            .json(&json!({"fields":
                {"client_id": access["clientId"], "client_secret": access["clientSecret"]}}))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        // the link is for people, who come through the proxy
        let link = made["link"].as_str().unwrap();
        let inside = link
            .strip_prefix("https://tandem.example.com/sync")
            .unwrap_or_else(|| panic!("{made:#}"));
        let answer = client
            .get(format!("{}{inside}", server.url))
            .send()
            .await
            .unwrap();
        let consent = answer.headers()["location"].to_str().unwrap().to_owned();
        assert!(consent.contains("contacts.readonly"), "{mode}: {consent}");
        assert_eq!(
            consent.contains("contacts.write"),
            writes,
            "{mode}: {consent}"
        );
        assert!(
            consent.contains("tandem.example.com%2Fsync%2Foauth%2Fcallback"),
            "{consent}"
        );
        assert!(
            !consent.contains(access["clientSecret"].as_str().unwrap()),
            "{consent}"
        );
    }
}

async fn failed_webhooks(world: &World, server: &Server) -> f64 {
    let page = reqwest::Client::new()
        .get(format!("{}/metrics", server.url))
        .bearer_auth(&server.token)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let line = "tandem_webhooks_total{fate=\"failed\"} ";
    let found = page.lines().find_map(|found| found.strip_prefix(line));
    found
        .unwrap_or_else(|| panic!("{line} is not in {page} of {}", world.sandbox.url()))
        .parse()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_clearly_and_everything_goes_on_when_there_is_room() {
    let world = World::start().await;
    // who was made a moment ago is listed
    let control = world.sandbox.control();
    let switches = &control.core().switches;
    switches.set("highlevel.search_lag_ms", &json!(0)).unwrap();
    one_person(&world, "anna");
    let server = world.serve_on_small_disk().await;
    world.act(
        System::HighLevel,
        "configure_app",
        json!({"webhookUrl": format!("{}/hooks/highlevel", server.url)}),
    );
    world.connect_both().await;
    let run = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(run["counts"]["created_right"], 1, "{run:#}");

    // not one more byte fits into the database or beside it
    server.fill_disk(Some(1));
    world
        .run(&["pause", "people"])
        .await
        .refused(5, &["TDM-D002"]);
    let person = json!({"firstName": "Berta", "lastName": "Blum", "email": "berta@blum.example"});
    world.act(System::HighLevel, "create_contact", person);
    let started = tokio::time::Instant::now();
    while failed_webhooks(&world, &server).await < 1.0 {
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "no webhook came"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // refused with the one status after which HighLevel sends again
    let control = world.sandbox.control();
    assert!(control.core().deliveries.next_due_ms().is_some());
    // it still answers, and nothing was written to the systems that it cannot remember
    let (code, status) = world.api(&server, "GET", "/api/v1/status").await;
    assert_eq!(code, 200, "{status:#}");
    assert_eq!(written(&world), 1);

    // what could not be remembered was not done: the sync is not paused
    assert_eq!(status["syncs"][0]["state"], "running", "{status:#}");

    server.fill_disk(None);
    let run = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(run["state"], "done", "{run:#}");
    let links = world.run(&["links", "people", "--json"]).await.json();
    assert_eq!(links.as_array().unwrap().len(), 2, "{links:#}");
    assert_eq!(written(&world), 2, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_stands_in_a_log_an_answer_or_the_database() {
    let world = World::start().await;
    one_person(&world, "anna");
    let config = world.config();
    let server = world
        .serve_with(&["--config", config.to_str().unwrap(), "--log", "trace"])
        .await;
    world.connect_both().await;
    world.act(System::HighLevel, "expire_tokens", json!({}));
    let run = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(run["state"], "done", "{run:#}");
    // and calls that are refused
    world.act(System::OnOffice, "regenerate_access", json!({}));
    assert_eq!(world.run(&["check", "office"]).await.code, 4);

    let office = world.act(System::OnOffice, "show_access", json!({}));
    let access = world.act(System::HighLevel, "access", json!({}));
    // access and refresh tokens are JSON Web Tokens, as the vendor's are
    let mut secrets = vec!["eyJ".to_owned()];
    for secret in [&access["clientSecret"], &office["secret"], &office["token"]] {
        secrets.push(secret.as_str().unwrap().to_owned());
    }
    let mut shown = Vec::new();
    for command in [
        &["status", "--json"][..],
        &["calls", "--json"],
        &["journal", "--json"],
        &["check"],
    ] {
        let ran = world.run(command).await;
        shown.push((
            command.join(" "),
            format!("{}{}", ran.out, ran.err).into_bytes(),
        ));
    }
    drop(server);
    for entry in std::fs::read_dir(world.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        shown.push((path.display().to_string(), std::fs::read(&path).unwrap()));
    }
    let log = shown.iter().find(|(name, _)| name.ends_with("server.log"));
    assert!(log.unwrap().1.len() > 10_000, "the log tells much");
    for secret in &secrets {
        for (name, bytes) in &shown {
            let found = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "{name} holds a secret");
        }
    }
}
