//! Versions, unknown paths, tokens of the wrong kind, and the way to a vendor's fixed host.

use axum::body::Body;
use http::Request;
use serde_json::json;

use super::client::Client;

async fn with_version(client: &Client, path: &str, version: Option<&str>) -> super::client::Answer {
    let mut request = Request::get(format!("/highlevel{path}"))
        .header("authorization", format!("Bearer {}", client.token));
    if let Some(version) = version {
        request = request.header("Version", version);
    }
    client
        .raw(request.body(Body::empty()).unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn version_header() {
    let client = Client::quiet(&[]);
    let path = format!("/contacts/?locationId={}", client.location);
    for version in ["v3", "2023-02-21", "2021-07-28", "2021-04-15", "legacy"] {
        assert_eq!(
            with_version(&client, &path, Some(version)).await.status,
            200,
            "{version}"
        );
    }
    for (version, status, message) in [
        (None, 401, "version header was not found."),
        (Some("2020-01-01"), 401, "version header is invalid"),
        (
            Some("bogus-version"),
            400,
            "Invalid API version segment 'bogus-version' at position 0",
        ),
    ] {
        let refused = with_version(&client, &path, version).await;
        assert_eq!(
            (refused.status, refused.body["message"].as_str()),
            (status, Some(message))
        );
    }
    client.turn("highlevel.version_header", false);
    assert_eq!(with_version(&client, &path, None).await.status, 200);
}

#[tokio::test]
async fn unknown_paths_cannot_be_got() {
    let client = Client::quiet(&[]);
    let id = client.create(json!({})).await;
    for path in [format!("/contacts/{id}/nothing"), "/nothing".to_owned()] {
        let refused = client.get(&path).await;
        assert_eq!(
            (refused.status, refused.body["message"].clone()),
            (404, json!(format!("Cannot GET {path}")))
        );
    }
    let gated = client.get("/oauth/installed-locations").await;
    assert_eq!(gated.status, 404, "only v3 knows this path");
}

#[tokio::test]
async fn post_status() {
    for (choice, tag, upsert, search) in [
        ("measured", 201, 200, 200),
        ("documented", 200, 200, 200),
        ("created", 201, 201, 201),
    ] {
        let client = Client::quiet(&[("highlevel.post_status", json!(choice))]);
        let made = client
            .post(
                &format!("/locations/{}/tags", client.location),
                json!({"name": "x"}),
            )
            .await;
        let upserted = client
            .post(
                "/contacts/upsert",
                json!({"locationId": client.location, "email": "a@x.de"}),
            )
            .await;
        let found = client.search(json!({})).await;
        assert_eq!(
            (made.status, upserted.status, found.status),
            (tag, upsert, search),
            "{choice}"
        );
    }
}

#[tokio::test]
async fn tokens_of_the_wrong_kind_are_told_apart() {
    let client = Client::quiet(&[]);
    let access = client.access();
    let agency = access["agencyPrivateToken"].as_str().unwrap().to_owned();
    let other = access["locations"]
        .as_array()
        .unwrap()
        .iter()
        .find(|place| place["id"] != json!(client.location))
        .unwrap();
    let narrow = client.act(
        "create_private_token",
        json!({"scopes": ["users.readonly"]}),
    )["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let company = super::oauth::company_token(&client).await;
    let list = format!("/contacts/?locationId={}", client.location);
    let foreign = format!("/contacts/?locationId={}", other["id"].as_str().unwrap());
    for (token, path, status, message) in [
        (
            client.token.as_str(),
            &foreign,
            403,
            "The token does not have access to this location.",
        ),
        (agency.as_str(), &list, 401, "Token's user type mismatch!"),
        (
            company.as_str(),
            &list,
            401,
            "This authClass type is not allowed to access this scope. Please verify your IAM configuration if this is not the case.",
        ),
        (
            narrow.as_str(),
            &list,
            401,
            "The token is not authorized for this scope.",
        ),
        (
            "pit-nothing",
            &list,
            401,
            "Invalid Private Integration token",
        ),
        ("nothing", &list, 401, "Invalid JWT"),
        (
            "a.b.c",
            &list,
            401,
            "Invalid token: access token is invalid",
        ),
    ] {
        let refused = client.call_as(token, "GET", path, None).await;
        assert_eq!(
            (refused.status, refused.body["message"].as_str()),
            (status, Some(message)),
            "{path}"
        );
    }
    let body = json!({"companyId": access["companyId"], "locationId": client.location});
    let refused = client
        .call_as(&agency, "POST", "/oauth/locationToken", Some(&body))
        .await;
    assert_eq!(
        refused.body["message"],
        "The token is not authorized for this scope."
    );
    let place = client
        .call_as(
            &agency,
            "GET",
            &format!("/locations/{}", client.location),
            None,
        )
        .await;
    assert_eq!(
        place.body["location"]["settings"]["allowDuplicateContact"],
        false
    );
}

#[tokio::test]
async fn private_tokens_rotate_and_expire() {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let client = Client::quiet(&[]);
    let path = format!("/users/?locationId={}", client.location);
    let new = client.act("rotate_private_token", json!({"token": client.token}))["token"]
        .as_str()
        .unwrap()
        .to_owned();
    client.advance(7 * DAY_MS - 1);
    assert_eq!(
        client.get(&path).await.status,
        200,
        "both live for seven days"
    );
    client.advance(1);
    assert_eq!(client.get(&path).await.status, 401);
    assert_eq!(client.call_as(&new, "GET", &path, None).await.status, 200);
    client.act(
        "set_scopes",
        json!({"token": new, "scopes": ["contacts.readonly"]}),
    );
    assert_eq!(client.call_as(&new, "GET", &path, None).await.status, 401);
    client.act("expire_private_token", json!({"token": new}));
    assert_eq!(
        client.call_as(&new, "GET", &path, None).await.body["message"],
        "Invalid Private Integration token"
    );
}

#[tokio::test]
async fn a_fixed_host_leads_to_its_vendor() {
    let client = Client::quiet(&[]);
    for host in [
        "services.leadconnectorhq.com",
        "services.leadconnectorhq.com:443",
    ] {
        let request = Request::get(format!("/users/?locationId={}", client.location))
            .header("host", host)
            .header("authorization", format!("Bearer {}", client.token))
            .header("version", "v3");
        let answer = client
            .raw(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(answer.body["users"].as_array().unwrap().len(), 3);
    }
    let lost = client
        .raw(
            Request::get("/users/")
                .header("host", "example.org")
                .body(Body::empty())
                .unwrap(),
        )
        .await
        .unwrap();
    assert_eq!(lost.status, 404);
}

#[tokio::test]
async fn users_can_be_listed_searched_and_read() {
    let client = Client::quiet(&[]);
    let company = client.access()["companyId"].as_str().unwrap().to_owned();
    let found = client
        .get(&format!("/users/search?companyId={company}&query=vogt"))
        .await;
    assert_eq!(
        (&found.body["count"], &found.body["users"][0]["name"]),
        (&json!(1), &json!("Katrin Vogt"))
    );
    let id = found.body["users"][0]["id"].as_str().unwrap();
    assert_eq!(
        client.get(&format!("/users/{id}")).await.body["email"],
        "katrin@musterhaus.example"
    );
    assert_eq!(client.get("/users/search").await.status, 422);
}

#[tokio::test]
async fn class_refusal() {
    let client = Client::quiet(&[("highlevel.class_refusal", json!("documented"))]);
    let access = client.access();
    let agency = client.act(
        "create_private_token",
        json!({"company": true, "scopes": ["contacts.readonly"]}),
    );
    let company = super::oauth::company_token(&client).await;
    let location = super::oauth::location_tokens(&client).await;
    let places = access["locations"].as_array().unwrap();
    let other = places
        .iter()
        .find(|place| place["id"] != json!(client.location));
    let list = format!("/contacts/?locationId={}", client.location);
    let foreign = format!(
        "/contacts/?locationId={}",
        other.unwrap()["id"].as_str().unwrap()
    );
    let agency_route = format!(
        "/oauth/installedLocations?companyId={}&appId={}",
        access["companyId"].as_str().unwrap(),
        access["apps"][0]["appId"].as_str().unwrap()
    );
    let invalid = "Invalid token: access token is invalid";
    for (token, path, status, message) in [
        (agency["token"].as_str().unwrap(), &list, 401, invalid),
        (company.as_str(), &list, 401, invalid),
        (
            client.token.as_str(),
            &foreign,
            403,
            "You do not have permission to access this resource",
        ),
    ] {
        let refused = client.call_as(token, "GET", path, None).await;
        assert_eq!(
            (refused.status, &refused.body["message"]),
            (status, &json!(message)),
            "{path}"
        );
    }
    // A location's token on an agency's route: by its class if it has the scope, else by that.
    let location = location["access_token"].as_str().unwrap();
    let refused = client.call_as(location, "GET", &agency_route, None).await;
    assert_eq!(refused.status, 401, "{}", refused.body);
    client.turn("highlevel.class_refusal", "measured");
    let told = client.call_as(&company, "GET", &list, None).await;
    assert!(
        told.body["message"]
            .as_str()
            .unwrap()
            .starts_with("This authClass type"),
        "{}",
        told.body
    );
}
