//! Workflows on the real binary: from a request to an effect at the sandbox, and what a `kill -9` does not change.

use std::time::Duration;

use sandbox::System;
use serde_json::{Value as Json, json};

use crate::{
    killed::wait_until,
    world::{Server, World},
};

/// A request makes a task.
const CALL_BACK: &str = r#"
version: 1
name: call-back
title: A request makes a task
connections:
  desk: {system: onoffice, connection: office}
trigger:
  webhook: {secret: env:TANDEM_TEST_SECRET}
runs: {key: "{{ trigger.body.email }}"}
steps:
  - id: subject
    map:
      text: "Call {{ trim(trigger.body.name) }} back"
  - id: task
    operation:
      connection: desk
      operation: task.create
      input:
        data: {Art: 155, Betreff: "{{ steps.subject.text }}", Aufgabe: "{{ trigger.body.email }}"}
      look_up:
        input:
          data: [Betreff, Aufgabe]
          filter: {Aufgabe: [{op: "=", val: "{{ trigger.body.email }}"}]}
        item: {Betreff: "{{ steps.subject.text }}"}
  - id: answer
    stop: {result: {task: "{{ steps.task.records[0].id }}"}}
"#;

/// The subjects of all tasks at the sandbox.
fn tasks(world: &World) -> Vec<String> {
    let state = world.sandbox.control().dump(System::OnOffice);
    let mut subjects = Vec::new();
    collect(&state["things"], &mut subjects);
    subjects.sort();
    subjects
}

fn collect(value: &Json, subjects: &mut Vec<String>) {
    match value {
        Json::Object(members) => {
            if let Some(Json::String(subject)) = members.get("Betreff") {
                subjects.push(subject.clone());
            }
            members
                .values()
                .for_each(|member| collect(member, subjects));
        }
        Json::Array(items) => items.iter().for_each(|item| collect(item, subjects)),
        _ => {}
    }
}

