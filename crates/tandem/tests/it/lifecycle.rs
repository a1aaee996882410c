//! Starting, stopping, being killed, and commands beside a running server.

use std::{net::TcpListener, time::Duration};

use sandbox::{Actor, System};
use serde_json::json;

use crate::world::{World, beside};

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_said_and_nothing_is_half_done() {
    let world = World::start().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let text = world.config_text().replace("127.0.0.1:0", &address);
    let config = world.write("tandem.yaml", &text);
    world
        .run(&["serve", "--config", config.to_str().unwrap()])
        .await
        .refused(1, &["TDM-S001", &address]);
    assert!(!beside(&world.database()).exists());
    // the config was not put into force either
    world.run(&["serve"]).await.refused(3, &["TDM-C014"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_go_through_the_server_and_see_what_it_sees() {
    let world = World::start().await;
    let server = world.serve().await;
    let here = world.run(&["status", "--json"]).await.json();
    assert_eq!(
        here["public_url"], server.url,
        "asked the server, which knows where it listens"
    );
    assert_eq!(here["config"]["revision"], 1);

    // the one that is in force, word by word, is no other revision
    let config = world.config();
    let apply = ["apply", config.to_str().unwrap(), "--json"];
    assert_eq!(world.run(&apply).await.json()["revision"], 1);
    let text = format!("{}\n# Changed.\n", world.config_text());
    world.write(config.file_name().unwrap().to_str().unwrap(), &text);
    assert_eq!(world.run(&apply).await.json()["revision"], 2);
    let (_, status) = world.api(&server, "GET", "/api/v1/status").await;
    assert_eq!(status["config"]["revision"], 2);

    assert_eq!(server.stop(), 0);
    assert!(!beside(&world.database()).exists());
    let after = world.run(&["status", "--json"]).await.json();
    assert_eq!(after["config"]["revision"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_leaves_behind_disturbs_nobody() {
    let world = World::start().await;
    let server = world.serve().await;
    world.connect_office().await;
    server.kill();
    assert!(beside(&world.database()).exists());

    let status = world.run(&["status", "--json"]).await.json();
    assert_eq!(status["config"]["revision"], 1);
    assert!(
        status["connections"][1]["account"].is_object(),
        "{status:#}"
    );
    assert_eq!(world.run(&["check", "office"]).await.code, 0);

    let again = world.serve_with(&[]).await;
    let (_, status) = world.api(&again, "GET", "/api/v1/status").await;
    assert!(
        status["connections"][1]["account"].is_object(),
        "{status:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_sync_stays_paused_across_a_restart() {
    let world = World::start().await;
    let config = world.config();
    assert_eq!(
        world.run(&["apply", config.to_str().unwrap()]).await.code,
        0
    );
    world.connect_both().await;
    assert_eq!(world.run(&["pause", "people"]).await.code, 0);
    let server = world.serve_with(&[]).await;
    let (_, status) = world.api(&server, "GET", "/api/v1/status").await;
    assert_eq!(status["syncs"][0]["why"], "by a person", "{status:#}");
    assert_eq!(world.run(&["resume", "people"]).await.code, 0);
    let (_, status) = world.api(&server, "GET", "/api/v1/status").await;
    assert_ne!(status["syncs"][0]["why"], "by a person", "{status:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_stop_in_the_middle_of_a_run_stops_and_the_next_goes_on() {
    let world = World::start().await;
    // more creates than the vendor's limit lets through at once
    let people: Vec<_> = (0..140)
        .map(|n| json!({"Vorname": "Anna", "Name": format!("Blum-{n}"), "email": format!("anna{n}@example.org")}))
        .collect();
    world
        .sandbox
        .control()
        .seed(System::OnOffice, &people)
        .unwrap();
    let server = world.serve().await;
    world.connect_both().await;
    let made = || {
        let edits = world.sandbox.control().core().edits.since(0);
        edits.iter().filter(|edit| edit.actor == Actor::Api).count()
    };
    let (stopped, run) = tokio::join!(
        async {
            while made() < 20 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            tokio::task::spawn_blocking(move || server.stop())
                .await
                .unwrap()
        },
        world.run(&["sync", "people"]),
    );
    assert_eq!(stopped, 0);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(made() < 140, "the run was over before it was interrupted");

    let _again = world.serve_with(&[]).await;
    let started = tokio::time::Instant::now();
    while made() < 140 {
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "{} were made",
            made()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(made(), 140, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_to_which_nobody_listens_any_more_stops_when_it_is_told_to() {
    let world = World::start().await;
    let server = world.serve_to_nobody().await;
    let stopped = tokio::task::spawn_blocking(|| server.stop());
    let stopped = tokio::time::timeout(Duration::from_secs(60), stopped).await;
    assert_eq!(stopped.expect("it does not stop").unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_found_is_said_with_what_is_near() {
    let world = World::start().await;
    let config = world.config();
    assert_eq!(
        world.run(&["apply", config.to_str().unwrap()]).await.code,
        0
    );
    world
        .run(&["plan", "peopel"])
        .await
        .refused(1, &["TDM-Y001", "did you mean `people`?"]);
    world
        .run(&["check", "ofice"])
        .await
        .refused(4, &["TDM-K001", "did you mean `office`?"]);
    world
        .run(&["resolve", "0197a3c2", "left"])
        .await
        .refused(1, &["TDM-Y004"]);
    world
        .run(&["explain", "office", "contact", "4711"])
        .await
        .refused(1, &["TDM-Y007"]);
    let page = world.run(&["error", "tdm-y001"]).await;
    assert!(page.out.starts_with("# TDM-Y001"), "{page:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_runs_by_itself_with_people_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let people = [
        (
            "highlevel",
            json!({"firstName": "Anna", "lastName": "Blum", "email": "anna@example.org"}),
        ),
        (
            "onoffice",
            json!({"Vorname": "Doris", "Name": "Ehm", "email": "doris@example.org"}),
        ),
        (
            "officernd",
            json!({"name": "Emil Fuchs", "email": "emil@example.org"}),
        ),
    ];
    for (system, record) in &people {
        std::fs::write(
            folder.path().join(format!("{system}.jsonl")),
            record.to_string(),
        )
        .unwrap();
    }
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_tandem"))
        .args(["sandbox", "--listen", "127.0.0.1:0", "--people"])
        .arg(folder.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut url = String::new();
    std::io::BufRead::read_line(&mut out, &mut url).unwrap();
    let mut shown = String::new();
    for (system, _) in &people {
        let state = format!("{}/_sandbox/{system}/state", url.trim());
        let answer = reqwest::get(&state).await.unwrap();
        assert_eq!(answer.status(), 200, "{state}");
        shown.push_str(&answer.text().await.unwrap());
    }
    let pid = child.id().to_string();
    let told = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(told.unwrap().success());
    let ended = tokio::task::spawn_blocking(move || child.wait())
        .await
        .unwrap()
        .unwrap();
    assert!(ended.success(), "{ended}");
    for name in ["Anna", "Doris", "Emil"] {
        assert!(shown.contains(name), "no {name} in {shown}");
    }
}
