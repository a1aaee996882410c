//! Businesses, and the contacts that belong to them.

use sandbox::Actor;
use serde_json::{Value, json};

use super::client::{Client, ids};

impl Client {
    async fn business(&self, mut fields: Value) -> String {
        fields["locationId"] = json!(self.location);
        let answer = self.post("/businesses/", fields).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["buiseness"]["id"].as_str().unwrap().to_owned()
    }

    async fn listed(&self, query: &str) -> Vec<String> {
        let path = format!("/businesses/?locationId={}{query}", self.location);
        ids(&self.get(&path).await.body["businesses"])
    }

    async fn move_to(&self, contacts: &[&str], business: Option<&str>) -> super::client::Answer {
        let body = json!({"locationId": self.location, "ids": contacts, "businessId": business});
        self.post("/contacts/bulk/business", body).await
    }

    async fn members(&self, business: &str, query: &str) -> super::client::Answer {
        let path = format!(
            "/contacts/business/{business}?locationId={}{query}",
            self.location
        );
        self.get(&path).await
    }
}

#[tokio::test]
async fn a_business_lives_and_dies() {
    let client = Client::quiet(&[]);
    let sent = json!({"locationId": client.location, "name": " Küng AG ", "city": "Chur", "country": "ch"});
    let made = client.post("/businesses/", sent).await;
    assert_eq!((made.status, &made.body["success"]), (201, &json!(true)));
    let made = &made.body["buiseness"];
    let by = json!({"source": "INTEGRATION", "channel": "PRIVATE_INTEGRATION", "timestamp": "2026-03-01T12:00:00.000Z"});
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        (id.len(), id.chars().all(|digit| digit.is_ascii_hexdigit())),
        (24, true)
    );
    assert_eq!(
        *made,
        json!({"id": id, "locationId": client.location, "name": "Küng AG", "city": "Chur", "country": "ch",
            "createdBy": by, "updatedBy": by, "createdAt": by["timestamp"], "updatedAt": by["timestamp"]})
    );
    let path = format!("/businesses/{id}");
    client.advance(1_000);
    let put = client.put(&path, json!({"city": "Zug"})).await;
    assert_eq!(
        (put.status, &put.body["buiseness"]["city"]),
        (200, &json!("Zug"))
    );
    let read = client.get(&path).await;
    assert_eq!(read.body["business"], put.body["buiseness"]);
    assert_eq!(
        read.body["business"]["updatedAt"],
        "2026-03-01T12:00:01.000Z"
    );
    assert_eq!(
        read.body["business"]["name"], "Küng AG",
        "what was not sent stays"
    );
    client.put(&path, json!({"city": "Zug"})).await;
    let edits = client.control.core().edits.since(0);
    let of: Vec<_> = edits
        .iter()
        .map(|edit| (edit.entity, json!(edit.operation), edit.fields.len()))
        .collect();
    assert_eq!(
        of,
        [
            ("business", json!("create"), 0),
            ("business", json!("update"), 1),
            ("business", json!("update"), 0)
        ]
    );
    let gone = client.delete(&path).await;
    assert_eq!((gone.status, &gone.body["success"]), (200, &json!(true)));
    assert_eq!(client.get(&path).await.status, 400);
    assert!(client.listed("").await.is_empty());
}

