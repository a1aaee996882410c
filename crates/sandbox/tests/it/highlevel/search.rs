//! Search, listing and the duplicate lookup.

use serde_json::{Value, json};

use super::client::{Client, ids};

#[tokio::test]
async fn lag() {
    let client = Client::new(&[
        ("highlevel.rate_limit", json!(false)),
        ("highlevel.search_lag_ms", json!(2_000)),
    ]);
    let id = client
        .create(json!({"firstName": "Ann", "city": "Ulm"}))
        .await;
    assert!(
        client.found(json!({})).await.is_empty(),
        "the index does not know it yet"
    );
    client.advance(1_999);
    assert!(client.found(json!({})).await.is_empty());
    client.advance(1);
    assert_eq!(client.found(json!({})).await, [id.as_str()]);

    client
        .put(&format!("/contacts/{id}"), json!({"city": "Bonn"}))
        .await;
    let stale = client.search(json!({})).await;
    assert_eq!(stale.body["contacts"][0]["city"], "Ulm");
    assert_eq!(
        client.contact(&id).await["city"],
        "Bonn",
        "a read by id is fresh"
    );
    let by_city = |city| json!({"filters": [{"field": "city", "operator": "eq", "value": city}]});
    assert_eq!(client.found(by_city("Ulm")).await.len(), 1);
    client.delete(&format!("/contacts/{id}")).await;
    assert_eq!(
        client.found(json!({})).await.len(),
        1,
        "a deleted contact is still shown"
    );
    client.advance(2_000);
    assert!(client.found(json!({})).await.is_empty());
}

#[tokio::test]
async fn names() {
    let client = Client::quiet(&[]);
    client
        .create(json!({"firstName": "Änne", "lastName": "GROSS", "address1": "Weg 1"}))
        .await;
    let item = client.search(json!({})).await.body["contacts"][0].clone();
    assert_eq!(
        (&item["firstNameLowerCase"], &item["lastNameLowerCase"]),
        (&json!("änne"), &json!("gross"))
    );
    assert_eq!(item["address"], "Weg 1");
    assert!(item.get("address1").is_none() && item.get("firstName").is_none());
    assert_eq!(item["city"], Value::Null);
    client.turn("highlevel.search_names_cased", true);
    assert_eq!(
        client.search(json!({})).await.body["contacts"][0]["firstName"],
        "Änne"
    );

    let list = client
        .get(&format!("/contacts/?locationId={}", client.location))
        .await;
    let item = &list.body["contacts"][0];
    assert_eq!(
        (&item["firstName"], &item["firstNameRaw"]),
        (&json!("änne"), &json!("Änne"))
    );
    assert_eq!(
        (&item["contactName"], &item["address1"]),
        (&json!("änne gross"), &json!("Weg 1"))
    );
    assert_eq!(list.body["meta"]["total"], 1);
}

#[tokio::test]
async fn by_phone() {
    let client = Client::quiet(&[]);
    let id = client.create(json!({"phone": "+49711555123"})).await;
    let by_phone =
        json!({"filters": [{"field": "phone", "operator": "eq", "value": "+49711555123"}]});
    assert!(client.found(by_phone.clone()).await.is_empty());
    let grouped = json!({"filters": [{"group": "OR", "filters": by_phone["filters"]}]});
    assert!(client.found(grouped).await.is_empty());
    client.turn("highlevel.phone_search_blind", false);
    assert_eq!(client.found(by_phone).await, [id]);
    let national =
        json!({"filters": [{"field": "phone", "operator": "eq", "value": "0711555123"}]});
    assert!(
        client.found(national).await.is_empty(),
        "the country code is needed"
    );
}

