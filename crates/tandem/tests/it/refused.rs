//! What commands say that come too early, name what is not there, or would do more than they may.

use sandbox::System;
use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_comes_too_early_or_names_nothing_says_so() {
    let world = World::start().await;
    let _server = world.serve().await;
    for command in ["plan", "sync"] {
        world.run(&[command, "people"]).await.refused(
            4,
            &["TDM-K002", "`marketing`", "`tandem connect marketing`"],
        );
    }
    world.run(&["check", "office"]).await.refused(4, &[]);
    let checked = world.run(&["check", "office"]).await;
    assert!(
        checked.out.contains("`tandem connect office`"),
        "{checked:#?}"
    );

    // A list of what does not exist is not empty, it is a mistake.
    for command in [
        &["reviews", "--sync", "peopel"][..],
        &["runs", "--sync", "peopel"],
        &["journal", "--sync", "peopel"],
    ] {
        let ran = world.run(command).await;
        ran.refused(1, &["TDM-Y001", "did you mean `people`?"]);
        assert_eq!(ran.out, "");
    }
    for command in [
        &["calls", "--connection", "ofice"][..],
        &["failing", "--connection", "ofice"],
        &["journal", "--connection", "ofice"],
        &["fields", "ofice"],
    ] {
        let ran = world.run(command).await;
        ran.refused(4, &["TDM-K001", "did you mean `office`?"]);
    }
    let none = world
        .run(&["runs", "--sync", "people", "--json"])
        .await
        .json();
    assert_eq!(none, json!([]));

    let missing = world.folder.path().join("nobody");
    world
        .run_bare(&[
            "sandbox",
            "--listen",
            "127.0.0.1:0",
            "--people",
            missing.to_str().unwrap(),
        ])
        .await
        .refused(1, &["TDM-S008", "nobody"]);
    let people = world.folder.path().join("people");
    std::fs::create_dir(&people).unwrap();
    std::fs::write(
        people.join("onoffice.jsonl"),
        "{\"Name\": \"Blum\"}\n{\"Name\": 1\n",
    )
    .unwrap();
    world
        .run_bare(&[
            "sandbox",
            "--listen",
            "127.0.0.1:0",
            "--people",
            people.to_str().unwrap(),
        ])
        .await
        .refused(1, &["TDM-S008", "onoffice.jsonl line 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_mapping_may_name_is_listed_for_each_account() {
    let world = World::start().await;
    let _server = world.serve().await;
    world.connect_both().await;
    let shown = world.run(&["fields", "office"]).await;
    assert_eq!(shown.code, 0, "{shown:#?}");
    let line = |field: &str| {
        let mut lines = shown.out.lines();
        lines.find(|line| line.split_whitespace().nth(1) == Some(field))
    };
    assert!(
        line("Vorname").is_some_and(|line| line.contains("read write")),
        "{shown:#?}"
    );
    assert!(
        line("Aenderung").is_some_and(|line| line.contains("read only")),
        "{shown:#?}"
    );
    let listed = world
        .run(&["fields", "marketing", "--entity", "company", "--json"])
        .await
        .json();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed:#}");
    assert_eq!(listed[0]["entity"], "company");
    world
        .run(&["fields", "office", "--entity", "opportunity"])
        .await
        .refused(1, &["office", "no opportunity"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_stops_at_its_limit_ends_with_a_code_of_its_own() {
    let world = World::start().await;
    let text = world.config_text();
    let shipped = "creates: {share: 1.0, number: 5000}";
    let limited = text.replacen(shipped, "creates: {share: 1.0, number: 2}", 1);
    assert_ne!(text, limited);
    let file = world.write("limited.yaml", &limited);
    let _server = world
        .serve_with(&["--config", file.to_str().unwrap()])
        .await;
    world.connect_both().await;
    let first = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(
        (&first["state"], &first["over_limit"]),
        (&json!("done"), &json!(false))
    );
    let control = world.sandbox.control();
    let new = |name: &str| json!({"Vorname": name, "Name": "Ehm", "email": format!("{name}@ehm.example")});
    for name in ["anna", "bernd", "clara", "doris"] {
        control.seed(System::OnOffice, &[new(name)]).unwrap();
    }
    let stopped = world.run(&["sync", "people"]).await;
    stopped.refused(1, &["TDM-Y003", "creates", "tandem reviews"]);
    assert!(stopped.out.contains("stopped"), "{stopped:#?}");
    let review = &world.run(&["reviews", "--json"]).await.json()[0];
    assert_eq!(review["kind"], "mass_change", "{review:#}");
    let id = review["id"].as_str().unwrap();
    // Put off, it asks again later and nothing has changed.
    let later = world.run(&["resolve", id, "leave"]).await;
    assert_eq!(later.code, 0, "{later:#?}");
    world.run(&["sync", "people"]).await.refused(1, &["paused"]);
    let resumed = world.run(&["resume", "people"]).await;
    assert_eq!(resumed.code, 0, "{resumed:#?}");
    let last = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(last["state"], "done", "{last:#}");
    let links = world.run(&["links", "people", "--json"]).await.json();
    assert_eq!(links.as_array().unwrap().len(), 4, "{links:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_connected_gets_no_second_connection() {
    let world = World::start().await;
    let text = world.config_text();
    let office = text.find("  office:\n").unwrap();
    let end = office + text[office..].find("\n# What is kept the same").unwrap();
    let twin = text[office..end].replace("  office:\n", "  branch:\n");
    let (before, after) = text.split_at(end);
    let file = world.write("twin.yaml", &format!("{before}\n{twin}{after}"));
    let _server = world
        .serve_with(&["--config", file.to_str().unwrap()])
        .await;
    world.connect_office().await;
    let fields = [
        "--field",
        "token=env:TANDEM_TEST_OO_TOKEN",
        "--field",
        "secret=env:TANDEM_TEST_OO_SECRET",
    ];
    let ran = world
        .run(&[&["connect", "branch"], &fields[..]].concat())
        .await;
    ran.refused(
        4,
        &[
            "TDM-K003",
            "connected as `office` already",
            "use `office` in every sync",
        ],
    );
    let status = world.run(&["status", "--json"]).await.json();
    assert!(
        status.to_string().contains("nobody has signed in yet"),
        "{status:#}"
    );
}

/// Commands that name something, each with the name of nothing, and what is said of it.
const NAMING_NOTHING: &[(&[&str], &str)] = &[
    // syncs
    (&["plan", "peopel"], "TDM-Y001"),
    (&["sync", "peopel"], "TDM-Y001"),
    (&["pause", "peopel"], "TDM-Y001"),
    (&["resume", "peopel"], "TDM-Y001"),
    (&["links", "peopel"], "TDM-Y001"),
    (&["links", "export", "peopel"], "TDM-Y001"),
    (
        &["links", "split", "peopel", "contact", "a", "1"],
        "TDM-Y001",
    ),
    (
        &["links", "forget", "peopel", "contact", "a", "1"],
        "TDM-Y001",
    ),
    (&["links", "decisions", "peopel"], "TDM-Y001"),
    (&["plans", "--sync", "peopel"], "TDM-Y001"),
    (&["reviews", "--sync", "peopel"], "TDM-Y001"),
    (&["resolve", "--sync", "peopel", "left"], "TDM-Y001"),
    (&["journal", "--sync", "peopel"], "TDM-Y001"),
    (&["blocked", "--sync", "peopel"], "TDM-Y001"),
    (&["runs", "--sync", "peopel"], "TDM-Y001"),
    (
        &["undo", "--sync", "peopel", "--since", "2h", "--dry-run"],
        "TDM-Y001",
    ),
    // connections
    (&["connect", "ofice"], "TDM-K001"),
    (&["check", "ofice"], "TDM-K001"),
    (&["fields", "ofice"], "TDM-K001"),
    (&["fields", "office", "--users-of", "marketng"], "TDM-K001"),
    (&["add-field", "ofice", "Id"], "TDM-K001"),
    (&["probe", "ofice", "--list"], "TDM-K001"),
    (&["call", "ofice", "address.get"], "TDM-K001"),
    (&["disconnect", "ofice", "--yes"], "TDM-K001"),
    (&["listen", "ofice", "address.changed"], "TDM-K001"),
    (&["explain", "ofice", "contact", "1"], "TDM-K001"),
    (&["calls", "--connection", "ofice"], "TDM-K001"),
    (&["journal", "--connection", "ofice"], "TDM-K001"),
    (&["failing", "--connection", "ofice"], "TDM-K001"),
    (
        &[
            "undo",
            "--connection",
            "ofice",
            "--record",
            "1",
            "--dry-run",
        ],
        "TDM-K001",
    ),
    // operations, triggers, kinds of records and questions
    (&["call", "office", "adress.gett"], "TDM-"),
    (&["listen", "office", "adress.changed"], "TDM-"),
    (&["catalog", "onofice"], "TDM-"),
    (&["catalog", "onoffice", "adress.gett"], "TDM-"),
    (&["fields", "office", "--entity", "contakt"], "TDM-"),
    (
        &["add-field", "marketing", "Id", "--entity", "contakt"],
        "TDM-",
    ),
    (&["explain", "office", "contakt", "1"], "TDM-"),
    (&["links", "split", "people", "contakt", "a", "1"], "TDM-"),
    (&["reviews", "--kind", "conflikt"], "TDM-"),
    (&["resolve", "--kind", "conflikt", "left"], "TDM-"),
    (
        &["probe", "office", "--only", "sort_mapp", "--list"],
        "TDM-",
    ),
    (&["calls", "--outcome", "answred"], "TDM-"),
    // what has a number or an id
    (
        &["apply-plan", "0197a3c2-6f1e-7cc0-9d61-0c3f1f0c8d11"],
        "TDM-",
    ),
    (
        &["plan-rows", "0197a3c2-6f1e-7cc0-9d61-0c3f1f0c8d11"],
        "TDM-",
    ),
    (&["resolve", "0197a3c2", "left"], "TDM-Y004"),
    (
        &[
            "undo",
            "--run",
            "0197a3c2-6f1e-7cc0-9d61-0c3f1f0c8d11",
            "--dry-run",
        ],
        "TDM-",
    ),
    (&["config", "4711"], "TDM-"),
    (&["config", "4711", "--back"], "TDM-"),
    (&["error", "TDM-X999"], "TDM-X999"),
    // workflows
    (&["workflow", "diff", "onbording"], "TDM-"),
    (&["workflow", "rollback", "onbording", "3"], "TDM-"),
    (&["workflow", "pause", "onbording"], "TDM-"),
    (&["workflow", "resume", "onbording"], "TDM-"),
    (&["workflow", "export", "onbording"], "TDM-"),
    (&["workflow", "run", "onbording"], "TDM-"),
    (&["workflow", "runs", "--workflow", "onbording"], "TDM-"),
    (&["workflow", "runs", "--state", "don"], "TDM-"),
    (&["workflow", "show", "0197a3c2"], "TDM-"),
    (&["workflow", "answer", "0197a3c2", "approve"], "TDM-"),
    (&["workflow", "cancel", "0197a3c2"], "TDM-"),
    (&["workflow", "replay", "0197a3c2"], "TDM-"),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_named_and_is_not_there_is_said_by_every_command() {
    let world = World::start().await;
    let _server = world.serve().await;
    world.connect_both().await;
    let mut wrong = Vec::new();
    for (command, code) in NAMING_NOTHING {
        let ran = world.run(command).await;
        let names_it = command
            .iter()
            .any(|word| !word.starts_with('-') && ran.err.contains(word));
        let near = !command
            .iter()
            .any(|word| ["peopel", "ofice"].contains(word))
            || ran.err.contains("did you mean");
        let clear = ran.code != 0 && ran.err.contains(code) && names_it && near;
        if !clear || !ran.out.is_empty() {
            wrong.push(format!(
                "tandem {}: {} {}{}",
                command.join(" "),
                ran.code,
                ran.err,
                ran.out
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