#[tokio::test]
async fn bodies_are_checked_against_the_fields_of_their_call() {
    let client = Client::quiet(&[]);
    let texts = |answer: &super::client::Answer| {
        assert_eq!(answer.status, 422);
        answer.body["message"].clone()
    };
    let nothing = client.post("/businesses", json!({"vip": true})).await;
    assert_eq!(
        texts(&nothing),
        json!([
            "property vip should not exist",
            "name should not be empty",
            "name must be a string",
            "locationId should not be empty",
            "locationId must be a string"
        ])
    );
    let id = client.business(json!({"name": "A"})).await;
    let path = format!("/businesses/{id}");
    let body = json!({"customFields": [], "locationId": client.location, "name": " ", "phone": 4});
    assert_eq!(
        texts(&client.put(&path, body).await),
        json!([
            "property customFields should not exist",
            "property locationId should not exist",
            "name should not be empty",
            "phone must be a string"
        ])
    );
    let contact = client.create(json!({"firstName": "Ann"})).await;
    let put = client
        .put(&format!("/contacts/{contact}"), json!({"businessId": id}))
        .await;
    assert_eq!(texts(&put), json!(["property businessId should not exist"]));
    client.turn("highlevel.whitelist", false);
    let put = client
        .put(&format!("/contacts/{contact}"), json!({"businessId": id}))
        .await;
    assert_eq!(
        (put.status, &put.body["contact"]["businessId"]),
        (200, &Value::Null)
    );
    let put = client.put(&path, json!({"vip": true})).await;
    assert_eq!(
        (put.status, &put.body["buiseness"]["vip"]),
        (200, &Value::Null)
    );
}

#[tokio::test]
async fn scopes_and_locations_are_those_of_the_token() {
    let client = Client::quiet(&[]);
    let id = client.business(json!({"name": "A"})).await;
    let token = |scopes: Value| {
        let made = client.act("create_private_token", json!({"scopes": scopes}));
        made["token"].as_str().unwrap().to_owned()
    };
    let (reader, stranger) = (
        token(json!(["businesses.readonly"])),
        token(json!(["contacts.readonly"])),
    );
    let path = format!("/businesses/{id}");
    assert_eq!(
        client.call_as(&reader, "GET", &path, None).await.status,
        200
    );
    assert_eq!(
        client.call_as(&reader, "DELETE", &path, None).await.status,
        401
    );
    assert_eq!(
        client.call_as(&stranger, "GET", &path, None).await.status,
        401
    );
    let list = format!("/contacts/business/{id}?locationId={}", client.location);
    assert_eq!(
        client.call_as(&stranger, "GET", &list, None).await.status,
        200
    );
    let bulk = json!({"locationId": client.location, "ids": [], "businessId": null});
    let moved = client
        .call_as(&stranger, "POST", "/contacts/bulk/business", Some(&bulk))
        .await;
    assert_eq!(moved.status, 200, "the specification names no scope for it");

    let other = client.act("create_location", json!({"name": "Other"}));
    let business = client.act(
        "create_business",
        json!({"name": "B", "locationId": other["id"]}),
    );
    let path = format!("/businesses/{}", business["id"].as_str().unwrap());
    let refused = client.get(&path).await;
    assert_eq!(
        (refused.status, &refused.body["message"]),
        (
            403,
            &json!("The token does not have access to this location.")
        )
    );
    let list = format!("/businesses?locationId={}", other["id"].as_str().unwrap());
    assert_eq!(client.get(&list).await.status, 403);
    assert_eq!(client.get("/businesses").await.status, 403);
}

#[tokio::test]
async fn unknown() {
    let client = Client::quiet(&[]);
    let path = "/businesses/63771dcac1116f0e21de8e12";
    for (status, choice) in [(400, "400"), (404, "404"), (422, "422")] {
        client.turn("highlevel.unknown_business", choice);
        let answer = client.get(path).await;
        assert_eq!(answer.status, status);
        assert!(
            answer.body["message"]
                .to_string()
                .contains("Business not found")
        );
        assert_eq!(client.put(path, json!({})).await.status, status);
        assert_eq!(client.delete(path).await.status, status);
    }
}

#[tokio::test]
async fn clearing() {
    let client = Client::quiet(&[]);
    let id = client
        .business(json!({"name": "A", "city": "Chur", "state": "GR"}))
        .await;
    let path = format!("/businesses/{id}");
    let refused = client.put(&path, json!({"city": null})).await;
    assert_eq!(refused.body["message"], json!(["city must be a string"]));
    let cleared = client.put(&path, json!({"city": ""})).await;
    assert_eq!(cleared.body["buiseness"].get("city"), None);
    client.turn("highlevel.business_null", "clear");
    client.turn("highlevel.business_empty_fields", "null");
    let cleared = client.put(&path, json!({"state": null})).await;
    assert_eq!(cleared.status, 200);
    assert_eq!(cleared.body["buiseness"].get("state"), Some(&Value::Null));
    assert_eq!(cleared.body["buiseness"].get("city"), Some(&Value::Null));
    assert_eq!(client.put(&path, json!({"name": null})).await.status, 422);
}

