//! Creating, changing and deleting contacts.

use serde_json::{Value, json};

use super::client::Client;

#[tokio::test]
async fn create_answers_201_with_what_is_stored() {
    let client = Client::quiet(&[]);
    let answer = client
        .post(
            "/contacts/",
            json!({"locationId": client.location, "firstName": "Änne", "lastName": "Groß", "phone": "0711 / 791 75 69",
                "address1": "Hauptstr. 1", "dateOfBirth": "09/25/1990", "tags": ["VIP", "VIP", "Messe"]}),
        )
        .await;
    assert_eq!(answer.status, 201);
    let contact = &answer.body["contact"];
    assert_eq!(contact["phone"], "+497117917569");
    assert_eq!(contact["dateOfBirth"], "1990-09-25T00:00:00.000Z");
    assert_eq!(
        (&contact["birthMonth"], &contact["birthDay"]),
        (&json!(9), &json!(25))
    );
    assert_eq!(contact["tags"], json!(["VIP", "Messe"]));
    assert_eq!(contact["source"], "public api");
    assert_eq!(contact["deleted"], false);
    assert!(contact.get("city").is_none(), "absent values are left out");
    assert_eq!(answer.body["traceId"].as_str().unwrap().len(), 36);

    let read = client.contact(contact["id"].as_str().unwrap()).await;
    assert_eq!(read["dateOfBirth"], "1990-09-25");
    assert_eq!(read["fullNameLowerCase"], "änne groß");
    assert_eq!(read["dateAdded"], "2026-03-01T12:00:00.000Z");
    assert_eq!(read["createdBy"]["source"], "INTEGRATION");
}

#[tokio::test]
async fn whitelist() {
    let client = Client::quiet(&[]);
    let id = client.create(json!({"firstName": "A"})).await;
    let path = format!("/contacts/{id}");
    let refused = client
        .put(
            &path,
            json!({"firstName": "B", "gender": "f", "companyName": "X", "locationId": "l"}),
        )
        .await;
    assert_eq!(refused.status, 422);
    assert_eq!(
        sorted(&refused.body["message"]),
        [
            "property companyName should not exist",
            "property gender should not exist",
            "property locationId should not exist"
        ]
    );
    assert_eq!(refused.body["error"], "Unprocessable Entity");
    assert_eq!(
        client.contact(&id).await["firstName"],
        "A",
        "a refused write changes nothing"
    );
    let refused = client
        .post(
            "/contacts/",
            json!({"locationId": client.location, "additionalEmails": []}),
        )
        .await;
    assert_eq!(
        refused.body["message"],
        json!(["property additionalEmails should not exist"])
    );
    let refused = client
        .put(
            &path,
            json!({"postalCode": null, "country": "Deutschland", "email": "x", "tags": "VIP"}),
        )
        .await;
    assert_eq!(
        sorted(&refused.body["message"]),
        [
            "country must be a valid enum value",
            "email must be an email",
            "postalCode must be a string",
            "tags must be an array"
        ]
    );
    client.turn("highlevel.whitelist", false);
    assert_eq!(
        client
            .put(&path, json!({"firstName": "B", "additionalEmails": []}))
            .await
            .status,
        200
    );
    assert_eq!(client.contact(&id).await["firstName"], "B");
}

#[tokio::test]
async fn put_changes_only_what_is_sent_and_null_clears() {
    let client = Client::quiet(&[]);
    let id = client
        .create(json!({"firstName": "A", "lastName": "B", "email": "a@b.de", "city": "Ulm"}))
        .await;
    let answer = client
        .put(
            &format!("/contacts/{id}"),
            json!({"lastName": "C", "city": null, "email": ""}),
        )
        .await;
    assert_eq!(
        (&answer.body["succeded"], &answer.body["succeeded"]),
        (&json!(true), &json!(true))
    );
    let contact = client.contact(&id).await;
    assert_eq!(
        (&contact["firstName"], &contact["lastName"]),
        (&json!("A"), &json!("C"))
    );
    assert!(contact.get("city").is_none() && contact.get("email").is_none());
}

