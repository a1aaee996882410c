//! What the commands say to somebody who is new: nothing that is not so, and no more than can be read.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use sandbox::System;
use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_is_no_error() {
    let world = World::start().await;
    let config = world.config();
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    for words in [
        "catalog",
        "catalog --json",
        "schema",
        "error --json",
        "init highlevel-onoffice --out -",
        "links people",
        "links people --json",
        "links export",
        "calls --json",
        "journal --json",
        "blocked --json",
        "blocked --records --json",
        "reviews --json",
        "failing --json",
        "runs --json",
        "status",
        "status --json",
        "config 1",
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        let mut child = world.spawn_with(&words, Stdio::piped());
        drop(child.stdout.take());
        let ended = tokio::task::spawn_blocking(move || child.wait_with_output());
        let output = ended.await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{words:?}: {said}");
        for bad in ["error", "panicked", "pipe"] {
            assert!(!said.contains(bad), "{words:?}: {said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_counts_the_fields_that_wait_for_other_records() {
    let world = World::start().await;
    let control = world.sandbox.control();
    let text = world.config_of_three();
    let config = world.write("tandem.yaml", &text);
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    let mut people = Vec::new();
    for number in 0..5 {
        let firm = json!({"name": format!("Werft {number}")});
        let firm = world.act(System::OfficeRnd, "create_company", firm);
        let email = format!("person{number}@werft.example");
        let name = ["Anna", "Berta", "Clara", "Dora", "Emil"][number];
        people.push(
            json!({"firstName": name, "lastName": "Brandt", "email": email,
            "tags": ["coworking"]}),
        );
        let member =
            json!({"name": format!("{name} Brandt"), "email": email, "company": firm["_id"]});
        control.seed(System::OfficeRnd, &[member]).unwrap();
    }
    control.seed(System::HighLevel, &people).unwrap();
    world.connect_both().await;
    world.connect_coworking().await;
    let plan = world.run(&["plan", "members", "--json"]).await.json();
    let awaiting = &plan["awaiting"];
    assert_eq!(awaiting.as_array().unwrap().len(), 1, "{plan:#}");
    assert_eq!(awaiting[0]["fields"], 5, "{plan:#}");
    assert_eq!(awaiting[0]["entity"], "company", "{plan:#}");
    assert_eq!(awaiting[0]["connection"], "coworking", "{plan:#}");
    assert_eq!(awaiting[0]["examples"].as_array().unwrap().len(), 3);
    assert!(!plan["blocked"].to_string().contains("waits"), "{plan:#}");
    let shown = world.run(&["plan", "members"]).await;
    assert!(
        shown
            .out
            .contains("  5: company, for records of coworking (company "),
        "{shown:#?}"
    );
    assert!(!shown.out.contains("waits until the company"), "{shown:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_says_why_webhooks_do_not_come() {
    let world = World::start().await;
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let text = world
        .config_of_three()
        .replace("127.0.0.1:0", &format!("127.0.0.1:{port}"));
    let text = format!("public_url: http://127.0.0.1:{port}\n{text}");
    let config = world.write("tandem.yaml", &text);
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    let shown = world.run(&["status"]).await;
    assert!(
        shown.out.contains("No server runs: nothing is polled"),
        "{shown:#?}"
    );
    assert!(!shown.out.contains("webhooks, polled"), "{shown:#?}");

    world.fault(
        json!({"system": "officernd", "method": "POST", "path": "*webhooks*",
        "fault": {"kind": "status", "status": 400, "body": {"message": "no room for webhooks"}}}),
    );
    let server = world
        .serve_with(&["--config", config.to_str().unwrap()])
        .await;
    let status = world.run(&["status", "--json"]).await.json();
    let told = &status["changes"]["marketing"]["told"];
    assert_eq!(told["state"], "not_subscribed", "{status:#}");
    assert_eq!(told["why"], "nobody has signed in yet", "{status:#}");
    world.connect_both().await;
    world.connect_coworking().await;
    let began = Instant::now();
    let status = loop {
        let status = world.run(&["status", "--json"]).await.json();
        let why = status["changes"]["coworking"]["told"]["why"].to_string();
        if why.contains("no room for webhooks")
            && status["changes"]["marketing"]["told"]["state"] == "silent"
        {
            break status;
        }
        assert!(began.elapsed() < Duration::from_secs(120), "{status:#}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let told = &status["changes"]["coworking"]["told"];
    assert_eq!(told["state"], "not_subscribed", "{status:#}");
    assert_eq!(status["changes"]["office"]["told"]["state"], "none");
    let shown = world.run(&["status"]).await;
    for words in [
        "no webhooks yet, polled every 1 min",
        "coworking: webhooks are wanted and not subscribed yet: ",
        "marketing: no webhook has come since the server started; the vendor has to be told to send them to http://127.0.0.1:",
    ] {
        assert!(shown.out.contains(words), "{words}: {shown:#?}");
    }
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_is_missing_or_misplaced_is_said_with_its_place() {
    let world = World::start().await;
    let text = world.config_text();
    let misplaced = text.replacen(
        "    system: highlevel\n",
        "    make_fields: true\n    system: highlevel\n",
        1,
    );
    let file = world.write("misplaced.yaml", &misplaced);
    let refused = world.run(&["apply", file.to_str().unwrap()]).await;
    let said = refused.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("a setting of its system stands one level deeper, under `settings`"),
        "{said}"
    );
    refused.refused(3, &["TDM-C002", "`make_fields`"]);
    let file = world.config();
    let applied = world.run(&["apply", file.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    world.connect_both().await;
    let added = world.run(&["add-field", "marketing", "Key of ours"]).await;
    added.refused(
        4,
        &[
            "TDM-K004",
            "`make_fields: true` under this connection's `settings` in the config",
            "`tandem apply`",
            "`tandem connect`",
        ],
    );
}
