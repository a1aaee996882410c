//! `tandem probe` on the real binary: through a server and without one, and its report.

use sandbox::{Actor, Operation, System};
use serde_json::json;

use crate::world::World;

/// Records that API clients made and did not delete.
fn remain(world: &World) -> Vec<String> {
    let edits = world.sandbox.control().core().edits.since(0);
    let by_api = |operation| {
        edits
            .iter()
            .filter(move |edit| edit.actor == Actor::Api && edit.operation == operation)
    };
    by_api(Operation::Create)
        .filter(|made| by_api(Operation::Delete).all(|gone| gone.id != made.id))
        .map(|made| made.id.to_string())
        .collect()
}

fn turn(world: &World, switch: &str, value: serde_json::Value) {
    let control = world.sandbox.control();
    control.core().switches.set(switch, &value).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_account_is_asked_through_a_server_and_the_report_names_the_switches() {
    let world = World::start().await;
    let server = world.serve().await;
    world.connect_both().await;
    world.act(
        System::HighLevel,
        "configure_app",
        json!({"webhookUrl": format!("{}/hooks/highlevel", server.url)}),
    );
    turn(&world, "highlevel.tags_lowercased", json!(true));
    // else the first listing of the sync could still show what the probe removed
    turn(&world, "highlevel.search_lag_ms", json!(0));

    let listed = world.run(&["probe", "marketing", "--list"]).await;
    assert!(listed.out.contains("throttling"), "{listed:#?}");
    world
        .run(&["probe", "marketing"])
        .await
        .refused(1, &["TDM-S003", "--yes"]);
    world
        .run(&["probe", "marketing", "--only", "nonsense", "--yes"])
        .await
        .refused(1, &["TDM-S003", "there is no probe `nonsense`"]);

    let report = world
        .run(&[
            "probe",
            "marketing",
            "--yes",
            "--only",
            "tag_case,own_webhooks",
            "--report",
            "probe.md",
            "--json",
        ])
        .await
        .json();
    assert_eq!(report["left"], json!([]), "{report:#}");
    assert_eq!(report["removed"], 1, "{report:#}");
    let facts = report["facts"].as_array().unwrap();
    assert_eq!(facts.len(), 2, "{report:#}");
    assert_eq!(
        facts[0]["switches"],
        json!({"highlevel.tags_lowercased": true})
    );
    assert_eq!(
        facts[1]["switches"],
        json!({
            "highlevel.api_write_webhooks": true,
            "highlevel.webhook_delivery_id": true,
            "highlevel.webhook_envelope": "flat",
            "highlevel.webhook_signature": "ed25519",
        }),
        "a real webhook came in: {report:#}"
    );
    // each switch of the system is spoken of, whether it was asked about or not
    let registry = sandbox::Switches::registry();
    let of_system = registry
        .iter()
        .filter(|switch| switch.system == System::HighLevel);
    let standing = |name: &str| {
        let mut rows = report["switches"].as_array().unwrap().iter();
        let row = rows.find(|row| row["switch"] == name);
        row.unwrap_or_else(|| panic!("{name} is not spoken of"))
    };
    for switch in of_system {
        let row = standing(switch.name);
        let reasoned = row["why"].as_str().is_some_and(|why| !why.is_empty());
        assert_ne!(row["value"].is_null(), !reasoned, "{row}");
    }
    assert_eq!(standing("highlevel.tags_lowercased")["stands"], "turned");
    assert_eq!(standing("highlevel.webhook_envelope")["stands"], "as_it_is");
    assert_eq!(
        standing("highlevel.put_tags")["why"],
        "not asked in this run"
    );
    assert_eq!(
        standing("highlevel.merge_webhooks")["stands"],
        "beyond_asking"
    );
    let written = std::fs::read_to_string(world.folder.path().join("probe.md")).unwrap();
    for words in [
        "which is not the vendor's own address",
        "* Match as they are: `highlevel.api_write_webhooks`",
        "* To be turned: `highlevel.tags_lowercased` to `true`",
        "* Not settled: `highlevel.put_tags`, which `tags_in_update` asks: not asked in this run",
        "* Beyond asking: `highlevel.merge_webhooks`: only people merge contacts",
        "turn `highlevel.tags_lowercased` to `true` (it is `false` by itself)",
        "`highlevel.api_write_webhooks` matches as it is",
        "Are tags stored as typed",
    ] {
        assert!(written.contains(words), "`{words}` is not in {written}");
    }
    assert_eq!(remain(&world), [""; 0]);
    // every call stands in the log under the mark, and the mark is on what was made
    let mark = report["marker"].as_str().unwrap();
    let calls = world
        .run(&["calls", "--cause", mark, "--json"])
        .await
        .json();
    let writes = |rows: &serde_json::Value| {
        rows.as_array()
            .unwrap()
            .iter()
            .filter(|row| row["write"] == true)
            .count()
    };
    assert_eq!(writes(&calls), 3, "create, change, delete: {calls:#}");

    // a sync that is at work would carry on what a probe makes
    assert_eq!(world.run(&["sync", "people"]).await.code, 0);
    let only = ["probe", "marketing", "--yes", "--only", "tag_case"];
    world
        .run(&only)
        .await
        .refused(1, &["TDM-Y008", "`people` is at work"]);
    let reads = ["probe", "marketing", "--yes", "--only", "limit_headers"];
    assert_eq!(world.run(&reads).await.code, 0);
    assert_eq!(world.run(&["pause", "people"]).await.code, 0);
    assert_eq!(world.run(&only).await.code, 0);
    assert_eq!(remain(&world), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_webhooks_are_said_to_be_out_of_reach_and_ctrl_c_cleans_up() {
    let world = World::start().await;
    let config = world.config();
    assert_eq!(
        world.run(&["apply", config.to_str().unwrap()]).await.code,
        0
    );
    world.connect_both().await;
    let ran = world
        .run(&["probe", "marketing", "--yes", "--only", "own_webhooks"])
        .await;
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(ran.out.contains("while `tandem serve` runs"), "{ran:#?}");

    // an address can only be archived, and that is said with its id
    let ran = world
        .run(&["probe", "office", "--yes", "--only", "too_long"])
        .await;
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(
        ran.out.contains("Left: contact 1001: it is archived"),
        "{ran:#?}"
    );

    // slow enough to be interrupted in the middle
    turn(&world, "highlevel.search_lag_ms", json!(600_000));
    let before = world.sandbox.control().core().edits.last_sequence();
    let child = world.spawn(&["probe", "marketing", "--yes", "--only", "search_lag"]);
    while world.sandbox.control().core().edits.last_sequence() == before {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let pid = child.id().to_string();
    let interrupted = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .unwrap();
    assert!(interrupted.success());
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    let out = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(ended.status.code(), Some(130), "{out}");
    assert!(out.contains("whatever else was made: 1."), "{out}");
    let edits = world.sandbox.control().core().edits.since(before);
    let kinds: Vec<_> = edits.iter().map(|edit| edit.operation).collect();
    assert_eq!(kinds, [Operation::Create, Operation::Delete]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_sync_a_scope_that_is_missing_is_named_and_the_summary_agrees() {
    let world = World::start().await;
    let url = world.sandbox.url();
    let config = format!(
        "version: 1
connections:
  coworking:
    system: officernd
    base_url: {url}/officernd
    allow_private_addresses: true
    auth:
      scheme: client_credentials
"
    );
    let config = world.write("alone.yaml", &config);
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    world.connect_coworking().await;
    let tokens = || {
        let counts = world.sandbox.control().core().counts.all();
        let routes = counts[&System::OfficeRnd].routes.iter();
        let of_tokens = routes.filter(|route| route.route == "/oauth/token");
        of_tokens.map(|route| route.count).sum::<u64>()
    };
    let before = tokens();
    let ran = world.run(&["probe", "coworking", "--yes"]).await;
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert_eq!(tokens(), before);
    let missing = "not asked: the scope flex.community.members.read is missing: grant it";
    assert!(ran.err.contains(missing), "{}", ran.err);
    assert!(!ran.err.contains("failed"), "{}", ran.err);
    for words in [
        "Seen (not asked): the scope flex.community.members.read is missing",
        &format!("* Not settled: `officernd.broken_id`, which `broken_id` asks: {missing}"),
        "* Match as they are: `officernd.missing_scope`",
        "Removed again, of records and whatever else was made: 1.",
    ] {
        assert!(ran.out.contains(words), "`{words}` is not in {}", ran.out);
    }
    assert!(!ran.out.contains("asks: settled"), "{}", ran.out);
    assert_eq!(remain(&world), [""; 0]);
    let ran = world
        .run(&["probe", "coworking", "--yes", "--only", "broken_id"])
        .await;
    assert!(ran.out.contains("Nothing was made"), "{ran:#?}");
}
