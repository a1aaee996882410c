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