#[tokio::test]
async fn phone() {
    let client = Client::quiet(&[]);
    let id = client
        .business(json!({"name": "A", "phone": "0711 555010"}))
        .await;
    let path = format!("/businesses/{id}");
    assert_eq!(
        client.get(&path).await.body["business"]["phone"],
        "+49711555010"
    );
    let kept = client.put(&path, json!({"phone": "Zentrale"})).await;
    assert_eq!(kept.body["buiseness"]["phone"], "Zentrale", "never refused");
    client.turn("highlevel.business_phone", "keep");
    let kept = client.put(&path, json!({"phone": "0711 555010"})).await;
    assert_eq!(kept.body["buiseness"]["phone"], "0711 555010");
}

#[tokio::test]
async fn namesakes() {
    let client = Client::quiet(&[]);
    let one = client.business(json!({"name": "Acme"})).await;
    let two = client.business(json!({"name": "Acme"})).await;
    assert_ne!(one, two);
    client.turn("highlevel.business_same_name", "refuse");
    let body = json!({"name": "Acme", "locationId": client.location});
    assert_eq!(client.post("/businesses", body).await.status, 400);
    let itself = client
        .put(
            &format!("/businesses/{one}"),
            json!({"name": "Acme", "city": "Ulm"}),
        )
        .await;
    assert_eq!(itself.status, 200);
    client.business(json!({"name": "Other"})).await;
    let taken = client
        .put(&format!("/businesses/{one}"), json!({"name": "Other"}))
        .await;
    assert_eq!(taken.status, 400);
}

#[tokio::test]
async fn pages() {
    let client = Client::quiet(&[("highlevel.business_page_max", json!(2))]);
    let a = client.business(json!({"name": "A"})).await;
    let b = client.business(json!({"name": "B"})).await;
    let first = client.listed("&limit=500").await;
    assert_eq!(first, [b.clone(), a.clone()], "as many as there are");
    let c = client.business(json!({"name": "C"})).await;
    assert_eq!(
        client.listed("&limit=500").await,
        [c.clone(), b.clone()],
        "cut"
    );
    assert_eq!(client.listed("&skip=2").await, [a.as_str()]);
    assert_eq!(client.listed("&limit=1&skip=1").await, [b.as_str()]);
    client.turn("highlevel.business_order", "oldest");
    assert_eq!(client.listed("").await, [a, b]);
    client.turn("highlevel.business_page_max", 100);
    assert_eq!(client.listed("&limit=500").await.len(), 3);
    let path = format!("/businesses?locationId={}&limit=many", client.location);
    assert_eq!(client.get(&path).await.status, 422);
}

#[tokio::test]
async fn lag() {
    let client = Client::quiet(&[("highlevel.search_lag_ms", json!(2_000))]);
    let id = client.business(json!({"name": "A"})).await;
    assert!(client.listed("").await.is_empty());
    assert_eq!(
        client.get(&format!("/businesses/{id}")).await.status,
        200,
        "reads by id do not lag"
    );
    client.advance(2_000);
    assert_eq!(client.listed("").await, [id.as_str()]);
    client.delete(&format!("/businesses/{id}")).await;
    assert_eq!(client.listed("").await, [id], "still shown");
    client.turn("highlevel.business_list_lags", false);
    assert!(client.listed("").await.is_empty());
}