#[tokio::test]
async fn duplicate_lookup() {
    let client = Client::new(&[("highlevel.rate_limit", json!(false))]);
    let id = client
        .create(json!({"email": "ann+1@x.de", "phone": "+49711555123"}))
        .await;
    let path = format!(
        "/contacts/search/duplicate?locationId={}&email=ann%2B1@x.de",
        client.location
    );
    let miss = client.get(&path).await;
    assert_eq!((miss.status, &miss.body["contact"]), (200, &Value::Null));
    client.turn("highlevel.duplicate_lookup_lags", false);
    assert_eq!(client.get(&path).await.body["contact"]["id"], json!(id));
    client.turn("highlevel.duplicate_lookup_lags", true);
    client.advance(2_000);
    assert_eq!(client.get(&path).await.body["contact"]["id"], json!(id));
    let plus = format!(
        "/contacts/search/duplicate?locationId={}&email=ann+1@x.de",
        client.location
    );
    assert_eq!(
        client.get(&plus).await.body["contact"],
        Value::Null,
        "a bare plus is a space"
    );
    let number = format!(
        "/contacts/search/duplicate?locationId={}&number=%2B49711555123",
        client.location
    );
    let phone = number.replace("&number=", "&phone=");
    for (called, by_number, by_phone) in [
        ("number", true, false),
        ("phone", false, true),
        ("both", true, true),
    ] {
        client.turn("highlevel.lookup_parameter", called);
        for (path, found) in [(&number, by_number), (&phone, by_phone)] {
            let answer = client.get(path).await.body;
            assert_eq!(
                answer["contact"]["id"] == json!(id),
                found,
                "{called}: {path}"
            );
        }
    }
}

#[tokio::test]
async fn filters_follow_the_documented_operators() {
    let client = Client::quiet(&[]);
    let field = client.act(
        "add_field",
        json!({"name": "Budget", "dataType": "NUMERICAL"}),
    );
    let budget = field["id"].as_str().unwrap();
    let ann = client
        .create(
            json!({"firstName": "Ann", "email": "ann@x.de", "tags": ["VIP"], "city": "Ulm",
            "customFields": [{"id": budget, "field_value": 100}]}),
        )
        .await;
    client.advance(1_000);
    let bob = client
        .create(json!({"firstName": "Bob", "city": "Neu-Ulm", "dnd": true}))
        .await;
    let filter = |field: &str, operator: &str, value: Value| json!({"filters": [{"field": field, "operator": operator, "value": value}]});
    let custom = format!("customFields.{budget}");
    for (body, expected) in [
        (filter("email", "eq", json!("ANN@x.de")), vec![&ann]),
        (filter("tags", "eq", json!("vip")), vec![&ann]),
        (filter("tags", "not_exists", Value::Null), vec![&bob]),
        (filter("city", "contains", json!("ulm")), vec![&bob, &ann]),
        (filter("city", "not_contains", json!("neu")), vec![&ann]),
        (filter("dnd", "eq", json!(true)), vec![&bob]),
        (filter(&custom, "range", json!({"gte": 100})), vec![&ann]),
        (filter(&custom, "range", json!({"gt": 100})), vec![]),
        (
            filter(
                "dateAdded",
                "range",
                json!({"gt": "2026-03-01T12:00:00.000Z"}),
            ),
            vec![&bob],
        ),
        (
            filter(
                "dateUpdated",
                "range",
                json!({"lte": 1_772_366_400_000_i64}),
            ),
            vec![&ann],
        ),
        (filter("id", "eq", json!(bob)), vec![&bob]),
        (
            json!({"filters": [{"group": "OR", "filters": [
                {"field": "email", "operator": "exists"},
                {"field": "firstNameLowerCase", "operator": "eq", "value": "bob"}]}]}),
            vec![&bob, &ann],
        ),
        (json!({"query": "ann@"}), vec![&ann]),
    ] {
        let expected: Vec<String> = expected.into_iter().cloned().collect();
        assert_eq!(client.found(body.clone()).await, expected, "{body}");
    }
    for (body, status) in [
        (filter("firstName", "eq", json!("Ann")), 400),
        (filter("email", "contains", json!("ann")), 400),
        (filter("city", "in", json!("Ulm")), 400),
        (json!({"pageLimit": 501}), 422),
        (json!({"page": 2, "searchAfter": [1, "x"]}), 400),
        (json!({"page": 101, "pageLimit": 100}), 400),
        (json!({"limit": 5}), 422),
        (json!({"query": "x".repeat(76)}), 422),
    ] {
        assert_eq!(client.search(body.clone()).await.status, status, "{body}");
    }
    let missing = client.post("/contacts/search", json!({})).await;
    assert_eq!(
        (
            missing.status,
            missing.body["message"].as_array().unwrap().len()
        ),
        (422, 2)
    );
}

