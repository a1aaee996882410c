//! Custom fields: the schema of a location and the values of contacts.

use serde_json::{Value, json};

use super::client::Client;

#[tokio::test]
async fn values() {
    let client = Client::quiet(&[]);
    let add = |input: Value| {
        client.act("add_field", input)["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let text = add(json!({"name": "Pin Code", "dataType": "TEXT"}));
    let budget = add(json!({"name": "Budget", "dataType": "MONETORY"}));
    let colours =
        add(json!({"name": "Colours", "dataType": "CHECKBOX", "options": ["red", "blue"]}));
    let id = client
        .create(json!({"customFields": [
            {"key": "pin_code", "field_value": "70173"},
            {"id": budget, "field_value": "12.5"},
            {"id": colours, "field_value": ["red"]},
            {"id": "aaaaaaaaaaaaaaaaaaaa", "field_value": "dropped"}]}))
        .await;
    let expected = json!([{"id": text, "value": "70173"}, {"id": budget, "value": 12.5}, {"id": colours, "value": ["red"]}]);
    assert_eq!(client.contact(&id).await["customFields"], expected);

    let path = format!("/contacts/{id}");
    client
        .put(
            &path,
            json!({"customFields": [{"id": text, "field_value": ""}]}),
        )
        .await;
    let left = client.contact(&id).await["customFields"].clone();
    assert_eq!(left.as_array().unwrap().len(), 2, "the others stay");

    let green = json!({"customFields": [{"id": colours, "field_value": ["green"]}]});
    assert_eq!(client.put(&path, green.clone()).await.status, 422);
    client.turn("highlevel.unknown_option", "keep");
    assert_eq!(client.put(&path, green).await.status, 200);
    let many = json!({"customFields": [{"id": budget, "field_value": "many"}]});
    assert_eq!(client.put(&path, many).await.status, 422);
    client.turn("highlevel.unknown_custom_field", "refuse");
    let unknown = json!({"customFields": [{"id": "aaaaaaaaaaaaaaaaaaaa", "field_value": "x"}]});
    assert_eq!(client.put(&path, unknown).await.status, 422);
    let newer = json!({"customFields": [{"id": text, "fieldValue": "x"}]});
    assert_eq!(
        client.put(&path, newer).await.status,
        422,
        "fieldValue is v3"
    );

    let path = format!("/locations/{}/customFields", client.location);
    let money = |spelt: &str| json!({"name": format!("Rent {spelt}"), "dataType": spelt});
    for (known, unknown) in [("MONETORY", "MONETARY"), ("MONETARY", "MONETORY")] {
        client.turn("highlevel.money_type", known);
        let made = client.post(&path, money(known)).await;
        assert_eq!(made.status, 201);
        assert_eq!(made.body["customField"]["dataType"], known);
        assert_eq!(client.post(&path, money(unknown)).await.status, 422);
    }
}

#[tokio::test]
async fn the_schema_can_be_listed_and_changed() {
    let client = Client::quiet(&[]);
    let base = format!("/locations/{}/customFields", client.location);
    let made = client
        .post(
            &base,
            json!({"name": "Pin Code", "dataType": "TEXT", "model": "contact"}),
        )
        .await;
    assert_eq!(
        (made.status, &made.body["customField"]["fieldKey"]),
        (201, &json!("contact.pin_code"))
    );
    let id = made.body["customField"]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        client.get(&format!("{base}/contact.pin_code")).await.body["customField"]["id"],
        json!(id)
    );
    assert_eq!(
        client.get(&format!("{base}?model=opportunity")).await.body["customFields"],
        json!([])
    );
    assert_eq!(
        client
            .put(&format!("{base}/{id}"), json!({"name": "Code"}))
            .await
            .body["customField"]["name"],
        "Code"
    );
    assert_eq!(
        client
            .post(&base, json!({"name": "X", "dataType": "MONETARY"}))
            .await
            .status,
        422
    );
    assert_eq!(
        client.delete(&format!("{base}/{id}")).await.body["succeded"],
        true
    );
    assert_eq!(client.get(&format!("{base}/{id}")).await.status, 400);
}

#[tokio::test]
async fn a_deactivated_field_disappears_and_comes_back_with_its_values() {
    let client = Client::quiet(&[]);
    let field = client.act("add_field", json!({"name": "Pin", "dataType": "TEXT"}))["id"].clone();
    let id = client
        .create(json!({"customFields": [{"id": field, "field_value": "7"}]}))
        .await;
    client.act("set_field_active", json!({"id": field, "active": false}));
    assert_eq!(client.contact(&id).await["customFields"], json!([]));
    let base = format!("/locations/{}/customFields", client.location);
    assert_eq!(client.get(&base).await.body["customFields"], json!([]));
    assert_eq!(
        client.act("get_contact", json!({"id": id}))["customFields"][0]["active"],
        false
    );
    client.act("set_field_active", json!({"id": field, "active": true}));
    assert_eq!(
        client.contact(&id).await["customFields"],
        json!([{"id": field, "value": "7"}])
    );
}

#[tokio::test]
async fn shapes() {
    let client = Client::quiet(&[]);
    client.subscribe();
    let field = client.act("add_field", json!({"name": "Pin", "dataType": "TEXT"}));
    let field = field["id"].as_str().unwrap();
    let id = client
        .create(json!({"customFields": [{"id": field, "field_value": "1"}]}))
        .await;
    client.webhooks().await;
    for (shape, shown) in [
        ("value", json!([{"id": field, "value": "1"}])),
        ("field_value", json!([{"id": field, "field_value": "1"}])),
        ("fieldValue", json!([{"id": field, "fieldValue": "1"}])),
        ("object", json!({field: "1"})),
    ] {
        client.turn("highlevel.custom_field_shape", shape);
        assert_eq!(client.contact(&id).await["customFields"], shown);
        let found = client.search(json!({})).await.body;
        assert_eq!(found["contacts"][0]["customFields"], shown);
        client.act("edit_contact", json!({"id": id, "fields": {"city": shape}}));
        let told = client.webhooks().await;
        assert_eq!(told[0].body["customFields"], shown);
    }
}

#[tokio::test]
async fn input() {
    let client = Client::quiet(&[]);
    let field = client.act("add_field", json!({"name": "Pin", "dataType": "TEXT"}));
    let field = field["id"].as_str().unwrap();
    let id = client.create(json!({"firstName": "Ann"})).await;
    let taken = async |version: &str, name: &str| {
        let body = json!({"customFields": [{"id": field, name: "1"}]});
        let request = http::Request::put(format!("/highlevel/contacts/{id}"))
            .header("authorization", format!("Bearer {}", client.token))
            .header("version", version)
            .body(axum::body::Body::from(body.to_string()));
        client.raw(request.unwrap()).await.unwrap().status == 200
    };
    let names = ["field_value", "fieldValue", "value"];
    for (switch, dated, v3) in [
        ("documented", [true, false, false], [true, true, false]),
        ("renamed", [true, false, false], [false, true, false]),
        ("any", [true; 3], [true; 3]),
    ] {
        client.turn("highlevel.custom_field_input", switch);
        for (at, name) in names.into_iter().enumerate() {
            assert_eq!(
                taken("2021-07-28", name).await,
                dated[at],
                "{switch} {name}"
            );
            assert_eq!(taken("v3", name).await, v3[at], "{switch} {name}");
        }
    }
}
