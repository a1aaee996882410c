//! A plan as a person has it: made, read as words and as a page, kept, and carried out as it was shown.

use sandbox::{Actor, Operation, System};
use serde_json::json;

use crate::{work::people, world::World};

/// What the sandbox received from us so far.
fn received(world: &World) -> Vec<(System, Operation)> {
    let edits = world.sandbox.control().core().edits.since(0);
    edits
        .into_iter()
        .filter(|edit| edit.actor == Actor::Api)
        .map(|edit| (edit.system, edit.operation))
        .collect()
}

async fn carried_out(world: &World) {
    let page = world.write("plan.html", "");
    let plan = world
        .run(&["plan", "people", "--json", "--html", page.to_str().unwrap()])
        .await
        .json();
    assert_eq!(plan["rows"], 3, "{plan:#}");
    assert_eq!(plan["left"]["fields"]["address"], 1, "{plan:#}");
    assert_eq!(plan["right"]["fields"], json!({"country": 1}), "{plan:#}");
    let id = plan["id"].as_str().unwrap();
    let page = std::fs::read_to_string(page).unwrap();
    for shown in [
        id,
        "<!doctype html>",
        "marketing",
        "office",
        "Köln",
        "Doris",
    ] {
        assert!(page.contains(shown), "`{shown}` is not in {page}");
    }
    assert_eq!(received(world), [], "a plan writes nothing");

    // Who is to be made on the right is edited after the plan was made.
    let held = world.sandbox.control().held(System::HighLevel);
    let bernd = held.iter().find(|held| held.first_name == "Bernd").unwrap();
    world.act(
        System::HighLevel,
        "edit_contact",
        json!({"id": bernd.id, "fields": {"firstName": "Bernhard"}}),
    );
    let other = world.write(
        "other.yaml",
        &world.config_text().replace(
            "create: {left: true, right: true}",
            "create: {left: true, right: false}",
        ),
    );
    let ahead = world
        .run(&[
            "plan",
            "people",
            "--json",
            "--config",
            other.to_str().unwrap(),
        ])
        .await
        .json();
    assert_eq!(ahead["other_rules"], true, "{ahead:#}");
    assert_eq!(ahead["right"]["creates"], 0, "{ahead:#}");
    assert_eq!(ahead["left"]["creates"], 1, "{ahead:#}");
    world
        .run(&["apply-plan", ahead["id"].as_str().unwrap()])
        .await
        .refused(1, &["TDM-Y009", "not in force"]);
    world
        .run(&["apply-plan", "0197a3c2-6f1e-7cc0-9d61-0c3f1f0c8d11"])
        .await
        .refused(1, &["TDM-Y009"]);
    assert_eq!(received(world), [], "nothing of that writes anything");

    let report = world.run(&["apply-plan", id, "--json"]).await.json();
    assert_eq!(report["state"], "done", "{report:#}");
    assert_eq!(
        (&report["done"], &report["left_out"]),
        (&json!(2), &json!(1))
    );
    let mut wrote = received(world);
    wrote.sort_by_key(|(system, operation)| format!("{system:?} {operation:?}"));
    assert_eq!(
        wrote,
        [
            (System::HighLevel, Operation::Create),
            (System::HighLevel, Operation::Update),
            (System::OnOffice, Operation::Update),
        ]
    );
    let rows = world
        .run(&["plan-rows", id, "--state", "left-out", "--json"])
        .await
        .json();
    assert_eq!(rows.as_array().unwrap().len(), 1, "{rows:#}");
    assert_eq!(rows[0]["left"], bernd.id.as_str(), "{rows:#}");
    assert_eq!(rows[0]["note"], "changed since: first_name on the left");
    assert!(rows[0].get("inputs").is_none(), "{rows:#}");
    let again = world.run(&["apply-plan", id]).await;
    assert_eq!(again.code, 0, "{again:#?}");
    assert!(
        again.out.contains("2 rows are carried out, 1 left out"),
        "{again:#?}"
    );
    assert_eq!(received(world).len(), 3, "once more writes nothing more");
    let plans = world.run(&["plans", "--json"]).await.json();
    assert_eq!(plans.as_array().unwrap().len(), 2, "{plans:#}");
    assert_eq!(plans[1]["state"], "applied", "{plans:#}");
    for command in [&["plans"][..], &["plan-rows", id], &["plan", "people"]] {
        let ran = world.run(command).await;
        assert_eq!(ran.code, 0, "{ran:#?}");
        assert!(!ran.out.is_empty() && !ran.out.contains("{\""), "{ran:#?}");
    }
    // beside a page stands the whole in a few lines
    let file = world.write("short.html", "");
    let said = world
        .run(&["plan", "people", "--html", file.to_str().unwrap()])
        .await;
    assert_eq!(said.out.lines().count(), 3, "{said:#?}");
    assert!(said.out.contains("`tandem apply-plan "), "{said:#?}");
    // The sync was off and is off; what was left out is a run's.
    let status = world.run(&["status", "--json"]).await.json();
    assert_eq!(status["syncs"][0]["state"], "new", "{status:#}");
    let report = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(report["counts"]["created_right"], 1, "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_carried_out_as_it_was_shown_through_a_server() {
    let world = World::start().await;
    people(&world);
    let _server = world.serve().await;
    world.connect_both().await;
    carried_out(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_carried_out_as_it_was_shown_without_a_server() {
    let world = World::start().await;
    people(&world);
    let config = world.config();
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    world.connect_both().await;
    carried_out(&world).await;
}