/// Sends a request to a workflow.
async fn hook(world: &World, server: &Server, name: &str, event: &str, body: Json) -> (u16, Json) {
    let access = world.act(System::HighLevel, "access", json!({}));
    let response = reqwest::Client::new()
        .post(format!("{}/hooks/workflows/{name}", server.url))
        .header("x-tandem-secret", access["clientSecret"].as_str().unwrap())
        .header("idempotency-key", event)
        .json(&body)
        .send()
        .await
        .unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

/// Waits until no run has anything left to do by itself.
async fn settled(world: &World, server: &Server) -> Vec<Json> {
    settled_within(world, server, Duration::from_secs(120)).await
}

async fn settled_within(world: &World, server: &Server, longest: Duration) -> Vec<Json> {
    let mut last = Json::Null;
    wait_until("the end of all runs", longest, async || {
        let path = "/api/v1/workflow-runs?children=true&limit=1000";
        let (_, runs) = world.api(server, "GET", path).await;
        last = runs;
        last.as_array()
            .unwrap()
            .iter()
            .all(|run| !["queued", "ready", "waiting"].contains(&run["state"].as_str().unwrap()))
    })
    .await;
    last.as_array().unwrap().clone()
}

fn person(number: usize) -> Json {
    json!({"name": format!(" Person {number} "), "email": format!("p{number}@example.org")})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_begins_a_run_that_is_done_once_and_shown_step_by_step() {
    let world = World::start().await;
    let server = world.serve().await;
    world.connect_office().await;
    let file = world.write("call-back.yaml", CALL_BACK);
    let file = file.to_str().unwrap();
    let published = world
        .run(&["workflow", "publish", file, "--json"])
        .await
        .json();
    assert_eq!(published, json!({"name": "call-back", "published": 1}));

    let (status, first) = hook(&world, &server, "call-back", "e1", person(1)).await;
    assert_eq!(status, 202, "{first}");
    let (status, again) = hook(&world, &server, "call-back", "e1", person(1)).await;
    assert_eq!((status, again), (200, json!({"seen": "before"})));
    let refused = reqwest::Client::new()
        .post(format!("{}/hooks/workflows/call-back", server.url))
        .header("x-tandem-secret", "another")
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status().as_u16(), 401);

    let runs = settled(&world, &server).await;
    assert_eq!(runs.len(), 1, "{runs:#?}");
    assert_eq!(tasks(&world), ["Call Person 1 back"]);
    let id = first["run"].as_str().unwrap();
    let shown = world.run(&["workflow", "show", id, "--json"]).await.json();
    assert_eq!(shown["state"], "done", "{shown:#}");
    let steps: Vec<&str> = shown["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["step"].as_str().unwrap())
        .collect();
    assert_eq!(steps, ["subject", "task", "answer"]);
    assert!(shown["result"]["task"].is_string(), "{shown:#}");
    let listed = world.run(&["workflow", "list"]).await;
    assert!(listed.out.contains("call-back"), "{listed:#?}");
    // a draft is tried with what began a run, and writes nothing
    let words = ["workflow", "test", file, "--run", id, "--json"];
    let tried = world.run(&words).await.json();
    let sent = tried["steps"][1]["would_send"].to_string();
    assert!(sent.contains("Call Person 1 back"), "{tried:#}");
    assert_eq!(tasks(&world), ["Call Person 1 back"]);
}

/// Good, and yet it cannot run where nothing of what it needs is there.
const LACKING: &str = "
version: 1
name: lacking
trigger:
  webhook: {secret: env:TANDEM_TEST_NOT_THERE}
steps:
  - id: mail
    notify: {email: {to: a@example.org, subject: Hello, text: Hello}}
  - id: chat
    notify: {webhook: {url: env:TANDEM_TEST_NO_CHAT, text: Hello}}
";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_workflow_lacks_here_is_said_when_it_is_published() {
    let world = World::start().await;
    let server = world.serve().await;
    let file = world.write("lacking.yaml", LACKING);
    let published = world
        .run(&["workflow", "publish", file.to_str().unwrap()])
        .await;
    assert_eq!(published.code, 0, "{published:#?}");
    for said in [
        "the secret of the trigger is not there",
        "step `mail` will fail: the config names no server for e-mails",
        "step `chat` will fail: the environment has no variable `TANDEM_TEST_NO_CHAT`",
    ] {
        assert!(published.err.contains(said), "{said}: {published:#?}");
    }
    let (status, answer) = hook(&world, &server, "lacking", "e1", person(1)).await;
    assert_eq!((status, &answer["code"]), (503, &json!("TDM-K007")));

    // nobody was told where webhooks go
    let told = LACKING.replace(
        "webhook: {secret: env:TANDEM_TEST_NOT_THERE}",
        "event: {connection: marketing, trigger: contact.created}",
    );
    let file = world.write("told.yaml", &told);
    let published = world
        .run(&["workflow", "publish", file.to_str().unwrap()])
        .await;
    let said = "`contact.created` is told by webhook alone, and the config has no `public_url`";
    assert!(published.err.contains(said), "{published:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_between_the_effect_and_its_row_looks_it_up_and_does_not_repeat_it() {
    let world = World::start().await;
    let server = world.serve().await;
    world.connect_office().await;
    let file = world.write("call-back.yaml", CALL_BACK);
    let published = world
        .run(&["workflow", "publish", file.to_str().unwrap()])
        .await;
    assert_eq!(published.code, 0, "{published:#?}");
    // the task is made, and the answer never comes
    world.fault(
        json!({"system": "onoffice", "action": "create task", "count": 1,
        "fault": {"kind": "delay_answer", "ms": 60_000}}),
    );
    let (status, accepted) = hook(&world, &server, "call-back", "e1", person(1)).await;
    assert_eq!(status, 202, "{accepted}");
    wait_until("the effect", Duration::from_secs(120), async || {
        tasks(&world).len() == 1
    })
    .await;
    server.kill();

    let server = world.serve_with(&[]).await;
    let runs = settled(&world, &server).await;
    assert_eq!(runs.len(), 1, "{runs:#?}");
    assert_eq!(runs[0]["state"], "done", "{runs:#?}");
    assert_eq!(tasks(&world), ["Call Person 1 back"], "done twice");
}

/// Three kinds of effects in a row: one that is looked up, one that can be repeated, one that must not be.
const THREE_KINDS: &str = r#"
version: 1
name: three-kinds
connections:
  desk: {system: onoffice, connection: office}
trigger:
  webhook: {secret: env:TANDEM_TEST_SECRET}
runs: {at_once: 4}
steps:
  - id: parts
    for_each:
      items: ["a", "b"]
      at_once: 2
      steps:
        - id: task
          operation:
            connection: desk
            operation: task.create
            input:
              data: {Art: 155, Betreff: "{{ trigger.body.n }}{{ item }}", Aufgabe: "{{ trigger.body.n }}{{ item }}"}
            look_up:
              input:
                data: [Betreff]
                filter: {Betreff: [{op: "=", val: "{{ trigger.body.n }}{{ item }}"}]}
              item: {Betreff: "{{ trigger.body.n }}{{ item }}"}
        - id: change
          operation:
            connection: desk
            operation: task.modify
            input: {taskId: "{{ steps.task.records[0].id }}", data: {Prio: 2}}
  - id: count
    map: {tasks: "{{ steps.parts.length }}"}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_server_is_killed_in_each_event_has_its_effects_once() {
    const EVENTS: usize = 48;
    const KILLS: usize = 24;
    let world = World::start().await;
    let mut server = world.serve().await;
    world.connect_office().await;
    let file = world.write("three-kinds.yaml", THREE_KINDS);
    let published = world
        .run(&["workflow", "publish", file.to_str().unwrap()])
        .await;
    assert_eq!(published.code, 0, "{published:#?}");
    let mut sent = 0;
    // killed after a few more effects each time, with events coming in
    for more in [1, 3, 2, 5, 4, 1, 2, 6].into_iter().cycle().take(KILLS) {
        for _ in 0..EVENTS / KILLS {
            let event = format!("e{sent}");
            let body = json!({"n": format!("Event {sent:02}-")});
            let (status, answer) = hook(&world, &server, "three-kinds", &event, body).await;
            assert_eq!(status, 202, "{answer}");
            sent += 1;
        }
        let target = tasks(&world).len() + more;
        let most = sent * 2;
        wait_until("more effects", Duration::from_secs(120), async || {
            tasks(&world).len() >= target.min(most)
        })
        .await;
        server.kill();
        server = world.serve_with(&[]).await;
    }
    // what was sent again because no answer came begins nothing
    for event in 0..EVENTS {
        let body = json!({"n": format!("Event {event:02}-")});
        let name = format!("e{event}");
        let (status, _) = hook(&world, &server, "three-kinds", &name, body).await;
        assert_eq!(status, 200);
    }
    let runs = settled_within(&world, &server, Duration::from_secs(180)).await;
    let not_done: Vec<&Json> = runs.iter().filter(|run| run["state"] != "done").collect();
    assert!(not_done.is_empty(), "{not_done:#?}");
    let expected: Vec<String> = (0..EVENTS)
        .flat_map(|event| ["a", "b"].map(|part| format!("Event {event:02}-{part}")))
        .collect();
    assert_eq!(tasks(&world), expected);
}

/// What cannot be is told with its line, and nothing is published.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_told_at_its_place() {
    let world = World::start().await;
    let _server = world.serve().await;
    let broken = CALL_BACK
        .replace("task.create", "task.craete")
        .replace(
            "{{ steps.task.records[0].id }}",
            "{{ steps.tsak.records[0].id }}",
        )
        .replace(
            "key: \"{{ trigger.body.email }}\"",
            "key: \"{{ steps.task.id }}\"",
        )
        .replace(
            "  - id: answer\n",
            "  - id: ask\n    http:\n      url: https://example.org\n      timeout: 301\n      \
             headers: {x-who: \"file:{{ trigger.body.name }}\"}\n  - id: answer\n",
        );
    let file = world.write("broken.yaml", &broken);
    let words = ["workflow", "publish", file.to_str().unwrap(), "--json"];
    let ran = world.run(&words).await;
    assert_eq!(ran.code, 1, "{ran:#?}");
    let told: Json = serde_json::from_str(&ran.out).unwrap();
    let places: Vec<(&str, u64)> = told["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| {
            (
                problem["place"].as_str().unwrap(),
                problem["line"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        places,
        [
            ("runs.key", 9),
            ("steps[1].operation.operation", 17),
            ("steps[2].http.timeout", 28),
            ("steps[2].http.headers.x-who", 29),
            ("steps[3].stop.result.task", 31)
        ],
        "{told:#}"
    );
    let listed = world.run(&["workflow", "list", "--json"]).await.json();
    assert_eq!(listed, json!([]));
}

/// A request edits a person through the sync.
const MOVED: &str = r#"
version: 1
name: moved
trigger: {manual: {}}
steps:
  - id: edit
    edit:
      sync: people
      connection: office
      record: "{{ trigger.id }}"
      fields: "{{ FIELDS }}"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_edited_through_the_sync_and_what_it_refuses_fails_clearly() {
    let world = World::start().await;
    let control = world.sandbox.control();
    let left = json!({"firstName": "Anna", "lastName": "Blum", "email": "blum@example.org"});
    control.seed(System::HighLevel, &[left]).unwrap();
    let right = json!({"Vorname": "Anna", "Name": "Blum", "email": "blum@example.org"});
    control.seed(System::OnOffice, &[right]).unwrap();
    let _server = world.serve().await;
    world.connect_both().await;
    world.run(&["sync", "people", "--json"]).await.json();
    let id = control.dump(System::OnOffice)["addresses"][0]["id"].clone();
    let publish = async |fields: &str| {
        let text = MOVED.replace("\"{{ FIELDS }}\"", fields);
        let file = world.write("moved.yaml", &text);
        let file = file.to_str().unwrap().to_owned();
        world.run(&["workflow", "publish", &file]).await
    };
    let input = json!({"id": id, "city": "Potsdam"}).to_string();
    let run = async || {
        let words = ["workflow", "run", "moved", "--input", &input, "--json"];
        let ran = world.run(&words).await;
        serde_json::from_str::<Json>(&ran.out).unwrap_or_else(|_| panic!("{ran:#?}"))
    };
    let published = publish("{Ort: \"{{ trigger.city }}\"}").await;
    assert_eq!(published.code, 0, "{published:#?}");
    let done = run().await;
    assert_eq!(done["state"], "done", "{done:#}");
    for system in [System::HighLevel, System::OnOffice] {
        assert!(control.dump(system).to_string().contains("Potsdam"));
    }
    publish("{DSGVOStatus: x}").await;
    let failed = run().await;
    assert_eq!(failed["state"], "failed", "{failed:#}");
    let note = failed["note"].as_str().unwrap();
    assert!(note.contains("does not carry"), "{note}");
    let wrong = publish("{}").await;
    assert_eq!(wrong.code, 1, "{wrong:#?}");
    assert!(wrong.err.contains("no field is named"), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_workflow_is_published_for_many_places_or_for_none() {
    let world = World::start().await;
    let _server = world.serve().await;
    let text = CALL_BACK
        .replace(", connection: office}", "}\nvars: {who: nobody}")
        .replace("Call {{", "{{ vars.who }} calls {{");
    let file = world.write("call-back.yaml", &text);
    let file = file.to_str().unwrap();
    let publish = async |places: &str| {
        let places = world.write("places.yaml", places);
        let words = [
            "workflow",
            "publish",
            file,
            "--each",
            places.to_str().unwrap(),
            "--json",
        ];
        world.run(&words).await
    };
    let refused =
        publish("[{name: berlin, with: {desk: office}}, {name: bonn, with: {desk: nowhere}}]")
            .await;
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert!(refused.out.contains("nowhere"), "{refused:#?}");
    let listed = world.run(&["workflow", "list", "--json"]).await.json();
    assert_eq!(listed, json!([]));
    let published = publish(
        "[{name: berlin, with: {desk: office}, vars: {who: anna}}, {name: bonn, with: {desk: office}}]",
    )
    .await
    .json();
    assert_eq!(
        published["workflows"],
        json!([{"name": "call-back-berlin", "published": 1}, {"name": "call-back-bonn", "published": 1}])
    );
    let exported = world
        .run(&["workflow", "export", "call-back-berlin", "--json"])
        .await
        .json();
    assert_eq!(exported["vars"]["who"], "anna");
    assert_eq!(exported["connections"]["desk"]["connection"], "office");
    // what was exported is what is published, here or elsewhere
    let again = world.write("again.yaml", &exported.to_string());
    let words = ["workflow", "publish", again.to_str().unwrap(), "--draft"];
    let ran = world.run(&words).await;
    assert_eq!(ran.code, 0, "{ran:#?}");
    let words = ["workflow", "diff", "call-back-berlin", "--json"];
    assert_eq!(world.run(&words).await.json(), json!([]));
}
