//! Plan, sync and the commands that look at what was done: the same through a server and without one.

use sandbox::{Actor, System};
use serde_json::{Value as Json, json};

use crate::world::World;

pub(crate) fn people(world: &World) {
    let control = world.sandbox.control();
    let contact = |first: &str, last: &str, mail: &str| json!({"firstName": first, "lastName": last, "email": mail, "country": "DE"});
    control
        .seed(
            System::HighLevel,
            &[
                contact("Anna", "Blum", "anna.blum@example.org"),
                contact("Bernd", "Cramer", "bernd@example.org"),
            ],
        )
        .unwrap();
    control
        .seed(
            System::OnOffice,
            &[
                json!({"Vorname": "Anna", "Name": "Blum", "email": "Anna.Blum@example.org", "Ort": "Köln"}),
                json!({"Vorname": "Doris", "Name": "Ehm", "email": "doris@example.org"}),
            ],
        )
        .unwrap();
}

/// Everything from plan to explain; how the commands find the database is the caller's.
async fn all_of_it(world: &World) {
    let plan = world.run(&["plan", "people", "--json"]).await.json();
    assert_eq!(plan["left"]["creates"], 1, "{plan:#}");
    assert_eq!(plan["right"]["creates"], 1, "{plan:#}");
    let shown = world.run(&["plan", "people"]).await;
    assert!(shown.out.contains("1 pairs would be linked"), "{shown:#?}");
    assert!(shown.out.contains("Nothing was written"), "{shown:#?}");
    assert_eq!(
        world.run(&["links", "people", "--json"]).await.json(),
        json!([])
    );

    let report = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(report["state"], "done", "{report:#}");
    assert_eq!(report["counts"]["created_left"], 1, "{report:#}");
    assert_eq!(report["counts"]["created_right"], 1, "{report:#}");

    let links = world.run(&["links", "people", "--json"]).await.json();
    let links = links.as_array().unwrap();
    assert_eq!(links.len(), 3, "{links:#?}");
    assert_eq!(
        world
            .run(&["links", "people", "--limit", "2", "--json"])
            .await
            .json(),
        json!(links[..2]),
    );
    let anna = links
        .iter()
        .find(|link| link["how"].as_str().unwrap().contains("e-mail"))
        .unwrap();
    let explained = world
        .run(&[
            "explain",
            "marketing",
            "contact",
            anna["left"].as_str().unwrap(),
            "--json",
        ])
        .await
        .json();
    assert_eq!(
        explained["links"][0]["other_record"], anna["right"],
        "{explained:#}"
    );
    assert!(
        !explained["fields"].as_array().unwrap().is_empty(),
        "{explained:#}"
    );

    let runs = world.run(&["runs", "--json"]).await.json();
    assert_eq!(runs[0]["state"], "done", "{runs:#}");
    // The run can be taken back: shown first, and done only when somebody says so.
    let run = runs[0]["id"].as_str().unwrap();
    let shown = world.run(&["undo", "--run", run, "--dry-run"]).await;
    assert!(shown.out.contains("2 records removed"), "{shown:#?}");
    world
        .run(&["undo", "--run", run])
        .await
        .refused(1, &["nothing was undone", "--yes"]);
    world
        .run(&["undo"])
        .await
        .refused(1, &["TDM-S003", "`run`"]);
    let journal = world.run(&["journal", "--json"]).await.json();
    let created = |rows: &Json| {
        rows.as_array()
            .unwrap()
            .iter()
            .filter(|row| row["effect"] == "created")
            .count()
    };
    assert_eq!(created(&journal), 2, "{journal:#}");
    let creates = world
        .run(&["calls", "--operation", "create", "--json"])
        .await
        .json();
    assert!(!creates.as_array().unwrap().is_empty(), "{creates:#}");
    for call in creates.as_array().unwrap() {
        assert_eq!(call["write"], true, "{call:#}");
        assert!(!call.to_string().contains("example.org"), "{call:#}");
    }
    // people read tables, and nothing of what they show is JSON
    for command in [
        &["status"][..],
        &["links", "people"],
        &["journal"],
        &["runs"],
        &["calls"],
    ] {
        let ran = world.run(command).await;
        assert_eq!(ran.code, 0, "{ran:#?}");
        assert!(!ran.out.is_empty() && !ran.out.contains("{\""), "{ran:#?}");
    }
    let status = world.run(&["status", "--json"]).await.json();
    assert_eq!(status["syncs"][0]["state"], "running", "{status:#}");
    assert_eq!(status["links"]["people"], 3, "{status:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn from_plan_to_explain_through_a_server() {
    let world = World::start().await;
    people(&world);
    let _server = world.serve().await;
    world.connect_both().await;
    all_of_it(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_plan_to_explain_without_a_server() {
    let world = World::start().await;
    people(&world);
    let config = world.config();
    assert_eq!(
        world.run(&["apply", config.to_str().unwrap()]).await.code,
        0
    );
    world.connect_both().await;
    all_of_it(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_sync_shows_bars_where_a_person_looks_on_and_nowhere_else() {
    let world = World::start().await;
    people(&world);
    let _server = world.serve().await;
    world.connect_both().await;
    let piped = world.run(&["sync", "people"]).await;
    assert_eq!(piped.code, 0, "{piped:#?}");
    assert_eq!(piped.err, "", "a log that nobody looks at has no bars");
    // more people, so that there is something to do again
    let control = world.sandbox.control();
    for number in 0..6 {
        let new = json!({"Vorname": "Emil", "Name": format!("Kern{number}"), "email": format!("{number}@kern.example")});
        control.seed(System::OnOffice, &[new]).unwrap();
    }
    // One side is listed, and the other makes it wait; then a create takes its time: however quick the machine is, there is
    // something to be seen of both.
    for (path, count) in [("/contacts/search", 2), ("/contacts/", 6)] {
        world.fault(
            json!({"system": "highlevel", "method": "POST", "path": path, "count": count,
            "fault": {"kind": "delay", "ms": 1500}}),
        );
    }
    let shown = world.run_in_terminal(&["sync", "people"]).await;
    assert_eq!(shown.code, 0, "{shown:#?}");
    // a bar of thirty, how many of how many, and what is being done
    let drawn = |phase: &str| {
        let lines = shown.out.split(['\r', '\n', '\u{1b}']);
        lines.into_iter().any(|line| {
            let is_bar = line.contains('█') || line.contains('░');
            let counted = line.split_whitespace().any(|word| {
                let (done, all) = word.split_once('/').unwrap_or_default();
                let (done, all) = (done.parse::<u64>(), all.parse::<u64>());
                matches!((done, all), (Ok(done), Ok(all)) if done <= all && all > 0)
            });
            is_bar && counted && line.contains(phase)
        })
    };
    assert!(drawn("listing"), "{shown:#?}");
    assert!(drawn("syncing"), "{shown:#?}");
    assert!(!shown.out.contains("0/0"), "a bar of nothing: {shown:#?}");
    let last = shown.out.trim_end().lines().last().unwrap_or_default();
    assert!(!last.contains('█'), "the bar is gone at the end: {last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_only_previews_writes_nothing_whatever_is_asked() {
    let world = World::start().await;
    people(&world);
    let text = world
        .config_text()
        .replace("mode: two-way", "mode: preview");
    let config = world.write("tandem.yaml", &text);
    assert_eq!(
        world.run(&["apply", config.to_str().unwrap()]).await.code,
        0
    );
    world.connect_both().await;
    let plan = world.run(&["plan", "people", "--json"]).await.json();
    assert_eq!(plan["right"]["creates"], 1, "{plan:#}");
    let ran = world.run(&["sync", "people"]).await;
    assert_eq!(ran.code, 1, "{ran:#?}");
    // judged by what reached the systems, not by what we say of it
    let edits = world.sandbox.control().core().edits.since(0);
    assert_eq!(edits.len(), 4, "the seed");
    assert!(
        edits.iter().all(|edit| edit.actor == Actor::Seed),
        "{edits:#?}"
    );
}
