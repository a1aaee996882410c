//! Tags and followers.

use serde_json::json;

use super::client::Client;

#[tokio::test]
async fn add_and_remove_touch_only_what_they_name() {
    let client = Client::quiet(&[]);
    let id = client.create(json!({"tags": ["a", "b"]})).await;
    let path = format!("/contacts/{id}/tags");
    let added = client.post(&path, json!({"tags": ["b", "c"]})).await;
    assert_eq!(
        (added.status, &added.body["tags"]),
        (201, &json!(["a", "b", "c"]))
    );
    let removed = client
        .call_as(
            &client.token,
            "DELETE",
            &path,
            Some(&json!({"tags": ["a", "zzz"]})),
        )
        .await;
    assert_eq!(
        (removed.status, &removed.body["tags"]),
        (200, &json!(["b", "c"]))
    );
    let replaced = client
        .put(&format!("/contacts/{id}"), json!({"tags": ["x"]}))
        .await;
    assert_eq!(
        replaced.body["contact"]["tags"],
        json!(["x"]),
        "PUT replaces the whole set"
    );
    let location = client
        .get(&format!("/locations/{}/tags", client.location))
        .await;
    let names: Vec<&str> = location.body["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["a", "b", "c", "x"]);
    assert_eq!(client.post(&path, json!({"tags": "a"})).await.status, 422);
}

#[tokio::test]
async fn case() {
    let client = Client::quiet(&[]);
    let id = client.create(json!({"tags": ["VIP"]})).await;
    assert_eq!(client.contact(&id).await["tags"], json!(["VIP"]));
    client.turn("highlevel.tags_lowercased", true);
    let added = client
        .post(&format!("/contacts/{id}/tags"), json!({"tags": ["Messe"]}))
        .await;
    assert_eq!(added.body["tags"], json!(["VIP", "messe"]));
}

#[tokio::test]
async fn bulk_changes_answer_for_each_contact() {
    let client = Client::quiet(&[]);
    let one = client.create(json!({"tags": ["a"]})).await;
    let gone = client.create(json!({})).await;
    client.delete(&format!("/contacts/{gone}")).await;
    let body = json!({"locationId": client.location, "contacts": [one, gone, "short", "aaaaaaaaaaaaaaaaaaaa"], "tags": ["b"]});
    let answer = client.post("/contacts/bulk/tags/update/add", body).await;
    assert_eq!(
        (answer.status, &answer.body["errorCount"]),
        (201, &json!(3))
    );
    let responses = &answer.body["responses"];
    assert_eq!(
        (&responses[0]["oldTags"], &responses[0]["tagsAdded"]),
        (&json!(["a"]), &json!(["b"]))
    );
    assert_eq!(responses[1]["message"], "contact is deleted");
    assert_eq!(
        responses[2]["message"],
        "contact id is not a valid firebase id"
    );
    assert_eq!(
        responses[3]["message"],
        "contact does not belong to location"
    );
    let body = json!({"locationId": client.location, "contacts": [one], "tags": [], "removeAllTags": true});
    let answer = client.post("/contacts/bulk/tags/update/remove", body).await;
    assert_eq!(
        answer.body["responses"][0]["tagsRemoved"],
        json!(["a", "b"])
    );
}

#[tokio::test]
async fn a_renamed_or_deleted_tag_changes_its_contacts() {
    let client = Client::quiet(&[]);
    let id = client.create(json!({"tags": ["old", "other"]})).await;
    let tags = client
        .get(&format!("/locations/{}/tags", client.location))
        .await;
    let path = format!(
        "/locations/{}/tags/{}",
        client.location,
        tags.body["tags"][0]["id"].as_str().unwrap()
    );
    assert_eq!(
        client.put(&path, json!({"name": "new"})).await.body["tag"]["name"],
        "new"
    );
    assert_eq!(client.contact(&id).await["tags"], json!(["other", "new"]));
    assert_eq!(client.delete(&path).await.body["succeded"], true);
    assert_eq!(client.contact(&id).await["tags"], json!(["other"]));
}

#[tokio::test]
async fn followers_come_and_go() {
    let client = Client::quiet(&[]);
    let id = client.create(json!({})).await;
    let path = format!("/contacts/{id}/followers");
    let added = client.post(&path, json!({"followers": ["u1", "u2"]})).await;
    assert_eq!(
        (added.status, &added.body["followersAdded"]),
        (201, &json!(["u1", "u2"]))
    );
    let removed = client
        .call_as(
            &client.token,
            "DELETE",
            &path,
            Some(&json!({"followers": ["u1", "u3"]})),
        )
        .await;
    assert_eq!(
        (
            &removed.body["followers"],
            &removed.body["followersRemoved"]
        ),
        (&json!(["u2"]), &json!(["u1"]))
    );
}

#[tokio::test]
async fn put() {
    let client = Client::quiet(&[]);
    let id = client.create(json!({"tags": ["VIP", "Kunde"]})).await;
    let path = format!("/contacts/{id}");
    client.put(&path, json!({"tags": ["Neu"]})).await;
    assert_eq!(client.contact(&id).await["tags"], json!(["Neu"]));
    client.turn("highlevel.put_tags", "merge");
    client.put(&path, json!({"tags": ["VIP", "Neu"]})).await;
    assert_eq!(client.contact(&id).await["tags"], json!(["Neu", "VIP"]));
}