#[tokio::test]
async fn contacts_are_moved_and_listed() {
    let client = Client::quiet(&[]);
    let (acme, other) = (
        client.business(json!({"name": "Acme"})).await,
        client.business(json!({"name": "B"})).await,
    );
    let zoe = client
        .create(json!({"firstName": "Zoë", "email": "zoe@x.ch"}))
        .await;
    let ann = client
        .create(json!({"firstName": "Ann", "phone": "+41791234567"}))
        .await;
    let moved = client.move_to(&[&zoe, &ann], Some(&acme)).await;
    assert_eq!(
        (moved.status, &moved.body["ids"]),
        (200, &json!([zoe, ann]))
    );
    assert_eq!(client.contact(&ann).await["businessId"], json!(acme));
    assert_eq!(
        client.search(json!({})).await.body["contacts"][0]["businessName"],
        "Acme"
    );
    let members = client.members(&acme, "").await;
    assert_eq!(members.body["count"], 2);
    assert_eq!(
        ids(&members.body["contacts"]),
        [ann.clone(), zoe.clone()],
        "by name"
    );
    assert_eq!(members.body["contacts"][1].get("firstName"), None);
    let page = client.members(&acme, "&limit=1&skip=1").await;
    assert_eq!(
        (ids(&page.body["contacts"]), &page.body["count"]),
        (vec![zoe.clone()], &json!(2))
    );
    let found = client.members(&acme, "&query=ZOE@").await;
    assert_eq!(ids(&found.body["contacts"]), [zoe.as_str()]);
    assert_eq!(client.members(&acme, "&limit=101").await.status, 422);

    client.move_to(&[&zoe], Some(&other)).await;
    client.move_to(&[&ann], None).await;
    assert_eq!(client.contact(&ann).await.get("businessId"), None);
    assert_eq!(client.members(&acme, "").await.body["count"], 0);
    assert_eq!(
        ids(&client.members(&other, "").await.body["contacts"]),
        [zoe.as_str()]
    );
    client.move_to(&[&zoe], Some(&other)).await;
    let last = client.control.core().edits.since(0).pop().unwrap();
    assert!(
        last.actor == Actor::Api && last.fields.is_empty(),
        "it was there already"
    );

    let body = json!({"ids": [zoe, 1], "location": "x"});
    let refused = client.post("/contacts/bulk/business", body).await;
    assert_eq!(
        (refused.status, &refused.body["message"]),
        (
            422,
            &json!([
                "property location should not exist",
                "locationId must be a string",
                "each value in ids must be a string",
                "businessId must be a string"
            ])
        )
    );
}

