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
    // what people want to know comes first, and what no sync needs is counted
    let said = world.run(&["check"]).await.out;
    assert!(said.lines().count() < 16, "{said}");
    assert_eq!(
        said.matches("all that your syncs need is there").count(),
        2,
        "{said}"
    );
    assert!(said.contains("; --all lists them"), "{said}");
    let said = world.run(&["check", "--all"]).await.out;
    assert!(said.contains("  without calendars"), "{said}");
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
async fn a_secret_that_is_not_there_is_told_before_anybody_is_sent_to_sign_in() {
    let world = World::start().await;
    let text = world.config_text().replace(
        "      scheme: oauth\n",
        "      scheme: oauth\n      client_id: env:TANDEM_TEST_NOT_THERE\n      client_secret: env:TANDEM_TEST_SECRET\n",
    );
    let config = world.write("tandem.yaml", &text);
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    let connect = world.run(&["connect", "marketing"]).await;
    connect.refused(
        4,
        &[
            "TDM-K007",
            "TANDEM_TEST_NOT_THERE",
            "where this command runs",
        ],
    );
    assert_eq!(connect.out, "", "no link");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_a_vendor_takes_is_said_to_be_registered() {
    let world = applied().await;
    let connected = world.connect_marketing("first").await;
    let said = connected.err;
    assert!(
        said.contains("on a real account set `public_url`"),
        "{said}"
    );
    // webhooks go to apps, and a token that is pasted belongs to none
    let world = World::start().await;
    let access = world.act(System::HighLevel, "access", json!({}));
    world.write("token", access["privateToken"].as_str().unwrap());
    let location = access["mainLocationId"].as_str().unwrap();
    let text = world
        .config_text()
        .replace(
            "      scheme: oauth\n",
            "      scheme: private_token\n      token: file:token\n",
        )
        .replace(
            "      authorize_url:",
            &format!("      location_id: {location}\n      authorize_url:"),
        );
    let config = world.write("tandem.yaml", &text);
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    let connected = world.run(&["connect", "marketing"]).await;
    assert_eq!(connected.code, 0, "{connected:#?}");
    assert!(!connected.err.contains("to register"), "{connected:#?}");
    // what the config refers to is another token by now: the one that was signed in with goes on until somebody connects
    let differs = "its `token` in the config is not the one that it is signed in with; `tandem connect marketing` takes it";
    let status = world.run(&["status"]).await;
    assert!(!status.out.contains(differs), "{status:#?}");
    world.write("token", "pit-another");
    let status = world.run(&["status"]).await;
    assert!(status.out.contains(differs), "{status:#?}");
    assert!(!status.out.contains("pit-"), "{status:#?}");
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
    // the same of an app's secret, which the vendor looks at only when somebody has agreed
    let connected = world.connect_marketing("first").await;
    assert_eq!(connected.code, 0, "{connected:#?}");
    let server = world.serve_with(&[]).await;
    let mut fields = credentials(&world);
    fields["client_secret"] = json!("7f5c0000-0000-4000-8000-000000000000");
    let begun = reqwest::Client::new()
        .post(format!(
            "{}/api/v1/connections/marketing/connect",
            server.url
        ))
        .bearer_auth(&server.token)
        .json(&json!({"fields": fields}))
        .send()
        .await
        .unwrap();
    let begun: serde_json::Value = begun.json().await.unwrap();
    let (status, page) = browse(begun["link"].as_str().unwrap(), "first").await;
    assert!(status >= 400, "{page}");
    assert!(page.contains("Not connected"), "{page}");
    assert!(!page.contains("7f5c0000"), "{page}");
    assert_eq!(
        world.run(&["check", "marketing"]).await.code,
        0,
        "the old ones still work"
    );
    assert_eq!(server.stop(), 0);
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
    for words in ["TDM-K00", "`tandem connect marketing`"] {
        assert!(checked.out.contains(words), "{checked:#?}");
    }
    world
        .run(&["sync", "people"])
        .await
        .refused(4, &["`tandem connect marketing`"]);
    let edits = world.sandbox.control().core().edits.last_sequence();
    assert_eq!(edits, 0, "nothing is half done");
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
    // those are for reading names and custom fields: everything else crosses
    for words in [
        "without users.readonly:\n    people/contact: owners show as ids without names\n",
        "people/contact: custom fields are left out, and mappings to them are paused\n",
    ] {
        assert!(checked.out.contains(words), "{words}: {checked:#?}");
    }
    assert!(!checked.out.contains("not written"), "{checked:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_an_api_user_lacks_is_named_before_anything_is_written() {
    let world = applied().await;
    let person = json!({"Vorname": "Anna", "Name": "Blum", "email": "anna@example.org"});
    let control = world.sandbox.control();
    control.seed(System::OnOffice, &[person]).unwrap();
    world.connect_both().await;
    world.act(
        System::OnOffice,
        "set_rights",
        json!({"address_write": "none"}),
    );
    let checked = world.run(&["check", "office"]).await;
    assert_eq!(checked.code, 4, "{checked:#?}");
    assert!(
        checked
            .out
            .contains("missing: the right of the API user to change Adressen"),
        "{checked:#?}"
    );
    world.act(System::OnOffice, "set_rights", json!({}));
    assert_eq!(world.run(&["check", "office"]).await.code, 0);
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

#[tokio::test(flavor = "multi_thread")]
async fn one_sign_in_of_an_agency_connects_all_its_sub_accounts_and_follows_what_it_installs() {
    let world = World::start().await;
    let access = world.act(System::HighLevel, "access", json!({}));
    let main = access["mainLocationId"].as_str().unwrap().to_owned();
    let made = |name: &str| {
        let made = world.act(System::HighLevel, "create_location", json!({"name": name}));
        made["id"].as_str().unwrap().to_owned()
    };
    let (second, third) = (made("Büro Süd"), made("Büro West"));
    let text = world.config_text().replace(
        "      authorize_url:",
        &format!("      agency_install: true\n      location_id: {main}\n      authorize_url:"),
    );
    let marketing = text
        .split_once("  marketing:\n")
        .and_then(|(_, rest)| rest.split_once("\n  office:"))
        .map(|(part, _)| {
            let part = part.replace(&main, "${account}");
            part.lines()
                .fold(String::new(), |all, line| all + "    " + line + "\n")
        })
        .unwrap();
    let with_rows = |rows: &[(&str, &str)]| {
        let rows: String = rows
            .iter()
            .map(|(name, account)| format!("      - {{name: {name}, account: \"{account}\"}}\n"))
            .collect();
        format!(
            "{text}\ntemplates:\n  branches:\n    for:\n{rows}    connections:\n      ${{name}}:\n{marketing}"
        )
    };
    let config = world.write("agency.yaml", &with_rows(&[("second", &second)]));
    let ran = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(ran.code, 0, "{ran:#?}");

    // one sign-in, and both are connected
    let connected = world.connect_marketing("company").await;
    assert_eq!(connected.code, 0, "{connected:#?}");
    assert!(connected.out.contains("\"beside\""), "{connected:#?}");
    for (name, account) in [("marketing", &main), ("second", &second)] {
        let checked = world.run(&["check", name, "--json"]).await.json();
        assert_eq!(checked[0]["account"]["id"], json!(account), "{checked:#}");
    }
    // what there is beside them, ready to be written into the config
    let rows = world.run(&["accounts", "second", "--rows"]).await;
    assert_eq!(rows.code, 0, "{rows:#?}");
    let row = format!("- {{name: buero-west, account: \"{third}\"}}\n");
    assert!(
        rows.out.contains(&row) && !rows.out.contains(&second),
        "{rows:#?}"
    );

    // the agency takes the app out of one of them: told by webhook, and only that one stops
    let key = world.act(System::HighLevel, "access", json!({}));
    let server = world
        .serve_with(&["--config", config.to_str().unwrap()])
        .await;
    world.act(
        System::HighLevel,
        "configure_app",
        json!({"clientId": key["clientId"], "webhookUrl": format!("{}/hooks/highlevel", server.url)}),
    );
    let of_agency = |id: &str| json!({"locationId": id, "agency": true});
    world.act(System::HighLevel, "uninstall", of_agency(&second));
    until(&world, &server, "second", "needs_sign_in").await;
    let (_, shown) = world
        .api(&server, "GET", "/api/v1/connections/marketing")
        .await;
    assert_eq!(shown["health"]["state"], "ok", "{shown:#}");
    // and lets it in again: nobody has to sign in
    world.act(System::HighLevel, "install", of_agency(&second));
    until(&world, &server, "second", "ok").await;

    // the whole agency goes: all stop, by the one message that names none of them
    world.act(System::HighLevel, "uninstall", json!({"company": true}));
    until(&world, &server, "second", "needs_sign_in").await;
    until(&world, &server, "marketing", "needs_sign_in").await;
    assert_eq!(server.stop(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_added_for_an_agencys_sub_account_is_connected_without_a_person() {
    let world = World::start().await;
    let access = world.act(System::HighLevel, "access", json!({}));
    let main = access["mainLocationId"].as_str().unwrap().to_owned();
    let text = world.config_text().replace(
        "      scheme: oauth\n",
        "      scheme: oauth\n      client_id: env:TANDEM_TEST_ID\n      client_secret: env:TANDEM_TEST_SECRET\n",
    );
    let text = text.replace(
        "      authorize_url:",
        &format!("      agency_install: true\n      location_id: {main}\n      authorize_url:"),
    );
    let config = world.write("agency.yaml", &text);
    let ran = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(ran.code, 0, "{ran:#?}");
    let connected = world.connect_marketing("company").await;
    assert_eq!(connected.code, 0, "{connected:#?}");
    // made later; the agency's installation takes it in
    let made = world.act(
        System::HighLevel,
        "create_location",
        json!({"name": "West"}),
    );
    let west = made["id"].as_str().unwrap();
    let covered = json!({"locationId": west, "agency": true});
    world.act(System::HighLevel, "install", covered);
    let begin = text.find("  marketing:\n").unwrap();
    let end = text.find("\n  office:").unwrap();
    let another = text[begin..end]
        .replace("  marketing:\n", "  west:\n")
        .replace(&main, west);
    let config = world.write(
        "agency.yaml",
        &format!("{}\n{another}{}", &text[..end], &text[end..]),
    );
    let ran = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(ran.code, 0, "{ran:#?}");
    // nobody opens a browser
    let connected = world.run(&["connect", "west"]).await;
    assert_eq!(connected.code, 0, "{connected:#?}");
    assert!(
        connected.out.contains("west is connected to West"),
        "{connected:#?}"
    );
    // the agency's own refresh token was not spent by it: both go on when their tokens end
    world.act(System::HighLevel, "expire_tokens", json!({}));
    assert_eq!(world.run(&["check", "marketing"]).await.code, 0);
    assert_eq!(world.run(&["check", "west"]).await.code, 0);
}

/// Until a connection is as said.
async fn until(world: &World, server: &crate::world::Server, name: &str, state: &str) {
    let path = format!("/api/v1/connections/{name}");
    let mut last = json!(null);
    for _ in 0..150 {
        last = world.api(server, "GET", &path).await.1;
        if last["health"]["state"] == state {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{name} is not {state}: {last:#}");
}
