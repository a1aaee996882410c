//! How the vendor says no.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use super::client::Client;

#[tokio::test]
async fn whitelist() {
    let client = Client::quiet(&[]).await;
    let mut body = client.enough("Ada");
    body["status"] = json!("active");
    body["tags"] = json!(["vip"]);
    body["address"] = json!({"city": "Köln", "planet": "Earth"});
    // live records have it, and no documented body does
    body["billingDetails"] = json!({"vatNumber": "DE1", "taxRate": "t19"});
    assert_eq!(
        client.post("/members", body.clone()).await.failures(),
        [
            "property status should not exist",
            "property tags should not exist",
            "address.property planet should not exist",
            "billingDetails.property taxRate should not exist"
        ]
    );
    client.turn("whitelist", false);
    let made = client.post("/members", body).await;
    assert_eq!(made.body["billingDetails"], json!({"vatNumber": "DE1"}));
    assert_eq!(
        (made.status, &made.body["status"], &made.body["address"]),
        (201, &json!("contact"), &json!({"city": "Köln"}))
    );
}

#[tokio::test]
async fn message_arrays() {
    let client = Client::quiet(&[]).await;
    let body = json!({"startDate": "soon", "isContactPerson": "yes", "properties": []});
    let failures = [
        "properties must be an object",
        "name must be a string",
        "location must be a string",
        "startDate must be a valid ISO 8601 date string",
        "isContactPerson must be a boolean value",
    ];
    assert_eq!(
        client.post("/members", body.clone()).await.failures(),
        failures
    );
    client.turn("message_arrays", false);
    assert_eq!(
        client.post("/members", body).await.body["message"],
        failures[0]
    );
}

#[tokio::test]
async fn enums() {
    let client = Client::quiet(&[]).await;
    let company = client.create("/companies", json!({})).await;
    let mut body = client.enough("Desk");
    body["plan"] = client.access["plans"][0]["_id"].clone();
    body["company"] = json!(company);
    body["type"] = json!("yearly");
    assert_eq!(
        client.post("/memberships", body.clone()).await.failures(),
        ["type must be one of the following values: month_to_month, fixed"]
    );
    client.turn("enums_checked", false);
    assert_eq!(client.post("/memberships", body).await.status, 201);
}

#[tokio::test]
async fn emails() {
    let client = Client::quiet(&[]).await;
    let id = client.create("/members", json!({"email": "a@x.de"})).await;
    let path = format!("/members/{id}");
    for wrong in ["x", "a b@x.de", "a@x.de ", "a@x", ""] {
        let answer = client.put(&path, json!({"email": wrong})).await;
        assert_eq!(answer.failures(), ["email must be an email"], "{wrong:?}");
    }
    client.turn("email_checked", false);
    let answer = client.put(&path, json!({"email": "a@x.de "})).await;
    assert_eq!(answer.body["email"], "a@x.de ");
}

#[tokio::test]
async fn ids() {
    let client = Client::quiet(&[]).await;
    let unknown = client.get("/members/aaaaaaaaaaaaaaaaaaaaaaaa").await;
    assert_eq!(
        (unknown.status, unknown.body),
        (
            404,
            json!({"statusCode": 404, "message": "Item with Id (aaaaaaaaaaaaaaaaaaaaaaaa)", "error": "Not Found"})
        )
    );
    let status = async || client.put("/members/nonsense", json!({})).await.status;
    assert_eq!(status().await, 404);
    for (choice, expected) in [("400", 400), ("500", 500)] {
        client.turn("broken_id", choice);
        assert_eq!(status().await, expected);
        let unknown = client.get("/members/aaaaaaaaaaaaaaaaaaaaaaaa").await;
        assert_eq!(unknown.status, 404);
    }
}

#[tokio::test]
async fn slug() {
    let client = Client::quiet(&[]).await;
    client.act("set_organization", json!({"slug": "elsewhere"}));
    let answer = client.get("/members").await;
    assert_eq!(
        (answer.status, &answer.body["message"]),
        (500, &json!("Organization not found"))
    );
    client.turn("wrong_slug", "404");
    assert_eq!(client.get("/members").await.status, 404);
}

