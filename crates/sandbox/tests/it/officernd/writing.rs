//! Creates, updates and deletes.

use sandbox::{Actor, Operation, System};
use serde_json::{Value, json};

use super::client::Client;

#[tokio::test]
async fn put_profile() {
    let client = Client::quiet(&[]).await;
    let id = client
        .create("/members", json!({"phone": "+49 30 1"}))
        .await;
    let path = format!("/members/{id}");
    let body = json!({"phone": "+49 30 2", "tags": ["vip"], "company": "x", "description": "y", "location": "z"});
    assert_eq!(
        client.put(&path, body.clone()).await.failures(),
        ["phone", "tags", "company", "description", "location"]
            .map(|name| format!("property {name} should not exist"))
    );
    client.turn("put_profile", "2026-10");
    assert_eq!(client.put(&path, body).await.failures().len(), 3);
    let answer = client
        .put(&path, json!({"phone": "+49 30 2", "tags": ["vip"]}))
        .await;
    assert_eq!(
        (answer.status, &answer.body["phone"], &answer.body["tags"]),
        (200, &json!("+49 30 2"), &json!(["vip"]))
    );
    let answer = client.put(&path, json!({"tags": ["messe"]})).await;
    assert_eq!(answer.body["tags"], json!(["messe"]), "the whole list");
    let made = client.create("/members", json!({"tags": ["new"]})).await;
    assert_eq!(client.member(&made).await["tags"], json!(["new"]));
}

#[tokio::test]
async fn tags() {
    let client = Client::quiet(&[]).await;
    let id = client.create("/members", json!({})).await;
    client.act("add_tags", json!({"id": id, "tags": ["vip", "Messe"]}));
    client.act("remove_tags", json!({"id": id, "tags": ["vip"]}));
    assert!(client.member(&id).await.get("tags").is_none());
    client.turn("member_tags", "shown");
    assert_eq!(client.member(&id).await["tags"], json!(["Messe"]));
    client.turn("put_profile", "2026-10");
    client.turn("member_tags", "hidden");
    assert!(client.member(&id).await.get("tags").is_none());
}

#[tokio::test]
async fn company_link() {
    let client = Client::quiet(&[]).await;
    let company = client.create("/companies", json!({"name": "Acme"})).await;
    let id = client.create("/members", json!({})).await;
    let path = format!("/members/{id}/company");
    let body = json!({"company": company});
    let link = async |method: &str, body: &Value| client.call(method, &path, Some(body)).await;
    assert_eq!(link("PUT", &body).await.status, 204);
    assert_eq!(client.member(&id).await["company"], json!(company));
    assert_eq!(link("PUT", &json!({"company": null})).await.status, 204);
    assert_eq!(client.member(&id).await["company"], Value::Null);
    assert_eq!(
        link("PUT", &json!({"team": company})).await.failures(),
        ["property team should not exist"]
    );
    assert_eq!(
        link("PUT", &json!({"company": "aaaaaaaaaaaaaaaaaaaaaaaa"}))
            .await
            .status,
        500
    );
    client.turn("link_answer", "200");
    assert_eq!(link("PUT", &body).await.body["company"], json!(company));
    for (verb, method) in [("post", "POST"), ("patch", "PATCH")] {
        client.turn("member_endpoints", verb);
        assert_eq!(link("PUT", &body).await.status, 404);
        assert_eq!(link(method, &body).await.status, 200);
    }
    client.turn("member_endpoints", "absent");
    assert_eq!(link("PATCH", &body).await.status, 404);
}

#[tokio::test]
async fn properties() {
    let client = Client::quiet(&[]).await;
    let id = client
        .create(
            "/members",
            json!({"properties": {"crm_id": "1", "Source": "web"}}),
        )
        .await;
    let path = format!("/members/{id}");
    let put = async |bag: Value| {
        client.put(&path, json!({"properties": bag})).await.body["properties"].clone()
    };
    assert_eq!(put(json!({"crm_id": "2"})).await, json!({"crm_id": "2"}));
    client.turn("properties_write", "merge");
    assert_eq!(
        put(json!({"Source": "web"})).await,
        json!({"crm_id": "2", "Source": "web"})
    );
    assert_eq!(put(json!({"crm_id": null})).await, json!({"Source": "web"}));
}

