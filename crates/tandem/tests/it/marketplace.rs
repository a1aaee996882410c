//! The signed webhook of onOffice's marketplace, from a person's save at the sandbox to a run.

use std::time::Duration;

use sandbox::System;
use serde_json::{Value as Json, json};

use crate::{
    killed::wait_until,
    webhooks::meter,
    world::{Server, World},
};

const SAVED: &str = r#"
version: 1
name: saved
title: Somebody saved a record
connections:
  desk: {system: onoffice, connection: office}
trigger:
  event: {connection: desk, trigger: marketplace.saved}
steps:
  - id: answer
    stop: {result: {saved: "{{ trigger.event }} {{ trigger.id }}", by: "{{ trigger.customerWebId }}"}}
"#;

const LONGEST: Duration = Duration::from_secs(60);

async fn runs(world: &World, server: &Server) -> Vec<Json> {
    let (_, runs) = world.api(server, "GET", "/api/v1/workflow-runs").await;
    runs.as_array().unwrap().clone()
}

/// A person saves an address, of which the vendor tells the provider who has this secret.
fn saves(world: &World, server: &Server, secret: &str, name: &str) -> String {
    let webhook = json!({"url": format!("{}/hooks/onoffice", server.url), "secret": secret});
    world.act(System::OnOffice, "set_webhook", webhook);
    let made = world.act(
        System::OnOffice,
        "create",
        json!({"fields": {"Name": name}}),
    );
    let id = &made["id"];
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_begins_a_run_if_the_provider_signed_it_and_it_is_about_this_client() {
    let world = World::start().await;
    let server = world.serve().await;
    world.connect_office().await;
    world.write("provider-secret", "providersecret");
    let config = |customer: &str| {
        world.config_text().replacen(
            "    auth:\n      scheme: api_user\n",
            &format!(
                "    webhook_keys:\n      provider_secret: file:provider-secret\n      provider_url: {}/hooks/onoffice\n      \
                 customer_web_id: \"{customer}\"\n    auth:\n      scheme: api_user\n",
                server.url
            ),
            1,
        )
    };
    let applied = async |text: &str| {
        let file = world.write("provider.yaml", text);
        let ran = world.run(&["apply", file.to_str().unwrap()]).await;
        assert_eq!(ran.code, 0, "{ran:#?}");
    };
    applied(&config("10421-7")).await;
    let file = world.write("saved.yaml", SAVED);
    let published = world
        .run(&["workflow", "publish", file.to_str().unwrap()])
        .await;
    assert_eq!(published.code, 0, "{published:#?}");

    saves(&world, &server, "somebodyelse", "Forged");
    wait_until("the refusal of a wrong signature", LONGEST, async || {
        meter(&server, "bad_signature").await >= 1.0
    })
    .await;
    assert_eq!(runs(&world, &server).await.len(), 0);

    let id = saves(&world, &server, "providersecret", "Blum");
    let mut begun = Vec::new();
    wait_until("the run of a save", LONGEST, async || {
        begun = runs(&world, &server).await;
        begun.first().is_some_and(|run| run["state"] == "done")
    })
    .await;
    assert_eq!(begun.len(), 1, "{begun:#?}");
    let (_, run) = world
        .api(
            &server,
            "GET",
            &format!("/api/v1/workflow-runs/{}", begun[0]["id"].as_str().unwrap()),
        )
        .await;
    let result = json!({"saved": format!("address.saved {id}"), "by": "10421-7"});
    assert!(
        run.to_string()
            .contains(&result["saved"].as_str().unwrap().to_owned()),
        "{run:#}"
    );
    assert_eq!(meter(&server, "accepted").await, 1.0);
    assert_eq!(meter(&server, "bad_signature").await, 1.0);

    // right, and about somebody else
    applied(&config("99999-1")).await;
    saves(&world, &server, "providersecret", "Grün");
    wait_until("the end of the webhook", LONGEST, async || {
        world
            .sandbox
            .control()
            .core()
            .deliveries
            .log()
            .iter()
            .filter(|sent| sent.event == "AddressSaved")
            .all(|sent| !sent.attempts.is_empty())
    })
    .await;
    assert_eq!(meter(&server, "accepted").await, 1.0);
    assert_eq!(runs(&world, &server).await.len(), 1);
    server.stop();
}