#[tokio::test]
async fn v3_goes_on_after_a_name_and_id() {
    let client = Client::quiet(&[]);
    let acme = client.business(json!({"name": "Acme"})).await;
    let zoe = client.create(json!({"firstName": "Zoë"})).await;
    let ann = client.create(json!({"firstName": "Ann"})).await;
    client.move_to(&[&zoe, &ann], Some(&acme)).await;
    let path = format!(
        "/contacts/business/{acme}?locationId={}&startAfter=ann,{ann}",
        client.location
    );
    let request = http::Request::get(format!("/highlevel{path}"))
        .header("authorization", format!("Bearer {}", client.token))
        .header("version", "v3");
    let page = client
        .raw(request.body(axum::body::Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(ids(&page.body["contacts"]), [zoe]);
    assert_eq!(
        client.get(&path).await.body["contacts"]
            .as_array()
            .unwrap()
            .len(),
        2,
        "only v3 knows it"
    );
}

#[tokio::test]
async fn contacts() {
    let client = Client::quiet(&[("highlevel.search_lag_ms", json!(2_000))]);
    let acme = client.business(json!({"name": "Acme"})).await;
    let ann = client.create(json!({"firstName": "Ann"})).await;
    client.advance(2_000);
    client.move_to(&[&ann], Some(&acme)).await;
    assert_eq!(client.members(&acme, "").await.body["count"], 0);
    assert_eq!(client.contact(&ann).await["businessId"], json!(acme));
    client.turn("highlevel.business_contacts_lag", false);
    assert_eq!(client.members(&acme, "").await.body["count"], 1);
    client.turn("highlevel.business_contacts_lag", true);
    client.advance(2_000);
    assert_eq!(client.members(&acme, "").await.body["count"], 1);
}

#[tokio::test]
async fn bulk_size() {
    let client = Client::quiet(&[]);
    let ann = client.create(json!({"firstName": "Ann"})).await;
    assert_eq!(client.move_to(&[ann.as_str(); 50], None).await.status, 200);
    let refused = client.move_to(&[ann.as_str(); 51], None).await;
    assert_eq!(
        (refused.status, &refused.body["message"]),
        (422, &json!(["ids must contain no more than 50 elements"]))
    );
    client.turn("highlevel.bulk_business_size", 51);
    assert_eq!(client.move_to(&[ann.as_str(); 51], None).await.status, 200);
}

#[tokio::test]
async fn bulk_unknown() {
    let client = Client::quiet(&[]);
    let acme = client.business(json!({"name": "Acme"})).await;
    let ann = client.create(json!({"firstName": "Ann"})).await;
    let gone = client.create(json!({"firstName": "Gone"})).await;
    client.delete(&format!("/contacts/{gone}")).await;
    let echoed = client.move_to(&[&gone, &ann], Some(&acme)).await;
    assert_eq!(
        (echoed.status, &echoed.body["ids"]),
        (200, &json!([gone, ann]))
    );
    client.turn("highlevel.bulk_business_unknown", "left_out");
    let left_out = client.move_to(&[&gone, &ann], None).await;
    assert_eq!(left_out.body["ids"], json!([ann]));
    client.turn("highlevel.bulk_business_unknown", "refuse");
    assert_eq!(
        client.move_to(&[&ann, &gone], Some(&acme)).await.status,
        422
    );
    assert_eq!(
        client.contact(&ann).await.get("businessId"),
        None,
        "all or nothing"
    );
}

#[tokio::test]
async fn bulk_target() {
    let client = Client::quiet(&[]);
    let ann = client.create(json!({"firstName": "Ann"})).await;
    let nowhere = "63771dcac1116f0e21de8e12";
    assert_eq!(client.move_to(&[&ann], Some(nowhere)).await.status, 200);
    assert_eq!(client.contact(&ann).await["businessId"], nowhere);
    client.turn("highlevel.bulk_business_target", "refuse");
    assert_eq!(client.move_to(&[&ann], Some(nowhere)).await.status, 422);
    assert_eq!(client.move_to(&[&ann], None).await.status, 200);
}

#[tokio::test]
async fn deletion() {
    let client = Client::quiet(&[]);
    let ann = client.create(json!({"firstName": "Ann"})).await;
    let one = client.business(json!({"name": "One"})).await;
    client.move_to(&[&ann], Some(&one)).await;
    client.delete(&format!("/businesses/{one}")).await;
    assert_eq!(
        client.contact(&ann).await["businessId"],
        json!(one),
        "points to what is gone"
    );
    assert_eq!(
        client.search(json!({})).await.body["contacts"][0]["businessName"],
        Value::Null
    );
    client.turn("highlevel.business_delete", "detach");
    let two = client.business(json!({"name": "Two"})).await;
    client.move_to(&[&ann], Some(&two)).await;
    client.act("delete_business", json!({"id": two}));
    assert_eq!(client.contact(&ann).await.get("businessId"), None);
}

#[tokio::test]
async fn link_in_silence() {
    let client = Client::quiet(&[]);
    let acme = client.business(json!({"name": "Acme"})).await;
    let ann = client.create(json!({"firstName": "Ann"})).await;
    client.subscribe();
    client.webhooks().await;
    let before = client.contact(&ann).await["dateUpdated"].clone();
    client.advance(1_000);
    client.move_to(&[&ann], Some(&acme)).await;
    client.act("set_business", json!({"id": ann, "businessId": null}));
    assert!(client.webhooks().await.is_empty());
    assert_eq!(client.contact(&ann).await["dateUpdated"], before);
    client.turn("highlevel.business_link_webhooks", true);
    client.turn("highlevel.business_link_touches", true);
    client.act("set_business", json!({"id": ann, "businessId": acme}));
    assert_eq!(client.webhook_types().await, ["ContactUpdate"]);
    assert_ne!(client.contact(&ann).await["dateUpdated"], before);
}

#[tokio::test]
async fn company_name() {
    let client = Client::quiet(&[]);
    let acme = client.business(json!({"name": "Acme"})).await;
    let ann = client
        .create(json!({"firstName": "Ann", "companyName": "Own"}))
        .await;
    client.move_to(&[&ann], Some(&acme)).await;
    assert_eq!(client.contact(&ann).await["companyName"], "Own");
    client.move_to(&[&ann], None).await;
    client.turn("highlevel.business_sets_company_name", true);
    client.move_to(&[&ann], Some(&acme)).await;
    assert_eq!(client.contact(&ann).await["companyName"], "Acme");
}

#[tokio::test]
async fn events() {
    let client = Client::quiet(&[]);
    client.subscribe();
    let id = client
        .business(json!({"name": "Acme", "city": "Ulm"}))
        .await;
    let [webhook] = client.webhooks().await.try_into().unwrap();
    assert_eq!(webhook.body.get("type"), None);
    assert_eq!(
        (&webhook.body["id"], &webhook.body["locationId"]),
        (&json!(id), &json!(client.location))
    );
    assert_eq!(
        webhook.body["properties"],
        json!([{"key": "name", "valueString": "Acme"}, {"key": "city", "valueString": "Ulm"}])
    );
    client.turn("highlevel.record_event_type", true);
    client.act("edit_business", json!({"id": id, "fields": {"city": null}}));
    client
        .put(&format!("/businesses/{id}"), json!({"name": "Acme"}))
        .await;
    client.delete(&format!("/businesses/{id}")).await;
    assert_eq!(
        client.webhook_types().await,
        ["RecordUpdate", "RecordDelete"]
    );
    client.act("set_scopes", json!({"scopes": ["contacts.readonly"]}));
    client.act("create_business", json!({"name": "B"}));
    assert!(
        client.webhooks().await.is_empty(),
        "no right to read businesses"
    );
}

#[tokio::test]
async fn people_do_it_too() {
    let client = Client::quiet(&[]);
    let acme = client.act(
        "create_business",
        json!({"name": "Acme", "phone": "0711 555010"}),
    );
    assert_eq!(
        (&acme["createdBy"]["source"], &acme["phone"]),
        (&json!("WEB_USER"), &json!("+49711555010"))
    );
    let id = acme["id"].as_str().unwrap();
    let ann = client.act(
        "create_contact",
        json!({"firstName": "Ann", "businessName": "Acme"}),
    );
    assert_eq!(ann["businessId"], acme["id"], "found by its name");
    let edit = json!({"id": ann["id"], "fields": {"businessName": "New GmbH"}});
    let made = client.act("edit_contact", edit)["businessId"].clone();
    assert_eq!(
        client.act("get_business", json!({"id": made}))["name"],
        "New GmbH"
    );
    client.act(
        "edit_contact",
        json!({"id": ann["id"], "fields": {"businessName": null}}),
    );
    client.act("delete_business", json!({"id": id}));
    assert!(client.act("get_business", json!({"id": id}))["deletedAt"].is_string());
    let control = &client.control;
    let again = control.act(
        sandbox::System::HighLevel,
        "delete_business",
        &json!({"id": id}),
    );
    assert!(again.is_err());
    let record = json!({"firstName": "Zoë", "businessName": "New GmbH"});
    control.seed(sandbox::System::HighLevel, &[record]).unwrap();
    assert_eq!(
        client.members(made.as_str().unwrap(), "").await.body["count"],
        1
    );
    let dump = control.dump(sandbox::System::HighLevel);
    let businesses = dump["locations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|location| location["businesses"].as_array().unwrap().len());
    assert_eq!(businesses.sum::<usize>(), 2);
}

#[tokio::test]
async fn spelling() {
    let client = Client::quiet(&[]);
    for (spelling, wrong, right) in [
        ("buiseness", true, false),
        ("business", false, true),
        ("both", true, true),
    ] {
        client.turn("highlevel.business_spelling", spelling);
        let body = json!({"locationId": client.location, "name": "Ring GmbH"});
        let made = client.post("/businesses/", body).await.body;
        assert_eq!(made["buiseness"].is_object(), wrong, "{made}");
        assert_eq!(made["business"].is_object(), right, "{made}");
    }
}
