//! `tandem catalog` and `tandem call` on the real binary.

use sandbox::System;
use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_is_found_shown_and_done_and_bad_input_is_told_before_anything_is_sent() {
    let world = World::start().await;
    let listed = world
        .run(&["catalog", "highlevel", "--search", "task", "--json"])
        .await
        .json();
    let ids: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["operation"].as_str().unwrap())
        .collect();
    assert!(
        ids.contains(&"contacts.tasks.create") && !ids.contains(&"businesses.get"),
        "{ids:?}"
    );
    let shown = world
        .run(&["catalog", "highlevel", "contacts.tasks.create"])
        .await;
    assert!(shown.out.contains("dueDate (needed)"), "{shown:#?}");
    world
        .run(&["catalog", "highlevel", "contacts.explode"])
        .await
        .refused(1, &["TDM-O001"]);

    let server = world.serve().await;
    world.connect_both().await;
    let sent = || {
        format!(
            "{:?}",
            world
                .sandbox
                .control()
                .core()
                .counts
                .totals(System::HighLevel)
        )
    };
    let before = sent();
    world
        .run(&[
            "call",
            "marketing",
            "contacts.create",
            "--input",
            "firstname=Anna",
            "--input",
            "dnd=perhaps",
        ])
        .await
        .refused(
            1,
            &[
                "TDM-O002",
                "`firstname` is not known here; did you mean `firstName`?",
                "`dnd` is text; it must be `true` or `false`",
            ],
        );
    world
        .run(&["call", "marketing", "contacts.explode"])
        .await
        .refused(1, &["TDM-O001"]);
    world
        .run(&["call", "nobody", "contacts.get"])
        .await
        .refused(4, &["TDM-K001"]);

    let words = ["--input", "firstName=Anna", "--input", "tags=one,two"];
    let create = [&["call", "marketing", "contacts.create"][..], &words].concat();
    let dry = world
        .run(&[&create[..], &["--dry-run", "--json"]].concat())
        .await
        .json();
    assert_eq!(dry["method"], "POST");
    assert!(
        dry["url"]
            .as_str()
            .unwrap()
            .ends_with("/highlevel/contacts/"),
        "{dry}"
    );
    assert_eq!(dry["body"]["tags"], json!(["one", "two"]));
    assert!(dry["body"]["locationId"].is_string(), "filled in: {dry}");
    let headers = dry["headers"].as_array().unwrap();
    assert!(
        headers.contains(&json!(["authorization", "[secret]"])),
        "{dry}"
    );
    assert!(headers.contains(&json!(["version", "2021-07-28"])), "{dry}");
    assert_eq!(sent(), before, "nothing was sent");

    let made = world.run(&create).await.json();
    let id = made["contact"]["id"].as_str().unwrap();
    let read = world
        .run(&[
            "call",
            "marketing",
            "contacts.get",
            "--input",
            &format!("contactId={id}"),
        ])
        .await
        .json();
    assert_eq!(read["contact"]["firstName"], "Anna");
    let calls = world
        .run(&["calls", "--operation", "contacts.create", "--json"])
        .await
        .json();
    assert_eq!(calls.as_array().unwrap().len(), 1, "{calls}");
    world
        .run(&[
            "call",
            "marketing",
            "contacts.get",
            "--input",
            "contactId=nobody",
        ])
        .await
        .refused(1, &["TDM-O003", "Contact not found"]);
    server.stop();
}
