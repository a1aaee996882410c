//! Bad configs: shown at their places, all at once, and nothing changes.

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_config_is_shown_at_its_places_and_changes_nothing() {
    let world = World::start().await;
    let good = world.config();
    let applied = world.run(&["apply", good.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");

    let bad = world
        .config_text()
        .replace("mode: two-way", "mode: two-ways")
        .replace("right: Geburtsdatum", "rihgt: Geburtsdatum")
        .replace("left: marketing", "left: marketng")
        .replace("listen: 127.0.0.1:0", "listen: localhost")
        .replace(
            "scheme: api_user",
            "scheme: api_user\n      secret: hunter2hunter2",
        );
    let bad = world.write("bad.yaml", &bad);
    let ran = world.run(&["apply", bad.to_str().unwrap()]).await;
    ran.refused(
        3,
        &[
            "TDM-C003",
            "`two-ways`",
            "did you mean `two-way`?",
            "TDM-C002",
            "`rihgt` is not known here",
            "TDM-C008",
            "contact.fields[6].rihgt",
            "TDM-C009",
            "did you mean `marketing`?",
            "an address with a port was expected",
            "bad.yaml:",
            "problems found (",
            "nothing was changed",
        ],
    );
    assert!(!ran.err.contains("hunter2"), "{ran:#?}");
    assert!(ran.out.is_empty());

    let status = world.run(&["status", "--json"]).await.json();
    assert_eq!(status["config"]["revision"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_yaml_and_a_missing_file_have_codes_of_their_own() {
    let world = World::start().await;
    let broken = world.write("broken.yaml", "version: 1\nsyncs: [\n");
    world
        .run(&["apply", broken.to_str().unwrap()])
        .await
        .refused(3, &["TDM-C001", "broken.yaml:"]);
    world
        .run(&["apply", "no-such.yaml"])
        .await
        .refused(3, &["TDM-C013", "no-such.yaml"]);
    // nothing was there to be put into force, so not even a database is
    assert!(!world.database().exists());
    world.run(&["status"]).await.refused(3, &["TDM-C014"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_checked_against_the_accounts_that_are_signed_in() {
    let world = World::start().await;
    let good = world.config();
    assert_eq!(world.run(&["apply", good.to_str().unwrap()]).await.code, 0);
    world.connect_both().await;

    let bad = world
        .config_text()
        .replace("right: Vorname", "right: Vornam")
        .replace(
            "- {left: companyName, right: Zusatz1}",
            "- {left: companyName, right: Zusatz1}\n          - {left: dateUpdated, right: Aenderung}",
        );
    let bad = world.write("bad.yaml", &bad);
    for arguments in [
        &["apply", bad.to_str().unwrap(), "--dry-run"][..],
        &["apply", bad.to_str().unwrap()][..],
    ] {
        world.run(arguments).await.refused(
            3,
            &[
                "TDM-C011",
                "there is no field `Vornam`",
                "did you mean `Vorname`?",
                "`dateUpdated` can only be read",
                "say `direction: to_right`",
                "bad.yaml:",
            ],
        );
    }
    let status = world.run(&["status", "--json"]).await.json();
    assert_eq!(status["config"]["revision"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn mappings_that_fight_are_refused_before_anything_changes() {
    let world = World::start().await;
    let good = world.config();
    assert_eq!(world.run(&["apply", good.to_str().unwrap()]).await.code, 0);
    world.connect_both().await;
    // one field of onOffice filled by two of HighLevel
    let bad = world.config_text().replace(
        "- {left: website, right: Homepage, policy: left_owns}",
        "- {left: website, right: Homepage, policy: left_owns}\n          - {left: source, right: Homepage, direction: to_right}",
    );
    let bad = world.write("bad.yaml", &bad);
    world.run(&["apply", bad.to_str().unwrap()]).await.refused(
        3,
        &[
            "TDM-C011",
            "`Homepage` is already written by the mapping `website`",
            "bad.yaml:",
            "nothing was changed",
        ],
    );
    let status = world.run(&["status", "--json"]).await.json();
    assert_eq!(status["config"]["revision"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn init_writes_a_config_that_is_good_and_overwrites_nothing() {
    let world = World::start().await;
    let other = ["init", "highlevel-officernd", "--out", "other.yaml"];
    for (init, file) in [
        (&["init", "highlevel-onoffice"][..], "tandem.yaml"),
        (&other, "other.yaml"),
    ] {
        let init = world.run_bare(init).await;
        assert_eq!(init.code, 0, "{init:#?}");
        let checked = world.run_bare(&["apply", file, "--dry-run"]).await;
        assert_eq!(checked.code, 0, "{checked:#?}");
    }
    world
        .run_bare(&["init", "highlevel-onoffice"])
        .await
        .refused(3, &["TDM-C013", "was not touched"]);
    let printed = world
        .run_bare(&["init", "highlevel-onoffice", "--out", "-"])
        .await;
    let written = std::fs::read_to_string(world.folder.path().join("tandem.yaml")).unwrap();
    assert_eq!(printed.out, written);
    let other = std::fs::read_to_string(world.folder.path().join("other.yaml")).unwrap();
    assert!(other.contains("tandem apply other.yaml "), "{other}");
    assert!(!other.contains("tandem.yaml"), "{other}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_gone_is_named_and_a_corrected_config_takes_over() {
    let world = World::start().await;
    let key = world.write(
        "key",
        "0000000000000000000000000000000000000000000000000000000000000000",
    );
    let text = world.config_text();
    let from_file = text
        .lines()
        .map(|line| match line.trim_start().starts_with("ed25519: ") {
            true => "      ed25519: file:key".to_owned(),
            false => line.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("\n");
    let config = world.write("tandem.yaml", &from_file);
    assert_eq!(
        world.run(&["apply", config.to_str().unwrap()]).await.code,
        0
    );

    std::fs::remove_file(key).unwrap();
    let status = world.run(&["status", "--json"]).await.json();
    assert_eq!(status["problem"]["code"], "TDM-K007", "{status:#}");
    world.run(&["serve"]).await.refused(
        4,
        &[
            "TDM-K007",
            "webhook_keys.ed25519",
            "apply a corrected config",
        ],
    );
    world
        .run(&["apply", config.to_str().unwrap()])
        .await
        .refused(4, &["TDM-K007", "the file `key` cannot be read"]);

    let good = world.config();
    assert_eq!(world.run(&["apply", good.to_str().unwrap()]).await.code, 0);
    let status = world.run(&["status", "--json"]).await.json();
    assert_eq!(status["config"]["revision"], 2, "{status:#}");
}

#[test]
fn the_demo_maps_the_same_fields_as_the_ready_pair() {
    let mapped = |text: &str| {
        let connectors: [std::sync::Arc<dyn connector::Connector>; 3] = [
            std::sync::Arc::new(highlevel::HighLevel::new()),
            std::sync::Arc::new(onoffice::OnOffice::new()),
            std::sync::Arc::new(officernd::OfficeRnD::new()),
        ];
        let systems: Vec<_> = connectors.iter().map(|system| system.describe()).collect();
        let document = server::config::read(text, &systems).unwrap();
        let contacts = &document.syncs["people"].entities[&record::Entity::Contact];
        contacts
            .fields
            .iter()
            .map(|mapping| {
                (
                    mapping.left.clone(),
                    mapping.right.clone(),
                    mapping.values.clone(),
                )
            })
            // the ready pair keeps companies in sync, and the demo those of another pair
            .filter(|(left, _, _)| {
                let only = left.as_ref().and_then(|words| words.only());
                !only.is_some_and(|word| ["companyName", "businessId"].contains(&word))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        mapped(include_str!("../../../../examples/demo.yaml")),
        mapped(include_str!("../../../../examples/highlevel-onoffice.yaml")),
    );
}