#[tokio::test]
async fn objects() {
    let client = Client::quiet(&[]).await;
    let id = client
        .create(
            "/members",
            json!({"address": {"city": "Köln", "zip": "50667"}}),
        )
        .await;
    let path = format!("/members/{id}");
    let put = async |part: Value| {
        client.put(&path, json!({"address": part})).await.body["address"].clone()
    };
    assert_eq!(put(json!({"city": "Bonn"})).await, json!({"city": "Bonn"}));
    client.turn("objects_write", "merge");
    assert_eq!(
        put(json!({"zip": "53111"})).await,
        json!({"city": "Bonn", "zip": "53111"})
    );
}

#[tokio::test]
async fn unknown_properties() {
    let client = Client::quiet(&[]).await;
    let id = client.create("/members", json!({})).await;
    let path = format!("/members/{id}");
    let body = json!({"properties": {"crm_id": "1", "shoe size": "44"}});
    let answer = client.put(&path, body.clone()).await;
    assert_eq!(answer.body["properties"], json!({"crm_id": "1"}));
    client.turn("unknown_property", "refuse");
    assert_eq!(
        client.put(&path, body.clone()).await.failures(),
        ["properties.property shoe size should not exist"]
    );
    client.turn("unknown_property", "store");
    let answer = client.put(&path, body.clone()).await;
    assert_eq!(answer.body["properties"], body["properties"]);
    client.turn("unknown_property", "drop");
    client.act(
        "add_property",
        json!({"key": "shoe size", "targets": ["member"]}),
    );
    let answer = client.put(&path, body.clone()).await;
    assert_eq!(answer.body["properties"], body["properties"]);
    client.act("remove_property", json!({"key": "shoe size"}));
    assert_eq!(
        client.member(&id).await["properties"],
        body["properties"],
        "values outlive the definition"
    );
}

#[tokio::test]
async fn clearing() {
    let client = Client::quiet(&[]).await;
    let id = client.create("/members", json!({"email": "a@x.de"})).await;
    let path = format!("/members/{id}");
    let answer = client.put(&path, json!({"email": null})).await;
    assert_eq!(answer.body.get("email"), Some(&Value::Null));
    assert_eq!(
        client.put(&path, json!({"name": null})).await.failures(),
        ["name must be a string"]
    );
    client.turn("null_clears", false);
    assert_eq!(
        client.put(&path, json!({"email": null})).await.failures(),
        ["email must be an email"]
    );
}

#[tokio::test]
async fn touch() {
    let client = Client::quiet(&[]).await;
    client.subscribe(&["member.updated"]).await;
    let id = client.create("/members", json!({"email": "a@x.de"})).await;
    let path = format!("/members/{id}");
    let moved = async |body: Value| {
        client.advance(1000);
        let before = client.member(&id).await["modifiedAt"].clone();
        let after = client.put(&path, body).await.body["modifiedAt"].clone();
        (before != after, client.events().await.len())
    };
    let (empty, same) = (json!({}), json!({"email": "a@x.de"}));
    assert_eq!(moved(json!({"name": "Eve"})).await, (true, 1));
    assert_eq!(moved(empty.clone()).await, (false, 0));
    assert_eq!(moved(same.clone()).await, (true, 1));
    client.turn("empty_put_touches", true);
    client.turn("unchanged_put_touches", false);
    assert_eq!(moved(empty).await, (true, 1));
    assert_eq!(moved(same).await, (false, 0));
    // each is in the edit log, also those that changed nothing
    let edits = client.control.core().edits.since(0);
    let idle = edits.iter().filter(|edit| {
        (edit.system, edit.actor, edit.operation)
            == (System::OfficeRnd, Actor::Api, Operation::Update)
            && edit.fields.is_empty()
    });
    assert_eq!(idle.count(), 4);
}

#[tokio::test]
async fn narrow_puts() {
    let client = Client::quiet(&[]).await;
    let company = client.create("/companies", json!({})).await;
    let plan = client.access["plans"][0]["_id"].clone();
    let id = client
        .create("/memberships", json!({"company": company, "plan": plan}))
        .await;
    let membership = format!("/memberships/{id}");
    assert_eq!(
        client
            .put(&membership, json!({"name": "Desk 2", "price": 5}))
            .await
            .failures(),
        ["property name should not exist"]
    );
    let hook = json!({"url": "https://r.example", "eventTypes": ["member.created"]});
    let hook = client.post("/webhooks", hook).await.body;
    let webhook = format!("/webhooks/{}", hook["_id"].as_str().unwrap());
    let url = json!({"url": "https://other.example"});
    assert_eq!(
        client.put(&webhook, url.clone()).await.failures(),
        ["property url should not exist"]
    );
    client.turn("narrow_puts", false);
    assert_eq!(
        client
            .put(&membership, json!({"name": "Desk 2"}))
            .await
            .status,
        200
    );
    let answer = client.put(&webhook, url).await;
    assert_eq!(
        (&answer.body["url"], &answer.body["secret"]),
        (&json!("https://other.example"), &hook["secret"])
    );
}

