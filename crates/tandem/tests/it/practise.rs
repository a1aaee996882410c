//! Practising by hand: what `init --sandbox` writes works on a sandbox as it is.

use sandbox::System;
use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_config_for_the_sandbox_works_on_it_right_away() {
    for (pair, other) in [
        ("highlevel-onoffice", System::OnOffice),
        ("highlevel-officernd", System::OfficeRnd),
    ] {
        let world = World::start().await;
        let control = world.sandbox.control();
        let member = json!({"name": "Bernd Blum", "email": "bernd@example.org"});
        let address = json!({"Vorname": "Bernd", "Name": "Blum", "email": "bernd@example.org"});
        let record = match other {
            System::OnOffice => address,
            _ => member,
        };
        control.seed(other, &[record]).unwrap();

        let sandbox = format!("--sandbox={}", world.sandbox.url());
        let init = world.run_bare(&["init", pair, &sandbox]).await;
        assert_eq!(init.code, 0, "{init:#?}");
        let written = std::fs::read_to_string(world.folder.path().join("tandem.yaml")).unwrap();
        // a test listens anywhere, and its variables have other names
        let config = written
            .replace("public_url: http://127.0.0.1:8484\n", "")
            .replace("127.0.0.1:8484", "127.0.0.1:0")
            .replace("env:HIGHLEVEL_CLIENT_", "env:TANDEM_TEST_")
            .replace("env:ONOFFICE_", "env:TANDEM_TEST_OO_");
        assert!(config.len() < written.len(), "{written}");
        // every kind of record, with what each needs
        for words in [
            "      appointment:\n",
            "      task:\n",
            "      note:\n",
            "Nothing is to be filled in",
        ] {
            assert!(written.contains(words), "{words}: {written}");
        }
        let config = world.write("tandem.yaml", &config);
        let applied = world.run(&["apply", config.to_str().unwrap()]).await;
        assert_eq!(applied.code, 0, "{applied:#?}");
        let connected = world.connect_marketing("first").await;
        assert_eq!(connected.code, 0, "{connected:#?}");
        let name = match other {
            System::OnOffice => "office",
            _ => "coworking",
        };
        let connected = world.run(&["connect", name]).await;
        assert_eq!(connected.code, 0, "{connected:#?}");
        let checked = world.run(&["check"]).await;
        assert_eq!(checked.code, 0, "{checked:#?}");
        let report = world
            .run(&["sync", "people", "--pilot", "5", "--json"])
            .await;
        assert_eq!(report.code, 0, "{report:#?}");
        let report = world.run(&["sync", "people", "--all", "--json"]).await;
        assert_eq!(report.json()["counts"]["created_left"], 1, "{report:#?}");
        // a task crosses, with all that the other side demands of one
        let links = world.run(&["links", "people", "--json"]).await.json();
        let task = json!({"kind": "task", "fields": {"contactId": links[0]["left"],
            "title": "Anrufen", "dueDate": "2027-01-15T09:00:00.000Z"}});
        world.act(System::HighLevel, "create_item", task);
        for _ in 0..2 {
            let report = world.run(&["sync", "people", "--json"]).await;
            assert_eq!(report.code, 0, "{report:#?}");
        }
        let links = world.run(&["links", "people", "--json"]).await.json();
        assert!(
            links.to_string().contains(r#""entity":"task""#),
            "{links:#}"
        );
        // with fewer kinds of records it is as good, and says of nothing else that it is to be filled in
        let kinds = match other {
            System::OnOffice => &["company", "task", "note", "appointment", "contact"][..],
            _ => &[
                "company",
                "opportunity",
                "appointment",
                "task",
                "note",
                "company,task",
            ],
        };
        for only in kinds {
            let init = ["init", pair, &sandbox, "--only", only, "--out", "-"];
            let init = world.run_bare(&init).await;
            assert_eq!(init.code, 0, "{only}: {init:#?}");
            let whole: serde_json::Value = serde_yaml_ng::from_str(&init.out).unwrap();
            let entities = whole["syncs"]["people"]["entities"].as_object().unwrap();
            let mut wanted: Vec<&str> = only.split(',').chain(["contact"]).collect();
            wanted.sort_unstable();
            wanted.dedup();
            let mut held: Vec<&str> = entities.keys().map(String::as_str).collect();
            held.sort_unstable();
            assert_eq!(held, wanted, "{}", init.out);
            let lacks = |words: &str, kind: &str| {
                let there = init.out.contains(words);
                assert_eq!(
                    there,
                    wanted.contains(&kind),
                    "{words} of {only}: {}",
                    init.out
                );
            };
            lacks("calendar: ", "appointment");
            lacks("task_due_days: ", "task");
            let config = init
                .out
                .replace("public_url: http://127.0.0.1:8484\n", "")
                .replace("127.0.0.1:8484", "127.0.0.1:0")
                .replace("env:HIGHLEVEL_CLIENT_", "env:TANDEM_TEST_")
                .replace("env:ONOFFICE_", "env:TANDEM_TEST_OO_");
            let config = world.write("narrow.yaml", &config);
            let applied = world.run(&["apply", config.to_str().unwrap()]).await;
            assert_eq!(
                (applied.code, &*applied.err),
                (0, ""),
                "{only}: {applied:#?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_sandbox_there_is_nothing_to_write() {
    let world = World::start().await;
    let url = world.sandbox.url();
    world.end_sandbox().await;
    let init = world
        .run_bare(&["init", "highlevel-onoffice", &format!("--sandbox={url}")])
        .await;
    init.refused(1, &["no sandbox answers at", "`tandem sandbox`"]);
    assert!(!world.folder.path().join("tandem.yaml").exists());
}
