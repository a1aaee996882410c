//! Signing in: the real flows, wrong credentials, other accounts, and again with new ones.

use sandbox::System;
use serde_json::json;

use crate::world::{World, browse};

async fn applied() -> World {
    let world = World::start().await;
    let config = world.config();
    let ran = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(ran.code, 0, "{ran:#?}");
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_of_signing_in_end_with_the_account_and_leave_no_secret() {
    let world = applied().await;
    assert_eq!(world.run(&["check"]).await.code, 4, "nobody signed in yet");
    world.connect_both().await;
    let checked = world.run(&["check", "--json"]).await.json();
    assert_eq!(checked[0]["connection"], "marketing");
    assert_eq!(checked[0]["account"]["missing"], json!([]));
    assert!(checked[1]["account"]["id"].is_string(), "{checked:#}");

    let calls = world.run(&["calls", "--json"]).await.json();
    assert!(calls.as_array().unwrap().len() >= 3, "{calls:#}");

    let secret = world.act(System::HighLevel, "access", json!({}))["clientSecret"]
        .as_str()
        .unwrap()
        .to_owned();
    for entry in std::fs::read_dir(world.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!found, "{} holds the client secret", path.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_works_once_and_only_for_its_connection() {
    let world = World::start().await;
    let server = world.serve().await;
    let (status, _) = world
        .api(&server, "GET", "/api/v1/connections/marketing")
        .await;
    assert_eq!(status, 200);
    let made: serde_json::Value = reqwest::Client::new()
        .post(format!(
            "{}/api/v1/connections/marketing/connect",
            server.url
        ))
        .bearer_auth(&server.token)
        .json(&json!({"fields": credentials(&world)}))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let link = made["link"].as_str().unwrap();
    let elsewhere = link.replace("/connect/marketing", "/connect/office");
    assert_eq!(browse(&elsewhere, "first").await.0, 403);
    let (status, page) = browse(link, "first").await;
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("is connected to"), "{page}");
    let (status, page) = browse(link, "first").await;
    assert_eq!(status, 403, "{page}");
}

fn credentials(world: &World) -> serde_json::Value {
    let access = world.act(System::HighLevel, "access", json!({}));
    json!({"client_id": access["clientId"], "client_secret": access["clientSecret"]})
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_change_nothing() {
    let world = applied().await;
    world.connect_office().await;
    // somebody pastes the token where the secret belongs
    let wrong = world
        .run(&[
            "connect",
            "office",
            "--field",
            "token=env:TANDEM_TEST_OO_TOKEN",
            "--field",
            "secret=env:TANDEM_TEST_OO_TOKEN",
        ])
        .await;
    wrong.refused(4, &["TDM-K002"]);
    assert_eq!(
        world.run(&["check", "office"]).await.code,
        0,
        "the old ones still work"
    );
    // and a secret on the command line is refused before it is used
    let shown = world
        .run(&["connect", "office", "--field", "token=hunter2"])
        .await;
    assert_ne!(shown.code, 0);
    assert!(!shown.err.contains("hunter2"), "{shown:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_app_is_told_and_a_new_sign_in_takes_over() {
    let world = applied().await;
    world.connect_both().await;
    // revoked tokens alone are replaced by the app's own means; not so once the app is gone
    world.act(System::HighLevel, "revoke_tokens", json!({}));
    assert_eq!(world.run(&["check", "marketing"]).await.code, 0);
    let access = world.act(System::HighLevel, "access", json!({}));
    world.act(
        System::HighLevel,
        "uninstall",
        json!({"locationId": access["mainLocationId"]}),
    );
    let checked = world.run(&["check", "marketing"]).await;
    assert_eq!(checked.code, 4, "{checked:#?}");
    let again = world.connect_marketing("first").await;
    assert_eq!(again.code, 0, "{again:#?}");
    assert!(again.out.contains("\"replaced\": true"), "{again:#?}");
    assert_eq!(world.run(&["check", "marketing"]).await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_is_refused_and_the_old_one_stays() {
    let world = applied().await;
    world.connect_both().await;
    let access = world.act(System::HighLevel, "access", json!({}));
    let main = access["mainLocationId"].as_str().unwrap();
    let other = access["locations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|location| location["id"].as_str().unwrap())
        .find(|id| *id != main)
        .unwrap();
    world
        .connect_marketing(other)
        .await
        .refused(4, &[main, other]);
    let status = world.run(&["status", "--json"]).await.json();
    assert_eq!(
        status["connections"][0]["account"]["id"], main,
        "{status:#}"
    );
    assert_eq!(world.run(&["check", "marketing"]).await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_scope_is_named() {
    let world = applied().await;
    world.connect_both().await;
    world.act(
        System::HighLevel,
        "set_scopes",
        json!({"scopes": ["contacts.readonly", "locations.readonly"]}),
    );
    let checked = world.run(&["check", "marketing"]).await;
    assert_eq!(checked.code, 4, "{checked:#?}");
    assert!(
        checked
            .out
            .contains("missing: locations/customFields.readonly, users.readonly"),
        "{checked:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_installs_the_app_and_its_token_is_exchanged_for_the_sub_accounts() {
    let world = World::start().await;
    let access = world.act(System::HighLevel, "access", json!({}));
    let main = access["mainLocationId"].as_str().unwrap();
    let by_agency = world.config_text().replace(
        "      authorize_url:",
        "      agency_install: true\n      authorize_url:",
    );
    let config = world.write("agency.yaml", &by_agency);
    assert_eq!(
        world.run(&["apply", config.to_str().unwrap()]).await.code,
        0
    );
    // The agency's token says no sub-account: which there are is told, and nothing is kept.
    world
        .connect_marketing("company")
        .await
        .refused(4, &["it is installed in", main, "location_id"]);
    assert_eq!(world.run(&["check", "marketing"]).await.code, 4);

    let with_location = by_agency.replace(
        "      agency_install: true\n",
        &format!("      agency_install: true\n      location_id: {main}\n"),
    );
    let config = world.write("agency.yaml", &with_location);
    assert_eq!(
        world.run(&["apply", config.to_str().unwrap()]).await.code,
        0
    );
    let connected = world.connect_marketing("company").await;
    assert_eq!(connected.code, 0, "{connected:#?}");
    world.connect_office().await;
    let checked = world.run(&["check", "marketing", "--json"]).await.json();
    assert_eq!(checked[0]["account"]["id"], main, "{checked:#}");
    assert_eq!(checked[0]["account"]["missing"], json!([]), "{checked:#}");

    // The token that it works with is the sub-account's, and is made anew when it ends.
    let person = json!({"firstName": "Anna", "lastName": "Blum", "email": "anna@example.org"});
    let control = world.sandbox.control();
    control.seed(System::HighLevel, &[person]).unwrap();
    world.act(System::HighLevel, "expire_tokens", json!({}));
    let run = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(run["counts"]["created_right"], 1, "{run:#}");
    world.act(System::HighLevel, "uninstall", json!({"company": true}));
    assert_eq!(world.run(&["check", "marketing"]).await.code, 4);
}