#[tokio::test]
async fn search_after_goes_past_ten_thousand() {
    let client = Client::quiet(&[]);
    let people: Vec<Value> = (0..10_250)
        .map(|number| json!({"firstName": format!("P{number}")}))
        .collect();
    client
        .control
        .seed(sandbox::System::HighLevel, &people)
        .unwrap();
    assert_eq!(
        client
            .search(json!({"page": 21, "pageLimit": 500}))
            .await
            .status,
        400
    );
    for sort in [
        json!([]),
        json!([{"field": "dateUpdated", "direction": "asc"}]),
        json!([{"field": "firstNameLowerCase", "direction": "desc"}, {"field": "dateAdded", "direction": "asc"}]),
    ] {
        let mut seen = std::collections::BTreeSet::new();
        let mut body = json!({"pageLimit": 500, "sort": sort});
        loop {
            let answer = client.search(body.clone()).await;
            assert_eq!(answer.body["total"], 10_250);
            let page = &answer.body["contacts"];
            let Some(last) = page.as_array().unwrap().last() else {
                break;
            };
            body["searchAfter"] = last["searchAfter"].clone();
            for id in ids(page) {
                assert!(seen.insert(id), "a record came twice");
            }
        }
        assert_eq!(seen.len(), 10_250);
    }
}

#[tokio::test]
async fn the_old_list_needs_both_cursors_and_the_location() {
    let client = Client::quiet(&[]);
    for number in 0..5 {
        client
            .create(json!({"firstName": format!("P{number}")}))
            .await;
        client.advance(10);
    }
    let base = format!("/contacts/?locationId={}&limit=2", client.location);
    let first = client.get(&base).await.body;
    assert_eq!(first["meta"]["total"], 5);
    let (after, after_id) = (
        &first["meta"]["startAfter"],
        first["meta"]["startAfterId"].as_str().unwrap(),
    );
    let second = client
        .get(&format!(
            "{base}&startAfter={after}&startAfterId={after_id}"
        ))
        .await
        .body;
    assert!(
        ids(&second["contacts"])
            .iter()
            .all(|id| !ids(&first["contacts"]).contains(id))
    );
    let next = first["meta"]["nextPageUrl"].as_str().unwrap();
    assert!(next.contains(&client.location) && next.contains(after_id));
    let lost = client
        .get(&format!(
            "/contacts/?limit=2&startAfter={after}&startAfterId={after_id}"
        ))
        .await;
    assert_eq!(
        (lost.status, &lost.body["message"]),
        (
            403,
            &json!("The token does not have access to this location.")
        )
    );
    client.turn("highlevel.old_list_location", false);
    let next = format!("/contacts/?limit=2&startAfter={after}&startAfterId={after_id}");
    let next = client.get(&next).await.body;
    assert_eq!(ids(&next["contacts"]), ids(&second["contacts"]));
    assert_eq!(
        client
            .get(&format!(
                "/contacts/?locationId={}&limit=101",
                client.location
            ))
            .await
            .status,
        422
    );
}

#[tokio::test]
async fn list_names() {
    let client = Client::quiet(&[]);
    let ann = json!({"firstName": "Ann", "lastName": "McRae"});
    client.create(ann).await;
    let path = format!("/contacts/?locationId={}", client.location);
    for (lowered, first, last, whole) in [
        (true, "ann", "mcrae", "ann mcrae"),
        (false, "Ann", "McRae", "Ann McRae"),
    ] {
        client.turn("highlevel.list_names_lowercased", lowered);
        let shown = client.get(&path).await.body["contacts"][0].clone();
        assert_eq!(shown["firstName"], first);
        assert_eq!(shown["lastName"], last);
        assert_eq!(shown["contactName"], whole);
        assert_eq!(shown["lastNameRaw"], "McRae");
    }
}

#[tokio::test]
async fn street() {
    let client = Client::quiet(&[]);
    client.create(json!({"address1": "Am Ring 1"})).await;
    for (name, old, new) in [
        ("address", true, false),
        ("address1", false, true),
        ("both", true, true),
    ] {
        client.turn("highlevel.search_street", name);
        let found = client.search(json!({})).await.body["contacts"][0].clone();
        assert_eq!(found["address"] == "Am Ring 1", old, "{found}");
        assert_eq!(found["address1"] == "Am Ring 1", new, "{found}");
    }
}

#[tokio::test]
async fn the_old_list_may_be_gone() {
    let client = Client::quiet(&[]);
    let path = format!("/contacts/?locationId={}", client.location);
    assert_eq!(client.get(&path).await.status, 200);
    client.turn("highlevel.old_list", false);
    let gone = client.get(&path).await;
    assert_eq!(
        (gone.status, &gone.body["message"]),
        (404, &json!("Cannot GET /contacts/"))
    );
}