#[tokio::test]
async fn verbs() {
    let client = Client::quiet(&[]).await;
    let status = async |method: &str, path: &str| {
        let answer = client.call(method, path, Some(&json!({}))).await;
        let text = answer.body["message"].as_str().unwrap().to_owned();
        assert!(
            text.starts_with(&format!("Cannot {method} /api/v2/")),
            "{text}"
        );
        answer.status
    };
    assert_eq!(status("POST", "/locations").await, 404);
    assert_eq!(status("PATCH", "/members/1").await, 404);
    client.turn("unsupported_verb", "405");
    assert_eq!(status("POST", "/locations").await, 405);
    assert_eq!(status("GET", "/notes").await, 404, "no such path");
}

#[tokio::test]
async fn references() {
    let client = Client::quiet(&[]).await;
    let nobody = "aaaaaaaaaaaaaaaaaaaaaaaa";
    let message = async |field: &str, value: &str| {
        let mut body = client.enough("Ada");
        body[field] = json!(value);
        let answer = client.post("/members", body).await;
        let text = answer.body["message"].as_str().unwrap().to_owned();
        (answer.status, text)
    };
    assert_eq!(
        message("location", nobody).await,
        (500, "Specified office was not found".to_owned())
    );
    assert_eq!(
        message("company", nobody).await,
        (500, "Specified team was not found".to_owned())
    );
    let (status, text) = message("company", "nonsense").await;
    assert_eq!(status, 500);
    assert!(text.contains("24 character hex string"));
    client.turn("error_words", "v2");
    assert_eq!(
        message("company", nobody).await.1,
        "Specified company was not found"
    );
    client.turn("bad_reference", "400");
    assert_eq!(message("company", nobody).await.0, 400);
    client.control.officernd(|state| {
        assert!(
            state.all(sandbox::officernd::Kind::Member).is_empty(),
            "nothing was made"
        );
    });
}

#[tokio::test]
async fn business_rules() {
    let client = Client::quiet(&[]).await;
    let company = client.create("/companies", json!({})).await;
    let member = client.create("/members", json!({})).await;
    let message = async |path: &str, fields: Value| {
        let mut body = client.enough("Desk");
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = client.post(path, body).await;
        (
            answer.status,
            answer.body["message"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    assert_eq!(
        message("/members", json!({"name": ""})).await,
        (500, "Path 'name' is required.".to_owned())
    );
    assert_eq!(
        message("/members", json!({"name": "  "})).await.0,
        201,
        "only white space is a name"
    );
    let plan = client.access["plans"][0]["_id"].clone();
    assert_eq!(
        message(
            "/memberships",
            json!({"plan": plan, "company": company, "endDate": "2025-01-01"})
        )
        .await,
        (
            500,
            "Membership startDate should be before the endDate".to_owned()
        )
    );
    let both = json!({"plan": plan, "company": company, "member": member, "isPersonal": true});
    assert_eq!(message("/memberships", both.clone()).await.0, 500);
    let fixed = json!({"plan": plan, "company": company, "type": "fixed"});
    assert_eq!(message("/memberships", fixed).await.0, 500);
    client.turn("broken_rule", "400");
    assert_eq!(message("/memberships", both).await.0, 400);
}

#[tokio::test]
async fn content_type() {
    let client = Client::quiet(&[]).await;
    let ask = async || {
        let request = Request::post(client.path("/members"))
            .header("authorization", format!("Bearer {}", client.token))
            .body(Body::from(client.enough("Ada").to_string()));
        client.raw(request.unwrap()).await
    };
    assert_eq!(
        ask().await.failures(),
        [
            "name must be a string",
            "location must be a string",
            "startDate must be a valid ISO 8601 date string"
        ]
    );
    client.turn("content_type_required", false);
    assert_eq!(ask().await.status, 201);
    let broken = Request::post(client.path("/members"))
        .header("authorization", format!("Bearer {}", client.token))
        .header("content-type", "application/json")
        .body(Body::from("{"));
    assert_eq!(client.raw(broken.unwrap()).await.status, 400);
}