#[tokio::test]
async fn deletion() {
    let client = Client::quiet(&[]).await;
    let id = client.create("/members", json!({"name": "Ada"})).await;
    let path = format!("/members/{id}");
    let gone = client.delete(&path).await;
    assert_eq!(
        (gone.status, &gone.body["name"], &gone.body["properties"]),
        (200, &json!("Ada"), &json!({}))
    );
    assert_eq!(client.delete(&path).await.status, 404);
    assert_eq!(client.get(&path).await.status, 404);
    assert!(client.names("/members").await.is_empty());
    let kept = client.act("get_member", json!({"id": id}));
    assert_eq!(kept["deletedAt"], "2026-03-01T12:00:00.000Z");
}

#[tokio::test]
async fn dangling_references() {
    let client = Client::quiet(&[]).await;
    for keeps in [true, false] {
        client.turn("delete_keeps_references", keeps);
        let company = client.create("/companies", json!({})).await;
        let id = client.create("/members", json!({"company": company})).await;
        client.delete(&format!("/companies/{company}")).await;
        let member = client.member(&id).await;
        let expected = keeps.then(|| json!(company));
        assert_eq!(member.get("company"), expected.as_ref());
        assert_eq!(member["status"], "contact");
    }
}

#[tokio::test]
async fn nothing_is_unique_and_nothing_idempotent() {
    let client = Client::quiet(&[]).await;
    let body = json!({"name": "Ada", "email": "a@x.de"});
    let first = client.create("/members", body.clone()).await;
    let second = client.create("/members", body).await;
    assert_ne!(first, second);
    assert_eq!(client.names("/members?email=a%40x.de").await.len(), 2);
}

#[tokio::test]
async fn companies_are_written_with_their_own_fields() {
    let client = Client::quiet(&[]).await;
    let other = client.access["locations"][1]["_id"].clone();
    let id = client.create("/companies", json!({"name": "Acme"})).await;
    let path = format!("/companies/{id}");
    assert_eq!(
        client.put(&path, json!({"phone": "1"})).await.failures(),
        ["property phone should not exist"]
    );
    let answer = client
        .put(&path, json!({"location": other, "url": "https://acme.example", "activeMembersAllowanceLimit": 4}))
        .await;
    assert_eq!(
        (&answer.body["location"], &answer.body["url"]),
        (&other, &json!("https://acme.example"))
    );
    let acts = client.act(
        "edit_company",
        json!({"id": id, "fields": {"tags": ["key"]}}),
    );
    assert_eq!(acts["tags"], json!(["key"]));
}

#[tokio::test]
async fn a_person_names_a_company() {
    let client = Client::quiet(&[]).await;
    let ann = client.act(
        "create_member",
        json!({"name": "Ann", "companyName": "Acme"}),
    );
    let bob = client.act("create_member", json!({"name": "Bob"}));
    let edit = |name: &str| {
        let fields = json!({"companyName": name});
        client.act("edit_member", json!({"id": bob["_id"], "fields": fields}))
    };
    assert_eq!(edit("Acme")["company"], ann["company"]);
    assert_eq!(client.names("/companies").await, ["Acme"]);
    assert_eq!(edit("")["company"], Value::Null);
}

#[tokio::test]
async fn portal_access() {
    let client = Client::quiet(&[]).await;
    let id = client.create("/members", json!({})).await;
    let path = format!("/members/{id}/portal-access");
    assert_eq!(
        client.put(&path, json!({})).await.failures(),
        ["isPortalAccessEnabled must be a boolean value"]
    );
    let body = json!({"isPortalAccessEnabled": true, "shouldSendInvitation": false});
    let answer = client.put(&path, body).await;
    assert_eq!((answer.status, answer.raw.len()), (204, 0));
    assert_eq!(client.act("get_member", json!({"id": id}))["#portal"], true);
}