#[tokio::test]
async fn duplicates_are_a_400_with_the_other_contact() {
    let client = Client::quiet(&[]);
    let first = client
        .create(json!({"firstName": "Ann", "email": "Ann@x.de", "phone": "+49711555123"}))
        .await;
    let other = client.create(json!({"firstName": "Bob"})).await;
    let refused = client
        .post(
            "/contacts/",
            json!({"locationId": client.location, "email": "ann@X.de"}),
        )
        .await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.body["message"],
        "This location does not allow duplicated contacts."
    );
    assert_eq!(
        refused.body["meta"],
        json!({"contactId": first, "matchingField": "email", "contactName": "Ann"})
    );
    let refused = client
        .put(
            &format!("/contacts/{other}"),
            json!({"phone": "0711 555123"}),
        )
        .await;
    assert_eq!(
        (refused.status, &refused.body["meta"]["matchingField"]),
        (400, &json!("phone"))
    );
    let own = client
        .put(
            &format!("/contacts/{first}"),
            json!({"email": "ann@x.de", "phone": "+49711555123"}),
        )
        .await;
    assert_eq!(own.status, 200, "a contact is no duplicate of itself");

    client.act("set_location", json!({"allowDuplicateContact": true}));
    client.create(json!({"email": "ann@x.de"})).await;
}

#[tokio::test]
async fn email_case() {
    let client = Client::quiet(&[]);
    let id = client.create(json!({"email": "JohnDeo@Gmail.com"})).await;
    assert_eq!(client.contact(&id).await["email"], "johndeo@gmail.com");
    client.turn("highlevel.email_lowercased", false);
    client
        .put(
            &format!("/contacts/{id}"),
            json!({"email": "JohnDeo@Gmail.com"}),
        )
        .await;
    let contact = client.contact(&id).await;
    assert_eq!(
        (&contact["email"], &contact["emailLowerCase"]),
        (&json!("JohnDeo@Gmail.com"), &json!("johndeo@gmail.com"))
    );
}

#[tokio::test]
async fn phone() {
    let client = Client::quiet(&[]);
    let refused = client
        .post(
            "/contacts/",
            json!({"locationId": client.location, "phone": "ask Anna"}),
        )
        .await;
    assert_eq!(
        (refused.status, &refused.body["message"]),
        (422, &json!(["phone must be a valid phone number"]))
    );
    client.turn("highlevel.invalid_phone", "keep");
    let id = client.create(json!({"phone": "ask Anna"})).await;
    assert_eq!(client.contact(&id).await["phone"], "ask Anna");
    let swiss = client
        .create(json!({"phone": "079 158 07 36", "country": "CH"}))
        .await;
    assert_eq!(
        client.contact(&swiss).await["phone"],
        "+41791580736",
        "a national number takes the contact's country"
    );
}

#[tokio::test]
async fn touch() {
    let client = Client::quiet(&[]);
    let id = client.create(json!({"firstName": "A"})).await;
    client.advance(5_000);
    client
        .put(&format!("/contacts/{id}"), json!({"firstName": "A"}))
        .await;
    assert_eq!(
        client.contact(&id).await["dateUpdated"],
        "2026-03-01T12:00:05.000Z"
    );
    client.turn("highlevel.put_touches", false);
    client.advance(5_000);
    client
        .put(&format!("/contacts/{id}"), json!({"firstName": "A"}))
        .await;
    assert_eq!(
        client.contact(&id).await["dateUpdated"],
        "2026-03-01T12:00:05.000Z"
    );
    let edits = client.control.core().edits.since(0);
    assert_eq!(
        edits.len(),
        3,
        "writes that change nothing are in the log too"
    );
    assert!(edits[1..].iter().all(|edit| edit.fields.is_empty()));
}

#[tokio::test]
async fn birthday() {
    let client = Client::quiet(&[("highlevel.birthday_dropped", json!(true))]);
    let id = client.create(json!({"dateOfBirth": "1990-09-25"})).await;
    assert!(client.contact(&id).await.get("dateOfBirth").is_none());
    client.turn("highlevel.birthday_dropped", false);
    client
        .put(
            &format!("/contacts/{id}"),
            json!({"dateOfBirth": "1990_09_25"}),
        )
        .await;
    assert_eq!(client.contact(&id).await["dateOfBirth"], "1990-09-25");
    let refused = client
        .put(
            &format!("/contacts/{id}"),
            json!({"dateOfBirth": "25.09.1990"}),
        )
        .await;
    assert_eq!(refused.status, 422);
}

#[tokio::test]
async fn create_422() {
    let client = Client::quiet(&[("highlevel.create_422_every", json!(2))]);
    client.create(json!({"email": "one@x.de"})).await;
    let body = json!({"locationId": client.location, "email": "two@x.de"});
    let lied = client.post("/contacts/", body.clone()).await;
    assert_eq!(lied.status, 422);
    let again = client.post("/contacts/", body).await;
    assert_eq!(again.status, 400, "it was created all the same");
    assert!(again.body["meta"]["contactId"].is_string());
}

