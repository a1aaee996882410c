//! What writes of tasks and notes take, and how reads show it.

use serde_json::{Value, json};

use super::client::{Answer, Client};

/// A contact, and where its tasks are.
async fn tasks(client: &Client) -> String {
    let id = client.create(json!({"firstName": "Ann"})).await;
    format!("/contacts/{id}/tasks")
}

fn task(due: &str) -> Value {
    json!({"title": "Call", "dueDate": due, "completed": false})
}

fn refused(answer: &Answer, message: &str) {
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert_eq!(answer.body["message"], json!([message]));
}

const DATE: &str = "dueDate must be a valid ISO 8601 date string";

#[tokio::test]
async fn due() {
    let client = Client::quiet(&[]);
    let place = tasks(&client).await;
    // with milliseconds out, without them in
    let made = client.post(&place, task("2026-03-02T12:00:00Z")).await;
    assert_eq!(made.status, 201);
    let shown = &made.body["task"];
    assert_eq!(shown["dueDate"], "2026-03-02T12:00:00.000Z");
    let own = format!("{place}/{}", shown["id"].as_str().unwrap());
    let read = client.get(&own).await;
    assert_eq!(read.body["task"]["dueDate"], "2026-03-02T12:00:00.000Z");
    let later = json!({"dueDate": "2026-03-02T14:30:00+01:00"});
    let changed = client.put(&own, later).await;
    assert_eq!(changed.body["task"]["dueDate"], "2026-03-02T13:30:00.000Z");

    let precise = "2026-03-03T12:00:00.000Z";
    refused(&client.put(&own, json!({"dueDate": precise})).await, DATE);
    refused(&client.post(&place, task(precise)).await, DATE);
    for none in ["", "tomorrow", "2026-03-03", "2026-03-03 12:00:00"] {
        refused(&client.post(&place, task(none)).await, DATE);
    }
    let read = client.get(&own).await;
    assert_eq!(
        read.body["task"]["dueDate"], "2026-03-02T13:30:00.000Z",
        "a refused write changes nothing"
    );

    client.turn("highlevel.task_due_fractions", "refuse_update");
    refused(&client.put(&own, json!({"dueDate": precise})).await, DATE);
    assert_eq!(client.post(&place, task(precise)).await.status, 201);
    client.turn("highlevel.task_due_fractions", "keep");
    let changed = client.put(&own, json!({"dueDate": precise})).await;
    assert_eq!(changed.body["task"]["dueDate"], precise);
}

#[tokio::test]
async fn assignee() {
    let client = Client::quiet(&[]);
    let place = tasks(&client).await;
    let mut given = task("2026-03-02T12:00:00Z");
    given["assignedTo"] = json!("nobodyOfThisLocation");
    refused(
        &client.post(&place, given.clone()).await,
        "assignedTo must be a user of this location",
    );
    client.turn("highlevel.unknown_assignee", "keep");
    let kept = client.post(&place, given).await;
    assert_eq!(kept.body["task"]["assignedTo"], "nobodyOfThisLocation");
    // nobody is nobody, and the author of a note was seen to be anything
    client.turn("highlevel.unknown_assignee", "refuse");
    let own = format!("{place}/{}", kept.body["task"]["id"].as_str().unwrap());
    let cleared = client.put(&own, json!({"assignedTo": ""})).await;
    assert_eq!(cleared.status, 200);
    let notes = place.replace("/tasks", "/notes");
    let note = json!({"body": "Called", "userId": client.location});
    assert_eq!(client.post(&notes, note).await.status, 201);
}

#[tokio::test]
async fn empty_text() {
    let client = Client::quiet(&[]);
    let place = tasks(&client).await;
    let notes = place.replace("/tasks", "/notes");
    let mut untitled = task("2026-03-02T12:00:00Z");
    untitled["title"] = json!(" ");
    refused(
        &client.post(&place, untitled.clone()).await,
        "title should not be empty",
    );
    refused(
        &client.post(&notes, json!({"body": ""})).await,
        "body should not be empty",
    );
    // what is not required may be empty
    let mut bare = task("2026-03-02T12:00:00Z");
    bare["body"] = json!("");
    assert_eq!(client.post(&place, bare).await.status, 201);
    client.turn("highlevel.empty_text", "keep");
    assert_eq!(client.post(&place, untitled).await.status, 201);
    assert_eq!(client.post(&notes, json!({"body": ""})).await.status, 201);
}
