//! API v1.

use http::Request;
use serde_json::{Value, json};

use super::client::{Answer, Client};

async fn ask(client: &Client, method: &str, path: &str, body: Value) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(client.path(path).replace("/v2/", "/v1/"))
        .header("authorization", format!("Bearer {}", client.token))
        .header("content-type", "application/json")
        .body(axum::body::Body::from(body.to_string()));
    client.raw(request.unwrap()).await
}

#[tokio::test]
async fn members_and_teams() {
    let client = Client::quiet(&[]).await;
    let team = client.create("/companies", json!({"name": "Acme"})).await;
    for name in ["A", "B", "C"] {
        client
            .create("/members", json!({"name": name, "company": team}))
            .await;
    }
    let get = async |path: &str| ask(&client, "GET", path, json!(null)).await;
    let first = get("/members?$limit=2").await;
    let rows = first.body.as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["team"]), (2, &json!(team)));
    assert!(rows[0].get("company").is_none());
    let next = first.headers["rnd-cursor-next"].to_str().unwrap();
    let second = get(&format!("/members?$limit=2&$next={next}")).await;
    assert_eq!(second.body[0]["name"], "C");
    assert!(second.headers.get("rnd-cursor-next").is_none());
    assert!(second.headers.get("rnd-cursor-prev").is_some());
    assert_eq!(get("/members?$next=x").await.status, 500);
    assert_eq!(get(&format!("/teams/{team}")).await.body["name"], "Acme");
    assert_eq!(get("/teams/aaaaaaaaaaaaaaaaaaaaaaaa").await.status, 404);

    let hook = json!({"url": "https://receiver.example/hook", "eventTypes": ["member.created"], "enabled": true});
    let made = ask(&client, "POST", "/webhooks", hook).await;
    assert_eq!((made.status, &made.body[0]["enabled"]), (201, &json!(true)));
    assert_eq!(
        client.ok("/webhooks").await["results"][0]["isEnabled"],
        true
    );

    client.turn("api_v1", false);
    let gone = get("/members").await;
    assert_eq!(gone.status, 404);
    assert!(
        gone.body["message"]
            .as_str()
            .unwrap()
            .starts_with("Cannot GET")
    );
}