#[tokio::test]
async fn unknown_contact() {
    let client = Client::quiet(&[]);
    let id = client.create(json!({"firstName": "A"})).await;
    client.delete(&format!("/contacts/{id}")).await;
    for (method, body) in [("GET", None), ("PUT", Some(json!({}))), ("DELETE", None)] {
        let gone = client
            .call_as(
                &client.token,
                method,
                &format!("/contacts/{id}"),
                body.as_ref(),
            )
            .await;
        assert_eq!(
            (gone.status, &gone.body["message"]),
            (400, &json!(format!("Contact not found for id:{id}")))
        );
    }
    client.turn("highlevel.unknown_contact", "404");
    assert_eq!(client.get(&format!("/contacts/{id}")).await.status, 404);
}

#[tokio::test]
async fn delete_spelling() {
    for (choice, expected) in [
        ("both", json!({"succeded": true, "succeeded": true})),
        ("succeded", json!({"succeded": true})),
        ("succeeded", json!({"succeeded": true})),
    ] {
        let client = Client::quiet(&[("highlevel.delete_spelling", json!(choice))]);
        let id = client.create(json!({"firstName": "A"})).await;
        let mut answer = client.delete(&format!("/contacts/{id}")).await.body;
        answer.as_object_mut().unwrap().remove("traceId");
        assert_eq!(answer, expected);
    }
}

#[tokio::test]
async fn dnd_settings_have_other_keys_in_v3() {
    let client = Client::quiet(&[]);
    let id = client
        .create(json!({"dnd": true, "dndSettings": {"Email": {"status": "active"}}}))
        .await;
    let refused = client
        .put(
            &format!("/contacts/{id}"),
            json!({"dndSettings": {"email": {"status": "active"}}}),
        )
        .await;
    assert_eq!(
        refused.body["message"],
        json!(["dndSettings.property email should not exist"])
    );
    let request = http::Request::get(format!("/highlevel/contacts/{id}"))
        .header("authorization", format!("Bearer {}", client.token))
        .header("version", "v3");
    let answer = client
        .raw(request.body(axum::body::Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(
        answer.body["contact"]["dndSettings"],
        json!({"email": {"status": "active"}})
    );
    let wrong: Value = client.contact(&id).await["dndSettings"].clone();
    assert_eq!(wrong, json!({"Email": {"status": "active"}}));
}

fn sorted(messages: &Value) -> Vec<&str> {
    let mut messages: Vec<&str> = messages
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect();
    messages.sort_unstable();
    messages
}

#[tokio::test]
async fn duplicate_answer() {
    let client = Client::quiet(&[]);
    let other = client
        .create(json!({"firstName": "Ann", "email": "ann@x.de"}))
        .await;
    let text = "This location does not allow duplicated contacts.";
    let whole = json!({"contactId": other, "matchingField": "email", "contactName": "Ann"});
    for (variant, status, message, meta) in [
        ("named", 400, json!(text), whole.clone()),
        ("no_field", 400, json!(text), json!({"contactId": other})),
        ("bare", 400, json!(text), Value::Null),
        ("409", 409, json!(text), whole.clone()),
        ("422", 422, json!([text]), whole.clone()),
    ] {
        client.turn("highlevel.duplicate_answer", variant);
        let body = json!({"locationId": client.location, "email": "ann@x.de"});
        let refused = client.post("/contacts/", body).await;
        assert_eq!(
            (
                refused.status,
                &refused.body["message"],
                &refused.body["meta"]
            ),
            (status, &message, &meta),
            "{variant}"
        );
    }
}

#[tokio::test]
async fn birthday_form() {
    let client = Client::quiet(&[]);
    let (day, time) = ("1990-09-25", "1990-09-25T00:00:00.000Z");
    for (form, made, read, found) in [
        ("by_place", time, day, time),
        ("day", day, day, day),
        ("timestamp", time, time, time),
    ] {
        client.turn("highlevel.birthday_form", form);
        let body = json!({"locationId": client.location, "city": form, "dateOfBirth": day});
        let contact = client.post("/contacts/", body).await.body["contact"].clone();
        assert_eq!(contact["dateOfBirth"], made, "{form}");
        let id = contact["id"].as_str().unwrap();
        assert_eq!(client.contact(id).await["dateOfBirth"], read, "{form}");
        let search = client.search(json!({})).await.body;
        assert_eq!(search["contacts"][0]["dateOfBirth"], found, "{form}");
    }
}
