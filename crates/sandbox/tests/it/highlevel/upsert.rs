//! Upsert, with everything that it loses without a word.

use serde_json::json;

use super::client::Client;

async fn upsert(client: &Client, mut body: serde_json::Value) -> super::client::Answer {
    body["locationId"] = json!(client.location);
    client.post("/contacts/upsert", body).await
}

#[tokio::test]
async fn it_creates_or_updates_and_replaces_tags() {
    let client = Client::quiet(&[]);
    let new = upsert(
        &client,
        json!({"email": "ann@x.de", "firstName": "Ann", "tags": ["a", "b"]}),
    )
    .await;
    assert_eq!((new.status, &new.body["new"]), (200, &json!(true)));
    let id = new.body["contact"]["id"].clone();
    let old = upsert(
        &client,
        json!({"email": "ANN@x.de", "lastName": "Bee", "tags": ["c"]}),
    )
    .await;
    assert_eq!(
        (&old.body["new"], &old.body["contact"]["id"]),
        (&json!(false), &id)
    );
    assert_eq!(old.body["contact"]["tags"], json!(["c"]));
    assert_eq!(old.body["contact"]["firstName"], "Ann");
    let refused = upsert(
        &client,
        json!({"email": "ann@x.de", "createNewIfDuplicateAllowed": true}),
    )
    .await;
    assert_eq!(
        refused.body["new"], false,
        "ignored while the location allows no duplicates"
    );
    client.act("set_location", json!({"allowDuplicateContact": true}));
    let doubled = upsert(
        &client,
        json!({"email": "ann@x.de", "createNewIfDuplicateAllowed": true}),
    )
    .await;
    assert_eq!(doubled.body["new"], true);
}

#[tokio::test]
async fn gender() {
    let client = Client::quiet(&[]);
    let id = client
        .create(json!({"email": "ann@x.de", "gender": "f"}))
        .await;
    let stored = |client: &Client| client.act("get_contact", json!({"id": id}))["gender"].clone();
    assert_eq!(
        upsert(&client, json!({"email": "ann@x.de", "gender": "m"}))
            .await
            .status,
        200
    );
    assert_eq!(stored(&client), "f");
    client.turn("highlevel.upsert_drops_gender", false);
    upsert(&client, json!({"email": "ann@x.de", "gender": "m"})).await;
    assert_eq!(stored(&client), "m");
    assert!(
        client.contact(&id).await.get("gender").is_none(),
        "no documented read shows it"
    );
}

#[tokio::test]
async fn secondary_email() {
    let client = Client::quiet(&[]);
    let id = client.create(json!({"email": "old@x.de"})).await;
    client.act(
        "edit_contact",
        json!({"id": id, "fields": {"additionalEmails": ["second@x.de", "third@x.de"]}}),
    );
    client.turn("highlevel.upsert_promotes_secondary", false);
    let kept = upsert(&client, json!({"email": "second@x.de", "city": "Ulm"}))
        .await
        .body["contact"]
        .clone();
    assert_eq!(
        (&kept["email"], &kept["city"]),
        (&json!("old@x.de"), &json!("Ulm"))
    );
    client.turn("highlevel.upsert_promotes_secondary", true);
    let promoted = upsert(&client, json!({"email": "second@x.de"})).await.body["contact"].clone();
    assert_eq!(
        (&promoted["id"], &promoted["email"]),
        (&json!(id), &json!("second@x.de"))
    );
    assert_eq!(
        promoted["additionalEmails"],
        json!([{"email": "third@x.de"}]),
        "the old primary one is lost"
    );
}

#[tokio::test]
async fn two_contacts() {
    let client = Client::quiet(&[]);
    let ann = client.create(json!({"email": "ann@x.de"})).await;
    let bob = client.create(json!({"phone": "+49711555123"})).await;
    let body = json!({"email": "ann@x.de", "phone": "+49711555123", "city": "Ulm"});
    let met = upsert(&client, body.clone()).await;
    assert_eq!((met.status, &met.body["contact"]["id"]), (200, &json!(ann)));
    assert!(
        met.body["contact"].get("phone").is_none(),
        "the other identifier is ignored"
    );
    client.act(
        "set_location",
        json!({"contactUniqueIdentifiers": ["phone", "email"]}),
    );
    let met = upsert(&client, body.clone()).await;
    assert_eq!(
        met.body["contact"]["id"],
        json!(bob),
        "the location's order decides"
    );
    client.turn("highlevel.upsert_second_identifier_ignored", false);
    let refused = upsert(&client, body).await;
    assert_eq!(
        (refused.status, &refused.body["meta"]["contactId"]),
        (400, &json!(ann))
    );
}
