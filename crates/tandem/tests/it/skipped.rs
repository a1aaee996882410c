//! Records that a sync leaves out are listed, each with why, until they are not left out any more.

use sandbox::System;
use serde_json::{Value as Json, json};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn who_is_left_out_is_listed_with_the_reason_until_it_is_taken() {
    let world = World::start().await;
    let control = world.sandbox.control();
    let seed = |name: &str, tags: &[&str]| {
        let left = json!({"firstName": name, "lastName": "Blum",
            "email": format!("{name}@example.org"), "tags": tags});
        control.seed(System::HighLevel, &[left]).unwrap().remove(0)
    };
    let outside = [seed("anna", &[]), seed("berta", &[])];
    seed("clara", &["sync"]);
    let right = json!({"Vorname": "Dora", "Name": "Lang", "email": "dora@example.org"});
    let right = control.seed(System::OnOffice, &[right]).unwrap().remove(0);
    let config = world
        .config_text()
        .replace(
            "        create: {left: true, right: true}\n",
            "        create: {left: false, right: true}\n        scope: {left: [{field: tags, contains: sync}]}\n",
        );
    assert!(config.contains("contains: sync}]"), "{config}");
    let config = world.write("tandem.yaml", &config);
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    world.connect_both().await;
    world.run(&["sync", "people", "--json"]).await.json();

    let listed = async |more: &[&str]| -> Vec<Json> {
        let command = [&["skipped", "people", "--json"], more].concat();
        let rows = world.run(&command).await.json();
        let rows = rows.as_array().unwrap().clone();
        rows.into_iter()
            .filter(|row| row["entity"] == "contact")
            .collect()
    };
    let of = |rows: &[Json]| -> Vec<(String, String, String)> {
        let text = |row: &Json, key: &str| row[key].as_str().unwrap().to_owned();
        let mut rows: Vec<_> = rows
            .iter()
            .map(|row| {
                (
                    text(row, "connection"),
                    text(row, "record"),
                    text(row, "reason"),
                )
            })
            .collect();
        rows.sort();
        rows
    };
    let row = |connection: &str, record: &str, reason: &str| {
        (connection.to_owned(), record.to_owned(), reason.to_owned())
    };
    let all = listed(&[]).await;
    let mut expected = vec![
        row("marketing", &outside[0], "out_of_scope"),
        row("marketing", &outside[1], "out_of_scope"),
        row("office", &right, "create_off"),
    ];
    expected.sort();
    assert_eq!(of(&all), expected);
    let why = all
        .iter()
        .find(|row| row["reason"] == "create_off")
        .unwrap()["why"]
        .as_str();
    assert!(why.unwrap().contains("makes none"), "{why:?}");
    assert_eq!(
        of(&listed(&["--reason", "create_off"]).await),
        expected[2..]
    );
    assert_eq!(of(&listed(&["--limit", "0"]).await), expected);
    let shown = world.run(&["skipped", "people"]).await;
    assert!(shown.out.contains("outside the scope"), "{shown:#?}");

    // A second look changes nothing, not even since when.
    world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(listed(&[]).await, all);

    // Who comes into the scope is made, and not left out any more.
    let anna = outside[0].as_str();
    let tags = json!({"id": anna, "tags": ["sync"]});
    world.act(System::HighLevel, "add_tags", tags);
    expected.retain(|(_, record, _)| record != anna);
    for _ in 0..20 {
        // the search of HighLevel shows edits late
        world.run(&["sync", "people", "--json"]).await.json();
        if listed(&[]).await.len() == expected.len() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    assert_eq!(of(&listed(&[]).await), expected);
    let links = world.run(&["links", "people", "--json"]).await.json();
    assert!(links.to_string().contains(anna), "{links:#}");

    world
        .run(&["skipped", "peopel"])
        .await
        .refused(1, &["TDM-Y001", "did you mean `people`?"]);
    world
        .run(&["skipped", "people", "--reason", "mood"])
        .await
        .refused(1, &["TDM-S003"]);
}

/// More blocked rows than a page has come with one command, each once.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_several_pages_is_whole() {
    let world = World::start().await;
    let control = world.sandbox.control();
    let people: Vec<Json> = (0..1_203)
        .map(|number| {
            json!({"firstName": format!("Anna {number}"), "lastName": "Blum",
                "email": format!("anna{number}@example.org")})
        })
        .collect();
    control.seed(System::HighLevel, &people).unwrap();
    let config = world.config_text().replace(
        "        create: {left: true, right: true}\n",
        "        create: {left: false, right: false}\n",
    );
    let config = world.write("tandem.yaml", &config);
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    world.connect_both().await;
    world.run(&["sync", "people", "--json"]).await.json();
    let records = async |limit: &str| {
        let command = ["skipped", "people", "--limit", limit, "--json"];
        let rows = world.run(&command).await.json();
        let rows = rows.as_array().unwrap().iter();
        let mut records: Vec<String> = rows
            .filter(|row| row["entity"] == "contact")
            .map(|row| row["record"].as_str().unwrap().to_owned())
            .collect();
        let all = records.len();
        records.sort();
        records.dedup();
        assert_eq!(records.len(), all, "one came twice");
        all
    };
    assert_eq!(records("0").await, 1_203);
    assert_eq!(records("1100").await, 1_100);
    let calls = world.run(&["calls", "--limit", "0", "--json"]).await.json();
    let seen = calls.as_array().unwrap();
    let mut cursors: Vec<&str> = seen
        .iter()
        .map(|row| row["cursor"].as_str().unwrap())
        .collect();
    cursors.sort_unstable();
    cursors.dedup();
    assert_eq!(cursors.len(), seen.len());
    assert!(!seen.is_empty());
}
